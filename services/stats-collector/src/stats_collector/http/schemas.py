"""What goes out over HTTP, field by field as api.md says."""

from dataclasses import asdict
from datetime import datetime
from typing import Self
from uuid import UUID

from pydantic import BaseModel

from common.contracts.words import Platform
from stats_collector.domain.reasons import Reason
from stats_collector.domain.summary import Line
from stats_collector.domain.watch import Sample, Watch


class SampleOut(BaseModel):
    """The counters at one moment; null where the platform does not tell one, never 0 instead."""

    at: datetime
    source: str
    """Which call the numbers come from."""
    views: int | None
    likes: int | None
    shares: int | None
    comments: int | None
    gone: bool
    """The post was not there: deleted, private or blocked on the platform."""
    processing: bool
    """The platform was working on the post again and told nothing meanwhile."""
    comparable: bool
    """Whether it is counted as the sample before was; false once after a change of rules."""

    @classmethod
    def of(cls, sample: Sample) -> Self:
        """Show a sample."""
        return cls.model_validate(asdict(sample))


class PublicationStatsOut(BaseModel):
    """How one publication does, oldest sample first."""

    publication_id: UUID
    platform: Platform
    available: bool
    """False where there are no statistics at all; `reason` says why."""
    reason: Reason | None
    """Why there are no fresh numbers; null while everything goes well."""
    watch_until: datetime
    samples: list[SampleOut]
    next_cursor: str | None

    @classmethod
    def of(
        cls, watch: Watch, samples: list[Sample], next_cursor: str | None, *, late: bool
    ) -> Self:
        """Show a page of samples under their publication."""
        return cls(
            publication_id=watch.publication_id,
            platform=watch.platform,
            available=watch.unavailable is None,
            reason=watch.reason or (Reason.NOT_ANSWERED if late else None),
            watch_until=watch.until,
            samples=[SampleOut.of(one) for one in samples],
            next_cursor=next_cursor,
        )


class LineOut(BaseModel):
    """One group: the last counters of each of its posts within the period, added up.

    Null when no post of the group tells a counter. `views_growth` counts the views that came since
    the sample before, so a month's days add up to the month. A post without statistics counts
    among `publications` when it was published in the period.
    """

    key: str
    """The platform, the connection's id, or the day (YYYY-MM-DD in `tz`)."""
    publications: int
    views: int | None
    likes: int | None
    shares: int | None
    comments: int | None
    views_growth: int | None

    @classmethod
    def of(cls, line: Line) -> Self:
        """Show a line."""
        return cls.model_validate(asdict(line))
