"""The doctor's lines about the broker, each turned by breaking what it is about."""

from typing import Any

import aio_pika
import pytest
from aio_pika.abc import AbstractIncomingMessage
from pydantic import SecretStr
from yarl import URL

from common.bus import rights, topology
from common.bus.subscription import queues
from common.doctor import broker
from common.durations import parse_many
from servers import Servers

from .conftest import SERVICE, SUBSCRIPTIONS, Ask

pytestmark = pytest.mark.anyio
CHECK = broker.check("publisher", SERVICE, SUBSCRIPTIONS)
QUEUES = queues(SERVICE, SUBSCRIPTIONS, parse_many("1s,10s,60s"))
MEND = "python -m publisher topology"


@pytest.fixture
async def declared(bus: Any) -> None:
    await topology.declare(bus.url, SERVICE, QUEUES)


@pytest.fixture
def managed(monkeypatch: pytest.MonkeyPatch, bus: Any, servers: Servers) -> None:
    monkeypatch.setenv("RABBITMQ_ADMIN_URL", bus.url.get_secret_value())
    monkeypatch.setenv("RABBITMQ_MANAGEMENT_URL", servers.addresses.rabbitmq.admin_url)


async def test_all_is_well_though_no_worker_runs_yet(
    ask: Ask, service_url: str, declared: None, managed: None
) -> None:
    assert (declared, managed) == (None, None)
    found = await ask(CHECK, rabbitmq_url=service_url)
    assert [name for name, one in found.items() if one.ok is not True] == ["consumers"]
    assert all(one.well for one in found.values())
    assert found["queues"].detail == "all 10 are there"


@pytest.mark.parametrize(
    "name", ["publisher.plans", "publisher.plans.retry.10s", "publisher.tokens.dead"]
)
async def test_a_queue_that_is_gone_is_named(
    ask: Ask, service_url: str, declared: None, bus: Any, name: str
) -> None:
    assert declared is None
    await bus.channel.queue_delete(name)
    found = await ask(CHECK, rabbitmq_url=service_url)
    told = found["queues"]
    assert (told.ok, told.detail, told.mend) == (False, f"missing: {name}", MEND)
    assert found["exchanges"].ok


@pytest.mark.parametrize("name", ["publisher.retry", "accounts.events"])
async def test_an_exchange_that_is_gone_is_named(
    ask: Ask, service_url: str, declared: None, bus: Any, name: str
) -> None:
    assert declared is None
    await bus.channel.exchange_delete(name)
    told = (await ask(CHECK, rabbitmq_url=service_url))["exchanges"]
    assert (told.ok, told.detail, told.mend) == (False, f"missing: {name}", MEND)


async def test_nothing_is_declared_by_looking(ask: Ask, bus: Any) -> None:
    for _ in range(2):  # the administrator may declare: even so nothing is there the second time
        found = await ask(CHECK, rabbitmq_url=bus.url.get_secret_value())
        assert "publisher.events" in found["exchanges"].detail
        assert not found["broker rights"].well


async def test_a_queue_without_a_listener_beside_one_that_has_one_is_named(
    ask: Ask, service_url: str, declared: None, bus: Any
) -> None:
    assert declared is None
    heard = await bus.channel.get_queue("publisher.plans")
    await heard.consume(ignore)
    told = (await ask(CHECK, rabbitmq_url=service_url))["consumers"]
    assert (told.ok, told.detail) == (False, "nobody listens to publisher.tokens")


async def ignore(_message: AbstractIncomingMessage) -> None:
    """Nothing comes."""


async def test_dead_letters_are_counted_where_they_lie(
    ask: Ask, service_url: str, declared: None, bus: Any
) -> None:
    assert declared is None
    grave = await bus.channel.get_exchange("publisher.dead")
    await grave.publish(aio_pika.Message(b"{}"), "publisher.plans")
    told = (await ask(CHECK, rabbitmq_url=service_url))["dead letters"]
    assert (told.ok, told.detail) == (False, "1 in publisher.plans.dead")
    assert told.mend == "python -m publisher dead list"


async def test_a_user_who_may_declare_may_too_much(ask: Ask, declared: None, bus: Any) -> None:
    assert declared is None
    told = (await ask(CHECK, rabbitmq_url=bus.url.get_secret_value()))["broker rights"]
    assert told.ok is False
    assert MEND in told.mend


async def test_rights_that_are_wider_than_needed_are_named(
    ask: Ask, service_url: str, declared: None, managed: None, bus: Any, servers: Servers
) -> None:
    assert (declared, managed) == (None, None)
    needed = rights.needed(SERVICE, QUEUES)
    wide = rights.Rights(".*", needed.read, rights.Topics("publisher.events", ".*"))
    management = servers.addresses.rabbitmq.admin_url
    rights.grant(management, bus.url, SecretStr(service_url), wide)
    told = (await ask(CHECK, rabbitmq_url=service_url))["broker rights, exactly"]
    assert (told.ok, told.detail) == (False, "other than needed: write, topics")


async def test_a_management_address_that_is_wrong_has_to_be_mended(
    ask: Ask, service_url: str, declared: None, managed: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (declared, managed) == (None, None)
    monkeypatch.setenv("RABBITMQ_MANAGEMENT_URL", "http://127.0.0.1:1")
    told = (await ask(CHECK, rabbitmq_url=service_url))["broker management"]
    assert (told.ok, told.well) == (None, False)


async def test_a_wrong_password_or_vhost_is_one_line(ask: Ask, service_url: str) -> None:
    url = URL(service_url)
    for wrong in (url.with_password("canary"), url.with_path("/nowhere")):
        found = await ask(CHECK, rabbitmq_url=str(wrong))
        assert [(one.name, one.ok) for one in found.values()] == [("broker", False)]
        assert "RABBITMQ_URL" in found["broker"].mend
        assert "canary" not in str(found)
