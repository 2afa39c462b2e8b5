"""A benchmark's rows are told, written and put on a page; bad names are one sentence."""

from __future__ import annotations

import json
import os

import pytest

from course_utils import bench, cli
from course_utils.bench import Row

TOY = '''"""A toy.

What is compared.
"""
from course_utils.bench import Row, medians
def rows():
    taken = medians({"ours": lambda: sum(range(10)), "peer": lambda: sum(range(1000))}, repeats=3, least=0)
    yield Row.time("a sum", taken["ours"], taken["peer"], unit="s", goal=2, limit="Python")
    yield Row.absent("a sum", "a GPU", goal=90)
'''


@pytest.fixture
def toy(tmp_path, monkeypatch):
    (tmp_path / "toy.py").write_text(TOY)
    monkeypatch.setattr(bench, "FOLDER", tmp_path)
    monkeypatch.setattr(bench, "PAGE", tmp_path / "performance.md")
    return tmp_path


def test_rows_are_printed_written_and_recorded(toy, capsys):
    assert cli.main(["bench", "toy", "--json", str(toy / "rows.json"), "--record"]) == 0
    rows = json.loads((toy / "rows.json").read_text())
    assert {"name", "ours", "peer", "ratio", "unit", "goal", "needs"} <= set(rows[0])
    assert rows[0]["ratio"] == pytest.approx(rows[0]["peer"] / rows[0]["ours"]) and rows[0]["ratio"] > 1
    assert rows[1]["ratio"] is rows[1]["ours"] is None and rows[1]["needs"] == "a GPU: not applicable"
    assert "torch" in rows[0]["machine"]
    assert "(goal 2)" in capsys.readouterr().out
    page = (toy / "performance.md").read_text()
    assert "What is compared." in page and "| Python |" in page
    assert "Not measured: 1" in page and "| 90 | a GPU |" in page


def test_more_is_better_for_a_rate_and_less_for_a_time():
    assert Row.rate("x", 6, 3, unit="a minute").ratio == 2 == Row.time("x", 3, 6).ratio


def test_an_unknown_benchmark_is_named(toy, capsys):
    with pytest.raises(SystemExit):
        cli.main(["bench", "nothing"])
    with pytest.raises(ValueError, match="there are: toy"):
        bench.load("nothing")


def test_a_benchmark_without_a_peer_says_how_it_went(toy):
    (toy / "alone.py").write_text("def main():\n    return 1\n")
    assert cli.main(["bench", "alone"]) == 1


@pytest.mark.parametrize("asked", [["--json", "rows.json"], ["--record"]])
def test_a_benchmark_without_rows_refuses_to_write_them(toy, capsys, asked):
    (toy / "alone.py").write_text("def main():\n    return 1\n")
    assert cli.main(["bench", "alone", *asked]) == 2
    assert "alone has no rows to write" in capsys.readouterr().err


def test_a_file_that_cannot_be_written_is_told_before_anything_is_measured(toy, capsys):
    assert cli.main(["bench", "toy", "--json", str(toy / "nowhere" / "rows.json")]) == 2
    said = capsys.readouterr()
    assert "nowhere/rows.json: No such file or directory." in said.err and not said.out


def test_a_device_stays_one(toy):
    os.mkfifo(toy / "pipe")
    with open(os.open(toy / "pipe", os.O_RDWR | os.O_NONBLOCK), encoding="utf-8") as pipe:
        assert cli.main(["bench", "toy", "--json", str(toy / "pipe")]) == 0
        assert pipe.readline() == "[\n" and (toy / "pipe").is_fifo()


def test_a_run_that_is_stopped_while_it_writes_leaves_the_rows_before(toy, monkeypatch):
    def full(path, content):
        path.write_text(content.decode()[:5])
        raise OSError("no space left")

    rows = toy / "rows.json"
    assert cli.main(["bench", "toy", "--json", str(rows)]) == 0
    before = rows.read_text()
    monkeypatch.setattr(bench.Path, "write_bytes", full)
    assert cli.main(["bench", "toy", "--json", str(rows)]) == 2
    assert rows.read_text() == before


def test_sides_take_turns():
    order = []
    bench.medians({"a": lambda: order.append("a"), "b": lambda: order.append("b")}, repeats=2, warmup=1, least=0)
    assert order == ["a", "b"] * 3


def test_what_is_called_again_and_again_is_called_once_before_it_is_timed(monkeypatch):
    calls = iter(range(100))
    monkeypatch.setattr(bench, "_seconds", lambda side, calls: side())
    cold_after_another = {name: lambda: next(calls) % 2 for name in ("a", "b")}
    assert bench.medians(cold_after_another, repeats=3, warmup=0, least=0, untimed=1) == {"a": 1, "b": 1}
