"""The other sides: each runs one file of bench/peers, in an environment apart."""

import asyncio
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from signal import SIGTERM

import asyncpg

from bench.measuring.peers_installed import BIN, NODE
from bench.peers.given import AT_ONCE, TABLES
from localrun.environment import TREE
from localrun.process import Process, remembered, spawn
from servers import Servers

DATABASE = "bench_peers"
GRACE = 5.0
LEFT_OUT = (
    "no lease, fence, mark before a call, inbox, relay, users' turns, pauses, timeline, vault, pace"
    " or trace; the clip is in memory"
)
NEW = """
INSERT INTO jobs (id, title, description, token)
SELECT start + number, 'Title', 'Text', 'token-of-the-bench'
FROM (SELECT coalesce(max(id), 0) AS start FROM jobs) AS ids, generate_series(1, $1::int) AS number
RETURNING id
"""
DONE = """
SELECT count(*), max(published_at) AS last FROM jobs WHERE id >= $1 AND status = 'published'
"""


@dataclass(frozen=True)
class Kind:
    """How a peer is run."""

    name: str
    work: tuple[str, ...]
    feed: tuple[str, ...]
    about: str
    times: int = 1
    """So many processes are started; others start their own."""
    cwd: Path = TREE


def _module(name: str) -> tuple[str, ...]:
    return (f"{BIN}/python", "-m", f"bench.peers.{name}")


KINDS = (
    Kind(
        "celery",
        (
            f"{BIN}/celery", "-A", "bench.peers.celery_prefork", "worker", "--pool", "prefork",
            "--concurrency", "2", "--loglevel", "WARNING",
            "--without-gossip", "--without-mingle", "--without-heartbeat",
        ),
        (*_module("celery_prefork"), "feed"),
        "prefork, 2 children with one job each; requests, psycopg; late acknowledgement",
    ),
    Kind(
        "taskiq",
        (
            f"{BIN}/taskiq", "worker", "bench.peers.taskiq_workers:broker", "--workers", "2",
            "--max-async-tasks", str(AT_ONCE), "--log-level", "WARNING",
        ),
        (*_module("taskiq_workers"), "feed"),
        f"2 workers with {AT_ONCE} jobs each; aiohttp, asyncpg",
    ),
    Kind(
        "faststream",
        (f"{BIN}/faststream", "run", "bench.peers.faststream_app:app", "--workers", "2"),
        (*_module("faststream_app"), "feed"),
        f"2 workers with {AT_ONCE} jobs each; aiohttp, asyncpg",
    ),
    Kind(
        "bare",
        (*_module("bare_loop"), "work"),
        (*_module("bare_loop"), "feed"),
        f"2 processes with {AT_ONCE} jobs each; aiormq, aiohttp, asyncpg, uvloop",
        times=2,
    ),
    Kind(
        "bullmq",
        ("node", "bullmq.mjs", "work"),
        ("node", "bullmq.mjs", "feed"),
        f"1 process of Node with {AT_ONCE} jobs; undici, pg; its queue is in Redis, which does not"
        " wait for the disk (appendfsync everysec)",
        cwd=NODE,
    ),
)  # fmt: skip


class Peers:
    """The database that they share, each at its time; everything of theirs on the servers."""

    def __init__(self, home: Path, servers: Servers, stub_url: str) -> None:
        self.home = home
        self.servers = servers
        self.stub_url = stub_url

    @property
    def url(self) -> str:
        """They work as the owner of their tables."""
        address = self.servers.addresses.postgres
        return address.url(DATABASE, address.owner(DATABASE))

    def create(self) -> None:
        """Empty tables."""
        for folder in ("logs", "run"):
            (self.home / folder).mkdir(parents=True, exist_ok=True)
        self.servers.postgres.create_database(DATABASE, DATABASE)
        asyncio.run(self.ask(TABLES))

    def remove(self) -> None:
        """Delete them."""
        self.servers.postgres.drop_database(DATABASE, DATABASE)

    async def ask(self, statement: str, *values: object) -> list[asyncpg.Record]:
        """Rows of one statement; without values it may be several."""
        link = await asyncpg.connect(self.url)
        try:
            return await link.fetch(statement, *values) if values else await _run(link, statement)
        finally:
            await link.close()


async def _run(link: "asyncpg.Connection[asyncpg.Record]", statements: str) -> list[asyncpg.Record]:
    await link.execute(statements)
    return []


class Peer:
    """bench.measuring.side.Side."""

    def __init__(self, kind: Kind, peers: Peers) -> None:
        self.kind = kind
        self.name = kind.name
        self._peers = peers
        self._share = f"bench_{kind.name}"
        self._first = 0

    def start(self) -> None:
        """Its processes; they take what comes once they are ready."""
        rabbitmq, redis = self._peers.servers.rabbitmq, self._peers.servers.redis
        self._env = {
            "PATH": f"{BIN}:{os.environ['PATH']}",
            "PYTHONPATH": str(TREE),
            "LC_ALL": "C.UTF-8",
            "BUS": rabbitmq.create_vhost(self._share),
            "REDIS": redis.address.url(redis.allocate_db(self._share)),
            "DATABASE": self._peers.url,
            "PLATFORM": self._peers.stub_url,
        }
        for number in range(self.kind.times):
            log = self._peers.home / "logs" / f"{self.name}-{number}.log"
            started = spawn(self.kind.work, env=self._env, cwd=self.kind.cwd, log=log)
            started.save(self._record(str(number)))

    def remove(self) -> None:
        """End it and delete its share, also what a run that was killed has left."""
        for process in self.processes:
            process.stop(SIGTERM, GRACE)
        self._peers.servers.rabbitmq.delete_vhost(self._share)
        self._peers.servers.redis.release_db(self._share)

    @property
    def processes(self) -> list[Process]:
        """Those it was started with."""
        record = self._record("*")
        return [one for path in record.parent.glob(record.name) if (one := remembered(path))]

    def put(self, jobs: int) -> None:
        """Rows, then messages by the peer's own client."""
        ids = [row["id"] for row in asyncio.run(self._peers.ask(NEW, jobs))]
        self._first = min(ids)
        words = (*self.kind.feed, str(min(ids)), str(max(ids)))
        subprocess.run(words, env=self._env, cwd=self.kind.cwd, check=True)  # noqa: S603 - ours

    def ended(self) -> tuple[int, float]:
        """By the rows."""
        [row] = asyncio.run(self._peers.ask(DONE, self._first))
        return row["count"], row["last"].timestamp() if row["last"] else 0.0

    def settled(self) -> bool:
        """Nothing comes after the last commit but its acknowledgement."""
        return True

    def _record(self, number: str) -> Path:
        return self._peers.home / "run" / f"{self.name}-{number}.json"
