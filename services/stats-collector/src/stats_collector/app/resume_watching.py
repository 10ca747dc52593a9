"""An account was connected, perhaps again: its posts can be looked at."""

from common.bus.subscription import Heard
from common.contracts.connections import PlatformConnected
from stats_collector.app.ports import Writing


async def resume_watching(uow: Writing, heard: Heard) -> None:
    """Does nothing when something newer was heard of the connection before."""
    event: PlatformConnected = heard.event
    if await uow.connections.hear(event.connection_id, heard.version, None):
        await uow.watches.resume(event.connection_id)
