# %% [vae.reparameterize] in float64
mu, logvar = mu.double(), logvar.double()
return mu.addcmul(logvar.div(2).exp(), torch.randn(mu.shape, dtype=torch.float64))

# %% [vae.kl_loss] in float64
mu, logvar = mu.double(), logvar.double()
return (mu**2 / 2 + (logvar.expm1() - logvar) / 2).sum()

# %% [vae.recon_loss] in float64
p, x = recon_x.double(), x.double()
return -(torch.special.xlogy(x, p) + torch.special.xlog1py(1 - x, -p)).sum()

# %% [vae.VAE.forward] the encoder's answer as two rows, the draw in float64
h = self.encoder(x.flatten(start_dim=1)).unflatten(1, (2, -1))
mu, logvar = h[:, 0], h[:, 1]
z = (mu.double() + torch.sqrt(logvar.double().exp()) * torch.randn_like(mu.double())).float()
return torch.reshape(self.decoder(z), x.shape), mu, logvar

# %% [vae.elbo] in float64
p, rows = recon_x.double().flatten(1), x.double().flatten(1)
var = logvar.double().exp()
kl = 0.5 * (var + mu.double().square() - var.log() - 1).sum(dim=-1)
return torch.where(rows > 0.5, p, 1 - p).log().sum(dim=-1) - kl

# %% [vae.iwae_bound] in float64, the largest exponent first
k, b, d = noise.shape
mu, logvar = (part.double() for part in model.encoder(x).split(d, dim=1))
z = mu + torch.exp(logvar / 2) * noise.double()
p = model.decoder(z.reshape(k * b, d).float()).double().reshape(k, b, -1).clamp(1e-30, 1 - 1e-12)
x = x.double().reshape(b, -1)
log_w = (x * p.log() + (1 - x) * (1 - p).log()).sum(-1)
log_w = log_w - (z**2).sum(-1) / 2 + ((z - mu) ** 2 / logvar.exp() + logvar).sum(-1) / 2
largest = log_w.max(dim=0).values
return largest + (log_w - largest).exp().mean(dim=0).log()

# %% [vae.latent_grid] in numpy
import numpy as np

z = norm.ppf(np.linspace(0.05, 0.95, n))
grid = np.zeros((n, n, 2))
grid[:, :, 0] = z[None, :]
grid[:, :, 1] = z[:, None]
return torch.from_numpy(grid)
