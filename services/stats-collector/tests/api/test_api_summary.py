"""The sums over a user's publications: by platform and by connection, whatever became of them."""

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from common.contracts.words import Platform
from stats_collector.domain.reasons import Reason

from .book import BORIS, DAY, ENDLESS, HOUR, MINUTE, NOON, PERIOD, Book, lines, stats

pytestmark = pytest.mark.anyio
NOTHING = {"views": None, "likes": None, "shares": None, "comments": None}
MUCH = 3 * 10**18
"""A counter of BIGINT, three of which are none."""


async def test_a_summary_adds_up_the_last_counters_by_platform(
    api: httpx.AsyncClient, book: Book
) -> None:
    first, second = await book.watch(), await book.watch()
    await book.sample(first, NOON, 10, likes=1)
    await book.sample(first, NOON + DAY, 25, likes=2, views_growth=15)
    await book.sample(second, NOON, 100)
    rutube = await book.watch(platform=Platform.RUTUBE)
    await book.sample(rutube, NOON, 7)
    await book.watch(platform=Platform.TELEGRAM, unavailable=Reason.NO_STATISTICS, round_at=None)
    await book.sample(await book.watch(BORIS), NOON, 1000)
    assert await lines(api) == [
        {"key": "rutube", "publications": 1, **NOTHING, "views": 7, "views_growth": 7},
        {"key": "telegram", "publications": 1, **NOTHING, "views_growth": None},
        {"key": "vk", "publications": 2, **NOTHING, "views": 125, "likes": 2, "views_growth": 125},
    ]


async def test_a_summary_by_connection_keeps_accounts_apart(
    api: httpx.AsyncClient, book: Book
) -> None:
    one, other = await book.watch(), await book.watch()
    await book.sample(one, NOON, 1)
    await book.sample(other, NOON, 2)
    found = await lines(api, group_by="connection")
    assert {line["key"]: line["views"] for line in found} == {
        str(one.connection_id): 1,
        str(other.connection_id): 2,
    }


async def test_the_period_begins_with_its_first_moment_and_ends_before_its_last(
    api: httpx.AsyncClient, book: Book
) -> None:
    watch = await book.watch()
    for number, at in enumerate((NOON - MINUTE, NOON, NOON + HOUR - MINUTE, NOON + HOUR)):
        await book.sample(watch, at, 10**number, views_growth=10**number)
    [line] = await lines(api, **{"from": NOON.isoformat(), "to": (NOON + HOUR).isoformat()})
    assert (line["views"], line["views_growth"]) == (100, 110)


async def test_without_a_period_the_last_thirty_days_are_meant(
    api: httpx.AsyncClient, book: Book
) -> None:
    now = datetime.now(UTC)
    old, young = await book.watch(), await book.watch()
    await book.sample(old, now - 30 * DAY - MINUTE, 1)
    await book.sample(young, now - 30 * DAY + MINUTE, 10)
    await book.sample(young, now + DAY, 100)
    [line] = (await api.get("/v1/stats/summary")).json()["items"]
    assert (line["publications"], line["views"]) == (1, 10)


@pytest.mark.parametrize("grouping", ["platform", "connection", "day"])
async def test_views_that_were_taken_back_are_growth_below_zero(
    api: httpx.AsyncClient, book: Book, grouping: str
) -> None:
    watch = await book.watch()
    await book.sample(watch, NOON, 100, views_growth=10)
    await book.sample(watch, NOON + HOUR, 60, likes=3, views_growth=-40)
    [line] = await lines(api, group_by=grouping)
    assert (line["views"], line["likes"], line["views_growth"]) == (60, 3, -30)


@pytest.mark.parametrize("grouping", ["platform", "connection", "day"])
async def test_what_is_counted_by_other_rules_adds_nothing_to_the_growth(
    api: httpx.AsyncClient, book: Book, grouping: str
) -> None:
    watch = await book.watch()
    await book.sample(watch, NOON, 900, comparable=False, views_growth=None)
    [line] = await lines(api, group_by=grouping)
    assert (line["views"], line["views_growth"]) == (900, None)
    await book.sample(watch, NOON + HOUR, 950, views_growth=50)
    [line] = await lines(api, group_by=grouping)
    assert (line["views"], line["views_growth"]) == (950, 50)


@pytest.mark.parametrize("grouping", ["platform", "connection", "day"])
@pytest.mark.parametrize("why", [{"gone": True}, {"processing": True}], ids=["gone", "processing"])
async def test_a_post_without_numbers_now_counts_with_its_last_ones(
    api: httpx.AsyncClient, book: Book, why: dict[str, Any], grouping: str
) -> None:
    watch = await book.watch()
    await book.sample(watch, NOON, 7)
    await book.sample(watch, NOON + HOUR, 10, likes=1, views_growth=3)
    await book.sample(watch, NOON + 2 * HOUR, None, views_growth=None, **why)
    await book.sample(watch, NOON + 3 * HOUR, None, views_growth=None, **why)
    [line] = await lines(api, group_by=grouping)
    assert {name: line[name] for name in line if name != "key"} == {
        **NOTHING,
        "publications": 1,
        "views": 10,
        "likes": 1,
        "views_growth": 10,
    }


async def test_a_blocked_post_that_still_tells_numbers_counts_with_those(
    api: httpx.AsyncClient, book: Book
) -> None:
    watch = await book.watch(gone=True)
    await book.sample(watch, NOON, 10)
    await book.sample(watch, NOON + HOUR, 12, gone=True, views_growth=2)
    [line] = await lines(api)
    assert (line["views"], line["views_growth"]) == (12, 12)
    assert (await stats(api, watch.publication_id))["reason"] == "gone"


async def test_a_post_that_never_told_a_number_tells_none_in_the_sum(
    api: httpx.AsyncClient, book: Book
) -> None:
    await book.sample(await book.watch(), NOON, None, gone=True)
    [line] = await lines(api)
    assert line == {"key": "vk", "publications": 1, **NOTHING, "views_growth": None}
    await book.sample(await book.watch(), NOON, 0)
    [line] = await lines(api)
    assert (line["publications"], line["views"]) == (2, 0)


async def test_a_sum_may_be_larger_than_any_counter(api: httpx.AsyncClient, book: Book) -> None:
    for _ in range(4):
        await book.sample(await book.watch(), NOON, MUCH)
    [line] = await lines(api)
    assert (line["views"], line["views_growth"]) == (4 * MUCH, 4 * MUCH)


@pytest.mark.parametrize("limit", [1, 2])
async def test_groups_come_page_by_page(api: httpx.AsyncClient, book: Book, limit: int) -> None:
    watch = await book.watch()
    await book.many(watch, 5, apart=DAY)
    seen = list[str]()
    query: dict[str, Any] = PERIOD | {"group_by": "day", "limit": limit}
    for _ in range(ENDLESS):
        page = (await api.get("/v1/stats/summary", params=query)).json()
        seen += [line["key"] for line in page["items"]]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
    assert seen == [f"2026-11-{day}" for day in range(10, 15)]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"tz": "Mars/Olympus"}, "tz"),
        ({"tz": "../../etc/passwd"}, "tz"),
        ({"group_by": "user"}, "group_by"),
        ({"from": "2026-11-02T00:00:00Z", "to": "2026-11-01T00:00:00Z"}, "to"),
        ({"from": "2026-11-02T00:00:00"}, "from"),
        ({"to": "9999-12-31"}, "to"),
        ({"to": "0001-01-02T00:00:00Z"}, "to"),
        ({"from": "0001-01-01T00:00:00+03:00"}, "from"),
        ({"cursor": "nonsense"}, "cursor"),
        ({"cursor": "WyJcdTAwMDAiXQ"}, "cursor"),  # a NUL, which PostgreSQL does not take
        ({"user": "boris"}, "user"),
    ],
)
async def test_a_question_that_makes_no_sense_is_a_problem(
    api: httpx.AsyncClient, query: dict[str, str], field: str
) -> None:
    answer = await api.get("/v1/stats/summary", params=PERIOD | query)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert {flaw["field"].split(".")[0] for flaw in answer.json()["errors"]} == {field}
