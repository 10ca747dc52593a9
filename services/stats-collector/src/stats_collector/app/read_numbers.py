"""One question to a platform: the counters of some posts of one account."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from common.lending import ConnectionLost, Token, Tokens, VaultUnavailable
from common.observe import logs
from platforms.errors import (
    AccessRevoked,
    ContentRefused,
    OutcomeUnknown,
    PlatformError,
    RateLimited,
    TokenExpired,
    Unavailable,
)
from platforms.port import Numbers, Stats
from stats_collector.app.ports import Claim

TOKENS_LATER = timedelta(minutes=1)
"""When oauth-gateway has no token for us now, the posts are not to blame: it costs no failure."""
MOST_REFUSALS = 20
"""Enough to find two bad ids among two hundred; a batch that is bad throughout costs no more."""
log = logs.get(__name__)


@dataclass(frozen=True, slots=True)
class Later:
    """Asked to wait; nothing failed."""

    after: timedelta
    why: str


@dataclass(frozen=True, slots=True)
class Failed:
    """No answer, or a refusal; `again` when asking again soon may help."""

    why: str
    again: bool


REFUSED_ALONE = Failed("refused", again=False)
"""A post that is refused when asked about alone: it is asked about in the next round."""


@dataclass(frozen=True, slots=True)
class Told:
    """The platform answered; `rest` says what became of posts that are missing here."""

    numbers: Mapping[str, Numbers]
    rest: Later | Failed = REFUSED_ALONE


@dataclass(frozen=True, slots=True)
class Refused:
    """The connection has no working token any more."""


Answer = Told | Later | Failed | Refused


async def read_numbers(claim: Claim, stats: Stats, tokens: Tokens) -> Answer:
    """Never raises. A refused token is replaced once."""
    try:
        return await _ask(claim, stats, tokens)
    except ConnectionLost:
        return Refused()
    except VaultUnavailable:
        return Later(TOKENS_LATER, "no token can be borrowed now")
    except RateLimited as error:
        return Later(error.retry_after, str(error))
    except PlatformError as error:
        return Failed(str(error), again=isinstance(error, Unavailable | OutcomeUnknown))
    except Exception as error:
        log.exception("stats_unexpected", platform=claim.platform)
        return Failed(type(error).__name__, again=False)


async def _ask(claim: Claim, stats: Stats, tokens: Tokens) -> Told:
    lent = await tokens.lease(claim.connection_id)
    try:
        return await _read(claim, stats, lent)
    except (TokenExpired, AccessRevoked):
        lent = await tokens.lease(claim.connection_id, refused=lent.version)
    return await _read(claim, stats, lent)


async def _read(claim: Claim, stats: Stats, lent: Token) -> Told:
    """In halves when a platform refuses all because of some. What was told stays told, whatever
    comes after it."""
    account = claim.watches[0].account_id
    asking = [[watch.post_id for watch in claim.watches]]
    found, refusals = dict[str, Numbers](), 0
    while asking and refusals < MOST_REFUSALS:
        some = asking.pop()
        try:
            found |= await stats.read(lent.value, account, some)
        except ContentRefused:
            if len(claim.watches) == 1:
                raise
            refusals += 1
            if middle := len(some) // 2:
                asking += [some[:middle], some[middle:]]
        except RateLimited as error:
            if not found:
                raise
            return Told(found, Later(error.retry_after, str(error)))
        except Unavailable as error:
            if not found:
                raise
            return Told(found, Failed(str(error), again=True))
    return Told(found)
