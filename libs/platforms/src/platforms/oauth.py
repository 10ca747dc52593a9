"""Token answers of authorization servers, read strictly: what is odd about them is not stored."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from pydantic import SecretStr

from platforms.answers import Answer, NotJson, text
from platforms.errors import (
    AccessRevoked,
    NotConfigured,
    PlatformError,
    RateLimited,
    TokenExpired,
    Unavailable,
)
from platforms.refusals import Refusal

REFUSED = Refusal(AccessRevoked)
OUR_FAULT = Refusal(NotConfigured)
BUSY = Refusal(Unavailable, unclear=True)

ERRORS: Mapping[str, Refusal] = {
    "invalid_grant": REFUSED,
    "bad_verification_code": REFUSED,
    "access_denied": REFUSED,
    "invalid_token": Refusal(TokenExpired),
    "invalid_client": OUR_FAULT,
    "unauthorized_client": OUR_FAULT,
    "invalid_request": OUR_FAULT,
    "invalid_id_token": OUR_FAULT,
    "invalid_scope": OUR_FAULT,
    "unsupported_grant_type": OUR_FAULT,
    "unsupported_token_type": OUR_FAULT,
    "slow_down": Refusal(RateLimited, wait=timedelta(seconds=5)),
    "temporarily_unavailable": BUSY,
    "server_error": BUSY,
}
"""platforms/oauth.md §1.6, §2, §3.5."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a token endpoint gave."""

    access: SecretStr
    refresh: SecretStr | None
    expires_in: timedelta | None
    scope: tuple[str, ...] | None
    """None when the answer does not tell: then all that was asked for was granted."""
    body: Mapping[str, Any] = field(repr=False)


def refusal(answer: Answer) -> PlatformError | None:
    """The error an authorization server reports; VK ID does so with HTTP 200 too."""
    if answer.status == 429:
        return RateLimited(answer.retry_after or timedelta(seconds=5), note="oauth 429")
    try:
        body = answer.decode()
    except NotJson:
        body = None
    code = body.get("error") if isinstance(body, dict) else None
    if isinstance(code, str):
        row = ERRORS.get(code, REFUSED if answer.status == 401 else BUSY)
        # Words that the standard does not know may repeat a code, which is short enough to be one.
        said = code if code in ERRORS else "an unknown error"
        return row.build(f"oauth {said}", write=answer.write, told=answer.retry_after)
    if answer.status == 401:
        return TokenExpired(note="oauth 401")
    if not 200 <= answer.status < 300:
        return answer.unclear("no OAuth error")
    return None


def read_tokens(answer: Answer, *, typed: bool = True) -> Tokens:
    """Tokens, or the refusal raised; anything not exactly as expected proves nothing."""
    error = refusal(answer)
    if isinstance(error, TokenExpired):  # what was refused here was the code or the refresh token
        raise AccessRevoked(note=error.note)
    if error:
        raise error
    body = answer.object()
    if typed and str(body.get("token_type")).lower() != "bearer":
        raise answer.unclear("token_type")
    seconds = body.get("expires_in", 0)
    if isinstance(seconds, bool) or not isinstance(seconds, int) or not 0 <= seconds < 10**10:
        raise answer.unclear("expires_in")
    access = _token(answer, body, "access_token")
    if access is None:
        raise answer.unclear("access_token")
    return Tokens(
        access=access,
        refresh=_token(answer, body, "refresh_token"),
        expires_in=timedelta(seconds=seconds) if seconds else None,
        scope=_scope(body.get("scope")),
        body=body,
    )


def require_text(answer: Answer, body: Mapping[str, Any], name: str) -> str:
    """A field without which the answer is of no use."""
    value = text(body.get(name))
    if value is None:
        raise answer.unclear(name)
    return value


def _token(answer: Answer, body: Mapping[str, Any], name: str) -> SecretStr | None:
    value = body.get(name)
    if value is None or value == "":
        return None
    # A token goes into a header: nothing that could end the line or not be written there.
    if not isinstance(value, str) or not all("!" <= sign <= "~" for sign in value):
        raise answer.unclear(name)
    return SecretStr(value)


def _scope(value: object) -> tuple[str, ...] | None:
    return tuple(value.replace(",", " ").split()) if isinstance(value, str) else None
