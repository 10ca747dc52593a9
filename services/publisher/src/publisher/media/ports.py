"""What media is to the rest of the service, and what it needs from it."""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Protocol, Self
from uuid import UUID


@dataclass(frozen=True, slots=True)
class MediaRecord:
    """One uploaded file: a row of the media table."""

    key: str
    user_id: str
    name: str
    bytes: int
    sha256: str
    etag: str
    duration: float
    width: int
    height: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class MediaRef:
    """The file a publication was accepted with; lives as JSON on the publication's row.

    Either `key` (in the store) or `url` (on an allowed host) is set. `sha256` is known for files
    that were uploaded through us. `etag` is None where a remote host tells nothing that changes
    with the bytes.
    """

    key: str | None
    url: str | None
    name: str
    bytes: int
    sha256: str | None
    etag: str | None
    duration: float
    width: int
    height: int

    @property
    def source(self) -> str:
        """What names the file: for signing, never for showing."""
        return f"key:{self.key}" if self.key is not None else f"url:{self.url}"

    def to_json(self) -> dict[str, Any]:
        """The row's value."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """The reverse of `to_json`. Fields that a later version added are left aside."""
        return cls(**{name: value[name] for name in cls.__dataclass_fields__})


class MediaBook(Protocol):
    """The uploaded files of everybody."""

    async def add(self, record: MediaRecord) -> None:
        """Remember an upload."""
        ...

    async def find(self, key: str, user: str) -> MediaRecord | None:
        """The upload, when it belongs to this user."""
        ...


class Publications(Protocol):
    """What a link leads to."""

    async def media_of(self, publication_id: UUID) -> MediaRef | None:
        """The file of a publication, whoever owns it."""
        ...


@dataclass(frozen=True, slots=True)
class Head:
    """What is known about a file before it is read.

    `etag` changes when the bytes change: an entity tag, or else the Last-Modified line.
    """

    size: int
    etag: str | None
    modified: datetime | None


class Opened(Protocol):
    """A file open for reading. Every read raises MediaChanged when it is no longer `head`'s."""

    @property
    def head(self) -> Head:
        """As it was when opened."""
        ...

    async def read(self, offset: int, length: int) -> bytes:
        """These bytes; fewer only where the file ends."""
        ...

    def pieces(self, start: int, stop: int) -> AsyncGenerator[bytes, None]:
        """The bytes from `start` up to `stop` (exclusive) in pieces of 1 MiB."""
        ...
