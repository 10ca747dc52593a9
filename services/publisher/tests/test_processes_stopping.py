"""A worker that is told to stop claims nothing more and exits 0; queues that lose everything."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import aio_pika
import httpx
import pytest

from common.contracts.words import Platform
from localrun.ports import LOOPBACK, free_port
from publisher.domain.publication import Publication, StepState
from publisher.domain.states import Status
from support.processes import process
from support.waiting import eventually

from .lab import Lab
from .neighbours import Neighbours
from .person import TLS, Person

pytestmark = pytest.mark.anyio
QUEUE = "publisher.publish.telegram"
SOON = "due_at = now() + interval '2 seconds', woken_at = NULL WHERE id = :id"
WORKER = ("publisher", "worker", "--platform", "telegram")


@pytest.fixture
def environment(environment: dict[str, str]) -> dict[str, str]:
    return environment | {"LEASE": "2s", "QUARANTINE": "1s", "SLOTS": "1"}


class Waiting:
    """How many calls wait for a worker."""

    def __init__(self, bus_url: str) -> None:
        self._url = bus_url

    async def count(self) -> int:
        async with await aio_pika.connect(self._url) as connection:
            queue = await (await connection.channel()).declare_queue(QUEUE, passive=True)
            return int(queue.declaration_result.message_count or 0)

    async def purge(self) -> None:
        async with await aio_pika.connect(self._url) as connection:
            await (await (await connection.channel()).declare_queue(QUEUE, passive=True)).purge()

    async def are(self, wanted: int) -> None:
        async def there() -> bool:
            return await self.count() == wanted

        await eventually(there)


@pytest.fixture
def waiting(bus_url: str) -> Waiting:
    return Waiting(bus_url)


@contextmanager
def worker(environment: dict[str, str], **more: str) -> Iterator["subprocess.Popen[bytes]"]:
    """One that the test itself ends."""
    settings = {**environment, **more, "PATH": os.environ["PATH"], "PYTHONPATH": ":".join(sys.path)}
    running = subprocess.Popen([sys.executable, "-m", *WORKER], env=settings)  # noqa: S603 - ours
    try:
        yield running
    finally:
        if running.poll() is None:
            running.kill()
        running.wait()


async def ended(running: "subprocess.Popen[bytes]", seconds: float) -> int:
    return await asyncio.to_thread(running.wait, seconds)


async def three(me: Person, telegram: Neighbours, waiting: Waiting) -> list[Publication]:
    """One that is being sent, and two whose calls wait for its slot."""
    accounts = [await me.connect(Platform.TELEGRAM) for _ in range(3)]
    found = [(await me.publish(one))[0] for one in accounts]

    async def sending() -> bool:
        return len(telegram.posts) == 1

    await eventually(sending, seconds=40)
    await waiting.are(1)  # and one more is in the worker's hands, not yet claimed
    rows = [await me.row(one) for one in found]
    return sorted(rows, key=lambda row: -row.fence)


async def becomes(lab: Lab, row: Publication, status: Status) -> Publication:
    async def there() -> Publication | None:
        found = await lab.read(row)
        return found if found.status is status else None

    found = await eventually(there, seconds=40)
    assert found is not None
    return found


class Redis:
    """The real one, until it falls silent: then it hears and never answers."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.silent = False
        self.asked = asyncio.Event()

    async def __call__(self, asking: asyncio.StreamReader, asker: asyncio.StreamWriter) -> None:
        answers, real = await asyncio.open_connection(LOOPBACK, self._port)
        answering = asyncio.create_task(self._answer(answers, asker))
        while asked := await asking.read(65536):
            if self.silent:
                self.asked.set()
            else:
                real.write(asked)
        real.close()
        await answering

    async def _answer(self, answers: asyncio.StreamReader, asker: asyncio.StreamWriter) -> None:
        while answer := await answers.read(65536):
            asker.write(answer)
        asker.close()


async def test_told_to_stop_it_ends_what_it_began_and_claims_nothing_more(
    me: Person, telegram: Neighbours, waiting: Waiting, environment: dict[str, str]
) -> None:
    """From that very moment: its server goes on until the last request under way is answered."""
    real = urlsplit(environment["REDIS_URL"]).port
    redis, port = Redis(real or 0), str(free_port())
    listening = await asyncio.start_server(redis, LOOPBACK)
    ours = listening.sockets[0].getsockname()[1]
    environment |= {
        "REDIS_URL": environment["REDIS_URL"].replace(f":{real}", f":{ours}"),
        "METRICS_PORT": port,
    }
    with process("publisher", "clock", settings=environment), worker(environment) as running:
        first, *others = await three(me, telegram, waiting)
        redis.silent = True
        async with httpx.AsyncClient(trust_env=False, timeout=30, verify=TLS) as client:
            slow = asyncio.create_task(client.get(f"http://{LOOPBACK}:{port}/readyz"))
            await redis.asked.wait()
            running.send_signal(signal.SIGTERM)
            telegram.go.set()  # now its slot becomes free
            assert await ended(running, 20) == 0
            await slow
    listening.close()
    assert (await me.lab.read(first)).status is Status.PUBLISHED
    for row in others:
        assert (await me.lab.read(row)).fence == 0
    await waiting.are(2)


async def test_what_it_cannot_end_in_time_it_leaves_and_the_rest_goes_back_to_the_queue(
    me: Person, telegram: Neighbours, waiting: Waiting, environment: dict[str, str]
) -> None:
    """A Telegram upload that outlasts DRAIN: it may or may not have become a post."""
    with process("publisher", "clock", settings=environment):
        with worker(environment, DRAIN="1s") as running:
            first, *others = await three(me, telegram, waiting)
            running.send_signal(signal.SIGTERM)
            assert await ended(running, 20) == 0
        for row in others:
            assert (await me.lab.read(row)).fence == 0
        assert await waiting.count() >= 2  # once its lease is over, there is a call for the first
        left = await me.lab.read(first)
        assert (left.status, left.step_state) == (Status.PUBLISHING, StepState.STARTED)
        telegram.go.set()
        with process(*WORKER, settings=environment):
            await becomes(me.lab, first, Status.UNCERTAIN)
            for row in others:
                await becomes(me.lab, row, Status.PUBLISHED)
    assert sorted(telegram.posts) == sorted(row.account_id for row in (first, *others))


async def test_when_every_queue_is_lost_the_rows_bring_everything_back(
    me: Person, telegram: Neighbours, waiting: Waiting, environment: dict[str, str]
) -> None:
    """Called and not heard, in the middle of a retry, held by a dead worker, and due by and by."""
    environment |= {"WAKE_AGAIN": "1s"}
    telegram.go.set()
    lab = me.lab
    accounts = [await me.connect(Platform.TELEGRAM) for _ in range(6)]
    with process("publisher", "clock", settings=environment):
        later = await me.scheduled(targets=[{"connection_id": str(accounts[0].id)}])
        rows = [await me.row(later)]
        rows += [await me.row((await me.publish(account))[0]) for account in accounts[1:]]
        await waiting.are(5)
        due, retrying, orphan = rows[:3]
        await lab.rows(f"UPDATE publications SET {SOON}", id=due.id)  # noqa: S608 - ours
        retry = f"stage = 'waiting', stage_why = 'retry', failures = 1, {SOON}"
        await lab.rows(f"UPDATE publications SET {retry}", id=retrying.id)  # noqa: S608 - ours
        assert await lab.quick(lease=1, quarantine=1).claim(orphan) is not None
        await _lose_everything(lab, waiting)
        assert await waiting.count() == 0
        with process(*WORKER, settings=environment):
            for _ in range(20):
                await _lose_everything(lab, waiting)
            for row in rows:
                await becomes(lab, row, Status.PUBLISHED)
    assert sorted(telegram.posts) == sorted(row.account_id for row in rows)


async def _lose_everything(lab: Lab, waiting: Waiting) -> None:
    await lab.rows("UPDATE outbox SET sent_at = now() WHERE sent_at IS NULL")
    await waiting.purge()
