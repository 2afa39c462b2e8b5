"""A student's modules go with the notebook beside which they lie: whose they are, which are taken, what they change."""

import os
import sys
import zipfile

import pytest
from grading.test_layouts import FILE, put

from course_utils.grading.intake import student_modules
from course_utils.grading.intake.layouts import find_submissions

LAYOUTS = {
    "folders": (["ada/05_ddpm.ipynb", "ada/helpers.py", "ada/pkg/nets.py", "ben/05_ddpm.ipynb", "top.py"],
                {"ada": ["helpers.py", "pkg/nets.py"], "ben": []}),
    "deeper": (["ada/hw/05_ddpm.ipynb", "ada/hw/helpers.py", "ada/above.py", "ada/other/x.py", "ben/x.txt"],
               {"ada": ["helpers.py"], "ben": []}),
    "flat": (["ada_05_ddpm.ipynb", "ada_b_05_ddpm.ipynb", "ada_helpers.py", "ada_b_helpers.py", "cy_helpers.py",
              "shared.py", "ada_05_ddpm.py"], {"ada": ["helpers.py"], "ada_b": ["helpers.py"]}),
    "moodle": ([f"Ada L_12{FILE}/05_ddpm.ipynb", f"Ada L_12{FILE}/helpers.py"], {"Ada L_12": ["helpers.py"]}),
    "moodle-flat": ([f"Ada L_12{FILE}05_ddpm.ipynb", f"Ada L_12{FILE}helpers (1).py"], {"Ada L_12": ["helpers.py"]}),
    "canvas": (["adal_LATE_12_345_05_ddpm.ipynb", "adal_12_346_helpers-1.py", "boli_13_347_05_ddpm.ipynb"],
               {"adal_12": ["helpers.py"], "boli_13": []}),
    "nbgrader": (["submitted/ada/ps1/05_ddpm.ipynb", "submitted/ada/ps1/helpers.py"], {"ada": ["helpers.py"]}),
}


@pytest.mark.parametrize("kind", ["folder", "zip"])
@pytest.mark.parametrize("case", LAYOUTS)
def test_modules_are_their_students(tmp_path, case, kind):
    paths, wanted = LAYOUTS[case]
    root = put(tmp_path / "in", *paths)
    if kind == "zip":
        with zipfile.ZipFile(tmp_path / "in.zip", "w") as archive:
            for path in paths:
                archive.write(root / path, path)
        root = tmp_path / "in.zip"
    assert {s.student: list(s.beside.get("05_ddpm", [])) for s in find_submissions(root).submissions} == wanted


def test_a_folder_of_ones_own_needs_no_prefix(tmp_path):
    (ada,) = find_submissions(put(tmp_path / "ada", "05_ddpm.ipynb", "helpers.py")).submissions
    assert list(ada.beside["05_ddpm"]) == ["helpers.py"]


def test_of_two_uploads_the_latest_counts(tmp_path):
    root = put(tmp_path / "in", "adal_12_345_05_ddpm.ipynb", "adal_12_350_helpers-1.py", "adal_12_346_helpers.py")
    (ada,) = find_submissions(root).submissions
    assert ada.beside["05_ddpm"]["helpers.py"].name == "adal_12_350_helpers-1.py"


def handed_in(tmp_path, **modules):
    root = put(tmp_path / "in", "ada/05_ddpm.ipynb")
    for name, content in modules.items():
        (root / f"ada/{name}.py").write_bytes(content)
    (ada,) = find_submissions(root).submissions
    return ada


def test_what_is_there_already_or_unreadable_is_not_taken_along(tmp_path):
    ada = handed_in(tmp_path, helpers=b"\xef\xbb\xbfx = '\xc3\xa9'", torch=b"", json=b"", course_utils=b"",
                    latin=b"\xe9", large=b" " * (1 << 20) + b"x")
    (tmp_path / "outside.py").write_text("")
    (tmp_path / "in/ada/linked.py").symlink_to(tmp_path / "outside.py")
    os.mkfifo(tmp_path / "in/ada/pipe.py")
    (ada,) = find_submissions(tmp_path / "in").submissions
    texts, refused = student_modules.read(ada.beside["05_ddpm"])
    assert texts == {"helpers.py": "x = 'é'"}
    assert sorted(r.partition(".py ")[0] for r in refused) == [
        "course_utils", "json", "large", "latin", "linked", "pipe", "torch"]
    assert all(r.endswith("It was not taken along.") for r in refused)


def test_all_together_are_limited(tmp_path):
    ada = handed_in(tmp_path, **{f"part{n:02}": b"#" * (400 << 10) for n in range(4)})
    texts, refused = student_modules.read(ada.beside["05_ddpm"])
    assert list(texts) == ["part00.py", "part01.py"] and "more than 1 MiB together" in refused[0]
    many = handed_in(tmp_path / "b", **{f"part{n:02}": b"" for n in range(60)})
    texts, refused = student_modules.read(many.beside["05_ddpm"])
    assert len(texts) == 50 and len(refused) == 1 and "more than 50 modules" in refused[0]


def test_a_changed_module_is_another_submission_on_every_machine(tmp_path):
    one, other = handed_in(tmp_path, helpers=b"x = 1"), handed_in(tmp_path, helpers=b"x = 2")
    assert handed_in(tmp_path, helpers=b"x = 1").digest() == handed_in(tmp_path, helpers=b"x = 1").digest()
    handed_in(tmp_path, helpers=b"x = 1")
    first = one.digest()
    carried = one.load_contents(["05_ddpm"])
    assert carried.digest() == first
    assert student_modules.read(carried.beside["05_ddpm"]) == ({"helpers.py": "x = 1"}, [])
    handed_in(tmp_path, helpers=b"x = 2")
    assert other.digest() != first and carried.digest() == first
    (tmp_path / "in/ada/helpers.py").unlink()
    assert handed_in(tmp_path).digest() not in (first, other.digest())


@pytest.mark.parametrize("name", ["os", "sys", "numpy", "torch", "course_utils", "nbformat"])
def test_a_name_that_python_or_a_package_has_is_taken(name):
    assert student_modules._is_taken(name) and not student_modules._is_taken(f"{name}_of_mine")
    assert name not in sys.builtin_module_names or student_modules._is_taken(name)
