"""What was promised goes on counting when Redis goes away and when it comes back."""

import math
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest
from pydantic import SecretStr

from common.ids import new_id
from common.pace import Pace, Rate, redis_client

pytestmark = pytest.mark.anyio
LINE = Rate("line", calls=1, most=60)


@pytest.fixture
async def pace(redis_url: str) -> AsyncIterator[Pace]:
    redis = redis_client(SecretStr(redis_url))
    yield Pace(redis, prefix=new_id().hex, share=8)
    await redis.aclose()


def away(pace: Pace, gone: bool) -> None:
    """As if Redis had just not answered, or as if it might answer again."""
    pace._redis_down_until = math.inf if gone else 0.0


async def test_without_redis_a_process_goes_on_after_the_last_slot_it_was_given(pace: Pace) -> None:
    for _ in range(5):
        given = await pace.reserve([LINE])
    away(pace, True)
    following = await pace.reserve([LINE])
    assert following.wait > given.wait + 7.5, "its own part of the rate, from there on"


async def test_when_redis_is_back_slots_that_were_given_without_it_are_not_given_again(
    pace: Pace,
) -> None:
    away(pace, True)
    for _ in range(3):
        given = await pace.reserve([LINE])
    away(pace, False)
    assert (await pace.reserve([LINE])).wait > given.wait
    other = Pace(pace._script.registered_client, prefix=pace._prefix)
    assert (await other.reserve([LINE])).wait > given.wait + 1


async def test_slots_that_redis_gave_and_forgot_are_not_given_again(pace: Pace) -> None:
    for _ in range(5):
        given = await pace.reserve([LINE])
    await pace._script.registered_client.delete(f"{pace._prefix}:line")  # as when it is killed
    following = await pace.reserve([LINE])
    assert following.wait > given.wait + 0.9


async def test_slots_given_without_redis_are_known_to_all_though_the_next_is_too_far_away(
    pace: Pace,
) -> None:
    away(pace, True)
    for _ in range(3):
        given = await pace.reserve([LINE])
    away(pace, False)
    assert (await pace.reserve([Rate("line", calls=1, most=0.1)])).refused
    other = Pace(pace._script.registered_client, prefix=pace._prefix)
    assert (await other.reserve([LINE])).wait > given.wait


async def test_processes_that_lose_redis_together_do_not_all_begin_at_once(pace: Pace) -> None:
    waits = []
    for _ in range(40):
        process = Pace(pace._script.registered_client, share=8)
        away(process, True)
        waits.append((await process.reserve([LINE])).wait)
    assert len([one for one in waits if one < 3.5]) < 35
    assert max(waits) <= 7


class ClosedUnderneath:
    """A client whose connection was closed, as uvloop says it."""

    def register_script(self, _script: str) -> Any:
        async def ask(**_more: Any) -> None:
            raise RuntimeError("unable to perform operation on <TCPTransport closed=True>")

        return ask


async def test_a_connection_to_redis_that_is_closed_is_redis_being_away() -> None:
    pace = Pace(cast("Any", ClosedUnderneath()), share=1)
    assert (await pace.reserve([LINE])).wait == 0
    assert await pace.count("requests", 1, 60) == 0
    assert await pace.count("requests", 1, 60) > 0
    await pace.hold(LINE, 30)
    assert (await pace.reserve([LINE])).wait > 25
