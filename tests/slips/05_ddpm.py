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
