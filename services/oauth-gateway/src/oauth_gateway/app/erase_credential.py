"""Give rights back at the platform as well as that goes, then delete the tokens."""

from datetime import timedelta

from common.ids import new_id
from common.observe import logs
from oauth_gateway.app.patience import patience
from oauth_gateway.app.ports import Ports
from oauth_gateway.domain.credential import Credential
from oauth_gateway.vault.box import UnknownKey, Unreadable
from platforms.errors import PlatformError, Unavailable
from platforms.port import OAuth

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
    revoked = "shared" if shared else await _revoke(credential, ports)
    async with ports.begin() as work:
        if revoked == "unavailable" and await work.erasing.postpone_erasing(
            credential.connection_id, lease, AGAIN
        ):
            return True
        await work.erasing.erase(credential.connection_id, lease)
    log.info(
        "credential_erased",
        connection_id=str(credential.connection_id),
        platform=credential.platform,
        revoked=revoked,
    )
    return True


async def _revoke(credential: Credential, ports: Ports) -> str:
    adapter = ports.adapters.get(credential.platform)
    if adapter is None or adapter.oauth is None:
        return "impossible"
    try:
        async with patience():
            await _with_living_token(credential, adapter.oauth, ports)
    except Unavailable:
        return "unavailable"
    except (PlatformError, Unreadable, UnknownKey):
        return "refused"
    return "revoked"


async def _with_living_token(credential: Credential, oauth: OAuth, ports: Ports) -> None:
    """VK revokes only with an access token that still works (oauth.md §1.5)."""
    grant = ports.vault.open(credential)
    if credential.expired(ports.now()) and grant.refresh_token is not None:
        grant = await oauth.refresh(grant)
    await oauth.revoke(grant)
