"""Guided digits drawn in the reader's browser, on one thread.

The reading site's own script and worker (onnxruntime-web, WebAssembly on one thread) in Chromium without a window, from
the question to the drawn picture: 12 steps of DPM-Solver++ 2M, new noise for each, no preview; and the four steps of
`mnist-flow-4`. Beside them the library's `Slider` and `StudentSlider` around the same networks in PyTorch, eager, on
one thread.
"""

from __future__ import annotations

import contextlib
import functools
import http.server
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import torch

from course_utils import zoo
from course_utils.authoring import export
from course_utils.bench import Row, is_installed, medians
from course_utils.diffusion.slider import Slider, StudentSlider

ALLOWED = {"guidance": 300.0, "student": 80.0}  # milliseconds
NAMES = {"guidance": "a guided digit in the browser, one thread of WebAssembly",
         "student": "a 4-step student's digit in the browser, one thread of WebAssembly"}
PEERS = {name: {f"{words}, against {ALLOWED[name]:.0f} ms": 1, f"{words}, against PyTorch on one thread": None}
         for name, words in NAMES.items()}  # rows with their goals
PAGE = f"""<!doctype html><meta charset="utf-8">{"".join(export.place(name, "") for name in NAMES)}
<script type="module" src="live/live.js"></script>"""
# Asks for the digit of a seed that was not asked for yet, whose noise is the page's own, and waits until it is drawn.
ASK = """name => new Promise(resolve => {
    const place = document.querySelector(`[data-figure="${name}"]`);
    place.seed = (place.seed ?? 1000) + 1;
    place.addEventListener("drawn", ({detail}) => resolve(detail.evaluations), {once: true});
    place.live.values.seed = place.seed;
    place.live.ask(); })"""


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves files and says nothing."""

    def log_message(self, *words):
        pass


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[str]:
    """The address at which a folder is served, on this machine alone."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=folder)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def chromium() -> str | None:
    """The browser, where it, what drives it, and the page's runtime are installed."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    return found if is_installed("playwright") and export.RUNTIME.is_dir() else None


@contextlib.contextmanager
def in_browser(program: str, folder: Path) -> Iterator[Callable[[str], int]]:
    """A function that has the page draw one digit of a figure, and gives its network evaluations."""
    from playwright.sync_api import sync_playwright

    shutil.copytree(export.LIVE, folder / "live")
    export.export(folder / "live")
    (folder / "index.html").write_text(PAGE)
    with serving(folder) as address, sync_playwright() as p:
        browser = p.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(reduced_motion="reduce")  # which asks for no preview
        page.goto(address)
        for name in NAMES:
            figure = page.locator(f'[data-figure="{name}"]')
            figure.get_by_role("button").click()
            figure.get_by_role("slider").first.wait_for()
        yield lambda name: page.evaluate(ASK, name)
        browser.close()


def in_torch() -> dict[str, Callable[[], torch.Tensor]]:
    """The same by the library, under the figures' names."""
    item, few = zoo.load("mnist-unet"), zoo.load("mnist-flow-4")

    def draw() -> torch.Tensor:
        return Slider(item.model, torch.randn(1, 1, 28, 28), item.path, {"text_emb": item.encode([3])}, None)(1.0)

    def draw_few() -> torch.Tensor:
        return StudentSlider(few.model, torch.randn(1, 1, 28, 28), few.path, {"text_emb": few.encode([3])},
                             steps=few.config["sampling_steps"])(1.0)

    return {"guidance": draw, "student": draw_few}


def rows() -> Iterator[Row]:
    """One digit of each figure."""
    program, threads = chromium(), torch.get_num_threads()
    if program is None:
        for peers in PEERS.values():
            yield from (Row.absent(row, "Chromium and the site's packages", goal=goal) for row, goal in peers.items())
        return
    with tempfile.TemporaryDirectory() as folder, in_browser(program, Path(folder)) as page:
        torch.set_num_threads(1)
        try:
            sides = {name: lambda name=name: page(name) for name in NAMES}
            sides |= {f"{name} by torch": side for name, side in in_torch().items()}
            seconds = medians(sides, repeats=11, warmup=2, least=0)
            evaluations = {name: page(name) for name in NAMES}
        finally:
            torch.set_num_threads(threads)
    for name, peers in PEERS.items():
        for (row, goal), peer in zip(peers.items(), (ALLOWED[name], 1000 * seconds[f"{name} by torch"]), strict=True):
            yield Row.time(row, 1000 * seconds[name], peer, goal=goal, limit=f"{evaluations[name]} network evaluations")
