"""The questions that /readyz asks of each dependency."""

import asyncio
from typing import Any

from faststream.rabbit import RabbitBroker
from redis.asyncio import Redis
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from common.http.health import Check


def database(engine: AsyncEngine) -> Check:
    """One round trip."""

    async def check() -> str:
        async with engine.connect() as connection:
            await connection.execute(text("SELECT 1"))
        return "postgresql"

    return check


def cache(redis: "Redis") -> Check:
    """One round trip."""

    async def check() -> str:
        answer: Any = redis.ping()
        await answer
        return "redis"

    return check


def bus(broker: RabbitBroker, exchange: str) -> Check:
    """A passive declare: `ping()` reads a local flag for up to minutes (stack.md C11)."""

    async def check() -> str:
        async with asyncio.timeout(2):
            connection: Any = broker._connection  # noqa: SLF001 - FastStream has no public way to it
            channel = await connection.channel()
            try:
                await channel.get_exchange(exchange, ensure=True)
            finally:
                await channel.close()
        return "rabbitmq"

    return check
