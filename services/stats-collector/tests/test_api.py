"""What frontends read, over HTTP, to the letter of the interface."""

import csv
import io
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from common.contracts.words import Platform
from common.ids import new_id
from stats_collector.db.uow import WritingUow
from stats_collector.domain.reasons import Reason
from stats_collector.domain.watch import Sample, Watch
from stats_collector.http.export import PAGE
from stats_collector.settings import NAME, Settings
from stats_collector.wiring import http_app
from support.people import JWT_SECRET, bearer
from support.serving import serving
from support.stats_lab import POLICY
from support.token_lender import SECRET

pytestmark = pytest.mark.anyio
ANNA, BORIS = "anna", "boris"
DAY = timedelta(days=1)
NOON = datetime(2026, 11, 10, 12, tzinfo=UTC)
PERIOD = {"from": "2026-11-01T00:00:00Z", "to": "2026-12-01T00:00:00Z"}


@pytest.fixture
async def api(migrated_url: str, redis_url: str) -> AsyncIterator[httpx.AsyncClient]:
    """The running service, as Anna sees it."""
    settings = Settings(
        database_url=migrated_url,
        rabbitmq_url="amqp://127.0.0.1:1/",
        redis_url=redis_url,
        auth_jwt_secret=JWT_SECRET,
        service_tokens=f"{NAME}={SECRET}",
    )
    async with (
        serving(http_app(settings)) as url,
        httpx.AsyncClient(base_url=url, headers=bearer(ANNA)) as client,
    ):
        yield client


class Book:
    """Writes watches and samples as the worker leaves them."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def watch(self, user: str = ANNA, **changed: Any) -> Watch:
        """One published post."""
        values: dict[str, Any] = {
            "publication_id": new_id(),
            "user_id": user,
            "connection_id": new_id(),
            "platform": Platform.VK,
            "account_id": "1",
            "post_id": "1_1",
            "published_at": NOON,
            "until": NOON + 30 * DAY,
            "unavailable": None,
            "paused": None,
            "gone": False,
            "processing": False,
            "round_at": NOON,
            "failures": 0,
            "told": 0,
            "sampled_at": None,
            "views": None,
            "source": None,
            "traceparent": "",
            "correlation_id": "",
        }
        watch = Watch(**values | changed)
        async with WritingUow(self._engine, POLICY) as uow:
            await uow.watches.add(watch)
        return watch

    async def sample(self, watch: Watch, at: datetime, views: int | None, **changed: Any) -> None:
        """One sample; growth is given by hand."""
        async with WritingUow(self._engine, POLICY) as uow:
            await uow.samples.add([sample(watch, at, views, **changed)])

    async def many(self, watch: Watch, count: int) -> None:
        """One sample a minute, each with a view more."""
        minute = timedelta(minutes=1)
        async with WritingUow(self._engine, POLICY) as uow:
            await uow.samples.add([sample(watch, NOON + n * minute, n) for n in range(count)])


def sample(watch: Watch, at: datetime, views: int | None, **changed: Any) -> Sample:
    values: dict[str, Any] = {
        "source": "video.get",
        "likes": None,
        "shares": None,
        "comments": None,
        "gone": False,
        "comparable": True,
        "views_growth": views,
    }
    return Sample(publication_id=watch.publication_id, at=at, views=views, **values | changed)


@pytest.fixture
def book(engine: AsyncEngine) -> Book:
    return Book(engine)


async def stats(api: httpx.AsyncClient, publication: UUID, **query: Any) -> dict[str, Any]:
    answer = await api.get(f"/v1/stats/publications/{publication}", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()  # type: ignore[no-any-return] # JSON


async def lines(api: httpx.AsyncClient, **query: Any) -> list[dict[str, Any]]:
    answer = await api.get("/v1/stats/summary", params=PERIOD | query)
    assert answer.status_code == 200, answer.text
    assert answer.json()["next_cursor"] is None
    return answer.json()["items"]  # type: ignore[no-any-return] # JSON


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
        "comparable": True,
    }


async def test_samples_come_page_by_page(api: httpx.AsyncClient, book: Book) -> None:
    watch = await book.watch()
    for number in range(5):
        await book.sample(watch, NOON + number * DAY, number)
    seen, query = [], {"limit": 2}
    while True:
        page = await stats(api, watch.publication_id, **query)
        seen += [one["views"] for one in page["samples"]]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
    assert seen == [0, 1, 2, 3, 4]


async def test_telegram_has_no_numbers_and_says_why(api: httpx.AsyncClient, book: Book) -> None:
    watch = await book.watch(platform=Platform.TELEGRAM, unavailable=Reason.NO_STATISTICS)
    shown = await stats(api, watch.publication_id)
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
    nothing = {"views": None, "likes": None, "shares": None, "comments": None}
    assert await lines(api) == [
        {"key": "rutube", "publications": 1, **nothing, "views": 7, "views_growth": 7},
        {"key": "telegram", "publications": 1, **nothing, "views_growth": None},
        {"key": "vk", "publications": 2, **nothing, "views": 125, "likes": 2, "views_growth": 125},
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


async def test_a_post_that_is_gone_shows_its_last_numbers(
    api: httpx.AsyncClient, book: Book
) -> None:
    watch = await book.watch(gone=True)
    await book.sample(watch, NOON, 10)
    await book.sample(watch, NOON + DAY, None, gone=True)
    [line] = await lines(api)
    assert (line["publications"], line["views"]) == (1, 10)
    assert (await stats(api, watch.publication_id))["reason"] == "gone"


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"tz": "Mars/Olympus"}, "tz"),
        ({"tz": "../../etc/passwd"}, "tz"),
        ({"group_by": "user"}, "group_by"),
        ({"from": "2026-11-02T00:00:00Z", "to": "2026-11-01T00:00:00Z"}, "to"),
        ({"from": "2026-11-02T00:00:00"}, "from"),
        ({"to": "9999-12-31"}, "from"),
        ({"from": "0001-01-01T00:00:00+03:00"}, "from"),
        ({"cursor": "nonsense"}, "cursor"),
        ({"user": "boris"}, "user"),
    ],
)
async def test_a_question_that_makes_no_sense_is_a_problem(
    api: httpx.AsyncClient, query: dict[str, str], field: str
) -> None:
    answer = await api.get("/v1/stats/summary", params=PERIOD | query)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert any(flaw["field"].startswith(field) for flaw in answer.json()["errors"])


async def test_the_export_holds_every_sample_and_leaves_empty_what_nobody_told(
    api: httpx.AsyncClient, book: Book
) -> None:
    watch = await book.watch(platform=Platform.RUTUBE)
    await book.sample(watch, NOON, 10, likes=0)
    await book.sample(watch, NOON + DAY, None, gone=True)
    await book.sample(await book.watch(BORIS), NOON, 1000)
    answer = await api.get("/v1/stats/export.csv")
    assert answer.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert rows[0] == {
        "publication_id": str(watch.publication_id),
        "platform": "rutube",
        "connection_id": str(watch.connection_id),
        "at": "2026-11-10T12:00:00Z",
        "source": "video.get",
        "views": "10",
        "likes": "0",
        "shares": "",
        "comments": "",
        "gone": "false",
        "comparable": "true",
    }
    assert [(row["views"], row["gone"]) for row in rows] == [("10", "false"), ("", "true")]


async def test_an_export_of_several_pages_comes_whole_and_in_order(
    api: httpx.AsyncClient, book: Book
) -> None:
    count = PAGE // 2 + 1
    for _ in range(2):
        watch = await book.watch()
        await book.many(watch, count)
    rows = list(csv.DictReader(io.StringIO((await api.get("/v1/stats/export.csv")).text)))
    assert [int(row["views"]) for row in rows] == [*range(count), *range(count)]
    assert len({(row["publication_id"], row["at"]) for row in rows}) == 2 * count
