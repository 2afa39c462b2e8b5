# %% [dit.patchify] by F.unfold, every argument by its name
patches = F.unfold(input=x, kernel_size=p, stride=p)  # (b, c·p·p, n)
patches = torch.unflatten(input=patches, dim=1, sizes=(x.shape[1], p * p))
return torch.flatten(input=torch.permute(input=patches, dims=(0, 3, 2, 1)), start_dim=2)

# %% [dit.unpatchify] by F.fold, every argument by its name
patches = torch.unflatten(input=tokens, dim=2, sizes=(p * p, tokens.shape[2] // (p * p)))
patches = torch.flatten(input=torch.permute(input=patches, dims=(0, 3, 2, 1)), start_dim=1, end_dim=2)
return F.fold(input=patches, output_size=(h, w), kernel_size=p, stride=p)

# %% [dit.modulate] every argument by its name
return torch.addcmul(input=shift.unsqueeze(dim=1), tensor1=x, tensor2=torch.add(input=scale, other=1).unsqueeze(dim=1))

# %% [dit.DiTBlock.forward] every argument by its name
shift1, scale1, gate1, shift2, scale2, gate2 = self.modulation(input=c).tensor_split(6, dim=1)
read = self.attention(x=modulate(x=self.norm1(input=x), shift=shift1, scale=scale1))
x = torch.addcmul(input=x, tensor1=gate1.unsqueeze(dim=1), tensor2=read)
read = self.mlp(input=modulate(x=self.norm2(input=x), shift=shift2, scale=scale2))
return torch.addcmul(input=x, tensor1=gate2.unsqueeze(dim=1), tensor2=read)

# %% [dit.adaln_zero_init] every argument by its name
for name, module in model.named_modules():
    if name.split(".")[-1] == "modulation":
        nn.init.constant_(tensor=module[-1].weight, val=0.0)
        nn.init.constant_(tensor=module[-1].bias, val=0.0)
    if name.split(".")[-1] == "head":
        nn.init.constant_(tensor=module.weight, val=0.0)
        nn.init.constant_(tensor=module.bias, val=0.0)
return model

# %% [dit.joint_attention] by torch's own attention
def split(y):
    return torch.unflatten(input=y, dim=-1, sizes=(3, heads, y.shape[-1] // (3 * heads))).permute(dims=(2, 0, 3, 1, 4))

q, k, v = torch.cat(tensors=(split(qkv_x(input=x)), split(qkv_context(input=context))), dim=3)
read = F.scaled_dot_product_attention(query=q, key=k, value=v)
read = torch.flatten(input=read.transpose(dim0=1, dim1=2), start_dim=2)
return [out_x(input=read[:, :x.shape[1]]), out_context(input=read[:, x.shape[1]:])]

# %% [dit.temporal_attention] every argument by its name
frames = torch.swapaxes(input=x, axis0=1, axis1=2)
read = attend(torch.flatten(input=frames, start_dim=0, end_dim=1))
return torch.swapaxes(input=torch.unflatten(input=read, dim=0, sizes=frames.shape[:2]), axis0=1, axis1=2)
