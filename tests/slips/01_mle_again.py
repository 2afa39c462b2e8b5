# %% [mle.bayes_posterior] not normalised
return prior * likelihood

# %% [mle.bayes_posterior] divided by the sum of the likelihoods
return prior * likelihood / likelihood.sum()

# %% [mle.bayes_posterior] softmax of the product
return torch.softmax(prior * likelihood, dim=0)

# %% [mle.bayes_posterior] prior ignored
return likelihood / likelihood.sum()

# %% [mle.bayes_posterior] densities clamped to 1
joint = prior * likelihood.clamp(max=1)
return joint / joint.sum()

# %% [mle.bernoulli_log_likelihood] log of the product
p = torch.where(x.bool(), theta.unsqueeze(-1), 1 - theta.unsqueeze(-1))
return p.prod(-1).log()

# %% [mle.bernoulli_log_likelihood] mean over the draws
t = theta.unsqueeze(-1)
return (x * t.log() + (1 - x) * (1 - t).log()).mean(-1)

# %% [mle.bernoulli_log_likelihood] view(-1, 1): grid only, shape lost
t = theta.view(-1, 1)
return (x * t.log() + (1 - x) * (1 - t).log()).sum(1)

# %% [mle.bernoulli_log_likelihood] red and blue exchanged
k = x.sum()
n = len(x)
return (n - k) * theta.log() + k * (1 - theta).log()

# %% [mle.bernoulli_log_likelihood] Binomial with its coefficient
n = len(x)
return torch.distributions.Binomial(n, theta).log_prob(x.sum().to(theta.dtype))

# %% [mle.bernoulli_log_likelihood] n is the size of theta
k = x.sum()
n = theta.numel()
return k * theta.log() + (n - k) * (1 - theta).log()

# %% [mle.gaussian_mle] torch.var with its default
return x.mean(), x.var()

# %% [mle.gaussian_mle] spread instead of variance
mean = x.mean()
return mean, ((x - mean) ** 2).mean().sqrt()

# %% [mle.gaussian_mle] var_mean order
return torch.var_mean(x, correction=0)

# %% [mle.gaussian_mle] sum of squares not divided by n
mean = x.mean()
return mean, ((x - mean) ** 2).sum()

# %% [mle.gaussian_mle] mean keeps an axis
mean = x.mean(dim=0, keepdim=True)
var = ((x - mean) ** 2).mean(dim=0, keepdim=True)
return mean, var

# %% [mle.entropy] 0 log 0 is nan
return -(p * p.log2()).sum(-1)

# %% [mle.entropy] Categorical: nats
return torch.distributions.Categorical(probs=p).entropy()

# %% [mle.entropy] boolean mask flattens the batch
seen = p[p > 0]
return -(seen * seen.log2()).sum()

# %% [mle.entropy] unit converted the wrong way
return torch.special.entr(p).sum(-1) * math.log(2)

# %% [mle.entropy] mean over the last axis instead of the weighted sum
return -(p * torch.where(p > 0, p, 1.0).log2()).mean(-1)

# %% [mle.cross_entropy] p and q exchanged
return -torch.special.xlogy(q, p).sum(-1) / math.log(2)

# %% [mle.cross_entropy] small number inside the logarithm
return -(p * torch.log2(q + 1e-10)).sum(-1)

# %% [mle.cross_entropy] terms with q = 0 dropped
return -(p * torch.where(q > 0, q, torch.ones_like(q)).log2()).sum(-1)

# %% [mle.cross_entropy] F.cross_entropy takes logits
return torch.nn.functional.cross_entropy(q, p, reduction="none") / math.log(2)

# %% [mle.cross_entropy] nan_to_num makes infinity finite
return torch.nan_to_num(-p * q.log2()).sum(-1)

# %% [mle.cross_entropy] gradient cut by data copy
q = torch.tensor(q.tolist(), dtype=p.dtype)
return -torch.special.xlogy(p, q).sum(-1) / math.log(2)

# %% [mle.kl_divergence] F.kl_div, arguments as p, q
safe = torch.where(q > 0, p, 1.0)
return torch.nn.functional.kl_div(safe.log(), q, reduction="none").sum(-1) / math.log(2)

# %% [mle.kl_divergence] entropy of q subtracted
return cross_entropy(p, q) - entropy(q)

# %% [mle.kl_divergence] p log2(p / q), nan where p is 0
return (p * torch.log2(p / q)).sum(-1)

# %% [mle.kl_divergence] F.kl_div with its defaults
return torch.nn.functional.kl_div(q.log(), p)

# %% [mle.kl_gaussian_standard] logvar exponentiated as a spread
return torch.distributions.kl_divergence(torch.distributions.Normal(mu, logvar.exp()), torch.distributions.Normal(0.0, 1.0))

# %% [mle.kl_gaussian_standard] VAE formula without its minus
return 0.5 * (1 + logvar - mu**2 - logvar.exp())

# %% [mle.kl_gaussian_standard] summed over the last axis, as in a VAE
return -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp(), dim=-1)

# %% [mle.kl_gaussian_standard] the other direction
return 0.5 * (logvar + (1 + mu**2) / logvar.exp() - 1)

# %% [mle.kl_gaussian_standard] expectation of (x - mu)^2 / sigma^2 forgotten: no minus 1
return 0.5 * (mu**2 + logvar.exp() - logvar)

# %% [mle.stationary_distribution] eigenvector of P, not of its transpose
values, vectors = torch.linalg.eig(P)
pi = vectors[:, (values - 1).abs().argmin()].real
return pi / pi.sum()

# %% [mle.stationary_distribution] power iteration, 1000 jumps from the first state
return torch.linalg.matrix_power(P, 1000)[0]

# %% [mle.stationary_distribution] eigenvalue of the largest size, -1 has it too
values, vectors = torch.linalg.eig(P.T)
pi = vectors[:, values.abs().argmax()].real
return pi / pi.sum()

# %% [mle.stationary_distribution] unit length, not unit sum
values, vectors = torch.linalg.eig(P.T)
return vectors[:, (values - 1).abs().argmin()].real.abs()
