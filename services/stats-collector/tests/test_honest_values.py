"""What a sample may say: nothing made up, nothing twice, nothing compared that can't be."""

from typing import Any
from uuid import UUID

import pytest

from common.contracts.words import Platform
from platforms.port import Numbers
from stats_collector.app.collect_batch import LEASE
from stats_collector.app.read_numbers import Told
from stats_collector.app.record_answer import Recorded, record_answer
from support.stats_lab import Lab, disconnected

pytestmark = pytest.mark.anyio
POST = "1_1"


@pytest.fixture
async def publication(lab: Lab) -> UUID:
    return await lab.watch(lab.account(Platform.VK), POST)


async def answer(lab: Lab, numbers: Numbers, source: str = "video.get") -> Recorded:
    """The platform answers what is due."""
    async with lab.transaction() as uow:
        claim = await uow.watches.claim(Platform.VK, 200, LEASE)
        assert claim is not None
        return await record_answer(uow, claim, Told({POST: numbers}), source=source)


async def rounds(lab: Lab, *answers: tuple[Numbers, str]) -> list[dict[str, Any]]:
    """One answer a round; the samples that came of it."""
    for numbers, source in answers:
        await answer(lab, numbers, source)
        await lab.next_round()
    return await lab.rows("SELECT * FROM samples ORDER BY at")


@pytest.mark.usefixtures("publication")
async def test_looking_again_within_the_same_minute_changes_nothing(lab: Lab) -> None:
    assert (await answer(lab, Numbers(views=5))).sampled == 1
    before = await lab.one("SELECT told, views, sampled_at FROM watches")
    await lab.due()
    assert await answer(lab, Numbers(views=9)) == Recorded()
    assert await lab.one("SELECT told, views, sampled_at FROM watches") == before
    assert (await lab.one("SELECT views FROM samples"))["views"] == 5
    assert len(await lab.told()) == 1
    assert (await lab.one("SELECT next_at > now() AS later, lease FROM watches")) == {
        "later": True,
        "lease": None,
    }


@pytest.mark.usefixtures("publication")
async def test_views_that_a_platform_takes_back_are_growth_below_zero(lab: Lab) -> None:
    samples = await rounds(lab, *((Numbers(views=views), "video.get") for views in (100, 40, 60)))
    assert [one["views"] for one in samples] == [100, 40, 60]
    assert [one["views_growth"] for one in samples] == [100, -60, 20]
    assert all(one["comparable"] for one in samples)


@pytest.mark.usefixtures("publication")
async def test_views_counted_by_other_rules_are_not_compared(lab: Lab) -> None:
    new = "video.get, new rules"
    samples = await rounds(
        lab, (Numbers(views=100), "video.get"), (Numbers(views=900), new), (Numbers(views=950), new)
    )
    assert [one["comparable"] for one in samples] == [True, False, True]
    assert [one["views_growth"] for one in samples] == [100, None, 50]


@pytest.mark.usefixtures("publication")
async def test_what_is_processed_again_tells_no_numbers_and_says_why(lab: Lab) -> None:
    samples = await rounds(
        lab,
        (Numbers(views=100), "video.get"),
        (Numbers(processing=True), "video.get"),
        (Numbers(views=130), "video.get"),
    )
    assert [one["views"] for one in samples] == [100, None, 130]
    assert [one["views_growth"] for one in samples] == [100, None, 30]
    told = [one["data"] for one in await lab.told()]
    assert [one["reason"] for one in told] == [None, "processing", None]
    assert [one["gone"] for one in told] == [False] * 3


@pytest.mark.usefixtures("publication")
async def test_a_post_that_was_private_from_the_start_is_not_gone_for_it(lab: Lab) -> None:
    samples = await rounds(
        lab,
        (Numbers(views=1, private=True), "video.get"),
        (Numbers(views=2, private=True), "video.get"),
    )
    assert [(one["views"], one["gone"]) for one in samples] == [(1, False), (2, False)]


@pytest.mark.usefixtures("publication")
async def test_a_post_that_comes_back_goes_on_from_its_last_numbers(lab: Lab) -> None:
    samples = await rounds(
        lab,
        (Numbers(views=100), "video.get"),
        (Numbers(gone=True), "video.get"),
        (Numbers(views=101), "video.get"),
    )
    assert [one["gone"] for one in samples] == [False, True, False]
    assert [one["views_growth"] for one in samples] == [100, None, 1]
    assert [one["data"]["reason"] for one in await lab.told()] == [None, "gone", None]


async def test_an_answer_that_comes_after_the_account_was_removed_is_told_for_what_it_is(
    lab: Lab,
) -> None:
    account = lab.account(Platform.VK)
    await lab.watch(account, POST)
    async with lab.transaction() as uow:
        claim = await uow.watches.claim(Platform.VK, 200, LEASE)
    assert claim is not None
    await lab.hear(disconnected(account), 2)
    async with lab.transaction() as uow:
        await record_answer(uow, claim, Told({POST: Numbers(views=5)}), source="video.get")
    [told] = await lab.told()
    assert (told["data"]["views"], told["data"]["reason"]) == (5, None)
    watch = await lab.one("SELECT paused, lease FROM watches")
    assert watch == {"paused": "disconnected", "lease": None}
    assert not await lab.collect(Platform.VK)


async def test_the_service_itself_can_neither_change_nor_delete_a_sample(
    lab: Lab, publication: UUID
) -> None:
    await answer(lab, Numbers(views=5))
    for statement in ("UPDATE samples SET views = 6", "DELETE FROM samples"):
        with pytest.raises(Exception, match="permission denied"):
            await lab.rows(statement)
    assert (await lab.one("SELECT * FROM samples"))["publication_id"] == publication
