# %% [sde.VPSDE.marginal_prob] by keyword
beta_t = torch.lerp(torch.full_like(t, self.beta_0), torch.full_like(t, self.beta_1), t)
area = torch.mul(input=t, other=(self.beta_0 + beta_t) * 0.5)
factor = torch.exp(input=-0.5 * area)
return torch.mul(input=x, other=column(c=factor, x=x)), torch.sqrt(input=1.0 - factor.square())

# %% [sde.VESDE.sde] by keyword, through marginal_prob
std = self.marginal_prob(x=x, t=t)[1]
rate = 2 * math.log(self.sigma_max / self.sigma_min)
return torch.full_like(input=x, fill_value=0.0), torch.sqrt(input=rate * torch.square(input=std))

# %% [sde.reverse_sde] by keyword
drift, diffusion = sde.sde(x=x, t=t)
score = score_fn(x, t)
g2 = torch.square(input=column(c=diffusion, x=x))
if probability_flow:
    return torch.addcmul(input=drift, tensor1=g2, tensor2=score, value=-0.5), 0.0 * diffusion
return torch.addcmul(input=drift, tensor1=g2, tensor2=score, value=-1), diffusion

# %% [sde.euler_maruyama_step] by keyword
drift, diffusion = reverse_sde(sde=sde, score_fn=score_fn, x=x, t=t, probability_flow=False)
x_mean = torch.sub(input=x, other=drift, alpha=dt)
return torch.addcmul(input=x_mean, tensor1=column(c=diffusion, x=x), tensor2=z, value=dt**0.5), x_mean

# %% [sde.get_score_fn] a lambda for each row
if isinstance(sde, VESDE) and continuous:
    return lambda x, t: model(x, sde.marginal_prob(x=x, t=t)[1])
if isinstance(sde, VESDE):
    return lambda x, t: model(x, torch.round(input=(sde.N - 1) - (sde.N - 1) * t).to(dtype=torch.long))
if isinstance(sde, subVPSDE) or continuous:
    return lambda x, t: torch.div(input=model(x, 999 * t), other=column(c=-sde.marginal_prob(x=x, t=t)[1], x=x))

def discrete(x, t):
    std = torch.index_select(input=sde.sqrt_1m_alphas_cumprod, dim=0, index=sde.index(t=t))
    return torch.div(input=model(x, (sde.N - 1) * t), other=column(c=-std, x=x))

return discrete

# %% [sde.sde_loss] by keyword, with mse_loss
mean, std = sde.marginal_prob(x=x, t=t)
std = column(c=std, x=x).expand_as(x)
score = score_fn(torch.addcmul(input=mean, tensor1=std, tensor2=z), t)
if not likelihood_weighting:
    return nn.functional.mse_loss(input=std * score, target=-z, reduction="mean")
g = column(c=sde.sde(x=x, t=t)[1], x=x)
return nn.functional.mse_loss(input=g * score, target=-g * z / std)

# %% [sde.ancestral_predictor] by keyword
i = sde.index(t=t)
score = score_fn(x, t)
if isinstance(sde, VESDE):
    sigma = torch.take(input=sde.discrete_sigmas, index=i)
    shifted = torch.cat(tensors=[torch.zeros(1), sde.discrete_sigmas[:-1]])
    before = torch.take(input=shifted, index=i)
    step = sigma.square() - before.square()
    x_mean = torch.addcmul(input=x, tensor1=column(c=step, x=x), tensor2=score)
    noise = before * torch.sqrt(input=step) / sigma
else:
    beta = torch.take(input=sde.discrete_betas, index=i)
    x_mean = torch.rsqrt(input=column(c=1 - beta, x=x)) * (x + column(c=beta, x=x) * score)
    noise = torch.sqrt(input=beta)
return torch.addcmul(input=x_mean, tensor1=column(c=noise, x=x), tensor2=z), x_mean

# %% [sde.langevin_corrector] by keyword
score = score_fn(x, t)
dims = tuple(range(1, x.dim()))
score_norm = torch.linalg.vector_norm(x=score, dim=dims).mean()
noise_norm = torch.linalg.vector_norm(x=z, dim=dims).mean()
alpha = torch.ones(len(x)) if isinstance(sde, VESDE) else torch.take(input=sde.alphas, index=sde.index(t=t))
step = torch.square(input=snr * noise_norm / score_norm) * 2 * alpha
step = column(c=step, x=x)
x_mean = torch.addcmul(input=x, tensor1=step, tensor2=score)
return torch.addcmul(input=x_mean, tensor1=torch.sqrt(input=2 * step), tensor2=z), x_mean

# %% [sde.inpaint_step] by keyword
mean, std = sde.marginal_prob(x=known, t=t)
noised = torch.addcmul(input=mean, tensor1=column(c=std, x=x).expand_as(x), tensor2=z)
return torch.where(condition=mask.bool(), input=noised, other=x)
