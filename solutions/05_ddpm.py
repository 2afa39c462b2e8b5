# %% tags=["setup"]
import math

import torch
import torch.nn.functional as F
from torch import nn

from course_utils.check import Unfinished, check, method_of

TRAIN = False  # True: train the digits' network here instead of loading the shipped one (about an hour on two cores)


# %% task="ddpm.cosine_beta_schedule"
def cosine_beta_schedule(timesteps, s=0.008):
    """The cosine schedule, eq. (6).

    Args:
        timesteps: T, the number of steps.
        s: A small offset, so that the first steps are not too small.

    Returns:
        betas: (T,) float64 in (0, 0.999]; index 0 is the first step.
    """
    ####################################################################
    # TODO: compute beta from the wanted alpha_bar. About 4 lines.     #
    # 1. u = 0, 1/T, ..., 1: T + 1 points, in torch.float64.           #
    # 2. f(u), the squared cosine of eq. (6).                          #
    # 3. beta_t = 1 - f(u_t) / f(u_{t-1}), eq. (7): T values.          #
    # 4. No beta above 0.999.                                          #
    ####################################################################
    ### BEGIN SOLUTION
    u = torch.linspace(0, 1, timesteps + 1, dtype=torch.float64)
    f = torch.cos((u + s) / (1 + s) * math.pi / 2) ** 2
    return (1 - f[1:] / f[:-1]).clamp(0, 0.999)
    ### END SOLUTION
    ####################################################################
    #                       END OF YOUR CODE                           #
    ####################################################################


# %% tags=["setup"]
def linear_beta_schedule(timesteps):
    """1e-4 to 0.02 for T = 1000 (Ho et al. 2020), scaled by 1000 / T so that a shorter chain ends in noise too."""
    scale = 1000 / timesteps
    return torch.linspace(1e-4 * scale, 0.02 * scale, timesteps, dtype=torch.float64).clamp(0, 0.999)


def sigmoid_beta_schedule(timesteps, start=-3, end=3, tau=1, clamp_min=1e-5):
    """alpha_bar falls like a sigmoid from start to end (Jabri et al. 2022)."""
    u = torch.linspace(0, 1, timesteps + 1, dtype=torch.float64)
    first, last = torch.tensor([start / tau, end / tau], dtype=torch.float64).sigmoid()
    alphas_cumprod = (last - ((u * (end - start) + start) / tau).sigmoid()) / (last - first)
    alphas_cumprod = alphas_cumprod.clamp_min(clamp_min)
    return (1 - alphas_cumprod[1:] / alphas_cumprod[:-1]).clamp(0, 0.999)


def get_beta_schedule(name, timesteps):
    """betas (T,) in float64 of the schedule "linear", "cosine" or "sigmoid"."""
    schedules = {"linear": linear_beta_schedule, "cosine": cosine_beta_schedule, "sigmoid": sigmoid_beta_schedule}
    if name not in schedules:
        raise ValueError(f"There is no schedule {name!r}; there are: {', '.join(schedules)}.")
    return schedules[name](timesteps)


# %% task="ddpm.extract"
def extract(a, t, x_shape):
    """Each sample's own number from a table over t, shaped so that it multiplies data of x_shape.

    Args:
        a: (T,) table, such as sqrt_alphas_cumprod.
        t: (b,) int64 indices.
        x_shape: Shape of the data, (b, *): images (b, c, h, w), points (b, 2), or of any other rank.

    Returns:
        (b, 1, ..., 1) with as many axes as x_shape: entry i is a[t[i]].
    """
    ####################################################################
    # TODO: look up and reshape. About 1 line.                         #
    # 1. Take a at every index of t.                                   #
    # 2. Append len(x_shape) - 1 axes of length 1, however many.       #
    ####################################################################
    ### BEGIN SOLUTION
    return a.gather(0, t).reshape(len(t), *[1] * (len(x_shape) - 1))
    ### END SOLUTION
    ####################################################################
    #                       END OF YOUR CODE                           #
    ####################################################################


# %% tags=["setup"]
class GaussianDiffusion(nn.Module):
    """The chain of eq. (1) around a network: tables here, methods in the cells below.

    Args:
        model: Called as model(x_t (b, *), t (b,), model_kwargs) -> (b, *).
        image_size: Height and width of what `sample` draws.
        timesteps: T.
        objective: What the network predicts: "pred_noise" or "pred_x_start".
        beta_schedule: "linear", "cosine" or "sigmoid".
    """

    def __init__(self, model, *, image_size, timesteps=1000, objective="pred_noise", beta_schedule="sigmoid"):
        super().__init__()
        if objective not in {"pred_noise", "pred_x_start"}:
            raise ValueError(f'objective is "pred_noise" or "pred_x_start", not {objective!r}.')
        self.model, self.image_size, self.num_timesteps, self.objective = model, image_size, timesteps, objective
        self.channels = 3

        betas = get_beta_schedule(beta_schedule, timesteps)  # (T,), as all the tables below
        alphas = 1 - betas
        alphas_cumprod = alphas.cumprod(0)
        alphas_cumprod_prev = F.pad(alphas_cumprod[:-1], (1, 0), value=1.0)  # before the first step nothing is lost
        posterior_variance = betas * (1 - alphas_cumprod_prev) / (1 - alphas_cumprod)
        snr = alphas_cumprod / (1 - alphas_cumprod)
        tables = {
            "betas": betas,
            "alphas": alphas,
            "alphas_cumprod": alphas_cumprod,
            "sqrt_alphas_cumprod": alphas_cumprod.sqrt(),
            "sqrt_one_minus_alphas_cumprod": (1 - alphas_cumprod).sqrt(),
            "posterior_mean_coef1": alphas_cumprod_prev.sqrt() * betas / (1 - alphas_cumprod),
            "posterior_mean_coef2": alphas.sqrt() * (1 - alphas_cumprod_prev) / (1 - alphas_cumprod),
            "posterior_std": posterior_variance.clamp_min(1e-20).sqrt(),  # 0 at t = 0; the clamp keeps its log finite
            "loss_weight": snr if objective == "pred_x_start" else torch.ones_like(betas),
        }
        for name, table in tables.items():  # computed in float64, used in float32
            self.register_buffer(name, table.float())

    def normalize(self, img):
        """[0, 1] to [-1, 1]."""
        return 2 * img - 1

    def unnormalize(self, img):
        """[-1, 1] to [0, 1]."""
        return (img + 1) / 2

    @torch.no_grad()
    def sample(self, batch_size=16, return_all_timesteps=False, model_kwargs={}):
        """New images (b, c, h, w) in [0, 1] by T calls of p_sample; with return_all_timesteps (b, T + 1, c, h, w)."""
        was_training = self.model.training
        self.model.eval()
        x_t = torch.randn(batch_size, self.channels, self.image_size, self.image_size, device=self.betas.device)
        steps = [x_t]
        for t in reversed(range(self.num_timesteps)):
            x_t = self.p_sample(x_t, t, dict(model_kwargs))  # a copy for every step: nobody can change the caller's
            steps.append(x_t)
        self.model.train(was_training)
        return self.unnormalize(torch.stack(steps, dim=1) if return_all_timesteps else x_t)


# %% task="ddpm.q_sample"
@method_of(GaussianDiffusion)
def q_sample(self, x_start, t, noise):
    """Jumps from x_start to x_t, eq. (4).

    Args:
        x_start: (b, *) data in [-1, 1].
        t: (b,) int64, each sample's own index in 0...T-1.
        noise: (b, *) standard normal.

    Returns:
        x_t: (b, *).
    """
    ####################################################################
    # TODO: eq. (4). About 3 lines.                                    #
    # 1. extract the two coefficients from the tables of the class.    #
    # 2. Combine x_start and noise.                                    #
    ####################################################################
    ### BEGIN SOLUTION
    a = extract(self.sqrt_alphas_cumprod, t, x_start.shape)
    sigma = extract(self.sqrt_one_minus_alphas_cumprod, t, x_start.shape)
    return a * x_start + sigma * noise
    ### END SOLUTION
    ####################################################################
    #                       END OF YOUR CODE                           #
    ####################################################################


# %% task="ddpm.predict_start_from_noise"
@method_of(GaussianDiffusion)
def predict_start_from_noise(self, x_t, t, noise):
    """The x_start that x_t would come from if its noise were `noise`, eq. (8).

    Args:
        x_t, noise: (b, *).
        t: (b,) int64 indices.

    Returns:
        x_start: (b, *), not clamped.
    """
    ####################################################################
    # TODO: solve eq. (4) for x_start. About 3 lines.                  #
    ####################################################################
    ### BEGIN SOLUTION
    a = extract(self.sqrt_alphas_cumprod, t, x_t.shape)
    sigma = extract(self.sqrt_one_minus_alphas_cumprod, t, x_t.shape)
    return (x_t - sigma * noise) / a
    ### END SOLUTION
    ####################################################################
    #                       END OF YOUR CODE                           #
    ####################################################################


# %% task="ddpm.predict_noise_from_start"
@method_of(GaussianDiffusion)
def predict_noise_from_start(self, x_t, t, x_start):
    """The noise that is in x_t if it came from `x_start`, eq. (9).

    Args:
        x_t, x_start: (b, *).
        t: (b,) int64 indices.

    Returns:
        noise: (b, *).
    """
    ####################################################################
    # TODO: solve eq. (4) for the noise. About 3 lines.                #
    ####################################################################
    ### BEGIN SOLUTION
    a = extract(self.sqrt_alphas_cumprod, t, x_t.shape)
    sigma = extract(self.sqrt_one_minus_alphas_cumprod, t, x_t.shape)
    return (x_t - a * x_start) / sigma
    ### END SOLUTION
    ####################################################################
    #                       END OF YOUR CODE                           #
    ####################################################################


# %% task="ddpm.q_posterior"
@method_of(GaussianDiffusion)
def q_posterior(self, x_start, x_t, t):
    """Mean and standard deviation of q(x_{t-1} | x_t, x_start), eq. (11) and (12).

    Args:
        x_start, x_t: (b, *).
        t: (b,) int64 indices.

    Returns:
        mean: (b, *).
        std: (b, 1, ..., 1), the standard deviation, not the variance.
    """
    ####################################################################
    # TODO: eq. (11) and (12) from the tables of the class. 4 lines.   #
    # The tables already know that alpha_bar before t = 0 is 1.        #
    ####################################################################
    ### BEGIN SOLUTION
    coef1 = extract(self.posterior_mean_coef1, t, x_t.shape)
    coef2 = extract(self.posterior_mean_coef2, t, x_t.shape)
    std = extract(self.posterior_std, t, x_t.shape)
    return coef1 * x_start + coef2 * x_t, std
    ### END SOLUTION
    ####################################################################
    #                       END OF YOUR CODE                           #
    ####################################################################


# %% task="ddpm.mean_from_noise"
@method_of(GaussianDiffusion)
def mean_from_noise(self, x_t, t, noise):
    """The mean of p(x_{t-1} | x_t) from predicted noise, eq. (13).

    Args:
        x_t, noise: (b, *).
        t: (b,) int64 indices.

    Returns:
        mean: (b, *).
    """
    ####################################################################
    # TODO: eq. (13). About 4 lines. Its alpha is the table `alphas`,  #
    # its alpha_bar the table `alphas_cumprod`.                        #
    ####################################################################
    ### BEGIN SOLUTION
    beta = extract(self.betas, t, x_t.shape)
    alpha = extract(self.alphas, t, x_t.shape)
    sigma = extract(self.sqrt_one_minus_alphas_cumprod, t, x_t.shape)
    return (x_t - beta * noise / sigma) / alpha.sqrt()
    ### END SOLUTION
    ####################################################################
    #                       END OF YOUR CODE                           #
    ####################################################################


# %% task="ddpm.p_losses"
@method_of(GaussianDiffusion)
def p_losses(self, x_start, model_kwargs={}):
    """The training loss of a batch, eq. (17).

    Args:
        x_start: (b, *) data in [0, 1].
        model_kwargs: For the network, handed on as it is.

    Returns:
        loss: A scalar tensor with its graph.
    """
    x_start = self.normalize(x_start)  # now in [-1, 1]
    t = torch.randint(0, self.num_timesteps, (len(x_start),), device=x_start.device)
    noise = torch.randn_like(x_start)
    ####################################################################
    # TODO: eq. (17). About 5 lines.                                   #
    # 1. x_t from q_sample.                                            #
    # 2. The network's prediction for x_t, t and model_kwargs.         #
    # 3. The target, by self.objective: the noise or x_start.          #
    # 4. Weigh each sample's squared error by self.loss_weight at its  #
    #    own t, and take the mean over everything.                     #
    ####################################################################
    ### BEGIN SOLUTION
    x_t = self.q_sample(x_start, t, noise)
    prediction = self.model(x_t, t, model_kwargs)
    target = noise if self.objective == "pred_noise" else x_start
    weight = extract(self.loss_weight, t, x_start.shape)
    return (weight * (prediction - target) ** 2).mean()
    ### END SOLUTION
    ####################################################################
    #                       END OF YOUR CODE                           #
    ####################################################################


# %% task="ddpm.ancestral_step"
@method_of(GaussianDiffusion)
def ancestral_step(self, x_t, t, noise_pred, z, variance):
    """One step back with given noise: x_{t-1} = mean + std * z, eq. (18).

    Args:
        x_t, noise_pred: (b, *); noise_pred is the network's prediction.
        t: (b,) int64 indices, which may differ from sample to sample.
        z: (b, *) standard normal.
        variance: "beta" for beta_t, "posterior" for the posterior's variance.

    Returns:
        x_{t-1}: (b, *); where t = 0 it is the mean, without noise.
    """
    ####################################################################
    # TODO: eq. (18). About 5 lines.                                   #
    # 1. The mean, from mean_from_noise.                               #
    # 2. The standard deviation that `variance` asks for.              #
    # 3. No noise for those samples of the batch whose t is 0.         #
    ####################################################################
    ### BEGIN SOLUTION
    mean = self.mean_from_noise(x_t, t, noise_pred)
    std = self.betas.sqrt() if variance == "beta" else self.posterior_std
    std = extract(std, t, x_t.shape)
    noisy = (t > 0).reshape(std.shape)  # (b, 1, ..., 1)
    return mean + noisy * std * z
    ### END SOLUTION
    ####################################################################
    #                       END OF YOUR CODE                           #
    ####################################################################


# %% task="ddpm.p_sample"
@method_of(GaussianDiffusion)
@torch.no_grad()
def p_sample(self, x_t, t: int, model_kwargs={}):
    """One step of ancestral sampling with a clamped x_start, eq. (19).

    Args:
        x_t: (b, *).
        t: One index for the whole batch.
        model_kwargs: For the network, handed on as it is.

    Returns:
        x_{t-1}: (b, *).
    """
    ####################################################################
    # TODO: eq. (19). About 6 lines.                                   #
    # 1. A (b,) tensor of t, and the network's prediction.             #
    # 2. x_start from it, by self.objective.                           #
    # 3. Clamp x_start to [-1, 1].                                     #
    # 4. Mean and std of the posterior; mean + std * fresh noise.      #
    ####################################################################
    ### BEGIN SOLUTION
    t = torch.full((len(x_t),), t, device=x_t.device)
    x_start = self.model(x_t, t, model_kwargs)
    if self.objective == "pred_noise":
        x_start = self.predict_start_from_noise(x_t, t, x_start)
    mean, std = self.q_posterior(x_start.clamp(-1, 1), x_t, t)
    return mean + std * torch.randn_like(x_t)
    ### END SOLUTION
    ####################################################################
    #                       END OF YOUR CODE                           #
    ####################################################################
