# %% [vae.reparameterize] torch.distributions
from torch.distributions import Normal

return Normal(mu, torch.exp(logvar / 2)).rsample()

# %% [vae.kl_loss] torch.distributions
from torch.distributions import Normal, kl_divergence

return kl_divergence(Normal(mu, (logvar / 2).exp()), Normal(torch.zeros_like(mu), torch.ones_like(mu))).sum()

# %% [vae.recon_loss] a Bernoulli that takes grey
coins = torch.distributions.Bernoulli(probs=recon_x, validate_args=False)
return torch.neg(torch.einsum("...->", coins.log_prob(x)))

# %% [vae.VAE.forward] a view of the size that x had
org_size = x.size()
h = self.encoder(x.view(org_size[0], -1))
mu, logvar = h.chunk(2, dim=1)
z = mu + torch.exp(logvar / 2) * torch.randn_like(mu)
recon_x = self.decoder(z).view(size=org_size)
return recon_x, mu, logvar

# %% [vae.elbo] einsum
rows, probabilities = x.flatten(1), recon_x.flatten(1)
reconstruction = torch.einsum("bd,bd->b", rows, probabilities.log())
reconstruction = reconstruction + torch.einsum("bd,bd->b", 1 - rows, torch.log1p(-probabilities))
return reconstruction + torch.einsum("bj->b", 0.5 * (1 + logvar - mu.square() - logvar.exp()))

# %% [vae.iwae_bound] torch.distributions
from einops import rearrange
from torch.distributions import Bernoulli, Normal

mu, logvar = torch.tensor_split(model.encoder(x), 2, dim=-1)
q, p = Normal(mu, torch.exp(0.5 * logvar)), Normal(torch.zeros_like(mu), torch.ones_like(mu))
z = q.mean + q.stddev * noise
recon_x = rearrange(model.decoder(rearrange(z, "k b d -> (k b) d")), "(k b) ... -> k b (...)", b=len(x))
log_px = Bernoulli(recon_x).log_prob(rearrange(x, "b ... -> b (...)")).sum(-1)
log_w = log_px + (p.log_prob(z) - q.log_prob(z)).sum(-1)
return torch.logsumexp(log_w - math.log(len(noise)), dim=0)

# %% [vae.latent_grid] the inverse of torch's normal, and a product
z = torch.distributions.Normal(0.0, 1.0).icdf(torch.linspace(0.05, 0.95, n))
return torch.cartesian_prod(z, z).flip(-1).view(n, n, 2)
