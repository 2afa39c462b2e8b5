# %% [markdown]
# # 13 · Diffusion transformers
#
# A jigsaw puzzle is solved by somebody who has all the pieces in view. This bit of blue may be sky or lake, and a piece
# at the other end of the table decides. A UNet does not work like that: its convolutions look at neighbours, and what
# is far apart meets only at the bottom of the U. Here you cut pictures into pieces, call them tokens, and hand them to
# the kind of network that reads texts, a transformer. Nothing in it knows what a picture is. That has a price in small
# models, which you will measure. Large ones, for images and for videos, are built in this way.
#
# **When you are done, you can**
#
# - cut pictures into tokens, and put them together again;
# - tell a transformer the time and a class by scale and shift, and start it as the identity;
# - let picture and text read each other, in two ways;
# - compare a transformer with a UNet at equal cost;
# - count the tokens of a picture and of a video, and say what attention costs there;
# - say how a model is built that draws videos from sentences, and draw short ones.
#
# **Time:** about two and a half hours: seven exercises (83 minutes), three questions, a puzzle, and the reading.
#
# **Before it:** attention (notebooks 02 and 11), modulation (06), text to emoji (11).
#
# If this notebook imports `.py` files of your own, hand them in with it.

# %% tags=["setup"]
import torch
import torch.nn.functional as F
from torch import nn

from course_utils.check import Unfinished, check, method_of

TRAIN = False  # True: section 5 trains a transformer of your own blocks on the emoji latents
torch.set_printoptions(sci_mode=False)


class SelfAttention(nn.Module):
    """Every token of (b, n, dim) looks at every token, in heads of dim / heads numbers."""

    def __init__(self, dim, heads):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(dim, 3 * dim)
        self.out = nn.Linear(dim, dim)

    def forward(self, x):
        q, k, v = (part.unflatten(2, (self.heads, -1)).transpose(1, 2) for part in self.qkv(x).chunk(3, dim=2))
        return self.out(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))

# %% tags=["demo"]
import copy
import dataclasses

from course_utils import data, diagrams, plot, puzzles, training, widgets, zoo
from course_utils.check import name_red
from course_utils.data.moving import phrases
from course_utils.diffusion import paths, samplers
from course_utils.diffusion.guidance import guided
from course_utils.models.attention import CrossAttention, is_token
from course_utils.models.continuous_unet import time_mlp
from course_utils.models.video import Time, spatial_attention
from course_utils.pipeline import Pipeline
from course_utils.recipes import latent
from course_utils.recipes.transformers import Dit, Video


def seeded(seed):
    return torch.Generator().manual_seed(seed)


shipped = {name: zoo.load(name) for name in ("emoji-latent", "dit", "video")}
pipe = Pipeline.load()  # text to emoji, of notebook 11

# %% [markdown]
# ## 1 · Pictures as sequences
#
# A transformer takes a row of vectors, the tokens. So a picture becomes one: cut it into patches of $p \times p$ pixels
# (Dosovitskiy et al. 2021), and write the numbers of each patch in a row. Let $x_{k,i,j}$ be channel $k$ at row $i$ and
# column $j$ of a picture of $c \times h \times w$. The patch in row $r$ and column $s$ of all patches becomes
#
# $$\text{token}_{\,r \cdot \frac wp + s}\big[(a\,p + b)\,c + k\big] = x_{k,\;rp + a,\;sp + b}, \qquad
# 0 \le a, b < p. \tag{1}$$
#
# So patches are counted row by row, and inside a patch so are its pixels, the $c$ channels of each together.
#
# **Exercise 1** · medium · 12 minutes
#
# <details><summary><b>Stuck?</b></summary>
#
# Name the six axes that you have after both sides are split: the image, the channel, which patch and which pixel of it, for
# the rows and for the columns. In which order does (1) count them, the slowest first?
#
# </details>

# %% task="dit.patchify"
def patchify(x, p):
    """Cuts images into patches of p × p pixels, and lays each out as one token.

    Args:
        x: (b, c, h, w).
        p: Side of a patch, divides h and w.

    Returns:
        (b, (h/p)·(w/p), p·p·c): the patches row by row; inside a patch its pixels row by row, the c channels of each
        together.
    """
    ####################################################################
    # TODO: equation (1). Split both sides, bring the six axes into    #
    # the right order, and join. About 3 lines.                        #
    ####################################################################
    ### BEGIN SOLUTION
    b, c, h, w = x.shape
    x = x.reshape(b, c, h // p, p, w // p, p).permute(0, 2, 4, 3, 5, 1)  # (b, h/p, w/p, p, p, c)
    return x.reshape(b, (h // p) * (w // p), p * p * c)
    ### END SOLUTION
    ####################################################################
    #                       END OF YOUR CODE                           #
    ####################################################################

# %% check="dit.patchify"
check("dit.patchify")

# %% [markdown]
# The way back is needed at the end of the network, where tokens become a picture again. How many channels it has follows
# from the tokens.
#
# **Exercise 2** · easy · 6 minutes

# %% task="dit.unpatchify"
def unpatchify(tokens, p, h, w):
    """The inverse of patchify.

    Args:
        tokens: (b, (h/p)·(w/p), p·p·c).
        p: Side of a patch.
        h, w: Height and width of the images.

    Returns:
        (b, c, h, w).
    """
    ####################################################################
    # TODO: patchify, backwards. About 3 lines.                        #
    ####################################################################
    ### BEGIN SOLUTION
    x = tokens.reshape(len(tokens), h // p, w // p, p, p, -1).permute(0, 5, 1, 3, 2, 4)  # (b, c, h/p, p, w/p, p)
    return x.reshape(len(tokens), -1, h, w)
    ### END SOLUTION
    ####################################################################
    #                       END OF YOUR CODE                           #
    ####################################################################

# %% check="dit.unpatchify"
check("dit.unpatchify")

# %% tags=["demo"]
apple = data.emoji_picture("red apple")[None]  # (1, 3, 32, 32)
print("there and back:", torch.equal(unpatchify(patchify(apple, 4), 4, 32, 32), apple))
for p in (1, 2, 4):
    n, d = patchify(torch.zeros(1, 8, 8, 8), p).shape[1:]
    print(f"a latent of 8 × 8 × 8, p = {p}: {n} tokens of {d} numbers")
plot.show(diagrams.patches(apple[0], {p: patchify(apple, p)[0] for p in (16, 8, 4)}),
          alt="A red apple cut into 4, 16 and 64 patches, and beside each the patches one after the other, row by row: whole "
              "quarters, then pieces of the outline, then small squares most of which are only red or white.")

# %% [markdown]
# A linear layer then makes a vector of `dim` numbers of each token, and attention lets all of them look at each other.
# What does it know of their places?

# %% tags=["demo"]
torch.manual_seed(0)
layer, tokens = SelfAttention(48, 4), patchify(apple, 4)
order = torch.randperm(64, generator=seeded(1))
with torch.no_grad():
    print("tokens in another order, the same answers in that order:",
          torch.allclose(layer(tokens[:, order]), layer(tokens)[:, order], atol=1e-5))

# %% [markdown]
# Nothing. To attention a picture is a *bag* of patches. So each place has a vector of its own, the **position**, which is
# added to its token and learned like any weight. A UNet is born with more: a convolution knows who is whose neighbour, does
# the same everywhere, and the U looks from near and from far. Such a belief about pictures, built in before any is
# seen, is an **inductive bias**. A transformer has to find it out from data.
#
# ## 2 · Time and class by scale and shift
#
# A block has two halves, one in which the tokens look at each other, and one in which each is worked on alone. Time and
# class reach both as they reached the UNet of notebook 06, by one scale and one shift a channel, the same for all tokens:
#
# $$\operatorname{modulate}(x, \text{shift}, \text{scale}) = x \odot (1 + \text{scale}) + \text{shift}. \tag{2}$$
#
# In 06 the scale came first, here the shift does. Both orders are in use, and weights from elsewhere follow one of them.
#
# **Exercise 3** · easy · 5 minutes

# %% task="dit.modulate"
def modulate(x, shift, scale):
    """Scales and shifts the channels of every token of a sample alike.

    Args:
        x: (b, n, d) tokens.
        shift: (b, d).
        scale: (b, d); 0 leaves x as it is.

    Returns:
        (b, n, d).
    """
    ####################################################################
    # TODO: equation (2). About 1 line.                                #
    ####################################################################
    ### BEGIN SOLUTION
    return x * (1 + scale[:, None]) + shift[:, None]
    ### END SOLUTION
    ####################################################################
    #                       END OF YOUR CODE                           #
    ####################################################################

# %% check="dit.modulate"
check("dit.modulate")

# %% [markdown]
# The norm before it, LayerNorm, brings each token to mean 0 and variance 1. It has no gain and bias of its own, since (2)
# brings better ones: they depend on the time (*adaptive* LayerNorm, adaLN). What a half has found is then multiplied by a
# **gate**, again one number a channel, and added. With $c$ the embedding of time and class:
#
# $$x \leftarrow x + \text{gate}_1 \odot \operatorname{attention}\big(\operatorname{modulate}(\operatorname{norm}_1(x),
# \text{shift}_1, \text{scale}_1)\big), \tag{3}$$
# $$x \leftarrow x + \text{gate}_2 \odot \operatorname{MLP}\big(\operatorname{modulate}(\operatorname{norm}_2(x),
# \text{shift}_2, \text{scale}_2)\big). \tag{4}$$

# %% tags=["demo"]
plot.show(diagrams.dit_block(),
          alt="A chain from left to right: norm, modulate, attention, times gate 1, plus the block's input; then norm, "
              "modulate, MLP, times gate 2, plus what came before. Above, c goes through SiLU and a linear layer, whose six "
              "chunks enter at the two modulations and the two gates.")

# %% tags=["setup"]
class DiTBlock(nn.Module):
    """Self-attention and an MLP, each normed, modulated and gated by the time and the class."""

    def __init__(self, dim, heads, ratio=4):
        super().__init__()
        self.norm1, self.norm2 = (nn.LayerNorm(dim, elementwise_affine=False, eps=1e-6) for _ in range(2))
        self.attention = SelfAttention(dim, heads)
        self.mlp = nn.Sequential(nn.Linear(dim, ratio * dim), nn.GELU(), nn.Linear(ratio * dim, dim))
        self.modulation = nn.Sequential(nn.SiLU(), nn.Linear(dim, 6 * dim))

# %% [markdown]
# **Exercise 4** · medium · 15 minutes. `@method_of(DiTBlock)` puts your function into the class above. When you run the
# class's cell again, run this one again too.
#
# <details><summary><b>Stuck?</b></summary>
#
# Print the shape of one chunk, and of what `self.attention` gives. Which axis does the chunk lack? `modulate` sees to that
# by itself; the gate is yours.
#
# </details>

# %% task="dit.DiTBlock.forward"
@method_of(DiTBlock)
def forward(self, x, c):
    """One block.

    Args:
        x: (b, n, dim) tokens.
        c: (b, dim) the embedding of a sample's time and class.

    Returns:
        (b, n, dim).
    """
    ####################################################################
    # TODO: equations (3) and (4). self.modulation makes six chunks of #
    # c: shift, scale and gate of the attention, then shift, scale and #
    # gate of the MLP. About 5 lines.                                  #
    ####################################################################
    ### BEGIN SOLUTION
    shift1, scale1, gate1, shift2, scale2, gate2 = self.modulation(c).chunk(6, dim=1)
    x = x + gate1[:, None] * self.attention(modulate(self.norm1(x), shift1, scale1))
    return x + gate2[:, None] * self.mlp(modulate(self.norm2(x), shift2, scale2))
    ### END SOLUTION
    ####################################################################
    #                       END OF YOUR CODE                           #
    ####################################################################

# %% check="dit.DiTBlock.forward"
check("dit.DiTBlock.forward")

# %% [markdown]
# How should such a network begin? Each block adds something to the tokens, and what a fresh block adds is random. Peebles
# and Xie (2023) let it add nothing at first: every block is the identity, for any $c$, and the network answers 0. Weights
# and biases of two kinds of layers are set to zero for that, and no others.
#
# **Exercise 5** · medium · 10 minutes
#
# <details><summary><b>Stuck?</b></summary>
#
# In (3) and (4), which numbers must be 0 so that $x$ stays what it is? Which layer makes them, and which of its tensors
# must be 0 so that they are 0 for any $c$? Then ask the same of the network's last layer.
#
# </details>

# %% task="dit.adaln_zero_init"
def adaln_zero_init(model):
    """Sets to zero, in place, what would disturb a fresh network: each block is then the identity, the answer 0.

    Args:
        model: A network. Any module inside it, or itself, may have `.modulation`, an nn.Sequential that ends in a linear
            layer, and `.head`, a linear layer.
    """
    ####################################################################
    # TODO: the last layer of every modulation, and every head. About  #
    # 6 lines. model.modules() yields model and all modules inside it. #
    ####################################################################
    ### BEGIN SOLUTION
    modules = list(model.modules())
    layers = [m.modulation[-1] for m in modules if hasattr(m, "modulation")]
    layers += [m.head for m in modules if hasattr(m, "head")]
    for layer in layers:
        nn.init.zeros_(layer.weight)
        nn.init.zeros_(layer.bias)
    ### END SOLUTION
    ####################################################################
    #                       END OF YOUR CODE                           #
    ####################################################################

# %% check="dit.adaln_zero_init"
check("dit.adaln_zero_init")

# %% [markdown]
# Here is a whole network of your parts, for small pictures of classes. Class 10 is “no wish”.

# %% tags=["demo"]
class SmallDiT(nn.Module):
    """A transformer of your parts: x (b, 1, 8, 8), t (b,) in [0, 1], classes y (b,) to (b, 1, 8, 8)."""

    def __init__(self, dim=64, depth=4, heads=4, patch=4, classes=11):
        super().__init__()
        self.patch = patch
        self.embed = nn.Linear(patch**2, dim)
        self.positions = nn.Parameter(0.02 * torch.randn((8 // patch) ** 2, dim))
        self.time_mlp, self.classes = time_mlp(dim, dim), nn.Embedding(classes, dim)
        self.blocks = nn.ModuleList(DiTBlock(dim, heads, ratio=2) for _ in range(depth))
        self.norm = nn.LayerNorm(dim, elementwise_affine=False, eps=1e-6)
        self.modulation = nn.Sequential(nn.SiLU(), nn.Linear(dim, 2 * dim))
        self.head = nn.Linear(dim, patch**2)

    def forward(self, x, t, y):
        c = self.time_mlp(t) + self.classes(y)
        tokens = self.embed(patchify(x, self.patch)) + self.positions
        for block in self.blocks:
            tokens = block(tokens, c)
        tokens = self.head(modulate(self.norm(tokens), *self.modulation(c).chunk(2, dim=1)))
        return unpatchify(tokens, self.patch, *x.shape[2:])

# %% tags=["demo"]
images, labels = data.mnist("train")
digits = 2 * F.avg_pool2d(images[:, :, 2:26, 2:26], 3) - 1  # (4500, 1, 8, 8) in [-1, 1]


def velocity_loss(net, index, generator):
    """The loss of notebook 12's straight flow for some of the digits; a tenth of them without their class."""
    x = digits[index]
    y = torch.where(torch.rand(len(x), generator=generator) < 0.1, 10, labels[index])
    z, t = torch.randn(x.shape, generator=generator), torch.rand(len(x), generator=generator)
    at = t[:, None, None, None]
    return (net((1 - at) * x + at * z, t, y) - (z - x)).square().mean()


def fresh(zero=True, **arguments):
    torch.manual_seed(0)
    net = SmallDiT(**arguments)
    if zero:
        adaln_zero_init(net)
    return net

# %% tags=["demo"]
net = fresh()
with torch.no_grad():
    x, t, y = torch.randn(4, 1, 8, 8), torch.linspace(0, 1, 4), torch.arange(4)
    tokens, c = torch.randn(4, 4, 64), torch.randn(4, 64)
    print("each block is the identity:", all(torch.equal(block(tokens, c), tokens) for block in net.blocks))
    print("the network answers 0:", not net(x, t, y).any())

# %% [markdown]
# A network whose answer is 0 whatever it is given: can it learn? Here it takes three steps of gradient descent, and each
# time it is printed which weights have moved.

# %% tags=["demo"]
def parts_of(net):
    """The weights by what they are for."""
    last = [block.modulation[-1].weight.unflatten(0, (6, -1)) for block in net.blocks]  # (6, dim, dim) each
    inside = [part for block in net.blocks for part in (block.attention, block.mlp)]
    return {"head": [net.head.weight], "embedding, positions": [net.embed.weight, net.positions],
            "modulation before the head": [net.modulation[-1].weight],
            "gates of the blocks": [six[[2, 5]] for six in last],
            "shifts and scales of the blocks": [six[[0, 1, 3, 4]] for six in last],
            "attention and MLPs": [p for part in inside for p in part.parameters()],
            "time and class": [*net.time_mlp.parameters(), net.classes.weight]}


net, told = fresh(), {}
for step in range(3):
    before = copy.deepcopy(net)
    velocity_loss(net, torch.arange(32), seeded(step)).backward()
    with torch.no_grad():
        for p in net.parameters():
            p -= 0.1 * p.grad
            p.grad = None
    for (name, new), old in zip(parts_of(net).items(), parts_of(before).values()):
        told.setdefault(name, []).append(any(not torch.equal(p, q) for p, q in zip(new, old)))
print(f"{'moved in step':34}{1:>6}{2:>6}{3:>6}")
for name, moved in told.items():
    print(f"{name:34}" + "".join(f"{'yes' if one else '-':>6}" for one in moved))

# %% [markdown]
# **Question 1.** Explain the three columns by the gradient: why can the head alone move in the first step, why do the gates
# come before the layers that they gate, and why is the network not stuck? Then: somebody sets the last layers of attention
# and MLP to zero as well, to be on the safe side. What happens in such a block, and when?

# %% [markdown] question="dit.1"
# Only the head's gradient is not 0: it is the error times the tokens that arrive there. Everything before it gets the error
# times the head's weights, 0.
#
# In the second step the head lets the error through. In $x + \text{gate} \odot f(x)$ the gate's gradient is the error
# times $f(x)$, which is random but not 0: gates move. All inside $f$, its shift and its scale get the error times the
# gate, still 0. Embedding and positions are reached through the residual connections; time and class only through
# modulations, whose weights were 0. In the third step nothing is in the way any more. A factor of 0 is no trap as long
# as the other one is not 0.
#
# With the last layer of $f$ at 0 both are. The gate's gradient is the error times $f(x) = 0$, that of the layer the
# error times the gate, 0. Such a block stays the identity for ever, however long one trains.
#
# **Rubric** (½ points allowed)
#
# - 1½ points: first step: everything before the head gets the error times 0, the head itself does not
# - 1½ points: gates get the error times the block's output (not 0), what they gate gets it times 0 until they have moved
# - 2 points: both factors 0: both gradients are 0, the block never learns

# %% [markdown]
# Does the start at zero help? Two trainings, equal in everything else, on digits of 8 × 8 pixels (MNIST's, shrunk), once
# with your `adaln_zero_init` and once as torch starts its layers.
#
# **Before you run it, guess:** which one is ahead, and for how long?

# %% tags=["demo"]
def train(net, steps=300):
    """Teaches a network the digits; the loss of each step."""
    generator, losses = seeded(0), []
    optimizer = torch.optim.Adam(net.parameters())
    rate = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=steps, pct_start=0.1)
    for _ in range(steps):
        loss = velocity_loss(net, torch.randint(len(digits), (64,), generator=generator), generator)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        rate.step()
        losses.append(loss.detach())
    return torch.stack(losses)


nets, losses = {}, {}
for name in ("as torch starts", "zero"):
    nets[name] = fresh(zero=name == "zero")
    losses[name] = train(nets[name]).unflatten(0, (-1, 20)).mean(1)  # means of 20 steps
plot.show(plot.curves(torch.arange(20, 301, 20), losses, xlabel="training step", ylabel="loss", logy=True),
          alt="Two falling curves. In the first hundred steps they cross; from then on the one that began with zeros stays "
              "lower by a few hundredths.")

# %% tags=["demo"]
wish, straight = torch.arange(10), paths.RectifiedFlow()
noise = torch.randn(10, 1, 8, 8, generator=seeded(3))
rows = {"some of the digits": torch.stack([digits[labels == y][7] for y in range(10)])}
for name, net in nets.items():
    guide = guided(net.eval(), wish, torch.full_like(wish, 10), 2.0)
    rows[name] = samplers.sample_euler(guide, noise, straight, 20, prediction="velocity")
plot.show(plot.image_rows({name: (x + 1) / 2 for name, x in rows.items()}),
          alt="Ten digits of 8 × 8 pixels, 0 to 9, and below them two rows of what the two networks drew for these classes, alike "
              "in most columns. Most can be read; the 8 is poor in both.")

# %% [markdown]
# At first neither is clearly ahead. Then the start at zero is, even with four blocks. (In the paper's figure 5, with 28
# blocks of 1,152 channels, gates of zero are ahead of blocks without gates throughout the training.) And your transformer
# has learned from 4,500 pictures what digits look like; nobody told it which of its four patches are neighbours.
#
# ## 3 · Text: two ways to read
#
# A class is one vector, and modulation tells it to all places alike. A sentence is a row of tokens. Notebook 11 let
# places read words by **cross-attention**, beside their self-attention. The words stay what the text encoder made of them.
# Esser et al. (2024, Stable Diffusion 3) put both rows into *one* attention: **joint attention**. Each stream has
# projections of its own, since pictures and words are made of different numbers, but the softmax of each token goes over
# all tokens of both, and the words learn from the picture, too.

# %% tags=["demo"]
plot.show(diagrams.cross_and_joint(),
          alt="Two squares of queries times keys, for six places and three words. Left, the places' rows have two blocks, "
              "self-attention and cross-attention, and the words' rows are empty. Right all four blocks are filled: picture "
              "reads picture, picture reads text, text reads picture, text reads text.")

# %% [markdown]
# With $[\,\cdot\,;\,\cdot\,]$ for one row of tokens after the other, $[q, k, v]$ for the three side by side, $d$
# numbers each, and $d_h = d/\text{heads}$, in each head
#
# $$[q, k, v] = \big[\text{qkv}_x(x);\ \text{qkv}_\text{context}(\text{context})\big], \qquad
# o = \operatorname{softmax}\Big(\frac{q\,k^\top}{\sqrt{d_h}}\Big)\,v, \tag{5}$$
#
# and of $o$ the first $n$ tokens go through $\text{out}_x$, the other $m$ through $\text{out}_\text{context}$.
#
# **Exercise 6** · hard · 25 minutes
#
# <details><summary><b>Stuck?</b></summary>
#
# Concatenate before you cut into heads: which axis is that of the tokens? After the attention, bring the heads back side by
# side, and only then part the streams.
#
# </details>

# %% task="dit.joint_attention"
def joint_attention(x, context, qkv_x, qkv_context, out_x, out_context, heads):
    """Attention of two streams: each token, of the picture or of the text, looks at all tokens of both.

    Args:
        x: (b, n, d) tokens of the picture.
        context: (b, m, d) tokens of the text.
        qkv_x: The picture's layer (b, n, d) → (b, n, 3d): queries, keys, values, in this order.
        qkv_context: The text's, (b, m, d) → (b, m, 3d).
        out_x: The picture's last layer, (b, n, d) → (b, n, d).
        out_context: The text's, (b, m, d) → (b, m, d).
        heads: Divides d; a head is a block of d/heads numbers side by side.

    Returns:
        (b, n, d) for the picture and (b, m, d) for the text, without a residual.
    """
    ####################################################################
    # TODO: equation (5). About 8 lines.                               #
    ####################################################################
    ### BEGIN SOLUTION
    n = x.shape[1]
    qkv = torch.cat([qkv_x(x), qkv_context(context)], dim=1)  # (b, n + m, 3d)
    q, k, v = (part.unflatten(2, (heads, -1)).transpose(1, 2) for part in qkv.chunk(3, dim=2))
    weights = (q @ k.mT / q.shape[-1] ** 0.5).softmax(dim=-1)  # (b, heads, n + m, n + m)
    out = (weights @ v).transpose(1, 2).flatten(2)
    return out_x(out[:, :n]), out_context(out[:, n:])
    ### END SOLUTION
    ####################################################################
    #                       END OF YOUR CODE                           #
    ####################################################################

# %% check="dit.joint_attention"
check("dit.joint_attention")

# %% [markdown]
# A known answer: if both streams have the *same* projections, joint attention is plain self-attention of $n + m$ tokens, and
# torch has a layer for that. And who changes when the picture does?

# %% tags=["demo"]
torch.manual_seed(0)
multihead = nn.MultiheadAttention(32, 4, batch_first=True)
qkv = nn.Linear(32, 96)
qkv.weight, qkv.bias = multihead.in_proj_weight, multihead.in_proj_bias
x, other, words = torch.randn(2, 16, 32), torch.randn(2, 16, 32), torch.randn(2, 5, 32)
with torch.no_grad():
    both = torch.cat([x, words], dim=1)
    expected = multihead(both, both, both)[0]
    found = torch.cat(joint_attention(x, words, qkv, qkv, multihead.out_proj, multihead.out_proj, 4), dim=1)
    after = joint_attention(other, words, qkv, qkv, multihead.out_proj, multihead.out_proj, 4)[1]
print("the same as torch's attention over both rows:", torch.allclose(found, expected, atol=1e-5))
print("another picture changes what the words become:", not torch.allclose(after, found[:, 16:], atol=1e-3))

# %% [markdown]
# Cross-attention is cheaper, and the text's keys and values are the same at all steps (PixArt-α reads so, Chen et al. 2024).
# Joint attention lets the text's vectors become what *this* picture needs. The shipped `dit` reads by cross-attention, like
# the UNet that it will stand beside.
#
# ## 4 · What a patch looks at
#
# Here is the inside of `dit`. A drawing's latents are half noised; choose a patch and a block, and see at which places the
# patch looks, and which words it reads. (Weights are means over the heads.)
#
# **Before you move it, guess:** will a patch look at its neighbours, at itself, at things of its own kind, or everywhere?

# %% tags=["demo", "nbval-ignore-output"]
widgets.attention_map(dataclasses.replace(pipe, network=shipped["dit"].model), data.emoji_picture)

# %% [markdown]
# In the first two blocks a patch looks all over the picture, at places of its own thing and at those of the other. From
# the third block on it looks at the places above, below, left and right of it, and hardly further: the network has
# found the convolution that it was not born with. Of the text, patches of the sun read “sun”, those of the heart “red”
# and “heart”; much weight lies on “and” and on the start, which belong to no place.
#
# ## 5 · A transformer beside a UNet
#
# First, the shipped transformer in your code. Its weights have the names of the class below, so they fit into it.

# %% tags=["demo"]
class SelfAndCross(nn.Module):
    """In a block's attention: places look at all places, and read the words that were left here."""

    def __init__(self, dim, heads):
        super().__init__()
        self.self_attention = SelfAttention(dim, heads)
        self.cross_attention = CrossAttention(dim, dim, heads)

    def forward(self, x):
        return self.self_attention(x) + self.cross_attention(x, *self.words)

# %% tags=["demo"]
class TextDiT(nn.Module):
    """The shipped transformer, of your parts: z (b, 8, 8, 8), t (b,), context (b, m, context_dim) to v (b, 8, 8, 8)."""

    def __init__(self, channels, size, patch, dim, depth, heads, context_dim, text="cross", ratio=3):
        super().__init__()
        self.patch = patch
        self.embed = nn.Linear(patch**2 * channels, dim)
        self.positions = nn.Parameter(0.02 * torch.randn((size // patch) ** 2, dim))
        self.time_mlp, self.context_embed = time_mlp(dim, dim), nn.Linear(context_dim, dim)
        self.blocks = nn.ModuleList(DiTBlock(dim, heads, ratio) for _ in range(depth))
        for block in self.blocks:
            block.attention = SelfAndCross(dim, heads)
        self.norm = nn.LayerNorm(dim, elementwise_affine=False, eps=1e-6)
        self.modulation = nn.Sequential(nn.SiLU(), nn.Linear(dim, 2 * dim))
        self.head = nn.Linear(dim, patch**2 * channels)

    def forward(self, z, t, context):
        c, words = self.time_mlp(t), self.context_embed(context)
        x = self.embed(patchify(z, self.patch)) + self.positions
        for block in self.blocks:
            block.attention.words = words, is_token(context)  # the tokens, and which of them are no padding
            x = block(x, c)
            block.attention.words = None  # nothing of a batch stays
        x = self.head(modulate(self.norm(x), *self.modulation(c).chunk(2, dim=1)))
        return unpatchify(x, self.patch, *z.shape[2:])

# %% [markdown]
# With `TRAIN = True` at the top, this cell trains it anew, by the recipe of the shipped one.

# %% tags=["demo"]
class Mine(Dit):
    """The shipped checkpoint's recipe, with a network of your parts."""

    def model(self):
        net = TextDiT(**self.ARGS)
        adaln_zero_init(net)
        return net


recipe, folder = Mine(), zoo.FOLDER
print(f"the recipe: {recipe.steps:,} steps with batches of {recipe.batch_size}, of {recipe.pool:,} pictures")
if TRAIN:
    finished = training.train(recipe, resume=False, out=training.RUNS / "finished")
    folder = finished.parent if finished else folder

# %% tags=["demo"]
measured = {"UNet": shipped["emoji-latent"], "transformer": zoo.load("dit", folder)}
theirs, yours = measured["transformer"].model, TextDiT(**Dit.ARGS).eval()
yours.load_state_dict(theirs.state_dict())
yours.requires_grad_(False)
z, times = torch.randn(2, 8, 8, 8, generator=seeded(0)), torch.tensor([0.3, 0.9])
context = pipe.encode(["cat", "blue fish"])
with torch.no_grad():
    same = torch.allclose(yours(z, times, context), theirs(z, times, context), atol=1e-4)
print("your network answers as the shipped one:", same)
if not same:
    print(name_red())

# %% [markdown]
# Now the comparison. `emoji-latent`, the UNet of notebook 11, and `dit` learned from the same pictures, for as many steps
# with as many pictures each, and were made to cost the same. (An operation is a multiplication or an addition.)

# %% tags=["demo"]
networks = {"UNet": pipe.network, "transformer": yours}
counted = {name: diagrams.evaluation(net, z[:1], times[:1], context[:1]) for name, net in networks.items()}
print(diagrams.describe_costs({name: (cost.parameters / 1e6, cost.operations / 1e6) for name, cost in counted.items()},
                              ["parameters, M", "operations, M"]))
curves = {}
for name, item in measured.items():
    rows = item.tables["loss"]
    each = 3 * item.config["batch_size"] * counted[name].operations  # the way back takes twice the way forth
    curves[name] = [each * row["step"] for row in rows], [row["loss"] for row in rows]
    print(f"{name}: loss {rows[0]['loss']:.2f} in the first {rows[0]['step']} steps, {rows[-1]['loss']:.3f} in the last")
plot.show(diagrams.losses_over_cost(curves),
          alt="Loss over operations, both axes logarithmic. The UNet's curve begins a tenth lower; the transformer's comes nearer "
              "all the way, and in the second half of the training they are hard to tell apart.")

# %% tags=["demo"]
asked = {"own_drawing_nearest": "the nearest drawing is the prompt's own",
         "first_seen": "read back first: seen names", "first_unseen_names": "unseen names",
         "first_unseen_colours": "unseen colours of seen things", "first_unseen_pairs": "unseen pairs of seen things"}
print(f"{'of 96 samples of each kind':42}{'UNet':>8}{'transformer':>14}")
for key, words in asked.items():
    print(f"{words:42}{measured['UNet'].metrics[key]:>8.0%}{measured['transformer'].metrics[key]:>14.0%}")

# %% tags=["demo"]
prompts = latent.choose_names("plain", "train", 4) + latent.choose_names("pair", "test", 4)
noise = torch.randn(8, 8, 8, 8, generator=seeded(1))
pipes = {"UNet": pipe, "transformer": dataclasses.replace(pipe, network=yours)}
print("; ".join(prompts))
plot.show(plot.image_rows({"the true drawings": torch.stack([data.emoji_picture(prompt) for prompt in prompts])} | {
    name: one(prompts, latents=noise) for name, one in pipes.items()}),
          alt="Eight prompts in three rows, true and drawn. The diamond is good in both; bacon, a haircut and a writing hand can be "
              "told in the UNet's row, and are yellow and brown shapes in the transformer's. Of the four pairs both draw two small "
              "things of about the right sort.")

# %% [markdown]
# The UNet wins. It is ahead most at the beginning, when few pictures have been seen: what it knows of neighbours the
# transformer has to learn first. At the end the losses are nearly equal, but not the pictures. There is a second
# reason. The UNet's lower level works at 4 × 4 places, where a weight costs a quarter of the operations, so at equal
# cost it has more weights to keep drawings in. (And these are one training of each, at one size.)
#
# So why transformers? What is born in helps while data is scarce (Dosovitskiy et al. 2021). With the 1.3 million
# pictures of ImageNet the largest DiT, guided, reached an FID of 2.27, where the best UNet before it had 3.60 (Peebles
# and Xie 2023, table 2). It grows by a few numbers: depth, width, heads, $p$. And text, pictures, videos and sound can
# all be made tokens.
#
# ## 6 · Counting tokens
#
# What does a transformer cost? Take $n$ tokens of $d$ numbers. A linear layer from $d$ to $d$ takes $2nd^2$ operations. A
# block has four of them for queries, keys, values and the output, and as much as eight in an MLP of ratio 4. Attention
# itself multiplies $n \times n$ pairs twice, for the scores and for the mean of the values:
#
# $$\text{linear layers: } 24\,n\,d^2, \qquad \text{attention: } 4\,n^2 d. \tag{6}$$
#
# They are equal at $n = 6d$. Below it the linear layers are what one pays for, above it attention is. Three inputs of
# one network, as large as the largest DiT (28 blocks, $d = 1152$): our latents; a picture of 1024² whose latent is 8
# times smaller on each side; five seconds of video, 24 frames a second of 720 × 1280, whose latent is also 4 times
# shorter.

# %% tags=["demo"]
def operations(frames, places, dim=1152, depth=28):
    """Of an evaluation: linear layers, attention among all tokens, attention in which the blocks take turns (7)."""
    n = frames * places
    return depth * 24 * n * dim**2, depth * 4 * n**2 * dim, depth * 2 * n * (places + frames) * dim


sizes = {"8 × 8 latents, p = 1": (1, 8 * 8), "1024² pixels, p = 2": (1, (1024 // 8 // 2) ** 2),
         "5 s of 720p, p = 2": (5 * 24 // 4, (720 // 8 // 2) * (1280 // 8 // 2))}
bars = {}
print(f"{'':22}{'tokens':>9}{'linear':>10}{'attention':>11}{'its share':>11}")
for name, size in sizes.items():
    linear, full, apart = operations(*size)
    n = size[0] * size[1]
    print(f"{name:22}{n:>9,}{diagrams.describe_operations(linear):>10}{diagrams.describe_operations(full):>11}"
          f"{full / (linear + full):>11.0%}")
    bars[f"{name}\n{n:,} tokens"] = (linear, full, apart if size[0] > 1 else float("nan"))
print(f"of the video with space and time apart: attention {diagrams.describe_operations(apart)}, {full / apart:.0f} times less")

# %% tags=["demo"]
plot.show(diagrams.shares_of_cost(bars),
          alt="Bars on a logarithmic axis. For 64 tokens linear layers cost a hundred times what attention does; for 4,096 "
              "tokens not quite twice as much; for 108,000 tokens attention costs sixteen times as much as they do, and less "
              "than they do when space and time are apart.")

# %% [markdown]
# And here is where these tokens come from. Both ways are the ones you know: an encoder for the text, a network that is asked
# at each step, a decoder at the end. For videos the autoencoder compresses time as well.

# %% tags=["demo"]
plot.show(diagrams.pipelines(),
          alt="Two rows of boxes. Text to image: a sentence, a frozen text encoder, a transformer that is asked for 20 to 50 "
              "steps and begins with noise of 128 × 128, 4,096 tokens; a latent; a decoder; a picture of 1024 × 1024. Text to "
              "video: the same, with noise of 30 × 90 × 160, 108,000 tokens, a decoder of space and time, 120 frames.")

# %% [markdown]
# **Question 2.** Somebody halves the patch's side, $p = 1$ in place of $p = 2$, and leaves everything else. By which
# factors do these change: the number of tokens, the cost of a block's linear layers, the cost of attention, and the
# parameters (of a block, of the first layer, of the positions)? Peebles and Xie found that FID falls when only $p$
# does. What does that say of parameters as a measure of a model's strength?

# %% [markdown] question="dit.2"
# Tokens: 4 times as many, since both sides have twice as many patches. Linear layers work on each token: 4 times. (The
# modulation's layer works once a picture, and stays.) Attention goes with the square: 16 times. The parameters of a
# block do not depend on the number of tokens, so they stay. The first layer takes $p^2 c$ numbers, a quarter of before,
# and so does the head give; the learned positions are 4 times as many. In a large network both are small beside the
# blocks, so the number of parameters hardly changes.
#
# So two networks with nearly the same parameters differ much in what they do and in how well they draw. Parameters say what
# can be stored, operations what is done with it, and in the paper FID follows operations far better than parameters.
#
# **Rubric** (½ points allowed)
#
# - 2 points: tokens and linear layers 4 times, attention 16 times
# - 1½ points: a block's parameters stay, the first layer (and the head) a quarter, the positions 4 times
# - 1½ points: quality follows operations here, parameters stay nearly the same and do not tell it

# %% [markdown]
# ## 7 · Text to video
#
# The last row of section 6's table says what is wrong with videos: nearly all is attention. One way out is to let the
# blocks take turns (Ma et al. 2025, *Latte*): in one, all places of a frame look at each other, in the next each place
# looks at itself in all frames. With $f$ frames of $n$ places a token then has $n$ or $f$ partners, in place of $f\,n$:
#
# $$\text{attention, two blocks: } 4 f n^2 d + 4 n f^2 d = 4\,f n\,(n + f)\,d \quad\text{for}\quad 8\,(f n)^2 d. \tag{7}$$
#
# **Exercise 7** · medium · 10 minutes. There is no formula: the shapes that `attend` takes say what to do.

# %% task="dit.temporal_attention"
def temporal_attention(x, attend):
    """Attention over time: each place of a video looks at itself in all frames, and at nothing else.

    Args:
        x: (b, f, n, d) tokens: f frames of n places.
        attend: Attention over the middle axis, (batch, tokens, d) → (batch, tokens, d).

    Returns:
        (b, f, n, d).
    """
    ####################################################################
    # TODO: bring the frames into the middle, attend, and go back.     #
    # About 4 lines.                                                   #
    ####################################################################
    ### BEGIN SOLUTION
    b, f, n, d = x.shape
    x = x.transpose(1, 2).reshape(b * n, f, d)
    return attend(x).reshape(b, n, f, d).transpose(1, 2)
    ### END SOLUTION
    ####################################################################
    #                       END OF YOUR CODE                           #
    ####################################################################

# %% check="dit.temporal_attention"
check("dit.temporal_attention")

# %% [markdown]
# What does one token read? Take four frames of 4 × 4 places, with a mean in the place of attention. The gradient of one
# token's answer is not zero where it has read:

# %% tags=["demo"]
def mean(x):
    return x.mean(dim=1, keepdim=True).expand_as(x)


def read(attention, frame=1, place=5):
    """Where the gradient of one token's answer is not 0, (4, 16)."""
    x = torch.zeros(1, 4, 16, 1, requires_grad=True)
    return torch.autograd.grad(attention(x)[0, frame, place].sum(), x)[0][0, :, :, 0] != 0


ways = {"all tokens": lambda x: mean(x.flatten(1, 2)).unflatten(1, (4, 16)), "space": lambda x: spatial_attention(x, mean),
        "your time": lambda x: temporal_attention(x, mean)}
plot.show(diagrams.who_reads({name: read(way) for name, way in ways.items()}, (1, 5), columns=4),
          alt="Four frames of 4 × 4 places in three rows; one place in frame 2 is framed. By attention among all tokens it reads "
              "every place of every frame; in space all places of its own frame; in time the same place in the four frames.")

# %% [markdown]
# **Question 3.** A digit moves by one place with each frame. The token where it is in frame 1 would like to read the
# token where it will be in frame 2. Show that what the second token knows can reach the first by one block over space
# and then one over time. What can full attention choose in one layer which these two cannot? And what becomes of it in
# a network of many blocks?

# %% [markdown] question="dit.3"
# Let the digit be at place $A$ in frame 1 and at $B$ in frame 2. The block over space lets ($A$, frame 2) read all of
# its frame, $B$ too. Then the block over time lets ($A$, frame 1) read ($A$, frame 2), which has brought the news. So
# after two blocks each token can have heard of every other one.
#
# But only through a middleman. ($A$, frame 2) chose what to fetch by *its own* query, before anybody asked, and carries
# all of it in one vector. The weight of ($B$, frame 2) for ($A$, frame 1) is a product of two: that of the frame, and
# that of the place, which does not depend on who asks. Full attention weighs each pair by query and key of these two:
# “the place in frame 2 that looks as I do”, a different one for each token.
#
# With many blocks the middleman is asked again, with what was heard meanwhile, so that much of it can be repaired.
#
# **Rubric** (½ points allowed)
#
# - 2 points: the way by a middleman, the same place in the other frame (or the other place in the own frame)
# - 2 points: the pair cannot be weighed by its own query and key; the middleman chose before he was asked, one vector
# - 1 point: more blocks repair it in part

# %% [markdown]
# The course's smallest videos are digits that move, with a caption: eight frames of 16 × 16 pixels.

# %% tags=["demo"]
few, captions = data.moving_digits(4, seeded(6), "test", most=1)
print("; ".join(captions))
plot.show(plot.image_grid(few, rows=captions, columns=[f"frame {i}" for i in range(1, 9)]),
          alt="Four rows of eight frames: a two stands still, an eight climbs by one pixel a frame, a four goes to the left, and "
              "another two climbs.")

# %% [markdown]
# The network for them, `models/video.py`, has three blocks over space, which also read the caption's words, and three
# over time, on tokens of 4 × 4 pixels: 128 in all. The mean of the words joins the time in every modulation. A digit
# moves by a quarter of a token each frame, so a token's numbers change with every frame even where the digit only
# moves. Hence two pairs of convolutions before the blocks and two after them. Their kernels span three frames and 3 × 3
# squares, a square being 2 × 2 pixels, and follow what moves by less than a token. (Hoogeboom et al. 2023, *simple
# diffusion*, put convolutions around a transformer in this way, for images.) Your `temporal_attention` now runs in the
# blocks over time.

# %% tags=["demo"]
def over_time(layer, x, context, mask):
    x = x.unflatten(1, (layer.frames, -1))  # (b, f, n, d)
    return temporal_attention(x, layer.self_attention).flatten(1, 2), context


video = copy.deepcopy(shipped["video"].model)
for module in video.modules():
    if isinstance(module, Time):
        module.forward = lambda x, context, mask, layer=module: over_time(layer, x, context, mask)
x, t = torch.randn(2, 8, 1, 16, 16, generator=seeded(0)), torch.tensor([0.2, 0.8])
with torch.no_grad():
    mine, theirs = (net(x, t, pipe.encode(captions[:2])) for net in (video, shipped["video"].model))
same = torch.allclose(mine, theirs, rtol=1e-3, atol=1e-3)
print("the network answers the same with your attention over time:", same)
if not same:
    print(name_red())

# %% [markdown]
# For each digit one of the five motions was left out of training, so that ten of the fifty captions were never seen.
# Can the network put a known digit and a known motion together? The first three captions were in training, the last
# three were not:

# %% tags=["demo"]
wanted = ["a three moves left", "an eight rises", "a seven stands still", *phrases("unseen")[:3]]
drawn = Video().sample(video, wanted)
plot.show(plot.image_grid(drawn, rows=wanted, columns=[f"frame {i}" for i in range(1, 9)]),
          alt="Six rows of eight frames, in each the motion that was asked for: something like a three goes to the left, an eight "
              "climbs, the foot of a seven stands at the upper edge; a zero goes to the left, a one to the right, and something "
              "between a two and a four climbs.")

# %% tags=["demo"]
m = shipped["video"].metrics
print(f"{'400 videos of each':34}{'right motion':>14}{'digit recognised':>18}")
for kind, words in {"seen": "captions of training", "unseen": "captions that were held out", "real": "real videos"}.items():
    print(f"{words:34}{m[f'right_motion_{kind}']:>14.0%}{m[f'recognised_{kind}']:>18.0%}")

# %% [markdown]
# The motion is read from the path of the centre of brightness, the digit from the middle frame, by its nearest training
# digit. All motions are right, for captions of training and for new ones alike. The digit itself is harder: with
# captions of training it is recognised in six videos of ten, with new ones in three of ten, and chance would be one.
# What a motion is, the network has learned apart from what moves. What a digit is, it has learned together with where
# it goes, perhaps because forty captions are few to find out that this makes no difference.
#
# **Before you move it, guess:** do the four videos of one caption, one for each seed, differ in the digit, in its
# place, or in its motion?

# %% tags=["demo", "nbval-ignore-output"]
red = name_red(["dit.temporal_attention"])
print(red or "with your own attention over time, where the notebook runs")
widgets.video_player(shipped["video"], pipe.encode, None if red or widgets.recording() else video, unseen=phrases("unseen"))

# %% [markdown]
# Models that draw up to a minute of film (Brooks et al. 2024, *Sora*) are this one, larger, in the latents of an
# autoencoder of space and time: tokens, a transformer that reads a text, a path from noise. Many of them now pay for
# full attention over all tokens of video and text (Yang et al. 2025, *CogVideoX*): a thing that moves far between two
# frames was lost by the middleman of question 3.
#
# ## Puzzle
#
# Not graded. A video of four frames with six places each, so 24 tokens, frame by frame. A dark square in row $i$ and column
# $j$ says that token $i$ reads token $j$. Lines part the frames. Which of the pictures, A to E, is
#
# - attention over the places of each frame;
# - attention over time;
# - both, one block after the other;
# - attention over all places of the own frame and of those before it;
# - attention over time by somebody who wrote `x.reshape(b * n, f, d)`, and nothing before it?

# %% tags=["demo"]
plot.show(diagrams.patterns(puzzles.token_patterns(), every=6),
          alt="Five squares of 24 × 24. A: thin diagonals in every block. B: six small squares along the diagonal, which do not "
              "fit the frames' lines. C: a staircase, filled below. D: four squares along the diagonal. E: all dark.")

# %% [markdown]
# <details><summary><b>Answer</b></summary>
#
# **D** is space: each frame reads itself. **A** is time: the same place in each frame, six tokens apart. **C** is the
# one that looks at earlier frames only, for videos that are drawn frame after frame. **E** is both, and looks exactly
# like full attention in one layer. The picture says who *can* hear of whom, not who may choose (question 3).
#
# **B** is the slip. In memory a frame's places lie side by side, so the reshape cuts the row of 24 tokens into six pieces of
# four, as they come. No shape is wrong, and such a network even learns something: its “time” is a stretch of one frame, and
# sometimes the end of one and the beginning of the next.
#
# </details>
#
# ## Where this goes
#
# - [**14**](14_distillation.ipynb) makes the 20 to 50 evaluations four, or one: the larger the network, the more each costs.
# - [**15**](15_gpu_kernels.ipynb) makes each fast: a norm and a modulation like those of every block here become one
#   kernel there.
#
# **References**
#
# - Peebles, Xie 2023, *Scalable Diffusion Models with Transformers*: DiT, adaLN-zero.
# - Dosovitskiy et al. 2021, *An Image is Worth 16x16 Words*: patches as tokens.
# - Vaswani et al. 2017, *Attention Is All You Need*.
# - Perez et al. 2018, *FiLM*: scale and shift.
# - Esser et al. 2024, *Scaling Rectified Flow Transformers* (Stable Diffusion 3): joint attention.
# - Chen et al. 2024, *PixArt-α*: a DiT with cross-attention to text.
# - Ma et al. 2025, *Latte*: space and time in turn.
# - Hoogeboom, Heek, Salimans 2023, *simple diffusion*: convolutions around a transformer.
# - Yang et al. 2025, *CogVideoX*: full attention over a video and its text.
# - Brooks et al. 2024, *Video generation models as world simulators* (Sora).
# - Drawings: OpenMoji (CC BY-SA 4.0). Digits: MNIST.
#
# ## Summary
#
# 1. A picture is a row of patches. Attention does not know their places, so positions are learned.
# 2. Time and class enter every block by shift, scale and gate; with gates of zero each block starts as the identity, and
#    learns all the same.
# 3. Text is read by cross-attention, or both streams read both by joint attention.
# 4. Linear layers cost $n$, attention $n^2$; they meet at $n = 6d$. Smaller patches buy quality with operations, not
#    parameters.
# 5. Five seconds of video are a hundred thousand tokens. Attention over space and over time in turn makes it affordable.
