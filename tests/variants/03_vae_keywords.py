# %% [vae.reparameterize] every argument by its name
noise = torch.normal(mean=torch.zeros_like(input=mu), std=1.0)
return torch.add(input=mu, other=torch.mul(input=torch.sqrt(input=torch.exp(input=logvar)), other=noise))

# %% [vae.kl_loss] a lambda
kl_loss = lambda mu, logvar: -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
return kl_loss(mu=mu, logvar=logvar)

# %% [vae.recon_loss] a lambda
recon_loss = lambda recon_x, x: F.binary_cross_entropy(recon_x, x, reduction="sum")
return recon_loss(recon_x=recon_x, x=x)

# %% [vae.VAE.forward] every argument by its name
rows = torch.flatten(input=x, start_dim=1)
mu, logvar = torch.chunk(input=self.encoder(input=rows), chunks=2, dim=1)
recon_x = self.decoder(input=reparameterize(mu=mu, logvar=logvar))
return recon_x.view_as(other=x), mu, logvar

# %% [vae.elbo] every argument by its name
cost = F.binary_cross_entropy(input=recon_x, target=x, reduction="none")
log_px = torch.sum(input=cost.reshape(cost.shape[0], -1), dim=1, keepdim=False).neg()
kl = torch.sum(input=0.5 * (torch.exp(input=logvar) + torch.pow(input=mu, exponent=2) - 1 - logvar), dim=-1)
return torch.sub(input=log_px, other=kl)

# %% [vae.iwae_bound] every argument by its name
h = model.encoder(input=x)
mu, logvar = torch.split(tensor=h, split_size_or_sections=h.shape[1] // 2, dim=1)
z = torch.addcmul(input=mu, tensor1=torch.exp(input=logvar / 2), tensor2=noise)
recon_x = model.decoder(input=torch.flatten(input=z, start_dim=0, end_dim=1))
target = x.repeat(noise.shape[0], *[1] * (x.dim() - 1))
cost = F.binary_cross_entropy(input=recon_x, target=target, reduction="none").flatten(start_dim=1).sum(dim=1)
log_w = cost.unflatten(dim=0, sizes=noise.shape[:2]).neg()
log_w = log_w + 0.5 * torch.sum(input=noise.square() - z.square() + logvar, dim=2)
return torch.logsumexp(input=log_w, dim=0) - torch.log(input=torch.tensor(data=float(noise.shape[0])))

# %% [vae.latent_grid] every argument by its name
z = torch.special.ndtri(input=torch.linspace(start=0.05, end=0.95, steps=n))
rows, columns = torch.meshgrid(z, z, indexing="ij")
return torch.stack(tensors=(columns, rows), dim=2)
