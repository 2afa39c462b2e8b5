# %% [cfg.timesteps] keywords
return torch.round(input=torch.linspace(start=T - 1, end=0, steps=num_steps)).to(dtype=torch.long)

# %% [cfg.ddim_step] a helper inside, keywords
def column(value):
    return torch.reshape(input=value, shape=(len(x_t), *(1 for _ in x_t.shape[1:])))

a_t, a_s = column(value=alpha_bar_t).sqrt(), column(value=alpha_bar_s).sqrt()
s_t, s_s = column(value=1 - alpha_bar_t).sqrt(), column(value=1 - alpha_bar_s).sqrt()
x_start = torch.div(input=torch.sub(x_t, s_t * noise_pred), other=a_t)
if clamp is not None:
    x_start = torch.clamp(input=x_start, min=-clamp, max=clamp)
noise = torch.div(input=x_t - a_t * x_start, other=s_t)
return torch.add(input=a_s * x_start, other=s_s * noise)

# %% [cfg.ddim_sample] keywords
times = timesteps(T=alphas_cumprod.shape[0], num_steps=num_steps)
clean = alphas_cumprod.new_ones(1)
x = x_T
for now, then in zip(alphas_cumprod[times].split(1), torch.cat(tensors=[alphas_cumprod[times[1:]], clean], dim=0).split(1)):
    t, times = times[0], times[1:]
    noise_pred = model(x, torch.full(size=(x.size(0),), fill_value=int(t), dtype=torch.long), model_kwargs=model_kwargs)
    x = ddim_step(x_t=x, noise_pred=noise_pred, alpha_bar_t=now.expand(x.size(0)), alpha_bar_s=then.expand(x.size(0)),
                  clamp=1.0)
return x

# %% [cfg.classifier_gradient] a distribution, backward
with torch.enable_grad():
    x = x_t.clone().detach().requires_grad_(requires_grad=True)
    distribution = torch.distributions.Categorical(logits=classifier(x, t), validate_args=False)
    torch.sum(input=distribution.log_prob(value=y), dim=0).backward(inputs=[x])
return x.grad

# %% [cfg.classifier_guidance] addcmul
sigma = sigma_t[(...,) + (None,) * (noise_pred.dim() - 1)]
return torch.addcmul(input=noise_pred, tensor1=sigma.expand_as(grad), tensor2=grad, value=-gamma)

# %% [cfg.cfg_forward] keywords
scale = model_kwargs.get("cfg_scale")
shut = dict(model_kwargs, cfg_scale=None)
cond = self.forward(x=x, time=time, model_kwargs=shut)
uncond = self.forward(x=x, time=time, model_kwargs={**shut, "text_emb": None})
return torch.add(input=cond, other=cond - uncond, alpha=scale)

# %% [cfg.batched_guidance] keywords
both = {"text_emb": F.pad(input=text_emb, pad=(0, 0, 0, len(text_emb)))}
answers = model(x=torch.cat(tensors=[x, x], dim=0), time=torch.cat(tensors=[time, time], dim=0), model_kwargs=both)
cond, uncond = torch.chunk(input=answers, chunks=2, dim=0)
return torch.lerp(input=uncond, end=cond, weight=1 + cfg_scale)
