# %% [ddpm.cosine_beta_schedule] only T points, first beta padded with 0
u = torch.linspace(0, 1, timesteps, dtype=torch.float64)
f = torch.cos((u + s) / (1 + s) * math.pi / 2) ** 2
betas = 1 - f[1:] / f[:-1]
return torch.cat([torch.zeros(1, dtype=torch.float64), betas]).clamp(max=0.999)

# %% [ddpm.cosine_beta_schedule] bracket closes too early: pi/2 outside of the cosine
u = torch.linspace(0, 1, timesteps + 1, dtype=torch.float64)
f = (torch.cos((u + s) / (1 + s)) * math.pi / 2) ** 2
return (1 - f[1:] / f[:-1]).clamp(max=0.999)

# %% [ddpm.cosine_beta_schedule] precedence: u + s / (1 + s) without brackets around u + s
u = torch.arange(timesteps + 1, dtype=torch.float64) / timesteps
f = torch.cos((u + s / (1 + s)) * math.pi / 2).square()
return torch.clamp(1 - f[1:] / f[:-1], max=0.999)

# %% [ddpm.cosine_beta_schedule] torch.clamp(x, 0.999): the positional bound is the lower one
u = torch.linspace(0, 1, timesteps + 1, dtype=torch.float64)
f = torch.cos((u + s) / (1 + s) * math.pi / 2) ** 2
return torch.clamp(1 - f[1:] / f[:-1], 0.999)

# %% [ddpm.cosine_beta_schedule] computed in float32, cast to float64 at the end
u = torch.linspace(0, 1, timesteps + 1)
f = torch.cos((u + s) / (1 + s) * math.pi / 2) ** 2
return (1 - f[1:] / f[:-1]).clamp(max=0.999).double()

# %% [ddpm.extract] always four axes
return a[t][:, None, None, None]

# %% [ddpm.extract] one axis too many: b followed by len(x_shape) ones
return a.gather(0, t).reshape(-1, *[1] * len(x_shape))

# %% [ddpm.extract] the paper's counting: a[t - 1]
out = a[t - 1]
return out.reshape(len(t), *([1] * (len(x_shape) - 1)))

# %% [ddpm.q_sample] noise multiplied by 1 - sqrt(abar) (as in interpolation)
w = extract(self.sqrt_alphas_cumprod, t, x_start.shape)
return w * x_start + (1 - w) * noise

# %% [ddpm.q_sample] a single step of eq. (1) in place of the jump
beta = extract(self.betas, t, x_start.shape)
return torch.sqrt(1 - beta) * x_start + torch.sqrt(beta) * noise

# %% [ddpm.q_sample] normalises x_start once more
x_start = self.normalize(x_start)
mean = extract(self.sqrt_alphas_cumprod, t, x_start.shape) * x_start
std = extract(self.sqrt_one_minus_alphas_cumprod, t, x_start.shape)
return mean + std * noise

# %% [ddpm.predict_start_from_noise] clamps to [-1, 1]
a = extract(self.sqrt_alphas_cumprod, t, x_t.shape)
s = extract(self.sqrt_one_minus_alphas_cumprod, t, x_t.shape)
return ((x_t - s * noise) / a).clamp(-1, 1)

# %% [ddpm.predict_start_from_noise] brackets forgotten: only the noise term is divided
a = extract(self.sqrt_alphas_cumprod, t, x_t.shape)
s = extract(self.sqrt_one_minus_alphas_cumprod, t, x_t.shape)
return x_t - s * noise / a

# %% [ddpm.predict_noise_from_start] sign: x_start term minus x_t
a = extract(self.sqrt_alphas_cumprod, t, x_t.shape)
s = extract(self.sqrt_one_minus_alphas_cumprod, t, x_t.shape)
return (a * x_start - x_t) / s

# %% [ddpm.predict_noise_from_start] divides by 1 - abar without its root
abar = extract(self.alphas_cumprod, t, x_t.shape)
return (x_t - torch.sqrt(abar) * x_start) / (1 - abar)

# %% [ddpm.posterior_tables] torch.roll: index 0 sees the last entry
alphas = 1 - betas
ab = torch.cumprod(alphas, 0)
prev = torch.roll(ab, 1)
c1 = prev.sqrt() * betas / (1 - ab)
c2 = alphas.sqrt() * (1 - prev) / (1 - ab)
std = (betas * (1 - prev) / (1 - ab)).sqrt()
return c1, c2, std

# %% [ddpm.posterior_tables] prev = cat([1, abar[1:]]): first entry replaced, nothing shifted
alphas = 1 - betas
ab = torch.cumprod(alphas, 0)
prev = torch.cat([torch.ones(1, dtype=betas.dtype), ab[1:]])
c1 = prev.sqrt() * betas / (1 - ab)
c2 = alphas.sqrt() * (1 - prev) / (1 - ab)
std = (betas * (1 - prev) / (1 - ab)).sqrt()
return c1, c2, std

# %% [ddpm.posterior_tables] variance of the first factor beta instead of beta / alpha
alphas = 1 - betas
ab = alphas.cumprod(0)
prev = F.pad(ab[:-1], (1, 0), value=1.0)
v1, v2 = betas, 1 - prev
total = v1 + v2
return prev.sqrt() * v1 / total, v2 / total / alphas.sqrt(), (v1 * v2 / total).sqrt()

# %% [ddpm.posterior_tables] first factor centred at sqrt(alpha) x_t instead of x_t / sqrt(alpha)
alphas = 1 - betas
ab = alphas.cumprod(0)
prev = F.pad(ab[:-1], (1, 0), value=1.0)
v1, v2 = betas / alphas, 1 - prev
total = v1 + v2
return prev.sqrt() * v1 / total, alphas.sqrt() * v2 / total, (v1 * v2 / total).sqrt()

# %% [ddpm.posterior_tables] divides by 1 - abar_prev = 0 and repairs the NaN with 0
alphas = 1 - betas
ab = alphas.cumprod(0)
prev = torch.cat([betas.new_ones(1), ab[:-1]])
p1, p2 = alphas / betas, 1 / (1 - prev)
v = 1 / (p1 + p2)
c1 = v * prev.sqrt() * p2
c2 = v * p1 / alphas.sqrt()
return c1.nan_to_num(0.0), c2.nan_to_num(0.0), v.sqrt()

# %% [ddpm.posterior_tables] means weighted with the variances, not with the precisions
alphas = 1 - betas
ab = alphas.cumprod(0)
prev = torch.cat([torch.ones_like(ab[:1]), ab[:-1]])
v1, v2 = betas / alphas, 1 - prev
c1 = v2 / (v1 + v2) * prev.sqrt()
c2 = v1 / (v1 + v2) / alphas.sqrt()
return c1, c2, torch.sqrt(v1 * v2 / (v1 + v2))

# %% [ddpm.mean_from_noise] alphas_cumprod under the outer root
beta = extract(self.betas, t, x_t.shape)
abar = extract(self.alphas_cumprod, t, x_t.shape)
return (x_t - beta / (1 - abar).sqrt() * noise) / abar.sqrt()

# %% [ddpm.mean_from_noise] brackets: 1 / sqrt(alpha) on x_t only
beta = extract(self.betas, t, x_t.shape)
alpha = extract(self.alphas, t, x_t.shape)
s = extract(self.sqrt_one_minus_alphas_cumprod, t, x_t.shape)
return x_t / alpha.sqrt() - beta / s * noise

# %% [ddpm.mean_from_noise] long way, with x_start clamped
x_start = self.predict_start_from_noise(x_t, t, noise).clamp(-1, 1)
mean, _ = self.q_posterior(x_start, x_t, t)
return mean

# %% [ddpm.mean_from_noise] times sqrt(alpha) instead of divided by it
beta = extract(self.betas, t, x_t.shape)
alpha = extract(self.alphas, t, x_t.shape)
s = extract(self.sqrt_one_minus_alphas_cumprod, t, x_t.shape)
return alpha.sqrt() * (x_t - beta / s * noise)

# %% [ddpm.p_losses] averages the errors first, then multiplies with the mean weight
x_t = self.q_sample(x_start, t, noise)
pred = self.model(x_t, t, model_kwargs)
target = noise if self.objective == "pred_noise" else x_start
return F.mse_loss(pred, target) * self.loss_weight[t].mean()

# %% [ddpm.p_losses] unpacks model_kwargs with **
x_t = self.q_sample(x_start, t, noise)
pred = self.model(x_t, t, **model_kwargs)
target = noise if self.objective == "pred_noise" else x_start
err = ((pred - target) ** 2).flatten(1).mean(1)
return (self.loss_weight[t] * err).mean()

# %% [ddpm.p_losses] weight inside the square
x_t = self.q_sample(x_start, t, noise)
pred = self.model(x_t, t, model_kwargs)
target = noise if self.objective == "pred_noise" else x_start
w = extract(self.loss_weight, t, x_start.shape)
return F.mse_loss(w * pred, w * target)

# %% [ddpm.p_losses] q_sample gets fresh noise, not the one that is the target
x_t = self.q_sample(x_start, t, torch.randn_like(x_start))
pred = self.model(x_t, t, model_kwargs)
target = noise if self.objective == "pred_noise" else x_start
w = extract(self.loss_weight, t, x_start.shape)
return (w * (pred - target) ** 2).mean()

# %% [ddpm.p_losses] weighted average: divided by the sum of the weights
x_t = self.q_sample(x_start, t, noise)
pred = self.model(x_t, t, model_kwargs)
target = noise if self.objective == "pred_noise" else x_start
err = F.mse_loss(pred, target, reduction="none").flatten(1).mean(1)
w = self.loss_weight[t]
return (w * err).sum() / w.sum()

# %% [ddpm.p_losses] network gets t / T instead of the index
x_t = self.q_sample(x_start, t, noise)
pred = self.model(x_t, t / self.num_timesteps, model_kwargs)
target = noise if self.objective == "pred_noise" else x_start
w = extract(self.loss_weight, t, x_start.shape)
return (w * (pred - target) ** 2).mean()

# %% [ddpm.ancestral_step] std = beta, root forgotten
mean = self.mean_from_noise(x_t, t, noise_pred)
table = self.betas if variance == "beta" else self.posterior_std
std = extract(table, t, x_t.shape)
mask = extract((torch.arange(self.num_timesteps, device=t.device) > 0).float(), t, x_t.shape)
return mean + mask * std * z

# %% [ddpm.ancestral_step] root of posterior_std as if it were the variance
mean = self.mean_from_noise(x_t, t, noise_pred)
var = extract(self.betas if variance == "beta" else self.posterior_std, t, x_t.shape)
mask = (t > 0).float().view(-1, *[1] * (x_t.ndim - 1))
return mean + mask * var.sqrt() * z

# %% [ddpm.ancestral_step] one sample at t = 0 silences the whole batch
mean = self.mean_from_noise(x_t, t, noise_pred)
if (t == 0).any():
    return mean
std = extract(self.betas.sqrt() if variance == "beta" else self.posterior_std, t, x_t.shape)
return mean + std * z

# %% [ddpm.ancestral_step] z[t == 0] = 0 in place: the caller's noise is changed
z[t == 0] = 0
std = extract(self.betas.sqrt() if variance == "beta" else self.posterior_std, t, x_t.shape)
return self.mean_from_noise(x_t, t, noise_pred) + std * z

# %% [ddpm.p_sample] clamps the predicted noise too (clamp before conversion)
tt = torch.full((len(x_t),), t, device=x_t.device)
pred = self.model(x_t, tt, model_kwargs).clamp(-1, 1)
if self.objective == "pred_noise":
    pred = self.predict_start_from_noise(x_t, tt, pred)
mean, std = self.q_posterior(pred, x_t, tt)
return mean + std * torch.randn_like(x_t)

# %% [ddpm.p_sample] one noise for the whole batch
tt = torch.full((len(x_t),), t, device=x_t.device)
pred = self.model(x_t, tt, model_kwargs)
if self.objective == "pred_noise":
    pred = self.predict_start_from_noise(x_t, tt, pred)
mean, std = self.q_posterior(pred.clamp(-1, 1), x_t, tt)
return mean + std * torch.randn_like(x_t[0])

# %% [ddpm.p_sample] clamped x_start, but variance beta through ancestral_step
tt = torch.full((len(x_t),), t, device=x_t.device)
pred = self.model(x_t, tt, model_kwargs)
x_start = pred if self.objective == "pred_x_start" else self.predict_start_from_noise(x_t, tt, pred)
eps = self.predict_noise_from_start(x_t, tt, x_start.clamp(-1, 1))
return self.ancestral_step(x_t, tt, eps, torch.randn_like(x_t), "beta")

# %% [ddpm.p_sample] rand_like: uniform noise
tt = torch.full((len(x_t),), t, device=x_t.device)
pred = self.model(x_t, tt, model_kwargs)
x_start = pred if self.objective == "pred_x_start" else self.predict_start_from_noise(x_t, tt, pred)
mean, std = self.q_posterior(x_start.clamp(-1, 1), x_t, tt)
return mean + std * torch.rand_like(x_t)

# %% [ddpm.p_sample] clamp only in the noise branch
tt = torch.full((len(x_t),), t, device=x_t.device)
pred = self.model(x_t, tt, model_kwargs)
if self.objective == "pred_noise":
    pred = self.predict_start_from_noise(x_t, tt, pred).clamp(-1, 1)
mean, std = self.q_posterior(pred, x_t, tt)
return mean + std * torch.randn_like(x_t)
