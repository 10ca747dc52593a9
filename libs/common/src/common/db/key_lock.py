"""Holds an idempotency key longer than a transaction: PostgreSQL's session lock.

For requests that use the network between two transactions. A crash leaves nothing behind: the
server lets go of the lock when the connection ends.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncEngine


def lock_number(user: str, route: str, key: str) -> ColumnElement[int]:
    """The number that stands for a key among PostgreSQL's advisory locks."""
    return func.hashtextextended(f"{user}\n{route}\n{key}", 0)


@asynccontextmanager
async def hold(engine: AsyncEngine, user: str, route: str, key: str) -> AsyncIterator[bool]:
    """False when somebody else holds it. Takes a pooled connection, but opens no transaction."""
    number = lock_number(user, route, key)
    async with engine.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        taken = select(func.pg_try_advisory_lock(number))
        held = bool((await connection.execute(taken)).scalar_one())
        try:
            yield held
        finally:
            if held:
                try:
                    await connection.execute(select(func.pg_advisory_unlock(number)))
                except BaseException:
                    await connection.invalidate()  # never back into the pool with the lock on it
                    raise
