"""What hangs is stopped at its deadline and costs its own task."""

from grading.attacks.stopped import DEADLINES as FAMILY  # noqa: F401
from grading.attacks.testing import *  # noqa: F403
