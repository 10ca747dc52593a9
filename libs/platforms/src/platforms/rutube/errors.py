"""Rutube's refusals: HTTP status and Django-like bodies (platforms/rutube.md §4)."""

from collections.abc import Mapping
from datetime import timedelta

from platforms.answers import Answer, NotJson
from platforms.errors import (
    ContentRefused,
    NeedsHuman,
    NoRight,
    NotConfigured,
    PlatformError,
    RateLimited,
    TokenExpired,
)
from platforms.reasons import Reason
from platforms.refusals import Refusal

BAD_INPUT = Refusal(ContentRefused, Reason.BAD_REQUEST)

STATUSES: Mapping[int, Refusal] = {
    400: BAD_INPUT,  # see FIELDS
    401: Refusal(TokenExpired),
    403: Refusal(NoRight),  # a page instead of JSON is the anti-bot check
    404: Refusal(ContentRefused, Reason.GONE),
    405: Refusal(NotConfigured),
    413: Refusal(ContentRefused, Reason.FILE_TOO_LARGE),
    415: BAD_INPUT,
    422: BAD_INPUT,
    429: Refusal(RateLimited, wait=timedelta(seconds=30)),
}

FIELDS: Mapping[str, Refusal] = {
    "title": Refusal(ContentRefused, Reason.TEXT_REFUSED),
    "description": Refusal(ContentRefused, Reason.TEXT_REFUSED),
    "url": Refusal(ContentRefused, Reason.MEDIA_UNREACHABLE),
}

ANTI_BOT = Refusal(NeedsHuman, Reason.CAPTCHA)
LOGIN_PAGE = Refusal(TokenExpired)


def refusal(answer: Answer) -> PlatformError | None:
    """The error of an answer that is no success."""
    status = answer.status
    if 200 <= status < 300:
        return None
    if 300 <= status < 400:
        return LOGIN_PAGE.build(f"rutube {status}")
    if status == 403 and answer.html:
        return ANTI_BOT.build("rutube 403, a page")
    row, note = STATUSES.get(status, BAD_INPUT), f"rutube {status}"
    if status == 400:
        fields = _fields(answer)
        row = next((FIELDS[name] for name in fields if name in FIELDS), row)
        note = f"{note}: {', '.join(fields)}"
    return row.build(note, write=answer.write, told=answer.retry_after)


def _fields(answer: Answer) -> list[str]:
    """Names of the fields that were refused; their texts may repeat what was sent."""
    try:
        body = answer.decode()
    except NotJson:
        return []
    return [str(name) for name in body] if isinstance(body, dict) else []
