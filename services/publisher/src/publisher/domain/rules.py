"""The rules that keep a publication from being lost or posted twice, each in one place.

The engine, the queries (db/due.py says the same in SQL) and the model in tests/model all follow
these. Why each is needed, and what goes wrong without it: docs/reliability.md.
"""

from datetime import datetime, timedelta
from enum import StrEnum

from platforms.port import Guard
from publisher.domain.publication import StepState
from publisher.domain.states import Status

MARGIN = 0.2
"""The last part of a lease in which nothing is sent any more."""


class Verdict(StrEnum):
    """What a cancel came to."""

    CANCELLED = "cancelled"
    """Nothing was or will be sent."""
    REQUESTED = "cancel_requested"
    """An attempt is in flight or has to be undone; it ends as cancelled or published."""
    TOO_LATE = "too_late"


def cancel_verdict(status: Status, *, untouched: bool, leased: bool) -> Verdict:
    """Decided on the locked row. `leased`: a lease was taken and not given back, however old."""
    match status:
        case Status.CANCELLED | Status.SCHEDULED:
            return Verdict.CANCELLED
        case Status.PUBLISHING if untouched and not leased:
            return Verdict.CANCELLED
        case Status.PUBLISHING:
            return Verdict.REQUESTED
        case Status.PUBLISHED | Status.FAILED | Status.UNCERTAIN:
            return Verdict.TOO_LATE


def wall(taken: float, length: timedelta) -> float:
    """The monotonic instant from which a holder that took its lease at `taken` sends nothing."""
    return taken + length.total_seconds() * (1 - MARGIN)


def free_from(lease_until: datetime, state: StepState, quarantine: timedelta) -> datetime:
    """When a row whose holder went silent may be claimed by somebody else.

    A begun step may be on its way to the platform still: only after the quarantine, when every
    old sender is past its wall and its longest request, a look at the platform is the truth.
    """
    return lease_until + quarantine if state is StepState.STARTED else lease_until


def in_doubt(state: StepState, guard: Guard) -> bool:
    """Whether what was begun and has no end may have happened, so that it can't be just repeated.

    Then `checked` is looked up first, and after `once` a person decides.
    """
    return state is StepState.STARTED and guard is not Guard.REPEATABLE


def may_write(held: int, present: int) -> bool:
    """The fence: each claim takes the next number, and only the latest holder writes."""
    return held == present
