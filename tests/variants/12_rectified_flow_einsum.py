# %% [flow.interpolate] einsum
return torch.einsum("b,b...->b...", 1 - t, x) + torch.einsum("b,b...->b...", t, z), torch.sub(z, x)

# %% [flow.loss] F.mse_loss
from torch.nn import functional as F
x_t, u = interpolate(x, z, t)
return F.mse_loss(model(x_t, t, y), u)

# %% [flow.euler_sample] a grid, and torch.no_grad as a decorator
@torch.no_grad()
def walk(x):
    grid = torch.linspace(1, 0, num_steps + 1, dtype=x.dtype, device=x.device)
    for now, then in zip(grid[:-1], grid[1:]):
        x = x + (then - now) * model(x, now.expand(x.size(0)))
    return x
return walk(z)

# %% [flow.marginal_velocity] einsum, and the Gaussian's log-density
flat, points = x_t.flatten(1), data.flatten(1)
law = torch.distributions.Normal(torch.einsum("b,nd->bnd", 1 - t, points), t[:, None, None].expand(-1, len(points), points.shape[1]))
log_p = law.log_prob(flat[:, None].expand(-1, len(points), -1)).sum(-1)
w = torch.exp(log_p - torch.logsumexp(log_p, dim=1, keepdim=True))
velocities = (flat[:, None] - points) / t[:, None, None]
return torch.einsum("bn,bnd->bd", w, velocities).view_as(x_t)

# %% [flow.logit_normal_t] torch.distributions
return torch.distributions.Normal(mean, std).sample((n,)).sigmoid()

# %% [flow.cfg_velocity] lerp
return torch.lerp(u_uncond, u_cond, 1 + w)

# %% [flow.straightness] diff and einsum
n = path.shape[0] - 1
off = (path[:1] - path[-1:]) + torch.diff(path, dim=0) * n
flat = off.reshape(n, path.shape[1], -1)
return torch.einsum("nbd,nbd->", flat, flat) / (n * path.shape[1])

# %% [flow.reflow_pairs] two lines
x = euler_sample(model, z, num_steps)
return (x, z)

# %% [flow.recover] an inverse and einsum
M = torch.stack([torch.stack([a, b], -1), torch.stack([c, d], -1)], -2)  # (b, 2, 2)
both = torch.stack([x_t, y], 1)  # (b, 2, *)
x, z = torch.einsum("bij,bj...->ib...", torch.linalg.inv(M), both)
return x, z
