"""The protocol holds in every order of events, and each of its rules is needed for that."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from platforms.port import Guard
from publisher.domain import rules
from publisher.domain.publication import StepState
from publisher.domain.rules import Verdict
from publisher.domain.states import Status

from .explorer import Broken, Explored, Invariant, explore
from .protocol import MOST_FLIGHTS
from .world import Place, Rules, World

REAL = Rules()
EVERY = list(Guard)
UNREACHED = {
    Guard.CHECKED: set[Place](),
    Guard.ONCE: {Place.FOUND, Place.ABSENT},
    Guard.REPEATABLE: {Place.FOUND, Place.ABSENT},
}
"""Nothing is looked up but what is checked."""


def no_quarantine(lease_until: datetime, _state: StepState, _quarantine: timedelta) -> datetime:
    return lease_until


def no_fence(_held: int, _present: int) -> bool:
    return True


def no_wall(_taken: float, _length: timedelta) -> float:
    return float("inf")


def no_doubt(_state: StepState, _guard: Guard) -> bool:
    return False


def any_cancel(status: Status, **facts: bool) -> Verdict:
    """Says cancelled also while an attempt may be under way."""
    if status is Status.PUBLISHING:
        return Verdict.CANCELLED
    return rules.cancel_verdict(status, **facts)


def late_cancel(_status: Status, **_facts: bool) -> Verdict:
    """Says cancelled even when it is too late."""
    return Verdict.CANCELLED


def never_free(_until: datetime, _state: StepState, _quarantine: timedelta) -> datetime:
    return datetime.max.replace(tzinfo=UTC)


def broken(world: World, *sought: Invariant) -> Broken:
    """What the explorer finds."""
    found = explore(world, sought or tuple(Invariant)).broken
    assert found is not None, "nothing breaks"
    return found


def without(guard: Guard, *sought: Invariant, **switched_off: Callable[..., Any]) -> Broken:
    """What it finds with a rule replaced."""
    return broken(World(guard, replace(REAL, **switched_off)), *sought)


@pytest.fixture(scope="module", params=EVERY)
def whole(request: pytest.FixtureRequest) -> tuple[Guard, Explored]:
    """All that can happen under the real rules."""
    return request.param, explore(World(request.param))


def test_every_promise_holds_in_every_order_of_events(whole: tuple[Guard, Explored]) -> None:
    _, explored = whole
    assert explored.broken is None, str(explored.broken)


def test_the_explorer_goes_everywhere(whole: tuple[Guard, Explored]) -> None:
    guard, explored = whole
    print(f"{guard}: {len(explored.states)} states")  # noqa: T201 - for -s
    assert len(explored.states) > 5_000
    assert {state.row.status for state in explored.states} == set(Status)
    places = {worker.place for state in explored.states for worker in state.workers}
    assert places == set(Place) - UNREACHED[guard]
    assert any(state.queue == 2 for state in explored.states)
    assert any(Place.IDLE not in [one.place for one in state.workers] for state in explored.states)


def test_never_are_two_requests_under_way(whole: tuple[Guard, Explored]) -> None:
    _, explored = whole
    assert max(len(state.flights) for state in explored.states) == 1 < MOST_FLIGHTS


def test_without_quarantine_a_request_under_way_is_looked_for_too_early_and_made_again() -> None:
    found = without(Guard.CHECKED, Invariant.ONE_POST, free_from=no_quarantine)
    assert found.trace == (
        "its time comes",
        "A claims",
        "A commits that the step begins",
        "A checks its wall",
        "A sends",
        "A crashes",
        "the lease of a dead worker runs out",
        "the clock calls a worker",
        "A claims",
        "A looked and found nothing",
        "A commits that nothing happened",
        "A commits that the step begins",
        "A checks its wall",
        "A sends",
        "the platform posts",
        "the platform posts",
    )


def test_without_quarantine_a_cancel_is_answered_while_the_post_is_under_way() -> None:
    found = without(Guard.CHECKED, free_from=no_quarantine)
    assert found.invariant is Invariant.CANCEL_HOLDS, str(found)
    assert found.trace[-2:] == ("A confirms the cancel", "the platform posts")


@pytest.mark.parametrize("guard", [Guard.ONCE, Guard.REPEATABLE])
def test_without_quarantine_a_person_is_asked_before_there_is_anything_to_see(
    guard: Guard,
) -> None:
    found = without(guard, free_from=no_quarantine)
    assert found.invariant is Invariant.FAILED_HOLDS, str(found)
    assert found.trace[-3:] == ("a person finds no post", "A sends", "the platform posts")


@pytest.mark.parametrize("guard", EVERY)
def test_without_the_fence_a_late_worker_writes_over_the_next_ones_attempt(guard: Guard) -> None:
    found = without(guard, may_write=no_fence)
    assert found.invariant is Invariant.CANCEL_HOLDS, str(found)
    assert found.trace[-4:] == (
        "a cancel is answered: requested",
        "A commits that the step begins",
        "A stops for the cancel",
        "A confirms the cancel",
    )


@pytest.mark.parametrize("guard", [Guard.CHECKED, Guard.ONCE])
def test_without_the_fence_a_late_worker_gives_away_what_is_not_its_own(guard: Guard) -> None:
    found = without(guard, Invariant.ONE_POST, may_write=no_fence)
    assert "A is told to stop and hands over" in found.trace
    assert len(found.trace) == 17, str(found)


@pytest.mark.parametrize("guard", [Guard.CHECKED, Guard.ONCE])
def test_without_the_wall_a_thawed_worker_sends_after_the_quarantine(guard: Guard) -> None:
    found = without(guard, Invariant.ONE_POST, wall=no_wall)
    over = found.trace.index("the quarantine is over")
    assert found.trace[over + 1] == "A checks its wall", str(found)
    assert "A sends" in found.trace[over:]


def test_without_the_wall_a_known_key_hinders_the_second_post_and_yet_a_person_is_misled() -> None:
    assert without(Guard.REPEATABLE, wall=no_wall).invariant is Invariant.FAILED_HOLDS


@pytest.mark.parametrize("guard", EVERY)
def test_a_cancel_acknowledged_while_publishing_is_broken_by_the_post(guard: Guard) -> None:
    found = without(guard, cancel_verdict=any_cancel)
    assert found.invariant is Invariant.CANCEL_HOLDS, str(found)
    assert len(found.trace) == 7, str(found)
    assert found.trace[-1] == "a cancel is answered: cancelled"


@pytest.mark.parametrize("guard", EVERY)
def test_a_cancel_acknowledged_too_late_is_a_move_that_the_table_forbids(guard: Guard) -> None:
    assert without(guard, cancel_verdict=late_cancel).invariant is Invariant.LEGAL
    unchecked = {"cancel_verdict": late_cancel, "check_move": lambda _start, _end: None}
    assert without(guard, Invariant.LEGAL, **unchecked).trace[-1:] == (
        "a cancel is answered: cancelled",
    )


@pytest.mark.parametrize("guard", [Guard.CHECKED, Guard.ONCE])
def test_a_doubt_that_is_ignored_posts_twice(guard: Guard) -> None:
    assert without(guard, in_doubt=no_doubt).invariant is Invariant.ONE_POST


def test_what_may_be_repeated_needs_no_look_so_ignoring_its_doubt_changes_nothing() -> None:
    for state in StepState:
        assert REAL.in_doubt(state, Guard.REPEATABLE) is no_doubt(state, Guard.REPEATABLE)


@pytest.mark.parametrize("guard", EVERY)
def test_a_row_whose_worker_died_must_become_free_one_day(guard: Guard) -> None:
    found = without(guard, free_from=never_free)
    assert found.invariant is Invariant.NOT_STUCK
    assert found.trace == ("its time comes", "A claims", "A crashes")


def test_a_visible_step_in_doubt_may_not_count_as_not_begun_although_it_may_be_repeated() -> None:
    found = broken(World(Guard.REPEATABLE, forgetful=True))
    assert found.invariant is Invariant.CANCEL_HOLDS
    assert found.trace[-5:] == (
        "A gives up for now",
        "a cancel is answered: requested",
        "the clock calls a worker",
        "A claims",
        "A confirms the cancel",
    )


def test_a_pause_shorter_than_an_unanswered_call_lives_lets_the_look_come_too_early() -> None:
    found = broken(World(Guard.CHECKED, hasty=True))
    assert found.invariant is Invariant.CANCEL_HOLDS
    assert found.trace[-1] == "the platform posts"


def test_the_residual_risk_is_a_freeze_between_check_and_send_that_outlasts_the_quarantine() -> (
    None
):
    """No rule of ours can help there: only the platform could refuse the late request."""
    found = broken(World(Guard.CHECKED, long_freeze=True), Invariant.ONE_POST)
    frozen = found.trace.index(
        "A freezes (checked its wall) until its lease has run out",
    )
    assert found.trace[frozen + 1 : frozen + 3] == ("the quarantine is over", "A sends"), str(found)
    assert len(found.trace) == 17, str(found)


def test_with_the_platforms_own_key_even_that_freeze_makes_no_second_post() -> None:
    """What is left: a person who was asked looked before the late request, and is wrong then."""
    frozen = World(Guard.REPEATABLE, long_freeze=True)
    kept = explore(frozen, (Invariant.ONE_POST,))
    assert kept.broken is None, str(kept.broken)
    found = broken(frozen)
    assert found.invariant is Invariant.FAILED_HOLDS, str(found)
    assert found.trace[-3:] == ("a person finds no post", "A sends", "the platform posts")
