# %% [flow.interpolate] time turned round (flow-matching papers): t x + (1-t) z, x - z
t = column(t, x)
return t * x + (1 - t) * z, x - z

# %% [flow.interpolate] u = x - z
t = column(t, x)
return (1 - t) * x + t * z, x - z

# %% [flow.interpolate] t[:, None], no column
t = t[:, None]
return (1 - t) * x + t * z, z - x

# %% [flow.interpolate] velocity is taken from x_t: z - x_t
t = column(t, x)
x_t = (1 - t) * x + t * z
return x_t, z - x_t

# %% [flow.interpolate] in place: x.mul_
s = column(t, x)
u = z - x
return x.mul_(1 - s).add_(s * z), u

# %% [flow.loss] y forgotten
x_t, u = interpolate(x, z, t)
return (model(x_t, t) - u).square().mean()

# %% [flow.loss] the target is the noise
x_t, u = interpolate(x, z, t)
return (model(x_t, t, y) - z).square().mean()

# %% [flow.loss] summed over dimensions, mean over samples
x_t, u = interpolate(x, z, t)
return (model(x_t, t, y) - u).square().flatten(1).sum(1).mean()

# %% [flow.loss] the model sees x, not x_t
x_t, u = interpolate(x, z, t)
return (model(x, t, y) - u).square().mean()

# %% [flow.loss] model under no_grad
x_t, u = interpolate(x, z, t)
with torch.no_grad():
    u_hat = model(x_t, t, y)
return (u_hat - u).square().mean()

# %% [flow.euler_sample] x + u/n
x = z
with torch.no_grad():
    for i in range(num_steps):
        t = torch.full((len(z),), 1 - i / num_steps, dtype=z.dtype, device=z.device)
        x = x + model(x, t) / num_steps
return x

# %% [flow.euler_sample] linspace(1, 0, n): asked at 0 too
x = z
with torch.no_grad():
    for t in torch.linspace(1, 0, num_steps, dtype=z.dtype, device=z.device):
        x = x - model(x, t.expand(len(z))) / num_steps
return x

# %% [flow.euler_sample] times after the step: (n-1)/n ... 0
x = z
with torch.no_grad():
    for i in reversed(range(num_steps)):
        t = torch.full((len(z),), i / num_steps, dtype=z.dtype, device=z.device)
        x = x - model(x, t) / num_steps
return x

# %% [flow.euler_sample] in place on z
with torch.no_grad():
    for i in range(num_steps):
        t = torch.full((len(z),), 1 - i / num_steps, dtype=z.dtype, device=z.device)
        z -= model(z, t) / num_steps
return z

# %% [flow.euler_sample] no no_grad
x = z
for i in range(num_steps):
    t = torch.full((len(z),), 1 - i / num_steps, dtype=z.dtype, device=z.device)
    x = x - model(x, t) / num_steps
return x

# %% [flow.euler_sample] times float32 whatever z is
x = z
with torch.no_grad():
    for i in range(num_steps):
        x = x - model(x, torch.ones(len(z)) * (1 - i / num_steps)) / num_steps
return x

# %% [flow.marginal_velocity] 2 t instead of 2 t^2
s = column(t, x_t)
far = (x_t[:, None] - (1 - s)[:, None] * data[None]).flatten(2).square().sum(2)
w = torch.softmax(-far / (2 * t[:, None]), dim=1)
return (x_t - (w @ data.flatten(1)).reshape(x_t.shape)) / s

# %% [flow.marginal_velocity] forgot (1 - t) in the mean
s = column(t, x_t)
far = (x_t[:, None] - data[None]).flatten(2).square().sum(2)
w = torch.softmax(-far / (2 * t[:, None] ** 2), dim=1)
return (x_t - (w @ data.flatten(1)).reshape(x_t.shape)) / s

# %% [flow.marginal_velocity] softmax over the batch
s = column(t, x_t)
far = (x_t[:, None] - (1 - s)[:, None] * data[None]).flatten(2).square().sum(2)
w = torch.softmax(-far / (2 * t[:, None] ** 2), dim=0)
return (x_t - (w @ data.flatten(1)).reshape(x_t.shape)) / s

# %% [flow.marginal_velocity] exp and division, no softmax
s = column(t, x_t)
far = (x_t[:, None] - (1 - s)[:, None] * data[None]).flatten(2).square().sum(2)
w = torch.exp(-far / (2 * t[:, None] ** 2))
w = w / w.sum(1, keepdim=True)
return (x_t - (w @ data.flatten(1)).reshape(x_t.shape)) / s

# %% [flow.marginal_velocity] mean distance over dimensions, not the sum
s = column(t, x_t)
far = (x_t[:, None] - (1 - s)[:, None] * data[None]).flatten(2).square().mean(2)
w = torch.softmax(-far / (2 * t[:, None] ** 2), dim=1)
return (x_t - (w @ data.flatten(1)).reshape(x_t.shape)) / s

# %% [flow.marginal_velocity] x_t - x_i without / t
s = column(t, x_t)
far = (x_t[:, None] - (1 - s)[:, None] * data[None]).flatten(2).square().sum(2)
w = torch.softmax(-far / (2 * t[:, None] ** 2), dim=1)
return x_t - (w @ data.flatten(1)).reshape(x_t.shape)

# %% [flow.marginal_velocity] cdist not squared
s = column(t, x_t)
d = torch.cdist(x_t.flatten(1)[:, None], (1 - t)[:, None, None] * data.flatten(1))[:, 0]
w = torch.softmax(-d / (2 * t[:, None] ** 2), dim=1)
return (x_t - (w @ data.flatten(1)).reshape(x_t.shape)) / s

# %% [flow.marginal_velocity] epsilon added under the line: t + 1e-3
s = column(t, x_t)
far = (x_t[:, None] - (1 - s)[:, None] * data[None]).flatten(2).square().sum(2)
w = torch.softmax(-far / (2 * t[:, None] ** 2 + 1e-3), dim=1)
return (x_t - (w @ data.flatten(1)).reshape(x_t.shape)) / (s + 1e-3)

# %% [flow.logit_normal_t] log-normal exp
return torch.exp(mean + std * torch.randn(n))

# %% [flow.logit_normal_t] std read as variance
return torch.sigmoid(mean + std ** 0.5 * torch.randn(n))

# %% [flow.logit_normal_t] torch.rand
return torch.sigmoid(mean + std * torch.rand(n))

# %% [flow.cfg_velocity] the papers' scale: u_uncond + w (u_cond - u_uncond)
return u_uncond + w * (u_cond - u_uncond)

# %% [flow.straightness] divided by n+1 states: times len(path)
u = (path[:-1] - path[1:]) * len(path)
return ((path[0] - path[-1]) - u).flatten(2).square().sum(2).mean()

# %% [flow.straightness] sign: ends from noise to data, steps the other way
n = len(path) - 1
u = (path[1:] - path[:-1]) * n
return ((path[0] - path[-1]) - u).flatten(2).square().sum(2).mean()

# %% [flow.straightness] .mean() over dimensions too
n = len(path) - 1
u = (path[:-1] - path[1:]) * n
return ((path[0] - path[-1]) - u).square().mean()

# %% [flow.reflow_pairs] random partner: new noise returned
return euler_sample(model, z, num_steps), torch.randn_like(z)

# %% [flow.recover] sign of the determinant: bc - ad
a, b, c, d = (column(k, x_t) for k in (a, b, c, d))
det = b * c - a * d
return (d * x_t - b * y) / det, (a * y - c * x_t) / det

# %% [flow.cfg_velocity] arguments exchanged
return (1 + w) * u_uncond - w * u_cond

# %% [flow.cfg_velocity] (1 + w) forgotten in front
return u_cond - w * u_uncond

# %% [flow.reflow_pairs] order (z, x)
return z, euler_sample(model, z, num_steps)

# %% [flow.recover] no column: (b,) * (b, d)
det = a * d - b * c
return (d * x_t - b * y) / det, (a * y - c * x_t) / det

# %% [flow.recover] z, x returned
a, b, c, d = (column(k, x_t) for k in (a, b, c, d))
det = a * d - b * c
return (a * y - c * x_t) / det, (d * x_t - b * y) / det

# %% [flow.recover] sign of z alone: c x_t - a y
a, b, c, d = (column(k, x_t) for k in (a, b, c, d))
det = a * d - b * c
return (d * x_t - b * y) / det, (c * x_t - a * y) / det

# %% [flow.straightness] differences not divided by the time 1/n
u = path[:-1] - path[1:]
return ((path[0] - path[-1]) - u).flatten(2).square().sum(2).mean()
