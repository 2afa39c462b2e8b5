"""Nothing of anybody else's is found or reached."""

from grading.attacks.testing import *  # noqa: F403
from grading.attacks.unreachable import FAMILY  # noqa: F401
