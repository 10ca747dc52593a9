"""The private servers of this checkout, and a database, vhost or Redis number of one's own."""

import secrets
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest
from pydantic import SecretStr

from common.bus import rights
from common.bus.subscription import queues
from common.db import migrate
from localrun.addresses import Addresses, PostgresAddress
from localrun.plan import SERVICES
from servers import Servers

NewDatabase = Callable[[str, Path | None], str]
NewVhost = Callable[[], str]


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """The only loop we run on."""
    return "asyncio"


@pytest.fixture(scope="session")
def servers() -> Servers:
    """PostgreSQL, RabbitMQ and Redis; they stay up for the next run."""
    found = Servers()
    found.up()
    return found


@pytest.fixture(scope="session")
def addresses(servers: Servers) -> Addresses:
    """Where they listen."""
    return servers.addresses


@pytest.fixture(scope="session")
def new_database(servers: Servers) -> Iterator[NewDatabase]:
    """Makes a database and brings it to its newest revision; the URL is that of the role which a
    service works as. Without migrations it is empty, and the URL that of its owner."""
    made: list[str] = []

    def make(service: str, migrations: Path | None) -> str:
        name = f"test_{service.replace('-', '_')}_{secrets.token_hex(4)}"
        made.append(name)
        url = servers.postgres.create_database(name, name)
        if migrations is None:
            return owners(url)
        migrate.upgrade(migrations, SecretStr(owners(url)), user=SecretStr(url))
        return url

    yield make
    for name in made:
        servers.postgres.drop_database(name, name)


def owners(url: str) -> str:
    """The URL under which the owner of a database's tables comes in."""
    role = str(urlsplit(url).username)
    return url.replace(f"//{role}@", f"//{PostgresAddress.owner(role)}@")


async def truncate(url: str, *tables: str) -> None:
    """Empty tables, which only their owner may; `url` is that of the service's role."""
    connection = await asyncpg.connect(owners(url))
    try:
        await connection.execute(f"TRUNCATE {', '.join(tables)}")
    finally:
        await connection.close()


@pytest.fixture(scope="session")
def new_vhost(servers: Servers) -> Iterator[NewVhost]:
    """Makes an empty vhost; the answer is its administrator's URL."""
    made: list[str] = []

    def make() -> str:
        name = f"test-{secrets.token_hex(4)}"
        made.append(name)
        return servers.rabbitmq.create_vhost(name)

    yield make
    for name in made:
        servers.rabbitmq.delete_vhost(name)
        for package in SERVICES.values():
            servers.rabbitmq.delete_user(f"{name}-{package}")


def as_service(admin: str, service: str) -> str:
    """The URL of a service's own user in a vhost, with the rights of its work and no more."""
    package, address = SERVICES[service], Servers().addresses.rabbitmq
    subscriptions = import_module(f"{package}.bus.subscriptions").SUBSCRIPTIONS
    vhost = urlsplit(admin).path[1:]
    url = address.url(vhost, f"{vhost}-{package}")
    few = rights.needed(service, queues(service, subscriptions, ()))
    rights.grant(address.admin_url, SecretStr(admin), SecretStr(url), few)
    return url


@pytest.fixture(scope="session")
def redis_url(servers: Servers) -> Iterator[str]:
    """A numbered Redis database of this run."""
    owner = f"test-{secrets.token_hex(4)}"
    yield servers.addresses.redis.url(servers.redis.allocate_db(owner))
    servers.redis.release_db(owner)
