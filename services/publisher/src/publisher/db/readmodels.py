"""The queries over what publisher remembers of others: connections, plans; and its timeline."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import and_, bindparam, case, exists, func, insert, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from common.contracts.words import Plan, Platform
from common.db.statement import Statement
from common.observe import trace
from publisher.db.pauses import PauseRows
from publisher.db.tables import ACTIVE, connections, plans, publications, timeline
from publisher.domain.publication import Connection, Publication

REMOVED = "removed"
OTHERWISE = ("requested", "due", "released", "retried", "retry", "waiting", "step_done", "absent")
"""Lines of a timeline that say something else than that the platform told us to wait."""


OWN = [column for column in connections.c if column.name != "rest_until"]
_KNOWN = select(*OWN).where(
    connections.c.id == bindparam("this"),
    connections.c.user_id == bindparam("user"),
    connections.c.status != REMOVED,
)
_ACTIVE = exists().where(
    publications.c.connection_id == connections.c.id,
    publications.c.clip_id == bindparam("clip"),
    ACTIVE,
)
KNOWN = Statement(_KNOWN)
AIMED_AT = Statement(_KNOWN.add_columns(_ACTIVE.label("active")))


def _connection(row: Mapping[Any, Any]) -> Connection:
    known = {column.name: row[column.name] for column in OWN}
    return Connection(**{**known, "platform": Platform(row["platform"])})


class ConnectionRows:
    """app.ports.Connections over PostgreSQL."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def get(self, connection_id: UUID, user_id: str) -> Connection | None:
        """One of the user's own that is not removed."""
        rows = await KNOWN.run(self._connection, {"this": connection_id, "user": user_id})
        return _connection(rows[0]) if rows else None

    async def aimed_at(
        self, connection_id: UUID, user_id: str, clip_id: str
    ) -> tuple[Connection, bool] | None:
        """The same, with a look into the index that lets there be one only."""
        values = {"this": connection_id, "user": user_id, "clip": clip_id}
        rows = await AIMED_AT.run(self._connection, values)
        return (_connection(rows[0]), rows[0]["active"]) if rows else None

    async def of_user(self, user_id: str, platform: Platform) -> list[Connection]:
        """All of a platform that are not removed."""
        found = await self._connection.execute(
            select(*OWN).where(
                connections.c.user_id == user_id,
                connections.c.platform == platform,
                connections.c.status != REMOVED,
            )
        )
        return [_connection(row) for row in found.mappings()]

    async def remember(self, connection: Connection) -> bool:
        """The newer version wins, in whatever order events come."""
        statement = upsert(connections).values(asdict(connection))
        told = statement.excluded
        newer = connections.c.version < told.version
        named = told.account_id != ""
        statement = statement.on_conflict_do_update(
            index_elements=["id"],
            set_={
                "account_id": case((named, told.account_id), else_=connections.c.account_id),
                "account_name": case((named, told.account_name), else_=connections.c.account_name),
                "status": case((newer, told.status), else_=connections.c.status),
                "version": func.greatest(connections.c.version, told.version),
            },
            where=or_(newer, and_(named, connections.c.account_id == "")),
        )
        found = await self._connection.execute(statement.returning(connections.c.version))
        return bool(found.scalar() == connection.version)

    async def rest(self, connection_id: UUID, until: datetime) -> None:
        """The longer rest wins."""
        await self._connection.execute(
            update(connections)
            .where(
                connections.c.id == connection_id,
                func.coalesce(connections.c.rest_until, func.now()) < until,
            )
            .values(rest_until=until)
        )


PLAN = Statement(
    select(plans.c.plan, plans.c.changed_at).where(plans.c.user_id == bindparam("user"))
)


class PlanRows:
    """app.ports.Plans over PostgreSQL."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def get(self, user_id: str) -> tuple[Plan, datetime] | None:
        """The plan and since when."""
        rows = await PLAN.run(self._connection, {"user": user_id})
        return (Plan.parse(rows[0]["plan"]), rows[0]["changed_at"]) if rows else None

    async def remember(self, user_id: str, plan: Plan, changed_at: datetime) -> bool:
        """The newer one wins."""
        values = {"user_id": user_id, "plan": plan, "changed_at": changed_at}
        statement = upsert(plans).values(values)
        statement = statement.on_conflict_do_update(
            index_elements=["user_id"],
            set_=values,
            where=plans.c.changed_at < statement.excluded.changed_at,
        )
        return (await self._connection.execute(statement)).rowcount == 1


class TimelineRows:
    """app.ports.Timeline over PostgreSQL."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def note(
        self,
        publication: Publication,
        kind: str,
        *,
        step: str | None = None,
        detail: str | None = None,
    ) -> None:
        """Append one line."""
        await self._connection.execute(
            insert(timeline).values(
                publication_id=publication.id,
                kind=kind,
                status=publication.status,
                step=step,
                attempt=publication.attempt,
                detail=detail,
                trace_id=trace.current().trace_id,
            )
        )

    async def told_since(self, publication: Publication) -> datetime | None:
        """The first line that says so after the last one that says otherwise. While it was paused
        nobody asked the platform, so that does not count."""
        lines = select(timeline).where(timeline.c.publication_id == publication.id)
        otherwise = lines.where(timeline.c.kind.in_(OTHERWISE)).with_only_columns(
            func.coalesce(func.max(timeline.c.id), 0)
        )
        told = lines.where(
            timeline.c.kind == "told_to_wait", timeline.c.id > otherwise.scalar_subquery()
        ).with_only_columns(func.min(timeline.c.at))
        found: datetime | None = (await self._connection.execute(told)).scalar_one()
        if found is None:
            return None
        resumed = await PauseRows(self._connection).resumed_at(publication)
        return max(found, resumed) if resumed else found

    async def page(
        self, publication_id: UUID, *, after: int, limit: int
    ) -> list[Mapping[str, Any]]:
        """Oldest first."""
        found = await self._connection.execute(
            select(timeline)
            .where(timeline.c.publication_id == publication_id, timeline.c.id > after)
            .order_by(timeline.c.id)
            .limit(limit)
        )
        return [dict(row) for row in found.mappings()]
