"""What stats-collector listens to: event, function, queue."""

from common.bus.subscription import Reaction, Subscription
from common.contracts.connections import (
    ConnectionExpired,
    PlatformConnected,
    PlatformDisconnected,
)
from common.contracts.publisher import PublicationPublished
from stats_collector.app.pause_watching import pause_watching
from stats_collector.app.resume_watching import resume_watching
from stats_collector.app.watch_publication import watch_publication

SUBSCRIPTIONS: tuple[Subscription, ...] = (
    Reaction(PublicationPublished, "watch", watch_publication),
    Reaction(PlatformConnected, "connections", resume_watching),
    Reaction(PlatformDisconnected, "connections", pause_watching),
    Reaction(ConnectionExpired, "connections", pause_watching),
)
