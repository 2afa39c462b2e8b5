# %% [markdown]
# # 15 · GPU kernels
#
# A kitchen with ten thousand cooks, and one narrow door to the larder. Whoever cooks a dish in thirty small steps, and
# sends every half-done plate back to the larder in between, will wait at that door; the cooks have nothing to do. The
# steps of a sampler are such dishes. In this notebook you write *kernels*: programs for a GPU that carry each number
# through the door once, do all there is to do, and carry the result back.
#
# **When you are done, you can**
#
# - write a kernel in Triton, and say which of its programs reads and writes what;
# - count the bytes that a computation moves, and read from a roofline whether arithmetic or memory is its limit;
# - put the noising of pictures, and a whole guided sampler step, into one pass over memory;
# - derive a backward pass by hand and make a kernel of it;
# - read from compiled code whether a block size was a good choice, without owning a GPU.
#
# **Time:** about two and a half hours: eight exercises (98 minutes), three questions, a puzzle, and the reading.
#
# **Before it:** q_sample of notebook 05, RMSNorm of notebook 06, guidance and DDIM of notebook 07.
#
# No GPU is needed. Triton has an interpreter that runs a kernel's programs in Python, one after the other: slowly,
# but to the same numbers. This notebook interprets on every machine. On a system without Triton (macOS, Windows)
# answer in plain torch: all exercises take it, and the figures then show the course's own kernels.
#
# If this notebook imports `.py` files of your own, hand them in with it.

# %% tags=["setup"]
import os

import torch

from course_utils.check import Unfinished, check

os.environ["TRITON_INTERPRET"] = "1"  # Triton asks when it is imported: its programs run here, in Python
try:
    import triton
    import triton.language as tl
except ImportError:  # there is none for this system
    triton = tl = None
torch.set_printoptions(sci_mode=False)

# %% tags=["demo"]
from course_utils import data, diagrams, plot, puzzles, widgets, zoo
from course_utils.diffusion import plans, samplers
from course_utils.kernels import ahead, cards, measured
from course_utils.kernels.q_sample import q_sample as library_q_sample
from course_utils.models import fast


def seeded(seed):
    return torch.Generator().manual_seed(seed)

# %% [markdown]
# ## 1 · The door
#
# One step of a guided sampler, after the network has answered: guidance, $\hat x_{\text{start}}$, a clamp, the mean,
# the noise. In plain torch that is a handful of lines, and every operation in them is a *kernel* of its own: it reads
# whole tensors from memory and writes a whole tensor back. Here torch runs them, and each notes its bytes.

# %% tags=["demo"]
def plain_step(x, cond, uncond, w, coefficients, z):
    k_x, k_out, c_x, c_start, c_noise = coefficients
    guided = (1 + w) * cond - w * uncond
    x_start = (k_x * x + k_out * guided).clamp(-1, 1)
    return c_x * x + c_start * x_start + c_noise * z


coefficients = torch.tensor([1.1, -0.7, 0.6, 0.4, 0.1])
five = [torch.randn(8, 1, 28, 28, generator=seeded(k)) for k in range(4)]
given = (*five[:3], 1.0, coefficients, five[3])
plain = measured.operations(plain_step, *given)
plot.show(diagrams.bytes_by_operation(plain),
          alt="A bar for each operation of the plain step. Products of a tensor with a number read one tensor and write "
              "one, sums read two and write one.")
print(diagrams.describe_bytes(plain, five[0].nbytes))

# %% [markdown]
# The four inputs and the result are five tensors. All the other traffic is plates that go back to the larder half
# done. A kernel of one's own reads the four, keeps what comes in between in *registers*, the cook's hands, and writes
# the one.
#
# ## 2 · Four puzzles
#
# In Triton you write what **one program** does. You say how many there are, the *grid*, and the GPU runs them in any
# order, many at a time. A program asks for its own number, computes from it *where* in memory its part lies, loads
# that, computes, and stores. (The puzzles follow the manner of Rush's *GPU-Puzzles*.) This one doubles a vector:

# %% tags=["demo"]
def doubled(x):
    """out[i] = 2 x[i]: one program for each number."""
    @triton.jit
    def kernel(x_ptr, out_ptr):
        i = tl.program_id(0)  # 0, 1, 2, … : which program am I?
        number = tl.load(x_ptr + i)  # x_ptr is the place of x[0], x_ptr + i that of x[i]
        tl.store(out_ptr + i, 2 * number)

    out = torch.empty_like(x)
    kernel[(len(x),)](x, out)  # [the grid](the arguments): a tensor arrives as the place where it begins
    return out


ten = torch.arange(10.0)
plot.show(diagrams.programs(doubled, x=ten),
          alt="Two panels, ten programs by ten elements. Left x is read, right out is written, each "
              "along the diagonal: program 3 touches element 3 alone.")

# %% [markdown]
# Row 3 of the left panel is program 3, and its one dark cell is what it reads. In a library the kernel stands beside
# its function and not inside; here puzzle and answer stay together. Vectors are contiguous and float32 throughout,
# and what a function returns is always new memory.
#
# **Exercise 1** · easy · 5 minutes

# %% task="kernels.add"
def add(x, y):
    """out[i] = x[i] + y[i]

    Args:
        x, y: (n,) vectors of any one length.

    Returns:
        (n,).
    """
    ####################################################################
    # TODO: a kernel of about 3 lines with one program for each        #
    # number, and its launch.                                          #
    ####################################################################
    ### BEGIN SOLUTION
    @triton.jit
    def kernel(x_ptr, y_ptr, out_ptr):
        i = tl.program_id(0)
        both = tl.load(x_ptr + i) + tl.load(y_ptr + i)
        tl.store(out_ptr + i, both)

    out = torch.empty_like(x)
    kernel[(len(x),)](x, y, out)
    return out
    ### END SOLUTION
    ####################################################################
    #                       END OF YOUR CODE                           #
    ####################################################################

# %% check="kernels.add"
check("kernels.add")

# %% tags=["demo"]
plot.show(diagrams.programs(add, x=ten, y=ten + 1),
          alt="Three panels of ten programs by ten elements: x and y are read and out is written "
              "along the diagonal.")

# %% [markdown]
# A program for one number is a cook for one pea. On a GPU a program is a team of, say, 128 threads, and it should get
# at least that many numbers: a **block**. `tl.arange(0, BLOCK)` gives the numbers 0 … BLOCK − 1 at once (BLOCK a
# power of two, and a `tl.constexpr`, a constant when the kernel is compiled), and load and store take a whole block
# of places.
#
# But 37 numbers do not fill three blocks of 16. The last one hangs over the end, and whose memory lies there nobody
# knows. A **mask**, `tl.load(places, mask=inside)`, keeps the lanes where it is false from touching memory.
#
# **Exercise 2** · easy · 8 minutes

# %% task="kernels.masked_copy"
def masked_copy(x):
    """out[i] = x[i], in blocks of 16

    Args:
        x: (n,) a vector of any length.

    Returns:
        (n,) new memory.
    """
    ####################################################################
    # TODO: program p has the numbers 16 p … 16 p + 15, as far as      #
    # there are any. About 6 lines.                                    #
    ####################################################################
    ### BEGIN SOLUTION
    @triton.jit
    def kernel(x_ptr, out_ptr, n, BLOCK: tl.constexpr):
        i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
        block = tl.load(x_ptr + i, mask=i < n)
        tl.store(out_ptr + i, block, mask=i < n)

    out = torch.empty_like(x)
    kernel[(triton.cdiv(len(x), 16),)](x, out, len(x), BLOCK=16)
    return out
    ### END SOLUTION
    ####################################################################
    #                       END OF YOUR CODE                           #
    ####################################################################

# %% check="kernels.masked_copy"
check("kernels.masked_copy")

# %% tags=["demo"]
plot.show(diagrams.programs(masked_copy, x=torch.arange(37.0)),
          alt="x is read and out written by three programs: elements 0 to 15, 16 to 31, 32 to 36. "
              "The last one has eleven hollow lanes behind the end.")

# %% [markdown]
# Hollow cells are lanes that the mask holds back. They still take part in all arithmetic. What they hold then is
# *undefined*, unless the load says so: `tl.load(places, mask=inside, other=0.0)`. In a copy nobody looks at them. In
# a sum everybody does.
#
# Now a matrix (b, n). It lies in memory row after row, so one step down is n places.
#
# **Exercise 3** · easy · 8 minutes

# %% task="kernels.row_sum"
def row_sum(x):
    """out[r] = x[r, 0] + … + x[r, n - 1]

    Args:
        x: (b, n), contiguous.

    Returns:
        (b,).
    """
    ####################################################################
    # TODO: one program for each row, which holds it whole:            #
    # triton.next_power_of_2(n) is block enough, and tl.sum adds up.   #
    # About 6 lines.                                                   #
    ####################################################################
    ### BEGIN SOLUTION
    @triton.jit
    def kernel(x_ptr, out_ptr, n, BLOCK: tl.constexpr):
        row, i = tl.program_id(0), tl.arange(0, BLOCK)
        numbers = tl.load(x_ptr + row * n + i, mask=i < n, other=0.0)
        tl.store(out_ptr + row, tl.sum(numbers, axis=0))

    b, n = x.shape
    out = torch.empty(b)
    kernel[(b,)](x, out, n, BLOCK=triton.next_power_of_2(n))
    return out
    ### END SOLUTION
    ####################################################################
    #                       END OF YOUR CODE                           #
    ####################################################################

# %% check="kernels.row_sum"
check("kernels.row_sum")

# %% tags=["demo"]
plot.show(diagrams.programs(row_sum, x=torch.ones(4, 12)),
          alt="x is a matrix of four rows, each read by the program of its number; out has four "
              "elements, one written by each.")

# %% [markdown]
# The last puzzle has a grid of two axes, `kernel[(rows, columns)]`, and a program asks for its number on each,
# `tl.program_id(0)` and `tl.program_id(1)`. Blocks can have two axes as well: `rows[:, None] * 5 + columns[None, :]`
# is a whole table of places.
#
# **Exercise 4** · medium · 12 minutes
#
# <details><summary><b>Stuck?</b></summary>
#
# Which places does a program need of $x$, which of $y$? Write these two down as vectors first. Then the place of
# `out[i, j]`: how many numbers lie before it?
#
# </details>

# %% task="kernels.outer"
def outer(x, y):
    """out[i, j] = x[i] * y[j], in blocks of 8 × 8

    Args:
        x: (n,)
        y: (m,) vectors of any two lengths.

    Returns:
        (n, m).
    """
    ####################################################################
    # TODO: about 9 lines.                                             #
    ####################################################################
    ### BEGIN SOLUTION
    @triton.jit
    def kernel(x_ptr, y_ptr, out_ptr, n, m, BLOCK: tl.constexpr):
        i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
        j = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
        column = tl.load(x_ptr + i, mask=i < n)[:, None]
        row = tl.load(y_ptr + j, mask=j < m)[None, :]
        inside = (i < n)[:, None] & (j < m)[None, :]
        tl.store(out_ptr + i[:, None] * m + j[None, :], column * row, mask=inside)

    n, m = len(x), len(y)
    out = torch.empty(n, m)
    kernel[(triton.cdiv(n, 8), triton.cdiv(m, 8))](x, y, out, n, m, BLOCK=8)
    return out
    ### END SOLUTION
    ####################################################################
    #                       END OF YOUR CODE                           #
    ####################################################################

# %% check="kernels.outer"
check("kernels.outer")

# %% tags=["demo"]
plot.show(diagrams.programs(outer, x=torch.arange(12.0), y=torch.arange(20.0)),
          alt="Six programs in a grid of two by three. x is read by three programs each, y by two; "
              "out is a table of six blocks, each with its program's number.")

# %% [markdown]
# Every number of $x$ is read by three programs, every one of $y$ by two; each product is written by exactly one.
#
# **Question 1.** Suppose the programs of exercise 3, which hold a *row* each, should compute the sums of the
# *columns*: each loads `out`, adds its row, and stores `out`. What goes wrong on a GPU that the interpreter will
# never show? Name two ways to do it right.

# %% [markdown] question="kernels.1"
# Programs run at the same time. Two of them load the same old sum, each adds its own row, each stores; the second
# store overwrites the first, and one row is lost. Which ones are lost changes from run to run. The interpreter runs
# one program after the other, so there every sum is right.
#
# Ways out: (1) give each *column* to one program, which walks down the rows, so nothing is shared. (2) Give every
# program a row of its own to write its part to, and add the parts up in a second kernel. (3) Add by an atomic
# operation (`tl.atomic_add`), which nobody can interrupt; then the order of the additions is left to chance, and with
# it the last digits of the result.
#
# **Rubric** (½ points allowed)
#
# - 2 points: a load and a store of several programs interleave, so additions are lost; the interpreter has no "same
#   time"
# - 1½ points: a first way, such as one program for each column, or partial sums and a second pass
# - 1½ points: a second way, such as atomic additions (with their price, or without)

# %% [markdown]
# ## 3 · How far from the roof?
#
# Two numbers say most about a GPU: how many operations it does in a second, and how many bytes pass its door. Divide
# what a computation *does* by what it *moves*, and you know which of the two it will wait for. So count what it
# moves.
#
# **Exercise 5** · easy · 5 minutes

# %% task="kernels.bytes_moved"
def bytes_moved(numel, reads, writes, itemsize):
    """Bytes that pass between a GPU and its memory.

    Args:
        numel: Elements of a tensor.
        reads: How many such tensors are read, once each.
        writes: How many are written, once each.
        itemsize: Bytes of an element: 4 for float32, 2 for bfloat16.

    Returns:
        an int.
    """
    ####################################################################
    # TODO: one line.                                                  #
    ####################################################################
    ### BEGIN SOLUTION
    return (reads + writes) * numel * itemsize
    ### END SOLUTION
    ####################################################################
    #                       END OF YOUR CODE                           #
    ####################################################################

# %% check="kernels.bytes_moved"
check("kernels.bytes_moved")

# %% [markdown]
# Against what your own kernels touched, counted address by address:

# %% tags=["demo"]
ones = torch.ones(37)
for function, vectors in ((masked_copy, {"x": ones}), (add, {"x": ones, "y": ones})):
    seen = diagrams.trace_accesses(function, **vectors)
    print(f"{function.__name__:12} counted {bytes_moved(37, len(vectors), 1, 4)} bytes, "
          f"{seen.who} moved {seen.bytes('load')} in and {seen.bytes('store')} out")

# %% [markdown]
# The guided step does about thirteen operations with an element and moves five tensors for it, 20 bytes in float32.
# That is its **intensity**, $13/20 = 0.65$ operations a byte. A device that does $P$ operations and moves $B$ bytes a
# second can do at most
#
# $$\min(P,\ B \cdot \text{intensity}) \tag{1}$$
#
# operations a second: a slope that ends under a roof. The figures of the two cards are their makers': 67 TFLOP/s
# without tensor cores and 4.8 TB/s for an H200 (NVIDIA's data sheet of the H200), 82.6 TFLOP/s and 1,008 GB/s for an
# RTX 4090 (NVIDIA's Ada white paper).

# %% tags=["demo"]
here, passes = cards.here(), plain.bytes / five[0].nbytes
step = {"plain torch": 13 / (4 * passes), "one pass": 13 / 20, "one pass, bfloat16": 13 / 10,
        "3 × 3 convolution,\n64 channels": 2 * 9 * 64 / 8}
plot.show(diagrams.rooflines([*cards.CARDS, *here], step),
          alt="Attainable operations a second over intensity, both axes logarithmic, for two cards: a slope up to about "
              "14 and 82 operations a byte, then a flat roof. The guided step lies far down on the slope, in one pass "
              "higher than in many; a convolution with 64 channels lies at the roof.")
print("measured here:" if here else "No GPU here: these roofs are the makers' figures, nothing is measured.", *here)

# %% [markdown]
# All forms of the step lie far left on the slope: the arithmetic is free, only the bytes count. On the slope, moving
# half of the bytes is twice as fast.
#
# The roof is what one may hope for. Three things stand between: a *launch* takes a few microseconds, however small the
# kernel; an answer from memory takes most of a microsecond to come, so that many bytes have to be under way at the same
# time; and a multiprocessor takes 16 of our programs at a time. The figure below computes with these three (a model,
# not a measurement: launch 4 µs, answer 0.8 µs, 132 multiprocessors).
#
# **Before you move it, guess:** at a batch of 8 digits, does a better block size help? And at 4,096?

# %% tags=["demo", "nbval-ignore-output"]
def under_the_roof(batch, block):
    return diagrams.modelled_roofline(cards.CARDS[0], elements=batch * 28 * 28, block=block, passes=5, operations=13)


widgets.explore(under_the_roof, batch=widgets.Control([1, 8, 64, 512, 4096, 32768], default=8),
                block=widgets.Control([32, 128, 512, 1024, 4096], default=1024),
                caption=lambda batch, block: f"The guided step on {batch:,} digit{'s' * (batch > 1)}, {block} numbers a "
                                             "program, on an H200: a model.")

# %% [markdown]
# **Question 2.** Next year's card does twice as many operations a second and moves as many bytes as this one. What
# does the guided step gain by it, on large batches? And what does it gain on this year's card if everything is stored
# in bfloat16 and still computed in float32?

# %% [markdown] question="kernels.2"
# Nothing. At 0.65 operations a byte the step lies on the slope, where the bound is $B\cdot$ intensity; the roof $P$,
# which is lifted, is twenty times higher already. Only the corner moves further right.
#
# Bfloat16 halves the bytes: the same operations with 10 bytes an element, so twice the intensity, and on the slope
# that is twice the speed. Computing in float32 costs nothing there: it happens in registers, and the arithmetic was
# not what was waited for.
#
# **Rubric** (½ points allowed)
#
# - 2 points: no gain, since the step is bound by memory (lies on the slope)
# - 2 points: about twice as fast, since half of the bytes move
# - 1 point: the place of computing does not matter for it: float32 in registers moves no byte

# %% [markdown]
# ## 4 · Noise in one pass
#
# The first real kernel is the oldest step of this course (notebook 05): $x_t = \sqrt{\bar\alpha_t}\,x_{\text{start}} +
# \sqrt{1-\bar\alpha_t}\,\varepsilon$, where each sample has a time of its own. Plain torch gathers, takes roots,
# multiplies twice and adds.
#
# A batch is a matrix again, (b, n) with all the pixels of a sample in one row. A program should have a block of *one*
# sample, so that it needs a single $\bar\alpha_t$, which it looks up itself.
#
# **Exercise 6** · medium · 15 minutes
#
# <details><summary><b>Stuck?</b></summary>
#
# Take a grid of two axes: which sample, and which block of it. The first thing that a program loads is its sample's
# time, the second is what the table holds at that time.
#
# </details>

# %% task="kernels.q_sample"
def q_sample(x_start, noise, alphas_cumprod, t):
    """A draw of q(x_t | x_start), in one pass.

    Args:
        x_start: (b, *) contiguous, any number of elements a sample.
        noise: (b, *) likewise.
        alphas_cumprod: (T,) the share of the signal's variance at each index.
        t: (b,) int64, each sample's index.

    Returns:
        (b, *).
    """
    ####################################################################
    # TODO: a block of 1024 for each program is a good size. About 12  #
    # lines.                                                           #
    ####################################################################
    ### BEGIN SOLUTION
    @triton.jit
    def kernel(x_ptr, noise_ptr, table_ptr, t_ptr, out_ptr, n, BLOCK: tl.constexpr):
        sample, i = tl.program_id(0), tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
        share = tl.load(table_ptr + tl.load(t_ptr + sample))
        place = sample * n + i
        x = tl.load(x_ptr + place, mask=i < n)
        eps = tl.load(noise_ptr + place, mask=i < n)
        tl.store(out_ptr + place, tl.sqrt(share) * x + tl.sqrt(1 - share) * eps, mask=i < n)

    out, n = torch.empty_like(x_start), x_start[0].numel()
    grid = (len(x_start), triton.cdiv(n, 1024))
    kernel[grid](x_start, noise, alphas_cumprod, t, out, n, BLOCK=1024)
    return out
    ### END SOLUTION
    ####################################################################
    #                       END OF YOUR CODE                           #
    ####################################################################

# %% check="kernels.q_sample"
check("kernels.q_sample")

# %% tags=["demo"]
images, labels = data.mnist("test")
digits = torch.stack([images[labels == y][0] for y in range(8)]).reshape(8, 1, 28, 28) * 2 - 1
alphas_cumprod = zoo.load("mnist-unet").path.alphas_cumprod.float()
t = torch.tensor([0, 10, 25, 50, 75, 100, 150, 199])
noise = torch.randn(8, 1, 28, 28, generator=seeded(0))
x_t = q_sample(digits, noise, alphas_cumprod, t)
theirs = library_q_sample(digits, t, noise, alphas_cumprod.sqrt(), (1 - alphas_cumprod).sqrt())
print("the library's kernel says the same:", torch.allclose(x_t, theirs, atol=1e-5))
plot.show(plot.images((x_t + 1) / 2, columns=8, titles=[f"t = {k}" for k in t.tolist()]),
          alt="Eight digits, each noised to another time by your kernel: the first clear, the last pure grain.")

# %% tags=["demo"]
seen = diagrams.trace_accesses(q_sample, x_start=digits, noise=noise, alphas_cumprod=alphas_cumprod, t=t)
print(f"counted: {bytes_moved(digits.numel(), 2, 1, 4):,} bytes; {seen.who} moved {seen.bytes():,}")


def plain_q_sample(x_start, noise, alphas_cumprod, t):
    share = alphas_cumprod[t].reshape(-1, 1, 1, 1)
    return share.sqrt() * x_start + (1 - share).sqrt() * noise


print(f"plain torch moves {measured.operations(plain_q_sample, digits, noise, alphas_cumprod, t).bytes:,}")

# %% [markdown]
# The few bytes more are the times and their $\bar\alpha_t$, once for each program.
#
# ## 5 · A whole step in one pass
#
# Now the step from the beginning. A sampler's step, of whatever kind, is five numbers $k_x, k_{\text{out}}, c_x,
# c_{\text{start}}, c_{\text{noise}}$ (DDIM's without noise has $c_{\text{noise}} = 0$):
#
# $$\hat x_{\text{start}} = \operatorname{clamp}\big(k_x\,x + k_{\text{out}}\,[(1+w)\,\text{cond} - w\,\text{uncond}],\
# \pm 1\big), \qquad x_s = c_x\,x + c_{\text{start}}\,\hat x_{\text{start}} + c_{\text{noise}}\,z. \tag{2}$$
#
# All samples share the five, so the shape does not matter: the whole batch is one long vector.
#
# **Exercise 7** · medium · 15 minutes
#
# <details><summary><b>Stuck?</b></summary>
#
# The frame is that of exercise 2, with more loads. The five coefficients lie side by side in memory: each is a load
# of one number, from `k_ptr + 0` on. `tl.clamp(x, low, high)` or `tl.minimum` and `tl.maximum` clamp.
#
# </details>

# %% task="kernels.guided_step"
def guided_step(x, cond, uncond, w, coefficients, z):
    """One step of a guided sampler, in one pass.

    Args:
        x: (b, *) the current state; contiguous, as all tensors here.
        cond, uncond: (b, *) the network's two answers.
        w: The weight of guidance, a float.
        coefficients: (5,) k_x, k_out, c_x, c_start, c_noise.
        z: (b, *) standard normal.

    Returns:
        (b, *) x_s.
    """
    ####################################################################
    # TODO: about 15 lines.                                            #
    ####################################################################
    ### BEGIN SOLUTION
    @triton.jit
    def kernel(x_ptr, cond_ptr, uncond_ptr, z_ptr, k_ptr, out_ptr, w, n, BLOCK: tl.constexpr):
        i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
        state = tl.load(x_ptr + i, mask=i < n)
        with_it = tl.load(cond_ptr + i, mask=i < n)
        without = tl.load(uncond_ptr + i, mask=i < n)
        fresh = tl.load(z_ptr + i, mask=i < n)
        answer = (1 + w) * with_it - w * without
        clean = tl.load(k_ptr) * state + tl.load(k_ptr + 1) * answer
        clean = tl.minimum(tl.maximum(clean, -1.0), 1.0)
        moved = tl.load(k_ptr + 2) * state + tl.load(k_ptr + 3) * clean
        tl.store(out_ptr + i, moved + tl.load(k_ptr + 4) * fresh, mask=i < n)

    out, n = torch.empty_like(x), x.numel()
    kernel[(triton.cdiv(n, 1024),)](x, cond, uncond, z, coefficients, out, w, n, BLOCK=1024)
    return out
    ### END SOLUTION
    ####################################################################
    #                       END OF YOUR CODE                           #
    ####################################################################

# %% check="kernels.guided_step"
check("kernels.guided_step")

# %% [markdown]
# Eight digits by `mnist-unet`, in twelve steps of DDIM. The network is notebook 06's; all between two of its answers is
# your kernel.

# %% tags=["demo"]
item = zoo.load("mnist-unet")
plan = plans.plan_ddim(item.path, 12)
weights = plan.weights("noise")
x = torch.randn(8, 1, 28, 28, generator=seeded(3))
wishes, nobody = {"text_emb": item.encode(torch.arange(8))}, {"text_emb": None}
with torch.no_grad():
    for row, of_noise, time in zip(plan.table, weights, plan.times):
        now = torch.full((8,), int(time))
        k = torch.cat([of_noise, row[[0, 1, 3]]]).float()
        x = guided_step(x, item.model(x, now, wishes), item.model(x, now, nobody), 1.0, k, torch.zeros_like(x))
plot.show(plot.images((x + 1) / 2, columns=8),
          alt="Eight clear digits, 0 to 7, drawn with the guided step as one kernel.")

# %% [markdown]
# ### What the compiler makes of it
#
# The interpreter tells nothing about speed. But Triton's compiler works without a GPU: it can translate your kernel
# for an H200 right here. Three things can be read from what comes out, for each block size:
#
# - *registers* a thread: of 255 at most. The more each thread takes, the fewer programs fit a multiprocessor.
# - *spilled* bytes: what found no register and is carried to memory and back, through the very door.
# - the share of *128-bit accesses*: a thread that fetches four numbers at once asks a quarter as often.

# %% tags=["demo", "nbval-ignore-output"]
blocks = [32, 128, 512, 1024, 4096, 16384]
try:
    made = ahead.read(guided_step, *given, blocks=blocks) if triton else []
    print(diagrams.compiled_table(made) if made else "No kernel of Triton's: plain torch has nothing to compile.")
except ahead.NotCompiled as e:
    print(e)

# %% [markdown]
# Look at both ends. Small blocks leave a thread less than four numbers, so each is fetched alone. With the largest, a
# thread would have to hold 128 numbers of each of four tensors, and its registers run out. In between lies a wide
# valley: no sizes there are much better than others.
#
# ### Against torch
#
# `torch.compile` writes such kernels by itself. On a GPU it makes Triton kernels of the plain step, on a CPU C++; the
# same idea, one pass. This is your machine's processor (the interpreter would be thousands of times slower, so your
# kernel is not in this race):

# %% tags=["demo", "nbval-ignore-output"]
large = [torch.randn(512, 1, 28, 28, generator=seeded(k)) for k in range(4)]
sides = {"plain torch": plain_step}
if fast.compiler():
    sides["torch.compile"] = measured.compile_quietly(plain_step)
calls = {name: lambda f=f: f(*large[:3], 1.0, coefficients, large[3]) for name, f in sides.items()}
taken = measured.milliseconds(calls)
print("\n".join(f"{name:14} {ms:.2f} ms" for name, ms in taken.items()))
print(measured.on_a_gpu())

# %% [markdown]
# ### Launches
#
# At course size the door is not the problem. Eight digits are 25 kB, and an H200 moves the step's five tensors in
# less than a tenth of a microsecond; *starting* a kernel takes several. A **CUDA graph** records a row of launches
# once, a whole sampler with its network, and then starts them all with a single one. It changes nothing else: the
# same kernels move the same bytes.

# %% tags=["demo"]
print(measured.graph_gain())

# %% [markdown]
# **Question 3.** At 8 digits, plain torch takes about a dozen kernels for a step, and yours takes one. With 4 µs a
# launch, what does fusing buy here, and which part of it would a CUDA graph of the *plain* step have bought as well?
# And for which of the two does the answer stay the same at 30,000 digits?

# %% [markdown] question="kernels.3"
# A dozen launches are about 50 µs, one is 4 µs; the bytes take well below a microsecond either way. So fusing buys
# nearly a factor of twelve, and all of it is saved launches. A graph of the plain step has one launch from the host as
# well, so it buys most of the same (within a graph a kernel's start still costs something, about a microsecond).
#
# At 30,000 digits five tensors are half a gigabyte, 100 µs at 4.8 TB/s, and launches hardly count. Then the graph buys
# nothing, since it moves the same bytes. Fusing still buys the ratio of the passes, about six. So fusing helps at both
# ends, for two different reasons; the graph helps only where launches are what is waited for.
#
# **Rubric** (½ points allowed)
#
# - 2 points: launches are what counts here, about twelve against one
# - 1½ points: a graph of the plain step saves (most of) the same launches
# - 1½ points: at large size only fusing helps, since it moves fewer bytes; the graph does not

# %% [markdown]
# ## 6 · Backward
#
# Training needs kernels for gradients as well, and autograd's way back through a norm is long: it moves ten times the
# bytes that it needs (counted below). Take RMSNorm over channels (notebook 06), at each pixel
#
# $$y = g \cdot \sqrt{C}\;n, \qquad n = \frac{x}{r}, \qquad r = \lVert x \rVert, \tag{3}$$
#
# with $r$ over the $C$ channels of that pixel, and $g$ a gain for each channel, shared by all pixels and samples. (No
# epsilon: no pixel is zero here.) Given is `upstream`, the loss's derivative with respect to $y$. Wanted are those
# with respect to $x$ and $g$.
#
# Derive them by hand. Write $q = g \cdot \text{upstream}$ for what arrives at $\sqrt{C}\,n$. The only thing to know
# about $n$ is that $x$ stands in it twice, above and below: $\partial r/\partial x_c = x_c/r = n_c$.
#
# **Exercise 8** · hard · 30 minutes
#
# <details><summary><b>Stuck?</b></summary>
#
# One pixel, one channel of $x$ at a time: how do *all* $n_k$ change when $x_c$ does? There is one term from above the
# line, for $k = c$ only, and one from below it, for every $k$. Put both into $\sum_k q_k\, \partial n_k/\partial
# x_c$. As a kernel: a program holds some pixels of one sample with all of their channels, a block of two axes. Sums
# over channels stay inside of it; those over pixels do not (question 1).
#
# </details>

# %% task="kernels.rms_norm_backward"
def rms_norm_backward(x, g, upstream):
    """The gradients of y = g · √C · x / ‖x‖, the norm being over channels.

    Args:
        x: (b, C, h, w) contiguous, no pixel zero.
        g: (1, C, 1, 1) gains.
        upstream: (b, C, h, w) the loss's gradient with respect to y.

    Returns:
        grad_x (b, C, h, w) and grad_g (1, C, 1, 1).
    """
    ####################################################################
    # TODO: about 8 lines in plain torch, 22 as a kernel.              #
    ####################################################################
    ### BEGIN SOLUTION
    @triton.jit
    def kernel(x_ptr, g_ptr, up_ptr, grad_ptr, part_ptr, C, P, root_c, ROWS: tl.constexpr, BLOCK: tl.constexpr):
        c, p = tl.arange(0, ROWS), tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
        place = (tl.program_id(0) * C + c[:, None]) * P + p[None, :]
        inside = (c < C)[:, None] & (p < P)[None, :]
        x = tl.load(x_ptr + place, mask=inside, other=0.0)
        up = tl.load(up_ptr + place, mask=inside, other=0.0)
        gain = tl.load(g_ptr + c, mask=c < C, other=0.0)
        r = tl.sqrt(tl.sum(x * x, axis=0)) + tl.where(p < P, 0.0, 1.0)
        n, q = x / r[None, :], gain[:, None] * up
        along = tl.sum(n * q, axis=0)
        tl.store(grad_ptr + place, root_c / r[None, :] * (q - n * along[None, :]), mask=inside)
        part = tl.program_id(0) * tl.num_programs(1) + tl.program_id(1)
        tl.store(part_ptr + part * C + c, root_c * tl.sum(n * up, axis=1), mask=c < C)

    b, C, P = *x.shape[:2], x[0, 0].numel()
    blocks = triton.cdiv(P, 64)
    grad_x, parts = torch.empty_like(x), torch.empty(b * blocks, C)
    sizes = dict(ROWS=triton.next_power_of_2(C), BLOCK=64)
    kernel[(b, blocks)](x, g, upstream, grad_x, parts, C, P, C**0.5, **sizes)
    return grad_x, parts.sum(dim=0).reshape(1, C, 1, 1)
    ### END SOLUTION
    ####################################################################
    #                       END OF YOUR CODE                           #
    ####################################################################

# %% check="kernels.rms_norm_backward"
check("kernels.rms_norm_backward")

# %% [markdown]
# <details><summary><b>What you derived</b></summary>
#
# $$\nabla_x = \frac{\sqrt C}{r}\,\Big(q - n \sum_k n_k\, q_k\Big), \qquad
# \nabla_g = \sum_{\text{samples, pixels}} \sqrt{C}\; n \cdot \text{upstream} \tag{4}$$
#
# The bracket takes from $q$ its part along $n$.
#
# </details>
#
# See it for two channels: sixteen pixels as points in the plane, each with the same upstream gradient (to the right),
# and what your function makes of it.

# %% tags=["demo"]
angle = torch.linspace(0, 2 * torch.pi, 17)[:16] + 0.1
pixels = torch.stack([angle.cos(), angle.sin()]) * (1 + 0.4 * (torch.arange(16) % 2))
to_the_right = torch.tensor([1.0, 0.0])[:, None].expand(2, 16).contiguous()
grad_x, _ = rms_norm_backward(pixels.reshape(1, 2, 4, 4), torch.ones(1, 2, 1, 1), to_the_right.reshape(1, 2, 4, 4))
plot.show(diagrams.gradients_of_pixels(pixels, grad_x.reshape(2, 16)),
          alt="Points on two circles. At each the gradient, an arrow, lies along the circle: none points inwards or "
              "outwards. It is longest at the top and bottom, nearly zero at the left and right, and shorter outside.")

# %% [markdown]
# Every arrow lies along its circle. A norm forgets how long $x$ is, so no gradient can ask to make it longer; and
# what is further out has to move further for the same turn, so its arrows are shorter.

# %% tags=["demo"]
x, upstream = (torch.randn(2, 8, 16, 16, generator=seeded(k)) for k in (1, 2))
g = torch.ones(1, 8, 1, 1)
seen = diagrams.trace_accesses(rms_norm_backward, x=x, g=g, upstream=upstream)
print(f"counted: {bytes_moved(x.numel(), 2, 1, 4):,} bytes for the large tensors; {seen.who} moved {seen.bytes():,}")
x, g = x.requires_grad_(), g.requires_grad_()
y = g * x / x.norm(dim=1, keepdim=True) * 8**0.5
backward = measured.operations(lambda: torch.autograd.grad(y, (x, g), upstream))
print(f"autograd's backward pass moves {backward.bytes:,}")

# %% [markdown]
# The library does this together with the scale, the shift and the GELU that follow a norm, in one kernel each way.
#
# ## Puzzle
#
# Not graded. Three people wrote `q_sample` as a kernel, and noised the eight digits of section 4, to the times 0,
# 120, 199, 60, 30, 90, 20 and 40. Each kernel has a slip:
#
# - the place of a number is counted without its sample's row;
# - the time is looked up by the number of the *block* and not of the sample;
# - the grid has n // BLOCK blocks for a sample (here BLOCK is 512, and n is 784).
#
# Which sheet, A, B or C, is whose? (Memory that was never written is shown in grey.)

# %% tags=["demo"]
times = torch.tensor([0, 120, 199, 60, 30, 90, 20, 40])
sheets = puzzles.slipped_kernels(digits, noise, alphas_cumprod, times)
plot.show(plot.image_rows({name: (x + 1) / 2 for name, x in sheets.items()}),
          alt="Three rows of eight digits. A: all eight are clear above, and equally noisy in the last third. B: each "
              "has another noise, and its last third is grey. C: the first is noised, all others are grey.")

# %% [markdown]
# <details><summary><b>Answer</b></summary>
#
# **A** looks its time up by the block: the first 512 pixels of *every* digit have the first sample's time, 0, and the
# rest has the second's. A quick test with the same time for all samples would never see it.
#
# **B** leaves out the last block, which is not full: 784 = 512 + 272, and the last 272 pixels are never written.
#
# **C** forgets the row. All samples' programs read and write where sample 0 lies, one over the other; the last one to
# write is seen, and the other pictures are never written.
#
# </details>
#
# ## Where this goes
#
# - The library's `kernels/` has these three in full: with noise drawn inside the kernel from a counter, gradients that
#   differentiate twice, and any dtype. `course bench kernels` measures them on a GPU.
# - FlashAttention is the same thought for attention: never write the (n, n) table to memory.
#
# **References**
#
# - Tillet, Kung, Cox 2019, *Triton: An Intermediate Language and Compiler for Tiled Neural Network Computations*.
# - Rush 2022, *GPU-Puzzles*: the manner of section 2.
# - Williams, Waterman, Patterson 2009, *Roofline: An Insightful Visual Performance Model*: equation (1).
# - Zhang, Sennrich 2019, *Root Mean Square Layer Normalization*.
# - Dao, Fu, Ermon, Rudra, Ré 2022, *FlashAttention: Fast and Memory-Efficient Exact Attention with IO-Awareness*.
# - NVIDIA, *H200 Tensor Core GPU* data sheet; NVIDIA, *Ada GPU Architecture* white paper: the two roofs.
#
# ## Summary
#
# 1. A kernel is what one program does; its number says where, a mask says how far.
# 2. The steps of a sampler do next to nothing with each byte: they wait for memory, and on small tensors for launches.
# 3. One pass reads each input once and keeps the rest in registers.
# 4. A block size shows in compiled code: too small, and accesses are narrow; too large, and registers spill.
# 5. A backward pass by hand is short; what a norm forgets gets no gradient.
