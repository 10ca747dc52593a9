"""THE table of what publisher hears: event, queue, function."""

from common.bus.subscription import Reaction, Subscription, Work
from common.contracts.accounts import PlanChanged
from common.contracts.connections import (
    ConnectionExpired,
    PlatformConnected,
    PlatformDisconnected,
)
from common.contracts.publisher import PublicationRequested
from common.contracts.stats import StatsCollected
from common.contracts.words import Platform
from publisher.app import reactions

REACTIONS: tuple[Reaction, ...] = (
    Reaction(PlatformConnected, "connections", reactions.remember_connection),
    Reaction(PlatformDisconnected, "connections", reactions.forget_connection),
    Reaction(ConnectionExpired, "connections", reactions.expire_connection),
    Reaction(PlanChanged, "plans", reactions.change_plan),
    Reaction(StatsCollected, "stats", reactions.remember_stats),
)
WORK: dict[Platform, Work] = {
    platform: Work(PublicationRequested, f"publish.{platform}", platform) for platform in Platform
}
SUBSCRIPTIONS: tuple[Subscription, ...] = (*REACTIONS, *WORK.values())
