"""How often a platform is asked whether it has finished."""

from dataclasses import dataclass
from datetime import timedelta

GROWTH = 1.5


@dataclass(frozen=True, slots=True)
class Polling:
    """The first wait and the longest; in between they grow by half each time."""

    first: timedelta
    longest: timedelta

    def after(self, polls: int) -> timedelta:
        """How long to wait when there were `polls` before."""
        # The exponent is capped: a clip may be processed for days.
        return min(self.first * GROWTH ** min(polls, 32), self.longest)
