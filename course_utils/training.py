"""One training loop for every recipe: six steps, a moving average, and states that resume without loss.

`course train NAME` runs it in one process, `torchrun --nproc-per-node 4 -m course_utils.training NAME` in four.
"""

from __future__ import annotations

import argparse
import contextlib
import copy
import json
import math
import os
import signal
import sys
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

import torch
from safetensors import safe_open
from torch import Tensor, nn
from tqdm.auto import tqdm

from course_utils import memory, plot, recipes, zoo
from course_utils.models.fast import fastest_dtype
from course_utils.processes import Processes
from course_utils.recipes import Recipe

MACHINES = ["two cores", "a GPU"]
RUNS = Path("runs")  # states of unfinished runs and pictures of their progress, below the current folder


class State:
    """All that a training run is at one moment: model, moving average, optimizer, random states, step, losses."""

    def __init__(self, recipe: Recipe, device: torch.device):
        memory.keep()
        self.processes = Processes(device)
        self.recipe, self.device = recipe, self.processes.device
        if recipe.batch_size % self.processes.count:
            raise ValueError(f"A batch of {recipe.batch_size} cannot be shared by {self.processes.count} processes.")
        torch.manual_seed(recipe.seed)  # first weights, the same in every process
        self.generator = torch.Generator().manual_seed(recipe.seed)  # batches, times and noise
        self.model = recipe.model().to(self.device, memory_format=torch.channels_last).train()
        self.ema = copy.deepcopy(self.model).eval().requires_grad_(False)
        self.optimizer = torch.optim.AdamW(self.model.parameters(), weight_decay=recipe.weight_decay, fused=True)
        self.bfloat16 = fastest_dtype(device) == torch.bfloat16  # measured, so a resumed run must be told
        self.step, self.steps = 0, recipe.steps
        self.losses: list[float] = []
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
        out |= {"step": torch.tensor([self.step, self.steps]), "losses": torch.tensor(self.losses, dtype=torch.float64)}
        return {k: v.detach().cpu().contiguous().clone() for k, v in out.items()}

    def restore(self, saved: dict[str, Tensor]) -> None:
        """The inverse of `tensors`; ValueError when another number of processes made them."""
        rank, count = self.processes.rank, len(saved["random/torch"])
        if count != self.processes.count:
            raise ValueError(f"The run was begun by {count} processes, not {self.processes.count}: resume by as many.")
        part = lambda name: {k.split("/", 1)[1]: v for k, v in saved.items() if k.startswith(f"{name}/")}  # noqa: E731
        self.model.load_state_dict(part("model"))
        self.ema.load_state_dict(part("ema"))
        state: dict[int, dict[str, Tensor]] = {}
        for key, value in part("optimizer").items():
            i, name = key.split("/")
            state.setdefault(int(i), {})[name] = value
        groups = self.optimizer.state_dict()["param_groups"]
        self.optimizer.load_state_dict({"state": state, "param_groups": groups})
        self.generator.set_state(saved["random/batches"])
        torch.set_rng_state(saved["random/torch"][rank])
        if "random/cuda" in saved and self.device.type == "cuda":
            torch.cuda.set_rng_state(saved["random/cuda"][rank], self.device)
        self.bfloat16 = bool(saved["bfloat16"])
        (self.step, self.steps), self.losses = saved["step"].tolist(), saved["losses"].tolist()


def train(name: str | Recipe, *, steps: int | None = None, resume: bool = False, device: str | None = None,
          compile: bool = False, folder: Path = RUNS, out: Path = zoo.FOLDER) -> Path | None:
    """Trains a recipe, measures the averaged model and ships it as a checkpoint.

    Args:
        name: A recipe's name, see `course train --list`, or the recipe itself.
        steps: Instead of the recipe's own number, or of the interrupted run's.
        resume: Go on from the state that an interrupted run left in `folder`, to the same bits.
        device: "cpu" or "cuda"; default: CUDA when there is one.
        compile: Compile the model, which needs a C++ compiler or a GPU and a minute at the start.
        folder: Of states and pictures of progress.
        out: Of the finished checkpoint.

    Returns:
        The checkpoint's path, or None when it was interrupted: the state is then saved.

    Raises:
        ValueError: Unknown recipe, nothing to resume, or a loss that is not finite, with the step.
    """
    recipe = recipes.find(name) if isinstance(name, str) else name
    run = State(recipe, torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu")))
    state = folder / f"{recipe.name}-state.safetensors"  # `folder` may be `out`, too
    if resume:
        _load(run, state)
    elif state.exists() and run.processes.rank == 0:
        state.rename(state.with_suffix(".previous"))  # a new run never overwrites an unfinished one's state
    run.steps = steps or run.steps
    finished = _loop(run, state, compile)
    return _ship(run, state, out) if finished and run.processes.rank == 0 else None


def _loop(run: State, state: Path, compile: bool) -> bool:
    """Trains to the last step; False when it was interrupted. The state is on disk every 500 steps and at the end."""
    model = run.processes.wrap(torch.compile(run.model) if compile else run.model)
    watch, quiet = Watch(run, state.parent), run.processes.rank > 0
    stop = False
    with (_asked_to_stop(impatient=run.processes.count == 1) as asked,
          tqdm(total=run.steps, initial=run.step, desc=run.recipe.name, unit="step", smoothing=0.05,
               disable=quiet) as bar):
        while run.step < run.steps and not stop:
            loss, stop = _step(run, model, asked)
            run.losses.append(loss)
            run.step += 1
            bar.update()
            bar.set_postfix(loss=f"{_recent(run.losses):.4f}", refresh=False)
            if run.step % 500 == 0:
                _save(run, state)
                watch.show()
        _save(run, state)
    if run.step < run.steps and not quiet:
        print(f"Interrupted after step {run.step}; the state is kept. Resume it by "
              f"`course train {run.recipe.name} --resume`.")
    return run.step == run.steps


@contextlib.contextmanager
def _asked_to_stop(impatient: bool = True) -> Iterator[threading.Event]:
    """Set by Ctrl-C or a notebook's stop: the step in progress is finished, since half a step cannot be saved.

    Args:
        impatient: A second Ctrl-C does not wait. Among several processes it does: torchrun repeats the first.
    """
    asked = threading.Event()
    if threading.current_thread() is not threading.main_thread():  # only there do signals arrive
        yield asked
        return

    def ask(number: int, frame: FrameType | None) -> None:
        if impatient:
            signal.signal(signal.SIGINT, before)
        asked.set()

    before = signal.signal(signal.SIGINT, ask)
    try:
        yield asked
    finally:
        signal.signal(signal.SIGINT, before)


def _step(run: State, model: nn.Module, asked: threading.Event) -> tuple[float, bool]:
    """The six steps: batch to the device, zero the gradients, forward, loss, backward, step; then the average.

    Returns the loss of the whole batch, and whether any of the processes was asked to stop.
    """
    recipe = run.recipe
    for group in run.optimizer.param_groups:
        group["lr"] = recipe.learning_rate * schedule(run.step, run.steps, recipe.warmup)
    batch = run.processes.share(recipe.batch(run.generator))
    run.optimizer.zero_grad(set_to_none=True)
    with torch.autocast(run.device.type, torch.bfloat16, enabled=run.bfloat16):
        loss = recipe.loss(model, batch)
    stop = torch.full_like(loss.detach(), float(asked.is_set()))
    mean, stop = run.processes.mean(torch.stack([loss.detach(), stop])).tolist()
    if not math.isfinite(mean):
        raise ValueError(f"The loss of {recipe.name} is {mean} at step {run.step}; nothing was overwritten: "
                         "lower the learning rate, and resume from the last saved state.")
    loss.backward()
    nn.utils.clip_grad_norm_(run.model.parameters(), recipe.clip)
    run.optimizer.step()
    update_ema(run.ema, run.model, min(recipe.ema, (1 + run.step) / (10 + run.step)))
    return mean, stop > 0


def schedule(step: int, steps: int, warmup: int) -> float:
    """The share of the learning rate: linear warm-up, then a half cosine to 0 at the last step."""
    if step < warmup:
        return (step + 1) / warmup
    return 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(steps - warmup, 1)))


@torch.no_grad()
def update_ema(ema: nn.Module, model: nn.Module, decay: float) -> None:
    """ema ← decay·ema + (1 − decay)·model for all parameters; buffers are copied."""
    torch._foreach_lerp_(list(ema.parameters()), list(model.parameters()), 1 - decay)
    for mine, theirs in zip(ema.buffers(), model.buffers(), strict=True):
        mine.copy_(theirs)


class Watch:
    """Loss and samples while training: redrawn in place in a notebook, written as PNG beside the state elsewhere."""

    def __init__(self, run: State, folder: Path):
        self.run, self.folder = run, folder
        self.place, self.shown = uuid.uuid4().hex, False

    def show(self) -> None:
        """Draws the loss so far and, where the recipe has a preview, the averaged model's samples."""
        run = self.run
        if run.processes.rank > 0:
            return
        with torch.random.fork_rng():  # looking changes nothing in the run
            samples = run.recipe.preview(run.ema)
        figures = {"loss": plot.curves(range(1, run.step + 1), {"loss": _smooth(run.losses)}, xlabel="step",
                                       ylabel="loss", logy=True)}
        if samples is not None:
            figures["samples"] = plot.images(samples)
        for what, figure in figures.items():
            if _in_notebook():
                plot.show(figure, f"{what} of {run.recipe.name} after {run.step} steps", place=f"{self.place}-{what}",
                          again=self.shown)
            else:
                self.folder.mkdir(parents=True, exist_ok=True)
                (self.folder / f"{run.recipe.name}-{what}.png").write_bytes(plot.png(figure))
        self.shown = True


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
        zoo.write_tensors(path, tensors, {"recipe": json.dumps(run.recipe.config(), sort_keys=True)})


def _load(run: State, path: Path) -> None:
    if not path.exists():
        raise ValueError(f"There is nothing to resume: {path} does not exist.")
    with safe_open(path, framework="pt") as file:
        if json.loads(file.metadata()["recipe"]) != json.loads(json.dumps(run.recipe.config())):
            raise ValueError(f"The state in {path} was made by another form of the recipe {run.recipe.name}.")
        run.restore({k: file.get_tensor(k) for k in file.keys()})


def _ship(run: State, state: Path, out: Path) -> Path:
    """Measures the averaged model, writes the checkpoint and its grid of samples, and drops the run's state."""
    recipe, model = run.recipe, run.ema.to("cpu", memory_format=torch.contiguous_format)
    measured, samples = recipe.measure(model)
    measured["loss"] = _recent(run.losses, 500)
    path = zoo.save(recipe.name, model, recipe.config() | {"trained_steps": run.step}, measured, out)
    if samples is not None:
        zoo.save_samples(recipe.name, samples[:100], out)
    for metric, value in measured.items():
        print(f"{recipe.name}: {metric} = {value:.4g}")
    state.unlink(missing_ok=True)
    return path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `course train`."""
    parser.add_argument("name", nargs="?", help="the recipe; without one the recipes are listed")
    parser.add_argument("--list", action="store_true", help="list the recipes and what their checkpoints reach")
    parser.add_argument("--resume", action="store_true", help="go on from the state that an interrupted run left")
    parser.add_argument("--steps", type=int, help="train for so many steps instead of the recipe's number")
    parser.add_argument("--device", choices=["cpu", "cuda"], help="default: cuda when there is one")
    parser.add_argument("--compile", action="store_true", help="compile the model, which takes a minute")


def run(args: argparse.Namespace) -> int:
    """`course train`: trains and ships one recipe, or lists them all; 130 when it was interrupted."""
    if args.list or args.name is None:
        print("\n\n".join(map(describe, recipes.names())))
        return 0
    shipped = train(args.name, steps=args.steps, resume=args.resume, device=args.device, compile=args.compile)
    return 130 if shipped is None and int(os.environ.get("RANK", 0)) == 0 else 0


def describe(name: str) -> str:
    """A recipe in a few lines: what it is, its data and size, how long it takes, what its checkpoint reaches."""
    recipe = recipes.find(name)
    size = sum(p.numel() for p in recipe.model().parameters())
    times = [f"{recipe.minutes[where]:g} min on {where}" if where in recipe.minutes else f"not measured on {where}"
             for where in MACHINES]
    try:
        reached = ", ".join(f"{k} {v:.3g}" for k, v in zoo.load(name).metrics.items())
    except ValueError:
        reached = "no checkpoint yet"
    facts = {"data": recipe.data, "parameters": f"{size:,}", "steps": f"{recipe.steps} of {recipe.batch_size} samples",
             "time": ", ".join(times), "quality": reached}
    return "\n".join([f"{name}: {recipe.about}", *(f"  {what:<11} {fact}" for what, fact in facts.items())])


if __name__ == "__main__":  # as torchrun starts it
    parser = argparse.ArgumentParser("course train")
    add_arguments(parser)
    try:
        sys.exit(run(parser.parse_args()))
    except (ValueError, OSError) as e:
        sys.exit(f"course train: {e}")
