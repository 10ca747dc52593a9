"""Every event there is, by type. docs/events.md is generated from it."""

from common.contracts.accounts import PlanChanged
from common.contracts.connections import (
    ConnectionExpired,
    PlatformConnected,
    PlatformDisconnected,
)
from common.contracts.envelope import Envelope, Event
from common.contracts.oauth import TokenRefreshed, TokenRefreshFailed
from common.contracts.publisher import (
    PublicationCancelled,
    PublicationFailed,
    PublicationPublished,
    PublicationRequested,
    PublicationUncertain,
)
from common.contracts.stats import StatsCollected

EVENTS: tuple[type[Event], ...] = (
    PlatformConnected,
    PlatformDisconnected,
    ConnectionExpired,
    TokenRefreshed,
    TokenRefreshFailed,
    PublicationRequested,
    PublicationPublished,
    PublicationFailed,
    PublicationCancelled,
    PublicationUncertain,
    StatsCollected,
    PlanChanged,
)
BY_TYPE: dict[str, type[Event]] = {event.type: event for event in EVENTS}
SOURCES: frozenset[str] = frozenset(event.source for event in EVENTS)


class UnknownEvent(Exception):
    """A type or version that this build has no word for."""


def read(envelope: Envelope) -> Event:
    """The fact inside an envelope. Raises UnknownEvent, or pydantic's ValidationError."""
    event = BY_TYPE.get(envelope.type)
    if event is None:
        raise UnknownEvent(envelope.type[:80])
    return event.model_validate(envelope.data)
