# %% [dit.patchify] a square picture taken for granted
b, c, h, w = x.shape
s = h // p
return x.reshape(b, c, s, p, s, p).permute(0, 2, 4, 3, 5, 1).reshape(b, s * s, p * p * c)

# %% [dit.patchify] p taken for the number of patches on a side
b, c, h, w = x.shape
x = x.reshape(b, c, p, h // p, p, w // p).permute(0, 2, 4, 3, 5, 1)
return x.reshape(b, p * p, -1)

# %% [dit.unpatchify] three channels taken for granted
return tokens.reshape(len(tokens), h // p, w // p, p, p, 3).permute(0, 5, 1, 3, 2, 4).reshape(len(tokens), 3, h, w)

# %% [dit.unpatchify] rows and columns of a patch swapped
x = tokens.reshape(len(tokens), h // p, w // p, p, p, -1).permute(0, 5, 1, 4, 2, 3)
return x.reshape(len(tokens), -1, h, w)

# %% [dit.modulate] norms x itself
return F.layer_norm(x, x.shape[-1:]) * (1 + scale[:, None]) + shift[:, None]

# %% [dit.modulate] in place on the argument
x.mul_(1 + scale[:, None]).add_(shift[:, None])
return x

# %% [dit.DiTBlock.forward] no residual
shift1, scale1, gate1, shift2, scale2, gate2 = self.modulation(c).chunk(6, dim=1)
x = gate1[:, None] * self.attention(modulate(self.norm1(x), shift1, scale1))
return gate2[:, None] * self.mlp(modulate(self.norm2(x), shift2, scale2))

# %% [dit.DiTBlock.forward] no gates
shift1, scale1, gate1, shift2, scale2, gate2 = self.modulation(c).chunk(6, dim=1)
x = x + self.attention(modulate(self.norm1(x), shift1, scale1))
return x + self.mlp(modulate(self.norm2(x), shift2, scale2))

# %% [dit.DiTBlock.forward] x += in place on the argument
shift1, scale1, gate1, shift2, scale2, gate2 = self.modulation(c).chunk(6, dim=1)
x += gate1[:, None] * self.attention(modulate(self.norm1(x), shift1, scale1))
x += gate2[:, None] * self.mlp(modulate(self.norm2(x), shift2, scale2))
return x

# %% [dit.DiTBlock.forward] gates not unsqueezed
shift1, scale1, gate1, shift2, scale2, gate2 = self.modulation(c).chunk(6, dim=1)
x = x + gate1 * self.attention(modulate(self.norm1(x), shift1, scale1))
return x + gate2 * self.mlp(modulate(self.norm2(x), shift2, scale2))

# %% [dit.DiTBlock.forward] modulate called scale first (06)
shift1, scale1, gate1, shift2, scale2, gate2 = self.modulation(c).chunk(6, dim=1)
x = x + gate1[:, None] * self.attention(modulate(self.norm1(x), scale1, shift1))
return x + gate2[:, None] * self.mlp(modulate(self.norm2(x), scale2, shift2))

# %% [dit.adaln_zero_init] zero_ without no_grad
for module in model.modules():
    if hasattr(module, "modulation"):
        module.modulation[-1].weight.zero_()
        module.modulation[-1].bias.zero_()
    if hasattr(module, "head"):
        module.head.weight.zero_()
        module.head.bias.zero_()

# %% [dit.adaln_zero_init] zeroed and frozen
for module in model.modules():
    for layer in ([module.modulation[-1]] if hasattr(module, "modulation") else []) + ([module.head] if hasattr(module, "head") else []):
        for p in layer.parameters():
            nn.init.zeros_(p)
            p.requires_grad = False

# %% [dit.adaln_zero_init] parameters replaced by new ones
for module in model.modules():
    for layer in ([module.modulation[-1]] if hasattr(module, "modulation") else []) + ([module.head] if hasattr(module, "head") else []):
        layer.weight = nn.Parameter(torch.zeros_like(layer.weight))
        layer.bias = nn.Parameter(torch.zeros_like(layer.bias))

# %% [dit.adaln_zero_init] elif: a module with both keeps its head
for module in model.modules():
    if hasattr(module, "modulation"):
        nn.init.zeros_(module.modulation[-1].weight)
        nn.init.zeros_(module.modulation[-1].bias)
    elif hasattr(module, "head"):
        nn.init.zeros_(module.head.weight)
        nn.init.zeros_(module.head.bias)

# %% [dit.adaln_zero_init] the modulations and also the last layers of attention and MLP
for module in model.modules():
    if hasattr(module, "modulation"):
        for p in module.modulation[-1].parameters():
            nn.init.zeros_(p)
    if hasattr(module, "mlp"):
        for p in module.mlp[-1].parameters():
            nn.init.zeros_(p)
    if hasattr(module, "out"):
        for p in module.out.parameters():
            nn.init.zeros_(p)
    if hasattr(module, "head"):
        for p in module.head.parameters():
            nn.init.zeros_(p)

# %% [dit.adaln_zero_init] all linear layers inside the modulations
for module in model.modules():
    if hasattr(module, "modulation"):
        for p in module.modulation.parameters():
            nn.init.zeros_(p)
    if hasattr(module, "head"):
        for p in module.head.parameters():
            nn.init.zeros_(p)

# %% [dit.joint_attention] softmax over the queries
n = x.shape[1]
q, k, v = (t.unflatten(-1, (heads, -1)).transpose(1, 2) for t in torch.cat([qkv_x(x), qkv_context(context)], 1).chunk(3, -1))
o = ((q @ k.mT / q.shape[-1]**0.5).softmax(-2) @ v).transpose(1, 2).flatten(2)
return out_x(o[:, :n]), out_context(o[:, n:])

# %% [dit.joint_attention] qkv split per head (heads, 3, d/heads)
n = x.shape[1]
q, k, v = torch.cat([qkv_x(x), qkv_context(context)], 1).unflatten(-1, (heads, 3, -1)).permute(3, 0, 2, 1, 4)
o = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)
return out_x(o[:, :n]), out_context(o[:, n:])

# %% [dit.joint_attention] the last layers swapped
n = x.shape[1]
q, k, v = (t.unflatten(-1, (heads, -1)).transpose(1, 2) for t in torch.cat([qkv_x(x), qkv_context(context)], 1).chunk(3, -1))
o = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)
return out_context(o[:, :n]), out_x(o[:, n:])

# %% [dit.joint_attention] with residual
n = x.shape[1]
q, k, v = (t.unflatten(-1, (heads, -1)).transpose(1, 2) for t in torch.cat([qkv_x(x), qkv_context(context)], 1).chunk(3, -1))
o = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)
return x + out_x(o[:, :n]), context + out_context(o[:, n:])

# %% [dit.joint_attention] one head
n = x.shape[1]
q, k, v = torch.cat([qkv_x(x), qkv_context(context)], 1).chunk(3, -1)
o = F.scaled_dot_product_attention(q, k, v)
return out_x(o[:, :n]), out_context(o[:, n:])

# %% [dit.joint_attention] heads cut without transpose: attention among the heads of a token
n = x.shape[1]
q, k, v = (t.unflatten(-1, (heads, -1)) for t in torch.cat([qkv_x(x), qkv_context(context)], 1).chunk(3, -1))
o = F.scaled_dot_product_attention(q, k, v).flatten(2)
return out_x(o[:, :n]), out_context(o[:, n:])

# %% [dit.joint_attention] the picture's qkv for both streams
n = x.shape[1]
q, k, v = (t.unflatten(-1, (heads, -1)).transpose(1, 2) for t in qkv_x(torch.cat([x, context], 1)).chunk(3, -1))
o = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)
return out_x(o[:, :n]), out_context(o[:, n:])

# %% [dit.joint_attention] text only read (keys, values), not updated
def cut(t):
    return t.unflatten(2, (heads, -1)).transpose(1, 2)
qx, kx, vx = map(cut, qkv_x(x).chunk(3, 2))
qc, kc, vc = map(cut, qkv_context(context).chunk(3, 2))
a = F.scaled_dot_product_attention(qx, torch.cat([kx, kc], 2), torch.cat([vx, vc], 2)).transpose(1, 2).flatten(2)
return out_x(a), context

# %% [dit.temporal_attention] with residual
b, f, n, d = x.shape
return x + attend(x.transpose(1, 2).reshape(b * n, f, d)).reshape(b, n, f, d).transpose(1, 2)

# %% [dit.temporal_attention] the way back forgotten, (b, n, f, d)
b, f, n, d = x.shape
return attend(x.transpose(1, 2).reshape(b * n, f, d)).reshape(b, n, f, d)

# %% [dit.temporal_attention] causal: only frames before
b, f, n, d = x.shape
y = x.transpose(1, 2).reshape(b * n, f, d)
y = torch.stack([attend(y[:, :i + 1])[:, i] for i in range(f)], dim=1)
return y.reshape(b, n, f, d).transpose(1, 2)

# %% [dit.temporal_attention] x.view on a transposed tensor
b, f, n, d = x.shape
y = attend(x.transpose(1, 2).view(b * n, f, d))
return y.view(b, n, f, d).transpose(1, 2)

# %% [dit.adaln_zero_init] also the last layers of attention and MLP, written so that it runs
for module in model.modules():
    for name in ("modulation", "mlp", "out", "head", "attention"):
        layer = getattr(module, name, None)
        if isinstance(layer, nn.Sequential):
            layer = layer[-1]
        if isinstance(layer, nn.Linear):
            for p in layer.parameters():
                nn.init.zeros_(p)

# %% [dit.adaln_zero_init] .modulation taken for the linear layer
for module in model.modules():
    if hasattr(module, "modulation"):
        nn.init.zeros_(module.modulation.weight)
        nn.init.zeros_(module.modulation.bias)
    if hasattr(module, "head"):
        nn.init.zeros_(module.head.weight)
        nn.init.zeros_(module.head.bias)

# %% [dit.adaln_zero_init] model.blocks taken for granted
for block in model.blocks:
    for p in block.modulation[-1].parameters():
        nn.init.zeros_(p)
for p in [*model.modulation[-1].parameters(), *model.head.parameters()]:
    nn.init.zeros_(p)

# %% [dit.adaln_zero_init] head indexed like the modulation
for module in model.modules():
    if hasattr(module, "modulation"):
        nn.init.zeros_(module.modulation[-1].weight)
        nn.init.zeros_(module.modulation[-1].bias)
    if hasattr(module, "head"):
        nn.init.zeros_(module.head[-1].weight)
        nn.init.zeros_(module.head[-1].bias)

# %% [dit.adaln_zero_init] modulation[1], not the last
for module in model.modules():
    if hasattr(module, "modulation"):
        nn.init.zeros_(module.modulation[1].weight)
        nn.init.zeros_(module.modulation[1].bias)
    if hasattr(module, "head"):
        nn.init.zeros_(module.head.weight)
        nn.init.zeros_(module.head.bias)

# %% [dit.patchify] h / p as a float
b, c, h, w = x.shape
return x.reshape(b, c, h / p, p, w / p, p).permute(0, 2, 4, 3, 5, 1).reshape(b, -1, p * p * c)

# %% [dit.patchify] view at the end
b, c, h, w = x.shape
return x.view(b, c, h // p, p, w // p, p).permute(0, 2, 4, 3, 5, 1).view(b, -1, p * p * c)

# %% [dit.unpatchify] h and w taken for numbers of patches
x = tokens.reshape(len(tokens), h, w, p, p, -1).permute(0, 5, 1, 3, 2, 4)
return x.reshape(len(tokens), -1, h * p, w * p)

# %% [dit.modulate] the new axis at the end
return x * (1 + scale[..., None]) + shift[..., None]

# %% [dit.DiTBlock.forward] chunk without a dim: along the batch
shift1, scale1, gate1, shift2, scale2, gate2 = self.modulation(c).chunk(6)
x = x + gate1[:, None] * self.attention(modulate(self.norm1(x), shift1, scale1))
return x + gate2[:, None] * self.mlp(modulate(self.norm2(x), shift2, scale2))

# %% [dit.DiTBlock.forward] MLP first
shift1, scale1, gate1, shift2, scale2, gate2 = self.modulation(c).chunk(6, dim=1)
x = x + gate2[:, None] * self.mlp(modulate(self.norm2(x), shift2, scale2))
return x + gate1[:, None] * self.attention(modulate(self.norm1(x), shift1, scale1))

# %% [dit.DiTBlock.forward] the attention's three for the MLP as well
shift1, scale1, gate1, _, _, _ = self.modulation(c).chunk(6, dim=1)
x = x + gate1[:, None] * self.attention(modulate(self.norm1(x), shift1, scale1))
return x + gate1[:, None] * self.mlp(modulate(self.norm2(x), shift1, scale1))

# %% [dit.DiTBlock.forward] modulated after the attention
shift1, scale1, gate1, shift2, scale2, gate2 = self.modulation(c).chunk(6, dim=1)
x = x + gate1[:, None] * modulate(self.attention(self.norm1(x)), shift1, scale1)
return x + gate2[:, None] * modulate(self.mlp(self.norm2(x)), shift2, scale2)

# %% [dit.joint_attention] the streams joined along the numbers
n = x.shape[1]
q, k, v = (t.unflatten(-1, (heads, -1)).transpose(1, 2) for t in torch.cat([qkv_x(x), qkv_context(context)], 2).chunk(3, -1))
o = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)
return out_x(o[:, :n]), out_context(o[:, n:])

# %% [dit.joint_attention] parted after m
m = context.shape[1]
q, k, v = (t.unflatten(-1, (heads, -1)).transpose(1, 2) for t in torch.cat([qkv_x(x), qkv_context(context)], 1).chunk(3, -1))
o = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)
return out_x(o[:, :m]), out_context(o[:, m:])

# %% [dit.joint_attention] q and k swapped
n = x.shape[1]
k, q, v = (t.unflatten(-1, (heads, -1)).transpose(1, 2) for t in torch.cat([qkv_x(x), qkv_context(context)], 1).chunk(3, -1))
o = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)
return out_x(o[:, :n]), out_context(o[:, n:])

# %% [dit.joint_attention] the answer reshaped by (heads, n + m) read as batch first: b·heads
n, d = x.shape[1:]
q, k, v = (t.reshape(len(x) * heads, -1, d // heads) for t in torch.cat([qkv_x(x), qkv_context(context)], 1).chunk(3, -1))
o = F.scaled_dot_product_attention(q, k, v).reshape(len(x), -1, d)
return out_x(o[:, :n]), out_context(o[:, n:])

# %% [dit.joint_attention] picture reads only the picture, text reads all
def cut(t):
    return t.unflatten(2, (heads, -1)).transpose(1, 2)
qx, kx, vx = map(cut, qkv_x(x).chunk(3, 2))
qc, kc, vc = map(cut, qkv_context(context).chunk(3, 2))
a = F.scaled_dot_product_attention(qx, kx, vx).transpose(1, 2).flatten(2)
e = F.scaled_dot_product_attention(qc, torch.cat([kx, kc], 2), torch.cat([vx, vc], 2)).transpose(1, 2).flatten(2)
return out_x(a), out_context(e)

# %% [dit.temporal_attention] frames moved, four axes handed on
return attend(x.transpose(1, 2)).transpose(1, 2)

# %% [dit.temporal_attention] places averaged before
b, f, n, d = x.shape
return attend(x.mean(2))[:, :, None].expand(b, f, n, d)

# %% [dit.temporal_attention] transposed, then joined the wrong two axes
b, f, n, d = x.shape
return attend(x.transpose(1, 2).flatten(1, 2)).unflatten(1, (n, f)).transpose(1, 2)
