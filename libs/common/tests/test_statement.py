"""Statements that are compiled once: what is in their text, what they answer, what errors show."""

import asyncio
from contextlib import suppress
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import Interval, String, Text, Uuid, bindparam, cast, func, literal, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine

from common.db.statement import Statement
from common.db.unit_of_work import INBOX, NotCommitted, UnitOfWork
from support.waiting import eventually

pytestmark = pytest.mark.anyio
ONE = UUID(int=1)


def test_what_is_known_when_it_is_built_stands_in_its_text() -> None:
    """So PostgreSQL sees which partial index it is about, and plans it once."""
    known = literal("it's") == bindparam("asked", type_=String)
    sql, given = Statement(select(known, literal(timedelta(seconds=1.5))).limit(7)).bound(
        {"asked": "x", "not asked for": 1}
    )
    assert ("'it''s'" in sql, "1.5" in sql, "LIMIT 7" in sql) == (True, True, True)
    assert given == ["x"]


async def test_values_arrive_and_come_back_as_they_are(engine: AsyncEngine) -> None:
    asked = {"id": ONE, "body": {"имя": [1, None]}, "none": None, "for_": timedelta(hours=1)}
    kinds = {"id": Uuid, "body": JSONB, "none": Text, "for_": Interval}
    columns = [cast(bindparam(name, type_=kind), kind).label(name) for name, kind in kinds.items()]
    async with engine.connect() as connection:
        assert await Statement(select(*columns)).run(connection, asked) == [asked]


async def test_an_error_is_sqlalchemys_and_shows_no_value(engine: AsyncEngine) -> None:
    add = INBOX.insert().values(message_id=bindparam("id", type_=Uuid))
    add = add.values(consumer=bindparam("who", type_=String)).returning(INBOX.c.message_id)
    secret = {"id": ONE, "who": "somebody's text"}
    async with engine.connect() as connection:
        await Statement(add).run(connection, secret)
        with pytest.raises(IntegrityError) as duplicate:
            await Statement(add).run(connection, secret)
        wrong = select(cast(bindparam("who", type_=Text), JSONB).label("wrong"))
        with pytest.raises(DBAPIError) as refused:
            await Statement(wrong).run(connection, secret)
        with pytest.raises(DataError) as unsent:
            await Statement(add).run(connection, {**secret, "id": "somebody's id"})
        ended = INBOX.delete().where(INBOX.c.message_id == ONE).returning(func.now())
        await Statement(ended).run(connection)
    for error in (duplicate.value, refused.value, unsent.value):
        assert "somebody" not in str(error)
        assert error.__context__ is None
    assert "inbox" in str(duplicate.value)


async def test_a_fault_that_was_passed_over_is_not_taken_for_a_commit(engine: AsyncEngine) -> None:
    wrong = Statement(select(cast(bindparam("what", type_=Text), JSONB).label("wrong")))
    uow = UnitOfWork(engine)
    await uow.__aenter__()
    with suppress(DBAPIError):
        await wrong.run(uow.connection, {"what": "no JSON"})
    with pytest.raises(NotCommitted):
        await uow.__aexit__(None, None, None)


async def test_whoever_does_not_hear_that_it_has_begun_leaves_nothing_open(
    engine: AsyncEngine,
) -> None:
    uow = UnitOfWork(engine)
    uow._begin = "BEGIN; SELECT pg_sleep(1)"
    beginning = asyncio.create_task(uow.__aenter__())
    await asyncio.sleep(0.3)
    beginning.cancel()
    with suppress(asyncio.CancelledError):
        await beginning
    its_own = text("SELECT count(*) FROM pg_stat_activity WHERE query LIKE :begun || '%'")

    async def it_is_gone() -> bool:
        async with engine.connect() as connection:
            return not (await connection.execute(its_own, {"begun": uow._begin})).scalar_one()

    await eventually(it_is_gone, seconds=8)
