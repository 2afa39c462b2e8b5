# %% [score.langevin_step] in place on a copy
moved = x.clone()
moved.add_(score, alpha=step_size)
moved += torch.tensor(2 * step_size).sqrt() * z
return moved

# %% [score.score_matching_loss] torch.autograd.functional for the diagonal
place = x.detach().clone()
place.requires_grad = True
answer = score_fn(place)
diagonal = []
for i in range(place.size(1)):
    gradient = torch.autograd.grad(outputs=answer[:, i], inputs=place, grad_outputs=torch.ones_like(answer[:, i]),
                                   create_graph=True, retain_graph=True)[0]
    diagonal.append(gradient[:, i])
return torch.mean(torch.sum(torch.stack(diagonal, dim=1), dim=1) + torch.sum(answer * answer, dim=-1) / 2.0)

# %% [score.dsm_loss] while loops over axes
shaped = sigma
while shaped.dim() < x.dim():
    shaped = shaped.unsqueeze(-1)
perturbed = torch.normal(mean=torch.zeros_like(x), std=0.0) + x + noise * shaped
target = torch.div(noise, shaped).neg()
difference = torch.sub(score_fn(perturbed, sigma), target)
return torch.sum(difference * difference) / difference.numel()

# %% [score.sigmas] logspace
return torch.logspace(start=math.log10(sigma_min), end=math.log10(sigma_max), steps=n, base=10.0, dtype=torch.float32)

# %% [score.ncsn_loss] transposed, so that σ stands last
used = sigmas[level]
perturbed = (x.movedim(0, -1) + used * noise.movedim(0, -1)).movedim(-1, 0)
score = score_fn(perturbed, used)
squared = (score.movedim(0, -1) * used + noise.movedim(0, -1)).square()
return squared.mean()

# %% [score.annealed_step_size] the other order
return alpha * (sigma * snr) * (sigma * snr) * 2

# %% [score.to_score] by the mean of the clean data
a, s = alpha, sigma
for _ in range(x_t.dim() - 1):
    a, s = a.unsqueeze(-1), s.unsqueeze(-1)
if kind == "score":
    return prediction.clone()
if kind == "noise":
    x_start = (x_t - s * prediction) / a
elif kind == "v":
    x_start = (a * x_t - s * prediction).div(a.square() + s.square())
else:
    x_start = prediction
return (a * x_start - x_t) / s.square()

# %% [score.convert_prediction] by way of the score
a, s = alpha, sigma
for _ in range(x_t.dim() - 1):
    a, s = a.unsqueeze(-1), s.unsqueeze(-1)
score = to_score(prediction=value, x_t=x_t, alpha=alpha, sigma=sigma, kind=source)
noise = -s * score
x_start = (x_t - s * noise) / a
answers = dict(noise=noise, x_start=x_start, v=torch.mul(a, noise) - torch.mul(s, x_start), score=score)
return answers[target]
