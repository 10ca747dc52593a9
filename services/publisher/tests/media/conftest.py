"""The media part over real files and real sockets; its rows live in dicts here."""

import os
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from common.auth.callers import Verifier
from common.http import problems
from publisher.http.media import router
from publisher.media.folder import Folder
from publisher.media.links import Links
from publisher.media.parts import Files, MediaParts
from publisher.media.ports import MediaRecord, MediaRef
from publisher.media.remote import Remote
from publisher.media.store import MediaStore
from support.people import JWT_SECRET
from support.serving import serving

CLIP = Path(__file__).parents[4] / "deploy/local/clip.mp4"
LINK_SECRET = SecretStr("0a1b2c3d4e5f60718293a4b5c6d7e8f9")
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@dataclass
class StillClock:
    """A clock that a test sets."""

    at: datetime = NOW

    def now(self) -> datetime:
        return self.at


@dataclass
class Rows:
    """What the database remembers."""

    uploads: dict[str, MediaRecord] = field(default_factory=dict)
    publications: dict[UUID, MediaRef] = field(default_factory=dict)
    down: bool = False

    async def add(self, record: MediaRecord) -> None:
        if self.down:
            raise ConnectionRefusedError
        self.uploads[record.key] = record

    async def find(self, key: str, user: str) -> MediaRecord | None:
        record = self.uploads.get(key)
        return record if record and record.user_id == user else None

    async def media_of(self, publication_id: UUID) -> MediaRef | None:
        return self.publications.get(publication_id)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def clip() -> bytes:
    return CLIP.read_bytes()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "media"


@pytest.fixture
def rows() -> Rows:
    return Rows()


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


@pytest.fixture
def parts(root: Path, rows: Rows, clock: StillClock) -> MediaParts:
    return MediaParts(
        files=Files(MediaStore(Folder(root)), Remote(())),
        book=rows,
        publications=rows,
        links=Links("http://clipcast.test", LINK_SECRET, clock),
        clock=clock,
        max_bytes=4 * 1024 * 1024,
    )


@pytest.fixture
async def gateway(parts: MediaParts) -> AsyncIterator[httpx.AsyncClient]:
    """The media routes on a real socket."""
    app = FastAPI()
    problems.install(app)
    app.include_router(router)
    app.state.media = parts
    app.state.verifier = Verifier(secret=SecretStr(JWT_SECRET), jwks_url=None, issuer=None)
    async with serving(app) as url, httpx.AsyncClient(base_url=url, trust_env=False) as client:
        yield client


@pytest.fixture
def left(root: Path) -> Callable[[], list[str]]:
    """Every file that lies in the store, drafts included."""

    def look() -> list[str]:
        return sorted(
            str(Path(folder, name).relative_to(root))
            for folder, _, names in os.walk(root)
            for name in names
        )

    return look
