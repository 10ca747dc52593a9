"""When a post is looked at, as pure rules."""

import itertools
from datetime import UTC, datetime, timedelta

from stats_collector.domain.schedule import Schedule

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
PUBLISHED = datetime(2026, 11, 1, 12, tzinfo=UTC)
SCHEDULE = Schedule(first_after=HOUR, every=6 * HOUR, lasts=30 * DAY)
UNTIL = SCHEDULE.until(PUBLISHED)


def test_thirty_days_have_a_first_look_after_an_hour_and_then_one_every_six() -> None:
    looks = [SCHEDULE.first(PUBLISHED)]
    while due := SCHEDULE.next_round(looks[-1], looks[-1], UNTIL):
        looks.append(due)
    assert looks[0] == PUBLISHED + HOUR
    assert {later - earlier for earlier, later in itertools.pairwise(looks)} == {6 * HOUR}
    assert len(looks) == 120
    assert looks[-1] <= UNTIL


def test_being_late_does_not_move_the_rounds_that_follow() -> None:
    due = PUBLISHED + HOUR
    assert SCHEDULE.next_round(due, due + 2 * HOUR, UNTIL) == due + 6 * HOUR


def test_rounds_that_nobody_took_are_skipped() -> None:
    due = PUBLISHED + HOUR
    assert SCHEDULE.next_round(due, due + 20 * HOUR, UNTIL) == due + 24 * HOUR


def test_watching_ends() -> None:
    assert SCHEDULE.next_round(UNTIL - HOUR, UNTIL - HOUR, UNTIL) is None


def test_a_failure_is_tried_again_twice_and_soon() -> None:
    assert [SCHEDULE.retry(failures) for failures in (1, 2, 3)] == [
        timedelta(minutes=1),
        timedelta(minutes=5),
        None,
    ]


def test_retries_stay_short_beside_short_rounds() -> None:
    hasty = Schedule(timedelta(), timedelta(seconds=10), DAY)
    assert hasty.retry(1) == timedelta(seconds=1)
