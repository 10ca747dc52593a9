"""Asks some of the doctor's checks the way the command does; findings by their names."""

import secrets
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from pydantic import SecretStr
from yarl import URL

from common.bus import rights
from common.bus.subscription import Reaction, queues
from common.contracts.accounts import PlanChanged
from common.contracts.oauth import TokenRefreshed
from common.doctor.finding import Check, Finding, ask_all
from common.settings import Settings
from servers import Servers

SERVICE = "publisher"


async def _ignore(_uow: Any, _heard: Any) -> None:
    """Nobody looks."""


SUBSCRIPTIONS = (
    Reaction(PlanChanged, "plans", _ignore),
    Reaction(TokenRefreshed, "tokens", _ignore),
)
Found = dict[str, Finding]
Ask = Callable[..., Awaitable[Found]]


@pytest.fixture
def ask() -> Ask:
    """`await ask(check, rabbitmq_url=…)`: what is not given is not there."""

    async def run(*checks: Check[Settings], **values: str) -> Found:
        nowhere = {
            "database_url": "postgresql://nobody@127.0.0.1:1/none",
            "rabbitmq_url": "amqp://nobody:none@127.0.0.1:1/",
            "redis_url": "redis://127.0.0.1:1/0",
        }
        settings = Settings.model_validate(nowhere | values)
        return {one.name: one for one in await ask_all(checks, settings, ())}

    return run


@pytest.fixture
def service_url(bus: Any, servers: Servers) -> Iterator[str]:
    """The broker as a service's own user, with the rights of its work and no more."""
    name = secrets.token_hex(6)
    url = str(URL(bus.url.get_secret_value()).with_user(name).with_password("p"))
    few = rights.needed(SERVICE, queues(SERVICE, SUBSCRIPTIONS, ()))
    rights.grant(servers.addresses.rabbitmq.admin_url, bus.url, SecretStr(url), few)
    yield url
    servers.rabbitmq.delete_user(name)
