"""Honest work in odd clothes has full marks."""

from grading.attacks.honest import FAMILY  # noqa: F401
from grading.attacks.testing import *  # noqa: F403
