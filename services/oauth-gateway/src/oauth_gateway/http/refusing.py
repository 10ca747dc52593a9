"""Which problem each refusal becomes, in the words of the internal interface."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from common.http.problems import Flaw, Problem
from common.http.texts import Text
from common.observe import logs
from oauth_gateway.domain.refusals import (
    AccountMismatch,
    FlowsUnavailable,
    Gone,
    NotPasted,
    StateInvalid,
    UnknownFlow,
)
from oauth_gateway.vault.box import UnknownKey
from platforms.errors import (
    AccessRevoked,
    NeedsHuman,
    NoRight,
    PlatformError,
    RateLimited,
    ScopeMissing,
    TokenExpired,
)

Table = Mapping[type[PlatformError], tuple[int, str]]
FINISHING: Table = {
    ScopeMissing: (403, "scope_missing"),
    AccessRevoked: (403, "access_denied"),
    TokenExpired: (403, "access_denied"),
    NoRight: (422, "no_right_to_post"),
    NeedsHuman: (422, "human_needed"),
}
PASTING: Table = {
    AccessRevoked: (422, "token_refused"),
    TokenExpired: (422, "token_refused"),
    NoRight: (422, "no_right_to_post"),
    NeedsHuman: (422, "human_needed"),
}
RETRY_SECONDS = 5.0
log = logs.get(__name__)


@contextmanager
def refusing(table: Table | None = None) -> Iterator[None]:
    """Raise the problem for whatever is refused inside; `table` says what a platform's no means.

    Anything a platform may say that is not in the table proves nothing: ask again later.
    """
    try:
        yield
    except (UnknownFlow, NotPasted) as refusal:
        field = "platform" if isinstance(refusal, UnknownFlow) else "token"
        flaws = [Flaw(field, "invalid_request")]
        raise Problem(422, "invalid_request", flaws=flaws) from None
    except StateInvalid:
        raise Problem(403, "state_invalid") from None
    except AccountMismatch:
        raise Problem(409, "account_mismatch") from None
    except Gone:
        raise Problem(410, "connection_expired") from None
    except PlatformError as error:
        raise _said(error, table or {}) from None
    except FlowsUnavailable:
        raise Problem(503, "service_unavailable", retry_after=RETRY_SECONDS) from None
    except UnknownKey as error:
        log.critical("token_key_missing", key_id=str(error))
        raise Problem(503, "service_unavailable", retry_after=RETRY_SECONDS) from None


def _said(error: PlatformError, table: Table) -> Problem:
    status, code = table.get(type(error), (503, "platform_unavailable"))
    wait = error.retry_after.total_seconds() if isinstance(error, RateLimited) else RETRY_SECONDS
    reason = error.reason.text
    return Problem(
        status,
        code,
        text=Text(reason.ru, reason.en),
        retry_after=wait if status == 503 else None,
    )
