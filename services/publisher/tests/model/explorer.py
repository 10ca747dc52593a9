"""Explores every order of events around one publication, and says what breaks and how.

Breadth first, so the trace to whatever breaks is a shortest one. Workers do what protocol.py says,
happenings.py has everybody else, and both follow the rules of publisher.domain that they are given.

What the model leaves out, and so what the promise rests on:
* A request is handled or lost before the quarantine after its sender's lease is over. So is the
  moment between a worker's look at its wall and its send: a freeze just there that outlasts the
  quarantine is the residual risk (`World.long_freeze` lets it happen).
* The pause after a call without an answer is longer than that call lives (`World.hasty` lifts it),
  and so is the time a person takes to look before they say that there is no post.
* A look tells the truth about what was handled before it; what platforms show late is kept from it
  by their adapters.
* There is one step. Those before it only make drafts, those after it only wait.
"""

import gc
from collections import deque
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum

from publisher.db.repositories import ENDED
from publisher.domain.states import IllegalMove, Status, check_move

from .happenings import happenings
from .world import State, World

MANY = 300_000
Came = dict[State, tuple[State, str, bool] | None]
"""How each state was reached first: from where, by what, and whether the workers changed seats."""


class Invariant(StrEnum):
    ONE_POST = "posted twice"
    CANCEL_HOLDS = "posted although a cancel was answered with cancelled"
    FAILED_HOLDS = "posted although it is called failed"
    PUBLISHED_HOLDS = "called published without a post"
    LEGAL = "a move that the table does not know"
    ENDED = "ended and yet due or leased"
    NOT_LOST = "publishing, and nothing will ever be due"
    NOT_STUCK = "no end can be reached any more"


@dataclass(frozen=True)
class Broken:
    """An invariant that does not hold, and a shortest way there."""

    invariant: Invariant
    trace: tuple[str, ...]

    def __str__(self) -> str:
        lines = [f"{at:3}. {text}" for at, text in enumerate(self.trace, 1)]
        return "\n".join([self.invariant, *lines])


@dataclass(frozen=True)
class Explored:
    states: Collection[State]
    broken: Broken | None


def explore(world: World, sought: Collection[Invariant] = tuple(Invariant)) -> Explored:
    """Walk to every state that can be reached, until one of the sought invariants breaks."""
    with _no_collecting():
        return _explore(world, sought)


@contextmanager
def _no_collecting() -> Iterator[None]:
    """States have no cycles, and looking for some among so many takes half the time."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _explore(world: World, sought: Collection[Invariant]) -> Explored:
    start = State()
    came: Came = {start: None}
    back: dict[State, list[State]] = {}
    waiting = deque([start])
    while waiting and len(came) < MANY:
        state = waiting.popleft()
        try:
            edges = list(happenings(world, state))
        except IllegalMove:
            return Explored(came.keys(), Broken(Invariant.LEGAL, _trace(came, state)))
        for text, reached, helps in edges:
            after, swapped = reached.normal()
            if helps:
                back.setdefault(after, []).append(state)
            if after in came:
                continue
            came[after] = (state, text, swapped)
            if (wrong := _wrong(state, after)) in sought:
                assert wrong is not None
                return Explored(came.keys(), Broken(wrong, _trace(came, after)))
            waiting.append(after)
    assert not waiting, "too many states: something grows without end"
    stuck = came.keys() - _ending(came, back)
    if stuck and Invariant.NOT_STUCK in sought:
        first = next(state for state in came if state in stuck)
        return Explored(came.keys(), Broken(Invariant.NOT_STUCK, _trace(came, first)))
    return Explored(came.keys(), None)


def _wrong(before: State, after: State) -> Invariant | None:
    """What this step breaks."""
    row = after.row
    if row.status is not before.row.status:
        try:
            check_move(before.row.status, row.status)
        except IllegalMove:
            return Invariant.LEGAL
    ended = row.status in ENDED
    holds = {
        Invariant.ONE_POST: after.posts <= 1,
        Invariant.CANCEL_HOLDS: row.status is not Status.CANCELLED or not after.posts,
        Invariant.FAILED_HOLDS: row.status is not Status.FAILED or not after.posts,
        Invariant.PUBLISHED_HOLDS: row.status is not Status.PUBLISHED or bool(after.posts),
        Invariant.ENDED: not ended or (row.due is None and row.lease is None),
        Invariant.NOT_LOST: ended or row.due is not None,
    }
    return next((name for name, true in holds.items() if not true), None)


def _ending(came: Came, back: dict[State, list[State]]) -> set[State]:
    """The states from which an end can be reached without faults and without anybody's wish."""
    seen = {state for state in came if state.row.status in ENDED}
    reach = list(seen)
    while reach:
        for state in back.get(reach.pop(), ()):
            if state not in seen:
                seen.add(state)
                reach.append(state)
    return seen


def _trace(came: Came, at: State) -> tuple[str, ...]:
    """What happened, in order; a worker keeps its name wherever it sits."""
    steps = []
    while (step := came[at]) is not None:
        at, text, swapped = step
        steps.append((text, swapped))
    lines, names = [], ("A", "B")
    for text, swapped in reversed(steps):
        lines.append(text.format(*names))
        names = names[::-1] if swapped else names
    return tuple(lines)
