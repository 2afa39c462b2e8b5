# %% [unet.SinusoidalPosEmb] one number after the other
half = self.dim // 2
rows = []
for time in t.tolist():
    angles = [time / 10_000 ** (i / max(half - 1, 1)) for i in range(half)]
    rows.append([math.sin(a) for a in angles] + [math.cos(a) for a in angles])
return torch.tensor(rows, device=t.device)

# %% [unet.RMSNorm] pixel by pixel
columns = []
for i in range(x.shape[2]):
    for j in range(x.shape[3]):
        pixel = x[:, :, i, j]
        rms = torch.sqrt((pixel * pixel).mean(dim=1, keepdim=True).clamp(min=1e-12))
        columns.append(pixel / rms * self.g[0, :, 0, 0])
return torch.stack(columns, dim=-1).reshape(x.shape)

# %% [unet.ResnetBlock.forward] sample by sample
outs = []
for i in range(x.shape[0]):
    numbers = self.mlp(context[i])
    scale = numbers[: self.dim_out].reshape(1, self.dim_out, 1, 1)
    shift = numbers[self.dim_out :].reshape(1, self.dim_out, 1, 1)
    one = x[i : i + 1]
    h = self.block1(one, scale_shift=(scale, shift))
    h = self.dropout(h)
    h = self.block2(h)
    outs.append(self.res_conv(one) + h)
return torch.cat(outs)

# %% [unet.down_blocks] by index
levels = []
for i in range(len(dims) - 1):
    modules = nn.ModuleList()
    for _ in range(2):
        modules.append(ResnetBlock(dim=dims[i], dim_out=dims[i], context_dim=context_dim))
    modules.append(nn.Conv2d(dims[i], dims[i + 1], kernel_size=2, stride=2))
    levels.append(modules)
return nn.ModuleList(levels)

# %% [unet.up_blocks] by index
ups = nn.ModuleList([])
for i in range(len(dims) - 1, 0, -1):
    level = nn.ModuleList()
    level.append(Upsample(dims[i], dims[i - 1]))
    for _ in range(2):
        level.append(ResnetBlock(dims[i - 1] + dims[i - 1], dims[i - 1], context_dim))
    ups.append(level)
return ups

# %% [unet.drop_condition] row by row
rows = []
for row, draw in zip(text_emb, u):
    if draw < prob:
        row = torch.zeros_like(row)
    rows.append(row)
return torch.stack(rows)

# %% [unet.forward] a dictionary of skips
if self.training and self.uncond_prob > 0:
    rows = [row * 0 if torch.rand(()) < self.uncond_prob else row for row in text_emb]
    text_emb = torch.stack(rows)
context = self.condition_mlp(text_emb) + self.time_mlp(time)
x = self.init_conv(x)
saved = {}
for level in range(len(self.downs)):
    for k in (0, 1):
        x = self.downs[level][k](x, context)
        saved[level, k] = x
    x = self.downs[level][2](x)
for middle in (self.mid_block1, self.mid_block2):
    x = middle(x, context)
for n, (upsample, *blocks) in enumerate(self.ups):
    x = upsample(x)
    for k, block in zip((1, 0), blocks):
        x = block(torch.cat((x, saved[len(self.downs) - 1 - n, k]), 1), context)
return self.final_conv(x)

# %% [unet.ema_update] a new state, entry by entry
state = {}
for name, new in model.state_dict().items():
    old = ema.state_dict()[name]
    if name in dict(model.named_parameters()):
        new = old + (1 - decay) * (new - old)
    state[name] = new
ema.load_state_dict(state)
