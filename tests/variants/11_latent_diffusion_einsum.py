# %% [ldm.kl_regularised_loss] by einsum
latents = torch.stack([mu**2, logvar.exp(), -torch.ones_like(mu), -logvar])
divergence = torch.einsum("kbchw->", latents) / (2 * mu.numel())
return torch.einsum("...->", torch.abs(x - recon)) / x.numel() + kl_weight * divergence

# %% [ldm.autoencoder_step] gradients by autograd, each network's own
mu, logvar = autoencoder.encode(x)
recon = autoencoder.decode(torch.addcmul(mu, torch.exp(logvar / 2), noise))
loss_ae = kl_regularised_loss(recon, x, mu, logvar, kl_weight)
loss_ae = loss_ae + adv_weight * F.binary_cross_entropy_with_logits(critic(recon), torch.ones_like(critic(recon)))
real, fake = critic(x), critic(recon.detach())
loss_critic = F.binary_cross_entropy_with_logits(real, torch.ones_like(real))
loss_critic = loss_critic + F.binary_cross_entropy_with_logits(fake, torch.zeros_like(fake))
for net, loss, optimizer in ((autoencoder, loss_ae, opt_ae), (critic, loss_critic, opt_critic)):
    weights = list(net.parameters())
    for p, grad in zip(weights, torch.autograd.grad(loss, weights)):
        p.grad = grad
    optimizer.step()
return loss_ae.item(), loss_critic.item()

# %% [ldm.scale_factor] by einsum
apart = latents - latents.mean()
return (latents.numel() / torch.einsum("nchw,nchw->", apart, apart)).sqrt()

# %% [ldm.cross_attention] by einsum
def split(y):
    return torch.stack(y.chunk(heads, dim=-1))  # (heads, b, ., d / heads)

q, k, v = split(to_q(x)), split(to_k(context)), split(to_v(context))
scores = torch.einsum("hbnd,hbmd->hbnm", q, k) / q.shape[-1] ** 0.5
hidden = torch.zeros_like(mask, dtype=scores.dtype).masked_fill(mask.logical_not(), float("-inf"))
weights = torch.softmax(scores + hidden[:, None], dim=-1)
return torch.cat(list(torch.einsum("hbnm,hbmd->hbnd", weights, v)), dim=-1)

# %% [ldm.training_step] by einsum
with torch.no_grad():
    z = autoencoder.encode(x)[0] * scale
pair = torch.stack([z, noise])
z_t = torch.einsum("kb,kb...->b...", torch.stack([alpha, sigma]), pair)
v = torch.einsum("kb,kb...->b...", torch.stack([-sigma, alpha]), pair)
apart = unet(z_t, t, context) - v
return torch.einsum("bchw,bchw->", apart, apart) / apart.numel()

# %% [ldm.text_to_image] one call of the network for both contexts
b = len(prompts)
contexts = pipe.encode([*prompts, *[""] * b])
z = latents if latents is not None else torch.randn(b, 8, 8, 8, generator=generator)
times = pipe.times(num_inference_steps)
weights = torch.tensor([guidance_scale, 1 - guidance_scale])
for t, s in zip(times, times[1:]):
    both = pipe.unet(torch.cat([z, z]), t.repeat(2 * b), contexts).unflatten(0, (2, b))
    z = pipe.step(z, torch.einsum("k,kbchw->bchw", weights, both), t, s)
return torch.einsum("...,->...", 1 + pipe.decode(z / pipe.scale), torch.tensor(0.5))

# %% [ldm.image_to_image] one call of the network for both contexts
b, n = len(prompts), num_inference_steps
contexts = torch.cat([pipe.encode(prompts), pipe.encode([""]).repeat(b, 1, 1)])
times = pipe.times(n)[n - min(n, int(strength * n)):]
z = pipe.add_noise(pipe.encode_image(images * 2 - 1) * pipe.scale, times[0], noise)
weights = torch.tensor([guidance_scale, 1 - guidance_scale])
for t, s in zip(times, times[1:]):
    both = pipe.unet(torch.cat([z, z]), t.repeat(2 * b), contexts).unflatten(0, (2, b))
    z = pipe.step(z, torch.einsum("k,kbchw->bchw", weights, both), t, s)
return torch.einsum("...,->...", 1 + pipe.decode(z / pipe.scale), torch.tensor(0.5))
