"""The live figures in a real browser, on a page of their own: what they draw, refuse, say, and ask other machines for."""

from __future__ import annotations

import functools
import http.server
import shutil
import threading
from pathlib import Path

import pytest
import torch
from conftest import require

from course_utils import data, zoo
from course_utils.authoring import export
from course_utils.diffusion.slider import Slider

pytestmark = pytest.mark.slow

WAIT = 120_000  # ms, for a busy machine
AXE = Path(export.__file__).with_name("site") / "node_modules/axe-core/axe.min.js"
RECORDED = '<figure><img alt="a recorded frame" src="data:image/gif;base64,R0lGODlhAQABAAAAACw=" width="28"></figure>'
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Live</title>
<meta name="viewport" content="width=device-width">
<style>:root {{ color-scheme: light dark }} body {{ margin: 8px; background: Canvas; color: CanvasText }}</style>
<main><h1>Live</h1>{places}</main><script type="module" src="live/live.js"></script></html>"""
# Keeps what each figure has drawn, as its page may.
LISTEN = "addEventListener('drawn', ({target, detail}) => { (target.drawn ??= []).push(detail); })"


class Site(http.server.SimpleHTTPRequestHandler):
    extensions_map = {**http.server.SimpleHTTPRequestHandler.extensions_map, ".mjs": "text/javascript"}

    def log_message(self, *words):
        pass


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The site: a page with every figure, and the kit with its networks."""
    require("browser", export.RUNTIME.is_dir(), "No onnxruntime-web: `make site` installs it; live figures are not tested.")
    folder = tmp_path_factory.mktemp("site")
    shutil.copytree(export.LIVE, folder / "live")
    export.export(folder / "live")
    places = "".join(export.place(name, RECORDED) for name in export.FIGURES)
    (folder / "index.html").write_text(PAGE.format(places=places))
    return folder


@pytest.fixture(scope="module")
def address(folder):
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Site, directory=folder)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


class Reader:
    """Opens the page, presses a figure's button, moves its sliders by key."""

    def __init__(self, browser, address, **context):
        self.page = browser.new_page(**context)
        self.page.set_default_timeout(WAIT)
        self.requests, self.errors = [], []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.add_init_script(LISTEN)
        self.page.goto(address)

    def figure(self, name):
        return self.page.locator(f'[data-figure="{name}"]')

    def start(self, name):
        """The figure once its first picture is there."""
        self.figure(name).get_by_role("button").click()
        self.drawn(name)
        return self.figure(name)

    def drawn(self, name, **values):
        """The picture of these values, once it is drawn."""
        found = """([name, values]) => document.querySelector(`[data-figure="${name}"]`).drawn?.findLast(
            d => Object.entries(values).every(([key, value]) => d.values[key] === value))"""
        answer = self.page.wait_for_function(found, arg=[name, values]).evaluate(
            "d => ({...d, pixels: [...d.pixels]})")
        return torch.tensor(answer.pop("pixels")), answer

    def asks(self, name, **values):
        """Puts the sliders where they offer these values, without a move of them."""
        self.page.evaluate("""([name, values]) => { const f = document.querySelector(`[data-figure="${name}"]`).live;
            Object.assign(f.values, values); f.ask(); }""", [name, values])
        return self.drawn(name, **values)


@pytest.fixture
def reader(browser, address):
    reader = Reader(browser, address, viewport={"width": 390, "height": 900})
    yield reader
    reader.page.close()
    assert reader.errors == []
    assert all(url.startswith((address, "data:", "blob:")) for url in reader.requests)


def off(pixels, images):
    """The mean difference from images in [-1, 1]."""
    return (pixels * 2 - 1 - images.flatten()).abs().mean().item()


@pytest.mark.parametrize("sampler", ["DPM-Solver++ 2M", "DDIM"])
def test_a_finished_guided_digit_is_torchs(reader, sampler):
    reader.start("guidance")
    item = zoo.load("mnist-unet")
    x = torch.randn(10, 1, 28, 28, generator=torch.Generator().manual_seed(2))[:1]
    slider = Slider(item.model, x, item.path, {"text_emb": item.encode([5])}, None)
    for w, evaluations in ((2.0, 8 + 3), (0.0, 8), (-1.0, 8)):
        plan = export.notebook.PLANS[sampler](item.path, 8)
        pixels, told = reader.asks("guidance", w=w, steps=8, digit=5, seed=2, sampler=sampler)
        assert off(pixels, slider(w, plan)) < 1e-3
        assert told["evaluations"] + told["remembered"] == slider.evaluations(w, plan)
        assert (pixels > 0.75).float().mean() > 0.02  # there is something to see


def test_a_key_moves_a_slider_and_its_picture(reader):
    figure = reader.start("guidance")
    image, caption, slider = figure.get_by_role("img"), figure.locator("figcaption"), figure.get_by_role("slider")
    assert figure.locator("button").count() == 0
    assert "w = 1 · guidance_scale 2" in caption.inner_text()
    for name, there in (("guidance", {"w": 1.5}), ("steps", {"steps": 20}), ("class", {"digit": 4}),
                        ("seed", {"seed": 1}), ("sampler", {"sampler": "DDIM"})):
        before = image.get_attribute("src")
        slider.and_(figure.get_by_role("slider", name=name)).press("ArrowRight")
        reader.drawn("guidance", **there)
        assert image.get_attribute("src") != before, name
    assert image.get_attribute("alt") == caption.inner_text()
    assert "w = 1.5 · guidance_scale 2.5" in caption.inner_text() and "DDIM in 20 steps" in caption.inner_text()
    assert "torch's seed 1" in caption.inner_text()
    assert slider.first.get_attribute("aria-valuetext") == "w = 1.5 · guidance_scale 2.5"
