"""Any number of workers share the work: nothing is sampled twice, nothing is left out."""

import asyncio
from datetime import timedelta

import pytest

from common.contracts.words import Platform
from platforms.port import Numbers
from stats_collector.app.read_numbers import Told
from stats_collector.app.record_answer import record_answer
from stats_collector.worker.sampler import Sampler
from support.stats_lab import Lab
from support.waiting import eventually

pytestmark = pytest.mark.anyio
POSTS = 12


async def sampled(lab: Lab) -> int:
    return (await lab.one("SELECT count(*) AS n FROM samples"))["n"]  # type: ignore[no-any-return] # a row's value


async def test_two_replicas_never_sample_the_same_post_twice(lab: Lab) -> None:
    for _ in range(3):
        account = lab.account(Platform.DZEN)
        for number in range(POSTS // 3):
            await lab.watch(account, f"missing-{number}")
    stats = {Platform.DZEN: lab.adapters[Platform.DZEN].stats}
    samplers = [Sampler(stats, lab.tokens, lab.transaction) for _ in range(2)]  # type: ignore[arg-type] # Дзен has statistics
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        for sampler in samplers:
            group.create_task(sampler.run(stop))

        async def all_of_them() -> bool:
            return await sampled(lab) >= POSTS

        await eventually(all_of_them)
        stop.set()
    assert await sampled(lab) == POSTS
    assert lab.calls(Platform.DZEN, "stats") == POSTS
    assert len(await lab.told()) == POSTS


async def test_what_a_dead_replica_held_is_taken_over_when_its_lease_has_run_out(lab: Lab) -> None:
    await lab.watch(lab.account(Platform.VK), "1_1")
    async with lab.transaction() as uow:
        claim = await uow.watches.claim(Platform.VK, 200, timedelta(minutes=5))
    assert claim is not None
    assert not await lab.collect(Platform.VK), "while the lease runs nobody else asks"
    await lab.rows("UPDATE watches SET leased_until = now() - interval '1 second'")
    assert await lab.collect(Platform.VK)
    await lab.next_round()  # else it would be too soon for any other sample

    async with lab.transaction() as uow:  # the dead one wakes up and brings an old answer
        late = await record_answer(uow, claim, Told({"1_1": Numbers(views=7)}), source="late")
    assert late.sampled == 0
    assert (await lab.one("SELECT source FROM samples"))["source"] == "video.get"
    assert len(await lab.told()) == 1


async def test_a_claim_takes_one_account_at_a_time_and_no_more_than_asked_for(lab: Lab) -> None:
    one, other = lab.account(Platform.VK), lab.account(Platform.VK)
    for number in range(3):
        await lab.watch(one, f"1_{number}")
        await lab.watch(other, f"2_{number}")
    sizes = []
    for _ in range(4):
        async with lab.transaction() as uow:
            claim = await uow.watches.claim(Platform.VK, 2, timedelta(minutes=5))
        assert claim is not None
        assert {watch.connection_id for watch in claim.watches} == {claim.connection_id}
        sizes.append(len(claim.watches))
    assert sorted(sizes) == [1, 1, 2, 2]
