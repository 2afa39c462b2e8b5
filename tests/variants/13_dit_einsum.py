# %% [dit.patchify] by torch's unfold
patches = x.unfold(2, p, p).unfold(3, p, p)  # (b, c, h/p, w/p, p, p)
return torch.einsum("bcijkl->bijklc", patches).flatten(3).flatten(1, 2)

# %% [dit.unpatchify] by einsum
parts = tokens.unflatten(2, (p, p, -1)).unflatten(1, (h // p, w // p))
return torch.einsum("bijklc->bcikjl", parts).flatten(4).flatten(2, 3)

# %% [dit.modulate] by einsum
return torch.einsum("bnd,bd->bnd", x, 1 + scale) + shift.unsqueeze(1)

# %% [dit.DiTBlock.forward] by einsum
chunks = self.modulation(c).unflatten(1, (2, 3, -1))
for norm, branch, (shift, scale, gate) in zip((self.norm1, self.norm2), (self.attention, self.mlp),
                                              chunks.permute(1, 2, 0, 3)):
    x = x + torch.einsum("bnd,bd->bnd", branch(modulate(norm(x), shift, scale)), gate)
return x

# %% [dit.adaln_zero_init] by multiplication
with torch.no_grad():
    for module in model.modules():
        for layer in (getattr(module, "modulation", [None])[-1], getattr(module, "head", None)):
            for p in layer.parameters() if layer is not None else ():
                p.mul_(0)

# %% [dit.joint_attention] by einsum
n, m = x.shape[1], context.shape[1]
both = torch.cat([qkv_x(x), qkv_context(context)], dim=1).unflatten(-1, (3, heads, -1))  # (b, n + m, 3, heads, d / heads)
q, k, v = both.unbind(2)
scores = torch.einsum("bihc,bjhc->bhij", q, k) / q.shape[-1] ** 0.5
read = torch.einsum("bhij,bjhc->bihc", torch.softmax(scores, dim=-1), v).flatten(2)
of_picture, of_text = read.split([n, m], dim=1)
return out_x(of_picture), out_context(of_text)

# %% [dit.temporal_attention] by einsum
b, f, n, d = x.shape
read = attend(torch.einsum("bfnd->nbfd", x).flatten(0, 1))
return torch.einsum("nbfd->bfnd", read.unflatten(0, (n, b)))
