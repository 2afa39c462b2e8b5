"""Many that use all that they may, at one time, take nothing of each other's nor of the machine's."""

from grading.attacks.crowd import FAMILY  # noqa: F401
from grading.attacks.testing import *  # noqa: F403
