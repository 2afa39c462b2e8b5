# ---- cfg.timesteps ---------------------------------------------------------------------------------------------------

# %% [cfg.timesteps] from T on
# hint: The first time is T, but the chain's last index is T − 1: a table of T numbers has no entry T.
# edit: T - 1 → T

# %% [cfg.timesteps] 0 is not among them
# hint: The last time is not 0: the end has been cut off. Both ends belong to the times.
# edit: torch.linspace(T - 1, 0, num_steps).round().long() → torch.linspace(T - 1, 0, num_steps + 1)[:-1].round().long()

# %% [cfg.timesteps] ends at 1
# hint: The last time is 1. Indices count from 0, and 0 still carries a noise step that must be taken away.
# edit: 1, 0 → 1, 1

# %% [cfg.timesteps] one time too many
# hint: There are num_steps + 1 times. The clean end is no index of the chain: the network is evaluated num_steps times,
# hint: at indices only.
# edit: num_steps → num_steps + 1

# %% [cfg.timesteps] with −1 at the end
# hint: The times end with −1, where clean data would be. The network is not evaluated there, and −1 in a table is its
# hint: last entry.
# edit: 0, num_steps → -1, num_steps + 1

# %% [cfg.timesteps] towards −1, without it
# hint: The times run towards −1 and stop before it, so that 0 is missed. The last time is 0.
# edit: (T - 1, 0, num_steps) → (T - 1, -1, num_steps + 1)[:-1]

# %% [cfg.timesteps] from T towards 0, without 0
# hint: The times begin with T, which is no index, and 0 is missing: the grid has slid by one end.
# edit: torch.linspace(T - 1, 0, num_steps).round().long() → torch.linspace(T, 0, num_steps + 1)[:-1].round().long()

# %% [cfg.timesteps] rising
# hint: The times rise. Sampling begins in noise, at T − 1, and walks down.
# edit: T - 1, 0 → 0, T - 1

# %% [cfg.timesteps] cut off
# hint: The numbers are cut off, not rounded: turning 113.9 into an integer makes 113 of it. (linspace with an integer
# hint: dtype cuts off as well.)
# edit: torch.linspace(T - 1, 0, num_steps).round().long() → torch.linspace(T - 1, 0, num_steps).long()

# %% [cfg.timesteps] rounded up
# hint: The numbers are all rounded up. Take the nearest integer.
# edit: torch.linspace(T - 1, 0, num_steps).round().long() → torch.linspace(T - 1, 0, num_steps).ceil().long()

# %% [cfg.timesteps] not integers
# hint: The numbers are rounded, but their dtype is still a floating one.
# edit: torch.linspace(T - 1, 0, num_steps).round().long() → torch.linspace(T - 1, 0, num_steps).round()

# %% [cfg.timesteps] a stride from the top
# hint: A stride of T // num_steps from T − 1 down does not end at 0 in general; the steps must fit between both ends.
# edit: torch.linspace(T - 1, 0, num_steps).round().long() → torch.arange(T - 1, -1, -(T // num_steps))[:num_steps]

# %% [cfg.timesteps] every so many-th
# hint: A stride of T // num_steps from 0 up does not reach T − 1: the sampler would start from noise and call it a less
# hint: noisy picture.
# edit: torch.linspace(T - 1, 0, num_steps).round().long() → torch.arange(0, T, T // num_steps)[:num_steps].flip(0)

# %% [cfg.timesteps] a stride of the rest
# hint: A stride of (T − 1) // (num_steps − 1) is rounded down before it is added up, so that the error grows from step
# hint: to step. Round each time by itself.
# replace:
return torch.linspace(T - 1, 0, num_steps).round().long()
# by:
return T - 1 - torch.arange(num_steps) * ((T - 1) // max(num_steps - 1, 1))

# %% [cfg.timesteps] one time is 0
# hint: Right for several steps, but with one step the only time is 0. The sampler begins in noise.
# edit: torch.linspace(T - 1, 0, num_steps).round().long() → torch.linspace(0, T - 1, num_steps).round().long().flip(0)

# %% [cfg.timesteps] one step divides by 0
# hint: Right for several steps; with one of them num_steps − 1 is 0, and torch's 0/0 is no number.
# edit: torch.linspace(T - 1, 0, num_steps) → (T - 1 - torch.arange(num_steps) / (num_steps - 1) * (T - 1))

# %% [cfg.timesteps] one step divides by 0, in Python
# hint: Right for several steps; with one of them num_steps − 1 is 0, and Python refuses to divide by it.
# replace:
return torch.linspace(T - 1, 0, num_steps).round().long()
# by:
return torch.tensor([round((T - 1) * (1 - i / (num_steps - 1))) for i in range(num_steps)])

# %% [cfg.timesteps] dense near data
# hint: The times are even in their square roots, denser near 0. Here they are even in t itself.
# edit: (T - 1, 0, num_steps) → ((T - 1) ** 0.5, 0, num_steps).square()

# %% [cfg.timesteps] a Python list
# hint: The numbers may be right; they stand in a list, which no table of torch can be indexed by in one go.
# replace:
return torch.linspace(T - 1, 0, num_steps).round().long()
# by:
return [round(t) for t in torch.linspace(T - 1, 0, num_steps).tolist()]

# %% [cfg.timesteps] numpy
# hint: An array of numpy came. The times index tensors and go to the network: make them a tensor of torch.
# replace:
return torch.linspace(T - 1, 0, num_steps).round().long()
# by:
import numpy as np
return np.linspace(T - 1, 0, num_steps).round().astype(int)

# %% [cfg.timesteps] the middle of each stretch
# hint: The times stand in the middle of equal stretches, so both ends are missed.
# edit: torch.linspace(T - 1, 0, num_steps).round() → ((torch.arange(num_steps, 0, -1) - 0.5) / num_steps * T)

# ---- cfg.ddim_step ---------------------------------------------------------------------------------------------------

# %% [cfg.ddim_step] s and t changed places
# hint: t and s have changed places: x_t is read as if it had the noise of s.
# edit: alpha_bar_t, alpha_bar_s → alpha_bar_s, alpha_bar_t

# %% [cfg.ddim_step] no axes for alpha_bar
# hint: alpha_bar is (b,), and torch aligns shapes from the right: it is multiplied along the width. Each sample needs
# hint: its own, whatever the rank.
# edit: alpha_bar_t, alpha_bar_s = alpha_bar_t.reshape(shape), alpha_bar_s.reshape(shape) →

# %% [cfg.ddim_step] four axes only
# hint: Right for images. Points (b, 2) have two axes: append as many axes of length 1 as the data has.
# replace:
alpha_bar_t, alpha_bar_s = alpha_bar_t.reshape(shape), alpha_bar_s.reshape(shape)  # (b, 1, ..., 1)
# by:
alpha_bar_t, alpha_bar_s = (a[:, None, None, None] for a in (alpha_bar_t, alpha_bar_s))

# %% [cfg.ddim_step] one level for all
# hint: All samples get the first one's alpha_bar; each has its own.
# edit: alpha_bar_t.reshape(shape), alpha_bar_s.reshape(shape) → alpha_bar_t[0], alpha_bar_s[0]

# %% [cfg.ddim_step] x_start without roots
# hint: alpha_bar is a share of *variance*; in (1) the data and the noise are multiplied by roots. Look at the line that
# hint: finds x_start.
# replace:
x_start = (x_t - (1 - alpha_bar_t).sqrt() * noise_pred) / alpha_bar_t.sqrt()
# by:
x_start = (x_t - (1 - alpha_bar_t) * noise_pred) / alpha_bar_t

# %% [cfg.ddim_step] x_start divided by alpha_bar itself
# hint: The data in x_t is multiplied by the root of alpha_bar; by what must you divide to get it back?
# replace:
x_start = (x_t - (1 - alpha_bar_t).sqrt() * noise_pred) / alpha_bar_t.sqrt()
# by:
x_start = (x_t - (1 - alpha_bar_t).sqrt() * noise_pred) / alpha_bar_t

# %% [cfg.ddim_step] the noise's root is missing in x_start
# hint: The noise that is taken away from x_t is multiplied by a variance; it takes the standard deviation.
# edit: - (1 - alpha_bar_t).sqrt() → - (1 - alpha_bar_t)

# %% [cfg.ddim_step] x_start not divided
# hint: The noise is gone, but the data is still as faint as in x_t: solve (1) for x_start to the end.
# edit: (x_t - (1 - alpha_bar_t).sqrt() * noise_pred) / alpha_bar_t.sqrt() → x_t - (1 - alpha_bar_t).sqrt() * noise_pred

# %% [cfg.ddim_step] x_start with a plus
# hint: The noise is added where it should be taken away: solve (1) for x_start again.
# edit: x_t - (1 - alpha_bar_t).sqrt() → x_t + (1 - alpha_bar_t).sqrt()

# %% [cfg.ddim_step] only the noise divided
# hint: Brackets: the whole of x_t less its noise is divided, not the noise alone.
# edit: (x_t - (1 - alpha_bar_t).sqrt() * noise_pred) → x_t - (1 - alpha_bar_t).sqrt() * noise_pred

# %% [cfg.ddim_step] roots of roots
# hint: The arguments are taken for the roots √alpha_bar, as if data were multiplied by them as they come. They are
# hint: shares of variance.
# replace:
x_start = (x_t - (1 - alpha_bar_t).sqrt() * noise_pred) / alpha_bar_t.sqrt()
# by:
x_start = (x_t - (1 - alpha_bar_t**2).sqrt() * noise_pred) / alpha_bar_t
# replace:
noise = (x_t - alpha_bar_t.sqrt() * x_start) / (1 - alpha_bar_t).sqrt()
# by:
noise = (x_t - alpha_bar_t * x_start) / (1 - alpha_bar_t**2).sqrt()
# replace:
return alpha_bar_s.sqrt() * x_start + (1 - alpha_bar_s).sqrt() * noise
# by:
return alpha_bar_s * x_start + (1 - alpha_bar_s**2).sqrt() * noise

# %% [cfg.ddim_step] no roots at all
# hint: alpha_bar is a share of variance, but data and noise are multiplied by its root and that of the rest: three
# hint: times in this function.
# replace:
x_start = (x_t - (1 - alpha_bar_t).sqrt() * noise_pred) / alpha_bar_t.sqrt()
# by:
x_start = (x_t - (1 - alpha_bar_t) * noise_pred) / alpha_bar_t
# replace:
noise = (x_t - alpha_bar_t.sqrt() * x_start) / (1 - alpha_bar_t).sqrt()
# by:
noise = (x_t - alpha_bar_t * x_start) / (1 - alpha_bar_t)
# replace:
return alpha_bar_s.sqrt() * x_start + (1 - alpha_bar_s).sqrt() * noise
# by:
return alpha_bar_s * x_start + (1 - alpha_bar_s) * noise

# %% [cfg.ddim_step] never clamped
# hint: Right without a bound, but `clamp` is not used: the predicted data may leave [−clamp, clamp].
# edit: if clamp is not None: →
# edit: x_start = x_start.clamp(-clamp, clamp) →

# %% [cfg.ddim_step] the result clamped
# hint: The bound is put on x_s. That still holds noise and may leave it; the predicted *data* may not.
# replace:
if clamp is not None:
    x_start = x_start.clamp(-clamp, clamp)
# by:
# replace:
return alpha_bar_s.sqrt() * x_start + (1 - alpha_bar_s).sqrt() * noise
# by:
x_s = alpha_bar_s.sqrt() * x_start + (1 - alpha_bar_s).sqrt() * noise
return x_s if clamp is None else x_s.clamp(-clamp, clamp)

# %% [cfg.ddim_step] clamped even where clamp is None
# hint: `clamp=None` should leave the data as it is; here it is clamped at 1 all the same.
# replace:
if clamp is not None:
    x_start = x_start.clamp(-clamp, clamp)
# by:
x_start = x_start.clamp(-(clamp or 1.0), clamp or 1.0)

# %% [cfg.ddim_step] clamped at 1 without a look at clamp
# hint: `clamp` is never looked at: the bound is 1 always. It may be another number, and None leaves the data as it is.
# replace:
if clamp is not None:
    x_start = x_start.clamp(-clamp, clamp)
# by:
x_start = x_start.clamp(-1, 1)

# %% [cfg.ddim_step] a minus before None
# hint: With `clamp=None` there is nothing to put a minus before: ask first whether there is a bound.
# replace:
if clamp is not None:
    x_start = x_start.clamp(-clamp, clamp)
# by:
x_start = x_start.clamp(-clamp, clamp)

# %% [cfg.ddim_step] always clamped at 1
# hint: The bound is 1 whatever the caller says: `clamp` may be another number.
# edit: clamp, clamp → 1, 1

# %% [cfg.ddim_step] clamped to [0, clamp]
# hint: The lower bound is 0. Inside a model the data lies in [−1, 1].
# edit: -clamp → 0

# %% [cfg.ddim_step] only from above
# hint: Only large values are cut off; the data is bounded from below as well.
# edit: -clamp, clamp → max=clamp

# %% [cfg.ddim_step] the guess scaled by its largest value
# hint: The data is divided by its largest value where it leaves the bound; a clamp cuts each pixel by itself.
# replace:
if clamp is not None:
    x_start = x_start.clamp(-clamp, clamp)
# by:
if clamp is not None:
    x_start = clamp * x_start / x_start.abs().flatten(1).amax(1).clamp(min=clamp).reshape(shape)

# %% [cfg.ddim_step] the old noise
# hint: Right without a bound. With it, the clamped data is combined with the noise from before the clamp, though those
# hint: two no longer make x_t together.
# replace:
noise = (x_t - alpha_bar_t.sqrt() * x_start) / (1 - alpha_bar_t).sqrt()
# by:
# replace:
return alpha_bar_s.sqrt() * x_start + (1 - alpha_bar_s).sqrt() * noise
# by:
return alpha_bar_s.sqrt() * x_start + (1 - alpha_bar_s).sqrt() * noise_pred

# %% [cfg.ddim_step] the noise from s
# hint: The new noise is computed with alpha_bar_s, but it is x_t, at time t, that it must make.
# replace:
noise = (x_t - alpha_bar_t.sqrt() * x_start) / (1 - alpha_bar_t).sqrt()
# by:
noise = (x_t - alpha_bar_s.sqrt() * x_start) / (1 - alpha_bar_s).sqrt()

# %% [cfg.ddim_step] the noise from s, kept from a division by 0
# hint: The new noise is computed with alpha_bar_s, so that what comes back is x_t itself. The noise belongs to x_t, at
# hint: time t; only the last line goes to s.
# replace:
noise = (x_t - alpha_bar_t.sqrt() * x_start) / (1 - alpha_bar_t).sqrt()
# by:
noise = (x_t - alpha_bar_s.sqrt() * x_start) / (1 - alpha_bar_s).sqrt().clamp(min=1e-4)

# %% [cfg.ddim_step] the data is not scaled in the noise
# hint: x_t less the data leaves the noise only if the data is as faint as it is in x_t.
# edit: alpha_bar_t.sqrt() * x_start → x_start

# %% [cfg.ddim_step] the noise is not divided
# hint: What is left of x_t without its data is the noise *times its share*: solve (1) to the end.
# edit: (x_t - alpha_bar_t.sqrt() * x_start) / (1 - alpha_bar_t).sqrt() → x_t - alpha_bar_t.sqrt() * x_start

# %% [cfg.ddim_step] the noise divided by a variance
# hint: The new noise is divided by 1 − alpha_bar_t, a variance. In (1) it is multiplied by the root.
# replace:
noise = (x_t - alpha_bar_t.sqrt() * x_start) / (1 - alpha_bar_t).sqrt()
# by:
noise = (x_t - alpha_bar_t.sqrt() * x_start) / (1 - alpha_bar_t)

# %% [cfg.ddim_step] no roots at s
# hint: Data and noise at s are multiplied by shares of variance; (1) has their roots, at any time.
# edit: alpha_bar_s.sqrt() * x_start + (1 - alpha_bar_s).sqrt() → alpha_bar_s * x_start + (1 - alpha_bar_s)

# %% [cfg.ddim_step] the noise at s by its variance
# hint: The noise at s is multiplied by a variance: (1) has the standard deviation.
# edit: (1 - alpha_bar_s).sqrt() → (1 - alpha_bar_s)

# %% [cfg.ddim_step] the data at s without its root
# hint: The data at s is multiplied by alpha_bar itself: (1) has its root.
# edit: alpha_bar_s.sqrt() → alpha_bar_s

# %% [cfg.ddim_step] 1 less the root
# hint: The noise's factor at s is 1 − √alpha_bar. Variances add up to 1, not their roots.
# edit: (1 - alpha_bar_s).sqrt() → (1 - alpha_bar_s.sqrt())

# %% [cfg.ddim_step] back to t
# hint: The step leads back to t: the last line should stand at the earlier time.
# edit: alpha_bar_s.sqrt() * x_start + (1 - alpha_bar_s) → alpha_bar_t.sqrt() * x_start + (1 - alpha_bar_t)

# %% [cfg.ddim_step] data and noise at s changed places
# hint: At s the factors of data and noise have changed places: there is more data than at t.
# edit: alpha_bar_s.sqrt() * x_start + (1 - alpha_bar_s) → (1 - alpha_bar_s).sqrt() * x_start + alpha_bar_s

# %% [cfg.ddim_step] a minus at s
# hint: At s the noise is subtracted. (1) adds it, at any time.
# edit: x_start + (1 - alpha_bar_s).sqrt() → x_start - (1 - alpha_bar_s).sqrt()

# %% [cfg.ddim_step] the data alone
# hint: This is the predicted data itself, without any noise: right only where alpha_bar_s is 1.
# edit: alpha_bar_s.sqrt() * x_start + (1 - alpha_bar_s).sqrt() * noise → x_start

# %% [cfg.ddim_step] no noise at s
# hint: At s there is still noise in the picture: the same noise as at t, with s's share.
# edit: x_start + (1 - alpha_bar_s).sqrt() * noise → x_start

# %% [cfg.ddim_step] a posterior's mean
# hint: This is the mean of an ancestral step. It leaves out the noise that would have been drawn; DDIM keeps the noise
# hint: it has, in full.
# replace:
return alpha_bar_s.sqrt() * x_start + (1 - alpha_bar_s).sqrt() * noise
# by:
alpha = alpha_bar_t / alpha_bar_s
return ((1 - alpha) * alpha_bar_s.sqrt() * x_start + alpha.sqrt() * (1 - alpha_bar_s) * x_t) / (1 - alpha_bar_t)

# %% [cfg.ddim_step] fresh noise
# hint: New noise is drawn. DDIM goes on with the noise that is in x_t already.
# edit: (1 - alpha_bar_s).sqrt() * noise → (1 - alpha_bar_s).sqrt() * torch.randn_like(x_t)

# %% [cfg.ddim_step] both returned
# hint: A pair is returned. Only x_s is asked for.
# edit: (1 - alpha_bar_s).sqrt() * noise → (1 - alpha_bar_s).sqrt() * noise, x_start

# ---- cfg.ddim_sample -------------------------------------------------------------------------------------------------

# %% [cfg.ddim_sample] times from the data's end
# hint: The times run upwards: sampling begins where the noise is.
# edit: timesteps(len(alphas_cumprod), num_steps) → timesteps(len(alphas_cumprod), num_steps).flip(0)

# %% [cfg.ddim_sample] T from num_steps
# hint: `timesteps` takes the chain's length first, then the number of steps, both as they are.
# edit: len(alphas_cumprod), num_steps → num_steps, len(alphas_cumprod)

# %% [cfg.ddim_sample] roots for alpha_bar
# hint: `ddim_step` takes the table's own numbers: no root, which it draws itself, and no further product.
# edit: alphas_cumprod[times] → alphas_cumprod[times].sqrt()

# %% [cfg.ddim_sample] the last step stays at index 0
# hint: After the last time you step to index 0, where you are already. The last step leads to clean data: what is left
# hint: of it there?
# edit: torch.ones_like(alpha_bars[:1]) → alpha_bars[-1:]

# %% [cfg.ddim_sample] always to t − 1
# hint: Each step leads to t − 1, but the next time is further away: the network then gets pictures with more noise than
# hint: it is told.
# edit: ([alpha_bars[1:], torch.ones_like(alpha_bars[:1])]) → ([torch.ones(1), alphas_cumprod[:-1]])[times]

# %% [cfg.ddim_sample] to t − 1, and round the corner
# hint: Each step leads to t − 1, though the next time is further away; and at t = 0 the index −1 is the table's last
# hint: entry.
# edit: torch.cat([alpha_bars[1:], torch.ones_like(alpha_bars[:1])]) → alphas_cumprod[times - 1]

# %% [cfg.ddim_sample] round the corner
# hint: After the last time the table begins anew: clean data has become pure noise. What is left of the data after the
# hint: last step?
# edit: torch.cat([alpha_bars[1:], torch.ones_like(alpha_bars[:1])]) → alpha_bars.roll(-1)

# %% [cfg.ddim_sample] alpha_bar 0 at the end
# hint: 0 stands for pure noise. For clean data everything is left.
# edit: torch.ones_like(alpha_bars[:1]) → torch.zeros_like(alpha_bars[:1])

# %% [cfg.ddim_sample] alpha_bar 1 at the beginning
# hint: The next times are shifted the wrong way: a step from t leads to the time before it in your list, which is
# hint: noisier.
# edit: alpha_bars[1:], torch.ones_like(alpha_bars[:1]) → torch.ones_like(alpha_bars[:1]), alpha_bars[:-1]

# %% [cfg.ddim_sample] a step that goes nowhere
# hint: Both alpha_bars of a step are those of t, so nothing moves. The second is that of the next time.
# edit: torch.cat([alpha_bars[1:], torch.ones_like(alpha_bars[:1])]) → alpha_bars

# %% [cfg.ddim_sample] a noise of its own
# hint: Somewhere fresh noise is drawn. DDIM starts from the x_T that it is given and adds none on the way.
# edit: x_T → torch.randn_like(x_T)

# %% [cfg.ddim_sample] the condition is taken out
# hint: The caller's dict has lost an entry: `pop` writes. The next call would have no condition.
# edit: x = x_T → x, model_kwargs = x_T, {"text_emb": model_kwargs.pop("text_emb", None)}

# %% [cfg.ddim_sample] a list of all steps
# hint: All states are returned, stacked. Only the last one is asked for.
# replace:
x = x_T
# by:
x, states = x_T, []
# replace:
    x = ddim_step(x, noise_pred, alpha_bar_t.expand(len(x)), alpha_bar_s.expand(len(x)))
# by:
    x = ddim_step(x, noise_pred, alpha_bar_t.expand(len(x)), alpha_bar_s.expand(len(x)))
    states.append(x)
# replace:
return x
# by:
return torch.stack(states)

# %% [cfg.ddim_sample] the last step is missing
# hint: The network is asked one time too few: pairs of neighbours are one less than times, and the last time needs its
# hint: step too.
# edit: times, alpha_bars → times[:-1], alpha_bars

# %% [cfg.ddim_sample] the number of the step for its time
# hint: The network is told the number of the step, 0, 1, 2, …, and not the time at which x is.
# replace:
for t, alpha_bar_t, alpha_bar_s in zip(times, alpha_bars, next_alpha_bars):
# by:
for t, (alpha_bar_t, alpha_bar_s) in enumerate(zip(alpha_bars, next_alpha_bars)):
    t = torch.tensor(t)

# %% [cfg.ddim_sample] the place in the list for the time, from the end
# hint: The network is told the place in the list, n − 1, …, 1, 0, and not the time that stands there: it believes that
# hint: nearly all noise is gone from the start.
# edit: times, alpha_bars → torch.arange(num_steps).flip(0), alpha_bars

# %% [cfg.ddim_sample] numbers for tensors
# hint: `ddim_step` takes tensors, one number for each sample; Python numbers have no shape that it could change.
# edit: alpha_bars, next_alpha_bars → alpha_bars.tolist(), next_alpha_bars.tolist()
# edit: alpha_bar_t.expand(len(x)), alpha_bar_s.expand(len(x)) → alpha_bar_t, alpha_bar_s

# %% [cfg.ddim_sample] a graph is kept
# hint: Gradients are switched on again: the samples drag all evaluations behind them.
# replace:
for t, alpha_bar_t, alpha_bar_s in zip(times, alpha_bars, next_alpha_bars):
# by:
torch.set_grad_enabled(True)
for t, alpha_bar_t, alpha_bar_s in zip(times, alpha_bars, next_alpha_bars):

# %% [cfg.ddim_sample] the first answer for ever
# hint: The network is asked once, before the loop: at each time it must look again.
# replace:
for t, alpha_bar_t, alpha_bar_s in zip(times, alpha_bars, next_alpha_bars):
# by:
noise_pred = model(x, times[:1].expand(len(x)), model_kwargs)
for t, alpha_bar_t, alpha_bar_s in zip(times, alpha_bars, next_alpha_bars):
# replace:
    noise_pred = model(x, t.expand(len(x)), model_kwargs)
# by:
    pass

# %% [cfg.ddim_sample] the condition is lost
# hint: The network never sees model_kwargs: it draws without the condition.
# edit: t.expand(len(x)), model_kwargs → t.expand(len(x))

# %% [cfg.ddim_sample] the dict unpacked
# hint: The network takes the dict itself as its third argument, not its entries as keywords.
# edit: model(x, t.expand(len(x)), model_kwargs) → model(x, t.expand(len(x)), **model_kwargs)

# %% [cfg.ddim_sample] one time for the whole batch
# hint: The network takes a time for each sample of the batch, (b,); here all samples share one.
# edit: x, t.expand(len(x)) → x, t

# %% [cfg.ddim_sample] times that are no integers
# hint: The times reach the network as floating numbers; it looks up an embedding by integers.
# edit: x, t.expand(len(x)) → x, t.expand(len(x)).float()

# %% [cfg.ddim_sample] the time after the step
# hint: The network is told the next time, s; it sees x at t.
# edit: x, t.expand(len(x)) → x, torch.cat([times[1:], times[-1:]])[times == t].expand(len(x))

# %% [cfg.ddim_sample] always from x_T
# hint: The network sees x_T at every step: its input must be what the last step gave.
# edit: x, t.expand(len(x)) → x_T, t.expand(len(x))

# %% [cfg.ddim_sample] asked twice
# hint: The network is asked twice a step. Each evaluation is what a user waits for.
# replace:
    noise_pred = model(x, t.expand(len(x)), model_kwargs)
# by:
    noise_pred = model(x, t.expand(len(x)), model_kwargs)
    noise_pred = model(x, t.expand(len(x)), model_kwargs)

# %% [cfg.ddim_sample] stops before the last step
# hint: The network saw all times, but its last answer was not used: the step to clean data is missing.
# replace:
    x = ddim_step(x, noise_pred, alpha_bar_t.expand(len(x)), alpha_bar_s.expand(len(x)))
# by:
    if t > 0:
        x = ddim_step(x, noise_pred, alpha_bar_t.expand(len(x)), alpha_bar_s.expand(len(x)))

# %% [cfg.ddim_sample] noise and data changed places
# hint: `ddim_step` takes first x_t, then the prediction.
# edit: x, noise_pred → noise_pred, x

# %% [cfg.ddim_sample] always steps from x_T
# hint: Each step starts from x_T again: it must start from what the last step gave.
# edit: x, noise_pred → x_T, noise_pred

# %% [cfg.ddim_sample] no clamp
# hint: The steps do not clamp: `ddim_step`'s default does.
# edit: alpha_bar_s.expand(len(x)) → alpha_bar_s.expand(len(x)), None

# %% [cfg.ddim_sample] x clamped after each step
# hint: x is clamped after each step. It still holds noise; `ddim_step` clamps the data inside it.
# replace:
    x = ddim_step(x, noise_pred, alpha_bar_t.expand(len(x)), alpha_bar_s.expand(len(x)))
# by:
    x = ddim_step(x, noise_pred, alpha_bar_t.expand(len(x)), alpha_bar_s.expand(len(x))).clamp(-1, 1)

# %% [cfg.ddim_sample] t and s changed places
# hint: The two alpha_bars have changed places in `ddim_step`: first the time where you are, then the one where you go.
# edit: alpha_bar_t.expand(len(x)), alpha_bar_s.expand(len(x)) → alpha_bar_s.expand(len(x)), alpha_bar_t.expand(len(x))

# %% [cfg.ddim_sample] moved to [0, 1]
# hint: The samples are moved to [0, 1]. They should stay in the model's own range.
# edit: return x → return (x + 1) / 2

# ---- cfg.classifier_gradient -----------------------------------------------------------------------------------------

# %% [cfg.classifier_gradient] gradients stay off
# hint: Right where gradients are on. `ddim_sample` has switched them off, so no graph is recorded here: switch them on
# hint: for these lines.
# edit: with torch.enable_grad(): → if True:

# %% [cfg.classifier_gradient] no_grad
# hint: There is no graph to follow back. Gradients must be on while the classifier runs, and the tensor that it reads
# hint: must ask for one: a detached copy does not by itself.
# edit: torch.enable_grad() → torch.no_grad()

# %% [cfg.classifier_gradient] gradients left on
# hint: Gradients stay switched on for the caller too: use a `with` block, which puts back what was.
# replace:
with torch.enable_grad():
# by:
torch.set_grad_enabled(True)
if True:

# %% [cfg.classifier_gradient] the caller's tensor
# hint: The gradient is right, but the caller's x_t asks for gradients from now on: `requires_grad_` acts in place. Take
# hint: a tensor of your own.
# edit: x_t.detach().requires_grad_() → x_t.requires_grad_()

# %% [cfg.classifier_gradient] logits for log-probabilities
# hint: This is the gradient of the class's logit. A log-probability also falls when the other classes' logits rise.
# edit: F.log_softmax(classifier(x, t), dim=1) → classifier(x, t)

# %% [cfg.classifier_gradient] the probability's gradient
# hint: This is the gradient of p(y|x_t), not of its logarithm: it vanishes where the class is unlikely, which is where
# hint: guidance is needed.
# edit: F.log_softmax(classifier(x, t), dim=1) → F.softmax(classifier(x, t), dim=1)

# %% [cfg.classifier_gradient] softmax over the batch
# hint: The log-softmax runs over the batch: the probabilities of one sample's classes should sum to 1.
# edit: dim=1 → dim=0

# %% [cfg.classifier_gradient] sigmoids
# hint: Each class is judged by a sigmoid alone, as if several could be true. One of the classes is: their probabilities
# hint: sum to 1.
# edit: F.log_softmax(classifier(x, t), dim=1) → F.logsigmoid(classifier(x, t))

# %% [cfg.classifier_gradient] the classifier reads another tensor
# hint: The classifier reads x_t, but the gradient is asked for your own copy.
# edit: x, t → x_t.detach().requires_grad_(), t

# %% [cfg.classifier_gradient] at time 0
# hint: The classifier is told the wrong time, t = 0: it reads noisy pictures only when it knows how noisy.
# edit: x, t → x, torch.zeros_like(t)

# %% [cfg.classifier_gradient] the log twice
# hint: The logarithm is taken twice: log-softmax has it already.
# edit: classifier(x, t) → F.log_softmax(classifier(x, t), dim=1).exp()

# %% [cfg.classifier_gradient] the classifier is not told the time
# hint: The classifier takes two arguments: the noisy data and the times.
# edit: x, t → x

# %% [cfg.classifier_gradient] a loss's gradient
# hint: The sign is turned, so that it leads away from the class. (A cross-entropy is *minus* the log-probability.)
# replace:
    chosen = log_prob.gather(1, y[:, None])  # (b, 1)
# by:
    chosen = F.cross_entropy(classifier(x, t), y, reduction="none")
# replace:
    log_prob = F.log_softmax(classifier(x, t), dim=1)
# by:

# %% [cfg.classifier_gradient] a loss's gradient, as a mean
# hint: A cross-entropy is minus the log-probability, and by default the mean over the batch: sign and size are off.
# replace:
    chosen = log_prob.gather(1, y[:, None])  # (b, 1)
# by:
    chosen = F.cross_entropy(classifier(x, t), y)
# replace:
    log_prob = F.log_softmax(classifier(x, t), dim=1)
# by:

# %% [cfg.classifier_gradient] all classes
# hint: The log-probabilities of all classes are added up; only that of y counts.
# edit: log_prob.gather(1, y[:, None]) → log_prob

# %% [cfg.classifier_gradient] every sample's class for every sample
# hint: Indexing with [:, y] gives (b, b): each sample is pulled towards the classes of all others too. Each row has its
# hint: own column.
# edit: log_prob.gather(1, y[:, None]) → log_prob[:, y]

# %% [cfg.classifier_gradient] the first sample's class for all
# hint: All samples are pulled towards the first one's class; each has its own y.
# edit: log_prob.gather(1, y[:, None]) → log_prob[:, y[0]]

# %% [cfg.classifier_gradient] the classifier's own choice
# hint: This pulls towards the class that the classifier finds already. It should be y.
# edit: log_prob.gather(1, y[:, None]) → log_prob.max(dim=1).values

# %% [cfg.classifier_gradient] a mean over the batch
# hint: Every gradient is b times too small: a mean over the batch divides each sample's own log-probability.
# edit: chosen.sum() → chosen.mean()

# %% [cfg.classifier_gradient] a gradient of many numbers
# hint: Autograd starts from one number: add up the samples' log-probabilities.
# edit: chosen.sum() → chosen

# %% [cfg.classifier_gradient] a tuple
# hint: `torch.autograd.grad` gives one gradient for each tensor that was asked about, as a tuple, also if it is one.
# edit: torch.autograd.grad(chosen.sum(), x)[0] → torch.autograd.grad(chosen.sum(), x)

# %% [cfg.classifier_gradient] no backward
# hint: `x.grad` is None until somebody runs backward.
# edit: torch.autograd.grad(chosen.sum(), x)[0] → x.grad

# %% [cfg.classifier_gradient] brought to length 1
# hint: The gradient is divided by its length. How long it is matters: it says how unsure the classifier is.
# replace:
    return torch.autograd.grad(chosen.sum(), x)[0]
# by:
    grad = torch.autograd.grad(chosen.sum(), x)[0]
    return grad / grad.flatten(1).norm(dim=1).reshape(-1, *[1] * (x.dim() - 1))

# %% [cfg.classifier_gradient] its sign alone
# hint: Only the signs are returned. How large the gradient is in each pixel matters.
# edit: torch.autograd.grad(chosen.sum(), x)[0] → torch.autograd.grad(chosen.sum(), x)[0].sign()

# %% [cfg.classifier_gradient] a graph is kept
# hint: The answer carries a graph of its own (`create_graph`): every step of a sampler would hold on to it.
# edit: torch.autograd.grad(chosen.sum(), x)[0] → torch.autograd.grad(chosen.sum(), x, create_graph=True)[0]

# %% [cfg.classifier_gradient] the log-probabilities multiplied
# hint: The samples' log-probabilities are multiplied; then every sample's gradient depends on the others. A sum leaves
# hint: each its own.
# edit: chosen.sum() → chosen.prod()

# %% [cfg.classifier_gradient] the caller's tensor, and its .grad
# hint: The gradient is right, but it is collected in the caller's own x_t, which asks for gradients from now on, and it
# hint: adds up from call to call. Take a tensor of your own, and `torch.autograd.grad`.
x_t.requires_grad_()
with torch.enable_grad():
    log_prob = F.log_softmax(classifier(x_t, t), dim=1)
    log_prob.gather(1, y[:, None]).sum().backward()
return x_t.grad

# ---- cfg.classifier_guidance -----------------------------------------------------------------------------------------

# %% [cfg.classifier_guidance] no axes for sigma
# hint: sigma_t is (b,), and torch aligns shapes from the right: it is multiplied along the width. Each sample needs its
# hint: own.
# edit: sigma_t = sigma_t.reshape(-1, *[1] * (grad.dim() - 1)) →

# %% [cfg.classifier_guidance] four axes only
# hint: Right for images. Points (b, 2) have two axes: append as many as the data has.
# edit: sigma_t.reshape(-1, *[1] * (grad.dim() - 1)) → sigma_t[:, None, None, None]

# %% [cfg.classifier_guidance] one sigma for all
# hint: All samples get the same σ: each has its own.
# edit: sigma_t.reshape(-1, *[1] * (grad.dim() - 1)) → sigma_t.mean()

# %% [cfg.classifier_guidance] a plus
# hint: The sign: noise and score point in opposite directions. With a plus the sampler walks away from the class.
# edit: noise_pred - gamma → noise_pred + gamma

# %% [cfg.classifier_guidance] sigma is missing
# hint: The gradient is added to the noise as if both were scores. By which factor does (3) turn a score into noise?
# edit: sigma_t * grad → grad

# %% [cfg.classifier_guidance] sigma is missing, and a plus
# hint: The gradient is added to the noise as it is. (3) turns a score into noise by a factor and a sign.
# edit: noise_pred - gamma * sigma_t → noise_pred + gamma

# %% [cfg.classifier_guidance] sigma squared
# hint: The factor is the standard deviation σ_t; here it is squared.
# edit: sigma_t * grad → sigma_t**2 * grad

# %% [cfg.classifier_guidance] sigma squared, and a plus
# hint: This moves a *mean* by a variance, as in an ancestral step. Here the predicted noise is to be moved, by (3).
# edit: noise_pred - gamma * sigma_t → noise_pred + gamma * sigma_t**2

# %% [cfg.classifier_guidance] divided by sigma
# hint: The gradient is divided by σ_t. (3) multiplies a score by it.
# edit: sigma_t * grad → grad / sigma_t

# %% [cfg.classifier_guidance] sigma's root
# hint: σ_t is the root 1 − alpha_bar already: no other root is needed.
# edit: sigma_t * grad → sigma_t.sqrt() * grad

# %% [cfg.classifier_guidance] the data's share
# hint: The factor is the data's, √(1 − σ²): the noise's own is σ_t.
# edit: sigma_t * grad → (1 - sigma_t**2).sqrt() * grad

# %% [cfg.classifier_guidance] 1 + gamma
# hint: The classifier counts once more than it should: at gamma = 0 the prediction should stay as it is.
# edit: gamma → (1 + gamma)

# %% [cfg.classifier_guidance] gamma is forgotten
# hint: The strength gamma is not used: at 0 the prediction should stay as it is.
# edit: gamma * sigma_t → sigma_t

# %% [cfg.classifier_guidance] a score is returned
# hint: This is the guided *score*. The sampler wants noise.
# edit: return noise_pred - gamma * sigma_t → return -noise_pred / sigma_t + gamma

# %% [cfg.classifier_guidance] the noise scaled, not the gradient
# hint: σ_t stands at the prediction; it belongs to the gradient.
# edit: noise_pred - gamma * sigma_t → sigma_t * noise_pred - gamma

# %% [cfg.classifier_guidance] both scaled
# hint: σ_t multiplies the prediction as well, which is noise already.
# edit: noise_pred - gamma * sigma_t * grad → sigma_t * (noise_pred - gamma * grad)

# %% [cfg.classifier_guidance] a weighted mean
# hint: The prediction is made smaller as gamma grows. Guidance adds to it and takes nothing from it.
# edit: noise_pred → (1 - gamma) * noise_pred

# %% [cfg.classifier_guidance] stretched by 1 + gamma
# hint: Guidance without a classifier has 1 + w at one of two answers; here the prediction stays as it is.
# edit: noise_pred → (1 + gamma) * noise_pred

# %% [cfg.classifier_guidance] written into the prediction
# hint: The caller's prediction is overwritten: `-=` acts in place.
# replace:
return noise_pred - gamma * sigma_t * grad
# by:
noise_pred -= gamma * sigma_t * grad
return noise_pred

# %% [cfg.classifier_guidance] only the change
# hint: Only the classifier's part is returned; the network's prediction is missing.
# edit: return noise_pred - gamma → return -gamma

# %% [cfg.classifier_guidance] the prediction subtracted
# hint: The prediction is subtracted from the classifier's part: the whole has the wrong sign.
# edit: noise_pred - gamma * sigma_t * grad → gamma * sigma_t * grad - noise_pred

# %% [cfg.classifier_guidance] gamma under the root
# hint: gamma enters by its root. Its part of (4) is multiplied by gamma itself.
# edit: gamma → gamma**0.5

# %% [cfg.classifier_guidance] gamma squared
# hint: gamma enters twice.
# edit: gamma → gamma**2

# ---- cfg.cfg_forward -------------------------------------------------------------------------------------------------

# %% [cfg.cfg_forward] popped
# hint: The caller's dict has lost its cfg_scale (`pop` and `del` write, and an assignment copies nothing): the
# hint: sampler's next step is not guided. Build a dict of your own.
# edit: model_kwargs["cfg_scale"] → model_kwargs.pop("cfg_scale")

# %% [cfg.cfg_forward] a shortcut through the door
# hint: Right for other w; at w = 0 the whole dict is handed on, and 0 is a cfg_scale too: the door opens for ever.
# replace:
w = model_kwargs["cfg_scale"]
# by:
w = model_kwargs["cfg_scale"]
if w == 0:
    return self(x, time, model_kwargs)

# %% [cfg.cfg_forward] another key
# hint: There is no key of that name: the weight stands under `cfg_scale`.
# edit: model_kwargs["cfg_scale"] → model_kwargs["w"]

# %% [cfg.cfg_forward] cfg_scale set to None in the caller's dict
# hint: The caller's cfg_scale is None now: the sampler's next step is not guided. Write into a dict of your own.
# replace:
with_wish = {key: value for key, value in model_kwargs.items() if key != "cfg_scale"}
# by:
model_kwargs["cfg_scale"] = None
with_wish = dict(model_kwargs)

# %% [cfg.cfg_forward] the caller's wish is gone
# hint: The caller's text_emb is None now: the next step has no wish. An assignment copies no dict.
# replace:
with_wish = {key: value for key, value in model_kwargs.items() if key != "cfg_scale"}
# by:
with_wish = {"text_emb": model_kwargs["text_emb"], "shift": model_kwargs.get("shift", 0.0)}
model_kwargs["text_emb"] = None

# %% [cfg.cfg_forward] the door again
# hint: cfg_scale still stands in the dict that you hand on, so the door opens again, and again.
# edit: {key: value for key, value in model_kwargs.items() if key != "cfg_scale"} → model_kwargs

# %% [cfg.cfg_forward] the rest of the dict is lost
# hint: What else stands in the dict is lost: both answers get it, and only text_emb differs.
# replace:
with_wish = {key: value for key, value in model_kwargs.items() if key != "cfg_scale"}
# by:
with_wish = {"text_emb": model_kwargs.get("text_emb")}

# %% [cfg.cfg_forward] the wish in neither
# hint: Neither answer has the wish: text_emb is lost in both.
# edit: {key: value for key, value in model_kwargs.items() if key != "cfg_scale"} → {}

# %% [cfg.cfg_forward] the wish in both
# hint: Both answers have the wish, so their difference is 0 and nothing is guided.
# edit: {**with_wish, "text_emb": None} → with_wish

# %% [cfg.cfg_forward] zeros of None
# hint: Where there is no wish at all, text_emb is None and no zeros can be made like it. None is enough.
# edit: None → torch.zeros_like(model_kwargs["text_emb"])

# %% [cfg.cfg_forward] w for 1 + w
# hint: This is the other convention, in which 1 is the plain wish. In (6) the plain wish is w = 0.
# edit: (1 + w) * self(x, time, with_wish) - w → w * self(x, time, with_wish) + (1 - w)

# %% [cfg.cfg_forward] the wish and no wish changed places
# hint: The two answers have changed places: this leads away from the wish.
# edit: (x, time, with_wish) - w * self(x, time, without_wish) → (x, time, without_wish) - w * self(x, time, with_wish)

# %% [cfg.cfg_forward] a plus
# hint: The answer without the wish is added; in (6) it is subtracted, so that both weights sum to 1.
# edit: self(x, time, with_wish) - w → self(x, time, with_wish) + w

# %% [cfg.cfg_forward] only one is weighted
# hint: The answer without the wish is subtracted once, whatever w is: the weights must sum to 1.
# edit: w * self(x, time, without_wish) → self(x, time, without_wish)

# %% [cfg.cfg_forward] the wish is not weighted
# hint: The answer with the wish counts once, so the weights sum to 1 − w: it takes 1 + w of it.
# edit: (1 + w) * self(x, time, with_wish) → self(x, time, with_wish)

# %% [cfg.cfg_forward] a mixture of both
# hint: This mixes the two answers and never goes beyond the one with the wish. (6) follows their difference further.
# replace:
return (1 + w) * self(x, time, with_wish) - w * self(x, time, without_wish)
# by:
return (self(x, time, with_wish) + w * self(x, time, without_wish)) / (1 + w)

# %% [cfg.cfg_forward] the mixture turned
# hint: The weights w/(1 + w) and 1/(1 + w) only mix; (6) goes beyond the answer with the wish.
# replace:
return (1 + w) * self(x, time, with_wish) - w * self(x, time, without_wish)
# by:
return (w * self(x, time, with_wish) + self(x, time, without_wish)) / (1 + w)

# %% [cfg.cfg_forward] the difference alone
# hint: Only the difference is returned; it is to be added to an answer.
# replace:
return (1 + w) * self(x, time, with_wish) - w * self(x, time, without_wish)
# by:
return w * (self(x, time, with_wish) - self(x, time, without_wish))

# %% [cfg.cfg_forward] from no wish, 2 + w times
# hint: The difference is added to the answer without the wish, but too many times: at w = 0 it should lead to the wish
# hint: exactly.
# replace:
return (1 + w) * self(x, time, with_wish) - w * self(x, time, without_wish)
# by:
uncond = self(x, time, without_wish)
return uncond + (2 + w) * (self(x, time, with_wish) - uncond)

# %% [cfg.cfg_forward] self.net
# hint: Right here. But this method is to serve notebook 06's Unet too, which has the door and no `net`: ask through
# hint: self(...).
# edit: self(x, time, with_wish) - w * self → self.net(x, time, with_wish) - w * self.net

# %% [cfg.cfg_forward] no wish, and nothing else
# hint: The answer without the wish has lost the rest of the dict too: only text_emb differs.
# edit: time, without_wish → time

# %% [cfg.cfg_forward] the noise dropped, too
# hint: x is set to zero together with the wish; the network still looks at the same picture.
# edit: x, time, without_wish → torch.zeros_like(x), time, without_wish

# %% [cfg.cfg_forward] time dropped, too
# hint: The time is set to 0 together with the wish; only the wish is dropped.
# edit: time, without_wish → torch.zeros_like(time), without_wish

# %% [cfg.cfg_forward] halved
# hint: The combination is divided by 2. Its weights sum to 1 already.
# replace:
return (1 + w) * self(x, time, with_wish) - w * self(x, time, without_wish)
# by:
return ((1 + w) * self(x, time, with_wish) - w * self(x, time, without_wish)) / 2

# %% [cfg.cfg_forward] both returned
# hint: Both answers are returned; they are to be combined by (6).
# edit: (1 + w) * self(x, time, with_wish) - w * self → self(x, time, with_wish), self

# %% [cfg.cfg_forward] guided twice
# hint: The difference is counted w times at both ends: from the answer with the wish it is added w times, and no more.
# replace:
return (1 + w) * self(x, time, with_wish) - w * self(x, time, without_wish)
# by:
cond, uncond = self(x, time, with_wish), self(x, time, without_wish)
return (1 + w) * cond + w * (cond - uncond)

# %% [cfg.cfg_forward] the difference turned
# hint: The difference is taken the wrong way round: it should lead from no wish to the wish.
# replace:
return (1 + w) * self(x, time, with_wish) - w * self(x, time, without_wish)
# by:
cond, uncond = self(x, time, with_wish), self(x, time, without_wish)
return cond + w * (uncond - cond)

# ---- cfg.batched_guidance --------------------------------------------------------------------------------------------

# %% [cfg.batched_guidance] conditions in another order
# hint: The conditions alternate, with and without, while the pictures come one batch after the other.
# edit: cat([text_emb, torch.zeros_like(text_emb)]) → stack([text_emb, torch.zeros_like(text_emb)], dim=1).flatten(0, 1)

# %% [cfg.batched_guidance] alternating rows, halved answers
# hint: The rows alternate, with and without the wish, but the answers are cut into halves: cut them the way the rows
# hint: were laid.
# edit: cat([text_emb, torch.zeros_like(text_emb)]) → stack([text_emb, torch.zeros_like(text_emb)], dim=1).flatten(0, 1)
# edit: torch.cat([x, x]), torch.cat([time, time]) → x.repeat_interleave(2, dim=0), time.repeat_interleave(2)

# %% [cfg.batched_guidance] the wish in both halves
# hint: Both halves have the wish, so their difference is 0 and nothing is guided.
# edit: torch.zeros_like(text_emb) → text_emb

# %% [cfg.batched_guidance] ones for no wish
# hint: No wish is a row of zeros; ones are some other wish.
# edit: torch.zeros_like(text_emb) → torch.ones_like(text_emb)

# %% [cfg.batched_guidance] two calls
# hint: The result is right, but the network is called twice. One call takes both.
# replace:
answers = model(torch.cat([x, x]), torch.cat([time, time]), {"text_emb": both})
# by:
answers = torch.cat([model(x, time, {"text_emb": half}) for half in both.chunk(2)])

# %% [cfg.batched_guidance] a call for each sample
# hint: The result is right, but there are many calls. One call takes all 2b rows.
# replace:
answers = model(torch.cat([x, x]), torch.cat([time, time]), {"text_emb": both})
# by:
answers = torch.cat([model(torch.cat([x, x])[i:i + 1], torch.cat([time, time])[i:i + 1], {"text_emb": both[i:i + 1]}) for i in range(2 * len(x))])

# %% [cfg.batched_guidance] the times are not doubled
# hint: Three tensors go along: pictures, times and conditions, each with 2b rows, one below the other.
# edit: torch.cat([time, time]) → time

# %% [cfg.batched_guidance] rows in another order
# hint: The pictures stand as 1, 1, 2, 2, … and the conditions as 1, 2, …, 0, 0: all three must have one order.
# edit: torch.cat([x, x]) → x.repeat_interleave(2, dim=0)

# %% [cfg.batched_guidance] times in another order
# hint: The times stand as 1, 1, 2, 2, … and the pictures as 1, 2, …, 1, 2, …: all three must have one order.
# edit: torch.cat([time, time]) → time.repeat_interleave(2)

# %% [cfg.batched_guidance] pictures and times in another order
# hint: Pictures and times stand as 1, 1, 2, 2, … and the conditions as 1, 2, …, 0, 0, so that half of the rows get
# hint: another sample's wish: all three must have one order.
# edit: torch.cat([x, x]), torch.cat([time, time]) → x.repeat_interleave(2, dim=0), time.repeat_interleave(2)

# %% [cfg.batched_guidance] stacked
# hint: `torch.stack` makes a new axis of length 2. The network takes one batch of 2b rows.
# edit: torch.cat([x, x]), torch.cat([time, time]) → torch.stack([x, x]), torch.stack([time, time])

# %% [cfg.batched_guidance] no dict
# hint: The third argument is a dict, {"text_emb": …}, and not the tensor itself.
# edit: {"text_emb": both} → both

# %% [cfg.batched_guidance] the pictures zeroed, too
# hint: The second half's pictures are zeros too. Only the wish goes missing.
# edit: x, x → x, torch.zeros_like(x)

# %% [cfg.batched_guidance] the halves changed places
# hint: The first half of the rows has the wish, but the first half of the answers is taken for the one without it (or
# hint: the other way round).
# edit: cond, uncond → uncond, cond

# %% [cfg.batched_guidance] cut along the channels
# hint: The answers are cut along axis 1, their channels; the two halves lie along the batch.
# edit: answers.chunk(2) → answers.chunk(2, dim=1)

# %% [cfg.batched_guidance] w for 1 + w
# hint: This is the other convention, in which 1 is the plain wish. In (6) the plain wish is cfg_scale = 0.
# edit: (1 + cfg_scale) * cond - cfg_scale * uncond → uncond + cfg_scale * (cond - uncond)

# %% [cfg.batched_guidance] a plus
# hint: The answer without the wish is added; (6) subtracts it, so that both weights sum to 1.
# edit: cond - cfg_scale → cond + cfg_scale

# %% [cfg.batched_guidance] only one is weighted
# hint: The answer without the wish is subtracted once, whatever the scale is.
# edit: cfg_scale * uncond → uncond

# %% [cfg.batched_guidance] the wish is not weighted
# hint: The answer with the wish counts once: the weights should sum to 1.
# edit: (1 + cfg_scale) * cond → cond

# %% [cfg.batched_guidance] the difference alone
# hint: Only the difference is returned; it is to be added to an answer.
# edit: (1 + cfg_scale) * cond - cfg_scale * uncond → cfg_scale * (cond - uncond)

# %% [cfg.batched_guidance] a mixture of both
# hint: This mixes the two answers and never goes beyond the one with the wish.
# edit: (1 + cfg_scale) * cond - cfg_scale * uncond → (cond + cfg_scale * uncond) / (1 + cfg_scale)

# %% [cfg.batched_guidance] all 2b rows returned
# hint: 2b rows are returned: the two halves are to be combined by (6).
# edit: (1 + cfg_scale) * cond - cfg_scale * uncond → answers
