# %% [sde.VPSDE.marginal_prob] in float64 inside
t64 = t.double()
area = self.beta_0 * t64 + (self.beta_1 - self.beta_0) * t64.square() / 2
kept = torch.exp(-area / 2).reshape(-1, *[1] * (x.dim() - 1))
return (kept * x).to(x.dtype), torch.sqrt(-torch.expm1(-area)).to(t.dtype)

# %% [sde.VESDE.sde] in float64, left there
t64 = t.double()
variance = self.sigma_min**2 * (self.sigma_max / self.sigma_min) ** (2 * t64)
g = (variance * 2 * math.log(self.sigma_max / self.sigma_min)).sqrt()
return torch.zeros(x.shape, dtype=x.dtype), g

# %% [sde.reverse_sde] in float64
f, g = sde.sde(x, t)
wide = g.double().view(-1, *[1] * (x.dim() - 1))
pull = wide.pow(2) * score_fn(x, t).double()
if not probability_flow:
    return f.double() - pull, g
return (f.double() - 0.5 * pull).float(), torch.zeros(len(x))

# %% [sde.euler_maruyama_step] in float64
drift, g = reverse_sde(sde, score_fn, x, t)
mean = x.double() - drift.double() * dt
noise = g.double().reshape(-1, *[1] * (x.dim() - 1)) * (dt**0.5) * z.double()
return mean + noise, mean

# %% [sde.get_score_fn] in float64 after the model
def score_fn(x, t):
    ve = isinstance(sde, VESDE)
    if ve and not continuous:
        return model(x, torch.round((sde.N - 1) * (1.0 - t.double())).to(torch.int64))
    if ve:
        return model(x, sde.marginal_prob(x, t)[-1])
    if continuous or isinstance(sde, subVPSDE):
        labels = t * 999
        _, std = sde.marginal_prob(x, t)
    else:
        labels = t * (sde.N - 1)
        std = sde.sqrt_1m_alphas_cumprod[labels.long()]
    out = model(x, labels).double() / column(std.double(), x)
    return out.neg().to(x.dtype)

return score_fn

# %% [sde.sde_loss] in float64 after the score
mean, std = sde.marginal_prob(x, t)
std = column(std, x)
score = score_fn(mean + std * z, t).double()
error = (score + z.double() / std.double()).square()
weight = column(sde.sde(x, t)[1], x).double() if likelihood_weighting else std.double()
return torch.mean(weight.square() * error)

# %% [sde.ancestral_predictor] in float64
score = score_fn(x, t).double()
i = torch.round(t.double() * (sde.N - 1)).long()
if hasattr(sde, "discrete_sigmas"):
    variances = torch.cat([torch.zeros(1).double(), sde.discrete_sigmas.double() ** 2])
    var, before = variances[i + 1], variances[i]
    x_mean = x.double() + column(var - before, x) * score
    std = torch.sqrt(before * (var - before) / var)
else:
    beta = sde.discrete_betas.double()[i]
    x_mean = (x.double() + column(beta, x) * score) / column(torch.sqrt(sde.alphas.double()[i]), x)
    std = torch.sqrt(beta)
x = x_mean + column(std, x) * z
return x.float(), x_mean.float()

# %% [sde.langevin_corrector] in float64
score, e = score_fn(x, t).double(), z.double()
b = len(x)
ratio = e.reshape(b, -1).pow(2).sum(-1).sqrt().mean() / score.reshape(b, -1).pow(2).sum(-1).sqrt().mean()
a = sde.alphas.double()[sde.index(t)] if not isinstance(sde, VESDE) else torch.ones(b, dtype=torch.float64)
h = (2 * a * (snr * ratio) ** 2).reshape(-1, *[1] * (x.dim() - 1))
x_mean = x + h * score
return x_mean + torch.sqrt(2 * h) * e, x_mean

# %% [sde.inpaint_step] in float64
mean, std = sde.marginal_prob(known.double(), t.double())
observed = mean + column(std, x) * z.double()
return torch.lerp(x.double(), observed, mask.double().expand_as(x))
