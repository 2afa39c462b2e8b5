"""No text speaks of a notebook as existing that does not: names of files exist, numbers stand on the course's map."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from course_utils import diagrams, notebooks

ROOT = Path(__file__).parents[1]
PAGES = [*notebooks.sources(), ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
NAMED = re.compile(r"(?<![\w.])(\d\d_[a-z]\w*)")  # 05_ddpm, also with an ending
NUMBERED = re.compile(r"\bnotebooks?((?:[\s#]+(?:\*\*)?\d\d(?:\*\*)?(?:,|\s+and|\s+or|–)?)+)")


def prose(path: Path) -> str:
    """A page's text; of a notebook's source its cells of text."""
    if path.suffix != ".py":
        return path.read_text("utf-8")
    return "\n\n".join(c.source for c in notebooks.read(path).cells if c.cell_type == "markdown")


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_a_page_names_existing_notebooks_only(page):
    stems = tuple(source.stem for source in notebooks.sources())
    assert [name for name in NAMED.findall(page.read_text("utf-8")) if not name.startswith(stems)] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_a_number_stands_on_the_map(page):
    numbers = {n for found in NUMBERED.findall(prose(page)) for n in re.findall(r"\d\d", found)}
    assert numbers <= set(diagrams.COURSE)


def test_the_first_notebook_links_no_other_page():
    assert not re.findall(r"\]\((?!https?:)([^)]+)\)", prose(notebooks.source_of("00")))


def test_the_table_in_the_readme_has_a_row_for_each():
    rows = re.findall(r"^\| (\d\d) \|.*\(notebooks/(\w+)\.ipynb\).*\(solutions/(\w+)\.ipynb\) \|$",
                      (ROOT / "README.md").read_text("utf-8"), re.MULTILINE)
    assert rows == [(source.stem[:2], source.stem, source.stem) for source in notebooks.sources()]


def test_both_forms_are_found():
    assert NAMED.findall("`solutions/05_ddpm.ipynb`, 06_unet and 2026_01_02") == ["05_ddpm", "06_unet"]
    found = NUMBERED.findall("notebooks 01 and 03, notebook\n# **07**, notebooks **08**\nand **09**, notebook 5")
    assert [re.findall(r"\d\d", f) for f in found] == [["01", "03"], ["07"], ["08", "09"]]
