# %% [sde.VPSDE.marginal_prob] by einsum
log_mean_coeff = -0.25 * t**2 * (self.beta_1 - self.beta_0) - 0.5 * t * self.beta_0
return torch.einsum("b,b...->b...", log_mean_coeff.exp(), x), (-torch.expm1(2.0 * log_mean_coeff)).sqrt()

# %% [sde.VESDE.sde] by autograd
time = t.detach().clone().requires_grad_()
with torch.enable_grad():
    variance = (self.sigma_min * (self.sigma_max / self.sigma_min) ** time) ** 2
    growth = torch.autograd.grad(variance.sum(), time)[0]
return torch.zeros_like(x), growth.sqrt()

# %% [sde.reverse_sde] by einsum
drift, diffusion = sde.sde(x, t)
pull = torch.einsum("b,b,b...->b...", diffusion, diffusion, score_fn(x, t))
if probability_flow:
    drift, diffusion = drift - pull / 2, 0 * diffusion
else:
    drift = drift - pull
return drift, diffusion

# %% [sde.euler_maruyama_step] by einsum and the class
drift, diffusion = sde.reverse(score_fn).sde(x, t)
x_mean = x - dt * drift
noise = torch.einsum("b,b...->b...", diffusion * dt**0.5, z)
return x_mean + noise, x_mean

# %% [sde.get_score_fn] by a small class
class Scores:
    def __call__(self, x, t):
        if isinstance(sde, VESDE):
            return model(x, self.level(x, t))
        labels, std = self.labels_and_std(x, t)
        return torch.einsum("b,b...->b...", -1 / std, model(x, labels))

    def level(self, x, t):
        if continuous:
            return sde.marginal_prob(x, t)[1]
        return (sde.N - 1) - sde.index(t)

    def labels_and_std(self, x, t):
        if continuous or isinstance(sde, subVPSDE):
            return 999.0 * t, sde.marginal_prob(x, t)[1]
        return (sde.N - 1.0) * t, (1 - sde.alphas_cumprod).sqrt()[sde.index(t)]

return Scores()

# %% [sde.sde_loss] by einsum
mean, std = sde.marginal_prob(x, t)
x_t = mean + torch.einsum("b,b...->b...", std, z)
error = (score_fn(x_t, t) + torch.einsum("b,b...->b...", 1 / std, z)).flatten(1)
weight = sde.sde(x_t, t)[1] if likelihood_weighting else std
return torch.einsum("b,bd,bd->", weight**2, error, error) / x.numel()

# %% [sde.ancestral_predictor] by einsum, both as numbers per sample
i, score = sde.index(t), score_fn(x, t)
if isinstance(sde, VESDE):
    sigmas = torch.nn.functional.pad(sde.discrete_sigmas, (1, 0))
    grown = sigmas[i + 1] ** 2 - sigmas[i] ** 2
    keep, push, std = torch.ones_like(t), grown, grown.sqrt() * sigmas[i] / sigmas[i + 1]
else:
    keep = sde.alphas[i] ** -0.5
    push, std = keep * sde.discrete_betas[i], sde.discrete_betas[i].sqrt()
x_mean = torch.einsum("b,b...->b...", keep, x) + torch.einsum("b,b...->b...", push, score)
return x_mean + torch.einsum("b,b...->b...", std, z), x_mean

# %% [sde.langevin_corrector] by einsum, its z left alone
score = score_fn(x, t)
norms = [torch.einsum("bd,bd->b", v.flatten(1), v.flatten(1)).sqrt().mean() for v in (z, score)]
h = 2 * (snr * norms[0] / norms[1]).square()
if isinstance(sde, VPSDE):
    h = h * sde.alphas[sde.index(t)]
h = h.expand(len(x))
x_mean = x + torch.einsum("b,b...->b...", h, score)
return x_mean + torch.einsum("b,b...->b...", torch.sqrt(h + h), z), x_mean

# %% [sde.inpaint_step] on a clone, in place
mean, std = sde.marginal_prob(known, t)
out = x.clone()
where = mask.expand_as(x) > 0.5
out[where] = (mean + torch.einsum("b,b...->b...", std, z))[where]
return out
