"""What the API's tests write and ask."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
from sqlalchemy.ext.asyncio import AsyncEngine

from common.contracts.words import Platform
from common.ids import new_id
from stats_collector.db.uow import WritingUow
from stats_collector.domain.watch import Sample, Watch
from support.stats_lab import POLICY

ANNA, BORIS = "anna", "boris"
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
NOON = datetime(2026, 11, 10, 12, tzinfo=UTC)
PERIOD = {"from": "2026-11-01T00:00:00Z", "to": "2026-12-01T00:00:00Z"}
ENDLESS = 100
"""Pages that no test fills."""


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
            "private": None,
            "round_at": NOON,
            "failures": 0,
            "told": 0,
            "sampled_at": datetime.now(UTC),
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
            await uow.samples.add([_sample(watch, at, views, **changed)])

    async def many(self, watch: Watch, count: int, apart: timedelta = MINUTE) -> None:
        """Samples from noon on, each with a view more."""
        samples = [_sample(watch, NOON + n * apart, n) for n in range(count)]
        async with WritingUow(self._engine, POLICY) as uow:
            await uow.samples.add(samples)


def _sample(watch: Watch, at: datetime, views: int | None, **changed: Any) -> Sample:
    values: dict[str, Any] = {
        "source": "video.get",
        "likes": None,
        "shares": None,
        "comments": None,
        "gone": False,
        "processing": False,
        "comparable": True,
        "views_growth": views,
    }
    return Sample(publication_id=watch.publication_id, at=at, views=views, **values | changed)


async def stats(api: httpx.AsyncClient, publication: UUID, **query: Any) -> dict[str, Any]:
    """One page of a publication's samples."""
    answer = await api.get(f"/v1/stats/publications/{publication}", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()  # type: ignore[no-any-return] # JSON


async def views(api: httpx.AsyncClient, publication: UUID, **query: Any) -> list[int | None]:
    """Those of all its samples, page by page."""
    seen: list[int | None] = []
    for _ in range(ENDLESS):
        page = await stats(api, publication, **query)
        seen += [one["views"] for one in page["samples"]]
        if page["next_cursor"] is None:
            return seen
        assert len(page["samples"]) == query["limit"]
        query["cursor"] = page["next_cursor"]
    raise AssertionError("the pages never end")


async def lines(api: httpx.AsyncClient, **query: Any) -> list[dict[str, Any]]:
    """A summary that fits into one page."""
    answer = await api.get("/v1/stats/summary", params=PERIOD | query)
    assert answer.status_code == 200, answer.text
    assert answer.json()["next_cursor"] is None
    return answer.json()["items"]  # type: ignore[no-any-return] # JSON
