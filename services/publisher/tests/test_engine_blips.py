"""A database that is away for one transaction or two, before or after their commit, at any."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import pytest

from platforms.errors import ContentRefused, Unavailable
from platforms.port import Guard, Wait
from publisher.app.ports import Transaction, Uow
from publisher.domain.publication import Stage
from publisher.domain.states import Status

from .lab import Lab
from .scripted import Marks, Scripted, answer

pytestmark = pytest.mark.anyio
BLIPS = [(first, *more) for first in range(1, 8) for more in ((), (first + 1,))]
"""The numbers of the transactions that fail; a write that fails is done once more at once."""


class Blinking:
    """Some transactions fail: before they begin, or after they committed unheard."""

    def __init__(
        self, inner: Transaction, *, before: tuple[int, ...] = (), after: tuple[int, ...] = ()
    ) -> None:
        self._inner, self._before, self._after = inner, before, after
        self._count = 0

    @asynccontextmanager
    async def _open(self) -> AsyncIterator[Uow]:
        self._count += 1
        mine = self._count
        if mine in self._before:
            raise OSError("the database is away")
        async with self._inner() as uow:
            yield uow
        if mine in self._after:
            raise OSError("the answer to the commit is lost")

    def __call__(self) -> AbstractAsyncContextManager[Uow]:
        return self._open()


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("numbers", BLIPS)
@pytest.mark.parametrize("guard", [Guard.CHECKED, Guard.ONCE])
async def test_a_blip_at_any_commit_posts_nothing_twice_and_loses_nothing(
    lab: Lab, platform: Scripted, guard: Guard, numbers: tuple[int, ...], when: str
) -> None:
    platform.step("create", guard, visible=True)
    platform.step("processed", Guard.REPEATABLE)
    blinking = Blinking(lab.transaction, **{when: numbers})
    row = await lab.to_the_end(await lab.attempt(await lab.request(), blinking))
    assert row.status is Status.PUBLISHED
    assert platform.asked.count("act:create") == 1


async def test_a_call_that_was_never_made_leaves_no_doubt(lab: Lab, platform: Scripted) -> None:
    platform.step("send", Guard.ONCE, visible=True)
    row = await lab.attempt(await lab.request(), Blinking(lab.transaction, after=(1, 2)))
    assert platform.asked == []
    row = await lab.to_the_end(row)
    assert (row.status, platform.asked) == (Status.PUBLISHED, ["act:send"])


async def test_a_refusal_is_kept_though_the_database_was_away(lab: Lab, platform: Scripted) -> None:
    platform.step("send", Guard.ONCE, visible=True)
    platform.order("act:send", ContentRefused())
    row = await lab.attempt(await lab.request(), Blinking(lab.transaction, before=(2,)))
    assert (row.status, row.error_code) == (Status.FAILED, "content_refused")


async def test_a_wait_that_was_kept_unheard_is_not_written_again(
    lab: Lab, platform: Scripted
) -> None:
    platform.step("send", Guard.CHECKED, visible=True)
    platform.order("act:send", Unavailable())
    row = await lab.attempt(await lab.request(), Blinking(lab.transaction, after=(2,)))
    assert (row.stage, row.failures) == (Stage.WAITING, 1)
    assert (await lab.kinds(row)).count("retry") == 1


async def test_good_polls_forgive_the_failures_before_them(lab: Lab, platform: Scripted) -> None:
    platform.step("create", Guard.CHECKED, visible=True)
    platform.step("processed", Guard.REPEATABLE)
    for _ in range(4):
        waiting = answer(Wait(Marks(), timedelta(seconds=1)))
        platform.order("act:processed", waiting, Unavailable())
    row = await lab.to_the_end(await lab.request(), attempts=20)
    assert row.status is Status.PUBLISHED


async def test_a_worker_told_to_stop_hands_a_doubt_over_as_a_doubt(
    lab: Lab, platform: Scripted
) -> None:
    platform.step("send", Guard.ONCE, visible=True)
    row = await lab.cut_off(platform.stuck("act:send"))
    await lab.later(row)
    lab.stopping.set()
    await lab.attempt(row)
    row = await replace(lab, stopping=asyncio.Event()).to_the_end(row)
    assert (row.status, platform.asked) == (Status.UNCERTAIN, ["act:send"])
