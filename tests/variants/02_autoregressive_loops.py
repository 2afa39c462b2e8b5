# %% [ar.causal_mask] a loop over places
mask = torch.zeros(kernel_size, kernel_size)
c = kernel_size // 2
for i in range(kernel_size):
    for j in range(kernel_size):
        if i < c or (i == c and j < c) or (i == j == c and mask_type == "B"):
            mask[i, j] = 1.0
return mask

# %% [ar.MaskedConv2d.forward] shifted pictures, one place of the kernel after the other
c = self.kernel_size[0] // 2
h, w = x.shape[-2:]
padded = F.pad(x, (c, c, c, c))
out = self.bias[None, :, None, None]
for i in range(self.kernel_size[0]):
    for j in range(self.kernel_size[1]):
        weight = self.weight[:, :, i, j] * self.mask[i, j]
        out = out + torch.einsum("bchw,oc->bohw", padded[:, :, i:i + h, j:j + w], weight)
return out

# %% [ar.log_likelihood] a loop over levels
log_p = torch.nn.LogSoftmax(dim=1)(logits)
total = 0
for level in range(logits.shape[1]):
    total = total + torch.where(x == level, log_p[:, level], 0.0).sum(dim=(1, 2))
return total

# %% [ar.nll_to_bits] a loop over dimensions of one bit each
nats_of_coins = sum(math.log(2) for _ in range(dims))
return nll / nats_of_coins

# %% [ar.sample] picture by picture
b, h, w = shape
x = torch.full((b, h, w), 1, dtype=torch.long)
for i in range(h):
    for j in range(w):
        bets = model(x).permute(0, 2, 3, 1)
        for n in range(b):
            p = torch.exp(bets[n, i, j] / temperature - torch.logsumexp(bets[n, i, j] / temperature, 0))
            x[n, i, j] = torch.multinomial(p, 1, generator=generator).item()
return x

# %% [ar.causal_attention] a loop over tokens
rows = []
for i in range(q.shape[-2]):
    scores = (q[..., i:i + 1, :] * k[..., :i + 1, :]).sum(-1) / math.sqrt(q.shape[-1])
    weights = scores.softmax(dim=-1)
    rows.append((weights[..., None] * v[..., :i + 1, :]).sum(-2))
return torch.stack(rows, dim=-2)
