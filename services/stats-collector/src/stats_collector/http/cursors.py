"""The sort keys inside this service's cursors; whatever we did not make is refused."""

from datetime import UTC, datetime

from common.http.paging import decode, encode
from common.http.problems import Flaw, Problem
from common.http.texts import Text
from stats_collector.domain.series import Resolution, Series

ANOTHER = Text(
    "Этот курсор выдан для другого вопроса. Начните с первой страницы.",
    "This cursor was given for another question. Begin with the first page.",
)


def after_moment(cursor: str | None, series: Series) -> datetime | None:
    """The moment of the last sample shown. Raises a 422 problem for a cursor of another series:
    its next page would repeat some hours or days, or leave some out."""
    if cursor is None:
        return None
    made_for = _made_for(series)
    try:
        *made, moment = decode(cursor, len(made_for) + 1)
        if made != made_for:
            raise ValueError("a cursor of another series")
        return datetime.fromisoformat(moment).astimezone(UTC)
    except (Problem, ValueError, OverflowError):
        raise _not_ours() from None


def moment_cursor(at: datetime, series: Series) -> str:
    """The cursor after a sample."""
    return encode(*_made_for(series), at.isoformat())


def _made_for(series: Series) -> list[str]:
    """Where every sample is shown, the time zone changes nothing."""
    if series.resolution is Resolution.EVERY:
        return []
    return [series.resolution.value, series.zone]


def after_key(cursor: str | None) -> str | None:
    """The key of the last group shown."""
    if cursor is None:
        return None
    key = decode(cursor, 1)[0]
    if not key.isprintable():  # PostgreSQL takes no NUL
        raise _not_ours()
    return key


def key_cursor(key: str) -> str:
    """The cursor after a group."""
    return encode(key)


def _not_ours() -> Problem:
    return Problem(422, "invalid_request", flaws=[Flaw("cursor", "invalid_request", ANOTHER)])
