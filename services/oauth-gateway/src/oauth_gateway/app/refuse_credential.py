"""A platform refused for good: the tokens are not handed out any more, and connections is told."""

from common.contracts.oauth import TokenRefreshFailed
from common.observe import logs, metrics
from oauth_gateway.app.ids import ids
from oauth_gateway.app.ports import Ports
from oauth_gateway.domain.audit import Action
from oauth_gateway.domain.credential import Credential

log = logs.get(__name__)


async def refuse_credential(credential: Credential, reason: str, ports: Ports) -> None:
    """Does nothing when the account was connected again meanwhile."""
    async with ports.begin() as work:
        if not await work.credentials.refuse(credential.connection_id, credential.version):
            return
        await work.note(ports.actor, Action.REFUSE, credential)
        work.tell(
            TokenRefreshFailed(
                connection_id=credential.connection_id,
                platform=credential.platform,
                definite=True,
                reason=reason,
                grant_number=credential.grant_number,
            ),
            version=credential.version + 1,
        )
    metrics.TOKEN_REFRESHES.labels(credential.platform, "refused").inc()
    log.warning("token_refresh_failed", **ids(credential), reason=reason, definite=True)
