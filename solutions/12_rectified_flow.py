# %% [markdown]
# # 12 · Rectified flow: straight paths
#
# Ask somebody the way from the station to the market, and you may hear a winding tale: left, along the river, right.
# Somebody else points with a stretched arm: *that* way, straight on. On the first way you must look up at every corner,
# on the second hardly at all. The flow of notebook 10 winds; a solver must look often. This notebook draws a straight
# line from each picture to a noise and teaches a network to point along it. There is no noise schedule, no score, hardly
# a formula, and few steps are enough. Many of the large image models since 2024 are trained in this way.
#
# **When you are done, you can**
#
# - train a flow by a loss of two lines, and sample from it with Euler's method;
# - say what the network learns where lines cross, and compute it exactly for a finite set of data;
# - choose the times of training, and guide a velocity;
# - measure how straight a path is, and straighten it;
# - turn noise, $x_{\text{start}}$, $v$ and velocity into one another, on any path;
# - call one model by eight names.
#
# **Time:** about three hours: nine exercises (85 minutes), four questions, a puzzle, and the reading.
#
# **Before it:** notebook 10 (the probability flow); guidance of notebook 07.
#
# If this notebook imports `.py` files of your own, hand them in with it.

# %% tags=["setup"]
import math

import torch
from torch import nn

from course_utils.check import Unfinished, check

TRAIN = False  # True: section 4 trains the digits' network here, with your own loss
torch.set_printoptions(sci_mode=False)  # 0.0001, not 1e-04


def column(c, x):
    """Coefficients (b,) shaped like (b, 1, ..., 1), so that each meets its own sample of x (b, *)."""
    return c.reshape(-1, *[1] * (x.dim() - 1))

# %% tags=["demo"]
from course_utils import data, densities, diagrams, metrics, plot, puzzles, training, widgets, zoo
from course_utils.diffusion import paths, samplers
from course_utils.own import own
from course_utils.recipes.continuous import MnistFlow

ring = densities.ring(modes=5, radius=2.0, std=0.2)
straight, vp = paths.RectifiedFlow(), paths.VP()


def seeded(seed):
    return torch.Generator().manual_seed(seed)

# %% [markdown]
# ## 1 · One line for each pair
#
# On the left one data point and three noises, joined as VP joins them (05's forward process, at one noise each). In the
# middle the same pairs, joined by straight lines. On the right many pairs: data drawn from a ring of five bumps, noise
# drawn beside it, and nobody asked which belongs to which.

# %% tags=["demo"]
x, z = ring.sample(60, seeded(0)), torch.randn(60, 2, generator=seeded(1))
one, three = torch.tensor([[2.0, 0.0]]).expand(3, 2), torch.tensor([[-1.5, 1.0], [0.3, 1.8], [-0.5, -1.5]])
times = torch.linspace(0, 1, 40)


def joined(path, x, z):
    return torch.stack([path.add_noise(x, t.expand(len(x)), z) for t in times])


plot.show(diagrams.ways({"VP": joined(vp, one, three), "straight": joined(straight, one, three),
                         "straight, 60 pairs": joined(straight, x, z)}),
          alt="Left: three bent ways from a data point, through the middle, to three noises. Middle: the same ends joined "
              "by straight lines. Right: sixty straight lines from a ring of five bumps to a cloud, crossing everywhere.")

# %% [markdown]
# A straight line between data $x$ and noise $z$, walked in one unit of time, and the velocity on it:
#
# $$x_t = (1 - t)\,x + t\,z, \qquad u = \frac{dx_t}{dt} = z - x. \tag{1}$$
#
# As everywhere in this course data is at $t = 0$ and noise at $t = 1$, and velocity points towards the *noise*. (Papers
# on flow matching turn time round, and many write $v$ for the velocity. Here $v$ stays what it was in notebook 08.)
#
# **Exercise 1** · easy · 6 minutes

# %% task="flow.interpolate"
def interpolate(x, z, t):
    """Points on the straight lines from data to noise, and the velocities there; equation (1).

    Args:
        x: (b, *) data.
        z: (b, *) noise.
        t: (b,) times, one for each sample.

    Returns:
        x_t: (b, *).
        u: (b, *).
    """
    ####################################################################
    # TODO: about 2 lines. Points (b, 2) and pictures (b, c, h, w)     #
    # alike, each sample at its own time; `column` above may help.     #
    ####################################################################
    ### BEGIN SOLUTION
    t = column(t, x)
    return (1 - t) * x + t * z, z - x
    ### END SOLUTION
    ####################################################################
    #                       END OF YOUR CODE                           #
    ####################################################################

# %% check="flow.interpolate"
check("flow.interpolate")

# %% [markdown]
# A network $u_\theta(x_t, t)$ shall predict the velocity from the place and the time alone. The loss asks for just that:
# the mean square of its error at random pairs and times,
#
# $$L = \mathbb E_{x, z, t}\;\big\lVert u_\theta(x_t, t) - (z - x)\big\rVert^2. \tag{2}$$
#
# That is all of the training. Compare it with notebook 05: no betas, no weights, no index.
#
# **Exercise 2** · easy · 7 minutes

# %% task="flow.loss"
def loss(model, x, z, t, y=None):
    """The loss of a straight flow, equation (2), for one batch.

    Args:
        model: model(x_t (b, *), t (b,), y) gives (b, *).
        x, z, t: As in interpolate.
        y: A condition, handed on to the model as it is; None is none.

    Returns:
        A scalar: the mean of the squared errors over samples and their dimensions.
    """
    ####################################################################
    # TODO: about 2 lines, by your interpolate.                        #
    ####################################################################
    ### BEGIN SOLUTION
    x_t, u = interpolate(x, z, t)
    return (model(x_t, t, y) - u).square().mean()
    ### END SOLUTION
    ####################################################################
    #                       END OF YOUR CODE                           #
    ####################################################################

# %% check="flow.loss"
check("flow.loss")

# %% [markdown]
# A small network for the plane, and its training by your loss. Each batch draws data and noise anew.

# %% tags=["demo"]
class Plane(nn.Module):
    """A velocity in the plane, (b, 2) and (b,) to (b, 2); y, a condition, is not looked at."""

    def __init__(self, width=128):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(5, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU(),
                                 nn.Linear(width, width), nn.SiLU(), nn.Linear(width, 2))

    def forward(self, x, t, y=None):
        clock = torch.stack([t, (math.pi * t).cos(), (2 * math.pi * t).cos()], dim=1)
        return self.net(torch.cat([x, clock], dim=1))

# %% tags=["demo"]
def train(network, pairs, steps=1200, seed=0):
    """Teaches a network of the plane the velocity of the pairs x, z that `pairs(generator)` draws."""
    optimizer, generator = torch.optim.Adam(network.parameters(), 3e-3), seeded(seed)
    falling = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in range(steps):
        x, z = pairs(generator)
        optimizer.zero_grad()
        loss(network, x, z, torch.rand(len(x), generator=generator)).backward()
        optimizer.step()
        falling.step()
    network.requires_grad_(False)


def any_pair(generator):
    return ring.sample(256, generator), torch.randn(256, 2, generator=generator)


torch.manual_seed(0)
model = Plane()
train(model, any_pair)

# %% [markdown]
# Now sampling. Start at a noise and follow the velocity back to data, against the arrow, with Euler's step
# $x \leftarrow x - \tfrac1n\,u_\theta(x, t)$. The network is asked at the $n$ times $1,\, 1 - \tfrac1n,\, \dots,
# \tfrac1n$: at each one *before* the step that leaves it, so never at 0.
#
# **Exercise 3** · easy · 8 minutes

# %% task="flow.euler_sample"
def euler_sample(model, z, num_steps=50):
    """Carries noise to data by num_steps equal steps of Euler's method.

    Args:
        model: model(x (b, *), t (b,)) gives the velocity (b, *).
        z: (b, *) noise, at t = 1; not changed.
        num_steps: The number n of steps, and of calls of the model.

    Returns:
        (b, *) of z's dtype, without a graph.
    """
    ####################################################################
    # TODO: about 5 lines. Times are (b,), of z's dtype and on its     #
    # device.                                                          #
    ####################################################################
    ### BEGIN SOLUTION
    x = z
    with torch.no_grad():
        for i in range(num_steps):
            t = torch.full((len(x),), 1 - i / num_steps, dtype=x.dtype, device=x.device)
            x = x - model(x, t) / num_steps
    return x
    ### END SOLUTION
    ####################################################################
    #                       END OF YOUR CODE                           #
    ####################################################################

# %% check="flow.euler_sample"
check("flow.euler_sample")

# %% tags=["demo"]
start = torch.randn(400, 2, generator=seeded(2))
plot.show(diagrams.transport_map({"noise": start, "your samples": euler_sample(model, start)}, by=start),
          alt="Left a Gaussian cloud coloured by angle; right a ring of five bumps, each mostly of one colour.")

# %% [markdown]
# The lines of training crossed everywhere. The ways of sampling cannot: there is one velocity at each place and time.
# What did the network do with the crossings?
#
# **Before you move it, guess:** halfway, at $t = 0.5$, will the points be on straight lines between their two ends, or
# somewhere else?

# %% tags=["demo", "nbval-ignore-output"]
def states(model, z, n=50):
    """All states of a run of your sampler, (n + 1, b, *), from noise to data."""
    seen = []

    def watched(x, t):
        seen.append(x)
        return model(x, t)

    end = euler_sample(watched, z, n)
    return torch.stack([*seen, end])


forty = {"pairs of training": torch.stack([x + s * (z - x) for s in torch.linspace(1, 0, 51)])[:, :40],
         "your flow": states(model, start[:40])}


def in_flight(t):
    return diagrams.flights(forty, 1 - t)


widgets.explore(in_flight, caption=lambda t: f"Forty points at t = {t:g}: on lines of training, and in your flow.",
                t=widgets.Control([1.0, 0.8, 0.6, 0.5, 0.4, 0.2, 0.0], default=0.5))

# %% [markdown]
# All of them first move towards the middle, and turn to a bump late. To see why, take one place where many lines
# cross. The loss pulls the answer there towards $z - x$ of *each* of them. The sum of these pulls, the gradient of (2)
# with respect to the answer $u_\theta$ at $x_t$, is $2\,\mathbb E[\,u_\theta - (z - x) \mid x_t\,]$: it is zero where
#
# $$u^*(x_t, t) = \mathbb E\big[\,z - x \mid x_t\,\big]. \tag{3}$$
#
# This is the **marginal velocity**, the mean over all pairs whose line passes here at this time. Single pairs are wrong,
# each in its way; the mean of their gradients is right. Notebook 08 met the same when denoising learned the score.
# And a flow by $u^*$ has at each time the densities of the lines' points, though no point keeps to its line.
#
# At both ends the mean is easy. At $t = 1$ the place is the noise and says nothing of $x$, so $u^* = z - \mathbb E[x]$:
# straight to the middle of the data. At $t = 0$ the place is the data, and $u^* = \mathbb E[z] - x = -x$. Between them
# the network must weigh who could have come here.
#
# **Question 1.** Somebody says: “the loss never reaches zero, so the network has not learned the velocity.” What value
# does (2) keep even with a perfect network, at $t = 1$ and at $t = 0$? And may two answers of a perfect network, at one
# place and time, differ?

# %% [markdown] question="flow.1"
# Even the best answer, the mean, misses the single pairs, by their variance: $L$ keeps $\operatorname{Var}(z - x \mid
# x_t)$. At $t = 1$ the place tells $z$ and nothing of $x$, so what is left is $\operatorname{Var}(x)$, the data's
# variance. At $t = 0$ it tells $x$ and nothing of $z$: the variance of the noise, 1 in each dimension. Between them it
# depends on how many different pairs pass through a place. So one compares the loss with that value, not with zero (or
# one looks at samples).
#
# No: $u^*(x_t, t)$ is a function, one mean for one place and time. The pairs differ, the answer does not. That is why the
# ways of sampling cannot cross where the lines of training do.
#
# **Rubric** (½ points allowed)
#
# - 2 points: what stays is the variance of z − x given the place, since the best answer is the mean
# - 2 points: Var(x) at t = 1, Var(z) = 1 at t = 0
# - 1 point: one answer for each place and time

# %% [markdown]
# ## 2 · The velocity of a finite set
#
# For a finite set of data, and every data set is finite, (3) can be computed. Let $x$ be one of $x_1, \dots, x_n$, each
# as likely as the others, and $z \sim \mathcal N(0, I)$ independent of it. Then $x_t$ given $x_i$ is a Gaussian; (1)
# says which. Bayes' rule of notebook 01 gives the probability that the line through $x_t$ belongs to $x_i$. And if it
# does, (1) leaves no choice of $z$: you know the velocity of that line from $x_t$, $x_i$ and $t$. Weigh, and add up.
#
# **Exercise 4** · hard · 25 minutes. Derive it on paper first.
#
# <details><summary><b>Stuck?</b></summary>
#
# Two small questions. If the line through $x_t$ at time $t$ starts at $x_i$: what is $z$, and so $z - x_i$? And what are
# mean and variance of $x_t$ given $x_i$? All factors that do not depend on $i$ cancel when the weights are normalised.
#
# </details>

# %% task="flow.marginal_velocity"
def marginal_velocity(x_t, t, data):
    """The exact velocity (3) when the data is a finite set, each of its members equally likely.

    Args:
        x_t: (b, *) places.
        t: (b,) times in (0, 1].
        data: (n, *) the set.

    Returns:
        (b, *).
    """
    ####################################################################
    # TODO: weights (b, n), then a mean. A distance runs over all      #
    # dimensions of a sample. At small t the weights' exponents are    #
    # huge: no NaN, please. About 6 lines.                             #
    ####################################################################
    ### BEGIN SOLUTION
    points, time = data.flatten(1), t[:, None]
    centres = (1 - time[:, None]) * points  # (b, n, d)
    squares = (x_t.flatten(1)[:, None] - centres).square().sum(2)
    weights = (-squares / (2 * time**2)).softmax(1)
    return (x_t - (weights @ points).reshape(x_t.shape)) / column(t, x_t)
    ### END SOLUTION
    ####################################################################
    #                       END OF YOUR CODE                           #
    ####################################################################

# %% check="flow.marginal_velocity"
check("flow.marginal_velocity")

# %% [markdown]
# <details><summary><b>What you derived</b></summary>
#
# $$u^*(x_t, t) = \sum_i w_i\,\frac{x_t - x_i}{t}, \qquad
# w = \operatorname{softmax}_i\Big(\!-\frac{\lVert x_t - (1-t)\,x_i\rVert^2}{2t^2}\Big). \tag{4}$$
#
# </details>
#
# Equation (4), which you derived, needs no training at all, so try it as a model: your sampler, driven by (4), on 300
# digits of the training set.

# %% tags=["demo"]
digits, labels = data.mnist("train")
few = 2 * digits[torch.linspace(0, len(digits) - 1, 300).long()] - 1
noises = torch.randn(8, 1, 28, 28, generator=seeded(3))
drawn = euler_sample(lambda x, t: marginal_velocity(x, t, few), noises, 30)
apart, which = metrics.nearest(drawn.flatten(1), few.flatten(1))
plot.show(plot.image_rows({"drawn": (drawn + 1) / 2, "nearest of the 300": (few[which[:, 0]] + 1) / 2}),
          alt="Eight perfect digits, and below each the digit of the training set that is nearest: the same.")
print("all within 0.01 of a member of the 300:", bool((apart < 0.01).all()))

# %% [markdown]
# The best velocity there is, and it cannot draw anything new: every sample is a member of the set. **This is what
# memorising is.** It is not a fault of training; it is the exact minimum of (2).
#
# **Question 2.** (4) is the minimum of the loss on your training set, and it only repeats the set. Why does the network
# that is trained on the same set draw new digits? And how would you tell whether a given network memorises?

# %% [markdown] question="flow.2"
# The network does not reach the minimum. It has far fewer parameters than (4), which carries all pictures with it; it
# is smooth, and it sees each picture with ever new noises for a limited time. So near small $t$, where (4) leaps from one
# member to another, the network gives something between: a mean over many similar pictures, by strokes and not by whole
# pictures. Its *error* against (4) is what is new in its samples. (Moving and turning the digits makes the set larger,
# too.)
#
# Look for the nearest members of the training set to many samples and compare the distances with those between held-out
# digits and the set: samples that are much nearer than held-out ones are copies. Looking at samples alone does not tell;
# copies look perfect.
#
# **Rubric** (½ points allowed)
#
# - 2½ points: the network is too small, too smooth or too little trained to reach (4), and averages over neighbours
# - 2½ points: a test by nearest training pictures, with held-out pictures (or the like) to compare with

# %% [markdown]
# ## 3 · Which times are worth a training step
#
# The ring is a mixture of Gaussians, so its velocity (3) is known, too. Here is the loss at each time, of the exact
# velocity and of your network.

# %% tags=["demo"]
def exact(x, t, y=None):
    """The velocity (3) of the ring."""
    return ring.model(straight, "velocity")(x, t)


grid, x, z = torch.linspace(0.02, 1, 50), ring.sample(2000, seeded(4)), torch.randn(2000, 2, generator=seeded(5))
at_times = {name: [loss(answer, x, z, t.expand(2000)).item() for t in grid]
            for name, answer in {"exact velocity": exact, "your network": model}.items()}
plot.show(plot.curves(grid, at_times, xlabel="t", ylabel="loss"),
          alt="Two curves over t that nearly coincide: a dip near 0.25, and their largest value near 0.7.")

# %% [markdown]
# The two are close; nearly all of the loss is what nobody can learn. And the hardest times lie between the ends, here
# around 0.7. Near the ends the best answer is simple, a constant less $x$ or $z$ less a constant. Between them lines of
# very different pairs meet, and there the network must weigh. So one draws times more often there. Stable Diffusion 3
# (Esser et al. 2024) takes the **logit-normal** law: a normal number, with a mean and a standard deviation of our choice,
# sent through the sigmoid. (Not the log-normal law, whose numbers do not stay below 1.)
#
# **Exercise 5** · easy · 5 minutes

# %% task="flow.logit_normal_t"
def logit_normal_t(n, mean=0.0, std=1.0):
    """n random times in (0, 1) whose logits are normal.

    Args:
        n: How many.
        mean, std: Of the logits, log(t / (1 − t)).

    Returns:
        (n,) float32.
    """
    ####################################################################
    # TODO: about 1 line, with n normal draws of torch.                #
    ####################################################################
    ### BEGIN SOLUTION
    return torch.sigmoid(mean + std * torch.randn(n))
    ### END SOLUTION
    ####################################################################
    #                       END OF YOUR CODE                           #
    ####################################################################

# %% check="flow.logit_normal_t"
check("flow.logit_normal_t")

# %% tags=["demo"]
def shifted(t, r):
    """Times for pictures with r times as many pixels along a side."""
    return r * t / (1 + (r - 1) * t)


torch.manual_seed(6)
t = logit_normal_t(40_000)
plot.show(plot.histograms({"logit-normal (0, 1)": t, "logit-normal (−0.5, 1)": logit_normal_t(40_000, mean=-0.5),
                           "logit-normal (0, 1), r = 3": shifted(t, 3)}, xlabel="t"),
          alt="Three densities of t: a hill in the middle, one towards the data, one shifted far to the noise.")

# %% [markdown]
# The third curve is shifted. A large picture shows through more noise than a small one: neighbouring pixels say the same,
# and a reader averages over them. A noise that hides half of what there is to see at 256² hides much less at 1024². So
# for $r$ times the side the times move towards the noise, in training or sampling:
#
# $$t' = \frac{r\,t}{1 + (r - 1)\,t}. \tag{5}$$
#
# ## 4 · Digits, and guidance
#
# The network `mnist-flow` knows the ten classes; in training the class was dropped one time in five (papers drop between
# a tenth and a half). Your loss of exercise 2 is all that its recipe needs; `TRAIN = True` at the top trains it anew.

# %% tags=["demo"]
class Mine(MnistFlow):
    """The shipped checkpoint's recipe, with your loss."""

    def loss(self, model, batch):
        condition, = self.condition(batch)
        return loss(model, self.x_start(batch), batch["noise"], batch["t"], condition)


recipe, shipped = Mine(), zoo.load("mnist-flow")
print(f"the recipe: {recipe.steps:,} steps with batches of {recipe.batch_size} digits, "
      f"{recipe.minutes['two cores']:g} minutes on two cores")
if TRAIN:
    finished = training.train(recipe, resume=False, out=training.RUNS / "finished")
    shipped = zoo.load("mnist-flow", finished.parent) if finished else shipped

# %% [markdown]
# Guidance needs nothing new. A velocity is a fixed combination of the place and of any other prediction, so notebook 07's
# rule can be said of velocities: $(1 + w)$ times the answer with the class, less $w$ times the one without.
#
# **Exercise 6** · easy · 4 minutes

# %% task="flow.cfg_velocity"
def cfg_velocity(u_cond, u_uncond, w):
    """The guided velocity; w = 0 is the plain conditional one.

    Args:
        u_cond, u_uncond: (b, *) velocities with and without the class.
        w: A number.

    Returns:
        (b, *).
    """
    ####################################################################
    # TODO: 1 line.                                                    #
    ####################################################################
    ### BEGIN SOLUTION
    return (1 + w) * u_cond - w * u_uncond
    ### END SOLUTION
    ####################################################################
    #                       END OF YOUR CODE                           #
    ####################################################################

# %% check="flow.cfg_velocity"
check("flow.cfg_velocity")

# %% [markdown]
# The network is notebook 06's, with a time that is a number in $[0, 1]$: yours, if it lies beside this notebook. Ten
# noises, ten wishes, and your sampler.
#
# **Before you move it, guess:** how few steps will do, with guidance and without? Notebook 07 needed about ten.

# %% tags=["demo"]
parts = ["SinusoidalPosEmb", "RMSNorm", "ResnetBlock.forward", "down_blocks", "up_blocks", "drop_condition", "forward"]
Unet, whose = own("06_unet", "Unet", checks=[f"unet.{part}" for part in parts])
network = shipped.model if Unet is None else Unet(**shipped.config["args"]).eval()
if Unet is not None:
    network.time_mlp[0] = shipped.model.time_mlp[0]  # what embeds a time in [0, 1]
    network.load_state_dict(shipped.model.state_dict())
network = network.requires_grad_(False)
print(whose)


def wishing(labels, w):
    """The velocity of digits of these classes, guided."""
    wish = {"text_emb": shipped.encode(labels)}
    if not w:
        return lambda x, t: network(x, t, wish)
    return lambda x, t: cfg_velocity(network(x, t, wish), network(x, t, {"text_emb": None}), w)

# %% tags=["demo", "nbval-ignore-output"]
ten, noises = torch.arange(10), torch.randn(10, 1, 28, 28, generator=seeded(7))
sheets = {(n, w): (euler_sample(wishing(ten, w), noises, n) + 1) / 2 for n in (1, 2, 4, 8, 16) for w in (0, 1)}


def digits_by(steps, w):
    return plot.images(sheets[steps, w])


widgets.explore(digits_by, caption=lambda steps, w: f"{steps} step{'s' * (steps > 1)}, w = {w}, {steps * (1 + (w > 0))} "
                                                    f"evaluations of the network.",
                steps=widgets.Control([1, 2, 4, 8, 16], default=4), w=widgets.Control([0, 1], default=1))

# %% [markdown]
# One step draws the mean of each class, as (3) says it must at $t = 1$: a velocity towards $\mathbb E[x \mid y]$. The
# same beside notebook 06's `mnist-unet`, which learned the noise on a bent path and is drawn from by DDIM. The recipes
# drew 1,000 digits for each number of steps, all with $w = 1$, and measured them as in notebook 07: the share that a
# classifier reads as asked for, the diversity within a class, and the kernel distance to real digits.

# %% tags=["demo"]
measured = {"mnist-flow, Euler": zoo.load("mnist-flow-1").tables["teacher"],
            "mnist-unet, DDIM": [row for row in zoo.load("mnist-noisy-classifier").tables["guidance"] if row["w"] == 1]}
plot.show(diagrams.over_steps({name: {row["steps"]: row["recognised"] for row in rows} for name, rows in measured.items()},
                              "share recognised"),
          alt="Share of digits recognised over the number of steps: the flow is at 0.8 with one step and near 1 from two "
              "on; the UNet with DDIM is below 0.7 with four and near 1 with sixteen.")
for name, rows in measured.items():
    print(f"{name:20}{'recognised':>12}{'diversity':>11}{'kernel distance':>17}")
    for row in rows:
        print(f"{row['steps']:>9.0f} step{'s' if row['steps'] > 1 else ' '}{row['recognised']:>17.1%}{row['diversity']:>11.1f}"
              f"{row['kernel_distance']:>11.3f} ± {row['kernel_distance_std']:.3f}")

# %% [markdown]
# Both networks are of one size, and the straight one was even trained for fewer steps. What differs is the path, and what
# is predicted on it. To be recognised is not all: the fewer the steps, the more the flow's digits of a class are alike.
#
# ## 5 · How straight is it, and how to make it straighter
#
# The lines of training are straight, the flow's own ways are not, as section 1 showed. How far off are they? On a
# straight way the velocity is the same all along: the whole difference between its ends, since it takes one unit of
# time. So measure (Liu et al. 2023)
#
# $$S = \int_0^1 \mathbb E\,\Big\lVert\,x(1) - x(0) - \frac{dx(t)}{dt}\,\Big\rVert^2 dt, \tag{6}$$
#
# where $x(1)$ and $x(0)$ are the noise's and the data's ends of one way. Your sampler's states are known at $n + 1$ times;
# between two of them the velocity is their difference, divided by the time it took.
#
# **Exercise 7** · medium · 12 minutes
#
# <details><summary><b>Stuck?</b></summary>
#
# How many differences do $n + 1$ states have, and how much time lies between two states? Which of a difference's two ends
# is nearer to the noise?
#
# </details>

# %% task="flow.straightness"
def straightness(path):
    """Equation (6) for ways that are known at n + 1 equally spaced times.

    Args:
        path: (n + 1, b, *) states of b samples, from noise (t = 1) to data (t = 0).

    Returns:
        A scalar, 0 for straight ways: squares summed over a sample's dimensions, their mean over steps and samples.
    """
    ####################################################################
    # TODO: about 4 lines. Points and pictures alike.                  #
    ####################################################################
    ### BEGIN SOLUTION
    n = len(path) - 1
    velocity = n * (path[:-1] - path[1:])
    off = path[0] - path[-1] - velocity  # (n, b, *)
    return off.square().flatten(2).sum(2).mean()
    ### END SOLUTION
    ####################################################################
    #                       END OF YOUR CODE                           #
    ####################################################################

# %% check="flow.straightness"
check("flow.straightness")

# %% [markdown]
# Here is a surprising trick. Carry many noises to data by your flow, and keep the pairs $(x, z)$ that belong
# together. Now train a *second* network, by the same loss, on these pairs in place of random ones. Each noise has one
# partner, and their lines hardly cross. This is **reflow**.
#
# **Exercise 8** · easy · 8 minutes

# %% task="flow.reflow_pairs"
def reflow_pairs(model, z, num_steps):
    """Pairs of data and noise that a flow joins.

    Args:
        model: As in euler_sample.
        z: (b, *) noise.
        num_steps: Of the sampler.

    Returns:
        x: (b, *) where the flow carries z, without a graph.
        z: (b, *) the same noise.
    """
    ####################################################################
    # TODO: 1 line, by your euler_sample.                              #
    ####################################################################
    ### BEGIN SOLUTION
    return euler_sample(model, z, num_steps), z
    ### END SOLUTION
    ####################################################################
    #                       END OF YOUR CODE                           #
    ####################################################################

# %% check="flow.reflow_pairs"
check("flow.reflow_pairs")

# %% tags=["demo"]
torch.manual_seed(1)
again = Plane()
kept = reflow_pairs(model, torch.randn(20_000, 2, generator=seeded(8)), 50)


def kept_pair(generator):
    some = torch.randint(len(kept[0]), (256,), generator=generator)
    return kept[0][some], kept[1][some]


train(again, kept_pair, seed=1)

# %% [markdown]
# **Before you move it, guess:** with one step, what will the first flow draw, and what the second?

# %% tags=["demo", "nbval-ignore-output"]
ways = {"first flow": states(model, start), "after reflow": states(again, start)}
named = {f"{name}: S = {straightness(way):.2g}": way[:, :20] for name, way in ways.items()}
clouds = {n: [euler_sample(one, start, n) for one in (model, again)] for n in (1, 2, 4, 8, 50)}


def few_steps(steps):
    return diagrams.ways_and_ends(named, clouds[steps])


widgets.explore(few_steps, caption=lambda steps: f"Ways of the two flows (lines), and 400 points after {steps} Euler "
                                                 f"step{'s' * (steps > 1)}.",
                steps=widgets.Control(list(clouds), default=1))

# %% [markdown]
# **Question 3.** Before reflow, one step draws a single blob; after it, a ring. Explain both by (3): which pairs pass
# through a place $z$ at $t = 1$, before and after? And what does the second flow lose against the first, however long you
# train it?

# %% [markdown] question="flow.3"
# One Euler step from $t = 1$ lands on $z - u^*(z, 1)$. Before reflow, pairs are drawn independently, so through $z$ pass
# the lines to *all* data, and the mean velocity is $z - \mathbb E[x]$: every noise lands on the middle of the data. After
# reflow one pair belongs to each $z$ (the first flow is a function), so the mean is over one line only, $u^* = z - x(z)$,
# and a single step lands on $x(z)$, near where the first flow would have carried it.
#
# The second network never sees data, only what the first one drew. So it keeps the first flow's errors (its wrong
# points between the bumps, its solver's errors) and adds its own; it can be faster, not truer. (It also costs the drawing
# of many pairs.)
#
# **Rubric** (½ points allowed)
#
# - 2 points: before: all data are partners of z, so the step lands on their mean
# - 1½ points: after: one partner, so it lands near that partner
# - 1½ points: it learns from samples, so the first flow's errors stay and its own come on top

# %% [markdown]
# ## 6 · All predictions are one
#
# Some networks predict the noise, some $x_{\text{start}}$, some $v$, some the velocity. Now all of them at once. Any path of
# this course is $x_t = a\,x + b\,z$ with known numbers $a$ and $b$, and any prediction is $y = c\,x + d\,z$ with known $c$
# and $d$:
#
# | prediction $y$ | $c$ | $d$ | stands in |
# |---|---:|---:|---|
# | $x_{\text{start}}$ | 1 | 0 | 05, 14 |
# | noise $\varepsilon$ | 0 | 1 | 05, 06, 07 |
# | $v$ | $-b$ | $a$ | 08 to 11, 13 |
# | velocity, straight path | −1 | 1 | 12, 13, 14 |
#
# Who knows $x_t$ and $y$ has two equations for two unknowns.
#
# **Exercise 9** · medium · 10 minutes
#
# <details><summary><b>Stuck?</b></summary>
#
# Multiply each equation by a number that makes the terms with $z$ equal, and subtract. Then the same for $x$.
#
# </details>

# %% task="flow.recover"
def recover(a, b, c, d, x_t, y):
    """Data and noise from x_t = a·x + b·z and y = c·x + d·z.

    Args:
        a, b, c, d: (b,) coefficients.
        x_t, y: (b, *).

    Returns:
        x: (b, *).
        z: (b, *).
    """
    ####################################################################
    # TODO: about 4 lines.                                             #
    ####################################################################
    ### BEGIN SOLUTION
    a, b, c, d = (column(k, x_t) for k in (a, b, c, d))
    scale = a * d - b * c
    return (d * x_t - b * y) / scale, (a * y - c * x_t) / scale
    ### END SOLUTION
    ####################################################################
    #                       END OF YOUR CODE                           #
    ####################################################################

# %% check="flow.recover"
check("flow.recover")

# %% [markdown]
# <details><summary><b>What you derived</b></summary>
#
# $$x = \frac{d\,x_t - b\,y}{ad - bc}, \qquad z = \frac{a\,y - c\,x_t}{ad - bc}. \tag{7}$$
#
# </details>
#
# So each row of the table becomes each other one: recover the pair, then combine anew. All of them, there and back, in
# float64, on three paths:

# %% tags=["demo"]
def kinds(path, t):
    """(c, d) of each prediction at times t (b,), and (a, b) of the path."""
    a, b, zero = path.alpha(t), path.sigma(t), torch.zeros_like(t)
    return {"x_start": (zero + 1, zero), "noise": (zero, zero + 1), "v": (-b, a),
            "velocity": (path.alpha_dot(t), path.sigma_dot(t))}, (a, b)


t, x, z = torch.linspace(0.1, 0.9, 9).double(), torch.randn(9, 5).double(), torch.randn(9, 5).double()
for path in (vp, paths.VE(), straight):
    rows, (a, b) = kinds(path, t)
    x_t, largest = column(a, x) * x + column(b, x) * z, 0.0
    for c, d in rows.values():
        found = recover(a, b, c, d, x_t, column(c, x) * x + column(d, x) * z)
        for e, f in rows.values():
            told, truth = (column(e, x) * p + column(f, x) * q for p, q in (found, (x, z)))
            largest = max(largest, ((told - truth).abs() / (1 + truth.abs())).max().item())
    print(f"{type(path).__name__}: all {len(rows)} × {len(rows)} conversions agree to 1e-9: {largest < 1e-9}")

# %% tags=["demo"]
grid = torch.linspace(0.001, 0.999, 200).double()
sizes = {}
for name, path in {"VP": vp, "straight": straight}.items():
    rows, (a, b) = kinds(path, grid)
    sizes[name] = {kind: (a * d - b * c).abs() for kind, (c, d) in rows.items()}
plot.show(diagrams.determinants(grid, sizes),
          alt="The size of ad − bc over t, for VP and the straight path. For noise it falls to 0 at t = 1, for x_start to 0 "
              "at t = 0. For v it is 1 on VP and dips to a half in the middle of the straight path; for the straight "
              "path's velocity it is 1 everywhere.")

# %% [markdown]
# Where $ad - bc$ is near zero a small error of the network becomes a large one: a prediction of the noise says nothing of
# the data at $t = 1$, one of $x_{\text{start}}$ nothing of the noise at $t = 0$. On the straight path the velocity is safe
# everywhere.
#
# It is so even where the path's SDE is not. Written as notebook 09 writes it, the straight path has $f = -1/(1-t)$ and
# $g^2 = 2t/(1-t)$, both infinite at $t = 1$; yet what the flow needs, $f\,x - \tfrac12 g^2\,\nabla\log p_t(x)$, is the
# velocity, finite at both ends.

# %% tags=["demo"]
place = torch.tensor([[0.5, -1.0]]).double()
for t in (0.5, 0.9, 0.99, 0.9999):
    f, g = straight.f(t), straight.g(t)
    drift = f * place - g**2 / 2 * ring.model(straight, "score")(place, torch.tensor([t]).double())
    print(f"t = {t:<6}  f = {f:9.1f}  g² = {g**2:8.1f}  drift of the flow: "
          f"({drift[0, 0]:.2f}, {drift[0, 1]:.2f})")

# %% [markdown]
# ## 7 · One model, eight names
#
# You have now met one machine under many names. Take a network that looks at noisy data and tells something of the clean
# one. It is
#
# | name | what it says of the machine | notebook |
# |---|---|---|
# | a **latent-variable model** | the noisy states are hidden variables; the loss bounds the likelihood | [03](03_vae.ipynb), [05](05_ddpm.ipynb) |
# | a **Markov chain**, run backwards | each state is drawn from the one before, and forgets the others | [01](01_mle.ipynb), [05](05_ddpm.ipynb) |
# | an **autoregressive model** | the chain rule once more, over levels of noise in place of pixels | [02](02_autoregressive.ipynb) |
# | a **denoising autoencoder** | it sees noise added, and gives the mean of what was there | [05](05_ddpm.ipynb), [06](06_unet.ipynb) |
# | a **score** | that mean tells where the density rises | [08](08_score_matching.ipynb) |
# | an **SDE**, reversed | the chain with steps that are infinitely short | [09](09_score_sde.ipynb) |
# | an **ODE**, a normalising flow | the same densities without noise, and an exact likelihood | [10](10_ode_likelihood.ipynb) |
# | a **rectified flow** | straight lines, and the mean of their velocities | 12, here |
#
# The translations are short: (7) turns any prediction into any other; the mean $\mathbb E[x \mid x_t]$ is the denoiser;
# the score is $-\mathbb E[z \mid x_t]/\sigma_t$; the velocity is the mean of $z - x$. What differs in practice is the path,
# the weights of the times, and the solver.
#
# And the other notebooks: [00](00_start_here.ipynb) has the notation; [04](04_gan.ipynb), the GAN, is the one that is
# *not* this machine (no likelihood, no levels, a game); [07](07_cfg.ipynb) steers it; [11](11_latent_diffusion.ipynb)
# runs it in a smaller space, for sentences; [13](13_dit.ipynb) changes its network for a transformer;
# [14](14_distillation.ipynb) makes its steps few, down to one; [15](15_gpu_kernels.ipynb) makes each of them fast.
#
# **Question 4.** Take the names *denoising autoencoder*, *score* and *rectified flow*. A network for the straight path
# predicts $\hat u$ at $(x_t, t)$. Write the denoiser's $\hat x$ and the score in terms of $x_t$, $\hat u$ and $t$.
# Then: which of the eight names would you use to explain the machine to a statistician, and why?

# %% [markdown] question="flow.4"
# On the straight path $a = 1 - t$, $b = t$, and $\hat u = \hat z - \hat x$, so $x_t = \hat x + t\,\hat u$. Hence the
# denoiser is $\hat x = x_t - t\,\hat u$ and the noise is $\hat z = x_t + (1-t)\,\hat u$. The score is $-\hat z/\sigma_t =
# -(x_t + (1-t)\,\hat u)/t$.
#
# To a statistician: for instance a latent-variable model. The words are theirs (hidden variables, a bound of the
# likelihood, which inference is fixed and which is learned), and it says what is estimated. Or a score: the gradient of a
# log-density, estimated by regression, with Tweedie's formula behind it. Any of the eight is right with a reason that
# belongs to the name.
#
# **Rubric** (½ points allowed)
#
# - 1½ points: $\hat x = x_t - t\,\hat u$
# - 1½ points: score $= -(x_t + (1-t)\,\hat u)/t$
# - 2 points: a name with a reason that fits it

# %% [markdown]
# ## Puzzle
#
# Not graded. Three people sampled the ring with its exact velocity and ten steps, from the same 400 noises, each with one
# slip:
#
# - the times are `linspace(1, 0, 10)`, the steps still $\tfrac1{10}$;
# - the network was trained with $x - z$, and is sampled from as if it had learned $z - x$;
# - the model is asked at $1 - t$ in place of $t$.
#
# Which cloud, A, B or C, is whose?

# %% tags=["demo"]
plot.show(plot.points(puzzles.slipped_lines(ring, start), limits=4.5),
          alt="A: five tight knots on too small a ring. B: five bumps, a little too wide. C: a dense knot in the middle, "
              "and rays of points strewn outwards from it.")

# %% [markdown]
# <details><summary><b>Answer</b></summary>
#
# **A** asks at $1 - t$. The last answers are those of times near 1, whose velocity points away from the middle of the
# data. The steps go against it, so every point is drawn to the middle, and the ring has shrunk.
#
# **B** is the grid. Its times run ahead of the state, so the model believes that less noise is left than there is, and
# some of it stays. The picture looks nearly right; that is why this slip lives so long. More steps make it smaller.
#
# **C** has the wrong sign: each step leads away from the data. Who is inside the ring ends in its middle, as far from
# all bumps as one can be there; who is outside is driven off.
#
# </details>
#
# ## Where this goes
#
# - **13** puts a transformer in the UNet's place; Stable Diffusion 3 and Flux are that, on this path.
# - **14** distils `mnist-flow` to four steps and to one, with the guidance inside.
# - **15** makes each step fast.
#
# **References**
#
# - Liu, Gong, Liu 2023, *Flow Straight and Fast*: rectified flow, straightness (6), reflow.
# - Lipman, Chen, Ben-Hamu, Nickel, Le 2023, *Flow Matching for Generative Modeling*: conditional and marginal velocity.
# - Albergo, Vanden-Eijnden 2023, *Building Normalizing Flows with Stochastic Interpolants*.
# - Esser et al. 2024, *Scaling Rectified Flow Transformers* (Stable Diffusion 3): logit-normal times, the shift (5).
# - Ho, Salimans 2022, *Classifier-Free Diffusion Guidance*.
# - Salimans, Ho 2022, *Progressive Distillation*: $v$, and what else to predict.
#
# ## Summary
#
# 1. Join data and noise by straight lines; regress the velocity $z - x$; follow it back with Euler.
# 2. The network learns the mean velocity of all lines through a place; for a finite set it is known exactly.
# 3. Times between the ends deserve more training; large pictures deserve later times.
# 4. Reflow keeps the flow's own pairs, whose lines hardly cross, and one step becomes enough to draw.
# 5. Noise, $x_{\text{start}}$, $v$ and velocity are one answer in four forms; to change the form, divide by $ad - bc$.
