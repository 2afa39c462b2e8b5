# %% [markdown]
# # 10 · The probability flow, and what a picture is worth
#
# Pour milk into coffee and stir by hand: no two cups look alike. Now think of a stirring so exact that every drop has
# its path, the same each time, and can be stirred back to where it came from. Both end in the same even brown. The
# stochastic equation of notebook 09 has such an exact twin. It draws pictures without any noise on the way, it turns
# a picture into the very noise that draws it, and it answers a question that no diffusion model of this course has
# answered so far: how likely is this picture?
#
# **When you are done, you can**
#
# - say why a drift without noise carries the same densities as a noisy process, and sample with it;
# - follow a density along the flow, with the divergence taken exactly or estimated by a random probe;
# - turn a log-density into bits per dimension, and say what the number means and what it does not;
# - derive DDIM with any amount of fresh noise, and tell it from the flow;
# - choose a solver by its error for a given number of network evaluations.
#
# **Time:** about three hours: eight exercises (99 minutes), four questions, a puzzle, and the reading.
#
# **Before it:** notebook 09 (the SDEs and their classes); DDIM of notebook 07.
#
# If this notebook imports `.py` files of your own, hand them in with it.

# %% tags=["setup"]
import math

import numpy as np
import torch
from scipy.integrate import solve_ivp
from torch import nn

from course_utils.check import Unfinished, check

torch.set_printoptions(sci_mode=False)  # 0.0001, not 1e-04


def column(c, x):
    """Coefficients (b,) shaped like (b, 1, ..., 1), so that each meets its own sample of x (b, *)."""
    return c.reshape(-1, *[1] * (x.dim() - 1))

# %% tags=["demo"]
from functools import partial

from course_utils import data, densities, diagrams, plot, puzzles, widgets, zoo
from course_utils.diffusion import flow, likelihood, paths, samplers, solvers
from course_utils.own import own

sde = paths.VP()  # the library's VPSDE, with the methods of notebook 09: sde, T, prior_logp and the others
ring = densities.ring(radius=2.0, std=0.2)


def ring_score(x, t):
    """The exact score of the noised ring, where a network would stand."""
    return ring.model(sde, "score")(x, t)


def seeded(seed):
    return torch.Generator().manual_seed(seed)

# %% [markdown]
# <details><summary><b>Before we start: a change of variables by hand</b></summary>
#
# Let $y = h(x)$ be an invertible map, and let $y$ have a density that you know. Where $h$ stretches, the mass of $x$ is
# spread thinner: $\log p(x) = \log p_y(h(x)) + \log\lvert\det \partial h/\partial x\rvert$.
#
# One *affine coupling* leaves the first half alone and moves the second by functions of the first:
# $y_1 = x_1$, $\;y_2 = x_2\,e^{s(x_1)} + m(x_1)$. With $s(x_1) = x_1/2$, $m(x_1) = x_1$ and $x = (1, 2)$ that is
# $y = (1,\ 2e^{1/2} + 1) \approx (1, 4.30)$. The Jacobian is triangular,
# $\begin{pmatrix}1 & 0\\ \cdot & e^{s}\end{pmatrix}$, so $\log\lvert\det\rvert = s(1) = \tfrac12$, whatever $m$ does.
#
# Normalising flows stack such layers. They pay for the easy determinant with layers that leave half of the input alone.
# The flow of this notebook needs no such layer: it moves everything at once, a little at a time.
#
# </details>
#
# ## 1 · The same crowd, without the noise
#
# Two bumps on a line. On the left the reversed SDE of notebook 09 takes 30 points from noise to data; on the right the
# same 30 points follow a drift only.

# %% tags=["demo"]
bumps = densities.Mixture(torch.tensor([[-1.0], [1.0]], dtype=torch.float64), std=0.15)
bump_score = bumps.model(sde, "score")
times = torch.linspace(1, 1e-3, 500)
crowds = {"reversed SDE": [torch.randn(3000, 1, generator=seeded(0))], "a drift alone": []}
crowds["a drift alone"] += crowds["reversed SDE"]
for name, states in crowds.items():
    reverse, generator = sde.reverse(bump_score, probability_flow=name != "reversed SDE"), seeded(1)
    for t, s in zip(times[:-1], times[1:]):
        drift, g = reverse.sde(states[-1], t.expand(3000))
        z = torch.randn(3000, 1, generator=generator)
        states.append(states[-1] + (s - t) * drift + g[:, None] * (t - s).sqrt() * z)
plot.show(diagrams.two_crowds(times, {k: torch.cat(v, 1) for k, v in crowds.items()}, bumps),
          alt="On the left 30 jagged paths from noise to two bumps, on the right 30 smooth paths that never cross; the "
              "histograms of 3,000 end points lie on the same two-bump density.")

# %% [markdown]
# Single paths could hardly differ more. As a crowd, 3,000 such points, nobody could tell them apart, at the end or at
# any time between. Why? The density of an SDE $dx = f\,dt + g\,dw$ obeys the Fokker–Planck equation of notebook 09,
#
# $$\frac{\partial p_t}{\partial t} = -\nabla\!\cdot\!(f\,p_t) + \tfrac12 g^2\,\nabla\!\cdot\!\nabla p_t . \tag{1}$$
#
# Now $\nabla p_t = p_t\,\nabla\log p_t$. Put that into the last term, and noise has become a drift:
#
# $$\frac{\partial p_t}{\partial t} = -\nabla\!\cdot\!\Big(\big[\,f - \tfrac12 g^2\,\nabla\log p_t\,\big]\,p_t\Big). \tag{2}$$
#
# So points that follow $dx/dt = f - \tfrac12 g^2\,\nabla\log p_t$, without noise, keep the same densities. This is the
# **probability flow**. It is an ordinary differential equation: one way from each $x$, forwards and backwards alike.
# Write the sampler. No loop of your own is needed: `solve_ivp` of scipy takes a slope and adapts its steps to it.
#
# **Exercise 1** · medium · 12 minutes
#
# <details><summary><b>Stuck?</b></summary>
#
# `solve_ivp` knows one flat vector of float64 numbers and one time, a float. Write first what turns its `y` into
# x of z's shape and dtype, and its time into `(b,)` times.
#
# </details>

# %% task="ode.ode_sample"
def ode_sample(sde, score_fn, z, t_min=1e-5, rtol=1e-5, atol=1e-5):
    """Carries noise to data along the probability flow, by one call of scipy's solve_ivp (method "RK45").

    Args:
        sde: Of notebook 09: sde.sde(x, t) gives f (b, *) and g (b,) for times t (b,); sde.T is the time of the noise.
        score_fn: score_fn(x (b, *), t (b,)) gives (b, *).
        z: (b, *) noise.
        t_min: Time of the data.
        rtol, atol: The solver's tolerances.

    Returns:
        x: (b, *) of z's dtype, as the solver left it: no last denoising.
    """
    ####################################################################
    # TODO: the slope as a function of (float, flat array), and the    #
    # two times in the order of sampling. x and t keep z's dtype.      #
    # About 9 lines.                                                   #
    ####################################################################
    ### BEGIN SOLUTION
    @torch.no_grad()
    def slope(t, y):
        x = torch.from_numpy(y).to(z).reshape(z.shape)
        times = torch.full((len(x),), t, dtype=x.dtype, device=x.device)
        f, g = sde.sde(x, times)
        drift = f - 0.5 * column(g**2, x) * score_fn(x, times)
        return drift.double().cpu().numpy().ravel()

    start = z.detach().double().cpu().numpy().ravel()
    solution = solve_ivp(slope, (sde.T, t_min), start, rtol=rtol, atol=atol, method="RK45")
    return torch.from_numpy(solution.y[:, -1]).to(z).reshape(z.shape)
    ### END SOLUTION
    ####################################################################
    #                       END OF YOUR CODE                           #
    ####################################################################

# %% check="ode.ode_sample"
check("ode.ode_sample")

# %% [markdown]
# Eight bumps on a ring, 400 points. Each got its colour in the noise, by its angle; the colour stays with it.

# %% tags=["demo"]
start = torch.randn(400, 2, generator=seeded(2))
drawn = ode_sample(sde, ring_score, start, t_min=1e-3)
plot.show(diagrams.transport_map({"noise": start, "your samples": drawn}, by=start),
          alt="Left a Gaussian cloud coloured by angle; right eight bumps on a ring, each of nearly one colour.")

# %% [markdown]
# Neighbours in the noise stay neighbours: the flow cannot cross itself.
#
# scipy takes one step size for all 400 points, and works on the CPU in float64. The library's solver is the same method
# in torch: it stays on the device, and every sample has steps of its own.

# %% tags=["demo"]
asked = []


def counted(x, t):
    asked.append(len(x))
    return ring_score(x, t)


ode_sample(sde, counted, start, t_min=1e-3)
drift = flow.probability_flow(ring.model(sde, "score"), sde, "score")
own_steps = solvers.rk45(drift, start, 1.0, 1e-3)
print(f"scipy, one step for all: {len(asked)} evaluations of each sample")
print(f"a step for each sample: {own_steps.nfe.min()} to {own_steps.nfe.max()}, {own_steps.nfe.double().mean():.0f} on "
      "average")
print("both arrive at the same points, to 1e-2:", torch.allclose(own_steps.x, drawn, atol=1e-2))

# %% [markdown]
# **Question 1.** No noise is drawn on the way, and yet the marginals are those of the SDE. Explain it to somebody who
# has read (1) and (2) but sees no reason in them: what does the score's term do to a crowd that noise would do? And
# what must *not* be concluded about single paths?

# %% [markdown] question="ode.1"
# Noise does not move a crowd in any direction, but it evens it out: from a dense place more points wander off than
# come back, so on the whole mass flows from dense to thin, in proportion to $-\nabla p$. The term $-\tfrac12
# g^2\nabla\log p_t$ moves every point with a velocity in just that direction, and velocity times density, $-\tfrac12
# g^2\,p\,\nabla\log p = -\tfrac12 g^2\,\nabla p$, is the same mass per time. The density only sees how much mass goes
# where, so it changes in the same way, at every time.
#
# It does not see *which* points go. A path of the SDE forgets where it came from: one noise can end in any bump. In
# the flow, noise and data belong together one to one. So nothing follows about the pair $(x_s, x_t)$: the
# marginals agree, the joint distributions do not. (And all of this needs the true score of each $p_t$.)
#
# **Rubric** (½ points allowed)
#
# - 2½ points: noise moves mass from dense to thin; the score's term is a velocity that moves as much
# - 1½ points: only the marginals agree: paths, or pairs of times, do not
# - 1 point: in the flow each noise has one picture, in the SDE many

# %% [markdown]
# ## 2 · How a density changes along the flow
#
# Follow a small box of points around $x$. A drift $u(x, t)$ moves them all. Its side along axis $i$ grows at the rate
# $\partial u_i/\partial x_i$, so its volume grows at the rate of the sum. The mass inside is what it was. So the
# density at the point that moves with the flow obeys
#
# $$\frac{d}{dt}\,\log p_t\big(x(t)\big) = -\,\nabla\!\cdot u(x(t), t), \qquad
# \nabla\!\cdot u = \sum_i \frac{\partial u_i}{\partial x_i}. \tag{3}$$
#
# This is the *instantaneous change of variables* (Chen et al. 2018): no determinant, only a trace. It has a price.
# The trace takes one derivative for each dimension.
#
# **Exercise 2** · medium · 10 minutes
#
# <details><summary><b>Stuck?</b></summary>
#
# No sample looks at another one. What is the gradient of the *batch's sum* of output number $i$, in the row of sample
# 3, and which entry of that row do you need?
#
# </details>

# %% task="ode.exact_divergence"
def exact_divergence(fn, x, t):
    """The divergence of fn in x, one vector–Jacobian product a dimension.

    Args:
        fn: fn(x (b, *), t (b,)) gives (b, *); no sample looks at another.
        x: (b, *) of any rank; left as it is, and it asks for no gradient afterwards either.
        t: (b,) times.

    Returns:
        (b,) without a graph, also where the caller has switched gradients off.
    """
    ####################################################################
    # TODO: the sum of the Jacobian's diagonal, for each sample.       #
    # About 7 lines. Mind images, (b, c, h, w), and no_grad.           #
    ####################################################################
    ### BEGIN SOLUTION
    with torch.enable_grad():
        x = x.detach().clone().requires_grad_()
        out = fn(x, t).flatten(1)  # (b, d)
        divergence = torch.zeros_like(out[:, 0])
        for i in range(out.shape[1]):
            row, = torch.autograd.grad(out[:, i].sum(), x, retain_graph=True)
            divergence += row.flatten(1)[:, i]
    return divergence.detach()
    ### END SOLUTION
    ####################################################################
    #                       END OF YOUR CODE                           #
    ####################################################################

# %% check="ode.exact_divergence"
check("ode.exact_divergence")

# %% [markdown]
# For a digit that is 784 products at each evaluation. Hutchinson's trick (1990) needs one. Take a random vector $\xi$,
# the **probe**, with independent entries of mean 0 and variance 1. Then $\mathbb E[\xi \xi^\top] = I$, and
#
# $$\mathbb E\big[\xi^\top J\,\xi\big] = \mathbb E\big[\operatorname{tr}(J\,\xi \xi^\top)\big]
# = \operatorname{tr} J . \tag{4}$$
#
# **Exercise 3** · easy · 8 minutes

# %% task="ode.hutchinson_divergence"
def hutchinson_divergence(fn, x, t, probe):
    """Equation (4) with one probe for each sample: one vector–Jacobian product in all.

    Args:
        fn, x, t: As in exact_divergence.
        probe: (b, *) the vectors xi.

    Returns:
        (b,) without a graph, also where the caller has switched gradients off.
    """
    ####################################################################
    # TODO: about 4 lines. No Jacobian need be written down.           #
    ####################################################################
    ### BEGIN SOLUTION
    with torch.enable_grad():
        x = x.detach().clone().requires_grad_()
        product, = torch.autograd.grad(fn(x, t), x, probe)
    return (product * probe).flatten(1).sum(1)
    ### END SOLUTION
    ####################################################################
    #                       END OF YOUR CODE                           #
    ####################################################################

# %% check="ode.hutchinson_divergence"
check("ode.hutchinson_divergence")

# %% [markdown]
# How much does it vary? The left field stretches along its axes only, the right one is the same field, turned by 30°.
# Entries of $\xi$ are ±1 with equal chance (Rademacher), or normal numbers.

# %% tags=["demo"]
angle = math.pi / 6
turn = torch.tensor([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
estimates = {}
for name, J in {"along the axes": torch.diag(torch.tensor([2.0, -0.5])),
                "turned by 30°": turn @ torch.diag(torch.tensor([2.0, -0.5])) @ turn.T}.items():
    x, t = torch.zeros(4000, 2), torch.zeros(4000)
    signs = torch.randint(2, (4000, 2), generator=seeded(3)) * 2.0 - 1
    normal = torch.randn(4000, 2, generator=seeded(4))
    for law, probe in {"Rademacher": signs, "Gaussian": normal}.items():
        estimates[name, law] = hutchinson_divergence(lambda x, t, J=J: x @ J.T, x, t, probe)
plot.show(diagrams.probe_estimates(estimates, truth=1.5),
          alt="Histograms of 4,000 estimates around the true 1.5. Along the axes all Rademacher estimates are exactly "
              "1.5; turned, they are two values on both sides of it; Gaussian estimates spread widely in both.")

# %% [markdown]
# ±1 squared is 1: with Rademacher entries the diagonal counts exactly, and all the variance comes from the entries
# beside it. So a test with a diagonal Jacobian tests nothing. Gaussian entries pay for the diagonal too; they vary more
# whenever it is not zero.
#
# ## 3 · The likelihood
#
# Integrate (3) from the data's time to the noise's, and you know the density of any $x$. The flow carries $x$ to a $z$,
# where the density is known; what was gained or lost on the way is an integral that the same solver can compute
# beside $x$.
#
# **Exercise 4** · hard · 25 minutes
#
# <details><summary><b>Stuck?</b></summary>
#
# Give the solver a longer vector: all numbers of x, and after them one number for each sample that starts at 0. What is
# its slope? Then write (3), integrated from `t_min` to `sde.T`, and solve for $\log p$ at `t_min`.
#
# </details>

# %% task="ode.likelihood_ode"
def likelihood_ode(sde, score_fn, x, t_min=1e-5, rtol=1e-5, atol=1e-5):
    """The log-density that the probability flow gives to x, by scipy's solve_ivp (method "RK45").

    Args:
        sde, score_fn, t_min, rtol, atol: As in ode_sample; sde.prior_logp(z) gives the noise's log-density (b,), nats.
        x: (b, *) data.

    Returns:
        logp: (b,) log-density of x in nats, in x's dtype.
        z: (b, *) the noise that x is carried to, in x's dtype.
        nfe: How often solve_ivp asked for the slope, its `nfev`, an int.
    """
    ####################################################################
    # TODO: x and the change of its log-density, in one solve, with    #
    # exact_divergence. States and times keep x's dtype. About 15      #
    # lines.                                                           #
    ####################################################################
    ### BEGIN SOLUTION
    def drift(x_t, t):
        f, g = sde.sde(x_t, t)
        return f - 0.5 * column(g**2, x_t) * score_fn(x_t, t)

    def slope(t, y):
        x_t = torch.from_numpy(y[:n]).to(x).reshape(x.shape)
        times = torch.full((len(x),), t, dtype=x.dtype, device=x.device)
        divergence = exact_divergence(drift, x_t, times)
        with torch.no_grad():
            moved = drift(x_t, times).flatten()
        return torch.cat([moved, divergence]).double().cpu().numpy()

    n = x.numel()
    start = np.concatenate([x.detach().double().cpu().numpy().ravel(), np.zeros(len(x))])
    solution = solve_ivp(slope, (t_min, sde.T), start, rtol=rtol, atol=atol, method="RK45")
    end = torch.from_numpy(solution.y[:, -1]).to(x)
    z, change = end[:n].reshape(x.shape), end[n:]
    return sde.prior_logp(z) + change, z, solution.nfev
    ### END SOLUTION
    ####################################################################
    #                       END OF YOUR CODE                           #
    ####################################################################

# %% check="ode.likelihood_ode"
check("ode.likelihood_ode")

# %% [markdown]
# A formula to compare with: for Gaussian data every $p_t$ is Gaussian, and so is the flow. Take variances
# $\kappa = (9, \tfrac14)$ along two turned axes. With $B(t) = \int_0^t \beta$, the noised data has variance
# $V_i(t) = e^{-B(t)}\kappa_i + 1 - e^{-B(t)}$ along axis $i$.

# %% tags=["demo"]
kappa = torch.tensor([9.0, 0.25], dtype=torch.float64)
gauss = densities.Gaussian(turn.double() @ torch.diag(kappa) @ turn.double().T)


def V(t):
    return torch.exp(-sde.integral(torch.tensor(t, dtype=torch.float64))) * (kappa - 1) + 1


x = torch.tensor([[6.0, -1.0], [3.0, 0.4]], dtype=torch.float64) @ turn.double().T
logp, _, nfe = likelihood_ode(sde, gauss.score_fn(sde), x, rtol=1e-8, atol=1e-8)
pushed = densities.Gaussian(turn.double() @ torch.diag(V(1e-5) / V(1.0)) @ turn.double().T)
print("your log p:                   ", logp)
print("less that of the data:        ", logp - gauss.log_prob(x))
print("less N(0, V(t_min) / V(1)):   ", logp - pushed.log_prob(x))

# %% [markdown]
# Nearly the data's own density, but not to the last digit, and the difference is no error of the solver. At $t = 1$ the
# data is not quite forgotten: its variance is $V(1)$, while the prior says 1. What you compute is the density that the
# flow makes of *exact* standard noise, $\mathcal N(0, V(t_{\min})/V(1))$, and that matches.
#
# And it is the density at $t_{\min}$, where the data carries a little noise already, not the data's own. For data on a
# finite grid, such as digits, the data's own density would not even exist.

# %% tags=["demo"]
side = torch.linspace(-3, 3, 31)
grid = torch.cartesian_prod(side, side)
logp, _, nfe = likelihood_ode(sde, ring_score, grid, t_min=1e-3, rtol=1e-3, atol=1e-3)
at_t_min = ring.noised(float(sde.alpha(1e-3)), float(sde.sigma(1e-3)))
plot.show(diagrams.log_density_maps({"by your flow": logp, "exact": at_t_min.log_prob(grid)}, side),
          alt="Two maps of log-density over the plane that look the same: eight bright bumps on a ring.")
print(f"{nfe} evaluations for all {len(grid)} points; the largest difference where log p > -10 is "
      f"{(logp - at_t_min.log_prob(grid))[logp > -10].abs().max():.2f} nats")

# %% [markdown]
# For pictures Hutchinson takes the place of the exact divergence. One probe is drawn for each sample and kept along the
# way. Why not a new one at each evaluation? It would be as unbiased. Here is the solver on the Gaussian with either.

# %% tags=["demo"]
def slope_with(probe_of):
    drift = flow.probability_flow(gauss.score_fn(sde), sde, "score")

    def slope(t, y):
        x_t, times = torch.from_numpy(y[:2])[None], torch.full((1,), t, dtype=torch.float64)
        divergence = hutchinson_divergence(drift, x_t, times, probe_of())
        return torch.cat([drift(x_t, times)[0], divergence]).detach().numpy()
    return slope


generator = seeded(5)
fresh = partial(torch.randn, 1, 2, generator=generator, dtype=torch.float64)
kept = fresh()
start_2 = np.array([*x[0].tolist(), 0.0])
runs = {name: solve_ivp(slope_with(probe_of), (1e-5, 1.0), start_2, rtol=1e-3, atol=1e-3)
        for name, probe_of in {"one probe, kept": lambda: kept, "a fresh one each time": fresh}.items()}
plot.show(diagrams.step_sizes({f"{name}: {run.nfev:,} evaluations": run.t for name, run in runs.items()}),
          alt="Step sizes over time, on a logarithmic axis: with a kept probe four large steps; with fresh "
              "probes ninety small ones, most of them of about a hundredth.")

# %% [markdown]
# With fresh probes the slope is no function any more. The solver compares two answers, takes their difference for its
# own error, halves its step, and finds nearly the same difference again: it never settles. The finer the tolerance,
# the worse.
#
# The round trip, too, is worth a look: data to noise, then back by your `ode_sample`.
#
# **Before you move it, guess:** which gets worse first as the tolerance is loosened, the points of a round trip or the
# log-density?

# %% tags=["demo", "nbval-ignore-output"]
fifty = ring.sample(50, seeded(6))
exact_logp = likelihood_ode(sde, ring_score, fifty.double(), t_min=1e-3, rtol=1e-8, atol=1e-8)[0]


def there_and_back(tol):
    logp, z, nfe = likelihood_ode(sde, ring_score, fifty, t_min=1e-3, rtol=tol, atol=tol)
    return logp, ode_sample(sde, ring_score, z, t_min=1e-3, rtol=tol, atol=tol), nfe


trips = {tol: there_and_back(tol) for tol in (0.3, 0.1, 0.03, 0.01, 1e-3, 1e-4, 1e-5)}


def round_trip(tolerance):
    logp, back, nfe = trips[tolerance]
    return diagrams.round_trip(fifty, back, exact_logp, logp, f"{nfe} evaluations")


widgets.explore(round_trip, caption=lambda tolerance: f"Fifty points there and back, rtol = atol = {tolerance:g}.",
                tolerance=widgets.Control(list(trips), default=1e-3))

# %% [markdown]
# ## 4 · What a digit is worth, in bits
#
# A digit's pixels are levels 0…255, and a density of such data would be nonsense: a model could put a spike on each
# level and reach any value. So one spreads every level evenly over its cell (uniform *dequantisation*): level $k$
# becomes a number drawn evenly from $[k, k + 1)$, which is divided by 256 and moved to the model's range. Now
# compare with notebook 02, where a model gave *probabilities* to levels. The probability of a picture is about its
# density times the volume of its cell, all the pixels' cells multiplied. Take $-\log_2$ of it, and share it out among
# the `dims` numbers.
#
# **Exercise 5** · medium · 10 minutes
#
# <details><summary><b>Stuck?</b></summary>
#
# How wide is the cell of one level when 256 levels fill the range from `low` to `high`? How many such widths are
# multiplied?
#
# </details>

# %% task="ode.bits_per_dim"
def bits_per_dim(logp, dims, data_range):
    """Bits for each number of a picture of 256 levels.

    Args:
        logp: (b,) log-density in nats of the dequantised picture, in data_range.
        dims: How many numbers a picture has.
        data_range: The pair (low, high) that the 256 levels fill, (-1, 1) or (0, 1) for instance.

    Returns:
        (b,) bits.
    """
    ####################################################################
    # TODO: about 2 lines. Watch the unit.                             #
    ####################################################################
    ### BEGIN SOLUTION
    low, high = data_range
    return -logp / (dims * math.log(2)) + math.log2(256 / (high - low))
    ### END SOLUTION
    ####################################################################
    #                       END OF YOUR CODE                           #
    ####################################################################

# %% check="ode.bits_per_dim"
check("ode.bits_per_dim")

# %% [markdown]
# <details><summary><b>What you derived</b></summary>
#
# $$\text{bits/dim} = -\frac{\log p}{D \ln 2} + \log_2\frac{256}{\text{high} - \text{low}} \tag{5}$$
#
# For data in $[-1, 1]$ that is $+\,7$ and for $[0, 1]$ it is $+\,8$: the wider the range, the thinner the density.
#
# </details>
#
# Four held-out digits, live, by the network `mnist-vp` of notebook 08. It predicts $v$; the library's likelihood turns
# that into the flow, draws one Rademacher probe a digit, and stops at a tolerance of 0.001.

# %% tags=["demo"]
shipped = zoo.load("mnist-vp")
network = shipped.model.to(memory_format=torch.channels_last)
digits, labels = data.mnist("test")
four = digits[[3, 120, 260, 470]]
x = likelihood.dequantize(four, torch.rand(four.shape, generator=seeded(0)))
solver = likelihood.Solver(rtol=1e-3, atol=1e-3, bits_tol=1e-3, t_min=1e-5)
found = likelihood.log_likelihood(network, x, shipped.path, prediction="v", solver=solver, per_sample=[],
                                  generator=seeded(1))
bits = bits_per_dim(found.logp, 784, (-1, 1))
plot.show(plot.images(four, titles=[f"{b:.2f} bits/dim" for b in bits]),
          alt="Four held-out digits with their bits per dimension above them.")
print(f"the network was asked about {round(found.nfe.double().mean().item(), -2):.0f} times for each")

# %% [markdown]
# A stroke costs bits, empty paper hardly any: a thin one is cheap, whatever its shape. The recipe measured many more
# digits: 128 at three states of the training, and 500 at its end. Beside them stands what notebook 02's PixelCNN of 256
# levels reached.

# %% tags=["demo"]
metrics, pixel = shipped.metrics, zoo.load("pixelcnn-256").metrics
steps = [1000, 4000, 8000]
plot.show(diagrams.bits_over_training(steps, [metrics[f"bits_per_dim_after_{n}"] for n in steps]),
          alt="Bits per dimension of 128 held-out digits fall over the training, from 2.47 to 2.15 and 2.05.")
print(f"diffusion, 500 digits: {metrics['bits_per_dim']:.2f} ± {metrics['bits_per_dim_stderr']:.2f} bits/dim, 256 levels")
print(f"PixelCNN, 256 levels:  {pixel['bits_per_dim']:.2f} ± {pixel['bits_per_dim_stderr']:.2f} bits/dim")
print(f"independent pixels:    {pixel['bits_per_dim_independent']:.2f} bits/dim")

# %% [markdown]
# The worse number belongs to the better pictures. On these digits most pixels are exactly black. A PixelCNN says
# “level 0” with a probability near 1 and pays next to nothing. A flow is smooth: to say the same it must build a
# cliff at both ends of a cell of width 1/128, in every pixel. It also pays for the even spread, which it never saw in
# training. Bits per dimension compare models that are asked the same question, of one data set at one number of
# levels.
#
# **Question 2.** Why is bits/dim an evaluation here, and no training loss: what would one step of training by it cost,
# compared with a step by the denoising loss? And name one reason why a lower bits/dim need not mean better pictures.

# %% [markdown] question="ode.2"
# One value needs the whole solve: about a hundred evaluations of the network one after the other, each with a
# vector–Jacobian product. To train by it, one would differentiate through all of that (or solve a second, adjoint
# ODE), with the second derivatives that the divergence brings: hundreds of times the cost of the denoising loss,
# which asks the network once, at one random time, and needs no solver. The estimate would carry the probe's noise as
# well. So one trains by denoising, each time by itself, and measures the likelihood now and then.
#
# Bits/dim count every bit of every pixel alike. Nearly all of them are spent on the last levels, differences of 1/128
# that nobody sees; shapes that make a digit a digit are a few bits of the whole. A model can gain much by a sharper
# noise floor and draw as badly as before. (Or: the number compares only at equal data, levels and dequantisation.)
#
# **Rubric** (½ points allowed)
#
# - 2 points: one value is a solve of about a hundred evaluations with products, to be differentiated through
# - 1 point: the denoising loss asks once, at one random time
# - 2 points: a reason: bits are spent on invisible levels, or likelihood and looks measure different things

# %% [markdown]
# ## 5 · DDIM, with a dial for noise
#
# Notebook 07's DDIM drew no noise; notebook 05's ancestral step drew much. They are two ends of one family (Song, Meng &
# Ermon 2021). The network predicts $\hat\varepsilon$; with it you know an $\hat x_{\text{start}}$. Now let the step to
# $s$ add *fresh* noise of a standard deviation `std` that we choose. At $\eta = 1$ it shall be that of the posterior
# in 05, at 0 none:
#
# $$\text{std} = \eta\,\sqrt{\frac{1-\bar\alpha_s}{1-\bar\alpha_t}}\,\sqrt{1 - \frac{\bar\alpha_t}{\bar\alpha_s}}\,. \tag{6}$$
#
# **Exercise 6** · easy · 6 minutes

# %% task="ode.ddim_sigma"
def ddim_sigma(eta, alpha_bar_t, alpha_bar_s):
    """The standard deviation of the fresh noise in a step of DDIM from t to s, equation (6).

    Args:
        eta: A number in [0, 1].
        alpha_bar_t, alpha_bar_s: (b,) what is left of the data's variance at t and at the earlier s; 1 is clean data.

    Returns:
        (b,).
    """
    ####################################################################
    # TODO: about 1 line.                                              #
    ####################################################################
    ### BEGIN SOLUTION
    return eta * ((1 - alpha_bar_s) / (1 - alpha_bar_t)).sqrt() * (1 - alpha_bar_t / alpha_bar_s).sqrt()
    ### END SOLUTION
    ####################################################################
    #                       END OF YOUR CODE                           #
    ####################################################################

# %% check="ode.ddim_sigma"
check("ode.ddim_sigma")

# %% [markdown]
# Now the step. At $s$ the state must be what it is in training at $s$: the data times $\sqrt{\bar\alpha_s}$, and noise
# of *total* variance $1-\bar\alpha_s$. Part of that noise is fresh, $\text{std}\cdot z$. The rest is the old one: it
# comes in the direction of $\hat\varepsilon$. Fresh and old noise are independent, and variances add. (07 clamped $\hat
# x_{\text{start}}$; here nothing is clamped.)
#
# **Exercise 7** · medium · 14 minutes
#
# <details><summary><b>Stuck?</b></summary>
#
# Three terms. Two of them are in the text. Let the third be $c\,\hat\varepsilon$: which variance does it have, and what
# must it and the fresh noise's add up to?
#
# </details>

# %% task="ode.ddim_step_eta"
def ddim_step_eta(x_t, noise_pred, alpha_bar_t, alpha_bar_s, eta, z):
    """One step of DDIM from t to an earlier s, with fresh noise; nothing is clamped.

    Args:
        x_t, noise_pred: (b, *), data of any rank; noise_pred is the network's answer at t.
        alpha_bar_t, alpha_bar_s: (b,) as in ddim_sigma.
        eta: A number in [0, 1].
        z: (b, *) standard normal, the fresh noise.

    Returns:
        x_s: (b, *).
    """
    ####################################################################
    # TODO: with ddim_sigma. About 6 lines.                            #
    ####################################################################
    ### BEGIN SOLUTION
    std = column(ddim_sigma(eta, alpha_bar_t, alpha_bar_s), x_t)
    alpha_bar_t, alpha_bar_s = column(alpha_bar_t, x_t), column(alpha_bar_s, x_t)
    x_start = (x_t - (1 - alpha_bar_t).sqrt() * noise_pred) / alpha_bar_t.sqrt()
    direction = (1 - alpha_bar_s - std**2).sqrt() * noise_pred
    return alpha_bar_s.sqrt() * x_start + direction + std * z
    ### END SOLUTION
    ####################################################################
    #                       END OF YOUR CODE                           #
    ####################################################################

# %% check="ode.ddim_step_eta"
check("ode.ddim_step_eta")

# %% [markdown]
# <details><summary><b>What you derived</b></summary>
#
# $$x_s = \sqrt{\bar\alpha_s}\;\hat x_{\text{start}} + \sqrt{1-\bar\alpha_s-\text{std}^2}\;\hat\varepsilon
# + \text{std}\;z \tag{7}$$
#
# </details>
#
# Three starting points, five runs from each, thirty steps.
#
# **Before you move it, guess:** at $\eta = 0$, how many ends do you see? And at $\eta = 1$, do runs from one start end
# in one bump?

# %% tags=["demo", "nbval-ignore-output"]
noise_of_ring = ring.model(sde)
chain = sde.alpha(torch.linspace(1, 1e-3, 31)).double().square()  # alpha_bar at 31 times
starts = torch.tensor([[0.3, 1.2], [-1.0, 0.2], [0.7, -0.9]]).repeat_interleave(5, 0)


def runs_at(eta):
    walk, generator = [starts], seeded(7)
    for i, t in enumerate(torch.linspace(1, 1e-3, 31)[:-1]):
        left = chain[i:i + 2].float().expand(15, 2)
        z = torch.randn(15, 2, generator=generator)
        walk.append(ddim_step_eta(walk[-1], noise_of_ring(walk[-1], t.expand(15)), left[:, 0], left[:, 1], eta, z))
    return diagrams.walks_from(torch.stack(walk), ring.means)


widgets.explore(runs_at, caption=lambda eta: f"Five runs from each of three starts, η = {eta:g}.",
                eta=widgets.Control([0.0, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0], default=0.0))

# %% [markdown]
# How is DDIM at $\eta = 0$ related to the probability flow? Divide (7) by $\sqrt{\bar\alpha_s}$ and write
# $\bar x = x/\sqrt{\bar\alpha}$ and $\bar\sigma = \sqrt{1-\bar\alpha}/\sqrt{\bar\alpha}$:
#
# $$\bar x_s = \bar x_t + (\bar\sigma_s - \bar\sigma_t)\;\hat\varepsilon. \tag{8}$$
#
# This is Euler's step of $d\bar x/d\bar\sigma = \hat\varepsilon$, and that equation is the probability flow, written
# in other coordinates. So in the limit of many steps both agree. They differ in the steps: DDIM's are straight in
# $\bar\sigma$, not in $t$. And the network need not be asked at every index: nothing in (7) says that $s$ is $t - 1$.
#
# **Question 3.** Why may DDIM skip steps that ancestral sampling may not? Which two estimates does it recombine at
# $\eta = 0$, and when would a single step from $t$ to any $s$ be exact?

# %% [markdown] question="ode.3"
# The training loss only knows the marginals $q(x_t \mid x_{\text{start}})$, one time at a time; no step from $t$ to
# $t-1$ stands in it. DDIM's family keeps these marginals for *any* pair $s < t$, by construction (data and noise have
# the right sizes at $s$), so any sequence of times may be walked with the same network. Ancestral sampling replaces
# $q(x_{t-1}\mid x_t)$ by a Gaussian, which is right for small steps only, and its noise is drawn anew in each.
#
# At $\eta = 0$ it recombines $\hat x_{\text{start}}$ and $\hat\varepsilon$, which are one answer of the network told
# in two ways: they make $x_t$ together, and with the weights of $s$ they make $x_s$. A jump is exact where
# $\hat\varepsilon$ stays the same along the whole way, so that $\bar x$ is straight in $\bar\sigma$: if the data were
# one single point, for instance. Elsewhere it is Euler's error of a long step.
#
# **Rubric** (½ points allowed)
#
# - 2 points: only marginals were trained, and every step of the family keeps them for any s < t
# - 1½ points: $\hat x_{\text{start}}$ and $\hat\varepsilon$, with the weights of s
# - 1½ points: exact where $\hat\varepsilon$ does not change along the way (one data point)

# %% [markdown]
# ## 6 · A better step
#
# Euler's method trusts the slope at the start of a step all the way. Heun's looks first where that leads, asks for the
# slope there, and then goes from the *old* place by the mean of both slopes. Two evaluations a step; are they worth it?
#
# **Exercise 8** · medium · 14 minutes
#
# <details><summary><b>Stuck?</b></summary>
#
# The step's length is $s - t$, negative when you sample. Give the three states and the two slopes names before you
# write.
#
# </details>

# %% task="ode.heun_step"
def heun_step(drift, x, t, s):
    """One step of Heun's method for dx/dt = drift(x, t), from t to s.

    Args:
        drift: drift(x (b, *), t (b,)) gives (b, *).
        x: (b, *) the state at t; not changed.
        t, s: (b,) times; s may be larger or smaller than t.

    Returns:
        (b, *) the state at s.
    """
    ####################################################################
    # TODO: about 4 lines, two evaluations of the drift.               #
    ####################################################################
    ### BEGIN SOLUTION
    h = column(s - t, x)
    first = drift(x, t)
    second = drift(x + h * first, s)
    return x + h * (first + second) / 2
    ### END SOLUTION
    ####################################################################
    #                       END OF YOUR CODE                           #
    ####################################################################

# %% check="ode.heun_step"
check("ode.heun_step")

# %% [markdown]
# Every solver runs from the same 300 noises to $t = 0.001$. The truth is a solve with a tolerance of $10^{-9}$; the
# error is the mean distance from it. All are charged by what costs time with a network: its evaluations.

# %% tags=["demo"]
field = flow.probability_flow(ring.model(sde, "score"), sde, "score")
begin = torch.randn(300, 2, generator=seeded(8), dtype=torch.float64)
truth = solvers.rk45(field, begin, 1.0, 1e-3, 1e-9, 1e-9).x
model = ring.model(sde)


def walked(step, field, x, n):
    """x (b, *) carried from t = 1 to 0.001 by n steps; equal steps of √t, so that they are finer near the data."""
    grid = torch.linspace(1, 1e-3**0.5, n + 1, dtype=x.dtype).square()
    for t, s in zip(grid[:-1], grid[1:]):
        x = step(field, x, t.expand(len(x)), s.expand(len(x)))
    return x


def euler_step(drift, x, t, s):
    return x + column(s - t, x) * drift(x, t)


def error(x):
    return (x - truth).norm(dim=1).mean().item()

# %% tags=["demo"]
grids = {n: samplers.times_log_snr(sde, n, end=1e-3) for n in (5, 8, 12, 20, 40, 80)}
curves = {"Euler": {n: error(walked(euler_step, field, begin, n)) for n in (5, 10, 20, 40, 80, 160)},
          "Heun": {2 * n: error(walked(heun_step, field, begin, n)) for n in (3, 5, 10, 20, 40, 80)},
          "DPM-Solver++": {n: error(samplers.sample_dpmpp_2m(model, begin, sde, grid, clamp=None))
                           for n, grid in grids.items()}}
by_tolerance = [solvers.rk45(field, begin, 1.0, 1e-3, tol, tol) for tol in (0.1, 1e-2, 1e-3, 1e-4)]
curves["RK45"] = {run.nfe.double().mean().item(): error(run.x) for run in by_tolerance}
plot.show(diagrams.error_curves(curves),
          alt="Mean error over evaluations, both logarithmic. Euler falls slowest; Heun and DPM-Solver++ twice as steeply, "
              "Heun the lower of the two; RK45 is useless below 30 evaluations and the best of all from 60 on.")

# %% [markdown]
# On logarithmic axes a method of order $p$ is a line of slope $-p$: doubling the steps halves Euler's error and
# quarters Heun's. The order counts once the steps are fine; with few of them, where they lie counts more.
# DPM-Solver++ takes equal steps of log-SNR and asks once a step, with the step before to extrapolate from. RK45, of
# order 5, pays six evaluations for any step at all.
#
# The same with digits: six noises, three methods.

# %% tags=["demo"]
digit_flow = flow.probability_flow(network, shipped.path, "v")
z = torch.randn(6, 1, 28, 28, generator=seeded(9))


with torch.no_grad():
    rows = {f"Euler, {n} evaluations": walked(euler_step, digit_flow, z, n) for n in (10, 20)}
    rows |= {f"your Heun, {2 * n} evaluations": walked(heun_step, digit_flow, z, n) for n in (5, 10)}
rows["DPM-Solver++, 10 evaluations"] = samplers.sample_dpmpp_2m(network, z, shipped.path, 10, prediction="v")
plot.show(plot.image_rows({name: (x + 1) / 2 for name, x in rows.items()}), alt="The same six digits by each method.")

# %% [markdown]
# The fourth digit shows the difference. Ten evaluations leave it between an eight and a nine, by Euler and by Heun, whose
# second slope leaves some grain as well. With twenty of Heun's, or ten of DPM-Solver++, it is a nine.
#
# ## 7 · Between two digits
#
# The flow gives each picture its noise. Between two *pictures* a straight line shows two ghosts; between their
# *noises*, along the arc of notebook 04's slerp, every stop is a noise that the flow can draw. Left and right stand
# real held-out digits, carried to noise by twenty of your Heun steps, and back.
#
# **Before you move it, guess:** halfway between a three and an eight, what will the flow draw?

# %% tags=["demo"]
slerp, whose = own("04_gan", "slerp", checks=["gan.slerp"])
print(whose)
if slerp is None:
    def slerp(z0, z1, t):
        angle = torch.acos(torch.cosine_similarity(z0, z1, dim=1))[:, None]
        return (torch.sin((1 - t) * angle) * z0 + torch.sin(t * angle) * z1) / torch.sin(angle)
pairs = torch.stack([digits[labels == k][1] for k in (3, 7, 0, 8, 9, 6)])
stops = [i / 6 for i in range(7)]

# %% tags=["demo", "nbval-ignore-output"]
with torch.no_grad():
    codes, grid = 2 * pairs - 1, torch.linspace(1e-3**0.5, 1, 21).square()
    for t, s in zip(grid[:-1], grid[1:]):
        codes = heun_step(digit_flow, codes, t.expand(6), s.expand(6))
    begins, ends = codes[:3].flatten(1), codes[3:].flatten(1)
    between = {w: walked(heun_step, digit_flow, slerp(begins, ends, w).reshape(-1, 1, 28, 28), 12) for w in stops}


def halfway(w):
    blend = torch.lerp(pairs[:3], pairs[3:], w)
    return plot.image_rows({"pictures mixed": blend, "noises mixed": (between[w] + 1) / 2})


widgets.explore(halfway, caption=lambda w: f"Three pairs of digits, {w:.0%} of the way from the first to the second.",
                w=widgets.Control(stops, default=0.5))

# %% [markdown]
# ## 8 · The whole map
#
# Seven samplers, by what one would choose them for:
#
# | sampler | random | pictures | evaluations | likelihood |
# |---|---|---|---:|---|
# | ancestral (05) | yes | very good with all steps | 200–1,000 | a bound only (ELBO) |
# | Euler–Maruyama (09) | yes | good when fine | 500–1,000 | no |
# | reverse diffusion + Langevin (09) | yes | very good | 1,000–2,000 | no |
# | DDIM, $\eta = 0$ | no | good from 10–50 on | 10–50 | by the flow that it approximates |
# | DDIM, $\eta > 0$ | yes | noise repairs errors; at few steps worse than $\eta = 0$ | 50–200 | no |
# | probability flow, RK45 | no | good; noise left at $t_{\min}$ | 50–150 | exact but for solver and probe |
# | DPM-Solver++ | no | good from 8 on | 8–20 | by the flow that it approximates |
#
# And the map of what you have built so far, with one line from the notebook after this one:
#
# | method | what is trained | what sampling evaluates | relation and limits |
# |---|---|---|---|
# | score matching (08) | trace + ½‖s‖², on clean data | score, by Langevin | the trace costs a product for each dimension; no score between modes |
# | NCSN (08) | denoising, many σ, weight σ² | score, annealed Langevin | VE's chain; many steps |
# | DDPM (05) | noise, one loss for all t | posterior steps | VP's chain; every step |
# | VP, sub-VP (09) | score in continuous time | reverse SDE, or the flow | 05 in the limit; sub-VP has smaller variance |
# | VE (09) | score in continuous time | reverse SDE, predictor–corrector | 08 in the limit; large numbers at T |
# | classifier guidance (07) | a noisy classifier beside the score | score + its gradient | Bayes; a second network |
# | latent diffusion (11) | an autoencoder, then $v$ of latents | decoder after the last step | smaller space; the decoder's limits |
#
# **Question 4.** Three rows are missing: *probability flow ODE*, *DDIM* and *classifier-free guidance*. Write them, with
# the same three columns.

# %% [markdown] question="ode.4"
# | method | what is trained | what sampling evaluates | relation and limits |
# |---|---|---|---|
# | probability flow ODE | nothing of its own: the score of any SDE | the drift $f - \tfrac12g^2\cdot$score, by a solver | same marginals as the SDE, one noise to one picture, likelihood; solver's error, no noise to correct mistakes |
# | DDIM | nothing of its own: DDPM's noise network | noise at few times; recombines $\hat x_{\text{start}}$ and $\hat\varepsilon$ (plus std·z) | $\eta = 0$ is Euler on the flow in $\bar\sigma$, $\eta = 1$ ancestral; blurs with very few steps |
# | classifier-free guidance | the same network with some conditions dropped | two answers a step, (1 + w)·cond − w·uncond | Bayes without a classifier; twice the cost, less diversity, no longer p(x given y) |
#
# **Rubric** (½ points allowed)
#
# - 1½ points: the flow: trained as the SDE, drift with half of g²·score by a solver, same marginals or likelihood
# - 1½ points: DDIM: trained as DDPM, few times, its relation to the flow or to ancestral sampling
# - 2 points: guidance: dropped conditions in training, two answers and their combination, a limit

# %% [markdown]
# ## Puzzle
#
# Not graded. Three people wanted the ring of section 1, from the same 400 noises, each with one slip:
#
# - the score's term in the flow's drift without its ½;
# - DDIM with $\eta = 1$ whose direction keeps the root of $1-\bar\alpha_s$ alone, without std in it;
# - the solver run from `t_min` to `T`.
#
# Which cloud, A, B or C, is whose?

# %% tags=["demo"]
clouds = puzzles.slipped_flows(ring, sde, start)
plot.show(plot.points(clouds, limits=4.0),
          alt="A: eight wide, smeared bumps on too large a ring. B: eight tight knots. C: one knot in the middle, and "
              "points strewn around it.")

# %% [markdown]
# <details><summary><b>Answer</b></summary>
#
# **A** is DDIM without std in the direction: at every step the old noise has its whole size and the fresh one comes on
# top, so that more noise is in the state than the network is told, and some is left at the end.
#
# **B** forgot the ½. This is the drift of the *reversed SDE*, which pulls twice as hard, because noise is to push back.
# Without the noise nothing does, and the points contract to the middle of the bumps. It looks like very clean samples.
#
# **C** ran from `t_min` to `T`. It takes noise for data and encodes it, and most of this noise lies where no data is.
# The flow squeezes such points into the middle, or throws them far out.
#
# </details>
#
# ## Where this goes
#
# - **11** runs DDIM in a latent space, where each evaluation is cheap.
# - **12** makes the flow's paths straight, so that few steps are enough.
# - **14** trains a network to jump along the flow in one step.
#
# **References**
#
# - Song, Sohl-Dickstein, Kingma, Kumar, Ermon, Poole 2021, *Score-Based Generative Modeling through SDEs*: the flow
#   and its likelihood.
# - Chen, Rubanova, Bettencourt, Duvenaud 2018, *Neural Ordinary Differential Equations*: equation (3).
# - Grathwohl et al. 2019, *FFJORD*: Hutchinson's probe, kept along the way.
# - Song, Meng, Ermon 2021, *Denoising Diffusion Implicit Models*: equations (6) to (8).
# - Theis, van den Oord, Bethge 2016, *A Note on the Evaluation of Generative Models*: dequantisation, likelihood and
#   looks.
# - Lu et al. 2022, *DPM-Solver++*; Karras et al. 2022 (EDM), where Heun's step is the workhorse.
#
# ## Summary
#
# 1. The probability flow moves by $f - \tfrac12g^2\nabla\log p_t$: no noise on the way, one noise for one picture.
# 2. The log-density changes by minus the divergence; one random probe, kept along the way, estimates it.
# 3. Log-density plus the width of a cell gives bits per dimension, comparable at equal data and levels only.
# 4. DDIM's $\eta$ is a dial from no fresh noise to the ancestral step's; at 0 it is Euler's step of the flow.
# 5. Solvers are compared at equal network evaluations.
