# %% [gan.discriminator_loss] cross-entropy with logits
real = F.binary_cross_entropy_with_logits(logits_real, torch.ones_like(logits_real))
return real + F.binary_cross_entropy_with_logits(logits_fake, torch.zeros_like(logits_fake))

# %% [gan.generator_loss_saturating] cross-entropy with logits
return -F.binary_cross_entropy_with_logits(logits_fake, torch.zeros_like(logits_fake))

# %% [gan.generator_loss] cross-entropy of two classes
two = torch.stack([torch.zeros_like(logits_fake), logits_fake], dim=1)
return F.cross_entropy(two, torch.ones(len(two), dtype=torch.long))

# %% [gan.optimal_discriminator] the posterior by log-odds
odds = p_data.log() - p_g.log()
return torch.sigmoid(odds).nan_to_num(0.5)

# %% [gan.train_step] gradients asked for by name
loss_d = discriminator_loss(D(real), D(G(z_d)))
params = list(D.parameters())
for p, g in zip(params, torch.autograd.grad(loss_d, params)):
    p.grad = g
opt_d.step()
loss_g = generator_loss(D(G(z_g)))
params = list(G.parameters())
for p, g in zip(params, torch.autograd.grad(loss_g, params)):
    p.grad = g
opt_g.step()
return float(loss_d), float(loss_g)

# %% [gan.adain] torch's instance normalisation and einsum
return torch.einsum("nchw,nc->nchw", F.instance_norm(x, eps=1e-5), w) + b.unsqueeze(-1).unsqueeze(-1)

# %% [gan.slerp] an orthogonal direction, einsum
t = torch.ones(len(z0), dtype=z0.dtype) * t
u0, u1 = z0 / z0.norm(dim=1, keepdim=True), z1 / z1.norm(dim=1, keepdim=True)
cos = torch.einsum("bd,bd->b", u0, u1)
straight = torch.gt(cos.abs(), 0.9995)
angle = torch.arccos(torch.where(straight, 0.0, cos))
weights = torch.stack([torch.sin((1 - t) * angle), torch.sin(t * angle)]) / torch.sin(angle)
weights = torch.where(straight, torch.stack([1 - t, t]), weights)
return torch.einsum("kb,kbd->bd", weights, torch.stack([z0, z1]))

# %% [gan.frechet_distance] eigenvalues of the product
values = torch.linalg.eigvals(cov1 @ cov2).real.clamp(min=0)
d = mu1 - mu2
return torch.einsum("i,i->", d, d) + torch.einsum("ii->", cov1 + cov2) - 2 * values.sqrt().sum()
