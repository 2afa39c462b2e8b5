# %% [dit.patchify] in float64, channels last first
b, c, h, w = x.shape
rows = x.double().permute(0, 2, 3, 1).reshape(b, h // p, p, w // p, p, c)
return rows.transpose(2, 3).reshape(b, -1, p * p * c).to(x.dtype)

# %% [dit.unpatchify] in float64, channels last
c = tokens.shape[2] // (p * p)
rows = tokens.double().reshape(-1, h // p, w // p, p, p, c).transpose(2, 3)
return rows.reshape(-1, h, w, c).permute(0, 3, 1, 2).contiguous().to(tokens.dtype)

# %% [dit.modulate] in float64
x64, shift64, scale64 = x.double(), shift.double().unsqueeze(1), scale.double().unsqueeze(1)
return (x64 + scale64 * x64 + shift64).to(x.dtype)

# %% [dit.DiTBlock.forward] the sums in float64, the modulation written out
shift1, scale1, gate1, shift2, scale2, gate2 = torch.chunk(self.modulation(c).unsqueeze(1), 6, dim=-1)
y = self.attention((self.norm1(x).double() * (1.0 + scale1.double()) + shift1.double()).to(x.dtype))
x = (x.double() + gate1.double() * y.double()).to(x.dtype)
y = self.mlp((self.norm2(x).double() * (1.0 + scale2.double()) + shift2.double()).to(x.dtype))
return (x.double() + gate2.double() * y.double()).to(x.dtype)

# %% [dit.adaln_zero_init] by copies of zeros in float64
for module in model.modules():
    if hasattr(module, "modulation"):
        last = module.modulation[len(module.modulation) - 1]
        last.weight.data.copy_(torch.zeros(last.weight.shape, dtype=torch.float64))
        last.bias.data.copy_(torch.zeros(last.bias.shape, dtype=torch.float64))
    if hasattr(module, "head"):
        module.head.weight.data.copy_(torch.zeros(module.head.weight.shape, dtype=torch.float64))
        module.head.bias.data.copy_(torch.zeros(module.head.bias.shape, dtype=torch.float64))

# %% [dit.joint_attention] the softmax in float64, the text in front
m, d = context.shape[1], x.shape[2]
thirds = zip(qkv_context(context).split(d, dim=-1), qkv_x(x).split(d, dim=-1))

def split(both):
    return torch.cat(both, dim=1).double().reshape(len(x), -1, heads, d // heads).permute(0, 2, 1, 3)

q, k, v = map(split, thirds)
scores = torch.matmul(q, k.transpose(-2, -1)) * (d // heads) ** -0.5
read = torch.matmul(F.softmax(scores, dim=3), v).permute(0, 2, 1, 3).reshape(len(x), -1, d).to(x.dtype)
return out_x(read[:, m:]), out_context(read[:, :m])

# %% [dit.temporal_attention] in float64
b, f, n, d = x.shape
read = attend(x.double().permute(0, 2, 1, 3).contiguous().view(-1, f, d))
return read.view(b, n, f, d).permute(0, 2, 1, 3).to(x.dtype)
