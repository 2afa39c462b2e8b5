"""The data sets that install with the course: no download, cached as arrays on first use.

    images, labels = mnist("train")
    images, names = openmoji("train")
    images, names = draw_emoji(64, generator)            # "red heart", "blue banana", "cat and anchor"
    videos, captions = moving_digits(32, generator)      # "a three moves left and a seven falls"
    points = moons().sample(1000, generator)

`python -m course_utils.data` prepares every cache and prints one line a set.
"""

from __future__ import annotations

import sys
import time

from course_utils.data.cache import cache_folder, load_or_build
from course_utils.data.digits import binarise, binarised_mnist, dequantise, mnist, quantise
from course_utils.data.emoji import draw_emoji, emoji_names, emoji_picture, is_held_out
from course_utils.data.moon import moon_phases
from course_utils.data.moving import DIGITS, MOTIONS, moving_digits
from course_utils.data.openmoji import openmoji
from course_utils.densities import Checkerboard, Mixture, checkerboard, moons, ring, swiss_roll

__all__ = ["Checkerboard", "DIGITS", "MOTIONS", "Mixture", "binarise", "binarised_mnist", "cache_folder",
           "checkerboard", "dequantise", "draw_emoji", "emoji_names", "emoji_picture", "is_held_out", "load_or_build",
           "mnist", "moon_phases", "moons", "moving_digits", "openmoji", "quantise", "ring", "swiss_roll"]


def main() -> int:
    """Prepares every cache; one line a set on stdout, or one sentence on stderr and the exit status 1."""
    sets = {"mnist": (mnist, "digits, 28 × 28 grey"), "openmoji": (openmoji, "emoji with names, 32 × 32 RGB")}
    for name, (load, what) in sets.items():
        began = time.perf_counter()
        try:
            n = sum(len(load(split)[0]) for split in ("train", "test"))
        except (OSError, ValueError) as e:
            print(e, file=sys.stderr)
            return 1
        print(f"{name:9} {n:6,} {what} ({time.perf_counter() - began:.1f} s)")
    return 0
