# %% [unet.SinusoidalPosEmb] exponent divided by h (Vaswani's 2i/dim), not h - 1
half = self.dim // 2
freqs = torch.exp(-math.log(10000) * torch.arange(half, device=t.device) / half)
args = t[:, None].float() * freqs[None]
return torch.cat([torch.sin(args), torch.cos(args)], dim=-1)

# %% [unet.SinusoidalPosEmb] i counted from 1
half = self.dim // 2
i = torch.arange(1, half + 1, device=t.device)
omega = torch.exp(-i * math.log(1e4) / max(half - 1, 1))
angle = t.unsqueeze(-1) * omega
return torch.cat([angle.sin(), angle.cos()], dim=1)

# %% [unet.SinusoidalPosEmb] frequencies cast to t's integer dtype
half = self.dim // 2
omega = torch.exp(-torch.arange(half, device=t.device) * math.log(10**4) / max(half - 1, 1)).to(t)
angle = torch.outer(t, omega)
return torch.cat([angle.sin(), angle.cos()], dim=1)

# %% [unet.SinusoidalPosEmb] frequency taken as turns: 2 pi in the angle
h = self.dim // 2
w = torch.exp(-torch.arange(h, device=t.device) * math.log(10000) / max(h - 1, 1))
phase = 2 * math.pi * t[:, None] * w
return torch.cat([phase.sin(), phase.cos()], -1)

# %% [unet.SinusoidalPosEmb] cat without dim: sines above cosines
h = self.dim // 2
w = torch.exp(-torch.arange(h, device=t.device) * math.log(10000) / max(h - 1, 1))
x = t[:, None] * w[None, :]
return torch.cat([torch.sin(x), torch.cos(x)])

# %% [unet.RMSNorm] gain 1 + g, as in Gemma
return F.normalize(x, dim=1) * x.shape[1] ** 0.5 * (1 + self.g)

# %% [unet.RMSNorm] NaN patched afterwards: gradient still NaN
rms = torch.sqrt((x ** 2).mean(dim=1, keepdim=True))
return torch.nan_to_num(x / rms) * self.g

# %% [unet.RMSNorm] root forgotten: divides by the mean square
ms = x.pow(2).mean(dim=1, keepdim=True)
return x / (ms + 1e-8) * self.g

# %% [unet.RMSNorm] normalises over the last axis (width)
return F.normalize(x, dim=-1) * math.sqrt(x.shape[1]) * self.g

# %% [unet.RMSNorm] divides by the standard deviation of the channels
return x / (x.std(dim=1, keepdim=True) + 1e-8) * self.g

# %% [unet.ResnetBlock.forward] scales and shifts read as interleaved pairs
s = self.mlp(context).view(x.shape[0], self.dim_out, 2, 1, 1)
scale, shift = s[:, :, 0], s[:, :, 1]
h = self.block1(x, (scale, shift))
h = self.block2(self.dropout(h))
return h + self.res_conv(x)

# %% [unet.ResnetBlock.forward] F.dropout without training flag: drops in eval too
scale, shift = self.mlp(context)[..., None, None].chunk(2, dim=1)
h = self.block1(x, (scale, shift))
h = F.dropout(h, 0.1)
h = self.block2(h)
return h + self.res_conv(x)

# %% [unet.ResnetBlock.forward] GELU on the context twice
scale, shift = self.mlp(F.gelu(context))[:, :, None, None].chunk(2, dim=1)
h = self.block1(x, (scale, shift))
h = self.dropout(h)
h = self.block2(h)
return h + self.res_conv(x)

# %% [unet.ResnetBlock.forward] the + 1 of equation (3) added again
scale, shift = self.mlp(context).chunk(2, dim=1)
scale = scale[:, :, None, None] + 1
shift = shift[:, :, None, None]
h = self.block1(x, (scale, shift))
return self.block2(self.dropout(h)) + self.res_conv(x)

# %% [unet.ResnetBlock.forward] GELU after the sum, as in the classical ResNet
scale, shift = self.mlp(context)[:, :, None, None].chunk(2, dim=1)
h = self.block1(x, (scale, shift))
h = self.dropout(h)
h = self.block2(h)
return F.gelu(h + self.res_conv(x))

# %% [unet.down_blocks] the second block widens already, Downsample keeps
return nn.ModuleList([
    nn.ModuleList([ResnetBlock(a, a, context_dim), ResnetBlock(a, b, context_dim), Downsample(b, b)])
    for a, b in zip(dims[:-1], dims[1:])
])

# %% [unet.down_blocks] one block object used twice ([...] * 2): shared weights
levels = nn.ModuleList()
for d, below in zip(dims, dims[1:]):
    blocks = [ResnetBlock(d, d, context_dim)] * 2
    levels.append(nn.ModuleList([*blocks, Downsample(d, below)]))
return levels

# %% [unet.down_blocks] last level does not halve (lucidrains: 3x3 convolution there)
n = len(dims) - 1
levels = []
for i in range(n):
    last = i == n - 1
    down = nn.Conv2d(dims[i], dims[i + 1], 3, padding=1) if last else Downsample(dims[i], dims[i + 1])
    levels.append(nn.ModuleList([ResnetBlock(dims[i], dims[i], context_dim),
                                 ResnetBlock(dims[i], dims[i], context_dim), down]))
return nn.ModuleList(levels)

# %% [unet.down_blocks] Downsample always doubles
levels = nn.ModuleList([])
for dim in dims[:-1]:
    levels.append(nn.ModuleList([
        ResnetBlock(dim, dim, context_dim),
        ResnetBlock(dim, dim, context_dim),
        Downsample(dim, 2 * dim),
    ]))
return levels

# %% [unet.down_blocks] context length taken as 4 times the level's channels
levels = nn.ModuleList()
for i in range(len(dims) - 1):
    d = dims[i]
    levels.append(nn.ModuleList([ResnetBlock(d, d, 4 * d), ResnetBlock(d, d, 4 * d), Downsample(d, dims[i + 1])]))
return levels

# %% [unet.up_blocks] only the first block takes a skip, the second d -> d
levels = nn.ModuleList()
for a, b in zip(dims[::-1], dims[-2::-1]):
    levels.append(nn.ModuleList([Upsample(a, b), ResnetBlock(2 * b, b, context_dim), ResnetBlock(b, b, context_dim)]))
return levels

# %% [unet.up_blocks] Upsample keeps the lower level's channels, the first block takes both
levels = []
for i in range(len(dims) - 2, -1, -1):
    levels.append(nn.ModuleList([
        Upsample(dims[i + 1], dims[i + 1]),
        ResnetBlock(dims[i + 1] + dims[i], dims[i], context_dim),
        ResnetBlock(2 * dims[i], dims[i], context_dim),
    ]))
return nn.ModuleList(levels)

# %% [unet.up_blocks] not reversed: top level first
levels = nn.ModuleList()
for d, below in zip(dims[:-1], dims[1:]):
    blocks = [ResnetBlock(2 * d, d, context_dim), ResnetBlock(2 * d, d, context_dim)]
    levels.append(nn.ModuleList([Upsample(below, d), *blocks]))
return levels

# %% [unet.up_blocks] Upsample at the end of the level, as in most published code
levels = nn.ModuleList()
for d, below in reversed(list(zip(dims[:-1], dims[1:]))):
    levels.append(nn.ModuleList([
        ResnetBlock(2 * d, d, context_dim),
        ResnetBlock(2 * d, d, context_dim),
        Upsample(below, d),
    ]))
return levels

# %% [unet.drop_condition] u > prob: a draw equal to prob is dropped
mask = (u > prob).float()[:, None]
return text_emb * mask

# %% [unet.drop_condition] kept rows divided by 1 - prob, as dropout does
keep = (u >= prob).float().view(-1, 1)
return text_emb * keep / (1 - prob)

# %% [unet.drop_condition] dropped rows removed from the batch
return text_emb[u >= prob]

# %% [unet.drop_condition] in place: the caller's tensor is zeroed
text_emb[u < prob] = 0
return text_emb

# %% [unet.drop_condition] exactly int(prob * b) rows, those with the smallest u
out = text_emb.clone()
k = int(prob * len(u))
out[u.argsort()[:k]] = 0
return out

# %% [unet.forward] one kept box a level, used for both blocks
if self.training:
    text_emb = drop_condition(text_emb, self.uncond_prob, torch.rand(x.shape[0], device=x.device))
context = self.time_mlp(time) + self.condition_mlp(text_emb)
x = self.init_conv(x)
skips = []
for block1, block2, down in self.downs:
    x = block1(x, context)
    x = block2(x, context)
    skips.append(x)
    x = down(x)
x = self.mid_block1(x, context)
x = self.mid_block2(x, context)
for up, block1, block2 in self.ups:
    x = up(x)
    skip = skips.pop()
    x = block1(torch.cat([x, skip], dim=1), context)
    x = block2(torch.cat([x, skip], dim=1), context)
return self.final_conv(x)

# %% [unet.forward] the whole context dropped, time and all
context = self.time_mlp(time) + self.condition_mlp(text_emb)
if self.training:
    context = drop_condition(context, self.uncond_prob, torch.rand(x.shape[0], device=x.device))
x = self.init_conv(x)
skips = []
for block1, block2, down in self.downs:
    x = block1(x, context)
    skips.append(x)
    x = block2(x, context)
    skips.append(x)
    x = down(x)
x = self.mid_block2(self.mid_block1(x, context), context)
for up, block1, block2 in self.ups:
    x = up(x)
    x = block1(torch.cat([x, skips.pop()], dim=1), context)
    x = block2(torch.cat([x, skips.pop()], dim=1), context)
return self.final_conv(x)

# %% [unet.forward] keeps each block's input, not its output
if self.training:
    text_emb = drop_condition(text_emb, self.uncond_prob, torch.rand(x.shape[0], device=x.device))
context = self.time_mlp(time) + self.condition_mlp(text_emb)
x = self.init_conv(x)
skips = []
for block1, block2, down in self.downs:
    skips.append(x)
    x = block1(x, context)
    skips.append(x)
    x = block2(x, context)
    x = down(x)
x = self.mid_block1(x, context)
x = self.mid_block2(x, context)
for up, block1, block2 in self.ups:
    x = up(x)
    x = block1(torch.cat([x, skips.pop()], dim=1), context)
    x = block2(torch.cat([x, skips.pop()], dim=1), context)
return self.final_conv(x)

# %% [unet.forward] levels reversed, but within a level the box kept first is used first
if self.training:
    text_emb = drop_condition(text_emb, self.uncond_prob, torch.rand(x.shape[0], device=x.device))
context = self.time_mlp(time) + self.condition_mlp(text_emb)
h = self.init_conv(x)
kept = []
for block1, block2, down in self.downs:
    a = block1(h, context)
    b = block2(a, context)
    kept.append((a, b))
    h = down(b)
h = self.mid_block1(h, context)
h = self.mid_block2(h, context)
for (up, block1, block2), (a, b) in zip(self.ups, reversed(kept)):
    h = up(h)
    h = block1(torch.cat([h, a], dim=1), context)
    h = block2(torch.cat([h, b], dim=1), context)
return self.final_conv(h)

# %% [unet.forward] without a wish condition_mlp is left out
context = self.time_mlp(time)
if model_kwargs.get("text_emb") is not None:
    if self.training:
        text_emb = drop_condition(text_emb, self.uncond_prob, torch.rand(x.shape[0], device=x.device))
    context = context + self.condition_mlp(text_emb)
h, kept = self.init_conv(x), []
for *blocks, down in self.downs:
    for block in blocks:
        h = block(h, context)
        kept.append(h)
    h = down(h)
h = self.mid_block2(self.mid_block1(h, context), context)
for up, *blocks in self.ups:
    h = up(h)
    for block in blocks:
        h = block(torch.cat([h, kept.pop()], dim=1), context)
return self.final_conv(h)

# %% [unet.forward] one uniform number for the whole batch
if self.training:
    u = torch.rand(1, device=x.device).expand(x.shape[0])
    text_emb = drop_condition(text_emb, self.uncond_prob, u)
context = self.time_mlp(time) + self.condition_mlp(text_emb)
h, kept = self.init_conv(x), []
for *blocks, down in self.downs:
    for block in blocks:
        h = block(h, context)
        kept.append(h)
    h = down(h)
h = self.mid_block2(self.mid_block1(h, context), context)
for up, *blocks in self.ups:
    h = up(h)
    for block in blocks:
        h = block(torch.cat([h, kept.pop()], dim=1), context)
return self.final_conv(h)

# %% [unet.ema_update] lerp with decay as the newest step's share
with torch.no_grad():
    for p_ema, p in zip(ema.parameters(), model.parameters()):
        p_ema.lerp_(p, decay)
    for b_ema, b in zip(ema.buffers(), model.buffers()):
        b_ema.copy_(b)

# %% [unet.ema_update] loop variable rebound: nothing changes
with torch.no_grad():
    for p_ema, p in zip(ema.parameters(), model.parameters()):
        p_ema = decay * p_ema + (1 - decay) * p
    for b_ema, b in zip(ema.buffers(), model.buffers()):
        b_ema = b.clone()

# %% [unet.ema_update] state_dict loop: floating buffers averaged, only integer ones copied
with torch.no_grad():
    source = model.state_dict()
    for name, value in ema.state_dict().items():
        if value.is_floating_point():
            value.mul_(decay).add_(source[name], alpha=1 - decay)
        else:
            value.copy_(source[name])

# %% [unet.ema_update] buffers not copied but shared with the model
for p_ema, p in zip(ema.parameters(), model.parameters()):
    p_ema.data.mul_(decay).add_(p.data, alpha=1 - decay)
for b_ema, b in zip(ema.buffers(), model.buffers()):
    b_ema.data = b.data

# %% [unet.ema_update] skips averaged parameters that ask for no gradient
with torch.no_grad():
    for p_ema, p in zip(ema.parameters(), model.parameters()):
        if p_ema.requires_grad:
            p_ema.copy_(decay * p_ema + (1 - decay) * p)
    for b_ema, b in zip(ema.buffers(), model.buffers()):
        b_ema.copy_(b)
