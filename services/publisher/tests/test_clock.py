"""What the clock starts, holds and wakes; the row is the truth and messages only wake-up calls."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from common.contracts.words import Platform
from platforms.port import Guard
from publisher.app.edit_publication import edit_publication
from publisher.app.start_due import BATCH, hold_due, start_due, wake_unattended
from publisher.domain.publication import Connection, Publication, Stage
from publisher.domain.states import Status
from publisher.media.opening import Opening
from support.waiting import eventually

from .lab import Lab
from .scripted import Scripted
from .test_reactions import connected, disconnected, expired

pytestmark = pytest.mark.anyio
DAY = timedelta(days=1)


@pytest.fixture
def lab(empty_db: AsyncEngine, opening: Opening, platform: Scripted) -> Lab:
    platform.step("send", Guard.CHECKED, visible=True)
    return Lab(empty_db, opening, platform.adapter())


async def tick(lab: Lab, hold_max: timedelta = DAY) -> int:
    async with lab.transaction() as uow:
        started = await start_due(uow)
    async with lab.transaction() as uow:
        await hold_due(uow, hold_max=hold_max)
    return started


async def wake(lab: Lab, again_after: timedelta = timedelta(seconds=30)) -> int:
    async with lab.transaction() as uow:
        return await wake_unattended(uow, quarantine=lab.policy.quarantine, again_after=again_after)


async def long_ago(lab: Lab) -> None:
    """Whatever call was made was made an hour ago, and lost."""
    await lab.rows("UPDATE publications SET woken_at = woken_at - interval '1 hour'")


async def test_what_is_due_is_started_with_a_wake_up_call_and_nothing_earlier(lab: Lab) -> None:
    due = await lab.scheduled()
    early = await lab.request(at=datetime.now(UTC) + timedelta(seconds=30))
    assert await tick(lab) == 1
    found = await lab.read(due)
    assert (found.status, found.stage, found.version) == (Status.PUBLISHING, Stage.QUEUED, 2)
    assert (await lab.kinds(due)) == ["scheduled", "due"]
    [call] = await lab.told(due)
    assert call["type"] == "PublicationRequested.v1"
    assert call["traceparent"].split("-")[1] == due.traceparent.split("-")[1]
    assert (await lab.read(early)).status is Status.SCHEDULED
    assert await lab.claim(early) is None
    assert await tick(lab) == 0


async def test_it_is_started_the_moment_it_is_due(lab: Lab) -> None:
    row = await lab.request(at=datetime.now(UTC) + timedelta(seconds=0.7))

    async def started() -> Publication | None:
        await tick(lab)
        found = await lab.read(row)
        return found if found.status is Status.PUBLISHING else None

    found = await eventually(started)
    assert found is not None
    assert row.schedule_at is not None
    assert timedelta() <= found.updated_at - row.schedule_at < timedelta(seconds=5)


async def test_two_clocks_start_each_row_once(lab: Lab) -> None:
    account = await lab.connection("user-of-clocks")
    rows = [await lab.scheduled(connection=account) for _ in range(30)]
    while sum(await asyncio.gather(tick(lab), tick(lab))):
        pass
    for row in rows:
        assert await lab.wakes(row) == 1
        assert (await lab.read(row)).version == 2
        assert (await lab.kinds(row)).count("due") == 1


class TestHolding:
    """While an account is expired its publications wait for it, up to HOLD_MAX."""

    @pytest.fixture
    async def account(self, lab: Lab, user: str) -> Connection:
        found = await lab.connection(user)
        await lab.hear(expired(found.id, user), 2)
        return found

    async def test_what_is_due_is_held_with_the_reason(self, lab: Lab, account: Connection) -> None:
        row = await lab.scheduled(connection=account)
        for _ in range(3):
            await tick(lab)
            await lab.later(row)
        found = await lab.read(row)
        assert (found.status, found.hold) == (Status.SCHEDULED, "connection_expired")
        assert (await lab.kinds(row)) == ["scheduled", "held"]
        assert await lab.wakes(row) == 0

    async def test_it_is_sent_after_reconnecting(
        self, lab: Lab, account: Connection, user: str
    ) -> None:
        row = await lab.scheduled(connection=account)
        await tick(lab)
        await lab.hear(connected(account.id, user), 3)
        await tick(lab)
        found = await lab.read(row)
        assert (found.status, found.hold) == (Status.PUBLISHING, None)
        assert await lab.wakes(row) == 1

    async def test_after_the_longest_hold_it_fails(self, lab: Lab, account: Connection) -> None:
        row = await lab.scheduled(late=timedelta(hours=23), connection=account)
        over = await lab.scheduled(late=timedelta(hours=25), connection=account)
        await tick(lab)
        assert (await lab.read(row)).status is Status.SCHEDULED
        found = await lab.read(over)
        assert (found.status, found.error_code) == (Status.FAILED, "connection_expired")
        assert [fact["type"] for fact in await lab.told(over)] == ["PublicationFailed.v1"]

    async def test_one_that_was_put_off_while_held_is_not_sent_at_the_reconnect(
        self, lab: Lab, account: Connection, user: str
    ) -> None:
        row = await lab.scheduled(connection=account)
        await tick(lab)
        later = datetime.now(UTC) + DAY
        async with lab.transaction() as uow:
            held = await uow.publications.lock(row.id, user)
            assert held is not None
            assert await edit_publication(uow, held, {"schedule_at": later}) is not None
        assert (await lab.read(row)).hold is None
        await lab.hear(connected(account.id, user), 3)
        await tick(lab)
        found = await lab.read(row)
        assert (found.status, found.due_at) == (Status.SCHEDULED, later)

    async def test_a_disconnect_cancels_what_was_held(
        self, lab: Lab, account: Connection, user: str
    ) -> None:
        row = await lab.scheduled(connection=account)
        await tick(lab)
        await lab.hear(disconnected(account.id, user), 3)
        assert (await lab.read(row)).status is Status.CANCELLED

    async def test_a_page_full_of_held_ones_does_not_starve_a_later_one(
        self, lab: Lab, account: Connection
    ) -> None:
        first = await lab.scheduled(late=timedelta(minutes=9), connection=account)
        await lab.rows(
            "INSERT INTO publications (id, user_id, clip_id, connection_id, platform, account_id,"
            " title, description, options, media, status, schedule_at, due_at, traceparent,"
            " correlation_id) SELECT gen_random_uuid(), user_id, 'clip-' || n, connection_id,"
            " platform, account_id, title, description, options, media, status, schedule_at,"
            " due_at, traceparent, correlation_id FROM publications,"
            " generate_series(2, CAST(:many AS integer)) AS n WHERE id = :id",
            many=BATCH,
            id=first.id,
        )
        healthy = await lab.scheduled()
        assert await tick(lab) == 1
        assert (await lab.read(healthy)).status is Status.PUBLISHING


class TestWaking:
    """Should every queue be lost, this alone brings each publication to its end."""

    async def test_a_lost_wake_up_call_is_sent_again_as_a_new_message(self, lab: Lab) -> None:
        row = await lab.request()
        assert await wake(lab) == 0, "the request's own call may still be on its way"
        assert await wake(lab, again_after=timedelta()) == 1
        assert await wake(lab) == 0, "so may the second"
        calls = await lab.told(row)
        assert len({call["id"] for call in calls}) == len(calls) == 2
        assert {call["traceparent"].split("-")[1] for call in calls} == {
            row.traceparent.split("-")[1]
        }

    async def test_one_at_work_is_left_alone(self, lab: Lab) -> None:
        row = await lab.request()
        assert await lab.claim(row) is not None
        assert await wake(lab) == 0

    async def test_one_that_waits_is_woken_when_it_is_due(
        self, lab: Lab, platform: Scripted
    ) -> None:
        platform.order("act:send", ConnectionError())
        row = await lab.attempt(await lab.request())
        assert row.stage is Stage.WAITING
        assert await wake(lab) == 0
        await lab.later(row)
        assert await wake(lab) == 1

    async def test_an_orphan_is_woken_after_lease_and_quarantine(
        self, lab: Lab, platform: Scripted
    ) -> None:
        await lab.cut_off(platform.stuck("act:send"))
        for age, woken in ((1, 0), (29, 0), (31, 1)):
            await lab.rows(
                "UPDATE publications SET lease_until = now() - CAST(:ago AS interval)",
                ago=timedelta(seconds=age),
            )
            assert await wake(lab) == woken

    async def test_what_ended_is_never_woken(self, lab: Lab) -> None:
        row = await lab.attempt(await lab.request())
        assert row.status is Status.PUBLISHED
        assert await wake(lab, again_after=timedelta()) == 0

    async def test_two_clocks_call_for_each_row_once(self, lab: Lab) -> None:
        account = await lab.connection("user-of-clocks")
        rows = [await lab.request(connection=account) for _ in range(30)]
        await lab.rows("UPDATE publications SET woken_at = NULL")
        assert sum(await asyncio.gather(wake(lab), wake(lab))) == len(rows)
        for row in rows:
            assert await lab.wakes(row) == 2, "the request's own call, and this one"

    async def test_when_all_calls_are_lost_one_for_each_platform_is_made_again(
        self, lab: Lab, user: str
    ) -> None:
        """A worker goes on by itself; a call for each would only pile up before a slow one."""
        vk, dzen = await lab.connection(user), await lab.connection(user, Platform.DZEN)
        rows = [await lab.request(connection=one) for one in (vk, vk, vk, dzen, dzen)]
        await long_ago(lab)
        assert sum(await asyncio.gather(wake(lab), wake(lab))) == 2
        assert [await lab.wakes(row) for row in rows] == [2, 1, 1, 2, 1]
        assert await wake(lab) == 0, "these calls may still be on their way"
        assert await lab.claim(rows[0]) is not None
        assert await wake(lab) == 1, "and the next is called for once the first is taken"

    async def test_a_queue_that_takes_no_calls_stops_only_those_of_its_platform(
        self, lab: Lab, user: str
    ) -> None:
        deaf, dzen = await lab.connection(user), await lab.connection(user, Platform.DZEN)
        piled = await lab.request(connection=deaf)
        await lab.rows(
            "INSERT INTO outbox (id, routing_key, body) SELECT gen_random_uuid(), routing_key, body"
            " FROM outbox, generate_series(2, CAST(:many AS integer)) WHERE body->>'subject' = :id",
            many=BATCH,
            id=str(piled.id),
        )
        other = await lab.request(connection=dzen)
        await lab.rows("UPDATE publications SET woken_at = NULL")
        assert await wake(lab) == 1
        assert (await lab.wakes(piled), await lab.wakes(other)) == (BATCH, 2)
        await lab.rows("UPDATE outbox SET sent_at = now()")
        assert await wake(lab) == 1, "its calls go on once they are taken"

    async def test_nobody_is_called_for_an_account_that_rests(self, lab: Lab, user: str) -> None:
        account = await lab.connection(user)
        row = await lab.request(connection=account)
        await long_ago(lab)
        async with lab.transaction() as uow:
            await uow.connections.rest(account.id, await uow.now() + DAY)
            await uow.connections.rest(account.id, await uow.now())
        assert (await wake(lab), await lab.claim(row)) == (0, None)
        await lab.rows("UPDATE connections SET rest_until = now()")
        assert await wake(lab) == 1
