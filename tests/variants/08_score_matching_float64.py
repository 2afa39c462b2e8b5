# %% [score.langevin_step] in double precision
x, score, z = x.double(), score.double(), z.double()
return x.add(score, alpha=step_size).add(z, alpha=(2 * step_size) ** 0.5)

# %% [score.score_matching_loss] a vector–Jacobian product for each coordinate
with torch.enable_grad():
    place = x.clone().requires_grad_(True)
    score = score_fn(place)
    directions = torch.eye(x.shape[1]).to(x)
    columns = [torch.autograd.grad(score, place, direction.expand_as(score), create_graph=True)[0] @ direction
               for direction in directions]
    losses = torch.stack(columns).sum(0).double() + 0.5 * score.double().norm(dim=1) ** 2
return losses.mean()

# %% [score.dsm_loss] in double precision at the end
s = sigma.view(sigma.shape + (1,) * (x.ndim - 1))
x_tilde = torch.addcmul(x, s, noise)
target = -(x_tilde - x).double() / s.double() ** 2
return (score_fn(x_tilde, sigma).double() - target).pow(2).mean()

# %% [score.sigmas] in double precision
i = torch.arange(n, dtype=torch.float64) / (n - 1)
return (sigma_min ** (1 - i) * sigma_max**i).float()

# %% [score.ncsn_loss] in double precision at the end
sigma = sigmas.index_select(0, level)
s = sigma.view(-1, *(1 for _ in x.shape[1:]))
difference = score_fn(x + s * noise, sigma).double() + noise.double() / s.double()
return torch.mean(s.double() ** 2 * difference**2)

# %% [score.annealed_step_size] in logarithms
return torch.exp(math.log(2) + 2 * math.log(snr) + 2 * torch.as_tensor(sigma).double().log()
                 + torch.as_tensor(alpha).double().log())

# %% [score.to_score] in double precision
x_t, prediction = x_t.double(), prediction.double()
a, s = (c.double().view(-1, *[1] * (x_t.ndim - 1)) for c in (alpha, sigma))
match kind:
    case "score":
        return prediction
    case "noise":
        return -prediction / s
    case "x_start":
        return -(x_t - a * prediction) / s**2
    case "v":
        start = (a * x_t - s * prediction) / (a**2 + s**2)
        return -(x_t - a * start) / s**2

# %% [score.convert_prediction] all sixteen
a, s = (c.double().view(-1, *[1] * (x_t.ndim - 1)) for c in (alpha, sigma))
x, y, n2 = x_t.double(), value.double(), a**2 + s**2
if source == target:
    return y
table = {("noise", "x_start"): (x - s * y) / a, ("noise", "v"): a * y - s * (x - s * y) / a, ("noise", "score"): -y / s,
         ("x_start", "noise"): (x - a * y) / s, ("x_start", "v"): a * (x - a * y) / s - s * y,
         ("x_start", "score"): (a * y - x) / s**2, ("v", "noise"): (s * x + a * y) / n2,
         ("v", "x_start"): (a * x - s * y) / n2, ("v", "score"): -(x + a * y / s) / n2, ("score", "noise"): -s * y,
         ("score", "x_start"): (x + s**2 * y) / a, ("score", "v"): -a * s * y - s * (x + s**2 * y) / a}
return table[source, target]
