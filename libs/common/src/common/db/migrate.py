"""Alembic for every service: the same environment, one history and version table each."""

import asyncio
from pathlib import Path

from alembic import command, context
from alembic.config import Config
from pydantic import SecretStr
from sqlalchemy import Connection, MetaData, pool, text
from sqlalchemy.ext.asyncio import create_async_engine

from common.db.engine import async_url

LOCK = 0x636C6970  # "clip": two deployments migrating at once wait for each other


def upgrade(folder: Path, url: SecretStr, revision: str = "head") -> None:
    """Bring the database to `revision`; does nothing when it is there already."""
    command.upgrade(_config(folder, url), revision)


def downgrade(folder: Path, url: SecretStr, revision: str) -> None:
    """Undo down to `revision` (`base` for all)."""
    command.downgrade(_config(folder, url), revision)


def run_environment(metadata: MetaData) -> None:
    """What each service's migrations/env.py calls."""
    asyncio.run(_online(context.config.attributes["url"], metadata))


def _config(folder: Path, url: SecretStr) -> Config:
    config = Config()
    config.set_main_option("script_location", str(folder))
    config.attributes["url"] = async_url(url)
    return config


async def _online(url: str, metadata: MetaData) -> None:
    engine = create_async_engine(url, poolclass=pool.NullPool)
    async with engine.connect() as connection:
        await connection.execute(text(f"SELECT pg_advisory_lock({LOCK})"))
        await connection.commit()
        await connection.run_sync(_migrate, metadata)
        await connection.commit()
    await engine.dispose()


def _migrate(connection: Connection, metadata: MetaData) -> None:
    context.configure(connection=connection, target_metadata=metadata, compare_type=True)
    with context.begin_transaction():
        context.run_migrations()
