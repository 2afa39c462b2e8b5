# %% [distill.progressive_target] P1 second teacher call at the first time
with torch.no_grad():
    a0, a1, a2 = [column(a, z_t) for a in alphas]
    s0, s1, s2 = [column(s, z_t) for s in sigmas]
    x0 = teacher(z_t, times[0])
    z1 = a1 * x0 + s1 * (z_t - a0 * x0) / s0
    x1 = teacher(z1, times[0])
    z2 = a2 * x1 + s2 * (z1 - a1 * x1) / s1
    return (z2 - s2 / s0 * z_t) / (a2 - s2 / s0 * a0)
# %% [distill.progressive_target] P2 second teacher call at t'' 
with torch.no_grad():
    a0, a1, a2 = [column(a, z_t) for a in alphas]
    s0, s1, s2 = [column(s, z_t) for s in sigmas]
    x0 = teacher(z_t, times[0])
    z1 = a1 * x0 + s1 * (z_t - a0 * x0) / s0
    x1 = teacher(z1, times[2])
    z2 = a2 * x1 + s2 * (z1 - a1 * x1) / s1
    return (z2 - s2 / s0 * z_t) / (a2 - s2 / s0 * a0)
# %% [distill.progressive_target] P3 second step goes on with z_t as the state in eps (teacher asked at z1)
with torch.no_grad():
    a0, a1, a2 = [column(a, z_t) for a in alphas]
    s0, s1, s2 = [column(s, z_t) for s in sigmas]
    x0 = teacher(z_t, times[0])
    z1 = a1 * x0 + s1 * (z_t - a0 * x0) / s0
    x1 = teacher(z1, times[1])
    z2 = a2 * x1 + s2 * (z_t - a0 * x1) / s0
    return (z2 - s2 / s0 * z_t) / (a2 - s2 / s0 * a0)
# %% [distill.progressive_target] P4 first step's noise estimate reused in the second step
with torch.no_grad():
    a0, a1, a2 = [column(a, z_t) for a in alphas]
    s0, s1, s2 = [column(s, z_t) for s in sigmas]
    x0 = teacher(z_t, times[0])
    z1 = a1 * x0 + s1 * (z_t - a0 * x0) / s0
    x1 = teacher(z1, times[1])
    z2 = a2 * x1 + s2 * (z_t - a0 * x0) / s0
    return (z2 - s2 / s0 * z_t) / (a2 - s2 / s0 * a0)
# %% [distill.progressive_target] P5 answers z at t'' itself
with torch.no_grad():
    a0, a1, a2 = [column(a, z_t) for a in alphas]
    s0, s1, s2 = [column(s, z_t) for s in sigmas]
    x0 = teacher(z_t, times[0])
    z1 = a1 * x0 + s1 * (z_t - a0 * x0) / s0
    x1 = teacher(z1, times[1])
    z2 = a2 * x1 + s2 * (z1 - a1 * x1) / s1
    return z2
# %% [distill.progressive_target] P6 ratio of sigmas upside down
with torch.no_grad():
    a0, a1, a2 = [column(a, z_t) for a in alphas]
    s0, s1, s2 = [column(s, z_t) for s in sigmas]
    x0 = teacher(z_t, times[0])
    z1 = a1 * x0 + s1 * (z_t - a0 * x0) / s0
    x1 = teacher(z1, times[1])
    z2 = a2 * x1 + s2 * (z1 - a1 * x1) / s1
    return (z2 - s0 / s2 * z_t) / (a2 - s0 / s2 * a0)
# %% [distill.progressive_target] P7 alpha of t' in the denominator
with torch.no_grad():
    a0, a1, a2 = [column(a, z_t) for a in alphas]
    s0, s1, s2 = [column(s, z_t) for s in sigmas]
    x0 = teacher(z_t, times[0])
    z1 = a1 * x0 + s1 * (z_t - a0 * x0) / s0
    x1 = teacher(z1, times[1])
    z2 = a2 * x1 + s2 * (z1 - a1 * x1) / s1
    return (z2 - s2 / s0 * z_t) / (a2 - s2 / s0 * a1)
# %% [distill.progressive_target] P8 plus in the denominator
with torch.no_grad():
    a0, a1, a2 = [column(a, z_t) for a in alphas]
    s0, s1, s2 = [column(s, z_t) for s in sigmas]
    x0 = teacher(z_t, times[0])
    z1 = a1 * x0 + s1 * (z_t - a0 * x0) / s0
    x1 = teacher(z1, times[1])
    z2 = a2 * x1 + s2 * (z1 - a1 * x1) / s1
    return (z2 - s2 / s0 * z_t) / (a2 + s2 / s0 * a0)
# %% [distill.progressive_target] P10 gradient kept
a0, a1, a2 = [column(a, z_t) for a in alphas]
s0, s1, s2 = [column(s, z_t) for s in sigmas]
x0 = teacher(z_t, times[0])
z1 = a1 * x0 + s1 * (z_t - a0 * x0) / s0
x1 = teacher(z1, times[1])
z2 = a2 * x1 + s2 * (z1 - a1 * x1) / s1
return (z2 - s2 / s0 * z_t) / (a2 - s2 / s0 * a0)
# %% [distill.progressive_target] P12 sigma from alpha: sqrt(1 - alpha^2)
with torch.no_grad():
    a0, a1, a2 = [column(a, z_t) for a in alphas]
    s0, s1, s2 = [(1 - a**2).clamp(min=1e-8).sqrt() for a in (a0, a1, a2)]
    x0 = teacher(z_t, times[0])
    z1 = a1 * x0 + s1 * (z_t - a0 * x0) / s0
    x1 = teacher(z1, times[1])
    z2 = a2 * x1 + s2 * (z1 - a1 * x1) / s1
    return (z2 - s2 / s0 * z_t) / (a2 - s2 / s0 * a0)
# %% [distill.progressive_target] P14 teacher read as a noise predictor
with torch.no_grad():
    a0, a1, a2 = [column(a, z_t) for a in alphas]
    s0, s1, s2 = [column(s, z_t) for s in sigmas]
    x0 = teacher(z_t, times[0])
    z1 = a1 * (z_t - s0 * x0) / a0.clamp(min=1e-4) + s1 * x0
    x1 = teacher(z1, times[1])
    z2 = a2 * (z1 - s1 * x1) / a1 + s2 * x1
    return (z2 - s2 / s0 * z_t) / (a2 - s2 / s0 * a0)
# %% [distill.progressive_target] P15 clamps x-hat to [-1, 1] as notebook 07's DDIM
with torch.no_grad():
    a0, a1, a2 = [column(a, z_t) for a in alphas]
    s0, s1, s2 = [column(s, z_t) for s in sigmas]
    x0 = teacher(z_t, times[0]).clamp(-1, 1)
    z1 = a1 * x0 + s1 * (z_t - a0 * x0) / s0
    x1 = teacher(z1, times[1]).clamp(-1, 1)
    z2 = a2 * x1 + s2 * (z1 - a1 * x1) / s1
    return (z2 - s2 / s0 * z_t) / (a2 - s2 / s0 * a0)
# %% [distill.guidance_target] G1 the paper's other convention: uncond + w (cond - uncond)
with torch.no_grad():
    cond = teacher(x_t, t, y)
    uncond = teacher(x_t, t, None)
    w = column(w, x_t)
    return uncond + w * (cond - uncond)
# %% [distill.guidance_target] G2 difference turned round
with torch.no_grad():
    cond = teacher(x_t, t, y)
    uncond = teacher(x_t, t, None)
    w = column(w, x_t)
    return cond + w * (uncond - cond)
# %% [distill.guidance_target] G3 gradient kept
cond = teacher(x_t, t, y)
uncond = teacher(x_t, t, None)
w = column(w, x_t)
return cond + w * (cond - uncond)
# %% [distill.guidance_target] G4 mean weight for the whole batch
with torch.no_grad():
    cond = teacher(x_t, t, y)
    uncond = teacher(x_t, t, None)
    w = w.mean()
    return cond + w * (cond - uncond)
# %% [distill.guidance_target] G5 w broadcast over the last axis
with torch.no_grad():
    cond = teacher(x_t, t, y)
    uncond = teacher(x_t, t, None)
    w = w
    return cond + w * (cond - uncond)
# %% [distill.guidance_target] G6 only cond is scaled: (1 + w) cond - uncond
with torch.no_grad():
    cond = teacher(x_t, t, y)
    uncond = teacher(x_t, t, None)
    w = column(w, x_t)
    return (1 + w) * cond - uncond
# %% [distill.guidance_target] G7 zeros instead of None for no condition
with torch.no_grad():
    cond = teacher(x_t, t, y)
    uncond = teacher(x_t, t, torch.zeros_like(y))
    w = column(w, x_t)
    return cond + w * (cond - uncond)
# %% [distill.consistency_parametrisation] C1 c_out with t - t_min under the root too
t = column(t, x)
c_skip = sigma_data**2 / ((t - t_min) ** 2 + sigma_data**2)
c_out = sigma_data * (t - t_min) / (sigma_data**2 + (t - t_min) ** 2).sqrt()
return c_skip * x + c_out * F
# %% [distill.consistency_parametrisation] C2 t instead of t - t_min everywhere (EDM's own preconditioning)
t = column(t, x)
c_skip = sigma_data**2 / ((t) ** 2 + sigma_data**2)
c_out = sigma_data * (t) / (sigma_data**2 + t**2).sqrt()
return c_skip * x + c_out * F
# %% [distill.consistency_parametrisation] C3 root forgotten in c_out
t = column(t, x)
c_skip = sigma_data**2 / ((t - t_min) ** 2 + sigma_data**2)
c_out = sigma_data * (t - t_min) / (sigma_data**2 + t**2)
return c_skip * x + c_out * F
# %% [distill.consistency_parametrisation] C4 c_skip with a root
t = column(t, x)
c_skip = sigma_data**2 / ((t - t_min) ** 2 + sigma_data**2).sqrt()
c_out = sigma_data * (t - t_min) / (sigma_data**2 + t**2).sqrt()
return c_skip * x + c_out * F
# %% [distill.consistency_parametrisation] C5 F and x swapped
t = column(t, x)
c_skip = sigma_data**2 / ((t - t_min) ** 2 + sigma_data**2)
c_out = sigma_data * (t - t_min) / (sigma_data**2 + t**2).sqrt()
return c_skip * F + c_out * x
# %% [distill.consistency_parametrisation] C6 sigma_data 0.5 hard-coded
t = column(t, x)
sigma_data = 0.5
c_skip = sigma_data**2 / ((t - t_min) ** 2 + sigma_data**2)
c_out = sigma_data * (t - t_min) / (sigma_data**2 + t**2).sqrt()
return c_skip * x + c_out * F
# %% [distill.consistency_parametrisation] C7 t_min 0.002 hard-coded
t = column(t, x)
c_skip = sigma_data**2 / ((t - 0.002) ** 2 + sigma_data**2)
c_out = sigma_data * (t - 0.002) / (sigma_data**2 + t**2).sqrt()
return c_skip * x + c_out * F
# %% [distill.consistency_parametrisation] C8 no column: t along the last axis
c_skip = sigma_data**2 / ((t - t_min) ** 2 + sigma_data**2)
c_out = sigma_data * (t - t_min) / (sigma_data**2 + t**2).sqrt()
return c_skip * x + c_out * F
# %% [distill.consistency_loss] L1 no stop-gradient on the target
x_t = x + column(t, x) * noise
x_next = x + column(t_next, x) * noise
goal = target(x_next, t_next)
return (student(x_t, t) - goal).square().mean()
# %% [distill.consistency_loss] L2 fresh noise for the second point
x_t = x + column(t, x) * noise
x_next = x + column(t_next, x) * torch.randn_like(noise)
with torch.no_grad():
    goal = target(x_next, t_next)
return (student(x_t, t) - goal).square().mean()
# %% [distill.consistency_loss] L3 both networks told the time t
x_t = x + column(t, x) * noise
x_next = x + column(t_next, x) * noise
with torch.no_grad():
    goal = target(x_next, t)
return (student(x_t, t) - goal).square().mean()
# %% [distill.consistency_loss] L4 points exchanged: student at t_next, target at t
x_t = x + column(t, x) * noise
x_next = x + column(t_next, x) * noise
with torch.no_grad():
    goal = target(x_t, t)
return (student(x_next, t_next) - goal).square().mean()
# %% [distill.consistency_loss] L5 sum over features, mean over the batch
x_t = x + column(t, x) * noise
x_next = x + column(t_next, x) * noise
with torch.no_grad():
    goal = target(x_next, t_next)
return (student(x_t, t) - goal).square().flatten(1).sum(1).mean()
# %% [distill.consistency_loss] L6 the straight path: (1 - t) x + t noise
x_t = (1 - column(t, x)) * x + column(t, x) * noise
x_next = (1 - column(t_next, x)) * x + column(t_next, x) * noise
with torch.no_grad():
    goal = target(x_next, t_next)
return (student(x_t, t) - goal).square().mean()
# %% [distill.consistency_loss] L8 both at the same state x_t
x_t = x + column(t, x) * noise
x_next = x + column(t_next, x) * noise
with torch.no_grad():
    goal = target(x_t, t_next)
return (student(x_t, t) - goal).square().mean()
# %% [distill.multistep_consistency_sample] M1 noise of std t, not sqrt(t^2 - t_min^2)
b = len(x_T)
x = f(x_T, times[0].expand(b))
for k in range(1, len(times)):
    x_t = x + times[k] * noises[k - 1]
    x = f(x_t, times[k].expand(b))
return x
# %% [distill.multistep_consistency_sample] M2 t - t_min
b = len(x_T)
x = f(x_T, times[0].expand(b))
for k in range(1, len(times)):
    x_t = x + (times[k] - t_min) * noises[k - 1]
    x = f(x_t, times[k].expand(b))
return x
# %% [distill.multistep_consistency_sample] M4 noise of the time before (off by one)
b = len(x_T)
x = f(x_T, times[0].expand(b))
for k in range(1, len(times)):
    x_t = x + (times[k - 1] ** 2 - t_min**2).sqrt() * noises[k - 1]
    x = f(x_t, times[k].expand(b))
return x
# %% [distill.multistep_consistency_sample] M5 noise put on the start x_T, not on the answer
b = len(x_T)
x = f(x_T, times[0].expand(b))
for k in range(1, len(times)):
    x_t = x_T + (times[k] ** 2 - t_min**2).sqrt() * noises[k - 1]
    x = f(x_t, times[k].expand(b))
return x
# %% [distill.multistep_consistency_sample] M6 last time left out
b = len(x_T)
x = f(x_T, times[0].expand(b))
for k in range(1, len(times) - 1):
    x_t = x + (times[k] ** 2 - t_min**2).sqrt() * noises[k - 1]
    x = f(x_t, times[k].expand(b))
return x
# %% [distill.multistep_consistency_sample] M8 the same first noise each time
b = len(x_T)
x = f(x_T, times[0].expand(b))
for k in range(1, len(times)):
    x_t = x + (times[k] ** 2 - t_min**2).sqrt() * noises[0]
    x = f(x_t, times[k].expand(b))
return x
# %% [distill.multistep_consistency_sample] M9 noises used backwards
b = len(x_T)
x = f(x_T, times[0].expand(b))
for k in range(1, len(times)):
    x_t = x + (times[k] ** 2 - t_min**2).sqrt() * noises[-k]
    x = f(x_t, times[k].expand(b))
return x
# %% [distill.multistep_consistency_sample] M10 first evaluation left out: noise straight onto x_T
b = len(x_T)
x = x_T
for k in range(1, len(times)):
    x_t = x + (times[k] ** 2 - t_min**2).sqrt() * noises[k - 1]
    x = f(x_t, times[k].expand(b))
return x
# %% [distill.multistep_consistency_sample] M11 f told the time before
b = len(x_T)
x = f(x_T, times[0].expand(b))
for k in range(1, len(times)):
    x_t = x + (times[k] ** 2 - t_min**2).sqrt() * noises[k - 1]
    x = f(x_t, times[k - 1].expand(b))
return x
# %% [distill.multistep_consistency_sample] M12 noise of the difference between neighbouring times
b = len(x_T)
x = f(x_T, times[0].expand(b))
for k in range(1, len(times)):
    x_t = x + (times[k - 1] ** 2 - times[k] ** 2).sqrt() * noises[k - 1]
    x = f(x_t, times[k].expand(b))
return x
