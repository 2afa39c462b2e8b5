# %% [flow.interpolate] sample by sample
places, velocities = [], []
for i in range(len(x)):
    share = float(t[i])
    places.append(x[i] * (1 - share) + z[i] * share)
    velocities.append(z[i] - x[i])
return torch.stack(places), torch.stack(velocities)

# %% [flow.loss] sample by sample
total, count = 0.0, 0
for i in range(len(x)):
    x_t, u = interpolate(x, z, t)
    predicted = model(x_t, t, y)
    for p, q in zip(predicted[i].reshape(-1), u[i].reshape(-1)):
        total, count = total + (p - q) ** 2, count + 1
return total / count

# %% [flow.euler_sample] sample by sample, with a clock
samples = []
for one in z:
    x, now, dt = one.unsqueeze(0).clone(), 1.0, 1.0 / num_steps
    for _ in range(num_steps):
        with torch.no_grad():
            x = x - dt * model(x, torch.tensor([now], dtype=z.dtype))
        now -= dt
    samples.append(x[0])
return torch.stack(samples)

# %% [flow.marginal_velocity] place by place, member by member
found = []
for place, time in zip(x_t, t):
    exponents, velocities = [], []
    for member in data:
        exponents.append(-((place - (1 - time) * member) ** 2).sum() / (2 * time * time))
        velocities.append((place - member) / time)
    highest = max(exponents)
    weights = [torch.exp(e - highest) for e in exponents]
    total = sum(weights)
    found.append(sum(w / total * u for w, u in zip(weights, velocities)))
return torch.stack(found)

# %% [flow.logit_normal_t] one after the other
times = torch.empty(n)
for i in range(n):
    logit = torch.randn(()).item() * std + mean
    times[i] = 1 / (1 + math.exp(-logit))
return times

# %% [flow.cfg_velocity] sample by sample
return torch.stack([c + w * (c - u) for c, u in zip(u_cond, u_uncond)])

# %% [flow.straightness] step by step, sample by sample
n, total = path.shape[0] - 1, 0.0
for i in range(n):
    for j in range(path.shape[1]):
        velocity = (path[i, j] - path[i + 1, j]) / (1 / n)
        total += ((path[0, j] - path[n, j] - velocity) ** 2).sum()
return total / (n * path.shape[1])

# %% [flow.reflow_pairs] a loop of its own
x = z.detach().clone()
with torch.no_grad():
    for i in range(num_steps, 0, -1):
        t = torch.ones(len(z), dtype=z.dtype) * i / num_steps
        x -= model(x, t) / num_steps
return x, z

# %% [flow.recover] sample by sample, by a solver
xs, zs = [], []
for i in range(len(x_t)):
    M = torch.stack([torch.stack([a[i], b[i]]), torch.stack([c[i], d[i]])])
    right = torch.stack([x_t[i].reshape(-1), y[i].reshape(-1)])
    solved = torch.linalg.solve(M, right)
    xs.append(solved[0].reshape(x_t[i].shape))
    zs.append(solved[1].reshape(x_t[i].shape))
return torch.stack(xs), torch.stack(zs)
