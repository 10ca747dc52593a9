"""An account that suddenly publishes far too much is paused by itself: not one goes out beyond."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from structlog.testing import capture_logs

from common.bus.subscription import Heard
from common.contracts.publisher import PublicationRequested
from common.contracts.words import Platform
from common.http.rates import Allowance
from common.ids import new_id
from platforms.port import Guard
from publisher.app.pause_publishing import resume_publishing
from publisher.app.pauses import BURST, Pause, Scope
from publisher.app.work import Worker
from publisher.domain.burst import Burst
from publisher.domain.publication import Connection, Publication
from publisher.domain.states import Status
from publisher.media.opening import Opening
from publisher.settings import PublisherSettings
from support.servers import truncate

from .lab import POLICY, Lab
from .scripted import Scripted

pytestmark = pytest.mark.anyio
HOUR = timedelta(hours=1)
LIMIT = 5


@pytest.fixture
async def lab(
    empty_db: AsyncEngine, opening: Opening, platform: Scripted, database_url: str
) -> AsyncIterator[Lab]:
    platform.step("send", Guard.CHECKED, visible=True)
    policy = replace(POLICY, burst=Burst(LIMIT, HOUR))
    found = Lab(empty_db, opening, platform.adapter(), policy=policy)
    yield found
    await truncate(database_url, "pauses", "audit")


async def work(lab: Lab, workers: int = 1) -> None:
    """Each a process of its own, called for everything there is; until nobody finds more."""
    found = [Worker(lab.engine(), slots=4) for _ in range(workers)]
    calls = (await lab.rows("SELECT count(*) FROM publications"))[0]["count"]
    async with asyncio.timeout(60):
        await asyncio.gather(*(one(call()) for one in found for _ in range(calls)))
        for one in found:
            await one.drain(60)


def call() -> Heard:
    """Says that something is due; what is taken is the next in turn."""
    about = {"user_id": "somebody", "platform": Platform.VK}
    fact = PublicationRequested(publication_id=new_id(), connection_id=new_id(), **about)
    return Heard(fact, 1, new_id())


async def requested(lab: Lab, many: int, user: str = "anna") -> tuple[Connection, ...]:
    """One account with so many publications."""
    account = await lab.connection(user)
    for _ in range(many):
        await lab.request(connection=account)
    return (account,)


async def sent(lab: Lab, account: Connection) -> int:
    rows = await lab.rows(
        "SELECT count(*) FROM publications WHERE connection_id = :id AND status = 'published'",
        id=account.id,
    )
    return int(rows[0]["count"])


async def taken(lab: Lab, account: Connection) -> int:
    rows = await lab.rows(
        "SELECT count(*) FROM publications WHERE connection_id = :id AND fence > 0", id=account.id
    )
    return int(rows[0]["count"])


async def pauses(lab: Lab) -> list[Pause]:
    async with lab.transaction() as uow:
        return await uow.pauses.all()


async def account_of(lab: Lab, publication_id: UUID) -> UUID:
    rows = await lab.rows(
        "SELECT connection_id FROM publications WHERE id = :id", id=publication_id
    )
    found: UUID = rows[0]["connection_id"]
    return found


async def resume(lab: Lab, account: Connection) -> None:
    async with lab.transaction() as uow:
        assert await resume_publishing(
            uow, Scope.CONNECTION, str(account.id), by="olga", reason="asked her"
        )


async def a_row(lab: Lab, account: Connection, *, new: bool) -> Publication:
    """One of the account's that was never in hand, or that was."""
    rows = await lab.rows(
        "SELECT id FROM publications WHERE connection_id = :id AND (fence = 0) = :new LIMIT 1",
        id=account.id,
        new=new,
    )
    async with lab.transaction() as uow:
        found = await uow.publications.get(rows[0]["id"], account.user_id)
    assert found is not None
    return found


async def test_many_workers_take_exactly_as_many_as_are_allowed(lab: Lab) -> None:
    (flooded,) = await requested(lab, 4 * LIMIT)
    (own,) = await requested(lab, LIMIT)
    (others,) = await requested(lab, LIMIT, user="zoe")
    with capture_logs() as logged:
        await work(lab, workers=6)
    assert await taken(lab, flooded) == LIMIT
    assert await sent(lab, own) == await sent(lab, others) == LIMIT, "nobody else is touched"
    [paused] = await pauses(lab)
    assert (paused.scope, paused.id) == (Scope.CONNECTION, str(flooded.id))
    assert paused.paused_by == BURST
    assert paused.reason == "5 publications within 1h, as many as BURST_LIMIT allows"
    [line] = [one for one in logged if one["event"] == "publishing_paused"]
    assert (line["log_level"], line["by"], line["of"]) == ("warning", BURST, str(flooded.id))
    waiting = await a_row(lab, flooded, new=True)
    assert waiting.held_back
    assert (waiting.status, waiting.attempt) == (Status.PUBLISHING, 0)


async def test_the_count_outlives_its_workers(lab: Lab) -> None:
    (account,) = await requested(lab, LIMIT - 1)
    await work(lab)
    for _ in range(3):
        await lab.request(connection=account)
    await work(lab, workers=2)
    assert await sent(lab, account) == LIMIT
    assert [one.paused_by for one in await pauses(lab)] == [BURST]


async def test_when_an_operator_resumes_it_the_count_begins_anew(lab: Lab) -> None:
    (account,) = await requested(lab, 3 * LIMIT)
    await work(lab)
    await resume(lab, account)
    await work(lab, workers=2)
    assert await taken(lab, account) == 2 * LIMIT
    assert len(await pauses(lab)) == 1
    await resume(lab, account)
    await work(lab, workers=2)
    assert await sent(lab, account) == 3 * LIMIT
    assert await pauses(lab) == [], "as many as are allowed are no burst"
    audit = await lab.rows("SELECT * FROM audit WHERE name = :id ORDER BY id", id=str(account.id))
    assert [(one["action"], one["actor"]) for one in audit] == [
        ("paused", BURST),
        ("resumed", "olga"),
    ] * 2


async def test_what_was_long_ago_does_not_count(lab: Lab) -> None:
    (account,) = await requested(lab, LIMIT)
    await work(lab)
    ago = "UPDATE publications SET first_claimed_at = first_claimed_at - CAST(:ago AS interval)"
    await lab.rows(ago, ago=HOUR)
    for _ in range(LIMIT):
        await lab.request(connection=account)
    await work(lab, workers=2)
    assert await sent(lab, account) == 2 * LIMIT
    assert await pauses(lab) == []


async def test_what_was_in_hand_before_goes_on_and_is_counted_once(
    lab: Lab, platform: Scripted
) -> None:
    """Polls, retries and what another worker takes over."""
    (account,) = await requested(lab, LIMIT)
    await work(lab)
    begun = await lab.request(connection=account)
    await lab.rows("UPDATE publications SET fence = 1 WHERE id = :id", id=begun.id)
    await work(lab)
    assert (await lab.read(begun)).status is Status.PUBLISHED
    assert await pauses(lab) == []
    times = await lab.rows("SELECT count(first_claimed_at) FROM publications")
    assert times[0]["count"] == LIMIT, "an older build took it"
    assert len(platform.asked) == LIMIT + 1


async def test_the_one_beyond_says_in_its_timeline_why_it_waits(lab: Lab) -> None:
    (account,) = await requested(lab, LIMIT + 2)
    await work(lab)
    lines = await lab.rows("SELECT detail FROM timeline WHERE kind = 'paused'")
    assert [line["detail"] for line in lines] == [BURST], "one line, however many wait"
    assert await sent(lab, account) == LIMIT


async def test_a_claimer_that_is_frozen_holds_up_no_other_account(lab: Lab) -> None:
    (held,) = await requested(lab, 3)
    (own,) = await requested(lab, 1)
    (others,) = await requested(lab, 1, user="zoe")
    async with lab.transaction() as frozen, asyncio.timeout(40):
        due = await frozen.due.next_in_turn(
            Platform.VK, "", quarantine=POLICY.quarantine, counted=True
        )
        assert due is not None
        assert await account_of(lab, due) == held.id
        await work(lab)
        assert await sent(lab, own) == await sent(lab, others) == 1
        assert await taken(lab, held) == 0, "it can't be counted now"
    await work(lab)
    assert await sent(lab, held) == 3


async def test_without_a_limit_a_frozen_claimer_holds_up_its_own_publication_only(lab: Lab) -> None:
    free = replace(lab, policy=POLICY)
    (account,) = await requested(free, 3)
    async with free.transaction() as frozen, asyncio.timeout(40):
        assert await frozen.due.next_in_turn(Platform.VK, "", quarantine=POLICY.quarantine)
        await work(free)
        assert await sent(free, account) == 2


async def test_without_a_limit_nothing_pauses(lab: Lab) -> None:
    free = replace(lab, policy=POLICY)
    (account,) = await requested(free, 3 * LIMIT)
    await work(free)
    assert await sent(lab, account) == 3 * LIMIT
    assert await pauses(lab) == []


@pytest.mark.parametrize(
    ("text", "limit"),
    [("off", None), ("7/minute", Allowance(7, 60)), (None, Allowance(200, 3600))],
)
def test_the_limit_is_a_setting(
    settings_values: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    text: str | None,
    limit: Allowance | None,
) -> None:
    if text is not None:
        monkeypatch.setenv("BURST_LIMIT", text)
    assert PublisherSettings(**settings_values).burst_limit == limit


@pytest.mark.parametrize("text", ["0/hour", "none", "200"])
def test_a_limit_that_cannot_be_read_is_refused(
    settings_values: dict[str, str], monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv("BURST_LIMIT", text)
    with pytest.raises(ValueError, match="20/minute"):
        PublisherSettings(**settings_values)
