# %% [unet.SinusoidalPosEmb] one complex exponential
half = self.dim // 2
frequencies = torch.logspace(0, -4, half, device=t.device) if half > 1 else torch.ones(1, device=t.device)
wave = torch.exp(1j * torch.outer(t.to(frequencies.dtype), frequencies))
return torch.cat([wave.imag, wave.real], dim=1)

# %% [unet.RMSNorm] einsum
mean_square = torch.einsum("bchw,bchw->bhw", x, x) / x.shape[1]
return torch.einsum("bchw,bhw,c->bchw", x, (mean_square + 1e-10).rsqrt(), self.g.flatten())

# %% [unet.ResnetBlock.forward] the parts of the first block
from einops import rearrange

scale, shift = rearrange(self.mlp(context), "b (two c) -> two b c 1 1", two=2)
h = self.block1.norm(self.block1.proj(x))
h = self.block1.act(torch.addcmul(h + shift, h, scale))
return self.res_conv(x).add(self.block2(self.dropout(h)))

# %% [unet.down_blocks] a comprehension
from itertools import pairwise

return nn.ModuleList([
    nn.ModuleList([ResnetBlock(d, d, context_dim), ResnetBlock(d, d, context_dim), Downsample(d, d_out)])
    for d, d_out in pairwise(dims)
])

# %% [unet.up_blocks] each level put before the last
from itertools import pairwise

ups = nn.ModuleList()
for d, d_out in pairwise(dims):
    level = [Upsample(d_out, d), ResnetBlock(2 * d, d, context_dim), ResnetBlock(2 * d, d, context_dim)]
    ups.insert(0, nn.ModuleList(level))
return ups

# %% [unet.drop_condition] where
return torch.where((u < prob).unsqueeze(-1), torch.zeros((), dtype=text_emb.dtype), text_emb)

# %% [unet.forward] a recursion down and up
if self.training:
    u = torch.rand(text_emb.shape[0], device=text_emb.device)
    text_emb = torch.einsum("bd,b->bd", text_emb, (u >= self.uncond_prob).to(text_emb.dtype))
context = self.time_mlp(time).add(self.condition_mlp(text_emb))

def level(h, n):
    if n == len(self.downs):
        return self.mid_block2(self.mid_block1(h, context), context)
    block1, block2, downsample = self.downs[n]
    first = block1(h, context)
    second = block2(first, context)
    upsample, block3, block4 = self.ups[-1 - n]
    h = upsample(level(downsample(second), n + 1))
    h = block3(torch.cat([h, second], dim=1), context)
    return block4(torch.cat([h, first], dim=1), context)

return self.final_conv(level(self.init_conv(x), 0))

# %% [unet.ema_update] all tensors of a state dict, by interpolation
theirs, weights = model.state_dict(), {name for name, _ in ema.named_parameters()}
for name, kept in ema.state_dict().items():
    kept.copy_(torch.lerp(theirs[name], kept, decay) if name in weights else theirs[name])
