"""The relay: takes facts out of the outbox and has the broker confirm each one.

Any number may run: a row is leased, published outside every transaction, then marked. When the
broker's answer is unknown the row is sent again with the same id, and the inbox drops the twin.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol
from uuid import UUID

import asyncpg
from pydantic import SecretStr
from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Text,
    Update,
    Uuid,
    any_,
    bindparam,
    cast,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncEngine

from common.db.engine import plain_url
from common.db.housekeeping import keep_house
from common.db.unit_of_work import CHANNEL, OUTBOX
from common.failpoint import failpoint
from common.observe import logs

BATCH = 200
LANES = 3
"""How many batches are in hand: while one waits for the broker, PostgreSQL has the others to do."""
LEASE = timedelta(seconds=15)
"""Longer than the slowest batch: its confirms end within 5 seconds, its marks within 10."""
REST = timedelta(seconds=1)
"""Until a row that was not confirmed is tried again: soon, but not in a tight loop."""
POLL_SECONDS = 0.5

log = logs.get(__name__)


@dataclass(frozen=True, slots=True)
class Fact:
    """A row of the outbox. Its body goes to the broker as PostgreSQL writes it, unread."""

    id: UUID
    routing_key: str
    body: str
    type: str
    traceparent: str | None
    correlation_id: str | None


class Publish(Protocol):
    """Hands facts to the broker and tells of each what went wrong: None once it is confirmed."""

    async def __call__(self, facts: Sequence[Fact]) -> Sequence[BaseException | None]: ...


def _lease() -> Update:
    due = (
        select(OUTBOX.c.id)
        .where(
            OUTBOX.c.sent_at.is_(None),
            or_(OUTBOX.c.leased_until.is_(None), OUTBOX.c.leased_until < func.now()),
        )
        .order_by(OUTBOX.c.created_at)  # as the index has them; what failed rests leased
        .limit(BATCH)
        .with_for_update(skip_locked=True)
    )
    once = due.cte("due").prefix_with("MATERIALIZED")  # asked again, it would find others
    said = (OUTBOX.c.body[name].astext for name in ("type", "traceparent", "correlationid"))
    return (
        update(OUTBOX)
        .where(OUTBOX.c.id.in_(select(once.c.id)))
        .values(leased_until=func.now() + LEASE)
        .returning(OUTBOX.c.id, OUTBOX.c.routing_key, cast(OUTBOX.c.body, Text), *said)
    )


IDS: ColumnElement[bool] = OUTBOX.c.id == any_(bindparam("ids", type_=ARRAY(Uuid)))
LEASED = _lease()
SENT = update(OUTBOX).where(IDS).values(sent_at=func.now())
RESTING = update(OUTBOX).where(IDS).values(leased_until=func.now() + REST)


class Relay:
    """Moves rows from the outbox to the broker until it is told to stop."""

    def __init__(self, engine: AsyncEngine, url: SecretStr, publish: Publish) -> None:
        # Each statement is a transaction of its own: one round trip, and none stays open.
        self._autocommit = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._engine = engine
        self._url = url
        self._publish = publish
        self._woken = asyncio.Event()

    async def run(self, stop: asyncio.Event) -> None:
        """Send what is there, then wait for NOTIFY or the next poll."""
        async with asyncio.TaskGroup() as group:
            listening = group.create_task(self._listen())
            cleaning = group.create_task(keep_house(self._engine))
            while not stop.is_set():
                await self.send_all(stop)
                with suppress(TimeoutError):
                    async with asyncio.timeout(POLL_SECONDS):
                        await self._woken.wait()
                self._woken.clear()
            listening.cancel()
            cleaning.cancel()

    async def send_all(self, stop: asyncio.Event) -> None:
        """Until nothing is left, or it is told to stop. More than a batch goes in LANES."""
        if await self._safely_send() == BATCH:
            await asyncio.gather(*(self._lane(stop) for _ in range(LANES)))

    async def _lane(self, stop: asyncio.Event) -> None:
        while not stop.is_set() and await self._safely_send() == BATCH:
            pass

    async def send_batch(self) -> int:
        """Lease, publish, mark; answers how many rows have left."""
        async with self._autocommit.connect() as connection:
            facts = [Fact(*row) for row in await connection.execute(LEASED)]
        if not facts:
            return 0
        failpoint("relay.leased")
        faults = await self._publish(facts)
        failpoint("relay.published")
        told = list(zip(facts, faults, strict=True))
        sent = [fact.id for fact, fault in told if fault is None]
        failed = [fact.id for fact, fault in told if fault is not None]
        async with self._autocommit.connect() as connection:
            if sent:
                await connection.execute(SENT, {"ids": sent})
            if failed:
                await connection.execute(RESTING, {"ids": failed})
        if failed:
            kinds = sorted({type(fault).__name__ for fault in faults if fault is not None})
            log.warning("outbox_not_confirmed", rows=len(failed), errors=kinds)
        return len(sent)

    async def _safely_send(self) -> int:
        try:
            return await self.send_batch()
        except Exception as error:  # noqa: BLE001 - the relay outlives every fault of its servers
            log.warning("outbox_relay_error", error=type(error).__name__)
            await asyncio.sleep(POLL_SECONDS)
            return 0

    async def _listen(self) -> None:
        """Hear NOTIFY; a hint only, so a lost connection costs a poll's time."""
        while True:
            connection: asyncpg.Connection[asyncpg.Record] | None = None
            with suppress(OSError, asyncpg.PostgresError, TimeoutError, asyncpg.InterfaceError):
                connection = await asyncpg.connect(plain_url(self._url), timeout=3)
                lost = asyncio.Event()
                connection.add_termination_listener(lambda *_, lost=lost: lost.set())
                try:
                    await connection.add_listener(CHANNEL, lambda *_: self._woken.set())
                    await lost.wait()
                finally:
                    connection.terminate()
            await asyncio.sleep(1)
