# %% [start.train_step] 01 never zeroes the gradients
x, y = batch
x, y = x.to(device), y.to(device)
pred = model(x)
loss = loss_fn(pred, y)
loss.backward()
optimizer.step()
return loss.item()

# %% [start.train_step] 02 zeroes between backward and step
x, y = batch
x, y = x.to(device), y.to(device)
pred = model(x)
loss = loss_fn(pred, y)
loss.backward()
optimizer.zero_grad()
optimizer.step()
return loss.item()

# %% [start.train_step] 03 zeroes only at the end, after the step: what lay there before counts
x, y = batch[0].to(device), batch[1].to(device)
loss = loss_fn(model(x), y)
loss.backward()
optimizer.step()
optimizer.zero_grad()
return loss.item()

# %% [start.train_step] 04 optimizer.zero_grad without the parentheses
x, y = batch
x = x.to(device)
y = y.to(device)
optimizer.zero_grad
out = model(x)
loss = loss_fn(out, y)
loss.backward()
optimizer.step()
return loss.item()

# %% [start.train_step] 05 loss_fn(y, prediction)
x, y = batch
x, y = x.to(device), y.to(device)
optimizer.zero_grad()
pred = model(x)
loss = loss_fn(y, pred)
loss.backward()
optimizer.step()
return loss.item()

# %% [start.train_step] 06 returns the loss tensor with its graph
x, y = batch
x, y = x.to(device), y.to(device)
optimizer.zero_grad()
loss = loss_fn(model(x), y)
loss.backward()
optimizer.step()
return loss

# %% [start.train_step] 07 returns loss.detach(), still a tensor
x, y = batch
x, y = x.to(device), y.to(device)
optimizer.zero_grad()
loss = loss_fn(model(x), y)
loss.backward()
optimizer.step()
return loss.detach()

# %% [start.train_step] 08 returns loss.item without the parentheses
x, y = batch
x, y = x.to(device), y.to(device)
optimizer.zero_grad()
loss = loss_fn(model(x), y)
loss.backward()
optimizer.step()
return loss.item

# %% [start.train_step] 09 x.to(device), y.to(device) not assigned
x, y = batch
x.to(device)
y.to(device)
optimizer.zero_grad()
pred = model(x)
loss = loss_fn(pred, y)
loss.backward()
optimizer.step()
return loss.item()

# %% [start.train_step] 10 moves x but forgets y
x, y = batch
x = x.to(device)
optimizer.zero_grad()
pred = model(x)
loss = loss_fn(pred, y)
loss.backward()
optimizer.step()
return loss.item()

# %% [start.train_step] 11 moves the model instead of the batch
model.to(device)
x, y = batch
optimizer.zero_grad()
pred = model(x)
loss = loss_fn(pred, y)
loss.backward()
optimizer.step()
return loss.item()

# %% [start.train_step] 12 forgets optimizer.step()
x, y = batch
x, y = x.to(device), y.to(device)
optimizer.zero_grad()
pred = model(x)
loss = loss_fn(pred, y)
loss.backward()
return loss.item()

# %% [start.train_step] 13 step before backward
x, y = batch
x, y = x.to(device), y.to(device)
optimizer.zero_grad()
pred = model(x)
loss = loss_fn(pred, y)
optimizer.step()
loss.backward()
return loss.item()

# %% [start.train_step] 14 optimizer.step without the parentheses
x, y = batch
x, y = x.to(device), y.to(device)
optimizer.zero_grad()
loss = loss_fn(model(x), y)
loss.backward()
optimizer.step
return loss.item()

# %% [start.train_step] 15 returns the loss after the step (second forward)
x, y = batch
x, y = x.to(device), y.to(device)
optimizer.zero_grad()
loss = loss_fn(model(x), y)
loss.backward()
optimizer.step()
with torch.no_grad():
    new_loss = loss_fn(model(x), y)
return new_loss.item()

# %% [start.train_step] 16 returns loss times batch size (running-loss habit)
x, y = batch
x, y = x.to(device), y.to(device)
optimizer.zero_grad()
loss = loss_fn(model(x), y)
loss.backward()
optimizer.step()
return loss.item() * x.size(0)

# %% [start.train_step] 17 softmax on the prediction before the loss
x, y = batch
x, y = x.to(device), y.to(device)
optimizer.zero_grad()
probs = torch.softmax(model(x), dim=1)
loss = loss_fn(probs, y)
loss.backward()
optimizer.step()
return loss.item()

# %% [start.train_step] 18 hard-coded F.cross_entropy, loss_fn ignored
x, y = batch
x, y = x.to(device), y.to(device)
optimizer.zero_grad()
logits = model(x)
loss = F.cross_entropy(logits, y)
loss.backward()
optimizer.step()
return loss.item()

# %% [start.train_step] 19 .item() first, then backward on a float
x, y = batch
x, y = x.to(device), y.to(device)
optimizer.zero_grad()
loss = loss_fn(model(x), y).item()
loss.backward()
optimizer.step()
return loss

# %% [start.train_step] 20 own update with a learning rate of 0.1 in place of optimizer.step()
x, y = batch
x, y = x.to(device), y.to(device)
optimizer.zero_grad()
loss = loss_fn(model(x), y)
loss.backward()
with torch.no_grad():
    for p in model.parameters():
        p -= 0.1 * p.grad
return loss.item()

# %% [start.train_step] 21 takes the batch for a loader: for x, y in batch
total = 0.0
for x, y in batch:
    x, y = x.to(device), y.to(device)
    optimizer.zero_grad()
    loss = loss_fn(model(x), y)
    loss.backward()
    optimizer.step()
    total += loss.item()
return total

# %% [start.train_step] 22 divides by the batch size once more (the 1/b of eq. 1)
x, y = batch
x, y = x.to(device), y.to(device)
b = x.shape[0]
optimizer.zero_grad()
loss = loss_fn(model(x), y) / b
loss.backward()
optimizer.step()
return loss.item()

# %% [start.train_step] 23 prints the loss, returns nothing
x, y = batch
x, y = x.to(device), y.to(device)
optimizer.zero_grad()
loss = loss_fn(model(x), y)
loss.backward()
optimizer.step()
print(f"loss: {loss.item():.4f}")

# %% [start.train_step] 24 forward under no_grad, "so that no graph is kept"
x, y = batch
x, y = x.to(device), y.to(device)
optimizer.zero_grad()
with torch.no_grad():
    pred = model(x)
    loss = loss_fn(pred, y)
loss.backward()
optimizer.step()
return loss.item()

# %% [start.train_step] 25 argmax of the logits as the prediction
x, y = batch
x, y = x.to(device), y.to(device)
optimizer.zero_grad()
pred = model(x).argmax(dim=1).float()
loss = loss_fn(pred, y)
loss.backward()
optimizer.step()
return loss.item()

# %% [start.rel_error] 26 mean instead of max
x, y = torch.as_tensor(x), torch.as_tensor(y)
err = (x - y).abs() / (x.abs() + y.abs()).clamp(min=1e-10)
return err.mean().item()

# %% [start.rel_error] 27 no absolute value in the numerator
x, y = torch.as_tensor(x), torch.as_tensor(y)
err = (x - y) / (x.abs() + y.abs()).clamp(min=1e-10)
return err.max().item()

# %% [start.rel_error] 28 floor added, not taken as a maximum
x, y = np.asarray(x), np.asarray(y)
return float(np.max(np.abs(x - y) / (np.abs(x) + np.abs(y) + 1e-10)))

# %% [start.rel_error] 29 denominator |x + y|
x, y = torch.as_tensor(x), torch.as_tensor(y)
return ((x - y).abs() / (x + y).abs().clamp(min=1e-10)).max().item()

# %% [start.rel_error] 30 denominator |y| alone
x, y = np.asarray(x), np.asarray(y)
return float((np.abs(x - y) / np.maximum(1e-10, np.abs(y))).max())

# %% [start.rel_error] 31 denominator max(|x|, |y|), not the sum
x, y = torch.as_tensor(x), torch.as_tensor(y)
den = torch.maximum(x.abs(), y.abs()).clamp(min=1e-10)
return ((x - y).abs() / den).max().item()

# %% [start.rel_error] 32 largest difference over largest sum: one divisor for all
x, y = torch.as_tensor(x), torch.as_tensor(y)
return ((x - y).abs().max() / max(1e-10, (x.abs() + y.abs()).max())).item()

# %% [start.rel_error] 33 floor forgotten
x, y = np.asarray(x), np.asarray(y)
return float(np.max(np.abs(x - y) / (np.abs(x) + np.abs(y))))

# %% [start.rel_error] 34 floor 1e-8 (from CS231n)
x, y = np.asarray(x), np.asarray(y)
return float(np.max(np.abs(x - y) / (np.maximum(1e-8, np.abs(x) + np.abs(y)))))

# %% [start.rel_error] 35 returns a tensor with one element
x, y = torch.as_tensor(x), torch.as_tensor(y)
return ((x - y).abs() / (x.abs() + y.abs()).clamp(min=1e-10)).max()

# %% [start.rel_error] 36 works for tensors only
num = (x - y).abs()
den = (x.abs() + y.abs()).clamp(min=1e-10)
return (num / den).max().item()

# %% [start.rel_error] 37 x -= y in place, through as_tensor the caller's memory
x, y = torch.as_tensor(x), torch.as_tensor(y)
den = (x.abs() + y.abs()).clamp(min=1e-10)
x -= y
return (x.abs() / den).max().item()

# %% [start.rel_error] 38 Python's max(1e-10, tensor)
x, y = torch.as_tensor(x), torch.as_tensor(y)
return ((x - y).abs() / max(1e-10, x.abs() + y.abs())).max().item()

# %% [start.rel_error] 39 clamp(max=1e-10): a ceiling
x, y = torch.as_tensor(x), torch.as_tensor(y)
den = torch.clamp(x.abs() + y.abs(), max=1e-10)
return torch.max((x - y).abs() / den).item()

# %% [start.rel_error] 40 both made float32: doubles lose their digits
x = torch.as_tensor(x).float()
y = torch.as_tensor(y).float()
return ((x - y).abs() / (x.abs() + y.abs()).clamp(min=1e-10)).max().item()
