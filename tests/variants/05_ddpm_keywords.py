# %% [ddpm.cosine_beta_schedule] every argument by its name
u = torch.linspace(start=0.0, end=1.0, steps=timesteps + 1, dtype=torch.float64)
f = torch.cos(input=(u + s) / (1 + s) * math.pi / 2).square()
return torch.clamp(input=1 - f[1:] / f[:-1], min=0.0, max=0.999)

# %% [ddpm.extract] every argument by its name
return torch.gather(input=a, dim=0, index=t).reshape(shape=(len(t), *[1] * (len(x_shape) - 1)))

# %% [ddpm.q_sample] extract by the names of its arguments
a = extract(a=self.sqrt_alphas_cumprod, t=t, x_shape=x_start.shape)
return a * x_start + extract(self.sqrt_one_minus_alphas_cumprod, t=t, x_shape=noise.shape) * noise

# %% [ddpm.predict_start_from_noise] extract by the names of its arguments
sigma = extract(x_shape=noise.shape, t=t, a=self.sqrt_one_minus_alphas_cumprod)
return (x_t - sigma * noise) / extract(self.sqrt_alphas_cumprod, t, x_shape=x_t.shape)

# %% [ddpm.predict_noise_from_start] extract by the names of its arguments
a = extract(x_shape=x_t.shape, t=t, a=self.sqrt_alphas_cumprod)
return (x_t - a * x_start) / extract(self.sqrt_one_minus_alphas_cumprod, t, x_shape=x_t.shape)

# %% [ddpm.posterior_tables] every argument by its name, the variance of the second factor never 0
alphas = torch.sub(input=torch.ones_like(betas), other=betas)
before = torch.cat(tensors=[torch.ones(1, dtype=betas.dtype), torch.cumprod(input=alphas, dim=0)[:-1]], dim=0)
spread = torch.clamp(input=1 - before, min=1e-20)
variance = torch.reciprocal(input=alphas / betas + 1 / spread)
return before.sqrt() * variance / spread, variance * alphas.sqrt() / betas, torch.sqrt(input=variance)

# %% [ddpm.p_losses] q_sample and the network by the names of their arguments
x_t = self.q_sample(x_start, t, noise=noise)
assert torch.equal(x_t, self.q_sample(x_start=x_start, noise=noise, t=t))
prediction = self.model(x_t, time=t, model_kwargs=model_kwargs)
target = {"pred_noise": noise, "pred_x_start": x_start}[self.objective]
weight = extract(a=self.loss_weight, t=t, x_shape=x_start.shape)
return (weight * F.mse_loss(input=prediction, target=target, reduction="none")).mean()

# %% [ddpm.mean_from_noise] other methods by the names of their arguments
x_start = self.predict_start_from_noise(x_t=x_t, noise=noise, t=t)
mean, _ = self.q_posterior(t=t, x_t=x_t, x_start=x_start)
return mean

# %% [ddpm.ancestral_step] other methods by the names of their arguments
mean = self.mean_from_noise(x_t, noise=noise_pred, t=t)
table = self.betas.sqrt() if variance == "beta" else self.posterior_std
std = extract(table, t=t, x_shape=x_t.shape)
return torch.where((t > 0).reshape(std.shape), mean + std * z, mean)

# %% [ddpm.p_sample] through the ancestral step with the noise of the clamped x_start, all by name
times = torch.full(size=(len(x_t),), fill_value=t, device=x_t.device)
x_start = self.model(x_t, time=times, model_kwargs=model_kwargs)
if self.objective == "pred_noise":
    x_start = self.predict_start_from_noise(x_t, times, noise=x_start)
noise = self.predict_noise_from_start(x_t=x_t, t=times, x_start=x_start.clamp(min=-1, max=1))
z = torch.stack([torch.randn_like(input=x) for x in x_t])
return self.ancestral_step(x_t=x_t, t=times, noise_pred=noise, z=z, variance="posterior")
