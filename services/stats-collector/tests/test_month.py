"""A month of sampling in a few minutes: real workers, killed and frozen, under a clock of ours."""

import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import cycle
from operator import sub
from pathlib import Path
from uuid import UUID

import pytest

from common.contracts.words import Platform
from stats_collector.app.collect_batch import LEASE
from stats_collector.db.uow import WritingUow
from support.stats_lab import MONTH, Account, Lab, published
from support.stats_month import FileClock
from support.waiting import eventually

pytestmark = [pytest.mark.anyio, pytest.mark.full, pytest.mark.timeout(900)]
BEGIN = datetime(2026, 3, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
SLOTS = 3
"""The publications appear at so many full hours."""
MANY = {Platform.VK: 970, Platform.RUTUBE: 9, Platform.DZEN: 9, Platform.TELEGRAM: 12}
ACCOUNTS = {Platform.VK: 3, Platform.RUTUBE: 1, Platform.DZEN: 1, Platform.TELEGRAM: 1}
POSTS = 4
"""Of each account: so many posts are really there, and each is watched many times."""
COALESCE = timedelta(minutes=1)
"""Time moves on to the next due moment and a little further."""
FAULTS = 30
EVERY = timedelta(hours=6)
"""What is promised."""


@dataclass
class Workers:
    """Two processes, replaced when they die."""

    settings: dict[str, str]
    orders: Path
    running: list["subprocess.Popen[bytes]"] = field(default_factory=list)
    deaths: int = 0
    freezes: int = 0

    def fill(self) -> None:
        """Start what is missing."""
        for dead in [one for one in self.running if one.poll() is not None]:
            assert dead.returncode == -signal.SIGKILL, "nobody ended it"
            self.running.remove(dead)
            self.deaths += 1
        while len(self.running) < 2:
            self.running.append(
                subprocess.Popen(
                    [sys.executable, "-m", "support.stats_month"],
                    env=self.settings,
                    stdout=subprocess.DEVNULL,
                )
            )

    def order(self, point: str, action: str) -> None:
        """The next worker that comes to this point obeys."""
        (self.orders / point).write_text(action)

    def struck(self) -> bool:
        """Whether an order was obeyed since the last look."""
        return any((self.orders / "fired").glob("*"))

    def fired(self) -> list[Path]:
        """The orders that were obeyed since the last look."""
        found = sorted((self.orders / "fired").glob("*"))
        for one in found:
            one.unlink()
        return found

    def thaw(self, fired: list[Path]) -> None:
        """Let a frozen one go on: it comes with an answer that is no longer wanted."""
        for one in fired:
            pid = int(one.name.split(".")[2])
            if any(worker.pid == pid and worker.poll() is None for worker in self.running):
                os.kill(pid, signal.SIGCONT)
                self.freezes += 1


@pytest.fixture
def clock(tmp_path: Path) -> FileClock:
    made = FileClock(tmp_path / "now")
    made.set(BEGIN)
    return made


@pytest.fixture
def workers(
    lab: Lab, migrated_url: str, lender_url: str, tmp_path: Path, clock: FileClock
) -> Iterator[Workers]:
    orders = tmp_path / "orders"
    orders.mkdir()
    assert clock.now() == BEGIN
    settings = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join(one for one in sys.path if one),
        "DATABASE_URL": migrated_url,
        "LENDER": lender_url,
        "PLATFORMS": lab.sandbox.url,
        "CLOCK": str(tmp_path / "now"),
        "FAILPOINTS": str(orders),
    }
    made = Workers(settings, orders)
    with ExitStack() as stack:
        made.fill()
        yield made
        for one in made.running:
            stack.callback(one.wait)
            stack.callback(one.kill)


@dataclass
class Month:
    """What was published when, and what time it is."""

    lab: Lab
    clock: FileClock
    published: dict[UUID, datetime] = field(default_factory=dict)

    def transaction(self) -> WritingUow:
        return WritingUow(self.lab.engine, MONTH, self.clock)

    async def publish(self, account: Account, post_id: str) -> None:
        """A post appears now."""
        now = self.clock.now()
        event = published(account, post_id).model_copy(update={"published_at": now})
        await self.lab.hear(event, transaction=self.transaction)
        self.published[event.publication_id] = now

    def pass_to(self, moment: datetime) -> None:
        """Here and on the platforms."""
        seconds = (moment - self.clock.now()).total_seconds()
        self.clock.set(moment)
        moved = self.lab.sandbox.control.post("/_clock", json={"advance_seconds": seconds})
        moved.raise_for_status()

    async def next_due(self) -> datetime | None:
        found: datetime | None = (await self.lab.one("SELECT min(next_at) AS at FROM watches"))[
            "at"
        ]
        return found

    async def settled(self, enough: Callable[[], bool] = lambda: False) -> None:
        """Until nothing is due and nothing is in anybody's hands, or it is enough."""

        async def look() -> bool:
            left = await self.lab.one(
                "SELECT count(*) AS n FROM watches WHERE lease IS NOT NULL OR next_at <= :now",
                now=self.clock.now(),
            )
            return left["n"] == 0 or enough()

        await eventually(look, seconds=60)

    async def share(self) -> float:
        """Of the watched ones, those that are fresh."""
        async with self.transaction() as uow:
            found = (await uow.watches.freshness(MONTH.schedule)).values()
        return sum(one.fresh for one in found) / sum(one.watched for one in found)


@pytest.fixture
async def month(lab: Lab, clock: FileClock) -> AsyncIterator[Month]:
    return Month(lab, clock)


async def posts(lab: Lab, clip: bytes) -> dict[Platform, Iterator[tuple[Account, str]]]:
    """Without end: an account and one of its posts."""
    found = {}
    for platform, accounts in ACCOUNTS.items():
        some = []
        for account in [lab.account(platform) for _ in range(accounts)]:
            for number in range(POSTS):
                lab.sandbox.control.post("/_clock", json={"advance_seconds": 60})  # no burst
                silent = platform is Platform.TELEGRAM
                some.append((account, str(number) if silent else await lab.post(account, clip)))
        found[platform] = cycle(some)
    return found


async def test_a_month_of_a_thousand_publications_misses_no_sample_and_takes_none_twice(
    month: Month, workers: Workers, lab: Lab, clip: bytes
) -> None:
    there = await posts(lab, clip)
    for hour in range(SLOTS):
        month.pass_to(BEGIN + hour * HOUR)
        for platform, many in MANY.items():
            for _ in range(many // SLOTS + (hour < many % SLOTS)):
                await month.publish(*next(there[platform]))
        await month.settled()
    assert len(month.published) == sum(MANY.values()) == 1000

    faults = cycle(
        [
            ("stats-collector.claimed", "kill9"),
            ("stats-collector.answered", "kill9"),
            ("stats-collector.answered", "stop"),
        ]
    )
    steps = ordered = 0
    while due := await month.next_due():
        steps += 1
        if due > BEGIN + ordered * timedelta(days=30) / FAULTS:
            workers.order(*next(faults))
            lab.sandbox.fail("vk", "video.get", "error_500" if ordered % 2 else "rate_limited")
            ordered += 1
        month.pass_to(max(due, month.clock.now()) + COALESCE)
        assert await month.share() == 1, "at any moment all are fresh"
        while True:
            await month.settled(enough=workers.struck)
            if not (fired := workers.fired()):
                break
            workers.fill()
            month.pass_to(month.clock.now() + LEASE + timedelta(seconds=1))
            await month.settled()
            workers.thaw(fired)
    print(f"\n{steps} steps, {workers.deaths} deaths, {workers.freezes} freezes")  # noqa: T201
    assert workers.deaths + workers.freezes >= FAULTS - 1
    assert workers.freezes >= FAULTS // 3 - 1
    await _nothing_is_missing_or_double(month)


async def _nothing_is_missing_or_double(month: Month) -> None:
    samples: dict[UUID, list[datetime]] = {}
    for row in await month.lab.rows("SELECT publication_id, at FROM samples ORDER BY at"):
        samples.setdefault(row["publication_id"], []).append(row["at"])
    watches = await month.lab.rows("SELECT publication_id, platform, told, next_at FROM watches")
    versions: dict[UUID, list[int]] = {}
    for row in await month.lab.rows(
        "SELECT CAST(body->>'subject' AS uuid) AS id,"
        " CAST(body->>'aggregateversion' AS int) AS version FROM outbox ORDER BY id, version"
    ):
        versions.setdefault(row["id"], []).append(row["version"])
    for watch in watches:
        publication, silent = watch["publication_id"], watch["platform"] == Platform.TELEGRAM
        rounds = [] if silent else _rounds(month.published[publication])
        taken = samples.get(publication, [])
        assert len(taken) == len(rounds), publication
        late = [at - due for at, due in zip(taken, rounds, strict=True)]
        assert all(timedelta() <= one <= LEASE + 5 * COALESCE for one in late), max(late)
        assert all(gap <= EVERY for gap in map(sub, taken[1:], taken)), publication
        told = len(rounds) or 1
        assert versions[publication] == list(range(1, told + 1)), "each is told once"
        assert watch["next_at"] is None, "watching ended by itself"
    assert len(watches) == len(month.published)


def _rounds(published_at: datetime) -> list[datetime]:
    """All that the schedule promises."""
    schedule = MONTH.schedule
    until = schedule.until(published_at)
    found = [schedule.first(published_at)]
    while due := schedule.next_round(found[-1], found[-1], published_at=published_at, until=until):
        found.append(due)
    return found
