"""What ends, hangs or bloats a process costs its own task."""

from grading.attacks.stopped import TASKS as FAMILY  # noqa: F401
from grading.attacks.testing import *  # noqa: F403
