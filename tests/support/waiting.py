"""Waiting for something to become true, with a deadline instead of a sleep."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


async def eventually(look: Callable[[], Awaitable[T]], seconds: float = 40) -> T:
    """The first true answer of `look`. Raises AssertionError when none comes in time."""
    deadline = time.monotonic() + seconds
    while not (found := await look()):
        if time.monotonic() > deadline:
            raise AssertionError(f"still {found!r} after {seconds} s")
        await asyncio.sleep(0.02)
    return found


def wait_for(look: Callable[[], T], seconds: float = 60, what: str = "") -> T:
    """The same where nothing else runs in the process; `what` was waited for is said in the end."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, f"{what or 'still'} {found!r} after {seconds} s"
        time.sleep(0.05)
    return found
