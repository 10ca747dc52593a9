"""Two hands that work on real rows as the engine's workers do, and a platform that counts posts.

A hand may freeze anywhere: it does its next step whenever the machine lets it, however late, and
knows nothing but what its own last read or write of the row told it.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from platforms.errors import ContentRefused, OutcomeUnknown, PlatformError, Unavailable
from platforms.port import Guard
from publisher.app import record, refusals
from publisher.app.ports import Transaction, Uow
from publisher.domain import rules
from publisher.domain.publication import Publication, StepState
from publisher.domain.states import Status

LEASE = timedelta(seconds=30)
QUARANTINE = timedelta(seconds=30)
DELAYS = (timedelta(minutes=5),)
UNDONE = {"step_state": StepState.READY, "visible": False}


class Luck(StrEnum):
    """What becomes of a request, or of what a hand is about to do."""

    GOOD = "good"
    SILENCE = "silence"
    NOT_NOW = "not now"
    NEVER = "never"


@dataclass(eq=False)
class Flight:
    """A request under way. It is handled or lost before `left` is over: the sender's lease and a
    quarantine."""

    left: timedelta
    fate: Luck | None = None


@dataclass(eq=False)
class Post:
    """A publication and the truth about it on the platform."""

    row: Publication
    """As it was seen last."""
    made: int = 0
    flights: list[Flight] = field(default_factory=list)

    def settle(self, flight: Flight, fate: Luck) -> None:
        """The platform has handled it, refused it or never got it."""
        self.flights.remove(flight)
        self.made += fate is Luck.GOOD
        flight.fate = fate


@dataclass
class Hand:
    """A worker, working on at most one publication. `fenced` False takes the fence away."""

    transaction: Transaction
    guard: Guard
    fenced: bool = True
    post: Post | None = None
    row: Publication | None = None
    held: timedelta = timedelta(0)
    """How old its lease is, by its own clock."""
    doubt: bool = False
    marked: bool = False
    flight: Flight | None = None

    def take(self, post: Post, claimed: Publication) -> None:
        """Begin with what was claimed."""
        self.drop()
        self.post, self.row = post, claimed
        self.doubt = rules.in_doubt(claimed.step_state, self.guard)

    def drop(self) -> None:
        """Crash, or be done."""
        self.post = self.row = self.flight = None
        self.doubt = self.marked = False
        self.held = timedelta(0)

    @property
    def walled(self) -> bool:
        """Whether nothing may be sent any more."""
        return self.held.total_seconds() >= rules.wall(0.0, LEASE)

    async def work(self, luck: Luck) -> None:
        """The next step of publisher.app.publish."""
        assert self.row is not None
        if self.flight is not None:
            await self._hear(self.flight, luck)
        elif self.marked:
            await self._send()
        elif self.row.cancel_requested and not self.row.visible:
            await self._end(self._cancelled)
        elif luck is Luck.NOT_NOW:
            await self._hand_over()
        elif self.doubt:
            await self._look(luck)
        else:
            begins = {"step_state": StepState.STARTED, "visible": True, "step": "send"}
            self.marked = await self._write(lambda uow: self._change(uow, **begins))

    async def _send(self) -> None:
        assert self.row is not None
        assert self.post is not None
        self.marked = False
        if self.row.cancel_requested:
            await self._write(lambda uow: self._change(uow, **UNDONE))
        elif self.walled:
            await self._hand_over(**UNDONE)
        else:
            self.flight = Flight(LEASE - self.held + QUARANTINE)
            self.post.flights.append(self.flight)

    async def _hear(self, flight: Flight, luck: Luck) -> None:
        assert self.post is not None
        heard = Luck.SILENCE if luck is Luck.SILENCE else flight.fate
        match heard:
            case None:  # still under way: now the platform handles it
                self.post.settle(flight, luck)
            case Luck.GOOD:
                await self._end(self._published)
            case Luck.SILENCE:
                await self._refused(OutcomeUnknown(), doubt=self.guard is not Guard.REPEATABLE)
            case Luck.NOT_NOW:
                await self._refused(Unavailable(), doubt=False)
            case Luck.NEVER:
                await self._refused(ContentRefused(), doubt=False)

    async def _look(self, luck: Luck) -> None:
        assert self.post is not None
        if self.guard is Guard.ONCE:
            await self._refused(OutcomeUnknown(), doubt=True)
        elif self.walled:
            self.drop()
        elif luck is Luck.SILENCE:
            await self._refused(Unavailable(), doubt=True)
        elif self.post.made:
            await self._end(self._published)
        else:
            self.doubt = False
            await self._write(lambda uow: self._change(uow, **UNDONE))

    async def _refused(self, error: PlatformError, *, doubt: bool) -> None:
        async def do(uow: Uow) -> Publication | None:
            row = await self._change(uow)  # touched and so locked, as the engine does
            if row is not None:
                await refusals.record(
                    uow,
                    row,
                    error,
                    guard=self.guard,
                    doubt=doubt,
                    columns={} if doubt else UNDONE,
                    delays=DELAYS,
                    quarantine=QUARANTINE,
                )
            return row

        await self._end(do)

    async def _hand_over(self, **columns: object) -> None:
        await self._end(lambda uow: self._change(uow, release=True, after=timedelta(0), **columns))

    async def _cancelled(self, uow: Uow) -> Publication | None:
        assert self.row is not None
        return await record.cancelled(uow, self.row, why="user", fenced=self.fenced)

    async def _published(self, uow: Uow) -> Publication | None:
        assert self.row is not None
        return await record.published(
            uow, self.row, post_id="1", url="https://example.org/1", fenced=self.fenced
        )

    async def _change(self, uow: Uow, **columns: object) -> Publication | None:
        assert self.row is not None
        return await uow.publications.change(self.row, fenced=self.fenced, **columns)  # type: ignore[arg-type] # as they come

    async def _end(self, do: Callable[[Uow], Awaitable[Publication | None]]) -> None:
        await self._write(do)
        self.drop()

    async def _write(self, do: Callable[[Uow], Awaitable[Publication | None]]) -> bool:
        """Accepted exactly when the rules say so; a hand whose fence is gone stops."""
        assert self.row is not None
        async with self.transaction() as uow:
            present = await uow.publications.lock(self.row.id, self.row.user_id)
            assert present is not None
            done = await do(uow)
        if self.fenced:
            may = rules.may_write(self.row.fence, present.fence)
            assert (done is not None) == (may and present.status is Status.PUBLISHING)
        if done is None:
            self.drop()
            return False
        self.row = done
        return True
