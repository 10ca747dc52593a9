"""A backlog costs a platform as few calls as it can, however many workers share it."""

import asyncio
from collections import Counter
from math import ceil
from uuid import UUID

import pytest

from common.contracts.words import Platform
from support.stats_lab import Account, Lab

pytestmark = pytest.mark.anyio
DUE = [401] * 10 + [200] * 10 + [50] * 79 + [40]
"""Posts of each of a hundred accounts."""
BATCH = 200
WORKERS = 4


async def watch(lab: Lab, account: Account, many: int) -> None:
    """Its posts are all due; none of them exists any more."""
    await lab.copy(await lab.watch(account, f"{account.id}_1"), many - 1)


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
