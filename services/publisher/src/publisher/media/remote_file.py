"""One remote file, open: every answer must be about the file that was opened."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass

import httpx

from publisher.media.answers import checked, failures_told
from publisher.media.errors import MediaChanged, MediaRefused, MediaUnavailable
from publisher.media.pieces import PIECE, ahead
from publisher.media.ports import Head


@dataclass(frozen=True, slots=True)
class Patience:
    """How long is waited, in seconds. A host that drips slower than 17 KB/s is given up."""

    opening: float = 30
    piece: float = 60


@dataclass(frozen=True, slots=True)
class Route:
    """How the file is reached: by a vetted address, under its own name."""

    client: httpx.AsyncClient
    url: httpx.URL
    address: str
    patience: Patience

    async def get(self, start: int, stop: int) -> httpx.Response:
        """Ask for the bytes from `start` up to `stop` (exclusive); the body is not read yet."""
        request = self.client.build_request(
            "GET",
            self.url.copy_with(host=self.address),
            headers={
                "Host": self.url.netloc.decode(),
                "Range": f"bytes={start}-{stop - 1}",
                "Accept": "*/*",
                "Accept-Encoding": "identity",
                "User-Agent": "clipcast",
            },
            extensions={"sni_hostname": self.url.raw_host.decode().strip("[]")},
        )
        return await self.client.send(request, stream=True)


class RemoteFile:
    """A file on an allowed host; see `Opened`."""

    def __init__(self, route: Route, head: Head) -> None:
        self._route = route
        self.head = head

    async def read(self, offset: int, length: int) -> bytes:
        """See `Opened`."""
        async with aclosing(self._get(offset, offset + length)) as pieces:
            return b"".join([piece async for piece in pieces])

    def pieces(self, start: int, stop: int) -> AsyncGenerator[bytes, None]:
        """See `Opened`."""
        return ahead(self._get(start, stop))

    async def _get(self, start: int, stop: int) -> AsyncGenerator[bytes, None]:
        stop = min(stop, self.head.size)
        if stop <= start:
            return
        patience = self._route.patience.piece
        with failures_told():
            async with asyncio.timeout(patience):
                answer = await self._route.get(start, stop)
        async with aclosing(answer):
            part = checked(answer, start, stop)
            if part.head != self.head:
                raise MediaChanged("another size or tag")
            left = part.length
            body = answer.aiter_raw(PIECE)
            while (piece := await _next(body, patience)) is not None:
                left -= len(piece)
                if left < 0:
                    raise MediaRefused("a longer body than was said")
                yield piece
            if left:
                raise MediaUnavailable("the body was cut short")


async def _next(body: AsyncIterator[bytes], patience: float) -> bytes | None:
    with failures_told():
        async with asyncio.timeout(patience):
            return await anext(body, None)
