"""Says what each stage of continuous integration took, and what each notebook adds to it.

python .ci/shares.py FOLDER    # with a file `stages` of lines "SECONDS NAME", and pytest's reports, *.xml
"""

import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

MOST = 150  # seconds of one core that a notebook may add
LIVE = 20  # that one of its cells may take
NOTEBOOK = re.compile(r"(?<!\w)\d\d_[a-z]\w*")  # in a group (tests/conftest.py) or in "solutions.05_ddpm.ipynb"


def seconds_by_notebook(reports: list[Path]) -> Counter:
    """The seconds of all tests whose group or file is a notebook, by its name."""
    seconds = Counter()
    for path in reports:
        for case in ElementTree.parse(path).iter("testcase"):
            groups = [p.get("value") for p in case.iter("property") if p.get("name") == "group"]
            if named := NOTEBOOK.search(" ".join([case.get("classname"), *groups])):
                seconds[named[0]] += float(case.get("time"))
    return seconds


def slow_cells(reports: list[Path]) -> Iterator[tuple[float, str]]:
    """The seconds and the name of each cell of a reference that takes longer than LIVE."""
    for path in reports:
        for case in ElementTree.parse(path).iter("testcase"):
            if float(case.get("time")) > LIVE and case.get("classname").endswith(".ipynb"):
                yield float(case.get("time")), f"{case.get('name')} of {NOTEBOOK.search(case.get('classname'))[0]}"


def main(folder: Path) -> None:
    """Prints the tables."""
    reports = sorted(folder.glob("*.xml"))
    stages = [line.split() for line in (folder / "stages").read_text().splitlines()]
    total = sum(int(seconds) for seconds, _ in stages)
    for seconds, name in stages:
        print(f"{int(seconds):6} s  {int(seconds) / max(total, 1):4.0%}  {name}")
    print(f"{total:6} s        in all; of them one core spends")
    for name, seconds in sorted(seconds_by_notebook(reports).items()):
        print(f"{seconds:6.0f} s        on {name}{f', more than {MOST} s' if seconds > MOST else ''}")
    for seconds, name in slow_cells(reports):
        print(f"{seconds:6.0f} s        {name}, more than {LIVE} s")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
