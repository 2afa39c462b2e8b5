# %% [mle.bayes_posterior] float64
joint = prior.double() * likelihood.double()
return (joint / joint.sum()).float()

# %% [mle.bernoulli_log_likelihood] float64, a long axis for the draws
x, theta = x.double(), theta.double()[..., None]
return (x * theta.log() + (1 - x) * (1 - theta).log()).sum(-1)

# %% [mle.gaussian_mle] the mean of squares minus the square of the mean, in float64
x = x.double()
mean = x.mean()
return mean, (x * x).mean() - mean**2

# %% [mle.entropy] float64, zeros replaced inside the logarithm
p = p.double()
return -(p * torch.where(p == 0, torch.ones_like(p), p).log2()).sum(-1)

# %% [mle.cross_entropy] float64
p, q = p.double(), q.double()
return -torch.where(p == 0, torch.zeros_like(p), p * q.log2()).sum(-1)

# %% [mle.kl_divergence] float64, written out
p, q = p.double(), q.double()
return (p * torch.where(p == 0, torch.ones_like(p), p / torch.where(p == 0, torch.ones_like(q), q)).log2()).sum(-1)

# %% [mle.kl_gaussian_standard] float64, as it stands in papers
mu, logvar = mu.double(), logvar.double()
return -0.5 * (1 + logvar - mu.pow(2) - logvar.exp())

# %% [mle.stationary_distribution] the null space by an SVD in float64
_, _, Vh = torch.linalg.svd(P.double().T - torch.eye(len(P), dtype=torch.float64))
return Vh[-1] / Vh[-1].sum()
