# %% [score.langevin_step] walker by walker
moved = []
for place, direction, kick in zip(x, score, z):
    moved.append(place + direction * step_size + kick * (2.0 * step_size) ** 0.5)
return torch.stack(moved)

# %% [score.score_matching_loss] point by point, coordinate by coordinate
total = 0.0
for point in x:
    place = point.clone().unsqueeze(0).requires_grad_(True)
    score = score_fn(place)
    for i in range(len(point)):
        derivative, = torch.autograd.grad(score[0, i], place, create_graph=True)
        total = total + derivative[0, i] + 0.5 * score[0, i] ** 2
return total / len(x)

# %% [score.dsm_loss] sample by sample
losses = []
for i in range(len(x)):
    noisy = x[i:i + 1] + sigma[i] * noise[i:i + 1]
    score = score_fn(noisy, sigma[i:i + 1])
    losses.append(((score - (x[i:i + 1] - noisy) / sigma[i] ** 2) ** 2).mean())
return sum(losses) / len(losses)

# %% [score.sigmas] times the same factor
factor = (sigma_max / sigma_min) ** (1 / (n - 1))
levels = [sigma_min]
for _ in range(n - 1):
    levels.append(levels[-1] * factor)
return torch.tensor(levels)

# %% [score.ncsn_loss] sample by sample
total = 0.0
for i, k in enumerate(level.tolist()):
    s = sigmas[k]
    score = score_fn(x[i:i + 1] + s * noise[i:i + 1], s.reshape(1))
    total = total + s**2 * (score + noise[i:i + 1] / s).pow(2).mean()
return total / len(x)

# %% [score.annealed_step_size] factor by factor
h = 2 * alpha
for _ in range(2):
    h = h * snr * sigma
return h

# %% [score.to_score] sample by sample
scores = []
for p, x, a, s in zip(prediction, x_t, alpha, sigma):
    if kind == "score":
        scores.append(p)
    elif kind == "noise":
        scores.append(-p / s)
    elif kind == "x_start":
        scores.append((a * p - x) / s**2)
    elif kind == "v":
        scores.append(-(s * x + a * p) / (s * (a * a + s * s)))
return torch.stack(scores)

# %% [score.convert_prediction] sample by sample, by a system of equations
rows = {"noise": lambda a, s: (0.0, 1.0), "x_start": lambda a, s: (1.0, 0.0), "v": lambda a, s: (-s, a),
        "score": lambda a, s: (0.0, -1 / s)}
converted = []
for one, x, a, s in zip(value, x_t, alpha.tolist(), sigma.tolist()):
    system = torch.tensor([[a, s], rows[source](a, s)], dtype=one.dtype)
    pair = torch.linalg.solve(system, torch.stack([x.flatten(), one.flatten()]))
    c, d = rows[target](a, s)
    converted.append((c * pair[0] + d * pair[1]).reshape(x.shape))
return torch.stack(converted)
