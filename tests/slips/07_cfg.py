# %% [cfg.timesteps] 01 linspace cut off, no round
return torch.linspace(T - 1, 0, num_steps).long()

# %% [cfg.timesteps] 02 from T instead of T-1
return torch.linspace(T, 0, num_steps).round().long()

# %% [cfg.timesteps] 03 range with whole stride (DDIM paper), reversed
return torch.arange(0, T, T // num_steps)[:num_steps].flip(0)

# %% [cfg.timesteps] 04 float dtype
return torch.linspace(T - 1, 0, num_steps).round()

# %% [cfg.timesteps] 05 rising
return torch.linspace(0, T - 1, num_steps).round().long()

# %% [cfg.timesteps] 06 num_steps + 1 numbers, last dropped: 0 missing
return torch.linspace(T - 1, 0, num_steps + 1).round().long()[:-1]

# %% [cfg.timesteps] 07 flip of rising: one step gives 0
return torch.linspace(0, T - 1, num_steps).round().long().flip(0)

# %% [cfg.ddim_step] 08 noise not recomputed after the clamp
a_t, a_s = [a.view(-1, *[1] * (x_t.dim() - 1)) for a in (alpha_bar_t, alpha_bar_s)]
x_start = (x_t - (1 - a_t).sqrt() * noise_pred) / a_t.sqrt()
if clamp is not None:
    x_start = x_start.clamp(-clamp, clamp)
return a_s.sqrt() * x_start + (1 - a_s).sqrt() * noise_pred

# %% [cfg.ddim_step] 09 alpha_bar taken as the amplitude
a_t, a_s = [a.view(-1, *[1] * (x_t.dim() - 1)) for a in (alpha_bar_t, alpha_bar_s)]
x_start = (x_t - (1 - a_t) * noise_pred) / a_t
if clamp is not None:
    x_start = x_start.clamp(-clamp, clamp)
noise = (x_t - a_t * x_start) / (1 - a_t)
return a_s * x_start + (1 - a_s) * noise

# %% [cfg.ddim_step] 10 fresh noise in place of the recomputed
a_t, a_s = [a.view(-1, *[1] * (x_t.dim() - 1)) for a in (alpha_bar_t, alpha_bar_s)]
x_start = (x_t - (1 - a_t).sqrt() * noise_pred) / a_t.sqrt()
if clamp is not None:
    x_start = x_start.clamp(-clamp, clamp)
return a_s.sqrt() * x_start + (1 - a_s).sqrt() * torch.randn_like(x_t)

# %% [cfg.ddim_step] 11 view(-1,1,1,1) for pictures only
a_t, a_s = alpha_bar_t.view(-1, 1, 1, 1), alpha_bar_s.view(-1, 1, 1, 1)
x_start = (x_t - (1 - a_t).sqrt() * noise_pred) / a_t.sqrt()
if clamp is not None:
    x_start = x_start.clamp(-clamp, clamp)
noise = (x_t - a_t.sqrt() * x_start) / (1 - a_t).sqrt()
return a_s.sqrt() * x_start + (1 - a_s).sqrt() * noise

# %% [cfg.ddim_step] 12 noise recomputed with s's alpha_bar
a_t, a_s = [a.view(-1, *[1] * (x_t.dim() - 1)) for a in (alpha_bar_t, alpha_bar_s)]
x_start = (x_t - (1 - a_t).sqrt() * noise_pred) / a_t.sqrt()
if clamp is not None:
    x_start = x_start.clamp(-clamp, clamp)
noise = (x_t - a_s.sqrt() * x_start) / (1 - a_s).sqrt().clamp(min=1e-4)
return a_s.sqrt() * x_start + (1 - a_s).sqrt() * noise

# %% [cfg.ddim_step] 13 clamp to [0, clamp]
a_t, a_s = [a.view(-1, *[1] * (x_t.dim() - 1)) for a in (alpha_bar_t, alpha_bar_s)]
x_start = (x_t - (1 - a_t).sqrt() * noise_pred) / a_t.sqrt()
if clamp is not None:
    x_start = x_start.clamp(0, clamp)
noise = (x_t - a_t.sqrt() * x_start) / (1 - a_t).sqrt()
return a_s.sqrt() * x_start + (1 - a_s).sqrt() * noise

# %% [cfg.ddim_step] 14 clamp argument ignored, always 1
a_t, a_s = [a.view(-1, *[1] * (x_t.dim() - 1)) for a in (alpha_bar_t, alpha_bar_s)]
x_start = ((x_t - (1 - a_t).sqrt() * noise_pred) / a_t.sqrt()).clamp(-1, 1)
noise = (x_t - a_t.sqrt() * x_start) / (1 - a_t).sqrt()
return a_s.sqrt() * x_start + (1 - a_s).sqrt() * noise

# %% [cfg.ddim_step] 15 forgot to divide by sqrt(alpha_bar_t)
a_t, a_s = [a.view(-1, *[1] * (x_t.dim() - 1)) for a in (alpha_bar_t, alpha_bar_s)]
x_start = x_t - (1 - a_t).sqrt() * noise_pred
if clamp is not None:
    x_start = x_start.clamp(-clamp, clamp)
noise = (x_t - a_t.sqrt() * x_start) / (1 - a_t).sqrt()
return a_s.sqrt() * x_start + (1 - a_s).sqrt() * noise

# %% [cfg.ddim_sample] 16 last step to clean data missing
times = timesteps(len(alphas_cumprod), num_steps)
x, b = x_T, len(x_T)
for t, s in zip(times[:-1], times[1:]):
    noise = model(x, t.expand(b), model_kwargs)
    x = ddim_step(x, noise, alphas_cumprod[t].expand(b), alphas_cumprod[s].expand(b))
return x

# %% [cfg.ddim_sample] 17 s = t - 1
times = timesteps(len(alphas_cumprod), num_steps)
x, b = x_T, len(x_T)
for t in times.tolist():
    a_s = alphas_cumprod[t - 1] if t > 0 else torch.tensor(1.0)
    noise = model(x, torch.full((b,), t), model_kwargs)
    x = ddim_step(x, noise, alphas_cumprod[t].expand(b), a_s.expand(b))
return x

# %% [cfg.ddim_sample] 18 the last pair wraps to the first time (roll)
times = timesteps(len(alphas_cumprod), num_steps)
x, b = x_T, len(x_T)
for t, s in zip(times, times.roll(-1)):
    noise = model(x, t.expand(b), model_kwargs)
    x = ddim_step(x, noise, alphas_cumprod[t].expand(b), alphas_cumprod[s].expand(b))
return x

# %% [cfg.ddim_sample] 19 model told the position in the list, not the time
times = timesteps(len(alphas_cumprod), num_steps)
now = alphas_cumprod[times]
then = torch.cat([now[1:], torch.ones(1)])
x, b = x_T, len(x_T)
for i in range(num_steps):
    noise = model(x, torch.full((b,), num_steps - 1 - i), model_kwargs)
    x = ddim_step(x, noise, now[i].expand(b), then[i].expand(b))
return x

# %% [cfg.ddim_sample] 20 model_kwargs forgotten
times = timesteps(len(alphas_cumprod), num_steps)
now = alphas_cumprod[times]
then = torch.cat([now[1:], torch.ones(1)])
x, b = x_T, len(x_T)
for t, a, s in zip(times, now, then):
    x = ddim_step(x, model(x, t.expand(b), {}), a.expand(b), s.expand(b))
return x

# %% [cfg.ddim_sample] 21 moved to [0, 1]
times = timesteps(len(alphas_cumprod), num_steps)
now = alphas_cumprod[times]
then = torch.cat([now[1:], torch.ones(1)])
x, b = x_T, len(x_T)
for t, a, s in zip(times, now, then):
    x = ddim_step(x, model(x, t.expand(b), model_kwargs), a.expand(b), s.expand(b))
return (x + 1) / 2

# %% [cfg.ddim_sample] 22 model always asked at x_T
times = timesteps(len(alphas_cumprod), num_steps)
now = alphas_cumprod[times]
then = torch.cat([now[1:], torch.ones(1)])
x, b = x_T, len(x_T)
for t, a, s in zip(times, now, then):
    x = ddim_step(x, model(x_T, t.expand(b), model_kwargs), a.expand(b), s.expand(b))
return x

# %% [cfg.ddim_sample] 23 kwargs unpacked with **
times = timesteps(len(alphas_cumprod), num_steps)
now = alphas_cumprod[times]
then = torch.cat([now[1:], torch.ones(1)])
x, b = x_T, len(x_T)
for t, a, s in zip(times, now, then):
    x = ddim_step(x, model(x, t.expand(b), **model_kwargs), a.expand(b), s.expand(b))
return x

# %% [cfg.classifier_gradient] 24 mean over the batch
with torch.enable_grad():
    x = x_t.detach().requires_grad_()
    loss = -F.cross_entropy(classifier(x, t), y)
    return torch.autograd.grad(loss, x)[0]

# %% [cfg.classifier_gradient] 25 gradient of the loss: sign
with torch.enable_grad():
    x = x_t.detach().requires_grad_()
    loss = F.cross_entropy(classifier(x, t), y, reduction="sum")
    return torch.autograd.grad(loss, x)[0]

# %% [cfg.classifier_gradient] 26 raw logit, no log_softmax
with torch.enable_grad():
    x = x_t.detach().requires_grad_()
    logits = classifier(x, t)
    return torch.autograd.grad(logits[torch.arange(len(y)), y].sum(), x)[0]

# %% [cfg.classifier_gradient] 27 probability, no log
with torch.enable_grad():
    x = x_t.detach().requires_grad_()
    p = classifier(x, t).softmax(1)
    return torch.autograd.grad(p[torch.arange(len(y)), y].sum(), x)[0]

# %% [cfg.classifier_gradient] 28 enable_grad forgotten
x = x_t.detach().clone().requires_grad_()
log_p = F.log_softmax(classifier(x, t), dim=1)[torch.arange(len(y)), y]
return torch.autograd.grad(log_p.sum(), x)[0]

# %% [cfg.classifier_gradient] 29 requires_grad_ on the caller's x_t, and .grad
with torch.enable_grad():
    x_t.requires_grad_()
    F.log_softmax(classifier(x_t, t), dim=1)[torch.arange(len(y)), y].sum().backward()
return x_t.grad

# %% [cfg.classifier_gradient] 30 [:, y] picks all pairs
with torch.enable_grad():
    x = x_t.detach().requires_grad_()
    log_p = F.log_softmax(classifier(x, t), dim=1)[:, y]
    return torch.autograd.grad(log_p.sum(), x)[0]

# %% [cfg.classifier_guidance] 31 plus sign
sigma = sigma_t.view(-1, *[1] * (noise_pred.dim() - 1))
return noise_pred + gamma * sigma * grad

# %% [cfg.classifier_guidance] 32 sigma forgotten
return noise_pred - gamma * grad

# %% [cfg.classifier_guidance] 33 sigma squared (Dhariwal's mean shift)
sigma = sigma_t.view(-1, *[1] * (noise_pred.dim() - 1))
return noise_pred - gamma * sigma**2 * grad

# %% [cfg.cfg_forward] 34 pops from the caller's dict
w = model_kwargs.pop("cfg_scale")
c = self(x, time, model_kwargs)
u = self(x, time, {**model_kwargs, "text_emb": None})
return (1 + w) * c - w * u

# %% [cfg.cfg_forward] 35 diffusers: u + w (c - u)
kwargs = {k: v for k, v in model_kwargs.items() if k != "cfg_scale"}
w = model_kwargs["cfg_scale"]
c = self(x, time, kwargs)
u = self(x, time, {**kwargs, "text_emb": None})
return u + w * (c - u)

# %% [cfg.cfg_forward] 36 only text_emb handed on, the rest lost
w = model_kwargs["cfg_scale"]
c = self(x, time, {"text_emb": model_kwargs["text_emb"]})
u = self(x, time, {"text_emb": None})
return (1 + w) * c - w * u

# %% [cfg.cfg_forward] 37 no wish by zeros, not by None
kwargs = {k: v for k, v in model_kwargs.items() if k != "cfg_scale"}
w = model_kwargs["cfg_scale"]
c = self(x, time, kwargs)
u = self(x, time, {**kwargs, "text_emb": torch.zeros_like(kwargs["text_emb"])})
return (1 + w) * c - w * u

# %% [cfg.batched_guidance] 38 halves swapped after chunk
emb = torch.cat([torch.zeros_like(text_emb), text_emb])
c, u = model(torch.cat([x, x]), torch.cat([time, time]), {"text_emb": emb}).chunk(2)
return (1 + cfg_scale) * c - cfg_scale * u

# %% [cfg.batched_guidance] 39 interleaved x and time, stacked wishes
emb = torch.cat([text_emb, torch.zeros_like(text_emb)])
out = model(x.repeat_interleave(2, dim=0), time.repeat_interleave(2), {"text_emb": emb})
c, u = out.chunk(2)
return (1 + cfg_scale) * c - cfg_scale * u

# %% [cfg.batched_guidance] 40 two calls of b rows
c = model(x, time, {"text_emb": text_emb})
u = model(x, time, {"text_emb": torch.zeros_like(text_emb)})
return (1 + cfg_scale) * c - cfg_scale * u
