# %% [mle.bayes_posterior] a loop over causes
evidence = sum(prior[i] * likelihood[i] for i in range(len(prior)))
return torch.stack([prior[i] * likelihood[i] / evidence for i in range(len(prior))])

# %% [mle.bernoulli_log_likelihood] a loop over draws
total = torch.zeros_like(theta)
for ball in x:
    total = total + (torch.log(theta) if ball == 1 else torch.log(1 - theta))
return total

# %% [mle.gaussian_mle] a loop over draws in plain Python
mean = sum(v for v in x) / len(x)
var = 0
for v in x:
    var = var + (v - mean) ** 2 / len(x)
return mean, var

# %% [mle.entropy] a loop over rows and events
rows = p.reshape(-1, p.shape[-1])
total = torch.zeros(len(rows))
for i, row in enumerate(rows):
    for value in row:
        if value > 0:
            total[i] -= value * math.log2(value)
return total.reshape(p.shape[:-1])

# %% [mle.cross_entropy] a loop over rows and events
sums = []
for a, b in zip(p.reshape(-1, p.shape[-1]), q.reshape(-1, q.shape[-1])):
    sums.append(sum((-a[k] * torch.log2(b[k]) for k in range(len(a)) if a[k] > 0), torch.tensor(0.0)))
return torch.stack(sums).reshape(p.shape[:-1])

# %% [mle.kl_divergence] a loop over rows and events
sums = []
for a, b in zip(p.reshape(-1, p.shape[-1]), q.reshape(-1, q.shape[-1])):
    sums.append(sum((a[k] * torch.log2(a[k] / b[k]) for k in range(len(a)) if a[k] > 0), torch.tensor(0.0)))
return torch.stack(sums).reshape(p.shape[:-1])

# %% [mle.kl_gaussian_standard] a loop over elements
pairs = zip(mu.reshape(-1), logvar.reshape(-1))
return torch.stack([(m * m + torch.exp(v) - v - 1) / 2 for m, v in pairs]).reshape(mu.shape)

# %% [mle.stationary_distribution] a lazy chain jumps until it settles
lazy = (P + torch.eye(len(P))) / 2
pi = torch.zeros(len(P))
pi[0] = 1
for _ in range(3000):
    pi = pi @ lazy
return pi / pi.sum()
