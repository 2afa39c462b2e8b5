"""The recipes as a whole: which there are, what is missing or outdated, and the command `course train`."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

import torch

from course_utils import models, recipes, training, zoo

TWO_CORES, GPU = "two cores", "a GPU"
NICENESS = 10  # of `--missing`, which may run beside everything else


def sort_recipes() -> list[str]:
    """All recipes in the order of the notebooks' numbers, each after those that it needs."""
    names: list[str] = []

    def visit(name: str) -> None:
        for needed in recipes.find(name).needs:
            visit(needed)
        if name not in names:
            names.append(name)

    for name in recipes.names():
        visit(name)
    return names


def is_outdated(name: str, folder: Path = zoo.FOLDER) -> bool:
    """Whether a recipe's checkpoint is missing, of another form of the recipe, or of fewer steps than it says."""
    recipe = recipes.find(name)
    try:
        shipped = zoo.load(name, folder).config
        wanted = recipe.config()  # which may tell the weights that it needs
    except ValueError:
        return True
    given = {key: value for key, value in shipped.items() if key != "trained_steps"}
    return given != json.loads(json.dumps(wanted)) or shipped["trained_steps"] < recipe.steps


def train_missing(device: str | None = None, compile: bool = False, folder: Path = training.RUNS,
                  out: Path = zoo.FOLDER) -> bool:
    """Trains what is missing or outdated, one line a recipe; unfinished runs go on.

    Args:
        device: "cpu" or "cuda"; default: CUDA when there is one.
        compile: Compile the models.
        folder: Of states and pictures of progress.
        out: Of the checkpoints.

    Returns:
        False when it was interrupted: the state of the run in progress is then saved.
    """
    device = device or ("cuda" if torch.cuda.is_available() else "cpu")
    left = sort_recipes()
    while left:
        name = left.pop(0)
        if not is_outdated(name, out):
            continue
        resume = (folder / f"{name}-state.safetensors").exists()
        path = training.train(name, resume=resume, device=device, compile=compile, folder=folder, out=out, quiet=True)
        if path is None:
            return False
        print(f"{name}: done, {quality(name, out)}; {minutes_left(left, device, out)}", flush=True)
    print("Nothing is missing.")
    return True


def quality(name: str, folder: Path = zoo.FOLDER) -> str:
    """What a checkpoint was measured to reach; ValueError when there is none."""
    return ", ".join(f"{metric} {value:.3g}" for metric, value in zoo.load(name, folder).metrics.items())


def minutes_left(names: list[str], device: str, folder: Path = zoo.FOLDER) -> str:
    """How long those of these recipes that are missing or outdated will take, as far as that was measured."""
    where = GPU if device == "cuda" else TWO_CORES
    times = [recipes.find(name).minutes.get(where) for name in names if is_outdated(name, folder)]
    known = f"{sum(time or 0 for time in times):.0f} min left"
    unknown = sum(time is None for time in times)
    return f"{known}, and {unknown} recipes whose time was not measured on {where}" if unknown else known


def describe(name: str) -> str:
    """A recipe in a few lines: what it is, its data and size, how long it takes, what its checkpoint reaches."""
    recipe = recipes.find(name)
    times = [f"{recipe.minutes[where]:g} min on {where}" if where in recipe.minutes else f"not measured on {where}"
             for where in (TWO_CORES, GPU)]
    size = sum(p.numel() for p in models.build(recipe.network, recipe.ARGS).parameters())
    try:
        reached, remark = quality(name), zoo.load(name).remark
    except ValueError as e:
        shipped = (zoo.FOLDER / f"{name}.safetensors").exists()
        reached, remark = str(e) if shipped else "not trained yet", ""
    facts = {"data": recipe.data, "parameters": f"{size:,}", "steps": f"{recipe.steps} of {recipe.batch_size} samples",
             "time": ", ".join(times), "quality": reached, "remark": remark}
    facts = {what: fact for what, fact in facts.items() if fact}
    return "\n".join([f"{name}: {recipe.about}", *(f"  {what:<11} {fact}" for what, fact in facts.items())])


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `course train`."""
    parser.add_argument("name", nargs="?", help="the recipe; without one the recipes are listed")
    parser.add_argument("--list", action="store_true", help="list the recipes and what their checkpoints reach")
    parser.add_argument("--missing", action="store_true", help="train all that is missing or outdated, and go on "
                        "with unfinished runs")
    parser.add_argument("--resume", action="store_true", help="go on from the state that an interrupted run left")
    parser.add_argument("--from-shipped", action="store_true", help="begin with the shipped checkpoint's weights")
    parser.add_argument("--remark", metavar="TEXT", help="say in the checkpoint what its samples fall short of")
    parser.add_argument("--steps", type=int, help="train for so many steps instead of the recipe's number")
    parser.add_argument("--device", choices=["cpu", "cuda"], help="default: cuda when there is one")
    parser.add_argument("--compile", action="store_true", help="compile the model, which takes a minute")


def run(args: argparse.Namespace) -> int:
    """`course train`: trains and ships one recipe or all that are missing, or lists them; 130 when interrupted."""
    one = args.resume or args.from_shipped or args.steps is not None
    if args.missing and (args.name is not None or one):
        raise ValueError("--missing trains every recipe by all of its steps: leave out the rest.")
    if args.name is None and one:
        raise ValueError("Name the recipe; `course train --list` says which there are.")
    if args.resume and args.from_shipped:
        raise ValueError("A run that is resumed has its weights already: leave out --from-shipped.")
    if args.remark is not None:
        if args.name is None:
            raise ValueError("Name the checkpoint that the remark is about.")
        zoo.set_remark(args.name, args.remark)
        return 0
    if args.missing:
        os.nice(NICENESS)
        return 0 if train_missing(args.device, args.compile) else 130
    if args.list or args.name is None:
        print("\n\n".join(map(describe, recipes.names())))
        return 0
    shipped = training.train(args.name, steps=args.steps, resume=args.resume, from_shipped=args.from_shipped,
                             device=args.device, compile=args.compile)
    return 130 if shipped is None and int(os.environ.get("RANK", 0)) == 0 else 0
