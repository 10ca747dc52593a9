"""Finish connecting: only the one who started may trade the code, and only once."""

from common.failpoint import failpoint
from oauth_gateway.app.keep_grant import Linked, Proven, keep_grant
from oauth_gateway.app.patience import patience
from oauth_gateway.app.ports import Flows, Ports
from oauth_gateway.domain.refusals import StateInvalid
from platforms.errors import Unavailable
from platforms.port import Consent


async def finish_flow(finish: str, user_id: str, ports: Ports, flows: Flows) -> Linked:
    """Raises StateInvalid, AccountMismatch, FlowsUnavailable or PlatformError.

    A code whose exchange was not answered is never sent again: the owner starts anew.
    """
    consented = await flows.take_consented(finish)
    if consented is None or consented.flow.user_id != user_id:
        raise StateInvalid
    flow = consented.flow
    adapter = ports.adapters.get(flow.platform)
    if adapter is None or adapter.oauth is None:
        raise Unavailable(note="switched off")
    consent = Consent(
        code=consented.code,
        state=consented.state,
        verifier=flow.verifier,
        redirect_uri=flow.redirect_uri,
        device_id=consented.device_id,
    )
    async with patience():
        grant = await adapter.oauth.exchange(consent)
        account = await adapter.oauth.identify(grant)
    failpoint("oauth-gateway.exchanged")
    proven = Proven(user_id, flow.platform, account, grant)
    async with ports.begin() as work:
        # A connection that was removed meanwhile does not come back under its old id: a late
        # PlatformDisconnected about it would erase the new tokens.
        return await keep_grant(
            proven, work, ports, expected=flow.connection_id, proposal=flow.proposal
        )
