"""How often each platform may be called, over all processes: the one table, and the gate it makes.

Every process that calls platforms (publisher, stats-collector, oauth-gateway) builds its gate here
over the same Redis, so that all of them together keep to one pace. Whoever wants the rates without
the waiting (to put a due time on a row instead) takes `rates(settings, call)` alone.
"""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated

from pydantic import Field, PositiveInt
from pydantic_settings import BaseSettings, SettingsConfigDict

from common.contracts.words import Platform
from common.pace import Pace, Rate
from platforms.calls import Call, Gate
from platforms.errors import RateLimited

CHAT_A_MINUTE = 18
"""Telegram takes 20 messages a minute in one chat, and one a second (platforms/telegram.md §4);
18 spread evenly keep both."""
SAVES = "video.save"
"""The call that VK counts per day and application."""
DAY = timedelta(days=1).total_seconds()

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


def rates(settings: PaceSettings, call: Call) -> list[Rate]:
    """Everything this call counts against; it may go out when all of them have room."""
    platform = call.platform
    found = [Rate(platform, settings.everybody[platform])]
    if call.account is not None:
        key = f"{platform}:account:{call.account}"
        found.append(Rate(key, settings.account[platform]))
    if call.chat is not None:
        found.append(Rate(f"{platform}:chat:{call.chat}", CHAT_A_MINUTE, seconds=60))
    if platform is Platform.VK and call.method == SAVES:
        # All at once if need be, then their share of the day. When VK's own count of the day
        # runs out first, it says so (code 29), and that costs a wait.
        saves = settings.vk_daily_saves
        found.append(Rate("vk:saves", saves, seconds=DAY, burst=saves))
    return found


def paced(pace: Pace, settings: PaceSettings, *, most: timedelta) -> Gate:
    """A gate that waits for its turn, or raises RateLimited when that is further than `most`."""

    async def gate(call: Call) -> None:
        slot = await pace.reserve(rates(settings, call), most=most.total_seconds())
        if not slot.granted:
            raise RateLimited(timedelta(seconds=slot.wait), note="our own pace")
        await asyncio.sleep(slot.wait)

    return gate
