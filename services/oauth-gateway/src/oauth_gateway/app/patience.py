"""How long a platform may take while a person or another service waits for us."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from platforms.errors import Unavailable

CALL_SECONDS = 20.0


@asynccontextmanager
async def patience(seconds: float = CALL_SECONDS) -> AsyncIterator[None]:
    """Raises Unavailable when the calls inside take longer altogether."""
    try:
        async with asyncio.timeout(seconds) as deadline:
            yield
    except TimeoutError:
        if not deadline.expired():
            raise
        raise Unavailable(note="too slow") from None
