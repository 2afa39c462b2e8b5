# %% [cfg.timesteps] a reversed arange, by whole numbers alone
last, n = T - 1, max(num_steps - 1, 1)
return (last - (2 * last * torch.arange(num_steps) + n).div(2 * n, rounding_mode="floor")).to(torch.int64)

# %% [cfg.ddim_step] one matrix for both unknowns
b = len(x_t)
x, e = x_t.reshape(b, -1), noise_pred.reshape(b, -1)
a_t, s_t = torch.sqrt(alpha_bar_t), torch.sqrt(1 - alpha_bar_t)
a_s, s_s = torch.sqrt(alpha_bar_s), torch.sqrt(1 - alpha_bar_s)
start = torch.einsum("bi,b->bi", x - torch.einsum("bi,b->bi", e, s_t), 1 / a_t)
if clamp is not None:
    start = torch.clip(start, -clamp, clamp)
ratio = s_s / s_t
return (torch.einsum("bi,b->bi", x, ratio) + torch.einsum("bi,b->bi", start, a_s - ratio * a_t)).reshape(x_t.shape)

# %% [cfg.ddim_sample] a table with clean data in front
levels = F.pad(alphas_cumprod, (1, 0), value=1.0)
visited = timesteps(alphas_cumprod.numel(), num_steps) + 1
following = F.pad(visited[1:], (0, 1))
state = x_T.clone()
for here, there in torch.stack([visited, following], dim=1).tolist():
    t = torch.full((state.shape[0],), here - 1, dtype=torch.int64)
    e = model(state, t, model_kwargs)
    state = ddim_step(state, e, levels[here].repeat(len(t)), levels[there].repeat(len(t)), clamp=1.0)
return state

# %% [cfg.classifier_gradient] a vector-Jacobian product
ones = torch.ones(len(y))
with torch.enable_grad():
    def own_log_prob(x):
        logits = classifier(x, t)
        return torch.einsum("bk,bk->b", logits, F.one_hot(y, logits.shape[1]).to(logits)) - logits.logsumexp(dim=1)

    _, grad = torch.autograd.functional.vjp(own_log_prob, x_t, ones)
return grad

# %% [cfg.classifier_guidance] einsum
b = len(noise_pred)
return noise_pred.sub(torch.einsum("b,bi->bi", gamma * sigma_t, grad.reshape(b, -1)).reshape(noise_pred.shape))

# %% [cfg.cfg_forward] lerp, and zeros for no wish
kwargs = dict(model_kwargs)
w = kwargs.pop("cfg_scale")
wish = kwargs.pop("text_emb", None)
nothing = None if wish is None else torch.zeros_like(wish)
cond, uncond = (self(x, time, dict(kwargs, text_emb=emb)) for emb in (wish, nothing))
return torch.lerp(uncond, cond, 1.0 + w)

# %% [cfg.batched_guidance] weights over an axis of two
pairs = torch.stack([text_emb, text_emb * 0])  # (2, b, condition_dim)
answers = model(x.expand(2, *x.shape).flatten(0, 1), time.repeat(2), {"text_emb": pairs.flatten(0, 1)})
weights = torch.tensor([1 + cfg_scale, -cfg_scale])
return torch.einsum("kbi,k->bi", answers.reshape(2, len(x), -1), weights).reshape(x.shape)
