"""How a platform can say no. The engine decides by class; people read `reason`.

PlatformError
├── Unavailable      nothing happened, or repeating is harmless: try again later
│   ├── RateLimited  the account asked too often: how long it has to wait is known or assumed
│   │   └── NotYet   only this call has to wait, not everything of the account
│   └── StartOver    what was made so far came to nothing and nobody saw it: from the first step
├── OutcomeUnknown   the request may have been carried out: look before repeating
├── TokenExpired     the access token is refused: a fresh one may help, once
├── AccessRevoked    the account refuses us for good: a person must reconnect
├── NoRight          the account exists, but may not do this
├── ContentRefused   this clip or text will never be accepted
├── NeverEnding      the platform took the clip and does not get done with it
├── NeedsHuman       captcha, two-factor, phone confirmation: only the owner can go on
└── NotConfigured    our application is refused (client id, switched off, wrong method)
"""

from datetime import timedelta

from platforms.reasons import Reason
from platforms.scrubbing import scrub


class PlatformError(Exception):
    """A platform did not do what was asked.

    `code` is the stable problem code of the public interface, `reason` the text for people
    (both languages), `note` a short technical remark; what may be a secret or an address
    is taken out of it here, so that nobody can forget to.
    """

    code = "platform_unavailable"
    default = Reason.UNAVAILABLE

    def __init__(self, reason: Reason | None = None, *, note: str = "") -> None:
        self.reason = reason or self.default
        self.note = scrub(note)
        super().__init__(f"{type(self).__name__}: {self.reason.value} {self.note}".rstrip())


class Unavailable(PlatformError):
    """Nothing was done, or repeating does no harm."""


class RateLimited(Unavailable):
    """Asked too often; `retry_after` is what the platform told, or our own default. It costs no
    attempt. `ours`: not the platform says so, but the pace that we keep by ourselves."""

    default = Reason.RATE_LIMITED

    def __init__(
        self,
        retry_after: timedelta,
        reason: Reason | None = None,
        *,
        note: str = "",
        ours: bool = False,
    ) -> None:
        self.retry_after = retry_after
        self.ours = ours
        super().__init__(reason, note=note)


class NotYet(RateLimited):
    """This call is too early, or its own quota is used up; other calls of the account may go on."""


class StartOver(Unavailable):
    """The platform gave up on what was made so far, and nothing of it is or will be visible."""


class OutcomeUnknown(PlatformError):
    """The request left and no trustworthy answer came: it may have been carried out."""

    code = "outcome_unknown"
    default = Reason.OUTCOME_UNKNOWN


class TokenExpired(PlatformError):
    """The access token was refused; a refreshed one may be accepted."""

    code = "connection_expired"
    default = Reason.TOKEN_REFUSED


class AccessRevoked(PlatformError):
    """The grant is gone (refresh token refused, account blocked): reconnect."""

    code = "connection_expired"
    default = Reason.ACCESS_REVOKED


class NoRight(PlatformError):
    """The account lacks the right for this target."""

    code = "no_right_to_post"
    default = Reason.NO_RIGHT


class ContentRefused(PlatformError):
    """The platform will never take this clip or text."""

    code = "content_refused"
    default = Reason.CONTENT_REFUSED


class NeverEnding(PlatformError):
    """The platform has been processing the clip for too long; it may appear yet, or never."""

    code = "content_refused"
    default = Reason.PROCESSING_STUCK


class NeedsHuman(PlatformError):
    """The owner must do something on the platform's own site first."""

    code = "human_needed"
    default = Reason.CAPTCHA


class NotConfigured(PlatformError):
    """Our application is not accepted; the operator must mend the settings."""

    default = Reason.APP_REFUSED


class ScopeMissing(PlatformError):
    """Fewer rights were granted than publishing needs."""

    code = "scope_missing"
    default = Reason.SCOPE_MISSING
