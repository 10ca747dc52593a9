"""What makes doing things twice harmless: the inbox and the locks of idempotency keys."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from common.db.key_lock import hold
from common.db.unit_of_work import UnitOfWork
from common.ids import new_id

pytestmark = pytest.mark.anyio
Transaction = Callable[[], UnitOfWork]
KEY = ("user", "POST /v1/things", "key")


async def test_the_inbox_knows_each_message_once_per_consumer(transaction: Transaction) -> None:
    message = new_id()
    async with transaction() as uow:
        assert await uow.first_time("a", message)
        assert await uow.first_time("b", message)
        assert not await uow.first_time("a", message)
    async with transaction() as uow:
        assert not await uow.first_time("a", message)


async def test_of_twins_at_the_same_time_one_is_first(transaction: Transaction) -> None:
    message = new_id()

    async def handle() -> bool:
        async with transaction() as uow:
            return await uow.first_time("a", message)

    assert sum(await asyncio.gather(*(handle() for _ in range(20)))) == 1


async def test_a_message_whose_effect_was_undone_counts_as_new(transaction: Transaction) -> None:
    message = new_id()
    with suppress(RuntimeError):
        async with transaction() as uow:
            await uow.first_time("a", message)
            raise RuntimeError
    async with transaction() as uow:
        assert await uow.first_time("a", message)


async def test_a_key_is_held_until_its_transaction_ends(transaction: Transaction) -> None:
    async with transaction() as first:
        assert await first.claim_key(*KEY)
        async with transaction() as second:
            assert not await second.claim_key(*KEY)
            assert await second.claim_key("other", *KEY[1:])
    async with transaction() as third:
        assert await third.claim_key(*KEY)


async def test_a_key_held_across_the_network_keeps_everybody_else_out(
    transaction: Transaction, engine: AsyncEngine
) -> None:
    async with hold(engine, *KEY) as mine, hold(engine, *KEY) as theirs:
        assert (mine, theirs) == (True, False)
        async with transaction() as uow:
            assert not await uow.claim_key(*KEY)
    async with transaction() as uow:
        assert await uow.claim_key(*KEY)


async def test_holding_a_key_leaves_no_transaction_open(engine: AsyncEngine) -> None:
    query = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        " AND state = 'idle in transaction'"
    )
    async with hold(engine, *KEY), engine.connect() as connection:
        assert (await connection.execute(query)).scalar_one() == 0


async def test_a_key_comes_free_when_its_holder_dies(engine: AsyncEngine) -> None:
    killed = text(
        "SELECT pg_terminate_backend(pid) FROM pg_locks"
        " WHERE locktype = 'advisory' AND pid <> pg_backend_pid()"
    )

    async def die() -> None:
        async with hold(engine, *KEY) as mine:
            assert mine
            async with engine.connect() as connection:
                await connection.execute(killed)

    with pytest.raises(DBAPIError):
        await die()
    async with hold(engine, *KEY) as mine:
        assert mine
