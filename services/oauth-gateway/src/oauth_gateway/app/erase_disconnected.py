"""A connection was removed: its tokens are unusable from this transaction on."""

from common.contracts.connections import PlatformDisconnected
from oauth_gateway.app.ports import Work
from oauth_gateway.domain.audit import Action


async def erase_disconnected(event: PlatformDisconnected, work: Work) -> None:
    """Only up to the connect that was removed: a later one may have overtaken this event."""
    if await work.erasing.mark_erasing(event.connection_id, event.grant_number):
        await work.note(event.user_id, Action.DISCONNECT, event)
