"""What a platform answered, read with suspicion: size, form and numbers are checked here."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, NoReturn

from platforms.errors import OutcomeUnknown, PlatformError, Unavailable

LONGEST_WAIT = timedelta(days=1)


class NotJson(Exception):
    """The body is no JSON: an HTML page of some front end, a half answer, or nonsense."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One whole HTTP answer. `write` says whether the call may have changed anything."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes = field(repr=False)
    """May hold tokens."""
    write: bool

    @property
    def html(self) -> bool:
        """Whether a page for people came instead of data."""
        return "html" in self.headers.get("content-type", "") or self.body.lstrip()[:1] == b"<"

    def decode(self) -> Any:  # noqa: ANN401 - JSON is anything
        """The JSON value. Raises NotJson; repeated keys, NaN and infinities count as no JSON."""
        try:
            return json.loads(self.body, object_pairs_hook=_unique, parse_constant=_no_constant)
        except (ValueError, RecursionError):
            raise NotJson("a page" if self.html else "no JSON") from None

    def json(self) -> Any:  # noqa: ANN401 - JSON is anything
        """The JSON value; anything else is an answer that proves nothing."""
        try:
            return self.decode()
        except NotJson as problem:
            raise self.unclear(str(problem)) from None

    def object(self) -> dict[str, Any]:
        """The JSON object; anything else is an answer that proves nothing."""
        value = self.json()
        if not isinstance(value, dict):
            raise self.unclear("no JSON object")
        return value

    def unclear(self, note: str) -> PlatformError:
        """The error for an answer that can't be trusted: it depends on what was asked."""
        return unclear(f"http {self.status}, {note}", write=self.write)

    @property
    def retry_after(self) -> timedelta | None:
        """How long the platform asks us to wait, by the header in either of its forms."""
        return read_retry_after(self.headers.get("retry-after"), self.headers.get("date"))


def unclear(note: str, *, write: bool) -> PlatformError:
    """No trustworthy answer: harmless after a read, an open question after a write."""
    return OutcomeUnknown(note=note) if write else Unavailable(note=note)


def read_retry_after(value: object, sent: str | None = None) -> timedelta | None:
    """Seconds or an HTTP date, kept between one second and one day; None when senseless. A date is
    counted from the one in `sent`, where the answer tells it: our own clock may be off."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    wait: timedelta | None
    try:
        wait = timedelta(seconds=float(value))
    except (ValueError, OverflowError):
        wait = _until(str(value), sent)
    if wait is None:
        return None
    return min(max(wait, timedelta(seconds=1)), LONGEST_WAIT)


def _until(date: str, sent: str | None) -> timedelta | None:
    when = _date(date)
    return when - (_date(sent or "") or datetime.now(UTC)) if when else None


def _date(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key is given twice")
    return found


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)


def count(value: object) -> int | None:
    """A counter as told, or None where the platform tells none."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    return None


def part(value: object, name: str) -> dict[str, Any]:
    """The object under `name`, or an empty one."""
    inner = value.get(name) if isinstance(value, dict) else None
    return inner if isinstance(inner, dict) else {}


def text(value: object) -> str | None:
    """A non-empty string or a number as text, else None."""
    if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
        return None
    return str(value)
