"""What this service reads from the environment beside the settings that all share."""

from datetime import timedelta
from typing import Annotated, ClassVar, Self

from pydantic import AfterValidator, model_validator

from common.durations import Duration
from common.neighbours import NeighbourSettings
from stats_collector.domain.schedule import Schedule


def _longer_than_nothing(value: timedelta) -> timedelta:
    if value <= timedelta():
        raise ValueError("must be longer than nothing")
    return value


class Settings(NeighbourSettings):
    """Names are fixed by api.md; addresses and pace of platforms are read by classes of theirs."""

    service: ClassVar[str] = "stats-collector"

    http_port: int = 8004
    stats_first_after: Duration = timedelta(hours=1)
    stats_every: Annotated[Duration, AfterValidator(_longer_than_nothing)] = timedelta(hours=6)
    stats_for: Duration = timedelta(days=30)

    @model_validator(mode="after")
    def _first_before_last(self) -> Self:
        if self.stats_first_after > self.stats_for:
            raise ValueError("STATS_FIRST_AFTER must not be longer than STATS_FOR")
        return self

    @property
    def schedule(self) -> Schedule:
        """When posts are looked at."""
        return Schedule(self.stats_first_after, self.stats_every, self.stats_for)


NAME = Settings.service
