"""Publisher over real servers: one database a run, people and connections of each test's own."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncEngine

import publisher
from common.clock import SystemClock
from common.db.engine import connect
from common.ids import new_id
from publisher.media.links import Links
from publisher.media.opening import Opening
from publisher.media.parts import Files
from publisher.media.remote import Remote
from publisher.media.store import open_store
from publisher.settings import PublisherSettings
from publisher.wiring import http_app
from support.people import JWT_SECRET
from support.servers import NewDatabase, NewVhost, truncate
from support.serving import serving

from .lab import Lab
from .neighbours import Neighbours
from .person import TLS, Person, person
from .running import new_bus, process_settings
from .scripted import Scripted

MIGRATIONS = Path(publisher.__file__).parent / "db/migrations"
CLIP = Path(__file__).parents[3] / "deploy/local/clip.mp4"
SERVICE_SECRET = "9b1f4c7ae2d05836c4e8a1b39d7f6205"
LINK_SECRET = "0a1b2c3d4e5f60718293a4b5c6d7e8f9"


@pytest.fixture(scope="session")
def database_url(new_database: NewDatabase) -> str:
    """One database for all tests of this service: every test has users of its own."""
    return new_database("publisher", MIGRATIONS)


@pytest.fixture(scope="session")
async def db(database_url: str) -> AsyncIterator[AsyncEngine]:
    opened = connect(SecretStr(database_url), "test")
    yield opened
    await opened.dispose()


@pytest.fixture
async def empty_db(db: AsyncEngine, database_url: str) -> AsyncEngine:
    """For whatever takes all that is due: nobody else's rows are there."""
    await truncate(
        database_url, "publications", "timeline", "connections", "plans", "outbox", "inbox"
    )
    return db


@pytest.fixture
def user() -> str:
    """Somebody whom no other test knows."""
    return f"user-{new_id().hex}"


@pytest.fixture
def media_store(tmp_path: Path) -> Path:
    return tmp_path / "media"


@pytest.fixture
def opening(media_store: Path) -> Opening:
    """Opens the files of publications."""
    files = Files(open_store(f"file:{media_store}"), Remote(()))
    return Opening(files, Links("http://clipcast.test", SecretStr(LINK_SECRET), SystemClock()))


@pytest.fixture
def platform() -> Scripted:
    """A platform without steps yet."""
    return Scripted()


@pytest.fixture
def lab(db: AsyncEngine, opening: Opening, platform: Scripted) -> Lab:
    return Lab(db, opening, platform.adapter())


@pytest.fixture(scope="session")
def clip() -> bytes:
    return CLIP.read_bytes()


@pytest.fixture(scope="session")
def settings_values(
    database_url: str, redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    """Enough for the `http` process: no bus, and platforms that nobody calls."""
    return {
        "database_url": database_url,
        "rabbitmq_url": "amqp://127.0.0.1:1/",
        "redis_url": redis_url,
        "auth_jwt_secret": JWT_SECRET,
        "service_tokens": f"publisher={SERVICE_SECRET}",
        "media_link_secret": LINK_SECRET,
        "media_store_url": f"file:{tmp_path_factory.mktemp('media')}",
        "dzen_api_url": "http://127.0.0.1:1/dzen",
        "publish_rate": "10000/minute",
    }


@pytest.fixture
async def bus_url(new_vhost: NewVhost) -> str:
    return await new_bus(new_vhost)


@pytest.fixture
async def telegram() -> Neighbours:
    """Telegram, which answers once it is let, and the vault."""
    return Neighbours()


@pytest.fixture
async def environment(
    bus_url: str, telegram: Neighbours, settings_values: dict[str, Any], empty_db: AsyncEngine
) -> AsyncIterator[dict[str, str]]:
    """A real process's settings; nothing is due."""
    assert empty_db
    async with serving(telegram.app()) as url:
        yield process_settings(settings_values, bus_url, url)
        telegram.go.set()


@pytest.fixture(scope="session")
def new_app(settings_values: dict[str, Any]) -> Callable[..., FastAPI]:
    """Makes the real application, with some settings changed."""

    def make(**changed: Any) -> FastAPI:
        return http_app(PublisherSettings(**settings_values | changed))

    return make


@pytest.fixture(scope="session")
async def service_url(new_app: Callable[..., FastAPI]) -> AsyncIterator[str]:
    """The running gateway."""
    async with serving(new_app()) as url:
        yield url


@pytest.fixture
async def anonymous(service_url: str) -> AsyncIterator[httpx.AsyncClient]:
    """Calls it without a token."""
    async with httpx.AsyncClient(
        base_url=service_url, timeout=30, trust_env=False, verify=TLS
    ) as client:
        yield client


@pytest.fixture
async def me(service_url: str, user: str, lab: Lab, clip: bytes) -> AsyncIterator[Person]:
    """Somebody with the plan pro and no accounts yet."""
    async with person(service_url, user, lab, clip) as found:
        yield found


@pytest.fixture
async def stranger(service_url: str, user: str, lab: Lab, clip: bytes) -> AsyncIterator[Person]:
    """Somebody else."""
    async with person(service_url, f"{user}-2", lab, clip) as found:
        yield found
