"""Every sample that was taken, and the sums over them."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CTE,
    ColumnElement,
    Select,
    String,
    Subquery,
    and_,
    cast,
    func,
    literal,
    null,
    select,
    true,
    tuple_,
    union_all,
)
from sqlalchemy.dialects.postgresql import distinct_on, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from common.contracts.words import Platform
from stats_collector.app.ports import Exported
from stats_collector.db.tables import SAMPLES as S
from stats_collector.db.tables import WATCHES as W
from stats_collector.domain.series import Resolution, Series
from stats_collector.domain.summary import Grouping, Line, Period
from stats_collector.domain.watch import Sample

COLUMNS = [S.c[field.name] for field in fields(Sample)]
COUNTERS = ("views", "likes", "shares", "comments")


class Samples:
    """Append-only; keyed by publication and moment, so one can't be counted twice."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, samples: Sequence[Sample]) -> None:
        """One prepared statement for all of them."""
        if samples:
            rows = [asdict(one) for one in samples]
            await self._connection.execute(insert(S).on_conflict_do_nothing(), rows)

    async def page(
        self, publication_id: UUID, series: Series, *, after: datetime | None, limit: int
    ) -> list[Sample]:
        """A range of the primary key."""
        if series.resolution is Resolution.EVERY:
            wanted = select(*COLUMNS).where(S.c.publication_id == publication_id)
            if after is not None:
                wanted = wanted.where(S.c.at > after)
            wanted = wanted.order_by(S.c.at)
        else:
            wanted = _last_of_each(publication_id, series, after)
        rows = await self._connection.execute(wanted.limit(limit))
        return [_sample(row) for row in rows.mappings()]

    async def export(
        self, user_id: str, *, after: tuple[UUID, datetime] | None, limit: int
    ) -> list[Exported]:
        """In the order of the primary key."""
        # Post by post, as in the sums below: joined at once, the samples of all users would be read
        # and sorted for each page of a user who has many of them.
        of_one = select(*COLUMNS).where(S.c.publication_id == W.c.publication_id)
        wanted = select(W.c.platform, W.c.connection_id).where(W.c.user_id == user_id)
        if after is not None:
            # The first part alone is what the index of watches can start from.
            wanted = wanted.where(W.c.publication_id >= after[0])
            of_one = of_one.where(tuple_(S.c.publication_id, S.c.at) > after)
        samples = of_one.order_by(S.c.at).limit(limit).correlate(W).lateral()
        wanted = (
            wanted.add_columns(*(samples.c[column.name] for column in COLUMNS))
            .select_from(W.join(samples, true()))
            .order_by(W.c.publication_id, samples.c.at)
            .limit(limit)
        )
        rows = await self._connection.execute(wanted)
        return [
            Exported(_sample(row), Platform(row["platform"]), row["connection_id"])
            for row in rows.mappings()
        ]

    async def summary(
        self, user_id: str, period: Period, grouping: Grouping, *, after: str | None, limit: int
    ) -> list[Line]:
        """A group's counters are those of each post's last sample in it; its growth is the sum of
        all its samples' growth, so that days add up to their month."""
        told = _told(user_id, period, grouping)
        newest = told.c.newest == 1
        wanted = select(
            told.c.key,
            func.count().filter(newest).label("publications"),
            *(func.sum(told.c[name]).filter(newest).label(name) for name in COUNTERS),
            func.sum(told.c.views_growth).label("views_growth"),
        ).group_by(told.c.key)
        if after is not None:
            wanted = wanted.where(told.c.key > after)
        rows = await self._connection.execute(wanted.order_by(told.c.key).limit(limit))
        return [
            Line(
                key=row["key"],
                publications=row["publications"],
                views_growth=_whole(row["views_growth"]),
                **{name: _whole(row[name]) for name in COUNTERS},
            )
            for row in rows.mappings()
        ]


def _last_of_each(publication_id: UUID, series: Series, after: datetime | None) -> Select[Any]:
    """By hour or day, which PostgreSQL tells apart by their first moment."""

    def bucket(at: ColumnElement[datetime]) -> ColumnElement[datetime]:
        return func.date_trunc(series.resolution.value, at, series.zone)

    found = select(*COLUMNS, bucket(S.c.at).label("bucket"))
    found = found.where(S.c.publication_id == publication_id)
    if after is not None:
        shown = bucket(literal(after, S.c.at.type))
        # That moment alone is what the primary key can start from.
        found = found.where(S.c.at > shown, bucket(S.c.at) > shown)
    rows = found.subquery()
    return (
        select(*(rows.c[column.name] for column in COLUMNS))
        .ext(distinct_on(rows.c.bucket))
        .order_by(rows.c.bucket, *_last_told(rows))
    )


def _last_told(rows: Subquery) -> tuple[ColumnElement[Any], ...]:
    """First the newest that tells views: one without says that the post is gone or processed
    again, and hides no numbers."""
    return rows.c.views.is_(None), rows.c.at.desc()


def _told(user_id: str, period: Period, grouping: Grouping) -> CTE:
    """The user's samples in the period, the newest of each post in each group marked.

    A post without statistics stands there once, with nothing told, at the time of its publishing.
    One that is gone or processed again shows its last numbers.
    """
    numbers = (*COUNTERS, "views_growth")
    of_one = (
        select(_key(grouping, S.c.at, period).label("key"), S.c.at, *(S.c[n] for n in numbers))
        .where(S.c.publication_id == W.c.publication_id, _within(S.c.at, period))
        .correlate(W)
        .subquery()
    )
    newest = func.row_number().over(partition_by=of_one.c.key, order_by=_last_told(of_one))
    # Post by post, each a range of the primary key: joined at once, the samples of all users would
    # be read as soon as a user has so many that PostgreSQL takes it for the shorter way.
    marked = select(of_one, newest.label("newest")).lateral()
    sampled = (
        select(marked.c.key, *(marked.c[name] for name in numbers), marked.c.newest)
        .select_from(W.join(marked, true()))
        .where(W.c.user_id == user_id)
    )
    silent: Select[Any] = select(
        _key(grouping, W.c.published_at, period),
        *(cast(null(), S.c[name].type) for name in numbers),
        literal(1),
    ).where(
        W.c.user_id == user_id,
        W.c.unavailable.is_not(None),
        _within(W.c.published_at, period),
    )
    return union_all(sampled, silent).cte("told")


def _key(grouping: Grouping, moment: ColumnElement[datetime], period: Period) -> ColumnElement[str]:
    match grouping:
        case Grouping.PLATFORM:
            return W.c.platform
        case Grouping.CONNECTION:
            return cast(W.c.connection_id, String)
        case Grouping.DAY:
            return func.to_char(func.timezone(period.zone, moment), "YYYY-MM-DD")


def _within(moment: ColumnElement[datetime], period: Period) -> ColumnElement[bool]:
    return and_(moment >= period.since, moment < period.until)


def _whole(value: Any) -> int | None:  # noqa: ANN401 - a Decimal: sums of bigint are numeric
    return None if value is None else int(value)


def _sample(row: Mapping[Any, Any]) -> Sample:
    return Sample(**{field.name: row[field.name] for field in fields(Sample)})
