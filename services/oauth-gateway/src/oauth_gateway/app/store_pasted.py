"""Connect by a token that the owner pasted: it is proven at the platform before it is stored."""

from dataclasses import dataclass
from uuid import UUID

from pydantic import SecretStr

from common.contracts.words import Platform
from common.failpoint import failpoint
from oauth_gateway.app.keep_grant import Linked, Proven, keep_grant
from oauth_gateway.app.patience import patience
from oauth_gateway.app.ports import Ports
from oauth_gateway.domain.refusals import NotPasted


@dataclass(frozen=True, slots=True)
class StorePasted:
    """`connection_id` is a proposal: an account that is known keeps its own."""

    connection_id: UUID
    platform: Platform
    user_id: str
    token: SecretStr
    channel: str | None


async def store_pasted(command: StorePasted, ports: Ports) -> Linked:
    """Raises NotPasted, AccountMismatch or PlatformError."""
    adapter = ports.adapters.get(command.platform)
    if adapter is None or adapter.pasted is None:
        raise NotPasted
    if (command.platform is Platform.TELEGRAM) != (command.channel is not None):
        raise NotPasted
    async with patience():
        account, grant = await adapter.pasted.verify(command.token, channel=command.channel)
    failpoint("oauth-gateway.verified")
    proven = Proven(command.user_id, command.platform, account, grant)
    async with ports.begin() as work:
        return await keep_grant(
            proven,
            work,
            ports,
            expected=command.connection_id,
            proposal=command.connection_id,
        )
