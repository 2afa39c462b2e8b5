# %% [ldm.kl_regularised_loss] squared error, as in 03
return ((recon - x)**2).mean() + kl_weight * 0.5 * (mu**2 + logvar.exp() - 1 - logvar).mean()

# %% [ldm.kl_regularised_loss] the half forgotten
return (recon - x).abs().mean() + kl_weight * (mu**2 + logvar.exp() - 1 - logvar).mean()

# %% [ldm.kl_regularised_loss] KL with the sign of the ELBO's term
return (recon - x).abs().mean() + kl_weight * 0.5 * (1 + logvar - mu**2 - logvar.exp()).mean()

# %% [ldm.kl_regularised_loss] logvar taken for log sigma
return (recon - x).abs().mean() + kl_weight * 0.5 * (mu**2 + (2 * logvar).exp() - 1 - 2 * logvar).mean()

# %% [ldm.kl_regularised_loss] KL summed over the latents of a sample, mean over the batch (as in 03)
return (recon - x).abs().mean() + kl_weight * 0.5 * (mu**2 + logvar.exp() - 1 - logvar).flatten(1).sum(1).mean()

# %% [ldm.autoencoder_step] both zero_grads at the top, so the autoencoder's pass stays in the critic's .grad
mu, logvar = autoencoder.encode(x)
recon = autoencoder.decode(mu + (0.5 * logvar).exp() * noise)
loss_ae = (recon - x).abs().mean() + kl_weight * 0.5 * (mu**2 + logvar.exp() - 1 - logvar).mean() + adv_weight * F.softplus(-critic(recon)).mean()
opt_ae.zero_grad()
opt_critic.zero_grad()
loss_ae.backward()
opt_ae.step()

loss_critic = F.softplus(-critic(x)).mean() + F.softplus(critic(recon.detach())).mean()

loss_critic.backward()
opt_critic.step()
return loss_ae.item(), loss_critic.item()

# %% [ldm.autoencoder_step] reconstruction not detached for the critic
mu, logvar = autoencoder.encode(x)
recon = autoencoder.decode(mu + (0.5 * logvar).exp() * noise)
loss_ae = (recon - x).abs().mean() + kl_weight * 0.5 * (mu**2 + logvar.exp() - 1 - logvar).mean() + adv_weight * F.softplus(-critic(recon)).mean()
opt_ae.zero_grad()
loss_ae.backward()
opt_ae.step()

loss_critic = F.softplus(-critic(x)).mean() + F.softplus(critic(recon)).mean()
opt_critic.zero_grad()
loss_critic.backward()
opt_critic.step()
return loss_ae.item(), loss_critic.item()

# %% [ldm.autoencoder_step] adversarial term on the detached reconstruction
mu, logvar = autoencoder.encode(x)
recon = autoencoder.decode(mu + (0.5 * logvar).exp() * noise)
loss_ae = (recon - x).abs().mean() + kl_weight * 0.5 * (mu**2 + logvar.exp() - 1 - logvar).mean() + adv_weight * F.softplus(-critic(recon.detach())).mean()
opt_ae.zero_grad()
loss_ae.backward()
opt_ae.step()

loss_critic = F.softplus(-critic(x)).mean() + F.softplus(critic(recon.detach())).mean()
opt_critic.zero_grad()
loss_critic.backward()
opt_critic.step()
return loss_ae.item(), loss_critic.item()

# %% [ldm.autoencoder_step] noise times the variance, exp(logvar)
mu, logvar = autoencoder.encode(x)
recon = autoencoder.decode(mu + logvar.exp() * noise)
loss_ae = (recon - x).abs().mean() + kl_weight * 0.5 * (mu**2 + logvar.exp() - 1 - logvar).mean() + adv_weight * F.softplus(-critic(recon)).mean()
opt_ae.zero_grad()
loss_ae.backward()
opt_ae.step()

loss_critic = F.softplus(-critic(x)).mean() + F.softplus(critic(recon.detach())).mean()
opt_critic.zero_grad()
loss_critic.backward()
opt_critic.step()
return loss_ae.item(), loss_critic.item()

# %% [ldm.autoencoder_step] reconstruction computed anew for the critic after the step
mu, logvar = autoencoder.encode(x)
recon = autoencoder.decode(mu + (0.5 * logvar).exp() * noise)
loss_ae = (recon - x).abs().mean() + kl_weight * 0.5 * (mu**2 + logvar.exp() - 1 - logvar).mean() + adv_weight * F.softplus(-critic(recon)).mean()
opt_ae.zero_grad()
loss_ae.backward()
opt_ae.step()
with torch.no_grad():
    m2, l2 = autoencoder.encode(x)
    recon = autoencoder.decode(m2 + (0.5 * l2).exp() * noise)
loss_critic = F.softplus(-critic(x)).mean() + F.softplus(critic(recon.detach())).mean()
opt_critic.zero_grad()
loss_critic.backward()
opt_critic.step()
return loss_ae.item(), loss_critic.item()

# %% [ldm.autoencoder_step] the critic moves first, as in 04
mu, logvar = autoencoder.encode(x)
recon = autoencoder.decode(mu + (0.5 * logvar).exp() * noise)
loss_critic = F.softplus(-critic(x)).mean() + F.softplus(critic(recon.detach())).mean()
opt_critic.zero_grad()
loss_critic.backward()
opt_critic.step()
loss_ae = (recon - x).abs().mean() + kl_weight * 0.5 * (mu**2 + logvar.exp() - 1 - logvar).mean() + adv_weight * F.softplus(-critic(recon)).mean()
opt_ae.zero_grad()
loss_ae.backward()
opt_ae.step()
return loss_ae.item(), loss_critic.item()

# %% [ldm.scale_factor] the standard deviation itself
return latents.std()

# %% [ldm.scale_factor] one over the variance
return 1 / latents.var()

# %% [ldm.scale_factor] one number for each channel
return 1 / latents.std(dim=(0, 2, 3))

# %% [ldm.scale_factor] root of the mean square, the mean not taken off
return 1 / latents.pow(2).mean().sqrt()

# %% [ldm.scale_factor] mean over the channels' standard deviations
return 1 / latents.std(dim=(0, 2, 3)).mean()

# %% [ldm.cross_attention] divided by sqrt(d) of all heads together
q, k, v = (y.unflatten(-1, (heads, -1)).transpose(1, 2) for y in (to_q(x), to_k(context), to_v(context)))
scores = q @ k.transpose(-1, -2) / (heads * q.shape[-1]) ** 0.5
scores = scores.masked_fill(~mask[:, None, None, :], float("-inf"))
weights = scores.softmax(-1)
return (weights @ v).transpose(1, 2).flatten(2)

# %% [ldm.cross_attention] padding's weights zeroed after the softmax, sum no longer 1
q, k, v = (y.unflatten(-1, (heads, -1)).transpose(1, 2) for y in (to_q(x), to_k(context), to_v(context)))
scores = q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5

weights = scores.softmax(-1) * mask[:, None, None, :]
return (weights @ v).transpose(1, 2).flatten(2)

# %% [ldm.cross_attention] padding's scores set to 0 (score times mask)
q, k, v = (y.unflatten(-1, (heads, -1)).transpose(1, 2) for y in (to_q(x), to_k(context), to_v(context)))
scores = q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5
scores = scores * mask[:, None, None, :]
weights = scores.softmax(-1)
return (weights @ v).transpose(1, 2).flatten(2)

# %% [ldm.cross_attention] softmax over the places
q, k, v = (y.unflatten(-1, (heads, -1)).transpose(1, 2) for y in (to_q(x), to_k(context), to_v(context)))
scores = q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5
scores = scores.masked_fill(~mask[:, None, None, :], -1e9)
weights = scores.softmax(-2)
return (weights @ v).transpose(1, 2).flatten(2)

# %% [ldm.cross_attention] heads interleaved: head = channel mod heads
q, k, v = (y.unflatten(-1, (-1, heads)).permute(0, 3, 1, 2) for y in (to_q(x), to_k(context), to_v(context)))
scores = q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5
scores = scores.masked_fill(~mask[:, None, None, :], float("-inf"))
weights = scores.softmax(-1)
return (weights @ v).permute(0, 2, 3, 1).flatten(2)

# %% [ldm.cross_attention] heads put together without the transpose back
q, k, v = (y.unflatten(-1, (heads, -1)).transpose(1, 2) for y in (to_q(x), to_k(context), to_v(context)))
scores = q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5
scores = scores.masked_fill(~mask[:, None, None, :], float("-inf"))
weights = scores.softmax(-1)
return (weights @ v).reshape(x.shape[0], x.shape[1], -1)

# %% [ldm.training_step] divided by the scale
with torch.no_grad():
    mu, _ = autoencoder.encode(x)
z = mu / scale
a, s = column(alpha, z), column(sigma, z)
z_t = a * z + s * noise
v = a * noise - s * z
return ((unet(z_t, t, context) - v) ** 2).mean()

# %% [ldm.training_step] v of the opposite sign
with torch.no_grad():
    mu, _ = autoencoder.encode(x)
z = scale * mu
a, s = column(alpha, z), column(sigma, z)
z_t = a * z + s * noise
v = s * z - a * noise
return ((unet(z_t, t, context) - v) ** 2).mean()

# %% [ldm.training_step] the noise as the target
with torch.no_grad():
    mu, _ = autoencoder.encode(x)
z = scale * mu
a, s = column(alpha, z), column(sigma, z)
z_t = a * z + s * noise
v = noise
return ((unet(z_t, t, context) - v) ** 2).mean()

# %% [ldm.training_step] latents drawn, not their means
with torch.no_grad():
    mu, logvar = autoencoder.encode(x)
z = scale * (mu + (0.5 * logvar).exp() * torch.randn_like(mu))
a, s = column(alpha, z), column(sigma, z)
z_t = a * z + s * noise
v = a * noise - s * z
return ((unet(z_t, t, context) - v) ** 2).mean()

# %% [ldm.training_step] the encoder's graph kept (no detach, no no_grad)
mu, _ = autoencoder.encode(x)
z = scale * mu
a, s = column(alpha, z), column(sigma, z)
z_t = a * z + s * noise
v = a * noise - s * z
return ((unet(z_t, t, context) - v) ** 2).mean()

# %% [ldm.training_step] v from the noised latents z_t instead of z
with torch.no_grad():
    mu, _ = autoencoder.encode(x)
z = scale * mu
a, s = column(alpha, z), column(sigma, z)
z_t = a * z + s * noise
v = a * noise - s * z_t
return ((unet(z_t, t, context) - v) ** 2).mean()

# %% [ldm.text_to_image] latents decoded without the scale
b = len(prompts)
text, empty = pipe.encode(prompts), pipe.encode([""] * b)
z = torch.randn(b, 8, 8, 8, generator=generator) if latents is None else latents
times = pipe.times(num_inference_steps)
for t, s in zip(times[:-1], times[1:]):
    v_empty = pipe.unet(z, t.expand(b), empty)
    v_text = pipe.unet(z, t.expand(b), text)
    z = pipe.step(z, v_empty + guidance_scale * (v_text - v_empty), t, s)
return ((pipe.decode(z) + 1) / 2).clamp(0, 1)

# %% [ldm.text_to_image] guidance in 07's convention: v_text + s (v_text - v_empty)
b = len(prompts)
text, empty = pipe.encode(prompts), pipe.encode([""] * b)
z = torch.randn(b, 8, 8, 8, generator=generator) if latents is None else latents
times = pipe.times(num_inference_steps)
for t, s in zip(times[:-1], times[1:]):
    v_empty = pipe.unet(z, t.expand(b), empty)
    v_text = pipe.unet(z, t.expand(b), text)
    z = pipe.step(z, v_text + guidance_scale * (v_text - v_empty), t, s)
return ((pipe.decode(z / pipe.scale) + 1) / 2).clamp(0, 1)

# %% [ldm.text_to_image] images left in [-1, 1]
b = len(prompts)
text, empty = pipe.encode(prompts), pipe.encode([""] * b)
z = torch.randn(b, 8, 8, 8, generator=generator) if latents is None else latents
times = pipe.times(num_inference_steps)
for t, s in zip(times[:-1], times[1:]):
    v_empty = pipe.unet(z, t.expand(b), empty)
    v_text = pipe.unet(z, t.expand(b), text)
    z = pipe.step(z, v_empty + guidance_scale * (v_text - v_empty), t, s)
return pipe.decode(z / pipe.scale)

# %% [ldm.text_to_image] no wish = zeros (as in 06)
b = len(prompts)
text = pipe.encode(prompts)
empty = torch.zeros_like(text)
z = torch.randn(b, 8, 8, 8, generator=generator) if latents is None else latents
times = pipe.times(num_inference_steps)
for t, s in zip(times[:-1], times[1:]):
    v_empty = pipe.unet(z, t.expand(b), empty)
    v_text = pipe.unet(z, t.expand(b), text)
    z = pipe.step(z, v_empty + guidance_scale * (v_text - v_empty), t, s)
return ((pipe.decode(z / pipe.scale) + 1) / 2).clamp(0, 1)

# %% [ldm.text_to_image] the network asked at the time it goes to, s
b = len(prompts)
text, empty = pipe.encode(prompts), pipe.encode([""] * b)
z = torch.randn(b, 8, 8, 8, generator=generator) if latents is None else latents
times = pipe.times(num_inference_steps)
for t, s in zip(times[:-1], times[1:]):
    v_empty = pipe.unet(z, s.expand(b), empty)
    v_text = pipe.unet(z, s.expand(b), text)
    z = pipe.step(z, v_empty + guidance_scale * (v_text - v_empty), t, s)
return ((pipe.decode(z / pipe.scale) + 1) / 2).clamp(0, 1)

# %% [ldm.text_to_image] the noise multiplied by the scale before the first step
b = len(prompts)
text, empty = pipe.encode(prompts), pipe.encode([""] * b)
z = pipe.scale * (torch.randn(b, 8, 8, 8, generator=generator) if latents is None else latents)
times = pipe.times(num_inference_steps)
for t, s in zip(times[:-1], times[1:]):
    v_empty = pipe.unet(z, t.expand(b), empty)
    v_text = pipe.unet(z, t.expand(b), text)
    z = pipe.step(z, v_empty + guidance_scale * (v_text - v_empty), t, s)
return ((pipe.decode(z / pipe.scale) + 1) / 2).clamp(0, 1)

# %% [ldm.image_to_image] images encoded in [0, 1]
b = len(prompts)
text, empty = pipe.encode(prompts), pipe.encode([""] * b)
made = min(int(num_inference_steps * strength), num_inference_steps)
first = num_inference_steps - made
times = pipe.times(num_inference_steps)[first:]
z = pipe.add_noise(pipe.scale * pipe.encode_image(images), times[0], noise)
for t, s in zip(times[:-1], times[1:]):
    v_empty = pipe.unet(z, t.expand(b), empty)
    v_text = pipe.unet(z, t.expand(b), text)
    z = pipe.step(z, v_empty + guidance_scale * (v_text - v_empty), t, s)
return ((pipe.decode(z / pipe.scale) + 1) / 2).clamp(0, 1)

# %% [ldm.image_to_image] latents not scaled before the noise
b = len(prompts)
text, empty = pipe.encode(prompts), pipe.encode([""] * b)
made = min(int(num_inference_steps * strength), num_inference_steps)
first = num_inference_steps - made
times = pipe.times(num_inference_steps)[first:]
z = pipe.add_noise(pipe.encode_image(2 * images - 1), times[0], noise)
for t, s in zip(times[:-1], times[1:]):
    v_empty = pipe.unet(z, t.expand(b), empty)
    v_text = pipe.unet(z, t.expand(b), text)
    z = pipe.step(z, v_empty + guidance_scale * (v_text - v_empty), t, s)
return ((pipe.decode(z / pipe.scale) + 1) / 2).clamp(0, 1)

# %% [ldm.image_to_image] the first steps skipped are made's share: begins at times[made]
b = len(prompts)
text, empty = pipe.encode(prompts), pipe.encode([""] * b)
made = min(int(num_inference_steps * strength), num_inference_steps)
first = made
times = pipe.times(num_inference_steps)[first:]
z = pipe.add_noise(pipe.scale * pipe.encode_image(2 * images - 1), times[0], noise)
for t, s in zip(times[:-1], times[1:]):
    v_empty = pipe.unet(z, t.expand(b), empty)
    v_text = pipe.unet(z, t.expand(b), text)
    z = pipe.step(z, v_empty + guidance_scale * (v_text - v_empty), t, s)
return ((pipe.decode(z / pipe.scale) + 1) / 2).clamp(0, 1)

# %% [ldm.image_to_image] strength's share: a whole path of fewer steps, pipe.times(made)
b = len(prompts)
text, empty = pipe.encode(prompts), pipe.encode([""] * b)
made = min(int(num_inference_steps * strength), num_inference_steps)
first = num_inference_steps - made
times = pipe.times(num_inference_steps)
start = times[first]
times = pipe.times(made)
z = pipe.add_noise(pipe.scale * pipe.encode_image(2 * images - 1), start, noise)
for t, s in zip(times[:-1], times[1:]):
    v_empty = pipe.unet(z, t.expand(b), empty)
    v_text = pipe.unet(z, t.expand(b), text)
    z = pipe.step(z, v_empty + guidance_scale * (v_text - v_empty), t, s)
return ((pipe.decode(z / pipe.scale) + 1) / 2).clamp(0, 1)

# %% [ldm.image_to_image] noised up to time t = strength, not to a time of the path
b = len(prompts)
text, empty = pipe.encode(prompts), pipe.encode([""] * b)
made = min(int(num_inference_steps * strength), num_inference_steps)
first = num_inference_steps - made
times = pipe.times(num_inference_steps)[first:]
z = pipe.add_noise(pipe.scale * pipe.encode_image(2 * images - 1), torch.tensor(float(strength)), noise)
for t, s in zip(times[:-1], times[1:]):
    v_empty = pipe.unet(z, t.expand(b), empty)
    v_text = pipe.unet(z, t.expand(b), text)
    z = pipe.step(z, v_empty + guidance_scale * (v_text - v_empty), t, s)
return ((pipe.decode(z / pipe.scale) + 1) / 2).clamp(0, 1)

# %% [ldm.image_to_image] noised to times[first], but the first step starts one later
b = len(prompts)
text, empty = pipe.encode(prompts), pipe.encode([""] * b)
made = min(int(num_inference_steps * strength), num_inference_steps)
first = num_inference_steps - made
times = pipe.times(num_inference_steps)
start = times[first]
times = times[first + 1:]
z = pipe.add_noise(pipe.scale * pipe.encode_image(2 * images - 1), start, noise)
for t, s in zip(times[:-1], times[1:]):
    v_empty = pipe.unet(z, t.expand(b), empty)
    v_text = pipe.unet(z, t.expand(b), text)
    z = pipe.step(z, v_empty + guidance_scale * (v_text - v_empty), t, s)
return ((pipe.decode(z / pipe.scale) + 1) / 2).clamp(0, 1)
