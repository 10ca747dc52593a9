"""Removes an account at once; the event has publications cancelled and tokens erased."""

from functools import partial
from uuid import UUID

from common.contracts.connections import PlatformDisconnected
from common.observe import logs
from connections.app.ports import Uow
from connections.app.refusals import NotFound

log = logs.get(__name__)


async def disconnect(uow: Uow, user_id: str, connection_id: UUID) -> None:
    """Raises NotFound. The grant number keeps a reconnect that overtakes the event alive."""
    known = await uow.connections.lock(connection_id)
    if known is None or known.user_id != user_id or not known.live:
        raise NotFound
    removed = known.removed(uow.now())
    await uow.connections.save(removed)
    uow.tell(
        PlatformDisconnected(
            connection_id=removed.id,
            user_id=removed.user_id,
            platform=removed.platform,
            grant_number=removed.grant_number,
        ),
        version=removed.version,
    )
    said = partial(
        log.info,
        "platform_disconnected",
        connection_id=str(removed.id),
        user_id=removed.user_id,
        platform=removed.platform,
    )
    uow.then(said)
