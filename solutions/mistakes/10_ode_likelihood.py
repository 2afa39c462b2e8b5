# ---- ode.ode_sample --------------------------------------------------------------------------------------------------

# %% [ode.ode_sample] the score's term without its half
# hint: The score pulls twice as hard as it should. This is the drift of the reversed SDE, whose noise pushes back; here
# hint: there is none. See what (2) makes of the noise.
# edit: f - 0.5 * column → f - column

# %% [ode.ode_sample] g for its square
# hint: The score is multiplied by g itself. Which power of it stands in (2)?
# edit: column(g**2, x) → column(g, x)

# %% [ode.ode_sample] the half squared too
# hint: The half is squared along with g, so that a quarter is left of g².
# edit: 0.5 * column(g**2, x) → column((0.5 * g) ** 2, x)

# %% [ode.ode_sample] plus the score
# hint: The score's term has the other sign. Run backwards in time, the points must move to where the density is higher.
# edit: f - 0.5 → f + 0.5

# %% [ode.ode_sample] the score alone
# hint: The SDE's own drift f is missing: (2) has two terms.
# edit: drift = f - 0.5 * column(g**2, x) → drift = -0.5 * column(g**2, x)

# %% [ode.ode_sample] f alone
# hint: Nothing of the score is left, so the data plays no part in it. (2) has two terms.
# edit: drift = f - 0.5 * column(g**2, x) * score_fn(x, times) → drift = f

# %% [ode.ode_sample] from the data's time to the noise's
# hint: The solver runs from t_min to T: it takes your noise for data and encodes it. Sampling begins at T.
# edit: (sde.T, t_min) → (t_min, sde.T)

# %% [ode.ode_sample] the slope turned round as well
# hint: solve_ivp knows that it runs backwards: its steps are negative. A minus before the slope makes it run away from
# hint: the data.
# edit: return drift.double() → return -drift.double()

# %% [ode.ode_sample] down to 0
# hint: It runs on to time 0, whatever t_min is.
# edit: (sde.T, t_min) → (sde.T, 0.0)

# %% [ode.ode_sample] from 1
# hint: Noise is at sde.T, which need not be 1: this SDE is asked at a time that it does not have.
# edit: (sde.T, t_min) → (1.0, t_min)

# %% [ode.ode_sample] tolerances not handed on
# hint: The solver's own tolerances are at work, not rtol and atol.
# edit: rtol=rtol, atol=atol, →

# %% [ode.ode_sample] only rtol handed on
# hint: rtol arrives at the solver, atol does not; its own is smaller.
# edit: rtol=rtol, atol=atol, → rtol=rtol,

# %% [ode.ode_sample] the first column
# hint: The noise comes back as it was: solution.y holds the state at all times that the solver stood at, and this is the
# hint: first of them.
# edit: solution.y[:, -1] → solution.y[:, 0].copy()

# %% [ode.ode_sample] the last row
# hint: solution.y is (numbers, times), the states at all times that the solver stood at; its last *column* is the end.
# edit: solution.y[:, -1] → solution.y[-1]

# %% [ode.ode_sample] flat
# hint: The numbers are right, in one long line. Give them z's shape.
# edit: return torch.from_numpy(solution.y[:, -1]).to(z).reshape(z.shape) → return torch.from_numpy(solution.y[:, -1]).to(z)

# %% [ode.ode_sample] float64
# hint: The SDE and the score are given float64 states where z is float32. A network's weights would refuse them.
# edit: x = torch.from_numpy(y).to(z).reshape(z.shape) → x = torch.from_numpy(y).reshape(z.shape)

# %% [ode.ode_sample] float32 at the end
# hint: Right for float32, but z may be float64, and then so should x.
# edit: return torch.from_numpy(solution.y[:, -1]).to(z) → return torch.from_numpy(solution.y[:, -1]).float()

# %% [ode.ode_sample] numpy
# hint: The solver's array is returned. Make it a tensor of z's dtype again.
# edit: return torch.from_numpy(solution.y[:, -1]).to(z).reshape(z.shape) → return solution.y[:, -1].reshape(z.shape)

# %% [ode.ode_sample] one time for all
# hint: The solver's time is one number; sde and score_fn take one for each sample.
# edit: torch.full((len(x),), t, dtype=x.dtype, device=x.device) → torch.tensor(t, dtype=x.dtype)

# %% [ode.ode_sample] as many times as numbers
# hint: There are as many times as numbers in y. How many samples are there?
# edit: torch.full((len(x),), t → torch.full((len(y),), t

# %% [ode.ode_sample] time runs from T down
# hint: The times given to sde and score_fn are T − t. The solver's t already is the SDE's time, as it runs from T down.
# edit: torch.full((len(x),), t → torch.full((len(x),), sde.T - t

# %% [ode.ode_sample] flat states
# hint: The SDE and the score are given the solver's flat vector. They take data in its own shape.
# edit: x = torch.from_numpy(y).to(z).reshape(z.shape) → x = torch.from_numpy(y).to(z)

# %% [ode.ode_sample] g without its axes
# hint: g is (b,), and torch aligns shapes from the right. Give it the data's axes.
# edit: column(g**2, x) → g**2

# %% [ode.ode_sample] one step more at the end
# hint: A last denoising is put on top. Here x is wanted as the solver left it.
# replace:
return torch.from_numpy(solution.y[:, -1]).to(z).reshape(z.shape)
# by:
x = torch.from_numpy(solution.y[:, -1]).to(z).reshape(z.shape)
times = torch.full((len(x),), t_min, dtype=x.dtype)
f, g = sde.sde(x, times)
return x - t_min * 1e3 * (f - column(g**2, x) * score_fn(x, times))

# ---- ode.exact_divergence --------------------------------------------------------------------------------------------

# %% [ode.exact_divergence] the sum of the whole Jacobian
# hint: All entries of the Jacobian are added up, those beside the diagonal too (a product with a vector of ones gives the
# hint: same). How does output i depend on input i alone?
# edit: row.flatten(1)[:, i] → row.flatten(1).sum(1)

# %% [ode.exact_divergence] only the first number
# hint: The derivative of the first number alone. The trace has one term for each dimension.
# edit: range(out.shape[1]) → range(1)

# %% [ode.exact_divergence] the last is missing
# hint: The last dimension's derivative is missing.
# edit: range(out.shape[1]) → range(out.shape[1] - 1)

# %% [ode.exact_divergence] the mean
# hint: The terms are averaged; the trace is their sum.
# edit: return divergence.detach() → return divergence.detach() / out.shape[1]

# %% [ode.exact_divergence] one number for the batch
# hint: The samples are added up. Each has a divergence of its own.
# edit: return divergence.detach() → return divergence.detach().sum()

# %% [ode.exact_divergence] the batch's sum for each
# hint: Every sample got the sum over the whole batch: each has a divergence of its own.
# edit: return divergence.detach() → return divergence.detach().sum().expand(len(x))

# %% [ode.exact_divergence] (b, 1)
# hint: The numbers are right, but they stand in a column; (b,) is wanted.
# edit: return divergence.detach() → return divergence.detach()[:, None]

# %% [ode.exact_divergence] overwritten
# hint: In each round the sum begins anew, so only the last dimension is left.
# edit: divergence += row → divergence = row

# %% [ode.exact_divergence] the other diagonal entry
# hint: Output i is differentiated with respect to input 0, for all i. On the diagonal both are the same.
# edit: row.flatten(1)[:, i] → row.flatten(1)[:, 0]

# %% [ode.exact_divergence] only the first sample's gradient
# hint: The gradient is taken of the first sample's output alone, so the others have a divergence of 0.
# edit: out[:, i].sum() → out[0, i]

# %% [ode.exact_divergence] the mean of the batch
# hint: autograd is asked about the *mean* over the batch, so that each gradient is divided by the number of samples.
# edit: out[:, i].sum() → out[:, i].mean()

# %% [ode.exact_divergence] of the squares
# hint: The squares of the derivatives are added up.
# edit: divergence += row.flatten(1)[:, i] → divergence += row.flatten(1)[:, i] ** 2

# %% [ode.exact_divergence] absolute values
# hint: The absolute values of the derivatives are added up: what shrinks must count as negative.
# edit: divergence += row.flatten(1)[:, i] → divergence += row.flatten(1)[:, i].abs()

# %% [ode.exact_divergence] minus
# hint: The sign is the other one. The minus of (3) belongs to log p, not to the divergence.
# edit: return divergence.detach() → return -divergence.detach()

# %% [ode.exact_divergence] where gradients are off
# hint: Right, until the caller switches gradients off, as samplers do. Switch them on here for yourself.
# edit: with torch.enable_grad(): → if True:

# %% [ode.exact_divergence] x asks for a gradient afterwards
# hint: The caller's x asks for gradients from now on: requires_grad_() changes the tensor itself. Take one of your own.
# edit: x = x.detach().clone().requires_grad_() → x = x.requires_grad_()

# %% [ode.exact_divergence] a graph hangs on the answer
# hint: The numbers are right, but a graph is kept with them: in a solver it would grow with each step.
# edit: retain_graph=True → create_graph=True
# edit: return divergence.detach() → return divergence

# %% [ode.exact_divergence] for points only
# hint: Right for points. An image's numbers have three axes, and all of its numbers count.
# edit: out = fn(x, t).flatten(1) → out = fn(x, t)
# edit: row.flatten(1)[:, i] → row[:, i]

# %% [ode.exact_divergence] a loop over channels
# hint: Right for points. An image's numbers have three axes, and your loop goes over the first of them, the channels,
# hint: so that each pixel is differentiated with all its neighbours. Flatten fn's answer and the gradient alike.
# edit: fn(x, t).flatten(1)  # (b, d) → fn(x, t)
# edit: torch.zeros_like(out[:, 0]) → torch.zeros(len(x), dtype=x.dtype)
# edit: row.flatten(1)[:, i] → row[:, i].flatten(1).sum(1) if x.dim() > 2 else row[:, i]

# %% [ode.exact_divergence] no axis to add
# hint: A sum over axis 1 leaves an image's other axes: flatten all but the batch's.
# replace:
divergence = torch.zeros_like(out[:, 0])
for i in range(out.shape[1]):
    row, = torch.autograd.grad(out[:, i].sum(), x, retain_graph=True)
    divergence += row.flatten(1)[:, i]
# by:
divergence = torch.zeros_like(x)
for i in range(out.shape[1]):
    row, = torch.autograd.grad(out[:, i].sum(), x, retain_graph=True)
    divergence.view(len(x), -1)[:, i] = row.flatten(1)[:, i]
divergence = divergence.sum(1)

# %% [ode.exact_divergence] the graph is thrown away
# hint: Autograd throws the graph away after its first gradient, and there are more to come.
# edit: , retain_graph=True →

# %% [ode.exact_divergence] x does not ask
# hint: Autograd is asked about x, but fn has read an x that asks for no gradient.
# edit: .requires_grad_() →

# %% [ode.exact_divergence] fn read another x
# hint: fn has read one tensor and autograd is asked about another: it must be the same object.
# edit: out = fn(x, t) → out = fn(x.detach().clone().requires_grad_(), t)

# %% [ode.exact_divergence] t and x
# hint: fn takes x first, then t.
# edit: fn(x, t) → fn(t, x)

# %% [ode.exact_divergence] of many numbers
# hint: Autograd differentiates one number, but output i of the whole batch is many. What can you make of them without
# hint: mixing the samples?
# edit: out[:, i].sum() → out[:, i]

# %% [ode.exact_divergence] the tuple
# hint: torch.autograd.grad returns a tuple, with one entry for each tensor asked about.
# replace:
row, = torch.autograd.grad(out[:, i].sum(), x, retain_graph=True)
# by:
row = torch.autograd.grad(out[:, i].sum(), x, retain_graph=True)

# ---- ode.hutchinson_divergence ---------------------------------------------------------------------------------------

# %% [ode.hutchinson_divergence] the probe on one side only
# hint: The product has the probe on its left only; what is left to do before you add up?
# edit: (product * probe).flatten(1) → product.flatten(1)

# %% [ode.hutchinson_divergence] no probe at all
# hint: The probe is not used: the sum of all of the Jacobian's entries is not its trace.
# edit: fn(x, t), x, probe → fn(x, t).sum(), x
# edit: (product * probe).flatten(1) → product.flatten(1)

# %% [ode.hutchinson_divergence] the probe on the right only
# hint: The gradient is taken of the plain sum, so the probe stands on one side of the Jacobian only.
# edit: fn(x, t), x, probe → fn(x, t).sum(), x

# %% [ode.hutchinson_divergence] the mean
# hint: The products are averaged over the numbers of a sample; (4) adds them up.
# edit: .flatten(1).sum(1) → .flatten(1).mean(1)

# %% [ode.hutchinson_divergence] one number for the batch
# hint: The samples are added up. Each has an estimate of its own.
# edit: .flatten(1).sum(1) → .sum()

# %% [ode.hutchinson_divergence] the mean over the batch
# hint: The mean over the batch is taken; each sample has an estimate of its own.
# edit: .flatten(1).sum(1) → .flatten(1).sum(1).mean()

# %% [ode.hutchinson_divergence] (b, 1)
# hint: The numbers are right, but they stand in a column; (b,) is wanted.
# edit: .flatten(1).sum(1) → .flatten(1).sum(1, keepdim=True)

# %% [ode.hutchinson_divergence] added up over axis 1 only
# hint: Right for points. Of an image, all axes but the batch's are added up.
# edit: .flatten(1).sum(1) → .sum(1)

# %% [ode.hutchinson_divergence] added up over the last axis
# hint: Right for points. An image has more axes than the last to add up.
# edit: .flatten(1).sum(1) → .sum(-1)

# %% [ode.hutchinson_divergence] not added up
# hint: One number for each entry came: vᵀJ times v, entry by entry. What makes a single number of it?
# edit: (product * probe).flatten(1).sum(1) → product * probe

# %% [ode.hutchinson_divergence] over the batch's axis
# hint: The sum runs over the samples, not over each sample's numbers.
# edit: .flatten(1).sum(1) → .flatten(1).sum(0)

# %% [ode.hutchinson_divergence] where gradients are off
# hint: Right, until the caller switches gradients off, as samplers do. Switch them on here for yourself.
# edit: with torch.enable_grad(): → if True:

# %% [ode.hutchinson_divergence] x asks for a gradient afterwards
# hint: The caller's x asks for gradients from now on: requires_grad_() changes the tensor itself. Take one of your own.
# edit: x = x.detach().clone().requires_grad_() → x = x.requires_grad_()

# %% [ode.hutchinson_divergence] a graph hangs on the answer
# hint: The numbers are right, but a graph is kept with them: in a solver it would grow with each step.
# edit: x, probe) → x, probe, create_graph=True)

# %% [ode.hutchinson_divergence] a probe of its own
# hint: A probe is drawn inside, so that two calls disagree. The one to be used is given: a solver needs the same one along
# hint: the way.
# edit: product, = → probe = torch.randn_like(probe); product, =

# %% [ode.hutchinson_divergence] the probe's signs
# hint: Only the signs of the probe are used. It may be normal numbers as well.
# edit: product, = → probe = probe.sign(); product, =

# %% [ode.hutchinson_divergence] the probe made a unit vector
# hint: The probe is scaled to length 1, or the product divided by its squared length. (4) takes it as it is: its entries
# hint: have variance 1.
# edit: product, = → probe = probe / column(probe.flatten(1).norm(dim=1), probe); product, =

# %% [ode.hutchinson_divergence] minus
# hint: The sign is the other one. The minus of (3) belongs to log p, not to the divergence.
# edit: return (product → return -(product

# %% [ode.hutchinson_divergence] vᵀ f
# hint: fn's own values are multiplied by the probe. It is fn's *Jacobian* that stands between the two.
# edit: product, = torch.autograd.grad(fn(x, t), x, probe) → product = fn(x, t).detach()

# %% [ode.hutchinson_divergence] of many numbers
# hint: fn gives many numbers, and autograd differentiates one; or it takes a vector to multiply from the left, which is not
# hint: given here.
# edit: fn(x, t), x, probe → fn(x, t), x

# %% [ode.hutchinson_divergence] x does not ask
# hint: Autograd is asked about x, but fn has read an x that asks for no gradient.
# edit: .requires_grad_() →

# %% [ode.hutchinson_divergence] t and x
# hint: fn takes x first, then t.
# edit: fn(x, t) → fn(t, x)

# %% [ode.hutchinson_divergence] the tuple
# hint: torch.autograd.grad returns a tuple, with one entry for each tensor asked about.
# edit: product, = → product =

# %% [ode.hutchinson_divergence] moved by the probe
# hint: fn is evaluated at x + v. The probe multiplies the Jacobian at x; x stays where it is.
# edit: fn(x, t), x, probe → fn(x + probe, t), x, probe

# ---- ode.likelihood_ode ----------------------------------------------------------------------------------------------

# %% [ode.likelihood_ode] the integral subtracted
# hint: z is right, and so is the integral, but it has the wrong sign. Integrate (3) from t_min to T: on which side does
# hint: log p at t_min stand?
# edit: sde.prior_logp(z) + change → sde.prior_logp(z) - change

# %% [ode.likelihood_ode] no prior
# hint: The change along the way is there; the log-density of where it arrives is missing.
# edit: return sde.prior_logp(z) + change → return change

# %% [ode.likelihood_ode] no change
# hint: The noise's log-density at z is all that is left: what the flow stretched on the way is not added.
# edit: sde.prior_logp(z) + change → sde.prior_logp(z)

# %% [ode.likelihood_ode] the prior at x
# hint: The prior is asked about the data. Its density is known at the noise's end of the flow.
# edit: sde.prior_logp(z) → sde.prior_logp(x)

# %% [ode.likelihood_ode] minus everything
# hint: The negative log-density came.
# edit: return sde.prior_logp(z) + change → return -(sde.prior_logp(z) + change)

# %% [ode.likelihood_ode] the trace of the score
# hint: The divergence is taken of the score. The points move with the whole drift of (2), so its divergence counts.
# edit: exact_divergence(drift, x_t, times) → exact_divergence(score_fn, x_t, times)

# %% [ode.likelihood_ode] the trace of f
# hint: The divergence is taken of f alone. The points move with the whole drift of (2).
# edit: exact_divergence(drift, x_t, times) → exact_divergence(lambda x, t: sde.sde(x, t)[0], x_t, times)

# %% [ode.likelihood_ode] the trace without the half
# hint: The points move with the right drift, but the divergence is another drift's: (3) is about the one that moves them.
# edit: exact_divergence(drift, x_t, times) → exact_divergence(lambda x, t: 2 * drift(x, t) - sde.sde(x, t)[0], x_t, times)

# %% [ode.likelihood_ode] the score's term without its half
# hint: The score pulls twice as hard as it should. This is the drift of the reversed SDE, whose noise pushes back; here
# hint: there is none.
# edit: f - 0.5 * column → f - column

# %% [ode.likelihood_ode] g for its square
# hint: The score is multiplied by g itself. Which power of it stands in (2)?
# edit: column(g**2, x_t) → column(g, x_t)

# %% [ode.likelihood_ode] plus the score
# hint: The score's term has the other sign in the drift.
# edit: f - 0.5 → f + 0.5

# %% [ode.likelihood_ode] f alone
# hint: Nothing of the score is left in the drift. (2) has two terms.
# edit: return f - 0.5 * column(g**2, x_t) * score_fn(x_t, t) → return f

# %% [ode.likelihood_ode] the score alone
# hint: The SDE's own drift f is missing: (2) has two terms.
# edit: return f - 0.5 → return -0.5

# %% [ode.likelihood_ode] from T to t_min
# hint: The solver runs from T to t_min: it takes the data for noise. x is given at t_min.
# edit: (t_min, sde.T) → (sde.T, t_min)

# %% [ode.likelihood_ode] from 0
# hint: It starts at time 0, whatever t_min is.
# edit: (t_min, sde.T) → (0.0, sde.T)

# %% [ode.likelihood_ode] to 1
# hint: Noise is at sde.T, which need not be 1: this SDE is asked at a time that it does not have.
# edit: (t_min, sde.T) → (t_min, 1.0)

# %% [ode.likelihood_ode] the divergence of the slope negative
# hint: A minus stands before the divergence in the slope, so that the last numbers are the change of log p along the way.
# hint: Then log p at the start is the end's *less* that change.
# edit: torch.cat([moved, divergence]) → torch.cat([moved, -divergence])
# edit: sde.prior_logp(z) + change → sde.prior_logp(z) + 2 * change

# %% [ode.likelihood_ode] one divergence for all
# hint: The samples' divergences are added up, and each is charged the sum.
# edit: torch.cat([moved, divergence]) → torch.cat([moved, divergence.sum().expand(len(x))])

# %% [ode.likelihood_ode] the mean divergence
# hint: All samples share the mean of their divergences; each has its own.
# edit: torch.cat([moved, divergence]) → torch.cat([moved, divergence.mean().expand(len(x))])

# %% [ode.likelihood_ode] in bits
# hint: It has been divided by ln 2, or taken for each dimension. logp is in nats, of the whole of x.
# edit: return sde.prior_logp(z) + change → return (sde.prior_logp(z) + change) / math.log(2)

# %% [ode.likelihood_ode] for each dimension
# hint: It has been shared out among the dimensions. logp is that of the whole of x.
# edit: return sde.prior_logp(z) + change → return (sde.prior_logp(z) + change) / x[0].numel()

# %% [ode.likelihood_ode] the batch added up
# hint: One number came for the whole batch; each sample has its own log-density.
# edit: return sde.prior_logp(z) + change → return (sde.prior_logp(z) + change).sum()

# %% [ode.likelihood_ode] logp and z changed places
# hint: The results stand in another order: first logp, then z, then nfe.
# edit: return sde.prior_logp(z) + change, z, → return z, sde.prior_logp(z) + change,

# %% [ode.likelihood_ode] logp alone
# hint: One thing is returned; logp, z and nfe are wanted.
# edit: change, z, solution.nfev → change

# %% [ode.likelihood_ode] nfe is missing
# hint: Two things are returned; nfe, how often the solver asked, is missing.
# edit: change, z, solution.nfev → change, z

# %% [ode.likelihood_ode] tolerances not handed on
# hint: The solver's own tolerances are at work, not rtol and atol.
# edit: rtol=rtol, atol=atol, →

# %% [ode.likelihood_ode] z flat
# hint: z's numbers are right, in one long line: give them x's shape, also before you ask the prior.
# edit: z, change = end[:n].reshape(x.shape), end[n:] → z, change = end[:n], end[n:]

# %% [ode.likelihood_ode] one time for all
# hint: The solver's time is one number; sde and score_fn take one for each sample.
# edit: torch.full((len(x),), t, dtype=x.dtype, device=x.device) → torch.tensor(t, dtype=x.dtype)

# %% [ode.likelihood_ode] float64
# hint: The SDE and the score are given float64 states where x is float32. A network's weights would refuse them.
# edit: x_t = torch.from_numpy(y[:n]).to(x).reshape(x.shape) → x_t = torch.from_numpy(y[:n]).reshape(x.shape)

# %% [ode.likelihood_ode] the first column
# hint: x comes back as z: solution.y holds the state at all times that the solver stood at, and this is the first of them.
# edit: solution.y[:, -1] → solution.y[:, 0].copy()

# ---- ode.bits_per_dim ------------------------------------------------------------------------------------------------

# %% [ode.bits_per_dim] nats
# hint: These are nats, as logp is, plus an offset in bits. How many bits are one nat?
# edit: (dims * math.log(2)) → dims

# %% [ode.bits_per_dim] nats throughout
# hint: The whole answer is in nats: both logarithms are natural ones. Bits count in powers of two.
# edit: -logp / (dims * math.log(2)) + math.log2( → -logp / dims + math.log(

# %% [ode.bits_per_dim] times ln 2
# hint: ln 2 stands on the wrong side: a nat is more than one bit.
# edit: -logp / (dims * math.log(2)) → -logp * math.log(2) / dims

# %% [ode.bits_per_dim] no offset
# hint: The density is taken for a probability: the volume of the cell is missing.
# edit: + math.log2(256 / (high - low)) →

# %% [ode.bits_per_dim] always 8
# hint: Right on [0, 1] only. How wide is a level's cell on another range?
# edit: math.log2(256 / (high - low)) → 8

# %% [ode.bits_per_dim] always 7
# hint: Right on [-1, 1] only. How wide is a level's cell on another range?
# edit: math.log2(256 / (high - low)) → 7

# %% [ode.bits_per_dim] the offset subtracted
# hint: The cell's width enters with the wrong sign: a narrow cell holds little probability, and costs more bits.
# edit: + math.log2 → - math.log2

# %% [ode.bits_per_dim] the range's logarithm with a plus
# hint: A wider range makes cells wider, so that a cell holds more; here it costs more bits.
# edit: 256 / (high - low) → 256 * (high - low)

# %% [ode.bits_per_dim] 255 cells
# hint: There are 256 levels, and with dequantisation each has a cell: 256 of them fill the range, not 255.
# edit: 256 / (high → 255 / (high

# %% [ode.bits_per_dim] plus log p
# hint: The sign of log p: what is likely costs few bits.
# edit: return -logp → return logp

# %% [ode.bits_per_dim] the offset in nats
# hint: The offset is a natural logarithm, while the rest is in bits.
# edit: math.log2( → math.log(

# %% [ode.bits_per_dim] the offset divided too
# hint: The offset is shared out among the dimensions. Each of the dims numbers has a cell of its own, so it is already
# hint: that of one.
# edit: math.log2(256 / (high - low)) → math.log2(256 / (high - low)) / dims

# %% [ode.bits_per_dim] for the whole picture
# hint: These are the bits of the whole picture, or its log p is not shared out among its numbers.
# edit: (dims * math.log(2)) → math.log(2)

# %% [ode.bits_per_dim] of the whole picture, with its cells
# hint: These are the bits of the whole picture; what does one of its numbers cost?
# edit: + math.log2(256 / (high - low)) → * dims + dims * math.log2(256 / (high - low))

# %% [ode.bits_per_dim] the upper end only
# hint: The range is measured from 0 to high; it begins at low.
# edit: (high - low) → high

# %% [ode.bits_per_dim] turned round
# hint: low and high have changed places, and a negative width has no logarithm.
# edit: low, high = data_range → high, low = data_range

# %% [ode.bits_per_dim] the mean of the batch
# hint: The batch is averaged; one number for each picture is wanted.
# edit: return -logp → return -logp.mean()

# %% [ode.bits_per_dim] the volume of no cell
# hint: The range's width enters, but the number of levels does not: a cell is the range divided by 256.
# edit: 256 / (high → 1 / (high

# %% [ode.bits_per_dim] log base 10
# hint: A logarithm to base 10: digits, not bits.
# edit: math.log(2)) → math.log(10))

# ---- ode.ddim_sigma --------------------------------------------------------------------------------------------------

# %% [ode.ddim_sigma] η under the root
# hint: η stands under a root: at 0.4 the noise is larger than it should be, though at 0 and 1 it is right.
# edit: eta * → eta**0.5 *

# %% [ode.ddim_sigma] η squared
# hint: η is squared where (6) has it plain: at 0.4 the noise is smaller than it should be, though at 0 and 1 it is right.
# edit: eta * → eta**2 *

# %% [ode.ddim_sigma] η is not used
# hint: The noise is the same for every η.
# edit: eta * →

# %% [ode.ddim_sigma] the variance
# hint: This is the variance at η = 1; (6) is a standard deviation. (Are both factors under a root?)
# edit: ((1 - alpha_bar_s) / (1 - alpha_bar_t)).sqrt() * (1 - alpha_bar_t / alpha_bar_s).sqrt() → ((1 - alpha_bar_s) / (1 - alpha_bar_t)) * (1 - alpha_bar_t / alpha_bar_s)

# %% [ode.ddim_sigma] the first factor without its root
# hint: The first factor of (6) has no root.
# edit: ((1 - alpha_bar_s) / (1 - alpha_bar_t)).sqrt() → ((1 - alpha_bar_s) / (1 - alpha_bar_t))

# %% [ode.ddim_sigma] the second factor without its root
# hint: The second factor of (6) has no root.
# edit: (1 - alpha_bar_t / alpha_bar_s).sqrt() → (1 - alpha_bar_t / alpha_bar_s)

# %% [ode.ddim_sigma] s and t changed places
# hint: s and t have changed places, or the quotient of the second factor stands upside down: a root is of a negative
# hint: number. s is the earlier time, with more of the data left.
# edit: return → alpha_bar_t, alpha_bar_s = alpha_bar_s, alpha_bar_t; return

# %% [ode.ddim_sigma] the first factor upside down
# hint: The first factor stands upside down: towards clean data the noise must vanish.
# edit: ((1 - alpha_bar_s) / (1 - alpha_bar_t)) → ((1 - alpha_bar_t) / (1 - alpha_bar_s))

# %% [ode.ddim_sigma] the first factor is missing
# hint: The first factor of (6) is missing: this is the β of the step, and not that of the posterior.
# edit: ((1 - alpha_bar_s) / (1 - alpha_bar_t)).sqrt() * →

# %% [ode.ddim_sigma] the second factor is missing
# hint: The second factor of (6) is missing.
# edit: * (1 - alpha_bar_t / alpha_bar_s).sqrt() →

# %% [ode.ddim_sigma] roots in the second factor
# hint: The second factor takes the quotient of the roots. alpha_bar is a share of variance, as it comes.
# edit: alpha_bar_t / alpha_bar_s).sqrt() → (alpha_bar_t / alpha_bar_s).sqrt()).sqrt()

# %% [ode.ddim_sigma] the arguments taken for roots
# hint: The arguments are squared first, as if they were the data's factors. They are shares of variance.
# edit: return → alpha_bar_t, alpha_bar_s = alpha_bar_t**2, alpha_bar_s**2; return

# %% [ode.ddim_sigma] 1 − ᾱ_t in the second factor
# hint: The second factor has alpha_bar_t alone. What is left from s to t is a quotient.
# edit: alpha_bar_t / alpha_bar_s).sqrt() → alpha_bar_t).sqrt()

# %% [ode.ddim_sigma] a difference in the second factor
# hint: The second factor subtracts one alpha_bar from the other; what is left from s to t is a quotient.
# edit: (1 - alpha_bar_t / alpha_bar_s).sqrt() → (alpha_bar_s - alpha_bar_t).sqrt()

# ---- ode.ddim_step_eta -----------------------------------------------------------------------------------------------

# %% [ode.ddim_step_eta] std not taken from the direction
# hint: Right without fresh noise. With it, too much noise is in x_s: the old noise has its whole size, and the fresh one
# hint: comes on top.
# edit: 1 - alpha_bar_s - std**2 → 1 - alpha_bar_s

# %% [ode.ddim_step_eta] std for its square
# hint: Under the root stand variances, and the fresh noise's standard deviation is subtracted from them.
# edit: std**2 → std

# %% [ode.ddim_step_eta] std added
# hint: The fresh noise's variance is added where the old one must make room for it.
# edit: alpha_bar_s - std**2 → alpha_bar_s + std**2

# %% [ode.ddim_step_eta] standard deviations subtracted
# hint: Standard deviations are subtracted. What adds up, for independent noise, are variances.
# edit: (1 - alpha_bar_s - std**2).sqrt() → ((1 - alpha_bar_s).sqrt() - std)

# %% [ode.ddim_step_eta] no fresh noise
# hint: The old noise makes room, but z is not added.
# edit: + std * z →

# %% [ode.ddim_step_eta] never any fresh noise
# hint: Right at η = 0. For any other η, part of the noise is fresh, and the old one makes room.
# edit: - std**2 →
# edit: + std * z →

# %% [ode.ddim_step_eta] the variance times z
# hint: z is multiplied by the variance of the fresh noise; it takes the standard deviation.
# edit: + std * z → + std**2 * z

# %% [ode.ddim_step_eta] z as it is
# hint: z is added as it comes, with a variance of 1.
# edit: + std * z → + z

# %% [ode.ddim_step_eta] η once more
# hint: η is multiplied on once more; ddim_sigma knows it already.
# edit: + std * z → + eta * std * z

# %% [ode.ddim_step_eta] fresh noise of its own
# hint: Fresh noise is drawn inside. The one to be used is z.
# edit: + std * z → + std * torch.randn_like(z)

# %% [ode.ddim_step_eta] always η = 1
# hint: ddim_sigma is asked for η = 1, whatever eta is.
# edit: ddim_sigma(eta, → ddim_sigma(1.0,

# %% [ode.ddim_step_eta] s and t changed places
# hint: ddim_sigma is given s before t; it takes t first.
# edit: ddim_sigma(eta, alpha_bar_t, alpha_bar_s) → ddim_sigma(eta, alpha_bar_s, alpha_bar_t)

# %% [ode.ddim_step_eta] the step turned round
# hint: x_t is read as if it had the noise of s, and sent to t.
# edit: alpha_bar_t, alpha_bar_s = column(alpha_bar_t, x_t), column(alpha_bar_s, x_t) → alpha_bar_s, alpha_bar_t = column(alpha_bar_t, x_t), column(alpha_bar_s, x_t)

# %% [ode.ddim_step_eta] the noise of t
# hint: The direction has the size that noise has at t. At s there is less.
# edit: (1 - alpha_bar_s - std**2) → (1 - alpha_bar_t - std**2)

# %% [ode.ddim_step_eta] the direction without a root
# hint: The old noise is multiplied by a variance: the root is missing.
# edit: (1 - alpha_bar_s - std**2).sqrt() → (1 - alpha_bar_s - std**2)

# %% [ode.ddim_step_eta] x_start divided by alpha_bar itself
# hint: The data in x_t is multiplied by the root of alpha_bar_t; by what must you divide to get it back?
# edit: / alpha_bar_t.sqrt() → / alpha_bar_t

# %% [ode.ddim_step_eta] x_start not divided
# hint: The noise is gone, but the data is still as faint as it is in x_t.
# edit: (x_t - (1 - alpha_bar_t).sqrt() * noise_pred) / alpha_bar_t.sqrt() → x_t - (1 - alpha_bar_t).sqrt() * noise_pred

# %% [ode.ddim_step_eta] a variance of noise taken away
# hint: From x_t the noise is taken with its variance; in x_t it stands with its standard deviation.
# edit: x_t - (1 - alpha_bar_t).sqrt() → x_t - (1 - alpha_bar_t)

# %% [ode.ddim_step_eta] x_start with a plus
# hint: To find x_start, the noise is added where it should be taken away.
# edit: x_t - (1 - alpha_bar_t).sqrt() → x_t + (1 - alpha_bar_t).sqrt()

# %% [ode.ddim_step_eta] x_start shrunk as at t
# hint: x_start is put in with the share that it had at t. At s there is more of it.
# edit: return alpha_bar_s.sqrt() * x_start → return alpha_bar_t.sqrt() * x_start

# %% [ode.ddim_step_eta] x_start not shrunk
# hint: At s the data stands with a factor, which is missing here (unless s is clean data).
# edit: alpha_bar_s.sqrt() * x_start → x_start

# %% [ode.ddim_step_eta] x_start shrunk without a root
# hint: At s the data is multiplied by a share of variance; its root is missing.
# edit: alpha_bar_s.sqrt() * x_start → alpha_bar_s * x_start

# %% [ode.ddim_step_eta] clamped
# hint: x_start is clamped to [-1, 1]. Here it is not: these numbers may lie anywhere.
# edit: / alpha_bar_t.sqrt() → / alpha_bar_t.sqrt(); x_start = x_start.clamp(-1, 1)

# %% [ode.ddim_step_eta] no axes
# hint: The levels and std are (b,), and torch aligns shapes from the right. Give them the data's axes.
# edit: column(alpha_bar_t, x_t), column(alpha_bar_s, x_t) → alpha_bar_t, alpha_bar_s

# %% [ode.ddim_step_eta] four axes only
# hint: Right for images. Points (b, 2) have two axes: append as many axes of length 1 as the data has.
# replace:
std = column(ddim_sigma(eta, alpha_bar_t, alpha_bar_s), x_t)
alpha_bar_t, alpha_bar_s = column(alpha_bar_t, x_t), column(alpha_bar_s, x_t)
# by:
std = ddim_sigma(eta, alpha_bar_t, alpha_bar_s)[:, None, None, None]
alpha_bar_t, alpha_bar_s = alpha_bar_t[:, None, None, None], alpha_bar_s[:, None, None, None]

# ---- ode.heun_step ---------------------------------------------------------------------------------------------------

# %% [ode.heun_step] Euler's step
# hint: This is Euler's step: one slope, followed all the way.
# edit: (first + second) / 2 → first

# %% [ode.heun_step] the second slope alone
# hint: Only the slope at the far end counts here; the mean of both is wanted.
# edit: (first + second) / 2 → second

# %% [ode.heun_step] the second slope at the old x
# hint: The second slope is asked at the old state. Look at where the first one leads.
# edit: drift(x + h * first, s) → drift(x, s)

# %% [ode.heun_step] the second slope at t
# hint: The second slope is asked at the old time; the state it is asked at belongs to s.
# edit: first, s) → first, t)

# %% [ode.heun_step] the midpoint method
# hint: This looks half a step ahead: the midpoint method, which is of order 2 as well. Heun's goes the whole step.
# edit: drift(x + h * first, s) → drift(x + h / 2 * first, (t + s) / 2)
# edit: (first + second) / 2 → second

# %% [ode.heun_step] looked half a step ahead
# hint: The state at which the second slope is asked is half a step ahead only; Euler's step is the whole.
# edit: drift(x + h * first, s) → drift(x + h / 2 * first, s)

# %% [ode.heun_step] the sum of both slopes
# hint: Both slopes are added, and not averaged: the step goes twice as far.
# edit: (first + second) / 2 → (first + second)

# %% [ode.heun_step] halved twice
# hint: The slopes' mean is halved once more: the step goes half as far.
# edit: (first + second) / 2 → (first + second) / 4

# %% [ode.heun_step] from where Euler's step leads
# hint: The mean of both slopes is applied where Euler's step leads. It starts from the old state.
# edit: return x + h → return x + h * first + h

# %% [ode.heun_step] t − s
# hint: The step has the wrong sign: from t to s it is s less t.
# edit: s - t → t - s

# %% [ode.heun_step] always down
# hint: Right downwards. The step's length is taken without its sign; s may be larger than t as well.
# edit: s - t → -(s - t).abs()

# %% [ode.heun_step] x changed in place
# hint: The caller's x is changed. Make a new tensor.
# edit: return x + h * (first + second) / 2 → return x.add_(h * (first + second) / 2)

# %% [ode.heun_step] no axes for the step
# hint: s − t is (b,), and torch aligns shapes from the right. Give it the data's axes.
# edit: column(s - t, x) → s - t

# %% [ode.heun_step] four axes only
# hint: Right for images. Points (b, 2) have two axes: append as many axes of length 1 as the data has.
# edit: column(s - t, x) → (s - t)[:, None, None, None]

# %% [ode.heun_step] one step for all
# hint: All samples take the first one's step; each has its own t and s.
# edit: column(s - t, x) → (s - t)[0]

# %% [ode.heun_step] three evaluations
# hint: The result is right, but the drift is asked three times; with a network, that is what costs.
# edit: (first + second) / 2 → (drift(x, t) + second) / 2

# %% [ode.heun_step] the difference of the slopes
# hint: The slopes are subtracted; the mean is wanted.
# edit: (first + second) / 2 → (first - second) / 2

# %% [ode.heun_step] the slope forgotten in the look ahead
# hint: The look ahead adds the step's length itself; it is to be multiplied by the slope.
# edit: x + h * first, s → x + h, s

# %% [ode.heun_step] time as one number
# hint: The drift is asked at one number; it takes one time for each sample.
# edit: drift(x, t) → drift(x, t[0])

# %% [ode.heun_step] the mean without the step
# hint: The mean slope is added as it is: how long is the step?
# edit: return x + h * (first + second) / 2 → return x + (first + second) / 2

# %% [ode.heun_step] the step alone
# hint: The change is there, but not the state that it is added to.
# edit: return x + h → return h
