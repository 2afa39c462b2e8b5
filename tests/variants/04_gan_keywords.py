# %% [gan.discriminator_loss] every argument by its name
zero = torch.zeros(1, dtype=logits_real.dtype)
real = torch.mean(input=torch.logaddexp(input=zero, other=torch.neg(input=logits_real)))
return torch.add(input=real, other=torch.mean(input=torch.logaddexp(input=zero, other=logits_fake)))

# %% [gan.generator_loss_saturating] every argument by its name
return torch.mean(input=F.logsigmoid(input=torch.neg(input=logits_fake)), dim=0)

# %% [gan.generator_loss] every argument by its name
return F.binary_cross_entropy_with_logits(input=logits_fake, target=torch.ones_like(input=logits_fake),
                                          reduction="mean")

# %% [gan.optimal_discriminator] every argument by its name
nothing = torch.logical_and(input=torch.eq(input=p_data, other=0), other=torch.eq(input=p_g, other=0))
below = torch.masked_fill(input=torch.add(input=p_data, other=p_g), mask=nothing, value=1.0)
return torch.div(input=p_data, other=below).masked_fill(mask=nothing, value=0.5)

# %% [gan.train_step] weights of the other player frozen
for p in D.parameters():
    p.requires_grad_(requires_grad=True)
opt_d.zero_grad(set_to_none=True)
loss_d = discriminator_loss(logits_real=D(real), logits_fake=D(G(z_d).detach()))
loss_d.backward()
opt_d.step()
for p in D.parameters():
    p.requires_grad_(requires_grad=False)
opt_g.zero_grad(set_to_none=True)
loss_g = generator_loss(logits_fake=D(G(z_g)))
loss_g.backward()
opt_g.step()
for p in D.parameters():
    p.requires_grad_(requires_grad=True)
return [loss_d.item(), loss_g.item()]

# %% [gan.adain] every argument by its name
var, mean = torch.var_mean(input=x, dim=[-2, -1], correction=0, keepdim=True)
y = torch.div(input=torch.sub(input=x, other=mean), other=torch.sqrt(input=torch.add(input=var, other=1e-5)))
return torch.add(input=b.reshape(*b.shape, 1, 1), other=torch.mul(input=y, other=w.reshape(*w.shape, 1, 1)))

# %% [gan.slerp] every argument by its name
if isinstance(t, torch.Tensor):
    t = torch.unsqueeze(input=t, dim=1)
norms = torch.linalg.vector_norm(x=z0, dim=1) * torch.linalg.vector_norm(x=z1, dim=1)
cos = torch.div(input=torch.linalg.vecdot(x=z0, y=z1, dim=1), other=norms).unsqueeze(dim=1)
angle = torch.acos(input=torch.clamp(input=cos, min=-1.0, max=1.0))
arc = (torch.sin(input=(1 - t) * angle) * z0 + torch.sin(input=t * angle) * z1) / torch.sin(input=angle)
line = torch.add(input=(1 - t) * z0, other=t * z1)
return torch.where(condition=torch.abs(input=cos) > 0.9995, input=line, other=arc)

# %% [gan.frechet_distance] singular values
u, s, vh = torch.linalg.svd(A=cov1, full_matrices=False)
root = u @ torch.diag(input=torch.sqrt(input=s)) @ vh
cross = torch.linalg.eigvalsh(root @ cov2 @ root, UPLO="L").clamp(min=0).sqrt().sum(dim=0)
means = F.mse_loss(input=mu1, target=mu2, reduction="sum")
return torch.sub(input=means + torch.trace(input=cov1) + torch.trace(input=cov2), other=cross, alpha=2)
