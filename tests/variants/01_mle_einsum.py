# %% [mle.bayes_posterior] a softmax of logarithms
return (prior.log() + likelihood.log()).softmax(-1)

# %% [mle.bernoulli_log_likelihood] einsum of counts and logarithms
counts = torch.bincount(x.long(), minlength=2).to(theta)
return torch.einsum("k,k...->...", counts, torch.stack([(1 - theta).log(), theta.log()]))

# %% [mle.gaussian_mle] torch.var_mean with the right correction
var, mean = torch.var_mean(x, correction=0)
return mean, var

# %% [mle.entropy] torch.special.entr
return torch.special.entr(p).sum(-1) / math.log(2)

# %% [mle.cross_entropy] einsum, where a mask keeps p = 0 out
surprise = torch.where(p > 0, -q.log2(), 0.0)
return torch.einsum("...k,...k->...", p, surprise)

# %% [mle.kl_divergence] torch's kl_div, told which terms count
terms = torch.nn.functional.kl_div(torch.where(p > 0, q, 1.0).log(), p, reduction="none")
return terms.sum(-1) / math.log(2)

# %% [mle.kl_gaussian_standard] torch.distributions
q = torch.distributions.Normal(mu, (0.5 * logvar).exp())
return torch.distributions.kl_divergence(q, torch.distributions.Normal(torch.zeros_like(mu), torch.ones_like(mu)))

# %% [mle.stationary_distribution] k + 1 equations by least squares
k = len(P)
equations = torch.cat([P.T - torch.eye(k), torch.ones(1, k)])
wanted = torch.cat([torch.zeros(k), torch.ones(1)])
return torch.linalg.lstsq(equations, wanted[:, None]).solution.squeeze(1)
