"""Requests as Django REST framework reads them: who asks, with which fields."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from starlette.requests import Request

from sandbox import rutube_answers as answers
from sandbox.received import Received
from sandbox.rutube_state import CATEGORIES, Account, RutubeState

SCHEMES = ("token", "bearer")
_TRUE = ("1", "true", "True", "on")
_FALSE = ("0", "false", "False", "off", "")


def account_of(request: Request, state: RutubeState) -> Account | None:
    """Whose token the request carries; None without one, a refusal with a dead one."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() not in SCHEMES:
        return None
    account = state.accounts.get(token.strip())
    if account is None or account.revoked:
        raise answers.invalid_token()
    return account


def fields_of(received: Received) -> Mapping[str, Any]:
    """The body's fields, of JSON or of a form."""
    if received.kind == "application/json":
        if received.problem is not None or not isinstance(received.json, dict):
            raise answers.RefusedError(400, {"detail": "JSON parse error"})
        return received.json
    if received.kind in {"application/x-www-form-urlencoded", "multipart/form-data"}:
        return dict(received.form)
    raise answers.RefusedError(
        415, {"detail": f'Unsupported media type "{received.content_type}" in request.'}
    )


def text_field(fields: Mapping[str, Any], name: str, *, limit: int, blank: bool = True) -> str:
    """A text of at most `limit` characters."""
    value = fields.get(name, "")
    if not isinstance(value, str):
        raise answers.field_error(name, "Not a valid string.")
    if not blank and not value.strip():
        raise answers.field_error(name, "This field may not be blank.")
    if len(value) > limit:
        raise answers.field_error(name, f"Ensure this field has no more than {limit} characters.")
    return value


def flag_field(fields: Mapping[str, Any], name: str) -> bool:
    """0/1 or a boolean; absent is false."""
    value = str(fields.get(name, "0"))
    if value in _TRUE:
        return True
    if value in _FALSE:
        return False
    raise answers.field_error(name, f'"{value}" is not a valid boolean.')


def category_field(fields: Mapping[str, Any], name: str, default: int) -> int:
    """The number of a category that exists."""
    value = fields.get(name, default)
    try:
        number = int(value)
    except (TypeError, ValueError):
        raise answers.field_error(name, "A valid integer is required.") from None
    if number not in CATEGORIES:
        raise answers.field_error(name, f'Invalid pk "{number}" - object does not exist.')
    return number


class Throttle:
    """Refuses bursts of one account. Rutube publishes no numbers; ours are ten in five seconds."""

    LIMIT = 10
    SPAN = timedelta(seconds=5)

    def __init__(self) -> None:
        self._seen: dict[int, deque[datetime]] = {}

    def take(self, account: Account, now: datetime) -> None:
        """Count one request, or refuse it without telling a delay."""
        seen = self._seen.setdefault(account.id, deque())
        while seen and seen[0] <= now - self.SPAN:
            seen.popleft()
        if len(seen) >= self.LIMIT:
            raise answers.throttled("Request was throttled.")
        seen.append(now)
