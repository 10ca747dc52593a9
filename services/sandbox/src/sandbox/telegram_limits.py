"""Telegram's pace: one message a second in a chat, twenty a minute, thirty a second for a bot."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sandbox.telegram_errors import too_many_requests


@dataclass(slots=True)
class _Window:
    """No more than `limit` messages in any `span`."""

    limit: int
    span: timedelta
    sent: deque[datetime] = field(default_factory=deque)

    def wait(self, now: datetime) -> float:
        while self.sent and self.sent[0] <= now - self.span:
            self.sent.popleft()
        if len(self.sent) < self.limit:
            return 0.0
        return (self.sent[0] + self.span - now).total_seconds()


class TelegramLimits:
    """Counts messages; a refused one is not counted.

    Telegram allows short bursts in one chat and keeps their size to itself. Here it is three
    messages in three seconds, so that a client without a pace of its own fails soon.
    """

    def __init__(self) -> None:
        self._chats: dict[tuple[int, int], tuple[_Window, _Window]] = {}
        self._bots: dict[int, _Window] = {}

    def take(self, bot_id: int, chat_id: int, now: datetime) -> None:
        """Count one message, or refuse it with the whole seconds to wait."""
        bot = self._bots.setdefault(bot_id, _Window(30, timedelta(seconds=1)))
        chat = self._chats.setdefault(
            (bot_id, chat_id), (_Window(3, timedelta(seconds=3)), _Window(20, timedelta(minutes=1)))
        )
        windows = (bot, *chat)
        wait = max(window.wait(now) for window in windows)
        if wait > 0:
            raise too_many_requests(max(1, math.ceil(wait)))
        for window in windows:
            window.sent.append(now)
