"""The real service over real servers; its neighbour oauth-gateway is a small server of the test."""

import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import aio_pika
import httpx
import pytest
from aio_pika.abc import AbstractQueue
from fastapi import FastAPI
from faststream.rabbit import RabbitBroker
from pydantic import SecretStr
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

import connections
from common.bus import topology
from common.bus.publish import broker, publish
from common.bus.subscription import exchange, queues
from common.contracts.envelope import Envelope, Event
from common.db.engine import connect
from common.ids import new_id
from connections.bus.subscriptions import SUBSCRIPTIONS
from connections.settings import NAME, Settings
from connections.wiring import http_app, worker_lifespan
from platforms.settings import PlatformUrls
from support.gateway import SECRET, Gateway, gateway_app
from support.people import JWT_SECRET, bearer
from support.servers import NewDatabase, NewVhost
from support.serving import serving

MIGRATIONS = Path(connections.__file__).parent / "db/migrations"


@pytest.fixture(scope="session")
def database_url(new_database: NewDatabase) -> str:
    """One database for all tests of this service: every test has users of its own."""
    return new_database(NAME, MIGRATIONS)


@pytest.fixture
def user() -> str:
    """Somebody whom no other test knows."""
    return f"user-{new_id().hex}"


@pytest.fixture
def settings_values(database_url: str, redis_url: str) -> dict[str, Any]:
    """Enough for the `http` process; the bus is named by those who need it."""
    return {
        "database_url": database_url,
        "rabbitmq_url": "amqp://127.0.0.1:1/",
        "redis_url": redis_url,
        "auth_jwt_secret": JWT_SECRET,
        "service_tokens": f"{NAME}={SECRET}",
        "connect_rate": "1000/hour",
    }


@pytest.fixture
async def gateway_url(gateway: Gateway) -> AsyncIterator[str]:
    async with serving(gateway_app(gateway, NAME)) as url:
        yield url


@pytest.fixture
def gateway() -> Gateway:
    """The neighbour: what it was asked, and what it shall answer."""
    return Gateway()


@pytest.fixture
def urls() -> PlatformUrls:
    """All four platforms are switched on; nobody calls them from here."""
    return PlatformUrls(dzen_api_url="http://127.0.0.1:1/dzen")


@pytest.fixture
def new_app(
    settings_values: dict[str, Any], gateway_url: str, urls: PlatformUrls
) -> Callable[..., FastAPI]:
    """Makes the real application, with some settings changed."""

    def make(**changed: Any) -> FastAPI:
        values = settings_values | {"oauth_gateway_url": gateway_url} | changed
        return http_app(Settings(**values), urls)

    return make


@pytest.fixture
async def anonymous(new_app: Callable[..., FastAPI]) -> AsyncIterator[httpx.AsyncClient]:
    """Calls the running service without a token."""
    async with serving(new_app()) as url, httpx.AsyncClient(base_url=url, timeout=30) as client:
        yield client


@pytest.fixture
def api(anonymous: httpx.AsyncClient, user: str) -> httpx.AsyncClient:
    """Calls the running service as `user`, who has the plan pro."""
    anonymous.headers.update(bearer(user))
    return anonymous


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    """The service's database, for looking and for setting the scene."""
    opened = connect(SecretStr(database_url), "test")
    yield opened
    await opened.dispose()


@pytest.fixture
def told(engine: AsyncEngine) -> Callable[[str], Any]:
    """The facts about a user that went into the outbox, oldest first."""

    async def read(user: str) -> list[dict[str, Any]]:
        query = "SELECT body FROM outbox WHERE body->'data'->>'user_id' = :user ORDER BY id"
        async with engine.connect() as connection:
            found = await connection.execute(text(query), {"user": user})
            return [body for (body,) in found]

    return read


class Bus:
    """Speaks to the running worker as its neighbours do, and listens to what it tells."""

    def __init__(self, own: RabbitBroker, ears: AbstractQueue) -> None:
        self._broker = own
        self._ears = ears
        self._heard: list[dict[str, Any]] = []

    async def heard(self) -> list[dict[str, Any]]:
        """Every fact that came so far."""
        while message := await self._ears.get(no_ack=True, fail=False):
            self._heard.append(json.loads(message.body))
        return self._heard

    async def tell(self, event: Event, *, version: int = 1, message_id: UUID | None = None) -> None:
        """Publish a fact on the exchange of the service that tells it."""
        envelope = Envelope(
            id=message_id or new_id(),
            source=event.source,
            type=event.type,
            subject=event.subject,
            time=datetime.now(UTC),
            data=event.model_dump(mode="json"),
            aggregateversion=version,
        )
        body = envelope.model_dump(mode="json", exclude_none=True)
        await publish(
            self._broker,
            exchange(event.source),
            event.routing_key,
            body,
            message_id=str(envelope.id),
        )


@pytest.fixture
async def bus_url(new_vhost: NewVhost) -> str:
    """A vhost with this service's exchanges and queues."""
    url = new_vhost()
    own = queues(NAME, SUBSCRIPTIONS, Settings.model_fields["bus_retry_delays"].default)
    await topology.declare(SecretStr(url), NAME, own)
    return url


@pytest.fixture
async def bus(
    bus_url: str, settings_values: dict[str, Any], database_url: str
) -> AsyncIterator[Bus]:
    """The bus, with this service's worker at work on it."""
    settings = Settings(**settings_values | {"rabbitmq_url": bus_url})
    worker = worker_lifespan(
        settings,
        connect(SecretStr(database_url), NAME),
        broker(settings.rabbitmq_url, NAME),
    )
    async with await aio_pika.connect(bus_url) as listener:
        ears = await (await listener.channel()).declare_queue(exclusive=True)
        await ears.bind(exchange(NAME), "#")
        async with broker(settings.rabbitmq_url, "test") as speaker, worker(FastAPI()):
            yield Bus(speaker, ears)
