# ---- ar.causal_mask --------------------------------------------------------------------------------------------------

# %% [ar.causal_mask] the centre is counted from 1
# hint: The centre sits one place too far down and to the right. Indices begin at 0: for k = 3 it is at 1.
# edit: kernel_size // 2 → (kernel_size + 1) // 2

# %% [ar.causal_mask] everything is seen
# hint: Everything is shown but, in type A, the centre. What comes later must be 0 too.
# edit: torch.zeros(kernel_size, kernel_size) → torch.ones(kernel_size, kernel_size)

# %% [ar.causal_mask] the rows below
# hint: The rows below the centre are shown in place of those above. Row 0 of a kernel is its top.
# edit: mask[:centre] → mask[centre + 1:]

# %% [ar.causal_mask] the rows above stay hidden
# hint: Only the centre's own row is shown. Everything above it has been read before, in full width.
# edit: mask[:centre] = 1 →

# %% [ar.causal_mask] the rows above up to the centre's column only
# hint: Above the centre only the left half is shown. A row above has been read to its end, also right of the centre's
# hint: column.
# edit: mask[:centre] → mask[:centre, :centre]

# %% [ar.causal_mask] the rows above up to and with the centre's column
# hint: Above the centre the columns right of it are missing. A row above has been read to its end.
# edit: mask[:centre] → mask[:centre, :centre + 1]

# %% [ar.causal_mask] one row above is missing
# hint: One row above the centre is hidden. A slice that ends at c leaves out row c, and nothing more has to be taken
# hint: off.
# edit: mask[:centre] → mask[:centre - 1]

# %% [ar.causal_mask] the right of the centre's row
# hint: In the centre's row the right half is shown. Reading goes from left to right: what has been read before the
# hint: centre?
# edit: mask[centre, :centre] → mask[centre, centre + 1:]

# %% [ar.causal_mask] the centre's row stays hidden
# hint: The rows above are there, but in the centre's own row nothing to its left is shown.
# edit: mask[centre, :centre] = 1 →

# %% [ar.causal_mask] the whole row of the centre
# hint: All of the centre's row is shown, also what lies to the right of the centre and has not been read yet. Where
# hint: should the slice end?
# edit: mask[centre, :centre] → mask[centre]

# %% [ar.causal_mask] all columns to the left
# hint: What lies to the left is shown in every row, also in those below the centre, which are read later.
# edit: mask[centre, :centre] → mask[:, :centre]

# %% [ar.causal_mask] A and B have changed places
# hint: The types have changed places: A is the one that hides the centre.
# edit: mask_type == "B" → mask_type == "A"

# %% [ar.causal_mask] the centre is shown in A too
# hint: The centre is 1 in both types. In type A a pixel would read its own value, and there would be nothing left to
# hint: guess.
# edit: float(mask_type == "B") → 1

# %% [ar.causal_mask] the centre is hidden in both
# hint: The centre is 0 in both types. Does anything in your code depend on mask_type, and is it compared with the
# hint: letter as it is given?
# edit: mask[centre, centre] = float(mask_type == "B") →

# %% [ar.causal_mask] type B sees the whole row of the centre
# hint: Type B shows the pixels to the right of the centre, which come later in reading order. It differs from type A at
# hint: the centre alone.
# replace:
mask[centre, centre] = float(mask_type == "B")
# by:
if mask_type == "B":
    mask[centre] = 1

# %% [ar.causal_mask] upside down
# hint: The mask shows what comes after the centre. Reading begins at the top left: which rows have been read before the
# hint: centre's?
# edit: return mask → return mask.flip(0, 1)

# %% [ar.causal_mask] columns before rows
# hint: This is the mask of a reader who goes down the columns. Here the rows come first: the first index of a matrix is
# hint: its row.
# edit: return mask → return mask.T

# %% [ar.causal_mask] ones and zeros have changed places
# hint: Ones and zeros have changed places: 1 stands for what may be seen.
# edit: return mask → return 1 - mask

# %% [ar.causal_mask] a boolean mask
# hint: The mask holds True and False. It will be multiplied with weights: make it of 0. and 1.
# edit: return mask → return mask.bool()

# %% [ar.causal_mask] whole numbers
# hint: The mask holds whole numbers. Make it a float tensor, like the weights that it multiplies.
# edit: return mask → return mask.long()

# %% [ar.causal_mask] two axes more
# hint: The mask has axes for the channels already. It is asked for as (k, k): the multiplication with the weights
# hint: broadcasts.
# edit: return mask → return mask[None, None]

# %% [ar.causal_mask] a lower triangle
# hint: A lower triangle is the mask of a sequence's attention, where rows are queries. Here rows and columns are places
# hint: in a window around one pixel.
return torch.ones(kernel_size, kernel_size).tril(0 if mask_type == "B" else -1)

# %% [ar.causal_mask] one place too far in reading order
# hint: Counted in reading order, the ones go one place too far: A shows the centre, and B the pixel after it. How many
# hint: places come before the centre?
mask = torch.zeros(kernel_size**2)
mask[:kernel_size**2 // 2 + (2 if mask_type == "B" else 1)] = 1
return mask.view(kernel_size, kernel_size)

# %% [ar.causal_mask] one place too few in reading order
# hint: Counted in reading order, the ones stop one place too early: B should show the centre, and A everything before
# hint: it.
mask = torch.zeros(kernel_size**2)
mask[:kernel_size**2 // 2 - (0 if mask_type == "B" else 1)] = 1
return mask.view(kernel_size, kernel_size)

# %% [ar.causal_mask] what lies below is shown
# hint: Right of the centre everything is hidden, but all rows below are shown. They are read later.
mask = torch.ones(kernel_size, kernel_size)
mask[kernel_size // 2, kernel_size // 2 + (mask_type == "B"):] = 0
return mask

# %% [ar.causal_mask] only the lower right is hidden
# hint: Only the quarter below and to the right is hidden. What lies below and to the left is read later, too.
centre = kernel_size // 2
mask = torch.ones(kernel_size, kernel_size)
mask[centre:, centre + (mask_type == "B"):] = 0
return mask

# ---- ar.MaskedConv2d.forward -----------------------------------------------------------------------------------------

# %% [ar.MaskedConv2d.forward] without the mask
# hint: This is an ordinary convolution: the mask does not act on the weights that it uses.
# edit: self.weight * self.mask → self.weight

# %% [ar.MaskedConv2d.forward] the bias is forgotten
# hint: The bias is missing: the outputs are off by one number for each channel.
# edit: self.bias, padding → padding

# %% [ar.MaskedConv2d.forward] without padding
# hint: The picture shrinks at its border. The layer was made with a padding that keeps height and width: hand it on.
# edit: self.bias, padding=self.padding → self.bias

# %% [ar.MaskedConv2d.forward] the padding in the place of the stride
# hint: The fourth argument of F.conv2d is the stride, not the padding: the convolution jumps. Name the argument.
# edit: padding=self.padding → self.padding

# %% [ar.MaskedConv2d.forward] a padding of 1 for every size
# hint: A padding of 1 fits kernels of 3 only. The layer knows its own: self.padding.
# edit: self.padding → 1

# %% [ar.MaskedConv2d.forward] a padding as wide as the kernel
# hint: The picture grows: the padding is the whole width of the kernel. To keep its size it takes half of that, rounded
# hint: down, as in self.padding.
# edit: self.padding → self.kernel_size

# %% [ar.MaskedConv2d.forward] the mask upside down
# hint: The mask is turned by half a turn. F.conv2d slides the kernel without turning it, so the mask is right as it is.
# edit: self.mask → self.mask.flip(0, 1)

# %% [ar.MaskedConv2d.forward] the mask transposed
# hint: Rows and columns of the mask have changed places. The last two axes of the weights are height and width, as the
# hint: mask's are.
# edit: self.mask → self.mask.T

# %% [ar.MaskedConv2d.forward] the hidden places
# hint: The mask is turned into its opposite: only what must stay hidden acts. 1 stands for what may be seen.
# edit: self.mask → (1 - self.mask)

# %% [ar.MaskedConv2d.forward] the weights get no gradient
# hint: Right forward, but the weights get no gradient: the product is made of .data, or detached, or under no_grad, so
# hint: the layer would never learn.
# edit: self.weight → self.weight.data

# %% [ar.MaskedConv2d.forward] a new parameter at every call
# hint: Right forward, but self.weight becomes a new parameter at every call. The optimizer still holds the old one, so
# hint: the layer would never learn. Multiply without assigning to self.weight, or change its data in place.
# replace:
return F.conv2d(x, self.weight * self.mask, self.bias, padding=self.padding)
# by:
self.weight = nn.Parameter(self.weight * self.mask)
return F.conv2d(x, self.weight, self.bias, padding=self.padding)

# %% [ar.MaskedConv2d.forward] masked once only
# hint: Right at the first call. After an optimizer's step, which writes into every weight, the layer sees later pixels:
# hint: the mask must act at each call.
# replace:
return F.conv2d(x, self.weight * self.mask, self.bias, padding=self.padding)
# by:
if not hasattr(self, "masked"):
    self.weight.data *= self.mask
    self.masked = True
return F.conv2d(x, self.weight, self.bias, padding=self.padding)

# %% [ar.MaskedConv2d.forward] the picture is masked
# hint: The mask is as large as the kernel, (k, k). Neither the picture nor the output is: what is multiplied by the
# hint: mask are the weights.
# edit: x, self.weight * self.mask → x * self.mask, self.weight

# %% [ar.MaskedConv2d.forward] super() in a cell of its own
# hint: Use F.conv2d, or the parent by its class's name: nn.Conv2d.forward(self, x). (The parent alone knows nothing of
# hint: the mask.)
# replace:
return F.conv2d(x, self.weight * self.mask, self.bias, padding=self.padding)
# by:
self.weight.data *= self.mask
return super().forward(x)

# %% [ar.MaskedConv2d.forward] the mask of type A for all
# hint: Type A's mask is used in every layer. The layer's own is in self.mask.
# edit: self.mask → causal_mask(self.kernel_size[0], "A")

# %% [ar.MaskedConv2d.forward] the mask of type B for all
# hint: Type B's mask is used in every layer, so that the first one shows each pixel to itself. The layer's own is in
# hint: self.mask.
# edit: self.mask → causal_mask(self.kernel_size[0], "B")

# %% [ar.MaskedConv2d.forward] the mask is added
# hint: The mask is added to the weights. To silence a weight, multiply it by 0.
# edit: self.weight * self.mask → self.weight + self.mask

# %% [ar.MaskedConv2d.forward] the bias is added twice
# hint: The bias is there twice: F.conv2d adds it already.
# replace:
return F.conv2d(x, self.weight * self.mask, self.bias, padding=self.padding)
# by:
return F.conv2d(x, self.weight * self.mask, self.bias, padding=self.padding) + self.bias[:, None, None]

# %% [ar.MaskedConv2d.forward] hidden weights minus infinity
# hint: Minus infinity hides scores before a softmax. Here weights multiply pixels: a hidden weight is 0.
# replace:
return F.conv2d(x, self.weight * self.mask, self.bias, padding=self.padding)
# by:
weight = self.weight.masked_fill(self.mask == 0, -math.inf)
return F.conv2d(x, weight, self.bias, padding=self.padding)

# %% [ar.MaskedConv2d.forward] the mask in the place of the weights
# hint: The mask itself is taken for the kernel: every visible pixel counts alike, and the weights have no part in it.
# edit: self.weight * self.mask → self.mask.expand_as(self.weight)

# %% [ar.MaskedConv2d.forward] a matrix product of the weights and the mask
# hint: Weights and mask are multiplied as matrices (@), which mixes the columns of a kernel. Each weight takes its own
# hint: number of the mask: element by element.
# edit: self.weight * self.mask → self.weight @ self.mask

# %% [ar.MaskedConv2d.forward] a matrix product of the mask and the weights
# hint: Mask and weights are multiplied as matrices (@), which adds up the rows of a kernel. Each weight takes its own
# hint: number of the mask: element by element.
# edit: self.weight * self.mask → self.mask @ self.weight

# ---- ar.log_likelihood -----------------------------------------------------------------------------------------------

# %% [ar.log_likelihood] the logits are not normalised
# hint: The logits are used as they are. They become log-probabilities only when the levels of each pixel are
# hint: normalised.
# edit: logits.log_softmax(dim=1) → logits

# %% [ar.log_likelihood] the logarithm is missing
# hint: Probabilities are summed. Eq. (2) sums their logarithms.
# edit: logits.log_softmax(dim=1) → logits.softmax(dim=1)

# %% [ar.log_likelihood] normalised along the width
# hint: The softmax runs along the width (dim=-1). The levels, among which a pixel chooses, are the second axis.
# edit: dim=1 → dim=-1

# %% [ar.log_likelihood] normalised along the height
# hint: The softmax runs along the height (dim=2). The levels, among which a pixel chooses, are the second axis.
# edit: dim=1 → dim=2

# %% [ar.log_likelihood] normalised over the batch
# hint: The softmax runs over the pictures of the batch (dim=0), so that they change each other. The levels are the
# hint: second axis.
# edit: dim=1 → dim=0

# %% [ar.log_likelihood] a softmax, then its logarithm
# hint: Right for mild logits. Where a level is very unlikely its probability is 0 as a float, and the logarithm is
# hint: minus infinity. There is a function that takes both at once.
# edit: logits.log_softmax(dim=1) → logits.softmax(dim=1).log()

# %% [ar.log_likelihood] a small number against log 0
# hint: The small number that is added before the logarithm sets a floor: no level can be less likely. Take softmax and
# hint: logarithm in one, then there is no log 0.
# edit: logits.log_softmax(dim=1) → (logits.softmax(dim=1) + 1e-8).log()

# %% [ar.log_likelihood] the smallest float against log 0
# hint: The clamp keeps the logarithm finite, but an unlikely level gets the clamp's number in place of its own. Take
# hint: softmax and logarithm in one, then there is no log 0.
# edit: logits.log_softmax(dim=1) → logits.softmax(dim=1).clamp_min(1e-10).log()

# %% [ar.log_likelihood] normalised twice
# hint: The softmax acts twice: something that normalises, such as log_softmax or cross_entropy, gets probabilities
# hint: where it wants logits.
# edit: logits.log_softmax(dim=1) → logits.softmax(dim=1).log_softmax(dim=1)

# %% [ar.log_likelihood] cut from the graph
# hint: Right forward, but there is no gradient: the logits were detached (.data, .detach(), no_grad, .item()), and
# hint: nothing could be trained with it.
# edit: logits.log_softmax(dim=1) → logits.detach().log_softmax(dim=1)

# %% [ar.log_likelihood] reshaped without moving the axis
# hint: A reshape from (b, K, h, w) to rows of K keeps the order in memory, so each row mixes several places. Move the
# hint: axis of the levels to the end before you flatten.
# edit: log_p = logits.log_softmax(dim=1) → b, K, h, w = logits.shape
# edit: chosen = log_p.gather(1, x.unsqueeze(1)) → log_p = logits.reshape(b, h * w, K).log_softmax(dim=-1)
# edit: chosen.sum(dim=(1, 2, 3)) → log_p.gather(-1, x.reshape(b, h * w, 1)).sum(dim=(1, 2))

# %% [ar.log_likelihood] reshaped after the softmax
# hint: The log-probabilities are right, but a view as rows of K keeps the order in memory and mixes several places: the
# hint: levels are not the last axis. Pick along the axis where they are, or move it to the end first.
# edit: log_p = logits.log_softmax(dim=1) → K = logits.shape[1]
# edit: chosen = log_p.gather(1, x.unsqueeze(1)) → log_p = logits.log_softmax(dim=1).reshape(-1, K)
# edit: chosen.sum(dim=(1, 2, 3)) → log_p.gather(1, x.reshape(-1, 1)).view(len(x), -1).sum(dim=1)

# %% [ar.log_likelihood] picked along the width
# hint: The levels in x pick along the last axis, the width. They belong to the second axis. (F.one_hot puts its levels
# hint: last, too: move that axis before you multiply.)
# edit: 1, x.unsqueeze(1) → -1, x.unsqueeze(-1)

# %% [ar.log_likelihood] the likeliest level
# hint: This is the likelihood of the likeliest picture: at each pixel the largest log-probability is taken. Take that
# hint: of the level in x.
# edit: log_p.gather(1, x.unsqueeze(1)) → log_p.amax(dim=1, keepdim=True)

# %% [ar.log_likelihood] all levels are summed
# hint: The log-probabilities of all levels are summed. Only the level that is there counts: x says which.
# edit: log_p.gather(1, x.unsqueeze(1)) → log_p

# %% [ar.log_likelihood] the entropy
# hint: Weighted by the model's own probabilities this is its (negative) entropy. Eq. (2) takes the level that is there.
# edit: log_p.gather(1, x.unsqueeze(1)) → log_p.exp() * log_p

# %% [ar.log_likelihood] the mean over pixels
# hint: The pixels are averaged. Eq. (2) is a sum: a larger picture has the smaller likelihood.
# edit: chosen.sum(dim=(1, 2, 3)) → chosen.mean(dim=(1, 2, 3))

# %% [ar.log_likelihood] the sign is turned
# hint: This is the negative log-likelihood. A logarithm of a probability is never above 0.
# edit: return chosen.sum(dim=(1, 2, 3)) → return -chosen.sum(dim=(1, 2, 3))

# %% [ar.log_likelihood] one number for the batch, summed
# hint: All pictures are summed into one number. Keep the first axis: every picture has a likelihood of its own.
# edit: chosen.sum(dim=(1, 2, 3)) → chosen.sum()

# %% [ar.log_likelihood] one number for each pixel
# hint: There is still a number for each pixel. Sum over the pixels of a picture.
# edit: chosen.sum(dim=(1, 2, 3)) → chosen[:, 0]

# %% [ar.log_likelihood] summed over the rows only
# hint: Only one of the two axes of the picture is summed over.
# edit: 2, 3 → 2

# %% [ar.log_likelihood] in bits
# hint: The logarithm is to the base 2. Here it is natural: nats; the bits come in the next exercise.
# edit: chosen.sum(dim=(1, 2, 3)) → chosen.sum(dim=(1, 2, 3)) / math.log(2)

# %% [ar.log_likelihood] a product before the logarithm
# hint: The probabilities are multiplied first. With as many pixels as a digit has, the product is 0 as a float: sum
# hint: logarithms.
# edit: chosen.sum(dim=(1, 2, 3)) → chosen.exp().prod(dim=3).prod(dim=2).prod(dim=1).log()

# %% [ar.log_likelihood] the likelihood itself
# hint: The exponential is taken at the end. The likelihood of a digit is 0 as a float: stay with its logarithm.
# edit: chosen.sum(dim=(1, 2, 3)) → chosen.sum(dim=(1, 2, 3)).exp()

# %% [ar.log_likelihood] the axis of the levels is kept
# hint: An axis of length 1 is left over: one number for each picture is (b,).
# edit: 1, 2 → 2

# %% [ar.log_likelihood] summed over pixels, averaged over pictures
# hint: The pictures are averaged. Keep one number for each of them.
# edit: chosen.sum(dim=(1, 2, 3)) → chosen.sum(dim=(1, 2, 3)).mean()

# %% [ar.log_likelihood] one number for the batch, averaged
# hint: One average for everything: that is what F.cross_entropy gives unless told otherwise, over pictures and pixels.
# hint: Keep one number for each picture, summed over its pixels.
return -F.cross_entropy(logits, x)

# %% [ar.log_likelihood] the cross-entropy as it is
# hint: One average for everything, and positive: F.cross_entropy is a loss over the batch. What is wanted is one number
# hint: for each picture, a sum over its pixels, and negative.
return F.cross_entropy(logits, x)

# %% [ar.log_likelihood] a distribution over the width
# hint: torch.distributions.Categorical takes the last axis as the levels, and that is the width here. Move the axis of
# hint: the levels to the end first.
return torch.distributions.Categorical(logits=logits).log_prob(x).sum(dim=(1, 2))

# %% [ar.log_likelihood] the cross-entropy, summed
# hint: One sum for the whole batch, and positive. What is wanted is one number for each picture, a sum over its pixels,
# hint: and negative.
return F.cross_entropy(logits, x, reduction="sum")

# %% [ar.log_likelihood] reshaped without moving the axis, for the cross-entropy
# hint: Rows of K that are cut from (b, K, h, w) by a reshape mix several places; the axis of the levels has to be moved
# hint: to the end first. And a cross-entropy is positive: mind the sign.
K = logits.shape[1]
nll = F.cross_entropy(logits.reshape(-1, K), x.reshape(-1), reduction="none")
return nll.view(len(x), -1).sum(dim=1)

# %% [ar.log_likelihood] reshaped without moving the axis, and averaged
# hint: This is one number for all pictures, and it mixes places: a reshape from (b, K, h, w) to rows of K keeps the
# hint: order in memory. Keep the shape as it is, or move the axis of the levels first; one number for each picture.
return F.cross_entropy(logits.reshape(-1, logits.shape[1]), x.reshape(-1))

# %% [ar.log_likelihood] the levels and the width have changed places
# hint: An exchange of the levels with the last axis leaves (b, w, h, K), in which height and width have changed places:
# hint: each level is looked up at the place mirrored in the diagonal. Move one axis and keep the order of the others.
log_p = logits.transpose(1, -1).log_softmax(dim=-1)
return log_p.gather(-1, x.unsqueeze(-1)).sum(dim=(1, 2, 3))

# ---- ar.nll_to_bits --------------------------------------------------------------------------------------------------

# %% [ar.nll_to_bits] not per dimension
# hint: This is in bits, but for the whole picture: a picture of 784 coins has 784 of them.
# edit: (dims * math.log(2)) → math.log(2)

# %% [ar.nll_to_bits] still in nats
# hint: This is per dimension, but still in nats: a fair coin gives 0.693.
# edit: (dims * math.log(2)) → dims

# %% [ar.nll_to_bits] multiplied by ln 2
# hint: A fair coin gives 0.48. It holds 0.693 nats and should give 1: do you multiply where you should divide?
# edit: (dims * math.log(2)) → dims * math.log(2)

# %% [ar.nll_to_bits] the logarithm of the nats
# hint: The nats are logarithms already. Another unit is another factor; twice the nats must be twice the bits.
# edit: nll / (dims * math.log(2)) → torch.log2(nll) / dims

# %% [ar.nll_to_bits] times the dimensions
# hint: The number grows with the picture. Per dimension means that it does not.
# edit: nll / (dims * math.log(2)) → nll * dims / math.log(2)

# %% [ar.nll_to_bits] digits, not bits
# hint: This is in decimal digits: the logarithm is to the base 10, so that a fair coin gives 0.3.
# edit: math.log(2) → math.log(10)

# %% [ar.nll_to_bits] averaged over the pictures
# hint: The pictures are averaged. Keep one number for each.
# edit: nll → nll.mean()

# %% [ar.nll_to_bits] negative
# hint: The result is negative. The sign was turned already: nll is the negative log-likelihood.
# edit: return nll → return -nll

# %% [ar.nll_to_bits] through the likelihood
# hint: The likelihood of a picture is 0 as a float, so its logarithm is infinite. No exponential is needed: another
# hint: unit is a factor.
# edit: return nll / (dims * math.log(2)) → return -torch.log2(torch.exp(-nll)) / dims

# %% [ar.nll_to_bits] divided by 2
# hint: Divided by 2, a fair coin gives 0.35. How many nats does a fair coin hold?
# edit: math.log(2) → 2

# %% [ar.nll_to_bits] ln of twice the dimensions
# hint: The logarithm is taken of 2 times the dimensions. Only the unit needs one; the dimensions divide as they are.
# edit: (dims * math.log(2)) → math.log(2 * dims)

# %% [ar.nll_to_bits] the logarithm of the dimensions
# hint: The dimensions stand inside a logarithm. Twice as many pixels with twice the nats should give the same number.
# edit: (dims * math.log(2)) → math.log2(dims)

# %% [ar.nll_to_bits] a perplexity
# hint: 2 to the power of the bits is a perplexity. What is asked for is the exponent.
# edit: nll / (dims * math.log(2)) → 2 ** (nll / (dims * math.log(2)))

# %% [ar.nll_to_bits] bytes
# hint: A fair coin gives 1/8: these are bytes.
# edit: dims → 8 * dims

# %% [ar.nll_to_bits] rounded
# hint: The bits are rounded to whole numbers. They may have fractions.
# edit: nll / (dims * math.log(2)) → (nll / (dims * math.log(2))).round()

# %% [ar.nll_to_bits] the number of pictures as dimensions
# hint: The number of pictures divides in place of the number of dimensions.
# edit: dims → nll.numel()

# %% [ar.nll_to_bits] the logarithm of nats per dimension
# hint: The nats are a logarithm already. Per dimension they still need a factor, not another logarithm.
# edit: nll / (dims * math.log(2)) → torch.log2(nll / dims)

# %% [ar.nll_to_bits] ln of the levels
# hint: Divided by the logarithm of the number of levels, a fair choice among four counts as one. The unit is a fair
# hint: coin, which has two sides.
# edit: math.log(2) → math.log(4)

# ---- ar.sample -------------------------------------------------------------------------------------------------------

# %% [ar.sample] height and width have changed places
# hint: Height and width have changed places; a square picture hides it. shape is (b, h, w).
# edit: h, w = shape → w, h = shape

# %% [ar.sample] the network always sees the empty picture
# hint: The network is asked for each pixel, but what came before is never there when it looks: the draws go into
# hint: another tensor than the one it is given, or the loops run backwards.
# replace:
x = torch.zeros(b, h, w, dtype=torch.long)
# by:
x = torch.zeros(b, h, w, dtype=torch.long)
drawn = x.clone()
# replace:
x[:, i, j] = torch.multinomial(p, 1, generator=generator).squeeze(1)
# by:
drawn[:, i, j] = torch.multinomial(p, 1, generator=generator).squeeze(1)
# replace:
return x
# by:
return drawn

# %% [ar.sample] seeded at every call
# hint: Whatever the caller wants, each call gives the same pictures: the seed is set inside the function.
# replace:
x = torch.zeros(b, h, w, dtype=torch.long)
# by:
torch.manual_seed(0)
x = torch.zeros(b, h, w, dtype=torch.long)
# replace:
x[:, i, j] = torch.multinomial(p, 1, generator=generator).squeeze(1)
# by:
x[:, i, j] = torch.multinomial(p, 1).squeeze(1)

# %% [ar.sample] a fresh generator where none is given
# hint: Without a generator every call gives the same pictures: a fresh torch.Generator() always begins at one seed.
# hint: None can be handed on as it is.
# replace:
x = torch.zeros(b, h, w, dtype=torch.long)
# by:
generator = generator or torch.Generator()
x = torch.zeros(b, h, w, dtype=torch.long)

# %% [ar.sample] the network is given floats
# hint: The network wants the levels themselves, (b, h, w) of whole numbers, and scales them itself: no floats, no
# hint: one-hot, no axis for channels. Which dtype does torch.zeros give?
# edit: w, dtype=torch.long → w

# %% [ar.sample] noise is never overwritten
# hint: The picture is still the noise that it began with: what is drawn is never written into it.
# edit: torch.zeros(b, h, w, dtype=torch.long) → torch.randint(0, 4, (b, h, w))
# edit: x[:, i, j] = torch → torch

# %% [ar.sample] all pixels at once
# hint: The network is asked once for all pixels. But its bet on a pixel depends on those drawn before: it has to be
# hint: asked again for each.
# replace:
for i in range(h):
    for j in range(w):
# by:
bets = model(x)
for i in range(h):
    for j in range(w):
# replace:
logits = model(x)[:, :, i, j]  # (b, K)
# by:
logits = bets[:, :, i, j]

# %% [ar.sample] columns before rows
# hint: When a pixel is drawn, its neighbour above and to the right is not there yet: the loops run down the columns, or
# hint: the network is shown a corner of the picture only. In reading order a row is finished before the next begins,
# hint: and the masks were made for that.
# replace:
for i in range(h):
    for j in range(w):
# by:
for j in range(w):
    for i in range(h):

# %% [ar.sample] the first row and column are left out
# hint: The first row and the first column stay 0: the loops begin at 1.
# edit: range(h) → range(1, h)
# edit: range(w) → range(1, w)

# %% [ar.sample] one pass for each row
# hint: The network is asked once for a whole row, so the pixels of a row do not see each other. It has to look at the
# hint: picture anew for every pixel.
# replace:
    for j in range(w):
        logits = model(x)[:, :, i, j]  # (b, K)
        p = (logits / temperature).softmax(dim=1)
# by:
    row = model(x)[:, :, i]
    for j in range(w):
        p = (row[:, :, j] / temperature).softmax(dim=1)

# %% [ar.sample] each row from the right
# hint: The pixels of one row do not know of each other: a row is drawn from the right, or the network is shown the
# hint: finished rows only. Reading goes from left to right.
# edit: range(w) → reversed(range(w))

# %% [ar.sample] rows and columns of the logits have changed places
# hint: The bets are taken from place (j, i) and written to (i, j). In (b, K, h, w) the row comes before the column.
# edit: model(x)[:, :, i, j] → model(x)[:, :, j, i]

# %% [ar.sample] a softmax along the width
# hint: The softmax runs along the width, before the pixel is picked out. It has to run over the levels: the second
# hint: axis, or the last one after picking.
# replace:
logits = model(x)[:, :, i, j]  # (b, K)
# by:
p = (model(x) / temperature).softmax(dim=-1)[:, :, i, j]
# replace:
p = (logits / temperature).softmax(dim=1)
# by:

# %% [ar.sample] the bet on the last pixel
# hint: The bets on the last pixel of the picture are used for all. That is right for a model of sequences that is shown
# hint: only the past; here the whole picture is shown, and the pixel has its own place.
# edit: model(x)[:, :, i, j] → model(x)[:, :, -1, -1]

# %% [ar.sample] the temperature multiplies
# hint: A high temperature should make the levels more alike, and here it makes them differ more: (4) has 1/τ in the
# hint: exponent.
# edit: logits / temperature → logits * temperature

# %% [ar.sample] the temperature does not act
# hint: The temperature has no effect: it is left out, or it divides probabilities, which are normalised again when they
# hint: are drawn from. What does the exponent in (4) mean for the logits?
# edit: (logits / temperature).softmax(dim=1) → logits.softmax(dim=1)

# %% [ar.sample] drawn from the logits
# hint: The logits themselves are taken for probabilities: the softmax is missing.
# edit: (logits / temperature).softmax(dim=1) → logits / temperature

# %% [ar.sample] drawn from logarithms
# hint: If the message is of torch.multinomial: it takes rows of probabilities, (b, K), of one pixel only and none of
# hint: them negative; logarithms are.
# edit: (logits / temperature).softmax(dim=1) → (logits / temperature).log_softmax(dim=1)

# %% [ar.sample] a softmax over the batch
# hint: The softmax runs over the pictures (dim=0), not over the levels: (b, K).
# edit: dim=1 → dim=0

# %% [ar.sample] the likeliest level
# hint: The likeliest level is taken, nothing is drawn. A sample must give each level as often as its probability says.
# edit: torch.multinomial(p, 1, generator=generator).squeeze(1) → p.argmax(dim=1)

# %% [ar.sample] the generator is not used
# hint: Two calls with generators of the same seed give different pictures: every draw has to take its numbers from
# hint: `generator`. (Numpy and torch.distributions cannot.)
# edit: torch.multinomial(p, 1, generator=generator).squeeze(1) → torch.multinomial(p, 1).squeeze(1)

# %% [ar.sample] the generator as a third argument
# hint: The third argument of torch.multinomial is `replacement`. Hand the generator over by its name.
# edit: generator=generator → generator

# %% [ar.sample] seeded anew at every pixel
# hint: Every pixel draws the same random numbers: a generator is seeded inside the loop. Take the one that is given.
# edit: generator=generator → generator=torch.Generator().manual_seed(0)

# %% [ar.sample] one draw for all pictures
# hint: All pictures of a batch are the same: one level is drawn and written into each. Draw one for every row of the
# hint: probabilities.
# edit: torch.multinomial(p, 1, generator=generator).squeeze(1) → torch.multinomial(p[0], 1, generator=generator)

# %% [ar.sample] an axis too many in what is drawn
# hint: Right for one picture. For several, the draws come as (b, 1), and (b,) is what fits into x[:, i, j].
# edit: torch.multinomial(p, 1, generator=generator).squeeze(1) → torch.multinomial(p, 1, generator=generator)

# %% [ar.sample] nothing is written
# hint: The picture is still all zeros: what is drawn is never written into it.
# edit: x[:, i, j] = torch → torch

# %% [ar.sample] rows and columns of the picture have changed places
# hint: The bets of place (i, j) are written to (j, i). In (b, h, w) the row comes before the column.
# edit: x[:, i, j] → x[:, j, i]

# %% [ar.sample] uniform levels
# hint: Every level is drawn equally often: the network's bets do not reach the draw.
# edit: p, 1 → torch.ones_like(p), 1

# %% [ar.sample] the picture is returned as floats
# hint: The picture comes back as floats. Levels are whole numbers: torch.long.
# edit: return x → return x.float()

# %% [ar.sample] one picture
# hint: Only one picture comes back: the batch is lost. shape begins with b.
# edit: return x → return x[0]

# ---- ar.causal_attention ---------------------------------------------------------------------------------------------

# %% [ar.causal_attention] the scores are not scaled
# hint: The scores have variance d. What makes it 1?
# edit: k.transpose(-2, -1) / math.sqrt(d) → k.transpose(-2, -1)

# %% [ar.causal_attention] divided by d
# hint: The scores are divided by d. Then their variance is 1/d: dividing by a number divides the variance by its
# hint: square.
# edit: math.sqrt(d) → d

# %% [ar.causal_attention] the root of all heads' channels
# hint: The scaling counts the channels of all heads together. A dot product runs over the d numbers of one head.
# edit: math.sqrt(d) → math.sqrt(q.shape[1] * d)

# %% [ar.causal_attention] the root of the number of tokens
# hint: The scaling counts the tokens. A dot product sums over the d numbers of a query: the last axis.
# edit: math.sqrt(d) → math.sqrt(n)

# %% [ar.causal_attention] the root of the number of heads
# hint: The scaling counts the heads. A dot product sums over the d numbers of a query: the last axis.
# edit: math.sqrt(d) → math.sqrt(q.shape[1])

# %% [ar.causal_attention] multiplied by the root
# hint: The scores are multiplied by the root: their variance is now d squared.
# edit: k.transpose(-2, -1) / math.sqrt(d) → k.transpose(-2, -1) * math.sqrt(d)

# %% [ar.causal_attention] scaled after the softmax
# hint: The scaling comes after the softmax: it shrinks the output and leaves the weights too sharp. It is the scores
# hint: that should have variance 1.
# edit: k.transpose(-2, -1) / math.sqrt(d) → k.transpose(-2, -1)
# edit: softmax(dim=-1) @ v → softmax(dim=-1) @ v / math.sqrt(d)

# %% [ar.causal_attention] the keys are not transposed
# hint: If the message is of a product of matrices: the table of scores is (n, n), each entry a dot product over d.
# hint: Which two axes of k change places for that?
# edit: k.transpose(-2, -1) → k

# %% [ar.causal_attention] queries and keys have changed places
# hint: Queries and keys have changed places: row i of the table should belong to query i, which looks at the keys.
# edit: q @ k.transpose(-2, -1) → k @ q.transpose(-2, -1)

# %% [ar.causal_attention] the present is hidden
# hint: The present is hidden too: the first token has nothing to look at, and its softmax is NaN. A token sees itself.
# edit: triu(1) → triu(0)

# %% [ar.causal_attention] the past is hidden
# hint: The mask is turned round: each token sees itself and what comes after it.
# edit: triu(1) → tril(-1)

# %% [ar.causal_attention] visible and hidden have changed places
# hint: What should be visible is hidden, and the last token has nothing to look at: NaN. Where masked_fill finds True,
# hint: it hides.
# edit: triu(1) → tril(0)

# %% [ar.causal_attention] one token too many
# hint: Each token sees the next one as well. Which diagonal does the hidden part begin at?
# edit: triu(1) → triu(2)

# %% [ar.causal_attention] the present is always hidden but for the first
# hint: Each token sees only what comes before it (the first one itself). A token sees itself and the earlier ones.
# replace:
later = torch.ones(n, n, dtype=torch.bool, device=q.device).triu(1)
# by:
later = torch.ones(n, n, dtype=torch.bool, device=q.device).triu(0)
later[0, 0] = False

# %% [ar.causal_attention] masked after the softmax
# hint: The mask acts after the softmax: later tokens have already taken their share of the sum, and the weights that
# hint: are left do not sum to 1.
# edit: scores.masked_fill(later, -math.inf).softmax(dim=-1) → scores.softmax(dim=-1).masked_fill(later, 0.0)

# %% [ar.causal_attention] forbidden scores are 0
# hint: A forbidden score of 0 (or close to it) still has the exponential 1 and takes its share. Which number has the
# hint: exponential 0?
# edit: -math.inf → 0.0

# %% [ar.causal_attention] without a mask
# hint: Every token sees all tokens, also later ones.
# edit: scores.masked_fill(later, -math.inf).softmax(dim=-1) → scores.softmax(dim=-1)

# %% [ar.causal_attention] a softmax over the queries
# hint: The softmax runs over the queries. For each query (row) the weights of the keys must sum to 1.
# edit: dim=-1 → dim=-2

# %% [ar.causal_attention] a softmax over the heads
# hint: The softmax runs over the heads (dim=1), so that they compete. For each query the weights of the keys must sum
# hint: to 1.
# edit: dim=-1 → dim=1

# %% [ar.causal_attention] the weights are returned
# hint: These are the weights, (n, n). The output is the average of the values under them.
# edit: scores.masked_fill(later, -math.inf).softmax(dim=-1) @ v → scores.masked_fill(later, -math.inf).softmax(dim=-1)

# %% [ar.causal_attention] 0 times infinity
# hint: A mask of 0 and 1 is multiplied by minus infinity, and 0 times infinity is NaN. Put the number only where it is
# hint: needed.
# edit: scores.masked_fill(later, -math.inf).softmax(dim=-1) → (scores + later.float() * -math.inf).softmax(dim=-1)

# %% [ar.causal_attention] exponentials that overflow
# hint: Right for small scores. The exponential of a large one is infinite, and infinity by infinity is NaN: let a
# hint: softmax, which takes the largest score off first, do it.
# replace:
return scores.masked_fill(later, -math.inf).softmax(dim=-1) @ v
# by:
weights = scores.exp().masked_fill(later, 0.0)
return weights / weights.sum(dim=-1, keepdim=True) @ v

# %% [ar.causal_attention] the largest score of all tokens subtracted
# hint: The largest score is looked for among later tokens, too. Where one of those is the largest, every visible
# hint: exponential underflows, and 0/0 is left. Hide the later tokens first.
# replace:
return scores.masked_fill(later, -math.inf).softmax(dim=-1) @ v
# by:
weights = (scores - scores.amax(dim=-1, keepdim=True)).exp().tril()
return weights / weights.sum(dim=-1, keepdim=True) @ v

# %% [ar.causal_attention] without a softmax
# hint: The scores themselves are the weights. They should be positive and sum to 1.
# edit: scores.masked_fill(later, -math.inf).softmax(dim=-1) → scores.masked_fill(later, 0.0)

# %% [ar.causal_attention] weights that do not sum to 1
# hint: The weights are exponentials, but they do not sum to 1.
# edit: scores.masked_fill(later, -math.inf).softmax(dim=-1) → scores.exp().masked_fill(later, 0.0)

# %% [ar.causal_attention] the average of the keys
# hint: What is averaged are the keys. They only say where to look; what is taken from there are the values.
# edit: softmax(dim=-1) @ v → softmax(dim=-1) @ k

# %% [ar.causal_attention] the values are added
# hint: The token's own value is added once more. The output is the average alone; the sum with the input is the block's
# hint: work.
# edit: softmax(dim=-1) @ v → softmax(dim=-1) @ v + v
