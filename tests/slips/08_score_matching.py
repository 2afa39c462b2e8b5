# %% [score.langevin_step] sqrt(h) in place of sqrt(2h)
return x + step_size * score + math.sqrt(step_size) * z

# %% [score.langevin_step] walks downhill, as gradient descent
return x - step_size * score + math.sqrt(2 * step_size) * z

# %% [score.langevin_step] 2 outside of the root
return x + step_size * score + 2 * math.sqrt(step_size) * z

# %% [score.langevin_step] half-step convention h/2 and sqrt(h)
return x + 0.5 * step_size * score + math.sqrt(step_size) * z

# %% [score.langevin_step] x += in place
x += step_size * score + math.sqrt(2 * step_size) * z
return x

# %% [score.score_matching_loss] half forgotten
x = x.detach().clone().requires_grad_(True)
s = score_fn(x)
trace = 0
for i in range(x.shape[1]):
    trace = trace + torch.autograd.grad(s[:, i].sum(), x, create_graph=True)[0][:, i]
return (trace + (s ** 2).sum(dim=1)).mean()

# %% [score.score_matching_loss] no create_graph
x = x.detach().clone().requires_grad_(True)
s = score_fn(x)
trace = 0
for i in range(x.shape[1]):
    trace = trace + torch.autograd.grad(s[:, i].sum(), x, retain_graph=True)[0][:, i]
return (trace + 0.5 * (s ** 2).sum(dim=1)).mean()

# %% [score.score_matching_loss] sums the whole Jacobian
x = x.detach().clone().requires_grad_(True)
s = score_fn(x)
grad, = torch.autograd.grad(s.sum(), x, create_graph=True)
return (grad.sum(dim=1) + 0.5 * (s ** 2).sum(dim=1)).mean()

# %% [score.score_matching_loss] squared norm as a mean over coordinates
x = x.detach().clone().requires_grad_(True)
s = score_fn(x)
trace = 0
for i in range(x.shape[1]):
    trace = trace + torch.autograd.grad(s[:, i].sum(), x, create_graph=True)[0][:, i]
return (trace + 0.5 * (s ** 2).mean(dim=1)).mean()

# %% [score.score_matching_loss] requires_grad_ on the data itself
x.requires_grad_(True)
s = score_fn(x)
trace = 0
for i in range(x.shape[1]):
    trace = trace + torch.autograd.grad(s[:, i].sum(), x, create_graph=True)[0][:, i]
return (trace + 0.5 * (s ** 2).sum(dim=1)).mean()

# %% [score.score_matching_loss] norm not squared
x = x.detach().clone().requires_grad_(True)
s = score_fn(x)
trace = 0
for i in range(x.shape[1]):
    trace = trace + torch.autograd.grad(s[:, i].sum(), x, create_graph=True)[0][:, i]
return (trace + 0.5 * s.norm(dim=1)).mean()

# %% [score.score_matching_loss] sum over the points
x = x.detach().clone().requires_grad_(True)
s = score_fn(x)
trace = 0
for i in range(x.shape[1]):
    trace = trace + torch.autograd.grad(s[:, i].sum(), x, create_graph=True)[0][:, i]
return (trace + 0.5 * (s ** 2).sum(dim=1)).sum()

# %% [score.dsm_loss] target without the minus
s = sigma.view(-1, *[1] * (x.ndim - 1))
noisy = x + s * noise
target = noise / s
return ((score_fn(noisy, sigma) - target) ** 2).mean()

# %% [score.dsm_loss] predicts minus noise, no sigma
s = sigma.view(-1, *[1] * (x.ndim - 1))
noisy = x + s * noise
target = -noise
return ((score_fn(noisy, sigma) - target) ** 2).mean()

# %% [score.dsm_loss] target over sigma squared
s = sigma.view(-1, *[1] * (x.ndim - 1))
noisy = x + s * noise
target = -noise / s ** 2
return ((score_fn(noisy, sigma) - target) ** 2).mean()

# %% [score.dsm_loss] squares summed over dimensions
s = sigma.view(-1, *[1] * (x.ndim - 1))
noisy = x + s * noise
target = -noise / s
return ((score_fn(noisy, sigma) - target) ** 2).flatten(1).sum(1).mean()

# %% [score.dsm_loss] score asked at the clean data
s = sigma.view(-1, *[1] * (x.ndim - 1))
noisy = x + s * noise
target = -noise / s
return ((score_fn(x, sigma) - target) ** 2).mean()

# %% [score.dsm_loss] sigma weighted already
s = sigma.view(-1, *[1] * (x.ndim - 1))
noisy = x + s * noise
target = -noise / s
return (s ** 2 * (score_fn(noisy, sigma) - target) ** 2).mean()

# %% [score.sigmas] linspace
return torch.linspace(sigma_min, sigma_max, n)

# %% [score.sigmas] logspace with natural logs and base 10
return torch.logspace(math.log(sigma_min), math.log(sigma_max), n)

# %% [score.sigmas] exponents i/n, the largest left out
return sigma_min * (sigma_max / sigma_min) ** (torch.arange(n) / n)

# %% [score.sigmas] descending, as NCSN has it
return torch.logspace(math.log10(sigma_max), math.log10(sigma_min), n)

# %% [score.sigmas] numpy geomspace, float64
import numpy as np
return torch.from_numpy(np.geomspace(sigma_min, sigma_max, n))

# %% [score.ncsn_loss] no weight
sigma = sigmas[level]
s = sigma.view(-1, *[1] * (x.ndim - 1))
target = -noise / s
return ((score_fn(x + s * noise, sigma) - target) ** 2).mean()

# %% [score.ncsn_loss] weight sigma
sigma = sigmas[level]
s = sigma.view(-1, *[1] * (x.ndim - 1))
target = -noise / s
return (s * (score_fn(x + s * noise, sigma) - target) ** 2).mean()

# %% [score.ncsn_loss] mean weight outside of the mean
sigma = sigmas[level]
s = sigma.view(-1, *[1] * (x.ndim - 1))
target = -noise / s
return (s ** 2).mean() * ((score_fn(x + s * noise, sigma) - target) ** 2).mean()

# %% [score.ncsn_loss] network told the index
sigma = sigmas[level]
s = sigma.view(-1, *[1] * (x.ndim - 1))
target = -noise / s
return (s ** 2 * (score_fn(x + s * noise, level) - target) ** 2).mean()

# %% [score.ncsn_loss] weight squared twice: inside of the square
sigma = sigmas[level]
s = sigma.view(-1, *[1] * (x.ndim - 1))
target = -noise / s
return ((s ** 2 * (score_fn(x + s * noise, sigma) - target)) ** 2).mean()

# %% [score.annealed_step_size] snr not squared
return 2 * snr * sigma ** 2 * alpha

# %% [score.annealed_step_size] 2 inside of the square
return (2 * snr * sigma) ** 2 * alpha

# %% [score.annealed_step_size] alpha inside of the square
return 2 * (snr * sigma * alpha) ** 2

# %% [score.to_score] minus forgotten
shape = (-1,) + (1,) * (x_t.ndim - 1)
a, s = alpha.reshape(shape), sigma.reshape(shape)
if kind == "score":
    return prediction
if kind == "noise":
    noise = prediction
elif kind == "x_start":
    noise = (x_t - a * prediction) / s
elif kind == "v":
    noise = (s * x_t + a * prediction) / (a ** 2 + s ** 2)
return noise / s

# %% [score.to_score] v on the unit circle only
shape = (-1,) + (1,) * (x_t.ndim - 1)
a, s = alpha.reshape(shape), sigma.reshape(shape)
if kind == "score":
    return prediction
if kind == "noise":
    noise = prediction
elif kind == "x_start":
    noise = (x_t - a * prediction) / s
elif kind == "v":
    noise = (s * x_t + a * prediction)
return -noise / s

# %% [score.to_score] x_start without alpha
shape = (-1,) + (1,) * (x_t.ndim - 1)
a, s = alpha.reshape(shape), sigma.reshape(shape)
if kind == "score":
    return prediction
if kind == "noise":
    noise = prediction
elif kind == "x_start":
    noise = (x_t - prediction) / s
elif kind == "v":
    noise = (s * x_t + a * prediction) / (a ** 2 + s ** 2)
return -noise / s

# %% [score.to_score] broadcast with [:, None] only
a, s = alpha[:, None], sigma[:, None]
if kind == "score":
    return prediction
if kind == "noise":
    noise = prediction
elif kind == "x_start":
    noise = (x_t - a * prediction) / s
elif kind == "v":
    noise = (s * x_t + a * prediction) / (a ** 2 + s ** 2)
return -noise / s

# %% [score.convert_prediction] v on the unit circle only
shape = (-1,) + (1,) * (x_t.ndim - 1)
a, s = alpha.reshape(shape), sigma.reshape(shape)
if source == "x_start":
    noise = (x_t - a * value) / s
elif source == "score":
    noise = -s * value
elif source == "v":
    noise = (s * x_t + a * value)
else:
    noise = value
x_start = (x_t - s * noise) / a
if target == "x_start":
    return x_start
if target == "score":
    return -noise / s
if target == "v":
    return a * noise - s * x_start
return noise

# %% [score.convert_prediction] score to noise without the minus
shape = (-1,) + (1,) * (x_t.ndim - 1)
a, s = alpha.reshape(shape), sigma.reshape(shape)
if source == "x_start":
    noise = (x_t - a * value) / s
elif source == "score":
    noise = s * value
elif source == "v":
    noise = (s * x_t + a * value) / (a ** 2 + s ** 2)
else:
    noise = value
x_start = (x_t - s * noise) / a
if target == "x_start":
    return x_start
if target == "score":
    return -noise / s
if target == "v":
    return a * noise - s * x_start
return noise

# %% [score.convert_prediction] v target with alpha and sigma swapped
shape = (-1,) + (1,) * (x_t.ndim - 1)
a, s = alpha.reshape(shape), sigma.reshape(shape)
if source == "x_start":
    noise = (x_t - a * value) / s
elif source == "score":
    noise = -s * value
elif source == "v":
    noise = (s * x_t + a * value) / (a ** 2 + s ** 2)
else:
    noise = value
x_start = (x_t - s * noise) / a
if target == "x_start":
    return x_start
if target == "score":
    return -noise / s
if target == "v":
    return s * noise - a * x_start
return noise

# %% [score.convert_prediction] x_start not divided by alpha
shape = (-1,) + (1,) * (x_t.ndim - 1)
a, s = alpha.reshape(shape), sigma.reshape(shape)
if source == "x_start":
    noise = (x_t - a * value) / s
elif source == "score":
    noise = -s * value
elif source == "v":
    noise = (s * x_t + a * value) / (a ** 2 + s ** 2)
else:
    noise = value
x_start = x_t - s * noise
if target == "x_start":
    return x_start
if target == "score":
    return -noise / s
if target == "v":
    return a * noise - s * x_start
return noise

# %% [score.convert_prediction] target score multiplied by sigma
shape = (-1,) + (1,) * (x_t.ndim - 1)
a, s = alpha.reshape(shape), sigma.reshape(shape)
if source == "x_start":
    noise = (x_t - a * value) / s
elif source == "score":
    noise = -s * value
elif source == "v":
    noise = (s * x_t + a * value) / (a ** 2 + s ** 2)
else:
    noise = value
x_start = (x_t - s * noise) / a
if target == "x_start":
    return x_start
if target == "score":
    return -noise * s
if target == "v":
    return a * noise - s * x_start
return noise
