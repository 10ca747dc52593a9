"""The sort keys inside this service's cursors; whatever we did not make is refused."""

from datetime import UTC, datetime

from common.http.paging import decode, encode
from common.http.problems import Flaw, Problem


def after_moment(cursor: str | None) -> datetime | None:
    """The moment of the last sample shown."""
    if cursor is None:
        return None
    try:
        return datetime.fromisoformat(decode(cursor, 1)[0]).astimezone(UTC)
    except (ValueError, OverflowError):
        raise _not_ours() from None


def moment_cursor(at: datetime) -> str:
    """The cursor after a sample."""
    return encode(at.isoformat())


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
    return Problem(422, "invalid_request", flaws=[Flaw("cursor", "invalid_request")])
