# %% [markdown]
# # 14 · Few steps
#
# You know the way to the station. The first time you asked at every corner; now you could say it in one sentence. A
# diffusion model asks its network at every corner too: thirty times, fifty times, for one picture. But all those
# answers together are a way that can be *learned*. In this notebook a network learns from another one to go two of its
# steps in one, then again, until a single step is left. A second one learns where every way ends, and never needs a
# teacher.
#
# **When you are done, you can**
#
# - derive what a student must answer so that its one step lands where two steps of its teacher land;
# - put guidance into a network as an input, so that it costs nothing any more;
# - read a table of quality against steps, for a teacher and its students;
# - build a consistency model whose boundary is right by construction, and train it without a teacher;
# - draw from it in one step, or in a few.
#
# **Time:** about two and a half hours: five exercises (76 minutes), three questions, a puzzle, and the reading.
#
# **Before it:** DDIM and guidance of notebook 07, the straight path of notebook 12.
#
# If this notebook imports `.py` files of your own, hand them in with it.

# %% tags=["setup"]
import torch

from course_utils.check import Unfinished, check

TRAIN = False  # True: section 3 trains the 4-step student here, by targets from your own functions
torch.set_printoptions(sci_mode=False)  # 0.0001, not 1e-04


def column(c, x):
    """Coefficients (b,) shaped like (b, 1, ..., 1), so that each meets its own sample of x (b, *)."""
    return c.reshape(-1, *[1] * (x.dim() - 1))

# %% tags=["demo"]
import copy
from functools import cache, partial

from torch import nn

from course_utils import densities, diagrams, plot, puzzles, widgets, zoo
from course_utils.diffusion import samplers
from course_utils.diffusion.guidance import guided
from course_utils.own import own

shipped = {name: zoo.load(name) for name in ("mnist-flow", "mnist-flow-4", "mnist-flow-1")}
path = shipped["mnist-flow"].path  # the straight one: alpha = 1 - t, sigma = t


def seeded(seed):
    return torch.Generator().manual_seed(seed)

# %% [markdown]
# ## 1 · Sixteen steps, or four, or one
#
# The flow of notebook 12, guided as in notebook 07 with $w = 1$: eight wishes, and the same eight noises in each row.

# %% tags=["demo"]
eight = torch.arange(8)


def drawn(model, labels, steps, seed=3):
    """Digits (n, 1, 28, 28) in [0, 1], by so many of Euler's steps with a model (x, t) of the velocity."""
    noise = torch.randn(len(labels), 1, 28, 28, generator=seeded(seed))
    return (samplers.sample_euler(model, noise, path, steps, prediction="velocity", clamp=None) + 1) / 2


teacher = guided(shipped["mnist-flow"].model, {"text_emb": shipped["mnist-flow"].encode(eight)}, None, 1.0)
rows = {f"{n} steps" if n > 1 else "1 step": drawn(teacher, eight, n) for n in (16, 4, 2, 1)}
plot.show(plot.image_rows(rows), alt="Eight digits, 0 to 7: clear in sixteen steps, clear but a little plainer in four, "
                                     "plainer still and soft in two; in one step each is the blurred mean of its class.")

# %% [markdown]
# In pure noise no digit can be told from another one of its class, so the network's first answer is the mean of them
# all. The path between one noise and one digit is straight, but the network follows many at once, and its own way
# bends. A step trusts the first direction for its whole length. So one step of *this* network draws means, and two or
# four draw plainer digits than sixteen do: look at the loop of the 2.
#
# But where the way ends is settled from the start: no noise is drawn on it. A second network could learn the end, if
# somebody showed it.
#
# ## 2 · Two steps in one
#
# Let the first network, the **teacher**, take two steps of DDIM, from $t$ to $t'$ and on to $t''$. Both networks here
# answer with an $\hat x_{\text{start}}$, written $\hat x$ here; and $z_t$ is the paper's name for our $x_t$. Notebook 07
# has DDIM's step. With a path's $\alpha$ and $\sigma$ it is, from $t$ to any earlier $s$,
#
# $$z_s = \alpha_s\,\hat x + \sigma_s\,\hat\varepsilon, \qquad
# \hat\varepsilon = \frac{z_t - \alpha_t\,\hat x}{\sigma_t}. \tag{1}$$
#
# A **student** has to get from $t$ to $t''$ in one step of (1), with one answer. Call the answer that would be right
# $\tilde x$. It is settled by one wish: *one DDIM step from $t$ to $t''$ with $\tilde x$ must land where the two of the
# teacher land*, at $z_{t''}$. So $\tilde x$ becomes the target of the student's training (Salimans & Ho 2022).
#
# **Exercise 1** · hard · 30 minutes
#
# <details><summary><b>Stuck?</b></summary>
#
# Put the second half of (1) into the first, for a step from $t$ to $t''$ with $\tilde x$. Everything in it is known but
# $\tilde x$; collect what stands with it.
#
# </details>

# %% task="distill.progressive_target"
def progressive_target(teacher, z_t, times, alphas, sigmas):
    """The answer with which one DDIM step from t to t'' lands where two of the teacher's land.

    Args:
        teacher: teacher(z (b, *), time (b,)) gives the predicted data (b, *).
        z_t: (b, *) states at the first time; not changed.
        times: (t, t', t''), each (b,), falling; every sample has times of its own.
        alphas, sigmas: Such triples, (b,) each, of the path's factors at the three times. At t there may be nothing
            but noise (alpha 0), at t'' none at all (sigma 0).

    Returns:
        (b, *) the target, without a gradient.
    """
    ####################################################################
    # TODO: two steps of (1), then the one answer that would do the    #
    # work of both. The teacher is asked twice. About 10 lines.        #
    ####################################################################
    ### BEGIN SOLUTION
    t, middle, _ = times
    alpha_t, alpha_m, alpha_s = (column(alpha, z_t) for alpha in alphas)
    sigma_t, sigma_m, sigma_s = (column(sigma, z_t) for sigma in sigmas)
    with torch.no_grad():
        x_start = teacher(z_t, t)
        z_m = alpha_m * x_start + sigma_m * (z_t - alpha_t * x_start) / sigma_t
        x_start = teacher(z_m, middle)
        z_s = alpha_s * x_start + sigma_s * (z_m - alpha_m * x_start) / sigma_m
    ratio = sigma_s / sigma_t
    return ((z_s - ratio * z_t) / (alpha_s - ratio * alpha_t)).detach()
    ### END SOLUTION
    ####################################################################
    #                       END OF YOUR CODE                           #
    ####################################################################

# %% check="distill.progressive_target"
check("distill.progressive_target")

# %% [markdown]
# <details><summary><b>What you derived</b></summary>
#
# $$\tilde x = \frac{z_{t''} - \frac{\sigma_{t''}}{\sigma_t}\,z_t}
# {\alpha_{t''} - \frac{\sigma_{t''}}{\sigma_t}\,\alpha_t} \tag{2}$$
#
# At the last step $\sigma_{t''} = 0$ and $\alpha_{t''} = 1$, and $\tilde x$ is the point where the teacher arrives.
#
# </details>
#
# Three blobs in the plane, and the *exact* answer as the first teacher, with sixteen steps. A student of eight steps
# learns from it, one of four from that student, then one of two, and one of one. A student begins with the weights
# of its teacher.

# %% tags=["demo"]
blobs = densities.ring(3, radius=0.7, std=0.1)


class Plane(nn.Module):
    """A small network of plane points and times: (b, 2) and (b,) to (b, 2)."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(7, 96), nn.SiLU(), nn.Linear(96, 96), nn.SiLU(), nn.Linear(96, 96),
                                    nn.SiLU(), nn.Linear(96, 2))

    def forward(self, x, t):
        return self.layers(torch.cat([x, (3 * x).sin(), (3 * x).cos(), t[:, None]], dim=1))

# %% tags=["demo"]
class Student(Plane):
    """Predicts the data by a velocity: x = z - t u."""

    def forward(self, z, t):
        return z - t[:, None] * super().forward(z, t)

# %% tags=["demo"]
ema_update, whose = own("06_unet", "ema_update", checks=["unet.ema_update"])
print(whose)
if ema_update is None:
    def ema_update(ema, model, decay):
        for average, p in zip(ema.parameters(), model.parameters()):
            average.data.lerp_(p.data, 1 - decay)

# %% tags=["demo"]
def trained(net, loss_at, n, learning_rate=4e-3):
    """The averaged weights after n steps of Adam on the losses loss_at(k, generator); the rate falls along a cosine."""
    average, generator = copy.deepcopy(net), seeded(0)
    optimizer = torch.optim.Adam(net.parameters(), learning_rate)
    decay = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, n)
    for k in range(n):
        loss = loss_at(k, generator)
        optimizer.zero_grad(), loss.backward(), optimizer.step(), decay.step()
        ema_update(average, net, 0.99)
    return average

# %% tags=["demo"]
def student_of(teacher, steps, n):
    """A student that takes `steps` steps where its teacher takes twice as many."""
    torch.manual_seed(0)
    student = Student()
    if isinstance(teacher, Student):
        student.load_state_dict(teacher.state_dict())

    def loss_at(k, generator):
        x_start, noise = blobs.sample(256, generator), torch.randn(256, 2, generator=generator)
        t = torch.randint(1, steps + 1, (256,), generator=generator) / steps
        times = (t, t - 0.5 / steps, t - 1 / steps)
        z_t = path.add_noise(x_start, t, noise)
        target = progressive_target(teacher, z_t, times, [path.alpha(u) for u in times], times)
        return ((student(z_t, t) - target) / t[:, None]).square().mean()  # over t: an error of the velocity

    return trained(student, loss_at, n)

# %% tags=["demo"]
@cache
def model_of(steps):
    """The exact network for 16 steps; for fewer, a student of the one that takes twice as many."""
    if steps == 16:
        return blobs.model(path, "x_start")
    return student_of(model_of(2 * steps), steps, 600 if steps == 8 else 250)


for steps in (8, 4, 2, 1):
    model_of(steps)

# %% [markdown]
# On the left the exact network with so many steps, on the right the student that was made for them. The numbers are mean
# log-densities (in nats) of 500 samples under the true density.
#
# **Before you move it, guess:** what does the exact network draw in one step, and will the student's points all lie in
# the blobs?

# %% tags=["demo", "nbval-ignore-output"]
start = torch.randn(500, 2, generator=seeded(5))


def side_by_side(steps):
    clouds = {}
    for name, model in (("exact network", model_of(16)), ("student", model_of(steps))):
        with torch.no_grad():
            x = samplers.sample_ddim(model, start, path, steps, prediction="x_start", clamp=None)
        clouds[f"{name}\n{blobs.log_prob(x).mean():.1f}"] = x
    return diagrams.among(clouds | {f"data\n{blobs.log_prob(data).mean():.1f}": data}, blobs.means, blobs.std)


data = blobs.sample(500, seeded(6))
widgets.explore(side_by_side, steps=widgets.Control([8, 4, 2, 1]),
                caption=lambda steps: f"{'One step' if steps == 1 else f'{steps} steps'} of the exact network, and of a "
                                      "student; and data.")

# %% [markdown]
# **Question 1.** In one step the exact network draws a mean. The one-step student sees the very same noise, and it was
# trained by a mean square, too. Why is what *it* draws no mean? And where do its misplaced points come from?

# %% [markdown] question="distill.1"
# The exact network was trained (as it were) on pairs of a noise and a data point that have nothing to do with each
# other: for one $z_t$ there are many $x_{\text{start}}$, and the least mean square is their mean. The student's target
# is computed from $z_t$ by the teacher's steps, which draw nothing: for one $z_t$ there is exactly *one* $\tilde x$.
# The mean of one value is that value. The question has changed from “which data may this come from?” to “where does the
# way from here end?”.
#
# But that map has to tear the plane apart: two noises that lie side by side, on either side of a border, end in different
# blobs. A small network is smooth, so close to the borders it answers with something between two blobs. And
# each student learns from one that was not perfect, so the errors of all the halvings add up.
#
# **Rubric** (½ points allowed)
#
# - 2 points: many data points for one noisy state, whose mean is the best answer of the first network
# - 1½ points: one single target for each state, since the teacher's steps are deterministic
# - 1½ points: a smooth network at the borders between two ends, or errors that add up over the halvings

# %% [markdown]
# ## 3 · Guidance, folded in
#
# Sixteen guided steps cost thirty-two evaluations, since guidance asks twice. For a student that is only another target:
# the first teacher's answer *with guidance*, for a weight $w$ that is drawn anew for every sample. So that the student
# knows which, $w$ becomes an input: a second embedding, like that of time, is added to the network's context (Meng et al.
# 2023). Afterwards $w$ is a slider that costs nothing.
#
# The convention is that of notebook 07: $w = 0$ is the plain answer with the condition, $w = -1$ the one without.
#
# **Exercise 2** · easy · 6 minutes

# %% task="distill.guidance_target"
def guidance_target(teacher, x_t, t, y, w):
    """The guided answer of a teacher, of which a student with w as an input learns.

    Args:
        teacher: teacher(x_t, t, y) gives (b, *); with None for y it answers without a condition.
        x_t: (b, *) noisy data.
        t: (b,) times.
        y: (b, ...) conditions.
        w: (b,) a weight for each sample.

    Returns:
        (b, *) the target, without a gradient.
    """
    ####################################################################
    # TODO: about 4 lines.                                             #
    ####################################################################
    ### BEGIN SOLUTION
    with torch.no_grad():
        cond, uncond = teacher(x_t, t, y), teacher(x_t, t, None)
    w = column(w, x_t)
    return ((1 + w) * cond - w * uncond).detach()
    ### END SOLUTION
    ####################################################################
    #                       END OF YOUR CODE                           #
    ####################################################################

# %% check="distill.guidance_target"
check("distill.guidance_target")

# %% [markdown]
# The digits' students were made so: `mnist-flow` with sixteen guided steps taught one of eight, that one the
# `mnist-flow-4`, and this, by two more halvings, the `mnist-flow-1`. On a straight path the target can be a velocity:
# it is the mean of the teacher's two, which the recipe takes. Yours is the same:

# %% tags=["demo"]
from course_utils import training
from course_utils.recipes.distillation import Halving, MnistFlow4


class Mine(Halving):
    """The shipped students' training; its targets are yours."""

    def target(self, z_t, t, text_emb, w):
        def velocity(z, time):
            if self.guides:
                return guidance_target(lambda x, t, y: self.teacher(x, t, {"text_emb": y}), z, time, text_emb, w)
            return self.teacher(z, time, {"text_emb": text_emb, "w": w})

        half = 1 / (2 * self.steps)
        times = (t, t - half, t - 2 * half)
        x_start = progressive_target(lambda z, time: z - column(time, z) * velocity(z, time), z_t, times,
                                     [1 - time for time in times], times)
        return (z_t - x_start) / column(t, z_t)  # the straight path's velocity

# %% tags=["demo"]
class MineToFour(MnistFlow4):
    def model(self):
        model = Mine(self.ARGS)
        model.load_state_dict(super().model().state_dict())
        return model


recipe = MineToFour()
mine, theirs = recipe.model().eval(), MnistFlow4().model().eval()
z_t, t, w = torch.randn(3, 1, 28, 28, generator=seeded(1)), torch.tensor([1.0, 0.5, 0.125]), torch.tensor([0.0, 1.0, 4.0])
text_emb = shipped["mnist-flow"].encode(torch.tensor([3, 7, 9]))
same = torch.allclose(mine.target(z_t, t, text_emb, w), theirs.target(z_t, t, text_emb, w), atol=1e-3)
print("your target is the mean of two guided velocities:", same)
print(f"the recipe: {recipe.steps:,} steps with batches of {recipe.batch_size} digits, "
      f"{recipe.minutes['two cores']:g} minutes on two cores")
if TRAIN:
    finished = training.train(recipe, resume=False, out=training.RUNS / "finished")
    shipped["mnist-flow-4"] = zoo.load("mnist-flow-4", finished.parent) if finished else shipped["mnist-flow-4"]

# %% [markdown]
# Here is the row from the beginning, and the same eight noises by the students.

# %% tags=["demo"]
def student(name, w, labels):
    """A student that is told a class and a weight: a model (x, t)."""
    item = shipped[name]
    told = {"text_emb": item.encode(labels), "w": torch.full((len(labels),), w)}
    return partial(item.model, model_kwargs=told)


rows = {"teacher, 16 steps: 32 evaluations": rows["16 steps"],
        "student, 4 steps: 4 evaluations": drawn(student("mnist-flow-4", 1.0, eight), eight, 4),
        "student, 1 step: 1 evaluation": drawn(student("mnist-flow-1", 1.0, eight), eight, 1)}
plot.show(plot.image_rows(rows), alt="The same eight digits three times, by the teacher in 32 evaluations and by students "
                                     "in four and in one: nearly the same drawings, with small differences in strokes.")

# %% [markdown]
# They are not only digits of the same classes: mostly they are the *same* digits. In one step a stroke or two went astray.
#
# ## 4 · What it costs
#
# One sheet proves little. For each row below many digits were drawn at $w = 1$, all from the same noises, and measured as
# in notebook 07: the share that a classifier reads as asked for, how far two digits of a class lie apart in its features
# (diversity), and the kernel distance to real digits. The dotted lines are real digits.

# %% tags=["demo"]
tables = shipped["mnist-flow-1"].tables
plot.show(diagrams.quality_over_steps(tables),
          alt="Three panels over the number of steps. The teacher's curves bend away below eight steps: in one step fewer "
              "are recognised, diversity is a quarter, the kernel distance large. The students' two points, at four and "
              "at one, lie at the height of the teacher's sixteen.")
print(diagrams.describe_few_steps(tables))

# %% tags=["demo"]
sixteen = next(row for row in tables["teacher"] if row["steps"] == 16)
for row in tables["students"]:
    lost = 100 * (sixteen["recognised"] - row["recognised"])
    print(f"{row['steps']}-step student beside 16 guided steps: recognised {lost:+.1f} points less often, "
          f"diversity {row['diversity'] / sixteen['diversity'] - 1:+.1%}")

# %% [markdown]
# Look at the teacher's curve of *diversity*: with few steps its digits are still read as asked for, but they all look
# alike. That is the mean again. (Guidance itself costs diversity too, as you know: all of these lie below real digits.)
#
# And here is the slider of notebook 07, driven by the 4-step student. A move of $w$ costs four evaluations, for each of
# ten digits.
#
# **Before you move it, guess:** what do you see at $w = 0$, and does $w = 4$ look like much guidance did in notebook 07?

# %% tags=["demo", "nbval-ignore-output"]
widgets.guidance_slider(shipped["mnist-flow-4"])

# %% [markdown]
# **Question 2.** Suppose the first student had learned from targets with random weights $w$ between 0 and 4, *without*
# being told $w$. What would it draw? And with $w$ as an input: name two things that the guided teacher can do and this
# student cannot.

# %% [markdown] question="distill.2"
# For the same $x_t$, $t$ and $y$ it would meet many targets, one for each $w$, and the least mean square is their
# mean. The guided answer is a straight line in $w$, so the mean of the answers is the answer at the mean weight: everybody
# gets about $w = 2$, and no slider is left. (Only about: the second of the teacher's two steps begins at a place that
# depends on $w$ as well.) Told $w$, it has one target for each question.
#
# What was fixed in the training cannot be changed afterwards. The student knows the weights from 0 to 4; the teacher takes
# any, −1 included. It knows one kind of guidance: no other “no wish” (a negative prompt), no interval in which guidance
# acts, no classifier beside it. And it knows four steps, at four times; the teacher may be asked at any time, so it
# can take more steps where more quality is wanted, use another solver, tell a likelihood, or repaint half of a picture.
#
# **Rubric** (½ points allowed)
#
# - 2 points: the mean of the targets, so guidance by a mean weight for all
# - 1½ points: a first thing, such as weights outside of what was trained, or a negative prompt
# - 1½ points: a second one, such as another number of steps, another solver, an interval, a likelihood

# %% [markdown]
# ## 5 · Where every way ends
#
# Progressive distillation learns a way by halving it. **Consistency models** (Song et al. 2023) ask for the end at once,
# from anywhere: all points of one way have the same end, so a function that tells the end has the same value on all of
# them. (This $f$ is no drift.)
#
# They are written in the *variance exploding* time of notebook 09. Divide a state of any path by its $\alpha$ and count time
# by the noise, $t = \sigma/\alpha$:
#
# $$x_t = x_{\text{start}} + t\,\varepsilon, \qquad t \in [0.002,\ 80]. \tag{3}$$
#
# Then the data stands still. Here is the straight path's clock beside it.

# %% tags=["demo"]
plot.show(diagrams.two_clocks(), alt="Left: VE time over the flow's time, on a logarithmic axis: 0.002 is at the flow's "
                                     "0.002, 80 at 80/81, and at the flow's time 1 it is infinite. Right: ways of numbers "
                                     "in VE time, that end at −1 or 1; all points of a way have one end.")

# %% [markdown]
# On the right are ways of numbers that end at −1 or 1. Stand anywhere on a solid one, and its end is 1. On the left, the
# flow reaches 80 at its time 80/81, and infinity at 1. At 80 the data, of standard deviation
# $\sigma_{\text{d}} = 0.5$, is drowned in noise; a way stops at $t_{\min} = 0.002$, just before its end, where the noise
# cannot be seen any more.
#
# At $t_{\min}$ nothing is left to do: there $f(x, t_{\min}) = x$ has to hold, exactly. A network would have to
# learn that. Instead, let a network $F$ do the rest only:
#
# $$f(x, t) = c_{\text{skip}}(t)\,x + c_{\text{out}}(t)\,F(x, t), \quad
# c_{\text{skip}} = \frac{\sigma_{\text{d}}^2}{(t - t_{\min})^2 + \sigma_{\text{d}}^2}, \quad
# c_{\text{out}} = \frac{\sigma_{\text{d}}\,(t - t_{\min})}{\sqrt{\sigma_{\text{d}}^2 + t^2}}. \tag{4}$$
#
# **Exercise 3** · easy · 10 minutes

# %% task="distill.consistency_parametrisation"
def consistency_parametrisation(F, x, t, sigma_data=0.5, t_min=0.002):
    """The consistency function (4) from what a network answered.

    Args:
        F: (b, *) the network's answer at x and t.
        x: (b, *) states.
        t: (b,) times in VE time, t_min at the least.
        sigma_data: Standard deviation of the data.
        t_min: The time at which the function is the identity.

    Returns:
        (b, *).
    """
    ####################################################################
    # TODO: about 4 lines.                                             #
    ####################################################################
    ### BEGIN SOLUTION
    t = column(t, x)
    c_skip = sigma_data**2 / ((t - t_min) ** 2 + sigma_data**2)
    c_out = sigma_data * (t - t_min) / (sigma_data**2 + t**2) ** 0.5
    return c_skip * x + c_out * F
    ### END SOLUTION
    ####################################################################
    #                       END OF YOUR CODE                           #
    ####################################################################

# %% check="distill.consistency_parametrisation"
check("distill.consistency_parametrisation")

# %% [markdown]
# Your two coefficients, seen by giving your function zeros and ones:

# %% tags=["demo"]
t = torch.logspace(-2.7, 1.9, 200)
none, unit = torch.zeros(200, 1), torch.ones(200, 1)
both = {"c_skip": consistency_parametrisation(none, unit, t), "c_out": consistency_parametrisation(unit, none, t)}
plot.show(plot.curves(t, {name: c[:, 0] for name, c in both.items()}, xlabel="t (VE time)", ylabel="coefficient",
                      logx=True),
          alt="c_skip falls from 1 at the smallest time to 0, c_out rises from 0 to 0.5; they cross near t = 0.5.")

# %% [markdown]
# **Question 3.** Suppose $c_{\text{skip}} = 0$ and $c_{\text{out}} = 1$, so that $f$ is the bare network, trained only to
# have one value on each way. Which useless function makes that loss zero? And what does (4) do about it: which values of
# the two coefficients matter for that, and what does it decide far away from $t_{\min}$?

# %% [markdown] question="distill.3"
# A constant. It has the same value everywhere, so on every way too, and the loss is zero. Nothing in “the same on one
# way” says *which* value: that comes only from the end, where $f(x, t_{\min}) = x$. Without the boundary data never
# enters.
#
# (4) has $c_{\text{skip}}(t_{\min}) = 1$ and $c_{\text{out}}(t_{\min}) = 0$, so the boundary holds for any network, and
# a constant is out of reach. From there the values spread: a point just above $t_{\min}$ must agree with one that is
# right, the next with that one, and so on up to 80. Any smooth pair with these two values would keep the boundary. Far
# away, $c_{\text{skip}}$ is nearly 0, since $x$ is all noise there and of no use, and $c_{\text{out}}$ is nearly
# $\sigma_{\text{d}}$, so that the network's answers have about the size 1; near $t_{\min}$ it has only a small
# correction to tell, and $x$ itself is the best first guess.
#
# **Rubric** (½ points allowed)
#
# - 2 points: a constant function (or any that does not look at x)
# - 1½ points: 1 and 0 at $t_{\min}$, so that the boundary holds for every network and data enters there
# - 1½ points: far away x counts for nothing and the network's answer is of the data's size (or: near t_min, x does)

# %% [markdown]
# ## 6 · Two points of one way
#
# A training needs two neighbouring points of one way, at $t$ and at a slightly smaller $t_{\text{next}}$, and asks that
# $f$ says the same at both. A teacher could walk from one to the other. But the teacher can be spared: by (3), with *the
# same* data and *the same* noise, $x_{\text{start}} + t\,\varepsilon$ and $x_{\text{start}} + t_{\text{next}}\,\varepsilon$
# lie on a line along $\varepsilon$, and on average, over all pairs that may have led to that point, this is the direction
# of the way.
#
# The point with less noise knows the end better. So its answer is the **target**, which stands still, and the other one
# moves towards it: no gradient goes through the target, even where both are the same network.
#
# **Exercise 4** · medium · 15 minutes
#
# <details><summary><b>Stuck?</b></summary>
#
# Write down both states first. Which letters do they share, and which one differs?
#
# </details>

# %% task="distill.consistency_loss"
def consistency_loss(student, target, x, noise, t_next, t):
    """The mean square of what two networks say at two points with the same data and noise.

    Args:
        student: student(x_t (b, *), t (b,)) gives (b, *); it learns.
        target: Called alike, possibly the student itself; no gradient goes into it.
        x: (b, *) data.
        noise: (b, *) standard normal.
        t_next: (b,) the smaller time of each sample, that of the target.
        t: (b,) the larger one.

    Returns:
        () the mean over everything.
    """
    ####################################################################
    # TODO: about 4 lines.                                             #
    ####################################################################
    ### BEGIN SOLUTION
    with torch.no_grad():
        wanted = target(x + column(t_next, x) * noise, t_next)
    return (student(x + column(t, x) * noise, t) - wanted).square().mean()
    ### END SOLUTION
    ####################################################################
    #                       END OF YOUR CODE                           #
    ####################################################################

# %% check="distill.consistency_loss"
check("distill.consistency_loss")

# %% [markdown]
# Live, on the blobs: your parametrisation and your loss, no teacher at all. The times lie close together near
# $t_{\min}$, there are more and more of them, and those around 0.5, where the blobs part, are drawn more often.

# %% tags=["demo"]
def levels(n, rho=7):
    """(n + 1,) falling times from 80 to 0.002, as Karras et al. 2022 space them."""
    return torch.linspace(80 ** (1 / rho), 0.002 ** (1 / rho), n + 1) ** rho


class Consistent(Plane):
    """A consistency function of plane points."""

    def forward(self, x, t):
        scaled = x / (t[:, None] ** 2 + 0.5**2).sqrt()
        return consistency_parametrisation(super().forward(scaled, t.log() / 4), x, t)

# %% tags=["demo"]
def one_step(f, seed=5):
    with torch.no_grad():
        return f(80 * torch.randn(500, 2, generator=seeded(seed)), torch.full((500,), 80.0))

# %% tags=["demo"]
torch.manual_seed(0)
net, seen = Consistent(), {}
f = net  # until it is trained


def loss_at(k, generator, n=2500):
    if k in (125, 625):
        seen[f"after {k} steps"] = one_step(net)
    times = levels(int(8 * 8 ** (k / n)))  # 8 steps between the times at first, 64 at last
    t = times[:-1]
    often = (t - times[1:]) / t * torch.exp(-((t.log() + 0.7) ** 2) / 5) + 0.02 / len(t)
    i = torch.multinomial(often, 512, replacement=True, generator=generator)
    x, noise = blobs.sample(512, generator), torch.randn(512, 2, generator=generator)
    return consistency_loss(net, net, x, noise, times[i + 1], times[i])

# %% tags=["demo"]
f = trained(net, loss_at, 2500, learning_rate=3e-3)
seen |= {"after 2,500 steps": one_step(f), "data": data}
plot.show(diagrams.among({f"{name}\n{blobs.log_prob(x).mean():.1f}": x for name, x in seen.items()}, blobs.means, blobs.std),
          alt="One evaluation for each point: after 125 steps of training a wide cloud, after 625 a filled triangle, at the "
              "end three blobs with many points between them; then data.")

# %% [markdown]
# ## 7 · A second look
#
# One evaluation decides everything in pure noise, and its mistakes stay. But $f$ may be asked anywhere on a way. So put
# noise on its answer, as much as belongs to a smaller time $t$, and ask again: the blob is settled by now, the details
# are not.
#
# How much noise? The answer $\hat x$ is a point at $t_{\min}$, and such points still carry noise of standard deviation
# $t_{\min}$. A point at time $t$ has to carry $t$ *in total*, and independent noises add their variances.
#
# **Exercise 5** · medium · 15 minutes
#
# <details><summary><b>Stuck?</b></summary>
#
# First one evaluation, at `times[0]`. Then a loop over the other times: which of the noises belongs to `times[1]`?
#
# </details>

# %% task="distill.multistep_consistency_sample"
@torch.no_grad()
def multistep_consistency_sample(f, x_T, times, noises, t_min=0.002):
    """Samples by k + 1 evaluations of a consistency function, with fresh noise before each but the first.

    Args:
        f: f(x (b, *), t (b,)) gives (b, *), the ends of ways.
        x_T: (b, *) states at times[0]; not changed.
        times: (k + 1,) falling, in VE time, none below t_min.
        noises: (k, b, *) standard normal, in the order of their use.
        t_min: The time of the ends.

    Returns:
        (b, *) the last answer of f.
    """
    ####################################################################
    # TODO: about 5 lines.                                             #
    ####################################################################
    ### BEGIN SOLUTION
    x = f(x_T, times[0].expand(len(x_T)))
    for t, noise in zip(times[1:], noises):
        x = f(x + (t**2 - t_min**2).sqrt() * noise, t.expand(len(x)))
    return x
    ### END SOLUTION
    ####################################################################
    #                       END OF YOUR CODE                           #
    ####################################################################

# %% check="distill.multistep_consistency_sample"
check("distill.multistep_consistency_sample")

# %% [markdown]
# <details><summary><b>What you derived</b></summary>
#
# $$x_t = \hat x + \sqrt{t^2 - t_{\min}^2}\;z \tag{5}$$
#
# </details>
#
# **Before you move it, guess:** where does a second evaluation help most: at $t = 20$, 5, 1 or 0.3?

# %% tags=["demo", "nbval-ignore-output"]
x_T, noises = 80 * torch.randn(500, 2, generator=seeded(5)), torch.randn(4, 500, 2, generator=seeded(8))


def looked_again(second, evaluations):
    times = torch.tensor([80.0] + [second / 2**k for k in range(evaluations - 1)])
    clouds = {"1 evaluation": f(x_T, times[:1].expand(500)).detach(),
              f"{evaluations} evaluations": multistep_consistency_sample(f, x_T, times, noises[:evaluations - 1])}
    return diagrams.among({f"{name}\n{blobs.log_prob(x).mean():.1f} (data: {blobs.log_prob(data).mean():.1f})": x
                           for name, x in clouds.items()}, blobs.means, blobs.std)


widgets.explore(looked_again, second=widgets.Control([20.0, 5.0, 1.0, 0.3], default=20.0, label="second look at t"),
                evaluations=widgets.Control([2, 3, 5], default=2),
                caption=lambda second, evaluations: f"{evaluations} evaluations of f: at 80, at {second:g}"
                                                    f"{', and at half of it each time' if evaluations > 2 else ''}.")

# %% [markdown]
# ## 8 · Six papers
#
# | paper | what the student learns |
# |---|---|
# | Salimans & Ho 2022, progressive distillation | to go two steps of its teacher in one, again and again |
# | Song et al. 2023, consistency models | to say the same at all points of one way |
# | Sauer et al. 2024a, ADD | to draw in one to four steps what a critic takes for real, close to its teacher |
# | Sauer et al. 2024b, LADD | the same in latents, where the teacher's own features make the critic |
# | Salimans et al. 2024, moment matching | to draw samples whose expectations, given their noised versions, match the teacher's |
# | Lu & Song 2025, sCM | consistency in the limit of infinitely close times, made stable and large |
#
# The third and the fourth bring back notebook 04 and the critic of 11. A student of one step that is judged by a mean
# square draws something between two pictures where it is unsure. A **critic** that has learned to tell real pictures
# from drawn ones does not accept that: a blurred picture is no real one. In *adversarial distillation* (ADD) the
# student gets two losses, one from the critic, so that each picture is sharp, and one from the teacher, whose answer on
# the re-noised picture says what is missing. LADD keeps the critic alone, and trains it and the student on pictures
# that the teacher drew. A student that only has to please a critic may leave out part of the data, as GANs do.
#
# ## Puzzle
#
# Not graded. Three people halved sixteen steps on the blobs down to one. Their students are perfect: each answers exactly
# its target. But each of the targets has a slip:
#
# - both steps use the first $\hat x$;
# - the target is the mean of the teacher's two answers;
# - the target is $z_{t''}$ itself, the point where the two steps land.
#
# Which cloud, A, B or C, is whose?

# %% tags=["demo"]
plot.show(diagrams.among(puzzles.slipped_students(blobs, start), blobs.means, blobs.std),
          alt="A: three blobs that have slid halfway towards the middle. B: a single point in the middle. C: points around "
              "the three circles, far wider than these.")

# %% [markdown]
# <details><summary><b>Answer</b></summary>
#
# **A** takes the mean of two answers. The first of them is asked in more noise and lies nearer to the mean of all data.
# A step with the mean of both lands short of where the two steps land, and each halving draws its blobs in again.
#
# **B** uses the first $\hat x$ twice. Then both steps go straight on, and $\tilde x$ is that first answer: student after
# student only repeats the exact network, whose answer to pure noise is the mean of the data.
#
# **C** answers with $z_{t''}$. Only where $t'' = 0$ is that the data; before, it still holds noise, and who takes it for
# $\hat x$ carries noise over as if it were data.
#
# </details>
#
# ## Where this goes
#
# - **15** makes what is left, a few evaluations, fast on a GPU.
# - **13** has the networks in which such students are built today.
#
# **References**
#
# - Salimans, Ho 2022, *Progressive Distillation for Fast Sampling of Diffusion Models*: equation (2).
# - Meng et al. 2023, *On Distillation of Guided Diffusion Models*: $w$ as an input.
# - Song, Dhariwal, Chen, Sutskever 2023, *Consistency Models*: equations (4) and (5).
# - Sauer, Lorenz, Blattmann, Rombach 2024a, *Adversarial Diffusion Distillation*.
# - Sauer et al. 2024b, *Fast High-Resolution Image Synthesis with Latent Adversarial Diffusion Distillation*.
# - Salimans, Mensink, Heek, Hoogeboom 2024, *Multistep Distillation of Diffusion Models via Moment Matching*.
# - Lu, Song 2025, *Simplifying, Stabilizing and Scaling Continuous-Time Consistency Models*.
# - Karras, Aittala, Aila, Laine 2022, *Elucidating the Design Space of Diffusion-Based Generative Models*: the times.
#
# ## Summary
#
# 1. One step of a network that learned to denoise draws means; a student can be trained to do better.
# 2. Progressive distillation asks for the answer with which one step lands where two land, and halves again.
# 3. Guidance is a target like any other; its weight becomes an input.
# 4. A consistency function has one value on each way, and is the identity where it ends.
# 5. More evaluations repair what one got wrong: put noise back, and ask again.
