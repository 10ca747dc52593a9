"""The engine over a real database, one attempt at a time, and ways to make it die."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from pydantic import SecretStr
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from common.bus.subscription import Heard
from common.contracts.connections import PlatformConnected
from common.contracts.envelope import Event
from common.contracts.words import Plan, Platform
from common.db.group_commit import LOCK_TIMEOUT, GroupCommit
from common.ids import new_id
from common.lending import Token
from common.observe import trace
from platforms.port import Adapter
from publisher.app.engine import Engine, Policy
from publisher.app.ports import MediaSources, Transaction, Uow
from publisher.app.publish import publish
from publisher.app.request_publications import request_publications
from publisher.app.requested import Request, Target
from publisher.bus.subscriptions import REACTIONS
from publisher.db.uow import PublisherUow
from publisher.domain.publication import Connection, Publication
from publisher.domain.states import Status

from .scripted import Gate

POLICY = Policy(
    lease=timedelta(seconds=30),
    quarantine=timedelta(seconds=30),
    retry_delays=(timedelta(minutes=5), timedelta(minutes=15), timedelta(minutes=60)),
)
MEDIA: dict[str, Any] = {
    "key": "u/somebody/1/clip.mp4",
    "url": None,
    "name": "clip.mp4",
    "bytes": 1000,
    "sha256": None,
    "etag": None,
    "duration": 1.0,
    "width": 2,
    "height": 2,
}


class Killed(BaseException):
    """The process is gone: nothing catches it."""


@dataclass
class Mortal:
    """Transactions of a process that dies instead of opening the one after `commits`."""

    inner: Transaction
    commits: int

    @asynccontextmanager
    async def _open(self) -> AsyncIterator[Uow]:
        if self.commits == 0:
            raise Killed
        self.commits -= 1
        async with self.inner() as uow:
            yield uow

    def __call__(self) -> AbstractAsyncContextManager[Uow]:
        return self._open()


@dataclass
class Lender:
    """The vault: lends a token, a newer one for each that is refused, or raises what is ordered."""

    asked: list[int | None] = field(default_factory=list)
    orders: list[Exception] = field(default_factory=list)

    async def lease(self, connection_id: UUID, *, refused: int | None = None) -> Token:
        del connection_id
        self.asked.append(refused)
        if self.orders:
            raise self.orders.pop(0)
        version = (refused or 0) + 1
        return Token(SecretStr(f"token-{version}"), version)


async def at_once(platform: Platform) -> None:
    """Nobody paces."""
    del platform


@dataclass
class Lab:
    """What a worker is made of, without its queue."""

    db: AsyncEngine
    media: MediaSources
    adapter: Adapter
    tokens: Lender = field(default_factory=Lender)
    policy: Policy = POLICY
    turn: Callable[[Platform], Awaitable[None]] = at_once
    stopping: asyncio.Event = field(default_factory=asyncio.Event)

    def transaction(self) -> PublisherUow:
        return PublisherUow(self.db)

    def hurried(self) -> PublisherUow:
        return PublisherUow(self.db, lock_timeout=LOCK_TIMEOUT)

    def engine(self, transaction: Transaction | None = None) -> Engine:
        own = transaction or self.transaction
        return Engine(
            transaction=own,
            write=GroupCommit(own, transaction or self.hurried),
            adapters={Platform.VK: self.adapter},
            tokens=self.tokens,
            media=self.media,
            policy=self.policy,
            turn=self.turn,
            stopping=self.stopping,
        )

    async def connection(self, user: str, platform: Platform = Platform.VK) -> Connection:
        """An account of this user, told by connections."""
        fact = PlatformConnected(
            connection_id=new_id(),
            user_id=user,
            platform=platform,
            account_id="100",
            account_name="Anna",
        )
        await self.hear(fact)
        async with self.transaction() as uow:
            found = await uow.connections.get(fact.connection_id, user)
        assert found is not None
        return found

    async def request(
        self,
        *,
        at: datetime | None = None,
        connection: Connection | None = None,
        clip: str | None = None,
        media: dict[str, Any] | None = None,
    ) -> Publication:
        """An accepted publication."""
        to = connection or await self.connection(f"user-{new_id().hex}")
        asked = Request(
            user_id=to.user_id,
            plan=Plan.PRO,
            clip_id=clip or new_id().hex,
            media=media or MEDIA,
            media_problem=None,
            targets=(Target(to.id, None, "Title", "Text", {}),),
            schedule_at=at,
        )
        with trace.within(trace.start()):
            return await self._accept(asked, to)

    async def _accept(self, asked: Request, to: Connection) -> Publication:
        async with self.transaction() as uow:
            [row] = await request_publications(uow, asked, (to,), await uow.now())
        return row

    async def scheduled(self, late: timedelta = timedelta(seconds=1), **more: Any) -> Publication:
        """One whose time came a moment ago and that nobody has started."""
        return await self.request(at=datetime.now(UTC) - late, **more)

    async def claim(self, row: Publication) -> Publication | None:
        """As a worker does."""
        async with self.transaction() as uow:
            return await uow.due.claim(
                row.id, lease=self.policy.lease, quarantine=self.policy.quarantine
            )

    async def attempt(
        self, row: Publication, transaction: Transaction | None = None
    ) -> Publication:
        """Claim it, work on it until the claim is over; the row then."""
        claimed = await self.claim(row)
        assert claimed is not None, "nothing to do"
        await publish(self.engine(transaction), claimed)
        return await self.read(row)

    async def die_in(self, row: Publication, call: asyncio.Event) -> None:
        """Claim and work, and be killed in the middle of a call."""
        claimed = await self.claim(row)
        assert claimed is not None
        work = asyncio.create_task(publish(self.engine(), claimed))
        async with asyncio.timeout(10):
            await call.wait()
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)

    async def cut_off(self, call: Gate) -> Publication:
        """One whose worker was killed in the middle of a call."""
        row = await self.request()
        await self.die_in(row, call.reached)
        return row

    async def later(self, row: Publication) -> Publication:
        """So much later that the row is due, its account rested and every lease on it over."""
        await self.rows(
            "UPDATE publications SET due_at = least(due_at, now()),"
            " lease_until = lease_until - CAST(:gone AS interval) WHERE id = :id",
            gone=self.policy.lease + self.policy.quarantine + timedelta(seconds=1),
            id=row.id,
        )
        await self.rows(
            "UPDATE connections SET rest_until = NULL WHERE id = :id", id=row.connection_id
        )
        return await self.read(row)

    async def to_the_end(self, row: Publication, attempts: int = 8) -> Publication:
        """Attempts, with as much time between them as it takes."""
        for _ in range(attempts):
            row = await self.later(row)
            if row.status is not Status.PUBLISHING:
                return row
            row = await self.attempt(row)
        return row

    async def read(self, row: Publication) -> Publication:
        async with self.transaction() as uow:
            found = await uow.publications.get(row.id, row.user_id)
        assert found is not None
        return found

    async def kinds(self, row: Publication) -> list[str]:
        """The timeline's kinds, oldest first."""
        return [line["kind"] for line in await self.lines(row)]

    async def lines(self, row: Publication) -> list[dict[str, Any]]:
        return await self.rows(
            "SELECT * FROM timeline WHERE publication_id = :id ORDER BY id", id=row.id
        )

    async def told(self, row: Publication) -> list[dict[str, Any]]:
        """The facts about it in the outbox, oldest first."""
        found = await self.rows(
            "SELECT body FROM outbox WHERE body->>'subject' = :id ORDER BY id", id=str(row.id)
        )
        return [one["body"] for one in found]

    async def wakes(self, row: Publication) -> int:
        """How often a worker was called."""
        return [fact["type"] for fact in await self.told(row)].count("PublicationRequested.v1")

    async def hear(self, event: Event, version: int = 1) -> None:
        """As if the event came over the bus."""
        reaction = next(one for one in REACTIONS if one.event is type(event))
        async with self.transaction() as uow:
            await reaction.handle(uow, Heard(event, version, new_id()))

    async def rows(self, statement: str, **values: Any) -> list[dict[str, Any]]:
        """Run SQL on the service's own tables."""
        async with self.db.begin() as connection:
            found = await connection.execute(text(statement), values)
            return [dict(row) for row in found.mappings()] if found.returns_rows else []

    def quick(self, lease: float, quarantine: float) -> "Lab":
        """The same with leases that end while a test waits."""
        short = replace(
            self.policy,
            lease=timedelta(seconds=lease),
            quarantine=timedelta(seconds=quarantine),
        )
        return replace(self, policy=short)
