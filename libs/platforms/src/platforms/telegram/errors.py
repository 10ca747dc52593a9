"""The Bot API's refusals as data: status and how the description begins (telegram.md §3)."""

from datetime import timedelta

from platforms.errors import (
    ContentRefused,
    NoRight,
    NotConfigured,
    RateLimited,
    TokenExpired,
    Unavailable,
)
from platforms.reasons import Reason
from platforms.refusals import Refusal

TEXT = Refusal(ContentRefused, Reason.TEXT_REFUSED)
FILE = Refusal(ContentRefused, Reason.CONTENT_REFUSED)
NO_RIGHT = Refusal(NoRight)
MAY_NOT_POST = Refusal(NoRight, Reason.BOT_MAY_NOT_POST)
NOT_A_MEMBER = Refusal(NoRight, Reason.NOT_A_MEMBER)
CHAT_NOT_FOUND = Refusal(NoRight, Reason.CHAT_NOT_FOUND)
BAD_INPUT = Refusal(ContentRefused, Reason.BAD_REQUEST)
OUR_FAULT = Refusal(NotConfigured)

ROWS: tuple[tuple[int, str, Refusal], ...] = (
    (429, "", Refusal(RateLimited, wait=timedelta(seconds=30))),
    (401, "", Refusal(TokenExpired)),
    (404, "not found: method not found", OUR_FAULT),
    (404, "", Refusal(TokenExpired)),  # api.telegram.org's answer to a malformed token
    (403, "forbidden: bot is not a member", NOT_A_MEMBER),
    (403, "forbidden: bot was kicked", NOT_A_MEMBER),
    (403, "forbidden: the group chat was deleted", CHAT_NOT_FOUND),
    (403, "", NO_RIGHT),
    (400, "bad request: chat not found", CHAT_NOT_FOUND),
    (400, "bad request: chat_id is empty", CHAT_NOT_FOUND),
    (400, "bad request: peer_id_invalid", CHAT_NOT_FOUND),
    (400, "bad request: need administrator rights", MAY_NOT_POST),
    (400, "bad request: chat_write_forbidden", MAY_NOT_POST),
    (400, "bad request: chat_admin_required", MAY_NOT_POST),
    (400, "bad request: not enough rights", MAY_NOT_POST),
    (400, "bad request: member list is inaccessible", NOT_A_MEMBER),
    (400, "bad request: there is no video", FILE),
    (400, "bad request: wrong file identifier", FILE),
    (400, "bad request: failed to get http url content", FILE),
    (400, "bad request: wrong type of the web page content", FILE),
    (400, "bad request: can't upload file by url", FILE),
    (400, "bad request: file must be non-empty", FILE),
    (400, "bad request: message caption is too long", TEXT),
    (400, "bad request: can't parse entities", TEXT),
    (400, "bad request: message thread not found", BAD_INPUT),
    (400, "bad request: topic_closed", BAD_INPUT),
    (400, "bad request: the bot has already been", OUR_FAULT),
    (400, "", BAD_INPUT),
    (409, "", Refusal(Unavailable)),  # somebody else reads this bot's updates
    (413, "", Refusal(ContentRefused, Reason.FILE_TOO_LARGE)),
    (421, "", OUR_FAULT),  # the bot lives on another server
)


def refusal(code: int, description: str) -> Refusal:
    """The first row that fits; what is not known is tried again until attempts are used up."""
    said = description.lower()
    return next(
        (row for status, begin, row in ROWS if status == code and said.startswith(begin)),
        Refusal(Unavailable),
    )
