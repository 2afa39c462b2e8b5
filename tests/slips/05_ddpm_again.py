# %% [ddpm.cosine_beta_schedule] clamp(0.999) is a minimum, not a maximum
u = torch.linspace(0, 1, timesteps + 1, dtype=torch.float64)
f = torch.cos((u + s) / (1 + s) * math.pi / 2) ** 2
return (1 - f[1:] / f[:-1]).clamp(0.999)

# %% [ddpm.cosine_beta_schedule] parentheses u + s/(1+s)
u = torch.linspace(0, 1, timesteps + 1, dtype=torch.float64)
f = torch.cos((u + s / (1 + s)) * math.pi / 2) ** 2
return (1 - f[1:] / f[:-1]).clamp(0, 0.999)

# %% [ddpm.cosine_beta_schedule] T points, first beta 1 - alpha_bar(0) = 0
u = torch.linspace(0, 1, timesteps, dtype=torch.float64)
f = torch.cos((u + s) / (1 + s) * math.pi / 2) ** 2
bar = f / f[0]
before = torch.cat([torch.ones(1, dtype=torch.float64), bar[:-1]])
return (1 - bar / before).clamp(max=0.999)

# %% [ddpm.cosine_beta_schedule] float32 curve, cast at the end
u = torch.linspace(0, 1, timesteps + 1)
f = torch.cos((u + s) / (1 + s) * math.pi / 2) ** 2
return (1 - f[1:] / f[:-1]).clamp(max=0.999).double()

# %% [ddpm.extract] reshaped to the front axes
return a[t].reshape(*[1] * (len(x_shape) - 1), -1)

# %% [ddpm.extract] one t for the whole batch
return a[t[0]].expand(len(t)).reshape(len(t), *[1] * (len(x_shape) - 1))

# %% [ddpm.extract] expanded to the full shape of the data
return a[t].reshape(-1, *[1] * (len(x_shape) - 1)).expand(x_shape)

# %% [ddpm.extract] shaped table then first b rows
return a.reshape(-1, *[1] * (len(x_shape) - 1))[:len(t)]

# %% [ddpm.q_sample] spread is 1 - root instead of root of 1 -
left = extract(self.sqrt_alphas_cumprod, t, x_start.shape)
return left * x_start + (1 - left) * noise

# %% [ddpm.q_sample] paper's t: looks up t - 1
left = extract(self.sqrt_alphas_cumprod, t - 1, x_start.shape)
right = extract(self.sqrt_one_minus_alphas_cumprod, t - 1, x_start.shape)
return left * x_start + right * noise

# %% [ddpm.q_sample] only one step of eq 1
a = extract(self.alphas, t, x_start.shape)
b = extract(self.betas, t, x_start.shape)
return a.sqrt() * x_start + b.sqrt() * noise

# %% [ddpm.q_sample] in place on x_start
x_start *= extract(self.sqrt_alphas_cumprod, t, x_start.shape)
x_start += extract(self.sqrt_one_minus_alphas_cumprod, t, x_start.shape) * noise
return x_start

# %% [ddpm.predict_start_from_noise] only the noise is divided
left = extract(self.sqrt_alphas_cumprod, t, x_t.shape)
right = extract(self.sqrt_one_minus_alphas_cumprod, t, x_t.shape)
return x_t - right * noise / left

# %% [ddpm.predict_start_from_noise] DDPM recip tables: root of 1/abar - 1 forgotten
a = extract(self.alphas_cumprod, t, x_t.shape)
return (1 / a).sqrt() * x_t - (1 / a - 1) * noise

# %% [ddpm.predict_start_from_noise] roots applied again to the root tables
left = extract(self.sqrt_alphas_cumprod, t, x_t.shape).sqrt()
right = extract(self.sqrt_one_minus_alphas_cumprod, t, x_t.shape).sqrt()
return (x_t - right * noise) / left

# %% [ddpm.predict_start_from_noise] denominator clamped to avoid dividing by 0
left = extract(self.sqrt_alphas_cumprod, t, x_t.shape).clamp(min=1e-2)
right = extract(self.sqrt_one_minus_alphas_cumprod, t, x_t.shape)
return (x_t - right * noise) / left

# %% [ddpm.predict_noise_from_start] copy of eq 8 with names swapped
left = extract(self.sqrt_alphas_cumprod, t, x_t.shape)
right = extract(self.sqrt_one_minus_alphas_cumprod, t, x_t.shape)
return (x_t - right * x_start) / left

# %% [ddpm.predict_noise_from_start] x_start not multiplied by its root
right = extract(self.sqrt_one_minus_alphas_cumprod, t, x_t.shape)
return (x_t - x_start) / right

# %% [ddpm.predict_noise_from_start] result standardised to be standard normal
left = extract(self.sqrt_alphas_cumprod, t, x_t.shape)
right = extract(self.sqrt_one_minus_alphas_cumprod, t, x_t.shape)
noise = (x_t - left * x_start) / right
return (noise - noise.mean()) / noise.std()

# %% [ddpm.predict_noise_from_start] indexed without extract, sample-wise broadcast on the last axis
a = self.alphas_cumprod[t[0]]
return (x_t - a.sqrt() * x_start) / (1 - a).sqrt()

# %% [ddpm.posterior_tables] torch.roll for the previous alpha_bar
alphas = 1 - betas
bar = alphas.cumprod(0)
prev = bar.roll(1)
return prev.sqrt() * betas / (1 - bar), alphas.sqrt() * (1 - prev) / (1 - bar), (betas * (1 - prev) / (1 - bar)).sqrt()

# %% [ddpm.posterior_tables] first factor not solved for x_{t-1}: variance beta, centre x_t / root alpha
alphas = 1 - betas
bar = alphas.cumprod(0)
prev = torch.cat([torch.ones(1, dtype=torch.float64), bar[:-1]])
total = betas + 1 - prev
return betas * prev.sqrt() / total, (1 - prev) / alphas.sqrt() / total, (betas * (1 - prev) / total).sqrt()

# %% [ddpm.posterior_tables] std[0] copied from std[1], as in improved DDPM's clipped log variance
alphas = 1 - betas
bar = alphas.cumprod(0)
prev = torch.cat([torch.ones(1, dtype=torch.float64), bar[:-1]])
var = betas * (1 - prev) / (1 - bar)
std = torch.cat([var[1:2], var[1:]]).sqrt()
return prev.sqrt() * betas / (1 - bar), alphas.sqrt() * (1 - prev) / (1 - bar), std

# %% [ddpm.posterior_tables] coefficient of x_t with root of previous alpha_bar
alphas = 1 - betas
bar = alphas.cumprod(0)
prev = torch.cat([torch.ones(1, dtype=torch.float64), bar[:-1]])
return prev.sqrt() * betas / (1 - bar), prev.sqrt() * (1 - prev) / (1 - bar), (betas * (1 - prev) / (1 - bar)).sqrt()

# %% [ddpm.mean_from_noise] only x_t divided by root alpha
alpha = extract(self.alphas, t, x_t.shape)
beta = extract(self.betas, t, x_t.shape)
root = extract(self.sqrt_one_minus_alphas_cumprod, t, x_t.shape)
return x_t / alpha.sqrt() - beta / root * noise

# %% [ddpm.mean_from_noise] root of 1 - alpha, so root beta
alpha = extract(self.alphas, t, x_t.shape)
return (x_t - (1 - alpha) / (1 - alpha).sqrt() * noise) / alpha.sqrt()

# %% [ddpm.mean_from_noise] through a clamped x_start
x_start = self.predict_start_from_noise(x_t, t, noise).clamp(-1, 1)
return self.q_posterior(x_start, x_t, t)[0]

# %% [ddpm.mean_from_noise] DDIM mean: sqrt(prev) x0 + sqrt(1 - prev) eps
prev = torch.cat([torch.ones_like(self.alphas_cumprod[:1]), self.alphas_cumprod[:-1]])
prev = extract(prev, t, x_t.shape)
x_start = self.predict_start_from_noise(x_t, t, noise)
return prev.sqrt() * x_start + (1 - prev).sqrt() * noise

# %% [ddpm.p_losses] mse averaged over all before the weight
out = self.model(self.q_sample(x_start, t, noise), t, model_kwargs)
target = noise if self.objective == "pred_noise" else x_start
return (F.mse_loss(out, target) * self.loss_weight[t]).mean()

# %% [ddpm.p_losses] normalises once more before q_sample
x_start = self.normalize(x_start)
out = self.model(self.q_sample(x_start, t, noise), t, model_kwargs)
target = noise if self.objective == "pred_noise" else x_start
return (extract(self.loss_weight, t, out.shape) * (out - target) ** 2).mean()

# %% [ddpm.p_losses] weights normalised to sum to one (weighted average)
out = self.model(self.q_sample(x_start, t, noise), t, model_kwargs)
target = noise if self.objective == "pred_noise" else x_start
w = extract(self.loss_weight, t, out.shape).expand_as(out)
return (w * (out - target) ** 2).sum() / w.sum()

# %% [ddpm.p_losses] summed over a sample's values, mean over batch
out = self.model(self.q_sample(x_start, t, noise), t, model_kwargs)
target = noise if self.objective == "pred_noise" else x_start
return (self.loss_weight[t] * (out - target).pow(2).flatten(1).sum(1)).mean()

# %% [ddpm.ancestral_step] if any t is 0 nobody gets noise
mean = self.mean_from_noise(x_t, t, noise_pred)
if (t == 0).any():
    return mean
std = self.betas.sqrt() if variance == "beta" else self.posterior_std
return mean + extract(std, t, x_t.shape) * z

# %% [ddpm.ancestral_step] no mask: posterior_std is 0 there anyway
mean = self.mean_from_noise(x_t, t, noise_pred)
std = self.betas.sqrt() if variance == "beta" else self.posterior_std
return mean + extract(std, t, x_t.shape) * z

# %% [ddpm.ancestral_step] root of posterior_std too
mean = self.mean_from_noise(x_t, t, noise_pred)
var = self.betas if variance == "beta" else self.posterior_std
keep = extract((torch.arange(self.num_timesteps) > 0).float(), t, x_t.shape)
return mean + keep * extract(var, t, x_t.shape).sqrt() * z

# %% [ddpm.ancestral_step] mask on t > 1, as the paper's last step is t = 1
mean = self.mean_from_noise(x_t, t, noise_pred)
std = self.betas.sqrt() if variance == "beta" else self.posterior_std
keep = extract((torch.arange(self.num_timesteps) > 1).float(), t, x_t.shape)
return mean + keep * extract(std, t, x_t.shape) * z

# %% [ddpm.p_sample] clamps the network's output before eq 8
times = torch.full((len(x_t),), t, device=x_t.device)
out = self.model(x_t, times, model_kwargs).clamp(-1, 1)
if self.objective == "pred_noise":
    out = self.predict_start_from_noise(x_t, times, out)
mean, std = self.q_posterior(out, x_t, times)
return mean + std * torch.randn_like(x_t)

# %% [ddpm.p_sample] clamp only in the noise branch
times = torch.full((len(x_t),), t, device=x_t.device)
x_start = self.model(x_t, times, model_kwargs)
if self.objective == "pred_noise":
    x_start = self.predict_start_from_noise(x_t, times, x_start).clamp(-1, 1)
mean, std = self.q_posterior(x_start, x_t, times)
return mean + std * torch.randn_like(x_t)

# %% [ddpm.p_sample] the predicted noise put back as z
times = torch.full((len(x_t),), t, device=x_t.device)
out = self.model(x_t, times, model_kwargs)
if self.objective == "pred_noise":
    x_start, z = self.predict_start_from_noise(x_t, times, out).clamp(-1, 1), out
else:
    x_start = out.clamp(-1, 1)
    z = self.predict_noise_from_start(x_t, times, x_start)
mean, std = self.q_posterior(x_start, x_t, times)
return mean + std * z

# %% [ddpm.p_sample] one noise shared by the batch
times = torch.full((len(x_t),), t, device=x_t.device)
out = self.model(x_t, times, model_kwargs)
if self.objective == "pred_noise":
    out = self.predict_start_from_noise(x_t, times, out)
mean, std = self.q_posterior(out.clamp(-1, 1), x_t, times)
return mean + std * torch.randn(x_t.shape[1:], device=x_t.device)
