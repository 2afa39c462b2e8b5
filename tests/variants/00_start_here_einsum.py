# %% [start.train_step] gradients asked for by torch.autograd.grad
images, labels = (part.to(device) for part in batch)
weights = [p for group in optimizer.param_groups for p in group["params"]]
loss = loss_fn(model(images), labels)
for p, gradient in zip(weights, torch.autograd.grad(loss, weights)):
    p.grad = gradient
optimizer.step()
return float(loss.detach())

# %% [start.rel_error] numpy
x, y = np.asarray(x), np.asarray(y)
return np.max(np.abs(x - y) / np.maximum(1e-10, np.abs(x) + np.abs(y))).item()
