"""What one publication costs from the request to its result: every question to PostgreSQL, the
broker and Redis is counted, per platform. How fast a deployment can be hangs on these figures;
nobody makes them worse unnoticed.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from pydantic import SecretStr
from redis.asyncio import Redis
from sqlalchemy import event
from sqlalchemy.engine import Engine as SqlEngine
from sqlalchemy.ext.asyncio import AsyncEngine

from common.bus.subscription import Heard
from common.contracts.publisher import PublicationRequested
from common.contracts.words import Platform
from common.db.statement import Statement
from common.db.unit_of_work import UnitOfWork
from common.ids import new_id
from common.pace import Pace, redis_client
from conformance.adapter_kit import Clip, serving, urls_of
from conformance.sandbox_process import Sandbox, running
from platforms.pacing import Pacer, PaceSettings
from platforms.registry import adapters
from publisher.app.engine import Engine
from publisher.app.work import Worker
from publisher.domain.publication import Publication
from publisher.domain.states import Status

from .conftest import CLIP
from .person import Person
from .scripted import Scripted
from .test_engine_platforms import Field, OneClip, Wallet

pytestmark = pytest.mark.anyio
FAST = {f"{kind}pace_{one}": 1000.0 for kind in ("", "account_") for one in Platform}
PATIENT = timedelta(seconds=30)

COSTS = {
    Platform.VK: Counter(statements=19, commits=8, messages=2, redis=5),
    Platform.RUTUBE: Counter(statements=26, commits=11, messages=2, redis=6),
    Platform.DZEN: Counter(statements=20, commits=9, messages=2, redis=5),
    Platform.TELEGRAM: Counter(statements=17, commits=6, messages=2, redis=3),
}
"""A platform that processes is looked at once. The relay's own statements, which up to 200 messages
share, are not in it, nor what other services do."""


@pytest.fixture(scope="module")
def process() -> Iterator[Sandbox]:
    with running(PROCESSING_SECONDS="0") as sandbox:
        yield sandbox


@pytest.fixture
async def engine_of(
    empty_db: AsyncEngine, process: Sandbox, redis_url: str
) -> AsyncIterator[tuple[Field, Engine]]:
    """A worker's parts over everything real, its pace too."""
    process.reset()
    redis = redis_client(SecretStr(redis_url))
    pacer = Pacer(
        Pace(redis, prefix=new_id().hex), PaceSettings(**FAST), in_line=PATIENT, aside=PATIENT
    )
    board = adapters(urls_of(process), gate=pacer.gate)
    content = CLIP.read_bytes()
    async with serving(content) as url:
        field = Field(
            empty_db,
            OneClip(Clip(content, url=url)),
            Scripted().adapter(),
            board=board,
            wallet=Wallet(),
            sandbox=process,
        )
        yield field, replace(field.engine(), turn=pacer.turn)
    await board.aclose()
    await redis.aclose()


@contextmanager
def counting() -> Iterator[Counter[str]]:
    """What everybody in this process asks."""
    found: Counter[str] = Counter()
    asked = Redis.execute_command
    past_sqlalchemy, leave = Statement.run, UnitOfWork.__aexit__

    def statement(*_: Any) -> None:
        found["statements"] += 1

    async def run(self: Statement, *given: Any) -> Any:
        found["statements"] += 1
        return await past_sqlalchemy(self, *given)

    async def close(self: UnitOfWork, kind: Any, *fault: Any) -> None:
        found["commits"] += kind is None
        await leave(self, kind, *fault)

    async def command(*words: Any, **options: Any) -> Any:
        found["redis"] += 1
        return await asked(*words, **options)

    event.listen(SqlEngine, "before_cursor_execute", statement)
    Statement.run, UnitOfWork.__aexit__ = run, close  # type: ignore[method-assign]
    Redis.execute_command = command  # type: ignore[method-assign] # every client's
    try:
        yield found
    finally:
        event.remove(SqlEngine, "before_cursor_execute", statement)
        Statement.run = past_sqlalchemy  # type: ignore[method-assign]
        UnitOfWork.__aexit__ = leave  # type: ignore[method-assign]
        Redis.execute_command = asked  # type: ignore[method-assign]


async def attempt(worker: Worker, row: Publication) -> None:
    """One call, until the worker has no more to do."""
    call = PublicationRequested(
        publication_id=row.id,
        user_id=row.user_id,
        connection_id=row.connection_id,
        platform=row.platform,
    )
    await worker(Heard(call, 1, new_id()))
    await asyncio.gather(*worker._running)


@pytest.mark.parametrize("where", list(Platform))
async def test_a_publication_asks_no_more_often_than_it_did(
    me: Person, engine_of: tuple[Field, Engine], where: Platform
) -> None:
    field, engine = engine_of
    body = await me.body(await field.link(where, me.user))
    worker = Worker(engine, slots=1)
    with counting() as cost:
        [accepted] = (await me.api.post("/v1/publications", json=body)).json()["publications"]
    row = await me.row(accepted)
    async with asyncio.timeout(30):
        while row.status is Status.PUBLISHING:
            row = await field.later(row)
            with counting() as more:
                await attempt(worker, row)
            cost += more
            row = await field.read(row)
    assert row.status is Status.PUBLISHED
    cost["messages"] = len(await field.told(row))
    assert cost == COSTS[where]
