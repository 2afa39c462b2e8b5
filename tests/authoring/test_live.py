"""The live figures in a real browser, on a page of their own: what they draw, say, refuse, and ask of whom."""

from __future__ import annotations

import shutil

import pytest
import torch

from course_utils import bench, data, zoo
from course_utils.authoring import export
from course_utils.authoring.site import node
from course_utils.densities import ring
from course_utils.diffusion.paths import RectifiedFlow
from course_utils.diffusion.slider import Slider, StudentSlider

pytestmark = pytest.mark.slow

WAIT = 120_000  # ms, for a busy machine
AXE = node.MODULES / "axe-core/axe.min.js"
RECORDED = '<figure><img alt="a recorded frame" src="data:image/gif;base64,R0lGODlhAQABAAAAACw=" width="28"></figure>'
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Live</title>
<meta name="viewport" content="width=device-width">
<style>:root {{ color-scheme: light dark }} body {{ margin: 8px; background: Canvas; color: CanvasText }}</style>
<main><h1>Live</h1>{places}</main><script type="module" src="live/live.js"></script></html>"""
# Keeps what each figure has drawn, as its page may.
LISTEN = "addEventListener('drawn', ({target, detail}) => { (target.drawn ??= []).push(detail); })"


@pytest.fixture(scope="module")
def folder(work, tmp_path_factory):
    """The site: a page with every figure, and the kit with its networks."""
    folder = tmp_path_factory.mktemp("site")
    shutil.copytree(export.LIVE, folder / "live")
    shutil.copytree(work / "live", folder / "live", dirs_exist_ok=True)
    places = "".join(export.place(name, RECORDED) for name in export.FIGURES)
    (folder / "index.html").write_text(PAGE.format(places=places))
    return folder


@pytest.fixture(scope="module")
def address(folder):
    with bench.load("live").serving(folder) as address:
        yield address


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
    for w in (2.0, 0.0, -1.0):
        plan = export.notebook.PLANS[sampler](item.path, 8)
        pixels, told = reader.asks("guidance", w=w, steps=8, digit=5, seed=2, sampler=sampler)
        assert off(pixels, slider(w, plan)) < 1e-3
        assert told["evaluations"] + told["remembered"] == slider.evaluations(w, plan)
        assert (pixels > 0.75).float().mean() > 0.02  # there is something to see


def test_a_students_digit_is_torchs(reader):
    reader.start("student")
    item = zoo.load("mnist-flow-4")
    x = torch.randn(10, 1, 28, 28, generator=torch.Generator().manual_seed(2))[:1]
    slider = StudentSlider(item.model, x, item.path, {"text_emb": item.encode([5])}, steps=4)
    for w in (2.0, 0.0):
        pixels, told = reader.asks("student", w=w, digit=5, seed=2)
        assert off(pixels, slider(w)) < 1e-3 and told["evaluations"] == 4
        assert (pixels > 0.75).float().mean() > 0.02


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
    assert "from seed 1 (torch's" in caption.inner_text()
    assert slider.first.get_attribute("aria-valuetext") == "w = 1.5 · guidance_scale 2.5"


def test_a_newer_question_drops_the_older_ones(reader):
    reader.start("guidance")
    reader.page.evaluate("""() => { const f = document.querySelector('[data-figure="guidance"]').live;
        for (const w of f.about.controls.w) { f.values.w = w; f.ask(); } }""")
    reader.drawn("guidance", w=16)
    drawn = reader.figure("guidance").evaluate("place => place.drawn.map(d => d.values.w)")
    assert drawn[0] == 1 and drawn[-1] == 16 and len(drawn) <= 3  # one may have been finished already


# Moves the weight, and tells what the worker says and which words stand until the picture is drawn.
FOLLOW = """place => new Promise(resolve => {
    const f = place.live, seen = [];
    f.worker.addEventListener("message", ({data}) => {
        seen.push([data.kind, f.caption.textContent]);
        if (data.kind === "picture") resolve(seen);
    });
    f.values.w = 4;
    f.ask(); })"""


def test_a_preview_comes_first_and_changes_no_words(reader):
    figure = reader.start("guidance")
    words = figure.locator("figcaption").inner_text()
    (kind, meanwhile), (last, after) = figure.evaluate(FOLLOW)
    assert (kind, meanwhile) == ("preview", words) and "w = 1 ·" in words
    assert last == "picture" and "w = 4 ·" in after


def test_whoever_asked_for_less_motion_sees_one_picture(browser, address):
    reader = Reader(browser, address, reduced_motion="reduce")
    seen = reader.start("guidance").evaluate(FOLLOW)
    reader.page.close()
    assert [kind for kind, _ in seen] == ["picture"]


def test_a_seed_of_the_pages_own_is_noise_and_said_to_be_its_own(reader):
    reader.start("guidance")
    x = torch.tensor(reader.page.evaluate("""async () => { const {normal} = await import("./live/numbers.js");
        return Array.from({length: 40000}, normal(7)); }"""))
    assert abs(x.mean()) < 0.02 and abs(x.std() - 1) < 0.02 and abs((x**4).mean() - 3) < 0.15
    assert abs((x[1:] * x[:-1]).mean()) < 0.02
    pixels, told = reader.asks("guidance", seed=export.NOISES)
    assert pixels.max() > 0.9 and told["evaluations"] > 0
    assert "this page's own, which is not torch's" in reader.figure("guidance").locator("figcaption").inner_text()


def test_the_latent_square_is_torchs(reader):
    figure = reader.start("latent")
    corners = list(export.CORNERS.values())
    model, (digits, labels) = zoo.load("vae-conv").model, (part[corners] for part in data.binarised_mnist("test"))
    assert labels.tolist() == [int(name) for name in export.CORNERS]
    figure.get_by_role("slider").first.press("End")
    figure.get_by_role("slider").last.press("End")
    pixels, _ = reader.drawn("latent", across=1, down=1)
    with torch.no_grad():
        decoded = model.decode(model.encode(digits)[0])
        assert off(pixels[:784], decoded[3] * 2 - 1) < 1e-3
        assert off(pixels[784:], digits[3] * 2 - 1) < 1e-6
        pixels, _ = reader.asks("latent", across=0.25, down=0)
        between = model.decode(torch.lerp(*model.encode(digits)[0][:2], 0.25)[None])
        assert off(pixels[:784], between * 2 - 1) < 1e-3


def test_the_walks_are_torchs(reader):
    reader.start("interpolation").get_by_role("slider").first.press("Home")
    pixels, _ = reader.drawn("interpolation", t=0)
    model, (start, end) = zoo.load("dcgan").model, torch.randn(2, 8, 64, generator=torch.Generator().manual_seed(4))
    with torch.no_grad():
        assert off(pixels, torch.cat([model(start)] * 2)) < 1e-3
        pixels, told = reader.asks("interpolation", t=0.25)
        angle = torch.nn.functional.cosine_similarity(start, end).acos()[:, None]
        round_ = ((0.75 * angle).sin() * start + (0.25 * angle).sin() * end) / angle.sin()
        assert off(pixels, torch.cat([model(torch.lerp(start, end, 0.25)), model(round_)])) < 1e-3
        assert told["round"] == pytest.approx(round_.norm(dim=1).mean().item(), rel=1e-5)


def test_the_particles_are_torchs(reader):
    reader.start("particles")
    z = torch.randn(400, 2, generator=torch.Generator().manual_seed(2))
    velocity, states = ring().model(RectifiedFlow(), "velocity"), [z]
    for k in (4, 3):
        states.append(states[-1] - velocity(states[-1], torch.full((400,), k / 4)) / 4)
    for t, expected in ((1, z), (0.7, states[1].lerp(states[2], 0.2)), (0.5, states[2])):
        pixels, told = reader.asks("particles", t=t, steps=4)
        left, right = (torch.tensor(told[side]).view(-1, 2) for side in ("left", "right"))
        assert (right - expected).abs().mean() < 1e-3
        assert told["apart"] == pytest.approx((left - right).norm(dim=1).mean().item(), abs=1e-4)
        assert pixels.min() == 0 and pixels.mean() > 0.8  # points on an empty page
    ends = reader.asks("particles", t=0, steps=1)[1]["left"]
    assert ring().log_prob(torch.tensor(ends).view(-1, 2)).mean() > -2


def test_nothing_is_downloaded_before_the_click_and_its_size_is_told(reader, folder):
    names = ("runtime.mjs", "runtime.wasm.gz", "guidance.onnx")
    told = sum((folder / "live" / name).stat().st_size for name in names) / 1e6
    button = reader.figure("guidance").get_by_role("button")
    assert button.inner_text() == f"Draw it here (downloads {told:.1f} MB)"
    assert not any(url.endswith(names) for url in reader.requests)
    assert reader.figure("guidance").get_by_alt_text("a recorded frame").is_visible()
    button.press("Enter")
    reader.drawn("guidance")
    assert not reader.figure("guidance").get_by_alt_text("a recorded frame").is_visible()
    assert reader.page.evaluate("document.activeElement.getAttribute('aria-valuetext')") == "w = 1 · guidance_scale 2"


def test_what_cannot_be_loaded_leaves_the_recorded_frames(reader):
    reader.page.route("**/guidance.onnx", lambda route: route.fulfill(status=404))
    figure = reader.figure("guidance")
    figure.get_by_role("button").click()
    figure.get_by_text("its recorded frames stay: guidance.onnx could not be loaded (404)").wait_for()
    assert figure.get_by_alt_text("a recorded frame").is_visible()


@pytest.mark.parametrize("how", ["a file", "no script"])
def test_where_it_cannot_run_the_frames_and_a_sentence_stand(browser, address, folder, how):
    context = browser.new_context(java_script_enabled=how == "a file")
    page = context.new_page()
    page.goto((folder / "index.html").as_uri() if how == "a file" else address)
    figure = page.locator('[data-figure="guidance"]')
    assert figure.get_by_alt_text("a recorded frame").is_visible() and figure.get_by_text("Recorded for").is_visible()
    assert page.get_by_role("button").count() == 0
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_and_nothing_overflows(browser, address, scheme):
    reader = Reader(browser, address, color_scheme=scheme, viewport={"width": 390, "height": 900})
    reader.start("guidance"), reader.start("latent")  # and one that is not started
    reader.page.add_script_tag(path=AXE)
    found = reader.page.evaluate("""async () => (await axe.run({runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}))
        .violations.map(v => `${v.id}: ${v.nodes.map(n => n.html)}`)""")
    assert found == []
    assert reader.page.evaluate("document.documentElement.scrollWidth") <= 390
    assert reader.figure("guidance").locator("figcaption").get_attribute("aria-live") == "polite"
    reader.page.close()


def test_the_benchmarks_sides_evaluate_as_often(browser, address):
    reader = Reader(browser, address, reduced_motion="reduce")
    reader.start("guidance")
    item = zoo.load("mnist-unet")
    slider = Slider(item.model, None, item.path, None, None)
    assert reader.page.evaluate(bench.load("live").ASK, "guidance") == slider.evaluations(1.0)
    reader.page.close()
