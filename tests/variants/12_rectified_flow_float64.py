# %% [flow.interpolate] float64 inside
share = column(t.double(), x)
return ((1 - share) * x.double() + share * z.double()).to(x.dtype), (z.double() - x.double()).to(x.dtype)

# %% [flow.loss] float64 after the model
x_t, u = interpolate(x, z, t)
return torch.mean((model(x_t, t, y).double() - u.double()) ** 2)

# %% [flow.euler_sample] times in float64
x = z.clone()
times = torch.linspace(1, 0, num_steps + 1, dtype=torch.float64)
with torch.inference_mode():
    for i in range(num_steps):
        u = model(x, times[i].repeat(len(x)))
        x = (x.double() - u.double() / num_steps).to(z.dtype)
return x.clone()

# %% [flow.marginal_velocity] float64 inside
X, D, T = x_t.double().flatten(1), data.double().flatten(1), t.double()
scaled = (1 - T)[:, None, None] * D[None]
log_w = -0.5 * ((X[:, None] - scaled) / T[:, None, None]).pow(2).sum(-1)
w = torch.softmax(log_w, dim=-1)
mean = torch.bmm(w[:, None], D.expand(len(X), -1, -1))[:, 0]
return ((X - mean) / T[:, None]).reshape(x_t.shape)

# %% [flow.logit_normal_t] float64 inside
logits = torch.randn(n, dtype=torch.float64) * std + mean
return (1 / (1 + torch.exp(-logits))).float()

# %% [flow.cfg_velocity] float64 inside
return u_uncond.double() + (1 + w) * (u_cond.double() - u_uncond.double())

# %% [flow.straightness] float64 inside
path = path.double()
n = len(path) - 1
velocity = torch.stack([(path[i] - path[i + 1]) * n for i in range(n)])
whole = (path[0] - path[-1]).unsqueeze(0).expand_as(velocity)
return torch.linalg.vector_norm((whole - velocity).flatten(2), dim=-1).pow(2).mean()

# %% [flow.reflow_pairs] detached once more
with torch.no_grad():
    x = euler_sample(model, z, num_steps)
return x.detach(), z.detach()

# %% [flow.recover] float64 inside
A, B, C, D = (column(k.double(), x_t) for k in (a, b, c, d))
det = A * D - B * C
return (D / det) * x_t.double() - (B / det) * y.double(), (A / det) * y.double() - (C / det) * x_t.double()
