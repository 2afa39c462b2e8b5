"""What holds its room is ended with it at a deadline."""

from grading.attacks.stopped import HELD as FAMILY  # noqa: F401
from grading.attacks.testing import *  # noqa: F403
