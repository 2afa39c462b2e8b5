# %% [ode.ode_sample] sample by sample, a solve each
carried = []
for one in z:
    def slope(t, y):
        x = torch.tensor(y, dtype=z.dtype).view(1, *one.shape)
        time = torch.tensor([t], dtype=z.dtype)
        f, g = sde.sde(x, time)
        return (f - g**2 / 2 * score_fn(x, time)).reshape(-1).detach().numpy().astype("float64")
    end = solve_ivp(slope, [sde.T, t_min], one.reshape(-1).numpy().astype("float64"), "RK45", rtol=rtol, atol=atol).y.T[-1]
    carried.append(torch.tensor(end, dtype=z.dtype).view(one.shape))
return torch.stack(carried)

# %% [ode.exact_divergence] sample by sample, number by number
found = []
for i in range(len(x)):
    total = 0.0
    for j in range(x[i].numel()):
        with torch.enable_grad():
            one = x[i:i + 1].detach().clone().requires_grad_(True)
            fn(one, t[i:i + 1]).reshape(-1)[j].backward()
        total += one.grad.reshape(-1)[j].item()
    found.append(total)
return torch.tensor(found, dtype=x.dtype)

# %% [ode.hutchinson_divergence] sample by sample
found = []
for i in range(len(x)):
    with torch.enable_grad():
        one = x[i:i + 1].detach().requires_grad_()
        (fn(one, t[i:i + 1]) * probe[i:i + 1]).sum().backward()
    found.append((one.grad * probe[i:i + 1]).sum())
return torch.stack(found)

# %% [ode.likelihood_ode] sample by sample, a solve each
logps, zs, nfe = [], [], 0
for one in x:
    def drift(x_t, time):
        f, g = sde.sde(x_t, time)
        return f - 0.5 * column(g * g, x_t) * score_fn(x_t, time)

    def slope(t, y):
        x_t, time = torch.tensor(y[:-1], dtype=x.dtype).view(1, *one.shape), torch.tensor([t], dtype=x.dtype)
        div = exact_divergence(drift, x_t, time)
        return np.append(drift(x_t, time).detach().numpy().ravel(), float(div))
    solution = solve_ivp(slope, [t_min, sde.T], np.append(one.numpy().ravel(), 0.0), rtol=rtol, atol=atol)
    z = torch.tensor(solution.y[:-1, -1], dtype=x.dtype).view(1, *one.shape)
    zs.append(z[0])
    logps.append(sde.prior_logp(z)[0] + solution.y[-1, -1])
    nfe += solution.nfev
return torch.stack(logps).to(x.dtype), torch.stack(zs), nfe

# %% [ode.bits_per_dim] picture by picture
bits = []
for one in logp:
    nats = -float(one) / dims - math.log((data_range[1] - data_range[0]) / 256)
    bits.append(nats / math.log(2))
return torch.tensor(bits)

# %% [ode.ddim_sigma] level by level
stds = []
for left_t, left_s in zip(alpha_bar_t.tolist(), alpha_bar_s.tolist()):
    beta = 1 - left_t / left_s
    stds.append(eta * math.sqrt((1 - left_s) / (1 - left_t) * beta))
return torch.tensor(stds)

# %% [ode.ddim_step_eta] sample by sample, written out
moved = []
for x, e, left_t, left_s, fresh in zip(x_t, noise_pred, alpha_bar_t, alpha_bar_s, z):
    std = eta * math.sqrt((1 - left_s) / (1 - left_t) * (1 - left_t / left_s))
    start = (x - (1 - left_t) ** 0.5 * e) / left_t**0.5
    moved.append(left_s**0.5 * start + max(1 - left_s - std**2, 0) ** 0.5 * e + std * fresh)
return torch.stack(moved)

# %% [ode.heun_step] sample by sample
ends = []
for i in range(len(x)):
    ends.append(t[i] * 0)
first = drift(x, t)
there = torch.stack([x[i] + (s[i] - t[i]) * first[i] for i in range(len(x))])
second = drift(there, s)
return torch.stack([x[i] + (s[i] - t[i]) * 0.5 * (first[i] + second[i]) for i in range(len(x))])
