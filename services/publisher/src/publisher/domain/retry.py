"""When to try again: the delays of RETRY_DELAYS with jitter, then never. And how long to be patient
with a platform that only tells us to wait."""

import random
from collections.abc import Sequence
from datetime import datetime, timedelta

JITTER = 0.1
PATIENCE = timedelta(days=1)
"""How long after its time a publication may still wait at no cost, for a platform or our vault."""


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


def waited_out(
    now: datetime, *, due: datetime, told_since: datetime | None, delays: Sequence[timedelta]
) -> bool:
    """Whether a publication that was due at `due` and is told to wait once more has waited enough.

    `told_since`: when it was first told so, with no progress and no other failure since. What was
    late for other reasons is given as long as the retries would take.
    """
    if told_since is None or now - due < PATIENCE:
        return False
    return now - told_since >= sum(delays, timedelta())
