# %% [markdown]
# # 04 · Adversarial networks: learn from being found out
#
# A forger paints; an expert looks at paintings, some of them real, and says which are forged. Nobody tells the forger
# how to paint. All that reaches the workshop is how each forgery was found out. After enough rounds the expert can
# only guess. Two networks can play this game, and until about 2021 it drew the sharpest pictures there were. You will
# build it, watch it go wrong in its best-known way, cure that, and measure what it draws.
#
# **When you are done, you can**
#
# - write the game's value and the losses of both players, safe for any logit;
# - derive the best answer of a discriminator, and say what the theorem behind it promises and what not;
# - train both players in turn, see a mode collapse, count it and cure it;
# - give a picture another one's statistics (AdaIN), and walk between two latent codes on a circle;
# - judge a generator that has no likelihood, by the Fréchet distance, and know that number's bias.
#
# **Time:** about two and three quarter hours: eight exercises (76 minutes), three questions, a puzzle, and the reading.
#
# **Before it:** probability densities and the KL divergence (notebook 01), convolutions.
#
# Fill in the `TODO` cells from top to bottom and run the check below each. A check brings its own version of whatever
# came earlier; the figures need yours, and say in one sentence what is not written yet. If this notebook imports
# `.py` files of your own, hand them in with it.

# %% tags=["setup"]
import math

import torch
import torch.nn.functional as F
from torch import nn

from course_utils.check import Unfinished, check

TRAIN = False  # True: train the generator of digits here, by your losses, instead of loading the shipped weights

# %% tags=["demo"]
from functools import cache

from course_utils import data, densities, diagrams, metrics, plot, puzzles, widgets, zoo
from course_utils.models import dcgan

digits = data.mnist("train")[0]  # (4500, 1, 28, 28) in [0, 1]


def seeded(seed):
    return torch.Generator().manual_seed(seed)

# %% [markdown]
# ## 1 · The game
#
# Here are three rows of ten digits. One row is handwritten, one was drawn by a variational autoencoder (notebook 03),
# one by the network that this notebook is about. Which is which?

# %% tags=["demo"]
@torch.no_grad()
def drawn(generator, n, seed=1):
    """n digits in [0, 1] of a generator with 64 latent numbers."""
    z = torch.randn(n, 64, generator=seeded(seed))
    return torch.cat([(generator(part) + 1) / 2 for part in z.split(500)])


@torch.no_grad()
def decoded(n, seed=1):
    """n digits in [0, 1] of the shipped convolutional VAE, whose answers are probabilities of ink."""
    return zoo.load("vae-conv").model.decoder(torch.randn(n, 16, generator=seeded(seed)))


rows = {"first row": decoded(10), "second row": digits[5::450], "third row": drawn(zoo.load("dcgan").model, 10)}
plot.show(plot.image_rows(rows), alt="Three rows of ten digits: the first blurred, the second clean, the third sharp, "
                                     "but with strokes that end in odd places.")

# %% [markdown]
# The second row is handwritten. The first, blurred, is the autoencoder's; the third, sharp but sometimes odd, comes
# from a **generator**: a network $G$ that turns noise $z \sim \mathcal N(0, I)$ into a picture $G(z)$. That defines a
# distribution $p_G$ of pictures, though nobody can write down its density; such a model is called **implicit**. The
# expert is a **discriminator**, a network whose output is a logit $\ell(x)$; $D(x) = \sigma(\ell(x))$, with the sigmoid
# $\sigma$, is the probability, in its opinion, that $x$ is real.

# %% tags=["demo"]
plot.show(diagrams.game(), alt="Noise z enters the generator G, which gives a fake; data gives a real picture. Both "
                               "go to the discriminator D. Its loss moves D; what it thinks of fakes moves G.")

# %% [markdown]
# Both look at one number, the **value** of the game (Goodfellow et al. 2014):
#
# $$V(D, G) = \mathbb{E}_{x \sim p_{\text{data}}} \log D(x) + \mathbb{E}_{z} \log\bigl(1 - D(G(z))\bigr), \qquad
# \min_G \max_D V(D, G) \tag{1}$$
#
# The discriminator's loss is $-V$, with a mean over a batch in the place of each expectation.
#
# **Exercise 1** · easy · 8 minutes. A network can be very sure. Already at a logit of 20 the float32 number
# $\sigma(\ell)$ is exactly 1, and the logarithm of $1 - \sigma(\ell)$ infinite. So never go through probabilities:
# find for each term a function of the logit that stays finite.

# %% task="gan.discriminator_loss"
def discriminator_loss(logits_real, logits_fake):
    """-V of eq. (1): the sum of two means, one over real pictures and one over fakes.

    Args:
        logits_real: (n,) logits of real pictures, of any size: 1,000 and -1,000 too.
        logits_fake: (m,) logits of fakes; m need not be n.

    Returns:
        A scalar tensor. It has a gradient with respect to both, which is right at any logit.
    """
    ####################################################################
    # TODO: the loss. About 3 lines.                                   #
    # 1. Real pictures: the mean of -log D.                            #
    # 2. Fakes: the mean of -log(1 - D).                               #
    # 3. Their sum (no ½ in front).                                    #
    ####################################################################
    ### BEGIN SOLUTION
    loss_real = F.softplus(-logits_real).mean()
    loss_fake = F.softplus(logits_fake).mean()
    return loss_real + loss_fake
    ### END SOLUTION
    ####################################################################
    #                       END OF YOUR CODE                           #
    ####################################################################

# %% check="gan.discriminator_loss"
check("gan.discriminator_loss")

# %% [markdown]
# What does a discriminator pay? Below, all real pictures get the logit on the axis and all fakes its negative. A
# network that knows nothing answers 0 to everything: your loss is $2 \ln 2 = 1.386$ there. Keep that number in mind.

# %% tags=["demo"]
logits = torch.linspace(-6, 6, 121)
paid = torch.stack([discriminator_loss(logit[None], -logit[None]) for logit in logits])
fig = plot.curves(logits, {"your loss": paid}, xlabel="logit of real pictures (fakes get its negative)",
                  ylabel="discriminator_loss")
fig.axes[0].plot(0, 2 * math.log(2), "o", color=plot.NAN)
fig.axes[0].annotate("knows nothing", (0, 2 * math.log(2)), xytext=(8, 4), textcoords="offset points")
plot.show(fig, alt="The loss falls from 12 at logit -6 through 1.386 at 0 towards 0 at logit 6.")

# %% [markdown]
# ## 2 · The best answer to a fixed generator
#
# Let $G$ stand still and imagine a discriminator that may be any function at all. Write the expectations in (1) as
# integrals over pictures $x$:
#
# $$V(D, G) = \int p_{\text{data}}(x) \log D(x) + p_G(x) \log\bigl(1 - D(x)\bigr)\, dx \tag{2}$$
#
# Nothing ties the values of $D$ at two places together. So the integral is largest where at each $x$ by itself the
# integrand is largest.
#
# **Exercise 2** · medium · 8 minutes. Find that best $D^*(x)$ from the two densities at $x$. Where both are 0 there
# is nothing to know, and the answer shall be ½.
#
# <details><summary><b>Stuck?</b></summary>
#
# At one place the densities are two numbers $a$ and $b$, and the answer is one number $y$ between 0 and 1. Write the
# integrand in these letters, and ask where its derivative in $y$ vanishes.
#
# </details>

# %% task="gan.optimal_discriminator"
def optimal_discriminator(p_data, p_g):
    """The best answer D*(x), a probability, at places where the densities are known.

    Args:
        p_data, p_g: Densities at the same places, tensors of one shape, of any size from 0 on: 1e-30 too.

    Returns:
        D* in [0, 1], of that shape; 0.5 where both are 0.
    """
    ####################################################################
    # TODO: derive it on paper. About 2 lines. Add no small number to  #
    # a denominator: densities may be much smaller than it.            #
    ####################################################################
    ### BEGIN SOLUTION
    total = p_data + p_g
    return torch.where(total == 0, 0.5, p_data / total)
    ### END SOLUTION
    ####################################################################
    #                       END OF YOUR CODE                           #
    ####################################################################

# %% check="gan.optimal_discriminator"
check("gan.optimal_discriminator")

# %% [markdown]
# <details><summary><b>What you derived</b></summary>
#
# $$D^*(x) = \frac{p_{\text{data}}(x)}{p_{\text{data}}(x) + p_G(x)} \tag{3}$$
#
# </details>
#
# It is Bayes' rule: somebody tosses a fair coin, shows a real picture or a fake, and $D^*$ is the posterior of “real”.
# No discriminator ever sees a density, though, only samples. Does one that is trained by your loss find (3) all the
# same? A small network, on the line:

# %% tags=["demo"]
def small(inputs, outputs, width=64):
    """Two hidden layers: a generator of points, or with one output a discriminator, whose logits are (b,)."""
    act, last = (nn.LeakyReLU(0.2), nn.Flatten(0)) if outputs == 1 else (nn.ReLU(), nn.Identity())
    return nn.Sequential(nn.Linear(inputs, width), act, nn.Linear(width, width), act, nn.Linear(width, outputs), last)


real_1d = densities.Mixture(torch.tensor([[-1.0], [2.0]]).double(), 0.5)
fake_1d = densities.Mixture(torch.tensor([[0.0]]).double(), 1.0)


@cache
def trained_discriminator(steps, seed=0):
    """Trained on samples of both densities, 512 of each at a step."""
    torch.manual_seed(seed)
    D, draws = small(1, 1), seeded(seed)
    optimizer = torch.optim.Adam(D.parameters(), lr=3e-3)
    for _ in range(steps):
        optimizer.zero_grad()
        discriminator_loss(D(real_1d.sample(512, draws)), D(fake_1d.sample(512, draws))).backward()
        optimizer.step()
    return D


x = torch.linspace(-4, 4, 401)[:, None]
p_data, p_g = real_1d.log_prob(x).exp(), fake_1d.log_prob(x).exp()
answers = {"your D*": optimal_discriminator(p_data, p_g)} | {
    f"trained, {n} steps": trained_discriminator(n)(x).sigmoid().detach() for n in (20, 500)}
plot.show(diagrams.best_answer(x[:, 0], {"data": p_data, "generator": p_g}, answers),
          alt="Above, data with bumps at -1 and 2 and a generator with one at 0. Below, D* rises to 0.66 and 0.93 at "
              "the bumps and is near 0 between; after 20 steps the trained answer is far from it, after 500 it lies "
              "on it, but for the ends.")

# %% [markdown]
# It does, wherever there are samples; at the ends, where there are hardly any, it guesses. Now put (3) into (2). What
# is left depends on $G$ alone:
#
# $$V(D^*, G) = -2\ln 2 + \operatorname{KL}(p_{\text{data}} \,\|\, m) + \operatorname{KL}(p_G \,\|\, m), \qquad
# m = \tfrac12(p_{\text{data}} + p_G) \tag{4}$$
#
# Both divergences are at least 0, and both vanish just where $p_G = p_{\text{data}}$. So the best generator draws from
# the data's distribution exactly, and the discriminator then answers ½ everywhere. That is the theorem, and it has two
# limits. A network of fixed size may reach neither $D^*$ nor the best $G$. And nothing is said about *getting* there:
# (4) holds for a $D$ that is best at every moment, while we take small steps in turn.
#
# ## 3 · What the generator wants
#
# In (1) only the second term knows $G$. To minimise it is the obvious loss:
#
# $$\mathcal{L}_{\text{saturating}} = \mathbb{E}_z \log\bigl(1 - D(G(z))\bigr) \tag{5}$$
#
# It is never positive; the better $D$ is fooled, the further it falls.
#
# **Exercise 3** · easy · 3 minutes. As safe as your first loss.

# %% task="gan.generator_loss_saturating"
def generator_loss_saturating(logits_fake):
    """Eq. (5), which the generator minimises: 0 or below.

    Args:
        logits_fake: (m,) logits of fakes, of any size.

    Returns:
        A scalar tensor with a gradient, right at any logit.
    """
    ####################################################################
    # TODO: one line.                                                  #
    ####################################################################
    ### BEGIN SOLUTION
    return -F.softplus(logits_fake).mean()
    ### END SOLUTION
    ####################################################################
    #                       END OF YOUR CODE                           #
    ####################################################################

# %% check="gan.generator_loss_saturating"
check("gan.generator_loss_saturating")

# %% [markdown]
# The same paper proposes another loss, and nearly everybody uses that one. Instead of making “fake” unlikely, make
# “real” likely: the generator maximises the mean of $\log D(G(z))$. As a loss to be minimised it is called
# **non-saturating**, and the next figure shows why.
#
# **Exercise 4** · easy · 2 minutes

# %% task="gan.generator_loss"
def generator_loss(logits_fake):
    """The non-saturating loss, which the generator minimises: 0 or above.

    Args:
        logits_fake: (m,) logits of fakes, of any size.

    Returns:
        A scalar tensor with a gradient, right at any logit.
    """
    ####################################################################
    # TODO: one line.                                                  #
    ####################################################################
    ### BEGIN SOLUTION
    return F.softplus(-logits_fake).mean()
    ### END SOLUTION
    ####################################################################
    #                       END OF YOUR CODE                           #
    ####################################################################

# %% check="gan.generator_loss"
check("gan.generator_loss")

# %% tags=["demo"]
def value_and_slope(loss):
    """A loss at each single logit, and its derivative there."""
    at = logits.clone().requires_grad_()
    values = torch.stack([loss(logit[None]) for logit in at])
    return values.detach(), torch.autograd.grad(values.sum(), at)[0]


both = {"saturating": value_and_slope(generator_loss_saturating), "non-saturating": value_and_slope(generator_loss)}
plot.show(diagrams.losses_and_slopes(logits, both),
          alt="Both losses fall as the logit grows. The slope of the saturating one is 0 at logit -6 and -1 at 6; "
              "the slope of the non-saturating one is -1 at -6 and 0 at 6.")

# %% [markdown]
# Look at the left end of the right panel. There sit the fakes of a young generator, found out with certainty. The
# saturating loss has no slope there, so $G$ learns nothing just when it needs it most. The other has full slope for
# bad fakes and none for perfect ones. Both point the same way everywhere.
#
# ## 4 · One step of both
#
# Now play. A step moves the discriminator once, then the generator once, against the discriminator as it *now* is.
# Each player has an optimizer of its own, and neither may disturb the other: what the generator's step writes into
# the discriminator's `.grad`, and the other way round, must not enter any later step.
#
# **Exercise 5** · hard · 15 minutes. Both networks are in training mode and stay in it. There a network with batch
# normalisation answers by its whole batch, so give $D$ the real pictures and the fakes in two calls.
#
# <details><summary><b>Stuck?</b></summary>
#
# Write the two halves one below the other, each with its six lines: fakes, logits, loss, zero, backward, step. Then
# ask of each `backward` which weights it reaches, and where it should have stopped.
#
# </details>

# %% task="gan.train_step"
def train_step(G, D, opt_g, opt_d, real, z_d, z_g):
    """One step of the discriminator, then one of the generator (non-saturating).

    Args:
        G: Network, z (b, k) -> fakes like real.
        D: Network, pictures -> logits (b,). G and D are in training mode, throughout and afterwards, and what they
            answer may depend on the batch: z_d, z_g, real pictures and fakes go through them apart.
        opt_g, opt_d: Optimizers of G's and of D's parameters. Gradients of earlier steps may still lie in .grad.
        real: (b, *) real pictures.
        z_d: (b, k) noise for the fakes of D's half.
        z_g: (b, k) noise for the fakes of G's half.

    Returns:
        (loss_d, loss_g): two Python floats, each the loss from which its half went backward.
    """
    ####################################################################
    # TODO: both halves. About 10 lines. You have discriminator_loss   #
    # and generator_loss.                                              #
    ####################################################################
    ### BEGIN SOLUTION
    fake = G(z_d).detach()
    loss_d = discriminator_loss(D(real), D(fake))
    opt_d.zero_grad()
    loss_d.backward()
    opt_d.step()

    loss_g = generator_loss(D(G(z_g)))
    opt_g.zero_grad()
    loss_g.backward()
    opt_g.step()
    return loss_d.item(), loss_g.item()
    ### END SOLUTION
    ####################################################################
    #                       END OF YOUR CODE                           #
    ####################################################################

# %% check="gan.train_step"
check("gan.train_step")

# %% [markdown]
# A world where the truth can be seen: eight Gaussians on a ring. Both players are small networks. The generator
# learns at the rate 0.003, the discriminator at 0.0003, lest it win too easily. The figure shows 500 fakes at each
# moment; the shade is what the discriminator thinks of each place, dark for “real”.
#
# **Before you move it, guess:** which of the eight will the generator have found after 600 steps?

# %% tags=["demo"]
RING = densities.ring()
CENTRES, STEPS, EVERY = RING.means.float(), 600, 50
PLACES = torch.cartesian_prod(torch.linspace(-3, 3, 41), torch.linspace(-3, 3, 41))  # where D is asked


@cache
def play(seed, rate_d, rate_g=3e-3):
    """A game on the ring: every 50 steps 500 fakes and D on all places; and both losses of every step."""
    torch.manual_seed(seed)
    G, D, draws, frames, losses = small(2, 2), small(2, 1), seeded(seed), {}, []
    opt_g, opt_d = (torch.optim.Adam(net.parameters(), lr=rate, betas=(0.5, 0.999))
                    for net, rate in ((G, rate_g), (D, rate_d)))
    for step in range(STEPS + 1):
        if step % EVERY == 0:
            with torch.no_grad():
                frames[step] = G(torch.randn(500, 2, generator=seeded(9))), D(PLACES).sigmoid().view(41, 41)
        z_d, z_g = torch.randn(2, 64, 2, generator=draws)
        losses.append(train_step(G, D, opt_g, opt_d, RING.sample(64, draws), z_d, z_g))
    return frames, torch.tensor(losses)


SLOW, EQUAL = 3e-4, 3e-3
print(f"{len(play(0, SLOW)[0])} moments of {STEPS:,} steps are recorded")

# %% tags=["demo", "nbval-ignore-output"]
def ring_at(step):
    return diagrams.ring_game(*play(0, SLOW)[0][step], CENTRES)


def told_at(step):
    fakes = play(0, SLOW)[0][step][0]
    near, outside = torch.cdist(fakes, CENTRES).amin(dim=1) < 0.3, (fakes.abs() > 3).any(dim=1)
    return (f"500 fakes after {step:,} steps, {near.double().mean():.0%} of them near one of the eight centres, "
            f"{outside.double().mean():.0%} outside of the frame (drawn at its edge).")


widgets.explore(ring_at, caption=told_at,
                step=widgets.Control(list(range(0, STEPS + 1, EVERY)), default=300))

# %% [markdown]
# None for long. The fakes huddle in one place, sometimes a mode, sometimes beside it or far outside, are found out,
# and run to another. This is **mode collapse**: almost every $z$ gives nearly the same, though no loss says that
# anything is wrong. To count it, call a mode *found* if at least 10 of 500 fakes lie within 0.3 of its centre.
#
# Now one number is changed: the discriminator learns at 0.003 as well, ten times as fast. `train_step`, networks,
# batches and seeds stay. Three seeds for each rate:

# %% tags=["demo"]
def count_modes(samples, centres, radius, min_count):
    """How many centres have at least min_count samples within the radius, each sample at its nearest centre."""
    distance, nearest = torch.cdist(samples, centres).min(dim=1)
    return int((torch.bincount(nearest[distance < radius], minlength=len(centres)) >= min_count).sum())


found = {f"{name}, seed {seed}": [count_modes(fakes, CENTRES, 0.3, 10) for fakes, _ in play(seed, rate)[0].values()]
         for name, rate in (("slow D", SLOW), ("equal rates", EQUAL)) for seed in range(3)}
slow, equal = list(found.values())[:3], list(found.values())[3:]
print("slow D: at most 2 of 8 modes, at every moment of three games:", all(max(counts) <= 2 for counts in slow))
print("equal rates: 6 of 8 modes or more, on average over the last five moments of each game:",
      all(sum(counts[-5:]) >= 6 * 5 for counts in equal))
plot.show(diagrams.modes_found(torch.arange(0, STEPS + 1, EVERY), found),
          alt="Modes found over 600 steps for three seeds each: with a slow discriminator 0 or 1 throughout, "
              "with equal rates six to eight from step 400 on.")

# %% tags=["demo"]
final = {f"{name}, seed {seed}": play(seed, rate)[0][STEPS][0]
         for name, rate in (("slow D", SLOW), ("equal rates", EQUAL)) for seed in range(3)}
plot.show(diagrams.ring_clouds(final, CENTRES, limit=3.5),
          alt="500 fakes at the end of each of the six games: with a slow discriminator one lump each, with equal "
              "rates a whole ring through the eight circles that mark the centres.")

# %% [markdown]
# A faster discriminator cured it, in three games of three. To find all modes is not yet to match them: many fakes
# still lie between two, and longer games pull them in. (Others let $D$ judge several samples at once, or punish
# steep discriminators; Heusel et al. 2017 give two rates on purpose: their proof wants a generator that is slower.)
#
# **Question 1.** Let $D$ stand still. Which generator has the smallest `generator_loss`, and what in that loss asks
# for variety? Then say from this why a slow discriminator led to collapse and a faster one cured it.

# %% [markdown] question="gan.1"
# The loss is a mean over single fakes, each judged by itself. Against a fixed $D$ it is smallest if *every* $z$ gives
# the one place where the logit is highest. Nothing in it compares two fakes with each other, so nothing asks for
# variety; a generator that is a single point is the exact optimum.
#
# In the theorem variety comes from the order in (1): for each $G$ the *best* $D$ answers first. If fakes crowd
# somewhere, $p_G$ is large there, $D^*$ falls there, and the crowd pays for it. This pressure exists only as far as
# $D$ follows. A slow $D$ is nearly fixed from the generator's view: $G$ runs to the top of today's landscape and sits
# there in one lump before $D$ has lowered that place; when at last it has, the top is elsewhere and the lump runs
# there, mode after mode. With ten times the rate the place is lowered while the first fakes arrive, so that others are
# better off at other modes, and the fakes spread.
#
# **Rubric** (½ points allowed)
#
# - 2 points: against a fixed $D$ the optimum is one place, the highest logit; the loss judges each fake by itself.
# - 1 point: variety comes only through $D$'s reaction to where fakes crowd.
# - 2 points: a slow $D$ is nearly fixed, so $G$ collapses and chases; a faster one reacts before the crowd settles.

# %% [markdown]
# ## 5 · Digits
#
# **DCGAN** (Radford et al. 2016) was the recipe that brought the game from toys to pictures: strided convolutions
# and no pooling, batch normalisation, leaky ReLU in $D$, a tanh at the end of $G$, and Adam whose first average
# forgets faster (0.5 in the place of 0.9). The library has the pair. A narrow one learns by your `train_step`:

# %% tags=["demo"]
LIVE = [0, 30, 100, 240]


@cache
def live_digits(width=16, rate=2e-3, batch=32):
    """Ten fixed codes as the generator draws them at the steps in LIVE."""
    torch.manual_seed(0)
    G, D, draws, pictures = dcgan.Generator(64, width), dcgan.Discriminator(width), seeded(0), []
    opt_g, opt_d = (torch.optim.Adam(net.parameters(), lr=rate, betas=(0.5, 0.999)) for net in (G, D))
    for step in range(LIVE[-1] + 1):
        if step in LIVE:
            pictures.append(drawn(G, 10))
        real = 2 * digits[torch.randint(len(digits), (batch,), generator=draws)] - 1
        z_d, z_g = torch.randn(2, batch, 64, generator=draws)
        train_step(G, D, opt_g, opt_d, real, z_d, z_g)
    return pictures


plot.show(plot.image_rows({f"step {n}": row for n, row in zip(LIVE, live_digits())}),
          alt="Ten codes drawn at steps 0, 30, 100 and 240: grey, a lattice, blots, then strokes that begin to look "
              "like digits.")

# %% [markdown]
# From a grey fog to strokes in a few seconds. The shipped generator is four times as wide and trained for longer, by
# the losses that you wrote. With `TRAIN = True` it is trained here, by yours.

# %% tags=["demo"]
from course_utils import training
from course_utils.recipes import gan


class Pair(gan.Adversaries):
    """Generator and discriminator with the sum of your losses; neither's gradient reaches the other's weights."""

    def forward(self, real, z):
        fake = self.generator(z)
        judged = self.discriminator(real), self.discriminator(fake.detach())
        return discriminator_loss(*judged) + generator_loss(gan.apply_frozen(self.discriminator, fake))


class Mine(gan.Dcgan):
    """The shipped checkpoint's recipe with your losses."""

    def model(self):
        return Pair(**self.ARGS)


@cache
def yours():
    """The generator of TRAIN, or where that is off or was interrupted, the shipped one."""
    finished = training.train(Mine(), resume=False, out=training.RUNS / "finished") if TRAIN else None
    return zoo.load("dcgan", finished.parent if finished else zoo.FOLDER)


print(f"the recipe: {yours().config['trained_steps']:,} steps with batches of {yours().config['batch_size']} digits")
print(f"{sum(w.numel() for w in yours().model.parameters()):,} parameters of the generator")
plot.show(plot.images(drawn(yours().model, 40), columns=20),
          alt="Forty digits of the trained generator: sharp white strokes on black, most of them readable.")

# %% [markdown]
# **Question 2.** Compare the first and third row in section 1. The VAE paid for each pixel by itself
# (cross-entropy); your generator paid what a discriminator found. Suppose an edge may lie at either of two
# neighbouring places, each equally often. What does each loss make of it, and why is one of them sharper?

# %% [markdown] question="gan.2"
# The per-pixel loss is smallest at the *mean* of what may stand there. If the edge lies left or right equally often
# and the code does not tell which, the cheapest picture has grey between the two places: it is never far from either.
# That is an average, a picture which no hand ever drew; fine detail, which is what varies most, is averaged away
# first.
#
# The discriminator does not compare with one particular original. It asks whether the picture could be real. No real
# digit has that grey border, so a grey border is found out at once, by a local filter that looks at high
# frequencies. Either sharp edge passes. The generator may choose one, and the cheapest way to fool is to be sharp.
#
# The price is the other side of the same coin: nobody asks whether *both* edges are drawn equally often. A generator
# that always takes the left one is as sharp.
#
# **Rubric** (½ points allowed)
#
# - 2 points: a per-pixel loss is minimised by the mean of the possibilities, hence grey or blur.
# - 2 points: a discriminator rejects the average, since no real picture looks so; either sharp edge passes.
# - 1 point: detail or high frequencies are named as what is lost or seen; or the price, missing variety.

# %% [markdown]
# ## 6 · AdaIN: style as two numbers a channel
#
# In a DCGAN the noise enters once, at the bottom. **StyleGAN** (Karras et al. 2019) lets it in at every layer. A
# channel of features has a mean and a standard deviation over its picture; call them its *style*. **Adaptive instance
# normalisation** removes the style that is there and puts in another (Huang & Belongie 2017):
#
# $$\operatorname{AdaIN}(x, w, b) = w \cdot \frac{x - \mu(x)}{\sqrt{\operatorname{var}(x) + 10^{-5}}} + b \tag{6}$$
#
# $\mu$ and $\operatorname{var}$ are taken over the places of one channel of one picture; in StyleGAN $w$ and $b$ come
# from $z$ through a small network.
#
# **Exercise 6** · easy · 8 minutes. Gradients shall flow to $x$, also through its mean and variance, to $w$ and $b$.
#
# <details><summary><b>Stuck?</b></summary>
#
# Over which axes of `(n, c, h, w)` does one mean go, and which shape must it keep to be subtracted from all places?
# Then give $w$ and $b$ as many axes as $x$ has.
#
# </details>

# %% task="gan.adain"
def adain(x, w, b):
    """Eq. (6), for each channel of each picture by itself.

    Args:
        x: (n, c, height, width) features; a channel may be constant.
        w, b: (n, c) new standard deviations and new means.

    Returns:
        (n, c, height, width).
    """
    ####################################################################
    # TODO: eq. (6), with the biased variance (divided by the number   #
    # of places). About 4 lines.                                       #
    ####################################################################
    ### BEGIN SOLUTION
    mean = x.mean(dim=(2, 3), keepdim=True)
    var = x.var(dim=(2, 3), keepdim=True, unbiased=False)
    normalised = (x - mean) / torch.sqrt(var + 1e-5)
    return w[:, :, None, None] * normalised + b[:, :, None, None]
    ### END SOLUTION
    ####################################################################
    #                       END OF YOUR CODE                           #
    ####################################################################

# %% check="gan.adain"
check("gan.adain")

# %% [markdown]
# The smallest example: the “features” are red, green and blue. Each picture on the left gets the mean and the
# standard deviation of each colour from the picture on top. Shapes stay, the mood changes.

# %% tags=["demo"]
contents = torch.stack([data.emoji_picture(name) for name in ("red apple", "cat face", "rainbow")])
styles = torch.stack([data.emoji_picture(name) for name in ("sunset", "water wave", "frog", "night with stars")])
mixed = [adain(contents, s.std(dim=(1, 2)).repeat(3, 1), s.mean(dim=(1, 2)).repeat(3, 1)) for s in styles]
table = torch.stack([contents, *mixed], dim=1)  # (contents, 1 + styles, 3, 32, 32)
first = torch.cat([torch.ones(1, 3, 32, 32), styles])[None]
plot.show(plot.image_grid(torch.cat([first, table]), rows=["style", "apple", "cat", "rainbow"],
                          columns=["", "sunset", "wave", "frog", "night"]),
          alt="An apple, a cat and a rainbow as they are, and each in the colours of four styles: the same shapes in "
              "the brown of a sunset, the blue of a wave, the green of a frog and the violet of a night.")

# %% [markdown]
# ## 7 · Between two codes
#
# What lies between two digits? Take their codes and walk. The straight line $(1-t)\,z_0 + t\,z_1$ is the first idea,
# but look at where it leads. A code has 64 independent numbers, so its length is close to $\sqrt{64} = 8$, nearly
# always; the halfway point of two codes is shorter, about $8/\sqrt2$. The generator has hardly ever seen such a code.

# %% tags=["demo"]
codes = torch.randn(2, 20_000, 64, generator=seeded(0))
lengths = {"codes of training": codes[0].norm(dim=1), "halfway on the line": codes.mean(dim=0).norm(dim=1)}
plot.show(plot.histograms(lengths, xlabel="length of z"),
          alt="Lengths of codes lie between 6 and 10 around 8; halfway points lie between 4 and 7.5, around 5.7.")

# %% [markdown]
# Better to stay on the sphere. Two codes of equal length with the angle $\Omega$ between them lie on a circle around
# the origin, and three demands say where the walk is at time $t$:
#
# - it is a combination $a(t)\,z_0 + c(t)\,z_1$;
# - it stays on the circle, from $z_0$ at $t = 0$ to $z_1$ at $t = 1$ by the shorter way;
# - it has constant speed: at time $t$ the angle to $z_0$ is $t\,\Omega$, and that to $z_1$ is $(1-t)\,\Omega$.
#
# If the two lengths differ, $\Omega$ is still the angle between the *directions*, and the weights $a$ and $c$ act on
# the vectors as they are. If the two point the same way, or opposite ways, no circle is determined: where
# $|\cos\Omega| > 0.9995$ take the straight line.
#
# **Exercise 7** · medium · 20 minutes. Each pair of a batch has its own $\Omega$ and its own case.
#
# <details><summary><b>Stuck?</b></summary>
#
# Draw the circle. The part of the walk's point that is perpendicular to $z_1$ comes from $z_0$ alone, and it can be
# read off the drawing in two ways: by $a(t)$ and $\Omega$, and by the angle to $z_1$. Then the same with the roles
# exchanged.
#
# </details>

# %% task="gan.slerp"
def slerp(z0, z1, t):
    """The point at time t of the walk from z0 to z1.

    Args:
        z0, z1: (b, d) codes, none of them 0.
        t: A float, or a (b,) tensor with a time for each pair, in [0, 1].

    Returns:
        (b, d).
    """
    ####################################################################
    # TODO: about 8 lines. Rounding can push a cosine beyond 1, and    #
    # a NaN of the other case must not reach the result.               #
    ####################################################################
    ### BEGIN SOLUTION
    t = torch.as_tensor(t, dtype=z0.dtype, device=z0.device).reshape(-1, 1)  # (b, 1), or (1, 1)
    cos = F.cosine_similarity(z0, z1, dim=1)[:, None]
    angle = torch.acos(cos.clamp(-0.9995, 0.9995))
    weight_0 = torch.sin((1 - t) * angle) / torch.sin(angle)
    weight_1 = torch.sin(t * angle) / torch.sin(angle)
    straight = cos.abs() > 0.9995
    return torch.where(straight, 1 - t, weight_0) * z0 + torch.where(straight, t, weight_1) * z1
    ### END SOLUTION
    ####################################################################
    #                       END OF YOUR CODE                           #
    ####################################################################

# %% check="gan.slerp"
check("gan.slerp")

# %% [markdown]
# <details><summary><b>What you derived</b></summary>
#
# Shoemake 1985:
#
# $$z(t) = \frac{\sin((1-t)\,\Omega)}{\sin\Omega}\, z_0 + \frac{\sin(t\,\Omega)}{\sin\Omega}\, z_1 \tag{7}$$
#
# </details>
#
# In the plane, at eleven equal steps of time: on the left two codes of equal length, on the right one is half as long.

# %% tags=["demo"]
times = torch.linspace(0, 1, 11)
plane = {"equal lengths": ([1.0, 0.0], [-0.7, 0.714]), "lengths 1 and 0.5": ([1.0, 0.0], [-0.35, 0.357])}
ends = {name: [torch.tensor(z).repeat(11, 1) for z in pair] for name, pair in plane.items()}
walks = {name: {"straight": torch.lerp(*pair, times[:, None]), "yours": slerp(*pair, times)}
         for name, pair in ends.items()}
plot.show(diagrams.walks(walks), alt="Two panels with a circle. Your walk follows the circle at equal distances when "
                                     "the lengths are equal; when they differ it bows outwards and comes in to the "
                                     "shorter code. The straight one cuts through.")

# %% [markdown]
# **Before you move it, guess:** which of the two rows will be harder to read halfway, and will every picture on the
# way be a digit?

# %% tags=["demo", "nbval-ignore-output"]
START, END = torch.randn(2, 8, 64, generator=seeded(4))


@torch.no_grad()
def between(t):
    walks = {"straight": torch.lerp(START, END, t), "slerp": slerp(START, END, t)}
    return plot.image_rows({name: (yours().model(z) + 1) / 2 for name, z in walks.items()})


def lengths_at(t):
    straight, round_ = (z.norm(dim=1).mean() for z in (torch.lerp(START, END, t), slerp(START, END, t)))
    return f"Eight walks at t = {t:g}: the codes have lengths of {straight:.1f} (straight) and {round_:.1f} (slerp)."


widgets.explore(between, caption=lengths_at, t=widgets.Control([i / 10 for i in range(11)], default=0.5))

# %% [markdown]
# The pictures change without a jump, and what stands between two digits has the strokes of a digit, though not always
# of one that exists. The two rows differ less than their lengths promise: on the straight way the strokes are a little
# thinner in the middle, where the codes are short.
#
# ## 8 · How good is it?
#
# There is no likelihood to report. Do the losses tell? Here are those of the cured game of seed 0, beside the share
# of fakes that lie near a mode.

# %% tags=["demo"]
frames, losses = play(0, EQUAL)
near = [(torch.cdist(fakes, CENTRES).amin(dim=1) < 0.3).double().mean() for fakes, _ in frames.values()]
smooth = losses[:STEPS].unflatten(0, (-1, EVERY)).mean(dim=1)
plot.show(diagrams.losses_and_quality(torch.arange(EVERY, STEPS + 1, EVERY), smooth, near[1:]),
          alt="From step 200 to 600 the discriminator's loss stays near 1.3 and the generator's rises from 0.73 to "
              "0.83. The share of fakes near a mode climbs from a twentieth to about 0.4 by step 400; then it wavers.")

# %% [markdown]
# **Question 3.** Between steps 200 and 400 the fakes get much better while the generator's loss gets worse; after 400
# the loss rises on, and the fakes get no better. Why can neither loss, nor their sum, say how good the fakes are? Name
# two games, one with good fakes and one with bad ones, that have the same losses.

# %% [markdown] question="gan.3"
# Each loss is measured against the other player, and the other player changes too. A generator that improves meets a
# discriminator that improves with it; its loss can stay where it is, or rise, for the whole training. It is like a
# rating among two people who only play each other: it says who leads at the moment, not how well they play. For the
# same reason the losses of two trainings, with different discriminators, cannot be compared.
#
# Same losses, both with $D = ½$ everywhere, so $2\ln2$ and $\ln 2$: first, perfect fakes, where even the best
# discriminator can only guess; second, a discriminator that has learned nothing (fresh weights, or too slow a rate) and
# guesses before fakes of any kind. A collapsed generator that runs away from its discriminator has middling
# losses too.
#
# What is missing is a judge who stays the same, such as a fixed set of features.
#
# **Rubric** (½ points allowed)
#
# - 2 points: each loss is relative to an opponent who changes during the training.
# - 2 points: two games with equal losses, such as perfect fakes and an untrained or weak discriminator.
# - 1 point: hence losses of different runs or moments do not compare; a fixed judge is needed.

# %% [markdown]
# So samples are measured by somebody who does not play: a classifier of digits, frozen, of whose last layer we take
# 64 features. Fit a Gaussian to the features of real digits and one to those of fakes; their **Fréchet distance** is
#
# $$\|\mu_1 - \mu_2\|^2 + \operatorname{tr}\Bigl(C_1 + C_2 - 2\bigl(C_1^{1/2}\, C_2\, C_1^{1/2}\bigr)^{1/2}\Bigr)
# \tag{8}$$
#
# The root of a symmetric matrix without negative eigenvalues is the symmetric $R$ with $RR = C$: it has the same
# eigenvectors and the roots of the eigenvalues. With features of the Inception network this number is called FID
# (Heusel et al. 2017).
#
# **Exercise 8** · medium · 12 minutes. The covariance of few samples is singular, and rounding can make an eigenvalue
# that should be 0 slightly negative: clamp.
#
# <details><summary><b>Stuck?</b></summary>
#
# Write the root of a symmetric matrix first, as a function of its own. You need it twice.
#
# </details>

# %% task="gan.frechet_distance"
def frechet_distance(mu1, cov1, mu2, cov2):
    """Eq. (8).

    Args:
        mu1, mu2: (d,) float64 means.
        cov1, cov2: (d, d) float64 covariances, symmetric. One of fewer than d samples is singular; eigenvalues that
            rounding has pushed slightly below 0 count as 0.

    Returns:
        A scalar float64 tensor.
    """
    ####################################################################
    # TODO: about 5 lines.                                             #
    ####################################################################
    ### BEGIN SOLUTION
    def root(matrix):
        values, vectors = torch.linalg.eigh(matrix)
        return vectors @ torch.diag(values.clamp(min=0).sqrt()) @ vectors.T

    cross = root(root(cov1) @ cov2 @ root(cov1))
    return (mu1 - mu2).square().sum() + torch.trace(cov1 + cov2 - 2 * cross)
    ### END SOLUTION
    ####################################################################
    #                       END OF YOUR CODE                           #
    ####################################################################

# %% check="gan.frechet_distance"
check("gan.frechet_distance")

# %% [markdown]
# Now measure. And since a ruler should first be held to something known, measure real digits against other real
# digits as well: the true distance is 0.

# %% tags=["demo"]
judge = zoo.load("mnist-classifier").model


@torch.no_grad()
def features(pictures):
    return torch.cat([judge.features(part) for part in pictures.split(500)]).double()


def distance(a, b):
    return frechet_distance(a.mean(dim=0), a.T.cov(), b.mean(dim=0), b.T.cov()).item()


mixed_up = features(digits[torch.randperm(len(digits), generator=seeded(0))])
some, reals = mixed_up[:2000], mixed_up[2000:4000]
judged = {"other real digits": some, "your GAN": features(drawn(yours().model, 2000)),
          "VAE": features(decoded(2000))}
SIZES = [200, 500, 1000, 2000]
measured = {name: [distance(f[:n], reals[:n]) for n in SIZES] for name, f in judged.items()}
for name, values in measured.items():
    print(f"{name + ':':19}" + ", ".join(f"{v:.0f} at n = {n:,}" for v, n in zip(values, SIZES)))
fig = plot.curves(SIZES, measured, xlabel="samples on each side", ylabel="Fréchet distance", logx=True, logy=True)
fig.axes[0].set_xticks(SIZES, [f"{n:,}" for n in SIZES])
fig.axes[0].minorticks_off()
plot.show(fig, alt="Between real digits the distance falls from 64 at 200 samples to 7 at 2,000. The GAN's lies "
                   "around 200 and the VAE's around 440, nearly level.")

# %% [markdown]
# By this measure the sharp but sometimes odd digits are nearer to real ones than the blurred ones. Two warnings. The
# distance is **biased**: between real digits it is far from 0 at 200 samples and shrinks as samples are
# added, because a covariance of 64 features is itself a guess. So compare numbers of equal $n$ only, beside real
# against real. And it has a taste: it asks what *this* classifier looks at. The kernel distance (Bińkowski et al.
# 2018) has no such bias, and the checkpoint carries both.

# %% tags=["demo"]
known = zoo.load("dcgan").metrics
print(f"shipped generator: Fréchet distance {known['frechet_distance']:.0f} at n = 2,000, real digits "
      f"{known['frechet_distance_real']:.0f}")
print(f"kernel distance {known['kernel_distance']:.3f} ± {known['kernel_distance_std']:.3f} at n = 1,000, real digits "
      f"{known['kernel_distance_real']:.3f} ± {known['kernel_distance_real_std']:.3f}")

# %% [markdown]
# ## 9 · The balance
#
# **For:** simple (two networks and two losses), sharp, and one pass draws a picture. From 2016 to 2021 this was the
# first choice for pictures.
#
# **Against:** no likelihood and no curve to watch; a training that depends on a balance, as on the ring; modes that
# are lost without a word; and harder to scale to many kinds of pictures than what came after. The idea lives on as
# *one loss among others*, wherever an average would blur.
#
# ## Puzzle
#
# Not graded. Three games on the ring with equal rates, each with one slip in `train_step`:
#
# - the generator's fakes are detached in its own half;
# - the generator's half uses the discriminator's labels: it makes “fake” likely;
# - the discriminator's optimizer never steps.
#
# Which slip made which cloud? The dots are 500 fakes after 200 steps, the circles surround the centres.

# %% tags=["demo"]
plot.show(diagrams.ring_clouds(puzzles.slipped_games(), CENTRES),
          alt="A: a cloud that has left the ring far behind. B: one point in the middle of the ring. C: a small cloud "
              "in the middle of the ring.")

# %% [markdown]
# <details><summary><b>Answer</b></summary>
#
# **C** is the detached one. Nothing reaches the generator, so it stands where it was born: this is the cloud at step 0
# of the slider in section 4, dot for dot. Its loss moved all the same, because $D$ learned.
#
# **B** makes “fake” likely. It looks for the place where $D$ is surest of a fake, and that is the middle of the ring,
# as far as can be from all eight. It collapsed to a point: here, too, nothing asks for variety.
#
# **A** has a sleeping discriminator. Its landscape is the random one of its birth, which rises in some direction for
# ever; the generator walks that way and does not stop. No real point has any say in this game.
#
# </details>
#
# ## Where this goes
#
# - An adversarial loss as one part of three keeps an autoencoder sharp in latent diffusion (notebook **11**).
# - A generator in few steps, taught by a diffusion model that needs many: distillation, notebook **14**.
# - AdaIN's scale and shift, with a time in the place of a style, steer every diffusion network: notebook **06**.
# - The walk on the circle returns with the probability flow, where every picture has a code: notebook **10**.
#
# **References**
#
# - Goodfellow et al. 2014, *Generative Adversarial Nets*: equations (1) to (5).
# - Radford, Metz, Chintala 2016, *Unsupervised Representation Learning with Deep Convolutional GANs*: DCGAN.
# - Heusel et al. 2017, *GANs Trained by a Two Time-Scale Update Rule*: two rates, and equation (8) as FID.
# - Huang & Belongie 2017, *Arbitrary Style Transfer in Real-time with Adaptive Instance Normalization*: equation (6).
# - Karras, Laine, Aila 2019, *A Style-Based Generator Architecture for GANs*: StyleGAN.
# - Shoemake 1985, *Animating Rotation with Quaternion Curves*: equation (7).
# - Metz et al. 2017, *Unrolled Generative Adversarial Networks*: the ring of eight, and another cure.
# - Bińkowski et al. 2018, *Demystifying MMD GANs*: the kernel distance and the bias of FID.
# - Digits: LeCun, Bottou, Bengio, Haffner 1998 (MNIST); emoji: OpenMoji (CC BY-SA 4.0).
#
# ## Summary
#
# 1. Two networks play for one value; against the best discriminator the generator minimises a divergence to the data.
# 2. The non-saturating loss gives bad fakes a slope; losses are written for logits of any size.
# 3. Whether a game covers all modes depends on the balance of the two players, and must be counted, not assumed.
# 4. Samples are judged by features of a fixed network, at equal numbers, beside real against real.
