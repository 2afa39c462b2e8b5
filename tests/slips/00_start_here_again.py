# %% [start.train_step] gradients never zeroed
x, y = batch
x, y = x.to(device), y.to(device)
loss = loss_fn(model(x), y)
loss.backward()
optimizer.step()
return loss.item()

# %% [start.train_step] zeroed between backward and step
x, y = batch
x, y = x.to(device), y.to(device)
loss = loss_fn(model(x), y)
loss.backward()
optimizer.zero_grad()
optimizer.step()
return loss.item()

# %% [start.train_step] zeroed at the end, after step
x, y = batch
x, y = x.to(device), y.to(device)
loss = loss_fn(model(x), y)
loss.backward()
optimizer.step()
optimizer.zero_grad()
return loss.item()

# %% [start.train_step] loss arguments swapped
x, y = batch
x, y = x.to(device), y.to(device)
optimizer.zero_grad()
loss = loss_fn(y, model(x))
loss.backward()
optimizer.step()
return loss.item()

# %% [start.train_step] returns a detached tensor
x, y = batch
x, y = x.to(device), y.to(device)
optimizer.zero_grad()
loss = loss_fn(model(x), y)
loss.backward()
optimizer.step()
return loss.detach()

# %% [start.train_step] loss computed again after the step
x, y = batch
x, y = x.to(device), y.to(device)
optimizer.zero_grad()
loss = loss_fn(model(x), y)
loss.backward()
optimizer.step()
with torch.no_grad():
    loss = loss_fn(model(x), y)
return loss.item()

# %% [start.train_step] step before backward
x, y = batch
x, y = x.to(device), y.to(device)
optimizer.zero_grad()
loss = loss_fn(model(x), y)
optimizer.step()
loss.backward()
return loss.item()

# %% [start.train_step] forgot optimizer.step
x, y = batch
x, y = x.to(device), y.to(device)
optimizer.zero_grad()
loss = loss_fn(model(x), y)
loss.backward()
return loss.item()

# %% [start.train_step] .to(device) without keeping the result
x, y = batch
x.to(device)
y.to(device)
optimizer.zero_grad()
loss = loss_fn(model(x), y)
loss.backward()
optimizer.step()
return loss.item()

# %% [start.train_step] softmax on the prediction
x, y = batch
x, y = x.to(device), y.to(device)
optimizer.zero_grad()
loss = loss_fn(model(x).softmax(dim=1), y)
loss.backward()
optimizer.step()
return loss.item()

# %% [start.train_step] cross-entropy hard-coded, loss_fn ignored
x, y = batch
x, y = x.to(device), y.to(device)
optimizer.zero_grad()
loss = F.cross_entropy(model(x), y)
loss.backward()
optimizer.step()
return loss.item()

# %% [start.train_step] loss divided by the batch size in the return
x, y = batch
x, y = x.to(device), y.to(device)
optimizer.zero_grad()
loss = loss_fn(model(x), y)
loss.backward()
optimizer.step()
return loss.item() / len(x)

# %% [start.train_step] forward under no_grad, requires_grad_ to silence the error
x, y = batch
x, y = x.to(device), y.to(device)
optimizer.zero_grad()
with torch.no_grad():
    prediction = model(x)
loss = loss_fn(prediction, y)
loss.requires_grad_(True)
loss.backward()
optimizer.step()
return loss.item()

# %% [start.train_step] gradient clipping out of habit
x, y = batch
x, y = x.to(device), y.to(device)
optimizer.zero_grad()
loss = loss_fn(model(x), y)
loss.backward()
torch.nn.utils.clip_grad_norm_(model.parameters(), 0.1)
optimizer.step()
return loss.item()

# %% [start.rel_error] mean instead of the largest
x, y = torch.as_tensor(x), torch.as_tensor(y)
return ((x - y).abs() / (x.abs() + y.abs()).clamp(min=1e-10)).mean().item()

# %% [start.rel_error] largest difference over the largest size
x, y = torch.as_tensor(x), torch.as_tensor(y)
return ((x - y).abs().max() / max(1e-10, (x.abs() + y.abs()).max())).item()

# %% [start.rel_error] floor added instead of taken as a maximum
x, y = torch.as_tensor(x), torch.as_tensor(y)
return ((x - y).abs() / (x.abs() + y.abs() + 1e-10)).max().item()

# %% [start.rel_error] no floor
x, y = torch.as_tensor(x), torch.as_tensor(y)
return ((x - y).abs() / (x.abs() + y.abs())).max().item()

# %% [start.rel_error] larger of the two instead of their sum
x, y = torch.as_tensor(x), torch.as_tensor(y)
return ((x - y).abs() / torch.maximum(x.abs(), y.abs()).clamp(min=1e-10)).max().item()

# %% [start.rel_error] absolute value of the sum in the divisor
x, y = torch.as_tensor(x), torch.as_tensor(y)
return ((x - y).abs() / (x + y).abs().clamp(min=1e-10)).max().item()

# %% [start.rel_error] no absolute value in the numerator
x, y = torch.as_tensor(x), torch.as_tensor(y)
return ((x - y) / (x.abs() + y.abs()).clamp(min=1e-10)).max().item()

# %% [start.rel_error] torch.Tensor / float: 64 bits become 32
x = torch.as_tensor(x).float()
y = torch.as_tensor(y).float()
return ((x - y).abs() / (x.abs() + y.abs()).clamp(min=1e-10)).max().item()

# %% [start.rel_error] floor 1e-8, as in cs231n
x, y = np.asarray(x), np.asarray(y)
return float(np.max(np.abs(x - y) / np.maximum(1e-8, np.abs(x) + np.abs(y))))

# %% [start.rel_error] in place: x -= y
x, y = torch.as_tensor(x), torch.as_tensor(y)
size = (x.abs() + y.abs()).clamp(min=1e-10)
x -= y
return (x.abs_() / size).max().item()

# %% [start.rel_error] returns a tensor, not a number
x, y = torch.as_tensor(x), torch.as_tensor(y)
return ((x - y).abs() / (x.abs() + y.abs()).clamp(min=1e-10)).max()
