# %% [sde.VPSDE.marginal_prob] sample by sample, the area as a trapezium
means, stds = [], []
for one, time in zip(x, t):
    beta_t = self.beta_0 + time * (self.beta_1 - self.beta_0)
    area = time * (self.beta_0 + beta_t) / 2
    means.append(one * torch.exp(-area / 2))
    stds.append((1 - torch.exp(-area)) ** 0.5)
return torch.stack(means), torch.stack(stds)

# %% [sde.VESDE.sde] time by time, by math alone
import math
g = []
for time in t.tolist():
    sigma = self.sigma_min * (self.sigma_max / self.sigma_min) ** time
    g.append((2 * sigma * sigma * (math.log(self.sigma_max) - math.log(self.sigma_min))) ** 0.5)
return 0 * x, torch.tensor(g, dtype=x.dtype)

# %% [sde.reverse_sde] sample by sample
f, g = sde.sde(x, t)
score = score_fn(x, t)
rows = []
for i in range(len(x)):
    pull = g[i] * g[i] * score[i]
    rows.append(f[i] - pull / 2 if probability_flow else f[i] - pull)
if probability_flow:
    return torch.stack(rows), 0.0
return torch.stack(rows), g

# %% [sde.euler_maruyama_step] sample by sample, from the forward SDE
f, g = sde.sde(x, t)
score = score_fn(x, t)
after, means = [], []
for i in range(len(x)):
    mean = x[i] - f[i] * dt + g[i] ** 2 * score[i] * dt
    means.append(mean)
    after.append(mean + g[i] * dt**0.5 * z[i])
return torch.stack(after), torch.stack(means)

# %% [sde.get_score_fn] sample by sample after the model
def score_fn(x, t):
    if type(sde) is VESDE:
        if continuous:
            return model(x, sde.marginal_prob(torch.zeros_like(x), t)[1])
        labels = torch.tensor([round((sde.N - 1) * (1 - time)) for time in t.tolist()])
        return model(x, labels)
    if continuous or type(sde) is subVPSDE:
        answer = model(x, t * 999)
        stds = sde.marginal_prob(x, t)[1]
    else:
        answer = model(x, t * (sde.N - 1))
        stds = torch.stack([sde.sqrt_1m_alphas_cumprod[int(time * (sde.N - 1))] for time in t])
    return torch.stack([-one / std for one, std in zip(answer, stds)])

return score_fn

# %% [sde.sde_loss] sample by sample
mean, std = sde.marginal_prob(x, t)
x_t = torch.stack([m + s * e for m, s, e in zip(mean, std, z)])
score = score_fn(x_t, t)
g = sde.sde(torch.zeros_like(x), t)[1]
total = 0
for i in range(len(x)):
    if likelihood_weighting:
        total = total + (g[i] ** 2 * (score[i] + z[i] / std[i]) ** 2).sum()
    else:
        total = total + ((std[i] * score[i] + z[i]) ** 2).sum()
return total / x.numel()

# %% [sde.ancestral_predictor] sample by sample
after, means = [], []
score = score_fn(x, t)
for one, s, time, e in zip(x, score, t, z):
    i = int(torch.round(time * (sde.N - 1)))
    if isinstance(sde, VPSDE):
        beta = sde.discrete_betas[i]
        mean, var = (one + beta * s) / (1 - beta) ** 0.5, beta
    else:
        var_i = sde.discrete_sigmas[i] ** 2
        var_before = sde.discrete_sigmas[i - 1] ** 2 if i > 0 else torch.tensor(0.0)
        mean = one + (var_i - var_before) * s
        var = var_before * (var_i - var_before) / var_i
    means.append(mean)
    after.append(mean + var**0.5 * e)
return torch.stack(after), torch.stack(means)

# %% [sde.langevin_corrector] sample by sample
score = score_fn(x, t)
noise_norm = sum(float((e**2).sum() ** 0.5) for e in z) / len(z)
score_norm = sum(float((s**2).sum() ** 0.5) for s in score) / len(score)
after, means = [], []
for i in range(len(x)):
    a = sde.alphas[int(t[i] * (sde.N - 1))] if hasattr(sde, "alphas") else torch.tensor(1.0)
    h = 2 * a * snr**2 * noise_norm**2 / score_norm**2
    means.append(x[i] + h * score[i])
    after.append(means[-1] + torch.sqrt(2 * h) * z[i])
return torch.stack(after), torch.stack(means)

# %% [sde.inpaint_step] sample by sample, by torch.where
mean, std = sde.marginal_prob(known, t)
rows = []
for i in range(len(x)):
    one = mask.expand_as(x)[i]
    rows.append(torch.where(one == 1, mean[i] + std[i] * z[i], x[i]))
return torch.stack(rows)
