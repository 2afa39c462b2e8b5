# %% [kernels.add] one block, as long as the next power of two
@triton.jit
def whole(x_ptr, y_ptr, out_ptr, n, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    inside = i < n
    tl.store(out_ptr + i, tl.load(x_ptr + i, mask=inside) + tl.load(y_ptr + i, mask=inside), mask=inside)

out = torch.zeros_like(x)
whole[1, 1, 1](x, y, out, x.numel(), triton.next_power_of_2(x.numel()))
return out

# %% [kernels.masked_copy] by a block pointer, which knows its bounds
@triton.jit
def by_blocks(x_ptr, out_ptr, n, BLOCK: tl.constexpr):
    start = tl.program_id(0) * BLOCK
    source = tl.make_block_ptr(x_ptr, (n,), (1,), (start,), (BLOCK,), (0,))
    target = tl.make_block_ptr(out_ptr, (n,), (1,), (start,), (BLOCK,), (0,))
    tl.store(target, tl.load(source, boundary_check=(0,)), boundary_check=(0,))

out = torch.empty_like(x)
by_blocks[lambda meta: (triton.cdiv(x.numel(), meta["BLOCK"]),)](x, out, x.numel(), BLOCK=16)
return out

# %% [kernels.row_sum] einsum
return torch.einsum("bn->b", x)

# %% [kernels.outer] einsum
return torch.einsum("i,j->ij", x, y)

# %% [kernels.bytes_moved] a sum
return sum([numel * itemsize] * reads) + sum([numel * itemsize] * writes)

# %% [kernels.q_sample] einsum
share = alphas_cumprod.gather(0, t)
return torch.einsum("b,b...->b...", share.sqrt(), x_start) + torch.einsum("b,b...->b...", (1 - share).sqrt(), noise)

# %% [kernels.guided_step] lerp, addcmul and clamp of Triton's kind
@triton.jit
def step(x_ptr, cond_ptr, uncond_ptr, z_ptr, k_ptr, out_ptr, n, w, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    k_x, k_out, c_x = tl.load(k_ptr), tl.load(k_ptr + 1), tl.load(k_ptr + 2)
    c_start, c_noise = tl.load(k_ptr + 3), tl.load(k_ptr + 4)
    x, cond = tl.load(x_ptr + i, mask=i < n, other=0.0), tl.load(cond_ptr + i, mask=i < n, other=0.0)
    uncond, z = tl.load(uncond_ptr + i, mask=i < n, other=0.0), tl.load(z_ptr + i, mask=i < n, other=0.0)
    start = tl.clamp(k_x * x + k_out * (cond + w * (cond - uncond)), -1.0, 1.0)
    tl.store(out_ptr + i, c_x * x + c_start * start + c_noise * z, mask=i < n)

n = x.numel()
out = torch.empty_like(x)
step[(triton.cdiv(n, 256),)](x, cond, uncond, z, coefficients, out, n, w, BLOCK=256)
return out

# %% [kernels.rms_norm_backward] einsum
C = x.shape[1]
r = torch.einsum("bchw,bchw->bhw", x, x).sqrt()[:, None]
n, q = x / r, g * upstream
along = torch.einsum("bchw,bchw->bhw", n, q)[:, None]
return C**0.5 / r * (q - along * n), C**0.5 * torch.einsum("bchw,bchw->c", n, upstream).reshape(g.shape)
