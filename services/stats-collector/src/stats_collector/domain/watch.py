"""What is being watched, and one look at it."""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from common.contracts.words import Platform
from platforms.port import Numbers
from stats_collector.domain.reasons import Reason
from stats_collector.domain.schedule import Schedule


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
    processing: bool
    """The latest sample found it, but its counters are not told for now."""
    round_at: datetime | None
    """The time of the present round on the grid; None when there are no more rounds."""
    failures: int
    """Failed tries in the present round."""
    told: int
    """How many StatsCollected were told: one for each sample."""
    private: bool | None
    """Whether only its owner could see it when it was first looked at: chosen so, then."""
    sampled_at: datetime | None
    """When the latest sample was taken."""
    views: int | None
    """The last views that the platform told."""
    source: str | None
    """Where those came from."""
    traceparent: str
    correlation_id: str

    @property
    def reason(self) -> Reason | None:
        """Why there are no fresh numbers, if so."""
        return self.unavailable or self.paused or self.found

    def late(self, schedule: Schedule, now: datetime) -> bool:
        """Whether there should have been a sample since the last one, or a first one."""
        last = self.sampled_at or schedule.first(self.published_at)
        return self.round_at is not None and now - last > schedule.every

    @property
    def found(self) -> Reason | None:
        """What the latest sample says instead of numbers, if so."""
        if self.gone:
            return Reason.GONE
        return Reason.PROCESSING if self.processing else None

    def after(self, one: "Sample", numbers: Numbers) -> "Watch":
        """The same post, after one more look at it."""
        told = one.views is not None
        known = self.private is not None or numbers.gone
        return replace(
            self,
            told=self.told + 1,
            gone=one.gone,
            processing=numbers.processing,
            private=self.private if known else numbers.private,
            sampled_at=one.at,
            views=one.views if told else self.views,
            source=one.source if told else self.source,
        )


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
    processing: bool
    """The platform is working on the post again and tells nothing meanwhile."""
    comparable: bool
    """Whether the views are counted as those before were: by the same source. A platform that
    changes its rules (VK did in 2026, platforms/vk.md §2.6) is a source of another name."""
    views_growth: int | None
    """Views since the last sample that told any, since publishing for the first one; below zero
    when the platform took some back. None where they are not comparable."""


def sample(watch: Watch, numbers: Numbers, *, at: datetime, source: str) -> Sample:
    """What one look found. A post that was made private is gone for everybody else."""
    gone = numbers.gone or (numbers.private and watch.private is False)
    comparable = watch.source in (None, source)
    growth = None
    if comparable and numbers.views is not None:
        growth = numbers.views - (watch.views or 0)
    return Sample(
        publication_id=watch.publication_id,
        at=at,
        source=source,
        views=numbers.views,
        likes=numbers.likes,
        shares=numbers.shares,
        comments=numbers.comments,
        gone=gone,
        processing=numbers.processing,
        comparable=comparable,
        views_growth=growth,
    )
