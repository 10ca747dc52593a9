"""One engine a process, with limits that a frozen server can't outlast (stack.md §6)."""

import json
from typing import Any

from pydantic import SecretStr
from sqlalchemy import event
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

COMMAND_SECONDS = 10
CONNECT_SECONDS = 3


def async_url(url: SecretStr) -> str:
    """The same address with the asyncpg driver named."""
    text = url.get_secret_value()
    return text.replace("postgresql://", "postgresql+asyncpg://", 1)


def plain_url(url: SecretStr) -> str:
    """The address as asyncpg itself takes it."""
    return url.get_secret_value().replace("postgresql+asyncpg://", "postgresql://", 1)


def dumps(value: Any) -> str:  # noqa: ANN401 - any JSON value
    """How JSON columns are written."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)


def connect(url: SecretStr, service: str, *, size: int = 10) -> AsyncEngine:
    """An engine whose errors never show parameters (they hold people's texts)."""
    engine = create_async_engine(
        async_url(url),
        pool_size=size,
        max_overflow=size,
        pool_timeout=COMMAND_SECONDS,
        hide_parameters=True,
        json_serializer=dumps,
        connect_args={
            "timeout": CONNECT_SECONDS,
            "command_timeout": COMMAND_SECONDS,
            "max_cacheable_statement_size": 0,  # the longest are those planned for the longest
            "server_settings": {
                "application_name": service,
                "timezone": "UTC",
                # A process that froze in a transaction, or whose machine is gone, would keep
                # its rows locked for hours. None of ours waits for anything inside of one.
                "idle_in_transaction_session_timeout": f"{COMMAND_SECONDS}s",
            },
        },
    )
    event.listen(engine.sync_engine, "checkout", _still_open)
    return engine


def _still_open(connection: Any, _record: object, _proxy: object) -> None:  # noqa: ANN401 - the dialect's own
    """A server that went away has closed its connections, which the driver knows: to ask each time
    (`pool_pre_ping`) would cost three more round trips a transaction."""
    if connection.driver_connection.is_closed():
        raise InvalidatePoolError
