"""When a post is looked at, as pure rules."""

import itertools
from datetime import UTC, datetime, timedelta

from stats_collector.domain.schedule import Schedule

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
PUBLISHED = datetime(2026, 11, 1, 12, tzinfo=UTC)
SCHEDULE = Schedule(first_after=HOUR, every=6 * HOUR, lasts=30 * DAY)
UNTIL = SCHEDULE.until(PUBLISHED)


USUAL = timedelta(hours=5, minutes=45)
DENSE = timedelta(hours=1, minutes=55)


def after(due: datetime, late: timedelta = timedelta()) -> datetime | None:
    """The round after this one, taken so late."""
    return SCHEDULE.next_round(due, due + late, published_at=PUBLISHED, until=UNTIL)


def looks(late: timedelta = timedelta()) -> list[datetime]:
    """All rounds of a post, each taken so late."""
    found = [SCHEDULE.first(PUBLISHED)]
    while due := after(found[-1], late):
        found.append(due)
    return found


def gaps(found: list[datetime]) -> list[timedelta]:
    return [later - earlier for earlier, later in itertools.pairwise(found)]


def test_a_day_of_frequent_looks_is_followed_by_steady_ones_until_the_thirtieth_day() -> None:
    found = looks()
    assert found[0] == PUBLISHED + HOUR
    assert [gap for gap in gaps(found) if gap == DENSE] == [DENSE] * 12
    assert set(gaps(found)[12:]) == {USUAL}
    assert len(found) == 134
    assert UNTIL - 6 * HOUR < found[-1] <= UNTIL


def test_a_look_that_needs_both_retries_is_still_within_six_hours_of_the_last() -> None:
    failing = sum((SCHEDULE.retry(failures) or DAY for failures in (1, 2)), timedelta())
    assert max(gaps(looks())) + failing < 6 * HOUR


def test_frequent_looks_are_given_up_while_sampling_is_behind() -> None:
    assert set(gaps(looks(late=HOUR))) == {USUAL}
    assert (
        after(PUBLISHED + HOUR, late=DENSE / 2 - timedelta(minutes=1)) == PUBLISHED + HOUR + DENSE
    )


def test_being_late_does_not_move_the_rounds_that_follow() -> None:
    due = PUBLISHED + HOUR
    assert after(due, late=2 * HOUR) == due + USUAL


def test_rounds_that_nobody_took_are_skipped() -> None:
    due = PUBLISHED + HOUR
    assert after(due, late=20 * HOUR) == due + 4 * USUAL


def test_watching_ends() -> None:
    assert after(UNTIL - HOUR) is None


def test_a_look_within_a_minute_of_the_last_is_no_other_one() -> None:
    assert SCHEDULE.looked_already(PUBLISHED, PUBLISHED + timedelta(seconds=59))
    assert not SCHEDULE.looked_already(PUBLISHED, PUBLISHED + timedelta(minutes=1))
    assert not SCHEDULE.looked_already(None, PUBLISHED)


def test_a_failure_is_tried_again_twice_and_soon() -> None:
    assert [SCHEDULE.retry(failures) for failures in (1, 2, 3)] == [
        timedelta(minutes=1),
        timedelta(minutes=5),
        None,
    ]


def test_retries_stay_short_beside_short_rounds() -> None:
    hasty = Schedule(timedelta(), timedelta(seconds=10), DAY)
    assert hasty.retry(1) == timedelta(seconds=1)
    assert not hasty.looked_already(PUBLISHED, PUBLISHED + timedelta(seconds=1))
