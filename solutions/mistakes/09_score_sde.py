# ---- sde.VPSDE.marginal_prob -----------------------------------------------------------------------------------------

# %% [sde.VPSDE.marginal_prob] ¼ and ½ have changed places
# hint: The two parts of the area under the line have changed places: a rectangle grows with t, a triangle with half of
# hint: t squared, and the drift halves both.
# replace:
log_mean_coeff = -0.25 * t**2 * (self.beta_1 - self.beta_0) - 0.5 * t * self.beta_0
# by:
log_mean_coeff = -0.5 * t**2 * (self.beta_1 - self.beta_0) - 0.25 * t * self.beta_0

# %% [sde.VPSDE.marginal_prob] the whole area in the mean
# hint: The mean shrinks at the rate of the drift, and that is half of beta: both parts of your exponent are twice too
# hint: large.
# edit: -0.25 * t**2 * (self.beta_1 - self.beta_0) - 0.5 * t * → -0.5 * t**2 * (self.beta_1 - self.beta_0) - t *

# %% [sde.VPSDE.marginal_prob] the triangle without its half
# hint: The part with t squared is twice too large: integrate the straight line, do not multiply it by t.
# edit: -0.25 * → -0.5 *

# %% [sde.VPSDE.marginal_prob] the triangle halved twice too often
# hint: The part with t squared is halved once too often: the drift gives one half, the integral of s another, and that
# hint: is all.
# edit: -0.25 * → -0.125 *

# %% [sde.VPSDE.marginal_prob] a quarter in both parts
# hint: The part that is linear in t is too small by a factor of two. A constant beta would shrink the mean at half of
# hint: its rate.
# edit: - 0.5 * t * → - 0.25 * t *

# %% [sde.VPSDE.marginal_prob] beta_1 for the difference
# hint: The slope of the line is the difference of its two ends; at time 0 there is beta_0 already.
# edit: (self.beta_1 - self.beta_0) → self.beta_1

# %% [sde.VPSDE.marginal_prob] the ends changed places
# hint: Noise grows with time: the slope goes from beta_0 up to beta_1, and yours falls.
# edit: (self.beta_1 - self.beta_0) → (self.beta_0 - self.beta_1)

# %% [sde.VPSDE.marginal_prob] beta_0 is left out
# hint: The constant part of beta(t) is missing: at time 0 beta is beta_0, and not 0.
# edit: - 0.5 * t * self.beta_0 →

# %% [sde.VPSDE.marginal_prob] the slope does not grow with t
# hint: The part that comes from the slope is linear in t: a triangle's area grows with t squared.
# edit: t**2 → t

# %% [sde.VPSDE.marginal_prob] the mean grows
# hint: The mean grows with time: the drift of VP pulls towards 0, so the exponent is negative.
# edit: torch.exp(log_mean_coeff), x → torch.exp(-log_mean_coeff), x

# %% [sde.VPSDE.marginal_prob] the exponent with the other sign
# hint: The sign of the whole exponent is turned round: the mean grows, and the variance is below 0, which has no root.
# edit: log_mean_coeff = -0.25 * t**2 * (self.beta_1 - self.beta_0) - → log_mean_coeff = 0.25 * t**2 * (self.beta_1 - self.beta_0) +

# %% [sde.VPSDE.marginal_prob] 1 − exp without the 2
# hint: What is left of the variance is the *square* of what is left of the mean: think of x of variance 1, which must keep
# hint: it.
# edit: torch.exp(2 * log_mean_coeff) → torch.exp(log_mean_coeff)

# %% [sde.VPSDE.marginal_prob] the variance
# hint: This is the variance. The standard deviation is asked for: what the noise is multiplied by.
# edit: torch.sqrt(1 - torch.exp(2 * log_mean_coeff)) → 1 - torch.exp(2 * log_mean_coeff)

# %% [sde.VPSDE.marginal_prob] 1 − the mean's factor
# hint: The standard deviation is 1 minus the mean's factor: but it is *variances* that add up to 1.
# edit: torch.sqrt(1 - torch.exp(2 * log_mean_coeff)) → 1 - torch.exp(log_mean_coeff)

# %% [sde.VPSDE.marginal_prob] the exponent halved for the std
# hint: In the standard deviation the exponent is far too small: it should be twice that of the mean, not half.
# edit: torch.exp(2 * log_mean_coeff) → torch.exp(0.5 * log_mean_coeff)

# %% [sde.VPSDE.marginal_prob] without the factor that Itô's isometry is divided by
# hint: The integral itself is large; divide it by what stood in front of x_t in equation (3), squared.
# edit: torch.sqrt(1 - torch.exp(2 * log_mean_coeff)) → torch.sqrt(torch.exp(-2 * log_mean_coeff) - 1)

# %% [sde.VPSDE.marginal_prob] the isometry divided once only
# hint: The noise was divided by the factor of equation (3), its variance by the square of it. One of the two is missing.
# edit: torch.sqrt(1 - torch.exp(2 * log_mean_coeff)) → torch.sqrt(torch.exp(-log_mean_coeff) - torch.exp(log_mean_coeff))

# %% [sde.VPSDE.marginal_prob] the mean is not shrunk
# hint: The mean is x itself. VP's drift pulls it towards 0; only VE leaves it where it is.
# edit: mean = column(torch.exp(log_mean_coeff), x) * x → mean = x

# %% [sde.VPSDE.marginal_prob] the logarithm for the factor
# hint: x is multiplied by the *logarithm* of the factor.
# edit: column(torch.exp(log_mean_coeff), x) → column(log_mean_coeff, x)

# %% [sde.VPSDE.marginal_prob] the mean's factor squared
# hint: The mean is multiplied by what is left of the *variance*; take its root.
# edit: column(torch.exp(log_mean_coeff), x) → column(torch.exp(2 * log_mean_coeff), x)

# %% [sde.VPSDE.marginal_prob] std of another shape
# hint: std has axes of length 1 behind the batch. It is one number for each sample, (b,); whoever needs it reshapes it.
# edit: return mean, std → return mean, column(std, x)

# %% [sde.VPSDE.marginal_prob] std of x's shape
# hint: std has x's shape; it is one number for each sample, (b,).
# edit: return mean, std → return mean, column(std, x).expand_as(x)

# %% [sde.VPSDE.marginal_prob] no axes for the factor
# hint: The factor is (b,), and torch aligns shapes from the right: it is multiplied along the width. `column` gives each
# hint: sample its own.
# edit: column(torch.exp(log_mean_coeff), x) → torch.exp(log_mean_coeff)

# %% [sde.VPSDE.marginal_prob] four axes only
# hint: Right for images. Points (b, 2) have two axes: let `column` append as many as there are.
# edit: column(torch.exp(log_mean_coeff), x) → torch.exp(log_mean_coeff)[:, None, None, None]

# %% [sde.VPSDE.marginal_prob] in the other order
# hint: The order of what is returned is mean, std.
# edit: return mean, std → return std, mean

# %% [sde.VPSDE.marginal_prob] the factor for the mean
# hint: What came first is the factor; the mean of x_t is the factor times x.
# edit: mean = column(torch.exp(log_mean_coeff), x) * x → mean = torch.exp(log_mean_coeff)

# %% [sde.VPSDE.marginal_prob] from the chain's tables
# hint: These are the numbers of the chain. They are near, but t is a number between the indices, and the SDE's integral
# hint: is exact at each.
# replace:
log_mean_coeff = -0.25 * t**2 * (self.beta_1 - self.beta_0) - 0.5 * t * self.beta_0
# by:
log_mean_coeff = torch.log(self.sqrt_alphas_cumprod[self.index(t)])

# %% [sde.VPSDE.marginal_prob] one draw comes back
# hint: One tensor came back, a noisy one perhaps. Mean and std are asked for; whoever needs a draw makes it of them.
# edit: return mean, std → return mean + column(std, x) * torch.zeros_like(x)

# %% [sde.VPSDE.marginal_prob] math for torch
# hint: math.exp takes one number, and t is a tensor of many: use torch's.
# edit: torch.exp(2 * log_mean_coeff) → math.exp(2 * log_mean_coeff)

# ---- sde.VESDE.sde ---------------------------------------------------------------------------------------------------

# %% [sde.VESDE.sde] without the 2
# hint: The square under your root is too small by half: the derivative of sigma *squared* is asked for, and its exponent
# hint: has a 2.
# edit: math.sqrt(2 * → math.sqrt(1.0 *

# %% [sde.VESDE.sde] g squared
# hint: This is what the variance grows by, g squared. The diffusion g is its root.
# edit: diffusion = sigma * math.sqrt(2 * math.log(self.sigma_max / self.sigma_min)) → diffusion = sigma**2 * 2 * math.log(self.sigma_max / self.sigma_min)

# %% [sde.VESDE.sde] the derivative of sigma
# hint: This is the derivative of sigma. Variances add, not standard deviations: it is sigma squared whose growth g
# hint: squared is.
# edit: math.sqrt(2 * math.log(self.sigma_max / self.sigma_min)) → math.log(self.sigma_max / self.sigma_min)

# %% [sde.VESDE.sde] the root of sigma's derivative
# hint: g squared is the derivative of sigma *squared*, and you have taken that of sigma.
# edit: sigma * math.sqrt(2 * math.log(self.sigma_max / self.sigma_min)) → (sigma * math.log(self.sigma_max / self.sigma_min)).sqrt()

# %% [sde.VESDE.sde] the logarithm outside of the root
# hint: Only the 2 stands under the root; the logarithm belongs there as well.
# edit: math.sqrt(2 * math.log(self.sigma_max / self.sigma_min)) → math.sqrt(2) * math.log(self.sigma_max / self.sigma_min)

# %% [sde.VESDE.sde] the 2 outside of the root
# hint: The 2 stands before the root; it belongs under it.
# edit: math.sqrt(2 * math.log(self.sigma_max / self.sigma_min)) → 2 * math.sqrt(math.log(self.sigma_max / self.sigma_min))

# %% [sde.VESDE.sde] no logarithm
# hint: sigma alone came, or nearly: a derivative of something to the power of t brings down the logarithm of its base.
# edit: sigma * math.sqrt(2 * math.log(self.sigma_max / self.sigma_min)) → sigma

# %% [sde.VESDE.sde] the ratio without its logarithm
# hint: The ratio itself stands under the root, where its logarithm belongs.
# edit: math.log(self.sigma_max / self.sigma_min) → (self.sigma_max / self.sigma_min)

# %% [sde.VESDE.sde] a logarithm of sigma_max only
# hint: The logarithm is that of the *ratio* of both sigmas.
# edit: math.log(self.sigma_max / self.sigma_min) → abs(math.log(self.sigma_max))

# %% [sde.VESDE.sde] a logarithm to base 10
# hint: The logarithm is to base 10 (or 2); derivatives bring the natural one.
# edit: math.log( → math.log10(

# %% [sde.VESDE.sde] a logarithm to base 2
# hint: The logarithm is to base 2; derivatives bring the natural one.
# edit: math.log( → math.log2(

# %% [sde.VESDE.sde] the ratio turned over
# hint: sigma_min / sigma_max: its logarithm is below 0, and has no root.
# edit: math.sqrt(2 * math.log(self.sigma_max / self.sigma_min)) → torch.sqrt(2 * torch.log(torch.tensor(self.sigma_min / self.sigma_max)))

# %% [sde.VESDE.sde] the ratio turned over, in Python
# hint: sigma_min / sigma_max: its logarithm is below 0, and Python refuses a root of it.
# edit: math.log(self.sigma_max / self.sigma_min) → math.log(self.sigma_min / self.sigma_max)

# %% [sde.VESDE.sde] sigma at time 0
# hint: sigma_min stands where sigma(t) belongs: the noise that comes in grows with time.
# edit: diffusion = sigma * → diffusion = torch.full_like(t, self.sigma_min) *

# %% [sde.VESDE.sde] sigma falls
# hint: sigma falls with time here: data is at t = 0, and noise at t = 1.
# edit: ** t → ** (1 - t)

# %% [sde.VESDE.sde] an arithmetic row
# hint: sigma grows in a straight line here. By (5) it grows geometrically.
# edit: sigma = self.sigma_min * (self.sigma_max / self.sigma_min) ** t → sigma = self.sigma_min + t * (self.sigma_max - self.sigma_min)

# %% [sde.VESDE.sde] from the chain's levels
# hint: These are the levels of the chain, nearly right; t is any number between them.
# edit: sigma = self.sigma_min * (self.sigma_max / self.sigma_min) ** t → sigma = self.discrete_sigmas[self.index(t)]

# %% [sde.VESDE.sde] VP's drift
# hint: x is pulled here. In VE nothing pulls: the mean stays where it is.
# edit: torch.zeros_like(x) → -0.5 * column(diffusion**2, x) * x

# %% [sde.VESDE.sde] x for the drift
# hint: x itself came as the drift. The drift is what x *changes by*, and here it does not.
# edit: return torch.zeros_like(x), → return x,

# %% [sde.VESDE.sde] a number for the drift
# hint: The number 0 came as the drift; code that runs on any SDE wants a tensor of x's shape.
# edit: torch.zeros_like(x) → 0.0

# %% [sde.VESDE.sde] a drift for each sample
# hint: The drift is (b,). It has x's shape: every pixel could have its own.
# edit: torch.zeros_like(x) → torch.zeros_like(t)

# %% [sde.VESDE.sde] the diffusion with axes
# hint: The diffusion has axes of length 1 behind the batch; it is (b,).
# edit: x), diffusion → x), column(diffusion, x)

# %% [sde.VESDE.sde] in the other order
# hint: The order is drift, diffusion.
# edit: return torch.zeros_like(x), diffusion → return diffusion, torch.zeros_like(x)

# %% [sde.VESDE.sde] the diffusion alone
# hint: One tensor came back; drift and diffusion are asked for, also where the drift is 0.
# edit: return torch.zeros_like(x), diffusion → return diffusion

# %% [sde.VESDE.sde] torch.log of a number
# hint: torch.log and torch.sqrt take tensors, and the sigmas are Python's numbers: use math's.
# edit: math.log( → torch.log(

# ---- sde.reverse_sde -------------------------------------------------------------------------------------------------

# %% [sde.reverse_sde] half of the score in the SDE
# hint: The flow is right, but in (7) the whole of g²·score is subtracted: half of it pays for the noise, and that is
# hint: there now.
# edit: weight = 0.5 if probability_flow else 1.0 → weight = 0.5

# %% [sde.reverse_sde] the whole score in the flow
# hint: The SDE is right. The flow has no noise to pay for, so by (8) it takes half of the score's part.
# edit: weight = 0.5 if probability_flow else 1.0 → weight = 1.0

# %% [sde.reverse_sde] half and whole have changed places
# hint: Half and whole have changed places: (7) takes the whole, the flow (8) the half.
# edit: 0.5 if probability_flow else 1.0 → 1.0 if probability_flow else 0.5

# %% [sde.reverse_sde] g for its square
# hint: The score is multiplied by g; in (7) it is g squared, the variance that comes in.
# edit: column(diffusion, x) ** 2 → column(diffusion, x)

# %% [sde.reverse_sde] the root of g
# hint: The score's factor is too small: is `diffusion` g, or its square?
# edit: column(diffusion, x) ** 2 → column(diffusion, x).sqrt()

# %% [sde.reverse_sde] the half is squared as well
# hint: The half is squared with g, and becomes a quarter: mind what the power belongs to.
# edit: weight * column(diffusion, x) ** 2 → (weight * column(diffusion, x)) ** 2

# %% [sde.reverse_sde] no g at all
# hint: The score is subtracted as it is: g squared is missing before it.
# edit: weight * column(diffusion, x) ** 2 * → weight *

# %% [sde.reverse_sde] plus
# hint: The score's part is added. In (7) it is subtracted, since dt is negative there: it then moves x *up* the density.
# edit: drift - weight → drift + weight

# %% [sde.reverse_sde] the drift turned round
# hint: The forward drift has changed its sign. In (7) time itself runs backwards, and f stands as it was.
# edit: drift = drift - weight → drift = -drift - weight

# %% [sde.reverse_sde] all turned round
# hint: The whole drift has the other sign: (7) is meant for a negative dt, which is the business of whoever steps.
# edit: drift - weight * column(diffusion, x) ** 2 * score_fn(x, t) → weight * column(diffusion, x) ** 2 * score_fn(x, t) - drift

# %% [sde.reverse_sde] no forward drift
# hint: Only the score's part came: the forward drift f is missing.
# edit: drift = drift - → drift = -

# %% [sde.reverse_sde] no score
# hint: The forward drift came as it is: the score's part is missing.
# edit: drift = drift - weight * column(diffusion, x) ** 2 * score_fn(x, t) →

# %% [sde.reverse_sde] the flow keeps its noise
# hint: The flow's diffusion is not 0: it has no noise at all.
# edit: torch.zeros_like(diffusion) if probability_flow else diffusion → diffusion

# %% [sde.reverse_sde] neither has noise
# hint: The reverse SDE has lost its noise; only the flow has none.
# edit: torch.zeros_like(diffusion) if probability_flow else diffusion → torch.zeros_like(diffusion)

# %% [sde.reverse_sde] noise and none have changed places
# hint: The flow has noise here and the SDE has none: it is the other way round.
# edit: if probability_flow else diffusion → if not probability_flow else diffusion

# %% [sde.reverse_sde] the flow's noise halved
# hint: The flow's diffusion is halved. Not half of the noise is left there, but none.
# edit: torch.zeros_like(diffusion) if → 0.5 * diffusion if

# %% [sde.reverse_sde] g squared as the diffusion
# hint: The diffusion that came back is squared: dw is multiplied by g.
# edit: else diffusion → else diffusion**2

# %% [sde.reverse_sde] the diffusion's sign
# hint: The diffusion has got a minus. Noise is symmetric, but its size is g.
# edit: else diffusion → else -diffusion

# %% [sde.reverse_sde] a diffusion with axes
# hint: The diffusion has axes of length 1 behind the batch; it is (b,).
# replace:
return drift, torch.zeros_like(diffusion) if probability_flow else diffusion
# by:
return drift, column(torch.zeros_like(diffusion) if probability_flow else diffusion, x)

# %% [sde.reverse_sde] no axes for g
# hint: g is (b,), and torch aligns shapes from the right: it is multiplied along the width. `column` gives each sample its
# hint: own.
# edit: column(diffusion, x) → diffusion

# %% [sde.reverse_sde] one g for all
# hint: All samples get the first one's g; each has its own time.
# edit: column(diffusion, x) → diffusion[0]

# %% [sde.reverse_sde] four axes only
# hint: Right for images. Points (b, 2) have two axes: `column` appends as many as there are.
# edit: column(diffusion, x) → diffusion[:, None, None, None]

# %% [sde.reverse_sde] in the other order
# hint: The order is drift, diffusion.
# edit: return drift, torch.zeros_like(diffusion) if probability_flow else diffusion → return (torch.zeros_like(diffusion) if probability_flow else diffusion), drift

# %% [sde.reverse_sde] the drift alone
# hint: One tensor came back; drift and diffusion are asked for.
# edit: return drift, torch.zeros_like(diffusion) if probability_flow else diffusion → return drift

# %% [sde.reverse_sde] in place
# hint: `drift -= ...` and its like write into what the SDE gave. For some SDEs that is fine, for the next caller not.
# edit: drift = drift - weight * column(diffusion, x) ** 2 * score_fn(x, t) → x -= weight * column(diffusion, x) ** 2 * score_fn(x, t)

# ---- sde.euler_maruyama_step -----------------------------------------------------------------------------------------

# %% [sde.euler_maruyama_step] forwards
# hint: The drift is added. The step leads *back*: in (7) dt is negative, and yours is a positive length.
# edit: x - drift * dt → x + drift * dt

# %% [sde.euler_maruyama_step] dt at the noise
# hint: The noise is multiplied by dt: variances add, so a step of length dt has noise of its root.
# edit: math.sqrt(dt) → dt

# %% [sde.euler_maruyama_step] the noise without dt
# hint: The noise has the size of a step of length 1: its root of dt is missing.
# edit: column(diffusion, x) * math.sqrt(dt) * z → column(diffusion, x) * z

# %% [sde.euler_maruyama_step] the root of dt at the drift too
# hint: The drift is multiplied by the root of dt: only noise goes with the root.
# edit: drift * dt → drift * math.sqrt(dt)

# %% [sde.euler_maruyama_step] the drift without dt
# hint: The whole drift is taken, as if the step were of length 1: dt is missing.
# edit: drift * dt → drift

# %% [sde.euler_maruyama_step] g squared at the noise
# hint: The noise is multiplied by g squared; its standard deviation is asked for.
# edit: column(diffusion, x) * math → column(diffusion, x) ** 2 * math

# %% [sde.euler_maruyama_step] the root of g at the noise
# hint: The noise is multiplied by the root of g: `diffusion` is g already.
# edit: column(diffusion, x) * math → column(diffusion, x).sqrt() * math

# %% [sde.euler_maruyama_step] no g at the noise
# hint: The noise does not depend on g: in (7) dw is multiplied by it.
# edit: column(diffusion, x) * math → math

# %% [sde.euler_maruyama_step] noise with a minus
# hint: Your noise is subtracted. As good in distribution; here z is given, and x is x_mean *plus* the noise.
# edit: x_mean + column → x_mean - column

# %% [sde.euler_maruyama_step] the flow's drift
# hint: Half of the score's part only: this is the drift of the flow (8), and then noise is added as well.
# edit: reverse_sde(sde, score_fn, x, t) → reverse_sde(sde, score_fn, x, t, True)[0], sde.sde(x, t)[1]

# %% [sde.euler_maruyama_step] the flow's step
# hint: A step of the probability flow, without any noise: (7) is asked for.
# edit: reverse_sde(sde, score_fn, x, t) → reverse_sde(sde, score_fn, x, t, True)

# %% [sde.euler_maruyama_step] the forward drift
# hint: There is no score in it: the forward SDE was asked for its drift, and not the reverse one.
# edit: reverse_sde(sde, score_fn, x, t) → sde.sde(x, t)

# %% [sde.euler_maruyama_step] the score's sign
# hint: The step leads *down* the density: check the sign of g²·score for a step backwards.
# edit: reverse_sde(sde, score_fn, x, t) → reverse_sde(sde, lambda x, t: -score_fn(x, t), x, t)

# %% [sde.euler_maruyama_step] the drift's sign only
# hint: The score's part is right, but the forward drift f is added: a step backwards undoes f.
# edit: x_mean = x - drift * dt → x_mean = x - (drift - 2 * sde.sde(x, t)[0]) * dt

# %% [sde.euler_maruyama_step] x and x_mean changed places
# hint: The order is x (with noise), then x_mean.
# edit: return x_mean + column(diffusion, x) * math.sqrt(dt) * z, x_mean → return x_mean, x_mean + column(diffusion, x) * math.sqrt(dt) * z

# %% [sde.euler_maruyama_step] x alone
# hint: One tensor came back: x with the step's noise and x_mean without it are asked for.
# edit: * z, x_mean → * z

# %% [sde.euler_maruyama_step] the old x as x_mean
# hint: What stands in the place of x_mean is the x that was given, or one that has not moved.
# edit: * z, x_mean → * z, x

# %% [sde.euler_maruyama_step] noise in both
# hint: x_mean has the step's noise in it: it is x *without* it.
# replace:
return x_mean + column(diffusion, x) * math.sqrt(dt) * z, x_mean
# by:
x = x_mean + column(diffusion, x) * math.sqrt(dt) * z
return x, x

# %% [sde.euler_maruyama_step] noise in neither
# hint: x has no noise: z is not used.
# edit: return x_mean + column(diffusion, x) * math.sqrt(dt) * z, → return x_mean,

# %% [sde.euler_maruyama_step] noise upon the old x
# hint: The noise is added to the old x; it belongs upon x_mean.
# edit: return x_mean + column → return x + column

# %% [sde.euler_maruyama_step] noise of its own
# hint: The step draws its own noise: use the z that is given.
# edit: * z, → * torch.randn_like(x),

# %% [sde.euler_maruyama_step] no axes for g
# hint: g is (b,), and torch aligns shapes from the right. `column` gives each sample its own.
# edit: column(diffusion, x) → diffusion

# %% [sde.euler_maruyama_step] torch.sqrt of a number
# hint: torch.sqrt takes a tensor, and dt is Python's number: dt ** 0.5, or math's.
# edit: math.sqrt(dt) → torch.sqrt(dt)

# %% [sde.euler_maruyama_step] in place
# hint: `x -= ...` writes into the caller's x.
# edit: x_mean = x - drift * dt → x -= drift * dt; x_mean = x

# %% [sde.euler_maruyama_step] at the time of arrival
# hint: Drift and diffusion are asked for at t − dt; the step begins at t, and there x is.
# edit: reverse_sde(sde, score_fn, x, t) → reverse_sde(sde, score_fn, x, t - dt)

# ---- sde.get_score_fn ------------------------------------------------------------------------------------------------

# %% [sde.get_score_fn] 1000 for 999
# hint: Labels of continuous VP are 1000·t; the convention counts from 0 to 999.
# edit: 999 * t → 1000 * t

# %% [sde.get_score_fn] t itself as the label
# hint: Continuous VP's labels are t itself, from 0 to 1; the networks were trained with labels up to 999.
# edit: 999 * t → t

# %% [sde.get_score_fn] N − 1 for 999
# hint: Continuous VP's labels depend on N here. A continuous network knows no chain: its labels are always 999·t.
# edit: 999 * t → (sde.N - 1) * t

# %% [sde.get_score_fn] rounded continuous labels
# hint: Continuous labels are rounded to integers; the network was trained at all times between, so leave them floating.
# edit: 999 * t → (999 * t).round()

# %% [sde.get_score_fn] VP's labels reversed
# hint: Labels of VP fall with time: it is VE's discrete labels only that run the other way.
# edit: 999 * t → 999 * (1 - t)

# %% [sde.get_score_fn] N for N − 1
# hint: Discrete VP's labels are N·t: the last index is N − 1.
# edit: labels, std = (sde.N - 1) * t → labels, std = sde.N * t

# %% [sde.get_score_fn] discrete VP's labels rounded
# hint: Discrete VP's labels are rounded; by the table they are floating, (N − 1)·t.
# edit: labels, std = (sde.N - 1) * t → labels, std = sde.index(t).float()

# %% [sde.get_score_fn] discrete VP's labels as integers
# hint: Discrete VP's labels are integers; by the table they are floating, (N − 1)·t.
# edit: labels, std = (sde.N - 1) * t → labels, std = sde.index(t)

# %% [sde.get_score_fn] discrete VP with 999
# hint: Discrete VP's labels do not depend on N: they count the chain's indices, up to N − 1.
# edit: labels, std = (sde.N - 1) * t → labels, std = 999 * t

# %% [sde.get_score_fn] discrete VP's labels reversed
# hint: Discrete VP's labels fall with time: only VE's run the other way.
# edit: labels, std = (sde.N - 1) * t → labels, std = (sde.N - 1) * (1 - t)

# %% [sde.get_score_fn] discrete VP's std from the SDE
# hint: Discrete VP takes std from marginal_prob; by the table it comes from the chain's own numbers.
# edit: sde.sqrt_1m_alphas_cumprod[sde.index(t)] → sde.marginal_prob(x, t)[1]

# %% [sde.get_score_fn] the data's factor as std
# hint: Discrete VP divides by what the *data* is multiplied by; the noise's number is asked for.
# edit: sde.sqrt_1m_alphas_cumprod → sde.sqrt_alphas_cumprod

# %% [sde.get_score_fn] a variance as discrete std
# hint: Discrete VP divides by the variance; the table sqrt_1m_alphas_cumprod has its root.
# edit: sde.sqrt_1m_alphas_cumprod[sde.index(t)] → (1 - sde.alphas_cumprod)[sde.index(t)]

# %% [sde.get_score_fn] one step's noise as std
# hint: Discrete VP divides by the noise of one step; x_t holds that of all steps up to t.
# edit: sde.sqrt_1m_alphas_cumprod[sde.index(t)] → sde.discrete_betas[sde.index(t)].sqrt()

# %% [sde.get_score_fn] t as an index
# hint: A time in [0, 1] looks up the table: as an integer it is 0 for all of them. sde.index gives the index of t.
# edit: sde.sqrt_1m_alphas_cumprod[sde.index(t)] → sde.sqrt_1m_alphas_cumprod[t.long()]

# %% [sde.get_score_fn] a floating index
# hint: Labels look up a table, but they are floating: an index is an integer, and sde.index gives it.
# edit: sde.sqrt_1m_alphas_cumprod[sde.index(t)] → sde.sqrt_1m_alphas_cumprod[(sde.N - 1) * t]

# %% [sde.get_score_fn] the sign
# hint: VP's score has the wrong sign: more noise in one direction means that data lies in the *other*.
# edit: return -model → return model

# %% [sde.get_score_fn] not divided
# hint: VP's score is not divided by std: the score of mean + std·z is −z/std.
# edit: return -model(x, labels) / column(std, x) → return -model(x, labels)

# %% [sde.get_score_fn] multiplied by std
# hint: VP's noise is multiplied by std; the score is −z/std.
# edit: -model(x, labels) / column → -model(x, labels) * column

# %% [sde.get_score_fn] divided by the variance
# hint: VP's noise is divided by the variance. That would be right for (x_t − mean), which is std·z; the network tells z.
# edit: / column(std, x) → / column(std, x) ** 2

# %% [sde.get_score_fn] the noise as it came
# hint: VP's network tells noise, and that was handed on as if it were the score.
# edit: return -model(x, labels) / column(std, x) → return model(x, labels)

# %% [sde.get_score_fn] mean for std
# hint: marginal_prob gives (mean, std): you have taken the first.
# edit: labels, std = 999 * t, sde.marginal_prob(x, t)[1] → labels, std = 999 * t, sde.marginal_prob(x, t)[0].flatten(1)[:, 0]

# %% [sde.get_score_fn] VE's score divided
# hint: VE's networks tell the score itself, and yours is divided by std once more.
# edit: return model(x, labels) → return model(x, labels) / column(sde.marginal_prob(x, t)[1], x)

# %% [sde.get_score_fn] VE's answer taken for noise
# hint: VE's answer is turned into a score as if it were noise; by the table it is the score already.
# edit: return model(x, labels) → return -model(x, labels) / column(sde.marginal_prob(x, t)[1], x)

# %% [sde.get_score_fn] VE's sign
# hint: VE's score has got a minus. Only VP's networks tell noise.
# edit: return model(x, labels) → return -1 * model(x, labels)

# %% [sde.get_score_fn] VE's labels not reversed
# hint: VE's discrete labels rise with time: NCSN's label 0 is the *largest* sigma.
# edit: (sde.T - t) → t

# %% [sde.get_score_fn] N for N − 1 in VE
# hint: VE's discrete labels are N·(1 − t): the last label is N − 1.
# edit: ((sde.N - 1) * (sde.T - t)) → (sde.N * (sde.T - t))

# %% [sde.get_score_fn] VE's labels cut off
# hint: VE's discrete labels are cut off, not rounded.
# edit: .round().long() → .long()

# %% [sde.get_score_fn] VE's labels rounded, floating
# hint: VE's discrete labels are whole numbers, but of a floating dtype: int64 is asked for.
# edit: .round().long() → .round()

# %% [sde.get_score_fn] VE's labels not rounded
# hint: VE's discrete labels are not rounded: they look up levels, so they are int64.
# edit: .round().long() →

# %% [sde.get_score_fn] time as VE's label
# hint: VE's continuous labels are times. That network is told how much noise there is: sigma(t).
# edit: labels = sde.marginal_prob(x, t)[1] → labels = t

# %% [sde.get_score_fn] 999·t as VE's label
# hint: VE's continuous labels are VP's. That network is told how much noise there is: sigma(t).
# edit: labels = sde.marginal_prob(x, t)[1] → labels = 999 * t

# %% [sde.get_score_fn] log sigma as VE's label
# hint: VE's continuous labels are the logarithm of sigma; the convention hands over sigma itself.
# edit: labels = sde.marginal_prob(x, t)[1] → labels = sde.marginal_prob(x, t)[1].log()

# %% [sde.get_score_fn] VE's level for sigma(t)
# hint: VE's continuous labels are levels of the chain; continuous means sigma(t), by marginal_prob.
# edit: labels = sde.marginal_prob(x, t)[1] → labels = sde.discrete_sigmas[sde.index(t)]

# %% [sde.get_score_fn] continuous and discrete changed places
# hint: Continuous and discrete have changed places.
# edit: if continuous: → if not continuous:
# edit: if continuous or → if not continuous or

# %% [sde.get_score_fn] sub-VP by its chain
# hint: sub-VP asked for discretely took VP's chain: it has no such table, and always counts as continuous.
# edit: if continuous or isinstance(sde, subVPSDE): → if continuous:

# %% [sde.get_score_fn] continuous is ignored
# hint: The discrete rows of the table are missing: everything is answered as continuous.
# edit: if continuous: → if True:
# edit: if continuous or isinstance(sde, subVPSDE): → if True:

# %% [sde.get_score_fn] no axes for std
# hint: std is (b,), and torch aligns shapes from the right. `column` gives each sample its own.
# edit: / column(std, x) → / std

# %% [sde.get_score_fn] the score at once
# hint: get_score_fn has no x yet: it returns a *function* of x and t.
# edit: return score_fn → return score_fn(torch.zeros(4, 3, 5, 4), torch.zeros(4))

# %% [sde.get_score_fn] nothing is returned
# hint: get_score_fn returns None: the inner function is defined, and not returned.
# edit: return score_fn → pass

# ---- sde.sde_loss ----------------------------------------------------------------------------------------------------

# %% [sde.sde_loss] minus z
# hint: The error is measured against +z: the target of the score is −z/std, so both *add up* to 0.
# edit: std * score + z → std * score - z
# edit: score + z / std → score - z / std

# %% [sde.sde_loss] minus z, unweighted
# hint: The first loss has the wrong sign at z: for the right score std·s and z cancel.
# edit: std * score + z → std * score - z

# %% [sde.sde_loss] minus z, weighted
# hint: The weighted loss has the wrong sign at z: for the right score s and z/std cancel.
# edit: score + z / std → score - z / std

# %% [sde.sde_loss] the score of clean data
# hint: The score function is asked at x. It learns about *noisy* data: ask it at x_t.
# edit: score = score_fn(x_t, t) → score = score_fn(x, t)

# %% [sde.sde_loss] the score of the mean
# hint: The score function is asked at the mean of x_t, without noise.
# edit: score = score_fn(x_t, t) → score = score_fn(mean, t)

# %% [sde.sde_loss] the data is not shrunk
# hint: The noise was added to x itself; x_t has the mean that marginal_prob tells.
# edit: x_t = mean + → x_t = x +

# %% [sde.sde_loss] the variance for std in x_t
# hint: In x_t the noise is multiplied by std squared.
# edit: x_t = mean + std * z → x_t = mean + std**2 * z

# %% [sde.sde_loss] noise without std
# hint: In x_t the noise has size 1; multiply it by std.
# edit: x_t = mean + std * z → x_t = mean + z

# %% [sde.sde_loss] std is missing before the score
# hint: In the first loss std is missing: the score itself is compared with noise of size 1.
# edit: ((std * score + z) ** 2) → ((score + z) ** 2)

# %% [sde.sde_loss] the plain error of the score
# hint: The first loss is the score's plain squared error; times std² every time counts alike.
# edit: ((std * score + z) ** 2) → ((score + z / std) ** 2)

# %% [sde.sde_loss] the variance before the score
# hint: In the first loss the score is multiplied by std squared.
# edit: ((std * score + z) ** 2) → ((std**2 * score + z) ** 2)

# %% [sde.sde_loss] g for its square
# hint: The likelihood weight is g squared; here it is g.
# edit: diffusion**2 * → diffusion *

# %% [sde.sde_loss] no likelihood weight
# hint: The weight g² is missing in the second loss.
# edit: diffusion**2 * (score → (score

# %% [sde.sde_loss] g² upon the first loss
# hint: g² weights the wrong square: with it the score itself is compared with −z/std, not std times it.
# edit: (score + z / std) ** 2 → (std * score + z) ** 2

# %% [sde.sde_loss] z not divided
# hint: In the weighted loss z is not divided by std: the target of the score is −z/std.
# edit: (score + z / std) ** 2 → (score + z) ** 2

# %% [sde.sde_loss] z divided by the variance
# hint: In the weighted loss z is divided by std squared. That would be right for x_t − mean; z is standard normal.
# edit: z / std) ** 2 → z / std**2) ** 2

# %% [sde.sde_loss] weight inside of the square
# hint: g² is squared once more: it weights the square, and does not stand in it.
# edit: (diffusion**2 * (score + z / std) ** 2) → ((diffusion**2 * (score + z / std)) ** 2)

# %% [sde.sde_loss] divided by g²
# hint: The likelihood weight divides: it multiplies.
# edit: diffusion**2 * (score + z / std) ** 2 → (score + z / std) ** 2 / diffusion**2

# %% [sde.sde_loss] a half
# hint: Both losses are half of what they should be: there is no half in (9).
# edit: return (diffusion**2 * → return (0.5 * diffusion**2 *
# edit: return ((std * score + z) ** 2) → return (0.5 * (std * score + z) ** 2)

# %% [sde.sde_loss] a sum
# hint: The sum over everything came; take the mean over batch and dimensions.
# edit: ** 2).mean() → ** 2).sum()

# %% [sde.sde_loss] summed over dimensions
# hint: The dimensions are summed and only the batch is averaged: the mean is over both.
# edit: return ((std * score + z) ** 2).mean() → return ((std * score + z) ** 2).flatten(1).sum(1).mean()
# edit: return (diffusion**2 * (score + z / std) ** 2).mean() → return (diffusion**2 * (score + z / std) ** 2).flatten(1).sum(1).mean()

# %% [sde.sde_loss] half of the sum over dimensions
# hint: This is the paper's form, half of the sum over dimensions: the table's footnote names it. Here all numbers are
# hint: averaged, and there is no half.
# edit: return ((std * score + z) ** 2).mean() → return 0.5 * ((std * score + z) ** 2).flatten(1).sum(1).mean()
# edit: return (diffusion**2 * (score + z / std) ** 2).mean() → return 0.5 * (diffusion**2 * (score + z / std) ** 2).flatten(1).sum(1).mean()

# %% [sde.sde_loss] a loss for each sample
# hint: One loss for each sample came; one number is asked for.
# edit: return ((std * score + z) ** 2).mean() → return ((std * score + z) ** 2).flatten(1).mean(1)

# %% [sde.sde_loss] no mean
# hint: The squares came back without their mean.
# edit: return ((std * score + z) ** 2).mean() → return (std * score + z) ** 2

# %% [sde.sde_loss] no square
# hint: The error is not squared, so that errors of both signs cancel.
# edit: return ((std * score + z) ** 2).mean() → return (std * score + z).mean()

# %% [sde.sde_loss] absolute errors
# hint: These are absolute errors; squares are asked for.
# edit: return ((std * score + z) ** 2).mean() → return (std * score + z).abs().mean()

# %% [sde.sde_loss] the weightings have changed places
# hint: The two weightings have changed places.
# edit: if likelihood_weighting: → if not likelihood_weighting:

# %% [sde.sde_loss] the weighting is ignored
# hint: likelihood_weighting changes nothing: both calls gave the first loss. (With std squared in the place of g squared
# hint: the second *is* the first.)
# edit: if likelihood_weighting: → if False:

# %% [sde.sde_loss] the graph is cut
# hint: The number is right, but nothing could learn from it: the score is detached (or asked for under no_grad).
# edit: score = score_fn(x_t, t) → score = score_fn(x_t, t).detach()

# %% [sde.sde_loss] a Python number
# hint: .item() came back: a number has no graph, and nothing could learn from it.
# edit: return ((std * score + z) ** 2).mean() → return ((std * score + z) ** 2).mean().item()

# %% [sde.sde_loss] noise of its own
# hint: The loss draws its own noise: use the z that is given, in x_t and in the target.
# edit: mean, std = sde.marginal_prob(x, t) → mean, std = sde.marginal_prob(x, t); z = torch.randn_like(z)

# %% [sde.sde_loss] no axes for std
# hint: std is (b,), and torch aligns shapes from the right. `column` gives each sample its own.
# edit: std = column(std, x) →

# %% [sde.sde_loss] no axes for g
# hint: g is (b,), and torch aligns shapes from the right. `column` gives each sample its own.
# edit: column(sde.sde(x_t, t)[1], x) → sde.sde(x_t, t)[1]

# %% [sde.sde_loss] one std for all
# hint: All samples get the first one's std; each has its own time.
# edit: std = column(std, x) → std = std[0]

# %% [sde.sde_loss] the drift for the diffusion
# hint: sde.sde gives (drift, diffusion): you have taken the first.
# edit: diffusion = column(sde.sde(x_t, t)[1], x) → diffusion = sde.sde(x_t, t)[0]

# ---- sde.ancestral_predictor -----------------------------------------------------------------------------------------

# %% [sde.ancestral_predictor] the root of beta before VP's score
# hint: VP's score is multiplied by the root of beta; by (10) it is beta.
# edit: column(beta, x) * score → column(beta, x).sqrt() * score

# %% [sde.ancestral_predictor] VP's score subtracted
# hint: VP's score is subtracted: sampling goes *up* the density.
# edit: x + column(beta, x) → x - column(beta, x)

# %% [sde.ancestral_predictor] VP not divided
# hint: VP's x_mean is not divided by the root of 1 − beta: a step of the chain shrank x, and back it grows.
# edit: / column((1 - beta).sqrt(), x) →

# %% [sde.ancestral_predictor] VP multiplied
# hint: VP's x is multiplied by the root of 1 − beta. That is the way into noise.
# edit: / column((1 - beta).sqrt(), x) → * column((1 - beta).sqrt(), x)

# %% [sde.ancestral_predictor] VP divided by 1 − beta
# hint: VP's x_mean is divided by 1 − beta: its root is missing.
# edit: (1 - beta).sqrt() → (1 - beta)

# %% [sde.ancestral_predictor] VP: only x is divided
# hint: In VP only x is divided; the sum of both is.
# edit: (x + column(beta, x) * score) / column((1 - beta).sqrt(), x) → x / column((1 - beta).sqrt(), x) + column(beta, x) * score

# %% [sde.ancestral_predictor] alphas_cumprod for a step
# hint: VP's step is divided by what is left after *all* steps; 1 − beta is one step's.
# edit: column((1 - beta).sqrt(), x) → column(sde.alphas_cumprod[i].sqrt(), x)

# %% [sde.ancestral_predictor] VP's noise of size beta
# hint: VP's noise is multiplied by beta, a variance: take its root.
# edit: std = beta.sqrt() → std = beta

# %% [sde.ancestral_predictor] β̃
# hint: VP's noise is that of 05's posterior, β̃. Here it is the chain's own β.
# replace:
    std = beta.sqrt()
# by:
    left = sde.alphas_cumprod
    earlier = torch.where(i == 0, torch.ones_like(beta), left[(i - 1).clamp(min=0)])
    std = (beta * (1 - earlier) / (1 - left[i])).sqrt()

# %% [sde.ancestral_predictor] beta(t) for beta_i
# hint: VP takes beta(t), the SDE's rate. One step of the chain takes beta_i, a rate times the length of the step.
# edit: beta = sde.discrete_betas[i] → beta = sde.discrete_betas[i] * sde.N

# %% [sde.ancestral_predictor] VP's index one too low
# hint: VP looks up the beta before: the index of t is the step that is being undone.
# edit: sde.discrete_betas[i] → sde.discrete_betas[(i - 1).clamp(min=0)]

# %% [sde.ancestral_predictor] VP's mean by the flow
# hint: VP takes half of the score's part. That is the flow's; here noise is added as well.
# edit: column(beta, x) * score → 0.5 * column(beta, x) * score

# %% [sde.ancestral_predictor] reverse diffusion's VP
# hint: VP's x_mean is that of reverse diffusion, (2 − √(1 − β))·x + β·score: near, and another sampler. Use (10).
# edit: (x + column(beta, x) * score) / column((1 - beta).sqrt(), x) → column(2 - (1 - beta).sqrt(), x) * x + column(beta, x) * score

# %% [sde.ancestral_predictor] σ_i² before VE's score
# hint: VE's score is multiplied by the whole sigma_i². One step takes away the *difference* of two levels; this would
# hint: denoise all at once.
# edit: x + column(grown, x) → x + column(sigma**2, x)

# %% [sde.ancestral_predictor] a difference of sigmas
# hint: VE takes the difference of the sigmas, squared or not; by (10) it is the difference of their squares.
# edit: grown = sigma**2 - before**2 → grown = (sigma - before) ** 2

# %% [sde.ancestral_predictor] a plain difference of sigmas
# hint: VE takes the difference of sigmas; variances are what is subtracted.
# edit: grown = sigma**2 - before**2 → grown = sigma - before

# %% [sde.ancestral_predictor] the difference turned round
# hint: VE's difference is negative: sigma_i is the larger of the two.
# edit: grown = sigma**2 - before**2 → grown = before**2 - sigma**2

# %% [sde.ancestral_predictor] VE's score subtracted
# hint: VE's score is subtracted: sampling goes *up* the density.
# edit: x + column(grown, x) → x - column(grown, x)

# %% [sde.ancestral_predictor] the root before VE's score
# hint: VE's score is multiplied by the root of the difference; that would be the noise of a step.
# edit: x + column(grown, x) → x + column(grown.sqrt(), x)

# %% [sde.ancestral_predictor] VE's noise of reverse diffusion
# hint: VE's noise is that of reverse diffusion, the root of the difference. (10) has less: it knows where the step ends.
# edit: (before**2 * grown / sigma**2).sqrt() → grown.sqrt()

# %% [sde.ancestral_predictor] VE's variance for the noise
# hint: VE's noise is multiplied by a variance: the root in (10) is missing.
# edit: (before**2 * grown / sigma**2).sqrt() → before**2 * grown / sigma**2

# %% [sde.ancestral_predictor] VE's noise turned over
# hint: In VE's noise the two sigmas have changed places: it vanishes where the earlier level is 0.
# edit: (before**2 * grown / sigma**2).sqrt() → (sigma**2 * grown / before**2).sqrt()

# %% [sde.ancestral_predictor] VE: sigma not squared below
# hint: VE's noise is divided by sigma_i; under the root it is its square.
# edit: grown / sigma**2 → grown / sigma

# %% [sde.ancestral_predictor] index −1 wraps
# hint: Right for VE except at index 0: −1 is the *last* level of a tensor, the largest sigma, and before the first
# hint: there is none.
# edit: torch.where(i == 0, torch.zeros_like(sigma), sde.discrete_sigmas[(i - 1).clamp(min=0)]) → sde.discrete_sigmas[i - 1]

# %% [sde.ancestral_predictor] index −1 wraps, and its root is made real
# hint: VE is off where the index is 0: there −1 takes the *last* level of the table, and `abs` under the root only hides
# hint: what that does. Before the first level there is none, so no noise.
# edit: torch.where(i == 0, torch.zeros_like(sigma), sde.discrete_sigmas[(i - 1).clamp(min=0)]) → sde.discrete_sigmas[i - 1]
# edit: (before**2 * grown / sigma**2).sqrt() → (before**2 * grown / sigma**2).abs().sqrt()

# %% [sde.ancestral_predictor] the first level stands before itself
# hint: Right for VE except at index 0: the level before the first is 0, and you have the first again.
# edit: torch.where(i == 0, torch.zeros_like(sigma), sde.discrete_sigmas[(i - 1).clamp(min=0)]) → sde.discrete_sigmas[(i - 1).clamp(min=0)]

# %% [sde.ancestral_predictor] the next level for the one before
# hint: VE steps to the *next* level, with more noise; the step leads to the one before.
# edit: sde.discrete_sigmas[(i - 1).clamp(min=0)] → sde.discrete_sigmas[(i + 1).clamp(max=sde.N - 1)]

# %% [sde.ancestral_predictor] VE's index reversed
# hint: VE's levels are looked up from the other end. The table ascends, and index i belongs to t.
# edit: sde.index(t), score_fn → sde.index(sde.T - t if isinstance(sde, VESDE) else t), score_fn

# %% [sde.ancestral_predictor] VP's step for both
# hint: VE was answered by VP's tables, which it does not have.
# edit: if isinstance(sde, VESDE): → if False:

# %% [sde.ancestral_predictor] both changed places
# hint: VP and VE have changed places: each asks for the other's table.
# edit: if isinstance(sde, VESDE): → if not isinstance(sde, VESDE):

# %% [sde.ancestral_predictor] x and x_mean changed places
# hint: The order is x (with noise), then x_mean.
# edit: return x_mean + column(std, x) * z, x_mean → return x_mean, x_mean + column(std, x) * z

# %% [sde.ancestral_predictor] x alone
# hint: One tensor came back: x and x_mean are asked for.
# edit: * z, x_mean → * z

# %% [sde.ancestral_predictor] no noise
# hint: x has no noise: z is not used.
# edit: return x_mean + column(std, x) * z, x_mean → return x_mean, x_mean

# %% [sde.ancestral_predictor] the index cut off by N
# hint: The index is t·N, cut off: the last index N − 1 belongs to t = 1. sde.index knows it.
# edit: sde.index(t), score_fn → (t * sde.N).long().clamp(max=sde.N - 1), score_fn

# %% [sde.ancestral_predictor] one index for all
# hint: All samples get the first one's index; times may differ in the batch.
# edit: sde.index(t), score_fn → sde.index(t)[:1].expand(len(x)), score_fn

# %% [sde.ancestral_predictor] no axes for VP
# hint: beta is (b,), and torch aligns shapes from the right. `column` gives each sample its own.
# edit: column(beta, x) → beta

# %% [sde.ancestral_predictor] the score at the index
# hint: The score function was asked at the index; it wants the time t.
# edit: score_fn(x, t) → score_fn(x, sde.index(t))

# ---- sde.langevin_corrector ------------------------------------------------------------------------------------------

# %% [sde.langevin_corrector] norms per sample
# hint: Each sample has its own step here. By (11) the norms are averaged over the batch first.
# edit: score.flatten(1).norm(dim=1).mean() → score.flatten(1).norm(dim=1)
# edit: z.flatten(1).norm(dim=1).mean() → z.flatten(1).norm(dim=1)

# %% [sde.langevin_corrector] norms of the whole batch
# hint: The norms are taken over the whole batch at once; (11) takes each sample's and then their mean.
# edit: score.flatten(1).norm(dim=1).mean() → score.norm()
# edit: z.flatten(1).norm(dim=1).mean() → z.norm()

# %% [sde.langevin_corrector] ratios averaged
# hint: The ratio is averaged over the batch. (11) averages each norm first: the mean of ratios is not the ratio of means.
# replace:
score_norm = score.flatten(1).norm(dim=1).mean()
noise_norm = z.flatten(1).norm(dim=1).mean()
# by:
score_norm = 1.0
noise_norm = (z.flatten(1).norm(dim=1) / score.flatten(1).norm(dim=1)).mean()

# %% [sde.langevin_corrector] norms along the last axis
# hint: The norms are those of single rows of pixels (the last axis); a sample's norm is over all its dimensions.
# edit: score.flatten(1).norm(dim=1).mean() → score.norm(dim=-1).mean()
# edit: z.flatten(1).norm(dim=1).mean() → z.norm(dim=-1).mean()

# %% [sde.langevin_corrector] means of squares
# hint: The norms are not rooted (sums of squares): (11) squares the ratio itself.
# edit: score.flatten(1).norm(dim=1).mean() → score.flatten(1).square().sum(1).mean()
# edit: z.flatten(1).norm(dim=1).mean() → z.flatten(1).square().sum(1).mean()

# %% [sde.langevin_corrector] sums of absolute values
# hint: The norms are sums of absolute values; ‖·‖ is the Euclidean one.
# edit: score.flatten(1).norm(dim=1) → score.flatten(1).norm(p=1, dim=1)
# edit: z.flatten(1).norm(dim=1) → z.flatten(1).norm(p=1, dim=1)

# %% [sde.langevin_corrector] the root of the dimension for z's norm
# hint: The noise's norm is the root of the dimension. That is nearly it, but z is given, and its own norm is meant.
# edit: z.flatten(1).norm(dim=1).mean() → z[0].numel() ** 0.5

# %% [sde.langevin_corrector] the ratio turned over
# hint: The ratio is turned over: a strong score wants *small* steps.
# edit: noise_norm / score_norm → score_norm / noise_norm

# %% [sde.langevin_corrector] no noise norm
# hint: The noise's norm is missing in (11).
# edit: snr * noise_norm / score_norm → snr / score_norm

# %% [sde.langevin_corrector] no score norm
# hint: The score's norm is missing in (11).
# edit: snr * noise_norm / score_norm → snr * noise_norm

# %% [sde.langevin_corrector] not squared
# hint: The square in (11) is missing.
# edit: / score_norm) ** 2 → / score_norm)

# %% [sde.langevin_corrector] snr outside of the square
# hint: snr is not squared: it stands inside of the bracket.
# edit: (snr * noise_norm / score_norm) ** 2 → snr * (noise_norm / score_norm) ** 2

# %% [sde.langevin_corrector] the 2 inside of the square
# hint: The 2 is squared as well: it stands before the bracket.
# edit: 2 * a * (snr * → a * (2 * snr *

# %% [sde.langevin_corrector] without the 2 in h
# hint: The 2 of (11) is missing.
# edit: 2 * a * → a *

# %% [sde.langevin_corrector] h for the noise
# hint: The noise is multiplied by h; Langevin's is the root of 2h.
# edit: (2 * h).sqrt() * z → h * z

# %% [sde.langevin_corrector] the root of h for the noise
# hint: The noise is multiplied by the root of h: the 2 under it is missing.
# edit: (2 * h).sqrt() → h.sqrt()

# %% [sde.langevin_corrector] 2h for the noise
# hint: The noise is multiplied by 2h: its root is missing.
# edit: (2 * h).sqrt() → (2 * h)

# %% [sde.langevin_corrector] 2 outside of the root
# hint: The 2 stands before the root of h; it belongs under it.
# edit: (2 * h).sqrt() → 2 * h.sqrt()

# %% [sde.langevin_corrector] half a step of the score
# hint: The score is multiplied by h/2: with noise √(2h) it is h. (Another convention has h/2 with √h.)
# edit: x + h * score → x + 0.5 * h * score

# %% [sde.langevin_corrector] the score subtracted
# hint: The score is subtracted: the step leads *down* the density.
# edit: x + h * score → x - h * score

# %% [sde.langevin_corrector] no score
# hint: x_mean is x: the score's part of the step is missing.
# edit: x_mean = x + h * score → x_mean = x

# %% [sde.langevin_corrector] a is 1 always
# hint: VE is right. For VP and sub-VP a is the chain's 1 − beta_i.
# edit: torch.ones_like(t) if isinstance(sde, VESDE) else sde.alphas[sde.index(t)] → torch.ones_like(t)

# %% [sde.langevin_corrector] ᾱ for a
# hint: VE is right. For VP you have what is left after all steps, alphas_cumprod; a is one step's.
# edit: sde.alphas[ → sde.alphas_cumprod[

# %% [sde.langevin_corrector] beta for a
# hint: VE is right. For VP you have beta_i; a is 1 − beta_i.
# edit: sde.alphas[ → sde.discrete_betas[

# %% [sde.langevin_corrector] the root of a
# hint: VE is right. For VP you have the root of 1 − beta_i; (11) takes it as it is.
# edit: else sde.alphas[sde.index(t)] → else sde.alphas[sde.index(t)].sqrt()

# %% [sde.langevin_corrector] a squared
# hint: VE is right. For VP a is squared: it stands before the bracket.
# edit: 2 * a * → 2 * a**2 *

# %% [sde.langevin_corrector] one a for all
# hint: All samples get the first one's a; times may differ in the batch.
# edit: sde.alphas[sde.index(t)] → sde.alphas[sde.index(t)][:1].expand(len(x))

# %% [sde.langevin_corrector] alphas asked of VE
# hint: VE has no table `alphas`: there a is 1.
# edit: torch.ones_like(t) if isinstance(sde, VESDE) else sde.alphas[sde.index(t)] → sde.alphas[sde.index(t)]

# %% [sde.langevin_corrector] sub-VP without its alphas
# hint: VE and VP are right. sub-VP has `alphas` as well, and takes them.
# edit: isinstance(sde, VESDE) → isinstance(sde, (VESDE, subVPSDE))

# %% [sde.langevin_corrector] x and x_mean changed places
# hint: The order is x (with noise), then x_mean.
# edit: return x_mean + (2 * h).sqrt() * z, x_mean → return x_mean, x_mean + (2 * h).sqrt() * z

# %% [sde.langevin_corrector] x alone
# hint: One tensor came back: x and x_mean are asked for.
# edit: * z, x_mean → * z

# %% [sde.langevin_corrector] no axes for h
# hint: h is (b,), and torch aligns shapes from the right. `column` gives each sample its own.
# edit: column(2 * a * (snr * noise_norm / score_norm) ** 2, x) → 2 * a * (snr * noise_norm / score_norm) ** 2

# %% [sde.langevin_corrector] the annealed step
# hint: The step's size follows std, not the norms: this is NCSN's annealed corrector. Use (11).
# edit: noise_norm / score_norm → sde.marginal_prob(x[:1], t[:1])[1].item()

# ---- sde.inpaint_step ------------------------------------------------------------------------------------------------

# %% [sde.inpaint_step] the mask inverted
# hint: The mask is inverted: 1 is where the observation is known.
# edit: noised * mask + x * (1 - mask) → noised * (1 - mask) + x * mask

# %% [sde.inpaint_step] the clean observation
# hint: The observation is put in clean. Everything else at time t is noisy; noise it as well.
# edit: return noised * → return known *

# %% [sde.inpaint_step] the mean without noise
# hint: The observation's mean is put in, shrunk but without noise.
# edit: noised = mean + column(std, x) * z → noised = mean

# %% [sde.inpaint_step] noise without the mean's factor
# hint: The noise lies upon the observation itself; at time t the data has shrunk, and marginal_prob tells to what.
# edit: noised = mean + → noised = known +

# %% [sde.inpaint_step] noise of size 1
# hint: The noise has size 1: multiply it by std.
# edit: column(std, x) * z → z

# %% [sde.inpaint_step] the variance for std
# hint: The noise is multiplied by std squared.
# edit: column(std, x) * z → column(std, x) ** 2 * z

# %% [sde.inpaint_step] the root of std
# hint: The noise is multiplied by the root of std, which is a standard deviation already.
# edit: column(std, x) * z → column(std, x).sqrt() * z

# %% [sde.inpaint_step] noise with a minus
# hint: Your noise is subtracted. As good in distribution; here z is given, and it is added.
# edit: mean + column → mean - column

# %% [sde.inpaint_step] x is noised
# hint: x was noised once more, and not the observation.
# edit: sde.marginal_prob(known, t) → sde.marginal_prob(x, t)

# %% [sde.inpaint_step] the mask upon the mean only
# hint: Noise is added everywhere: mask mean and noise together.
# edit: return noised * mask + x * (1 - mask) → return mean * mask + column(std, x) * z + x * (1 - mask)

# %% [sde.inpaint_step] x is not masked
# hint: In the known part the observation is added to x; it belongs in its place.
# edit: x * (1 - mask) → x

# %% [sde.inpaint_step] the observation is not masked
# hint: In the unknown part the observation is added to x as well: mask it.
# edit: noised * mask → noised

# %% [sde.inpaint_step] the unknown part is 0
# hint: The unknown part is 0: x is missing there.
# edit: return noised * mask + x * (1 - mask) → return noised * mask

# %% [sde.inpaint_step] the mask is forgotten
# hint: Everything is replaced: the mask is not used.
# edit: return noised * mask + x * (1 - mask) → return noised

# %% [sde.inpaint_step] x as it came
# hint: x came back as it was: nothing is put in.
# edit: return noised * mask + x * (1 - mask) → return x

# %% [sde.inpaint_step] halfway
# hint: The known part is half of x and half of the observation: replace it.
# edit: return noised * mask + x * (1 - mask) → return x + 0.5 * mask * (noised - x)

# %% [sde.inpaint_step] the observation masked before it is noised, x added
# hint: Only the noise is masked: the observation's mean is added in the unknown part too.
# edit: return noised * mask + x * (1 - mask) → return mean + column(std, x) * z * mask + x * (1 - mask)

# %% [sde.inpaint_step] no axes for std
# hint: std is (b,), and torch aligns shapes from the right. `column` gives each sample its own.
# edit: column(std, x) → std

# %% [sde.inpaint_step] four axes only
# hint: Right for images. Points (b, 2) have two axes: `column` appends as many as there are.
# edit: column(std, x) → std[:, None, None, None]

# %% [sde.inpaint_step] one std for all
# hint: All samples get the first one's std; each has its own time.
# edit: column(std, x) → std[0]

# %% [sde.inpaint_step] mean and std changed places
# hint: marginal_prob gives (mean, std), in this order.
# edit: mean, std = → std, mean =

# %% [sde.inpaint_step] written into x
# hint: The known part is written into the caller's x; make a new tensor.
# edit: return noised * mask + x * (1 - mask) → x.copy_(noised * mask + x * (1 - mask)); return x

# %% [sde.inpaint_step] two tensors
# hint: Two tensors came back, x and x_mean perhaps: here x alone is asked for.
# edit: return noised * mask + x * (1 - mask) → return noised * mask + x * (1 - mask), mean * mask + x * (1 - mask)

# %% [sde.inpaint_step] a minus for the mask's other side
# hint: The unknown part is multiplied by mask − 1: its sign has turned.
# edit: (1 - mask) → (mask - 1)

# %% [sde.inpaint_step] noise of its own
# hint: The step draws its own noise: use the z that is given.
# edit: * z → * torch.randn_like(x)
