"""What the reading site's live figures need: networks as ONNX, and beside them `live.json`, all numbers of a figure.

    export("site/_static/live")     # guidance.onnx, latent.onnx, …, live.json, and the runtime that a browser runs

A figure is one function here and one file in `live/figures`, both of its name. A network is written as the page calls
it, its large weights in float16; a test holds it to the library's class. Plans are the library's own: the page only
multiplies and adds.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import html
import json
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Generator, Tensor, nn

from course_utils import data, densities, files, models, zoo
from course_utils.authoring.site import node
from course_utils.diffusion.plans import Plan
from course_utils.diffusion.slider import DECIDING, PREVIEW_STEPS, UNGUIDED, plan_slider
from course_utils.widgets import guidance as notebook

LIVE = Path(__file__).with_name("live")
RUNTIME = node.MODULES / "onnxruntime-web/dist"
SCRIPT, BINARY = "ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm"  # all that a page needs of it

LARGE = 1000  # numbers of a weight that is written in float16; small ones, such as a clock's frequencies, stay exact
NOISES = 4  # seeds whose noise ships; a page draws others by itself
NOTE = ("Recorded for a few values. Served over http, with scripts, this figure can draw in your browser: the course's "
        "<code>make read</code> does that.")


@dataclass(frozen=True)
class Figure:
    """One live figure.

    Attributes:
        network: Takes the inputs in their order and answers one tensor.
        inputs: Examples by name, in the only shapes that it will take.
        controls: What each slider offers, in order.
        start: Where each stands at first.
        more: Whatever else the figure's file in `live/figures` reads.
    """

    network: nn.Module
    inputs: dict[str, Tensor]
    controls: dict[str, list]
    start: dict[str, Any]
    more: dict[str, Any]


class Conditional(nn.Module):
    """A network of digits as the page calls it: its answer to x (1, 1, 28, 28), t (1,) and a class (1,), 10 for none.

    Args:
        item: A checkpoint that is told a class; a student is told the weight of guidance as well, w (1,).
    """

    def __init__(self, item: zoo.Item):
        super().__init__()
        self.network = item.model
        table = item.encode(range(10))
        self.register_buffer("table", torch.cat([table, torch.zeros_like(table[:1])]))

    def forward(self, x: Tensor, t: Tensor, label: Tensor, w: Tensor | None = None) -> Tensor:
        told = {} if w is None else {"w": w}
        return self.network(x, t, {"text_emb": self.table.index_select(0, label)} | told)


def guidance() -> Figure:
    """Notebook 07: one digit by the sliders of `widgets.guidance_slider`; a seed's noise is its first digit's."""
    item = zoo.load("mnist-unet")
    plans = {name: {steps: _rows(plan(item.path, steps)) for steps in notebook.STEPS}
             for name, plan in notebook.PLANS.items()}
    preview = _rows(plan_slider(item.path, PREVIEW_STEPS, *DECIDING))
    noises = _noises()
    controls = {"w": notebook.WEIGHTS, "steps": notebook.STEPS, "digit": list(range(10)), "seed": list(range(10)),
                "sampler": list(plans)}
    example = {"x": noises[0][None], "t": torch.tensor([item.path.T]).float(), "label": torch.tensor([3]).int()}
    more = {"noises": [_pack(noise) for noise in noises], "plans": plans, "preview": preview,
            "guided_from": item.path.T / 2, "unguided": UNGUIDED}
    start = {"w": 1.0, "steps": 12, "digit": 3, "seed": 0, "sampler": next(iter(plans))}
    return Figure(Conditional(item), example, controls, start, more)


def student() -> Figure:
    """Notebook 14: one digit by a student that takes the weight as an input, in the steps that it has learned."""
    item, noises = zoo.load("mnist-flow-4"), _noises()
    controls = {"w": [w for w in notebook.WEIGHTS if 0 <= w <= item.config["largest_w"]], "digit": list(range(10)),
                "seed": list(range(10))}
    example = {"x": noises[0][None], "t": torch.ones(1), "label": torch.tensor([3]).int(), "w": torch.ones(1)}
    more = {"noises": [_pack(noise) for noise in noises], "steps": item.config["sampling_steps"]}
    return Figure(Conditional(item), example, controls, {"w": 1.0, "digit": 3, "seed": 0}, more)


def _noises() -> list[Tensor]:
    """(1, 28, 28) for each seed whose noise ships: that of the notebook's first digit."""
    return [torch.randn(10, 1, 28, 28, generator=Generator().manual_seed(seed))[0] for seed in range(NOISES)]


def _rows(plan: Plan) -> list[list[float]]:
    """A plan's steps: t, the weights of x and of the noise in x_start, and the four of its table."""
    weights = plan.weights("noise")[:len(plan)]
    return torch.cat([plan.times[:-1, None].double(), weights, plan.table], dim=1).tolist()


CORNERS = {"6": 303, "0": 5, "3": 153, "9": 457}  # held-out digits: top left, top right, bottom left, bottom right


@torch.no_grad()
def latent() -> Figure:
    """Notebook 03: the square between the codes of four held-out digits, decoded."""
    model = zoo.load("vae-conv").model
    digits = data.binarised_mnist("test")[0][list(CORNERS.values())]
    codes = model.encode(digits)[0]
    share = [k / 20 for k in range(21)]
    more = {"codes": _pack(codes), "digits": _pack(digits), "names": list(CORNERS)}
    return Figure(model.decoder, {"z": codes[:1]}, {"across": share, "down": share}, {"across": 0.5, "down": 0.0}, more)


def interpolation() -> Figure:
    """Notebook 04: eight walks between two codes each, straight and along the sphere."""
    ends = torch.randn(2, 8, 64, generator=Generator().manual_seed(4))
    controls = {"t": [k / 20 for k in range(21)], "seed": list(range(10))}
    return Figure(zoo.load("dcgan").model, {"z": ends[0]}, controls, {"t": 0.5, "seed": 0}, {"ends": _pack(ends)})


class Velocity(nn.Module):
    """The velocity of a mixture on the straight path, x (b, d) and t (1,) above 0: `Mixture.model` in plain operators.

    Args:
        density: What the flow makes of noise.
    """

    def __init__(self, density: densities.Mixture):
        super().__init__()
        self.register_buffer("means", density.means.float())
        self.std = density.std

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        alpha = 1 - t
        var = (alpha * self.std) ** 2 + t**2
        squares = (x[:, None] - alpha * self.means).square().sum(2)
        which = (-squares / (2 * var)).softmax(1)
        gain = alpha * self.std**2 / var
        return (x - gain * x - (1 - gain * alpha) * (which @ self.means)) / t


def particles() -> Figure:
    """Notebook 12: four hundred points of noise on their way to the ring, in many Euler steps and in few."""
    z = torch.randn(400, 2, generator=Generator().manual_seed(2))
    controls = {"t": [k / 10 for k in range(10, -1, -1)], "steps": [1, 2, 3, 4, 6, 8, 12, 20, 50],
                "seed": list(range(10))}
    start = {"t": 0.5, "steps": 4, "seed": 0}
    return Figure(Velocity(densities.ring()), {"x": z, "t": torch.ones(1)}, controls, start,
                  {"noise": _pack(z), "fine": max(controls["steps"])})


FIGURES: dict[str, Callable[[], Figure]] = {"guidance": guidance, "latent": latent, "interpolation": interpolation,
                                            "particles": particles, "student": student}
# The notebook of each, and what its cell says, whose recorded frames stand in the page until the figure is live.
PLACES = {"guidance": ("07_cfg", "widgets.guidance_slider("),
          "latent": ("03_vae", "widgets.explore(between, caption=lambda share:"),
          "interpolation": ("04_gan", "widgets.explore(between, caption=lengths_at,"),
          "particles": ("12_rectified_flow", "widgets.explore(in_flight,"),
          "student": ("14_distillation", "widgets.guidance_slider(")}


def export(folder: Path | str, runtime: Path = RUNTIME) -> dict[str, Any]:
    """Writes all that `live.js` reads but the files of `live/`, and returns what stands in `live.json`.

    A network that lies there already, made of the same, is left as it is.

    Args:
        folder: Made if need be.
        runtime: The folder of onnxruntime-web's files.

    Raises:
        ValueError: The runtime, or a package that writes ONNX, is not installed.
        OSError: A file could not be written.
    """
    folder = Path(folder)
    if not (runtime / BINARY).is_file():
        raise ValueError(f"Live figures need onnxruntime-web: run `npm ci` in {runtime.parents[2]}.")
    shared = {"runtime.mjs": (runtime / SCRIPT).read_bytes(), "runtime.wasm.gz": _zip(runtime / BINARY)}
    about = {"figures": {}}
    for name, make in FIGURES.items():
        figure, path = make(), folder / f"{name}.onnx"
        made_of = _digest(figure)
        if made_of != _read_origin(folder, name):
            files.write(path, to_onnx(figure.network, figure.inputs))
        size = sum(map(len, shared.values())) + path.stat().st_size
        about["figures"][name] = {"made_of": made_of, "bytes": size, "controls": figure.controls,
                                  "start": figure.start, **figure.more}
    for name, content in shared.items():
        files.write(folder / name, content)
    files.write(folder / "live.json", json.dumps(about, separators=(",", ":")))
    return about


def place(name: str, recorded: str) -> str:
    """HTML of a live figure's place in a page: recorded frames, and the sentence that `live.js` takes away."""
    return (f'<div class="live" data-figure="{html.escape(name)}">\n{recorded}\n'
            f'<p class="live-note">{NOTE}</p>\n</div>')


def _digest(figure: Figure) -> str:
    """Of whatever a network's file is made of: numbers, the code of networks and of this module, torch."""
    code = [Path(__file__), Path(densities.__file__), *sorted(Path(models.__file__).parent.glob("*.py"))]
    parts = [torch.__version__, files.digest(figure.network.state_dict() | figure.inputs), *map(Path.read_text, code)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _read_origin(folder: Path, name: str) -> str | None:
    """What the network's file that lies in a folder was made of."""
    try:
        about = json.loads((folder / "live.json").read_text("utf-8"))
        return about["figures"][name]["made_of"] if (folder / f"{name}.onnx").is_file() else None
    except (OSError, ValueError, KeyError):
        return None


def to_onnx(network: nn.Module, inputs: dict[str, Tensor]) -> bytes:
    """A network of one answer as an ONNX file: plain operators, large weights in float16, no names of this machine.

    Args:
        network: In eval mode.
        inputs: By name, in its order and in the shapes that it will take.

    Raises:
        ValueError: A package that writes ONNX is not installed.
    """
    try:
        import onnx
        import onnxscript  # noqa: F401  (torch.onnx needs it)
    except ImportError as e:
        raise ValueError(f"Live figures need the package {e.name}: pip install -e '.[site]'.") from None
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(network, tuple(inputs.values()), input_names=list(inputs), output_names=["out"],
                                    dynamo=True, verbose=False)
    model = onnx.load_from_string(program.model_proto.SerializeToString())
    _halve(model.graph)
    _tidy(model)
    onnx.checker.check_model(model)
    return model.SerializeToString(deterministic=True)


def _halve(graph: Any) -> None:
    """Stores the large weights of an ONNX graph in float16, each with a cast that a runtime does as it loads."""
    from onnx import TensorProto, helper, numpy_helper

    for weight in graph.initializer:
        values = numpy_helper.to_array(weight)
        if weight.data_type == TensorProto.FLOAT and values.size >= LARGE:
            name, half = weight.name, f"{weight.name}.half"
            weight.CopyFrom(numpy_helper.from_array(values.astype("float16"), half))
            graph.node.insert(0, helper.make_node("Cast", [half], [name], to=TensorProto.FLOAT))


def _tidy(model: Any) -> None:
    """Takes out what only a person who debugs an export reads: lines of source with their paths, shapes in between."""
    del model.metadata_props[:], model.graph.metadata_props[:], model.graph.value_info[:]
    for part in (model, model.graph, *model.graph.node, *model.graph.initializer):
        part.ClearField("doc_string")
        del part.metadata_props[:]


def _pack(x: Tensor) -> str:
    """The numbers of a tensor in float32, little-endian, as base64."""
    return base64.b64encode(x.contiguous().numpy().astype("<f4").tobytes()).decode()


def _zip(path: Path) -> bytes:
    """A file as gzip packs it: what a page tells to download is so on any server, since the page unpacks it."""
    return gzip.compress(path.read_bytes(), mtime=0)
