"""Read a credential whose tokens may be handed out."""

from uuid import UUID

from oauth_gateway.app.ports import Ports
from oauth_gateway.domain.credential import Credential, Status
from oauth_gateway.domain.refusals import Gone


async def usable(connection_id: UUID, ports: Ports) -> Credential:
    """Raises Gone for what is refused, being erased, or not there."""
    async with ports.begin() as work:
        credential = await work.credentials.get(connection_id)
    if credential is None or credential.status is not Status.ACTIVE:
        raise Gone
    return credential
