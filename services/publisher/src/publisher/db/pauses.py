"""The queries over what operators have paused."""

from sqlalchemy import ColumnElement, Select, String, and_, cast, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from publisher.app.pauses import Pause, Scope
from publisher.db.tables import pauses, publications


def running() -> ColumnElement[bool]:
    """True for a publication that no pause covers."""
    t = publications.c
    # Each list is read once a statement, not once a row: a long pause leaves many rows waiting.
    return and_(
        t.platform.not_in(_paused(Scope.PLATFORM)),
        cast(t.connection_id, String).not_in(_paused(Scope.CONNECTION)),
        t.user_id.not_in(_paused(Scope.USER)),
    )


def _paused(scope: Scope) -> Select[tuple[str]]:
    return select(pauses.c.id).where(pauses.c.scope == scope)


class PauseRows:
    """app.pauses.Pauses over PostgreSQL."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, pause: Pause) -> None:
        """Pausing twice is pausing once."""
        values = {"scope": pause.scope, "id": pause.id, "paused_by": pause.paused_by}
        await self._connection.execute(upsert(pauses).values(values).on_conflict_do_nothing())

    async def remove(self, scope: Scope, name: str) -> bool:
        """False when it was not paused. Calls that found the pause are made again at once."""
        await self._connection.execute(
            update(publications)
            .where(
                publications.c.due_at <= func.clock_timestamp(),
                publications.c.status == "publishing",
                publications.c.lease_until.is_(None),
            )
            .values(woken_at=None)
        )
        gone = delete(pauses).where(pauses.c.scope == scope, pauses.c.id == name)
        return (await self._connection.execute(gone)).rowcount == 1

    async def all(self) -> list[Pause]:
        """Oldest first."""
        found = await self._connection.execute(select(pauses).order_by(pauses.c.created_at))
        return [
            Pause(Scope(row.scope), row.id, row.paused_by, row.created_at) for row in found.all()
        ]
