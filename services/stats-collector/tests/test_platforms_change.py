"""What platforms do to posts after publishing, as the samples show it."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from common.contracts.words import Platform
from platforms.errors import ContentRefused, RateLimited
from stats_collector.app.collect_batch import collect_batch
from stats_collector.app.read_numbers import MOST_REFUSALS
from support.stats_lab import Account, Lab

pytestmark = pytest.mark.anyio
WATCHED = (Platform.VK, Platform.RUTUBE, Platform.DZEN)
HOURS = 10
"""Long enough for every platform's counters to have grown."""


class Post:
    """One watched post and what its platform does to it."""

    def __init__(self, lab: Lab, account: Account, post_id: str) -> None:
        self._lab = lab
        self._account = account
        self.id = post_id

    async def look(self, hours: int = HOURS) -> dict[str, Any]:
        """The sample of one more round, so much later on the platform."""
        lab = self._lab
        moved = lab.sandbox.control.post("/_clock", json={"advance_seconds": hours * 3600})
        moved.raise_for_status()
        await lab.next_round()
        assert await lab.collect(self._account.platform)
        return (await lab.rows("SELECT * FROM samples ORDER BY at DESC LIMIT 1"))[0]

    def suffer(self, what: str, **more: int) -> None:
        """The platform does something to it."""
        order = {"platform": self._account.platform, "post_id": self.id, "do": what, **more}
        self._lab.sandbox.control.post("/_posts", json=order).raise_for_status()

    async def told(self) -> dict[str, Any]:
        """What was told last."""
        return (await self._lab.told())[-1]["data"]  # type: ignore[no-any-return] # JSON


@pytest.fixture(params=WATCHED)
async def post(lab: Lab, clip: bytes, request: pytest.FixtureRequest) -> Post:
    account = lab.account(request.param)
    post_id = await lab.post(account, clip)
    await lab.watch(account, post_id)
    return Post(lab, account, post_id)


async def test_views_grow_from_sample_to_sample(post: Post) -> None:
    first, second = await post.look(), await post.look()
    assert 0 < first["views"] < second["views"]
    assert second["views_growth"] == second["views"] - first["views"]


async def test_views_taken_back_are_shown_as_they_are(post: Post) -> None:
    first = await post.look()
    post.suffer("purge", views=10**9)
    second = await post.look(hours=0)
    assert second["views"] < first["views"]
    assert second["views_growth"] == second["views"] - first["views"] < 0


@pytest.mark.parametrize("end", ["delete", "block"])
async def test_a_post_that_its_platform_took_away_is_gone_until_it_is_back(
    post: Post, end: str
) -> None:
    before = await post.look()
    post.suffer(end)
    missing = await post.look()
    assert missing["gone"] is True
    told = await post.told()
    assert (told["reason"], told["gone"]) == ("gone", True)
    post.suffer("restore")
    back = await post.look()
    assert back["gone"] is False
    # VK goes on telling the counters of what it blocked; the others tell nothing.
    last = before["views"] if missing["views"] is None else missing["views"]
    assert back["views_growth"] == back["views"] - last
    assert (await post.told())["reason"] is None


async def test_a_post_that_was_made_private_is_gone_for_everybody_else(post: Post) -> None:
    await post.look()
    post.suffer("hide")
    assert (await post.look())["gone"] is True
    assert (await post.told())["reason"] == "gone"
    post.suffer("restore")
    assert (await post.look())["gone"] is False


async def test_a_post_in_processing_again_is_neither_gone_nor_without_views(post: Post) -> None:
    await post.look()
    post.suffer("process", seconds=(HOURS + 1) * 3600)
    sample = await post.look()
    assert (sample["gone"], sample["views"], sample["likes"]) == (False, None, None)
    told = await post.told()
    assert (told["reason"], told["gone"], told["views"]) == ("processing", False, None)
    assert (await post.look())["views"] > 0
    assert (await post.told())["reason"] is None


async def test_an_id_that_vk_refuses_is_set_apart_from_its_batch(paced: Lab, clip: bytes) -> None:
    lab, account = paced, paced.account(Platform.VK)
    good = [await lab.watch(account, await lab.post(account, clip)) for _ in range(3)]
    bad = await lab.watch(account, f"{account.id}_{2**63}")
    assert await lab.collect(Platform.VK)
    rows = await lab.rows("SELECT publication_id, told, failures FROM watches")
    assert {row["publication_id"]: (row["told"], row["failures"]) for row in rows} == {
        **dict.fromkeys(good, (1, 0)),
        bad: (0, 0),
    }
    late = "SELECT next_at - now() > interval '1 hour' AS late FROM watches WHERE told = 0"
    assert (await lab.one(late))["late"], "it would only be refused again before the next round"


async def test_what_the_platform_had_no_time_for_is_asked_again_without_the_rest(
    lab: Lab, clip: bytes
) -> None:
    account = lab.account(Platform.VK)
    for _ in range(3):
        await lab.watch(account, await lab.post(account, clip))
    await lab.watch(account, f"{account.id}_{2**63}")
    vk = lab.adapters[Platform.VK].stats
    assert vk is not None

    class Busy:
        """Tells one answer's worth, then asks to wait."""

        batch, source = vk.batch, vk.source
        told = False

        async def read(self, token: SecretStr, account_id: str, ids: Sequence[str]) -> Any:
            if self.told:
                raise RateLimited(timedelta(minutes=50))
            await asyncio.sleep(0.4)  # VK allows an account three calls a second
            found = await vk.read(token, account_id, ids)
            self.told = True
            return found

    assert await collect_batch(Platform.VK, Busy(), lab.tokens, lab.transaction)
    rows = await lab.rows("SELECT told, failures, next_at - now() AS wait FROM watches")
    assert sum(row["told"] for row in rows) in (1, 2), "one half of them, or of a half"
    assert not any(row["failures"] for row in rows), "being told to wait is no failure"
    waits = [row["wait"] for row in rows if not row["told"]]
    assert all(timedelta(minutes=40) < one <= timedelta(minutes=50) for one in waits)


async def test_a_batch_that_is_refused_throughout_costs_few_calls(lab: Lab) -> None:
    account = lab.account(Platform.VK)
    for number in range(60):
        await lab.watch(account, f"{account.id}_{number}")
    vk, calls = lab.adapters[Platform.VK].stats, list[int]()
    assert vk is not None

    class Refusing:
        """Takes none of them."""

        batch, source = vk.batch, vk.source

        async def read(self, _token: SecretStr, _account: str, ids: Sequence[str]) -> Any:
            calls.append(len(ids))
            raise ContentRefused

    assert await collect_batch(Platform.VK, Refusing(), lab.tokens, lab.transaction)
    assert len(calls) == MOST_REFUSALS < 60


async def test_an_account_that_is_refused_alone_costs_one_call(lab: Lab) -> None:
    account = lab.account(Platform.VK)
    await lab.watch(account, f"{account.id}_{2**63}")
    assert await lab.collect(Platform.VK)
    assert lab.calls(Platform.VK, "video.get") == 1
    assert (await lab.one("SELECT failures FROM watches"))["failures"] == 0, (
        "of no use to try again"
    )


async def test_a_busy_platform_is_left_alone_for_as_long_as_it_says(lab: Lab, clip: bytes) -> None:
    account = lab.account(Platform.RUTUBE)
    await lab.watch(account, await lab.post(account, clip))
    lab.sandbox.fail("rutube", "status", "rate_limited")
    before = lab.calls(Platform.RUTUBE, "status")
    assert await lab.collect(Platform.RUTUBE)
    wait = (await lab.one("SELECT next_at - now() AS wait FROM watches"))["wait"]
    assert timedelta() < wait <= timedelta(minutes=1)
    assert not await lab.collect(Platform.RUTUBE), "not before its time"
    assert lab.calls(Platform.RUTUBE, "status") == before + 1
    await lab.due()
    assert await lab.collect(Platform.RUTUBE)
    assert (await lab.one("SELECT told, failures FROM watches")) == {"told": 1, "failures": 0}
