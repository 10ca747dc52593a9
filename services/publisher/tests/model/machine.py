"""Publications on real PostgreSQL under whatever users, workers, clock and bus may do to them.

hypothesis draws the order. The rules of publisher.domain say what each answer must be, which proves
that the queries say the same as the rules; promises.py says what must be true after each step.
Time passes when the machine says so: leases and due times move back.
"""

from datetime import timedelta
from enum import StrEnum
from typing import ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule

from common.contracts.words import Platform
from publisher.app.start_due import hold_due, start_due, wake_unattended
from publisher.domain import rules
from publisher.domain.publication import Publication
from publisher.domain.states import Status

from .bench import which
from .hands import LEASE, QUARANTINE, Hand, Luck, Post
from .people import People
from .promises import check, check_timeline, claimable

SECOND = timedelta(seconds=1)
PAUSES = (
    LEASE - SECOND,  # the wall has passed, the lease has not
    LEASE + SECOND,
    LEASE + SECOND,
    QUARANTINE,
    LEASE + QUARANTINE + SECOND,
    timedelta(minutes=6),  # a retry is due
    timedelta(days=2),  # whoever was held is given up
)
MOMENTS = ("due_at", "lease_until", "woken_at", "schedule_at")
lucks = st.sampled_from([*[Luck.GOOD] * 4, *Luck])


class Trouble(StrEnum):
    """What a worker may have besides its work."""

    CRASH = "crash"
    DUPLICATE = "another call"
    HEARTBEAT = "heartbeat"


class Machine(People):
    """Users, workers, the platform and the clock; `seen` tells how far all runs together got."""

    seen: ClassVar[set[tuple[Status, bool]]] = set()
    """Each status that was reached, and whether somebody had taken over before."""

    # ── workers and the platform ─────────────────────────────────────────────────────────────
    async def _claim(self, hand: Hand, post: Post) -> None:
        """Whatever made it try: a call, the same call again, one that comes a week late."""
        async with self.lab.transaction() as uow:
            row, now = await self._lock(uow, post), await uow.now()
            claimed = await uow.due.claim(post.row.id, lease=LEASE, quarantine=self.quarantine)
            assert (claimed is not None) == claimable(row, now, self.quarantine)
        if claimed is not None:
            assert claimed.fence == row.fence + 1
            hand.take(post, claimed)

    async def _take_next(self, hand: Hand) -> bool:
        """There is one exactly when the rules let one be claimed."""
        async with self.lab.transaction() as uow:
            found = await uow.due.next_in_turn(Platform.VK, "", quarantine=self.quarantine)
            now = await uow.now()
        rows = await self._rows()
        ready = [row.id for row in rows.values() if claimable(row, now, self.quarantine)]
        assert found in ready if ready else found is None
        for post in self.posts:
            if post.row.id == found:
                await self._claim(hand, post)
        return found is not None

    @rule(
        at=which,
        pause=st.sampled_from([timedelta(0), *PAUSES]),
        steps=st.integers(1, 8),
        luck=lucks,
    )
    def work(self, at: int, pause: timedelta, steps: int, luck: Luck) -> None:
        """After a while, some steps of one hand; the first is a claim if the hand is free."""
        self.time_passes(pause, luck)
        self.promises_hold()
        hand = self.hands[at]
        for _ in range(steps):
            if hand.post is not None:
                self.run(hand.work(luck))
                self.promises_hold()
            elif not self.run(self._take_next(hand)):
                return

    @rule(at=which, trouble=st.sampled_from(Trouble))
    def a_worker_has(self, at: int, trouble: Trouble) -> None:
        hand, post = self.hands[at], self.posts[-1 - at % len(self.posts)]
        match trouble:
            case Trouble.CRASH:
                hand.drop()
            case Trouble.DUPLICATE:
                self.run(self._claim(hand, post))
            case Trouble.HEARTBEAT if hand.row is not None:
                self.run(self._renew(hand, hand.row))

    async def _renew(self, hand: Hand, held: Publication) -> None:
        """Only the latest holder renews, and only while its lease lasts."""
        async with self.lab.transaction() as uow:
            row = await uow.publications.lock(held.id, held.user_id)
            assert row is not None
            renewed = await uow.due.renew(held, LEASE)
            lasts = row.lease_until is not None and row.lease_until > await uow.now()
        assert renewed == (lasts and rules.may_write(held.fence, row.fence))
        if renewed:
            hand.held = timedelta(0)

    @precondition(lambda self: any(post.flights for post in self.posts))
    @rule(fate=lucks)
    def platform_acts(self, fate: Luck) -> None:
        for post in self.posts:
            for flight in post.flights[:1]:
                post.settle(flight, fate)

    # ── time and the clock ───────────────────────────────────────────────────────────────────
    @rule(pause=st.sampled_from(PAUSES), fate=lucks)
    def time_passes(self, pause: timedelta, fate: Luck) -> None:
        """And the clock ticks."""
        for post in self.posts:
            for flight in list(post.flights):
                flight.left -= pause
                if flight.left <= timedelta(0):
                    post.settle(flight, fate)
        for hand in self.hands:
            hand.held += pause
        if not pause:
            return
        back = [f"{column} = {column} - CAST(:by AS interval)" for column in MOMENTS]
        shift = f"UPDATE publications SET {', '.join(back)}"  # noqa: S608 - names from a list
        self.run(self.lab.rows(shift, by=pause))
        self.run(self._tick())

    async def _tick(self) -> None:
        """What is due is started or held; and whatever can be claimed is called for."""
        before = await self._rows()
        async with self.lab.transaction() as uow:
            now = await uow.now()
            started = await start_due(uow)
            await hold_due(uow, hold_max=timedelta(days=1))
        due = [
            row
            for row in before.values()
            if row.status is Status.SCHEDULED and row.due_at is not None and row.due_at <= now
        ]
        assert started == (len(due) if self.healthy else 0)
        rows = (await self._rows()).values()
        async with self.lab.transaction() as uow:
            now = await uow.now()
            woken = await wake_unattended(uow, quarantine=self.quarantine, again_after=timedelta(0))
        assert (woken > 0) == any(claimable(row, now, self.quarantine) for row in rows)

    # ── after each step ──────────────────────────────────────────────────────────────────────
    @invariant()
    def promises_hold(self) -> None:
        posts = getattr(self, "posts", [])  # asked before the beginning, too
        rows = self.run(self._rows()) if posts else {}
        for post in posts:
            check(post, rows[post.row.id])
            post.row = rows[post.row.id]
            self.seen.add((post.row.status, post.row.fence > 1))

    def teardown(self) -> None:
        for row in self.run(self._rows()).values() if hasattr(self, "posts") else ():
            check_timeline(row, self.run(self.lab.lines(row)))
