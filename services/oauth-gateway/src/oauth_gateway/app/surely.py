"""Commit the only copy of something: a database that restarts is waited for."""

import asyncio
from collections.abc import Awaitable, Callable

from common.observe import logs

TRIES = 20
Commit = Callable[[], Awaitable[bool]]
log = logs.get(__name__)


async def surely(commit: Commit) -> bool:
    """What `commit` answers, once it can. Raises what it raised last."""
    for left in reversed(range(TRIES)):
        try:
            return await commit()
        except Exception as error:
            if not left:
                raise
            log.warning("token_store_retry", error=type(error).__name__)
            await asyncio.sleep(1)
    raise AssertionError
