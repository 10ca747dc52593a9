"""Durations as people write them in settings: `250ms`, `5m`, `1h`, `30d`, `5m,15m,60m`."""

import re
from datetime import timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator
from pydantic_settings import NoDecode

UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
PATTERN = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)")


def parse(value: Any) -> Any:  # noqa: ANN401 - pydantic hands over whatever was given
    """Read one duration; other types pass through to pydantic."""
    if not isinstance(value, str):
        return value
    match = PATTERN.fullmatch(value.strip())
    if not match:
        raise ValueError("write a duration as a number and ms, s, m, h or d, such as 5m")
    return timedelta(seconds=float(match[1]) * UNITS[match[2]])


def parse_many(value: Any) -> Any:  # noqa: ANN401 - as above
    """Read a comma list of durations."""
    if isinstance(value, str):
        return tuple(parse(part) for part in value.split(",") if part.strip())
    return value


Duration = Annotated[timedelta, BeforeValidator(parse)]
Durations = Annotated[tuple[timedelta, ...], NoDecode, BeforeValidator(parse_many)]


def show(value: timedelta) -> str:
    """The shortest way to write a duration, as used in queue names: `1s`, `5m`, `250ms`."""
    millis = round(value / timedelta(milliseconds=1))
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000)):
        if millis >= size and millis % size == 0:
            return f"{millis // size}{unit}"
    return f"{millis}ms"
