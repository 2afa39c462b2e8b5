# ---- distill.progressive_target --------------------------------------------------------------------------------------

# %% [distill.progressive_target] the second call at the first time
# hint: At its second call the teacher is told t, but the state has moved on. At which time does it stand now?
# edit: teacher(z_m, middle) → teacher(z_m, t)

# %% [distill.progressive_target] the second call at the last time
# hint: At its second call the teacher is told t'', where it has not arrived yet.
# edit: teacher(z_m, middle) → teacher(z_m, times[2])

# %% [distill.progressive_target] the first state at the second call
# hint: The teacher sees z_t a second time. The second step begins where the first one ended.
# edit: teacher(z_m, middle) → teacher(z_t, middle)

# %% [distill.progressive_target] the first answer alone
# hint: What comes out is the teacher's first answer (two steps with the same x̂ lie on one line). A second call, at the
# hint: state in between, has to bend it.
# edit: x_start = teacher(z_m, middle) → pass

# %% [distill.progressive_target] the second answer alone
# hint: What comes out is the teacher's second answer: either it is returned as it is, or the second step starts from z_t
# hint: again. The second step starts from the state in between, and the first stretch counts as well.
# edit: return ((z_s - ratio * z_t) / (alpha_s - ratio * alpha_t)).detach() → return x_start

# %% [distill.progressive_target] the state where they land
# hint: This is z_t'' itself, the place where the two steps land. Wanted is the predicted *data* with which one step lands
# hint: there.
# edit: return ((z_s - ratio * z_t) / (alpha_s - ratio * alpha_t)).detach() → return z_s

# %% [distill.progressive_target] the mean of both answers
# hint: The mean of the two answers is not it: the two velocities have a mean on the straight path, the predicted data
# hint: do not. Solve the one step for its x̂.
# edit: return ((z_s - ratio * z_t) / (alpha_s - ratio * alpha_t)).detach() → return (x_start + teacher(z_t, t).detach()) / 2

# %% [distill.progressive_target] t' and t'' changed
# hint: The second and the third entry of each triple have changed places: the teacher goes to t'' first and then back up.
# edit: t, middle, _ → t, _, middle
# edit: alpha_t, alpha_m, alpha_s → alpha_t, alpha_s, alpha_m
# edit: sigma_t, sigma_m, sigma_s → sigma_t, sigma_s, sigma_m

# %% [distill.progressive_target] the ratio upside down
# hint: The ratio of the two sigmas is upside down. Which part of the noise of z_t is left at t''? On the way to clean data
# hint: none is, and yours would divide by 0.
# edit: ratio = sigma_s / sigma_t → ratio = sigma_t / sigma_s

# %% [distill.progressive_target] the ratio of the first step
# hint: The ratio is that of the first step, from t to t'. The student's one step leads all the way to t''.
# edit: ratio = sigma_s / sigma_t → ratio = sigma_m / sigma_t

# %% [distill.progressive_target] the ratio of the second step
# hint: The ratio is that of the second step, from t' to t''. The student's one step begins at t, and z_t is its state.
# edit: ratio = sigma_s / sigma_t → ratio = sigma_s / sigma_m

# %% [distill.progressive_target] a graph is kept
# hint: The target still has a graph, so that the student's loss would send a gradient into the teacher.
# edit: with torch.no_grad(): → if True:
# edit: ).detach() → )

# %% [distill.progressive_target] the first noise again
# hint: The second step takes the first step's noise along. DDIM computes the noise anew, from the state in between and
# hint: the new x̂; only so do both make that state together.
# replace:
z_m = alpha_m * x_start + sigma_m * (z_t - alpha_t * x_start) / sigma_t
x_start = teacher(z_m, middle)
z_s = alpha_s * x_start + sigma_s * (z_m - alpha_m * x_start) / sigma_m
# by:
noise = (z_t - alpha_t * x_start) / sigma_t
x_start = teacher(alpha_m * x_start + sigma_m * noise, middle)
z_s = alpha_s * x_start + sigma_s * noise

# %% [distill.progressive_target] divided by alpha alone
# hint: The divisor is alpha at t'' alone. In the student's step its x̂ stands twice: with alpha, and inside of the noise.
# edit: (alpha_s - ratio * alpha_t) → alpha_s

# %% [distill.progressive_target] the old noise not taken away
# hint: The numerator is z_t'' alone. A part of it is what is left of z_t, and not of x̃.
# edit: (z_s - ratio * z_t) → z_s

# %% [distill.progressive_target] plus in the numerator
# hint: The part of z_t that is left at t'' is added to z_t'' in the numerator, where it should be taken away.
# edit: (z_s - ratio → (z_s + ratio

# %% [distill.progressive_target] plus in the divisor
# hint: A sign in the divisor: the noise in the student's step is (z_t − alpha_t·x̃)/sigma_t, with a minus before x̃.
# edit: (alpha_s - ratio → (alpha_s + ratio

# %% [distill.progressive_target] the ratio missing in the divisor
# hint: In the divisor alpha_t stands without the ratio of the sigmas.
# edit: ratio * alpha_t → alpha_t

# %% [distill.progressive_target] the ratio missing in the numerator
# hint: In the numerator z_t stands without the ratio of the sigmas.
# edit: ratio * z_t → z_t

# %% [distill.progressive_target] alpha of t' in the divisor
# hint: The divisor takes alpha at t'. The student's one step leaves from t and never stands at t'.
# edit: (alpha_s - ratio * alpha_t) → (alpha_s - ratio * alpha_m)

# %% [distill.progressive_target] sigma for the ratio in the numerator
# hint: z_t is multiplied by sigma at t'' alone. Of the noise that is in z_t a share is left at t''.
# edit: (z_s - ratio * z_t) → (z_s - sigma_s * z_t)

# %% [distill.progressive_target] the ratio missing in both
# hint: The ratio of the sigmas is missing: z_t and alpha_t come in with what is left of the noise at t''.
# edit: ratio = sigma_s / sigma_t → ratio = 1.0

# %% [distill.progressive_target] a ratio of the alphas
# hint: Your ratio is one of alphas. What is carried over from z_t is its noise, and noise is measured by sigma.
# edit: ratio = sigma_s / sigma_t → ratio = alpha_s / alpha_t

# %% [distill.progressive_target] multiplied
# hint: It is multiplied by what stands with x̃, where x̃ = … asks to divide.
# edit: (z_s - ratio * z_t) / → (z_s - ratio * z_t) *

# %% [distill.progressive_target] the noise not divided
# hint: z − alpha·x̂ is the noise *times* sigma; in both steps it still has to be divided by that sigma.
# edit: (z_t - alpha_t * x_start) / sigma_t → (z_t - alpha_t * x_start)
# edit: (z_m - alpha_m * x_start) / sigma_m → (z_m - alpha_m * x_start)

# %% [distill.progressive_target] coefficients along the width
# hint: The (b,) factors have not been given the data's axes. Torch aligns from the right, so sample 2's factor went into
# hint: column 2 of every picture.
# edit: (column(alpha, z_t) for alpha in alphas) → alphas
# edit: (column(sigma, z_t) for sigma in sigmas) → sigmas

# %% [distill.progressive_target] four axes
# hint: Right for images only: the factors have four axes, and these are points. Take as many axes as z_t has.
# edit: column(alpha, z_t) → alpha[:, None, None, None]
# edit: column(sigma, z_t) → sigma[:, None, None, None]

# %% [distill.progressive_target] two axes
# hint: Right for points only: the factors have two axes, and images have four. Take as many axes as z_t has.
# edit: column(alpha, z_t) → alpha[:, None]
# edit: column(sigma, z_t) → sigma[:, None]

# %% [distill.progressive_target] roots of the factors
# hint: Roots are taken of the factors. These are no ᾱ of a chain: alpha and sigma multiply data and noise as they are.
# edit: column(alpha, z_t) → column(alpha, z_t).sqrt()
# edit: column(sigma, z_t) → column(sigma, z_t).sqrt()

# %% [distill.progressive_target] sigma of a variance-preserving path
# hint: Sigma is computed from alpha as √(1 − alpha²). That holds on one kind of path; take the sigmas that are given.
# edit: (column(sigma, z_t) for sigma in sigmas) → ((1 - column(alpha, z_t) ** 2).sqrt() for alpha in alphas)

# %% [distill.progressive_target] sigma of the straight path
# hint: Sigma is computed from alpha as 1 − alpha. That holds on the straight path alone; take the sigmas that are given.
# edit: (column(sigma, z_t) for sigma in sigmas) → (1 - column(alpha, z_t) for alpha in alphas)

# %% [distill.progressive_target] times for sigmas
# hint: The times stand in the place of the sigmas. On the straight path they are equal, on no other.
# edit: for sigma in sigmas → for sigma in times

# %% [distill.progressive_target] the answer taken for noise
# hint: The teacher's answers are taken for noise. It tells the data.
# edit: x_start = teacher(z_t, t) → x_start = (z_t - sigma_t * teacher(z_t, t)) / alpha_t
# edit: x_start = teacher(z_m, middle) → x_start = (z_m - sigma_m * teacher(z_m, middle)) / alpha_m

# %% [distill.progressive_target] clamped
# hint: The teacher's answers are clamped to [−1, 1]. Nothing here says that the data lies there.
# edit: x_start = teacher(z_t, t) → x_start = teacher(z_t, t).clamp(-1, 1)
# edit: x_start = teacher(z_m, middle) → x_start = teacher(z_m, middle).clamp(-1, 1)

# %% [distill.progressive_target] fresh noise
# hint: Noise is drawn. DDIM's step, as (1) has it, draws none: the noise is what z_t holds beside x̂.
# edit: sigma_m * (z_t - alpha_t * x_start) / sigma_t → sigma_m * torch.randn_like(z_t)

# %% [distill.progressive_target] one time for all
# hint: The teacher is told the first sample's time for all. Each sample has a time of its own.
# edit: teacher(z_t, t) → teacher(z_t, t[0])

# %% [distill.progressive_target] times with axes
# hint: The teacher gets times that were given the data's axes. It wants them as they came, (b,).
# edit: teacher(z_t, t) → teacher(z_t, column(t, z_t))

# ---- distill.guidance_target -----------------------------------------------------------------------------------------

# %% [distill.guidance_target] the other convention
# hint: This is w·cond + (1 − w)·uncond, the other convention, in which 1 is the plain answer. Here w = 0 is.
# edit: (1 + w) * cond - w * uncond → w * cond + (1 - w) * uncond

# %% [distill.guidance_target] one more
# hint: The difference counts 2 + w times: at w = 0 there is guidance already, and the plain answer is wanted there.
# edit: (1 + w) * cond - w * uncond → (2 + w) * cond - (1 + w) * uncond

# %% [distill.guidance_target] plus
# hint: The unconditional answer is added. The weights of both have to sum to 1.
# edit: - w * uncond → + w * uncond

# %% [distill.guidance_target] 1 − w
# hint: The conditional answer's weight shrinks with w, where it should grow.
# edit: (1 + w) * cond → (1 - w) * cond

# %% [distill.guidance_target] both changed
# hint: The answers with and without the condition have changed places: this leads away from it.
# edit: teacher(x_t, t, y), teacher(x_t, t, None) → teacher(x_t, t, None), teacher(x_t, t, y)

# %% [distill.guidance_target] away from the condition
# hint: The difference has the other sign. Which way does it have to point, from the answer without the condition to the
# hint: one with it, or back?
# edit: (1 + w) * cond - w * uncond → cond + w * (uncond - cond)

# %% [distill.guidance_target] the difference alone
# hint: This is w times the difference alone. It is added to the answer with the condition.
# edit: (1 + w) * cond - w * uncond → w * (cond - uncond)

# %% [distill.guidance_target] 1 + w times the difference
# hint: Both answers have the weight 1 + w, so that only their difference is left: at w = −1 it would be nothing at all.
# edit: (1 + w) * cond - w * uncond → (1 + w) * cond - (1 + w) * uncond

# %% [distill.guidance_target] away from no condition in full
# hint: The answer without a condition is taken away in full, whatever w is.
# edit: - w * uncond → - uncond

# %% [distill.guidance_target] the 1 missing
# hint: Both answers have the weight 1 or w only; (1 + w) and −w are wanted.
# edit: (1 + w) * cond - w * uncond → cond - w * uncond

# %% [distill.guidance_target] a graph is kept
# hint: The target still has a graph, so that the student's loss would send a gradient into the teacher.
# edit: with torch.no_grad(): → if True:
# edit: ).detach() → )

# %% [distill.guidance_target] w along the width
# hint: w is (b,) and was not given the data's axes: torch aligns it with the last one, so sample 2's weight went into
# hint: column 2 of every picture.
# edit: w = column(w, x_t) → w = w

# %% [distill.guidance_target] four axes
# hint: Right for images only: w has four axes, and these are points. Take as many axes as x_t has.
# edit: column(w, x_t) → w[:, None, None, None]

# %% [distill.guidance_target] two axes
# hint: Right for points only: w has two axes, and images have four. Take as many axes as x_t has.
# edit: column(w, x_t) → w[:, None]

# %% [distill.guidance_target] one weight for all
# hint: Every sample got the first one's weight. Each has its own.
# edit: column(w, x_t) → w[0]

# %% [distill.guidance_target] the mean weight
# hint: Every sample got the mean of all weights. Each has its own.
# edit: column(w, x_t) → w.mean()

# %% [distill.guidance_target] zeros for no condition
# hint: A condition of zeros is asked. To this teacher it is a condition like any other; None is the absence of one.
# edit: teacher(x_t, t, None) → teacher(x_t, t, torch.zeros_like(y))

# %% [distill.guidance_target] the condition twice
# hint: The teacher is asked with the condition twice, so that w does nothing.
# edit: teacher(x_t, t, None) → teacher(x_t, t, y)

# %% [distill.guidance_target] arguments in another order
# hint: The teacher takes the states, then the times, then the condition.
# edit: teacher(x_t, t, y), teacher(x_t, t, None) → teacher(x_t, y, t), teacher(x_t, None, t)

# %% [distill.guidance_target] clamped
# hint: The answer is clamped to [−1, 1], which nobody asked for: the teacher may tell a velocity.
# edit: - w * uncond). → - w * uncond).clamp(-1, 1).

# %% [distill.guidance_target] divided by its weights
# hint: It is divided by 1 + 2w, as if the weights had to be made a mean. They sum to 1 already: (1 + w) − w.
# edit: ((1 + w) * cond - w * uncond) → (((1 + w) * cond - w * uncond) / (1 + 2 * w))

# ---- distill.consistency_parametrisation -----------------------------------------------------------------------------

# %% [distill.consistency_parametrisation] t_min missing in c_skip
# hint: In c_skip the time is not counted from t_min, so that at t_min it is not 1.
# edit: ((t - t_min) ** 2 + → (t**2 +

# %% [distill.consistency_parametrisation] t_min missing in c_out
# hint: In c_out's numerator the time is not counted from t_min, so that at t_min the network still has a say.
# edit: sigma_data * (t - t_min) → sigma_data * t

# %% [distill.consistency_parametrisation] t_min missing in both
# hint: t_min does nothing in either coefficient. At t_min the function must give x back exactly.
# edit: (t - t_min) → t

# %% [distill.consistency_parametrisation] t_min in the root
# hint: In c_out's root stands the time itself, not its distance from t_min.
# edit: (sigma_data**2 + t**2) → (sigma_data**2 + (t - t_min) ** 2)

# %% [distill.consistency_parametrisation] the root missing
# hint: The root in c_out's divisor is missing.
# edit: (sigma_data**2 + t**2) ** 0.5 → (sigma_data**2 + t**2)

# %% [distill.consistency_parametrisation] a root in c_skip
# hint: A root is taken in c_skip, where (4) has none.
# edit: ((t - t_min) ** 2 + sigma_data**2) → ((t - t_min) ** 2 + sigma_data**2) ** 0.5

# %% [distill.consistency_parametrisation] sigma in c_skip
# hint: c_skip has the standard deviation in its numerator where (4) has the variance. What must it be at t_min?
# edit: c_skip = sigma_data**2 → c_skip = sigma_data

# %% [distill.consistency_parametrisation] sigma in c_skip's divisor
# hint: In c_skip's divisor stands the standard deviation where (4) has the variance.
# edit: ** 2 + sigma_data**2) → ** 2 + sigma_data)

# %% [distill.consistency_parametrisation] a variance in c_out
# hint: c_out's numerator has the variance of the data; (4) has the standard deviation.
# edit: c_out = sigma_data * → c_out = sigma_data**2 *

# %% [distill.consistency_parametrisation] sigma in the root
# hint: Under c_out's root the standard deviation is not squared.
# edit: (sigma_data**2 + t**2) → (sigma_data + t**2)

# %% [distill.consistency_parametrisation] t in the root
# hint: Under c_out's root the time is not squared.
# edit: + t**2) → + t)

# %% [distill.consistency_parametrisation] sigma missing in c_out
# hint: c_out lacks the factor of the data's standard deviation.
# edit: sigma_data * (t - t_min) → (t - t_min)

# %% [distill.consistency_parametrisation] not squared in c_skip
# hint: In c_skip the distance from t_min is not squared.
# edit: ((t - t_min) ** 2 → ((t - t_min)

# %% [distill.consistency_parametrisation] a difference of squares
# hint: c_skip has t² − t_min² where (4) has the square of the difference.
# edit: ((t - t_min) ** 2 → (t**2 - t_min**2

# %% [distill.consistency_parametrisation] plus t_min
# hint: t_min is added to the time. The distance from it is wanted, which is 0 at t_min.
# edit: (t - t_min) → (t + t_min)

# %% [distill.consistency_parametrisation] t_min − t
# hint: The network's part has the other sign: t_min − t for t − t_min, or a minus before it.
# edit: sigma_data * (t - t_min) → sigma_data * (t_min - t)

# %% [distill.consistency_parametrisation] both changed
# hint: The coefficients have changed places: the state goes with c_skip, the network's answer with c_out.
# edit: c_skip * x + c_out * F → c_skip * F + c_out * x

# %% [distill.consistency_parametrisation] the state without c_skip
# hint: The state goes through whole. At large times it is nearly all noise; c_skip shuts it out there.
# edit: c_skip * x → x

# %% [distill.consistency_parametrisation] the network alone
# hint: The state is missing. At t_min it is all that counts.
# edit: c_skip * x + c_out * F → c_out * F

# %% [distill.consistency_parametrisation] constants of the text
# hint: 0.5 and 0.002 are written into it. They are only the defaults of the two arguments.
# edit: t = column(t, x) → t, sigma_data, t_min = column(t, x), 0.5, 0.002

# %% [distill.consistency_parametrisation] 0.5 written into it
# hint: 0.5 is written into it, where sigma_data is an argument.
# edit: t = column(t, x) → t, sigma_data = column(t, x), 0.5

# %% [distill.consistency_parametrisation] 0.002 written into it
# hint: 0.002 is written into it, where t_min is an argument.
# edit: t = column(t, x) → t, t_min = column(t, x), 0.002

# %% [distill.consistency_parametrisation] t along the width
# hint: t is (b,) and was not given the data's axes: torch aligns it with the last one, so sample 2's time went into
# hint: column 2 of every picture.
# edit: t = column(t, x) → t = t

# %% [distill.consistency_parametrisation] four axes
# hint: Right for images only: t has four axes, and these are points. Take as many axes as x has.
# edit: column(t, x) → t[:, None, None, None]

# %% [distill.consistency_parametrisation] two axes
# hint: Right for points only: t has two axes, and images have four. Take as many axes as x has.
# edit: column(t, x) → t[:, None]

# %% [distill.consistency_parametrisation] the network's answer cut off
# hint: The network's answer is detached, so that it could never learn.
# edit: c_out * F → c_out * F.detach()

# %% [distill.consistency_parametrisation] the state cut off
# hint: The state is detached; a gradient may be asked of it.
# edit: c_skip * x → c_skip * x.detach()

# ---- distill.consistency_loss ----------------------------------------------------------------------------------------

# %% [distill.consistency_loss] the target's gradient kept
# hint: A gradient goes into the target as well, so that it runs to meet the student. It has to stand still.
# edit: with torch.no_grad(): → if True:

# %% [distill.consistency_loss] no gradient at all
# hint: Nothing can learn from this loss: the student's answer has no gradient either. Only the target's must have none.
# edit: return (student(x + column(t, x) * noise, t) - wanted) → return (student(x + column(t, x) * noise, t).detach() - wanted)

# %% [distill.consistency_loss] times changed
# hint: The times have changed places: the student stands at t, where there is more noise, the target at t_next.
# edit: wanted = target(x + column(t_next, x) * noise, t_next) → wanted = target(x + column(t, x) * noise, t)
# edit: student(x + column(t, x) * noise, t) → student(x + column(t_next, x) * noise, t_next)

# %% [distill.consistency_loss] both at the larger time's point
# hint: Both networks see the same point. The target's has the noise of t_next.
# edit: target(x + column(t_next, x) → target(x + column(t, x)

# %% [distill.consistency_loss] both at the smaller time's point
# hint: Both networks see the same point. The student's has the noise of t.
# edit: student(x + column(t, x) → student(x + column(t_next, x)

# %% [distill.consistency_loss] the target told t
# hint: The target's point has the noise of t_next, but it is told t.
# edit: noise, t_next) → noise, t)

# %% [distill.consistency_loss] the student told t_next
# hint: The student's point has the noise of t, but it is told t_next.
# edit: noise, t) - wanted → noise, t_next) - wanted

# %% [distill.consistency_loss] fresh noise
# hint: Noise is drawn. The noise is given, and both points need the same one: with two they lie on two different ways.
# edit: column(t_next, x) * noise → column(t_next, x) * torch.randn_like(x)

# %% [distill.consistency_loss] the data as the target
# hint: The student is compared with the data itself. That is denoising, whose best answer is a mean; the target's answer
# hint: at t_next is wanted.
# edit: wanted = target(x + column(t_next, x) * noise, t_next) → wanted = x

# %% [distill.consistency_loss] the target without noise
# hint: The target sees clean data at t_next. Its point has noise, too, less of it.
# edit: target(x + column(t_next, x) * noise, t_next) → target(x, t_next)

# %% [distill.consistency_loss] the point itself as the target
# hint: The student is compared with the less noisy point, not with what the target says there.
# edit: wanted = target(x + column(t_next, x) * noise, t_next) → wanted = x + column(t_next, x) * noise

# %% [distill.consistency_loss] the student twice
# hint: The student plays the target as well, whatever target was given.
# edit: wanted = target( → wanted = student(

# %% [distill.consistency_loss] the target twice
# hint: The student is never asked: the target gives both answers.
# edit: (student( → (target(

# %% [distill.consistency_loss] they change parts
# hint: Student and target have changed places: the target must be asked at t_next and without a gradient.
# edit: wanted = target( → wanted = student(
# edit: return (student( → return (target(

# %% [distill.consistency_loss] roots of the times
# hint: Noise is multiplied by the root of the time. In VE time t *is* its standard deviation.
# edit: column(t_next, x) → column(t_next, x).sqrt()
# edit: column(t, x) → column(t, x).sqrt()

# %% [distill.consistency_loss] squares of the times
# hint: Noise is multiplied by the square of the time. In VE time t is its standard deviation, not its variance.
# edit: column(t_next, x) → column(t_next, x) ** 2
# edit: column(t, x) → column(t, x) ** 2

# %% [distill.consistency_loss] the straight path
# hint: The data shrinks with t, as on the straight path. In VE time it stands still.
# edit: x + column(t_next, x) → (1 - column(t_next, x)) * x + column(t_next, x)
# edit: x + column(t, x) → (1 - column(t, x)) * x + column(t, x)

# %% [distill.consistency_loss] minus the noise
# hint: The noise is taken away from the data, where (3) adds it.
# edit: x + column → x - column

# %% [distill.consistency_loss] noise without its time
# hint: Both points have noise of size 1. Its size is the time.
# edit: column(t_next, x) * noise → noise
# edit: column(t, x) * noise → noise

# %% [distill.consistency_loss] the sum
# hint: The squares are summed; the mean over everything is wanted.
# edit: .mean() → .sum()

# %% [distill.consistency_loss] summed over a sample
# hint: The squares of a sample are summed, and only the batch is averaged. The mean over everything is wanted.
# edit: .mean() → .flatten(1).sum(1).mean()

# %% [distill.consistency_loss] one number for each sample
# hint: There is one number for each sample; a loss is one number.
# edit: .mean() → .flatten(1).mean(1)

# %% [distill.consistency_loss] not reduced
# hint: The squares have not been averaged: a loss is one number.
# edit: .square().mean() → .square()

# %% [distill.consistency_loss] not squared
# hint: The differences are averaged without their squares, so that they cancel.
# edit: .square().mean() → .mean()

# %% [distill.consistency_loss] absolute values
# hint: Absolute values are averaged; squares are wanted.
# edit: .square().mean() → .abs().mean()

# %% [distill.consistency_loss] its root
# hint: A root is taken of the mean square.
# edit: .square().mean() → .square().mean().sqrt()

# %% [distill.consistency_loss] half of it
# hint: There is a factor of one half; the mean square itself is wanted.
# edit: .square().mean() → .square().mean() / 2

# %% [distill.consistency_loss] divided by the step
# hint: The loss is weighted by the distance of the two times. No weight is asked for here.
# edit: .square().mean() → .square().div(column(t - t_next, x)).mean()

# %% [distill.consistency_loss] times along the width
# hint: The times are (b,) and were not given the data's axes: torch aligns them with the last one, so sample 2's time
# hint: went into column 2 of every picture.
# edit: column(t_next, x) → t_next
# edit: column(t, x) → t

# %% [distill.consistency_loss] four axes
# hint: Right for images only: the times have four axes, and these are points. Take as many axes as x has.
# edit: column(t_next, x) → t_next[:, None, None, None]
# edit: column(t, x) → t[:, None, None, None]

# %% [distill.consistency_loss] two axes
# hint: Right for points only: the times have two axes, and images have four. Take as many axes as x has.
# edit: column(t_next, x) → t_next[:, None]
# edit: column(t, x) → t[:, None]

# %% [distill.consistency_loss] a Huber loss
# hint: Large differences count less than their squares. A mean square is asked for.
# edit: (student(x + column(t, x) * noise, t) - wanted).square().mean() → torch.nn.functional.huber_loss(student(x + column(t, x) * noise, t), wanted, delta=0.3)

# %% [distill.consistency_loss] times with axes
# hint: A network gets times that were given the data's axes. It wants them as they came, (b,).
# edit: noise, t_next) → noise, column(t_next, x))

# %% [distill.consistency_loss] a number
# hint: It is a Python number, from which no gradient can come. Return the tensor.
# edit: .mean() → .mean().item()

# ---- distill.multistep_consistency_sample ----------------------------------------------------------------------------

# %% [distill.multistep_consistency_sample] the root missing
# hint: t² − t_min² is the *variance* of the noise to be added; noise is multiplied by a standard deviation.
# edit: (t**2 - t_min**2).sqrt() → (t**2 - t_min**2)

# %% [distill.multistep_consistency_sample] the whole t
# hint: The added noise alone has the standard deviation t. The answer of f brings noise of t_min along already, whatever
# hint: t_min is (0.002 is only its default).
# edit: (t**2 - t_min**2).sqrt() → t

# %% [distill.multistep_consistency_sample] a difference of deviations
# hint: Standard deviations are subtracted. It is the variances of independent noises that add up.
# edit: (t**2 - t_min**2).sqrt() → (t - t_min)

# %% [distill.multistep_consistency_sample] the root of a difference
# hint: The root is taken of t − t_min: both have to be squared first.
# edit: (t**2 - t_min**2).sqrt() → (t - t_min).sqrt()

# %% [distill.multistep_consistency_sample] variances added
# hint: t_min² is added. The noise that is there already makes *less* to be added.
# edit: (t**2 - t_min**2) → (t**2 + t_min**2)

# %% [distill.multistep_consistency_sample] less than from the time before
# hint: The noise is the difference between two of the times. f leads to t_min each time, so it starts from there.
# replace:
for t, noise in zip(times[1:], noises):
    x = f(x + (t**2 - t_min**2).sqrt() * noise, t.expand(len(x)))
# by:
for before, t, noise in zip(times[:-1], times[1:], noises):
    x = f(x + (before**2 - t**2).sqrt() * noise, t.expand(len(x)))

# %% [distill.multistep_consistency_sample] noise for the time before
# hint: f is told the right time, and the noise was put on for the time of the round before.
# replace:
for t, noise in zip(times[1:], noises):
    x = f(x + (t**2 - t_min**2).sqrt() * noise, t.expand(len(x)))
# by:
for before, t, noise in zip(times[:-1], times[1:], noises):
    x = f(x + (before**2 - t_min**2).sqrt() * noise, t.expand(len(x)))

# %% [distill.multistep_consistency_sample] the first time twice
# hint: The loop begins with times[0] again, and the last time is never used. The first noise belongs to times[1].
# edit: times[1:] → times

# %% [distill.multistep_consistency_sample] the last time left out
# hint: The last of the times is not used: there is a noise for each time but the first.
# edit: times[1:] → times[1:-1]

# %% [distill.multistep_consistency_sample] no first evaluation
# hint: f is not asked at times[0]: noise is put on noise. The first x̂ comes before the loop.
# edit: x = f(x_T, times[0].expand(len(x_T))) → x = x_T

# %% [distill.multistep_consistency_sample] noise on x_T
# hint: In each round noise is put on x_T. It belongs on the last answer of f.
# edit: f(x + → f(x_T +

# %% [distill.multistep_consistency_sample] noise last
# hint: What comes back has noise on it. After the last noise f has to be asked once more.
# replace:
x = f(x_T, times[0].expand(len(x_T)))
for t, noise in zip(times[1:], noises):
    x = f(x + (t**2 - t_min**2).sqrt() * noise, t.expand(len(x)))
# by:
x = x_T
for before, t, noise in zip(times, times[1:], noises):
    x = f(x, before.expand(len(x)))
    x = x + (t**2 - t_min**2).sqrt() * noise

# %% [distill.multistep_consistency_sample] f told the first time
# hint: f is told times[0] at every evaluation. It has to be told how noisy the state is now.
# edit: t.expand(len(x)) → times[0].expand(len(x))

# %% [distill.multistep_consistency_sample] f told t_min
# hint: Inside of the loop f is told t_min, where it changes nothing. Its states there have the noise of t.
# edit: t.expand(len(x)) → torch.full((len(x),), t_min)

# %% [distill.multistep_consistency_sample] f told the time before
# hint: f is told the time of the round before. The noise was put on for the new time.
# replace:
for t, noise in zip(times[1:], noises):
    x = f(x + (t**2 - t_min**2).sqrt() * noise, t.expand(len(x)))
# by:
for before, t, noise in zip(times[:-1], times[1:], noises):
    x = f(x + (t**2 - t_min**2).sqrt() * noise, before.expand(len(x)))

# %% [distill.multistep_consistency_sample] one time for all
# hint: f takes one time for each sample, (b,), and not one number.
# edit: t.expand(len(x)) → t

# %% [distill.multistep_consistency_sample] one number at the start
# hint: At the first evaluation f takes one time for each sample, (b,), too.
# edit: times[0].expand(len(x_T)) → times[:1]

# %% [distill.multistep_consistency_sample] the first noise again
# hint: Every round takes the first noise. Each has one of its own.
# edit: * noise, → * noises[0],

# %% [distill.multistep_consistency_sample] noises from the back
# hint: The noises are used from the last to the first.
# edit: zip(times[1:], noises) → zip(times[1:], noises.flip(0))

# %% [distill.multistep_consistency_sample] times from the back
# hint: The times rise. After the first evaluation they go on falling.
# edit: times[1:] → times[1:].flip(0)

# %% [distill.multistep_consistency_sample] fresh noise
# hint: Noise is drawn; use the noises that are given.
# edit: * noise, → * torch.randn_like(x),

# %% [distill.multistep_consistency_sample] no noise
# hint: No noise is put back, so that the state is far less noisy than the time that f is told.
# edit: x + (t**2 - t_min**2).sqrt() * noise → x

# %% [distill.multistep_consistency_sample] minus the noise
# hint: The noise is taken away. (Minus a normal number is as good as plus, but the noises are given to be added.)
# edit: x + (t**2 → x - (t**2

# %% [distill.multistep_consistency_sample] only one evaluation
# hint: The loop's results are lost, or it never runs: this is the first answer of f.
# edit: x = f(x + → f(x +

# %% [distill.multistep_consistency_sample] once more at the end
# hint: At the end f is asked once more, at t_min, or at the last time again. Its last answer in the loop is the sample.
# edit: return x → return f(x, times[-1].expand(len(x)))

# %% [distill.multistep_consistency_sample] the same noise for all samples
# hint: All samples get the first one's noise.
# edit: * noise, → * noise[:1],

# %% [distill.multistep_consistency_sample] scaled by the data as well
# hint: The answer of f is shrunk before noise is put on, as on a path whose data fades. In VE time it stands still.
# edit: f(x + → f((1 - t / times[0]) * x +
