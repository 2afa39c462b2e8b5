"""One list of packages, written twice: requirements.txt for pip, environment.yml for conda."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).parents[1]


def _pip() -> list[str]:
    lines = [re.sub(r"(^|\s)#.*", "", line).strip() for line in (ROOT / "requirements.txt").read_text().splitlines()]
    return [line for line in lines if line]


def _conda() -> list:
    return yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]


def _comparable(lines: list[str]) -> dict[str, tuple[SpecifierSet, str]]:
    return {r.name: (r.specifier, str(r.marker)) for r in map(Requirement, lines)}


def test_conda_gets_what_pip_gets():
    *of_conda, of_pip = _conda()
    *listed, course = of_pip["pip"]
    assert _comparable(listed) == _comparable(_pip())
    assert course == "-e ."
    assert [line.split(">")[0] for line in of_conda] == ["python", "pip"]


def test_conda_gets_the_same_python():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert SpecifierSet(_conda()[0].removeprefix("python")) == SpecifierSet(project["requires-python"])


def test_every_requirement_has_a_lower_bound():
    assert [r for r, (specifier, _) in _comparable(_pip()).items() if not re.search(r"[>=]=", str(specifier))] == []
