# %% [cfg.timesteps] in float64
return torch.linspace(T - 1, 0, num_steps, dtype=torch.float64).round().to(torch.int64)

# %% [cfg.ddim_step] in float64
shape = [-1] + [1] * (x_t.ndim - 1)
x, e, a_t, a_s = x_t.double(), noise_pred.double(), alpha_bar_t.double().view(shape), alpha_bar_s.double().view(shape)
start = x / a_t**0.5 - (1 / a_t - 1) ** 0.5 * e
start = start if clamp is None else torch.clamp(start, min=-clamp, max=clamp)
e = (x / a_t**0.5 - start) / (1 / a_t - 1) ** 0.5
return (a_s**0.5 * start + (1 - a_s) ** 0.5 * e).float()

# %% [cfg.ddim_sample] all times at once, in float64 between the steps
times = timesteps(len(alphas_cumprod), num_steps)
left = alphas_cumprod.double()
state = x_T.double()
for i in range(num_steps):
    t = times[i].repeat(len(x_T))
    noise = model(state.float(), t, model_kwargs).double()
    s_level = left[times[i + 1]] if i + 1 < num_steps else torch.ones((), dtype=torch.float64)
    state = ddim_step(state, noise, left[t], s_level.repeat(len(x_T)))
return state.to(x_T.dtype)

# %% [cfg.classifier_gradient] the log in float64
x = x_t.detach().clone()
x.requires_grad_(True)
with torch.set_grad_enabled(True):
    logits = classifier(x, t).double()
    loss = F.cross_entropy(logits, y, reduction="sum")
    grad, = torch.autograd.grad(loss, [x])
return -grad

# %% [cfg.classifier_guidance] by way of the score, in float64
s = sigma_t.double().view([-1] + [1] * (grad.ndim - 1))
score = -noise_pred.double() / s
return (-s * (score + gamma * grad.double())).float()

# %% [cfg.cfg_forward] in float64
kwargs = {k: v for k, v in model_kwargs.items() if k not in ("cfg_scale", "text_emb")}
cond = self(x, time, {"text_emb": model_kwargs.get("text_emb"), **kwargs}).double()
uncond = self(x, time, kwargs).double()
return (cond + model_kwargs["cfg_scale"] * (cond - uncond)).to(x.dtype)

# %% [cfg.batched_guidance] no wish first, in float64
both = torch.cat([torch.zeros_like(text_emb), text_emb], dim=0)
out = model(torch.cat((x, x), dim=0), torch.cat((time, time), dim=0), {"text_emb": both}).double()
uncond, cond = out[:len(x)], out[len(x):]
return (uncond + (1 + cfg_scale) * (cond - uncond)).to(x.dtype)
