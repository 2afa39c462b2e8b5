# %% [markdown]
# # 06 The UNet
#
# In notebook 05 a diffusion model asked its network one question, again and again: *here is a noisy image and its
# time; which noise is in it?* There, the network was a black box. Here you build it, part by part, until it is the
# network that draws the digits of this course.
#
# **When you are done you can**
#
# - say why the network looks like a U, and show with an experiment what its skips are for;
# - tell a convolutional network the time and a condition, by a scale and a shift per channel;
# - count the parameters and the operations of a network before it runs;
# - load somebody else's weights into your own class, and find out why they do not fit when they do not;
# - test a new network by letting it overfit one batch, and train it with an averaged copy of its weights.
#
# **Time:** about three and a half hours: 105 minutes for the seven exercises, the rest for reading, the four questions
# and the experiments. You need notebook 00 (the training loop) and the loss and the sampler of notebook 05.

# %% tags=["setup"]
import math

import torch
import torch.nn.functional as F
from torch import nn

from course_utils.check import Unfinished, check, method_of

TRAIN = False  # True: the training at the end runs in full, with the shipped checkpoint's recipe

# %% [markdown]
# ## 1 · What the network must be able to do
#
# The answer has the size of the question: an image goes in, an image of noise comes out. So a classifier, which throws
# the positions away, will not do. And the answer needs two kinds of knowledge. *What is drawn here?* is seen from far
# away: a pixel is ink because it lies on the stroke of a seven. *What is the noise of this very pixel?* is seen from
# close by, and must be exact to the pixel.
#
# A UNet (Ronneberger et al. 2015) answers both. On the way down it halves the image level by level, so that a 3×3
# convolution sees ever more of the picture. On the way up it doubles it again. And at every level a **skip** carries the
# fine detail straight across, past the bottom. Below is the network of this notebook for digits, in numbers.

# %% tags=["demo"]
DEMO_SHAPES = True

# %% [markdown]
# ## 2 · Down and up
#
# Down, we use a 2×2 convolution with stride 2: each pixel below is a learned mixture of four pixels above.
# Up, we stretch the image by bilinear interpolation, and then a 3×3 convolution cleans up.

# %% tags=["setup"]
def Upsample(dim, dim_out):
    """(b, dim, h, w) → (b, dim_out, 2h, 2w): bilinear, then a 3×3 convolution."""
    return nn.Sequential(nn.Upsample(scale_factor=2, mode="bilinear"), nn.Conv2d(dim, dim_out, 3, padding=1))


def Downsample(dim, dim_out):
    """(b, dim, h, w) → (b, dim_out, h/2, w/2): a 2×2 convolution with stride 2."""
    return nn.Conv2d(dim, dim_out, 2, stride=2)

# %% [markdown]
# ## 3 · The time
#
# One network serves all noise levels, so it must be told which one it sees. The bare number $t$ would be a poor
# messenger: 17 and 18 look almost the same to a linear layer, while 900 shouts. Vaswani et al. (2017) turn a position
# into many waves of different length, like the hands of a clock: the fast ones tell neighbours apart, the slow ones tell
# early from late. With $h = \lfloor \mathrm{dim}/2 \rfloor$,
#
# $$\mathrm{emb}(t) = \big[\sin(\omega_0 t), \dots, \sin(\omega_{h-1} t),\; \cos(\omega_0 t), \dots, \cos(\omega_{h-1} t)\big],
# \qquad \omega_i = \exp\!\Big(-\frac{i \,\ln 10^4}{\max(h-1,\, 1)}\Big). \tag{1}$$
#
# The frequencies fall from 1 to 1/10,000. **Exercise 1** · easy · 10 minutes

# %% task="unet.SinusoidalPosEmb"
class SinusoidalPosEmb(nn.Module):
    """Sines and cosines of the time, equation (1)."""

    def __init__(self, dim):
        super().__init__()
        self.dim = dim

    def forward(self, t):
        """t: (b,) integer or floating → (b, dim) floating, all sines first, then all cosines. dim is even."""
        ################################################################################
        # TODO:                                                                        #
        # 1. Compute the dim // 2 frequencies of (1), on t's device; when there is     #
        #    only one, the max() saves you from dividing by zero.                      #
        # 2. Multiply every time with every frequency: (b, dim // 2).                  #
        # 3. Return sines and cosines side by side.            (about 4 lines)         #
        ################################################################################
        ### BEGIN SOLUTION
        half = self.dim // 2
        frequencies = torch.exp(-math.log(10_000) / max(half - 1, 1) * torch.arange(half, device=t.device))
        angles = t[:, None] * frequencies  # (b, dim // 2)
        return torch.cat([angles.sin(), angles.cos()], dim=-1)
        ### END SOLUTION
        ################################################################################
        #                              END OF YOUR CODE                                #
        ################################################################################

# %% check="unet.SinusoidalPosEmb"
check("unet.SinusoidalPosEmb")

# %% [markdown]
# ## 4 · A norm without a mean
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
        ################################################################################
        # TODO: equation (2): each pixel's vector of C channels gets length √C, then   #
        # each channel its gain. F.normalize(x, dim=...) divides by the length and is  #
        # safe at 0.                                           (about 1 line)          #
        ################################################################################
        ### BEGIN SOLUTION
        return F.normalize(x, dim=1) * math.sqrt(x.shape[1]) * self.g
        ### END SOLUTION
        ################################################################################
        #                              END OF YOUR CODE                                #
        ################################################################################

# %% check="unet.RMSNorm"
check("unet.RMSNorm")

# %% [markdown]
# ## 5 · The block

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
# **Exercise 3** · medium · 15 minutes

# %% task="unet.ResnetBlock.forward"
@method_of(ResnetBlock)
def forward(self, x, context):
    """x: (b, dim, h, w), context: (b, context_dim) → (b, dim_out, h, w)."""
    ####################################################################################
    # TODO:                                                                            #
    # 1. self.mlp turns the context into 2·dim_out numbers: the first half are the     #
    #    scales, the second half the shifts. Give both the shape (b, dim_out, 1, 1).   #
    # 2. block1 (with scale and shift), dropout, block2 (without).                     #
    # 3. Add the input, sent through res_conv.                     (about 4 lines)     #
    ####################################################################################
    ### BEGIN SOLUTION
    scale, shift = self.mlp(context)[:, :, None, None].chunk(2, dim=1)  # (b, dim_out, 1, 1) each
    h = self.block1(x, (scale, shift))
    h = self.block2(self.dropout(h))
    return h + self.res_conv(x)
    ### END SOLUTION
    ####################################################################################
    #                                END OF YOUR CODE                                  #
    ####################################################################################

# %% check="unet.ResnetBlock.forward"
check("unet.ResnetBlock.forward")

# %% [markdown]
# ## 6 · The two sides of the U
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
    ####################################################################################
    # TODO: walk over neighbouring pairs of dims.                  (about 4 lines)     #
    ####################################################################################
    ### BEGIN SOLUTION
    downs = nn.ModuleList()
    for dim, dim_out in zip(dims[:-1], dims[1:]):
        block1, block2 = ResnetBlock(dim, dim, context_dim), ResnetBlock(dim, dim, context_dim)
        downs.append(nn.ModuleList([block1, block2, Downsample(dim, dim_out)]))
    return downs
    ### END SOLUTION
    ####################################################################################
    #                                END OF YOUR CODE                                  #
    ####################################################################################

# %% check="unet.down_blocks"
check("unet.down_blocks")

# %% [markdown]
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
    ####################################################################################
    # TODO: the same pairs, from the bottom up.                    (about 4 lines)     #
    ####################################################################################
    ### BEGIN SOLUTION
    ups = nn.ModuleList()
    for dim, dim_out in zip(dims[-2::-1], dims[:0:-1]):
        upsample = Upsample(dim_out, dim)
        block1, block2 = ResnetBlock(2 * dim, dim, context_dim), ResnetBlock(2 * dim, dim, context_dim)
        ups.append(nn.ModuleList([upsample, block1, block2]))
    return ups
    ### END SOLUTION
    ####################################################################################
    #                                END OF YOUR CODE                                  #
    ####################################################################################

# %% check="unet.up_blocks"
check("unet.up_blocks")

# %% [markdown]
# **Exercise 6** · easy · 10 minutes

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
    ####################################################################################
    # TODO: one comparison, one product.                           (about 2 lines)     #
    ####################################################################################
    ### BEGIN SOLUTION
    keep = (u >= prob).to(text_emb.dtype)
    return text_emb * keep[:, None]
    ### END SOLUTION
    ####################################################################################
    #                                END OF YOUR CODE                                  #
    ####################################################################################

# %% check="unet.drop_condition"
check("unet.drop_condition")

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
# **Exercise 7** · hard · 30 minutes

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
    ####################################################################################
    # TODO:                                                                            #
    # 1. While training (self.training), drop conditions with probability              #
    #    self.uncond_prob and a fresh torch.rand for each sample.                      #
    # 2. context = time_mlp(time) + condition_mlp(text_emb).                           #
    # 3. init_conv, then down: after each of the two ResnetBlocks keep x as a skip.    #
    # 4. mid_block1, mid_block2.                                                       #
    # 5. Up: after Upsample, before each ResnetBlock, join the newest skip that is     #
    #    left: torch.cat([x, skip], dim=1), x first, as the checkpoint expects it.     #
    # 6. final_conv.                                              (about 18 lines)     #
    ####################################################################################
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
    ####################################################################################
    #                                END OF YOUR CODE                                  #
    ####################################################################################

# %% check="unet.forward"
check("unet.forward")
