# %% [distill.progressive_target] sample by sample, on the line through the state
out = torch.empty_like(z_t)
for i in range(len(z_t)):
    a, s = [float(alpha[i]) for alpha in alphas], [float(sigma[i]) for sigma in sigmas]
    z = z_t[i:i + 1].clone()
    for k in range(2):
        x_start = teacher(z, times[k][i:i + 1]).detach()
        z = s[k + 1] / s[k] * z + (a[k + 1] - s[k + 1] / s[k] * a[k]) * x_start
    out[i] = (z[0] - s[2] / s[0] * z_t[i]) / (a[2] - s[2] / s[0] * a[0])
return out

# %% [distill.guidance_target] sample by sample
rows = []
for i in range(len(x_t)):
    cond = teacher(x_t[i:i + 1], t[i:i + 1], y[i:i + 1]).detach()
    uncond = teacher(x_t[i:i + 1], t[i:i + 1], None).detach()
    rows.append(cond[0] + float(w[i]) * (cond[0] - uncond[0]))
return torch.stack(rows)

# %% [distill.consistency_parametrisation] sample by sample
rows = []
for answer, state, time in zip(F, x, t.tolist()):
    skip = sigma_data**2 / ((time - t_min) ** 2 + sigma_data**2)
    rows.append(skip * state + sigma_data * (time - t_min) / (sigma_data**2 + time**2) ** 0.5 * answer)
return torch.stack(rows)

# %% [distill.consistency_loss] sample by sample
total = 0
for i in range(len(x)):
    wanted = target(x[i:i + 1] + t_next[i] * noise[i:i + 1], t_next[i:i + 1]).detach()
    total = total + ((student(x[i:i + 1] + t[i] * noise[i:i + 1], t[i:i + 1]) - wanted) ** 2).sum()
return total / x.numel()

# %% [distill.multistep_consistency_sample] sample by sample
rows = []
for i in range(len(x_T)):
    x = f(x_T[i:i + 1], times[:1])
    for k in range(1, len(times)):
        x = f(x + float(times[k] ** 2 - t_min**2) ** 0.5 * noises[k - 1, i:i + 1], times[k:k + 1])
    rows.append(x[0])
return torch.stack(rows)
