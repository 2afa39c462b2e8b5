"""A guided digit drawn in the reader's browser, on one thread.

The reading site's own script and worker (onnxruntime-web, WebAssembly on one thread) in Chromium without a window, from
the question to the drawn picture: 12 steps of DPM-Solver++ 2M, new noise for each, no preview. Beside it the library's
`Slider` around the same network in PyTorch, eager, on one thread.
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
from course_utils.bench import Row, installed, medians
from course_utils.diffusion.slider import Slider

ALLOWED = 300.0  # milliseconds
NAME = "a guided digit in the browser, one thread of WebAssembly"
PEERS = {f"{NAME}, against {ALLOWED:.0f} ms": 1, f"{NAME}, against PyTorch on one thread": None}
PAGE = f"""<!doctype html><meta charset="utf-8">{export.place("guidance", "")}
<script type="module" src="live/live.js"></script>"""
# Asks for the digit of a seed that was not asked for yet, whose noise is the page's own, and waits until it is drawn.
ASK = """() => new Promise(resolve => {
    const place = document.querySelector(".live");
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
    return found if installed("playwright") and export.RUNTIME.is_dir() else None


@contextlib.contextmanager
def in_browser(program: str, folder: Path) -> Iterator[Callable[[], int]]:
    """A function that has the page draw one digit, and gives its network evaluations."""
    from playwright.sync_api import sync_playwright

    shutil.copytree(export.LIVE, folder / "live")
    export.export(folder / "live")
    (folder / "index.html").write_text(PAGE)
    with serving(folder) as address, sync_playwright() as p:
        browser = p.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(reduced_motion="reduce")  # which asks for no preview
        page.goto(address)
        page.get_by_role("button").click()
        page.get_by_role("slider").first.wait_for()
        yield lambda: page.evaluate(ASK)
        browser.close()


def in_torch() -> Callable[[], torch.Tensor]:
    """The same by the library."""
    item = zoo.load("mnist-unet")

    def draw() -> torch.Tensor:
        return Slider(item.model, torch.randn(1, 1, 28, 28), item.path, {"text_emb": item.encode([3])}, None)(1.0)

    return draw


def rows() -> Iterator[Row]:
    """One digit."""
    program, threads = chromium(), torch.get_num_threads()
    if program is None:
        yield from (Row.absent(name, "Chromium and the site's packages", goal=goal) for name, goal in PEERS.items())
        return
    with tempfile.TemporaryDirectory() as folder, in_browser(program, Path(folder)) as page:
        torch.set_num_threads(1)
        try:
            seconds = medians({"page": page, "torch": in_torch()}, repeats=11, warmup=2, least=0)
            evaluations = page()
        finally:
            torch.set_num_threads(threads)
    peers = ALLOWED, 1000 * seconds["torch"]
    for (name, goal), peer in zip(PEERS.items(), peers, strict=True):
        yield Row.time(name, 1000 * seconds["page"], peer, goal=goal, limit=f"{evaluations} network evaluations")
