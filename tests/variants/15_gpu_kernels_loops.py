# %% [kernels.add] a block of eight for each program, which walks on by the whole grid
@triton.jit
def walking(x_ptr, y_ptr, out_ptr, n, BLOCK: tl.constexpr):
    first = tl.program_id(0) * BLOCK
    while first < n:
        i = first + tl.arange(0, BLOCK)
        total = tl.load(x_ptr + i, i < n) + tl.load(y_ptr + i, i < n)
        tl.store(out_ptr + i, total, i < n)
        first += tl.num_programs(0) * BLOCK

sums = torch.zeros(x.shape[0])
walking[(2,)](x, y, sums, x.shape[0], BLOCK=8)
return sums

# %% [kernels.masked_copy] number by number
copy = torch.zeros(len(x))
for k in range(len(x)):
    copy[k] = x[k]
return copy

# %% [kernels.row_sum] a program walks along its row in blocks of 16
@triton.jit
def along(x_ptr, out_ptr, n, BLOCK: tl.constexpr):
    start, place = 0, x_ptr + tl.program_id(0) * n
    total = tl.zeros((BLOCK,), tl.float32)
    while start < n:
        here = start + tl.arange(0, BLOCK)
        total += tl.load(place + here, mask=here < n, other=0.0)
        start += BLOCK
    tl.store(out_ptr + tl.program_id(0), tl.sum(total))

sums = x.new_empty(x.shape[0])
along[(x.shape[0],)](x, sums, x.shape[1], BLOCK=16)
return sums

# %% [kernels.outer] a program for each row
@triton.jit
def one_row(x_ptr, y_ptr, out_ptr, m, BLOCK: tl.constexpr):
    row, j = tl.program_id(0), tl.arange(0, BLOCK)
    products = tl.load(x_ptr + row) * tl.load(y_ptr + j, mask=j < m)
    tl.store(out_ptr + row * m + j, products, mask=j < m)

table = torch.zeros(x.numel(), y.numel())
one_row[(x.numel(),)](x, y, table, y.numel(), BLOCK=triton.next_power_of_2(y.numel()))
return table

# %% [kernels.bytes_moved] tensor by tensor
total = 0
for _ in range(reads + writes):
    total += numel * itemsize
return total

# %% [kernels.q_sample] sample by sample
pictures = []
for picture, eps, time in zip(x_start, noise, t.tolist()):
    share = float(alphas_cumprod[time])
    pictures.append(share**0.5 * picture + (1 - share) ** 0.5 * eps)
return torch.stack(pictures)

# %% [kernels.guided_step] sample by sample
k_x, k_out, c_x, c_start, c_noise = coefficients.tolist()
parts = []
for state, a, b, eps in zip(x, cond, uncond, z):
    clean = (k_x * state + k_out * (a + w * (a - b))).clip(-1, 1)
    parts.append(c_x * state + c_start * clean + c_noise * eps)
return torch.stack(parts)

# %% [kernels.rms_norm_backward] pixel by pixel, by the Jacobian's matrix
b, C, height, width = x.shape
grad_x, grad_g = torch.zeros_like(x), torch.zeros(C)
for s in range(b):
    for i in range(height):
        for j in range(width):
            v, up = x[s, :, i, j], upstream[s, :, i, j]
            r = v.norm()
            jacobian = (torch.eye(C) - torch.outer(v, v) / r**2) / r
            grad_x[s, :, i, j] = C**0.5 * jacobian @ (g.flatten() * up)
            grad_g += C**0.5 * v / r * up
return grad_x, grad_g.reshape(1, C, 1, 1)
