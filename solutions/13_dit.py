# %% [markdown]
# # 13 · Diffusion transformers
#
# **When you are done, you can**
#
# - cut pictures into tokens, and put them together again;
# - tell a transformer the time and the class by scale and shift, and start it as the identity;
# - let picture and text read each other;
# - count the tokens of a picture and of a video, and say what attention costs there;
# - draw short videos of sentences.
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

# %% [markdown]
# ## 1 · Pictures as sequences
#
# **Exercise 1** · medium · 12 minutes

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

# %% [markdown]
# ## 2 · Time and class by scale and shift
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
# **Exercise 4** · medium · 15 minutes

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
# **Exercise 5** · medium · 10 minutes

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
# **Question 1.** Why is a network whose gates are all zero not stuck?

# %% [markdown] question="dit.1"
# To come.
#
# **Rubric** (½ points allowed)
#
# - 5 points: to come

# %% [markdown]
# ## 3 · Text: two ways to read
#
# **Exercise 6** · hard · 25 minutes

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
# ## 6 · Counting tokens
#
# **Question 2.** Halve $p$.

# %% [markdown] question="dit.2"
# To come.
#
# **Rubric** (½ points allowed)
#
# - 5 points: to come

# %% [markdown]
# ## 7 · Text to video
#
# **Exercise 7** · medium · 10 minutes

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
# **Question 3.** What can one temporal and one spatial block exchange?

# %% [markdown] question="dit.3"
# To come.
#
# **Rubric** (½ points allowed)
#
# - 5 points: to come
