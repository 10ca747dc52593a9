"""Whether more calls reached the platforms than the settings allow.

A platform sees when a call arrives, our gate when it may leave. In between lie the proxy's delay
and a busy machine, so calls that left evenly may arrive closer together, by SLACK seconds at most:
a window of T seconds may hold what left in T + SLACK.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime

from chaos.history import Call, Rate

SHORTEST = 10.0
"""Seconds; shorter windows say more about the machine than about the pace."""
SLACK = 2.0
"""The proxy's longest delay (1 s with its jitter) and a second for two crowded cores."""


def over_pace(calls: Sequence[Call], rates: Sequence[Rate]) -> Iterator[str]:
    """One text for each key whose calls were too many in some window, and each real refusal."""
    for rate in rates:
        for key, times in _by_key(calls, rate).items():
            if worst := _worst(times, rate.per_second):
                yield f"{rate.name} {key}: {worst}"
    for call in calls:
        if call.throttled:
            yield f"{call.platform} {call.step} of {call.account} at {call.at}: too many requests"


def _by_key(calls: Sequence[Call], rate: Rate) -> dict[str, list[datetime]]:
    found: dict[str, list[datetime]] = defaultdict(list)
    for call in calls:
        key = getattr(call, rate.of)
        if call.platform == rate.platform and key is not None:
            found[key].append(call.at)
    return found


def _worst(times: Sequence[datetime], per_second: float) -> str | None:
    """The window with most calls above `rate·(T + SLACK) + 1`, if there is one."""
    start = min(times)
    at = sorted((one - start).total_seconds() for one in times)
    worst, where = 0.0, (0.0, 0.0, 0)
    oldest, before, best = 0, 0, 0
    for last, end in enumerate(at):
        while end - at[oldest] > SHORTEST:
            oldest += 1
        # Among windows longer than SHORTEST the best begins where (index - rate·time) was least.
        while end - at[before] >= SHORTEST:
            if before - per_second * at[before] < best - per_second * at[best]:
                best = before
            before += 1
        for first in {oldest, best}:
            count = last - first + 1
            length = max(SHORTEST, end - at[first])
            excess = count - (per_second * (length + SLACK) + 1)
            if excess > worst:
                worst, where = excess, (at[first], length, count)
    if worst <= 0:
        return None
    begin, length, count = where
    return (
        f"{count} calls in {length:.1f} s from second {begin:.1f} on, "
        f"{per_second:g} a second were allowed"
    )
