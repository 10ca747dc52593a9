"""The pause between two rounds of a loop, which ends at once when the process is told to stop."""

import asyncio
from contextlib import suppress


async def rest(seconds: float, stop: asyncio.Event) -> None:
    """Wait so long, or until `stop` is set."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stop.wait()
