"""Cursors: opaque to callers, the last row's sort key to us."""

import base64
import binascii
import json
from typing import Annotated, Generic, TypeVar

from fastapi import Query
from pydantic import BaseModel

from common.http.problems import Flaw, Problem

T = TypeVar("T")
Limit = Annotated[int, Query(ge=1, le=200)]
Cursor = Annotated[str | None, Query(max_length=500)]


class Page(BaseModel, Generic[T]):
    """A list answer; `next_cursor` is null on the last page."""

    items: list[T]
    next_cursor: str | None = None


def encode(*key: str | int) -> str:
    """The cursor after a row with this sort key."""
    raw = json.dumps(key, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def decode(cursor: str, parts: int) -> list[str]:
    """The sort key inside a cursor. Raises a 422 problem when we did not make it."""
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        key = json.loads(raw)
        if not isinstance(key, list) or len(key) != parts:
            raise ValueError("not our cursor")
        return [str(part) for part in key]
    except (ValueError, binascii.Error):
        raise Problem(422, "invalid_request", flaws=[Flaw("cursor", "invalid_request")]) from None
