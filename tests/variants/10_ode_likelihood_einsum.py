# %% [ode.ode_sample] by einsum, with a class for the slope
class Slope:
    def __call__(self, t, y):
        x = torch.from_numpy(np.ascontiguousarray(y)).type(z.dtype).view_as(z)
        when = z.new_full((z.size(0),), t)
        f, g = sde.sde(x, when)
        pull = torch.einsum("b,b...->b...", g * g, score_fn(x, when))
        return np.asarray((f - pull.div(2)).detach().reshape(-1), dtype=np.float64)

return z.new_tensor(solve_ivp(Slope(), (sde.T, t_min), np.asarray(z.reshape(-1), dtype=np.float64), rtol=rtol,
                              atol=atol)["y"][..., -1]).view_as(z)

# %% [ode.exact_divergence] by torch.func
def one(state, time):
    return fn(state[None], time[None])[0].reshape(-1)

def trace(state, time):
    J = torch.func.jacrev(one)(state, time)
    return torch.einsum("ii->", J.reshape(state.numel(), state.numel()))

return torch.stack([trace(x[i].detach(), t[i]) for i in range(len(x))]).detach()

# %% [ode.hutchinson_divergence] by a Jacobian–vector product
moved = torch.func.jvp(lambda states: fn(states, t), (x.detach(),), (probe,))[1]
return torch.einsum("bi,bi->b", moved.reshape(len(x), -1), probe.reshape(len(x), -1)).detach()

# %% [ode.likelihood_ode] by einsum, the prior's part first
def u(state, when):
    f, g = sde.sde(state, when)
    return f - 0.5 * torch.einsum("b,b...->b...", g.square(), score_fn(state, when))

def slope(t, y):
    state = x.new_tensor(y[len(x):]).view_as(x)
    when = x.new_full((len(x),), t)
    return np.concatenate([exact_divergence(u, state, when).numpy(), u(state, when).detach().numpy().flatten()])

end = solve_ivp(slope, (t_min, sde.T), np.concatenate([np.zeros(len(x)), x.numpy().flatten()]), rtol=rtol, atol=atol)
change, z = x.new_tensor(end.y[:len(x), -1]), x.new_tensor(end.y[len(x):, -1]).view_as(x)
return torch.add(change, sde.prior_logp(z)), z, end.nfev

# %% [ode.bits_per_dim] by numpy's constants
scale = (data_range[1] - data_range[0]) / 2
return 7 - math.log2(scale) - logp / (dims * np.log(2))

# %% [ode.ddim_sigma] one root
return eta * torch.sqrt((alpha_bar_s - alpha_bar_t) * (1 - alpha_bar_s) / (alpha_bar_s * (1 - alpha_bar_t)))

# %% [ode.ddim_step_eta] by einsum
std = ddim_sigma(eta, alpha_bar_t, alpha_bar_s)
of_x = (alpha_bar_s / alpha_bar_t).sqrt()
of_noise = (1 - alpha_bar_s - std**2).clamp(min=0).sqrt() - of_x * (1 - alpha_bar_t).sqrt()
terms = zip((of_x, of_noise, std), (x_t, noise_pred, z))
return sum(torch.einsum("b,b...->b...", weight, term) for weight, term in terms)

# %% [ode.heun_step] by einsum
k1 = drift(x, t)
k2 = drift(x + torch.einsum("b,b...->b...", s - t, k1), s)
return x + torch.einsum("b,b...->b...", (s - t) / 2, k1 + k2)
