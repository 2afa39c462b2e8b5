# %% [markdown]
# # 03 · Variational autoencoders: a short code for pictures
#
# Tell somebody over the telephone how the moon looks tonight. One number will do, its phase, if the two of you have
# agreed how to draw a moon from it. In this notebook a network learns both halves of such an agreement for
# handwritten digits: to read off two numbers, and to draw from them. Then comes the question that makes it a
# generative model: which numbers may one send if there is no picture?
#
# **When you are done, you can**
#
# - say why a good autoencoder is no generative model, and what it lacks;
# - derive a bound of $\log p(x)$ in two ways, and test it where the answer is known;
# - send a gradient through a random draw;
# - train a variational autoencoder in seconds, walk through its codes, and say what each part of its loss does;
# - measure such a model in nats, by a bound that grows tighter the more you pay.
#
# **Time:** about three hours: seven exercises (95 minutes), four questions, a puzzle, and the reading.
#
# **Before it:** likelihood and the divergence of two Gaussians (notebook 01), and PyTorch's training loop (00).
#
# Fill in the `TODO` cells from top to bottom and run the check below each. A check brings its own version of whatever
# came earlier; the figures need yours, and say in one sentence what is not written yet. If this notebook imports
# `.py` files of your own, hand them in with it.

# %% tags=["setup"]
import math

import torch
import torch.nn.functional as F
from scipy.stats import norm
from torch import nn

from course_utils.check import Unfinished, check, method_of

TRAIN = False  # True: train the convolutional network of section 7 here, with your losses

# %% tags=["demo"]
import copy
import time
from functools import cache

from torch.distributions import LogNormal, Normal
from torch.utils.data import DataLoader, TensorDataset

from course_utils import data, diagrams, plot, widgets, zoo

grey, labels = data.mnist("train")  # (4500, 1, 28, 28) in [0, 1]
held_out, held_out_labels = data.binarised_mnist("test")  # (500, 1, 28, 28) of 0. and 1.

# %% [markdown]
# ## 1 · Two moons
#
# An **autoencoder** is two networks. The *encoder* squeezes a picture into a few numbers, its **code**; the *decoder*
# makes a picture of a code; both are trained so that what comes out is what went in. Here is one with a single number
# as the code. It has seen two pictures in its life, a half moon and a full one. We then walk from one code to the
# other in even steps.

# %% tags=["demo"]
torch.manual_seed(0)
moons = data.moon_phases([0.25, 0.5]).flatten(1)
encoder = nn.Sequential(nn.Linear(784, 64), nn.ReLU(), nn.Linear(64, 1))
decoder = nn.Sequential(nn.Linear(1, 64), nn.ReLU(), nn.Linear(64, 784), nn.Sigmoid())
optimizer = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=0.01)
for _ in range(150):
    optimizer.zero_grad()
    F.binary_cross_entropy(decoder(encoder(moons)), moons).backward()
    optimizer.step()
with torch.no_grad():
    half, full = encoder(moons)
    codes = torch.lerp(half, full, torch.linspace(0, 1, 7)[:, None])
    plot.show(plot.image_rows({"the moon itself": data.moon_phases(torch.linspace(0.25, 0.5, 7)),
                               "codes between": decoder(codes).view(-1, 1, 28, 28)}),
              alt="Above, the moon from half to full: its edge moves to the left. Below, the decoder's pictures between "
                  "two codes: a half moon whose other half appears as a grey ghost, and then the full moon.")

# %% [markdown]
# Both ends are perfect. Between them there is no moon: the dark half fades in like a ghost, and no moon ever did
# that. Why should it be otherwise? Nobody asked the decoder to make sense there. And we could not draw a *new* moon
# anyway, since nothing says which codes are likely. Two things are missing: a distribution of codes to draw from, and
# a reason for all of its codes to mean something.
#
# ## 2 · What cannot be computed, and a bound of it
#
# Tell it as a story in two steps. First a code $z$ is drawn from a **prior** $p(z)$; then the picture is drawn from
# $p(x|z)$. Only the picture is seen, the code is **latent** (hidden). The likelihood of a picture adds up all codes
# that it may have come from:
#
# $$p(x) = \int p(x|z)\,p(z)\,dz \tag{1}$$
#
# If $p(x|z)$ is a network, nobody can solve this integral. Nor do random codes help: nearly all of them have nothing
# to do with the $x$ at hand, and the few that matter are not found by chance. So let somebody guess: a distribution
# $q(z|x)$ that proposes codes for this picture. For any $q$ that is positive wherever $p(z)$ is,
#
# $$p(x) = \mathbb E_{z \sim q(z|x)}\!\left[\frac{p(x|z)\,p(z)}{q(z|x)}\right]. \tag{2}$$
#
# **First way.** The logarithm of a mean is at least the mean of the logarithms (Jensen), so (2) gives a bound from
# below, the **ELBO** (evidence lower bound):
#
# $$\log p(x) \;\ge\; \mathbb E_q\big[\log p(x|z) + \log p(z) - \log q(z|x)\big] \tag{3}$$
#
# **Second way.** Bayes' rule says $p(x) = p(x|z)\,p(z)/p(z|x)$ for *every* $z$. Take logarithms, add and subtract
# $\log q(z|x)$, average over $q$, and the terms fall into three groups:
#
# $$\log p(x) = \underbrace{\mathbb E_q[\log p(x|z)]}_{\text{reconstruction}}
# - \underbrace{\mathrm{KL}(q(z|x) \,\|\, p(z))}_{\text{prior}}
# + \underbrace{\mathrm{KL}(q(z|x) \,\|\, p(z|x))}_{\text{gap}} \tag{4}$$
#
# The first two are the ELBO. The gap needs the **posterior** $p(z|x)$, which we do not have, but it is a divergence and
# never negative: drop it, and a bound is left. It is tight when $q$ is the posterior.
#
# **Where the answer is known.** Let $z \ge 0$ with $p(z) = e^{-z}$, and let $x$ be $z$ plus standard normal noise.
# Complete the square in (1), and you find
#
# $$\log p(x) = \tfrac12 - x + \log \Phi(x - 1), \qquad p(z|x) \propto \mathcal N(z;\, x - 1,\, 1) \text{ on } z \ge 0,
# \tag{5}$$
#
# with $\Phi$ the standard normal's distribution function. We see $x = 1$, and fit two families of $q$ by climbing the
# ELBO, both of which live on $z \ge 0$: log-normals, and normals that are cut off at 0.

# %% tags=["demo"]
x, z = torch.tensor(1.0), (torch.arange(8000) + 0.5) / 1000  # the middles of 8,000 narrow bins between 0 and 8
log_joint = -z + Normal(z, 1.0).log_prob(x)  # log p(z) + log p(x|z)
fits, climbs = {}, {}
for name, family in {"log-normal": LogNormal, "cut-off normal": Normal}.items():
    theta = torch.tensor([0.5, -1.0], requires_grad=True)
    optimizer, climbs[name] = torch.optim.Adam([theta], lr=0.05), []
    for _ in range(150):
        log_q = family(theta[0], theta[1].exp()).log_prob(z).log_softmax(0) + math.log(1000)  # density 0 below 0
        elbo_of_q = (log_q.exp() * (log_joint - log_q)).sum() / 1000  # (3) as a sum over bins
        optimizer.zero_grad()
        (-elbo_of_q).backward()
        optimizer.step()
        climbs[name].append(elbo_of_q.item())
    fits[name] = log_q.exp().detach()
exact = 0.5 - x + Normal(0.0, 1.0).cdf(x - 1).log()

# %% tags=["demo"]
plot.show(diagrams.two_guesses(z, (log_joint - exact).exp(), fits, climbs, exact.item()),
          alt="Left: the posterior, highest at 0 and falling. The cut-off normal lies on it; the log-normal begins at 0 "
              "height, rises to a hump and falls. Right: both bounds climb, the log-normal's stops below log p(x), the "
              "other reaches it.")
for name, climb in climbs.items():
    print(f"{name:14} ELBO {climb[-1]:.4f}, log p(x) = {exact:.4f}, gap {exact - climb[-1]:.4f} nats")

# %% [markdown]
# The cut-off normals contain the posterior, and the gap closes. The log-normals do not, and a gap stays however
# long one climbs. Never do they pass $\log p(x)$: a bound that lies above would be a mistake.
#
# **Question 1.** Take an ordinary normal $q$, not cut off, very narrow and around $z = 1$. What is its ELBO, and which
# term of (4) says so? And why must $q$ avoid what the posterior excludes, while it may well miss what the posterior
# allows?

# %% [markdown] question="vae.1"
# It is $-\infty$. However narrow, a normal has some mass below 0, and there $p(z) = 0$: the prior term
# $\mathrm{KL}(q\|p(z))$ averages $\log q - \log p(z)$ over $q$, and with a positive probability that is $+\infty$. No
# fit can repair it. (In practice draws of $q$ rarely fall below 0, so an estimate from few draws looks fine until one
# does.)
#
# The gap is $\mathrm{KL}(q\|p(z|x))$, with the mean over $q$. Where $q$ has mass and the posterior none, the ratio in
# the logarithm is infinite and counts with the weight of $q$. Where the posterior has mass and $q$ none, the weight is
# 0: nothing is charged there directly. So this direction prefers a $q$ that is too narrow, and (2) does not hold for a
# $q$ that leaves something out.
#
# **Rubric** (½ points allowed)
#
# - 2 points: −∞, since q has mass below 0, where the prior has none (the prior term is infinite).
# - 2 points: the mean of the gap is over q: what q proposes is charged, what it leaves out is not.
# - 1 point: how narrow q is does not matter, or what follows: q comes out too narrow.

# %% [markdown]
# ## 3 · A network that guesses
#
# A **variational autoencoder** (Kingma & Welling 2014) has a fit like this for *every* picture, given by a network at
# once. The prior is $\mathcal N(0, I)$. The encoder reads $x$ and answers with two vectors, the means $\mu$ and the
# logarithms of the variances, called `logvar`:
#
# $$q(z|x) = \mathcal N\big(z;\, \mu(x),\, \operatorname{diag}(\sigma^2(x))\big), \qquad \sigma^2 = e^{\text{logvar}}
# \tag{6}$$
#
# The decoder then sees a *draw* of $q$. Training needs gradients with respect to $\mu$ and logvar, and a draw has
# none: you cannot differentiate a throw of dice. The **reparameterisation trick** moves the dice out of the way. Draw
# standard normal noise that depends on nothing, and then shift and stretch it so that it is distributed as (6) says.
#
# **Exercise 1** · easy · 5 minutes
#
# <details><summary>A corner of PyTorch</summary>
#
# `torch.randn_like` is normal, `torch.rand_like` is uniform in [0, 1): one letter, and training still runs. From seed 0
# the first gives 1.54, −0.29, −2.18, the second 0.50, 0.77, 0.09.
#
# </details>

# %% task="vae.reparameterize"
def reparameterize(mu, logvar):
    """A draw of q(z|x), eq. (6), with gradients with respect to both arguments.

    Args:
        mu: (b, latent_dim) means.
        logvar: (b, latent_dim) log sigma^2, natural logarithms of the variances.

    Returns:
        z: (b, latent_dim): to each mean its own noise is added, stretched.
    """
    ####################################################################
    # TODO: shift and stretch fresh standard normal noise. About 3     #
    # lines. Neither mu nor logvar may lose its gradient.              #
    ####################################################################
    ### BEGIN SOLUTION
    std = (0.5 * logvar).exp()
    noise = torch.randn_like(std)
    return mu + std * noise
    ### END SOLUTION
    ####################################################################
    #                       END OF YOUR CODE                           #
    ####################################################################

# %% check="vae.reparameterize"
check("vae.reparameterize")

# %% [markdown]
# Here are four guesses $q$ with 300 of your draws each. Now suppose that a decoder would rather have its codes on the
# grey ring. What it likes is differentiated *through the draws*, and the arrows show where each mean is told to go.

# %% tags=["demo"]
torch.manual_seed(0)
mu = torch.tensor([[-2.0, 1.0], [0.0, -0.5], [1.5, 1.5], [2.5, -1.5]], requires_grad=True)
logvar = torch.tensor([[-4.0, -1.0], [-3.0, -3.0], [-1.0, -4.0], [-2.0, -2.0]], requires_grad=True)
draws = torch.stack([reparameterize(mu, logvar) for _ in range(300)])  # (300, 4, 2)
unlike = ((draws.norm(dim=-1) - 1.5) ** 2).mean(0).sum()  # how far from the ring of radius 1.5
pull = -torch.autograd.grad(unlike, mu)[0]
plot.show(diagrams.pull_of_decoder(draws.detach(), mu.detach(), pull, radius=1.5),
          alt="Four clouds of draws, each stretched in its own way, and from the middle of each an arrow towards a ring "
              "around the origin: outwards for the cloud inside, inwards for the others.")

# %% [markdown]
# With $\varepsilon \sim \mathcal N(0, I)$, you wrote
#
# $$z = \mu + \sigma\,\varepsilon = \mu + e^{\text{logvar}/2}\,\varepsilon. \tag{7}$$
#
# Given $\varepsilon$ this is an ordinary function of $\mu$ and logvar, and so every draw tells both how to change.
#
# **The prior term** of (4) needs no draws. Notebook 01 has the divergence of one Gaussian from the standard normal, in
# $\mu$ and $\log\sigma^2$. Here the dimensions of $z$ are independent of each other, in $q$ and in the prior. What does
# the divergence do then, when log-densities add?
#
# **Exercise 2** · medium · 15 minutes. One number for the whole batch: the sum over its pictures, in nats.
#
# <details><summary><b>Stuck?</b></summary>
#
# Begin with one dimension: write $\log q(z) - \log p(z)$ for two Gaussians and take its mean over $q$, with
# $\mathbb E_q[(z-\mu)^2] = \sigma^2$ and $\mathbb E_q[z^2] = \mu^2 + \sigma^2$. Then test what you have: it must be 0
# for the standard normal itself.
#
# </details>

# %% task="vae.kl_loss"
def kl_loss(mu, logvar):
    """The divergence of q(z|x) from the prior N(0, I), summed over the batch.

    Args:
        mu: (b, latent_dim) means.
        logvar: (b, latent_dim) log sigma^2.

    Returns:
        () nats, with gradients with respect to both arguments.
    """
    ####################################################################
    # TODO: what you derived. About 1 line.                            #
    ####################################################################
    ### BEGIN SOLUTION
    return -0.5 * (1 + logvar - mu**2 - logvar.exp()).sum()
    ### END SOLUTION
    ####################################################################
    #                       END OF YOUR CODE                           #
    ####################################################################

# %% check="vae.kl_loss"
check("vae.kl_loss")

# %% [markdown]
# <details><summary><b>What you derived</b></summary>
#
# $$\mathrm{KL}\big(q(z|x) \,\|\, \mathcal N(0, I)\big)
# = -\tfrac12 \sum_j \left(1 + \log\sigma_j^2 - \mu_j^2 - \sigma_j^2\right) \tag{8}$$
#
# </details>
#
# It is the price of a message. A guess that equals the prior says nothing and costs nothing; to say something, $q$
# must move or become narrow.

# %% tags=["demo"]
spread = torch.logspace(-2, 0.7, 60)
price = {f"mean {m:g}": torch.stack([kl_loss(torch.tensor([[m]]), 2 * s.log().view(1, 1)) for s in spread])
         for m in (0.0, 1.0, 2.0)}
fig = plot.curves(spread, price, xlabel=r"$\sigma$ of the guess", ylabel="KL in nats, one dimension", logx=True)
fig.axes[0].set_ylim(0, 8)
plot.show(fig, alt="Three valleys over sigma on a logarithmic axis, lowest at sigma = 1: at 0 nats for mean 0, at 0.5 "
                   "for mean 1, at 2 for mean 2. A tenth of the spread costs about two nats more.")

# %% [markdown]
# **The reconstruction term** says what $p(x|z)$ is. Our digits are black and white, $x \in \{0, 1\}$, and the decoder
# gives for each pixel the probability $\hat x$ of white. Given $z$, pixels are independent:
#
# $$\log p(x|z) = \sum_i \big(x_i \log \hat x_i + (1 - x_i) \log(1 - \hat x_i)\big) \tag{9}$$
#
# For colour or other continuous data one takes a Gaussian around the decoder's picture instead. Then
# $\log p(x|z) = -\|x - \hat x\|^2 / 2\sigma^2 + C$, and the reconstruction is a squared distance.
#
# **Exercise 3** · easy · 10 minutes. The *loss* is what should become small.

# %% task="vae.recon_loss"
def recon_loss(recon_x, x):
    """Minus eq. (9), summed over pixels and over the batch.

    Args:
        recon_x: (b, *) probabilities of white in [0, 1]; a pixel that is certain and right (0 for 0, 1 for 1)
            costs nothing, and one that is certain and wrong more than 10 nats (PyTorch says 100, (9) infinity).
        x: (b, *) of recon_x's shape, in [0, 1]: black and white, or grey.

    Returns:
        () nats, with a gradient with respect to recon_x.
    """
    ####################################################################
    # TODO: eq. (9) with the other sign. About 1 line. What does your  #
    # line say of 0 times the logarithm of 0?                          #
    ####################################################################
    ### BEGIN SOLUTION
    return F.binary_cross_entropy(recon_x, x, reduction="sum")
    ### END SOLUTION
    ####################################################################
    #                       END OF YOUR CODE                           #
    ####################################################################

# %% check="vae.recon_loss"
check("vae.recon_loss")

# %% [markdown]
# Grey digits can be put into (9) as well, and many texts do. But then it is no likelihood. Let your function judge the
# *perfect* reconstruction, the picture itself:

# %% tags=["demo"]
test_grey = data.mnist("test")[0]
for name, picture in {"grey digits": test_grey, "one black and white draw of each": held_out}.items():
    print(f"{name}: {recon_loss(picture, picture) / len(picture):.1f} nats a digit for perfection")
again = [data.binarise(test_grey[30:31], torch.Generator().manual_seed(s)) for s in range(5)]
plot.show(plot.images(torch.cat([test_grey[30:31], *again]), columns=6, titles=["grey"] + ["a draw"] * 5),
          alt="A grey digit and five black and white draws of it, which differ at the edges of its strokes.")

# %% [markdown]
# So everything from here on is binary, as in notebook 02's tiles: a white pixel is drawn with its grey value as the
# probability. Training digits are drawn anew whenever they are seen; held-out digits were drawn once, for good, so that
# two models can be compared.
#
# **Now put it together.** Both networks have one hidden layer. The encoder's last layer gives $\mu$ and logvar side
# by side, $\mu$ first.

# %% tags=["setup"]
class VAE(nn.Module):
    """A variational autoencoder of pictures with input_dim pixels.

    Args:
        input_dim: Pixels of a picture.
        inter_dim: Width of the hidden layers.
        latent_dim: Numbers of a code.
    """

    def __init__(self, input_dim=784, inter_dim=256, latent_dim=2):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(input_dim, inter_dim), nn.ReLU(), nn.Linear(inter_dim, 2 * latent_dim))
        self.decoder = nn.Sequential(nn.Linear(latent_dim, inter_dim), nn.ReLU(), nn.Linear(inter_dim, input_dim),
                                     nn.Sigmoid())

# %% [markdown]
# **Exercise 4** · medium · 15 minutes
#
# <details><summary>Corners of PyTorch</summary>
#
# - `h.chunk(2, dim=1)` cuts in two along axis 1; without `dim` it cuts along axis 0, the batch.
# - `x.view(len(x), -1)` works out the missing side; `x.view(-1)` alone makes one long row of the whole batch.
#
# </details>
#
# <details><summary><b>Stuck?</b></summary>
#
# Write the shapes on paper, line by line: a batch of pictures, what the encoder takes, what it gives, its two halves,
# a code, what the decoder gives. Which axis holds $\mu$ and logvar side by side? And which shape was asked for at the
# end?
#
# </details>

# %% task="vae.VAE.forward"
@method_of(VAE)
def forward(self, x):
    """Encodes, draws a code, decodes.

    Args:
        x: (b, *) pictures of input_dim pixels in any shape, such as (b, 784) or (b, 1, 28, 28).

    Returns:
        recon_x: Of x's shape, probabilities of white.
        mu, logvar: (b, latent_dim) each.
    """
    ####################################################################
    # TODO: about 4 lines. self.encoder and self.decoder take and give #
    # rows, (b, input_dim) of pixels; your `reparameterize` draws.     #
    # What does the decoder end with?                                  #
    ####################################################################
    ### BEGIN SOLUTION
    h = self.encoder(x.flatten(1))
    mu, logvar = h.chunk(2, dim=1)
    z = reparameterize(mu, logvar)
    return self.decoder(z).reshape(x.shape), mu, logvar
    ### END SOLUTION
    ####################################################################
    #                       END OF YOUR CODE                           #
    ####################################################################

# %% check="vae.VAE.forward"
check("vae.VAE.forward")

# %% [markdown]
# **Question 2.** The encoder's last layer is linear. What could $q$ no longer say if a ReLU came after it? And for
# *grey* pictures: what does each of the two reconstruction losses, (9) and the squared distance, assume about a pixel,
# and does the choice change where the loss is smallest?

# %% [markdown] question="vae.2"
# After a ReLU nothing is negative. Means would lie in the positive corner only, while the prior is centred at 0; and
# logvar ≥ 0 means σ ≥ 1: no guess could be narrower than the prior, so codes of different pictures would overlap
# and little could be said. A quantity that may be any number must come from a linear layer; that is also why it is
# log σ² and not σ.
#
# The squared distance is a Gaussian with the same variance for each pixel, also outside of [0, 1]; σ then sets how
# much the reconstruction weighs against the KL. (9) reads a pixel as a coin whose probability is told; with grey
# values it is no log-likelihood of any distribution of grey, and never gets to 0. Both are smallest, for a given z, at
# the *mean* of the pictures with this code: the choice changes how strongly errors count (near 0 and 1 much more in
# (9)), not where the minimum lies.
#
# **Rubric** (½ points allowed)
#
# - 2 points: no negative mean, and no σ below 1 (either one: 1 point).
# - 2 points: squared distance assumes a Gaussian of fixed variance, (9) a coin (not a likelihood for grey).
# - 1 point: both have their minimum at the mean.

# %% [markdown]
# ## 4 · Training
#
# We want the ELBO of single digits too, to see which are hard. For one draw of $z$, it is the reconstruction minus the
# prior term of (4), picture by picture.
#
# **Exercise 5** · easy · 10 minutes

# %% task="vae.elbo"
def elbo(recon_x, x, mu, logvar):
    """The bound of each picture, from one draw of its code: the first two terms of (4), the KL in closed form.

    Args:
        recon_x: (b, *) probabilities of white that the decoder made of the draw.
        x: (b, *) of recon_x's shape.
        mu, logvar: (b, latent_dim) each.

    Returns:
        (b,) nats, negative: the higher, the better.
    """
    ####################################################################
    # TODO: about 3 lines. Your two losses sum over the batch; here    #
    # every picture has its own number.                                #
    ####################################################################
    ### BEGIN SOLUTION
    log_px = -F.binary_cross_entropy(recon_x, x, reduction="none").flatten(1).sum(1)
    kl = -0.5 * (1 + logvar - mu**2 - logvar.exp()).sum(1)
    return log_px - kl
    ### END SOLUTION
    ####################################################################
    #                       END OF YOUR CODE                           #
    ####################################################################

# %% check="vae.elbo"
check("vae.elbo")

# %% [markdown]
# The loop has the six steps of notebook 00. The loss is the sum of your two losses; a factor `kl_weight` before the
# second is 1 for now. After each epoch the held-out loss is measured, and the best weights are kept. (A choice among 12
# epochs by the held-out digits flatters them, by far less than a nat.)

# %% tags=["demo"]
loader = DataLoader(TensorDataset(grey), batch_size=128, shuffle=True)
print(f"{len(grey):,} digits, {len(loader)} batches, {len(loader.dataset):,} digits behind the loader")


@torch.enable_grad()  # also where a figure that records no gradients asks for the training
def one_epoch(net, optimizer, kl_weight):
    """Mean loss of a digit over one epoch, each batch in black and white drawn anew."""
    total = 0.0
    for (batch,) in loader:
        x = data.binarise(batch)
        optimizer.zero_grad()
        recon_x, mu, logvar = net(x)
        loss = recon_loss(recon_x, x) + kl_weight * kl_loss(mu, logvar)
        loss.backward()
        optimizer.step()
        total += loss.item()
    return total / len(loader.dataset)

# %% tags=["demo", "nbval-ignore-output"]
@cache
def trained(kl_weight, epochs=12):
    """Your VAE with the weights of its best epoch, and the losses: of training, and minus the ELBO of held-out digits."""
    torch.manual_seed(0)
    net, losses, best = VAE(), {"training": [], "held-out": []}, math.inf
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
    for _ in range(epochs):
        losses["training"].append(one_epoch(net, optimizer, kl_weight))
        with torch.no_grad():
            recon_x, mu, logvar = net(held_out)
            now = (recon_loss(recon_x, held_out) + kl_weight * kl_loss(mu, logvar)).item() / len(held_out)
        losses["held-out"].append(now)
        if now < best:
            best, weights = now, copy.deepcopy(net.state_dict())
    net.load_state_dict(weights)
    return net, losses


start = time.perf_counter()
net, losses = trained(1.0)
print(f"trained in {time.perf_counter() - start:.0f} s; best epoch {1 + losses['held-out'].index(min(losses['held-out']))}")
fig = plot.curves(torch.arange(1, 13), losses, xlabel="epoch", ylabel="loss, nats a digit")
fig.axes[0].set_xticks([1, 4, 8, 12])
plot.show(fig, alt="Both losses fall steeply from above 200 nats and then slowly, to about 166; at the end they lie on each "
                   "other.")

# %% tags=["demo", "nbval-ignore-output"]
with torch.no_grad():
    torch.manual_seed(0)
    recon_x, mu, logvar = trained(1.0)[0](held_out)
    of_each = elbo(recon_x, held_out, mu, logvar)
print(f"held-out ELBO: {of_each.mean():.1f} nats a digit, of which the KL costs {kl_loss(mu, logvar) / 500:.1f}")
order = of_each.argsort(descending=True)[[0, 1, 120, 240, 250, 260, 370, -2, -1]]
fig = plot.image_rows({"held-out, best to worst": held_out[order], "reconstructed": recon_x[order]})
plot.show(fig, alt="Nine held-out digits in the order of their ELBO and their reconstructions: ones come first and are "
                   "right; from the third on most are rough shapes or other digits, and the two worst, in thick strokes, "
                   "come back as a 9 and a 0.")

# %% [markdown]
# Two numbers are few. A slanted 1 comes back as one; of most others only a rough shape is left, and what is odd is replaced
# by something ordinary.
#
# ## 5 · A walk through the codes
#
# With two numbers a code is a place in the plane, and all of it can be looked at. Codes are drawn from
# $\mathcal N(0, I)$, so let the places be such that equally many codes fall between neighbours: for $n$ places take
# equal steps in *probability*, from 0.05 to 0.95, and ask below which value a standard normal lies with that
# probability (`norm.ppf`; at 0.95 it is 1.645).
#
# **Exercise 6** · easy · 10 minutes

# %% task="vae.latent_grid"
def latent_grid(n):
    """The places of an n x n grid in the plane of codes.

    Args:
        n: Places along a side, at least 2: the values p_0 < p_1 < ... that belong to the probabilities 0.05 ... 0.95.

    Returns:
        (n, n, 2) float tensor. Entry [i, j] is the code (p_j, p_i): its first number grows to the right, its second one
        downwards.
    """
    ####################################################################
    # TODO: about 3 lines.                                             #
    ####################################################################
    ### BEGIN SOLUTION
    p = torch.from_numpy(norm.ppf(torch.linspace(0.05, 0.95, n).numpy())).float()
    across, down = torch.meshgrid(p, p, indexing="xy")
    return torch.stack([across, down], dim=-1)
    ### END SOLUTION
    ####################################################################
    #                       END OF YOUR CODE                           #
    ####################################################################

# %% check="vae.latent_grid"
check("vae.latent_grid")

# %% tags=["demo"]
grid = latent_grid(20).float()
with torch.no_grad():
    pictures = trained(1.0)[0].decoder(grid.flatten(0, 1)).view(20, 20, 28, 28)
    codes = trained(1.0)[0].encoder(held_out.flatten(1))[:, :2]
plot.show(diagrams.latent_plane(pictures, grid[0, :, 0], codes, held_out_labels),
          alt="Left: 20 × 20 decoded codes, digits that turn into each other without a break. Right: the means of 500 "
              "held-out digits in the same square, marked by their labels: ones and zeros lie apart, while fours and "
              "nines share a place.")

# %% [markdown]
# There are no holes: every guess $q$ is a cloud, so neighbours share codes, and the prior term holds all clouds near
# the middle. Where clouds of two digits overlap, the decoder must make something that serves both.
#
# **Before you move it, guess:** nowhere do more codes fall than around $(0, 0)$. Which digit does the decoder draw there?

# %% tags=["demo", "nbval-ignore-output"]
@torch.no_grad()
def decoded(first, second):
    picture = trained(1.0)[0].decoder(torch.tensor([[float(first), float(second)]])).view(28, 28)
    codes = trained(1.0)[0].encoder(held_out.flatten(1))[:, :2]
    return diagrams.place_and_picture(codes, held_out_labels, (first, second), picture)


steps = [-1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5]
widgets.explore(decoded, caption=lambda first, second: f"The decoder's picture of the code ({first:g}, {second:g}), and "
                "that place among the codes of the held-out digits.",
                first=widgets.Control(steps, default=-1.5, label="first number"),
                second=widgets.Control(steps, default=0.5, label="second number"))

# %% [markdown]
# A blur that reminds of a 6 at best. In the middle the clouds of most digits overlap, and the decoder gives them something
# in between; clear digits stand further out, where one kind has the place to itself.
#
# **Before you move it, guess:** if the prior term is left out (`kl_weight` 0), which gets worse, what the decoder gives
# back of held-out digits, or what it makes of codes drawn from $\mathcal N(0, I)$?

# %% tags=["demo"]
@cache
@torch.no_grad()
def weighed(kl_weight):
    """Of the VAE trained with this weight: its codes, reconstructions, samples, and both terms of its loss."""
    net = trained(kl_weight)[0]
    torch.manual_seed(0)
    recon_x, mu, logvar = net(held_out)
    samples = net.decoder(torch.randn(7, 2)).view(-1, 1, 28, 28)
    terms = recon_loss(recon_x, held_out) / len(held_out), kl_loss(mu, logvar) / len(held_out)
    return mu, recon_x, samples, *terms


print(f"trained with {len([weighed(w) for w in (0.0, 1.0, 4.0)])} weights")

# %% tags=["demo", "nbval-ignore-output"]
shown = [3, 53, 103, 210, 255, 355, 457]


def with_weight(kl_weight):
    mu, recon_x, samples, *_ = weighed(kl_weight)
    rows = {"held-out": held_out[shown], "back": recon_x[shown], "drawn": samples}
    return diagrams.codes_and_rows(mu, held_out_labels, rows)


def terms(kl_weight):
    *_, reconstruction, kl = weighed(kl_weight)
    return (f"kl_weight {kl_weight:g}: the codes of 500 held-out digits, with a circle of radius 2 that holds 86 % of "
            f"the prior; reconstruction {reconstruction:.0f} and KL {kl:.1f} nats a digit.")


widgets.explore(with_weight, caption=terms, kl_weight=widgets.Control([0.0, 1.0, 4.0], default=1.0))

# %% [markdown]
# The two terms pull against each other. Reconstruction wants clouds that are small and far apart, the prior wants all
# of them to be the same. More weight on the prior makes codes tidier: each coordinate that is still used must earn
# its nats, and with many latents coordinates tend to specialise, slant in one, thickness in another
# (*disentangling*; Higgins et al. 2017, who call this weight β).
#
# **Question 3.** Explain the samples at `kl_weight` 0: the reconstructions are as good as at 1, so what is wrong? And the
# samples at 1 are blurred. Is the prior term to blame? Use the figure, and say what the likelihood (9) asks of
# a decoder that does not know which of several digits it was.

# %% [markdown] question="vae.3"
# Without the prior term the codes lie anywhere: spread over ten units and more, to one side, as thin clouds. That is an
# autoencoder. Draws of $\mathcal N(0, I)$ fall into a small patch in the middle, where only a few of the
# digits have their codes, or none. Nothing in the loss has ever mentioned $\mathcal N(0, I)$.
#
# The prior term is not the cause of the blur: at weight 0 the reconstructions are blurred as well. A code stands for
# many pictures, since clouds overlap and two numbers cannot tell everything. Given the code, (9) is largest when each
# pixel's probability is the *share* of those pictures in which it is white: the mean, grey wherever they differ. And
# because pixels are independent given $z$, the decoder cannot choose one of the pictures; it can only mix them. (What
# is shown are these probabilities. Drawn pixel by pixel, they would look like snow at the edges.)
#
# **Rubric** (½ points allowed)
#
# - 2 points: without the prior term codes lie where the prior draws none; the decoder never learned that region.
# - 2 points: the mean of all pictures with one code maximises a likelihood of independent pixels.
# - 1 point: the KL is not the cause, with evidence (blur at weight 0).

# %% [markdown]
# ## 6 · A tighter bound
#
# The ELBO judges model and guess together: a loose $q$ makes a good model look bad. Go back to (2). It holds exactly,
# for $p(x)$ itself, and (3) was lost by taking the logarithm of a *single* draw. So spend more: draw $k$ codes from
# $q(z|x)$, estimate the mean in (2) with all of them, and take the logarithm afterwards. By Jensen this is still a
# bound from below on average; the estimate of the mean gets better with $k$, so the bound gets tighter (Burda et al.
# 2016). At $k = 1$ it is the ELBO.
#
# You need, for each draw, three log-densities: (9), the prior's, and that of $q$ at the draw itself, where
# $z = \mu + \sigma\varepsilon$. A digit's $p(x|z)$ is about $e^{-150}$, that of a larger picture below $e^{-800}$: no
# float holds that.
#
# **Exercise 7** · hard · 30 minutes
#
# <details><summary><b>Stuck?</b></summary>
#
# Write the logarithm of the ratio in (2) for one draw and one picture, with both Gaussians in full, and see what
# cancels. What is $(z - \mu)/\sigma$? Then make a table of these logarithms, `(k, b)`. The decoder takes rows
# `(n, latent_dim)`: how do `(k, b, latent_dim)` numbers become rows, and how does the answer become a table again?
#
# </details>

# %% task="vae.iwae_bound"
@torch.no_grad()
def iwae_bound(model, x, noise):
    """An importance-weighted lower bound of log p(x), from k draws for each picture.

    Args:
        model: Has `encoder`, x -> (b, 2 * latent_dim), mu first and logvar second, and `decoder`, (n, latent_dim) ->
            (n, *) probabilities of white. Both take and give pictures in x's shape.
        x: (b, *) of 0. and 1., in the shape that the encoder takes.
        noise: (k, b, latent_dim), standard normal: noise[i, j] makes the i-th draw for picture j.

    Returns:
        (b,) nats.
    """
    ####################################################################
    # TODO: what you derived. About 8 lines, finite also where p(x|z)  #
    # is below e^-800 in every draw.                                   #
    ####################################################################
    ### BEGIN SOLUTION
    k, b = noise.shape[:2]
    mu, logvar = model.encoder(x).chunk(2, dim=1)
    z = mu + (0.5 * logvar).exp() * noise  # (k, b, latent_dim)
    recon_x = model.decoder(z.flatten(0, 1)).reshape(k, *x.shape)
    log_px = -F.binary_cross_entropy(recon_x, x.expand_as(recon_x), reduction="none").flatten(2).sum(2)
    log_prior = -0.5 * (z**2).sum(2)  # both without the same constant
    log_q = -0.5 * (noise**2 + logvar).sum(2)
    return (log_px + log_prior - log_q).logsumexp(0) - math.log(k)
    ### END SOLUTION
    ####################################################################
    #                       END OF YOUR CODE                           #
    ####################################################################

# %% check="vae.iwae_bound"
check("vae.iwae_bound")

# %% [markdown]
# <details><summary><b>What you derived</b></summary>
#
# With $z_i \sim q(z|x)$:
#
# $$\log p(x) \;\ge\; \mathbb E\left[\log \frac1k \sum_{i=1}^k \frac{p(x|z_i)\,p(z_i)}{q(z_i|x)}\right] \tag{10}$$
#
# </details>
#
# ## 7 · Convolutions, and what two numbers cannot hold
#
# Bring a larger model: convolutions in both networks, and 16 numbers as the code. The course ships its weights. Its loss
# is the sum of your two; with `TRAIN = True` it is trained here.

# %% tags=["demo"]
from course_utils import training
from course_utils.recipes import vae as recipes


class Mine(recipes.ConvVAE):
    """The shipped checkpoint's recipe with your two losses."""

    def loss(self, model, batch):
        x = self.pictures(batch)
        with torch.autocast(x.device.type, enabled=False):
            recon_x, mu, logvar = model(x)
        return (recon_loss(recon_x, x) + kl_loss(mu, logvar)) / len(x)


@cache
@torch.enable_grad()
def convolutional():
    """The convolutional VAE: trained here where TRAIN says so, else as shipped."""
    finished = training.train(Mine(), resume=False, out=training.RUNS / "finished") if TRAIN else None
    return zoo.load("vae-conv", finished.parent if finished else zoo.FOLDER)


recipe, start = Mine(), time.perf_counter()
recipe.loss(recipe.model(), recipe.batch(torch.Generator().manual_seed(0))).backward()
minutes = (time.perf_counter() - start) * recipe.steps / 60
print(f"the recipe: {recipe.steps:,} steps with batches of {recipe.batch_size} digits, here about {minutes:.0f} minutes")

# %% tags=["demo", "nbval-ignore-output"]
@cache
def bounds(name, k):
    """Mean over the held-out digits of your bound."""
    model, x, d = {"MLP": (trained(1.0)[0], held_out.flatten(1), 2), "conv": (convolutional().model, held_out, 16)}[name]
    noise = torch.randn(k, len(x), d, generator=torch.Generator().manual_seed(0))
    parts = zip(x.split(50), noise.split(50, dim=1))
    return torch.cat([iwae_bound(model, part, draws) for part, draws in parts]).mean().item()


ks, shipped = [1, 2, 4, 8], zoo.load("vae-conv")
found = {"2 numbers, one hidden layer": torch.tensor([bounds("MLP", k) for k in ks]),
         "16 numbers, convolutions": torch.tensor([bounds("conv", k) for k in ks])}
fig = plot.curves(ks, {name: values - values[0] for name, values in found.items()},
                  xlabel="draws k for each digit", ylabel="bound minus ELBO, nats", logx=True)
fig.axes[0].set_xticks(ks, ks)
fig.axes[0].minorticks_off()
plot.show(fig, alt="Both bounds rise with every doubling of the draws: from 0 at one draw to between one and three nats "
                   "at eight.")
for name, values in found.items():
    print(f"{name}: ELBO {values[0]:.1f} nats, with 8 draws {values[-1]:.1f} nats, "
          f"{-values[-1] / 784 / math.log(2):.3f} bits/dim of binary digits")
print(f"convolutions with 256 draws, recorded when it was trained: {shipped.metrics['iwae_256']:.1f} nats")

# %% [markdown]
# What a curve gains is a part of the gap in (4): the guess had lost it, not the model. Between the two
# models lie about sixty nats. Most of it is what two numbers cannot hold, but not all: the second model also has
# convolutions, and saw each digit more often. And the last numbers can be compared with the tiles of notebook 02,
# since the digits and their levels are the same: 0.207 bits/dim there, exact; here a bound.

# %% tags=["demo"]
with torch.no_grad():
    torch.manual_seed(3)
    conv = convolutional().model
    some, z = held_out[[3, 53, 103, 153, 210, 255, 305, 355, 403, 457]], torch.randn(10, 18)
    rows = {"held-out": some, "back, 2 numbers": trained(1.0)[0](some)[0], "back, 16 numbers": conv(some)[0],
            "drawn, 2 numbers": trained(1.0)[0].decoder(z[:, :2]).view(-1, 1, 28, 28), "drawn, 16 numbers": conv.decode(z[:, 2:])}
    plot.show(plot.image_rows(rows), alt="Ten held-out digits; two numbers bring back a blurred digit, often another one, "
              "sixteen bring back each hand. Below, samples of both: blurs of two numbers, clean strokes of sixteen, "
              "some of which are no digit.")

# %% [markdown]
# Sixteen numbers bring back each hand. What they draw is cleaner as well, but not always a digit: sixteen dimensions have
# room between the clouds, and draws of the prior land there too.
#
# **Before you move it, guess:** on the straight way from the code of a 6 to that of a 0, does the 6 fade while a 0
# appears, or does something move?

# %% tags=["demo", "nbval-ignore-output"]
six, zero = held_out[[303]], held_out[[5]]


@torch.no_grad()
def between(share):
    conv = convolutional().model
    there = conv.decode(torch.lerp(conv.encode(six)[0], conv.encode(zero)[0], share))
    return plot.images(torch.cat([six, there, torch.lerp(six, zero, share), zero]),
                       titles=["from", "codes mixed", "pixels mixed", "to"])


widgets.explore(between, caption=lambda share: f"{share:.0%} of the way from a 6 to a 0: their codes mixed and decoded, "
                "beside their pixels mixed.",
                share=widgets.Control([k / 6 for k in range(7)], default=0.5, label="share of the way"))

# %% [markdown]
# The loop of the 6 grows until it is the whole figure. On the way there is one stroke, where mixed pixels show two digits
# at once. The two moons of section 1 had nothing that made their codes neighbours.
#
# **What are codes good for?** Nobody told the encoder what a seven is. Classify held-out digits by their nearest
# neighbour among labelled ones, in pixels and in codes:

# %% tags=["demo", "nbval-ignore-output"]
@torch.no_grad()
def features():
    """Of black and white training digits and of the held-out ones, by name."""
    x = data.binarise(grey, torch.Generator().manual_seed(0))
    nets = {"784 pixels": lambda x: x.flatten(1), "2 codes": lambda x: trained(1.0)[0].encoder(x.flatten(1))[:, :2],
            "16 codes": lambda x: convolutional().model.encode(x)[0]}
    return {name: (torch.cat([net(part) for part in x.split(500)]), net(held_out)) for name, net in nets.items()}


print(f"{'right, by labelled digits':28}{100:>8}{1000:>8}{4500:>8}")
for name, (known, asked) in features().items():
    nearest = torch.cdist(asked, known)
    shuffled = torch.randperm(len(labels), generator=torch.Generator().manual_seed(0))
    right = [(labels[shuffled[:n]][nearest[:, shuffled[:n]].argmin(1)] == held_out_labels).float().mean()
             for n in (100, 1000, 4500)]
    print(f"{name:28}" + "".join(f"{share:8.1%}" for share in right))

# %% [markdown]
# Codes of sixteen numbers tell digits apart better than the pixels that they were read from, most of all when labels
# are few. That is another use of such a model: features from data without labels. Two numbers stay where they are however
# many labels there are: digits of several kinds share their places, and there another label settles nothing.
#
# **In one pass.** A draw and its KL read the same two tensors. The library has a kernel that does both at once (on a
# GPU: one launch forward, one back). Does it give your numbers? We take its noise, and hand it to your function.

# %% tags=["demo"]
from course_utils.kernels.reparameterize_kl import reparameterize_kl
from course_utils.tasks.draws import fixed_draws

device = "cuda" if torch.cuda.is_available() else "cpu"
mu, logvar = torch.randn(2, 128, 16, generator=torch.Generator().manual_seed(0)).to(device).requires_grad_()
nothing, seed = torch.zeros(128, 16, device=device), torch.tensor(7, device=device)
noise = reparameterize_kl(nothing, nothing, seed)[0]  # mean 0 and variance 1: the noise itself
z, kl = reparameterize_kl(mu, logvar, seed)
with fixed_draws(noise=noise):  # your next draw is this noise
    yours = reparameterize(mu, logvar)
slopes = [torch.autograd.grad(value, (mu, logvar)) for value in
          ((z**2).sum() + kl.sum(), (yours**2).sum() + kl_loss(mu, logvar))]
apart = {"draws": (z - yours).abs().max(), "KL": (kl.sum() - kl_loss(mu, logvar)).abs() / kl.sum(),
         "gradients": max((a - b).abs().max() for a, b in zip(*slopes))}
print(f"on this {device.upper()}, equal within 0.0001:", ", ".join(f"{name} {x < 1e-4}" for name, x in apart.items()))

# %% [markdown]
# **Question 4.** A VAE whose decoder is strong enough can learn to ignore $z$ altogether: *posterior collapse*. Think
# of a decoder such as notebook 02's PixelCNN. What do the two terms of the ELBO gain and lose when $z$ is used, and when
# is ignoring it the better bargain? And who notices: the ELBO, the samples, or which number?

# %% [markdown] question="vae.4"
# Using $z$ costs the KL, in nats. It earns what it saves in reconstruction. A decoder whose pixels are independent given
# $z$ can know of shapes only through $z$, so every nat of code saves many. A decoder that sees all earlier pixels
# predicts the next one well without any code; what a code could still tell is little, and early in training, when the
# encoder's codes are noise, it is nothing. Then $q(z|x) = p(z)$ with a KL of 0 is the better bargain; too large a
# `kl_weight` has the same effect. From there it is hard to get back: a decoder that ignores $z$ gives the encoder no
# gradient.
#
# The ELBO does not notice, it may be excellent. Nor do samples: they can be as good as the decoder alone makes them.
# It shows in the KL itself, near 0 in all or some dimensions, and in reconstructions that have nothing to do with their
# pictures; equally in samples of a fixed $z$ that differ in everything. Whoever wants the codes notices first.
#
# **Rubric** (½ points allowed)
#
# - 2 points: z costs the KL and must save more in reconstruction; with a strong decoder (or a large weight) it does not.
# - 1 point: then q equals the prior and the KL is 0.
# - 2 points: neither ELBO nor samples tell; the KL (by dimension), reconstructions or useless codes do.

# %% [markdown]
# ## Puzzle
#
# Not graded. Three networks were trained as in section 4, each with one slip:
#
# - the KL is averaged over the batch and its dimensions, while the reconstruction is summed;
# - the sigmoid is applied twice;
# - the noise is forgotten: $z = \mu$.
#
# Below are both terms of (4) on held-out digits, computed as they should be, and what the three networks bring back and
# draw. Which slip made which?

# %% tags=["demo"]
from course_utils import puzzles

slipped = puzzles.slipped_vaes(grey, held_out)
plot.show(diagrams.both_terms({f"network {name}": one["terms"] for name, one in slipped.items()}),
          alt="Two panels over four epochs. Reconstruction: A and C fall together from about 200 to 177 nats, B stays at "
              "543. KL: A rises to about 17 nats, C falls to about 1, B to nearly 0.")
plot.show(plot.image_rows({f"{name}: {what}": one[what] for name, one in slipped.items()
                           for what in ("back", "drawn")}),
          alt="A brings digits back and draws broken ones. B shows even grey throughout. C brings digits back and draws "
              "readable ones, but for two or three.")

# %% [markdown]
# <details><summary><b>Answer</b></summary>
#
# **B** has its sigmoid twice. The inner one gives 0 to 1, the outer one makes 0.5 to 0.73 of that: no pixel can be told
# to be black. Since most pixels are black it settles at 0.5 everywhere, a coin for each pixel, $784 \log 2 = 543$ nats.
#
# **A** averages its KL. It weighs so little that codes may cost 17 nats, and lie far from where the prior draws.
#
# **C** forgot its noise, and its pictures hardly tell. Its KL does: one nat cannot say which of ten digits it is
# ($\log 10 = 2.3$), and yet they come back. Without noise codes may lie as close together as they like, the message is
# smuggled past the price, and reconstruction minus KL is no bound of anything.
#
# </details>
#
# ## Where this goes
#
# - A sharper picture from a code, without any likelihood: adversarial networks, notebook **04**.
# - Notebook **05** is a VAE with a thousand latents in a row, each as large as the picture, and a guess $q$ that is fixed:
#   adding noise. Its loss is an ELBO too.
# - Pictures are squeezed by an autoencoder with a small prior term, and diffusion runs on the codes: latent diffusion,
#   notebook **11**.
# - Bounds of binary digits can be compared with notebook **02**'s, at the same levels and the same held-out digits.
#
# **References**
#
# - Kingma, Welling 2014, *Auto-Encoding Variational Bayes*: the model, the trick, equation (8).
# - Rezende, Mohamed, Wierstra 2014, *Stochastic Backpropagation*: the same at the same time.
# - Salakhutdinov, Murray 2008, *On the Quantitative Analysis of Deep Belief Networks*: binary digits.
# - Burda, Grosse, Salakhutdinov 2016, *Importance Weighted Autoencoders*: equation (10).
# - Higgins et al. 2017, *beta-VAE*: weights above 1.
# - Bowman et al. 2016, *Generating Sentences from a Continuous Space*: decoders that ignore their code.
# - Digits: LeCun, Bottou, Bengio, Haffner 1998 (MNIST).
#
# ## Summary
#
# 1. An autoencoder has codes; a generative model also has a distribution to draw them from.
# 2. $\log p(x)$ is reconstruction minus prior plus gap. The gap is never negative, and what is left is a bound.
# 3. A draw written as $\mu + \sigma\varepsilon$ has gradients, and the divergence from the prior has a closed form.
# 4. More draws make the bound tighter, if the mean is taken before the logarithm.
