# %% [distill.progressive_target] by einsum, from the noises
def scaled(c, x):
    return torch.einsum("b,b...->b...", c.to(x), x)

def step(z, x_start, i, j):
    noise = scaled(1 / sigmas[i], z - scaled(alphas[i], x_start))
    return scaled(alphas[j], x_start) + scaled(sigmas[j], noise)

with torch.inference_mode(False), torch.no_grad():
    half_way = step(z_t, teacher(z_t, times[0]), 0, 1)
    end = step(half_way, teacher(half_way, times[1]), 1, 2)
    ratio = sigmas[2] / sigmas[0]
    return scaled(1 / (alphas[2] - ratio * alphas[0]), end - scaled(ratio, z_t))

# %% [distill.guidance_target] by einsum
both = torch.stack([teacher(x_t, t, y), teacher(x_t, t, None)]).detach()
return torch.einsum("kb,kb...->b...", torch.stack([1 + w, -w]), both)

# %% [distill.consistency_parametrisation] by einsum
apart = t - t_min
shares = torch.stack([sigma_data**2 / (apart.square() + sigma_data**2),
                      sigma_data * apart / torch.hypot(t, torch.full_like(t, sigma_data))])
return torch.einsum("kb,kb...->b...", shares, torch.stack([x, F]))

# %% [distill.consistency_loss] by einsum
points = [x + torch.einsum("b,b...->b...", u, noise) for u in (t, t_next)]
apart = (student(points[0], t) - target(points[1], t_next).detach()).flatten()
return torch.einsum("i,i->", apart, apart) / apart.numel()

# %% [distill.multistep_consistency_sample] by einsum
x = f(x_T, times[0].repeat(x_T.shape[0]))
for i in range(len(noises)):
    added = torch.sqrt((times[i + 1] - t_min) * (times[i + 1] + t_min))
    x = f(torch.einsum(",b...->b...", added, noises[i]) + x, times[i + 1].repeat(x_T.shape[0]))
return x
