# %% [score.langevin_step] normal draws as a distribution
stay = torch.distributions.Normal(x + step_size * score, (2 * step_size) ** 0.5)
return stay.loc + stay.scale * z

# %% [score.score_matching_loss] the whole Jacobian by torch.func
jacobian = torch.func.vmap(torch.func.jacrev(lambda point: score_fn(point[None])[0]))(x)  # (b, d, d)
return (torch.einsum("bii->b", jacobian) + torch.einsum("bi,bi->b", score_fn(x), score_fn(x)) / 2).mean()

# %% [score.dsm_loss] axes of length 1 by view_as, F.mse_loss
axes = "b, b... -> b..."
noisy = x + torch.einsum(axes, sigma, noise)
return torch.nn.functional.mse_loss(score_fn(noisy, sigma), torch.einsum(axes, -1 / sigma, noise))

# %% [score.sigmas] numpy
import numpy as np
return torch.from_numpy(np.geomspace(sigma_min, sigma_max, n).astype(np.float32))

# %% [score.ncsn_loss] as noise prediction
sigma = sigmas.gather(0, level)
predicted = -torch.einsum("b, b... -> b...", sigma, score_fn(x + torch.einsum("b, b... -> b...", sigma, noise), sigma))
return torch.nn.functional.mse_loss(predicted, noise)

# %% [score.annealed_step_size] the root squared
return (snr * sigma * (2 * alpha) ** 0.5) ** 2

# %% [score.to_score] by convert_prediction
return convert_prediction(prediction, x_t, alpha, sigma, kind, "score")

# %% [score.convert_prediction] two weights
sources = {"noise": (0 * sigma, 1 + 0 * sigma), "x_start": (1 + 0 * sigma, 0 * sigma), "v": (-sigma, alpha),
           "score": (0 * sigma, -1 / sigma)}
(c, d), (to_c, to_d) = sources[source], sources[target]
determinant = alpha * d - sigma * c
first, second = (to_c * d - to_d * c) / determinant, (to_d * alpha - to_c * sigma) / determinant
return torch.einsum("b, b... -> b...", first, x_t) + torch.einsum("b, b... -> b...", second, value)
