# %% [dit.patchify] channels in front inside a token (k, a, b), as F.unfold lays them
b, c, h, w = x.shape
x = x.reshape(b, c, h // p, p, w // p, p).permute(0, 2, 4, 1, 3, 5)
return x.reshape(b, (h // p) * (w // p), p * p * c)

# %% [dit.patchify] a plain reshape without moving axes
b, c, h, w = x.shape
return x.reshape(b, (h // p) * (w // p), p * p * c)

# %% [dit.patchify] patches column by column
b, c, h, w = x.shape
x = x.reshape(b, c, h // p, p, w // p, p).permute(0, 4, 2, 3, 5, 1)
return x.reshape(b, (h // p) * (w // p), p * p * c)

# %% [dit.patchify] pixels of a patch column by column
b, c, h, w = x.shape
x = x.reshape(b, c, h // p, p, w // p, p).permute(0, 2, 4, 5, 3, 1)
return x.reshape(b, (h // p) * (w // p), p * p * c)

# %% [dit.patchify] sides split as (p, h/p): every (h/p)-th pixel makes a patch
b, c, h, w = x.shape
x = x.reshape(b, c, p, h // p, p, w // p).permute(0, 3, 5, 2, 4, 1)
return x.reshape(b, (h // p) * (w // p), p * p * c)

# %% [dit.patchify] only the channels moved to the end, the rows of a patch not brought beside its columns
b, c, h, w = x.shape
x = x.reshape(b, c, h // p, p, w // p, p).permute(0, 2, 3, 4, 5, 1)
return x.reshape(b, (h // p) * (w // p), p * p * c)

# %% [dit.unpatchify] tokens split with the channels in front (c, p, p)
b, c = len(tokens), tokens.shape[2] // p**2
x = tokens.reshape(b, h // p, w // p, c, p, p).permute(0, 3, 1, 4, 2, 5)
return x.reshape(b, c, h, w)

# %% [dit.unpatchify] a plain reshape
return tokens.reshape(len(tokens), -1, h, w)

# %% [dit.unpatchify] channels to the front, but rows of patches not interleaved with rows of pixels
x = tokens.reshape(len(tokens), h // p, w // p, p, p, -1).permute(0, 5, 1, 2, 3, 4)
return x.reshape(len(tokens), -1, h, w)

# %% [dit.unpatchify] patchify's own permutation applied once more, instead of its inverse
x = tokens.reshape(len(tokens), h // p, w // p, p, p, -1).permute(0, 2, 4, 3, 5, 1)
return x.reshape(len(tokens), -1, h, w)

# %% [dit.unpatchify] numbers of patches swapped: w/p rows of h/p
x = tokens.reshape(len(tokens), w // p, h // p, p, p, -1).permute(0, 5, 1, 3, 2, 4)
return x.reshape(len(tokens), -1, h, w)

# %% [dit.modulate] the 1 is forgotten
return x * scale[:, None] + shift[:, None]

# %% [dit.modulate] shift and scale swapped, the order of notebook 06
scale, shift = shift, scale
return x * (1 + scale[:, None]) + shift[:, None]

# %% [dit.modulate] shift first, then scale
return (x + shift[:, None]) * (1 + scale[:, None])

# %% [dit.modulate] no axis for the tokens
return x * (1 + scale) + shift

# %% [dit.modulate] exp(scale), which also leaves x at 0
return x * scale[:, None].exp() + shift[:, None]

# %% [dit.DiTBlock.forward] the chunks as scale, shift, gate (order of 06)
scale1, shift1, gate1, scale2, shift2, gate2 = self.modulation(c).chunk(6, dim=1)
x = x + gate1[:, None] * self.attention(modulate(self.norm1(x), shift1, scale1))
return x + gate2[:, None] * self.mlp(modulate(self.norm2(x), shift2, scale2))

# %% [dit.DiTBlock.forward] the chunks as shift, shift, scale, scale, gate, gate
shift1, shift2, scale1, scale2, gate1, gate2 = self.modulation(c).chunk(6, dim=1)
x = x + gate1[:, None] * self.attention(modulate(self.norm1(x), shift1, scale1))
return x + gate2[:, None] * self.mlp(modulate(self.norm2(x), shift2, scale2))

# %% [dit.DiTBlock.forward] the second half reads the block's input, not what the first made
shift1, scale1, gate1, shift2, scale2, gate2 = self.modulation(c).chunk(6, dim=1)
a = gate1[:, None] * self.attention(modulate(self.norm1(x), shift1, scale1))
m = gate2[:, None] * self.mlp(modulate(self.norm2(x), shift2, scale2))
return x + a + m

# %% [dit.DiTBlock.forward] the gate is 1 + gate, like the scale
shift1, scale1, gate1, shift2, scale2, gate2 = self.modulation(c).chunk(6, dim=1)
x = x + (1 + gate1[:, None]) * self.attention(modulate(self.norm1(x), shift1, scale1))
return x + (1 + gate2[:, None]) * self.mlp(modulate(self.norm2(x), shift2, scale2))

# %% [dit.DiTBlock.forward] the residual is the normed x
shift1, scale1, gate1, shift2, scale2, gate2 = self.modulation(c).chunk(6, dim=1)
x = self.norm1(x)
x = x + gate1[:, None] * self.attention(modulate(x, shift1, scale1))
x = self.norm2(x)
return x + gate2[:, None] * self.mlp(modulate(x, shift2, scale2))

# %% [dit.DiTBlock.forward] the gate is applied to the sum with the residual
shift1, scale1, gate1, shift2, scale2, gate2 = self.modulation(c).chunk(6, dim=1)
x = gate1[:, None] * (x + self.attention(modulate(self.norm1(x), shift1, scale1)))
return gate2[:, None] * (x + self.mlp(modulate(self.norm2(x), shift2, scale2)))

# %% [dit.DiTBlock.forward] SiLU once more before the modulation, which has one
shift1, scale1, gate1, shift2, scale2, gate2 = self.modulation(F.silu(c)).chunk(6, dim=1)
x = x + gate1[:, None] * self.attention(modulate(self.norm1(x), shift1, scale1))
return x + gate2[:, None] * self.mlp(modulate(self.norm2(x), shift2, scale2))

# %% [dit.adaln_zero_init] only the weights, the biases stay
for module in model.modules():
    if hasattr(module, "modulation"):
        nn.init.zeros_(module.modulation[-1].weight)
    if hasattr(module, "head"):
        nn.init.zeros_(module.head.weight)

# %% [dit.adaln_zero_init] only the direct children, not what lies deeper and not itself
for module in model.children():
    if hasattr(module, "modulation"):
        nn.init.zeros_(module.modulation[-1].weight)
        nn.init.zeros_(module.modulation[-1].bias)
    if hasattr(module, "head"):
        nn.init.zeros_(module.head.weight)
        nn.init.zeros_(module.head.bias)

# %% [dit.adaln_zero_init] only the gates' rows (last third of each half) of the modulations, and the heads
with torch.no_grad():
    for module in model.modules():
        if hasattr(module, "modulation"):
            layer = module.modulation[-1]
            for p in layer.parameters():
                rows = p.unflatten(0, (6, -1)) if len(p) % 6 == 0 else p.unflatten(0, (2, -1))
                rows[[2, 5] if len(rows) == 6 else [0, 1]] = 0
        if hasattr(module, "head"):
            for p in module.head.parameters():
                p.zero_()

# %% [dit.adaln_zero_init] every linear layer of the network
for module in model.modules():
    if isinstance(module, nn.Linear):
        nn.init.zeros_(module.weight)
        nn.init.zeros_(module.bias)

# %% [dit.adaln_zero_init] the names bound to zeros, the weights untouched
for module in model.modules():
    if hasattr(module, "modulation"):
        weight, bias = module.modulation[-1].weight, module.modulation[-1].bias
        weight, bias = torch.zeros_like(weight), torch.zeros_like(bias)
    if hasattr(module, "head"):
        weight, bias = module.head.weight, module.head.bias
        weight, bias = torch.zeros_like(weight), torch.zeros_like(bias)

# %% [dit.adaln_zero_init] modulations only, the head forgotten
for module in model.modules():
    if hasattr(module, "modulation"):
        nn.init.zeros_(module.modulation[-1].weight)
        nn.init.zeros_(module.modulation[-1].bias)

# %% [dit.joint_attention] scaled by √d, not by √(d/heads)
n, d = x.shape[1:]
q, k, v = (t.unflatten(-1, (heads, -1)).transpose(1, 2) for t in torch.cat([qkv_x(x), qkv_context(context)], 1).chunk(3, -1))
o = ((q @ k.mT / d**0.5).softmax(-1) @ v).transpose(1, 2).flatten(2)
return out_x(o[:, :n]), out_context(o[:, n:])

# %% [dit.joint_attention] the heads not brought back side by side: reshape without transpose
n = x.shape[1]
q, k, v = (t.unflatten(-1, (heads, -1)).transpose(1, 2) for t in torch.cat([qkv_x(x), qkv_context(context)], 1).chunk(3, -1))
o = F.scaled_dot_product_attention(q, k, v).reshape(len(x), -1, x.shape[2])
return out_x(o[:, :n]), out_context(o[:, n:])

# %% [dit.joint_attention] each stream reads only the other (cross-attention twice)
def cut(t):
    return t.unflatten(2, (heads, -1)).transpose(1, 2)
qx, kx, vx = map(cut, qkv_x(x).chunk(3, 2))
qc, kc, vc = map(cut, qkv_context(context).chunk(3, 2))
a = F.scaled_dot_product_attention(qx, kc, vc).transpose(1, 2).flatten(2)
e = F.scaled_dot_product_attention(qc, kx, vx).transpose(1, 2).flatten(2)
return out_x(a), out_context(e)

# %% [dit.joint_attention] the text's queries read only the text
def cut(t):
    return t.unflatten(2, (heads, -1)).transpose(1, 2)
qx, kx, vx = map(cut, qkv_x(x).chunk(3, 2))
qc, kc, vc = map(cut, qkv_context(context).chunk(3, 2))
a = F.scaled_dot_product_attention(qx, torch.cat([kx, kc], 2), torch.cat([vx, vc], 2)).transpose(1, 2).flatten(2)
e = F.scaled_dot_product_attention(qc, kc, vc).transpose(1, 2).flatten(2)
return out_x(a), out_context(e)

# %% [dit.joint_attention] a head is every heads-th number (unflatten to (d/heads, heads))
n = x.shape[1]
q, k, v = (t.unflatten(-1, (-1, heads)).permute(0, 3, 1, 2) for t in torch.cat([qkv_x(x), qkv_context(context)], 1).chunk(3, -1))
o = F.scaled_dot_product_attention(q, k, v).permute(0, 2, 3, 1).flatten(2)
return out_x(o[:, :n]), out_context(o[:, n:])

# %% [dit.joint_attention] one softmax over each stream's keys, the two answers added
def cut(t):
    return t.unflatten(2, (heads, -1)).transpose(1, 2)
qx, kx, vx = map(cut, qkv_x(x).chunk(3, 2))
qc, kc, vc = map(cut, qkv_context(context).chunk(3, 2))
A = F.scaled_dot_product_attention
a = A(qx, kx, vx) + A(qx, kc, vc)
e = A(qc, kc, vc) + A(qc, kx, vx)
return out_x(a.transpose(1, 2).flatten(2)), out_context(e.transpose(1, 2).flatten(2))

# %% [dit.temporal_attention] reshape to (b·n, f, d) with no axes moved
b, f, n, d = x.shape
return attend(x.reshape(b * n, f, d)).reshape(b, f, n, d)

# %% [dit.temporal_attention] attention over places (space)
b, f, n, d = x.shape
return attend(x.reshape(b * f, n, d)).reshape(b, f, n, d)

# %% [dit.temporal_attention] there right, back by a reshape only
b, f, n, d = x.shape
return attend(x.transpose(1, 2).reshape(b * n, f, d)).reshape(b, f, n, d)

# %% [dit.temporal_attention] all tokens in one row
b, f, n, d = x.shape
return attend(x.reshape(b, f * n, d)).reshape(b, f, n, d)

# %% [dit.temporal_attention] places in front of samples on the way there, samples in front on the way back
b, f, n, d = x.shape
y = attend(x.permute(2, 0, 1, 3).reshape(n * b, f, d))
return y.reshape(b, n, f, d).transpose(1, 2)
