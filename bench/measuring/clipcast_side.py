"""Our side: two publisher workers and the clock, as they run in production, on rows that were
accepted by the use case behind `POST /v1/publications`."""

import asyncio
import shutil
import subprocess
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from signal import SIGTERM
from typing import Any

import asyncpg
from pydantic import SecretStr

from common.contracts.words import Plan, Platform
from common.db.engine import connect
from common.ids import new_id
from common.observe import trace
from localrun.credentials import Credentials
from localrun.environment import Places, environment
from localrun.member import GRACE, Member
from localrun.plan import Planned, planned
from localrun.ports import free_ports
from localrun.process import Process, remembered
from localrun.stores import Stores
from localrun.tasks import run_all
from publisher.app.request_publications import request_publications
from publisher.app.requested import Request, Target
from publisher.db.uow import PublisherUow
from publisher.domain.publication import Connection
from publisher.media.store import open_store
from servers import Servers

NAME = "clipcast"
PLATFORM = Platform.VK
"""Three calls: an id, the bytes, whether it is shown."""
SLOTS = 50
EACH = 20
"""Accounts of one person, who publishes one clip to all of them."""
CLIP_BYTES = 1024
KEY = f"u/bench/{NAME}/clip.mp4"
MEDIA = {
    "url": None,
    "name": "clip.mp4",
    "bytes": CLIP_BYTES,
    "sha256": None,
    "duration": 1.0,
    "width": 2,
    "height": 2,
}
NONE = "1000000"
SETTINGS = {
    "SLOTS": str(SLOTS),
    "PACE_VK": NONE,
    "ACCOUNT_PACE_VK": NONE,
    "VK_DAILY_SAVES": "1000000000",
}
ABOUT = (
    f"2 publisher workers with {SLOTS} slots each, and the clock with its relay; RabbitMQ's quorum"
    " queues; rows by the use case of the HTTP API, in bulk; all of its guarantees"
)
LEFT_OUT = (
    "oauth-gateway's process (a stub lends the tokens), the HTTP API, connections, statistics and"
    " tracing (off by default); pacing is asked of Redis at every call, but nobody has to wait"
)
DONE = """
SELECT count(*), max(published_at) AS last FROM publications
WHERE clip_id = $1 AND status = 'published'
"""
UNSENT = "SELECT count(*) FROM outbox WHERE sent_at IS NULL"
PATIENCE = 60.0
TASKS = {"publisher": ("migrate", "topology"), "stats-collector": ("topology",)}
"""What is published has to reach a queue of somebody's."""
TOLD = [one for one in planned() if one.front and one.service in TASKS]


@contextmanager
def running(*sides: "Clipcast", jobs: int) -> Iterator[None]:
    """They run until the block ends, for at most so many jobs at a time; nothing stays."""
    try:
        for one in sides:
            with suppress(FileNotFoundError, subprocess.CalledProcessError):
                one.remove()  # what a run that was killed has left
            one.start(jobs)
        yield
    finally:
        for one in sides:
            one.remove()


class Clipcast:
    """bench.measuring.side.Side."""

    def __init__(
        self,
        home: Path,
        servers: Servers,
        stub_url: str,
        *,
        name: str = NAME,
        settings: Mapping[str, str] | None = None,
        workers: int = 2,
    ) -> None:
        """`name`: what is stored bears it, so that two can run side by side."""
        self.name = name
        self._home = home
        self._stores = Stores(servers, f"bench_{name}")
        self._stub_url = stub_url
        self._settings = settings or {}
        self._accounts: list[Connection] = []
        self._clip = ""
        own = [one for one in planned((PLATFORM,) * workers) if one.service == "publisher"]
        self._plan = [one for one in own if not one.front]
        self._members: list[Member] = []

    def start(self, jobs: int) -> None:
        """Start it, for at most so many jobs at a time."""
        for folder in ("logs", "run", f"media/u/bench/{NAME}"):
            (self._home / folder).mkdir(parents=True)
        (self._home / "media" / KEY).write_bytes(bytes(CLIP_BYTES))
        self._etag = asyncio.run(self._tag())
        self._stores.create()
        run_all([self._member(one).tasks(*TASKS[one.service]) for one in TOLD])
        ports = free_ports(len(self._plan))
        self._members = [self._member(*one) for one in zip(self._plan, ports, strict=True)]
        for member in self._members:
            member.start()
        for member in self._members:
            member.wait_ready(time.monotonic() + PATIENCE)
        asyncio.run(self._connect(jobs))

    def remove(self) -> None:
        """End it and delete all it stored, also what a run that was killed has left."""
        for path in (self._home / "run").glob("*.json"):
            if process := remembered(path):
                process.stop(SIGTERM, GRACE)
        self._stores.remove()
        shutil.rmtree(self._home, ignore_errors=True)

    @property
    def database(self) -> str:
        """The name of its database."""
        return self.database_url.rpartition("/")[2]

    @property
    def processes(self) -> list[Process]:
        """The workers and the clock."""
        return [one.process for one in self._members if one.process]

    def put(self, jobs: int) -> None:
        """Rows and calls for a worker, in one commit."""
        self._clip = str(new_id())
        asyncio.run(self._accept(jobs))

    def ended(self) -> tuple[int, float]:
        """By the rows."""
        count, last = asyncio.run(self._read(DONE, self._clip))
        return count, last.timestamp() if last else 0.0

    def settled(self) -> bool:
        """Whether every fact has left, the one that it was published included."""
        [unsent] = asyncio.run(self._read(UNSENT))
        return not unsent

    def _member(self, plan: Planned, port: int = 0) -> Member:
        places = Places(
            urls=dict.fromkeys(("oauth-gateway", "publisher"), self._stub_url),
            sandbox=self._stub_url,
            databases=self._stores.databases,
            rabbitmq=self._stores.buses,
            redis=self._stores.redis,
            media=self._home / "media",
            ledger=self._home / "ledger.jsonl",
        )
        known = Credentials.kept(self._home / "secrets.json")
        own = {**SETTINGS, "VK_API_URL": self._stub_url, **self._settings}
        env = environment(plan.service, places, known) | own
        return Member(plan, self._home, port, env, self._stores.privileged(plan.service))

    @property
    def database_url(self) -> str:
        """Where it is, for those who look into it."""
        return self._stores.databases["publisher"]

    async def _tag(self) -> str | None:
        async with open_store((self._home / "media").as_uri()).open(KEY) as opened:
            return opened.head.etag

    async def _connect(self, accounts: int) -> None:
        """As if connections had told it."""
        self._accounts = [
            Connection(
                id=new_id(),
                user_id=f"person-{number // EACH}",
                platform=PLATFORM,
                account_id=str(number),
                account_name="Anna",
                status="active",
                version=1,
            )
            for number in range(accounts)
        ]
        async with self._transaction() as uow:
            for one in self._accounts:
                await uow.connections.remember(one)

    async def _accept(self, jobs: int) -> None:
        async with self._transaction() as uow:
            for first in range(0, jobs, EACH):
                accounts = tuple(self._accounts[first : min(first + EACH, jobs)])
                with trace.within(trace.start()):
                    await request_publications(
                        uow, self._request(accounts), accounts, await uow.now()
                    )

    def _request(self, accounts: tuple[Connection, ...]) -> Request:
        return Request(
            user_id=accounts[0].user_id,
            plan=Plan.BUSINESS,
            clip_id=self._clip,
            media={**MEDIA, "key": KEY, "etag": self._etag},
            media_problem=None,
            targets=tuple(Target(one.id, None, "Title", "Text", {}) for one in accounts),
            schedule_at=None,
        )

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[PublisherUow]:
        engine = connect(SecretStr(self.database_url), "bench")
        try:
            async with PublisherUow(engine) as uow:
                yield uow
        finally:
            await engine.dispose()

    async def _read(self, statement: str, *values: object) -> Any:  # noqa: ANN401 - a row of any form
        link = await asyncpg.connect(self.database_url)
        try:
            return await link.fetchrow(statement, *values)
        finally:
            await link.close()
