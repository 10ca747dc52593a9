"""When a post is looked at: often while it is young, then steadily, until it is old."""

from dataclasses import dataclass
from datetime import datetime, timedelta

RETRIES = (timedelta(minutes=1), timedelta(minutes=5))
"""How long after a failed try the next one comes, within the same round."""
SHARE = 10
"""A retry never takes more than this part of `every`, so that rounds set short stay apart."""
ROOM = 24
"""Rounds come this part of `every` early: room for standing in line and for two retries, so that
there is a sample at least every `every`, as promised."""
YOUNG = timedelta(days=1)
"""How long most views of a short clip take to come."""
DENSER = 3
"""Rounds of a young post to one of an older one; given up as soon as sampling falls behind."""
SAME = timedelta(minutes=1)
"""What is looked at again within this time tells nothing new."""


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

    def next_round(
        self, round_at: datetime, now: datetime, *, published_at: datetime, until: datetime
    ) -> datetime | None:
        """The first round after both `round_at` and now; None when watching is over.

        Counted from the round's own time, so lateness does not add up; rounds that nobody was
        there to take are skipped, because late samples would all tell the same numbers.
        """
        step = self._step(now - round_at, round_at - published_at)
        missed = max(0, (now - round_at) // step)
        due = round_at + (missed + 1) * step
        return due if due <= until else None

    def _step(self, late: timedelta, age: timedelta) -> timedelta:
        """Who is late by half a dense round shows that the platform's pace has no room for them."""
        usual = self.every - self.every / ROOM
        dense = usual / DENSER
        return dense if age < YOUNG and late < dense / 2 else usual

    def retry(self, failures: int) -> timedelta | None:
        """How soon to try again after so many failures in a row; None: in the next round."""
        if failures > len(RETRIES):
            return None
        return min(RETRIES[failures - 1], self.every / SHARE)

    def looked_already(self, sampled_at: datetime | None, now: datetime) -> bool:
        """Whether the last sample is so fresh that another would be the same one twice."""
        return sampled_at is not None and now - sampled_at < min(SAME, self.every / SHARE)
