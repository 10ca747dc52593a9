"""A file going out: closed whatever happens, and never ended as if it were whole when it is not."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, aclosing

from fastapi.responses import Response
from starlette.types import Receive, Scope, Send

from common.observe import logs
from publisher.media.errors import MediaError

log = logs.get(__name__)


class Sending(Response):
    """Sends `pieces`, then closes them and what they are read from (`held`).

    Starlette's own streaming cancels the reading task from outside when the client hangs up, in
    the middle of its cleaning up too; here the reader looks up between two pieces.
    """

    def __init__(
        self,
        pieces: AsyncGenerator[bytes, None],
        held: AsyncExitStack,
        *,
        status: int,
        headers: Mapping[str, str],
    ) -> None:
        super().__init__(None, status, headers, media_type="video/mp4")
        self._pieces = pieces
        self._held = held

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        """Send it all, unless the client goes or the file breaks off."""
        gone = asyncio.create_task(_hung_up(receive))
        try:
            async with self._held, aclosing(self._pieces):
                await self._send(send, gone)
        except MediaError as error:
            # The head is out: returning now makes the server drop the connection, so that
            # nobody takes the part that was sent for the whole.
            log.warning("media_broke_off", error=type(error).__name__, why=error.why)
        finally:
            gone.cancel()

    async def _send(self, send: Send, gone: asyncio.Task[None]) -> None:
        await send(
            {
                "type": "http.response.start",
                "status": self.status_code,
                "headers": self.raw_headers,
            }
        )
        async for piece in self._pieces:
            if gone.done():
                return
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _hung_up(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
