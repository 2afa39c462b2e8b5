# %% [gan.discriminator_loss] 01 one mean over the cat of both
logits = torch.cat([logits_real, logits_fake])
labels = torch.cat([torch.ones_like(logits_real), torch.zeros_like(logits_fake)])
return F.binary_cross_entropy_with_logits(logits, labels)

# %% [gan.discriminator_loss] 02 F.binary_cross_entropy of sigmoid (log clamped at -100)
real = F.binary_cross_entropy(torch.sigmoid(logits_real), torch.ones_like(logits_real))
fake = F.binary_cross_entropy(torch.sigmoid(logits_fake), torch.zeros_like(logits_fake))
return real + fake

# %% [gan.discriminator_loss] 03 logits clamped to +-20
logits_real, logits_fake = logits_real.clamp(-20, 20), logits_fake.clamp(-20, 20)
return F.softplus(-logits_real).mean() + F.softplus(logits_fake).mean()

# %% [gan.discriminator_loss] 04 log(1 - D) read as 1 - log D
return -F.logsigmoid(logits_real).mean() - (1 - F.logsigmoid(logits_fake)).mean()

# %% [gan.discriminator_loss] 05 label smoothing 0.9
real = F.binary_cross_entropy_with_logits(logits_real, torch.full_like(logits_real, 0.9))
return real + F.binary_cross_entropy_with_logits(logits_fake, torch.zeros_like(logits_fake))

# %% [gan.optimal_discriminator] 06 or instead of and in the mask
empty = (p_data == 0) | (p_g == 0)
return torch.where(empty, 0.5, p_data / (p_data + p_g))

# %% [gan.optimal_discriminator] 07 isclose to 0 with its default atol
total = p_data + p_g
return torch.where(torch.isclose(total, torch.zeros_like(total)), 0.5, p_data / total)

# %% [gan.optimal_discriminator] 08 nan_to_num with its default 0
return torch.nan_to_num(p_data / (p_data + p_g))

# %% [gan.optimal_discriminator] 09 adds in place into p_g
p_g += p_data
return torch.where(p_g > 0, p_data / p_g, 0.5)

# %% [gan.optimal_discriminator] 10 sigmoid of the difference of densities
return torch.sigmoid(p_data - p_g)

# %% [gan.generator_loss_saturating] 11 mean of the logits inside
return F.logsigmoid(-logits_fake.mean())

# %% [gan.generator_loss_saturating] 12 -log(1 + exp) overflows
return -torch.log(1 + torch.exp(logits_fake)).mean()

# %% [gan.generator_loss_saturating] 13 non-saturating by BCE with ones
return F.binary_cross_entropy_with_logits(logits_fake, torch.ones_like(logits_fake))

# %% [gan.generator_loss_saturating] 14 in double, then log of 1 - D
return torch.log(1 - torch.sigmoid(logits_fake.double())).mean().float()

# %% [gan.generator_loss] 15 BCE with zeros: fakes labelled fake
return F.binary_cross_entropy_with_logits(logits_fake, torch.zeros_like(logits_fake))

# %% [gan.generator_loss] 16 Wasserstein
return -logits_fake.mean()

# %% [gan.generator_loss] 17 log of sigmoid, clamped at -100
return -torch.sigmoid(logits_fake).log().clamp(min=-100).mean()

# %% [gan.generator_loss] 18 mean of D before the log
return -torch.log(torch.sigmoid(logits_fake).mean())

# %% [gan.train_step] 19 D judges G's fakes before D's step (old D)
fake = G(z_d).detach()
loss_d = discriminator_loss(D(real), D(fake))
loss_g = generator_loss(D(G(z_g)))
opt_g.zero_grad()
loss_g.backward()
opt_d.zero_grad()
loss_d.backward()
opt_d.step()
opt_g.step()
return loss_d.item(), loss_g.item()

# %% [gan.train_step] 20 D in eval mode in G's half
fake = G(z_d).detach()
loss_d = discriminator_loss(D(real), D(fake))
opt_d.zero_grad()
loss_d.backward()
opt_d.step()
D.eval()
loss_g = generator_loss(D(G(z_g)))
opt_g.zero_grad()
loss_g.backward()
opt_g.step()
D.train()
return loss_d.item(), loss_g.item()

# %% [gan.train_step] 21 D frozen for G's half and never thawed
fake = G(z_d).detach()
loss_d = discriminator_loss(D(real), D(fake))
opt_d.zero_grad()
loss_d.backward()
opt_d.step()
for p in D.parameters():
    p.requires_grad_(False)
loss_g = generator_loss(D(G(z_g)))
opt_g.zero_grad()
loss_g.backward()
opt_g.step()
return loss_d.item(), loss_g.item()

# %% [gan.train_step] 22 both zeroed at the top, fakes not detached
opt_d.zero_grad()
opt_g.zero_grad()
loss_d = discriminator_loss(D(real), D(G(z_d)))
loss_d.backward()
opt_d.step()
loss_g = generator_loss(D(G(z_g)))
loss_g.backward()
opt_g.step()
return loss_d.item(), loss_g.item()

# %% [gan.train_step] 23 zero_grad only after each step
fake = G(z_d).detach()
loss_d = discriminator_loss(D(real), D(fake))
loss_d.backward()
opt_d.step()
opt_d.zero_grad()
loss_g = generator_loss(D(G(z_g)))
loss_g.backward()
opt_g.step()
opt_g.zero_grad()
return loss_d.item(), loss_g.item()

# %% [gan.train_step] 24 the fakes of D's half used again (DCGAN tutorial), z_g unused
fake = G(z_d)
loss_d = discriminator_loss(D(real), D(fake.detach()))
opt_d.zero_grad()
loss_d.backward()
opt_d.step()
loss_g = generator_loss(D(fake))
opt_g.zero_grad()
loss_g.backward()
opt_g.step()
return loss_d.item(), loss_g.item()

# %% [gan.train_step] 25 returns the losses measured after the steps
fake = G(z_d).detach()
loss_d = discriminator_loss(D(real), D(fake))
opt_d.zero_grad()
loss_d.backward()
opt_d.step()
loss_g = generator_loss(D(G(z_g)))
opt_g.zero_grad()
loss_g.backward()
opt_g.step()
with torch.no_grad():
    loss_d = discriminator_loss(D(real), D(G(z_d)))
    loss_g = generator_loss(D(G(z_g)))
return loss_d.item(), loss_g.item()

# %% [gan.adain] 26 (1 + w), StyleGAN/FiLM code's convention
mean = x.mean(dim=(2, 3), keepdim=True)
var = x.var(dim=(2, 3), keepdim=True, correction=0)
return (1 + w[:, :, None, None]) * (x - mean) / (var + 1e-5).sqrt() + b[:, :, None, None]

# %% [gan.adain] 27 group norm with one group (all channels together)
return w[:, :, None, None] * F.group_norm(x, 1, eps=1e-5) + b[:, :, None, None]

# %% [gan.adain] 28 x centred in place
mean = x.mean(dim=(2, 3), keepdim=True)
var = x.var(dim=(2, 3), keepdim=True, correction=0)
x -= mean
return w[:, :, None, None] * x / (var + 1e-5).sqrt() + b[:, :, None, None]

# %% [gan.adain] 29 statistics under no_grad
with torch.no_grad():
    mean = x.mean(dim=(2, 3), keepdim=True)
    std = (x.var(dim=(2, 3), keepdim=True, correction=0) + 1e-5).sqrt()
return w[:, :, None, None] * (x - mean) / std + b[:, :, None, None]

# %% [gan.slerp] 30 z1 flipped where cos < 0 (quaternion convention)
t = t[:, None] if torch.is_tensor(t) and t.dim() else t
cos = F.cosine_similarity(z0, z1)[:, None].clamp(-1, 1)
z1 = torch.where(cos < 0, -z1, z1)
cos = cos.abs()
omega = cos.acos()
arc = (torch.sin((1 - t) * omega) * z0 + torch.sin(t * omega) * z1) / omega.sin()
return torch.where(cos > 0.9995, (1 - t) * z0 + t * z1, arc)

# %% [gan.slerp] 31 arc of unit vectors times the interpolated length
t = t[:, None] if torch.is_tensor(t) and t.dim() else t
n0, n1 = z0.norm(dim=1, keepdim=True), z1.norm(dim=1, keepdim=True)
u0, u1 = z0 / n0, z1 / n1
cos = (u0 * u1).sum(1, keepdim=True).clamp(-1, 1)
omega = cos.acos()
arc = (torch.sin((1 - t) * omega) * u0 + torch.sin(t * omega) * u1) / omega.sin()
arc = arc * ((1 - t) * n0 + t * n1)
return torch.where(cos.abs() > 0.9995, (1 - t) * z0 + t * z1, arc)

# %% [gan.slerp] 32 cosine clamped to +-0.9995 in place of a straight line
t = t[:, None] if torch.is_tensor(t) and t.dim() else t
cos = F.cosine_similarity(z0, z1)[:, None].clamp(-0.9995, 0.9995)
omega = cos.acos()
return (torch.sin((1 - t) * omega) * z0 + torch.sin(t * omega) * z1) / omega.sin()

# %% [gan.slerp] 33 cases mixed by multiplying with a mask
t = t[:, None] if torch.is_tensor(t) and t.dim() else t
cos = F.cosine_similarity(z0, z1)[:, None].clamp(-1, 1)
omega = cos.acos()
arc = torch.sin((1 - t) * omega) / omega.sin() * z0 + torch.sin(t * omega) / omega.sin() * z1
near = (cos.abs() > 0.9995).to(z0.dtype)
return near * ((1 - t) * z0 + t * z1) + (1 - near) * arc

# %% [gan.slerp] 34 one straight pair makes the whole batch straight
t = t[:, None] if torch.is_tensor(t) and t.dim() else t
cos = F.cosine_similarity(z0, z1)[:, None].clamp(-1, 1)
if (cos.abs() > 0.9995).any():
    return (1 - t) * z0 + t * z1
omega = cos.acos()
return (torch.sin((1 - t) * omega) * z0 + torch.sin(t * omega) * z1) / omega.sin()

# %% [gan.slerp] 35 t of shape (b,) against omega of shape (b, 1)
cos = F.cosine_similarity(z0, z1)[:, None].clamp(-1, 1)
omega = cos.acos()
arc = torch.sin((1 - t) * omega) / omega.sin() * z0 + torch.sin(t * omega) / omega.sin() * z1
return torch.where(cos.abs() > 0.9995, (1 - t) * z0 + t * z1, arc)

# %% [gan.frechet_distance] 36 eigvalsh of the unsymmetric product
lam = torch.linalg.eigvalsh(cov1 @ cov2).clamp(min=0)
return ((mu1 - mu2) ** 2).sum() + cov1.trace() + cov2.trace() - 2 * lam.sqrt().sum()

# %% [gan.frechet_distance] 37 roots scale the rows of V, not its columns
def root(m):
    lam, v = torch.linalg.eigh(m)
    return (v * lam.clamp(min=0).sqrt()[:, None]) @ v.T
r = root(cov1)
return ((mu1 - mu2) ** 2).sum() + torch.trace(cov1 + cov2 - 2 * root(r @ cov2 @ r))

# %% [gan.frechet_distance] 38 1e-6 on the diagonals instead of clamping (pytorch-fid)
def root(m):
    lam, v = torch.linalg.eigh(m)
    return (v * lam.sqrt()) @ v.T
eps = 1e-6 * torch.eye(len(cov1), dtype=cov1.dtype)
cov1, cov2 = cov1 + eps, cov2 + eps
r = root(cov1)
return ((mu1 - mu2) ** 2).sum() + torch.trace(cov1 + cov2 - 2 * root(r @ cov2 @ r))

# %% [gan.frechet_distance] 39 root of the trace instead of trace of the root
lam, v = torch.linalg.eigh(cov1)
r = (v * lam.clamp(min=0).sqrt()) @ v.T
return ((mu1 - mu2) ** 2).sum() + cov1.trace() + cov2.trace() - 2 * torch.trace(r @ cov2 @ r).sqrt()

# %% [gan.frechet_distance] 40 mean squared difference of the means
def root(m):
    lam, v = torch.linalg.eigh(m)
    return (v * lam.clamp(min=0).sqrt()) @ v.T
r = root(cov1)
return F.mse_loss(mu1, mu2) + torch.trace(cov1 + cov2 - 2 * root(r @ cov2 @ r))
