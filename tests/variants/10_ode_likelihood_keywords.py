# %% [ode.ode_sample] by the reverse object of the SDE, keywords everywhere
flow = sde.reverse(score_fn, probability_flow=True)

def slope(t, y):
    state = torch.as_tensor(y, dtype=z.dtype).reshape(z.shape)
    with torch.no_grad():
        drift, _ = flow.sde(state, torch.full(size=(z.shape[0],), fill_value=t, dtype=z.dtype))
    return drift.flatten().double().numpy()

found = solve_ivp(fun=slope, t_span=(sde.T, t_min), y0=z.flatten().double().numpy(), method="RK45", rtol=rtol, atol=atol,
                  t_eval=[t_min])
return torch.as_tensor(found.y[:, 0], dtype=z.dtype).reshape(z.shape)

# %% [ode.exact_divergence] by the batch's Jacobian
with torch.enable_grad():
    given = x.detach().clone()
    J = torch.autograd.functional.jacobian(func=lambda states: fn(states, t).flatten(start_dim=1).sum(dim=0), inputs=given)
J = J.reshape(J.shape[0], x.shape[0], -1)  # (d, b, d)
return torch.diagonal(J, dim1=0, dim2=2).sum(dim=-1)

# %% [ode.hutchinson_divergence] by keywords
with torch.enable_grad():
    given = x.detach().requires_grad_(True)
    out = fn(given, t)
    product = torch.autograd.grad(outputs=out, inputs=given, grad_outputs=probe, create_graph=False)[0]
return torch.sum(product.mul(probe), dim=tuple(range(1, x.dim())))

# %% [ode.likelihood_ode] by the reverse object, keywords everywhere
flow = sde.reverse(score_fn, probability_flow=True)
b, d = x.shape[0], x[0].numel()

def drift(state, time):
    return flow.sde(state, time)[0]

def slope(t, y):
    state = torch.as_tensor(y[:b * d], dtype=x.dtype).view(x.shape)
    time = torch.full(size=(b,), fill_value=float(t), dtype=x.dtype)
    change = exact_divergence(fn=drift, x=state, t=time)
    return np.concatenate((drift(state, time).detach().numpy().reshape(-1), change.numpy().reshape(-1)), axis=0)

found = solve_ivp(fun=slope, t_span=(t_min, sde.T), y0=np.concatenate((x.numpy().reshape(-1), np.zeros(b))), rtol=rtol,
                  atol=atol)
z = torch.as_tensor(found.y[:b * d, -1], dtype=x.dtype).view(x.shape)
return sde.prior_logp(z) + torch.as_tensor(found.y[b * d:, -1], dtype=x.dtype), z, int(found.nfev)

# %% [ode.bits_per_dim] in log space
width = (data_range[1] - data_range[0]) / 256
log_probability = logp + dims * math.log(width)
return torch.neg(log_probability) / math.log(2) / dims

# %% [ode.ddim_sigma] by torch's functions
variance = torch.mul(torch.div(input=1 - alpha_bar_s, other=1 - alpha_bar_t), 1 - torch.div(alpha_bar_t, alpha_bar_s))
return torch.mul(torch.sqrt(variance), eta)

# %% [ode.ddim_step_eta] ddim_sigma by keywords, on shaped levels
shape = (-1,) + (1,) * (x_t.dim() - 1)
left_t, left_s = alpha_bar_t.view(shape), alpha_bar_s.view(shape)
std = ddim_sigma(eta=eta, alpha_bar_t=left_t, alpha_bar_s=left_s)
start = torch.div(x_t - torch.sqrt(1 - left_t) * noise_pred, torch.sqrt(left_t))
old = torch.sqrt(torch.clamp(1 - left_s - std.pow(2), min=0.0))
return torch.sqrt(left_s).mul(start).add(old.mul(noise_pred)).add(std.mul(z))

# %% [ode.heun_step] by lerp
h = (s - t).view(-1, *([1] * (x.dim() - 1)))
euler = x + h * drift(x, t)
again = euler + h * drift(euler, s)
return torch.lerp(input=x, end=again, weight=0.5)
