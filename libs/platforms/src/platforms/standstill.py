"""Notices an upload that stands still: the file gives nothing, or nobody takes what was sent."""

import asyncio
import socket
from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import timedelta


class FileTimeout(Exception):
    """The file that is being sent gives no next piece."""


async def in_time(
    pieces: AsyncGenerator[bytes, None], patience: timedelta
) -> AsyncGenerator[bytes, None]:
    """The same pieces. Raises FileTimeout when one of them does not come in time."""
    async with aclosing(pieces):
        while True:
            try:
                async with asyncio.timeout(patience.total_seconds()) as waiting:
                    piece = await anext(pieces, None)
            except TimeoutError:
                if not waiting.expired():
                    raise
                raise FileTimeout("no next piece") from None
            if piece is None:
                return
            yield piece


def unconfirmed(patience: timedelta) -> tuple[int, int, int]:
    """The option of a socket that ends it when the other side has not taken what we sent for so
    long. The last pieces of an upload, or all of a small one, lie in the system's buffers, where
    no write waits for them."""
    milliseconds = round(patience.total_seconds() * 1000)
    return socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, milliseconds
