# ---- score.langevin_step ---------------------------------------------------------------------------------------------

# %% [score.langevin_step] the stumbling is h z
# hint: The noise is too small for a small step and too large for a large one: it is multiplied by the step size itself,
# hint: where (3) has a root.
# edit: math.sqrt(2 * step_size) → step_size

# %% [score.langevin_step] 2 missing under the root
# hint: The noise has the wrong size by a factor: what stands under the root in (3)?
# edit: math.sqrt(2 * step_size) → math.sqrt(step_size)

# %% [score.langevin_step] the 2 is outside of the root
# hint: The 2 belongs under the root, and yours stands before it.
# edit: math.sqrt(2 * step_size) → 2 * math.sqrt(step_size)

# %% [score.langevin_step] the variance in place of its root
# hint: 2h is the variance of the stumbling; the noise is multiplied by its standard deviation.
# edit: math.sqrt(2 * step_size) → 2 * step_size

# %% [score.langevin_step] half of the score
# hint: The pull is half of what (3) says. (Some texts write ε for 2h, and then the pull has ε/2 and the noise √ε.)
# edit: step_size * score → 0.5 * step_size * score

# %% [score.langevin_step] another text's convention
# hint: This is the step of texts in which ε is twice our h: their pull is ε/2 and their noise √ε. Here it is (3).
# edit: step_size * score + math.sqrt(2 * step_size) * z → step_size / 2 * score + math.sqrt(step_size) * z

# %% [score.langevin_step] doubled pull
# hint: The pull is twice what (3) says; the 2 belongs to the noise alone.
# edit: step_size * score → 2 * step_size * score

# %% [score.langevin_step] downhill
# hint: The walkers go down. The score points to where the density is higher, and they go with it.
# edit: x + step_size → x - step_size

# %% [score.langevin_step] the noise subtracted
# hint: The noise has the other sign. That is as random, but z is given, and (3) adds it.
# edit: + math.sqrt → - math.sqrt

# %% [score.langevin_step] no noise
# hint: Nothing stumbles: this climbs to the top, which is gradient ascent and no sampling.
# edit: + math.sqrt(2 * step_size) * z →

# %% [score.langevin_step] no score
# hint: The score is missing: the walkers only diffuse.
# edit: + step_size * score →

# %% [score.langevin_step] only the change
# hint: This is the change; the walkers' place is missing from it.
# edit: x + step_size → step_size

# %% [score.langevin_step] score and noise swapped
# hint: Score and noise have changed places.
# edit: step_size * score + math.sqrt(2 * step_size) * z → step_size * z + math.sqrt(2 * step_size) * score

# %% [score.langevin_step] noise of its own
# hint: You draw noise of your own. It is given, as z.
# edit: * z → * torch.randn_like(x)

# %% [score.langevin_step] √2 h
# hint: The noise is multiplied by √2·h; the whole of 2h stands under the root.
# edit: math.sqrt(2 * step_size) → math.sqrt(2) * step_size

# %% [score.langevin_step] torch.sqrt of a number
# hint: torch.sqrt takes a tensor, and step_size is a number: take its root as a number.
# edit: math.sqrt → torch.sqrt

# %% [score.langevin_step] in place
# hint: The walkers' tensor is written into, by += or add_: whoever calls still needs the old places. Make a new tensor.
x += step_size * score + math.sqrt(2 * step_size) * z
return x

# %% [score.langevin_step] score normalised
# hint: The score is divided by its norm. (3) takes it as it is: where the hill is steep, the pull is strong.
# edit: step_size * score → step_size * score / score.norm()

# %% [score.langevin_step] the step on everything
# hint: The step size multiplies the noise once more: the bracket closes too late.
# edit: step_size * score + math.sqrt(2 * step_size) * z → step_size * (score + math.sqrt(2 * step_size) * z)

# %% [score.langevin_step] the root over the pull as well
# hint: The pull is multiplied by √(2h), which belongs to the noise alone.
# edit: step_size * score → math.sqrt(2 * step_size) * score

# ---- score.score_matching_loss ---------------------------------------------------------------------------------------

# %% [score.score_matching_loss] ½ missing
# hint: The squared norm counts twice as much as in (4): half of it is added to the trace.
# edit: 0.5 * →

# %% [score.score_matching_loss] the half on everything
# hint: The half stands before the trace too; in (4) it belongs to the squared norm alone.
# edit: (trace + 0.5 * score.square().sum(dim=1)) → 0.5 * (trace + score.square().sum(dim=1))

# %% [score.score_matching_loss] half of the trace
# hint: The half stands before the trace, and the squared norm has none: they have changed places.
# edit: (trace + 0.5 * score.square().sum(dim=1)) → (0.5 * trace + score.square().sum(dim=1))

# %% [score.score_matching_loss] mean over dimensions of the norm
# hint: The squared norm sums over the coordinates of a point, and you take their mean.
# edit: score.square().sum(dim=1) → score.square().mean(dim=1)

# %% [score.score_matching_loss] mean over everything
# hint: Everything is averaged over the coordinates too. (4) sums over the coordinates and averages over the points.
# edit: return (trace + 0.5 * score.square().sum(dim=1)).mean() → return (trace + 0.5 * score.square().sum(dim=1)).mean() / x.shape[1]

# %% [score.score_matching_loss] the trace averaged over dimensions
# hint: The trace sums the diagonal, and yours is its mean.
# edit: (trace + → (trace / x.shape[1] +

# %% [score.score_matching_loss] summed over the batch
# hint: The points are summed; (4) takes their mean.
# edit: .mean() → .sum()

# %% [score.score_matching_loss] one number a point
# hint: There is one number for each point; the loss is their mean.
# edit: .mean() →

# %% [score.score_matching_loss] the norm without its square
# hint: The norm stands without its square.
# edit: score.square().sum(dim=1) → score.norm(dim=1)

# %% [score.score_matching_loss] the trace subtracted
# hint: The trace has the other sign. Integration by parts has turned it round once already.
# edit: (trace + 0.5 → (-trace + 0.5

# %% [score.score_matching_loss] the norm subtracted
# hint: The squared norm is subtracted: with that, the loss has no lower bound.
# edit: (trace + 0.5 → (trace - 0.5

# %% [score.score_matching_loss] no trace
# hint: The trace is missing: what is left is smallest for a network that always says 0.
# edit: (trace + 0.5 → (0.5

# %% [score.score_matching_loss] no norm
# hint: The squared norm is missing: the trace alone has no lower bound.
# edit: + 0.5 * score.square().sum(dim=1) →

# %% [score.score_matching_loss] the trace of the first point only
# hint: Only the first point's Jacobian is used. Each point has a trace of its own.
# replace:
trace = trace + torch.autograd.grad(score[:, i].sum(), x, create_graph=True)[0][:, i]  # (b,)
# by:
trace = trace + torch.autograd.grad(score[0, i], x, create_graph=True)[0][0, i]

# %% [score.score_matching_loss] only the first entry of the diagonal
# hint: Only the first entry of each Jacobian's diagonal is taken. The trace has as many as a point has coordinates.
# edit: range(x.shape[1]) → range(1)

# %% [score.score_matching_loss] the last is missing
# hint: The last coordinate is missing from the trace.
# edit: range(x.shape[1]) → range(x.shape[1] - 1)

# %% [score.score_matching_loss] the loop runs over the points
# hint: The loop runs over the points, where it should run over a point's coordinates.
# edit: range(x.shape[1]) → range(x.shape[0])

# %% [score.score_matching_loss] the sum of the whole Jacobian
# hint: You sum the whole Jacobian, not its diagonal: the gradient of the sum of all coordinates adds up every entry.
# replace:
trace = 0.0
for i in range(x.shape[1]):
    trace = trace + torch.autograd.grad(score[:, i].sum(), x, create_graph=True)[0][:, i]  # (b,)
# by:
trace = torch.autograd.grad(score.sum(), x, create_graph=True)[0].sum(dim=1)

# %% [score.score_matching_loss] column 0 each time
# hint: The same column is taken for every coordinate; only one of these entries stands on the diagonal.
# edit: [0][:, i] → [0][:, 0]

# %% [score.score_matching_loss] overwritten in the loop
# hint: The loop keeps only the last derivative: each is to be added to those before.
# edit: trace = trace + torch → trace = torch

# %% [score.score_matching_loss] the trace is a constant to the optimiser
# hint: The value is right, but the trace has no graph: its gradient does not reach the network, and training would minimise
# hint: the squared norm alone. Autograd must be told that its answer will be differentiated again.
# edit: create_graph=True → retain_graph=True

# %% [score.score_matching_loss] the graph is freed
# hint: Autograd throws the graph away after the first derivative unless it is told that more will follow; the loss itself
# hint: must be differentiated too.
# edit: , create_graph=True →

# %% [score.score_matching_loss] the graph is cut at the end
# hint: The loss has lost its graph: nothing can be learned from it.
# edit: .mean() → .mean().detach()

# %% [score.score_matching_loss] a number without a graph
# hint: .item() makes a plain number of it, and training needs the graph.
# edit: .mean() → .mean().item()

# %% [score.score_matching_loss] the score is cut
# hint: The squared norm has no graph: a detached score is no longer the network's.
# edit: 0.5 * score → 0.5 * score.detach()

# %% [score.score_matching_loss] x asks for no gradient
# hint: The place asks for no gradient, so nothing can be differentiated with respect to it.
# edit: x.detach().requires_grad_() → x.detach()

# %% [score.score_matching_loss] the caller's x
# hint: The caller's own tensor asks for gradients from now on. Take a tensor of your own.
# edit: x = x.detach().requires_grad_() → x.requires_grad_()

# ---- score.dsm_loss --------------------------------------------------------------------------------------------------

# %% [score.dsm_loss] the noise itself as target
# hint: The target is the noise itself with a minus: that is what a noise predictor learns. A score is measured per σ.
# edit: noise / shaped) → noise)

# %% [score.dsm_loss] noise / σ²
# hint: The target is too small by another factor σ. In (2) the difference is divided by σ²; but what is the difference,
# hint: written with standard normal noise?
# edit: noise / shaped) → noise / shaped**2)

# %% [score.dsm_loss] noise times σ
# hint: The target grows with σ, and it should shrink: the Gaussian's logarithm is flat where it is wide.
# edit: noise / shaped) → noise * shaped)

# %% [score.dsm_loss] sign
# hint: The target has the wrong sign: the score points from the noisy point back to the clean one, and the noise away.
# edit: score + noise → score - noise

# %% [score.dsm_loss] score of the clean sample
# hint: The network is asked at the clean data. It has to answer at the noisy ones: that is where the score is wanted.
# edit: score_fn(x + shaped * noise, sigma) → score_fn(x, sigma)

# %% [score.dsm_loss] noise not scaled
# hint: The noise is added as it is; at level σ it is σ times as large.
# edit: x + shaped * noise → x + noise

# %% [score.dsm_loss] variance times noise
# hint: The noise is added with the variance as its factor, not the standard deviation.
# edit: x + shaped * noise → x + shaped**2 * noise

# %% [score.dsm_loss] root of σ times noise
# hint: σ is a standard deviation, not a variance: no root of it is needed.
# edit: x + shaped * noise → x + shaped.sqrt() * noise

# %% [score.dsm_loss] a variance-preserving mix
# hint: The data is shrunk by √(1 − σ²). On this path it stays as it is, and only the noise grows.
# edit: x + shaped → (1 - shaped**2).abs().sqrt() * x + shaped

# %% [score.dsm_loss] NCSN's weight
# hint: This has a weight σ² already. It comes in exercise 5; here the squared difference is averaged as it is.
# edit: (score + noise / shaped).square() → (shaped * score + noise).square()

# %% [score.dsm_loss] weight σ
# hint: Each squared difference is multiplied by σ; there is no weight here.
# edit: (score + noise / shaped).square() → shaped * (score + noise / shaped).square()

# %% [score.dsm_loss] a half
# hint: A factor ½ stands before it. Others write one; here it is the plain mean.
# edit: return (score → return 0.5 * (score

# %% [score.dsm_loss] sum over dimensions
# hint: The numbers of a sample are summed; the mean is over all numbers.
# edit: .square().mean() → .square().flatten(1).sum(1).mean()

# %% [score.dsm_loss] half of the sum over dimensions
# hint: This is the loss with ½ and a sum over each sample's numbers, as some papers write it. Here it is the mean over all.
# edit: return (score + noise / shaped).square().mean() → return 0.5 * (score + noise / shaped).square().flatten(1).sum(1).mean()

# %% [score.dsm_loss] everything summed
# hint: Everything is summed; the mean is over all numbers.
# edit: .mean() → .sum()

# %% [score.dsm_loss] not averaged at all
# hint: The squared differences are there, each by itself; the loss is their mean.
# edit: .mean() →

# %% [score.dsm_loss] one number a sample
# hint: There is one number for each sample; the loss is one number for all.
# edit: .mean() → .flatten(1).mean(1)

# %% [score.dsm_loss] no square
# hint: The differences are not squared, so that positive and negative ones cancel.
# edit: .square() →

# %% [score.dsm_loss] absolute differences
# hint: The absolute difference learns a median; the argument needs the mean, so the square.
# edit: .square() → .abs()

# %% [score.dsm_loss] the root of the mean
# hint: A root is taken of the mean square.
# edit: .mean() → .mean().sqrt()

# %% [score.dsm_loss] σ not shaped
# hint: σ of shape (b,) does not fit the data's last axis: give it an axis of length 1 for each of the data's other axes.
# edit: sigma.reshape(-1, *[1] * (x.dim() - 1)) → sigma

# %% [score.dsm_loss] for pictures only
# hint: This works for data with four axes alone. The data may be points (b, d) as well.
# edit: sigma.reshape(-1, *[1] * (x.dim() - 1)) → sigma[:, None, None, None]

# %% [score.dsm_loss] for points only
# hint: This gives σ two axes, which fits points alone. The data may be pictures as well.
# edit: sigma.reshape(-1, *[1] * (x.dim() - 1)) → sigma[:, None]

# %% [score.dsm_loss] one σ for the batch
# hint: All samples get the first one's noise level. Each has its own.
# edit: shaped = sigma.reshape(-1, *[1] * (x.dim() - 1)) → shaped = sigma[0]

# %% [score.dsm_loss] the network gets the shaped σ
# hint: The network takes one noise level for each sample, a tensor (b,): not with the extra axes that the arithmetic needs,
# hint: and not one for all.
# edit: noise, sigma) → noise, shaped)

# %% [score.dsm_loss] the network gets log σ
# hint: The network is given the logarithm of σ. It takes the level itself.
# edit: noise, sigma) → noise, sigma.log())

# %% [score.dsm_loss] the network gets no σ
# hint: The network is not told the noise level.
# edit: noise, sigma) → noise)

# %% [score.dsm_loss] noise of its own
# hint: You draw noise of your own; it is given.
# edit: shaped = → noise = torch.randn_like(x); shaped =

# %% [score.dsm_loss] detached
# hint: The network's answer is cut from its graph: the loss has none, and nothing can be learned from it.
# edit: noise, sigma) → noise, sigma).detach()

# %% [score.dsm_loss] in place
# hint: The clean data is written into by +=. Make a new tensor.
# replace:
score = score_fn(x + shaped * noise, sigma)
# by:
x += shaped * noise
score = score_fn(x, sigma)

# %% [score.dsm_loss] the noise itself, and its own sign
# hint: The target is the noise, as in notebook 05. A score points the other way, and is not of the noise's size.
# edit: (score + noise / shaped) → (score - noise)

# ---- score.sigmas ----------------------------------------------------------------------------------------------------

# %% [score.sigmas] equal differences
# hint: The levels have equal differences; equal factors are wanted.
# edit: torch.linspace(math.log(sigma_min), math.log(sigma_max), n).exp() → torch.linspace(sigma_min, sigma_max, n)

# %% [score.sigmas] descending
# hint: The levels fall. They are kept ascending; it is the sampler that walks them backwards.
# edit: math.log(sigma_min), math.log(sigma_max) → math.log(sigma_max), math.log(sigma_min)

# %% [score.sigmas] the logarithms
# hint: These are the logarithms of the levels; one step is missing to get back.
# edit: .exp() →

# %% [score.sigmas] logspace with the levels themselves
# hint: logspace takes exponents to the base 10, not the numbers themselves.
# edit: torch.linspace(math.log(sigma_min), math.log(sigma_max), n).exp() → torch.logspace(sigma_min, sigma_max, n)

# %% [score.sigmas] two logarithms
# hint: Two kinds of logarithm are mixed: what goes in by one must come out by the same one.
# edit: torch.linspace(math.log(sigma_min), math.log(sigma_max), n).exp() → torch.logspace(math.log(sigma_min), math.log(sigma_max), n)

# %% [score.sigmas] exp of a base-10 logarithm
# hint: Two kinds of logarithm are mixed: log10 on the way in, and the natural one's inverse on the way out.
# edit: math.log( → math.log10(

# %% [score.sigmas] the largest is missing
# hint: The largest level is missing: with n levels there are n − 1 factors between them, and both ends belong to it.
# edit: torch.linspace(math.log(sigma_min), math.log(sigma_max), n).exp() → sigma_min * (sigma_max / sigma_min) ** (torch.arange(n) / n)

# %% [score.sigmas] the smallest is missing
# hint: The smallest level is missing: with n levels there are n − 1 factors between them, and both ends belong to it.
# edit: torch.linspace(math.log(sigma_min), math.log(sigma_max), n).exp() → sigma_min * (sigma_max / sigma_min) ** (torch.arange(1, n + 1) / n)

# %% [score.sigmas] one too many
# hint: There is one level too many: n levels have n − 1 steps between them.
# edit: , n) → , n + 1)

# %% [score.sigmas] one too few
# hint: There is one level too few.
# edit: , n) → , n - 1)

# %% [score.sigmas] from 0
# hint: The row does not begin with sigma_min: the factor is raised to the wrong power, or the row starts at another number.
# edit: math.log(sigma_min), math.log(sigma_max), n).exp() → 0.0, math.log(sigma_max), n).exp()

# %% [score.sigmas] squares in an arithmetic row
# hint: The squares have equal differences, so that variances are evenly spaced; equal factors are wanted.
# edit: torch.linspace(math.log(sigma_min), math.log(sigma_max), n).exp() → torch.linspace(sigma_min**2, sigma_max**2, n).sqrt()

# %% [score.sigmas] roots in an arithmetic row
# hint: The square roots have equal differences; equal factors are wanted.
# edit: torch.linspace(math.log(sigma_min), math.log(sigma_max), n).exp() → torch.linspace(sigma_min**0.5, sigma_max**0.5, n) ** 2

# %% [score.sigmas] inverse levels in an arithmetic row
# hint: The inverses of the levels have equal differences; equal factors are wanted.
# edit: torch.linspace(math.log(sigma_min), math.log(sigma_max), n).exp() → 1 / torch.linspace(1 / sigma_min, 1 / sigma_max, n)

# %% [score.sigmas] the variances
# hint: These are the squares of the levels. A level is a standard deviation.
# edit: .exp() → .exp() ** 2

# %% [score.sigmas] doubled each time
# hint: The factor is 2 each time. It must be such that n levels end at sigma_max.
# edit: torch.linspace(math.log(sigma_min), math.log(sigma_max), n).exp() → sigma_min * 2.0 ** torch.arange(n)

# %% [score.sigmas] the factor alone
# hint: The row begins at 1: these are the powers of the factor, and sigma_min has to be multiplied in.
# edit: torch.linspace(math.log(sigma_min), math.log(sigma_max), n).exp() → (sigma_max / sigma_min) ** torch.linspace(0, 1, n)

# %% [score.sigmas] the ratio upside down
# hint: The factor is upside down: each level should be larger than the one before.
# edit: torch.linspace(math.log(sigma_min), math.log(sigma_max), n).exp() → sigma_min * (sigma_min / sigma_max) ** torch.linspace(0, 1, n)

# %% [score.sigmas] a list
# hint: A Python list is returned; a float32 tensor is wanted.
# edit: .exp() → .exp().tolist()

# %% [score.sigmas] torch.log of a number
# hint: torch.log takes a tensor, and the ends are numbers: take the logarithm of a number.
# edit: math.log( → torch.log(

# %% [score.sigmas] float64
# hint: The levels are float64: noisy points would become float64 as well, and the network, float32, refuses them.
# edit: .exp() → .exp().double()

# ---- score.ncsn_loss -------------------------------------------------------------------------------------------------

# %% [score.ncsn_loss] no weight
# hint: The weight λ is missing: the smallest levels drown all others.
# edit: shaped**2 * (score → (score

# %% [score.ncsn_loss] λ = σ
# hint: The weight is σ; (7) has another power of it.
# edit: shaped**2 * (score → shaped * (score

# %% [score.ncsn_loss] λ = 1/σ²
# hint: The weight is upside down: the loud levels are made louder.
# edit: shaped**2 * (score → (score / shaped

# %% [score.ncsn_loss] λ inside of the square
# hint: The weight stands inside of the square, and so it counts twice over.
# edit: (shaped**2 * (score + noise / shaped).square()) → (shaped**2 * (score + noise / shaped)).square()

# %% [score.ncsn_loss] the weight outside of the mean
# hint: Weights and squares are averaged apart. Each sample's square must meet its own weight before the mean.
# edit: return (shaped**2 * (score + noise / shaped).square()).mean() → return (shaped**2).mean() * (score + noise / shaped).square().mean()

# %% [score.ncsn_loss] the target without σ
# hint: The target is the noise itself with a minus; a score is measured per σ.
# edit: noise / shaped) → noise)

# %% [score.ncsn_loss] the target per σ²
# hint: The target is too small by another factor σ: the noise is standard normal here.
# edit: noise / shaped) → noise / shaped**2)

# %% [score.ncsn_loss] sign
# hint: The target has the wrong sign: the score points from the noisy point back to the clean one.
# edit: score + noise → score - noise

# %% [score.ncsn_loss] score of the clean sample
# hint: The network is asked at the clean data; it has to answer at the noisy ones.
# edit: score_fn(x + shaped * noise, sigma) → score_fn(x, sigma)

# %% [score.ncsn_loss] noise not scaled
# hint: The noise is added as it is; at level σ it is σ times as large.
# edit: x + shaped * noise → x + noise

# %% [score.ncsn_loss] variance times noise
# hint: The noise is added with the variance as its factor, not the standard deviation.
# edit: x + shaped * noise → x + shaped**2 * noise

# %% [score.ncsn_loss] a half
# hint: A factor ½ stands before it; here it is the plain mean.
# edit: return (shaped → return 0.5 * (shaped

# %% [score.ncsn_loss] sum over dimensions
# hint: The numbers of a sample are summed; the mean is over all numbers.
# edit: .square()).mean() → .square()).flatten(1).sum(1).mean()

# %% [score.ncsn_loss] half of the sum over dimensions
# hint: This is the loss with ½ and a sum over each sample's numbers, as the paper's code has it. Here it is the mean.
# edit: return (shaped**2 * (score + noise / shaped).square()).mean() → return 0.5 * (shaped**2 * (score + noise / shaped).square()).flatten(1).sum(1).mean()

# %% [score.ncsn_loss] everything summed
# hint: Everything is summed; the mean is over all numbers.
# edit: .mean() → .sum()

# %% [score.ncsn_loss] divided by the weights
# hint: The mean is weighted and then divided by the weights' sum. (7) is a plain mean of weighted squares.
# edit: .mean() → .mean() / (shaped**2).mean()

# %% [score.ncsn_loss] one number a sample
# hint: There is one number for each sample; the loss is one number for all.
# edit: .mean() → .flatten(1).mean(1)

# %% [score.ncsn_loss] no square
# hint: The differences are not squared.
# edit: .square() →

# %% [score.ncsn_loss] the index in place of σ
# hint: The level's index is used where its σ belongs: look it up in sigmas.
# edit: sigma = sigmas[level] → sigma = level.float()

# %% [score.ncsn_loss] the network gets the index
# hint: The network is given the index of the level; this one takes σ itself.
# edit: noise, sigma) → noise, level)

# %% [score.ncsn_loss] the network gets the shaped σ
# hint: The network takes one noise level for each sample, a tensor (b,): not with the extra axes that the arithmetic needs,
# hint: and not one for all.
# edit: noise, sigma) → noise, shaped)

# %% [score.ncsn_loss] the network gets no σ
# hint: The network is not told the noise level.
# edit: noise, sigma) → noise)

# %% [score.ncsn_loss] the table backwards
# hint: The levels are looked up from the other end. The table is ascending, and `level` indexes it as it is.
# edit: sigmas[level] → sigmas.flip(0)[level]

# %% [score.ncsn_loss] the first samples' levels
# hint: The first levels of the table are taken, in their order, and `level` is not looked at.
# edit: sigmas[level] → sigmas.repeat(2)[:len(x)]

# %% [score.ncsn_loss] one level for the batch
# hint: All samples get the first one's level. Each has its own.
# edit: sigmas[level] → sigmas[level[:1]].expand(len(x))

# %% [score.ncsn_loss] σ not shaped
# hint: σ of shape (b,) does not fit the data's last axis: give it an axis of length 1 for each of the data's other axes.
# edit: shaped = sigma.reshape(-1, *[1] * (x.dim() - 1)) → shaped = sigma

# %% [score.ncsn_loss] for pictures only
# hint: This works for data with four axes alone. The data may be points (b, d) as well.
# edit: sigma.reshape(-1, *[1] * (x.dim() - 1)) → sigma[:, None, None, None]

# %% [score.ncsn_loss] noise of its own
# hint: You draw noise of your own; it is given.
# edit: sigma = sigmas → noise = torch.randn_like(x); sigma = sigmas

# %% [score.ncsn_loss] detached
# hint: The network's answer is cut from its graph: the loss has none, and nothing can be learned from it.
# edit: noise, sigma) → noise, sigma).detach()

# ---- score.annealed_step_size ----------------------------------------------------------------------------------------

# %% [score.annealed_step_size] no square
# hint: snr·σ stands without its square.
# edit: ** 2 →

# %% [score.annealed_step_size] only σ squared
# hint: Only σ is squared; the square is over the whole product.
# edit: (snr * sigma) ** 2 → snr * sigma**2

# %% [score.annealed_step_size] only snr squared
# hint: Only snr is squared; the square is over the whole product.
# edit: (snr * sigma) ** 2 → snr**2 * sigma

# %% [score.annealed_step_size] 2 missing
# hint: The 2 is missing, which the stumbling's root brought in.
# edit: 2 * (snr → (snr

# %% [score.annealed_step_size] a half
# hint: A half stands where a 2 should.
# edit: 2 * (snr → 0.5 * (snr

# %% [score.annealed_step_size] 2 inside of the square
# hint: The 2 stands inside of the square and counts as 4.
# edit: 2 * (snr * sigma) ** 2 → (2 * snr * sigma) ** 2

# %% [score.annealed_step_size] alpha squared
# hint: alpha stands inside of the square.
# edit: (snr * sigma) ** 2 * alpha → (snr * sigma * alpha) ** 2

# %% [score.annealed_step_size] alpha missing
# hint: Right where nothing shrinks; on a chain the factor alpha is missing.
# edit: * alpha →

# %% [score.annealed_step_size] divided by alpha
# hint: alpha divides, where (8) multiplies by it.
# edit: * alpha → / alpha

# %% [score.annealed_step_size] the root of alpha
# hint: A root of alpha is taken; (8) has alpha as it is.
# edit: * alpha → * alpha**0.5

# %% [score.annealed_step_size] 1 − alpha
# hint: This takes β = 1 − alpha. The factor is alpha itself, which is 1 where nothing shrinks.
# edit: * alpha → * (1 - alpha)

# %% [score.annealed_step_size] snr / σ
# hint: snr is divided by σ: the steps grow as the levels fall. A score is large where σ is small, and steps shrink.
# edit: snr * sigma → snr / sigma

# %% [score.annealed_step_size] σ / snr
# hint: σ is divided by snr: a larger ratio of signal to noise needs a larger step.
# edit: snr * sigma → sigma / snr

# %% [score.annealed_step_size] snr missing
# hint: The signal-to-noise ratio is missing.
# edit: snr * sigma → sigma

# %% [score.annealed_step_size] σ missing
# hint: The level is missing: every level would have the same step.
# edit: snr * sigma → snr

# %% [score.annealed_step_size] the root of it
# hint: A root is taken of the whole: this is the size of the stumbling, or a part of it, not h.
# edit: 2 * (snr * sigma) ** 2 * alpha → (2 * (snr * sigma) ** 2 * alpha) ** 0.5

# %% [score.annealed_step_size] against the largest level
# hint: The level is divided by the largest of all that came in. (8) looks at one level alone.
# edit: 2 * (snr * sigma) ** 2 * alpha → 2 * (snr * sigma / torch.as_tensor(sigma).max()) ** 2 * alpha

# %% [score.annealed_step_size] one number for all
# hint: For many levels at once there is one number only. Each level has its own step size.
# edit: return 2 * (snr * sigma) ** 2 * alpha → return 2 * (snr * torch.as_tensor(sigma).mean()) ** 2 * torch.as_tensor(alpha).mean()

# %% [score.annealed_step_size] a number at any price
# hint: float(…) takes a single number alone; sigma may be a tensor of many levels.
# edit: return 2 * (snr * sigma) ** 2 * alpha → return 2 * (snr * float(sigma)) ** 2 * float(alpha)

# %% [score.annealed_step_size] torch.square of a number
# hint: torch's functions take tensors, and these may be numbers: use Python's own power.
# edit: (snr * sigma) ** 2 → torch.square(snr * sigma)

# ---- score.to_score --------------------------------------------------------------------------------------------------

# %% [score.to_score] sign
# hint: The sign: the score points against the noise.
# edit: return -noise / sigma → return noise / sigma

# %% [score.to_score] not divided by σ
# hint: The noise is not yet divided by σ: a score is measured per σ.
# edit: -noise / sigma → -noise

# %% [score.to_score] divided by σ²
# hint: The noise is divided by σ²; it is already counted in units of σ.
# edit: -noise / sigma → -noise / sigma**2

# %% [score.to_score] times σ
# hint: The noise is multiplied by σ, which is the way from a score to noise.
# edit: -noise / sigma → -noise * sigma

# %% [score.to_score] divided by α
# hint: The noise is divided by the data's factor; (9) has the noise's.
# edit: -noise / sigma → -noise / alpha

# %% [score.to_score] a score turned into a score
# hint: A score comes out otherwise than it went in: for "score" there is nothing to do.
# edit: return prediction → return -prediction / sigma

# %% [score.to_score] a score negated
# hint: A score comes out negated: for "score" there is nothing to do.
# edit: return prediction → return -prediction

# %% [score.to_score] α missing for x_start
# hint: From x_start: what x_t holds of it is α times it, also where α is not 1.
# edit: (x_t - alpha * prediction) / sigma → (x_t - prediction) / sigma

# %% [score.to_score] x_start: not divided by σ
# hint: From x_start: what is left of x_t is σ times the noise, not the noise.
# edit: (x_t - alpha * prediction) / sigma → (x_t - alpha * prediction)

# %% [score.to_score] x_start: divided by σ²
# hint: From x_start: σ is divided out once too often.
# edit: (x_t - alpha * prediction) / sigma → (x_t - alpha * prediction) / sigma**2

# %% [score.to_score] x_start: sign
# hint: From x_start the score has the wrong sign: it leads from x_t to the data, not away from them.
# edit: (x_t - alpha * prediction) / sigma → (alpha * prediction - x_t) / sigma

# %% [score.to_score] x_start: σ for α
# hint: From x_start: α and σ have changed places.
# edit: (x_t - alpha * prediction) / sigma → (x_t - sigma * prediction) / alpha

# %% [score.to_score] v on a preserving path only
# hint: From v: this is right where α² + σ² = 1 alone.
# edit: (sigma * x_t + alpha * prediction) / (alpha**2 + sigma**2) → sigma * x_t + alpha * prediction

# %% [score.to_score] v: x_start in place of the noise
# hint: From v: this is x_start, the other one of the pair.
# edit: (sigma * x_t + alpha * prediction) → (alpha * x_t - sigma * prediction)

# %% [score.to_score] v: sign
# hint: From v: a sign is off between the two terms. Put both equations in once more.
# edit: (sigma * x_t + alpha * prediction) → (sigma * x_t - alpha * prediction)

# %% [score.to_score] v: both coefficients swapped
# hint: From v: α and σ have changed places. At σ = 0 v is the noise itself: which of the two must stand before v?
# edit: (sigma * x_t + alpha * prediction) → (alpha * x_t + sigma * prediction)

# %% [score.to_score] v: the root of the sum
# hint: From v: a root is taken of the denominator.
# edit: (alpha**2 + sigma**2) → (alpha**2 + sigma**2).sqrt()

# %% [score.to_score] v: α + σ
# hint: From v: the denominator has no squares; multiply the two equations out again.
# edit: (alpha**2 + sigma**2) → (alpha + sigma)

# %% [score.to_score] v: x_start left in
# hint: From v: (v + σ·x_start)/α needs x_start; x_t is not it.
# edit: (sigma * x_t + alpha * prediction) / (alpha**2 + sigma**2) → (prediction + sigma * x_t) / alpha

# %% [score.to_score] v taken for the velocity
# hint: From v: this takes v for noise − x_start, which notebook 12 calls the velocity.
# edit: (sigma * x_t + alpha * prediction) / (alpha**2 + sigma**2) → (x_t + alpha * prediction) / (alpha + sigma)

# %% [score.to_score] no case for v
# hint: v is taken for noise.
# edit: noise = (sigma * x_t + alpha * prediction) / (alpha**2 + sigma**2) → noise = prediction

# %% [score.to_score] not shaped
# hint: alpha and sigma of shape (b,) do not fit the data's last axis: give them an axis of length 1 for each other axis.
# replace:
alpha, sigma = (c.reshape(-1, *[1] * (x_t.dim() - 1)) for c in (alpha, sigma))  # (b, 1, ..., 1)
# by:
pass

# %% [score.to_score] one axis more
# hint: Right for points. Of pictures your coefficients (b, 1) meet the rows: each needs as many axes as x_t has.
# edit: c.reshape(-1, *[1] * (x_t.dim() - 1)) → c[:, None]

# %% [score.to_score] for pictures only
# hint: This works for data with four axes alone. The data may be points (b, d) as well.
# edit: c.reshape(-1, *[1] * (x_t.dim() - 1)) → c[:, None, None, None]

# %% [score.to_score] noise: sign
# hint: From noise: the score points against it.
# edit: noise = prediction → noise = -prediction

# %% [score.to_score] noise: not divided by σ
# hint: From noise: a score is counted per σ.
# edit: noise = prediction → noise = sigma * prediction

# %% [score.to_score] noise: divided by σ²
# hint: From noise: it is divided by σ once too often.
# edit: noise = prediction → noise = prediction / sigma

# %% [score.to_score] v: sign of the whole
# hint: From v the score has the wrong sign: it points against the noise.
# edit: noise = (sigma * x_t + alpha * prediction) → noise = -(sigma * x_t + alpha * prediction)

# %% [score.to_score] v: not divided by σ
# hint: From v: you have the noise; a score is counted per σ.
# edit: noise = (sigma * x_t + alpha * prediction) → noise = sigma * (sigma * x_t + alpha * prediction)

# ---- score.convert_prediction ----------------------------------------------------------------------------------------

# %% [score.convert_prediction] from noise: neither belongs to it
# hint: Noise that came in is the noise: half of the pair is there already, and x_t's equation gives the other half.
# edit: x_start = (x_t - sigma * noise) / alpha → x_start = x_t - sigma * noise

# %% [score.convert_prediction] from noise: the pair is torn
# hint: From noise: x_start is what x_t holds besides it. Mind the factors at both, the sign, and the division; that each
# hint: sample has its own α and σ; and that the value that comes in is of the kind `source`, not `target`.
# edit: noise = (x_t - alpha * x_start) / sigma → noise = value if source == "noise" else (x_t - alpha * x_start) / sigma
# edit: x_start = (x_t - sigma * noise) / alpha → x_start = x_t - sigma * noise

# %% [score.convert_prediction] from x_start: the noise does not belong to it
# hint: From x_start: the noise is what x_t holds besides it. Mind the factors at both, the sign, and the division.
# edit: noise = (x_t - alpha * x_start) / sigma → noise = value if source == "noise" else (x_t - x_start) / sigma

# %% [score.convert_prediction] x_start is not kept
# hint: x_start that came in is x_start: half of the pair is there already.
# edit: x_start = value → x_start = (x_t - sigma * value) / alpha

# %% [score.convert_prediction] v on a preserving path only
# hint: On the paths of notebook 05 that is right. Solve the two equations without α² + σ² = 1: what is left to divide by?
# edit: x_start = (alpha * x_t - sigma * value) / (alpha**2 + sigma**2) → x_start, noise = alpha * x_t - sigma * value, sigma * x_t + alpha * value
# edit: noise = (x_t - alpha * x_start) / sigma → noise = noise if source == "v" else (x_t - alpha * x_start) / sigma

# %% [score.convert_prediction] from v: x_start does not belong to it
# hint: From v: two equations, x_t's and (10). Multiply one by α and the other by σ and add or subtract, so that the noise
# hint: goes; then what stands before x_start is what you divide by.
# edit: x_start = (alpha * x_t - sigma * value) → x_start = (alpha * x_t + sigma * value)

# %% [score.convert_prediction] from v: the pair is torn
# hint: From v: x_start and noise both come from x_t's equation and (10); one of them, or both, has a wrong sign, factor or
# hint: denominator. Put them back into x_t's equation.
# edit: noise = (x_t - alpha * x_start) / sigma → noise = value if source == "v" else (x_t - alpha * x_start) / sigma

# %% [score.convert_prediction] v's sign
# hint: v is not that of (10): there α stands at the noise and σ at x_start, with a minus between them.
# edit: v = alpha * noise - sigma * x_start → v = sigma * x_start - alpha * noise

# %% [score.convert_prediction] from x_start v is another
# hint: From x_start v is made otherwise than from noise. The last step, from the pair to the target, is the same for all.
# edit: v = alpha * noise - sigma * x_start → v = alpha * noise - sigma * (x_t if source == "x_start" else x_start)

# %% [score.convert_prediction] v told as v is another
# hint: From v to v something is lost: through the pair and back it should be what came in, or be handed back at once.
# edit: v = alpha * noise - sigma * x_start → v = (sigma * noise - alpha * x_start) if source == "v" else alpha * noise - sigma * x_start

# %% [score.convert_prediction] to the score
# hint: To the score: it points against the noise, and it is counted per σ, once.
# edit: "score": -noise / sigma → "score": noise / sigma

# %% [score.convert_prediction] to the score, from x_start only
# hint: From x_start to the score: the noise is known by then, and the score is the same of it as from any other source.
# edit: "score": -noise / sigma → "score": noise / sigma if source == "x_start" else -noise / sigma

# %% [score.convert_prediction] to the score, from v only
# hint: From v to the score: the noise is known by then, and the score is the same of it as from any other source.
# edit: "score": -noise / sigma → "score": noise / sigma if source == "v" else -noise / sigma

# %% [score.convert_prediction] from score: another noise
# hint: From the score: turn (9) round. The noise is σ times as large as the score, and points against it.
# edit: -sigma * value → sigma * value

# %% [score.convert_prediction] from score: the pair is torn
# hint: From the score: the noise by (9), then x_start by x_t's equation.
# edit: noise = (x_t - alpha * x_start) / sigma → noise = sigma * value if source == "score" else (x_t - alpha * x_start) / sigma

# %% [score.convert_prediction] a score told as a score is another
# hint: From score to score something is lost: it should be what came in.
# edit: "score": -noise / sigma → "score": noise / sigma if source == "score" else -noise / sigma

# %% [score.convert_prediction] not shaped
# hint: alpha and sigma of shape (b,) do not fit the data's last axis: give them an axis of length 1 for each other axis.
# replace:
alpha, sigma = (c.reshape(-1, *[1] * (x_t.dim() - 1)) for c in (alpha, sigma))  # (b, 1, ..., 1)
# by:
pass

# %% [score.convert_prediction] for pictures only
# hint: This works for data with four axes alone. The data may be points (b, d) as well.
# edit: c.reshape(-1, *[1] * (x_t.dim() - 1)) → c[:, None, None, None]

