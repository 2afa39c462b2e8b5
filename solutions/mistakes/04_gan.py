# ---- gan.discriminator_loss ------------------------------------------------------------------------------------------

# %% [gan.discriminator_loss] real and fake swapped
# hint: The loss falls when real pictures get low logits and fakes high ones. Which of the two is it that D should call
# hint: real?
# edit: -logits_real → logits_real
# edit: logits_fake → -logits_fake

# %% [gan.discriminator_loss] both taken for fake
# hint: Real pictures are asked to look fake as well. Look at the first term of (1).
# edit: -logits_real → logits_real

# %% [gan.discriminator_loss] smoothed labels
# hint: Real pictures have the label 0.9 here (label smoothing). In (1) a real picture is real: its label is 1.
# edit: softplus(-logits_real).mean() → binary_cross_entropy_with_logits(logits_real, torch.full_like(logits_real, 0.9))

# %% [gan.discriminator_loss] summed over the batch
# hint: The terms are added up over the batch, so that a batch twice as large gives a loss twice as large. Equation (1)
# hint: has expectations.
# edit: mean → sum

# %% [gan.discriminator_loss] both taken for real
# hint: Fakes are asked to look real as well, so that the best answer is a high logit for everything. Look at the second
# hint: term of (1).
# edit: logits_fake → -logits_fake

# %% [gan.discriminator_loss] plus the logarithm of D for fakes
# hint: -log(1 - D) is not log D: the term of fakes is the mean of log D here, and the loss could fall below 0. Write 1
# hint: - σ as a sigmoid first, and keep the minus in front of its logarithm.
# edit: F.softplus(logits_fake).mean() → F.logsigmoid(logits_fake).mean()

# %% [gan.discriminator_loss] the fakes detached
# hint: The loss has no gradient with respect to the fakes' logits: they were detached here. Detached is the *picture*,
# hint: in the step, before D sees it; D itself must learn from its logits of fakes.
# edit: logits_fake → logits_fake.detach()

# %% [gan.discriminator_loss] halved
# hint: This is half of the loss: the two means are averaged. Many programs do so, but (1) adds them, and the learning
# hint: rates of this notebook count on it.
# edit: loss_real + loss_fake → (loss_real + loss_fake) / 2

# %% [gan.discriminator_loss] V itself
# hint: This is V, which the discriminator wants to be large. A loss is to be made small.
# edit: return loss_real + loss_fake → return -(loss_real + loss_fake)

# %% [gan.discriminator_loss] a difference
# hint: The two terms are subtracted. In (1) they are added: D is to be right about both kinds.
# edit: loss_real + loss_fake → loss_real - loss_fake

# %% [gan.discriminator_loss] real pictures only
# hint: The fakes do not enter. A D that calls everything real would pay nothing.
# edit: loss_real + loss_fake → loss_real

# %% [gan.discriminator_loss] fakes only
# hint: The real pictures do not enter. A D that calls everything fake would pay nothing.
# edit: loss_real + loss_fake → loss_fake

# %% [gan.discriminator_loss] in bits
# hint: These are bits. Losses of this course are in nats, with the natural logarithm.
# edit: loss_real + loss_fake → (loss_real + loss_fake) / math.log(2)

# %% [gan.discriminator_loss] two losses
# hint: Two numbers come back. The discriminator has one loss: their sum.
# edit: loss_real + loss_fake → torch.stack([loss_real, loss_fake])

# %% [gan.discriminator_loss] a plain number
# hint: A plain number has no history, and no gradient can go back through it. Return the tensor.
# edit: loss_real + loss_fake → (loss_real + loss_fake).item()

# %% [gan.discriminator_loss] one mean over all
# hint: Real pictures and fakes were put together before the mean was taken, so each term is weighted by how many there
# hint: are. Each expectation of (1) has a mean of its own.
logits = torch.cat([-logits_real, logits_fake])
return 2 * F.softplus(logits).mean()

# %% [gan.discriminator_loss] one mean over all, not doubled
# hint: All pictures were put together and averaged once. Equation (1) has two expectations, each with a mean of its
# hint: own, and adds them.
return F.softplus(torch.cat([-logits_real, logits_fake])).mean()

# %% [gan.discriminator_loss] probabilities by hand
# hint: Right at moderate logits, but infinite or NaN at large ones: the sigmoid has rounded to 0 or 1, or the
# hint: exponential has overflowed, before the logarithm sees it. A function that does all of it at once is safe.
return -torch.log(torch.sigmoid(logits_real)).mean() - torch.log(1 - torch.sigmoid(logits_fake)).mean()

# %% [gan.discriminator_loss] something small inside the logarithm
# hint: The logarithm is cut off against infinity: by a number added inside of it, by a clamp, or by
# hint: `binary_cross_entropy`, which lets no logarithm fall below -100. A D that is surely wrong then pays too little,
# hint: and gets no gradient or a wrong one. Take a function that is safe as a whole.
return -torch.log(torch.sigmoid(logits_real) + 1e-8).mean() - torch.log(1 - torch.sigmoid(logits_fake) + 1e-8).mean()

# %% [gan.discriminator_loss] a sigmoid before a loss that takes logits
# hint: The sigmoid is applied twice: the function takes logits and has a sigmoid of its own. The loss then never comes
# hint: near 0.
real = F.binary_cross_entropy_with_logits(torch.sigmoid(logits_real), torch.ones_like(logits_real))
return real + F.binary_cross_entropy_with_logits(torch.sigmoid(logits_fake), torch.zeros_like(logits_fake))

# %% [gan.discriminator_loss] logits taken for probabilities
# hint: The logarithm is taken of the logits. They are no probabilities: they may be negative, and σ makes a probability
# hint: of each.
return -torch.log(logits_real).mean() - torch.log(1 - logits_fake).mean()

# %% [gan.discriminator_loss] binary cross-entropy of logits
# hint: `binary_cross_entropy` was given logits; it takes probabilities and refuses others. There is a form of it for
# hint: logits.
real = F.binary_cross_entropy(logits_real, torch.ones_like(logits_real))
return real + F.binary_cross_entropy(logits_fake, torch.zeros_like(logits_fake))

# %% [gan.discriminator_loss] no logarithm
# hint: These are mean probabilities of being wrong. Equation (1) has logarithms of probabilities.
return (1 - torch.sigmoid(logits_real)).mean() + torch.sigmoid(logits_fake).mean()

# %% [gan.discriminator_loss] the loss of Wasserstein GANs
# hint: This is the critic's loss of another kind of game (Wasserstein), without sigmoid and logarithm. Here it is -V of
# hint: (1).
return logits_fake.mean() - logits_real.mean()

# %% [gan.discriminator_loss] squares
# hint: These are squared distances from the labels 1 and 0 (a least-squares GAN). Here it is -V of (1), with
# hint: logarithms.
return (logits_real - 1).square().mean() + logits_fake.square().mean()

# %% [gan.discriminator_loss] the hinge
# hint: This is the hinge loss, which stops caring beyond a margin. Here it is -V of (1).
return F.relu(1 - logits_real).mean() + F.relu(1 + logits_fake).mean()

# %% [gan.discriminator_loss] the exponential without its 1
# hint: -log σ(ℓ) is not e^{-ℓ}, and not its logarithm either: in σ a 1 stands beside the exponential.
return torch.exp(-logits_real).mean() + torch.exp(logits_fake).mean()

# %% [gan.discriminator_loss] not averaged
# hint: There are still as many numbers as logits. One number is wanted: the sum of two means.
n = min(len(logits_real), len(logits_fake))
return F.softplus(-logits_real[:n]) + F.softplus(logits_fake[:n])

# %% [gan.discriminator_loss] real and fake of equal number
# hint: The two batches may have different sizes: logits of real pictures and of fakes do not belong together in pairs.
# hint: Take each mean by itself.
return (F.softplus(-logits_real) + F.softplus(logits_fake)).mean()

# %% [gan.discriminator_loss] the slope at 0 of a relu
# hint: In value this is right everywhere, but not in its gradient at a logit of exactly 0: there `relu`, like a clamp
# hint: at 0, has a kink, and torch gives it the slope 0. The whole has no kink: a function that does all of it at once
# hint: knows its slope.
def safe(v):
    return F.relu(v) + torch.log1p(torch.exp(-v.abs()))

return safe(-logits_real).mean() + safe(logits_fake).mean()

# %% [gan.discriminator_loss] cross-entropy of the labels
# hint: `binary_cross_entropy_with_logits` takes the logits first and the labels second; here the labels stand in the
# hint: place of the logits.
real = F.binary_cross_entropy_with_logits(torch.ones_like(logits_real), logits_real)
return real + F.binary_cross_entropy_with_logits(torch.zeros_like(logits_fake), logits_fake)

# %% [gan.discriminator_loss] 1 minus the logit
# hint: For the fakes the logit is subtracted from 1. In (1) it is the *probability* that is: 1 - σ(ℓ) is a sigmoid too,
# hint: of another logit.
return -F.logsigmoid(logits_real).mean() - F.logsigmoid(1 - logits_fake).mean()

# %% [gan.discriminator_loss] 1 minus log D
# hint: For the fakes 1 - log D stands where log(1 - D) should: the subtraction is inside of the logarithm.
return -F.logsigmoid(logits_real).mean() - (1 - F.logsigmoid(logits_fake)).mean()

# ---- gan.optimal_discriminator ---------------------------------------------------------------------------------------

# %% [gan.optimal_discriminator] a difference
# hint: The denominator has a minus. Where both densities are equal it is 0; the best answer there is ½.
# edit: p_data + p_g → p_data - p_g

# %% [gan.optimal_discriminator] the two swapped
# hint: This is the probability of "fake". D is high where the data are dense.
# edit: .5, p_data → .5, p_g

# %% [gan.optimal_discriminator] the ratio alone
# hint: This ratio is not a probability: it passes 1 wherever the data are denser. Set the derivative of the integrand
# hint: to 0 and solve for D, not for the odds.
# edit: p_data / total → p_data / p_g

# %% [gan.optimal_discriminator] a half in front
# hint: All values are half of what they should be; where both densities are equal, ½ is right, and you give ¼.
# edit: .5, p_data → .5, 0.5 * p_data

# %% [gan.optimal_discriminator] divided by the mean
# hint: Where both densities are equal this gives 1. The denominator is half of what it should be.
# edit: p_data / total → p_data / (total / 2)

# %% [gan.optimal_discriminator] divided by the mean and clamped
# hint: The denominator is half of what it should be, and a clamp hides that the answer passed 1. Where both densities
# hint: are equal this gives 1.
# edit: torch.where(total == 0, 0.5, p_data / total) → torch.where(total == 0, 0.5, p_data / (total / 2)).clamp(0, 1)

# %% [gan.optimal_discriminator] NaN where both are 0
# hint: 0/0 is NaN. Where there is nothing to know, the answer shall be ½.
# edit: torch.where(total == 0, 0.5, p_data / total) → p_data / total

# %% [gan.optimal_discriminator] 0 where both are 0
# hint: Where both densities are 0 the answer shall be ½, not 0.
# edit: 0.5 → 0.0

# %% [gan.optimal_discriminator] 1 where both are 0
# hint: Where both densities are 0 the answer shall be ½, not 1.
# edit: 0.5 → 1.0

# %% [gan.optimal_discriminator] something small in the denominator
# hint: A small number is added to the denominator, or it is clamped. Densities may be far smaller than that, and where
# hint: both are 0 the answer is not ½.
# edit: torch.where(total == 0, 0.5, p_data / total) → p_data / (total + 1e-8)

# %% [gan.optimal_discriminator] ½ wherever the densities are small
# hint: You give ½ wherever the densities together are below a limit. Small densities have a ratio as good as that of
# hint: large ones; only where both are exactly 0 is there nothing to know.
# edit: total == 0 → total < 1e-8

# %% [gan.optimal_discriminator] ½ where either is 0
# hint: You give ½ wherever one of the densities is 0. Where only one is 0, much is known: all pictures there are of one
# hint: kind.
# edit: total == 0 → (p_data == 0) | (p_g == 0)

# %% [gan.optimal_discriminator] ½ where the product is 0
# hint: You give ½ wherever the product of the densities is 0, and that is so where one of them is 0, or where both are
# hint: tiny. ½ is for places where both are exactly 0.
# edit: total == 0 → p_data * p_g == 0

# %% [gan.optimal_discriminator] ½ where the data are 0
# hint: Where only the data's density is 0, every picture there is a fake, and D knows it. ½ is for places where both
# hint: are 0.
# edit: total == 0 → p_data == 0

# %% [gan.optimal_discriminator] ½ where the generator is 0
# hint: Where only the generator's density is 0, every picture there is real, and D knows it. ½ is for places where both
# hint: are 0.
# edit: total == 0 → p_g == 0

# %% [gan.optimal_discriminator] a threshold
# hint: You answer 1 where the data are denser, else 0. That would be the best *decision*; the logarithms of (2) ask for
# hint: a probability.
# edit: p_data / total → (p_data > p_g).float()

# %% [gan.optimal_discriminator] a softmax
# hint: A sigmoid or a softmax of densities takes exponentials of them. It belongs to logits, and densities are positive
# hint: already: look at what stands in front of each logarithm in (2).
# edit: torch.where(total == 0, 0.5, p_data / total) → torch.sigmoid(p_data - p_g)

# %% [gan.optimal_discriminator] the logit
# hint: This is the logit of the answer, log(p_data/p_G). Asked for is the probability.
# edit: torch.where(total == 0, 0.5, p_data / total) → torch.log(p_data / p_g)

# %% [gan.optimal_discriminator] its logarithm
# hint: This is the logarithm of the answer; the answer itself lies between 0 and 1.
# edit: torch.where(total == 0, 0.5, p_data / total) → torch.log(torch.where(total == 0, 0.5, p_data / total))

# %% [gan.optimal_discriminator] normalised over all places
# hint: You divide by a sum over all places. (2) is largest where each place by itself is: no other place enters.
# edit: torch.where(total == 0, 0.5, p_data / total) → p_data / total.sum()

# %% [gan.optimal_discriminator] squares
# hint: The densities are squared. In the integrand of (2) each stands in front of its logarithm as it is.
# edit: p_data / total → p_data**2 / (p_data**2 + p_g**2)

# %% [gan.optimal_discriminator] the generator's density alone below
# hint: In the denominator 1 stands in the place of a density.
# edit: torch.where(total == 0, 0.5, p_data / total) → p_data / (1 + p_g)

# %% [gan.optimal_discriminator] roots
# hint: The densities stand under roots. In the integrand of (2) each stands in front of its logarithm as it is.
# edit: p_data / total → p_data.sqrt() / (p_data.sqrt() + p_g.sqrt())

# %% [gan.optimal_discriminator] an if for a whole tensor
# hint: `if` and `or` want one yes or no, but a tensor has many. A choice at each place needs a function that chooses
# hint: elementwise.
# edit: torch.where(total == 0, 0.5, p_data / total) → 0.5 if total == 0 else p_data / total

# %% [gan.optimal_discriminator] written into what was given
# hint: A value is written into a tensor that the caller still needs. Make a new one.
both = (p_data == 0) & (p_g == 0)
p_data[both], p_g[both] = 1, 1
return p_data / (p_data + p_g)

# ---- gan.generator_loss_saturating -----------------------------------------------------------------------------------

# %% [gan.generator_loss_saturating] summed
# hint: The terms are added up over the batch. An expectation is a mean: a larger batch shall not give a larger loss.
# edit: F.softplus(logits_fake).mean() → F.softplus(logits_fake).sum()

# %% [gan.generator_loss_saturating] the wrong sign
# hint: The sign is wrong: made smaller, this would drive the generator to fakes that are found out.
# edit: return -F.softplus(logits_fake).mean() → return F.softplus(logits_fake).mean()

# %% [gan.generator_loss_saturating] a sigmoid too many
# hint: The sigmoid acts twice: what you give to this function is the logit, and it has a sigmoid inside.
# edit: logits_fake → torch.sigmoid(logits_fake)

# %% [gan.generator_loss_saturating] halved
# hint: This is half of the loss. It is one mean, without a factor.
# edit: F.softplus(logits_fake).mean() → 0.5 * F.softplus(logits_fake).mean()

# %% [gan.generator_loss_saturating] a plain number
# hint: A plain number has no history, and no gradient can go back through it. Return the tensor.
# edit: F.softplus(logits_fake).mean() → F.softplus(logits_fake).mean().item()

# %% [gan.generator_loss_saturating] not averaged
# hint: There are still as many numbers as fakes. The loss is one number, their mean.
# edit: F.softplus(logits_fake).mean() → F.softplus(logits_fake)

# %% [gan.generator_loss_saturating] detached
# hint: The generator learns through these logits; where they are detached, no gradient reaches it.
# edit: logits_fake → logits_fake.detach()

# %% [gan.generator_loss_saturating] squares
# hint: These are squared distances (a least-squares GAN). Here logarithms of probabilities are asked for.
# edit: return -F.softplus(logits_fake).mean() → return (logits_fake - 1).square().mean()

# %% [gan.generator_loss_saturating] the mean taken first
# hint: The mean goes over the logits, and the logarithm is taken of the average fake. Each fake has its own logarithm;
# hint: the mean comes last.
# edit: F.softplus(logits_fake).mean() → F.softplus(logits_fake.mean())

# %% [gan.generator_loss_saturating] the non-saturating loss
# hint: This makes "real" likely; that is the other loss, in the next exercise. Here the generator minimises (5) as it
# hint: stands.
# edit: return -F.softplus(logits_fake).mean() → return F.softplus(-logits_fake).mean()

# %% [gan.generator_loss_saturating] log D
# hint: This is the mean of log D, the probability that a fake is called real. In (5) stands the probability that it is
# hint: called fake.
# edit: logits_fake → -logits_fake

# %% [gan.generator_loss_saturating] 1 minus the logit
# hint: The logit is subtracted from 1. In (5) it is the *probability* that is: 1 - σ(ℓ) is a sigmoid too, of another
# hint: logit.
# edit: return -F.softplus(logits_fake).mean() → return F.logsigmoid(1 - logits_fake).mean()

# %% [gan.generator_loss_saturating] probabilities by hand
# hint: Right at moderate logits, but minus infinity at large ones: 1 - σ has rounded to 0, or the exponential has
# hint: overflowed, before the logarithm sees it.
# edit: return -F.softplus(logits_fake).mean() → return torch.log(1 - torch.sigmoid(logits_fake)).mean()

# %% [gan.generator_loss_saturating] probabilities in double precision
# hint: Double precision only moves the trouble to larger logits: from about 37 on 1 - σ is 0 there too. Take a function
# hint: of the logit that is safe as a whole.
# edit: return -F.softplus(logits_fake).mean() → return torch.log(1 - torch.sigmoid(logits_fake.double())).mean().float()

# %% [gan.generator_loss_saturating] the logarithm of the mean probability
# hint: The probabilities are averaged, and the logarithm is taken of their mean. Each fake has its own logarithm; the
# hint: mean comes last.
# edit: return -F.softplus(logits_fake).mean() → return torch.log(torch.sigmoid(-logits_fake).mean())

# %% [gan.generator_loss_saturating] something small inside the logarithm
# hint: The logarithm is cut off against infinity: by a number added inside of it, by a clamp, or by
# hint: `binary_cross_entropy`, which lets no logarithm fall below -100. That changes the loss and its gradient where D
# hint: is well fooled. Take a function that is safe as a whole.
# edit: return -F.softplus(logits_fake).mean() → return torch.log(1 - torch.sigmoid(logits_fake) + 1e-8).mean()

# %% [gan.generator_loss_saturating] no logarithm
# hint: The logarithm is missing: this is the mean probability of being called fake.
# edit: return -F.softplus(logits_fake).mean() → return (1 - torch.sigmoid(logits_fake)).mean()

# %% [gan.generator_loss_saturating] the loss of Wasserstein GANs
# hint: This is the generator's loss of another kind of game (Wasserstein), without sigmoid and logarithm.
# edit: F.softplus(logits_fake).mean() → logits_fake.mean()

# %% [gan.generator_loss_saturating] logits taken for probabilities
# hint: The logarithm is taken of the logits themselves; σ makes a probability of each first.
# edit: return -F.softplus(logits_fake).mean() → return torch.log(1 - logits_fake).mean()

# %% [gan.generator_loss_saturating] cross-entropy of the labels
# hint: `binary_cross_entropy_with_logits` takes the logits first and the labels second; here the labels stand in the
# hint: place of the logits, and the loss is the same for all fakes.
# edit: F.softplus(logits_fake).mean() → F.binary_cross_entropy_with_logits(torch.zeros_like(logits_fake), logits_fake)

# %% [gan.generator_loss_saturating] 1 minus log D
# hint: This is 1 - log D. In (5) the subtraction is inside of the logarithm.
# edit: return -F.softplus(logits_fake).mean() → return (1 - F.logsigmoid(logits_fake)).mean()

# %% [gan.generator_loss_saturating] the slope at 0 of a relu
# hint: In value this is right everywhere, but not in its gradient at a logit of exactly 0: there `relu`, like a clamp
# hint: at 0, has a kink, and torch gives it the slope 0. The whole has no kink: a function that does all of it at once
# hint: knows its slope.
def safe(v):
    return F.relu(v) + torch.log1p(torch.exp(-v.abs()))

return -safe(logits_fake).mean()

# ---- gan.generator_loss ----------------------------------------------------------------------------------------------

# %% [gan.generator_loss] summed
# hint: The terms are added up over the batch. An expectation is a mean: a larger batch shall not give a larger loss.
# edit: F.softplus(-logits_fake).mean() → F.softplus(-logits_fake).sum()

# %% [gan.generator_loss] the wrong sign
# hint: The sign is wrong: made smaller, this would drive the generator to fakes that are found out.
# edit: return F.softplus(-logits_fake).mean() → return -F.softplus(-logits_fake).mean()

# %% [gan.generator_loss] a sigmoid too many
# hint: The sigmoid acts twice: what you give to this function is the logit, and it has a sigmoid inside.
# edit: logits_fake → torch.sigmoid(logits_fake)

# %% [gan.generator_loss] halved
# hint: This is half of the loss. It is one mean, without a factor.
# edit: F.softplus(-logits_fake).mean() → 0.5 * F.softplus(-logits_fake).mean()

# %% [gan.generator_loss] a plain number
# hint: A plain number has no history, and no gradient can go back through it. Return the tensor.
# edit: F.softplus(-logits_fake).mean() → F.softplus(-logits_fake).mean().item()

# %% [gan.generator_loss] not averaged
# hint: There are still as many numbers as fakes. The loss is one number, their mean.
# edit: F.softplus(-logits_fake).mean() → F.softplus(-logits_fake)

# %% [gan.generator_loss] detached
# hint: The generator learns through these logits; where they are detached, no gradient reaches it.
# edit: logits_fake → logits_fake.detach()

# %% [gan.generator_loss] squares
# hint: These are squared distances (a least-squares GAN). Here logarithms of probabilities are asked for.
# edit: F.softplus(-logits_fake).mean() → (logits_fake - 1).square().mean()

# %% [gan.generator_loss] the mean taken first
# hint: The mean goes over the logits, and the logarithm is taken of the average fake. Each fake has its own logarithm;
# hint: the mean comes last.
# edit: F.softplus(-logits_fake).mean() → F.softplus(-logits_fake.mean())

# %% [gan.generator_loss] the logarithm of the mean probability
# hint: The probabilities are averaged, and the logarithm is taken of their mean. Each fake has its own logarithm; the
# hint: mean comes last.
# edit: return F.softplus(-logits_fake).mean() → return -torch.log(torch.sigmoid(logits_fake).mean())

# %% [gan.generator_loss] the saturating loss
# hint: This is (5) again. Now "real" is to be made likely, by the logarithm of D itself.
# edit: return F.softplus(-logits_fake).mean() → return -F.softplus(logits_fake).mean()

# %% [gan.generator_loss] the discriminator's labels
# hint: This makes "fake" likely: it is the discriminator's own term for fakes. The generator wants the opposite label.
# edit: -logits_fake → logits_fake

# %% [gan.generator_loss] probabilities by hand
# hint: Right at moderate logits, but infinite at very negative ones: σ has rounded to 0, or the exponential has
# hint: overflowed, before the logarithm sees it. And those are the fakes that this loss is there for.
# edit: return F.softplus(-logits_fake).mean() → return -torch.log(torch.sigmoid(logits_fake)).mean()

# %% [gan.generator_loss] probabilities in double precision
# hint: Double precision only moves the trouble to more negative logits: below about -745 σ is 0 there too. Take a
# hint: function of the logit that is safe as a whole.
# edit: return F.softplus(-logits_fake).mean() → return -torch.log(torch.sigmoid(logits_fake.double())).mean().float()

# %% [gan.generator_loss] something small inside the logarithm
# hint: The logarithm is cut off against infinity: by a number added inside of it, by a clamp, or by
# hint: `binary_cross_entropy`, which lets no logarithm fall below -100. For fakes that are surely found out the loss is
# hint: then too small and its slope 0: the very thing that this loss is to avoid.
# edit: return F.softplus(-logits_fake).mean() → return -torch.log(torch.sigmoid(logits_fake) + 1e-8).mean()

# %% [gan.generator_loss] no logarithm
# hint: The logarithm is missing: this is the mean probability of not being called real.
# edit: F.softplus(-logits_fake).mean() → (1 - torch.sigmoid(logits_fake)).mean()

# %% [gan.generator_loss] the loss of Wasserstein GANs
# hint: This is the generator's loss of another kind of game (Wasserstein), without sigmoid and logarithm.
# edit: return F.softplus(-logits_fake).mean() → return -logits_fake.mean()

# %% [gan.generator_loss] logits taken for probabilities
# hint: The logarithm is taken of the logits themselves; σ makes a probability of each first.
# edit: return F.softplus(-logits_fake).mean() → return -torch.log(logits_fake).mean()

# %% [gan.generator_loss] cross-entropy of the labels
# hint: `binary_cross_entropy_with_logits` takes the logits first and the labels second; here the labels stand in the
# hint: place of the logits.
# edit: F.softplus(-logits_fake).mean() → F.binary_cross_entropy_with_logits(torch.ones_like(logits_fake), logits_fake)

# %% [gan.generator_loss] 1 minus log D
# hint: This is 1 - log D. The loss is the mean of -log D, without a 1.
# edit: F.softplus(-logits_fake).mean() → (1 - F.logsigmoid(logits_fake)).mean()

# %% [gan.generator_loss] 1 minus the logit
# hint: The logit is subtracted from 1. No 1 is needed: the logarithm of D itself is asked for.
# edit: return F.softplus(-logits_fake).mean() → return -F.logsigmoid(1 - logits_fake).mean()

# %% [gan.generator_loss] the slope at 0 of a relu
# hint: In value this is right everywhere, but not in its gradient at a logit of exactly 0: there `relu`, like a clamp
# hint: at 0, has a kink, and torch gives it the slope 0. The whole has no kink: a function that does all of it at once
# hint: knows its slope.
def safe(v):
    return F.relu(v) + torch.log1p(torch.exp(-v.abs()))

return safe(-logits_fake).mean()

# ---- gan.train_step --------------------------------------------------------------------------------------------------

# %% [gan.train_step] the fakes not detached, and G not zeroed
# hint: D's `backward` went on into the generator, and what it left there was still there when G stepped: G was pushed
# hint: to be found out and to be taken for real at once. Stop the gradient, or zero it in time.
# replace:
fake = G(z_d).detach()
# by:
fake = G(z_d)
# replace:
opt_g.zero_grad()
# by:
# replace:
opt_d.zero_grad()
# by:
opt_d.zero_grad()
opt_g.zero_grad()

# %% [gan.train_step] the fakes not detached, and G never zeroed
# hint: G's gradients are never set to zero, and D's `backward` reaches G as well. So old gradients of both halves pile
# hint: up in the generator.
# edit: G(z_d).detach() → G(z_d)
# edit: opt_g.zero_grad() →

# %% [gan.train_step] z_d and z_g swapped
# hint: The noises have changed places: z_d is for the discriminator's half, z_g for the generator's.
# edit: z_d → z_g
# edit: D(G(z_g)) → D(G(z_d))

# %% [gan.train_step] fresh noise
# hint: New noise was drawn. Use z_d and z_g, so that a step can be repeated.
# edit: z_d → torch.randn_like(z_d)
# edit: z_g → torch.randn_like(z_g)

# %% [gan.train_step] both halves through the same fakes
# hint: The discriminator's `backward` went through the fakes into G and used up their graph; then the generator's half
# hint: judges the same fakes. Cut them off from G in D's half, and make new ones from z_g for G's.
# edit: G(z_d).detach() → G(z_d)
# edit: G(z_g) → fake

# %% [gan.train_step] all of D's half without gradients
# hint: D's logits were computed without gradients, so D cannot learn. Only the fakes need to be cut off from G.
# replace:
loss_d = discriminator_loss(D(real), D(fake))
# by:
with torch.no_grad():
    loss_d = discriminator_loss(D(real), D(fake))

# %% [gan.train_step] real and fake swapped
# hint: discriminator_loss was given the fakes in the place of real pictures, and the other way round.
# edit: D(real), D(fake) → D(fake), D(real)

# %% [gan.train_step] D asked once for both
# hint: Real pictures and fakes went through D in one batch. In training mode this D compares with the mean of its
# hint: batch, as batch normalisation does, so that each kind changed what it answers to the other.
# replace:
loss_d = discriminator_loss(D(real), D(fake))
# by:
logits = D(torch.cat([real, fake]))
loss_d = discriminator_loss(logits[:len(real)], logits[len(real):])

# %% [gan.train_step] probabilities in the place of logits
# hint: The losses take logits and have the sigmoid inside; here it was applied before as well.
# edit: D(real), D(fake) → D(real).sigmoid(), D(fake).sigmoid()
# edit: D(G(z_g)) → D(G(z_g)).sigmoid()

# %% [gan.train_step] D's gradient never zeroed
# hint: The discriminator's gradients of earlier steps, and those that the generator's half left in it, are still there
# hint: when D steps.
# edit: opt_d.zero_grad() →

# %% [gan.train_step] D zeroed in G's half only
# hint: Before D's `backward` its gradients must be zero. You zero them in the generator's half, *before* that half's
# hint: `backward` writes into D again.
# replace:
opt_d.zero_grad()
# by:
# replace:
opt_g.zero_grad()
# by:
opt_d.zero_grad()
opt_g.zero_grad()

# %% [gan.train_step] zeroed between backward and step, D
# hint: D's gradients are set to zero after `backward` and before the step: D stands still.
# replace:
loss_d.backward()
# by:
loss_d.backward()
opt_d.zero_grad()

# %% [gan.train_step] D never steps
# hint: The discriminator's gradients are computed, but its weights are never moved.
# edit: opt_d.step() →

# %% [gan.train_step] the generator's output detached in its own half
# hint: In the generator's half the gradient must go through D into G before its optimizer steps. It was cut on the way
# hint: (detached, or made under `no_grad`), or there is no `backward` before the step.
# edit: G(z_g) → G(z_g).detach()

# %% [gan.train_step] G's half: D's logits detached
# hint: The logits of the generator's half were detached: no gradient reaches G. To spare D, let its optimizer alone,
# hint: and zero what lies in D before its next half.
# edit: D(G(z_g)) → D(G(z_g)).detach()

# %% [gan.train_step] the saturating loss
# hint: This is the saturating loss. The docstring asks for the non-saturating one.
# edit: generator_loss(D(G(z_g))) → generator_loss_saturating(D(G(z_g)))

# %% [gan.train_step] G's loss with D's labels
# hint: In the generator's half the fakes are labelled as fake, so G learns to be found out.
# edit: generator_loss(D(G(z_g))) → F.softplus(D(G(z_g))).mean()

# %% [gan.train_step] G minimises the whole discriminator's loss
# hint: The generator's half uses discriminator_loss: G then learns to help D. It has a loss of its own.
# edit: generator_loss(D(G(z_g))) → discriminator_loss(D(real), D(G(z_g)))

# %% [gan.train_step] G minimises minus D's loss
# hint: The generator's half takes the value V, whose second term saturates. The docstring asks for the non-saturating
# hint: loss.
# edit: generator_loss(D(G(z_g))) → -discriminator_loss(D(real), D(G(z_g)))

# %% [gan.train_step] the same noise for both halves, z_d
# hint: The generator's half uses z_d. Each half has noise of its own.
# edit: z_g → z_d

# %% [gan.train_step] D given the noise
# hint: D was given noise. Noise goes through G first; D looks at pictures.
# edit: G(z_g) → z_g

# %% [gan.train_step] the fakes of D's half in G's half
# hint: The generator's half judges the fakes of the discriminator's half, which are detached from G. It makes fakes of
# hint: its own, from z_g.
# edit: G(z_g) → fake

# %% [gan.train_step] G's gradient never zeroed
# hint: The generator's gradients of earlier steps are still in `.grad` when it steps.
# edit: opt_g.zero_grad() →

# %% [gan.train_step] zeroed between backward and step, G
# hint: G's gradients are set to zero after `backward` and before the step: G stands still.
# replace:
loss_g.backward()
# by:
loss_g.backward()
opt_g.zero_grad()

# %% [gan.train_step] D moves in the generator's half too
# hint: In the generator's half D's optimizer stepped as well, along the generator's loss: D learned to call fakes real.
# replace:
opt_g.step()
# by:
opt_g.step()
opt_d.step()

# %% [gan.train_step] G never steps
# hint: The generator's gradients are computed, but its weights are never moved.
# edit: opt_g.step() →

# %% [gan.train_step] the returned losses swapped
# hint: The two losses come back in the wrong order.
# edit: loss_d.item(), loss_g.item() → loss_g.item(), loss_d.item()

# %% [gan.train_step] tensors returned
# hint: Tensors come back. Two Python floats are asked for: a tensor may keep a whole graph alive, which fills the
# hint: memory in a long training.
# edit: loss_d.item(), loss_g.item() → loss_d, loss_g

# %% [gan.train_step] the sum returned
# hint: Something else than a pair comes back, or nothing. Each player's loss is wanted.
# edit: loss_d.item(), loss_g.item() → loss_d.item() + loss_g.item()

# %% [gan.train_step] losses computed again at the end
# hint: The losses that come back were computed after the steps. Asked for are those from which each half went backward.
# edit: loss_d.item(), loss_g.item() → discriminator_loss(D(real), D(G(z_d))).item(), generator_loss(D(G(z_g))).item()

# %% [gan.train_step] the generator first
# hint: The generator moved first. In each step the discriminator comes first, and G answers the D that results.
loss_g = generator_loss(D(G(z_g)))
opt_g.zero_grad()
loss_g.backward()
opt_g.step()
loss_d = discriminator_loss(D(real), D(G(z_d).detach()))
opt_d.zero_grad()
loss_d.backward()
opt_d.step()
return loss_d.item(), loss_g.item()

# %% [gan.train_step] both losses from the same D
# hint: The generator's loss was computed before D had moved. G plays against the discriminator as it is after its half.
loss_d = discriminator_loss(D(real), D(G(z_d).detach()))
opt_g.zero_grad()
loss_g = generator_loss(D(G(z_g)))
loss_g.backward()
opt_d.zero_grad()
loss_d.backward()
opt_d.step()
opt_g.step()
return loss_d.item(), loss_g.item()

# %% [gan.train_step] one backward for the sum
# hint: Both losses went backward together, so each player's loss reached the other's weights, and G answered the old D.
# hint: There are two halves.
loss_d = discriminator_loss(D(real), D(G(z_d)))
loss_g = generator_loss(D(G(z_g)))
opt_d.zero_grad()
opt_g.zero_grad()
(loss_d + loss_g).backward()
opt_d.step()
opt_g.step()
return loss_d.item(), loss_g.item()

# %% [gan.train_step] the optimizers swapped
# hint: Each half zeroes and steps the other player's optimizer. An optimizer moves only the weights that it was made
# hint: for.
fake = G(z_d).detach()
loss_d = discriminator_loss(D(real), D(fake))
opt_g.zero_grad()
loss_d.backward()
opt_g.step()
loss_g = generator_loss(D(G(z_g)))
opt_d.zero_grad()
loss_g.backward()
opt_d.step()
return loss_d.item(), loss_g.item()

# %% [gan.train_step] each network in eval mode for the other's half
# hint: A network was put into eval mode for a half of the step, where it answers otherwise than in training. Both stay
# hint: in training mode; that a player does not move is a matter of its optimizer, not of its mode.
G.eval()
fake = G(z_d).detach()
G.train()
loss_d = discriminator_loss(D(real), D(fake))
opt_d.zero_grad()
loss_d.backward()
opt_d.step()
D.eval()
loss_g = generator_loss(D(G(z_g)))
opt_g.zero_grad()
loss_g.backward()
opt_g.step()
D.train()
return loss_d.item(), loss_g.item()

# %% [gan.train_step] D frozen for G's half and left frozen
# hint: D's parameters were frozen for the generator's half and never asked to learn again, so the next step finds a D
# hint: without gradients. Undo it at the end; or leave D as it is, since only its optimizer moves it.
loss_d = discriminator_loss(D(real), D(G(z_d).detach()))
opt_d.zero_grad()
loss_d.backward()
opt_d.step()
D.requires_grad_(False)
loss_g = generator_loss(D(G(z_g)))
opt_g.zero_grad()
loss_g.backward()
opt_g.step()
return loss_d.item(), loss_g.item()

# %% [gan.train_step] D in eval mode for G's half
# hint: D was put into eval mode for the generator's half, where it answers otherwise than in training. It stays in
# hint: training mode; that D does not move in this half is a matter of its optimizer.
loss_d = discriminator_loss(D(real), D(G(z_d).detach()))
opt_d.zero_grad()
loss_d.backward()
opt_d.step()
D.eval()
loss_g = generator_loss(D(G(z_g)))
opt_g.zero_grad()
loss_g.backward()
opt_g.step()
D.train()
return loss_d.item(), loss_g.item()

# %% [gan.train_step] D in eval mode from G's half on
# hint: D was put into eval mode for the generator's half and left there, where it answers otherwise than in training.
# hint: It stays in training mode; that D does not move in this half is a matter of its optimizer.
loss_d = discriminator_loss(D(real), D(G(z_d).detach()))
opt_d.zero_grad()
loss_d.backward()
opt_d.step()
D.eval()
loss_g = generator_loss(D(G(z_g)))
opt_g.zero_grad()
loss_g.backward()
opt_g.step()
return loss_d.item(), loss_g.item()

# %% [gan.train_step] G in eval mode for D's half
# hint: G was put into eval mode for the discriminator's half, where it makes other fakes than in training. It stays in
# hint: training mode; that G does not move in this half is a matter of its optimizer.
G.eval()
fake = G(z_d).detach()
G.train()
loss_d = discriminator_loss(D(real), D(fake))
opt_d.zero_grad()
loss_d.backward()
opt_d.step()
loss_g = generator_loss(D(G(z_g)))
opt_g.zero_grad()
loss_g.backward()
opt_g.step()
return loss_d.item(), loss_g.item()

# %% [gan.train_step] gradients zeroed after each player's step
# hint: Each player's gradients are zeroed after its own step. But the generator's half then writes into D's once more,
# hint: and what lay there before the first step was never zeroed: zero right before `backward`.
loss_d = discriminator_loss(D(real), D(G(z_d).detach()))
loss_d.backward()
opt_d.step()
opt_d.zero_grad()
loss_g = generator_loss(D(G(z_g)))
loss_g.backward()
opt_g.step()
opt_g.zero_grad()
return loss_d.item(), loss_g.item()

# %% [gan.train_step] gradients zeroed at the end only
# hint: The gradients are zeroed at the end of the step only. Those that lay in `.grad` before it began still enter it:
# hint: zero right before `backward`.
loss_d = discriminator_loss(D(real), D(G(z_d).detach()))
loss_d.backward()
opt_d.step()
loss_g = generator_loss(D(G(z_g)))
loss_g.backward()
opt_g.step()
opt_d.zero_grad()
opt_g.zero_grad()
return loss_d.item(), loss_g.item()

# %% [gan.train_step] the same noise for both halves, z_g
# hint: The discriminator's half uses z_g. Each half has noise of its own.
loss_d = discriminator_loss(D(real), D(G(z_g).detach()))
opt_d.zero_grad()
loss_d.backward()
opt_d.step()
loss_g = generator_loss(D(G(z_g)))
opt_g.zero_grad()
loss_g.backward()
opt_g.step()
return loss_d.item(), loss_g.item()

# %% [gan.train_step] D's logits of fakes detached
# hint: D's *logits* of the fakes were detached, so that D learns from real pictures alone. What is cut off from G are
# hint: the fakes, before D sees them.
loss_d = discriminator_loss(D(real), D(G(z_d)).detach())
opt_d.zero_grad()
loss_d.backward()
opt_d.step()
loss_g = generator_loss(D(G(z_g)))
opt_g.zero_grad()
loss_g.backward()
opt_g.step()
return loss_d.item(), loss_g.item()

# ---- gan.adain -------------------------------------------------------------------------------------------------------

# %% [gan.adain] statistics over the batch
# hint: Mean and variance go over the batch as well (batch normalisation). Here each picture has its own.
# edit: 2, 3 → 0, 2, 3

# %% [gan.adain] statistics over the channels
# hint: Mean and variance go over the channels at each place. They should go over the places of each channel.
# edit: (2, 3) → 1

# %% [gan.adain] statistics over channels and places
# hint: Mean and variance go over all channels of a picture (layer normalisation). Each channel has its own.
# edit: 2, 3 → 1, 2, 3

# %% [gan.adain] statistics over one axis of places
# hint: Mean and variance go along the rows only. A picture has two axes of places.
# edit: (2, 3) → 3

# %% [gan.adain] statistics over the height only
# hint: Mean and variance go along the columns only. A picture has two axes of places.
# edit: (2, 3) → 2

# %% [gan.adain] statistics over everything
# hint: One mean and one variance for the whole tensor. Each channel of each picture has its own.
# edit: x.mean(dim=(2, 3), keepdim=True) → x.mean()
# edit: x.var(dim=(2, 3), keepdim=True, unbiased=False) → x.var(unbiased=False)

# %% [gan.adain] the axes of the statistics lost
# hint: Without `keepdim` mean and variance are (n, c), and torch lays them along the last axes of x, the places.
# edit: x.mean(dim=(2, 3), keepdim=True) → x.mean(dim=(2, 3))
# edit: keepdim=True, unbiased → unbiased

# %% [gan.adain] the unbiased variance
# hint: The variance is divided by one less than the number of places, which is torch's default. Here it is divided by
# hint: their number.
# edit: x.var(dim=(2, 3), keepdim=True, unbiased=False) → x.var(dim=(2, 3), keepdim=True)

# %% [gan.adain] the variance around 0
# hint: This is the mean of squares. A variance is taken around the mean.
# edit: x.var(dim=(2, 3), keepdim=True, unbiased=False) → (x**2).mean(dim=(2, 3), keepdim=True)

# %% [gan.adain] the root is missing
# hint: You divide by the variance. (6) has a root.
# edit: torch.sqrt(var + 1e-5) → (var + 1e-5)

# %% [gan.adain] the small number outside of the root
# hint: The 1e-5 stands outside of the root, beside the standard deviation. For faint channels that is another number.
# edit: torch.sqrt(var + 1e-5) → (torch.sqrt(var) + 1e-5)

# %% [gan.adain] no small number
# hint: Without the 1e-5 a constant channel is 0/0.
# edit: var + 1e-5 → var

# %% [gan.adain] another small number
# hint: The number under the root is not the one of (6). For faint channels it counts.
# edit: 1e-5 → 1e-8

# %% [gan.adain] the variance clamped
# hint: The variance is clamped from below. (6) adds 1e-5 instead, which makes a difference for faint channels.
# edit: var + 1e-5 → var.clamp(min=1e-5)

# %% [gan.adain] the mean not subtracted
# hint: The old mean is still in there: (6) takes it away before it divides.
# edit: (x - mean) → x

# %% [gan.adain] the statistics detached
# hint: Mean and variance were detached. The exercise asks that gradients flow through them too.
# edit: (x - mean) / torch.sqrt(var + 1e-5) → (x - mean.detach()) / torch.sqrt(var.detach() + 1e-5)

# %% [gan.adain] the variance detached
# hint: The variance was detached. The exercise asks that gradients flow through it too.
# edit: var + 1e-5 → var.detach() + 1e-5

# %% [gan.adain] without gradients
# hint: The normalised features were computed without gradients. The exercise asks that they flow to x.
# replace:
normalised = (x - mean) / torch.sqrt(var + 1e-5)
# by:
with torch.no_grad():
    normalised = (x - mean) / torch.sqrt(var + 1e-5)

# %% [gan.adain] a product with the standard deviation
# hint: You multiply with the root of the variance instead of dividing by it.
# edit: (x - mean) / torch.sqrt(var + 1e-5) → (x - mean) * torch.sqrt(var + 1e-5)

# %% [gan.adain] written into x
# hint: x is changed in place, and whoever called you still needs it.
# replace:
normalised = (x - mean) / torch.sqrt(var + 1e-5)
# by:
x -= mean
normalised = x / torch.sqrt(var + 1e-5)

# %% [gan.adain] w and b swapped
# hint: w and b have changed places: w multiplies, b is added.
# edit: w[:, :, None, None] * normalised + b[:, :, None, None] → b[:, :, None, None] * normalised + w[:, :, None, None]

# %% [gan.adain] 1 + w
# hint: You multiply with 1 + w, as modulated layers of diffusion networks do. In (6) it is w itself.
# edit: w[:, :, None, None] → (1 + w[:, :, None, None])

# %% [gan.adain] b forgotten
# hint: The new mean b is not added.
# edit: normalised + b[:, :, None, None] → normalised

# %% [gan.adain] w forgotten
# hint: The new standard deviation w does not enter.
# edit: w[:, :, None, None] * normalised → normalised

# %% [gan.adain] b inside of the product
# hint: b is added before w multiplies. In (6) it comes last.
# edit: normalised + b[:, :, None, None] → (normalised + b[:, :, None, None])

# %% [gan.adain] w and b along the width
# hint: w and b were laid along the last axes, the places, instead of pictures and channels. Give them axes of 1 at the
# hint: end.
# edit: w[:, :, None, None] * normalised + b[:, :, None, None] → w * normalised + b

# %% [gan.adain] w and b along the height
# hint: w and b lie along channels and height. They belong to pictures and channels: two axes of 1 stand at the end.
# edit: w[:, :, None, None] * normalised + b[:, :, None, None] → w[None, :, :, None] * normalised + b[None, :, :, None]

# %% [gan.adain] w and b of the first picture
# hint: All pictures got the style of the first one. Each has its own.
# replace:
return w[:, :, None, None] * normalised + b[:, :, None, None]
# by:
return w[:1, :, None, None] * normalised + b[:1, :, None, None]

# %% [gan.adain] the variance of each row
# hint: The variance is that of each row around its own mean, averaged over the rows: how the rows differ from each
# hint: other is lost. It goes over all places of a channel at once.
mean = x.mean(dim=(2, 3), keepdim=True)
var = x.var(dim=3, keepdim=True, unbiased=False).mean(dim=2, keepdim=True)
return w[:, :, None, None] * (x - mean) / torch.sqrt(var + 1e-5) + b[:, :, None, None]

# %% [gan.adain] the root of the standard deviation
# hint: A root is taken twice: `std` is the root of the variance already.
mean = x.mean(dim=(2, 3), keepdim=True)
var = x.std(dim=(2, 3), keepdim=True, unbiased=False)
return w[:, :, None, None] * (x - mean) / torch.sqrt(var + 1e-5) + b[:, :, None, None]

# %% [gan.adain] a small number of another size
# hint: Under the root stands a small number, but a tenth of that in (6). For faint channels it counts.
mean = x.mean(dim=(2, 3), keepdim=True)
var = x.var(dim=(2, 3), keepdim=True, unbiased=False)
return w[:, :, None, None] * (x - mean) / torch.sqrt(var + 1e-6) + b[:, :, None, None]

# ---- gan.slerp -------------------------------------------------------------------------------------------------------

# %% [gan.slerp] times along the dimensions
# hint: The times were laid along the dimensions. There is one for each pair: it needs an axis of 1 behind it.
# edit: torch.as_tensor(t, dtype=z0.dtype, device=z0.device).reshape(-1, 1) → torch.as_tensor(t, dtype=z0.dtype)

# %% [gan.slerp] a time needs a number
# hint: A float has no axes. The time may be a float or a tensor: make a tensor of it first.
# edit: torch.as_tensor(t, dtype=z0.dtype, device=z0.device).reshape(-1, 1) → t[:, None]

# %% [gan.slerp] the first time for all
# hint: All pairs were taken at the first one's time. Each has its own.
# edit: as_tensor(t, dtype=z0.dtype, device=z0.device).reshape(-1, 1) → as_tensor(t, dtype=z0.dtype).reshape(-1, 1)[:1]

# %% [gan.slerp] the angle of vectors that are not normalised
# hint: The dot product of the vectors themselves is no cosine: it must be divided by both lengths. (Clamped to 1, it
# hint: gives the angle 0.)
# edit: F.cosine_similarity(z0, z1, dim=1)[:, None] → (z0 * z1).sum(dim=1, keepdim=True)

# %% [gan.slerp] divided by one length only
# hint: The dot product was divided by one of the lengths only. A cosine needs both.
# edit: F.cosine_similarity(z0, z1, dim=1)[:, None] → (z0 * z1).sum(dim=1, keepdim=True) / z0.norm(dim=1, keepdim=True)

# %% [gan.slerp] the cosine along the batch
# hint: The cosine goes along the batch, one for each dimension. It belongs to a pair: along the dimensions.
# edit: dim=1 → dim=0

# %% [gan.slerp] one angle for the whole batch
# hint: One angle was computed for the whole batch. Each pair has its own.
# edit: cosine_similarity(z0, z1, dim=1)[:, None] → cosine_similarity(z0.flatten(), z1.flatten(), dim=0).reshape(1, 1)

# %% [gan.slerp] the cosine in the place of the angle
# hint: The sines were given the cosine itself. Which function makes an angle of it?
# edit: torch.acos(cos.clamp(-0.9995, 0.9995)) → cos

# %% [gan.slerp] half of the angle
# hint: The angle is halved. Between z0 and z1 lies Ω itself.
# edit: torch.acos(cos.clamp(-0.9995, 0.9995)) → torch.acos(cos.clamp(-0.9995, 0.9995)) / 2

# %% [gan.slerp] degrees
# hint: The angle was turned into degrees, and torch's sine takes radians.
# edit: torch.acos(cos.clamp(-0.9995, 0.9995)) → torch.rad2deg(torch.acos(cos.clamp(-0.9995, 0.9995)))

# %% [gan.slerp] no case for one direction, NaN
# hint: Where both point the same way, 0 is divided by 0. The text asks for the straight line there.
# edit: 0.9995, 0.9995 → 1, 1
# edit: torch.where(straight, 1 - t, weight_0) * z0 + torch.where(straight, t, weight_1) → weight_0 * z0 + weight_1

# %% [gan.slerp] no case, no clamp
# hint: Rounding pushed a cosine beyond 1, and its arccos is NaN; and for one direction the straight line is missing.
# edit: cos.clamp(-0.9995, 0.9995) → cos
# edit: torch.where(straight, 1 - t, weight_0) * z0 + torch.where(straight, t, weight_1) → weight_0 * z0 + weight_1

# %% [gan.slerp] NaN times 0
# hint: You mix the two cases by multiplying with 0 and 1, but NaN times 0 is NaN. Choose, don't mix; or keep the other
# hint: case finite.
# replace:
angle = torch.acos(cos.clamp(-0.9995, 0.9995))
# by:
angle = torch.acos(cos.clamp(-1, 1))
# replace:
return torch.where(straight, 1 - t, weight_0) * z0 + torch.where(straight, t, weight_1) * z1
# by:
return straight * ((1 - t) * z0 + t * z1) + ~straight * (weight_0 * z0 + weight_1 * z1)

# %% [gan.slerp] opposite ways are forgotten
# hint: Pairs that point opposite ways have cos Ω = -1: for them, too, no circle is determined. The condition has |cos
# hint: Ω|.
# edit: -0.9995 → -1
# edit: cos.abs() → cos

# %% [gan.slerp] from z1 to z0
# hint: The walk runs backwards: at t = 0 it must be at z0.
# replace:
weight_0 = torch.sin((1 - t) * angle) / torch.sin(angle)
# by:
weight_0 = torch.sin(t * angle) / torch.sin(angle)
# replace:
weight_1 = torch.sin(t * angle) / torch.sin(angle)
# by:
weight_1 = torch.sin((1 - t) * angle) / torch.sin(angle)
# replace:
return torch.where(straight, 1 - t, weight_0) * z0 + torch.where(straight, t, weight_1) * z1
# by:
return torch.where(straight, t, weight_0) * z0 + torch.where(straight, 1 - t, weight_1) * z1

# %% [gan.slerp] backwards where it is not straight
# hint: On the circle the walk runs backwards: at t = 0 it must be at z0.
# edit: (1 - t) → t
# edit: weight_1 = torch.sin(t * angle) → weight_1 = torch.sin((1 - t) * angle)

# %% [gan.slerp] cosines in the place of sines
# hint: Cosines stand where the drawing has sines: at t = 0 the weight of z0 is not 1.
# edit: torch.sin((1 - t) * angle) / torch.sin(angle) → torch.cos((1 - t) * angle) / torch.cos(angle)
# edit: torch.sin(t * angle) / torch.sin(angle) → torch.cos(t * angle) / torch.cos(angle)

# %% [gan.slerp] not divided by the sine
# hint: The weights are not divided by anything: at t = 0 that of z0 is sin Ω, and not 1.
# edit: torch.sin((1 - t) * angle) / torch.sin(angle) → torch.sin((1 - t) * angle)
# edit: torch.sin(t * angle) / torch.sin(angle) → torch.sin(t * angle)

# %% [gan.slerp] divided by the angle
# hint: The weights are divided by the angle. At t = 0 the weight of z0 must be 1: divide by what it is there.
# edit: torch.sin(angle) → angle

# %% [gan.slerp] the circle's cosine and sine
# hint: For a right angle cos and sin of the time are right; for any other angle between z0 and z1 they are not.
# edit: torch.sin((1 - t) * angle) / torch.sin(angle) → torch.cos(t * math.pi / 2)
# edit: torch.sin(t * angle) / torch.sin(angle) → torch.sin(t * math.pi / 2)

# %% [gan.slerp] the first weight forgets 1 - t
# hint: The weight of z0 is what remains of 1, as on the straight line. On the circle the two do not add up to 1.
# edit: torch.sin((1 - t) * angle) → 1 - torch.sin(t * angle)

# %% [gan.slerp] one straight pair makes all straight
# hint: One pair that points the same way made the whole batch walk straight. Each pair has its own case.
# edit: cos.abs() > 0.9995 → (cos.abs() > 0.9995).any()

# %% [gan.slerp] backwards where it is straight
# hint: On the straight line, for pairs of one direction, the walk runs backwards.
# replace:
return torch.where(straight, 1 - t, weight_0) * z0 + torch.where(straight, t, weight_1) * z1
# by:
return torch.where(straight, t, weight_0) * z0 + torch.where(straight, 1 - t, weight_1) * z1

# %% [gan.slerp] always the straight line
# hint: This is the straight line. The walk is to stay on the circle.
# edit: torch.where(straight, 1 - t, weight_0) * z0 + torch.where(straight, t, weight_1) → (1 - t) * z0 + t

# %% [gan.slerp] the weights act on the directions
# hint: The weights were applied to unit vectors, so the lengths of z0 and z1 are lost. They act on the vectors as they
# hint: are.
# replace:
return torch.where(straight, 1 - t, weight_0) * z0 + torch.where(straight, t, weight_1) * z1
# by:
return torch.where(straight, 1 - t, weight_0) * F.normalize(z0, dim=1) + torch.where(straight, t, weight_1) * F.normalize(z1, dim=1)

# %% [gan.slerp] no case for one direction, clamped
# hint: The clamped angle keeps NaN away, but pairs that point the same way or opposite ways do not get the straight
# hint: line.
# edit: torch.where(straight, 1 - t, weight_0) * z0 + torch.where(straight, t, weight_1) → weight_0 * z0 + weight_1

# %% [gan.slerp] the cases swapped
# hint: The two cases have changed places: the straight line is for pairs whose directions agree.
# replace:
return torch.where(straight, 1 - t, weight_0) * z0 + torch.where(straight, t, weight_1) * z1
# by:
return torch.where(straight, weight_0, 1 - t) * z0 + torch.where(straight, weight_1, t) * z1

# %% [gan.slerp] a minus between the two
# hint: The second term is subtracted: at t = 1 this is -z1.
# edit: z0 + torch.where(straight, t, weight_1) → z0 - torch.where(straight, t, weight_1)

# %% [gan.slerp] the lengths walked straight
# hint: The direction walks on the circle, and the length was walked by itself. The text asks for less: both weights act
# hint: on the vectors as they are.
t = torch.as_tensor(t, dtype=z0.dtype).reshape(-1, 1)
u0, u1 = F.normalize(z0, dim=1), F.normalize(z1, dim=1)
cos = (u0 * u1).sum(dim=1, keepdim=True)
angle = torch.acos(cos.clamp(-0.9995, 0.9995))
u = (torch.sin((1 - t) * angle) * u0 + torch.sin(t * angle) * u1) / torch.sin(angle)
length = (1 - t) * z0.norm(dim=1, keepdim=True) + t * z1.norm(dim=1, keepdim=True)
return torch.where(cos.abs() > 0.9995, (1 - t) * z0 + t * z1, length * u)

# %% [gan.slerp] the straight line, stretched to the circle
# hint: You walk on the straight line and stretch the result to the circle: it stays there, but is faster in the middle
# hint: than at the ends.
t = torch.as_tensor(t, dtype=z0.dtype).reshape(-1, 1)
line = (1 - t) * z0 + t * z1
length = (1 - t) * z0.norm(dim=1, keepdim=True) + t * z1.norm(dim=1, keepdim=True)
return line / line.norm(dim=1, keepdim=True) * length

# %% [gan.slerp] an if for the whole batch
# hint: `if` wants one yes or no, but every pair has its own. Choose elementwise.
t = torch.as_tensor(t, dtype=z0.dtype).reshape(-1, 1)
cos = F.cosine_similarity(z0, z1, dim=1)[:, None]
if cos.abs() > 0.9995:
    return (1 - t) * z0 + t * z1
angle = torch.acos(cos)
return (torch.sin((1 - t) * angle) * z0 + torch.sin(t * angle) * z1) / torch.sin(angle)

# %% [gan.slerp] z1 turned round
# hint: Where the angle is wider than a right one, z1 was turned into -z1. That is for quaternions, where both are the
# hint: same rotation; -z1 is another code, and the walk ends at z1.
t = torch.as_tensor(t, dtype=z0.dtype).reshape(-1, 1)
cos = F.cosine_similarity(z0, z1, dim=1)[:, None]
z1 = torch.where(cos < 0, -z1, z1)
cos = cos.abs()
angle = torch.acos(cos.clamp(-0.9995, 0.9995))
arc = (torch.sin((1 - t) * angle) * z0 + torch.sin(t * angle) * z1) / torch.sin(angle)
return torch.where(cos.abs() > 0.9995, (1 - t) * z0 + t * z1, arc)

# %% [gan.slerp] the angle never wider than a right one
# hint: The cosine has lost its sign, so that no angle is wider than a right one. Where the directions point away from
# hint: each other, Ω is.
t = torch.as_tensor(t, dtype=z0.dtype).reshape(-1, 1)
cos = F.cosine_similarity(z0, z1, dim=1)[:, None]
cos = cos.abs()
angle = torch.acos(cos.clamp(-0.9995, 0.9995))
arc = (torch.sin((1 - t) * angle) * z0 + torch.sin(t * angle) * z1) / torch.sin(angle)
return torch.where(cos.abs() > 0.9995, (1 - t) * z0 + t * z1, arc)

# %% [gan.slerp] a small number beside the sine, no case
# hint: A small number beside the sine keeps NaN away, but where both point the same way the weights are then 0/small:
# hint: the result is no walk. The text asks for the straight line there.
t = torch.as_tensor(t, dtype=z0.dtype).reshape(-1, 1)
cos = F.cosine_similarity(z0, z1, dim=1)[:, None]
angle = torch.acos(cos.clamp(-1, 1))
return (torch.sin((1 - t) * angle) * z0 + torch.sin(t * angle) * z1) / (torch.sin(angle) + 1e-8)

# ---- gan.frechet_distance --------------------------------------------------------------------------------------------

# %% [gan.frechet_distance] elementwise roots
# hint: `sqrt` of a matrix takes the root of each entry. The root of a matrix is another matrix, whose product with
# hint: itself gives it back.
# replace:
def root(matrix):
# by:
# replace:
    values, vectors = torch.linalg.eigh(matrix)
# by:
# replace:
    return vectors @ torch.diag(values.clamp(min=0).sqrt()) @ vectors.T
# by:
# replace:
cross = root(root(cov1) @ cov2 @ root(cov1))
# by:
cross = (cov1.sqrt() @ cov2 @ cov1.sqrt()).sqrt()

# %% [gan.frechet_distance] the Cholesky factor
# hint: The Cholesky factor L has LLᵀ = C, but it is not symmetric, and LL is not C. In (8) stands the symmetric root.
# replace:
    values, vectors = torch.linalg.eigh(matrix)
# by:
    return torch.linalg.cholesky(matrix)
# replace:
    return vectors @ torch.diag(values.clamp(min=0).sqrt()) @ vectors.T
# by:

# %% [gan.frechet_distance] the eigenvalues without their root
# hint: Your root gives the matrix back: the eigenvalues were not rooted.
# edit: values.clamp(min=0).sqrt() → values.clamp(min=0)

# %% [gan.frechet_distance] the vectors transposed
# hint: The eigenvectors are the *columns* of what `eigh` gives, so the transposed one stands last.
# replace:
return vectors @ torch.diag(values.clamp(min=0).sqrt()) @ vectors.T
# by:
return vectors.T @ torch.diag(values.clamp(min=0).sqrt()) @ vectors

# %% [gan.frechet_distance] the vectors not transposed at the end
# hint: The last factor must be transposed: eigenvectors, eigenvalues, eigenvectors turned back.
# edit: vectors.T → vectors

# %% [gan.frechet_distance] the eigenvalues alone
# hint: Your root is diagonal: the eigenvectors are lost, or they meet their own transpose before the eigenvalues come
# hint: between.
# edit: vectors @ torch.diag(values.clamp(min=0).sqrt()) @ vectors.T → torch.diag(values.clamp(min=0).sqrt())

# %% [gan.frechet_distance] nothing clamped
# hint: Where a covariance is singular, rounding makes an eigenvalue slightly negative, and its root is NaN. It counts
# hint: as 0, and must be set before the root is taken: afterwards it is too late.
# edit: values.clamp(min=0).sqrt() → values.sqrt()

# %% [gan.frechet_distance] elementwise root of the absolute product
# hint: The root is taken of each entry. The root of a matrix is another matrix, whose product with itself gives it
# hint: back.
# edit: root(root(cov1) @ cov2 @ root(cov1)) → (cov1 @ cov2).abs().sqrt()

# %% [gan.frechet_distance] elementwise root outside
# hint: The outer root is taken of each entry. It is the root of a matrix as well.
# edit: root(root(cov1) @ cov2 @ root(cov1)) → (root(cov1) @ cov2 @ root(cov1)).abs().sqrt()

# %% [gan.frechet_distance] the outer root missing
# hint: The outer root is missing: the cross term is a product of three matrices, and its root is asked for.
# edit: root(root(cov1) @ cov2 @ root(cov1)) → root(cov1) @ cov2 @ root(cov1)

# %% [gan.frechet_distance] the inner roots missing
# hint: The inner roots are missing: the matrix under the outer root holds C₁ twice.
# edit: root(cov1) @ cov2 @ root(cov1) → cov1 @ cov2 @ cov1

# %% [gan.frechet_distance] the root of a product by a function for symmetric matrices
# hint: C₁C₂ is not symmetric, and your root is for symmetric matrices only: `eigh` looks at one triangle and believes
# hint: the other to be its mirror image. (8) has a symmetric form.
# edit: root(cov1) @ cov2 @ root(cov1) → cov1 @ cov2

# %% [gan.frechet_distance] the roots multiplied
# hint: This is right only where the two covariances have the same eigenvectors: there the root of a product is the
# hint: product of the roots, and nowhere else.
# edit: root(root(cov1) @ cov2 @ root(cov1)) → root(cov1) @ root(cov2)

# %% [gan.frechet_distance] the Cholesky factor inside
# hint: The inner root is the Cholesky factor L, on the left, and Lᵀ on the right: L C₂ Lᵀ has other eigenvalues than
# hint: the matrix in (8). Its root is symmetric.
# replace:
cross = root(root(cov1) @ cov2 @ root(cov1))
# by:
factor = torch.linalg.cholesky(cov1)
cross = root(factor @ cov2 @ factor.T)

# %% [gan.frechet_distance] diagonals only
# hint: Only the variances enter. Covariances count: (8) has roots of whole matrices.
# edit: root(root(cov1) @ cov2 @ root(cov1)) → torch.diag((cov1.diagonal() * cov2.diagonal()).sqrt())

# %% [gan.frechet_distance] the 2 missing
# hint: The factor 2 in front of the root is missing: the distance of a Gaussian to itself is not 0.
# edit: 2 * cross → cross

# %% [gan.frechet_distance] the root of the whole
# hint: You took the root of the whole. What is called the distance here is (8) as it stands, a squared length.
# replace:
return (mu1 - mu2).square().sum() + torch.trace(cov1 + cov2 - 2 * cross)
# by:
return ((mu1 - mu2).square().sum() + torch.trace(cov1 + cov2 - 2 * cross)).clamp(min=0).sqrt()

# %% [gan.frechet_distance] the means not squared
# hint: The distance of the means is not squared.
# edit: (mu1 - mu2).square().sum() → (mu1 - mu2).norm()

# %% [gan.frechet_distance] the mean of squares
# hint: The squared differences of the means are averaged. A squared length is their sum.
# edit: (mu1 - mu2).square().sum() → (mu1 - mu2).square().mean()

# %% [gan.frechet_distance] the means forgotten
# hint: The means do not enter.
# edit: (mu1 - mu2).square().sum() + torch.trace(cov1 + cov2 - 2 * cross) → torch.trace(cov1 + cov2 - 2 * cross)

# %% [gan.frechet_distance] the covariances forgotten
# hint: Only the means enter. Two Gaussians differ in their covariances too.
# edit: (mu1 - mu2).square().sum() + torch.trace(cov1 + cov2 - 2 * cross) → (mu1 - mu2).square().sum()

# %% [gan.frechet_distance] absolute differences of the means
# hint: The differences of the means are taken absolutely, not squared.
# edit: (mu1 - mu2).square().sum() → (mu1 - mu2).abs().sum()

# %% [gan.frechet_distance] the sum of all entries
# hint: You sum all entries of the matrix. A trace is the sum of its diagonal.
# edit: torch.trace(cov1 + cov2 - 2 * cross) → (cov1 + cov2 - 2 * cross).sum()

# %% [gan.frechet_distance] no trace
# hint: A matrix comes back: the trace is missing.
# edit: torch.trace(cov1 + cov2 - 2 * cross) → cov1 + cov2 - 2 * cross

# %% [gan.frechet_distance] the sign of the root
# hint: The root is added. The more alike two covariances are, the more it takes away.
# edit: cov2 - 2 → cov2 + 2

# %% [gan.frechet_distance] the means added
# hint: The means are added where their difference should stand.
# edit: mu1 - mu2 → mu1 + mu2

# %% [gan.frechet_distance] the covariances subtracted
# hint: The covariances are subtracted. In (8) both are added, and twice the root is taken away.
# edit: cov1 + cov2 → cov1 - cov2

# %% [gan.frechet_distance] rounded to float32
# hint: A float32 number comes back. Traces of large matrices nearly cancel here: stay in float64.
# replace:
return (mu1 - mu2).square().sum() + torch.trace(cov1 + cov2 - 2 * cross)
# by:
return ((mu1 - mu2).square().sum() + torch.trace(cov1 + cov2 - 2 * cross)).float()

# %% [gan.frechet_distance] a plain number
# hint: A plain number comes back. Asked for is a scalar tensor, so that a batch of them can be stacked or moved.
# replace:
return (mu1 - mu2).square().sum() + torch.trace(cov1 + cov2 - 2 * cross)
# by:
return ((mu1 - mu2).square().sum() + torch.trace(cov1 + cov2 - 2 * cross)).item()

# %% [gan.frechet_distance] a complex number
# hint: The number is complex: `eig` and some matrix roots are, also where the imaginary part is 0. Take the real part.
# edit: torch.trace(cov1 + cov2 - 2 * cross) → torch.trace(cov1 + cov2 - 2 * cross) + 0j

# %% [gan.frechet_distance] the root of the trace
# hint: Root and trace have changed places: the root is taken of one number, the trace. In (8) it is the matrix that has a
# hint: root, and the trace is taken last.
# edit: torch.trace(cov1 + cov2 - 2 * cross) → torch.trace(cov1 + cov2) - 2 * torch.trace(cross @ cross).sqrt()

# %% [gan.frechet_distance] elementwise roots, clamped
# hint: The roots are taken entry by entry, and the clamp hides that entries were negative. The root of a matrix is
# hint: another matrix, whose product with itself gives it back; what is clamped are eigenvalues.
r = cov1.clamp(min=0).sqrt()
cross = (r @ cov2 @ r).clamp(min=0).sqrt()
return (mu1 - mu2).square().sum() + torch.trace(cov1 + cov2 - 2 * cross)

# %% [gan.frechet_distance] the Cholesky factor and its transpose
# hint: L C₂ Lᵀ with the Cholesky factor L of C₁ has other eigenvalues than C₁C₂, and a triangular factor has another
# hint: trace than the root. In (8) both roots are symmetric.
small = 1e-10 * torch.eye(len(mu1), dtype=mu1.dtype)
factor = torch.linalg.cholesky(cov1 + small)
cross = torch.linalg.cholesky(factor @ cov2 @ factor.T + small)
return (mu1 - mu2).square().sum() + torch.trace(cov1 + cov2 - 2 * cross)

# %% [gan.frechet_distance] a divergence
# hint: This is the KL divergence of the two Gaussians, which is another measure.
inverse = torch.linalg.inv(cov2)
logs = torch.logdet(cov2) - torch.logdet(cov1)
return 0.5 * (torch.trace(inverse @ cov1) + (mu2 - mu1) @ inverse @ (mu2 - mu1) - len(mu1) + logs)

# %% [gan.frechet_distance] something small on the diagonals
# hint: A small number is added to the diagonals or to the eigenvalues. Its root is much larger than itself, and where a
# hint: covariance is singular the distance feels it. What is below 0 counts as 0; nothing else changes.
def root(matrix):
    values, vectors = torch.linalg.eigh(matrix)
    return vectors @ torch.diag(values.clamp(min=0).sqrt()) @ vectors.T

small = 1e-6 * torch.eye(len(mu1), dtype=mu1.dtype)
inner = root(cov1 + small)
return (mu1 - mu2).square().sum() + torch.trace(cov1 + cov2 - 2 * root(inner @ (cov2 + small) @ inner))
