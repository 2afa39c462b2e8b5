# %% [ddpm.cosine_beta_schedule] a loop over steps in plain Python
def f(i):
    return math.cos((i / timesteps + s) / (1 + s) * math.pi / 2) ** 2

betas = []
for i in range(timesteps):
    betas.append(min(1 - f(i + 1) / f(i), 0.999))
return torch.tensor(betas, dtype=torch.float64)

# %% [ddpm.extract] a loop over samples
out = torch.empty(len(t), dtype=a.dtype)
for i in range(len(t)):
    out[i] = a[t[i]]
for _ in x_shape[1:]:
    out = out.unsqueeze(-1)
return out

# %% [ddpm.q_sample] a loop over samples
out = []
for i, k in enumerate(t.tolist()):
    out.append(self.sqrt_alphas_cumprod[k] * x_start[i] + self.sqrt_one_minus_alphas_cumprod[k] * noise[i])
return torch.stack(out)

# %% [ddpm.predict_start_from_noise] a loop over samples
out = []
for i, k in enumerate(t.tolist()):
    ab = float(self.alphas_cumprod[k])
    out.append(x_t[i] / math.sqrt(ab) - math.sqrt(1 / ab - 1) * noise[i])
return torch.stack(out)

# %% [ddpm.predict_noise_from_start] a loop over samples
out = []
for i, k in enumerate(t.tolist()):
    out.append((x_t[i] - self.sqrt_alphas_cumprod[k] * x_start[i]) / self.sqrt_one_minus_alphas_cumprod[k])
return torch.stack(out)

# %% [ddpm.posterior_tables] a loop over steps in plain Python
coef1, coef2, std, left = [], [], [], 1.0
for beta in betas.tolist():
    before, left = left, left * (1 - beta)
    coef1.append(math.sqrt(before) * beta / (1 - left))
    coef2.append(math.sqrt(1 - beta) * (1 - before) / (1 - left))
    std.append(math.sqrt(beta * (1 - before) / (1 - left)))
return torch.tensor([coef1, coef2, std], dtype=torch.float64)

# %% [ddpm.p_losses] a loop over samples
x_t = self.q_sample(x_start, t, noise)
prediction = self.model(x_t, t, model_kwargs=model_kwargs)
total = 0.0
for i in range(len(t)):
    wanted = {"pred_noise": noise, "pred_x_start": x_start}[self.objective][i]
    total = total + self.loss_weight[t[i]] * ((prediction[i] - wanted) ** 2).mean()
return total / len(t)

# %% [ddpm.mean_from_noise] through the predicted x_start and the posterior
x_start = self.predict_start_from_noise(x_t, t, noise)
return self.q_posterior(x_start, x_t, t)[0]

# %% [ddpm.ancestral_step] a loop over samples
mean = self.mean_from_noise(x_t, t, noise_pred)
out = []
for i, k in enumerate(t.tolist()):
    if k == 0:
        out.append(mean[i])
    elif variance == "beta":
        out.append(mean[i] + math.sqrt(float(self.betas[k])) * z[i])
    else:
        out.append(mean[i] + float(self.posterior_std[k]) * z[i])
return torch.stack(out)

# %% [ddpm.p_sample] noise only where t > 0, and Python's min and max
times = torch.tensor([t] * x_t.shape[0])
out = self.model(x_t, times, model_kwargs)
x_start = out if self.objective == "pred_x_start" else self.predict_start_from_noise(x_t, times, out)
x_start = torch.minimum(torch.maximum(x_start, -torch.ones(())), torch.ones(()))
mean, std = self.q_posterior(x_start, x_t, times)
if t == 0:
    return mean
return mean + std * torch.randn(x_t.shape)
