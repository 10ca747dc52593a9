"""Group commit: who shares a transaction, and that nobody's write hangs on another's."""

import asyncio
from collections.abc import Callable, Coroutine
from contextvars import ContextVar
from functools import partial
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from common.db.group_commit import LOCK_TIMEOUT, GroupCommit
from common.db.unit_of_work import UnitOfWork

pytestmark = pytest.mark.anyio
WHO: ContextVar[str] = ContextVar("who")
Group = GroupCommit[UnitOfWork]


@pytest.fixture
async def group(engine: AsyncEngine) -> Group:
    """With a table of its own."""
    async with engine.begin() as connection:
        await connection.execute(text("DROP TABLE IF EXISTS grouped"))
        await connection.execute(text("CREATE TABLE grouped (id int PRIMARY KEY, xid bigint)"))
        await connection.execute(text("INSERT INTO grouped SELECT generate_series(0, 99), 0"))
    hurried = partial(UnitOfWork, engine, lock_timeout=LOCK_TIMEOUT)
    return GroupCommit(partial(UnitOfWork, engine), hurried)


async def write(row: int, uow: UnitOfWork) -> int:
    """Leaves the transaction's number in the row."""
    change = "UPDATE grouped SET xid = txid_current() WHERE id = :row RETURNING xid"
    return int((await uow.connection.execute(text(change), {"row": row})).scalar_one())


async def written(engine: AsyncEngine) -> dict[int, int]:
    async with engine.connect() as connection:
        found = await connection.execute(text("SELECT id, xid FROM grouped WHERE xid > 0"))
        return {row.id: row.xid for row in found}


async def test_writes_that_wait_together_are_committed_together(
    group: Group, engine: AsyncEngine
) -> None:
    numbers = await asyncio.gather(*(group(partial(write, row)) for row in range(20)))
    assert await written(engine) == dict(enumerate(numbers)), "each got its own answer"
    assert len(set(numbers)) == 1


async def test_one_that_fails_costs_the_others_nothing(group: Group, engine: AsyncEngine) -> None:
    async def fail(uow: UnitOfWork) -> int:
        await write(50, uow)
        return int((await uow.connection.execute(text("SELECT 1 / 0"))).scalar_one())

    writes: list[Callable[[UnitOfWork], Coroutine[Any, Any, int]]] = [
        partial(write, row) for row in range(5)
    ]
    results = await asyncio.gather(
        *(group(one) for one in [*writes[:2], fail, *writes[2:]]), return_exceptions=True
    )
    assert [type(one) for one in results] == [int, int, DBAPIError, int, int, int]
    assert set(await written(engine)) == set(range(5)), "and left nothing itself"


async def test_a_row_that_somebody_has_locked_holds_up_nobody_else(
    group: Group, engine: AsyncEngine
) -> None:
    async with UnitOfWork(engine) as somebody:
        await write(1, somebody)
        waiting = asyncio.create_task(group(partial(write, 1)))
        async with asyncio.timeout(5):
            await asyncio.gather(*(group(partial(write, row)) for row in (0, 2)))
        assert not waiting.done()
    assert set(await written(engine)) >= {0, 2}
    assert await waiting > 0


async def test_who_is_gone_is_not_waited_for(group: Group, engine: AsyncEngine) -> None:
    gone = asyncio.create_task(group(partial(write, 0)))
    await asyncio.sleep(0)
    gone.cancel()
    assert await group(partial(write, 1)) > 0
    assert 1 in await written(engine)


async def test_each_write_is_done_in_the_context_of_who_asked(group: Group) -> None:
    async def who(_: UnitOfWork) -> str:
        return WHO.get()

    async def ask(name: str) -> str:
        WHO.set(name)
        return await group(who)

    names = [f"task {number}" for number in range(5)]
    assert await asyncio.gather(*(ask(name) for name in names)) == names
