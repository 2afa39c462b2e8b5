# %% [unet.SinusoidalPosEmb] sines only
# hint: The second half repeats the sines. One wave alone cannot say whether it is rising or falling: give each
# hint: frequency a sine and a cosine.
# replace:
return torch.cat([angles.sin(), angles.cos()], dim=-1)
# by:
return torch.cat([angles.sin(), angles.sin()], dim=-1)

# %% [unet.SinusoidalPosEmb] cosines first
# hint: The two halves have changed places. At t = 0 the embedding should begin with zeros and end with ones.
# replace:
return torch.cat([angles.sin(), angles.cos()], dim=-1)
# by:
return torch.cat([angles.cos(), angles.sin()], dim=-1)

# %% [unet.SinusoidalPosEmb] sines and cosines interleaved
# hint: Sines and cosines alternate, as in the original Transformer. Here all sines come first, then all cosines; the
# hint: checkpoint's first layer expects that order.
# replace:
return torch.cat([angles.sin(), angles.cos()], dim=-1)
# by:
return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(1)

# %% [unet.SinusoidalPosEmb] sines alone, half as long
# hint: Half of the entries are missing. Each frequency needs a sine and a cosine.
# replace:
return torch.cat([angles.sin(), angles.cos()], dim=-1)
# by:
return angles.sin()

# %% [unet.SinusoidalPosEmb] sines and cosines one below the other
# hint: The cosines are joined along the batch, as if they were more samples. They belong behind the sines of the same
# hint: row.
# replace:
return torch.cat([angles.sin(), angles.cos()], dim=-1)
# by:
return torch.cat([angles.sin(), angles.cos()], dim=0)

# %% [unet.SinusoidalPosEmb] sines and cosines stacked
# hint: The result has three axes: sines and cosines lie on an axis of their own. They should stand in one row.
# replace:
return torch.cat([angles.sin(), angles.cos()], dim=-1)
# by:
return torch.stack([angles.sin(), angles.cos()], dim=-1)

# %% [unet.SinusoidalPosEmb] the last frequency is not 1/10,000
# hint: The frequencies fall too slowly: the last one should be exactly 1/10,000. Look at the denominator in (1) once
# hint: more: how many steps lie between h frequencies?
# replace:
exponents = torch.arange(half, device=t.device) / max(half - 1, 1)
# by:
exponents = torch.arange(half, device=t.device) / half

# %% [unet.SinusoidalPosEmb] the frequencies count from 1
# hint: The first frequency is not 1: i counts from 0, so the fastest wave has ω = 1 and the last 1/10,000.
# replace:
exponents = torch.arange(half, device=t.device) / max(half - 1, 1)
# by:
exponents = torch.arange(1, half + 1, device=t.device) / max(half - 1, 1)

# %% [unet.SinusoidalPosEmb] every second exponent, as in the Transformer
# hint: The exponents are those of the Transformer, 2i/dim. In (1) the last one is exactly 1, so i is divided by h − 1.
# replace:
exponents = torch.arange(half, device=t.device) / max(half - 1, 1)
# by:
exponents = torch.arange(0, self.dim, 2, device=t.device) / max(self.dim - 1, 1)

# %% [unet.SinusoidalPosEmb] as many frequencies as entries
# hint: The result is twice as long as dim: there are dim // 2 frequencies, since each gives two entries.
# replace:
half = self.dim // 2
# by:
half = self.dim

# %% [unet.SinusoidalPosEmb] a division by zero at dim = 2
# hint: Right for several frequencies, but with a single one (dim = 2) the denominator is 0 and the result NaN. That
# hint: is what the max in (1) is for.
# replace:
exponents = torch.arange(half, device=t.device) / max(half - 1, 1)
# by:
exponents = torch.arange(half, device=t.device) / (half - 1)

# %% [unet.SinusoidalPosEmb] a number divided by zero at dim = 2
# hint: Right for several frequencies, but with a single one (dim = 2) Python divides by half - 1 = 0. That is what the
# hint: max in (1) is for.
# replace:
exponents = torch.arange(half, device=t.device) / max(half - 1, 1)
# by:
exponents = torch.arange(half, device=t.device) * (1 / (half - 1))

# %% [unet.SinusoidalPosEmb] the minus in the exponent
# hint: The frequencies grow from 1 to 10,000. They should fall: look at the sign of the exponent in (1).
# replace:
frequencies = torch.exp(-math.log(10_000) * exponents)
# by:
frequencies = torch.exp(math.log(10_000) * exponents)

# %% [unet.SinusoidalPosEmb] log10 in place of ln
# hint: The last frequency is far too large: log10 stands where (1) has the natural logarithm, math.log.
# replace:
frequencies = torch.exp(-math.log(10_000) * exponents)
# by:
frequencies = torch.exp(-math.log10(10_000) * exponents)

# %% [unet.SinusoidalPosEmb] no logarithm
# hint: All frequencies but the first are 0: exp(−10,000·…) underflows. The exponent in (1) has ln 10⁴, not 10⁴.
# replace:
frequencies = torch.exp(-math.log(10_000) * exponents)
# by:
frequencies = torch.exp(-10_000 * exponents)

# %% [unet.SinusoidalPosEmb] times 2π
# hint: The angles are 2π times too large: in (1) the time is multiplied by ω alone.
# replace:
angles = t[:, None] * frequencies  # (b, dim // 2)
# by:
angles = 2 * math.pi * t[:, None] * frequencies

# %% [unet.SinusoidalPosEmb] no axis for the frequencies
# hint: t is (b,), the frequencies are (dim // 2,): torch pairs them one by one or cannot pair them at all. Every time
# hint: meets every frequency: give t an axis more.
# replace:
angles = t[:, None] * frequencies  # (b, dim // 2)
# by:
angles = t * frequencies

# %% [unet.SinusoidalPosEmb] frequencies down, times across
# hint: The angles are transposed: rows are frequencies. Each sample of the batch is a row, each frequency a column.
# replace:
angles = t[:, None] * frequencies  # (b, dim // 2)
# by:
angles = t[None, :] * frequencies[:, None]

# %% [unet.RMSNorm] the root of C is missing
# hint: Every pixel's vector has length 1, so its entries shrink as channels are added. Which factor in (2) brings the
# hint: root mean square to 1?
# replace:
return F.normalize(x, dim=1) * math.sqrt(x.shape[1]) * self.g
# by:
return F.normalize(x, dim=1) * self.g

# %% [unet.RMSNorm] times C
# hint: Each pixel's vector has the length C in place of √C: a root mean square of 1 over C entries makes a sum of
# hint: squares of C, and the length is its root.
# replace:
return F.normalize(x, dim=1) * math.sqrt(x.shape[1]) * self.g
# by:
return F.normalize(x, dim=1) * x.shape[1] * self.g

# %% [unet.RMSNorm] divided by the root of C
# hint: The root of C divides where it should multiply: the root mean square becomes 1/C.
# replace:
return F.normalize(x, dim=1) * math.sqrt(x.shape[1]) * self.g
# by:
return F.normalize(x, dim=1) / math.sqrt(x.shape[1]) * self.g

# %% [unet.RMSNorm] over channels, height and width
# hint: One length is computed for the whole image. Each pixel has its own vector of C channels and its own length.
# replace:
return F.normalize(x, dim=1) * math.sqrt(x.shape[1]) * self.g
# by:
square = x.square().mean(dim=(1, 2, 3), keepdim=True).clamp_min(1e-24)
return x * square.rsqrt() * self.g

# %% [unet.RMSNorm] one length for the whole image, with √C
# hint: The length runs over channels, height and width, so one corner of the image changes the other. In (2) each
# hint: pixel has its own.
# replace:
return F.normalize(x, dim=1) * math.sqrt(x.shape[1]) * self.g
# by:
return F.normalize(x, dim=(1, 2, 3)) * math.sqrt(x.shape[1]) * self.g

# %% [unet.RMSNorm] over height and width
# hint: Each channel is divided by its size over the image. The length in (2) is taken over the channels of one pixel.
# replace:
return F.normalize(x, dim=1) * math.sqrt(x.shape[1]) * self.g
# by:
square = x.square().mean(dim=(2, 3), keepdim=True).clamp_min(1e-24)
return x * square.rsqrt() * self.g

# %% [unet.RMSNorm] over the width
# hint: Each row of the image is normed along its width: the last axis is the width. The channels are the second axis
# hint: of (b, C, h, w).
# replace:
return F.normalize(x, dim=1) * math.sqrt(x.shape[1]) * self.g
# by:
return F.normalize(x, dim=-1) * math.sqrt(x.shape[1]) * self.g

# %% [unet.RMSNorm] a root mean square over the width
# hint: The mean runs along the width, the last axis, so a pixel depends on its neighbours in the row. Take it over the
# hint: channels.
# replace:
return F.normalize(x, dim=1) * math.sqrt(x.shape[1]) * self.g
# by:
return x / (x.square().mean(-1, keepdim=True) + 1e-12).sqrt() * self.g

# %% [unet.RMSNorm] over the batch
# hint: The length is taken over the images of the batch, so they change each other. The first axis is the batch, the
# hint: second the channels.
# replace:
return F.normalize(x, dim=1) * math.sqrt(x.shape[1]) * self.g
# by:
return F.normalize(x, dim=0) * math.sqrt(x.shape[1]) * self.g

# %% [unet.RMSNorm] the mean is subtracted
# hint: This is a layer norm: it subtracts the mean over the channels first. RMSNorm leaves the mean alone.
# replace:
return F.normalize(x, dim=1) * math.sqrt(x.shape[1]) * self.g
# by:
centred = x - x.mean(dim=1, keepdim=True)
return F.normalize(centred, dim=1) * math.sqrt(x.shape[1]) * self.g

# %% [unet.RMSNorm] the standard deviation
# hint: x is divided by its standard deviation, which is measured from the mean. The root mean square in (2) is measured
# hint: from zero.
# replace:
return F.normalize(x, dim=1) * math.sqrt(x.shape[1]) * self.g
# by:
return x / (x.std(dim=1, keepdim=True) + 1e-12) * self.g

# %% [unet.RMSNorm] the mean square without its root
# hint: x is divided by the mean square. Take its root: doubled inputs must give the same output.
# replace:
return F.normalize(x, dim=1) * math.sqrt(x.shape[1]) * self.g
# by:
return x / (x.square().mean(dim=1, keepdim=True) + 1e-12) * self.g

# %% [unet.RMSNorm] a large epsilon
# hint: An epsilon is added that is large enough to be seen: the output of 100·x should be that of x to four digits.
# hint: It only has to keep a pixel of zeros from 0/0.
# replace:
return F.normalize(x, dim=1) * math.sqrt(x.shape[1]) * self.g
# by:
return x / (x.square().mean(dim=1, keepdim=True) + 1e-2).sqrt() * self.g

# %% [unet.RMSNorm] absolute values in place of squares
# hint: The length is the sum of absolute values. In (2) it is the root of the sum of squares.
# replace:
return F.normalize(x, dim=1) * math.sqrt(x.shape[1]) * self.g
# by:
return F.normalize(x, p=1, dim=1) * math.sqrt(x.shape[1]) * self.g

# %% [unet.RMSNorm] the gain is left out
# hint: self.g does not act. It starts at 1, so a fresh network hides this; a trained one does not.
# replace:
return F.normalize(x, dim=1) * math.sqrt(x.shape[1]) * self.g
# by:
return F.normalize(x, dim=1) * math.sqrt(x.shape[1])

# %% [unet.RMSNorm] one plus the gain
# hint: The gain is g + 1, as in the modulation of the next section. In (2) it is g itself.
# replace:
return F.normalize(x, dim=1) * math.sqrt(x.shape[1]) * self.g
# by:
return F.normalize(x, dim=1) * math.sqrt(x.shape[1]) * (1 + self.g)

# %% [unet.RMSNorm] the gain before the length
# hint: The gain multiplies x before its length is taken, so it changes the length too. It comes last.
# replace:
return F.normalize(x, dim=1) * math.sqrt(x.shape[1]) * self.g
# by:
return F.normalize(x * self.g, dim=1) * math.sqrt(x.shape[1])

# %% [unet.RMSNorm] 0/0 at an empty pixel
# hint: A pixel whose channels are all zero becomes NaN, and one NaN is in every weight after the next step. Keep the
# hint: length away from 0.
# replace:
return F.normalize(x, dim=1) * math.sqrt(x.shape[1]) * self.g
# by:
return x / x.norm(dim=1, keepdim=True) * math.sqrt(x.shape[1]) * self.g

# %% [unet.RMSNorm] NaN in the gradient of an empty pixel
# hint: Right forward, but NaN backward where a pixel is zero in all channels: the square root of 0 has an infinite
# hint: slope, and infinity times 0 is NaN. Repairing the output does not help: put the epsilon inside the root.
# replace:
return F.normalize(x, dim=1) * math.sqrt(x.shape[1]) * self.g
# by:
return x / ((x**2).mean(1, keepdim=True).sqrt() + 1e-8) * self.g

# %% [unet.RMSNorm] the length is detached
# hint: The output is right, but the length counts as a constant in the gradient. It depends on x, too.
# replace:
return F.normalize(x, dim=1) * math.sqrt(x.shape[1]) * self.g
# by:
return x / x.detach().norm(dim=1, keepdim=True).clamp_min(1e-12) * math.sqrt(x.shape[1]) * self.g

# %% [unet.RMSNorm] no keepdim
# hint: The length has lost the axis of the channels, (b, h, w), so torch cannot line it up with (b, C, h, w).
# replace:
return F.normalize(x, dim=1) * math.sqrt(x.shape[1]) * self.g
# by:
return x / (x.square().mean(dim=1) + 1e-12).sqrt() * self.g

# %% [unet.ResnetBlock.forward] the context is not passed
# hint: The context has no effect: block1 runs without scale and shift, so the network knows neither time nor
# hint: condition.
# replace:
h = self.block1(x, (scale, shift))
# by:
h = self.block1(x)

# %% [unet.ResnetBlock.forward] scale and shift have changed places
# hint: The first half of the mlp's output are the scales, the second half the shifts; here they are the other way
# hint: round.
# replace:
h = self.block1(x, (scale, shift))
# by:
h = self.block1(x, (shift, scale))

# %% [unet.ResnetBlock.forward] 1 is added to the scale twice
# hint: Block adds the 1 itself, as (3) says. With a scale of 0 the modulation should be the identity; here it
# hint: doubles.
# replace:
h = self.block1(x, (scale, shift))
# by:
h = self.block1(x, (scale + 1, shift))

# %% [unet.ResnetBlock.forward] modulation by x·scale + shift
# hint: The 1 is missing: the modulation is x·(scale + 1) + shift, so that a scale of 0 is the identity. Block
# hint: computes it; hand it the scale as it is.
# replace:
h = self.block1(x, (scale, shift))
# by:
h = self.block1(x, (scale - 1, shift))

# %% [unet.ResnetBlock.forward] modulated by hand, after the block
# hint: Scale and shift act on what block1 gives, after its GELU. They belong between its norm and its GELU: hand both
# hint: to Block.
# replace:
h = self.block1(x, (scale, shift))
# by:
h = self.block1(x) * (scale + 1) + shift

# %% [unet.ResnetBlock.forward] the input is modulated
# hint: Scale and shift act on the block's input. They belong behind its convolution and norm: hand both to Block.
# replace:
h = self.block1(x, (scale, shift))
# by:
h = self.block1(x * (scale[:, :x.shape[1]] + 1) + shift[:, :x.shape[1]])

# %% [unet.ResnetBlock.forward] scale and shift as two arguments
# hint: Block takes one argument beside x, the pair (scale, shift).
# replace:
h = self.block1(x, (scale, shift))
# by:
h = self.block1(x, scale, shift)

# %% [unet.ResnetBlock.forward] both blocks are modulated
# hint: The second block is modulated as well. Only block1 gets scale and shift.
# replace:
h = self.block2(h)
# by:
h = self.block2(h, (scale, shift))

# %% [unet.ResnetBlock.forward] only the second block is modulated
# hint: The context modulates block2, and block1 hears nothing of it. It is the other way round.
# replace:
h = self.block1(x, (scale, shift))
# by:
h = self.block1(x)
# replace:
h = self.block2(h)
# by:
h = self.block2(h, (scale, shift))

# %% [unet.ResnetBlock.forward] no residual connection
# hint: The input does not come through: add it to the second block's output, sent through res_conv.
# replace:
return h + self.res_conv(x)
# by:
return h

# %% [unet.ResnetBlock.forward] the input is added without res_conv
# hint: Right where the channels stay the same. Where they change, x and the result have different shapes: res_conv is
# hint: there for that.
# replace:
return h + self.res_conv(x)
# by:
return h + x

# %% [unet.ResnetBlock.forward] res_conv of the result
# hint: res_conv is applied to what the blocks made. It takes the block's input on the way around.
# replace:
return h + self.res_conv(x)
# by:
return self.res_conv(h) + x

# %% [unet.ResnetBlock.forward] the residual is multiplied
# hint: The two ways are multiplied. They are added.
# replace:
return h + self.res_conv(x)
# by:
return h * self.res_conv(x)

# %% [unet.ResnetBlock.forward] a GELU at the end
# hint: A GELU acts on the sum. Each Block has its own at its end; the residual connection passes without one.
# replace:
return h + self.res_conv(x)
# by:
return F.gelu(h + self.res_conv(x))

# %% [unet.ResnetBlock.forward] the second block is missing
# hint: block2 never runs. There are two blocks with weights of their own.
# replace:
h = self.block2(h)
# by:

# %% [unet.ResnetBlock.forward] no dropout
# hint: Everything is right while dropout is off, but self.dropout is never called. It belongs between the two blocks.
# replace:
h = self.dropout(h)
# by:

# %% [unet.ResnetBlock.forward] dropout at the end
# hint: Dropout acts on the result, residual connection included. It belongs between the two blocks.
# replace:
h = self.dropout(h)
# by:
# replace:
return h + self.res_conv(x)
# by:
return self.dropout(h + self.res_conv(x))

# %% [unet.ResnetBlock.forward] dropout after the second block
# hint: Dropout acts on what block2 gives. It belongs between the two blocks, on what block2 gets.
# replace:
h = self.dropout(h)
# by:
# replace:
h = self.block2(h)
# by:
h = self.dropout(self.block2(h))

# %% [unet.ResnetBlock.forward] dropout of the input
# hint: Dropout acts on the block's input, and so on the residual connection too. It belongs between the two blocks.
# replace:
h = self.block1(x, (scale, shift))
# by:
x = self.dropout(x)
h = self.block1(x, (scale, shift))
# replace:
h = self.dropout(h)
# by:

# %% [unet.ResnetBlock.forward] two dimensions are missing
# hint: The mlp gives (b, 2·dim_out), so scale and shift are (b, dim_out); they need two more dimensions, of length 1,
# hint: to act on all pixels.
# replace:
scale, shift = self.mlp(context)[:, :, None, None].chunk(2, dim=1)  # (b, dim_out, 1, 1) each
# by:
scale, shift = self.mlp(context).chunk(2, dim=1)

# %% [unet.ResnetBlock.forward] the batch is cut in two
# hint: The halves are taken along the batch: half of the samples are read as scales. Scales and shifts are halves of
# hint: each sample's numbers, along the second axis.
# replace:
scale, shift = self.mlp(context)[:, :, None, None].chunk(2, dim=1)  # (b, dim_out, 1, 1) each
# by:
scale, shift = self.mlp(context)[:, :, None, None].chunk(2)

# %% [unet.ResnetBlock.forward] scales and shifts interleaved
# hint: Every second number is taken for a scale. The mlp gives all scales first, then all shifts.
# replace:
scale, shift = self.mlp(context)[:, :, None, None].chunk(2, dim=1)  # (b, dim_out, 1, 1) each
# by:
numbers = self.mlp(context)[:, :, None, None]
scale, shift = numbers[:, 0::2], numbers[:, 1::2]

# %% [unet.ResnetBlock.forward] a GELU more on the context
# hint: The context passes two GELUs: the mlp begins with its own.
# replace:
scale, shift = self.mlp(context)[:, :, None, None].chunk(2, dim=1)  # (b, dim_out, 1, 1) each
# by:
scale, shift = self.mlp(F.gelu(context))[:, :, None, None].chunk(2, dim=1)

# %% [unet.ResnetBlock.forward] the modulation is detached
# hint: The output is right, but no gradient reaches the context through scale and shift, so neither the time nor the
# hint: condition is ever learned.
# replace:
scale, shift = self.mlp(context)[:, :, None, None].chunk(2, dim=1)  # (b, dim_out, 1, 1) each
# by:
scale, shift = self.mlp(context).detach()[:, :, None, None].chunk(2, dim=1)

# %% [unet.down_blocks] one ResnetBlock a level
# hint: Each level holds three modules: two ResnetBlocks and the Downsample. One ResnetBlock is missing.
# replace:
downs.append(nn.ModuleList([block1, block2, Downsample(dim, dim_out)]))
# by:
downs.append(nn.ModuleList([block1, Downsample(dim, dim_out)]))

# %% [unet.down_blocks] no Downsample
# hint: The levels hold their two ResnetBlocks and nothing that halves the image.
# replace:
downs.append(nn.ModuleList([block1, block2, Downsample(dim, dim_out)]))
# by:
downs.append(nn.ModuleList([block1, block2]))

# %% [unet.down_blocks] the ResnetBlock changes the channels
# hint: The second ResnetBlock goes to the next level's channels. Both keep the level's own; Downsample makes the
# hint: change.
# replace:
block2 = ResnetBlock(dim, dim, context_dim)
downs.append(nn.ModuleList([block1, block2, Downsample(dim, dim_out)]))
# by:
block2 = ResnetBlock(dim, dim_out, context_dim)
downs.append(nn.ModuleList([block1, block2, Downsample(dim_out, dim_out)]))

# %% [unet.down_blocks] the first ResnetBlock changes the channels
# hint: The first ResnetBlock goes to the next level's channels already. Both keep the level's own; Downsample makes the
# hint: change.
# replace:
block1 = ResnetBlock(dim, dim, context_dim)
block2 = ResnetBlock(dim, dim, context_dim)
downs.append(nn.ModuleList([block1, block2, Downsample(dim, dim_out)]))
# by:
block1 = ResnetBlock(dim, dim_out, context_dim)
block2 = ResnetBlock(dim_out, dim_out, context_dim)
downs.append(nn.ModuleList([block1, block2, Downsample(dim_out, dim_out)]))

# %% [unet.down_blocks] Downsample keeps the channels
# hint: Downsample keeps the level's channels, so the next level would get too few: it goes to the next entry of dims.
# replace:
downs.append(nn.ModuleList([block1, block2, Downsample(dim, dim_out)]))
# by:
downs.append(nn.ModuleList([block1, block2, Downsample(dim, dim)]))

# %% [unet.down_blocks] Downsample's channels have changed places
# hint: Downsample goes from the next level's channels to this one's. It is the other way round.
# replace:
downs.append(nn.ModuleList([block1, block2, Downsample(dim, dim_out)]))
# by:
downs.append(nn.ModuleList([block1, block2, Downsample(dim_out, dim)]))

# %% [unet.down_blocks] the last level is not halved
# hint: The last level ends without a Downsample. Here every level has one, the last one too: the bottom lies below
# hint: it.
# replace:
downs.append(nn.ModuleList([block1, block2, Downsample(dim, dim_out)]))
# by:
down = nn.Conv2d(dim, dim_out, 3, padding=1) if dim_out == dims[-1] else Downsample(dim, dim_out)
downs.append(nn.ModuleList([block1, block2, down]))

# %% [unet.down_blocks] the last level holds nothing that halves
# hint: The last level has its ResnetBlocks only. Every level ends with a Downsample, the last one too: the bottom lies
# hint: below it.
# replace:
downs.append(nn.ModuleList([block1, block2, Downsample(dim, dim_out)]))
# by:
last = [] if dim_out == dims[-1] else [Downsample(dim, dim_out)]
downs.append(nn.ModuleList([block1, block2, *last]))

# %% [unet.down_blocks] a level for each entry of dims
# hint: There is one level too many: dims lists the bottom's channels too, and a level lies between two neighbours.
# replace:
for dim, dim_out in zip(dims[:-1], dims[1:]):
# by:
for dim, dim_out in zip(dims, [*dims[1:], dims[-1]]):

# %% [unet.down_blocks] a level is missing
# hint: One level is missing: each two neighbours in dims make one, the first two and the last two as well. (And the
# hint: function returns after its loop, not in it.)
# replace:
for dim, dim_out in zip(dims[:-1], dims[1:]):
# by:
for dim, dim_out in zip(dims[:-2], dims[1:]):

# %% [unet.down_blocks] from the bottom up
# hint: The levels come in the order of the way up. The way down begins at full resolution.
# replace:
for dim, dim_out in zip(dims[:-1], dims[1:]):
# by:
for dim, dim_out in reversed(list(zip(dims[:-1], dims[1:]))):

# %% [unet.down_blocks] a plain list
# hint: No parameter is seen: a plain Python list hides its modules from state_dict, from the optimizer and from
# hint: .to(device). Use nn.ModuleList, inside and outside.
# replace:
downs = nn.ModuleList()
# by:
downs = []
# replace:
downs.append(nn.ModuleList([block1, block2, Downsample(dim, dim_out)]))
# by:
downs.append([block1, block2, Downsample(dim, dim_out)])

# %% [unet.down_blocks] one flat list
# hint: All modules lie in one list. Each level needs an nn.ModuleList of its own, inside the outer one.
# replace:
downs.append(nn.ModuleList([block1, block2, Downsample(dim, dim_out)]))
# by:
downs.extend([block1, block2, Downsample(dim, dim_out)])

# %% [unet.down_blocks] the context's length is guessed
# hint: The blocks expect a context of 4·dims[0]. That is what Unet happens to use; the function is told context_dim.
# replace:
block1 = ResnetBlock(dim, dim, context_dim)
block2 = ResnetBlock(dim, dim, context_dim)
# by:
block1 = ResnetBlock(dim, dim, 4 * dims[0])
block2 = ResnetBlock(dim, dim, 4 * dims[0])

# %% [unet.down_blocks] one block object twice
# hint: A level's two ResnetBlocks are one and the same object, so they share their weights and half of the parameters
# hint: are missing. Build two.
# replace:
block2 = ResnetBlock(dim, dim, context_dim)
# by:
block2 = block1

# %% [unet.down_blocks] two levels by hand
# hint: Right for two levels, and for two only. dims may have any length: loop over its neighbours.
# replace:
for dim, dim_out in zip(dims[:-1], dims[1:]):
# by:
for dim, dim_out in [(dims[0], dims[1]), (dims[1], dims[2])]:

# %% [unet.down_blocks] Downsample first
# hint: Each level begins with its Downsample. The blocks come first, at the level's own size: what they make is kept
# hint: for the way up before the image is halved.
# replace:
downs.append(nn.ModuleList([block1, block2, Downsample(dim, dim_out)]))
# by:
downs.append(nn.ModuleList([Downsample(dim, dim_out), block1, block2]))

# %% [unet.down_blocks] Downsample first, blocks at the next level's channels
# hint: Each level begins with its Downsample, and its blocks work with the next level's channels. They come first,
# hint: with the level's own.
# replace:
block1 = ResnetBlock(dim, dim, context_dim)
block2 = ResnetBlock(dim, dim, context_dim)
downs.append(nn.ModuleList([block1, block2, Downsample(dim, dim_out)]))
# by:
block1 = ResnetBlock(dim_out, dim_out, context_dim)
block2 = ResnetBlock(dim_out, dim_out, context_dim)
downs.append(nn.ModuleList([Downsample(dim, dim_out), block1, block2]))

# %% [unet.up_blocks] channels not doubled after concatenation
# hint: The ResnetBlocks expect the level's channels only. Each gets x and a skip, concatenated: how many channels are
# hint: that?
# replace:
block1 = ResnetBlock(2 * dim, dim, context_dim)
block2 = ResnetBlock(2 * dim, dim, context_dim)
# by:
block1 = ResnetBlock(dim, dim, context_dim)
block2 = ResnetBlock(dim, dim, context_dim)

# %% [unet.up_blocks] only the first ResnetBlock takes a skip
# hint: The second ResnetBlock expects the level's channels only. The way down left two skips at each level: one for
# hint: each block.
# replace:
block2 = ResnetBlock(2 * dim, dim, context_dim)
# by:
block2 = ResnetBlock(dim, dim, context_dim)

# %% [unet.up_blocks] only the second ResnetBlock takes a skip
# hint: The first ResnetBlock expects the level's channels only. The way down left two skips at each level: one for
# hint: each block.
# replace:
block1 = ResnetBlock(2 * dim, dim, context_dim)
# by:
block1 = ResnetBlock(dim, dim, context_dim)

# %% [unet.up_blocks] in the order of the way down
# hint: The first level is the one of full resolution. The way up begins at the bottom: walk the pairs backwards.
# replace:
for dim, dim_out in reversed(list(zip(dims[:-1], dims[1:]))):
# by:
for dim, dim_out in zip(dims[:-1], dims[1:]):

# %% [unet.up_blocks] dims reversed, its neighbours not exchanged
# hint: The levels begin at the bottom, but in each pair the two numbers have changed places: after reversing dims the
# hint: lower level's channels come first.
# replace:
for dim, dim_out in reversed(list(zip(dims[:-1], dims[1:]))):
# by:
for dim, dim_out in zip(dims[::-1][:-1], dims[::-1][1:]):

# %% [unet.up_blocks] a level is missing
# hint: One level is missing: the way up has as many as the way down, back to full resolution.
# replace:
for dim, dim_out in reversed(list(zip(dims[:-1], dims[1:]))):
# by:
for dim, dim_out in reversed(list(zip(dims[1:-1], dims[2:]))):

# %% [unet.up_blocks] Upsample keeps the channels
# hint: Upsample leaves the lower level's channels as they are. It should bring them to this level's, so that x and its
# hint: skip have the same number.
# replace:
upsample = Upsample(dim_out, dim)
block1 = ResnetBlock(2 * dim, dim, context_dim)
# by:
upsample = Upsample(dim_out, dim_out)
block1 = ResnetBlock(dim_out + dim, dim, context_dim)

# %% [unet.up_blocks] Upsample keeps the channels, and the blocks do not see it
# hint: Upsample leaves the lower level's channels as they are. It should bring them to this level's.
# replace:
upsample = Upsample(dim_out, dim)
# by:
upsample = Upsample(dim_out, dim_out)

# %% [unet.up_blocks] Upsample at the level's channels
# hint: Upsample expects the level's own channels. What comes from below has the lower level's.
# replace:
upsample = Upsample(dim_out, dim)
# by:
upsample = Upsample(dim, dim)

# %% [unet.up_blocks] Upsample after the blocks
# hint: Each level ends with its Upsample. It comes first: the skips have the level's size, and x must have it before
# hint: they can be joined.
# replace:
ups.append(nn.ModuleList([upsample, block1, block2]))
# by:
ups.append(nn.ModuleList([block1, block2, upsample]))

# %% [unet.up_blocks] Downsample on the way up
# hint: Each level begins with a Downsample. The way up doubles the image.
# replace:
upsample = Upsample(dim_out, dim)
# by:
upsample = Downsample(dim_out, dim)

# %% [unet.up_blocks] the lower level's channels
# hint: The ResnetBlocks take d_out channels. Upsample has brought x to d, and the skip has d of its own. That agrees
# hint: with d_out only where the channels double from level to level.
# replace:
block1 = ResnetBlock(2 * dim, dim, context_dim)
block2 = ResnetBlock(2 * dim, dim, context_dim)
# by:
block1 = ResnetBlock(dim_out, dim, context_dim)
block2 = ResnetBlock(dim_out, dim, context_dim)

# %% [unet.up_blocks] the skip of a level below
# hint: The ResnetBlocks count the lower level's channels beside the level's own. The skip comes from the same level,
# hint: and x has been brought there by Upsample.
# replace:
block1 = ResnetBlock(2 * dim, dim, context_dim)
block2 = ResnetBlock(2 * dim, dim, context_dim)
# by:
block1 = ResnetBlock(dim + dim_out, dim, context_dim)
block2 = ResnetBlock(dim + dim_out, dim, context_dim)

# %% [unet.up_blocks] twice the lower level's channels
# hint: The ResnetBlocks take twice the lower level's channels. Upsample has brought x to this level's, and the skip is
# hint: of this level too.
# replace:
block1 = ResnetBlock(2 * dim, dim, context_dim)
block2 = ResnetBlock(2 * dim, dim, context_dim)
# by:
block1 = ResnetBlock(2 * dim_out, dim, context_dim)
block2 = ResnetBlock(2 * dim_out, dim, context_dim)

# %% [unet.up_blocks] blocks that keep the doubled channels
# hint: The blocks take as many channels as come in, which is right, and give back as many. The next skip is joined to
# hint: what they give, so they must come back to the level's own.
# replace:
block1 = ResnetBlock(2 * dim, dim, context_dim)
block2 = ResnetBlock(2 * dim, dim, context_dim)
# by:
block1 = ResnetBlock(2 * dim, 2 * dim, context_dim)
block2 = ResnetBlock(2 * dim, 2 * dim, context_dim)

# %% [unet.up_blocks] both skips at the second block
# hint: The first block gives back as many channels as it gets, and the second takes one more skip. Each block comes
# hint: back to the level's own channels.
# replace:
block1 = ResnetBlock(2 * dim, dim, context_dim)
block2 = ResnetBlock(2 * dim, dim, context_dim)
# by:
block1 = ResnetBlock(2 * dim, 2 * dim, context_dim)
block2 = ResnetBlock(3 * dim, dim, context_dim)

# %% [unet.up_blocks] one ResnetBlock a level
# hint: Each level holds three modules: the Upsample and two ResnetBlocks, one for each of the level's skips.
# replace:
ups.append(nn.ModuleList([upsample, block1, block2]))
# by:
ups.append(nn.ModuleList([upsample, block1]))

# %% [unet.up_blocks] a plain list
# hint: No parameter is seen: a plain Python list hides its modules. Use nn.ModuleList, inside and outside, as on the
# hint: way down.
# replace:
ups = nn.ModuleList()
# by:
ups = []
# replace:
ups.append(nn.ModuleList([upsample, block1, block2]))
# by:
ups.append([upsample, block1, block2])

# %% [unet.up_blocks] one flat list
# hint: All modules lie in one list. Each level needs an nn.ModuleList of its own, inside the outer one.
# replace:
ups.append(nn.ModuleList([upsample, block1, block2]))
# by:
ups.extend([upsample, block1, block2])

# %% [unet.up_blocks] one block object twice
# hint: A level's two ResnetBlocks are one and the same object, so they share their weights. Build two.
# replace:
block2 = ResnetBlock(2 * dim, dim, context_dim)
# by:
block2 = block1

# %% [unet.up_blocks] two levels by hand
# hint: Right for two levels, and for two only. dims may have any length: loop over its neighbours, from the bottom up.
# replace:
for dim, dim_out in reversed(list(zip(dims[:-1], dims[1:]))):
# by:
for dim, dim_out in [(dims[1], dims[2]), (dims[0], dims[1])]:

# %% [unet.up_blocks] Upsample's channels have changed places
# hint: Upsample goes from the level's channels to the lower level's. On the way up it is the other way round: what
# hint: comes from below has more.
# replace:
upsample = Upsample(dim_out, dim)
# by:
upsample = Upsample(dim, dim_out)

# %% [unet.up_blocks] nearest neighbours
# hint: The image is doubled by repeating pixels. The given Upsample interpolates, and the weights behind it expect
# hint: that.
# replace:
upsample = Upsample(dim_out, dim)
# by:
upsample = nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv2d(dim_out, dim, 3, padding=1))

# %% [unet.up_blocks] a transposed convolution
# hint: A transposed convolution doubles the image, as in older UNets; it draws checkerboards. Use the given Upsample.
# replace:
upsample = Upsample(dim_out, dim)
# by:
upsample = nn.ConvTranspose2d(dim_out, dim, 2, stride=2)

# %% [unet.drop_condition] the wrong rows are dropped
# hint: Kept and dropped have changed places: a row is kept where u is at least prob.
# replace:
keep = (u >= prob).to(text_emb.dtype)
# by:
keep = (u < prob).to(text_emb.dtype)

# %% [unet.drop_condition] u equal to prob is dropped
# hint: Only a u equal to prob differs: keep where u ≥ prob. With prob = 0 nothing may be dropped, and torch.rand does
# hint: return 0.
# replace:
keep = (u >= prob).to(text_emb.dtype)
# by:
keep = (u > prob).to(text_emb.dtype)

# %% [unet.drop_condition] the wrong rows, and the equal one
# hint: Kept and dropped have changed places, also where u equals prob: a row is kept where u is at least prob.
# replace:
keep = (u >= prob).to(text_emb.dtype)
# by:
keep = (u <= prob).to(text_emb.dtype)

# %% [unet.drop_condition] the comparison is mirrored
# hint: The share of dropped rows is right, but they are other rows: a row is kept where u ≥ prob, not where u < 1 −
# hint: prob.
# replace:
keep = (u >= prob).to(text_emb.dtype)
# by:
keep = (u < 1 - prob).to(text_emb.dtype)

# %% [unet.drop_condition] the share that is kept
# hint: prob is taken for the share to keep. It is the share to drop: with prob = 0 every row stays.
# replace:
keep = (u >= prob).to(text_emb.dtype)
# by:
keep = (u >= 1 - prob).to(text_emb.dtype)

# %% [unet.drop_condition] the fate of the first row
# hint: All rows share the fate of the first. Each sample has its own u, so that every batch holds both kinds.
# replace:
keep = (u >= prob).to(text_emb.dtype)
return text_emb * keep[:, None]
# by:
keep = (u[0] >= prob).to(text_emb.dtype)
return text_emb * keep

# %% [unet.drop_condition] all rows or none, by the mean
# hint: One decision is made for the whole batch, from the mean of u. Each sample has its own u.
# replace:
keep = (u >= prob).to(text_emb.dtype)
return text_emb * keep[:, None]
# by:
return text_emb if u.mean() >= prob else torch.zeros_like(text_emb)

# %% [unet.drop_condition] the kept rows are rescaled
# hint: The kept rows are divided by 1 − prob, as dropout does. A condition is not a noisy activation: it is there or
# hint: not, and its size is part of its meaning.
# replace:
return text_emb * keep[:, None]
# by:
return text_emb * keep[:, None] / max(1 - prob, 1e-9)

# %% [unet.drop_condition] rescaled, and NaN at prob = 1
# hint: The kept rows are divided by 1 − prob, which is what dropout does, and at prob = 1 that is 0/0. A condition is
# hint: there or it is not: leave the kept rows as they are.
# replace:
return text_emb * keep[:, None]
# by:
return text_emb * keep[:, None] / (1 - prob)

# %% [unet.drop_condition] rescaled by a number that is divided by zero
# hint: The kept rows are rescaled, as dropout does, and at prob = 1 Python divides by zero. Leave the kept rows as they
# hint: are.
# replace:
return text_emb * keep[:, None]
# by:
return text_emb * keep[:, None] * (1 / (1 - prob))

# %% [unet.drop_condition] multiplied by u
# hint: The rows are multiplied by u itself. u only decides: a row stays as it is, or becomes zero.
# replace:
return text_emb * keep[:, None]
# by:
return text_emb * (keep * u)[:, None]

# %% [unet.drop_condition] the mask is returned
# hint: What comes back is the mask. Multiply the rows by it.
# replace:
return text_emb * keep[:, None]
# by:
return keep

# %% [unet.drop_condition] the dropped rows are removed
# hint: The dropped rows are gone, and the batch is shorter than the images'. They stay in their place, as zeros.
# replace:
return text_emb * keep[:, None]
# by:
return text_emb[keep.bool()]

# %% [unet.drop_condition] NaN for zero
# hint: The dropped rows become NaN. "No condition" is a row of zeros, which condition_mlp can read.
# replace:
return text_emb * keep[:, None]
# by:
return torch.where(keep[:, None] > 0, text_emb, torch.nan)

# %% [unet.drop_condition] ones for zeros
# hint: The dropped rows become ones. "No condition" is a row of zeros.
# replace:
return text_emb * keep[:, None]
# by:
return torch.where(keep[:, None] > 0, text_emb, 1.0)

# %% [unet.drop_condition] the caller's rows are overwritten
# hint: The result is right, but the caller's text_emb has zero rows too, and the next epoch never sees those
# hint: conditions again. Return a new tensor.
# replace:
keep = (u >= prob).to(text_emb.dtype)
return text_emb * keep[:, None]
# by:
with torch.no_grad():
    text_emb[u < prob] = 0.0
return text_emb

# %% [unet.drop_condition] written in place
# hint: The caller's own tensor is overwritten, and autograd refuses where it needs a gradient. Multiply, and return a
# hint: new tensor.
# replace:
keep = (u >= prob).to(text_emb.dtype)
return text_emb * keep[:, None]
# by:
text_emb[u < prob] = 0.0
return text_emb

# %% [unet.drop_condition] a dimension is missing
# hint: The mask is (b,), the rows are (b, condition_dim): the mask needs a second dimension, so that each of its
# hint: entries acts on a whole row.
# replace:
return text_emb * keep[:, None]
# by:
return text_emb * keep

# %% [unet.drop_condition] dice of its own
# hint: The rows that go missing have nothing to do with u. The dice have been thrown already: u holds one number for
# hint: each row.
# replace:
keep = (u >= prob).to(text_emb.dtype)
# by:
keep = (torch.rand(len(text_emb)) >= prob).to(text_emb.dtype)

# %% [unet.drop_condition] dropout of single entries
# hint: Single entries are set to zero, by new dice. A condition goes as a whole row, where its own u says so.
# replace:
keep = (u >= prob).to(text_emb.dtype)
return text_emb * keep[:, None]
# by:
return F.dropout(text_emb, prob)

# %% [unet.drop_condition] the gradient is cut
# hint: The rows are right, but no gradient flows back to text_emb: a table of embeddings could never be learned.
# replace:
return text_emb * keep[:, None]
# by:
return text_emb.detach() * keep[:, None]

# %% [unet.forward] skips taken in the wrong order
# hint: The skips come first in, first out. The way up begins at the bottom: it needs the newest skip first.
# replace:
x = block1(torch.cat([x, skips.pop()], dim=1), context)
x = block2(torch.cat([x, skips.pop()], dim=1), context)
# by:
x = block1(torch.cat([x, skips.pop(0)], dim=1), context)
x = block2(torch.cat([x, skips.pop(0)], dim=1), context)

# %% [unet.forward] the two skips of a level have changed places
# hint: Each level gets its own two skips, but in the order of the way down. Going up, the skip saved last is the
# hint: first to be used.
# replace:
x = block1(torch.cat([x, skips.pop()], dim=1), context)
# by:
x = block1(torch.cat([x, skips.pop(-2)], dim=1), context)

# %% [unet.forward] one skip a level
# hint: A level's skip is saved once and used twice. Save one after each of the two ResnetBlocks.
# replace:
x = block1(x, context)
skips.append(x)
x = block2(x, context)
# by:
x = block2(block1(x, context), context)
# replace:
x = block1(torch.cat([x, skips.pop()], dim=1), context)
# by:
x = block1(torch.cat([x, skips[-1]], dim=1), context)

# %% [unet.forward] too few skips are saved
# hint: The list of skips runs empty: each level saves one, and the way up takes two. Save one after each of the two
# hint: ResnetBlocks.
# replace:
x = block1(x, context)
skips.append(x)
x = block2(x, context)
# by:
x = block2(block1(x, context), context)

# %% [unet.forward] the first block's output twice
# hint: Both skips of a level are what its first block made. Save one after each of the two blocks.
# replace:
skips.append(x)
x = block2(x, context)
skips.append(x)
# by:
skips.extend([x, x])
x = block2(x, context)

# %% [unet.forward] skips saved after the Downsample
# hint: Each level's second skip is saved after Downsample, so it has the next level's size. Save after each
# hint: ResnetBlock, before the image is halved.
# replace:
x = block2(x, context)
skips.append(x)
x = downsample(x)
# by:
x = downsample(block2(x, context))
skips.append(x)

# %% [unet.forward] skip first
# hint: The skip stands before x. Concatenation knows no order of its own, but trained weights do: x comes first.
# replace:
x = block1(torch.cat([x, skips.pop()], dim=1), context)
x = block2(torch.cat([x, skips.pop()], dim=1), context)
# by:
x = block1(torch.cat([skips.pop(), x], dim=1), context)
x = block2(torch.cat([skips.pop(), x], dim=1), context)

# %% [unet.forward] skips are added
# hint: A block of the way up gets half of the channels that it expects. The skip is concatenated to x, neither added nor
# hint: left out.
# replace:
x = block1(torch.cat([x, skips.pop()], dim=1), context)
x = block2(torch.cat([x, skips.pop()], dim=1), context)
# by:
x = block1(x + skips.pop(), context)
x = block2(x + skips.pop(), context)

# %% [unet.forward] joined along the batch
# hint: x and the skip are joined along the batch, torch.cat's own choice. They are joined along the channels.
# replace:
x = block1(torch.cat([x, skips.pop()], dim=1), context)
x = block2(torch.cat([x, skips.pop()], dim=1), context)
# by:
x = block1(torch.cat([x, skips.pop()]), context)
x = block2(torch.cat([x, skips.pop()]), context)

# %% [unet.forward] joined along the width
# hint: x and the skip are joined along the last axis, the width. They are joined along the channels.
# replace:
x = block1(torch.cat([x, skips.pop()], dim=1), context)
x = block2(torch.cat([x, skips.pop()], dim=1), context)
# by:
x = block1(torch.cat([x, skips.pop()], dim=-1), context)
x = block2(torch.cat([x, skips.pop()], dim=-1), context)

# %% [unet.forward] joined before the Upsample
# hint: The skip is joined before the image is doubled. Upsample first: then x has the size and the channels of the
# hint: skip.
# replace:
x = upsample(x)
x = block1(torch.cat([x, skips.pop()], dim=1), context)
# by:
x = upsample(torch.cat([x, skips.pop()], dim=1))
x = block1(x, context)

# %% [unet.forward] the second block of the way up without a skip
# hint: The second block of the way up gets x alone, half of the channels that it expects. Each of the two takes a skip.
# replace:
x = block2(torch.cat([x, skips.pop()], dim=1), context)
# by:
x = block2(x, context)

# %% [unet.forward] the newest skip is read, never taken
# hint: The same skip is used again and again: skips[-1] reads the newest and leaves it there. Take it off the list.
# replace:
x = block1(torch.cat([x, skips.pop()], dim=1), context)
x = block2(torch.cat([x, skips.pop()], dim=1), context)
# by:
x = block1(torch.cat([x, skips[-1]], dim=1), context)
x = block2(torch.cat([x, skips[-1]], dim=1), context)

# %% [unet.forward] skips saved before each block
# hint: The skips are kept before each block. Keep what the block has made of x: after it.
# replace:
x = block1(x, context)
skips.append(x)
x = block2(x, context)
skips.append(x)
# by:
skips.append(x)
x = block1(x, context)
skips.append(x)
x = block2(x, context)

# %% [unet.forward] skips are detached
# hint: The output is right, but no gradient flows back through the skips. They are the short way for the gradient as
# hint: well: keep them as they are.
# replace:
x = block1(x, context)
skips.append(x)
x = block2(x, context)
skips.append(x)
# by:
x = block1(x, context)
skips.append(x.detach())
x = block2(x, context)
skips.append(x.detach())

# %% [unet.forward] the second block hears what the first did
# hint: On the way down block2 gets the level's input, not what block1 made of it. One follows the other.
# replace:
x = block1(x, context)
skips.append(x)
# by:
skips.append(block1(x, context))

# %% [unet.forward] the image goes into the context's place
# hint: A block takes the image first, then the context; here they have changed places.
# replace:
x = block1(x, context)
# by:
x = block1(context, x)

# %% [unet.forward] the blocks hear the time alone
# hint: The blocks of the way down get the time's embedding without the condition. Every block gets the whole context.
# replace:
x = block1(x, context)
skips.append(x)
x = block2(x, context)
skips.append(x)
# by:
x = block1(x, self.time_mlp(time))
skips.append(x)
x = block2(x, self.time_mlp(time))
skips.append(x)

# %% [unet.forward] blocks without the context
# hint: A block is called with the image alone. Every ResnetBlock takes the context as well.
# replace:
x = block1(x, context)
# by:
x = block1(x)

# %% [unet.forward] no Downsample
# hint: The way down never halves the image: downsample is not called.
# replace:
x = downsample(x)
# by:

# %% [unet.forward] no Upsample
# hint: The way up never doubles the image: upsample is not called.
# replace:
x = upsample(x)
# by:

# %% [unet.forward] the condition is left out of the context
# hint: text_emb has no effect. The context is the sum of time_mlp(time) and condition_mlp(text_emb).
# replace:
context = self.time_mlp(time) + self.condition_mlp(text_emb)  # (b, 4·dim)
# by:
context = self.time_mlp(time)

# %% [unet.forward] the time is left out of the context
# hint: The time has no effect: time_mlp(time) is missing from the context, so the network does not know how much noise
# hint: there is.
# replace:
context = self.time_mlp(time) + self.condition_mlp(text_emb)  # (b, 4·dim)
# by:
context = self.condition_mlp(text_emb)

# %% [unet.forward] time times condition
# hint: The context is the product of time and condition. It is their sum: a condition of zero must not silence the
# hint: time.
# replace:
context = self.time_mlp(time) + self.condition_mlp(text_emb)  # (b, 4·dim)
# by:
context = self.time_mlp(time) * self.condition_mlp(text_emb)

# %% [unet.forward] time and condition joined
# hint: Time and condition are put side by side, so the context is twice as long as the blocks expect. They are added.
# replace:
context = self.time_mlp(time) + self.condition_mlp(text_emb)  # (b, 4·dim)
# by:
context = torch.cat([self.time_mlp(time), self.condition_mlp(text_emb)], dim=-1)

# %% [unet.forward] the condition without its mlp
# hint: text_emb is added as it is, in another length than the time's. It passes condition_mlp first.
# replace:
context = self.time_mlp(time) + self.condition_mlp(text_emb)  # (b, 4·dim)
# by:
context = self.time_mlp(time) + text_emb

# %% [unet.forward] the time without its mlp
# hint: The bare time is added to the condition. It passes time_mlp first.
# replace:
context = self.time_mlp(time) + self.condition_mlp(text_emb)  # (b, 4·dim)
# by:
context = time[:, None] + self.condition_mlp(text_emb)

# %% [unet.forward] the mask multiplies the time as well
# hint: Dropping a condition drops the time with it: the mask multiplies the whole context. Only text_emb may lose
# hint: rows, before condition_mlp.
# replace:
if self.training:
    u = torch.rand(x.shape[0], device=x.device)
    text_emb = drop_condition(text_emb, self.uncond_prob, u)
context = self.time_mlp(time) + self.condition_mlp(text_emb)  # (b, 4·dim)
# by:
context = self.time_mlp(time) + self.condition_mlp(text_emb)
if self.training:
    context = drop_condition(context, self.uncond_prob, torch.rand(x.shape[0], device=x.device))

# %% [unet.forward] dropped after condition_mlp
# hint: The rows are set to zero after condition_mlp. They should be zero before it, so that "no condition" has a
# hint: learned answer, the same as for text_emb = None.
# replace:
if self.training:
    u = torch.rand(x.shape[0], device=x.device)
    text_emb = drop_condition(text_emb, self.uncond_prob, u)
context = self.time_mlp(time) + self.condition_mlp(text_emb)  # (b, 4·dim)
# by:
cond = self.condition_mlp(text_emb)
if self.training:
    cond = drop_condition(cond, self.uncond_prob, torch.rand(x.shape[0], device=x.device))
context = self.time_mlp(time) + cond

# %% [unet.forward] conditions dropped in eval mode
# hint: Conditions are dropped in eval mode too: at every call one row in five, at random, so each sample forgets its
# hint: label in one sampling step of five. Ask for the mode first.
# replace:
if self.training:
# by:
if True:

# %% [unet.forward] conditions dropped in eval mode only
# hint: Conditions are dropped in eval mode and kept in training. It is the other way round.
# replace:
if self.training:
# by:
if not self.training:

# %% [unet.forward] conditions never dropped
# hint: In train mode every condition stays, so the network never learns what to do without one, and guidance in
# hint: notebook 07 has nothing to compare with. Drop some while training.
# replace:
if self.training:
# by:
if False:

# %% [unet.forward] drop_condition asked for as a method
# hint: drop_condition is a function of its own, not a method: call it by its name alone.
# replace:
text_emb = drop_condition(text_emb, self.uncond_prob, u)
# by:
text_emb = self.drop_condition(text_emb, self.uncond_prob, u)

# %% [unet.forward] one throw for the whole batch
# hint: In train mode all samples of a batch keep their condition, or all lose it. Throw one random number for each
# hint: sample.
# replace:
u = torch.rand(x.shape[0], device=x.device)
# by:
u = torch.rand(1, device=x.device)

# %% [unet.forward] a throw for each entry
# hint: drop_condition wants one random number for each sample, (b,); it got one for each entry of text_emb.
# replace:
u = torch.rand(x.shape[0], device=x.device)
# by:
u = torch.rand_like(text_emb)

# %% [unet.forward] a single number
# hint: drop_condition got one plain number. It wants one for each sample, (b,).
# replace:
u = torch.rand(x.shape[0], device=x.device)
# by:
u = torch.rand(())

# %% [unet.forward] normal numbers
# hint: The wrong share is dropped: uncond_prob is compared with numbers that are not uniform in [0, 1), but normal.
# replace:
u = torch.rand(x.shape[0], device=x.device)
# by:
u = torch.randn(x.shape[0], device=x.device)

# %% [unet.forward] single entries are dropped
# hint: F.dropout sets single entries of text_emb to zero and rescales the others. A condition goes as a whole row or
# hint: stays as it is: drop_condition.
# replace:
if self.training:
    u = torch.rand(x.shape[0], device=x.device)
    text_emb = drop_condition(text_emb, self.uncond_prob, u)
# by:
text_emb = F.dropout(text_emb, self.uncond_prob, self.training)

# %% [unet.forward] the caller's dict is changed
# hint: The result is right, but text_emb is gone from the caller's model_kwargs afterwards: the next of 200 sampling
# hint: steps would run without it. Read the dict, never write to it.
# replace:
if self.training:
# by:
model_kwargs.pop("text_emb", None)
if self.training:

# %% [unet.forward] model_kwargs is written to in training
# hint: In train mode model_kwargs is written to. Without an argument it is the default {}, one dict for all calls, so
# hint: the next call finds this one's condition in it. Keep the rows in a variable of your own.
# replace:
text_emb = drop_condition(text_emb, self.uncond_prob, u)
# by:
text_emb = model_kwargs["text_emb"] = drop_condition(text_emb, self.uncond_prob, u)

# %% [unet.forward] model_kwargs asked for text_emb once more
# hint: Right with a condition. Without one model_kwargs has no "text_emb", and asking for it raises KeyError: the given
# hint: lines have put zeros into text_emb for that case.
# replace:
if self.training:
# by:
text_emb = model_kwargs["text_emb"]
if self.training:

# %% [unet.forward] one middle block
# hint: The bottom runs through one block only. There are two, one after the other: mid_block1, then mid_block2.
# replace:
x = self.mid_block2(self.mid_block1(x, context), context)
# by:
x = self.mid_block1(x, context)

# %% [unet.forward] only the second middle block
# hint: The bottom runs through mid_block2 only. There are two blocks: mid_block1, then mid_block2.
# replace:
x = self.mid_block2(self.mid_block1(x, context), context)
# by:
x = self.mid_block2(x, context)

# %% [unet.forward] the middle blocks have changed places
# hint: The bottom runs through mid_block2 first. The shapes agree, a checkpoint's weights do not: mid_block1, then
# hint: mid_block2.
# replace:
x = self.mid_block2(self.mid_block1(x, context), context)
# by:
x = self.mid_block1(self.mid_block2(x, context), context)

# %% [unet.forward] the first middle block twice
# hint: The bottom runs through mid_block1 twice. There are two blocks with weights of their own: mid_block1, then
# hint: mid_block2.
# replace:
x = self.mid_block2(self.mid_block1(x, context), context)
# by:
x = self.mid_block1(self.mid_block1(x, context), context)

# %% [unet.forward] no middle blocks
# hint: The way up begins right after the way down: the bottom's two blocks never run.
# replace:
x = self.mid_block2(self.mid_block1(x, context), context)
# by:

# %% [unet.forward] two levels only
# hint: Right for two levels only. Walk through all of self.downs and self.ups.
# replace:
for block1, block2, downsample in self.downs:
# by:
for block1, block2, downsample in self.downs[:2]:
# replace:
for upsample, block1, block2 in self.ups:
# by:
for upsample, block1, block2 in self.ups[:2]:

# %% [unet.forward] the way up reversed once more
# hint: The levels of self.ups are walked from the top. They are stored in the order in which you need them, bottom
# hint: first.
# replace:
for upsample, block1, block2 in self.ups:
# by:
for upsample, block1, block2 in reversed(self.ups):

# %% [unet.forward] no last convolution
# hint: The answer still has the network's channels: final_conv never runs.
# replace:
return self.final_conv(x)
# by:
return x

# %% [unet.forward] the input is added at the end
# hint: The noisy image is added to the answer. The last convolution's output is the prediction itself.
# replace:
x, skips = self.init_conv(x), []
# by:
noisy, x, skips = x, self.init_conv(x), []
# replace:
return self.final_conv(x)
# by:
return self.final_conv(x) + noisy

# %% [unet.forward] nothing is returned
# hint: The function ends without a return, so it gives None.
# replace:
return self.final_conv(x)
# by:
x = self.final_conv(x)

# %% [unet.ema_update] the decay reversed
# hint: The two weights have changed places: the average forgets all but the last step. The past keeps the share decay,
# hint: which is close to 1.
# replace:
averaged.mul_(decay).add_(trained, alpha=1 - decay)
# by:
averaged.mul_(1 - decay).add_(trained, alpha=decay)

# %% [unet.ema_update] the weights do not sum to 1
# hint: The past is multiplied by decay, but the model's weights come in whole: the average grows without end. All
# hint: weights must sum to 1.
# replace:
averaged.mul_(decay).add_(trained, alpha=1 - decay)
# by:
averaged.mul_(decay).add_(trained)

# %% [unet.ema_update] the past does not fall
# hint: The model is added with a small share, but the past keeps all of its weight, so the average grows. Each step the
# hint: past falls by the factor decay.
# replace:
averaged.mul_(decay).add_(trained, alpha=1 - decay)
# by:
averaged.add_(trained, alpha=1 - decay)

# %% [unet.ema_update] the new weights fall at once
# hint: The newest weights are multiplied by decay too. Only what was in the average before falls in this step.
# replace:
averaged.mul_(decay).add_(trained, alpha=1 - decay)
# by:
averaged.add_(trained, alpha=1 - decay).mul_(decay)

# %% [unet.ema_update] away from the model
# hint: The average moves away from the model: the sign of the difference is reversed.
# replace:
averaged.mul_(decay).add_(trained, alpha=1 - decay)
# by:
averaged.add_(averaged - trained, alpha=1 - decay)

# %% [unet.ema_update] a step of length decay times the difference
# hint: A share of the average itself is counted twice. Write down the two weights: do they sum to 1?
# replace:
averaged.mul_(decay).add_(trained, alpha=1 - decay)
# by:
averaged.add_(trained - decay * averaged, alpha=1 - decay)

# %% [unet.ema_update] half and half
# hint: The decay is not used: past and present get one half each.
# replace:
averaged.mul_(decay).add_(trained, alpha=1 - decay)
# by:
averaged.add_(trained).div_(2)

# %% [unet.ema_update] a copy of the model
# hint: The average is the model itself: nothing of the past is left. Only buffers are copied.
# replace:
averaged.mul_(decay).add_(trained, alpha=1 - decay)
# by:
averaged.copy_(trained)

# %% [unet.ema_update] the root of the decay
# hint: The past falls by the square of decay, as if the step were made twice.
# replace:
averaged.mul_(decay).add_(trained, alpha=1 - decay)
# by:
averaged.mul_(decay**2).add_(trained, alpha=1 - decay**2)

# %% [unet.ema_update] a new tensor under the same name
# hint: Nothing has changed: `averaged = …` gives the name to a new tensor, and the network keeps its old one. Write
# hint: into the tensor.
# replace:
averaged.mul_(decay).add_(trained, alpha=1 - decay)
# by:
averaged = decay * averaged + (1 - decay) * trained

# %% [unet.ema_update] methods that do not write
# hint: Neither weights nor buffers have changed: mul, add and copies without an underscore return new tensors, and
# hint: `p = …` only gives a name to another one. Write into the average's own.
# replace:
averaged.mul_(decay).add_(trained, alpha=1 - decay)
# by:
averaged.mul(decay).add(trained, alpha=1 - decay)
# replace:
averaged.copy_(trained)
# by:
averaged = trained.clone()

# %% [unet.ema_update] the model written instead of the average
# hint: The model's weights have changed, and training would go on from them. Write into the average; the model is only
# hint: read.
# replace:
averaged.mul_(decay).add_(trained, alpha=1 - decay)
# by:
trained.copy_(decay * averaged + (1 - decay) * trained)

# %% [unet.ema_update] the two networks have changed places
# hint: The model is averaged, with the average's weights. The first argument is the average, which is written to.
# replace:
for averaged, trained in zip(ema.parameters(), model.parameters()):
# by:
for trained, averaged in zip(ema.parameters(), model.parameters()):

# %% [unet.ema_update] both are written
# hint: The average is right, but the model got it as well: training would go on from the average. The model is only
# hint: read.
# replace:
averaged.mul_(decay).add_(trained, alpha=1 - decay)
# by:
averaged.mul_(decay).add_(trained, alpha=1 - decay)
trained.copy_(averaged)

# %% [unet.ema_update] buffers forgotten
# hint: The weights are averaged, but the buffers stay as they were at the start, BatchNorm's statistics among them.
# hint: They are copied.
# replace:
averaged.copy_(trained)
# by:
pass

# %% [unet.ema_update] buffers averaged
# hint: The buffers are averaged like weights. They are copied as they are: some of them are counts, and an average of
# hint: counts is no count.
# replace:
averaged.copy_(trained)
# by:
averaged.copy_(decay * averaged + (1 - decay) * trained)

# %% [unet.ema_update] floating buffers averaged, the others copied
# hint: Weights and counts are right. The buffers of floating numbers are averaged, though; they are copied as well.
# replace:
averaged.copy_(trained)
# by:
averaged.copy_(decay * averaged + (1 - decay) * trained if averaged.is_floating_point() else trained)

# %% [unet.ema_update] floating buffers averaged, the others forgotten
# hint: Only what is a floating number is touched, and the buffers among it are averaged. Buffers of every dtype are
# hint: copied.
# replace:
averaged.copy_(trained)
# by:
averaged.copy_(decay * averaged + (1 - decay) * trained if averaged.is_floating_point() else averaged)

# %% [unet.ema_update] whole numbers forgotten
# hint: The buffers of whole numbers are left as they were: BatchNorm counts its batches. Copy buffers of every dtype.
# replace:
averaged.copy_(trained)
# by:
averaged.copy_(trained if averaged.is_floating_point() else averaged)

# %% [unet.ema_update] whole numbers averaged in place
# hint: A buffer holds whole numbers, and torch refuses to multiply them by a fraction in place. Buffers are copied, not
# hint: averaged.
# replace:
averaged.copy_(trained)
# by:
averaged.mul_(decay).add_(trained, alpha=1 - decay)

# %% [unet.ema_update] buffers shared with the model
# hint: The buffers are right now, but they are the model's own tensors: as it goes on, the average's change too. Copy
# hint: the values.
# replace:
averaged.copy_(trained)
# by:
averaged.data = trained.data

# %% [unet.ema_update] a graph is asked for
# hint: Averaging is no part of any graph. Switch the recording of gradients off around it.
# replace:
with torch.no_grad():
# by:
if True:

# %% [unet.ema_update] the average joins the graph
# hint: The numbers are right, but with a frozen average torch has recorded the step: its weights hang on the model's
# hint: graph, which grows with every step. Switch the recording of gradients off.
# replace:
with torch.no_grad():
# by:
with torch.set_grad_enabled(not any(p.requires_grad for p in ema.parameters())):

# %% [unet.ema_update] a frozen average is left alone
# hint: Right while the average's weights ask for gradients, but they need not: an average is usually frozen, and is
# hint: updated all the same.
# replace:
averaged.mul_(decay).add_(trained, alpha=1 - decay)
# by:
averaged.mul_(decay if averaged.requires_grad else 1).add_(trained, alpha=(1 - decay) * averaged.requires_grad)

# %% [unet.SinusoidalPosEmb] frequencies in even steps
# hint: The frequencies run from 1 to 1/10,000 in steps of equal length. In (1) each is the one before times the same
# hint: factor: the exponents have equal steps.
# replace:
frequencies = torch.exp(-math.log(10_000) * exponents)
# by:
frequencies = torch.linspace(1, 1e-4, half, device=t.device)

# %% [unet.SinusoidalPosEmb] divided by the frequencies
# hint: The time is divided by the frequencies, so the waves get faster from entry to entry. It is multiplied by them.
# replace:
angles = t[:, None] * frequencies  # (b, dim // 2)
# by:
angles = t[:, None] / frequencies

# %% [unet.SinusoidalPosEmb] a power without its minus
# hint: The frequencies are powers of 10,000 that grow. They should fall from 1 to 1/10,000: the exponent is negative.
# replace:
frequencies = torch.exp(-math.log(10_000) * exponents)
# by:
frequencies = 10_000**exponents

# %% [unet.SinusoidalPosEmb] rows and columns exchanged
# hint: The result is transposed: each column is a time. Each row should be one, (b, dim).
# replace:
return torch.cat([angles.sin(), angles.cos()], dim=-1)
# by:
return torch.cat([angles.sin(), angles.cos()], dim=-1).T

# %% [unet.RMSNorm] over all values
# hint: One size is computed for all images together, so they change each other. In (2) each pixel has its own.
# replace:
return F.normalize(x, dim=1) * math.sqrt(x.shape[1]) * self.g
# by:
return x / (x.square().mean() + 1e-12).sqrt() * self.g

# %% [unet.RMSNorm] a layer norm over the image
# hint: Mean and size are taken over channels, height and width. RMSNorm subtracts no mean, and each pixel has its own
# hint: size.
# replace:
return F.normalize(x, dim=1) * math.sqrt(x.shape[1]) * self.g
# by:
return F.layer_norm(x, x.shape[1:]) * self.g

# %% [unet.RMSNorm] an instance norm
# hint: Each channel is normed over the image, its mean subtracted. RMSNorm norms each pixel over its channels.
# replace:
return F.normalize(x, dim=1) * math.sqrt(x.shape[1]) * self.g
# by:
return F.instance_norm(x) * self.g

# %% [unet.RMSNorm] a batch norm
# hint: Each channel is normed over all images, its mean subtracted. RMSNorm norms each pixel over its channels.
# replace:
return F.normalize(x, dim=1) * math.sqrt(x.shape[1]) * self.g
# by:
return F.batch_norm(x, None, None, training=True) * self.g

# %% [unet.RMSNorm] divided by the square of the length
# hint: x is divided by the square of its length. Doubled inputs must give the same output: divide by the length.
# replace:
return F.normalize(x, dim=1) * math.sqrt(x.shape[1]) * self.g
# by:
return x / (x.square().sum(dim=1, keepdim=True) + 1e-12) * math.sqrt(x.shape[1]) * self.g

# %% [unet.ResnetBlock.forward] x is overwritten before the residual
# hint: The residual connection carries a block's output: x was overwritten on the way. Keep the input under its own
# hint: name.
# replace:
h = self.block1(x, (scale, shift))
# by:
h = x = self.block1(x, (scale, shift))

# %% [unet.ResnetBlock.forward] the input added after each block
# hint: The input is added after block1 as well. There is one residual connection, around both blocks.
# replace:
h = self.block1(x, (scale, shift))
# by:
h = self.block1(x, (scale, shift)) + self.res_conv(x)

# %% [unet.ResnetBlock.forward] the input added between the blocks
# hint: The input is added between the two blocks. The residual connection leads around both.
# replace:
h = self.block1(x, (scale, shift))
# by:
h = self.block1(x, (scale, shift)) + self.res_conv(x)
# replace:
return h + self.res_conv(x)
# by:
return h

# %% [unet.ResnetBlock.forward] the blocks have changed places
# hint: block2 runs first. block1 takes the input and the context, block2 follows.
# replace:
h = self.block1(x, (scale, shift))
# by:
h = self.block2(x, (scale, shift))
# replace:
h = self.block2(h)
# by:
h = self.block1(h)

# %% [unet.ResnetBlock.forward] the context itself
# hint: block1 gets the context as it is. self.mlp makes the scales and the shifts of it.
# replace:
h = self.block1(x, (scale, shift))
# by:
h = self.block1(x, context)

# %% [unet.ResnetBlock.forward] scales and shifts in one tensor
# hint: block1 gets one tensor with all 2·dim_out numbers. It wants a pair: the scales, and the shifts.
# replace:
h = self.block1(x, (scale, shift))
# by:
h = self.block1(x, torch.cat([scale, shift], dim=1))

# %% [unet.ResnetBlock.forward] block1 twice
# hint: block1 runs twice and block2 never. They have weights of their own.
# replace:
h = self.block2(h)
# by:
h = self.block1(h) if x.shape == h.shape else self.block2(h)

# %% [unet.down_blocks] blocks and Downsample on one level of lists
# hint: Blocks and Downsamples follow each other in one list, so there are too many levels. The two blocks and the
# hint: Downsample of a level belong together.
# replace:
downs.append(nn.ModuleList([block1, block2, Downsample(dim, dim_out)]))
# by:
downs.append(nn.Sequential(block1, block2))
downs.append(Downsample(dim, dim_out))

# %% [unet.down_blocks] past the end of dims
# hint: The loop reaches past the end of dims: there is one level fewer than there are entries.
# replace:
for dim, dim_out in zip(dims[:-1], dims[1:]):
# by:
for dim, dim_out in ((dims[i], dims[i + 1]) for i in range(len(dims))):

# %% [unet.down_blocks] the context in the place of the channels
# hint: ResnetBlock's arguments have changed places: channels in, channels out, then the length of the context.
# replace:
block1 = ResnetBlock(dim, dim, context_dim)
block2 = ResnetBlock(dim, dim, context_dim)
# by:
block1 = ResnetBlock(dim, context_dim, dim)
block2 = ResnetBlock(dim, context_dim, dim)

# %% [unet.down_blocks] three ResnetBlocks
# hint: Each level holds two ResnetBlocks; here it has three.
# replace:
downs.append(nn.ModuleList([block1, block2, Downsample(dim, dim_out)]))
# by:
downs.append(nn.ModuleList([block1, block2, ResnetBlock(dim, dim, context_dim), Downsample(dim, dim_out)]))

# %% [unet.down_blocks] Downsample between the blocks
# hint: Downsample stands between the two blocks. Both work at the level's own size; Downsample comes last.
# replace:
downs.append(nn.ModuleList([block1, block2, Downsample(dim, dim_out)]))
# by:
downs.append(nn.ModuleList([block1, Downsample(dim, dim_out), block2]))

# %% [unet.down_blocks] a larger convolution with stride 2
# hint: The image is halved by a 3×3 convolution. The given Downsample has a 2×2 one.
# replace:
downs.append(nn.ModuleList([block1, block2, Downsample(dim, dim_out)]))
# by:
downs.append(nn.ModuleList([block1, block2, nn.Conv2d(dim, dim_out, 3, stride=2, padding=1)]))

# %% [unet.down_blocks] Upsample on the way down
# hint: Each level ends with an Upsample. The way down halves the image.
# replace:
downs.append(nn.ModuleList([block1, block2, Downsample(dim, dim_out)]))
# by:
downs.append(nn.ModuleList([block1, block2, Upsample(dim, dim_out)]))

# %% [unet.up_blocks] the lower level's channels joined, then none
# hint: The first block counts the lower level's channels beside its own, the second no skip at all. Upsample has brought
# hint: x to this level's channels, and each block takes a skip.
# replace:
block1 = ResnetBlock(2 * dim, dim, context_dim)
block2 = ResnetBlock(2 * dim, dim, context_dim)
# by:
block1 = ResnetBlock(dim + dim_out, dim, context_dim)
block2 = ResnetBlock(dim, dim, context_dim)

# %% [unet.up_blocks] the lower level's channels joined once
# hint: The first block counts the lower level's channels beside its own. Upsample has brought x to this level's already.
# replace:
block1 = ResnetBlock(2 * dim, dim, context_dim)
# by:
block1 = ResnetBlock(dim + dim_out, dim, context_dim)

# %% [unet.up_blocks] both skips at the first block
# hint: The first block takes both skips at once. The level left two, one for each block.
# replace:
block1 = ResnetBlock(2 * dim, dim, context_dim)
block2 = ResnetBlock(2 * dim, dim, context_dim)
# by:
block1 = ResnetBlock(3 * dim, dim, context_dim)
block2 = ResnetBlock(dim, dim, context_dim)

# %% [unet.up_blocks] Upsample keeps the channels, a block reduces them
# hint: Upsample leaves the lower level's channels as they are and a block brings them down. Upsample should do it, so
# hint: that x and its skip have the same number.
# replace:
upsample = Upsample(dim_out, dim)
block1 = ResnetBlock(2 * dim, dim, context_dim)
# by:
upsample = Upsample(dim_out, dim_out)
block1 = ResnetBlock(2 * dim_out, dim, context_dim)

# %% [unet.up_blocks] no skip is counted, the first block reduces the channels
# hint: The first block goes from the lower level's channels to this one's, which is Upsample's work, and no skip is
# hint: counted. What does torch.cat do to the channels?
# replace:
block1 = ResnetBlock(2 * dim, dim, context_dim)
block2 = ResnetBlock(2 * dim, dim, context_dim)
# by:
block1 = ResnetBlock(dim_out, dim, context_dim)
block2 = ResnetBlock(dim, dim, context_dim)

# %% [unet.up_blocks] the context in the place of the channels
# hint: ResnetBlock's arguments have changed places: channels in, channels out, then the length of the context.
# replace:
block1 = ResnetBlock(2 * dim, dim, context_dim)
block2 = ResnetBlock(2 * dim, dim, context_dim)
# by:
block1 = ResnetBlock(2 * dim, context_dim, dim)
block2 = ResnetBlock(2 * dim, context_dim, dim)

# %% [unet.up_blocks] channels in and out have changed places
# hint: A block takes the level's channels and gives back more. The concatenation stands before it: it takes more, and
# hint: gives back the level's own.
# replace:
block1 = ResnetBlock(2 * dim, dim, context_dim)
block2 = ResnetBlock(2 * dim, dim, context_dim)
# by:
block1 = ResnetBlock(dim, 2 * dim, context_dim)
block2 = ResnetBlock(dim, 2 * dim, context_dim)

# %% [unet.up_blocks] the context's length is guessed
# hint: The blocks expect a context of 4·dims[0]. That is what Unet happens to use; the function is told context_dim.
# replace:
block1 = ResnetBlock(2 * dim, dim, context_dim)
block2 = ResnetBlock(2 * dim, dim, context_dim)
# by:
block1 = ResnetBlock(2 * dim, dim, 4 * dims[0])
block2 = ResnetBlock(2 * dim, dim, 4 * dims[0])

# %% [unet.up_blocks] Upsample between the blocks
# hint: Upsample stands between the two blocks. It comes first: both skips have the level's own size.
# replace:
ups.append(nn.ModuleList([upsample, block1, block2]))
# by:
ups.append(nn.ModuleList([block1, upsample, block2]))

# %% [unet.drop_condition] one half for prob
# hint: u is compared with one half, whatever prob says.
# replace:
keep = (u >= prob).to(text_emb.dtype)
# by:
keep = (u >= 0.5).to(text_emb.dtype)

# %% [unet.drop_condition] prob multiplies the rows
# hint: Every row is scaled by 1 − prob. That is the mean of what dropping does: here each row stays whole or goes.
# replace:
keep = (u >= prob).to(text_emb.dtype)
return text_emb * keep[:, None]
# by:
return text_emb * (1 - prob)

# %% [unet.drop_condition] nothing is dropped
# hint: Nothing is dropped: the rows come back as they were given.
# replace:
return text_emb * keep[:, None]
# by:
return text_emb.clone()

# %% [unet.forward] the share that is kept
# hint: The share to keep is handed on as the share to drop: with uncond_prob = 1 everything should go.
# replace:
text_emb = drop_condition(text_emb, self.uncond_prob, u)
# by:
text_emb = drop_condition(text_emb, 1 - self.uncond_prob, u)

# %% [unet.forward] the bottom hears the time alone
# hint: The middle blocks get the time without the condition. Every block gets the whole context.
# replace:
x = self.mid_block2(self.mid_block1(x, context), context)
# by:
x = self.mid_block2(self.mid_block1(x, self.time_mlp(time)), self.time_mlp(time))

# %% [unet.forward] the way up hears the time alone
# hint: The blocks of the way up get the time without the condition. Every block gets the whole context.
# replace:
x = block1(torch.cat([x, skips.pop()], dim=1), context)
x = block2(torch.cat([x, skips.pop()], dim=1), context)
# by:
x = block1(torch.cat([x, skips.pop()], dim=1), self.time_mlp(time))
x = block2(torch.cat([x, skips.pop()], dim=1), self.time_mlp(time))

# %% [unet.forward] Upsample after the blocks
# hint: The image is doubled after the level's blocks. It must have the size of the skips before they are joined.
# replace:
x = upsample(x)
x = block1(torch.cat([x, skips.pop()], dim=1), context)
x = block2(torch.cat([x, skips.pop()], dim=1), context)
# by:
x = block1(torch.cat([x, skips.pop()], dim=1), context)
x = block2(torch.cat([x, skips.pop()], dim=1), context)
x = upsample(x)

# %% [unet.forward] Downsample before the blocks
# hint: The image is halved before the level's blocks. They come first, at the level's own size.
# replace:
x = block1(x, context)
skips.append(x)
x = block2(x, context)
skips.append(x)
x = downsample(x)
# by:
x = downsample(x)
x = block1(x, context)
skips.append(x)
x = block2(x, context)
skips.append(x)

# %% [unet.forward] Downsample between the blocks
# hint: The image is halved between the level's two blocks. Both come first, at the level's own size.
# replace:
x = block2(x, context)
skips.append(x)
x = downsample(x)
# by:
x = downsample(x)
x = block2(x, context)
skips.append(x)

# %% [unet.forward] the list of skips begins anew at each level
# hint: The list of skips is emptied at every level, so only the last level's are left. Make it once, before the loop.
# replace:
for block1, block2, downsample in self.downs:
# by:
for block1, block2, downsample in self.downs:
    skips = []

# %% [unet.forward] x joined with itself
# hint: x is joined with itself. The second half of a block's input is the skip.
# replace:
x = block1(torch.cat([x, skips.pop()], dim=1), context)
x = block2(torch.cat([x, skips.pop()], dim=1), context)
# by:
x = block1(torch.cat([x, x], dim=1), context)
x = block2(torch.cat([x, x], dim=1), context)

# %% [unet.forward] a GELU at the end
# hint: The answer passes an activation. Noise has both signs and any size: final_conv's output is the prediction.
# replace:
return self.final_conv(x)
# by:
return F.gelu(self.final_conv(x))

# %% [unet.forward] no first convolution
# hint: The image goes into the first block as it is. init_conv brings it to the network's channels first.
# replace:
x, skips = self.init_conv(x), []
# by:
skips = []

# %% [unet.SinusoidalPosEmb] frequencies of whole numbers
# hint: Right for floating times, but for whole ones all frequencies except the first are 0: they were cast to t's
# hint: integer dtype. Frequencies are floating numbers.
# replace:
frequencies = torch.exp(-math.log(10_000) * exponents)
# by:
frequencies = torch.exp(-math.log(10_000) * exponents).to(t)

# %% [unet.SinusoidalPosEmb] the answer of whole numbers
# hint: Sines and cosines are cut to −1, 0 and 1: the answer was cast to t's dtype. It is floating, whatever t is.
# replace:
return torch.cat([angles.sin(), angles.cos()], dim=-1)
# by:
return torch.cat([angles.sin(), angles.cos()], dim=-1).to(t.dtype)

# %% [unet.SinusoidalPosEmb] the time divided by the largest
# hint: The times are divided by the largest of the batch, so a sample's embedding depends on its neighbours. In (1) t
# hint: stands as it is.
# replace:
angles = t[:, None] * frequencies  # (b, dim // 2)
# by:
angles = (t / t.max())[:, None] * frequencies

# %% [unet.SinusoidalPosEmb] the time in shares of a chain
# hint: The time is divided first, so that even the fastest hand hardly moves. In (1) t stands as it is.
# replace:
angles = t[:, None] * frequencies  # (b, dim // 2)
# by:
angles = (t / 1000)[:, None] * frequencies

# %% [unet.SinusoidalPosEmb] the exponent in whole numbers
# hint: The whole exponent is rounded down: // divides without the rest. (1) has an ordinary division.
# replace:
frequencies = torch.exp(-math.log(10_000) * exponents)
# by:
frequencies = torch.exp(-(math.log(10_000) * torch.arange(half, device=t.device) // max(half - 1, 1)))

# %% [unet.SinusoidalPosEmb] the minus before the whole division
# hint: The exponent is rounded down to a whole number, further from 0: // divides without the rest. (1) has an
# hint: ordinary division.
# replace:
frequencies = torch.exp(-math.log(10_000) * exponents)
# by:
frequencies = torch.exp(-math.log(10_000) * torch.arange(half, device=t.device) // max(half - 1, 1))

# %% [unet.SinusoidalPosEmb] i / (h − 1) in whole numbers
# hint: All frequencies but the last are 1: i // (h − 1) is 0 until the end. (1) has an ordinary division.
# replace:
exponents = torch.arange(half, device=t.device) / max(half - 1, 1)
# by:
exponents = torch.arange(half, device=t.device) // max(half - 1, 1)

# %% [unet.SinusoidalPosEmb] frequencies on the CPU
# hint: torch.arange, without a device, makes its tensor on the CPU; with t on a GPU the multiplication would stop
# hint: there.
# replace:
exponents = torch.arange(half, device=t.device) / max(half - 1, 1)
# by:
exponents = torch.arange(half) / max(half - 1, 1)

# %% [unet.RMSNorm] x is overwritten
# hint: x is divided in place, by /= or a method with an underscore, and whoever gave it still needs it as it was. Give
# hint: the result a name of its own.
# replace:
return F.normalize(x, dim=1) * math.sqrt(x.shape[1]) * self.g
# by:
x /= x.norm(dim=1, keepdim=True).clamp_min(1e-12)
return x * math.sqrt(x.shape[1]) * self.g

# %% [unet.RMSNorm] torch.where around all of it
# hint: Right forward, but g's gradient is NaN: torch.where hides 0/0 from the answer, not from the gradient, where 0
# hint: times NaN is NaN. Keep the length itself from being 0.
# replace:
return F.normalize(x, dim=1) * math.sqrt(x.shape[1]) * self.g
# by:
n = x.norm(dim=1, keepdim=True)
return torch.where(n == 0, torch.zeros_like(x), x / n * math.sqrt(x.shape[1]) * self.g)

# %% [unet.RMSNorm] lengths of 0 are overwritten
# hint: Lengths of 0 are overwritten in place, but the gradient of the length needs them as they were, so autograd
# hint: stops. A new tensor does it, or an epsilon.
# replace:
return F.normalize(x, dim=1) * math.sqrt(x.shape[1]) * self.g
# by:
n = x.norm(dim=1, keepdim=True)
n[n == 0] = 1
return x / n * math.sqrt(x.shape[1]) * self.g

# %% [unet.RMSNorm] the root of the width
# hint: The factor is the root of the width, x.shape[-1]. C is the number of channels, the second axis.
# replace:
return F.normalize(x, dim=1) * math.sqrt(x.shape[1]) * self.g
# by:
return F.normalize(x, dim=1) * math.sqrt(x.shape[-1]) * self.g

# %% [unet.RMSNorm] the root of the batch
# hint: The factor is the root of the number of images, x.shape[0] or len(x). C is the number of channels, the second
# hint: axis.
# replace:
return F.normalize(x, dim=1) * math.sqrt(x.shape[1]) * self.g
# by:
return F.normalize(x, dim=1) * math.sqrt(x.shape[0]) * self.g

# %% [unet.RMSNorm] an epsilon of a thousandth
# hint: The epsilon, about 1e-3, is too large: small pixels come out too short, in the third digit. It only has to keep
# hint: a pixel of zeros from 0/0.
# replace:
return F.normalize(x, dim=1) * math.sqrt(x.shape[1]) * self.g
# by:
return x * torch.rsqrt(x.square().mean(dim=1, keepdim=True) + 1e-3) * self.g

# %% [unet.RMSNorm] an epsilon of a ten-thousandth
# hint: The epsilon, about 1e-4, can still be seen in the fourth digit. It only has to keep a pixel of zeros from 0/0;
# hint: float32 allows a far smaller one.
# replace:
return F.normalize(x, dim=1) * math.sqrt(x.shape[1]) * self.g
# by:
return x * torch.rsqrt(x.square().mean(dim=1, keepdim=True) + 1e-4) * self.g

# %% [unet.RMSNorm] no graph
# hint: The answer is computed without a graph, under no_grad or detached, so nothing before it can learn.
# replace:
return F.normalize(x, dim=1) * math.sqrt(x.shape[1]) * self.g
# by:
return (F.normalize(x, dim=1) * math.sqrt(x.shape[1]) * self.g).detach()

# %% [unet.ResnetBlock.forward] dropout that never rests
# hint: F.dropout drops in eval mode too, unless it is told the mode: every sample would be another one. self.dropout
# hint: knows the mode and the rate.
# replace:
h = self.dropout(h)
# by:
h = F.dropout(h, 0.1)

# %% [unet.ResnetBlock.forward] dropout with a rate of its own
# hint: The place and the mode are right, but the rate is typed in. self.dropout holds it; whoever sets
# hint: self.dropout.p later expects it to act.
# replace:
h = self.dropout(h)
# by:
h = F.dropout(h, 0.1, self.training)

# %% [unet.ResnetBlock.forward] the result is added into x
# hint: The sum is written into x itself, which is the caller's where the channels stay the same. Make a new tensor.
# replace:
return h + self.res_conv(x)
# by:
x = self.res_conv(x)
x += h
return x

# %% [unet.down_blocks] the channels always double
# hint: Downsample doubles the channels, whatever dims says. It goes to the next entry of dims, which may be any number.
# replace:
downs.append(nn.ModuleList([block1, block2, Downsample(dim, dim_out)]))
# by:
downs.append(nn.ModuleList([block1, block2, Downsample(dim, 2 * dim)]))

# %% [unet.down_blocks] a context of four times the level's channels
# hint: The blocks expect a context of four times their own channels. It is one context for all levels: its length is
# hint: context_dim.
# replace:
block1 = ResnetBlock(dim, dim, context_dim)
block2 = ResnetBlock(dim, dim, context_dim)
# by:
block1 = ResnetBlock(dim, dim, 4 * dim)
block2 = ResnetBlock(dim, dim, 4 * dim)

# %% [unet.down_blocks] a context of four times context_dim
# hint: The blocks expect a context four times as long as context_dim. The factor 4 is in it already.
# replace:
block1 = ResnetBlock(dim, dim, context_dim)
block2 = ResnetBlock(dim, dim, context_dim)
# by:
block1 = ResnetBlock(dim, dim, 4 * context_dim)
block2 = ResnetBlock(dim, dim, 4 * context_dim)

# %% [unet.up_blocks] the lowest level is missing
# hint: The level at the bottom is missing, where the lowest box is doubled for the first time. Each two neighbours in
# hint: dims make one, the last two as well.
# replace:
for dim, dim_out in reversed(list(zip(dims[:-1], dims[1:]))):
# by:
for dim, dim_out in reversed(list(zip(dims[:-2], dims[1:-1]))):

# %% [unet.up_blocks] the first block keeps the doubled channels
# hint: The first block gives back as many channels as it gets. The second gets its answer with a skip joined to it, so
# hint: each must come back to the level's own.
# replace:
block1 = ResnetBlock(2 * dim, dim, context_dim)
# by:
block1 = ResnetBlock(2 * dim, 2 * dim, context_dim)

# %% [unet.up_blocks] the second block takes three times the channels
# hint: The second block counts a box too many: the first has brought its two down to the level's channels, and one
# hint: skip is joined to that.
# replace:
block2 = ResnetBlock(2 * dim, dim, context_dim)
# by:
block2 = ResnetBlock(3 * dim, dim, context_dim)

# %% [unet.up_blocks] Upsample expects twice the channels
# hint: Upsample expects twice the level's channels. What comes from below has the next entry of dims, which may be any
# hint: number.
# replace:
upsample = Upsample(dim_out, dim)
# by:
upsample = Upsample(2 * dim, dim)

# %% [unet.up_blocks] a context of four times the level's channels
# hint: The blocks expect a context of four times their own channels. It is one context for all levels: its length is
# hint: context_dim.
# replace:
block1 = ResnetBlock(2 * dim, dim, context_dim)
block2 = ResnetBlock(2 * dim, dim, context_dim)
# by:
block1 = ResnetBlock(2 * dim, dim, 4 * dim)
block2 = ResnetBlock(2 * dim, dim, 4 * dim)

# %% [unet.drop_condition] as many rows as prob says
# hint: A fixed number of rows goes, prob times the batch, those with the smallest u. Each row is judged alone, by its
# hint: own u; how many go is left to chance.
# replace:
keep = (u >= prob).to(text_emb.dtype)
# by:
keep = (u.argsort().argsort() >= int(prob * len(u))).to(text_emb.dtype)

# %% [unet.forward] without a condition the time alone
# hint: Right with a condition. Without one, condition_mlp is left out; but it has a learned answer for the zero row,
# hint: which the network expects then.
# replace:
context = self.time_mlp(time) + self.condition_mlp(text_emb)  # (b, 4·dim)
# by:
context = self.time_mlp(time)
if model_kwargs.get("text_emb") is not None:
    context = context + self.condition_mlp(text_emb)

# %% [unet.forward] zero rows leave out condition_mlp
# hint: Where all rows are zero condition_mlp is left out. Zeros are its word for no condition: it has a learned answer
# hint: to them.
# replace:
context = self.time_mlp(time) + self.condition_mlp(text_emb)  # (b, 4·dim)
# by:
context = self.time_mlp(time)
if text_emb.any():
    context = context + self.condition_mlp(text_emb)

# %% [unet.forward] the time in shares of the chain
# hint: The time is divided before time_mlp. Its embedding was made for the steps 0 to 199 as they are.
# replace:
context = self.time_mlp(time) + self.condition_mlp(text_emb)  # (b, 4·dim)
# by:
context = self.time_mlp(time / 200) + self.condition_mlp(text_emb)

# %% [unet.forward] one in five, typed in
# hint: Conditions go missing, but always one in five. The share is self.uncond_prob, which may be another one.
# replace:
text_emb = drop_condition(text_emb, self.uncond_prob, u)
# by:
text_emb = drop_condition(text_emb, 0.2, u)

# %% [unet.forward] a skip that is added and joined
# hint: The second half of what is joined is x plus the skip. It is the skip as it was kept.
# replace:
x = block1(torch.cat([x, skips.pop()], dim=1), context)
x = block2(torch.cat([x, skips.pop()], dim=1), context)
# by:
x = block1(torch.cat([x, x + skips.pop()], dim=1), context)
x = block2(torch.cat([x, x + skips.pop()], dim=1), context)

# %% [unet.forward] one skip that is added and joined
# hint: The second half of what the first block gets is x plus the skip. It is the skip as it was kept.
# replace:
x = block1(torch.cat([x, skips.pop()], dim=1), context)
# by:
x = block1(torch.cat([x, x + skips.pop()], dim=1), context)

# %% [unet.forward] dice on the CPU
# hint: torch.rand, without a device, throws its dice on the CPU; with x on a GPU the comparison would stop there.
# replace:
u = torch.rand(x.shape[0], device=x.device)
# by:
u = torch.rand(x.shape[0])

# %% [unet.RMSNorm] the standard deviation of a pixel's channels, its mean left in
# hint: Each pixel is divided by the standard deviation of its channels. That one is measured from their mean; (2) measures
# hint: from zero.
# replace:
return F.normalize(x, dim=1) * math.sqrt(x.shape[1]) * self.g
# by:
return x / (x.std(dim=1, keepdim=True, unbiased=False) + 1e-8) * self.g

# %% [unet.up_blocks] dims turned round, and paired with dims
# hint: Only one of the two lists is turned round, so a level is joined to one that is no neighbour. List the pairs of the
# hint: way down first, and walk them backwards.
# replace:
for dim, dim_out in reversed(list(zip(dims[:-1], dims[1:]))):
# by:
for dim_out, dim in zip(dims[::-1], dims[1:]):
