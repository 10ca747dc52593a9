"""However many workers there are, the platforms see one pace; users take turns in it."""

import asyncio
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from common.pace import ANSWER_SECONDS
from e2e.conftest import Sandbox
from localrun.redis_server import Redis
from stack import Stack

from .conftest import VK, WORKERS, Journal, NewOwner
from .rate import SLACK, too_many, used

pytestmark = [pytest.mark.anyio, pytest.mark.full]
PATIENCE = 60.0


def now() -> datetime:
    return datetime.now(UTC)


def show(figures: str) -> None:
    """For whoever runs this with -s."""
    print(f"\n{figures}")  # noqa: T201 - what was measured


async def until(look: Callable[[], Any], seconds: float = PATIENCE) -> Any:
    """The first true answer; other things of this test go on meanwhile."""
    deadline = time.monotonic() + seconds
    while not (found := await asyncio.to_thread(look)):
        assert time.monotonic() < deadline, f"still {found!r}"
        await asyncio.sleep(0.05)
    return found


async def flowing(journal: Journal, since: datetime) -> datetime:
    """Wait for the first calls; when the fifth of them came."""
    return (await until(lambda: journal.calls("vk", since)[4:5]))[0]["at"]  # type: ignore[no-any-return]


async def test_eight_workers_together_keep_the_pace_of_one_and_use_it(
    stack: Stack, workers: list[str], owner: NewOwner, journal: Journal
) -> None:
    alone, all_of_them = 5.0, 8.0
    crowd = [owner(accounts=2) for _ in range(4)]
    for name in workers[1:]:
        stack.freeze(name)
    began = now()
    for one in crowd:
        await one.queue(60)
    single = await flowing(journal, began)
    await asyncio.sleep(alone)
    for name in workers[1:]:
        stack.thaw(name)
    together = now()
    await asyncio.sleep(all_of_them + 1)
    calls = journal.calls("vk", began)
    show(
        f"used by one worker {used(calls, VK, single, alone):.0%}, "
        f"by eight {used(calls, VK, together + timedelta(seconds=1), all_of_them):.0%}"
    )
    assert too_many(calls, VK) == []
    assert used(calls, VK, single, alone) > 0.8
    assert used(calls, VK, together + timedelta(seconds=1), all_of_them) > 0.8
    assert len({call["account"] for call in calls}) == 8, "users and accounts share it"


async def test_a_thousand_of_one_user_do_not_hold_up_anothers_single_one(
    owner: NewOwner, journal: Journal
) -> None:
    many, single = owner(accounts=4), owner()
    began = now()
    await many.queue(250)
    await flowing(journal, began)
    [accepted] = single.ask()
    asked = datetime.fromisoformat(accepted["created_at"])
    [account] = single.accounts
    [first] = (await until(lambda: journal.calls("vk", asked, account=account)))[:1]
    before = [call for call in journal.calls("vk", asked) if call["at"] < first["at"]]
    waited = (first["at"] - asked).total_seconds()
    show(f"{len(before)} calls of the other's thousand came before it, in {waited:.1f} s")
    assert len(before) <= 3 * WORKERS


@pytest.fixture
def fragile(redis: Redis) -> Iterator[Redis]:
    """Redis, which is well again afterwards."""
    yield redis
    redis.thaw()
    redis.start()


async def test_without_redis_publishing_goes_on_and_not_too_fast(
    owner: NewOwner, journal: Journal, fragile: Redis
) -> None:
    away, back = 7.0, 9.0  # a few calls say little
    crowd = [owner(accounts=2) for _ in range(4)]
    began = now()
    for one in crowd:
        await one.queue(60)
    await flowing(journal, began)
    for how, take, give in (
        ("killed", fragile.kill, fragile.start),
        ("frozen", fragile.freeze, fragile.thaw),
    ):
        await asyncio.to_thread(take)
        gone = now()
        await asyncio.sleep(away)
        await asyncio.to_thread(give)
        again = now()
        await asyncio.sleep(back)
        calls = journal.calls("vk", began)
        times = [call["at"] for call in calls if call["at"] >= gone]
        gap = max((b - a).total_seconds() for a, b in pairwise([gone, *times]))
        after = used(calls, VK, again + timedelta(seconds=2), back - 2)
        show(
            f"Redis {how}: {used(calls, VK, gone, away):.0%} of the pace used without it,"
            f" {after:.0%} after it, longest silence {gap:.1f} s"
        )
        assert too_many(calls, VK, more=WORKERS) == []
        assert used(calls, VK, gone, away) > 0.4
        assert gap < ANSWER_SECONDS + SLACK
        assert after > 0.4


async def test_one_chat_takes_turns_of_its_own_and_holds_up_no_other(
    owner: NewOwner, journal: Journal
) -> None:
    busy, other = owner("telegram"), owner("telegram")
    began = now()
    await busy.queue(30)
    [bot] = busy.accounts
    await until(lambda: journal.calls("telegram", began, account=str(bot), step="sendVideo"))
    waits = []
    for _ in range(2):
        [accepted] = other.ask()
        asked = datetime.fromisoformat(accepted["created_at"])
        [second] = other.accounts
        found = await until(
            lambda second=second, asked=asked: journal.calls(
                "telegram", asked, account=str(second), step="sendVideo"
            )
        )
        waits.append((found[0]["at"] - asked).total_seconds())
        await asyncio.sleep(3.4)
    show(f"another chat's message went out after {waits} s")
    assert max(waits) < 2.5
    sent = journal.calls("telegram", began, account=str(bot), step="sendVideo")
    assert [call for call in sent if call["answer"] and call["answer"]["status"] != 200] == []
    assert 2 <= len(sent) <= 20
    gaps = [(b["at"] - a["at"]).total_seconds() for a, b in pairwise(sent)]
    assert min(gaps) > 1


async def test_an_account_that_asked_too_often_is_left_alone_by_every_process(
    owner: NewOwner, journal: Journal, sandbox: Sandbox
) -> None:
    told, other = owner("telegram"), owner("telegram")
    began = now()
    sandbox.fail("telegram", "sendVideo", "rate_limited")
    [refused] = told.ask()
    [bot] = [str(one) for one in told.accounts]
    [answer] = await until(lambda: journal.calls("telegram", began, account=bot, step="sendVideo"))
    row = await until(lambda: (found := told.person.look(refused["id"]))["stage"]["why"] and found)
    assert (row["status"], row["stage"]["why"], row["attempt"]) == ("publishing", "rate_limited", 1)
    more = told.ask()
    [others] = other.ask()
    ended = await asyncio.to_thread(
        told.person.watch, [one["id"] for one in (refused, *more)], seconds=PATIENCE
    )
    assert [(one["status"], one["attempt"]) for one in ended] == [("published", 1)] * 2
    [free] = await asyncio.to_thread(other.person.watch, [others["id"]], seconds=PATIENCE)
    calls = journal.calls("telegram", began, account=bot)
    after = [(call["at"] - answer["at"]).total_seconds() for call in calls if call is not answer]
    until_then = [one for one in after if 0 < one < 3]
    assert until_then == []
    sent = datetime.fromisoformat(free["published_at"])
    show(f"told to wait 3 s, next call after {min(one for one in after if one > 0):.2f} s")
    assert (sent - answer["at"]).total_seconds() < 3, "others go on"
