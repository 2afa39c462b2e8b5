# ---- ldm.kl_regularised_loss -----------------------------------------------------------------------------------------

# %% [ldm.kl_regularised_loss] the half missing
# hint: The divergence is twice too large: a factor stands in front of its bracket.
# edit: 0.5 * (mu**2 → (mu**2

# %% [ldm.kl_regularised_loss] half of mu alone
# hint: The half stands in front of mu² alone; it belongs to the whole bracket.
# edit: 0.5 * (mu**2 + logvar.exp() - 1 - logvar) → 0.5 * mu**2 + logvar.exp() - 1 - logvar

# %% [ldm.kl_regularised_loss] mu not squared
# hint: The mean enters the divergence as it is, so that a mean far below 0 would be a reward. How does it enter (1)?
# edit: mu**2 → mu

# %% [ldm.kl_regularised_loss] absolute values of mu
# hint: The divergence takes the absolute value of the mean; of the Gaussian's exponent a square is left.
# edit: mu**2 → mu.abs()

# %% [ldm.kl_regularised_loss] without mu
# hint: The means do not enter the divergence: the latents could lie anywhere.
# edit: mu**2 + logvar.exp() → logvar.exp()

# %% [ldm.kl_regularised_loss] the standard deviation for the variance
# hint: The exponential is taken of half of logvar, which is a standard deviation. In the divergence stands the variance.
# edit: logvar.exp() → (0.5 * logvar).exp()

# %% [ldm.kl_regularised_loss] logvar taken for the logarithm of the deviation
# hint: logvar is taken for the logarithm of a standard deviation. It is that of the variance.
# edit: logvar.exp() - 1 - logvar → (2 * logvar).exp() - 1 - 2 * logvar

# %% [ldm.kl_regularised_loss] the exponential of twice logvar
# hint: The exponential is taken of twice logvar: that is the variance, squared.
# edit: logvar.exp() → (2 * logvar).exp()

# %% [ldm.kl_regularised_loss] logvar for the variance
# hint: logvar stands where the variance does, so that it cancels with its own term. It is a logarithm.
# edit: logvar.exp() → logvar

# %% [ldm.kl_regularised_loss] logvar squared
# hint: logvar is squared where the variance stands. It is the variance's logarithm.
# edit: logvar.exp() → logvar**2

# %% [ldm.kl_regularised_loss] the logarithm of logvar
# hint: A logarithm is taken of logvar, which is one already and may be negative.
# edit: - 1 - logvar → - 1 - logvar.log()

# %% [ldm.kl_regularised_loss] the 1 missing
# hint: The divergence is not 0 where the latents have mean 0 and variance 1.
# edit: - 1 - logvar → - logvar

# %% [ldm.kl_regularised_loss] the 1 added
# hint: The 1 is added, so that the divergence of mean 0 and variance 1 is 1 and not 0.
# edit: - 1 - logvar → + 1 - logvar

# %% [ldm.kl_regularised_loss] plus logvar
# hint: logvar is added. Then the variance would shrink to 0 at no cost: what has to grow where it goes to 0?
# edit: - 1 - logvar → - 1 + logvar

# %% [ldm.kl_regularised_loss] without logvar
# hint: logvar itself is missing, so that the smallest variance is the best.
# edit: - 1 - logvar → - 1

# %% [ldm.kl_regularised_loss] minus the divergence
# hint: The divergence comes in with a minus: the loss falls where the latents go far away. (A formula with a minus in
# hint: front has the other signs inside.)
# edit: 0.5 * (mu**2 → -0.5 * (mu**2

# %% [ldm.kl_regularised_loss] the other direction
# hint: This is the divergence of the normal distribution from the latents'; (1) has the other direction.
# edit: (mu**2 + logvar.exp() - 1 - logvar) → ((mu**2 + 1) / logvar.exp() - 1 + logvar)

# %% [ldm.kl_regularised_loss] a mean square
# hint: The reconstruction is compared by squares. (1) asks for absolute values, which blur edges less.
# edit: .abs().mean() → .square().mean()

# %% [ldm.kl_regularised_loss] half of a mean square
# hint: The reconstruction is compared by halves of squares. (1) asks for absolute values.
# edit: .abs().mean() → .square().mean() / 2

# %% [ldm.kl_regularised_loss] differences with their sign
# hint: The differences keep their signs and cancel: a reconstruction too dark here and too bright there costs nothing.
# edit: .abs().mean() → .mean()

# %% [ldm.kl_regularised_loss] the absolute value of the mean
# hint: The absolute value is taken of the mean, after the differences have cancelled.
# edit: .abs().mean() → .mean().abs()

# %% [ldm.kl_regularised_loss] the root of the mean square
# hint: A root is taken of the mean square; the mean of absolute values is another number.
# edit: .abs().mean() → .square().mean().sqrt()

# %% [ldm.kl_regularised_loss] rounded at 0
# hint: Small differences count by their squares. (1) takes absolute values everywhere.
# edit: (recon - x).abs().mean() → F.smooth_l1_loss(recon, x)

# %% [ldm.kl_regularised_loss] a cross-entropy
# hint: A cross-entropy takes probabilities, and these images lie in [−1, 1]. (1) takes absolute values.
# edit: (recon - x).abs().mean() → F.binary_cross_entropy(recon, x)

# %% [ldm.kl_regularised_loss] pixels summed
# hint: The absolute values are summed over all pixels; their mean is wanted.
# edit: .abs().mean() → .abs().sum()

# %% [ldm.kl_regularised_loss] pixels summed for each image
# hint: The absolute values are summed over each image. A mean over everything is wanted.
# edit: .abs().mean() → .abs().flatten(1).sum(1).mean()

# %% [ldm.kl_regularised_loss] the KL summed
# hint: The divergence is summed over all latents. As a mean its weight does not depend on how many there are.
# edit: kl.mean() → kl.sum()

# %% [ldm.kl_regularised_loss] the KL summed for each image
# hint: The divergence is summed over the latents of each image, as in a VAE's bound. (1) takes a mean over all of them.
# edit: kl.mean() → kl.flatten(1).sum(1).mean()

# %% [ldm.kl_regularised_loss] the KL summed over channels
# hint: The divergence is summed over the channels of each place. (1) takes a mean over everything.
# edit: kl.mean() → kl.sum(1).mean()

# %% [ldm.kl_regularised_loss] the KL divided by the pixels
# hint: The divergence is divided by the number of pixels. It is a mean over the latents, of which there are fewer.
# edit: kl.mean() → kl.sum() / x.numel()

# %% [ldm.kl_regularised_loss] both summed
# hint: Both parts are sums. (1) has means.
# edit: .abs().mean() → .abs().sum()
# edit: kl.mean() → kl.sum()

# %% [ldm.kl_regularised_loss] both summed for each image
# hint: Both parts are sums over each image, and only the batch is averaged. (1) has means over everything.
# edit: .abs().mean() → .abs().flatten(1).sum(1).mean()
# edit: kl.mean() → kl.flatten(1).sum(1).mean()

# %% [ldm.kl_regularised_loss] without the weight
# hint: kl_weight does nothing: the divergence counts in full, and would blur every image.
# edit: kl_weight * kl.mean() → kl.mean()

# %% [ldm.kl_regularised_loss] the weight on both
# hint: kl_weight multiplies the reconstruction as well.
# edit: (recon - x).abs().mean() + kl_weight * kl.mean() → kl_weight * ((recon - x).abs().mean() + kl.mean())

# %% [ldm.kl_regularised_loss] the weight on the reconstruction
# hint: kl_weight multiplies the reconstruction, and the divergence counts in full.
# edit: (recon - x).abs().mean() + kl_weight * kl.mean() → kl_weight * (recon - x).abs().mean() + kl.mean()

# %% [ldm.kl_regularised_loss] weights that sum to 1
# hint: The reconstruction's weight shrinks as kl_weight grows. It is always 1.
# edit: return (recon - x) → return (1 - kl_weight) * (recon - x)

# %% [ldm.kl_regularised_loss] multiplied
# hint: The two parts are multiplied; they are added.
# edit: .mean() + kl_weight → .mean() * kl_weight

# %% [ldm.kl_regularised_loss] the reconstruction alone
# hint: The divergence is missing.
# edit: + kl_weight * kl.mean() →

# %% [ldm.kl_regularised_loss] the divergence alone
# hint: The reconstruction is missing.
# edit: (recon - x).abs().mean() + kl_weight → kl_weight

# %% [ldm.kl_regularised_loss] pixels not reduced
# hint: There is a number for each pixel; a loss is one number.
# edit: .abs().mean() → .abs()

# %% [ldm.kl_regularised_loss] the KL not reduced
# hint: There is a number for each latent; a loss is one number.
# edit: kl.mean() → kl

# %% [ldm.kl_regularised_loss] one number for each image
# hint: There is one number for each image; a loss is one number.
# edit: .abs().mean() → .abs().flatten(1).mean(1)
# edit: kl.mean() → kl.flatten(1).mean(1)

# %% [ldm.kl_regularised_loss] a number of Python
# hint: It is a Python number, from which no gradient can come. Return the tensor.
# edit: return (recon - x).abs().mean() + kl_weight * kl.mean() → return ((recon - x).abs().mean() + kl_weight * kl.mean()).item()

# %% [ldm.kl_regularised_loss] the reconstruction cut off
# hint: The reconstruction is detached, so that the decoder could not learn.
# edit: (recon - x) → (recon.detach() - x)

# %% [ldm.kl_regularised_loss] the latents cut off
# hint: The divergence has no gradient, so that nothing would keep the latents small.
# edit: kl.mean() → kl.mean().detach()

# ---- ldm.autoencoder_step --------------------------------------------------------------------------------------------

# %% [ldm.autoencoder_step] the mean decoded
# hint: The mean is decoded. The decoder learns from a draw, so that it stays right around the mean as well.
# edit: mu + (0.5 * logvar).exp() * noise → mu

# %% [ldm.autoencoder_step] the noise missing
# hint: The standard deviation is added as it is: the noise is missing in the draw.
# edit: (0.5 * logvar).exp() * noise → (0.5 * logvar).exp()

# %% [ldm.autoencoder_step] noise of size 1
# hint: The noise is added with size 1, whatever logvar says.
# edit: (0.5 * logvar).exp() * noise → noise

# %% [ldm.autoencoder_step] the variance for the deviation
# hint: The noise is multiplied by the variance. What is the standard deviation, by logvar?
# edit: (0.5 * logvar).exp() → logvar.exp()

# %% [ldm.autoencoder_step] half of logvar as the deviation
# hint: The noise is multiplied by half of logvar: an exponential is missing.
# edit: (0.5 * logvar).exp() → 0.5 * logvar

# %% [ldm.autoencoder_step] logvar as the deviation
# hint: The noise is multiplied by logvar itself, a logarithm, where a standard deviation is wanted.
# edit: (0.5 * logvar).exp() → logvar

# %% [ldm.autoencoder_step] the mean missing
# hint: The draw has no mean: what the encoder says of the image is lost.
# edit: mu + (0.5 * logvar).exp() * noise → (0.5 * logvar).exp() * noise

# %% [ldm.autoencoder_step] minus the noise
# hint: The noise is taken away. (That is as good a draw, but this noise is given to be added.)
# edit: mu + (0.5 → mu - (0.5

# %% [ldm.autoencoder_step] noise decoded
# hint: The noise itself is decoded: the reconstruction has nothing to do with the image.
# edit: mu + (0.5 * logvar).exp() * noise → noise

# %% [ldm.autoencoder_step] fresh noise
# hint: Noise is drawn. Use the noise that is given, so that a step can be repeated.
# edit: .exp() * noise → .exp() * torch.randn_like(mu)

# %% [ldm.autoencoder_step] mu and logvar changed
# hint: encode gives the mean first, then logvar; yours have changed places.
# edit: mu, logvar = → logvar, mu =

# %% [ldm.autoencoder_step] mu and logvar changed in the loss
# hint: kl_regularised_loss takes mu before logvar.
# edit: mu, logvar, kl_weight → logvar, mu, kl_weight

# %% [ldm.autoencoder_step] the pair decoded
# hint: encode gives a pair, the means and the logarithms of the variances; decode takes a draw, one tensor.
# edit: decode(mu + (0.5 * logvar).exp() * noise) → decode(autoencoder.encode(x))

# %% [ldm.autoencoder_step] the whole autoencoder asked
# hint: The autoencoder as a whole has no place for the given noise: encode, draw, decode.
# edit: autoencoder.decode(mu + (0.5 * logvar).exp() * noise) → autoencoder(x)

# %% [ldm.autoencoder_step] the loss's arguments in another order
# hint: kl_regularised_loss takes recon, x, mu, logvar, kl_weight, in this order.
# edit: (recon, x, mu, logvar, kl_weight) → (mu, logvar, recon, x, kl_weight)

# %% [ldm.autoencoder_step] the weights changed
# hint: kl_weight and adv_weight have changed places.
# edit: logvar, kl_weight) + adv_weight → logvar, adv_weight) + kl_weight

# %% [ldm.autoencoder_step] without adv_weight
# hint: The critic's opinion counts in full: adv_weight is not used.
# edit: adv_weight * F → F

# %% [ldm.autoencoder_step] adv_weight on everything
# hint: adv_weight multiplies the reconstruction and the divergence as well.
# edit: loss_ae = kl_regularised_loss → loss_ae = adv_weight * kl_regularised_loss

# %% [ldm.autoencoder_step] without kl_weight
# hint: The divergence counts in full: kl_weight is not used.
# edit: logvar, kl_weight) → logvar, 1.0)

# %% [ldm.autoencoder_step] without the divergence
# hint: The divergence is missing in the autoencoder's loss.
# edit: kl_regularised_loss(recon, x, mu, logvar, kl_weight) → (recon - x).abs().mean()

# %% [ldm.autoencoder_step] without the critic
# hint: The critic's opinion is missing in the autoencoder's loss.
# edit: + adv_weight * F.softplus(-critic(recon)).mean() →

# %% [ldm.autoencoder_step] without the reconstruction
# hint: The autoencoder's loss is the critic's opinion alone: nothing asks for a likeness any more.
# edit: kl_regularised_loss(recon, x, mu, logvar, kl_weight) + adv_weight → adv_weight

# %% [ldm.autoencoder_step] it learns to be found out
# hint: A sign in the autoencoder's loss: it is rewarded where the critic takes its reconstruction for a fake.
# edit: F.softplus(-critic(recon)) → F.softplus(critic(recon))

# %% [ldm.autoencoder_step] the saturating loss
# hint: This is the saturating loss of notebook 04. Its gradient vanishes where the critic is sure.
# edit: adv_weight * F.softplus(-critic(recon)) → adv_weight * -F.softplus(critic(recon))

# %% [ldm.autoencoder_step] the logarithm with the wrong sign
# hint: The critic's opinion comes in with a minus: log D(recon) is to grow, so what has to fall?
# edit: adv_weight * F.softplus(-critic(recon)) → adv_weight * F.logsigmoid(critic(recon))

# %% [ldm.autoencoder_step] minus the logits
# hint: This is the mean of −logits, the loss of a hinge or Wasserstein critic. (2) has a softplus.
# edit: F.softplus(-critic(recon)) → -critic(recon)

# %% [ldm.autoencoder_step] probabilities for logits
# hint: The critic's logits went through a sigmoid first; the softplus takes logits.
# edit: F.softplus(-critic(recon)) → F.softplus(-critic(recon).sigmoid())

# %% [ldm.autoencoder_step] a rectifier
# hint: Negative values are cut to 0. The softplus is smooth.
# edit: F.softplus(-critic(recon)) → F.relu(-critic(recon))

# %% [ldm.autoencoder_step] the critic's opinion summed
# hint: The critic gives many logits; their mean is wanted, not their sum.
# edit: F.softplus(-critic(recon)).mean() → F.softplus(-critic(recon)).sum()

# %% [ldm.autoencoder_step] the critic asked about the images
# hint: In the autoencoder's loss the critic judges the images. The autoencoder can only change its reconstruction.
# edit: -critic(recon) → -critic(x) + 0 * recon.sum()

# %% [ldm.autoencoder_step] the critic's whole loss
# hint: The autoencoder's loss takes the critic's loss: it would learn to help the critic.
# edit: adv_weight * F.softplus(-critic(recon)).mean() → adv_weight * (F.softplus(-critic(x)).mean() + F.softplus(critic(recon)).mean())

# %% [ldm.autoencoder_step] minus the critic's loss
# hint: The autoencoder's loss takes minus the critic's loss, which saturates. (2) has another form.
# edit: adv_weight * F.softplus(-critic(recon)).mean() → -adv_weight * (F.softplus(-critic(x)).mean() + F.softplus(critic(recon)).mean())

# %% [ldm.autoencoder_step] the critic's opinion without a gradient
# hint: The critic's opinion has no gradient for the autoencoder: the reconstruction or the logits are detached in the
# hint: autoencoder's own loss. To spare the critic, leave its optimizer alone.
# edit: -critic(recon) → -critic(recon.detach())

# %% [ldm.autoencoder_step] the reconstruction cut off
# hint: The reconstruction has no graph (it is detached, or decoded without gradients), so that the decoder learns
# hint: nothing. It is cut off for the critic's loss only.
# edit: exp() * noise) → exp() * noise).detach()

# %% [ldm.autoencoder_step] the encoder cut off
# hint: The image is encoded without gradients, so that the encoder learns nothing.
# edit: mu, logvar = autoencoder.encode(x) → mu, logvar = (part.detach() for part in autoencoder.encode(x))

# %% [ldm.autoencoder_step] the autoencoder never zeroed
# hint: The autoencoder's gradients of earlier steps are still there when it steps.
# edit: opt_ae.zero_grad() →

# %% [ldm.autoencoder_step] the critic never zeroed
# hint: What the autoencoder's loss left in the critic is still there when the critic steps: it learns to be fooled.
# edit: opt_critic.zero_grad() →

# %% [ldm.autoencoder_step] neither zeroed
# hint: Gradients of earlier steps are never thrown away, in neither network.
# edit: opt_ae.zero_grad() →
# edit: opt_critic.zero_grad() →

# %% [ldm.autoencoder_step] both zeroed at the beginning
# hint: The critic also follows the autoencoder's loss: its gradients are zeroed at the beginning only, and then that loss
# hint: writes into them, or both losses went backward together.
# replace:
opt_critic.zero_grad()
# by:
# replace:
opt_ae.zero_grad()
# by:
opt_ae.zero_grad()
opt_critic.zero_grad()

# %% [ldm.autoencoder_step] zeroed after the steps
# hint: Gradients are zeroed after the steps: those that lay there before the first one still enter it, and the
# hint: autoencoder's loss has written into the critic's.
# replace:
opt_ae.zero_grad()
# by:
# replace:
opt_critic.zero_grad()
# by:
# replace:
opt_critic.step()
# by:
opt_critic.step()
opt_ae.zero_grad()
opt_critic.zero_grad()

# %% [ldm.autoencoder_step] the autoencoder zeroed before its step
# hint: The autoencoder's gradients are zeroed between backward and step, perhaps since each half zeroes and steps the
# hint: other network's optimizer.
# replace:
loss_ae.backward()
# by:
loss_ae.backward()
opt_ae.zero_grad()

# %% [ldm.autoencoder_step] the critic zeroed before its step
# hint: The critic's gradients are zeroed between backward and step: it stands still.
# replace:
loss_critic.backward()
# by:
loss_critic.backward()
opt_critic.zero_grad()

# %% [ldm.autoencoder_step] the autoencoder never steps
# hint: The autoencoder's optimizer never steps.
# edit: opt_ae.step() →

# %% [ldm.autoencoder_step] the critic never steps
# hint: The critic's optimizer never steps.
# edit: opt_critic.step() →

# %% [ldm.autoencoder_step] the critic steps along the autoencoder's loss
# hint: In the autoencoder's half the critic's optimizer steps as well: the critic is moved by the autoencoder's loss,
# hint: to be fooled.
# replace:
opt_ae.step()
# by:
opt_ae.step()
opt_critic.step()

# %% [ldm.autoencoder_step] the autoencoder steps twice
# hint: The autoencoder's optimizer steps in the critic's half as well.
# replace:
opt_critic.step()
# by:
opt_critic.step()
opt_ae.step()

# %% [ldm.autoencoder_step] the reconstruction not detached
# hint: The critic's loss goes back through the reconstruction, whose graph the autoencoder's half has used up. To the
# hint: critic the reconstruction is data.
# edit: recon.detach() → recon

# %% [ldm.autoencoder_step] not detached, the graph kept
# hint: The critic's loss goes back into the autoencoder, which has moved since. Keeping the graph is no way out: to the
# hint: critic the reconstruction is data.
# edit: recon.detach() → recon
# edit: loss_ae.backward() → loss_ae.backward(retain_graph=True)

# %% [ldm.autoencoder_step] the critic's loss in the autoencoder's step
# hint: The critic's loss went back into the autoencoder before it stepped, which so learns to help the critic.
mu, logvar = autoencoder.encode(x)
recon = autoencoder.decode(mu + (0.5 * logvar).exp() * noise)
loss_ae = kl_regularised_loss(recon, x, mu, logvar, kl_weight) + adv_weight * F.softplus(-critic(recon)).mean()
opt_ae.zero_grad()
loss_ae.backward(retain_graph=True)
loss_critic = F.softplus(-critic(x)).mean() + F.softplus(critic(recon)).mean()
opt_critic.zero_grad()
loss_critic.backward()
opt_ae.step()
opt_critic.step()
return loss_ae.item(), loss_critic.item()

# %% [ldm.autoencoder_step] the critic first
# hint: The critic stepped first, as in notebook 04. Here the autoencoder does, and answers the critic as it was.
mu, logvar = autoencoder.encode(x)
recon = autoencoder.decode(mu + (0.5 * logvar).exp() * noise)
loss_critic = F.softplus(-critic(x)).mean() + F.softplus(critic(recon.detach())).mean()
opt_critic.zero_grad()
loss_critic.backward()
opt_critic.step()
loss_ae = kl_regularised_loss(recon, x, mu, logvar, kl_weight) + adv_weight * F.softplus(-critic(recon)).mean()
opt_ae.zero_grad()
loss_ae.backward()
opt_ae.step()
return loss_ae.item(), loss_critic.item()

# %% [ldm.autoencoder_step] a new reconstruction for the critic
# hint: The critic judges a reconstruction that was made again after the autoencoder's step. Both losses see the same one.
# edit: critic(recon.detach()) → critic(autoencoder.decode(mu + (0.5 * logvar).exp() * noise).detach())

# %% [ldm.autoencoder_step] another draw for the critic
# hint: After the autoencoder's step the images were encoded and decoded again for the critic. Both losses see the same
# hint: reconstruction.
# edit: critic(recon.detach()) → critic(autoencoder.decode(autoencoder.encode(x)[0] + (0.5 * autoencoder.encode(x)[1]).exp() * noise).detach())

# %% [ldm.autoencoder_step] the critic judges decoded noise
# hint: The critic's fakes are decoded noise. An autoencoder's fakes are its reconstructions.
# edit: critic(recon.detach()) → critic(autoencoder.decode(noise).detach())

# %% [ldm.autoencoder_step] real taken for fake
# hint: A sign in the critic's loss: images are called fakes.
# edit: F.softplus(-critic(x)) → F.softplus(critic(x))

# %% [ldm.autoencoder_step] fake taken for real
# hint: A sign in the critic's loss: reconstructions are called real.
# edit: F.softplus(critic(recon.detach())) → F.softplus(-critic(recon.detach()))

# %% [ldm.autoencoder_step] real and fake changed
# hint: In the critic's loss images and reconstructions have changed places. A high logit means real.
# edit: F.softplus(-critic(x)).mean() + F.softplus(critic(recon.detach())) → F.softplus(critic(x)).mean() + F.softplus(-critic(recon.detach()))

# %% [ldm.autoencoder_step] the critic sees images alone
# hint: The critic's loss has no reconstruction in it: it would call everything real.
# edit: F.softplus(-critic(x)).mean() + F.softplus(critic(recon.detach())).mean() → F.softplus(-critic(x)).mean()

# %% [ldm.autoencoder_step] the critic sees reconstructions alone
# hint: The critic's loss has no images in it: it would call everything a fake.
# edit: F.softplus(-critic(x)).mean() + F.softplus(critic(recon.detach())).mean() → F.softplus(critic(recon.detach())).mean()

# %% [ldm.autoencoder_step] half of the critic's loss
# hint: The critic's loss is halved. (3) is the sum of its two means.
# edit: F.softplus(-critic(x)).mean() + F.softplus(critic(recon.detach())).mean() → (F.softplus(-critic(x)).mean() + F.softplus(critic(recon.detach())).mean()) / 2

# %% [ldm.autoencoder_step] the critic's loss weighted
# hint: adv_weight multiplies the critic's loss. It belongs to the autoencoder's alone.
# edit: loss_critic = F.softplus(-critic(x)).mean() + F → loss_critic = adv_weight * F.softplus(-critic(x)).mean() + adv_weight * F

# %% [ldm.autoencoder_step] a hinge
# hint: The critic's loss is a hinge. (3) has a softplus.
# edit: F.softplus(-critic(x)).mean() + F.softplus(critic(recon.detach())).mean() → F.relu(1 - critic(x)).mean() + F.relu(1 + critic(recon.detach())).mean()

# %% [ldm.autoencoder_step] logits subtracted
# hint: The critic's loss is the difference of its mean logits, as of a Wasserstein critic. (3) has a softplus.
# edit: F.softplus(-critic(x)).mean() + F.softplus(critic(recon.detach())).mean() → critic(recon.detach()).mean() - critic(x).mean()

# %% [ldm.autoencoder_step] probabilities in the critic's loss
# hint: In the critic's loss the logits went through a sigmoid first; the softplus takes logits.
# edit: F.softplus(-critic(x)).mean() + F.softplus(critic(recon.detach())).mean() → F.softplus(-critic(x).sigmoid()).mean() + F.softplus(critic(recon.detach()).sigmoid()).mean()

# %% [ldm.autoencoder_step] the critic's half without gradients
# hint: The critic's loss has no history: its logits were computed without gradients, or its parameters were frozen for
# hint: the autoencoder's half and left so.
# replace:
loss_critic = F.softplus(-critic(x)).mean() + F.softplus(critic(recon.detach())).mean()
# by:
with torch.no_grad():
    loss_critic = F.softplus(-critic(x)).mean() + F.softplus(critic(recon.detach())).mean()

# %% [ldm.autoencoder_step] logits of fakes detached
# hint: The critic's logits of the reconstruction are detached, so that it learns from images alone. Detach what it is
# hint: given, not what it says.
# edit: critic(recon.detach()) → critic(recon).detach()

# %% [ldm.autoencoder_step] the losses swapped
# hint: The two losses come back in the other order.
# edit: loss_ae.item(), loss_critic.item() → loss_critic.item(), loss_ae.item()

# %% [ldm.autoencoder_step] tensors returned
# hint: Tensors come back. Two Python floats are asked for: a tensor may keep a whole graph alive.
# edit: loss_ae.item(), loss_critic.item() → loss_ae, loss_critic

# %% [ldm.autoencoder_step] the sum returned
# hint: Something else than a pair of numbers comes back, or nothing.
# edit: loss_ae.item(), loss_critic.item() → loss_ae.item() + loss_critic.item()

# %% [ldm.autoencoder_step] the reconstruction's loss returned
# hint: The first of the returned losses lacks the critic's part. Asked for is the loss that went backward.
# edit: return loss_ae.item() → return kl_regularised_loss(recon, x, mu, logvar, kl_weight).item()

# ---- ldm.scale_factor ------------------------------------------------------------------------------------------------

# %% [ldm.scale_factor] the deviation itself
# hint: It is the standard deviation. What must it be multiplied with to become 1?
# edit: 1 / latents.std() → latents.std()

# %% [ldm.scale_factor] one over the variance
# hint: It is one over the variance. Multiplied by a number, the *standard deviation* changes by that number.
# edit: latents.std() → latents.var()

# %% [ldm.scale_factor] the variance
# hint: It is the variance of the latents.
# edit: 1 / latents.std() → latents.var()

# %% [ldm.scale_factor] the root of the deviation
# hint: A root is taken of the standard deviation, which is one already.
# edit: latents.std() → latents.std().sqrt()

# %% [ldm.scale_factor] the mean not taken away
# hint: It is one over the root of the mean square, in which the mean counts as well. Moved latents would get another
# hint: number.
# edit: latents.std() → latents.square().mean().sqrt()

# %% [ldm.scale_factor] one over the mean
# hint: It is one over the mean.
# edit: latents.std() → latents.mean()

# %% [ldm.scale_factor] one over the mean size
# hint: It is one over the mean of absolute values.
# edit: latents.std() → latents.abs().mean()

# %% [ldm.scale_factor] one over the mean distance
# hint: It is one over the mean distance from the mean; of a standard deviation squares are averaged.
# edit: latents.std() → (latents - latents.mean()).abs().mean()

# %% [ldm.scale_factor] one over the largest
# hint: It is one over the largest absolute value: the latents would lie in [−1, 1], and their deviation below 1.
# edit: latents.std() → latents.abs().max()

# %% [ldm.scale_factor] one over the range
# hint: It is one over the distance of the largest and the smallest value.
# edit: latents.std() → (latents.max() - latents.min())

# %% [ldm.scale_factor] one over the norm
# hint: It is one over the norm, which grows with the number of latents.
# edit: latents.std() → latents.norm()

# %% [ldm.scale_factor] Stable Diffusion's number
# hint: This is the number of Stable Diffusion's autoencoder. Ours has another: compute it from the latents.
# edit: 1 / latents.std() → 0.18215

# %% [ldm.scale_factor] one for each channel
# hint: There is a number for each channel. One for all of them is asked for.
# edit: latents.std() → latents.std(dim=(0, 2, 3))

# %% [ldm.scale_factor] one for each channel, with axes
# hint: There is a number for each channel, with axes to multiply by. One for all of them is asked for.
# edit: latents.std() → latents.std(dim=(0, 2, 3), keepdim=True)

# %% [ldm.scale_factor] one for each image
# hint: There is a number for each image. One for all of them is asked for.
# edit: latents.std() → latents.std(dim=(1, 2, 3))

# %% [ldm.scale_factor] one for each latent
# hint: There is a number for each place of each channel, over the images. One for all of them is asked for.
# edit: latents.std() → latents.std(dim=0)

# %% [ldm.scale_factor] one number with axes
# hint: The number is right, but it has axes. A number or a tensor without axes is asked for.
# edit: latents.std() → latents.std(dim=(0, 1, 2, 3), keepdim=True)

# %% [ldm.scale_factor] the latents, scaled
# hint: The scaled latents come back; asked for is the number.
# edit: 1 / latents.std() → latents / latents.std()

# %% [ldm.scale_factor] the mean of the channels' deviations
# hint: The channels' standard deviations are averaged. Over all numbers together there is another one: the channels'
# hint: means differ, too.
# edit: latents.std() → latents.std(dim=(0, 2, 3)).mean()

# %% [ldm.scale_factor] the mean of the channels' variances
# hint: The channels' variances are averaged, so that what lies between the channels' means is not counted.
# edit: latents.std() → latents.var(dim=(0, 2, 3)).mean().sqrt()

# %% [ldm.scale_factor] the mean of the channels' factors
# hint: A factor was computed for each channel, and these were averaged. Take all numbers together.
# edit: 1 / latents.std() → (1 / latents.std(dim=(0, 2, 3))).mean()

# %% [ldm.scale_factor] the mean of the images' deviations
# hint: The images' standard deviations are averaged. Take all numbers together.
# edit: latents.std() → latents.flatten(1).std(dim=1).mean()

# %% [ldm.scale_factor] the mean of the latents' deviations
# hint: Each latent's standard deviation over the images is averaged. Take all numbers together.
# edit: latents.std() → latents.std(dim=0).mean()

# %% [ldm.scale_factor] the deviation of means
# hint: It is the standard deviation of means over the places, not that of the latents.
# edit: latents.std() → latents.mean(dim=(2, 3)).std()

# %% [ldm.scale_factor] the first image alone
# hint: Only the first image is measured.
# edit: latents.std() → latents[0].std()

# %% [ldm.scale_factor] the first channel alone
# hint: Only the first channel is measured.
# edit: latents.std() → latents[:, 0].std()

# %% [ldm.scale_factor] something added to the deviation
# hint: Something is added to the standard deviation, so that the scaled latents have less than 1. It is far from 0 here.
# edit: latents.std() → (latents.std() + 1e-2)

# ---- ldm.cross_attention ---------------------------------------------------------------------------------------------

# %% [ldm.cross_attention] queries of the text
# hint: The queries are made of something else than the places. Who asks here, and who is read?
# edit: to_q(x) → to_q(context)

# %% [ldm.cross_attention] keys of the places
# hint: The keys are made of something else than the text. Places read the text, not each other.
# edit: to_k(context) → to_k(x)

# %% [ldm.cross_attention] values of the places
# hint: The values are made of something else than the text. What is read comes from the text.
# edit: to_v(context) → to_v(x)

# %% [ldm.cross_attention] keys and values changed
# hint: to_k makes the values and to_v the keys.
# edit: to_k(context), to_v(context) → to_v(context), to_k(context)

# %% [ldm.cross_attention] keys for values
# hint: What is averaged are the keys; the layer of the values is not used.
# edit: to_v(context) → to_k(context)

# %% [ldm.cross_attention] values for keys
# hint: What the queries are compared with are the values; the layer of the keys is not used.
# edit: to_k(context) → to_v(context)

# %% [ldm.cross_attention] interleaved heads
# hint: Every heads-th channel belongs to one head. The heads are consecutive blocks of channels.
# edit: .unflatten(-1, (heads, -1)).transpose(1, 2) → .unflatten(-1, (-1, heads)).permute(0, 3, 1, 2)

# %% [ldm.cross_attention] interleaved heads, there and back
# hint: Every heads-th channel belongs to one head, on the way in and out. The heads are consecutive blocks of channels.
# edit: .unflatten(-1, (heads, -1)).transpose(1, 2) → .unflatten(-1, (-1, heads)).permute(0, 3, 1, 2)
# edit: .transpose(1, 2).flatten(2) → .permute(0, 2, 3, 1).flatten(2)

# %% [ldm.cross_attention] heads by a reshape alone
# hint: A reshape to (b, heads, n, …) takes the numbers in the order in which they lie: first tokens, then channels. So
# hint: each head gets whole tokens and not a block of every token's channels.
# edit: part.unflatten(-1, (heads, -1)).transpose(1, 2) → part.reshape(len(part), heads, part.shape[1], -1)

# %% [ldm.cross_attention] heads by a reshape, there and back
# hint: The heads are made and put together by reshapes alone, so that each head gets whole tokens, not a block of every
# hint: token's channels.
# edit: part.unflatten(-1, (heads, -1)).transpose(1, 2) → part.reshape(len(part), heads, part.shape[1], -1)
# edit: .transpose(1, 2).flatten(2) → .reshape(len(x), x.shape[1], -1)

# %% [ldm.cross_attention] put together without a transposition
# hint: At the end the heads come before the places; a reshape puts them together in that order. Each place's heads belong
# hint: side by side.
# edit: .transpose(1, 2).flatten(2) → .reshape(len(x), x.shape[1], -1)

# %% [ldm.cross_attention] one head
# hint: All channels are one head: `heads` does nothing.
# edit: (heads, -1) → (1, -1)

# %% [ldm.cross_attention] the root of all heads' channels
# hint: The scores are divided by the root of all channels. A head's scores are sums over the channels of that head.
# edit: q.shape[-1] ** 0.5 → (heads * q.shape[-1]) ** 0.5

# %% [ldm.cross_attention] divided without a root
# hint: The scores are divided by the number of channels; a root is missing.
# edit: / q.shape[-1] ** 0.5 → / q.shape[-1]

# %% [ldm.cross_attention] not scaled
# hint: The scores are not scaled: their size grows with the number of channels.
# edit: / q.shape[-1] ** 0.5 →

# %% [ldm.cross_attention] multiplied by the root
# hint: The scores are multiplied by the root.
# edit: q @ k.mT / q → q @ k.mT * q

# %% [ldm.cross_attention] the root of the number of heads
# hint: The scores are divided by the root of the number of heads.
# edit: q.shape[-1] ** 0.5 → heads**0.5

# %% [ldm.cross_attention] the root of the number of tokens
# hint: The scores are divided by the root of the number of tokens.
# edit: q.shape[-1] ** 0.5 → k.shape[2] ** 0.5

# %% [ldm.cross_attention] the root of the number of places
# hint: The scores are divided by the root of the number of places.
# edit: q.shape[-1] ** 0.5 → q.shape[2] ** 0.5

# %% [ldm.cross_attention] the root of x's channels
# hint: The scores are divided by the root of the number of x's channels, from before the layers.
# edit: q.shape[-1] ** 0.5 → x.shape[-1] ** 0.5

# %% [ldm.cross_attention] scaled after the softmax
# hint: The weights are divided by the root after the softmax, so that they do not sum to 1. The scores are scaled.
# edit: / q.shape[-1] ** 0.5 →
# edit: scores.softmax(dim=-1) → scores.softmax(dim=-1) / q.shape[-1] ** 0.5

# %% [ldm.cross_attention] the keys not transposed
# hint: Queries meet keys that were not transposed. Every query is compared with every key: (n, d/heads) with (d/heads, m).
# edit: k.mT → k

# %% [ldm.cross_attention] a mask along another axis
# hint: The mask (b, m) does not fit the scores (b, heads, n, m) as it is aligned. Which of the scores' axes are its two?
# hint: The others get the length 1.
# edit: ~mask[:, None, None] → ~mask

# %% [ldm.cross_attention] the mask along the heads
# hint: The mask has one axis too few, so that its samples are taken for heads. It hides tokens of a *sample*, in all
# hint: heads.
# edit: ~mask[:, None, None] → ~mask[:, None]

# %% [ldm.cross_attention] the mask of the first sample
# hint: Every text is masked like the first one.
# edit: ~mask[:, None, None] → ~mask[:1, None, None]

# %% [ldm.cross_attention] tokens hidden
# hint: The mask works the wrong way round: the tokens are hidden and the padding is read. True says that it is a token.
# edit: ~mask → mask

# %% [ldm.cross_attention] without a mask
# hint: Padding is read as if it were text: the mask is not used.
# edit: scores = scores.masked_fill(~mask[:, None, None], -torch.inf) →

# %% [ldm.cross_attention] scores of padding are 0
# hint: The scores of padding are 0 (filled, multiplied by the mask, or made of keys that are 0). A score of 0 still has a
# hint: weight: e⁰ is 1.
# edit: -torch.inf → 0.0

# %% [ldm.cross_attention] the mask added
# hint: Scores of tokens are 1 above those of padding: the mask is added, or 1 is taken away. That hides nothing.
# edit: scores.masked_fill(~mask[:, None, None], -torch.inf) → scores + mask[:, None, None]

# %% [ldm.cross_attention] not low enough
# hint: The scores of padding are lowered to a number that scores can have themselves, so that some weight is left.
# edit: -torch.inf → -10.0

# %% [ldm.cross_attention] plus infinity
# hint: The scores of padding are plus infinity: it would get all the weight.
# edit: -torch.inf → torch.inf

# %% [ldm.cross_attention] 0 times infinity
# hint: The mask is multiplied by infinity, and 0 times infinity is no number.
# edit: scores.masked_fill(~mask[:, None, None], -torch.inf) → scores + ~mask[:, None, None] * -torch.inf

# %% [ldm.cross_attention] masked after the softmax
# hint: Padding is taken out after the softmax (by its weights, or by values that are 0): the other weights no longer sum
# hint: to 1.
# replace:
scores = scores.masked_fill(~mask[:, None, None], -torch.inf)
return (scores.softmax(dim=-1) @ v).transpose(1, 2).flatten(2)
# by:
weights = scores.softmax(dim=-1) * mask[:, None, None]
return (weights @ v).transpose(1, 2).flatten(2)

# %% [ldm.cross_attention] masked after the softmax, then divided by the sum
# hint: Padding's weights are set to 0 after the softmax, and the rest is divided by its sum. On paper that is right; but
# hint: where padding's score is much the largest, all other weights are 0 before the division, and 0/0 comes out. Hide
# hint: padding before the softmax.
# replace:
scores = scores.masked_fill(~mask[:, None, None], -torch.inf)
return (scores.softmax(dim=-1) @ v).transpose(1, 2).flatten(2)
# by:
weights = scores.softmax(dim=-1) * mask[:, None, None]
return (weights / weights.sum(dim=-1, keepdim=True) @ v).transpose(1, 2).flatten(2)

# %% [ldm.cross_attention] infinity after the softmax
# hint: Minus infinity is put in after the softmax, where it is a weight. It belongs to the scores.
# replace:
scores = scores.masked_fill(~mask[:, None, None], -torch.inf)
return (scores.softmax(dim=-1) @ v).transpose(1, 2).flatten(2)
# by:
weights = scores.softmax(dim=-1).masked_fill(~mask[:, None, None], -torch.inf)
return (weights @ v).transpose(1, 2).flatten(2)

# %% [ldm.cross_attention] the padding of the context set to 0
# hint: The padding's rows are set to 0 before the layers. The layers have a bias, and a score of 0 has a weight too.
# edit: q, k, v = to_q(x), to_k(context), to_v(context) → context = context * mask[..., None]; q, k, v = to_q(x), to_k(context), to_v(context)
# edit: scores = scores.masked_fill(~mask[:, None, None], -torch.inf) →

# %% [ldm.cross_attention] a softmax over the places
# hint: The softmax goes over the places: the weights of a *token* sum to 1. Whose weights should?
# edit: dim=-1) @ v → dim=-2) @ v

# %% [ldm.cross_attention] a softmax over the places, padding by a large number
# hint: The softmax goes over the places: the weights of a *token* sum to 1, and padding, whose scores are all alike,
# hint: gets weights as well. Whose weights should sum to 1?
# edit: -torch.inf → -1e9
# edit: dim=-1) @ v → dim=-2) @ v

# %% [ldm.cross_attention] a softmax over the places, masked afterwards
# hint: The softmax goes over the places: the weights of a *token* sum to 1. It should be those of a place.
# edit: scores = scores.masked_fill(~mask[:, None, None], -torch.inf) →
# edit: return (scores.softmax(dim=-1) @ v) → return (scores.softmax(dim=-2).masked_fill(~mask[:, None, None], 0) @ v)

# %% [ldm.cross_attention] a softmax over the heads
# hint: The softmax goes over the heads.
# edit: dim=-1) @ v → dim=1) @ v

# %% [ldm.cross_attention] a softmax over the batch
# hint: The softmax goes over the batch, so that one sample's text decides another's picture.
# edit: dim=-1) @ v → dim=0) @ v

# %% [ldm.cross_attention] weights that do not sum to 1
# hint: The exponentials are not divided by their sum.
# edit: scores.softmax(dim=-1) → scores.exp()

# %% [ldm.cross_attention] a sigmoid
# hint: Each token gets a weight of its own by a sigmoid; they do not sum to 1.
# edit: scores.softmax(dim=-1) → scores.sigmoid()

# %% [ldm.cross_attention] without a softmax
# hint: The scores themselves are the weights: a softmax is missing.
# edit: -torch.inf → 0.0
# edit: scores.softmax(dim=-1) → scores

# %% [ldm.cross_attention] exponentials that overflow
# hint: The formula is right, but exponentials of large scores are infinite in float32. A softmax does not change where a
# hint: row's largest score is taken away first.
# edit: scores.softmax(dim=-1) → (scores.exp() / scores.exp().sum(dim=-1, keepdim=True))

# %% [ldm.cross_attention] divided by the tokens as well
# hint: The weighted sum is divided by the number of tokens, though the weights sum to 1 already.
# edit: scores.softmax(dim=-1) → scores.softmax(dim=-1) / mask.sum(1)[:, None, None, None]

# %% [ldm.cross_attention] the mean of the tokens
# hint: Every token has the same weight: queries and keys do nothing.
# edit: scores.softmax(dim=-1) → (0 * scores.masked_fill(scores.isinf(), 0) + mask[:, None, None] / mask.sum(1)[:, None, None, None])

# %% [ldm.cross_attention] the largest score alone
# hint: Every place reads its best token alone. Attention takes a weighted mean.
# edit: scores.softmax(dim=-1) → F.one_hot(scores.argmax(dim=-1), scores.shape[-1]).to(scores.dtype)

# %% [ldm.cross_attention] the weights returned
# hint: The weights come back. The values are still to be averaged with them.
# edit: (scores.softmax(dim=-1) @ v) → scores.softmax(dim=-1)

# %% [ldm.cross_attention] the heads kept apart
# hint: The heads have an axis of their own. Their channels belong side by side, (b, n, d).
# edit: .transpose(1, 2).flatten(2) →

# %% [ldm.cross_attention] the heads averaged
# hint: The heads are averaged. Their channels belong side by side, (b, n, d).
# edit: .transpose(1, 2).flatten(2) → .mean(1)

# %% [ldm.cross_attention] heads and places not changed back
# hint: Heads and channels of all places came together: the places' axis has to come before the heads' again.
# edit: .transpose(1, 2).flatten(2) → .flatten(2)

# %% [ldm.cross_attention] the heads from the last to the first
# hint: The heads are put together in another order.
# edit: .transpose(1, 2).flatten(2) → .flip(1).transpose(1, 2).flatten(2)

# %% [ldm.cross_attention] the queries added
# hint: The queries are added to what was read. The sum with x is not part of this function.
# edit: return (scores → return q.transpose(1, 2).flatten(2) + (scores

# %% [ldm.cross_attention] the context cut off
# hint: No gradient reaches the context.
# edit: to_k(context), to_v(context) → to_k(context.detach()), to_v(context.detach())

# ---- ldm.training_step -----------------------------------------------------------------------------------------------

# %% [ldm.training_step] the autoencoder gets a gradient
# hint: A gradient goes into the autoencoder. It would learn latents that are easy to predict; it is frozen.
# edit: with torch.no_grad(): → if True:

# %% [ldm.training_step] a gradient by the target
# hint: A gradient goes into the autoencoder by the target: the states alone are detached.
# edit: with torch.no_grad(): → if True:
# edit: unet(alpha * z + → unet(alpha * z.detach() +

# %% [ldm.training_step] a gradient by the states
# hint: A gradient goes into the autoencoder by the noisy latents: the target alone is detached.
# edit: with torch.no_grad(): → if True:
# edit: - sigma * z → - sigma * z.detach()

# %% [ldm.training_step] no gradient at all
# hint: The UNet gets no gradient: only the encoding goes without.
with torch.no_grad():
    mu, _ = autoencoder.encode(x)
    z = scale * mu
    alpha, sigma = column(alpha, z), column(sigma, z)
    v = alpha * noise - sigma * z
    return (unet(alpha * z + sigma * noise, t, context) - v).square().mean()

# %% [ldm.training_step] the pair taken whole
# hint: encode gives a pair; the means are its first.
# edit: mu, _ = autoencoder → mu = autoencoder

# %% [ldm.training_step] logvar for the mean
# hint: The logarithms of the variances were taken for the latents.
# edit: mu, _ = autoencoder → _, mu = autoencoder

# %% [ldm.training_step] the whole autoencoder asked
# hint: The autoencoder as a whole gives images again; here its latents are needed.
# edit: mu, _ = autoencoder.encode(x) → mu = autoencoder(x)

# %% [ldm.training_step] a draw of the latents
# hint: The latents are drawn around their means. The means themselves are asked for.
# edit: mu, _ = autoencoder.encode(x) → mu, logvar = autoencoder.encode(x); mu = mu + (0.5 * logvar).exp() * torch.randn_like(mu)

# %% [ldm.training_step] a draw by the same noise
# hint: The latents are drawn with the noise that is meant for the path. Their means are asked for.
# edit: mu, _ = autoencoder.encode(x) → mu, logvar = autoencoder.encode(x); mu = mu + (0.5 * logvar).exp() * noise

# %% [ldm.training_step] not scaled
# hint: The latents are not scaled: beside noise of size 1 they have another size than the path expects.
# edit: scale * mu → mu

# %% [ldm.training_step] v of the noised latents
# hint: The target is made of the noised latents. Which latents stand in equation (5)'s v?
# edit: v = alpha * noise - sigma * z → v = alpha * noise - sigma * (alpha * z + sigma * noise)

# %% [ldm.training_step] divided by the scale
# hint: The latents are divided by the number of exercise 3. On the way into the UNet's world they are multiplied.
# edit: scale * mu → mu / scale

# %% [ldm.training_step] scaled in the states only
# hint: The target is made of latents that are not scaled.
# edit: - sigma * z → - sigma * mu

# %% [ldm.training_step] scaled in the target only
# hint: The noisy latents are made of latents that are not scaled.
# edit: unet(alpha * z + → unet(alpha * mu +

# %% [ldm.training_step] the noise scaled as well
# hint: The noise is scaled as well. It has size 1 already, and the latents are to match it.
# edit: + sigma * noise → + sigma * scale * noise

# %% [ldm.training_step] scaled by its square
# hint: The latents are scaled twice.
# edit: scale * mu → scale * scale * mu

# %% [ldm.training_step] alpha and sigma changed
# hint: alpha and sigma have changed places everywhere: alpha belongs to the latents, sigma to the noise.
# edit: column(alpha, z), column(sigma, z) → column(sigma, z), column(alpha, z)

# %% [ldm.training_step] alpha and sigma changed in the states
# hint: In the noisy latents alpha and sigma have changed places.
# edit: unet(alpha * z + sigma * noise → unet(sigma * z + alpha * noise

# %% [ldm.training_step] alpha and sigma changed in the target
# hint: In the target alpha and sigma have changed places. v is how the state changes with the angle of the path: what is
# hint: the derivative of a cosine, of a sine?
# edit: alpha * noise - sigma * z → sigma * noise - alpha * z

# %% [ldm.training_step] the sign of v
# hint: The target has the other sign. Towards which end of the path does v point?
# edit: alpha * noise - sigma * z → sigma * z - alpha * noise

# %% [ldm.training_step] plus in v
# hint: The two parts of the target are added.
# edit: alpha * noise - sigma * z → alpha * noise + sigma * z

# %% [ldm.training_step] the noise as the target
# hint: The network is compared with the noise. This one predicts v.
# edit: alpha * noise - sigma * z → noise

# %% [ldm.training_step] the latents as the target
# hint: The network is compared with the clean latents. This one predicts v.
# edit: alpha * noise - sigma * z → z

# %% [ldm.training_step] the straight path's velocity
# hint: This is the velocity of the straight path. Here v has the path's factors.
# edit: alpha * noise - sigma * z → noise - z

# %% [ldm.training_step] the straight path's velocity, turned round
# hint: The target is the difference of latents and noise without the path's factors.
# edit: alpha * noise - sigma * z → z - noise

# %% [ldm.training_step] the state as the target
# hint: The network is compared with its own input.
# edit: alpha * noise - sigma * z → alpha * z + sigma * noise

# %% [ldm.training_step] without noise
# hint: The latents that the UNet gets have no noise.
# edit: alpha * z + sigma * noise → alpha * z

# %% [ldm.training_step] clean latents
# hint: The UNet gets the clean latents.
# edit: unet(alpha * z + sigma * noise → unet(z

# %% [ldm.training_step] minus the noise
# hint: In the noisy latents the noise is taken away.
# edit: alpha * z + sigma → alpha * z - sigma

# %% [ldm.training_step] noise on top
# hint: The latents keep their full size under the noise: alpha is missing.
# edit: unet(alpha * z → unet(z

# %% [ldm.training_step] fresh noise
# hint: Noise is drawn; use the noise that is given.
# edit: z = scale * mu → z, noise = scale * mu, torch.randn_like(mu)

# %% [ldm.training_step] roots of the factors
# hint: Roots are taken of alpha and sigma. They multiply latents and noise as they are.
# edit: column(alpha, z), column(sigma, z) → column(alpha, z).sqrt(), column(sigma, z).sqrt()

# %% [ldm.training_step] sigma of a variance-preserving path
# hint: Sigma is computed from alpha as √(1 − alpha²). Take the one that is given.
# edit: column(sigma, z) → (1 - column(alpha, z) ** 2).sqrt()

# %% [ldm.training_step] sigma of the straight path
# hint: Sigma is computed from alpha as 1 − alpha. Take the one that is given.
# edit: column(sigma, z) → 1 - column(alpha, z)

# %% [ldm.training_step] factors along the width
# hint: The (b,) factors were not given the latents' axes. Torch aligns from the right, so sample 2's factor went into
# hint: column 2 of every latent.
# edit: column(alpha, z), column(sigma, z) → alpha, sigma

# %% [ldm.training_step] too few axes
# hint: The factors were given some axes, but not as many as the latents have, and do not fit.
# edit: column(alpha, z), column(sigma, z) → alpha[:, None], sigma[:, None]

# %% [ldm.training_step] the first sample's factors
# hint: All samples have the first one's factors.
# edit: column(alpha, z), column(sigma, z) → alpha[0], sigma[0]

# %% [ldm.training_step] times of another shape
# hint: What comes second is not the times as they were given, (b,). The order is: latents, times, context.
# edit: noise, t, context) → noise, column(t, z), context)

# %% [ldm.training_step] one time for all
# hint: The UNet is told no time, or one for all; each sample has its own.
# edit: noise, t, context) → noise, t[0], context)

# %% [ldm.training_step] the mean time
# hint: All samples are told the mean time. Each has its own.
# edit: noise, t, context) → noise, t.mean().expand(len(t)), context)

# %% [ldm.training_step] time 0
# hint: The UNet is told time 0 for every sample: it cannot know how much noise there is.
# edit: noise, t, context) → noise, torch.zeros_like(t), context)

# %% [ldm.training_step] sigma for the time
# hint: The UNet is told sigma, not the time.
# edit: noise, t, context) → noise, sigma.flatten(), context)

# %% [ldm.training_step] no context
# hint: The text is not given to the UNet.
# edit: noise, t, context) → noise, t)

# %% [ldm.training_step] a context of zeros
# hint: The UNet gets zeros for a text.
# edit: noise, t, context) → noise, t, torch.zeros_like(context))

# %% [ldm.training_step] the mean of the tokens
# hint: The tokens are averaged. The UNet reads every token.
# edit: noise, t, context) → noise, t, context.mean(1, keepdim=True).expand_as(context))

# %% [ldm.training_step] one text for all
# hint: All samples get the first one's text.
# edit: noise, t, context) → noise, t, context[:1])

# %% [ldm.training_step] the sum
# hint: The squares are summed; the mean over everything is wanted.
# edit: .square().mean() → .square().sum()

# %% [ldm.training_step] summed over a sample
# hint: The squares of a sample are summed, and only the batch is averaged. The mean over everything is wanted.
# edit: .square().mean() → .square().flatten(1).sum(1).mean()

# %% [ldm.training_step] one number for each sample
# hint: There is one number for each sample; a loss is one number.
# edit: .square().mean() → .square().flatten(1).mean(1)

# %% [ldm.training_step] not reduced
# hint: The squares have not been averaged: a loss is one number.
# edit: .square().mean() → .square()

# %% [ldm.training_step] not squared
# hint: The differences are averaged without their squares, so that they cancel.
# edit: .square().mean() → .mean()

# %% [ldm.training_step] absolute values
# hint: Absolute values are averaged; squares are wanted.
# edit: .square().mean() → .abs().mean()

# %% [ldm.training_step] its root
# hint: A root is taken of the mean square.
# edit: .square().mean() → .square().mean().sqrt()

# %% [ldm.training_step] half of it
# hint: There is a factor of one half; the mean square itself is wanted.
# edit: .square().mean() → .square().mean() / 2

# %% [ldm.training_step] a number
# hint: It is a Python number, from which no gradient can come. Return the tensor.
# edit: .square().mean() → .square().mean().item()

# ---- ldm.text_to_image -----------------------------------------------------------------------------------------------

# %% [ldm.text_to_image] guidance_scale taken for w
# hint: guidance_scale is taken for notebook 07's w. In (6) s = 1 is the answer with the prompt, and s = 0 that without.
# edit: v_uncond + guidance_scale → v_cond + guidance_scale

# %% [ldm.text_to_image] one less
# hint: One is taken from guidance_scale, and then it multiplies a difference that is added to the answer *without* the
# hint: prompt. Where does s = 1 lead?
# edit: guidance_scale * (v → (guidance_scale - 1) * (v

# %% [ldm.text_to_image] with and without changed
# hint: The answers with the prompt and without it have changed places: more guidance leads away from the prompt.
# edit: v_uncond + guidance_scale * (v_cond - v_uncond) → v_cond + guidance_scale * (v_uncond - v_cond)

# %% [ldm.text_to_image] away from the prompt
# hint: The difference has the other sign, so that it leads away from the prompt.
# edit: (v_cond - v_uncond) → (v_uncond - v_cond)

# %% [ldm.text_to_image] the difference alone
# hint: The difference of both answers is the step's v. It is added to one of them.
# edit: v_uncond + guidance_scale → guidance_scale

# %% [ldm.text_to_image] nothing taken away
# hint: The answer with the prompt is added in full; what is added is a difference.
# edit: (v_cond - v_uncond) → v_cond

# %% [ldm.text_to_image] the answer with the prompt, multiplied
# hint: The answer with the prompt is multiplied. Guidance multiplies a difference of two answers.
# edit: v_uncond + guidance_scale * (v_cond - v_uncond) → guidance_scale * v_cond

# %% [ldm.text_to_image] no guidance
# hint: guidance_scale does nothing: the answer with the prompt alone is used, or both answers are with the prompt.
# edit: v_uncond + guidance_scale * (v_cond - v_uncond) → v_cond

# %% [ldm.text_to_image] the prompt unused
# hint: guidance_scale does nothing, and neither does the prompt: only the answer without it is used.
# edit: v_uncond + guidance_scale * (v_cond - v_uncond) → v_uncond

# %% [ldm.text_to_image] the mean of both
# hint: The two answers are averaged, whatever guidance_scale is.
# edit: v_uncond + guidance_scale * (v_cond - v_uncond) → (v_cond + v_uncond) / 2

# %% [ldm.text_to_image] a guidance scale of 4
# hint: A number stands where guidance_scale does; 4 is only its default.
# edit: guidance_scale * → 4.0 *

# %% [ldm.text_to_image] zeros for the empty prompt
# hint: The context without a prompt is zeros. This network has learned it as the encoded empty prompt.
# edit: pipe.encode([""] * len(prompts)) → torch.zeros_like(pipe.encode(prompts))

# %% [ldm.text_to_image] a blank
# hint: The context without a prompt is that of another text. It is the encoded empty one.
# edit: [""] → [" "]

# %% [ldm.text_to_image] a word for the empty prompt
# hint: The context without a prompt is that of a word. It is the encoded empty text.
# edit: [""] → ["none"]

# %% [ldm.text_to_image] a text for a list
# hint: The encoder takes a list of texts, one for each image.
# edit: pipe.encode([""] * len(prompts)) → pipe.encode("")

# %% [ldm.text_to_image] no context
# hint: The network is given no context. Without a prompt it reads the encoded empty one.
# edit: pipe.unet(z, at, uncond) → pipe.unet(z, at, None)

# %% [ldm.text_to_image] contexts of another number
# hint: One call of the network has another number of texts than of latents.
# edit: pipe.encode([""] * len(prompts)) → pipe.encode(["", ""])

# %% [ldm.text_to_image] one context for all
# hint: All images have the first prompt's context.
# edit: pipe.encode(prompts) → pipe.encode(prompts[:1])

# %% [ldm.text_to_image] all prompts in one text
# hint: The prompts are joined to one text. Each image has its own.
# edit: pipe.encode(prompts) → pipe.encode([", ".join(prompts)])

# %% [ldm.text_to_image] both texts in one context
# hint: Prompt and empty text stand side by side in one context. The network is asked for two answers, and guidance
# hint: compares them.
# replace:
v_cond, v_uncond = pipe.unet(z, at, cond), pipe.unet(z, at, uncond)
z = pipe.step(z, v_uncond + guidance_scale * (v_cond - v_uncond), t, s)
# by:
z = pipe.step(z, guidance_scale * pipe.unet(z, at, torch.cat([cond, uncond], dim=1)), t, s)

# %% [ldm.text_to_image] the latents ignored
# hint: Noise is drawn though latents were given.
# edit: torch.randn(len(prompts), 8, 8, 8, generator=generator) if latents is None else latents → torch.randn(len(prompts), 8, 8, 8, generator=generator)

# %% [ldm.text_to_image] the generator ignored
# hint: The noise does not come from the generator, so that a picture cannot be made again.
# edit: , generator=generator) → )

# %% [ldm.text_to_image] a generator of one's own
# hint: The noise comes from another generator than the one that is given: its seed changes nothing.
# edit: generator=generator) → generator=torch.Generator().manual_seed(0))

# %% [ldm.text_to_image] one noise for all
# hint: All images begin with the same noise.
# edit: torch.randn(len(prompts), 8, 8, 8, generator=generator) → torch.randn(1, 8, 8, 8, generator=generator).repeat(len(prompts), 1, 1, 1)

# %% [ldm.text_to_image] uniform noise
# hint: The drawn noise is uniform. Diffusion begins with a standard normal.
# edit: torch.randn( → torch.rand(

# %% [ldm.text_to_image] zeros for noise
# hint: Without given latents it begins with zeros, where noise is to be drawn.
# edit: torch.randn(len(prompts), 8, 8, 8, generator=generator) → torch.zeros(len(prompts), 8, 8, 8)

# %% [ldm.text_to_image] the noise scaled
# hint: The first noise is multiplied by the scale. It has size 1 already, in the world of scaled latents.
# edit: times = pipe.times → z, times = z * pipe.scale, pipe.times

# %% [ldm.text_to_image] the noise unscaled
# hint: The first noise is divided by the scale. It has size 1 already, in the world of scaled latents.
# edit: times = pipe.times → z, times = z / pipe.scale, pipe.times

# %% [ldm.text_to_image] the first step left out
# hint: The first step is missing: it starts at times[1] with latents that are all noise.
# edit: zip(times[:-1], times[1:]) → zip(times[1:-1], times[2:])

# %% [ldm.text_to_image] the last step left out
# hint: The last step is missing: the latents that are decoded still have noise.
# edit: zip(times[:-1], times[1:]) → zip(times[:-2], times[1:-1])

# %% [ldm.text_to_image] one step more
# hint: There is one step more than num_inference_steps. pipe.times(n) has n + 1 times already.
# edit: pipe.times(num_inference_steps) → pipe.times(num_inference_steps + 1)

# %% [ldm.text_to_image] one step fewer
# hint: There is one step fewer than num_inference_steps: pipe.times takes the number of steps, not of times.
# edit: pipe.times(num_inference_steps) → pipe.times(num_inference_steps - 1)

# %% [ldm.text_to_image] always 30 steps
# hint: There are always 30 steps, whatever num_inference_steps is.
# edit: pipe.times(num_inference_steps) → pipe.times(30)

# %% [ldm.text_to_image] times of equal steps
# hint: The times were computed by hand, with equal steps. pipe.times knows the ones of this model.
# edit: pipe.times(num_inference_steps) → torch.linspace(1, 0, num_inference_steps + 1)

# %% [ldm.text_to_image] from the clean end
# hint: It begins at the clean end and goes up in time. The times fall as they come.
# edit: pipe.times(num_inference_steps) → pipe.times(num_inference_steps).flip(0)

# %% [ldm.text_to_image] t and s changed
# hint: pipe.step takes the time at which the latents are, then the one to go to.
# edit: v_uncond), t, s) → v_uncond), s, t)

# %% [ldm.text_to_image] latents and v changed
# hint: pipe.step takes the latents first, then v.
# edit: pipe.step(z, v_uncond + guidance_scale * (v_cond - v_uncond), t, s) → pipe.step(v_uncond + guidance_scale * (v_cond - v_uncond), z, t, s)

# %% [ldm.text_to_image] the network at the next time
# hint: The network is told the time to which the step leads. The latents are still at the one before.
# edit: at = t.expand → at = s.expand

# %% [ldm.text_to_image] the network at the first time
# hint: The network is told the first time in every step.
# edit: at = t.expand → at = times[0].expand

# %% [ldm.text_to_image] a thousand times the time
# hint: The network is told a thousand times the time. It takes the times of pipe.times as they are.
# edit: at = t.expand → at = (1000 * t).expand

# %% [ldm.text_to_image] the number of the step
# hint: The network is told the number of the step, not its time.
# replace:
for t, s in zip(times[:-1], times[1:]):
    at = t.expand(len(z))
# by:
for i, (t, s) in enumerate(zip(times[:-1], times[1:])):
    at = torch.full((len(z),), float(i))

# %% [ldm.text_to_image] one number for the time
# hint: The network takes one time for each sample, (b,).
# edit: at = t.expand(len(z)) → at = t

# %% [ldm.text_to_image] times of another number
# hint: The network takes one time for each of the latents in that call; here their numbers differ.
# edit: at = t.expand(len(z)) → at = t.reshape(1)

# %% [ldm.text_to_image] a step with many times
# hint: pipe.step takes its times as one number each; the network takes one for each sample.
# edit: v_uncond), t, s) → v_uncond), at, s)

# %% [ldm.text_to_image] the step forgotten
# hint: What pipe.step gives is thrown away: the latents stay the first noise.
# edit: z = pipe.step → pipe.step

# %% [ldm.text_to_image] every step from the first noise
# hint: Every step begins at the first noise. It begins where the last one ended.
# edit: times = pipe.times → start, times = z, pipe.times
# edit: pipe.step(z, → pipe.step(start,

# %% [ldm.text_to_image] v of the first time alone
# hint: The network is asked once, before the loop: every step goes by the answer at the first time.
# replace:
for t, s in zip(times[:-1], times[1:]):
    at = t.expand(len(z))
    v_cond, v_uncond = pipe.unet(z, at, cond), pipe.unet(z, at, uncond)
    z = pipe.step(z, v_uncond + guidance_scale * (v_cond - v_uncond), t, s)
# by:
at = times[0].expand(len(z))
v_cond, v_uncond = pipe.unet(z, at, cond), pipe.unet(z, at, uncond)
for t, s in zip(times[:-1], times[1:]):
    z = pipe.step(z, v_uncond + guidance_scale * (v_cond - v_uncond), t, s)

# %% [ldm.text_to_image] latents clamped
# hint: The latents are clamped to [−1, 1] at each step. Pixels have bounds; latents, scaled to the noise's size, have none.
# replace:
    z = pipe.step(z, v_uncond + guidance_scale * (v_cond - v_uncond), t, s)
# by:
    z = pipe.step(z, v_uncond + guidance_scale * (v_cond - v_uncond), t, s).clamp(-1, 1)

# %% [ldm.text_to_image] the network sees the first noise
# hint: The network sees the first noise in every step. It has to see the latents as they are now.
# edit: times = pipe.times → start, times = z, pipe.times
# edit: pipe.unet(z, → pipe.unet(start,

# %% [ldm.text_to_image] a step of one's own
# hint: The step is written by hand, as Euler's on a straight path. pipe.step knows this model's path.
# edit: pipe.step(z, v_uncond + guidance_scale * (v_cond - v_uncond), t, s) → z + (s - t) * (v_uncond + guidance_scale * (v_cond - v_uncond))

# %% [ldm.text_to_image] the last answer taken
# hint: The latents are replaced by v itself. v says how to step.
# edit: pipe.step(z, v_uncond + guidance_scale * (v_cond - v_uncond), t, s) → v_uncond + guidance_scale * (v_cond - v_uncond)

# %% [ldm.text_to_image] returned in the loop
# hint: It returns after the first step: the return stands inside of the loop.
cond, uncond = pipe.encode(prompts), pipe.encode([""] * len(prompts))
z = torch.randn(len(prompts), 8, 8, 8, generator=generator) if latents is None else latents
times = pipe.times(num_inference_steps)
for t, s in zip(times[:-1], times[1:]):
    at = t.expand(len(z))
    v_cond, v_uncond = pipe.unet(z, at, cond), pipe.unet(z, at, uncond)
    z = pipe.step(z, v_uncond + guidance_scale * (v_cond - v_uncond), t, s)
    return (pipe.decode(z / pipe.scale) + 1) / 2

# %% [ldm.text_to_image] decoded without unscaling
# hint: The latents are decoded as the UNet knows them. The decoder knows the autoencoder's own, from before exercise 3.
# edit: z / pipe.scale → z

# %% [ldm.text_to_image] scaled twice
# hint: The latents are multiplied by the scale once more, where the scaling is to be undone.
# edit: z / pipe.scale → z * pipe.scale

# %% [ldm.text_to_image] unscaled after decoding
# hint: The images are divided by the scale, not the latents.
# edit: pipe.decode(z / pipe.scale) → pipe.decode(z) / pipe.scale

# %% [ldm.text_to_image] images in [−1, 1]
# hint: The images lie in [−1, 1]. Asked for is [0, 1].
# edit: (pipe.decode(z / pipe.scale) + 1) / 2 → pipe.decode(z / pipe.scale)

# %% [ldm.text_to_image] images in [0, 2]
# hint: The images lie in [0, 2]: they were moved and not shrunk.
# edit: (pipe.decode(z / pipe.scale) + 1) / 2 → pipe.decode(z / pipe.scale) + 1

# %% [ldm.text_to_image] images in [−1/2, 1/2]
# hint: The images lie in [−1/2, 1/2]: they were shrunk and not moved.
# edit: (pipe.decode(z / pipe.scale) + 1) / 2 → pipe.decode(z / pipe.scale) / 2

# %% [ldm.text_to_image] a bracket missing
# hint: Only the 1 is halved, so that the images lie in [−1/2, 3/2].
# edit: (pipe.decode(z / pipe.scale) + 1) / 2 → pipe.decode(z / pipe.scale) + 1 / 2

# %% [ldm.text_to_image] cut off
# hint: Everything below 0 is cut off: the dark half of the images is lost. They lie in [−1, 1] and belong into [0, 1].
# edit: (pipe.decode(z / pipe.scale) + 1) / 2 → pipe.decode(z / pipe.scale).clamp(0, 1)

# %% [ldm.text_to_image] in bytes
# hint: The images lie in [0, 255]. Asked for is [0, 1].
# edit: (pipe.decode(z / pipe.scale) + 1) / 2 → (pipe.decode(z / pipe.scale) + 1) * 127.5

# %% [ldm.text_to_image] stretched
# hint: The images are stretched so that their darkest and brightest numbers are 0 and 1. [−1, 1] is mapped to [0, 1].
# edit: return (pipe.decode(z / pipe.scale) + 1) / 2 → x = pipe.decode(z / pipe.scale); return (x - x.min()) / (x.max() - x.min())

# %% [ldm.text_to_image] not decoded
# hint: Latents come back, not images.
# edit: return (pipe.decode(z / pipe.scale) + 1) / 2 → return z

# ---- ldm.image_to_image ----------------------------------------------------------------------------------------------

# %% [ldm.image_to_image] strength reversed
# hint: strength works the wrong way round: at 1 nothing changes.
# edit: n - min(int(n * strength), n): → min(int(n * strength), n):

# %% [ldm.image_to_image] rounded to the nearest
# hint: The number of steps is rounded to the nearest; it is rounded down.
# edit: int(n * strength) → round(n * strength)

# %% [ldm.image_to_image] rounded up
# hint: The number of steps is rounded up (perhaps since what is *left out* was rounded down); it is rounded down.
# edit: int(n * strength) → -int(-n * strength // 1)

# %% [ldm.image_to_image] one step too few
# hint: There is one step too few: k steps have k + 1 times.
# edit: [n - min(int(n * strength), n):] → [n - min(int(n * strength), n) + 1:]

# %% [ldm.image_to_image] one step too many
# hint: There is one step too many.
# edit: [n - min(int(n * strength), n):] → [max(n - 1 - int(n * strength), 0):]

# %% [ldm.image_to_image] one step at least
# hint: One step is made even where int(n·strength) is 0. Then there is none, and the latents go straight to the decoder.
# edit: min(int(n * strength), n) → max(min(int(n * strength), n), 1)

# %% [ldm.image_to_image] no step, and no autoencoder
# hint: Where no step is made the images come back as they are. They should have gone through the autoencoder all the same.
# edit: n = num_inference_steps → n = num_inference_steps; nothing = int(n * strength) == 0
# edit: return (pipe.decode(z / pipe.scale) + 1) / 2 → return images if nothing else (pipe.decode(z / pipe.scale) + 1) / 2

# %% [ldm.image_to_image] counted from the end
# hint: The times are counted from the end: the last k of them make k − 1 steps, and "the last 0" are all of them.
# edit: [n - min(int(n * strength), n):] → [-int(n * strength):]

# %% [ldm.image_to_image] the first steps
# hint: The first steps are made, from pure noise down. Those at the end are wanted, which lead to clean latents.
# edit: [n - min(int(n * strength), n):] → [:min(int(n * strength), n) + 1]

# %% [ldm.image_to_image] the whole way in fewer steps
# hint: The times are those of fewer steps over the whole way, so that it begins with nothing but noise. The last of n
# hint: steps are wanted.
# edit: pipe.times(n)[n - min(int(n * strength), n):] → pipe.times(min(int(n * strength), n))

# %% [ldm.image_to_image] noised in between, then the whole way in fewer steps
# hint: The latents are noised to a time in between, but the steps are those of a new and shorter path that begins in pure
# hint: noise. Wanted are the last steps of the path of n.
# edit: zip(times[:-1], times[1:]) → zip(pipe.times(len(times) - 1)[:-1], pipe.times(len(times) - 1)[1:])

# %% [ldm.image_to_image] the first of the steps left out
# hint: The latents are noised to the right time, but the first step begins at the next one: there are as many steps as
# hint: int(n·strength), and one more time than that.
# edit: zip(times[:-1], times[1:]) → zip(times[1:-1], times[2:])

# %% [ldm.image_to_image] strength ignored
# hint: strength does nothing: all steps are made, from pure noise.
# edit: [n - min(int(n * strength), n):] →

# %% [ldm.image_to_image] all steps made
# hint: The latents are noised to a time in between, but then all steps are made, from the first time on.
# edit: zip(times[:-1], times[1:]) → zip(pipe.times(n)[:-1], pipe.times(n)[1:])

# %% [ldm.image_to_image] strength taken for a time
# hint: It begins at the first time that is not above strength. strength is a share of the *steps*.
# edit: pipe.times(n)[n - min(int(n * strength), n):] → pipe.times(n); times = times[times <= strength]

# %% [ldm.image_to_image] started without noise
# hint: It begins with the clean latents, and the network is told that they are noisy.
# edit: pipe.add_noise(pipe.scale * pipe.encode_image(2 * images - 1), times[0], noise) → pipe.scale * pipe.encode_image(2 * images - 1)

# %% [ldm.image_to_image] started with noise alone
# hint: It begins with the noise alone: the images do not enter.
# edit: pipe.add_noise(pipe.scale * pipe.encode_image(2 * images - 1), times[0], noise) → noise

# %% [ldm.image_to_image] noised to the first time
# hint: The latents are noised to the first of all times, where nothing is left of them, and the steps begin later.
# edit: times[0], noise) → pipe.times(n)[0], noise)

# %% [ldm.image_to_image] noised to the last time
# hint: The latents are "noised" to the clean end, and so not at all.
# edit: times[0], noise) → times[-1], noise)

# %% [ldm.image_to_image] noised one time too late
# hint: The latents are noised to the time at which the first step ends. It is the one at which that step begins.
# edit: times[0], noise) → times[1], noise)

# %% [ldm.image_to_image] noised to strength
# hint: The latents are noised to strength as if it were a time. The steps begin at one of the pipe's times.
# edit: times[0], noise) → strength, noise)

# %% [ldm.image_to_image] latents and noise changed
# hint: In pipe.add_noise the latents and the noise have changed places.
# edit: pipe.add_noise(pipe.scale * pipe.encode_image(2 * images - 1), times[0], noise) → pipe.add_noise(noise, times[0], pipe.scale * pipe.encode_image(2 * images - 1))

# %% [ldm.image_to_image] noised by hand, on top
# hint: Noise times the time is put on top of the latents. On this model's path the latents fade; pipe.add_noise knows.
# edit: pipe.add_noise(pipe.scale * pipe.encode_image(2 * images - 1), times[0], noise) → pipe.scale * pipe.encode_image(2 * images - 1) + times[0] * noise

# %% [ldm.image_to_image] noised by hand, on the straight path
# hint: The latents are noised as on the straight path. pipe.add_noise knows this model's.
# edit: pipe.add_noise(pipe.scale * pipe.encode_image(2 * images - 1), times[0], noise) → (1 - times[0]) * pipe.scale * pipe.encode_image(2 * images - 1) + times[0] * noise

# %% [ldm.image_to_image] fresh noise
# hint: Noise is drawn; use the noise that is given.
# edit: times[0], noise) → times[0], torch.randn_like(noise))

# %% [ldm.image_to_image] the noise scaled
# hint: The noise is scaled as well, by itself or with the noisy latents. It has size 1 already.
# edit: times[0], noise) → times[0], pipe.scale * noise)

# %% [ldm.image_to_image] images not mapped
# hint: The images are encoded as they are, in [0, 1]. The encoder takes [−1, 1].
# edit: 2 * images - 1 → images

# %% [ldm.image_to_image] mapped the other way
# hint: The images are mapped as if they lay in [−1, 1]; they lie in [0, 1] and are to be in [−1, 1].
# edit: 2 * images - 1 → (images + 1) / 2

# %% [ldm.image_to_image] mapped to [0, 2]
# hint: The images are mapped to [0, 2]: they were stretched and not moved.
# edit: 2 * images - 1 → 2 * images

# %% [ldm.image_to_image] inverted
# hint: The images are mapped to [−1, 1] with dark and bright exchanged.
# edit: 2 * images - 1 → 1 - 2 * images

# %% [ldm.image_to_image] not scaled
# hint: The latents are not scaled when they come from the encoder; the UNet knows scaled ones.
# edit: pipe.scale * pipe.encode → pipe.encode

# %% [ldm.image_to_image] divided by the scale
# hint: The latents of the images are divided by the scale. The UNet knows latents that were multiplied by it.
# edit: pipe.scale * pipe.encode_image(2 * images - 1) → pipe.encode_image(2 * images - 1) / pipe.scale

# %% [ldm.image_to_image] no scale anywhere
# hint: The latents are neither scaled after the encoder nor unscaled before the decoder: the UNet sees latents of another
# hint: size than it knows.
# edit: pipe.scale * pipe.encode → pipe.encode
# edit: z / pipe.scale → z

# %% [ldm.image_to_image] decoded without unscaling
# hint: The latents are decoded as the UNet knows them. The decoder knows the autoencoder's own, from before exercise 3.
# edit: z / pipe.scale → z

# %% [ldm.image_to_image] scaled twice
# hint: The latents are multiplied by the scale once more, where the scaling is to be undone.
# edit: z / pipe.scale → z * pipe.scale

# %% [ldm.image_to_image] images in [−1, 1]
# hint: The images that come back lie in [−1, 1]. Asked for is [0, 1].
# edit: (pipe.decode(z / pipe.scale) + 1) / 2 → pipe.decode(z / pipe.scale)

# %% [ldm.image_to_image] cut off
# hint: Everything below 0 is cut off. The decoded images lie in [−1, 1] and belong into [0, 1].
# edit: (pipe.decode(z / pipe.scale) + 1) / 2 → pipe.decode(z / pipe.scale).clamp(0, 1)

# %% [ldm.image_to_image] mixed with the images
# hint: The result is mixed with the images in the end. strength decides where the steps begin, and nothing else.
# edit: return (pipe.decode(z / pipe.scale) + 1) / 2 → return (1 - strength) * images + strength * (pipe.decode(z / pipe.scale) + 1) / 2

# %% [ldm.image_to_image] latents mixed with noise by strength
# hint: Latents and noise are mixed by strength. How noisy they are at a time is the path's matter.
# edit: pipe.add_noise(pipe.scale * pipe.encode_image(2 * images - 1), times[0], noise) → (1 - strength) * pipe.scale * pipe.encode_image(2 * images - 1) + strength * noise

# %% [ldm.image_to_image] guidance_scale taken for w
# hint: guidance_scale is taken for notebook 07's w. In (6) s = 1 is the answer with the prompt, and s = 0 that without.
# edit: v_uncond + guidance_scale → v_cond + guidance_scale

# %% [ldm.image_to_image] with and without changed
# hint: The answers with the prompt and without it have changed places: more guidance leads away from the prompt.
# edit: v_uncond + guidance_scale * (v_cond - v_uncond) → v_cond + guidance_scale * (v_uncond - v_cond)

# %% [ldm.image_to_image] away from the prompt
# hint: The difference has the other sign, so that it leads away from the prompt.
# edit: (v_cond - v_uncond) → (v_uncond - v_cond)

# %% [ldm.image_to_image] no guidance
# hint: guidance_scale does nothing: the answer with the prompt alone is used, or both answers are with the prompt.
# edit: v_uncond + guidance_scale * (v_cond - v_uncond) → v_cond

# %% [ldm.image_to_image] guidance by strength
# hint: strength stands where guidance_scale belongs.
# edit: + guidance_scale * → + strength *

# %% [ldm.image_to_image] zeros for the empty prompt
# hint: The context without a prompt is zeros. This network has learned it as the encoded empty prompt.
# edit: pipe.encode([""] * len(prompts)) → torch.zeros_like(pipe.encode(prompts))

# %% [ldm.image_to_image] a text for a list
# hint: The encoder takes a list of texts, one for each image.
# edit: pipe.encode([""] * len(prompts)) → pipe.encode("")

# %% [ldm.image_to_image] one context for all
# hint: All images have the first prompt's context.
# edit: pipe.encode(prompts) → pipe.encode(prompts[:1])

# %% [ldm.image_to_image] the network at the next time
# hint: The network is told the time to which the step leads. The latents are still at the one before.
# edit: at = t.expand → at = s.expand

# %% [ldm.image_to_image] the network at the first time
# hint: The network is told the time of the first step in every step.
# edit: at = t.expand → at = times[0].expand

# %% [ldm.image_to_image] one number for the time
# hint: The network takes one time for each sample, (b,).
# edit: at = t.expand(len(z)) → at = t

# %% [ldm.image_to_image] t and s changed
# hint: pipe.step takes the time at which the latents are, then the one to go to.
# edit: v_uncond), t, s) → v_uncond), s, t)

# %% [ldm.image_to_image] the step forgotten
# hint: What pipe.step gives is thrown away: the noisy latents are decoded.
# edit: z = pipe.step → pipe.step

# %% [ldm.image_to_image] not decoded
# hint: Latents come back, not images.
# edit: return (pipe.decode(z / pipe.scale) + 1) / 2 → return z
