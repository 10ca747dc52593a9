"""Moving a file along in pieces of 1 MiB, so that memory does not grow with it."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import ParamSpec, TypeVar

PIECE = 1024 * 1024
"""Smaller pieces cost two to three times the CPU, larger ones are slower and fatter."""

P = ParamSpec("P")
T = TypeVar("T")


async def regroup(chunks: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
    """The same bytes in whole pieces; the last one may be shorter."""
    waiting = bytearray()
    async for chunk in chunks:
        waiting += chunk
        while len(waiting) >= PIECE:
            yield bytes(waiting[:PIECE])
            del waiting[:PIECE]
    if waiting:
        yield bytes(waiting)


async def ahead(pieces: AsyncGenerator[T, None]) -> AsyncGenerator[T, None]:
    """The same pieces, the next one being fetched while the present one is used."""

    async def following() -> T | None:
        return await anext(pieces, None)

    upcoming = asyncio.create_task(following())
    try:
        while (piece := await upcoming) is not None:
            upcoming = asyncio.create_task(following())
            yield piece
    finally:
        upcoming.cancel()
        await asyncio.gather(upcoming, return_exceptions=True)
        await pieces.aclose()


async def by_blocks(
    read: Callable[[int, int], Awaitable[bytes | memoryview]],
    start: int,
    stop: int,
    block: int = PIECE,
) -> AsyncGenerator[bytes, None]:
    """Pieces of what `read(offset, length)` gives, asked for a block at a time, one ahead."""

    async def blocks() -> AsyncGenerator[bytes | memoryview, None]:
        for offset in range(start, stop, block):
            yield await read(offset, min(block, stop - offset))

    reading = ahead(blocks())
    try:
        async for data in reading:
            for at in range(0, len(data), PIECE):
                yield bytes(data[at : at + PIECE])
    finally:
        await reading.aclose()


async def in_thread(do: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run `do` beside the loop, and never leave before it has ended: what it works on may be
    closed next, and a late write into a reused descriptor would land in somebody else's file."""
    task = asyncio.create_task(asyncio.to_thread(do, *args, **kwargs))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        while not task.done():
            with suppress(asyncio.CancelledError):
                await asyncio.wait([task])
        task.exception()  # seen: nobody waits for it any more
        raise
