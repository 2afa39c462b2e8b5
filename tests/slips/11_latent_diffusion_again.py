# %% [ldm.kl_regularised_loss] weight on the reconstruction too
return kl_weight * ((recon - x).abs().mean() + 0.5 * (mu**2 + logvar.exp() - 1 - logvar).mean())

# %% [ldm.autoencoder_step] saturating adversarial loss, -softplus(D)
mu, logvar = autoencoder.encode(x)
recon = autoencoder.decode(mu + (0.5 * logvar).exp() * noise)
loss_ae = (recon - x).abs().mean() + kl_weight * 0.5 * (mu**2 + logvar.exp() - 1 - logvar).mean() + adv_weight * -F.softplus(critic(recon)).mean()
opt_ae.zero_grad()
loss_ae.backward()
opt_ae.step()

loss_critic = F.softplus(-critic(x)).mean() + F.softplus(critic(recon.detach())).mean()
opt_critic.zero_grad()
loss_critic.backward()
opt_critic.step()
return loss_ae.item(), loss_critic.item()

# %% [ldm.autoencoder_step] critic's signs swapped
mu, logvar = autoencoder.encode(x)
recon = autoencoder.decode(mu + (0.5 * logvar).exp() * noise)
loss_ae = (recon - x).abs().mean() + kl_weight * 0.5 * (mu**2 + logvar.exp() - 1 - logvar).mean() + adv_weight * F.softplus(-critic(recon)).mean()
opt_ae.zero_grad()
loss_ae.backward()
opt_ae.step()

loss_critic = F.softplus(critic(x)).mean() + F.softplus(-critic(recon.detach())).mean()
opt_critic.zero_grad()
loss_critic.backward()
opt_critic.step()
return loss_ae.item(), loss_critic.item()

# %% [ldm.autoencoder_step] no noise, decode(mu)
mu, logvar = autoencoder.encode(x)
recon = autoencoder.decode(mu)
loss_ae = (recon - x).abs().mean() + kl_weight * 0.5 * (mu**2 + logvar.exp() - 1 - logvar).mean() + adv_weight * F.softplus(-critic(recon)).mean()
opt_ae.zero_grad()
loss_ae.backward()
opt_ae.step()

loss_critic = F.softplus(-critic(x)).mean() + F.softplus(critic(recon.detach())).mean()
opt_critic.zero_grad()
loss_critic.backward()
opt_critic.step()
return loss_ae.item(), loss_critic.item()

# %% [ldm.autoencoder_step] torch.no_grad around the critic in the autoencoder's loss
mu, logvar = autoencoder.encode(x)
recon = autoencoder.decode(mu + (0.5 * logvar).exp() * noise)
with torch.no_grad():
    opinion = F.softplus(-critic(recon)).mean()
loss_ae = (recon - x).abs().mean() + kl_weight * 0.5 * (mu**2 + logvar.exp() - 1 - logvar).mean() + adv_weight * opinion
opt_ae.zero_grad()
loss_ae.backward()
opt_ae.step()

loss_critic = F.softplus(-critic(x)).mean() + F.softplus(critic(recon.detach())).mean()
opt_critic.zero_grad()
loss_critic.backward()
opt_critic.step()
return loss_ae.item(), loss_critic.item()

# %% [ldm.cross_attention] mask inverted
q, k, v = (y.unflatten(-1, (heads, -1)).transpose(1, 2) for y in (to_q(x), to_k(context), to_v(context)))
scores = q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5
scores = scores.masked_fill(mask[:, None, None, :], float("-inf"))
weights = scores.softmax(-1)
return (weights @ v).transpose(1, 2).flatten(2)

# %% [ldm.cross_attention] heads split by reshape without transpose
q, k, v = (y.reshape(x.shape[0], heads, -1, to_q(x).shape[-1] // heads) for y in (to_q(x), to_k(context), to_v(context)))
scores = q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5
scores = scores.masked_fill(~mask[:, None, None, :], float("-inf"))
weights = scores.softmax(-1)
return (weights @ v).transpose(1, 2).flatten(2)

# %% [ldm.cross_attention] no heads at all
q, k, v = (y.unsqueeze(1) for y in (to_q(x), to_k(context), to_v(context)))
scores = q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5
scores = scores.masked_fill(~mask[:, None, None, :], float("-inf"))
weights = scores.softmax(-1)
return (weights @ v).transpose(1, 2).flatten(2)

# %% [ldm.cross_attention] not divided at all
q, k, v = (y.unflatten(-1, (heads, -1)).transpose(1, 2) for y in (to_q(x), to_k(context), to_v(context)))
scores = q @ k.transpose(-1, -2) / 1
scores = scores.masked_fill(~mask[:, None, None, :], float("-inf"))
weights = scores.softmax(-1)
return (weights @ v).transpose(1, 2).flatten(2)

# %% [ldm.cross_attention] split with the full d in each head: view(b, n, heads, d)
q, k, v = (y.view(x.shape[0], -1, heads, to_q(x).shape[-1]).transpose(1, 2) for y in (to_q(x), to_k(context), to_v(context)))
scores = q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5
scores = scores.masked_fill(~mask[:, None, None, :], float("-inf"))
weights = scores.softmax(-1)
return (weights @ v).transpose(1, 2).flatten(2)

# %% [ldm.cross_attention] mask not shaped, (b, m)
q, k, v = (y.unflatten(-1, (heads, -1)).transpose(1, 2) for y in (to_q(x), to_k(context), to_v(context)))
scores = q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5
scores = scores.masked_fill(~mask, float("-inf"))
weights = scores.softmax(-1)
return (weights @ v).transpose(1, 2).flatten(2)

# %% [ldm.cross_attention] keys of padding set to zero
q, k, v = (y.unflatten(-1, (heads, -1)).transpose(1, 2) for y in (to_q(x), (to_k(context) * mask[..., None]), to_v(context)))
scores = q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5

weights = scores.softmax(-1)
return (weights @ v).transpose(1, 2).flatten(2)

# %% [ldm.training_step] scale forgotten
with torch.no_grad():
    mu, _ = autoencoder.encode(x)
z = mu
a, s = column(alpha, z), column(sigma, z)
z_t = a * z + s * noise
v = a * noise - s * z
return ((unet(z_t, t, context) - v) ** 2).mean()

# %% [ldm.training_step] whole in no_grad
with torch.no_grad():
    with torch.no_grad():
        mu, _ = autoencoder.encode(x)
    z = scale * mu
    a, s = column(alpha, z), column(sigma, z)
    z_t = a * z + s * noise
    v = a * noise - s * z
    return ((unet(z_t, t, context) - v) ** 2).mean()

# %% [ldm.training_step] sum over a sample
with torch.no_grad():
    mu, _ = autoencoder.encode(x)
z = scale * mu
a, s = column(alpha, z), column(sigma, z)
z_t = a * z + s * noise
v = a * noise - s * z
return ((unet(z_t, t, context) - v) ** 2).flatten(1).sum(1).mean()

# %% [ldm.training_step] latents drawn with the given noise
with torch.no_grad():
    mu, logvar = autoencoder.encode(x)
z = scale * (mu + (0.5 * logvar).exp() * noise)
a, s = column(alpha, z), column(sigma, z)
z_t = a * z + s * noise
v = a * noise - s * z
return ((unet(z_t, t, context) - v) ** 2).mean()

# %% [ldm.training_step] unscaled target
with torch.no_grad():
    mu, _ = autoencoder.encode(x)
z = scale * mu
a, s = column(alpha, z), column(sigma, z)
z_t = a * z + s * noise
v = a * noise - s * mu
return ((unet(z_t, t, context) - v) ** 2).mean()

# %% [ldm.training_step] coefficients not shaped
with torch.no_grad():
    mu, _ = autoencoder.encode(x)
z = scale * mu
a, s = alpha, sigma
z_t = a * z + s * noise
v = a * noise - s * z
return ((unet(z_t, t, context) - v) ** 2).mean()

# %% [ldm.training_step] alpha and sigma swapped in z_t
with torch.no_grad():
    mu, _ = autoencoder.encode(x)
z = scale * mu
a, s = column(alpha, z), column(sigma, z)
z_t = s * z + a * noise
v = a * noise - s * z
return ((unet(z_t, t, context) - v) ** 2).mean()

# %% [ldm.text_to_image] chunks exchanged (empty takes the text's part)
b = len(prompts)
text, empty = pipe.encode(prompts), pipe.encode([""] * b)
z = torch.randn(b, 8, 8, 8, generator=generator) if latents is None else latents
times = pipe.times(num_inference_steps)
for t, s in zip(times[:-1], times[1:]):
    v_empty = pipe.unet(z, t.expand(b), empty)
    v_text = pipe.unet(z, t.expand(b), text)
    z = pipe.step(z, v_text + guidance_scale * (v_empty - v_text), t, s)
return ((pipe.decode(z / pipe.scale) + 1) / 2).clamp(0, 1)

# %% [ldm.text_to_image] latents ignored
b = len(prompts)
text, empty = pipe.encode(prompts), pipe.encode([""] * b)
z = torch.randn(b, 8, 8, 8, generator=generator)
times = pipe.times(num_inference_steps)
for t, s in zip(times[:-1], times[1:]):
    v_empty = pipe.unet(z, t.expand(b), empty)
    v_text = pipe.unet(z, t.expand(b), text)
    z = pipe.step(z, v_empty + guidance_scale * (v_text - v_empty), t, s)
return ((pipe.decode(z / pipe.scale) + 1) / 2).clamp(0, 1)

# %% [ldm.text_to_image] generator ignored
b = len(prompts)
text, empty = pipe.encode(prompts), pipe.encode([""] * b)
z = torch.randn(b, 8, 8, 8) if latents is None else latents
times = pipe.times(num_inference_steps)
for t, s in zip(times[:-1], times[1:]):
    v_empty = pipe.unet(z, t.expand(b), empty)
    v_text = pipe.unet(z, t.expand(b), text)
    z = pipe.step(z, v_empty + guidance_scale * (v_text - v_empty), t, s)
return ((pipe.decode(z / pipe.scale) + 1) / 2).clamp(0, 1)

# %% [ldm.text_to_image] "" given as a string, one letterless text
b = len(prompts)
text, empty = pipe.encode(prompts), pipe.encode("")
z = torch.randn(b, 8, 8, 8, generator=generator) if latents is None else latents
times = pipe.times(num_inference_steps)
for t, s in zip(times[:-1], times[1:]):
    v_empty = pipe.unet(z, t.expand(b), empty)
    v_text = pipe.unet(z, t.expand(b), text)
    z = pipe.step(z, v_empty + guidance_scale * (v_text - v_empty), t, s)
return ((pipe.decode(z / pipe.scale) + 1) / 2).clamp(0, 1)

# %% [ldm.text_to_image] multiplied by the scale at the end
b = len(prompts)
text, empty = pipe.encode(prompts), pipe.encode([""] * b)
z = torch.randn(b, 8, 8, 8, generator=generator) if latents is None else latents
times = pipe.times(num_inference_steps)
for t, s in zip(times[:-1], times[1:]):
    v_empty = pipe.unet(z, t.expand(b), empty)
    v_text = pipe.unet(z, t.expand(b), text)
    z = pipe.step(z, v_empty + guidance_scale * (v_text - v_empty), t, s)
return ((pipe.decode(z * pipe.scale) + 1) / 2).clamp(0, 1)

# %% [ldm.text_to_image] times from range, last step forgotten
b = len(prompts)
text, empty = pipe.encode(prompts), pipe.encode([""] * b)
z = torch.randn(b, 8, 8, 8, generator=generator) if latents is None else latents
times = pipe.times(num_inference_steps)
for t, s in zip(times[:-2], times[1:-1]):
    v_empty = pipe.unet(z, t.expand(b), empty)
    v_text = pipe.unet(z, t.expand(b), text)
    z = pipe.step(z, v_empty + guidance_scale * (v_text - v_empty), t, s)
return ((pipe.decode(z / pipe.scale) + 1) / 2).clamp(0, 1)

# %% [ldm.text_to_image] pipe.step called with s, t exchanged
b = len(prompts)
text, empty = pipe.encode(prompts), pipe.encode([""] * b)
z = torch.randn(b, 8, 8, 8, generator=generator) if latents is None else latents
times = pipe.times(num_inference_steps)
for t, s in zip(times[:-1], times[1:]):
    v_empty = pipe.unet(z, t.expand(b), empty)
    v_text = pipe.unet(z, t.expand(b), text)
    z = pipe.step(z, v_empty + guidance_scale * (v_text - v_empty), s, t)
return ((pipe.decode(z / pipe.scale) + 1) / 2).clamp(0, 1)

# %% [ldm.image_to_image] round instead of int
b = len(prompts)
text, empty = pipe.encode(prompts), pipe.encode([""] * b)
made = round(num_inference_steps * strength)
first = num_inference_steps - made
times = pipe.times(num_inference_steps)[first:]
z = pipe.add_noise(pipe.scale * pipe.encode_image(2 * images - 1), times[0], noise)
for t, s in zip(times[:-1], times[1:]):
    v_empty = pipe.unet(z, t.expand(b), empty)
    v_text = pipe.unet(z, t.expand(b), text)
    z = pipe.step(z, v_empty + guidance_scale * (v_text - v_empty), t, s)
return ((pipe.decode(z / pipe.scale) + 1) / 2).clamp(0, 1)

# %% [ldm.image_to_image] not divided by the scale at the end
b = len(prompts)
text, empty = pipe.encode(prompts), pipe.encode([""] * b)
made = min(int(num_inference_steps * strength), num_inference_steps)
first = num_inference_steps - made
times = pipe.times(num_inference_steps)[first:]
z = pipe.add_noise(pipe.scale * pipe.encode_image(2 * images - 1), times[0], noise)
for t, s in zip(times[:-1], times[1:]):
    v_empty = pipe.unet(z, t.expand(b), empty)
    v_text = pipe.unet(z, t.expand(b), text)
    z = pipe.step(z, v_empty + guidance_scale * (v_text - v_empty), t, s)
return ((pipe.decode(z) + 1) / 2).clamp(0, 1)

# %% [ldm.image_to_image] one step too many, first - 1
b = len(prompts)
text, empty = pipe.encode(prompts), pipe.encode([""] * b)
made = min(int(num_inference_steps * strength), num_inference_steps)
first = max(num_inference_steps - made - 1, 0)
times = pipe.times(num_inference_steps)[first:]
z = pipe.add_noise(pipe.scale * pipe.encode_image(2 * images - 1), times[0], noise)
for t, s in zip(times[:-1], times[1:]):
    v_empty = pipe.unet(z, t.expand(b), empty)
    v_text = pipe.unet(z, t.expand(b), text)
    z = pipe.step(z, v_empty + guidance_scale * (v_text - v_empty), t, s)
return ((pipe.decode(z / pipe.scale) + 1) / 2).clamp(0, 1)

# %% [ldm.image_to_image] always at least one step
b = len(prompts)
text, empty = pipe.encode(prompts), pipe.encode([""] * b)
made = max(1, min(int(num_inference_steps * strength), num_inference_steps))
first = num_inference_steps - made
times = pipe.times(num_inference_steps)[first:]
z = pipe.add_noise(pipe.scale * pipe.encode_image(2 * images - 1), times[0], noise)
for t, s in zip(times[:-1], times[1:]):
    v_empty = pipe.unet(z, t.expand(b), empty)
    v_text = pipe.unet(z, t.expand(b), text)
    z = pipe.step(z, v_empty + guidance_scale * (v_text - v_empty), t, s)
return ((pipe.decode(z / pipe.scale) + 1) / 2).clamp(0, 1)

# %% [ldm.image_to_image] noise added to z first and the scale after
b = len(prompts)
text, empty = pipe.encode(prompts), pipe.encode([""] * b)
made = min(int(num_inference_steps * strength), num_inference_steps)
first = num_inference_steps - made
times = pipe.times(num_inference_steps)[first:]
z = pipe.add_noise(pipe.encode_image(2 * images - 1), times[0], noise) * pipe.scale
for t, s in zip(times[:-1], times[1:]):
    v_empty = pipe.unet(z, t.expand(b), empty)
    v_text = pipe.unet(z, t.expand(b), text)
    z = pipe.step(z, v_empty + guidance_scale * (v_text - v_empty), t, s)
return ((pipe.decode(z / pipe.scale) + 1) / 2).clamp(0, 1)

# %% [ldm.image_to_image] times[-made:], one step too few
b = len(prompts)
text, empty = pipe.encode(prompts), pipe.encode([""] * b)
made = min(int(num_inference_steps * strength), num_inference_steps)
first = num_inference_steps - made
times = pipe.times(num_inference_steps)[-made:]
z = pipe.add_noise(pipe.scale * pipe.encode_image(2 * images - 1), times[0], noise)
for t, s in zip(times[:-1], times[1:]):
    v_empty = pipe.unet(z, t.expand(b), empty)
    v_text = pipe.unet(z, t.expand(b), text)
    z = pipe.step(z, v_empty + guidance_scale * (v_text - v_empty), t, s)
return ((pipe.decode(z / pipe.scale) + 1) / 2).clamp(0, 1)
