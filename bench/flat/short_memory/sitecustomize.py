"""A process that has this folder on its path forgets after seconds what it else keeps for a week.

The horizons of housekeeping are no settings, and no soak lasts a week: with them shortened, what
was sent, heard and answered comes and goes within a run. Python imports a module of this name by
itself when it starts.
"""

# ruff: noqa: INP001 - no package: Python looks for it on its path

import os
from datetime import timedelta

from common.db import housekeeping

KEEP = float(os.environ["SOAK_KEEP_SECONDS"])

housekeeping.KEEP = timedelta(seconds=KEEP)
housekeeping.FORGET_SECONDS = KEEP / 2
housekeeping.COUNT_SECONDS = min(housekeeping.COUNT_SECONDS, KEEP / 4)
