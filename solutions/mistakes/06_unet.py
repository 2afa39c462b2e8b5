# %% [unet.SinusoidalPosEmb] sines only
# hint: The second half repeats the sines. One wave alone cannot say whether it is rising or falling: give each
# hint: frequency a sine and a cosine.
half = self.dim // 2
angles = t[:, None] * torch.exp(-math.log(10_000) / max(half - 1, 1) * torch.arange(half, device=t.device))
return torch.cat([angles.sin(), angles.sin()], dim=-1)

# %% [unet.SinusoidalPosEmb] cosines first
# hint: The two halves have changed places. At t = 0 the embedding should begin with zeros and end with ones.
half = self.dim // 2
angles = t[:, None] * torch.exp(-math.log(10_000) / max(half - 1, 1) * torch.arange(half, device=t.device))
return torch.cat([angles.cos(), angles.sin()], dim=-1)

# %% [unet.SinusoidalPosEmb] the last frequency is not 1/10,000
# hint: The frequencies fall too slowly: the last one should be exactly 1/10,000. Look at the denominator in (1) once
# hint: more: how many steps lie between h frequencies?
half = self.dim // 2
angles = t[:, None] * torch.exp(-math.log(10_000) / half * torch.arange(half, device=t.device))
return torch.cat([angles.sin(), angles.cos()], dim=-1)

# %% [unet.SinusoidalPosEmb] a division by zero at dim = 2
# hint: Right for several frequencies, but with a single one (dim = 2) the denominator is 0 and the result NaN. That
# hint: is what the max in (1) is for.
half = self.dim // 2
frequencies = torch.exp(-math.log(10_000) * torch.arange(half, device=t.device) / (half - 1))
angles = t[:, None] * frequencies
return torch.cat([angles.sin(), angles.cos()], dim=-1)

# %% [unet.SinusoidalPosEmb] sines and cosines interleaved
# hint: Sines and cosines alternate, as in the original Transformer. Here all sines come first, then all cosines; the
# hint: checkpoint's first layer expects that order.
half = self.dim // 2
angles = t[:, None] * torch.exp(-math.log(10_000) / max(half - 1, 1) * torch.arange(half, device=t.device))
return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(1)

# %% [unet.SinusoidalPosEmb] log10 in place of ln
# hint: The last frequency is far too large: log10 stands where (1) has the natural logarithm, math.log.
half = self.dim // 2
angles = t[:, None] * torch.exp(-math.log10(10_000) / max(half - 1, 1) * torch.arange(half, device=t.device))
return torch.cat([angles.sin(), angles.cos()], dim=-1)

# %% [unet.SinusoidalPosEmb] a number divided by zero at dim = 2
# hint: Right for several frequencies, but with a single one (dim = 2) Python divides by half - 1 = 0. That is what the
# hint: max in (1) is for.
half = self.dim // 2
frequencies = torch.exp(torch.arange(half, device=t.device) * -(math.log(10_000) / (half - 1)))
angles = t[:, None] * frequencies
return torch.cat([angles.sin(), angles.cos()], dim=-1)

# %% [unet.SinusoidalPosEmb] the minus in the exponent
# hint: The frequencies grow from 1 to 10,000. They should fall: look at the sign of the exponent in (1).
half = self.dim // 2
angles = t[:, None] * torch.exp(math.log(10_000) / max(half - 1, 1) * torch.arange(half, device=t.device))
return torch.cat([angles.sin(), angles.cos()], dim=-1)

# %% [unet.RMSNorm] the root of C is missing
# hint: Every pixel's vector has length 1, so its entries shrink as channels are added. Which factor in (2) brings the
# hint: root mean square to 1?
return F.normalize(x, dim=1) * self.g

# %% [unet.RMSNorm] over channels, height and width
# hint: One length is computed for the whole image. Each pixel has its own vector of C channels and its own length.
square = x.square().mean(dim=(1, 2, 3), keepdim=True).clamp_min(1e-24)
return x * square.rsqrt() * self.g

# %% [unet.RMSNorm] over height and width
# hint: Each channel is divided by its size over the image. The length in (2) is taken over the channels of one pixel:
# hint: dim=1.
return F.normalize(x.flatten(2), dim=2).view_as(x) * math.sqrt(x.shape[2] * x.shape[3]) * self.g

# %% [unet.RMSNorm] the mean is subtracted
# hint: This is a layer norm: it subtracts the mean over the channels first. RMSNorm leaves the mean alone.
centred = x - x.mean(dim=1, keepdim=True)
return F.normalize(centred, dim=1) * math.sqrt(x.shape[1]) * self.g

# %% [unet.RMSNorm] the gain is left out
# hint: self.g does not act. It starts at 1, so a fresh network hides this; a trained one does not.
return F.normalize(x, dim=1) * math.sqrt(x.shape[1])

# %% [unet.RMSNorm] 0/0 at an empty pixel
# hint: A pixel whose channels are all zero becomes NaN, and one NaN is in every weight after the next step. Keep the
# hint: length away from 0, or let F.normalize do it.
return x / x.norm(dim=1, keepdim=True) * math.sqrt(x.shape[1]) * self.g

# %% [unet.RMSNorm] NaN in the gradient of an empty pixel
# hint: Right forward, but NaN backward where a pixel is zero in all channels: the square root of 0 has an infinite
# hint: slope, and infinity times 0 is NaN. Repairing the output does not help. Put the epsilon inside the root, or use
# hint: F.normalize.
return x / ((x**2).mean(1, keepdim=True).sqrt() + 1e-8) * self.g

# %% [unet.RMSNorm] over the width
# hint: Each row of the image is normed along its width: dim=-1 is the width. The channels are dim=1 of (b, C, h, w).
return F.normalize(x, dim=-1) * math.sqrt(x.shape[1]) * self.g

# %% [unet.RMSNorm] over the batch
# hint: The length is taken over the images of the batch, so they change each other. dim=0 is the batch, dim=1 the
# hint: channels.
return F.normalize(x, dim=0) * math.sqrt(x.shape[1]) * self.g

# %% [unet.RMSNorm] one length for the whole image, with √C
# hint: The length runs over channels, height and width, dim=(1, 2, 3), so one corner of the image changes the other. In
# hint: (2) each pixel has its own: dim=1 alone.
return F.normalize(x, dim=(1, 2, 3)) * math.sqrt(x.shape[1]) * self.g

# %% [unet.RMSNorm] times C
# hint: Each pixel's vector has the length C in place of √C: a root mean square of 1 over C entries makes a sum of
# hint: squares of C, and the length is its root.
return F.normalize(x, dim=1) * x.shape[1] * self.g

# %% [unet.ResnetBlock.forward] the context is not passed
# hint: The context has no effect: block1 runs without scale and shift, so the network knows neither time nor
# hint: condition.
h = self.block1(x)
h = self.block2(self.dropout(h))
return h + self.res_conv(x)

# %% [unet.ResnetBlock.forward] scale and shift have changed places
# hint: The first half of the mlp's output are the scales, the second half the shifts; here they are the other way
# hint: round.
shift, scale = self.mlp(context)[:, :, None, None].chunk(2, dim=1)
h = self.block1(x, (scale, shift))
h = self.block2(self.dropout(h))
return h + self.res_conv(x)

# %% [unet.ResnetBlock.forward] 1 is added to the scale twice
# hint: Block adds the 1 itself, as (3) says. With a scale of 0 the modulation should be the identity; here it
# hint: doubles.
scale, shift = self.mlp(context)[:, :, None, None].chunk(2, dim=1)
h = self.block1(x, (scale + 1, shift))
h = self.block2(self.dropout(h))
return h + self.res_conv(x)

# %% [unet.ResnetBlock.forward] modulation by x·scale + shift
# hint: The 1 is missing: the modulation is x·(scale + 1) + shift, so that a scale of 0 is the identity. Block
# hint: computes it; hand it the scale as it is.
scale, shift = self.mlp(context)[:, :, None, None].chunk(2, dim=1)
h = self.block1(x, (scale - 1, shift))
h = self.block2(self.dropout(h))
return h + self.res_conv(x)

# %% [unet.ResnetBlock.forward] both blocks are modulated
# hint: The second block is modulated as well. Only block1 gets scale and shift.
scale, shift = self.mlp(context)[:, :, None, None].chunk(2, dim=1)
h = self.block1(x, (scale, shift))
h = self.block2(self.dropout(h), (scale, shift))
return h + self.res_conv(x)

# %% [unet.ResnetBlock.forward] no residual connection
# hint: The input does not come through: add it to the second block's output, sent through res_conv.
scale, shift = self.mlp(context)[:, :, None, None].chunk(2, dim=1)
h = self.block1(x, (scale, shift))
return self.block2(self.dropout(h))

# %% [unet.ResnetBlock.forward] the input is added without res_conv
# hint: Right where the channels stay the same. Where they change, x and the result have different shapes: res_conv is
# hint: there for that.
scale, shift = self.mlp(context)[:, :, None, None].chunk(2, dim=1)
h = self.block1(x, (scale, shift))
h = self.block2(self.dropout(h))
return h + x

# %% [unet.ResnetBlock.forward] no dropout
# hint: Everything is right while dropout is off, but self.dropout is never called. It belongs between the two blocks.
scale, shift = self.mlp(context)[:, :, None, None].chunk(2, dim=1)
h = self.block2(self.block1(x, (scale, shift)))
return h + self.res_conv(x)

# %% [unet.ResnetBlock.forward] dropout at the end
# hint: Dropout acts on the result, residual connection included. It belongs between the two blocks.
scale, shift = self.mlp(context)[:, :, None, None].chunk(2, dim=1)
h = self.block2(self.block1(x, (scale, shift)))
return self.dropout(h + self.res_conv(x))

# %% [unet.ResnetBlock.forward] two dimensions are missing
# hint: The mlp gives (b, 2·dim_out), so scale and shift are (b, dim_out); they need two more dimensions, of length 1,
# hint: to act on all pixels: [:, :, None, None].
scale, shift = self.mlp(context).chunk(2, dim=1)
h = self.block1(x, (scale, shift))
h = self.block2(self.dropout(h))
return h + self.res_conv(x)

# %% [unet.ResnetBlock.forward] only the second block is modulated
# hint: The context modulates block2, and block1 hears nothing of it. It is the other way round.
scale, shift = self.mlp(context)[:, :, None, None].chunk(2, dim=1)
h = self.block1(x)
h = self.block2(self.dropout(h), (scale, shift))
return h + self.res_conv(x)

# %% [unet.ResnetBlock.forward] dropout after the second block
# hint: Dropout acts on what block2 gives. It belongs between the two blocks, on what block2 gets.
scale, shift = self.mlp(context)[:, :, None, None].chunk(2, dim=1)
h = self.block2(self.block1(x, (scale, shift)))
return self.dropout(h) + self.res_conv(x)

# %% [unet.ResnetBlock.forward] scales and shifts interleaved
# hint: Every second number is taken for a scale. The mlp gives all scales first, then all shifts.
numbers = self.mlp(context)[:, :, None, None]
h = self.block1(x, (numbers[:, 0::2], numbers[:, 1::2]))
h = self.block2(self.dropout(h))
return h + self.res_conv(x)

# %% [unet.down_blocks] one ResnetBlock a level
# hint: Each level holds three modules: two ResnetBlocks and the Downsample. One ResnetBlock is missing.
downs = nn.ModuleList()
for dim, dim_out in zip(dims[:-1], dims[1:]):
    downs.append(nn.ModuleList([ResnetBlock(dim, dim, context_dim), Downsample(dim, dim_out)]))
return downs

# %% [unet.down_blocks] the ResnetBlock changes the channels
# hint: The second ResnetBlock goes to the next level's channels. Both keep the level's own; Downsample makes the
# hint: change.
downs = nn.ModuleList()
for dim, dim_out in zip(dims[:-1], dims[1:]):
    blocks = [ResnetBlock(dim, dim, context_dim), ResnetBlock(dim, dim_out, context_dim)]
    downs.append(nn.ModuleList([*blocks, Downsample(dim_out, dim_out)]))
return downs

# %% [unet.down_blocks] the last level is not halved
# hint: The last level ends without a Downsample. Here every level has one, the last one too: the bottom lies below
# hint: it.
downs = nn.ModuleList()
for dim, dim_out in zip(dims[:-1], dims[1:]):
    last = dim_out == dims[-1]
    down = nn.Conv2d(dim, dim_out, 3, padding=1) if last else Downsample(dim, dim_out)
    downs.append(nn.ModuleList([ResnetBlock(dim, dim, context_dim), ResnetBlock(dim, dim, context_dim), down]))
return downs

# %% [unet.down_blocks] a plain list
# hint: No parameter is seen: a plain Python list hides its modules from state_dict, from the optimizer and from
# hint: .to(device). Use nn.ModuleList, inside and outside.
downs = []
for dim, dim_out in zip(dims[:-1], dims[1:]):
    downs.append([ResnetBlock(dim, dim, context_dim), ResnetBlock(dim, dim, context_dim), Downsample(dim, dim_out)])
return downs

# %% [unet.down_blocks] the context's length is guessed
# hint: The blocks expect a context of 4·dims[0]. That is what Unet happens to use; the function is told context_dim.
downs = nn.ModuleList()
for dim, dim_out in zip(dims[:-1], dims[1:]):
    block1, block2 = ResnetBlock(dim, dim, 4 * dims[0]), ResnetBlock(dim, dim, 4 * dims[0])
    downs.append(nn.ModuleList([block1, block2, Downsample(dim, dim_out)]))
return downs

# %% [unet.down_blocks] one block object twice
# hint: A level's two ResnetBlocks are one and the same object, so they share their weights and half of the parameters
# hint: are missing. Build two.
downs = nn.ModuleList()
for dim, dim_out in zip(dims[:-1], dims[1:]):
    downs.append(nn.ModuleList([*[ResnetBlock(dim, dim, context_dim)] * 2, Downsample(dim, dim_out)]))
return downs

# %% [unet.down_blocks] two levels by hand
# hint: Right for two levels, and for two only. dims may have any length: loop over its neighbours.
a, b, c = dims[:3]
return nn.ModuleList([
    nn.ModuleList([ResnetBlock(a, a, context_dim), ResnetBlock(a, a, context_dim), Downsample(a, b)]),
    nn.ModuleList([ResnetBlock(b, b, context_dim), ResnetBlock(b, b, context_dim), Downsample(b, c)])])

# %% [unet.down_blocks] one flat list
# hint: All modules lie in one list. Each level needs an nn.ModuleList of its own, inside the outer one.
downs = nn.ModuleList()
for dim, dim_out in zip(dims[:-1], dims[1:]):
    downs.extend([ResnetBlock(dim, dim, context_dim), ResnetBlock(dim, dim, context_dim), Downsample(dim, dim_out)])
return downs

# %% [unet.down_blocks] Downsample first
# hint: Each level begins with its Downsample. The blocks come first, at the level's own size: what they make is kept
# hint: for the way up before the image is halved.
downs = nn.ModuleList()
for dim, dim_out in zip(dims[:-1], dims[1:]):
    block1, block2 = ResnetBlock(dim, dim, context_dim), ResnetBlock(dim, dim, context_dim)
    downs.append(nn.ModuleList([Downsample(dim, dim_out), block1, block2]))
return downs

# %% [unet.down_blocks] Downsample first, blocks at the next level's channels
# hint: Each level begins with its Downsample, and its blocks work with the next level's channels. They come first,
# hint: with the level's own.
downs = nn.ModuleList()
for dim, dim_out in zip(dims[:-1], dims[1:]):
    block1, block2 = ResnetBlock(dim_out, dim_out, context_dim), ResnetBlock(dim_out, dim_out, context_dim)
    downs.append(nn.ModuleList([Downsample(dim, dim_out), block1, block2]))
return downs

# %% [unet.up_blocks] channels not doubled after concatenation
# hint: The ResnetBlocks expect the level's channels only. Each gets x and a skip, concatenated: how many channels are
# hint: that?
ups = nn.ModuleList()
for dim, dim_out in zip(dims[-2::-1], dims[:0:-1]):
    block1, block2 = ResnetBlock(dim, dim, context_dim), ResnetBlock(dim, dim, context_dim)
    ups.append(nn.ModuleList([Upsample(dim_out, dim), block1, block2]))
return ups

# %% [unet.up_blocks] only the first ResnetBlock takes a skip
# hint: The second ResnetBlock expects the level's channels only. The way down left two skips at each level: one for
# hint: each block.
ups = nn.ModuleList()
for dim, dim_out in zip(dims[-2::-1], dims[:0:-1]):
    block1, block2 = ResnetBlock(2 * dim, dim, context_dim), ResnetBlock(dim, dim, context_dim)
    ups.append(nn.ModuleList([Upsample(dim_out, dim), block1, block2]))
return ups

# %% [unet.up_blocks] in the order of the way down
# hint: The first level is the one of full resolution. The way up begins at the bottom: walk the pairs backwards.
ups = nn.ModuleList()
for dim, dim_out in zip(dims[:-1], dims[1:]):
    block1, block2 = ResnetBlock(2 * dim, dim, context_dim), ResnetBlock(2 * dim, dim, context_dim)
    ups.append(nn.ModuleList([Upsample(dim_out, dim), block1, block2]))
return ups

# %% [unet.up_blocks] Upsample keeps the channels
# hint: Upsample leaves the lower level's channels as they are. It goes from dim_out back to dim, so that x and its
# hint: skip have the same number.
ups = nn.ModuleList()
for dim, dim_out in zip(dims[-2::-1], dims[:0:-1]):
    block1 = ResnetBlock(dim_out + dim, dim, context_dim)
    ups.append(nn.ModuleList([Upsample(dim_out, dim_out), block1, ResnetBlock(2 * dim, dim, context_dim)]))
return ups

# %% [unet.up_blocks] Upsample after the blocks
# hint: Each level ends with its Upsample. It comes first: the skips have the level's size, and x must have it before
# hint: they can be joined.
ups = nn.ModuleList()
for dim, dim_out in zip(dims[-2::-1], dims[:0:-1]):
    block1, block2 = ResnetBlock(2 * dim, dim, context_dim), ResnetBlock(2 * dim, dim, context_dim)
    ups.append(nn.ModuleList([block1, block2, Upsample(dim_out, dim)]))
return ups

# %% [unet.up_blocks] the lower level's channels
# hint: The ResnetBlocks take d_out channels. Upsample has brought x to d, and the skip adds d: 2·d, not d_out. The two
# hint: agree only where the channels double from level to level.
ups = nn.ModuleList()
for dim, dim_out in zip(dims[-2::-1], dims[:0:-1]):
    block1, block2 = ResnetBlock(dim_out, dim, context_dim), ResnetBlock(dim_out, dim, context_dim)
    ups.append(nn.ModuleList([Upsample(dim_out, dim), block1, block2]))
return ups

# %% [unet.up_blocks] a plain list
# hint: No parameter is seen: a plain Python list hides its modules. Use nn.ModuleList, inside and outside, as on the
# hint: way down.
ups = []
for dim, dim_out in zip(dims[-2::-1], dims[:0:-1]):
    block1, block2 = ResnetBlock(2 * dim, dim, context_dim), ResnetBlock(2 * dim, dim, context_dim)
    ups.append([Upsample(dim_out, dim), block1, block2])
return ups

# %% [unet.up_blocks] one block object twice
# hint: A level's two ResnetBlocks are one and the same object, so they share their weights. Build two.
ups = nn.ModuleList()
for dim, dim_out in zip(dims[-2::-1], dims[:0:-1]):
    ups.append(nn.ModuleList([Upsample(dim_out, dim), *[ResnetBlock(2 * dim, dim, context_dim)] * 2]))
return ups

# %% [unet.up_blocks] two levels by hand
# hint: Right for two levels, and for two only. dims may have any length: loop over its neighbours, from the bottom up.
a, b, c = dims[:3]
return nn.ModuleList([
    nn.ModuleList([Upsample(c, b), ResnetBlock(2 * b, b, context_dim), ResnetBlock(2 * b, b, context_dim)]),
    nn.ModuleList([Upsample(b, a), ResnetBlock(2 * a, a, context_dim), ResnetBlock(2 * a, a, context_dim)])])

# %% [unet.up_blocks] Upsample's channels have changed places
# hint: Upsample goes from the level's channels to the lower level's. On the way up it is the other way round: what
# hint: comes from below has more.
ups = nn.ModuleList()
for dim, dim_out in zip(dims[-2::-1], dims[:0:-1]):
    block1, block2 = ResnetBlock(2 * dim, dim, context_dim), ResnetBlock(2 * dim, dim, context_dim)
    ups.append(nn.ModuleList([Upsample(dim, dim_out), block1, block2]))
return ups

# %% [unet.up_blocks] blocks that keep the doubled channels
# hint: The blocks take twice the level's channels, which is right, and give back as many. The next skip is joined to
# hint: what they give, so they must come back to the level's own.
ups = nn.ModuleList()
for dim, dim_out in zip(dims[-2::-1], dims[:0:-1]):
    block1, block2 = ResnetBlock(2 * dim, 2 * dim, context_dim), ResnetBlock(2 * dim, 2 * dim, context_dim)
    ups.append(nn.ModuleList([Upsample(dim_out, dim), block1, block2]))
return ups

# %% [unet.drop_condition] the wrong rows are dropped
# hint: Kept and dropped have changed places: a row is kept where u is at least prob.
keep = (u < prob).to(text_emb.dtype)
return text_emb * keep[:, None]

# %% [unet.drop_condition] one decision for the whole batch
# hint: All rows share one fate. Each sample has its own u, so that every batch holds both kinds.
keep = (u[0] >= prob).to(text_emb.dtype)
return text_emb * keep

# %% [unet.drop_condition] the kept rows are rescaled
# hint: The kept rows are divided by 1 − prob, as dropout does. A condition is not a noisy activation: it is there or
# hint: not, and its size is part of its meaning.
keep = (u >= prob).to(text_emb.dtype)
return text_emb * keep[:, None] / max(1 - prob, 1e-9)

# %% [unet.drop_condition] u equal to prob is dropped
# hint: Only a u equal to prob differs: keep where u ≥ prob. With prob = 0 nothing may be dropped, and torch.rand does
# hint: return 0.
keep = (u > prob).to(text_emb.dtype)
return text_emb * keep[:, None]

# %% [unet.drop_condition] the caller's rows are overwritten
# hint: The result is right, but the caller's text_emb has zero rows too, and the next epoch never sees those
# hint: conditions again. Return a new tensor.
with torch.no_grad():
    text_emb[u < prob] = 0.0
return text_emb

# %% [unet.drop_condition] rescaled, and NaN at prob = 1
# hint: The kept rows are divided by 1 − prob, which is what dropout does, and at prob = 1 that is 0/0. A condition is
# hint: there or it is not: leave the kept rows as they are.
keep = (u >= prob).to(text_emb.dtype)
return text_emb * keep[:, None] / (1 - prob)

# %% [unet.drop_condition] written in place
# hint: The caller's own tensor is overwritten, and autograd refuses where it needs a gradient. Multiply, and return a
# hint: new tensor.
text_emb[u < prob] = 0.0
return text_emb

# %% [unet.drop_condition] the comparison is mirrored
# hint: The share of dropped rows is right, but they are other rows: a row is kept where u ≥ prob, not where u < 1 −
# hint: prob.
keep = (u < 1 - prob).to(text_emb.dtype)
return text_emb * keep[:, None]

# %% [unet.drop_condition] a dimension is missing
# hint: The mask is (b,), the rows are (b, condition_dim): the mask needs a second dimension, keep[:, None], so that
# hint: each of its entries acts on a whole row.
keep = (u >= prob).to(text_emb.dtype)
return text_emb * keep

# %% [unet.drop_condition] dice of its own
# hint: The rows that go missing have nothing to do with u. The dice have been thrown already: u holds one number for
# hint: each row.
keep = (torch.rand(len(text_emb)) >= prob).to(text_emb.dtype)
return text_emb * keep[:, None]

# %% [unet.drop_condition] dropout of single entries
# hint: Single entries are set to zero, by new dice. A condition goes as a whole row, where its own u says so.
return F.dropout(text_emb, prob)

# %% [unet.forward] skips taken in the wrong order
# hint: The skips come first in, first out. The way up begins at the bottom: it needs the newest skip first.
if self.training:
    text_emb = drop_condition(text_emb, self.uncond_prob, torch.rand(x.shape[0], device=x.device))
context = self.time_mlp(time) + self.condition_mlp(text_emb)
x, skips = self.init_conv(x), []
for block1, block2, downsample in self.downs:
    x = block1(x, context)
    skips.append(x)
    x = block2(x, context)
    skips.append(x)
    x = downsample(x)
x = self.mid_block2(self.mid_block1(x, context), context)
for upsample, block1, block2 in self.ups:
    x = upsample(x)
    x = block1(torch.cat([x, skips.pop(0)], dim=1), context)
    x = block2(torch.cat([x, skips.pop(0)], dim=1), context)
return self.final_conv(x)

# %% [unet.forward] the two skips of a level have changed places
# hint: Each level gets its own two skips, but in the order of the way down. Going up, the skip saved last is the
# hint: first to be used.
if self.training:
    text_emb = drop_condition(text_emb, self.uncond_prob, torch.rand(x.shape[0], device=x.device))
context = self.time_mlp(time) + self.condition_mlp(text_emb)
x, skips = self.init_conv(x), []
for block1, block2, downsample in self.downs:
    x = first = block1(x, context)
    x = block2(x, context)
    skips.append((first, x))
    x = downsample(x)
x = self.mid_block2(self.mid_block1(x, context), context)
for upsample, block1, block2 in self.ups:
    first, second = skips.pop()
    x = block1(torch.cat([upsample(x), first], dim=1), context)
    x = block2(torch.cat([x, second], dim=1), context)
return self.final_conv(x)

# %% [unet.forward] one skip a level
# hint: A level's skip is saved once and used twice. Save one after each of the two ResnetBlocks.
if self.training:
    text_emb = drop_condition(text_emb, self.uncond_prob, torch.rand(x.shape[0], device=x.device))
context = self.time_mlp(time) + self.condition_mlp(text_emb)
x, skips = self.init_conv(x), []
for block1, block2, downsample in self.downs:
    x = block2(block1(x, context), context)
    skips.append(x)
    x = downsample(x)
x = self.mid_block2(self.mid_block1(x, context), context)
for upsample, block1, block2 in self.ups:
    x, skip = upsample(x), skips.pop()
    x = block1(torch.cat([x, skip], dim=1), context)
    x = block2(torch.cat([x, skip], dim=1), context)
return self.final_conv(x)

# %% [unet.forward] skips saved after the Downsample
# hint: Each level's second skip is saved after Downsample, so it has the next level's size. Save after each
# hint: ResnetBlock, before the image is halved.
if self.training:
    text_emb = drop_condition(text_emb, self.uncond_prob, torch.rand(x.shape[0], device=x.device))
context = self.time_mlp(time) + self.condition_mlp(text_emb)
x, skips = self.init_conv(x), []
for block1, block2, downsample in self.downs:
    x = block1(x, context)
    skips.append(x)
    x = downsample(block2(x, context))
    skips.append(x)
x = self.mid_block2(self.mid_block1(x, context), context)
for upsample, block1, block2 in self.ups:
    x = upsample(x)
    x = block1(torch.cat([x, skips.pop()], dim=1), context)
    x = block2(torch.cat([x, skips.pop()], dim=1), context)
return self.final_conv(x)

# %% [unet.forward] skip first
# hint: The skip stands before x. Concatenation knows no order of its own, but trained weights do: torch.cat([x,
# hint: skip], dim=1).
if self.training:
    text_emb = drop_condition(text_emb, self.uncond_prob, torch.rand(x.shape[0], device=x.device))
context = self.time_mlp(time) + self.condition_mlp(text_emb)
x, skips = self.init_conv(x), []
for block1, block2, downsample in self.downs:
    x = block1(x, context)
    skips.append(x)
    x = block2(x, context)
    skips.append(x)
    x = downsample(x)
x = self.mid_block2(self.mid_block1(x, context), context)
for upsample, block1, block2 in self.ups:
    x = upsample(x)
    x = block1(torch.cat([skips.pop(), x], dim=1), context)
    x = block2(torch.cat([skips.pop(), x], dim=1), context)
return self.final_conv(x)

# %% [unet.forward] the condition is left out of the context
# hint: text_emb has no effect. The context is the sum of time_mlp(time) and condition_mlp(text_emb).
context = self.time_mlp(time)
x, skips = self.init_conv(x), []
for block1, block2, downsample in self.downs:
    x = block1(x, context)
    skips.append(x)
    x = block2(x, context)
    skips.append(x)
    x = downsample(x)
x = self.mid_block2(self.mid_block1(x, context), context)
for upsample, block1, block2 in self.ups:
    x = upsample(x)
    x = block1(torch.cat([x, skips.pop()], dim=1), context)
    x = block2(torch.cat([x, skips.pop()], dim=1), context)
return self.final_conv(x)

# %% [unet.forward] one middle block
# hint: The bottom runs through one block only. There are two, one after the other: mid_block1, then mid_block2.
if self.training:
    text_emb = drop_condition(text_emb, self.uncond_prob, torch.rand(x.shape[0], device=x.device))
context = self.time_mlp(time) + self.condition_mlp(text_emb)
x, skips = self.init_conv(x), []
for block1, block2, downsample in self.downs:
    x = block1(x, context)
    skips.append(x)
    x = block2(x, context)
    skips.append(x)
    x = downsample(x)
x = self.mid_block1(x, context)
for upsample, block1, block2 in self.ups:
    x = upsample(x)
    x = block1(torch.cat([x, skips.pop()], dim=1), context)
    x = block2(torch.cat([x, skips.pop()], dim=1), context)
return self.final_conv(x)

# %% [unet.forward] skips are detached
# hint: The output is right, but no gradient flows back through the skips. They are the short way for the gradient as
# hint: well: keep them as they are.
if self.training:
    text_emb = drop_condition(text_emb, self.uncond_prob, torch.rand(x.shape[0], device=x.device))
context = self.time_mlp(time) + self.condition_mlp(text_emb)
x, skips = self.init_conv(x), []
for block1, block2, downsample in self.downs:
    x = block1(x, context)
    skips.append(x.detach())
    x = block2(x, context)
    skips.append(x.detach())
    x = downsample(x)
x = self.mid_block2(self.mid_block1(x, context), context)
for upsample, block1, block2 in self.ups:
    x = upsample(x)
    x = block1(torch.cat([x, skips.pop()], dim=1), context)
    x = block2(torch.cat([x, skips.pop()], dim=1), context)
return self.final_conv(x)

# %% [unet.forward] the mask multiplies the time as well
# hint: Dropping a condition drops the time with it: the mask multiplies the whole context. Only text_emb may lose
# hint: rows, before condition_mlp.
context = self.time_mlp(time) + self.condition_mlp(text_emb)
if self.training:
    context = drop_condition(context, self.uncond_prob, torch.rand(x.shape[0], device=x.device))
x, skips = self.init_conv(x), []
for block1, block2, downsample in self.downs:
    x = block1(x, context)
    skips.append(x)
    x = block2(x, context)
    skips.append(x)
    x = downsample(x)
x = self.mid_block2(self.mid_block1(x, context), context)
for upsample, block1, block2 in self.ups:
    x = upsample(x)
    x = block1(torch.cat([x, skips.pop()], dim=1), context)
    x = block2(torch.cat([x, skips.pop()], dim=1), context)
return self.final_conv(x)

# %% [unet.forward] dropped after condition_mlp
# hint: The rows are set to zero after condition_mlp. They should be zero before it, so that "no condition" has a
# hint: learned answer, the same as for text_emb = None.
cond = self.condition_mlp(text_emb)
if self.training:
    cond = drop_condition(cond, self.uncond_prob, torch.rand(x.shape[0], device=x.device))
context = self.time_mlp(time) + cond
x, skips = self.init_conv(x), []
for block1, block2, downsample in self.downs:
    x = block1(x, context)
    skips.append(x)
    x = block2(x, context)
    skips.append(x)
    x = downsample(x)
x = self.mid_block2(self.mid_block1(x, context), context)
for upsample, block1, block2 in self.ups:
    x = upsample(x)
    x = block1(torch.cat([x, skips.pop()], dim=1), context)
    x = block2(torch.cat([x, skips.pop()], dim=1), context)
return self.final_conv(x)

# %% [unet.forward] conditions dropped in eval mode
# hint: Conditions are dropped in eval mode too: at every call one row in five, at random, so each sample forgets its
# hint: label in one sampling step of five. Ask self.training first.
text_emb = drop_condition(text_emb, self.uncond_prob, torch.rand(x.shape[0], device=x.device))
context = self.time_mlp(time) + self.condition_mlp(text_emb)
x, skips = self.init_conv(x), []
for block1, block2, downsample in self.downs:
    x = block1(x, context)
    skips.append(x)
    x = block2(x, context)
    skips.append(x)
    x = downsample(x)
x = self.mid_block2(self.mid_block1(x, context), context)
for upsample, block1, block2 in self.ups:
    x = upsample(x)
    x = block1(torch.cat([x, skips.pop()], dim=1), context)
    x = block2(torch.cat([x, skips.pop()], dim=1), context)
return self.final_conv(x)

# %% [unet.forward] conditions never dropped
# hint: In train mode every condition stays, so the network never learns what to do without one, and guidance in
# hint: notebook 07 has nothing to compare with. Call drop_condition while training.
context = self.time_mlp(time) + self.condition_mlp(text_emb)
x, skips = self.init_conv(x), []
for block1, block2, downsample in self.downs:
    x = block1(x, context)
    skips.append(x)
    x = block2(x, context)
    skips.append(x)
    x = downsample(x)
x = self.mid_block2(self.mid_block1(x, context), context)
for upsample, block1, block2 in self.ups:
    x = upsample(x)
    x = block1(torch.cat([x, skips.pop()], dim=1), context)
    x = block2(torch.cat([x, skips.pop()], dim=1), context)
return self.final_conv(x)

# %% [unet.forward] one throw for the whole batch
# hint: In train mode all samples of a batch keep their condition, or all lose it. Throw one random number for each
# hint: sample: torch.rand(x.shape[0]).
if self.training:
    text_emb = drop_condition(text_emb, self.uncond_prob, torch.rand(1, device=x.device))
context = self.time_mlp(time) + self.condition_mlp(text_emb)
x, skips = self.init_conv(x), []
for block1, block2, downsample in self.downs:
    x = block1(x, context)
    skips.append(x)
    x = block2(x, context)
    skips.append(x)
    x = downsample(x)
x = self.mid_block2(self.mid_block1(x, context), context)
for upsample, block1, block2 in self.ups:
    x = upsample(x)
    x = block1(torch.cat([x, skips.pop()], dim=1), context)
    x = block2(torch.cat([x, skips.pop()], dim=1), context)
return self.final_conv(x)

# %% [unet.forward] the caller's dict is changed
# hint: The result is right, but text_emb is gone from the caller's model_kwargs afterwards: the next of 200 sampling
# hint: steps would run without it. Read the dict, never write to it.
model_kwargs.pop("text_emb", None)
if self.training:
    text_emb = drop_condition(text_emb, self.uncond_prob, torch.rand(x.shape[0], device=x.device))
context = self.time_mlp(time) + self.condition_mlp(text_emb)
x, skips = self.init_conv(x), []
for block1, block2, downsample in self.downs:
    x = block1(x, context)
    skips.append(x)
    x = block2(x, context)
    skips.append(x)
    x = downsample(x)
x = self.mid_block2(self.mid_block1(x, context), context)
for upsample, block1, block2 in self.ups:
    x = upsample(x)
    x = block1(torch.cat([x, skips.pop()], dim=1), context)
    x = block2(torch.cat([x, skips.pop()], dim=1), context)
return self.final_conv(x)

# %% [unet.forward] the newest skip is read, never taken
# hint: The same skip is used again and again: skips[-1] reads the newest and leaves it there. Take it off the list:
# hint: skips.pop().
if self.training:
    text_emb = drop_condition(text_emb, self.uncond_prob, torch.rand(x.shape[0], device=x.device))
context = self.time_mlp(time) + self.condition_mlp(text_emb)
x, skips = self.init_conv(x), []
for block1, block2, downsample in self.downs:
    x = block1(x, context)
    skips.append(x)
    x = block2(x, context)
    skips.append(x)
    x = downsample(x)
x = self.mid_block2(self.mid_block1(x, context), context)
for upsample, block1, block2 in self.ups:
    x = upsample(x)
    x = block1(torch.cat([x, skips[-1]], dim=1), context)
    x = block2(torch.cat([x, skips[-1]], dim=1), context)
return self.final_conv(x)

# %% [unet.forward] skips saved before each block
# hint: The skips are kept before each block. Keep what the block has made of x: after it.
if self.training:
    text_emb = drop_condition(text_emb, self.uncond_prob, torch.rand(x.shape[0], device=x.device))
context = self.time_mlp(time) + self.condition_mlp(text_emb)
x, skips = self.init_conv(x), []
for block1, block2, downsample in self.downs:
    skips.append(x)
    x = block1(x, context)
    skips.append(x)
    x = block2(x, context)
    x = downsample(x)
x = self.mid_block2(self.mid_block1(x, context), context)
for upsample, block1, block2 in self.ups:
    x = upsample(x)
    x = block1(torch.cat([x, skips.pop()], dim=1), context)
    x = block2(torch.cat([x, skips.pop()], dim=1), context)
return self.final_conv(x)

# %% [unet.forward] the middle blocks have changed places
# hint: The bottom runs through mid_block2 first. The shapes agree, a checkpoint's weights do not: mid_block1, then
# hint: mid_block2.
if self.training:
    text_emb = drop_condition(text_emb, self.uncond_prob, torch.rand(x.shape[0], device=x.device))
context = self.time_mlp(time) + self.condition_mlp(text_emb)
x, skips = self.init_conv(x), []
for block1, block2, downsample in self.downs:
    x = block1(x, context)
    skips.append(x)
    x = block2(x, context)
    skips.append(x)
    x = downsample(x)
x = self.mid_block1(self.mid_block2(x, context), context)
for upsample, block1, block2 in self.ups:
    x = upsample(x)
    x = block1(torch.cat([x, skips.pop()], dim=1), context)
    x = block2(torch.cat([x, skips.pop()], dim=1), context)
return self.final_conv(x)

# %% [unet.forward] the time is left out of the context
# hint: The time has no effect: time_mlp(time) is missing from the context, so the network does not know how much noise
# hint: there is.
if self.training:
    text_emb = drop_condition(text_emb, self.uncond_prob, torch.rand(x.shape[0], device=x.device))
context = self.condition_mlp(text_emb)
x, skips = self.init_conv(x), []
for block1, block2, downsample in self.downs:
    x = block1(x, context)
    skips.append(x)
    x = block2(x, context)
    skips.append(x)
    x = downsample(x)
x = self.mid_block2(self.mid_block1(x, context), context)
for upsample, block1, block2 in self.ups:
    x = upsample(x)
    x = block1(torch.cat([x, skips.pop()], dim=1), context)
    x = block2(torch.cat([x, skips.pop()], dim=1), context)
return self.final_conv(x)

# %% [unet.forward] two levels only
# hint: Right for two levels only. Walk through all of self.downs and self.ups.
if self.training:
    text_emb = drop_condition(text_emb, self.uncond_prob, torch.rand(x.shape[0], device=x.device))
context = self.time_mlp(time) + self.condition_mlp(text_emb)
x, skips = self.init_conv(x), []
for block1, block2, downsample in self.downs[:2]:
    x = block1(x, context)
    skips.append(x)
    x = block2(x, context)
    skips.append(x)
    x = downsample(x)
x = self.mid_block2(self.mid_block1(x, context), context)
for upsample, block1, block2 in self.ups[:2]:
    x = upsample(x)
    x = block1(torch.cat([x, skips.pop()], dim=1), context)
    x = block2(torch.cat([x, skips.pop()], dim=1), context)
return self.final_conv(x)

# %% [unet.forward] normal numbers
# hint: The wrong share is dropped: uncond_prob is compared with numbers that are not uniform. torch.rand is uniform in
# hint: [0, 1), torch.randn is normal.
if self.training:
    text_emb = drop_condition(text_emb, self.uncond_prob, torch.randn(x.shape[0], device=x.device))
context = self.time_mlp(time) + self.condition_mlp(text_emb)
x, skips = self.init_conv(x), []
for block1, block2, downsample in self.downs:
    x = block1(x, context)
    skips.append(x)
    x = block2(x, context)
    skips.append(x)
    x = downsample(x)
x = self.mid_block2(self.mid_block1(x, context), context)
for upsample, block1, block2 in self.ups:
    x = upsample(x)
    x = block1(torch.cat([x, skips.pop()], dim=1), context)
    x = block2(torch.cat([x, skips.pop()], dim=1), context)
return self.final_conv(x)

# %% [unet.forward] single entries are dropped
# hint: F.dropout sets single entries of text_emb to zero and rescales the others. A condition goes as a whole row or
# hint: stays as it is: drop_condition.
text_emb = F.dropout(text_emb, self.uncond_prob, self.training)
context = self.time_mlp(time) + self.condition_mlp(text_emb)
x, skips = self.init_conv(x), []
for block1, block2, downsample in self.downs:
    x = block1(x, context)
    skips.append(x)
    x = block2(x, context)
    skips.append(x)
    x = downsample(x)
x = self.mid_block2(self.mid_block1(x, context), context)
for upsample, block1, block2 in self.ups:
    x = upsample(x)
    x = block1(torch.cat([x, skips.pop()], dim=1), context)
    x = block2(torch.cat([x, skips.pop()], dim=1), context)
return self.final_conv(x)

# %% [unet.forward] model_kwargs is written to in training
# hint: In train mode model_kwargs is written to. Without an argument it is the default {}, one dict for all calls, so
# hint: the next call finds this one's condition in it. Keep the rows in a variable of your own.
if self.training:
    text_emb = drop_condition(text_emb, self.uncond_prob, torch.rand(x.shape[0], device=x.device))
    model_kwargs["text_emb"] = text_emb
context = self.time_mlp(time) + self.condition_mlp(text_emb)
x, skips = self.init_conv(x), []
for block1, block2, downsample in self.downs:
    x = block1(x, context)
    skips.append(x)
    x = block2(x, context)
    skips.append(x)
    x = downsample(x)
x = self.mid_block2(self.mid_block1(x, context), context)
for upsample, block1, block2 in self.ups:
    x = upsample(x)
    x = block1(torch.cat([x, skips.pop()], dim=1), context)
    x = block2(torch.cat([x, skips.pop()], dim=1), context)
return self.final_conv(x)

# %% [unet.forward] the first middle block twice
# hint: The bottom runs through mid_block1 twice. There are two blocks with weights of their own: mid_block1, then
# hint: mid_block2.
if self.training:
    text_emb = drop_condition(text_emb, self.uncond_prob, torch.rand(x.shape[0], device=x.device))
context = self.time_mlp(time) + self.condition_mlp(text_emb)
x, skips = self.init_conv(x), []
for block1, block2, downsample in self.downs:
    x = block1(x, context)
    skips.append(x)
    x = block2(x, context)
    skips.append(x)
    x = downsample(x)
x = self.mid_block1(self.mid_block1(x, context), context)
for upsample, block1, block2 in self.ups:
    x = upsample(x)
    x = block1(torch.cat([x, skips.pop()], dim=1), context)
    x = block2(torch.cat([x, skips.pop()], dim=1), context)
return self.final_conv(x)

# %% [unet.forward] time times condition
# hint: The context is the product of time and condition. It is their sum: a condition of zero must not silence the
# hint: time.
if self.training:
    text_emb = drop_condition(text_emb, self.uncond_prob, torch.rand(x.shape[0], device=x.device))
context = self.time_mlp(time) * self.condition_mlp(text_emb)
x, skips = self.init_conv(x), []
for block1, block2, downsample in self.downs:
    x = block1(x, context)
    skips.append(x)
    x = block2(x, context)
    skips.append(x)
    x = downsample(x)
x = self.mid_block2(self.mid_block1(x, context), context)
for upsample, block1, block2 in self.ups:
    x = upsample(x)
    x = block1(torch.cat([x, skips.pop()], dim=1), context)
    x = block2(torch.cat([x, skips.pop()], dim=1), context)
return self.final_conv(x)

# %% [unet.forward] model_kwargs asked for text_emb once more
# hint: Right with a condition. Without one model_kwargs has no "text_emb", and asking for it raises KeyError: the given
# hint: lines have put zeros into text_emb for that case.
text_emb = model_kwargs["text_emb"]
if self.training:
    text_emb = drop_condition(text_emb, self.uncond_prob, torch.rand(x.shape[0], device=x.device))
context = self.time_mlp(time) + self.condition_mlp(text_emb)
x, skips = self.init_conv(x), []
for block1, block2, downsample in self.downs:
    x = block1(x, context)
    skips.append(x)
    x = block2(x, context)
    skips.append(x)
    x = downsample(x)
x = self.mid_block2(self.mid_block1(x, context), context)
for upsample, block1, block2 in self.ups:
    x = upsample(x)
    x = block1(torch.cat([x, skips.pop()], dim=1), context)
    x = block2(torch.cat([x, skips.pop()], dim=1), context)
return self.final_conv(x)
