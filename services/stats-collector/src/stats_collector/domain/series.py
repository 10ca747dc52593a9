"""How closely the samples of one publication are shown."""

from dataclasses import dataclass
from enum import StrEnum


class Resolution(StrEnum):
    """Every sample, or one for each hour or day in which there are any."""

    EVERY = "every"
    HOUR = "hour"
    DAY = "day"


@dataclass(frozen=True, slots=True)
class Series:
    """Hours and days begin where they do in the time zone; a repeated hour is two hours."""

    resolution: Resolution
    zone: str
