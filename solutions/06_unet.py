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
# **Time:** about three and a half hours. The seven exercises take 105 minutes, the rest goes into reading, four
# questions and the experiments. From notebook 05 you need the noisy image:
# $x_t = \sqrt{\bar\alpha_t}\,x_0 + \sqrt{1-\bar\alpha_t}\,\varepsilon$.
#
# If this notebook imports `.py` files of your own, hand them in with it.

# %% tags=["setup"]
import copy
import math

import torch
import torch.nn.functional as F
from torch import nn

from course_utils.check import Unfinished, check, method_of

TRAIN = False  # True: section 10 trains the digits' network in full (about an hour on two cores), section 11 uses it

# %% tags=["demo"]
from functools import partial

from course_utils import data, diagrams, plot, training, widgets, zoo
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
          "image and as wide as it has channels; 24 channels at 28 × 28, 48 at 14 × 14, 96 at 7 × 7; dashed skips.")

# %% [markdown]
# The number above a box counts its channels. Grey boxes are kept; a dashed line brings each of them to the block that
# makes the box it points to. Follow the dashed lines for a moment: the box that was kept *last* is used *first*.
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
# There are other ways. To go up, one may use a *transposed convolution*, which stamps a small pattern for each pixel,
# or a *pixel shuffle*, which computes four channels and lays them out as 2×2 pixels. Below, each way up gets random
# positive weights and two images: a constant one, which should stay constant, and a digit.

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
# The patterns of period two are the famous *checkerboards* (Odena et al. 2016). Neighbouring output pixels are made by
# different weights, so only training can make them agree. With a 3×3 stamp and stride 2 they are not even made by
# equally *many* weights. Behind a bilinear stretch every pixel is treated alike, so a constant stays constant.
#
# What does the smooth way cost? A convolution with kernel $k$ costs
#
# $$k^2 \cdot C_\text{in} \cdot C_\text{out} \cdot h \cdot w \quad\text{multiply-adds}$$
#
# for $h \times w$ pixels of output (of *input* for a transposed one), so it matters on which side of the doubling it
# stands. Here are the ways between 24 channels at 28 × 28 and 48 channels at 14 × 14:

# %% tags=["demo"]
def cost(kernel, c_in, c_out, size):
    """(weights, multiply-adds) of a convolution at size × size pixels."""
    weights = kernel**2 * c_in * c_out
    return weights, weights * size**2


print(f"{'':44}  weights   million multiply-adds")
for way, (weights, operations) in {
    "down: 2×2 convolution, stride 2 (ours)": cost(2, 24, 48, 14),
    "down: 3×3 convolution, stride 2": cost(3, 24, 48, 14),
    "down: pooling, then a 1×1 convolution": cost(1, 24, 48, 14),
    "up: bilinear, then 3×3 at 28 × 28 (ours)": cost(3, 48, 24, 28),
    "up: transposed convolution 4×4": cost(4, 48, 24, 14),
    "up: 3×3 at 14 × 14 to 4·24, pixel shuffle": cost(3, 48, 4 * 24, 14),
}.items():
    print(f"{way:44} {weights:8,} {operations / 1e6:13.2f}")

# %% [markdown]
# Only the transposed convolution is cheaper. The pixel shuffle works at the small size, but computes four times as many
# channels there, so it saves nothing.
#
# **Question 1.** Max-pooling has no weights, and its output is the largest of four pixels. Which property of noise
# makes it a poor way down in a network that must *return* that noise? And average pooling: in which sense is our 2×2
# convolution at least as good, and what does it cost?

# %% [markdown] question="unet.1"
# The largest of four pixels is one pixel: three are lost, and where the one stood is lost too. For recognition that is
# welcome, for it makes the answer blind to small shifts. Noise, however, has independent values in every pixel, so
# each one that is thrown away can be guessed from nothing else. (The skips soften this: they pass by the pooling.)
#
# Average pooling *is* a 2×2 convolution with stride 2 whose four weights are all ¼ and which mixes no channels. So
# ours can do everything that averaging and a 1×1 convolution can do, and can also keep differences of neighbours, for
# example one channel for each of the four pixels. The price is in the table: four times the weights and the
# operations, which at this place is still little beside the 3×3 convolutions.

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
# rising and once falling; the pair is a point on a circle, and no two times on the way round look the same.
#
# **Exercise 1** · easy · 10 minutes

# %% task="unet.SinusoidalPosEmb"
class SinusoidalPosEmb(nn.Module):
    """Sines and cosines of the time, equation (1)."""

    def __init__(self, dim):
        super().__init__()
        self.dim = dim

    def forward(self, t):
        """t: (b,) integer or floating → (b, dim) floating, all sines first, then all cosines. dim is even."""
        ####################################################################
        # TODO: equation (1). About 4 lines.                               #
        # 1. The dim // 2 frequencies, on t's device; where there is only  #
        #    one, the max() keeps you from dividing by zero.               #
        # 2. Every time with every frequency: (b, dim // 2).               #
        # 3. All sines, then all cosines: (b, dim).                        #
        ####################################################################
        ### BEGIN SOLUTION
        half = self.dim // 2
        frequencies = torch.exp(-math.log(10_000) / max(half - 1, 1) * torch.arange(half, device=t.device))
        angles = t[:, None] * frequencies  # (b, dim // 2)
        return torch.cat([angles.sin(), angles.cos()], dim=-1)
        ### END SOLUTION
        ####################################################################
        #                         END OF YOUR CODE                         #
        ####################################################################

# %% check="unet.SinusoidalPosEmb"
check("unet.SinusoidalPosEmb")

# %% tags=["demo"]
t = torch.arange(200)
emb = SinusoidalPosEmb(24)(t)
fig, (left, right) = plot.figure(columns=2)
left.imshow(emb.T, aspect="auto", interpolation="nearest")
left.set(xlabel="time $t$", ylabel="entry of emb$(t)$", title="sines above, cosines below")
for t0 in (20, 100):
    right.plot(t, emb @ emb[t0] / 12, label=f"$t_0 = {t0}$")
right.set(xlabel="time $t$", ylabel="similarity to emb$(t_0)$", title="a time is most similar to itself")
right.legend()
plot.show(fig, alt="Left: the embedding of all 200 times, fast waves in the first rows of each half, slow ones in the "
          "last. Right: the cosine similarity to the times 20 and 100 is 1 there and falls on both sides.")

# %% [markdown]
# On the left, the fast waves tell 17 from 18. The slowest ones hardly move in 200 steps: they were made for longer
# chains. On the right, a time is most similar to itself and less to distant ones; the ripples come from the fast
# waves. In our network two linear layers with a GELU between them then turn the embedding into a vector of length
# $4\cdot$`dim`.
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
# **Exercise 2** · easy · 10 minutes

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
        # Each pixel's vector of C channels gets the length √C, then each  #
        # channel its gain. F.normalize(x, dim=...) divides by the length  #
        # and is safe where it is 0.                                       #
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
          alt="Without a norm the standard deviation falls to a thirtieth in three convolutions; with RMSNorm it stays.")

# %% [markdown]
# Without a norm the signal dies within a few convolutions. What is left on the lower curve are the convolutions' own
# biases; two different images give the same output to six or seven digits.
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
# **Exercise 3** · medium · 15 minutes. `res_conv` is a 1×1 convolution where the number of channels changes, and the
# identity where it does not; you need not care which. `@method_of(ResnetBlock)` puts your function into the class
# above. Running the class's cell again makes a new class without it, so then run this one again too.

# %% task="unet.ResnetBlock.forward"
@method_of(ResnetBlock)
def forward(self, x, context):
    """x: (b, dim, h, w), context: (b, context_dim) → (b, dim_out, h, w)."""
    ####################################################################
    # TODO: two blocks and a residual connection. About 4 lines.       #
    # 1. self.mlp makes 2·dim_out numbers of the context: first the    #
    #    scales, then the shifts, each (b, dim_out, 1, 1).             #
    # 2. block1 with (scale, shift), dropout, block2 without.          #
    # 3. Add the input, sent through res_conv.                         #
    ####################################################################
    ### BEGIN SOLUTION
    scale, shift = self.mlp(context)[:, :, None, None].chunk(2, dim=1)  # (b, dim_out, 1, 1) each
    h = self.block1(x, (scale, shift))
    h = self.block2(self.dropout(h))
    return h + self.res_conv(x)
    ### END SOLUTION
    ####################################################################
    #                         END OF YOUR CODE                         #
    ####################################################################

# %% check="unet.ResnetBlock.forward"
check("unet.ResnetBlock.forward")

# %% [markdown]
# **Question 2.** Suppose (3) were $x_c \cdot s_c + b_c$, and the linear layer that makes $s$ and $b$ started at
# exactly zero, as in many modern networks. What would `block1` give for any image and any time? Which parts of the
# whole ResnetBlock would still pass something on, and what would the first gradient steps look like?

# %% [markdown] question="unet.2"
# With $s = b = 0$ everything is multiplied by zero: after the GELU `block1` gives 0 for any image at any time. The
# second Block then turns zeros into a constant, the same everywhere (its convolution's bias, normed). Only the
# residual connection still carries the image, so the network would work like a chain of `res_conv`s, Downsamples and
# Upsamples: linear, and deaf to time and condition.
#
# It is worse for learning. The gradient with respect to `block1`'s convolution is multiplied by $s = 0$ as well, so
# this convolution learns nothing until the linear layer has moved. That layer does move, since its own gradient is
# made from the normed activations, but the start is slow, and the deeper the network the slower. With $s + 1$ the
# block is an ordinary convolution from the first step on, and learns to listen to the context on the way.

# %% [markdown]
# ## 6 · The two sides of the U
#
# Now the levels. With `dims = [24, 48, 96]` there are two: one works with 24 channels and hands 48 to the next, which
# hands 96 to the bottom. A level on the way **down** holds
#
# `[ResnetBlock(d, d), ResnetBlock(d, d), Downsample(d, d_out)]`
#
# where `d` and `d_out` are neighbours in `dims`. Write it so that it takes any number of levels. The modules must sit
# in `nn.ModuleList`s: a plain Python list hides them from `state_dict`, from the optimizer and from `.to(device)`.
#
# **Exercise 4** · medium · 15 minutes

# %% task="unet.down_blocks"
def down_blocks(dims, context_dim):
    """The way down.

    Args:
        dims: Channels from full resolution to the bottom, e.g. [24, 48, 96]: one level between each two.
        context_dim: Length of the context that every ResnetBlock gets.

    Returns:
        nn.ModuleList of one nn.ModuleList a level, top first: two ResnetBlocks that keep the level's channels, then the
        Downsample to the next level's.
    """
    ####################################################################
    # TODO: one level for each two neighbours in dims. About 4 lines.  #
    # Build each level in the order in which it is listed above.       #
    ####################################################################
    ### BEGIN SOLUTION
    downs = nn.ModuleList()
    for dim, dim_out in zip(dims[:-1], dims[1:]):
        block1, block2 = ResnetBlock(dim, dim, context_dim), ResnetBlock(dim, dim, context_dim)
        downs.append(nn.ModuleList([block1, block2, Downsample(dim, dim_out)]))
    return downs
    ### END SOLUTION
    ####################################################################
    #                         END OF YOUR CODE                         #
    ####################################################################

# %% check="unet.down_blocks"
check("unet.down_blocks")

# %% [markdown]
# The way **up** mirrors it. A level begins with an Upsample from `d_out` back to `d` channels. Then come two
# ResnetBlocks, and each gets a skip: one of the two boxes that the way down kept at this level. The skip is
# *concatenated*, so think about how many channels come in. The first level of the list is the one at the bottom.
#
# **Exercise 5** · medium · 15 minutes

# %% task="unet.up_blocks"
def up_blocks(dims, context_dim):
    """The way up, the mirror of `down_blocks`.

    Args:
        dims: Channels from full resolution to the bottom, as in `down_blocks`.
        context_dim: Length of the context that every ResnetBlock gets.

    Returns:
        nn.ModuleList of one nn.ModuleList a level, bottom first: the Upsample to the level's channels, then two
        ResnetBlocks that each take the level's channels and a skip of as many, and give back the level's channels.
    """
    ####################################################################
    # TODO: the same pairs of neighbours, from the bottom up.          #
    # About 5 lines. How many channels has a block's input, once the   #
    # skip is concatenated?                                            #
    ####################################################################
    ### BEGIN SOLUTION
    ups = nn.ModuleList()
    for dim, dim_out in zip(dims[-2::-1], dims[:0:-1]):
        upsample = Upsample(dim_out, dim)
        block1, block2 = ResnetBlock(2 * dim, dim, context_dim), ResnetBlock(2 * dim, dim, context_dim)
        ups.append(nn.ModuleList([upsample, block1, block2]))
    return ups
    ### END SOLUTION
    ####################################################################
    #                         END OF YOUR CODE                         #
    ####################################################################

# %% check="unet.up_blocks"
check("unet.up_blocks")

# %% [markdown]
# ## 7 · A condition, sometimes
#
# The network should draw the digit that we ask for. The wish comes as a vector for each sample, `text_emb` of shape
# `(b, condition_dim)`: here a row of a table with ten classes, in notebook 11 the embedding of a sentence; the door is
# the same. It joins the time in one context:
#
# $$\text{context} = \texttt{time\_mlp}(t) + \texttt{condition\_mlp}(\texttt{text\_emb}). \tag{4}$$
#
# In notebook 07 we shall also need a network that draws digits *without* a wish. Instead of training a second one, we
# let the condition of one sample in five go missing during training (Ho & Salimans 2022): its row of `text_emb` becomes
# zero. Only the condition goes; the time stays. The zero row still passes through `condition_mlp`, whose answer to it
# is learned and need not be zero: it is the network's word for “no wish”, and the same that it gets to hear for
# `text_emb=None`.
#
# **Exercise 6** · easy · 10 minutes. The uniform numbers come as an argument, one for each sample, so that the
# function itself throws no dice and can be tested.

# %% task="unet.drop_condition"
def drop_condition(text_emb, prob, u):
    """Replaces some rows of `text_emb` by zeros: row i is kept where u[i] ≥ prob.

    Args:
        text_emb: (b, condition_dim); not changed.
        prob: Share of rows to drop, in [0, 1].
        u: (b,) uniform in [0, 1), one draw for each sample.

    Returns:
        (b, condition_dim), a new tensor. The rows that are kept are not rescaled.
    """
    ####################################################################
    # TODO: one comparison, one product. About 2 lines.                #
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
# for guidance, which notebook 07 opens.

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
        """(1 + w)·cond − w·uncond with w = cfg_scale: classifier-free guidance, explained in notebook 07."""
        w, text_emb = model_kwargs["cfg_scale"], model_kwargs.get("text_emb")
        cond, uncond = self.forward(x, time, {"text_emb": text_emb}), self.forward(x, time)
        return (1 + w) * cond - w * uncond

# %% [markdown]
# **Exercise 7** · hard · 30 minutes. Walk through the picture once with your finger before you write: it is all there.

# %% task="unet.forward"
@method_of(Unet)
def forward(self, x, time, model_kwargs={}):
    """The predicted noise.

    Args:
        x: (b, channels, h, w), h and w divisible by 2 to the number of levels.
        time: (b,) integer steps of the chain.
        model_kwargs: May hold `text_emb` (b, condition_dim), or None for no condition. Read, never written.

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
    # TODO: the whole way. About 18 lines.                             #
    # 1. In train mode (self.training) drop conditions: drop_condition #
    #    with self.uncond_prob and one random number a sample, on x's  #
    #    device: torch.rand(x.shape[0], device=x.device).              #
    # 2. context = time_mlp(time) + condition_mlp(text_emb).           #
    # 3. init_conv. Then down: each level holds two blocks and a       #
    #    Downsample; keep x as a skip after each of the two blocks.    #
    # 4. mid_block1, mid_block2.                                       #
    # 5. Up: each level holds an Upsample and two blocks. Before each  #
    #    block join the newest skip that is left, x first:             #
    #    torch.cat([x, skip], dim=1), as the checkpoint expects it.    #
    # 6. final_conv.                                                   #
    ####################################################################
    ### BEGIN SOLUTION
    if self.training:
        text_emb = drop_condition(text_emb, self.uncond_prob, torch.rand(x.shape[0], device=x.device))
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
# If all seven checks passed, this is a complete diffusion network. Let us count where its parameters sit and where its
# work is done, with a *hook* on every convolution and linear layer: a function that torch calls each time the layer has
# run, with its inputs and its output.

# %% tags=["demo"]
def count(unet, size=28):
    """{part: [parameters, multiply-adds]} for one image."""
    places = {"downs.0": "down 0", "downs.1": "down 1", "mid": "bottom", "ups.0": "up 1", "ups.1": "up 0",
              "time": "context", "condition": "context", "": "first, last"}
    parts = {part: [0, 0] for part in places.values()}

    def work(module, _, y):
        module.part[1] += module.weight.numel() * y[0, 0].numel()  # weights × pixels; a linear layer has one "pixel"

    for name, module in unet.named_modules():
        if not list(module.children()):
            module.part = parts[next(part for place, part in places.items() if name.startswith(place))]
            module.part[0] += sum(p.numel() for p in module.parameters())
            if isinstance(module, (nn.Conv2d, nn.Linear)):
                module.register_forward_hook(work)
    with torch.no_grad():
        unet(torch.zeros(1, 1, size, size), torch.zeros(1, dtype=torch.long))
    return parts

# %% tags=["demo"]
parts = count(Unet(24, 64, (2, 4), channels=1).eval())
parameters, operations = (sum(column) for column in zip(*parts.values(), strict=True))
fig, panels = plot.figure(columns=2)
for i, (axes, label) in enumerate(zip(panels, ["parameters, thousands", "multiply-adds, millions"], strict=True)):
    values = [numbers[i] / (1e3, 1e6)[i] for numbers in parts.values()]
    drawn = axes.bar(list(parts), values, color=plot.SHADE, edgecolor=plot.INK)
    axes.bar_label(drawn, labels=[f"{v:.0f}" for v in values], padding=2)
    axes.set(ylabel=label, ymargin=0.12)
    axes.tick_params(axis="x", rotation=35)
plot.show(fig, alt="Parameters and multiply-adds of each part: the bottom holds the largest share of the parameters, "
          "while the two sides do most of the work.")
print(f"{parameters:,} parameters, {operations / 1e6:.0f} million multiply-adds an image")

# %% [markdown]
# **Question 3.** From level 0, at full resolution, to level 1 the number of channels doubles. Compare the two levels'
# bars in both panels and explain the ratios you see with the formula of section 2. It predicts a whole number for the
# parameters, too; why do the bars not quite reach it? If you had twice the budget of *operations*, and then twice the
# budget of *memory for parameters*, where would you spend it?

# %% [markdown] question="unet.3"
# A 3×3 convolution from $C$ to $C$ channels has $9C^2$ weights and costs $9C^2 hw$. From one level to the next $C$
# doubles and $hw$ is divided by four: the weights grow fourfold, the cost stays the same. That is the balance of this
# design: every level does about the same work, and the lower a level, the more it knows. (The way up is heavier than
# the way down, since its blocks take twice the channels.)
#
# The bars of parameters grow 3.45-fold on the way down and 3.64-fold on the way up, not quite 4: all convolutions grow
# fourfold, but each `mlp` goes from the context, whose length is the same everywhere, to $2C$ numbers, so it only
# doubles. (Biases and gains double as well; they are few.)
#
# Operations are spent where pixels are many: more blocks at full resolution, or a larger `dim`. Parameters are nearly
# free at the bottom: another pair of middle blocks, or attention, adds many weights and little work. That is why many
# models of images put their attention at the low resolutions only.

# %% [markdown]
# ## 9 · Does it learn?
#
# Before a new network trains for an hour, give it a task that it cannot fail: **one batch, learned by heart**.
# Images, times and noise stay fixed, so the loss must fall towards zero. If it does not, something is broken; you
# know it after ten seconds. We use the same test for an experiment: the network once as it is, and once with its
# skips cut. The cut is a hook that fills the skip's half of each block's input with zeros.

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
t, noise = torch.linspace(20, 190, 8).long(), torch.randn(8, 1, 28, 28)
x_t = path.add_noise(x_data[::500][:8], t, noise)
results = {}
for name, change in {"with skips": lambda unet: unet, "without skips": cut_skips}.items():
    torch.manual_seed(0)
    results[name] = by_heart(change(Unet(8, 10, (2, 4), channels=1)), x_t, t, noise)
plot.show(plot.curves(torch.arange(1, 121), {name: losses for name, (losses, _) in results.items()}, logy=True,
                      xlabel="step", ylabel="loss on the one batch"),
          alt="With skips the loss falls fast, without them it stays far higher.")
shown = {"noisy image": x_t, "its noise": noise} | {f"found {name}": p for name, (_, p) in results.items()}
plot.show(plot.image_rows({name: x / 4 + 0.5 for name, x in shown.items()}),
          alt="The noise found with skips looks like the true noise, pixel by pixel; without skips it is blurred.")

# %% [markdown]
# With skips the network returns the noise grain by grain. Without them everything has to squeeze through 7 × 7 pixels,
# and what comes back is a blur. (Dropout is on here, so the loss does not reach zero. That is fine for a first test.)
#
# **Question 4.** The bottom of this small network holds 32 channels of 7 × 7 pixels: 1,568 numbers, twice as many as
# the image has pixels. So there *is* room for the noise. Why is it still so hard to bring it through? Would a network
# without skips suffer as much if it predicted $x_0$ in place of the noise? And what do the skips do for the
# *gradient*?

# %% [markdown] question="unet.4"
# Room is not enough: the numbers must be packed and unpacked. To bring 784 independent values through, the way down
# must put every pixel of a 4 × 4 patch into its own channels, unmixed and unrounded, and the way up must put each one
# back to its place. Convolutions, norms and GELUs, which start at random, would have to learn a nearly perfect copy,
# and RMSNorm even divides out each pixel's size. The skip makes the copy for free. For what *can* be summarised, a
# bottleneck is no burden: it is even a help.
#
# Images are such a thing. A digit is smooth and simple, and an autoencoder with far fewer numbers draws it well. A
# network that predicts $x_0$ would lose sharp edges without skips, but not everything. (At small $t$, though, even
# then the finest detail is in the input, and passing it along is the easiest way to get it right.)
#
# Backwards, a skip is a short road for the gradient: the first blocks hear from the loss through a few layers, not
# only through the whole U. That is why the curve *with* skips falls faster from the very first steps.

# %% [markdown]
# ## 10 · A short training, and an average of the weights
#
# Now real training, only short: each step draws new images, new times and new noise. The last weights jump about,
# since every batch pulls elsewhere. So one keeps a second copy, the **exponential moving average**
#
# $$\theta_\text{ema} \leftarrow \lambda\,\theta_\text{ema} + (1-\lambda)\,\theta, \tag{5}$$
#
# which is never trained itself and averages over about the last $1/(1-\lambda)$ steps. Nearly every diffusion model
# that you have seen samples with such an average. We compare both copies on digits that were kept aside, without a
# condition (`held_out_loss` passes none). So that a few seconds show what matters, the batches are small, the steps are
# large, and $\lambda$ is 0.95; in an hour's run it is 0.999.

# %% tags=["demo"]
held_out = 2 * data.mnist("test")[0][::20][:32] - 1
one_hot = torch.eye(10)


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
unet = Unet(8, 10, (2, 4), channels=1)
ema = copy.deepcopy(unet)
optimizer = torch.optim.Adam(unet.parameters(), lr=1.2e-2)
curves = {"last weights": [], "their average": []}
for step in range(1, 161):
    index = torch.randint(len(x_data), (8,), generator=generator)
    x_t, t, noise = noisy_batch(x_data[index], generator)
    optimizer.zero_grad()
    loss = F.mse_loss(unet(x_t, t, {"text_emb": one_hot[labels[index]]}), noise)
    loss.backward()
    optimizer.step()
    training.update_ema(ema, unet, min(0.95, step / (step + 9)))  # (5); at the start it averages over fewer steps
    if step % 5 == 0:
        curves["last weights"].append(held_out_loss(unet))
        curves["their average"].append(held_out_loss(ema))
plot.show(plot.curves(torch.arange(5, 161, 5), curves, xlabel="step", ylabel="loss on held-out digits", logy=True),
          alt="The loss of the last weights jumps; that of their average is lower and smooth.")

# %% [markdown]
# The average is calm where the last weights jump. What you saw is the first breath of a run that takes about an
# hour on a laptop. `TRAIN = True` at the top runs all of it with your
# class: a progress bar shows the loss and samples, you may interrupt it, and `resume=True` goes on where it stopped.

# %% tags=["demo"]
from course_utils.recipes.mnist import MnistUnet


class Mine(MnistUnet):
    """The shipped checkpoint's recipe around this notebook's class."""

    def model(self):
        return Unet(**self.ARGS)


folder = zoo.FOLDER
if TRAIN:
    finished = training.train(Mine(), resume=False, out=training.RUNS / "finished")
    folder = finished.parent if finished else folder  # where it was interrupted, the shipped weights serve below

# %% [markdown]
# ## 11 · Weights from elsewhere
#
# The course ships a network that was trained in this way. Its file holds a name and a tensor for each parameter,
# no code. It fits into *your* class if every name and every shape is the same. That is why the order of
# `torch.cat([x, skip])` was not yours to choose: the other order has the same shapes, loads without a word, and
# computes nonsense.

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

# %% [markdown]
# Compare its loss with what the short training reached. But a loss says little about
# pictures, so let it draw one digit of each class, in all 200 steps. If your notebook 05 lies beside this one and its
# checks pass, your own sampler does it.

# %% tags=["demo"]
GaussianDiffusion, whose = own("05_ddpm", "GaussianDiffusion", checks=[
    "ddpm.cosine_beta_schedule", "ddpm.extract", "ddpm.predict_start_from_noise", "ddpm.posterior_tables",
    "ddpm.p_sample"])


def draw(unet, classes):
    """One digit for each class, (n, 1, 28, 28) in [0, 1], by all 200 steps."""
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
# Most of them are what was asked for; some are doubtful, as handwriting is, and as a network is that listens to its
# wish with half an ear. A hundred more came with the checkpoint. They were drawn by the same network with a little
# guidance, the subject of notebook 07. A classifier that was trained on real digits looked at 200 such samples; below
# is the share that it took for the digit that was asked for.

# %% tags=["demo"]
import numpy as np
from PIL import Image

sheet = torch.tensor(np.array(Image.open(zoo.samples("mnist-unet", folder)))) / 255  # (280, 280): ten rows of ten digits
digits = sheet.unfold(0, 28, 28).unfold(1, 28, 28).reshape(100, 1, 28, 28)
plot.show(plot.images(digits, columns=20), alt="A hundred generated digits, in the order 0 to 9, ten times.")
print(f"recognised as their class: {shipped.metrics['recognised']:.1%}")

# %% [markdown]
# ## 12 · Looking inside
#
# Pick a layer, a time and a digit, and see its feature maps: the noisy image first, then the layer's first 24
# channels, then the noise that the network found and the $\hat x_0$ that follows from it. Before you move the
# sliders, guess: where will you still recognise the digit? Which maps will look like noise?

# %% tags=["demo"]
layers = {"first convolution": lambda u: u.init_conv, "down, 28×28": lambda u: u.downs[0][1],
          "down, 14×14": lambda u: u.downs[1][1], "bottom, 7×7": lambda u: u.mid_block2,
          "up, 14×14": lambda u: u.ups[0][2], "up, 28×28": lambda u: u.ups[1][2]}


def feature_maps(layer, time, digit):
    """The noisy digit, 24 channels of a layer, the noise found and x_0."""
    x_start, t = x_data[labels == digit][3:4], torch.tensor([time])
    x_t = path.add_noise(x_start, t, torch.randn(1, 1, 28, 28, generator=torch.Generator().manual_seed(0)))
    seen = []
    hook = layers[layer](inside).register_forward_hook(lambda m, i, y: seen.append(y[0, :24, None]))
    with torch.no_grad():
        noise = inside(x_t, t, {"text_emb": shipped.encode(torch.tensor([digit]))})
    hook.remove()
    maps = F.interpolate(seen[0], size=28)  # (24, 1, 28, 28)
    low, high = maps.amin(dim=(2, 3), keepdim=True), maps.amax(dim=(2, 3), keepdim=True)
    x_0 = ((x_t - path.sigma(t).float() * noise) / path.alpha(t).float()).clamp(-1, 1)
    tiles = torch.cat([x_t / 4 + 0.5, (maps - low) / (high - low + 1e-6), noise / 4 + 0.5, (x_0 + 1) / 2])
    return plot.images(tiles, columns=9, titles=["$x_t$", *[""] * 24, "noise", "$\\hat{x}_0$"])


# %% tags=["demo", "nbval-ignore-output"]
inside = trained()
widgets.explore(feature_maps, caption=lambda layer, time, digit: f"The layer “{layer}” at t = {time}, for a {digit}.",
                layer=widgets.Control(list(layers), "down, 14×14"), time=widgets.Control([5, 60, 120, 190], 60),
                digit=widgets.Control([3, 7], 3))

# %% [markdown]
# On the way down the maps are edges, strokes and grain. At the bottom 49 pixels a channel are left, and hardly a map
# is a picture any more; this is where a pixel knows of the whole digit. At 14 × 14 on the way up the digit is back,
# often clearer than it went in. In the last level it is nearly gone again: the network found it in order to subtract
# it, and what it hands to the last convolution is noise. At $t = 190$ almost nothing of the digit is left in the
# input; the $\hat x_0$ is a guess, blurred over all the digits that it could be.
#
# ## Where this goes
#
# - **07** opens the door `cfg_scale`: two answers of this network, with and without the condition, make a stronger
#   one.
# - **11** puts the same UNet into the latent space of an autoencoder and lets sentences in by *cross-attention*,
#   beside the modulation of this notebook. The UNet of Stable Diffusion is this one with attention at the lower
#   levels.
# - **13** replaces it by a transformer on patches. Your modulation (3) stays; there it is called adaLN.
# - **15** takes RMSNorm, modulation and GELU, three passes over memory, and makes one GPU kernel of them.
#
# **References.** Ronneberger, Fischer & Brox 2015, *U-Net: Convolutional Networks for Biomedical Image Segmentation*
# · Vaswani et al. 2017, *Attention Is All You Need* (section 3.5: the embedding) · Perez et al. 2018, *FiLM: Visual
# Reasoning with a General Conditioning Layer* · Zhang & Sennrich 2019, *Root Mean Square Layer Normalization* · Ho,
# Jain & Abbeel 2020, *Denoising Diffusion Probabilistic Models* (the first UNet of this kind) · Nichol & Dhariwal
# 2021, *Improved Denoising Diffusion Probabilistic Models* (scale and shift by the time) · Ho & Salimans 2022,
# *Classifier-Free Diffusion Guidance* (dropping the condition) · Odena, Dumoulin & Olah 2016, *Deconvolution and
# Checkerboard Artifacts* · Shi et al. 2016, *Real-Time Single Image and Video Super-Resolution* (pixel shuffle) ·
# Karras et al. 2024, *Analyzing and Improving the Training Dynamics of Diffusion Models* (more on the average).
#
# ## Summary
#
# - The way down sees more of the image, the way up brings back its size, the skips bring back its detail.
# - Time and condition become one vector. It speaks to the image by one scale and one shift per channel.
# - RMSNorm sets each pixel's length to √C (times the gains), and looks at nothing but that pixel.
# - From level to level the weights grow almost fourfold while the work stays the same.
# - One batch by heart tests a network in seconds; an average of the weights makes it better for nothing.
#
# **What would break if …**
#
# - … the skips were taken first in, first out? The sizes would not fit, and torch would say so. If only the two skips
#   of one level changed places, nothing would be said, and the shipped weights would draw smudges.
# - … the condition were dropped in eval mode too? The dice are thrown at every call, and a sample takes 200 calls: every
#   digit would forget your wish in one step out of five, at random. The wish gets weaker, and two runs differ.
# - … RMSNorm averaged over the whole image? A sample's noise in one corner would change the answer in the other, and a
#   larger image would meet statistics that the network never saw.
# - … the image were 30 × 30? $30 \to 15 \to 7$, and back up $7 \to 14$, which does not meet the skip of size 15.
#   `check_size` says so before you have to find out.
