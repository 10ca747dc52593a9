"""The queries over files that users put into the media store; each is a transaction of its own."""

from dataclasses import asdict
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, bindparam, select, type_coerce
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.types import NullType

from common.db.statement import Statement
from publisher.db.tables import media, publications
from publisher.media.ports import MediaRecord, MediaRef

DURATION: ColumnElement[Any] = type_coerce(media.c.duration, NullType()).label("duration")
"""As the driver reads it: to be sure of a float, SQLAlchemy would have to ask what it is."""
UPLOAD = Statement(
    select(*(column for column in media.c if column is not media.c.duration), DURATION).where(
        media.c.key == bindparam("one"), media.c.user_id == bindparam("user")
    )
)


class MediaRows:
    """media.ports.MediaBook and media.ports.Publications over PostgreSQL."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._reading = engine.execution_options(isolation_level="AUTOCOMMIT")

    async def add(self, record: MediaRecord) -> None:
        """Remember an upload."""
        async with self._engine.begin() as connection:
            await connection.execute(upsert(media).values(asdict(record)).on_conflict_do_nothing())

    async def find(self, key: str, user: str) -> MediaRecord | None:
        """The upload, when it belongs to this user."""
        async with self._reading.connect() as connection:
            rows = await UPLOAD.run(connection, {"one": key, "user": user})
        return MediaRecord(**rows[0]) if rows else None

    async def media_of(self, publication_id: UUID) -> MediaRef | None:
        """The file of a publication, whoever owns it."""
        wanted = select(publications.c.media).where(publications.c.id == publication_id)
        async with self._reading.connect() as connection:
            value = (await connection.execute(wanted)).scalar_one_or_none()
        return MediaRef.from_json(value) if value else None
