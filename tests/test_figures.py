"""Every interactive figure of the course, as recorded in its executed notebook, slides by key in a browser."""

from __future__ import annotations

from collections.abc import Iterator

import nbformat
import pytest

from course_utils import notebooks

pytestmark = pytest.mark.slow


def figures() -> Iterator[tuple[str, str, str]]:
    """Notebook, cell and HTML of each recorded interactive figure."""
    for path in (source.with_suffix(".ipynb") for source in notebooks.sources()):
        for cell in nbformat.read(path, as_version=4).cells:
            for output in cell.get("outputs", []):
                page = output.get("data", {}).get("text/html", "")
                if 'id="explore-' in page:
                    yield path.stem, cell.id, page


FIGURES = list(figures())


def test_the_course_has_interactive_figures():
    assert {"00_start_here", "05_ddpm", "06_unet"} <= {notebook for notebook, _, _ in FIGURES}


@pytest.mark.parametrize("figure", [html for *_, html in FIGURES], ids=[f"{n}-{cell}" for n, cell, _ in FIGURES])
def test_each_slider_changes_the_picture_by_key(browser, figure):
    page, errors = browser.new_page(), []
    page.on("pageerror", lambda error: errors.append(error))
    page.set_content(figure)
    sliders = page.get_by_role("slider")
    assert sliders.count() > 0
    for i in range(sliders.count()):
        before = page.locator("img").get_attribute("src"), page.locator("figcaption").text_content()
        at_end = sliders.nth(i).input_value() == sliders.nth(i).get_attribute("max")
        sliders.nth(i).press("ArrowLeft" if at_end else "ArrowRight")
        after = page.locator("img").get_attribute("src"), page.locator("figcaption").text_content()
        assert before[0] != after[0] and before[1] != after[1]
        assert page.locator("img").get_attribute("alt") == after[1]
    assert errors == []
    page.close()
