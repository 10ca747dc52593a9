"""Trade a credential's refresh token for the pair that comes after it."""

from common.failpoint import failpoint
from oauth_gateway.app.patience import patience
from oauth_gateway.app.ports import Ports
from oauth_gateway.domain.credential import Credential
from platforms.errors import Unavailable
from platforms.port import Grant


async def new_pair(credential: Credential, ports: Ports) -> Grant:
    """Raises PlatformError, or Unreadable when the stored tokens can't be opened.

    The caller holds the row's lease: a refresh token is sent once.
    """
    stored = ports.vault.open(credential)
    adapter = ports.adapters.get(credential.platform)
    if adapter is None or adapter.oauth is None:
        raise Unavailable(note="switched off")
    async with patience():
        fresh = await adapter.oauth.refresh(stored)
    failpoint("oauth-gateway.refreshed")
    return _merged(stored, fresh)


def _merged(stored: Grant, fresh: Grant) -> Grant:
    """What a platform does not repeat stays as it was: above all the refresh token."""
    return Grant(
        access_token=fresh.access_token,
        refresh_token=fresh.refresh_token or stored.refresh_token,
        expires_in=fresh.expires_in,
        granted=fresh.granted or stored.granted,
        extras={**stored.extras, **fresh.extras},
    )
