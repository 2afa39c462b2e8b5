# %% [gan.discriminator_loss] one picture after the other
def cost(logit):
    return torch.maximum(logit, torch.zeros_like(logit)) + torch.log1p(torch.exp(-torch.abs(logit)))

total = 0
for logit in logits_real:
    total = total + cost(-logit) / len(logits_real)
for logit in logits_fake:
    total = total + cost(logit) / logits_fake.shape[0]
return total

# %% [gan.generator_loss_saturating] one fake after the other
total = 0
for logit in logits_fake:
    total = total - F.softplus(logit)
return total / len(logits_fake)

# %% [gan.generator_loss] one fake after the other
return sum(-F.logsigmoid(logit) for logit in logits_fake) / len(logits_fake)

# %% [gan.optimal_discriminator] one place after the other
out = torch.full_like(p_data, 0.5)
for i, (a, b) in enumerate(zip(p_data.flatten().tolist(), p_g.flatten().tolist())):
    if a + b > 0:
        out.view(-1)[i] = a / (a + b)
return out

# %% [gan.train_step] both halves in one loop
losses = []
halves = [(opt_d, lambda: discriminator_loss(D(real), D(G(z_d)))), (opt_g, lambda: generator_loss(D(G(z_g))))]
for optimizer, half in halves:
    loss = half()
    for net in (G, D):
        for p in net.parameters():
            p.grad = None
    loss.backward()
    optimizer.step()
    losses.append(loss.detach().item())
return tuple(losses)

# %% [gan.adain] one channel after the other
pictures = []
for n in range(x.shape[0]):
    channels = []
    for c in range(x.shape[1]):
        one = x[n, c] - x[n, c].sum() / x[n, c].numel()
        var = (one * one).sum() / one.numel()
        channels.append(one / (var + 0.00001) ** 0.5 * w[n, c] + b[n, c])
    pictures.append(torch.stack(channels))
return torch.stack(pictures)

# %% [gan.slerp] one pair after the other
out = []
for i, (a, c) in enumerate(zip(z0, z1)):
    s = float(t[i]) if torch.is_tensor(t) and t.dim() else float(t)
    cos = float(torch.dot(a, c) / (torch.sqrt(torch.dot(a, a)) * torch.sqrt(torch.dot(c, c))))
    if abs(cos) > 0.9995:
        out.append((1 - s) * a + s * c)
    else:
        angle = math.acos(cos)
        out.append((math.sin((1 - s) * angle) * a + math.sin(s * angle) * c) / math.sin(angle))
return torch.stack(out)

# %% [gan.frechet_distance] Newton's iteration for the root of the product
product = cov1 @ cov2
y, z = product / product.norm(), torch.eye(len(mu1), dtype=mu1.dtype)
for _ in range(25):  # more would blow up what rounding has left of a zero eigenvalue
    step = 1.5 * torch.eye(len(mu1), dtype=mu1.dtype) - 0.5 * z @ y
    y, z = y @ step, step @ z
distance = 0
for i in range(len(mu1)):
    root = y[i, i] * product.norm().sqrt()
    distance = distance + (mu1[i] - mu2[i]) ** 2 + cov1[i, i] + cov2[i, i] - 2 * root
return distance
