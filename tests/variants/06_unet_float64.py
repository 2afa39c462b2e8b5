# %% [unet.SinusoidalPosEmb] float64 inside
half = self.dim // 2
i = torch.arange(half, device=t.device, dtype=torch.float64)
angles = t.double().unsqueeze(-1) * 10_000.0 ** (-i / max(half - 1, 1))
return torch.cat((torch.sin(angles), torch.cos(angles)), dim=1).float()

# %% [unet.RMSNorm] float64 inside
wide = x.double()
rms = wide.pow(2).mean(dim=1, keepdim=True).add(1e-12).sqrt()
return (wide / rms * self.g.double()).to(x.dtype)

# %% [unet.ResnetBlock.forward] float64 inside
def call(module, *inputs):
    weights = {name: p.double() for name, p in module.named_parameters()}
    return torch.func.functional_call(module, weights, inputs)

x = x.double()
numbers = call(self.mlp, context.double())
scale, shift = numbers[:, : self.dim_out, None, None], numbers[:, self.dim_out :, None, None]
h = call(self.block1, x, (scale, shift))
h = F.dropout(h, self.dropout.p, self.training)
return (call(self.block2, h) + call(self.res_conv, x)).float()

# %% [unet.down_blocks] built in float64, kept in float32
levels = zip(torch.tensor(dims, dtype=torch.float64).int().tolist(), dims[1:])
return nn.ModuleList(
    nn.ModuleList([*(ResnetBlock(a, a, context_dim).double().float() for _ in range(2)), Downsample(a, b)])
    for a, b in levels)

# %% [unet.up_blocks] built in float64, kept in float32
levels = list(zip(dims, dims[1:]))
levels.reverse()
return nn.ModuleList(
    nn.ModuleList([Upsample(b, a), *(ResnetBlock(a * 2, a, context_dim).double().float() for _ in range(2))])
    for a, b in levels)

# %% [unet.drop_condition] float64 inside
keep = torch.ge(u.double(), prob).double()
return torch.mul(text_emb.double(), keep.unsqueeze(1)).float()

# %% [unet.forward] float64 inside
def call(module, *inputs):
    weights = {name: p.double() for name, p in module.named_parameters()}
    return torch.func.functional_call(module, weights, inputs)

if self.training:
    dropped = torch.rand(len(x), 1, dtype=torch.float64, device=x.device) < self.uncond_prob
    text_emb = text_emb.masked_fill(dropped, 0.0)
context = self.time_mlp(time).double() + call(self.condition_mlp, text_emb.double())
x = call(self.init_conv, x.double())
skips = []
for block1, block2, downsample in self.downs:
    for block in (block1, block2):
        x = call(block, x, context)
        skips = [x, *skips]
    x = call(downsample, x)
x = call(self.mid_block2, call(self.mid_block1, x, context), context)
for upsample, block1, block2 in self.ups:
    x = call(upsample, x)
    for block in (block1, block2):
        skip, *skips = skips
        x = call(block, torch.cat([x, skip], dim=-3), context)
return call(self.final_conv, x).float()

# %% [unet.ema_update] float64 inside
for kept, new in zip(ema.parameters(), model.parameters()):
    kept.data = (decay * kept.data.double() + (1 - decay) * new.data.double()).to(kept.dtype)
for kept, new in zip(ema.buffers(), model.buffers()):
    kept.data = new.data.clone()
