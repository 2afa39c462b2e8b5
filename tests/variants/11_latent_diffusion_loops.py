# %% [ldm.kl_regularised_loss] image by image
total = 0
for i in range(len(x)):
    pixels = (recon[i] - x[i]).abs().sum() / x[i].numel()
    latents = [0.5 * (m * m + torch.exp(v) - 1 - v) for m, v in zip(mu[i].flatten(), logvar[i].flatten())]
    total = total + pixels + kl_weight * sum(latents) / len(latents)
return total / len(x)

# %% [ldm.autoencoder_step] both steps in one loop, image by image
mu, logvar = autoencoder.encode(x)
recon = torch.cat([autoencoder.decode(m[None] + torch.exp(v[None] / 2) * n[None]) for m, v, n in zip(mu, logvar, noise)])

def mean_softplus(images, sign):
    logits = [critic(image[None]) for image in images]
    return sum(torch.log1p(torch.exp(sign * part)).mean() for part in logits) / len(logits)

def of_autoencoder():
    return kl_regularised_loss(recon, x, mu, logvar, kl_weight) + adv_weight * mean_softplus(recon, -1)

def of_critic():
    return mean_softplus(x, -1) + mean_softplus(recon.detach(), 1)

losses = []
for loss_of, optimizer in ((of_autoencoder, opt_ae), (of_critic, opt_critic)):
    loss = loss_of()
    opt_ae.zero_grad()
    opt_critic.zero_grad()
    loss.backward()
    optimizer.step()
    losses.append(float(loss.detach()))
return losses

# %% [ldm.scale_factor] image by image
n = latents.numel()
mean = sum(image.sum() for image in latents) / n
variance = sum(((image - mean) ** 2).sum() for image in latents) / n
return 1 / variance**0.5

# %% [ldm.cross_attention] sample by sample, head by head, on the tokens alone
rows = []
for places, tokens, seen in zip(x, context, mask):
    q, k, v = to_q(places), to_k(tokens[seen]), to_v(tokens[seen])
    size, parts = q.shape[1] // heads, []
    for h in range(heads):
        one = slice(h * size, (h + 1) * size)
        weights = torch.softmax(q[:, one] @ k[:, one].T / size**0.5, dim=1)
        parts.append(weights @ v[:, one])
    rows.append(torch.cat(parts, dim=1))
return torch.stack(rows)

# %% [ldm.training_step] sample by sample
total = 0
for i in range(len(x)):
    z = scale * autoencoder.encode(x[i:i + 1])[0].detach()
    a, s, e = float(alpha[i]), float(sigma[i]), noise[i:i + 1]
    said = unet(a * z + s * e, t[i:i + 1], context[i:i + 1])
    total = total + ((said - (a * e - s * z)) ** 2).sum()
return total / noise.numel()

# %% [ldm.text_to_image] prompt by prompt
if latents is None:
    latents = torch.randn((len(prompts), 8, 8, 8), generator=generator)
images = []
for i, prompt in enumerate(prompts):
    cond, uncond, z = pipe.encode([prompt]), pipe.encode([""]), latents[i:i + 1]
    times = pipe.times(num_inference_steps).tolist()
    for k in range(num_inference_steps):
        at = torch.tensor([times[k]])
        without = pipe.unet(z, at, uncond)
        v = without + guidance_scale * (pipe.unet(z, at, cond) - without)
        z = pipe.step(z, v, times[k], times[k + 1])
    images.append((pipe.decode(z / pipe.scale)[0] + 1) / 2)
return torch.stack(images)

# %% [ldm.image_to_image] prompt by prompt
made = min(int(num_inference_steps * strength), num_inference_steps)
images_out = []
for i, prompt in enumerate(prompts):
    cond, uncond = pipe.encode([prompt]), pipe.encode([""])
    times = list(pipe.times(num_inference_steps))
    z = pipe.encode_image(images[i:i + 1] * 2 - 1) * pipe.scale
    z = pipe.add_noise(z, times[num_inference_steps - made], noise[i:i + 1])
    for k in range(num_inference_steps - made, num_inference_steps):
        at = times[k].reshape(1)
        without = pipe.unet(z, at, uncond)
        v = without + guidance_scale * (pipe.unet(z, at, cond) - without)
        z = pipe.step(z, v, times[k], times[k + 1])
    images_out.append((pipe.decode(z / pipe.scale)[0] + 1) / 2)
return torch.stack(images_out)
