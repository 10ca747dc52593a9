"""Two replicas of the gateway on one database, one Redis and one sandbox."""

from collections.abc import AsyncIterator, Iterator

import pytest

from common.ids import new_id
from conformance.sandbox_process import Sandbox, running
from oauth_gateway.__main__ import MIGRATIONS
from support.real_gateway import RealGateway, environment, replica
from support.servers import NewDatabase, NewVhost

from .rotating import Rotation


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    with running(SANDBOX_CONSENT="allow", HANG_SECONDS="30") as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def settings(
    sandbox: Sandbox, new_database: NewDatabase, new_vhost: NewVhost, redis_url: str
) -> dict[str, str]:
    """A database and a vhost for each file of tests."""
    return environment(
        sandbox.url,
        database=new_database("oauth-gateway", MIGRATIONS),
        rabbitmq=new_vhost(),
        redis=redis_url,
    )


@pytest.fixture(scope="module")
async def replicas(
    settings: dict[str, str], sandbox: Sandbox
) -> AsyncIterator[tuple[RealGateway, RealGateway]]:
    both = replica(settings, sandbox), replica(settings, sandbox)
    yield both
    for one in both:
        await one.client.aclose()
        await one.parts.aclose()


@pytest.fixture
def gateway(sandbox: Sandbox, replicas: tuple[RealGateway, RealGateway]) -> RealGateway:
    """One replica; the sandbox has no faults ordered and only its usual people."""
    sandbox.reset()
    return replicas[0]


@pytest.fixture
def user() -> str:
    """Somebody nobody else knows."""
    return f"user-{new_id()}"


@pytest.fixture
async def legacy(settings: dict[str, str], sandbox: Sandbox) -> AsyncIterator[RealGateway]:
    """A gateway whose VK application is of the old kind."""
    sandbox.reset()
    one = replica({**settings, "VK_OAUTH_FLOW": "legacy"}, sandbox)
    yield one
    await one.client.aclose()
    await one.parts.aclose()


@pytest.fixture
def rotation(
    sandbox: Sandbox, new_database: NewDatabase, new_vhost: NewVhost, redis_url: str
) -> Iterator[Rotation]:
    """A gateway of its own, and a sandbox whose replaced tokens are worth nothing."""
    sandbox.reset()
    sandbox.switch(vkid_reuse_revokes_family=True, vkid_refresh_kills_access=True)
    settings = environment(
        sandbox.url,
        database=new_database("oauth-gateway", MIGRATIONS),
        rabbitmq=new_vhost(),
        redis=redis_url,
    )
    yield Rotation(settings, sandbox)
    sandbox.reset()
