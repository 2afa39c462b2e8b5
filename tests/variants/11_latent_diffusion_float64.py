# %% [ldm.kl_regularised_loss] in float64, by the standard deviation
std = (logvar.double() / 2).exp()
divergence = ((mu.double() ** 2 + std**2 - 1) / 2 - std.log()).mean()
return ((recon.double() - x.double()).abs().mean() + kl_weight * divergence).to(x.dtype)

# %% [ldm.autoencoder_step] the losses in float64, the formula written out, the critic frozen for the first half
mu, logvar = autoencoder.encode(x)
recon = autoencoder.decode(mu + logvar.exp().sqrt() * noise)
critic.requires_grad_(False)
divergence = 0.5 * (mu.double() ** 2 + logvar.double().exp() - 1 - logvar.double())
loss_ae = (x - recon).abs().double().mean() + kl_weight * divergence.mean()
loss_ae = loss_ae - adv_weight * F.logsigmoid(critic(recon).double()).mean()
opt_ae.zero_grad()
loss_ae.backward()
opt_ae.step()
critic.requires_grad_(True)
real, fake = critic(torch.cat([x, recon.detach()])).double().chunk(2)
loss_critic = -F.logsigmoid(real).mean() - F.logsigmoid(-fake).mean()
opt_critic.zero_grad()
loss_critic.backward()
opt_critic.step()
return loss_ae.item(), loss_critic.item()

# %% [ldm.scale_factor] in float64, a number of Python
return latents.double().var(correction=0).rsqrt().item()

# %% [ldm.cross_attention] the softmax in float64, a large negative number for padding
def split(y):
    return y.double().reshape(len(y), y.shape[1], heads, -1).permute(0, 2, 1, 3)

q, k, v = split(to_q(x)), split(to_k(context)), split(to_v(context))
scores = torch.matmul(q, k.transpose(-2, -1)) * q.shape[-1] ** -0.5
scores = torch.where(mask.reshape(len(mask), 1, 1, -1), scores, torch.tensor(-1e9, dtype=torch.float64))
out = torch.matmul(F.softmax(scores, dim=3), v)
return out.permute(0, 2, 1, 3).reshape(*x.shape[:2], -1).to(x.dtype)

# %% [ldm.training_step] latents in float64, a detached mean
z = float(scale) * autoencoder.encode(x)[0].detach().double()
a, s = (c.double().view(-1, 1, 1, 1) for c in (alpha, sigma))
said = unet((a * z + s * noise.double()).to(x.dtype), t, context).double()
return torch.mean((said - a * noise.double() + s * z) ** 2).to(x.dtype)

# %% [ldm.text_to_image] guidance in float64, one context for all empty prompts
cond, uncond = pipe.encode(prompts), pipe.encode([""])
if latents is None:
    latents = torch.randn(len(prompts), 8, 8, 8, dtype=torch.float32, generator=generator)
z, times = latents.clone(), pipe.times(num_inference_steps)
for i in range(len(times) - 1):
    at = torch.full((len(z),), times[i].item())
    v_cond, v_uncond = pipe.unet(z, at, cond).double(), pipe.unet(z, at, uncond).double()
    v = guidance_scale * v_cond + (1 - guidance_scale) * v_uncond
    z = pipe.step(z, v.to(z.dtype), times[i], times[i + 1])
return (pipe.decode(z / pipe.scale) / 2 + 0.5).clamp(0, 1)

# %% [ldm.image_to_image] guidance in float64, one context for all empty prompts
cond, uncond = pipe.encode(prompts), pipe.encode([""])
times, made = pipe.times(num_inference_steps), int(strength * num_inference_steps)
begin = num_inference_steps - made
z = pipe.encode_image((images.double() * 2 - 1).float()) * pipe.scale
z = pipe.add_noise(z, float(times[begin]), noise)
for i in range(begin, num_inference_steps):
    at = torch.full((len(z),), times[i].item())
    v_cond, v_uncond = pipe.unet(z, at, cond).double(), pipe.unet(z, at, uncond).double()
    v = v_cond + (guidance_scale - 1) * (v_cond - v_uncond)
    z = pipe.step(z, v.to(z.dtype), times[i], times[i + 1])
return (pipe.decode(z / pipe.scale) / 2 + 0.5).clamp(0, 1)
