"""How many posts have numbers as young as promised, counted in the database."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from common.contracts.words import Platform
from stats_collector.app.ports import Freshness
from stats_collector.db.uow import WritingUow
from stats_collector.domain.policy import Policy
from stats_collector.domain.schedule import Schedule
from support.plans import statements
from support.stats_lab import Account, Lab, connected, disconnected, published

pytestmark = pytest.mark.anyio
MOMENT = timedelta(seconds=1)
HOUR = timedelta(hours=1)
PUBLISHED = datetime.now(UTC)
SCHEDULE = Schedule(first_after=HOUR, every=6 * HOUR, lasts=timedelta(days=30))
Numbers = dict[Platform, Freshness]


class At:
    """A clock that stands so long after PUBLISHED."""

    def __init__(self, later: timedelta) -> None:
        self._now = PUBLISHED + later

    def now(self) -> datetime:
        return self._now


async def freshness(lab: Lab, *, after: timedelta) -> Numbers:
    """So long after PUBLISHED."""
    policy = Policy(SCHEDULE, frozenset({Platform.TELEGRAM}))
    async with WritingUow(lab.engine, policy, At(after)) as uow:
        return await uow.watches.freshness(uow.policy.schedule)


async def appear(lab: Lab, account: Account, post_id: str = "1_1") -> UUID:
    """A post that was published at PUBLISHED."""
    told = published(account, post_id)
    await lab.hear(told.model_copy(update={"published_at": PUBLISHED}))
    return told.publication_id


async def test_a_post_without_a_sample_is_fresh_until_its_first_look_is_overdue_by_every(
    lab: Lab,
) -> None:
    await appear(lab, lab.account(Platform.VK))
    assert await freshness(lab, after=MOMENT) == {Platform.VK: Freshness(1, 1)}
    assert await freshness(lab, after=7 * HOUR - MOMENT) == {Platform.VK: Freshness(1, 1)}
    assert await freshness(lab, after=7 * HOUR) == {Platform.VK: Freshness(1, 0)}


async def test_a_sampled_post_is_fresh_until_its_latest_sample_is_as_old_as_every(
    lab: Lab,
) -> None:
    await appear(lab, lab.account(Platform.VK))
    await lab.rows("UPDATE watches SET sampled_at = :at", at=PUBLISHED + 20 * HOUR)
    assert await freshness(lab, after=26 * HOUR - MOMENT) == {Platform.VK: Freshness(1, 1)}
    assert await freshness(lab, after=26 * HOUR) == {Platform.VK: Freshness(1, 0)}


async def test_what_a_worker_has_just_sampled_is_fresh(lab: Lab) -> None:
    await lab.watch(lab.account(Platform.VK), "1_1")
    await lab.rows("UPDATE watches SET published_at = published_at - interval '1 day'")

    async def fresh() -> Numbers:
        async with lab.transaction() as uow:
            return await uow.watches.freshness(uow.policy.schedule)

    assert await fresh() == {Platform.VK: Freshness(1, 0)}
    assert await lab.collect(Platform.VK)
    assert await fresh() == {Platform.VK: Freshness(1, 1)}


async def test_platforms_are_counted_apart(lab: Lab) -> None:
    vk, dzen = lab.account(Platform.VK), lab.account(Platform.DZEN)
    for number in range(3):
        await appear(lab, vk, f"1_{number}")
    await appear(lab, dzen)
    await lab.rows(
        "UPDATE watches SET sampled_at = :at WHERE post_id IN ('1_0', '1_1') AND platform = 'vk'",
        at=PUBLISHED + 20 * HOUR,
    )
    assert await freshness(lab, after=21 * HOUR) == {
        Platform.VK: Freshness(3, 2),
        Platform.DZEN: Freshness(1, 0),
    }


async def test_what_is_paused_is_not_counted_until_it_is_resumed(lab: Lab) -> None:
    account = lab.account(Platform.RUTUBE)
    await appear(lab, account)
    await lab.hear(disconnected(account), version=2)
    assert await freshness(lab, after=MOMENT) == {}
    await lab.hear(connected(account), version=3)
    assert await freshness(lab, after=MOMENT) == {Platform.RUTUBE: Freshness(1, 1)}


async def test_what_has_no_rounds_left_is_not_counted(lab: Lab) -> None:
    await appear(lab, lab.account(Platform.VK))
    async with lab.transaction() as uow:
        claim = await uow.watches.claim(Platform.VK, 1, HOUR)
        assert claim is not None
        await uow.watches.release([(watch, None) for watch in claim.watches])
    assert await freshness(lab, after=MOMENT) == {}


async def test_telegram_has_no_numbers_that_could_be_old(lab: Lab) -> None:
    await appear(lab, lab.account(Platform.TELEGRAM), "7")
    assert await lab.one("SELECT count(*) AS n FROM watches") == {"n": 1}
    assert await freshness(lab, after=MOMENT) == {}


async def test_old_posts_are_not_read(lab: Lab) -> None:
    """Three of a thousand are watched; the statement itself is explained."""
    await lab.copy(await appear(lab, lab.account(Platform.VK)), 1000, watched=2)
    with statements(lab.engine) as sent:
        assert await freshness(lab, after=MOMENT) == {Platform.VK: Freshness(3, 3)}
    [(statement, values)] = sent
    async with lab.engine.connect() as connection:
        await connection.exec_driver_sql("SET enable_seqscan = off")  # whatever statistics say
        plan = await connection.exec_driver_sql(f"EXPLAIN {statement}", values)
        read = "\n".join(row[0] for row in plan)
        assert "watches_due" in read or "watches_account_due" in read, "both hold live posts only"
