# %% [markdown]
# # 11 · Latent diffusion: text to emoji
#
# A painter first decides what goes where. The bristles of the brush come later, from the hand, and nobody plans them.
# The networks so far planned every pixel, thirty times over for one picture. Here the work is shared. One network learns
# to write a picture down in few numbers, and to paint it from them. A second one, a diffusion model, works in those
# numbers alone, and reads a sentence while it does. Together they draw emoji that you ask for: a small Stable Diffusion,
# of which you know every part.
#
# **When you are done, you can**
#
# - train an autoencoder against a critic, and say what that adds and what it costs;
# - let the places of a picture read the words of a sentence;
# - train a diffusion model in latents, and draw pictures of prompts with it;
# - say what steps, `guidance_scale`, a negative prompt and `strength` do, since you wrote them;
# - tell what such a model has learned from what it has only copied.
#
# **Time:** about two and a half hours: seven exercises (97 minutes), three questions, a puzzle, and the reading.
#
# **Before it:** the VAE (notebook 03), the GAN's losses (04), guidance (07); attention from notebook 02. The $v$ of
# notebook 08 is explained again.
#
# If this notebook imports `.py` files of your own, hand them in with it.

# %% tags=["setup"]
import torch
import torch.nn.functional as F

from course_utils.check import Unfinished, check

TRAIN = False  # True: section 5 trains text to emoji here, by a loss of your own
torch.set_printoptions(sci_mode=False)  # 0.0001, not 1e-04


def column(c, x):
    """Coefficients (b,) shaped like (b, 1, ..., 1), so that each meets its own sample of x (b, *)."""
    return c.reshape(-1, *[1] * (x.dim() - 1))

# %% tags=["demo"]
import copy
import dataclasses
from math import prod

from numpy import asarray
from PIL import Image
from torch import nn

from course_utils import data, diagrams, metrics, plot, puzzles, text, training, widgets, zoo
from course_utils.pipeline import Pipeline
from course_utils.recipes.emoji import EmojiAutoencoder
from course_utils.recipes.latent import EmojiLatent, choose_names

shipped = {name: zoo.load(name) for name in ("emoji-autoencoder", "emoji-latent")}
autoencoder, pipe = shipped["emoji-autoencoder"].model, Pipeline.load()
drawings, names = data.openmoji("train")  # (1723, 3, 32, 32) in [0, 1], and what each is called
held_out = data.openmoji("test")[0]


def seeded(seed):
    return torch.Generator().manual_seed(seed)


def some(n, drawings, seed=0):
    """n of the drawings, and where they stand."""
    index = torch.randperm(len(drawings), generator=seeded(seed))[:n]
    return drawings[index], index.tolist()

# %% [markdown]
# ## 1 · What compression buys
#
# Eight drawings that no training has seen, what an autoencoder makes of them (a code as in notebook 03, but with places:
# 8 channels of 8 × 8 **latents**, shown as grey tiles), and what it draws again from that.

# %% tags=["demo"]
eight, which = some(8, held_out)
with torch.no_grad():
    mu, logvar = autoencoder.encode(2 * eight - 1)
    recon = autoencoder.decode(mu)
plot.show(plot.image_rows({"held out": eight, "latents": diagrams.latent_tiles(mu), "drawn again": (recon + 1) / 2}),
          alt="Eight drawings; below each, eight small grey tiles, in some of which its outline can be seen; below these "
              "the same drawings again, with small details a little soft.")

# %% tags=["demo"]
sizes = {"256² pixels, 8× down, 16 channels": ((256, 256, 3), (32, 32, 16)), "here": ((32, 32, 3), (8, 8, 8))}
for where, (image, latent) in sizes.items():
    print(f"{where}: {prod(image):,} numbers become {prod(latent):,}: {prod(image) / prod(latent):.0f} times fewer, in "
          f"{prod(image[:2]) / prod(latent[:2]):.0f} times fewer places")

# %% [markdown]
# The places count most: every layer of a UNet works at each place, at each step of sampling, while the decoder runs once.
# And little is given up. Most pixels say what their neighbours say, and how an edge looks from near a decoder can know
# once and for all. *What* is in the picture, and *where*, is left to the latents, and to the diffusion model.
#
# ## 2 · An autoencoder that may be sharp
#
# It is the VAE of notebook 03 with another aim. There, codes were drawn from the prior, so the KL had its full weight, and
# pictures were blurred. Here a diffusion model will learn how latents are spread, and the KL has a weight of $10^{-4}$. It
# is there for two things only: latents of a bounded size, and a little noise in each, so that neighbouring latents mean
# nearly the same. And the error is taken as it is, not squared:
#
# $$L_1 = \operatorname{mean}\,\lvert \hat x - x \rvert
# + \lambda_{\text{KL}}\,\operatorname{mean}\,\tfrac12\big(\mu^2 + e^{\ell} - 1 - \ell\big), \qquad
# \ell = \log \sigma^2. \tag{1}$$
#
# **Exercise 1** · easy · 6 minutes

# %% task="ldm.kl_regularised_loss"
def kl_regularised_loss(recon, x, mu, logvar, kl_weight):
    """What an autoencoder is asked for: a close reconstruction, and latents of a bounded size.

    Args:
        recon: (b, *) the reconstruction.
        x: (b, *) the images.
        mu: (b, c, h, w) means of the latents.
        logvar: (b, c, h, w) logarithms of their variances.
        kl_weight: Of the KL divergence, a number.

    Returns:
        A scalar.
    """
    ####################################################################
    # TODO: equation (1). Both parts are means, the first over all     #
    # pixels, the second over all latents. About 3 lines.              #
    ####################################################################
    ### BEGIN SOLUTION
    kl = 0.5 * (mu**2 + logvar.exp() - 1 - logvar)
    return (recon - x).abs().mean() + kl_weight * kl.mean()
    ### END SOLUTION
    ####################################################################
    #                       END OF YOUR CODE                           #
    ####################################################################

# %% check="ldm.kl_regularised_loss"
check("ldm.kl_regularised_loss")

# %% tags=["demo"]
with torch.no_grad():
    noisy = {f"noise of {share:g} σ": mu + share * mu.std() * torch.randn(mu.shape, generator=seeded(1))
             for share in (0.1, 0.3)}
    noisy["from the prior"] = torch.randn(mu.shape, generator=seeded(2))
    rows = {"drawn again": recon} | {name: autoencoder.decode(z) for name, z in noisy.items()}
    both, alone = (kl_regularised_loss(recon, 2 * eight - 1, mu, logvar, weight).item() for weight in (1, 0))
print(f"mean error {alone:.3f}; KL {both - alone:.2f} nats a number, with its weight {1e-4 * (both - alone):.4f}")
print(f"the latents' means spread by {mu.std():.2f}, the noise in each is {(0.5 * logvar).exp().mean():.3f}")
plot.show(plot.image_rows({name: (x + 1) / 2 for name, x in rows.items()}),
          alt="The eight drawings from their latents; the same with noise of a tenth of the latents' spread, hardly "
              "changed; with three tenths, a little stained; and eight shreds from latents of the prior.")

# %% [markdown]
# Nobody can draw from the prior here, as the last row shows. But small errors of the latents are small errors of the
# picture, and a diffusion model will make small errors.
#
# The mean error has a weakness that you know: where the decoder is not sure, the least error lies between all
# possibilities. Notebook 04 has the cure, a discriminator $D$ that learns to tell real pictures from drawn ones; beside
# an autoencoder it is called a **critic**. With its logits, and the losses of notebook 04,
#
# $$L_{\text{autoencoder}} = L_1 + \lambda_{\text{adv}}\,\operatorname{mean}\,\operatorname{softplus}\big(-D(\hat x)\big),
# \tag{2}$$
# $$L_{\text{critic}} = \operatorname{mean}\,\operatorname{softplus}\big(-D(x)\big)
# + \operatorname{mean}\,\operatorname{softplus}\big(D(\hat x)\big). \tag{3}$$
#
# There the discriminator moved first. Here the autoencoder does, by the critic as it is; then the critic learns from the
# *same* reconstruction, which need not be computed again.
#
# **Exercise 2** · medium · 15 minutes
#
# <details><summary><b>Stuck?</b></summary>
#
# Two losses, two backward passes. For each pass ask: which weights does it reach, and what did the other pass leave in
# their `.grad`? Where must the graph of the reconstruction be cut?
#
# </details>

# %% task="ldm.autoencoder_step"
def autoencoder_step(autoencoder, critic, opt_ae, opt_critic, x, noise, kl_weight, adv_weight):
    """One step of the autoencoder, then one of its critic, on the same reconstruction.

    Args:
        autoencoder: autoencoder.encode(x) gives (mu, logvar), (b, c, h, w) each; autoencoder.decode(z) gives (b, *).
        critic: critic(images) gives logits of any shape, high for what it takes to be real.
        opt_ae: The optimizer of the autoencoder's parameters.
        opt_critic: That of the critic's.
        x: (b, *) images in [-1, 1].
        noise: (b, c, h, w) standard normal, of the latents' draw.
        kl_weight, adv_weight: Of the KL divergence and of the critic's opinion, numbers.

    Returns:
        (loss_ae, loss_critic), two floats.
    """
    ####################################################################
    # TODO: equations (2) and (3). The autoencoder's step comes first; #
    # each loss moves only the network whose loss it is. About 10      #
    # lines.                                                           #
    ####################################################################
    ### BEGIN SOLUTION
    mu, logvar = autoencoder.encode(x)
    recon = autoencoder.decode(mu + (0.5 * logvar).exp() * noise)
    loss_ae = kl_regularised_loss(recon, x, mu, logvar, kl_weight) + adv_weight * F.softplus(-critic(recon)).mean()
    opt_ae.zero_grad()
    loss_ae.backward()
    opt_ae.step()

    loss_critic = F.softplus(-critic(x)).mean() + F.softplus(critic(recon.detach())).mean()
    opt_critic.zero_grad()
    loss_critic.backward()
    opt_critic.step()
    return loss_ae.item(), loss_critic.item()
    ### END SOLUTION
    ####################################################################
    #                       END OF YOUR CODE                           #
    ####################################################################

# %% check="ldm.autoencoder_step"
check("ldm.autoencoder_step")

# %% [markdown]
# First where you can see it: curves of 32 numbers, a bump with grain on it, up or down at random at each place. Two latents
# can hold the bump's height and its place, but no grain. Your step trains a small autoencoder, without the critic and with
# it.

# %% tags=["demo"]
def grainy(n, generator):
    """n bumps of 32 numbers, (n, 32), with grain: at each place 0.2 up or down."""
    height, middle = torch.rand(2, n, 1, generator=generator)
    bump = (1.2 * height - 0.6) * torch.exp(-((torch.arange(32) - 6 - 20 * middle) / 6) ** 2)
    return bump + 0.2 * torch.randn(n, 32, generator=generator).sign()


class Curves(nn.Module):
    """An autoencoder of curves (b, 32) with two latents."""

    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(32, 64), nn.SiLU(), nn.Linear(64, 64), nn.SiLU(), nn.Linear(64, 4))
        self.decode = nn.Sequential(nn.Linear(2, 64), nn.SiLU(), nn.Linear(64, 128), nn.SiLU(), nn.Linear(128, 32))

    def encode(self, x):
        return self.encoder(x).chunk(2, dim=1)

# %% tags=["demo"]
def drawn_again(curves, adv_weight, steps=450):
    """Curves after a training by your step, which the critic joins after a third of it."""
    torch.manual_seed(0)
    net, generator = Curves(), seeded(0)
    critic = nn.Sequential(nn.Unflatten(1, (1, 32)), nn.Conv1d(1, 32, 9), nn.LeakyReLU(0.2),
                           nn.Conv1d(32, 1, 1))  # a logit for each stretch of nine numbers
    optimizers = [torch.optim.Adam(part.parameters(), 2e-3) for part in (net, critic)]
    for k in range(steps):
        x, noise = grainy(64, generator), torch.randn(64, 2, generator=generator)
        autoencoder_step(net, critic, *optimizers, x, noise, 1e-4, adv_weight if 3 * k >= steps else 0.0)
    with torch.no_grad():
        return net.decode(net.encode(curves)[0])


curves = grainy(200, seeded(5))
columns = {"curves": curves, "without the critic": drawn_again(curves, 0.0), "with the critic": drawn_again(curves, 0.1)}
told = {f"{name}\nerror {(x - curves).abs().mean():.2f}, roughness {x.diff().abs().mean():.2f}": x[:2]
        for name, x in columns.items()}
plot.show(diagrams.curve_columns(told),
          alt="Two bumps with jagged grain. Without the critic they come back smooth; with it they are jagged again, but "
              "up and down at other places. The mean error of 200 curves is smallest without the critic.")

# %% [markdown]
# Without a critic the grain is gone, since 0 is as good a guess as any. With one there is grain again, *invented*
# grain: the error has become larger. To be sharp is to be wrong in what cannot be known. (Roughness is the mean
# difference of neighbours.)
#
# Now drawings. The recipe of `emoji-autoencoder` has a third loss, after LPIPS (Zhang et al. 2018): the squared distance of
# both pictures in the features of a fixed network. Below are held-out drawings with much detail, and what three equally
# short trainings make of them.

# %% tags=["demo"]
def shipped_grid(name, of=""):
    """The pictures (n, 3, 32, 32) that came with a checkpoint, ten in a row."""
    grid = torch.from_numpy(asarray(Image.open(zoo.samples(name, of=of)).convert("RGB")) / 255).float()
    return grid.reshape(-1, 32, 10, 32, 3).permute(0, 2, 4, 1, 3).flatten(0, 1)


shown = ["drawings", "mean error", "with features", "with the critic"]
rows = dict(zip(shown, shipped_grid("emoji-autoencoder", of="losses").split(10)))
plot.show(plot.image_rows({name: pictures[:8] for name, pictures in rows.items()}),
          alt="Eight drawings with much detail, and three rows of them drawn again, all soft. The first two of these rows look "
              "alike; in the third, with the critic, edges are harder and dark places darker.")
print(f"after {EmojiAutoencoder().compared} steps each:")
for name in shown[1:]:
    square = (rows[name] - rows["drawings"]).square().mean((1, 2, 3))
    print(f"{name}: {(-10 * square.log10()).mean():.1f} dB")

# %% [markdown]
# The features have changed nothing that one could see: LPIPS takes a large network that has learned from photographs, and
# here is a small one that has seen nothing but drawings. With the critic edges are hard and dark places dark, at a price in
# decibels. What is not in the latents yet, letters and faces, no loss draws. The shipped autoencoder was trained for longer.
# There the critic cost nothing, since little was left to guess:

# %% tags=["demo"]
m, config = shipped["emoji-autoencoder"].metrics, shipped["emoji-autoencoder"].config
print(f"held-out drawings: {m['psnr_before_critic']:.2f} dB after {config['critic_from']:,} steps, when the critic came, "
      f"{m['psnr']:.2f} dB after {config['steps']:,}")
print(f"kernel distance to drawings {m['kernel_distance']:.4f} (real against real {m['kernel_distance_real']:.4f} "
      f"± {m['kernel_distance_real_std']:.4f})")

# %% [markdown]
# ## 3 · Latents are data now
#
# From here on the autoencoder is frozen. Its latents are the data, and a path leads from them to noise as it did from
# pixels. But they have no natural unit: the noise has standard deviation 1, latents have what the training happened to
# leave. If that is small, a $t$ that should hide half of the picture hides nearly all of it. So they are multiplied by
# one number. (Stable Diffusion's famous 0.18215 is such a number: its latents spread by 5.5.)
#
# **Exercise 3** · easy · 4 minutes

# %% task="ldm.scale_factor"
def scale_factor(latents):
    """The number by which latents are multiplied so that their standard deviation becomes 1.

    Args:
        latents: (n, c, h, w) of many images.

    Returns:
        One number for all of them, a float or a scalar tensor.
    """
    ####################################################################
    # TODO: about 1 line.                                              #
    ####################################################################
    ### BEGIN SOLUTION
    return 1 / latents.std()
    ### END SOLUTION
    ####################################################################
    #                       END OF YOUR CODE                           #
    ####################################################################

# %% check="ldm.scale_factor"
check("ldm.scale_factor")

# %% tags=["demo"]
sample, which = some(400, drawings)
latents = pipe.encode_image(2 * sample - 1)
scale = float(scale_factor(latents))
print(f"from 400 drawings {scale:.3f}, from all {pipe.scale:.3f}")
x = torch.linspace(-4, 4, 200)
plot.show(plot.histograms({"latents": latents.clamp(-4, 4), "scaled": (scale * latents).clamp(-4, 4)}, xlabel="value",
                          density={"standard normal": (x, (-x**2 / 2).exp() / (2 * torch.pi) ** 0.5)}),
          alt="Three densities around 0: the latents' is narrow, the scaled latents' nearly as wide as the standard normal's, "
              "which is drawn as a curve, and a little lopsided.")

# %% [markdown]
# It is one number for all channels. The decoder wants latents in its own unit, so it is given $z / \text{scale}$. And
# scaled latents are not normal, and need not be.
#
# ## 4 · Places that read
#
# In notebook 06 the wish was *one* vector, which every place of the picture heard alike. A sentence is a row of vectors,
# a token each. Here they come from a small sentence encoder (MiniLM, frozen, cut down to 128 numbers a token), behind
# one that marks the start. So that sentences fit into one batch, rows of zeros fill them up: **padding**.

# %% tags=["demo"]
asked = ["cat", "red apple", "cat and anchor", ""]
for prompt, row in zip(asked, pipe.encode(asked)):
    visible = row.any(-1)  # (16,), True at a token
    print(f"{prompt!r:18} {visible.sum()} tokens, {(~visible).sum()} rows of padding")

# %% [markdown]
# In “cat and anchor” one half of the picture should hear *cat*, the other *anchor*. Notebook 02 has what is needed:
# attention. Here each **place** asks, and the **words** answer: queries come from the picture, keys and values from the
# text. Each head does so with its own $d_h = d / \text{heads}$ numbers.
#
# Notebook 02 hid the pixels to come. Here padding is to be hidden: a layer with a bias makes a key of it too, and then
# it would be read. It must get no weight, and the weights of the tokens must still add up to 1, however large padding's
# own score is. Write down what place $i$ gets in one head, then program it.
#
# **Exercise 4** · medium · 20 minutes
#
# <details><summary><b>Stuck?</b></summary>
#
# Get the shapes right for one head first: how does $(b, n, d)$ become $(b, \text{heads}, n, d_h)$, and what is the way
# back? For the padding: which score has the weight 0 after a softmax?
#
# </details>

# %% task="ldm.cross_attention"
def cross_attention(x, context, to_q, to_k, to_v, heads, mask):
    """What each place of a latent reads in a text.

    Args:
        x: (b, n, d_x) the places.
        context: (b, m, d_c) the text's tokens, and padding.
        to_q: A layer, (b, n, d_x) to (b, n, d).
        to_k, to_v: Layers, (b, m, d_c) to (b, m, d).
        heads: Their number; it divides d. The heads are consecutive blocks of d / heads channels.
        mask: (b, m) bool, True for tokens, False for padding; every text has a token.

    Returns:
        (b, n, d), the heads side by side in their order.
    """
    ####################################################################
    # TODO: attention in every head, as in notebook 02. Padding gets   #
    # no weight at all. About 6 lines.                                 #
    ####################################################################
    ### BEGIN SOLUTION
    q, k, v = to_q(x), to_k(context), to_v(context)
    q, k, v = (part.unflatten(-1, (heads, -1)).transpose(1, 2) for part in (q, k, v))  # (b, heads, ., d / heads)
    scores = q @ k.mT / q.shape[-1] ** 0.5
    scores = scores.masked_fill(~mask[:, None, None], -torch.inf)
    return (scores.softmax(dim=-1) @ v).transpose(1, 2).flatten(2)
    ### END SOLUTION
    ####################################################################
    #                       END OF YOUR CODE                           #
    ####################################################################

# %% check="ldm.cross_attention"
check("ldm.cross_attention")

# %% [markdown]
# <details><summary><b>What you derived</b></summary>
#
# $$o_i = \sum_j a_{ij}\,v_j, \qquad
# a_i = \operatorname{softmax}_{j \text{ no padding}}\Big(\frac{q_i^\top k_j}{\sqrt{d_h}}\Big). \tag{4}$$
#
# </details>
#
# `emoji-latent` reads in eight layers. Below your function stands in all of them. In those of 8 × 8 places it is asked
# once more, with a table of ones and zeros as values, so that what comes out is the weights (as in notebook 02).

# %% tags=["demo"]
seen = []


def through_yours(layer, x, context, mask):
    """A layer's answer by your function; where there are 64 places, its weights (b, 8, 8, heads, 16) are kept."""
    if x.shape[1] == 64:
        ones = torch.eye(16).repeat(1, layer.heads).expand(len(x), -1, -1)  # token j of 16: a 1 at j, in every head
        weights = cross_attention(x, context, layer.to_q, layer.to_k, lambda _: ones, layer.heads, mask)
        seen.append(weights.unflatten(1, (8, 8)).unflatten(3, (layer.heads, 16)))
    return layer.out(cross_attention(x, context, layer.to_q, layer.to_k, layer.to_v, layer.heads, mask))


yours = copy.deepcopy(pipe.network)
for module in yours.modules():
    if hasattr(module, "to_k"):
        module.forward = lambda x, context, mask, layer=module: through_yours(layer, x, context, mask)

# %% tags=["demo"]
def places_of(prompt):
    """Where the start and each part of a prompt stand among its tokens."""
    places, after = {"start": slice(0, 1)}, 1
    for part in text.parts(prompt):
        size = len(text.tokens([part])[0]) - 1  # without a start of its own
        places[f"“{part}”"] = slice(after, after + size)
        after += size
    return places


prompt = "red heart and star"
picture = data.emoji_picture(prompt)[None]
t, noise = torch.tensor([0.6]), torch.randn(1, 8, 8, 8, generator=seeded(0))
z_t = pipe.add_noise(pipe.scale * pipe.encode_image(2 * picture - 1), t, noise)
with torch.no_grad():
    same = torch.allclose(yours(z_t, t, pipe.encode([prompt])), pipe.unet(z_t, t, pipe.encode([prompt])), atol=1e-4)
print("the network answers the same with your attention:", same)
plot.show(diagrams.read_places(picture[0], places_of(prompt), seen[2][0]),  # the third of four such layers
          alt="A heart and a star side by side, and maps of 8 × 8 places for four heads. “red heart” is bright where the heart "
              "is, in all heads; “star” where the star is, in head 4; “and” there too, in heads 1 and 2; the start all "
              "around the two things.")

# %% [markdown]
# Yellow is a weight of 1. The places of the heart read “red heart”, in every head. Those of the star read “star” in one
# head, and “and” in others: the word which says that there is a second thing. The paper around them reads the start,
# which says nothing, since an attention has to read *something*. Nobody told the heads any of this. (Other pairs are
# read less tidily: try “cat and anchor”.)
#
# And “no wish”? Notebook 06 set the wish's vector to zero, and the network learned what to make of it. Among tokens
# zeros mean padding: a text of nothing but zeros has nothing to read, and a softmax over nothing is $0/0$. So “no wish”
# is the *empty prompt*, encoded as any other, whose start can be read. In training it takes the place of one text in
# ten.
#
# ## 5 · Training
#
# What is predicted is the $v$ of notebook 08, a mixture of noise and data that is of use at all times, at $t = 1$ too.
# With $z$ the scaled means of the latents,
#
# $$z_t = \alpha_t\,z + \sigma_t\,\varepsilon, \qquad v = \alpha_t\,\varepsilon - \sigma_t\,z, \qquad
# L = \operatorname{mean}\,\big(v_\theta(z_t, t, \text{text}) - v\big)^2. \tag{5}$$
#
# **Exercise 5** · medium · 12 minutes
#
# <details><summary><b>Stuck?</b></summary>
#
# Make $z$ first: which of the encoder's two answers, in which unit, and with which gradient? Then the two combinations of
# $z$ and noise in (5). Their factors are `(b,)`, and $z$ is not.
#
# </details>

# %% task="ldm.training_step"
def training_step(unet, autoencoder, scale, x, context, alpha, sigma, noise, t):
    """The loss of a diffusion model in latents, which predicts v.

    Args:
        unet: unet(z_t (b, c, h, w), t (b,), context) gives (b, c, h, w).
        autoencoder: autoencoder.encode(x) gives (mu, logvar), (b, c, h, w) each. It is frozen: nothing here moves it.
        scale: The number of exercise 3.
        x: (b, 3, H, W) images in [-1, 1].
        context: (b, m, d_c) tokens.
        alpha, sigma: (b,) the path's factors at each sample's time.
        noise: (b, c, h, w) standard normal.
        t: (b,) times.

    Returns:
        A scalar: the mean over everything of the squared error.
    """
    ####################################################################
    # TODO: equation (5) in the scaled means of the latents. About 6   #
    # lines.                                                           #
    ####################################################################
    ### BEGIN SOLUTION
    with torch.no_grad():
        mu, _ = autoencoder.encode(x)
    z = scale * mu
    alpha, sigma = column(alpha, z), column(sigma, z)
    v = alpha * noise - sigma * z
    return (unet(alpha * z + sigma * noise, t, context) - v).square().mean()
    ### END SOLUTION
    ####################################################################
    #                       END OF YOUR CODE                           #
    ####################################################################

# %% check="ldm.training_step"
check("ldm.training_step")

# %% [markdown]
# The loss of `emoji-latent` at different times, by your function, for 32 drawings of its training: with their own names,
# with the empty prompt, and with each other's names.

# %% tags=["demo"]
x, which = some(32, drawings, seed=2)
own_names, noise = [names[i] for i in which], torch.randn(32, 8, 8, 8, generator=seeded(3))
told = {"own name": own_names, "empty prompt": 32 * [""], "another's name": own_names[1:] + own_names[:1]}
path, times = shipped["emoji-latent"].path, torch.tensor([0.1, 0.25, 0.4, 0.55, 0.7, 0.85, 1.0])


def loss_at(t, texts):
    t = t.expand(len(x))
    with torch.no_grad():
        return training_step(pipe.network, autoencoder, pipe.scale, 2 * x - 1, pipe.encode(texts), path.alpha(t),
                             path.sigma(t), noise, t).item()


plot.show(plot.curves(times, {name: [loss_at(t, texts) for t in times] for name, texts in told.items()}, xlabel="t",
                      ylabel="loss"),
          alt="Loss over t. With a drawing's own name it falls to 0.2 and stays there; with the empty prompt it is the same at "
              "small t and rises to 0.75; with another's name it lies above 1.2 throughout.")

# %% [markdown]
# At $t = 1$ there is nothing but noise, and the target is $-z$, the picture itself: all that can be known of it comes from
# the text. Its own name says which drawing is meant; the empty prompt says nothing, so the answer is a mean. The less
# noise, the more the picture tells by itself, and the empty prompt does nearly as well. Only a wrong name misleads at all
# times: in training text and picture never disagreed.
#
# The autoencoder does not move, so the recipe encodes all its pictures once, before it begins. Your loss gets those latents
# through a stand-in that gives them back.

# %% tags=["demo"]
class Encoded:
    """In the autoencoder's place: what it is given was encoded and scaled before."""

    def encode(self, z):
        return z / pipe.scale, None


class Mine(EmojiLatent):
    """The shipped checkpoint's recipe, with your loss."""

    def loss(self, model, batch):
        t = batch["t"]
        return training_step(model, Encoded(), pipe.scale, batch["x_start"], batch["context"], self.path.alpha(t),
                             self.path.sigma(t), batch["noise"], t)

# %% tags=["demo"]
z = pipe.scale * pipe.encode_image(2 * x - 1)
batch = {"x_start": z, "context": pipe.encode(own_names), "noise": noise, "t": torch.linspace(0.1, 1, 32)}
with torch.no_grad():
    mine, theirs = Mine().loss(pipe.network, batch), EmojiLatent().loss(pipe.network, batch)
print("your loss is the recipe's:", torch.allclose(mine, theirs, rtol=1e-4))

# %% tags=["demo"]
recipe = Mine()
print(f"the recipe: {recipe.steps:,} steps with batches of {recipe.batch_size}, of {recipe.pool:,} pictures; "
      f"{recipe.minutes['two cores']:.0f} minutes of two cores")
if TRAIN:
    finished = training.train(recipe, resume=False, out=training.RUNS / "finished")
    if finished:
        pipe = dataclasses.replace(pipe, network=zoo.load("emoji-latent", finished.parent).model)

# %% [markdown]
# **Question 1.** Does latent diffusion change the diffusion *process*, or the *space* in which it runs? Go through what you
# know of notebooks 05 to 07 (path, loss, network, sampler, guidance) and say what stayed and what did not. Then: which two
# properties of the space must be made or measured by somebody, which pixels in $[-1, 1]$ have by themselves?

# %% [markdown] question="ldm.1"
# The space. The path from data to noise, the pairs of a noised state and a target, the mean square, DDIM and guidance are
# word for word those of notebooks 05 to 08, with $z$ where $x$ stood. The network is still a UNet; it has other channels,
# fewer resolutions, since there are fewer places, and (because of the text, not of the space) cross-attention. What is
# new stands outside of the process: an encoder before the training and a decoder after the last step.
#
# Pixels have a known size: values in $[-1, 1]$, with a standard deviation near a half or one. Latents have the unit that
# the autoencoder's training left, so the scale must be measured. And pixels are smooth in themselves: a small error of a
# pixel is a small error of the picture. For latents the training has to see to it, by the KL and its noise, and to the
# decoder being good at all: no diffusion model can draw what the decoder cannot. (Latents have no bounds either, so
# nothing is clamped while sampling.)
#
# **Rubric** (½ points allowed)
#
# - 2 points: the space; process, loss, sampler and guidance stay as they are
# - 1 point: encoder before and decoder after, or what changes in the network
# - 2 points: two of: the scale, smoothness (small errors in latents are small in pictures), a decoder that covers the data

# %% [markdown]
# ## 6 · A sentence becomes a picture
#
# All parts are there, and `pipe` holds them: text encoder, network, times, DDIM's step (notebook 07), scale, decoder.
# Guidance is given in the convention of its users, `guidance_scale`, which is $g$ in 07's table:
#
# $$\tilde v = v_\varnothing + g\,(v_{\text{text}} - v_\varnothing), \qquad g = 1 + w. \tag{6}$$
#
# **Exercise 6** · hard · 20 minutes
#
# <details><summary><b>Stuck?</b></summary>
#
# Write the order of things for one prompt as a list of words: encode, …, decode. In which unit are the latents in the
# loop, and in which does the decoder want them? Which range does `decode` give, and which is asked for?
#
# </details>

# %% task="ldm.text_to_image"
def text_to_image(pipe, prompts, num_inference_steps=30, guidance_scale=4.0, latents=None, generator=None):
    """Images of prompts.

    Args:
        pipe: All parts of a trained model; none of them keeps a graph.
            pipe.encode(texts) gives the context (n, m, d_c) of n texts;
            pipe.unet(z, t, context) gives v (b, 8, 8, 8) from z (b, 8, 8, 8), times t (b,) and a context (b, m, d_c);
            pipe.times(n) gives the n + 1 times (n + 1,) of n steps, falling, the last one that of clean latents;
            pipe.step(z, v, t, s) gives the latents at time s from those at time t and the v there, both of pipe.times;
            pipe.scale is the number of exercise 3, by which the latents that the UNet knows were multiplied;
            pipe.decode(z) gives images (b, 3, 32, 32) in [-1, 1] from latents as the autoencoder makes them.
        prompts: b texts.
        num_inference_steps: Steps.
        guidance_scale: g of equation (6).
        latents: (b, 8, 8, 8) noise to begin with; None draws it.
        generator: Of that noise.

    Returns:
        (b, 3, 32, 32) images in [0, 1].
    """
    ####################################################################
    # TODO: the contexts of the prompts and of "" for each, the        #
    # noise, the steps with guidance (6), the images. About 10 lines.  #
    ####################################################################
    ### BEGIN SOLUTION
    cond, uncond = pipe.encode(prompts), pipe.encode([""] * len(prompts))
    z = torch.randn(len(prompts), 8, 8, 8, generator=generator) if latents is None else latents
    times = pipe.times(num_inference_steps)
    for t, s in zip(times[:-1], times[1:]):
        at = t.expand(len(z))
        v_cond, v_uncond = pipe.unet(z, at, cond), pipe.unet(z, at, uncond)
        z = pipe.step(z, v_uncond + guidance_scale * (v_cond - v_uncond), t, s)
    return (pipe.decode(z / pipe.scale) + 1) / 2
    ### END SOLUTION
    ####################################################################
    #                       END OF YOUR CODE                           #
    ####################################################################

# %% check="ldm.text_to_image"
check("ldm.text_to_image")

# %% [markdown]
# The first eight prompts of a list that a seed has shuffled: names of drawings that the model was trained on.

# %% tags=["demo"]
eight_prompts = choose_names("plain", "train", 8)
noise = torch.randn(8, 8, 8, 8, generator=seeded(1))
rows = {f"g = {g}": text_to_image(pipe, eight_prompts, 20, g, latents=noise) for g in (0, 1, 4, 12)}
print("; ".join(eight_prompts))
plot.show(plot.image_rows(rows),
          alt="Four rows of eight emoji. At g = 0 things that nobody asked for; at 1 rough shapes of bacon, a diamond, a ship, "
              "luggage; at 4 the same, clearer and with bold outlines; at 12 hard colours, and specks around the things.")

# %% [markdown]
# With $g = 0$ the prompt is not heard, with 1 it is, and with 4 it is insisted on. At 12 colours turn hard and specks
# appear: the over-saturation of notebook 07. Users of such models mostly stay between 3 and 8, with 20 to 50 steps.
# Here are fewer, at $g = 4$:

# %% tags=["demo"]
rows = {f"{n} steps": text_to_image(pipe, eight_prompts, n, 4.0, latents=noise) for n in (3, 6, 12, 30)}
plot.show(plot.image_rows(rows),
          alt="The eight prompts by 3, 6, 12 and 30 steps: with 3 already the right things, in flatter or other colours; from "
              "6 on they hardly change.")

# %% [markdown]
# A **negative prompt** needs no new line of code. (6) leads away from $v_\varnothing$, the answer to the empty prompt. Put
# another text in its place, and it leads away from *that*. `pipe.against("red")` is a pipe which encodes “” as “red”.

# %% tags=["demo"]
four = ["apple", "heart", "balloon", "rose"]
noise = torch.randn(4, 8, 8, 8, generator=seeded(2))
print("; ".join(four))
rows = {"against nothing": text_to_image(pipe, four, latents=noise),
        "against red": text_to_image(pipe.against("red"), four, latents=noise)}
plot.show(plot.image_rows(rows),
          alt="Above an orange apple, a heart in red and yellow, a red balloon, a red flower. Below, from the same noises, a "
              "green apple, a green heart, a balloon half blue and green, a green flower.")

# %% [markdown]
# And here is the whole of it: type a prompt. In a running notebook your `text_to_image` draws; what you see without a
# kernel was recorded.
#
# **Before you type, guess:** will all four pictures of “blue apple” look alike? And those of “cat and heart”, which is
# smaller?

# %% tags=["demo", "nbval-ignore-output"]
from course_utils.check import name_red

red = name_red(["ldm.text_to_image"])
print(red or "drawn by your own function, where the notebook runs")
widgets.prompt_box(pipe, None if red or widgets.recording() else text_to_image)

# %% [markdown]
# ## 7 · From a picture
#
# Sampling need not begin in pure noise. Noise a picture up to some time, and denoise it from there under a prompt (Meng et
# al. 2022). What the noise has hidden is drawn anew, after the prompt; what still shows through stays.
# `strength` says how far up: the share of the path's steps that is made, its last ones. With 1 the picture counts for
# nothing, with 0 only the autoencoder is seen.
#
# **Exercise 7** · medium · 20 minutes
#
# <details><summary><b>Stuck?</b></summary>
#
# Write down the times of $n = 4$ steps (there are five), and cross out those that strength 0.5 does not visit. With which
# one do you begin, and how many steps follow? Then the latents: the network knows scaled ones, `encode_image` gives the
# others, and images here are in $[0, 1]$.
#
# </details>

# %% task="ldm.image_to_image"
def image_to_image(pipe, prompts, images, strength, num_inference_steps, guidance_scale, noise):
    """Images changed after prompts: noised up to a time in between, and denoised from there.

    Args:
        pipe: As in exercise 6, and
            pipe.encode_image(images) gives the means (b, 8, 8, 8) of the latents of images in [-1, 1], not scaled;
            pipe.add_noise(z, t, noise) gives clean scaled latents z as they are at time t, a scalar, with this noise.
        prompts: b texts.
        images: (b, 3, 32, 32) in [0, 1].
        strength: In [0, 1]: the share of the steps that is made. 1 begins in noise, 0 makes no step.
        num_inference_steps: n, of which the last min(int(n * strength), n) are made.
        guidance_scale: g of equation (6).
        noise: (b, 8, 8, 8) standard normal.

    Returns:
        (b, 3, 32, 32) images in [0, 1].
    """
    ####################################################################
    # TODO: latents, scaled and noised to the time at which the steps  #
    # begin, then the rest of the way as in exercise 6. About 10       #
    # lines.                                                           #
    ####################################################################
    ### BEGIN SOLUTION
    cond, uncond = pipe.encode(prompts), pipe.encode([""] * len(prompts))
    n = num_inference_steps
    times = pipe.times(n)[n - min(int(n * strength), n):]
    z = pipe.add_noise(pipe.scale * pipe.encode_image(2 * images - 1), times[0], noise)
    for t, s in zip(times[:-1], times[1:]):
        at = t.expand(len(z))
        v_cond, v_uncond = pipe.unet(z, at, cond), pipe.unet(z, at, uncond)
        z = pipe.step(z, v_uncond + guidance_scale * (v_cond - v_uncond), t, s)
    return (pipe.decode(z / pipe.scale) + 1) / 2
    ### END SOLUTION
    ####################################################################
    #                       END OF YOUR CODE                           #
    ####################################################################

# %% check="ldm.image_to_image"
check("ldm.image_to_image")

# %% [markdown]
# <details><summary><b>What you derived</b></summary>
#
# $n$ steps have $n + 1$ times, so the last $k = \min(\lfloor n \cdot \text{strength} \rfloor, n)$ of them begin at
# `times[n - k]`. With strength 1 that is pure noise, with 0 the clean end.
#
# </details>

# %% tags=["demo"]
things, wanted = ["red heart", "lemon", "dog", "fish"], ["blue heart", "purple lemon", "fox", "whale"]
originals = torch.stack([data.emoji_picture(thing) for thing in things])
noise = torch.randn(4, 8, 8, 8, generator=seeded(4))
rows = {"original": originals} | {f"strength {strength:g}": image_to_image(pipe, wanted, originals, strength, 30, 4.0, noise)
                                  for strength in (0, 0.1, 0.2, 0.3, 1)}
print("; ".join(f"{thing} → {wish}" for thing, wish in zip(things, wanted)))
plot.show(plot.image_rows(rows),
          alt="A red heart, a lemon, a dog and a fish; the same at strength 0. At 0.1 the heart is dark blue and red, the "
              "lemon pink, the dog has a fox's face; from 0.2 on there are a blue heart, a purple lemon, a fox and a whale.")

# %% [markdown]
# Three of thirty steps are enough to turn the heart and to give the dog a fox's face; after six hardly anything of the
# original is left. This model believes its text more than what it sees, as the curves of section 5 said. In models of
# millions of pictures, whose texts fit their pictures less well, useful strengths lie higher.
#
# **Inpainting** is notebook 09's projection, in latents: after each step the known part is replaced by the original, noised
# as everything else is. Your `text_to_image` gets a pipe whose steps do that. (The mask is given in places of the latent;
# one is a patch of 4 × 4 pixels.)

# %% tags=["demo"]
class Inpainting:
    """A pipe that knows a part of the latents, where the mask is 1, and puts it back after every step."""

    def __init__(self, pipe, known, mask, noise):
        self.pipe, self.known, self.mask, self.noise = pipe, known, mask, noise

    def __getattr__(self, name):
        return getattr(self.pipe, name)

    def step(self, z, v, t, s):
        known = self.pipe.add_noise(self.known, s, self.noise)
        return self.mask * known + (1 - self.mask) * self.pipe.step(z, v, t, s)

# %% tags=["demo"]
pairs, wanted = ["cat and key", "fish and bell", "dog and star", "rose and crown"], ["anchor", "key", "rose", "lemon"]
originals = torch.stack([data.emoji_picture(pair) for pair in pairs])
mask = torch.zeros(8, 8)
mask[:, :4] = 1  # the left half
noise = torch.randn(4, 8, 8, 8, generator=seeded(5))
halves = Inpainting(pipe, pipe.scale * pipe.encode_image(2 * originals - 1), mask, noise)
prompts = [f"{pair.split(' and ')[0]} and {thing}" for pair, thing in zip(pairs, wanted)]
plot.show(plot.image_rows({"original": originals, "right halves drawn": text_to_image(halves, prompts, latents=noise)}),
          alt="Cat and key, fish and bell, dog and star, rose and crown. Below, the left things are the same, and beside them "
              "stand a faint anchor, a slanting key, a rough flower, a round lemon.")
print("; ".join(prompts))

# %% [markdown]
# ## 8 · What 1,723 drawings teach
#
# Nobody learns the world from 1,723 drawings. So more pictures were made from them, with true names: things painted in
# another colour (“blue apple”), and pairs side by side (“cat and anchor”). A tenth of such combinations was held out, and
# 191 drawings. Now one can ask apart: does the model draw a name that it has seen; one that it has not; a seen thing in a
# colour that it never had there; two seen things that it never saw together? Here are the first 24 of each kind, in an
# order that a seed drew.

# %% tags=["demo"]
kinds = {"seen": ("plain", "train"), "unseen names": ("plain", "test"), "unseen colours": ("coloured", "test"),
         "unseen pairs": ("pair", "test")}
prompts = {kind: choose_names(*drawn_as, 24) for kind, drawn_as in kinds.items()}
sheet = shipped_grid("emoji-latent")[:96]  # (96, 3, 32, 32): 24 of each kind, by 30 steps, g = 4
for kind, few in prompts.items():
    print(f"{kind}: {'; '.join(few)}\n")
plot.show(plot.image_grid(sheet.unflatten(0, (12, 8)), rows=[row for kind in kinds for row in (kind, "", "")]),
          alt="Three rows of eight for each kind. Seen names: clear things, such as a diamond, flags, a ball. Unseen names: "
              "vague figures, some of the right sort. Unseen colours: clear things in the colour asked for. Unseen pairs: two "
              "small things side by side, many of them recognisable.")

# %% [markdown]
# A sheet convinces, but it does not count. So 96 of each kind were drawn, and a network that reads drawings,
# `emoji-retrieval`, was asked which of 50 names fits best: the right one, among 49 others of its kind. It has learned from
# training pictures only, so what it makes of the *true* pictures is the ceiling.

# %% tags=["demo"]
measured = shipped["emoji-latent"].metrics
print(diagrams.describe_ranks(measured))
print(f"the nearest of all drawings is the prompt's own: {measured['own_drawing_nearest']:.0%} of samples of seen names")
print(f"copies of a training drawing: {measured['copied_unseen']:.0%} of samples of unseen prompts")

# %% [markdown]
# Of seen names the nearest drawing is mostly their own: the model knows these **by heart** (of a perfect one, notebook 12
# expects nothing else). Colours it has understood as something that a thing *has*, and pairs, more often than not, as two
# things side by side; both in combinations that it never saw. With unseen *names* even the reader is at a loss before the
# true pictures. Here are the first eight, and the training drawing that each sample is nearest to:

# %% tags=["demo"]
samples = sheet[24:32]
apart, index = metrics.nearest(samples, drawings)
true = torch.stack([data.emoji_picture(name) for name in prompts["unseen names"][:8]])
print("; ".join(f"{asked} → {names[i]} ({d:.2f})" for asked, i, d in
                zip(prompts["unseen names"], index[:, 0].tolist(), apart[:, 0].tolist())))
plot.show(plot.image_rows({"the true drawing": true, "drawn": samples, "nearest in training": drawings[index[:, 0]]}),
          alt="Eight true drawings, such as a mouse face, a fan, a flag; what was drawn: a grey head, a thinking face, a green "
              "flag, two wrestlers; and the nearest training drawings, none of which is the same as the sample.")

# %% [markdown]
# Some are of the right sort, since their words are near to others: a face, a flag, wrestlers. None is a copy. But what a
# *volcano* looks like no other name tells.
#
# ## 9 · Pixels against latents
#
# Three networks side by side: notebook 09's `emoji-unet`, which works on pixels and reads no text; `emoji-latent`; and its
# network again, if it had to work on 32 × 32 pixels. An operation is a multiplication or an addition. *Kept* is what one
# picture of a training step holds in memory for the backward pass.

# %% tags=["demo"]
from course_utils import models
from course_utils.kernels import measured

one, tokens = torch.full((1,), 0.5), pipe.encode(["cat"])
arguments = shipped["emoji-latent"].config["args"] | {"channels": 3}
networks = {"emoji-unet, pixels": (zoo.load("emoji-unet").model, torch.zeros(1, 3, 32, 32), one),
            "emoji-latent, latents": (shipped["emoji-latent"].model, torch.zeros(1, 8, 8, 8), one, tokens),
            "the same network, pixels": (models.build("text_unet", arguments), torch.zeros(1, 3, 32, 32), one, tokens)}
costs = {name: [number / 1e6 for number in diagrams.evaluation(*call)] for name, call in networks.items()}
print(diagrams.describe_costs(costs, ["parameters, M", "operations, M", "kept, MB"]))
decoding = diagrams.evaluation(autoencoder.decoder, torch.zeros(1, 8, 8, 8)).operations / 1e6
latent, same = costs["emoji-latent, latents"][1], costs["the same network, pixels"][1]
print(f"decoding, once a picture: {decoding:.0f} M operations")
print(f"a picture of 30 guided steps: {(60 * latent + decoding) / 1e3:.1f} G operations in latents, "
      f"{60 * same / 1e3:.0f} G by the same network in pixels")

# %% tags=["demo", "nbval-ignore-output"]
def eight_at_once(network, *given):
    with torch.no_grad():
        return network(*[part.expand(8, *part.shape[1:]) for part in given])


taken = measured.milliseconds({name: lambda call=call: eight_at_once(*call) for name, call in networks.items()}, 5)
print("\n".join(f"{name}: {ms:.0f} ms an evaluation of eight" for name, ms in taken.items()))

# %% [markdown]
# One network at 8 × 8 places or at 32 × 32: the same parameters, one fifteenth of the operations and of what is kept.
# Against `emoji-unet`, which was built for pixels and is thin where they are many, it costs a quarter. The decoder adds
# as much as one and a half evaluations, once. At 32 × 32 that is a convenience; at 512 × 512 it decides whether a model
# can be trained.
#
# And here is your model beside the one that it is a small copy of (Rombach et al. 2022):
#
# | part | Stable Diffusion 1 | here |
# |---|---|---|
# | picture, latents | 512² × 3, 64² × 4 (8× down) | 32² × 3, 8² × 8 (4× down) |
# | autoencoder | small KL, critic, features; 84 M parameters | the same losses; 0.85 M |
# | text encoder, frozen | CLIP's, 77 tokens of 768; 123 M | MiniLM's, 16 tokens of 128 |
# | network | UNet with cross-attention, and self-attention; 860 M | UNet with cross-attention; 1.7 M |
# | prediction | noise (2.1: $v$) | $v$ |
# | “no wish” | the encoded empty prompt, 10 % of training | the same |
# | sampling | 50 steps, `guidance_scale` 7.5 | 30 steps, 4 |
# | scale | 0.18215 | yours |
# | pictures with texts | about two billion, from the web | 1,723 drawings, and what was made of them |
#
# Stable Diffusion 3 and Flux take 16 channels, straight paths (notebook 12), and a transformer for the UNet (13).

# %% [markdown]
# **Question 2.** Why did high resolution become affordable? Explain with the table above which part of the cost of a
# picture shrank, by about which factor, and which parts are still paid in pixels, and how often. Then: why not
# compress much more, say 32 × 32 pixels into 2 × 2 places?

# %% [markdown] question="ldm.2"
# The cost of a picture is the number of steps (twice, with guidance) times the cost of an evaluation, and of a training
# the number of examples times that. An evaluation visits all places, so it shrinks with their number: 16 times fewer
# places here, 64 times for 256² pixels, and the same network costs about 16 times fewer operations and
# keeps as many times less for its backward pass. Where places attend to one another the cost goes with the *square* of
# their number, and the gain is 64² there. In pixels only the encoder works (once for each training picture) and the
# decoder (once for each sample, whatever the number of steps).
#
# What is stored in fewer numbers must be drawn by the decoder from habit. Up to a point that costs details nobody
# misses; beyond it, the decoder has to invent what is in the picture, which is the diffusion model's work, and no
# diffusion model repairs what a decoder cannot draw. (More channels in fewer places keep the information, but make latents
# that are harder to learn.)
#
# **Rubric** (½ points allowed)
#
# - 2 points: cost goes with the places, at each of many steps; 16 times fewer here (64 there), squared for attention
# - 1½ points: encoder and decoder work in pixels, once a picture
# - 1½ points: too much compression takes away what the decoder cannot draw, a ceiling for everything after it

# %% [markdown]
# **Question 3.** What limits such a model now? Name one limit that comes from the autoencoder, one from the way of
# sampling, and one from the text and the data. For each say by which number or picture of this notebook you would see it.

# %% [markdown] question="ldm.3"
# *Autoencoder:* samples are never better than what the decoder draws. Its PSNR on held-out drawings is the ceiling, and
# strength 0 shows it: thin lines, faces, small letters suffer first. A picture that the encoder never met in its training
# may not come back at all.
#
# *Sampling:* steps come one after the other and cannot run at the same time, and guidance doubles each. The sheet by
# number of steps shows how few suffice. (Larger pictures, and videos, have many places even in latents; attention grows
# with their square.) Fewer steps are notebook 14's subject.
#
# *Text and data:* the model knows what its captions said. Of unseen names it can only guess, as the table's second row
# says; unseen pairs of seen things come out far more often, since their parts were learned. The encoder is frozen, and of a
# sentence it hears what it was trained to tell apart: who does what to whom, counts, and “not” are lost early. And what was
# seen often enough is copied: the nearest training drawings show it.
#
# **Rubric** (½ points allowed)
#
# - 1½ points: the decoder's ceiling, seen by PSNR or by strength 0
# - 1½ points: steps in a row, doubled by guidance (or the square of the places), seen by the sheet of steps or the times
# - 2 points: names or relations that the captions never told, seen by the ranks of unseen names; or copies, by neighbours

# %% [markdown]
# ## Puzzle
#
# Not graded. Your `text_to_image` draws the eight prompts of section 6 once more, with three pipes that have a slip each:
#
# - the decoder is given latents in the network's unit;
# - the step takes $v$ for the noise;
# - the step takes $v$ for $z$, the clean latents.
#
# Which row, A, B or C, is whose?

# %% tags=["demo"]
noise = torch.randn(8, 8, 8, 8, generator=seeded(1))
rows = {"as it should be": text_to_image(pipe, eight_prompts, 20, latents=noise)}
rows |= {name: text_to_image(slipped, eight_prompts, 20, latents=noise)
         for name, slipped in puzzles.slipped_pipes(pipe).items()}
plot.show(plot.image_rows(rows),
          alt="Above eight emoji as they should be. A: white clouds in dark frames, in soft colours. B: sharp outlines, hardly "
              "any of what was asked for. C: the right things, darker and in harder colours.")

# %% [markdown]
# <details><summary><b>Answer</b></summary>
#
# **C** does not divide by the scale. Every latent is half as large again as it should be: the right things, in colours that
# are too hard. It looks so nearly right that such a slip lives long. (Not with the scale of Stable Diffusion: there latents
# would come out five times too small, and pictures grey.)
#
# **A** takes $v$ for the clean latents. In pure noise $v$ is $-z$, so the first steps go to the picture's *negative*; and
# near data $v$ is the noise, which is what is decoded at the end.
#
# **B** takes $v$ for the noise. The first step puts that negative in the noise's place, and what follows grows from it. Near
# data $v$ nearly *is* the noise, so the last steps are right: clean outlines, of hardly anything that was asked for.
#
# </details>
#
# ## Where this goes
#
# - **13** replaces the UNet by a transformer on the same latents, and lets text and picture read each other.
# - **14** makes thirty steps four, or one; much of what it tells was invented for latents.
# - **15** makes each step fast.
#
# **References**
#
# - Rombach, Blattmann, Lorenz, Esser, Ommer 2022, *High-Resolution Image Synthesis with Latent Diffusion Models*: all of
#   this notebook.
# - Esser, Rombach, Ommer 2021, *Taming Transformers*: an autoencoder with a critic and a feature loss.
# - Zhang, Isola, Efros, Shechtman, Wang 2018, *The Unreasonable Effectiveness of Deep Features* (LPIPS).
# - Vaswani et al. 2017, *Attention Is All You Need*: equation (4).
# - Wang et al. 2020, *MiniLM*; Reimers, Gurevych 2019, *Sentence-BERT*: the text encoder.
# - Salimans, Ho 2022, *Progressive Distillation*: $v$. Ho, Salimans 2022, *Classifier-Free Diffusion Guidance*: (6).
# - Meng et al. 2022, *SDEdit*: from a picture. Lugmayr et al. 2022, *RePaint*: inpainting.
# - Carlini et al. 2023, *Extracting Training Data from Diffusion Models*: copies, at the size of Stable Diffusion.
# - Drawings: OpenMoji (CC BY-SA 4.0).
#
# ## Summary
#
# 1. Latent diffusion changes the space, not the process: an encoder before, a decoder after.
# 2. The autoencoder wants a close reconstruction, a small KL, and a critic that is fooled; then it is frozen, and its
#    latents get the unit of the noise.
# 3. Places read words by cross-attention. Padding has no weight, and “no wish” is a text, the empty one.
# 4. `guidance_scale` is $1 + w$; a negative prompt is another “no wish”; `strength` is where on the way one begins.
# 5. A small data set is learned by heart; what is new are combinations, and one has to count them.
