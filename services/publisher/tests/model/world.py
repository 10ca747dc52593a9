"""What the model knows of one publication: its row, two workers, the queue and the platform.

Times are phases of a lease, which `Rules` turns into instants, because the imported rules speak of
instants.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import IntEnum, StrEnum
from typing import NamedTuple

from platforms.port import Guard
from publisher.domain import rules, states
from publisher.domain.publication import StepState
from publisher.domain.rules import Verdict
from publisher.domain.states import Status

TAKEN = datetime(2026, 1, 1, tzinfo=UTC)
LEASE = timedelta(seconds=30)
QUARANTINE = timedelta(seconds=30)
NOBODY = -1
"""The fence of whoever holds none."""


class Phase(IntEnum):
    """How far a lease is."""

    HELD = 0
    ENDING = 1
    """The holder's wall has passed, the lease has not."""
    OUT = 2
    OVER = 3
    """The quarantine is over too."""

    @property
    def age(self) -> timedelta:
        """Since the lease was taken."""
        return AGES[self]


SECOND = timedelta(seconds=1)
AGES = (SECOND, LEASE - SECOND, LEASE + SECOND, LEASE + QUARANTINE + SECOND)


class Due(StrEnum):
    NOW = "now"
    LATER = "later"


class Place(StrEnum):
    """Where a worker is in the protocol."""

    IDLE = "idle"
    CLAIMED = "claimed"
    FOUND = "looked and found the post"
    ABSENT = "looked and found nothing"
    MARKED = "marked the step as begun"
    WALLED = "saw its wall"
    CHECKED = "checked its wall"
    SENT = "sent"
    ANSWERED = "answered"
    UNANSWERED = "not answered"
    REFUSED = "refused"


class Row(NamedTuple):
    """The publication as PostgreSQL has it. Its one step makes the post."""

    status: Status = Status.SCHEDULED
    step: StepState = StepState.READY
    touched: bool = False
    due: Due | None = Due.NOW
    lease: Phase | None = None
    fence: int = 0
    cancel: bool = False
    visible: bool = False
    failures: int = 0


class Worker(NamedTuple):
    """`cancel` and `visible` are as its last read or write of the row showed them."""

    place: Place = Place.IDLE
    fence: int = NOBODY
    age: Phase = Phase.HELD
    """Of its lease, by its own clock; nothing after OUT matters to it."""
    cancel: bool = False
    visible: bool = False
    unproven: bool = False
    """An earlier holder began the step, and nobody has proved yet that it did not happen."""


class State(NamedTuple):
    row: Row = Row()
    workers: tuple[Worker, Worker] = (Worker(), Worker())
    queue: int = 0
    """Wake-up calls under way, two at most."""
    flights: tuple[int, ...] = ()
    """Requests under way to the platform, each by the fence of its sender."""
    posts: int = 0

    def worker(self, at: int, worker: Worker) -> "State":
        """With this worker changed."""
        other = self.workers[1 - at]
        workers = (worker, other) if at == 0 else (other, worker)
        return State(self.row, workers, self.queue, self.flights, self.posts)

    def normal(self) -> tuple["State", bool]:
        """The same with nothing in it that makes no difference; True when the workers swapped.

        Small fences, so that claims without end make no states without end; none on a request
        whose answer nobody awaits; and the workers in one order, because they are alike.
        """
        listening = {one.fence for one in self.workers if one.place is Place.SENT}
        flights = [fence if fence in listening else NOBODY for fence in self.flights]
        used = {self.row.fence, *(one.fence for one in self.workers)} - {NOBODY}
        small = {fence: at for at, fence in enumerate(sorted(used))} | {NOBODY: NOBODY}
        seats = [
            one if small[one.fence] == one.fence else one._replace(fence=small[one.fence])
            for one in self.workers
        ]
        swapped = seats[1] > seats[0]
        first, second = reversed(seats) if swapped else seats
        state = State(
            self.row._replace(fence=small[self.row.fence]),
            (first, second),
            self.queue,
            tuple(sorted(small[fence] for fence in flights)),
            self.posts,
        )
        return state, swapped


@dataclass(frozen=True)
class Rules:
    """The rules of publisher.domain, each of which a test may switch off."""

    check_move: Callable[[Status, Status], None] = states.check_move
    cancel_verdict: Callable[..., Verdict] = rules.cancel_verdict
    wall: Callable[[float, timedelta], float] = rules.wall
    free_from: Callable[[datetime, StepState, timedelta], datetime] = rules.free_from
    in_doubt: Callable[[StepState, Guard], bool] = rules.in_doubt
    may_write: Callable[[int, int], bool] = rules.may_write

    def free(self, row: Row) -> bool:
        """Whether nobody stands between the row and a claim."""
        if row.lease is None:
            return True
        return self.free_from(TAKEN + LEASE, row.step, QUARANTINE) < TAKEN + row.lease.age

    def may_send(self, age: Phase) -> bool:
        """Whether a holder sees its wall still ahead."""
        return age.age.total_seconds() < self.wall(0.0, LEASE)


@dataclass(frozen=True)
class World:
    """What is explored: a kind of step, the rules, and what is assumed of the outer world."""

    guard: Guard
    rules: Rules = Rules()
    long_freeze: bool = False
    """A worker may be frozen for longer than the quarantine between its check and its send."""
    hasty: bool = False
    """The pause after a call without an answer may be shorter than that call lives."""
    forgetful: bool = False
    """A visible step in doubt counts as not begun where it may be repeated."""

    @property
    def keyed(self) -> bool:
        """The platform knows a repetition by its key."""
        return self.guard is Guard.REPEATABLE
