"""Records an account whose tokens now lie in the gateway's vault: new, renewed, or back again."""

from dataclasses import dataclass
from functools import partial

from common.contracts.connections import PlatformConnected
from common.observe import logs
from connections.app.ports import Uow
from connections.app.refusals import Overtaken
from connections.domain.connection import Connection, Link

log = logs.get(__name__)


@dataclass(frozen=True, slots=True)
class Linked:
    """`created` is False when the user had this account already."""

    connection: Connection
    created: bool


async def link_account(uow: Uow, user_id: str, link: Link) -> Linked:
    """Raises Overtaken when the account was removed since the gateway answered.

    Two finishes at once are told apart by the grant number: the older one must neither undo the
    newer one nor bring back what has been removed since.
    """
    fresh = Connection.first(user_id, link, uow.now())
    if await uow.connections.add(fresh):
        return _told(uow, fresh, created=True)
    known = await uow.connections.lock(link.connection_id)
    if known is None or known.user_id != user_id:
        raise Overtaken
    if known.grant_number >= link.grant_number:
        if not known.live:
            raise Overtaken
        return Linked(known, created=False)
    again = known.linked_again(link, uow.now())
    await uow.connections.save(again)
    return _told(uow, again, created=not known.live)


def _told(uow: Uow, connection: Connection, *, created: bool) -> Linked:
    uow.tell(
        PlatformConnected(
            connection_id=connection.id,
            user_id=connection.user_id,
            platform=connection.platform,
            account_id=connection.account.id,
            account_name=connection.account.name,
        ),
        version=connection.version,
    )
    said = partial(
        log.info,
        "platform_connected",
        connection_id=str(connection.id),
        user_id=connection.user_id,
        platform=connection.platform,
        created=created,
    )
    uow.then(said)
    return Linked(connection, created)
