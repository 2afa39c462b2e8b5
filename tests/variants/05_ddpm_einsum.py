# %% [ddpm.cosine_beta_schedule] alpha_bar from the half-angle formula
angle = torch.arange(timesteps + 1, dtype=torch.float64).div(timesteps).add(s).div(1 + s).mul(torch.pi)
alphas_cumprod = (1 + angle.cos()) / 2
before, after = alphas_cumprod.unfold(0, 2, 1).unbind(1)
return torch.minimum((before - after) / before, torch.tensor(0.999, dtype=torch.float64))

# %% [ddpm.extract] one-hot rows times the table
rows = F.one_hot(t, len(a)).to(a.dtype)
return torch.einsum("bt,t->b", rows, a)[(...,) + (None,) * (len(x_shape) - 1)]

# %% [ddpm.q_sample] einsum over the batch
a, sigma = self.sqrt_alphas_cumprod[t], self.sqrt_one_minus_alphas_cumprod[t]
return torch.einsum("b,b...->b...", a, x_start) + torch.einsum("b,b...->b...", sigma, noise)

# %% [ddpm.predict_start_from_noise] einsum over the batch
signal = x_t - torch.einsum("b,b...->b...", self.sqrt_one_minus_alphas_cumprod[t], noise)
return torch.einsum("b,b...->b...", self.sqrt_alphas_cumprod[t].reciprocal(), signal)

# %% [ddpm.predict_noise_from_start] with the batch moved to the end
a, sigma = self.sqrt_alphas_cumprod.take(t), self.sqrt_one_minus_alphas_cumprod.take(t)
return ((x_t.movedim(0, -1) - a * x_start.movedim(0, -1)) / sigma).movedim(-1, 0)

# %% [ddpm.posterior_tables] the precisions in a matrix, index 0 apart
alphas = 1 - betas
before = torch.cat([alphas.new_ones(1), alphas.cumprod(0)[:-1]])
means = torch.stack([before.sqrt(), alphas.rsqrt()])
precisions = torch.stack([1 / (1 - before[1:]), (alphas / betas)[1:]])
variance = precisions.sum(0).reciprocal()
rest = torch.einsum("kt,kt,t->kt", means[:, 1:], precisions, variance)
first = torch.eye(2, 1, dtype=betas.dtype)
coef1, coef2 = torch.cat([first, rest], dim=1)
return coef1, coef2, F.pad(variance.sqrt(), (1, 0))

# %% [ddpm.p_losses] einsum for the weighted mean
prediction = self.model(self.q_sample(x_start, t, noise), t, model_kwargs)
error = prediction - (x_start if self.objective == "pred_x_start" else noise)
return torch.einsum("b,b...,b...->...", self.loss_weight[t], error, error).sum() / error.numel()

# %% [ddpm.mean_from_noise] the two factors as tables of their own
factor = self.betas / self.sqrt_one_minus_alphas_cumprod / self.alphas.sqrt()
return extract(self.alphas.rsqrt(), t, x_t.shape) * x_t - extract(factor, t, x_t.shape) * noise

# %% [ddpm.ancestral_step] a table of standard deviations that begins with 0
std = {"beta": self.betas.sqrt(), "posterior": self.posterior_std}[variance].index_fill(0, torch.tensor(0), 0.0)
return torch.addcmul(self.mean_from_noise(x_t, t, noise_pred), extract(std, t, x_t.shape), z)

# %% [ddpm.p_sample] the tables at t, without the other methods
times = x_t.new_full((len(x_t),), t, dtype=torch.int64)
x_start = self.model(x_t, times, model_kwargs)
if self.objective == "pred_noise":
    noiseless = torch.addcmul(x_t, self.sqrt_one_minus_alphas_cumprod[t], x_start, value=-1)
    x_start = noiseless / self.sqrt_alphas_cumprod[t]
x_start = F.hardtanh(x_start)
noise = torch.normal(0.0, 1.0, x_t.shape)
return torch.addcmul(self.posterior_mean_coef1[t] * x_start + self.posterior_mean_coef2[t] * x_t,
                     noise, self.posterior_std[t])
