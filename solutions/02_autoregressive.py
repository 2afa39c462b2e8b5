# %% [markdown]
# # 02 · Autoregressive models: one pixel after the other
#
# Cover the lower half of a photograph and ask a friend what the next pixel is. They will not know, but they will bet:
# probably dark, perhaps grey. Whoever can place such bets well, pixel after pixel, has a complete model of pictures.
# In this notebook you build a network that bets, measure it exactly, to the last fraction of a bit, and let it draw.
#
# **When you are done, you can**
#
# - write the probability of a picture as a product, without any approximation;
# - build a convolution that cannot look ahead, and prove by gradients that it does not;
# - compute exact likelihoods, and tell them in bits per dimension;
# - sample pixel by pixel, at any temperature, and complete a picture of which only the top is given;
# - turn a picture into a sequence, and write the attention that reads it.
#
# **Time:** about three hours: six exercises (80 minutes), four questions, a puzzle, and the reading.
#
# **Before it:** convolutions, and maximum likelihood with its nats and bits (notebook 01).
#
# Fill in the `TODO` cells from top to bottom and run the check below each. A check brings its own version of whatever
# came earlier; the figures need yours, and say in one sentence what is not written yet. If this notebook imports
# `.py` files of your own, hand them in with it.

# %% tags=["setup"]
import math

import torch
import torch.nn.functional as F
from torch import nn

from course_utils.check import Unfinished, check, method_of

TRAIN = False  # True: train your own PixelCNN here instead of loading the shipped weights

# %% tags=["demo"]
import time
from functools import cache

from course_utils import data, diagrams, memory, plot, puzzles, widgets, zoo

memory.keep()  # lets the process keep the memory that one pixel freed for the next one: half of the waiting
LEVELS = 4
train_x, test_x = (data.quantise(data.mnist(split)[0], LEVELS) for split in ("train", "test"))  # (n, 28, 28) of 0 … 3

# %% [markdown]
# ## 1 · What comes next?
#
# Below are three digits, read like a page of text: row by row, each row from the left. Everything up to the orange
# pixel is known. The bars are the bets of the network that you are about to build, on four levels of grey from black
# (0) to white (3).

# %% tags=["demo"]
shipped = zoo.load("pixelcnn")
places, some = [(10, 12), (14, 17), (17, 14)], test_x[[103, 204, 262]]
with torch.no_grad():
    bets = torch.stack([p[:, i, j] for p, (i, j) in zip(shipped.model(some).softmax(dim=1), places)])
plot.show(diagrams.next_pixels(data.dequantise(some)[:, 0], places, bets),
          alt="Three digits, each shown up to one pixel, and below each the probabilities of its four levels: "
              "nearly certain inside the black or the white, undecided at an edge.")

# %% [markdown]
# Number the pixels of a picture $x$ in this reading order, $x_1$ to $x_n$. Whatever the distribution of pictures is,
# the **chain rule** of probability takes it apart:
#
# $$p(x) = \prod_{i=1}^{n} p(x_i \mid x_1, \dots, x_{i-1}) \tag{1}$$
#
# No approximation has been made, and any other order would be as right. A picture is a sequence of small questions,
# each with $K$ possible answers. A model that answers them is called **autoregressive**: it predicts $x$ from $x$
# itself. We have 4,500 digits to learn from, 500 held out, and $K = 4$ levels.
#
# Before we build anything, a mark to beat. The simplest model gives every pixel a histogram of its own and lets it
# ignore all others: $p(x) = \prod_i p_i(x_i)$.

# %% tags=["demo"]
def independent_pixels(train_x, levels):
    """A model whose pixels know nothing of each other: x (b, h, w) -> logits (b, levels, h, w)."""
    n, h, w = train_x.shape
    cells = train_x.flatten(1) * h * w + torch.arange(h * w)  # a level at a place
    counts = torch.bincount(cells.flatten(), minlength=levels * h * w).view(levels, h, w)
    return lambda x: (counts + 1).log().expand(len(x), levels, h, w)  # + 1: nothing is impossible


each_pixel = independent_pixels(train_x, LEVELS)(test_x[:8]).softmax(dim=1).movedim(1, -1).flatten(0, 2)
drawn = torch.multinomial(each_pixel, 1, generator=torch.Generator().manual_seed(0)).view(8, 28, 28)
plot.show(plot.image_rows({"digits, 4 levels": data.dequantise(test_x[60:500:55]),
                           "independent pixels": data.dequantise(drawn)}),
          alt="Eight digits in four levels, and eight samples of independent pixels: snow where digits have their ink.")

# %% [markdown]
# Snow, roughly where ink should be. Every pixel is right by itself, and the picture is wrong: all structure is in
# what pixels know of each other.
#
# ## 2 · A convolution that cannot look ahead
#
# We need $n$ distributions, each from another set of pixels. A network for each would be absurd. A convolution
# computes something for all pixels at once with the same weights; we only have to forbid it to see what comes later.
# A kernel of size $k$ looks at a $k \times k$ window, and some of its places lie before the centre in reading order.
# A **mask** of 0 and 1 keeps these and no others. It comes in two types: **A** hides the centre too, **B** shows it.
#
# **Exercise 1** · easy · 10 minutes

# %% task="ar.causal_mask"
def causal_mask(kernel_size, mask_type):
    """Which places of a k x k kernel may be seen: those that come before the centre in reading order.

    Args:
        kernel_size: k, odd.
        mask_type: "A" hides the centre, "B" shows it.

    Returns:
        (k, k) float tensor of 0. and 1.
    """
    ####################################################################
    # TODO: build the mask. About 4 lines.                             #
    # 1. Every row above the centre is seen in full.                   #
    # 2. In the centre's row, only what lies to its left is seen.      #
    # 3. The centre itself depends on the type.                        #
    ####################################################################
    ### BEGIN SOLUTION
    centre = kernel_size // 2
    mask = torch.zeros(kernel_size, kernel_size)
    mask[:centre] = 1
    mask[centre, :centre] = 1
    mask[centre, centre] = float(mask_type == "B")
    return mask
    ### END SOLUTION
    ####################################################################
    #                       END OF YOUR CODE                           #
    ####################################################################

# %% check="ar.causal_mask"
check("ar.causal_mask")

# %% tags=["demo"]
kernels = {f"{k} × {k}, type {kind}": causal_mask(k, kind) for k, kind in ((3, "A"), (3, "B"), (7, "A"))}
plot.show(diagrams.masks(kernels), alt="Your masks as grids of 0 and 1, with the centre framed: ones above the centre "
                                       "and to its left, and at the centre in type B only.")

# %% [markdown]
# The layer is an ordinary convolution that carries such a mask as a buffer. It has all $k^2$ weights in each kernel,
# and the optimizer may write into all of them. What counts is that the masked ones never act.
#
# **Exercise 2** · easy · 10 minutes

# %% tags=["setup"]
class MaskedConv2d(nn.Conv2d):
    """A convolution that sees no later pixel.

    Args:
        mask_type: "A" or "B".
        dim, dim_out: Channels in and out.
        kernel_size: k, odd; the padding keeps height and width.
    """

    def __init__(self, mask_type, dim, dim_out, kernel_size):
        super().__init__(dim, dim_out, kernel_size, padding=kernel_size // 2)
        self.register_buffer("mask", causal_mask(kernel_size, mask_type), persistent=False)  # not in checkpoints

# %% task="ar.MaskedConv2d.forward"
@method_of(MaskedConv2d)
def forward(self, x):
    """The convolution of x with the masked weights.

    Args:
        x: (b, dim, h, w).

    Returns:
        (b, dim_out, h, w).
    """
    ####################################################################
    # TODO: one line or two. From __init__ you have self.weight        #
    # (dim_out, dim, k, k), self.mask (k, k), self.bias, self.padding. #
    # The function stands outside its class, so `super()` has no       #
    # meaning here: F.conv2d. The mask must hold at every call: an     #
    # optimizer's step in between writes into all weights.             #
    ####################################################################
    ### BEGIN SOLUTION
    return F.conv2d(x, self.weight * self.mask, self.bias, padding=self.padding)
    ### END SOLUTION
    ####################################################################
    #                       END OF YOUR CODE                           #
    ####################################################################

# %% check="ar.MaskedConv2d.forward"
check("ar.MaskedConv2d.forward")

# %% [markdown]
# **PixelCNN** (van den Oord et al. 2016) stacks such layers: one of type A, then residual blocks of type B, then
# 1×1 convolutions, which mix the channels of one pixel, up to $K$ logits for each. The network takes whole numbers
# and scales them itself.

# %% tags=["setup"]
class ResidualBlock(nn.Module):
    """x + 1x1, masked 3x3 and 1x1 convolutions with half of the channels between."""

    def __init__(self, channels):
        super().__init__()
        self.layers = nn.Sequential(nn.ReLU(), nn.Conv2d(channels, channels // 2, 1),
                                    nn.ReLU(), MaskedConv2d("B", channels // 2, channels // 2, 3),
                                    nn.ReLU(), nn.Conv2d(channels // 2, channels, 1))

    def forward(self, x):
        return x + self.layers(x)


class PixelCNN(nn.Module):
    """x (b, h, w) of whole numbers 0 ... levels - 1 -> logits (b, levels, h, w), each from earlier pixels only."""

    def __init__(self, levels=4, channels=32, blocks=6):
        super().__init__()
        self.levels = levels
        self.init_conv = MaskedConv2d("A", 1, channels, 7)
        self.blocks = nn.Sequential(*(ResidualBlock(channels) for _ in range(blocks)))
        self.head = nn.Sequential(nn.ReLU(), nn.Conv2d(channels, channels, 1), nn.ReLU(),
                                  nn.Conv2d(channels, levels, 1))

    def forward(self, x):
        image = 2 * x.unsqueeze(1) / (self.levels - 1) - 1  # (b, 1, h, w) in [-1, 1]
        return self.head(self.blocks(self.init_conv(image)))

# %% [markdown]
# Does it keep its promise? A gradient tells, without trusting anybody: the answer at a pixel may have none with
# respect to that pixel or a later one. We ask at every pixel of a small picture, before and after an optimizer's
# step.

# %% tags=["demo"]
def influence(net, i, j, size):
    """How much the logits at (i, j) change with each pixel, (size, size): absolute gradients, over several pictures."""
    image = torch.rand(8, 1, size, size, dtype=torch.double, generator=torch.Generator().manual_seed(0))
    answer = net.double().head(net.blocks(net.init_conv(image.requires_grad_())))[:, :, i, j]
    return torch.autograd.grad(answer.square().sum(), image)[0].abs().sum(dim=(0, 1))


def worst_leak(net, size=6):
    """The largest gradient with respect to the pixel itself or a later one, over all pixels."""
    return max(influence(net, p // size, p % size, size).flatten()[p:].max().item() for p in range(size**2))


net = PixelCNN(channels=16, blocks=2)
print("largest forbidden gradient, fresh:", worst_leak(net))
net.float()(test_x[:16]).square().mean().backward()  # any loss will do: what counts is that all weights move
torch.optim.Adam(net.parameters(), lr=0.1).step()
print("after an optimizer's step:        ", worst_leak(net))

# %% [markdown]
# Exactly zero. Now the other half of the question: what *does* it see? In the figure, the network predicts the pixel
# at the cross. With more blocks the dark region grows, as it should. But look at the right.

# %% tags=["demo"]
torch.manual_seed(0)
depths = {f"{n} blocks": influence(PixelCNN(channels=16, blocks=n), 14, 14, 28) for n in (0, 2, 6, 20)}
plot.show(diagrams.reach(depths, (14, 14)),
          alt="Four networks, 0 to 20 blocks deep. What each sees grows upwards and to the left; to the upper right a "
              "triangle stays unseen at any depth.")

# %% [markdown]
# The orange triangle in the last panel is the **blind spot**. A 3×3 kernel reaches one column to the right only by
# going up one row, which gives the edge its slope. (The first layer's 7×7 kernel reaches three columns in one row, but
# acts only once: it moves the edge by two columns.) So no number of layers ever sees what lies right of that edge,
# although equation (1) allows it. The model is still a correct one: it bets with less information. Two stacks of
# convolutions, one for the rows above and one for the row itself, cure it (van den Oord et al. 2016, *Conditional Image
# Generation*).
#
# **Question 1.** Only the first layer is of type A, all others are of type B. Why does one type A suffice to keep
# every pixel from seeing itself? And what would be lost if all layers were of type A?

# %% [markdown] question="ar.1"
# Follow a path of information from the answer at a pixel back to the picture. Each layer reads values of places that
# come before, or, in type B, of the place itself; so through layers of type B a path may stay at place $i$. Its last
# stretch, from the first layer's features to the picture, is of type A: the features at $i$ hold only pixels *before*
# $i$. They are safe to look at, and nothing computed from them can bring pixel $i$ back. The strict step must be the
# one that touches the picture, since residual connections pass by all others.
#
# With type A everywhere a layer could not read the features at its own place. Each would push the newest information
# away by a pixel, and the most telling pixel, the one directly to the left, would be seen through the first layer
# alone. Deep processing of the near past would be lost.
#
# **Rubric** (½ points allowed)
#
# - 2 points: the first layer's features hold only earlier pixels, so that looking at them is safe.
# - 1 point: the strict step must stand at the picture's side, or no path may go around it.
# - 2 points: type A everywhere hides each layer's newest features; the nearest pixels get no deep processing.

# %% [markdown]
# ## 3 · Exact likelihoods
#
# Take the logarithm of equation (1), and the product becomes a sum over pixels. One pass of the network gives all
# terms:
#
# $$\log p(x) = \sum_{i=1}^{n} \log p(x_i \mid x_1, \dots, x_{i-1}),
# \qquad p(x_i = k \mid \dots) = \operatorname{softmax}(\text{logits}_i)_k \tag{2}$$
#
# Of the $K$ probabilities of a pixel only one counts: that of the level which is really there. A digit has 784
# factors; multiplied they are far below the smallest float, so work with logarithms from the start.
#
# **Exercise 3** · medium · 15 minutes. One number for each picture, in nats.
#
# <details><summary><b>Stuck?</b></summary>
#
# Begin with one pixel of one picture: `logits[b, :, i, j]` has $K$ numbers, and `x[b, i, j]` says which of them
# counts. Then do it for all pixels at once: an index with as many axes as the logits can pick along the axis of
# levels.
#
# </details>

# %% task="ar.log_likelihood"
def log_likelihood(logits, x):
    """log p(x) of each picture, eq. (2), summed over its pixels, in nats.

    Args:
        logits: (b, K, h, w), not normalised.
        x: (b, h, w) long in 0 ... K - 1.

    Returns:
        (b,), negative or zero.
    """
    ####################################################################
    # TODO: eq. (2). About 3 lines, no loop over pixels.               #
    # 1. Log-probabilities of all levels; which axis are the levels?   #
    # 2. Keep the one of the level that is there.                      #
    # 3. One number for each picture.                                  #
    ####################################################################
    ### BEGIN SOLUTION
    log_p = logits.log_softmax(dim=1)
    chosen = log_p.gather(1, x.unsqueeze(1))  # (b, 1, h, w)
    return chosen.sum(dim=(1, 2, 3))
    ### END SOLUTION
    ####################################################################
    #                       END OF YOUR CODE                           #
    ####################################################################

# %% check="ar.log_likelihood"
check("ar.log_likelihood")

# %% [markdown]
# “Exact” can be tested. Pictures of 3 × 3 pixels with two levels are few: $2^9 = 512$. The probabilities of *all* of
# them must sum to 1, for any weights. We train a tiny network on six of them, the three rows and the three columns,
# and look at all 512 before and after.

# %% tags=["demo"]
every_x = torch.arange(512)[:, None].bitwise_and(2 ** torch.arange(9)).ne(0).long().view(512, 3, 3)
rows = torch.eye(3, dtype=torch.long)[:, :, None].expand(3, 3, 3)
lines = torch.cat([rows, rows.transpose(1, 2)])


@cache
def probabilities():
    """Of all 512 pictures (512,), before and after training a tiny network on the six lines."""
    torch.manual_seed(0)
    tiny = PixelCNN(levels=2, channels=16, blocks=2)
    before = log_likelihood(tiny(every_x), every_x).exp().detach()
    optimizer = torch.optim.Adam(tiny.parameters(), lr=0.01)
    for _ in range(300):
        optimizer.zero_grad()
        loss = -log_likelihood(tiny(lines), lines).mean()
        loss.backward()
        optimizer.step()
    return {"before training": before, "after training": log_likelihood(tiny(every_x), every_x).exp().detach()}


for name, p in probabilities().items():
    print(f"{name}, all 512 probabilities sum to {p.double().sum():.5f}")

# %% tags=["demo"]
ranked = {name: p.sort(descending=True).values for name, p in probabilities().items()}
fig = plot.curves(torch.arange(1, 513), ranked, xlabel="rank of the picture", ylabel="probability",
                  logx=True, logy=True)
fig.axes[0].set_ylim(1e-12, 1)
plot.show(fig, alt="On two logarithmic axes: before training all 512 probabilities are about 0.002; after it six are "
                   "near 1/6; the seventh is below a thousandth, and after a hundred they leave the picture at 1e-12.")
p = probabilities()["after training"]
best = p.argsort(descending=True)[:9]
plot.show(plot.images(0.9 - 0.7 * data.dequantise(every_x[best], 2), titles=[f"{p[k]:.3f}" for k in best]),
          alt="The nine likeliest pictures: three rows, three columns, each near 1/6, and then three others near 0.")

# %% [markdown]
# Probability is a budget. Training has moved all of it to six pictures, a sixth to each, and every other one had to
# pay.
#
# Which unit suits such a number? Nats per picture grow with the picture, and few people feel what a nat is. Notebook
# 01 measured in bits: a fair coin is worth one. So let a picture of fair coins, each pixel black or white with
# probability ½, be worth **one bit per dimension**, however many pixels it has, and let twice the nats be twice the
# bits. What does `log_likelihood` say of a picture of $n$ fair coins? From there the factor follows.
#
# **Exercise 4** · easy · 5 minutes

# %% task="ar.nll_to_bits"
def nll_to_bits(nll, dims):
    """Bits per dimension.

    Args:
        nll: Negative log-likelihoods in nats, a tensor of any shape, one number for each picture.
        dims: Number of dimensions (pixels times channels) of one picture.

    Returns:
        Bits per dimension, of nll's shape.
    """
    ####################################################################
    # TODO: one line, from the picture of fair coins.                  #
    ####################################################################
    ### BEGIN SOLUTION
    return nll / (dims * math.log(2))
    ### END SOLUTION
    ####################################################################
    #                       END OF YOUR CODE                           #
    ####################################################################

# %% check="ar.nll_to_bits"
check("ar.nll_to_bits")

# %% [markdown]
# <details><summary><b>What you derived</b></summary>
#
# $$\text{bits per dimension} = \frac{-\log p(x)}{n \,\ln 2} \tag{3}$$
#
# </details>
#
# A file compressed by this model would be that long, per pixel. At $K = 4$ levels a model that knows nothing needs 2
# bits a pixel. Here is where independent pixels stand, on held-out digits.

# %% tags=["demo"]
@torch.no_grad()
def held_out_bits(model, x):
    """Mean bits per dimension of pictures x (n, h, w), by your two functions."""
    nll = torch.cat([-log_likelihood(model(part), part) for part in x.split(50)])
    return nll_to_bits(nll, x[0].numel()).mean().item()


marks = {"know nothing": lambda x: torch.zeros(len(x), LEVELS, 28, 28),
         "independent pixels": independent_pixels(train_x, LEVELS)}
for name, model in marks.items():
    print(f"{name}: {held_out_bits(model, test_x):.3f} bits/dim at {LEVELS} levels")

# %% [markdown]
# ## 4 · Training
#
# The loss is the negative log-likelihood itself, so training is maximum likelihood and nothing else. Note how much one
# step gets out of a picture: a single pass of the network gives the bets on all of its 784 pixels.

# %% tags=["demo"]
def train_briefly(net, steps):
    """Bits per dimension at each step, on batches of 8 digits."""
    generator, bits = torch.Generator().manual_seed(0), []
    optimizer = torch.optim.Adam(net.parameters(), lr=4e-3)
    for _ in range(steps):
        x = train_x[torch.randint(len(train_x), (8,), generator=generator)]
        optimizer.zero_grad()
        loss = nll_to_bits(-log_likelihood(net(x), x), 784).mean()
        loss.backward()
        optimizer.step()
        bits.append(loss.item())
    return torch.tensor(bits)


@cache
def brief():
    """The bits of a hundred steps, and how many seconds they took."""
    torch.manual_seed(0)
    start = time.perf_counter()
    return train_briefly(PixelCNN(), 100), time.perf_counter() - start


independent, reached = shipped.metrics["bits_per_dim_independent"], shipped.metrics["bits_per_dim"]
marks = {"your PixelCNN": brief()[0], "independent pixels": torch.full((100,), independent),
         "shipped weights": torch.full((100,), reached)}
plot.show(plot.curves(torch.arange(1, 101), marks, xlabel="training step", ylabel="bits/dim at 4 levels"),
          alt="Within a hundred steps the network passes the mark of independent pixels and falls to about 0.3.")

# %% [markdown]
# A few seconds beat the histograms by far. The course ships weights that were trained to the end; they fit *your*
# class, because every name and shape is the same. With `TRAIN = True` your class is trained in full.

# %% tags=["demo"]
from course_utils import training
from course_utils.recipes import autoregressive


class Mine(autoregressive.PixelCNN):
    """The shipped checkpoint's recipe around this notebook's class."""

    def model(self):
        return PixelCNN(**self.ARGS)


@cache
def yours():
    """Your class with trained weights: those of TRAIN, or where that is off or was interrupted, the shipped ones."""
    finished = training.train(Mine(), resume=False, out=training.RUNS / "finished") if TRAIN else None
    trained = zoo.load("pixelcnn", finished.parent if finished else zoo.FOLDER)
    net = PixelCNN(**trained.config["args"])
    net.load_state_dict(trained.model.state_dict())
    return net.eval()


steps, batch = shipped.config["trained_steps"], shipped.config["batch_size"]
minutes = brief()[1] * steps / 100 * batch / 8 / 60
print(f"the recipe: {steps:,} steps with batches of {batch} digits, here about {minutes:.0f} minutes")
print(f"{sum(w.numel() for w in shipped.model.parameters()):,} parameters")
print(f"PixelCNN: {held_out_bits(yours(), test_x):.3f} bits/dim at {LEVELS} levels")

# %% [markdown]
# ## 5 · Drawing
#
# To draw a picture, read equation (1) from left to right: draw $x_1$, then $x_2$ given $x_1$, and so on, row by row,
# with one pass of the network for each. A **temperature** $\tau$ makes the bets bolder or more timid before a level
# is drawn:
#
# $$p_\tau(k) \propto p(k)^{1/\tau} \tag{4}$$
#
# At $\tau = 1$ the model speaks for itself. At $\tau \to 0$ only its favourite is left; a large $\tau$ makes all
# levels alike. Ask yourself what (4) means for the logits.
#
# **Exercise 5** · hard · 25 minutes. Draw a level for every picture of the batch at once, from `generator` if one is
# given.
#
# <details><summary><b>Stuck?</b></summary>
#
# Start from a picture of zeros, of the right shape and type: `model` wants whole numbers. What stands at the current
# place and later does not matter, because the network cannot see it. Then two loops; inside them, which of the logits
# `(b, K, h, w)` belong to the pixel that is drawn now?
#
# </details>

# %% task="ar.sample"
@torch.no_grad()
def sample(model, shape, temperature=1.0, generator=None):
    """Draws pictures pixel by pixel, in reading order, eq. (1) and (4).

    Args:
        model: Called as model(x (b, h, w) long) -> logits (b, K, h, w); it scales its input itself.
        shape: (b, h, w).
        temperature: tau of eq. (4).
        generator: A torch.Generator for all draws; None means torch's own.

    Returns:
        x: (b, h, w) long in 0 ... K - 1.
    """
    ####################################################################
    # TODO: about 7 lines.                                             #
    # For each pixel in reading order: bets, temperature, one draw for #
    # every picture, written where the next pixel will look for it.    #
    ####################################################################
    ### BEGIN SOLUTION
    b, h, w = shape
    x = torch.zeros(b, h, w, dtype=torch.long)
    for i in range(h):
        for j in range(w):
            logits = model(x)[:, :, i, j]  # (b, K)
            p = (logits / temperature).softmax(dim=1)
            x[:, i, j] = torch.multinomial(p, 1, generator=generator).squeeze(1)
    return x
    ### END SOLUTION
    ####################################################################
    #                       END OF YOUR CODE                           #
    ####################################################################

# %% check="ar.sample"
check("ar.sample")

# %% [markdown]
# Now your function draws eight digits from your network. That takes some ten seconds, for 784 passes.

# %% tags=["demo"]
@cache
def live():
    """Eight digits, and how many seconds they took."""
    start = time.perf_counter()
    x = sample(yours(), (8, 28, 28), generator=torch.Generator().manual_seed(2))
    return x, time.perf_counter() - start


x, seconds = live()
start = time.perf_counter()
with torch.no_grad():
    yours()(x)
print(f"drawing eight digits, {28 * 28} passes: {seconds:.1f} s")
print(f"judging eight digits, one pass: {time.perf_counter() - start:.3f} s")
plot.show(plot.images(data.dequantise(x), columns=8), alt="Eight pictures drawn live: clean strokes, few whole digits.")

# %% [markdown]
# Clean strokes with soft edges, and not every one a digit: 23,000 parameters know what ink looks like next to ink,
# and little of what a whole 4 is. Compare them with the snow of section 1. A hundred more, drawn when the weights
# were made:

# %% tags=["demo"]
from numpy import asarray
from PIL import Image


def sheet(name):
    """The shipped samples of a checkpoint, (100, 1, 28, 28)."""
    grid = torch.from_numpy(asarray(Image.open(zoo.samples(name))) / 255)  # ten digits of 28 x 28 in a row
    return grid.reshape(-1, 28, 10, 28).transpose(1, 2).reshape(-1, 1, 28, 28)


plot.show(plot.images(sheet("pixelcnn"), columns=20), alt="A hundred samples of the PixelCNN in four levels.")

# %% [markdown]
# **Question 2.** Judging a picture takes one pass, drawing it 784. Why can training handle all pixels in parallel,
# while sampling cannot? Would a machine with unlimited parallel power help?

# %% [markdown] question="ar.2"
# In training the whole picture is known. The bet on pixel $i$ needs pixels $1 \dots i-1$, and all of them are data:
# they stand in the input already, the *true* values, whatever the network would have bet. So no bet waits for
# another, and the mask makes sure that a single pass gives all of them as if each had seen its own past only.
# (Feeding true values in place of own guesses is called teacher forcing.)
#
# In sampling the input of bet $i$ is what was *drawn* for pixels $1 \dots i-1$. Pixel $i$ cannot be asked for before
# pixel $i-1$ is decided, so the passes form a chain of $n$ links. More processors draw more pictures side by side, or
# make each pass faster, but the number of links stays. Only less work per link (keeping what earlier passes computed)
# or fewer links (several pixels at once, treated as independent) shorten the wait.
#
# **Rubric** (½ points allowed)
#
# - 2 points: in training all inputs of all bets are data and known at once; the mask keeps each bet to its past.
# - 2 points: in sampling each input is an earlier output, so that the passes must follow each other.
# - 1 point: parallel power does not shorten the chain (more pictures at once, or fewer links, is all that helps).

# %% [markdown]
# The figure of section 2 saves us time. With six blocks a pixel looks nine rows up and no further, so a picture can
# be drawn row by row, from the nine rows above, with a sixth of the work. Your `sample` does not even notice: to it,
# a row is a small picture. (The four sheets below, all from one seed, take some ten seconds.)
#
# **Before you move it, guess:** at which temperature will the digits look best, and what happens to them at 0.5?

# %% tags=["demo"]
class OneRow(nn.Module):
    """A network as a model of one row (b, 1, 28), below rows that are given."""

    def __init__(self, net, above):
        super().__init__()
        self.net, self.above = net, above

    def forward(self, row):
        image = 2 * torch.cat([self.above, row], dim=1).unsqueeze(1) / (LEVELS - 1) - 1
        h = self.net.init_conv(image)
        for rows, block in zip(range(7, 1, -1), self.net.blocks):
            h = block(h[:, :, -rows:])  # six blocks look six rows up, five five rows, ...
        return self.net.head(h[:, :, -1:])


def rows_below(top, rows, temperature=1.0, seed=5):
    """Continues pictures (b, ·, 28) downwards by so many rows, with your sample; each row sees nine rows above it."""
    generator = torch.Generator().manual_seed(seed)
    for _ in range(rows):
        model = OneRow(yours(), top[:, -9:])
        top = torch.cat([top, sample(model, (len(top), 1, 28), temperature, generator)], dim=1)
    return top

# %% tags=["demo"]
TEMPERATURES, nothing = [0.5, 0.75, 1.0, 1.5], torch.zeros(5, 0, 28, dtype=torch.long)
at_temperature = cache(lambda t: rows_below(nothing, 28, t))
print(f"five samples at each of {len([at_temperature(t) for t in TEMPERATURES])} temperatures are drawn")

# %% tags=["demo", "nbval-ignore-output"]
def bolder(temperature):
    fig, (left, right) = plot.figure(columns=2, height=150, width_ratios=[2, 5])
    left.bar(range(LEVELS), (bets[1].log() / temperature).softmax(dim=0), color=plot.SHADE, edgecolor=plot.INK)
    left.set(xlabel="level of the orange pixel", ylabel="probability", ylim=(0, 1), xticks=range(LEVELS))
    right.imshow(torch.cat(list(at_temperature(temperature)), dim=1), cmap="gray", vmin=0, vmax=LEVELS - 1)
    right.axis("off")
    return fig


def inked(temperature):
    share = (at_temperature(temperature) > 0).double().mean()
    return (f"At temperature {temperature:g}: bets on the orange pixel of the second digit in section 1, and five "
            f"samples, of whose pixels {share:.0%} are not black.")


widgets.explore(bolder, caption=inked,
                temperature=widgets.Control(TEMPERATURES, default=1.0))

# %% [markdown]
# At 0.5 strokes begin late or never: until one has begun, black is the favourite of every pixel. At 1.5 they begin
# everywhere. The best lie between: at 0.75 the strokes are cleanest but still late, at 1 they stand where those of
# digits do. Bold bets make each stroke cleaner and the whole poorer.
#
# Sampling can start anywhere. If the top of a picture is given, only the rest is drawn, each pixel from all that is
# above it, given or drawn: exactly the conditional distribution that Bayes' rule asks for, and nobody trained it for
# this. (The five heights below take some ten seconds.)
#
# **Before you move it, guess:** how many of the 28 rows must be given before both completions show the true digit?

# %% tags=["demo"]
GIVEN, truth = [8, 12, 16, 20, 22], test_x[[22, 162, 311, 453]]
completions = cache(lambda given: rows_below(truth[:, :given].repeat(2, 1, 1), 28 - given))
print(f"four digits are completed from {len([completions(n) for n in GIVEN])} heights")

# %% tags=["demo", "nbval-ignore-output"]
def completed(rows_given):
    top = torch.full(truth.shape, 0.35)
    top[:, :rows_given] = truth[:, :rows_given] / (LEVELS - 1)
    first, second = data.dequantise(completions(rows_given)).chunk(2)
    return plot.image_rows({"given": top[:, None], "completed": first, "once more": second,
                            "truth": data.dequantise(truth)})


def agreeing(rows_given):
    right = completions(rows_given)[:, rows_given:] == truth[:, rows_given:].repeat(2, 1, 1)
    return (f"Four held-out digits, {rows_given} rows of 28 given, completed twice: {right.double().mean():.0%} of the "
            "drawn pixels are as in the truth.")


widgets.explore(completed, caption=agreeing,
                rows_given=widgets.Control(GIVEN, default=12))

# %% [markdown]
# Nearly all of them: from 20 rows only the nine is finished both times, from 22 all four can be read, some with a tail
# too many. A network that looks nine rows up goes on with strokes; which digit they began it does not know.
#
# ## 6 · A longer memory, and finer levels
#
# **PixelRNN.** Convolutions see as far as they are deep. A recurrence sees on: the Row LSTM (van den Oord et al.
# 2016) keeps a state for each column and runs down the rows, all columns in parallel, each taking over the states of
# three neighbours above. So a pixel gets news from *all* rows above it, in a triangle that widens upwards. The
# course's network of this kind has two such layers and about as many parameters as yours. The price: rows must wait
# for each other, in training too.
#
# **256 levels.** A byte of colour has 256 values, and nothing changes but the last layer: 256 logits. They are
# treated as classes without an order, so the network must learn that 200 is near 201. A colour picture has three such
# questions a pixel, red, then green given red, then blue given both; one of 1024 × 1024 pixels asks 3,145,728 of
# them.

# %% tags=["demo"]
fine_train, fine_test = (data.quantise(data.mnist(split)[0], 256) for split in ("train", "test"))
measured = {"4 levels: independent": held_out_bits(independent_pixels(train_x, LEVELS), test_x),
            "4 levels: PixelCNN": held_out_bits(yours(), test_x),
            "4 levels: PixelRNN": held_out_bits(zoo.load("pixelrnn").model, test_x),
            "256 levels: independent": held_out_bits(independent_pixels(fine_train, 256), fine_test),
            "256 levels: PixelCNN": held_out_bits(zoo.load("pixelcnn-256").model, fine_test)}
for name, bits in measured.items():
    print(f"{bits:.3f} bits/dim at {name}")
plot.show(plot.bars(measured, ylabel="bits/dim, held-out digits"),
          alt="Bars of bits per dimension: at 4 levels PixelCNN and PixelRNN need about a third of what independent "
              "pixels need, at 256 levels about two thirds.")

# %% tags=["demo"]
plot.show(plot.image_rows({"PixelRNN, 4 levels": sheet("pixelrnn")[:12],
                           "PixelCNN, 256 levels": sheet("pixelcnn-256")[:12]}),
          alt="Twelve samples of the PixelRNN at 4 levels and twelve of the PixelCNN at 256: strokes and loops in "
              "both, few whole digits.")

# %% [markdown]
# Compare only what has the same number of levels: the same digit in 256 levels holds more to be told. The last bits
# of grey are close to noise, which no model can guess; that is why the gain is smaller there. And the PixelRNN's longer
# memory saves 0.004 bits against your PixelCNN: no gain worth naming at this size, and twelve samples show none.
#
# **Question 3.** Suppose that a pass takes as long as it took for your eight digits above, and that a 1024 × 1024
# colour picture is drawn by one pass for each of its 3,145,728 sub-pixels. How long does it take? One remedy leaves
# every bet exactly as it is: which work do our passes do again and again?

# %% [markdown] question="ar.3"
# Your machine's number counts; with 10 ms a pass it is $3{,}145{,}728 \times 0.01\,\text{s} \approx 31{,}000$
# seconds, almost nine hours for one picture (or a few, side by side). And this is kind: such a picture has 1,338 times
# as many pixels as a digit, so a pass over all of it would take about that much longer than ours.
#
# Every pass computes the features of *all* pixels, though only one pixel has changed since the last pass. Features of
# earlier pixels cannot change, because no mask lets them see the new one; those of later pixels are not needed yet. So
# it is enough to keep what was computed and to add the features of the one new pixel: a few kernels' worth of work in
# place of a whole picture's. The bets are the same to the last digit. What it costs is memory for the features of all
# layers, and a more complicated program. The number of steps, one after the other, stays at three million.
#
# **Rubric** (½ points allowed)
#
# - 2 points: the product with the measured time, in hours.
# - 2 points: features of earlier pixels are computed anew in each pass, though they cannot change; they can be kept.
# - 1 point: what it costs (memory), or what it does not save (the number of steps in a row).

# %% [markdown]
# ## 7 · Tiles: a picture as a sentence
#
# Language models predict the next word from all words before it, with no window and no blind spot. A picture can be
# read in the same way. Cut a black and white digit into 49 tiles of 4 × 4 pixels; a small transformer gives the 16
# logits of a tile from all earlier tiles. Within a tile the pixels are independent of each other.
#
# The heart of it is **attention**. Each token (tile) $i$ has a query $q_i$, and each token $j$ a key $k_j$ and a
# value $v_j$, all of $d$ numbers. The output at $i$ is an average of the values, with weights that say how well $q_i$
# and $k_j$ fit. Four demands determine it:
#
# - the fit is measured by the dot product $q_i \cdot k_j$;
# - if all entries of $q$ and $k$ are independent with mean 0 and variance 1, the scores shall have variance 1 too,
#   whatever $d$ is;
# - weights are positive, sum to 1 over the tokens that $i$ may see, and their ratios are the exponentials of the
#   scores' differences;
# - a token sees itself and what comes before it. (Here the present is *visible*, as in type B: the network's input
#   was shifted by one tile, and that plays the part of type A.)
#
# **Exercise 6** · medium · 15 minutes. Write it without a ready-made attention.
#
# <details><summary><b>Stuck?</b></summary>
#
# Write the table of all scores, `(n, n)` for each head, and find the variance of a sum of $d$ products. Then ask:
# which number must stand in place of a forbidden score, so that its exponential takes no share of the sum?
#
# </details>

# %% task="ar.causal_attention"
def causal_attention(q, k, v):
    """For each token an average of the values of itself and the tokens before it.

    Args:
        q, k, v: (b, heads, n, d).

    Returns:
        (b, heads, n, d).
    """
    ####################################################################
    # TODO: the four demands. About 4 lines.                           #
    ####################################################################
    ### BEGIN SOLUTION
    n, d = q.shape[-2:]
    scores = q @ k.transpose(-2, -1) / math.sqrt(d)  # (b, heads, n, n)
    later = torch.ones(n, n, dtype=torch.bool, device=q.device).triu(1)
    return scores.masked_fill(later, -math.inf).softmax(dim=-1) @ v
    ### END SOLUTION
    ####################################################################
    #                       END OF YOUR CODE                           #
    ####################################################################

# %% check="ar.causal_attention"
check("ar.causal_attention")

# %% [markdown]
# <details><summary><b>What you derived</b></summary>
#
# With a mask $M_{ij} = 0$ for $j \le i$ and $-\infty$ for $j > i$ (Vaswani et al. 2017, equation 1):
#
# $$\operatorname{attention}(q, k, v) = \operatorname{softmax}\!\left(\frac{q k^\top}{\sqrt d} + M\right) v \tag{5}$$
#
# </details>
#
# Now it works inside the shipped transformer. With the identity in the place of the values, your function returns the
# weights themselves. Here are those of one head in the last layer: who looks at whom? Mind the shift: token $j$ holds
# tile $j - 1$, and token 0 is empty. So the framed tile, the one to be predicted, is itself never looked at.

# %% tags=["demo"]
@cache
def tiles():
    """The shipped transformer, in which every attention is yours; the last layer keeps its queries and keys."""
    net = zoo.load("tiles").model
    for block in net.blocks:
        block.attention.forward = lambda x, layer=block.attention: through_yours(layer, x)
    return net


def through_yours(layer, x):
    q, k, v = (part.unflatten(-1, (layer.heads, -1)).transpose(1, 2) for part in layer.qkv(x).chunk(3, dim=-1))
    layer.asked = q, k
    return layer.out(causal_attention(q, k, v).transpose(1, 2).flatten(2))


binary = data.binarised_mnist("test")[0].squeeze(1)  # (500, 28, 28) of 0. and 1.
with torch.no_grad():
    tiles()(binary[[204]])
    q, k = tiles().blocks[-1].attention.asked
    identity = F.pad(torch.eye(49), (0, 15)).split(16, dim=1)  # as values of d = 16 numbers, one part after the other
    weights = [causal_attention(q[:, :1], k[:, :1], part[None, None])[0, 0] for part in identity]
    weights = torch.cat(weights, dim=1)[:, :49]
plot.show(diagrams.attention(weights, binary[204], tiles=[17, 24, 31], columns=7),
          alt="A lower triangular matrix of weights, and a digit on which three tiles are framed in turn; tinted are "
              "the earlier tiles from which each is predicted, most of them on or beside the stroke.")

# %% [markdown]
# Two Bernoulli levels are a softmax over the logits $(0, \ell)$, so your `log_likelihood` judges tiles as well.
# Drawing takes 49 passes.

# %% tags=["demo"]
def of_tiles(x):
    """Logits (b, 2, h, w) for pictures of 0 and 1."""
    logits = tiles()(x.float())
    return torch.stack([torch.zeros_like(logits), logits], dim=1)


black_and_white = data.binarised_mnist("train")[0].squeeze(1).long()
measured_tiles = {"2 levels: independent": held_out_bits(independent_pixels(black_and_white, 2), binary.long()),
                  "2 levels: tiles": held_out_bits(of_tiles, binary.long())}
for name, bits in measured_tiles.items():
    print(f"{bits:.3f} bits/dim at {name}")

generator, x = torch.Generator().manual_seed(1), torch.zeros(8, 28, 28)
for corner in range(49):
    tile = (..., slice(corner // 7 * 4, corner // 7 * 4 + 4), slice(corner % 7 * 4, corner % 7 * 4 + 4))
    with torch.no_grad():
        x[tile] = torch.bernoulli(tiles()(x)[tile].sigmoid(), generator=generator)
plot.show(plot.images(x[:, None], columns=8), alt="Eight black and white digits drawn by tiles: whole, but ragged.")

# %% [markdown]
# Larger shapes hold together now: every tile sees everything before it.
#
# **Question 4.** The tiles need 0.207 bits/dim, your PixelCNN 0.228. What would you have to do to say which of the
# two models digits better? And what does the independence *within* a tile do to the samples, and where would you look
# for it?

# %% [markdown] question="ar.4"
# Train both on the same data, with the same levels, and measure them on the same held-out pictures. As they stand,
# 0.207 prices two levels that were drawn at random from the grey values, 0.228 prices four levels. Even a model that
# knows nothing needs 1 bit in the one case and 2 in the other, and independent pixels 0.382 and 0.651. Relative to
# those the tiles save 46 % and the PixelCNN 65 %, but that is no proof either: the random black and white holds noise
# that nobody can predict.
#
# Within a tile each pixel is drawn from its own probability without knowing what its neighbours became. Where the
# network is sure, that does no harm. Where it is not, at the edge of a stroke or where it may turn either way, the
# pixels of a tile decide separately: ragged edges, specks, a stroke half of which goes left and half right. It shows
# inside tiles, most where a new stroke begins, and the next tile can only react to it.
#
# **Rubric** (½ points allowed)
#
# - 2 points: both on the same data and levels; as they stand even the marks of knowing nothing differ.
# - 2 points: pixels of a tile decide separately where the network is unsure; ragged or contradictory strokes.
# - 1 point: where to look: inside tiles at edges or beginnings of strokes.

# %% [markdown]
# ## 8 · The balance
#
# **For:** an exact likelihood, by one pass; a loss that says what it means, so that two models can be compared and a
# broken one is noticed; stable training; the same idea for text, sound and pictures, discrete or not.
#
# **Against:** sampling waits for every pixel; an order is imposed that pictures do not have; there is no short code
# for a picture that one could change or mix; and the loss counts each bit alike, that of a stray pixel and that of a
# missing stroke.
#
# ## Puzzle
#
# Not graded. Three networks were trained as in section 4, each with one slip:
#
# - the type A mask shows its centre;
# - all masks are upside down, so that the kernels see what comes later;
# - in the likelihood the softmax runs along the rows of the picture instead of over the levels.
#
# Which slip made which curve? And one of the three networks cannot be told from a good one by any curve, on held-out
# digits either: how would you notice its slip?

# %% tags=["demo"]
slipped = puzzles.slipped_pixels(train_x).items()
marks = {f"network {name}": bits.unfold(0, 8, 8).mean(dim=1) for name, bits in slipped}
marks["independent pixels"] = torch.full((16,), shipped.metrics["bits_per_dim_independent"])
plot.show(plot.curves(8 * torch.arange(1, 17), marks, xlabel="training step", ylabel="bits/dim at 4 levels",
                      logy=True),
          alt="Training curves over 128 steps: A falls from 2 to 0.3, B from 2 to 0.01, C only from 4.8 to 4.3.")

# %% [markdown]
# <details><summary><b>Answer</b></summary>
#
# **C** has the softmax along the rows. Before it has learned anything, a network bets evenly: over 4 levels that
# costs 2 bits a pixel, and over the 28 places of a row $\log_2 28 = 4.8$. There C begins, and above 2 it stays.
#
# **B** shows its centre. It falls to a hundredth of a bit, far below what long training reaches with the right
# masks: it reads each answer off the question. A likelihood that is too good is the sign of a leak, on held-out
# digits too.
#
# **A** is upside down, and nothing is wrong with its curve: from the last pixel to the first is an order as good as
# any, so (1) holds, and so do its bits. It shows when the network draws. `sample` goes from the first pixel to the
# last, so every bet looks at pixels that are still empty. Gradients, as in section 2, find it at once.
#
# </details>
#
# ## Where this goes
#
# - A likelihood that is only bounded, in exchange for a short code: variational autoencoders, notebook **03**. They use
#   binary digits, as the tiles did.
# - No likelihood at all, and one pass to draw: adversarial networks, notebook **04**.
# - All pixels at once, a little at a time: notebook **05**. Notebook **10** gets exact bits per dimension from such a
#   model, and compares them with the number at 256 levels above.
# - Attention returns, without the causal mask, in large image models: notebooks **11** and **13**.
#
# **References**
#
# - van den Oord, Kalchbrenner, Kavukcuoglu 2016, *Pixel Recurrent Neural Networks*: masks, PixelCNN, Row LSTM.
# - van den Oord, Kalchbrenner, Vinyals, Espeholt, Graves, Kavukcuoglu 2016, *Conditional Image Generation with
#   PixelCNN Decoders*: the blind spot and its cure.
# - Salimans, Karpathy, Chen, Kingma 2017, *PixelCNN++*: levels with an order, in place of 256 classes.
# - Ramachandran et al. 2017, *Fast Generation for Convolutional Autoregressive Models*: computing only what is new.
# - Vaswani et al. 2017, *Attention Is All You Need*: equation (5).
# - Chen, Radford et al. 2020, *Generative Pretraining from Pixels*: a transformer on sequences of pixels.
# - Digits: LeCun, Bottou, Bengio, Haffner 1998 (MNIST).
#
# ## Summary
#
# 1. Any distribution of pictures is a product of small questions, one for each pixel, in an order of your choice.
# 2. Masks let one network answer all of them in one pass without looking ahead, and gradients prove it.
# 3. The likelihood is exact; bits per dimension make it comparable between sizes, at an equal number of levels.
# 4. Drawing repeats one step: bet, temperature, draw, write.
