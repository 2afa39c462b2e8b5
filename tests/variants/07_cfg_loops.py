# %% [cfg.timesteps] a loop over Python's numbers
times = []
for i in range(num_steps):
    share = i / (num_steps - 1) if num_steps > 1 else 0.0
    times.append(int((T - 1) * (1 - share) + 0.5))
return torch.tensor(times, dtype=torch.int64)

# %% [cfg.ddim_step] sample by sample
moved = []
for x, e, left_t, left_s in zip(x_t, noise_pred, alpha_bar_t, alpha_bar_s):
    start = (x - (1 - left_t) ** 0.5 * e) / left_t**0.5
    if clamp is not None:
        start = torch.minimum(torch.maximum(start, torch.tensor(-clamp)), torch.tensor(clamp))
    e = (x - left_t**0.5 * start) / (1 - left_t) ** 0.5
    moved.append(left_s**0.5 * start + (1 - left_s) ** 0.5 * e)
return torch.stack(moved)

# %% [cfg.ddim_sample] everything written out
T, b = len(alphas_cumprod), len(x_T)
x = x_T
for i in range(num_steps):
    t = round((T - 1) * (num_steps - 1 - i) / (num_steps - 1)) if num_steps > 1 else T - 1
    left = alphas_cumprod[t]
    noise_pred = model(x, torch.tensor([t] * b), model_kwargs)
    start = ((x - (1 - left).sqrt() * noise_pred) / left.sqrt()).clamp(-1, 1)
    noise_pred = (x - left.sqrt() * start) / (1 - left).sqrt()
    if i == num_steps - 1:
        x = start
    else:
        s = round((T - 1) * (num_steps - 2 - i) / (num_steps - 1))
        x = alphas_cumprod[s].sqrt() * start + (1 - alphas_cumprod[s]).sqrt() * noise_pred
return x

# %% [cfg.classifier_gradient] sample by sample
grads = []
for i in range(len(x_t)):
    with torch.enable_grad():
        one = x_t[i:i + 1].detach().clone().requires_grad_()
        log_prob = torch.log(torch.softmax(classifier(one, t[i:i + 1]), dim=-1))[0, int(y[i])]
        grads.append(torch.autograd.grad(log_prob, one)[0][0])
return torch.stack(grads)

# %% [cfg.classifier_guidance] sample by sample
guided = torch.empty_like(noise_pred)
for i in range(len(noise_pred)):
    guided[i] = noise_pred[i] - sigma_t[i] * gamma * grad[i]
return guided

# %% [cfg.cfg_forward] key by key
cond_kwargs, uncond_kwargs = {}, {}
for key in model_kwargs:
    if key == "cfg_scale":
        continue
    cond_kwargs[key] = model_kwargs[key]
    uncond_kwargs[key] = None if key == "text_emb" else model_kwargs[key]
cond = self(x, time, cond_kwargs)
uncond = self(x, time, uncond_kwargs)
out = cond.clone()
out += model_kwargs["cfg_scale"] * (cond - uncond)
return out

# %% [cfg.batched_guidance] pairs of rows
rows, times, wishes = [], [], []
for one, t, wish in zip(x, time, text_emb):
    rows += [one, one]
    times += [t, t]
    wishes += [wish, torch.zeros_like(wish)]
answers = model(torch.stack(rows), torch.stack(times), {"text_emb": torch.stack(wishes)})
return (1 + cfg_scale) * answers[0::2] - cfg_scale * answers[1::2]
