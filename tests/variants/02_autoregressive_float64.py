# %% [ar.causal_mask] in numpy
import numpy as np

flat = np.zeros(kernel_size * kernel_size)
flat[: kernel_size * kernel_size // 2 + int(mask_type == "B")] = 1
return torch.from_numpy(flat.reshape(kernel_size, kernel_size))

# %% [ar.MaskedConv2d.forward] the weights masked in place, the sum in float64
self.weight.data *= self.mask
pads = [self.kernel_size[1] // 2] * 2 + [self.kernel_size[0] // 2] * 2
return F.conv2d(F.pad(x, pads).double(), self.weight.double(), self.bias.double())

# %% [ar.log_likelihood] a difference of logits in float64
logits = logits.double()
chosen = torch.take_along_dim(logits, x[:, None], dim=1)[:, 0]
return (chosen - torch.logsumexp(logits, dim=1)).flatten(1).sum(1)

# %% [ar.nll_to_bits] in float64
return nll.double() / torch.tensor(2.0, dtype=torch.float64).log() / dims

# %% [ar.sample] the inverse of the distribution function, in float64
x = torch.zeros(*shape, dtype=torch.long)
for i in range(shape[1]):
    for j in range(shape[2]):
        p = torch.softmax(model(x[:, : i + 1])[:, :, i, j].double() / temperature, -1)
        u = torch.rand(shape[0], 1, dtype=torch.float64, generator=generator)
        x[:, i, j] = (p.cumsum(-1) < u).sum(-1).clamp(max=p.shape[-1] - 1)
return x

# %% [ar.causal_attention] in float64, a mask that is added
q, k, v = q.double(), k.double(), v.double()
n, d = q.shape[2], q.shape[3]
hidden = torch.full((n, n), float("-inf"), dtype=torch.float64).triu(diagonal=1)
return ((q / d**0.5) @ k.mT + hidden).softmax(-1) @ v
