# %% [markdown]
# # 08 · Learning a gradient
#
# Stand on a hillside in fog. You do not see the summit, you do not know how high you are, and nobody tells you how large
# the country is. But your feet feel which way is up. That is enough to climb and, with a little stumbling, enough to
# visit every place as often as it deserves. The slope of $\log p$ is called the **score**. In this notebook a network
# learns to feel it, from points alone, and then it walks.
#
# **When you are done, you can**
#
# - say why a score needs no normalising constant, and draw samples with nothing but a score;
# - train a score by its trace, and by noise, and say why noise is cheaper;
# - train one network for all noise levels, and walk from the largest to the smallest;
# - turn noise, $x_{\text{start}}$, v and score into one another, on any path;
# - say what NCSN, DDPM and the SDEs of notebook 09 train, and what their samplers need.
#
# **Time:** about two and a half hours: eight exercises (99 minutes), four questions, a puzzle, and the reading.
#
# **Before it:** the chain of notebook 05. Notebook 07 used an equation that is proved here.
#
# If this notebook imports `.py` files of your own, hand them in with it.

# %% tags=["setup"]
import math

import torch
from torch import nn

from course_utils.check import Unfinished, check

torch.set_printoptions(sci_mode=False)  # 0.0001, not 1e-04
TRAIN = False  # True: section 7 trains the digits' network here, with targets from your own function

# %% tags=["demo"]
from functools import cache

from course_utils import data, densities, diagrams, plot, puzzles, widgets, zoo

blobs = densities.Mixture(torch.tensor([[-2.0, -2.0], [2.0, 2.0]], dtype=torch.float64), 0.5,
                          weights=torch.tensor([0.25, 0.75], dtype=torch.float64))


def seeded(seed):
    """A generator of random numbers of its own."""
    return torch.Generator().manual_seed(seed)


def shares(x):
    """What shares of the points (n, 2) lie on the side of the lower and of the upper blob."""
    upper = (x.sum(1) > 0).float().mean().item()
    return f"{1 - upper:.0%} and {upper:.0%}"

# %% [markdown]
# ## 1 · The way up
#
# Two hills: a quarter of the data lies at the lower left, three quarters at the upper right. The arrows are the score,
# the gradient of the log-density with respect to the *place* (not to a parameter):
#
# $$s(x) = \nabla_x \log p(x). \tag{1}$$

# %% tags=["demo"]
def arrows_of(scale):
    """The gradient of log(scale · p), by autograd."""
    def field(x):
        with torch.enable_grad():
            x = x.detach().requires_grad_()
            return torch.autograd.grad((scale * blobs.log_prob(x).exp()).log().sum(), x)[0]
    return field


plot.show(diagrams.score_fields({"of $p$": arrows_of(1.0), "of $7\\,p$": arrows_of(7.0)}, blobs.log_prob),
          alt="Two grey hills; from everywhere the arrows of the score point towards the nearer one. Beside them the "
              "arrows of seven times the density: they are the same.")

# %% [markdown]
# The right panel has multiplied the density by seven. Nothing has changed, since $\log 7p = \log 7 + \log p$, and a
# constant has no gradient. So a model may write $p(x) = e^{-E(x)}/Z$ and never know its $Z$. That $Z$, an integral over
# all pictures there could be, is what autoregressive models, VAEs and GANs each found a way around. A score does not
# meet it.
#
# For one Gaussian the score can be read off: its logarithm is $-\|x-\mu\|^2/2\sigma^2$ and a constant, and so
#
# $$\nabla_x \log \mathcal N(x;\, \mu, \sigma^2 I) = \frac{\mu - x}{\sigma^2}. \tag{2}$$
#
# And with a score one can walk. **Langevin's** step goes up a little and stumbles a little, $z$ standard normal:
#
# $$x \leftarrow x + h\, s(x) + \sqrt{2h}\; z. \tag{3}$$
#
# After many small steps, wherever you began, you are in a place as often as $p$ says.
#
# **Exercise 1** · easy · 5 minutes

# %% task="score.langevin_step"
def langevin_step(x, score, step_size, z):
    """One step of Langevin dynamics, equation (3).

    Args:
        x: (b, *) where the walkers stand; not changed.
        score: (b, *) the score there.
        step_size: h > 0, a Python number.
        z: (b, *) standard normal.

    Returns:
        (b, *) where they stand then.
    """
    ####################################################################
    # TODO: equation (3). 1 line.                                      #
    ####################################################################
    ### BEGIN SOLUTION
    return x + step_size * score + math.sqrt(2 * step_size) * z
    ### END SOLUTION
    ####################################################################
    #                       END OF YOUR CODE                           #
    ####################################################################

# %% check="score.langevin_step"
check("score.langevin_step")

# %% [markdown]
# Three hundred walkers start anywhere in the square and follow the exact score. The orange lines are the true density.
#
# **Before you move it, guess:** what does a step that is too large do, what one that is too small? And will one walker in
# four stand on the lower hill at last?

# %% tags=["demo", "nbval-ignore-output"]
anywhere = 7 * torch.rand(300, 2, generator=seeded(0)) - 3.5


def walked(h, steps):
    x, generator = anywhere, seeded(1)
    for _ in range(steps):
        x = langevin_step(x, blobs.score(x), h, torch.randn(300, 2, generator=generator))
    return diagrams.clouds_over({f"lower and upper: {shares(x)}": x}, blobs.log_prob)


widgets.explore(walked, caption=lambda h, steps: f"Walkers after {steps} steps of size h = {h:g}.",
                h=widgets.Control([0.001, 0.01, 0.1, 0.4], default=0.01),
                steps=widgets.Control([0, 20, 500], default=20))

# %% [markdown]
# **Question 1.** What would the walkers do without the noise $\sqrt{2h}\,z$, and what without the score? Then: at
# $h = 0.1$ the hills look right, but the two shares are not 25 % and 75 %, whatever the number of steps. What decides
# them?

# %% [markdown] question="score.1"
# Without the noise every walker climbs to the top of a hill and stays there: that finds modes, and draws no samples.
# Without the score they only diffuse: each step adds variance $2h$, the cloud grows without end and forgets the data.
# Both together balance where the density is $p$.
#
# The shares are decided by the start. A walker climbs the hill whose side it starts on, and to change over it would
# have to cross a valley where $p$ is practically nothing: the score pushes it back at every step, and a row of lucky
# stumbles that long happens only in an astronomic number of steps. The starts were spread evenly, half on either side,
# and so about half stays on either hill. The score says nothing about it: near one hill it is the same whatever that
# hill's weight is, for a weight is a constant there, as 7 was above.
#
# **Rubric** (½ points allowed)
#
# - 2 points: without noise all end at the tops; without score they spread without end
# - 1½ points: the start decides, for nobody crosses the valley between in any reasonable number of steps
# - 1½ points: near one hill the score does not depend on the hill's weight

# %% [markdown]
# ## 2 · Learning it from points
#
# Of real data there are points and no score. We would like a network $s_\theta$ for which the **Fisher divergence**
# $\tfrac12\,\mathbb E_{x\sim p}\|s_\theta(x) - \nabla\log p(x)\|^2$ is small, and $\nabla\log p$ is just what nobody
# knows. Multiply the square out. Of the mixed term, integrating by parts, coordinate by coordinate,
#
# $$-\mathbb E\big[s_\theta \cdot \nabla \log p\big] = -\int s_\theta(x)\cdot\nabla p(x)\,dx
# = \int p(x)\, \sum_i \frac{\partial s_{\theta,i}}{\partial x_i}(x)\, dx,$$
#
# and the unknown is gone (Hyvärinen 2005). What is left to minimise is
#
# $$J(\theta) = \mathbb E_{x\sim p}\Big[\operatorname{tr}\frac{\partial s_\theta}{\partial x}(x)
# + \tfrac12 \|s_\theta(x)\|^2\Big], \tag{4}$$
#
# smaller than the divergence by $\tfrac12\mathbb E\|\nabla\log p\|^2$, whatever $\theta$ is. (Where the ½ is left out,
# as in Song's blog of 2021, the divergence is twice ours.) The trace sums the diagonal of each point's own Jacobian:
# how much does coordinate $i$ of the answer grow if coordinate $i$ of the point does?
#
# **Exercise 2** · medium · 15 minutes
#
# <details><summary><b>Stuck?</b></summary>
#
# No point's answer looks at another point. So the gradient of $\sum_{\text{points}} s_i$ holds, in each row, the partial
# derivatives of that point's $s_i$. Which column of it belongs to the trace? And what must autograd be told, so that
# the loss can be differentiated once more?
#
# </details>

# %% task="score.score_matching_loss"
def score_matching_loss(score_fn, x):
    """The score-matching loss by the exact trace, equation (4).

    Args:
        score_fn: score_fn(x) gives the scores (b, d); no point looks at another.
        x: (b, d) data; it asks for no gradient, and is left as it is.

    Returns:
        The mean over the b points of the trace plus half of the squared norm: a scalar with its graph, so that it can
        be differentiated with respect to what score_fn is made of.
    """
    ####################################################################
    # TODO: one derivative for each coordinate, by autograd, with      #
    # respect to a tensor of your own. About 5 lines.                  #
    ####################################################################
    ### BEGIN SOLUTION
    x = x.detach().requires_grad_()
    score = score_fn(x)
    trace = 0.0
    for i in range(x.shape[1]):
        trace = trace + torch.autograd.grad(score[:, i].sum(), x, create_graph=True)[0][:, i]  # (b,)
    return (trace + 0.5 * score.square().sum(dim=1)).mean()
    ### END SOLUTION
    ####################################################################
    #                       END OF YOUR CODE                           #
    ####################################################################

# %% check="score.score_matching_loss"
check("score.score_matching_loss")

# %% [markdown]
# A small network, for now and for all that follows: it takes a point and a noise level (of which there is none yet: 1).

# %% tags=["demo"]
class Arrows(nn.Module):
    """Scores (b, 2) at points x (b, 2) and noise levels sigma (b,); large where sigma is small, as scores are."""

    def __init__(self, width=96):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(3, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU(),
                                    nn.Linear(width, 2))

    def forward(self, x, sigma):
        sigma = sigma[:, None]
        return self.layers(torch.cat([x / (1 + sigma**2).sqrt(), sigma.log()], dim=1)) / sigma


def fitted(loss, steps=400, seed=0):
    """A network that has minimised loss(net, x, generator) over fresh points x (256, 2) of the blobs."""
    torch.manual_seed(seed)
    net, generator = Arrows(), seeded(seed)
    optimizer = torch.optim.Adam(net.parameters(), lr=5e-3)
    decay = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in range(steps):
        optimizer.zero_grad()
        loss(net, blobs.sample(256, generator), generator).backward()
        optimizer.step(), decay.step()
    return net.requires_grad_(False)

# %% tags=["demo"]
def plainly(net):
    """The network at its level 1: a function of x alone."""
    return lambda x: net(x, torch.ones(len(x)))


@cache
def by_trace(steps):
    """The score that so many steps of your loss have learned, a function of x."""
    return plainly(fitted(lambda net, x, _: score_matching_loss(plainly(net), x), steps))


fresh = blobs.sample(20000, seeded(4))
half = blobs.score(fresh).square().sum(1).mean() / 2
for steps in (10, 60, 400):
    learned = by_trace(steps)
    divergence = (learned(fresh) - blobs.score(fresh)).square().sum(1).mean() / 2
    print(f"{steps:3} steps: Fisher divergence {divergence:.2f}, "
          f"your loss and the constant {score_matching_loss(learned, fresh) + half:.2f}")

# %% tags=["demo"]
learned = by_trace(400)
shaded = {"exact": blobs.log_prob, "learned; grey: its error": lambda x: (learned(x) - blobs.score(x)).norm(dim=1).log()}
plot.show(diagrams.score_fields(dict(zip(shaded, (blobs.score, learned))), shaded,
                                {"learned; grey: its error": blobs.sample(400, seeded(3))}),
          alt="The exact arrows, and the learned ones with 400 of the points. The error is next to nothing on the hills, "
              "where the points lie, and large everywhere else, most of all in the two empty corners.")

# %% [markdown]
# Each line compares what only the exact score can tell with your loss, which never saw it. They differ by chance alone,
# since both are means over 20,000 points.
#
# Two things are not good. First, look at the grey: where no data is, the learned arrows are made up, for no point ever
# asked there. Second, the price: each coordinate costs a derivative of the whole network. The blobs have 2, a digit has 784.
#
# ## 3 · Learning it from noise
#
# Both are cured by one idea (Vincent 2011). Add noise to each point, $\tilde x = x + \sigma\cdot\text{noise}$, with
# standard normal noise, and learn the score of the *noisy* points, whose density is
# $p_\sigma(\tilde x) = \int p(x)\,\mathcal N(\tilde x;\, x, \sigma^2 I)\,dx$. Differentiate it under the integral, and
# divide by it:
#
# $$\nabla \log p_\sigma(\tilde x)
# = \int \underbrace{\frac{p(x)\,\mathcal N(\tilde x;\, x, \sigma^2 I)}{p_\sigma(\tilde x)}}_{p(x \mid \tilde x)}\,
# \nabla_{\tilde x} \log \mathcal N(\tilde x;\, x, \sigma^2 I)\; dx. \tag{5}$$
#
# In words: the score of noisy data is the *mean*, over all $x$ that $\tilde x$ may have come from, of the score of one
# Gaussian. And what does a network learn that is shown $\tilde x$ and asked for a random target, by mean squared error?
# The target's mean, given $\tilde x$. So the target is the score of one Gaussian, about the $x$ that you know because
# you added the noise yourself. No trace, no integral.
#
# **Exercise 3** · medium · 12 minutes. Put $\tilde x = x + \sigma\cdot\text{noise}$ into (2) to see how simple the
# target is.
#
# <details><summary><b>Stuck?</b></summary>
#
# In (2) the place is $\tilde x$ and the Gaussian's mean is the clean $x$. What is their difference, written with the
# noise?
#
# </details>

# %% task="score.dsm_loss"
def dsm_loss(score_fn, x, sigma, noise):
    """Denoising score matching at one noise level a sample.

    Args:
        score_fn: score_fn(noisy (b, *), sigma (b,)) gives scores (b, *).
        x: (b, *) clean data of any rank.
        sigma: (b,) noise levels.
        noise: (b, *) standard normal.

    Returns:
        The mean over all numbers of the squared difference from the target: a scalar with its graph.
    """
    ####################################################################
    # TODO: noisy data, target, mean square. About 4 lines.            #
    ####################################################################
    ### BEGIN SOLUTION
    shaped = sigma.reshape(-1, *[1] * (x.dim() - 1))  # (b, 1, ..., 1)
    score = score_fn(x + shaped * noise, sigma)
    return (score + noise / shaped).square().mean()
    ### END SOLUTION
    ####################################################################
    #                       END OF YOUR CODE                           #
    ####################################################################

# %% check="score.dsm_loss"
check("score.dsm_loss")

# %% [markdown]
# <details><summary><b>What you derived</b></summary>
#
# $$L(\theta) = \mathbb E\,\Big\|\, s_\theta(\tilde x, \sigma) + \frac{\text{noise}}{\sigma} \Big\|^2,
# \qquad\text{and by (5)}\quad \nabla\log p_\sigma(\tilde x) = -\frac{\mathbb E[\text{noise} \mid \tilde x]}{\sigma}.
# \tag{6}$$
#
# </details>
#
# Two networks, each with one noise level, a small one and a large one. Grey is what each of them was shown, the density
# of its noisy points. Below, five hundred walkers who began far away have followed either for two hundred steps; the
# titles tell the shares on the lower and on the upper side.

# %% tags=["demo"]
def at_one_level(sigma):
    """The field that is learned from noise of this size alone."""
    def loss(net, x, generator):
        return dsm_loss(net, x, torch.full((len(x),), sigma), torch.randn(x.shape, generator=generator))

    net = fitted(loss)
    return lambda x: net(x, torch.full((len(x),), sigma))


alone = {f"σ = {sigma:g}": at_one_level(sigma) for sigma in (0.1, 3.0)}
shown = {f"σ = {sigma:g}": blobs.noised(1.0, sigma).log_prob for sigma in (0.1, 3.0)}
plot.show(diagrams.score_fields(alone, shown),
          alt="At σ = 0.1 the two hills are sharp, and the arrows lead to either of them. At σ = 3 there is one broad "
              "hill, and all arrows lead to its middle.")
start, ends = 6 * torch.randn(500, 2, generator=seeded(5)), {}
for name, field in alone.items():
    x, generator = start, seeded(6)
    for _ in range(200):
        x = langevin_step(x, field(x), 0.02, torch.randn(500, 2, generator=generator))
    ends[f"{name}, {shares(x)}"] = x
plot.show(diagrams.clouds_over(ends, blobs.log_prob, limits=6),
          alt="With the small noise level the walkers stand on the two hills, in wrong shares; with the large one they make "
              "one broad cloud over both.")

# %% [markdown]
# **Question 2.** Why does one small σ alone fail, and why one large σ alone? Say for each what is wrong with the field,
# or with what it is the score of.

# %% [markdown] question="score.2"
# A small σ: the noisy points hardly leave the data, so the density is nearly the right one. But the network is asked only
# near the data, and everywhere else, which is nearly everywhere, its arrows are made up. Here they happened to lead home;
# in 784 dimensions nothing says so. And even with the exact score the valley between the hills is empty, nobody crosses
# it, and the shares are decided by the start: they are not 25 % and 75 %.
#
# A large σ: the noise carries points everywhere, so the field is learned everywhere, and the two hills have become one
# that anybody can climb. But it is the score of the wrong density, $p_\sigma$, that of the data blurred by σ. Who follows
# it faithfully draws blurred data: details smaller than σ are not in it.
#
# **Rubric** (½ points allowed)
#
# - 2 points: small: not trained (made up) away from the data, where walkers begin
# - 1 point: small: empty valleys, the walkers do not mix
# - 2 points: large: a good field, but of blurred data

# %% [markdown]
# ## 4 · All levels at once
#
# So learn many levels with one network that is told σ, and use the large ones first: the **noise-conditional score
# network**, NCSN (Song & Ermon 2019). Which levels? To go from one to the next should be about equally hard for the
# walkers everywhere: each level is the one below it times the *same factor*.
#
# **Exercise 4** · easy · 7 minutes

# %% task="score.sigmas"
def sigmas(sigma_min, sigma_max, n):
    """Noise levels in a geometric row.

    Args:
        sigma_min, sigma_max: The smallest and the largest level, both included, 0 < sigma_min < sigma_max.
        n: How many, 2 or more.

    Returns:
        (n,) float32, ascending.
    """
    ####################################################################
    # TODO: equal factors, not equal differences. About 1 line.        #
    ####################################################################
    ### BEGIN SOLUTION
    return torch.linspace(math.log(sigma_min), math.log(sigma_max), n).exp()
    ### END SOLUTION
    ####################################################################
    #                       END OF YOUR CODE                           #
    ####################################################################

# %% check="score.sigmas"
check("score.sigmas")

# %% tags=["demo"]
@cache
def levels():
    """The ten noise levels of all that follows in the plane, (10,)."""
    return sigmas(0.1, 6.0, 10)


plot.show(diagrams.rungs({"yours": levels(), "equal differences": torch.linspace(0.1, 6.0, 10)}),
          alt="On a logarithmic axis your ten levels are equally spaced from 0.1 to 6; those with equal differences crowd "
              "at the large end, with one large gap after 0.1.")

# %% [markdown]
# One loss for all of them is a mean over levels, and it needs weights $\lambda(\sigma)$. The choice of NCSN is
#
# $$L = \mathbb E\Big[\lambda(\sigma)\,\big(s_\theta(\tilde x, \sigma) - \text{target}\big)^2\Big],
# \qquad \lambda(\sigma) = \sigma^2, \tag{7}$$
#
# with your target of exercise 3 and the mean over samples and dimensions.
#
# **Exercise 5** · medium · 10 minutes. `level` is an index into `sigmas`, one for each sample.
#
# <details><summary><b>Stuck?</b></summary>
#
# First make the σ of each sample, a tensor (b,). The network wants it in that shape, the arithmetic in another one.
# The weight stands inside the mean, since each sample has its own.
#
# </details>

# %% task="score.ncsn_loss"
def ncsn_loss(score_fn, x, level, sigmas, noise):
    """Denoising score matching over many noise levels, equation (7).

    Args:
        score_fn: score_fn(noisy (b, *), sigma (b,)) gives scores (b, *); it takes the noise level itself.
        x: (b, *) clean data of any rank.
        level: (b,) int64 indices into sigmas.
        sigmas: (n,) noise levels.
        noise: (b, *) standard normal.

    Returns:
        A scalar with its graph.
    """
    ####################################################################
    # TODO: as before, each sample with its own level and its own      #
    # weight. About 5 lines.                                           #
    ####################################################################
    ### BEGIN SOLUTION
    sigma = sigmas[level]  # (b,)
    shaped = sigma.reshape(-1, *[1] * (x.dim() - 1))  # (b, 1, ..., 1)
    score = score_fn(x + shaped * noise, sigma)
    return (shaped**2 * (score + noise / shaped).square()).mean()
    ### END SOLUTION
    ####################################################################
    #                       END OF YOUR CODE                           #
    ####################################################################

# %% check="score.ncsn_loss"
check("score.ncsn_loss")

# %% tags=["demo"]
def over_levels(net, x, generator):
    level = torch.randint(10, (len(x),), generator=generator)
    return ncsn_loss(net, x, level, levels(), torch.randn(x.shape, generator=generator))


@cache
def ncsn():
    """The network for all levels: net(x, sigma)."""
    return fitted(over_levels, steps=1000)


print(f"{sum(p.numel() for p in ncsn().parameters()):,} weights have learned ten levels.")

# %% [markdown]
# The network has learned all ten, here and now. Grey is the density of the noisy points at each level.
#
# **Before you move it, guess:** where do all arrows point at the largest level, and at which σ does the one hill split
# into two?

# %% tags=["demo", "nbval-ignore-output"]
def at_level(i):
    sigma, noisy = levels()[i], blobs.noised(1.0, levels()[i].item())
    fields = {"exact": noisy.score, "learned": lambda x: ncsn()(x, sigma.expand(len(x)))}
    return diagrams.score_fields(fields, noisy.log_prob, limits=5, arrows=11)


widgets.explore(at_level, caption=lambda i: f"The exact and the learned score at level {i}, σ = {levels()[i]:.2f}.",
                i=widgets.Control([0, 3, 5, 6, 7, 9], default=6, label="level",
                                  written=lambda i: f"{i}: σ = {levels()[i]:.2f}"))

# %% [markdown]
# **Question 3.** Why $\lambda = \sigma^2$? Compare the size of the target at σ = 0.1 and at σ = 6, and say which level a
# loss without the weight would listen to. Then rewrite (7) with $\hat\varepsilon = -\sigma\,s_\theta$: which loss of
# notebook 05 do you recognise?

# %% [markdown] question="score.3"
# The target is standard normal noise divided by σ: its square is about $1/\sigma^2$, 100 at σ = 0.1 and 0.03 at σ = 6,
# and so are the errors that the network makes in it. Without a weight the smallest level counts several thousand times as
# much as the largest, and the large levels, which a walk needs first, are hardly learned. With $\sigma^2$ every level
# counts the same.
#
# $\sigma^2\,(s_\theta + \text{noise}/\sigma)^2 = (\sigma s_\theta + \text{noise})^2 = (\text{noise} - \hat\varepsilon)^2$:
# DDPM's simple loss, the mean squared error of the predicted noise. Both papers made the same choice.
#
# **Rubric** (½ points allowed)
#
# - 1½ points: the target's square is $1/\sigma^2$, with both numbers or their ratio, 3,600
# - 1½ points: without the weight the smallest levels decide; with it all count alike
# - 2 points: the squared error of the noise, DDPM's simple loss

# %% [markdown]
# ## 5 · Walking down the levels
#
# **Annealed** Langevin: walkers start in noise of the largest σ, take a few steps (3) there, then some at the next
# smaller level, and so on. Which step size? In (3) the pull has the size $h\,\|s\|$ and the stumbling $\sqrt{2h}\,\|z\|$.
# Keep their ratio, signal to noise, at a number `snr` for all levels. At level σ a score is about as large as
# $\|z\|/\sigma$, so $h\,/(\sigma\sqrt{2h}) = \text{snr}$, or
#
# $$h = 2\,(\text{snr}\cdot\sigma)^2 \cdot a. \tag{8}$$
#
# The factor $a$ is 1 here. On a chain such as DDPM's, where the data shrinks as well, the field takes $a = 1-\beta_t$,
# the `alphas` of notebook 05; you will need it in 09.
#
# **Exercise 6** · easy · 5 minutes

# %% task="score.annealed_step_size"
def annealed_step_size(snr, sigma, alpha):
    """The step size of annealed Langevin dynamics, equation (8).

    Args:
        snr: Signal-to-noise ratio of a step, a number.
        sigma: The noise level, a number or a tensor of any shape.
        alpha: The factor a, a number or a tensor of sigma's shape.

    Returns:
        The step size, a number, or a tensor of sigma's shape.
    """
    ####################################################################
    # TODO: equation (8). 1 line.                                      #
    ####################################################################
    ### BEGIN SOLUTION
    return 2 * (snr * sigma) ** 2 * alpha
    ### END SOLUTION
    ####################################################################
    #                       END OF YOUR CODE                           #
    ####################################################################

# %% check="score.annealed_step_size"
check("score.annealed_step_size")

# %% tags=["demo"]
@torch.no_grad()
def annealed_langevin(score_fn, x, levels, steps, snr, seed=0):
    """Walks from the largest of the levels (n,) to the smallest, `steps` steps at each; returns x after every level."""
    generator, states = seeded(seed), [x]
    for sigma in levels.flip(0):
        step_size = annealed_step_size(snr, sigma.item(), 1.0)
        for _ in range(steps):
            z = torch.randn(x.shape, generator=generator)
            x = langevin_step(x, score_fn(x, sigma.expand(len(x))), step_size, z)
        states.append(x)
    return states


@cache
def states():
    """Walkers (500, 2) before the first level and after each."""
    far = levels()[-1] * torch.randn(500, 2, generator=seeded(5))
    return annealed_langevin(ncsn(), far, levels(), steps=30, snr=0.3)

# %% [markdown]
# Five hundred walkers with the network that you trained. They know nothing of the weights of the hills.
#
# **Before you move it, guess:** after which level is it decided who goes to which hill, and will the shares be right now?

# %% tags=["demo", "nbval-ignore-output"]
def after(n):
    return diagrams.clouds_over({f"lower and upper: {shares(states()[n])}": states()[n]}, blobs.log_prob, limits=6)


widgets.explore(after, n=widgets.Control([0, 2, 3, 4, 5, 6, 8, 10], default=10, label="levels done"),
                caption=lambda n: f"Walkers after {n} levels" + (f", the last σ = {levels()[-n]:.2f}." if n else "."))

# %% [markdown]
# Compare with the walk of section 1, which had the exact score and could not do this.
#
# ## 6 · Four heads for one thing
#
# Now the paths of notebook 05 and later: $x_t = \alpha\,x_{\text{start}} + \sigma\cdot\text{noise}$. With α it changes
# nothing in section 3 (its Gaussian has the mean $\alpha\,x_{\text{start}}$), and the equation that notebook 07
# borrowed is proved:
#
# $$\nabla\log p_t(x_t) = -\frac{\mathbb E[\text{noise} \mid x_t]}{\sigma}. \tag{9}$$
#
# A network may predict this score, or the noise, or $x_{\text{start}}$, or **v** (Salimans & Ho 2022),
#
# $$v = \alpha\cdot\text{noise} - \sigma\,x_{\text{start}}. \tag{10}$$
#
# Where $\alpha^2 + \sigma^2 = 1$, as in notebook 05, put α = cos φ and σ = sin φ: then $(x_t, v)$ is
# $(x_{\text{start}}, \text{noise})$ turned by the angle φ.

# %% tags=["demo"]
plot.show(diagrams.quarter_circle(0.6), alt="x_start points to the right and the noise up; x_t lies on the quarter circle "
                                            "between, at the angle φ, and v stands on it at a right angle.")

# %% [markdown]
# v asks something sensible everywhere: nearly for the noise where $x_t$ is nearly data, and for $-x_{\text{start}}$
# where it is nearly noise. The noise alone is a poor question at one end, $x_{\text{start}}$ at the other.
#
# All four are linear in the pair $(x_{\text{start}}, \text{noise})$, and so is $x_t$, which you know. So each of them
# tells, together with $x_t$, all the others. Begin with the score, by (9). On a variance-exploding path α is 1 and σ
# may be 50, so do not count on $\alpha^2 + \sigma^2 = 1$.
#
# **Exercise 7** · medium · 15 minutes
#
# <details><summary><b>Stuck?</b></summary>
#
# Make the noise of whatever you are given. For v you have two equations, $x_t = \ldots$ and (10), with two unknowns:
# multiply each by a number so that $x_{\text{start}}$ goes when you add them.
#
# </details>

# %% task="score.to_score"
def to_score(prediction, x_t, alpha, sigma, kind):
    """The score that belongs to a prediction.

    Args:
        prediction: (b, *) of any rank.
        x_t: (b, *) alpha * x_start + sigma * noise.
        alpha, sigma: (b,), both above 0; alpha² + sigma² need not be 1.
        kind: What is predicted: "noise", "x_start", "v" or "score".

    Returns:
        (b, *).
    """
    ####################################################################
    # TODO: which noise? Then (9). About 8 lines.                      #
    ####################################################################
    ### BEGIN SOLUTION
    alpha, sigma = (c.reshape(-1, *[1] * (x_t.dim() - 1)) for c in (alpha, sigma))  # (b, 1, ..., 1)
    if kind == "score":
        return prediction
    if kind == "noise":
        noise = prediction
    elif kind == "x_start":
        noise = (x_t - alpha * prediction) / sigma
    else:
        noise = (sigma * x_t + alpha * prediction) / (alpha**2 + sigma**2)
    return -noise / sigma
    ### END SOLUTION
    ####################################################################
    #                       END OF YOUR CODE                           #
    ####################################################################

# %% check="score.to_score"
check("score.to_score")

# %% [markdown]
# The whole table now, from any of the four to any other.
#
# **Exercise 8** · hard · 30 minutes, half of them on paper
#
# <details><summary><b>Stuck?</b></summary>
#
# Sixteen formulas are too many. Go through the pair: from every source to $(x_{\text{start}}, \text{noise})$, and from
# the pair to every target. What do you know of the pair as soon as you have one of its two?
#
# </details>

# %% task="score.convert_prediction"
def convert_prediction(value, x_t, alpha, sigma, source, target):
    """A prediction of one kind told as another.

    Args:
        value: (b, *) prediction of the kind source, at x_t.
        x_t: (b, *) alpha * x_start + sigma * noise, of any rank.
        alpha, sigma: (b,), both above 0; alpha² + sigma² need not be 1.
        source, target: Kinds: "noise", "x_start", "v" or "score".

    Returns:
        (b, *) the prediction of the kind target.
    """
    ####################################################################
    # TODO: the pair, then the target. About 12 lines.                 #
    ####################################################################
    ### BEGIN SOLUTION
    alpha, sigma = (c.reshape(-1, *[1] * (x_t.dim() - 1)) for c in (alpha, sigma))  # (b, 1, ..., 1)
    if source == "v":
        x_start = (alpha * x_t - sigma * value) / (alpha**2 + sigma**2)
    elif source == "x_start":
        x_start = value
    else:
        noise = value if source == "noise" else -sigma * value
        x_start = (x_t - sigma * noise) / alpha
    noise = (x_t - alpha * x_start) / sigma
    v = alpha * noise - sigma * x_start
    return {"noise": noise, "x_start": x_start, "v": v, "score": -noise / sigma}[target]
    ### END SOLUTION
    ####################################################################
    #                       END OF YOUR CODE                           #
    ####################################################################

# %% check="score.convert_prediction"
check("score.convert_prediction")

# %% [markdown]
# <details><summary><b>What you derived</b></summary>
#
# $$x_{\text{start}} = \frac{x_t - \sigma\cdot\text{noise}}{\alpha} = \frac{\alpha\,x_t - \sigma\,v}{\alpha^2+\sigma^2},
# \qquad \text{noise} = \frac{x_t - \alpha\,x_{\text{start}}}{\sigma}
# = \frac{\sigma\,x_t + \alpha\,v}{\alpha^2+\sigma^2} = -\sigma\cdot\text{score} \tag{11}$$
#
# Turning $(x_t, v)$ back by φ gives the v forms where the denominator is 1.
#
# </details>
#
# The network `mnist-vp` predicts v in continuous time. One digit on its way into noise, and what the network says of it,
# told in your three other ways:

# %% tags=["demo"]
shipped = zoo.load("mnist-vp")
path = shipped.path  # alpha² + sigma² = 1, t from 0 to 1
times = torch.tensor([0.05, 0.2, 0.35, 0.5, 0.8])
alpha, sigma = path.alpha(times), path.sigma(times)
digit = 2 * data.mnist("test")[0][26:27].expand(5, -1, -1, -1) - 1
x_t = path.add_noise(digit, times, torch.randn(digit.shape, generator=seeded(2)))
with torch.no_grad():
    said = shipped.model(x_t, times)
rows = {"$x_t$": x_t, "v, as it was said": said}
for kind, scale in (("noise", 1.0), ("x_start", 1.0), ("score", sigma[:, None, None, None])):
    rows[f"{kind}" + (" times σ" if kind == "score" else "")] = scale * convert_prediction(said, x_t, alpha, sigma, "v",
                                                                                          kind)
plot.show(plot.image_grid(torch.stack([x.clamp(-2, 2) / 4 + 0.5 for x in rows.values()]), rows=list(rows),
                          columns=[f"t = {t:g}" for t in times.tolist()]),
          alt="A digit at five times. v looks like noise at the first and like the negative of a digit at the last; the "
              "converted noise, x_start and score of each time belong to it.")

# %% [markdown]
# **Question 4.** DDPM trains with noise as the target and its network never saw a score. Why may its output be called
# noise when the sampler needs a score? And is it the noise that is in $x_t$?

# %% [markdown] question="score.4"
# By (9) the best answer under mean squared error, $\mathbb E[\text{noise}\mid x_t]$, *is* the score up to the factor
# $-1/\sigma_t$. That factor is known at every time and depends on nothing learned, so the sampler can put it in. Which of
# the two the network is said to predict is a matter of scale: noise has size 1 at every time, which suits a network and
# makes the loss count all times alike, while a score grows like $1/\sigma_t$.
#
# It is not the noise that is in $x_t$. Many pairs of picture and noise give the same $x_t$, and the network cannot know
# which it was: it says their mean. That is why its answer looks smooth, why $\hat x_{\text{start}}$ is a blurred digit
# at late times, and why one step does not do.
#
# **Rubric** (½ points allowed)
#
# - 2 points: score = −noise/σ with a factor that is known at every time
# - 1 point: noise has the same size at all times, good for the network or the loss
# - 2 points: it is the mean over all noises that $x_t$ may hold, not the one that was added

# %% [markdown]
# ## 7 · Digits
#
# No second network is needed to walk among digits. Divide $x_t = \alpha_t\,x_{\text{start}} + \sigma_t\cdot\text{noise}$
# by $\alpha_t$: you get $x_{\text{start}} + \tilde\sigma\cdot\text{noise}$ with $\tilde\sigma = \sigma_t/\alpha_t$, a
# point at NCSN's level $\tilde\sigma$, with the *same* noise in it. So to ask about level $\tilde\sigma$, find the time at
# which the ratio is that, shrink the picture, and ask.

# %% tags=["demo"]
from course_utils.diffusion.gaussian import like


def as_ve(model):
    """NCSN's score_fn(x, sigma), from the network for the path of notebook 05's kind."""
    def score_fn(x, sigma):
        t = path.inverse_log_snr(-2 * sigma.double().log()).float()  # where sigma_t / alpha_t is this sigma
        alpha_t, sigma_t = path.alpha(t), path.sigma(t)
        x_t = like(alpha_t, x) * x
        noise = convert_prediction(model(x_t, t), x_t, alpha_t, sigma_t, "v", "noise")
        return to_score(noise, x, torch.ones_like(sigma), sigma, "noise")
    return score_fn

# %% [markdown]
# The network was trained as follows; `TRAIN = True` at the top trains it here, and makes the targets v by your
# `convert_prediction`.

# %% tags=["demo"]
from course_utils import training
from course_utils.recipes.continuous import MnistVP


class Mine(MnistVP):
    """The shipped checkpoint's recipe; its targets are yours."""

    def loss(self, model, batch):
        x_start, t, noise = self.x_start(batch), batch["t"], batch["noise"]
        alpha, sigma = self.path.alpha(t), self.path.sigma(t)
        x_t = self.path.add_noise(x_start, t, noise)
        target = convert_prediction(x_start, x_t, alpha, sigma, "x_start", "v")
        return (model(x_t, t).float() - target).square().mean()


recipe = Mine()
print(f"the recipe: {recipe.steps:,} steps with batches of {recipe.batch_size} digits, "
      f"{recipe.minutes['two cores']:g} minutes on two cores")
if TRAIN:
    finished = training.train(recipe, resume=False, out=training.RUNS / "finished")
    shipped = zoo.load("mnist-vp", finished.parent) if finished else shipped

# %% [markdown]
# Ten levels, five steps at each, fifty evaluations. At the end one more score
# takes away the noise of the last level, as notebook 05's last step does: $x + \sigma^2 s$ is $\hat x_{\text{start}}$.

# %% tags=["demo"]
score_fn, heights = as_ve(shipped.model), sigmas(0.1, 10.0, 10)


def cleaned(x):
    """The digits (b, 1, 28, 28) that are left when the noise of the smallest level is taken away, in [0, 1]."""
    with torch.no_grad():
        return (x + heights[0] ** 2 * score_fn(x, heights[0].expand(len(x))) + 1) / 2


noise = heights[-1] * torch.randn(8, 1, 28, 28, generator=seeded(3))
levels_of = annealed_langevin(score_fn, noise, heights, steps=5, snr=0.4)
rows = {f"after σ = {heights[-n]:.2g}": levels_of[n] / (1 + heights[-n] ** 2).sqrt() / 4 + 0.5 for n in (3, 5, 7, 9)}
plot.show(plot.image_rows({**rows, "cleaned": cleaned(levels_of[-1])}),
          alt="Eight pictures after some of the levels: noise, then shadows, then strokes; the last row shows digits, most "
              "of them readable.")

# %% [markdown]
# With five steps a level the walkers have not come to rest when the next level begins. Here are forty digits that were
# given a hundred at each of the same levels, at half of that `snr`; they were drawn once, with the checkpoint.

# %% tags=["demo"]
from numpy import asarray
from PIL import Image

grid = torch.from_numpy(asarray(Image.open(zoo.samples("mnist-vp", of="langevin"))) / 255)  # ten digits in a row
plot.show(plot.images(grid.reshape(-1, 28, 10, 28).transpose(1, 2).reshape(-1, 1, 28, 28)),
          alt="Forty digits in four rows, clearer than the eight above.")

# %% [markdown]
# ## 8 · Who trains what
#
# The same idea came several times, under several names:

# %% tags=["demo"]
plot.show(diagrams.timeline(), alt="A line of years: score matching 2005, denoising score matching 2011, diffusion 2015, "
                                   "NCSN 2019, NCSNv2 and DDPM 2020, DDIM, score SDEs and guided diffusion 2021, "
                                   "latent diffusion and classifier-free guidance 2022.")

# %% [markdown]
# | | training supervises | with | sampling needs | with |
# |---|---|---|---|---|
# | DSM | the score of one Gaussian, at one σ | `dsm_loss` | the score at that σ | `langevin_step` |
# | NCSN | the same at many σ, weighted by σ² | `ncsn_loss` | scores from the largest σ down | `annealed_langevin` |
# | DDPM | the noise in $x_t$, over the chain | 05's `p_losses` | the mean of the step back | 05's `p_sample` |
# | VP (09) | the noise, at any t in [0, 1] | `sde_loss` | the score at t, fresh noise | predictor and corrector |
# | VE (09) | the score, at any σ(t) | `sde_loss` | the score at t, fresh noise | predictor and corrector |
# | ODE (10) | nothing of its own: any row above | – | the score at t, no noise | `ode_sample` |
#
# Read the third column from top to bottom: a network of any row can stand in for that of another, by your
# `convert_prediction` and a change of scale. You have just done so.
#
# ## Puzzle
#
# Not graded. Three people walked down ten levels with the exact score of eight bumps on a ring, each with one slip:
#
# - the stumbling is $h\,z$ in place of $\sqrt{2h}\,z$;
# - the levels have equal differences, not equal factors;
# - the levels are walked from the smallest to the largest.
#
# Which panel, A, B or C, is whose?

# %% tags=["demo"]
plot.show(diagrams.clouds_over(puzzles.slipped_walks(), densities.ring().log_prob),
          alt="A: a broad cloud over the whole ring. B: eight bumps, each far too small. C: bumps with walkers scattered "
              "around and between them.")

# %% [markdown]
# <details><summary><b>Answer</b></summary>
#
# **A** walks from the smallest level to the largest. The last score that it followed is that of the most blurred data,
# so it draws data with noise of the largest level.
#
# **B** stumbles by $h\,z$. For a small $h$ that is much less than $\sqrt{2h}\,z$: the climb wins, and the walkers gather
# at the tops.
#
# **C** has levels with equal differences. From the last but one to the smallest σ falls at one stride, and the step size
# with it: walkers that stood between bumps have a long way and very small steps.
#
# </details>
#
# ## Where this goes
#
# - **09** makes the levels continuous: a stochastic equation into noise, and one back, whose drift holds your score.
# - **10** leaves the noise out of the way back, and reads the exact likelihood off it.
# - **12** asks the network for one more linear combination, the velocity.
#
# **References**
#
# - Hyvärinen 2005, *Estimation of Non-Normalized Statistical Models by Score Matching*: equation (4).
# - Vincent 2011, *A Connection Between Score Matching and Denoising Autoencoders*: equation (5).
# - Song, Ermon 2019, *Generative Modeling by Estimating Gradients of the Data Distribution* (NCSN): (7) and the annealing.
# - Song, Ermon 2020, *Improved Techniques for Training Score-Based Generative Models* (NCSNv2): how to choose the levels.
# - Ho, Jain, Abbeel 2020, *Denoising Diffusion Probabilistic Models* (DDPM): notebook 05.
# - Song et al. 2021, *Score-Based Generative Modeling through Stochastic Differential Equations*: (8), and notebook 09.
# - Salimans, Ho 2022, *Progressive Distillation for Fast Sampling of Diffusion Models*: v.
#
# ## Summary
#
# 1. A score is the gradient of a log-density: no normalising constant, and Langevin's steps turn it into samples.
# 2. Its trace makes it learnable from points alone; added noise makes it learnable without a trace.
# 3. Many noise levels in one network, geometric, and a walk from the largest to the smallest.
# 4. Noise, $x_{\text{start}}$, v and score are one answer in four units, given $x_t$, α and σ.
