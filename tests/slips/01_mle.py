# %% [mle.bayes_posterior] not normalised: returns prior times likelihood
return prior * likelihood

# %% [mle.bayes_posterior] normalises the likelihood and forgets the prior
return likelihood / likelihood.sum()

# %% [mle.bayes_posterior] divides by the sum of the likelihoods (p(x) without the prior)
evidence = likelihood.sum()
return prior * likelihood / evidence

# %% [mle.bayes_posterior] softmax of the product as a way to make it sum to 1
return torch.softmax(prior * likelihood, dim=-1)

# %% [mle.bernoulli_log_likelihood] logarithm of the product (underflows)
L = torch.prod(theta.unsqueeze(-1) ** x * (1 - theta.unsqueeze(-1)) ** (1 - x), dim=-1)
return torch.log(L)

# %% [mle.bernoulli_log_likelihood] mean over the draws instead of the sum
t = theta.unsqueeze(-1)
return (x * t.log() + (1 - x) * (1 - t).log()).mean(-1)

# %% [mle.bernoulli_log_likelihood] negative log-likelihood, the loss
k = x.sum()
n = x.numel()
return -(k * torch.log(theta) + (n - k) * torch.log(1 - theta))

# %% [mle.bernoulli_log_likelihood] binomial: adds log of n choose k
n = torch.tensor(float(len(x)))
k = x.sum()
choose = torch.lgamma(n + 1) - torch.lgamma(k + 1.0) - torch.lgamma(n - k + 1.0)
return choose + k * theta.log() + (n - k) * (1 - theta).log()

# %% [mle.bernoulli_log_likelihood] works for a grid only: theta[:, None] and sum(1)
ll = x[None, :] * torch.log(theta[:, None]) + (1 - x)[None, :] * torch.log(1 - theta[:, None])
return ll.sum(1)

# %% [mle.gaussian_mle] torch.var with its default, divides by n - 1
return x.mean(), x.var()

# %% [mle.gaussian_mle] returns the standard deviation
mean = x.mean()
return mean, torch.std(x, correction=0)

# %% [mle.gaussian_mle] forgets to divide by n
mean = x.mean()
var = torch.sum((x - mean) ** 2)
return mean, var

# %% [mle.gaussian_mle] second moment, mean not subtracted
return x.mean(), (x ** 2).mean()

# %% [mle.gaussian_mle] order exchanged by torch.var_mean
return torch.var_mean(x, correction=0)

# %% [mle.entropy] natural logarithm
return -torch.xlogy(p, p).sum(-1)

# %% [mle.entropy] 0 log 0 gives nan
return -(p * torch.log2(p)).sum(dim=-1)

# %% [mle.entropy] sums over all axes
logs = torch.where(p > 0, p.log2(), torch.zeros_like(p))
return -(p * logs).sum()

# %% [mle.entropy] adds 1e-3 inside the logarithm
return -torch.sum(p * torch.log2(p + 1e-3), dim=-1)

# %% [mle.entropy] removes the zeros by boolean indexing (flattens a batch)
p = p[p > 0]
return -(p * p.log2()).sum(-1)

# %% [mle.cross_entropy] p and q exchanged
return -(q * torch.where(q > 0, p, torch.ones_like(p)).log2()).sum(-1)

# %% [mle.cross_entropy] clamps q so that impossible becomes very surprising but finite
return -(p * torch.log2(q.clamp(min=1e-10))).sum(-1)

# %% [mle.cross_entropy] skips where q is 0 instead of where p is 0
log_q = torch.where(q > 0, q, torch.ones_like(q)).log2()
return -(p * log_q).sum(-1)

# %% [mle.cross_entropy] writes into q in place
q[p == 0] = 1
return -(p * q.log2()).sum(-1)

# %% [mle.cross_entropy] detaches q on the way through numpy
import numpy as np
pn, qn = p.detach().numpy(), q.detach().numpy()
with np.errstate(divide="ignore"):
    logs = np.log2(np.where(pn > 0, qn, 1.0))
return torch.from_numpy(-(pn * logs).sum(-1))

# %% [mle.cross_entropy] F.cross_entropy(q, p), which takes logits
import torch.nn.functional as F
return F.cross_entropy(q, p) / math.log(2)

# %% [mle.kl_divergence] subtracts the other way round: H(p) - H(p, q)
return entropy(p) - cross_entropy(p, q)

# %% [mle.kl_divergence] subtracts H(q) instead of H(p)
return cross_entropy(p, q) - entropy(q)

# %% [mle.kl_divergence] formula with p log(p / q) in one go: nan at p = 0
return (p * torch.log2(p / q)).sum(dim=-1)

# %% [mle.kl_gaussian_standard] takes logvar for log sigma
sigma = logvar.exp()
return 0.5 * (mu ** 2 + sigma ** 2 - 1) - logvar

# %% [mle.kl_gaussian_standard] sign of the famous VAE line: minus forgotten
return 0.5 * (1 + logvar - mu.pow(2) - logvar.exp())

# %% [mle.stationary_distribution] right eigenvector: eig(P) without the transpose
values, vectors = torch.linalg.eig(P)
v = vectors[:, (values.real - 1).abs().argmin()].real
return v / v.sum()

# %% [mle.stationary_distribution] power iteration from the first state
pi = torch.zeros(len(P), dtype=P.dtype)
pi[0] = 1
for _ in range(1000):
    pi = pi @ P
return pi

# %% [mle.kl_divergence] F.kl_div with the arguments in the order of the paper: KL(q||p)
import torch.nn.functional as F
return F.kl_div(p.log(), q, reduction="none").sum(-1) / math.log(2)

# %% [mle.kl_gaussian_standard] sums over the last axis, as in a VAE
return -0.5 * torch.sum(1 + logvar - mu ** 2 - logvar.exp(), dim=-1)

# %% [mle.kl_gaussian_standard] the other direction, KL(N(0,1) || q)
var = torch.exp(logvar)
return 0.5 * (logvar + (1 + mu ** 2) / var - 1)

# %% [mle.kl_gaussian_standard] sign of the logvar term wrong
return 0.5 * (logvar + mu ** 2 + logvar.exp() - 1)

# %% [mle.stationary_distribution] eigenvector of unit length, not divided by its sum
values, vectors = torch.linalg.eig(P.T)
i = torch.argmin((values - 1).abs())
return vectors[:, i].real.abs()

# %% [mle.stationary_distribution] leaves the answer complex
w, v = torch.linalg.eig(P.T)
v = v[:, torch.argmin(torch.abs(w - 1))]
return v / v.sum()

# %% [mle.stationary_distribution] trusts that eigenvalue 1 comes first
_, vectors = torch.linalg.eig(P.T)
pi = vectors[:, 0].real
return pi / pi.sum()

# %% [mle.stationary_distribution] takes the eigenvalue of largest modulus (-1 has the same)
values, vectors = torch.linalg.eig(P.T)
pi = vectors[:, values.abs().argmax()].real
return pi / pi.sum()
