# %% [kernels.add] plain torch
return (x.double() + y.double()).float()

# %% [kernels.masked_copy] a tensor of its numbers
return torch.tensor(x.double().tolist(), dtype=x.dtype)

# %% [kernels.row_sum] summed in float64 by the kernel
@triton.jit
def kernel(x_ptr, out_ptr, b, n, ROWS: tl.constexpr, COLS: tl.constexpr):
    r, c = tl.arange(0, ROWS)[:, None], tl.arange(0, COLS)[None, :]
    x = tl.load(x_ptr + r * n + c, mask=(r < b) & (c < n), other=0.0).to(tl.float64)
    rows = tl.arange(0, ROWS)
    tl.store(out_ptr + rows, tl.sum(x, axis=1).to(tl.float32), mask=rows < b)

out = torch.full((x.shape[0],), float("nan"))
power = triton.next_power_of_2
kernel[(1,)](x, out, *x.shape, ROWS=power(x.shape[0]), COLS=power(x.shape[1]))
return out

# %% [kernels.outer] a product of two matrices
return (x.double()[:, None] @ y.double()[None]).to(x)

# %% [kernels.bytes_moved] an int of a float
return int(float(numel) * float(reads + writes) * float(itemsize))

# %% [kernels.q_sample] log space, in float64
half = 0.5 * alphas_cumprod[t].double().log().reshape(-1, *[1] * (x_start.dim() - 1))
return (half.exp() * x_start + (-torch.expm1(2 * half)).sqrt() * noise).float()

# %% [kernels.guided_step] float64
k = coefficients.double()
start = torch.clamp(k[0] * x + k[1] * torch.lerp(uncond.double(), cond.double(), 1.0 + w), min=-1, max=1)
return (k[2] * x + k[3] * start + k[4] * z).float()

# %% [kernels.rms_norm_backward] autograd in float64
x, g = x.double().requires_grad_(), g.double().requires_grad_()
y = g * torch.nn.functional.normalize(x, dim=1) * x.shape[1] ** 0.5
grad_x, grad_g = torch.autograd.grad(y, (x, g), upstream.double())
return grad_x.float(), grad_g.float()
