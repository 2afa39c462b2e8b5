# %% [markdown]
# # 05 · Diffusion: adding noise, and taking it away again
#
# Destroying a picture is easy: add a little noise, again and again, until nothing else is left. In this notebook you
# build a model that goes the other way. It starts from noise, removes a little of it a few hundred times, and ends
# with a handwritten digit that nobody wrote.
#
# **When you are done, you can**
#
# - write the forward chain as one jump, and say why the jump is exact;
# - choose a noise schedule and see what a bad one does;
# - derive the posterior of one step back, and check it without trusting the algebra;
# - follow the training loss from the ELBO down to the weight that is dropped in practice;
# - sample, with either choice of variance and either choice of what the network predicts.
#
# **Time:** about three hours: ten exercises (105 minutes), four questions, a puzzle, and the reading.
#
# **Before it:** Gaussians, Bayes' rule, and the ELBO (notebooks 01 and 03).
#
# Fill in the `TODO` cells from top to bottom and run the check below each. A check brings its own version of whatever
# came earlier; the figures need yours, and say in one sentence what is not written yet. If this notebook imports `.py`
# files of your own, hand them in with it.

# %% tags=["setup"]
import math
from contextlib import suppress

import torch
import torch.nn.functional as F
from torch import nn

from course_utils.check import Unfinished, check, method_of

TRAIN = False  # True: section 9 trains the digits' network with your own loss; it prints how long that takes

# %% tags=["demo"]
import random
from functools import cache

from course_utils import data, plot, widgets, zoo
from course_utils.check import name_red

# %% [markdown]
# ## 1 · The way into noise
#
# One step of the chain shrinks the picture a little and adds a little Gaussian noise:
#
# $$q(x_t \mid x_{t-1}) = \mathcal N\!\left(\sqrt{1-\beta_t}\,x_{t-1},\ \beta_t I\right) \tag{1}$$
#
# The shrinking has a purpose. If $x_{t-1}$ has variance 1, then $x_t$ has variance $(1-\beta_t) + \beta_t = 1$ again,
# so the chain neither explodes nor fades: it trades signal for noise. (Digits in $[-1, 1]$ have variance 0.38; with
# every step it comes closer to 1.) Here are three digits after more and more steps, with $\beta_t$ growing from 0.0001
# to 0.02.

# %% tags=["demo"]
digits, labels = data.mnist("test")
one_of_each = digits[[int((labels == k).nonzero()[0]) for k in range(10)]]  # (10, 1, 28, 28) in [0, 1]

generator = torch.Generator().manual_seed(0)
x, seen = 2 * one_of_each[[3, 5, 8]] - 1, []
for step, beta in enumerate(torch.linspace(1e-4, 0.02, 1000)):
    if step in {0, 25, 50, 100, 200, 400}:
        seen.append(x)
    x = (1 - beta).sqrt() * x + beta.sqrt() * torch.randn(x.shape, generator=generator)
columns = ["data", "25 steps", "50", "100", "200", "400", "1000"]
plot.show(plot.image_grid((torch.stack([*seen, x], dim=1) + 1) / 2, columns=columns),
          alt="Three digits after 0 to 1000 noise steps; from 400 steps on they can hardly be told apart.")

# %% [markdown]
# **A word on counting.** Papers call the data $x_0$ and count $t = 1 \dots T$. Code counts from 0. Here the index
# runs over $t = 0 \dots T-1$; our $t$ is the paper's $t+1$, and index 0 *already carries one step of noise*. So that
# no two things are called $x_0$, the data is $x_{\text{start}}$. Before $t = 0$ there is nothing but data: where an
# equation says $x_{-1}$, it is $x_{\text{start}}$, and $\bar\alpha_{-1}$ below is 1.
#
# **Two steps are one.** Equation (1) says $x_t = \sqrt{1-\beta_t}\,x_{t-1} + \sqrt{\beta_t}\,\varepsilon$ with
# standard normal $\varepsilon$. Write $\alpha_t = 1 - \beta_t$ and put one step into the next:
#
# $$x_t = \sqrt{\alpha_t\alpha_{t-1}}\;x_{t-2} +
# \underbrace{\sqrt{\alpha_t(1-\alpha_{t-1})}\;\varepsilon + \sqrt{1-\alpha_t}\;\varepsilon'}_{\text{independent}}
# \tag{2}$$
#
# Variances of independent Gaussians add: $\alpha_t(1-\alpha_{t-1}) + (1-\alpha_t) = 1 - \alpha_t\alpha_{t-1}$. So
# both steps together look like *one* step whose $\alpha$ is the product. Is it true? Take two steps with
# $\alpha = 0.9$ and $0.6$ from the number 1.5, a hundred thousand times.

# %% tags=["demo"]
generator = torch.Generator().manual_seed(1)
first, second, merged = torch.randn(3, 100_000, generator=generator)
x_1 = 0.9**0.5 * 1.5 + 0.1**0.5 * first
x_2 = 0.6**0.5 * x_1 + 0.4**0.5 * second
at_once = 0.54**0.5 * 1.5 + 0.46**0.5 * merged
grid = torch.linspace(-2, 4, 200)
normal = torch.distributions.Normal(0.54**0.5 * 1.5, 0.46**0.5).log_prob(grid).exp()
plot.show(plot.histograms({"two steps": x_2, "one merged step": at_once}, xlabel="value",
                          density={"N(1.10, 0.46)": (grid, normal)}),
          alt="The histograms of two steps and of one merged step lie on each other and on the predicted Gaussian.")

# %% [markdown]
# Nothing stops us from merging all steps. With the product of all $\alpha$ up to $t$,
#
# $$\bar\alpha_t = \prod_{s=0}^{t} \alpha_s = \prod_{s=0}^{t} (1-\beta_s), \tag{3}$$
#
# the whole way from the data to index $t$ is one jump:
#
# $$x_t = \sqrt{\bar\alpha_t}\; x_{\text{start}} + \sqrt{1-\bar\alpha_t}\;\varepsilon,
# \qquad \varepsilon \sim \mathcal N(0, I) \tag{4}$$
#
# This equation makes training cheap: any noise level of any picture costs one line. Keep the two alphas apart.
# $\alpha_t$ (table `alphas`) belongs to one step, $\bar\alpha_t$ (table `alphas_cumprod`) to all steps up to $t$; the
# share of *variance* that is still data is $\bar\alpha_t$, and the data itself is multiplied by its *root*.
#
# ## 2 · How fast? The schedule
#
# The betas are ours to choose. The **linear** schedule of Ho et al. 2020 lets them grow evenly:
#
# $$\beta_t \text{ from } 10^{-4}\cdot\tfrac{1000}{T} \text{ to } 0.02\cdot\tfrac{1000}{T} \tag{5}$$
#
# (never above 0.999, which matters only when $T \le 20$). It destroys small pictures quickly: after half of the
# steps hardly anything is left. The **cosine** schedule starts from the other end. It says what should remain, a curve
# that falls gently at both ends, with a small offset $s = 0.008$,
#
# $$\bar\alpha(u) = \frac{f(u)}{f(0)}, \qquad f(u) = \cos^2\!\left(\frac{u + s}{1 + s}\cdot\frac{\pi}{2}\right),
# \qquad u \in [0, 1] \tag{6}$$
#
# and reads the betas off the ratio of neighbours, with $u_t = t/T$:
#
# $$\beta_t = \min\!\left(1 - \frac{f(u_{t+1})}{f(u_t)},\ 0.999\right), \qquad t = 0 \dots T-1 \tag{7}$$
#
# The minimum matters at the very end, where $f$ reaches 0 and $\beta$ would be 1: nothing can be divided by
# $\bar\alpha = 0$.
#
# **Exercise 1** · medium · 10 minutes
#
# <details><summary><b>Stuck?</b></summary>
#
# Write down $u_0 \dots u_T$ for $T = 4$ and count them; then count the neighbours. All of them can be computed at once.
#
# </details>

# %% task="ddpm.cosine_beta_schedule"
def cosine_beta_schedule(timesteps, s=0.008):
    """The cosine schedule, eq. (6) and (7).

    Args:
        timesteps: T, the number of steps.
        s: A small offset, so that the first steps are not too small.

    Returns:
        betas: (T,) float64 in (0, 0.999]; index 0 is the first step.
    """
    ####################################################################
    # TODO: beta from the wanted alpha_bar. About 3 lines.             #
    # 1. f(u), eq. (6), at T + 1 points in float64, 0 and 1 included.  #
    # 2. The betas of eq. (7): T values, none above 0.999.             #
    ####################################################################
    ### BEGIN SOLUTION
    u = torch.linspace(0, 1, timesteps + 1, dtype=torch.float64)
    f = torch.cos((u + s) / (1 + s) * math.pi / 2) ** 2
    return (1 - f[1:] / f[:-1]).clamp(0, 0.999)
    ### END SOLUTION
    ####################################################################
    #                       END OF YOUR CODE                           #
    ####################################################################

# %% check="ddpm.cosine_beta_schedule"
check("ddpm.cosine_beta_schedule")

# %% [markdown]
# Given are the linear schedule, a sigmoid one (gentle at both ends too; the default of the class below), and a function
# that gives any of the three by its name. Tables are computed in float64 because $\bar\alpha$ is a product of up to a
# thousand numbers near 1.

# %% tags=["setup"]
def linear_beta_schedule(timesteps):
    """1e-4 to 0.02 for T = 1000 (Ho et al. 2020), scaled by 1000 / T so that a shorter chain ends in noise too."""
    scale = 1000 / timesteps
    return torch.linspace(1e-4 * scale, 0.02 * scale, timesteps, dtype=torch.float64).clamp(0, 0.999)


def sigmoid_beta_schedule(timesteps, start=-3, end=3, tau=1, clamp_min=1e-5):
    """alpha_bar falls like a sigmoid from start to end (Jabri et al. 2023); no beta is below clamp_min."""
    u = torch.linspace(0, 1, timesteps + 1, dtype=torch.float64)
    first, last = torch.tensor([start / tau, end / tau], dtype=torch.float64).sigmoid()
    alphas_cumprod = (last - ((u * (end - start) + start) / tau).sigmoid()) / (last - first)
    return (1 - alphas_cumprod[1:] / alphas_cumprod[:-1]).clamp(clamp_min, 0.999)


def get_beta_schedule(name, timesteps):
    """betas (T,) in float64 of the schedule "linear", "cosine" or "sigmoid"."""
    schedules = {"linear": linear_beta_schedule, "cosine": cosine_beta_schedule, "sigmoid": sigmoid_beta_schedule}
    if name not in schedules:
        raise ValueError(f"There is no schedule {name!r}; there are: {', '.join(schedules)}.")
    return schedules[name](timesteps)

# %% tags=["demo"]
fig, (left, right) = plot.figure(columns=2)
for name in ("linear", "cosine", "sigmoid"):
    left.plot(torch.linspace(0, 1, 300), (1 - get_beta_schedule(name, 300)).cumprod(0), label=name)
left.set(xlabel="t / T", ylabel=r"$\bar\alpha_t$", title="what is left of the data's variance")
right.plot((1 - linear_beta_schedule(300)).cumprod(0), label="scaled by 1000 / T")
right.plot((1 - torch.linspace(1e-4, 0.02, 300)).cumprod(0), label="not scaled")
right.set(xlabel="t", ylabel=r"$\bar\alpha_t$", yscale="log", ylim=(1e-5, 1.5), title="linear schedule, T = 300")
left.legend(), right.legend()
plot.show(fig, alt="Left: alpha-bar falls fastest for the linear schedule; the cosine and the sigmoid one lie close "
                   "together. Right: for T = 300 the scaled linear schedule ends at 0.00003, the other one at 0.05.")

# %% [markdown]
# **Question 1.** The right panel shows the linear schedule with $T = 300$ and betas that were *not* scaled. It ends
# at $\bar\alpha_{T-1} = 0.05$. By what factor is the picture itself multiplied there? Sampling starts from pure noise:
# what does the network take that noise for, and how would you notice it in the samples?

# %% [markdown] question="ddpm.1"
# Equation (4) multiplies the picture by $\sqrt{0.05} = 0.22$: more than a fifth of its amplitude is still
# there. The share 0.05 sounds small because it is one of the *variance*.
#
# In training, then, even the noisiest input carries a faint picture. Pixel noise averages out over large areas, so
# what survives best is what is large: overall brightness, the rough layout. A digit is mostly black, with a mean of
# about −0.75, so the mean of $x_{T-1}$ is about −0.16, and the network learns to read it off. Sampling starts from
# $\mathcal N(0, I)$, whose mean is 0: an input that never occurred. The network takes it for the trace of a picture of
# medium brightness and draws one. The samples come out grey and washed out, and no later step repairs it, because
# every later step trusts what it sees. The remedy is a chain that really ends in noise (Lin et al. 2024 found this flaw
# in widely used models).
#
# **Rubric** (½ points allowed)
#
# - 2 points: the factor is the root, 0.22, and not 0.05.
# - 2 points: training always saw a trace of a picture, above all its mean brightness; noise is read as such a trace.
# - 1 point: the samples are of medium brightness, grey or washed out.

# %% [markdown]
# ## 3 · One line to any noise level
#
# In a batch every sample has its own $t$, so every sample needs its own number from the table. The numbers come as
# `(b,)`; the pictures are `(b, c, h, w)`. PyTorch aligns shapes from the *right*, so `(b,)` would be matched with the
# width of the picture. The helper `extract` looks the numbers up and appends axes of length 1. It must not count on
# four axes: later in this notebook the data are points in the plane, `(b, 2)`.
#
# **Exercise 2** · easy · 5 minutes

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
    # TODO: each sample's number, with the axes that x_shape asks for, #
    # however many. About 1 line.                                      #
    ####################################################################
    ### BEGIN SOLUTION
    return a.gather(0, t).reshape(len(t), *[1] * (len(x_shape) - 1))
    ### END SOLUTION
    ####################################################################
    #                       END OF YOUR CODE                           #
    ####################################################################

# %% check="ddpm.extract"
check("ddpm.extract")

# %% [markdown]
# The class below holds the tables, and `sample`, which only repeats the single step that you write at the end. Its
# other methods are your tasks; each stands in a cell of its own under `@method_of(GaussianDiffusion)`, which attaches
# it to the class. Run this cell again, and they are gone: run their cells again too. Three tables are still NaN, not a
# number: `fill_posterior` and `q_posterior` wait for section 5, where you derive them.

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
        self.beta_schedule, self.channels = beta_schedule, 3

        betas = get_beta_schedule(beta_schedule, timesteps)  # (T,), as all the tables below
        alphas = 1 - betas
        alphas_cumprod = alphas.cumprod(0)
        snr = alphas_cumprod / (1 - alphas_cumprod)
        tables = {
            "betas": betas,
            "alphas": alphas,
            "alphas_cumprod": alphas_cumprod,
            "sqrt_alphas_cumprod": alphas_cumprod.sqrt(),
            "sqrt_one_minus_alphas_cumprod": (1 - alphas_cumprod).sqrt(),
            "posterior_mean_coef1": torch.full_like(betas, torch.nan),
            "posterior_mean_coef2": torch.full_like(betas, torch.nan),
            "posterior_std": torch.full_like(betas, torch.nan),
            "loss_weight": snr if objective == "pred_x_start" else torch.ones_like(betas),
        }
        for name, table in tables.items():  # computed in float64, used in float32
            self.register_buffer(name, table.float())
        with suppress(Unfinished):
            self.fill_posterior()

    def fill_posterior(self):
        """Puts your `posterior_tables` in the place of the NaNs; raises Unfinished as long as there are none."""
        if "posterior_tables" not in globals():
            raise Unfinished("`posterior_tables` is still to be written: section 5 asks for it.")
        mean_coef1, mean_coef2, std = posterior_tables(get_beta_schedule(self.beta_schedule, self.num_timesteps))
        self.posterior_mean_coef1.copy_(mean_coef1)
        self.posterior_mean_coef2.copy_(mean_coef2)
        self.posterior_std.copy_(std.clamp_min(1e-10))  # yours may begin with 0; here it is 1e-10, as in libraries

    def q_posterior(self, x_start, x_t, t):
        """Mean (b, *) and standard deviation (b, 1, ..., 1) of q(x_{t-1} | x_t, x_start), section 5."""
        if self.posterior_std.isnan().all():
            self.fill_posterior()
        mean_coef1 = extract(self.posterior_mean_coef1, t, x_t.shape)
        mean_coef2 = extract(self.posterior_mean_coef2, t, x_t.shape)
        return mean_coef1 * x_start + mean_coef2 * x_t, extract(self.posterior_std, t, x_t.shape)

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

# %% [markdown]
# **Exercise 3** · easy · 5 minutes. Equation (4), with each sample's own $t$.

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
    # `extract` looks up each sample's two coefficients.               #
    ####################################################################
    ### BEGIN SOLUTION
    signal_rate = extract(self.sqrt_alphas_cumprod, t, x_start.shape)
    noise_rate = extract(self.sqrt_one_minus_alphas_cumprod, t, x_start.shape)
    return signal_rate * x_start + noise_rate * noise
    ### END SOLUTION
    ####################################################################
    #                       END OF YOUR CODE                           #
    ####################################################################

# %% check="ddpm.q_sample"
check("ddpm.q_sample")

# %% [markdown]
# Do a thousand single steps arrive where your one jump does? Twenty thousand copies of the number 0.8 walk through
# equation (1), and at some steps we compare their mean and spread with those of `q_sample`.

# %% tags=["demo"]
diffusion = GaussianDiffusion(None, image_size=28, timesteps=1000, beta_schedule="linear")
generator = torch.Generator().manual_seed(2)
x, walked = torch.full((20_000, 1), 0.8), []
for t, beta in enumerate(diffusion.betas):
    x = (1 - beta).sqrt() * x + beta.sqrt() * torch.randn(x.shape, generator=generator)
    if t % 75 == 0:
        walked.append((t, x.mean(), x.std()))
every_t = torch.arange(1000)
mean = diffusion.q_sample(torch.full((1000, 1), 0.8), every_t, torch.zeros(1000, 1))
spread = diffusion.q_sample(torch.zeros(1000, 1), every_t, torch.ones(1000, 1))
fig = plot.curves(every_t, {"mean, one jump": mean[:, 0], "spread, one jump": spread[:, 0]}, xlabel="t", ylabel="value")
times, means, spreads = zip(*walked)
fig.axes[0].plot(times, means, "o", label="mean, step by step")
fig.axes[0].plot(times, spreads, "s", mfc="none", label="spread, step by step")
fig.axes[0].legend()
plot.show(fig, alt="Mean and spread of the points that walked step by step lie on the curves of the one jump.")

# %% [markdown]
# The dot shows where on the schedule the digits beside it are.
#
# **Before you move it, guess:** at which $t$ of 200 do you stop being able to read the digits, and with which of the
# three schedules does that happen first?

# %% tags=["demo", "nbval-ignore-output"]
def noisy_digits(t, schedule):
    x_start = 2 * one_of_each[:6] - 1
    diffusion = GaussianDiffusion(None, image_size=28, timesteps=200, beta_schedule=schedule)
    noise = torch.randn(x_start.shape, generator=torch.Generator().manual_seed(3))
    x_t = diffusion.q_sample(x_start, torch.full((6,), t), noise)
    fig, (left, right) = plot.figure(columns=2, height=150, width_ratios=[2, 5])
    left.plot(diffusion.alphas_cumprod)
    left.plot(t, diffusion.alphas_cumprod[t], "o")
    left.set(xlabel="t", ylabel=r"$\bar\alpha_t$", ylim=(-0.05, 1.05))
    right.imshow(torch.cat(list(x_t[:, 0]), dim=1), cmap="gray", vmin=-1, vmax=1)
    right.axis("off")
    return fig


widgets.explore(noisy_digits, caption=lambda t, schedule: f"Six digits at t = {t} of 200, {schedule} schedule.",
                t=widgets.Control([0, 20, 40, 60, 80, 100, 130, 160, 199], default=20),
                schedule=widgets.Control(["linear", "cosine", "sigmoid"], default="cosine"))

# %% [markdown]
# ## 4 · Three names for one thing
#
# Equation (4) ties together $x_t$, $x_{\text{start}}$ and $\varepsilon$. Knowing $x_t$ and one of the others, you
# know the third:
#
# $$\hat x_{\text{start}} = \frac{x_t - \sqrt{1-\bar\alpha_t}\;\hat\varepsilon}{\sqrt{\bar\alpha_t}} \tag{8}$$
#
# $$\hat\varepsilon = \frac{x_t - \sqrt{\bar\alpha_t}\;\hat x_{\text{start}}}{\sqrt{1-\bar\alpha_t}} \tag{9}$$
#
# So a network may predict either; the other follows. The hats are a reminder that a prediction is not the truth.
#
# **Exercises 4 and 5** · easy · 5 minutes each

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
    # TODO: eq. (8). About 3 lines.                                    #
    ####################################################################
    ### BEGIN SOLUTION
    signal_rate = extract(self.sqrt_alphas_cumprod, t, x_t.shape)
    noise_rate = extract(self.sqrt_one_minus_alphas_cumprod, t, x_t.shape)
    return (x_t - noise_rate * noise) / signal_rate
    ### END SOLUTION
    ####################################################################
    #                       END OF YOUR CODE                           #
    ####################################################################

# %% check="ddpm.predict_start_from_noise"
check("ddpm.predict_start_from_noise")

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
    # TODO: eq. (9). About 3 lines.                                    #
    ####################################################################
    ### BEGIN SOLUTION
    signal_rate = extract(self.sqrt_alphas_cumprod, t, x_t.shape)
    noise_rate = extract(self.sqrt_one_minus_alphas_cumprod, t, x_t.shape)
    return (x_t - signal_rate * x_start) / noise_rate
    ### END SOLUTION
    ####################################################################
    #                       END OF YOUR CODE                           #
    ####################################################################

# %% check="ddpm.predict_noise_from_start"
check("ddpm.predict_noise_from_start")

# %% [markdown]
# The two directions are equal on paper. In numbers they are not: equation (8) divides by $\sqrt{\bar\alpha_t}$, which
# goes to 0. By how much is an error of the predicted noise magnified on its way into the picture?

# %% tags=["demo"]
magnified = {}
for name in ("linear", "cosine", "sigmoid"):
    diffusion = GaussianDiffusion(None, image_size=28, timesteps=1000, beta_schedule=name)
    zeros, error = torch.zeros(1000, 1), torch.full((1000, 1), -0.01)
    magnified[name] = diffusion.predict_start_from_noise(zeros, torch.arange(1000), error)[:, 0]
fig = plot.curves(1000 - torch.arange(1000), magnified, xlabel=r"$T - t$, the distance to the chain's end",
                  ylabel="error of the picture", logx=True, logy=True, title="from an error of 0.01 in the noise")
fig.axes[0].invert_xaxis()  # t grows to the right, the last index at the end
plot.show(fig, alt="The error grows from below 0.001 at t = 0 to 1.6 (linear), 18 (sigmoid), 203 (cosine) at the last "
                   "index; the cosine and the sigmoid one part from each other in the last hundred steps.")

# %% [markdown]
# **Question 2.** With $T = 1000$, at the last index $1/\sqrt{\bar\alpha}$ is about 1,800 for the sigmoid schedule and
# 20,000 for the cosine one. What does that make of $\hat x_{\text{start}}$ there? And why does sampling, which will
# clamp $\hat x_{\text{start}}$ to $[-1, 1]$, survive it? (Leave the second half until section 7.)

# %% [markdown] question="ddpm.2"
# Equation (8) multiplies any error of $\hat\varepsilon$ by $\sqrt{1-\bar\alpha}/\sqrt{\bar\alpha}$, so by
# 1,800 or 20,000. A network that is good to one part in a hundred gives a picture that is off by 18 or by 200, while
# all pictures lie within $[-1, 1]$. That $\hat x_{\text{start}}$ is not a bad guess of the picture; it is no guess at
# all. Clamped, it becomes a field of −1 and 1, by the sign of each pixel's error.
#
# It does little harm for two reasons. The clamp bounds what any one pixel can contribute. And the next step does not
# use $\hat x_{\text{start}}$ alone: in the posterior mean it is multiplied by a coefficient that is small there, 0.0016
# for the cosine schedule. What reaches $x_{t-1}$ is at most 0.0016, lost among noise of size 1. Without the clamp it
# would be $0.0016 \cdot 200 = 0.3$ per pixel, and the following steps would work on inputs that no training ever
# showed.
#
# **Rubric** (½ points allowed)
#
# - 2 points: the error of the noise is magnified by that factor, so $\hat x_{\text{start}}$ leaves $[-1, 1]$ by far.
# - 1½ points: the clamp bounds it.
# - 1½ points: the posterior mean gives $\hat x_{\text{start}}$ a small weight at large $t$.

# %% [markdown]
# ## 5 · One step back
#
# Sampling needs the way back: given $x_t$, where was $x_{t-1}$? If we also knew $x_{\text{start}}$, Bayes' rule would
# tell us.
#
# $$q(x_{t-1} \mid x_t, x_{\text{start}}) \ \propto\
# \underbrace{q(x_t \mid x_{t-1})}_{\text{eq. (1)}}\
# \underbrace{q(x_{t-1} \mid x_{\text{start}})}_{\text{eq. (4)}} \tag{10}$$
#
# Read both factors as functions of $x_{t-1}$ and everything else as known numbers. Each is a Gaussian bump, and a
# product of two bumps is one bump again. Their **precisions** (one over the variance) add, and the new mean is the mean
# of the two, weighted with the precisions:
#
# $$\mathcal N(x;\, m_1, v_1)\; \mathcal N(x;\, m_2, v_2) \ \propto\ \mathcal N(x;\, m, v), \qquad
# \frac1v = \frac1{v_1} + \frac1{v_2}, \qquad m = v\left(\frac{m_1}{v_1} + \frac{m_2}{v_2}\right)$$
#
# So the mean of one step back is a number times $x_{\text{start}}$ plus a number times $x_t$, and its spread is a third
# number: three tables over $t$. Derive them.
#
# Mind $t = 0$. Before it lies the data: $\bar\alpha_{-1} = 1$, and the tables begin with 1, 0 and 0. Simplify before
# you compute: $1 - \bar\alpha$ before index 0 is 0, and nothing may be divided by it. (And in Python, index −1 is the
# *last* entry of a table.)
#
# **Exercise 6** · medium · 25 minutes, most of them on paper
#
# <details><summary><b>Stuck?</b></summary>
#
# The second factor is equation (4), one index earlier: read its mean and variance off. The first one is a statement
# about $x_t$: $x_t = \sqrt{\alpha_t}\,x_{t-1} + \sqrt{\beta_t}\,\varepsilon$. Solve it for $x_{t-1}$: around which
# value does $x_{t-1}$ lie, and with which variance? Then add the two precisions, over one denominator.
#
# </details>

# %% task="ddpm.posterior_tables"
def posterior_tables(betas):
    """The posterior of one step back, q(x_{t-1} | x_t, x_start), as three tables over t.

    Args:
        betas: (T,) float64; not changed.

    Returns:
        mean_coef1, mean_coef2: (T,) float64 each; the mean is mean_coef1[t] * x_start + mean_coef2[t] * x_t.
        std: (T,) float64, the standard deviation, not the variance.
    """
    ####################################################################
    # TODO: the three tables that follow from eq. (10). About 6 lines. #
    # Index 0 is 1, 0 and 0, and nothing is NaN.                       #
    ####################################################################
    ### BEGIN SOLUTION
    alphas = 1 - betas
    alphas_cumprod = alphas.cumprod(0)
    before = F.pad(alphas_cumprod[:-1], (1, 0), value=1.0)  # alpha_bar one index earlier; nothing is lost before 0
    mean_coef1 = before.sqrt() * betas / (1 - alphas_cumprod)
    mean_coef2 = alphas.sqrt() * (1 - before) / (1 - alphas_cumprod)
    std = (betas * (1 - before) / (1 - alphas_cumprod)).sqrt()
    return mean_coef1, mean_coef2, std
    ### END SOLUTION
    ####################################################################
    #                       END OF YOUR CODE                           #
    ####################################################################

# %% check="ddpm.posterior_tables"
check("ddpm.posterior_tables")

# %% [markdown]
# <details><summary><b>What you derived</b></summary>
#
# $$\tilde\mu_t = \frac{\sqrt{\bar\alpha_{t-1}}\;\beta_t}{1-\bar\alpha_t}\; x_{\text{start}} +
# \frac{\sqrt{\alpha_t}\,(1-\bar\alpha_{t-1})}{1-\bar\alpha_t}\; x_t \tag{11}$$
#
# $$\tilde\sigma_t = \sqrt{\tilde\beta_t},
# \qquad \tilde\beta_t = \frac{1-\bar\alpha_{t-1}}{1-\bar\alpha_t}\;\beta_t \tag{12}$$
#
# </details>
#
# Every new `GaussianDiffusion` takes your tables now, and its `q_posterior(x_start, x_t, t)` gives $\tilde\mu_t$ and
# $\tilde\sigma_t$. Do not trust the algebra, test it. On a grid of values for $x_{t-1}$ we multiply the two factors of
# equation (10), divide by the sum, and see whether your Gaussian lies on the result.

# %% tags=["demo"]
diffusion = GaussianDiffusion(None, image_size=28, timesteps=10, beta_schedule="cosine")
grid = torch.linspace(-2.5, 2.5, 500)
fig, panels = plot.figure(columns=3)
for panel, t in zip(panels, (8, 4, 1)):
    x_start, x_t = torch.tensor([[0.9]]), torch.tensor([[-0.6]])
    step = torch.distributions.Normal((1 - diffusion.betas[t]).sqrt() * grid, diffusion.betas[t].sqrt())
    before = diffusion.alphas_cumprod[t - 1]
    prior = torch.distributions.Normal(before.sqrt() * x_start[0], (1 - before).sqrt())
    product = (step.log_prob(x_t[0]) + prior.log_prob(grid)).exp()
    mean, std = diffusion.q_posterior(x_start, x_t, torch.tensor([t]))
    panel.fill_between(grid, product / product.sum() / (grid[1] - grid[0]), color=plot.SHADE, label="Bayes on a grid")
    panel.plot(grid, torch.distributions.Normal(mean[0], std[0]).log_prob(grid).exp(), label="q_posterior")
    panel.set(title=f"t = {t}", xlabel=r"$x_{t-1}$")
panels[0].set(ylabel="density", ylim=(0, 0.7))
panels[0].legend(loc="upper left")
plot.show(fig, alt="At t = 8, 4 and 1 of 10 the Gaussian of q_posterior lies on the product computed on a grid.")

# %% [markdown]
# ### Why so many steps
#
# We do not know $x_{\text{start}}$; that is what we want to draw. Without it the step back, $q(x_{t-1} \mid x_t)$,
# averages equation (11) over all data that could have led to $x_t$, and nothing says that this is Gaussian. For
# data that are two bumps everything can be computed. Watch the true step back for a small and for a large $\beta$, and
# the Gaussian with the same mean and variance.

# %% tags=["demo"]
bumps = data.Mixture(torch.tensor([[-1.0], [1.0]], dtype=torch.float64), std=0.15)
grid = torch.linspace(-2.5, 2.5, 1000, dtype=torch.float64)
fig, panels = plot.figure(columns=3)
for panel, beta in zip(panels, (0.02, 0.3, 0.9)):
    before = bumps.noised(0.8**0.5, 0.2**0.5).log_prob(grid[:, None])  # q(x_{t-1}), with alpha_bar = 0.8
    step = torch.distributions.Normal((1 - beta) ** 0.5 * grid, beta**0.5).log_prob(torch.tensor(0.2))
    true = (before + step).softmax(0) / (grid[1] - grid[0])
    weight = true / true.sum()
    mean = (weight * grid).sum()
    gauss = torch.distributions.Normal(mean, (weight * (grid - mean) ** 2).sum().sqrt()).log_prob(grid).exp()
    panel.fill_between(grid, true, color=plot.SHADE, label="true")
    panel.plot(grid, gauss, label="Gaussian")
    panel.set(title=rf"$\beta$ = {beta}", xlabel=r"$x_{t-1}$, given $x_t = 0.2$")
panels[0].set_ylabel("density")
panels[0].legend()
plot.show(fig, alt="For beta = 0.02 the true step back is a Gaussian; for 0.3 and 0.9 it has two bumps.")

# %% [markdown]
# For small $\beta$ the true step back *is* nearly Gaussian, whatever the data. That is the bargain of this model:
# many small steps, each simple, in place of one step that no simple distribution could take.
#
# So let the step back be a Gaussian whose mean a network predicts. If the network predicts noise, put equation (8)
# into (11): of $x_{\text{start}}$ nothing is left, and most of the rest cancels.
#
# **Exercise 7** · medium · 15 minutes. Do the algebra on paper first; it is four lines.
#
# <details><summary><b>Stuck?</b></summary>
#
# Collect what multiplies $x_t$. Two identities do the work: $\bar\alpha_t = \alpha_t\bar\alpha_{t-1}$, and
# $\beta_t + \alpha_t(1-\bar\alpha_{t-1}) = 1-\bar\alpha_t$.
#
# </details>

# %% task="ddpm.mean_from_noise"
@method_of(GaussianDiffusion)
def mean_from_noise(self, x_t, t, noise):
    """The mean of the step back, p(x_{t-1} | x_t), from predicted noise.

    Args:
        x_t, noise: (b, *).
        t: (b,) int64 indices.

    Returns:
        mean: (b, *).
    """
    ####################################################################
    # TODO: what is left of (8) in (11). About 4 lines.                #
    # alphas belongs to one step, alphas_cumprod to all up to t.       #
    ####################################################################
    ### BEGIN SOLUTION
    beta = extract(self.betas, t, x_t.shape)
    alpha = extract(self.alphas, t, x_t.shape)
    noise_rate = extract(self.sqrt_one_minus_alphas_cumprod, t, x_t.shape)
    return (x_t - beta * noise / noise_rate) / alpha.sqrt()
    ### END SOLUTION
    ####################################################################
    #                       END OF YOUR CODE                           #
    ####################################################################

# %% check="ddpm.mean_from_noise"
check("ddpm.mean_from_noise")

# %% [markdown]
# <details><summary><b>What you derived</b></summary>
#
# $$\mu_t = \frac{1}{\sqrt{\alpha_t}}\left(x_t - \frac{\beta_t}{\sqrt{1-\bar\alpha_t}}\;\hat\varepsilon\right)
# \tag{13}$$
#
# </details>
#
# The two routes to the mean should agree: $\hat\varepsilon \to$ (8) $\to$ (11), or $\hat\varepsilon \to$ (13). They do,
# as long as $\hat x_{\text{start}}$ is left alone. Sampling will clamp it to $[-1, 1]$, because no picture lies
# outside. The figure shows for noise predictions with an error of 0.1 how far apart the two means are, with the clamp
# and without. Where they differ, the clamped one is the better: it uses something that is known of all pictures.

# %% tags=["demo"]
diffusion = GaussianDiffusion(None, image_size=28, timesteps=1000, beta_schedule="cosine")
generator = torch.Generator().manual_seed(4)
t = torch.arange(1000)
x_start = 2 * one_of_each[torch.arange(1000) % 10].flatten(1) - 1
noise, error = torch.randn(2, *x_start.shape, generator=generator)
x_t = diffusion.q_sample(x_start, t, noise)
guess = noise + 0.1 * error
direct, x_hat = diffusion.mean_from_noise(x_t, t, guess), diffusion.predict_start_from_noise(x_t, t, guess)
apart = {name: (diffusion.q_posterior(x, x_t, t)[0] - direct).abs().amax(1)
         for name, x in {"clamped": x_hat.clamp(-1, 1), "not clamped": x_hat}.items()}
plot.show(plot.curves(t, apart, xlabel="t", ylabel="largest difference", logy=True),
          alt="Without the clamp the two means differ by rounding only; with it they differ, most at the end.")

# %% [markdown]
# ## 6 · What to train
#
# The chain is a latent variable model whose latents are the noisy pictures, and its encoder, equation (1), has
# nothing to learn. The negative ELBO of notebook 03 splits into one term a step (in nats):
#
# $$\begin{aligned} -\log p(x_{\text{start}}) \le{}
# & \underbrace{\mathrm{KL}\big(q(x_{T-1}|x_{\text{start}})\,\|\,\mathcal N(0, I)\big)}_{\text{near 0, fixed}}
# - \mathbb E\log p(x_{\text{start}}|x_0) \\
# & {}+ \sum_{t=1}^{T-1} \mathbb E\,\mathrm{KL}\big(q(x_{t-1}|x_t,x_{\text{start}})\,\|\,p(x_{t-1}|x_t)\big)
# \end{aligned} \tag{14}$$
#
# The expectations run over $x_t \sim q(x_t|x_{\text{start}})$, and $x_0$ is the data with one step of noise, so that
# its term is the step at $t = 0$. Every term in the sum compares two Gaussians, the posterior and the model's step
# $p(x_{t-1}|x_t) = \mathcal N(\mu_t, \sigma_t^2 I)$. With equal variances only the means matter:
#
# $$\mathrm{KL}\big(\mathcal N(\tilde\mu, \sigma^2 I)\,\|\,\mathcal N(\mu, \sigma^2 I)\big) =
# \frac{\|\tilde\mu-\mu\|^2}{2\sigma^2} \tag{15}$$
#
# (With another fixed $\sigma_t$, such as $\sigma_t^2 = \beta_t$, a constant is added that no network can change.)
#
# Write both means by equation (13), one with the true noise and one with the predicted noise. Their difference is a
# multiple of $\varepsilon-\hat\varepsilon$:
#
# $$\mathrm{KL}_t = \frac{\beta_t^2}{2\sigma_t^2\,\alpha_t\,(1-\bar\alpha_t)}\;\|\varepsilon-\hat\varepsilon\|^2
# \tag{16}$$
#
# So maximising the likelihood of pictures means predicting noise, with a certain weight on each $t$. How large is the
# weight?

# %% tags=["demo"]
diffusion = GaussianDiffusion(None, image_size=28, timesteps=1000, beta_schedule="linear")
common = diffusion.betas**2 / (2 * diffusion.alphas * (1 - diffusion.alphas_cumprod))
_, std = diffusion.q_posterior(torch.zeros(1000), torch.zeros(1000), torch.arange(1000))
weights = {r"$\sigma^2 = \beta$": common / diffusion.betas, r"$\sigma^2 = \tilde\beta$": common / std**2,
           "simple loss": torch.ones(1000)}
plot.show(plot.curves(torch.arange(1, 1000), {name: w[1:] for name, w in weights.items()},
                      xlabel="t", ylabel="weight", logx=True, logy=True),
          alt="The likelihood's weight falls from 0.3 or 0.6 at t = 1 to 0.005 near t = 350; the simple loss has 1.")

# %% [markdown]
# The likelihood weighs the first indices fifty to a hundred times more than the middle ones. There the noise is too
# small to see: imperceptible detail costs many bits, but nobody looks at it. Ho et al. (2020) dropped the weight, and
# samples got better. With a random $t$ for each sample, the training loss is
#
# $$L = \mathbb E_{x_{\text{start}},\,t,\,\varepsilon}\;\Big[\,w_t\;\tfrac1d\,\big\|\,y - f(x_t, t)\,\big\|^2\Big]
# \tag{17}$$
#
# with $d$ the number of values in one sample, $f$ the network, and $y$ its target:
#
# - objective `"pred_noise"`: $y = \varepsilon$ and $w_t = 1$;
# - objective `"pred_x_start"`: $y = x_{\text{start}}$ and $w_t = \bar\alpha_t/(1-\bar\alpha_t)$.
#
# The table `loss_weight` holds $w_t$.
#
# **Exercise 8** · medium · 10 minutes. The data arrives in $[0, 1]$; the given lines move it to $[-1, 1]$ and draw
# $t$ and the noise. The network is called as `self.model(x_t, t, model_kwargs)`; `model_kwargs` may hold a condition:
# hand it on and leave it as it is.
#
# <details><summary><b>Stuck?</b></summary>
#
# Which picture may the network see? Noise it with what was drawn. Then ask which of two things its answer is compared
# with, and give the squared errors of each sample their own weight before anything is averaged.
#
# </details>

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
    # TODO: eq. (17), for both objectives; the mean runs over all      #
    # samples and all their values. About 5 lines.                     #
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

# %% check="ddpm.p_losses"
check("ddpm.p_losses")

# %% [markdown]
# **Question 3.** $\bar\alpha_t/(1-\bar\alpha_t)$ is the signal-to-noise ratio. Show that with this weight, predicting
# $x_{\text{start}}$ and predicting noise have the *same* loss. If the losses are the same, what is left of the
# choice?

# %% [markdown] question="ddpm.3"
# Let a network predict $\hat x_{\text{start}}$, and turn it into a prediction of noise by equation (9).
# The true noise obeys the same equation with $x_{\text{start}}$. Subtract them; $x_t$ cancels:
#
# $$\varepsilon-\hat\varepsilon =
# -\sqrt{\frac{\bar\alpha_t}{1-\bar\alpha_t}}\;\big(x_{\text{start}}-\hat x_{\text{start}}\big),
# \qquad \|\varepsilon-\hat\varepsilon\|^2 =
# \frac{\bar\alpha_t}{1-\bar\alpha_t}\;\|x_{\text{start}}-\hat x_{\text{start}}\|^2 .$$
#
# The left side is the noise loss with weight 1, the right side is the $x_{\text{start}}$ loss with the
# signal-to-noise ratio as its weight.
#
# What is left is the network's job: its output is a different function. At large $t$ the noise is nearly the input
# itself, easy to predict, and a small error of it ruins $\hat x_{\text{start}}$; at small $t$ it is the other way
# round. The loss as a function of the prediction is the same; as a function of the network's weights it is not:
# gradients have other sizes, errors sit at other $t$.
#
# **Rubric** (½ points allowed)
#
# - 2 points: equation (9) for both, subtracted, so that $x_t$ cancels.
# - 1 point: the factor squared is the signal-to-noise ratio.
# - 2 points: the network's output is another function, easy or hard at other $t$, so that training differs.

# %% [markdown]
# **Why the square?** $|\varepsilon-\hat\varepsilon|$ would be a loss as well. But the best answer to a square is the
# *mean* of what is possible, and the best answer to an absolute value is the *median*. Take the two bumps again, now
# with 70 % of the data in the right one, and an $x_t$ that might come from either.

# %% tags=["demo"]
bumps = data.Mixture(torch.tensor([[-1.0], [1.0]], dtype=torch.float64), 0.15, torch.tensor([0.3, 0.7]))
grid = torch.linspace(-2, 2, 801, dtype=torch.float64)
likelihood = torch.distributions.Normal(0.5 * grid, 0.75**0.5).log_prob(torch.tensor(0.0))  # alpha_bar = 0.25, x_t = 0
possible = (bumps.log_prob(grid[:, None]) + likelihood).softmax(0)  # p(x_start | x_t) on the grid
distance = (grid[:, None] - grid).abs()  # (answer, truth)
fig, (left, right) = plot.figure(columns=2)
left.fill_between(grid, possible / (grid[1] - grid[0]), color=plot.SHADE)
left.set(xlabel=r"$x_{start}$", ylabel="density", title=r"what may lie behind $x_t = 0$")
for name, losses in {"square (L2)": (distance**2) @ possible, "absolute (L1)": distance @ possible}.items():
    right.plot(grid, losses, label=name)
    right.plot(grid[losses.argmin()], losses.min(), "o")
right.set(xlabel="answer", ylabel="expected loss", ylim=(0, 4), title="dots: the best answers")
right.legend()
plot.show(fig, alt="The truth is near -1 or, more often, near 1. The square is smallest at the mean, 0.4, "
                   "the absolute value at the median, 0.9.")

# %% [markdown]
# The square's answer, 0.4, is no likely picture. It is the average, and the average is what equation (13) needs: the
# mean of the step back is linear in $\varepsilon$, so the mean of $\varepsilon$ gives the right mean. With the median
# every step would lean to the majority, and rare data would be drawn too rarely.
#
# ## 7 · Sampling
#
# Start from noise and step back $T$ times. Each step adds fresh noise to the mean, except the last one, which leads
# to the data:
#
# $$x_{t-1} = \mu_t + \sigma_t\,z, \qquad \sigma_t^2 = \beta_t \ \text{ or } \ \tilde\beta_t,
# \qquad z \sim \mathcal N(0, I), \quad z = 0 \text{ at } t = 0 \tag{18}$$
#
# For data of variance 1 at most, $\tilde\beta_t$ and $\beta_t$ are the two ends of what is possible, on average over
# $x_t$. (A network can also learn a variance between the two: Nichol & Dhariwal 2021.) The last step matters with
# $\beta_t$: noise of size $\sqrt{\beta_0} = 0.017$ (sigmoid, $T = 1000$) would stay in the picture. Here each sample
# may be at its own $t$, so decide for each.
#
# **Exercise 9** · medium · 10 minutes
#
# <details><summary><b>Stuck?</b></summary>
#
# Forget $t = 0$ at first: a mean, a table of standard deviations, `extract`. Then multiply the noise by something that
# is 0 for some samples and 1 for the others.
#
# </details>

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
    # TODO: eq. (18), each sample at its own t. About 5 lines.         #
    # Two tables know sigma_t: betas and posterior_std.                #
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

# %% check="ddpm.ancestral_step"
check("ddpm.ancestral_step")

# %% [markdown]
# Pictures lie in $[-1, 1]$, so a predicted $x_{\text{start}}$ outside is certainly wrong. Go through it, clamp it, and
# use the posterior:
#
# $$\hat x_{\text{start}} \leftarrow \mathrm{clamp}\big(\hat x_{\text{start}}, -1, 1\big),
# \qquad x_{t-1} = \tilde\mu_t(\hat x_{\text{start}}, x_t) + \tilde\sigma_t\,z \tag{19}$$
#
# Clamp the *prediction*, not $x_{t-1}$: that still holds noise and has every right to leave $[-1, 1]$. At $t = 0$ the
# posterior's spread is 0 by itself.
#
# **Exercise 10** · hard · 15 minutes. Here `t` is one integer; the network and the other methods want it as a `(b,)`
# tensor of int64.
#
# <details><summary><b>Stuck?</b></summary>
#
# Walk from the end to the beginning. The last line adds noise to a mean, which `q_posterior` knows; it wants an
# $\hat x_{\text{start}}$. Which one, if the network predicts noise? And if it predicts $x_{\text{start}}$?
#
# </details>

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
    # TODO: eq. (19), for both objectives. About 6 lines.              #
    ####################################################################
    ### BEGIN SOLUTION
    t = torch.full((len(x_t),), t, device=x_t.device)
    prediction = self.model(x_t, t, model_kwargs)
    x_start = self.predict_start_from_noise(x_t, t, prediction) if self.objective == "pred_noise" else prediction
    mean, std = self.q_posterior(x_start.clamp(-1, 1), x_t, t)
    return mean + std * torch.randn_like(x_t)
    ### END SOLUTION
    ####################################################################
    #                       END OF YOUR CODE                           #
    ####################################################################

# %% check="ddpm.p_sample"
check("ddpm.p_sample")

# %% [markdown]
# Now finish question 2: its second half asks about this step.
#
# ## 8 · First in the plane
#
# Before pictures, points: there every sample can be seen, and the true density is known. The data are two moons,
# scaled into $[0, 1]^2$; the network is a small MLP that gets a point, its time, and some waves of both.
# Training takes a few seconds.

# %% tags=["demo"]
class PointNet(nn.Module):
    """A prediction (b, 2) for points x (b, 2) at the indices time (b,)."""

    def __init__(self, timesteps, width=128):
        super().__init__()
        self.timesteps = timesteps
        self.net = nn.Sequential(nn.Linear(2 + 20, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(),
                                 nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 2))

    def forward(self, x, time, model_kwargs={}):
        u = time[:, None] / self.timesteps
        waves = math.pi * torch.cat([x, 2 * x, 4 * x, u / 2, u, 2 * u, 4 * u], dim=1)  # (b, 10)
        return self.net(torch.cat([x, waves.sin(), waves.cos()], dim=1))

# %% tags=["demo"]
moons = data.moons()
points = (moons.sample(20_000, torch.Generator().manual_seed(5)) + 3) / 6  # in [0, 1]


def on_points(network, objective="pred_noise", cls=GaussianDiffusion):
    return cls(network, image_size=1, timesteps=100, objective=objective, beta_schedule="cosine")


@cache
def fit(objective, cls=GaussianDiffusion, steps=1200):
    """A PointNet that learned from p_losses of `cls`, and its losses (steps,)."""
    torch.manual_seed(0)
    network, losses = PointNet(100), []
    diffusion = on_points(network, objective, cls)
    optimizer = torch.optim.Adam(network.parameters(), lr=6e-3)
    decay = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = diffusion.p_losses(points[torch.randint(len(points), (256,))])
        loss.backward()
        optimizer.step()
        decay.step()
        losses.append(loss.item())
    return network, torch.tensor(losses)

# %% tags=["demo"]
both = {name: fit(name)[1].unfold(0, 50, 50).mean(1) for name in ("pred_noise", "pred_x_start")}
plot.show(plot.curves(50 * torch.arange(24), both, xlabel="training step", ylabel="loss"),
          alt="Both losses fall quickly and end at about the same level.")

# %% [markdown]
# Does it work? The loss alone cannot say; the samples can. Two thousand points walk from noise to the moons.

# %% tags=["demo"]
def walk(step, timesteps=100, n=2000, keep=(), seed=6):
    """Points (n, 2) in the data's own units after all steps back, and those before the indices in `keep`."""
    torch.manual_seed(seed)
    x_t, kept = torch.randn(n, 2), {}
    for t in reversed(range(timesteps)):
        if t in keep:
            kept[f"before t = {t}"] = 3 * x_t
        x_t = step(x_t, t)
    return 3 * x_t, kept


samples, kept = walk(on_points(fit("pred_noise")[0]).p_sample, keep=(99, 30, 10, 4))
plot.show(plot.points_closer(kept | {"samples": samples}, limits=9, closer=3),
          alt="A round cloud of noise, nine units wide to each side, gathers into two moons of a third of its size. "
              "The last panel shows the samples three times as large.")

# %% [markdown]
# Now the choices, side by side: noise or $x_{\text{start}}$ predicted, $\beta$ or $\tilde\beta$ as the variance. The
# number in each title is the mean log-density (in nats) of the samples under the *true* density of the moons. The
# moons' own points, in the first panel, set the mark: less means points in the wrong place, more means too little
# variety. Another draw moves them by some hundredths. (The first two samples went through `p_sample`, with its clamp,
# the last two through `ancestral_step`.)

# %% tags=["demo"]
def with_variance(variance):
    diffusion = on_points(fit("pred_noise")[0])

    def step(x_t, t):
        t = torch.full((len(x_t),), t)
        with torch.no_grad():
            noise_pred = diffusion.model(x_t, t)
        return diffusion.ancestral_step(x_t, t, noise_pred, torch.randn_like(x_t), variance)
    return walk(step)[0]


clouds = {"data": moons.sample(2000, torch.Generator().manual_seed(7)),
          "x_start predicted": walk(on_points(fit("pred_x_start")[0], "pred_x_start").p_sample)[0],
          "noise predicted": walk(on_points(fit("pred_noise")[0]).p_sample)[0],
          "variance posterior": with_variance("posterior"), "variance beta": with_variance("beta")}
plot.show(plot.points({f"{name}\n{moons.log_prob(x).mean():.2f}": x for name, x in clouds.items()}),
          alt="Five clouds of two moons, the data and four ways of sampling; variance beta blurs them a little.")

# %% [markdown]
# **Question 4.** $\sigma_t^2$ may be $\beta_t$ or $\tilde\beta_t$. For each of the two, find data for which it makes
# the step back *exactly* right. And at which of the hundred indices does the difference that you see above arise?

# %% [markdown] question="ddpm.4"
# *Data that is a single point.* Then $x_{\text{start}}$ is known, the step back is
# $q(x_{t-1}|x_t,x_{\text{start}})$ itself, and its variance is $\tilde\beta_t$.
#
# *Data that is standard normal.* Then every $x_t$ is standard normal, and $x_{t-1}, x_t$ are jointly Gaussian with
# covariance $\sqrt{\alpha_t}$. The variance of one given the other is $1-\alpha_t = \beta_t$.
#
# Real data lies between: knowing $x_t$ tells something about $x_{\text{start}}$, but not everything.
#
# The two differ by the factor $(1-\bar\alpha_{t-1})/(1-\bar\alpha_t)$, which is close to 1 unless $t$ is among the
# first few. With $\beta$ the noise of the step at $t = 1$ has a spread of 0.033, not much less than the moons' own blur
# ($0.12/3 = 0.04$ after scaling), and only one step, without noise, comes after it: it shows. $\beta$ at $t \le 4$ and
# $\tilde\beta$ elsewhere give nearly the whole difference. (With a thousand steps $\beta$ is tiny at those few, and
# nobody sees one.)
#
# **Rubric** (½ points allowed)
#
# - 1½ points: a single point for $\tilde\beta_t$, with the reason.
# - 1½ points: standard normal data for $\beta_t$, with the reason.
# - 2 points: at the first few indices, because the factor between the two is close to 1 at all others.

# %% [markdown]
# ## 9 · Digits
#
# The same class, a larger network. The UNet of notebook 06 was trained on 4,500 digits with the loss that you wrote.
# A vector, `text_emb`, tells it which digit to draw (in notebook 11 a text does). Its weights come with the
# course; `TRAIN = True` at the top makes them anew, with your own `p_losses`.

# %% tags=["demo"]
from course_utils import training
from course_utils.recipes import digits as moves
from course_utils.recipes.mnist import MnistUnet


@cache
def on_digits(device="cpu"):
    chain = GaussianDiffusion(None, image_size=28, timesteps=200, beta_schedule="cosine")
    chain.channels = 1
    return chain.to(device)


class Mine(MnistUnet):
    """The shipped checkpoint's recipe, with the loss of your class."""

    def loss(self, model, batch):
        diffusion = on_digits(batch["images"].device)
        diffusion.model = model
        return diffusion.p_losses(moves.move_slightly(batch["images"], batch["move"]), {"text_emb": batch["text_emb"]})

# %% tags=["demo"]
recipe, folder = Mine(), zoo.FOLDER
took = [f"{minutes:g} minutes on {machine}" for machine, minutes in recipe.minutes.items()]
print(f"{recipe.steps:,} steps of {recipe.batch_size} digits;", ", ".join(took) or "not timed yet")
if TRAIN:
    finished = training.train(recipe, resume=False, out=training.RUNS / "finished")
    folder = finished.parent if finished else folder  # where it was interrupted, the shipped weights serve below

shipped = zoo.load("mnist-unet", folder)
print(f"objective: pred_{shipped.config['prediction']}, images of {shipped.config['image_size']} pixels a side")
print(f"a classifier recognises {shipped.metrics['recognised']:.1%} of 1,000 guided samples as what was asked for")

# %% tags=["demo"]
@cache
def trajectory():
    """One digit of each class on its whole way: images (10, T + 1, 1, 28, 28) in [0, 1], and the condition."""
    torch.manual_seed(7)
    diffusion, condition = on_digits(), {"text_emb": shipped.encode(torch.arange(10))}
    diffusion.model = shipped.model
    return diffusion.sample(10, return_all_timesteps=True, model_kwargs=condition), condition


plot.show(plot.images(trajectory()[0][:, -1], titles=[str(k) for k in range(10)]),
          alt="Ten digits, 0 to 9, drawn by 200 steps back from noise.")
print(name_red() or "drawn by your own p_sample")

# %% [markdown]
# Nobody wrote these. (One or two of ten may miss the digit that was asked for: guidance, in notebook 07, mends that.)
# The slider walks through their making: above $x_t$, below what the network believes the picture to be at that moment,
# $\hat x_{\text{start}}$.
#
# **Before you move it, guess:** at which $t$ will the lower row first show the ten digits, and how early can you read
# them in the upper one?

# %% tags=["demo", "nbval-ignore-output"]
@torch.no_grad()
def beliefs(t):
    (images, condition), diffusion = trajectory(), on_digits()
    x_t, times = diffusion.normalize(images[:, diffusion.num_timesteps - 1 - t]), torch.full((10,), t)
    x_hat = diffusion.predict_start_from_noise(x_t, times, diffusion.model(x_t, times, condition))
    return plot.image_rows({f"x at t = {t}": diffusion.unnormalize(x_t),
                            "predicted x_start": diffusion.unnormalize(x_hat)})


widgets.explore(beliefs, caption=lambda t: f"x_t and the predicted x_start at t = {t} of 200.",
                t=widgets.Control([199, 198, 196, 193, 190, 180, 165, 150, 120, 90, 60, 30, 0], default=199))

# %% [markdown]
# The first positions are salt and pepper: question 2 in action. Then soft grey digits appear, each the average of what
# the noise still allows for its class; the stroke is settled later, the edges last.
#
# Many more were drawn when the network was trained, with some guidance by the class (`cfg_scale`, notebook 07).

# %% tags=["demo"]
from numpy import asarray
from PIL import Image

grid = torch.from_numpy(asarray(Image.open(zoo.samples("mnist-unet", folder))) / 255)  # ten digits of 28 x 28 in a row
drawn = grid.reshape(-1, 28, 10, 28).transpose(1, 2).reshape(-1, 1, 28, 28)
plot.show(plot.images(drawn[:100], columns=20), alt="A hundred sampled digits, ten of each class.")

# %% [markdown]
# ## Puzzle
#
# Not graded. Three people sampled the moons, each with one slip:
#
# - a `q_sample` in training that takes $\bar\alpha_t$ and $1 - \bar\alpha_t$ without their roots;
# - a `p_sample` that clamps $\hat x_{\text{start}}$ to $[0, 1]$;
# - a `p_sample` that multiplies the fresh noise by the variance, not by the standard deviation.
#
# Which cloud, A, B or C, is whose? (The data stand in section 8.)

# %% tags=["demo"]
class Rootless(GaussianDiffusion):
    def q_sample(self, x_start, t, noise):
        left = extract(self.alphas_cumprod, t, x_start.shape)
        return left * x_start + (1 - left) * noise


def slipped(network, low=-1.0, power=1):
    diffusion = on_points(network)

    def step(x_t, t):
        t = torch.full((len(x_t),), t)
        with torch.no_grad():
            x_start = diffusion.predict_start_from_noise(x_t, t, network(x_t, t)).clamp(low, 1)
        mean, std = diffusion.q_posterior(x_start, x_t, t)
        return mean + std**power * torch.randn_like(x_t)
    return walk(step)[0]


network = fit("pred_noise")[0]
clouds = [slipped(fit("pred_noise", Rootless)[0]), slipped(network, low=0.0), slipped(network, power=2)]
random.Random(2).shuffle(clouds)
plot.show(plot.points(dict(zip("ABC", clouds))),
          alt="A: points in the upper right quarter only. B: a small ring around the middle. C: two moons, blurred.")

# %% [markdown]
# <details><summary><b>Answer</b></summary>
#
# **A** clamps to $[0, 1]$. Inside the model the data fills $[-1, 1]$, so every coordinate that should be negative is
# pushed to 0: one quarter of the plane is left, with points piled up on its edges.
#
# **B** takes the variance. Every step back pulls the cloud together, towards the mean of what is possible, and only
# the noise spreads it again. A standard deviation below 1 has a smaller square: too little noise, and the moons shrink
# into one ring. (Without any noise all points end in one place.)
#
# **C** has no roots. The moons are there, but blurred. $1 - \bar\alpha_t$ is smaller than its root, so in training
# every $x_t$ held too little noise; sampling brings more of it than the network ever learned to take away. The training
# loss fell as it always does, and nothing warned.
#
# </details>
#
# ## Where this goes
#
# - The network itself, its time embedding and its skips: notebook **06**. Conditions, guidance by `cfg_scale`, and
#   samples in ten steps (DDIM): notebook **07**.
# - $-\varepsilon/\sqrt{1-\bar\alpha_t}$ is the gradient of the log-density of $x_t$ given the data: notebooks **08**
#   and **09** derive the same model from there, and let the number of steps go to infinity.
# - The bound (14) gives way to an exact likelihood, in bits per dimension: notebook **10**.
#
# **References**
#
# - Sohl-Dickstein, Weiss, Maheswaranathan, Ganguli 2015, *Deep Unsupervised Learning using Nonequilibrium
#   Thermodynamics*: the chain and its bound.
# - Ho, Jain, Abbeel 2020, *Denoising Diffusion Probabilistic Models*: equations (4), (11)–(13), (17).
# - Nichol, Dhariwal 2021, *Improved Denoising Diffusion Probabilistic Models*: the cosine schedule, learned
#   variances.
# - Jabri, Fleet, Chen 2023, *Scalable Adaptive Computation for Iterative Generation*: the sigmoid schedule.
# - Salimans, Ho 2022, *Progressive Distillation for Fast Sampling of Diffusion Models*: what to predict, and the
#   weight of question 3.
# - Lin, Liu, Li, Yang 2024, *Common Diffusion Noise Schedules and Sample Steps are Flawed*: schedules that do not end
#   in noise.
#
# ## Summary
#
# 1. Gaussian steps merge: any $x_t$ is one jump from the data,
#    $\sqrt{\bar\alpha_t}\,x_{\text{start}} + \sqrt{1-\bar\alpha_t}\,\varepsilon$.
# 2. Knowing the data, one step back is a Gaussian; not knowing it, it is nearly one when $\beta$ is small.
# 3. The ELBO is a sum of squared errors of predicted noise; without its weights it is the loss that everyone uses.
# 4. Sampling repeats one step: predict, clamp, posterior mean, fresh noise.
