# %% [gan.discriminator_loss] one BCE over the concatenated batch, times 2
logits = torch.cat([logits_real, logits_fake])
labels = torch.cat([torch.ones_like(logits_real), torch.zeros_like(logits_fake)])
return 2 * F.binary_cross_entropy_with_logits(logits, labels)

# %% [gan.discriminator_loss] probabilities clamped at 1e-7
d_real = torch.sigmoid(logits_real).clamp(1e-7, 1 - 1e-7)
d_fake = torch.sigmoid(logits_fake).clamp(1e-7, 1 - 1e-7)
return -(d_real.log().mean() + (1 - d_fake).log().mean())

# %% [gan.discriminator_loss] one-sided label smoothing 0.9
return (F.binary_cross_entropy_with_logits(logits_real, torch.full_like(logits_real, 0.9))
        + F.binary_cross_entropy_with_logits(logits_fake, torch.zeros_like(logits_fake)))

# %% [gan.discriminator_loss] detaches the fakes' logits inside the loss
return F.softplus(-logits_real).mean() + F.softplus(logits_fake.detach()).mean()

# %% [gan.discriminator_loss] relu + log1p(exp(-abs)): gradient 0 at logit 0
def safe(v):
    return F.relu(v) + torch.log1p(torch.exp(-v.abs()))
return safe(-logits_real).mean() + safe(logits_fake).mean()

# %% [gan.optimal_discriminator] posterior of fake
total = p_data + p_g
return torch.where(total == 0, 0.5, p_g / total)

# %% [gan.optimal_discriminator] sigmoid of the difference of densities
return torch.sigmoid(p_data - p_g)

# %% [gan.optimal_discriminator] "both 0" tested with < 1e-12
total = p_data + p_g
return torch.where(total < 1e-12, torch.full_like(total, 0.5), p_data / total)

# %% [gan.optimal_discriminator] writes into the caller's p_g
p_g += p_data
answer = p_data / p_g
answer[p_g == 0] = 0.5
return answer

# %% [gan.optimal_discriminator] half where either is 0
either = (p_data == 0) | (p_g == 0)
return torch.where(either, 0.5, p_data / (p_data + p_g))

# %% [gan.generator_loss_saturating] 1 - D written as 1 - logit
return F.logsigmoid(1 - logits_fake).mean()

# %% [gan.generator_loss_saturating] 1 - log D
return (1 - F.logsigmoid(logits_fake)).mean()

# %% [gan.generator_loss_saturating] log(1 - D + 1e-8)
return torch.log(1 - torch.sigmoid(logits_fake) + 1e-8).mean()

# %% [gan.generator_loss_saturating] minus BCE with labels 1 (log D)
return -F.binary_cross_entropy_with_logits(logits_fake, torch.ones_like(logits_fake))

# %% [gan.generator_loss] Wasserstein: minus mean logit
return -logits_fake.mean()

# %% [gan.generator_loss] BCE arguments swapped
return F.binary_cross_entropy_with_logits(torch.ones_like(logits_fake), logits_fake)

# %% [gan.generator_loss] sigmoid, then BCE with logits (double sigmoid)
return F.binary_cross_entropy_with_logits(torch.sigmoid(logits_fake), torch.ones_like(logits_fake))

# %% [gan.generator_loss] sigmoid, then F.binary_cross_entropy (clamps at 100)
return F.binary_cross_entropy(torch.sigmoid(logits_fake), torch.ones_like(logits_fake))

# %% [gan.train_step] both zero_grad at the top, fakes not detached
opt_d.zero_grad()
opt_g.zero_grad()
loss_d = discriminator_loss(D(real), D(G(z_d)))
loss_d.backward()
opt_d.step()
loss_g = generator_loss(D(G(z_g)))
loss_g.backward()
opt_g.step()
return loss_d.item(), loss_g.item()

# %% [gan.train_step] generator's half uses D's fakes again (z_g unused)
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

# %% [gan.train_step] both gradients first, then both steps (old D)
opt_g.zero_grad()
loss_g = generator_loss(D(G(z_g)))
loss_g.backward()
opt_d.zero_grad()
loss_d = discriminator_loss(D(real), D(G(z_d).detach()))
loss_d.backward()
opt_d.step()
opt_g.step()
return loss_d.item(), loss_g.item()

# %% [gan.train_step] D frozen for G's half and left frozen
loss_d = discriminator_loss(D(real), D(G(z_d).detach()))
opt_d.zero_grad()
loss_d.backward()
opt_d.step()
for p in D.parameters():
    p.requires_grad = False
loss_g = generator_loss(D(G(z_g)))
opt_g.zero_grad()
loss_g.backward()
opt_g.step()
return loss_d.item(), loss_g.item()

# %% [gan.train_step] D.eval() while G learns
D.train()
loss_d = discriminator_loss(D(real), D(G(z_d).detach()))
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

# %% [gan.train_step] losses reported anew after the steps
loss_d = discriminator_loss(D(real), D(G(z_d).detach()))
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

# %% [gan.train_step] zero_grad only after each step
loss_d = discriminator_loss(D(real), D(G(z_d).detach()))
loss_d.backward()
opt_d.step()
opt_d.zero_grad()
loss_g = generator_loss(D(G(z_g)))
loss_g.backward()
opt_g.step()
opt_g.zero_grad()
return loss_d.item(), loss_g.item()

# %% [gan.adain] scale 1 + w (FiLM convention)
var, mean = torch.var_mean(x, dim=(2, 3), correction=0, keepdim=True)
return (1 + w[..., None, None]) * (x - mean) / torch.sqrt(var + 1e-5) + b[..., None, None]

# %% [gan.adain] statistics under no_grad
with torch.no_grad():
    var, mean = torch.var_mean(x, dim=(2, 3), correction=0, keepdim=True)
return w[..., None, None] * (x - mean) / torch.sqrt(var + 1e-5) + b[..., None, None]

# %% [gan.adain] GroupNorm with one group: statistics over channels too
return w[..., None, None] * F.group_norm(x, 1) + b[..., None, None]

# %% [gan.adain] epsilon outside of the root
mean = x.mean(dim=(2, 3), keepdim=True)
std = x.std(dim=(2, 3), keepdim=True, correction=0)
return w[..., None, None] * (x - mean) / (std + 1e-5) + b[..., None, None]

# %% [gan.adain] variance row by row, then averaged
mean = x.mean(dim=(2, 3), keepdim=True)
var = x.var(dim=3, keepdim=True, correction=0).mean(dim=2, keepdim=True)
return w[..., None, None] * (x - mean) / torch.sqrt(var + 1e-5) + b[..., None, None]

# %% [gan.slerp] quaternion habit: flips z1 where the dot is negative
t = torch.as_tensor(t, dtype=z0.dtype).reshape(-1, 1)
cos = F.cosine_similarity(z0, z1, dim=1)[:, None]
z1 = torch.where(cos < 0, -z1, z1)
cos = cos.abs()
line = cos > 0.9995
omega = torch.where(line, torch.zeros_like(cos), cos).acos()
arc = (torch.sin((1 - t) * omega) * z0 + torch.sin(t * omega) * z1) / torch.sin(omega)
return torch.where(line, (1 - t) * z0 + t * z1, arc)

# %% [gan.slerp] one angle for the whole batch
t = torch.as_tensor(t, dtype=z0.dtype).reshape(-1, 1)
cos = (z0 * z1).sum() / (z0.norm() * z1.norm())
if cos.abs() > 0.9995:
    return (1 - t) * z0 + t * z1
omega = cos.acos()
return (torch.sin((1 - t) * omega) * z0 + torch.sin(t * omega) * z1) / torch.sin(omega)

# %% [gan.slerp] directions on the sphere, lengths interpolated
t = torch.as_tensor(t, dtype=z0.dtype).reshape(-1, 1)
l0, l1 = z0.norm(dim=1, keepdim=True), z1.norm(dim=1, keepdim=True)
u0, u1 = z0 / l0, z1 / l1
cos = (u0 * u1).sum(dim=1, keepdim=True)
line = cos.abs() > 0.9995
omega = torch.where(line, torch.zeros_like(cos), cos).acos()
arc = (torch.sin((1 - t) * omega) * u0 + torch.sin(t * omega) * u1) / torch.sin(omega)
return torch.where(line, (1 - t) * z0 + t * z1, arc * ((1 - t) * l0 + t * l1))

# %% [gan.slerp] straight line only where they point the same way (no abs)
t = torch.as_tensor(t, dtype=z0.dtype).reshape(-1, 1)
cos = F.cosine_similarity(z0, z1, dim=1)[:, None].clamp(-1, 1)
line = cos > 0.9995
omega = torch.where(line, torch.zeros_like(cos), cos).acos()
arc = (torch.sin((1 - t) * omega) * z0 + torch.sin(t * omega) * z1) / torch.sin(omega)
return torch.where(line, (1 - t) * z0 + t * z1, arc)

# %% [gan.slerp] cosine clamped to 0.9995, no straight line
t = torch.as_tensor(t, dtype=z0.dtype).reshape(-1, 1)
cos = F.cosine_similarity(z0, z1, dim=1)[:, None].clamp(-0.9995, 0.9995)
omega = cos.acos()
return (torch.sin((1 - t) * omega) * z0 + torch.sin(t * omega) * z1) / torch.sin(omega)

# %% [gan.frechet_distance] eigh of C1 @ C2, which is not symmetric
values = torch.linalg.eigvalsh(cov1 @ cov2).clamp(min=0)
return (mu1 - mu2).square().sum() + torch.trace(cov1) + torch.trace(cov2) - 2 * values.sqrt().sum()

# %% [gan.frechet_distance] formula of commuting covariances
def root(m):
    e, v = torch.linalg.eigh(m)
    return (v * e.clamp(min=0).sqrt()) @ v.T
return (mu1 - mu2).square().sum() + (root(cov1) - root(cov2)).square().sum()

# %% [gan.frechet_distance] root of the whole: a distance, not its square
def root(m):
    e, v = torch.linalg.eigh(m)
    return (v * e.clamp(min=0).sqrt()) @ v.T
r = root(cov1)
return ((mu1 - mu2).square().sum() + torch.trace(cov1 + cov2 - 2 * root(r @ cov2 @ r))).clamp(min=0).sqrt()

# %% [gan.frechet_distance] outer root forgotten
def root(m):
    e, v = torch.linalg.eigh(m)
    return (v * e.clamp(min=0).sqrt()) @ v.T
r = root(cov1)
return (mu1 - mu2).square().sum() + torch.trace(cov1 + cov2 - 2 * (r @ cov2 @ r))

# %% [gan.frechet_distance] adds 1e-6 to the diagonals, as pytorch-fid does
def root(m):
    e, v = torch.linalg.eigh(m)
    return (v * e.clamp(min=0).sqrt()) @ v.T
eye = 1e-6 * torch.eye(len(cov1), dtype=cov1.dtype)
r = root(cov1 + eye)
return (mu1 - mu2).square().sum() + torch.trace(cov1 + cov2 - 2 * root(r @ (cov2 + eye) @ r))
