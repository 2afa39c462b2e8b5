# %% [unet.SinusoidalPosEmb] E1 divides by half instead of half-1 (another convention)
half = self.dim // 2
freqs = torch.exp(-math.log(10000) * torch.arange(half, device=t.device) / half)
a = t[:, None] * freqs
return torch.cat([a.sin(), a.cos()], dim=-1)

# %% [unet.SinusoidalPosEmb] E2 sine and cosine interleaved, as in the Transformer paper
half = self.dim // 2
freqs = torch.exp(-math.log(10000) * torch.arange(half, device=t.device) / max(half - 1, 1))
a = t[:, None] * freqs
return torch.stack([a.sin(), a.cos()], dim=-1).flatten(1)

# %% [unet.SinusoidalPosEmb] E3 2 pi inside the waves
half = self.dim // 2
freqs = torch.exp(-math.log(10000) * torch.arange(half, device=t.device) / max(half - 1, 1))
a = 2 * math.pi * t[:, None] * freqs
return torch.cat([a.sin(), a.cos()], dim=-1)

# %% [unet.SinusoidalPosEmb] E4 log10 for ln
half = self.dim // 2
freqs = torch.exp(-math.log10(10000) * torch.arange(half, device=t.device) / max(half - 1, 1))
a = t[:, None] * freqs
return torch.cat([a.sin(), a.cos()], dim=-1)

# %% [unet.SinusoidalPosEmb] E5 frequencies integer-divided (// for /)
half = self.dim // 2
freqs = torch.exp(-math.log(10000) * (torch.arange(half, device=t.device) // max(half - 1, 1)))
a = t[:, None] * freqs
return torch.cat([a.sin(), a.cos()], dim=-1)

# %% [unet.RMSNorm] R1 normalises over the pixels (h, w)
return x * torch.rsqrt(x.pow(2).mean(dim=(2, 3), keepdim=True) + 1e-8) * self.g

# %% [unet.RMSNorm] R2 over channels and pixels together
return x * torch.rsqrt(x.pow(2).mean(dim=(1, 2, 3), keepdim=True) + 1e-8) * self.g

# %% [unet.RMSNorm] R3 epsilon outside the root: NaN gradient at zero
return x / (x.pow(2).mean(dim=1, keepdim=True).sqrt() + 1e-8) * self.g

# %% [unet.RMSNorm] R4 length and root of C the wrong way: divided by root C
return F.normalize(x, dim=1) / math.sqrt(x.shape[1]) * self.g

# %% [unet.RMSNorm] R5 norm detached
rms = x.detach().pow(2).mean(dim=1, keepdim=True).add(1e-8).sqrt()
return x / rms * self.g

# %% [unet.ResnetBlock.forward] B1 F.dropout without training flag
scale, shift = self.mlp(context)[:, :, None, None].chunk(2, dim=1)
h = self.block1(x, (scale, shift))
h = self.block2(F.dropout(h, 0.1))
return h + self.res_conv(x)

# %% [unet.ResnetBlock.forward] B2 scale and shift interleaved
ss = self.mlp(context)[:, :, None, None]
h = self.block1(x, (ss[:, 0::2], ss[:, 1::2]))
h = self.block2(self.dropout(h))
return h + self.res_conv(x)

# %% [unet.ResnetBlock.forward] B3 in-place sum on the residual, which is the caller's x
scale, shift = self.mlp(context)[:, :, None, None].chunk(2, dim=1)
h = self.block2(self.dropout(self.block1(x, (scale, shift))))
res = self.res_conv(x)
res += h
return res

# %% [unet.ResnetBlock.forward] B4 dropout on the whole answer
scale, shift = self.mlp(context)[:, :, None, None].chunk(2, dim=1)
h = self.block2(self.block1(x, (scale, shift)))
return self.dropout(h + self.res_conv(x))

# %% [unet.ResnetBlock.forward] B5 a second GELU on the context
scale, shift = self.mlp(F.gelu(context))[:, :, None, None].chunk(2, dim=1)
h = self.block2(self.dropout(self.block1(x, (scale, shift))))
return h + self.res_conv(x)

# %% [unet.down_blocks] D1 the same block twice by list multiplication
return nn.ModuleList([nn.ModuleList([ResnetBlock(d, d, context_dim)] * 2 + [Downsample(d, e)])
                      for d, e in zip(dims, dims[1:])])

# %% [unet.down_blocks] D2 second block widens, Downsample keeps
return nn.ModuleList([nn.ModuleList([ResnetBlock(d, d, context_dim), ResnetBlock(d, e, context_dim), Downsample(e, e)])
                      for d, e in zip(dims, dims[1:])])

# %% [unet.down_blocks] D3 last level keeps the size (lucidrains: a 3x3 convolution)
levels = nn.ModuleList()
for i, (d, e) in enumerate(zip(dims, dims[1:])):
    last = i == len(dims) - 2
    levels.append(nn.ModuleList([ResnetBlock(d, d, context_dim), ResnetBlock(d, d, context_dim),
                                 nn.Conv2d(d, e, 3, padding=1) if last else Downsample(d, e)]))
return levels

# %% [unet.down_blocks] D4 pops from the caller's dims
levels = nn.ModuleList()
while len(dims) > 1:
    d = dims.pop(0)
    levels.append(nn.ModuleList([ResnetBlock(d, d, context_dim), ResnetBlock(d, d, context_dim), Downsample(d, dims[0])]))
return levels

# %% [unet.up_blocks] U1 first block takes lower's channels with the skip's
return nn.ModuleList([nn.ModuleList([Upsample(e, d), ResnetBlock(d + e, d, context_dim), ResnetBlock(2 * d, d, context_dim)])
                      for d, e in reversed(list(zip(dims, dims[1:])))])

# %% [unet.up_blocks] U2 takes every level to be doubled: Upsample(2d, d)
return nn.ModuleList([nn.ModuleList([Upsample(2 * d, d), ResnetBlock(2 * d, d, context_dim), ResnetBlock(2 * d, d, context_dim)])
                      for d in reversed(dims[:-1])])

# %% [unet.up_blocks] U3 reverses the caller's list
dims.reverse()
return nn.ModuleList([nn.ModuleList([Upsample(e, d), ResnetBlock(2 * d, d, context_dim), ResnetBlock(2 * d, d, context_dim)])
                      for e, d in zip(dims, dims[1:])])

# %% [unet.up_blocks] U4 a skip for the first block only
return nn.ModuleList([nn.ModuleList([Upsample(e, d), ResnetBlock(2 * d, d, context_dim), ResnetBlock(d, d, context_dim)])
                      for d, e in reversed(list(zip(dims, dims[1:])))])

# %% [unet.up_blocks] U5 blocks first, Upsample last
return nn.ModuleList([nn.ModuleList([ResnetBlock(2 * d, d, context_dim), ResnetBlock(2 * d, d, context_dim), Upsample(e, d)])
                      for d, e in reversed(list(zip(dims, dims[1:])))])

# %% [unet.drop_condition] C1 F.dropout on text_emb
return F.dropout(text_emb, prob)

# %% [unet.drop_condition] C2 u kept where greater, not equal
return text_emb * (u > prob).to(text_emb.dtype)[:, None]

# %% [unet.drop_condition] C3 one decision for the whole batch
return torch.zeros_like(text_emb) if u[0] < prob else text_emb.clone()

# %% [unet.forward] F1 zeroes condition_mlp's answer instead of its row
cond = self.condition_mlp(text_emb)
if self.training:
    cond = drop_condition(cond, self.uncond_prob, torch.rand(len(x), device=x.device))
context = self.time_mlp(time) + cond
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
    x = block1(torch.cat([up(x), skips.pop()], dim=1), context)
    x = block2(torch.cat([x, skips.pop()], dim=1), context)
return self.final_conv(x)

# %% [unet.forward] F2 skips of a level in the order of the way down
if self.training:
    text_emb = drop_condition(text_emb, self.uncond_prob, torch.rand(len(x), device=x.device))
context = self.time_mlp(time) + self.condition_mlp(text_emb)
x = self.init_conv(x)
skips = []
for block1, block2, down in self.downs:
    a = block1(x, context)
    b = block2(a, context)
    skips.append((a, b))
    x = down(b)
x = self.mid_block2(self.mid_block1(x, context), context)
for up, block1, block2 in self.ups:
    a, b = skips.pop()
    x = block1(torch.cat([up(x), a], dim=1), context)
    x = block2(torch.cat([x, b], dim=1), context)
return self.final_conv(x)

# %% [unet.forward] F3 keeps what goes into the blocks
if self.training:
    text_emb = drop_condition(text_emb, self.uncond_prob, torch.rand(len(x), device=x.device))
context = self.time_mlp(time) + self.condition_mlp(text_emb)
x = self.init_conv(x)
skips = []
for block1, block2, down in self.downs:
    skips.append(x)
    x = block1(x, context)
    skips.append(x)
    x = block2(x, context)
    x = down(x)
x = self.mid_block2(self.mid_block1(x, context), context)
for up, block1, block2 in self.ups:
    x = block1(torch.cat([up(x), skips.pop()], dim=1), context)
    x = block2(torch.cat([x, skips.pop()], dim=1), context)
return self.final_conv(x)

# %% [unet.forward] F4 one uniform number for the whole batch
if self.training:
    u = torch.rand(1, device=x.device).expand(len(x))
    text_emb = drop_condition(text_emb, self.uncond_prob, u)
context = self.time_mlp(time) + self.condition_mlp(text_emb)
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
    x = block1(torch.cat([up(x), skips.pop()], dim=1), context)
    x = block2(torch.cat([x, skips.pop()], dim=1), context)
return self.final_conv(x)

# %% [unet.forward] F5 randn for rand
if self.training:
    text_emb = drop_condition(text_emb, self.uncond_prob, torch.randn(len(x), device=x.device))
context = self.time_mlp(time) + self.condition_mlp(text_emb)
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
    x = block1(torch.cat([up(x), skips.pop()], dim=1), context)
    x = block2(torch.cat([x, skips.pop()], dim=1), context)
return self.final_conv(x)

# %% [unet.forward] F6 mid_block1 twice (copy and paste)
if self.training:
    text_emb = drop_condition(text_emb, self.uncond_prob, torch.rand(len(x), device=x.device))
context = self.time_mlp(time) + self.condition_mlp(text_emb)
x = self.init_conv(x)
skips = []
for block1, block2, down in self.downs:
    x = block1(x, context)
    skips.append(x)
    x = block2(x, context)
    skips.append(x)
    x = down(x)
x = self.mid_block1(x, context)
x = self.mid_block1(x, context)
for up, block1, block2 in self.ups:
    x = block1(torch.cat([up(x), skips.pop()], dim=1), context)
    x = block2(torch.cat([x, skips.pop()], dim=1), context)
return self.final_conv(x)

# %% [unet.forward] F7 the whole context dropped, the time too
context = self.time_mlp(time) + self.condition_mlp(text_emb)
if self.training:
    context = drop_condition(context, self.uncond_prob, torch.rand(len(x), device=x.device))
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
    x = block1(torch.cat([up(x), skips.pop()], dim=1), context)
    x = block2(torch.cat([x, skips.pop()], dim=1), context)
return self.final_conv(x)

# %% [unet.ema_update] M1 through state_dict, integer buffers skipped, floating buffers averaged
with torch.no_grad():
    new = model.state_dict()
    for k, v in ema.state_dict().items():
        if v.is_floating_point():
            v.mul_(decay).add_(new[k], alpha=1 - decay)

# %% [unet.ema_update] M2 buffers shared, not copied
with torch.no_grad():
    for a, b in zip(ema.parameters(), model.parameters()):
        a.mul_(decay).add_(b, alpha=1 - decay)
    for a, b in zip(ema.modules(), model.modules()):
        for k, v in b._buffers.items():
            a._buffers[k] = v

# %% [unet.ema_update] M3 only parameters that ask for gradients
with torch.no_grad():
    for a, b in zip(ema.parameters(), model.parameters()):
        if a.requires_grad:
            a.mul_(decay).add_(b, alpha=1 - decay)
    for a, b in zip(ema.buffers(), model.buffers()):
        a.copy_(b)

# %% [unet.ema_update] M4 lerp_ with decay for 1 - decay
with torch.no_grad():
    for a, b in zip(ema.parameters(), model.parameters()):
        a.lerp_(b, decay)
    for a, b in zip(ema.buffers(), model.buffers()):
        a.copy_(b)

# %% [unet.ema_update] M5 rebinds the loop's name, the average stays
with torch.no_grad():
    for a, b in zip(ema.parameters(), model.parameters()):
        a = decay * a + (1 - decay) * b
    for a, b in zip(ema.buffers(), model.buffers()):
        a.copy_(b)
