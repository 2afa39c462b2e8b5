# %% [markdown]
# # 09 · One framework: stochastic differential equations
#
# A drop of ink in water spreads until the glass is evenly grey. Nobody has ever seen the grey gather into a drop again.
# Yet there is an equation for it: if at every moment you know in which direction the ink is denser, you can run the
# film backwards. In this notebook the ink is data, the direction is the score of notebook 08, and the chains of 05 and
# 08 turn out to be the same film at different shutter speeds.
#
# **When you are done, you can**
#
# - write a noising chain as an SDE and an SDE as a chain, and say what the noise schedule becomes;
# - derive how an SDE spreads data, and turn its time round;
# - get a score out of whatever a network was trained to predict;
# - combine a predictor with a corrector, and name the four pairs that everybody uses;
# - paint the missing half of a drawing, and the colours of a grey one, with a network that was trained for neither.
#
# **Time:** about three and a half hours: nine exercises (119 minutes), three questions, a puzzle, and the reading.
#
# **Before it:** the chain of notebook 05, the score and Langevin's steps of notebook 08.
#
# If this notebook imports `.py` files of your own, hand them in with it.

# %% tags=["setup"]
import math
from types import SimpleNamespace

import torch
from torch import nn

from course_utils.check import Unfinished, check, method_of

torch.set_printoptions(sci_mode=False)  # 0.0001, not 1e-04

# %% tags=["demo"]
from course_utils import data, densities, diagrams, plot, puzzles, widgets, zoo


def draws(*shape, seed=0):
    """Standard normal numbers."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))

# %% [markdown]
# ## 1 · A chain, filmed faster and faster
#
# One step of notebook 05 is $x_i = \sqrt{1-\beta_i}\,x_{i-1} + \sqrt{\beta_i}\,z$. Give the chain $N$ steps in one unit
# of time, $\Delta t = 1/N$, and let $\beta_i = \beta(t_i)\,\Delta t$ for a function $\beta(t)$. For small $\Delta t$
# the root is $1 - \tfrac12\beta(t)\Delta t$, so one step changes $x$ by
#
# $$x_i - x_{i-1} \approx -\tfrac12\,\beta(t)\,x\,\Delta t + \sqrt{\beta(t)}\,\sqrt{\Delta t}\;z. \tag{1}$$
#
# The noise comes with $\sqrt{\Delta t}$: variances add, so a hundred steps of a hundredth give what one whole step
# gives. In the limit one writes a **stochastic differential equation** (SDE), with $dw$ for $\sqrt{dt}\,z$:
#
# $$dx = f(x, t)\,dt + g(t)\,dw, \qquad\text{here}\quad f = -\tfrac12\beta(t)\,x,\quad g = \sqrt{\beta(t)}. \tag{2}$$
#
# $f$ is the **drift**, $g$ the **diffusion**. This one is called *variance preserving*, VP. The library that this
# framework comes from (`score_sde_pytorch`) has a class for each SDE. Ours have the same methods, so that
# code written for those runs on yours.

# %% tags=["setup"]
def column(c, x):
    """Coefficients (b,) shaped like (b, 1, ..., 1), so that each meets its own sample of x (b, *)."""
    return c.reshape(-1, *[1] * (x.dim() - 1))


class SDE:
    """What all SDEs share: time from 0 (data) to T (noise), the chain of N steps, the prior, and the way back."""

    T, prior_std = 1, 1.0

    def index(self, t):
        """Times (b,) to the nearest indices 0...N-1 of the chain, int64; t = 0 is index 0 and t = T is N-1."""
        return (t * (self.N - 1) / self.T).round().long()

    def prior_sampling(self, shape):
        return self.prior_std * torch.randn(*shape)

    def prior_logp(self, z):
        """log-density of the prior, in nats: (b, *) to (b,)."""
        z = z.flatten(1) / self.prior_std
        return -0.5 * (z**2).sum(1) - z.shape[1] * math.log(math.sqrt(2 * math.pi) * self.prior_std)

    def reverse(self, score_fn, probability_flow=False):
        """The SDE that runs from noise to data; it has `sde` and `discretize` as well."""
        return ReverseSDE(self, score_fn, probability_flow)


class VPSDE(SDE):
    """The chain of DDPM (notebook 05) and its SDE (2), with beta(t) a straight line from beta_min to beta_max."""

    def __init__(self, beta_min=0.1, beta_max=20, N=1000):
        self.beta_0, self.beta_1, self.N = beta_min, beta_max, N
        self.discrete_betas = torch.linspace(beta_min / N, beta_max / N, N)
        self.alphas = 1.0 - self.discrete_betas
        self.alphas_cumprod = torch.cumprod(self.alphas, dim=0)
        self.sqrt_alphas_cumprod = self.alphas_cumprod.sqrt()
        self.sqrt_1m_alphas_cumprod = (1.0 - self.alphas_cumprod).sqrt()

    def sde(self, x, t):
        """Drift (b, *) and diffusion (b,) at times t (b,)."""
        beta = self.beta_0 + t * (self.beta_1 - self.beta_0)
        return -0.5 * column(beta, x) * x, beta.sqrt()

    def discretize(self, x, t):
        """f and G of one step x + f + G z of the chain."""
        beta = self.discrete_betas.to(t.device)[self.index(t)]
        return column((1 - beta).sqrt() - 1, x) * x, beta.sqrt()

# %% [markdown]
# ## 2 · Where a point is after a while
#
# Training needs $x_t$ in one jump, as in notebook 05. Let $B(t) = \int_0^t \beta(s)\,ds$ and look at
# $e^{B(t)/2}\,x_t$. By the product rule its drift is $\tfrac12\beta\,e^{B/2}x - \tfrac12\beta\,e^{B/2}x$, nothing. Only
# noise is left:
#
# $$d\!\left(e^{B(t)/2}\,x_t\right) = e^{B(t)/2}\sqrt{\beta(t)}\;dw. \tag{3}$$
#
# Add up both sides from 0 to $t$. On the left there are only the two ends. On the right stands a sum of very many
# independent little Gaussians, so a Gaussian of mean 0, and its variance is the sum of theirs. This is **Itô's
# isometry**: $\int h(s)\,dw$ has variance $\int h(s)^2\,ds$. With $\beta = B'$ that integral can be done.
#
# **Exercise 1** · medium · 15 minutes
#
# <details><summary><b>Stuck?</b></summary>
#
# Start with $B(t)$ itself: it is the area under a straight line from $\beta_0$ at time 0 to $\beta_1$ at time 1. Then
# write down $\int_0^t h(s)^2\,ds$; its integrand is the derivative of something that you know.
#
# </details>

# %% task="sde.VPSDE.marginal_prob"
@method_of(VPSDE)
def marginal_prob(self, x, t):
    """Mean and standard deviation of x_t, if x_start is x.

    Args:
        x: (b, *) data.
        t: (b,) times in [0, 1]; self.beta_0 and self.beta_1 are beta(0) and beta(1).

    Returns:
        mean: (b, *).
        std: (b,), one number for each sample.
    """
    ####################################################################
    # TODO: B(t), then both. About 4 lines. The chain's tables are of  #
    # no use here: t is any number between 0 and 1.                    #
    ####################################################################
    ### BEGIN SOLUTION
    log_mean_coeff = -0.25 * t**2 * (self.beta_1 - self.beta_0) - 0.5 * t * self.beta_0
    mean = column(torch.exp(log_mean_coeff), x) * x
    std = torch.sqrt(1 - torch.exp(2 * log_mean_coeff))
    return mean, std
    ### END SOLUTION
    ####################################################################
    #                       END OF YOUR CODE                           #
    ####################################################################

# %% check="sde.VPSDE.marginal_prob"
check("sde.VPSDE.marginal_prob")

# %% [markdown]
# <details><summary><b>What you derived</b></summary>
#
# $$x_t = e^{-B(t)/2}\,x_{\text{start}} + \sqrt{1 - e^{-B(t)}}\;z, \qquad
# -\tfrac12 B(t) = -\tfrac14 t^2(\beta_1 - \beta_0) - \tfrac12 t\,\beta_0 \tag{4}$$
#
# The field calls the last expression `log_mean_coeff`.
#
# </details>
#
# Is the chain's table the same thing? Here is what is left of the data, by your formula and by the chain, for three
# $N$.

# %% tags=["demo"]
t = torch.linspace(0, 1, 201)
ways = {"SDE": VPSDE().marginal_prob(torch.ones(201, 1), t)[0][:, 0]}
for N in (25, 100, 1000):
    chain = VPSDE(N=N)
    ways[f"chain of {N}"] = chain.sqrt_alphas_cumprod[chain.index(t)]
plot.show(plot.curves(t, ways, xlabel="t", ylabel="factor of x_start"),
          alt="The factor of the data falls from 1 to nearly 0; the chain of 25 steps is a staircase that lies too "
              "low, that of 100 nearly and that of 1000 wholly on the SDE's curve.")

# %% [markdown]
# **A second SDE** comes from notebook 08. There the data stood still and only the noise grew, $\sigma$ from
# $\sigma_{\min}$ to $\sigma_{\max}$ in a geometric row:
#
# $$x_t = x_{\text{start}} + \sigma(t)\,z, \qquad
# \sigma(t) = \sigma_{\min}\left(\frac{\sigma_{\max}}{\sigma_{\min}}\right)^{t}.
# \tag{5}$$
#
# It is called *variance exploding*, VE. Which $f$ and $g$ make it? Nothing pulls, so all variance comes from $g$:
# between $t$ and $t + dt$ it adds $g^2\,dt$, and (5) says how much that has to be. (At time 0 there is noise of
# $\sigma_{\min}$ already, too little to see: a simulation from data starts at $x_{\text{start}} + \sigma_{\min} z$.)

# %% tags=["setup"]
class VESDE(SDE):
    """The chain of NCSN (notebook 08) and its SDE: data stands still, and noise grows geometrically."""

    def __init__(self, sigma_min=0.01, sigma_max=50, N=1000):
        self.sigma_min, self.sigma_max, self.N, self.prior_std = sigma_min, sigma_max, N, float(sigma_max)
        self.discrete_sigmas = torch.exp(torch.linspace(math.log(sigma_min), math.log(sigma_max), N))  # ascending

    def marginal_prob(self, x, t):
        """Mean (b, *) and std (b,) of x_t, if x_start is x: equation (5)."""
        return x, self.sigma_min * (self.sigma_max / self.sigma_min) ** t

    def discretize(self, x, t):
        """f and G of one step x + f + G z of the chain; below the first sigma there is no noise."""
        i, sigmas = self.index(t), self.discrete_sigmas.to(t.device)
        before = torch.where(i == 0, torch.zeros_like(t), sigmas[(i - 1).clamp(min=0)])
        return torch.zeros_like(x), (sigmas[i] ** 2 - before**2).sqrt()

# %% [markdown]
# **Exercise 2** · medium · 10 minutes
#
# <details><summary><b>Stuck?</b></summary>
#
# Write $\sigma(t)^2$ as $e$ to a power that is linear in $t$, and take its derivative.
#
# </details>

# %% task="sde.VESDE.sde"
@method_of(VESDE)
def sde(self, x, t):
    """Drift and diffusion of the SDE whose marginals are (5).

    Args:
        x: (b, *).
        t: (b,) times in [0, 1].

    Returns:
        drift: (b, *), of x's shape.
        diffusion: (b,), g and not its square.
    """
    ####################################################################
    # TODO: from self.sigma_min and self.sigma_max. About 3 lines.     #
    ####################################################################
    ### BEGIN SOLUTION
    sigma = self.sigma_min * (self.sigma_max / self.sigma_min) ** t
    diffusion = sigma * math.sqrt(2 * math.log(self.sigma_max / self.sigma_min))
    return torch.zeros_like(x), diffusion
    ### END SOLUTION
    ####################################################################
    #                       END OF YOUR CODE                           #
    ####################################################################

# %% check="sde.VESDE.sde"
check("sde.VESDE.sde")

# %% [markdown]
# <details><summary><b>What you derived</b></summary>
#
# $$f = 0, \qquad g(t)^2 = \frac{d\,\sigma(t)^2}{dt} = 2\,\sigma(t)^2\,\log\frac{\sigma_{\max}}{\sigma_{\min}} \tag{6}$$
#
# </details>
#
# A third one, given: **sub-VP** has VP's drift and a smaller $g^2 = \beta(t)\,(1 - e^{-2B(t)})$. It ends in the same
# Gaussian, with less noise on the way.

# %% tags=["setup"]
class subVPSDE(VPSDE):
    """The drift of VP with less noise: the standard deviation is what VP has for a variance."""

    def marginal_prob(self, x, t):
        mean, std = VPSDE.marginal_prob(self, x, t)
        return mean, std**2

    def sde(self, x, t):
        drift, diffusion = VPSDE.sde(self, x, t)
        std = self.marginal_prob(x, t)[1]  # 1 - exp(-B), so that 1 - exp(-2B) is std (2 - std)
        return drift, diffusion * (std * (2 - std)).sqrt()

    def discretize(self, x, t):
        drift, diffusion = self.sde(x, t)
        return drift * (self.T / self.N), diffusion * math.sqrt(self.T / self.N)

# %% [markdown]
# Here they are at work, on numbers that are −1 or 1. Thin lines are simulated by `sde`, step by step; the curve on the
# right is the density that `marginal_prob` tells, in one jump. They have to agree. (VE goes up to $\sigma_{\max} = 5$
# here.)
#
# **Before you move it, guess:** in which of the three can one still tell the two groups at $t = 0.4$?

# %% tags=["demo", "nbval-ignore-output"]
sdes = {"VP": VPSDE(), "VE": VESDE(sigma_max=5), "sub-VP": subVPSDE()}


def forward_paths(sde, steps=400, n=2000):
    """(steps + 1, n) numbers that start at -1 and 1 and follow the SDE."""
    x = torch.arange(n).remainder(2)[:, None] * 2.0 - 1
    x = x + sde.marginal_prob(x, torch.zeros(n))[1][:, None] * draws(n, 1)
    seen, dt = [x], 1 / steps
    for i, z in enumerate(draws(steps, n, 1, seed=1)):
        drift, diffusion = sde.sde(x, torch.full((n,), i * dt))
        x = x + drift * dt + column(diffusion, x) * dt**0.5 * z
        seen.append(x)
    return torch.stack(seen)[..., 0]


paths = {kind: forward_paths(sde) for kind, sde in sdes.items()}


def spread(kind, t):
    mean, std = sdes[kind].marginal_prob(torch.tensor([[-1.0], [1.0]]), torch.full((2,), t))
    return diagrams.paths_and_marginal(paths[kind], t, mean[:, 0], std)


widgets.explore(spread, caption=lambda kind, t: f"{kind}: paths up to time 1, and the density at t = {t}.",
                kind=list(sdes), t=widgets.Control([0.05, 0.2, 0.4, 1.0], default=0.2))

# %% [markdown]
# **Question 1.** Where do the ¼ and the ½ in `log_mean_coeff` come from? And why does the mean of VE stay where it is
# while that of VP decays: what would happen to VP's variance without the decay?

# %% [markdown] question="sde.1"
# The mean obeys $dm = -\tfrac12\beta(t)\,m\,dt$, since $dw$ has mean 0. So $\log m$ falls at the rate
# $\tfrac12\beta(t)$, and its value is $-\tfrac12\int_0^t\beta$. With $\beta = \beta_0 + (\beta_1-\beta_0)s$ the
# integral is $\beta_0 t + \tfrac12(\beta_1-\beta_0)t^2$. The first ½ is the drift's (it came from the root in (1)); the
# ¼ is that ½ times the ½ of integrating $s$.
#
# The drift is what moves a mean. VE has none, so each point stays the centre of its cloud and the cloud grows without
# bound; only against a huge $\sigma_{\max}$ does the data become invisible. VP pulls everything towards 0 at just the
# rate at which noise comes in: a variance of 1 loses $\beta\,dt$ by the pull and gains $\beta\,dt$ by the noise.
# Without the pull it would grow by $B(t)$, and end at about 11 with the data still in its place.
#
# **Rubric** (½ points allowed)
#
# - 2 points: the ½ of the drift, and the ½ of integrating a straight line; their product is the ¼
# - 1½ points: only a drift moves the mean, and VE has none
# - 1½ points: the pull removes the variance that the noise brings; without it the variance would grow (to 1 + B)

# %% [markdown]
# **Question 2.** A chain has $\beta_i$, an SDE has $\beta(t)$. With $N = 1000$ and $\beta$ from 0.1 to 20, what are the
# first and the last $\beta_i$, and what goes wrong with $N = 15$? Then: sub-VP's std is $1 - e^{-B}$ without a root.
# Why, if its variance is what the SDE gives it?

# %% [markdown] question="sde.2"
# $\beta(t)$ is a rate, variance per unit of time; $\beta_i = \beta(t_i)/N$ is what one step of length $1/N$ takes. So
# they run from 0.0001 to 0.02: DDPM's own numbers. Twice as many steps have half the $\beta_i$ and the same $\beta(t)$.
# With $N = 15$ the last is $20/15 > 1$: the root of $1 - \beta_i$ is not real. (1) wants $\beta_i$ small.
#
# For sub-VP the variance $V$ obeys $V' = -\beta V + g^2$ with $g^2 = \beta(1 - e^{-2B})$. Try $V = (1 - e^{-B})^2$: its
# derivative is $2(1 - e^{-B})\,\beta e^{-B}$, and $-\beta(1 - e^{-B})^2 + \beta(1 - e^{-B})(1 + e^{-B})$ is the same.
# So the *variance* is a perfect square, that of VP's variance, and its root is taken: $1 - e^{-B}$. It lies below VP's
# $\sqrt{1 - e^{-B}}$, because a number below 1 is below its root.
#
# **Rubric** (½ points allowed)
#
# - 2 points: rate against amount, $\beta_i = \beta(t_i)/N$: 0.0001 and 0.02
# - 1 point: at N = 15 the last exceeds 1
# - 2 points: the variance is $(1 - e^{-B})^2$ (by its equation or by trying it), so the root has been taken

# %% [markdown]
# ## 3 · The film runs backwards
#
# Anderson (1982) found that the film of a diffusion, played backwards, is a diffusion again. Its noise is the same; its
# drift needs one thing more, the score:
#
# $$dx = \left[f(x,t) - g(t)^2\,\nabla\log p_t(x)\right]dt + g(t)\,d\bar w, \qquad dt < 0. \tag{7}$$
#
# And there is a film without any noise that has the same *density* at every time, the **probability flow**:
#
# $$\frac{dx}{dt} = f(x,t) - \tfrac12\,g(t)^2\,\nabla\log p_t(x). \tag{8}$$
#
# Its single paths are smooth; notebook 10 is about it. Why has it the same density?
#
# <details><summary><b>The argument, which the figure below tests</b></summary>
#
# A density that drifts and diffuses obeys the **Fokker–Planck equation**, $\partial_t p = -\nabla\!\cdot(f p) +
# \tfrac12 g^2\,\Delta p$. Its first term is a flow. The second is one too, since $\Delta p =
# \nabla\!\cdot(p\,\nabla\log p)$: $\ \partial_t p = -\nabla\!\cdot\left[(f - \tfrac12 g^2\nabla\log p)\,p\right]$. This
# is the equation of particles that follow (8) and see no noise. For a film that runs backwards, noise has to be paid
# for with the other sign: hence $\tfrac12 g^2$ once more, and (7).
#
# The equation rests on **Itô's formula**: $(dw)^2$ is $dt$ and not nothing, so $d(x^2) = 2x\,dx + g^2\,dt$. The figure
# tests both in one dimension. On the left is $\mathbb E[x_t^2]$ of simulated paths, with Itô's term and without it.
# On the right, the equation is solved on a grid, without any particle, and compared with where the paths are.
#
# </details>

# %% tags=["demo"]
from course_utils.diffusion import fokker_planck

small = VPSDE(beta_max=4)
grid = torch.linspace(-4, 4, 321, dtype=torch.float64)
density = densities.Mixture(torch.tensor([[-1.5], [1.0]], dtype=torch.float64), 0.2)
x, dt, squares = density.sample(20_000, torch.Generator().manual_seed(0)), 1 / 200, []
for i, z in enumerate(draws(100, 20_000, 1, seed=2)):
    squares.append((x**2).mean().item())
    drift, diffusion = small.sde(x, torch.full((len(x),), i * dt))
    x = x + drift * dt + column(diffusion, x) * dt**0.5 * z
solved = fokker_planck.evolve(density.log_prob(grid[:, None]).exp(), grid,
                              lambda x, t: [c.double() for c in small.sde(x[:, None], t)], 0.5, 200)
plot.show(diagrams.ito_and_fokker_planck(small, squares, dt, x, grid, solved),
          alt="Left: the simulated mean of x squared lies on the curve with Itô's term, far above the one without it. "
              "Right: the histogram of the paths at t = 0.5 lies on the density that was solved on the grid.")

# %% [markdown]
# **Exercise 3** · easy · 8 minutes

# %% task="sde.reverse_sde"
def reverse_sde(sde, score_fn, x, t, probability_flow=False):
    """Drift and diffusion of the way back: equation (7), or (8).

    Args:
        sde: Has sde(x, t), which gives the forward drift (b, *) and diffusion (b,).
        score_fn: score_fn(x, t) gives the score (b, *).
        x: (b, *).
        t: (b,) times.
        probability_flow: Whether (8) is asked for instead of (7).

    Returns:
        drift: (b, *).
        diffusion: (b,); for the probability flow zeros, or the number 0.
    """
    ####################################################################
    # TODO: both equations. About 4 lines.                             #
    ####################################################################
    ### BEGIN SOLUTION
    drift, diffusion = sde.sde(x, t)
    weight = 0.5 if probability_flow else 1.0
    drift = drift - weight * column(diffusion, x) ** 2 * score_fn(x, t)
    return drift, torch.zeros_like(diffusion) if probability_flow else diffusion
    ### END SOLUTION
    ####################################################################
    #                       END OF YOUR CODE                           #
    ####################################################################

# %% check="sde.reverse_sde"
check("sde.reverse_sde")

# %% [markdown]
# It makes `sde.reverse(score_fn)` work, the class below. A chain's step has an $f$ and a $G$ in the place of drift and
# diffusion, so the same function turns it round.

# %% tags=["setup"]
class ReverseSDE:
    """From T to 0; the same interface as a forward SDE."""

    def __init__(self, forward, score_fn, probability_flow=False):
        self.forward, self.score_fn, self.probability_flow = forward, score_fn, probability_flow
        self.T, self.N = forward.T, forward.N

    def sde(self, x, t):
        return reverse_sde(self.forward, self.score_fn, x, t, self.probability_flow)

    def discretize(self, x, t):
        """f and G of one step back, x - f + G z."""
        chain = SimpleNamespace(sde=self.forward.discretize)
        return reverse_sde(chain, self.score_fn, x, t, self.probability_flow)

# %% [markdown]
# A computer cannot take $dt$ to 0. **Euler–Maruyama** freezes drift and diffusion for a short time and steps. We step
# back, from $t$ to $t - \Delta t$, and call the length $\Delta t$ a positive number. Samplers return two things: $x$,
# with the step's fresh noise, to go on with; and `x_mean`, without it, for the very last step: noise added there would
# never be removed.
#
# **Exercise 4** · medium · 12 minutes
#
# <details><summary><b>Stuck?</b></summary>
#
# In (7) time runs backwards, so put $dt = -\Delta t$. Which sign do drift and score get? And which size has the noise
# of a step of length $\Delta t$?
#
# </details>

# %% task="sde.euler_maruyama_step"
def euler_maruyama_step(sde, score_fn, x, t, dt, z):
    """One step of (7) from t back to t - dt.

    Args:
        sde, score_fn: As in reverse_sde.
        x: (b, *) at time t.
        t: (b,).
        dt: A float > 0.
        z: (b, *) standard normal.

    Returns:
        x: (b, *) at time t - dt.
        x_mean: (b, *) the same without the step's noise.
    """
    ####################################################################
    # TODO: mind the direction of time. About 4 lines.                 #
    ####################################################################
    ### BEGIN SOLUTION
    drift, diffusion = reverse_sde(sde, score_fn, x, t)
    x_mean = x - drift * dt
    return x_mean + column(diffusion, x) * math.sqrt(dt) * z, x_mean
    ### END SOLUTION
    ####################################################################
    #                       END OF YOUR CODE                           #
    ####################################################################

# %% check="sde.euler_maruyama_step"
check("sde.euler_maruyama_step")

# %% [markdown]
# Where the score is known, nothing can be blamed on a network. Eight bumps on a ring, noised by any of the
# SDEs, are eight wider bumps; their score is a formula. 1,000 points start in the prior and walk back. Titles give the
# mean log-density of the result in nats, to be compared with the data's.

# %% tags=["demo"]
ring = densities.ring(std=0.15)
truth = ring.sample(1000, torch.Generator().manual_seed(3))


def exact_score(sde, density=ring):
    """The score of a density that the SDE has noised, known exactly; all times of a call are the same."""
    def score_fn(x, t):
        factor, sigma = sde.marginal_prob(torch.ones(1, 1), t[:1])
        return density.noised(factor.item(), sigma.item()).score(x)
    return score_fn


def walk_back(sde, x, score_fn, steps=400, eps=1e-3):
    dt = (1 - eps) / steps
    for i, z in enumerate(draws(steps, *x.shape, seed=4)):
        x, x_mean = euler_maruyama_step(sde, score_fn, x, torch.full((len(x),), 1 - i * dt), dt, z)
    return x_mean


def scored(clouds, density=ring):
    """Clouds with their mean log-density under their names."""
    return plot.points({f"{name}\n{density.log_prob(x).mean():.2f}": x for name, x in clouds.items()}, limits=3)


started = {name: sde.prior_std * draws(1000, 2, seed=5) for name, sde in sdes.items()}
back = {name: walk_back(sde, started[name], exact_score(sde)) for name, sde in sdes.items()}
plot.show(scored(back | {"data": truth}),
          alt="Four clouds: by VP, VE and sub-VP walked back from noise, and data; all are eight equal bumps.")

# %% [markdown]
# One step function, three SDEs, and nothing in it asks which one it is.
#
# ## 4 · From a network to a score
#
# Networks were not all trained to predict a score. The field's convention, which published weights rely on:
#
# | SDE | the network is called with `labels` = | it predicts | std comes from |
# |---|---|---|---|
# | VP, continuous | $999\,t$, floating | noise | `marginal_prob` |
# | VP, discrete | $(N-1)\,t$, floating | noise | `sqrt_1m_alphas_cumprod` at the index of $t$ |
# | sub-VP | as VP, continuous | noise | `marginal_prob` |
# | VE, continuous | $\sigma(t)$ | the score itself | |
# | VE, discrete | $(N-1)(1-t)$, rounded, int64 | the score itself | |
#
# In the last row labels run the other way: NCSN counted its levels from the largest $\sigma$ down, and its weights
# remember it. Noise is turned into a score as in notebook 08: the score of $\text{mean} + \text{std}\cdot z$ is
# $-z/\text{std}$.
#
# **Exercise 5** · hard · 25 minutes
#
# <details><summary><b>Stuck?</b></summary>
#
# Write an inner function `score_fn(x, t)` that asks `isinstance(sde, VESDE)` first. For each row of the table find two
# things, labels and std, and only then call the model, in one place.
#
# </details>

# %% task="sde.get_score_fn"
def get_score_fn(sde, model, continuous=True):
    """The score function of a network, by the table above.

    Args:
        sde: A VPSDE, subVPSDE or VESDE; a subVPSDE counts as continuous, whatever is asked for.
        model: model(x (b, *), labels (b,)) gives (b, *).
        continuous: Whether the network was trained at all times in [0, 1], or at the N times of the chain.

    Returns:
        score_fn(x (b, *), t (b,)) -> (b, *).
    """
    ####################################################################
    # TODO: the five rows. About 11 lines. For VE, sigma(t) is what    #
    # marginal_prob tells as well; sde.index gives the index of t.     #
    ####################################################################
    ### BEGIN SOLUTION
    def score_fn(x, t):
        if isinstance(sde, VESDE):
            if continuous:
                labels = sde.marginal_prob(x, t)[1]
            else:
                labels = ((sde.N - 1) * (sde.T - t)).round().long()
            return model(x, labels)
        if continuous or isinstance(sde, subVPSDE):
            labels, std = 999 * t, sde.marginal_prob(x, t)[1]
        else:
            labels, std = (sde.N - 1) * t, sde.sqrt_1m_alphas_cumprod[sde.index(t)]
        return -model(x, labels) / column(std, x)

    return score_fn
    ### END SOLUTION
    ####################################################################
    #                       END OF YOUR CODE                           #
    ####################################################################

# %% check="sde.get_score_fn"
check("sde.get_score_fn")

# %% [markdown]
# Now a real network. `emoji-unet` has learned 32 × 32 drawings and knows no names. It predicts $v$ (notebook 08) at a
# time in $[0, 1]$; three lines make a noise predictor of it, and `get_score_fn` makes a score.

# %% tags=["demo"]
from course_utils.own import own

convert_prediction, whose = own("08_score_matching", "convert_prediction", checks=["score.convert_prediction"])
print(whose)
shipped = zoo.load("emoji-unet")
network, path = shipped.model, shipped.path


@torch.no_grad()
def noise_predictor(x, labels):
    t = labels / 999
    if convert_prediction is None:
        return path.convert(network(x, t), x, t, "v", "noise")
    return convert_prediction(network(x, t), x, path.alpha(t), path.sigma(t), "v", "noise")


def drawings_score(x, t):
    return get_score_fn(VPSDE(), noise_predictor)(x, t)


drawn = walk_back(VPSDE(), draws(4, 3, 32, 32, seed=6), drawings_score, steps=50)
plot.show(plot.images((drawn + 1) / 2), alt="Four drawings of 32 × 32 pixels, coloured shapes on white.")

# %% [markdown]
# ## 5 · Three losses, and one
#
# How does such a network learn? By denoising score matching (08) at a random time, $t \sim U(10^{-5}, 1)$. Jump to $x_t
# = \text{mean} + \text{std}\cdot z$ and ask for the score; its target is $-z/\text{std}$. The square of the error can
# be weighted:
#
# $$\underbrace{\left\|\,\text{std}\cdot s + z\,\right\|^2}_{\text{times std}^2\text{: every time counts alike}}
# \qquad\text{or}\qquad
# \underbrace{g(t)^2\left\|\,s + z/\text{std}\,\right\|^2}_{\text{likelihood weighting}} \tag{9}$$
#
# The second makes the loss a bound on the log-likelihood (Song, Durkan et al. 2021); it looks at small $t$ most. All the
# losses that you met are one of these:
#
# | name | SDE | times | call |
# |---|---|---|---|
# | SMLD (NCSN) | VE | the $N$ levels | `ncsn_loss` of 08: $\sigma^2\,\Vert s + z/\sigma\Vert^2$ (*) |
# | DDPM | VP | the $N$ indices | `p_losses` of 05: $\Vert z - \hat\varepsilon\Vert^2$, $\hat\varepsilon=-\text{std}\,s$ |
# | continuous | any | all of them | `sde_loss(..., likelihood_weighting=False)` |
# | likelihood weighting | any | all of them | `sde_loss(..., likelihood_weighting=True)` |
#
# (*) The paper takes half of it, and the sum over pixels.
#
# **Exercise 6** · medium · 12 minutes
#
# <details><summary><b>Stuck?</b></summary>
#
# `sde.marginal_prob` gives mean and std, `sde.sde` gives $g$. Make $x_t$ first; the score function is asked there, not
# at $x$.
#
# </details>

# %% task="sde.sde_loss"
def sde_loss(sde, score_fn, x, t, z, likelihood_weighting=False):
    """Denoising score matching at times t: equation (9).

    Args:
        sde: Has marginal_prob and sde.
        score_fn: score_fn(x_t, t) gives (b, *); the loss keeps its graph.
        x: (b, *) clean data.
        t: (b,).
        z: (b, *) standard normal.
        likelihood_weighting: Which of the two.

    Returns:
        a scalar, the mean over batch and dimensions.
    """
    ####################################################################
    # TODO: mean over everything, no half. About 7 lines.              #
    ####################################################################
    ### BEGIN SOLUTION
    mean, std = sde.marginal_prob(x, t)
    std = column(std, x)
    x_t = mean + std * z
    score = score_fn(x_t, t)
    if likelihood_weighting:
        diffusion = column(sde.sde(x_t, t)[1], x)
        return (diffusion**2 * (score + z / std) ** 2).mean()
    return ((std * score + z) ** 2).mean()
    ### END SOLUTION
    ####################################################################
    #                       END OF YOUR CODE                           #
    ####################################################################

# %% check="sde.sde_loss"
check("sde.sde_loss")

# %% [markdown]
# A small network learns three blobs in seconds, with your loss and your score function; then it walks back.

# %% tags=["demo"]
class PlaneNet(nn.Module):
    """Predicts the noise in points of the plane; labels are 999 t."""

    def __init__(self, width=64):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(4, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU(),
                                    nn.Linear(width, width), nn.SiLU(), nn.Linear(width, 2))

    def forward(self, x, labels):
        t = labels[:, None] / 999
        return self.layers(torch.cat([x, t, (t + 1e-3).log() / 3], dim=1))


def trained(sde, density, steps=500):
    torch.manual_seed(0)
    net, generator = PlaneNet(), torch.Generator().manual_seed(0)
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
    slower = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in range(steps):
        x, t = density.sample(1024, generator), 1e-5 + (1 - 1e-5) * torch.rand(1024, generator=generator)
        loss = sde_loss(sde, get_score_fn(sde, net), x, t, torch.randn(1024, 2, generator=generator))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        slower.step()
    return net

# %% tags=["demo"]
blobs = densities.Mixture(torch.tensor([[0.0, 1.5], [-1.3, -0.8], [1.3, -0.8]], dtype=torch.float64), 0.35)
learned = {}
for name in ("VP", "sub-VP"):
    score = get_score_fn(sdes[name], trained(sdes[name], blobs))
    with torch.no_grad():
        learned[f"{name}, learned"] = walk_back(sdes[name], started[name], score, steps=200)
learned["VP, exact score"] = walk_back(sdes["VP"], started["VP"], exact_score(sdes["VP"], blobs), steps=200)
plot.show(scored(learned | {"data": blobs.sample(1000, torch.Generator().manual_seed(3))}, blobs),
          alt="Clouds by the learned scores of VP and sub-VP, by the exact score, and data: three round blobs each; "
              "the learned ones have more points between the blobs.")

# %% [markdown]
# ## 6 · Predictors and correctors
#
# Euler–Maruyama knows nothing of the chain that the network may have been trained on. Two other steps do. **Reverse
# diffusion** takes the chain's own $f$ and $G$; it is given, and shows the form of all of them. **Ancestral sampling**
# is DDPM's way: in the chain, $x_{i-1}$ given $x_i$ and the score is
#
# $$\text{VP: } x_{i-1} = \frac{x_i + \beta_i\,s}{\sqrt{1-\beta_i}} + \sqrt{\beta_i}\,z, \qquad
# \text{VE: } x_{i-1} = x_i + (\sigma_i^2 - \sigma_{i-1}^2)\,s
# + \sqrt{\frac{\sigma_{i-1}^2(\sigma_i^2 - \sigma_{i-1}^2)}{\sigma_i^2}}\;z \tag{10}$$
#
# with $\sigma_{-1} = 0$. (VP's noise here is $\beta_i$, and not the posterior's $\tilde\beta_i$ of notebook 05.)

# %% tags=["setup"]
def reverse_diffusion_predictor(sde, score_fn, x, t, z):
    """One step of the chain, turned round: x (b, *) with the step's noise, and x_mean without it."""
    f, G = sde.reverse(score_fn).discretize(x, t)
    x_mean = x - f
    return x_mean + column(G, x) * z, x_mean


def euler_maruyama_predictor(sde, score_fn, x, t, z):
    return euler_maruyama_step(sde, score_fn, x, t, sde.T / sde.N, z)

# %% [markdown]
# **Exercise 7** · medium · 14 minutes
#
# <details><summary><b>Stuck?</b></summary>
#
# `isinstance(sde, VESDE)` tells which of the two. For VE write down $\sigma_i$ and $\sigma_{i-1}$ as two (b,) tensors
# first; what does index −1 of a tensor give, and what should it be?
#
# </details>

# %% task="sde.ancestral_predictor"
def ancestral_predictor(sde, score_fn, x, t, z):
    """One step of equation (10).

    Args:
        sde: A VPSDE with discrete_betas, or a VESDE with discrete_sigmas, (N,) each; sde.index(t) gives i.
        score_fn, x, t, z: As in euler_maruyama_step.

    Returns:
        x: (b, *) one step earlier.
        x_mean: (b, *) the same without the step's noise.
    """
    ####################################################################
    # TODO: both chains. About 11 lines. t may differ in the batch.    #
    ####################################################################
    ### BEGIN SOLUTION
    i, score = sde.index(t), score_fn(x, t)
    if isinstance(sde, VESDE):
        sigma = sde.discrete_sigmas[i]
        before = torch.where(i == 0, torch.zeros_like(sigma), sde.discrete_sigmas[(i - 1).clamp(min=0)])
        grown = sigma**2 - before**2
        x_mean = x + column(grown, x) * score
        std = (before**2 * grown / sigma**2).sqrt()
    else:
        beta = sde.discrete_betas[i]
        x_mean = (x + column(beta, x) * score) / column((1 - beta).sqrt(), x)
        std = beta.sqrt()
    return x_mean + column(std, x) * z, x_mean
    ### END SOLUTION
    ####################################################################
    #                       END OF YOUR CODE                           #
    ####################################################################

# %% check="sde.ancestral_predictor"
check("sde.ancestral_predictor")

# %% [markdown]
# A predictor makes an error with every step, and the next begins where the last ended. A **corrector** repairs: it
# takes Langevin steps (08), $x + h\,s + \sqrt{2h}\,z$, whose equilibrium is $p_t$. How large a step? Song et al. fix
# the ratio of what the score does to what the noise does, by a number `snr`:
#
# $$h = 2\,a\left(\text{snr}\cdot\frac{\Vert z\Vert}{\Vert s\Vert}\right)^2 \tag{11}$$
#
# where each norm is taken over one sample's dimensions and then **averaged over the batch**, so that all samples take
# the same step. $a$ is the chain's $1 - \beta_i$ (the table `alphas`) for VP and sub-VP, and 1 for VE.
#
# **Exercise 8** · medium · 13 minutes
#
# <details><summary><b>Stuck?</b></summary>
#
# Begin with the two norms as plain numbers: flatten what is not the batch. Then $h$ has the shape of $a$: (b,), or one
# number.
#
# </details>

# %% task="sde.langevin_corrector"
def langevin_corrector(sde, score_fn, x, t, snr, z):
    """One Langevin step of the size (11).

    Args:
        sde: A VPSDE or subVPSDE, which have `alphas` (N,), or a VESDE, which has none.
        score_fn, x, t: As before.
        snr: A float.
        z: (b, *) standard normal; its norm is the one in (11), too.

    Returns:
        x: (b, *).
        x_mean: (b, *) the same without the noise.
    """
    ####################################################################
    # TODO: (11), then the step. About 8 lines.                        #
    ####################################################################
    ### BEGIN SOLUTION
    score = score_fn(x, t)
    score_norm = score.flatten(1).norm(dim=1).mean()
    noise_norm = z.flatten(1).norm(dim=1).mean()
    a = torch.ones_like(t) if isinstance(sde, VESDE) else sde.alphas[sde.index(t)]
    h = column(2 * a * (snr * noise_norm / score_norm) ** 2, x)
    x_mean = x + h * score
    return x_mean + (2 * h).sqrt() * z, x_mean
    ### END SOLUTION
    ####################################################################
    #                       END OF YOUR CODE                           #
    ####################################################################

# %% check="sde.langevin_corrector"
check("sde.langevin_corrector")

# %% [markdown]
# The loop is given. It visits $N$ times from $T$ to a small `eps`, corrects, and predicts. (`project` is for
# section 7.)

# %% tags=["setup"]
@torch.no_grad()
def pc_sample(sde, score_fn, x, predictor, corrector=None, snr=0.16, n_steps=1, eps=1e-3, project=None, seed=0):
    """Predictor-corrector sampling; Song et al. 2021, algorithm 1.

    Args:
        x: (b, *) from the prior.
        predictor: predictor(sde, score_fn, x, t, z) -> (x, x_mean); None stays where it is.
        corrector: corrector(sde, score_fn, x, t, snr, z) -> (x, x_mean), taken n_steps times; None for no correction.
        project: project(x, t, z) -> x at the beginning of every step; None does nothing.

    Returns:
        (b, *) the last x_mean.
    """
    generator = torch.Generator().manual_seed(seed)
    for time in torch.linspace(sde.T, eps, sde.N):
        t = time.expand(len(x))
        if project is not None:
            x = project(x, t, torch.randn(x.shape, generator=generator))
        for _ in range(n_steps if corrector else 0):
            x, x_mean = corrector(sde, score_fn, x, t, snr, torch.randn(x.shape, generator=generator))
        if predictor is not None:
            x, x_mean = predictor(sde, score_fn, x, t, torch.randn(x.shape, generator=generator))
    return x_mean


def annealed_corrector(sde, score_fn, x, t, snr, z):
    """NCSN's step, whose size follows the noise and not the score: h = 2 a (snr std)^2."""
    std = sde.marginal_prob(x, t)[1]
    a = torch.ones_like(t) if isinstance(sde, VESDE) else sde.alphas[sde.index(t)]
    h = column(2 * a * (snr * std) ** 2, x)
    x_mean = x + h * score_fn(x, t)
    return x_mean + (2 * h).sqrt() * z, x_mean

# %% [markdown]
# Four pairs have names, because papers used them:
#
# | who | SDE | predictor | corrector |
# |---|---|---|---|
# | NCSN (08) | VE | none | annealed Langevin |
# | DDPM (05) | VP | ancestral | none |
# | Song et al. 2021, VE | VE | reverse diffusion | Langevin |
# | Song et al. 2021, VP | VP | Euler–Maruyama | none |
#
# On the ring, with the exact score and $N = 300$ times each, they arrive at the same place:

# %% tags=["demo"]
vp, ve = VPSDE(N=300), VESDE(N=300)
pairs = {"NCSN": (ve, None, annealed_corrector, 1e-5), "DDPM": (vp, ancestral_predictor, None, 1e-3),
         "VE: PC": (ve, reverse_diffusion_predictor, langevin_corrector, 1e-5),
         "VP: EM": (vp, euler_maruyama_predictor, None, 1e-3)}
arrived = {}
for name, (sde, predictor, corrector, eps) in pairs.items():
    x = sde.prior_std * draws(1000, 2, seed=5)
    arrived[name] = pc_sample(sde, exact_score(sde), x, predictor, corrector, eps=eps)
plot.show(scored(arrived | {"data": truth}),
          alt="Five clouds of eight bumps on a ring: the four pairs, and data; NCSN's points lie a little wider.")

# %% [markdown]
# With few times a predictor alone does badly, and that is where correction pays. Here are $N = 8$ times only, VE with
# $\sigma$ from 10 down, reverse diffusion. Each correction costs one more evaluation at each time. Circles hold 95 % of
# each bump of the data.
#
# **Before you move it, guess:** can corrections repair the ring, and can `snr` be too large?

# %% tags=["demo", "nbval-ignore-output"]
coarse = VESDE(sigma_max=10, N=8)


def corrected(n_steps, snr):
    x = pc_sample(coarse, exact_score(coarse), 10 * draws(600, 2, seed=7), reverse_diffusion_predictor,
                  langevin_corrector, snr, n_steps, eps=1e-5)
    found, wanted = (ring.log_prob(cloud).mean() for cloud in (x, truth))
    title = f"corrections: {n_steps}, snr = {snr:g}\n{found:.2f} (data: {wanted:.2f})"
    return diagrams.among({title: x}, ring.means, ring.std, limits=3)


widgets.explore(corrected, caption=lambda n_steps, snr: f"8 times, {n_steps} corrections at each, snr = {snr:g}: "
                f"{8 * (1 + n_steps)} evaluations.", n_steps=[0, 1, 4],
                snr=widgets.Control([0.1, 0.3, 0.6, 1.0], default=0.3))

# %% [markdown]
# And drawings. The same four noises, $N = 100$ times, the network from above. The first row costs 100 evaluations, the
# second twice as many.

# %% tags=["demo"]
hundred, noises, rows = VPSDE(N=100), draws(4, 3, 32, 32, seed=8), {}
for name, predictor, corrector in (("Euler–Maruyama", euler_maruyama_predictor, None),
                                   ("reverse diffusion + Langevin", reverse_diffusion_predictor, langevin_corrector)):
    rows[name] = (pc_sample(hundred, drawings_score, noises, predictor, corrector) + 1) / 2
plot.show(plot.image_rows(rows), alt="Two rows of four drawings, one for each sampler.")

# %% [markdown]
# **Question 3.** What does a corrector do to the time $t$ of a sample, and to its density, if it starts too wide? And
# where would DDIM (07) belong in a library of predictors and correctors?

# %% [markdown] question="sde.3"
# Nothing happens to the time: a corrector leaves $t$ as it is. It moves the *sample*. Langevin's steps have $p_t$ as
# their equilibrium, whatever they start from, so a cloud that the predictor has left too wide (or with a bump too full)
# comes nearer to $p_t$ with every step. Only a predictor leads to another time; a sampler that corrects and never
# predicts, NCSN's, simply renames: it calls the same points samples of the next level, and lets the corrector repair
# that.
#
# DDIM leads from $t$ to an earlier $s$, so it is a predictor. With η = 0 it draws no noise: it is a solver of the
# probability flow, beside Euler's step of (8), with $x$ and `x_mean` the same. With η = 1 its noise is the ancestral
# predictor's (with $\tilde\beta$). A corrector may follow it.
#
# **Rubric** (½ points allowed)
#
# - 1½ points: the time stays; only predictors change it
# - 1½ points: the density comes nearer to $p_t$, Langevin's equilibrium
# - 2 points: a predictor, without noise for η = 0 (a solver of the flow)

# %% [markdown]
# ## 7 · Half of it is known
#
# Here is half a drawing. Draw the other half. No network was trained for that, and none is needed: walk back from noise
# as always, but at every time put the known half in its place. Not as it is, though. At time $t$ everything else on the
# canvas is noisy, so the known part has to be *as noisy as $x_t$ is*: a fresh draw of $p(x_t \mid \text{known})$. Then
# the network sees one picture of one noise level.
#
# **Exercise 9** · easy · 10 minutes

# %% task="sde.inpaint_step"
def inpaint_step(sde, x, known, mask, t, z):
    """x with its known part replaced by the observation, noised to time t.

    Args:
        sde: Has marginal_prob.
        x: (b, *) at time t.
        known: (b, *) the observation, clean; what stands in its unknown part is of no importance.
        mask: 1 where known, 0 elsewhere; of x's shape, or one that broadcasts to it.
        t: (b,).
        z: (b, *) standard normal.

    Returns:
        (b, *).
    """
    ####################################################################
    # TODO: about 3 lines.                                             #
    ####################################################################
    ### BEGIN SOLUTION
    mean, std = sde.marginal_prob(known, t)
    noised = mean + column(std, x) * z
    return noised * mask + x * (1 - mask)
    ### END SOLUTION
    ####################################################################
    #                       END OF YOUR CODE                           #
    ####################################################################

# %% check="sde.inpaint_step"
check("sde.inpaint_step")

# %% [markdown]
# Four drawings that the network never saw; a seed chose them, before anybody looked. The right halves are gone.

# %% tags=["demo"]
drawings = data.openmoji("test")[0]
chosen = torch.randperm(len(drawings), generator=torch.Generator().manual_seed(9))[:4]
originals = 2 * drawings[chosen] - 1
mask = torch.ones(1, 1, 32, 32)
mask[..., 16:] = 0
twice = originals.repeat(2, 1, 1, 1)  # two ways to fill each
x = pc_sample(hundred, drawings_score, draws(8, 3, 32, 32, seed=10), euler_maruyama_predictor,
              project=lambda x, t, z: inpaint_step(hundred, x, twice, mask, t, z))
first_way, second_way = ((x * (1 - mask) + twice * mask + 1) / 2).chunk(2)
shown = {"original": (originals + 1) / 2, "known": (originals * mask + 1) / 2}
plot.show(plot.image_rows(shown | {"one way": first_way, "another way": second_way}),
          alt="Four rows of four drawings: the originals, their left halves, and two ways in which the right halves "
              "were filled.")

# %% [markdown]
# The network is small and has not trained for long, so not every half is one that a person would draw. It knows outlines,
# colours and white paper, and its halves join on to the given ones.
#
# Colours are a harder case: of a grey picture no *pixel* is known, only the sum of its three channels. But turn the
# axes of colour, so that the first new axis is the grey direction $(1, 1, 1)/\sqrt3$ and two others stand at right
# angles to it. In the new coordinates the first channel is known and two are missing: this is inpainting again. And a
# turn leaves standard normal noise standard normal, so your function needs no change.

# %% tags=["demo"]
turn = torch.linalg.qr(torch.tensor([[1.0, 0.0, 0.0], [1.0, 1.0, 0.0], [1.0, 0.0, 1.0]]))[0]
turn[:, 0] = turn[:, 0].abs()  # (3, 3), orthonormal columns; the first is (1, 1, 1)/√3


def turned(x, by=turn):
    """Channels (b, 3, h, w) in the new coordinates; turned(x, turn.T) leads back."""
    return torch.einsum("bchw,ck->bkhw", x, by)


luminance = torch.tensor([1.0, 0.0, 0.0]).reshape(1, 3, 1, 1)  # the first coordinate is known
x = pc_sample(hundred, drawings_score, draws(8, 3, 32, 32, seed=20), euler_maruyama_predictor,
              project=lambda x, t, z: turned(inpaint_step(hundred, turned(x), turned(twice), luminance, t, z), turn.T))
x = turned(turned(x) * (1 - luminance) + turned(twice) * luminance, turn.T)
first_way, second_way = ((x + 1) / 2).chunk(2)
shown["known"] = shown["original"].mean(1, keepdim=True).expand(-1, 3, -1, -1)
plot.show(plot.image_rows(shown | {"one way": first_way, "another way": second_way}),
          alt="Four rows of four drawings: the originals, the same in grey, and two ways in which they were coloured.")

# %% [markdown]
# Three ways to condition have now been seen. Side by side, on three blobs in the plane; everything is exact, so that
# what differs is the way itself. The wish is “the blob at the top”, or, for the last, “$x_1 = 0.6$”.
#
# | condition | what is trained for it | what sampling evaluates | exact? |
# |---|---|---|---|
# | the network is told $y$ (07) | the network itself | $\nabla\log p_t(x \mid y)$ | yes |
# | a classifier pushes (07) | a classifier of noisy data | $\nabla\log p_t(x) + \nabla\log p_t(y \mid x)$ | yes |
# | the observation is projected (here) | nothing | $\nabla\log p_t(x)$, and a draw of the noised observation | nearly |

# %% tags=["demo"]
top = densities.Mixture(blobs.means[:1], blobs.std)


def pushed(x, t):
    """The score of all blobs and the gradient of an exact classifier."""
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        factor, sigma = vp.marginal_prob(torch.ones(1, 1), t[:1])
        each = [densities.Mixture(mean[None], blobs.std).noised(factor.item(), sigma.item()) for mean in blobs.means]
        log_prob = torch.stack([one.log_prob(x) for one in each], dim=1).log_softmax(1)[:, 0]
        return exact_score(vp, blobs)(x, t) + torch.autograd.grad(log_prob.sum(), x)[0]


line, first = torch.full((600, 2), 0.6), torch.tensor([1.0, 0.0])
ways = {"told the blob": (exact_score(vp, top), None), "pushed by a classifier": (pushed, None),
        "x₁ = 0.6 projected": (exact_score(vp, blobs), lambda x, t, z: inpaint_step(vp, x, line, first, t, z))}
clouds = {name: pc_sample(vp, score_fn, draws(600, 2, seed=11), euler_maruyama_predictor, project=project)
          for name, (score_fn, project) in ways.items()}
plot.show(diagrams.three_conditions(clouds, blobs, 0.6),
          alt="Three panels with the circles of three blobs: the cloud of a told network and that of a pushed one both "
              "fill the upper circle; the projected points lie on the line x₁ = 0.6. A fourth panel: how they are "
              "spread along it, beside the true conditional density.")

# %% [markdown]
# The last panel shows what “nearly” means. The true density has 63 % of its weight at the upper blob, the projected
# points only 38 %. The projection never tells the unknown part what was observed; it only lets it look at noised copies,
# and a blob that looked likely early is not left any more. Correctors at each time help, since they let both parts come
# to terms: five of them lead to 48 %.
#
# ## Puzzle
#
# Not graded. Three people walked back on the ring, by Euler–Maruyama with the exact score, each with one slip:
#
# - half of $g^2\nabla\log p_t$ in the drift, as in (8), but with the noise of (7);
# - $g$ where $g^2$ belongs;
# - the noise of a step is $g\,\Delta t\,z$.
#
# Which cloud, A, B or C, is whose?

# %% tags=["demo"]
plot.show(plot.points(puzzles.slipped_ways_back(ring), limits=4.5),
          alt="A: eight dense specks on the ring. B: eight bumps, much wider than the data's. C: eight streaks that "
              "point outwards, further from the middle than the ring.")

# %% [markdown]
# <details><summary><b>Answer</b></summary>
#
# **A** has $g\,\Delta t\,z$: the noise is far too small, and what is left is nearly (7) without noise. The full pull of
# the score with nothing against it draws every point into the middle of a bump.
#
# **B** has half of the pull with the whole noise. Noise and pull find a balance in a density that is too wide, at every
# time: so all bumps are wider than they should be, and round.
#
# **C** has $g$ for $g^2$. With $\beta$ up to 20, $g^2$ is up to 4½ times $g$: there is far too little pull where most
# of the noise comes in, and the cloud is far outside when the ring appears. Near the end $g$ is below 1, and the pull
# is too strong; it draws the points inwards, in streaks, and the time runs out.
#
# </details>
#
# ## Where this goes
#
# - **10** follows (8): it samples with a solver, encodes, and tells the likelihood. At its end stands the table
#   of all samplers, by randomness, quality, speed and likelihood.
# - **11** inpaints in latents.
# - **12** chooses another path between data and noise: a straight one.
#
# **References**
#
# - Song, Sohl-Dickstein, Kingma, Kumar, Ermon, Poole 2021, *Score-Based Generative Modeling through Stochastic
#   Differential Equations*: this notebook.
# - Anderson 1982, *Reverse-time diffusion equation models*: equation (7).
# - Song, Durkan, Murray, Ermon 2021, *Maximum Likelihood Training of Score-Based Diffusion Models*: the second half
#   of (9).
# - Ho, Jain, Abbeel 2020, *DDPM*; Song, Ermon 2019, *NCSN*: the two chains.
# - Lugmayr et al. 2022, *RePaint*: what repairs the projection, by going back and forth in time.
#
# ## Summary
#
# 1. A noising chain with ever shorter steps is an SDE, and each SDE has a chain.
# 2. Linear SDEs are known in one jump: the mean by an integrating factor, the variance by Itô's isometry.
# 3. The way back needs the score and nothing else; half of it, without noise, has the same densities.
# 4. Predictors and correctors combine freely; DDPM and NCSN are two of their pairs.
# 5. What is known can be put into its place at every time, noised as everything else is.
