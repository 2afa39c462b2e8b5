# %% [kernels.add] A1 the difference, in torch
return x - y
# %% [kernels.add] A2 masked block of a fixed length
@triton.jit
def k(x_ptr, y_ptr, out_ptr, n, B: tl.constexpr):
    i = tl.arange(0, B)
    tl.store(out_ptr + i, tl.load(x_ptr + i, mask=i < n) + tl.load(y_ptr + i, mask=i < n), mask=i < n)
out = torch.empty_like(x)
k[(1,)](x, y, out, len(x), B=32)
return out
# %% [kernels.add] A3 in place with torch
x += y
return x
# %% [kernels.add] A4 one program too many
@triton.jit
def k(x_ptr, y_ptr, out_ptr):
    i = tl.program_id(0)
    tl.store(out_ptr + i, tl.load(x_ptr + i) + tl.load(y_ptr + i))
out = torch.empty_like(x)
k[(len(x) + 1,)](x, y, out)
return out
# %% [kernels.add] A5 forgot to return
@triton.jit
def k(x_ptr, y_ptr, out_ptr):
    i = tl.program_id(0)
    tl.store(out_ptr + i, tl.load(x_ptr + i) + tl.load(y_ptr + i))
out = torch.empty_like(x)
k[(len(x),)](x, y, out)
# %% [kernels.add] A6 zeros, the kernel never launched
@triton.jit
def k(x_ptr, y_ptr, out_ptr):
    i = tl.program_id(0)
    tl.store(out_ptr + i, tl.load(x_ptr + i) + tl.load(y_ptr + i))
return torch.zeros_like(x)
# %% [kernels.masked_copy] M1 the tensor itself, contiguous
return x.contiguous()
# %% [kernels.masked_copy] M2 whole blocks only, in torch
out = torch.empty_like(x)
for p in range(len(x) // 16):
    out[16 * p:16 * p + 16] = x[16 * p:16 * p + 16]
return out
# %% [kernels.masked_copy] M3 a mask of at most n
@triton.jit
def k(x_ptr, out_ptr, n, B: tl.constexpr):
    i = tl.program_id(0) * B + tl.arange(0, B)
    tl.store(out_ptr + i, tl.load(x_ptr + i, mask=i <= n), mask=i <= n)
out = torch.empty_like(x)
k[(triton.cdiv(len(x), 16),)](x, out, len(x), B=16)
return out
# %% [kernels.masked_copy] M4 arange of n
@triton.jit
def k(x_ptr, out_ptr, n):
    i = tl.arange(0, n)
    tl.store(out_ptr + i, tl.load(x_ptr + i))
out = torch.empty_like(x)
k[(1,)](x, out, len(x))
return out
# %% [kernels.masked_copy] M5 a grid that counts elements as blocks, and places without BLOCK
@triton.jit
def k(x_ptr, out_ptr, n, B: tl.constexpr):
    i = tl.program_id(0) + tl.arange(0, B)
    tl.store(out_ptr + i, tl.load(x_ptr + i, mask=i < n), mask=i < n)
out = torch.empty_like(x)
k[(len(x) // 16 + 1,)](x, out, len(x), B=16)
return out
# %% [kernels.masked_copy] M6 the output too short by the last block
n = 16 * (len(x) // 16)
return x[:n].clone()
# %% [kernels.row_sum] R1 the columns' sums
return torch.sum(x, 0)
# %% [kernels.row_sum] R2 keepdim
return x.sum(-1, keepdim=True)
# %% [kernels.row_sum] R3 mean
return x.mean(1)
# %% [kernels.row_sum] R4 a block too small for the row
@triton.jit
def k(x_ptr, out_ptr, n, B: tl.constexpr):
    i = tl.arange(0, B)
    tl.store(out_ptr + tl.program_id(0), tl.sum(tl.load(x_ptr + tl.program_id(0) * n + i, mask=i < n, other=0.0), axis=0))
out = torch.empty(x.shape[0])
k[(x.shape[0],)](x, out, x.shape[1], B=16)
return out
# %% [kernels.row_sum] R5 masked lanes not told
@triton.jit
def k(x_ptr, out_ptr, n, B: tl.constexpr):
    i = tl.arange(0, B)
    row = tl.load(x_ptr + tl.program_id(0) * n + i, mask=i < n)
    tl.store(out_ptr + tl.program_id(0), tl.sum(row, axis=0))
out = torch.empty(x.shape[0])
k[(x.shape[0],)](x, out, x.shape[1], B=triton.next_power_of_2(x.shape[1]))
return out
# %% [kernels.row_sum] R6 rows a block apart
@triton.jit
def k(x_ptr, out_ptr, n, B: tl.constexpr):
    i = tl.arange(0, B)
    row = tl.load(x_ptr + tl.program_id(0) * B + i, mask=i < n, other=0.0)
    tl.store(out_ptr + tl.program_id(0), tl.sum(row, axis=0))
out = torch.empty(x.shape[0])
k[(x.shape[0],)](x, out, x.shape[1], B=triton.next_power_of_2(x.shape[1]))
return out
# %% [kernels.outer] O1 transposed
return torch.outer(y, x)
# %% [kernels.outer] O2 the sum of a grid
return x[:, None] + y[None, :]
# %% [kernels.outer] O3 a dot product
return torch.dot(x[:min(len(x), len(y))], y[:min(len(x), len(y))])
# %% [kernels.outer] O4 strides of x
@triton.jit
def k(x_ptr, y_ptr, out_ptr, n, m, B: tl.constexpr):
    i = tl.program_id(0) * B + tl.arange(0, B)
    j = tl.program_id(1) * B + tl.arange(0, B)
    p = tl.load(x_ptr + i, mask=i < n)[:, None] * tl.load(y_ptr + j, mask=j < m)[None, :]
    tl.store(out_ptr + i[:, None] * n + j[None, :], p, mask=(i < n)[:, None] & (j < m)[None, :])
out = torch.empty(len(x), len(y))
k[(triton.cdiv(len(x), 8), triton.cdiv(len(y), 8))](x, y, out, len(x), len(y), B=8)
return out
# %% [kernels.outer] O5 an or in the mask
@triton.jit
def k(x_ptr, y_ptr, out_ptr, n, m, B: tl.constexpr):
    i = tl.program_id(0) * B + tl.arange(0, B)
    j = tl.program_id(1) * B + tl.arange(0, B)
    p = tl.load(x_ptr + i, mask=i < n)[:, None] * tl.load(y_ptr + j, mask=j < m)[None, :]
    tl.store(out_ptr + i[:, None] * m + j[None, :], p, mask=(i < n)[:, None] | (j < m)[None, :])
out = torch.empty(len(x), len(y))
k[(triton.cdiv(len(x), 8), triton.cdiv(len(y), 8))](x, y, out, len(x), len(y), B=8)
return out
# %% [kernels.outer] O6 element by element
return x * y
# %% [kernels.bytes_moved] B1 the output read too
return (reads + writes + writes) * numel * itemsize
# %% [kernels.bytes_moved] B2 in kilobytes
return (reads + writes) * numel * itemsize / 1024
# %% [kernels.bytes_moved] B3 no itemsize
return numel * (reads + writes)
# %% [kernels.bytes_moved] B4 a float
return float((reads + writes) * numel * itemsize)
# %% [kernels.q_sample] Q1 no roots
share = alphas_cumprod[t].view(-1, *[1] * (x_start.dim() - 1))
return share * x_start + (1 - share) * noise
# %% [kernels.q_sample] Q2 the signal without its root
share = alphas_cumprod[t].view(-1, *[1] * (x_start.dim() - 1))
return share * x_start + (1 - share).sqrt() * noise
# %% [kernels.q_sample] Q3 images only
share = alphas_cumprod[t].view(-1, 1, 1, 1)
return share.sqrt() * x_start + (1 - share).sqrt() * noise
# %% [kernels.q_sample] Q4 1 minus the root
share = alphas_cumprod[t].view(-1, *[1] * (x_start.dim() - 1))
return share.sqrt() * x_start + (1 - share.sqrt()) * noise
# %% [kernels.q_sample] Q5 one time for all samples
share = alphas_cumprod[t[0]]
return share.sqrt() * x_start + (1 - share).sqrt() * noise
# %% [kernels.q_sample] Q6 flat, without the batch's stride
@triton.jit
def k(x_ptr, e_ptr, a_ptr, t_ptr, out_ptr, n, B: tl.constexpr):
    b = tl.program_id(0)
    i = tl.program_id(1) * B + tl.arange(0, B)
    a = tl.load(a_ptr + tl.load(t_ptr + b))
    x, e = tl.load(x_ptr + i, mask=i < n), tl.load(e_ptr + i, mask=i < n)
    tl.store(out_ptr + b * n + i, tl.sqrt(a) * x + tl.sqrt(1 - a) * e, mask=i < n)
out, n = torch.empty_like(x_start), x_start[0].numel()
k[(len(x_start), triton.cdiv(n, 256))](x_start, noise, alphas_cumprod, t, out, n, B=256)
return out
# %% [kernels.q_sample] Q7 the axes of the grid changed
@triton.jit
def k(x_ptr, e_ptr, a_ptr, t_ptr, out_ptr, n, B: tl.constexpr):
    b = tl.program_id(1)
    i = tl.program_id(0) * B + tl.arange(0, B)
    a = tl.load(a_ptr + tl.load(t_ptr + b))
    x, e = tl.load(x_ptr + b * n + i, mask=i < n), tl.load(e_ptr + b * n + i, mask=i < n)
    tl.store(out_ptr + b * n + i, tl.sqrt(a) * x + tl.sqrt(1 - a) * e, mask=i < n)
out, n = torch.empty_like(x_start), x_start[0].numel()
k[(len(x_start), triton.cdiv(n, 256))](x_start, noise, alphas_cumprod, t, out, n, B=256)
return out
# %% [kernels.guided_step] G1 guidance_scale
k_x, k_out, c_x, c_start, c_noise = coefficients
start = (k_x * x + k_out * (uncond + w * (cond - uncond))).clamp(-1, 1)
return c_x * x + c_start * start + c_noise * z
# %% [kernels.guided_step] G2 no clamp
k_x, k_out, c_x, c_start, c_noise = coefficients
start = k_x * x + k_out * ((1 + w) * cond - w * uncond)
return c_x * x + c_start * start + c_noise * z
# %% [kernels.guided_step] G3 the result clamped
k_x, k_out, c_x, c_start, c_noise = coefficients
start = k_x * x + k_out * ((1 + w) * cond - w * uncond)
return (c_x * x + c_start * start + c_noise * z).clamp(-1, 1)
# %% [kernels.guided_step] G4 cond and uncond changed
k_x, k_out, c_x, c_start, c_noise = coefficients
start = (k_x * x + k_out * ((1 + w) * uncond - w * cond)).clamp(-1, 1)
return c_x * x + c_start * start + c_noise * z
# %% [kernels.guided_step] G5 c_start for the state
k_x, k_out, c_x, c_start, c_noise = coefficients
start = (k_x * x + k_out * ((1 + w) * cond - w * uncond)).clamp(-1, 1)
return c_start * x + c_x * start + c_noise * z
# %% [kernels.guided_step] G6 no noise
k_x, k_out, c_x, c_start, c_noise = coefficients
start = (k_x * x + k_out * ((1 + w) * cond - w * uncond)).clamp(-1, 1)
return c_x * x + c_start * start
# %% [kernels.guided_step] G7 the clamp's answer thrown away
k_x, k_out, c_x, c_start, c_noise = coefficients
start = k_x * x + k_out * ((1 + w) * cond - w * uncond)
start.clamp(-1, 1)
return c_x * x + c_start * start + c_noise * z
# %% [kernels.rms_norm_backward] N1 the first term alone
C = x.shape[1]
r = x.norm(dim=1, keepdim=True)
return C**0.5 / r * g * upstream, (C**0.5 * x / r * upstream).sum((0, 2, 3), keepdim=True)
# %% [kernels.rms_norm_backward] N2 no root of C anywhere
r = x.norm(dim=1, keepdim=True)
n, q = x / r, g * upstream
return (q - n * (n * q).sum(1, keepdim=True)) / r, (n * upstream).sum((0, 2, 3), keepdim=True)
# %% [kernels.rms_norm_backward] N3 a mean in the projection
C = x.shape[1]
r = x.norm(dim=1, keepdim=True)
n, q = x / r, g * upstream
return C**0.5 / r * (q - n * (n * q).mean(1, keepdim=True)), (C**0.5 * n * upstream).sum((0, 2, 3), keepdim=True)
# %% [kernels.rms_norm_backward] N4 grad_g without the batch
C = x.shape[1]
r = x.norm(dim=1, keepdim=True)
n, q = x / r, g * upstream
return C**0.5 / r * (q - n * (n * q).sum(1, keepdim=True)), (C**0.5 * n * upstream).sum((2, 3), keepdim=True)
# %% [kernels.rms_norm_backward] N5 g outside of the bracket
C = x.shape[1]
r = x.norm(dim=1, keepdim=True)
n = x / r
grad_x = g * C**0.5 / r * (upstream - n * (n * upstream).sum(1, keepdim=True))
return grad_x, (C**0.5 * n * upstream).sum((0, 2, 3), keepdim=True)
# %% [kernels.rms_norm_backward] N6 x for n
C = x.shape[1]
r = x.norm(dim=1, keepdim=True)
n, q = x / r, g * upstream
return C**0.5 / r * (q - x * (x * q).sum(1, keepdim=True)), (C**0.5 * n * upstream).sum((0, 2, 3), keepdim=True)
# %% [kernels.rms_norm_backward] N7 upstream in the sum
C = x.shape[1]
r = x.norm(dim=1, keepdim=True)
n, q = x / r, g * upstream
return C**0.5 / r * (q - n * (n * upstream).sum(1, keepdim=True)), (C**0.5 * n * upstream).sum((0, 2, 3), keepdim=True)
# %% [kernels.rms_norm_backward] N8 a mean for grad_g
C = x.shape[1]
r = x.norm(dim=1, keepdim=True)
n, q = x / r, g * upstream
return C**0.5 / r * (q - n * (n * q).sum(1, keepdim=True)), (C**0.5 * n * upstream).mean((0, 2, 3), keepdim=True)
