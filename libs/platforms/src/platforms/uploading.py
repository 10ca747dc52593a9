"""An upload under way. Its pieces are handed over in a task of its own: an answer that comes early
may end that, but never in the middle of telling the progress."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from datetime import timedelta

from common.outbound import Broken
from platforms.bodies import Body
from platforms.standstill import in_time
from platforms.trail import Trail

Take = Callable[[bytes], Awaitable[None]]
"""Returns when the network has room for the next piece. Raises Broken."""


class Upload:
    """Sends a body once. `patience` is how long its file may take for a piece, and the network for
    taking it in."""

    def __init__(self, body: Body, trail: Trail, patience: timedelta) -> None:
        self.content_type = body.content_type
        self.length = body.length
        self._body, self._trail, self._patience = body, trail, patience
        self._sending: asyncio.Task[None] | None = None

    async def send(self, take: Take) -> None:
        """Hand everything over. Raises Broken, and what the file raises."""
        self._sending = asyncio.create_task(self._send(take))
        await asyncio.shield(self._sending)

    async def _send(self, take: Take) -> None:
        left = self.length
        body = self._body.stream(self._trail.completed)
        async with aclosing(in_time(body, self._patience)) as pieces:
            async for piece in pieces:
                left -= len(piece)
                if left < 0:
                    raise Broken("more than announced")
                await self._hand(piece, take)
        if left:
            raise Broken("less than announced")

    async def _hand(self, piece: bytes, take: Take) -> None:
        try:
            async with asyncio.timeout(self._patience.total_seconds()):
                await take(piece)
        except TimeoutError:
            raise Broken("WriteTimeout") from None

    async def finish(self) -> None:
        """Wait for the rest after an answer, which may overtake the last progress."""
        if self._sending:
            await asyncio.wait({self._sending})

    async def stop(self) -> BaseException | None:
        """Send nothing more. Returns what had ended it before, if something had."""
        if self._sending is None:
            return None
        self._sending.cancel()
        await asyncio.wait({self._sending})
        return None if self._sending.cancelled() else self._sending.exception()
