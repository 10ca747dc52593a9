"""Ask the platform whether an access token still works; a definite no is remembered."""

from pydantic import SecretStr

from oauth_gateway.app.patience import patience
from oauth_gateway.app.ports import Ports
from oauth_gateway.app.refuse_credential import refuse_credential
from oauth_gateway.domain.credential import Credential
from oauth_gateway.domain.refusals import Gone
from platforms.errors import AccessRevoked, TokenExpired, Unavailable


async def ask_platform(credential: Credential, token: SecretStr, ports: Ports) -> None:
    """Return when it is accepted. Raises Gone, or the PlatformError that proves nothing."""
    adapter = ports.adapters.get(credential.platform)
    if adapter is None:
        raise Unavailable(note="switched off")
    try:
        async with patience():
            await adapter.checker.check(token, credential.account_id)
    except AccessRevoked as refusal:
        await refuse_credential(credential, refusal.reason.value, ports)
        raise Gone from None
    except TokenExpired as refusal:
        if credential.refreshable:
            raise
        await refuse_credential(credential, refusal.reason.value, ports)
        raise Gone from None
