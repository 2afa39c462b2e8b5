# ---- start.train_step ------------------------------------------------------------------------------------------------

# %% [start.train_step] the batch not unpacked
# hint: A batch is a pair of two tensors. Take it apart first; then move each, and give the model x alone.
# replace:
x, y = batch
x, y = x.to(device), y.to(device)
# by:
x, y = batch.to(device)

# %% [start.train_step] a loop over the batch
# hint: `batch` is one batch, (x, y), not a list of pairs: one step takes all its samples at once, so no loop is needed.
# replace:
x, y = batch
x, y = x.to(device), y.to(device)
# by:
for x, y in batch:
    x, y = x.to(device), y.to(device)

# %% [start.train_step] x and y change places
# hint: The first of the pair is the picture, the second the answer.
# edit: x, y = batch → y, x = batch

# %% [start.train_step] y made float
# hint: All is right for a y of floats. But y may be whole numbers, as classes are, and then it has to stay so: move it
# hint: and change nothing else.
# edit: y.to(device) → y.to(device).float()

# %% [start.train_step] x flattened
# hint: x is made flat before the model sees it. A model of layers that look at pictures needs it as it came; one that
# hint: wants it flat makes it so itself.
# edit: x.to(device) → x.to(device).flatten(1)

# %% [start.train_step] neither x nor y is moved
# hint: Part 1 has no effect. `.to` changes nothing in place, it gives a new tensor: is its result kept, and is that
# hint: what the model gets? (Moving the model alone does not move the data.)
# edit: x, y = x.to(device) → x.to(device)

# %% [start.train_step] y is not moved
# hint: x is moved and y is not. On a GPU the loss would find its two arguments in two places.
# edit: x, y = x.to(device), y.to(device) → x = x.to(device)

# %% [start.train_step] x is not moved
# hint: y is moved and x is not. On a GPU the network would find its input in another place than its weights.
# edit: x, y = x.to(device), y.to(device) → y = y.to(device)

# %% [start.train_step] another device than the one that is named
# hint: The device is chosen by your code. Use the argument `device`: it says where the model is.
# edit: x.to(device), y.to(device) → x.cuda(), y.cuda()

# %% [start.train_step] y made whole numbers
# hint: y was turned into another kind of numbers. It may be anything that loss_fn takes; leave it as it is.
# edit: y.to(device) → y.to(device).long()

# %% [start.train_step] x divided by 255
# hint: The loss is off: x is scaled on the way. The pictures come as the network wants them.
# edit: x.to(device) → x.to(device) / 255

# %% [start.train_step] x changed in place
# hint: The batch itself is changed, and with it the data set that it was cut from. Leave x as it came.
# replace:
x, y = x.to(device), y.to(device)
# by:
x, y = x.to(device), y.to(device)
x /= 255

# %% [start.train_step] gradients never zeroed
# hint: The first step is right and the second is not. `backward` adds to the gradients that lie there already: nothing
# hint: takes away those of the step before.
# edit: optimizer.zero_grad() →

# %% [start.train_step] zero_grad without its brackets
# hint: `zero_grad` is named, but nothing happens: a function is called by the brackets behind its name.
# edit: optimizer.zero_grad() → optimizer.zero_grad

# %% [start.train_step] gradients zeroed between backward and step
# hint: The weights do not move at all: the optimizer finds no gradient. What happens between backward and step?
# replace:
optimizer.zero_grad()
# by:

# replace:
loss.backward()
# by:
loss.backward()
optimizer.zero_grad()

# %% [start.train_step] gradients zeroed at the end only
# hint: Right as long as nothing lies there at the start. But gradients from before the call, say of a test of yours,
# hint: enter your first step: throw the old ones away before the new ones come, not after the step.
# replace:
optimizer.zero_grad()
# by:

# replace:
optimizer.step()
# by:
optimizer.step()
optimizer.zero_grad()

# %% [start.train_step] the step first, then zero and backward
# hint: Each step uses the gradients of the batch before it, and the first one has none: the step comes last.
# replace:
optimizer.zero_grad()
# by:

# replace:
loss.backward()
optimizer.step()
# by:
optimizer.step()
optimizer.zero_grad()
loss.backward()

# %% [start.train_step] everything given to loss_fn
# hint: loss_fn does not call the model. Ask the model for its prediction first, and give loss_fn that and y.
# replace:
prediction = model(x)
loss = loss_fn(prediction, y)
# by:
loss = loss_fn(model, x, y)

# %% [start.train_step] the graph is cut
# hint: The loss has no history, so there is nothing to go back through: the forward pass runs under no_grad, or
# hint: something is detached on the way to the loss. That is for evaluation; training needs the graph.
# replace:
prediction = model(x)
# by:
with torch.no_grad():
    prediction = model(x)

# %% [start.train_step] the model in evaluation mode
# hint: The model is switched to evaluation: dropout and batch statistics would not act while it learns. This function
# hint: has no business with the mode, or needs the other one.
# replace:
prediction = model(x)
# by:
model.eval()
prediction = model(x)

# %% [start.train_step] loss_fn's arguments swapped
# hint: The loss itself is off. The order matters, for this loss as for cross-entropy: what comes first?
# edit: prediction, y → y, prediction

# %% [start.train_step] a graph asked for after it was cut
# hint: requires_grad_ on the loss silences the error, but the way back to the weights is still cut, and they do not
# hint: move. Let the forward pass keep its graph.
# edit: loss_fn(prediction, y) → loss_fn(prediction.detach(), y).requires_grad_()

# %% [start.train_step] item before backward
# hint: The number was taken out of the tensor too early, and its history went with it. Take it out at the very end.
# edit: loss_fn(prediction, y) → loss_fn(prediction, y).item()

# %% [start.train_step] a loss of your own
# hint: The loss that was handed in, loss_fn, is never called. This function must work with any loss.
# edit: loss_fn(prediction, y) → F.cross_entropy(prediction, y)

# %% [start.train_step] softmax before the loss
# hint: The loss is off: the prediction goes through a softmax first. Give loss_fn what the model says; a loss that
# hint: needs probabilities makes them itself.
# edit: prediction, y → prediction.softmax(dim=1), y

# %% [start.train_step] log-softmax before the loss
# hint: The loss is off: the prediction goes through a log-softmax first. Give loss_fn what the model says, as it is.
# edit: prediction, y → F.log_softmax(prediction, dim=1), y

# %% [start.train_step] the predicted class in the loss
# hint: argmax makes classes of the prediction, and no gradient goes through it (nor do the shapes fit). The loss takes
# hint: what the model says, as it is.
# edit: prediction, y → prediction.argmax(dim=1), y

# %% [start.train_step] sigmoid before the loss
# hint: The loss is off: the prediction goes through a sigmoid first. Give loss_fn what the model says, as it is.
# edit: prediction, y → torch.sigmoid(prediction), y

# %% [start.train_step] the loss times the size of the batch at once
# hint: Step and loss are both too large by the size of the batch: the loss is a mean and is asked for as it is.
# edit: loss_fn(prediction, y) → loss_fn(prediction, y) * len(x)

# %% [start.train_step] the loss divided by the size of the batch at once
# hint: Step and loss are both too small by the size of the batch: loss_fn took the mean already.
# edit: loss_fn(prediction, y) → loss_fn(prediction, y) / len(x)

# %% [start.train_step] the step before backward
# hint: The optimizer moves before there is a gradient to move along. Which of the two has to come first?
# replace:
loss.backward()
optimizer.step()
# by:
optimizer.step()
loss.backward()

# %% [start.train_step] backward is missing
# hint: No gradient comes from this loss, so the step has nothing to go by. Is one part of the six missing between the
# hint: loss and the step, or its brackets? Or was the loss copied into a new tensor, which has no history?
# edit: loss.backward() →

# %% [start.train_step] backward asked of loss_fn
# hint: Each part is asked of one thing: going back, of the number that loss_fn gave, and not of loss_fn; throwing
# hint: gradients away and moving the weights, of the optimizer.
# edit: loss.backward() → loss_fn.backward()

# %% [start.train_step] backward twice
# hint: The second `backward` finds that the graph is used up: one is enough.
# replace:
loss.backward()
# by:
loss.backward()
loss.backward()

# %% [start.train_step] backward twice through a kept graph
# hint: Two backward passes add the same gradient twice, so the step is twice as long. One is enough, and no graph has
# hint: to be kept.
# replace:
loss.backward()
# by:
loss.backward(retain_graph=True)
loss.backward()

# %% [start.train_step] returned before the step
# hint: A function ends at its first return: the last parts never happen. Keep the loss, and return it at the end.
# edit: loss.backward() → return loss.item()

# %% [start.train_step] a step uphill
# hint: The weights move in the opposite direction: the optimizer goes down by itself, the loss needs no minus.
# edit: loss.backward() → (-loss).backward()

# %% [start.train_step] the gradient of a loss divided by the size of the batch
# hint: The loss that comes back is right, but the step is too short by the size of the batch: loss_fn took the mean
# hint: already.
# edit: loss.backward() → (loss / len(x)).backward()

# %% [start.train_step] gradients clipped to a short step
# hint: The loss is right, but the step is far too short: the whole gradient is clipped. (1) takes it as it is.
# replace:
loss.backward()
# by:
loss.backward()
torch.nn.utils.clip_grad_norm_(model.parameters(), 0.1)

# %% [start.train_step] the step is missing
# hint: The gradients are there, but nobody moves the weights: the last part is missing, or its brackets are.
# edit: optimizer.step() →

# %% [start.train_step] the weights moved by hand or by another optimizer
# hint: The optimizer that was handed in never takes a step: the weights are moved by hand, or by another one, made anew
# hint: in each call. Use the one that was handed in, with its rate and its memory.
# replace:
optimizer.step()
# by:
with torch.no_grad():
    for p in model.parameters():
        p -= 0.1 * p.grad

# %% [start.train_step] the step asked of the model
# hint: A model, or a loss, does not know how it is trained. Which of the things that you were given holds the weights
# hint: in order to move them?
# edit: optimizer.step() → model.step()

# %% [start.train_step] gradients clipped
# hint: The loss is right, but the step is too short: the gradients are clipped. Nobody asked for it here; (1) goes
# hint: along the gradient as it is.
# replace:
optimizer.step()
# by:
torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
optimizer.step()

# %% [start.train_step] each gradient clipped
# hint: The loss is right, but the step goes elsewhere: each entry of the gradient is clipped. (1) takes it as it is.
# replace:
optimizer.step()
# by:
torch.nn.utils.clip_grad_value_(model.parameters(), 0.5)
optimizer.step()

# %% [start.train_step] two steps along one gradient
# hint: The optimizer moves twice for one batch.
# replace:
optimizer.step()
# by:
optimizer.step()
optimizer.step()

# %% [start.train_step] the loss handed to the step
# hint: The optimizer's step takes no loss: it finds the gradients at the weights, where backward left them.
# edit: optimizer.step() → optimizer.step(loss)

# %% [start.train_step] the accuracy returned
# hint: The step was taken, but then the prediction is compared with y as if both were classes. It is the loss that is
# hint: to come back; y may be anything that loss_fn takes.
# edit: loss.item() → (prediction.argmax(dim=1) == y).float().mean().item()

# %% [start.train_step] the loss returned with its graph
# hint: The value is right, but it is a tensor that holds the graph of the whole step: whoever collects a thousand of
# hint: them runs out of memory. Return the number that it holds.
# edit: loss.item() → loss

# %% [start.train_step] the loss returned as a tensor without its graph
# hint: The value is right and the graph is gone, but it is still a tensor (or an array), not a plain number.
# edit: loss.item() → loss.detach()

# %% [start.train_step] nothing returned
# hint: All six parts are right. What is missing is the last line: the loss has to come back.
# edit: return loss.item() →

# %% [start.train_step] item without its brackets
# hint: All six parts are right, but a method itself comes back, not what it gives: its brackets are missing.
# edit: loss.item() → loss.item

# %% [start.train_step] more than the loss returned
# hint: All six parts are right, but what comes back is not one number. Only the loss is asked for, as a number.
# edit: loss.item() → loss.item(), len(x)

# %% [start.train_step] the loss times the size of the batch
# hint: The step is right, but what comes back is larger by the size of the batch. The loss is a mean already and is
# hint: asked for as it is.
# edit: loss.item() → loss.item() * len(x)

# %% [start.train_step] the loss divided by the size of the batch
# hint: The step is right, but what comes back is smaller by the size of the batch: loss_fn took the mean already.
# edit: loss.item() → loss.item() / len(x)

# %% [start.train_step] the loss after the step returned
# hint: The step is right, but the loss that comes back was computed again, with the new weights. Wanted is the one that
# hint: the gradient belongs to.
# edit: loss.item() → loss_fn(model(x), y).item()

# %% [start.train_step] the loss rounded
# hint: The step is right, but the number that comes back is rounded. Round when you print.
# edit: loss.item() → round(loss.item(), 2)

# %% [start.train_step] the loss rounded to three digits
# hint: The step is right, but the number that comes back is rounded to three digits. Round when you print.
# edit: loss.item() → float(f"{loss.item():.3f}")

# %% [start.train_step] the loss rounded to one digit
# hint: The step is right, but the number that comes back is rounded to one digit. Round when you print.
# edit: loss.item() → round(loss.item(), 1)

# %% [start.train_step] the loss cut to a whole number
# hint: The step is right, but the number that comes back has lost what stands behind its point.
# edit: loss.item() → int(loss.item())

# ---- start.rel_error -------------------------------------------------------------------------------------------------

# %% [start.rel_error] both made float32
# hint: Right in 32 bits. But x and y of 64 bits are made shorter first, and what differs in their last digits is gone:
# hint: they keep their precision.
# edit: torch.as_tensor(x), torch.as_tensor(y) → torch.as_tensor(x).float(), torch.as_tensor(y).float()

# %% [start.rel_error] tensors only
# hint: Tensors are right, arrays are not: they lack some of a tensor's methods. Make one kind of both first.
# edit: x, y = torch.as_tensor(x), torch.as_tensor(y) →

# %% [start.rel_error] torch's functions on arrays
# hint: Tensors are right, but a function of torch does not take an array. Make one kind of both first.
# replace:
x, y = torch.as_tensor(x), torch.as_tensor(y)
size = (x.abs() + y.abs()).clamp(min=1e-10)
return ((x - y).abs() / size).max().item()
# by:
return torch.max(torch.abs(x - y) / torch.clamp(torch.abs(x) + torch.abs(y), min=1e-10)).item()

# %% [start.rel_error] norms
# hint: These are norms of whole vectors. (2) looks at each element by itself and takes the worst.
# replace:
size = (x.abs() + y.abs()).clamp(min=1e-10)
return ((x - y).abs() / size).max().item()
# by:
return ((x - y).norm() / (x.norm() + y.norm()).clamp(min=1e-10)).item()

# %% [start.rel_error] the denominator without absolute values
# hint: For negative numbers the sum is negative and falls to the floor. (2) adds sizes, not the numbers themselves.
# edit: x.abs() + y.abs() → x + y

# %% [start.rel_error] the absolute value of the sum
# hint: Right where x and y have the same sign. Where they have not, they cancel in the denominator: a number and its
# hint: negative should give 1.
# edit: (x.abs() + y.abs()).clamp(min=1e-10) → (x + y).abs().clamp(min=1e-10)

# %% [start.rel_error] divided by the size of x alone
# hint: This divides by x alone, so the two are not treated alike: change their places and the number changes.
# edit: (x.abs() + y.abs()).clamp(min=1e-10) → x.abs().clamp(min=1e-10)

# %% [start.rel_error] divided by the size of y alone
# hint: This divides by y alone, so the two are not treated alike: change their places and the number changes.
# edit: (x.abs() + y.abs()).clamp(min=1e-10) → y.abs().clamp(min=1e-10)

# %% [start.rel_error] divided by the larger of the two
# hint: The denominator is the larger of the two sizes. (2) has their sum.
# edit: (x.abs() + y.abs()).clamp(min=1e-10) → torch.maximum(x.abs(), y.abs()).clamp(min=1e-10)

# %% [start.rel_error] divided by the mean size
# hint: Twice too large: the denominator is the mean of both sizes, and (2) has their sum.
# edit: x.abs() + y.abs() → (x.abs() + y.abs()) / 2

# %% [start.rel_error] no floor
# hint: Two zeros are equal, but they give NaN here: zero by zero. That is what the floor in (2) is for.
# edit: (x.abs() + y.abs()).clamp(min=1e-10) → x.abs() + y.abs()

# %% [start.rel_error] the floor added
# hint: Two zeros are fine now, but for numbers as tiny as the floor it counts twice. (2) takes the larger of the two,
# hint: it does not add.
# edit: (x.abs() + y.abs()).clamp(min=1e-10) → x.abs() + y.abs() + 1e-10

# %% [start.rel_error] another floor, 1e-8
# hint: Right, but for the size of the floor, which only tiny numbers see: it is larger than the one in (2).
# edit: 10 → 8

# %% [start.rel_error] another floor, 1e-12
# hint: Right, but for the floor, which only tiny numbers see: the one in (2) is larger than yours, if you have one.
# edit: 10 → 12

# %% [start.rel_error] a floor below each size
# hint: Each size has a floor of its own before they are added. (2) has one floor, below the sum.
# edit: (x.abs() + y.abs()).clamp(min=1e-10) → x.abs().clamp(min=1e-10) + y.abs().clamp(min=1e-10)

# %% [start.rel_error] the floor below the quotient
# hint: The floor lies below the result, so equal numbers do not give 0, and two zeros are still divided. It belongs
# hint: below the denominator.
# replace:
size = (x.abs() + y.abs()).clamp(min=1e-10)
return ((x - y).abs() / size).max().item()
# by:
return max(1e-10, ((x - y).abs() / (x.abs() + y.abs())).max().item())

# %% [start.rel_error] the floor below the difference
# hint: The floor lies below the numerator. It is there so that nothing is divided by zero: it belongs below the
# hint: denominator.
# replace:
size = (x.abs() + y.abs()).clamp(min=1e-10)
return ((x - y).abs() / size).max().item()
# by:
return ((x - y).abs().clamp(min=1e-10) / (x.abs() + y.abs())).max().item()

# %% [start.rel_error] the smaller of floor and size
# hint: The denominator is never larger than the floor, so every error is huge. The floor is the least that it may be.
# edit: min → max

# %% [start.rel_error] only a difference in the denominator
# hint: Numerator and denominator are the same here, so that every error is 1. (2) divides by a sum of sizes.
# edit: (x.abs() + y.abs()).clamp(min=1e-10) → (x.abs() - y.abs()).abs().clamp(min=1e-10)

# %% [start.rel_error] Python's max on whole tensors
# hint: Python's own `max` compares two single numbers and cannot say which of two tensors is larger: the tensor (or
# hint: torch, or numpy) has a function for each element by itself.
# edit: (x.abs() + y.abs()).clamp(min=1e-10) → max(1e-10, x.abs() + y.abs())

# %% [start.rel_error] y alone and no floor
# hint: Two things: the denominator is the size of y alone, so that x and y are not treated alike; and where it is zero
# hint: nothing holds it up.
# edit: (x.abs() + y.abs()).clamp(min=1e-10) → y.abs()

# %% [start.rel_error] x alone and no floor
# hint: Two things: the denominator is the size of x alone, so that x and y are not treated alike; and where it is zero
# hint: nothing holds it up.
# edit: (x.abs() + y.abs()).clamp(min=1e-10) → x.abs()

# %% [start.rel_error] the larger of the two and no floor
# hint: Two things: the denominator is the larger of the two sizes, not their sum; and where both are zero nothing holds
# hint: it up.
# edit: (x.abs() + y.abs()).clamp(min=1e-10) → torch.maximum(x.abs(), y.abs())

# %% [start.rel_error] the sum's absolute value and no floor
# hint: Two things: in the denominator x and y may cancel, as the bars stand around the sum; and where it is zero
# hint: nothing holds it up.
# edit: (x.abs() + y.abs()).clamp(min=1e-10) → (x + y).abs()

# %% [start.rel_error] no bars and no floor
# hint: Two things: errors below zero are passed over by the maximum, as no bars stand in the numerator; and two zeros
# hint: give NaN.
# replace:
size = (x.abs() + y.abs()).clamp(min=1e-10)
return ((x - y).abs() / size).max().item()
# by:
return ((x - y) / (x.abs() + y.abs())).max().item()

# %% [start.rel_error] functions of numpy and torch mixed
# hint: A function of numpy met a tensor, one of torch an array or a plain number. Make one kind of both first, say by
# hint: np.asarray or torch.as_tensor. (Of the functions for a floor, torch.maximum wants two tensors, np.maximum and
# hint: clamp take a number, and np.max takes one array and no floor.)
# edit: (x.abs() + y.abs()).clamp(min=1e-10) → torch.maximum(1e-10, x.abs() + y.abs())

# %% [start.rel_error] the difference of the largest elements
# hint: Each maximum is taken before the difference, so it compares the largest element of one with that of the other.
# hint: Compare element by element, and take the maximum last.
# edit: size = (x.abs() + y.abs()).clamp(min=1e-10) → x, y = x.max(), y.max()
# edit: ((x - y).abs() / size).max().item() → ((x - y).abs() / (x.abs() + y.abs()).clamp(min=1e-10)).item()

# %% [start.rel_error] the root of a sum of squares below
# hint: The denominator is a root of squares. (2) adds the two sizes.
# edit: (x.abs() + y.abs()).clamp(min=1e-10) → (x**2 + y**2).sqrt().clamp(min=1e-10)

# %% [start.rel_error] divided by the smaller of the two
# hint: The denominator is the smaller of the two sizes. (2) has their sum.
# edit: (x.abs() + y.abs()).clamp(min=1e-10) → torch.minimum(x.abs(), y.abs()).clamp(min=1e-10)

# %% [start.rel_error] the floor in the place of the sizes
# hint: The denominator is the floor alone, so that every error is huge: the sizes are missing in it.
# edit: (x.abs() + y.abs()).clamp(min=1e-10) → 1e-10

# %% [start.rel_error] another floor, 1e-6
# hint: Right, but for the size of the floor, which only small numbers see: it is far larger than the one in (2).
# edit: 10 → 6

# %% [start.rel_error] another floor, 1e-9
# hint: Right, but for the size of the floor, which only tiny numbers see: it is ten times larger than the one in (2).
# hint: 10e-10 is not 1e-10.
# edit: 10 → 9

# %% [start.rel_error] the floor 1e10
# hint: Every error is tiny: the floor is a huge number. Which sign has its exponent?
# edit: 1e-10 → 1e10

# %% [start.rel_error] the floor below x alone
# hint: The floor lies below the size of x alone: look at your brackets. It belongs below the sum.
# edit: (x.abs() + y.abs()).clamp(min=1e-10) → x.abs().clamp(min=1e-10) + y.abs()

# %% [start.rel_error] the floor below y alone
# hint: The floor lies below the size of y alone: look at your brackets. It belongs below the sum.
# edit: (x.abs() + y.abs()).clamp(min=1e-10) → x.abs() + y.abs().clamp(min=1e-10)

# %% [start.rel_error] the absolute error
# hint: The difference is not divided by anything: 0.001 counts as much beside 1,000 as beside 0.0001.
# edit: ((x - y).abs() / size).max().item() → (x - y).abs().max().item()

# %% [start.rel_error] the mean over the elements
# hint: A mean lets one bad element hide among many good ones. Which summary of the elements does (2) take?
# edit: ((x - y).abs() / size).max().item() → ((x - y).abs() / size).mean().item()

# %% [start.rel_error] the sum over the elements
# hint: The errors of all elements are added up, so a larger tensor is worse. Which summary does (2) take?
# edit: ((x - y).abs() / size).max().item() → ((x - y).abs() / size).sum().item()

# %% [start.rel_error] the smallest element
# hint: This is the element that agrees best. (2) asks for the worst.
# edit: ((x - y).abs() / size).max().item() → ((x - y).abs() / size).min().item()

# %% [start.rel_error] the two maxima taken apart
# hint: The largest difference and the largest size may belong to different elements. Divide element by element, and
# hint: take the maximum last.
# edit: ((x - y).abs() / size).max().item() → ((x - y).abs().max() / size.max()).item()

# %% [start.rel_error] sums before the quotient
# hint: Numerator and denominator are summed (or averaged) before they are divided. Divide element by element, and take
# hint: the maximum last.
# edit: ((x - y).abs() / size).max().item() → ((x - y).abs().sum() / size.sum()).item()

# %% [start.rel_error] a tensor returned
# hint: The value is right, but what comes back is a tensor with one number, or a number of numpy's 32 bits, which is no
# hint: `float`. A number of Python is asked for.
# edit: ((x - y).abs() / size).max().item() → ((x - y).abs() / size).max()

# %% [start.rel_error] the numerator without its absolute value
# hint: Where y is larger than x your error is negative, and the maximum passes it over. Which bars are missing, or come
# hint: too late?
# edit: (x - y).abs() → (x - y)

# %% [start.rel_error] squares
# hint: The differences are squared. (2) has absolute values.
# edit: (x - y).abs() → (x - y) ** 2

# %% [start.rel_error] per cent
# hint: A hundred times too large: (2) has no per cent.
# edit: ((x - y).abs() / size).max().item() → 100 * ((x - y).abs() / size).max().item()

# %% [start.rel_error] a sum in the numerator
# hint: The numerator is a sum, so equal numbers give 1. (2) has a difference.
# edit: x - y → x + y

# %% [start.rel_error] a difference of sizes
# hint: Right for numbers of the same sign. A number and its negative are equally large, but far from equal.
# edit: x - y → x.abs() - y.abs()

# %% [start.rel_error] one minus the error
# hint: Equal numbers give 1 here. An error is 0 where nothing is wrong.
# edit: ((x - y).abs() / size).max().item() → 1 - ((x - y).abs() / size).max().item()

# %% [start.rel_error] the result rounded
# hint: The number that comes back is rounded: errors worth knowing are far smaller than that.
# edit: ((x - y).abs() / size).max().item() → round(((x - y).abs() / size).max().item(), 4)

# %% [start.rel_error] every element returned
# hint: More than one number comes back: an error for each element or each row, or values together with their places.
# hint: (2) takes the largest of all elements.
# edit: ((x - y).abs() / size).max().item() → (x - y).abs() / size

# %% [start.rel_error] nothing returned
# hint: The number is computed, but it does not come back: the last line needs a return.
# edit: return ((x - y).abs() / size).max().item() → error = ((x - y).abs() / size).max().item()

# %% [start.rel_error] item without its brackets
# hint: A method itself comes back, not what it gives: its brackets are missing.
# edit: ((x - y).abs() / size).max().item() → ((x - y).abs() / size).max().item

# %% [start.rel_error] a plain number before the maximum
# hint: A plain number was asked of a tensor that still holds many: the maximum has to come before.
# edit: ((x - y).abs() / size).max().item() → ((x - y).abs() / size).item()

# %% [start.rel_error] twice the error
# hint: Twice too large: some books have a factor of 2, or the mean of both sizes below. (2) has neither.
# edit: (x - y).abs() → 2 * (x - y).abs()

# %% [start.rel_error] written into x
# hint: x itself is changed, and the caller still needs it: x - y makes a new tensor, x -= y does not.
# replace:
size = (x.abs() + y.abs()).clamp(min=1e-10)
return ((x - y).abs() / size).max().item()
# by:
size = (x.abs() + y.abs()).clamp(min=1e-10)
x -= y
return (x.abs() / size).max().item()

# %% [start.rel_error] whether they are close
# hint: This says whether the two are close, 1 or 0, not how far apart they are.
# edit: ((x - y).abs() / size).max().item() → float(torch.allclose(x, y))

# %% [start.rel_error] the mean square
# hint: This is the mean square of the differences, in no unit of the numbers themselves. (2) divides each difference
# hint: and takes the largest.
# edit: ((x - y).abs() / size).max().item() → ((x - y) ** 2).mean().item()

# %% [start.rel_error] y minus x without its absolute value
# hint: Where x is larger than y your error is negative, and the maximum passes it over. Which bars are missing, or come
# hint: too late?
# edit: (x - y).abs() → (y - x)
