# %% [vae.reparameterize] forgets the half: exp(logvar) as sigma
return mu + torch.exp(logvar) * torch.randn_like(mu)

# %% [vae.reparameterize] rand_like, uniform
return mu + torch.exp(0.5 * logvar) * torch.rand_like(mu)

# %% [vae.reparameterize] Normal(...).sample() without gradient
return torch.distributions.Normal(mu, torch.exp(0.5 * logvar)).sample()

# %% [vae.reparameterize] one noise vector for the whole batch
return mu + torch.exp(0.5 * logvar) * torch.randn(mu.shape[1])

# %% [vae.reparameterize] Normal takes the variance, rsample
return torch.distributions.Normal(mu, logvar.exp()).rsample()

# %% [vae.reparameterize] sqrt of logvar magnitude: logvar/2 not exponentiated
return mu + 0.5 * logvar * torch.randn_like(mu)

# %% [vae.reparameterize] torch.normal(mu, std) directly
return torch.normal(mu, torch.exp(0.5 * logvar))

# %% [vae.reparameterize] base 2
return mu + torch.pow(2.0, 0.5 * logvar) * torch.randn_like(mu)

# %% [vae.reparameterize] std computed under no_grad
with torch.no_grad():
    std = torch.exp(0.5 * logvar)
    eps = torch.randn_like(std)
return mu + std * eps

# %% [vae.kl_loss] sign: forgets the minus
return 0.5 * torch.sum(1 + logvar - mu ** 2 - logvar.exp())

# %% [vae.kl_loss] mean over the batch
return -0.5 * torch.sum(1 + logvar - mu ** 2 - logvar.exp(), dim=1).mean()

# %% [vae.kl_loss] mu not squared
return -0.5 * torch.sum(1 + logvar - mu - logvar.exp())

# %% [vae.kl_loss] KL the other way round
return 0.5 * torch.sum(logvar + (1 + mu ** 2) / logvar.exp() - 1)

# %% [vae.kl_loss] 1 outside of the sum over dimensions
return -0.5 * (1 + torch.sum(logvar - mu ** 2 - logvar.exp()))

# %% [vae.kl_loss] log sigma instead of log variance: sigma = exp(logvar)
return -0.5 * torch.sum(1 + 2 * logvar - mu ** 2 - (2 * logvar).exp())

# %% [vae.kl_loss] Monte Carlo by one draw
std = torch.exp(0.5 * logvar)
z = mu + std * torch.randn_like(std)
q = torch.distributions.Normal(mu, std).log_prob(z)
p = torch.distributions.Normal(0.0, 1.0).log_prob(z)
return (q - p).sum()

# %% [vae.kl_loss] F.kl_div of the two
return F.kl_div(logvar, torch.zeros_like(logvar), reduction="sum", log_target=True) + 0.5 * (mu ** 2).sum()

# %% [vae.kl_loss] log taken of logvar again
return -0.5 * torch.sum(1 + torch.log(logvar.abs()) - mu ** 2 - logvar)

# %% [vae.kl_loss] no half
return -torch.sum(1 + logvar - mu.pow(2) - logvar.exp())

# %% [vae.recon_loss] formula as is: nan at 0 log 0
return -(x * torch.log(recon_x) + (1 - x) * torch.log(1 - recon_x)).sum()

# %% [vae.recon_loss] default reduction mean
return F.binary_cross_entropy(recon_x, x)

# %% [vae.recon_loss] arguments swapped
return F.binary_cross_entropy(x, recon_x, reduction="sum")

# %% [vae.recon_loss] with logits
return F.binary_cross_entropy_with_logits(recon_x, x, reduction="sum")

# %% [vae.recon_loss] squared distance
return F.mse_loss(recon_x, x, reduction="sum")

# %% [vae.recon_loss] white pixels only
return -torch.xlogy(x, recon_x).sum()

# %% [vae.recon_loss] nan_to_num hides the wrong pixel as well
return -torch.nan_to_num(x * recon_x.log() + (1 - x) * (1 - recon_x).log(), neginf=0.0).sum()

# %% [vae.VAE.forward] chunk without dim
h = self.encoder(x.flatten(1))
mu, logvar = h.chunk(2)
return self.decoder(reparameterize(mu, logvar)).view(x.shape), mu, logvar

# %% [vae.VAE.forward] mu and logvar the other way round
logvar, mu = self.encoder(x.flatten(1)).chunk(2, dim=1)
return self.decoder(reparameterize(mu, logvar)).view(x.shape), mu, logvar

# %% [vae.VAE.forward] sigmoid twice
mu, logvar = self.encoder(x.flatten(1)).chunk(2, dim=1)
return torch.sigmoid(self.decoder(reparameterize(mu, logvar))).view(x.shape), mu, logvar

# %% [vae.VAE.forward] decodes the mean
mu, logvar = self.encoder(x.flatten(1)).chunk(2, dim=1)
return self.decoder(mu).view(x.shape), mu, logvar

# %% [vae.VAE.forward] even and odd columns
h = self.encoder(x.flatten(1))
mu, logvar = h[:, ::2], h[:, 1::2]
return self.decoder(reparameterize(mu, logvar)).view(x.shape), mu, logvar

# %% [vae.VAE.forward] returns rows, not x's shape
mu, logvar = self.encoder(x.view(len(x), -1)).chunk(2, dim=1)
return self.decoder(reparameterize(mu, logvar)), mu, logvar

# %% [vae.elbo] KL added instead of subtracted
recon = F.binary_cross_entropy(recon_x, x, reduction="none").flatten(1).sum(1)
kl = -0.5 * (1 + logvar - mu ** 2 - logvar.exp()).sum(1)
return -recon + kl

# %% [vae.elbo] KL of the whole batch from every picture
recon = F.binary_cross_entropy(recon_x, x, reduction="none").flatten(1).sum(1)
return -recon - kl_loss(mu, logvar)

# %% [vae.elbo] the loss, sign of the whole
recon = F.binary_cross_entropy(recon_x, x, reduction="none").flatten(1).sum(1)
return recon - 0.5 * (1 + logvar - mu ** 2 - logvar.exp()).sum(1)

# %% [vae.latent_grid] meshgrid ij stacked as (z_i, z_j)
z = torch.tensor(norm.ppf(torch.linspace(0.05, 0.95, n).numpy())).float()
return torch.stack(torch.meshgrid(z, z, indexing="ij"), dim=-1)

# %% [vae.latent_grid] even steps in z between the two ends
z = torch.linspace(norm.ppf(0.05), norm.ppf(0.95), n)
return torch.stack(torch.meshgrid(z, z, indexing="xy"), dim=-1)

# %% [vae.iwae_bound] mean of the logarithms
k, b, d = noise.shape
mu, logvar = model.encoder(x).chunk(2, dim=1)
z = mu + torch.exp(0.5 * logvar) * noise
recon = model.decoder(z.reshape(k * b, d)).reshape(k, b, -1)
log_px = -F.binary_cross_entropy(recon, x.reshape(1, b, -1).expand_as(recon), reduction="none").sum(-1)
w = log_px - 0.5 * (z ** 2).sum(-1) + 0.5 * (noise ** 2 + logvar).sum(-1)
return w.mean(0)

# %% [vae.iwae_bound] forgets the -log k
k, b, d = noise.shape
mu, logvar = model.encoder(x).chunk(2, dim=1)
z = mu + torch.exp(0.5 * logvar) * noise
recon = model.decoder(z.reshape(k * b, d)).reshape(k, b, -1)
log_px = -F.binary_cross_entropy(recon, x.reshape(1, b, -1).expand_as(recon), reduction="none").sum(-1)
w = log_px - 0.5 * (z ** 2).sum(-1) + 0.5 * (noise ** 2 + logvar).sum(-1)
return torch.logsumexp(w, 0)

# %% [vae.iwae_bound] q's density without the log sigma
k, b, d = noise.shape
mu, logvar = model.encoder(x).chunk(2, dim=1)
z = mu + torch.exp(0.5 * logvar) * noise
recon = model.decoder(z.reshape(k * b, d)).reshape(k, b, -1)
log_px = -F.binary_cross_entropy(recon, x.reshape(1, b, -1).expand_as(recon), reduction="none").sum(-1)
w = log_px - 0.5 * (z ** 2).sum(-1) + 0.5 * (noise ** 2).sum(-1)
return torch.logsumexp(w, 0) - math.log(k)
