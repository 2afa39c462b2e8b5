# %% [mle.bayes_posterior] every argument by its name
joint = torch.mul(input=prior, other=likelihood)
return torch.div(input=joint, other=torch.sum(input=joint, dim=0))

# %% [mle.bernoulli_log_likelihood] torch's distribution by the names of its arguments
law = torch.distributions.Bernoulli(probs=theta.unsqueeze(dim=-1))
return law.log_prob(value=x.float()).sum(dim=-1)

# %% [mle.gaussian_mle] every argument by its name
return torch.mean(input=x), torch.var(input=x, correction=0)

# %% [mle.entropy] torch's distribution by the names of its arguments
return torch.distributions.Categorical(probs=p).entropy() / math.log(2)

# %% [mle.cross_entropy] every argument by its name
return -torch.sum(input=torch.xlogy(input=p, other=q), dim=-1).div(math.log(2))

# %% [mle.kl_divergence] torch.distributions, every argument by its name
p, q = torch.distributions.Categorical(probs=p), torch.distributions.Categorical(probs=q)
return torch.distributions.kl_divergence(p=p, q=q).div(math.log(2))

# %% [mle.kl_gaussian_standard] every argument by its name
return torch.sum(input=torch.stack([torch.square(input=mu), torch.exp(input=logvar), -logvar - 1]), dim=0) / 2

# %% [mle.stationary_distribution] every argument by its name
values, vectors = torch.linalg.eig(torch.transpose(input=P, dim0=0, dim1=1))
v = torch.index_select(input=vectors, dim=1, index=torch.argmax(input=values.real).reshape(shape=(1,)))
return torch.real(v / torch.sum(input=v)).squeeze(dim=1)
