# %% [ddpm.cosine_beta_schedule] numpy in float64
import numpy as np

f = np.cos((np.arange(timesteps + 1) / timesteps + s) / (1 + s) * np.pi / 2) ** 2
alphas_cumprod = f / f[0]
return torch.from_numpy(np.clip(1 - alphas_cumprod[1:] / alphas_cumprod[:-1], 0, 0.999))

# %% [ddpm.extract] the table in float64
return a.double()[t].view([-1] + [1] * (len(x_shape) - 1))

# %% [ddpm.q_sample] all in float64, roots taken here
ab = self.alphas_cumprod.double()[t].view([-1] + [1] * (x_start.dim() - 1))
return ab.sqrt() * x_start.double() + (1 - ab).sqrt() * noise.double()

# %% [ddpm.predict_start_from_noise] all in float64, roots taken here
ab = self.alphas_cumprod.double()[t].view([-1] + [1] * (x_t.dim() - 1))
return (x_t.double() - (1 - ab).sqrt() * noise.double()) / ab.sqrt()

# %% [ddpm.predict_noise_from_start] float64, through the reciprocal of alpha_bar
shape = [-1] + [1] * (x_t.dim() - 1)
a = self.sqrt_alphas_cumprod.double()[t].view(shape)
sigma = self.sqrt_one_minus_alphas_cumprod.double()[t].view(shape)
return ((x_t.double() / a - x_start.double()) * a / sigma).float()

# %% [ddpm.posterior_tables] numpy, the clamped variance of other libraries
import numpy as np

b = betas.numpy()
ab = np.cumprod(1.0 - b)
before = np.append(1.0, ab[:-1])
variance = b * (1.0 - before) / (1.0 - ab)
tables = before**0.5 * b / (1 - ab), (1 - b) ** 0.5 * (1 - before) / (1 - ab), np.sqrt(np.maximum(variance, 1e-20))
return [torch.from_numpy(table) for table in tables]

# %% [ddpm.p_losses] x_t by the formula, the loss summed up in float64
ab = self.alphas_cumprod.double()[t].view([-1] + [1] * (x_start.dim() - 1))
x_t = (ab.sqrt() * x_start + (1 - ab).sqrt() * noise).to(x_start.dtype)
prediction = self.model(x_t, t, model_kwargs)
if self.objective == "pred_x_start":
    error = (prediction - x_start).double().pow(2).flatten(1).mean(1)
else:
    error = (prediction - noise).double().pow(2).flatten(1).mean(1)
return (error * self.loss_weight.double()[t]).mean()

# %% [ddpm.mean_from_noise] float64
shape = [-1] + [1] * (x_t.dim() - 1)
beta = self.betas.double()[t].view(shape)
ab = self.alphas_cumprod.double()[t].view(shape)
return (1 - beta).rsqrt() * (x_t.double() - beta / (1 - ab).sqrt() * noise.double())

# %% [ddpm.ancestral_step] float64, torch.where
shape = [-1] + [1] * (x_t.dim() - 1)
mean = self.mean_from_noise(x_t, t, noise_pred).double()
if variance == "beta":
    var = self.betas.double()[t]
else:
    var = self.posterior_std.double()[t] ** 2
std = torch.where(t == 0, 0.0, var.sqrt()).view(shape)
return mean + std * z.double()

# %% [ddpm.p_sample] the formulas written out in float64
times = torch.full((x_t.shape[0],), t, dtype=torch.long)
out = self.model(x_t, times, model_kwargs).double()
if self.objective == "pred_noise":
    ab = self.alphas_cumprod[t].double()
    out = (x_t.double() - (1 - ab).sqrt() * out) / ab.sqrt()
x_start = out.clip(min=-1.0, max=1.0)
mean = self.posterior_mean_coef1[t].double() * x_start + self.posterior_mean_coef2[t].double() * x_t.double()
return mean + self.posterior_std[t].double() * torch.randn_like(x_t, dtype=torch.float64)
