"""Alembic for every service: the same environment, one history and version table each."""

import asyncio
from pathlib import Path

from alembic import command, context
from alembic.config import Config
from alembic.script.revision import ResolutionError
from alembic.util import CommandError
from pydantic import SecretStr
from sqlalchemy import Connection, MetaData, make_url, pool, text
from sqlalchemy.ext.asyncio import create_async_engine

from common.db import rights
from common.db.engine import async_url
from common.observe import logs

HEAD = "head"
LOCK = 0x636C6970  # "clip": two deployments migrating at once wait for each other

log = logs.get(__name__)


def upgrade(
    folder: Path, url: SecretStr, revision: str = HEAD, *, user: SecretStr | None = None
) -> None:
    """Bring the database to `revision`; does nothing when it is there already.

    `url` is that of the tables' owner, `user` that of the role the service works as.
    """
    try:
        command.upgrade(_config(folder, url, user), revision)
    except CommandError as error:
        # A former build was put back: it works on the newer tables, and must not undo them.
        if revision != HEAD or not isinstance(error.__cause__, ResolutionError):
            raise
        log.warning("database_is_newer", database=make_url(url.get_secret_value()).database)


def downgrade(
    folder: Path, url: SecretStr, revision: str, *, user: SecretStr | None = None
) -> None:
    """Undo down to `revision` (`base` for all)."""
    command.downgrade(_config(folder, url, user), revision)


def run_environment(metadata: MetaData) -> None:
    """What each service's migrations/env.py calls."""
    attributes = context.config.attributes
    asyncio.run(_online(attributes["url"], attributes["role"], metadata))


def _config(folder: Path, url: SecretStr, user: SecretStr | None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(folder))
    owner, role = _role(url), _role(user or url)
    config.attributes |= {"url": async_url(url), "role": None if role == owner else role}
    return config


def _role(url: SecretStr) -> str | None:
    return make_url(url.get_secret_value()).username


async def _online(url: str, role: str | None, metadata: MetaData) -> None:
    # A migration may take longer than what a service's role is allowed for one statement.
    unhurried = {"server_settings": {"statement_timeout": "0"}}
    engine = create_async_engine(url, poolclass=pool.NullPool, connect_args=unhurried)
    async with engine.connect() as connection:
        await connection.execute(text(f"SELECT pg_advisory_lock({LOCK})"))
        await connection.commit()
        await connection.run_sync(_migrate, role, metadata)
        await connection.commit()
    await engine.dispose()


def _migrate(connection: Connection, role: str | None, metadata: MetaData) -> None:
    context.configure(connection=connection, target_metadata=metadata, compare_type=True)
    with context.begin_transaction():
        context.run_migrations()
        if role is not None:
            rights.grant(connection, role)
