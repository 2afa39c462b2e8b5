# %% [start.train_step] every argument by its name
x, y = batch
x, y = x.to(device=device, non_blocking=True), y.to(device=device, non_blocking=True)
optimizer.zero_grad(set_to_none=True)
loss = loss_fn(input=model(x), target=y)
loss.backward(retain_graph=False)
optimizer.step(closure=None)
return loss.item()

# %% [start.rel_error] every argument by its name
x, y = np.asarray(a=x), np.asarray(a=y)
quotient = np.divide(np.abs(x - y), np.clip(np.abs(x) + np.abs(y), a_min=1e-10, a_max=None))
return float(np.amax(quotient, axis=None))
