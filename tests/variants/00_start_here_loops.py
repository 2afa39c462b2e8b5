# %% [start.train_step] gradients zeroed by hand, and a closure
batch = [torch.Tensor.to(part, device) for part in batch]
losses = []


def closure():
    for p in model.parameters():
        p.grad = None
    loss = loss_fn(model.forward(batch[0]), batch[1])
    loss.backward()
    losses.append(loss.item())
    return loss


optimizer.step(closure)
return losses[-1]

# %% [start.rel_error] a loop over the elements
worst = 0.0
for a, b in zip(x.reshape(-1).tolist(), y.reshape(-1).tolist()):
    worst = max(worst, abs(a - b) / max(1e-10, abs(a) + abs(b)))
return worst
