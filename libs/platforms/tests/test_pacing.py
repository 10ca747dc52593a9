"""What a call waits for: its platform's line, its account, its chat, its day; and who waits too."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta

import pytest
from prometheus_client import REGISTRY
from pydantic import SecretStr

from common.contracts.words import Platform
from common.ids import new_id
from common.observe import metrics
from common.pace import Pace, Rate, redis_client
from platforms.calls import Call
from platforms.errors import NotYet, OutcomeUnknown, PlatformError, RateLimited, Unavailable
from platforms.pacing import Pacer, PaceSettings
from support.waiting import eventually

pytestmark = pytest.mark.anyio
NOBODY_LISTENS = "redis://127.0.0.1:1/0"
SHORT = timedelta(seconds=0.2)
LONG = timedelta(seconds=60)


@pytest.fixture(params=["shared", "local"])
async def pace(request: pytest.FixtureRequest, redis_url: str) -> AsyncIterator[Pace]:
    """With Redis, and without it: both keep the same rules."""
    redis = redis_client(SecretStr(redis_url if request.param == "shared" else NOBODY_LISTENS))
    yield Pace(redis, prefix=new_id().hex, share=1)
    await redis.aclose()


def pacer(
    pace: Pace, *, in_line: timedelta = SHORT, aside: timedelta = SHORT, **settings: float
) -> Pacer:
    return Pacer(pace, PaceSettings(**settings), in_line=in_line, aside=aside)  # type: ignore[arg-type] # numbers all


async def call(by: Pacer, call: Call) -> None:
    async with by.gate(call):
        pass


VIDEO_GET = Call(Platform.VK, "video.get", account="7")


def told(name: str, platform: Platform) -> dict[str, float]:
    """A number of each kind of limit."""
    return {
        by: REGISTRY.get_sample_value(name, {"platform": platform, "by": by}) or 0.0
        for by in ("platform", "account", "chat", "day")
    }


async def waited_since(before: dict[str, float], platform: Platform) -> dict[str, float]:
    """By which limits somebody waited or waits since, and for how long."""
    now = told("pace_wait_seconds_sum", platform)
    return {kind: now[kind] - before[kind] for kind in now if now[kind] > before[kind]}


async def test_a_call_waits_for_its_turn_in_the_platforms_line(pace: Pace) -> None:
    by = pacer(pace, pace_vk=10, account_pace_vk=100, in_line=LONG)
    began = time.monotonic()
    for account in "1234":
        await call(by, Call(Platform.VK, "video.get", account=account))
    assert time.monotonic() - began >= 0.29


async def test_a_turn_too_far_away_in_the_line_is_refused_for_this_call_only(pace: Pace) -> None:
    by = pacer(pace, pace_vk=0.1, account_pace_vk=100)
    await call(by, VIDEO_GET)
    with pytest.raises(NotYet) as refused:
        await call(by, Call(Platform.VK, "video.get", account="8"))
    assert timedelta(seconds=8) < refused.value.retry_after <= timedelta(seconds=10)


async def test_a_turn_too_far_away_of_the_account_is_refused_for_the_account(pace: Pace) -> None:
    by = pacer(pace, pace_vk=1000, account_pace_vk=0.1)
    await call(by, VIDEO_GET)
    with pytest.raises(RateLimited) as refused:
        await call(by, VIDEO_GET)
    assert not isinstance(refused.value, NotYet)
    assert timedelta(seconds=8) < refused.value.retry_after <= timedelta(seconds=10)
    await call(by, Call(Platform.VK, "video.get", account="8"))


async def test_one_chat_takes_18_messages_a_minute_and_holds_up_no_other(pace: Pace) -> None:
    by = pacer(pace, pace_telegram=1000, account_pace_telegram=1000)
    message = Call(Platform.TELEGRAM, "sendVideo", account="42", chat="-1001")
    await call(by, message)
    with pytest.raises(RateLimited) as refused:
        await call(by, message)
    assert timedelta(seconds=3) < refused.value.retry_after <= timedelta(seconds=60 / 18)
    await call(by, Call(Platform.TELEGRAM, "sendVideo", account="42", chat="-1002"))


async def test_the_saves_of_a_day_are_counted_exactly(pace: Pace) -> None:
    by = pacer(pace, pace_vk=1000, account_pace_vk=1000, vk_daily_saves=3)
    save = Call(Platform.VK, "video.save", account="7")
    for _ in range(3):
        await call(by, save)
    with pytest.raises(NotYet) as refused:
        await call(by, save)
    assert timedelta(hours=23) < refused.value.retry_after <= timedelta(days=1)
    await call(by, VIDEO_GET)


async def test_when_an_account_asked_too_often_nobody_asks_for_it_until_it_may(pace: Pace) -> None:
    """Told to one process, known to all: here two gates over the same Redis (or in one process)."""
    told, other = (pacer(pace, pace_vk=1000, account_pace_vk=100) for _ in range(2))
    with pytest.raises(RateLimited):
        async with told.gate(VIDEO_GET):
            raise RateLimited(timedelta(seconds=30), note="429")
    with pytest.raises(RateLimited) as refused:
        await call(other, VIDEO_GET)
    assert timedelta(seconds=28) < refused.value.retry_after <= timedelta(seconds=31)
    await call(other, Call(Platform.VK, "video.get", account="8"))


async def test_a_wait_that_concerns_one_call_only_holds_nobody_up(pace: Pace) -> None:
    by = pacer(pace, pace_vk=1000, account_pace_vk=100)
    with pytest.raises(NotYet):
        async with by.gate(VIDEO_GET):
            raise NotYet(timedelta(hours=1), note="29")
    await call(by, VIDEO_GET)


async def test_a_turn_that_was_waited_for_is_used_by_the_next_call_and_once(pace: Pace) -> None:
    by = pacer(pace, pace_vk=1, account_pace_vk=1000)

    async def work() -> None:
        await by.turn(Platform.VK)
        await call(by, VIDEO_GET)
        with pytest.raises(NotYet):
            await call(by, VIDEO_GET)

    await asyncio.create_task(work())


@pytest.mark.parametrize("where", [Platform.VK, Platform.RUTUBE])
async def test_a_redis_that_hangs_slows_calls_down_and_stops_none(where: Platform) -> None:
    async def silent(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    async with await asyncio.start_server(silent, "127.0.0.1", 0) as server:
        redis = redis_client(SecretStr(f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0"))
        by = pacer(Pace(redis), in_line=LONG, aside=LONG)
        interval = 1 / PaceSettings().everybody[where]
        async with asyncio.timeout(8 * interval + 5):
            await call(by, Call(where, "status", account="7"))
        await redis.aclose()


async def taken_by_others(pace: Pace, slots: int) -> float:
    """So many of VK's line, at two a second; when the last of them is."""
    for _ in range(slots):
        last = await pace.reserve([Rate(Platform.VK, calls=2, most=60)])
    return last.at


async def test_a_turn_that_was_waited_for_is_void_when_the_next_wait_is_slept_through(
    pace: Pace,
) -> None:
    by = pacer(pace, pace_vk=2, account_pace_vk=0.5, in_line=LONG, aside=LONG)
    await call(by, VIDEO_GET)  # its account has the next in two seconds

    async def work() -> None:
        await by.turn(Platform.VK)
        await call(by, VIDEO_GET)

    async def waits_for_its_account() -> bool:
        return "account" in await waited_since(before, Platform.VK)

    before = told("pace_wait_seconds_sum", Platform.VK)
    late = asyncio.create_task(work())
    await eventually(waits_for_its_account)
    others = await taken_by_others(pace, 8)
    time.sleep(3.5)  # noqa: ASYNC251 - the whole process is frozen
    await late
    assert time.monotonic() > others, "behind those who were awake"


async def test_a_turn_that_was_slept_through_is_not_used_on_top_of_others(pace: Pace) -> None:
    by = pacer(pace, pace_vk=2, account_pace_vk=100, in_line=LONG)
    await call(by, VIDEO_GET)
    before = told("pace_wait_seconds_sum", Platform.VK)
    late = asyncio.create_task(call(by, VIDEO_GET))
    await eventually(lambda: waited_since(before, Platform.VK))
    others = await taken_by_others(pace, 4)
    time.sleep(2)  # noqa: ASYNC251 - the whole process is frozen
    await late
    assert time.monotonic() > others, "behind those who were awake"


async def test_a_turn_is_of_no_use_on_another_platform_or_in_another_task(pace: Pace) -> None:
    by = pacer(pace, pace_vk=0.1, pace_rutube=0.1, account_pace_rutube=1000)

    async def work() -> None:
        await by.turn(Platform.VK)
        await call(by, Call(Platform.RUTUBE, "status", account="7"))
        with pytest.raises(NotYet):
            await call(by, Call(Platform.RUTUBE, "status", account="7"))

    await asyncio.create_task(work())
    with pytest.raises(NotYet):
        await call(by, VIDEO_GET)


SEND = Call(Platform.TELEGRAM, "sendVideo", account="42", chat="-1001")


@pytest.mark.parametrize(
    ("slow", "by"),
    [("pace_telegram", "platform"), ("account_pace_telegram", "account"), ("", "chat")],
)
async def test_a_wait_is_told_by_the_limit_that_takes_longest(
    pace: Pace, slow: str, by: str
) -> None:
    paces = {"pace_telegram": 1000.0, "account_pace_telegram": 1000.0} | (
        {slow: 0.01} if slow else {}
    )
    waiting = pacer(pace, in_line=1000 * LONG, aside=1000 * LONG, **paces)
    await call(waiting, SEND)
    before = told("pace_wait_seconds_sum", Platform.TELEGRAM)
    second = asyncio.create_task(call(waiting, SEND))
    waited = await eventually(lambda: waited_since(before, Platform.TELEGRAM))
    second.cancel()
    assert set(waited) == {by}
    assert waited[by] <= (100 if slow else 60 / 18)


@pytest.mark.parametrize(
    ("slow", "by"),
    [("pace_vk", "platform"), ("account_pace_vk", "account"), ("vk_daily_saves", "day")],
)
async def test_a_call_that_is_put_off_is_counted_by_what_was_too_far_away(
    pace: Pace, slow: str, by: str
) -> None:
    limits = {"pace_vk": 1000.0, "account_pace_vk": 1000.0, "vk_daily_saves": 1000}
    full = pacer(pace, **limits | {slow: 1 if by == "day" else 0.01})
    save = Call(Platform.VK, "video.save", account="7")
    await call(full, save)
    before = told("pace_refusals_total", Platform.VK)
    with pytest.raises(RateLimited):
        await call(full, save)
    after = told("pace_refusals_total", Platform.VK)
    assert after == before | {by: before[by] + 1}


@pytest.mark.parametrize(
    ("error", "result"),
    [
        (None, "answered"),
        (RateLimited(timedelta(seconds=1)), "rate_limited"),
        (NotYet(timedelta(seconds=1)), "rate_limited"),
        (Unavailable(), "unavailable"),
        (OutcomeUnknown(), "unknown"),
    ],
)
async def test_calls_are_counted_by_what_came_back(
    pace: Pace, error: Exception | None, result: str
) -> None:
    def counted() -> dict[str, float]:
        labels = {"platform": "dzen"}
        return {
            one: REGISTRY.get_sample_value("platform_calls_total", labels | {"result": one}) or 0.0
            for one in metrics.CALLS
        }

    before = counted()
    with suppress(PlatformError):
        async with pacer(pace, pace_dzen=1000).gate(Call(Platform.DZEN, "draft")):
            if error:
                raise error
    assert counted() == before | {result: before[result] + 1}
