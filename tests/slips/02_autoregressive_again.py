# %% [ar.causal_mask] lower triangle instead of reading order
return torch.tril(torch.ones(kernel_size, kernel_size), diagonal=-1 if mask_type == "A" else 0)

# %% [ar.causal_mask] types A and B swapped
c = kernel_size // 2
mask = torch.zeros(kernel_size, kernel_size)
mask[:c] = 1
mask[c, :c] = 1
if mask_type == "A":
    mask[c, c] = 1
return mask

# %% [ar.causal_mask] centre's row seen in full in B
c = kernel_size // 2
mask = torch.zeros(kernel_size, kernel_size)
if mask_type == "A":
    mask[:c] = 1
    mask[c, :c] = 1
else:
    mask[:c + 1] = 1
return mask

# %% [ar.causal_mask] the mask marks what is hidden (inverted)
c = kernel_size // 2
mask = torch.ones(kernel_size, kernel_size)
mask[:c] = 0
mask[c, :c] = 0
if mask_type == "B":
    mask[c, c] = 0
return mask

# %% [ar.causal_mask] bool tensor
places = torch.arange(kernel_size ** 2).view(kernel_size, kernel_size)
middle = kernel_size ** 2 // 2
return places <= middle if mask_type == "B" else places < middle

# %% [ar.causal_mask] rows and columns confused (column order)
c = kernel_size // 2
mask = torch.zeros(kernel_size, kernel_size)
mask[:, :c] = 1
mask[:c, c] = 1
if mask_type == "B":
    mask[c, c] = 1
return mask

# %% [ar.causal_mask] rows above only as far as the left half
c = kernel_size // 2
mask = torch.zeros(kernel_size, kernel_size)
mask[:c + 1, :c + 1] = 1
if mask_type == "A":
    mask[c, c] = 0
return mask

# %% [ar.MaskedConv2d.forward] forgets the bias
return F.conv2d(x, self.weight * self.mask, padding=self.padding)

# %% [ar.MaskedConv2d.forward] forgets the padding
return F.conv2d(x, self.weight * self.mask, self.bias)

# %% [ar.MaskedConv2d.forward] padding lands in stride
return F.conv2d(x, self.weight * self.mask, self.bias, self.padding)

# %% [ar.MaskedConv2d.forward] weight.data: no gradient to the weights
return F.conv2d(x, self.weight.data * self.mask, self.bias, padding=self.padding)

# %% [ar.MaskedConv2d.forward] masks only at the first call
if not hasattr(self, "masked_already"):
    with torch.no_grad():
        self.weight *= self.mask
    self.masked_already = True
return F.conv2d(x, self.weight, self.bias, padding=self.padding)

# %% [ar.MaskedConv2d.forward] convolves with the mask, not with masked weights
return F.conv2d(x, self.mask.expand_as(self.weight), self.bias, padding=self.padding)

# %% [ar.log_likelihood] softmax along the last axis
logp = F.log_softmax(logits, dim=-1)
return logp.gather(1, x[:, None]).squeeze(1).sum(dim=(1, 2))

# %% [ar.log_likelihood] mean over pixels
logp = logits.log_softmax(dim=1)
return logp.gather(1, x[:, None]).flatten(1).mean(dim=1)

# %% [ar.log_likelihood] cross entropy without the minus
return F.cross_entropy(logits, x, reduction="none").sum(dim=(1, 2))

# %% [ar.log_likelihood] cross entropy with its default mean over all
return -F.cross_entropy(logits, x)

# %% [ar.log_likelihood] logits taken for log-probabilities
return logits.gather(1, x[:, None]).squeeze(1).sum(dim=(1, 2))

# %% [ar.log_likelihood] reshape instead of permute
b, K, h, w = logits.shape
logp = logits.reshape(b, h, w, K).log_softmax(dim=-1)
return logp.gather(-1, x[..., None]).squeeze(-1).sum(dim=(1, 2))

# %% [ar.log_likelihood] product of probabilities, then log
p = logits.softmax(dim=1).gather(1, x[:, None]).flatten(1)
return p.prod(dim=1).log()

# %% [ar.log_likelihood] likeliest level instead of the one that is there
logp = F.log_softmax(logits, dim=1)
return logp.max(dim=1).values.sum(dim=(1, 2))

# %% [ar.nll_to_bits] still in nats
return nll / dims

# %% [ar.nll_to_bits] times ln 2
return nll * math.log(2) / dims

# %% [ar.nll_to_bits] bits per picture
return nll / math.log(2)

# %% [ar.nll_to_bits] mean over the batch
return nll.mean() / (dims * math.log(2))

# %% [ar.nll_to_bits] log2 of nll
return torch.log2(nll) / dims

# %% [ar.sample] argmax instead of a draw
b, h, w = shape
x = torch.zeros(shape, dtype=torch.long)
for i in range(h):
    for j in range(w):
        x[:, i, j] = (model(x)[:, :, i, j] / temperature).argmax(dim=1)
return x

# %% [ar.sample] logits times temperature
b, h, w = shape
x = torch.zeros(shape, dtype=torch.long)
for i in range(h):
    for j in range(w):
        p = (model(x)[:, :, i, j] * temperature).softmax(dim=1)
        x[:, i, j] = torch.multinomial(p, 1, generator=generator).squeeze(1)
return x

# %% [ar.sample] probabilities divided by temperature
b, h, w = shape
x = torch.zeros(shape, dtype=torch.long)
for i in range(h):
    for j in range(w):
        p = model(x)[:, :, i, j].softmax(dim=1) / temperature
        x[:, i, j] = torch.multinomial(p, 1, generator=generator).squeeze(1)
return x

# %% [ar.sample] ignores the generator
b, h, w = shape
x = torch.zeros(shape, dtype=torch.long)
for i in range(h):
    for j in range(w):
        p = (model(x)[:, :, i, j] / temperature).softmax(dim=1)
        x[:, i, j] = torch.multinomial(p, 1).squeeze(1)
return x

# %% [ar.sample] column by column
b, h, w = shape
x = torch.zeros(shape, dtype=torch.long)
for j in range(w):
    for i in range(h):
        p = (model(x)[:, :, i, j] / temperature).softmax(dim=1)
        x[:, i, j] = torch.multinomial(p, 1, generator=generator).squeeze(1)
return x

# %% [ar.sample] one pass before the loops
b, h, w = shape
x = torch.zeros(shape, dtype=torch.long)
p = (model(x) / temperature).softmax(dim=1)
for i in range(h):
    for j in range(w):
        x[:, i, j] = torch.multinomial(p[:, :, i, j], 1, generator=generator).squeeze(1)
return x

# %% [ar.sample] one draw for the whole batch
b, h, w = shape
x = torch.zeros(shape, dtype=torch.long)
for i in range(h):
    for j in range(w):
        p = (model(x)[:, :, i, j] / temperature).softmax(dim=1)
        x[:, i, j] = torch.multinomial(p[0], 1, generator=generator)
return x

# %% [ar.sample] one pass per row
b, h, w = shape
x = torch.zeros(shape, dtype=torch.long)
for i in range(h):
    p = (model(x)[:, :, i] / temperature).softmax(dim=1)
    for j in range(w):
        x[:, i, j] = torch.multinomial(p[:, :, j], 1, generator=generator).squeeze(1)
return x

# %% [ar.causal_attention] no scale
n = q.shape[-2]
s = q @ k.transpose(-1, -2)
s = s.masked_fill(torch.ones(n, n).triu(1).bool(), -math.inf)
return s.softmax(dim=-1) @ v

# %% [ar.causal_attention] divided by d, not by its root
n, d = q.shape[-2:]
s = q @ k.transpose(-1, -2) / d
s = s.masked_fill(torch.ones(n, n).triu(1).bool(), -math.inf)
return s.softmax(dim=-1) @ v

# %% [ar.causal_attention] softmax over the queries
n, d = q.shape[-2:]
s = q @ k.transpose(-1, -2) / d ** 0.5
s = s.masked_fill(torch.ones(n, n).triu(1).bool(), -math.inf)
return s.softmax(dim=-2) @ v

# %% [ar.causal_attention] mask multiplied into the scores (0 instead of -inf)
n, d = q.shape[-2:]
s = q @ k.transpose(-1, -2) / d ** 0.5
s = s * torch.ones(n, n).tril()
return s.softmax(dim=-1) @ v

# %% [ar.causal_attention] mask after the softmax, sums below 1
n, d = q.shape[-2:]
s = q @ k.transpose(-1, -2) / d ** 0.5
return (s.softmax(dim=-1) * torch.ones(n, n).tril()) @ v

# %% [ar.causal_attention] root of the number of tokens
n, d = q.shape[-2:]
s = q @ k.transpose(-1, -2) / n ** 0.5
s = s.masked_fill(torch.ones(n, n).triu(1).bool(), -math.inf)
return s.softmax(dim=-1) @ v
