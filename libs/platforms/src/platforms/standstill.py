"""How long a call may stand still, and how an upload is seen to: the file gives nothing, or nobody
takes what was sent."""

import asyncio
import socket
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long each phase may stand still; the whole call has its own deadline. For the answer to
    an upload only the deadline counts.

    `write` is an upload's time without progress: so long may the file take for its next piece, the
    platform for taking a piece in, and the network for confirming what is under way.
    """

    connect: timedelta = timedelta(seconds=5)
    read: timedelta = timedelta(seconds=30)
    write: timedelta = timedelta(seconds=30)
    pool: timedelta = timedelta(seconds=10)


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
