"""Marks an account that the platform refuses for good, and says so once."""

from common.contracts.connections import ConnectionExpired
from connections.app.ports import Uow
from connections.domain.connection import Connection, Status


async def expire(uow: Uow, connection: Connection, reason: str) -> Connection:
    """The locked connection as it is now; one that has expired already stays untouched."""
    if connection.status is Status.EXPIRED:
        return connection
    now = uow.now()
    expired = connection.refused(now)
    await uow.connections.save(expired)
    uow.tell(
        ConnectionExpired(
            connection_id=expired.id,
            user_id=expired.user_id,
            platform=expired.platform,
            reason=reason,
            expired_at=now,
        ),
        version=expired.version,
    )
    return expired
