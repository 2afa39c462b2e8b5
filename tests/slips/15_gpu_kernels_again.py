# %% [kernels.add] T y_ptr loaded at its first place only
@triton.jit
def kernel(x_ptr, y_ptr, out_ptr):
    i = tl.program_id(0)
    tl.store(out_ptr + i, tl.load(x_ptr + i) + tl.load(y_ptr))

out = torch.empty_like(x)
kernel[(len(x),)](x, y, out)
return out

# %% [kernels.add] T blocks of 128 with a mask, n // 128 programs
@triton.jit
def add_kernel(a, b, o, n, B: tl.constexpr):
    i = tl.program_id(axis=0) * B + tl.arange(0, B)
    m = i < n
    tl.store(o + i, tl.load(a + i, m, 0.0) + tl.load(b + i, m, 0.0), m)
o = torch.zeros(x.shape[0])
add_kernel[lambda meta: (o.numel() // meta["B"],)](x, y, o, o.numel(), B=128)
return o

# %% [kernels.add] P in place, x += y
x += y
return x

# %% [kernels.add] T copy-paste, x loaded twice
@triton.jit
def kernel(x_ptr, y_ptr, out_ptr):
    i = tl.program_id(0)
    tl.store(out_ptr + i, tl.load(x_ptr + i) + tl.load(x_ptr + i))

out = torch.empty_like(x)
kernel[(len(x),)](x, y, out)
return out

# %% [kernels.masked_copy] T mask on the load, none on the store
@triton.jit
def kernel(x_ptr, out_ptr, n, BLOCK: tl.constexpr):
    places = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = places < n
    tl.store(out_ptr + places, tl.load(x_ptr + places, mask=inside))

out = torch.empty_like(x)
kernel[(triton.cdiv(len(x), 16),)](x, out, len(x), BLOCK=16)
return out

# %% [kernels.masked_copy] T mask on the store, none on the load
@triton.jit
def kernel(x_ptr, out_ptr, n, BLOCK: tl.constexpr):
    places = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = places < n
    tl.store(out_ptr + places, tl.load(x_ptr + places), mask=inside)

out = torch.empty_like(x)
kernel[(triton.cdiv(len(x), 16),)](x, out, len(x), BLOCK=16)
return out

# %% [kernels.masked_copy] T places <= n
@triton.jit
def kernel(x_ptr, out_ptr, n, BLOCK: tl.constexpr):
    places = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = places <= n
    tl.store(out_ptr + places, tl.load(x_ptr + places, mask=inside), mask=inside)

out = torch.empty_like(x)
kernel[(triton.cdiv(len(x), 16),)](x, out, len(x), BLOCK=16)
return out

# %% [kernels.masked_copy] T places begin at p, not 16 p
@triton.jit
def kernel(x_ptr, out_ptr, n, BLOCK: tl.constexpr):
    places = tl.program_id(0) + tl.arange(0, BLOCK)
    inside = places < n
    tl.store(out_ptr + places, tl.load(x_ptr + places, mask=inside), mask=inside)

out = torch.empty_like(x)
kernel[(triton.cdiv(len(x), 16),)](x, out, len(x), BLOCK=16)
return out

# %% [kernels.masked_copy] P a view x[:], not new memory
return x[:]

# %% [kernels.row_sum] T a row's place is r * BLOCK
@triton.jit
def kernel(x_ptr, out_ptr, n, BLOCK: tl.constexpr):
    r = tl.program_id(0)
    c = tl.arange(0, BLOCK)
    row = tl.load(x_ptr + r * BLOCK + c, mask=c < n, other=0.0)
    tl.store(out_ptr + r, tl.sum(row, axis=0))

b, n = x.shape
out = torch.empty(b)
kernel[(b,)](x, out, n, BLOCK=triton.next_power_of_2(n))
return out

# %% [kernels.row_sum] T load without other
@triton.jit
def kernel(x_ptr, out_ptr, n, BLOCK: tl.constexpr):
    r = tl.program_id(0)
    c = tl.arange(0, BLOCK)
    row = tl.load(x_ptr + r * n + c, mask=c < n)
    tl.store(out_ptr + r, tl.sum(row, axis=0))

b, n = x.shape
out = torch.empty(b)
kernel[(b,)](x, out, n, BLOCK=triton.next_power_of_2(n))
return out

# %% [kernels.row_sum] T mask by the end of the matrix
@triton.jit
def kernel(x_ptr, out_ptr, n, BLOCK: tl.constexpr):
    r = tl.program_id(0)
    c = tl.arange(0, BLOCK)
    row = tl.load(x_ptr + r * n + c, mask=r * n + c < n * tl.num_programs(0), other=0.0)
    tl.store(out_ptr + r, tl.sum(row, axis=0))

b, n = x.shape
out = torch.empty(b)
kernel[(b,)](x, out, n, BLOCK=triton.next_power_of_2(n))
return out

# %% [kernels.row_sum] P x.sum(0)
return x.sum(0)

# %% [kernels.row_sum] P keepdim
return x.sum(dim=1, keepdim=True)

# %% [kernels.outer] T place rows * n + columns
@triton.jit
def kernel(x_ptr, y_ptr, out_ptr, n, m, BLOCK: tl.constexpr):
    rows = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    columns = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    a = tl.load(x_ptr + rows, mask=rows < n)
    b = tl.load(y_ptr + columns, mask=columns < m)
    places = rows[:, None] * n + columns[None, :]
    inside = (rows[:, None] < n) & (columns[None, :] < m)
    tl.store(out_ptr + places, a[:, None] * b[None, :], mask=inside)

n, m = len(x), len(y)
out = torch.empty(n, m)
kernel[(triton.cdiv(n, 8), triton.cdiv(m, 8))](x, y, out, n, m, BLOCK=8)
return out

# %% [kernels.outer] T mask of the columns only
@triton.jit
def kernel(x_ptr, y_ptr, out_ptr, n, m, BLOCK: tl.constexpr):
    rows = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    columns = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    a = tl.load(x_ptr + rows, mask=rows < n)
    b = tl.load(y_ptr + columns, mask=columns < m)
    places = rows[:, None] * m + columns[None, :]
    inside = columns[None, :] < m
    tl.store(out_ptr + places, a[:, None] * b[None, :], mask=inside)

n, m = len(x), len(y)
out = torch.empty(n, m)
kernel[(triton.cdiv(n, 8), triton.cdiv(m, 8))](x, y, out, n, m, BLOCK=8)
return out

# %% [kernels.outer] T n and m swapped in the grid
@triton.jit
def kernel(x_ptr, y_ptr, out_ptr, n, m, BLOCK: tl.constexpr):
    rows = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    columns = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    a = tl.load(x_ptr + rows, mask=rows < n)
    b = tl.load(y_ptr + columns, mask=columns < m)
    places = rows[:, None] * m + columns[None, :]
    inside = (rows[:, None] < n) & (columns[None, :] < m)
    tl.store(out_ptr + places, a[:, None] * b[None, :], mask=inside)

n, m = len(x), len(y)
out = torch.empty(n, m)
kernel[(triton.cdiv(m, 8), triton.cdiv(n, 8))](x, y, out, n, m, BLOCK=8)
return out

# %% [kernels.outer] P x[None] * y[:, None], transposed
return x[None, :] * y[:, None]

# %% [kernels.outer] P sum instead of product
return x[:, None] + y[None, :]

# %% [kernels.bytes_moved] P reads * writes
return numel * reads * writes * itemsize

# %% [kernels.bytes_moved] P itemsize forgotten
return numel * (reads + writes)

# %% [kernels.bytes_moved] P brackets forgotten
return numel * reads + writes * itemsize

# %% [kernels.bytes_moved] P bits
return numel * (reads + writes) * itemsize * 8

# %% [kernels.q_sample] T time by the block
@triton.jit
def kernel(x_ptr, noise_ptr, table_ptr, t_ptr, out_ptr, n, BLOCK: tl.constexpr):
    sample = tl.program_id(0)
    inner = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    inside = inner < n
    places = sample * n + inner
    time = tl.load(t_ptr + tl.program_id(1))
    share = tl.load(table_ptr + time)
    a = tl.load(x_ptr + places, mask=inside)
    e = tl.load(noise_ptr + places, mask=inside)
    tl.store(out_ptr + places, tl.sqrt(share) * a + tl.sqrt(1 - share) * e, mask=inside)

out = torch.empty_like(x_start)
b = x_start.shape[0]
n = x_start[0].numel()
kernel[(b, triton.cdiv(n, 1024))](x_start, noise, alphas_cumprod, t, out, n, BLOCK=1024)
return out

# %% [kernels.q_sample] T one block a sample, BLOCK=1024 is enough for 784
@triton.jit
def kernel(x_ptr, noise_ptr, table_ptr, t_ptr, out_ptr, n, BLOCK: tl.constexpr):
    sample = tl.program_id(0)
    inner = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    inside = inner < n
    places = sample * n + inner
    time = tl.load(t_ptr + sample)
    share = tl.load(table_ptr + time)
    a = tl.load(x_ptr + places, mask=inside)
    e = tl.load(noise_ptr + places, mask=inside)
    tl.store(out_ptr + places, tl.sqrt(share) * a + tl.sqrt(1 - share) * e, mask=inside)

out = torch.empty_like(x_start)
b = x_start.shape[0]
n = x_start[0].numel()
kernel[(b, 1)](x_start, noise, alphas_cumprod, t, out, n, BLOCK=1024)
return out

# %% [kernels.q_sample] T the table looked up by sample, t never loaded
@triton.jit
def kernel(x_ptr, noise_ptr, table_ptr, t_ptr, out_ptr, n, BLOCK: tl.constexpr):
    sample = tl.program_id(0)
    inner = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    inside = inner < n
    places = sample * n + inner
    time = sample
    share = tl.load(table_ptr + time)
    a = tl.load(x_ptr + places, mask=inside)
    e = tl.load(noise_ptr + places, mask=inside)
    tl.store(out_ptr + places, tl.sqrt(share) * a + tl.sqrt(1 - share) * e, mask=inside)

out = torch.empty_like(x_start)
b = x_start.shape[0]
n = x_start[0].numel()
kernel[(b, triton.cdiv(n, 1024))](x_start, noise, alphas_cumprod, t, out, n, BLOCK=1024)
return out

# %% [kernels.q_sample] T no root on the noise's share
@triton.jit
def kernel(x_ptr, noise_ptr, table_ptr, t_ptr, out_ptr, n, BLOCK: tl.constexpr):
    sample = tl.program_id(0)
    inner = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    inside = inner < n
    places = sample * n + inner
    time = tl.load(t_ptr + sample)
    share = tl.load(table_ptr + time)
    a = tl.load(x_ptr + places, mask=inside)
    e = tl.load(noise_ptr + places, mask=inside)
    tl.store(out_ptr + places, tl.sqrt(share) * a + (1 - share) * e, mask=inside)

out = torch.empty_like(x_start)
b = x_start.shape[0]
n = x_start[0].numel()
kernel[(b, triton.cdiv(n, 1024))](x_start, noise, alphas_cumprod, t, out, n, BLOCK=1024)
return out

# %% [kernels.q_sample] P 1 - sqrt(share)
share = alphas_cumprod[t].view(-1, *([1] * (x_start.dim() - 1)))
root = share.sqrt()
return root * x_start + (1 - root) * noise

# %% [kernels.q_sample] P signal and noise swapped
share = alphas_cumprod[t].view(-1, *([1] * (x_start.dim() - 1)))
return (1 - share).sqrt() * x_start + share.sqrt() * noise

# %% [kernels.q_sample] P share not reshaped, broadcasts along the last axis
share = alphas_cumprod[t]
return share.sqrt() * x_start + (1 - share).sqrt() * noise
