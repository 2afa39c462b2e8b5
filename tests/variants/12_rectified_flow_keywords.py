# %% [flow.interpolate] lerp
share = t.view(-1, *([1] * (x.ndim - 1)))
return torch.lerp(x, z, share.expand_as(x)), z.sub(x)

# %% [flow.loss] keywords
x_t, u = interpolate(x=x, z=z, t=t)
error = model(x_t, t, y=y) - u
return error.pow(2).flatten(start_dim=1).mean(dim=1).mean()

# %% [flow.euler_sample] from the last number to the first
x = z.detach()
for k in reversed(range(1, num_steps + 1)):
    with torch.no_grad():
        x = torch.add(x, model(x, t=x.new_full((x.shape[0],), k / num_steps)), alpha=-1 / num_steps)
return x

# %% [flow.marginal_velocity] the noise of each member
time = column(t, x_t).unsqueeze(1)  # (b, 1, *)
z = (x_t.unsqueeze(1) - (1 - time) * data.unsqueeze(0)) / time  # the noise that each member would need
w = torch.softmax(-0.5 * z.square().flatten(start_dim=2).sum(dim=2), dim=1)
u = z - data.unsqueeze(0)
return (column(w.reshape(-1), u.flatten(0, 1)).reshape(*w.shape, *[1] * (x_t.dim() - 1)) * u).sum(dim=1)

# %% [flow.logit_normal_t] torch.normal
return torch.normal(mean=float(mean), std=float(std), size=(n,)).sigmoid()

# %% [flow.cfg_velocity] one direction
direction = u_cond - u_uncond
return u_cond + w * direction

# %% [flow.straightness] keywords
steps = path.shape[0] - 1
velocity = torch.diff(path, dim=0).mul(-steps)
off = torch.sub(path[0], path[-1]).unsqueeze(dim=0) - velocity
return off.pow(2).sum(dim=tuple(range(2, path.dim()))).mean(dim=(0, 1))

# %% [flow.reflow_pairs] keywords
x = euler_sample(model=model, z=z, num_steps=num_steps)
return [x, z]

# %% [flow.recover] Cramer's rule without the determinant's name, then the second by the first
shape = (-1,) + (1,) * (x_t.dim() - 1)
a, b, c, d = a.view(shape), b.view(shape), c.view(shape), d.view(shape)
x = (d * x_t - b * y).div(a * d - b * c)
z = torch.where(b.abs() > 1e-6, (x_t - a * x) / b, y)
return x, z
