"""What is told about a call before it leaves, so that somebody may pace it."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

from common.contracts.words import Platform


@dataclass(frozen=True, slots=True)
class Call:
    """One API call. Bytes sent to an upload host are none."""

    platform: Platform
    method: str
    account: str | None = None
    """Whose quota it uses: the account, for Telegram the bot; None where it is not known yet."""
    chat: str | None = None


Gate = Callable[[Call], AbstractAsyncContextManager[None]]
"""Entering waits until the call may go out, or raises RateLimited: then nothing was sent. Inside,
the call is made; when it raises RateLimited, everybody else waits as well."""


@asynccontextmanager
async def open_gate(call: Call) -> AsyncIterator[None]:
    """Lets everything through; the default where nobody paces."""
    del call
    yield
