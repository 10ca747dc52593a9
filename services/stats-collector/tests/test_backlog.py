"""A backlog costs a platform as few calls as it can, however many workers share it."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from math import ceil
from uuid import UUID

import pytest
from pydantic import SecretStr

from common.contracts.words import Platform
from common.pace import Pace, redis_client
from platforms.pacing import Pacer, PaceSettings
from platforms.registry import adapters
from platforms.settings import PlatformUrls
from stats_collector.wiring import PACE_PATIENCE
from support.stats_lab import Account, Lab

pytestmark = pytest.mark.anyio
DUE = [401] * 10 + [200] * 10 + [50] * 79 + [40]
"""Posts of each of a hundred accounts."""
BATCH = 200
WORKERS = 4


@pytest.fixture
async def paced(lab: Lab, urls: PlatformUrls, redis_url: str) -> AsyncIterator[Lab]:
    """Its calls take turns as those of real workers do; only all of VK together are let through
    faster, so that the test ends."""
    redis = redis_client(SecretStr(redis_url))
    pace = PaceSettings(pace_vk=200)
    gate = Pacer(Pace(redis), pace, in_line=PACE_PATIENCE, aside=PACE_PATIENCE).gate
    plugged = adapters(urls, gate=gate)
    yield replace(lab, adapters=plugged)
    await plugged.aclose()
    await redis.aclose()


async def watch(lab: Lab, account: Account, many: int) -> None:
    """Its posts are all due; none of them exists any more."""
    first = await lab.watch(account, f"{account.id}_1")
    await lab.rows(
        "INSERT INTO watches (publication_id, post_id, user_id, connection_id, platform,"
        " account_id, published_at, until, gone, round_at, next_at, failures, told, traceparent,"
        " correlation_id) SELECT gen_random_uuid(), account_id || '_' || n, user_id, connection_id,"
        " platform, account_id, published_at, until, gone, round_at, next_at, failures, told,"
        " traceparent, correlation_id FROM watches, generate_series(2, CAST(:many AS int)) n"
        " WHERE publication_id = :first",
        many=many,
        first=first,
    )


async def until_nothing_is_due(lab: Lab) -> None:
    while await lab.collect(Platform.VK):
        pass


async def test_ten_thousand_due_posts_cost_one_call_for_two_hundred_of_an_account(
    paced: Lab,
) -> None:
    accounts = [paced.account(Platform.VK) for _ in DUE]
    for account, many in zip(accounts, DUE, strict=True):
        await watch(paced, account, many)
    assert (await paced.one("SELECT count(*) AS n FROM watches"))["n"] == sum(DUE) == 10_000

    await asyncio.gather(*(until_nothing_is_due(paced) for _ in range(WORKERS)))

    # A worker that found all that is due in others' hands may have stopped before them.
    await until_nothing_is_due(paced)
    sampled = await paced.rows("SELECT publication_id FROM samples")
    assert len(sampled) == len(set[UUID](row["publication_id"] for row in sampled)) == sum(DUE)
    calls = Counter(one["account"] for one in paced.sandbox.journal() if one["step"] == "video.get")
    assert calls == {
        account.id: ceil(many / BATCH) for account, many in zip(accounts, DUE, strict=True)
    }
