"""The command `course`: each verb is a room with `add_arguments(parser)` and `run(args)`, imported when asked for.

Students have fewer rooms, and so fewer verbs.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from pathlib import Path

from course_utils.terminal import printable

VERBS = {
    "build": ("course_utils.authoring.build", "make the students' notebooks, the references and the recorded answers"),
    "grade": ("course_utils.grading", "grade a folder of submissions"),
    "adopt": ("course_utils.adopt", "put your work from a notebook of an older release into the new one"),
    "release": ("course_utils.authoring.release", "make the bundle that students get"),
    "train": ("course_utils.training.catalogue", "train a checkpoint by its recipe"),
    "bench": ("course_utils.bench", "measure what is claimed about speed, beside the peers"),
}


def main(argv: list[str] | None = None) -> int:
    """Runs one verb; a mistake of the user is one sentence on stderr and exit status 2.

    Args:
        argv: The words after `course`; those of the command line by default.
    """
    argv = sys.argv[1:] if argv is None else argv
    parser = argparse.ArgumentParser("course", description="Build, grade, train and measure the course.")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    for verb, (room, about) in VERBS.items():
        if not _is_here(room):
            continue
        asked = verbs.add_parser(verb, help=about, description=about[0].upper() + about[1:] + ".")
        if verb in argv[:1]:
            importlib.import_module(room).add_arguments(asked)
    args = parser.parse_args(argv)
    try:
        return importlib.import_module(VERBS[args.verb][0]).run(args) or 0
    except (ValueError, OSError) as e:
        said = f"{e.filename}: {e.strerror}." if isinstance(e, OSError) and e.filename else e
        said = "\n".join(map(printable, str(said).split("\n")))  # it may hold a stranger's name
        print(f"course {args.verb}: {said}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return 130


def _is_here(room: str) -> bool:
    """Whether this copy of the library has the room; nothing is imported, and so torch is not waited for."""
    path = Path(__file__).parent.joinpath(*room.split(".")[1:])
    return path.with_suffix(".py").is_file() or (path / "__init__.py").is_file()


if __name__ == "__main__":
    sys.exit(main())
