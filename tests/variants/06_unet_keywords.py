# %% [unet.SinusoidalPosEmb] every argument by its name
half = self.dim // 2
exponents = torch.linspace(start=0.0, end=1.0, steps=half, device=t.device)
angles = torch.outer(input=t.float(), vec2=torch.pow(10_000.0, exponent=-exponents))
return torch.cat(tensors=[torch.sin(input=angles), torch.cos(input=angles)], dim=1)

# %% [unet.RMSNorm] every argument by its name
return torch.mul(input=F.normalize(input=x, p=2.0, dim=1), other=self.g * x.size(dim=1) ** 0.5)

# %% [unet.ResnetBlock.forward] the blocks by the names of their arguments
numbers = self.mlp(context).unflatten(dim=1, sizes=(2, self.dim_out))[..., None, None]
h = self.block1(x=x, scale_shift=(numbers[:, 0], numbers[:, 1]))
h = self.block2(x=self.dropout(h), scale_shift=None)
return torch.add(input=h, other=self.res_conv(x))

# %% [unet.down_blocks] every argument by its name
return nn.ModuleList(modules=[
    nn.ModuleList(modules=[ResnetBlock(dim=d, dim_out=d, context_dim=context_dim),
                           ResnetBlock(context_dim=context_dim, dim_out=d, dim=d), Downsample(dim=d, dim_out=d_out)])
    for d, d_out in zip(dims[:-1], dims[1:], strict=True)])

# %% [unet.up_blocks] every argument by its name
return nn.ModuleList(modules=[
    nn.ModuleList(modules=[Upsample(dim=d_out, dim_out=d), ResnetBlock(dim=2 * d, dim_out=d, context_dim=context_dim),
                           ResnetBlock(context_dim=context_dim, dim_out=d, dim=2 * d)])
    for d, d_out in reversed(list(zip(dims[:-1], dims[1:], strict=True)))])

# %% [unet.drop_condition] every argument by its name
return text_emb.masked_fill(mask=torch.lt(input=u, other=prob)[:, None], value=0.0)

# %% [unet.forward] everything by the names of its arguments
if self.training:
    u = torch.rand(size=(x.shape[0],), device=x.device)
    text_emb = drop_condition(text_emb=text_emb, prob=self.uncond_prob, u=u)
context = torch.add(input=self.time_mlp(time), other=self.condition_mlp(text_emb))
x, skips = self.init_conv(x), []
for block1, block2, downsample in self.downs:
    skips.append(block1(x=x, context=context))
    skips.append(block2(context=context, x=skips[-1]))
    x = downsample(skips[-1])
x = self.mid_block2(x=self.mid_block1(x=x, context=context), context=context)
for upsample, block1, block2 in self.ups:
    x = block1(x=torch.cat(tensors=[upsample(x), skips.pop()], dim=1), context=context)
    x = block2(x=torch.cat(tensors=[x, skips.pop()], dim=1), context=context)
return self.final_conv(x)

# %% [unet.ema_update] every argument by its name
with torch.inference_mode(mode=False), torch.set_grad_enabled(mode=False):
    for name, kept in ema.named_parameters(recurse=True):
        kept.lerp_(end=model.get_parameter(target=name), weight=1 - decay)
    for name, kept in ema.named_buffers(recurse=True):
        kept.copy_(model.get_buffer(target=name))
