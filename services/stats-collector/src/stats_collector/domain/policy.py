"""What decides how a new post is watched."""

from dataclasses import dataclass

from common.contracts.words import Platform
from stats_collector.domain.reasons import Reason
from stats_collector.domain.schedule import Schedule


@dataclass(frozen=True, slots=True)
class Policy:
    """When to look, and where looking is of no use."""

    schedule: Schedule
    silent: frozenset[Platform]
    """Platforms that tell no statistics."""

    def unavailable(self, platform: Platform, post_id: str) -> Reason | None:
        """Why this post can't be watched; None when it can."""
        if platform in self.silent:
            return Reason.NO_STATISTICS
        return None if post_id else Reason.POST_UNKNOWN
