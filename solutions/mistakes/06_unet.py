# ---- unet.SinusoidalPosEmb -------------------------------------------------------------------------------------------

# %% [unet.SinusoidalPosEmb] as many frequencies as entries
# hint: The result is twice as long as dim: there are dim // 2 frequencies, since each gives two entries.
# edit: self.dim // 2 → self.dim

# %% [unet.SinusoidalPosEmb] the last frequency is not 1/10,000
# hint: The frequencies fall too slowly: the last should be 1/10,000. How many steps lie between h frequencies?
# edit: max(half - 1, 1) → half

# %% [unet.SinusoidalPosEmb] the frequencies count from 1
# hint: The first frequency is not 1: i counts from 0, so the fastest wave has ω = 1 and the last 1/10,000.
# edit: half, device → 1, half + 1, device

# %% [unet.SinusoidalPosEmb] every second exponent, as in the Transformer
# hint: The exponents are those of the Transformer, 2i/dim. In (1) the last one is exactly 1, so i is divided by h − 1.
# edit: torch.arange(half, → torch.arange(0, self.dim, 2,
# edit: max(half - 1, 1) → max(self.dim - 1, 1)

# %% [unet.SinusoidalPosEmb] a division by zero at dim = 2
# hint: Right but for a single frequency (dim = 2), where the denominator is 0: that is what the max in (1) is for.
# edit: max(half - 1, 1) → (half - 1)

# %% [unet.SinusoidalPosEmb] a number divided by zero at dim = 2
# hint: Right but for a single frequency (dim = 2), where Python divides by 0: that is what the max in (1) is for.
# edit: torch.arange(half, device=t.device) / max(half - 1, 1) → torch.arange(half, device=t.device) * (1 / (half - 1))

# %% [unet.SinusoidalPosEmb] i / (h − 1) in whole numbers
# hint: All frequencies but the last are 1: i // (h − 1) is 0 until the end. (1) has an ordinary division.
# edit: torch.arange(half, device=t.device) / max(half - 1, 1) → torch.arange(half, device=t.device) // max(half - 1, 1)

# %% [unet.SinusoidalPosEmb] frequencies on the CPU
# hint: torch.arange, without a device, makes its tensor on the CPU; with t on a GPU the product would stop there.
# edit: half, device=t.device → half

# %% [unet.SinusoidalPosEmb] the minus in the exponent
# hint: The frequencies grow from 1 to 10,000. They should fall: look at the sign of the exponent in (1).
# edit: -math.log(10_000) → math.log(10_000)

# %% [unet.SinusoidalPosEmb] log10 in place of ln
# hint: The last frequency is far too large: log10 stands where (1) has the natural logarithm, math.log.
# edit: math.log(10_000) → math.log10(10_000)

# %% [unet.SinusoidalPosEmb] no logarithm
# hint: All frequencies but the first are 0: exp(−10,000·…) underflows. The exponent in (1) has ln 10⁴, not 10⁴.
# edit: math.log(10_000) → 10_000

# %% [unet.SinusoidalPosEmb] frequencies in even steps
# hint: The frequencies run from 1 to 1/10,000 in steps of equal length. In (1) each is the one before times the same
# hint: factor: the exponents have equal steps.
# edit: torch.exp(-math.log(10_000) * exponents) → torch.linspace(1, 1e-4, half, device=t.device)

# %% [unet.SinusoidalPosEmb] a power without its minus
# hint: The frequencies are powers of 10,000 that grow. They should fall from 1 to 1/10,000: the exponent is negative.
# edit: torch.exp(-math.log(10_000) * exponents) → 10_000**exponents

# %% [unet.SinusoidalPosEmb] frequencies of whole numbers
# hint: Right for floating times: for whole ones the frequencies were cast to t's dtype, and all but the first are 0.
# edit: torch.exp(-math.log(10_000) * exponents) → torch.exp(-math.log(10_000) * exponents).to(t)

# %% [unet.SinusoidalPosEmb] the exponent in whole numbers
# hint: The whole exponent is rounded down: // divides without the rest. (1) has an ordinary division.
# edit: math.log(10_000) * exponents → (math.log(10_000) * torch.arange(half, device=t.device) // max(half - 1, 1))

# %% [unet.SinusoidalPosEmb] times 2π
# hint: The angles are 2π times too large: in (1) the time is multiplied by ω alone.
# edit: t[:, None] → 2 * math.pi * t[:, None]

# %% [unet.SinusoidalPosEmb] no axis for the frequencies
# hint: t is (b,), the frequencies are (dim // 2,): torch pairs them one by one or cannot pair them at all. Every time
# hint: meets every frequency: give t an axis more.
# edit: t[:, None] → t

# %% [unet.SinusoidalPosEmb] frequencies down, times across
# hint: The angles are transposed: rows are frequencies. Each sample of the batch is a row, each frequency a column.
# edit: t[:, None] * frequencies → t[None, :] * frequencies[:, None]

# %% [unet.SinusoidalPosEmb] divided by the frequencies
# hint: The time is divided by the frequencies, so the waves get faster from entry to entry. It is multiplied by them.
# edit: t[:, None] * frequencies → t[:, None] / frequencies

# %% [unet.SinusoidalPosEmb] the time in shares of a chain
# hint: The time is divided first, so that even the fastest hand hardly moves. In (1) t stands as it is.
# edit: t[:, None] → (t / 1000)[:, None]

# %% [unet.SinusoidalPosEmb] sines only
# hint: The second half repeats the sines. One wave alone cannot say whether it rises or falls: each needs its cosine.
# edit: angles.cos() → angles.sin()

# %% [unet.SinusoidalPosEmb] cosines first
# hint: The two halves have changed places. At t = 0 the embedding should begin with zeros and end with ones.
# edit: angles.sin(), angles.cos() → angles.cos(), angles.sin()

# %% [unet.SinusoidalPosEmb] sines and cosines interleaved
# hint: Sines and cosines alternate, as in the original Transformer. Here all sines come first, then all cosines; the
# hint: checkpoint's first layer expects that order.
# edit: torch.cat([angles.sin(), angles.cos()], dim=-1) → torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(1)

# %% [unet.SinusoidalPosEmb] sines alone, half as long
# hint: Half of the entries are missing. Each frequency needs a sine and a cosine.
# edit: torch.cat([angles.sin(), angles.cos()], dim=-1) → angles.sin()

# %% [unet.SinusoidalPosEmb] sines and cosines one below the other
# hint: The cosines are joined along the batch, as more samples. They belong behind the sines of the same row.
# edit: dim=-1 → dim=0

# %% [unet.SinusoidalPosEmb] sines and cosines stacked
# hint: The result has three axes: sines and cosines lie on an axis of their own. They should stand in one row.
# edit: torch.cat([angles.sin(), angles.cos()], dim=-1) → torch.stack([angles.sin(), angles.cos()], dim=-1)

# %% [unet.SinusoidalPosEmb] rows and columns exchanged
# hint: The result is transposed: each column is a time. Each row should be one, (b, dim).
# edit: torch.cat([angles.sin(), angles.cos()], dim=-1) → torch.cat([angles.sin(), angles.cos()], dim=-1).T

# %% [unet.SinusoidalPosEmb] the answer of whole numbers
# hint: Sines and cosines are cut to −1, 0 and 1: the answer was cast to t's dtype. It is floating, whatever t is.
# edit: torch.cat([angles.sin(), angles.cos()], dim=-1) → torch.cat([angles.sin(), angles.cos()], dim=-1).to(t.dtype)

# ---- unet.RMSNorm ----------------------------------------------------------------------------------------------------

# %% [unet.RMSNorm] the root of C is missing
# hint: Every pixel's vector has length 1, so its entries shrink as channels are added. Which factor in (2) brings the
# hint: root mean square to 1?
# edit: math.sqrt(x.shape[1]) * self.g → self.g

# %% [unet.RMSNorm] times C
# hint: Each pixel's vector has the length C in place of √C: a root mean square of 1 over C entries makes a sum of
# hint: squares of C, and the length is its root.
# edit: math.sqrt(x.shape[1]) → x.shape[1]

# %% [unet.RMSNorm] divided by the root of C
# hint: The root of C divides where it should multiply: the root mean square becomes 1/C.
# edit: F.normalize(x, dim=1) * math.sqrt(x.shape[1]) → F.normalize(x, dim=1) / math.sqrt(x.shape[1])

# %% [unet.RMSNorm] over channels, height and width
# hint: One length is computed for the whole image. Each pixel has its own vector of C channels and its own length.
# edit: F.normalize(x, dim=1) * math.sqrt(x.shape[1]) → x / (x.square().mean((1, 2, 3), keepdim=True) + 1e-12).sqrt()

# %% [unet.RMSNorm] one length for the whole image, with √C
# hint: The length is that of the whole image, so one corner changes the other. In (2) each pixel has its own.
# edit: dim=1 → dim=(1, 2, 3)

# %% [unet.RMSNorm] over height and width
# hint: Each channel is divided by its size over the image. The length in (2) is taken over the channels of one pixel.
# edit: F.normalize(x, dim=1) * math.sqrt(x.shape[1]) → x / (x.square().mean((2, 3), keepdim=True) + 1e-12).sqrt()

# %% [unet.RMSNorm] over the width
# hint: Each row of the image is normed along its width, the last axis. The channels are the second of (b, C, h, w).
# edit: dim=1 → dim=-1

# %% [unet.RMSNorm] a root mean square over the width
# hint: The mean runs along the width, the last axis, so neighbours in a row change each other. Take the channels.
# edit: F.normalize(x, dim=1) * math.sqrt(x.shape[1]) → x / (x.square().mean(-1, keepdim=True) + 1e-12).sqrt()

# %% [unet.RMSNorm] over the batch
# hint: The length is taken over the batch, the first axis, so images change each other. The channels are the second.
# edit: dim=1 → dim=0

# %% [unet.RMSNorm] the mean is subtracted
# hint: This is a layer norm: it subtracts the mean over the channels first. RMSNorm leaves the mean alone.
# edit: normalize(x, dim=1) → normalize(x - x.mean(dim=1, keepdim=True), dim=1)

# %% [unet.RMSNorm] the standard deviation
# hint: x is divided by its standard deviation, which is measured from the mean. (2) measures from zero.
# edit: F.normalize(x, dim=1) * math.sqrt(x.shape[1]) → x / (x.std(dim=1, keepdim=True) + 1e-12)

# %% [unet.RMSNorm] the mean square without its root
# hint: x is divided by the mean square. Take its root: doubled inputs must give the same output.
# edit: F.normalize(x, dim=1) * math.sqrt(x.shape[1]) → x / (x.square().mean(dim=1, keepdim=True) + 1e-12)

# %% [unet.RMSNorm] the gain is left out
# hint: self.g does not act. It starts at 1, so a fresh network hides this; a trained one does not.
# edit: math.sqrt(x.shape[1]) * self.g → math.sqrt(x.shape[1])

# %% [unet.RMSNorm] one plus the gain
# hint: The gain is g + 1, as in the modulation of the next section. In (2) it is g itself.
# edit: self.g → (1 + self.g)

# %% [unet.RMSNorm] the gain before the length
# hint: The gain multiplies x before its length is taken, so it changes the length too. It comes last.
# edit: F.normalize(x, dim=1) * math.sqrt(x.shape[1]) * self.g → F.normalize(x * self.g, dim=1) * math.sqrt(x.shape[1])

# %% [unet.RMSNorm] 0/0 at an empty pixel
# hint: A pixel of zeros becomes NaN, and one NaN is in every weight after the next step. Keep the length away from 0.
# edit: F.normalize(x, dim=1) → x / x.norm(dim=1, keepdim=True)

# %% [unet.RMSNorm] NaN in the gradient of an empty pixel
# hint: Right forward, but NaN backward where a pixel is zero in all channels: the square root of 0 has an infinite
# hint: slope, and infinity times 0 is NaN. Repairing the output does not help: put the epsilon inside the root.
# edit: F.normalize(x, dim=1) * math.sqrt(x.shape[1]) → x / ((x**2).mean(1, keepdim=True).sqrt() + 1e-8)

# %% [unet.RMSNorm] the length is detached
# hint: The output is right, but the length counts as a constant in the gradient. It depends on x, too.
# edit: F.normalize(x, dim=1) → x / x.detach().norm(dim=1, keepdim=True).clamp_min(1e-12)

# %% [unet.RMSNorm] no keepdim
# hint: The length has lost the axis of the channels, (b, h, w), so torch cannot line it up with (b, C, h, w).
# edit: F.normalize(x, dim=1) * math.sqrt(x.shape[1]) → x / (x.square().mean(dim=1) + 1e-12).sqrt()

# %% [unet.RMSNorm] over all values
# hint: One size is computed for all images together, so they change each other. In (2) each pixel has its own.
# edit: F.normalize(x, dim=1) * math.sqrt(x.shape[1]) → x / (x.square().mean() + 1e-12).sqrt()

# %% [unet.RMSNorm] a layer norm over the image
# hint: Mean and size of the whole image are taken. RMSNorm subtracts no mean, and each pixel has its own size.
# edit: F.normalize(x, dim=1) * math.sqrt(x.shape[1]) → F.layer_norm(x, x.shape[1:])

# %% [unet.RMSNorm] an instance norm
# hint: Each channel is normed over the image, its mean subtracted. RMSNorm norms each pixel over its channels.
# edit: F.normalize(x, dim=1) * math.sqrt(x.shape[1]) → F.instance_norm(x)

# %% [unet.RMSNorm] a batch norm
# hint: Each channel is normed over all images, its mean subtracted. RMSNorm norms each pixel over its channels.
# edit: F.normalize(x, dim=1) * math.sqrt(x.shape[1]) → F.batch_norm(x, None, None, training=True)

# %% [unet.RMSNorm] divided by the square of the length
# hint: x is divided by the square of its length. Doubled inputs must give the same output: divide by the length.
# edit: F.normalize(x, dim=1) → x / (x.square().sum(dim=1, keepdim=True) + 1e-12)

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
# edit: x.shape[1] → x.shape[-1]

# %% [unet.RMSNorm] an epsilon of a thousandth
# hint: The epsilon, about 1e-3, is too large: small pixels come out too short, in the third digit. It only has to keep
# hint: a pixel of zeros from 0/0.
# edit: F.normalize(x, dim=1) * math.sqrt(x.shape[1]) → x * torch.rsqrt(x.square().mean(dim=1, keepdim=True) + 1e-3)

# %% [unet.RMSNorm] an epsilon of a ten-thousandth
# hint: The epsilon, about 1e-4, can still be seen in the fourth digit. It only has to keep a pixel of zeros from 0/0;
# hint: float32 allows a far smaller one.
# edit: F.normalize(x, dim=1) * math.sqrt(x.shape[1]) → x * torch.rsqrt(x.square().mean(dim=1, keepdim=True) + 1e-4)

# %% [unet.RMSNorm] the standard deviation of a pixel's channels, its mean left in
# hint: The channels' standard deviation is taken, which is measured from their mean. (2) measures from zero.
# edit: F.normalize(x, dim=1) * math.sqrt(x.shape[1]) → x / (x.std(dim=1, keepdim=True, unbiased=False) + 1e-8)

# ---- unet.ResnetBlock.forward ----------------------------------------------------------------------------------------

# %% [unet.ResnetBlock.forward] two dimensions are missing
# hint: Scale and shift are (b, dim_out): they need two more dimensions, of length 1, to act on all pixels.
# edit: self.mlp(context)[:, :, None, None].chunk(2, dim=1) → self.mlp(context).chunk(2, dim=1)

# %% [unet.ResnetBlock.forward] the batch is cut in two
# hint: The batch is cut in two: half of the samples are read as scales. Each sample has both, along the second axis.
# edit: self.mlp(context)[:, :, None, None].chunk(2, dim=1) → self.mlp(context)[:, :, None, None].chunk(2)

# %% [unet.ResnetBlock.forward] scales and shifts interleaved
# hint: Every second number is taken for a scale. The mlp gives all scales first, then all shifts.
# replace:
scale, shift = self.mlp(context)[:, :, None, None].chunk(2, dim=1)  # (b, dim_out, 1, 1) each
# by:
numbers = self.mlp(context)[:, :, None, None]
scale, shift = numbers[:, 0::2], numbers[:, 1::2]

# %% [unet.ResnetBlock.forward] a GELU more on the context
# hint: The context passes two GELUs: the mlp begins with its own.
# edit: context → F.gelu(context)

# %% [unet.ResnetBlock.forward] the modulation is detached
# hint: The output is right, but no gradient reaches the context through scale and shift, so it is never learned.
# edit: (context) → (context).detach()

# %% [unet.ResnetBlock.forward] the context is not passed
# hint: The context has no effect: block1 runs without scale and shift, so the network knows neither time nor condition.
# edit: x, (scale, shift) → x

# %% [unet.ResnetBlock.forward] scale and shift have changed places
# hint: The first half of the mlp's output are the scales, the second the shifts; here it is the other way round.
# edit: (scale, shift) → (shift, scale)

# %% [unet.ResnetBlock.forward] 1 is added to the scale twice
# hint: Block adds the 1 itself, as (3) says. With a scale of 0 the modulation should be the identity; here it doubles.
# edit: (scale, shift) → (scale + 1, shift)

# %% [unet.ResnetBlock.forward] modulated by hand, after the block
# hint: Scale and shift act after block1's GELU. They belong between its norm and its GELU: hand both to Block.
# edit: self.block1(x, (scale, shift)) → self.block1(x) * (scale + 1) + shift

# %% [unet.ResnetBlock.forward] scale and shift as two arguments
# hint: Block takes one argument beside x, the pair (scale, shift).
# edit: (scale, shift) → scale, shift

# %% [unet.ResnetBlock.forward] only the second block is modulated
# hint: The context modulates block2, and block1 hears nothing of it. It is the other way round.
# edit: x, (scale, shift) → x
# edit: self.block2(h) → self.block2(h, (scale, shift))

# %% [unet.ResnetBlock.forward] x is overwritten before the residual
# hint: The residual connection carries a block's output: x was overwritten. Keep the input under its own name.
# edit: self.block1(x, (scale, shift)) → x = self.block1(x, (scale, shift))

# %% [unet.ResnetBlock.forward] the input added after each block
# hint: The input is added after block1 as well. There is one residual connection, around both blocks.
# edit: self.block1(x, (scale, shift)) → self.block1(x, (scale, shift)) + self.res_conv(x)

# %% [unet.ResnetBlock.forward] the input added between the blocks
# hint: The input is added between the two blocks. The residual connection leads around both.
# edit: self.block1(x, (scale, shift)) → self.block1(x, (scale, shift)) + self.res_conv(x)
# edit: h + self.res_conv(x) → h

# %% [unet.ResnetBlock.forward] the context itself
# hint: block1 gets the context as it is. self.mlp makes the scales and the shifts of it.
# edit: (scale, shift) → context

# %% [unet.ResnetBlock.forward] scales and shifts in one tensor
# hint: block1 gets one tensor with all 2·dim_out numbers. It wants a pair: the scales, and the shifts.
# edit: (scale, shift) → torch.cat([scale, shift], dim=1)

# %% [unet.ResnetBlock.forward] no dropout
# hint: Everything is right while dropout is off, but self.dropout is never called. It belongs between the two blocks.
# edit: h = self.dropout(h) →

# %% [unet.ResnetBlock.forward] dropout at the end
# hint: Dropout acts on the result, residual connection included. It belongs between the two blocks.
# edit: h = self.dropout(h) →
# edit: h + self.res_conv(x) → self.dropout(h + self.res_conv(x))

# %% [unet.ResnetBlock.forward] dropout after the second block
# hint: Dropout acts on what block2 gives. It belongs between the two blocks, on what block2 gets.
# edit: h = self.dropout(h) →
# edit: self.block2(h) → self.dropout(self.block2(h))

# %% [unet.ResnetBlock.forward] dropout that never rests
# hint: F.dropout drops in eval mode too, unless it is told the mode: every sample would be another one. self.dropout
# hint: knows the mode and the rate.
# edit: self.dropout(h) → F.dropout(h, 0.1)

# %% [unet.ResnetBlock.forward] dropout with a rate of its own
# hint: The place and the mode are right, but the rate is typed in. self.dropout holds it; whoever sets self.dropout.p
# hint: later expects it to act.
# edit: self.dropout(h) → F.dropout(h, 0.1, self.training)

# %% [unet.ResnetBlock.forward] both blocks are modulated
# hint: The second block is modulated as well. Only block1 gets scale and shift.
# edit: self.block2(h) → self.block2(h, (scale, shift))

# %% [unet.ResnetBlock.forward] the second block is missing
# hint: block2 never runs. There are two blocks with weights of their own.
# edit: h = self.block2(h) →

# %% [unet.ResnetBlock.forward] block1 twice
# hint: block1 runs twice and block2 never. They have weights of their own.
# edit: self.block2(h) → self.block1(h)

# %% [unet.ResnetBlock.forward] no residual connection
# hint: The input does not come through: add it to the second block's output, sent through res_conv.
# edit: h + self.res_conv(x) → h

# %% [unet.ResnetBlock.forward] the input is added without res_conv
# hint: Right where the channels stay the same. Where they change, x does not fit: res_conv is there for that.
# edit: self.res_conv(x) → x

# %% [unet.ResnetBlock.forward] res_conv of the result
# hint: res_conv is applied to what the blocks made. It takes the block's input on the way around.
# edit: h + self.res_conv(x) → self.res_conv(h) + x

# %% [unet.ResnetBlock.forward] a GELU at the end
# hint: A GELU acts on the sum. Each Block has its own at its end; the residual connection passes without one.
# edit: h + self.res_conv(x) → F.gelu(h + self.res_conv(x))

# %% [unet.ResnetBlock.forward] the result is added into x
# hint: The sum is written into x itself, which is the caller's where the channels stay the same. Make a new tensor.
# edit: h + self.res_conv(x) → self.res_conv(x).add_(h)

# ---- unet.down_blocks ------------------------------------------------------------------------------------------------

# %% [unet.down_blocks] a plain list
# hint: No parameter is seen: a plain Python list hides its modules from state_dict, from the optimizer and from
# hint: .to(device). Use nn.ModuleList, inside and outside.
# edit: nn.ModuleList() → []
# edit: nn.ModuleList([block1, block2, Downsample(dim, dim_out)]) → [block1, block2, Downsample(dim, dim_out)]

# %% [unet.down_blocks] a level for each entry of dims
# hint: There is one level too many: dims lists the bottom's channels too, and a level lies between two neighbours.
# edit: dims[:-1], dims[1:] → dims, [*dims[1:], dims[-1]]

# %% [unet.down_blocks] a level is missing
# hint: One level is missing: each two neighbours in dims make one, the first two and the last two as well. (And the
# hint: function returns after its loop, not in it.)
# edit: dims[:-1] → dims[:-2]

# %% [unet.down_blocks] from the bottom up
# hint: The levels come in the order of the way up. The way down begins at full resolution.
# edit: zip(dims[:-1], dims[1:]) → reversed(list(zip(dims[:-1], dims[1:])))

# %% [unet.down_blocks] two levels by hand
# hint: Right for two levels, and for two only. dims may have any length: loop over its neighbours.
# edit: zip(dims[:-1], dims[1:]) → [(dims[0], dims[1]), (dims[1], dims[2])]

# %% [unet.down_blocks] past the end of dims
# hint: The loop reaches past the end of dims: there is one level fewer than there are entries.
# edit: zip(dims[:-1], dims[1:]) → ((dims[i], dims[i + 1]) for i in range(len(dims)))

# %% [unet.down_blocks] the first ResnetBlock changes the channels
# hint: The first ResnetBlock goes to the next level's channels. Both keep the level's own; Downsample makes the change.
# edit: block1 = ResnetBlock(dim, dim, context_dim) → block1 = ResnetBlock(dim, dim_out, context_dim)
# edit: block2 = ResnetBlock(dim, dim, context_dim) → block2 = ResnetBlock(dim_out, dim_out, context_dim)
# edit: Downsample(dim, dim_out) → Downsample(dim_out, dim_out)

# %% [unet.down_blocks] the context's length is guessed
# hint: The blocks expect a context of 4·dims[0]. That is what Unet happens to use; the function is told context_dim.
# edit: context_dim → 4 * dims[0]

# %% [unet.down_blocks] Downsample first, blocks at the next level's channels
# hint: Each level begins with its Downsample, so its blocks have the next level's channels. They come first.
# edit: block1 = ResnetBlock(dim, dim, context_dim) → block1 = ResnetBlock(dim_out, dim_out, context_dim)
# edit: block2 = ResnetBlock(dim, dim, context_dim) → block2 = ResnetBlock(dim_out, dim_out, context_dim)
# edit: block1, block2, Downsample(dim, dim_out) → Downsample(dim, dim_out), block1, block2

# %% [unet.down_blocks] the context in the place of the channels
# hint: ResnetBlock's arguments have changed places: channels in, channels out, then the length of the context.
# edit: dim, context_dim → context_dim, dim

# %% [unet.down_blocks] a context of four times the level's channels
# hint: The blocks expect four times their own channels as context. All levels get the same one, of context_dim numbers.
# edit: context_dim → 4 * dim

# %% [unet.down_blocks] a context of four times context_dim
# hint: The blocks expect a context four times as long as context_dim. The factor 4 is in it already.
# edit: context_dim → 4 * context_dim

# %% [unet.down_blocks] the ResnetBlock changes the channels
# hint: The second ResnetBlock goes to the next level's channels. Both keep the level's; Downsample makes the change.
# edit: block2 = ResnetBlock(dim, dim, context_dim) → block2 = ResnetBlock(dim, dim_out, context_dim)
# edit: Downsample(dim, dim_out) → Downsample(dim_out, dim_out)

# %% [unet.down_blocks] one block object twice
# hint: A level's two ResnetBlocks are one and the same object, so they share their weights. Build two.
# edit: block2 = ResnetBlock(dim, dim, context_dim) → block2 = block1

# %% [unet.down_blocks] one ResnetBlock a level
# hint: Each level holds three modules: two ResnetBlocks and the Downsample. One ResnetBlock is missing.
# edit: block2, Downsample(dim, dim_out) → Downsample(dim, dim_out)

# %% [unet.down_blocks] no Downsample
# hint: The levels hold their two ResnetBlocks and nothing that halves the image.
# edit: block2, Downsample(dim, dim_out) → block2

# %% [unet.down_blocks] Downsample keeps the channels
# hint: Downsample keeps the level's channels, so the next level would get too few: it goes to the next entry of dims.
# edit: Downsample(dim, dim_out) → Downsample(dim, dim)

# %% [unet.down_blocks] Downsample's channels have changed places
# hint: Downsample goes from the next level's channels to this one's. It is the other way round.
# edit: Downsample(dim, dim_out) → Downsample(dim_out, dim)

# %% [unet.down_blocks] the last level is not halved
# hint: The last level ends without a Downsample. Every level has one: the bottom lies below the last.
# replace:
downs.append(nn.ModuleList([block1, block2, Downsample(dim, dim_out)]))
# by:
down = nn.Conv2d(dim, dim_out, 3, padding=1) if dim_out == dims[-1] else Downsample(dim, dim_out)
downs.append(nn.ModuleList([block1, block2, down]))

# %% [unet.down_blocks] the last level holds nothing that halves
# hint: The last level has its ResnetBlocks only. Every level ends with a Downsample: the bottom lies below the last.
# replace:
downs.append(nn.ModuleList([block1, block2, Downsample(dim, dim_out)]))
# by:
last = [] if dim_out == dims[-1] else [Downsample(dim, dim_out)]
downs.append(nn.ModuleList([block1, block2, *last]))

# %% [unet.down_blocks] one flat list
# hint: All modules lie in one list. Each level needs an nn.ModuleList of its own, inside the outer one.
# replace:
downs.append(nn.ModuleList([block1, block2, Downsample(dim, dim_out)]))
# by:
downs.extend([block1, block2, Downsample(dim, dim_out)])

# %% [unet.down_blocks] Downsample first
# hint: Each level begins with its Downsample. The blocks come first: what they make is kept at the level's own size.
# edit: block1, block2, Downsample(dim, dim_out) → Downsample(dim, dim_out), block1, block2

# %% [unet.down_blocks] Downsample between the blocks
# hint: Downsample stands between the two blocks. Both work at the level's own size; Downsample comes last.
# edit: block2, Downsample(dim, dim_out) → Downsample(dim, dim_out), block2

# %% [unet.down_blocks] the channels always double
# hint: Downsample doubles the channels, whatever dims says. It goes to the next entry of dims, which may be any number.
# edit: Downsample(dim, dim_out) → Downsample(dim, 2 * dim)

# ---- unet.up_blocks --------------------------------------------------------------------------------------------------

# %% [unet.up_blocks] a plain list
# hint: No parameter is seen: a plain Python list hides its modules. Use nn.ModuleList, inside and outside.
# edit: nn.ModuleList() → []
# edit: nn.ModuleList([upsample, block1, block2]) → [upsample, block1, block2]

# %% [unet.up_blocks] in the order of the way down
# hint: The first level is the one of full resolution. The way up begins at the bottom: walk the pairs backwards.
# edit: reversed(list(zip(dims[:-1], dims[1:]))) → zip(dims[:-1], dims[1:])

# %% [unet.up_blocks] dims reversed, its neighbours not exchanged
# hint: The levels begin at the bottom, but in each pair the two numbers have changed places: after reversing dims the
# hint: lower level's channels come first.
# edit: reversed(list(zip(dims[:-1], dims[1:]))) → zip(dims[::-1][:-1], dims[::-1][1:])

# %% [unet.up_blocks] a level is missing
# hint: One level is missing: the way up has as many as the way down, back to full resolution.
# edit: dims[:-1], dims[1:] → dims[1:-1], dims[2:]

# %% [unet.up_blocks] two levels by hand
# hint: Right for two levels, and for two only. dims may have any length: loop over its neighbours, from the bottom up.
# edit: reversed(list(zip(dims[:-1], dims[1:]))) → [(dims[1], dims[2]), (dims[0], dims[1])]

# %% [unet.up_blocks] the lowest level is missing
# hint: The level next to the bottom is missing. Each two neighbours in dims make one, the last two as well.
# edit: dims[:-1], dims[1:] → dims[:-2], dims[1:-1]

# %% [unet.up_blocks] dims turned round, and paired with dims
# hint: Only one of the two lists is turned round, so a level is joined to one that is no neighbour. List the pairs of
# hint: the way down first, and walk them backwards.
# edit: dim, dim_out in reversed(list(zip(dims[:-1], dims[1:]))) → dim_out, dim in zip(dims[::-1], dims[1:])

# %% [unet.up_blocks] Upsample keeps the channels
# hint: Upsample leaves the lower level's channels as they are. It should bring them to this level's, so that x and its
# hint: skip have the same number.
# edit: dim_out, dim → dim_out, dim_out
# edit: block1 = ResnetBlock(2 * dim, dim, context_dim) → block1 = ResnetBlock(dim_out + dim, dim, context_dim)

# %% [unet.up_blocks] Upsample keeps the channels, and the blocks do not see it
# hint: Upsample leaves the lower level's channels as they are. It should bring them to this level's.
# edit: dim_out, dim → dim_out, dim_out

# %% [unet.up_blocks] Upsample at the level's channels
# hint: Upsample expects the level's own channels. What comes from below has the lower level's.
# edit: dim_out, dim → dim, dim

# %% [unet.up_blocks] Upsample's channels have changed places
# hint: Upsample goes from the level's channels to the lower level's. It takes what comes from below, which has more.
# edit: dim_out, dim → dim, dim_out

# %% [unet.up_blocks] Upsample expects twice the channels
# hint: Upsample expects twice the level's channels. What comes from below has the next entry of dims, any number.
# edit: dim_out, dim → 2 * dim, dim

# %% [unet.up_blocks] channels not doubled after concatenation
# hint: The ResnetBlocks expect the level's channels only. Each gets x and a skip: how many channels are that?
# edit: 2 * dim → dim

# %% [unet.up_blocks] only the second ResnetBlock takes a skip
# hint: The first ResnetBlock expects the level's channels only. The way down left two skips: one for each block.
# edit: block1 = ResnetBlock(2 * dim, dim, context_dim) → block1 = ResnetBlock(dim, dim, context_dim)

# %% [unet.up_blocks] the lower level's channels
# hint: The ResnetBlocks take d_out channels. Upsample has brought x to d, and the skip has d of its own. That agrees
# hint: with d_out only where the channels double from level to level.
# edit: 2 * dim → dim_out

# %% [unet.up_blocks] the skip of a level below
# hint: The ResnetBlocks count the lower level's channels beside the level's own. The skip comes from the same level,
# hint: and x has been brought there by Upsample.
# edit: 2 * dim → dim + dim_out

# %% [unet.up_blocks] twice the lower level's channels
# hint: The blocks take twice the lower level's channels. Upsample has brought x to this level's, which the skip has.
# edit: 2 * dim → 2 * dim_out

# %% [unet.up_blocks] blocks that keep the doubled channels
# hint: The blocks take as many channels as come in, which is right, and give back as many. The next skip is joined to
# hint: what they give, so they must come back to the level's own.
# edit: 2 * dim, dim → 2 * dim, 2 * dim

# %% [unet.up_blocks] both skips at the second block
# hint: The first block gives back as many channels as it gets, and the second takes one more skip. Each block comes
# hint: back to the level's own channels.
# edit: block1 = ResnetBlock(2 * dim, dim, context_dim) → block1 = ResnetBlock(2 * dim, 2 * dim, context_dim)
# edit: block2 = ResnetBlock(2 * dim, dim, context_dim) → block2 = ResnetBlock(3 * dim, dim, context_dim)

# %% [unet.up_blocks] the lower level's channels joined, then none
# hint: The first block counts the lower level's channels beside its own, the second no skip at all. Upsample has
# hint: brought x to this level's channels, and each block takes a skip.
# edit: block1 = ResnetBlock(2 * dim, dim, context_dim) → block1 = ResnetBlock(dim + dim_out, dim, context_dim)
# edit: block2 = ResnetBlock(2 * dim, dim, context_dim) → block2 = ResnetBlock(dim, dim, context_dim)

# %% [unet.up_blocks] the lower level's channels joined once
# hint: The first block counts the lower level's channels beside its own. Upsample has brought x to its own already.
# edit: block1 = ResnetBlock(2 * dim, dim, context_dim) → block1 = ResnetBlock(dim + dim_out, dim, context_dim)

# %% [unet.up_blocks] both skips at the first block
# hint: The first block takes both skips at once. The level left two, one for each block.
# edit: block1 = ResnetBlock(2 * dim, dim, context_dim) → block1 = ResnetBlock(3 * dim, dim, context_dim)
# edit: block2 = ResnetBlock(2 * dim, dim, context_dim) → block2 = ResnetBlock(dim, dim, context_dim)

# %% [unet.up_blocks] no skip is counted, the first block reduces the channels
# hint: The first block goes from the lower level's channels to this one's, which is Upsample's work, and no skip is
# hint: counted. What does torch.cat do to the channels?
# edit: block1 = ResnetBlock(2 * dim, dim, context_dim) → block1 = ResnetBlock(dim_out, dim, context_dim)
# edit: block2 = ResnetBlock(2 * dim, dim, context_dim) → block2 = ResnetBlock(dim, dim, context_dim)

# %% [unet.up_blocks] the context in the place of the channels
# hint: ResnetBlock's arguments have changed places: channels in, channels out, then the length of the context.
# edit: dim, context_dim → context_dim, dim

# %% [unet.up_blocks] channels in and out have changed places
# hint: A block takes the level's channels and gives back more. The concatenation stands before it: it takes more, and
# hint: gives back the level's own.
# edit: 2 * dim, dim → dim, 2 * dim

# %% [unet.up_blocks] the context's length is guessed
# hint: The blocks expect a context of 4·dims[0]. That is what Unet happens to use; the function is told context_dim.
# edit: context_dim → 4 * dims[0]

# %% [unet.up_blocks] the first block keeps the doubled channels
# hint: The first block gives back as many channels as it gets. A skip comes to these: it must come back to the level's.
# edit: block1 = ResnetBlock(2 * dim, dim, context_dim) → block1 = ResnetBlock(2 * dim, 2 * dim, context_dim)

# %% [unet.up_blocks] a context of four times the level's channels
# hint: The blocks expect four times their own channels as context. All levels get the same one, of context_dim numbers.
# edit: context_dim → 4 * dim

# %% [unet.up_blocks] only the first ResnetBlock takes a skip
# hint: The second ResnetBlock expects the level's channels only. The way down left two skips: one for each block.
# edit: block2 = ResnetBlock(2 * dim, dim, context_dim) → block2 = ResnetBlock(dim, dim, context_dim)

# %% [unet.up_blocks] one block object twice
# hint: A level's two ResnetBlocks are one and the same object, so they share their weights. Build two.
# edit: block2 = ResnetBlock(2 * dim, dim, context_dim) → block2 = block1

# %% [unet.up_blocks] the second block takes three times the channels
# hint: The second block counts a box too many: the first came back to the level's channels, and one skip joins them.
# edit: block2 = ResnetBlock(2 * dim, dim, context_dim) → block2 = ResnetBlock(3 * dim, dim, context_dim)

# %% [unet.up_blocks] Upsample after the blocks
# hint: Each level ends with its Upsample. It comes first: x must have the skips' size before they are joined.
# edit: upsample, block1, block2 → block1, block2, upsample

# %% [unet.up_blocks] one ResnetBlock a level
# hint: Each level holds three modules: the Upsample and two ResnetBlocks, one for each of the level's skips.
# edit: block1, block2 → block1

# %% [unet.up_blocks] one flat list
# hint: All modules lie in one list. Each level needs an nn.ModuleList of its own, inside the outer one.
# edit: ups.append(nn.ModuleList([upsample, block1, block2])) → ups.extend([upsample, block1, block2])

# ---- unet.drop_condition ---------------------------------------------------------------------------------------------

# %% [unet.drop_condition] the wrong rows are dropped
# hint: Kept and dropped have changed places: a row is kept where u is at least prob.
# edit: u >= prob → u < prob

# %% [unet.drop_condition] u equal to prob is dropped
# hint: Only a u equal to prob differs: keep it. With prob = 0 nothing may go, and torch.rand does return 0.
# edit: u >= prob → u > prob

# %% [unet.drop_condition] the wrong rows, and the equal one
# hint: Kept and dropped have changed places, also where u equals prob: a row is kept where u is at least prob.
# edit: u >= prob → u <= prob

# %% [unet.drop_condition] the comparison is mirrored
# hint: The share of dropped rows is right, but they are others: keep where u ≥ prob, not where u < 1 − prob.
# edit: u >= prob → u < 1 - prob

# %% [unet.drop_condition] the share that is kept
# hint: prob is taken for the share to keep. It is the share to drop: with prob = 0 every row stays.
# edit: prob → 1 - prob

# %% [unet.drop_condition] the fate of the first row
# hint: All rows share the fate of the first. Each sample has its own u, so that every batch holds both kinds.
# edit: u >= prob → u[0] >= prob
# edit: keep[:, None] → keep

# %% [unet.drop_condition] written in place
# hint: The caller's own tensor is overwritten, so the next epoch never sees these conditions. Return a new tensor.
# edit: keep = (u >= prob).to(text_emb.dtype) → text_emb[u < prob] = 0.0
# edit: text_emb * keep[:, None] → text_emb

# %% [unet.drop_condition] dropout of single entries
# hint: Single entries are set to zero, by new dice. A condition goes as a whole row, where its own u says so.
# edit: text_emb * keep[:, None] → F.dropout(text_emb, prob)

# %% [unet.drop_condition] rows by new dice
# hint: Whole rows go, but new dice choose them and u is not asked: row i is kept where its own u[i] is at least prob.
# edit: u >= prob → torch.rand(len(u)) >= prob

# %% [unet.drop_condition] prob multiplies the rows
# hint: Every row is scaled by 1 − prob. That is the mean of what dropping does: here each row stays whole or goes.
# edit: text_emb * keep[:, None] → text_emb * (1 - prob)

# %% [unet.drop_condition] as many rows as prob says
# hint: A fixed number of rows goes, prob times the batch, those with the smallest u. Each row is judged alone, by its
# hint: own u; how many go is left to chance.
# edit: u >= prob → u.argsort().argsort() >= int(prob * len(u))

# %% [unet.drop_condition] rescaled, and NaN at prob = 1
# hint: The kept rows are divided by 1 − prob, as in dropout, which is 0/0 at prob = 1. Leave them as they are.
# edit: keep[:, None] → keep[:, None] / (1 - prob)

# %% [unet.drop_condition] rescaled by a number that is divided by zero
# hint: The kept rows are rescaled, as in dropout, and at prob = 1 Python divides by 0. Leave them as they are.
# edit: keep[:, None] → keep[:, None] * (1 / (1 - prob))

# %% [unet.drop_condition] multiplied by u
# hint: The rows are multiplied by u itself. u only decides: a row stays as it is, or becomes zero.
# edit: keep[:, None] → (keep * u)[:, None]

# %% [unet.drop_condition] the dropped rows are removed
# hint: The dropped rows are gone, and the batch is shorter than the images'. They stay in their place, as zeros.
# edit: text_emb * keep[:, None] → text_emb[keep.bool()]

# %% [unet.drop_condition] a dimension is missing
# hint: The mask is (b,), the rows are (b, condition_dim): the mask needs a second dimension, to act on whole rows.
# edit: keep[:, None] → keep

# %% [unet.drop_condition] the gradient is cut
# hint: The rows are right, but no gradient flows back to text_emb: a table of embeddings could never be learned.
# edit: return text_emb → return text_emb.detach()

# %% [unet.drop_condition] nothing is dropped
# hint: Nothing is dropped: the rows come back as they were given.
# edit: text_emb * keep[:, None] → text_emb.clone()

# ---- unet.forward ----------------------------------------------------------------------------------------------------

# %% [unet.forward] the mask multiplies the time as well
# hint: The mask multiplies the whole context, so the time goes too. Only text_emb may lose rows, before condition_mlp.
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
# edit: self.training → True

# %% [unet.forward] conditions dropped in eval mode only
# hint: Conditions are dropped in eval mode and kept in training. It is the other way round.
# edit: self.training → not self.training

# %% [unet.forward] conditions never dropped
# hint: In train mode every condition stays, so the network never learns what to do without one, and guidance in
# hint: notebook 07 has nothing to compare with. Drop some while training.
# edit: self.training → False

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

# %% [unet.forward] model_kwargs asked for text_emb once more
# hint: Right with a condition. Without one model_kwargs has no "text_emb", and asking for it raises KeyError: the given
# hint: lines have put zeros into text_emb for that case.
# replace:
if self.training:
# by:
text_emb = model_kwargs["text_emb"]
if self.training:

# %% [unet.forward] one throw for the whole batch
# hint: In train mode all samples of a batch keep their condition, or all lose it. Each needs a random number.
# edit: x.shape[0] → 1

# %% [unet.forward] a throw for each entry
# hint: drop_condition wants one random number for each sample, (b,); it got one for each entry of text_emb.
# edit: torch.rand(x.shape[0], device=x.device) → torch.rand_like(text_emb)

# %% [unet.forward] a single number
# hint: drop_condition got one plain number. It wants one for each sample, (b,).
# edit: x.shape[0], device=x.device → ()

# %% [unet.forward] normal numbers
# hint: The wrong share is dropped: uncond_prob is compared with numbers that are not uniform in [0, 1), but normal.
# edit: torch.rand(x.shape[0], device=x.device) → torch.randn(x.shape[0], device=x.device)

# %% [unet.forward] dice on the CPU
# hint: torch.rand, without a device, throws its dice on the CPU; with x on a GPU the comparison would stop there.
# edit: x.shape[0], device=x.device → x.shape[0]

# %% [unet.forward] model_kwargs is written to in training
# hint: In train mode model_kwargs is written to. Without an argument it is the default {}, one dict for all calls, so
# hint: the next call finds this one's condition in it. Keep the rows in a variable of your own.
# edit: drop_condition → model_kwargs["text_emb"] = drop_condition

# %% [unet.forward] the share that is kept
# hint: The share to keep is handed on as the share to drop: with uncond_prob = 1 everything should go.
# edit: self.uncond_prob → 1 - self.uncond_prob

# %% [unet.forward] one in five, typed in
# hint: Conditions go missing, but always one in five. The share is self.uncond_prob, which may be another one.
# edit: self.uncond_prob → 0.2

# %% [unet.forward] the condition is left out of the context
# hint: text_emb has no effect. The context is the sum of time_mlp(time) and condition_mlp(text_emb).
# edit: self.time_mlp(time) + self.condition_mlp(text_emb) → self.time_mlp(time)

# %% [unet.forward] the time is left out of the context
# hint: The time has no effect: it is missing from the context, so the network does not know how much noise there is.
# edit: self.time_mlp(time) + self.condition_mlp(text_emb) → self.condition_mlp(text_emb)

# %% [unet.forward] time times condition
# hint: The context is the product of time and condition. It is their sum: a condition of zero must not silence the
# hint: time.
# edit: self.time_mlp(time) + self.condition_mlp(text_emb) → self.time_mlp(time) * self.condition_mlp(text_emb)

# %% [unet.forward] time and condition joined
# hint: Time and condition are put side by side, so the context is twice as long as the blocks expect. They are added.
# replace:
context = self.time_mlp(time) + self.condition_mlp(text_emb)  # (b, 4·dim)
# by:
context = torch.cat([self.time_mlp(time), self.condition_mlp(text_emb)], dim=-1)

# %% [unet.forward] the condition without its mlp
# hint: text_emb is added as it is, in another length than the time's. It passes condition_mlp first.
# edit: self.condition_mlp(text_emb) → text_emb

# %% [unet.forward] the time without its mlp
# hint: The bare time is added to the condition. It passes time_mlp first.
# edit: self.time_mlp(time) → time[:, None]

# %% [unet.forward] without a condition the time alone
# hint: Right with a condition. Without one, condition_mlp is left out; but it has a learned answer for the zero row,
# hint: which the network expects then.
# replace:
context = self.time_mlp(time) + self.condition_mlp(text_emb)  # (b, 4·dim)
# by:
context = self.time_mlp(time)
if model_kwargs.get("text_emb") is not None:
    context = context + self.condition_mlp(text_emb)

# %% [unet.forward] the time in shares of the chain
# hint: The time is divided before time_mlp. Its embedding was made for the steps 0 to 199 as they are.
# edit: self.time_mlp(time) → self.time_mlp(time / 200)

# %% [unet.forward] no first convolution
# hint: The image goes into the first block as it is. init_conv brings it to the network's channels first.
# edit: x, skips = self.init_conv(x), [] → skips = []

# %% [unet.forward] two levels only
# hint: Right for two levels only. Walk through all of self.downs and self.ups.
# edit: self.downs → self.downs[:2]
# edit: self.ups → self.ups[:2]

# %% [unet.forward] the list of skips begins anew at each level
# hint: The list of skips is emptied at every level, so only the last level's are left. Make it once, before the loop.
# replace:
for block1, block2, downsample in self.downs:
# by:
for block1, block2, downsample in self.downs:
    skips = []

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
# hint: The list of skips runs empty: each level saves one, and the way up takes two. Save one after each block.
# replace:
x = block1(x, context)
skips.append(x)
x = block2(x, context)
# by:
x = block2(block1(x, context), context)

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

# %% [unet.forward] the second block hears what the first did
# hint: On the way down block2 gets the level's input, not what block1 made of it. One follows the other.
# replace:
x = block1(x, context)
skips.append(x)
# by:
skips.append(block1(x, context))

# %% [unet.forward] the image goes into the context's place
# hint: A block takes the image first, then the context; here they have changed places.
# edit: x = block1(x, context) → x = block1(context, x)

# %% [unet.forward] the blocks hear the time alone
# hint: The blocks of the way down get the time's embedding without the condition. Every block gets the whole context.
# edit: x = block1(x, context) → x = block1(x, self.time_mlp(time))
# edit: block2(x, context) → block2(x, self.time_mlp(time))

# %% [unet.forward] Downsample before the blocks
# hint: The image is halved before the level's blocks. They come first, at the level's own size.
# edit: x = block1(x, context) → x = block1(downsample(x), context)
# edit: x = downsample(x) →

# %% [unet.forward] skips are detached
# hint: The output is right, but no gradient flows back through the skips. Keep them as they are.
# edit: skips.append(x) → skips.append(x.detach())

# %% [unet.forward] skips saved after the Downsample
# hint: Each level's second skip is saved after Downsample, in the next level's size. Save it before.
# edit: block2(x, context) → downsample(block2(x, context))
# edit: x = downsample(x) →

# %% [unet.forward] Downsample between the blocks
# hint: The image is halved between the level's two blocks. Both come first, at the level's own size.
# edit: block2(x, context) → block2(downsample(x), context)
# edit: x = downsample(x) →

# %% [unet.forward] no Downsample
# hint: The way down never halves the image: downsample is not called.
# edit: x = downsample(x) →

# %% [unet.forward] one middle block
# hint: The bottom runs through one block only. There are two, one after the other: mid_block1, then mid_block2.
# edit: self.mid_block2(self.mid_block1(x, context), context) → self.mid_block1(x, context)

# %% [unet.forward] only the second middle block
# hint: The bottom runs through mid_block2 only. There are two blocks: mid_block1, then mid_block2.
# edit: self.mid_block1(x, context) → x

# %% [unet.forward] the middle blocks have changed places
# hint: The bottom runs through mid_block2 first. The shapes agree, a checkpoint's weights do not.
# edit: self.mid_block2(self.mid_block1(x, context), context) → self.mid_block1(self.mid_block2(x, context), context)

# %% [unet.forward] the first middle block twice
# hint: The bottom runs through mid_block1 twice. There are two blocks with weights of their own.
# edit: self.mid_block2(self.mid_block1(x, context), context) → self.mid_block1(self.mid_block1(x, context), context)

# %% [unet.forward] no middle blocks
# hint: The way up begins right after the way down: the bottom's two blocks never run.
# edit: x = self.mid_block2(self.mid_block1(x, context), context) →

# %% [unet.forward] the way up reversed once more
# hint: The levels of self.ups are walked from the top. They are stored in the order in which you need them.
# edit: self.ups → reversed(self.ups)

# %% [unet.forward] joined before the Upsample
# hint: The skip is joined before the image is doubled. Upsample first: then x has the size and channels of the skip.
# edit: upsample(x) → upsample(torch.cat([x, skips.pop()], dim=1))
# edit: block1(torch.cat([x, skips.pop()], dim=1), context) → block1(x, context)

# %% [unet.forward] no Upsample
# hint: The way up never doubles the image: upsample is not called.
# edit: x = upsample(x) →

# %% [unet.forward] Upsample after the blocks
# hint: The image is doubled after the level's blocks. It must have the size of the skips before they are joined.
# edit: x = upsample(x) →
# replace:
x = block2(torch.cat([x, skips.pop()], dim=1), context)
# by:
x = upsample(block2(torch.cat([x, skips.pop()], dim=1), context))

# %% [unet.forward] skips taken in the wrong order
# hint: The skips come first in, first out. The way up begins at the bottom: it needs the newest skip first.
# edit: skips.pop() → skips.pop(0)

# %% [unet.forward] the two skips of a level have changed places
# hint: Each level gets its own two skips, but in the order of the way down. The one saved last is used first.
# edit: block1(torch.cat([x, skips.pop()], dim=1), context) → block1(torch.cat([x, skips.pop(-2)], dim=1), context)

# %% [unet.forward] skip first
# hint: The skip stands before x. Concatenation knows no order of its own, but trained weights do: x comes first.
# edit: x, skips.pop() → skips.pop(), x

# %% [unet.forward] skips are added
# hint: A block of the way up gets half of the channels that it expects. The skip is concatenated to x, not added.
# edit: torch.cat([x, skips.pop()], dim=1) → x + skips.pop()

# %% [unet.forward] joined along the batch
# hint: x and the skip are joined along the batch, torch.cat's own choice. They are joined along the channels.
# edit: torch.cat([x, skips.pop()], dim=1) → torch.cat([x, skips.pop()])

# %% [unet.forward] joined along the width
# hint: x and the skip are joined along the last axis, the width. They are joined along the channels.
# edit: dim=1 → dim=-1

# %% [unet.forward] the newest skip is read, never taken
# hint: The same skip is used again and again: skips[-1] reads the newest and leaves it there. Take it off the list.
# edit: skips.pop() → skips[-1]

# %% [unet.forward] a skip that is added and joined
# hint: The second half of what is joined is x plus the skip. It is the skip as it was kept.
# edit: skips.pop() → x + skips.pop()

# %% [unet.forward] the second block of the way up without a skip
# hint: The second block of the way up gets x alone, half of the channels that it expects. Each of the two takes a skip.
# edit: block2(torch.cat([x, skips.pop()], dim=1), context) → block2(x, context)

# %% [unet.forward] no last convolution
# hint: The answer still has the network's channels: final_conv never runs.
# edit: self.final_conv(x) → x

# %% [unet.forward] a GELU at the end
# hint: The answer passes an activation. Noise has both signs and any size: final_conv's output is the prediction.
# edit: self.final_conv(x) → F.gelu(self.final_conv(x))

# ---- unet.ema_update -------------------------------------------------------------------------------------------------

# %% [unet.ema_update] a graph is asked for
# hint: Averaging is no part of any graph. Switch the recording of gradients off around it.
# edit: with torch.no_grad(): → if True:

# %% [unet.ema_update] the average joins the graph
# hint: The numbers are right, but with a frozen average torch has recorded the step: its weights hang on the model's
# hint: graph, which grows with every step. Switch the recording of gradients off.
# edit: torch.no_grad() → torch.set_grad_enabled(not any(p.requires_grad for p in ema.parameters()))

# %% [unet.ema_update] the two networks have changed places
# hint: The model is averaged, with the average's weights. The first argument is the average, which is written to.
# edit: zip(ema.parameters(), model.parameters()) → zip(model.parameters(), ema.parameters())

# %% [unet.ema_update] the decay reversed
# hint: The two weights have changed places: the past should keep the share decay, which is close to 1.
# edit: averaged.mul_(decay).add_(trained, alpha=1 - decay) → averaged.mul_(1 - decay).add_(trained, alpha=decay)

# %% [unet.ema_update] the weights do not sum to 1
# hint: The past falls by decay, but the model comes in whole, so the average grows. All weights must sum to 1.
# edit: trained, alpha=1 - decay → trained

# %% [unet.ema_update] the past does not fall
# hint: The model is added with a small share, but the past keeps all of its weight: it must fall by decay.
# edit: averaged.mul_(decay).add_(trained, alpha=1 - decay) → averaged.add_(trained, alpha=1 - decay)

# %% [unet.ema_update] the new weights fall at once
# hint: The newest weights are multiplied by decay too. Only what was in the average before falls in this step.
# edit: averaged.mul_(decay).add_(trained, alpha=1 - decay) → averaged.add_(trained, alpha=1 - decay).mul_(decay)

# %% [unet.ema_update] away from the model
# hint: The average moves away from the model: the sign of the difference is reversed.
# edit: averaged.mul_(decay).add_(trained, alpha=1 - decay) → averaged.add_(averaged - trained, alpha=1 - decay)

# %% [unet.ema_update] a copy of the model
# hint: The average is the model itself: nothing of the past is left. Only buffers are copied.
# edit: averaged.mul_(decay).add_(trained, alpha=1 - decay) → averaged.copy_(trained)

# %% [unet.ema_update] a new tensor under the same name
# hint: Nothing has changed: `averaged = …` names a new tensor, and the network keeps its old one. Write into it.
# edit: averaged.mul_(decay).add_(trained, alpha=1 - decay) → averaged = decay * averaged + (1 - decay) * trained

# %% [unet.ema_update] methods that do not write
# hint: Neither weights nor buffers have changed: mul, add and copies without an underscore return new tensors, and `p =
# hint: …` only gives a name to another one. Write into the average's own.
# edit: averaged.mul_(decay).add_(trained, alpha=1 - decay) → averaged.mul(decay).add(trained, alpha=1 - decay)
# edit: averaged.copy_(trained) → averaged = trained.clone()

# %% [unet.ema_update] the model written instead of the average
# hint: The model's weights have changed, and training would go on from them. Write into the average.
# edit: averaged.mul_(decay).add_(trained, alpha=1 - decay) → trained.copy_(decay * averaged + (1 - decay) * trained)

# %% [unet.ema_update] a frozen average is left alone
# hint: Weights that ask for no gradients stay as they were. An average is usually frozen, and updated all the same.
# edit: ema.parameters() → [p for p in ema.parameters() if p.requires_grad]

# %% [unet.ema_update] buffers forgotten
# hint: The weights are averaged, but the buffers, such as BatchNorm's statistics, stay as they were. They are copied.
# edit: averaged.copy_(trained) → pass

# %% [unet.ema_update] buffers averaged
# hint: The buffers are averaged like weights. They are copied: some are counts, and an average of counts is no count.
# edit: averaged.copy_(trained) → averaged.copy_(decay * averaged + (1 - decay) * trained)

# %% [unet.ema_update] floating buffers averaged, the others copied
# hint: Weights and counts are right. The buffers of floating numbers are averaged, though; they are copied as well.
# edit: (trained) → (decay * averaged + (1 - decay) * trained if averaged.is_floating_point() else trained)

# %% [unet.ema_update] floating buffers averaged, the others forgotten
# hint: Only floating numbers are touched, and the buffers among them averaged. Buffers of every dtype are copied.
# edit: (trained) → (decay * averaged + (1 - decay) * trained if averaged.is_floating_point() else averaged)

# %% [unet.ema_update] whole numbers forgotten
# hint: The buffers of whole numbers are left as they were: BatchNorm counts its batches. Copy buffers of every dtype.
# edit: averaged.copy_(trained) → averaged.copy_(trained if averaged.is_floating_point() else averaged)

# %% [unet.ema_update] whole numbers averaged in place
# hint: A buffer holds whole numbers, which torch cannot multiply by a fraction in place. Buffers are copied.
# edit: averaged.copy_(trained) → averaged.mul_(decay).add_(trained, alpha=1 - decay)

# %% [unet.ema_update] buffers shared with the model
# hint: The buffers are the model's own tensors: as it goes on, the average's change too. Copy the values.
# edit: averaged.copy_(trained) → averaged.data = trained.data
