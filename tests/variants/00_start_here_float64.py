# %% [start.train_step] the loss in float64, zeros in the place of None, the model told to train
x, y = batch[0].to(device), batch[1].to(device)
model.train()
prediction = model(x)
optimizer.zero_grad(set_to_none=False)
loss = loss_fn(prediction.double(), y)
loss.backward()
optimizer.step()
return loss.detach().cpu().numpy().item()

# %% [start.rel_error] float64 inside, and a number of numpy's 64 bits, which is a float
x, y = (torch.as_tensor(part).double() for part in (x, y))
return np.float64(torch.max(torch.div(torch.abs(x - y), torch.clamp_min(torch.abs(x) + torch.abs(y), 1e-10))))
