"""How often each platform may be called, over all processes: the one table, and the gate it makes.

Every process that calls platforms (publisher, stats-collector, oauth-gateway) builds its gate here
over the same Redis, so that all of them together keep to one pace.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

from pydantic import Field, PositiveInt
from pydantic_settings import BaseSettings, SettingsConfigDict

from common.contracts.words import Platform
from common.observe import metrics
from common.pace import Pace, Rate
from platforms.calls import Call
from platforms.errors import NotYet, OutcomeUnknown, PlatformError, RateLimited

CHAT_A_MINUTE = 18
"""Telegram takes 20 messages a minute in one chat, and one a second (platforms/telegram.md §4);
18 spread evenly keep both."""
SAVES = "video.save"
"""The call that VK counts per day and application."""
DAY = 24 * 60 * 60
PLATFORM, ACCOUNT, CHAT = "platform", "account", "chat"
"""What a rate is of."""
TAKEN_ANEW = 3
"""How often a slot is taken until one is used in time."""
TURN_SECONDS = 1.0
"""How long a turn stays good: used later, it would come on top of other calls."""

PerSecond = Annotated[float, Field(gt=0)]


class PaceSettings(BaseSettings):
    """Calls a second. Names and defaults are fixed by api.md; bytes to upload hosts don't count."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True, env_ignore_empty=True)

    pace_vk: PerSecond = 2
    pace_rutube: PerSecond = 1
    pace_dzen: PerSecond = 0.5
    pace_telegram: PerSecond = 5

    account_pace_vk: PerSecond = 3
    account_pace_rutube: PerSecond = 1
    account_pace_dzen: PerSecond = 0.5
    account_pace_telegram: PerSecond = 20

    vk_daily_saves: PositiveInt = 5000

    @property
    def everybody(self) -> Mapping[Platform, float]:
        """Calls a second of all accounts of a platform together."""
        return {
            Platform.VK: self.pace_vk,
            Platform.RUTUBE: self.pace_rutube,
            Platform.DZEN: self.pace_dzen,
            Platform.TELEGRAM: self.pace_telegram,
        }

    @property
    def account(self) -> Mapping[Platform, float]:
        """Calls a second of one account; for Telegram the account is the bot."""
        return {
            Platform.VK: self.account_pace_vk,
            Platform.RUTUBE: self.account_pace_rutube,
            Platform.DZEN: self.account_pace_dzen,
            Platform.TELEGRAM: self.account_pace_telegram,
        }


@dataclass
class _Turn:
    """A place in a platform's line that was waited for, for the next call."""

    platform: Platform
    good_until: float

    def take(self, platform: Platform) -> bool:
        """Use it up; False when it is for another platform, used or stale."""
        good = platform is self.platform and time.monotonic() < self.good_until
        self.good_until = 0.0
        return good


_turn: ContextVar[_Turn | None] = ContextVar("turn", default=None)


class Pacer:
    """One process's share in the common pace.

    `in_line`: how long a call may stand in its platform's line; `aside`: how long it may wait for
    its own account or chat, which keeps its worker from others. What is further away is refused.
    """

    def __init__(
        self, pace: Pace, settings: PaceSettings, *, in_line: timedelta, aside: timedelta
    ) -> None:
        self._pace = pace
        self._settings = settings
        self._in_line = in_line.total_seconds()
        self._aside = aside.total_seconds()

    async def turn(self, platform: Platform) -> None:
        """Wait in the platform's line before work is begun; the task's next call uses the turn.

        Raises NotYet when it would take too long.
        """
        await self._wait([self._line(platform)], platform)
        _turn.set(_Turn(platform, time.monotonic() + TURN_SECONDS))

    @asynccontextmanager
    async def gate(self, call: Call) -> AsyncIterator[None]:
        """Waits for the call's turn. Raises NotYet or RateLimited when that is too far away."""
        # All at once: a slot of the account's that then waits for the platform's comes too late,
        # on top of the account's next one.
        turn = _turn.get()
        wanted = self._own(call)
        if turn is None or not turn.take(call.platform):
            wanted.insert(0, self._line(call.platform))
        await self._wait(wanted, call.platform)
        if call.platform is Platform.VK and call.method == SAVES:
            # Counted exactly: a smoothed rate that lets a day's worth through at once would
            # let through almost two within a day.
            wait = await self._pace.count("vk:saves", self._settings.vk_daily_saves, DAY)
            if wait:
                metrics.PACE_REFUSALS.labels(call.platform, "day").inc()
                raise NotYet(timedelta(seconds=wait), note="VK_DAILY_SAVES of our own", ours=True)
        try:
            yield
        except PlatformError as told:
            metrics.PLATFORM_CALLS.labels(call.platform, _came_back(told)).inc()
            if isinstance(told, RateLimited) and not isinstance(told, NotYet):
                await self._hold(call, told.retry_after)
            raise
        metrics.PLATFORM_CALLS.labels(call.platform, "answered").inc()

    def _line(self, platform: Platform) -> Rate:
        return Rate(platform, self._settings.everybody[platform], most=self._in_line)

    def _account(self, platform: Platform, account: str) -> Rate:
        key = f"{platform}:{ACCOUNT}:{account}"
        return Rate(key, self._settings.account[platform], most=self._aside)

    def _own(self, call: Call) -> list[Rate]:
        found = []
        if call.account is not None:
            found.append(self._account(call.platform, call.account))
        if call.chat is not None:
            key = f"{call.platform}:{CHAT}:{call.chat}"
            found.append(Rate(key, CHAT_A_MINUTE, seconds=60, most=self._aside))
        return found

    async def _wait(self, wanted: Sequence[Rate], platform: Platform) -> None:
        if not wanted:
            return
        for _ in range(TAKEN_ANEW):
            slot = await self._pace.reserve(wanted)
            by = _kind(slot.by)
            if slot.refused:
                metrics.PACE_REFUSALS.labels(platform, by).inc()
                kind = NotYet if by == PLATFORM else RateLimited
                note = f"our own pace: {slot.by.key}"
                raise kind(timedelta(seconds=slot.wait), note=note, ours=True)
            metrics.PACE_WAITS.labels(platform, by).observe(slot.wait)
            await asyncio.sleep(slot.wait)
            if time.monotonic() < slot.at + TURN_SECONDS:
                return
            # The process was frozen meanwhile; with the slot, a turn that was waited for is void.
            line = self._line(platform)
            wanted = wanted if line in wanted else [line, *wanted]
        raise NotYet(timedelta(seconds=TURN_SECONDS), note="our own process is too slow", ours=True)

    async def _hold(self, call: Call, wait: timedelta) -> None:
        """Whoever shares the account, in any process, waits as well. Telegram's limits are of the
        bot (platforms/telegram.md §3), and the account is the bot there."""
        if call.account is not None:
            await self._pace.hold(self._account(call.platform, call.account), wait.total_seconds())


def _kind(rate: Rate) -> str:
    """What a rate of ours is of: its key names the platform, and where it is narrower, of what."""
    _, kind, *_ = (*rate.key.split(":"), PLATFORM)
    return kind


def _came_back(told: PlatformError) -> str:
    """Inside the gate only what was no answer is raised, and "too many requests"."""
    match told:
        case RateLimited():
            return "rate_limited"
        case OutcomeUnknown():
            return "unknown"
        case _:
            return "unavailable"
