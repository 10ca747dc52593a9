"""The queries over files that users put into the media store; each is a transaction of its own."""

from dataclasses import asdict
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncEngine

from publisher.db.tables import media, publications
from publisher.media.ports import MediaRecord, MediaRef


class MediaRows:
    """media.ports.MediaBook and media.ports.Publications over PostgreSQL."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def add(self, record: MediaRecord) -> None:
        """Remember an upload."""
        async with self._engine.begin() as connection:
            await connection.execute(upsert(media).values(asdict(record)).on_conflict_do_nothing())

    async def find(self, key: str, user: str) -> MediaRecord | None:
        """The upload, when it belongs to this user."""
        wanted = select(media).where(media.c.key == key, media.c.user_id == user)
        async with self._engine.connect() as connection:
            row = (await connection.execute(wanted)).mappings().first()
        return MediaRecord(**row) if row else None

    async def media_of(self, publication_id: UUID) -> MediaRef | None:
        """The file of a publication, whoever owns it."""
        wanted = select(publications.c.media).where(publications.c.id == publication_id)
        async with self._engine.connect() as connection:
            value = (await connection.execute(wanted)).scalar_one_or_none()
        return MediaRef.from_json(value) if value else None
