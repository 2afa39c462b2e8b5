"""What cannot be read is a row with a reason."""

from grading.attacks.testing import *  # noqa: F403
from grading.attacks.unreadable import FAMILY  # noqa: F401
