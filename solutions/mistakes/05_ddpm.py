# %% [ddpm.cosine_beta_schedule] the cosine is not squared
# hint: Equation (6) wants the square of the cosine. The values look similar at first, but too much of the picture
# hint: stays until late. Where does the square go?
u = torch.linspace(0, 1, timesteps + 1, dtype=torch.float64)
f = torch.cos((u + s) / (1 + s) * math.pi / 2)
return (1 - f[1:] / f[:-1]).clamp(0, 0.999)

# %% [ddpm.cosine_beta_schedule] not clipped
# hint: Everything is right but the last value: there alpha_bar reaches 0 and beta reaches 1. Equation (7) sets a
# hint: largest value.
u = torch.linspace(0, 1, timesteps + 1, dtype=torch.float64)
f = torch.cos((u + s) / (1 + s) * math.pi / 2) ** 2
return 1 - f[1:] / f[:-1]

# %% [ddpm.cosine_beta_schedule] the offset s is not divided out
# hint: The angle should reach pi/2 exactly at u = 1. Without the denominator 1 + s it goes past it, and f grows again.
u = torch.linspace(0, 1, timesteps + 1, dtype=torch.float64)
f = torch.cos((u + s) * math.pi / 2) ** 2
return (1 - f[1:] / f[:-1]).clamp(0, 0.999)

# %% [ddpm.cosine_beta_schedule] the offset s is forgotten
# hint: The first betas are too small, by far: this is the schedule with s = 0. What is the offset s for?
u = torch.linspace(0, 1, timesteps + 1, dtype=torch.float64)
f = torch.cos(u * math.pi / 2) ** 2
return (1 - f[1:] / f[:-1]).clamp(0, 0.999)

# %% [ddpm.cosine_beta_schedule] T points instead of T + 1
# hint: A beta stands between two neighbours of alpha_bar, so T betas need T + 1 points. You have one beta too few.
u = torch.linspace(0, 1, timesteps, dtype=torch.float64)
f = torch.cos((u + s) / (1 + s) * math.pi / 2) ** 2
return (1 - f[1:] / f[:-1]).clamp(0, 0.999)

# %% [ddpm.cosine_beta_schedule] alpha_bar returned for beta
# hint: What you return falls from 1 to 0: that is alpha_bar itself. The chain is built from beta, equation (7).
u = torch.linspace(0, 1, timesteps + 1, dtype=torch.float64)
f = torch.cos((u + s) / (1 + s) * math.pi / 2) ** 2
return (f[1:] / f[0]).clamp(0, 0.999)

# %% [ddpm.cosine_beta_schedule] one minus forgotten
# hint: This is the share of the variance that a step keeps. Beta is the share that it replaces by noise.
u = torch.linspace(0, 1, timesteps + 1, dtype=torch.float64)
f = torch.cos((u + s) / (1 + s) * math.pi / 2) ** 2
return (f[1:] / f[:-1]).clamp(0, 0.999)

# %% [ddpm.cosine_beta_schedule] the ratio upside down
# hint: f falls, so the later value over the earlier one is below 1. Yours is above 1, and every beta became 0.
u = torch.linspace(0, 1, timesteps + 1, dtype=torch.float64)
f = torch.cos((u + s) / (1 + s) * math.pi / 2) ** 2
return (1 - f[:-1] / f[1:]).clamp(0, 0.999)

# %% [ddpm.cosine_beta_schedule] one minus alpha_bar for beta
# hint: You compare every f with the first one, which gives what all steps up to t have replaced by noise. Beta belongs
# hint: to one step: compare neighbours.
u = torch.linspace(0, 1, timesteps + 1, dtype=torch.float64)
f = torch.cos((u + s) / (1 + s) * math.pi / 2) ** 2
return (1 - f[1:] / f[0]).clamp(0, 0.999)

# %% [ddpm.cosine_beta_schedule] only s is divided
# hint: Python divides before it adds: u + s / (1 + s) divides s alone. The fraction of equation (6) has a sum on top.
u = torch.linspace(0, 1, timesteps + 1, dtype=torch.float64)
f = torch.cos((u + s / (1 + s)) * math.pi / 2) ** 2
return (1 - f[1:] / f[:-1]).clamp(0, 0.999)

# %% [ddpm.extract] always four axes
# hint: Images come out right, but points (b, 2) become (b, 1, 1, 1). Count the axes of x_shape, do not assume four.
return a.gather(0, t)[:, None, None, None]

# %% [ddpm.extract] no axes appended
# hint: The numbers are right, but (b,) times (b, c, h, w) lines the numbers up with the width of the image, not with
# hint: the samples. Append axes of length 1.
return a.gather(0, t)

# %% [ddpm.extract] one t for the whole batch
# hint: Every sample gets the number of the first one. Each sample of a batch has an index of its own.
return a[t[0]].expand(len(t)).reshape(len(t), *[1] * (len(x_shape) - 1))

# %% [ddpm.extract] the batch at the last axis
# hint: The axes of length 1 stand before the batch. They belong behind it: (b, 1, ..., 1).
return a.gather(0, t).reshape(*[1] * (len(x_shape) - 1), len(t))

# %% [ddpm.q_sample] alpha_bar without its root
# hint: alpha_bar is the share of the variance that is left of the data; the data itself is multiplied by its root.
# hint: Which two tables hold the roots?
a = extract(self.alphas_cumprod, t, x_start.shape)
sigma = extract(1 - self.alphas_cumprod, t, x_start.shape)
return a * x_start + sigma * noise

# %% [ddpm.q_sample] the two coefficients swapped
# hint: At t = 0 you return almost pure noise, and at T - 1 the picture. Which coefficient belongs to which?
a = extract(self.sqrt_alphas_cumprod, t, x_start.shape)
sigma = extract(self.sqrt_one_minus_alphas_cumprod, t, x_start.shape)
return sigma * x_start + a * noise

# %% [ddpm.q_sample] alpha for alpha_bar
# hint: This is one step of the chain, from x_{t-1} to x_t, with alpha_t = 1 - beta_t. Equation (4) jumps from x_start:
# hint: it needs the product of all alphas up to t.
a = extract(self.alphas.sqrt(), t, x_start.shape)
sigma = extract(self.betas.sqrt(), t, x_start.shape)
return a * x_start + sigma * noise

# %% [ddpm.q_sample] always four axes
# hint: Images come out right, but points (b, 2) do not: the coefficient was given four axes, whatever the data has.
# hint: `extract` takes the shape of the data for this.
a = self.sqrt_alphas_cumprod[t][:, None, None, None]
sigma = self.sqrt_one_minus_alphas_cumprod[t][:, None, None, None]
return a * x_start + sigma * noise

# %% [ddpm.q_sample] one t for the whole batch
# hint: The first sample is right and the others are noised as if they had its t. Each sample has its own.
return self.sqrt_alphas_cumprod[t[0]] * x_start + self.sqrt_one_minus_alphas_cumprod[t[0]] * noise

# %% [ddpm.q_sample] one step too many
# hint: Every sample is noised by one step more than t says. Index t of a table is already the state after step t + 1
# hint: of the paper; nothing needs to be added.
t = (t + 1).clamp_max(self.num_timesteps - 1)
a = extract(self.sqrt_alphas_cumprod, t, x_start.shape)
sigma = extract(self.sqrt_one_minus_alphas_cumprod, t, x_start.shape)
return a * x_start + sigma * noise

# %% [ddpm.q_sample] the coefficients meet the width of the picture
# hint: A (b,) coefficient times a picture (b, c, h, w) is matched with the last axis, the width, not with the batch.
# hint: `extract` shapes it so that it meets the batch.
return self.sqrt_alphas_cumprod[t] * x_start + self.sqrt_one_minus_alphas_cumprod[t] * noise

# %% [ddpm.predict_start_from_noise] alpha_bar without its root
# hint: The noise is removed rightly, but what remains is sqrt(alpha_bar) * x_start. You divided by alpha_bar.
a = extract(self.alphas_cumprod, t, x_t.shape)
sigma = extract(self.sqrt_one_minus_alphas_cumprod, t, x_t.shape)
return (x_t - sigma * noise) / a

# %% [ddpm.predict_start_from_noise] the two coefficients swapped
# hint: In equation (4) sqrt(alpha_bar) stands before x_start and sqrt(1 - alpha_bar) before the noise. You have them
# hint: the other way round.
a = extract(self.sqrt_one_minus_alphas_cumprod, t, x_t.shape)
sigma = extract(self.sqrt_alphas_cumprod, t, x_t.shape)
return (x_t - sigma * noise) / a

# %% [ddpm.predict_start_from_noise] noise removed, not divided
# hint: After the noise is taken away there is still sqrt(alpha_bar) * x_start on this side. One operation is missing.
sigma = extract(self.sqrt_one_minus_alphas_cumprod, t, x_t.shape)
return x_t - sigma * noise

# %% [ddpm.predict_start_from_noise] noise added
# hint: Equation (4) adds the noise; to undo it, it has to be taken away.
a = extract(self.sqrt_alphas_cumprod, t, x_t.shape)
sigma = extract(self.sqrt_one_minus_alphas_cumprod, t, x_t.shape)
return (x_t + sigma * noise) / a

# %% [ddpm.predict_start_from_noise] always four axes
# hint: Images come out right, but points (b, 2) do not. `extract` appends as many axes as the data has.
a = self.sqrt_alphas_cumprod[t][:, None, None, None]
sigma = self.sqrt_one_minus_alphas_cumprod[t][:, None, None, None]
return (x_t - sigma * noise) / a

# %% [ddpm.predict_start_from_noise] clamped here
# hint: The values are cut at -1 and 1. Sampling does that later, in p_sample; this function is the plain inverse.
a = extract(self.sqrt_alphas_cumprod, t, x_t.shape)
sigma = extract(self.sqrt_one_minus_alphas_cumprod, t, x_t.shape)
return ((x_t - sigma * noise) / a).clamp(-1, 1)

# %% [ddpm.predict_start_from_noise] brackets missing
# hint: Only the noise is divided here. Equation (8) divides the whole difference.
a = extract(self.sqrt_alphas_cumprod, t, x_t.shape)
sigma = extract(self.sqrt_one_minus_alphas_cumprod, t, x_t.shape)
return x_t - sigma * noise / a

# %% [ddpm.predict_noise_from_start] one minus alpha_bar without its root
# hint: You divided by 1 - alpha_bar, a variance. The noise is multiplied by a standard deviation in equation (4).
a = extract(self.sqrt_alphas_cumprod, t, x_t.shape)
sigma = extract(1 - self.alphas_cumprod, t, x_t.shape)
return (x_t - a * x_start) / sigma

# %% [ddpm.predict_noise_from_start] divided by the wrong coefficient
# hint: The picture is removed rightly; what remains is sqrt(1 - alpha_bar) * noise. You divided by the other one.
a = extract(self.sqrt_alphas_cumprod, t, x_t.shape)
return (x_t - a * x_start) / a

# %% [ddpm.predict_noise_from_start] the picture is not scaled
# hint: x_t holds sqrt(alpha_bar) * x_start, not x_start itself. Scale it before you take it away.
sigma = extract(self.sqrt_one_minus_alphas_cumprod, t, x_t.shape)
return (x_t - x_start) / sigma

# %% [ddpm.predict_noise_from_start] always four axes
# hint: Images come out right, but points (b, 2) do not. `extract` appends as many axes as the data has.
a = self.sqrt_alphas_cumprod[t][:, None, None, None]
sigma = self.sqrt_one_minus_alphas_cumprod[t][:, None, None, None]
return (x_t - a * x_start) / sigma

# %% [ddpm.predict_noise_from_start] one t for the whole batch
# hint: The first sample is right and the others are not: they were treated as if they had its t.
return (x_t - self.sqrt_alphas_cumprod[t[0]] * x_start) / self.sqrt_one_minus_alphas_cumprod[t[0]]

# %% [ddpm.predict_noise_from_start] brackets missing
# hint: Only the picture is divided here. Equation (9) divides the whole difference.
a = extract(self.sqrt_alphas_cumprod, t, x_t.shape)
sigma = extract(self.sqrt_one_minus_alphas_cumprod, t, x_t.shape)
return x_t - a * x_start / sigma

# %% [ddpm.predict_noise_from_start] picture removed, not divided
# hint: After the picture is taken away there is still sqrt(1 - alpha_bar) * noise on this side. One operation is
# hint: missing.
a = extract(self.sqrt_alphas_cumprod, t, x_t.shape)
return x_t - a * x_start

# %% [ddpm.predict_noise_from_start] the sign turned round
# hint: Every value has the opposite sign. x_t minus the picture's part leaves the noise, not the other way round.
a = extract(self.sqrt_alphas_cumprod, t, x_t.shape)
sigma = extract(self.sqrt_one_minus_alphas_cumprod, t, x_t.shape)
return (a * x_start - x_t) / sigma

# %% [ddpm.predict_noise_from_start] picture added
# hint: Equation (4) adds the picture's part; to undo it, it has to be taken away.
a = extract(self.sqrt_alphas_cumprod, t, x_t.shape)
sigma = extract(self.sqrt_one_minus_alphas_cumprod, t, x_t.shape)
return (x_t + a * x_start) / sigma

# %% [ddpm.predict_noise_from_start] the two coefficients swapped
# hint: In equation (4) sqrt(alpha_bar) stands before x_start and sqrt(1 - alpha_bar) before the noise. You have them
# hint: the other way round.
a = extract(self.sqrt_one_minus_alphas_cumprod, t, x_t.shape)
sigma = extract(self.sqrt_alphas_cumprod, t, x_t.shape)
return (x_t - a * x_start) / sigma

# %% [ddpm.q_posterior] the two coefficients swapped
# hint: Look at t = 0: x_{-1} is the data, so the whole weight has to lie on x_start there. You put it on x_t.
coef1 = extract(self.posterior_mean_coef1, t, x_t.shape)
coef2 = extract(self.posterior_mean_coef2, t, x_t.shape)
std = extract(self.posterior_std, t, x_t.shape)
return coef2 * x_start + coef1 * x_t, std

# %% [ddpm.q_posterior] variance for standard deviation
# hint: The mean is right. The second value should be the standard deviation of equation (12), you return its square.
coef1 = extract(self.posterior_mean_coef1, t, x_t.shape)
coef2 = extract(self.posterior_mean_coef2, t, x_t.shape)
std = extract(self.posterior_std, t, x_t.shape)
return coef1 * x_start + coef2 * x_t, std**2

# %% [ddpm.q_posterior] t - 1 wraps around at t = 0
# hint: Every t but 0 is right. There t - 1 is -1, and index -1 is the last entry of a table; alpha_bar before the
# hint: first step is 1. The tables posterior_mean_coef1 and posterior_mean_coef2 know this.
beta = extract(self.betas, t, x_t.shape)
alpha = extract(self.alphas, t, x_t.shape)
now = extract(self.alphas_cumprod, t, x_t.shape)
before = extract(self.alphas_cumprod, (t - 1) % self.num_timesteps, x_t.shape)
std = (beta * (1 - before) / (1 - now)).sqrt()
return (before.sqrt() * beta * x_start + alpha.sqrt() * (1 - before) * x_t) / (1 - now), std

# %% [ddpm.q_posterior] off by one in alpha_bar before t
# hint: You used alpha_bar at t in the place of alpha_bar at t - 1. At t = 0, where nothing is lost before, the mean
# hint: should be x_start exactly.
beta = extract(self.betas, t, x_t.shape)
alpha = extract(self.alphas, t, x_t.shape)
now = extract(self.alphas_cumprod, t, x_t.shape)
std = beta.sqrt()
return (now.sqrt() * beta * x_start + alpha.sqrt() * (1 - now) * x_t) / (1 - now), std

# %% [ddpm.q_posterior] always four axes
# hint: Images come out right, but points (b, 2) do not. `extract` appends as many axes as the data has.
coef1 = self.posterior_mean_coef1[t][:, None, None, None]
coef2 = self.posterior_mean_coef2[t][:, None, None, None]
return coef1 * x_start + coef2 * x_t, self.posterior_std[t][:, None, None, None]

# %% [ddpm.q_posterior] beta for the posterior's variance
# hint: The mean is right. You return the spread of one forward step, the root of beta; knowing x_start makes the
# hint: posterior narrower, and at t = 0 it has no spread left.
coef1 = extract(self.posterior_mean_coef1, t, x_t.shape)
coef2 = extract(self.posterior_mean_coef2, t, x_t.shape)
return coef1 * x_start + coef2 * x_t, extract(self.betas.sqrt(), t, x_t.shape)

# %% [ddpm.p_losses] without the weight
# hint: For noise prediction the weight is 1 and all is well; for x_start prediction it is not. Which table holds it?
x_t = self.q_sample(x_start, t, noise)
prediction = self.model(x_t, t, model_kwargs)
target = noise if self.objective == "pred_noise" else x_start
return ((prediction - target) ** 2).mean()

# %% [ddpm.p_losses] normalised twice
# hint: x_start is in [-1, 1] already when your lines begin: the first given line does that. You do it again.
x_t = self.q_sample(self.normalize(x_start), t, noise)
prediction = self.model(x_t, t, model_kwargs)
target = noise if self.objective == "pred_noise" else self.normalize(x_start)
weight = extract(self.loss_weight, t, x_start.shape)
return (weight * (prediction - target) ** 2).mean()

# %% [ddpm.p_losses] objective ignored
# hint: For noise prediction all is well. With objective "pred_x_start" the network's output should be compared with
# hint: the clean data.
x_t = self.q_sample(x_start, t, noise)
prediction = self.model(x_t, t, model_kwargs)
weight = extract(self.loss_weight, t, x_start.shape)
return (weight * (prediction - noise) ** 2).mean()

# %% [ddpm.p_losses] prediction detached
# hint: The value is right, but no gradient reaches the network, so it would never learn. Something cut the graph:
# hint: detach, .data, .item or no_grad.
x_t = self.q_sample(x_start, t, noise)
prediction = self.model(x_t, t, model_kwargs).detach()
target = noise if self.objective == "pred_noise" else x_start
weight = extract(self.loss_weight, t, x_start.shape)
return (weight * (prediction - target) ** 2).mean()

# %% [ddpm.p_losses] one t for the whole batch
# hint: The network was told the first sample's t for all of them. Hand it the whole tensor t.
x_t = self.q_sample(x_start, t, noise)
prediction = self.model(x_t, t[:1].expand(len(t)), model_kwargs)
target = noise if self.objective == "pred_noise" else x_start
weight = extract(self.loss_weight, t, x_start.shape)
return (weight * (prediction - target) ** 2).mean()

# %% [ddpm.p_losses] model_kwargs not handed on
# hint: The network got no condition. It takes three things: x_t, t and model_kwargs.
x_t = self.q_sample(x_start, t, noise)
prediction = self.model(x_t, t)
target = noise if self.objective == "pred_noise" else x_start
weight = extract(self.loss_weight, t, x_start.shape)
return (weight * (prediction - target) ** 2).mean()

# %% [ddpm.p_losses] the network sees the clean data
# hint: The network was shown x_start. It has to see the noised x_t, otherwise there is nothing to predict from.
prediction = self.model(x_start, t, model_kwargs)
target = noise if self.objective == "pred_noise" else x_start
weight = extract(self.loss_weight, t, x_start.shape)
return (weight * (prediction - target) ** 2).mean()

# %% [ddpm.p_losses] weights and errors averaged apart
# hint: You multiplied the mean weight by the mean error. Each sample's error has to meet its own weight before
# hint: anything is averaged.
x_t = self.q_sample(x_start, t, noise)
prediction = self.model(x_t, t, model_kwargs)
target = noise if self.objective == "pred_noise" else x_start
return self.loss_weight[t].mean() * F.mse_loss(prediction, target)

# %% [ddpm.p_losses] sum in place of the mean
# hint: The loss grows with the number of pixels. The mean square is wanted, over everything.
x_t = self.q_sample(x_start, t, noise)
prediction = self.model(x_t, t, model_kwargs)
target = noise if self.objective == "pred_noise" else x_start
weight = extract(self.loss_weight, t, x_start.shape)
return (weight * (prediction - target) ** 2).sum()

# %% [ddpm.p_losses] always four axes
# hint: Images come out right, but for points (b, 2) the weight (b, 1, 1, 1) meets every error of the batch. `extract`
# hint: appends as many axes as the data has.
x_t = self.q_sample(x_start, t, noise)
prediction = self.model(x_t, t, model_kwargs)
target = noise if self.objective == "pred_noise" else x_start
weight = self.loss_weight[t][:, None, None, None]
return (weight * (prediction - target) ** 2).mean()

# %% [ddpm.p_losses] the caller's model_kwargs changed
# hint: The loss is right, but the caller's dict lost an entry: the next call would find it missing. Read it, never
# hint: write or pop.
x_t = self.q_sample(x_start, t, noise)
prediction = self.model(x_t, t, dict(model_kwargs))
model_kwargs.pop("cfg_scale", None)
target = noise if self.objective == "pred_noise" else x_start
weight = extract(self.loss_weight, t, x_start.shape)
return (weight * (prediction - target) ** 2).mean()

# %% [ddpm.p_losses] the weights meet the width of the picture
# hint: loss_weight[t] is (b,) and the error is (b, c, h, w): the weights were matched with the width, not with the
# hint: batch. `extract` shapes them.
x_t = self.q_sample(x_start, t, noise)
prediction = self.model(x_t, t, model_kwargs)
target = noise if self.objective == "pred_noise" else x_start
return (self.loss_weight[t] * (prediction - target) ** 2).mean()

# %% [ddpm.p_losses] absolute error
# hint: This is the mean absolute error. Equation (17) squares.
x_t = self.q_sample(x_start, t, noise)
prediction = self.model(x_t, t, model_kwargs)
target = noise if self.objective == "pred_noise" else x_start
return (extract(self.loss_weight, t, x_start.shape) * (prediction - target).abs()).mean()

# %% [ddpm.p_losses] absolute error, objective ignored
# hint: Two things differ from equation (17): it squares the error where you take its absolute value, and its target
# hint: depends on self.objective.
prediction = self.model(self.q_sample(x_start, t, noise), t, model_kwargs)
return F.l1_loss(prediction, noise)

# %% [ddpm.p_losses] squared error, objective and weight ignored
# hint: For noise prediction all is well. With objective "pred_x_start" the network's output should be compared with
# hint: the clean data, and each sample's error has a weight.
prediction = self.model(self.q_sample(x_start, t, noise), t, model_kwargs)
return F.mse_loss(prediction, noise)

# %% [ddpm.p_losses] the weight is squared as well
# hint: For noise prediction, whose weight is 1, all is well. Otherwise the weight stands inside the square; equation
# hint: (17) weighs the squared error.
x_t = self.q_sample(x_start, t, noise)
prediction = self.model(x_t, t, model_kwargs)
target = noise if self.objective == "pred_noise" else x_start
weight = extract(self.loss_weight, t, x_start.shape)
return ((weight * (prediction - target)) ** 2).mean()

# %% [ddpm.mean_from_noise] alpha_bar for alpha
# hint: In equation (13) one root is of alpha_bar (inside 1 - alpha_bar), the one that divides everything is of alpha,
# hint: this step's own. You used alpha_bar for both.
beta = extract(self.betas, t, x_t.shape)
a = extract(self.sqrt_alphas_cumprod, t, x_t.shape)
sigma = extract(self.sqrt_one_minus_alphas_cumprod, t, x_t.shape)
return (x_t - beta * noise / sigma) / a

# %% [ddpm.mean_from_noise] alpha without its root
# hint: The bracket is right. It is divided by the root of alpha, not by alpha.
beta = extract(self.betas, t, x_t.shape)
alpha = extract(self.alphas, t, x_t.shape)
sigma = extract(self.sqrt_one_minus_alphas_cumprod, t, x_t.shape)
return (x_t - beta * noise / sigma) / alpha

# %% [ddpm.mean_from_noise] one minus alpha_bar without its root
# hint: beta is divided by a standard deviation, sqrt(1 - alpha_bar). You divided by the variance.
beta = extract(self.betas, t, x_t.shape)
alpha = extract(self.alphas, t, x_t.shape)
variance = extract(1 - self.alphas_cumprod, t, x_t.shape)
return (x_t - beta * noise / variance) / alpha.sqrt()

# %% [ddpm.mean_from_noise] all the noise removed
# hint: You took away all of the noise, sqrt(1 - alpha_bar) times. One step back removes only this step's part of it.
alpha = extract(self.alphas, t, x_t.shape)
sigma = extract(self.sqrt_one_minus_alphas_cumprod, t, x_t.shape)
return (x_t - sigma * noise) / alpha.sqrt()

# %% [ddpm.mean_from_noise] root of beta
# hint: The factor before the noise is beta over sqrt(1 - alpha_bar); you have the root of beta there.
beta = extract(self.betas, t, x_t.shape)
alpha = extract(self.alphas, t, x_t.shape)
sigma = extract(self.sqrt_one_minus_alphas_cumprod, t, x_t.shape)
return (x_t - beta.sqrt() * noise / sigma) / alpha.sqrt()

# %% [ddpm.mean_from_noise] always four axes
# hint: Images come out right, but points (b, 2) do not. `extract` appends as many axes as the data has.
beta, alpha = self.betas[t][:, None, None, None], self.alphas[t][:, None, None, None]
sigma = self.sqrt_one_minus_alphas_cumprod[t][:, None, None, None]
return (x_t - beta * noise / sigma) / alpha.sqrt()

# %% [ddpm.mean_from_noise] brackets missing
# hint: Only x_t is divided by the root of alpha here. Equation (13) divides the whole bracket.
beta, alpha = extract(self.betas, t, x_t.shape), extract(self.alphas, t, x_t.shape)
return x_t / alpha.sqrt() - beta * noise / extract(self.sqrt_one_minus_alphas_cumprod, t, x_t.shape)

# %% [ddpm.mean_from_noise] noise added
# hint: The sign of the noise: the way back takes it away.
beta, alpha = extract(self.betas, t, x_t.shape), extract(self.alphas, t, x_t.shape)
return (x_t + beta * noise / extract(self.sqrt_one_minus_alphas_cumprod, t, x_t.shape)) / alpha.sqrt()

# %% [ddpm.ancestral_step] noise at t = 0
# hint: Look at the samples whose t is 0: they still get noise. It would stay in the finished picture. The last step
# hint: returns the mean.
mean = self.mean_from_noise(x_t, t, noise_pred)
std = self.betas.sqrt() if variance == "beta" else self.posterior_std
return mean + extract(std, t, x_t.shape) * z

# %% [ddpm.ancestral_step] variance for standard deviation
# hint: The mean is right. z is multiplied by a standard deviation; beta is a variance.
mean = self.mean_from_noise(x_t, t, noise_pred)
std = extract(self.betas if variance == "beta" else self.posterior_std**2, t, x_t.shape)
return mean + (t > 0).reshape(std.shape) * std * z

# %% [ddpm.ancestral_step] `variance` ignored
# hint: "posterior" is right, "beta" is not: it gives the same. Choose by the argument.
mean = self.mean_from_noise(x_t, t, noise_pred)
std = extract(self.posterior_std, t, x_t.shape)
return mean + (t > 0).reshape(std.shape) * std * z

# %% [ddpm.ancestral_step] the two variances swapped
# hint: In your code "beta" leads to the variance of the posterior, and "posterior" to beta.
mean = self.mean_from_noise(x_t, t, noise_pred)
std = extract(self.posterior_std if variance == "beta" else self.betas.sqrt(), t, x_t.shape)
return mean + (t > 0).reshape(std.shape) * std * z

# %% [ddpm.ancestral_step] one t = 0 silences the batch
# hint: As soon as one sample has t = 0, no sample gets noise. Decide for each sample by its own t.
mean = self.mean_from_noise(x_t, t, noise_pred)
std = extract(self.betas.sqrt() if variance == "beta" else self.posterior_std, t, x_t.shape)
return mean + std * z if (t > 0).all() else mean

# %% [ddpm.ancestral_step] the first sample decides for the batch
# hint: You asked only whether the first sample's t is 0. Decide for each sample by its own t.
mean = self.mean_from_noise(x_t, t, noise_pred)
std = extract(self.betas.sqrt() if variance == "beta" else self.posterior_std, t, x_t.shape)
return mean + std * z if t[0] > 0 else mean

# %% [ddpm.ancestral_step] beta without its root
# hint: "posterior" is right. For "beta" you multiply z with beta itself, a variance; a standard deviation is its root.
mean = self.mean_from_noise(x_t, t, noise_pred)
std = extract(self.betas if variance == "beta" else self.posterior_std, t, x_t.shape)
return mean + (t > 0).reshape(std.shape) * std * z

# %% [ddpm.ancestral_step] the mask meets the width of the picture
# hint: The question whether t is 0 has one answer for each sample, (b,), and it was matched with the last axis of the
# hint: data. Give it as many axes as the data has.
mean = self.mean_from_noise(x_t, t, noise_pred)
std = extract(self.betas.sqrt() if variance == "beta" else self.posterior_std, t, x_t.shape)
return mean + (t > 0) * std * z

# %% [ddpm.ancestral_step] always four axes
# hint: Images come out right, but points (b, 2) do not. `extract` appends as many axes as the data has.
mean = self.mean_from_noise(x_t, t, noise_pred)
std = (self.betas.sqrt() if variance == "beta" else self.posterior_std)[t][:, None, None, None]
return mean + (t > 0)[:, None, None, None] * std * z

# %% [ddpm.p_sample] no clamp
# hint: Nothing keeps x_start inside [-1, 1]. Where the network errs at a late t, the error is magnified and stays.
t = torch.full((len(x_t),), t, device=x_t.device)
x_start = self.model(x_t, t, model_kwargs)
if self.objective == "pred_noise":
    x_start = self.predict_start_from_noise(x_t, t, x_start)
mean, std = self.q_posterior(x_start, x_t, t)
return mean + std * torch.randn_like(x_t)

# %% [ddpm.p_sample] x_{t-1} clamped in the place of x_start
# hint: You cut the result of the step. x_{t-1} still holds noise and may leave [-1, 1]; the predicted x_start may not.
t = torch.full((len(x_t),), t, device=x_t.device)
x_start = self.model(x_t, t, model_kwargs)
if self.objective == "pred_noise":
    x_start = self.predict_start_from_noise(x_t, t, x_start)
mean, std = self.q_posterior(x_start, x_t, t)
return (mean + std * torch.randn_like(x_t)).clamp(-1, 1)

# %% [ddpm.p_sample] clamped to [0, 1]
# hint: Inside the model data lies in [-1, 1]. You cut away the dark half.
t = torch.full((len(x_t),), t, device=x_t.device)
x_start = self.model(x_t, t, model_kwargs)
if self.objective == "pred_noise":
    x_start = self.predict_start_from_noise(x_t, t, x_start)
mean, std = self.q_posterior(x_start.clamp(0, 1), x_t, t)
return mean + std * torch.randn_like(x_t)

# %% [ddpm.p_sample] variance for standard deviation
# hint: q_posterior gives a standard deviation. You squared it before multiplying the noise.
t = torch.full((len(x_t),), t, device=x_t.device)
x_start = self.model(x_t, t, model_kwargs)
if self.objective == "pred_noise":
    x_start = self.predict_start_from_noise(x_t, t, x_start)
mean, std = self.q_posterior(x_start.clamp(-1, 1), x_t, t)
return mean + std**2 * torch.randn_like(x_t)

# %% [ddpm.p_sample] objective ignored
# hint: For noise prediction all is well. With objective "pred_x_start" the network's output is x_start already.
t = torch.full((len(x_t),), t, device=x_t.device)
x_start = self.predict_start_from_noise(x_t, t, self.model(x_t, t, model_kwargs))
mean, std = self.q_posterior(x_start.clamp(-1, 1), x_t, t)
return mean + std * torch.randn_like(x_t)

# %% [ddpm.p_sample] no fresh noise
# hint: You return the mean at every step. Without fresh noise the samples lose their variety.
t = torch.full((len(x_t),), t, device=x_t.device)
x_start = self.model(x_t, t, model_kwargs)
if self.objective == "pred_noise":
    x_start = self.predict_start_from_noise(x_t, t, x_start)
mean, std = self.q_posterior(x_start.clamp(-1, 1), x_t, t)
return mean

# %% [ddpm.p_sample] model_kwargs not handed on
# hint: The network got no condition. It takes three things: x_t, t and model_kwargs.
t = torch.full((len(x_t),), t, device=x_t.device)
x_start = self.model(x_t, t)
if self.objective == "pred_noise":
    x_start = self.predict_start_from_noise(x_t, t, x_start)
mean, std = self.q_posterior(x_start.clamp(-1, 1), x_t, t)
return mean + std * torch.randn_like(x_t)

# %% [ddpm.p_sample] x_start and x_t swapped in q_posterior
# hint: Look at the order of q_posterior's arguments: x_start comes first, then x_t.
t = torch.full((len(x_t),), t, device=x_t.device)
x_start = self.model(x_t, t, model_kwargs)
if self.objective == "pred_noise":
    x_start = self.predict_start_from_noise(x_t, t, x_start)
mean, std = self.q_posterior(x_t, x_start.clamp(-1, 1), t)
return mean + std * torch.randn_like(x_t)

# %% [ddpm.p_sample] the network's condition taken out of the caller's dict
# hint: The steps are right, but the caller's dict lost an entry: every later step would run without it. Read it, never
# hint: pop or write.
t = torch.full((len(x_t),), t, device=x_t.device)
x_start = self.model(x_t, t, dict(model_kwargs))
model_kwargs.pop("cfg_scale", None)
if self.objective == "pred_noise":
    x_start = self.predict_start_from_noise(x_t, t, x_start)
mean, std = self.q_posterior(x_start.clamp(-1, 1), x_t, t)
return mean + std * torch.randn_like(x_t)

# %% [ddpm.p_sample] the mean clamped in the place of x_start
# hint: You clamped the mean of x_{t-1}. It still holds noise and may leave [-1, 1]; what may not is x_start.
t = torch.full((len(x_t),), t, device=x_t.device)
x_start = self.model(x_t, t, model_kwargs)
if self.objective == "pred_noise":
    x_start = self.predict_start_from_noise(x_t, t, x_start)
mean, std = self.q_posterior(x_start, x_t, t)
return mean.clamp(-1, 1) + std * torch.randn_like(x_t)

# %% [ddpm.p_sample] the prediction always taken as x_start
# hint: With objective "pred_x_start" all is well. With "pred_noise" the network's output is noise: compute x_start from
# hint: it first.
t = torch.full((len(x_t),), t, device=x_t.device)
mean, std = self.q_posterior(self.model(x_t, t, model_kwargs).clamp(-1, 1), x_t, t)
return mean + std * torch.randn_like(x_t)

# %% [ddpm.p_sample] one t handed to the network for all samples
# hint: The network wants t as a (b,) tensor, one entry for each sample, also when all entries are the same.
t = torch.full((1,), t, device=x_t.device)
x_start = self.model(x_t, t, model_kwargs)
if self.objective == "pred_noise":
    x_start = self.predict_start_from_noise(x_t, t, x_start)
mean, std = self.q_posterior(x_start.clamp(-1, 1), x_t, t)
return mean + std * torch.randn_like(x_t)
