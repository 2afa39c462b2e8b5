"""No attack earns what the work is not worth."""

from grading.attacks.testing import *  # noqa: F403
from grading.attacks.unchanged_score import FAMILY  # noqa: F401
