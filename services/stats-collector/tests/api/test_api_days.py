"""A summary by day: the days of the caller's time zone, also those of 23 and 25 hours."""

from datetime import UTC, datetime

import httpx
import pytest

from common.contracts.words import Platform
from stats_collector.domain.reasons import Reason

from .book import DAY, HOUR, MINUTE, NOON, Book, lines

pytestmark = pytest.mark.anyio
BERLIN = "Europe/Berlin"


async def test_a_day_is_a_day_of_the_callers_time_zone(api: httpx.AsyncClient, book: Book) -> None:
    watch = await book.watch()
    await book.sample(watch, datetime(2026, 11, 10, 20, 30, tzinfo=UTC), 10)
    late = datetime(2026, 11, 10, 21, 30, tzinfo=UTC)  # half past midnight in Moscow
    await book.sample(watch, late, 25, views_growth=15)
    utc = await lines(api, group_by="day", tz="UTC")
    moscow = await lines(api, group_by="day", tz="Europe/Moscow")
    assert [(one["key"], one["views"], one["views_growth"]) for one in utc] == [
        ("2026-11-10", 25, 25)
    ]
    assert [(one["key"], one["views"], one["views_growth"]) for one in moscow] == [
        ("2026-11-10", 10, 10),
        ("2026-11-11", 25, 15),
    ]


async def test_a_date_means_the_whole_day_in_the_time_zone(
    api: httpx.AsyncClient, book: Book
) -> None:
    watch = await book.watch()
    await book.sample(watch, datetime(2026, 11, 10, 21, 30, tzinfo=UTC), 10)
    day = {"from": "2026-11-11", "to": "2026-11-11"}
    assert await lines(api, **day, tz="Europe/Moscow") != []
    assert await lines(api, **day, tz="UTC") == []


@pytest.mark.parametrize(
    ("zone", "date", "first", "hours"),
    [
        (BERLIN, "2026-03-29", datetime(2026, 3, 28, 23, tzinfo=UTC), 23),
        (BERLIN, "2026-10-25", datetime(2026, 10, 24, 22, tzinfo=UTC), 25),
        ("America/Havana", "2026-03-08", datetime(2026, 3, 8, 5, tzinfo=UTC), 23),  # no midnight
        ("America/Havana", "2026-11-01", datetime(2026, 11, 1, 4, tzinfo=UTC), 25),  # two of them
    ],
)
async def test_a_day_in_which_clocks_change_is_whole(
    api: httpx.AsyncClient, book: Book, zone: str, date: str, first: datetime, hours: int
) -> None:
    watch = await book.watch()
    last = first + hours * HOUR - MINUTE
    for number, at in enumerate((first - MINUTE, first, last, last + MINUTE)):
        await book.sample(watch, at, number, views_growth=10**number)
    around = {"from": (first - DAY).isoformat(), "to": (first + 2 * DAY).isoformat()}
    days = await lines(api, group_by="day", tz=zone, **around)
    assert [(one["views"], one["views_growth"]) for one in days] == [(0, 1), (2, 110), (3, 1000)]
    assert days[1]["key"] == date
    for grouping in ("day", "platform"):
        [line] = await lines(api, group_by=grouping, tz=zone, **{"from": date, "to": date})
        assert (line["views"], line["views_growth"]) == (2, 110)


async def test_the_days_growth_adds_up_to_that_of_the_month(
    api: httpx.AsyncClient, book: Book
) -> None:
    one, other = await book.watch(), await book.watch()
    for number, growth in enumerate((5, -3, 8, None, 2)):
        await book.sample(one, NOON + 9 * number * HOUR, number, views_growth=growth)
        await book.sample(other, NOON + 7 * number * HOUR, number, views_growth=growth)
    days = await lines(api, group_by="day")
    [month] = await lines(api)
    assert len(days) > 1
    assert sum(day["views_growth"] for day in days) == month["views_growth"] == 24


async def test_on_each_day_a_post_counts_with_the_last_numbers_of_that_day(
    api: httpx.AsyncClient, book: Book
) -> None:
    watch, gone = await book.watch(), await book.watch()
    await book.sample(watch, NOON, 1)
    await book.sample(watch, NOON + HOUR, 2, views_growth=1)
    await book.sample(watch, NOON + DAY, 5, views_growth=3)
    await book.sample(gone, NOON, 10)
    await book.sample(gone, NOON + HOUR, None, gone=True, views_growth=None)
    await book.sample(gone, NOON + DAY, None, gone=True, views_growth=None)
    days = await lines(api, group_by="day")
    assert [(one["publications"], one["views"], one["views_growth"]) for one in days] == [
        (2, 12, 12),
        (2, 5, 3),
    ]


async def test_a_post_without_statistics_counts_on_the_day_it_was_published(
    api: httpx.AsyncClient, book: Book
) -> None:
    late = datetime(2026, 11, 10, 21, 30, tzinfo=UTC)
    silent = {"platform": Platform.TELEGRAM, "unavailable": Reason.NO_STATISTICS, "round_at": None}
    await book.watch(**silent, published_at=late)
    await book.watch(**silent, published_at=late - 60 * DAY)
    await book.sample(await book.watch(), late, 3)
    for zone, date in (("UTC", "2026-11-10"), ("Europe/Moscow", "2026-11-11")):
        [line] = await lines(api, group_by="day", tz=zone)
        assert (line["key"], line["publications"], line["views"]) == (date, 2, 3)
