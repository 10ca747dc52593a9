"""The table of rates: what a call counts against, and that the gate says how long to wait."""

from datetime import timedelta

import pytest
from pydantic import SecretStr

from common.contracts.words import Platform
from common.pace import Pace, Rate, redis_client
from platforms.calls import Call
from platforms.errors import RateLimited
from platforms.pacing import PaceSettings, paced, rates

pytestmark = pytest.mark.anyio
NOBODY_LISTENS = SecretStr("redis://127.0.0.1:1/0")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def test_a_call_counts_against_the_platform_and_the_account() -> None:
    assert rates(PaceSettings(), Call(Platform.VK, "video.get", "7")) == [
        Rate("vk", 2),
        Rate("vk:account:7", 3),
    ]


def test_a_message_counts_against_its_chat_as_well() -> None:
    call = Call(Platform.TELEGRAM, "sendVideo", account="42", chat="-1001")
    assert rates(PaceSettings(), call)[2] == Rate("telegram:chat:-1001", 18, seconds=60)


def test_every_save_counts_against_vks_day() -> None:
    settings = PaceSettings(vk_daily_saves=3)
    found = rates(settings, Call(Platform.VK, "video.save", "7"))
    assert found[2] == Rate("vk:saves", 3, seconds=86400, burst=3)


async def test_the_gate_refuses_what_would_take_too_long_and_says_how_long() -> None:
    redis = redis_client(NOBODY_LISTENS)
    gate = paced(Pace(redis, share=1), PaceSettings(pace_dzen=0.1), most=timedelta(seconds=1))
    await gate(Call(Platform.DZEN, "stats"))
    with pytest.raises(RateLimited) as refused:
        await gate(Call(Platform.DZEN, "stats"))
    await redis.aclose()
    assert timedelta(seconds=8) < refused.value.retry_after <= timedelta(seconds=10)
