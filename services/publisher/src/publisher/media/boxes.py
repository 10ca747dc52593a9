"""Walks the boxes of an ISO media file by small reads; a hostile file can't make it work long.

Nothing is allocated by a size that the file tells: a read is one window at most, and windows and
boxes are counted. (ISO/IEC 14496-12 §4.2; QuickTime is the same here.)
"""

import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import NamedTuple

from publisher.media.errors import NotVideo

Read = Callable[[int, int], Awaitable[bytes]]
"""`read(offset, length)`: fewer bytes only at the end of the file."""
WINDOW = 32 * 1024
MAX_WINDOWS = 256
MAX_BOXES = 4096


class Box(NamedTuple):
    """One box: where its content begins and where it ends."""

    kind: bytes
    start: int
    end: int


class Boxes:
    """The boxes of one file of `size` bytes."""

    def __init__(self, read: Read, size: int) -> None:
        self._read = read
        self._size = size
        self._window = b""
        self._at = 0
        self._windows = 0
        self._boxes = 0

    def top(self) -> AsyncIterator[Box]:
        """The boxes of the file itself."""
        return self._walk(0, self._size, last_may_be_open=True)

    def children(self, parent: Box) -> AsyncIterator[Box]:
        """The boxes inside a box."""
        return self._walk(parent.start, parent.end)

    async def child(self, parent: Box, kind: bytes) -> Box | None:
        """The first box of this kind inside a box."""
        async for box in self.children(parent):
            if box.kind == kind:
                return box
        return None

    async def content(self, box: Box, most: int) -> bytes:
        """The first bytes of a box; fewer than `most` when it is shorter."""
        return await self._bytes(box.start, min(most, box.end - box.start))

    async def _walk(
        self, at: int, end: int, *, last_may_be_open: bool = False
    ) -> AsyncIterator[Box]:
        while end - at >= 8:
            self._boxes += 1
            if self._boxes > MAX_BOXES:
                raise NotVideo("too many boxes")
            header = await self._bytes(at, min(16, end - at))
            size, kind = struct.unpack_from(">I4s", header)
            start = at + 8
            if size == 1:
                if len(header) < 16:
                    raise NotVideo("a box is cut short")
                (size,) = struct.unpack_from(">Q", header, 8)
                start = at + 16
            elif size == 0 and last_may_be_open:
                size = end - at
            if at + size < start:
                raise NotVideo("a box is smaller than its header")
            if at + size > end:
                raise NotVideo("a box is cut short")
            yield Box(kind, start, at + size)
            at += size

    async def _bytes(self, at: int, length: int) -> bytes:
        if not self._at <= at <= at + length <= self._at + len(self._window):
            self._windows += 1
            if self._windows > MAX_WINDOWS:
                raise NotVideo("too scattered")
            self._window = await self._read(at, min(WINDOW, self._size - at))
            self._at = at
        data = self._window[at - self._at : at - self._at + length]
        if len(data) != length:
            raise NotVideo("the file is cut short")
        return data
