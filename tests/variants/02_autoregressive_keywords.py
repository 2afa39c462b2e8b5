# %% [ar.causal_mask] every argument by its name
row = torch.arange(start=0, end=kernel_size).unsqueeze(dim=1)
column = torch.arange(start=0, end=kernel_size).unsqueeze(dim=0)
c = kernel_size // 2
seen = torch.lt(input=row, other=c) | (torch.eq(input=row, other=c) & (column < c + (mask_type == "B")))
return torch.where(condition=seen, input=torch.tensor(data=1.0), other=torch.tensor(data=0.0))

# %% [ar.MaskedConv2d.forward] every argument by its name
weight = self.weight.masked_fill(mask=torch.eq(input=self.mask, other=0), value=0.0)
return F.conv2d(input=x, weight=weight, bias=self.bias, stride=self.stride, padding=self.padding,
                dilation=self.dilation, groups=self.groups)

# %% [ar.log_likelihood] the cross-entropy of each pixel
nll = F.cross_entropy(input=logits, target=x, reduction="none")
return torch.neg(input=torch.sum(input=nll, dim=(-2, -1)))

# %% [ar.nll_to_bits] every argument by its name
return torch.div(input=nll, other=dims * math.log(2))

# %% [ar.sample] every argument by its name
b, h, w = shape
x = torch.zeros(size=(b, h, w), dtype=torch.long)
for i in range(0, h):
    for j in range(0, w):
        p = F.softmax(input=torch.div(input=model(x), other=temperature), dim=1)[:, :, i, j]
        drawn = torch.multinomial(input=p, num_samples=1, replacement=True, generator=generator)
        x[:, i, j] = drawn[:, 0]
return x

# %% [ar.causal_attention] torch's own
return F.scaled_dot_product_attention(query=q, key=k, value=v, attn_mask=None, dropout_p=0.0, is_causal=True)
