"""How often a platform is asked whether it has finished, and how long it may show nothing."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from platforms.errors import NeverEnding, NotYet
from platforms.reasons import Reason

GROWTH = 1.5


@dataclass(frozen=True, slots=True)
class Polling:
    """The first wait and the longest; in between they grow by half each time."""

    first: timedelta
    longest: timedelta
    most: timedelta
    """How long a platform may process before nobody goes on waiting."""
    missing: timedelta
    """How long a platform may not show what it has just accepted."""

    def after(self, polls: int, since: datetime, now: datetime) -> timedelta:
        """How long to wait when there were `polls` before, the first of them at `since`. Raises
        NeverEnding when that has been going on for too long."""
        if now - since > self.most:
            raise NeverEnding
        # The exponent is capped: a clip may be processed for days.
        return min(self.first * GROWTH ** min(polls, 32), self.longest)

    def require_time_to_appear(self, since: datetime, now: datetime) -> None:
        """Raise NotYet while what is not shown may yet appear: only then it surely did not
        happen."""
        rest = since + self.missing - now
        if rest > timedelta(0):
            raise NotYet(rest, Reason.UNAVAILABLE, note="may not be shown yet")

    def long_missing(self, since: datetime | None, now: datetime) -> bool:
        """Whether what was accepted `since` should have been shown long ago."""
        return since is not None and now - since > self.missing
