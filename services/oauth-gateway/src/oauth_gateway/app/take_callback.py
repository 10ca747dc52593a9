"""The browser is back from the platform: use up the state, put the code aside, send it home.

Nothing is connected here: whoever holds this browser may not be the one who started the flow
(security.md O3). That one finishes with their own token.
"""

import secrets

from pydantic import SecretStr

from common.contracts.words import Platform
from oauth_gateway.app.ports import Flows
from oauth_gateway.domain.callback import Callback
from oauth_gateway.domain.flow import Consented, Flow, same_issuer
from oauth_gateway.domain.refusals import FlowsUnavailable
from oauth_gateway.domain.returning import Returning


async def take_callback(
    platform: Platform, callback: Callback, flows: Flows, returning: Returning
) -> str:
    """The address of ours to send the browser to; it tells what went wrong, if anything did."""
    try:
        flow = await _take(callback, flows)
        error = _objection(platform, callback, flow)
        if flow is None or error is not None:
            return_to = flow.return_to if flow else None
            return returning.failed(return_to, platform, error or "state_invalid")
        finish = await _put_aside(flow, callback, flows)
    except FlowsUnavailable:
        return returning.failed(None, platform, "platform_unavailable")
    return returning.finished(flow.return_to, platform, finish)


async def _take(callback: Callback, flows: Flows) -> Flow | None:
    """Every state that was named is used up, so that none can be tried again."""
    taken = [await flows.take_started(state) for state in callback.states]
    return taken[0] if len(taken) == 1 else None


def _objection(platform: Platform, callback: Callback, flow: Flow | None) -> str | None:
    if flow is None or not callback.sound or flow.platform is not platform:
        return "state_invalid"
    if callback.issuer is not None and not same_issuer(callback.issuer, flow.issuer):
        return "state_invalid"
    if callback.error is not None:
        return "access_denied" if callback.error == "access_denied" else "platform_unavailable"
    return None if callback.code else "platform_unavailable"


async def _put_aside(flow: Flow, callback: Callback, flows: Flows) -> str:
    finish = secrets.token_urlsafe(32)
    consented = Consented(
        flow=flow,
        code=SecretStr(callback.code or ""),
        state=callback.states[0],
        device_id=callback.device_id or flow.device_id,
    )
    await flows.consent(finish, consented)
    return finish
