# %% [ar.causal_mask] types swapped: A shows the centre, B hides it
c = kernel_size // 2
mask = torch.zeros(kernel_size, kernel_size)
mask[:c] = 1
mask[c, :c] = 1
if mask_type == "A":
    mask[c, c] = 1
return mask

# %% [ar.causal_mask] lower triangle, as for attention
ones = torch.ones(kernel_size, kernel_size)
return torch.tril(ones, diagonal=-1 if mask_type == "A" else 0)

# %% [ar.causal_mask] only the upper left quadrant (what is above AND left)
c = kernel_size // 2
mask = torch.zeros(kernel_size, kernel_size)
mask[:c, :c] = 1
mask[c, :c] = 1
mask[:c, c] = 1
mask[c, c] = float(mask_type == "B")
return mask

# %% [ar.causal_mask] rows and columns exchanged: columns to the left in full, and above the centre
c = kernel_size // 2
mask = torch.zeros(kernel_size, kernel_size)
mask[:, :c] = 1
mask[:c, c] = 1
if mask_type == "B":
    mask[c, c] = 1
return mask

# %% [ar.causal_mask] the centre's row forgotten: nothing to the left of the centre is seen
mask = torch.zeros((kernel_size, kernel_size))
mask[:kernel_size // 2, :] = 1.0
mask[kernel_size // 2, kernel_size // 2] = 1.0 if mask_type == "B" else 0.0
return mask

# %% [ar.causal_mask] centre off by one: (k + 1) // 2
c = (kernel_size + 1) // 2
mask = torch.ones(kernel_size, kernel_size)
mask[c + 1:, :] = 0
mask[c, c + 1:] = 0
if mask_type == "A":
    mask[c, c] = 0
return mask

# %% [ar.MaskedConv2d.forward] result of mul thrown away (not in place): unmasked
self.weight.mul(self.mask)
return nn.Conv2d.forward(self, x)

# %% [ar.MaskedConv2d.forward] weight.data in the convolution: the weights get no gradient
w = self.weight.data * self.mask
return F.conv2d(x, w, self.bias, padding=self.padding)

# %% [ar.MaskedConv2d.forward] padding as fourth positional argument, which is the stride
return F.conv2d(x, self.weight * self.mask, self.bias, self.padding)

# %% [ar.MaskedConv2d.forward] bias forgotten
return F.conv2d(x, self.weight * self.mask, padding=self.padding)

# %% [ar.MaskedConv2d.forward] matrix product instead of elementwise
return F.conv2d(x, self.weight @ self.mask, bias=self.bias, padding=self.padding)

# %% [ar.MaskedConv2d.forward] a new Parameter at each call: the optimizer holds the old one
self.weight = nn.Parameter(self.weight * self.mask)
return nn.Conv2d.forward(self, x)

# %% [ar.log_likelihood] softmax along the last axis (w), not the levels
logp = logits.log_softmax(-1)
return logp.gather(1, x[:, None]).squeeze(1).sum((1, 2))

# %% [ar.log_likelihood] summed over the batch too
logp = F.log_softmax(logits, dim=1)
return logp.gather(1, x.unsqueeze(1)).sum()

# %% [ar.log_likelihood] mean over the pixels
logp = F.log_softmax(logits, dim=1)
return logp.gather(1, x.unsqueeze(1)).flatten(1).mean(dim=1)

# %% [ar.log_likelihood] sign: cross entropy without the minus
return F.cross_entropy(logits, x, reduction="none").sum(dim=(1, 2))

# %% [ar.log_likelihood] logits taken as log-probabilities, not normalised
return logits.gather(1, x[:, None]).sum(dim=(1, 2, 3))

# %% [ar.log_likelihood] product of probabilities, then the logarithm: underflow
p = logits.softmax(dim=1).gather(1, x[:, None])
return p.flatten(1).prod(dim=1).log()

# %% [ar.log_likelihood] reshape instead of permute: levels and places mixed up
b, K, h, w = logits.shape
logp = F.log_softmax(logits.reshape(b, h * w, K), dim=-1)
return logp.gather(-1, x.reshape(b, h * w, 1)).squeeze(-1).sum(-1)

# %% [ar.nll_to_bits] times ln 2 instead of divided
return nll / dims * math.log(2)

# %% [ar.nll_to_bits] per dimension, still in nats
return nll / dims

# %% [ar.nll_to_bits] bits, not per dimension
return nll / math.log(2)

# %% [ar.nll_to_bits] log2 of the nll
return torch.log2(nll) / dims

# %% [ar.nll_to_bits] averaged over the batch
return nll.mean() / (dims * math.log(2))

# %% [ar.sample] logits multiplied by temperature
b, h, w = shape
x = torch.zeros(b, h, w, dtype=torch.long)
for i in range(h):
    for j in range(w):
        p = (model(x)[:, :, i, j] * temperature).softmax(dim=1)
        x[:, i, j] = torch.multinomial(p, 1, generator=generator).squeeze(1)
return x

# %% [ar.sample] probabilities divided by temperature (multinomial normalises it away)
b, h, w = shape
x = torch.zeros(b, h, w, dtype=torch.long)
for i in range(h):
    for j in range(w):
        p = model(x)[:, :, i, j].softmax(dim=1) / temperature
        x[:, i, j] = torch.multinomial(p, 1, generator=generator).squeeze(1)
return x

# %% [ar.sample] the favourite instead of a draw
x = torch.zeros(shape, dtype=torch.long)
for i in range(shape[1]):
    for j in range(shape[2]):
        x[:, i, j] = (model(x)[:, :, i, j] / temperature).softmax(1).argmax(1)
return x

# %% [ar.sample] column by column
b, h, w = shape
x = torch.zeros(b, h, w, dtype=torch.long)
for j in range(w):
    for i in range(h):
        p = F.softmax(model(x)[:, :, i, j] / temperature, dim=1)
        x[:, i, j] = torch.multinomial(p, 1, generator=generator).squeeze(1)
return x

# %% [ar.sample] generator forgotten
b, h, w = shape
x = torch.zeros(b, h, w, dtype=torch.long)
for i in range(h):
    for j in range(w):
        p = F.softmax(model(x)[:, :, i, j] / temperature, dim=1)
        x[:, i, j] = torch.multinomial(p, 1).squeeze(1)
return x

# %% [ar.sample] the network asked once, before the loops
b, h, w = shape
x = torch.zeros(b, h, w, dtype=torch.long)
probs = F.softmax(model(x) / temperature, dim=1)
for i in range(h):
    for j in range(w):
        x[:, i, j] = torch.multinomial(probs[:, :, i, j], 1, generator=generator).squeeze(1)
return x

# %% [ar.sample] multinomial(...)[0]: all pictures get the level of the first
b, h, w = shape
x = torch.zeros(b, h, w, dtype=torch.long)
for i in range(h):
    for j in range(w):
        p = F.softmax(model(x)[:, :, i, j] / temperature, dim=1)
        x[:, i, j] = torch.multinomial(p, 1, generator=generator)[0]
return x

# %% [ar.sample] softmax over the batch (dim=0)
b, h, w = shape
x = torch.zeros(b, h, w, dtype=torch.long)
for i in range(h):
    for j in range(w):
        logits = model(x)[:, :, i, j] / temperature
        x[:, i, j] = torch.multinomial(torch.softmax(logits, 0), 1, generator=generator).squeeze(1)
return x

# %% [ar.sample] drawn into another canvas: the network always sees zeros
b, h, w = shape
x = torch.zeros(b, h, w, dtype=torch.long)
out = x.clone()
for i in range(h):
    for j in range(w):
        p = F.softmax(model(x)[:, :, i, j] / temperature, dim=1)
        out[:, i, j] = torch.multinomial(p, 1, generator=generator).squeeze(1)
return out

# %% [ar.causal_attention] divided by d, not its root
n, d = q.shape[-2:]
scores = q @ k.transpose(-2, -1) / d
scores = scores.masked_fill(torch.ones(n, n).tril() == 0, float("-inf"))
return scores.softmax(dim=-1) @ v

# %% [ar.causal_attention] root of the number of tokens (shape[-2]) instead of d
n = q.shape[-2]
scores = q @ k.transpose(-2, -1) / math.sqrt(n)
scores = scores.masked_fill(torch.ones(n, n).tril() == 0, float("-inf"))
return scores.softmax(dim=-1) @ v

# %% [ar.causal_attention] forbidden scores set to 0 by multiplying with the mask
n, d = q.shape[-2:]
scores = (q @ k.transpose(-2, -1)) * torch.tril(torch.ones(n, n)) / d ** 0.5
return scores.softmax(dim=-1) @ v

# %% [ar.causal_attention] mask after the softmax, not renormalised
n, d = q.shape[-2:]
weights = (q @ k.transpose(-2, -1) / math.sqrt(d)).softmax(dim=-1)
return (weights * torch.tril(torch.ones(n, n))) @ v

# %% [ar.causal_attention] softmax along the queries (dim=-2)
n, d = q.shape[-2:]
scores = q @ k.transpose(-2, -1) / math.sqrt(d)
scores = scores.masked_fill(torch.ones(n, n).tril() == 0, float("-inf"))
return F.softmax(scores, dim=-2) @ v

# %% [ar.causal_attention] (1 - mask) * -inf: zero times infinity is nan
n, d = q.shape[-2:]
mask = (1 - torch.tril(torch.ones(n, n))) * float("-inf")
scores = q @ k.transpose(-2, -1) / math.sqrt(d) + mask
return scores.softmax(dim=-1) @ v

# %% [ar.causal_attention] q and k exchanged: k q^T
n, d = q.shape[-2:]
scores = k @ q.transpose(-2, -1) / math.sqrt(d)
scores = scores.masked_fill(torch.ones(n, n).tril() == 0, float("-inf"))
return scores.softmax(dim=-1) @ v

# %% [ar.MaskedConv2d.forward] super() outside of the class
self.weight.data *= self.mask
return super().forward(x)

# %% [ar.MaskedConv2d.forward] matrix product, the mask first
return F.conv2d(x, torch.matmul(self.mask, self.weight), self.bias, padding=self.padding)

# %% [ar.log_likelihood] cross-entropy on logits that were flattened without moving the axis
K = logits.shape[1]
return -F.cross_entropy(logits.reshape(-1, K), x.reshape(-1), reduction="none").view(len(x), -1).sum(1)

# %% [ar.log_likelihood] flattened after the softmax, without moving the axis
log_p = logits.log_softmax(1).view(-1, logits.shape[1])
return log_p.gather(1, x.view(-1, 1)).view(len(x), -1).sum(1)
