"""Which samples a summary is about: `from`, `to` and `tz` made into two instants."""

import re
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Annotated, Any
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field

from common.http.problems import Flaw, Problem
from common.http.texts import Text
from stats_collector.domain.summary import Grouping, Period

USUAL = timedelta(days=30)
DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _known_zone(value: str) -> str:
    if value not in _zones():
        raise ValueError("not a time zone; write one such as Europe/Moscow")
    return value


def _read(value: Any) -> Any:  # noqa: ANN401 - pydantic hands over whatever was given
    """pydantic alone would take a midnight without an offset for a date."""
    if not isinstance(value, str):
        return value
    if DATE.fullmatch(value):
        return date.fromisoformat(value)
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None:
        raise ValueError("say the UTC offset, or give a date alone")
    return moment


Zone = Annotated[str, AfterValidator(_known_zone)]
Edge = Annotated[AwareDatetime | date, BeforeValidator(_read)]


class SummaryQuery(BaseModel):
    """The query of /summary. A date means the whole day in `tz`, also at the end of the period."""

    model_config = ConfigDict(extra="forbid")

    since: Annotated[Edge | None, Field(alias="from")] = None
    until: Annotated[Edge | None, Field(alias="to")] = None
    group_by: Grouping = Grouping.PLATFORM
    tz: Zone = "UTC"
    limit: Annotated[int, Field(ge=1, le=200)] = 200
    cursor: Annotated[str | None, Field(max_length=500)] = None

    def period(self, now: datetime) -> Period:
        """Up to now, and 30 days long, unless said otherwise. Raises a 422 problem."""
        try:
            until = _instant(self.until, self.tz, days=1) or now
            usual = until - USUAL
        except OverflowError:
            raise Problem(422, "invalid_request", flaws=[Flaw("to", "invalid_request")]) from None
        try:
            since = _instant(self.since, self.tz, days=0) or usual
        except OverflowError:
            raise Problem(422, "invalid_request", flaws=[Flaw("from", "invalid_request")]) from None
        if since >= until:
            text = Text("Конец периода раньше его начала.", "The period ends before it begins.")
            raise Problem(422, "invalid_request", flaws=[Flaw("to", "invalid_request", text)])
        return Period(since, until, self.tz)


def _instant(edge: Edge | None, zone: str, *, days: int) -> datetime | None:
    match edge:
        case None:
            return None
        case datetime():
            return edge.astimezone(UTC)
        case date():
            day = edge + timedelta(days=days)
            return datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC)
