"""What is being watched, and one look at it."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from common.contracts.words import Platform
from platforms.port import Numbers
from stats_collector.domain.reasons import Reason


@dataclass(frozen=True, slots=True)
class Watch:
    """One published post whose counters are read from time to time."""

    publication_id: UUID
    user_id: str
    connection_id: UUID
    platform: Platform
    account_id: str
    post_id: str
    published_at: datetime
    until: datetime
    unavailable: Reason | None
    """Why there are no statistics to read at all, if so."""
    paused: Reason | None
    gone: bool
    """The latest sample did not find the post."""
    round_at: datetime | None
    """The time of the present round on the grid; None when there are no more rounds."""
    failures: int
    """Failed tries in the present round."""
    told: int
    """How many StatsCollected were told: one for each sample."""
    views: int | None
    """The last views that the platform told."""
    traceparent: str
    correlation_id: str

    @property
    def reason(self) -> Reason | None:
        """Why there are no fresh numbers, if so."""
        return self.unavailable or self.paused or (Reason.GONE if self.gone else None)


@dataclass(frozen=True, slots=True)
class Sample:
    """The counters at one moment; None where the platform does not tell one."""

    publication_id: UUID
    at: datetime
    source: str
    views: int | None
    likes: int | None
    shares: int | None
    comments: int | None
    gone: bool
    views_growth: int | None
    """Views since the last sample that told any; since publishing for the first one."""


def sample(watch: Watch, numbers: Numbers, *, at: datetime, source: str) -> Sample:
    """What one look found."""
    growth = None if numbers.views is None else numbers.views - (watch.views or 0)
    return Sample(
        publication_id=watch.publication_id,
        at=at,
        source=source,
        views=numbers.views,
        likes=numbers.likes,
        shares=numbers.shares,
        comments=numbers.comments,
        gone=numbers.gone,
        views_growth=growth,
    )
