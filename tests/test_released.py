"""A given cell is known again after an editor or a formatter has passed over it, and by nothing that means less."""

import pytest

from course_utils import notebooks
from course_utils.released import definitions, digest, imports

GIVEN = 'for k in range(3):\n    plot.show({"a": k})  # three\n%matplotlib inline\n'


def code(source):
    return digest({"cell_type": "code", "source": source})


@pytest.mark.parametrize("source", [
    GIVEN.replace("\n", "\r\n"), GIVEN.replace(" ", "\xa0"), "\n" + GIVEN.replace("\n", "  \n") + "\n\n",
    "for k in range(\n    3\n):\n  plot.show({'a': k,})\n%matplotlib inline", GIVEN.replace("three", "a comment")])
def test_a_cell_that_was_reformatted_is_the_same(source):
    assert code(source) == code(GIVEN)


@pytest.mark.parametrize("source", [
    GIVEN.replace("3", "4"), GIVEN.replace("k", "n"), GIVEN + "x = 1\n", GIVEN.replace("inline", "widget"),
    GIVEN.replace('"a"', "b'a'"), "", GIVEN.replace("    ", "")])
def test_a_cell_that_says_something_else_is_another(source):
    assert code(source) != code(GIVEN)


def test_docstrings_do_not_count_and_other_texts_do():
    cell = 'def f():\n    """Gives {}."""\n    return "{}"\n'
    assert code(cell.format(7, "x")) == code(cell.format("seven,\n    always", "x")) != code(cell.format(7, "y"))


def test_text_and_what_does_not_parse_are_compared_as_text():
    text = {"cell_type": "markdown", "source": "A  line\r\nmore "}
    assert digest(text) == digest({**text, "source": "A  line\nmore"}) != digest({**text, "source": "A line\nmore"})
    assert code("def f(:\r\n") == code("def f(:") != code("def f(::")


@pytest.mark.parametrize("source", ["x\0y", "(" * 10_000, "-" * 100_000 + "1", "\ud800", "x = 1" + "\nx += 1" * 20_000])
def test_what_no_parser_takes_has_a_digest_all_the_same(source):
    assert code(source) == code(source) != code("")


def test_no_two_given_cells_of_a_notebook_are_alike():
    for source in notebooks.sources():
        given = [digest(c) for c in notebooks.read(source).cells if notebooks.kind_of(c) in ("demo", "check")]
        assert len(set(given)) == len(given) > 10


def test_the_definitions_of_a_cell_are_what_calls_nothing():
    cell = ("import math\nfrom a import b as c\nx: int = 3\ny, z = [x, 2], -x\nx += 1\n%time q = 1\n"
            "@cache\ndef f():\n    return g()\nclass A:\n    y = g()\nasync def h(): pass\n"
            "w = g(x)\nfor _ in y: pass\nf()\nv = await w\n")
    assert [text.splitlines()[0] for _, text in definitions(cell)] == [
        "import math", "from a import b as c", "x: int = 3", "y, z = ([x, 2], -x)", "x += 1", "@cache", "class A:",
        "async def h():"]
    assert [line for line, _ in definitions(cell)] == [1, 2, 3, 4, 5, 8, 10, 12]
    with pytest.raises(SyntaxError):
        definitions("def f(:")


def test_what_a_given_cell_imports_but_of_the_course():
    cell = ("import math, copy\nfrom torch.distributions import Normal as N\nfrom course_utils import plot\n"
            "import course_utils.zoo\n%time q = 1\nx = N(0, 1)\ndef f():\n    import random\n")
    assert imports(cell) == "import math, copy\nfrom torch.distributions import Normal as N"
    assert imports("x = 1") == ""


def test_a_release_changes_with_what_students_are_given_and_not_with_its_solutions(tmp_path):
    text = ('# %% task="a.b"\ndef f():\n    # TODO\n    ### BEGIN SOLUTION\n    return 1\n    ### END SOLUTION\n\n'
            '# %% check="a.b"\ncheck("a.b")\n\n# %% [markdown]\n# A line.\n')

    def release(text):
        (tmp_path / "05_tiny.py").write_text(text)
        return notebooks.read(tmp_path / "05_tiny.py").metadata.course.release

    assert release(text) == release(text.replace("return 1", "return 2"))
    assert len({release(text), release(text.replace("A line", "Two")), release(text.replace("f()", "g()"))}) == 3
