"""The relay: takes facts out of the outbox and has the broker confirm each one.

Any number may run: a row is leased, published outside every transaction, then marked. When the
broker's answer is unknown the row is sent again with the same id, and the inbox drops the twin.
"""

import asyncio
from contextlib import suppress
from datetime import timedelta
from typing import Any, Protocol

import asyncpg
from pydantic import SecretStr
from sqlalchemy import func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from common.db.engine import plain_url
from common.db.housekeeping import keep_house
from common.db.unit_of_work import CHANNEL, OUTBOX
from common.failpoint import failpoint
from common.observe import logs

BATCH = 200
LEASE = timedelta(seconds=15)
"""Longer than the slowest batch: its confirms end within 5 seconds, its marks within 10."""
POLL_SECONDS = 0.5

log = logs.get(__name__)


class Publish(Protocol):
    """Hands one message to the broker; raises unless the broker confirmed it."""

    async def __call__(self, routing_key: str, body: dict[str, Any]) -> None: ...


class Relay:
    """Moves rows from the outbox to the broker until it is told to stop."""

    def __init__(self, engine: AsyncEngine, url: SecretStr, publish: Publish) -> None:
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
                if await self._safely_send() == BATCH:
                    continue
                with suppress(TimeoutError):
                    async with asyncio.timeout(POLL_SECONDS):
                        await self._woken.wait()
                self._woken.clear()
            listening.cancel()
            cleaning.cancel()

    async def send_batch(self) -> int:
        """Lease, publish, mark; answers how many rows were taken."""
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
        lease = (
            update(OUTBOX)
            .where(OUTBOX.c.id.in_(due.scalar_subquery()))
            .values(leased_until=func.now() + LEASE)
            .returning(OUTBOX.c.id, OUTBOX.c.routing_key, OUTBOX.c.body)
        )
        async with self._engine.begin() as connection:
            rows = (await connection.execute(lease)).all()
        if not rows:
            return 0
        failpoint("relay.leased")
        results = await asyncio.gather(
            *(self._publish(row.routing_key, row.body) for row in rows), return_exceptions=True
        )
        failpoint("relay.published")
        sent = [row.id for row, result in zip(rows, results, strict=True) if result is None]
        failed = [row.id for row, result in zip(rows, results, strict=True) if result is not None]
        async with self._engine.begin() as connection:
            if sent:
                await connection.execute(
                    update(OUTBOX).where(OUTBOX.c.id.in_(sent)).values(sent_at=func.now())
                )
            if failed:  # try again soon, but not in a tight loop
                await connection.execute(
                    update(OUTBOX)
                    .where(OUTBOX.c.id.in_(failed))
                    .values(leased_until=func.now() + timedelta(seconds=1))
                )
        if failed:
            kinds = sorted({type(result).__name__ for result in results if result is not None})
            log.warning("outbox_not_confirmed", rows=len(failed), errors=kinds)
        return len(rows)

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
