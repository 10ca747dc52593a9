"""One user with one account on real PostgreSQL, two hands to publish with, and time to move."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from datetime import datetime
from typing import Any, ClassVar, Protocol, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize

from common.contracts.envelope import Event
from common.ids import new_id
from platforms.port import Guard
from publisher.app.ports import Filters, Uow
from publisher.db.uow import PublisherUow
from publisher.domain.publication import Connection, Publication

from .hands import LEASE, QUARANTINE, Hand, Post

T = TypeVar("T")
which = st.integers(0, 1)
seldom = st.sampled_from([False, False, False, True])


class Lab(Protocol):
    """The part of the lab that is needed here."""

    def transaction(self) -> PublisherUow: ...
    async def connection(self, user: str) -> Connection: ...
    async def request(
        self, *, at: datetime | None = None, connection: Connection | None = None
    ) -> Publication: ...
    async def hear(self, event: Event, version: int = 1) -> None: ...
    async def lines(self, row: Publication) -> list[dict[str, Any]]: ...
    async def rows(self, statement: str, **values: Any) -> list[dict[str, Any]]: ...


class Bench(RuleBasedStateMachine):
    """`quarantine` and `fenced` are the rules that a test may switch off."""

    lab: ClassVar[Lab]
    runner: ClassVar[asyncio.Runner]
    quarantine = QUARANTINE
    fenced = True

    def run(self, doing: Coroutine[Any, Any, T]) -> T:
        """Everything happens on one event loop."""
        return self.runner.run(doing)

    @initialize(
        guard=st.sampled_from([Guard.CHECKED, Guard.ONCE]),
        scheduled=st.lists(seldom, min_size=1, max_size=2),
    )
    def begin(self, guard: Guard, scheduled: list[bool]) -> None:
        self.hands = [Hand(self.lab.transaction, guard, fenced=self.fenced) for _ in range(2)]
        self.healthy, self.news = True, 1
        self.connection = self.run(self._begin())
        self.posts = [Post(self.run(self._request(scheduled=later))) for later in scheduled]

    async def _begin(self) -> Connection:
        for table in ("publications", "timeline", "connections", "outbox"):
            await self.lab.rows(f"DELETE FROM {table}")  # noqa: S608 - a name from this list
        return await self.lab.connection(f"user-{new_id().hex}")

    async def _request(self, *, scheduled: bool) -> Publication:
        async with self.lab.transaction() as uow:
            at = await uow.now() + LEASE if scheduled else None
        return await self.lab.request(at=at, connection=self.connection)

    async def _rows(self) -> dict[Any, Publication]:
        async with self.lab.transaction() as uow:
            found = await uow.publications.page(
                self.connection.user_id, Filters(), before=None, limit=100
            )
        return {row.id: row for row in found}

    async def _locked(self, post: Post, do: Callable[[Uow, Publication], Awaitable[None]]) -> None:
        async with self.lab.transaction() as uow:
            await do(uow, await self._lock(uow, post))

    async def _lock(self, uow: Uow, post: Post) -> Publication:
        row = await uow.publications.lock(post.row.id, post.row.user_id)
        assert row is not None
        return row
