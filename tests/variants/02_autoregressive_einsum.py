# %% [ar.causal_mask] an index in reading order
place = torch.arange(kernel_size**2).unflatten(0, (kernel_size, kernel_size))
last = kernel_size**2 // 2 if mask_type == "B" else kernel_size**2 // 2 - 1
return torch.le(place, last).to(torch.get_default_dtype())

# %% [ar.MaskedConv2d.forward] the layer's own convolution
weight = torch.einsum("oikl,kl->oikl", self.weight, self.mask)
return self._conv_forward(x, weight, self.bias)

# %% [ar.log_likelihood] einsum with a one-hot
log_p = torch.log_softmax(logits, 1)
return torch.einsum("bkhw,bhwk->b", log_p, F.one_hot(x, logits.shape[1]).to(log_p.dtype))

# %% [ar.nll_to_bits] the base 2 logarithm of e
return nll * math.log2(math.e) / dims

# %% [ar.sample] Gumbel noise
from einops import rearrange

b, h, w = shape
x = torch.zeros(shape, dtype=torch.int64)
for place in range(h * w):
    i, j = divmod(place, w)
    scores = rearrange(model(x), "b k h w -> h w b k")[i, j] / temperature
    gumbel = -torch.log(-torch.log(torch.rand(scores.shape, generator=generator)))
    x[:, i, j] = (scores + gumbel).argmax(-1)
return x

# %% [ar.causal_attention] einsum
scores = torch.einsum("bhid,bhjd->bhij", q, k) * q.shape[-1] ** -0.5
past = torch.tril(torch.ones_like(scores)).bool()
return torch.einsum("bhij,bhjd->bhid", torch.where(past, scores, torch.finfo(scores.dtype).min).softmax(-1), v)
