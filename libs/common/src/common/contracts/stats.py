"""What stats-collector tells: the latest counters of a post."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from common.contracts.envelope import Event
from common.contracts.words import Platform


class StatsCollected(Event):
    """One sample. A counter is null where the platform does not tell it; `reason` says why."""

    type: ClassVar[str] = "StatsCollected.v1"
    source: ClassVar[str] = "stats-collector"
    about: ClassVar[str] = "publication_id"

    publication_id: UUID
    platform: Platform
    views: int | None
    likes: int | None
    shares: int | None
    comments: int | None
    gone: bool
    reason: str | None
    sampled_at: datetime | None
