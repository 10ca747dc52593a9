"""The queries that make the table a queue: what is due, who takes it, who holds it, who is called.

What each may do is said in domain/rules.py; here it is said once more, in SQL.
"""

import asyncio
from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import String, bindparam, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from common.contracts.words import Platform
from common.db.statement import Statement
from publisher.db.claimable import NOW
from publisher.db.picture import OWN, picture
from publisher.db.queue import called, called_again, claim_of, held_up, next_one, started, used_up
from publisher.db.tables import publications
from publisher.domain.burst import Burst
from publisher.domain.publication import Publication
from publisher.domain.states import Status, check_move

t = publications
ASKED, ASKED_EVERY = 50, 0.02
"""How often, and after how many seconds, an account is asked for again that another one is at."""


_KEY = func.hashtextextended(bindparam("account", type_=String), 0)
ALONE = Statement(select(func.pg_try_advisory_xact_lock(_KEY).label("alone")))


class DueRows:
    """app.ports.Due over PostgreSQL."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def start(self, limit: int) -> list[Publication]:
        """Scheduled ones whose account is well, on their way."""
        check_move(Status.SCHEDULED, Status.PUBLISHING)
        return sorted(await self._rows(started(limit)), key=lambda row: (row.due_at, row.id))

    async def stuck(self, limit: int) -> list[Publication]:
        """Scheduled ones whose time has come, but whose account is not well; locked."""
        return await self._rows(held_up(limit))

    async def next_in_turn(
        self, platform: Platform, after: str, *, quarantine: timedelta, counted: bool = False
    ) -> UUID | None:
        """Users take turns in the order of their ids, the one after `after` first; of a user's
        own publications those begun come first, then the oldest."""
        at_others: dict[UUID, UUID] = {}
        for since in (after, "") if after else ("",):
            while found := await self._first(platform, since, quarantine, at_others):
                publication_id, account = found
                if not counted or await self._alone(account):
                    return publication_id
                at_others[account] = publication_id
        return await self._last_resort(at_others)

    async def _first(
        self, platform: Platform, since: str, quarantine: timedelta, without: Collection[UUID]
    ) -> tuple[UUID, UUID] | None:
        """Of those who come after this user, with its account."""
        values = {"since": since, "without": list(without)}
        rows = await next_one(platform, quarantine).run(self._connection, values)
        return (rows[0]["id"], rows[0]["connection_id"]) if rows else None

    async def _alone(self, account: UUID) -> bool:
        """Lock the account, for the claim to count what was claimed before; False while another
        claim is at it."""
        [found] = await ALONE.run(self._connection, {"account": str(account)})
        return bool(found["alone"])

    async def _last_resort(self, at_others: dict[UUID, UUID]) -> UUID | None:
        """Nothing else is due. A claim takes milliseconds: wait for one, unless it is frozen."""
        for _ in range(ASKED if at_others else 0):
            await asyncio.sleep(ASKED_EVERY)
            for account, publication_id in at_others.items():
                if await self._alone(account):
                    return publication_id
        return None

    async def claim(
        self,
        publication_id: UUID,
        *,
        lease: timedelta,
        quarantine: timedelta,
        burst: Burst | None = None,
    ) -> Publication | None:
        """A new fence shuts out whoever held the lease before."""
        rows = await self._rows(claim_of(lease, quarantine, burst), {"this": publication_id})
        return rows[0] if rows else None

    async def beyond(self, publication_id: UUID, burst: Burst) -> Publication | None:
        """A new one whose account has had enough."""
        found = select(*OWN).where(t.c.id == publication_id, t.c.fence == 0, used_up(burst))
        row = (await self._connection.execute(found)).mappings().first()
        return picture(row) if row else None

    async def renew(self, publication: Publication, lease: timedelta) -> bool:
        """Only while the fence is ours and the lease has not run out."""
        statement = (
            update(t)
            .where(
                t.c.id == publication.id,
                t.c.fence == publication.fence,
                t.c.lease_until > NOW,
            )
            .values(lease_until=NOW + lease)
        )
        return (await self._connection.execute(statement)).rowcount == 1

    async def call(
        self, limit: int, platforms: Collection[Platform], *, quarantine: timedelta
    ) -> list[Publication]:
        """Mark what nobody has been called for."""
        return await self._rows(called(limit, frozenset(platforms), quarantine))

    async def call_again(
        self, platforms: Collection[Platform], *, quarantine: timedelta, again_after: timedelta
    ) -> list[Publication]:
        """Mark the first of each platform, on each way, if its call came to nothing."""
        statement = called_again(frozenset(platforms), quarantine, again_after)
        return await self._rows(statement, {"since": "", "without": []})

    async def _rows(
        self, statement: Statement, values: Mapping[str, Any] | None = None
    ) -> list[Publication]:
        return [picture(row) for row in await statement.run(self._connection, values)]
