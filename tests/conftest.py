"""What every test may use, and which tests run in one process."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]


def require(feature: str, available: bool, reason: str) -> None:
    """Goes on when the machine has `feature`; else skips for a user, and fails where COURSE_REQUIRE names it.

    Args:
        feature: "browser", "sandbox", "site" or "gpu".
        available: Whether this machine has it.
        reason: One sentence for the user: what is missing and how to get it.
    """
    if available:
        return
    if feature in os.environ.get("COURSE_REQUIRE", "").split(","):
        pytest.fail(f"COURSE_REQUIRE names {feature}: {reason}", pytrace=False)
    pytest.skip(reason)


@pytest.fixture(autouse=True)
def seeded():
    """Every test draws the same numbers in every run: no verdict hangs on weights that were drawn unluckily."""
    import torch

    torch.manual_seed(0)


@pytest.fixture(autouse=True)
def compiled_triton():
    """Notebook 15 switches Triton's interpreter on for its whole process; the next test finds it as it was."""
    from course_utils.kernels import dispatch  # noqa: F401 (looks at the variable when it is imported)

    before = os.environ.get("TRITON_INTERPRET")
    yield
    os.environ.pop("TRITON_INTERPRET", None) if before is None else os.environ.update(TRITON_INTERPRET=before)


@pytest.fixture(scope="module")
def browser():
    """The machine's Chromium, without a window and silent: what a test asks `new_page()` of."""
    require("browser", CHROMIUM is not None, "No Chromium on this machine: what a browser shows is not tested.")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as p:
        chromium = p.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def npm():
    """Node's packages that the reading site needs, installed where they are not yet."""
    from course_utils.authoring.site import node

    try:
        node.install()
    except node.Missing as e:
        require("site", False, str(e))


@contextlib.contextmanager
def ordinary_user(folder: Path) -> Iterator[None]:
    """Drops the rights of root, who can read everything, and lets everybody pass through the folder and those above."""
    root = os.geteuid() == 0
    if root:
        for place in (folder, *folder.parents):
            place.chmod(place.stat().st_mode & 0o7777 | 0o111)
        os.setegid(65534)
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)
            os.setegid(0)


@cache
def _notebooks() -> dict[str, str]:
    """The name, source, task ids and files of known answers (test_ddpm.py) of every notebook to its name."""
    from course_utils import notebooks, tasks

    found = {}
    for source in notebooks.sources():
        ids = [t.id for t in tasks.tasks_of(source.stem)]
        files = [f"test_{id.partition('.')[0]}" for id in ids]
        found |= dict.fromkeys([source.stem, str(source), *ids, *files], source.stem)
    return found


def group_of(item: pytest.Item) -> str:
    """What a test runs with: the bundle, the notebook that a parameter or its file belongs to, or else its file."""
    if "bundle" in getattr(item, "fixturenames", ()):
        return "bundle"  # which takes long to make, and is made once in a process
    params = item.callspec.params.values() if hasattr(item, "callspec") else ()
    said = [*(str(value) for value in params if isinstance(value, str | Path)), item.path.stem]
    return next((_notebooks()[name] for name in said if name in _notebooks()), item.nodeid.partition("::")[0])


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One process runs a group; those with slow tests are started first."""
    for item in items:
        item.add_marker(pytest.mark.xdist_group(group_of(item)))
        item.user_properties.append(("group", group_of(item)))  # into the reports that .ci/shares.py reads
    slow = {group_of(item) for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: group_of(item) not in slow)
