"""When a post is looked at: first after a while, then on a steady grid, until it is old."""

from dataclasses import dataclass
from datetime import datetime, timedelta

RETRIES = (timedelta(minutes=1), timedelta(minutes=5))
"""How long after a failed try the next one comes, within the same round."""
SHARE = 10
"""A retry never takes more than this part of a round, so that rounds set short stay apart."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """The settings STATS_FIRST_AFTER, STATS_EVERY and STATS_FOR."""

    first_after: timedelta
    every: timedelta
    lasts: timedelta

    def first(self, published_at: datetime) -> datetime:
        """When the first sample is due."""
        return published_at + self.first_after

    def until(self, published_at: datetime) -> datetime:
        """When watching ends."""
        return published_at + self.lasts

    def next_round(self, round_at: datetime, now: datetime, until: datetime) -> datetime | None:
        """The first round after both `round_at` and now; None when watching is over.

        Counted from the round's own time, so lateness does not add up; rounds that nobody was
        there to take are skipped, because late samples would all tell the same numbers.
        """
        missed = max(0, (now - round_at) // self.every)
        due = round_at + (missed + 1) * self.every
        return due if due <= until else None

    def retry(self, failures: int) -> timedelta | None:
        """How soon to try again after so many failures in a row; None: in the next round."""
        if failures > len(RETRIES):
            return None
        return min(RETRIES[failures - 1], self.every / SHARE)
