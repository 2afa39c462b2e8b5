# ---- flow.interpolate ------------------------------------------------------------------------------------------------

# %% [flow.interpolate] the velocity points to the data
# hint: x_t is right, the velocity has the other sign: here it is the derivative in t, and t grows towards the noise.
# edit: z - x → x - z

# %% [flow.interpolate] data and noise change places in x_t
# hint: At t = 0 your x_t is the noise, at t = 1 the data. In this course data is at 0 (many papers on flow matching run
# hint: the other way); the velocity is right.
# edit: (1 - t) * x + t * z → (1 - t) * z + t * x

# %% [flow.interpolate] time runs the other way throughout
# hint: Both are those of a paper whose time runs from noise to data. Here data is at t = 0 and noise at t = 1.
# replace:
return (1 - t) * x + t * z, z - x
# by:
return (1 - t) * z + t * x, x - z

# %% [flow.interpolate] times along the width
# hint: t is (b,), and torch aligns shapes from the right: each *column* of a picture got a time of its own. Give t the
# hint: axes of the data.
# edit: t = column(t, x) →

# %% [flow.interpolate] times for points only
# hint: t is (b, 1), which fits points (b, 2) and meets the wrong axis of a picture (b, c, h, w). Give it one axis of size
# hint: 1 for each axis of the data.
# edit: t = column(t, x) → t = t[:, None]

# %% [flow.interpolate] times for pictures only
# hint: t has four axes, which makes more of points (b, 2) than they were. The rank of the data must decide.
# edit: t = column(t, x) → t = t[:, None, None, None]

# %% [flow.interpolate] the noise in full
# hint: At t = 1 some of the data is to be gone, not just covered: what is x's share in equation (1)?
# edit: (1 - t) * x + t * z → x + t * z

# %% [flow.interpolate] variances kept
# hint: The shares are those of a path that keeps the variance: their squares add to 1. On a straight line the shares
# hint: themselves do.
# edit: (1 - t) * x + t * z → (1 - t).sqrt() * x + t.sqrt() * z

# %% [flow.interpolate] roots of the noise's share only
# hint: The share of the data, squared, and that of the noise, squared, add to 1: VP's bookkeeping. A straight line needs
# hint: none of it.
# edit: (1 - t) * x + t * z → (1 - t) * x + (1 - (1 - t) ** 2).sqrt() * z

# %% [flow.interpolate] a cosine's path
# hint: Sine and cosine of the time lead along an arc. The line of equation (1) is straight.
# edit: (1 - t) * x + t * z → (math.pi / 2 * t).cos() * x + (math.pi / 2 * t).sin() * z

# %% [flow.interpolate] what is left of the way
# hint: This is the way that is still to go, from x_t to the noise. How fast is it gone?
# replace:
return (1 - t) * x + t * z, z - x
# by:
x_t = (1 - t) * x + t * z
return x_t, z - x_t

# %% [flow.interpolate] from the data to here
# hint: This is the way from the data to x_t. A velocity is a way for each unit of time.
# replace:
return (1 - t) * x + t * z, z - x
# by:
x_t = (1 - t) * x + t * z
return x_t, x_t - x

# %% [flow.interpolate] noise plus data
# hint: The two ends are added up; the derivative of (1 − t) has another sign.
# edit: z - x → z + x

# %% [flow.interpolate] v for the velocity
# hint: This is notebook 08's v, taken with these shares. The velocity is the derivative in time, whatever the place.
# edit: , z - x → , (1 - t) * z - t * x

# %% [flow.interpolate] the noise for the velocity
# hint: That is what notebook 05's network learns. What is the derivative of equation (1)?
# edit: , z - x → , z

# %% [flow.interpolate] the velocity first
# hint: Both are right, in the other order: first x_t, then u.
# replace:
return (1 - t) * x + t * z, z - x
# by:
return z - x, (1 - t) * x + t * z

# %% [flow.interpolate] the place alone
# hint: Two results are wanted: the place and the velocity there.
# replace:
return (1 - t) * x + t * z, z - x
# by:
return (1 - t) * x + t * z

# %% [flow.interpolate] one time for all
# hint: Every sample is at the mean of the times. Each has its own.
# edit: t = column(t, x) → t = t.mean()

# %% [flow.interpolate] the first time for all
# hint: Every sample is at the first one's time.
# edit: t = column(t, x) → t = t[0]

# %% [flow.interpolate] divided by the time
# hint: Right between the ends. At t = 0 you divide 0 by 0; the velocity can be had from both ends at once.
# replace:
return (1 - t) * x + t * z, z - x
# by:
x_t = (1 - t) * x + t * z
return x_t, (x_t - x) / t

# %% [flow.interpolate] divided by what is left of the time
# hint: Right between the ends. At t = 1 you divide 0 by 0; the velocity can be had from both ends at once.
# replace:
return (1 - t) * x + t * z, z - x
# by:
x_t = (1 - t) * x + t * z
return x_t, (z - x_t) / (1 - t)

# ---- flow.loss -------------------------------------------------------------------------------------------------------

# %% [flow.loss] summed over the dimensions
# hint: The squares are summed over a sample's dimensions. The loss is their mean over everything.
# edit: .square().mean() → .square().flatten(1).sum(1).mean()

# %% [flow.loss] summed
# hint: The sum over everything: the loss would grow with the batch and the picture.
# edit: .square().mean() → .square().sum()

# %% [flow.loss] half
# hint: Half of the mean square. Nothing is wrong with the minimum, but (2) has no ½.
# edit: .square().mean() → .square().mean() / 2

# %% [flow.loss] absolute errors
# hint: The minimum of the mean *absolute* error is a median. It is the square whose minimum is the mean velocity.
# edit: .square().mean() → .abs().mean()

# %% [flow.loss] a root over the mean
# hint: A root is taken of the mean square.
# edit: (model(x_t, t, y) - u).square().mean() → (model(x_t, t, y) - u).square().mean().sqrt()

# %% [flow.loss] norms not squared
# hint: The mean of the lengths of the errors; (2) has their squares.
# edit: (model(x_t, t, y) - u).square().mean() → (model(x_t, t, y) - u).flatten(1).norm(dim=1).mean()

# %% [flow.loss] not squared
# hint: Errors of both signs cancel: the mean of the differences can be zero for a model that is wrong everywhere.
# edit: .square().mean() → .mean()

# %% [flow.loss] a value for each sample
# hint: One number for each sample is left. The loss is one number.
# edit: .square().mean() → .square().flatten(1).mean(1)

# %% [flow.loss] no mean at all
# hint: The squares are there, and nothing has been averaged.
# edit: .square().mean() → .square()

# %% [flow.loss] the condition forgotten
# hint: The model never hears of y.
# edit: model(x_t, t, y) → model(x_t, t)

# %% [flow.loss] learns the noise
# hint: The target is the noise, as in notebook 05. What shall this network tell?
# edit: (model(x_t, t, y) - u) → (model(x_t, t, y) - z)

# %% [flow.loss] learns the data
# hint: The target is the data. What shall this network tell?
# edit: (model(x_t, t, y) - u) → (model(x_t, t, y) - x)

# %% [flow.loss] learns the other direction
# hint: The target is x − z, the velocity turned round. Sampling would then go the wrong way.
# edit: (model(x_t, t, y) - u) → (model(x_t, t, y) + u)

# %% [flow.loss] learns the place
# hint: The target is x_t, the very thing that the model is given.
# edit: (model(x_t, t, y) - u) → (model(x_t, t, y) - x_t)

# %% [flow.loss] asked at the data
# hint: The model looks at clean data. It shall tell the velocity from the place on the line.
# edit: model(x_t, t, y) → model(x, t, y)

# %% [flow.loss] asked at the noise
# hint: The model looks at the noise. It shall tell the velocity from the place on the line.
# edit: model(x_t, t, y) → model(z, t, y)

# %% [flow.loss] asked at 1 − t
# hint: The model is told another time than that of the place: 1 − t is the convention of other papers.
# edit: model(x_t, t, y) → model(x_t, 1 - t, y)

# %% [flow.loss] asked with time and place changed
# hint: The model's arguments change places: it is called as model(x_t, t, y).
# edit: model(x_t, t, y) → model(t, x_t, y)

# %% [flow.loss] times shaped like pictures
# hint: The model takes times (b,), as it was given them. Only the arithmetic of the line needs them with more axes.
# edit: model(x_t, t, y) → model(x_t, column(t, x), y)

# %% [flow.loss] the model's answer detached
# hint: The number is right, and no gradient reaches the weights: the graph is cut between the model and the loss (by
# hint: detach, no_grad or the like).
# edit: model(x_t, t, y) → model(x_t, t, y).detach()

# %% [flow.loss] a float
# hint: A Python number has no graph: nothing can be learned from it. Return the tensor.
# edit: .square().mean() → .square().mean().item()

# %% [flow.loss] x and z change places
# hint: The line is drawn from the noise to the data: your interpolate is asked for (z, x, t).
# edit: interpolate(x, z, t) → interpolate(z, x, t)

# %% [flow.loss] times drawn here
# hint: The times are given; new ones are drawn in their place.
# edit: interpolate(x, z, t) → interpolate(x, z, torch.rand_like(t))

# %% [flow.loss] both in one
# hint: interpolate gives two things, the place and the velocity.
# edit: x_t, u = interpolate(x, z, t) → x_t = u = interpolate(x, z, t)

# %% [flow.loss] averaged over the batch alone
# hint: The mean is over the samples; one number for each dimension is left.
# edit: .square().mean() → .square().mean(0)

# %% [flow.loss] Huber's loss
# hint: Large errors count less here than their squares. The minimum of the mean *square* is the mean velocity, of other
# hint: losses it is something else.
# edit: return (model(x_t, t, y) - u).square().mean() → return nn.functional.smooth_l1_loss(model(x_t, t, y), u)

# %% [flow.loss] condition and time changed about
# hint: y and t change places: the model is called as model(x_t, t, y).
# edit: model(x_t, t, y) → model(x_t, y, t)

# %% [flow.loss] times in a thousand
# hint: The model is told times up to 1,000, an index as in notebook 05. Here times lie between 0 and 1.
# edit: model(x_t, t, y) → model(x_t, 1000 * t, y)

# %% [flow.loss] whole times
# hint: The times are made whole numbers. They are numbers between 0 and 1.
# edit: model(x_t, t, y) → model(x_t, t.long(), y)

# %% [flow.loss] weighted by the time
# hint: The squares are weighted by the time. (2) weighs all times alike.
# edit: .square().mean() → .square().mul(column(t, x)).mean()

# ---- flow.euler_sample -----------------------------------------------------------------------------------------------

# %% [flow.euler_sample] the grid of linspace(1, 0, n)
# hint: Your n times run from 1 down to 0, n − 1 gaps, while each step is 1/n long: the times that the model is told run
# hint: ahead of the state. The last question belongs to the time 1/n.
# edit: 1 - i / num_steps → 1 - i / max(num_steps - 1, 1)

# %% [flow.euler_sample] asked at the end of each step
# hint: The first question is asked at 1 − 1/n and the last one at 0: each step is taken with the time of its *end*.
# edit: 1 - i / num_steps → 1 - (i + 1) / num_steps

# %% [flow.euler_sample] time reversed
# hint: The model is told times that grow from 0, while you start from noise, which lives at t = 1.
# edit: 1 - i / num_steps → i / num_steps

# %% [flow.euler_sample] along the arrow
# hint: The steps go along the velocity, which points to the noise: you move away from the data.
# edit: x - model(x, t) / num_steps → x + model(x, t) / num_steps

# %% [flow.euler_sample] along the arrow, in growing time
# hint: These are the steps from data to noise: times from 0 on, along the velocity. z is noise already; go back.
# edit: 1 - i / num_steps → i / num_steps
# edit: x - model(x, t) / num_steps → x + model(x, t) / num_steps

# %% [flow.euler_sample] steps of full length
# hint: Each step is one unit of time long, and all of them together must be.
# edit: model(x, t) / num_steps → model(x, t)

# %% [flow.euler_sample] steps of length t
# hint: Each step is as long as the time that is left, so the first already jumps to the data.
# edit: model(x, t) / num_steps → model(x, t) * column(t, x)

# %% [flow.euler_sample] one step more
# hint: One step too many: after n of them the data is reached, and yours goes on.
# edit: range(num_steps) → range(num_steps + 1)

# %% [flow.euler_sample] one step less
# hint: The last step is missing: the state is left at t = 1/n.
# edit: range(num_steps) → range(num_steps - 1)

# %% [flow.euler_sample] one step less, and shorter
# hint: Only n − 1 steps are made, and the model is not asked at 1.
# edit: range(num_steps) → range(1, num_steps)

# %% [flow.euler_sample] always fifty
# hint: The number of steps is fixed, whatever num_steps says.
# replace:
x = z
# by:
x, num_steps = z, 50

# %% [flow.euler_sample] always from the start
# hint: Each step starts again at z, and only the last one counts. The steps must follow one another.
# edit: x = x - model(x, t) / num_steps → x = z - model(x, t) / num_steps

# %% [flow.euler_sample] always asked at the start
# hint: The model is asked at z in every step, and not where the state is by then.
# edit: x = x - model(x, t) / num_steps → x = x - model(z, t) / num_steps

# %% [flow.euler_sample] always asked at time 1
# hint: The time never moves: the model is told 1 in each step.
# edit: 1 - i / num_steps → 1.0

# %% [flow.euler_sample] the index for the time
# hint: The model is told the number of the step. It takes times between 0 and 1.
# edit: 1 - i / num_steps → float(num_steps - i)

# %% [flow.euler_sample] in a thousand
# hint: Times here are between 0 and 1; these are a chain's indices up to 1,000.
# edit: 1 - i / num_steps → 1000 * (1 - i / num_steps)

# %% [flow.euler_sample] a number for the time
# hint: The model takes a time for each sample, (b,). Here it is one number.
# edit: torch.full((len(x),), 1 - i / num_steps, dtype=x.dtype, device=x.device) → torch.tensor(1 - i / num_steps)

# %% [flow.euler_sample] times shaped like the data
# hint: The model takes one time for each sample, (b,). Yours have another shape.
# edit: torch.full((len(x),), 1 - i / num_steps, dtype=x.dtype, device=x.device) → torch.full((len(x), 1), 1 - i / num_steps)

# %% [flow.euler_sample] times of float32 always
# hint: The times are float32, also where z is float64.
# edit: , dtype=x.dtype, device=x.device) → )

# %% [flow.euler_sample] the graph kept
# hint: The samples are right, and behind them hangs the graph of all the model's calls: memory for nothing. Sampling is
# hint: not training.
# edit: with torch.no_grad(): → with torch.enable_grad():

# %% [flow.euler_sample] written into the noise
# hint: The steps write into z, which the caller still needs: a change in place.
# edit: x = x - model(x, t) / num_steps → x -= model(x, t) / num_steps

# %% [flow.euler_sample] fresh noise at each step
# hint: Noise is added at each step, as in ancestral sampling. A flow draws none.
# edit: x = x - model(x, t) / num_steps → x = x - model(x, t) / num_steps + 0.1 * torch.randn_like(x)

# %% [flow.euler_sample] clamped
# hint: The states are kept within [−1, 1]. That may suit pictures at their end; it does not suit noise, or points.
# edit: x = x - model(x, t) / num_steps → x = (x - model(x, t) / num_steps).clamp(-1, 1)

# %% [flow.euler_sample] the model's last answer
# hint: What is returned is the last velocity, not the place.
# edit: return x → return model(x, t).detach()

# %% [flow.euler_sample] all states
# hint: The states of all steps come back as a list. Only the last one is wanted.
# replace:
x = z
with torch.no_grad():
    for i in range(num_steps):
        t = torch.full((len(x),), 1 - i / num_steps, dtype=x.dtype, device=x.device)
        x = x - model(x, t) / num_steps
return x
# by:
x, seen = z, [z]
with torch.no_grad():
    for i in range(num_steps):
        t = torch.full((len(x),), 1 - i / num_steps, dtype=x.dtype, device=x.device)
        x = x - model(x, t) / num_steps
        seen.append(x)
return torch.stack(seen)

# %% [flow.euler_sample] returned in the loop
# hint: The function returns inside the loop, after its first step.
# replace:
        x = x - model(x, t) / num_steps
return x
# by:
        x = x - model(x, t) / num_steps
        return x

# %% [flow.euler_sample] one gap less than numbers
# hint: linspace(1, 0, n) has n numbers and n − 1 gaps: only n − 1 steps are made, each a little too long.
# edit: range(num_steps) → range(num_steps - 1)
# edit: 1 - i / num_steps → 1 - i / (num_steps - 1)
# edit: model(x, t) / num_steps → model(x, t) / (num_steps - 1)

# %% [flow.euler_sample] asked in the middle of each step
# hint: The model is asked at the time in the middle of each step, at a place that belongs to its beginning.
# edit: 1 - i / num_steps → 1 - (i + 0.5) / num_steps

# ---- flow.marginal_velocity ------------------------------------------------------------------------------------------

# %% [flow.marginal_velocity] distances without the variance
# hint: The weights come from the density of a Gaussian, whose exponent divides the squared distance by something.
# edit: -squares / (2 * time**2) → -squares

# %% [flow.marginal_velocity] the 2 is missing
# hint: The exponent of a Gaussian has a 2 that is missing here.
# edit: 2 * time**2 → time**2

# %% [flow.marginal_velocity] the standard deviation for the variance
# hint: The exponent divides by t, the noise's standard deviation at this time. A Gaussian's exponent takes the variance.
# edit: 2 * time**2 → 2 * time

# %% [flow.marginal_velocity] the square of twice the time
# hint: The exponent is half of what it should be (as where the 2 is squared as well).
# edit: 2 * time**2 → (2 * time) ** 2

# %% [flow.marginal_velocity] distances to the data itself
# hint: The distances are to the members themselves. At time t the data has shrunk: what is the mean of x_t, given one?
# edit: centres = (1 - time[:, None]) * points → centres = torch.ones_like(time[:, None]) * points

# %% [flow.marginal_velocity] centres of time reversed
# hint: The centres are t times the members, as where time runs the other way. Here data is at t = 0.
# edit: centres = (1 - time[:, None]) * points → centres = time[:, None] * points

# %% [flow.marginal_velocity] the width of time reversed
# hint: The noise's standard deviation is taken as 1 − t, as where time runs the other way. Here noise is at t = 1.
# edit: 2 * time**2 → 2 * (1 - time) ** 2

# %% [flow.marginal_velocity] towards the nearest least
# hint: The exponent has the wrong sign: the farther a member, the more it weighs.
# edit: (-squares / → (squares /

# %% [flow.marginal_velocity] weighed by distances, not by squares
# hint: The distances are not squared; a Gaussian's exponent has their squares.
# edit: -squares / (2 * time**2) → -squares.sqrt() / (2 * time**2)

# %% [flow.marginal_velocity] without the time below
# hint: The members are weighed rightly, and the velocities lack a division: from the place back to the data it takes the
# hint: time t.
# edit: ) / column(t, x_t) → )

# %% [flow.marginal_velocity] by what is left of the time
# hint: It divides by 1 − t, as where time runs the other way.
# edit: / column(t, x_t) → / column(1 - t + 1e-6, x_t)

# %% [flow.marginal_velocity] towards the data
# hint: The sign: the velocity points away from the data, to the noise, since t grows that way.
# edit: (x_t - (weights @ points).reshape(x_t.shape)) / column(t, x_t) → ((weights @ points).reshape(x_t.shape) - x_t) / column(t, x_t)

# %% [flow.marginal_velocity] from the shrunken members
# hint: That is the mean of the *noise*, from (1 − t)·x_i to x_t. The velocity takes away the member as well.
# edit: (x_t - (weights @ points).reshape(x_t.shape)) → (x_t - column(1 - t, x_t) * (weights @ points).reshape(x_t.shape))

# %% [flow.marginal_velocity] the score
# hint: This is the score, the gradient of the log-density. What is asked for is the velocity.
# edit: return (x_t - (weights @ points).reshape(x_t.shape)) / column(t, x_t) → return (column(1 - t, x_t) * (weights @ points).reshape(x_t.shape) - x_t) / column(t, x_t) ** 2

# %% [flow.marginal_velocity] the mean of the data
# hint: All members weigh alike. Those that could have come here count more.
# edit: (-squares / (2 * time**2)).softmax(1) → (-squares / (2 * time**2)).mul(0).softmax(1)

# %% [flow.marginal_velocity] the nearest alone
# hint: Only the likeliest member counts. At small t this is right, but at large t many members could have come here.
# edit: (-squares / (2 * time**2)).softmax(1) → nn.functional.one_hot(squares.argmin(1), squares.shape[1]).to(points)

# %% [flow.marginal_velocity] weights that sum to 1 over the batch
# hint: The weights are normalised over the samples of the batch. For each place, those of the *members* sum to 1.
# edit: .softmax(1) → .softmax(0)

# %% [flow.marginal_velocity] weights not normalised
# hint: The weights of a place do not sum to 1.
# edit: (-squares / (2 * time**2)).softmax(1) → (-squares / (2 * time**2)).exp()

# %% [flow.marginal_velocity] a mean for the sum
# hint: It is divided by the number of members once more: weights that sum to 1 are to be added up.
# edit: (weights @ points) → (weights @ points / len(points))

# %% [flow.marginal_velocity] nothing left at small times
# hint: Right, but at small t all exponents may be so low that exp gives 0 for each member, and 0/0 is NaN. Only their
# hint: differences matter.
# replace:
weights = (-squares / (2 * time**2)).softmax(1)
# by:
weights = (-squares / (2 * time**2)).exp()
weights = weights / weights.sum(1, keepdim=True)

# %% [flow.marginal_velocity] a safety in the sum
# hint: A small number under the fraction hides the 0/0 of small times: there all weights are 0, and the answer is wrong.
# replace:
weights = (-squares / (2 * time**2)).softmax(1)
# by:
weights = (-squares / (2 * time**2)).exp()
weights = weights / (weights.sum(1, keepdim=True) + 1e-12)

# %% [flow.marginal_velocity] a mean of squares for a distance
# hint: The squares are averaged over a sample's dimensions. A squared distance is their sum.
# edit: .square().sum(2) → .square().mean(2)

# %% [flow.marginal_velocity] times along the width
# hint: t is (b,), and torch aligns shapes from the right: in the division each *dimension* got a time of its own.
# edit: / column(t, x_t) → / t

# %% [flow.marginal_velocity] times along the members
# hint: In the exponent t meets the axis of the members, which it does not fit: weights are (b, n), and t is (b,).
# edit: 2 * time**2 → 2 * t**2

# %% [flow.marginal_velocity] pictures not flattened
# hint: Right for points. The members of an album have more axes, and distances run over all of them.
# edit: data.flatten(1) → data

# %% [flow.marginal_velocity] flat pictures
# hint: The numbers are right, in one line for each sample. Give them x_t's shape.
# edit: (x_t - (weights @ points).reshape(x_t.shape)) / column(t, x_t) → (x_t.flatten(1) - weights @ points) / time

# %% [flow.marginal_velocity] member by member, without the batch
# hint: Each place is compared with the member of its own number. Every place must meet every member.
# edit: (x_t.flatten(1)[:, None] - centres) → (x_t.flatten(1) - centres)

# %% [flow.marginal_velocity] the noise without its t
# hint: The noise of a member is what is left of the place, divided by something: look at (1) again.
# edit: return (x_t - (weights @ points).reshape(x_t.shape)) / column(t, x_t) → return x_t - column(2 - t, x_t) * (weights @ points).reshape(x_t.shape)

# %% [flow.marginal_velocity] multiplied by the variance
# hint: The exponent is multiplied by the variance; a Gaussian's is divided by it.
# edit: -squares / (2 * time**2) → -squares * time**2 / 2

# %% [flow.marginal_velocity] shrunken by a root
# hint: The members shrink by the root of 1 − t, as on a path that keeps the variance. Here they shrink as (1) says.
# edit: centres = (1 - time[:, None]) * points → centres = (1 - time[:, None]).sqrt() * points

# %% [flow.marginal_velocity] logarithms for weights
# hint: These are the weights' logarithms. Weights are positive and sum to 1.
# edit: .softmax(1) → .log_softmax(1)

# ---- flow.logit_normal_t ---------------------------------------------------------------------------------------------

# %% [flow.logit_normal_t] a uniform through the sigmoid
# hint: A uniform number is drawn. Its sigmoid lies between a half and three quarters only; the logits are to be *normal*.
# edit: torch.randn(n) → torch.rand(n)

# %% [flow.logit_normal_t] uniform times
# hint: These times are uniform. Which random numbers does the law start from?
# edit: torch.sigmoid(mean + std * torch.randn(n)) → torch.rand(n)

# %% [flow.logit_normal_t] log-normal
# hint: The exponential makes log-normal numbers, which may be larger than 1.
# edit: torch.sigmoid(mean + std * torch.randn(n)) → torch.exp(mean + std * torch.randn(n))

# %% [flow.logit_normal_t] the sigmoid first
# hint: The sigmoid comes first, and then mean and std move its results out of (0, 1). They belong to the logits.
# edit: torch.sigmoid(mean + std * torch.randn(n)) → mean + std * torch.sigmoid(torch.randn(n))

# %% [flow.logit_normal_t] no sigmoid
# hint: These are the logits. What sends them into (0, 1)?
# edit: torch.sigmoid(mean + std * torch.randn(n)) → mean + std * torch.randn(n)

# %% [flow.logit_normal_t] the logit for the sigmoid
# hint: The logit is the way back, from (0, 1) to all numbers; of a normal number it is often NaN.
# edit: torch.sigmoid(mean + std * torch.randn(n)) → torch.logit(mean + std * torch.randn(n))

# %% [flow.logit_normal_t] a softmax
# hint: Softmax makes n numbers that sum to 1. Each time is to stand for itself.
# edit: torch.sigmoid(mean + std * torch.randn(n)) → torch.softmax(mean + std * torch.randn(n), 0)

# %% [flow.logit_normal_t] the normal law's own distribution function
# hint: That is the distribution function of the normal law, which looks like the sigmoid and is steeper.
# edit: torch.sigmoid(mean + std * torch.randn(n)) → torch.special.ndtr(mean + std * torch.randn(n))

# %% [flow.logit_normal_t] tanh
# hint: tanh goes from −1 to 1. Times go from 0 to 1.
# edit: torch.sigmoid(mean + std * torch.randn(n)) → torch.tanh(mean + std * torch.randn(n))

# %% [flow.logit_normal_t] mean and std change places
# hint: mean and std have changed their parts.
# edit: mean + std * torch.randn(n) → std + mean * torch.randn(n)

# %% [flow.logit_normal_t] mean forgotten
# hint: The mean plays no part.
# edit: mean + std * torch.randn(n) → std * torch.randn(n)

# %% [flow.logit_normal_t] std forgotten
# hint: The standard deviation plays no part.
# edit: mean + std * torch.randn(n) → mean + torch.randn(n)

# %% [flow.logit_normal_t] neither mean nor std
# hint: Mean and standard deviation play no part.
# edit: mean + std * torch.randn(n) → torch.randn(n)

# %% [flow.logit_normal_t] std for a variance
# hint: std is taken for a variance: its root is what stretches the numbers.
# edit: std * torch.randn(n) → std**0.5 * torch.randn(n)

# %% [flow.logit_normal_t] std squared
# hint: The normal number is stretched by the variance, not by the standard deviation.
# edit: std * torch.randn(n) → std**2 * torch.randn(n)

# %% [flow.logit_normal_t] the mean stretched too
# hint: The mean is multiplied by std as well.
# edit: mean + std * torch.randn(n) → (mean + torch.randn(n)) * std

# %% [flow.logit_normal_t] standardised
# hint: This makes a normal number of mean `mean` into a standard one. Here it goes the other way: from a standard one.
# edit: mean + std * torch.randn(n) → (torch.randn(n) - mean) / std

# %% [flow.logit_normal_t] the other way round
# hint: The logits have the other sign, so that a positive mean pulls towards 0.
# edit: torch.sigmoid(mean + std * torch.randn(n)) → torch.sigmoid(-(mean + std * torch.randn(n)))

# %% [flow.logit_normal_t] minus the mean
# hint: The mean's sign: with a positive mean more times lie near 1.
# edit: torch.sigmoid(mean + std → torch.sigmoid(-mean + std

# %% [flow.logit_normal_t] a column
# hint: The times are (n, 1). They are wanted as (n,).
# edit: torch.randn(n) → torch.randn(n, 1)

# %% [flow.logit_normal_t] one for all
# hint: A single number is drawn; n of them are wanted.
# edit: torch.randn(n) → torch.randn(())

# %% [flow.logit_normal_t] one, n times
# hint: One number is drawn and repeated. Each sample shall have a time of its own.
# edit: torch.randn(n) → torch.randn(1).expand(n)

# %% [flow.logit_normal_t] cut off
# hint: Normal numbers are cut off at 0 and 1, where many then lie. They are to be *sent* into (0, 1).
# edit: torch.sigmoid(mean + std * torch.randn(n)) → (mean + std * torch.randn(n)).clamp(0, 1)

# ---- flow.cfg_velocity -----------------------------------------------------------------------------------------------

# %% [flow.cfg_velocity] w for 1 + w
# hint: Your w is a guidance_scale: at w = 0 it gives the unconditional answer. In this course w = 0 is the plain
# hint: conditional one.
# edit: (1 + w) * u_cond - w * u_uncond → w * u_cond + (1 - w) * u_uncond

# %% [flow.cfg_velocity] plus
# hint: The answer without the class is added where it must be taken away.
# edit: (1 + w) * u_cond - w * u_uncond → (1 + w) * u_cond + w * u_uncond

# %% [flow.cfg_velocity] the two change places
# hint: The answers with and without the class have changed places: this guides away from the wish.
# edit: (1 + w) * u_cond - w * u_uncond → (1 + w) * u_uncond - w * u_cond

# %% [flow.cfg_velocity] 1 + w twice
# hint: Both answers have the factor 1 + w, so that the plain answer is missing; the factors must sum to 1.
# edit: - w * u_uncond → - (1 + w) * u_uncond

# %% [flow.cfg_velocity] away from the unconditional in full
# hint: The answer without the class is taken away in full, whatever w is.
# edit: - w * u_uncond → - u_uncond

# %% [flow.cfg_velocity] a mixture
# hint: For w between 0 and 1 this lies between both answers. Guidance goes beyond the conditional one.
# edit: (1 + w) * u_cond - w * u_uncond → (1 - w) * u_cond + w * u_uncond

# %% [flow.cfg_velocity] scaled down
# hint: A division brings the factors back to a convex mean. Guidance has none: its factors sum to 1 already.
# edit: (1 + w) * u_cond - w * u_uncond → ((1 + w) * u_cond - w * u_uncond) / (1 + 2 * w)

# %% [flow.cfg_velocity] the conditional alone
# hint: The answer without the class plays no part, nor does w.
# edit: (1 + w) * u_cond - w * u_uncond → u_cond

# %% [flow.cfg_velocity] the difference alone
# hint: The factors of the two answers must sum to 1, and yours sum to 0: this is the direction alone, w times, without
# hint: the plain answer.
# edit: (1 + w) * u_cond - w * u_uncond → w * (u_cond - u_uncond)

# %% [flow.cfg_velocity] 1 + w on the difference, from the conditional
# hint: It starts from the conditional answer and then goes 1 + w times the difference: once too often.
# edit: (1 + w) * u_cond - w * u_uncond → u_cond + (1 + w) * (u_cond - u_uncond)

# %% [flow.cfg_velocity] the conditional once
# hint: The conditional answer counts once, whatever w is. The two factors must sum to 1.
# edit: (1 + w) * u_cond - w * u_uncond → u_cond - w * u_uncond

# ---- flow.straightness -----------------------------------------------------------------------------------------------

# %% [flow.straightness] n forgotten
# hint: The difference of two states is compared with the whole way. A velocity is a difference divided by the time that
# hint: it took.
# edit: velocity = n * (path[:-1] - path[1:]) → velocity = path[:-1] - path[1:]

# %% [flow.straightness] n + 1 for n
# hint: n + 1 states have n steps between them.
# edit: n = len(path) - 1 → n = len(path)

# %% [flow.straightness] divided by n
# hint: The differences are divided by the number of steps. Each took 1/n of the time; what does division by 1/n do?
# edit: n * (path[:-1] - path[1:]) → (path[:-1] - path[1:]) / n

# %% [flow.straightness] the whole way from data to noise
# hint: The two differences run in opposite directions, so that even a straight way is not 0: which end comes first?
# edit: path[0] - path[-1] → path[-1] - path[0]

# %% [flow.straightness] norms not squared
# hint: The norms are not squared.
# edit: off.square().flatten(2).sum(2).mean() → off.flatten(2).norm(dim=2).mean()

# %% [flow.straightness] a mean over the dimensions
# hint: The squares are averaged over a sample's dimensions; (6) has the squared norm, which sums them.
# edit: off.square().flatten(2).sum(2).mean() → off.square().mean()

# %% [flow.straightness] a sum over the steps
# hint: The steps are summed. An integral over one unit of time is their mean.
# edit: off.square().flatten(2).sum(2).mean() → off.square().flatten(2).sum(2).sum(0).mean()

# %% [flow.straightness] a sum over the samples
# hint: The samples are summed; (6) is an expectation.
# edit: off.square().flatten(2).sum(2).mean() → off.square().flatten(2).sum(2).sum(1).mean()

# %% [flow.straightness] a sum over everything
# hint: Everything is summed: steps and samples, too, where a mean is wanted.
# edit: off.square().flatten(2).sum(2).mean() → off.square().sum()

# %% [flow.straightness] divided by n + 1
# hint: There are n differences, and the sum is divided by n + 1.
# edit: off.square().flatten(2).sum(2).mean() → off.square().flatten(2).sum(2).mean() * n / (n + 1)

# %% [flow.straightness] one for each sample
# hint: One number for each sample is left: average over them as well.
# edit: off.square().flatten(2).sum(2).mean() → off.square().flatten(2).sum(2).mean(0)

# %% [flow.straightness] one for each step
# hint: One number for each step is left: average over them as well.
# edit: off.square().flatten(2).sum(2).mean() → off.square().flatten(2).sum(2).mean(1)

# %% [flow.straightness] the last axis alone
# hint: Right for points. A picture has more axes than one, and its squares are to be summed over all.
# edit: off.square().flatten(2).sum(2).mean() → off.square().sum(-1).mean()

# %% [flow.straightness] a root over it
# hint: A root is taken of the mean; (6) has none.
# edit: off.square().flatten(2).sum(2).mean() → off.square().flatten(2).sum(2).mean().sqrt()

# %% [flow.straightness] absolute values
# hint: Absolute values in place of squares.
# edit: off.square() → off.abs()

# %% [flow.straightness] the mean not squared
# hint: Errors of both signs cancel: all velocities of a way have the whole way as their mean.
# edit: off.square().flatten(2).sum(2).mean() → off.flatten(2).sum(2).mean()

# %% [flow.straightness] steps that change
# hint: This compares each step with the *next* one. (6) compares each velocity with the whole way.
# edit: off = path[0] - path[-1] - velocity → off = velocity[1:] - velocity[:-1]

# %% [flow.straightness] off the line, not off the velocity
# hint: This measures how far the states lie from the line between the ends. (6) compares velocities.
# replace:
velocity = n * (path[:-1] - path[1:])
off = path[0] - path[-1] - velocity  # (n, b, *)
# by:
share = torch.arange(n, device=path.device).to(path).reshape(-1, *[1] * (path.dim() - 1)) / n
off = path[:-1] - (path[0] + share * (path[-1] - path[0]))

# %% [flow.straightness] the samples for the steps
# hint: The differences are taken between samples, along axis 1. The times are axis 0.
# replace:
n = len(path) - 1
velocity = n * (path[:-1] - path[1:])
off = path[0] - path[-1] - velocity  # (n, b, *)
# by:
path = path.transpose(0, 1)
n = len(path) - 1
velocity = n * (path[:-1] - path[1:])
off = path[0] - path[-1] - velocity

# %% [flow.straightness] a float
# hint: A Python number; a tensor is wanted.
# edit: .mean() → .mean().item()

# %% [flow.straightness] both for one step
# hint: The whole way is cut into n equal pieces and compared with the steps. (6) compares velocities, ways for a unit of
# hint: time; your value is too small by n².
# edit: off = path[0] - path[-1] - velocity → off = (path[0] - path[-1] - velocity) / n

# %% [flow.straightness] speeds
# hint: Only the lengths are compared: a way that turns at a constant speed would count as straight.
# replace:
off = path[0] - path[-1] - velocity  # (n, b, *)
return off.square().flatten(2).sum(2).mean()
# by:
whole = (path[0] - path[-1]).flatten(1).norm(dim=1)
return (whole - velocity.flatten(2).norm(dim=2)).square().mean()

# %% [flow.straightness] relative to the way
# hint: It is divided by the square of the way's length. (6) does not do that.
# edit: return off.square().flatten(2).sum(2).mean() → return (off.square().flatten(2).sum(2) / (path[0] - path[-1]).square().flatten(1).sum(1)).mean()

# ---- flow.reflow_pairs -----------------------------------------------------------------------------------------------

# %% [flow.reflow_pairs] the noise first
# hint: The pair comes back as (z, x). First the data, then the noise, as your loss takes them.
# edit: return euler_sample(model, z, num_steps), z → return z, euler_sample(model, z, num_steps)

# %% [flow.reflow_pairs] other noise
# hint: The noise that comes back is not the one that was carried: pairs must belong together.
# edit: return euler_sample(model, z, num_steps), z → return euler_sample(model, z, num_steps), torch.randn_like(z)

# %% [flow.reflow_pairs] new noise carried
# hint: New noise is carried to data in place of z.
# replace:
return euler_sample(model, z, num_steps), z
# by:
noise = torch.randn_like(z)
return euler_sample(model, noise, num_steps), noise

# %% [flow.reflow_pairs] new noise carried, z returned
# hint: What is carried is not z, and z comes back beside it: the two do not belong together.
# edit: euler_sample(model, z, num_steps) → euler_sample(model, torch.randn_like(z), num_steps)

# %% [flow.reflow_pairs] num_steps forgotten
# hint: The sampler takes its own number of steps, whatever num_steps says.
# edit: euler_sample(model, z, num_steps) → euler_sample(model, z)

# %% [flow.reflow_pairs] one step always
# hint: A single step is taken, whatever num_steps says.
# edit: euler_sample(model, z, num_steps) → euler_sample(model, z, 1)

# %% [flow.reflow_pairs] one step more
# hint: One step more than asked for.
# edit: euler_sample(model, z, num_steps) → euler_sample(model, z, num_steps + 1)

# %% [flow.reflow_pairs] the samples alone
# hint: Two tensors are wanted: the data and the noise that it came from.
# edit: return euler_sample(model, z, num_steps), z → return euler_sample(model, z, num_steps)

# %% [flow.reflow_pairs] shuffled
# hint: The data comes in another order than its noise: the pairs are torn apart, and the lines cross again.
# edit: euler_sample(model, z, num_steps), z → euler_sample(model, z, num_steps).flip(0), z

# %% [flow.reflow_pairs] the velocity for the noise
# hint: The second result is the way from data to noise. The loss takes the noise itself.
# replace:
return euler_sample(model, z, num_steps), z
# by:
x = euler_sample(model, z, num_steps)
return x, z - x

# %% [flow.reflow_pairs] the samples twice
# hint: Both results are the data. Keep the noise.
# replace:
return euler_sample(model, z, num_steps), z
# by:
z = euler_sample(model, z, num_steps)
return z, z

# %% [flow.reflow_pairs] a graph behind them
# hint: The numbers are right, and behind the data hangs a graph of all the model's calls: its gradients would lead into
# hint: the first flow.
# replace:
return euler_sample(model, z, num_steps), z
# by:
x = z
for i in range(num_steps):
    t = torch.full((len(x),), 1 - i / num_steps, dtype=x.dtype, device=x.device)
    x = x - model(x, t) / num_steps
return x, z

# %% [flow.reflow_pairs] arguments changed about
# hint: The sampler's arguments have changed places: model, noise, number of steps.
# edit: euler_sample(model, z, num_steps) → euler_sample(z, model, num_steps)

# %% [flow.reflow_pairs] encoded
# hint: The flow is run the other way, along the velocity: it takes your noise for data.
# replace:
return euler_sample(model, z, num_steps), z
# by:
return euler_sample(lambda x, t: -model(x, t), z, num_steps), z

# %% [flow.reflow_pairs] encoded, in reversed time
# hint: The flow is run from data to noise: it takes your noise for data.
# replace:
return euler_sample(model, z, num_steps), z
# by:
return euler_sample(lambda x, t: -model(x, 1 - t), z, num_steps), z

# %% [flow.reflow_pairs] written into the noise
# hint: The steps write into z: the noise that comes back is no longer the one that was carried, and the caller's is gone.
# replace:
return euler_sample(model, z, num_steps), z
# by:
z -= z - euler_sample(model, z, num_steps)
return z, z

# ---- flow.recover ----------------------------------------------------------------------------------------------------

# %% [flow.recover] ad + bc
# hint: The determinant has the wrong sign between its two terms.
# edit: a * d - b * c → a * d + b * c

# %% [flow.recover] the determinant turned
# hint: Both answers have the wrong sign: so has the determinant.
# edit: a * d - b * c → b * c - a * d

# %% [flow.recover] ac and bd
# hint: The determinant multiplies each coefficient with that across: check which of the four stand in one equation.
# edit: a * d - b * c → a * c - b * d

# %% [flow.recover] ab and cd
# hint: The determinant multiplies coefficients of the same equation. It takes one of each.
# edit: a * d - b * c → a * b - c * d

# %% [flow.recover] no determinant
# hint: The combination is right, the division is missing. (For v on a path that keeps the variance it would be by 1.)
# edit: scale = a * d - b * c → scale = torch.ones_like(a)

# %% [flow.recover] v's determinant always
# hint: It divides by a² + b², which is right for v. Here c and d may be anything.
# edit: scale = a * d - b * c → scale = a**2 + b**2

# %% [flow.recover] multiplied
# hint: It multiplies by the determinant where it should divide.
# edit: return (d * x_t - b * y) / scale, (a * y - c * x_t) / scale → return (d * x_t - b * y) * scale, (a * y - c * x_t) * scale

# %% [flow.recover] the determinant's size
# hint: The determinant's sign is thrown away; it may be negative.
# edit: scale = a * d - b * c → scale = (a * d - b * c).abs()

# %% [flow.recover] a root of the determinant
# hint: A root is taken of the determinant.
# edit: scale = a * d - b * c → scale = (a * d - b * c).abs().sqrt()

# %% [flow.recover] plus in x
# hint: z is right. In x a sign is wrong: put your x and z back into the first equation.
# edit: (d * x_t - b * y) → (d * x_t + b * y)

# %% [flow.recover] plus in z
# hint: x is right. In z a sign is wrong: put your x and z back into the second equation.
# edit: (a * y - c * x_t) → (a * y + c * x_t)

# %% [flow.recover] z turned
# hint: x is right, z has the other sign.
# edit: (a * y - c * x_t) → (c * x_t - a * y)

# %% [flow.recover] x turned
# hint: z is right, x has the other sign.
# edit: (d * x_t - b * y) → (b * y - d * x_t)

# %% [flow.recover] the transposed system
# hint: b and c have changed places, as if the table were read by columns.
# edit: (d * x_t - b * y) / scale, (a * y - c * x_t) / scale → (d * x_t - c * y) / scale, (a * y - b * x_t) / scale

# %% [flow.recover] a and d change places
# hint: a and d have changed places: which coefficient is beside the unknown that you want to get rid of?
# edit: (d * x_t - b * y) / scale, (a * y - c * x_t) / scale → (a * x_t - b * y) / scale, (d * y - c * x_t) / scale

# %% [flow.recover] x_t and y change places
# hint: x_t and y have changed places.
# edit: (d * x_t - b * y) / scale, (a * y - c * x_t) / scale → (d * y - b * x_t) / scale, (a * x_t - c * y) / scale

# %% [flow.recover] the noise first
# hint: Both are right, in the other order: first the data, then the noise.
# edit: (d * x_t - b * y) / scale, (a * y - c * x_t) / scale → (a * y - c * x_t) / scale, (d * x_t - b * y) / scale

# %% [flow.recover] the data alone
# hint: Two results are wanted, the data and the noise.
# edit: return (d * x_t - b * y) / scale, (a * y - c * x_t) / scale → return (d * x_t - b * y) / scale

# %% [flow.recover] coefficients along the width
# hint: The coefficients are (b,), and torch aligns shapes from the right: each *column* of a picture got its own.
# edit: a, b, c, d = (column(k, x_t) for k in (a, b, c, d)) →

# %% [flow.recover] coefficients for points only
# hint: The coefficients are (b, 1), which fits points and not pictures.
# edit: column(k, x_t) → k[:, None]

# %% [flow.recover] coefficients for pictures only
# hint: The coefficients have four axes, which makes more of points than they were.
# edit: column(k, x_t) → k[:, None, None, None]

# %% [flow.recover] divided by one of the coefficients
# hint: z comes from the second equation alone, divided by d, which may be 0 (y may be the data).
# replace:
return (d * x_t - b * y) / scale, (a * y - c * x_t) / scale
# by:
x = (d * x_t - b * y) / scale
return x, (y - c * x) / d

# %% [flow.recover] divided by c
# hint: x comes from the second equation alone, divided by c, which may be 0 (y may be the noise).
# replace:
return (d * x_t - b * y) / scale, (a * y - c * x_t) / scale
# by:
z = (a * y - c * x_t) / scale
return (y - d * z) / c, z

# %% [flow.recover] a small number added below
# hint: A small number is added to the determinant. It bends every answer, and nothing here is divided by 0.
# edit: scale = a * d - b * c → scale = a * d - b * c + 1e-3

# %% [flow.recover] y taken for the noise
# hint: This takes y for the noise, whatever c and d are.
# replace:
return (d * x_t - b * y) / scale, (a * y - c * x_t) / scale
# by:
return (x_t - b * y) / a, y

# %% [flow.recover] y taken for the straight path's velocity
# hint: This is right for the velocity of the straight path. Here c and d may be anything.
# replace:
return (d * x_t - b * y) / scale, (a * y - c * x_t) / scale
# by:
return x_t - b * y, x_t + a * y
