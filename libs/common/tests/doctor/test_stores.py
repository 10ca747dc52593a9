"""The doctor's lines about the database and Redis, each turned by breaking what it is about."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import pytest
from anyio import to_thread
from pydantic import SecretStr
from sqlalchemy import MetaData, Table

from common.db import migrate
from common.doctor import cache, database
from localrun.addresses import RedisAddress
from localrun.ports import free_port
from localrun.redis_server import Redis
from servers import Servers
from support.servers import NewDatabase, owners

from .conftest import Ask

pytestmark = pytest.mark.anyio
MIGRATIONS = Path(__file__).parents[4] / "services/oauth-gateway/src/oauth_gateway/db/migrations"
CONNECTIONS = MIGRATIONS.parents[4] / "connections/src/connections/db/migrations"
METADATA = MetaData()
for _name in (*database.COMMON, "credentials", "kept_keys", "audit"):
    Table(_name, METADATA)
CHECK = database.check("oauth_gateway", MIGRATIONS, METADATA)
MEND = "python -m oauth_gateway migrate"


@pytest.fixture(scope="module")
def url(new_database: NewDatabase) -> str:
    return new_database("oauth-gateway", MIGRATIONS)


@pytest.fixture(scope="module")
def anothers(new_database: NewDatabase) -> str:
    return new_database("connections", CONNECTIONS)


async def change(url: str, *statements: str) -> None:
    """As the owner of the tables."""
    connection = await asyncpg.connect(owners(url))
    try:
        for one in statements:
            await connection.execute(one)
    finally:
        await connection.close()


async def test_a_migrated_database_is_well(ask: Ask, url: str) -> None:
    found = await ask(CHECK, database_url=url)
    assert {name: one.ok for name, one in found.items()} == {
        "database": True,
        "database clock": True,
        "migrations": True,
        "database rights": True,
        "table rights": True,
    }


async def test_a_migration_that_was_undone_is_told(ask: Ask, url: str) -> None:
    owner, role = SecretStr(owners(url)), SecretStr(url)
    await to_thread.run_sync(lambda: migrate.downgrade(MIGRATIONS, owner, "0001", user=role))
    try:
        told = (await ask(CHECK, database_url=url))["migrations"]
    finally:
        await to_thread.run_sync(lambda: migrate.upgrade(MIGRATIONS, owner, user=role))
    assert (told.ok, told.detail, told.mend) == (False, "at 0001, 0002 is needed", MEND)


async def test_an_empty_database_is_told(ask: Ask, new_database: NewDatabase) -> None:
    owner = new_database("empty", None)
    told = (await ask(CHECK, database_url=owner.replace("_owner@", "@")))["migrations"]
    assert (told.ok, told.mend) == (False, MEND)
    assert "none was applied" in told.detail


async def test_a_build_that_is_older_than_the_database_says_so(ask: Ask, url: str) -> None:
    await change(url, "UPDATE alembic_version SET version_num = '9999'")
    try:
        told = (await ask(CHECK, database_url=url))["migrations"]
    finally:
        await change(url, "UPDATE alembic_version SET version_num = '0002'")
    assert (told.ok, told.well) == (None, True)
    assert "9999, which this build does not know: it is older (0002)" in told.detail


@pytest.mark.parametrize("current", ["0001", "0002", "9999"])
async def test_another_services_database_is_told_at_whatever_revision(
    ask: Ask, anothers: str, current: str
) -> None:
    """Revisions are called alike in all services; what migrates would go there too."""
    await change(anothers, f"UPDATE alembic_version SET version_num = '{current}'")  # noqa: S608 - ours
    told = (await ask(CHECK, database_url=anothers))["migrations"]
    assert told.ok is False
    assert "another service's database?" in told.detail
    assert "credentials" in told.detail
    assert "DATABASE_URL" in told.mend


@pytest.mark.parametrize("off", [timedelta(seconds=30), -timedelta(seconds=30)])
async def test_clocks_that_differ_are_told(ask: Ask, url: str, off: timedelta) -> None:
    wrong = database.check("oauth_gateway", MIGRATIONS, METADATA, lambda: datetime.now(UTC) + off)
    told = (await ask(wrong, database_url=url))["database clock"]
    assert told.ok is False
    assert told.detail.startswith(("29.", "30."))


async def test_a_service_that_works_as_the_owner_may_too_much(ask: Ask, url: str) -> None:
    told = (await ask(CHECK, database_url=owners(url)))["database rights"]
    assert told.ok is False
    assert "owns tables" in told.detail
    assert "may create tables" in told.detail


async def test_a_superuser_may_too_much(ask: Ask, url: str, servers: Servers) -> None:
    name = url.rpartition("/")[2]
    told = (await ask(CHECK, database_url=servers.addresses.postgres.url(name)))["database rights"]
    assert told.ok is False
    assert "is a superuser" in told.detail


async def test_tables_with_other_rights_are_named(ask: Ask, url: str) -> None:
    role = url.rpartition("/")[2]
    more, less = f'DELETE ON audit {{}} "{role}"', f'UPDATE ON outbox {{}} "{role}"'
    await change(url, "GRANT " + more.format("TO"), "REVOKE " + less.format("FROM"))
    try:
        told = (await ask(CHECK, database_url=url))["table rights"]
    finally:
        await change(url, "REVOKE " + more.format("FROM"), "GRANT " + less.format("TO"))
    assert (told.ok, told.detail) == (False, "other rights than needed on audit, outbox")
    assert MEND in told.mend


async def test_a_database_that_is_not_there_is_one_line(ask: Ask, url: str) -> None:
    found = await ask(CHECK, database_url=f"{url}_elsewhere")
    assert [(one.name, one.ok) for one in found.values()] == [("database", False)]
    assert "DATABASE_URL" in found["database"].mend


@pytest.fixture(scope="module")
def own_redis(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    address = RedisAddress(free_port(), servers.redis.address.how)
    found = Redis(tmp_path_factory.mktemp("redis"), address)
    found.start()
    yield found
    found.kill()
    found.wipe()


async def test_redis_is_well_and_nothing_is_left_in_it(ask: Ask, own_redis: Redis) -> None:
    found = await ask(cache.CHECK, redis_url=own_redis.address.url())
    assert [name for name, one in found.items() if not one.ok] == []
    assert set(found) == {"redis", "redis clock", "redis writes", "redis keeps"}
    assert own_redis.call(0, "DBSIZE") == b":0"


async def test_redis_that_throws_keys_away_is_told(ask: Ask, own_redis: Redis) -> None:
    own_redis.call(0, "CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
    try:
        told = (await ask(cache.CHECK, redis_url=own_redis.address.url()))["redis keeps"]
    finally:
        own_redis.call(0, "CONFIG", "SET", "maxmemory-policy", "noeviction")
    assert (told.ok, told.detail) == (False, "maxmemory-policy allkeys-lru")


async def test_redis_that_takes_no_writes_is_told(ask: Ask, own_redis: Redis) -> None:
    own_redis.call(0, "REPLICAOF", "127.0.0.1", "1")
    try:
        told = (await ask(cache.CHECK, redis_url=own_redis.address.url()))["redis writes"]
    finally:
        own_redis.call(0, "REPLICAOF", "NO", "ONE")
    assert told.ok is False


async def test_redis_that_is_away_is_one_line(ask: Ask) -> None:
    found = await ask(cache.CHECK)
    assert [(one.name, one.ok) for one in found.values()] == [("redis", False)]
    assert "REDIS_URL" in found["redis"].mend
