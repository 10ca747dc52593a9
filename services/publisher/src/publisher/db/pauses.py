"""The queries over what is paused, and over who paused and resumed it."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    FromClause,
    ScalarSelect,
    Select,
    String,
    and_,
    bindparam,
    cast,
    delete,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from common.contracts.words import Platform
from common.db.statement import Statement
from common.observe import trace
from publisher.app.pauses import BURST, Action, Pause, Scope
from publisher.db.tables import audit, pauses, publications
from publisher.domain.publication import Publication

CALLED_ANEW = 500
"""How many are called for when a pause ends; workers go on by themselves from there."""
t = publications


def running(of: FromClause = t, platform: Platform | None = None) -> ColumnElement[bool]:
    """True for a publication that no pause covers. Of a `platform` that is given and paused, no row
    is looked at."""
    # Each list is read once a statement, not once a row: a long pause leaves many rows waiting.
    its_platform = of.c.platform if platform is None else literal(platform.value)
    return and_(
        its_platform.not_in(_paused(Scope.PLATFORM)),
        cast(of.c.connection_id, String).not_in(_paused(Scope.CONNECTION)),
        of.c.user_id.not_in(_paused(Scope.USER)),
    )


def paused_by() -> ScalarSelect[str]:
    """Who paused a publication, an operator first."""
    return (
        select(pauses.c.paused_by)
        .where(
            or_(
                and_(pauses.c.scope == Scope.PLATFORM, pauses.c.id == t.c.platform),
                and_(
                    pauses.c.scope == Scope.CONNECTION,
                    pauses.c.id == cast(t.c.connection_id, String),
                ),
                and_(pauses.c.scope == Scope.USER, pauses.c.id == t.c.user_id),
            )
        )
        .order_by(pauses.c.paused_by == BURST)
        .limit(1)
        .correlate(t)
        .scalar_subquery()
    )


def resumed(scope: Scope, name: ColumnElement[str]) -> ScalarSelect[datetime]:
    """When it was resumed last."""
    return (
        select(func.max(audit.c.at))
        .where(audit.c.scope == scope, audit.c.name == name, audit.c.action == Action.RESUMED)
        .correlate(t)
        .scalar_subquery()
    )


def _paused(scope: Scope) -> Select[tuple[str]]:
    return select(pauses.c.id).where(pauses.c.scope == scope)


_LATEST = (resumed(scope, bindparam(scope, type_=String)) for scope in Scope)
RESUMED = Statement(select(func.greatest(*_LATEST).label("latest")))


class PauseRows:
    """app.pauses.Pauses over PostgreSQL."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, pause: Pause) -> bool:
        """Pausing twice is pausing once."""
        values = {"paused_by": pause.paused_by, "reason": pause.reason}
        statement = upsert(pauses).values(scope=pause.scope, id=pause.id, **values)
        statement = statement.on_conflict_do_update(
            index_elements=["scope", "id"],
            set_=values,
            where=and_(pauses.c.paused_by == BURST, statement.excluded.paused_by != BURST),
        )
        return (await self._connection.execute(statement)).rowcount == 1

    async def remove(self, scope: Scope, name: str) -> bool:
        """False when it was not paused. Calls that found the pause are made again at once."""
        gone = delete(pauses).where(pauses.c.scope == scope, pauses.c.id == name)
        if (await self._connection.execute(gone)).rowcount == 0:
            return False
        called = (
            select(t.c.id)
            .where(
                _covered(scope, name),
                t.c.status == "publishing",
                t.c.due_at <= func.statement_timestamp(),
                t.c.lease_until.is_(None),
                t.c.woken_at.is_not(None),
            )
            .limit(CALLED_ANEW)
            .with_for_update(skip_locked=True)
        )
        anew = update(t).where(t.c.id.in_(called.scalar_subquery())).values(woken_at=None)
        await self._connection.execute(anew)
        return True

    async def all(self) -> list[Pause]:
        """Oldest first."""
        found = await self._connection.execute(select(pauses).order_by(pauses.c.created_at))
        return [
            Pause(Scope(row.scope), row.id, row.paused_by, row.reason, row.created_at)
            for row in found.all()
        ]

    async def audit(
        self, action: Action, scope: Scope, name: str, *, by: str, reason: str | None
    ) -> None:
        """Append one line."""
        line = {"action": action, "scope": scope, "name": name, "actor": by, "reason": reason}
        await self._connection.execute(
            insert(audit).values(**line, trace_id=trace.current().trace_id)
        )

    async def resumed_at(self, publication: Publication) -> datetime | None:
        """The latest of its platform, account and user."""
        names: dict[str, str] = {
            Scope.PLATFORM: publication.platform.value,
            Scope.CONNECTION: str(publication.connection_id),
            Scope.USER: publication.user_id,
        }
        [row] = await RESUMED.run(self._connection, names)
        found: datetime | None = row["latest"]
        return found


def _covered(scope: Scope, name: str) -> ColumnElement[bool]:
    match scope:
        case Scope.PLATFORM:
            return t.c.platform == name
        case Scope.CONNECTION:
            return t.c.connection_id == UUID(name)
        case Scope.USER:
            return t.c.user_id == name
