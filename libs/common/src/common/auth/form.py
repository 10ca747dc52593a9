"""The form of a JWT, looked at before anything believes it: strict where libraries are lenient."""

import json
import re
from base64 import urlsafe_b64decode
from typing import Any, NoReturn

LONGEST = 8192
_SEGMENT = re.compile(r"[A-Za-z0-9_-]+")


def read_header(token: str) -> dict[str, Any]:
    """The header of a token whose parts are all there and can be read in one way only.

    Raises ValueError. Repeated names would mean one thing to one reader and another to the next;
    NaN, infinities and thousands of brackets make what comes later stumble.
    """
    parts = token.split(".") if len(token) <= LONGEST else []
    if len(parts) != 3 or not all(_SEGMENT.fullmatch(part) for part in parts):
        raise ValueError("no three parts")
    try:
        header, _claims = (_object(part) for part in parts[:2])
    except RecursionError:
        raise ValueError("too deep") from None
    return header


def _object(part: str) -> dict[str, Any]:
    text = urlsafe_b64decode(part + "=" * (-len(part) % 4))
    found = json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse, parse_float=_finite)
    if not isinstance(found, dict):
        raise ValueError("no object")  # noqa: TRY004 - one error for every bad form
    return found


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name is given twice")
    return found


def _finite(text: str) -> float:
    number = float(text)
    return number if number - number == 0 else _refuse(text)


def _refuse(_text: str) -> NoReturn:
    raise ValueError("no number")
