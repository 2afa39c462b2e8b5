# %% [markdown]
# # 00 · Start here
#
# In five minutes a network will read handwriting, and the step that teaches it will be yours. The same step trains
# everything in this course: networks that count, networks that compress, networks that draw digits out of noise.
# After those minutes comes what you can look up later: what a check says, a map of the course, its notation.
#
# **When you are done, you can**
#
# - write one step of training, and say what each of its six parts is for;
# - read a loss: what it is before anything was learned, and how it looks when the step is too long;
# - say how far apart two results are, and how close two right ones can be;
# - read what a check says, and know what is graded.
#
# **Time:** about an hour: two exercises (15 minutes), three questions, a puzzle, and the reading. The reference pages at
# the end are for later.
#
# **Before it:** Python, a little PyTorch (tensors, `nn.Module`), and what a gradient is.
#
# Run the cells from top to bottom with Shift+Enter. Where you meet a `TODO`, write; the cell below checks it.

# %% tags=["setup"]
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from course_utils.check import Unfinished, check

device = torch.device("cuda" if torch.cuda.is_available() else "cpu")  # a GPU where there is one

# %% tags=["demo", "nbval-ignore-output"]
from course_utils import data, diagrams, environment, plot, puzzles, widgets

print(environment.report())  # what is here, and a sentence for whatever is not

# %% [markdown]
# ## 1 · Five minutes
#
# Here are ten of five thousand digits that people wrote by hand. Nobody can write down a rule that tells a 3 from an
# 8. But from examples it can be learned.

# %% tags=["demo"]
images, labels = data.mnist("train", full=False)  # (4500, 1, 28, 28) in [0, 1], and (4500,) in 0 … 9
held_out, answers = data.mnist("test", full=False)  # 500 more, which no training sees
one_of_each = torch.stack([(answers == k).nonzero()[3, 0] for k in range(10)])
plot.show(plot.images(held_out[one_of_each], titles=[str(k) for k in range(10)]),
          alt="A handwritten digit of each class, 0 to 9.")

# %% [markdown]
# A network takes a picture and gives ten numbers, its **logits**, one for each class: the larger, the more it
# believes in that class. The **loss** is one number that says how badly a whole batch of pictures was read; small is
# good. Its gradient says in which direction each weight should move, and a step against it makes the loss smaller:
#
# $$\theta \leftarrow \theta - \eta\, \nabla_\theta\, \frac{1}{b} \sum_{i=1}^{b} \ell\big(f_\theta(x_i),\, y_i\big) \tag{1}$$
#
# $\theta$ are all weights together, $b$ is the size of the batch, $\eta$ the **learning rate**. In PyTorch one such
# step has six parts. They go in this order; only the second may stand anywhere before the fifth:
#
# 1. **move** the pictures $x$ and the answers $y$ to the device where the network lives;
# 2. **zero** the gradients: PyTorch adds new ones to whatever still lies there;
# 3. **forward**: the network's prediction for $x$;
# 4. **loss**: prediction first, answers second;
# 5. **backward**: the gradient of the loss for every weight;
# 6. **step**: the optimizer moves the weights.
#
# **Exercise 1** · easy · 5 minutes
#
# <details><summary><b>Stuck?</b></summary>
#
# Begin by taking the batch apart into its two tensors. A tensor has a method that gives a copy of it on another device;
# an optimizer has two methods that you need, one for part 2 and one for part 6. A loss is a tensor with a history
# and has the method of part 5; a method of its own makes a plain number of a tensor that holds one.
#
# </details>

# %% task="start.train_step"
def train_step(model, optimizer, loss_fn, batch, device):
    """One step of training, eq. (1).

    Args:
        model: The network, called as model(x).
        optimizer: Holds the model's weights and moves them.
        loss_fn: Called as loss_fn(prediction, y); gives a tensor with one number.
        batch: (x, y), two tensors, perhaps not on the device yet.
        device: Where the model is.

    Returns:
        float: The loss of this batch before the step, a plain number.
    """
    ####################################################################
    # TODO: the six parts. About 7 lines.                              #
    # Gradients that lie there from before must not count. What comes  #
    # back is a plain number: a tensor would keep the whole graph of   #
    # the step in memory.                                              #
    ####################################################################
    ### BEGIN SOLUTION
    x, y = batch
    x, y = x.to(device), y.to(device)
    optimizer.zero_grad()
    prediction = model(x)
    loss = loss_fn(prediction, y)
    loss.backward()
    optimizer.step()
    return loss.item()
    ### END SOLUTION
    ####################################################################
    #                       END OF YOUR CODE                           #
    ####################################################################

# %% check="start.train_step"
check("start.train_step")

# %% [markdown]
# That was all of it. Now 350 of your steps, with 64 digits each, on a network of two layers.

# %% tags=["demo"]
from functools import cache

KEEP = [0, 1, 2, 5, 10, 20, 50, 100, 200, 350]  # steps after which we look


@cache
def learn(rate, steps=350):
    """A classifier, its loss in each step, and its probabilities (500, 10) of the held-out digits along the way."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(784, 64), nn.ReLU(), nn.Linear(64, 10)).to(device)
    optimizer, losses, seen = torch.optim.SGD(model.parameters(), lr=rate), [], {}
    batches = torch.randint(len(images), (steps, 64), generator=torch.Generator().manual_seed(0))
    for step in range(steps + 1):
        if step in KEEP:
            with torch.no_grad():
                seen[step] = model(held_out.to(device)).softmax(dim=1).cpu()
        if step < steps:
            batch = images[batches[step]], labels[batches[step]]
            losses.append(train_step(model, optimizer, F.cross_entropy, batch, device))
    return model, torch.tensor(losses), seen

# %% tags=["demo", "nbval-ignore-output"]
_, losses, seen = learn(0.3)
accuracy = {step: (p.argmax(dim=1) == answers).float().mean().item() for step, p in seen.items()}

fig, (left, right) = plot.figure(columns=2)
left.plot(losses)
left.set(xlabel="training step", ylabel="loss", ylim=(0, None))
right.plot(list(accuracy), list(accuracy.values()), marker="o")
right.set(xlabel="training step", ylabel="share read rightly", ylim=(0, 1))
plot.show(fig, alt="Left: the loss falls from 2.3, fast at first, and jitters from batch to batch. Right: the share "
                   "of held-out digits that are read rightly climbs from a tenth to above nine tenths.")
print(f"read rightly: {accuracy[0]:.0%} before, {accuracy[350]:.0%} after")

# %% [markdown]
# The curve at the left is what your function returned. The one at the right is what we wanted: digits that the network
# has never seen. Watch it learn. Each column is one held-out digit; its bars say how probable the network finds each
# class, and the bar of the right one is dark. **Before you move it, guess:** after how many steps is most of the row
# read rightly, and which digit comes last?

# %% tags=["demo", "nbval-ignore-output"]
def reading(step):
    probabilities = learn(0.3)[2][step]
    return plot.predictions(held_out[one_of_each], probabilities[one_of_each], answers[one_of_each])


widgets.explore(reading, caption=lambda step: f"What the network reads after {step} step{'s' * (step != 1)}; a cross: misread.",
                step=widgets.Control(KEEP, default=20))

# %% [markdown]
# **Question 1.** The loss here is the mean of $-\log p(\text{right class})$, in natural logarithms. It begins close
# to 2.3. Where does this number come from? And what would you think of a network of ten classes that begins at 20?

# %% [markdown] question="start.1"
# A network that knows nothing gives each of ten classes the probability $\frac{1}{10}$, whatever the picture, and
# $-\log\frac{1}{10} = \log 10 = 2.303$. Fresh weights are small, so all logits are near 0 and the softmax is near
# uniform: the loss must begin there.
#
# At 20 the right class has, typically, the probability $e^{-20}$: the network is certain, and wrong. It cannot know
# anything yet, so its certainty comes from its scale: weights that are far too large, or inputs in 0 … 255 instead of
# $[0, 1]$. The first loss is a free test of a new network: compare it with $\log(\text{number of classes})$ before
# you train for an hour.
#
# **Rubric** (½ points allowed)
#
# - 2 points: uniform probabilities, hence $\log 10$.
# - 2 points: 20 means confident and wrong.
# - 1 point: a cause (scale of weights or inputs, wrong labels) or the use as a test.

# %% [markdown]
# **The length of a step.** Equation (1) says in which direction to go. How far is up to you. The same training, with
# learning rates from 0.001 to 3:

# %% tags=["demo"]
RATES = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0]


def smooth(rate):
    """The loss over the training, each value the mean of ten steps."""
    return learn(rate)[1].unfold(0, 10, 1).mean(dim=1)

# %% [markdown]
# The training above went at 0.3. **Before you move it, guess:** which is worse, a tenth of this rate or ten times as
# much, and what does the loss look like at either?

# %% tags=["demo", "nbval-ignore-output"]
def at_rate(rate):
    fig, axes = plot.figure()
    for other in RATES:
        axes.plot(smooth(other), color=plot.SHADE, linewidth=0.8, linestyle="-")
    axes.plot(smooth(rate), color=plot.INK, linestyle="-", label=f"learning rate {rate:g} (grey: the others)")
    axes.set(xlabel="training step", ylabel="loss", ylim=(0, 7.5))
    axes.legend(loc="upper right")
    return fig


widgets.explore(at_rate, rate=widgets.Control(RATES, default=0.1, label="learning rate"),
                caption=lambda rate: f"Learning rate {rate:g}: the last ten steps' loss is {smooth(rate)[-1]:.2f}.")

# %% [markdown]
# A step that is too long is seen at once: the loss jumps above where it began. At the rate 3 it comes down again, and
# then lies as flat as at 0.001. The cause is another one. At 0.001 the weights hardly move. At 3 the first steps threw
# them so far that almost every hidden unit gives 0 for every digit; no gradient comes back through a ReLU that gives 0,
# so nothing can bring them home.
#
# ## 2 · When are two numbers the same?
#
# You wrote one thing and we wrote another; computers round; so your numbers and ours differ in the last digits, and
# both are right. A difference of 0.001 is nothing beside 1,000 and everything beside 0.0001. So it is measured in
# units of the numbers themselves:
#
# $$\mathrm{error}(x, y) = \max_i \frac{|x_i - y_i|}{\max\big(10^{-10},\ |x_i| + |y_i|\big)} \tag{2}$$
#
# It is 0 for equal numbers and 1 for a number and its negative. The floor $10^{-10}$ is there for $0$ against $0$.
#
# **Exercise 2** · easy · 10 minutes

# %% task="start.rel_error"
def rel_error(x, y):
    """The relative error of eq. (2), the largest over all elements.

    Args:
        x, y: Two tensors of one shape, or two numpy arrays of one shape.

    Returns:
        float: A number of Python, for tensors and for arrays.
    """
    ####################################################################
    # TODO: eq. (2). About 3 lines. Make one kind of both first, then  #
    # it is the same for tensors and arrays. Leave x and y as they     #
    # are; they keep their precision.                                  #
    ####################################################################
    ### BEGIN SOLUTION
    x, y = torch.as_tensor(x), torch.as_tensor(y)
    size = (x.abs() + y.abs()).clamp(min=1e-10)
    return ((x - y).abs() / size).max().item()
    ### END SOLUTION
    ####################################################################
    #                       END OF YOUR CODE                           #
    ####################################################################

# %% check="start.rel_error"
check("start.rel_error")

# %% [markdown]
# Put it to use. Is the gradient that `backward` gives the true one? A derivative is a limit, and we can come close to
# it by hand: move one weight by a small $h$ to either side, and see what the loss does.
#
# $$\frac{\partial L}{\partial \theta_k} \approx \frac{L(\theta_k + h) - L(\theta_k - h)}{2h} \tag{3}$$
#
# Here are the ten biases of the last layer, in 32 and in 64 bits, for $h$ from 1 down to $10^{-12}$.

# %% tags=["demo"]
def loss_at(network, shift=0.0):
    """The loss on 500 digits with one vector added to the last layer's biases."""
    logits = network(held_out.to(network[1].weight.dtype)) + shift
    return F.cross_entropy(logits, answers)


def by_hand(network, h):
    """Eq. (3) for each of the ten biases."""
    moves = h * torch.eye(10, dtype=network[1].weight.dtype)
    with torch.no_grad():
        return torch.stack([(loss_at(network, move) - loss_at(network, -move)) / (2 * h) for move in moves])

# %% tags=["demo"]
import copy

sizes, errors = torch.logspace(0, -12, 25).tolist(), {}
for name, dtype in (("32 bits", torch.float32), ("64 bits", torch.float64)):
    network = copy.deepcopy(learn(0.3)[0]).cpu().to(dtype)
    gradient, = torch.autograd.grad(loss_at(network), [network[-1].bias])
    errors[name] = torch.tensor([rel_error(by_hand(network, h), gradient) for h in sizes])
plot.show(plot.curves(sizes, errors, xlabel="h", ylabel="largest relative error", logx=True, logy=True),
          alt="Two curves shaped like a V: the error is smallest near h = 0.03 in 32 bits and near 0.00003 in 64 bits, "
              "and larger on both sides. In 32 bits it is flat at 1 for all h below 0.000003.")

# %% [markdown]
# So `backward` is right: in 64 bits both ways agree to many digits. But not for every $h$. (The flat top at the left
# is no part of the V: there (3) gives 0 for some bias, and (2) is 1 for 0 against anything. The dip at 0.03 is chance.)
#
# **Question 2.** Each curve is a V. Why does the error grow on either side of the best $h$? And why does the V of 64
# bits reach deeper, and further to the left?

# %% [markdown] question="start.2"
# *To the right* the formula itself is wrong: a secant is no tangent. Taylor's series of $L(\theta \pm h)$ loses its
# even terms in the difference, so what is left over is $\frac{h^2}{6} L'''$. It grows with $h^2$: two decades up for
# each decade of $h$.
#
# *To the left* the arithmetic is wrong: $L(\theta + h)$ and $L(\theta - h)$ are nearly equal, each is rounded to a
# relative error $\epsilon$, and their difference keeps the rounding while it loses everything else. Divided by $2h$
# that is about $\epsilon L / h$: it grows as $h$ shrinks. In 32 bits both losses are in the end the same number: error
# 1.
#
# The best $h$ is where both are equal, near $\epsilon^{1/3}$, give or take a factor of ten: 0.005 in 32 bits ($\epsilon
# \approx 10^{-7}$), $10^{-5}$ in 64 ($\epsilon \approx 10^{-16}$). A smaller $\epsilon$ moves the left arm away and
# lets the right one go on falling.
#
# **Rubric** (½ points allowed)
#
# - 2 points: large $h$: the formula is only approximate, with an error of order $h^2$.
# - 2 points: small $h$: rounding of two nearly equal numbers, divided by $h$.
# - 1 point: fewer rounding errors in 64 bits, so the balance lies at a smaller $h$.

# %% [markdown]
# ## 3 · What a check says
#
# A task is one cell with a `TODO` and a box of `#`. Write between its bars, run it, and run the check below. The check
# calls your function with inputs of its own and compares with recorded answers. It says one of three things: passed;
# still to be written; or what is off, what was expected, and, where your answer is a slip that we know, a hint. Here are
# two checks. The first gets your `rel_error`, all numbers in 64 bits, and passes. The second gets your step, but what
# it gives back has been spoiled:

# %% tags=["demo"]
from types import SimpleNamespace

from course_utils.check import CheckFailed


def in_64_bits(*given):
    return rel_error(*(torch.as_tensor(x).double() for x in given))


def spoiled(*given):
    return torch.tensor(train_step(*given))


try:
    check("start.rel_error", SimpleNamespace(rel_error=in_64_bits))
    check("start.train_step", SimpleNamespace(train_step=spoiled))
except CheckFailed as e:
    print(e)

# %% [markdown]
# - A check stands alone: it brings its own version of whatever came earlier, so a red one does not spoil those below.
#   Figures do use your code, and say which check to mend when they cannot be drawn.
# - Nothing breaks when a task is left open. *Run All* goes to the end.
# - After a restart of the kernel run the cells from the top; your answers are text and stay.
# - The number in brackets behind “passed” is a relative error, of all outputs of a task together:
#   $\max_i |x_i - y_i| \,/\, \max_i |y_i|$ with your $x$ and our $y$. It has one divisor for a whole tensor. Where you
#   compute as we do it is 0; above it is rounding.
#
# **What is graded.** Each task counts ten points, or as many as it says: all or nothing, by the very function that
# the check calls, on other numbers. How you wrote it does not matter. Each question counts five; a person grades it, by
# a rubric of three lines. Guesses and puzzles count nothing.
#
# **Files beside a notebook.** You may put functions into `.py` files in the notebook's folder, or in packages there,
# and import them. Hand them in with it. They hold Python text (UTF-8, at most fifty files and a few MiB) and no name of
# an installed package. Data, weights and other notebooks do not travel: grading does not see them.
#
# **Question 3.** Name two results that are both right to within rounding, for which your `rel_error` is large while the
# number in a check's brackets is small. And what can the check's number hide?

# %% [markdown] question="start.3"
# Take $y = (1,\ 10^{-9})$ and $x = (1,\ 3\cdot10^{-9})$, where the second entry is what is left when two numbers close
# to 1 cancel. In 32 bits such a difference is pure rounding. `rel_error` gives $\frac{2}{4} = 0.5$, set by the one
# entry that carries no information; the check's number is $2\cdot10^{-9}$.
#
# After many steps of arithmetic rounding is about as large as the machine's precision times the *largest* numbers on
# the way, whatever the size of the single entry. So a check divides by the largest entry. What it hides is a real
# mistake in small entries beside large ones: a gradient that is wrong in one layer whose weights hardly matter passes
# unnoticed, which is why tensors of different size are judged apart.
#
# **Rubric** (½ points allowed)
#
# - 2 points: an example with an entry near zero beside large ones.
# - 1 point: that entry is rounding only, as where large numbers cancel.
# - 2 points: a real error in small entries is hidden by large ones.

# %% [markdown]
# ## 4 · The map
#
# Sixteen notebooks, from counting to kernels. An arrow leads from what is needed.

# %% tags=["demo"]
plot.show(diagrams.course_map(),
          alt="The map of the course, from 00 at the top to 12, 13 and 14 at the bottom; 10, 11 and 15 a row above.")

# %% [markdown]
# The trunk is 00, 01, 03, 05: from counting over hidden variables to a chain of noise. Then it forks: straight on,
# networks, guidance and pictures from text; to the right, the same model in continuous time. 02, 03 and 04 can be read
# in any order. Whoever is in a hurry for pictures goes straight down.
#
# ## 5 · The direction of time
#
# One convention confuses more readers than any formula, so here it is, drawn once. Time runs from data to noise, in
# every notebook. Sampling walks it backwards.

# %% tags=["demo"]
from course_utils.diffusion.paths import DiscreteVP, cosine_betas

chain, x_start = DiscreteVP(cosine_betas(200)), 2 * held_out[one_of_each[[3]]].repeat(6, 1, 1, 1) - 1
noise = torch.randn(x_start.shape, generator=torch.Generator().manual_seed(1))
noised = chain.add_noise(x_start, torch.tensor([0, 40, 80, 120, 160, 199]), noise)
plot.show(diagrams.arrow_of_time((torch.cat([x_start[:1], noised]) + 1) / 2),
          alt="A digit turns into noise from left to right, as time grows; sampling goes from right to left. Below, "
              "three ways of counting: time from 0 to 1, our index from 0 to T - 1, a paper's t from 0 to T.")

# %% [markdown]
# Our index $t$ is the paper's $t+1$. Index 0 already carries one step of noise, and the data itself is called
# $x_{\text{start}}$, so that no two things are called $x_0$. Papers on flow matching let time run the other way; we do
# not.
#
# ## 6 · To look up
#
# Four pages, folded, for the day when you need them.
#
# <details><summary><b>Notation</b>: one letter, one meaning</summary>
#
# | written | means |
# | --- | --- |
# | `x_start`, $x_{\text{start}}$ | the data; in $[0, 1]$ on disk and in figures, in $[-1, 1]$ inside a diffusion model |
# | $t$, $T$, $s$ | index $0 \dots T-1$, or a time in $[0, T]$; number of steps; the *earlier* time of a step |
# | $\beta_t$, $\alpha_t = 1 - \beta_t$ | variance that one step adds, and what it keeps (`betas`, `alphas`) |
# | $\bar\alpha_t = \prod_{s \le t} \alpha_s$ | what is left of the data's variance (`alphas_cumprod`); before index 0 it is 1 |
# | a path's `alpha(t)`, `sigma(t)` | factors of data and noise; for the chain $\sqrt{\bar\alpha_t}$ and $\sqrt{1-\bar\alpha_t}$ |
# | $\varepsilon$ (`noise`), $\hat\varepsilon$ (`noise_pred`) | standard normal noise, and its prediction |
# | $v$ | $\alpha(t)\,\varepsilon - \sigma(t)\,x_{\text{start}}$ |
# | $u$, **velocity** | $z - x$ of a straight flow from data $x$ to noise $z$ |
# | $z$ | a code or latent (03, 04, 11); elsewhere standard normal noise; in 14 $z_t$ is the paper's name for $x_t$ |
# | score | $\nabla_x \log p_t(x)$ |
# | $\eta$ | the learning rate in this notebook; from DDIM on, its share of fresh noise |
# | $h$ (`step_size`) | the step of Langevin's dynamics (here, of a difference quotient) |
# | `snr` | in a corrector's step, the size of the score's part over that of the noise's |
# | $\lambda$, `kl_weight`, `decay` | weight of a noise level; a VAE's $\beta$; of a moving average |
# | $\gamma$ (`gamma`) | strength of guidance by a classifier |
# | $w$ (`cfg_scale`) | classifier-free guidance $(1+w)\cdot\text{cond} - w\cdot\text{uncond}$; 0 is plain conditional |
# | `guidance_scale` | $1 + w$; 1 is plain conditional |
# | $y$; `labels` | classes; a network's times or noise levels |
# | nats, bits | losses are in nats unless the name says bits; means over batch and dimensions unless it says sum |
#
# </details>
#
# <details><summary><b>How to read our signatures</b>, in five lines</summary>
#
# - `(b, *)` is a batch of anything: `(b, 2)` points, `(b, c, h, w)` pictures. What works for one must work for the
#   other.
# - `(b,)` is one number a sample, such as its time. Your function shapes it so that it meets the batch, not the width.
# - `-> float` is a plain Python number; `-> (b,)` is a tensor with one number a sample, not their mean.
# - `model_kwargs={}` holds what a network may want to know besides. Read it, hand it on, and never write into it.
# - `noise`, `z`, `generator=None`: randomness comes from outside. A function that is given its noise draws none.
#
# </details>
#
# <details><summary><b>Terms</b>, English and 中文</summary>
#
# | English | 中文 | English | 中文 |
# | --- | --- | --- | --- |
# | generative model | 生成模型 | noise schedule | 噪声调度 |
# | likelihood | 似然 | forward process | 前向过程 |
# | maximum likelihood estimate | 最大似然估计 | reverse process | 反向过程 |
# | prior, posterior | 先验,后验 | denoising | 去噪 |
# | marginal, conditional | 边缘,条件 | sampling | 采样 |
# | entropy, cross-entropy | 熵,交叉熵 | score matching | 得分匹配 |
# | Kullback–Leibler divergence | KL 散度 | Langevin dynamics | 朗之万动力学 |
# | evidence lower bound | 证据下界 | stochastic differential equation | 随机微分方程 |
# | latent variable | 隐变量(潜变量) | probability flow | 概率流 |
# | reparameterisation | 重参数化 | guidance | 引导 |
# | autoregressive model | 自回归模型 | classifier-free guidance | 无分类器引导 |
# | variational autoencoder | 变分自编码器 | latent diffusion | 潜在扩散 |
# | generative adversarial network | 生成对抗网络 | rectified flow, velocity | 整流流,速度 |
# | mode collapse | 模式坍塌 | distillation | 蒸馏 |
# | diffusion model | 扩散模型 | attention | 注意力 |
# | learning rate | 学习率 | gradient | 梯度 |
# | generator, discriminator | 生成器,判别器 | inpainting | 图像修复 |
# | encoder, decoder | 编码器,解码器 | prompt, negative prompt | 提示词,负向提示词 |
# | embedding | 嵌入 | token, text encoder | 词元,文本编码器 |
# | normalisation | 归一化 | cross-attention | 交叉注意力 |
# | residual block, skip connection | 残差块,跳跃连接 | transformer, patch | Transformer,图像块 |
# | moving average of weights | 权重的移动平均 | teacher, student | 教师模型,学生模型 |
# | score function | 得分函数 | consistency model | 一致性模型 |
# | drift, diffusion coefficient | 漂移,扩散系数 | kernel, launch (GPU) | 核函数,启动(GPU) |
# | ordinary differential equation | 常微分方程 | program, grid, block | 程序实例,网格,块 |
# | change of variables | 变量替换 | mask, boundary check | 掩码,边界检查 |
# | trace estimator | 迹估计量 | register, spill | 寄存器,溢出 |
# | bits per dimension | 每维比特数 | memory bandwidth | 内存带宽 |
# | signal-to-noise ratio | 信噪比 | arithmetic intensity, roofline | 算术强度,屋顶线模型 |
# | straightness, reflow | 直线度,重流 | fused kernel, CUDA graph | 融合核函数,CUDA 图 |
# | overfitting, memorisation | 过拟合,记忆 | upstream gradient | 上游梯度 |
# | joint distribution | 联合分布 | Bayes’ rule | 贝叶斯公式 |
# | Markov chain, stationary distribution | 马尔可夫链,平稳分布 | Monte Carlo estimate | 蒙特卡洛估计 |
# | logits, loss | 对数几率,损失 | batch, checkpoint | 批次,检查点 |
# | held-out data | 留出数据 | clamp | 截断 |
# | dequantisation | 去量化 | divergence (of a field) | 散度 |
# | adversarial loss, critic | 对抗损失,评判网络 | spherical interpolation (slerp) | 球面插值 |
# | Fréchet distance | 弗雷歇距离 | kernel distance | 核距离 |
# | ancestral sampling | 祖先采样 | noise level | 噪声水平 |
# | modulation (scale and shift), gate | 调制(缩放与平移),门控 | padding | 填充 |
# | condition, condition dropout | 条件,条件丢弃 | over-saturation | 过饱和 |
# | denoising score matching | 去噪得分匹配 | predictor, corrector | 预测器,校正器 |
# | variance preserving (VP), variance exploding (VE) | 方差保持,方差爆炸 | Fokker–Planck equation | 福克–普朗克方程 |
# | ODE solver | 常微分方程求解器 | marginal velocity | 边缘速度 |
#
# </details>
#
# <details><summary><b>Errata</b>: formulas that well-known lecture notes misprint, and the right ones</summary>
#
# For later: a line helps when you meet its formula in a notebook.
#
# - The posterior mean's weight of the data: $\sqrt{\bar\alpha_{t-1}}\,\beta_t / (1 - \bar\alpha_t)$, with the root,
#   over the whole.
# - $\sigma(t)$ for a share of variance: the share is $\sigma(t)^2 = 1 - \bar\alpha_t$; $\sigma(t)$ is its root.
# - $x_t$ clamped at every step: clamp $\hat x_{\text{start}}$; $x_t$ has every right to leave $[-1, 1]$.
# - The general table, $x_t = a x + b z$ and target $c x + d z$: the row of $\varepsilon$ is $(c, d) = (0, 1)$.
# - The same table's row of $v$, formula against bracket: $v = a z - b x$, so $(c, d) = (-b, a)$.
# - The best velocity at both ends: $z - \mathbb E[x]$ at $t = 1$, and $\mathbb E[z] - x$ at $t = 0$.
# - Logit-normal called log-normal: $t = \mathrm{sigmoid}(m + s\,n)$ with normal $n$, not $e^{m + s n}$.
# - Euler's times `linspace(1, 0, T)` with step $1/T$: the times are $1, 1 - \frac1T, \dots, \frac1T$.
# - An interpolation "from $z_0$": $t z_0 + (1-t) z_1$ begins at $z_1$; from $z_0$ it is $(1-t) z_0 + t z_1$.
# - `cfg_scale` popped from the caller's dict, so that only the first step is guided: read it by `get`, leave it there.
# - The ELBO called negative: $\mathbb E_q[\log p(x \mid z)] - \mathrm{KL}(q \,\|\, p) \le \log p(x)$; the *loss* is
#   minus the ELBO.
# - Latent and observed swapped: $x$ is observed, $z$ is latent, and $p(x) = \int p(x \mid z)\, p(z)\, dz$.
# - The sample $m + e^{\sigma} e$ where the network gives a log-variance: $m + e^{\text{logvar}/2}\, e$.
# - `randn_like` explained as `rand_like`: `randn_like` is $\mathcal N(0, 1)$, `rand_like` uniform on $[0, 1)$.
# - “Grey or colour needs MSE”: the assumed density decides, $-\log p$ of a Gaussian (squares) or a Bernoulli
#   (cross-entropy).
# - `size_average=False`: long gone; `reduction="sum"`.
# - The Exp(1) example's evidence “without closed form”: $p(x) = e^{1/2 - x}\,\Phi(x - 1)$.
# - AdaIN with one $w$ and $b$: one of each *per channel*, $w_c\,(x_c - \mu_c)/\sigma_c + b_c$.
# - The marginal of $Y$ with $X$ on its left: $P\{Y = y_j\} = \sum_i P\{X = x_i,\, Y = y_j\}$.
# - Markov's property conditioned on $k = 0$: the state that counts is the present one, $k = t$.
# - Information “inversely proportional” to probability: it is $-\log p$, not $1/p$.
# - One draw called binomial: it is Bernoulli; binomial is the number of successes in $n$ draws.
#
# </details>
#
# ## Puzzle
#
# Not graded. Three people trained the network of section 1 at the learning rate 0.3. Each had one slip in the step, and
# none saw an error message. The curves are their losses, each point the mean of ten steps.

# %% tags=["demo"]
slipped = {name: curve.unfold(0, 10, 1).mean(dim=1) for name, curve in puzzles.slipped_steps(images, labels).items()}
plot.show(plot.curves(range(len(slipped["A"])), slipped, xlabel="training step", ylabel="loss"),
          alt="Curve A falls slowly from 2.3 and flattens near 1.7; curve B stays at 2.3; curve C begins near 1.65, is "
              "lowest, about 1, near step 20, rises and jumps about, and ends above 2.5 after a peak above 3.")

# %% [markdown]
# The slips are: the gradients are zeroed just before `optimizer.step()`; they are never zeroed; the network's logits go
# through a softmax before a loss that takes logits. Which made which curve?
#
# <details><summary><b>Answer</b></summary>
#
# - **A: softmax before the loss.** `cross_entropy` applies one itself. Probabilities lie between 0 and 1, so the second
#   softmax can never be certain: its loss cannot fall below $-\log\frac{e}{e + 9} = 1.46$, and the gradients are small.
#   The network still learns, which makes this the slip that is found last.
# - **B: zeroed just before the step.** The step sees no gradient, the weights stay, and the loss stays where it began
#   but for the chance of the batch. A flat line at the very start means: nothing moves.
# - **C: never zeroed.** Every step goes along the sum of all gradients so far. At first that is welcome speed, as with
#   momentum; but nothing ever brakes, so it runs past every valley.
#
# </details>
#
# ## Where this goes
#
# The loop that you wrote stays as it is through the whole course; what changes is the loss. The next question is where
# losses come from. Why the mean of $-\log p$, and not something else? Because it makes what was observed as probable as
# possible, and that idea, maximum likelihood, carries every model on the map.
#
# **References**
#
# - LeCun, Bottou, Bengio, Haffner 1998, *Gradient-Based Learning Applied to Document Recognition*: the digits (MNIST).
# - Rumelhart, Hinton, Williams 1986, *Learning Representations by Back-Propagating Errors*: part 5 of the step.
# - Goodfellow, Bengio, Courville 2016, *Deep Learning*, chapters 4 and 8: rounding, and how steps are taken.
#
# ## Summary
#
# 1. A step of training is move, zero, forward, loss, backward, step; old gradients go before new ones come.
# 2. A loss is read, not only watched: where it begins, how it falls, how it jitters.
# 3. Two results are compared by their relative error, because computers round.
# 4. A check says what is off; grading asks the same question with other numbers.
