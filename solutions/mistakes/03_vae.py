# ---- vae.reparameterize ----------------------------------------------------------------------------------------------

# %% [vae.reparameterize] exp(logvar) for the spread
# hint: The noise is stretched by the variance. logvar is the logarithm of sigma squared, and the noise is multiplied
# hint: with sigma.
# edit: (0.5 * logvar).exp() → logvar.exp()

# %% [vae.reparameterize] logvar for the spread
# hint: The noise is multiplied with logvar itself, which may even be negative. It is a logarithm: how does one get
# hint: back?
# edit: (0.5 * logvar).exp() → logvar

# %% [vae.reparameterize] half of logvar for the spread
# hint: The noise is multiplied with half of logvar, still a logarithm. Undo the logarithm after halving.
# edit: (0.5 * logvar).exp() → 0.5 * logvar

# %% [vae.reparameterize] half of the variance
# hint: Half of the variance is not its root: the factor one half belongs inside the exponential.
# edit: (0.5 * logvar).exp() → 0.5 * logvar.exp()

# %% [vae.reparameterize] twice in the exponent
# hint: The exponent is twice logvar: that is the variance squared. A root halves an exponent.
# edit: 0.5 → 2

# %% [vae.reparameterize] a power of 2
# hint: The power has base 2. logvar is a natural logarithm: what undoes it has base e.
# edit: (0.5 * logvar).exp() → 2 ** (0.5 * logvar)

# %% [vae.reparameterize] a minus in the exponent
# hint: The noise is divided by sigma, or the exponent has a minus: where q should be wide, your draws are narrow.
# edit: 0.5 → -0.5

# %% [vae.reparameterize] logvar taken for the variance
# hint: The root of logvar is taken, as if logvar were the variance; where it is negative there is no root (NaN).
# edit: (0.5 * logvar).exp() → logvar.sqrt()

# %% [vae.reparameterize] the root taken twice
# hint: The root is taken twice, once by halving the exponent and once more. Once is enough.
# edit: (0.5 * logvar).exp() → (0.5 * logvar).exp().sqrt()

# %% [vae.reparameterize] softplus
# hint: The spread is softplus of something. Many networks do that, but here logvar is the logarithm of the variance,
# hint: and the spread follows from it.
# edit: (0.5 * logvar).exp() → F.softplus(logvar)

# %% [vae.reparameterize] the spread without a gradient
# hint: Right numbers, but logvar gets no gradient: the spread is detached, made under no_grad, or from .data.
# edit: (0.5 * logvar).exp() → (0.5 * logvar).exp().detach()

# %% [vae.reparameterize] uniform noise
# hint: The noise is uniform between 0 and 1 (rand): never negative, and too small. The guess is a normal distribution:
# hint: randn.
# edit: torch.randn_like(std) → torch.rand_like(std)

# %% [vae.reparameterize] uniform noise around 0
# hint: The noise is uniform. Shifted to both sides of 0 it is still no normal distribution.
# edit: torch.randn_like(std) → 2 * torch.rand_like(std) - 1

# %% [vae.reparameterize] normal numbers made from uniform ones
# hint: Such noise is as good, but it is made from uniform numbers. The check hands out torch's normal numbers, to know
# hint: what should come out: draw those (randn and its kin).
# edit: torch.randn_like(std) → torch.special.ndtri(torch.rand_like(std))

# %% [vae.reparameterize] a seed inside
# hint: The seed is set inside, so that every call has the same noise. Who wants to repeat a run sets it once, outside.
# replace:
noise = torch.randn_like(std)
# by:
torch.manual_seed(0)
noise = torch.randn_like(std)

# %% [vae.reparameterize] one draw for the whole batch
# hint: All codes of the batch get the same noise. Each picture needs its own: as many numbers as mu has.
# edit: torch.randn_like(std) → torch.randn(std.shape[1])

# %% [vae.reparameterize] one number for each code
# hint: All numbers of a code get the same noise, so that draws lie on a line. Each number needs its own.
# edit: torch.randn_like(std) → torch.randn(len(std), 1)

# %% [vae.reparameterize] one number for all
# hint: A single random number moves the whole batch. Each number of each code needs its own.
# edit: torch.randn_like(std) → torch.randn(())

# %% [vae.reparameterize] no noise
# hint: There is no noise left in it: the result is mu, moved by sigma at most. A draw differs from call to call.
# edit: torch.randn_like(std) → 1.0

# %% [vae.reparameterize] the mean only
# hint: That is the mean of q, not a draw: nothing random is in it.
# edit: mu + std * noise → mu

# %% [vae.reparameterize] the mean is forgotten
# hint: The draws lie around 0: mu is missing.
# edit: mu + std → std

# %% [vae.reparameterize] minus
# hint: The noise is subtracted. Such draws are as good, but the notebook asks for the noise to be added, and the check
# hint: hands it to you.
# edit: mu + std → mu - std

# %% [vae.reparameterize] mu stretches
# hint: The noise is multiplied with mu and sigma is added: the two have changed their parts.
# edit: mu + std → std + mu

# %% [vae.reparameterize] mu is stretched too
# hint: sigma multiplies the mean as well: only the noise is stretched.
# edit: mu + std * noise → (mu + noise) * std

# %% [vae.reparameterize] the spread is added
# hint: sigma is added to the noise instead of multiplying it: that shifts the draws and leaves their width as it is.
# edit: std * noise → std + noise

# %% [vae.reparameterize] the mean without a gradient
# hint: mu gets no gradient: it is detached somewhere on the way.
# edit: mu → mu.detach()

# %% [vae.reparameterize] a sum over the codes
# hint: The draws are summed up. Every code keeps its latent_dim numbers.
# edit: mu + std * noise → (mu + std * noise).sum(1)

# %% [vae.reparameterize] noise is returned too
# hint: It returns more than one thing. Only the draw is asked for.
# edit: std * noise → std * noise, noise

# %% [vae.reparameterize] torch.normal
# hint: Right numbers, but neither mu nor logvar gets a gradient: a ready-made draw (torch.normal, Normal.sample,
# hint: no_grad) cuts it off. Draw noise that depends on nothing, and compute with it.
return torch.normal(mu, (0.5 * logvar).exp())

# %% [vae.reparameterize] mu and logvar exchanged
# hint: mu and logvar have changed places: the first argument is the mean.
return logvar + (0.5 * mu).exp() * torch.randn_like(mu)

# %% [vae.reparameterize] through numpy
# hint: Stay in torch: numpy has no gradients.
import numpy as np
return mu + torch.from_numpy(np.exp(0.5 * logvar.numpy())) * torch.randn_like(mu)

# ---- vae.kl_loss -----------------------------------------------------------------------------------------------------

# %% [vae.kl_loss] the sign
# hint: The sign is turned: a divergence is never negative. Training would drive q away from the prior.
# edit: return -0. → return 0.

# %% [vae.kl_loss] the mean over everything
# hint: It is averaged over batch and dimensions. Densities of independent dimensions add up, and so do the pictures
# hint: here: sum.
# edit: (1 + logvar - mu**2 - logvar.exp()).sum() → (1 + logvar - mu**2 - logvar.exp()).mean()

# %% [vae.kl_loss] the mean over the batch
# hint: Summed over the dimensions, but averaged over the batch. The batch is summed too, like the reconstruction's.
# edit: (1 + logvar - mu**2 - logvar.exp()).sum() → (1 + logvar - mu**2 - logvar.exp()).sum(1).mean()

# %% [vae.kl_loss] the mean over the dimensions
# hint: Summed over the batch, but averaged over the dimensions. Divergences of independent dimensions add up.
# edit: (1 + logvar - mu**2 - logvar.exp()).sum() → (1 + logvar - mu**2 - logvar.exp()).mean(1).sum()

# %% [vae.kl_loss] one number for each picture
# hint: There is a number for each picture. One for the whole batch is asked for: their sum.
# edit: (1 + logvar - mu**2 - logvar.exp()).sum() → (1 + logvar - mu**2 - logvar.exp()).sum(1)

# %% [vae.kl_loss] one number for each dimension
# hint: The batch is summed, but the dimensions are not. One number is asked for.
# edit: (1 + logvar - mu**2 - logvar.exp()).sum() → (1 + logvar - mu**2 - logvar.exp()).sum(0)

# %% [vae.kl_loss] nothing is summed
# hint: There is a number for each dimension of each picture. One number is asked for: the sum of all.
# edit: (1 + logvar - mu**2 - logvar.exp()).sum() → (1 + logvar - mu**2 - logvar.exp())

# %% [vae.kl_loss] a list of one number
# hint: The number has an axis of its own. A scalar, of shape (), is asked for.
# edit: (1 + logvar - mu**2 - logvar.exp()).sum() → (1 + logvar - mu**2 - logvar.exp()).sum().view(1)

# %% [vae.kl_loss] the half is forgotten
# hint: Twice the right value: a Gaussian's exponent has a factor of one half.
# edit: 0.5 * (1 + logvar - mu**2 - logvar.exp()).sum() → (1 + logvar - mu**2 - logvar.exp()).sum()

# %% [vae.kl_loss] the 1 is forgotten
# hint: The divergence of the prior from itself is not 0: a constant is missing for each dimension.
# edit: 1 + logvar → logvar

# %% [vae.kl_loss] the 1 is counted once
# hint: The constant is there once for the whole batch. It belongs to each dimension of each picture.
# edit: (1 + logvar - mu**2 - logvar.exp()).sum() → (1 + (logvar - mu**2 - logvar.exp()).sum())

# %% [vae.kl_loss] the 1 has the wrong sign
# hint: The divergence of the prior from itself is not 0: the constant has the wrong sign.
# edit: 1 + logvar → -1 + logvar

# %% [vae.kl_loss] mu is not squared
# hint: mu enters as it is. A guess at −2 is as far from the prior as one at 2.
# edit: mu**2 → mu

# %% [vae.kl_loss] mu has the wrong sign
# hint: The term of mu has the wrong sign: guesses far from 0 would be rewarded.
# edit: logvar - mu → logvar + mu

# %% [vae.kl_loss] mu is forgotten
# hint: mu has no influence. A shifted guess differs from the prior too.
# edit: mu**2 - logvar.exp() → logvar.exp()

# %% [vae.kl_loss] sigma for the variance
# hint: The last term is sigma where the variance is needed: E[z²] = μ² + σ².
# edit: logvar.exp() → (0.5 * logvar).exp()

# %% [vae.kl_loss] the logarithm of sigma
# hint: The logarithm of the variance stands there as that of sigma: a factor of 2 between them.
# edit: 1 + logvar → 1 + 0.5 * logvar

# %% [vae.kl_loss] twice the logarithm
# hint: logvar is doubled as if it were log sigma. It is the logarithm of the variance already.
# edit: 1 + logvar → 1 + 2 * logvar

# %% [vae.kl_loss] logvar taken for log sigma throughout
# hint: logvar is read as log sigma. It is log sigma squared.
# edit: logvar - mu**2 - logvar.exp() → 2 * logvar - mu**2 - (2 * logvar).exp()

# %% [vae.kl_loss] logvar taken for the variance
# hint: logvar is treated as the variance itself: it is its logarithm, and where it is negative another logarithm gives
# hint: NaN.
# edit: logvar - mu**2 - logvar.exp() → logvar.log() - mu**2 - logvar

# %% [vae.kl_loss] the logarithm of logvar's size
# hint: A logarithm is taken of logvar (of its size), and logvar stands where the variance should. It is the logarithm
# hint: already: which of the two terms needs it as it is, and which must undo it?
# edit: logvar - mu**2 - logvar.exp() → logvar.abs().log() - mu**2 - logvar

# %% [vae.kl_loss] the variance squared
# hint: The variance enters squared: e to the logvar is sigma squared already.
# edit: logvar.exp() → logvar.exp() ** 2

# %% [vae.kl_loss] the logarithm has the wrong sign
# hint: The term log sigma squared has the wrong sign: narrow guesses would cost nothing.
# edit: 1 + logvar → 1 - logvar

# %% [vae.kl_loss] the logarithm is forgotten
# hint: The logarithm of the variance is missing: then no variance is too small.
# edit: 1 + logvar → 1

# %% [vae.kl_loss] the variance is forgotten
# hint: The variance itself is missing: then no variance is too large.
# edit: 2 - logvar.exp() → 2

# %% [vae.kl_loss] the variance has the wrong sign
# hint: The variance enters with the wrong sign: E[z²] = μ² + σ² has a plus before both.
# edit: 2 - logvar.exp() → 2 + logvar.exp()

# %% [vae.kl_loss] the other direction
# hint: This is the divergence of the prior from q. The mean is over q here: KL(q ‖ p).
# edit: -0.5 * (1 + logvar - mu**2 - logvar.exp()) → 0.5 * (logvar + (1 + mu**2) / logvar.exp() - 1)

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
# edit: logvar - mu**2 - logvar.exp() → mu - logvar**2 - mu.exp()

# %% [vae.kl_loss] the square of the sum
# hint: The means are summed before they are squared. Each dimension has its own square.
# edit: (1 + logvar - mu**2 - logvar.exp()).sum() → ((1 + logvar - logvar.exp()).sum() - mu.sum() ** 2)

# %% [vae.kl_loss] no gradients
# hint: Right, but no gradient comes back: the number is detached, made under no_grad, or put into a new tensor.
# edit: (1 + logvar - mu**2 - logvar.exp()).sum() → (1 + logvar - mu**2 - logvar.exp()).sum().detach()

# %% [vae.kl_loss] a Python number
# hint: It is a plain number, by .item() or float(). Training needs a tensor with its gradient.
# edit: -0.5 * (1 + logvar - mu**2 - logvar.exp()).sum → (-0.5 * (1 + logvar - mu**2 - logvar.exp()).sum()).item

# %% [vae.kl_loss] bits
# hint: It is in bits. Nats are asked for: natural logarithms, no division.
# edit: (1 + logvar - mu**2 - logvar.exp()).sum() → (1 + logvar - mu**2 - logvar.exp()).sum() / math.log(2)

# ---- vae.recon_loss --------------------------------------------------------------------------------------------------

# %% [vae.recon_loss] the mean
# hint: It is averaged over pixels and batch (the default of PyTorch's losses). The sum is asked for: the KL is summed
# hint: too, and a mean would weigh 784 pixels as one.
# edit: x, reduction="sum" → x

# %% [vae.recon_loss] the mean over the batch
# hint: Summed over the pixels, but averaged over the batch. The sum over both is asked for.
# edit: binary_cross_entropy(recon_x, x, reduction="sum") → binary_cross_entropy(recon_x, x, reduction="sum") / len(x)

# %% [vae.recon_loss] the mean over the pixels
# hint: Summed over the batch, but averaged over the pixels: log-probabilities of pixels add up.
# replace:
return F.binary_cross_entropy(recon_x, x, reduction="sum")
# by:
return F.binary_cross_entropy(recon_x, x, reduction="sum") / x[0].numel()

# %% [vae.recon_loss] nothing is summed
# hint: There is a number for each pixel. One number is asked for: the sum of all.
# edit: sum → none

# %% [vae.recon_loss] one number for each picture
# hint: There is a number for each picture. The batch is summed too.
# replace:
return F.binary_cross_entropy(recon_x, x, reduction="sum")
# by:
return F.binary_cross_entropy(recon_x, x, reduction="none").flatten(1).sum(1)

# %% [vae.recon_loss] the sign
# hint: It is equation (9) with its own sign, negative. A loss becomes smaller as things become better.
# edit: return F → return -F

# %% [vae.recon_loss] with logits
# hint: recon_x holds probabilities already, and this loss takes them for logits: a sigmoid is applied once too often.
# edit: binary_cross_entropy → binary_cross_entropy_with_logits

# %% [vae.recon_loss] the arguments exchanged
# hint: The two pictures have changed places: the logarithm is taken of the decoder's probabilities, not of the data.
# edit: recon_x, x → x, recon_x

# %% [vae.recon_loss] the squared distance
# hint: This is the squared distance: a Gaussian's reconstruction. (9) reads pixels as coins.
# edit: F.binary_cross_entropy(recon_x, x, reduction="sum") → F.mse_loss(recon_x, x, reduction="sum")

# %% [vae.recon_loss] half of the squared distance
# hint: This is half of the squared distance: a Gaussian's reconstruction. (9) reads pixels as coins.
# edit: F.binary_cross_entropy(recon_x, x, reduction="sum") → 0.5 * F.mse_loss(recon_x, x, reduction="sum")

# %% [vae.recon_loss] the mean squared distance
# hint: This is the mean squared distance: a Gaussian's reconstruction, and averaged. (9) reads pixels as coins, and
# hint: sums.
# edit: F.binary_cross_entropy(recon_x, x, reduction="sum") → F.mse_loss(recon_x, x)

# %% [vae.recon_loss] the distance
# hint: This is the sum of absolute differences. (9) has logarithms of probabilities.
# edit: F.binary_cross_entropy(recon_x, x, reduction="sum") → F.l1_loss(recon_x, x, reduction="sum")

# %% [vae.recon_loss] white pixels only
# hint: Only white pixels count: where x is 0, the probability of black matters as much. (9) has two terms.
# edit: return F.binary_cross_entropy(recon_x, x, reduction="sum") → return -torch.special.xlogy(x, recon_x).sum()

# %% [vae.recon_loss] black pixels only
# hint: Only black pixels count. (9) has two terms.
# edit: F.binary_cross_entropy(recon_x, x, reduction="sum") → -torch.special.xlogy(1 - x, 1 - recon_x).sum()

# %% [vae.recon_loss] a wrong sign between the terms
# hint: The two terms of (9) are subtracted from each other. Both are log-probabilities and add up.
# replace:
return F.binary_cross_entropy(recon_x, x, reduction="sum")
# by:
return -(torch.special.xlogy(x, recon_x) - torch.special.xlogy(1 - x, 1 - recon_x)).sum()

# %% [vae.recon_loss] the coins exchanged
# hint: Black and white have changed places: x goes with the logarithm of recon_x.
# edit: recon_x → 1 - recon_x

# %% [vae.recon_loss] 0 times the logarithm of 0
# hint: Right for most pixels, but NaN where one is certain: the computer makes NaN of 0 times the logarithm of 0. It
# hint: should be 0.
# edit: F.binary_cross_entropy(recon_x, x, reduction="sum") → -(x * recon_x.log() + (1 - x) * (1 - recon_x).log()).sum()

# %% [vae.recon_loss] infinite costs made 0
# hint: What is infinite becomes 0, and so a pixel that is certain and wrong costs nothing. Only 0 times the logarithm
# hint: of 0 is nothing; to be certain of what is wrong costs the most.
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
# edit: F.binary_cross_entropy(recon_x, x, reduction="sum") → 0.5 * F.binary_cross_entropy(recon_x, x, reduction="sum")

# %% [vae.recon_loss] no gradient
# hint: Right, but recon_x gets no gradient: something is detached, made under no_grad, or put into a new tensor.
# edit: recon_x → recon_x.detach()

# %% [vae.recon_loss] rounded pixels
# hint: x is rounded to black and white. Grey pictures are judged as they are.
# edit: recon_x, x → recon_x, x.round()

# %% [vae.recon_loss] rounded probabilities
# hint: The probabilities are rounded to 0 and 1: then a slight doubt costs as much as a gross error, and no gradient is
# hint: left.
# edit: recon_x → recon_x.round()

# %% [vae.recon_loss] a Python number
# hint: It is a plain number, by .item() or float(). Training needs a tensor with its gradient.
# edit: F.binary_cross_entropy(recon_x, x, reduction="sum") → F.binary_cross_entropy(recon_x, x, reduction="sum").item()

# %% [vae.recon_loss] probabilities without a logarithm
# hint: The probabilities are summed without their logarithm. Likelihoods of pixels multiply, so their logarithms add
# hint: up.
# edit: F.binary_cross_entropy(recon_x, x, reduction="sum") → -(x * recon_x + (1 - x) * (1 - recon_x)).sum()

# %% [vae.recon_loss] a list of one number
# hint: The number has an axis of its own. A scalar, of shape (), is asked for.
# edit: binary_cross_entropy(recon_x, x, reduction="sum") → binary_cross_entropy(recon_x, x, reduction="sum").view(1)

# %% [vae.recon_loss] a softmax over pixels
# hint: The pixels of a picture are made to sum to 1. Each pixel is a coin of its own.
# replace:
return F.binary_cross_entropy(recon_x, x, reduction="sum")
# by:
return F.cross_entropy(recon_x.flatten(1), x.flatten(1), reduction="sum")

# %% [vae.recon_loss] Bernoulli that refuses grey
# hint: torch.distributions.Bernoulli refuses values other than 0 and 1. Here x may be grey: write (9) out, or switch
# hint: its validation off.
# edit: F.binary_cross_entropy(recon_x, x, reduction="sum") → -torch.distributions.Bernoulli(recon_x).log_prob(x).sum()

# ---- vae.VAE.forward -------------------------------------------------------------------------------------------------

# %% [vae.VAE.forward] x is not flattened
# hint: The encoder's first layer takes rows of input_dim pixels, (b, input_dim). Images have more axes: flatten all but
# hint: the first.
# edit: x.flatten(1) → x

# %% [vae.VAE.forward] the batch is flattened too
# hint: The whole batch has become one row. The first axis, the pictures, stays.
# edit: x.flatten(1) → x.flatten()

# %% [vae.VAE.forward] view(-1, 784)
# hint: 784 is the width of digits. The class takes pictures of any input_dim: ask x for its sizes.
# edit: x.flatten(1) → x.view(-1, 784)

# %% [vae.VAE.forward] a squeeze in the place of flatten
# hint: squeeze removes axes of size 1 only (also that of a batch of one). Height and width must be joined into one
# hint: axis.
# edit: x.flatten(1) → x.squeeze(1)

# %% [vae.VAE.forward] x in [-1, 1]
# hint: The pictures are scaled to [-1, 1] first. The encoder takes them as they are.
# edit: x.flatten(1) → 2 * x.flatten(1) - 1

# %% [vae.VAE.forward] the encoder without a gradient
# hint: Right, but the encoder gets no gradient, so it would never learn: its answer or the draw is detached, made under
# hint: no_grad, or drawn by torch.normal.
# edit: self.encoder(x.flatten(1)) → self.encoder(x.flatten(1)).detach()

# %% [vae.VAE.forward] a ReLU after the encoder
# hint: The encoder's answer goes through a ReLU, so neither mu nor logvar can be negative.
# edit: self.encoder(x.flatten(1)) → torch.relu(self.encoder(x.flatten(1)))

# %% [vae.VAE.forward] mu and logvar exchanged
# hint: mu and logvar have changed places: mu is the first half.
# edit: mu, logvar = h.chunk(2, dim=1) → logvar, mu = h.chunk(2, dim=1)

# %% [vae.VAE.forward] the batch is cut in two
# hint: The batch is cut in two, not the numbers of each code: which axis holds mu and logvar side by side?
# edit: h.chunk(2, dim=1) → h.chunk(2)

# %% [vae.VAE.forward] every other number
# hint: mu takes every other number. The encoder gives all of mu first, and then all of logvar.
# edit: h.chunk(2, dim=1) → h[:, ::2], h[:, 1::2]

# %% [vae.VAE.forward] two columns
# hint: mu and logvar are one column each. Each has latent_dim of them.
# edit: h.chunk(2, dim=1) → h[:, :1], h[:, 1:2]

# %% [vae.VAE.forward] the first and the last number
# hint: mu and logvar are cut for codes of two numbers. Here latent_dim may be any number.
# edit: h.chunk(2, dim=1) → h[:, :2], h[:, 2:]

# %% [vae.VAE.forward] a chunk size of 2
# hint: The encoder's answer falls into more than two parts: split takes the size of a part, chunk the number of parts,
# hint: and unbind gives single numbers. There are two halves.
# edit: h.chunk(2, dim=1) → h.split(2, dim=1)

# %% [vae.VAE.forward] exp of logvar
# hint: The second half is exponentiated before it is returned: then it is the variance, and not its logarithm.
# replace:
mu, logvar = h.chunk(2, dim=1)
# by:
mu, logvar = h.chunk(2, dim=1)
logvar = logvar.exp()

# %% [vae.VAE.forward] no draw
# hint: The decoder gets the mean: nothing is drawn. That is an autoencoder again.
# edit: reparameterize(mu, logvar) → mu

# %% [vae.VAE.forward] a draw of the prior
# hint: The decoder gets a draw that knows nothing of the picture: from the prior, not from q.
# edit: reparameterize(mu, logvar) → torch.randn_like(mu)

# %% [vae.VAE.forward] exp(logvar) for the spread
# hint: A code is drawn with the variance in the place of sigma. You have a function that draws.
# edit: reparameterize(mu, logvar) → mu + logvar.exp() * torch.randn_like(mu)

# %% [vae.VAE.forward] uniform noise
# hint: A code is drawn with uniform noise. You have a function that draws.
# edit: reparameterize(mu, logvar) → mu + (0.5 * logvar).exp() * torch.rand_like(mu)

# %% [vae.VAE.forward] one noise for the batch
# hint: All codes of the batch are drawn with the same noise.
# edit: reparameterize(mu, logvar) → mu + (0.5 * logvar).exp() * torch.randn(mu.shape[1])

# %% [vae.VAE.forward] arguments of the draw exchanged
# hint: reparameterize takes mu first and logvar second.
# edit: reparameterize(mu, logvar) → reparameterize(logvar, mu)

# %% [vae.VAE.forward] a method
# hint: reparameterize is a function of the notebook, not a method: without self.
# edit: reparameterize(mu, logvar) → self.reparameterize(mu, logvar)

# %% [vae.VAE.forward] recon_x stays flat
# hint: recon_x is a row of pixels. It should have the shape that x came with.
# edit: self.decoder(z).reshape(x.shape) → self.decoder(z)

# %% [vae.VAE.forward] a shape of 28 × 28
# hint: recon_x gets a fixed shape. x may have any: ask it.
# edit: self.decoder(z).reshape(x.shape) → self.decoder(z).view(-1, 1, 28, 28)

# %% [vae.VAE.forward] sigmoid twice
# hint: The decoder ends with a sigmoid already. Another one squeezes all pixels into 0.5 to 0.73.
# edit: self.decoder(z).reshape(x.shape) → self.decoder(z).sigmoid().reshape(x.shape)

# %% [vae.VAE.forward] h is decoded
# hint: The decoder gets the encoder's whole answer, mu and logvar side by side. It takes a code of latent_dim numbers.
# edit: self.decoder(z).reshape(x.shape) → self.decoder(h).reshape(x.shape)

# %% [vae.VAE.forward] the order of what is returned
# hint: The three things come in another order: recon_x, mu, logvar.
# edit: self.decoder(z).reshape(x.shape), mu, logvar → mu, logvar, self.decoder(z).reshape(x.shape)

# %% [vae.VAE.forward] logvar before mu
# hint: mu and logvar have changed places in what is returned.
# edit: self.decoder(z).reshape(x.shape), mu, logvar → self.decoder(z).reshape(x.shape), logvar, mu

# %% [vae.VAE.forward] recon_x only
# hint: The losses need mu and logvar too: three things are returned.
# edit: self.decoder(z).reshape(x.shape), mu, logvar → self.decoder(z).reshape(x.shape)

# %% [vae.VAE.forward] recon_x and z
# hint: Two things are returned: the losses need recon_x, mu and logvar.
# edit: self.decoder(z).reshape(x.shape), mu, logvar → self.decoder(z).reshape(x.shape), z

# %% [vae.VAE.forward] z is returned too
# hint: Four things are returned: recon_x, mu and logvar are asked for.
# edit: self.decoder(z).reshape(x.shape), mu, logvar → self.decoder(z).reshape(x.shape), mu, logvar, z

# %% [vae.VAE.forward] z in the place of mu
# hint: The draw is returned in the place of its mean.
# edit: self.decoder(z).reshape(x.shape), mu → self.decoder(z).reshape(x.shape), z

# %% [vae.VAE.forward] sigma in the place of logvar
# hint: sigma is returned where its logarithm, log sigma squared, is asked for.
# edit: self.decoder(z).reshape(x.shape), mu, logvar → self.decoder(z).reshape(x.shape), mu, (0.5 * logvar).exp()

# %% [vae.VAE.forward] the variance in the place of logvar
# hint: The draw is right, but the variance is returned where its logarithm is asked for.
# edit: self.decoder(z).reshape(x.shape), mu, logvar → self.decoder(z).reshape(x.shape), mu, logvar.exp()

# %% [vae.VAE.forward] the reconstruction without a gradient
# hint: Right, but recon_x has no gradient: it is detached, made under no_grad, or from .data.
# edit: self.decoder(z).reshape(x.shape) → self.decoder(z).reshape(x.shape).detach()

# ---- vae.elbo --------------------------------------------------------------------------------------------------------

# %% [vae.elbo] the mean over the pixels
# hint: The reconstruction is averaged over the pixels, while the KL is summed: log-probabilities of pixels add up.
# edit: (1).sum → (1).mean

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

# %% [vae.elbo] summed over the first axis
# hint: The reconstruction is summed over the batch, pixel by pixel. The pictures are the first axis: that one stays.
# edit: (1).sum(1) → (1).sum(0)

# %% [vae.elbo] summed over the last axis
# hint: A single axis of the pixels is summed. All pixels of a picture belong to its number, whatever axes they have.
# edit: flatten(1).sum(1) → sum(-1)

# %% [vae.elbo] summed over axes 1, 2, 3
# hint: The pixels are summed over three axes by their numbers. Pictures may also come as rows, (b, input_dim).
# edit: flatten(1).sum(1) → sum(dim=(1, 2, 3))

# %% [vae.elbo] the reconstruction's sign
# hint: The reconstruction has the wrong sign: log-probabilities are negative.
# edit: log_px = -F → log_px = F

# %% [vae.elbo] with logits
# hint: recon_x holds probabilities already, and they are taken for logits.
# edit: binary_cross_entropy → binary_cross_entropy_with_logits

# %% [vae.elbo] the pictures exchanged
# hint: recon_x and x have changed places in the reconstruction.
# edit: recon_x, x → x, recon_x

# %% [vae.elbo] the squared distance
# hint: The reconstruction is a squared distance. Here pixels are coins, as in (9).
# edit: binary_cross_entropy → mse_loss

# %% [vae.elbo] white pixels only
# hint: Only white pixels count in the reconstruction. (9) has two terms.
# edit: -F.binary_cross_entropy(recon_x, x, reduction="none").flatten(1).sum(1) → (x * recon_x.log()).flatten(1).sum(1)

# %% [vae.elbo] the mean over the dimensions
# hint: The KL is averaged over the dimensions. Divergences of independent dimensions add up.
# edit: (1 + logvar - mu**2 - logvar.exp()).sum(1) → (1 + logvar - mu**2 - logvar.exp()).mean(1)

# %% [vae.elbo] the KL summed over the batch
# hint: The KL is summed over the batch, dimension by dimension. The other axis goes.
# edit: (1 + logvar - mu**2 - logvar.exp()).sum(1) → (1 + logvar - mu**2 - logvar.exp()).sum(0)

# %% [vae.elbo] nothing is summed in the KL
# hint: The KL is not summed over its dimensions: each picture has one number.
# edit: (1 + logvar - mu**2 - logvar.exp()).sum(1) → (1 + logvar - mu**2 - logvar.exp())

# %% [vae.elbo] the KL's half is forgotten
# hint: The KL is twice what it should be.
# edit: 0.5 * (1 + logvar - mu**2 - logvar.exp()).sum(1) → (1 + logvar - mu**2 - logvar.exp()).sum(1)

# %% [vae.elbo] sigma for the variance
# hint: In the KL sigma stands where the variance is needed.
# edit: logvar.exp() → (0.5 * logvar).exp()

# %% [vae.elbo] the 1 is forgotten
# hint: The KL of the prior from itself would not be 0: its constant is missing.
# edit: 1 + logvar → logvar

# %% [vae.elbo] mu is not squared
# hint: In the KL, mu enters without its square.
# edit: mu**2 → mu

# %% [vae.elbo] the loss
# hint: That is minus the bound: a loss. The ELBO lies below log p(x), and is negative here.
# edit: log_px - kl → kl - log_px

# %% [vae.elbo] the KL is added
# hint: The KL is added to the bound. What q tells has a price: it is subtracted.
# edit: log_px - kl → log_px + kl

# %% [vae.elbo] the KL is forgotten
# hint: The prior term is missing: this is the reconstruction alone.
# edit: log_px - kl → log_px

# %% [vae.elbo] the reconstruction is forgotten
# hint: The reconstruction is missing: this is minus the KL alone.
# edit: return log_px - kl → return -kl

# %% [vae.elbo] one number
# hint: There is one number for the batch. Each picture has its own.
# edit: log_px - kl → (log_px - kl).sum()

# %% [vae.elbo] the mean over the batch
# hint: The pictures are averaged. Each has its own number.
# edit: log_px - kl → (log_px - kl).mean()

# %% [vae.elbo] one KL for all
# hint: From each picture the KL of the whole batch is subtracted. Each picture has its own.
# edit: - kl → - kl.sum()

# %% [vae.elbo] the batch's mean KL
# hint: From each picture the batch's mean KL is subtracted. Each picture has its own: sum over the dimensions only.
# edit: - kl → - kl.mean()

# %% [vae.elbo] a column
# hint: The result is a column, (b, 1). One axis is asked for: (b,).
# edit: log_px - kl → (log_px - kl).unsqueeze(1)

# %% [vae.elbo] each with each
# hint: Each picture's reconstruction meets each picture's KL, in a table (b, b): one of the two has an axis of size 1
# hint: too many.
# edit: - kl → - kl.unsqueeze(1)

# %% [vae.elbo] each with each, the other way
# hint: Each picture's KL meets each picture's reconstruction, in a table (b, b): the reconstruction has an axis of size
# hint: 1 too many.
# edit: log_px - kl → log_px.unsqueeze(1) - kl

# %% [vae.elbo] divided by the pixels
# hint: It is divided by the number of pixels. Nats of the whole picture are asked for.
# edit: log_px - kl → (log_px - kl) / x[0].numel()

# %% [vae.elbo] bits
# hint: It is in bits. Nats are asked for: natural logarithms.
# edit: log_px - kl → (log_px - kl) / math.log(2)

# %% [vae.elbo] the batch's bound in equal shares
# hint: All pictures get the same number, an equal share of the batch's bound. Your two losses sum over all that they
# hint: see, so they cannot tell one picture of a batch from another.
# edit: log_px - kl → (log_px - kl).mean().expand(len(x))

# ---- vae.latent_grid -------------------------------------------------------------------------------------------------

# %% [vae.latent_grid] probabilities in the place of values
# hint: The grid holds the probabilities. Ask for the values that belong to them.
# edit: torch.from_numpy(norm.ppf(torch.linspace(0.05, 0.95, n).numpy())).float() → torch.linspace(0.05, 0.95, n)

# %% [vae.latent_grid] equal steps in value
# hint: The places have equal distances. They should be equal in probability: closer in the middle, wider outside.
# edit: torch.from_numpy(norm.ppf(torch.linspace(0.05, 0.95, n).numpy())).float() → torch.linspace(-1.645, 1.645, n)

# %% [vae.latent_grid] the distribution function
# hint: The function goes the wrong way: from a value to its probability. You need its inverse.
# edit: norm.ppf(torch.linspace(0.05, 0.95, n).numpy()) → norm.cdf(torch.linspace(0.05, 0.95, n).numpy())

# %% [vae.latent_grid] the density
# hint: This is the density at the probabilities. You need the value below which a normal lies with that probability.
# edit: norm.ppf(torch.linspace(0.05, 0.95, n).numpy()) → norm.pdf(torch.linspace(0.05, 0.95, n).numpy())

# %% [vae.latent_grid] from 0 to 1
# hint: The probabilities go from 0 to 1: their values are infinite. They go from 0.05 to 0.95.
# edit: 0.05, 0.95 → 0, 1

# %% [vae.latent_grid] one place too many
# hint: There is a place too many along each side: n of them, both ends included.
# edit: .95, n → .95, n + 1

# %% [vae.latent_grid] the right end is missing
# hint: The last place is missing: the steps end before 0.95. Both ends belong to the n places.
# edit: torch.linspace(0.05, 0.95, n).numpy() → torch.arange(n).numpy() / n * 0.9 + 0.05

# %% [vae.latent_grid] 0.01 to 0.99
# hint: The probabilities begin and end elsewhere: 0.05 and 0.95 are asked for.
# edit: .05, 0.95 → .01, 0.99

# %% [vae.latent_grid] random places
# hint: The places are drawn at random. A grid has equal steps in probability.
# edit: torch.from_numpy(norm.ppf(torch.linspace(0.05, 0.95, n).numpy())).float() → torch.randn(n).sort().values

# %% [vae.latent_grid] always 20
# hint: The grid has 20 places along a side, whatever n is.
# edit: .95, n → .95, 20

# %% [vae.latent_grid] the logit
# hint: This is the inverse of the sigmoid, the logistic distribution's. The prior is a normal one.
# edit: from_numpy(norm.ppf(torch.linspace(0.05, 0.95, n).numpy())).float → linspace(0.05, 0.95, n).logit

# %% [vae.latent_grid] erfinv without its factors
# hint: The inverse error function stands there without what makes a normal's of it: the argument runs from −1 to 1, and
# hint: the result is short by the root of 2.
# replace:
p = torch.from_numpy(norm.ppf(torch.linspace(0.05, 0.95, n).numpy())).float()
# by:
p = torch.erfinv(2 * torch.linspace(0.05, 0.95, n) - 1)

# %% [vae.latent_grid] numpy's own
# hint: It is an array of numpy. A torch tensor is asked for.
# edit: p = torch.from_numpy(norm.ppf(torch.linspace(0.05, 0.95, n).numpy())).float() → import numpy as np
# edit: across, down = torch.meshgrid(p, p, indexing="xy") → z = norm.ppf(np.linspace(0.05, 0.95, n))
# edit: torch.stack([across, down], dim=-1) → np.stack(np.meshgrid(z, z), axis=-1)

# %% [vae.latent_grid] rows and columns exchanged
# hint: The two coordinates have changed places: going right, the first one should grow; going down, the second.
# edit: xy → ij

# %% [vae.latent_grid] the axis of the pair comes first
# hint: The pair of coordinates is the first axis. Row and column come first: (n, n, 2).
# edit: [across, down], dim=-1 → [across, down]

# %% [vae.latent_grid] the pair in the middle
# hint: The pair of coordinates is the middle axis. It should be the last.
# edit: dim=-1 → dim=1

# %% [vae.latent_grid] joined, not stacked
# hint: The two tables are joined side by side, without an axis for the pair.
# edit: torch.stack([across, down], dim=-1) → torch.cat([across, down], dim=-1)

# %% [vae.latent_grid] a reshape in the place of another axis
# hint: A reshape moves no axes: it cuts the numbers anew in their order, and neighbours in it become pairs. The two
# hint: tables must be joined along a last axis.
# edit: torch.stack([across, down], dim=-1) → torch.stack([across, down]).reshape(n, n, 2)

# %% [vae.latent_grid] a list of places
# hint: All places are in one list, (n², 2). A table (n, n, 2) is asked for.
# edit: torch.stack([across, down], dim=-1) → torch.stack([across, down], dim=-1).flatten(0, 1)

# %% [vae.latent_grid] a tuple
# hint: Two tables come back. One tensor with both coordinates is asked for.
# edit: torch.stack([across, down], dim=-1) → across, down

# %% [vae.latent_grid] the first row at the top right
# hint: Along a row the first coordinate falls. It should grow to the right.
# edit: [across, down] → [across.flip(1), down]

# %% [vae.latent_grid] upwards
# hint: The second coordinate falls from row to row. It should grow downwards.
# edit: [across, down] → [across, down.flip(0)]

# %% [vae.latent_grid] both axes turned
# hint: Both coordinates fall. They should grow, to the right and downwards: where do the probabilities begin?
# edit: [across, down] → [across.flip(1), down.flip(0)]

# %% [vae.latent_grid] the same coordinate twice
# hint: Both coordinates are the same one. The second depends on the row.
# edit: [across, down] → [across, across]

# %% [vae.latent_grid] the same coordinate twice, by rows
# hint: Both coordinates are the same one. The first depends on the column.
# edit: [across, down] → [down, down]

# %% [vae.latent_grid] a line
# hint: There is one line of places, (n, 2), the diagonal of the grid. Every value across meets every value down.
p = torch.from_numpy(norm.ppf(torch.linspace(0.05, 0.95, n).numpy())).float()
return torch.stack([p, p], dim=-1)

# ---- vae.iwae_bound --------------------------------------------------------------------------------------------------

# %% [vae.iwae_bound] noise of its own
# hint: The codes are drawn anew. The noise is given: noise[i, j] makes the i-th draw for picture j.
# replace:
k, b = noise.shape[:2]
# by:
k, b = noise.shape[:2]
noise = torch.randn_like(noise)

# %% [vae.iwae_bound] mu and logvar exchanged
# hint: mu and logvar have changed places: mu is the first half of the encoder's answer.
# edit: mu, logvar → logvar, mu

# %% [vae.iwae_bound] the batch is cut in two
# hint: The batch is cut in two, not the numbers of each code: chunk needs the axis.
# edit: model.encoder(x).chunk(2, dim=1) → model.encoder(x).chunk(2)

# %% [vae.iwae_bound] x is flattened
# hint: x is flattened before the encoder. This encoder takes x as it comes.
# edit: model.encoder(x).chunk(2, dim=1) → model.encoder(x.flatten(1)).chunk(2, dim=1)

# %% [vae.iwae_bound] the encoder's answer as a pair
# hint: The encoder gives one tensor with mu and logvar side by side, not a pair.
# edit: model.encoder(x).chunk(2, dim=1) → model.encoder(x)

# %% [vae.iwae_bound] the model is called
# hint: model has an encoder and a decoder, and that is all that is said of it. Called as a whole, a VAE would draw a
# hint: code of its own; the noise here is given.
# edit: mu, logvar = model.encoder(x).chunk(2, dim=1) → _, mu, logvar = model(x)

# %% [vae.iwae_bound] exp(logvar) for the spread
# hint: The codes are drawn with the variance in the place of sigma.
# edit: (0.5 * logvar).exp() → logvar.exp()

# %% [vae.iwae_bound] noise alone
# hint: The codes are the noise itself: draws of the prior, not of q.
# edit: mu + (0.5 * logvar).exp() * noise → noise

# %% [vae.iwae_bound] the decoder takes k × b codes
# hint: The decoder gets (k, b, latent_dim). It takes rows (n, latent_dim): make rows of all draws, or loop over them.
# edit: z.flatten(0, 1) → z

# %% [vae.iwae_bound] the rows come back in another order
# hint: Draws and pictures have changed places between the rows and the table: what was put in a row as (k, b) must come
# hint: back as (k, b).
# edit: z.flatten(0, 1) → z.transpose(0, 1).flatten(0, 1)

# %% [vae.iwae_bound] a view as pictures by draws
# hint: The rows come back as (b, k) in the place of (k, b).
# edit: (k, *x.shape) → (b, k, *x.shape[1:]).transpose(0, 1)

# %% [vae.iwae_bound] pictures repeated one by one
# hint: The rows of codes hold all pictures for the first draw, then all for the second; the rows of x
# hint: (repeat_interleave) hold the first picture k times, then the second. So codes meet pictures that they were not
# hint: drawn for.
# replace:
log_px = -F.binary_cross_entropy(recon_x, x.expand_as(recon_x), reduction="none").flatten(2).sum(2)
# by:
rows = x.repeat_interleave(k, 0).reshape(recon_x.shape)
log_px = -F.binary_cross_entropy(recon_x, rows, reduction="none").flatten(2).sum(2)

# %% [vae.iwae_bound] the mean over the pixels
# hint: log p(x|z) is averaged over the pixels. Log-probabilities of pixels add up.
# edit: (2).sum → (2).mean

# %% [vae.iwae_bound] x is not expanded
# hint: x has no axis for the draws: this loss wants both of one shape.
# edit: x.expand_as(recon_x) → x

# %% [vae.iwae_bound] the prior at the noise
# hint: log p(z) is taken at the noise, not at z.
# edit: z**2 → noise**2

# %% [vae.iwae_bound] logvar is forgotten in q
# hint: log q lacks its −log sigma: a narrow density is high.
# edit: 2 + logvar → 2

# %% [vae.iwae_bound] the sign of logvar in q
# hint: In log q the term of logvar has the wrong sign: a narrow density is high.
# edit: 2 + logvar → 2 - logvar

# %% [vae.iwae_bound] q without the half of logvar
# hint: In log q stands the logarithm of the variance where that of sigma is needed: a factor of 2.
# edit: (noise**2 + logvar).sum(2) → (noise**2).sum(2) - logvar.sum(1)

# %% [vae.iwae_bound] the dimensions are not summed
# hint: The three log-densities do not fit together: one of them still has the axis of the code's dimensions, or of the
# hint: pixels. Each draw of each picture has one number.
# edit: (noise**2 + logvar).sum(2) → (noise**2 + logvar)

# %% [vae.iwae_bound] (z − mu)² without the variance
# hint: In log q the distance (z − mu)² is not divided by the variance.
# edit: noise**2 → (z - mu) ** 2

# %% [vae.iwae_bound] the variance for the spread of q
# hint: log q is that of a Normal whose spread is the variance. torch's Normal takes sigma.
# edit: 0.5 * (noise**2 + logvar).sum(2) → (0.5 * ((z - mu) / logvar.exp()) ** 2 + logvar).sum(2)

# %% [vae.iwae_bound] q with a constant of its own
# hint: One of the two Gaussians has its constant ½ log 2π and the other has not.
# edit: 2 + logvar → 2 + logvar + math.log(2 * math.pi)

# %% [vae.iwae_bound] the mean of the logarithms
# hint: The logarithms are averaged: that is the ELBO with k draws, which is no tighter. The mean in (2) is taken before
# hint: the logarithm.
# edit: (log_px + log_prior - log_q).logsumexp(0) - math.log(k) → (log_px + log_prior - log_q).mean(0)

# %% [vae.iwae_bound] exp before the mean
# hint: The ratios are exponentiated and then averaged. Right on paper, but they are smaller than the smallest float, so
# hint: they become 0, and the logarithm of 0 is −∞. Keep to logarithms throughout.
# edit: (log_px + log_prior - log_q).logsumexp(0) - math.log(k) → (log_px + log_prior - log_q).exp().mean(0).log()

# %% [vae.iwae_bound] log k is forgotten
# hint: The ratios are summed, not averaged: the bound would grow by log k for nothing.
# edit: (log_px + log_prior - log_q).logsumexp(0) - math.log(k) → (log_px + log_prior - log_q).logsumexp(0)

# %% [vae.iwae_bound] summed over the pictures
# hint: The mean is taken over the pictures. Each has its own number: the draws are the first axis of noise.
# edit: (log_px + log_prior - log_q).logsumexp(0) → (log_px + log_prior - log_q).logsumexp(1)

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
# edit: log_prior - log_q → log_prior

# %% [vae.iwae_bound] the prior is forgotten
# hint: log p(z) is missing: the numerator of (2) has two factors.
# edit: log_px + log_prior → log_px

# %% [vae.iwae_bound] only p(x|z)
# hint: The prior and q cancel, or are not there: only p(x|z) is averaged. That would be right for draws of the prior;
# hint: yours come from q, which is no standard normal.
# edit: (log_px + log_prior - log_q).logsumexp(0) → log_px.logsumexp(0)

# %% [vae.iwae_bound] q is multiplied
# hint: log q(z|x) is added: q stands in the denominator of (2).
# edit: log_prior - log_q → log_prior + log_q

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
# edit: (log_px + log_prior - log_q).logsumexp(0) - math.log(k) → log_px + log_prior - log_q
