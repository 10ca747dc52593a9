"""Log lines for a person at a terminal: short and coloured, and as safe as JSON.

A terminal obeys what it is sent: a title with an escape sequence could clear the screen, forge a
line or turn the order of letters. So every value is made plain before it is coloured.
"""

import sys
import traceback
from collections.abc import MutableMapping
from typing import Any

import structlog

from common.observe.untrusted import LONGEST, MOST, plain, short

OMITTED = ("service", "process", "correlation_id")
"""Whoever looks at the terminal started the process; the trace says as much as the other id."""
Line = MutableMapping[str, Any]


def readable() -> list[structlog.types.Processor]:
    """The last steps of a line on its way to a terminal."""
    return [_brief, _safe, structlog.dev.ConsoleRenderer(pad_event_to=24, sort_keys=False)]


def _brief(_logger: object, _method: str, line: Line) -> Line:
    for name in OMITTED:
        line.pop(name, None)
    line["timestamp"] = str(line.get("timestamp", ""))[11:19]  # of an ISO instant, the time
    return line


def _safe(_logger: object, _method: str, line: Line) -> Line:
    told = line.pop("exc_info", None)
    safe: Line = {plain(short(str(name))): _shown(value) for name, value in line.items()}
    if told:
        safe["exception"] = _traceback(told)
    return safe


def _shown(value: Any) -> Any:  # noqa: ANN401 - whatever was logged
    match value:
        case None | bool() | int() | float():
            return value
        case dict() | list() | tuple():
            return plain(short(str(short(value))))
        case _:
            return plain(short(str(value)))


def _traceback(told: Any) -> str:  # noqa: ANN401 - True, an exception or its three parts
    """Without local variables: one of them may hold a token. A mark before each line, as the text
    of an error may have many, and none of them shall look like one of ours."""
    error = told if isinstance(told, BaseException) else sys.exc_info()[1]
    if isinstance(told, tuple):
        error = told[1]
    lines = "".join(traceback.format_exception(error)).splitlines() if error else []
    return "\n".join(f"  | {plain(one[:LONGEST])}" for one in lines[-MOST:])
