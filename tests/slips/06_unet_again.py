# %% [unet.SinusoidalPosEmb] omega.to(t): integer times cut the frequencies to 1, 0, 0
half = self.dim // 2
omega = torch.exp(-torch.arange(half) * math.log(1e4) / max(half - 1, 1)).to(t)
angles = t[:, None] * omega
return torch.cat([angles.sin(), angles.cos()], dim=1)

# %% [unet.SinusoidalPosEmb] Transformer convention, divided by h
half = self.dim // 2
omega = torch.exp(-torch.arange(half, device=t.device) * math.log(1e4) / half)
angles = t[:, None] * omega
return torch.cat([angles.sin(), angles.cos()], dim=1)

# %% [unet.SinusoidalPosEmb] sines and cosines take turns
half = self.dim // 2
omega = torch.exp(-torch.arange(half, device=t.device) * math.log(1e4) / max(half - 1, 1))
angles = t[:, None] * omega
return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(1)

# %% [unet.SinusoidalPosEmb] Fourier features, 2 pi in the angle
half = self.dim // 2
omega = torch.exp(-torch.arange(half, device=t.device) * math.log(1e4) / max(half - 1, 1))
angles = 2 * math.pi * t[:, None] * omega
return torch.cat([angles.sin(), angles.cos()], dim=1)

# %% [unet.SinusoidalPosEmb] math.log10 for ln
half = self.dim // 2
omega = torch.exp(-torch.arange(half, device=t.device) * math.log10(1e4) / max(half - 1, 1))
angles = t[:, None] * omega
return torch.cat([angles.sin(), angles.cos()], dim=1)

# %% [unet.RMSNorm] nan_to_num hides 0/0, the gradient stays NaN
return torch.nan_to_num(x / x.pow(2).mean(dim=1, keepdim=True).sqrt()) * self.g

# %% [unet.RMSNorm] divided by the standard deviation over channels
return x / (x.std(dim=1, keepdim=True, unbiased=False) + 1e-8) * self.g

# %% [unet.RMSNorm] gain 1 + g, as in other libraries
return F.normalize(x, dim=1) * x.shape[1] ** 0.5 * (1 + self.g)

# %% [unet.RMSNorm] one mean over the whole image
return x / (x.pow(2).mean(dim=(1, 2, 3), keepdim=True) + 1e-8).sqrt() * self.g

# %% [unet.RMSNorm] the length is detached
length = x.norm(dim=1, keepdim=True).detach().clamp(min=1e-12)
return x / length * math.sqrt(x.shape[1]) * self.g

# %% [unet.RMSNorm] forgets the root: x over mean of squares
return x / (x.pow(2).mean(dim=1, keepdim=True) + 1e-8) * self.g

# %% [unet.ResnetBlock.forward] F.dropout, on in eval mode as well
scale, shift = self.mlp(context)[:, :, None, None].chunk(2, dim=1)
h = self.block1(x, (scale, shift))
h = F.dropout(h, self.dropout.p)
return self.block2(h) + self.res_conv(x)

# %% [unet.ResnetBlock.forward] += on the identity writes into x
scale, shift = self.mlp(context)[:, :, None, None].chunk(2, dim=1)
h = self.block2(self.dropout(self.block1(x, (scale, shift))))
out = self.res_conv(x)
out += h
return out

# %% [unet.ResnetBlock.forward] every second number a scale
ss = self.mlp(context)[:, :, None, None]
h = self.block1(x, (ss[:, 0::2], ss[:, 1::2]))
h = self.dropout(h)
return self.block2(h) + self.res_conv(x)

# %% [unet.ResnetBlock.forward] scale + 1 once more before Block
scale, shift = self.mlp(context)[:, :, None, None].chunk(2, dim=1)
h = self.block1(x, (scale + 1, shift))
return self.block2(self.dropout(h)) + self.res_conv(x)

# %% [unet.ResnetBlock.forward] dropout behind block2
scale, shift = self.mlp(context)[:, :, None, None].chunk(2, dim=1)
h = self.block1(x, (scale, shift))
h = self.dropout(self.block2(h))
return h + self.res_conv(x)

# %% [unet.down_blocks] one block used twice
levels = nn.ModuleList()
for d, d_next in zip(dims, dims[1:]):
    levels.append(nn.ModuleList([*[ResnetBlock(d, d, context_dim)] * 2, Downsample(d, d_next)]))
return levels

# %% [unet.down_blocks] the last level does not halve (a 3x3 convolution, as in other UNets)
levels = nn.ModuleList()
for i, (d, d_next) in enumerate(zip(dims, dims[1:])):
    last = i == len(dims) - 2
    levels.append(nn.ModuleList([ResnetBlock(d, d, context_dim), ResnetBlock(d, d, context_dim),
                                 nn.Conv2d(d, d_next, 3, padding=1) if last else Downsample(d, d_next)]))
return levels

# %% [unet.down_blocks] channels always doubled
levels = nn.ModuleList()
for d in dims[:-1]:
    levels.append(nn.ModuleList([ResnetBlock(d, d, context_dim), ResnetBlock(d, d, context_dim), Downsample(d, 2 * d)]))
return levels

# %% [unet.down_blocks] second block widens, Downsample keeps
levels = nn.ModuleList()
for d, d_next in zip(dims, dims[1:]):
    levels.append(nn.ModuleList([ResnetBlock(d, d, context_dim), ResnetBlock(d, d_next, context_dim), Downsample(d_next, d_next)]))
return levels

# %% [unet.up_blocks] first block only takes a skip
levels = nn.ModuleList()
for d, below in zip(dims[-2::-1], dims[:0:-1]):
    levels.append(nn.ModuleList([Upsample(below, d), ResnetBlock(2 * d, d, context_dim), ResnetBlock(d, d, context_dim)]))
return levels

# %% [unet.up_blocks] blocks accept the lower level's channels plus the skip's
levels = nn.ModuleList()
for d, below in zip(dims[-2::-1], dims[:0:-1]):
    levels.append(nn.ModuleList([Upsample(below, d), ResnetBlock(below + d, d, context_dim), ResnetBlock(below + d, d, context_dim)]))
return levels

# %% [unet.up_blocks] reverses dims and pairs wrongly (dims[::-1] with dims[1:])
levels = nn.ModuleList()
for below, d in zip(dims[::-1], dims[1:]):
    levels.append(nn.ModuleList([Upsample(below, d), ResnetBlock(2 * d, d, context_dim), ResnetBlock(2 * d, d, context_dim)]))
return levels

# %% [unet.up_blocks] level's blocks first, Upsample last
levels = nn.ModuleList()
for d, below in zip(dims[-2::-1], dims[:0:-1]):
    levels.append(nn.ModuleList([ResnetBlock(2 * d, d, context_dim), ResnetBlock(2 * d, d, context_dim), Upsample(below, d)]))
return levels

# %% [unet.drop_condition] kept where u > prob, strictly
return torch.where((u > prob)[:, None], text_emb, torch.zeros_like(text_emb))

# %% [unet.drop_condition] the kept rows only, a shorter batch
return text_emb[u >= prob]

# %% [unet.drop_condition] the given tensor is written into
text_emb[u < prob] = 0
return text_emb

# %% [unet.drop_condition] through numpy, gradient lost
import numpy as np
kept = np.where(u.detach().cpu().numpy()[:, None] >= prob, text_emb.detach().cpu().numpy(), 0.0)
return torch.tensor(kept, dtype=text_emb.dtype)

# %% [unet.drop_condition] the first prob*b rows, by rank of u
out = text_emb.clone()
out[u.argsort()[:int(prob * len(u))]] = 0
return out

# %% [unet.forward] u from torch.randn
if self.training:
    text_emb = drop_condition(text_emb, self.uncond_prob, torch.randn(x.shape[0], device=x.device))
context = self.time_mlp(time) + self.condition_mlp(text_emb)
x, skips = self.init_conv(x), []
for block1, block2, down in self.downs:
    x = block1(x, context); skips.append(x)
    x = block2(x, context); skips.append(x)
    x = down(x)
x = self.mid_block2(self.mid_block1(x, context), context)
for up, block1, block2 in self.ups:
    x = up(x)
    x = block1(torch.cat([x, skips.pop()], dim=1), context)
    x = block2(torch.cat([x, skips.pop()], dim=1), context)
return self.final_conv(x)

# %% [unet.forward] dropped behind condition_mlp
cond = self.condition_mlp(text_emb)
if self.training:
    cond = drop_condition(cond, self.uncond_prob, torch.rand(x.shape[0], device=x.device))
context = self.time_mlp(time) + cond
x, skips = self.init_conv(x), []
for block1, block2, down in self.downs:
    x = block1(x, context); skips.append(x)
    x = block2(x, context); skips.append(x)
    x = down(x)
x = self.mid_block2(self.mid_block1(x, context), context)
for up, block1, block2 in self.ups:
    x = up(x)
    x = block1(torch.cat([x, skips.pop()], dim=1), context)
    x = block2(torch.cat([x, skips.pop()], dim=1), context)
return self.final_conv(x)

# %% [unet.forward] keeps the box before each block, not behind it
if self.training:
    text_emb = drop_condition(text_emb, self.uncond_prob, torch.rand(x.shape[0], device=x.device))
context = self.time_mlp(time) + self.condition_mlp(text_emb)
x, skips = self.init_conv(x), []
for block1, block2, down in self.downs:
    skips.append(x); x = block1(x, context)
    skips.append(x); x = block2(x, context)
    x = down(x)
x = self.mid_block2(self.mid_block1(x, context), context)
for up, block1, block2 in self.ups:
    x = up(x)
    x = block1(torch.cat([x, skips.pop()], dim=1), context)
    x = block2(torch.cat([x, skips.pop()], dim=1), context)
return self.final_conv(x)

# %% [unet.forward] the level's two skips in the order of the way down
if self.training:
    text_emb = drop_condition(text_emb, self.uncond_prob, torch.rand(x.shape[0], device=x.device))
context = self.time_mlp(time) + self.condition_mlp(text_emb)
x, skips = self.init_conv(x), []
for block1, block2, down in self.downs:
    a = block1(x, context)
    b = block2(a, context)
    skips.append((a, b))
    x = down(b)
x = self.mid_block2(self.mid_block1(x, context), context)
for up, block1, block2 in self.ups:
    a, b = skips.pop()
    x = up(x)
    x = block1(torch.cat([x, a], dim=1), context)
    x = block2(torch.cat([x, b], dim=1), context)
return self.final_conv(x)

# %% [unet.forward] one coin for the whole batch
if self.training:
    u = torch.rand(1, device=x.device).expand(x.shape[0])
    text_emb = drop_condition(text_emb, self.uncond_prob, u)
context = self.time_mlp(time) + self.condition_mlp(text_emb)
x, skips = self.init_conv(x), []
for block1, block2, down in self.downs:
    x = block1(x, context); skips.append(x)
    x = block2(x, context); skips.append(x)
    x = down(x)
x = self.mid_block2(self.mid_block1(x, context), context)
for up, block1, block2 in self.ups:
    x = up(x)
    x = block1(torch.cat([x, skips.pop()], dim=1), context)
    x = block2(torch.cat([x, skips.pop()], dim=1), context)
return self.final_conv(x)

# %% [unet.forward] the second block of the way up gets its own level's first skip again (skips[-1] for both)
if self.training:
    text_emb = drop_condition(text_emb, self.uncond_prob, torch.rand(x.shape[0], device=x.device))
context = self.time_mlp(time) + self.condition_mlp(text_emb)
x, skips = self.init_conv(x), []
for block1, block2, down in self.downs:
    x = block2(block1(x, context), context)
    skips.append(x)
    x = down(x)
x = self.mid_block2(self.mid_block1(x, context), context)
for up, block1, block2 in self.ups:
    skip = skips.pop()
    x = up(x)
    x = block1(torch.cat([x, skip], dim=1), context)
    x = block2(torch.cat([x, skip], dim=1), context)
return self.final_conv(x)

# %% [unet.ema_update] only where the average asks for gradients
with torch.no_grad():
    for e, m in zip(ema.parameters(), model.parameters()):
        if e.requires_grad:
            e.mul_(decay).add_(m, alpha=1 - decay)
    for e, m in zip(ema.buffers(), model.buffers()):
        e.copy_(m)

# %% [unet.ema_update] the average's memory becomes the model's for buffers (alias)
with torch.no_grad():
    for e, m in zip(ema.parameters(), model.parameters()):
        e.lerp_(m, 1 - decay)
    for e, m in zip(ema.buffers(), model.buffers()):
        e.data = m.data

# %% [unet.ema_update] lerp_ with the weight decay
with torch.no_grad():
    for e, m in zip(ema.parameters(), model.parameters()):
        e.lerp_(m, decay)
    for e, m in zip(ema.buffers(), model.buffers()):
        e.copy_(m)

# %% [unet.ema_update] state_dict loop that averages the floating buffers too
with torch.no_grad():
    source = model.state_dict()
    for name, e in ema.state_dict().items():
        if e.is_floating_point():
            e.mul_(decay).add_(source[name], alpha=1 - decay)
        else:
            e.copy_(source[name])

# %% [unet.ema_update] the name is bound anew, nothing arrives in the average
with torch.no_grad():
    for e, m in zip(ema.parameters(), model.parameters()):
        e = decay * e + (1 - decay) * m
    for e, m in zip(ema.buffers(), model.buffers()):
        e = m.clone()
