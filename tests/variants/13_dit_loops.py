# %% [dit.patchify] patch by patch
b, c, h, w = x.shape
rows = []
for i in range(0, h, p):
    for j in range(0, w, p):
        patch = x[:, :, i:i + p, j:j + p]
        rows.append(torch.stack([patch[:, k] for k in range(c)], dim=3).reshape(b, -1))
return torch.stack(rows, dim=1)

# %% [dit.unpatchify] patch by patch
b, n, numbers = tokens.shape
images = torch.zeros(b, numbers // p**2, h, w, dtype=tokens.dtype)
for k in range(n):
    i, j = p * (k // (w // p)), p * (k % (w // p))
    images[:, :, i:i + p, j:j + p] = tokens[:, k].reshape(b, p, p, -1).permute(0, 3, 1, 2)
return images

# %% [dit.modulate] sample by sample, token by token
return torch.stack([torch.stack([token + token * a + s for token in tokens]) for tokens, s, a in zip(x, shift, scale)])

# %% [dit.DiTBlock.forward] sample by sample
outs = []
for tokens, one in zip(x, c):
    numbers, d = self.modulation(one[None]), x.shape[2]
    shift1, scale1, gate1, shift2, scale2, gate2 = (numbers[:, i * d:(i + 1) * d] for i in range(6))
    h = tokens[None]
    h = h + gate1 * self.attention(modulate(self.norm1(h), shift1, scale1))
    h = h + gate2 * self.mlp(modulate(self.norm2(h), shift2, scale2))
    outs.append(h[0])
return torch.stack(outs)

# %% [dit.adaln_zero_init] from module to module
def visit(module):
    zeros = [list(module.modulation)[-1]] if hasattr(module, "modulation") else []
    zeros += [module.head] if hasattr(module, "head") else []
    for layer in zeros:
        with torch.no_grad():
            layer.weight[:] = 0
            layer.bias[:] = 0
    for child in module.children():
        visit(child)

visit(model)

# %% [dit.joint_attention] sample by sample, head by head
of_picture, of_text, d = [], [], x.shape[2]
for a, b in zip(x, context):
    qkv, size, parts = torch.cat([qkv_x(a), qkv_context(b)]), d // heads, []
    for h in range(heads):
        q, k, v = (qkv[:, s * d + h * size:s * d + (h + 1) * size] for s in range(3))
        parts.append(torch.softmax(q @ k.T / size**0.5, dim=1) @ v)
    read = torch.cat(parts, dim=1)
    of_picture.append(out_x(read[:len(a)]))
    of_text.append(out_context(read[len(a):]))
return torch.stack(of_picture), torch.stack(of_text)

# %% [dit.temporal_attention] place by place
return torch.stack([attend(x[:, :, i]) for i in range(x.shape[2])], dim=2)
