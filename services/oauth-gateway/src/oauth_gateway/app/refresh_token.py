"""Renew an access token: one at a time per connection, and the new pair is stored before use.

The lease is a row's column taken by compare-and-set, so no transaction is open during the call.
A refresh token that was replaced is never sent again: only the holder of the lease on the present
version sends one. When no answer comes the same token is sent again later, and a definite refusal
then tells that it had been replaced. From the call on nothing cancels it: the answer is the only
copy of the new pair.
"""

from datetime import timedelta
from uuid import UUID

from common.contracts.oauth import TokenRefreshed, TokenRefreshFailed
from common.failpoint import failpoint
from common.ids import new_id
from common.observe import logs, metrics
from oauth_gateway.app.ids import ids
from oauth_gateway.app.new_pair import new_pair
from oauth_gateway.app.ports import Ports
from oauth_gateway.app.refuse_credential import refuse_credential
from oauth_gateway.app.surely import surely
from oauth_gateway.domain.audit import Action
from oauth_gateway.domain.credential import Credential, Times, times
from oauth_gateway.vault.box import UnknownKey, Unreadable
from platforms.errors import (
    AccessRevoked,
    OutcomeUnknown,
    PlatformError,
    RateLimited,
    Unavailable,
)
from platforms.port import Grant

PAUSE = timedelta(seconds=2)
"""After a failure: the callers that wait are told, instead of asking the platform in turn."""
LONGEST_PAUSE = timedelta(minutes=5)
log = logs.get(__name__)


async def refresh_token(connection_id: UUID, version: int, ports: Ports) -> bool:
    """False when somebody else renews it or already has. Raises PlatformError when it failed,
    and Unreadable when the stored tokens can't be opened."""
    lease = new_id()
    async with ports.begin() as work:
        if not await work.credentials.claim_refresh(connection_id, version, lease):
            return False
        credential = await work.credentials.get(connection_id)
    assert credential is not None  # noqa: S101 - it was claimed in this transaction
    failpoint("oauth-gateway.refreshing")
    await ports.underway.completed(_renew(credential, lease, ports))
    return True


async def _renew(credential: Credential, lease: UUID, ports: Ports) -> None:
    try:
        fresh = await new_pair(credential, ports)
    except AccessRevoked as refusal:
        await refuse_credential(credential, refusal.reason.value, ports)
        raise
    except Unreadable:
        await refuse_credential(credential, "unreadable", ports)
        raise
    except PlatformError as failure:
        await _pause(credential, lease, failure, ports)
        raise
    except UnknownKey:  # nothing was sent: a replica with the secret may do it at once
        async with ports.begin() as work:
            await work.credentials.pause(credential.connection_id, lease, PAUSE)
        raise
    await _store(credential, fresh, ports)
    failpoint("oauth-gateway.stored")


async def _store(credential: Credential, grant: Grant, ports: Ports) -> None:
    connection_id, platform = credential.connection_id, credential.platform
    sealed = ports.vault.seal(connection_id, platform, grant)
    ends = times(ports.now(), grant.expires_in, refreshable=True)
    told = TokenRefreshed(
        connection_id=connection_id, platform=platform, expires_at=ends.expires_at
    )

    async def commit() -> bool:
        async with ports.begin() as work:
            kept = await work.credentials.keep_refreshed(
                connection_id, credential.version, sealed, grant.granted, ends
            )
            if kept:
                await work.note(ports.actor, Action.REFRESH, credential)
                work.tell(told, version=credential.version + 1)
            return kept

    if not await surely(commit):
        log.warning("token_refresh_outdated", **ids(credential))
        return
    metrics.TOKEN_REFRESHES.labels(platform, "success").inc()
    log.info("token_refresh_success", **ids(credential), expires_at=_shown(ends))


async def _pause(credential: Credential, lease: UUID, failure: PlatformError, ports: Ports) -> None:
    """Nothing is marked: the tokens may be as good as before."""
    wait = failure.retry_after if isinstance(failure, RateLimited) else PAUSE
    async with ports.begin() as work:
        await work.credentials.pause(credential.connection_id, lease, min(wait, LONGEST_PAUSE))
        if not isinstance(failure, Unavailable | OutcomeUnknown):
            work.tell(
                TokenRefreshFailed(
                    connection_id=credential.connection_id,
                    platform=credential.platform,
                    definite=False,
                    reason=failure.reason.value,
                    grant_number=credential.grant_number,
                ),
                version=credential.version,
            )
    metrics.TOKEN_REFRESHES.labels(credential.platform, "unavailable").inc()
    log.warning(
        "token_refresh_failed",
        **ids(credential),
        reason=failure.reason.value,
        definite=False,
    )


def _shown(ends: Times) -> str | None:
    return ends.expires_at.isoformat() if ends.expires_at else None
