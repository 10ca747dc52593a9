"""What a summary adds up, and by what."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Grouping(StrEnum):
    """What one line of a summary stands for."""

    PLATFORM = "platform"
    CONNECTION = "connection"
    DAY = "day"


@dataclass(frozen=True, slots=True)
class Period:
    """From `since` up to, not including, `until`; days are days of the time zone."""

    since: datetime
    until: datetime
    zone: str


@dataclass(frozen=True, slots=True)
class Line:
    """One group. A counter is None when no publication of the group tells it."""

    key: str
    publications: int
    views: int | None
    likes: int | None
    shares: int | None
    comments: int | None
    views_growth: int | None
