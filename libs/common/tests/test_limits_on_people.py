"""How often a person may ask: exactly as often as the allowance says, with and without Redis."""

import time
from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr

from common.http.problems import Problem
from common.http.rates import Allowance, count
from common.ids import new_id
from common.pace import LOCAL_SHARE, Pace, Rate, redis_client

pytestmark = pytest.mark.anyio
NOBODY = "redis://127.0.0.1:1/0"


@pytest.fixture(params=["shared", "local"])
async def pace(request: pytest.FixtureRequest, redis_url: str) -> AsyncIterator[Pace]:
    redis = redis_client(SecretStr(redis_url if request.param == "shared" else NOBODY))
    yield Pace(redis)
    await redis.aclose()


async def test_no_window_holds_more_than_the_allowance(pace: Pace) -> None:
    user, allowance = str(new_id()), Allowance(5, 1)
    granted = []
    deadline = time.monotonic() + 2.5
    while time.monotonic() < deadline:
        if not (await count(pace, "test", user, allowance)).wait:
            granted.append(time.monotonic())
    assert len(granted) >= 10
    windows = zip(granted, granted[allowance.calls :], strict=False)
    assert all(later - first > 0.95 for first, later in windows)


async def test_the_refusal_says_when_to_come_back(pace: Pace) -> None:
    user, allowance = str(new_id()), Allowance(1, 60)
    (await count(pace, "test", user, allowance)).require()
    with pytest.raises(Problem) as refused:
        (await count(pace, "test", user, allowance)).require()
    assert (refused.value.status, refused.value.code) == (429, "rate_limited")
    assert refused.value.retry_after is not None
    assert 50 < refused.value.retry_after <= 60


async def test_eight_processes_without_redis_keep_to_the_rate_that_one_may_use() -> None:
    redis = redis_client(SecretStr(NOBODY))
    processes = [Pace(redis) for _ in range(LOCAL_SHARE)]
    rate = [Rate("platform", calls=8, most=1.0 / LOCAL_SHARE)]
    try:
        granted = 0
        for process in processes:
            while not (await process.reserve(rate)).refused:
                granted += 1
    finally:
        await redis.aclose()
    assert granted <= 8 * 1 + LOCAL_SHARE  # a second's worth, and the first call of each
