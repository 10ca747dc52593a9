"""Refusals of the assumed Дзен contract by HTTP status (platforms/dzen.md §2)."""

from collections.abc import Mapping
from datetime import timedelta

from platforms.answers import Answer, NotJson, part
from platforms.errors import (
    ContentRefused,
    NoRight,
    NotConfigured,
    PlatformError,
    RateLimited,
    TokenExpired,
    Unavailable,
)
from platforms.reasons import Reason
from platforms.refusals import Refusal

BAD_INPUT = Refusal(ContentRefused, Reason.BAD_REQUEST)

STATUSES: Mapping[int, Refusal] = {
    400: BAD_INPUT,
    401: Refusal(TokenExpired),
    403: Refusal(NoRight),  # no channel, or the channel is blocked
    404: Refusal(ContentRefused, Reason.GONE),
    405: Refusal(NotConfigured),
    409: Refusal(Unavailable),  # not now: publish before the upload was finished
    413: Refusal(ContentRefused, Reason.FILE_TOO_LARGE),
    415: BAD_INPUT,
    422: Refusal(ContentRefused, Reason.MODERATION),
    429: Refusal(RateLimited, wait=timedelta(seconds=30)),
}


def refusal(answer: Answer) -> PlatformError | None:
    """The error of an answer that is no success."""
    if 200 <= answer.status < 300:
        return None
    row = STATUSES.get(answer.status, BAD_INPUT)
    note = f"dzen {answer.status} {_code(answer)}"
    return row.build(note, write=answer.write, told=answer.retry_after)


def _code(answer: Answer) -> str:
    try:
        return str(part(answer.decode(), "error").get("code", ""))
    except NotJson:
        return ""
