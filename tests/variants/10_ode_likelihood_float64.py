# %% [ode.ode_sample] float64 where the solver is
shape, dtype = z.shape, z.dtype

def slope(t, y):
    x, times = torch.as_tensor(y.reshape(shape)).to(dtype), torch.ones(shape[0], dtype=dtype) * t
    with torch.inference_mode():
        f, g = sde.sde(x, times)
        s = score_fn(x, times)
    g2 = g.double().square().reshape((-1,) + (1,) * (len(shape) - 1))
    return (f.double() - s.double() * g2 / 2).numpy().flatten()

y = solve_ivp(slope, (sde.T, t_min), z.numpy().astype(np.float64).flatten(), atol=atol, rtol=rtol).y
return torch.tensor(y[:, y.shape[1] - 1].reshape(tuple(shape)), dtype=dtype)

# %% [ode.exact_divergence] added up in float64
x, t = x.clone().detach(), t.clone().detach()
total = torch.zeros(x.shape[0], dtype=torch.float64)
with torch.enable_grad():
    x.requires_grad = True
    out = fn(x, t)
    for i in range(x[0].numel()):
        e = torch.zeros_like(out).reshape(len(x), -1)
        e[:, i] = 1.0
        total = total + torch.autograd.grad(out, x, e.view_as(out), retain_graph=True)[0].reshape(len(x), -1)[:, i].double()
return total.to(x.dtype)

# %% [ode.hutchinson_divergence] added up in float64
with torch.enable_grad():
    x = x.detach().clone()
    x.requires_grad = True
    inner = (fn(x, t) * probe).sum()
    product = torch.autograd.grad(inner, x)[0]
return (product.double() * probe.double()).reshape(len(x), -1).sum(-1).to(product.dtype)

# %% [ode.likelihood_ode] float64 where the solver is
b = len(x)

def split(y):
    return torch.as_tensor(y[:-b].reshape(tuple(x.shape))).to(x.dtype), torch.as_tensor(y[-b:])

def drift(state, times):
    f, g = sde.sde(state, times)
    return f - score_fn(state, times) * (g**2 / 2).reshape(b, *[1] * (x.dim() - 1))

def slope(t, y):
    state, _ = split(y)
    times = torch.ones(b, dtype=x.dtype) * t
    div = exact_divergence(drift, state, times).double()
    return np.hstack([drift(state, times).double().detach().numpy().flatten(), -div.numpy()])

result = solve_ivp(slope, (t_min, sde.T), np.hstack([x.double().numpy().flatten(), np.zeros(b)]), "RK45", None, False, None,
                   rtol=rtol, atol=atol)
z, lost = split(result.y[:, -1])
return (sde.prior_logp(z).double() - lost).to(x.dtype), z, result.nfev

# %% [ode.bits_per_dim] through probabilities of a cell
low, high = map(float, data_range)
per_dim = logp.double() / dims + np.log(high - low) - np.log(256)
return (-per_dim * np.log2(np.e)).to(logp.dtype)

# %% [ode.ddim_sigma] from DDPM's posterior
t, s = alpha_bar_t.double(), alpha_bar_s.double()
beta = 1 - t / s
posterior = beta * (1 - s) / (1 - t)
return (eta * posterior**0.5).to(alpha_bar_t.dtype)

# %% [ode.ddim_step_eta] in float64
a, c = (v.double().reshape(-1, *[1] * (x_t.ndim - 1)) for v in (alpha_bar_t, alpha_bar_s))
std = ddim_sigma(eta, alpha_bar_t, alpha_bar_s).double().reshape(-1, *[1] * (x_t.ndim - 1))
start = (x_t.double() - (1 - a).sqrt() * noise_pred.double()) * a.rsqrt()
x_s = c.sqrt() * start + (1 - c - std.square()).clamp_min(0).sqrt() * noise_pred.double() + std * z.double()
return x_s.to(x_t.dtype)

# %% [ode.heun_step] in float64
h = (s.double() - t.double()).reshape(-1, *[1] * (x.dim() - 1))
k1 = drift(x, t)
k2 = drift((x.double() + h * k1.double()).to(x.dtype), s)
return (x.double() + 0.5 * h * k1.double() + 0.5 * h * k2.double()).to(x.dtype)
