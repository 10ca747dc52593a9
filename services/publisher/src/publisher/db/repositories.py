"""The queries over publications: one statement each, conditional where two may race."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Select, bindparam, func, select, tuple_, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from common.db.statement import Statement
from publisher.app.ports import DuplicatePublication, Filters, Line
from publisher.db.adding import ADDED, values_of
from publisher.db.changing import change_of, said
from publisher.db.picture import OWN, picture
from publisher.db.tables import ACTIVE
from publisher.db.tables import publications as t
from publisher.domain.publication import Publication, StepState
from publisher.domain.states import Status, check_move

AT_THE_END: Mapping[str, Any] = {
    **dict.fromkeys(("due_at", "stage", "percent", "hold", "stage_until", "stage_why")),
    "cancel_requested": False,
}
ENDED = (Status.PUBLISHED, Status.FAILED, Status.CANCELLED, Status.UNCERTAIN)

ON_ITS_WAY = Statement(
    select(t.c.id).where(
        t.c.connection_id == bindparam("account"), t.c.clip_id == bindparam("clip"), ACTIVE
    )
)


class PublicationRows:
    """app.ports.Publications over PostgreSQL."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, publications: Sequence[Publication], kind: str) -> None:
        """Insert each with its line."""
        # An immediate one is called for in the same transaction.
        try:
            for one in publications:
                woken_at = one.created_at if one.status is Status.PUBLISHING else None
                await ADDED.run(self._connection, values_of(one, woken_at=woken_at, kind=kind))
        except IntegrityError as error:
            raise _duplicate(error) from None

    async def get(self, publication_id: UUID, user_id: str) -> Publication | None:
        """One of the user's own."""
        return await self._one(self._own(publication_id, user_id))

    async def lock(self, publication_id: UUID, user_id: str) -> Publication | None:
        """The same, locked."""
        return await self._one(self._own(publication_id, user_id).with_for_update())

    async def page(
        self, user_id: str, filters: Filters, *, before: UUID | None, limit: int
    ) -> list[Publication]:
        """Newest first; ids are made in the order of time."""
        wanted = select(*OWN).where(t.c.user_id == user_id)
        for column, value in (
            (t.c.status, filters.status),
            (t.c.platform, filters.platform),
            (t.c.connection_id, filters.connection_id),
            (t.c.clip_id, filters.clip_id),
        ):
            if value is not None:
                wanted = wanted.where(column == value)
        if filters.since is not None:
            wanted = wanted.where(t.c.created_at >= filters.since)
        if filters.until is not None:
            wanted = wanted.where(t.c.created_at < filters.until)
        if before is not None:
            wanted = wanted.where(t.c.id < before)
        return await self._all(wanted.order_by(t.c.id.desc()).limit(limit))

    async def is_active(self, connection_id: UUID, clip_id: str) -> bool:
        """A look into the index that lets there be one only."""
        values = {"account": connection_id, "clip": clip_id}
        return bool(await ON_ITS_WAY.run(self._connection, values))

    async def change(
        self,
        publication: Publication,
        *,
        to: Status | None = None,
        after: timedelta | None = None,
        fenced: bool = False,
        release: bool = False,
        woken: bool = False,
        shown: bool = False,
        line: Line | Sequence[Line] = (),
        **columns: Any,  # noqa: ANN401 - column values
    ) -> Publication | None:
        """One conditional UPDATE, with the lines about it in the same statement."""
        lines = (line,) if isinstance(line, Line) else line
        given, now, later = dict(columns), {"updated_at"}, set[str]()
        if to is not None:
            check_move(publication.status, to)
            given["status"] = to
            if to in ENDED:
                given |= AT_THE_END
                release = True
            if to is Status.PUBLISHED:
                now.add("published_at")
        if after is not None:
            given["woken_at"] = None
            later |= {"due_at", "stage_until"} if shown else {"due_at"}
        if columns.get("step_state") is StepState.STARTED:
            now.add("begun_at")
        if release:
            given["lease_until"] = None
        if woken:
            now.add("woken_at")
        given = {name: one for name, one in given.items() if name not in now | later}
        statement = change_of(
            frozenset(given),
            frozenset(now),
            frozenset(later),
            moved=to is not None,
            fenced=fenced,
            noted=len(lines),
        )
        values = {"this": publication.id, "was": publication.status, "held": publication.fence}
        values |= {f"to_{name}": one for name, one in given.items()}
        values |= {} if after is None else {"after": after}
        values |= said(lines)
        try:
            rows = await statement.run(self._connection, values)
        except IntegrityError as error:
            raise _duplicate(error) from None
        return picture(rows[0]) if rows else None

    async def under_way(
        self,
        *statuses: Status,
        user_id: str | None = None,
        connection_id: UUID | None = None,
    ) -> list[Publication]:
        """Those with one of these statuses, locked."""
        wanted = select(*OWN).where(t.c.status.in_(statuses))
        if user_id is not None:
            wanted = wanted.where(t.c.user_id == user_id)
        if connection_id is not None:
            wanted = wanted.where(t.c.connection_id == connection_id)
        return await self._all(wanted.order_by(t.c.id).with_for_update())

    async def remember_stats(self, publication_id: UUID, version: int, **columns: Any) -> None:  # noqa: ANN401 - column values
        """Newer counters win."""
        await self._connection.execute(
            update(t)
            .where(t.c.id == publication_id, t.c.stats_version < version)
            .values(stats_version=version, updated_at=func.clock_timestamp(), **columns)
        )

    async def changed_since(
        self, user_id: str, since: datetime, *, beyond: UUID, limit: int
    ) -> list[Publication]:
        """Oldest change first."""
        return await self._all(
            select(*OWN)
            .where(t.c.user_id == user_id, tuple_(t.c.updated_at, t.c.id) > tuple_(since, beyond))
            .order_by(t.c.updated_at, t.c.id)
            .limit(limit)
        )

    @staticmethod
    def _own(publication_id: UUID, user_id: str) -> Select[Any]:
        return select(*OWN).where(t.c.id == publication_id, t.c.user_id == user_id)

    async def _one(self, statement: Select[Any]) -> Publication | None:
        row = (await self._connection.execute(statement)).mappings().first()
        return picture(row) if row else None

    async def _all(self, statement: Select[Any]) -> list[Publication]:
        return [picture(row) for row in (await self._connection.execute(statement)).mappings()]


def _duplicate(error: IntegrityError) -> Exception:
    if "publications_one_active" in str(error.orig):
        return DuplicatePublication()
    return error
