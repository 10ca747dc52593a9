"""How fast calls came: the fullest window, and how much of what is allowed was used."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

SLACK = 1.5
"""A gate says when a call may leave, the journal when it arrived. A turn stays good for a second
(TURN_SECONDS), and half a second is for a busy machine: so a window of T seconds may hold what
left in T + SLACK."""
WINDOWS = (2.0, 5.0, 10.0)


def too_many(calls: Sequence[dict[str, Any]], rate: float, *, more: int = 0) -> list[str]:
    """One text for each length of window of which some window holds more than allowed. `more`:
    calls that may come on top, once."""
    at = sorted(call["at"].timestamp() for call in calls)
    found = []
    for length in WINDOWS:
        first = 0
        fullest = 0
        for last, end in enumerate(at):
            while end - at[first] > length:
                first += 1
            fullest = max(fullest, last - first + 1)
        allowed = rate * (length + SLACK) + 1 + more
        if fullest > allowed:
            found.append(f"{fullest} calls in {length} s, {allowed:.0f} were allowed")
    return found


def used(calls: Sequence[dict[str, Any]], rate: float, since: datetime, seconds: float) -> float:
    """The part of what is allowed in `seconds` that really came."""
    came = [call for call in calls if 0 <= (call["at"] - since).total_seconds() < seconds]
    return len(came) / (rate * seconds)
