"""Everything that may happen next in a state: to workers, on the platform, by time and by people.

`{0}` and `{1}` in a text stand for the workers' names.
"""

from collections.abc import Iterator
from typing import NamedTuple

from publisher.domain.publication import StepState
from publisher.domain.rules import Verdict
from publisher.domain.states import Status

from .protocol import UNDONE, change, proceed
from .world import Due, Phase, Place, State, Worker, World


class Edge(NamedTuple):
    text: str
    after: State
    helps: bool = True
    """False for faults and wishes: an end must be in reach without them."""


def happenings(world: World, state: State) -> Iterator[Edge]:
    """All of them."""
    for at in (0, 1):
        yield from _worker(world, state, at)
    yield from _platform(world, state)
    yield from _time(world, state)
    yield from _cancel(world, state)
    yield from _decisions(world, state)
    yield from _clock_and_queue(world, state)


def _worker(world: World, state: State, at: int) -> Iterator[Edge]:
    for text, after in proceed(world, state, at):
        yield Edge(f"{{{at}}} {text}", after)
    if state.workers[at].place is not Place.IDLE:
        yield Edge(f"{{{at}}} crashes", state.worker(at, Worker()), helps=False)


def _platform(world: World, state: State) -> Iterator[Edge]:
    posts = 1 if world.keyed else state.posts + 1
    for fence in sorted(set(state.flights)):
        left = list(state.flights)
        left.remove(fence)
        dropped = state._replace(flights=tuple(left))
        handled = dropped._replace(posts=posts)
        yield Edge("the platform posts", _told(handled, fence, Place.ANSWERED))
        silent = _told(handled, fence, Place.UNANSWERED)
        yield Edge("the platform posts, its answer is lost", silent, helps=False)
        lost = _told(dropped, fence, Place.UNANSWERED)
        yield Edge("the request is lost", lost, helps=False)
        if not (world.keyed and state.posts):  # a known key is answered as it was the first time
            refused = _told(dropped, fence, Place.REFUSED)
            yield Edge("the platform refuses", refused, helps=False)


def _told(state: State, fence: int, place: Place) -> State:
    """The sender hears of it, if it still listens."""
    for at, one in enumerate(state.workers):
        if one.place is Place.SENT and one.fence == fence:
            return state.worker(at, one._replace(place=place))
    return state


def _time(world: World, state: State) -> Iterator[Edge]:
    """A worker that runs renews its lease. One that is frozen thaws with whatever it does next."""
    row = state.row
    held = False
    for at, me in enumerate(state.workers):
        own = row.lease is not None and me.fence == row.fence
        held = held or own
        if me.place is not Place.IDLE and me.age < Phase.OUT:
            older = Phase(me.age + 1)
            lease = older if own else row.lease
            after = state._replace(row=row._replace(lease=lease))
            until = "its wall is behind it" if older is Phase.ENDING else "its lease has run out"
            text = f"{{{at}}} freezes ({me.place}) until {until}"
            yield Edge(text, after.worker(at, me._replace(age=older)))
    if row.lease is not None and row.lease < Phase.OUT and not held:
        out = row._replace(lease=Phase.OUT)
        yield Edge("the lease of a dead worker runs out", state._replace(row=out))
    sending = any(one.place is Place.CHECKED for one in state.workers)
    settled = not state.flights and (world.long_freeze or not sending)
    if row.lease is Phase.OUT and settled:
        over = state._replace(row=row._replace(lease=Phase.OVER))
        yield Edge("the quarantine is over", over)
    if row.due is Due.LATER and (world.hasty or not state.flights):
        yield Edge("the wait is over", state._replace(row=row._replace(due=Due.NOW)))


def _cancel(world: World, state: State) -> Iterator[Edge]:
    row = state.row
    verdict = world.rules.cancel_verdict(
        row.status, untouched=not row.touched, leased=row.lease is not None
    )
    if verdict is Verdict.CANCELLED and row.status is not Status.CANCELLED:
        gone = state._replace(row=change(world, row, Status.CANCELLED))
        yield Edge("a cancel is answered: cancelled", gone, helps=False)
    elif verdict is Verdict.REQUESTED and not row.cancel:
        idle = row.lease is None and not row.visible
        wished = row._replace(cancel=True, due=Due.NOW if idle else row.due)
        yield Edge("a cancel is answered: requested", state._replace(row=wished), helps=False)


def _decisions(world: World, state: State) -> Iterator[Edge]:
    row = state.row
    if row.status is Status.FAILED:
        again = change(world, row, Status.PUBLISHING, due=Due.NOW, failures=0, cancel=False)
        yield Edge("the user retries", _call(state._replace(row=again)), helps=False)
    if row.status is Status.UNCERTAIN and state.posts:
        found = change(world, row, Status.PUBLISHED, step=StepState.DONE)
        yield Edge("a person finds the post", state._replace(row=found), helps=False)
    elif row.status is Status.UNCERTAIN and not state.flights:
        absent = change(world, row, Status.FAILED, **UNDONE)
        yield Edge("a person finds no post", state._replace(row=absent), helps=False)


def _clock_and_queue(world: World, state: State) -> Iterator[Edge]:
    row = state.row
    if row.status is Status.SCHEDULED:
        started = change(world, row, Status.PUBLISHING)
        yield Edge("its time comes", _call(state._replace(row=started)))
        expired = change(world, row, Status.FAILED)
        yield Edge("its account stays expired", state._replace(row=expired), helps=False)
    free = row.due is Due.NOW and world.rules.free(row)
    if row.status is Status.PUBLISHING and free and state.queue < 2:
        yield Edge("the clock calls a worker", _call(state))
    if state.queue:
        lost = state._replace(queue=state.queue - 1)
        yield Edge("a call is lost", lost, helps=False)
    if state.queue == 1:
        yield Edge("a call is delivered again", _call(state), helps=False)


def _call(state: State) -> State:
    """Two calls at most are under way: a third is as good as lost."""
    return state._replace(queue=min(2, state.queue + 1))
