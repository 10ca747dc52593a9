"""Words of the interface that the shell completes; a test compares them with the services'."""

from collections.abc import Iterator
from enum import StrEnum

from common.contracts.words import Platform


class Status(StrEnum):
    """Where a publication stands."""

    SCHEDULED = "scheduled"
    PUBLISHING = "publishing"
    PUBLISHED = "published"
    FAILED = "failed"
    CANCELLED = "cancelled"
    UNCERTAIN = "uncertain"


ENDED = frozenset({Status.PUBLISHED, Status.FAILED, Status.CANCELLED, Status.UNCERTAIN})


class Scope(StrEnum):
    """What can be paused."""

    PLATFORM = "platform"
    CONNECTION = "connection"
    USER = "user"


class Grouping(StrEnum):
    """How a summary adds up."""

    PLATFORM = "platform"
    CONNECTION = "connection"
    DAY = "day"


class Resolution(StrEnum):
    """How dense a series is."""

    EVERY = "every"
    HOUR = "hour"
    DAY = "day"


class Outcome(StrEnum):
    """What a person found on the platform's page."""

    PUBLISHED = "published"
    FAILED = "failed"


class Owner(StrEnum):
    """A service, for the commands that are its own."""

    CONNECTIONS = "connections"
    OAUTH_GATEWAY = "oauth-gateway"
    PUBLISHER = "publisher"
    STATS_COLLECTOR = "stats-collector"

    @property
    def package(self) -> str:
        """What follows `python -m`."""
        return self.replace("-", "_")


def platforms(incomplete: str) -> Iterator[str]:
    """Completes the last of a comma list."""
    done, comma, begun = incomplete.rpartition(",")
    taken = done.split(",")
    for name in Platform:
        if name.startswith(begun) and name not in taken:
            yield f"{done}{comma}{name}"
