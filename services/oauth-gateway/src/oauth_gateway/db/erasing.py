"""Rows on their way out: unusable at once, deleted after the platform was told."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import case, delete, exists, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from oauth_gateway.db.repositories import LEASE, free, read, released, renewed, whole
from oauth_gateway.db.tables import credentials as table
from oauth_gateway.domain.credential import Credential, Sealed, Status, Times

ERASE_TRIES = 3


class ErasingRows:
    """app.ports.Erasing on one transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def mark_erasing(self, connection_id: UUID, grant_number: int) -> bool:
        """Make everything up to this connect unusable at once, and due for erasing.

        A refresh under way keeps its lease and the version it goes by: the pair it brings is the
        one to give back. A mere pause ends.
        """
        marked = await self._connection.execute(
            update(table)
            .where(
                table.c.connection_id == connection_id,
                table.c.grant_number <= grant_number,
                table.c.status != Status.ERASING,
            )
            .values(
                status=Status.ERASING,
                erase_at=func.now(),
                leased_until=case((table.c.lease.is_not(None), table.c.leased_until)),
                updated_at=func.now(),
            )
        )
        return bool(marked.rowcount)

    async def claim_erasing(self, lease: UUID) -> Credential | None:
        """Take one row that is due for erasing."""
        due = (
            select(table.c.connection_id)
            .where(table.c.status == Status.ERASING, table.c.erase_at <= func.now(), free)
            .order_by(table.c.erase_at)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        claimed = await self._connection.execute(
            update(table)
            .where(table.c.connection_id.in_(due.scalar_subquery()))
            .values(lease=lease, leased_until=func.now() + LEASE)
            .returning(table.c.connection_id)
        )
        found = claimed.scalar_one_or_none()
        if found is None:
            return None
        row = await self._connection.execute(whole.where(table.c.connection_id == found))
        return read(row.one())

    async def postpone_erasing(
        self, connection_id: UUID, lease: UUID, wait: timedelta, *, tried: bool
    ) -> bool:
        """Try again later; False when it was tried often enough. What could not even be tried
        does not count."""
        tries = table.c.erase_tries + int(tried)
        postponed = await self._connection.execute(
            update(table)
            .where(
                table.c.connection_id == connection_id,
                table.c.lease == lease,
                tries < ERASE_TRIES,
            )
            .values(
                erase_tries=tries,
                erase_at=func.now() + wait,
                **released(),
            )
        )
        return bool(postponed.rowcount)

    async def keep_renewed(
        self, credential: Credential, lease: UUID, sealed: Sealed, times: Times
    ) -> bool:
        """Store a new pair without letting go of the row; False when it is another's by now."""
        kept = await self._connection.execute(
            update(table)
            .where(
                table.c.connection_id == credential.connection_id,
                table.c.version == credential.version,
                table.c.status == Status.ERASING,
                table.c.lease == lease,
            )
            .values(**renewed(sealed, times))
        )
        return bool(kept.rowcount)

    async def erase(self, connection_id: UUID, lease: UUID) -> bool:
        """Delete the row; False when it was connected again or renewed meanwhile."""
        erased = await self._connection.execute(
            delete(table).where(table.c.connection_id == connection_id, table.c.lease == lease)
        )
        return bool(erased.rowcount)

    async def shared(self, credential: Credential) -> bool:
        """Whether the same account of the platform is in use under another connection."""
        other = exists().where(
            table.c.platform == credential.platform,
            table.c.account_id == credential.account_id,
            table.c.connection_id != credential.connection_id,
            table.c.status == Status.ACTIVE,
        )
        return bool((await self._connection.execute(select(other))).scalar_one())
