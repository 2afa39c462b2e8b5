# %% [sde.VPSDE.marginal_prob] 01 B = beta(t)*t, no integral
B = (self.beta_0 + t * (self.beta_1 - self.beta_0)) * t
return column((-B / 2).exp(), x) * x, (1 - (-B).exp()).sqrt()

# %% [sde.VPSDE.marginal_prob] 02 mean decays by exp(-B), not half
B = self.beta_0 * t + 0.5 * (self.beta_1 - self.beta_0) * t**2
return column((-B).exp(), x) * x, (1 - (-B).exp()).sqrt()

# %% [sde.VPSDE.marginal_prob] 03 variance 1 - exp(-B/2)
B = self.beta_0 * t + 0.5 * (self.beta_1 - self.beta_0) * t**2
m = (-B / 2).exp()
return column(m, x) * x, (1 - m).sqrt()

# %% [sde.VPSDE.marginal_prob] 04 forgot exp(-B) in front of the isometry integral
B = self.beta_0 * t + 0.5 * (self.beta_1 - self.beta_0) * t**2
return column((-B / 2).exp(), x) * x, (B.exp() - 1).sqrt()

# %% [sde.VPSDE.marginal_prob] 05 slope is beta_1, not the difference
B = self.beta_0 * t + 0.5 * self.beta_1 * t**2
return column((-B / 2).exp(), x) * x, (1 - (-B).exp()).sqrt()

# %% [sde.VPSDE.marginal_prob] 06 coefficient without column
B = self.beta_0 * t + 0.5 * (self.beta_1 - self.beta_0) * t**2
return (-B / 2).exp() * x, (1 - (-B).exp()).sqrt()

# %% [sde.VESDE.sde] 07 returns g squared
s = self.marginal_prob(x, t)[1]
return torch.zeros_like(x), 2 * s**2 * math.log(self.sigma_max / self.sigma_min)

# %% [sde.VESDE.sde] 08 g = dsigma/dt
s = self.marginal_prob(x, t)[1]
return torch.zeros_like(x), s * math.log(self.sigma_max / self.sigma_min)

# %% [sde.VESDE.sde] 09 g = sigma(t)
return torch.zeros_like(x), self.marginal_prob(x, t)[1]

# %% [sde.VESDE.sde] 10 log10
s = self.marginal_prob(x, t)[1]
return torch.zeros_like(x), s * math.sqrt(2 * math.log10(self.sigma_max / self.sigma_min))

# %% [sde.VESDE.sde] 11 factor 2 outside, only sqrt(log)
s = self.marginal_prob(x, t)[1]
return torch.zeros_like(x), s * math.sqrt(math.log(self.sigma_max / self.sigma_min))

# %% [sde.VESDE.sde] 12 drift of t's shape
s = self.marginal_prob(x, t)[1]
return torch.zeros_like(t), s * math.sqrt(2 * math.log(self.sigma_max / self.sigma_min))

# %% [sde.reverse_sde] 13 plus g^2 score
f, g = sde.sde(x, t)
k = 0.5 if probability_flow else 1
return f + k * column(g**2, x) * score_fn(x, t), torch.zeros_like(g) if probability_flow else g

# %% [sde.reverse_sde] 14 g instead of g^2
f, g = sde.sde(x, t)
k = 0.5 if probability_flow else 1
return f - k * column(g, x) * score_fn(x, t), torch.zeros_like(g) if probability_flow else g

# %% [sde.reverse_sde] 15 flow keeps its noise
f, g = sde.sde(x, t)
k = 0.5 if probability_flow else 1
return f - k * column(g**2, x) * score_fn(x, t), g

# %% [sde.reverse_sde] 16 half in both
f, g = sde.sde(x, t)
return f - 0.5 * column(g**2, x) * score_fn(x, t), torch.zeros_like(g) if probability_flow else g

# %% [sde.reverse_sde] 17 whole negated (time turned twice)
f, g = sde.sde(x, t)
k = 0.5 if probability_flow else 1
return -(f - k * column(g**2, x) * score_fn(x, t)), torch.zeros_like(g) if probability_flow else g

# %% [sde.euler_maruyama_step] 18 x + drift dt
f, g = reverse_sde(sde, score_fn, x, t)
m = x + f * dt
return m + column(g, x) * dt**0.5 * z, m

# %% [sde.euler_maruyama_step] 19 noise g dt z
f, g = reverse_sde(sde, score_fn, x, t)
m = x - f * dt
return m + column(g, x) * dt * z, m

# %% [sde.euler_maruyama_step] 20 forward drift only
f, g = sde.sde(x, t)
m = x - f * dt
return m + column(g, x) * dt**0.5 * z, m

# %% [sde.euler_maruyama_step] 21 returned the wrong way round
f, g = reverse_sde(sde, score_fn, x, t)
m = x - f * dt
return m, m + column(g, x) * dt**0.5 * z

# %% [sde.euler_maruyama_step] 22 fresh randn in place of z
f, g = reverse_sde(sde, score_fn, x, t)
m = x - f * dt
return m + column(g, x) * dt**0.5 * torch.randn_like(x), m

# %% [sde.get_score_fn] 23 no minus
def score_fn(x, t):
    if isinstance(sde, VESDE):
        return model(x, sde.marginal_prob(x, t)[1] if continuous else ((sde.N - 1) * (1 - t)).round().long())
    if continuous or isinstance(sde, subVPSDE):
        return model(x, 999 * t) / column(sde.marginal_prob(x, t)[1], x)
    return model(x, (sde.N - 1) * t) / column(sde.sqrt_1m_alphas_cumprod[sde.index(t)], x)
return score_fn

# %% [sde.get_score_fn] 24 VE labels not reversed (sde.index)
def score_fn(x, t):
    if isinstance(sde, VESDE):
        return model(x, sde.marginal_prob(x, t)[1] if continuous else sde.index(t))
    if continuous or isinstance(sde, subVPSDE):
        return -model(x, 999 * t) / column(sde.marginal_prob(x, t)[1], x)
    return -model(x, (sde.N - 1) * t) / column(sde.sqrt_1m_alphas_cumprod[sde.index(t)], x)
return score_fn

# %% [sde.get_score_fn] 25 isinstance VPSDE: sub-VP falls into discrete
def score_fn(x, t):
    if isinstance(sde, VESDE):
        return model(x, sde.marginal_prob(x, t)[1] if continuous else ((sde.N - 1) * (1 - t)).round().long())
    if continuous:
        return -model(x, 999 * t) / column(sde.marginal_prob(x, t)[1], x)
    return -model(x, (sde.N - 1) * t) / column(sde.sqrt_1m_alphas_cumprod[sde.index(t)], x)
return score_fn

# %% [sde.get_score_fn] 26 continuous labels (N-1) t
def score_fn(x, t):
    if isinstance(sde, VESDE):
        return model(x, sde.marginal_prob(x, t)[1] if continuous else ((sde.N - 1) * (1 - t)).round().long())
    labels = (sde.N - 1) * t
    if continuous or isinstance(sde, subVPSDE):
        return -model(x, labels) / column(sde.marginal_prob(x, t)[1], x)
    return -model(x, labels) / column(sde.sqrt_1m_alphas_cumprod[sde.index(t)], x)
return score_fn

# %% [sde.get_score_fn] 27 discrete VP std from marginal_prob
def score_fn(x, t):
    if isinstance(sde, VESDE):
        return model(x, sde.marginal_prob(x, t)[1] if continuous else ((sde.N - 1) * (1 - t)).round().long())
    labels = 999 * t if continuous or isinstance(sde, subVPSDE) else (sde.N - 1) * t
    return -model(x, labels) / column(sde.marginal_prob(x, t)[1], x)
return score_fn

# %% [sde.get_score_fn] 28 VE labels truncated by long()
def score_fn(x, t):
    if isinstance(sde, VESDE):
        return model(x, sde.marginal_prob(x, t)[1] if continuous else ((sde.N - 1) * (1 - t)).long())
    if continuous or isinstance(sde, subVPSDE):
        return -model(x, 999 * t) / column(sde.marginal_prob(x, t)[1], x)
    return -model(x, (sde.N - 1) * t) / column(sde.sqrt_1m_alphas_cumprod[sde.index(t)], x)
return score_fn

# %% [sde.sde_loss] 29 sign: std s - z
mean, std = sde.marginal_prob(x, t)
S = column(std, x)
s = score_fn(mean + S * z, t)
if likelihood_weighting:
    return (column(sde.sde(x, t)[1], x)**2 * (s - z / S)**2).mean()
return ((S * s - z)**2).mean()

# %% [sde.sde_loss] 30 score asked at x
mean, std = sde.marginal_prob(x, t)
S = column(std, x)
s = score_fn(x, t)
if likelihood_weighting:
    return (column(sde.sde(x, t)[1], x)**2 * (s + z / S)**2).mean()
return ((S * s + z)**2).mean()

# %% [sde.sde_loss] 31 g instead of g^2 in the weighting
mean, std = sde.marginal_prob(x, t)
S = column(std, x)
s = score_fn(mean + S * z, t)
if likelihood_weighting:
    return (column(sde.sde(x, t)[1], x) * (s + z / S)**2).mean()
return ((S * s + z)**2).mean()

# %% [sde.sde_loss] 32 sum over dimensions, half (paper)
mean, std = sde.marginal_prob(x, t)
S = column(std, x)
s = score_fn(mean + S * z, t)
e = column(sde.sde(x, t)[1], x)**2 * (s + z / S)**2 if likelihood_weighting else (S * s + z)**2
return 0.5 * e.flatten(1).sum(1).mean()

# %% [sde.sde_loss] 33 loss detached by no_grad on the score
mean, std = sde.marginal_prob(x, t)
S = column(std, x)
with torch.no_grad():
    s = score_fn(mean + S * z, t)
e = column(sde.sde(x, t)[1], x)**2 * (s + z / S)**2 if likelihood_weighting else (S * s + z)**2
return e.mean()

# %% [sde.ancestral_predictor] 34 sigma_{-1} wraps round
i, s = sde.index(t), score_fn(x, t)
if isinstance(sde, VESDE):
    a, b = sde.discrete_sigmas[i], sde.discrete_sigmas[i - 1]
    d = a**2 - b**2
    m = x + column(d, x) * s
    return m + column((b**2 * d / a**2).abs().sqrt(), x) * z, m
b = column(sde.discrete_betas[i], x)
m = (x + b * s) / (1 - b).sqrt()
return m + b.sqrt() * z, m

# %% [sde.ancestral_predictor] 35 VE noise of reverse diffusion
i, s = sde.index(t), score_fn(x, t)
if isinstance(sde, VESDE):
    a = sde.discrete_sigmas[i]
    b = torch.where(i == 0, torch.zeros_like(a), sde.discrete_sigmas[(i - 1).clamp(min=0)])
    d = column(a**2 - b**2, x)
    m = x + d * s
    return m + d.sqrt() * z, m
b = column(sde.discrete_betas[i], x)
m = (x + b * s) / (1 - b).sqrt()
return m + b.sqrt() * z, m

# %% [sde.ancestral_predictor] 36 VP divides by sqrt of alphas_cumprod
i, s = sde.index(t), score_fn(x, t)
if isinstance(sde, VESDE):
    a = sde.discrete_sigmas[i]
    b = torch.where(i == 0, torch.zeros_like(a), sde.discrete_sigmas[(i - 1).clamp(min=0)])
    d = a**2 - b**2
    m = x + column(d, x) * s
    return m + column((b**2 * d / a**2).sqrt(), x) * z, m
b = column(sde.discrete_betas[i], x)
m = (x + b * s) / column(sde.sqrt_alphas_cumprod[i], x)
return m + b.sqrt() * z, m

# %% [sde.ancestral_predictor] 37 index of the first sample for the whole batch
i, s = int(sde.index(t)[0]), score_fn(x, t)
if isinstance(sde, VESDE):
    a = sde.discrete_sigmas[i]
    b = sde.discrete_sigmas[i - 1] if i > 0 else torch.zeros(())
    d = a**2 - b**2
    m = x + d * s
    return m + (b**2 * d / a**2).sqrt() * z, m
b = sde.discrete_betas[i]
m = (x + b * s) / (1 - b).sqrt()
return m + b.sqrt() * z, m

# %% [sde.ancestral_predictor] 38 VP posterior noise beta tilde
i, s = sde.index(t), score_fn(x, t)
if isinstance(sde, VESDE):
    a = sde.discrete_sigmas[i]
    b = torch.where(i == 0, torch.zeros_like(a), sde.discrete_sigmas[(i - 1).clamp(min=0)])
    d = a**2 - b**2
    m = x + column(d, x) * s
    return m + column((b**2 * d / a**2).sqrt(), x) * z, m
before = torch.cat([torch.ones(1), sde.alphas_cumprod[:-1]])
tilde = sde.discrete_betas * (1 - before) / (1 - sde.alphas_cumprod)
b = column(sde.discrete_betas[i], x)
m = (x + b * s) / (1 - b).sqrt()
return m + column(tilde[i], x).sqrt() * z, m

# %% [sde.langevin_corrector] 39 norms not averaged, each sample its own
s = score_fn(x, t)
a = sde.alphas[sde.index(t)] if hasattr(sde, "alphas") else torch.ones_like(t)
h = column(2 * a * (snr * z.flatten(1).norm(dim=1) / s.flatten(1).norm(dim=1))**2, x)
m = x + h * s
return m + (2 * h).sqrt() * z, m

# %% [sde.langevin_corrector] 40 norm of the whole batch
s = score_fn(x, t)
a = sde.alphas[sde.index(t)] if hasattr(sde, "alphas") else torch.ones_like(t)
h = column(2 * a * (snr * z.norm() / s.norm())**2, x)
m = x + h * s
return m + (2 * h).sqrt() * z, m

# %% [sde.langevin_corrector] 41 norm over dim=-1 only
s = score_fn(x, t)
a = sde.alphas[sde.index(t)] if hasattr(sde, "alphas") else torch.ones_like(t)
h = column(2 * a * (snr * z.norm(dim=-1).mean() / s.norm(dim=-1).mean())**2, x)
m = x + h * s
return m + (2 * h).sqrt() * z, m

# %% [sde.langevin_corrector] 42 noise sqrt(h)
s = score_fn(x, t)
a = sde.alphas[sde.index(t)] if hasattr(sde, "alphas") else torch.ones_like(t)
h = column(2 * a * (snr * z.flatten(1).norm(dim=1).mean() / s.flatten(1).norm(dim=1).mean())**2, x)
m = x + h * s
return m + h.sqrt() * z, m

# %% [sde.langevin_corrector] 43 ratio squared without snr squared
s = score_fn(x, t)
a = sde.alphas[sde.index(t)] if hasattr(sde, "alphas") else torch.ones_like(t)
h = column(2 * a * snr * (z.flatten(1).norm(dim=1).mean() / s.flatten(1).norm(dim=1).mean())**2, x)
m = x + h * s
return m + (2 * h).sqrt() * z, m

# %% [sde.langevin_corrector] 44 a = 1 for VP as well
s = score_fn(x, t)
h = 2 * (snr * z.flatten(1).norm(dim=1).mean() / s.flatten(1).norm(dim=1).mean())**2
m = x + h * s
return m + (2 * h).sqrt() * z, m

# %% [sde.inpaint_step] 45 known put in clean
return mask * known + (1 - mask) * x

# %% [sde.inpaint_step] 46 noise added to known without the mean factor
std = sde.marginal_prob(known, t)[1]
return mask * (known + column(std, x) * z) + (1 - mask) * x

# %% [sde.inpaint_step] 47 mask the wrong way round
mean, std = sde.marginal_prob(known, t)
return (1 - mask) * (mean + column(std, x) * z) + mask * x

# %% [sde.inpaint_step] 48 in place on x
mean, std = sde.marginal_prob(known, t)
m = mask.bool().expand_as(x)
x[m] = (mean + column(std, x) * z)[m]
return x

# %% [sde.inpaint_step] 49 marginal_prob of x, not of known
mean, std = sde.marginal_prob(x, t)
return mask * (mean + column(std, x) * z) + (1 - mask) * x
