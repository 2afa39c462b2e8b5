# %% [markdown]
# # 06 · The UNet
#
# In notebook 05 the diffusion model asked its network one question, again and again: *here is a noisy image and its
# time; which noise is in it?* The network was a black box there. Here you build it, part by part, until it is the very
# network that draws this course's digits.
#
# **When you are done, you can**
#
# - say why the network has the shape of a U, and show by an experiment what its skips are for;
# - tell a convolutional network the time and a condition, by one scale and one shift per channel;
# - count a network's parameters and operations before you run it;
# - load somebody else's weights into your own class, and find out why they do not fit when they do not;
# - test a new network by letting it learn one batch by heart, and train it with an averaged copy of its weights.
#
# **Time:** about two and a half hours: eight exercises (91 minutes), four questions, experiments and reading.
#
# **Before it:** the noisy image of notebook 05,
# $x_t = \sqrt{\bar\alpha_t}\,x_{\text{start}} + \sqrt{1-\bar\alpha_t}\,\varepsilon$.
#
# If this notebook imports `.py` files of your own, hand them in with it.

# %% tags=["setup"]
import copy
import math

import torch
import torch.nn.functional as F
from torch import nn

from course_utils.check import Unfinished, check, method_of

TRAIN = False  # True: section 10 trains the digits' network in full, section 11 uses it

# %% tags=["demo"]
from functools import partial

from course_utils import data, diagrams, plot, training, widgets, zoo
from course_utils.check import name_red
from course_utils.diffusion import plans, samplers
from course_utils.diffusion.paths import DiscreteVP, cosine_betas
from course_utils.diffusion.samplers import sample_ancestral
from course_utils.own import own

path = DiscreteVP(cosine_betas(200))  # the chain of notebook 05: alpha(t) = √ᾱ_t, sigma(t) = √(1 − ᾱ_t)
images, labels = data.mnist("train")
x_data = 2 * images - 1  # [0, 1] on disk, [-1, 1] in a network

# %% [markdown]
# ## 1 · Why a U
#
# The answer has the size of the question: an image goes in, its noise comes out. And it takes two kinds of knowledge.
# *What is drawn here?* can be seen from far away only: this pixel is ink, because it lies on the stroke of a seven.
# *Which noise is in this very pixel?* must be exact to the pixel.
#
# A UNet (Ronneberger et al. 2015) has both. On the way down it halves the image, level by level; what it loses in
# height and width it gains in channels, and a 3×3 convolution at the bottom sees a large part of the picture. On the
# way up it doubles the image again. At every level, **skips** carry what was known before the halving straight across
# to the other side. This is the network for digits, to scale:

# %% tags=["demo"]
plot.show(diagrams.unet(28, [24, 48, 96]), alt="The UNet for digits as a U: a box for each tensor, as high as the "
          "image and as wide as it has channels; 24 channels at 28 × 28, 48 at 14 × 14, 96 at 7 × 7. Arrows say block, "
          "down, up; dashed ones, cat, bring what was kept; the context enters at every block.")

# %% [markdown]
# The number above a box counts its channels. Grey boxes are kept; a dashed line brings each to the block that makes the
# box it points to, where it is concatenated (*cat*). The box kept *last* is used *first*.
#
# ## 2 · Down and up
#
# Two small parts change the size, and they are given. **Down** is a 2×2 convolution with stride 2: every pixel below
# is a learned mixture of four pixels above. **Up** stretches the image by bilinear interpolation; a 3×3 convolution
# then turns the smooth result into what is needed.

# %% tags=["setup"]
def Upsample(dim, dim_out):
    """(b, dim, h, w) → (b, dim_out, 2h, 2w): bilinear, then a 3×3 convolution."""
    return nn.Sequential(nn.Upsample(scale_factor=2, mode="bilinear"), nn.Conv2d(dim, dim_out, 3, padding=1))


def Downsample(dim, dim_out):
    """(b, dim, h, w) → (b, dim_out, h/2, w/2): a 2×2 convolution with stride 2."""
    return nn.Conv2d(dim, dim_out, 2, stride=2)

# %% [markdown]
# What does a convolution with kernel $k$ cost?
#
# $$k^2 \cdot C_\text{in} \cdot C_\text{out} \cdot h \cdot w \quad\text{multiply-adds}$$
#
# for $h \times w$ pixels of output. Why not go up by a *transposed convolution*, as older UNets did? It stamps a small
# pattern for each pixel. Below, four ways up get random positive weights and two images: a constant one, which should
# stay constant, and a digit.

# %% tags=["demo"]
torch.manual_seed(0)
ways_up = {
    "input": nn.Upsample(scale_factor=2),
    "stamp 3×3": nn.ConvTranspose2d(1, 1, 3, stride=2, padding=1, output_padding=1, bias=False),
    "stamp 4×4": nn.ConvTranspose2d(1, 1, 4, stride=2, padding=1, bias=False),
    "shuffle": nn.Sequential(nn.Conv2d(1, 4, 3, padding=1, bias=False), nn.PixelShuffle(2)),
    "ours": nn.Sequential(nn.Upsample(scale_factor=2, mode="bilinear"), nn.Conv2d(1, 1, 3, padding=1, bias=False)),
}
small = torch.cat([torch.ones(1, 1, 14, 14), F.avg_pool2d(images[2500:2501], 2)])
with torch.no_grad():
    for weights in (p for way in ways_up.values() for p in way.parameters()):
        weights.uniform_()
    tiles = torch.stack([way(small)[:, :, 4:-4, 4:-4] for way in ways_up.values()], dim=1)  # without the border
tiles *= 0.85 / tiles.amax(dim=(2, 3, 4), keepdim=True)
plot.show(plot.image_grid(tiles, rows=["constant", "digit"], columns=list(ways_up)),
          alt="Transposed convolutions and the pixel shuffle draw a pattern of two pixels' period even on a constant "
              "image; bilinear interpolation with a convolution does not.")

# %% [markdown]
# <details><summary><b>Where the checkerboards come from, other ways down, and what each costs</b></summary>
#
# The patterns of period two are the famous *checkerboards* (Odena et al. 2016). Neighbouring output pixels are made by
# different weights, so only training can make them agree; with a 3×3 stamp and stride 2 not even by equally *many*
# weights. A *pixel shuffle* computes four channels and lays them out as 2×2 pixels: the same trouble. Behind a bilinear
# stretch every pixel is treated alike.
#
# Between 24 channels at 28 × 28 and 48 channels at 14 × 14:
#
# | way | weights | million multiply-adds |
# |---|---:|---:|
# | down: 2×2 convolution, stride 2 (ours) | 4,608 | 0.90 |
# | down: 3×3 convolution, stride 2 | 10,368 | 2.03 |
# | down: pooling, then a 1×1 convolution | 1,152 | 0.23 |
# | up: bilinear, then 3×3 at 28 × 28 (ours) | 10,368 | 8.13 |
# | up: transposed convolution 4×4 | 18,432 | 3.61 |
# | up: 3×3 at 14 × 14 to 4·24 channels, pixel shuffle | 41,472 | 8.13 |
#
# A transposed convolution is counted by its pixels of *input*. The shuffle works at the small size, but computes four
# times as many channels there, so it saves nothing.
#
# </details>
#
# **Question 1.** Max-pooling has no weights, and its output is the largest of four pixels. Which property of noise
# makes it a poor way down in a network that must *return* that noise? And average pooling: in which sense is our 2×2
# convolution at least as good, and at what price?

# %% [markdown] question="unet.1"
# The largest of four pixels is one pixel: three are lost, and where the one stood is lost too. For recognition that is
# welcome, for it makes the answer blind to small shifts. Noise, however, has independent values in every pixel, so
# each one that is thrown away can be guessed from nothing else. (The skips soften this: they pass by the pooling.)
#
# Average pooling *is* a 2×2 convolution with stride 2 whose four weights are all ¼ and which mixes no channels. So
# ours can do all that averaging and a 1×1 convolution can do, and can also keep differences of neighbours. The price:
# four times the weights and the operations of that pair, which is still little beside the 3×3 convolutions.
#
# **Rubric** (½ points allowed)
#
# - 2 points: noise is independent from pixel to pixel, so what is thrown away cannot be recovered
# - 2 points: averaging is one setting of the 2×2 convolution, which can also keep differences
# - 1 point: four times the weights and operations

# %% [markdown]
# ## 3 · Telling the time
#
# One network serves all noise levels, so it must be told which one it sees. The bare number $t$ is a poor messenger:
# to a linear layer 17 and 18 are nearly the same, while 199 shouts. Vaswani et al. (2017) show a position as many
# waves of different lengths, like the hands of a clock: the fast ones tell neighbours apart, the slow ones tell early
# from late. With $h = \lfloor \texttt{dim}/2 \rfloor$ and $i = 0, \dots, h-1$,
#
# $$\text{emb}(t) = \big[\sin(\omega_0 t), \dots, \sin(\omega_{h-1} t),\ \cos(\omega_0 t), \dots,
# \cos(\omega_{h-1} t)\big], \qquad \omega_i = \exp\Big({-\frac{i \,\ln 10^4}{\max(h-1,\, 1)}}\Big). \tag{1}$$
#
# The frequencies fall from 1 to 1/10,000. Why both sine and cosine? One wave alone passes every height twice, once
# rising and once falling; the pair is the tip of a clock's hand, and no two times on the way round look the same.
#
# **Exercise 1** · easy · 8 minutes

# %% task="unet.SinusoidalPosEmb"
class SinusoidalPosEmb(nn.Module):
    """Sines and cosines of the time, equation (1)."""

    def __init__(self, dim):
        super().__init__()
        self.dim = dim

    def forward(self, t):
        """t: (b,) integer or floating → (b, dim) floating, all sines first, then all cosines. dim is even."""
        ####################################################################
        # TODO: equation (1). About 5 lines.                               #
        # 1. The dim // 2 frequencies, on t's device; where there is only  #
        #    one, the max() keeps you from dividing by zero.               #
        # 2. Every time with every frequency: (b, dim // 2).               #
        # 3. All sines, then all cosines: (b, dim).                        #
        ####################################################################
        ### BEGIN SOLUTION
        half = self.dim // 2
        exponents = torch.arange(half, device=t.device) / max(half - 1, 1)
        frequencies = torch.exp(-math.log(10_000) * exponents)
        angles = t[:, None] * frequencies  # (b, dim // 2)
        return torch.cat([angles.sin(), angles.cos()], dim=-1)
        ### END SOLUTION
        ####################################################################
        #                         END OF YOUR CODE                         #
        ####################################################################

# %% check="unet.SinusoidalPosEmb"
check("unet.SinusoidalPosEmb")

# %% tags=["demo"]
times = torch.tensor([17, 18, 60, 199])
plot.show(diagrams.clocks(SinusoidalPosEmb(24)(times), [f"$t = {t}$" for t in times]),
          alt="Four times as rows of twelve clocks. From 17 to 18 only the first hands move; 199 differs from both in "
              "the slower ones as well; the last hands stand still.")

# %% [markdown]
# Each clock shows one pair of your entries. From 17 to 18 only the fast hands on the left move; 199 has turned the
# slow ones as well. The slowest hardly stir in 200 steps: they were made for longer chains. In our network two linear
# layers with a GELU between them then turn the embedding into a vector of length $4\cdot$`dim`.
#
# ## 4 · Keeping the size
#
# A deep network multiplies many times; what is a little too large grows without end, what is a little too small dies
# out. So each 3×3 convolution of a block is followed by a norm. *RMSNorm* (Zhang & Sennrich 2019) takes the vector of
# $C$ channels in each pixel, brings its root mean square to 1, and gives every channel a learned gain $g_c$:
#
# $$y_c = \frac{x_c}{\sqrt{\frac1C \sum_k x_k^2}}\; g_c = \frac{x_c}{\lVert x \rVert_2}\,\sqrt{C}\; g_c. \tag{2}$$
#
# The sum runs over the channels of one pixel: no other pixel has a say, and no other image of the batch. No mean is
# subtracted either. Where a pixel is zero in all channels, its length is 0 too, and it should simply stay zero.
#
# **Exercise 2** · easy · 8 minutes
#
# <details><summary><b>Stuck?</b></summary>
#
# Think of a pixel of zeros. What is 0/0? And what is the slope of the square root at 0, which the gradient multiplies
# by? So the number under the root must not be 0 itself: a tiny epsilon is allowed.
#
# </details>

# %% task="unet.RMSNorm"
class RMSNorm(nn.Module):
    """Root mean square norm over the channels, equation (2)."""

    def __init__(self, dim):
        super().__init__()
        self.g = nn.Parameter(torch.ones(1, dim, 1, 1))

    def forward(self, x):
        """x: (b, C, h, w) → the same shape. A pixel whose channels are all 0 stays 0, it does not become NaN."""
        ####################################################################
        # TODO: equation (2). About 1 line.                                #
        # Nothing may become NaN where a pixel's length is 0, neither the  #
        # answer nor its gradient.                                         #
        ####################################################################
        ### BEGIN SOLUTION
        return F.normalize(x, dim=1) * math.sqrt(x.shape[1]) * self.g
        ### END SOLUTION
        ####################################################################
        #                         END OF YOUR CODE                         #
        ####################################################################

# %% check="unet.RMSNorm"
check("unet.RMSNorm")

# %% tags=["demo"]
def sizes(norm, depth=24):
    """The standard deviation after each of 24 random convolutions with GELU."""
    torch.manual_seed(0)
    x, result = torch.randn(4, 24, 16, 16), []
    with torch.no_grad():
        for _ in range(depth):
            x = F.gelu(norm(nn.Conv2d(24, 24, 3, padding=1)(x)))
            result.append(x.std())
    return torch.stack(result)


plot.show(plot.curves(torch.arange(1, 25), {"with RMSNorm": sizes(RMSNorm(24)), "without": sizes(nn.Identity())},
                      xlabel="convolutions", ylabel="standard deviation", logy=True),
          alt="Without a norm the standard deviation falls to a ninth from the first to the third convolution; with "
              "RMSNorm it stays near a half.")

# %% [markdown]
# Without a norm the signal dies within a few convolutions; what is left on the lower curve are the convolutions' own
# biases. Older UNets had BatchNorm, ReLU and transposed convolutions where ours has RMSNorm, GELU and a bilinear
# stretch: BatchNorm ties together images of different noise levels and acts otherwise in training than in sampling,
# ReLU passes no gradient below zero, and the stamps you have seen.
#
# ## 5 · The block, and how the context enters it
#
# How does a vector speak to an image? It sets the volume of each channel. From the context vector, after a GELU, a
# linear layer makes a scale $s_c$ and a shift $b_c$ for every channel, and they act on all pixels alike:
#
# $$x_c \;\mapsto\; x_c \cdot (s_c + 1) + b_c. \tag{3}$$
#
# This is *feature-wise modulation* (Perez et al. 2018). It costs hardly any operations (but
# parameters: more than a quarter of those on the first level), and the network can switch whole features on or off,
# depending on the time: coarse strokes when all is noise, fine edges when little noise is left. Why $s_c + 1$? So that
# a context that says nothing, $s = b = 0$, changes nothing.
#
# `Block`, which is given, does one convolution with its norm, (3) and a GELU. Yours is the `ResnetBlock` of two Blocks
# beside a residual connection: its `__init__` builds the parts, you connect them in `forward`. The context modulates
# the first Block only; dropout stands between the two (in train mode it sets one entry in ten to zero, at random, so
# that the network relies on no single one).

# %% tags=["setup"]
class Block(nn.Module):
    """3×3 convolution → RMSNorm → x·(scale + 1) + shift → GELU, equation (3)."""

    def __init__(self, dim, dim_out):
        super().__init__()
        self.proj = nn.Conv2d(dim, dim_out, 3, padding=1)
        self.norm = RMSNorm(dim_out)
        self.act = nn.GELU()

    def forward(self, x, scale_shift=None):
        """x: (b, dim, h, w), scale_shift: None or two tensors (b, dim_out, 1, 1) → (b, dim_out, h, w)."""
        x = self.norm(self.proj(x))
        if scale_shift is not None:
            scale, shift = scale_shift
            x = x * (scale + 1) + shift
        return self.act(x)


class ResnetBlock(nn.Module):
    """Two Blocks beside a residual connection; the context modulates the first."""

    def __init__(self, dim, dim_out, context_dim):
        super().__init__()
        self.dim, self.dim_out, self.context_dim = dim, dim_out, context_dim
        self.mlp = nn.Sequential(nn.GELU(), nn.Linear(context_dim, dim_out * 2))
        self.block1 = Block(dim, dim_out)
        self.block2 = Block(dim_out, dim_out)
        self.res_conv = nn.Conv2d(dim, dim_out, 1) if dim != dim_out else nn.Identity()
        self.dropout = nn.Dropout(0.1)

# %% [markdown]
# **Exercise 3** · medium · 12 minutes. `res_conv` is a 1×1 convolution where the number of channels changes, else the
# identity; you need not care which. `@method_of(ResnetBlock)` puts your function into the class
# above. Running the class's cell again makes a new class without it, so then run this one again too.
#
# <details><summary><b>Stuck?</b></summary>
#
# Print the shape of `self.mlp(context)`. Which of its numbers are the scales, and which shape must they have so that
# they act on all pixels of `(b, dim_out, h, w)`?
#
# </details>

# %% task="unet.ResnetBlock.forward"
@method_of(ResnetBlock)
def forward(self, x, context):
    """x: (b, dim, h, w), context: (b, context_dim) → (b, dim_out, h, w)."""
    ####################################################################
    # TODO: two blocks beside a residual connection. About 5 lines.    #
    # self.mlp, which has its GELU already, makes 2·dim_out numbers of #
    # the context: first all scales, then all shifts. Block takes them #
    # as one pair. self.dropout holds the rate and knows the mode.     #
    ####################################################################
    ### BEGIN SOLUTION
    scale, shift = self.mlp(context)[:, :, None, None].chunk(2, dim=1)  # (b, dim_out, 1, 1) each
    h = self.block1(x, (scale, shift))
    h = self.dropout(h)
    h = self.block2(h)
    return h + self.res_conv(x)
    ### END SOLUTION
    ####################################################################
    #                         END OF YOUR CODE                         #
    ####################################################################

# %% check="unet.ResnetBlock.forward"
check("unet.ResnetBlock.forward")

# %% [markdown]
# **Question 2.** Suppose (3) were $x_c \cdot s_c + b_c$, and the linear layer that makes $s$ and $b$ started at
# exactly zero, as in many modern networks. What would still come through the whole ResnetBlock, for any image and any
# time? And which of its layers would the first gradient step change, which not?

# %% [markdown] question="unet.2"
# With $s = b = 0$ everything is multiplied by zero: after the GELU `block1` gives 0 for any image at any time. The
# second Block then turns zeros into a constant, the same everywhere (its convolution's bias, normed). Only the
# residual connection still carries the image, so the network would work like a chain of `res_conv`s, Downsamples and
# Upsamples: linear, and deaf to time and condition.
#
# The gradient that reaches `block1`'s convolution is multiplied by $s = 0$ as well, so this convolution learns nothing
# at first. The linear layer of the context does move, since its own gradient is made from the normed activations; so do
# `res_conv` and `block2`'s bias. The start is slow, and the deeper the network the slower. With $s + 1$ the block is an
# ordinary convolution from the first step on.
#
# **Rubric** (½ points allowed)
#
# - 2 points: `block1` gives zeros, so only the residual connection still carries the image
# - 2 points: `block1`'s convolution does not move, because its gradient is multiplied by $s = 0$
# - 1 point: the context's linear layer does move

# %% [markdown]
# ## 6 · The two sides of the U
#
# Now the levels. With `dims = [24, 48, 96]` there are two: one works with 24 channels and hands 48 to the next, which
# hands 96 to the bottom. A level on the way **down** holds two ResnetBlocks that keep its channels, then a Downsample
# to the next level's. Write it so that it takes any number of levels. The modules must sit in `nn.ModuleList`s: a plain
# Python list hides them from `state_dict`, from the optimizer and from `.to(device)`.
#
# **Exercise 4** · medium · 10 minutes
#
# <details><summary><b>Stuck?</b></summary>
#
# List by hand, for `dims = [24, 48, 96]`, the three modules of each level with their channels in and out. Then find the
# loop that runs over neighbours in `dims`.
#
# </details>

# %% task="unet.down_blocks"
def down_blocks(dims, context_dim):
    """The way down.

    Args:
        dims: Channels from full resolution to the bottom, e.g. [24, 48, 96]: one level between each two; not changed.
        context_dim: Length of the context that every ResnetBlock gets.

    Returns:
        nn.ModuleList of one nn.ModuleList a level, top first: two ResnetBlocks that keep the level's channels, then the
        Downsample to the next level's.
    """
    ####################################################################
    # TODO: the levels, from the top. About 6 lines.                   #
    ####################################################################
    ### BEGIN SOLUTION
    downs = nn.ModuleList()
    for dim, dim_out in zip(dims[:-1], dims[1:]):
        block1 = ResnetBlock(dim, dim, context_dim)
        block2 = ResnetBlock(dim, dim, context_dim)
        downs.append(nn.ModuleList([block1, block2, Downsample(dim, dim_out)]))
    return downs
    ### END SOLUTION
    ####################################################################
    #                         END OF YOUR CODE                         #
    ####################################################################

# %% check="unet.down_blocks"
check("unet.down_blocks")

# %% [markdown]
# The way **up** mirrors it. A level begins with an Upsample from the lower level's channels back to its own. Then come
# two ResnetBlocks, and each gets a skip: one of the two boxes that the way down kept at this level, *concatenated* with
# what comes from below. After each block the picture shows the level's own channels again. How many must a block
# accept? The first level of the list is the one at the bottom.
#
# **Exercise 5** · medium · 10 minutes
#
# <details><summary><b>Stuck?</b></summary>
#
# Take level 14 × 14 of the picture. Write down the shape of what Upsample gives there, the shape of one grey box, and
# the shape of both after `torch.cat`.
#
# </details>

# %% task="unet.up_blocks"
def up_blocks(dims, context_dim):
    """The way up, the mirror of `down_blocks`.

    Args:
        dims: Channels from full resolution to the bottom, as in `down_blocks`; not changed.
        context_dim: Length of the context that every ResnetBlock gets.

    Returns:
        nn.ModuleList of one nn.ModuleList a level, bottom first: the Upsample to the level's channels, then two
        ResnetBlocks, each of which is given x with a skip joined to it and gives back the level's channels.
    """
    ####################################################################
    # TODO: the levels, from the bottom up. About 7 lines.             #
    ####################################################################
    ### BEGIN SOLUTION
    ups = nn.ModuleList()
    for dim, dim_out in reversed(list(zip(dims[:-1], dims[1:]))):
        upsample = Upsample(dim_out, dim)
        block1 = ResnetBlock(2 * dim, dim, context_dim)
        block2 = ResnetBlock(2 * dim, dim, context_dim)
        ups.append(nn.ModuleList([upsample, block1, block2]))
    return ups
    ### END SOLUTION
    ####################################################################
    #                         END OF YOUR CODE                         #
    ####################################################################

# %% check="unet.up_blocks"
check("unet.up_blocks")

# %% [markdown]
# <details><summary><b>What you derived</b></summary>
#
# x and its skip have $d$ channels each, so a block on the way up takes
#
# $$C_\text{in} = 2d, \qquad C_\text{out} = d, \tag{4}$$
#
# whatever the level below has.
#
# </details>
#
# That makes the way up the heavier half; section 8 counts it.
#
# ## 7 · A condition, sometimes
#
# The network should draw the digit that we ask for. The wish, its **condition**, is a vector for each sample, `text_emb` of
# shape `(b, condition_dim)`: here a row of a table with ten classes; it could as well be the embedding of a whole
# sentence. (Notebook 11 lets a sentence in word by word.) It joins the time in one context:
#
# $$\text{context} = \texttt{time\_mlp}(t) + \texttt{condition\_mlp}(\texttt{text\_emb}). \tag{5}$$
#
# In notebook 07 we shall also need a network that draws digits *without* a wish. Instead of training a second one, we
# let the condition of one sample in five go missing during training (Ho & Salimans 2022): its row of `text_emb` becomes
# zero. Only the condition goes; the time stays. The zero row still passes through `condition_mlp`, whose answer to it
# is learned and need not be zero: it is the network's word for “no wish”, and the same that it gets to hear for
# `text_emb=None`.
#
# **Exercise 6** · easy · 6 minutes. The uniform numbers come as an argument, one for each sample, so that the
# function itself throws no dice and can be tested.

# %% task="unet.drop_condition"
def drop_condition(text_emb, prob, u):
    """Replaces some rows of `text_emb` by zeros: row i is kept where u[i] ≥ prob.

    Args:
        text_emb: (b, condition_dim); not changed.
        prob: Probability that a row is dropped, in [0, 1].
        u: (b,) uniform in [0, 1), one draw for each sample.

    Returns:
        (b, condition_dim). The rows that are kept are not rescaled.
    """
    ####################################################################
    # TODO: whole rows. About 2 lines.                                 #
    ####################################################################
    ### BEGIN SOLUTION
    keep = (u >= prob).to(text_emb.dtype)
    return text_emb * keep[:, None]
    ### END SOLUTION
    ####################################################################
    #                         END OF YOUR CODE                         #
    ####################################################################

# %% check="unet.drop_condition"
check("unet.drop_condition")

# %% [markdown]
# ## 8 · The whole network
#
# The class is given. Compare `__init__` with the picture in section 1, from left to right. Two small helpers come with
# it: `check_size` turns an image that cannot be halved often enough into a clear sentence, and `cfg_forward` is a door
# for guidance. Notebook 07 opens it; nothing here needs it.

# %% tags=["setup"]
class Unet(nn.Module):
    """Predicts the noise of a noisy image from the image, its time and a condition.

    dim: channels at full resolution; dim_mults: channels of each level below, as multiples of dim;
    condition_dim: length of a row of text_emb; uncond_prob: share of conditions dropped while training.
    """

    def __init__(self, dim, condition_dim, dim_mults=(1, 2, 4, 8), channels=3, uncond_prob=0.2):
        super().__init__()
        self.channels, self.condition_dim, self.uncond_prob = channels, condition_dim, uncond_prob
        dims = [dim, *(dim * m for m in dim_mults)]
        context_dim = 4 * dim

        self.init_conv = nn.Conv2d(channels, dim, 3, padding=1)
        self.time_mlp = nn.Sequential(SinusoidalPosEmb(dim), nn.Linear(dim, context_dim), nn.GELU(),
                                      nn.Linear(context_dim, context_dim))
        self.condition_mlp = nn.Sequential(nn.Linear(condition_dim, context_dim), nn.GELU(),
                                           nn.Linear(context_dim, context_dim))
        self.downs = down_blocks(dims, context_dim)
        self.mid_block1 = ResnetBlock(dims[-1], dims[-1], context_dim)
        self.mid_block2 = ResnetBlock(dims[-1], dims[-1], context_dim)
        self.ups = up_blocks(dims, context_dim)
        self.final_conv = nn.Conv2d(dim, channels, 1)

    def check_size(self, x):
        """ValueError where the image cannot be halved once a level."""
        factor = 2 ** len(self.downs)
        if x.shape[-2] % factor or x.shape[-1] % factor:
            raise ValueError(f"Height and width must be divisible by {factor} (2 to the number of levels), "
                             f"but x is {x.shape[-2]} × {x.shape[-1]}.")

    def cfg_forward(self, x, time, model_kwargs):
        """The prediction with guidance, where model_kwargs has a cfg_scale."""
        raise Unfinished("`Unet.cfg_forward` is the door to guidance: notebook 07 writes this.")

# %% [markdown]
# **Exercise 7** · hard · 25 minutes. Walk through the picture once with your finger before you write: it is all there,
# but two things. In train mode some conditions go missing, by `self.uncond_prob` and one uniform number a sample, on
# `x`'s device. And where a skip is joined, `x` comes first: trained weights depend on that order.
#
# <details><summary><b>Stuck?</b></summary>
#
# Begin with the way down alone: a loop over `self.downs` that unpacks each level into its three modules and puts what
# is to be kept into a list. Print the shapes in that list; then decide from which end the way up takes them.
#
# </details>

# %% task="unet.forward"
@method_of(Unet)
def forward(self, x, time, model_kwargs={}):
    """The predicted noise.

    Args:
        x: (b, channels, h, w), h and w divisible by 2 to the number of levels.
        time: (b,) integer steps of the chain.
        model_kwargs: May hold `text_emb` (b, condition_dim); where it is missing or None, the given lines put zeros in
            its place, which go through condition_mlp like any row. Read, never written.

    Returns:
        (b, channels, h, w).
    """
    if model_kwargs.get("cfg_scale") is not None:  # the door to guidance, notebook 07
        return self.cfg_forward(x, time, model_kwargs)
    self.check_size(x)
    text_emb = model_kwargs.get("text_emb")
    if text_emb is None:
        text_emb = x.new_zeros(x.shape[0], self.condition_dim)
    ####################################################################
    # TODO: the context, then the picture from left to right. About    #
    # 18 lines.                                                        #
    ####################################################################
    ### BEGIN SOLUTION
    if self.training:
        u = torch.rand(x.shape[0], device=x.device)
        text_emb = drop_condition(text_emb, self.uncond_prob, u)
    context = self.time_mlp(time) + self.condition_mlp(text_emb)  # (b, 4·dim)

    x, skips = self.init_conv(x), []
    for block1, block2, downsample in self.downs:
        x = block1(x, context)
        skips.append(x)
        x = block2(x, context)
        skips.append(x)
        x = downsample(x)

    x = self.mid_block2(self.mid_block1(x, context), context)

    for upsample, block1, block2 in self.ups:
        x = upsample(x)
        x = block1(torch.cat([x, skips.pop()], dim=1), context)
        x = block2(torch.cat([x, skips.pop()], dim=1), context)
    return self.final_conv(x)
    ### END SOLUTION
    ####################################################################
    #                         END OF YOUR CODE                         #
    ####################################################################

# %% check="unet.forward"
check("unet.forward")

# %% [markdown]
# If all checks so far passed, this is a complete diffusion network. Where do its parameters sit, and where is its work
# done? A *hook* on every layer, a function that torch calls each time the layer has run, counts both by the formula of
# section 2.

# %% tags=["demo"]
places = {"downs.0": "down 0", "downs.1": "down 1", "mid": "bottom", "ups.0": "up 1", "ups.1": "up 0",
          "time": "context", "condition": "context", "": "first, last"}
thousands, millions = ({part: 0.0 for part in places.values()} for _ in range(2))
unet = Unet(24, 64, (2, 4), channels=1).eval()
counted = diagrams.costs(unet, torch.zeros(1, 1, 28, 28), torch.zeros(1, dtype=torch.long))
for layer, (parameters, operations) in counted.items():
    part = next(part for place, part in places.items() if layer.startswith(place))
    thousands[part] += parameters / 1e3
    millions[part] += operations / 1e6
plot.show(plot.bar_panels({"parameters, thousands": thousands, "multiply-adds, millions": millions}),
          alt="Parameters and multiply-adds of each part: the bottom holds the largest share of the parameters, while "
              "the two sides do most of the work.")
print(f"{1e3 * sum(thousands.values()):,.0f} parameters, {sum(millions.values()):.0f} million multiply-adds an image")

# %% [markdown]
# **Question 3.** From level 0, at full resolution, to level 1 the number of channels doubles. Explain the ratios of
# the two levels' bars, in both panels, by the formula of section 2. (For the parameters it predicts a whole number; why
# do the bars not quite reach it?) And where would you spend twice the *operations*, where twice the *parameters*?

# %% [markdown] question="unet.3"
# A 3×3 convolution from $C$ to $C$ channels has $9C^2$ weights and costs $9C^2 hw$. From one level to the next $C$
# doubles and $hw$ is divided by four: the weights grow fourfold, the cost stays the same. Every level does about the
# same work, and the lower a level, the more it knows.
#
# The bars of parameters grow 3.45-fold on the way down and 3.64-fold on the way up, not quite 4: all convolutions grow
# fourfold, but each `mlp` goes from the context, whose length is the same everywhere, to $2C$ numbers, so it only
# doubles. (Biases and gains double as well; they are few.)
#
# Operations are spent where pixels are many: more blocks at full resolution, or a larger `dim`. Parameters are nearly
# free at the bottom: another pair of middle blocks, or attention, adds many weights and little work.
#
# **Rubric** (½ points allowed)
#
# - 2 points: weights times four by $C^2$, work unchanged because $hw$ falls by four
# - 1 point: each `mlp` only doubles
# - 2 points: operations to full resolution, parameters to the bottom

# %% [markdown]
# ## 9 · Does it learn?
#
# Before a new network trains for an hour, give it a task that it cannot fail: **one batch, learned by heart**.
# Images, times and noise stay fixed, so the loss must fall towards zero. If it does not, something is broken; you
# know it after ten seconds. We use the same test for an experiment: the network once as it is, and once with its
# skips cut. The cut is another hook: it fills the skip's half of each block's input with zeros.

# %% tags=["demo"]
def cut_skips(unet):
    """Fills the skip's channels with zeros before each block of the way up."""
    def cut(block, inputs):
        x, *rest = inputs
        half = x.shape[1] // 2
        return torch.cat([x[:, :half], torch.zeros_like(x[:, half:])], dim=1), *rest

    for _, *blocks in unet.ups:
        for block in blocks:
            block.register_forward_pre_hook(cut)
    return unet

# %% tags=["demo"]
def by_heart(unet, x_t, t, noise, steps=120):
    """Trains on one fixed batch; returns the losses and the last prediction."""
    optimizer, losses = torch.optim.Adam(unet.parameters(), lr=3e-3), []
    for _ in range(steps):
        optimizer.zero_grad()
        prediction = unet(x_t, t)
        loss = F.mse_loss(prediction, noise)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses, prediction.detach()

# %% tags=["demo"]
torch.manual_seed(0)
t, noise = torch.linspace(20, 190, 6).long(), torch.randn(6, 1, 28, 28)
x_t = path.add_noise(x_data[::500][:6], t, noise)
results = {}
for name, change in {"with skips": lambda unet: unet, "without skips": cut_skips}.items():
    torch.manual_seed(0)
    results[name] = by_heart(change(Unet(8, 10, (2, 4), channels=1)), x_t, t, noise)
plot.show(plot.curves(torch.arange(1, 121), {name: losses for name, (losses, _) in results.items()}, logy=True,
                      xlabel="training step", ylabel="loss on the one batch"),
          alt="With skips the loss falls fast, without them it stays far higher.")

# %% tags=["demo"]
rows = {"its noise": noise}
for name, (_, found) in results.items():
    rows |= {f"found {name}": found, f"missing {name}": noise - found}
plot.show(plot.image_grid(torch.stack(list(rows.values())) / 4 + 0.5, rows=list(rows),
                          columns=[f"t = {time}" for time in t]),
          alt="Six noises, what each network found of them, and what it missed, all on one scale: with skips the rest "
              "is an almost even grey, without skips most of the grain is missing.")

# %% [markdown]
# Look at the two rows of what is *missing*, the true noise less the one found. With skips the rest is almost an even
# grey: the noise came back grain by grain. (At small $t$ it is faint in the image, hard to tell from the digit's edge.)
# Without them all must squeeze through 7 × 7 pixels; what was found is a blur, and the grain is missing. (Dropout is
# on, so no loss reaches zero.)
#
# **Question 4.** The bottom of this small network holds 32 channels of 7 × 7 pixels: 1,568 numbers, twice as many as
# the image has pixels. So there *is* room for the noise. Why is it still so hard to bring it through? And would a
# network without skips suffer as much if it predicted $x_{\text{start}}$ in place of the noise?

# %% [markdown] question="unet.4"
# Room is not enough: the numbers must be packed and unpacked. To bring 784 independent values through, the way down
# must put every pixel of a 4 × 4 patch into its own channels, unmixed and unrounded, and the way up must put each one
# back to its place. Convolutions, norms and GELUs, which start at random, would have to learn a nearly perfect copy,
# and RMSNorm even divides out each pixel's size. The skip makes the copy for free.
#
# For what *can* be summarised, a bottleneck is no burden. A digit is smooth and simple, and an autoencoder with far
# fewer numbers draws it well. A network that predicts $x_{\text{start}}$ would lose sharp edges without skips, but not
# everything. (At small $t$, though, even then the finest detail is in the input, and passing it along is the easiest
# way to get it right.)
#
# **Rubric** (½ points allowed)
#
# - 2 points: independent values must all be packed and unpacked exactly; nothing about them can be summarised
# - 1 point: the layers would have to learn a copy, which the skip gives for free
# - 2 points: $x_{\text{start}}$ is smooth and can be summarised, so it suffers less

# %% [markdown]
# ## 10 · A short training, and an average of the weights
#
# Now real training, only short: each step draws new images, new times and new noise. The last weights jump about,
# since every batch pulls elsewhere. So one keeps a second copy, the **exponential moving average** (EMA), which is
# never trained itself. Nearly every diffusion model that you know samples with one.
#
# The rule follows from two wishes. At each step, the shares that all past steps have in the average fall by one factor,
# `decay`. And all shares, the newest step's among them, sum to 1. What does one step do to the average? *Buffers* are
# not averaged but copied: a norm's running statistics, say, or a count of batches, whatever their dtype.
#
# **Exercise 8** · medium · 12 minutes
#
# <details><summary><b>Stuck?</b></summary>
#
# Before a step the shares in the average sum to 1. Each falls by the factor `decay`: what do they sum to now? The rest
# belongs to the newest step.
#
# </details>

# %% task="unet.ema_update"
def ema_update(ema, model, decay):
    """Takes one step of the model into the average, in place.

    Args:
        ema: The averaged network. Its parameters may or may not ask for gradients; no graph is recorded.
        model: A network of the same class, which stays as it is.
        decay: Factor by which the shares of the past fall, in [0, 1].
    """
    ####################################################################
    # TODO: parameters, then buffers. About 5 lines.                   #
    ####################################################################
    ### BEGIN SOLUTION
    with torch.no_grad():
        for averaged, trained in zip(ema.parameters(), model.parameters()):
            averaged.mul_(decay).add_(trained, alpha=1 - decay)
        for averaged, trained in zip(ema.buffers(), model.buffers()):
            averaged.copy_(trained)
    ### END SOLUTION
    ####################################################################
    #                         END OF YOUR CODE                         #
    ####################################################################

# %% check="unet.ema_update"
check("unet.ema_update")

# %% [markdown]
# <details><summary><b>What you derived</b></summary>
#
# $$\theta_\text{ema} \leftarrow \texttt{decay}\cdot\theta_\text{ema} + (1-\texttt{decay})\cdot\theta \tag{6}$$
#
# </details>
#
# This averages over about the last $1/(1-\texttt{decay})$ steps. We compare both copies on digits kept aside, without a
# condition. So that half a minute shows what matters, a batch is two digits, the steps are large, and the decay is
# 0.98.

# %% tags=["demo"]
held_out = 2 * data.mnist("test")[0][::20][:32] - 1


def noisy_batch(x_start, generator):
    """x_t, t and the noise in it."""
    t = torch.randint(200, (len(x_start),), generator=generator)
    noise = torch.randn(x_start.shape, generator=generator)
    return path.add_noise(x_start, t, noise), t, noise


@torch.no_grad()
def held_out_loss(unet):
    """Mean squared error in eval mode without a condition, on the same noise every time."""
    x_t, t, noise = noisy_batch(held_out, torch.Generator().manual_seed(1))
    was_training, _ = unet.training, unet.eval()
    loss = F.mse_loss(unet(x_t, t), noise).item()
    unet.train(was_training)
    return loss

# %% tags=["demo"]
torch.manual_seed(0)
generator = torch.Generator().manual_seed(0)
unet = Unet(8, 10, (2,), channels=1)
ema, optimizer = copy.deepcopy(unet), torch.optim.Adam(unet.parameters(), lr=2e-2)
curves = {"last weights": [], "their average": []}
for step in range(1, 361):
    index = torch.randint(len(x_data), (2,), generator=generator)
    x_t, t, noise = noisy_batch(x_data[index], generator)
    optimizer.zero_grad()
    F.mse_loss(unet(x_t, t, {"text_emb": F.one_hot(labels[index], 10).float()}), noise).backward()
    optimizer.step()
    ema_update(ema, unet, min(0.98, step / (step + 9)))  # (6); at the start over fewer steps
    if step >= 200 and step % 10 == 0:
        curves["last weights"].append(held_out_loss(unet))
        curves["their average"].append(held_out_loss(ema))
plot.show(plot.curves(torch.arange(200, 361, 10), curves, xlabel="training step", ylabel="loss on held-out digits"),
          alt="The last weights' loss jumps up and down and hardly ever comes down to their average's, which is calm.")

# %% [markdown]
# The average is calm where the last weights jump; only a lucky step reaches it. It is the first breath of a longer run.
# `TRAIN = True` at the top runs all of it with your class and shows loss and samples. You may interrupt it: the
# sections below then go on with the shipped weights, and `resume=True` in the cell below goes on where the run stopped.
#
# It has three habits of long runs. *Mixed precision* computes in 16 bits what does not need 32. *Gradient clipping*
# shortens a gradient that is too long, so that one bad batch cannot throw the weights off. *Augmentation* shifts, turns
# and scales the digits a little, so that a few thousand look like many more.

# %% tags=["demo"]
from course_utils.recipes.mnist import MnistUnet


class Mine(MnistUnet):
    """The shipped checkpoint's recipe around this notebook's class."""

    def model(self):
        return Unet(**self.ARGS)


times = [f"{minutes:g} minutes on {machine}" for machine, minutes in Mine.minutes.items()] or ["not measured yet"]
print(f"the whole run: {Mine.steps:,} steps of {Mine.batch_size} digits, decay {Mine.ema}; {', '.join(times)}")
folder = zoo.FOLDER
if TRAIN:
    finished = training.train(Mine(), resume=False, out=training.RUNS / "finished")
    folder = finished.parent if finished else folder  # where it was interrupted, the shipped weights serve below

# %% [markdown]
# ## 11 · Weights from elsewhere
#
# The course ships a network that was trained in this way. Its file holds a name and a tensor for each parameter, no
# code. It loads into *your* class if every name and every shape is the same.

# %% tags=["demo"]
shipped = zoo.load("mnist-unet", folder)


def trained():
    """Your Unet with the shipped weights, in eval mode."""
    unet = Unet(**shipped.config["args"])
    unet.load_state_dict(shipped.model.state_dict())  # raises where a name or a shape does not fit
    return unet.eval()


unet = trained()
x_t, t, noise = noisy_batch(held_out, torch.Generator().manual_seed(1))
with torch.no_grad():
    difference = (unet(x_t, t) - shipped.model(x_t, t)).abs().max()
print(f"{sum(p.numel() for p in unet.parameters()):,} parameters; loss on held-out digits {held_out_loss(unet):.4f}")
print("the same outputs as the library's fast version:", bool(difference < 1e-4))
if difference >= 1e-4:
    print(name_red())

# %% [markdown]
# Compare its loss with the short training's. But a loss says little about pictures: let it draw one digit of each
# class, in all 200 steps. If your notebook 05 lies beside this one and its checks pass, your own sampler does it.

# %% tags=["demo"]
GaussianDiffusion, whose = own("05_ddpm", "GaussianDiffusion", checks=[
    "ddpm.cosine_beta_schedule", "ddpm.extract", "ddpm.predict_start_from_noise", "ddpm.posterior_tables",
    "ddpm.p_sample"])


def draw(unet, classes):
    """One digit for each class, (n, 1, 28, 28) in [0, 1], by all 200 steps of the chain."""
    torch.manual_seed(5)
    kwargs = {"text_emb": shipped.encode(classes)}
    if GaussianDiffusion is None:
        noise = torch.randn(len(classes), 1, 28, 28)
        return (sample_ancestral(partial(unet, model_kwargs=kwargs), noise, path) + 1) / 2
    diffusion = GaussianDiffusion(unet, image_size=28, timesteps=200, beta_schedule="cosine")
    diffusion.channels = 1
    return diffusion.sample(len(classes), model_kwargs=kwargs)


drawn = draw(trained(), torch.arange(10))
print(whose)
plot.show(plot.images(drawn, titles=[str(i) for i in range(10)]), alt="Ten generated digits, one of each class.")

# %% [markdown]
# Most are what was asked for; some are doubtful. Handwriting is, and this network hears its wish but does not insist on
# it. A hundred more came with the checkpoint, drawn by the same network with a little guidance, the
# subject of notebook 07. A classifier trained on real digits looked at many such samples; printed below is the share
# that it took for the digit asked for.

# %% tags=["demo"]
import numpy as np
from PIL import Image

sheet = torch.tensor(np.array(Image.open(zoo.samples("mnist-unet", folder)))) / 255  # (280, 280): ten rows of ten
digits = sheet.unfold(0, 28, 28).unfold(1, 28, 28).reshape(100, 1, 28, 28)
plot.show(plot.images(digits, columns=20), alt="A hundred generated digits, in the order 0 to 9, ten times.")
print(f"recognised as their class: {shipped.metrics['recognised']:.1%} of {shipped.config['measured']:,} samples")

# %% [markdown]
# ## 12 · Looking inside
#
# Pick a layer, a time and a digit, and see its feature maps: the noisy image first, then the layer's first 24
# channels, then the noise that the network found and the $\hat x_{\text{start}}$ that follows from it.
#
# **Before you move it, guess:** in which layers will you still recognise the digit, and where will the maps look like
# noise?

# %% tags=["demo", "nbval-ignore-output"]
inside = trained()
layers = {"first convolution": inside.init_conv, "down, 28×28": inside.downs[0][1], "down, 14×14": inside.downs[1][1],
          "bottom, 7×7": inside.mid_block2, "up, 14×14": inside.ups[0][2], "up, 28×28": inside.ups[1][2]}


def look(layer, time, digit):
    """The noisy digit, 24 channels of a layer, the noise found and x_start."""
    t, found = torch.tensor([time]), []
    x_t = path.add_noise(x_data[labels == digit][3:4], t, torch.randn(1, 1, 28, 28, generator=torch.manual_seed(0)))
    kwargs = {"text_emb": shipped.encode([digit])}
    maps = diagrams.feature_maps(layers[layer], lambda: found.append(inside(x_t, t, kwargs)))
    x_start = ((x_t - path.sigma(t).float() * found[0]) / path.alpha(t).float()).clamp(-1, 1)
    tiles = [x_t / 4 + 0.5, F.interpolate(maps, size=28), found[0] / 4 + 0.5, (x_start + 1) / 2]
    return plot.images(torch.cat(tiles), columns=9, titles=["$x_t$", *[""] * 24, "noise", "$\\hat{x}_{start}$"])


widgets.explore(look, caption=lambda layer, time, digit: f"The layer “{layer}” at t = {time}, for a {digit}.",
                layer=widgets.Control(list(layers), "down, 14×14"), time=widgets.Control([5, 60, 120, 190], 60),
                digit=widgets.Control([3, 7], 3))

# %% [markdown]
# On the way down the maps are edges and strokes at small $t$, then grain. At the bottom 49 pixels a channel are left,
# and hardly a map is a picture; a pixel knows of the whole digit. At 14 × 14 on the way up the digit is back, often
# clearer than it went in. In the last level, from $t = 60$ on, it is nearly gone again: found in order to be subtracted.
# It hands noise to the last convolution. At $t = 190$ almost nothing of the digit is left in the input; the
# $\hat x_{\text{start}}$ is a guess, blurred over all the threes (or sevens) that it could be.
#
# ## Puzzle
#
# Three classmates, A, B and C, trained the same network with the same seeds. Each had written one line of the class in
# a way of their own, and nothing else. Two of their checkpoints do not load into your class. The third loads without a
# word, and draws this:

# %% tags=["demo"]
files = zoo.misfits(trained().state_dict())
for name, weights in files.items():
    try:
        theirs = trained()
        theirs.load_state_dict(weights)
        print(f"{name}: loaded; loss on held-out digits {held_out_loss(theirs):.2f}")
    except RuntimeError as e:
        print(f"{name}: {' '.join(str(e).split())[:150]} …")
wish = partial(theirs, model_kwargs={"text_emb": shipped.encode([3, 4, 7, 8])})
noise = torch.randn(4, 1, 28, 28, generator=torch.manual_seed(0))
plot.show(plot.images((samplers.sample(wish, noise, plans.plan_ddim(path, 20)) + 1) / 2),
          alt="Four digits as light strokes, still covered with grain; the last is thin and broken.")

# %% [markdown]
# Which line did each of them write? How do you load each file without training anything? (`files["A"]` to
# `files["C"]` are dictionaries from names to tensors. Compare them with your own.)
#
# <details><summary><b>Answer</b></summary>
#
# **A**, a name: their `__init__` calls the bottom's blocks `middle1` and `middle2`. Rename the keys.
#
# **B**, a shape: their RMSNorm keeps `g` as $(C)$ and reshapes it in `forward`; yours has $(1, C, 1, 1)$. Reshape every
# `g`; the numbers are the same.
#
# **C**, an order, which is silent: of all tensors only `time_mlp.1.weight` differs, and its two halves of columns have
# changed places. Their time embedding has the cosines first. Every name and every shape agrees, so torch cannot know;
# the network is simply told a wrong time at every step, and leaves noise in the picture. Swap the halves.
# (`torch.cat([skip, x])` would be as silent, and would show in the blocks of the way up.)
#
# So a file that loads is not yet a file that fits: compare one output with a known one, as section 11 did.
#
# </details>
#
# ## Where this goes
#
# - **07** opens the door `cfg_scale`: two answers of this network, with and without the condition, make a stronger
#   one.
# - **11** puts the same UNet into the latent space of an autoencoder and lets sentences in by *cross-attention*,
#   beside the modulation of this notebook. The UNet of Stable Diffusion is this one with attention at the lower
#   levels.
# - **13** replaces it by a transformer on patches. Your modulation (3) stays; there it is called adaLN.
# - **15** is about GPU kernels: RMSNorm, modulation and GELU, three passes over memory, can be one.
#
# **References**
#
# - Ronneberger, Fischer, Brox 2015, *U-Net: Convolutional Networks for Biomedical Image Segmentation*.
# - Vaswani et al. 2017, *Attention Is All You Need*: the embedding (section 3.5).
# - Perez et al. 2018, *FiLM: Visual Reasoning with a General Conditioning Layer*: equation (3).
# - Zhang, Sennrich 2019, *Root Mean Square Layer Normalization*: equation (2).
# - Ho, Jain, Abbeel 2020, *Denoising Diffusion Probabilistic Models*: the first UNet of this kind.
# - Nichol, Dhariwal 2021, *Improved Denoising Diffusion Probabilistic Models*: scale and shift by the time.
# - Ho, Salimans 2022, *Classifier-Free Diffusion Guidance*: dropping the condition.
# - Odena, Dumoulin, Olah 2016, *Deconvolution and Checkerboard Artifacts*.
# - Shi et al. 2016, *Real-Time Single Image and Video Super-Resolution*: the pixel shuffle.
# - Karras et al. 2024, *Analyzing and Improving the Training Dynamics of Diffusion Models*: more on the average.
#
# ## Summary
#
# 1. The way down sees more of the image, the way up brings back its size, the skips bring back its detail.
# 2. Time and condition become one vector. It speaks to the image by one scale and one shift per channel.
# 3. RMSNorm sets each pixel's length to √C (times the gains), and looks at nothing but that pixel.
# 4. A convolution's cost is one product; count it before you run it.
# 5. One batch by heart tests a network in seconds; an average of the weights makes it better at no cost.
# 6. Weights fit a class by name, by shape, and by an order that nobody checks but you.
