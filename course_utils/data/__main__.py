"""`python -m course_utils.data` prepares every cache."""

from __future__ import annotations

import sys

from course_utils.data import main

sys.exit(main())
