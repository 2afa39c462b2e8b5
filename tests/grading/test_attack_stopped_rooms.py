"""What ends, hangs or floods its room costs its own submission."""

from grading.attacks.stopped import ROOMS as FAMILY  # noqa: F401
from grading.attacks.testing import *  # noqa: F403
