"""Eight workers that share one pace, over a Redis of their own that may die."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import httpx
import pytest

from e2e.conftest import CLIP, SETTINGS, Sandbox
from localrun.addresses import RedisAddress
from localrun.person import Person
from localrun.ports import free_port
from localrun.redis_server import Redis
from servers import Servers
from stack import Stack

WORKERS = 8
VK = 8.0
"""Calls a second of all accounts together: what one worker, too, can do on a busy machine."""
TOGETHER = ("vk,telegram",) * WORKERS


@pytest.fixture(scope="session")
def redis(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    found = Redis(
        tmp_path_factory.mktemp("redis"), RedisAddress(free_port(), servers.redis.address.how)
    )
    found.start()
    yield found
    found.kill()
    found.wipe()


@pytest.fixture(scope="session")
def stack(
    servers: Servers, redis: Redis, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    system = Stack(
        tmp_path_factory.mktemp("pace") / "stack",
        servers,
        settings=SETTINGS
        | {
            "PACE_VK": str(VK),
            "PUBLISH_RATE": "10000/minute",
            "BURST_LIMIT": "off",
            "STATS_FIRST_AFTER": "1h",
            "STATS_EVERY": "1h",
            # Nothing dies here, and on a busy machine a heartbeat may be late.
            "LEASE": "20s",
            "QUARANTINE": "5s",
        },
        publishers=TOGETHER,
        through={"redis": redis.address.port},
    )
    system.up()
    yield system
    system.remove()


@pytest.fixture(scope="session")
def workers(stack: Stack) -> list[str]:
    return [name for name in stack.members if name.startswith("publisher-vk")]


class Journal:
    """What reached a platform, as it noted it when it came."""

    def __init__(self, url: str) -> None:
        self._client = httpx.Client(base_url=url, trust_env=False, timeout=30)

    def calls(self, platform: str, since: datetime, **wanted: Any) -> list[dict[str, Any]]:
        """API calls from an instant on; bytes to an upload host are none."""
        found = self._client.get("/_journal", params={"platform": platform}).json()
        for one in found:
            one["at"] = datetime.fromisoformat(one["at"])
        return [
            one
            for one in found
            if one["at"] >= since
            and one["step"] != "upload"
            and all(one[name] == wanted[name] for name in wanted)
        ]

    def forget(self) -> None:
        """Close the connections."""
        self._client.close()


@pytest.fixture
def journal(stack: Stack) -> Iterator[Journal]:
    found = Journal(stack.urls["sandbox"])
    yield found
    found.forget()


@pytest.fixture
def sandbox(stack: Stack) -> Iterator[Sandbox]:
    found = Sandbox(stack.urls["sandbox"])
    yield found
    found.calm()


@pytest.fixture
async def database(stack: Stack) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """Publisher's own; nobody's publications wait in it before and after a test."""
    found = await asyncpg.connect(stack.stores.privileged("publisher")["DATABASE_OWNER_URL"])
    yield found
    deadline = time.monotonic() + 30
    while await found.fetchval(_ENDING):
        assert time.monotonic() < deadline, "what is in hand does not end"
        await asyncio.sleep(0.1)
    await found.close()


_ENDING = """
WITH ended AS (
    UPDATE publications SET status = 'cancelled', due_at = NULL, stage = NULL
    WHERE status IN ('publishing', 'scheduled') AND lease_until IS NULL)
SELECT count(*) FROM publications WHERE status = 'publishing' AND lease_until IS NOT NULL
"""


class Owner:
    """Somebody with accounts, who can have many publications in the queue at once."""

    def __init__(
        self, person: Person, sandbox: Sandbox, database: "asyncpg.Connection[asyncpg.Record]"
    ) -> None:
        self.person = person
        self.accounts: list[str] = []
        self._connections: list[str] = []
        self._key = person.upload(CLIP)["key"]
        self._sandbox = sandbox
        self._database = database

    def connect(self, platform: str) -> None:
        made = self._sandbox.account(platform)
        if platform == "vk":
            linked = self.person.connect_by_consent("vk", made["account"])
        else:
            linked = self.person.connect_by_token(
                "telegram", made["token"], channel=made["channel"]
            )
        self.accounts.append(made.get("bot_id") or made["account"])
        self._connections.append(linked["id"])

    def ask(self, **more: Any) -> list[dict[str, Any]]:
        """One publication to each account, over the product's own interface."""
        return self.person.publish(
            clip_id=secrets.token_hex(6),
            media={"key": self._key},
            title=f"Clip {secrets.token_hex(4)}",
            targets=[{"connection_id": one} for one in self._connections],
            **more,
        )

    async def queue(self, many: int) -> None:
        """So many at each account, as rows: copies of one that was asked for, due now. A thousand
        requests would take longer than the whole test; the clock calls workers for them."""
        far = datetime.now(UTC) + timedelta(days=300)
        for accepted in self.ask(schedule_at=far.isoformat()):
            await self._database.execute(
                "CREATE TEMPORARY TABLE copies AS SELECT p.* FROM publications p,"
                " generate_series(1, $2::integer) WHERE p.id = $1",
                accepted["id"],
                many,
            )
            await self._database.execute(
                "UPDATE copies SET id = gen_random_uuid(), clip_id = gen_random_uuid(),"
                " title = 'Clip ' || gen_random_uuid(), status = 'publishing', stage = 'queued',"
                " schedule_at = NULL, due_at = now(), created_at = now()"
            )
            await self._database.execute("INSERT INTO publications SELECT * FROM copies")
            await self._database.execute("DROP TABLE copies")


NewOwner = Callable[..., Owner]


@pytest.fixture
def owner(
    stack: Stack, sandbox: Sandbox, database: "asyncpg.Connection[asyncpg.Record]"
) -> Iterator[NewOwner]:
    """Makes somebody with so many fresh accounts."""
    made: list[Owner] = []

    def make(platform: str = "vk", accounts: int = 1) -> Owner:
        person = Person(stack.urls, stack.token(f"user-{secrets.token_hex(6)}", "business"), "en")
        made.append(Owner(person, sandbox, database))
        for _ in range(accounts):
            made[-1].connect(platform)
        return made[-1]

    yield make
    for one in made:
        one.person.close()
