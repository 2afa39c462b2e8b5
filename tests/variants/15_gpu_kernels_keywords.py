# %% [kernels.add] keywords
return torch.add(input=x, other=y)

# %% [kernels.masked_copy] arguments of the kernel by their names, programs of warps chosen by hand
@triton.jit
def kernel(n, x_ptr, out_ptr, BLOCK: tl.constexpr):
    block = tl.program_id(axis=0) * BLOCK + tl.arange(start=0, end=BLOCK)
    tl.store(pointer=out_ptr + block, value=tl.load(pointer=x_ptr + block, mask=block < n, other=0.0), mask=block < n)

out = torch.empty(size=x.shape)
kernel[(triton.cdiv(x.numel(), 32),)](n=x.numel(), x_ptr=x, out_ptr=out, BLOCK=32, num_warps=1)
return out

# %% [kernels.row_sum] keywords
return torch.sum(input=x, dim=1, keepdim=False)

# %% [kernels.outer] keywords
return torch.outer(input=x, vec2=y)

# %% [kernels.bytes_moved] a dictionary of passes
passes = {"in": reads, "out": writes}
return itemsize * numel * sum(passes.values())

# %% [kernels.q_sample] the whole batch as one vector: every element looks its sample up
@triton.jit
def kernel(x_ptr, noise_ptr, signal_ptr, sigma_ptr, out_ptr, n, numel, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = i < numel
    signal = tl.load(signal_ptr + i // n, mask=inside)
    sigma = tl.load(sigma_ptr + i // n, mask=inside)
    x, noise = tl.load(x_ptr + i, mask=inside), tl.load(noise_ptr + i, mask=inside)
    tl.store(out_ptr + i, signal * x + sigma * noise, mask=inside)

share = torch.index_select(input=alphas_cumprod, dim=0, index=t)
out, numel = torch.empty_like(input=x_start), x_start.numel()
kernel[(triton.cdiv(numel, 2048),)](x_start, noise, share.sqrt(), (1 - share).sqrt(), out, n=numel // len(t),
                                    numel=numel, BLOCK=2048)
return out

# %% [kernels.guided_step] keywords
answer = torch.lerp(input=uncond, end=cond, weight=1.0 + w)
start = torch.clamp(input=coefficients[0] * x + coefficients[1] * answer, min=-1.0, max=1.0)
return torch.add(input=coefficients[2] * x, other=coefficients[3] * start).add(other=coefficients[4] * z)

# %% [kernels.rms_norm_backward] keepdim and a list of both
length = torch.linalg.vector_norm(x, ord=2, dim=1, keepdim=True)
unit = torch.div(input=x, other=length)
arrived = torch.mul(input=g, other=upstream) * x.size(dim=1) ** 0.5
grad_x = torch.div(input=arrived - unit * (unit * arrived).sum(dim=1, keepdim=True), other=length)
grad_g = torch.sum(input=x.size(dim=1) ** 0.5 * unit * upstream, dim=[0, 2, 3], keepdim=True)
return [grad_x, grad_g]
