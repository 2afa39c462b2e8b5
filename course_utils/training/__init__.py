"""One training loop for every recipe: six steps, a moving average, and states that resume without loss.

`course train NAME` runs it in one process, `torchrun --nproc-per-node 4 -m course_utils.training NAME` in four.
"""

from __future__ import annotations

import contextlib
import copy
import json
import math
import signal
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from tqdm.auto import tqdm

from course_utils import files, memory, plot, recipes, zoo
from course_utils.models.fast import compiler, fastest_dtype, to_channels_last
from course_utils.processes import Processes
from course_utils.recipes import Recipe
from course_utils.training.step import Step, schedule, side_stream, update_ema

__all__ = ["State", "Step", "Watch", "schedule", "train", "update_ema"]

SECONDS = 20  # between two pictures of a run
RUNS = Path("runs")  # states of unfinished runs and pictures of their progress, below the current folder


class State:
    """All that a training run is at one moment: model, moving average, optimizer, random states, step, losses.

    `earlier` are the steps that a checkpoint which is trained on had behind it; `recorded` is what milestones showed.
    """

    def __init__(self, recipe: Recipe, device: torch.device):
        memory.keep()
        self.processes = Processes(device)
        self.recipe, self.device = recipe, self.processes.device
        if recipe.batch_size % self.processes.count:
            raise ValueError(f"A batch of {recipe.batch_size} cannot be shared by {self.processes.count} processes.")
        torch.manual_seed(recipe.seed)  # first weights, the same in every process
        self.generator = torch.Generator().manual_seed(recipe.seed)  # batches, times and noise
        self.model = to_channels_last(recipe.model().to(self.device)).train()
        self.ema = copy.deepcopy(self.model).eval().requires_grad_(False)
        rate = torch.tensor(recipe.learning_rate, device=self.device)  # a tensor, as a CUDA graph needs it
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=rate, betas=recipe.betas, fused=True,
                                           weight_decay=recipe.weight_decay, capturable=self.device.type == "cuda")
        self.decay = torch.zeros((), device=self.device)  # of the moving average at this step
        # Measured, so that processes must agree and a resumed run be told.
        votes = self.processes.mean(torch.tensor(float(fastest_dtype(device) == torch.bfloat16), device=self.device))
        self.bfloat16 = votes.item() == 1
        self.step, self.steps, self.earlier = 0, recipe.steps, 0
        self.losses: list[float] = []
        self.recorded: dict[str, float] = {}
        torch.manual_seed(recipe.seed + self.processes.rank)  # dropout

    def tensors(self) -> dict[str, Tensor]:
        """The run as named tensors, for safetensors: nothing in a state file can execute."""
        out = {f"model/{k}": v for k, v in self.model.state_dict().items()}
        out |= {f"ema/{k}": v for k, v in self.ema.state_dict().items()}
        for i, state in self.optimizer.state_dict()["state"].items():
            out |= {f"optimizer/{i}/{k}": torch.as_tensor(v) for k, v in state.items()}
        gather = self.processes.gather  # every process drops other units
        out |= {"random/batches": self.generator.get_state(), "random/torch": gather(torch.get_rng_state())}
        if self.device.type == "cuda":
            out["random/cuda"] = gather(torch.cuda.get_rng_state(self.device))
        out["bfloat16"] = torch.tensor(self.bfloat16)
        out["step"] = torch.tensor([self.step, self.steps, self.earlier])
        out["losses"] = torch.tensor(self.losses, dtype=torch.float64)
        out |= {f"recorded/{k}": torch.tensor(v, dtype=torch.float64) for k, v in self.recorded.items()}
        return {k: v.detach().cpu().contiguous().clone() for k, v in out.items()}

    def restore(self, saved: dict[str, Tensor]) -> None:
        """The inverse of `tensors`; ValueError when another number of processes made them."""
        rank, count = self.processes.rank, len(saved["random/torch"])
        if count != self.processes.count:
            raise ValueError(f"The run was begun by {count} processes, not {self.processes.count}: resume by as many.")
        self.model.load_state_dict(_part(saved, "model/"))
        self.ema.load_state_dict(_part(saved, "ema/"))
        state: dict[int, dict[str, Tensor]] = {}
        for key, value in _part(saved, "optimizer/").items():
            i, name = key.split("/")
            state.setdefault(int(i), {})[name] = value
        groups = self.optimizer.state_dict()["param_groups"]
        self.optimizer.load_state_dict({"state": state, "param_groups": groups})
        for weight, kept in self.optimizer.state.items():  # a fused step goes through the memory of both side by side
            kept |= {k: torch.empty_like(weight).copy_(v) for k, v in kept.items() if v.shape == weight.shape}
        self.generator.set_state(saved["random/batches"])
        torch.set_rng_state(saved["random/torch"][rank].clone())  # torch reads a view from its storage's beginning
        if "random/cuda" in saved and self.device.type == "cuda":
            torch.cuda.set_rng_state(saved["random/cuda"][rank].clone(), self.device)
        self.bfloat16 = bool(saved["bfloat16"])
        (self.step, self.steps, self.earlier), self.losses = saved["step"].tolist(), saved["losses"].tolist()
        self.recorded = {k: v.item() for k, v in _part(saved, "recorded/").items()}

    def look(self, at: Callable, *args: Any) -> Any:
        """What a recipe's method says of the averaged model; looking changes nothing in the run."""
        with torch.random.fork_rng():
            return at(self.recipe.shipped(self.ema), *args)

    def go_on_from(self, item: zoo.Item) -> None:
        """Takes a checkpoint's weights over; what it does not hold, such as a GAN's discriminator, begins anew."""
        for model in (self.model, self.ema):
            self.recipe.shipped(model).load_state_dict(item.model.state_dict())
        self.earlier = item.config["trained_steps"]


def _part(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {key.removeprefix(prefix): x for key, x in tensors.items() if key.startswith(prefix)}


def train(name: str | Recipe, *, steps: int | None = None, resume: bool = False, from_shipped: bool = False,
          device: str | None = None, compile: bool = False, folder: Path = RUNS, out: Path | None = None,
          quiet: bool = False) -> Path | None:
    """Trains a recipe, measures the averaged model and ships it as a checkpoint.

    Args:
        name: A recipe's name, see `course train --list`, or the recipe itself.
        steps: All in all, instead of the recipe's own number, or of the interrupted run's.
        resume: Go on from the state that an interrupted run left in `folder`, to the same bits.
        from_shipped: Begin with the weights of the course's checkpoint; `steps` are then so many more.
        device: "cpu" or "cuda"; default: CUDA when there is one.
        compile: Compile the model, which needs a C++ compiler or a GPU and a minute at the start.
        folder: Of states and pictures of progress.
        out: Of the finished checkpoint. Unless given, the course's own checkpoints, and `folder` for a recipe that is
            not the course's, or that was trained for fewer steps than it says.
        quiet: Without the bar and the lines that tell the quality.

    Returns:
        The checkpoint's path, or None when it was interrupted: the state is then saved.

    Raises:
        ValueError: Unknown recipe, nothing to resume, an unfinished run in the way or one in progress, no such device,
            no compiler, a number of steps that leaves nothing to do, or data or a loss that are not finite, with the
            step.
        OSError: The folder cannot be written to.
    """
    recipe = recipes.find(name) if isinstance(name, str) else name
    if device == "cuda" and not torch.cuda.is_available():
        raise ValueError("There is no GPU that torch can use: leave out the device, or name the CPU.")
    run = State(recipe, torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu")))
    if compile and run.device.type == "cpu" and not compiler():
        raise ValueError("Compiling needs a C++ compiler, and there is none: install g++, or train without.")
    state = folder / f"{recipe.name}-state.safetensors"  # `folder` may be `out`, too
    with _alone(run, folder):
        _begin(run, state, steps, resume, from_shipped)
        finished = _loop(run, state, compile, quiet)
        if not finished or run.processes.rank > 0:
            return None
        ours = _is_ours(recipe) and run.earlier + run.steps >= recipe.steps
        try:
            return _ship(run, state, out or (zoo.FOLDER if ours else folder), quiet)
        except KeyboardInterrupt:
            print(f"Interrupted while it was measured; the state is kept. {_how_to_resume(recipe)}")
            return None


def _begin(run: State, state: Path, steps: int | None, resume: bool, from_shipped: bool) -> None:
    """Reads what an interrupted run left, or sees that none is in the way, and that the folder can be written to."""
    if resume:
        _load(run, state)
    elif state.exists():
        raise ValueError(f"An unfinished run of {run.recipe.name} lies in {state}: resume it, or delete the file.")
    elif from_shipped:
        run.go_on_from(zoo.load(run.recipe.name))
    if steps is not None and steps < max(run.step, 1):
        raise ValueError(f"{steps} steps in all leave nothing to do: {run.step} are done.")
    run.steps = run.steps if steps is None else steps
    _try_to_save(run, state)


@contextlib.contextmanager
def _alone(run: State, folder: Path) -> Iterator[None]:
    """Keeps other trainings of the recipe out of the folder; the first process speaks for all of a run."""
    lock = folder / f".{run.recipe.name}.lock"
    try:
        with files.lock(lock) if run.processes.rank == 0 else contextlib.nullcontext():
            yield
    except BlockingIOError:
        raise ValueError(f"{run.recipe.name} is being trained in {folder} right now: wait for that run, stop it, or "
                         "train in another folder.") from None


def _loop(run: State, state: Path, compile: bool, quiet: bool) -> bool:
    """Trains to the last step; False when it was interrupted. The state is on disk every 500 steps and at the end."""
    model = run.processes.wrap(torch.compile(run.model) if compile else run.model)
    step = Step(run, model)
    watch, quiet = Watch(run, state.parent), quiet or run.processes.rank > 0
    stop = False
    with (_watch_for_stop() as asked, side_stream(run.device),
          tqdm(total=run.steps, initial=run.step, desc=run.recipe.name, unit="step", smoothing=0.05,
               disable=quiet) as bar):
        while run.step < run.steps and not stop:
            loss, stop = step(asked.is_set)
            run.losses.append(loss)
            run.step += 1
            bar.update()
            bar.set_postfix(loss=f"{_recent(run.losses):.4f}", refresh=False)
            if run.step in run.recipe.milestones:
                run.recorded |= run.look(run.recipe.record, run.step)
            if run.step % 500 == 0:
                _save(run, state)
            if run.step % max(500, run.steps // 10) == 0:
                watch.show()
        _save(run, state)
    if run.step < run.steps and run.processes.rank == 0:
        print(f"Interrupted after step {run.step}; the state is kept. {_how_to_resume(run.recipe)}")
    return run.step == run.steps


def _is_ours(recipe: Recipe) -> bool:
    """Whether `course train` means it by its name, which a recipe made in a notebook may bear too."""
    return recipe.name in recipes.names() and type(recipe).__module__.startswith(recipes.__name__)


def _how_to_resume(recipe: Recipe) -> str:
    if _in_notebook() or not _is_ours(recipe):
        return "Go on from there by `resume=True` in this call of `train`."
    return f"Resume it by `course train {recipe.name} --resume`."


@contextlib.contextmanager
def _watch_for_stop() -> Iterator[threading.Event]:
    """Set by Ctrl-C, a notebook's stop or SIGTERM, however often: the step in progress is finished and saved."""
    asked = threading.Event()
    if threading.current_thread() is not threading.main_thread():  # only there do signals arrive
        yield asked
        return
    before = {number: signal.signal(number, lambda *_: asked.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Watch:
    """Loss and samples while training: redrawn in place in a notebook, written as PNG beside the state elsewhere."""

    def __init__(self, run: State, folder: Path):
        self.run, self.folder = run, folder
        self.place, self.shown = uuid.uuid4().hex, False
        self.last = -math.inf  # time at which it was drawn

    def show(self) -> None:
        """Draws the loss so far and, where the recipe has a preview, samples; at most every 20 seconds."""
        run = self.run
        if run.processes.rank > 0 or time.monotonic() < self.last + SECONDS:
            return
        self.last = time.monotonic()
        samples = run.look(run.recipe.preview)
        figures = {"loss": plot.curves(range(1, run.step + 1), {"loss": _smooth(run.losses)}, xlabel="step",
                                       ylabel="loss", logy=True)}
        if samples is not None:
            figures["samples"] = plot.images(samples)
        for what, figure in figures.items():
            if _in_notebook():
                plot.show(figure, f"{what} of {run.recipe.name} after {run.step} steps", place=f"{self.place}-{what}",
                          again=self.shown)
            else:
                files.write(self.folder / f"{run.recipe.name}-{what}.png", plot.png(figure))
        self.shown = True


def loss_table(losses: list[float], rows: int = 50) -> list[dict[str, float]]:
    """The mean loss of each of `rows` equal parts of a run, or of each step when it has fewer, with its last step."""
    ends = sorted({round(len(losses) * (i + 1) / rows) for i in range(rows)} - {0})
    return [{"step": end, "loss": sum(losses[begin:end]) / (end - begin)}
            for begin, end in zip([0, *ends], ends, strict=False)]


def _recent(losses: list[float], n: int = 50) -> float:
    return sum(losses[-n:]) / len(losses[-n:])


def _smooth(losses: list[float], n: int = 50) -> list[float]:
    """Each step's mean over the n before it."""
    return [_recent(losses[:i + 1], n) for i in range(len(losses))]


def _in_notebook() -> bool:
    get_ipython = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)
    return getattr(get_ipython(), "kernel", None) is not None


def _save(run: State, path: Path) -> None:
    tensors = run.tensors()
    if run.processes.rank == 0:
        files.write_tensors(path, tensors, {"recipe": run.recipe.config()})


def _try_to_save(run: State, path: Path) -> None:
    """Finds out at the start, not after hours, that a folder is read-only or its disk full."""
    trial = path.with_suffix(".trial")
    _save(run, trial)
    trial.unlink(missing_ok=True)


def _load(run: State, path: Path) -> None:
    if not path.exists():
        raise ValueError(f"There is nothing to resume: {path} does not exist.")
    try:
        tensors, about = files.read_tensors(path)
    except ValueError as e:
        raise ValueError(f"{e} Delete it, and train anew.") from None
    if about.get("recipe") != json.loads(json.dumps(run.recipe.config())):
        raise ValueError(f"The state in {path} was made by another form of the recipe {run.recipe.name}.")
    made = {k: x.shape for k, x in _part(tensors, "model/").items()}
    if made != {k: x.shape for k, x in run.model.state_dict().items()}:
        raise ValueError(f"The network's parameters are others than when the state in {path} was saved: its class has "
                         "changed since. Delete the file, and train anew.")
    run.restore(tensors)


def _ship(run: State, state: Path, out: Path, quiet: bool = False) -> Path:
    """Measures the averaged model, writes the checkpoint and its grid of samples, and drops the run's state."""
    recipe = run.recipe
    model = recipe.shipped(run.ema)
    measured, samples = recipe.measure(model)
    measured |= run.recorded | {"loss": _recent(run.losses, 500)}
    config = recipe.config() | {"trained_steps": run.earlier + run.step}
    tables = recipe.tables(model) | {"loss": loss_table(run.losses)}
    path = zoo.save(recipe.name, model, config, measured, out, tables=tables)
    if samples is not None:
        zoo.save_samples(recipe.name, samples[:100], out)
    for of, images in recipe.more_samples(model).items():
        zoo.save_samples(recipe.name, images, out, of)
    if not quiet:
        for metric, value in measured.items():
            print(f"{recipe.name}: {metric} = {value:.4g}")
        print(f"{recipe.name}: {run.step} of the recipe's {recipe.steps} steps, written to {path}")
    state.unlink(missing_ok=True)
    return path
