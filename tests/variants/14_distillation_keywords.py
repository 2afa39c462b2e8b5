# %% [distill.progressive_target] keywords and torch's functions
shape = (z_t.shape[0],) + (1,) * (z_t.dim() - 1)
a, b, c = [torch.reshape(input=alpha, shape=shape) for alpha in alphas]
p, q, r = [torch.reshape(input=sigma, shape=shape) for sigma in sigmas]
with torch.set_grad_enabled(False):
    first = teacher(z_t, times[0])
    noise = torch.div(input=torch.sub(z_t, a * first), other=p)
    between = torch.add(input=b * first, other=q * noise)
    second = teacher(between, times[1])
    noise = torch.div(input=torch.sub(between, b * second), other=q)
    landed = torch.add(input=c * second, other=r * noise)
    return torch.div(input=p * landed - r * z_t, other=p * c - r * a)

# %% [distill.guidance_target] by lerp
with torch.inference_mode(mode=False), torch.no_grad():
    return torch.lerp(input=teacher(x_t, t, None), end=teacher(x_t, t, y), weight=column(c=1 + w, x=x_t))

# %% [distill.consistency_parametrisation] keywords and torch's functions
late = torch.sub(input=t, other=t_min)
skip = torch.reciprocal(torch.square(late / sigma_data) + 1)
out = sigma_data * late * torch.rsqrt(torch.square(t) + sigma_data * sigma_data)
return torch.add(input=torch.mul(column(c=skip, x=x), x), other=torch.mul(column(c=out, x=x), F))

# %% [distill.consistency_loss] by mse_loss
wanted = target(torch.addcmul(input=x, tensor1=column(c=t_next, x=x), tensor2=noise), t_next)
said = student(torch.addcmul(input=x, tensor1=column(c=t, x=x), tensor2=noise), t)
return torch.nn.functional.mse_loss(input=said, target=wanted.detach(), reduction="mean")

# %% [distill.multistep_consistency_sample] keywords, from the second evaluation on in a comprehension's order
b, answer = x_T.shape[0], f(x_T, torch.full(size=(x_T.shape[0],), fill_value=float(times[0]), dtype=times.dtype))
for step in range(1, times.shape[0]):
    added = torch.sqrt(torch.sub(input=torch.square(times[step]), other=t_min**2))
    noised = torch.add(input=answer, other=torch.mul(input=noises[step - 1], other=added))
    answer = f(noised, times[step].reshape(1).expand(b))
return answer
