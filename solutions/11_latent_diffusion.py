# %% [markdown]
# # 11 · Latent diffusion

# %% tags=["setup"]
import torch
import torch.nn.functional as F

from course_utils.check import Unfinished, check

TRAIN = False  # True: section 5 trains text to emoji here, by a loss of your own
torch.set_printoptions(sci_mode=False)  # 0.0001, not 1e-04


def column(c, x):
    """Coefficients (b,) shaped like (b, 1, ..., 1), so that each meets its own sample of x (b, *)."""
    return c.reshape(-1, *[1] * (x.dim() - 1))

# %% task="ldm.kl_regularised_loss"
def kl_regularised_loss(recon, x, mu, logvar, kl_weight):
    """What an autoencoder is asked for: a near reconstruction, and latents of a bounded size.

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
    # TODO: equation (4) in every head. Padding gets no weight at all. #
    # About 6 lines.                                                   #
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

# %% task="ldm.text_to_image"
def text_to_image(pipe, prompts, num_inference_steps=30, guidance_scale=4.0, latents=None, generator=None):
    """Images of prompts.

    Args:
        pipe: All parts of a trained model; none of them keeps a graph.
            pipe.encode(texts) gives the context (n, m, d_c) of n texts;
            pipe.unet(z, t, context) gives v (b, 8, 8, 8) from z (b, 8, 8, 8), times t (b,) and a context (b, m, d_c);
            pipe.times(n) gives the n + 1 times (n + 1,) of n steps, falling, the last one that of clean latents;
            pipe.step(z, v, t, s) gives the latents at time s from those at time t and the v there, t and s scalars;
            pipe.scale is the number of exercise 3, by which the latents that the UNet knows were multiplied;
            pipe.decode(z) gives images (b, 3, 32, 32) in [-1, 1] from latents as the autoencoder makes them.
        prompts: b texts.
        num_inference_steps: Steps.
        guidance_scale: s of equation (6).
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

# %% task="ldm.image_to_image"
def image_to_image(pipe, prompts, images, strength, num_inference_steps, guidance_scale, noise):
    """Images changed after prompts: noised up to a time in between, and denoised from there.

    Args:
        pipe: As in exercise 6, and
            pipe.encode_image(images) gives the means (b, 8, 8, 8) of the latents of images in [-1, 1], not scaled;
            pipe.add_noise(z, t, noise) gives clean scaled latents z as they are at time t, a scalar, with this noise.
        prompts: b texts.
        images: (b, 3, 32, 32) in [0, 1].
        strength: In [0, 1]: the share of the steps that is made. 1 begins with nothing but noise, 0 changes nothing.
        num_inference_steps: n, of which the last min(int(n * strength), n) are made.
        guidance_scale: s of equation (6).
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
