# %% [ldm.kl_regularised_loss] by torch's loss and distributions
posterior = torch.distributions.Normal(loc=mu, scale=torch.exp(0.5 * logvar))
prior = torch.distributions.Normal(loc=torch.zeros_like(mu), scale=torch.ones_like(mu))
divergence = torch.distributions.kl_divergence(posterior, prior)
return F.l1_loss(input=recon, target=x, reduction="mean") + kl_weight * torch.mean(input=divergence)

# %% [ldm.autoencoder_step] every argument by its name
mu, logvar = autoencoder.encode(x=x)
recon = autoencoder.decode(z=torch.add(input=mu, other=torch.mul(input=torch.exp(input=0.5 * logvar), other=noise)))
first = kl_regularised_loss(recon=recon, x=x, mu=mu, logvar=logvar, kl_weight=kl_weight)
loss_ae = torch.add(input=first, other=F.softplus(input=torch.neg(input=critic(images=recon))).mean(), alpha=adv_weight)
opt_ae.zero_grad(set_to_none=False)
loss_ae.backward(inputs=list(autoencoder.parameters()))
opt_ae.step()
opt_critic.zero_grad(set_to_none=True)
real = torch.mean(input=F.softplus(input=torch.neg(input=critic(images=x))))
fake = torch.mean(input=F.softplus(input=critic(images=recon.detach())))
torch.add(input=real, other=fake).backward()
opt_critic.step()
return loss_ae.item(), real.item() + fake.item()

# %% [ldm.scale_factor] every argument by its name
return torch.reciprocal(input=torch.std(input=latents, dim=(0, 1, 2, 3), correction=1))

# %% [ldm.cross_attention] by torch's own attention
def split(y):
    return torch.unflatten(input=y, dim=-1, sizes=(heads, y.shape[-1] // heads)).transpose(dim0=1, dim1=2)

out = F.scaled_dot_product_attention(query=split(to_q(input=x)), key=split(to_k(input=context)),
                                     value=split(to_v(input=context)), attn_mask=mask[:, None, None, :])
return torch.flatten(input=out.transpose(dim0=1, dim1=2), start_dim=2)

# %% [ldm.training_step] by mse_loss
mu, logvar = autoencoder.encode(x=x)
z = torch.mul(input=mu.detach(), other=scale)
a, s = column(c=alpha, x=z), column(c=sigma, x=z)
said = unet(z_t=torch.add(input=a * z, other=s * noise), t=t, context=context)
return F.mse_loss(input=said, target=torch.sub(input=a * noise, other=s * z), reduction="mean")

# %% [ldm.text_to_image] every argument by its name
cond, uncond = pipe.encode(texts=prompts), pipe.encode(texts=[""] * len(prompts))
z = latents
if z is None:
    z = torch.randn(size=(len(prompts), 8, 8, 8), generator=generator)
times = pipe.times(n=num_inference_steps)
for i in range(num_inference_steps):
    at = times[i].expand(len(prompts))
    v = torch.lerp(input=pipe.unet(z=z, t=at, context=uncond), end=pipe.unet(z=z, t=at, context=cond),
                   weight=float(guidance_scale))
    z = pipe.step(z=z, v=v, t=times[i], s=times[i + 1])
images = pipe.decode(z=torch.div(input=z, other=pipe.scale))
return torch.clamp(input=torch.add(input=images, other=1) * 0.5, min=0, max=1)

# %% [ldm.image_to_image] every argument by its name
cond, uncond = pipe.encode(texts=prompts), pipe.encode(texts=[""] * len(prompts))
first = num_inference_steps - min(int(num_inference_steps * strength), num_inference_steps)
times = pipe.times(n=num_inference_steps)
clean = pipe.encode_image(images=torch.sub(input=2 * images, other=1))
z = pipe.add_noise(z=torch.mul(input=clean, other=pipe.scale), t=times[first], noise=noise)
for i in range(first, num_inference_steps):
    at = times[i].expand(len(prompts))
    v = torch.lerp(input=pipe.unet(z=z, t=at, context=uncond), end=pipe.unet(z=z, t=at, context=cond),
                   weight=float(guidance_scale))
    z = pipe.step(z=z, v=v, t=times[i], s=times[i + 1])
images = pipe.decode(z=torch.div(input=z, other=pipe.scale))
return torch.clamp(input=torch.add(input=images, other=1) * 0.5, min=0, max=1)
