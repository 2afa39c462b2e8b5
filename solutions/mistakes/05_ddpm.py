# ---- ddpm.cosine_beta_schedule ---------------------------------------------------------------------------------------

# %% [ddpm.cosine_beta_schedule] T points instead of T + 1
# hint: A beta stands between two neighbours of alpha_bar, so T betas need T + 1 points. You have one beta too few.
# edit: timesteps + 1 → timesteps

# %% [ddpm.cosine_beta_schedule] the end u = 1 is missing
# hint: One beta too few: u runs over 0, 1/T and so on, and stops before 1. The last beta needs f at u = 1.
# edit: linspace(0, 1, timesteps + 1, dtype=torch.float64) → arange(timesteps, dtype=torch.float64) / timesteps

# %% [ddpm.cosine_beta_schedule] one step late
# hint: u begins at 1/T here, so every beta is that of the next step, and the last ones lie beyond u = 1. Where does u
# hint: begin?
# edit: linspace(0, 1, timesteps + 1, dtype=torch.float64) → arange(1, timesteps + 2, dtype=torch.float64) / timesteps

# %% [ddpm.cosine_beta_schedule] u is not divided by T
# hint: u runs from 0 to T here. Equation (6) knows it from 0 to 1 only: the cosine turns round and round.
# edit: 0, 1 → 0, timesteps

# %% [ddpm.cosine_beta_schedule] all points but one divided by T + 1
# hint: u should end at 1 exactly; yours ends a little before. T + 1 points have T gaps between them.
# replace:
u = torch.linspace(0, 1, timesteps + 1, dtype=torch.float64)
# by:
u = torch.arange(timesteps + 1, dtype=torch.float64) / (timesteps + 1)

# %% [ddpm.cosine_beta_schedule] float32
# hint: The values are right, but in float32: a product of up to a thousand such numbers follows, so compute them in
# hint: float64 from the first line on.
# edit: torch.linspace(0, 1, timesteps + 1, dtype=torch.float64) → torch.linspace(0, 1, timesteps + 1)

# %% [ddpm.cosine_beta_schedule] T points, and a first beta of 0
# hint: With T points there are only T - 1 gaps, and you filled the table up with a 0 in front. The chain then has one
# hint: real step less, and index 0 adds no noise at all. Take one point more instead.
# edit: timesteps + 1 → timesteps
# edit: (1 - f[1:] / f[:-1]).clamp(0, 0.999) → F.pad(1 - f[1:] / f[:-1], (1, 0)).clamp(0, 0.999)

# %% [ddpm.cosine_beta_schedule] T points, and the bound for a last beta
# hint: With T points there are only T - 1 gaps, and you filled the table up at its end. The points then lie too far
# hint: apart. Take one point more instead.
# edit: timesteps + 1 → timesteps
# edit: (1 - f[1:] / f[:-1]).clamp(0, 0.999) → F.pad(1 - f[1:] / f[:-1], (0, 1), value=0.999).clamp(0, 0.999)

# %% [ddpm.cosine_beta_schedule] the cosine is not squared
# hint: Equation (6) wants the square of the cosine. The values look similar at first, but too much of the picture stays
# hint: until late. Where does the square go?
# edit: torch.cos((u + s) / (1 + s) * math.pi / 2) ** 2 → torch.cos((u + s) / (1 + s) * math.pi / 2)

# %% [ddpm.cosine_beta_schedule] the angle is squared
# hint: You square the angle; equation (6) squares the cosine of it.
# edit: torch.cos((u + s) / (1 + s) * math.pi / 2) ** 2 → torch.cos(((u + s) / (1 + s) * math.pi / 2) ** 2)

# %% [ddpm.cosine_beta_schedule] the offset s is not divided out
# hint: The angle should reach pi/2 exactly at u = 1. Without the denominator 1 + s it goes past it, and f grows again.
# edit: (u + s) / (1 + s) → (u + s)

# %% [ddpm.cosine_beta_schedule] the offset s is forgotten
# hint: The first betas are too small, by far: this is the schedule with s = 0. What is the offset s for?
# edit: (u + s) / (1 + s) → u

# %% [ddpm.cosine_beta_schedule] the argument s is ignored
# hint: Right for s = 0.008 only: the function has an argument s, and a caller may give another.
# edit: (u + s) / (1 + s) → (u + 0.008) / 1.008

# %% [ddpm.cosine_beta_schedule] pi instead of half of it
# hint: The cosine passes through 0 in the middle of the chain and comes back. How large may the angle become?
# edit: math.pi / 2 → math.pi

# %% [ddpm.cosine_beta_schedule] pi/2 is missing
# hint: The angle of equation (6) reaches pi/2, where the cosine is 0. Yours reaches 1, so that a good part of the
# hint: picture is never destroyed.
# edit: (1 + s) * math.pi / 2 → (1 + s)

# %% [ddpm.cosine_beta_schedule] only s is divided
# hint: Python divides before it adds: u + s / (1 + s) divides s alone. The fraction of equation (6) has a sum on top.
# edit: (u + s) / (1 + s) → (u + s / (1 + s))

# %% [ddpm.cosine_beta_schedule] the fraction and the angle without brackets
# hint: Two brackets are missing: s alone is divided and made an angle, and u enters the cosine as it is. The whole
# hint: fraction of equation (6) has a sum on top, and the whole of it is multiplied with π/2.
# edit: (u + s) / (1 + s) * math.pi / 2 → u + s / (1 + s) * math.pi / 2

# %% [ddpm.cosine_beta_schedule] divided before 1 + s is added up
# hint: (u + s) / 1 + s first divides and then adds s. Both sums of equation (6) need their brackets.
# edit: (u + s) / (1 + s) → ((u + s) / 1 + s)

# %% [ddpm.cosine_beta_schedule] not clipped
# hint: Everything is right but the last value: there alpha_bar reaches 0 and beta reaches 1. Equation (7) sets a
# hint: largest value.
# edit: (1 - f[1:] / f[:-1]).clamp(0, 0.999) → 1 - f[1:] / f[:-1]

# %% [ddpm.cosine_beta_schedule] the bound is set on the ratio
# hint: The bound is set on the ratio of neighbours, and the smallest β are cut off. It is β itself that stays below the
# hint: bound: subtract first.
# edit: (1 - f[1:] / f[:-1]).clamp(0, 0.999) → 1 - (f[1:] / f[:-1]).clamp(max=0.999)

# %% [ddpm.cosine_beta_schedule] clipped at another value
# hint: Everything is right but the last value: look at the largest beta that equation (7) allows.
# edit: .999 → .99

# %% [ddpm.cosine_beta_schedule] alpha_bar returned for beta
# hint: What you return falls from 1 to 0: that is alpha_bar itself. The chain is built from beta, equation (7).
# edit: 1 - f[1:] / f[:-1] → f[1:] / f[0]

# %% [ddpm.cosine_beta_schedule] one minus forgotten
# hint: This is the share of the variance that a step keeps. Beta is the share that it replaces by noise.
# edit: 1 - f[1:] → f[1:]

# %% [ddpm.cosine_beta_schedule] the ratio upside down
# hint: Every beta became 0: your ratio is above 1 everywhere. f should fall, from 1 at u = 0, and the later value over
# hint: the earlier one is then below 1.
# edit: f[1:] / f[:-1] → f[:-1] / f[1:]

# %% [ddpm.cosine_beta_schedule] one minus alpha_bar for beta
# hint: You compare every f with the first one, which gives what all steps up to t have replaced by noise. Beta belongs
# hint: to one step: compare neighbours.
# edit: f[:-1] → f[0]

# %% [ddpm.cosine_beta_schedule] a difference in place of a ratio
# hint: You subtract neighbours. That is how much of the *first* picture a step takes; equation (7) asks for the share
# hint: of what was left before the step.
# edit: 1 - f[1:] / f[:-1] → f[:-1] - f[1:]

# %% [ddpm.cosine_beta_schedule] the largest value given as the smallest
# hint: Every beta is the bound: a single number after the tensor is clamp's *smallest* value. Say which bound you mean.
# edit: (1 - f[1:] / f[:-1]).clamp(0, 0.999) → torch.clamp(1 - f[1:] / f[:-1], 0.999)

# %% [ddpm.cosine_beta_schedule] clipped too far down
# hint: Everything is right but the first betas: you raised them, which equation (7) does not. The smallest betas are
# hint: about 1e-5, and they are meant.
# edit: 0, 0. → 0.001, 0.

# ---- ddpm.extract ----------------------------------------------------------------------------------------------------

# %% [ddpm.extract] always four axes
# hint: Images come out right, but points (b, 2) become (b, 1, 1, 1). Count the axes of x_shape, do not assume four.
# edit: a.gather(0, t).reshape(len(t), *[1] * (len(x_shape) - 1)) → a.gather(0, t)[:, None, None, None]

# %% [ddpm.extract] no axes appended
# hint: The numbers are right, but (b,) times (b, c, h, w) lines the numbers up with the width of the image, not with
# hint: the samples. Append axes of length 1.
# edit: a.gather(0, t).reshape(len(t), *[1] * (len(x_shape) - 1)) → a.gather(0, t)

# %% [ddpm.extract] one axis only
# hint: The numbers are right, but the result has two axes whatever the data has. x_shape says how many are wanted.
# edit: a.gather(0, t).reshape(len(t), *[1] * (len(x_shape) - 1)) → a.gather(0, t)[:, None]

# %% [ddpm.extract] one axis too many
# hint: The result has one axis more than the data: the batch is one of them already.
# edit: (len(x_shape) - 1) → len(x_shape)

# %% [ddpm.extract] one t for the whole batch
# hint: Every sample gets the number of the first one. Each sample of a batch has an index of its own.
# edit: a.gather(0, t) → a[t[0]].expand(len(t))

# %% [ddpm.extract] the batch at the last axis
# hint: The axes of length 1 stand before the batch. They belong behind it: (b, 1, ..., 1).
# edit: len(t), *[1] * (len(x_shape) - 1) → *[1] * (len(x_shape) - 1), len(t)

# %% [ddpm.extract] spread over the whole shape
# hint: Every entry of the data has a number of its own here. Axes of length 1 are enough, and asked for: torch repeats
# hint: them by itself where it multiplies.
# edit: (len(t), *[1] * (len(x_shape) - 1)) → (len(t), *[1] * (len(x_shape) - 1)).expand(x_shape)

# %% [ddpm.extract] the first entries of the table
# hint: You took the first b entries of the table. t says which entry belongs to which sample.
# edit: a.gather(0, t) → a[:len(t)]

# %% [ddpm.extract] the entry before t
# hint: Every sample has the number of the index before its own, and at t = 0 the last one of the table. Index t of a
# hint: table belongs to t.
# edit: a.gather(0, t).reshape(len(t), *[1] * (len(x_shape) - 1)) → a[t - 1].reshape(len(t), *[1] * (len(x_shape) - 1))

# %% [ddpm.extract] the indices in place of the entries
# hint: You return t itself, reshaped. t says where to look in the table a.
# edit: a.gather(0, t) → t.to(a.dtype)

# %% [ddpm.extract] one axis too few
# hint: The result has one axis less than the data, so it is not lined up with the batch. Count again: x_shape has the
# hint: batch and the others.
# edit: (len(x_shape) - 1) → max(len(x_shape) - 2, 0)

# %% [ddpm.extract] the table read from its end
# hint: Every sample has the entry that lies t places before the end of the table. Index 0 is the first step.
# edit: gather → flip(0).gather

# %% [ddpm.extract] the product up to t
# hint: You multiplied up the entries to t. `extract` only looks one number up; the tables hold such products already.
# edit: gather → cumprod(0).gather

# ---- ddpm.q_sample ---------------------------------------------------------------------------------------------------

# %% [ddpm.q_sample] alpha_bar without its root
# hint: alpha_bar is the share of the variance that is left of the data; the data itself is multiplied by its root.
# hint: Which two tables hold the roots?
# edit: self.sqrt_alphas_cumprod → self.alphas_cumprod
# edit: self.sqrt_one_minus_alphas_cumprod → 1 - self.alphas_cumprod

# %% [ddpm.q_sample] only the data's factor without its root
# hint: The noise is right. The data is multiplied by a share of *variance*; what belongs there?
# edit: self.sqrt_alphas_cumprod → self.alphas_cumprod

# %% [ddpm.q_sample] alpha for alpha_bar
# hint: This is one step of the chain, from x_{t-1} to x_t, with alpha_t = 1 - beta_t. Equation (4) jumps from x_start:
# hint: it needs the product of all alphas up to t.
# edit: self.sqrt_alphas_cumprod → self.alphas.sqrt()
# edit: self.sqrt_one_minus_alphas_cumprod → self.betas.sqrt()

# %% [ddpm.q_sample] always four axes
# hint: Images come out right, but points (b, 2) do not: the coefficient was given four axes, whatever the data has.
# hint: `extract` takes the shape of the data for this.
# replace:
signal_rate = extract(self.sqrt_alphas_cumprod, t, x_start.shape)
# by:
signal_rate = self.sqrt_alphas_cumprod[t][:, None, None, None]
# replace:
noise_rate = extract(self.sqrt_one_minus_alphas_cumprod, t, x_start.shape)
# by:
noise_rate = self.sqrt_one_minus_alphas_cumprod[t][:, None, None, None]

# %% [ddpm.q_sample] one t for the whole batch
# hint: The first sample is right and the others are noised as if they had its t. Each sample has its own.
# edit: extract(self.sqrt_alphas_cumprod, t, x_start.shape) → self.sqrt_alphas_cumprod[t[0]]
# edit: extract(self.sqrt_one_minus_alphas_cumprod, t, x_start.shape) → self.sqrt_one_minus_alphas_cumprod[t[0]]

# %% [ddpm.q_sample] one step too many
# hint: Every sample is noised by one step more than t says. Index t of a table is already the state after step t + 1 of
# hint: the paper; nothing needs to be added.
# replace:
signal_rate = extract(self.sqrt_alphas_cumprod, t, x_start.shape)
# by:
t = (t + 1).clamp_max(self.num_timesteps - 1)
signal_rate = extract(self.sqrt_alphas_cumprod, t, x_start.shape)

# %% [ddpm.q_sample] one step too few
# hint: Every sample is noised by one step less than t says, and at t = 0 the index -1 meets the last entry. Index t
# hint: belongs to t.
# replace:
signal_rate = extract(self.sqrt_alphas_cumprod, t, x_start.shape)
# by:
t = (t - 1) % self.num_timesteps
signal_rate = extract(self.sqrt_alphas_cumprod, t, x_start.shape)

# %% [ddpm.q_sample] the coefficients meet the width of the picture
# hint: A (b,) coefficient times a picture (b, c, h, w) is matched with the last axis, the width, not with the batch.
# hint: `extract` shapes it so that it meets the batch.
# edit: extract(self.sqrt_alphas_cumprod, t, x_start.shape) → self.sqrt_alphas_cumprod[t]
# edit: extract(self.sqrt_one_minus_alphas_cumprod, t, x_start.shape) → self.sqrt_one_minus_alphas_cumprod[t]

# %% [ddpm.q_sample] only the data's factor is alpha's
# hint: The noise is that of all steps up to t, but the data was multiplied by the root of alpha_t, which belongs to one
# hint: step.
# edit: self.sqrt_alphas_cumprod → self.alphas.sqrt()

# %% [ddpm.q_sample] only the noise's factor without its root
# hint: The data is right. 1 - alpha_bar is the noise's variance; with what is standard normal noise multiplied to have
# hint: it?
# edit: self.sqrt_one_minus_alphas_cumprod → 1 - self.alphas_cumprod

# %% [ddpm.q_sample] one minus the root
# hint: The noise is multiplied by one minus the root of alpha_bar. Equation (4) has the root of one minus alpha_bar:
# hint: the shares of variance add up to 1, not their roots.
# edit: extract(self.sqrt_one_minus_alphas_cumprod, t, x_start.shape) → 1 - signal_rate

# %% [ddpm.q_sample] one step's noise only
# hint: The data has faded by all steps up to t, but the noise is that of one step, the root of beta.
# edit: self.sqrt_one_minus_alphas_cumprod → self.betas.sqrt()

# %% [ddpm.q_sample] the root of one minus the root
# hint: You took one minus the *root* of alpha_bar before taking the root. Equation (4) has one minus alpha_bar itself
# hint: below it; a table holds it ready.
# edit: extract(self.sqrt_one_minus_alphas_cumprod, t, x_start.shape) → (1 - signal_rate).sqrt()

# %% [ddpm.q_sample] the two coefficients swapped
# hint: At t = 0 you return almost pure noise, and at T - 1 the picture. Which coefficient belongs to which?
# edit: signal_rate * x_start + noise_rate → noise_rate * x_start + signal_rate

# %% [ddpm.q_sample] noise subtracted
# hint: Equation (4) adds the noise. For one draw the sign looks like a matter of taste, but the network is told which
# hint: noise was added.
# edit: x_start + noise_rate → x_start - noise_rate

# %% [ddpm.q_sample] the data is not scaled
# hint: The data keeps its full size here, so the variance grows above 1. It has a factor of its own in equation (4).
# edit: signal_rate * x_start → x_start

# %% [ddpm.q_sample] the noise is not scaled
# hint: Every picture gets all of the noise, even at t = 0. The noise has a factor of its own in equation (4).
# edit: noise_rate * noise → noise

# %% [ddpm.q_sample] normalised here
# hint: x_start is in [-1, 1] already; you moved it once more. p_losses does that, and only once.
# edit: x_start + noise_rate → self.normalize(x_start) + noise_rate

# %% [ddpm.q_sample] clamped
# hint: x_t is cut at -1 and 1. A noisy picture has every right to leave that range.
# edit: signal_rate * x_start + noise_rate * noise → (signal_rate * x_start + noise_rate * noise).clamp(-1, 1)

# %% [ddpm.q_sample] the graph is cut
# hint: The values are right, but no gradient comes back: something cut the graph. Look for detach, .data or no_grad
# hint: above or in q_sample.
# edit: signal_rate * x_start + noise_rate * noise → (signal_rate * x_start + noise_rate * noise).detach()

# %% [ddpm.q_sample] a root of the roots
# hint: The two tables hold roots already, as their names say. You took the root once more.
# edit: signal_rate * x_start + noise_rate → signal_rate.sqrt() * x_start + noise_rate.sqrt()

# %% [ddpm.q_sample] the sum divided by its factors
# hint: The two factors of equation (4) already keep the variance at 1; you divided by their sum once more.
# replace:
return signal_rate * x_start + noise_rate * noise
# by:
return (signal_rate * x_start + noise_rate * noise) / (signal_rate + noise_rate)

# ---- ddpm.predict_start_from_noise -----------------------------------------------------------------------------------

# %% [ddpm.predict_start_from_noise] alpha_bar without its root
# hint: The noise is removed rightly, but what remains is sqrt(alpha_bar) * x_start. You divided by alpha_bar.
# edit: self.sqrt_alphas_cumprod → self.alphas_cumprod

# %% [ddpm.predict_start_from_noise] both without their roots
# hint: Both factors are shares of variance here; equation (4) has their roots. Two tables hold them.
# edit: self.sqrt_alphas_cumprod → self.alphas_cumprod
# edit: self.sqrt_one_minus_alphas_cumprod → 1 - self.alphas_cumprod

# %% [ddpm.predict_start_from_noise] alpha for alpha_bar
# hint: This undoes one step of the chain, with alpha_t = 1 - beta_t. Equation (4) jumps all the way from x_start.
# edit: self.sqrt_alphas_cumprod → self.alphas.sqrt()
# edit: self.sqrt_one_minus_alphas_cumprod → self.betas.sqrt()

# %% [ddpm.predict_start_from_noise] divided by the root of alpha
# hint: The noise is removed rightly. What you divide by belongs to one step; the picture has faded in all steps up to
# hint: t.
# edit: self.sqrt_alphas_cumprod → self.alphas.sqrt()

# %% [ddpm.predict_start_from_noise] always four axes
# hint: Images come out right, but points (b, 2) do not. `extract` appends as many axes as the data has.
# replace:
signal_rate = extract(self.sqrt_alphas_cumprod, t, x_t.shape)
# by:
signal_rate = self.sqrt_alphas_cumprod[t][:, None, None, None]
# replace:
noise_rate = extract(self.sqrt_one_minus_alphas_cumprod, t, x_t.shape)
# by:
noise_rate = self.sqrt_one_minus_alphas_cumprod[t][:, None, None, None]

# %% [ddpm.predict_start_from_noise] one t for the whole batch
# hint: The first sample is right and the others are not: they were treated as if they had its t.
# edit: extract(self.sqrt_alphas_cumprod, t, x_t.shape) → self.sqrt_alphas_cumprod[t[0]]
# edit: extract(self.sqrt_one_minus_alphas_cumprod, t, x_t.shape) → self.sqrt_one_minus_alphas_cumprod[t[0]]

# %% [ddpm.predict_start_from_noise] the coefficients meet the width of the picture
# hint: A (b,) coefficient is matched with the last axis of the picture, its width, not with the batch. `extract` shapes
# hint: it.
# edit: extract(self.sqrt_alphas_cumprod, t, x_t.shape) → self.sqrt_alphas_cumprod[t]
# edit: extract(self.sqrt_one_minus_alphas_cumprod, t, x_t.shape) → self.sqrt_one_minus_alphas_cumprod[t]

# %% [ddpm.predict_start_from_noise] a floor under the divisor
# hint: Nearly everywhere right, but where alpha_bar is small you divide by a floor in place of its root. The answer may
# hint: be huge there: that is what equation (8) says, and the sampler's clamp is another step.
# edit: (self.sqrt_alphas_cumprod, t, x_t.shape) → (self.sqrt_alphas_cumprod, t, x_t.shape).clamp(min=1e-2)

# %% [ddpm.predict_start_from_noise] one minus alpha_bar without its root
# hint: The division is right. The noise in x_t has the factor of equation (4), a standard deviation; you took away a
# hint: variance's worth of it.
# edit: self.sqrt_one_minus_alphas_cumprod → 1 - self.alphas_cumprod

# %% [ddpm.predict_start_from_noise] the root of one minus the root
# hint: The division is right. Before the noise you took one minus the *root* of alpha_bar; equation (8) has one minus
# hint: alpha_bar below the root.
# edit: extract(self.sqrt_one_minus_alphas_cumprod, t, x_t.shape) → (1 - signal_rate).sqrt()

# %% [ddpm.predict_start_from_noise] one minus the root
# hint: The division is right. Before the noise stands one minus the root of alpha_bar; equation (8) has the root of one
# hint: minus alpha_bar.
# edit: extract(self.sqrt_one_minus_alphas_cumprod, t, x_t.shape) → 1 - signal_rate

# %% [ddpm.predict_start_from_noise] only one step's noise removed
# hint: The division is right. You took away the noise of one step, the root of beta; x_t holds that of all steps up to
# hint: t.
# edit: self.sqrt_one_minus_alphas_cumprod → self.betas.sqrt()

# %% [ddpm.predict_start_from_noise] the two coefficients swapped
# hint: In equation (4) sqrt(alpha_bar) stands before x_start and sqrt(1 - alpha_bar) before the noise. You have them
# hint: the other way round.
# edit: (x_t - noise_rate * noise) / signal_rate → (x_t - signal_rate * noise) / noise_rate

# %% [ddpm.predict_start_from_noise] divided by the noise's coefficient
# hint: The noise is removed rightly; what remains is sqrt(alpha_bar) * x_start. You divided by the other coefficient.
# edit: (x_t - noise_rate * noise) / signal_rate → (x_t - noise_rate * noise) / noise_rate

# %% [ddpm.predict_start_from_noise] noise removed, not divided
# hint: After the noise is taken away there is still sqrt(alpha_bar) * x_start on this side. One operation is missing.
# edit: (x_t - noise_rate * noise) / signal_rate → x_t - noise_rate * noise

# %% [ddpm.predict_start_from_noise] multiplied in place of divided
# hint: After the noise is taken away, sqrt(alpha_bar) * x_start is left. How does one undo a multiplication?
# edit: (x_t - noise_rate * noise) / signal_rate → (x_t - noise_rate * noise) * signal_rate

# %% [ddpm.predict_start_from_noise] noise added
# hint: Equation (4) adds the noise; to undo it, it has to be taken away.
# edit: x_t - noise_rate → x_t + noise_rate

# %% [ddpm.predict_start_from_noise] the sign turned round
# hint: Every value has the opposite sign. x_t minus the noise's part leaves the picture, not the other way round.
# edit: x_t - noise_rate * noise → noise_rate * noise - x_t

# %% [ddpm.predict_start_from_noise] the noise is not scaled
# hint: x_t holds sqrt(1 - alpha_bar) times the noise, not the noise itself. Scale it before you take it away.
# edit: noise_rate * noise → noise

# %% [ddpm.predict_start_from_noise] clamped here
# hint: The values are cut at -1 and 1. Sampling does that later, in p_sample; this function is the plain inverse.
# edit: (x_t - noise_rate * noise) / signal_rate → ((x_t - noise_rate * noise) / signal_rate).clamp(-1, 1)

# %% [ddpm.predict_start_from_noise] brackets missing
# hint: Only the noise is divided here. Equation (8) divides the whole difference.
# edit: (x_t - noise_rate * noise) → x_t - noise_rate * noise

# %% [ddpm.predict_start_from_noise] brackets missing around the noise
# hint: Only x_t is divided here. Equation (8) divides the whole difference.
# edit: (x_t - noise_rate * noise) / signal_rate → x_t / signal_rate - noise_rate * noise

# %% [ddpm.predict_start_from_noise] the graph is cut
# hint: The values are right, but no gradient comes back: something cut the graph. Look for detach, .data or no_grad.
# edit: (x_t - noise_rate * noise) / signal_rate → ((x_t - noise_rate * noise) / signal_rate).detach()

# %% [ddpm.predict_start_from_noise] a root of the roots
# hint: The two tables hold roots already, as their names say. You took the root once more.
# edit: (x_t - noise_rate * noise) / signal_rate → (x_t - noise_rate.sqrt() * noise) / signal_rate.sqrt()

# %% [ddpm.predict_start_from_noise] one over alpha_bar minus one, without its root
# hint: x_t is divided rightly. In this form of equation (8) the noise has the *root* of 1 / alpha_bar - 1.
# edit: (x_t - noise_rate * noise) / signal_rate → x_t / signal_rate - (1 / signal_rate**2 - 1) * noise

# %% [ddpm.predict_start_from_noise] moved to [0, 1]
# hint: You moved the result to [0, 1]. Inside the model data stays in [-1, 1].
# edit: (x_t - noise_rate * noise) / signal_rate → self.unnormalize((x_t - noise_rate * noise) / signal_rate)

# ---- ddpm.predict_noise_from_start -----------------------------------------------------------------------------------

# %% [ddpm.predict_noise_from_start] alpha_bar without its root
# hint: The division is right. The picture in x_t has been multiplied by a root; you took away alpha_bar times the
# hint: picture.
# edit: self.sqrt_alphas_cumprod → self.alphas_cumprod

# %% [ddpm.predict_noise_from_start] both without their roots
# hint: Both factors are shares of variance here; equation (4) has their roots. Two tables hold them.
# edit: self.sqrt_alphas_cumprod → self.alphas_cumprod
# edit: self.sqrt_one_minus_alphas_cumprod → 1 - self.alphas_cumprod

# %% [ddpm.predict_noise_from_start] always four axes
# hint: Images come out right, but points (b, 2) do not. `extract` appends as many axes as the data has.
# replace:
signal_rate = extract(self.sqrt_alphas_cumprod, t, x_t.shape)
# by:
signal_rate = self.sqrt_alphas_cumprod[t][:, None, None, None]
# replace:
noise_rate = extract(self.sqrt_one_minus_alphas_cumprod, t, x_t.shape)
# by:
noise_rate = self.sqrt_one_minus_alphas_cumprod[t][:, None, None, None]

# %% [ddpm.predict_noise_from_start] one t for the whole batch
# hint: The first sample is right and the others are not: they were treated as if they had its t.
# edit: extract(self.sqrt_alphas_cumprod, t, x_t.shape) → self.sqrt_alphas_cumprod[t[0]]
# edit: extract(self.sqrt_one_minus_alphas_cumprod, t, x_t.shape) → self.sqrt_one_minus_alphas_cumprod[t[0]]

# %% [ddpm.predict_noise_from_start] the coefficients meet the width of the picture
# hint: A (b,) coefficient is matched with the last axis of the picture, its width, not with the batch. `extract` shapes
# hint: it.
# edit: extract(self.sqrt_alphas_cumprod, t, x_t.shape) → self.sqrt_alphas_cumprod[t]
# edit: extract(self.sqrt_one_minus_alphas_cumprod, t, x_t.shape) → self.sqrt_one_minus_alphas_cumprod[t]

# %% [ddpm.predict_noise_from_start] alpha for alpha_bar
# hint: This undoes one step of the chain, with alpha_t = 1 - beta_t. Equation (4) jumps all the way from x_start.
# edit: self.sqrt_alphas_cumprod → self.alphas.sqrt()
# edit: self.sqrt_one_minus_alphas_cumprod → self.betas.sqrt()

# %% [ddpm.predict_noise_from_start] only the picture's factor is alpha's
# hint: The division is right. You took away the root of alpha_t times the picture; that is one step's factor, and x_t
# hint: has faded in all steps up to t.
# edit: self.sqrt_alphas_cumprod → self.alphas.sqrt()

# %% [ddpm.predict_noise_from_start] one minus alpha_bar without its root
# hint: You divided by 1 - alpha_bar, a variance. The noise is multiplied by a standard deviation in equation (4).
# edit: self.sqrt_one_minus_alphas_cumprod → 1 - self.alphas_cumprod

# %% [ddpm.predict_noise_from_start] one minus the root
# hint: You divide by one minus the root of alpha_bar. Equation (4) has the root of one minus alpha_bar.
# edit: extract(self.sqrt_one_minus_alphas_cumprod, t, x_t.shape) → 1 - signal_rate

# %% [ddpm.predict_noise_from_start] divided by the root of beta
# hint: The picture is removed rightly. The root of beta is the noise of one step; x_t holds that of all steps up to t.
# edit: self.sqrt_one_minus_alphas_cumprod → self.betas.sqrt()

# %% [ddpm.predict_noise_from_start] the root of one minus the root
# hint: You divide by the root of one minus the *root* of alpha_bar. Equation (9) has one minus alpha_bar below the
# hint: root.
# edit: extract(self.sqrt_one_minus_alphas_cumprod, t, x_t.shape) → (1 - signal_rate).sqrt()

# %% [ddpm.predict_noise_from_start] divided by the wrong coefficient
# hint: The picture is removed rightly; what remains is sqrt(1 - alpha_bar) * noise. You divided by the other one.
# edit: (x_t - signal_rate * x_start) / noise_rate → (x_t - signal_rate * x_start) / signal_rate

# %% [ddpm.predict_noise_from_start] the picture is not scaled
# hint: x_t holds sqrt(alpha_bar) * x_start, not x_start itself. Scale it before you take it away.
# edit: signal_rate * x_start → x_start

# %% [ddpm.predict_noise_from_start] brackets missing
# hint: Only the picture is divided here. Equation (9) divides the whole difference.
# edit: (x_t - signal_rate * x_start) → x_t - signal_rate * x_start

# %% [ddpm.predict_noise_from_start] brackets missing around the picture
# hint: Only x_t is divided here. Equation (9) divides the whole difference.
# edit: (x_t - signal_rate * x_start) / noise_rate → x_t / noise_rate - signal_rate * x_start

# %% [ddpm.predict_noise_from_start] picture removed, not divided
# hint: After the picture is taken away there is still sqrt(1 - alpha_bar) * noise on this side. One operation is
# hint: missing.
# edit: (x_t - signal_rate * x_start) / noise_rate → x_t - signal_rate * x_start

# %% [ddpm.predict_noise_from_start] multiplied in place of divided
# hint: After the picture is taken away, sqrt(1 - alpha_bar) * noise is left. How does one undo a multiplication?
# edit: (x_t - signal_rate * x_start) / noise_rate → (x_t - signal_rate * x_start) * noise_rate

# %% [ddpm.predict_noise_from_start] the sign turned round
# hint: Every value has the opposite sign. x_t minus the picture's part leaves the noise, not the other way round.
# edit: x_t - signal_rate * x_start → signal_rate * x_start - x_t

# %% [ddpm.predict_noise_from_start] picture added
# hint: Equation (4) adds the picture's part; to undo it, it has to be taken away.
# edit: x_t - signal_rate → x_t + signal_rate

# %% [ddpm.predict_noise_from_start] the two coefficients swapped
# hint: In equation (4) sqrt(alpha_bar) stands before x_start and sqrt(1 - alpha_bar) before the noise. You have them
# hint: the other way round.
# edit: (x_t - signal_rate * x_start) / noise_rate → (x_t - noise_rate * x_start) / signal_rate

# %% [ddpm.predict_noise_from_start] the graph is cut
# hint: The values are right, but no gradient comes back: something cut the graph. Look for detach, .data or no_grad.
# edit: (x_t - signal_rate * x_start) / noise_rate → ((x_t - signal_rate * x_start) / noise_rate).detach()

# %% [ddpm.predict_noise_from_start] a root of the roots
# hint: The two tables hold roots already, as their names say. You took the root once more.
# edit: (x_t - signal_rate * x_start) / noise_rate → (x_t - signal_rate.sqrt() * x_start) / noise_rate.sqrt()

# %% [ddpm.predict_noise_from_start] clamped here
# hint: The noise was cut at -1 and 1. A normal number often lies outside, and must be allowed to.
# edit: (x_t - signal_rate * x_start) / noise_rate → ((x_t - signal_rate * x_start) / noise_rate).clamp(-1, 1)

# %% [ddpm.predict_noise_from_start] brought to mean 0 and deviation 1
# hint: You shift and scale the result until it looks standard normal. It is what is left of x_t, whatever its mean and
# hint: spread turn out to be.
# replace:
return (x_t - signal_rate * x_start) / noise_rate
# by:
noise = (x_t - signal_rate * x_start) / noise_rate
return (noise - noise.mean()) / noise.std()

# ---- ddpm.posterior_tables -------------------------------------------------------------------------------------------

# %% [ddpm.posterior_tables] the product is forgotten
# hint: Your alpha_bar is alpha itself. It is the product of all alphas up to t.
# edit: alphas.cumprod(0) → alphas

# %% [ddpm.posterior_tables] a product of the betas
# hint: Your alpha_bar is a product of betas. It is the product of the alphas, 1 - beta.
# edit: alphas.cumprod(0) → betas.cumprod(0)

# %% [ddpm.posterior_tables] one minus a product of the betas
# hint: alpha_bar is not one minus the product of the betas: each step leaves 1 - β of the variance, and these factors are
# hint: multiplied.
# edit: alphas.cumprod(0) → 1 - betas.cumprod(0)

# %% [ddpm.posterior_tables] a sum in place of the product
# hint: alpha_bar is a product of alphas; you added them up, and it grows above 1.
# edit: alphas.cumprod(0) → alphas.cumsum(0)

# %% [ddpm.posterior_tables] index -1 wraps around
# hint: Every t but 0 is right. There t - 1 is -1, and index -1 is the last entry of a table. What is alpha_bar before
# hint: the first step?
# edit: F.pad(alphas_cumprod[:-1], (1, 0), value=1.0) → alphas_cumprod.roll(1)

# %% [ddpm.posterior_tables] alpha_bar before the first step is 0
# hint: Every t but 0 is right. Before the first step nothing is lost yet: which alpha_bar says that?
# edit: F.pad(alphas_cumprod[:-1], (1, 0), value=1.0) → F.pad(alphas_cumprod[:-1], (1, 0))

# %% [ddpm.posterior_tables] alpha_bar before the first step is that of the first
# hint: Every t but 0 is right. Index 0 already carries one step of noise; before it there is none.
# edit: F.pad(alphas_cumprod[:-1], (1, 0), value=1.0) → torch.cat([alphas_cumprod[:1], alphas_cumprod[:-1]])

# %% [ddpm.posterior_tables] alpha_bar at t for alpha_bar before
# hint: The second factor of equation (10) speaks of x_{t-1}, so its alpha_bar is the one before t. You took the one at
# hint: t.
# edit: F.pad(alphas_cumprod[:-1], (1, 0), value=1.0) → alphas_cumprod

# %% [ddpm.posterior_tables] alpha_bar after t for alpha_bar before
# hint: The table was shifted the wrong way: entry t of yours is alpha_bar of the next index, not of the one before.
# edit: F.pad(alphas_cumprod[:-1], (1, 0), value=1.0) → F.pad(alphas_cumprod[1:], (0, 1))

# %% [ddpm.posterior_tables] the first entry replaced, nothing shifted
# hint: Index 0 is right. You put a 1 in the place of the first alpha_bar, but all the others stayed where they were:
# hint: entry t should hold alpha_bar of t - 1.
# edit: F.pad(alphas_cumprod[:-1], (1, 0), value=1.0) → torch.cat([torch.ones_like(betas[:1]), alphas_cumprod[1:]])

# %% [ddpm.posterior_tables] the root of alpha_bar is missing
# hint: mean_coef2 and std are right. In mean_coef1, by what was x_start multiplied in the second factor of equation
# hint: (10): by alpha_bar or by its root?
# edit: before.sqrt() → before

# %% [ddpm.posterior_tables] both roots are missing
# hint: std is right. Means are multiplied by roots in equations (1) and (4); both of yours lack them.
# edit: before.sqrt() → before
# edit: alphas.sqrt() → alphas

# %% [ddpm.posterior_tables] alpha for alpha_bar before
# hint: mean_coef2 and std are right. In mean_coef1, the second factor of equation (10) comes all the way from x_start,
# hint: with the product of all alphas before t; you took one alpha.
# edit: before.sqrt() → alphas.sqrt()

# %% [ddpm.posterior_tables] divided by the root of one minus alpha_bar
# hint: std is right. Both coefficients are divided by a standard deviation where a variance belongs.
# edit: betas / (1 - alphas_cumprod) → betas / (1 - alphas_cumprod).sqrt()
# edit: alphas.sqrt() * (1 - before) / (1 - alphas_cumprod) → alphas.sqrt() * (1 - before) / (1 - alphas_cumprod).sqrt()

# %% [ddpm.posterior_tables] the root of beta
# hint: mean_coef2 and std are right. mean_coef1 has the root of beta where beta belongs: precisions are made of
# hint: variances.
# edit: before.sqrt() * betas → before.sqrt() * betas.sqrt()

# %% [ddpm.posterior_tables] no root of alpha_bar at all
# hint: mean_coef2 and std are right. The second bump lies around a multiple of x_start, not around x_start itself: that
# hint: factor is missing in mean_coef1.
# edit: before.sqrt() * betas → betas

# %% [ddpm.posterior_tables] neither mean has its factor
# hint: std is right. You combined x_start and x_t themselves; the two bumps lie around multiples of them.
# edit: before.sqrt() * betas → betas
# edit: alphas.sqrt() * (1 - before) → (1 - before)

# %% [ddpm.posterior_tables] the root of alpha_bar at t in the first coefficient
# hint: mean_coef2 and std are right. In mean_coef1 the mean of the second bump belongs to x_{t-1}: its alpha_bar is one
# hint: index earlier.
# edit: before.sqrt() → alphas_cumprod.sqrt()

# %% [ddpm.posterior_tables] divided by one minus alpha_bar before
# hint: At index 0 you divide by 0, and elsewhere by too little: what stands below is the sum of both bumps' shares,
# hint: which simplifies to 1 - alpha_bar at t, not one index earlier.
# edit: betas / (1 - alphas_cumprod) → betas / (1 - before)
# edit: alphas.sqrt() * (1 - before) / (1 - alphas_cumprod) → alphas.sqrt()
# edit: (betas * (1 - before) / (1 - alphas_cumprod)).sqrt() → betas.sqrt()

# %% [ddpm.posterior_tables] the root of alpha is missing
# hint: mean_coef1 and std are right. In mean_coef2, x_{t-1} is multiplied by a root in equation (1), not by alpha
# hint: itself.
# edit: alphas.sqrt() → alphas

# %% [ddpm.posterior_tables] the root of alpha divides
# hint: mean_coef1 and std are right. In mean_coef2 the root of alpha stands below the line where it belongs above: m_1
# hint: / v_1 has it twice, once from the mean and once, squared, from the variance.
# edit: alphas.sqrt() * (1 - before) / (1 - alphas_cumprod) → (1 - before) / (1 - alphas_cumprod) / alphas.sqrt()

# %% [ddpm.posterior_tables] alpha_bar for alpha
# hint: mean_coef1 and std are right. In mean_coef2, the first factor of equation (10) is one step, with this step's own
# hint: alpha; you took the product of all.
# edit: alphas.sqrt() → alphas_cumprod.sqrt()

# %% [ddpm.posterior_tables] x_t multiplied by the root in the first mean
# hint: mean_coef1 and std are right. The first bump lies where x_{t-1} would have to be for equation (1) to reach x_t:
# hint: solve x_t = sqrt(alpha) x_{t-1} for x_{t-1}; you multiplied x_t once more.
# edit: alphas.sqrt() → alphas ** 1.5

# %% [ddpm.posterior_tables] no root of alpha at all
# hint: mean_coef1 and std are right. In mean_coef2 the factor that comes from solving equation (1) for x_{t-1} is
# hint: missing.
# edit: alphas.sqrt() * (1 - before) → (1 - before)

# %% [ddpm.posterior_tables] the root of alpha_bar before the step at x_t
# hint: The first table and the spread are right. In the second one x_t has the root of alpha_bar one index earlier;
# hint: which alpha leads from x_{t-1} to x_t in one step?
# edit: alphas.sqrt() → before.sqrt()

# %% [ddpm.posterior_tables] variance for standard deviation
# hint: The two coefficients are right. The third table is a standard deviation; you return its square.
# edit: (betas * (1 - before) / (1 - alphas_cumprod)).sqrt() → betas * (1 - before) / (1 - alphas_cumprod)

# %% [ddpm.posterior_tables] the log of the variance
# hint: The two coefficients are right. The third table is a standard deviation; you return the logarithm of a variance,
# hint: as some libraries keep it.
# replace:
std = (betas * (1 - before) / (1 - alphas_cumprod)).sqrt()
# by:
std = (betas * (1 - before) / (1 - alphas_cumprod)).clamp_min(1e-20).log()

# %% [ddpm.posterior_tables] the precision
# hint: The two coefficients are right. The third table is a standard deviation; you return one over a variance, which
# hint: is infinite at index 0.
# edit: (betas * (1 - before) / (1 - alphas_cumprod)).sqrt() → (1 - alphas_cumprod) / (betas * (1 - before))

# %% [ddpm.posterior_tables] beta for the posterior's variance
# hint: The two coefficients are right. You return the spread of one forward step, the root of beta; knowing x_start
# hint: makes the posterior narrower, and at t = 0 it has no spread left.
# edit: (betas * (1 - before) / (1 - alphas_cumprod)).sqrt() → betas.sqrt()

# %% [ddpm.posterior_tables] the two alpha_bars of the spread swapped
# hint: The two coefficients are right. The spread grows here instead of shrinking, and is infinite at index 0: the
# hint: fraction under its root stands upside down.
# edit: betas * (1 - before) / (1 - alphas_cumprod) → betas * (1 - alphas_cumprod) / (1 - before)

# %% [ddpm.posterior_tables] the spread of the first factor alone
# hint: The two coefficients are right. Your spread is that of the first bump alone; the second narrows it.
# edit: betas * (1 - before) / (1 - alphas_cumprod) → betas / alphas

# %% [ddpm.posterior_tables] the spread of the second factor alone
# hint: The two coefficients are right. Your spread is that of the second bump alone, what x_start says of x_{t-1};
# hint: knowing x_t narrows it.
# edit: betas * (1 - before) / (1 - alphas_cumprod) → 1 - before

# %% [ddpm.posterior_tables] the spread of the whole way to t
# hint: The two coefficients are right. You return the noise of all steps up to t, the root of 1 - alpha_bar.
# edit: betas * (1 - before) / (1 - alphas_cumprod) → 1 - alphas_cumprod

# %% [ddpm.posterior_tables] standard deviations combined like variances
# hint: The two coefficients are right. Below the root of std stands the root of beta: precisions are made of variances,
# hint: so beta belongs there.
# edit: betas * (1 - before) → betas.sqrt() * (1 - before)

# %% [ddpm.posterior_tables] a root of a root
# hint: The two coefficients are right. std has one root too many.
# replace:
std = (betas * (1 - before) / (1 - alphas_cumprod)).sqrt()
# by:
std = (betas * (1 - before) / (1 - alphas_cumprod)).sqrt().sqrt()

# %% [ddpm.posterior_tables] the first spread is the second
# hint: Every entry is right but std at index 0, which you took from index 1, as code does that needs its logarithm.
# hint: Knowing the data, the step to it leaves no doubt: 0 (or 1e-10) stands there.
# replace:
std = (betas * (1 - before) / (1 - alphas_cumprod)).sqrt()
# by:
variance = betas * (1 - before) / (1 - alphas_cumprod)
std = torch.cat([variance[1:2], variance[1:]]).sqrt()

# %% [ddpm.posterior_tables] the two coefficients swapped
# hint: The first table belongs to x_start, the second to x_t. Look at t = 0: x_{-1} is the data, so the whole weight
# hint: lies on x_start there.
# edit: mean_coef1, mean_coef2 → mean_coef2, mean_coef1

# %% [ddpm.posterior_tables] index 0 left out
# hint: Each table has one entry too few: index 0 is missing. The posterior there is simple, but the table needs it.
# edit: mean_coef1, mean_coef2, std → mean_coef1[1:], mean_coef2[1:], std[1:]

# %% [ddpm.posterior_tables] NaN at index 0
# hint: Every t but 0 is right. There the second factor has no variance, its precision is infinite, and 0 times infinity
# hint: is NaN. Bring the two precisions over one denominator on paper, and what is 0 cancels.
alphas = 1 - betas
before = F.pad(alphas.cumprod(0)[:-1], (1, 0), value=1.0)
variance = 1 / (alphas / betas + 1 / (1 - before))
return variance * before.sqrt() / (1 - before), variance * alphas.sqrt() / betas, variance.sqrt()

# %% [ddpm.posterior_tables] NaN at index 0 made 0
# hint: Every t but 0 is right. You turned NaN into 0, so that x_{-1} would be 0; it is the data. Simplify on paper
# hint: instead, and nothing is divided by 0.
alphas = 1 - betas
before = F.pad(alphas.cumprod(0)[:-1], (1, 0), value=1.0)
variance = 1 / (alphas / betas + 1 / (1 - before))
coef1, coef2 = variance * before.sqrt() / (1 - before), variance * alphas.sqrt() / betas
return coef1.nan_to_num(), coef2, variance.sqrt()

# %% [ddpm.posterior_tables] the variance of the first factor without alpha
# hint: Read equation (1) as a bump over x_{t-1}: solving for x_{t-1} divides by the root of alpha, the noise too. So
# hint: its variance is not beta. Which one is it?
alphas = 1 - betas
alphas_cumprod = alphas.cumprod(0)
before = F.pad(alphas_cumprod[:-1], (1, 0), value=1.0)
total = betas + 1 - before
return betas * before.sqrt() / total, (1 - before) / alphas.sqrt() / total, (betas * (1 - before) / total).sqrt()

# %% [ddpm.posterior_tables] the first factor read as a step forward
# hint: You took root of alpha times x_t, with variance beta, for the first factor: that is a step on from x_t. It is a
# hint: statement about x_t; solve it for x_{t-1}.
alphas = 1 - betas
alphas_cumprod = alphas.cumprod(0)
before = F.pad(alphas_cumprod[:-1], (1, 0), value=1.0)
total = betas + 1 - before
return betas * before.sqrt() / total, (1 - before) * alphas.sqrt() / total, (betas * (1 - before) / total).sqrt()

# %% [ddpm.posterior_tables] the root of alpha in the precision
# hint: The precision of the first factor is off: the noise is divided by the root of alpha, so its variance is divided
# hint: by the square of that.
alphas = 1 - betas
before = F.pad(alphas.cumprod(0)[:-1], (1, 0), value=1.0)
total = betas + alphas.sqrt() * (1 - before)
return before.sqrt() * betas / total, (1 - before) / total, (betas * (1 - before) / total).sqrt()

# %% [ddpm.posterior_tables] variances added
# hint: You added the variances. Knowing two things makes one surer, not less sure: the precisions add.
alphas = 1 - betas
before = F.pad(alphas.cumprod(0)[:-1], (1, 0), value=1.0)
v1, v2 = betas / alphas, 1 - before
v = v1 + v2
return before.sqrt() * v1 / v, v2 / alphas.sqrt() / v, v.sqrt()

# %% [ddpm.posterior_tables] the weights of the means swapped
# hint: std is right. Each mean is weighted with its own precision, so the surer of the two counts more; yours are
# hint: weighted the other way round.
alphas = 1 - betas
before = F.pad(alphas.cumprod(0)[:-1], (1, 0), value=1.0)
v1, v2 = betas / alphas, 1 - before
return before.sqrt() * v2 / (v1 + v2), v1 / alphas.sqrt() / (v1 + v2), (v1 * v2 / (v1 + v2)).sqrt()

# %% [ddpm.posterior_tables] one minus the root for the second variance
# hint: The variance of the second bump is 1 - alpha_bar, one index earlier; you took one minus its root.
alphas = 1 - betas
before = F.pad(alphas.cumprod(0)[:-1], (1, 0), value=1.0)
v1, v2 = betas / alphas, 1 - before.sqrt()
return before.sqrt() * v1 / (v1 + v2), v2 / alphas.sqrt() / (v1 + v2), (v1 * v2 / (v1 + v2)).sqrt()

# %% [ddpm.posterior_tables] the mean of the two means
# hint: std is right. You gave both bumps the same weight; the surer one, with the larger precision, counts more.
alphas = 1 - betas
before = F.pad(alphas.cumprod(0)[:-1], (1, 0), value=1.0)
v1, v2 = betas / alphas, 1 - before
return before.sqrt() / 2, 1 / alphas.sqrt() / 2, (v1 * v2 / (v1 + v2)).sqrt()

# ---- ddpm.mean_from_noise --------------------------------------------------------------------------------------------

# %% [ddpm.mean_from_noise] always four axes
# hint: Images come out right, but points (b, 2) do not. `extract` appends as many axes as the data has.
# replace:
beta = extract(self.betas, t, x_t.shape)
# by:
beta = self.betas[t][:, None, None, None]
# replace:
alpha = extract(self.alphas, t, x_t.shape)
# by:
alpha = self.alphas[t][:, None, None, None]
# replace:
noise_rate = extract(self.sqrt_one_minus_alphas_cumprod, t, x_t.shape)
# by:
noise_rate = self.sqrt_one_minus_alphas_cumprod[t][:, None, None, None]

# %% [ddpm.mean_from_noise] the coefficients meet the width of the picture
# hint: A (b,) coefficient is matched with the last axis of the picture, its width, not with the batch. `extract` shapes
# hint: it.
# edit: extract(self.betas, t, x_t.shape) → self.betas[t]
# edit: extract(self.alphas, t, x_t.shape) → self.alphas[t]
# edit: extract(self.sqrt_one_minus_alphas_cumprod, t, x_t.shape) → self.sqrt_one_minus_alphas_cumprod[t]

# %% [ddpm.mean_from_noise] one t for the whole batch
# hint: The first sample is right and the others are not: they were treated as if they had its t.
# edit: extract(self.betas, t, x_t.shape) → self.betas[t[0]]
# edit: extract(self.alphas, t, x_t.shape) → self.alphas[t[0]]
# edit: extract(self.sqrt_one_minus_alphas_cumprod, t, x_t.shape) → self.sqrt_one_minus_alphas_cumprod[t[0]]

# %% [ddpm.mean_from_noise] alpha_bar for alpha
# hint: Two alphas meet here. Under the noise all steps up to t count; what is left outside belongs to this step alone.
# hint: You took the product of all for both.
# edit: self.alphas → self.alphas_cumprod

# %% [ddpm.mean_from_noise] one minus alpha_bar without its root
# hint: x_t has the right factor. The noise is divided by a variance where a standard deviation belongs: look at
# hint: equation (8) again.
# edit: self.sqrt_one_minus_alphas_cumprod → 1 - self.alphas_cumprod

# %% [ddpm.mean_from_noise] divided by the picture's factor
# hint: x_t has the right factor. Below the noise stands the factor of the *picture* in equation (4); the algebra leaves
# hint: the noise's own there.
# edit: self.sqrt_one_minus_alphas_cumprod → self.sqrt_alphas_cumprod

# %% [ddpm.mean_from_noise] alpha without its root
# hint: What is inside the brackets is right. A step multiplies by the root of alpha, so the way back does not divide by
# hint: alpha itself.
# edit: alpha.sqrt() → alpha

# %% [ddpm.mean_from_noise] all the noise removed
# hint: You took away all of the noise, sqrt(1 - alpha_bar) times. One step back removes only this step's part of it.
# edit: beta * noise / noise_rate → noise_rate * noise

# %% [ddpm.mean_from_noise] root of beta
# hint: x_t has the right factor. Before the noise stands the root of beta, where the algebra leaves beta itself.
# edit: - beta → - beta.sqrt()

# %% [ddpm.mean_from_noise] root of beta, all by itself
# hint: This undoes equation (1), as if the predicted noise were that of this one step. It is the noise of all steps up
# hint: to t.
# edit: beta * noise / noise_rate → beta.sqrt() * noise

# %% [ddpm.mean_from_noise] beta multiplied, not divided
# hint: x_t has the right factor. beta times the noise is too little: the factor of the noise in equation (4) belongs
# hint: below it.
# edit: noise / noise_rate → noise

# %% [ddpm.mean_from_noise] multiplied by the noise's factor
# hint: x_t has the right factor. The standard deviation of the noise stands above the line, where the algebra leaves it
# hint: below.
# edit: noise / noise_rate → noise * noise_rate

# %% [ddpm.mean_from_noise] brackets missing
# hint: Only x_t is divided by the root of alpha here. Do both terms of the algebra have it below them?
# edit: (x_t - beta * noise / noise_rate) / alpha.sqrt() → x_t / alpha.sqrt() - beta * noise / noise_rate

# %% [ddpm.mean_from_noise] noise added
# hint: The sign of the noise: the way back takes it away.
# edit: x_t - beta → x_t + beta

# %% [ddpm.mean_from_noise] not divided at all
# hint: A step forward shrinks the picture, so the step back has to enlarge it. That factor is missing.
# edit: (x_t - beta * noise / noise_rate) / alpha.sqrt() → x_t - beta * noise / noise_rate

# %% [ddpm.mean_from_noise] shrunk in place of enlarged
# hint: A step forward multiplies by the root of alpha. The step back undoes it; you did it once more.
# edit: (x_t - beta * noise / noise_rate) / alpha.sqrt() → (x_t - beta * noise / noise_rate) * alpha.sqrt()

# %% [ddpm.mean_from_noise] x_start in place of the mean
# hint: This is equation (8), the predicted x_start. Put it into equation (11): the mean of one step back lies between
# hint: it and x_t.
# edit: (x_t - beta * noise / noise_rate) / alpha.sqrt() → self.predict_start_from_noise(x_t, t, noise)

# %% [ddpm.mean_from_noise] x_start clamped on the way
# hint: Nearly right: x_start was cut at -1 and 1 on the way. That is p_sample's business; here the two routes should
# hint: agree.
# replace:
return (x_t - beta * noise / noise_rate) / alpha.sqrt()
# by:
x_start = self.predict_start_from_noise(x_t, t, noise).clamp(-1, 1)
return self.q_posterior(x_start, x_t, t)[0]

# %% [ddpm.mean_from_noise] x_start and x_t swapped in q_posterior
# hint: q_posterior takes x_start first, then x_t. They came the other way round.
# replace:
return (x_t - beta * noise / noise_rate) / alpha.sqrt()
# by:
return self.q_posterior(x_t, self.predict_start_from_noise(x_t, t, noise), t)[0]

# %% [ddpm.mean_from_noise] the noise taken for x_start
# hint: q_posterior takes x_start; you gave it the noise. Equation (8) makes the one of the other.
# edit: (x_t - beta * noise / noise_rate) / alpha.sqrt() → self.q_posterior(noise, x_t, t)[0]

# %% [ddpm.mean_from_noise] a root of the noise's factor
# hint: x_t has the right factor. Below the noise you took the root of a table that is a root already.
# edit: noise / noise_rate → noise / noise_rate.sqrt()

# %% [ddpm.mean_from_noise] alpha in the place of beta
# hint: x_t has the right factor. Before the noise stands alpha, what a step keeps; collect the terms with the noise
# hint: again: what is left of them is what a step adds.
# edit: - beta → - alpha

# %% [ddpm.mean_from_noise] the whole clamped
# hint: The result was cut at -1 and 1. The mean of x_{t-1} may leave that range, as x_t does.
# replace:
return (x_t - beta * noise / noise_rate) / alpha.sqrt()
# by:
return ((x_t - beta * noise / noise_rate) / alpha.sqrt()).clamp(-1, 1)

# %% [ddpm.mean_from_noise] x_t divided by the root of alpha_bar
# hint: The noise's part is right. x_t is divided by the root of alpha_bar, the fading of all steps; this is one step
# hint: back.
# replace:
return (x_t - beta * noise / noise_rate) / alpha.sqrt()
# by:
return x_t / extract(self.sqrt_alphas_cumprod, t, x_t.shape) - beta * noise / noise_rate / alpha.sqrt()

# %% [ddpm.mean_from_noise] the predicted noise put back
# hint: You predict x_start and add the predicted noise again, at the level of the index before. This is the step of
# hint: another sampler, DDIM. Here the mean is the posterior's: put (8) into (11).
before = F.pad(self.alphas_cumprod[:-1], (1, 0), value=1.0)
before = extract(before, t, x_t.shape)
x_start = self.predict_start_from_noise(x_t, t, noise)
return before.sqrt() * x_start + (1 - before).sqrt() * noise

# ---- ddpm.p_losses ---------------------------------------------------------------------------------------------------

# %% [ddpm.p_losses] normalised twice
# hint: x_start is in [-1, 1] already when your lines begin: the first given line does that. You do it again.
# replace:
x_t = self.q_sample(x_start, t, noise)
# by:
x_start = self.normalize(x_start)
x_t = self.q_sample(x_start, t, noise)

# %% [ddpm.p_losses] noise simply added
# hint: x_t is x_start plus noise here, whatever t is. q_sample mixes them as t says.
# edit: self.q_sample(x_start, t, noise) → x_start + noise

# %% [ddpm.p_losses] x_t made with other noise
# hint: The network is asked for noise that is not in its input: q_sample got fresh noise. Give it the noise that was
# hint: drawn above.
# edit: t, noise → t, torch.randn_like(x_start)

# %% [ddpm.p_losses] x_start and noise swapped in q_sample
# hint: q_sample takes the data first, then t, then the noise. The two came the other way round.
# edit: x_start, t, noise → noise, t, x_start

# %% [ddpm.p_losses] x_t clamped
# hint: x_t was cut at -1 and 1 before the network saw it. A noisy picture has every right to leave that range.
# edit: self.q_sample(x_start, t, noise) → self.q_sample(x_start, t, noise).clamp(-1, 1)

# %% [ddpm.p_losses] prediction detached
# hint: The value is right, but no gradient reaches the network, so it would never learn. Something cut the graph:
# hint: detach, .data, .item or no_grad.
# edit: self.model(x_t, t, model_kwargs) → self.model(x_t, t, model_kwargs).detach()

# %% [ddpm.p_losses] one t for the whole batch
# hint: The network was told the first sample's t for all of them. Hand it the whole tensor t.
# edit: x_t, t → x_t, t[:1].expand(len(t))

# %% [ddpm.p_losses] the network is told the next t
# hint: The network was told t + 1. x_t has index t in this notebook; nothing needs to be added.
# edit: x_t, t → x_t, t + 1

# %% [ddpm.p_losses] the network is told a share of T
# hint: The network was told t / T. It takes the index itself and scales it as it likes.
# edit: x_t, t → x_t, t / self.num_timesteps

# %% [ddpm.p_losses] model_kwargs not handed on
# hint: The network got no condition. It takes three things: x_t, t and model_kwargs.
# edit: t, model_kwargs → t

# %% [ddpm.p_losses] the network sees the clean data
# hint: The network was shown x_start. It has to see the noised x_t, otherwise there is nothing to predict from.
# edit: x_t, t → x_start, t

# %% [ddpm.p_losses] the network sees the noise alone
# hint: The network was shown the noise. It has to see x_t, in which picture and noise are mixed.
# edit: x_t, t → noise, t

# %% [ddpm.p_losses] the caller's model_kwargs changed
# hint: The loss is right, but the caller's dict is another one afterwards: the next call would meet what was taken out
# hint: or put in. Read it, never write or pop.
# replace:
prediction = self.model(x_t, t, model_kwargs)
# by:
prediction = self.model(x_t, t, dict(model_kwargs))
model_kwargs.pop("cfg_scale", None)

# %% [ddpm.p_losses] the noise found by subtraction
# hint: The prediction was taken away from x_t before it was compared. It is compared as it is.
# edit: self.model(x_t, t, model_kwargs) → x_t - self.model(x_t, t, model_kwargs)

# %% [ddpm.p_losses] objective ignored
# hint: For noise prediction all is well. With objective "pred_x_start" the network's output should be compared with the
# hint: clean data.
# edit: noise if self.objective == "pred_noise" else x_start → noise

# %% [ddpm.p_losses] the two targets swapped
# hint: Each objective has the other's target: look at what the network should predict for which.
# edit: noise if self.objective == "pred_noise" else x_start → x_start if self.objective == "pred_noise" else noise

# %% [ddpm.p_losses] always compared with x_start
# hint: With objective "pred_x_start" all is well. With "pred_noise" the network should find the noise.
# edit: noise if self.objective == "pred_noise" else x_start → x_start

# %% [ddpm.p_losses] compared with x_t
# hint: The target is x_t, the network's own input: it would learn to copy. What should it find out instead?
# edit: noise if self.objective == "pred_noise" else x_start → x_t

# %% [ddpm.p_losses] absolute error, objective ignored
# hint: Two things differ from equation (17): it squares the error where you take its absolute value, and its target
# hint: depends on self.objective.
# replace:
target = noise if self.objective == "pred_noise" else x_start
# by:
# replace:
weight = extract(self.loss_weight, t, x_start.shape)
# by:
# replace:
return (weight * (prediction - target) ** 2).mean()
# by:
return F.l1_loss(prediction, noise)

# %% [ddpm.p_losses] squared error, objective and weight ignored
# hint: For noise prediction all is well. With objective "pred_x_start" the network's output should be compared with the
# hint: clean data, and each sample's error has a weight.
# replace:
target = noise if self.objective == "pred_noise" else x_start
# by:
# replace:
weight = extract(self.loss_weight, t, x_start.shape)
# by:
# replace:
return (weight * (prediction - target) ** 2).mean()
# by:
return F.mse_loss(prediction, noise)

# %% [ddpm.p_losses] compared with other noise
# hint: The network is compared with noise that is not in its input: the target was drawn anew. Compare with the noise
# hint: that was drawn above.
# edit: target = noise → target = torch.randn_like(noise)

# %% [ddpm.p_losses] compared with the data in [0, 1]
# hint: For noise prediction all is well. The clean data that the network is compared with lies in [-1, 1], as what it
# hint: sees; you moved it to [0, 1].
# replace:
target = noise if self.objective == "pred_noise" else x_start
# by:
target = noise if self.objective == "pred_noise" else self.unnormalize(x_start)

# %% [ddpm.p_losses] always four axes
# hint: Images come out right, but points (b, 2) do not: the weight (b, 1, 1, 1) meets every error of the batch there.
# hint: `extract` appends as many axes as the data has.
# edit: extract(self.loss_weight, t, x_start.shape) → self.loss_weight[t][:, None, None, None]

# %% [ddpm.p_losses] the weights meet the width of the picture
# hint: loss_weight[t] is (b,) and the error is (b, c, h, w): the weights were matched with the width, not with the
# hint: batch. `extract` shapes them.
# edit: extract(self.loss_weight, t, x_start.shape) → self.loss_weight[t]

# %% [ddpm.p_losses] the whole table of weights summed up
# hint: Every sample has the mean of all weights. Each has its own, at its own t.
# edit: extract(self.loss_weight, t, x_start.shape) → self.loss_weight.mean()

# %% [ddpm.p_losses] absolute error, weight ignored
# hint: Two things differ from equation (17): it squares the error where you take its absolute value, and it has a
# hint: weight for each sample.
# replace:
weight = extract(self.loss_weight, t, x_start.shape)
# by:
# replace:
return (weight * (prediction - target) ** 2).mean()
# by:
return F.l1_loss(prediction, target)

# %% [ddpm.p_losses] the weight at the wrong t
# hint: For noise prediction all is well. Otherwise every sample has the weight of another index than its t.
# edit: t, x_start.shape → (t - 1) % self.num_timesteps, x_start.shape

# %% [ddpm.p_losses] without the weight
# hint: For noise prediction the weight is 1 and all is well; for x_start prediction it is not. Which table holds it?
# edit: weight * (prediction - target) → (prediction - target)

# %% [ddpm.p_losses] divided by the weight
# hint: For noise prediction, whose weight is 1, all is well. Otherwise you divide by the weight where equation (17)
# hint: multiplies.
# edit: weight * (prediction - target) ** 2 → (prediction - target) ** 2 / weight

# %% [ddpm.p_losses] weights and errors averaged apart
# hint: You multiplied the mean weight by the mean error. Each sample's error has to meet its own weight before anything
# hint: is averaged.
# edit: (weight * (prediction - target) ** 2).mean() → weight.mean() * ((prediction - target) ** 2).mean()

# %% [ddpm.p_losses] divided by the sum of the weights
# hint: For equal weights all is well. You average with the weights, so that they add up to 1; equation (17) multiplies
# hint: and takes the plain mean.
# replace:
return (weight * (prediction - target) ** 2).mean()
# by:
return ((weight * (prediction - target) ** 2).flatten(1).mean(1)).sum() / weight.sum()

# %% [ddpm.p_losses] sum in place of the mean
# hint: The loss grows with the number of pixels and samples. The mean square is wanted, over everything.
# edit: (weight * (prediction - target) ** 2).mean() → (weight * (prediction - target) ** 2).sum()

# %% [ddpm.p_losses] summed over a sample's values
# hint: You take the mean over samples, but the sum over a sample's values. Equation (17) divides by d as well.
# edit: (weight * (prediction - target) ** 2).mean() → (weight * (prediction - target) ** 2).flatten(1).sum(1).mean()

# %% [ddpm.p_losses] one loss for each sample
# hint: This is one number for each sample. A training step needs a single number: take the mean over the batch too.
# edit: (weight * (prediction - target) ** 2).mean() → (weight * (prediction - target) ** 2).flatten(1).mean(1)

# %% [ddpm.p_losses] one half
# hint: This is half of the loss: equation (17) has no factor before the square.
# edit: (weight * (prediction - target) ** 2).mean() → 0.5 * (weight * (prediction - target) ** 2).mean()

# %% [ddpm.p_losses] root of the mean square
# hint: You took the root of the mean square. Equation (17) stops before that.
# edit: (weight * (prediction - target) ** 2).mean() → (weight * (prediction - target) ** 2).mean().sqrt()

# %% [ddpm.p_losses] absolute error
# hint: This is the mean absolute error. Equation (17) squares.
# edit: (prediction - target) ** 2 → (prediction - target).abs()

# %% [ddpm.p_losses] a Huber loss
# hint: Small errors are squared, large ones are not: this is a Huber loss. Equation (17) squares all of them.
# edit: (prediction - target) ** 2 → F.smooth_l1_loss(prediction, target, reduction="none")

# %% [ddpm.p_losses] the weight is squared as well
# hint: For noise prediction, whose weight is 1, all is well. Otherwise the weight stands inside the square; equation
# hint: (17) weighs the squared error.
# edit: weight * (prediction - target) → (weight * (prediction - target))

# %% [ddpm.p_losses] a root of the weight
# hint: For noise prediction, whose weight is 1, all is well. Otherwise you took the root of the weight.
# edit: weight * (prediction - target) → weight.sqrt() * (prediction - target)

# %% [ddpm.p_losses] weights times one mean error
# hint: F.mse_loss averages over the whole batch before a weight can act, and what you return still has an axis for the
# hint: samples. Keep the errors apart (reduction), weigh them, and then take the mean.
# edit: (weight * (prediction - target) ** 2).mean() → weight * F.mse_loss(prediction, target)

# %% [ddpm.p_losses] the error is not squared
# hint: Errors of both signs cancel in your mean. Equation (17) squares them first.
# edit: (prediction - target) ** 2 → (prediction - target)

# %% [ddpm.p_losses] squared after the mean
# hint: You average the error first and square it then, so errors of both signs cancel. Square first.
# edit: weight * (prediction - target) → weight.flatten() * (prediction - target).flatten(1).mean(1)

# ---- ddpm.ancestral_step ---------------------------------------------------------------------------------------------

# %% [ddpm.ancestral_step] x_t in place of the mean
# hint: You add noise to x_t itself. Equation (18) starts from the mean, which mean_from_noise gives.
# edit: self.mean_from_noise(x_t, t, noise_pred) → x_t

# %% [ddpm.ancestral_step] x_start in place of the mean
# hint: You add noise to the predicted x_start. One step back leads to x_{t-1} only: mean_from_noise gives its mean.
# edit: self.mean_from_noise(x_t, t, noise_pred) → self.predict_start_from_noise(x_t, t, noise_pred)

# %% [ddpm.ancestral_step] z and noise_pred swapped
# hint: The mean takes what the network predicted, and the step adds fresh noise: noise_pred and z have changed places.
# edit: noise_pred → z
# edit: std * z → std * noise_pred

# %% [ddpm.ancestral_step] noise_pred taken for x_start
# hint: q_posterior takes x_start; you gave it the predicted noise. mean_from_noise begins from noise.
# edit: mean = self.mean_from_noise(x_t, t, noise_pred) → mean, _ = self.q_posterior(noise_pred, x_t, t)

# %% [ddpm.ancestral_step] x_start clamped on the way
# hint: The mean was made from an x_start that was cut at -1 and 1. Equation (18) has no clamp; p_sample will.
# replace:
mean = self.mean_from_noise(x_t, t, noise_pred)
# by:
mean, _ = self.q_posterior(self.predict_start_from_noise(x_t, t, noise_pred).clamp(-1, 1), x_t, t)

# %% [ddpm.ancestral_step] variance for standard deviation
# hint: The mean is right. z is multiplied by a standard deviation; both of yours are variances.
# replace:
std = self.betas.sqrt() if variance == "beta" else self.posterior_std
# by:
std = self.betas if variance == "beta" else self.posterior_std**2

# %% [ddpm.ancestral_step] the posterior's variance for its standard deviation
# hint: "beta" is right. For "posterior" you squared the table posterior_std, which is a standard deviation already.
# edit: self.posterior_std → self.posterior_std**2

# %% [ddpm.ancestral_step] a root of the standard deviation
# hint: "beta" is right. For "posterior" you took the root of posterior_std, which is a standard deviation already.
# replace:
std = self.betas.sqrt() if variance == "beta" else self.posterior_std
# by:
std = (self.betas if variance == "beta" else self.posterior_std).sqrt()

# %% [ddpm.ancestral_step] beta without its root
# hint: "posterior" is right. For "beta" you multiply z with beta itself, a variance; a standard deviation is its root.
# edit: self.betas.sqrt() → self.betas

# %% [ddpm.ancestral_step] `variance` ignored
# hint: "posterior" is right, "beta" is not: it gives the same. Choose by the argument.
# edit: self.betas.sqrt() if variance == "beta" else self.posterior_std → self.posterior_std

# %% [ddpm.ancestral_step] `variance` ignored, always beta
# hint: "beta" is right, "posterior" is not: it gives the same. Choose by the argument.
# edit: self.betas.sqrt() if variance == "beta" else self.posterior_std → self.betas.sqrt()

# %% [ddpm.ancestral_step] the two variances swapped
# hint: In your code "beta" leads to the variance of the posterior, and "posterior" to beta.
# replace:
std = self.betas.sqrt() if variance == "beta" else self.posterior_std
# by:
std = self.posterior_std if variance == "beta" else self.betas.sqrt()

# %% [ddpm.ancestral_step] all the noise up to t
# hint: z is multiplied by the noise of all steps up to t, the root of 1 - alpha_bar. One step back adds that of one
# hint: step.
# edit: self.betas.sqrt() → self.sqrt_one_minus_alphas_cumprod

# %% [ddpm.ancestral_step] posterior noise taken with the root of beta once more
# hint: The root of beta is right for "beta". For "posterior" you multiplied both standard deviations.
# edit: self.posterior_std → self.betas.sqrt() * self.posterior_std

# %% [ddpm.ancestral_step] one standard deviation for the batch
# hint: The first sample is right; the others got noise of its size. Each sample has its own t.
# edit: std, t → std, t[:1].expand(len(t))

# %% [ddpm.ancestral_step] always four axes
# hint: Images come out right, but points (b, 2) do not. `extract` appends as many axes as the data has.
# edit: extract(std, t, x_t.shape) → std[t][:, None, None, None]

# %% [ddpm.ancestral_step] noise at t = 0
# hint: Look at the samples whose t is 0: they still get noise. It would stay in the finished picture. The last step
# hint: returns the mean.
# replace:
noisy = (t > 0).reshape(std.shape)  # (b, 1, ..., 1)
# by:
# replace:
return mean + noisy * std * z
# by:
return mean + std * z

# %% [ddpm.ancestral_step] one t = 0 silences the batch
# hint: As soon as one sample has t = 0, no sample gets noise. Decide for each sample by its own t.
# edit: (t > 0).reshape(std.shape) → (t > 0).all()

# %% [ddpm.ancestral_step] the first sample decides for the batch
# hint: You asked only whether the first sample's t is 0. Decide for each sample by its own t.
# edit: (t > 0).reshape(std.shape) → t[0] > 0

# %% [ddpm.ancestral_step] noise at t = 0 only
# hint: The choice is turned round: noise at t = 0 and none elsewhere.
# edit: t > 0 → t == 0

# %% [ddpm.ancestral_step] no noise at t = 1 either
# hint: The samples at t = 1 get no noise. Only those at t = 0 are finished after this step.
# edit: t > 0 → t > 1

# %% [ddpm.ancestral_step] the mask meets the width of the picture
# hint: The question whether t is 0 has one answer for each sample, (b,), and it was matched with the last axis of the
# hint: data. Give it as many axes as the data has.
# edit: (t > 0).reshape(std.shape) → t > 0

# %% [ddpm.ancestral_step] no noise at the last index
# hint: You left out the noise where t is T - 1, the beginning of the way back. The last *step* is the one at t = 0.
# edit: t > 0 → t < self.num_timesteps - 1

# %% [ddpm.ancestral_step] no noise anywhere
# hint: This is the mean for every sample. Equation (18) adds fresh noise wherever t is not 0.
# edit: mean + noisy * std * z → mean

# %% [ddpm.ancestral_step] the mean is silenced too
# hint: At t = 0 you return 0: the choice covers the mean as well. Only the noise is left out.
# edit: mean + noisy * std * z → noisy * (mean + std * z)

# %% [ddpm.ancestral_step] z subtracted
# hint: z is subtracted. For one sample that is as good a draw, but equation (18) adds the given z.
# edit: mean + noisy → mean - noisy

# %% [ddpm.ancestral_step] the predicted noise in place of z
# hint: The fresh noise is the argument z; noise_pred is what the network found in x_t.
# edit: std * z → std * noise_pred

# %% [ddpm.ancestral_step] fresh noise in the place of z
# hint: The mean is right, but you drew noise of your own. This function is given its noise, z.
# edit: std * z → std * torch.randn_like(x_t)

# %% [ddpm.ancestral_step] noise of size 1
# hint: z is added in its full size. It should be as large as one step's spread.
# edit: std * z → z

# %% [ddpm.ancestral_step] at t = 0 the finished x_start clamped
# hint: The samples at t = 0 were cut at -1 and 1. They are the mean, as it is.
# edit: mean + noisy * std * z → torch.where(noisy, mean + std * z, mean.clamp(-1, 1))

# %% [ddpm.ancestral_step] x_t at t = 0
# hint: Where t is 0 you return x_t as it came. The last step is still a step: its mean, without noise.
# edit: mean + noisy * std * z → torch.where(noisy, mean + std * z, x_t)

# ---- ddpm.p_sample ---------------------------------------------------------------------------------------------------

# %% [ddpm.p_sample] one t handed to the network for all samples
# hint: The network wants t as a (b,) tensor, one entry for each sample, also when all entries are the same.
# edit: len(x_t) → 1

# %% [ddpm.p_sample] the prediction clamped in the place of x_start
# hint: With objective "pred_x_start" all is well. With "pred_noise" you cut the noise, which may leave [-1, 1]; cut the
# hint: x_start that follows from it.
# edit: self.model(x_t, t, model_kwargs) → self.model(x_t, t, model_kwargs).clamp(-1, 1)
# edit: x_start.clamp(-1, 1) → x_start

# %% [ddpm.p_sample] model_kwargs not handed on
# hint: The network got no condition. It takes three things: x_t, t and model_kwargs.
# edit: t, model_kwargs → t

# %% [ddpm.p_sample] the network's condition taken out of the caller's dict
# hint: The steps are right, but the caller's dict is another one afterwards: every later step would run with it. Read
# hint: it, never pop or write.
# replace:
prediction = self.model(x_t, t, model_kwargs)
# by:
prediction = self.model(x_t, t, dict(model_kwargs))
model_kwargs.pop("cfg_scale", None)

# %% [ddpm.p_sample] the network is told the next t
# hint: The network was told t + 1. x_t has index t in this notebook; nothing needs to be added.
# edit: t, model_kwargs → t + 1, model_kwargs

# %% [ddpm.p_sample] clamped for one objective only
# hint: With objective "pred_noise" all is well. With "pred_x_start" the network's answer may lie outside [-1, 1] as
# hint: well.
# edit: (x_t, t, prediction) → (x_t, t, prediction).clamp(-1, 1)
# edit: x_start.clamp(-1, 1) → x_start

# %% [ddpm.p_sample] objective ignored
# hint: For noise prediction all is well. With objective "pred_x_start" the network's output is x_start already.
# edit: (x_t, t, prediction) if self.objective == "pred_noise" else prediction → (x_t, t, prediction)

# %% [ddpm.p_sample] the prediction always taken as x_start
# hint: With objective "pred_x_start" all is well. With "pred_noise" the network's output is noise: compute x_start from
# hint: it first.
# edit: self.predict_start_from_noise(x_t, t, prediction) if self.objective == "pred_noise" else prediction → prediction

# %% [ddpm.p_sample] the two objectives swapped
# hint: Each objective is treated as the other: which of the two answers has to be turned into x_start?
# edit: self.objective == "pred_noise" → self.objective != "pred_noise"

# %% [ddpm.p_sample] noise from x_start in place of x_start from noise
# hint: With "pred_noise" the network's output is noise, and x_start is wanted. You called the method that goes the
# hint: other way.
# edit: self.predict_start_from_noise(x_t, t, prediction) → self.predict_noise_from_start(x_t, t, prediction)

# %% [ddpm.p_sample] the mean straight from the noise
# hint: This is the mean without a clamp: mean_from_noise never sees x_start. Go through x_start, clamp it, and use the
# hint: posterior.
# replace:
x_start = self.predict_start_from_noise(x_t, t, prediction) if self.objective == "pred_noise" else prediction
# by:
x_start = self.predict_start_from_noise(x_t, t, prediction)
# replace:
mean, std = self.q_posterior(x_start.clamp(-1, 1), x_t, t)
# by:
_, std = self.q_posterior(x_start.clamp(-1, 1), x_t, t)
mean = self.mean_from_noise(x_t, t, prediction)

# %% [ddpm.p_sample] no clamp
# hint: Nothing keeps x_start inside [-1, 1]. Where the network errs at a late t, the error is magnified and stays.
# edit: x_start.clamp(-1, 1) → x_start

# %% [ddpm.p_sample] x_{t-1} clamped in the place of x_start
# hint: You cut the result of the step. x_{t-1} still holds noise and may leave [-1, 1]; the predicted x_start may not.
# edit: x_start.clamp(-1, 1) → x_start
# edit: mean + std * torch.randn_like(x_t) → (mean + std * torch.randn_like(x_t)).clamp(-1, 1)

# %% [ddpm.p_sample] the mean clamped in the place of x_start
# hint: You clamped the mean of x_{t-1}. It may leave [-1, 1], as x_t does; what may not is x_start.
# edit: x_start.clamp(-1, 1) → x_start
# edit: mean + std → mean.clamp(-1, 1) + std

# %% [ddpm.p_sample] clamped to [0, 1]
# hint: Inside the model data lies in [-1, 1]. You cut away the dark half.
# edit: -1, 1 → 0, 1

# %% [ddpm.p_sample] x_start and x_t swapped in q_posterior
# hint: Look at the order of q_posterior's arguments: x_start comes first, then x_t.
# edit: x_start.clamp(-1, 1), x_t → x_t, x_start.clamp(-1, 1)

# %% [ddpm.p_sample] clamped below only
# hint: x_start was cut at -1, but not at 1: clamp takes two bounds.
# edit: 1, 1 → 1

# %% [ddpm.p_sample] clamped above only
# hint: x_start was cut at 1, but not at -1: clamp takes two bounds.
# edit: -1, 1 → max=1

# %% [ddpm.p_sample] tanh in place of the clamp
# hint: tanh changes every value, also those that lie inside [-1, 1] already. Equation (19) cuts, and leaves the rest
# hint: alone.
# edit: x_start.clamp(-1, 1) → x_start.tanh()

# %% [ddpm.p_sample] x_t clamped for the posterior
# hint: x_start is clamped, as it should be; but so was x_t. It holds noise and has every right to leave [-1, 1].
# edit: x_start.clamp(-1, 1), x_t → x_start.clamp(-1, 1), x_t.clamp(-1, 1)

# %% [ddpm.p_sample] x_{t-1} clamped as well
# hint: x_start is clamped, as it should be; but you cut the result too. x_{t-1} still holds noise and may leave [-1,
# hint: 1].
# edit: mean + std * torch.randn_like(x_t) → (mean + std * torch.randn_like(x_t)).clamp(-1, 1)

# %% [ddpm.p_sample] variance for standard deviation
# hint: q_posterior gives a standard deviation. You squared it before multiplying the noise.
# edit: mean + std → mean + std**2

# %% [ddpm.p_sample] a root of the standard deviation
# hint: q_posterior gives a standard deviation. You took its root, as if it were a variance.
# edit: mean + std → mean + std.sqrt()

# %% [ddpm.p_sample] beta for the posterior's variance
# hint: The mean is right. The noise has the size of one forward step, the root of beta; equation (19) takes the
# hint: posterior's own.
# edit: mean + std → mean + extract(self.betas.sqrt(), t, x_t.shape)

# %% [ddpm.p_sample] noise of size 1
# hint: The fresh noise has size 1 at every step. It should be as large as the posterior is wide.
# edit: std * torch.randn_like(x_t) → torch.randn_like(x_t)

# %% [ddpm.p_sample] no fresh noise
# hint: You return the mean at every step. Without fresh noise the samples lose their variety.
# edit: mean + std * torch.randn_like(x_t) → mean

# %% [ddpm.p_sample] x_start returned
# hint: You return the predicted x_start, the end of the way. One step goes to x_{t-1} only.
# edit: mean + std * torch.randn_like(x_t) → x_start.clamp(-1, 1)

# %% [ddpm.p_sample] one noise for all samples
# hint: All samples of the batch get the same noise. Draw it in the shape of x_t.
# edit: torch.randn_like(x_t) → torch.randn(x_t.shape[1:])

# %% [ddpm.p_sample] moved to [0, 1] at every step
# hint: You moved x_{t-1} to [0, 1]. The chain stays in [-1, 1] until the last step is done; `sample` moves the picture
# hint: then.
# edit: mean + std * torch.randn_like(x_t) → self.unnormalize(mean + std * torch.randn_like(x_t))

# %% [ddpm.p_sample] beta for the posterior's variance, none at t = 0
# hint: The mean is right, and so is t = 0. At the other indices the noise has the size of one forward step, the root of
# hint: beta; equation (19) takes the posterior's own.
# edit: mean + std → mean + (t[0] > 0) * extract(self.betas.sqrt(), t, x_t.shape)

# %% [ddpm.p_sample] uniform noise
# hint: The noise lies in [0, 1): rand_like draws uniform numbers. z of equation (19) is standard normal.
# edit: torch.randn_like(x_t) → torch.rand_like(x_t)

# %% [ddpm.p_sample] one number for all of the noise
# hint: All pixels of all samples get the same number. Draw noise in the shape of x_t.
# edit: torch.randn_like(x_t) → torch.randn(1)

# %% [ddpm.p_sample] one number of noise a sample
# hint: All pixels of a sample get the same number. Draw noise in the shape of x_t.
# edit: torch.randn_like(x_t) → torch.randn_like(std)

# %% [ddpm.p_sample] no noise at t = 1 either
# hint: The step at t = 1 got no noise. Only the one at t = 0 is the last.
# edit: mean + std → mean + (t[0] > 1) * std

# %% [ddpm.p_sample] the mean clamped as well
# hint: x_start is clamped, as it should be; but you cut the mean too. It lies between x_start and x_t and may leave
# hint: [-1, 1].
# edit: mean + std → mean.clamp(-1, 1) + std

# %% [ddpm.p_sample] noise around x_start
# hint: You add noise to x_start itself. The step leads to x_{t-1}, whose mean q_posterior gives.
# edit: mean + std → x_start.clamp(-1, 1) + std

# %% [ddpm.p_sample] noised again by q_sample
# hint: You noised x_start anew and forgot x_t: q_sample jumps from the data, and what x_t knew is lost. Equation (19)
# hint: takes the posterior, which listens to both.
# replace:
return mean + std * torch.randn_like(x_t)
# by:
return self.q_sample(x_start.clamp(-1, 1), (t - 1).clamp_min(0), torch.randn_like(x_t))

# %% [ddpm.p_sample] noise subtracted
# hint: The noise is taken away here. For one draw that is as good, but equation (19) adds it.
# edit: mean + std → mean - std

# %% [ddpm.p_sample] the predicted noise in the place of fresh noise
# hint: z in (19) is new noise, drawn for this step. You added the noise that the network found (or that belongs to its
# hint: x_start) once more.
# replace:
return mean + std * torch.randn_like(x_t)
# by:
found = prediction if self.objective == "pred_noise" else self.predict_noise_from_start(x_t, t, prediction.clamp(-1, 1))
return mean + std * found
