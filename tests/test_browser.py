"""In a real browser: `make lab`, a notebook, a TODO filled in and its check; a slider moved by key, a prompt typed."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import nbformat
import psutil
import pytest
from playwright.sync_api import Locator, Page, expect

from course_utils.authoring.bank import read_bank
from course_utils.notebooks import KERNEL, read, solution

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
NOTEBOOK, TASK = "05_ddpm", "ddpm.q_sample"
WAIT = 120_000  # ms, for a busy machine; everything below waits for what it needs to see, none for a time

# Without its compiler, for whom one test is too short.
GUIDANCE = ["""from course_utils import widgets, zoo
from course_utils.models import fast
fast.compiler = lambda: False
widgets.guidance_slider(zoo.load("mnist-unet"))""", "6 * 7"]

# Nor with the encoder of other words, nor with a network that knows any.
PROMPTS = ["""from course_utils import text, widgets, zoo
from course_utils.diffusion.paths import VP
from course_utils.models import fast, minilm, text_unet
from course_utils.pipeline import Pipeline
fast.compiler = minilm.is_installed = lambda: False
network = text_unet.TextUnet(context_dim=text.WIDTH).eval()
widgets.prompt_box(Pipeline(network, zoo.load("emoji-autoencoder").model, VP(), 1.0))""", "6 * 7"]


# With a model that knows what it is to draw.
VIDEOS = ["""from types import SimpleNamespace
import torch
from course_utils import data, text, widgets
from course_utils.diffusion.paths import VP
from course_utils.models import minilm
minilm.is_installed = lambda: False
videos = 2 * data.moving_digits(4, torch.Generator().manual_seed(0))[0] - 1
def knows(x, t, context):
    return VP().convert(videos.repeat(len(x) // 4, 1, 1, 1, 1), x, t, "x_start", "v")
config = {"args": {"frames": 8, "channels": 1, "size": 16}}
item = SimpleNamespace(model=torch.nn.Linear(1, 1), path=VP(), config=config)
widgets.video_player(item, text.tokens, knows)""", "6 * 7"]


class Lab:
    """`make lab` on a copy of the notebooks, so that the checkout's own stay untouched."""

    def __init__(self, folder: Path):
        self.course = folder / "course"
        for kind in ("notebooks", "solutions"):
            (self.course / kind).mkdir(parents=True)
            shutil.copy(ROOT / kind / f"{NOTEBOOK}.ipynb", self.course / kind)
        own = {f"JUPYTER_{name}_DIR": str(folder / name) for name in ("CONFIG", "DATA", "RUNTIME")}
        own |= {f"JUPYTERLAB_{name}_DIR": str(folder / name) for name in ("SETTINGS", "WORKSPACES")}
        own |= {"IPYTHONDIR": str(folder / "ipython"), "MAKEFLAGS": ""}
        self.process = subprocess.Popen(
            ["make", "lab", f"ARGS=--no-browser --port=0 --ServerApp.root_dir={self.course}"], cwd=ROOT, text=True,
            env=os.environ | own, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)
        self.address = urlsplit("")

    def start(self) -> None:
        """Reads what `make lab` prints until the address with its token comes."""
        watch = threading.Timer(WAIT / 1000, self.close)
        watch.start()
        printed = []
        for line in self.process.stdout:
            printed.append(line)
            if found := re.search(r"http://127\.0\.0\.1:\S+token=\w+", line):
                self.address = urlsplit(found[0])
                return watch.cancel()
        pytest.fail(f"`make lab` printed no address:\n{''.join(printed)}", pytrace=False)

    def url(self, path: str) -> str:
        return self.address._replace(path=path).geturl()

    def contents(self, path: str) -> dict:
        """A file as Jupyter gives it to the browser."""
        here = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with here.open(self.url(f"/api/contents/{path}")) as answer:
            return json.load(answer)["content"]

    def kernels(self) -> list[list[str]]:
        """The command lines of the running kernels."""
        commands = [child.cmdline() for child in psutil.Process(self.process.pid).children(recursive=True)]
        return [words for words in commands if "ipykernel_launcher" in words]

    def close(self) -> None:
        if self.process.poll() is not None:
            return
        os.killpg(self.process.pid, signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)


@pytest.fixture(scope="module")
def lab(tmp_path_factory) -> Iterator[Lab]:
    lab = Lab(tmp_path_factory.mktemp("lab"))
    try:
        lab.start()
        yield lab
    finally:
        lab.close()


class Student:
    """Opens the notebook, types and runs, as a person does."""

    def __init__(self, page: Page, notebook: Path):
        self.page = page
        self.cells = json.loads(notebook.read_text())["cells"]
        page.set_default_timeout(WAIT)
        expect.set_options(timeout=WAIT)

    def cell(self, **said: str) -> Locator:
        """The cell on the screen whose metadata say, for example, task="ddpm.q_sample"."""
        index = next(i for i, cell in enumerate(self.cells) if said.items() <= cell["metadata"].items())
        return self.page.locator(".jp-Notebook .jp-Cell").nth(index)

    def wait_until_idle(self) -> None:
        self.page.locator('.jp-Notebook-ExecutionIndicator[data-status="idle"]').wait_for()
        self.page.get_by_text("| Idle").wait_for()  # the indicator says so before there is a kernel

    def run_all_above(self, cell: Locator) -> None:
        cell.locator(".cm-content").click()
        self.page.locator(".lm-MenuBar-item", has_text=re.compile("^Run$")).click()
        self.page.locator(".lm-Menu-item", has_text="Run All Above Selected Cell").click()

    def type_over(self, cell: Locator, old: list[str], new: list[str]) -> None:
        """Selects the lines `old` and types `new` in their place."""
        cell.locator(".cm-line", has_text=old[-1]).last.click()
        self.page.keyboard.press("End")
        for _ in old[1:]:
            self.page.keyboard.press("Shift+ArrowUp")
        self.page.keyboard.press("Shift+Home")
        self.page.keyboard.type("\n".join(new))

    def run(self, *cells: Locator) -> None:
        for cell in cells:
            cell.locator(".cm-content").click()
            self.page.keyboard.press("Control+Enter")

    def sees(self, cell: Locator, text: str, screenshot: str) -> None:
        expect(cell.locator(".jp-Cell-outputArea")).to_contain_text(text)
        cell.scroll_into_view_if_needed()
        self.keep(screenshot)

    def keep(self, screenshot: str) -> None:
        self.page.screenshot(path=ROOT / "screenshots" / f"{screenshot}.png")


def test_a_todo_is_filled_in_and_its_check_answers(browser, lab):
    source = ROOT / "solutions" / f"{NOTEBOOK}.py"
    right = solution(next(c.source for c in read(source).cells if c.metadata.get("task") == TASK)).splitlines()
    slip = next(e for e in read_bank(ROOT / "solutions/mistakes" / f"{NOTEBOOK}.py") if e.task == TASK)
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto(lab.url(f"/lab/tree/notebooks/{NOTEBOOK}.ipynb"))
    student = Student(page, lab.course / "notebooks" / f"{NOTEBOOK}.ipynb")
    todo, check = student.cell(task=TASK), student.cell(check=TASK)
    try:
        student.wait_until_idle()
        student.run_all_above(todo)
        student.run(todo, check)
        student.sees(check, "still to be written", "1_unfinished")

        student.type_over(todo, ["raise Unfinished()"], right)
        student.run(todo, check)
        student.sees(check, f"{TASK} passed", "2_passed")

        student.type_over(todo, right, slip.code.splitlines())
        student.run(todo, check)
        student.sees(check, slip.hint, "3_hint")
    finally:
        student.keep("last")
    assert [Path(words[0]).parent for words in lab.kernels()] == [ROOT / ".venv/bin"]


def test_the_courses_own_notebooks_are_trusted(lab):
    cells = [c for c in lab.contents(f"solutions/{NOTEBOOK}.ipynb")["cells"] if c["cell_type"] == "code"]
    assert cells and all(c["metadata"]["trusted"] for c in cells)


def opened(browser, lab: Lab, name: str, cells: list[str]) -> tuple[Student, Locator, Locator]:
    """A notebook of two cells of code on the screen, and these."""
    path = lab.course / f"notebooks/{name}.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=list(map(nbformat.v4.new_code_cell, cells)), metadata=KERNEL), path)
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto(lab.url(f"/lab/workspaces/{name}/tree/notebooks/{name}.ipynb"))  # where no other one is open
    first, second = (page.locator(".jp-Notebook .jp-Cell").nth(i) for i in range(2))
    return Student(page, path), first, second


def test_the_guidance_slider_follows_keys_and_leaves_the_kernel_free(browser, lab):
    student, figure, other = opened(browser, lab, "guidance", GUIDANCE)
    weight, picture = figure.get_by_role("slider", name="guidance"), figure.locator("img")
    button = figure.get_by_role("button", name=re.compile("Play|Stop"))
    try:
        student.wait_until_idle()
        student.run_all_above(other)
        expect(picture).to_have_attribute("alt", re.compile(r"w = 1 · guidance_scale 2\. 12 steps, "))
        first = picture.get_attribute("src")
        weight.press("ArrowRight")
        expect(weight).to_have_attribute("aria-valuetext", "w = 1.5 · guidance_scale 2.5")
        expect(picture).to_have_attribute("alt", re.compile(r"w = 1\.5 · guidance_scale 2\.5\. 12 steps, "))
        assert picture.get_attribute("src") != first
        student.keep("4_guidance")

        weight.press("End")
        weight.press("ArrowLeft")
        figure.get_by_role("slider", name="steps").press("p")  # plays the last step
        student.run(other)
        student.sees(other, "42", "5_playing")
        expect(weight).to_have_attribute("aria-valuetext", "w = 16 · guidance_scale 17")
        expect(button).to_have_attribute("aria-pressed", "false")
        weight.press("p")  # from the start again
        expect(button).to_have_attribute("aria-pressed", "true")
        weight.press("Escape")
        expect(button).to_have_attribute("aria-pressed", "false")
    finally:
        student.keep("last")


def test_a_prompt_is_typed_and_drawn_and_an_unknown_word_is_told(browser, lab):
    student, figure, other = opened(browser, lab, "prompts", PROMPTS)
    prompt, picture = figure.get_by_label("prompt", exact=True), figure.locator("img")
    words, button = figure.locator(".course-words"), figure.get_by_role("button", name=re.compile("Play|Stop"))
    try:
        student.wait_until_idle()
        student.run_all_above(other)
        expect(picture).to_have_attribute("alt", re.compile(r"^Four emoji for “blue apple”, seeds 0 to 3, "))
        first = picture.get_attribute("src")
        prompt.fill("")
        prompt.press_sequentially("pink heart")  # its first letter plays nothing
        prompt.press("Enter")
        expect(picture).to_have_attribute("alt", re.compile(r"^Four emoji for “pink heart”, seeds 0 .*12 steps, "))
        assert picture.get_attribute("src") != first
        expect(words).to_have_attribute("aria-live", "polite")
        expect(button).to_have_attribute("aria-pressed", "false")
        student.keep("6_prompt")

        figure.get_by_label("negative prompt").fill("red")
        figure.get_by_role("slider", name="guidance").press("ArrowLeft")  # leaves the field
        said = r"away from “red”, seeds 0 to 3, w = 2 · guidance_scale 3\. 12 steps, "
        expect(picture).to_have_attribute("alt", re.compile(said))
        prompt.fill("xylocarp")
        prompt.press("Enter")
        expect(figure.get_by_role("alert")).to_contain_text('"xylocarp" is none of the')
        student.run(other)
        student.sees(other, "42", "7_unknown")
    finally:
        student.keep("last")


def test_a_video_plays_over_and_over_and_by_a_frame_where_motion_is_not_wanted(browser, lab):
    student, figure, other = opened(browser, lab, "videos", VIDEOS)
    student.page.emulate_media(reduced_motion="reduce")
    frame, picture = figure.get_by_role("slider", name="frame"), figure.locator("img")
    button, caption = figure.get_by_role("button", name=re.compile("Play|Stop|Next")), figure.get_by_label("caption")
    try:
        student.wait_until_idle()
        student.run_all_above(other)
        expect(picture).to_have_attribute("alt", re.compile(r"^Frame 1 of 8 of four videos for “a three moves left”"))
        expect(button).to_have_text("Next frame (P)")
        for i in (2, 3, 4, 5, 6, 7, 8, 1):
            frame.press("p")
            expect(frame).to_have_attribute("aria-valuetext", f"{i} of 8")
            expect(picture).to_have_attribute("alt", re.compile(f"^Frame {i} of 8 "))
            expect(button).to_have_attribute("aria-pressed", "false")
        button.click()
        expect(picture).to_have_attribute("alt", re.compile("^Frame 2 of 8 "))
        student.page.wait_for_timeout(1000)  # in which six frames would have been played
        expect(frame).to_have_attribute("aria-valuetext", "2 of 8")
        student.keep("8_frame")

        student.page.emulate_media(reduced_motion="no-preference")
        frame.press("p")
        expect(button).to_have_attribute("aria-pressed", "true")
        for i in (8, 1, 8, 1):  # over and over
            expect(picture).to_have_attribute("alt", re.compile(f"^Frame {i} of 8 "))
        student.run(other)
        student.sees(other, "42", "9_video")
        frame.press("Escape")
        expect(button).to_have_attribute("aria-pressed", "false")
        stopped = frame.get_attribute("aria-valuetext")
        student.page.wait_for_timeout(1000)
        expect(frame).to_have_attribute("aria-valuetext", stopped)
        expect(button).to_have_text("Play (P)")

        caption.fill("")
        caption.press_sequentially("a zero rises")
        caption.press("Enter")
        expect(picture).to_have_attribute("alt", re.compile(r"of four videos for “a zero rises”\. "))
        caption.fill("a xylocarp falls")
        caption.press("Enter")
        expect(figure.get_by_role("alert")).to_contain_text('"a xylocarp falls" is none of the')
    finally:
        student.keep("last")
