"""What a platform's own codes become: the complete tables, row by row where rows differ."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from platforms import errors
from platforms.answers import Answer
from platforms.dzen import errors as dzen
from platforms.errors import PlatformError, RateLimited
from platforms.oauth import read_tokens
from platforms.oauth import refusal as oauth_refusal
from platforms.reasons import Reason
from platforms.refusals import Refusal
from platforms.rutube import errors as rutube
from platforms.telegram import errors as telegram
from platforms.vk import errors as vk


def reply(
    status: int, body: Any = None, *, write: bool = False, retry_after: str | None = None
) -> Answer:
    headers = {} if retry_after is None else {"retry-after": retry_after}
    return Answer(status, headers, json.dumps(body or {}).encode(), write)


VK = {
    "Unavailable": [22, 43, 105, 106, 424242],
    "OutcomeUnknown": [1, 10, 32, 36],
    "RateLimited": [6],
    "NotYet": [9, 29, 1105, 3001],
    "TokenExpired": [5, 25, 1114, 1116, 1117, 1118, 3609],
    "AccessRevoked": [18, 37, 3610, 3611],
    "NoRight": [7, 15, 20, 21, 27, 28, 30, 200, 203, 204, 210, 214, 13000],
    "ContentRefused": [
        19, 38, 39, 40, 100, 101, 103, 104, 113, 119, 125, 150, 219, 220, 222, 224, 600, 603,
    ],
    "NeedsHuman": [14, 17, 24, 41, 703, 704, 3300, 3301, 3302, 3303, 3304, 11500],
    "NotConfigured": [2, 3, 4, 8, 11, 13, 16, 23, 33, 34, 35, 42, 9999],
}  # fmt: skip


@pytest.mark.parametrize(("kind", "code"), [(k, code) for k, codes in VK.items() for code in codes])
def test_vk_code(kind: str, code: int) -> None:
    assert type(vk.refusal(code, None).build("", write=True)).__name__ == kind


def test_the_vk_table_is_covered_whole() -> None:
    assert set(vk.ERRORS) <= {code for codes in VK.values() for code in codes}


def test_vk_subcodes_tell_missing_rights_from_a_closed_application() -> None:
    assert vk.refusal(15, 1133).reason is Reason.SCOPE_MISSING
    assert vk.refusal(15, 1134).kind is errors.NotConfigured


def test_vk_codes_that_ask_to_wait_wait_by_our_own_measure() -> None:
    waits = [vk.refusal(code, None).build("") for code in (6, 9, 29)]
    hours = [timedelta(seconds=1), timedelta(hours=1), timedelta(hours=6)]
    assert [error.retry_after for error in waits if isinstance(error, RateLimited)] == hours


TELEGRAM = [
    (429, "Too Many Requests: retry after 7", errors.RateLimited, Reason.RATE_LIMITED),
    (401, "Unauthorized", errors.TokenExpired, Reason.TOKEN_REFUSED),
    (404, "Not Found", errors.TokenExpired, Reason.TOKEN_REFUSED),
    (404, "Not Found: method not found", errors.NotConfigured, Reason.APP_REFUSED),
    (
        403,
        "Forbidden: bot is not a member of the channel chat",
        errors.NoRight,
        Reason.NOT_A_MEMBER,
    ),
    (403, "Forbidden: bot was kicked from the group chat", errors.NoRight, Reason.NOT_A_MEMBER),
    (403, "Forbidden: user is deactivated", errors.NoRight, Reason.NO_RIGHT),
    (400, "Bad Request: chat not found", errors.NoRight, Reason.CHAT_NOT_FOUND),
    (
        400,
        "Bad Request: need administrator rights in the channel chat",
        errors.NoRight,
        Reason.BOT_MAY_NOT_POST,
    ),
    (400, "Bad Request: CHAT_WRITE_FORBIDDEN", errors.NoRight, Reason.BOT_MAY_NOT_POST),
    (
        400,
        "Bad Request: not enough rights to send videos",
        errors.NoRight,
        Reason.BOT_MAY_NOT_POST,
    ),
    (
        400,
        "Bad Request: message caption is too long",
        errors.ContentRefused,
        Reason.TEXT_REFUSED,
    ),
    (
        400,
        "Bad Request: file must be non-empty",
        errors.ContentRefused,
        Reason.CONTENT_REFUSED,
    ),
    (400, "Bad Request: anything else", errors.ContentRefused, Reason.BAD_REQUEST),
    (409, "Conflict: terminated", errors.Unavailable, Reason.UNAVAILABLE),
    (413, "Request Entity Too Large", errors.ContentRefused, Reason.FILE_TOO_LARGE),
    (421, "Misdirected", errors.NotConfigured, Reason.APP_REFUSED),
]


@pytest.mark.parametrize(("code", "said", "kind", "reason"), TELEGRAM)
def test_telegram_refusal(code: int, said: str, kind: type[PlatformError], reason: Reason) -> None:
    error = telegram.refusal(code, said).build("")
    assert (type(error), error.reason) == (kind, reason)


RUTUBE = {
    302: errors.TokenExpired,
    400: errors.ContentRefused,
    401: errors.TokenExpired,
    403: errors.NoRight,
    405: errors.NotConfigured,
    413: errors.ContentRefused,
    415: errors.ContentRefused,
    422: errors.ContentRefused,
    429: errors.RateLimited,
}


@pytest.mark.parametrize("status", RUTUBE)
def test_rutube_status(status: int) -> None:
    assert type(rutube.refusal(reply(status))) is RUTUBE[status]


def test_rutube_names_the_refused_field_but_does_not_repeat_its_text() -> None:
    error = rutube.refusal(reply(400, {"url": ["http://x/?sig=SECRET is bad"]}))
    assert error is not None
    assert error.reason is Reason.MEDIA_UNREACHABLE
    assert error.note == "rutube 400: url"


def test_a_page_instead_of_json_is_rutubes_check_for_robots() -> None:
    page = Answer(403, {"content-type": "text/html"}, b"<html>", write=False)
    assert type(rutube.refusal(page)) is errors.NeedsHuman


DZEN = {
    400: errors.ContentRefused,
    401: errors.TokenExpired,
    403: errors.NoRight,
    404: errors.ContentRefused,
    409: errors.Unavailable,
    413: errors.ContentRefused,
    415: errors.ContentRefused,
    422: errors.ContentRefused,
    429: errors.RateLimited,
}


@pytest.mark.parametrize("status", DZEN)
def test_dzen_status(status: int) -> None:
    assert type(dzen.refusal(reply(status))) is DZEN[status]


@pytest.mark.parametrize("read", [rutube.refusal, dzen.refusal])
def test_success_is_no_refusal(read: Any) -> None:
    assert read(reply(201)) is None


@pytest.mark.parametrize("header", ["7", "7.0", "Fri, 01 Jan 1999 00:00:00 GMT", "soon", "-3"])
def test_the_wait_a_platform_asks_for_is_kept_sensible(header: str) -> None:
    error = dzen.refusal(reply(429, retry_after=header))
    assert isinstance(error, RateLimited)
    asked = timedelta(seconds={"7": 7, "7.0": 7, "soon": 30}.get(header, 1))
    assert error.retry_after == asked


def test_a_date_is_counted_from_the_platforms_own_clock() -> None:
    hours_ago = {"date": "Fri, 01 Jan 1999 00:00:00 GMT"}
    until = hours_ago | {"retry-after": "Fri, 01 Jan 1999 00:02:00 GMT"}
    assert Answer(429, until, b"", write=False).retry_after == timedelta(minutes=2)


def test_an_absurd_wait_is_one_day() -> None:
    for header in ("99999999999", "inf", "1e300"):
        error = dzen.refusal(reply(429, retry_after=header))
        assert isinstance(error, RateLimited)
        assert error.retry_after <= timedelta(days=1)


OAUTH = {
    "invalid_grant": errors.AccessRevoked,
    "bad_verification_code": errors.AccessRevoked,
    "invalid_token": errors.TokenExpired,
    "invalid_client": errors.NotConfigured,
    "unsupported_token_type": errors.NotConfigured,
    "slow_down": errors.RateLimited,
    "server_error": errors.OutcomeUnknown,
    "something new": errors.OutcomeUnknown,
}


@pytest.mark.parametrize("status", [200, 400])
@pytest.mark.parametrize("code", OAUTH)
def test_oauth_error_whatever_the_status(code: str, status: int) -> None:
    error = oauth_refusal(reply(status, {"error": code}, write=True))
    assert type(error) is OAUTH[code]


def test_a_token_endpoint_that_refuses_the_refresh_token_means_reconnecting() -> None:
    with pytest.raises(errors.AccessRevoked):
        read_tokens(reply(400, {"error": "invalid_token"}))


GOOD = {"access_token": "a", "token_type": "Bearer", "expires_in": 60, "refresh_token": "r"}
HOSTILE = {
    "no access token": GOOD | {"access_token": None},
    "an empty access token": GOOD | {"access_token": ""},
    "a token with a line break": GOOD | {"access_token": "a\r\nX: y"},
    "a token that is a number": GOOD | {"access_token": 5},
    "another token type": GOOD | {"token_type": "mac"},
    "no token type": {"access_token": "a"},
    "a life that is a text": GOOD | {"expires_in": "60"},
    "a negative life": GOOD | {"expires_in": -1},
    "an endless life": GOOD | {"expires_in": 10**30},
    "a list": [GOOD],
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_token_answer_gives_nothing(name: str) -> None:
    with pytest.raises(errors.OutcomeUnknown):
        read_tokens(reply(200, HOSTILE[name], write=True))


def test_a_good_token_answer_is_read() -> None:
    answer = reply(200, GOOD | {"access_token": "CANARY", "scope": "video wall"})
    tokens = read_tokens(answer)
    assert "CANARY" not in f"{answer} {tokens}"
    assert tokens.access.get_secret_value() == "CANARY"
    assert tokens.expires_in == timedelta(minutes=1)
    assert tokens.scope == ("video", "wall")


def test_a_life_of_zero_means_for_ever() -> None:
    assert read_tokens(reply(200, GOOD | {"expires_in": 0})).expires_in is None


SAID = "see https://x.example/?t=1\nvk1.a.CANARY-0123456789abcdef\x1b[31m is bad"


@pytest.mark.parametrize(
    "error",
    [
        Refusal(errors.NoRight).build(SAID),
        Refusal(errors.Unavailable, unclear=True).build(SAID, write=True),
        errors.StartOver(note=SAID),
        errors.RateLimited(timedelta(1), note=SAID),
    ],
)
def test_l2_a_note_keeps_no_address_token_or_control_sign(error: PlatformError) -> None:
    assert error.note == "see *** *** [31m is bad"
    assert "CANARY" not in f"{error!r} {error}"


def test_l2_a_note_is_short() -> None:
    assert len(errors.Unavailable(note="no way " * 100).note) <= 200


SPENT = "1a2b3c4d5e6f7a8b"


@pytest.mark.parametrize(
    "refused",
    [
        lambda: oauth_refusal(reply(400, {"error": f"bad code {SPENT}"})),
        lambda: rutube.refusal(reply(403, {"detail": SPENT})),
        lambda: dzen.refusal(reply(400, {"error": {"message": SPENT}})),
    ],
)
def test_l2_a_short_code_is_not_repeated_either(refused: Callable[[], PlatformError]) -> None:
    assert SPENT not in str(refused())


def test_an_unclear_refusal_of_a_read_may_be_repeated() -> None:
    row = Refusal(errors.Unavailable, unclear=True)
    assert type(row.build("")) is errors.Unavailable
    assert type(row.build("", write=True)) is errors.OutcomeUnknown


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_is_told_in_both_languages(reason: Reason) -> None:
    assert reason.text.ru
    assert reason.text.en
