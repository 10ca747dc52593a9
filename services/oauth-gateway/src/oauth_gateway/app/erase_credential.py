"""Give rights back at the platform as well as that goes, then delete the tokens."""

from datetime import timedelta
from uuid import UUID

from common.failpoint import failpoint
from common.ids import new_id
from common.observe import logs
from oauth_gateway.app.ids import ids
from oauth_gateway.app.new_pair import new_pair
from oauth_gateway.app.patience import patience
from oauth_gateway.app.ports import Ports
from oauth_gateway.app.surely import surely
from oauth_gateway.domain.audit import Action
from oauth_gateway.domain.credential import Credential, times
from oauth_gateway.vault.box import UnknownKey, Unreadable
from platforms.errors import PlatformError, Unavailable
from platforms.port import Grant

AGAIN = timedelta(minutes=1)
log = logs.get(__name__)


async def erase_credential(ports: Ports) -> bool:
    """Erase one credential that is due; False when there is none."""
    lease = new_id()
    async with ports.begin() as work:
        credential = await work.erasing.claim_erasing(lease)
        # VK withdraws all rights an account gave us, other connections' among them.
        shared = credential is not None and await work.erasing.shared(credential)
    if credential is None:
        return False
    failpoint("oauth-gateway.revoking")
    try:
        revoked = "shared" if shared else await _revoke(credential, lease, ports)
    except UnknownKey as error:  # a rotation: some replica has the secret, or gets it
        log.critical("token_key_missing", key_id=str(error))
        async with ports.begin() as work:
            await work.erasing.postpone_erasing(credential.connection_id, lease, AGAIN, tried=False)
        return True
    failpoint("oauth-gateway.revoked")
    async with ports.begin() as work:
        if revoked == "unavailable" and await work.erasing.postpone_erasing(
            credential.connection_id, lease, AGAIN, tried=True
        ):
            return True
        if not await work.erasing.erase(credential.connection_id, lease):
            return True  # connected again, or renewed by somebody slow: not what we looked at
        if revoked == "revoked":
            await work.note(ports.actor, Action.REVOKE, credential)
        await work.note(ports.actor, Action.ERASE, credential)
    log.info("credential_erased", **ids(credential), revoked=revoked)
    return True


async def _revoke(credential: Credential, lease: UUID, ports: Ports) -> str:
    adapter = ports.adapters.get(credential.platform)
    if adapter is None or adapter.oauth is None:
        return "impossible"
    try:
        grant = await _living(credential, lease, ports)
        if grant is None:
            return "outdated"
        async with patience():
            await adapter.oauth.revoke(grant)
    except Unavailable:
        return "unavailable"
    except (PlatformError, Unreadable):
        return "refused"
    return "revoked"


async def _living(credential: Credential, lease: UUID, ports: Ports) -> Grant | None:
    """VK revokes only with an access token that still works (oauth.md §1.5).

    None when the row is not ours any more: rights that were given anew must not be withdrawn.
    """
    if not (credential.expired(ports.now()) and credential.refreshable):
        return ports.vault.open(credential)
    return await ports.underway.completed(_renewed(credential, lease, ports))


async def _renewed(credential: Credential, lease: UUID, ports: Ports) -> Grant | None:
    """Stored before use: the next round must not send the refresh token that was replaced."""
    fresh = await new_pair(credential, ports)
    sealed = ports.vault.seal(credential.connection_id, credential.platform, fresh)
    ends = times(ports.now(), fresh.expires_in, refreshable=True)

    async def commit() -> bool:
        async with ports.begin() as work:
            kept = await work.erasing.keep_renewed(credential, lease, sealed, ends)
            if kept:
                await work.note(ports.actor, Action.REFRESH, credential)
            return kept

    return fresh if await surely(commit) else None
