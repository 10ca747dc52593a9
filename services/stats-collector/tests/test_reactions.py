"""What is watched follows the events, in whatever order they come."""

import pytest

from common.contracts.words import Platform
from support.stats_lab import Lab, connected, disconnected, expired, published

pytestmark = pytest.mark.anyio


async def paused(lab: Lab) -> str | None:
    return (await lab.one("SELECT paused FROM watches"))["paused"]  # type: ignore[no-any-return] # a row's value


async def test_a_removed_account_is_not_watched_any_more(lab: Lab) -> None:
    account = lab.account(Platform.VK)
    await lab.hear(connected(account), version=1)
    await lab.watch(account, "1_1")
    await lab.hear(disconnected(account), version=2)
    assert await paused(lab) == "disconnected"
    assert not await lab.collect(Platform.VK)
    assert lab.lender.asked == []


async def test_an_expired_account_is_watched_again_once_it_is_reconnected(lab: Lab) -> None:
    account = lab.account(Platform.VK)
    await lab.watch(account, "1_1")
    await lab.hear(expired(account), version=2)
    assert await paused(lab) == "connection_expired"
    await lab.hear(connected(account), version=3)
    assert await paused(lab) is None
    assert await lab.collect(Platform.VK)


async def test_an_older_event_that_comes_late_changes_nothing(lab: Lab) -> None:
    account = lab.account(Platform.VK)
    await lab.watch(account, "1_1")
    await lab.hear(connected(account), version=3)
    await lab.hear(expired(account), version=2)
    assert await paused(lab) is None
    await lab.hear(disconnected(account), version=4)
    await lab.hear(connected(account), version=3)
    assert await paused(lab) == "disconnected"


async def test_a_post_heard_of_after_its_account_expired_starts_paused(lab: Lab) -> None:
    account = lab.account(Platform.VK)
    await lab.hear(expired(account), version=2)
    await lab.watch(account, "1_1")
    assert await paused(lab) == "connection_expired"
    await lab.hear(connected(account), version=3)
    assert await lab.collect(Platform.VK)


async def test_the_same_post_told_twice_is_watched_once(lab: Lab) -> None:
    event = published(lab.account(Platform.TELEGRAM), "7")
    await lab.hear(event)
    await lab.hear(event)
    assert len(await lab.rows("SELECT * FROM watches")) == 1
    assert len(await lab.told()) == 1


async def test_other_accounts_go_on_when_one_expires(lab: Lab) -> None:
    one, other = lab.account(Platform.VK), lab.account(Platform.VK)
    await lab.watch(one, "1_1")
    publication = await lab.watch(other, "2_2")
    await lab.hear(expired(one), version=2)
    assert await lab.collect(Platform.VK)
    assert not await lab.collect(Platform.VK)
    assert (await lab.one("SELECT * FROM samples"))["publication_id"] == publication


async def test_a_post_that_grew_old_while_it_was_paused_is_not_asked_for(lab: Lab) -> None:
    account = lab.account(Platform.VK)
    await lab.watch(account, "1_1")
    await lab.hear(expired(account), version=2)
    await lab.rows("UPDATE watches SET until = now() - interval '1 day'")
    await lab.hear(connected(account), version=3)
    assert not await lab.collect(Platform.VK)


async def test_a_refusal_that_is_older_than_the_reconnect_pauses_nothing(lab: Lab) -> None:
    account = lab.account(Platform.VK)
    await lab.hear(connected(account), version=1)
    await lab.watch(account, "1_1")
    async with lab.transaction() as uow:
        await lab.hear(connected(account), version=2)
        assert not await uow.connections.refused(account.connection_id, 1)
        assert await uow.connections.refused(account.connection_id, 2)
