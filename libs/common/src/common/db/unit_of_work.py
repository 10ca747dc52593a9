"""One transaction: rows, outbox and inbox are committed together or not at all."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Self
from uuid import UUID
from weakref import WeakKeyDictionary

import asyncpg
from sqlalchemy import (
    ARRAY,
    MetaData,
    Select,
    Table,
    Text,
    Uuid,
    bindparam,
    cast,
    func,
    insert,
    select,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from common.contracts.envelope import Envelope, Event
from common.db.key_lock import lock_number
from common.db.statement import Statement, as_told_by_sqlalchemy, driver_of
from common.db.tables import answers_table, inbox_table, outbox_table
from common.ids import new_id
from common.observe import trace

_metadata = MetaData()
OUTBOX: Table = outbox_table(_metadata)
INBOX: Table = inbox_table(_metadata)
ANSWERS: Table = answers_table(_metadata)
CHANNEL = "outbox"
"""The NOTIFY channel on which the relay is woken; polling is the guarantee."""


MILLISECOND = timedelta(milliseconds=1)
_engines: WeakKeyDictionary[AsyncEngine, AsyncEngine] = WeakKeyDictionary()


def _without_transactions(engine: AsyncEngine) -> AsyncEngine:
    """The same pool, which begins none of its own accord: the unit of work does."""
    if engine not in _engines:
        _engines[engine] = engine.execution_options(isolation_level="AUTOCOMMIT")
    return _engines[engine]


def _tell() -> Select[Any]:
    """However many facts there are, keep them and wake the relay in one statement."""
    told = (
        func.unnest(
            bindparam("id", type_=ARRAY(Uuid)),
            bindparam("routing_key", type_=ARRAY(Text)),
            bindparam("body", type_=ARRAY(Text)),
        )
        .table_valued("id", "routing_key", "body", name="told")
        .render_derived()
    )
    facts = select(told.c.id, told.c.routing_key, cast(told.c.body, JSONB))
    kept = insert(OUTBOX).from_select(["id", "routing_key", "body"], facts).cte("kept")
    return select(func.pg_notify(CHANNEL, "")).add_cte(kept)


TELL = Statement(_tell())


class NotCommitted(Exception):
    """PostgreSQL took everything back: a fault of a statement was passed over."""


class UnitOfWork:
    """`async with` opens a transaction; leaving it commits, an exception rolls back.
    Raises NotCommitted.

    A service's own unit of work adds its repositories on `connection`.
    """

    connection: AsyncConnection

    def __init__(self, engine: AsyncEngine, *, lock_timeout: timedelta | None = None) -> None:
        self._engine = _without_transactions(engine)
        self._begin = "BEGIN"
        if lock_timeout is not None:
            self._begin += f"; SET LOCAL lock_timeout = {round(lock_timeout / MILLISECOND)}"
        self._facts: list[dict[str, Any]] = []
        self._afterwards: list[Callable[[], None]] = []

    async def __aenter__(self) -> Self:
        self.connection = await self._engine.connect()
        self._driver = driver_of(self.connection)
        try:
            await self._say(self._begin)
        except BaseException:
            # Who does not hear the answer to BEGIN does not know whether it has begun.
            await self._abandon()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            if error is None:
                await self._flush()
                if await self._say("COMMIT") != "COMMIT":
                    raise NotCommitted("a statement of it had failed")
                for do in self._afterwards:
                    do()
            elif self._within():
                with suppress(Exception):  # the fault that led here is the one to be told
                    await self._say("ROLLBACK")
        finally:
            await self._close()

    def tell(self, event: Event, *, version: int) -> None:
        """Say a fact once this transaction commits. `version` is the aggregate's own."""
        here = trace.current()
        envelope = Envelope(
            id=new_id(),
            source=event.source,
            type=event.type,
            subject=event.subject,
            time=datetime.now(UTC),
            data=event.model_dump(mode="json"),
            traceparent=here.traceparent,
            correlationid=here.correlation_id,
            causationid=here.causation_id,
            aggregateversion=version,
        )
        self._facts.append(
            {
                "id": envelope.id,
                "routing_key": event.routing_key,
                "body": envelope.model_dump_json(exclude_none=True),
            }
        )

    def then(self, do: Callable[[], None]) -> None:
        """Do something once this transaction has committed; `do` must not raise."""
        self._afterwards.append(do)

    async def first_time(self, consumer: str, message_id: UUID) -> bool:
        """Write down that `consumer` handles this message; False when it already did."""
        statement = (
            upsert(INBOX)
            .values(consumer=consumer, message_id=message_id)
            .on_conflict_do_nothing()
            .returning(INBOX.c.message_id)
        )
        return (await self.connection.execute(statement)).first() is not None

    async def claim_key(self, user: str, route: str, key: str) -> bool:
        """Hold an idempotency key until the transaction ends; False when somebody else does."""
        lock = func.pg_try_advisory_xact_lock(lock_number(user, route, key))
        return bool((await self.connection.execute(select(lock))).scalar_one())

    async def answer(self, user: str, route: str, key: str) -> Mapping[str, Any] | None:
        """The answer that was given to this key, if any."""
        table = ANSWERS
        row = await self.connection.execute(
            select(table).where(table.c.user_id == user, table.c.route == route, table.c.key == key)
        )
        found = row.mappings().first()
        return dict(found) if found else None

    async def keep_answer(
        self, user: str, route: str, key: str, *, body_hash: bytes, status: int, answer: object
    ) -> None:
        """Keep the answer beside its effect."""
        await self.connection.execute(
            upsert(ANSWERS)
            .values(
                user_id=user,
                route=route,
                key=key,
                body_hash=body_hash,
                status=status,
                answer=answer,
            )
            .on_conflict_do_nothing()
        )

    async def _flush(self) -> None:
        if self._facts:
            columns = {name: [fact[name] for fact in self._facts] for name in self._facts[0]}
            await TELL.run(self.connection, columns)

    async def _say(self, words: str) -> str:
        """Answers what was done, which need not be what was said."""
        try:
            return await self._driver.execute(words)
        except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            told = error
        raise as_told_by_sqlalchemy(told)

    def _within(self) -> bool:
        return not self._driver.is_closed() and self._driver.is_in_transaction()

    async def _close(self) -> None:
        if self._within():
            await self._abandon()  # the next one must not find itself within it
        else:
            await self.connection.close()

    async def _abandon(self) -> None:
        self._driver.terminate()
        await self.connection.invalidate()  # or the pool would take its end for the server's
        await self.connection.close()
