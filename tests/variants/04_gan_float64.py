# %% [gan.discriminator_loss] log-sigmoids in float64
return -(F.logsigmoid(logits_real.double()).mean() + F.logsigmoid(-logits_fake.double()).mean())

# %% [gan.generator_loss_saturating] a Bernoulli in float64
fake = torch.distributions.Bernoulli(logits=logits_fake.double())
return fake.log_prob(torch.zeros_like(logits_fake, dtype=torch.float64)).mean()

# %% [gan.generator_loss] a Bernoulli in float64
fake = torch.distributions.Bernoulli(logits=logits_fake.double())
return -fake.log_prob(torch.ones_like(logits_fake, dtype=torch.float64)).mean()

# %% [gan.optimal_discriminator] in float64, holes filled
answer = p_data.double() / (p_data.double() + p_g.double())
return torch.nan_to_num(answer, nan=0.5)

# %% [gan.train_step] fakes without a graph, gradients zeroed at the end too
opt_d.zero_grad(set_to_none=False)
with torch.no_grad():
    fake = G(z_d)
of_real = D(real)
loss_d = F.binary_cross_entropy_with_logits(of_real, torch.ones_like(of_real))
of_fake = D(fake)
loss_d = loss_d + F.binary_cross_entropy_with_logits(of_fake, torch.zeros_like(of_fake))
loss_d.backward()
opt_d.step()
opt_d.zero_grad()
opt_g.zero_grad(set_to_none=False)
loss_g = -F.logsigmoid(D(G(z_g)).double()).mean()
loss_g.backward()
opt_g.step()
opt_g.zero_grad()
opt_d.zero_grad()
return loss_d.item(), loss_g.item()

# %% [gan.adain] in float64, the variance by squares
y = x.double().flatten(2)
mean = y.mean(2, keepdim=True)
var = (y**2).mean(2, keepdim=True) - mean**2
y = (y - mean) * (var.clamp(min=0) + 1e-5).rsqrt() * w.double()[..., None] + b.double()[..., None]
return y.reshape(x.shape)

# %% [gan.slerp] in float64, numpy's arccos
import numpy as np

a, c = z0.double(), z1.double()
t = torch.as_tensor(t, dtype=torch.float64).expand(len(a))[:, None]
cos = ((a * c).sum(1) / (a.norm(dim=1) * c.norm(dim=1)))[:, None]
angle = torch.from_numpy(np.arccos(np.clip(cos.numpy(), -1, 1)))
line = a + t * (c - a)
arc = (torch.sin(angle - t * angle) * a + torch.sin(t * angle) * c) / torch.sin(angle)
return torch.where(cos.abs() <= 0.9995, arc, line)

# %% [gan.frechet_distance] scipy's root
import numpy as np
import scipy.linalg

root = scipy.linalg.sqrtm((cov1 @ cov2).numpy())
value = np.sum((mu1 - mu2).numpy() ** 2) + np.trace(cov1.numpy() + cov2.numpy() - 2 * np.real(root))
return torch.tensor(value, dtype=torch.float64)
