# %% [markdown]
# # 01 · From counting to likelihood
#
# Somebody hands you a closed bag of red and blue balls. You may draw one, look at it, and put it back, as often as you
# like. After a hundred draws, thirty of them red, you have an opinion about the bag. Every model of this course is
# made in the same way: it looks at draws, pictures this time, and forms an opinion about where they came from.
#
# **When you are done, you can**
#
# - say what competes for probability in $p(y|x)$, $p(x)$ and $p(x|y)$, and go from one to another by Bayes' rule;
# - write a likelihood that survives five thousand draws, and find its maximum on paper and by descent;
# - measure information in bits, and say what a model's mistake costs;
# - show that maximising likelihood is minimising a divergence, and say which of the two;
# - find where a Markov chain spends its time, also when it never settles.
#
# **Time:** about three hours: eight exercises (105 minutes), four questions, a puzzle, and the reading.
#
# **Before it:** derivatives, logarithms, and PyTorch's tensors.
#
# Fill in the `TODO` cells from top to bottom and run the check below each. A check brings its own version of whatever
# came earlier; the figures need yours, and say in one sentence what is not written yet. If this notebook imports
# `.py` files of your own, hand them in with it.

# %% tags=["setup"]
import math

import torch

from course_utils.check import Unfinished, check

torch.set_printoptions(sci_mode=False)  # 0.0001, not 1e-04

# %% tags=["demo"]
from scipy import stats
from torch.distributions import Normal

from course_utils import data, diagrams, plot, widgets

digits, labels = data.mnist("train")  # (4500, 1, 28, 28) in [0, 1]

# %% [markdown]
# ## 1 · What competes with what
#
# *Supervised* learning has questions and answers, pictures $x$ and their labels $y$. *Unsupervised* learning has
# pictures only and looks for what is hidden in them: groups (clustering), useful coordinates (features), or the
# density $p(x)$ itself. Let the whole world be four pictures and two labels, “three” and “eight”. One table then holds
# everything, the **joint** distribution: how often does each pair occur?

# %% tags=["demo"]
three, eight = digits[labels == 3][0, 0], digits[labels == 8][3, 0]
noise = torch.rand(28, 28, generator=torch.Generator().manual_seed(0))
pictures = torch.stack([three, eight, (three + eight) / 2, noise])
joint = torch.tensor([[0.412, 0.010, 0.060, 0.018],   # three
                      [0.010, 0.428, 0.060, 0.002]])  # eight
plot.show(diagrams.competing(joint, pictures, ["three", "eight"]),
          alt="The joint table of four pictures and two labels, and what follows from it. In p(x) the pictures "
              "compete, in p(y|x) the two labels of one picture, in p(x|y) the pictures of one label.")

# %% [markdown]
# Each frame holds the numbers that share a total of 1: if one grows, others must shrink. The sum over a variable is a
# **marginal**, a slice divided by its sum is a **conditional**:
#
# $$p(x) = \sum_y p(x, y), \qquad p(y \mid x) = \frac{p(x, y)}{p(x)} \tag{1}$$
#
# In $p(y|x)$, a classifier, only labels compete. Pictures do not, so it must answer even for nonsense: the last
# picture is noise, and “three” gets 0.9. In $p(x)$ all pictures compete, and noise loses: whoever knows $p(x) = 0.02$
# can refuse to answer. In $p(x|y)$ the pictures of one label compete; this is what a generator with a prompt needs.
#
# The same words hold when things are continuous. A dart lands at $(x, y)$; sums become integrals.

# %% tags=["demo"]
generator = torch.Generator().manual_seed(1)
a, b = torch.randn(2, 30_000, generator=generator)
dart = torch.stack([a, 0.8 * a + 0.6 * b], dim=1)
near = (dart[:, 0] - 1.2).abs() < 0.15
fig, (left, right) = plot.figure(columns=2, height=230)
left.plot(*dart[:4000].T, "o", markersize=1.2, color=plot.INK, alpha=0.5)
left.axvspan(1.05, 1.35, color=plot.SHADE, zorder=0)
left.set(xlabel="x", ylabel="y", box_aspect=1, xlim=(-3.5, 3.5), ylim=(-3.5, 3.5), title="joint: 4,000 of 30,000 darts")
right.hist(dart[:, 1], 50, density=True, color=plot.SHADE, label="marginal $p(y)$: all darts")
right.hist(dart[near, 1], 20, density=True, histtype="step", color=plot.INK, label="$p(y | x ≈ 1.2)$: in the strip")
y = torch.linspace(-4, 4, 200)
right.plot(y, Normal(0.96, 0.6).log_prob(y).exp(), color=plot.NAN, label="$p(y | x = 1.2)$")
right.set(xlabel="y", ylabel="density", ylim=(0, 1))
right.legend()
plot.show(fig, alt="Darts lie along a diagonal. All darts spread over y from -3 to 3; those in the strip at x = 1.2 "
                   "lie around y = 1, within a narrower range, and follow the curve of p(y | x = 1.2).")

# %% [markdown]
# **Bayes' rule** turns a conditional round. Call the possible causes $y$ and what was seen $x$. The **prior** $p(y)$
# is what you believed before, the **likelihood** $p(x|y)$ how well each cause explains what was seen:
#
# $$p(y \mid x) = \frac{p(x \mid y)\,p(y)}{p(x)} \tag{2}$$
#
# Equation (1) says what $p(x)$ is.
#
# **Exercise 1** · easy · 5 minutes

# %% task="mle.bayes_posterior"
def bayes_posterior(prior, likelihood):
    """What to believe about k causes after seeing x, eq. (2).

    Args:
        prior: (k,) probabilities p(y) that sum to 1.
        likelihood: (k,) values p(x | y) of the one x that was seen; densities need not be below 1.

    Returns:
        posterior: (k,) probabilities p(y | x).
    """
    ####################################################################
    # TODO: eq. (2), with p(x) from eq. (1). About 2 lines.            #
    # The likelihoods of different causes need not sum to anything.    #
    ####################################################################
    ### BEGIN SOLUTION
    joint = prior * likelihood
    return joint / joint.sum()
    ### END SOLUTION
    ####################################################################
    #                       END OF YOUR CODE                           #
    ####################################################################

# %% check="mle.bayes_posterior"
check("mle.bayes_posterior")

# %% [markdown]
# A test finds 99 % of the ill, and 5 % of the healthy by mistake. Yours is positive. Are you ill?

# %% tags=["demo"]
priors = torch.logspace(-4, 0, 100)
positive = torch.tensor([0.99, 0.05])  # p(positive | ill), p(positive | healthy)
ill = torch.stack([bayes_posterior(torch.stack([p, 1 - p]), positive)[0] for p in priors])
fig = plot.curves(priors, {"after a positive test": ill, "before it": priors}, logx=True,
                  xlabel="share of people who are ill (the prior)", ylabel="p(ill)")
plot.show(fig, alt="Where one person in a hundred is ill, a positive test makes it one in six; where one in ten is "
                   "ill, two in three.")

# %% [markdown]
# Follow the curve to a prior of 0.01: five of six people with a positive test are healthy.
#
# The rule works for pictures too: $p(x|y) = p(y|x)\,p(x)/p(y)$, a generator from a classifier and a density. Hardly
# anybody builds one like this: it takes two models, and the classifier must be right on every picture that the density
# tries, also those that no classifier was ever trained on. One model that sees the labels in training is easier.
#
# ## 2 · One question, many answers
#
# “Draw a seven” has thousands of right answers. So has a sentence to be continued, a text to be painted, a photograph
# to be set in motion. What does a network do that is trained by squared error to give *the* answer?

# %% tags=["demo"]
sevens = digits[labels == 7]
plot.show(plot.images(torch.cat([sevens[:6], sevens.mean(0, keepdim=True)]), columns=7,
                      titles=["a seven"] * 6 + ["the mean"]),
          alt="Six handwritten sevens, each sharp and different, and the mean of all sevens: a grey blur.")

# %% [markdown]
# It answers with the mean, the one picture that has the smallest squared distance to all right answers, and that
# nobody ever drew. This is **regression to the mean**. A generative model answers with a distribution, and draws from
# it: pictures, speech, music, molecules, plans for a robot. Here is the family; you will build one of each branch.

# %% tags=["demo"]
plot.show(diagrams.family(), alt="A tree. Generative models either write down p(x) or only draw from it. Written down, "
          "p(x) is exact in autoregressive models and flows, bounded in variational autoencoders and diffusion. "
          "Generative adversarial networks only draw.")

# %% [markdown]
# ## 3 · A bag of balls
#
# Back to the bag. Write $x_i = 1$ for red and 0 for blue, and suppose that a share $\theta$ of the balls is red. The
# draws are **independent and identically distributed** (i.i.d.): each ball goes back before the next is drawn. So the
# probability of the whole sequence is a product,
#
# $$L(\theta) = \prod_{i=1}^n \theta^{x_i} (1-\theta)^{1-x_i}. \tag{3}$$
#
# Read as a function of $\theta$, with the draws fixed, this is the **likelihood** of $\theta$. With 5,000 draws it is
# smaller than any number that a computer can hold; its logarithm is a number of modest size. In this notebook
# logarithms of likelihoods are natural ones, in **nats**.
#
# **Exercise 2** · medium · 15 minutes

# %% [markdown]
# <details><summary><b>Stuck?</b></summary>
#
# Take the logarithm of (3) on paper first. Which numbers do you need to know about the draws? You will find two, and
# then nothing has to be multiplied, and theta may have any shape.
#
# </details>

# %% task="mle.bernoulli_log_likelihood"
def bernoulli_log_likelihood(theta, x):
    """log L(theta) of eq. (3), for each theta.

    Args:
        theta: Shares of red balls in (0, 1), of any shape: one number (), a grid (m,), a table (m, k), ...
        x: (n,) draws, 1 for red and 0 for blue, integers or floats.

    Returns:
        The log-likelihood of all draws under each theta, in nats, in theta's shape.
    """
    ####################################################################
    # TODO: the logarithm of eq. (3). About 3 lines.                   #
    # 1. No product of probabilities: n may be 5,000.                  #
    # 2. The result has theta's shape, whatever that is.               #
    ####################################################################
    ### BEGIN SOLUTION
    red = x.sum()
    blue = len(x) - red
    return red * theta.log() + blue * (1 - theta).log()
    ### END SOLUTION
    ####################################################################
    #                       END OF YOUR CODE                           #
    ####################################################################

# %% check="mle.bernoulli_log_likelihood"
check("mle.bernoulli_log_likelihood")

# %% [markdown]
# Thirty of our first hundred balls are red. Where is the maximum?

# %% tags=["demo"]
draws = (torch.rand(5000, generator=torch.Generator().manual_seed(127)) < 0.3).long()
theta = torch.linspace(0.01, 0.99, 99)
log_likelihood = bernoulli_log_likelihood(theta, draws[:100])
best = theta[log_likelihood.argmax()]
fig, (left, right) = plot.figure(columns=2, height=180)
left.plot(theta, log_likelihood.double().exp())
right.plot(theta, log_likelihood)
left.set(xlabel=r"$\theta$", ylabel=r"$L(\theta)$", title="likelihood")
right.set(xlabel=r"$\theta$", ylabel=r"$\log L(\theta)$, nats", title="log-likelihood")
for panel in (left, right):
    panel.axvline(best, color=plot.NAN, linestyle=":")
plot.show(fig, alt="The likelihood is a narrow hill, its logarithm a wide one; both have their top at theta = 0.3.")
print(f"{draws[:100].sum()} of 100 draws are red; the best theta of the grid is {best:.2f}.")

# %% [markdown]
# Both curves have their top at the same place: the logarithm rises wherever its argument does. There the derivative
# is 0, which says what everybody guessed. With $k$ red balls of $n$,
#
# $$\frac{k}{\theta} - \frac{n-k}{1-\theta} = 0 \quad\Longrightarrow\quad \hat\theta = \frac{k}{n}. \tag{4}$$
#
# This is **maximum likelihood estimation**. Nothing is special about balls: choose a family of distributions, write
# the log-likelihood of the data, climb.
#
# **Before you move it, guess:** after ten times as many draws, how much narrower is the hill?

# %% tags=["demo", "nbval-ignore-output"]
grid = torch.linspace(0.002, 0.998, 499)


def below_best(theta, n):
    return bernoulli_log_likelihood(torch.as_tensor(theta), draws[:n]) - bernoulli_log_likelihood(grid, draws[:n]).max()


def hill(theta, n):
    fig = plot.curves(grid, {"": below_best(grid, n).exp()}, xlabel=r"$\theta$", ylabel="likelihood / its maximum")
    fig.axes[0].plot(theta, below_best(theta, n).exp(), "o", color=plot.NAN, markersize=7)
    fig.axes[0].set(xlim=(0, 1), ylim=(-0.03, 1.05))
    return fig


widgets.explore(hill, caption=lambda theta, n: f"{draws[:n].sum():,} of {n:,} draws are red. At theta = {theta} the "
                f"log-likelihood is {below_best(theta, n).abs():.1f} nats below its best.",
                theta=widgets.Control([0.1, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5, 0.7], default=0.4),
                n=widgets.Control([10, 100, 1000, 5000], default=100, label="draws"))

# %% [markdown]
# It is about $\sqrt{10} \approx 3.2$ times narrower: for one more digit of $\theta$ you pay with a hundred times as
# many draws.
#
# **Question 1.** From another bag you draw five balls, and all are blue. What is $\hat\theta$, and how surprised is
# this model by a red ball in the sixth draw? How would you change the estimate, and why is your change a prior in
# disguise?

# %% [markdown] question="mle.1"
# $\hat\theta = 0/5 = 0$: the model says that red balls do not exist. A red one has probability 0, log-likelihood
# $-\infty$, infinite surprise, and no later draw can bring the likelihood of $\theta = 0$ back.
#
# The usual change adds imaginary draws, such as one red and one blue: $\hat\theta = (0+1)/(5+2) = 1/7$ (Laplace's
# rule). It is a prior in disguise because the imaginary draws multiply the likelihood by $\theta(1-\theta)$, and by
# Bayes' rule a factor on the likelihood that does not depend on the data is a prior. Its maximum is at $1/7$. With
# many real draws the two imaginary ones no longer matter.
#
# **Rubric** (½ points allowed)
#
# - 1 point: the estimate is 0.
# - 2 points: a red ball is impossible for this model, and costs infinitely much.
# - 2 points: some pseudo-count (or prior) that keeps the estimate above 0, and that it multiplies the likelihood.

# %% [markdown]
# ## 4 · The bell curve
#
# Now continuous data: how much ink is in a handwritten digit, in percent of the page? Take the Gaussian family. For
# one draw
#
# $$\log \mathcal N(x; \mu, v) = -\tfrac12 \log(2\pi v) - \frac{(x-\mu)^2}{2v}, \tag{5}$$
#
# with mean $\mu$ and variance $v$, whose root is the standard deviation, or *spread*; for $n$ independent draws these
# terms add up. Set the two derivatives to 0, as in (4), first the one for $\mu$, then the one for $v$.
#
# **Exercise 3** · medium · 15 minutes. Derive it on paper before you write anything.

# %% [markdown]
# <details><summary><b>Stuck?</b></summary>
#
# The derivative of the sum for $\mu$ is $\sum_i (x_i - \mu)/v$. Treat $v$ itself as the variable in the second one,
# not its root: $\frac{\partial}{\partial v} \log v = 1/v$, $\frac{\partial}{\partial v} \frac1v = -1/v^2$.
#
# </details>

# %% task="mle.gaussian_mle"
def gaussian_mle(x):
    """The Gaussian under which x is most likely: the maximum of the sum of eq. (5).

    Args:
        x: (n,) draws.

    Returns:
        mean: () the best mu.
        var: () the best v, a variance.
    """
    ####################################################################
    # TODO: what you derived. About 3 lines.                           #
    # Two tensors without axes.                                        #
    ####################################################################
    ### BEGIN SOLUTION
    mean = x.mean()
    var = ((x - mean) ** 2).mean()
    return mean, var
    ### END SOLUTION
    ####################################################################
    #                       END OF YOUR CODE                           #
    ####################################################################

# %% check="mle.gaussian_mle"
check("mle.gaussian_mle")

# %% [markdown]
# <details><summary><b>What you derived</b></summary>
#
# $$\hat\mu = \frac1n \sum_i x_i, \qquad \hat v = \frac1n \sum_i (x_i - \hat\mu)^2 \tag{6}$$
#
# </details>
#
# Networks have no closed form. They are trained by gradient descent on the mean negative log-likelihood, and so can a
# Gaussian be. Does the descent arrive where (6) is?

# %% tags=["demo"]
ink = 100 * digits.mean((1, 2, 3))
parameters = torch.tensor([8.0, math.log(8.0)], requires_grad=True)  # mu and log sigma: any number is allowed
optimizer, steps = torch.optim.Adam([parameters], lr=0.1), []
for _ in range(300):
    steps.append((parameters[0].item(), parameters[1].exp().item()))
    loss = -Normal(parameters[0], parameters[1].exp()).log_prob(ink).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
mean, var = gaussian_mle(ink)
print("closed form  mean {:.3f}, spread {:.3f}".format(mean, var.sqrt()))
print("descent      mean {:.3f}, spread {:.3f}".format(*steps[-1]))
print("scipy        mean {:.3f}, spread {:.3f}".format(*stats.norm.fit(ink.numpy())))

# %% tags=["demo"]
mean, var = gaussian_mle(ink)
fig, (left, right) = plot.figure(columns=2, height=220)
left.hist(ink, 60, density=True, color=plot.SHADE, label="4,500 digits")
grid_ink = torch.linspace(0, 35, 200)
left.plot(grid_ink, Normal(mean, var.sqrt()).log_prob(grid_ink).exp(), label="fitted Gaussian")
left.set(xlabel="ink in percent", ylabel="density")
left.legend()
mus, sigmas = torch.meshgrid(torch.linspace(5, 18, 60), torch.linspace(2, 11, 60), indexing="ij")
nll = sigmas.log() + (var + (mus - mean) ** 2) / (2 * sigmas**2)  # minus the mean of (5), up to a constant
lines = right.contour(mus, sigmas, nll - nll.min(), levels=[0.02, 0.1, 0.3, 0.6, 1, 2], colors="grey", linewidths=0.7)
right.clabel(lines, fmt="+%g", fontsize=6)
right.plot(*zip(*steps), label="gradient descent")
right.plot(mean, var.sqrt(), "*", color=plot.NAN, markersize=11, label="closed form")
right.set(xlabel=r"$\mu$", ylabel=r"$\sigma$")
right.legend()
plot.show(fig, alt="Left: the histogram of ink and the fitted Gaussian, which is a little too symmetric. Right: over "
                   "contours of the loss, 2 to 0.02 nats above its lowest value, the path of gradient descent ends on "
                   "the star of the closed form.")

# %% [markdown]
# **Question 2.** `torch.var(ink)` is a little larger than your variance. Which of the two gives the data the higher
# likelihood, and which is right on average over many data sets? For which $n$ would you care?

# %% [markdown] question="mle.2"
# Yours gives the higher likelihood: equation (6) is the maximum, so every other value is worse on these very data.
#
# `torch.var` divides by $n-1$, and is right on average. The squares in (6) are taken around $\hat\mu$, which lies in
# the middle of the draws, closer to them than the true $\mu$. So they come out too small, on average by the factor
# $(n-1)/n$: $\hat v$ is biased. Being most likely and being right on average are different wishes.
#
# For 4,500 digits the difference is two parts in ten thousand, far below the error of the estimate itself (about
# $\sqrt{2/n}$, two percent). For ten draws it is ten percent, and for a single one $\hat v = 0$ while the other is not
# defined. With few draws one should care.
#
# **Rubric** (½ points allowed)
#
# - 2 points: the one of equation (6) is more likely, because it is the maximum.
# - 2 points: the one that divides by n − 1 is unbiased, with a reason.
# - 1 point: it matters for small n only.

# %% [markdown]
# ## 5 · Surprise, measured in bits
#
# How much does it tell you that something happened? That the sun rose: nothing. The **surprise** of an event with
# probability $p$ is
#
# $$-\log_2 p \tag{7}$$
#
# bits. One bit is one fair coin: probability ½. Independent surprises add, because probabilities multiply. (Often one
# reads that information is “inversely proportional” to probability. It is not: halving $p$ adds one bit, whatever $p$
# was.)
#
# The **entropy** $H(p)$ is the mean surprise when events come from $p$ and you know $p$. Events that never happen
# contribute nothing.
#
# **Exercise 4** · medium · 10 minutes

# %% [markdown]
# <details><summary><b>Stuck?</b></summary>
#
# A mean over events weights each event's surprise with how often it happens. Then try it on (1, 0): what does the
# computer make of 0 times the logarithm of 0, and what should it be?
#
# </details>

# %% task="mle.entropy"
def entropy(p):
    """The mean surprise under p, in bits.

    Args:
        p: (..., k) probabilities over the last axis; some may be 0.

    Returns:
        (...) entropies: the last axis is gone.
    """
    ####################################################################
    # TODO: About 2 lines. Mind p = 0, and mind the unit.              #
    ####################################################################
    ### BEGIN SOLUTION
    nats = -torch.special.xlogy(p, p).sum(-1)  # xlogy(0, 0) = 0
    return nats / math.log(2)
    ### END SOLUTION
    ####################################################################
    #                       END OF YOUR CODE                           #
    ####################################################################

# %% check="mle.entropy"
check("mle.entropy")

# %% [markdown]
# Where in a picture is the information? Take every pixel for a coin that shows ink or no ink, and ask your function
# for its entropy over all 4,500 digits. In both pictures black is 0 and white is 1.

# %% tags=["demo"]
def coin(heads):
    return torch.stack([heads, 1 - heads], dim=-1)


inked = (digits > 0.5).float().mean(0)  # (1, 28, 28): the share of digits with ink there
bits = entropy(coin(inked))
plot.show(plot.images(torch.stack([inked, bits]), titles=["share with ink", "entropy"]),
          alt="Left: the share of digits with ink at each pixel, grey in a ring around a darker centre, black outside. "
              "Right: the entropy, black at the border and nearly white wherever the share is not small.")
print(f"the most uncertain pixel holds {bits.max():.2f} bits, all pixels {bits.sum():.0f} if none knew of the others")

# %% [markdown]
# At the border ink is so rare that it holds next to no bits. But pixels do know of each other, and a good model of
# pictures needs far fewer bits than this sum.
#
# Now events come from $p$, but you believe in $q$: you are surprised by $-\log_2 q$ as often as $p$ says. This mean is
# the **cross-entropy** $H(p, q)$. If you called something impossible that happens, the surprise is infinite, and it
# should be.
#
# **Exercise 5** · medium · 10 minutes

# %% [markdown]
# <details><summary><b>Stuck?</b></summary>
#
# Which of the two says how often, and which how surprising? Only one of them can make a term vanish.
#
# </details>

# %% task="mle.cross_entropy"
def cross_entropy(p, q):
    """The mean surprise of one who believes q while events come from p, in bits.

    Args:
        p, q: (..., k) probabilities over the last axis, of one shape.

    Returns:
        (...) cross-entropies; infinite where q calls impossible what p lets happen. They have a gradient with
        respect to q wherever all of q is above 0, also where p is 0.
    """
    ####################################################################
    # TODO: About 2 lines. Events with p = 0 contribute nothing, even  #
    # if q is 0 there too. Keep the gradient with respect to q.        #
    ####################################################################
    ### BEGIN SOLUTION
    nats = -torch.special.xlogy(p, q).sum(-1)
    return nats / math.log(2)
    ### END SOLUTION
    ####################################################################
    #                       END OF YOUR CODE                           #
    ####################################################################

# %% check="mle.cross_entropy"
check("mle.cross_entropy")

# %% [markdown]
# What a wrong belief costs *more* than the right one is the **Kullback–Leibler divergence**, the mean of the
# difference of the two surprises:
#
# $$\mathrm{KL}(p \,\|\, q) = H(p, q) - H(p) \tag{8}$$
#
# **Exercise 6** · easy · 5 minutes

# %% task="mle.kl_divergence"
def kl_divergence(p, q):
    """The bits lost by believing q while events come from p, eq. (8).

    Args:
        p, q: (..., k) probabilities over the last axis, of one shape.

    Returns:
        (...) divergences, 0 where q = p, infinite where q calls impossible what p lets happen. They have a gradient
        with respect to q wherever all of q is above 0, also where p is 0.
    """
    ####################################################################
    # TODO: eq. (8). About 1 line.                                     #
    ####################################################################
    ### BEGIN SOLUTION
    return cross_entropy(p, q) - entropy(p)
    ### END SOLUTION
    ####################################################################
    #                       END OF YOUR CODE                           #
    ####################################################################

# %% check="mle.kl_divergence"
check("mle.kl_divergence")

# %% [markdown]
# Here are your three functions for coins of every kind.

# %% tags=["demo"]
heads = torch.linspace(0.01, 0.99, 99)
fair = coin(torch.full_like(heads, 0.5))
fig = plot.curves(heads, {"entropy of the coin": entropy(coin(heads)),
                          "cross-entropy H(fair coin, this coin)": cross_entropy(fair, coin(heads)),
                          "KL(fair coin ‖ this coin)": kl_divergence(fair, coin(heads))},
                  xlabel="probability of heads", ylabel="bits")
fig.axes[0].set_ylim(0, 3)
plot.show(fig, alt="The entropy is a hill with its top, 1 bit, at the fair coin. The cross-entropy of a fair coin is a "
                   "valley whose lowest point touches that top; the divergence is the same valley, one bit lower.")
for share in (0.5, 0.2, 0.4):
    q = coin(torch.tensor(share))
    print(f"({share:.1f}, {1 - share:.1f}): entropy {entropy(q):.2f} bits, cross-entropy of a fair coin "
          f"{cross_entropy(fair[0], q):.2f}")

# %% [markdown]
# Here are all of them as formulas, with $0 \log 0 = 0$:
#
# $$H(p) = -\sum_k p_k \log_2 p_k, \qquad \mathrm{KL}(p \,\|\, q) = \sum_k p_k \log_2 \frac{p_k}{q_k} \ge 0 \tag{9}$$
#
# **Likelihood is one of them.** Let $\hat p$ be the shares that were counted, 0.3 red and 0.7 blue. The mean negative
# log-likelihood of a draw is $H(\hat p, q_\theta)$, in nats. And $H(\hat p)$ does not depend on $\theta$, so
#
# $$\nabla_\theta\, \mathrm{KL}(\hat p \,\|\, q_\theta) = \nabla_\theta\, H(\hat p, q_\theta): \tag{10}$$
#
# to maximise likelihood is to minimise $\mathrm{KL}(\hat p \,\|\, q_\theta)$. Let autograd say so, for a model of
# the ten digits' frequencies whose logits are made up.

# %% tags=["demo"]
red = torch.tensor(0.4)
print(f"-log L / n = {-bernoulli_log_likelihood(red, draws[:100]) / 100 / math.log(2):.4f} bits, "
      f"H = {cross_entropy(coin(torch.tensor(0.3)), coin(red)):.4f} bits")
counted = labels.bincount() / len(labels)
slopes = {}
for name, cost in {"of the cross-entropy": cross_entropy, "of the divergence": kl_divergence}.items():
    logits = torch.linspace(-1, 1, 10).requires_grad_()
    slopes[name] = torch.autograd.grad(cost(counted, logits.softmax(-1)), logits)[0]
fig = plot.curves(torch.arange(10), slopes, xlabel="digit", ylabel="gradient for its logit")
for line, marker in zip(fig.axes[0].lines, "o+"):
    line.set(marker=marker, markersize=9, linestyle="none", markerfacecolor="none")
fig.axes[0].set_xticks(range(10))
fig.axes[0].legend()
plot.show(fig, alt="For each of ten logits the gradient of the cross-entropy, a circle, and that of the divergence, a "
                   "cross inside it, are the same.")

# %% [markdown]
# A divergence is no distance: it matters which way you look. Two Gaussians, cut into narrow bins so that your function
# can compare them; $p$ stays, $q$ is yours.
#
# **Before you move it, guess:** when $q$ is much narrower than $p$, which is larger, $\mathrm{KL}(p\|q)$ or
# $\mathrm{KL}(q\|p)$?

# %% tags=["demo", "nbval-ignore-output"]
axis = torch.linspace(-6, 6, 601, dtype=torch.float64)


def binned(mu, sigma):
    return Normal(mu, sigma).log_prob(axis).softmax(-1)


def both(mu, sigma):
    p, q = binned(0.0, 1.0), binned(float(mu), sigma)
    fig, (left, right) = plot.figure(columns=2, height=180, width_ratios=[3, 2])
    for name, x in {"p": p, "q": q}.items():
        left.plot(axis, x / (axis[1] - axis[0]), label=name)
    left.set(xlabel="x", ylabel="density", xlim=(-5, 5), ylim=(0, 1.7))
    left.legend()
    bars = right.bar(["KL(p‖q)", "KL(q‖p)"], [kl_divergence(p, q), kl_divergence(q, p)], color=plot.SHADE,
                     edgecolor=plot.INK)
    right.bar_label(bars, fmt="%.2f")
    right.set(ylabel="bits", ylim=(0, 1.2 * max(1.0, *(bar.get_height() for bar in bars))))
    return fig


widgets.explore(both, caption=lambda mu, sigma: f"p = N(0, 1) and q = N({mu:g}, {sigma:g}²): both divergences.",
                mu=widgets.Control([-2, -1, -0.5, 0, 0.5, 1, 2], default=1, label="mean of q"),
                sigma=widgets.Control([0.3, 0.5, 0.75, 1.0, 1.5, 2.0], default=0.5, label="spread of q"))

# %% [markdown]
# It is $\mathrm{KL}(p\|q)$: with $q = \mathcal N(0, 0.5^2)$ 1.16 bits against 0.46.
#
# What if $q$ can never be right? Below, $p$ has two bumps, and $q$ is a single Gaussian. We try many means and spreads
# and keep the $q$ with the smallest divergence, once for each direction.

# %% tags=["demo"]
plot.show(diagrams.two_fits(kl_divergence), alt="A density with two bumps at -2 and 2. Fit A is a narrow Gaussian on "
          "the larger bump; fit B is a wide one that covers both and has its top between them.")

# %% [markdown]
# **Question 3.** Which fit minimises $\mathrm{KL}(p\|q)$ and which $\mathrm{KL}(q\|p)$? Which of the two would
# maximum likelihood choose, given draws from $p$, and what would its samples look like if $p$ were pictures?

# %% [markdown] question="mle.3"
# Fit B minimises $\mathrm{KL}(p\|q)$. There the surprise is averaged over $p$: wherever $p$ has mass, a small $q$
# costs dearly, so $q$ must cover everything, and the gap in the middle is paid for cheaply. Fit A minimises
# $\mathrm{KL}(q\|p)$. There the mean is over $q$ itself: wherever $q$ puts mass, $p$ must have some, so $q$ stays out
# of the gap, and to miss a whole bump costs little.
#
# Maximum likelihood chooses B, by equation (10). If $p$ were pictures and the model too simple, many samples would
# come from the gap: mixtures of things that do not mix, blurred pictures, but none of the data's kinds would be
# missing. The other direction gives clean pictures of a few kinds.
#
# **Rubric** (½ points allowed)
#
# - 2 points: B for KL(p‖q), A for KL(q‖p), with what each averages over.
# - 1 point: maximum likelihood chooses B.
# - 2 points: samples between the bumps, blurred or impossible, yet nothing left out.

# %% [markdown]
# ## 6 · A divergence without sums
#
# Between Gaussians no bins are needed. One case will return in variational autoencoders, thousands of times each
# second: how far is $q = \mathcal N(\mu, \sigma^2)$ from the standard normal? In nats,
#
# $$\mathrm{KL}\big(q \,\|\, \mathcal N(0, 1)\big) = \mathbb E_{x \sim q}\big[\log q(x) - \log \mathcal N(x; 0, 1)\big].
# \tag{11}$$
#
# Put (5) in for both densities. Two expectations remain, and you know them: $\mathbb E_q[(x-\mu)^2] = \sigma^2$ and
# $\mathbb E_q[x^2] = \mu^2 + \sigma^2$. A network gives $\log \sigma^2$ rather than $\sigma$, since that may be any
# number.
#
# **Exercise 7** · medium · 20 minutes. Three lines on paper, one in code.

# %% [markdown]
# <details><summary><b>Stuck?</b></summary>
#
# Write both log-densities below each other. What do the two terms with $2\pi$ do? Then take the expectation of each
# of the three terms that are left, one by one.
#
# </details>

# %% task="mle.kl_gaussian_standard"
def kl_gaussian_standard(mu, logvar):
    """KL of N(mu, sigma^2) from N(0, 1), elementwise.

    Args:
        mu: (*) means.
        logvar: (*) log sigma^2, the natural logarithm of the variance.

    Returns:
        (*) divergences in nats, one for each element.
    """
    ####################################################################
    # TODO: what you derived from eq. (11). About 1 line.              #
    ####################################################################
    ### BEGIN SOLUTION
    return 0.5 * (mu**2 + logvar.exp() - 1 - logvar)
    ### END SOLUTION
    ####################################################################
    #                       END OF YOUR CODE                           #
    ####################################################################

# %% check="mle.kl_gaussian_standard"
check("mle.kl_gaussian_standard")

# %% [markdown]
# <details><summary><b>What you derived</b></summary>
#
# $$\mathrm{KL}\big(\mathcal N(\mu, \sigma^2) \,\|\, \mathcal N(0, 1)\big) =
# \tfrac12\left(-\log\sigma^2 + \mu^2 + \sigma^2 - 1\right) \tag{12}$$
#
# </details>
#
# Test it against (11) itself. An expectation is a mean over draws; such an estimate is called **Monte Carlo**.

# %% tags=["demo"]
mu, sigma = torch.tensor(1.0), torch.tensor(0.5)
exact = kl_gaussian_standard(mu, 2 * sigma.log())
q, standard = Normal(mu, sigma), Normal(0.0, 1.0)
x = mu + sigma * torch.randn(8, 100_000, generator=torch.Generator().manual_seed(4))
n = torch.arange(1, 100_001)
terms = q.log_prob(x) - standard.log_prob(x)
estimate = terms.cumsum(1) / n
at = torch.logspace(1, 5, 60).long() - 1
fig, axes = plot.figure()
axes.plot(n[at], (estimate[:, at] - exact).abs().T, color="grey", linewidth=0.7, linestyle="-")
axes.plot(n[at], terms.std() / n[at].sqrt(), color=plot.INK, linestyle="--", label=r"spread of one draw / $\sqrt{n}$")
axes.set(xscale="log", yscale="log", xlabel="number of draws n", ylabel="distance from (12), nats", ylim=(1e-4, 1))
axes.legend()
plot.show(fig, alt="The errors of eight estimates over the number of draws, both axes logarithmic. They fall along a "
                   "dashed straight line, one digit for every hundredfold of draws, and dip far below it at times.")
print(f"closed form {exact:.4f}, mean of {estimate[:, -1].numel()} estimates {estimate[:, -1].mean():.4f} nats")

# %% [markdown]
# The dashed line falls by one digit while $n$ grows a hundredfold. Wherever a closed form exists, take it.
#
# ## 7 · Chains
#
# The last tool of this notebook: a **Markov chain** jumps between states, and where it goes depends only on where it
# is. Diffusion models (notebook 05) are chains. Row $i$ of the matrix $P$ says where state $i$ goes:

# %% tags=["demo"]
P = torch.tensor([[0.2, 0.6, 0.2],
                  [0.3, 0.0, 0.7],
                  [0.5, 0.0, 0.5]])
plot.show(diagrams.markov_chain(P, ["A", "B", "C"]), alt="Three states with arrows. A stays with 0.2, goes to B with "
          "0.6 and to C with 0.2; B goes to A with 0.3 and to C with 0.7; C goes to A with 0.5 and stays with 0.5.")

# %% [markdown]
# If you are in state $i$ with probability $\pi_i$, then after one jump you are in $j$ with $\sum_i \pi_i P_{ij}$, in
# short $\pi P$. A distribution that a jump does not change,
#
# $$\pi P = \pi, \qquad \sum_i \pi_i = 1, \tag{13}$$
#
# is **stationary**: the shares of time that the chain spends in its states. If every state can be reached from every
# other (the chain is *irreducible*), and there are finitely many, there is exactly one.
#
# The simple way is **power iteration**: start anywhere and jump, $\pi \leftarrow \pi P$, until nothing changes. It
# fails where things go round: with $P = \begin{pmatrix}0&1\\1&0\end{pmatrix}$ a chain that starts in the first state is
# in the first at every even step, for ever (it is *periodic*), and still (½, ½) solves (13). So do not jump; solve
# (13).
#
# **Exercise 8** · hard · 25 minutes

# %% [markdown]
# <details><summary><b>Stuck?</b></summary>
#
# Equation (13) is an eigenvector equation, but the vector stands on the left. Transpose both sides to bring it to
# the right. (Or see (13) as k + 1 linear equations for k unknowns.) Then ask of what you get: is it real, does it sum
# to 1, is it the eigenvector of the right eigenvalue?
#
# </details>

# %% task="mle.stationary_distribution"
def stationary_distribution(P):
    """The distribution that a jump of the chain leaves as it is, eq. (13).

    Args:
        P: (k, k), P[i, j] the probability of going from i to j; rows sum to 1. Irreducible, perhaps periodic.

    Returns:
        pi: (k,) probabilities.
    """
    ####################################################################
    # TODO: solve eq. (13). About 3 lines. It must hold for chains     #
    # that never settle, and the answer is real and sums to 1.         #
    ####################################################################
    ### BEGIN SOLUTION
    values, vectors = torch.linalg.eig(P.T)
    v = vectors[:, (values - 1).abs().argmin()].real
    return v / v.sum()
    ### END SOLUTION
    ####################################################################
    #                       END OF YOUR CODE                           #
    ####################################################################

# %% check="mle.stationary_distribution"
check("mle.stationary_distribution")

# %% [markdown]
# By hand, for the chain above: the second component of (13) says $\pi_B = 0.6\,\pi_A$, then the first says
# $\pi_C = 1.24\,\pi_A$. All three sum to $2.84\,\pi_A = 1$, so $\pi_A = 1/2.84 = 25/71$. And yours?

# %% tags=["demo"]
pi = stationary_distribution(P)
print("pi =", ", ".join(f"{71 * share:.2f}/71" for share in pi))
plot.show(diagrams.markov_chain(P, ["A", "B", "C"], share=pi), alt="The same chain, each circle as large as the share "
          "of time that is spent there: C is the largest, then A, then B.")

# %% [markdown]
# Now let three chains jump, from two different starts each, and watch the share of the first state. The second chain
# goes to and fro between A and the other two. The third consists of two islands without a bridge.

# %% tags=["demo"]
swinging = torch.tensor([[0, 0.5, 0.5], [1, 0, 0], [1, 0, 0]])
islands = torch.tensor([[0.5, 0.5, 0, 0], [0.2, 0.8, 0, 0], [0, 0, 0.1, 0.9], [0, 0, 0.6, 0.4]])
chains = {"settles": P, "goes to and fro": swinging, "two islands": islands}
fig, panels = plot.figure(columns=3, height=190, sharey=True)
for panel, (name, chain) in zip(panels, chains.items()):
    for start in (0, len(chain) - 1):
        shares = [torch.eye(len(chain))[start]]
        for _ in range(12):
            shares.append(shares[-1] @ chain)
        panel.plot([share[0] for share in shares], marker=".", label="from the last state" if start else "from A")
    panel.set(title=name, xlabel="jumps", ylim=(-0.05, 1.05), xticks=[0, 4, 8, 12])
    values = sorted(torch.linalg.eigvals(chain).tolist(), key=lambda value: (-value.real, value.imag))
    print(f"{name}: eigenvalues", [complex(round(v.real, 2) + 0.0, round(v.imag, 2) + 0.0) for v in values])
panels[0].set_ylabel("probability of A")
panels[2].legend()
plot.show(fig, alt="The first chain settles at 0.35 from both starts; the second swings between 0 and 1 for ever; in "
                   "the third the two starts end at different places, 0.29 and 0.")

# %% [markdown]
# Eigenvalues tell the three apart without a single jump. Each island has a stationary distribution of its own, and any
# mixture of them is one too: the eigenvalue 1 occurs once for each island. When you meet it twice, there is no such
# thing as *the* stationary distribution.
#
# **Question 4.** Which eigenvalue of the second chain keeps it swinging? Now let this chain stay where it is with
# probability ½ at every step, and jump by the old $P$ otherwise: what becomes of that eigenvalue, and what of $\pi$?

# %% [markdown] question="mle.4"
# The eigenvalue −1. A start is a sum of left eigenvectors; each jump multiplies each of them by its eigenvalue. The
# part that belongs to 1 stays, those with $|\lambda| < 1$ die out, and the part of −1 changes its sign at every jump
# and never gets smaller.
#
# The lazy chain has the matrix $(I + P)/2$. Its eigenvectors are those of $P$, its eigenvalues are $(1 + \lambda)/2$: 1
# stays 1, and −1 becomes 0, so that this part is gone after one jump and power iteration settles. The stationary
# distribution is unchanged: $\pi (I + P)/2 = (\pi + \pi P)/2 = \pi$.
#
# **Rubric** (½ points allowed)
#
# - 2 points: −1, since its part changes sign at each jump and does not shrink.
# - 2 points: the lazy chain's eigenvalues are (1 + λ)/2, so −1 becomes 0.
# - 1 point: π is the same, with a line of algebra.

# %% [markdown]
# ## Puzzle
#
# Not graded. Three students wrote `kl_divergence`, and each made one slip: one left out $H(p)$, one worked in nats, one
# exchanged the arguments. Here is what their functions say of $p = (0.2, 0.8)$ and $q$ = (heads, 1 − heads). Which
# curve is whose?

# %% tags=["demo"]
plot.show(diagrams.three_divergences(), alt="Three curves over the probability of heads under q. A touches 0 at 0.2 "
          "and ends at 0.32 and 2.3. B never falls below 0.72. C touches 0 at 0.2. B and C leave the picture at both "
          "edges. At one half A is 0.32, B 1.00 and C 0.19.")

# %% [markdown]
# <details><summary><b>Answer</b></summary>
#
# **A** exchanged the arguments. At the edges $q$ calls one side of the coin impossible, and $p$ does not: the right
# divergence is infinite there. A stays finite, so it averages over $q$.
#
# **B** left out $H(p)$. Its lowest point lies at the right place, but at 0.72 bits, which is the entropy of $p$. As a
# loss it would train just as well.
#
# **C** worked in nats. Its shape is right and its lowest point is 0; only the scale tells. At heads = ½ the right
# value is $1 - 0.72 = 0.28$, and C shows 0.19, which is $0.28 \cdot \log 2$.
#
# </details>
#
# ## Where this goes
#
# - Maximum likelihood for pictures needs a $p(x)$ that can be computed. The chain rule gives one, pixel by pixel:
#   autoregressive models, notebook **02**.
# - Where $p(x)$ is an integral that nobody can solve, it is bounded from below; equation (12) is one term of the bound:
#   variational autoencoders, notebook **03**.
# - Notebook **05** builds a Markov chain that turns pictures into noise, and learns the chain that goes back. Each term
#   of its loss is a divergence of two Gaussians.
# - Models that only draw, without any $p(x)$, minimise another divergence by a game of two networks: notebook **04**.
#
# **References**
#
# - Fisher 1922, *On the Mathematical Foundations of Theoretical Statistics*: likelihood.
# - Shannon 1948, *A Mathematical Theory of Communication*: surprise, entropy, bits.
# - Kullback, Leibler 1951, *On Information and Sufficiency*: equation (9).
# - MacKay 2003, *Information Theory, Inference, and Learning Algorithms*: chapters 2–4 and 29.
# - Goodfellow 2016, *NIPS 2016 Tutorial: Generative Adversarial Networks*: the family tree.
# - Kingma, Welling 2014, *Auto-Encoding Variational Bayes*: appendix B has equation (12).
# - Digits: LeCun, Bottou, Bengio, Haffner 1998 (MNIST).
#
# ## Summary
#
# 1. What sums to 1 competes: labels in $p(y|x)$, pictures in $p(x)$, pictures of one label in $p(x|y)$. Bayes' rule
#    leads from one to the other.
# 2. Maximum likelihood chooses the model under which the data is least surprising. Work with logarithms.
# 3. It minimises a cross-entropy, and with it the KL divergence of the data from the model. Divergences depend on
#    their direction.
# 4. A chain's stationary distribution is a left eigenvector for the eigenvalue 1, whether the chain settles or not.
