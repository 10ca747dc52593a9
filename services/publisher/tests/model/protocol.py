"""What a worker does next, as publisher.app does it, by the rules that are given.

Every write is the conditional UPDATE of the engine: a worker whose fence is gone stops there.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from platforms.port import Guard
from publisher.db.repositories import ENDED
from publisher.domain.publication import StepState
from publisher.domain.retry import next_delay
from publisher.domain.states import Status

from .world import Due, Phase, Place, Row, State, Worker, World

DELAYS = (timedelta(minutes=5),)
"""One retry: more only repeat what one shows."""
MOST_FLIGHTS = 2
"""Requests under way at once: with the rules on there is never a second."""
UNDONE = {"step": StepState.READY, "visible": False}
Event = tuple[str, State]


def change(world: World, row: Row, to: Status | None = None, **columns: Any) -> Row:
    """The row after an UPDATE."""
    if to is not None:
        world.rules.check_move(row.status, to)
        columns["status"] = to
        if to in ENDED:
            columns |= {"due": None, "lease": None, "cancel": False}
    return row._replace(**columns)


def claim(world: World, state: State, at: int) -> Event:
    """A wake-up call reaches a worker."""
    row = state.row
    state = state._replace(queue=state.queue - 1)
    due = row.status is Status.PUBLISHING and row.due is Due.NOW
    if not due or not world.rules.free(row):
        return "finds nothing to do", state
    row = row._replace(fence=row.fence + 1, lease=Phase.HELD)
    holder = Worker(
        Place.CLAIMED,
        row.fence,
        cancel=row.cancel,
        visible=row.visible,
        unproven=row.step is StepState.STARTED,
    )
    return "claims", state._replace(row=row).worker(at, holder)


def proceed(world: World, state: State, at: int) -> Iterator[Event]:
    """What a worker that runs may do now."""
    turn = Turn(world, state, at)
    match turn.me.place:
        case Place.IDLE:
            if state.queue:
                yield claim(world, state, at)
        case Place.CLAIMED:
            yield from turn.claimed()
        case Place.MARKED | Place.CHECKED | Place.SENT:
            yield turn.onward()
        case Place.WALLED:
            yield "hands over", turn.released(Due.NOW, **turn.undone())
        case _:
            yield from turn.told()


class Turn:
    """One worker's possibilities in one state."""

    def __init__(self, world: World, state: State, at: int) -> None:
        self.world, self.state, self.at = world, state, at
        self.me = state.workers[at]

    def claimed(self) -> Iterator[Event]:
        """Undo, hand over, settle the doubt, or begin."""
        rules, guard = self.world.rules, self.world.guard
        if self.me.cancel and not self.me.visible:
            yield "confirms the cancel", self.write(to=Status.CANCELLED)
            return
        yield "is told to stop and hands over", self.released(Due.NOW)
        begun = StepState.STARTED if self.me.unproven else StepState.READY
        if not rules.in_doubt(begun, guard):
            begun_now = {"step": StepState.STARTED, "visible": True, "touched": True}
            yield "commits that the step begins", self.write(Place.MARKED, **begun_now)
        elif guard is Guard.ONCE:
            yield "can't look", self.refused({})
        elif not rules.may_send(self.me.age):
            yield "sees its wall", self.stopped()
        else:
            place = Place.FOUND if self.state.posts else Place.ABSENT
            yield place.value, self.go(place)
            yield "looks and gets no answer", self.refused({})

    def onward(self) -> Event:
        """The last look at the cancel, at the wall, and the send."""
        match self.me.place:
            case Place.MARKED:
                if self.me.cancel and (not self.me.unproven or self.world.forgetful):
                    return "stops for the cancel", self.write(Place.CLAIMED, **UNDONE)
                if self.world.rules.may_send(self.me.age):
                    return "checks its wall", self.go(Place.CHECKED)
                return "sees its wall", self.go(Place.WALLED)
            case Place.CHECKED:
                flights = tuple(sorted((*self.state.flights, self.me.fence)))
                return "sends", self.go(Place.SENT)._replace(flights=flights)
            case _:
                return "waits no longer", self.go(Place.UNANSWERED)

    def told(self) -> Iterator[Event]:
        """What the platform said is written down."""
        match self.me.place:
            case Place.FOUND | Place.ANSWERED:
                yield "records the post", self.write(to=Status.PUBLISHED)
            case Place.ABSENT:
                after = self.write(Place.CLAIMED, unproven=False, **UNDONE)
                yield "commits that nothing happened", after
            case Place.UNANSWERED:
                world = self.world
                keep = not world.forgetful or world.rules.in_doubt(StepState.STARTED, world.guard)
                yield "gives up for now", self.refused({} if keep else UNDONE)
            case Place.REFUSED:
                yield "takes the refusal for now", self.refused(self.undone())
                yield "takes the refusal for good", self.refused(self.undone(), for_good=True)

    def refused(self, columns: dict[str, Any], *, for_good: bool = False) -> State:
        """What publisher.app.refusals makes of it."""
        row = self.state.row
        visible = columns.get("visible", row.visible)
        failures = row.failures + 1
        last = for_good or next_delay(failures, DELAYS) is None
        if row.cancel and not visible:
            return self.released(Due.NOW, **columns)
        if visible and (last or self.world.guard is Guard.ONCE):
            return self.write(to=Status.UNCERTAIN)
        if last:
            return self.write(to=Status.FAILED, **columns)
        return self.released(Due.LATER, failures=failures, **columns)

    def undone(self) -> dict[str, Any]:
        """The columns of a step that this worker did not carry out."""
        return {} if self.me.unproven and not self.world.forgetful else UNDONE

    def released(self, due: Due, **columns: Any) -> State:
        """The lease given back."""
        return self.write(lease=None, due=due, **columns)

    def go(self, place: Place) -> State:
        """On without a write."""
        return self.state.worker(self.at, self.me._replace(place=place))

    def stopped(self) -> State:
        """Off without a write."""
        return self.state.worker(self.at, Worker())

    def write(
        self,
        place: Place = Place.IDLE,
        *,
        to: Status | None = None,
        unproven: bool | None = None,
        **columns: Any,
    ) -> State:
        """Conditional, as PublicationRows.change: on the status it knew and on its fence."""
        row = self.state.row
        held = self.world.rules.may_write(self.me.fence, row.fence)
        if not held or row.status is not Status.PUBLISHING:
            return self.stopped()
        row = change(self.world, row, to, **columns)
        after = self.state._replace(row=row)
        if place is Place.IDLE:
            return after.worker(self.at, Worker())
        known = self.me.unproven if unproven is None else unproven
        seen = self.me._replace(place=place, cancel=row.cancel, visible=row.visible, unproven=known)
        return after.worker(self.at, seen)
