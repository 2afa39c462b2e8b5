# %% [vae.reparameterize] column by column
columns = []
for j in range(mu.shape[1]):
    columns.append(mu[:, j] + torch.exp(logvar[:, j]) ** 0.5 * torch.randn(len(mu)))
return torch.stack(columns, dim=1)

# %% [vae.kl_loss] number by number
total = 0.0
for m, v in zip(mu.flatten(), logvar.flatten()):
    total = total + (m * m + torch.exp(v) - v - 1) / 2
return total

# %% [vae.recon_loss] picture by picture, logarithms cut off
total = torch.zeros(())
for p, picture in zip(recon_x, x):
    white, black = torch.clamp(p.log(), min=-100), torch.clamp((1 - p).log(), min=-100)
    total = total - (picture * white + (1 - picture) * black).sum()
return total

# %% [vae.VAE.forward] picture by picture
pictures, mus, logvars = [], [], []
for picture in x:
    h = self.encoder(picture.reshape(1, -1))
    half = h.shape[1] // 2
    mu, logvar = h[:, :half], h[:, half:]
    pictures.append(self.decoder(reparameterize(mu, logvar)).reshape(picture.shape))
    mus.append(mu)
    logvars.append(logvar)
return torch.stack(pictures), torch.cat(mus), torch.cat(logvars)

# %% [vae.elbo] picture by picture, with the two losses
return torch.stack([-recon_loss(recon_x[i:i + 1], x[i:i + 1]) - kl_loss(mu[i:i + 1], logvar[i:i + 1])
                    for i in range(len(x))])

# %% [vae.iwae_bound] draw by draw and picture by picture, with the bound
k, b, d = noise.shape
bounds = torch.zeros(b)
for j in range(b):
    h = model.encoder(x[j:j + 1])[0]
    mu, logvar = h[:d], h[d:]
    log_w = []
    for i in range(k):
        z = mu + torch.exp(0.5 * logvar) * noise[i, j]
        p = model.decoder(z[None])[0]
        log_px = elbo(p[None], x[j:j + 1], torch.zeros(1, d), torch.zeros(1, d))[0]  # codes that cost nothing
        log_p = -0.5 * (z @ z + d * math.log(2 * math.pi))
        log_q = -0.5 * (noise[i, j] @ noise[i, j] + d * math.log(2 * math.pi)) - 0.5 * logvar.sum()
        log_w.append(log_px + log_p - log_q)
    bounds[j] = torch.stack(log_w).logsumexp(0) - math.log(k)
return bounds

# %% [vae.latent_grid] place by place
z = [float(norm.ppf(0.05 + 0.9 * i / (n - 1))) for i in range(n)]
return torch.tensor([[[z[j], z[i]] for j in range(n)] for i in range(n)])
