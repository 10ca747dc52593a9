"""Fixtures of the command `dead`: run as a service's own user, who may do little on the broker."""

import argparse
import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aio_pika
import pytest
from pydantic import SecretStr
from yarl import URL

from common import commands_dead
from common.bus import rights, topology
from common.bus.subscription import Heard, Queue
from common.db.unit_of_work import UnitOfWork
from servers import Servers

QUEUE = Queue("listener", "plans", (("accounts.events", "PlanChanged.v1"),), ())
Answer = tuple[int, str, str]
Dead = Callable[..., Awaitable[Answer]]
Bury = Callable[..., Awaitable[None]]
Count = Callable[[], Awaitable[int]]


async def effect(uow: UnitOfWork, heard: Heard) -> None:
    """Leaves one outbox row: an effect that can be counted."""
    uow.tell(heard.event, version=heard.version)


async def broken(_uow: UnitOfWork, _heard: Heard) -> None:
    raise RuntimeError("canary-in-the-error")


@pytest.fixture
async def own_rights(bus: Any, servers: Servers) -> AsyncIterator[SecretStr]:
    """The URL of a user who may do in this vhost what a service may, and no more."""
    name = secrets.token_hex(6)
    own = SecretStr(str(URL(bus.url.get_secret_value()).with_user(name).with_password("p")))
    few = rights.needed(QUEUE.service, [QUEUE])
    rights.grant(servers.addresses.rabbitmq.admin_url, bus.url, own, few)
    yield own
    servers.rabbitmq.delete_user(name)


@pytest.fixture
def dead(own_rights: SecretStr, capsys: pytest.CaptureFixture[str]) -> Dead:
    """`await dead("list", "--json")` runs the command: exit code, stdout and stderr."""

    async def run(*words: str) -> Answer:
        parser = argparse.ArgumentParser()
        commands_dead.arguments(parser, [QUEUE.name])
        chosen = parser.parse_args(words)
        capsys.readouterr()  # what consumers of the test itself have logged
        code = await asyncio.to_thread(commands_dead.run, own_rights, (QUEUE,), chosen)
        return code, *capsys.readouterr()

    return run


@pytest.fixture
async def bury(bus: Any) -> Bury:
    """Puts messages straight into the dead-letter queue: their ids are 000, 001 and so on."""
    await topology.declare(bus.url, QUEUE.service, (QUEUE,))
    grave = await bus.channel.get_exchange("listener.dead")

    async def put(count: int, body: bytes = b"{}") -> None:
        for number in range(count):
            message = aio_pika.Message(body, message_id=f"{number:03}", headers={"x-why": "test"})
            await grave.publish(message, QUEUE.name)

    return put


async def ids(bus: Any) -> list[str]:
    """What lies in the dead-letter queue, in order; it is empty afterwards."""
    found = []
    while message := await bus.take(QUEUE.dead):
        found.append(message.message_id)
    return found
