"""The clock as its process runs it: it ticks, says so, and does not say so when it doesn't."""

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from prometheus_client import REGISTRY
from sqlalchemy.ext.asyncio import AsyncEngine

from publisher.clock import Clock
from publisher.db.uow import PublisherUow
from publisher.media.opening import Opening
from publisher.settings import PublisherSettings
from support.waiting import eventually

from .lab import Lab
from .scripted import Scripted

pytestmark = pytest.mark.anyio


@pytest.fixture
def lab(empty_db: AsyncEngine, opening: Opening, platform: Scripted) -> Lab:
    """It starts whatever is due, so there is nothing else."""
    return Lab(empty_db, opening, platform.adapter())


@pytest.fixture
def settings(settings_values: dict[str, Any]) -> PublisherSettings:
    hurried = {"clock_tick": timedelta(milliseconds=50), "wake_again": timedelta(milliseconds=300)}
    return PublisherSettings(**settings_values | hurried)


@pytest.fixture
async def ticking(lab: Lab, settings: PublisherSettings) -> AsyncIterator[Clock]:
    """The clock as it runs in its process."""
    clock, stop = Clock(lab.transaction, settings), asyncio.Event()
    task = asyncio.create_task(clock.run(stop))
    yield clock
    stop.set()
    await task


async def test_a_running_clock_starts_and_wakes_and_says_that_it_ticks(
    lab: Lab, ticking: Clock
) -> None:
    due = await lab.scheduled()

    async def woken() -> bool:
        return await lab.wakes(due) >= 2

    await eventually(woken)
    assert "ticked" in await ticking.check()


def _ticked() -> float:
    return REGISTRY.get_sample_value("clock_ticked_timestamp_seconds") or 0


@pytest.mark.usefixtures("ticking")
async def test_a_running_clock_tells_when_it_last_ticked() -> None:
    since = time.time()

    async def told() -> bool:
        return _ticked() >= since

    await eventually(told)


async def test_a_tick_that_fails_is_not_told(settings: PublisherSettings) -> None:
    """The alert ClockStopped goes by it."""
    tried, stop, before = 0, asyncio.Event(), _ticked()

    def away() -> PublisherUow:
        nonlocal tried
        tried += 1
        raise ConnectionError

    task = asyncio.create_task(Clock(away, settings).run(stop))

    async def twice() -> bool:
        return tried >= 2

    await eventually(twice)
    stop.set()
    await task
    assert _ticked() == before
