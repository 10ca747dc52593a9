"""The private servers of this checkout, and a database, vhost or Redis number of one's own."""

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from common.db import migrate
from localrun.addresses import Addresses
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
    """Makes an empty database of a service's own role and brings it to its newest revision."""
    made: list[str] = []

    def make(service: str, migrations: Path | None) -> str:
        name = f"test_{service.replace('-', '_')}_{secrets.token_hex(4)}"
        made.append(name)
        url = servers.postgres.create_database(name, owner=name)
        if migrations is not None:
            migrate.upgrade(migrations, SecretStr(url))
        return url

    yield make
    for name in made:
        servers.postgres.drop_database(name, owner=name)


@pytest.fixture(scope="session")
def new_vhost(servers: Servers) -> Iterator[NewVhost]:
    """Makes an empty vhost; the answer is its URL."""
    made: list[str] = []

    def make() -> str:
        name = f"test-{secrets.token_hex(4)}"
        made.append(name)
        return servers.rabbitmq.create_vhost(name)

    yield make
    for name in made:
        servers.rabbitmq.delete_vhost(name)


@pytest.fixture(scope="session")
def redis_url(servers: Servers) -> Iterator[str]:
    """A numbered Redis database of this run."""
    owner = f"test-{secrets.token_hex(4)}"
    yield servers.addresses.redis.url(servers.redis.allocate_db(owner))
    servers.redis.release_db(owner)
