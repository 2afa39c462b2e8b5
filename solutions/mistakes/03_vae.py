# %% [vae.reparameterize] exp(logvar) for the spread
# hint: The noise is stretched by the variance. logvar is the logarithm of sigma squared, and the noise is multiplied
# hint: with sigma.
# replace:
std = (0.5 * logvar).exp()
# by:
std = logvar.exp()

# %% [vae.reparameterize] logvar for the spread
# hint: The noise is multiplied with logvar itself, which may even be negative. It is a logarithm: how does one get
# hint: back?
# replace:
std = (0.5 * logvar).exp()
# by:
std = logvar

# %% [vae.reparameterize] half of logvar for the spread
# hint: The noise is multiplied with half of logvar, still a logarithm. Undo the logarithm after halving.
# replace:
std = (0.5 * logvar).exp()
# by:
std = 0.5 * logvar

# %% [vae.reparameterize] half of the variance
# hint: Half of the variance is not its root: the factor one half belongs inside the exponential.
# replace:
std = (0.5 * logvar).exp()
# by:
std = 0.5 * logvar.exp()

# %% [vae.reparameterize] twice in the exponent
# hint: The exponent is twice logvar: that is the variance squared. A root halves an exponent.
# replace:
std = (0.5 * logvar).exp()
# by:
std = (2 * logvar).exp()

# %% [vae.reparameterize] a power of 2
# hint: The power has base 2. logvar is a natural logarithm: what undoes it has base e.
# replace:
std = (0.5 * logvar).exp()
# by:
std = 2 ** (0.5 * logvar)

# %% [vae.reparameterize] a minus in the exponent
# hint: The noise is divided by sigma, or the exponent has a minus: where q should be wide, your draws are narrow.
# replace:
std = (0.5 * logvar).exp()
# by:
std = (-0.5 * logvar).exp()

# %% [vae.reparameterize] logvar taken for the variance
# hint: The root of logvar is taken, as if logvar were the variance; where it is negative there is no root (NaN).
# replace:
std = (0.5 * logvar).exp()
# by:
std = logvar.sqrt()

# %% [vae.reparameterize] the root taken twice
# hint: The root is taken twice, once by halving the exponent and once more. Once is enough.
# replace:
std = (0.5 * logvar).exp()
# by:
std = (0.5 * logvar).exp().sqrt()

# %% [vae.reparameterize] softplus
# hint: The spread is softplus of something. Many networks do that, but here logvar is the logarithm of the variance,
# hint: and the spread follows from it.
# replace:
std = (0.5 * logvar).exp()
# by:
std = F.softplus(logvar)

# %% [vae.reparameterize] the spread without a gradient
# hint: Right numbers, but logvar gets no gradient: the spread is detached, made under no_grad, or from .data.
# replace:
std = (0.5 * logvar).exp()
# by:
std = (0.5 * logvar).exp().detach()

# %% [vae.reparameterize] uniform noise
# hint: The noise is uniform between 0 and 1 (rand): never negative, and too small. The guess is a normal distribution:
# hint: randn.
# replace:
noise = torch.randn_like(std)
# by:
noise = torch.rand_like(std)

# %% [vae.reparameterize] uniform noise around 0
# hint: The noise is uniform. Shifted to both sides of 0 it is still no normal distribution.
# replace:
noise = torch.randn_like(std)
# by:
noise = 2 * torch.rand_like(std) - 1

# %% [vae.reparameterize] normal numbers made from uniform ones
# hint: Such noise is as good, but it is made from uniform numbers. The check hands out torch's normal numbers, to know
# hint: what should come out: draw those (randn and its kin).
# replace:
noise = torch.randn_like(std)
# by:
noise = torch.special.ndtri(torch.rand_like(std))

# %% [vae.reparameterize] a seed inside
# hint: The seed is set inside, so that every call has the same noise. Who wants to repeat a run sets it once, outside.
# replace:
noise = torch.randn_like(std)
# by:
torch.manual_seed(0)
noise = torch.randn_like(std)

# %% [vae.reparameterize] one draw for the whole batch
# hint: All codes of the batch get the same noise. Each picture needs its own: as many numbers as mu has.
# replace:
noise = torch.randn_like(std)
# by:
noise = torch.randn(std.shape[1])

# %% [vae.reparameterize] one number for each code
# hint: All numbers of a code get the same noise, so that draws lie on a line. Each number needs its own.
# replace:
noise = torch.randn_like(std)
# by:
noise = torch.randn(len(std), 1)

# %% [vae.reparameterize] one number for all
# hint: A single random number moves the whole batch. Each number of each code needs its own.
# replace:
noise = torch.randn_like(std)
# by:
noise = torch.randn(())

# %% [vae.reparameterize] no noise
# hint: There is no noise left in it: the result is mu, moved by sigma at most. A draw differs from call to call.
# replace:
noise = torch.randn_like(std)
# by:
noise = 1.0

# %% [vae.reparameterize] the mean only
# hint: That is the mean of q, not a draw: nothing random is in it.
# replace:
return mu + std * noise
# by:
return mu

# %% [vae.reparameterize] the mean is forgotten
# hint: The draws lie around 0: mu is missing.
# replace:
return mu + std * noise
# by:
return std * noise

# %% [vae.reparameterize] minus
# hint: The noise is subtracted. Such draws are as good, but the notebook asks for the noise to be added, and the check
# hint: hands it to you.
# replace:
return mu + std * noise
# by:
return mu - std * noise

# %% [vae.reparameterize] mu stretches
# hint: The noise is multiplied with mu and sigma is added: the two have changed their parts.
# replace:
return mu + std * noise
# by:
return std + mu * noise

# %% [vae.reparameterize] mu is stretched too
# hint: sigma multiplies the mean as well: only the noise is stretched.
# replace:
return mu + std * noise
# by:
return (mu + noise) * std

# %% [vae.reparameterize] the spread is added
# hint: sigma is added to the noise instead of multiplying it: that shifts the draws and leaves their width as it is.
# replace:
return mu + std * noise
# by:
return mu + std + noise

# %% [vae.reparameterize] torch.normal
# hint: Right numbers, but neither mu nor logvar gets a gradient: a ready-made draw (torch.normal, Normal.sample,
# hint: no_grad) cuts it off. Draw noise that depends on nothing, and compute with it.
return torch.normal(mu, (0.5 * logvar).exp())

# %% [vae.reparameterize] the mean without a gradient
# hint: mu gets no gradient: it is detached somewhere on the way.
# replace:
return mu + std * noise
# by:
return mu.detach() + std * noise

# %% [vae.reparameterize] a sum over the codes
# hint: The draws are summed up. Every code keeps its latent_dim numbers.
# replace:
return mu + std * noise
# by:
return (mu + std * noise).sum(1)

# %% [vae.reparameterize] noise is returned too
# hint: It returns more than one thing. Only the draw is asked for.
# replace:
return mu + std * noise
# by:
return mu + std * noise, noise

# %% [vae.reparameterize] mu and logvar exchanged
# hint: mu and logvar have changed places: the first argument is the mean.
return logvar + (0.5 * mu).exp() * torch.randn_like(mu)

# %% [vae.reparameterize] through numpy
# hint: Stay in torch: numpy has no gradients.
import numpy as np
return mu + torch.from_numpy(np.exp(0.5 * logvar.numpy())) * torch.randn_like(mu)

# %% [vae.kl_loss] the sign
# hint: The sign is turned: a divergence is never negative. Training would drive q away from the prior.
# replace:
return -0.5 * (1 + logvar - mu**2 - logvar.exp()).sum()
# by:
return 0.5 * (1 + logvar - mu**2 - logvar.exp()).sum()

# %% [vae.kl_loss] the mean over everything
# hint: It is averaged over batch and dimensions. Densities of independent dimensions add up, and so do the pictures
# hint: here: sum.
# replace:
return -0.5 * (1 + logvar - mu**2 - logvar.exp()).sum()
# by:
return -0.5 * (1 + logvar - mu**2 - logvar.exp()).mean()

# %% [vae.kl_loss] the mean over the batch
# hint: Summed over the dimensions, but averaged over the batch. The batch is summed too, like the reconstruction's.
# replace:
return -0.5 * (1 + logvar - mu**2 - logvar.exp()).sum()
# by:
return -0.5 * (1 + logvar - mu**2 - logvar.exp()).sum(1).mean()

# %% [vae.kl_loss] the mean over the dimensions
# hint: Summed over the batch, but averaged over the dimensions. Divergences of independent dimensions add up.
# replace:
return -0.5 * (1 + logvar - mu**2 - logvar.exp()).sum()
# by:
return -0.5 * (1 + logvar - mu**2 - logvar.exp()).mean(1).sum()

# %% [vae.kl_loss] one number for each picture
# hint: There is a number for each picture. One for the whole batch is asked for: their sum.
# replace:
return -0.5 * (1 + logvar - mu**2 - logvar.exp()).sum()
# by:
return -0.5 * (1 + logvar - mu**2 - logvar.exp()).sum(1)

# %% [vae.kl_loss] one number for each dimension
# hint: The batch is summed, but the dimensions are not. One number is asked for.
# replace:
return -0.5 * (1 + logvar - mu**2 - logvar.exp()).sum()
# by:
return -0.5 * (1 + logvar - mu**2 - logvar.exp()).sum(0)

# %% [vae.kl_loss] nothing is summed
# hint: There is a number for each dimension of each picture. One number is asked for: the sum of all.
# replace:
return -0.5 * (1 + logvar - mu**2 - logvar.exp()).sum()
# by:
return -0.5 * (1 + logvar - mu**2 - logvar.exp())

# %% [vae.kl_loss] a list of one number
# hint: The number has an axis of its own. A scalar, of shape (), is asked for.
# replace:
return -0.5 * (1 + logvar - mu**2 - logvar.exp()).sum()
# by:
return -0.5 * (1 + logvar - mu**2 - logvar.exp()).sum().view(1)

# %% [vae.kl_loss] the half is forgotten
# hint: Twice the right value: a Gaussian's exponent has a factor of one half.
# replace:
return -0.5 * (1 + logvar - mu**2 - logvar.exp()).sum()
# by:
return -(1 + logvar - mu**2 - logvar.exp()).sum()

# %% [vae.kl_loss] the 1 is forgotten
# hint: The divergence of the prior from itself is not 0: a constant is missing for each dimension.
# replace:
return -0.5 * (1 + logvar - mu**2 - logvar.exp()).sum()
# by:
return -0.5 * (logvar - mu**2 - logvar.exp()).sum()

# %% [vae.kl_loss] the 1 is counted once
# hint: The constant is there once for the whole batch. It belongs to each dimension of each picture.
# replace:
return -0.5 * (1 + logvar - mu**2 - logvar.exp()).sum()
# by:
return -0.5 * (1 + (logvar - mu**2 - logvar.exp()).sum())

# %% [vae.kl_loss] the 1 has the wrong sign
# hint: The divergence of the prior from itself is not 0: the constant has the wrong sign.
# replace:
return -0.5 * (1 + logvar - mu**2 - logvar.exp()).sum()
# by:
return -0.5 * (-1 + logvar - mu**2 - logvar.exp()).sum()

# %% [vae.kl_loss] mu is not squared
# hint: mu enters as it is. A guess at −2 is as far from the prior as one at 2.
# replace:
return -0.5 * (1 + logvar - mu**2 - logvar.exp()).sum()
# by:
return -0.5 * (1 + logvar - mu - logvar.exp()).sum()

# %% [vae.kl_loss] mu has the wrong sign
# hint: The term of mu has the wrong sign: guesses far from 0 would be rewarded.
# replace:
return -0.5 * (1 + logvar - mu**2 - logvar.exp()).sum()
# by:
return -0.5 * (1 + logvar + mu**2 - logvar.exp()).sum()

# %% [vae.kl_loss] mu is forgotten
# hint: mu has no influence. A shifted guess differs from the prior too.
# replace:
return -0.5 * (1 + logvar - mu**2 - logvar.exp()).sum()
# by:
return -0.5 * (1 + logvar - logvar.exp()).sum()

# %% [vae.kl_loss] sigma for the variance
# hint: The last term is sigma where the variance is needed: E[z²] = μ² + σ².
# replace:
return -0.5 * (1 + logvar - mu**2 - logvar.exp()).sum()
# by:
return -0.5 * (1 + logvar - mu**2 - (0.5 * logvar).exp()).sum()

# %% [vae.kl_loss] the logarithm of sigma
# hint: The logarithm of the variance stands there as that of sigma: a factor of 2 between them.
# replace:
return -0.5 * (1 + logvar - mu**2 - logvar.exp()).sum()
# by:
return -0.5 * (1 + 0.5 * logvar - mu**2 - logvar.exp()).sum()

# %% [vae.kl_loss] twice the logarithm
# hint: logvar is doubled as if it were log sigma. It is the logarithm of the variance already.
# replace:
return -0.5 * (1 + logvar - mu**2 - logvar.exp()).sum()
# by:
return -0.5 * (1 + 2 * logvar - mu**2 - logvar.exp()).sum()

# %% [vae.kl_loss] logvar taken for log sigma throughout
# hint: logvar is read as log sigma. It is log sigma squared.
# replace:
return -0.5 * (1 + logvar - mu**2 - logvar.exp()).sum()
# by:
return -0.5 * (1 + 2 * logvar - mu**2 - (2 * logvar).exp()).sum()

# %% [vae.kl_loss] logvar taken for the variance
# hint: logvar is treated as the variance itself: it is its logarithm, and where it is negative another logarithm gives
# hint: NaN.
# replace:
return -0.5 * (1 + logvar - mu**2 - logvar.exp()).sum()
# by:
return -0.5 * (1 + logvar.log() - mu**2 - logvar).sum()

# %% [vae.kl_loss] the logarithm of logvar's size
# hint: A logarithm is taken of logvar (of its size), and logvar stands where the variance should. It is the logarithm
# hint: already: which of the two terms needs it as it is, and which must undo it?
# replace:
return -0.5 * (1 + logvar - mu**2 - logvar.exp()).sum()
# by:
return -0.5 * (1 + logvar.abs().log() - mu**2 - logvar).sum()

# %% [vae.kl_loss] the variance squared
# hint: The variance enters squared: e to the logvar is sigma squared already.
# replace:
return -0.5 * (1 + logvar - mu**2 - logvar.exp()).sum()
# by:
return -0.5 * (1 + logvar - mu**2 - logvar.exp() ** 2).sum()

# %% [vae.kl_loss] the logarithm has the wrong sign
# hint: The term log sigma squared has the wrong sign: narrow guesses would cost nothing.
# replace:
return -0.5 * (1 + logvar - mu**2 - logvar.exp()).sum()
# by:
return -0.5 * (1 - logvar - mu**2 - logvar.exp()).sum()

# %% [vae.kl_loss] the logarithm is forgotten
# hint: The logarithm of the variance is missing: then no variance is too small.
# replace:
return -0.5 * (1 + logvar - mu**2 - logvar.exp()).sum()
# by:
return -0.5 * (1 - mu**2 - logvar.exp()).sum()

# %% [vae.kl_loss] the variance is forgotten
# hint: The variance itself is missing: then no variance is too large.
# replace:
return -0.5 * (1 + logvar - mu**2 - logvar.exp()).sum()
# by:
return -0.5 * (1 + logvar - mu**2).sum()

# %% [vae.kl_loss] the variance has the wrong sign
# hint: The variance enters with the wrong sign: E[z²] = μ² + σ² has a plus before both.
# replace:
return -0.5 * (1 + logvar - mu**2 - logvar.exp()).sum()
# by:
return -0.5 * (1 + logvar - mu**2 + logvar.exp()).sum()

# %% [vae.kl_loss] the other direction
# hint: This is the divergence of the prior from q. The mean is over q here: KL(q ‖ p).
# replace:
return -0.5 * (1 + logvar - mu**2 - logvar.exp()).sum()
# by:
return 0.5 * (logvar + (1 + mu**2) / logvar.exp() - 1).sum()

# %% [vae.kl_loss] an estimate from one draw
# hint: This is log q − log p at a single draw: right on average only, and another number every time. Take the mean over
# hint: q on paper; then nothing is drawn.
# replace:
return -0.5 * (1 + logvar - mu**2 - logvar.exp()).sum()
# by:
noise = torch.randn_like(mu)
return 0.5 * ((mu + (0.5 * logvar).exp() * noise) ** 2 - noise**2 - logvar).sum()

# %% [vae.kl_loss] F.kl_div
# hint: F.kl_div compares two lists of log-probabilities, entry by entry. mu and logvar are no such lists: they are the
# hint: parameters of densities, and the mean over q is an integral.
# replace:
return -0.5 * (1 + logvar - mu**2 - logvar.exp()).sum()
# by:
return F.kl_div(logvar, torch.zeros_like(logvar), reduction="sum", log_target=True) + 0.5 * (mu**2).sum()

# %% [vae.kl_loss] mu and logvar exchanged
# hint: mu and logvar have changed places: the first argument is the mean.
# replace:
return -0.5 * (1 + logvar - mu**2 - logvar.exp()).sum()
# by:
return -0.5 * (1 + mu - logvar**2 - mu.exp()).sum()

# %% [vae.kl_loss] the square of the sum
# hint: The means are summed before they are squared. Each dimension has its own square.
# replace:
return -0.5 * (1 + logvar - mu**2 - logvar.exp()).sum()
# by:
return -0.5 * ((1 + logvar - logvar.exp()).sum() - mu.sum() ** 2)

# %% [vae.kl_loss] no gradients
# hint: Right, but no gradient comes back: the number is detached, made under no_grad, or put into a new tensor.
# replace:
return -0.5 * (1 + logvar - mu**2 - logvar.exp()).sum()
# by:
return -0.5 * (1 + logvar - mu**2 - logvar.exp()).sum().detach()

# %% [vae.kl_loss] a Python number
# hint: It is a plain number, by .item() or float(). Training needs a tensor with its gradient.
# replace:
return -0.5 * (1 + logvar - mu**2 - logvar.exp()).sum()
# by:
return (-0.5 * (1 + logvar - mu**2 - logvar.exp()).sum()).item()

# %% [vae.kl_loss] bits
# hint: It is in bits. Nats are asked for: natural logarithms, no division.
# replace:
return -0.5 * (1 + logvar - mu**2 - logvar.exp()).sum()
# by:
return -0.5 * (1 + logvar - mu**2 - logvar.exp()).sum() / math.log(2)

# %% [vae.recon_loss] the mean
# hint: It is averaged over pixels and batch (the default of PyTorch's losses). The sum is asked for: the KL is summed
# hint: too, and a mean would weigh 784 pixels as one.
# replace:
return F.binary_cross_entropy(recon_x, x, reduction="sum")
# by:
return F.binary_cross_entropy(recon_x, x)

# %% [vae.recon_loss] the mean over the batch
# hint: Summed over the pixels, but averaged over the batch. The sum over both is asked for.
# replace:
return F.binary_cross_entropy(recon_x, x, reduction="sum")
# by:
return F.binary_cross_entropy(recon_x, x, reduction="sum") / len(x)

# %% [vae.recon_loss] the mean over the pixels
# hint: Summed over the batch, but averaged over the pixels: log-probabilities of pixels add up.
# replace:
return F.binary_cross_entropy(recon_x, x, reduction="sum")
# by:
return F.binary_cross_entropy(recon_x, x, reduction="sum") / x[0].numel()

# %% [vae.recon_loss] nothing is summed
# hint: There is a number for each pixel. One number is asked for: the sum of all.
# replace:
return F.binary_cross_entropy(recon_x, x, reduction="sum")
# by:
return F.binary_cross_entropy(recon_x, x, reduction="none")

# %% [vae.recon_loss] one number for each picture
# hint: There is a number for each picture. The batch is summed too.
# replace:
return F.binary_cross_entropy(recon_x, x, reduction="sum")
# by:
return F.binary_cross_entropy(recon_x, x, reduction="none").flatten(1).sum(1)

# %% [vae.recon_loss] the sign
# hint: It is equation (9) with its own sign, negative. A loss becomes smaller as things become better.
# replace:
return F.binary_cross_entropy(recon_x, x, reduction="sum")
# by:
return -F.binary_cross_entropy(recon_x, x, reduction="sum")

# %% [vae.recon_loss] with logits
# hint: recon_x holds probabilities already, and this loss takes them for logits: a sigmoid is applied once too often.
# replace:
return F.binary_cross_entropy(recon_x, x, reduction="sum")
# by:
return F.binary_cross_entropy_with_logits(recon_x, x, reduction="sum")

# %% [vae.recon_loss] the arguments exchanged
# hint: The two pictures have changed places: the logarithm is taken of the decoder's probabilities, not of the data.
# replace:
return F.binary_cross_entropy(recon_x, x, reduction="sum")
# by:
return F.binary_cross_entropy(x, recon_x, reduction="sum")

# %% [vae.recon_loss] the squared distance
# hint: This is the squared distance: a Gaussian's reconstruction. (9) reads pixels as coins.
# replace:
return F.binary_cross_entropy(recon_x, x, reduction="sum")
# by:
return F.mse_loss(recon_x, x, reduction="sum")

# %% [vae.recon_loss] half of the squared distance
# hint: This is half of the squared distance: a Gaussian's reconstruction. (9) reads pixels as coins.
# replace:
return F.binary_cross_entropy(recon_x, x, reduction="sum")
# by:
return 0.5 * F.mse_loss(recon_x, x, reduction="sum")

# %% [vae.recon_loss] the mean squared distance
# hint: This is the mean squared distance: a Gaussian's reconstruction, and averaged. (9) reads pixels as coins, and
# hint: sums.
# replace:
return F.binary_cross_entropy(recon_x, x, reduction="sum")
# by:
return F.mse_loss(recon_x, x)

# %% [vae.recon_loss] the distance
# hint: This is the sum of absolute differences. (9) has logarithms of probabilities.
# replace:
return F.binary_cross_entropy(recon_x, x, reduction="sum")
# by:
return F.l1_loss(recon_x, x, reduction="sum")

# %% [vae.recon_loss] white pixels only
# hint: Only white pixels count: where x is 0, the probability of black matters as much. (9) has two terms.
# replace:
return F.binary_cross_entropy(recon_x, x, reduction="sum")
# by:
return -torch.special.xlogy(x, recon_x).sum()

# %% [vae.recon_loss] black pixels only
# hint: Only black pixels count. (9) has two terms.
# replace:
return F.binary_cross_entropy(recon_x, x, reduction="sum")
# by:
return -torch.special.xlogy(1 - x, 1 - recon_x).sum()

# %% [vae.recon_loss] a wrong sign between the terms
# hint: The two terms of (9) are subtracted from each other. Both are log-probabilities and add up.
# replace:
return F.binary_cross_entropy(recon_x, x, reduction="sum")
# by:
return -(torch.special.xlogy(x, recon_x) - torch.special.xlogy(1 - x, 1 - recon_x)).sum()

# %% [vae.recon_loss] the coins exchanged
# hint: Black and white have changed places: x goes with the logarithm of recon_x.
# replace:
return F.binary_cross_entropy(recon_x, x, reduction="sum")
# by:
return F.binary_cross_entropy(1 - recon_x, x, reduction="sum")

# %% [vae.recon_loss] 0 times the logarithm of 0
# hint: Right for most pixels, but NaN where one is certain: the computer makes NaN of 0 times the logarithm of 0. It
# hint: should be 0.
# replace:
return F.binary_cross_entropy(recon_x, x, reduction="sum")
# by:
return -(x * recon_x.log() + (1 - x) * (1 - recon_x).log()).sum()

# %% [vae.recon_loss] infinite costs made 0
# hint: What is infinite becomes 0, and so a pixel that is certain and wrong costs nothing. Only 0 times the logarithm of
# hint: 0 is nothing; to be certain of what is wrong costs the most.
# replace:
return F.binary_cross_entropy(recon_x, x, reduction="sum")
# by:
return -(x * recon_x.log() + (1 - x) * (1 - recon_x).log()).nan_to_num(neginf=0.0).sum()

# %% [vae.recon_loss] a large number inside the logarithm
# hint: A number is added inside the logarithms to keep them finite, and it is large enough to change the loss.
# replace:
return F.binary_cross_entropy(recon_x, x, reduction="sum")
# by:
return -(x * (recon_x + 0.01).log() + (1 - x) * (1.01 - recon_x).log()).sum()

# %% [vae.recon_loss] bits
# hint: It is in bits. Nats are asked for: natural logarithms.
# replace:
return F.binary_cross_entropy(recon_x, x, reduction="sum")
# by:
return F.binary_cross_entropy(recon_x, x, reduction="sum") / math.log(2)

# %% [vae.recon_loss] half
# hint: Half of the right value: (9) has no factor one half.
# replace:
return F.binary_cross_entropy(recon_x, x, reduction="sum")
# by:
return 0.5 * F.binary_cross_entropy(recon_x, x, reduction="sum")

# %% [vae.recon_loss] no gradient
# hint: Right, but recon_x gets no gradient: something is detached, made under no_grad, or put into a new tensor.
# replace:
return F.binary_cross_entropy(recon_x, x, reduction="sum")
# by:
return F.binary_cross_entropy(recon_x.detach(), x, reduction="sum")

# %% [vae.recon_loss] rounded pixels
# hint: x is rounded to black and white. Grey pictures are judged as they are.
# replace:
return F.binary_cross_entropy(recon_x, x, reduction="sum")
# by:
return F.binary_cross_entropy(recon_x, x.round(), reduction="sum")

# %% [vae.recon_loss] rounded probabilities
# hint: The probabilities are rounded to 0 and 1: then a slight doubt costs as much as a gross error, and no gradient is
# hint: left.
# replace:
return F.binary_cross_entropy(recon_x, x, reduction="sum")
# by:
return F.binary_cross_entropy(recon_x.round(), x, reduction="sum")

# %% [vae.recon_loss] a Python number
# hint: It is a plain number, by .item() or float(). Training needs a tensor with its gradient.
# replace:
return F.binary_cross_entropy(recon_x, x, reduction="sum")
# by:
return F.binary_cross_entropy(recon_x, x, reduction="sum").item()

# %% [vae.recon_loss] probabilities without a logarithm
# hint: The probabilities are summed without their logarithm. Likelihoods of pixels multiply, so their logarithms add
# hint: up.
# replace:
return F.binary_cross_entropy(recon_x, x, reduction="sum")
# by:
return -(x * recon_x + (1 - x) * (1 - recon_x)).sum()

# %% [vae.recon_loss] a list of one number
# hint: The number has an axis of its own. A scalar, of shape (), is asked for.
# replace:
return F.binary_cross_entropy(recon_x, x, reduction="sum")
# by:
return F.binary_cross_entropy(recon_x, x, reduction="sum").view(1)

# %% [vae.recon_loss] a softmax over pixels
# hint: The pixels of a picture are made to sum to 1. Each pixel is a coin of its own.
# replace:
return F.binary_cross_entropy(recon_x, x, reduction="sum")
# by:
return F.cross_entropy(recon_x.flatten(1), x.flatten(1), reduction="sum")

# %% [vae.recon_loss] Bernoulli that refuses grey
# hint: torch.distributions.Bernoulli refuses values other than 0 and 1. Here x may be grey: write (9) out, or switch
# hint: its validation off.
# replace:
return F.binary_cross_entropy(recon_x, x, reduction="sum")
# by:
return -torch.distributions.Bernoulli(recon_x).log_prob(x).sum()

# %% [vae.VAE.forward] x is not flattened
# hint: The encoder's first layer takes rows of input_dim pixels, (b, input_dim). Images have more axes: flatten all but
# hint: the first.
# replace:
h = self.encoder(x.flatten(1))
# by:
h = self.encoder(x)

# %% [vae.VAE.forward] the batch is flattened too
# hint: The whole batch has become one row. The first axis, the pictures, stays.
# replace:
h = self.encoder(x.flatten(1))
# by:
h = self.encoder(x.flatten())

# %% [vae.VAE.forward] view(-1, 784)
# hint: 784 is the width of digits. The class takes pictures of any input_dim: ask x for its sizes.
# replace:
h = self.encoder(x.flatten(1))
# by:
h = self.encoder(x.view(-1, 784))

# %% [vae.VAE.forward] a squeeze in the place of flatten
# hint: squeeze removes axes of size 1 only (also that of a batch of one). Height and width must be joined into one
# hint: axis.
# replace:
h = self.encoder(x.flatten(1))
# by:
h = self.encoder(x.squeeze(1))

# %% [vae.VAE.forward] x in [-1, 1]
# hint: The pictures are scaled to [-1, 1] first. The encoder takes them as they are.
# replace:
h = self.encoder(x.flatten(1))
# by:
h = self.encoder(2 * x.flatten(1) - 1)

# %% [vae.VAE.forward] the encoder without a gradient
# hint: Right, but the encoder gets no gradient, so it would never learn: its answer or the draw is detached, made under
# hint: no_grad, or drawn by torch.normal.
# replace:
h = self.encoder(x.flatten(1))
# by:
h = self.encoder(x.flatten(1)).detach()

# %% [vae.VAE.forward] a ReLU after the encoder
# hint: The encoder's answer goes through a ReLU, so neither mu nor logvar can be negative.
# replace:
h = self.encoder(x.flatten(1))
# by:
h = torch.relu(self.encoder(x.flatten(1)))

# %% [vae.VAE.forward] mu and logvar exchanged
# hint: mu and logvar have changed places: mu is the first half.
# replace:
mu, logvar = h.chunk(2, dim=1)
# by:
logvar, mu = h.chunk(2, dim=1)

# %% [vae.VAE.forward] the batch is cut in two
# hint: The batch is cut in two, not the numbers of each code: which axis holds mu and logvar side by side?
# replace:
mu, logvar = h.chunk(2, dim=1)
# by:
mu, logvar = h.chunk(2)

# %% [vae.VAE.forward] every other number
# hint: mu takes every other number. The encoder gives all of mu first, and then all of logvar.
# replace:
mu, logvar = h.chunk(2, dim=1)
# by:
mu, logvar = h[:, ::2], h[:, 1::2]

# %% [vae.VAE.forward] two columns
# hint: mu and logvar are one column each. Each has latent_dim of them.
# replace:
mu, logvar = h.chunk(2, dim=1)
# by:
mu, logvar = h[:, :1], h[:, 1:2]

# %% [vae.VAE.forward] the first and the last number
# hint: mu and logvar are cut for codes of two numbers. Here latent_dim may be any number.
# replace:
mu, logvar = h.chunk(2, dim=1)
# by:
mu, logvar = h[:, :2], h[:, 2:]

# %% [vae.VAE.forward] a chunk size of 2
# hint: The encoder's answer falls into more than two parts: split takes the size of a part, chunk the number of parts,
# hint: and unbind gives single numbers. There are two halves.
# replace:
mu, logvar = h.chunk(2, dim=1)
# by:
mu, logvar = h.split(2, dim=1)

# %% [vae.VAE.forward] exp of logvar
# hint: The second half is exponentiated before it is returned: then it is the variance, and not its logarithm.
# replace:
mu, logvar = h.chunk(2, dim=1)
# by:
mu, logvar = h.chunk(2, dim=1)
logvar = logvar.exp()

# %% [vae.VAE.forward] no draw
# hint: The decoder gets the mean: nothing is drawn. That is an autoencoder again.
# replace:
z = reparameterize(mu, logvar)
# by:
z = mu

# %% [vae.VAE.forward] a draw of the prior
# hint: The decoder gets a draw that knows nothing of the picture: from the prior, not from q.
# replace:
z = reparameterize(mu, logvar)
# by:
z = torch.randn_like(mu)

# %% [vae.VAE.forward] exp(logvar) for the spread
# hint: A code is drawn with the variance in the place of sigma. You have a function that draws.
# replace:
z = reparameterize(mu, logvar)
# by:
z = mu + logvar.exp() * torch.randn_like(mu)

# %% [vae.VAE.forward] uniform noise
# hint: A code is drawn with uniform noise. You have a function that draws.
# replace:
z = reparameterize(mu, logvar)
# by:
z = mu + (0.5 * logvar).exp() * torch.rand_like(mu)

# %% [vae.VAE.forward] one noise for the batch
# hint: All codes of the batch are drawn with the same noise.
# replace:
z = reparameterize(mu, logvar)
# by:
z = mu + (0.5 * logvar).exp() * torch.randn(mu.shape[1])

# %% [vae.VAE.forward] arguments of the draw exchanged
# hint: reparameterize takes mu first and logvar second.
# replace:
z = reparameterize(mu, logvar)
# by:
z = reparameterize(logvar, mu)

# %% [vae.VAE.forward] a method
# hint: reparameterize is a function of the notebook, not a method: without self.
# replace:
z = reparameterize(mu, logvar)
# by:
z = self.reparameterize(mu, logvar)

# %% [vae.VAE.forward] recon_x stays flat
# hint: recon_x is a row of pixels. It should have the shape that x came with.
# replace:
return self.decoder(z).reshape(x.shape), mu, logvar
# by:
return self.decoder(z), mu, logvar

# %% [vae.VAE.forward] a shape of 28 × 28
# hint: recon_x gets a fixed shape. x may have any: ask it.
# replace:
return self.decoder(z).reshape(x.shape), mu, logvar
# by:
return self.decoder(z).view(-1, 1, 28, 28), mu, logvar

# %% [vae.VAE.forward] sigmoid twice
# hint: The decoder ends with a sigmoid already. Another one squeezes all pixels into 0.5 to 0.73.
# replace:
return self.decoder(z).reshape(x.shape), mu, logvar
# by:
return self.decoder(z).sigmoid().reshape(x.shape), mu, logvar

# %% [vae.VAE.forward] h is decoded
# hint: The decoder gets the encoder's whole answer, mu and logvar side by side. It takes a code of latent_dim numbers.
# replace:
return self.decoder(z).reshape(x.shape), mu, logvar
# by:
return self.decoder(h).reshape(x.shape), mu, logvar

# %% [vae.VAE.forward] the order of what is returned
# hint: The three things come in another order: recon_x, mu, logvar.
# replace:
return self.decoder(z).reshape(x.shape), mu, logvar
# by:
return mu, logvar, self.decoder(z).reshape(x.shape)

# %% [vae.VAE.forward] logvar before mu
# hint: mu and logvar have changed places in what is returned.
# replace:
return self.decoder(z).reshape(x.shape), mu, logvar
# by:
return self.decoder(z).reshape(x.shape), logvar, mu

# %% [vae.VAE.forward] recon_x only
# hint: The losses need mu and logvar too: three things are returned.
# replace:
return self.decoder(z).reshape(x.shape), mu, logvar
# by:
return self.decoder(z).reshape(x.shape)

# %% [vae.VAE.forward] recon_x and z
# hint: Two things are returned: the losses need recon_x, mu and logvar.
# replace:
return self.decoder(z).reshape(x.shape), mu, logvar
# by:
return self.decoder(z).reshape(x.shape), z

# %% [vae.VAE.forward] z is returned too
# hint: Four things are returned: recon_x, mu and logvar are asked for.
# replace:
return self.decoder(z).reshape(x.shape), mu, logvar
# by:
return self.decoder(z).reshape(x.shape), mu, logvar, z

# %% [vae.VAE.forward] z in the place of mu
# hint: The draw is returned in the place of its mean.
# replace:
return self.decoder(z).reshape(x.shape), mu, logvar
# by:
return self.decoder(z).reshape(x.shape), z, logvar

# %% [vae.VAE.forward] sigma in the place of logvar
# hint: sigma is returned where its logarithm, log sigma squared, is asked for.
# replace:
return self.decoder(z).reshape(x.shape), mu, logvar
# by:
return self.decoder(z).reshape(x.shape), mu, (0.5 * logvar).exp()

# %% [vae.VAE.forward] the variance in the place of logvar
# hint: The draw is right, but the variance is returned where its logarithm is asked for.
# replace:
return self.decoder(z).reshape(x.shape), mu, logvar
# by:
return self.decoder(z).reshape(x.shape), mu, logvar.exp()

# %% [vae.VAE.forward] the reconstruction without a gradient
# hint: Right, but recon_x has no gradient: it is detached, made under no_grad, or from .data.
# replace:
return self.decoder(z).reshape(x.shape), mu, logvar
# by:
return self.decoder(z).reshape(x.shape).detach(), mu, logvar

# %% [vae.elbo] the loss
# hint: That is minus the bound: a loss. The ELBO lies below log p(x), and is negative here.
# replace:
return log_px - kl
# by:
return kl - log_px

# %% [vae.elbo] the KL is added
# hint: The KL is added to the bound. What q tells has a price: it is subtracted.
# replace:
return log_px - kl
# by:
return log_px + kl

# %% [vae.elbo] the KL is forgotten
# hint: The prior term is missing: this is the reconstruction alone.
# replace:
return log_px - kl
# by:
return log_px

# %% [vae.elbo] the reconstruction is forgotten
# hint: The reconstruction is missing: this is minus the KL alone.
# replace:
return log_px - kl
# by:
return -kl

# %% [vae.elbo] one number
# hint: There is one number for the batch. Each picture has its own.
# replace:
return log_px - kl
# by:
return (log_px - kl).sum()

# %% [vae.elbo] the mean over the batch
# hint: The pictures are averaged. Each has its own number.
# replace:
return log_px - kl
# by:
return (log_px - kl).mean()

# %% [vae.elbo] one KL for all
# hint: From each picture the KL of the whole batch is subtracted. Each picture has its own.
# replace:
return log_px - kl
# by:
return log_px - kl.sum()

# %% [vae.elbo] the batch's mean KL
# hint: From each picture the batch's mean KL is subtracted. Each picture has its own: sum over the dimensions only.
# replace:
return log_px - kl
# by:
return log_px - kl.mean()

# %% [vae.elbo] a column
# hint: The result is a column, (b, 1). One axis is asked for: (b,).
# replace:
return log_px - kl
# by:
return (log_px - kl).unsqueeze(1)

# %% [vae.elbo] each with each
# hint: Each picture's reconstruction meets each picture's KL, in a table (b, b): one of the two has an axis of size 1
# hint: too many.
# replace:
return log_px - kl
# by:
return log_px - kl.unsqueeze(1)

# %% [vae.elbo] each with each, the other way
# hint: Each picture's KL meets each picture's reconstruction, in a table (b, b): the reconstruction has an axis of size
# hint: 1 too many.
# replace:
return log_px - kl
# by:
return log_px.unsqueeze(1) - kl

# %% [vae.elbo] divided by the pixels
# hint: It is divided by the number of pixels. Nats of the whole picture are asked for.
# replace:
return log_px - kl
# by:
return (log_px - kl) / x[0].numel()

# %% [vae.elbo] bits
# hint: It is in bits. Nats are asked for: natural logarithms.
# replace:
return log_px - kl
# by:
return (log_px - kl) / math.log(2)

# %% [vae.elbo] the mean over the pixels
# hint: The reconstruction is averaged over the pixels, while the KL is summed: log-probabilities of pixels add up.
# replace:
log_px = -F.binary_cross_entropy(recon_x, x, reduction="none").flatten(1).sum(1)
# by:
log_px = -F.binary_cross_entropy(recon_x, x, reduction="none").flatten(1).mean(1)

# %% [vae.elbo] the reconstruction of the whole batch
# hint: The reconstruction is that of the whole batch, for each picture.
# replace:
log_px = -F.binary_cross_entropy(recon_x, x, reduction="none").flatten(1).sum(1)
# by:
log_px = -F.binary_cross_entropy(recon_x, x, reduction="sum")

# %% [vae.elbo] the batch's reconstruction in equal shares
# hint: Each picture gets an equal share of the batch's reconstruction. Each has its own.
# replace:
log_px = -F.binary_cross_entropy(recon_x, x, reduction="none").flatten(1).sum(1)
# by:
log_px = -F.binary_cross_entropy(recon_x, x, reduction="sum") / len(x)

# %% [vae.elbo] the batch's bound in equal shares
# hint: All pictures get the same number, an equal share of the batch's bound. Your two losses sum over all that they
# hint: see, so they cannot tell one picture of a batch from another.
# replace:
return log_px - kl
# by:
return (log_px - kl).mean().expand(len(x))

# %% [vae.elbo] summed over the first axis
# hint: The reconstruction is summed over the batch, pixel by pixel. The pictures are the first axis: that one stays.
# replace:
log_px = -F.binary_cross_entropy(recon_x, x, reduction="none").flatten(1).sum(1)
# by:
log_px = -F.binary_cross_entropy(recon_x, x, reduction="none").flatten(1).sum(0)

# %% [vae.elbo] summed over the last axis
# hint: A single axis of the pixels is summed. All pixels of a picture belong to its number, whatever axes they have.
# replace:
log_px = -F.binary_cross_entropy(recon_x, x, reduction="none").flatten(1).sum(1)
# by:
log_px = -F.binary_cross_entropy(recon_x, x, reduction="none").sum(-1)

# %% [vae.elbo] summed over axes 1, 2, 3
# hint: The pixels are summed over three axes by their numbers. Pictures may also come as rows, (b, input_dim).
# replace:
log_px = -F.binary_cross_entropy(recon_x, x, reduction="none").flatten(1).sum(1)
# by:
log_px = -F.binary_cross_entropy(recon_x, x, reduction="none").sum(dim=(1, 2, 3))

# %% [vae.elbo] the reconstruction's sign
# hint: The reconstruction has the wrong sign: log-probabilities are negative.
# replace:
log_px = -F.binary_cross_entropy(recon_x, x, reduction="none").flatten(1).sum(1)
# by:
log_px = F.binary_cross_entropy(recon_x, x, reduction="none").flatten(1).sum(1)

# %% [vae.elbo] with logits
# hint: recon_x holds probabilities already, and they are taken for logits.
# replace:
log_px = -F.binary_cross_entropy(recon_x, x, reduction="none").flatten(1).sum(1)
# by:
log_px = -F.binary_cross_entropy_with_logits(recon_x, x, reduction="none").flatten(1).sum(1)

# %% [vae.elbo] the pictures exchanged
# hint: recon_x and x have changed places in the reconstruction.
# replace:
log_px = -F.binary_cross_entropy(recon_x, x, reduction="none").flatten(1).sum(1)
# by:
log_px = -F.binary_cross_entropy(x, recon_x, reduction="none").flatten(1).sum(1)

# %% [vae.elbo] the squared distance
# hint: The reconstruction is a squared distance. Here pixels are coins, as in (9).
# replace:
log_px = -F.binary_cross_entropy(recon_x, x, reduction="none").flatten(1).sum(1)
# by:
log_px = -F.mse_loss(recon_x, x, reduction="none").flatten(1).sum(1)

# %% [vae.elbo] white pixels only
# hint: Only white pixels count in the reconstruction. (9) has two terms.
# replace:
log_px = -F.binary_cross_entropy(recon_x, x, reduction="none").flatten(1).sum(1)
# by:
log_px = (x * recon_x.log()).flatten(1).sum(1)

# %% [vae.elbo] the mean over the dimensions
# hint: The KL is averaged over the dimensions. Divergences of independent dimensions add up.
# replace:
kl = -0.5 * (1 + logvar - mu**2 - logvar.exp()).sum(1)
# by:
kl = -0.5 * (1 + logvar - mu**2 - logvar.exp()).mean(1)

# %% [vae.elbo] the KL summed over the batch
# hint: The KL is summed over the batch, dimension by dimension. The other axis goes.
# replace:
kl = -0.5 * (1 + logvar - mu**2 - logvar.exp()).sum(1)
# by:
kl = -0.5 * (1 + logvar - mu**2 - logvar.exp()).sum(0)

# %% [vae.elbo] nothing is summed in the KL
# hint: The KL is not summed over its dimensions: each picture has one number.
# replace:
kl = -0.5 * (1 + logvar - mu**2 - logvar.exp()).sum(1)
# by:
kl = -0.5 * (1 + logvar - mu**2 - logvar.exp())

# %% [vae.elbo] the KL's half is forgotten
# hint: The KL is twice what it should be.
# replace:
kl = -0.5 * (1 + logvar - mu**2 - logvar.exp()).sum(1)
# by:
kl = -(1 + logvar - mu**2 - logvar.exp()).sum(1)

# %% [vae.elbo] sigma for the variance
# hint: In the KL sigma stands where the variance is needed.
# replace:
kl = -0.5 * (1 + logvar - mu**2 - logvar.exp()).sum(1)
# by:
kl = -0.5 * (1 + logvar - mu**2 - (0.5 * logvar).exp()).sum(1)

# %% [vae.elbo] the 1 is forgotten
# hint: The KL of the prior from itself would not be 0: its constant is missing.
# replace:
kl = -0.5 * (1 + logvar - mu**2 - logvar.exp()).sum(1)
# by:
kl = -0.5 * (logvar - mu**2 - logvar.exp()).sum(1)

# %% [vae.elbo] mu is not squared
# hint: In the KL, mu enters without its square.
# replace:
kl = -0.5 * (1 + logvar - mu**2 - logvar.exp()).sum(1)
# by:
kl = -0.5 * (1 + logvar - mu - logvar.exp()).sum(1)

# %% [vae.iwae_bound] the mean of the logarithms
# hint: The logarithms are averaged: that is the ELBO with k draws, which is no tighter. The mean in (2) is taken before
# hint: the logarithm.
# replace:
return (log_px + log_prior - log_q).logsumexp(0) - math.log(k)
# by:
return (log_px + log_prior - log_q).mean(0)

# %% [vae.iwae_bound] exp before the mean
# hint: The ratios are exponentiated and then averaged. Right on paper, but they are smaller than the smallest float,
# hint: so they become 0, and the logarithm of 0 is −∞. Keep to logarithms throughout.
# replace:
return (log_px + log_prior - log_q).logsumexp(0) - math.log(k)
# by:
return (log_px + log_prior - log_q).exp().mean(0).log()

# %% [vae.iwae_bound] log k is forgotten
# hint: The ratios are summed, not averaged: the bound would grow by log k for nothing.
# replace:
return (log_px + log_prior - log_q).logsumexp(0) - math.log(k)
# by:
return (log_px + log_prior - log_q).logsumexp(0)

# %% [vae.iwae_bound] summed over the pictures
# hint: The mean is taken over the pictures. Each has its own number: the draws are the first axis of noise.
# replace:
return (log_px + log_prior - log_q).logsumexp(0) - math.log(k)
# by:
return (log_px + log_prior - log_q).logsumexp(1) - math.log(k)

# %% [vae.iwae_bound] one number
# hint: There is one number for the batch. Each picture has its own.
# replace:
return (log_px + log_prior - log_q).logsumexp(0) - math.log(k)
# by:
return ((log_px + log_prior - log_q).logsumexp(0) - math.log(k)).mean()

# %% [vae.iwae_bound] the sign
# hint: It is the negative: a loss. A bound of log p(x) is asked for.
# replace:
return (log_px + log_prior - log_q).logsumexp(0) - math.log(k)
# by:
return math.log(k) - (log_px + log_prior - log_q).logsumexp(0)

# %% [vae.iwae_bound] q is forgotten
# hint: log q(z|x) is missing: the codes were proposed by q, and each must be divided by how often q proposes it.
# replace:
return (log_px + log_prior - log_q).logsumexp(0) - math.log(k)
# by:
return (log_px + log_prior).logsumexp(0) - math.log(k)

# %% [vae.iwae_bound] the prior is forgotten
# hint: log p(z) is missing: the numerator of (2) has two factors.
# replace:
return (log_px + log_prior - log_q).logsumexp(0) - math.log(k)
# by:
return (log_px - log_q).logsumexp(0) - math.log(k)

# %% [vae.iwae_bound] only p(x|z)
# hint: The prior and q cancel, or are not there: only p(x|z) is averaged. That would be right for draws of the prior;
# hint: yours come from q, which is no standard normal.
# replace:
return (log_px + log_prior - log_q).logsumexp(0) - math.log(k)
# by:
return log_px.logsumexp(0) - math.log(k)

# %% [vae.iwae_bound] q is multiplied
# hint: log q(z|x) is added: q stands in the denominator of (2).
# replace:
return (log_px + log_prior - log_q).logsumexp(0) - math.log(k)
# by:
return (log_px + log_prior + log_q).logsumexp(0) - math.log(k)

# %% [vae.iwae_bound] the KL in closed form
# hint: The closed KL is the mean of log q − log p over all draws of q. Here every draw has its own ratio inside the
# hint: logarithm.
# replace:
return (log_px + log_prior - log_q).logsumexp(0) - math.log(k)
# by:
kl = -0.5 * (1 + logvar - mu**2 - logvar.exp()).sum(1)
return (log_px - kl).logsumexp(0) - math.log(k)

# %% [vae.iwae_bound] a table
# hint: The draws are not averaged: a table (k, b) comes back.
# replace:
return (log_px + log_prior - log_q).logsumexp(0) - math.log(k)
# by:
return log_px + log_prior - log_q

# %% [vae.iwae_bound] logvar is forgotten in q
# hint: log q lacks its −log sigma: a narrow density is high.
# replace:
log_q = -0.5 * (noise**2 + logvar).sum(2)
# by:
log_q = -0.5 * (noise**2).sum(2)

# %% [vae.iwae_bound] the sign of logvar in q
# hint: In log q the term of logvar has the wrong sign: a narrow density is high.
# replace:
log_q = -0.5 * (noise**2 + logvar).sum(2)
# by:
log_q = -0.5 * (noise**2 - logvar).sum(2)

# %% [vae.iwae_bound] q without the half of logvar
# hint: In log q stands the logarithm of the variance where that of sigma is needed: a factor of 2.
# replace:
log_q = -0.5 * (noise**2 + logvar).sum(2)
# by:
log_q = -0.5 * (noise**2).sum(2) - logvar.sum(1)

# %% [vae.iwae_bound] the dimensions are not summed
# hint: The three log-densities do not fit together: one of them still has the axis of the code's dimensions, or of the
# hint: pixels. Each draw of each picture has one number.
# replace:
log_q = -0.5 * (noise**2 + logvar).sum(2)
# by:
log_q = -0.5 * (noise**2 + logvar)

# %% [vae.iwae_bound] (z − mu)² without the variance
# hint: In log q the distance (z − mu)² is not divided by the variance.
# replace:
log_q = -0.5 * (noise**2 + logvar).sum(2)
# by:
log_q = -0.5 * ((z - mu) ** 2 + logvar).sum(2)

# %% [vae.iwae_bound] the variance for the spread of q
# hint: log q is that of a Normal whose spread is the variance. torch's Normal takes sigma.
# replace:
log_q = -0.5 * (noise**2 + logvar).sum(2)
# by:
log_q = -(0.5 * ((z - mu) / logvar.exp()) ** 2 + logvar).sum(2)

# %% [vae.iwae_bound] q with a constant of its own
# hint: One of the two Gaussians has its constant ½ log 2π and the other has not.
# replace:
log_q = -0.5 * (noise**2 + logvar).sum(2)
# by:
log_q = -0.5 * (noise**2 + logvar + math.log(2 * math.pi)).sum(2)

# %% [vae.iwae_bound] the prior at the noise
# hint: log p(z) is taken at the noise, not at z.
# replace:
log_prior = -0.5 * (z**2).sum(2)  # both without the same constant
# by:
log_prior = -0.5 * (noise**2).sum(2)

# %% [vae.iwae_bound] exp(logvar) for the spread
# hint: The codes are drawn with the variance in the place of sigma.
# replace:
z = mu + (0.5 * logvar).exp() * noise  # (k, b, latent_dim)
# by:
z = mu + logvar.exp() * noise

# %% [vae.iwae_bound] noise alone
# hint: The codes are the noise itself: draws of the prior, not of q.
# replace:
z = mu + (0.5 * logvar).exp() * noise  # (k, b, latent_dim)
# by:
z = noise

# %% [vae.iwae_bound] noise of its own
# hint: The codes are drawn anew. The noise is given: noise[i, j] makes the i-th draw for picture j.
# replace:
k, b = noise.shape[:2]
# by:
k, b = noise.shape[:2]
noise = torch.randn_like(noise)

# %% [vae.iwae_bound] mu and logvar exchanged
# hint: mu and logvar have changed places: mu is the first half of the encoder's answer.
# replace:
mu, logvar = model.encoder(x).chunk(2, dim=1)
# by:
logvar, mu = model.encoder(x).chunk(2, dim=1)

# %% [vae.iwae_bound] the batch is cut in two
# hint: The batch is cut in two, not the numbers of each code: chunk needs the axis.
# replace:
mu, logvar = model.encoder(x).chunk(2, dim=1)
# by:
mu, logvar = model.encoder(x).chunk(2)

# %% [vae.iwae_bound] x is flattened
# hint: x is flattened before the encoder. This encoder takes x as it comes.
# replace:
mu, logvar = model.encoder(x).chunk(2, dim=1)
# by:
mu, logvar = model.encoder(x.flatten(1)).chunk(2, dim=1)

# %% [vae.iwae_bound] the encoder's answer as a pair
# hint: The encoder gives one tensor with mu and logvar side by side, not a pair.
# replace:
mu, logvar = model.encoder(x).chunk(2, dim=1)
# by:
mu, logvar = model.encoder(x)

# %% [vae.iwae_bound] the model is called
# hint: model has an encoder and a decoder, and that is all that is said of it. Called as a whole, a VAE would draw a
# hint: code of its own; the noise here is given.
# replace:
mu, logvar = model.encoder(x).chunk(2, dim=1)
# by:
_, mu, logvar = model(x)

# %% [vae.iwae_bound] the decoder takes k × b codes
# hint: The decoder gets (k, b, latent_dim). It takes rows (n, latent_dim): make rows of all draws, or loop over them.
# replace:
recon_x = model.decoder(z.flatten(0, 1)).reshape(k, *x.shape)
# by:
recon_x = model.decoder(z).reshape(k, *x.shape)

# %% [vae.iwae_bound] the rows come back in another order
# hint: Draws and pictures have changed places between the rows and the table: what was put in a row as (k, b) must come
# hint: back as (k, b).
# replace:
recon_x = model.decoder(z.flatten(0, 1)).reshape(k, *x.shape)
# by:
recon_x = model.decoder(z.transpose(0, 1).flatten(0, 1)).reshape(k, *x.shape)

# %% [vae.iwae_bound] a view as pictures by draws
# hint: The rows come back as (b, k) in the place of (k, b).
# replace:
recon_x = model.decoder(z.flatten(0, 1)).reshape(k, *x.shape)
# by:
recon_x = model.decoder(z.flatten(0, 1)).reshape(b, k, *x.shape[1:]).transpose(0, 1)

# %% [vae.iwae_bound] pictures repeated one by one
# hint: The rows of codes hold all pictures for the first draw, then all for the second; the rows of x (repeat_interleave)
# hint: hold the first picture k times, then the second. So codes meet pictures that they were not drawn for.
# replace:
log_px = -F.binary_cross_entropy(recon_x, x.expand_as(recon_x), reduction="none").flatten(2).sum(2)
# by:
rows = x.repeat_interleave(k, 0).reshape(recon_x.shape)
log_px = -F.binary_cross_entropy(recon_x, rows, reduction="none").flatten(2).sum(2)

# %% [vae.iwae_bound] the mean over the pixels
# hint: log p(x|z) is averaged over the pixels. Log-probabilities of pixels add up.
# replace:
log_px = -F.binary_cross_entropy(recon_x, x.expand_as(recon_x), reduction="none").flatten(2).sum(2)
# by:
log_px = -F.binary_cross_entropy(recon_x, x.expand_as(recon_x), reduction="none").flatten(2).mean(2)

# %% [vae.iwae_bound] x is not expanded
# hint: x has no axis for the draws: this loss wants both of one shape.
# replace:
log_px = -F.binary_cross_entropy(recon_x, x.expand_as(recon_x), reduction="none").flatten(2).sum(2)
# by:
log_px = -F.binary_cross_entropy(recon_x, x, reduction="none").flatten(2).sum(2)

# %% [vae.latent_grid] rows and columns exchanged
# hint: The two coordinates have changed places: going right, the first one should grow; going down, the second.
# replace:
across, down = torch.meshgrid(p, p, indexing="xy")
# by:
across, down = torch.meshgrid(p, p, indexing="ij")

# %% [vae.latent_grid] the axis of the pair comes first
# hint: The pair of coordinates is the first axis. Row and column come first: (n, n, 2).
# replace:
return torch.stack([across, down], dim=-1)
# by:
return torch.stack([across, down])

# %% [vae.latent_grid] the pair in the middle
# hint: The pair of coordinates is the middle axis. It should be the last.
# replace:
return torch.stack([across, down], dim=-1)
# by:
return torch.stack([across, down], dim=1)

# %% [vae.latent_grid] joined, not stacked
# hint: The two tables are joined side by side, without an axis for the pair.
# replace:
return torch.stack([across, down], dim=-1)
# by:
return torch.cat([across, down], dim=-1)

# %% [vae.latent_grid] a reshape in the place of another axis
# hint: A reshape moves no axes: it cuts the numbers anew in their order, and neighbours in it become pairs. The two
# hint: tables must be joined along a last axis.
# replace:
return torch.stack([across, down], dim=-1)
# by:
return torch.stack([across, down]).reshape(n, n, 2)

# %% [vae.latent_grid] a list of places
# hint: All places are in one list, (n², 2). A table (n, n, 2) is asked for.
# replace:
return torch.stack([across, down], dim=-1)
# by:
return torch.stack([across, down], dim=-1).flatten(0, 1)

# %% [vae.latent_grid] a tuple
# hint: Two tables come back. One tensor with both coordinates is asked for.
# replace:
return torch.stack([across, down], dim=-1)
# by:
return across, down

# %% [vae.latent_grid] the first row at the top right
# hint: Along a row the first coordinate falls. It should grow to the right.
# replace:
return torch.stack([across, down], dim=-1)
# by:
return torch.stack([across.flip(1), down], dim=-1)

# %% [vae.latent_grid] upwards
# hint: The second coordinate falls from row to row. It should grow downwards.
# replace:
return torch.stack([across, down], dim=-1)
# by:
return torch.stack([across, down.flip(0)], dim=-1)

# %% [vae.latent_grid] both axes turned
# hint: Both coordinates fall. They should grow, to the right and downwards: where do the probabilities begin?
# replace:
return torch.stack([across, down], dim=-1)
# by:
return torch.stack([across.flip(1), down.flip(0)], dim=-1)

# %% [vae.latent_grid] the same coordinate twice
# hint: Both coordinates are the same one. The second depends on the row.
# replace:
return torch.stack([across, down], dim=-1)
# by:
return torch.stack([across, across], dim=-1)

# %% [vae.latent_grid] the same coordinate twice, by rows
# hint: Both coordinates are the same one. The first depends on the column.
# replace:
return torch.stack([across, down], dim=-1)
# by:
return torch.stack([down, down], dim=-1)

# %% [vae.latent_grid] probabilities in the place of values
# hint: The grid holds the probabilities. Ask for the values that belong to them.
# replace:
p = torch.from_numpy(norm.ppf(torch.linspace(0.05, 0.95, n).numpy())).float()
# by:
p = torch.linspace(0.05, 0.95, n)

# %% [vae.latent_grid] equal steps in value
# hint: The places have equal distances. They should be equal in probability: closer in the middle, wider outside.
# replace:
p = torch.from_numpy(norm.ppf(torch.linspace(0.05, 0.95, n).numpy())).float()
# by:
p = torch.linspace(-1.645, 1.645, n)

# %% [vae.latent_grid] the distribution function
# hint: The function goes the wrong way: from a value to its probability. You need its inverse.
# replace:
p = torch.from_numpy(norm.ppf(torch.linspace(0.05, 0.95, n).numpy())).float()
# by:
p = torch.from_numpy(norm.cdf(torch.linspace(0.05, 0.95, n).numpy())).float()

# %% [vae.latent_grid] the density
# hint: This is the density at the probabilities. You need the value below which a normal lies with that probability.
# replace:
p = torch.from_numpy(norm.ppf(torch.linspace(0.05, 0.95, n).numpy())).float()
# by:
p = torch.from_numpy(norm.pdf(torch.linspace(0.05, 0.95, n).numpy())).float()

# %% [vae.latent_grid] from 0 to 1
# hint: The probabilities go from 0 to 1: their values are infinite. They go from 0.05 to 0.95.
# replace:
p = torch.from_numpy(norm.ppf(torch.linspace(0.05, 0.95, n).numpy())).float()
# by:
p = torch.from_numpy(norm.ppf(torch.linspace(0, 1, n).numpy())).float()

# %% [vae.latent_grid] one place too many
# hint: There is a place too many along each side: n of them, both ends included.
# replace:
p = torch.from_numpy(norm.ppf(torch.linspace(0.05, 0.95, n).numpy())).float()
# by:
p = torch.from_numpy(norm.ppf(torch.linspace(0.05, 0.95, n + 1).numpy())).float()

# %% [vae.latent_grid] the right end is missing
# hint: The last place is missing: the steps end before 0.95. Both ends belong to the n places.
# replace:
p = torch.from_numpy(norm.ppf(torch.linspace(0.05, 0.95, n).numpy())).float()
# by:
p = torch.from_numpy(norm.ppf(torch.arange(n).numpy() / n * 0.9 + 0.05)).float()

# %% [vae.latent_grid] 0.01 to 0.99
# hint: The probabilities begin and end elsewhere: 0.05 and 0.95 are asked for.
# replace:
p = torch.from_numpy(norm.ppf(torch.linspace(0.05, 0.95, n).numpy())).float()
# by:
p = torch.from_numpy(norm.ppf(torch.linspace(0.01, 0.99, n).numpy())).float()

# %% [vae.latent_grid] random places
# hint: The places are drawn at random. A grid has equal steps in probability.
# replace:
p = torch.from_numpy(norm.ppf(torch.linspace(0.05, 0.95, n).numpy())).float()
# by:
p = torch.randn(n).sort().values

# %% [vae.latent_grid] always 20
# hint: The grid has 20 places along a side, whatever n is.
# replace:
p = torch.from_numpy(norm.ppf(torch.linspace(0.05, 0.95, n).numpy())).float()
# by:
p = torch.from_numpy(norm.ppf(torch.linspace(0.05, 0.95, 20).numpy())).float()

# %% [vae.latent_grid] the logit
# hint: This is the inverse of the sigmoid, the logistic distribution's. The prior is a normal one.
# replace:
p = torch.from_numpy(norm.ppf(torch.linspace(0.05, 0.95, n).numpy())).float()
# by:
p = torch.linspace(0.05, 0.95, n).logit()

# %% [vae.latent_grid] erfinv without its factors
# hint: The inverse error function stands there without what makes a normal's of it: the argument runs from −1 to 1, and
# hint: the result is short by the root of 2.
# replace:
p = torch.from_numpy(norm.ppf(torch.linspace(0.05, 0.95, n).numpy())).float()
# by:
p = torch.erfinv(2 * torch.linspace(0.05, 0.95, n) - 1)

# %% [vae.latent_grid] numpy's own
# hint: It is an array of numpy. A torch tensor is asked for.
import numpy as np
z = norm.ppf(np.linspace(0.05, 0.95, n))
return np.stack(np.meshgrid(z, z), axis=-1)

# %% [vae.latent_grid] a line
# hint: There is one line of places, (n, 2), the diagonal of the grid. Every value across meets every value down.
p = torch.from_numpy(norm.ppf(torch.linspace(0.05, 0.95, n).numpy())).float()
return torch.stack([p, p], dim=-1)
