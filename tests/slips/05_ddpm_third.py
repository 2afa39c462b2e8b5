# %% [ddpm.cosine_beta_schedule] cosine not squared
u = torch.linspace(0, 1, timesteps + 1, dtype=torch.float64)
f = torch.cos((u + s) / (1 + s) * math.pi / 2)
return (1 - f[1:] / f[:-1]).clamp(max=0.999)

# %% [ddpm.cosine_beta_schedule] precedence: u + s / (1 + s)
u = torch.linspace(0, 1, timesteps + 1, dtype=torch.float64)
f = torch.cos(u + s / (1 + s) * math.pi / 2) ** 2
return (1 - f[1:] / f[:-1]).clamp(max=0.999)

# %% [ddpm.cosine_beta_schedule] the minimum bounds the ratio, not the beta
u = torch.linspace(0, 1, timesteps + 1, dtype=torch.float64)
f = torch.cos((u + s) / (1 + s) * math.pi / 2) ** 2
return 1 - (f[1:] / f[:-1]).clamp(max=0.999)

# %% [ddpm.cosine_beta_schedule] betas against f(0): 1 - alpha_bar, not 1 - ratio of neighbours
u = torch.linspace(0, 1, timesteps + 1, dtype=torch.float64)
f = torch.cos((u + s) / (1 + s) * math.pi / 2) ** 2
return (1 - f[1:] / f[0]).clamp(max=0.999)

# %% [ddpm.extract] image axes fixed at four
return a[t].view(-1, 1, 1, 1)

# %% [ddpm.extract] one axis too many
return a.gather(-1, t).reshape(len(t), *((1,) * len(x_shape)))

# %% [ddpm.extract] the new axes in front
return a[t].reshape(*[1] * (len(x_shape) - 1), -1)

# %% [ddpm.q_sample] noise coefficient 1 - sqrt(alpha_bar)
left = extract(self.sqrt_alphas_cumprod, t, x_start.shape)
return left * x_start + (1 - left) * noise

# %% [ddpm.q_sample] root of the root: sqrt of the sqrt tables
left = extract(self.sqrt_alphas_cumprod, t, x_start.shape).sqrt()
right = extract(self.sqrt_one_minus_alphas_cumprod, t, x_start.shape).sqrt()
return left * x_start + right * noise

# %% [ddpm.q_sample] one step only: alphas and betas
alpha = extract(self.alphas, t, x_start.shape)
return alpha.sqrt() * x_start + (1 - alpha).sqrt() * noise

# %% [ddpm.q_sample] in place: mul_ and add_ on x_start
left = extract(self.sqrt_alphas_cumprod, t, x_start.shape)
right = extract(self.sqrt_one_minus_alphas_cumprod, t, x_start.shape)
return x_start.mul_(left).add_(right * noise)

# %% [ddpm.predict_start_from_noise] parentheses: only the noise is divided
left = extract(self.sqrt_alphas_cumprod, t, x_t.shape)
right = extract(self.sqrt_one_minus_alphas_cumprod, t, x_t.shape)
return x_t - right * noise / left

# %% [ddpm.predict_start_from_noise] clamps to [-1, 1] already
left = extract(self.sqrt_alphas_cumprod, t, x_t.shape)
right = extract(self.sqrt_one_minus_alphas_cumprod, t, x_t.shape)
return ((x_t - right * noise) / left).clamp(-1, 1)

# %% [ddpm.predict_start_from_noise] multiplies by sqrt(alpha_bar) where it should divide
left = extract(self.sqrt_alphas_cumprod, t, x_t.shape)
right = extract(self.sqrt_one_minus_alphas_cumprod, t, x_t.shape)
return (x_t - right * noise) * left

# %% [ddpm.predict_noise_from_start] the two roots swapped (as in eq. 8)
left = extract(self.sqrt_alphas_cumprod, t, x_t.shape)
right = extract(self.sqrt_one_minus_alphas_cumprod, t, x_t.shape)
return (x_t - right * x_start) / left

# %% [ddpm.predict_noise_from_start] x_start not scaled: x_t - x_start
right = extract(self.sqrt_one_minus_alphas_cumprod, t, x_t.shape)
return (x_t - x_start) / right

# %% [ddpm.predict_noise_from_start] divides by the variance 1 - alpha_bar
bar = extract(self.alphas_cumprod, t, x_t.shape)
return (x_t - bar.sqrt() * x_start) / (1 - bar)

# %% [ddpm.posterior_tables] torch.roll: alpha_bar before index 0 is the last entry
alphas = 1 - betas
bar = alphas.cumprod(0)
before = bar.roll(1)
return (before.sqrt() * betas / (1 - bar), alphas.sqrt() * (1 - before) / (1 - bar),
        ((1 - before) / (1 - bar) * betas).sqrt())

# %% [ddpm.posterior_tables] alpha_bar padded with 0 instead of 1
alphas = 1 - betas
bar = alphas.cumprod(0)
before = F.pad(bar[:-1], (1, 0))
return (before.sqrt() * betas / (1 - bar), alphas.sqrt() * (1 - before) / (1 - bar),
        ((1 - before) / (1 - bar) * betas).sqrt())

# %% [ddpm.posterior_tables] mean_coef2 with the root of alpha_bar instead of alpha
alphas = 1 - betas
bar = alphas.cumprod(0)
before = F.pad(bar[:-1], (1, 0), value=1.0)
return (before.sqrt() * betas / (1 - bar), bar.sqrt() * (1 - before) / (1 - bar),
        ((1 - before) / (1 - bar) * betas).sqrt())

# %% [ddpm.posterior_tables] first factor not rescaled: variance beta, not beta / alpha
alphas = 1 - betas
bar = alphas.cumprod(0)
before = F.pad(bar[:-1], (1, 0), value=1.0)
var = betas * (1 - before) / (betas + 1 - before)
return before.sqrt() * betas / (betas + 1 - before), (1 - before) / (betas + 1 - before) / alphas.sqrt(), var.sqrt()

# %% [ddpm.posterior_tables] cumprod of the betas: 1 - alpha_bar taken as prod(beta)
alphas = 1 - betas
bar = 1 - betas.cumprod(0)
before = F.pad(bar[:-1], (1, 0), value=1.0)
return (before.sqrt() * betas / (1 - bar), alphas.sqrt() * (1 - before) / (1 - bar),
        ((1 - before) / (1 - bar) * betas).sqrt())

# %% [ddpm.mean_from_noise] the factor 1 / sqrt(alpha) on x_t only
alpha = extract(self.alphas, t, x_t.shape)
beta = extract(self.betas, t, x_t.shape)
return x_t / alpha.sqrt() - beta / extract(self.sqrt_one_minus_alphas_cumprod, t, x_t.shape) * noise

# %% [ddpm.mean_from_noise] divides by sqrt(alpha_bar) instead of sqrt(alpha)
beta = extract(self.betas, t, x_t.shape)
root = extract(self.sqrt_one_minus_alphas_cumprod, t, x_t.shape)
return (x_t - beta / root * noise) / extract(self.sqrt_alphas_cumprod, t, x_t.shape)

# %% [ddpm.mean_from_noise] eq. (1) inverted: sqrt(beta) noise
alpha = extract(self.alphas, t, x_t.shape)
return (x_t - (1 - alpha).sqrt() * noise) / alpha.sqrt()

# %% [ddpm.mean_from_noise] multiplies by sqrt(alpha) instead of dividing
alpha = extract(self.alphas, t, x_t.shape)
beta = extract(self.betas, t, x_t.shape)
return alpha.sqrt() * (x_t - beta / extract(self.sqrt_one_minus_alphas_cumprod, t, x_t.shape) * noise)

# %% [ddpm.p_losses] F.mse_loss(weight=...) divides by the sum of the weights
x_t = self.q_sample(x_start, t, noise)
out = self.model(x_t, t, model_kwargs)
target = noise if self.objective == "pred_noise" else x_start
return F.mse_loss(out, target, weight=extract(self.loss_weight, t, out.shape).expand_as(out))

# %% [ddpm.p_losses] averaged before it is weighted
x_t = self.q_sample(x_start, t, noise)
out = self.model(x_t, t, model_kwargs)
target = noise if self.objective == "pred_noise" else x_start
return (self.loss_weight[t] * F.mse_loss(out, target)).mean()

# %% [ddpm.p_losses] the weight inside the square
x_t = self.q_sample(x_start, t, noise)
out = self.model(x_t, t, model_kwargs)
target = noise if self.objective == "pred_noise" else x_start
return ((extract(self.loss_weight, t, out.shape) * (target - out)) ** 2).mean()

# %% [ddpm.p_losses] pred_x_start compared in [0, 1]
x_t = self.q_sample(x_start, t, noise)
out = self.model(x_t, t, model_kwargs)
target = noise if self.objective == "pred_noise" else self.unnormalize(x_start)
return (extract(self.loss_weight, t, out.shape) * (target - out) ** 2).mean()

# %% [ddpm.p_losses] sum over the values, mean over the samples
x_t = self.q_sample(x_start, t, noise)
out = self.model(x_t, t, model_kwargs)
target = noise if self.objective == "pred_noise" else x_start
return (self.loss_weight[t] * ((target - out) ** 2).flatten(1).sum(1)).mean()

# %% [ddpm.p_losses] condition unpacked and popped: changes the caller's dict
x_t = self.q_sample(x_start, t, noise)
model_kwargs.setdefault("text_emb", None)
out = self.model(x_t, t, model_kwargs)
target = noise if self.objective == "pred_noise" else x_start
return (extract(self.loss_weight, t, out.shape) * (target - out) ** 2).mean()

# %% [ddpm.ancestral_step] beta without its root
mean = self.mean_from_noise(x_t, t, noise_pred)
std = extract(self.betas if variance == "beta" else self.posterior_std, t, x_t.shape)
return mean + std * z * (t > 0).view(-1, *[1] * (x_t.dim() - 1))

# %% [ddpm.ancestral_step] one t = 0 in the batch stops everybody's noise
mean = self.mean_from_noise(x_t, t, noise_pred)
std = extract(self.betas.sqrt() if variance == "beta" else self.posterior_std, t, x_t.shape)
if (t == 0).any():
    return mean
return mean + std * z

# %% [ddpm.ancestral_step] off by one: no noise at t = 1 either
mean = self.mean_from_noise(x_t, t, noise_pred)
std = extract(self.betas.sqrt() if variance == "beta" else self.posterior_std, t, x_t.shape)
return mean + std * z * (t > 1).view(-1, *[1] * (x_t.dim() - 1))

# %% [ddpm.ancestral_step] root of both tables: posterior_std rooted again
mean = self.mean_from_noise(x_t, t, noise_pred)
std = extract(self.betas if variance == "beta" else self.posterior_std, t, x_t.shape).sqrt()
return mean + std * z * (t > 0).view(-1, *[1] * (x_t.dim() - 1))

# %% [ddpm.p_sample] noise scaled by sqrt(beta), the other variance
times = torch.full((len(x_t),), t, device=x_t.device)
out = self.model(x_t, times, model_kwargs)
x_start = self.predict_start_from_noise(x_t, times, out) if self.objective == "pred_noise" else out
mean, _ = self.q_posterior(x_start.clamp(-1, 1), x_t, times)
noise = torch.randn_like(x_t) if t > 0 else 0
return mean + extract(self.betas.sqrt(), times, x_t.shape) * noise

# %% [ddpm.p_sample] clamps the network's answer before eq. (8), not x_start
times = torch.full((len(x_t),), t, device=x_t.device)
out = self.model(x_t, times, model_kwargs).clamp(-1, 1)
x_start = self.predict_start_from_noise(x_t, times, out) if self.objective == "pred_noise" else out
mean, std = self.q_posterior(x_start, x_t, times)
return mean + std * torch.randn_like(x_t)

# %% [ddpm.p_sample] the clamp only in the pred_noise branch
times = torch.full((len(x_t),), t, device=x_t.device)
x_start = self.model(x_t, times, model_kwargs)
if self.objective == "pred_noise":
    x_start = self.predict_start_from_noise(x_t, times, x_start).clamp(-1, 1)
mean, std = self.q_posterior(x_start, x_t, times)
return mean + std * torch.randn_like(x_t)

# %% [ddpm.p_sample] clamp's result thrown away
times = torch.full((len(x_t),), t, device=x_t.device)
out = self.model(x_t, times, model_kwargs)
x_start = self.predict_start_from_noise(x_t, times, out) if self.objective == "pred_noise" else out
torch.clamp(x_start, -1, 1)
mean, std = self.q_posterior(x_start, x_t, times)
return mean + std * torch.randn_like(x_t)

# %% [ddpm.p_losses] a default written into the caller's model_kwargs
model_kwargs.setdefault("cfg_scale", 1.0)
x_t = self.q_sample(x_start, t, noise)
prediction = self.model(x_t, t, model_kwargs)
target = noise if self.objective == "pred_noise" else x_start
weight = extract(self.loss_weight, t, x_start.shape)
return (weight * (prediction - target) ** 2).mean()
