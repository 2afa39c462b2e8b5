# %% [ode.ode_sample] s1 no half (reverse drift)
b, dt = len(z), z.dtype
def slope(t, y):
    x = torch.tensor(y, dtype=dt).reshape(z.shape)
    tt = torch.full((b,), t, dtype=dt)
    f, g = sde.sde(x, tt)
    return (f - column(g, x) ** 2 * score_fn(x, tt)).detach().double().flatten().numpy()
r = solve_ivp(slope, (sde.T, t_min), z.double().flatten().numpy(), rtol=rtol, atol=atol)
return torch.tensor(r.y[:, -1], dtype=dt).reshape(z.shape)

# %% [ode.ode_sample] s2 sign plus before the score
b, dt = len(z), z.dtype
def slope(t, y):
    x = torch.tensor(y, dtype=dt).reshape(z.shape)
    tt = torch.full((b,), t, dtype=dt)
    f, g = sde.sde(x, tt)
    return (f + 0.5 * column(g, x) ** 2 * score_fn(x, tt)).detach().double().flatten().numpy()
r = solve_ivp(slope, (sde.T, t_min), z.double().flatten().numpy(), rtol=rtol, atol=atol)
return torch.tensor(r.y[:, -1], dtype=dt).reshape(z.shape)

# %% [ode.ode_sample] s3 g not squared
b, dt = len(z), z.dtype
def slope(t, y):
    x = torch.tensor(y, dtype=dt).reshape(z.shape)
    tt = torch.full((b,), t, dtype=dt)
    f, g = sde.sde(x, tt)
    return (f - 0.5 * column(g, x) * score_fn(x, tt)).detach().double().flatten().numpy()
r = solve_ivp(slope, (sde.T, t_min), z.double().flatten().numpy(), rtol=rtol, atol=atol)
return torch.tensor(r.y[:, -1], dtype=dt).reshape(z.shape)

# %% [ode.ode_sample] s4 times in the wrong order (t_min to T)
b, dt = len(z), z.dtype
def slope(t, y):
    x = torch.tensor(y, dtype=dt).reshape(z.shape)
    tt = torch.full((b,), t, dtype=dt)
    f, g = sde.sde(x, tt)
    return (f - 0.5 * column(g, x) ** 2 * score_fn(x, tt)).detach().double().flatten().numpy()
r = solve_ivp(slope, (t_min, sde.T), z.double().flatten().numpy(), rtol=rtol, atol=atol)
return torch.tensor(r.y[:, -1], dtype=dt).reshape(z.shape)

# %% [ode.ode_sample] s5 tolerances left at scipy's defaults
b, dt = len(z), z.dtype
def slope(t, y):
    x = torch.tensor(y, dtype=dt).reshape(z.shape)
    tt = torch.full((b,), t, dtype=dt)
    f, g = sde.sde(x, tt)
    return (f - 0.5 * column(g, x) ** 2 * score_fn(x, tt)).detach().double().flatten().numpy()
r = solve_ivp(slope, (sde.T, t_min), z.double().flatten().numpy(), method="RK45")
return torch.tensor(r.y[:, -1], dtype=dt).reshape(z.shape)

# %% [ode.ode_sample] s6 y[-1] instead of y[:, -1] resized to the first column (returns the start state)
b, dt = len(z), z.dtype
def slope(t, y):
    x = torch.tensor(y, dtype=dt).reshape(z.shape)
    tt = torch.full((b,), t, dtype=dt)
    f, g = sde.sde(x, tt)
    return (f - 0.5 * column(g, x) ** 2 * score_fn(x, tt)).detach().double().flatten().numpy()
r = solve_ivp(slope, (sde.T, t_min), z.double().flatten().numpy(), rtol=rtol, atol=atol)
return torch.tensor(r.y[:, 0], dtype=dt).reshape(z.shape)

# %% [ode.ode_sample] s7 time hard-coded 1.0 instead of sde.T
b, dt = len(z), z.dtype
def slope(t, y):
    x = torch.tensor(y, dtype=dt).reshape(z.shape)
    tt = torch.full((b,), t, dtype=dt)
    f, g = sde.sde(x, tt)
    return (f - 0.5 * column(g, x) ** 2 * score_fn(x, tt)).detach().double().flatten().numpy()
r = solve_ivp(slope, (1.0, t_min), z.double().flatten().numpy(), rtol=rtol, atol=atol)
return torch.tensor(r.y[:, -1], dtype=dt).reshape(z.shape)

# %% [ode.ode_sample] s8 everything in float64, returns float64
b = len(z)
def slope(t, y):
    x = torch.tensor(y).reshape(z.shape)
    tt = torch.full((b,), t, dtype=torch.float64)
    f, g = sde.sde(x, tt)
    return (f - 0.5 * column(g, x) ** 2 * score_fn(x, tt)).detach().flatten().numpy()
r = solve_ivp(slope, (sde.T, t_min), z.double().flatten().numpy(), rtol=rtol, atol=atol)
return torch.tensor(r.y[:, -1]).reshape(z.shape)

# %% [ode.ode_sample] s9 adds a last denoising step (Tweedie)
b, dt = len(z), z.dtype
def slope(t, y):
    x = torch.tensor(y, dtype=dt).reshape(z.shape)
    tt = torch.full((b,), t, dtype=dt)
    f, g = sde.sde(x, tt)
    return (f - 0.5 * column(g, x) ** 2 * score_fn(x, tt)).detach().double().flatten().numpy()
r = solve_ivp(slope, (sde.T, t_min), z.double().flatten().numpy(), rtol=rtol, atol=atol)
x = torch.tensor(r.y[:, -1], dtype=dt).reshape(z.shape)
tt = torch.full((b,), t_min, dtype=dt)
f, g = sde.sde(x, tt)
return x + column(g, x) ** 2 * score_fn(x, tt) * t_min

# %% [ode.exact_divergence] d1 whole row of the gradient summed (all entries, not the diagonal)
with torch.enable_grad():
    x = x.detach().requires_grad_(True)
    y = fn(x, t)
    (g,) = torch.autograd.grad(y.sum(), x)
return g.flatten(1).sum(1).detach()

# %% [ode.exact_divergence] d2 no enable_grad
x = x.detach().clone().requires_grad_(True)
y = fn(x, t).flatten(1)
out = 0
for i in range(y.shape[1]):
    out = out + torch.autograd.grad(y[:, i].sum(), x, retain_graph=True)[0].flatten(1)[:, i]
return out.detach()

# %% [ode.exact_divergence] d3 not flattened: loops over channels only (images)
with torch.enable_grad():
    x = x.detach().requires_grad_(True)
    y = fn(x, t)
    out = torch.zeros(len(x), dtype=x.dtype)
    for i in range(x.shape[1]):
        (g,) = torch.autograd.grad(y[:, i].sum(), x, retain_graph=True)
        out = out + g[:, i].reshape(len(x), -1).sum(1)
return out.detach()

# %% [ode.exact_divergence] d4 requires_grad set on the caller's x
with torch.enable_grad():
    x.requires_grad_(True)
    y = fn(x, t).flatten(1)
    out = torch.zeros(len(x), dtype=x.dtype)
    for i in range(y.shape[1]):
        (g,) = torch.autograd.grad(y[:, i].sum(), x, retain_graph=True)
        out = out + g.flatten(1)[:, i]
return out.detach()

# %% [ode.exact_divergence] d6 total over the batch, expanded
with torch.enable_grad():
    x = x.detach().requires_grad_(True)
    y = fn(x, t).flatten(1)
    total = 0.0
    for i in range(y.shape[1]):
        total = total + torch.autograd.grad(y[:, i].sum(), x, retain_graph=True)[0].flatten(1)[:, i].sum()
return total.detach().expand(len(x)).clone()

# %% [ode.hutchinson_divergence] h1 divided by the number of dimensions (mean)
with torch.enable_grad():
    x = x.detach().requires_grad_(True)
    (vj,) = torch.autograd.grad(fn(x, t), x, probe)
return (vj * probe).flatten(1).mean(1).detach()

# %% [ode.hutchinson_divergence] h2 vJ without the second v: ones as cotangent
with torch.enable_grad():
    x = x.detach().requires_grad_(True)
    (vj,) = torch.autograd.grad(fn(x, t).sum(), x)
return (vj * probe).flatten(1).sum(1).detach()

# %% [ode.hutchinson_divergence] h3 vJ summed, the last v forgotten
with torch.enable_grad():
    x = x.detach().requires_grad_(True)
    (vj,) = torch.autograd.grad(fn(x, t), x, probe)
return vj.flatten(1).sum(1).detach()

# %% [ode.hutchinson_divergence] h4 sum over last axis only (images)
with torch.enable_grad():
    x = x.detach().requires_grad_(True)
    (vj,) = torch.autograd.grad(fn(x, t), x, probe)
return (vj * probe).sum(-1).detach()

# %% [ode.likelihood_ode] l1 minus the integral instead of plus
b = len(x)
def u(a, t):
    f, g = sde.sde(a, t)
    return f - 0.5 * column(g, a) ** 2 * score_fn(a, t)
def fun(t, y):
    a, tt = torch.tensor(y[:-b], dtype=x.dtype).reshape(x.shape), torch.full((b,), t, dtype=x.dtype)
    return torch.cat([u(a, tt).detach().flatten(), exact_divergence(u, a, tt)]).double().numpy()
r = solve_ivp(fun, (t_min, sde.T), np.concatenate([x.double().flatten().numpy(), np.zeros(b)]), rtol=rtol, atol=atol)
end = torch.tensor(r.y[:, -1], dtype=x.dtype)
z = end[:-b].reshape(x.shape)
return sde.prior_logp(z) - end[-b:], z, r.nfev

# %% [ode.likelihood_ode] l2 prior forgotten
b = len(x)
def u(a, t):
    f, g = sde.sde(a, t)
    return f - 0.5 * column(g, a) ** 2 * score_fn(a, t)
def fun(t, y):
    a, tt = torch.tensor(y[:-b], dtype=x.dtype).reshape(x.shape), torch.full((b,), t, dtype=x.dtype)
    return torch.cat([u(a, tt).detach().flatten(), exact_divergence(u, a, tt)]).double().numpy()
r = solve_ivp(fun, (t_min, sde.T), np.concatenate([x.double().flatten().numpy(), np.zeros(b)]), rtol=rtol, atol=atol)
end = torch.tensor(r.y[:, -1], dtype=x.dtype)
z = end[:-b].reshape(x.shape)
return end[-b:], z, r.nfev

# %% [ode.likelihood_ode] l3 divergence of f alone (score term left out)
b = len(x)
def u(a, t):
    f, g = sde.sde(a, t)
    return f - 0.5 * column(g, a) ** 2 * score_fn(a, t)
def only_f(a, t):
    return sde.sde(a, t)[0]
def fun(t, y):
    a, tt = torch.tensor(y[:-b], dtype=x.dtype).reshape(x.shape), torch.full((b,), t, dtype=x.dtype)
    return torch.cat([u(a, tt).detach().flatten(), exact_divergence(only_f, a, tt)]).double().numpy()
r = solve_ivp(fun, (t_min, sde.T), np.concatenate([x.double().flatten().numpy(), np.zeros(b)]), rtol=rtol, atol=atol)
end = torch.tensor(r.y[:, -1], dtype=x.dtype)
z = end[:-b].reshape(x.shape)
return sde.prior_logp(z) + end[-b:], z, r.nfev

# %% [ode.likelihood_ode] l4 prior at x, not at z
b = len(x)
def u(a, t):
    f, g = sde.sde(a, t)
    return f - 0.5 * column(g, a) ** 2 * score_fn(a, t)
def fun(t, y):
    a, tt = torch.tensor(y[:-b], dtype=x.dtype).reshape(x.shape), torch.full((b,), t, dtype=x.dtype)
    return torch.cat([u(a, tt).detach().flatten(), exact_divergence(u, a, tt)]).double().numpy()
r = solve_ivp(fun, (t_min, sde.T), np.concatenate([x.double().flatten().numpy(), np.zeros(b)]), rtol=rtol, atol=atol)
end = torch.tensor(r.y[:, -1], dtype=x.dtype)
z = end[:-b].reshape(x.shape)
return sde.prior_logp(x) + end[-b:], z, r.nfev

# %% [ode.likelihood_ode] l5 solved from T to t_min
b = len(x)
def u(a, t):
    f, g = sde.sde(a, t)
    return f - 0.5 * column(g, a) ** 2 * score_fn(a, t)
def fun(t, y):
    a, tt = torch.tensor(y[:-b], dtype=x.dtype).reshape(x.shape), torch.full((b,), t, dtype=x.dtype)
    return torch.cat([u(a, tt).detach().flatten(), exact_divergence(u, a, tt)]).double().numpy()
r = solve_ivp(fun, (sde.T, t_min), np.concatenate([x.double().flatten().numpy(), np.zeros(b)]), rtol=rtol, atol=atol)
end = torch.tensor(r.y[:, -1], dtype=x.dtype)
z = end[:-b].reshape(x.shape)
return sde.prior_logp(z) + end[-b:], z, r.nfev

# %% [ode.likelihood_ode] l6 the prior's negative log-density
b = len(x)
def u(a, t):
    f, g = sde.sde(a, t)
    return f - 0.5 * column(g, a) ** 2 * score_fn(a, t)
def fun(t, y):
    a, tt = torch.tensor(y[:-b], dtype=x.dtype).reshape(x.shape), torch.full((b,), t, dtype=x.dtype)
    return torch.cat([u(a, tt).detach().flatten(), exact_divergence(u, a, tt)]).double().numpy()
r = solve_ivp(fun, (t_min, sde.T), np.concatenate([x.double().flatten().numpy(), np.zeros(b)]), rtol=rtol, atol=atol)
end = torch.tensor(r.y[:, -1], dtype=x.dtype)
z = end[:-b].reshape(x.shape)
return -sde.prior_logp(z) + end[-b:], z, r.nfev

# %% [ode.likelihood_ode] l7 sum of the integral over the batch (one number for all)
b = len(x)
def u(a, t):
    f, g = sde.sde(a, t)
    return f - 0.5 * column(g, a) ** 2 * score_fn(a, t)
def fun(t, y):
    a, tt = torch.tensor(y[:-1], dtype=x.dtype).reshape(x.shape), torch.full((b,), t, dtype=x.dtype)
    return torch.cat([u(a, tt).detach().flatten(), exact_divergence(u, a, tt).sum()[None]]).double().numpy()
r = solve_ivp(fun, (t_min, sde.T), np.concatenate([x.double().flatten().numpy(), np.zeros(1)]), rtol=rtol, atol=atol)
end = torch.tensor(r.y[:, -1], dtype=x.dtype)
z = end[:-1].reshape(x.shape)
return sde.prior_logp(z) + end[-1], z, r.nfev

# %% [ode.bits_per_dim] b1 natural log, no ln 2
low, high = data_range
return -logp / dims + math.log(256 / (high - low))

# %% [ode.bits_per_dim] b2 sign of the cell's width
low, high = data_range
return -logp / (dims * math.log(2)) - math.log2(256 / (high - low))

# %% [ode.bits_per_dim] b3 cell counted once for the picture, divided by dims
low, high = data_range
return (-logp / math.log(2) + math.log2(256 / (high - low))) / dims

# %% [ode.bits_per_dim] b4 always [-1, 1]: plus 7
return -logp / (dims * math.log(2)) + 7

# %% [ode.bits_per_dim] b5 255 gaps instead of 256 cells
low, high = data_range
return -logp / (dims * math.log(2)) + math.log2(255 / (high - low))

# %% [ode.ddim_sigma] g1 s and t exchanged in the first ratio
return eta * ((1 - alpha_bar_t) / (1 - alpha_bar_s)).sqrt() * (1 - alpha_bar_t / alpha_bar_s).sqrt()

# %% [ode.ddim_sigma] g2 variance, no root
return eta * (1 - alpha_bar_s) / (1 - alpha_bar_t) * (1 - alpha_bar_t / alpha_bar_s)

# %% [ode.ddim_sigma] g3 alpha_bar_s / alpha_bar_t in the second root
return eta * ((1 - alpha_bar_s) / (1 - alpha_bar_t)).sqrt() * (1 - alpha_bar_s / alpha_bar_t).sqrt()

# %% [ode.ddim_step_eta] e1 direction keeps the root of 1 - abar_s
std = column(ddim_sigma(eta, alpha_bar_t, alpha_bar_s), x_t)
a, b = column(alpha_bar_t, x_t), column(alpha_bar_s, x_t)
x0 = (x_t - (1 - a).sqrt() * noise_pred) / a.sqrt()
return b.sqrt() * x0 + (1 - b).sqrt() * noise_pred + std * z

# %% [ode.ddim_step_eta] e2 std subtracted, not squared
std = column(ddim_sigma(eta, alpha_bar_t, alpha_bar_s), x_t)
a, b = column(alpha_bar_t, x_t), column(alpha_bar_s, x_t)
x0 = (x_t - (1 - a).sqrt() * noise_pred) / a.sqrt()
return b.sqrt() * x0 + ((1 - b).sqrt() - std) * noise_pred + std * z

# %% [ode.ddim_step_eta] e3 clamps x_start to [-1, 1] as in 07
std = column(ddim_sigma(eta, alpha_bar_t, alpha_bar_s), x_t)
a, b = column(alpha_bar_t, x_t), column(alpha_bar_s, x_t)
x0 = ((x_t - (1 - a).sqrt() * noise_pred) / a.sqrt()).clamp(-1, 1)
return b.sqrt() * x0 + (1 - b - std**2).sqrt() * noise_pred + std * z

# %% [ode.ddim_step_eta] e4 x_start's coefficient is abar_t at the end
std = column(ddim_sigma(eta, alpha_bar_t, alpha_bar_s), x_t)
a, b = column(alpha_bar_t, x_t), column(alpha_bar_s, x_t)
x0 = (x_t - (1 - a).sqrt() * noise_pred) / a.sqrt()
return a.sqrt() * x0 + (1 - b - std**2).sqrt() * noise_pred + std * z

# %% [ode.heun_step] k1 second slope at t, not s
h = column(s - t, x)
k1 = drift(x, t)
k2 = drift(x + h * k1, t)
return x + h * (k1 + k2) / 2

# %% [ode.heun_step] k2 midpoint method
h = column(s - t, x)
k1 = drift(x, t)
return x + h * drift(x + h / 2 * k1, (t + s) / 2)

# %% [ode.heun_step] k3 from the Euler point by the mean slope
h = column(s - t, x)
k1 = drift(x, t)
y = x + h * k1
return y + h * (k1 + drift(y, s)) / 2
