# ---- mle.bayes_posterior ---------------------------------------------------------------------------------------------

# %% [mle.bayes_posterior] the prior is forgotten
# hint: All causes are treated as equally common before anything was seen. Where does the prior enter equation (2)?
# edit: prior * likelihood → likelihood

# %% [mle.bayes_posterior] the likelihood is forgotten
# hint: You return what was believed before; nothing was learned from what was seen.
# replace:
joint = prior * likelihood
return joint / joint.sum()
# by:
return prior / prior.sum()

# %% [mle.bayes_posterior] divided by the likelihood
# hint: A cause that explains well what was seen should gain by it. Here it loses: the likelihood divides.
# edit: prior * likelihood → prior / likelihood

# %% [mle.bayes_posterior] divided by the prior
# hint: A cause that was common before should stay more likely. Here it loses: the prior divides.
# edit: prior * likelihood → likelihood / prior

# %% [mle.bayes_posterior] sum instead of product
# hint: Prior and likelihood are added. "This cause, and then this observation" is a product of probabilities.
# edit: prior * likelihood → prior + likelihood

# %% [mle.bayes_posterior] a table of all products
# hint: The result is a (k, k) table: every prior was multiplied with every likelihood. Cause i belongs to likelihood i.
# edit: prior → prior[:, None]

# %% [mle.bayes_posterior] written into what was given
# hint: `likelihood *= prior` changes the tensor of the one who called your function.
# replace:
joint = prior * likelihood
# by:
joint = likelihood
joint *= prior

# %% [mle.bayes_posterior] densities cut off at 1
# hint: A likelihood above 1 is cut off. A density may exceed 1; only its integral may not.
# edit: likelihood → likelihood.clamp(max=1)

# %% [mle.bayes_posterior] not normalised
# hint: These are the joint probabilities p(x, y). They sum to p(x), not to 1: what does equation (2) divide by?
# edit: joint / joint.sum() → joint

# %% [mle.bayes_posterior] normalised by the likelihoods alone
# hint: p(x) is not the sum of the likelihoods: a rare cause adds less to it than a common one. Equation (1) sums the
# hint: joint probabilities.
# edit: joint.sum() → likelihood.sum()

# %% [mle.bayes_posterior] divided by the largest
# hint: The largest value is 1 now. For a distribution it is the sum that must be 1.
# edit: joint.sum() → joint.max()

# %% [mle.bayes_posterior] divided by the mean
# hint: The values sum to the number of causes. Sum and mean differ by just this factor.
# edit: joint.sum() → joint.mean()

# %% [mle.bayes_posterior] divided by the length of the vector
# hint: You made the sum of squares 1. For probabilities it is the sum itself that must be 1.
# edit: joint.sum() → joint.norm()

# %% [mle.bayes_posterior] softmax for the sum
# hint: A softmax takes the exponential first. Prior times likelihood is a probability already, not the logarithm of
# hint: one: only divide.
# edit: joint / joint.sum() → joint.softmax(0)

# %% [mle.bayes_posterior] the logarithm returned
# hint: These are log-probabilities. The function should return probabilities, which sum to 1.
# edit: joint / joint.sum() → (joint / joint.sum()).log()

# %% [mle.bayes_posterior] p(x) returned
# hint: You return one number, p(x), the share of worlds in which this is seen. It is the denominator of equation (2).
# edit: joint / joint.sum() → joint.sum()

# %% [mle.bayes_posterior] the most likely cause returned
# hint: You return the index of the best cause. Asked for are the probabilities of all of them.
# edit: joint / joint.sum() → joint.argmax()

# %% [mle.bayes_posterior] something small added to the denominator
# hint: The posterior is right until the likelihoods are tiny, as densities of pictures are; then what you added to p(x)
# hint: is larger than p(x) itself. Nothing needs to be added.
# edit: joint.sum() → (joint.sum() + 1e-8)

# %% [mle.bayes_posterior] something not so small added to the denominator
# hint: The posterior is right for large likelihoods only: what you added to p(x) is thousands of times larger than tiny
# hint: densities are. Nothing needs to be added.
# edit: joint.sum() → (joint.sum() + 1e-6)

# %% [mle.bayes_posterior] as much added to the denominator as there is
# hint: Where the likelihoods are tiny, what you added to p(x) is as large as p(x) itself. Nothing needs to be added.
# edit: joint.sum() → (joint.sum() + 1e-10)

# %% [mle.bayes_posterior] something very small added to the denominator
# hint: Almost right: where the likelihoods are tiny, even what you added to p(x) can be seen. Nothing needs to be
# hint: added.
# edit: joint.sum() → (joint.sum() + 1e-12)

# %% [mle.bayes_posterior] the likelihood normalised first, and p(x) forgotten
# hint: To divide the likelihoods by their sum is allowed and changes nothing, but it does not make the products sum to
# hint: 1. Normalise last.
# edit: joint / joint.sum() → prior * (likelihood / likelihood.sum()) * len(prior)

# %% [mle.bayes_posterior] no tensor returned
# hint: Return a torch tensor of all k probabilities, not a list, a number of Python or an array of numpy.
# edit: joint / joint.sum() → (joint / joint.sum()).tolist()

# %% [mle.bayes_posterior] a softmax of the likelihoods
# hint: The likelihoods went through a softmax, which takes their exponential. They are probabilities already; multiply
# hint: them by the prior as they are.
return prior * likelihood.softmax(0)

# %% [mle.bayes_posterior] the logarithm of the joint probabilities
# hint: You return log p(x, y), neither normalised nor a probability. A product and a division are all it takes.
return prior.log() + likelihood.log()

# ---- mle.bernoulli_log_likelihood ------------------------------------------------------------------------------------

# %% [mle.bernoulli_log_likelihood] theta must be a vector or a number
# hint: Numbers and vectors of theta come out right, tables do not. Where would an axis for the draws go, however many
# hint: theta has? Or is none needed?
# edit: red = x.sum() → theta = theta.reshape(-1, 1)
# edit: blue = len(x) - red → total = (x * theta.log() + (1 - x) * (1 - theta).log()).sum(1)
# edit: red * theta.log() + blue * (1 - theta).log() → total if len(total) > 1 else total[0]

# %% [mle.bernoulli_log_likelihood] the blue ones counted as 1 - red
# hint: The number of blue draws is what is left of all n draws, not of 1.
# edit: len(x) → 1

# %% [mle.bernoulli_log_likelihood] all draws counted as blue
# hint: The blue term is multiplied by n. How many of the n draws are blue?
# edit: len(x) - red → len(x)

# %% [mle.bernoulli_log_likelihood] as many draws as parameters
# hint: The number of blue balls is counted from the size of theta. How many draws are there?
# edit: len(x) → theta.numel()

# %% [mle.bernoulli_log_likelihood] the logarithm of a product
# hint: Right for few draws, but the product of 5,000 probabilities is 0 for any computer, and its logarithm minus
# hint: infinity. Take the logarithm first, on paper.
# edit: red * theta.log() + blue * (1 - theta).log() → (theta**red * (1 - theta) ** blue).log()

# %% [mle.bernoulli_log_likelihood] the mean over the draws
# hint: You return the log-likelihood of one draw on average. Asked for is that of all draws together, a sum.
# edit: red * theta.log() + blue * (1 - theta).log() → (red * theta.log() + blue * (1 - theta).log()) / len(x)

# %% [mle.bernoulli_log_likelihood] the likelihood itself
# hint: These are likelihoods, between 0 and 1. The function should return their logarithms.
# edit: red * theta.log() + blue * (1 - theta).log() → theta**red * (1 - theta) ** blue

# %% [mle.bernoulli_log_likelihood] bits for nats
# hint: The values are too large by 1 / log 2 = 1.44: these are bits. Likelihoods are in nats here.
# edit: theta.log() + blue * (1 - theta).log() → theta.log2() + blue * (1 - theta).log2()

# %% [mle.bernoulli_log_likelihood] base 10
# hint: The values are too small by 2.3: this is the logarithm to base 10. Nats use the natural one.
# edit: theta.log() + blue * (1 - theta).log() → theta.log10() + blue * (1 - theta).log10()

# %% [mle.bernoulli_log_likelihood] negative
# hint: This is the negative log-likelihood, a loss. The logarithm of a probability is below 0.
# edit: return red * theta.log() + blue * (1 - theta).log() → return -(red * theta.log() + blue * (1 - theta).log())

# %% [mle.bernoulli_log_likelihood] negative, and the mean
# hint: This is the binary cross-entropy as a loss: negative, and a mean over the draws. Asked for is the sum of
# hint: log-probabilities.
# edit: red * theta.log() + blue * (1 - theta).log() → -(red * theta.log() + blue * (1 - theta).log()) / len(x)

# %% [mle.bernoulli_log_likelihood] blue balls cost nothing
# hint: Only the red draws are counted, so theta = 1 would be best whatever was drawn. A blue ball has a probability
# hint: too.
# edit: theta.log() + blue * (1 - theta).log() → theta.log()

# %% [mle.bernoulli_log_likelihood] red balls cost nothing
# hint: Only the blue draws are counted, so theta = 0 would be best whatever was drawn. A red ball has a probability
# hint: too.
# edit: red * theta.log() + blue → blue

# %% [mle.bernoulli_log_likelihood] red and blue exchanged
# hint: The curve is mirrored. x = 1 is red, and theta is the probability of red.
# edit: red * theta.log() + blue → blue * theta.log() + red

# %% [mle.bernoulli_log_likelihood] log(1 + theta)
# hint: The blue balls have the probability 1 - theta. `log1p(theta)` is the logarithm of 1 + theta.
# edit: (1 - theta).log() → theta.log1p()

# %% [mle.bernoulli_log_likelihood] 1 minus the logarithm
# hint: The logarithm of 1 - theta is not 1 minus the logarithm of theta. Where do the brackets go?
# edit: (1 - theta).log() → (1 - theta.log())

# %% [mle.bernoulli_log_likelihood] minus the logarithm
# hint: The two terms are subtracted. A product becomes a sum of logarithms, and both terms are negative.
# edit: theta.log() + blue → theta.log() - blue

# %% [mle.bernoulli_log_likelihood] the number of orders counted in
# hint: You added the logarithm of a binomial coefficient, for all orders in which so many balls can be red. Equation
# hint: (3) is the probability of this very sequence.
# replace:
return red * theta.log() + blue * (1 - theta).log()
# by:
n = torch.tensor(float(len(x)))
orders = torch.lgamma(n + 1) - torch.lgamma(red + 1.0) - torch.lgamma(blue + 1.0)
return red * theta.log() + blue * (1 - theta).log() + orders

# %% [mle.bernoulli_log_likelihood] summed over theta as well
# hint: All thetas are summed into one number. The sum is over the draws only.
# edit: red * theta.log() + blue * (1 - theta).log() → (red * theta.log() + blue * (1 - theta).log()).sum()

# %% [mle.bernoulli_log_likelihood] one value for each draw
# hint: You return the log-probability of every single draw. The product in (3) becomes a sum over the draws.
# replace:
return red * theta.log() + blue * (1 - theta).log()
# by:
theta = theta[..., None]
return x * theta.log() + (1 - x) * (1 - theta).log()

# %% [mle.bernoulli_log_likelihood] the best theta
# hint: You return the share of red balls, which is the best theta. Asked for is the log-likelihood of the given ones.
# edit: red * theta.log() + blue * (1 - theta).log() → red / len(x)

# %% [mle.bernoulli_log_likelihood] no tensor returned
# hint: Return a torch tensor in theta's shape: no .item(), no number of Python, no array of numpy.
# edit: red * theta.log() + blue * (1 - theta).log() → (red * theta.log() + blue * (1 - theta).log()).tolist()

# %% [mle.bernoulli_log_likelihood] theta meets the draws
# hint: It works for a single theta only: with several, theta is matched with the draws. Sum over the draws first, or
# hint: give theta one more axis for them.
return (x * theta.log() + (1 - x) * (1 - theta).log()).sum()

# %% [mle.bernoulli_log_likelihood] theta must have one axis
# hint: `theta[:, None]` needs an axis, and theta may be a single number or a table. Where would an axis for the draws
# hint: go, however many theta has? Or is none needed?
theta = theta[:, None]
return (x * theta.log() + (1 - x) * (1 - theta).log()).sum(1)

# %% [mle.bernoulli_log_likelihood] the draws get an axis
# hint: A single theta has no axes and should give a number, (). Here it gives shape (1,).
x = x[:, None]
return (x * theta.log() + (1 - x) * (1 - theta).log()).sum(0)

# %% [mle.bernoulli_log_likelihood] the mean over draws and thetas
# hint: You return one mean over everything, as torch's losses do. Asked for is a sum over the draws, for each theta.
theta = theta[..., None]
return (x * theta.log() + (1 - x) * (1 - theta).log()).mean()

# %% [mle.bernoulli_log_likelihood] the mean over draws and thetas, negative
# hint: You return one mean over everything, and its negative, as torch's binary cross-entropy does. Asked for is the
# hint: sum of log-probabilities over the draws, for each theta.
theta = theta[..., None]
return -(x * theta.log() + (1 - x) * (1 - theta).log()).mean()

# %% [mle.bernoulli_log_likelihood] summed over the first axis
# hint: Theta got an axis for the draws at its end, but the sum goes over the first one. Which axis holds the draws?
theta = theta.unsqueeze(-1)
return (x * theta.log() + (1 - x) * (1 - theta).log()).sum(0)

# %% [mle.bernoulli_log_likelihood] a loop over theta
# hint: A loop `for t in theta` needs an axis, and theta may be a single number, or a table whose rows it would give.
# hint: The formula takes any shape at once: no loop over theta is needed.
return torch.stack([(x * t.log() + (1 - x) * (1 - t).log()).sum() for t in theta])

# %% [mle.bernoulli_log_likelihood] theta made a column
# hint: theta is made a column, so the result has lost theta's own shape. One number for each entry of theta is asked
# hint: for, in theta's shape.
return (x * theta.view(-1, 1).log() + (1 - x) * (1 - theta.view(-1, 1)).log()).sum(1)

# %% [mle.bernoulli_log_likelihood] torch's Binomial
# hint: torch's Binomial counts all orders in which so many balls can be red: its log_prob holds the logarithm of a
# hint: binomial coefficient. Equation (3) speaks of these very draws, in this order.
return torch.distributions.Binomial(len(x), theta).log_prob(x.sum().to(theta.dtype))

# ---- mle.gaussian_mle ------------------------------------------------------------------------------------------------

# %% [mle.gaussian_mle] the median
# hint: You return the median, which is best for another family (the Laplace distribution). Set the derivative of (5)
# hint: for mu to 0.
# edit: x.mean() → x.median()

# %% [mle.gaussian_mle] the sum for the mean
# hint: The draws are added up and not divided by their number.
# edit: x.mean() → x.sum()

# %% [mle.gaussian_mle] an axis is kept
# hint: Mean and variance have shape (1,). They should have no axes: a plain mean over all draws leaves none.
# edit: mean() → mean(0, keepdim=True)

# %% [mle.gaussian_mle] divided by n - 1
# hint: The mean is right; the variance is a little too large, by n / (n - 1), and is not defined for a single draw. So
# hint: does torch.var divide unless it is told otherwise. What did your derivation divide by?
# edit: ((x - mean) ** 2).mean() → x.var()

# %% [mle.gaussian_mle] the standard deviation
# hint: You return the spread, the root of what is asked for.
# edit: ((x - mean) ** 2).mean() → ((x - mean) ** 2).mean().sqrt()

# %% [mle.gaussian_mle] torch's standard deviation
# hint: Two things: torch.std is a root, and it divides by n - 1. Asked for is a variance, and your derivation says what
# hint: to divide by.
# edit: ((x - mean) ** 2).mean() → x.std()

# %% [mle.gaussian_mle] the mean of squares
# hint: The squares are taken around 0. In equation (5) x - mu is squared.
# edit: (x - mean) ** 2 → x**2

# %% [mle.gaussian_mle] the mean of squares plus the squared mean
# hint: The mean of squares minus the square of the mean is a variance. You have a plus between them.
# edit: ((x - mean) ** 2).mean() → (x**2).mean() + mean**2

# %% [mle.gaussian_mle] negative
# hint: A variance is never negative. Which of the two is larger, the mean of squares or the square of the mean?
# edit: ((x - mean) ** 2).mean() → mean**2 - (x**2).mean()

# %% [mle.gaussian_mle] the mean is not squared
# hint: The mean of squares minus the mean: one square is missing.
# edit: ((x - mean) ** 2).mean() → (x**2).mean() - mean

# %% [mle.gaussian_mle] the sum of squares
# hint: The squares are added up and not divided by anything. Solve for v: the n in front does not vanish.
# edit: ((x - mean) ** 2).mean() → ((x - mean) ** 2).sum()

# %% [mle.gaussian_mle] squared after the mean
# hint: The deviations are averaged before they are squared, and so they cancel: the result is 0 for any data.
# edit: ((x - mean) ** 2).mean() → (x - mean).mean() ** 2

# %% [mle.gaussian_mle] the mean deviation
# hint: You average the absolute deviations. In equation (5) they are squared.
# edit: ((x - mean) ** 2).mean() → (x - mean).abs().mean()

# %% [mle.gaussian_mle] twice the variance
# hint: The variance is twice too large: a ½ was lost on the way. Both terms of equation (5) carry one.
# edit: ((x - mean) ** 2).mean() → 2 * ((x - mean) ** 2).mean()

# %% [mle.gaussian_mle] half the variance
# hint: The variance is half as large as it should be. Both terms of equation (5) carry a ½, so it cancels.
# edit: ((x - mean) ** 2).mean() → 0.5 * ((x - mean) ** 2).mean()

# %% [mle.gaussian_mle] the logarithm of the variance
# hint: You return log v. Asked for is v itself.
# edit: ((x - mean) ** 2).mean() → ((x - mean) ** 2).mean().log()

# %% [mle.gaussian_mle] the precision
# hint: You return 1 / v, the precision. Asked for is the variance.
# edit: ((x - mean) ** 2).mean() → 1 / ((x - mean) ** 2).mean()

# %% [mle.gaussian_mle] divided by n + 1
# hint: The variance is a little too small, by n / (n + 1). That is the best estimate by another measure; what did the
# hint: derivative of the likelihood say?
# edit: ((x - mean) ** 2).mean() → ((x - mean) ** 2).sum() / (len(x) + 1)

# %% [mle.gaussian_mle] written into what was given
# hint: `x -= mean` changes the data of the one who called your function.
# replace:
var = ((x - mean) ** 2).mean()
# by:
x -= mean
var = (x**2).mean()

# %% [mle.gaussian_mle] variance first
# hint: Mean and variance are returned in the other order.
# edit: mean, var → var, mean

# %% [mle.gaussian_mle] only one of the two
# hint: Two tensors are asked for, as `mean, var`.
# edit: mean, var → var

# %% [mle.gaussian_mle] no tensors returned
# hint: Return two torch tensors: no .item(), no float of Python, nothing of numpy.
# edit: mean, var → mean.item(), var.item()

# %% [mle.gaussian_mle] the mean divided by n - 1
# hint: The mean itself was divided by n - 1. Set the derivative for mu to 0 and look at what n draws give.
mean = x.sum() / (len(x) - 1)
return mean, ((x - mean) ** 2).mean()

# %% [mle.gaussian_mle] the logarithm of the standard deviation
# hint: You return log sigma, as networks do. Asked for is the variance.
return x.mean(), x.std(correction=0).log()

# %% [mle.gaussian_mle] the variance keeps an axis
# hint: The variance has shape (1,). It should have no axes.
return x.mean(), x.var(dim=0, correction=0, keepdim=True)

# %% [mle.gaussian_mle] torch's order
# hint: torch.std_mean and torch.var_mean give the spread first and the mean last, they divide by n - 1, and std is a
# hint: root. Asked for are the mean, then the variance of your derivation.
std, mean = torch.std_mean(x)
return std, mean

# %% [mle.gaussian_mle] torch's order, divided by n - 1
# hint: torch.var_mean gives the variance first and the mean last, and divides by n - 1 unless it is told otherwise.
var, mean = torch.var_mean(x)
return var, mean

# ---- mle.entropy -----------------------------------------------------------------------------------------------------

# %% [mle.entropy] NaN at p = 0
# hint: Where p is 0 you compute 0 times minus infinity, which is no number, and the sum with it. An event that never
# hint: happens contributes 0: how can its term be kept out?
# edit: torch.special.xlogy(p, p).sum(-1) → (p * p.log()).sum(-1)

# %% [mle.entropy] NaN made 0 after the sum
# hint: One NaN spoils the sum of its whole row, and then you set the whole row to 0. Deal with the term, before the
# hint: sum.
# edit: torch.special.xlogy(p, p).sum(-1) → (p * p.log()).sum(-1).nan_to_num(0.0)

# %% [mle.entropy] all rows in one sum
# hint: All distributions ended up in one number. Either the sum goes over every axis, or a mask such as p[p > 0] made
# hint: one long list of all rows. Only the last axis goes: change the terms where p is 0, do not drop them.
# edit: torch.special.xlogy(p, p).sum(-1) → torch.special.xlogy(p, p).sum()

# %% [mle.entropy] the first axis summed
# hint: The sum runs over the first axis. The probabilities of one distribution lie along the last.
# edit: torch.special.xlogy(p, p).sum(-1) → torch.special.xlogy(p, p).sum(0)

# %% [mle.entropy] the mean over the events
# hint: You divide by the number of events. The mean surprise is weighted with p, and those weights sum to 1 already.
# edit: torch.special.xlogy(p, p).sum(-1) → torch.special.xlogy(p, p).mean(-1)

# %% [mle.entropy] nothing summed
# hint: You return one number for each event. The entropy is their sum over the last axis.
# edit: torch.special.xlogy(p, p).sum(-1) → torch.special.xlogy(p, p)

# %% [mle.entropy] an axis is kept
# hint: The last axis has length 1 now. It should be gone.
# edit: torch.special.xlogy(p, p).sum(-1) → torch.special.xlogy(p, p).sum(-1, keepdim=True)

# %% [mle.entropy] surprises not weighted
# hint: All surprises are simply added. A mean weights each with how often the event happens.
# edit: torch.special.xlogy(p, p).sum(-1) → p.log().sum(-1)

# %% [mle.entropy] surprises averaged without weights
# hint: Every event counts the same in your mean. A mean surprise weights each event with how often it happens.
# edit: torch.special.xlogy(p, p).sum(-1) → p.log().mean(-1)

# %% [mle.entropy] each event as a coin of its own
# hint: You added the term of "it does not happen" for every event. The other events are that already.
# edit: torch.special.xlogy(p, p).sum(-1) → (torch.special.xlogy(p, p) + torch.special.xlogy(1 - p, 1 - p)).sum(-1)

# %% [mle.entropy] probabilities taken for logits
# hint: p went through a softmax, as logits would. It is a distribution already (in torch: probs=, not logits=).
# edit: -torch.special.xlogy(p, p).sum(-1) → torch.distributions.Categorical(logits=p).entropy()

# %% [mle.entropy] 1/p without its logarithm
# hint: Without a logarithm p times 1/p is 1 for every event: you count events.
# edit: -torch.special.xlogy(p, p).sum(-1) → (p > 0).float().sum(-1)

# %% [mle.entropy] the largest surprise
# hint: You return the largest of the terms. The mean is their sum over the last axis.
# edit: -torch.special.xlogy(p, p).sum(-1) → (-torch.special.xlogy(p, p)).amax(-1)

# %% [mle.entropy] written into what was given
# hint: The zeros of the caller's own p were overwritten. Work on a new tensor.
# replace:
nats = -torch.special.xlogy(p, p).sum(-1)  # xlogy(0, 0) = 0
# by:
p[p == 0] = 1
nats = -(p * p.log()).sum(-1)

# %% [mle.entropy] nats for bits
# hint: The values are too small by log 2 = 0.69: these are nats. Bits need the logarithm to base 2.
# edit: nats / math.log(2) → nats

# %% [mle.entropy] multiplied by log 2
# hint: From nats to bits the number grows: a bit is smaller than a nat. You multiplied where you should divide.
# edit: nats / math.log(2) → nats * math.log(2)

# %% [mle.entropy] base 10
# hint: This is the logarithm to base 10. A fair coin should give exactly 1 bit.
# edit: math.log(2) → math.log(10)

# %% [mle.entropy] negative
# hint: Surprise is never negative: the logarithm of a probability is, so a minus belongs before it.
# edit: return nats → return -nats

# %% [mle.entropy] the number of equally likely events
# hint: You return 2 to the power of the entropy (the perplexity). Asked for are the bits.
# edit: nats / math.log(2) → nats.exp()

# %% [mle.entropy] one minus the squares
# hint: One minus the sum of squares is another measure of mixture (Gini's). Surprise needs a logarithm.
# edit: nats / math.log(2) → 1 - (p**2).sum(-1)

# %% [mle.entropy] no tensor returned
# hint: Return a torch tensor: no .item(), no float of Python, no array of numpy.
# edit: nats / math.log(2) → (nats / math.log(2)).tolist()

# %% [mle.entropy] nats for bits, and NaN at p = 0
# hint: Two things: these are nats, and bits need base 2. And where p is 0 you compute 0 times minus infinity, which is
# hint: no number; such an event contributes 0.
return -(p * p.log()).sum(-1)

# %% [mle.entropy] negative, and NaN at p = 0
# hint: Two things: the minus before the logarithm is missing. And where p is 0 you compute 0 times minus infinity,
# hint: which is no number; such an event contributes 0.
return (p * p.log2()).sum(-1)

# %% [mle.entropy] base 10, and NaN at p = 0
# hint: Two things: this is the logarithm to base 10. And where p is 0 you compute 0 times minus infinity, which is no
# hint: number.
return -(p * p.log10()).sum(-1)

# %% [mle.entropy] negative, in nats
# hint: Two things: the minus before the logarithm is missing, and these are nats.
return torch.special.xlogy(p, p).sum(-1)

# %% [mle.entropy] negative, in nats, and NaN at p = 0
# hint: Three things: the minus is missing, these are nats, and 0 times the logarithm of 0 is no number for a computer.
return (p * p.log()).sum(-1)

# %% [mle.entropy] all rows in one sum, in nats
# hint: Two things: all distributions ended up in one number, and these are nats.
return -torch.special.xlogy(p, p).sum()

# %% [mle.entropy] all rows in one sum, and NaN at p = 0
# hint: Two things: all distributions ended up in one number. And where p is 0 you compute 0 times minus infinity, which
# hint: is no number.
return -(p * p.log2()).sum()

# %% [mle.entropy] axis 1
# hint: sum(1) needs a second axis, and a single distribution has one only. The last axis is meant, however many there
# hint: are.
return -torch.special.xlogy(p, p).sum(1) / math.log(2)

# %% [mle.entropy] a loop over rows for events
# hint: It works for one distribution only: with several, a loop `for v in p` gives whole rows, not numbers. Compute
# hint: with the tensor at once, over its last axis.
return -sum((v * v.log2() for v in p if v > 0), torch.tensor(0.0))

# %% [mle.entropy] the logarithm moved away from 0 by much
# hint: The surprises are off a little everywhere: what you added inside the logarithm is too large. It is better to add
# hint: nothing, and to keep terms with p = 0 out.
return -(p * (p + 1e-3).log2()).sum(-1)

# %% [mle.entropy] -log2 p alone
# hint: You return the surprise of every event. The entropy is their mean: weighted with p, and summed over the last
# hint: axis.
return -p.log2()

# %% [mle.entropy] surprises added without their weights, 0 left out
# hint: The surprises are added up, not averaged: each event's surprise counts as often as the event happens.
return -torch.where(p > 0, p, 1.0).log2().sum(-1)

# ---- mle.cross_entropy -----------------------------------------------------------------------------------------------

# %% [mle.cross_entropy] p and q exchanged
# hint: Here q says how often and p how surprising. It is the other way round: events come from p, and q is believed.
# edit: p, q → q, p

# %% [mle.cross_entropy] NaN where both are 0
# hint: Where p and q are both 0 you compute 0 times minus infinity, which is no number. An event that never happens
# hint: contributes 0, whatever q says.
# edit: torch.special.xlogy(p, q).sum(-1) → (p * q.log()).sum(-1)

# %% [mle.cross_entropy] NaN made 0 after the sum
# hint: One NaN spoils the sum of its whole row, and then you set the whole row to 0. Deal with the term, before the
# hint: sum.
# replace:
nats = -torch.special.xlogy(p, q).sum(-1)
# by:
nats = -(p * q.log()).sum(-1)
nats = torch.where(nats.isnan(), 0.0, nats)

# %% [mle.cross_entropy] an impossible event costs nothing, or not enough
# hint: What p lets happen and q calls impossible should cost infinitely much. You kept q = 0 away from the logarithm,
# hint: by a mask, by something small, or by nan_to_num, which makes infinity a large number; it is p = 0 that makes a
# hint: term vanish.
# edit: torch.special.xlogy(p, q).sum(-1) → torch.where(q > 0, p * q.log(), 0.0).sum(-1)

# %% [mle.cross_entropy] the whole tensor summed up
# hint: All pairs ended up in one number. Either the sum goes over every axis, or a mask made one long list of all rows.
# hint: Only the last axis goes.
# edit: torch.special.xlogy(p, q).sum(-1) → torch.special.xlogy(p, q).sum()

# %% [mle.cross_entropy] the first axis summed
# hint: The sum runs over the first axis. The probabilities of one distribution lie along the last.
# edit: torch.special.xlogy(p, q).sum(-1) → torch.special.xlogy(p, q).sum(0)

# %% [mle.cross_entropy] the mean over the events
# hint: You divide by the number of events. The mean is weighted with p, and those weights sum to 1 already.
# edit: torch.special.xlogy(p, q).sum(-1) → torch.special.xlogy(p, q).mean(-1)

# %% [mle.cross_entropy] nothing summed
# hint: You return one number for each event. The cross-entropy is their sum over the last axis.
# edit: torch.special.xlogy(p, q).sum(-1) → torch.special.xlogy(p, q)

# %% [mle.cross_entropy] an axis is kept
# hint: The last axis has length 1 now. It should be gone.
# edit: torch.special.xlogy(p, q).sum(-1) → torch.special.xlogy(p, q).sum(-1, keepdim=True)

# %% [mle.cross_entropy] the entropy of p
# hint: Your value does not depend on q at all.
# edit: p, q → p, p + 0 * q

# %% [mle.cross_entropy] the entropy of q
# hint: Your value does not depend on p at all: it is the entropy of q. How often events happen is said by p.
# edit: p, q → q, q

# %% [mle.cross_entropy] every event as a yes-or-no question
# hint: This is the binary cross-entropy of every event, with a term for its not happening. The other events are that
# hint: already.
# edit: torch.special.xlogy(p, q).sum(-1) → (torch.special.xlogy(p, q) + torch.special.xlogy(1 - p, 1 - q)).sum(-1)

# %% [mle.cross_entropy] probabilities taken for logits
# hint: torch's cross_entropy takes logits and sends them through a softmax; q is a distribution already.
# edit: torch.special.xlogy(p, q).sum(-1) → (p * q.log_softmax(-1)).sum(-1)

# %% [mle.cross_entropy] probabilities taken for logits, in nats and on average
# hint: torch's cross_entropy takes logits, returns nats, and averages over the rows. Here q is a distribution, the unit
# hint: is bits, and every row has a value of its own.
# edit: torch.special.xlogy(p, q).sum(-1) → (p * q.log_softmax(-1)).sum(-1)
# edit: nats / math.log(2) → nats.mean()

# %% [mle.cross_entropy] the gradient is cut off
# hint: The values are right, but q's gradient does not come through. Stay with the tensors themselves.
# edit: p, q → p, q.detach()

# %% [mle.cross_entropy] written into what was given
# hint: q itself was changed (by q[p == 0] = 1 or the like). Make a new tensor: torch.where does.
# edit: nats = -torch.special.xlogy(p, q).sum(-1) → q[p == 0] = 1
# edit: return nats / math.log(2) → return -(p * q.log2()).sum(-1)

# %% [mle.cross_entropy] nats for bits
# hint: The values are too small by log 2 = 0.69: these are nats. Bits need the logarithm to base 2.
# edit: nats / math.log(2) → nats

# %% [mle.cross_entropy] multiplied by log 2
# hint: From nats to bits the number grows. You multiplied where you should divide.
# edit: nats / math.log(2) → nats * math.log(2)

# %% [mle.cross_entropy] base 10
# hint: This is the logarithm to base 10. Bits need base 2.
# edit: math.log(2) → math.log(10)

# %% [mle.cross_entropy] negative
# hint: Surprise is never negative: the logarithm of a probability is, so a minus belongs before it.
# edit: return nats → return -nats

# %% [mle.cross_entropy] the divergence
# hint: Your value is 0 where p equals q: that is the divergence, the next exercise. The cross-entropy of a fair coin
# hint: with itself is 1 bit.
# edit: return nats → return (nats + torch.special.xlogy(p, p).sum(-1))

# %% [mle.cross_entropy] no tensor returned
# hint: Return a torch tensor: no .item(), no float of Python, no array of numpy.
# edit: nats / math.log(2) → (nats / math.log(2)).tolist()

# %% [mle.cross_entropy] nats for bits, and NaN where both are 0
# hint: Two things: these are nats, and bits need base 2. And where p and q are both 0 you compute 0 times minus
# hint: infinity, which is no number.
return -(p * q.log()).sum(-1)

# %% [mle.cross_entropy] exchanged, and NaN where both are 0
# hint: Two things: q says how often here and p how surprising, and it is the other way round. And 0 times minus
# hint: infinity is no number.
return -(q * p.log2()).sum(-1)

# %% [mle.cross_entropy] exchanged, in nats, and NaN where both are 0
# hint: Three things: p and q have each other's place, these are nats, and 0 times minus infinity is no number.
return -(q * p.log()).sum(-1)

# %% [mle.cross_entropy] exchanged, in nats
# hint: Two things: p and q have each other's place, and these are nats.
return -torch.special.xlogy(q, p).sum(-1)

# %% [mle.cross_entropy] negative, and NaN where both are 0
# hint: Two things: the minus before the logarithm is missing. And where p and q are both 0 you compute 0 times minus
# hint: infinity, which is no number.
return (p * q.log2()).sum(-1)

# %% [mle.cross_entropy] negative, in nats, and NaN where both are 0
# hint: Three things: the minus is missing, these are nats, and 0 times minus infinity is no number.
return (p * q.log()).sum(-1)

# %% [mle.cross_entropy] nats, and an impossible event costs too little
# hint: Two things: these are nats, and q = 0 was kept away from the logarithm, so that what q calls impossible costs
# hint: too little when it happens.
return -(p * q.clamp_min(1e-12).log()).sum(-1)

# %% [mle.cross_entropy] exchanged, and an impossible event costs too little
# hint: Two things: p and q have each other's place, and zeros were kept away from the logarithm.
return -torch.where(p > 0, q * p.log2(), 0.0).sum(-1)

# %% [mle.cross_entropy] all rows in one sum, in nats
# hint: Two things: all pairs ended up in one number, and these are nats.
return -torch.special.xlogy(p, q).sum()

# %% [mle.cross_entropy] all rows in one sum, and NaN where both are 0
# hint: Two things: all pairs ended up in one number. And where p and q are both 0 you compute 0 times minus infinity,
# hint: which is no number.
return -(p * q.log2()).sum()

# %% [mle.cross_entropy] NaN at p = 0
# hint: Where p is 0 you compute 0 times minus infinity, or divide by 0. Such an event contributes nothing. (The cross-
# hint: entropy needs no logarithm of p.)
return (p * (p / q).log2() - p * p.log2()).sum(-1)

# %% [mle.cross_entropy] axis 1
# hint: sum(1) needs a second axis, and a single distribution has one only. The last axis is meant, however many there
# hint: are.
return -torch.special.xlogy(p, q).sum(1) / math.log(2)

# %% [mle.cross_entropy] torch's binary cross-entropy
# hint: torch's binary_cross_entropy asks a yes-or-no question of every event, in nats, and averages over all of them.
# hint: Here the events exclude each other.
return -(torch.special.xlogy(p, q) + torch.special.xlogy(1 - p, 1 - q)).mean()

# %% [mle.cross_entropy] surprises not weighted
# hint: All surprises are simply added. A mean weights each with how often the event happens.
return -q.log2().sum(-1) + 0 * p.sum(-1)

# %% [mle.cross_entropy] torch's cross_entropy of probabilities, in bits
# hint: torch's cross_entropy takes logits, and q is a distribution already. With several rows it averages over them,
# hint: where every row should have a value of its own.
return -(p * q.log_softmax(-1)).sum(-1).mean() / math.log(2)

# %% [mle.cross_entropy] by way of numpy
# hint: Tensors left torch on the way. numpy keeps no gradient, and gives a number of its own where a tensor without
# hint: axes is meant: the same functions exist in torch.
import numpy as np
with np.errstate(divide="ignore"):
    logs = np.log2(np.where(p.numpy() > 0, q.detach().numpy(), 1.0))
return torch.from_numpy(-(p.numpy() * logs).sum(-1))

# %% [mle.cross_entropy] by way of numpy, and NaN where both are 0
# hint: Two things: 0 times minus infinity is no number where p and q are both 0. And numpy keeps no gradient: the same
# hint: functions exist in torch.
import numpy as np
with np.errstate(all="ignore"):
    return torch.as_tensor(-(p.numpy() * np.log2(q.numpy())).sum(-1))

# ---- mle.kl_divergence -----------------------------------------------------------------------------------------------

# %% [mle.kl_divergence] p and q exchanged
# hint: This is the divergence the other way round, KL(q || p). Events come from p.
# edit: cross_entropy(p, q) - entropy(p) → cross_entropy(q, p) - entropy(q)

# %% [mle.kl_divergence] nats for bits
# hint: The values are too small by log 2 = 0.69: these are nats.
# edit: cross_entropy(p, q) - entropy(p) → (cross_entropy(p, q) - entropy(p)) * math.log(2)

# %% [mle.kl_divergence] exchanged, and in nats
# hint: Two things: it is KL(q || p), and it is in nats. torch's kl_div(input, target) takes the *logarithm* of the
# hint: believed distribution first and the true one second.
# edit: cross_entropy(p, q) - entropy(p) → (cross_entropy(q, p) - entropy(q)) * math.log(2)

# %% [mle.kl_divergence] negative
# hint: A divergence is never negative. Which of the two in equation (8) is the larger one?
# edit: cross_entropy(p, q) - entropy(p) → entropy(p) - cross_entropy(p, q)

# %% [mle.kl_divergence] the cross-entropy
# hint: This is the cross-entropy. The divergence is what is paid on top of the entropy of p, and is 0 where q = p.
# edit: cross_entropy(p, q) - entropy(p) → cross_entropy(p, q)

# %% [mle.kl_divergence] the entropy of q taken off
# hint: You subtracted the entropy of q. The one to subtract is what the right belief costs, and events come from p.
# edit: entropy(p) → entropy(q)

# %% [mle.kl_divergence] the entropy added
# hint: The entropy is added. Equation (8) takes it off.
# edit: cross_entropy(p, q) - entropy(p) → cross_entropy(p, q) + entropy(p)

# %% [mle.kl_divergence] two entropies
# hint: This is the difference of two entropies, in which p and q never meet. The first term of (8) needs both.
# edit: cross_entropy(p, q) → entropy(q)

# %% [mle.kl_divergence] the arguments of the cross-entropy exchanged
# hint: The entropy of p is right, but the cross-entropy before it has its arguments exchanged.
# edit: p, q → q, p

# %% [mle.kl_divergence] the sum of both directions
# hint: You added the two directions. The divergence of p from q is one of them.
# edit: entropy(p) → entropy(p) + cross_entropy(q, p) - entropy(q)

# %% [mle.kl_divergence] the mean of both directions
# hint: You averaged the two directions. The divergence of p from q is one of them.
# edit: cross_entropy(p, q) - entropy(p) → (cross_entropy(p, q) - entropy(p) + cross_entropy(q, p) - entropy(q)) / 2

# %% [mle.kl_divergence] absolute values of the terms
# hint: The terms of the sum were made positive one by one. Single terms may be negative; only the sum is not.
# replace:
return cross_entropy(p, q) - entropy(p)
# by:
return (torch.special.xlogy(p, p) - torch.special.xlogy(p, q)).abs().sum(-1) / math.log(2)

# %% [mle.kl_divergence] NaN at p = 0
# hint: Where p is 0, p * log(p / q) is 0 times minus infinity, which is no number. An event that never happens
# hint: contributes 0. (Equation (8) has both parts, and they know that already.)
# edit: cross_entropy(p, q) - entropy(p) → (p * (p / q).log2()).sum(-1)

# %% [mle.kl_divergence] NaN where both are 0
# hint: Where p and q are both 0, something infinite is multiplied by 0, or 0 is divided by 0. An event that never
# hint: happens contributes 0, whatever q says.
# edit: cross_entropy(p, q) - entropy(p) → torch.special.xlogy(p, p / q).sum(-1) / math.log(2)

# %% [mle.kl_divergence] an impossible event costs nothing, or not enough
# hint: What p lets happen and q calls impossible should cost infinitely much. You kept q = 0 away from the logarithm,
# hint: by a mask or by something small; it is p = 0 that makes a term vanish.
# replace:
return cross_entropy(p, q) - entropy(p)
# by:
return (torch.special.xlogy(p, p) - torch.special.xlogy(p, q.clamp_min(1e-12))).sum(-1) / math.log(2)

# %% [mle.kl_divergence] the whole tensor summed up
# hint: All pairs ended up in one number. Either the sum goes over every axis, or a mask made one long list of all rows.
# hint: Only the last axis goes.
# edit: cross_entropy(p, q) - entropy(p) → (cross_entropy(p, q) - entropy(p)).sum()

# %% [mle.kl_divergence] summed up, in nats
# hint: torch's kl_div with reduction="sum" gives nats, and one number for all rows. Here the unit is bits, and every
# hint: row has a value of its own.
# edit: cross_entropy(p, q) - entropy(p) → (cross_entropy(p, q) - entropy(p)).sum() * math.log(2)

# %% [mle.kl_divergence] averaged over the rows
# hint: All pairs are averaged into one number. Every row has a value of its own.
# edit: cross_entropy(p, q) - entropy(p) → (cross_entropy(p, q) - entropy(p)).mean()

# %% [mle.kl_divergence] the mean over the events
# hint: You divide by the number of events. The mean is weighted with p, and those weights sum to 1 already.
# edit: cross_entropy(p, q) - entropy(p) → (cross_entropy(p, q) - entropy(p)) / p.shape[-1]

# %% [mle.kl_divergence] nothing summed
# hint: You return one number for each event. The divergence is their sum over the last axis.
# edit: cross_entropy(p, q) - entropy(p) → (torch.special.xlogy(p, p) - torch.special.xlogy(p, q)) / math.log(2)

# %% [mle.kl_divergence] an axis is kept
# hint: The last axis has length 1 now. It should be gone.
# edit: cross_entropy(p, q) - entropy(p) → (cross_entropy(p, q) - entropy(p))[..., None]

# %% [mle.kl_divergence] the logarithm not weighted
# hint: The logarithms of p / q are summed, or averaged, as if every event happened equally often. Weight them with p.
# edit: cross_entropy(p, q) - entropy(p) → (p.log2() - q.log2()).sum(-1)

# %% [mle.kl_divergence] weighted with q
# hint: The logarithm of p / q is right, but its mean is taken over q. Events come from p.
# edit: cross_entropy(p, q) - entropy(p) → (torch.special.xlogy(q, p) - torch.special.xlogy(q, q)).sum(-1) / math.log(2)

# %% [mle.kl_divergence] q's logarithm forgotten in kl_div
# hint: torch's kl_div wants the logarithm of q as its first argument. It was given q itself.
# edit: cross_entropy(p, q) - entropy(p) → (torch.special.xlogy(p, p) - p * q).sum(-1) / math.log(2)

# %% [mle.kl_divergence] q's logarithm forgotten in kl_div, in nats
# hint: torch's kl_div wants the logarithm of q as its first argument. It was given q itself, and it answers in nats.
# edit: cross_entropy(p, q) - entropy(p) → (torch.special.xlogy(p, p) - p * q).sum(-1)

# %% [mle.kl_divergence] the gradient is cut off
# hint: The values are right, but q's gradient does not come through. Stay with the tensors themselves.
# edit: p, q → p, q.detach()

# %% [mle.kl_divergence] no tensor returned
# hint: Return a torch tensor: no .item(), no float of Python, no array of numpy.
# edit: cross_entropy(p, q) - entropy(p) → (cross_entropy(p, q) - entropy(p)).tolist()

# %% [mle.kl_divergence] nats for bits, and NaN at p = 0
# hint: Two things: these are nats. And where p is 0, p * log(p / q) is 0 times minus infinity, which is no number.
# edit: cross_entropy(p, q) - entropy(p) → (p * (p / q).log()).sum(-1)

# %% [mle.kl_divergence] nats for bits, and NaN where both are 0
# hint: Two things: these are nats, as torch's kl_div gives them. And where p and q are both 0, 0 times minus infinity
# hint: is no number.
# edit: cross_entropy(p, q) - entropy(p) → (torch.special.xlogy(p, p) - p * q.log()).sum(-1)

# %% [mle.kl_divergence] exchanged, and NaN where both are 0
# hint: Two things: this is KL(q || p), with the events from q. And where p and q are both 0 something infinite is
# hint: multiplied by 0.
# edit: cross_entropy(p, q) - entropy(p) → (torch.special.xlogy(q, q) - q * p.log()).sum(-1) / math.log(2)

# %% [mle.kl_divergence] exchanged, in nats, and NaN at q = 0
# hint: Three things: this is KL(q || p), it is in nats, and 0 times minus infinity is no number.
# edit: cross_entropy(p, q) - entropy(p) → (q * (q / p).log()).sum(-1)

# %% [mle.kl_divergence] upside down, and NaN at p = 0
# hint: Two things: the ratio in the logarithm is upside down, so that the divergence is negative. And where p is 0 the
# hint: term is no number.
# edit: cross_entropy(p, q) - entropy(p) → (p * (q / p).log2()).sum(-1)

# %% [mle.kl_divergence] upside down, in nats, and NaN at p = 0
# hint: Three things: the ratio in the logarithm is upside down, these are nats, and where p is 0 the term is no number.
# edit: cross_entropy(p, q) - entropy(p) → (p * (q / p).log()).sum(-1)

# %% [mle.kl_divergence] weighted with q, and not finite at 0
# hint: Two things: the logarithm of p / q is right, but its mean is taken over q. And it is infinite where one of them
# hint: is 0.
# edit: cross_entropy(p, q) - entropy(p) → (q * (p / q).log2()).sum(-1)

# %% [mle.kl_divergence] torch's kl_div summed up
# hint: The unit is right, but kl_div with reduction="sum" gives one number for all rows, and where both are 0 it gives
# hint: no number at all.
# edit: cross_entropy(p, q) - entropy(p) → (torch.special.xlogy(p, p) - p * q.log()).sum() / math.log(2)

# %% [mle.kl_divergence] torch's kl_div summed up, in nats
# hint: kl_div with reduction="sum" gives nats and one number for all rows, and where both are 0 no number at all. Every
# hint: row has a value of its own.
# edit: cross_entropy(p, q) - entropy(p) → (torch.special.xlogy(p, p) - p * q.log()).sum()

# %% [mle.kl_divergence] torch's kl_div exchanged and summed up
# hint: Three things: kl_div(input, target) takes the logarithm of the believed distribution first, it gives nats, and
# hint: reduction="sum" gives one number for all rows.
# edit: cross_entropy(p, q) - entropy(p) → (torch.special.xlogy(q, q) - q * p.log()).sum()

# %% [mle.kl_divergence] torch's kl_div averaged
# hint: kl_div averages over all events and rows unless it is told otherwise, and gives nats. Every row has a value of
# hint: its own.
# edit: cross_entropy(p, q) - entropy(p) → (torch.special.xlogy(p, p) - p * q.log()).mean()

# %% [mle.kl_divergence] torch's kl_div averaged over the first axis
# hint: "batchmean" divides by the length of the first axis and gives one number for all rows. Every row has a value of
# hint: its own.
# edit: cross_entropy(p, q) - entropy(p) → (torch.special.xlogy(p, p) - p * q.log()).sum() / len(p) / math.log(2)

# %% [mle.kl_divergence] torch's kl_div averaged over the first axis, in nats
# hint: "batchmean" divides by the length of the first axis and gives one number, in nats. Every row has a value of its
# hint: own.
# edit: cross_entropy(p, q) - entropy(p) → (torch.special.xlogy(p, p) - p * q.log()).sum() / len(p)

# %% [mle.kl_divergence] torch's kl_div without any logarithm, averaged
# hint: torch's kl_div wants the logarithm of q first and p second, gives nats, and averages over everything. None of
# hint: these fits here.
# edit: cross_entropy(p, q) - entropy(p) → (torch.special.xlogy(q, q) - q * p).mean()

# %% [mle.kl_divergence] torch's kl_div with bits and nats mixed
# hint: kl_div takes the natural logarithm of p itself. Give it that of q too, and turn the sum into bits.
# edit: cross_entropy(p, q) - entropy(p) → (torch.special.xlogy(p, p) - p * q.log2()).sum(-1)

# %% [mle.kl_divergence] bits made of bits
# hint: Both parts of (8) are in bits already, and you divide by log 2 once more.
# edit: cross_entropy(p, q) - entropy(p) → (cross_entropy(p, q) - entropy(p)) / math.log(2)

# %% [mle.kl_divergence] two entropies, made positive
# hint: This is how far two entropies are apart; p and q never meet in it. The first term of (8) needs both.
# edit: cross_entropy(p, q) - entropy(p) → (entropy(p) - entropy(q)).abs()

# %% [mle.kl_divergence] axis 1
# hint: sum(1) needs a second axis, and a single distribution has one only. The last axis is meant, however many there
# hint: are.
# edit: cross_entropy(p, q) - entropy(p) → (torch.special.xlogy(p, p) - torch.special.xlogy(p, q)).sum(1) / math.log(2)

# %% [mle.kl_divergence] nats, and an impossible event costs too little
# hint: Two things: these are nats, and q = 0 was kept away from the logarithm, so that what q calls impossible costs
# hint: too little when it happens.
# edit: cross_entropy(p, q) - entropy(p) → (torch.special.xlogy(p, p) - p * q.clamp_min(1e-12).log()).sum(-1)

# %% [mle.kl_divergence] NaN in the gradient where p is 0
# hint: The values are right, but the gradient is NaN where p is 0, though q is not: the logarithm's slope at 0 is
# hint: infinite, and `where` or `nan_to_num` after it hides the value only. Let no logarithm see the 0, or use (8).
# edit: cross_entropy(p, q) - entropy(p) → torch.where(p > 0, p * (p / q).log2(), 0.0).sum(-1)

# %% [mle.kl_divergence] torch's kl_div, with NaN where both are 0
# hint: torch's kl_div multiplies p with the logarithm of q that you give it. Where both are 0 that is 0 times minus
# hint: infinity, which is no number. Which q could it be given where p is 0?
# edit: cross_entropy(p, q) - entropy(p) → (torch.special.xlogy(p, p) - p * q.log()).sum(-1) / math.log(2)

# %% [mle.kl_divergence] nan_to_num
# hint: nan_to_num makes infinity a large number too, and what q calls impossible should cost infinitely much. It also
# hint: leaves NaN in the gradient where p is 0. Choose by p = 0 what the logarithm gets to see, or use (8).
# edit: cross_entropy(p, q) - entropy(p) → (p * (p / q).log2()).nan_to_num().sum(-1)

# %% [mle.kl_divergence] nan_to_num, and nats
# hint: Two things: these are nats. And nan_to_num makes infinity a large number too, where what q calls impossible
# hint: should cost infinitely much, and leaves NaN in the gradient.
# edit: cross_entropy(p, q) - entropy(p) → torch.special.xlogy(p, p / q).nan_to_num().sum(-1)

# %% [mle.kl_divergence] NaN in the gradient where p is 0, and nats
# hint: Two things: these are nats. And the gradient is NaN where p is 0: `where` or `nan_to_num` after the logarithm
# hint: hides the value only.
# edit: cross_entropy(p, q) - entropy(p) → torch.where(p > 0, p * (p / q).log(), 0.0).sum(-1)

# %% [mle.kl_divergence] surprises without their weights
# hint: The differences of surprise are added up, not averaged: each counts as often as its event happens, so p times.
# edit: cross_entropy(p, q) - entropy(p) → (torch.where(p > 0, p, 1.0).log2() - q.log2()).sum(-1)

# %% [mle.kl_divergence] by way of numpy
# hint: Tensors left torch on the way. numpy keeps no gradient, and gives a number of its own where a tensor without
# hint: axes is meant: the same functions exist in torch.
import numpy as np
return torch.from_numpy((cross_entropy(p, q) - entropy(p)).detach().numpy().sum(-1, keepdims=False))

# ---- mle.kl_gaussian_standard ----------------------------------------------------------------------------------------

# %% [mle.kl_gaussian_standard] the half is forgotten
# hint: Your value is twice too large. Both densities of (5) carry a ½ before every term.
# edit: 0.5 * (mu**2 + logvar.exp() - 1 - logvar) → mu**2 + logvar.exp() - 1 - logvar

# %% [mle.kl_gaussian_standard] negative
# hint: A divergence is never negative: all signs are the other way round.
# edit: return 0. → return -0.

# %% [mle.kl_gaussian_standard] the one is forgotten
# hint: For mu = 0 and sigma = 1 both densities are the same, and your value is not 0. The expectation of (x - mu)² / σ²
# hint: is a number that does not vanish.
# edit: 1 - logvar → logvar

# %% [mle.kl_gaussian_standard] the one has the wrong sign
# hint: For mu = 0 and sigma = 1 both densities are the same, and your value is 1. One sign is wrong.
# edit: logvar.exp() - 1 → logvar.exp() + 1

# %% [mle.kl_gaussian_standard] the one outside of the bracket
# hint: For mu = 0 and sigma = 1 your value is -½ or ½, not 0: the ½ multiplies every term, also the number without x.
# edit: (mu**2 + logvar.exp() - 1 - logvar) → (mu**2 + logvar.exp() - logvar) - 1

# %% [mle.kl_gaussian_standard] log sigma^2 with the wrong sign
# hint: A very narrow q is far from the standard normal, so the divergence must grow as log σ² falls. Look at the sign
# hint: of that term.
# edit: 1 - logvar → 1 + logvar

# %% [mle.kl_gaussian_standard] log sigma^2 is forgotten
# hint: The term with log σ² is missing: it comes from the normalising factor of q, and the standard normal has none to
# hint: cancel it.
# edit: 1 - logvar → 1

# %% [mle.kl_gaussian_standard] mu is not squared
# hint: The mean enters linearly, so that a shift to the left would make q closer. The expectation of x² is asked for.
# edit: mu**2 → mu

# %% [mle.kl_gaussian_standard] the absolute mu
# hint: The mean enters by its absolute value. The expectation of x² holds its square.
# edit: mu**2 → mu.abs()

# %% [mle.kl_gaussian_standard] mu is forgotten
# hint: Your value does not depend on mu. The expectation of x² is σ² only for mu = 0.
# edit: mu**2 → 0 * mu

# %% [mle.kl_gaussian_standard] mu with the wrong sign
# hint: A shifted q comes out as closer. The square of the mean is added.
# edit: mu**2 → -(mu**2)

# %% [mle.kl_gaussian_standard] sigma for sigma^2
# hint: Half of logvar in the exponential gives σ. The expectation of (x - mu)² is σ².
# edit: logvar.exp() → (0.5 * logvar).exp()

# %% [mle.kl_gaussian_standard] logvar taken for log sigma
# hint: logvar is the logarithm of σ² already, and you treat it as that of σ: exp(logvar) is the variance, not the
# hint: standard deviation.
# edit: logvar.exp() - 1 - logvar → (2 * logvar).exp() - 1 - 2 * logvar

# %% [mle.kl_gaussian_standard] the variance squared
# hint: exp(logvar) is σ² already; you squared it once more.
# edit: logvar.exp() → logvar.exp() ** 2

# %% [mle.kl_gaussian_standard] log sigma for log sigma^2
# hint: The logarithm is halved twice: ½ stands before the bracket, and log σ² inside it.
# edit: - logvar → - 0.5 * logvar

# %% [mle.kl_gaussian_standard] log sigma^2 doubled
# hint: The term with log σ² is twice too large.
# edit: - logvar → - 2 * logvar

# %% [mle.kl_gaussian_standard] logvar taken for the variance
# hint: logvar holds a logarithm, and may be negative. You used it as if it were σ², and took its logarithm again.
# edit: logvar.exp() - 1 - logvar → logvar - 1 - logvar.log()

# %% [mle.kl_gaussian_standard] the exponential is forgotten
# hint: The two terms with logvar cancel here. One of them is σ², the exponential of logvar.
# edit: logvar.exp() → logvar

# %% [mle.kl_gaussian_standard] the other direction
# hint: This is the divergence of N(0, 1) from q. In (11) the expectation is over q.
# edit: mu**2 + logvar.exp() - 1 - logvar → logvar + (1 + mu**2) * (-logvar).exp() - 1

# %% [mle.kl_gaussian_standard] mu divided by the variance
# hint: The mean is measured in units of σ, as for q itself. It is the standard normal's density that it meets.
# edit: mu**2 → mu**2 * (-logvar).exp()

# %% [mle.kl_gaussian_standard] only mu is halved
# hint: The ½ reaches one term only. It stands before all of them.
# edit: (mu**2 + logvar.exp() - 1 - logvar) → mu**2 + logvar.exp() - 1 - logvar

# %% [mle.kl_gaussian_standard] only the logarithm is halved
# hint: The ½ reaches one term only. It stands before all of them. (log σ is right, and the other three need their ½
# hint: too.)
# edit: 0.5 * (mu**2 + logvar.exp() - 1 - logvar) → mu**2 + logvar.exp() - 1 - 0.5 * logvar

# %% [mle.kl_gaussian_standard] the mu of the sampled point
# hint: The expectation of x² is more than mu²: draws scatter around their mean. The term with σ² is missing.
# edit: 2 + logvar.exp() → 2

# %% [mle.kl_gaussian_standard] bits for nats
# hint: Your values are too large by 1.44: they are bits. Here nats are asked for.
# edit: (mu**2 + logvar.exp() - 1 - logvar) → (mu**2 + logvar.exp() - 1 - logvar) / math.log(2)

# %% [mle.kl_gaussian_standard] summed up
# hint: You return one number for all. Here every element has a value of its own.
# edit: (mu**2 + logvar.exp() - 1 - logvar) → (mu**2 + logvar.exp() - 1 - logvar).sum()

# %% [mle.kl_gaussian_standard] the mean
# hint: You return the mean of all. Here every element has a value of its own.
# edit: (mu**2 + logvar.exp() - 1 - logvar) → (mu**2 + logvar.exp() - 1 - logvar).mean()

# %% [mle.kl_gaussian_standard] summed over the last axis
# hint: The last axis is gone. Here every element has a value of its own.
# edit: (mu**2 + logvar.exp() - 1 - logvar) → (mu**2 + logvar.exp() - 1 - logvar).sum(-1)

# %% [mle.kl_gaussian_standard] the gradient is cut off
# hint: The values are right, but no gradient comes through, and a network could not be trained with it.
# edit: (mu**2 + logvar.exp() - 1 - logvar) → (mu**2 + logvar.exp() - 1 - logvar).detach()

# %% [mle.kl_gaussian_standard] no tensor returned
# hint: Return a torch tensor: no .item(), no float of Python, no array of numpy.
# edit: 0.5 * (mu**2 + logvar.exp() - 1 - logvar) → (0.5 * (mu**2 + logvar.exp() - 1 - logvar)).tolist()

# %% [mle.kl_gaussian_standard] sigma^2 with the wrong sign
# hint: A very wide q is far from the standard normal, but your value falls as σ² grows. Look at the sign of that term.
# edit: 2 + logvar.exp() → 2 - logvar.exp()

# %% [mle.kl_gaussian_standard] math.exp
# hint: math.exp takes a single number. torch has its own for tensors of any shape.
# edit: logvar.exp() → math.exp(logvar)

# %% [mle.kl_gaussian_standard] summed over axis 1
# hint: The second axis is summed over, and single numbers have none. Here every element has a value of its own.
# edit: (mu**2 + logvar.exp() - 1 - logvar) → (mu**2 + logvar.exp() - 1 - logvar).sum(1)

# %% [mle.kl_gaussian_standard] negative and summed up
# hint: Two things: a divergence is never negative, and here every element has a value of its own.
# edit: return 0.5 * (mu**2 + logvar.exp() - 1 - logvar) → return -0.5 * (mu**2 + logvar.exp() - 1 - logvar).sum()

# %% [mle.kl_gaussian_standard] negative, without the half
# hint: Two things: all signs are the other way round, and the ½ is missing.
# edit: 0.5 * (mu**2 + logvar.exp() - 1 - logvar) → 1 + logvar - mu**2 - logvar.exp()

# %% [mle.kl_gaussian_standard] log sigma^2 and the one exchanged signs
# hint: For mu = 0 and sigma = 1 both densities are the same, and your value is not 0. Look at the signs of the last two
# hint: terms.
# edit: logvar.exp() - 1 - logvar → logvar.exp() + 1 + logvar

# %% [mle.kl_gaussian_standard] 2 to the power of logvar
# hint: logvar is a natural logarithm, so that 2 to its power is not the variance.
# edit: logvar.exp() → 2**logvar

# %% [mle.kl_gaussian_standard] sigma and log sigma
# hint: σ and log σ stand where σ² and log σ² belong.
std = (0.5 * logvar).exp()
return 0.5 * (mu**2 + std - 1 - std.log())

# %% [mle.kl_gaussian_standard] torch's Normal with the logarithm of the variance
# hint: torch's Normal takes the standard deviation; logvar is the logarithm of its square.
return torch.distributions.kl_divergence(
    torch.distributions.Normal(mu, logvar), torch.distributions.Normal(0.0, 1.0))

# ---- mle.stationary_distribution -------------------------------------------------------------------------------------

# %% [mle.stationary_distribution] the right eigenvector
# hint: Every state got the same share. Rows of P sum to 1, so a constant vector is an eigenvector of P on the *right*
# hint: side, for any chain. In (13) the vector stands on the left.
# edit: P.T → P

# %% [mle.stationary_distribution] as if P were symmetric
# hint: `eigh` is for symmetric matrices, and reads only half of yours. A chain's P hardly ever is symmetric.
# edit: torch.linalg.eig(P.T) → torch.linalg.eigh(P.T)

# %% [mle.stationary_distribution] all zeros
# hint: A vector of zeros solves pi P = pi, and is no distribution. The second half of (13) must be among the equations.
# replace:
values, vectors = torch.linalg.eig(P.T)
v = vectors[:, (values - 1).abs().argmin()].real
return v / v.sum()
# by:
return torch.zeros(len(P))

# %% [mle.stationary_distribution] written into what was given
# hint: P itself was changed (by -=, fill_diagonal_ or an assignment to a row). Make a new matrix.
# edit: values, vectors = torch.linalg.eig(P.T) → P -= torch.eye(len(P))
# edit: v = vectors[:, (values - 1).abs().argmin()].real → equations = torch.cat([P.T, torch.ones(1, len(P))])
# edit: v / v.sum() → torch.linalg.lstsq(equations, torch.eye(len(P) + 1)[-1:].T).solution[:, 0]

# %% [mle.stationary_distribution] complex numbers
# hint: The values are right, but complex: torch.linalg.eig answers with complex numbers. This eigenvector's imaginary
# hint: part is 0.
# edit: vectors[:, (values - 1).abs().argmin()].real → vectors[:, (values - 1).abs().argmin()]

# %% [mle.stationary_distribution] the eigenvector as it comes, complex
# hint: This is an eigenvector as torch.linalg.eig gives it: complex, of unit length, and with a sign of its own. Shares
# hint: are real and positive, and sum to 1.
# replace:
v = vectors[:, (values - 1).abs().argmin()].real
return v / v.sum()
# by:
return vectors[:, (values - 1).abs().argmin()]

# %% [mle.stationary_distribution] the eigenvalue largest in size
# hint: A chain that goes round and round has several eigenvalues of size 1, such as -1 or i. Equation (13) asks for the
# hint: one that is 1 itself.
# edit: (values - 1).abs().argmin() → values.abs().argmax()

# %% [mle.stationary_distribution] the first eigenvector
# hint: Eigenvalues come in no order: the first is not always the 1. Which of them belongs to equation (13)?
# edit: (values - 1).abs().argmin() → 0

# %% [mle.stationary_distribution] another eigenvalue's vector
# hint: Eigenvalues come in no order: the last is not the 1 (only those of `eigh` are sorted), nor is the smallest.
# hint: Which of them belongs to equation (13)?
# edit: (values - 1).abs().argmin() → -1

# %% [mle.stationary_distribution] a row of the eigenvectors
# hint: torch keeps the eigenvectors in the columns. You took a row.
# edit: vectors[:, (values - 1).abs().argmin()].real → vectors[(values - 1).abs().argmin()].real

# %% [mle.stationary_distribution] an eigenvalue that is 1 exactly
# hint: Computed eigenvalues are 1 only up to rounding, so that `values == 1` finds none, or by luck. Take the one that
# hint: is nearest.
# edit: (values - 1).abs().argmin() → values == 1

# %% [mle.stationary_distribution] the sign left negative
# hint: The sizes are right, but some answers are negative. An eigenvector may point either way; to divide it by its
# hint: sum, whatever its sign, settles that too.
# edit: v.sum() → v.abs().sum()

# %% [mle.stationary_distribution] unit length for unit sum
# hint: The squares sum to 1. That is how eigenvectors come; shares of time sum to 1 themselves.
# edit: v / v.sum() → v.abs() / v.norm()

# %% [mle.stationary_distribution] the eigenvector as it comes
# hint: This is an eigenvector as it comes: of unit length, and with a sign of its own. Shares are positive and sum to
# hint: 1.
# edit: v / v.sum() → v

# %% [mle.stationary_distribution] the largest is 1
# hint: The largest share is 1 now. It is their sum that should be.
# edit: v / v.sum() → v.abs() / v.abs().max()

# %% [mle.stationary_distribution] the mean is 1
# hint: The shares sum to the number of states. Sum and mean differ by this factor.
# edit: v.sum() → v.mean()

# %% [mle.stationary_distribution] softmax of the eigenvector
# hint: A softmax makes any vector sum to 1, but bends it. The eigenvector is proportional to the answer: only scale it.
# edit: v / v.sum() → (v.abs() / v.norm()).softmax(0)

# %% [mle.stationary_distribution] an eigenvalue, not its vector
# hint: You return the eigenvalues. Asked for is the vector that belongs to one of them.
# edit: v / v.sum() → values.real

# %% [mle.stationary_distribution] an axis too many
# hint: The shape is (1, k). It should be (k,).
# edit: v / v.sum() → (v / v.sum())[None]

# %% [mle.stationary_distribution] a column
# hint: The shape is (k, 1). It should be (k,).
# edit: v / v.sum() → (v / v.sum())[:, None]

# %% [mle.stationary_distribution] no tensor returned
# hint: Return a torch tensor of shape (k,), no list and no array of numpy.
# edit: v / v.sum() → (v / v.sum()).tolist()

# %% [mle.stationary_distribution] softmax of the eigenvector as it comes
# hint: A softmax makes any vector sum to 1, but bends it, and this one's sign is chance. The eigenvector is
# hint: proportional to the answer: only scale it.
# edit: v / v.sum() → v.softmax(0)

# %% [mle.stationary_distribution] power iteration
# hint: Chains that settle come out right, but one that goes round and round does not: jumping never ends there. (13)
# hint: must be solved, not waited for.
pi = torch.ones(len(P)) / len(P)
for _ in range(5000):
    pi = pi @ P
return pi

# %% [mle.stationary_distribution] power iteration from one state
# hint: Chains that settle come out right, but one that goes round and round does not: it started in one state and is
# hint: back there again and again. (13) must be solved, not waited for.
pi = torch.eye(len(P))[0]
for _ in range(5000):
    pi = pi @ P
return pi

# %% [mle.stationary_distribution] power iteration, too short
# hint: The slow chain has not settled yet, and one that goes round and round never will. (13) must be solved, not
# hint: waited for.
pi = torch.ones(len(P)) / len(P)
for _ in range(100):
    pi = pi @ P
return pi

# %% [mle.stationary_distribution] the whole power of P
# hint: This is a whole matrix. One distribution is asked for, and a high power of P holds it only where the chain
# hint: settles.
return torch.linalg.matrix_power(P, 4096)

# %% [mle.stationary_distribution] averaged over a few jumps
# hint: The mean over time goes the right way, also for chains that go round and round, but so slowly that the third
# hint: digit is wrong still. Solve (13) instead.
pi, total = torch.ones(len(P)) / len(P), torch.zeros(len(P))
for _ in range(1000):
    total = total + pi
    pi = pi @ P
return total / 1000

# %% [mle.stationary_distribution] after one jump
# hint: This is where a uniform start is after a single jump. Stationary means that one more jump changes nothing.
return P.mean(0)

# %% [mle.stationary_distribution] the diagonal
# hint: The diagonal of P says how likely each state is to stay, not where the chain spends its time.
return P.diag() / P.diag().sum()

# %% [mle.stationary_distribution] jumps on the wrong side
# hint: P @ pi averages over where a state goes; all states come to agree on one number. A distribution jumps as pi @ P.
pi = torch.eye(len(P))[0]
for _ in range(5000):
    pi = P @ pi
return pi

# %% [mle.stationary_distribution] jumps on the wrong side, normalised
# hint: P @ pi averages over where a state goes, and all states come to agree. A distribution jumps as pi @ P, and even
# hint: that never ends where a chain goes round and round.
pi = torch.eye(len(P))[0]
for _ in range(5000):
    pi = P @ pi
    pi = pi / pi.sum()
return pi

# %% [mle.stationary_distribution] power iteration from one state, too short
# hint: The slow chain has not settled yet, and one that goes round and round is back in its first state for ever. (13)
# hint: must be solved, not waited for.
pi = torch.eye(len(P))[0]
for _ in range(100):
    pi = pi @ P
return pi

# %% [mle.stationary_distribution] the mean of the last two jumps
# hint: The mean of two jumps helps a chain that goes to and fro, but not one that needs four steps to come back. (13)
# hint: must be solved, not waited for.
pi = torch.ones(len(P)) / len(P)
for _ in range(5000):
    pi = pi @ P
return (pi + pi @ P) / 2

# %% [mle.stationary_distribution] the first eigenvector, complex
# hint: Two things: eigenvalues come in no order, so that the first is not always the 1. And this answer is complex.
values, vectors = torch.linalg.eig(P.T)
return vectors[:, 0] / vectors[:, 0].sum()

# %% [mle.stationary_distribution] as if P were symmetric, the largest eigenvalue
# hint: `eigh` is for symmetric matrices, and reads only half of yours; its last vector belongs to the largest
# hint: eigenvalue of another matrix.
values, vectors = torch.linalg.eigh(P.T)
return vectors[:, -1] / vectors[:, -1].sum()

# %% [mle.stationary_distribution] as if P were symmetric, and P itself
# hint: `eigh` is for symmetric matrices, and reads only half of yours. A chain's P hardly ever is symmetric, and its
# hint: left side is asked for.
values, vectors = torch.linalg.eigh(P)
return vectors[:, -1] / vectors[:, -1].sum()

# %% [mle.stationary_distribution] all eigenvectors
# hint: You return all eigenvectors. One of them is asked for: that of the eigenvalue 1.
values, vectors = torch.linalg.eig(P.T)
return (vectors / vectors.sum(0)).real

# %% [mle.stationary_distribution] the right eigenvector as it comes
# hint: All values are the same, so this is the eigenvector of P on the right side, and it has unit length. In (13) the
# hint: vector stands on the left, and its sum is 1.
values, vectors = torch.linalg.eig(P)
return vectors[:, (values - 1).abs().argmin()].real.abs()

# %% [mle.stationary_distribution] averaged over ten thousand jumps
# hint: The mean over time goes the right way, but converges like 1/n only: ten thousand jumps are not enough. Solve
# hint: (13) instead.
pi, total = torch.ones(len(P)) / len(P), torch.zeros(len(P))
for _ in range(10_000):
    total = total + pi
    pi = pi @ P
return total / 10_000

# %% [mle.stationary_distribution] averaged over twenty thousand jumps
# hint: The mean over time goes the right way, but converges like 1/n only, and so many additions round it off besides.
# hint: Solve (13) instead.
pi, total = torch.ones(len(P)) / len(P), torch.zeros(len(P))
for _ in range(20_000):
    total += pi
    pi = pi @ P
return total / total.sum()
