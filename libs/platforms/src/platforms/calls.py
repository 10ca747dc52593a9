"""What is told about a call before it leaves, so that somebody may pace it."""

from collections.abc import Awaitable, Callable
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


Gate = Callable[[Call], Awaitable[None]]
"""Waits until the call may go out, or raises RateLimited: then nothing was sent."""


async def open_gate(call: Call) -> None:
    """Lets everything through; the default where nobody paces."""
    del call
