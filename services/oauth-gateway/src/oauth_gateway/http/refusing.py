"""Which problem each refusal becomes, in the words of the internal interface."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

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
    ContentRefused,
    NeedsHuman,
    NoRight,
    NotConfigured,
    PlatformError,
    RateLimited,
    ScopeMissing,
    TokenExpired,
)

START_AGAIN = Text(
    "Платформа не подтвердила подключение. Начните подключение заново.",
    "The platform did not confirm the connection. Start connecting again.",
)
NOT_TAKEN = Text(
    "Платформа не приняла эти данные. Проверьте их и подключите аккаунт ещё раз.",
    "The platform did not take these data. Check them and connect the account again.",
)


class No(NamedTuple):
    """A problem; without a text of its own it is told in the words of the platform's reason."""

    status: int
    code: str
    text: Text | None = None


@dataclass(frozen=True, slots=True)
class Asking:
    """What a platform's refusals mean while something is asked of it; `otherwise` stands for
    every refusal that is not listed. Without it such a refusal proves nothing: ask again later."""

    listed: Mapping[type[PlatformError], No]
    otherwise: No | None = None


PLAIN = Asking({})
FINISHING = Asking(
    {
        ScopeMissing: No(403, "scope_missing"),
        AccessRevoked: No(403, "access_denied"),
        TokenExpired: No(403, "access_denied"),
        NoRight: No(422, "no_right_to_post"),
        NeedsHuman: No(422, "human_needed"),
        ContentRefused: No(422, "invalid_request", START_AGAIN),
        NotConfigured: No(503, "platform_unavailable"),
    },
    otherwise=No(503, "platform_unavailable", START_AGAIN),  # the finish id is used up
)
PASTING = Asking(
    {
        AccessRevoked: No(422, "token_refused"),
        TokenExpired: No(422, "token_refused"),
        NoRight: No(422, "no_right_to_post"),
        NeedsHuman: No(422, "human_needed"),
        ContentRefused: No(422, "invalid_request", NOT_TAKEN),
        NotConfigured: No(503, "platform_unavailable"),
    }
)
RETRY_SECONDS = 5.0
log = logs.get(__name__)


@contextmanager
def refusing(asking: Asking = PLAIN) -> Iterator[None]:
    """Raise the problem for whatever is refused inside."""
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
        raise _said(error, asking) from None
    except FlowsUnavailable:
        raise Problem(503, "service_unavailable", retry_after=RETRY_SECONDS) from None
    except UnknownKey as error:
        log.critical("token_key_missing", key_id=str(error))
        raise Problem(503, "service_unavailable", retry_after=RETRY_SECONDS) from None


def _said(error: PlatformError, asking: Asking) -> Problem:
    """Only what may be different next time is told with a time to ask again."""
    reason = Text(*error.reason.text)
    if no := asking.listed.get(type(error), asking.otherwise):
        return Problem(no.status, no.code, text=no.text or reason)
    wait = error.retry_after.total_seconds() if isinstance(error, RateLimited) else RETRY_SECONDS
    return Problem(503, "platform_unavailable", text=reason, retry_after=wait)
