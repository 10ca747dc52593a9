"""The samples of one publication as frontends read them: every one, or by hour or day."""

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from common.contracts.words import Platform
from common.ids import new_id
from stats_collector.domain.reasons import Reason

from .book import BORIS, DAY, HOUR, MINUTE, NOON, Book, stats, views

pytestmark = pytest.mark.anyio
NEW_YORK, HAVANA = "America/New_York", "America/Havana"


async def test_a_publication_shows_every_sample_oldest_first(
    api: httpx.AsyncClient, book: Book
) -> None:
    watch = await book.watch()
    await book.sample(watch, NOON + DAY, 20, likes=2, shares=0, comments=None)
    await book.sample(watch, NOON, 10)
    shown = await stats(api, watch.publication_id)
    assert {name: shown[name] for name in shown if name != "samples"} == {
        "publication_id": str(watch.publication_id),
        "platform": "vk",
        "available": True,
        "reason": None,
        "watch_until": "2026-12-10T12:00:00Z",
        "next_cursor": None,
    }
    assert [one["views"] for one in shown["samples"]] == [10, 20]
    assert shown["samples"][1] == {
        "at": "2026-11-11T12:00:00Z",
        "source": "video.get",
        "views": 20,
        "likes": 2,
        "shares": 0,
        "comments": None,
        "gone": False,
        "processing": False,
        "comparable": True,
    }
    assert shown == await stats(api, watch.publication_id, resolution="every")


@pytest.mark.parametrize(
    ("watched", "reason"),
    [
        ({"sampled_at": NOON}, "not_answered"),
        ({"sampled_at": None}, "not_answered"),
        ({"sampled_at": NOON, "gone": True}, "gone"),
        ({"sampled_at": NOON, "paused": Reason.CONNECTION_EXPIRED}, "connection_expired"),
        ({"sampled_at": NOON, "round_at": None}, None),
    ],
    ids=["sampled long ago", "never sampled", "gone", "paused", "ended"],
)
async def test_a_post_without_fresh_numbers_says_why(
    api: httpx.AsyncClient, book: Book, watched: dict[str, Any], reason: str | None
) -> None:
    watch = await book.watch(**watched)
    assert (await stats(api, watch.publication_id))["reason"] == reason


async def test_an_hour_shows_its_last_sample(api: httpx.AsyncClient, book: Book) -> None:
    watch = await book.watch()
    for late, told in ((0, 1), (59, 2), (60, 3), (119, 4), (240, 5)):
        await book.sample(watch, NOON + late * MINUTE, told)
    assert await views(api, watch.publication_id, resolution="hour") == [2, 4, 5]


async def test_a_day_shows_the_last_sample_of_that_day_in_the_time_zone(
    api: httpx.AsyncClient, book: Book
) -> None:
    watch = await book.watch()
    await book.sample(watch, datetime(2026, 11, 10, 20, 59, tzinfo=UTC), 1)
    await book.sample(watch, datetime(2026, 11, 10, 21, 1, tzinfo=UTC), 2)  # tomorrow in Moscow
    await book.sample(watch, datetime(2026, 11, 12, 3, tzinfo=UTC), 3)
    assert await views(api, watch.publication_id, resolution="day") == [2, 3]
    moscow = {"resolution": "day", "tz": "Europe/Moscow"}
    assert await views(api, watch.publication_id, **moscow) == [1, 2, 3]
    [first, *_] = (await stats(api, watch.publication_id, **moscow))["samples"]
    assert first["at"] == "2026-11-10T20:59:00Z"


@pytest.mark.parametrize("resolution", ["hour", "day"])
@pytest.mark.parametrize("why", [{"gone": True}, {"processing": True}], ids=["gone", "processing"])
async def test_a_sample_without_numbers_hides_none(
    api: httpx.AsyncClient, book: Book, resolution: str, why: dict[str, Any]
) -> None:
    watch = await book.watch()
    await book.sample(watch, NOON, 1)
    await book.sample(watch, NOON + MINUTE, 2)
    await book.sample(watch, NOON + 2 * MINUTE, None, **why)
    await book.sample(watch, NOON + DAY, None, **why)
    await book.sample(watch, NOON + DAY + MINUTE, None, source="newest", **why)
    shown = (await stats(api, watch.publication_id, resolution=resolution))["samples"]
    assert [(one["views"], one["source"]) for one in shown] == [(2, "video.get"), (None, "newest")]


@pytest.mark.parametrize("limit", [1, 2, 3])
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"resolution": "every"}, [*range(40)]),
        ({"resolution": "hour"}, [2, 5, 8, 11, 14, 17, 20, 23, 26, 29, 32, 35, 38, 39]),
        ({"resolution": "day"}, [35, 39]),
        ({"resolution": "day", "tz": "Europe/Moscow"}, [26, 39]),
    ],
)
async def test_pages_show_each_sample_hour_and_day_once(
    api: httpx.AsyncClient, book: Book, query: dict[str, str], expected: list[int], limit: int
) -> None:
    watch = await book.watch()
    await book.many(watch, 40, apart=20 * MINUTE)
    assert await views(api, watch.publication_id, **query, limit=limit) == expected


async def test_an_hour_that_was_shown_is_not_shown_again_when_more_is_known_of_it(
    api: httpx.AsyncClient, book: Book
) -> None:
    watch = await book.watch()
    await book.sample(watch, NOON, 1)
    await book.sample(watch, NOON + 30 * MINUTE, None, gone=True)
    await book.sample(watch, NOON + HOUR, 2)
    query = {"resolution": "hour", "limit": 1}
    first = await stats(api, watch.publication_id, **query)
    await book.sample(watch, NOON + 45 * MINUTE, 3)
    more = await stats(api, watch.publication_id, **query, cursor=first["next_cursor"])
    assert [one["views"] for one in first["samples"] + more["samples"]] == [1, 2]


async def test_the_hour_that_comes_twice_in_autumn_is_two_hours(
    api: httpx.AsyncClient, book: Book
) -> None:
    watch = await book.watch()
    for number, minute in enumerate((310, 330, 370, 390, 430)):  # 01:10, 01:30 twice, then 02:10
        await book.sample(watch, datetime(2026, 11, 1, tzinfo=UTC) + minute * MINUTE, number)
    query = {"resolution": "hour", "tz": NEW_YORK}
    assert await views(api, watch.publication_id, **query) == [1, 3, 4]
    assert await views(api, watch.publication_id, **query, limit=1) == [1, 3, 4]


@pytest.mark.parametrize(
    ("zone", "first", "hours"),
    [
        (NEW_YORK, datetime(2026, 3, 8, 5, tzinfo=UTC), 23),
        (NEW_YORK, datetime(2026, 11, 1, 4, tzinfo=UTC), 25),
        (HAVANA, datetime(2026, 3, 8, 5, tzinfo=UTC), 23),  # has no midnight
        (HAVANA, datetime(2026, 11, 1, 4, tzinfo=UTC), 25),  # has two
    ],
)
async def test_a_day_in_which_clocks_change_is_one_day(
    api: httpx.AsyncClient, book: Book, zone: str, first: datetime, hours: int
) -> None:
    watch = await book.watch()
    await book.sample(watch, first - MINUTE, 1)
    await book.sample(watch, first, 2)
    await book.sample(watch, first + 90 * MINUTE, 3)
    await book.sample(watch, first + hours * HOUR - MINUTE, 4)
    await book.sample(watch, first + hours * HOUR, 5)
    query = {"resolution": "day", "tz": zone}
    assert await views(api, watch.publication_id, **query) == [1, 4, 5]
    assert await views(api, watch.publication_id, **query, limit=1) == [1, 4, 5]


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ({"resolution": "every"}, {"resolution": "day"}),
        ({"resolution": "day"}, {"resolution": "every"}),
        ({"resolution": "day"}, {"resolution": "hour"}),
        ({"resolution": "day"}, {"resolution": "day", "tz": "Europe/Moscow"}),
    ],
)
async def test_a_cursor_goes_on_with_its_own_question_only(
    api: httpx.AsyncClient, book: Book, given: dict[str, str], used: dict[str, str]
) -> None:
    watch = await book.watch()
    await book.many(watch, 3, apart=DAY)
    cursor = (await stats(api, watch.publication_id, **given, limit=1))["next_cursor"]
    path = f"/v1/stats/publications/{watch.publication_id}"
    for language, words in (("ru", "другого вопроса"), ("en", "another question")):
        answer = await api.get(
            path, params={**used, "cursor": cursor}, headers={"Accept-Language": language}
        )
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
        [flaw] = answer.json()["errors"]
        assert flaw["field"] == "cursor"
        assert words in flaw["detail"]
    again = await api.get(path, params={**given, "cursor": cursor})
    assert [one["views"] for one in again.json()["samples"]] == [1, 2]


async def test_the_time_zone_makes_no_difference_to_every_sample(
    api: httpx.AsyncClient, book: Book
) -> None:
    watch = await book.watch()
    await book.many(watch, 2)
    first = await stats(api, watch.publication_id, limit=1, tz="Europe/Moscow")
    rest = await stats(api, watch.publication_id, cursor=first["next_cursor"])
    assert [one["views"] for one in rest["samples"]] == [1]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"resolution": "week"}, "resolution"),
        ({"resolution": "day", "tz": "Mars/Olympus"}, "tz"),
        ({"tz": "../../etc/passwd"}, "tz"),
        ({"limit": "0"}, "limit"),
        ({"cursor": "nonsense"}, "cursor"),
        ({"resolution": "day", "cursor": "WyJkYXkiLCJVVEMiLCJ4Il0"}, "cursor"),  # day, UTC, x
        ({"cursor": "WyIwMDAxLTAxLTAxVDAwOjAwOjAwKzAzOjAwIl0"}, "cursor"),  # before all time
    ],
)
async def test_a_question_that_makes_no_sense_is_a_problem(
    api: httpx.AsyncClient, book: Book, query: dict[str, str], field: str
) -> None:
    watch = await book.watch()
    path = f"/v1/stats/publications/{watch.publication_id}"
    for language, words in (("ru", "Исправьте"), ("en", "Mend")):
        answer = await api.get(path, params=query, headers={"Accept-Language": language})
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
        assert words in answer.json()["detail"]
        assert [flaw["field"] for flaw in answer.json()["errors"]] == [field]


async def test_what_may_be_asked_stands_in_the_description(api: httpx.AsyncClient) -> None:
    described = (await api.get("/openapi.json")).json()
    operation = described["paths"]["/v1/stats/publications/{publication_id}"]["get"]
    assert {one["name"] for one in operation["parameters"]} >= {"resolution", "tz", "cursor"}
    [schema] = [one["schema"] for one in operation["parameters"] if one["name"] == "resolution"]
    known = described["components"]["schemas"][schema["$ref"].rsplit("/", 1)[-1]]
    assert known["enum"] == ["every", "hour", "day"]
    assert "the last one that tells views" in " ".join(operation["description"].split())


async def test_telegram_has_no_numbers_and_says_why(api: httpx.AsyncClient, book: Book) -> None:
    watch = await book.watch(platform=Platform.TELEGRAM, unavailable=Reason.NO_STATISTICS)
    for resolution in ("every", "hour", "day"):
        shown = await stats(api, watch.publication_id, resolution=resolution)
        assert (shown["available"], shown["reason"]) == (False, "no_statistics")
        assert shown["samples"] == []


@pytest.mark.parametrize("path", ["publications/{id}", "publications/00000000-0000-7000-8000-1"])
async def test_what_is_not_ones_own_is_not_there(
    api: httpx.AsyncClient, book: Book, path: str
) -> None:
    foreign = await book.watch(BORIS)
    answer = await api.get(f"/v1/stats/{path.format(id=foreign.publication_id)}")
    assert answer.status_code == (404 if "{id}" in path else 422)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == ("not_found" if "{id}" in path else "invalid_request")


async def test_without_a_token_nothing_is_shown(api: httpx.AsyncClient) -> None:
    del api.headers["Authorization"]
    for path in ("summary", "export.csv", f"publications/{new_id()}"):
        assert (await api.get(f"/v1/stats/{path}")).status_code == 401
