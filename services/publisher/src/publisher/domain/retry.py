"""When to try again: the delays of RETRY_DELAYS with jitter, then never."""

import random
from collections.abc import Sequence
from datetime import timedelta

JITTER = 0.1


def next_delay(
    failures: int, delays: Sequence[timedelta], draw: float | None = None
) -> timedelta | None:
    """The wait after the `failures`-th failed attempt (from 1); None when none is left.

    Jitter of ±10 % keeps a thousand publications that failed together from returning together.
    """
    if failures > len(delays):
        return None
    where = random.random() if draw is None else draw  # noqa: S311 - jitter needs no secrecy
    return delays[failures - 1] * (1 + JITTER * (2 * where - 1))
