# %% [kernels.guided_step] T no clamp
@triton.jit
def kernel(x_ptr, cond_ptr, uncond_ptr, z_ptr, k_ptr, out_ptr, w, n, BLOCK: tl.constexpr):
    places = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = places < n
    a = tl.load(x_ptr + places, mask=inside)
    c = tl.load(cond_ptr + places, mask=inside)
    u = tl.load(uncond_ptr + places, mask=inside)
    z = tl.load(z_ptr + places, mask=inside)
    k_x = tl.load(k_ptr + 0)
    k_out = tl.load(k_ptr + 1)
    c_x = tl.load(k_ptr + 2)
    c_start = tl.load(k_ptr + 3)
    c_noise = tl.load(k_ptr + 4)
    guided = (1 + w) * c - w * u
    start = k_x * a + k_out * guided
    tl.store(out_ptr + places, c_x * a + c_start * start + c_noise * z, mask=inside)

out = torch.empty_like(x)
kernel[(triton.cdiv(x.numel(), 1024),)](x, cond, uncond, z, coefficients, out, w, x.numel(), BLOCK=1024)
return out

# %% [kernels.guided_step] T convention w cond + (1 - w) uncond
@triton.jit
def kernel(x_ptr, cond_ptr, uncond_ptr, z_ptr, k_ptr, out_ptr, w, n, BLOCK: tl.constexpr):
    places = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = places < n
    a = tl.load(x_ptr + places, mask=inside)
    c = tl.load(cond_ptr + places, mask=inside)
    u = tl.load(uncond_ptr + places, mask=inside)
    z = tl.load(z_ptr + places, mask=inside)
    k_x = tl.load(k_ptr + 0)
    k_out = tl.load(k_ptr + 1)
    c_x = tl.load(k_ptr + 2)
    c_start = tl.load(k_ptr + 3)
    c_noise = tl.load(k_ptr + 4)
    guided = w * c + (1 - w) * u
    start = tl.clamp(k_x * a + k_out * guided, -1.0, 1.0)
    tl.store(out_ptr + places, c_x * a + c_start * start + c_noise * z, mask=inside)

out = torch.empty_like(x)
kernel[(triton.cdiv(x.numel(), 1024),)](x, cond, uncond, z, coefficients, out, w, x.numel(), BLOCK=1024)
return out

# %% [kernels.guided_step] T order c_x, c_noise, c_start read (3 and 4 swapped)
@triton.jit
def kernel(x_ptr, cond_ptr, uncond_ptr, z_ptr, k_ptr, out_ptr, w, n, BLOCK: tl.constexpr):
    places = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = places < n
    a = tl.load(x_ptr + places, mask=inside)
    c = tl.load(cond_ptr + places, mask=inside)
    u = tl.load(uncond_ptr + places, mask=inside)
    z = tl.load(z_ptr + places, mask=inside)
    k_x = tl.load(k_ptr + 0)
    k_out = tl.load(k_ptr + 1)
    c_x = tl.load(k_ptr + 2)
    c_start = tl.load(k_ptr + 4)
    c_noise = tl.load(k_ptr + 3)
    guided = (1 + w) * c - w * u
    start = tl.clamp(k_x * a + k_out * guided, -1.0, 1.0)
    tl.store(out_ptr + places, c_x * a + c_start * start + c_noise * z, mask=inside)

out = torch.empty_like(x)
kernel[(triton.cdiv(x.numel(), 1024),)](x, cond, uncond, z, coefficients, out, w, x.numel(), BLOCK=1024)
return out

# %% [kernels.guided_step] T n is the elements of one sample, only the first sample done
@triton.jit
def kernel(x_ptr, cond_ptr, uncond_ptr, z_ptr, k_ptr, out_ptr, w, n, BLOCK: tl.constexpr):
    places = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = places < n
    a = tl.load(x_ptr + places, mask=inside)
    c = tl.load(cond_ptr + places, mask=inside)
    u = tl.load(uncond_ptr + places, mask=inside)
    z = tl.load(z_ptr + places, mask=inside)
    k_x = tl.load(k_ptr + 0)
    k_out = tl.load(k_ptr + 1)
    c_x = tl.load(k_ptr + 2)
    c_start = tl.load(k_ptr + 3)
    c_noise = tl.load(k_ptr + 4)
    guided = (1 + w) * c - w * u
    start = tl.clamp(k_x * a + k_out * guided, -1.0, 1.0)
    tl.store(out_ptr + places, c_x * a + c_start * start + c_noise * z, mask=inside)

out = torch.empty_like(x)
n = x[0].numel()
kernel[(triton.cdiv(n, 1024),)](x, cond, uncond, z, coefficients, out, w, n, BLOCK=1024)
return out

# %% [kernels.guided_step] P clamp on the result
k_x, k_out, c_x, c_start, c_noise = coefficients
guided = (1 + w) * cond - w * uncond
x_start = (k_x * x + k_out * guided)
return (c_x * x + c_start * x_start + c_noise * z).clamp(-1, 1)

# %% [kernels.guided_step] P c_x times x_start, c_start times x
k_x, k_out, c_x, c_start, c_noise = coefficients
guided = (1 + w) * cond - w * uncond
x_start = (k_x * x + k_out * guided).clamp(-1, 1)
return c_x * x_start + c_start * x + c_noise * z

# %% [kernels.guided_step] P z inside the clamp
k_x, k_out, c_x, c_start, c_noise = coefficients
guided = (1 + w) * cond - w * uncond
x_start = (k_x * x + k_out * guided + c_noise * z).clamp(-1, 1)
return c_x * x + c_start * x_start

# %% [kernels.rms_norm_backward] P r taken for a constant
C = x.shape[1]
r = x.norm(dim=1, keepdim=True)
n = x / r
q = g * upstream
grad_x = C**0.5 / r * (q)
grad_g = (C**0.5 * n * upstream).sum(dim=(0, 2, 3), keepdim=True)
return grad_x, grad_g

# %% [kernels.rms_norm_backward] P mean over channels in the projection
C = x.shape[1]
r = x.norm(dim=1, keepdim=True)
n = x / r
q = g * upstream
grad_x = C**0.5 / r * (q - n * (n * q).mean(1, keepdim=True))
grad_g = (C**0.5 * n * upstream).sum(dim=(0, 2, 3), keepdim=True)
return grad_x, grad_g

# %% [kernels.rms_norm_backward] P g left out of the projection only
C = x.shape[1]
r = x.norm(dim=1, keepdim=True)
n = x / r
q = g * upstream
grad_x = C**0.5 / r * (q - n * (n * upstream).sum(1, keepdim=True))
grad_g = (C**0.5 * n * upstream).sum(dim=(0, 2, 3), keepdim=True)
return grad_x, grad_g

# %% [kernels.rms_norm_backward] P grad_g not summed over samples
C = x.shape[1]
r = x.norm(dim=1, keepdim=True)
n = x / r
q = g * upstream
grad_x = C**0.5 / r * (q - n * (n * q).sum(1, keepdim=True))
grad_g = (C**0.5 * n * upstream).sum(dim=(2, 3), keepdim=True)
return grad_x, grad_g

# %% [kernels.rms_norm_backward] T grad_g stored instead of added (last program wins)
@triton.jit
def kernel(x_ptr, g_ptr, up_ptr, gx_ptr, gg_ptr, C, hw, CB: tl.constexpr, PB: tl.constexpr):
    s = tl.program_id(0)
    pix = tl.program_id(1) * PB + tl.arange(0, PB)[None, :]
    ch = tl.arange(0, CB)[:, None]
    inside = (pix < hw) & (ch < C)
    at = s * C * hw + ch * hw + pix
    x = tl.load(x_ptr + at, mask=inside, other=0.0)
    up = tl.load(up_ptr + at, mask=inside, other=0.0)
    g = tl.load(g_ptr + ch, mask=ch < C, other=0.0)
    r = tl.sqrt(tl.sum(x * x, axis=0))[None, :]
    r = tl.where(pix < hw, r, 1.0)
    n = x / r
    q = g * up
    root = tl.sqrt(C.to(tl.float32))
    gx = root / r * (q - n * tl.sum(n * q, axis=0)[None, :])
    tl.store(gx_ptr + at, gx, mask=inside)
    part = tl.sum(root * n * up, axis=1)
    c1 = tl.arange(0, CB)
    tl.store(gg_ptr + c1, part, mask=c1 < C)

b, C, h, w = x.shape
gx, gg = torch.empty_like(x), torch.zeros_like(g)
kernel[(b, triton.cdiv(h * w, 32))](x, g, upstream, gx, gg, C, h * w, CB=triton.next_power_of_2(C), PB=32)
return gx, gg

# %% [kernels.rms_norm_backward] T grad_g from q, with g in it
@triton.jit
def kernel(x_ptr, g_ptr, up_ptr, gx_ptr, gg_ptr, C, hw, CB: tl.constexpr, PB: tl.constexpr):
    s = tl.program_id(0)
    pix = tl.program_id(1) * PB + tl.arange(0, PB)[None, :]
    ch = tl.arange(0, CB)[:, None]
    inside = (pix < hw) & (ch < C)
    at = s * C * hw + ch * hw + pix
    x = tl.load(x_ptr + at, mask=inside, other=0.0)
    up = tl.load(up_ptr + at, mask=inside, other=0.0)
    g = tl.load(g_ptr + ch, mask=ch < C, other=0.0)
    r = tl.sqrt(tl.sum(x * x, axis=0))[None, :]
    r = tl.where(pix < hw, r, 1.0)
    n = x / r
    q = g * up
    root = tl.sqrt(C.to(tl.float32))
    gx = root / r * (q - n * tl.sum(n * q, axis=0)[None, :])
    tl.store(gx_ptr + at, gx, mask=inside)
    part = tl.sum(root * n * q, axis=1)
    c1 = tl.arange(0, CB)
    tl.atomic_add(gg_ptr + c1, part, mask=c1 < C)

b, C, h, w = x.shape
gx, gg = torch.empty_like(x), torch.zeros_like(g)
kernel[(b, triton.cdiv(h * w, 32))](x, g, upstream, gx, gg, C, h * w, CB=triton.next_power_of_2(C), PB=32)
return gx, gg

# %% [kernels.rms_norm_backward] T root C forgotten in grad_x
@triton.jit
def kernel(x_ptr, g_ptr, up_ptr, gx_ptr, gg_ptr, C, hw, CB: tl.constexpr, PB: tl.constexpr):
    s = tl.program_id(0)
    pix = tl.program_id(1) * PB + tl.arange(0, PB)[None, :]
    ch = tl.arange(0, CB)[:, None]
    inside = (pix < hw) & (ch < C)
    at = s * C * hw + ch * hw + pix
    x = tl.load(x_ptr + at, mask=inside, other=0.0)
    up = tl.load(up_ptr + at, mask=inside, other=0.0)
    g = tl.load(g_ptr + ch, mask=ch < C, other=0.0)
    r = tl.sqrt(tl.sum(x * x, axis=0))[None, :]
    r = tl.where(pix < hw, r, 1.0)
    n = x / r
    q = g * up
    root = tl.sqrt(C.to(tl.float32))
    gx = 1.0 / r * (q - n * tl.sum(n * q, axis=0)[None, :])
    tl.store(gx_ptr + at, gx, mask=inside)
    part = tl.sum(root * n * up, axis=1)
    c1 = tl.arange(0, CB)
    tl.atomic_add(gg_ptr + c1, part, mask=c1 < C)

b, C, h, w = x.shape
gx, gg = torch.empty_like(x), torch.zeros_like(g)
kernel[(b, triton.cdiv(h * w, 32))](x, g, upstream, gx, gg, C, h * w, CB=triton.next_power_of_2(C), PB=32)
return gx, gg

# %% [kernels.rms_norm_backward] T RACE grad_g by load, add, store
@triton.jit
def kernel(x_ptr, g_ptr, up_ptr, gx_ptr, gg_ptr, C, hw, CB: tl.constexpr, PB: tl.constexpr):
    s = tl.program_id(0)
    pix = tl.program_id(1) * PB + tl.arange(0, PB)[None, :]
    ch = tl.arange(0, CB)[:, None]
    inside = (pix < hw) & (ch < C)
    at = s * C * hw + ch * hw + pix
    x = tl.load(x_ptr + at, mask=inside, other=0.0)
    up = tl.load(up_ptr + at, mask=inside, other=0.0)
    g = tl.load(g_ptr + ch, mask=ch < C, other=0.0)
    r = tl.sqrt(tl.sum(x * x, axis=0))[None, :]
    r = tl.where(pix < hw, r, 1.0)
    n = x / r
    q = g * up
    root = tl.sqrt(C.to(tl.float32))
    gx = root / r * (q - n * tl.sum(n * q, axis=0)[None, :])
    tl.store(gx_ptr + at, gx, mask=inside)
    part = tl.sum(root * n * up, axis=1)
    c1 = tl.arange(0, CB)
    tl.store(gg_ptr + c1, tl.load(gg_ptr + c1, mask=c1 < C, other=0.0) + part, mask=c1 < C)

b, C, h, w = x.shape
gx, gg = torch.empty_like(x), torch.zeros_like(g)
kernel[(b, triton.cdiv(h * w, 32))](x, g, upstream, gx, gg, C, h * w, CB=triton.next_power_of_2(C), PB=32)
return gx, gg

# %% [kernels.q_sample] T mask against the whole batch
@triton.jit
def kernel(x_ptr, noise_ptr, table_ptr, t_ptr, out_ptr, n, BLOCK: tl.constexpr):
    sample = tl.program_id(0)
    inner = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    places = sample * n + inner
    inside = places < n * tl.num_programs(0)
    time = tl.load(t_ptr + sample)
    share = tl.load(table_ptr + time)
    a = tl.load(x_ptr + places, mask=inside)
    e = tl.load(noise_ptr + places, mask=inside)
    tl.store(out_ptr + places, tl.sqrt(share) * a + tl.sqrt(1 - share) * e, mask=inside)

out = torch.empty_like(x_start)
b = x_start.shape[0]
n = x_start[0].numel()
kernel[(b, triton.cdiv(n, 1024))](x_start, noise, alphas_cumprod, t, out, n, BLOCK=1024)
return out
