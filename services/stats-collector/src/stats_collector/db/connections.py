"""What was last heard of each connection."""

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from stats_collector.db.tables import CONNECTIONS
from stats_collector.domain.reasons import Reason

NOTHING_HEARD = -1
"""Below every version that an event can have."""


class Connections:
    """One row a connection; its version decides which event is the newer."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def hear(self, connection_id: UUID, version: int, paused: Reason | None) -> bool:
        """One statement, so that the newer of two events wins whichever comes first."""
        return await self._write(
            connection_id, version, paused, only_if=CONNECTIONS.c.version < version
        )

    async def refused(self, connection_id: UUID, version: int) -> bool:
        """Changes nothing about the version: the next event counts, whatever it says."""
        return await self._write(
            connection_id,
            version,
            Reason.CONNECTION_EXPIRED,
            only_if=CONNECTIONS.c.version == version,
        )

    async def hold(self, connection_id: UUID) -> Reason | None:
        """Locks the row for others' changes, and makes it when nothing was heard yet."""
        await self._connection.execute(
            insert(CONNECTIONS)
            .values(id=connection_id, version=NOTHING_HEARD)
            .on_conflict_do_nothing()
        )
        found = await self._connection.execute(
            select(CONNECTIONS.c.paused)
            .where(CONNECTIONS.c.id == connection_id)
            .with_for_update(read=True)
        )
        paused: str | None = found.scalar_one()
        return None if paused is None else Reason(paused)

    async def _write(
        self,
        connection_id: UUID,
        version: int,
        paused: Reason | None,
        *,
        only_if: ColumnElement[bool],
    ) -> bool:
        values: dict[str, Any] = {"version": version, "paused": paused}
        statement = (
            insert(CONNECTIONS)
            .values(id=connection_id, **values)
            .on_conflict_do_update(index_elements=["id"], set_=values, where=only_if)
            .returning(CONNECTIONS.c.id)
        )
        written: Row[Any] | None = (await self._connection.execute(statement)).first()
        return written is not None
