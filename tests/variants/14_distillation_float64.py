# %% [distill.progressive_target] in float64, by the noise that is left
def wide(c):
    return column(c, z_t).double()

with torch.no_grad():
    z = z_t.double()
    for i in (0, 1):
        x_start = teacher(z.to(z_t), times[i]).double()
        noise = (z - wide(alphas[i]) * x_start) / wide(sigmas[i])
        z = wide(alphas[i + 1]) * x_start + wide(sigmas[i + 1]) * noise
    top = wide(sigmas[0]) * z - wide(sigmas[2]) * z_t.double()
    return (top / (wide(sigmas[0]) * wide(alphas[2]) - wide(sigmas[2]) * wide(alphas[0]))).to(z_t.dtype)

# %% [distill.guidance_target] in float64, from the plain answer
cond = teacher(x_t, t, y).detach().double()
apart = cond - teacher(x_t, t, None).detach().double()
return (cond + column(w.double(), x_t) * apart).to(x_t.dtype)

# %% [distill.consistency_parametrisation] in float64
times, variance = column(t.double(), x), float(sigma_data) ** 2
c_skip = variance / ((times - t_min).pow(2) + variance)
c_out = sigma_data * (times - t_min) / torch.sqrt(variance + times.pow(2))
return (c_skip * x.double() + c_out * F.double()).to(x.dtype)

# %% [distill.consistency_loss] the squares in float64
def at(time):
    return (x.double() + column(time.double(), x) * noise.double()).to(x.dtype)

said = student(at(t), t).double()
return torch.mean((said - target(at(t_next), t_next).detach().double()) ** 2).to(x.dtype)

# %% [distill.multistep_consistency_sample] the deviations in float64
x, b = f(x_T, times[0] * torch.ones(len(x_T), dtype=times.dtype)), len(x_T)
deviations = (times.double() ** 2 - t_min**2).clamp(min=0).sqrt()
for k, noise in enumerate(noises, start=1):
    x = f((x.double() + deviations[k] * noise.double()).to(x_T.dtype), torch.full((b,), times[k].item(), dtype=times.dtype))
return x
