# %% [gan.discriminator_loss] BCEWithLogits on concatenation (one mean over all, unequal n)
logits = torch.cat([logits_real, logits_fake])
targets = torch.cat([torch.ones_like(logits_real), torch.zeros_like(logits_fake)])
return 2 * F.binary_cross_entropy_with_logits(logits, targets)

# %% [gan.discriminator_loss] F.binary_cross_entropy on sigmoid (clamps at 100)
real = torch.sigmoid(logits_real)
fake = torch.sigmoid(logits_fake)
return F.binary_cross_entropy(real, torch.ones_like(real)) + F.binary_cross_entropy(fake, torch.zeros_like(fake))

# %% [gan.discriminator_loss] mean of logsigmoid of real, log(1-D) as -logsigmoid(fake)
return -F.logsigmoid(logits_real).mean() + F.logsigmoid(logits_fake).mean()

# %% [gan.discriminator_loss] returns V itself (maximised)
return F.logsigmoid(logits_real).mean() + F.logsigmoid(-logits_fake).mean()

# %% [gan.discriminator_loss] one-sided label smoothing
real = F.binary_cross_entropy_with_logits(logits_real, torch.full_like(logits_real, 0.9))
fake = F.binary_cross_entropy_with_logits(logits_fake, torch.zeros_like(logits_fake))
return real + fake

# %% [gan.discriminator_loss] naive stable: log(1+exp(x)) overflows
return torch.log1p(torch.exp(-logits_real)).mean() + torch.log1p(torch.exp(logits_fake)).mean()

# %% [gan.discriminator_loss] sigmoid applied first and then BCE with logits
real, fake = logits_real.sigmoid(), logits_fake.sigmoid()
return (F.binary_cross_entropy_with_logits(real, torch.ones_like(real))
        + F.binary_cross_entropy_with_logits(fake, torch.zeros_like(fake)))

# %% [gan.optimal_discriminator] logs of the ratio: sigmoid(p_data - p_g)
return torch.sigmoid(p_data - p_g)

# %% [gan.optimal_discriminator] hard decision
return torch.where(p_data == p_g, 0.5, (p_data > p_g).float())

# %% [gan.optimal_discriminator] divides by the mixture m = (p+q)/2
m = 0.5 * (p_data + p_g)
return torch.where(m > 0, p_data / m, torch.full_like(m, 0.5)).clamp(0, 1)

# %% [gan.optimal_discriminator] torch.isclose(total, 0) as test for both zero
total = p_data + p_g
return torch.where(torch.isclose(total, torch.zeros_like(total)), torch.full_like(total, 0.5), p_data / total)

# %% [gan.optimal_discriminator] ½ wherever one of them is 0
ok = (p_data > 0) & (p_g > 0)
return torch.where(ok, p_data / (p_data + p_g), 0.5)

# %% [gan.optimal_discriminator] clamp of denominator, both zero gives 0
return p_data / (p_data + p_g).clamp(min=torch.finfo(p_data.dtype).tiny)

# %% [gan.generator_loss_saturating] BCE with zeros (positive, discriminator's own)
return F.binary_cross_entropy_with_logits(logits_fake, torch.zeros_like(logits_fake))

# %% [gan.generator_loss_saturating] log(1 - sigmoid + eps)
return torch.log(1 - torch.sigmoid(logits_fake) + 1e-8).mean()

# %% [gan.generator_loss_saturating] log D instead of log(1-D)
return F.logsigmoid(logits_fake).mean()

# %% [gan.generator_loss_saturating] logsigmoid(1 - logit)
return F.logsigmoid(1 - logits_fake).mean()

# %% [gan.generator_loss_saturating] sum in place of mean
return -F.softplus(logits_fake).sum()

# %% [gan.generator_loss] minus saturating loss: softplus(+logit)
return -generator_loss_saturating(logits_fake)

# %% [gan.generator_loss] -log sigmoid of the mean logit
return F.softplus(-logits_fake.mean())

# %% [gan.generator_loss] Wasserstein -mean(logit)
return -logits_fake.mean()

# %% [gan.generator_loss] clamped logits before log
return -torch.log(torch.sigmoid(logits_fake.clamp(-15, 15))).mean()

# %% [gan.generator_loss] plus log D, sign
return F.logsigmoid(logits_fake).mean()

# %% [gan.train_step] D's grad of own half kept: opt_d.zero_grad only at end via opt_g (forgets opt_d.zero_grad)
fake = G(z_d).detach()
loss_d = discriminator_loss(D(real), D(fake))
loss_d.backward()
opt_d.step()
opt_g.zero_grad()
loss_g = generator_loss(D(G(z_g)))
loss_g.backward()
opt_g.step()
return loss_d.item(), loss_g.item()

# %% [gan.train_step] no detach, opt_g.zero_grad done at the very top only
opt_d.zero_grad()
opt_g.zero_grad()
loss_d = discriminator_loss(D(real), D(G(z_d)))
loss_d.backward()
opt_d.step()
loss_g = generator_loss(D(G(z_g)))
loss_g.backward()
opt_g.step()
return loss_d.item(), loss_g.item()

# %% [gan.train_step] fakes of D's half reused for the generator (z_g unused)
fake = G(z_d)
opt_d.zero_grad()
loss_d = discriminator_loss(D(real), D(fake.detach()))
loss_d.backward()
opt_d.step()
opt_g.zero_grad()
loss_g = generator_loss(D(fake))
loss_g.backward()
opt_g.step()
return loss_d.item(), loss_g.item()

# %% [gan.train_step] one call of D on concatenated real and fake
fake = G(z_d).detach()
logits = D(torch.cat([real, fake]))
loss_d = discriminator_loss(logits[:len(real)], logits[len(real):])
opt_d.zero_grad()
loss_d.backward()
opt_d.step()
loss_g = generator_loss(D(G(z_g)))
opt_g.zero_grad()
loss_g.backward()
opt_g.step()
return loss_d.item(), loss_g.item()

# %% [gan.train_step] generator step uses the saturating loss
opt_d.zero_grad()
loss_d = discriminator_loss(D(real), D(G(z_d).detach()))
loss_d.backward()
opt_d.step()
opt_g.zero_grad()
loss_g = generator_loss_saturating(D(G(z_g)))
loss_g.backward()
opt_g.step()
return loss_d.item(), loss_g.item()

# %% [gan.train_step] generator's logits computed before D's step (old D), simultaneous
loss_d = discriminator_loss(D(real), D(G(z_d).detach()))
loss_g = generator_loss(D(G(z_g)))
opt_d.zero_grad()
opt_g.zero_grad()
grads_g = torch.autograd.grad(loss_g, list(G.parameters()))
loss_d.backward()
for p, g in zip(G.parameters(), grads_g):
    p.grad = g
opt_d.step()
opt_g.step()
return loss_d.item(), loss_g.item()

# %% [gan.train_step] G.eval / D.eval for the other's half (batch norm statistics)
G.eval()
with torch.no_grad():
    fake = G(z_d)
G.train()
opt_d.zero_grad()
loss_d = discriminator_loss(D(real), D(fake))
loss_d.backward()
opt_d.step()
D.eval()
opt_g.zero_grad()
loss_g = generator_loss(D(G(z_g)))
loss_g.backward()
opt_g.step()
D.train()
return loss_d.item(), loss_g.item()

# %% [gan.adain] eps added to the standard deviation
mu = x.mean((2, 3), keepdim=True)
sd = x.std((2, 3), keepdim=True, unbiased=False)
return w[..., None, None] * (x - mu) / (sd + 1e-5) + b[..., None, None]

# %% [gan.adain] x.var default (unbiased)
mu = x.mean((2, 3), keepdim=True)
var = x.var((2, 3), keepdim=True)
return w[..., None, None] * (x - mu) / (var + 1e-5).sqrt() + b[..., None, None]

# %% [gan.adain] F.batch_norm training (over the batch)
y = F.batch_norm(x, None, None, training=True, eps=1e-5)
return w[..., None, None] * y + b[..., None, None]

# %% [gan.adain] statistics detached
with torch.no_grad():
    mu = x.mean((2, 3), keepdim=True)
    sd = (x.var((2, 3), keepdim=True, unbiased=False) + 1e-5).sqrt()
return w[..., None, None] * (x - mu) / sd + b[..., None, None]

# %% [gan.adain] b and w by reshape in channel-first order / w broadcast over last axes (mean over dim 1)
mu = x.mean((1, 2, 3), keepdim=True)
var = x.var((1, 2, 3), keepdim=True, unbiased=False)
return w[..., None, None] * (x - mu) / (var + 1e-5).sqrt() + b[..., None, None]

# %% [gan.slerp] Omega of the raw dot product, not normalised (clamped)
t = torch.as_tensor(t, dtype=z0.dtype).expand(len(z0))[:, None]
cos = (z0 * z1).sum(1, keepdim=True).clamp(-1, 1)
line = cos.abs() > 0.9995
om = torch.acos(torch.where(line, torch.zeros_like(cos), cos))
walk = (torch.sin((1 - t) * om) * z0 + torch.sin(t * om) * z1) / torch.sin(om)
return torch.where(line, (1 - t) * z0 + t * z1, walk)

# %% [gan.slerp] only parallel pairs on the straight line, opposite forgotten
t = torch.as_tensor(t, dtype=z0.dtype).expand(len(z0))[:, None]
cos = F.cosine_similarity(z0, z1)[:, None].clamp(-1, 1)
line = cos > 0.9995
om = torch.acos(torch.where(line, torch.zeros_like(cos), cos))
walk = (torch.sin((1 - t) * om) * z0 + torch.sin(t * om) * z1) / torch.sin(om)
return torch.where(line, (1 - t) * z0 + t * z1, walk)

# %% [gan.slerp] normalises both codes and rescales to interpolated length
t = torch.as_tensor(t, dtype=z0.dtype).expand(len(z0))[:, None]
n0, n1 = z0.norm(dim=1, keepdim=True), z1.norm(dim=1, keepdim=True)
u, v = z0 / n0, z1 / n1
cos = (u * v).sum(1, keepdim=True)
line = cos.abs() > 0.9995
om = torch.acos(torch.where(line, torch.zeros_like(cos), cos))
walk = (torch.sin((1 - t) * om) * u + torch.sin(t * om) * v) / torch.sin(om)
return torch.where(line, (1 - t) * z0 + t * z1, walk * ((1 - t) * n0 + t * n1))

# %% [gan.slerp] one case for the whole batch (any)
t = torch.as_tensor(t, dtype=z0.dtype).expand(len(z0))[:, None]
cos = F.cosine_similarity(z0, z1)[:, None].clamp(-1, 1)
if (cos.abs() > 0.9995).any():
    return (1 - t) * z0 + t * z1
om = torch.acos(cos)
return (torch.sin((1 - t) * om) * z0 + torch.sin(t * om) * z1) / torch.sin(om)

# %% [gan.frechet_distance] elementwise root of the covariances
r = cov1.clamp(min=0).sqrt()
cross = (r @ cov2 @ r).clamp(min=0).sqrt()
return (mu1 - mu2).square().sum() + torch.trace(cov1 + cov2 - 2 * cross)

# %% [gan.frechet_distance] cholesky as root, inner and outer
def root(m):
    return torch.linalg.cholesky(m + 1e-10 * torch.eye(len(m), dtype=m.dtype))
r = root(cov1)
return (mu1 - mu2).square().sum() + torch.trace(cov1 + cov2 - 2 * root(r @ cov2 @ r.T))

# %% [gan.frechet_distance] product of the two roots R1 R2 (commuting assumed)
def root(m):
    l, q = torch.linalg.eigh(m)
    return q @ torch.diag(l.clamp(min=0).sqrt()) @ q.T
return (mu1 - mu2).square().sum() + torch.trace(cov1 + cov2 - 2 * root(cov1) @ root(cov2))

# %% [gan.frechet_distance] norm of means not squared
def root(m):
    l, q = torch.linalg.eigh(m)
    return q @ torch.diag(l.clamp(min=0).sqrt()) @ q.T
r = root(cov1)
return (mu1 - mu2).norm() + torch.trace(cov1 + cov2 - 2 * root(r @ cov2 @ r))

# %% [gan.frechet_distance] clamp after the root
def root(m):
    l, q = torch.linalg.eigh(m)
    return q @ torch.diag(l.sqrt().clamp(min=0)) @ q.T
r = root(cov1)
return (mu1 - mu2).square().sum() + torch.trace(cov1 + cov2 - 2 * root(r @ cov2 @ r))

# %% [gan.frechet_distance] no clamp at all
def root(m):
    l, q = torch.linalg.eigh(m)
    return q @ torch.diag(l.sqrt()) @ q.T
r = root(cov1)
return (mu1 - mu2).square().sum() + torch.trace(cov1 + cov2 - 2 * root(r @ cov2 @ r))
