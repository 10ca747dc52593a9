"""Publisher over real servers: one database a run, people and connections of each test's own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import text
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
from support.servers import NewDatabase

from .lab import Lab
from .scripted import Scripted

MIGRATIONS = Path(publisher.__file__).parent / "db/migrations"
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
async def empty_db(db: AsyncEngine) -> AsyncEngine:
    """For whatever takes all that is due: nobody else's rows are there."""
    async with db.begin() as connection:
        await connection.execute(
            text("TRUNCATE publications, timeline, connections, plans, outbox, inbox")
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
