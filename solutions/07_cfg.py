# %% [markdown]
# # 07 · Conditional generation and guidance
#
# Ask the network of notebook 06 for a four. Nearly always a digit comes, most often a four, and now and then a nine.
# It heard the wish; it does not insist on it. In this notebook you make it insist. One number, the *guidance scale*,
# turns a shy wish into a stubborn one, and it is the number that everybody who uses an image generator turns first.
# You will build what stands behind it, measure what it buys, and see what it costs.
#
# **When you are done, you can**
#
# - draw a digit in ten network evaluations instead of two hundred (DDIM);
# - say where guidance gets its direction, with a classifier and without one;
# - guide any conditional network, in two calls or in one;
# - translate between the conventions of papers and libraries, where one name means two numbers;
# - read a table of fidelity and diversity, and choose a guidance scale and a number of steps.
#
# **Time:** about two and a half hours: seven exercises (92 minutes), four questions, a puzzle, and the reading.
#
# **Before it:** the chain of notebook 05 and the network of notebook 06, with its dropped conditions.
#
# If this notebook imports `.py` files of your own, hand them in with it.

# %% tags=["setup"]
import torch
import torch.nn.functional as F
from torch import nn

from course_utils.check import Unfinished, check, method_of

torch.set_printoptions(sci_mode=False)  # 0.0001, not 1e-04

# %% tags=["demo"]
from functools import partial

from course_utils import data, densities, diagrams, plot, puzzles, widgets, zoo
from course_utils.check import name_red
from course_utils.models.unet import drop_rows
from course_utils.own import own

shipped = zoo.load("mnist-unet")  # notebook 06's network with its trained weights
network, path = shipped.model, shipped.path  # the cosine chain of T = 200 steps
alphas_cumprod = path.alphas_cumprod.float()  # (200,)
classifier = zoo.load("mnist-classifier").model  # reads clean digits; it judges, and never guides


def noise_for(n, seed=7):
    """Starting noise for n digits."""
    return torch.randn(n, 1, 28, 28, generator=torch.Generator().manual_seed(seed))


@torch.no_grad()
def sheet(x, wishes):
    """Digits x (n, 1, 28, 28) in [-1, 1], and above each what the classifier reads where that is not the wish."""
    read = classifier((x + 1) / 2).argmax(1)
    titles = ["" if r == w else f"read as {r}" for r, w in zip(read.tolist(), wishes.tolist())]
    return plot.images((x + 1) / 2, titles=titles if any(titles) else None)

# %% [markdown]
# ## 1 · A wish, half heard
#
# Twenty wishes, 0 to 9 twice. The network gets each as a vector, `text_emb`, and answers alone. A second network,
# trained on real digits, reads the results; where it reads something else than was asked for, it says so.

# %% tags=["demo"]
from course_utils.diffusion import samplers

wishes = torch.arange(20) % 10
asked = partial(network, model_kwargs={"text_emb": shipped.encode(wishes)})
plot.show(sheet(samplers.sample_ddim(asked, noise_for(20), path, 10), wishes),
          alt="Twenty generated digits in two rows, 0 to 9 in each; above a few stands what they are read as instead.")

# %% [markdown]
# Most are right, some are nobody's digit, and the network does not know it: it was trained to draw what is *likely*
# for the wish, and between a four and a nine much is likely. Guidance leans against that.
#
# ## 2 · Few steps
#
# First the tool. These digits took ten evaluations each, not the 200 of notebook 05; without that, nothing below
# could be drawn while you wait. Which times does one visit? Let us take `num_steps` whole numbers from $T-1$ down to
# 0, both included, as evenly spaced as whole numbers can be. With one step there is only $T-1$.
#
# **Exercise 1** · easy · 6 minutes

# %% task="cfg.timesteps"
def timesteps(T, num_steps):
    """The times at which the network is evaluated, in the order of sampling.

    Args:
        T: Length of the chain, whose indices are 0...T-1.
        num_steps: 1...T.

    Returns:
        (num_steps,) int64, falling from T-1 to 0: evenly spaced numbers, each rounded to the nearest integer. With
        one step it is T-1 alone.
    """
    ####################################################################
    # TODO: both ends belong to it; rounded, not cut off. About 1 line.#
    ####################################################################
    ### BEGIN SOLUTION
    return torch.linspace(T - 1, 0, num_steps).round().long()
    ### END SOLUTION
    ####################################################################
    #                       END OF YOUR CODE                           #
    ####################################################################

# %% check="cfg.timesteps"
check("cfg.timesteps")

# %% tags=["demo"]
plot.show(diagrams.visited_times(alphas_cumprod, {f"{n} steps": timesteps(200, n) for n in (4, 8, 20)}),
          alt="What is left of the picture falls over t from 1 to 0; 4, 8 and 20 times lie evenly along it, always "
              "with 0 and 199 among them.")

# %% [markdown]
# How does one get from a time $t$ to a much earlier time $s$? Ancestral sampling cannot: its Gaussian step is right for
# small steps only. **DDIM** (Song et al. 2021) goes another way. At *every* index notebook 05 has
#
# $$x_t = \sqrt{\bar\alpha_t}\;x_{\text{start}} + \sqrt{1-\bar\alpha_t}\;\varepsilon. \tag{1}$$
#
# The network looks at $x_t$ and predicts the noise, $\hat\varepsilon$. With (1) you then know an $\hat x_{\text{start}}$
# too. Believe both for a moment: the digit is $\hat x_{\text{start}}$, the noise is $\hat\varepsilon$. Then you know
# what this digit with *this same noise* looks like at any other time, and you go there. No new noise is drawn.
#
# One detail decides how good few steps are. No pixel lies outside $[-1, 1]$, so $\hat x_{\text{start}}$ is clamped
# first. But then it no longer makes $x_t$ together with the old $\hat\varepsilon$. The noise has to be computed again,
# so that the pair does.
#
# **Exercise 2** · medium · 15 minutes
#
# <details><summary><b>Stuck?</b></summary>
#
# Use (1) three times: once solved for $x_{\text{start}}$, once solved for $\varepsilon$, and once as it stands, but for
# another time. Which of the three knows $s$?
#
# </details>

# %% task="cfg.ddim_step"
def ddim_step(x_t, noise_pred, alpha_bar_t, alpha_bar_s, clamp=1.0):
    """One step of DDIM from time t to an earlier time s, which may be far away.

    Args:
        x_t, noise_pred: (b, *), data of any rank; noise_pred is the network's answer at t.
        alpha_bar_t, alpha_bar_s: (b,) what is left of the data's variance at t and at s; 1 stands for clean data.
        clamp: Bound of the predicted data, which lies in [-clamp, clamp]; None leaves it as it is.

    Returns:
        x_s: (b, *).
    """
    ####################################################################
    # TODO: which digit, then which noise, then both at s. About 6     #
    # lines. alpha_bar is a share of variance; mind its shape.         #
    ####################################################################
    ### BEGIN SOLUTION
    shape = (-1,) + (1,) * (x_t.dim() - 1)
    alpha_bar_t, alpha_bar_s = alpha_bar_t.reshape(shape), alpha_bar_s.reshape(shape)  # (b, 1, ..., 1)
    x_start = (x_t - (1 - alpha_bar_t).sqrt() * noise_pred) / alpha_bar_t.sqrt()
    if clamp is not None:
        x_start = x_start.clamp(-clamp, clamp)
    noise = (x_t - alpha_bar_t.sqrt() * x_start) / (1 - alpha_bar_t).sqrt()
    return alpha_bar_s.sqrt() * x_start + (1 - alpha_bar_s).sqrt() * noise
    ### END SOLUTION
    ####################################################################
    #                       END OF YOUR CODE                           #
    ####################################################################

# %% check="cfg.ddim_step"
check("cfg.ddim_step")

# %% [markdown]
# <details><summary><b>What you derived</b></summary>
#
# $$x_s = \sqrt{\bar\alpha_s}\;\hat x_{\text{start}} + \sqrt{1-\bar\alpha_s}\;\hat\varepsilon, \qquad
# \hat\varepsilon = \frac{x_t - \sqrt{\bar\alpha_t}\;\hat x_{\text{start}}}{\sqrt{1-\bar\alpha_t}}
# \quad\text{with the clamped } \hat x_{\text{start}} \tag{2}$$
#
# </details>
#
# A whole sampler repeats it: evaluate the network at each of the times, and step to the next one. After the last time,
# $t = 0$, there is still one noise step in the picture, so one more step leads to clean data, where $\bar\alpha = 1$.
# That makes `num_steps` evaluations and as many steps.
#
# **Exercise 3** · hard · 25 minutes
#
# <details><summary><b>Stuck?</b></summary>
#
# Write down the pairs (t, s) for $T = 11$ and four steps, $t = 10, 7, 3, 0$. What stands in the place of $s$ in the
# last pair? Then make two tensors: $\bar\alpha$ of the times, and $\bar\alpha$ of the next times.
#
# </details>

# %% task="cfg.ddim_sample"
@torch.no_grad()
def ddim_sample(model, x_T, alphas_cumprod, num_steps, model_kwargs={}):
    """Samples from noise by DDIM; evaluates the model once a step.

    Args:
        model: Called as model(x (b, *), t (b,) int64, model_kwargs) -> predicted noise (b, *).
        x_T: (b, *) standard normal; not changed.
        alphas_cumprod: (T,) alpha_bar of the chain.
        num_steps: 1...T.
        model_kwargs: For the model, handed on as it is.

    Returns:
        (b, *) samples in the model's own range: not moved to [0, 1].
    """
    ####################################################################
    # TODO: `timesteps` and `ddim_step`, with its default clamp, do    #
    # the work. About 9 lines.                                         #
    ####################################################################
    ### BEGIN SOLUTION
    times = timesteps(len(alphas_cumprod), num_steps)
    alpha_bars = alphas_cumprod[times]
    next_alpha_bars = torch.cat([alpha_bars[1:], torch.ones_like(alpha_bars[:1])])  # clean data after the last
    x = x_T
    for t, alpha_bar_t, alpha_bar_s in zip(times, alpha_bars, next_alpha_bars):
        noise_pred = model(x, t.expand(len(x)), model_kwargs)
        x = ddim_step(x, noise_pred, alpha_bar_t.expand(len(x)), alpha_bar_s.expand(len(x)))
    return x
    ### END SOLUTION
    ####################################################################
    #                       END OF YOUR CODE                           #
    ####################################################################

# %% check="cfg.ddim_sample"
check("cfg.ddim_sample")

# %% [markdown]
# First where the truth is known: eight small bumps on a ring, and in the network's place the *exact* answer, the mean
# of all noise that may be in a point. The number in each title is the mean log-density (in nats) of 500 samples under
# the true density; the ring's own points stand last.

# %% tags=["demo"]
ring = densities.ring(radius=0.7, std=0.05)
exact = ring.model(path)
start = torch.randn(500, 2, generator=torch.Generator().manual_seed(1))
clouds = {f"{n} steps": ddim_sample(lambda x, t, _: exact(x, t), start, alphas_cumprod, n) for n in (2, 5, 20)}
clouds["data"] = ring.sample(500, torch.Generator().manual_seed(2))
plot.show(plot.points({f"{name}\n{ring.log_prob(x).mean():.1f}": x for name, x in clouds.items()}, limits=1.1),
          alt="Two steps leave a knot in the middle, five a smeared disc, twenty the eight bumps, with some points between.")

# %% [markdown]
# And the digits. The same ten noises, the same ten wishes, more and more steps.
#
# **Before you move it, guess:** from how many steps on does the picture hardly change any more, and does one step give
# a blurred digit?

# %% tags=["demo", "nbval-ignore-output"]
ten = torch.arange(10)
ten_wishes = {"text_emb": shipped.encode(ten)}


def stepped(steps):
    return plot.images((ddim_sample(network, noise_for(10), alphas_cumprod, steps, ten_wishes) + 1) / 2)


widgets.explore(stepped, caption=lambda steps: f"Ten digits, 0 to 9, after {steps} steps of DDIM.",
                steps=widgets.Control([1, 3, 5, 10, 20], default=3))

# %% [markdown]
# **Question 1.** Users set `num_inference_steps`. What does it decide, and what does it not touch? Then explain what
# *one* step draws: on the ring with the exact network it would be a single point (which one?); why are the digits
# of your first position no blurred mean?

# %% [markdown] question="cfg.1"
# It decides how many times the network is asked on the way from noise to picture, so the cost, and how finely the way
# is followed: in each stretch $\hat x_{\text{start}}$ and $\hat\varepsilon$ are held fixed, and the error of that
# shrinks as stretches get shorter. It touches neither the network nor the noise it starts from. DDIM draws nothing
# on the way, so once the steps are fine enough more of them give the same picture.
#
# One step goes from $T-1$ straight to $\hat x_{\text{start}}$. In pure noise no bump can be told from another, so the
# best answer is the mean of the data: the centre of the ring. With the digits it should be the mean of the class, a
# blurred digit. But $\hat x_{\text{start}}$ divides by $\sqrt{\bar\alpha_{T-1}}$, which is nearly 0: the network's
# small errors are magnified, and the clamp turns each pixel to black or white.
#
# **Rubric** (½ points allowed)
#
# - 2 points: it sets cost and fineness; network and starting noise stay, so more steps approach one picture
# - 1½ points: one step gives the mean, for the ring its centre
# - 1½ points: for digits a small error is divided by $\sqrt{\bar\alpha_{T-1}} \approx 0$ and clamped

# %% [markdown]
# ## 3 · A direction, from a classifier
#
# Where is “more of a four”? Call $\nabla \log p_t(x_t)$ the **score**: the direction in which noisy pictures become more
# likely. A noise predictor knows it already. The best prediction is
#
# $$\hat\varepsilon = -\sigma_t\, \nabla \log p_t(x_t), \qquad \sigma_t = \sqrt{1-\bar\alpha_t}. \tag{3}$$
#
# An example: if data are standard normal numbers, so is every $x_t$; the score is $-x_t$, and the best guess of the
# noise is $\sigma_t x_t$. (Notebook 08 proves it for any data.) Now take Bayes' rule,
# $\log p(x_t|y) = \log p(x_t) + \log p(y|x_t) - \log p(y)$, and its gradient in $x_t$; the last term has none:
#
# $$\underbrace{\nabla \log p_t(x_t \mid y)}_{\text{score for the wish } y}
# = \underbrace{\nabla \log p_t(x_t)}_{\text{score without a wish}}
# + \underbrace{\nabla \log p_t(y \mid x_t)}_{\text{a classifier's gradient}} \tag{4}$$
#
# So a network that draws *any* digit, and a classifier that reads *noisy* digits and is told the time, together draw the
# digit that we ask for (Dhariwal & Nichol 2021). The gradient is the one with respect to the pixels.
#
# **Exercise 4** · medium · 12 minutes. Each sample wants the gradient of its own log-probability. And mind who calls
# you: `ddim_sample` runs under `torch.no_grad()`.
#
# <details><summary><b>Stuck?</b></summary>
#
# Autograd wants one number. If you add up the log-probabilities of all samples, what is the gradient of that sum with
# respect to the pixels of sample 3?
#
# </details>

# %% task="cfg.classifier_gradient"
def classifier_gradient(classifier, x_t, t, y):
    """The gradient of log p(y | x_t) with respect to x_t.

    Args:
        classifier: classifier(x_t, t) gives logits (b, classes); no sample looks at another.
        x_t: (b, *) noisy data; left as it is, and it asks for no gradient afterwards either.
        t: (b,) int64.
        y: (b,) int64 classes.

    Returns:
        (b, *) without a graph, also where the caller has switched gradients off.
    """
    ####################################################################
    # TODO: gradients on, and with respect to a tensor of your own.    #
    # About 5 lines.                                                   #
    ####################################################################
    ### BEGIN SOLUTION
    with torch.enable_grad():
        x = x_t.detach().requires_grad_()
        log_prob = F.log_softmax(classifier(x, t), dim=1)
        chosen = log_prob.gather(1, y[:, None])  # (b, 1)
        return torch.autograd.grad(chosen.sum(), x)[0]
    ### END SOLUTION
    ####################################################################
    #                       END OF YOUR CODE                           #
    ####################################################################

# %% check="cfg.classifier_gradient"
check("cfg.classifier_gradient")

# %% tags=["demo"]
noisy_classifier = zoo.load("mnist-noisy-classifier").model
digits, labels = data.mnist("test")
tiles, titles = [], []
for digit, index, towards in ((7, 3, [7, 9, 1, 2]), (5, 4, [5, 6, 3, 8])):
    x_start, t = 2 * digits[labels == digit][index:index + 1] - 1, torch.full((4,), 60)
    x_t = path.add_noise(x_start, t[:1], noise_for(1)).expand(4, -1, -1, -1)
    grad = classifier_gradient(noisy_classifier, x_t, t, torch.tensor(towards))
    tiles += [x_t[:1] / 4 + 0.5, grad / (5 * grad[1:].std()) + 0.5]
    titles += ["$x_t$", *[f"to a {k}" for k in towards]]
plot.show(plot.images(torch.cat(tiles), titles=titles, columns=5),
          alt="A noisy seven and a noisy five at t = 60, and beside each the gradient towards four classes: even grey "
              "towards its own class; bright where ink is wanted and dark where it is not towards the others.")

# %% [markdown]
# Bright: ink here would make the classifier surer. Dark: ink here speaks against it. Towards a nine the seven's top
# should be closed by a curve, towards a one the left end of its bar should go. The five becomes a six by closing its
# lower left, a three by moving ink from the upper left to the right. Where the classifier is sure already, it asks for
# nothing.
#
# Nothing forbids following the classifier further than Bayes does. Multiply its part of (4) by a number $\gamma$. The
# sampler wants noise, though, not a score. Put (4) with $\gamma$ into (3).
#
# **Exercise 5** · medium · 10 minutes
#
# <details><summary><b>Stuck?</b></summary>
#
# Write (3) twice: for the network's own prediction and score, and for the guided prediction and the guided score.
#
# </details>

# %% task="cfg.classifier_guidance"
def classifier_guidance(noise_pred, grad, sigma_t, gamma):
    """The predicted noise with a classifier's guidance.

    Args:
        noise_pred: (b, *) the network's prediction.
        grad: (b, *) gradient of log p(y | x_t).
        sigma_t: (b,) what the noise in x_t is multiplied by, equation (3).
        gamma: Strength, a number; 0 leaves the prediction as it is.

    Returns:
        (b, *) the guided prediction.
    """
    ####################################################################
    # TODO: what (3) and (4) give. About 2 lines.                      #
    ####################################################################
    ### BEGIN SOLUTION
    sigma_t = sigma_t.reshape(-1, *[1] * (grad.dim() - 1))  # (b, 1, ..., 1)
    return noise_pred - gamma * sigma_t * grad
    ### END SOLUTION
    ####################################################################
    #                       END OF YOUR CODE                           #
    ####################################################################

# %% check="cfg.classifier_guidance"
check("cfg.classifier_guidance")

# %% [markdown]
# <details><summary><b>What you derived</b></summary>
#
# $$\tilde\varepsilon = \hat\varepsilon - \gamma\,\sigma_t\,\nabla \log p_t(y \mid x_t) \tag{5}$$
#
# </details>
#
# Here the network gets no wish at all; the classifier alone says which digit it should be.

# %% tags=["demo"]
def steered(gamma, y):
    """The network without a wish, guided by the classifier: a model for ddim_sample."""
    def model(x, t, model_kwargs):
        noise_pred = network(x, t, model_kwargs)
        if gamma == 0:
            return noise_pred
        grad = classifier_gradient(noisy_classifier, x, t, y)
        return classifier_guidance(noise_pred, grad, (1 - alphas_cumprod[t]).sqrt(), gamma)
    return model


rows = {f"γ = {g}": (ddim_sample(steered(g, ten), noise_for(10), alphas_cumprod, 8) + 1) / 2 for g in (0, 1, 4)}
plot.show(plot.image_rows(rows), alt="Ten digits for each strength. Without guidance any digits; with 1 most, with 4 "
                                     "nearly all are 0 to 9 in order.")

# %% [markdown]
# ## 4 · A direction, from the network itself
#
# A second network for noisy pictures, only to ask for a four? The first one knows what a four is. Turn (4) round: the
# classifier's gradient is the *difference* of two scores, with the wish and without it. One network can give both, if
# in its training some wishes went missing: `drop_condition` of notebook 06 set one row in five to zero.
#
# To see clearly, three blobs in the plane, and again the exact answer in the network's place: (3), where the score is
# known. `text_emb` names a blob by a 1; zeros are no wish.

# %% tags=["demo"]
class Blobs(nn.Module):
    """The exact noise in x_t for three blobs; text_emb (b, 3) names one, and zeros (or None) mean any of them."""

    centres, std = torch.tensor([[0.0, 0.45], [-0.39, -0.22], [0.39, -0.22]]), 0.2

    def to_centres(self, x, t):
        return alphas_cumprod[t].sqrt()[:, None, None] * self.centres - x[:, None]  # (b, 3, 2)

    def variance(self, t):
        return alphas_cumprod[t][:, None] * self.std**2 + 1 - alphas_cumprod[t][:, None]  # (b, 1)

    def logits(self, x, t):
        """log p(x_t | blob) for each blob, (b, 3), up to a constant: the exact classifier's answer."""
        return -self.to_centres(x, t).square().sum(2) / (2 * self.variance(t))

    def forward(self, x, time, model_kwargs={}):
        log_p, text_emb = self.logits(x, time), model_kwargs.get("text_emb")
        if text_emb is not None:
            log_p = log_p.masked_fill(text_emb.any(1, keepdim=True) & (text_emb == 0), -torch.inf)
        score = (log_p.softmax(1)[..., None] * self.to_centres(x, time)).sum(1) / self.variance(time)
        return -(1 - alphas_cumprod[time]).sqrt()[:, None] * score  # equation (3)

# %% [markdown]
# What if no wish is ever dropped? Two small networks learn from points of the blobs with their names, one with your
# `drop_condition` in front and one without. Then both are asked for points *without* a wish.

# %% tags=["demo"]
drop_condition, whose = own("06_unet", "drop_condition", checks=["unet.drop_condition"])
if drop_condition is None:
    drop_condition = drop_rows  # the library's
print(whose)


def points(n, seed):
    """n points of the blobs (n, 2) and their names (n, 3)."""
    generator = torch.Generator().manual_seed(seed)
    names = F.one_hot(torch.randint(3, (n,), generator=generator), 3).float()
    return names @ Blobs.centres + Blobs.std * torch.randn(n, 2, generator=generator), names

# %% tags=["demo"]
def learned(prob, steps=400):
    """A small network, net(x, time, model_kwargs), of points whose names are dropped with probability prob."""
    torch.manual_seed(0)
    layers = nn.Sequential(nn.Linear(2 + 3 + 2, 96), nn.SiLU(), nn.Linear(96, 96), nn.SiLU(), nn.Linear(96, 2))

    def net(x, time, model_kwargs={}):
        names, left = model_kwargs.get("text_emb"), alphas_cumprod[time][:, None]
        names = x.new_zeros(len(x), 3) if names is None else names
        return layers(torch.cat([x, names, left.sqrt(), (1 - left).sqrt()], dim=1))

    optimizer = torch.optim.Adam(layers.parameters(), lr=1e-2)
    decay = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for step in range(steps):
        x_start, names = points(512, step)
        t, noise = torch.randint(200, (512,)), torch.randn(512, 2)
        x_t, names = path.add_noise(x_start, t, noise), drop_condition(names, prob, torch.rand(512))
        loss = F.mse_loss(net(x_t, t, {"text_emb": names}), noise)
        optimizer.zero_grad(), loss.backward(), optimizer.step(), decay.step()
    return net

# %% tags=["demo"]
start = torch.randn(300, 2, generator=torch.Generator().manual_seed(4))
clouds = {f"dropped: {prob:.0%}": ddim_sample(learned(prob), start, alphas_cumprod, 20) for prob in (0.0, 0.2)}
plot.show(diagrams.among({"data": points(300, 0)[0], **clouds}, Blobs.centres, Blobs.std),
          alt="Asked without a wish, the network that never missed one draws a clump in the middle; the one that missed "
              "one in five spreads its points over all three blobs.")

# %% [markdown]
# A network that never met “no wish” answers it all the same, and wrongly. The other one knows both. Now add their
# difference $w$ times to the answer with the wish (Ho & Salimans 2022):
#
# $$\tilde\varepsilon = \hat\varepsilon(x_t, y) + w\,\big(\hat\varepsilon(x_t, y) - \hat\varepsilon(x_t)\big)
# = (1 + w)\,\hat\varepsilon(x_t, y) - w\,\hat\varepsilon(x_t). \tag{6}$$
#
# $w = 0$ is the plain network with its wish, $w = -1$ the one without.
#
# This is the door `cfg_scale` of notebook 06: where `model_kwargs` holds that key, the network answers with guidance.
# The class below holds any network and has such a door.

# %% tags=["setup"]
class Conditional(nn.Module):
    """A network with a door to guidance.

    net: called as net(x, time, model_kwargs); model_kwargs may hold `text_emb`, which is dropped by None.
    """

    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, x, time, model_kwargs={}):
        if model_kwargs.get("cfg_scale") is not None:  # the door
            return self.cfg_forward(x, time, model_kwargs)
        return self.net(x, time, model_kwargs)

# %% [markdown]
# **Exercise 6** · medium · 12 minutes. A sampler hands you *the same* dict at every step. If you write into it, the
# next step meets another dict. And ask through `self(...)`, not `self.net(...)`: a cell further down puts your function
# on notebook 06's `Unet`, which has the same door and no `net`.
#
# <details><summary><b>Stuck?</b></summary>
#
# You need two dicts of your own. What must not stand in either of them, so that the door stays shut? And what differs
# between the two?
#
# </details>

# %% task="cfg.cfg_forward"
@method_of(Conditional)
def cfg_forward(self, x, time, model_kwargs={}):
    """The prediction with classifier-free guidance, equation (6).

    Args:
        x: (b, *) noisy data.
        time: (b,) int64.
        model_kwargs: Holds `cfg_scale`, the number w. Whatever else stands in it both answers get; only the one
            without a wish has None for `text_emb`. Read, never written.

    Returns:
        (b, *).
    """
    ####################################################################
    # TODO: equation (6) by two calls of self(...). About 5 lines.     #
    ####################################################################
    ### BEGIN SOLUTION
    w = model_kwargs["cfg_scale"]
    with_wish = {key: value for key, value in model_kwargs.items() if key != "cfg_scale"}
    without_wish = {**with_wish, "text_emb": None}
    return (1 + w) * self(x, time, with_wish) - w * self(x, time, without_wish)
    ### END SOLUTION
    ####################################################################
    #                       END OF YOUR CODE                           #
    ####################################################################

# %% check="cfg.cfg_forward"
check("cfg.cfg_forward")

# %% [markdown]
# Three hundred points of the upper blob, by your sampler and your guidance, from the same noise for every $w$. The
# circles hold 95 % of each blob.
#
# **Before you move it, guess:** do the points gather in the middle of their blob as $w$ grows, or somewhere else?

# %% tags=["demo", "nbval-ignore-output"]
upper = torch.tensor([[1.0, 0, 0]]).expand(300, 3)


def guided_points(w):
    x = ddim_sample(Conditional(Blobs()), start, alphas_cumprod, 20, {"text_emb": upper, "cfg_scale": w})
    return diagrams.among({f"w = {w:g}": x}, Blobs.centres, Blobs.std)


widgets.explore(guided_points, caption=lambda w: f"The upper blob asked for: w = {w:g}, guidance_scale {1 + w:g}.",
                w=widgets.Control([-1.0, 0.0, 0.5, 1.0, 2.0, 4.0, 8.0], default=0.0))

# %% [markdown]
# **Question 2.** Where does each kind of guidance get its direction: which networks, trained on what? By (4) the two
# directions are the same. Give one reason why in practice a classifier's may be the worse one.

# %% [markdown] question="cfg.2"
# Classifier guidance takes the gradient in the pixels of $\log p(y|x_t)$ from a classifier that was trained, beside the
# denoiser, on noisy pictures with their labels; the denoiser itself needs no labels. Classifier-free guidance takes the
# difference of two answers of one denoiser, which was trained with labels, some of them dropped.
#
# For exact networks Bayes makes them equal. But a classifier learns only what tells classes apart, and it may use any
# trace for that: its gradient, followed for many steps, can find changes that make it sure and that no reader would
# see, as adversarial examples do. Nothing in its training asked that its *gradient* be sensible. The difference of two
# denoisers is made of two answers that were each trained to be a direction towards pictures. (Another good
# reason: a classifier trained on clean pictures cannot read noisy ones at all, so each needs a classifier of its own.)
#
# **Rubric** (½ points allowed)
#
# - 1½ points: the classifier's gradient, a second network trained on noisy pictures with labels
# - 1½ points: the difference of two answers of one network, trained with labels that were sometimes dropped
# - 2 points: a reason, such as gradients that satisfy the classifier without a visible change

# %% [markdown]
# Now the digits, and your own network of notebook 06 if it lies beside this one. The same twenty noises as in section 1,
# with $w = 1$:

# %% tags=["demo"]
parts = ["SinusoidalPosEmb", "RMSNorm", "ResnetBlock.forward", "down_blocks", "up_blocks", "drop_condition", "forward"]
Unet, whose = own("06_unet", "Unet", checks=[f"unet.{part}" for part in parts])
if Unet is None:
    guided = Conditional(network)
else:
    Unet.cfg_forward = Conditional.cfg_forward  # the door of notebook 06 opens
    guided = Unet(**shipped.config["args"]).eval()
    guided.load_state_dict(network.state_dict())
kwargs = {"text_emb": shipped.encode(wishes), "cfg_scale": 1.0}
drawn = ddim_sample(guided, noise_for(20), alphas_cumprod, 10, kwargs)
print(whose, "| the dict still holds:", *kwargs)
plot.show(sheet(drawn, wishes), alt="The twenty digits again, guided: each is read as what was asked for.")

# %% [markdown]
# ## 5 · One call instead of two
#
# Guidance doubles the evaluations. It need not double the calls: a batch of $2b$ rows, each sample once with its wish
# and once with a row of zeros, fills the machine better than two batches of $b$ (on a GPU often at nearly the price of
# one). Every library does it so. (None cannot stand for a half of the rows; to these networks zeros are the same.)
#
# **Exercise 7** · medium · 12 minutes
#
# <details><summary><b>Stuck?</b></summary>
#
# Write the order of your $2b$ rows on paper for $b = 2$. Three tensors must follow that order, and the answer comes
# back in it.
#
# </details>

# %% task="cfg.batched_guidance"
def batched_guidance(model, x, time, text_emb, cfg_scale):
    """Equation (6) by one call of the model with 2b rows; a row of zeros stands for no wish.

    Args:
        model: Called as model(x, time, {"text_emb": ...}), each with 2b rows.
        x: (b, *) noisy data.
        time: (b,) int64.
        text_emb: (b, condition_dim).
        cfg_scale: The number w.

    Returns:
        (b, *).
    """
    ####################################################################
    # TODO: one call. About 4 lines.                                   #
    ####################################################################
    ### BEGIN SOLUTION
    both = torch.cat([text_emb, torch.zeros_like(text_emb)])  # (2b, condition_dim)
    answers = model(torch.cat([x, x]), torch.cat([time, time]), {"text_emb": both})
    cond, uncond = answers.chunk(2)
    return (1 + cfg_scale) * cond - cfg_scale * uncond
    ### END SOLUTION
    ####################################################################
    #                       END OF YOUR CODE                           #
    ####################################################################

# %% check="cfg.batched_guidance"
check("cfg.batched_guidance")

# %% tags=["demo"]
x, t, text_emb = noise_for(10), torch.full((10,), 150), shipped.encode(ten)
with torch.no_grad():
    once = batched_guidance(network, x, t, text_emb, 2.0)
    twice = guided(x, t, {"text_emb": text_emb, "cfg_scale": 2.0})
print("one call of 20 rows gives what two calls of 10 give:", bool((once - twice).abs().max() < 1e-4))

# %% [markdown]
# ## 6 · One idea, several numbers
#
# Papers and libraries write (6) in different ways, and the same letter means different numbers. Let $c$ be the answer
# with the wish and $u$ the one without.
#
# | where | how it is written | plain wish | no wish | our $w$ |
# |---|---|---:|---:|---|
# | here: `cfg_scale`; Ho & Salimans 2022 | $(1+w)\,c - w\,u$ | 0 | −1 | $w$ |
# | `guidance_scale` $g$: diffusers, GLIDE | $u + g\,(c - u)$ | 1 | 0 | $g - 1$ |
# | other texts: $w$ | $w\,c + (1-w)\,u$ | 1 | 0 | their $w$ less 1 |
# | classifier, on a network without a wish | $u - \gamma\,\sigma_t \nabla\log p(y \mid x_t)$ | 1 | 0 | $\gamma - 1$ |
# | classifier, on a network with the wish | $c - \gamma\,\sigma_t \nabla\log p(y \mid x_t)$ | 0 | −1 | $\gamma$ |
#
# One trap more: diffusers' pipelines switch guidance off wherever $g \le 1$. There, $g = 0$ does not give “no wish”; it
# gives the plain wish. The last two rows are Bayes' rule (4); with the blobs' exact classifier you can see it.

# %% tags=["demo"]
blobs, w = Blobs(), 2.0
x, t = torch.randn(300, 2, generator=torch.Generator().manual_seed(8)), torch.full((300,), 80)
sigma = (1 - alphas_cumprod[t]).sqrt()
free = Conditional(blobs)(x, t, {"text_emb": upper, "cfg_scale": w})
grad = classifier_gradient(blobs.logits, x, t, torch.zeros(300, dtype=torch.long))
for kwargs, gamma in (({}, 1 + w), ({"text_emb": upper}, w)):
    by_classifier = classifier_guidance(blobs(x, t, kwargs), grad, sigma, gamma)
    print(f"γ = {gamma:g} on a network {'with' if kwargs else 'without'} the wish is w = {w:g}:",
          torch.allclose(by_classifier, free, atol=1e-4))

# %% [markdown]
# **Question 3.** Explain `guidance_scale` to somebody who only moves the slider: which density do the pictures come
# from, in terms of $p(x)$ and $p(y|x)$? Is a large one more true to the data than a small one?

# %% [markdown] question="cfg.3"
# By (4), the plain wish follows the score of $p(x)\,p(y|x)$, Bayes' product. Guidance multiplies the classifier's part
# by $g = 1 + w$, so it follows the score of $p(x)\,p(y|x)^{g}$ (up to a constant): pictures that are likely *and* in
# which the wish is recognised, where being recognised counts $g$ times. At $g = 1$ this is the data's own density for
# the wish, at $g = 0$ the density of all pictures.
#
# So a large scale is *less* true to the data: only $g = 1$ aims at $p(x|y)$. It draws what is most typical of the wish,
# or beyond, and leaves out what might be mistaken. People like such pictures better, partly because the network's
# $p(x|y)$ is too broad: it mixes classes that real data keeps apart. (That the powers are taken at every noise level
# makes even the density only nearly right: noising $p(x)\,p(y|x)^g$ gives something else.)
#
# **Rubric** (½ points allowed)
#
# - 2½ points: $p(x)\,p(y|x)^g$ (or $p(x|y)\,p(y|x)^w$), the recognisability counted $g$ times
# - 1½ points: only $g = 1$ is the data's own density, so a large one is less true
# - 1 point: what is doubtful is left out, or the network's own density is too broad

# %% [markdown]
# ## 7 · What guidance buys, and what it costs
#
# The same eight noises and wishes, with more and more guidance.

# %% tags=["demo"]
kwargs = {"text_emb": shipped.encode(ten[:8])}
rows = {}
for w in (0, 1, 4, 16):
    x = ddim_sample(guided, noise_for(8, seed=3), alphas_cumprod, 8, kwargs | ({"cfg_scale": w} if w else {}))
    rows[f"w = {w}"] = (x + 1) / 2
plot.show(plot.image_rows(rows), alt="Eight digits for each w. At 0 three are nobody's digit, at 1 nearly all are "
                                     "clear, at 4 all are; at 16 strokes swell, double and smear.")

# %% [markdown]
# At first the doubtful ones become clear. Then strokes swell and double, and at 16 they smear: **over-saturation**. (6)
# is a straight line through two answers, followed far beyond both of them: $\hat x_{\text{start}}$ leaves $[-1, 1]$, the
# clamp pins pixel after pixel to black or white, and no training ever showed the network what comes of that.
#
# One sheet proves little. A thousand digits were drawn and measured for each $w$ and number of steps, when the noisy
# classifier was made. *Recognised*: the share that a classifier of clean digits reads as asked for. *Diversity*: how far
# two digits of one class lie apart, in that classifier's features. *Kernel distance* (Bińkowski et al. 2018): how far
# the whole thousand is from real digits. Real digits are measured likewise: the dotted lines, and the titles.

# %% tags=["demo"]
tables = zoo.load("mnist-noisy-classifier").tables
plot.show(diagrams.quality_over_guidance(tables["guidance"], tables["real"][0]),
          alt="Recognised rises with w and with the number of steps; diversity falls with w, from above that of real "
              "digits to far below; the kernel distance is large for four steps, and otherwise has a valley over w.")
print(diagrams.describe_guidance(tables["guidance"]))

# %% [markdown]
# Read it panel by panel. *Recognised*: most of the gain comes before $w = 1$; four steps are too few for any $w$.
# *Diversity*: without guidance it lies *above* that of real digits, for a shape that is nobody's digit is far from all
# others, and mistakes count as variety. Guidance takes it down to that of real digits, and then on. *Kernel distance*
# wants both at once, and so it has a valley. To the left of it samples are too often wrong, to the right too much alike.
# Who wants data chooses $w$ in the valley; who looks at one picture at a time likes more.
#
# A half more or less of $w$ can hardly be seen on a sheet. It can be counted (16 steps):

# %% tags=["demo"]
at = {row["w"]: row for row in tables["guidance"] if row["steps"] == 16}
for name in ("recognised", "diversity", "kernel_distance"):
    print(f"{name.replace('_', ' ')}: {at[0][name]:.3f} at w = 0, {at[0.5][name]:.3f} at w = 0.5")

# %% [markdown]
# Must guidance act all the way? Here it did so in one half of the time only, at $w = 4$: in the noisy half, and in the
# clean one (Kynkäänniemi et al. 2024). Below stands a classifier's guidance of the network without a wish, so that
# $\gamma = 1 + w$ (16 steps all):

# %% tags=["demo"]
print(diagrams.describe_guidance(tables["interval"] + tables["classifier"] + tables["real"]))

# %% [markdown]
# In which half is a digit decided? Compare both with $w = 4$ all the way, in the table above; the half that
# is left alone saves half of its evaluations.
#
# **Question 4.** Why does much guidance cost diversity? Answer with the blobs of section 4 and the density of question 3.
# Then: you need digits to train a classifier with. Would you draw them with $w = 0$, 1 or 8, and why?

# %% [markdown] question="cfg.4"
# Every point of the upper blob is pushed away from the two others, by the same rule and nearly in the same direction. As
# $w$ grows they gather at the far edge of the blob, and beyond it. The density $p(x|y)\,p(y|x)^w$ says why: it is
# largest where the data still is *and* nobody else could be meant. All that might be mistaken, though it belongs to the
# class, loses its weight, and what is left is a small place. Fewer places, less diversity.
#
# A classifier must learn the border, so it needs the doubtful digits, with the right names. At $w = 8$ there are none:
# it would see the most typical digits only, and fail on real ones. At $w = 0$ they are there, but too many carry a
# wrong name (the table's share that is not recognised). $w = 1$ or a little less is the choice: nearly all names are
# right, and most of the variety of real digits is there.
#
# **Rubric** (½ points allowed)
#
# - 2½ points: the doubtful part of the class loses its weight, all gather where no other class is likely
# - 1 point: not 8, because the border, or variety, is missing
# - 1½ points: not 0, because names are wrong; 1 (or near it) by the table's numbers

# %% [markdown]
# ## 8 · The sliders
#
# All of it at once: class, seed, number of steps, and the guidance scale in both conventions. The figure counts the
# network's evaluations too, which guidance doubles. In a running notebook your functions draw it while you move (the key P
# plays through the guidance). What you see without a running notebook was recorded with the library's functions, which
# guide in the first half of the times only.
#
# **Before you move it, guess:** at which $w$ is each of the ten what it should be, and does that take more than three
# steps?

# %% tags=["demo", "nbval-ignore-output"]
def mine(model, x_T, labels, w, steps, sampler):
    """Your sampler and your guidance around the figure's model."""
    kwargs = {"text_emb": shipped.encode(labels), "cfg_scale": w}
    return ddim_sample(Conditional(model), x_T, alphas_cumprod, steps, kwargs)


red = name_red(["cfg.timesteps", "cfg.ddim_step", "cfg.ddim_sample", "cfg.cfg_forward"])
print(red or "drawn by your own functions, where the notebook runs")
widgets.guidance_slider(shipped, None if red or widgets.recording() else mine, samplers=["DDIM"])

# %% [markdown]
# ## 9 · A sentence in place of a class
#
# Nothing in (6) asks what the wish is. For a text it becomes a row of vectors, one for each piece of the sentence, and
# the “no wish” is the empty sentence:

# %% tags=["demo"]
plot.show(diagrams.sentence_to_picture(), alt="A sentence is cut into tokens, an encoder makes a vector of each, and "
                                              "the network looks at them by cross-attention; the empty sentence takes "
                                              "the same way, and guidance combines both answers.")

# %% [markdown]
# Notebook 11 builds it.
#
# ## Puzzle
#
# Not graded. Three people drew six digits, 0 to 5, with $w = 2$ in eight steps, each with one slip:
#
# - the answers with and without the wish change places in (6);
# - `cfg_forward` takes `cfg_scale` out of the dict that it is given, by `pop`;
# - each step goes from $t$ to $t - 1$ and not to the next of the times.
#
# Which sheet, A, B or C, is whose?

# %% tags=["demo"]
sheets = puzzles.slipped_guidance(network, shipped.encode(ten[:6]), noise_for(6, seed=3), alphas_cumprod)
plot.show(plot.image_rows({name: (x + 1) / 2 for name, x in sheets.items()}),
          alt="A: digits, two of them doubtful. B: salt and pepper. C: clean digits and shapes, not the ones asked for.")

# %% [markdown]
# <details><summary><b>Answer</b></summary>
#
# **A** pops. Only the first of the eight steps is guided, and there, in pure noise, both answers are nearly the same:
# this is hardly more than the row $w = 0$ of section 7. The sheet looks harmless, and no exception warns. (A well-known
# course's assignment did so.)
#
# **B** goes to $t - 1$. After each step the picture holds as much noise as at $t - 1$, but the network is told the next
# of the times, far below: it takes away what it believes to be there, and nearly all of the noise stays.
#
# **C** has changed the answers. It is guided *away* from the wish, at $w = -3$ as it were: clean shapes, and hardly one
# is what was asked for.
#
# </details>
#
# ## Where this goes
#
# - **08** proves (3), and learns the score without a chain.
# - **10** takes DDIM's step apart: it is a solver of an ordinary differential equation, and there are better ones.
# - **11** guides with sentences, where a *negative prompt* is nothing but another “no wish”.
# - **14** folds guidance into the network: one evaluation a step again, and then one step.
#
# **References**
#
# - Song, Meng, Ermon 2021, *Denoising Diffusion Implicit Models*: equation (2).
# - Dhariwal, Nichol 2021, *Diffusion Models Beat GANs on Image Synthesis*: equation (5).
# - Ho, Salimans 2022, *Classifier-Free Diffusion Guidance*: equation (6).
# - Nichol et al. 2022, *GLIDE*: guidance by sentences, and the other convention.
# - Kynkäänniemi et al. 2024, *Applying Guidance in a Limited Interval Improves Sample and Distribution Quality*.
# - Bińkowski, Sutherland, Arbel, Gretton 2018, *Demystifying MMD GANs*: the kernel distance.
#
# ## Summary
#
# 1. DDIM believes its own prediction: the same digit, the same noise, at another time. Ten steps are enough, not 200.
# 2. Bayes splits the score of a wish into a score without one and a classifier's gradient.
# 3. The difference of two answers of one network is that gradient; guidance adds it $w$ times.
# 4. $w$ here is `guidance_scale` less 1 elsewhere; read the formula before you compare numbers.
# 5. Guidance buys recognisability and pays with diversity.
