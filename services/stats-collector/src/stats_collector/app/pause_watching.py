"""An account was removed or refuses us: its posts can't be looked at for now."""

from common.bus.subscription import Heard
from common.contracts.connections import ConnectionExpired, PlatformDisconnected
from stats_collector.app.ports import Writing
from stats_collector.domain.reasons import Reason


async def pause_watching(uow: Writing, heard: Heard) -> None:
    """Does nothing when something newer was heard of the connection before."""
    event: PlatformDisconnected | ConnectionExpired = heard.event
    expired = isinstance(event, ConnectionExpired)
    why = Reason.CONNECTION_EXPIRED if expired else Reason.DISCONNECTED
    if await uow.connections.hear(event.connection_id, heard.version, why):
        await uow.watches.pause(event.connection_id, why)
