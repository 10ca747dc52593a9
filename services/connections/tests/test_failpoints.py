"""Killed between an effect and its answer: whoever asks or tells again finds one effect."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import aio_pika
import httpx
import pytest
from aio_pika.abc import AbstractChannel
from fastapi import FastAPI
from pydantic import SecretStr
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from common.bus.publish import broker
from common.bus.subscription import exchange
from common.contracts.oauth import TokenRefreshFailed
from common.contracts.words import Platform
from common.db.engine import connect
from common.db.unit_of_work import INBOX
from common.ids import new_id
from connections.settings import NAME, Settings
from connections.wiring import worker_lifespan
from support.gateway import Gateway
from support.people import bearer
from support.processes import process
from support.servers import as_service
from support.waiting import eventually

from .conftest import Bus

pytestmark = pytest.mark.anyio
TOKENS = "connections.tokens"
RUTUBE = {"platform": "rutube", "token": "rt"}
KEY = {"Idempotency-Key": "k-1"}
Told = Callable[[str], Awaitable[list[dict[str, Any]]]]
Dying = Callable[[str], AbstractAsyncContextManager[httpx.AsyncClient]]


@pytest.fixture
def environment(
    settings_values: dict[str, Any], gateway_url: str, bus_url: str, tmp_path: Path
) -> dict[str, str]:
    """A real process's settings; orders to die lie in `tmp_path`."""
    given = {name.upper(): str(value) for name, value in settings_values.items()}
    return given | {
        "OAUTH_GATEWAY_URL": gateway_url,
        "RABBITMQ_URL": as_service(bus_url, NAME),
        "FAILPOINTS": str(tmp_path),
    }


@pytest.fixture
def dying(environment: dict[str, str], user: str, tmp_path: Path) -> Dying:
    """Starts an http process that is killed at a point; `user` calls it."""

    @asynccontextmanager
    async def start(point: str) -> AsyncIterator[httpx.AsyncClient]:
        (tmp_path / point).write_text("kill9")
        with process("connections", "http", settings=environment) as url:
            headers = bearer(user)
            async with httpx.AsyncClient(base_url=url, headers=headers, trust_env=False) as client:
                with pytest.raises(httpx.RemoteProtocolError):
                    yield client

    return start


def kinds(facts: list[dict[str, Any]]) -> list[str]:
    return [fact["type"] for fact in facts]


async def test_tokens_that_lie_in_the_gateway_are_linked_by_the_next_try(
    api: httpx.AsyncClient, gateway: Gateway, user: str, told: Told, dying: Dying
) -> None:
    async with dying("connections.granted") as victim:
        await victim.post("/v1/connections", json=RUTUBE, headers=KEY)
    assert (await api.get("/v1/connections")).json()["items"] == []
    again = await api.post("/v1/connections", json=RUTUBE, headers=KEY)
    assert again.status_code == 201
    assert gateway.count("store") == 2
    assert kinds(await told(user)) == ["PlatformConnected.v1"]


async def test_a_link_that_was_not_answered_is_answered_from_what_was_kept(
    api: httpx.AsyncClient, gateway: Gateway, user: str, told: Told, dying: Dying
) -> None:
    async with dying("connections.linked") as victim:
        await victim.post("/v1/connections", json=RUTUBE, headers=KEY)
    [known] = (await api.get("/v1/connections")).json()["items"]
    again = await api.post("/v1/connections", json=RUTUBE, headers=KEY)
    assert (again.status_code, again.json()["id"]) == (201, known["id"])
    assert again.headers["idempotent-replayed"] == "true"
    assert gateway.count("store") == 1
    assert kinds(await told(user)) == ["PlatformConnected.v1"]


async def test_a_disconnect_that_was_not_answered_is_done(
    api: httpx.AsyncClient, user: str, told: Told, dying: Dying
) -> None:
    path = f"/v1/connections/{(await api.post('/v1/connections', json=RUTUBE)).json()['id']}"
    async with dying("connections.disconnected") as victim:
        await victim.delete(path)
    assert (await api.delete(path)).status_code == 404
    assert kinds(await told(user)) == ["PlatformConnected.v1", "PlatformDisconnected.v1"]


@pytest.fixture
async def channel(bus_url: str) -> AsyncIterator[AbstractChannel]:
    async with await aio_pika.connect(bus_url) as link:
        yield await link.channel()


@pytest.fixture
async def neighbour(bus_url: str, channel: AbstractChannel) -> AsyncIterator[Bus]:
    """Tells facts while nobody is at work on them."""
    async with broker(SecretStr(bus_url), "oauth-gateway") as speaker:
        yield Bus(speaker, await channel.declare_queue(exclusive=True))


@asynccontextmanager
async def killed(environment: dict[str, str], **orders: str) -> AsyncIterator[None]:
    """A worker runs, and carries out its orders: the last of them is its end."""
    folder = Path(environment["FAILPOINTS"])
    for point, action in orders.items():
        (folder / f"bus.{point}").write_text(action)

    async def dead() -> bool:
        return all(list((folder / "fired").glob(f"bus.{point}.*")) for point in orders)

    with process("connections", "worker", settings=environment):
        yield
        await eventually(dead)


async def survived(environment: dict[str, str], channel: AbstractChannel) -> None:
    """The next worker runs until nothing waits for it."""
    settings = Settings.model_validate({name.lower(): one for name, one in environment.items()})
    engine = connect(settings.database_url, NAME)

    async def nothing_waits() -> bool:
        return not await depth(channel, TOKENS) and not await depth(channel, f"{TOKENS}.retry.1s")

    async with worker_lifespan(settings, engine, broker(settings.rabbitmq_url, NAME))(FastAPI()):
        await eventually(nothing_waits)
    assert await nothing_waits()


async def depth(channel: AbstractChannel, name: str) -> int:
    found = await channel.declare_queue(name, passive=True)
    return found.declaration_result.message_count or 0


@pytest.mark.parametrize(
    "orders",
    [
        {"reacted": "kill9"},
        {"reacted": "raise", "retrying": "kill9"},
        {"reacted": "raise", "retried": "kill9"},
    ],
    ids=["reacted", "retrying", "retried"],
)
async def test_a_message_whose_worker_died_takes_effect_once(
    api: httpx.AsyncClient,
    user: str,
    told: Told,
    engine: AsyncEngine,
    environment: dict[str, str],
    channel: AbstractChannel,
    neighbour: Bus,
    orders: dict[str, str],
) -> None:
    linked = (await api.post("/v1/connections", json=RUTUBE)).json()
    message_id = new_id()
    fact = TokenRefreshFailed(
        connection_id=linked["id"],
        platform=Platform.RUTUBE,
        definite=True,
        reason="access_revoked",
        grant_number=1,
    )
    async with killed(environment, **orders):
        await neighbour.tell(fact, message_id=message_id)
    await survived(environment, channel)
    async with engine.connect() as connection:
        query = select(func.count()).where(INBOX.c.message_id == message_id)
        assert (await connection.execute(query)).scalar_one() == 1
    assert kinds(await told(user)) == ["PlatformConnected.v1", "ConnectionExpired.v1"]
    assert await depth(channel, f"{TOKENS}.dead") == 0


async def test_poison_whose_worker_died_is_buried_once(
    environment: dict[str, str], channel: AbstractChannel
) -> None:
    told = await channel.get_exchange(exchange("oauth-gateway"))
    async with killed(environment, burying="kill9"):
        await told.publish(aio_pika.Message(b"poison", message_id="1"), TokenRefreshFailed.type)
    await survived(environment, channel)
    assert await depth(channel, f"{TOKENS}.dead") == 1
