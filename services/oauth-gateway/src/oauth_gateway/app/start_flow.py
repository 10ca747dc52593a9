"""Start connecting by OAuth: remember who asked, and tell the platform's own address."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from pydantic import SecretStr

from common.contracts.words import Platform
from common.ids import new_id
from oauth_gateway.app.ports import Flows, Ports
from oauth_gateway.domain import pkce
from oauth_gateway.domain.flow import LIFE, Flow, issuer_of
from oauth_gateway.domain.refusals import UnknownFlow
from oauth_gateway.domain.returning import Returning


@dataclass(frozen=True, slots=True)
class StartFlow:
    """Who wants to connect what."""

    platform: Platform
    user_id: str
    connection_id: UUID | None
    return_to: str | None


@dataclass(frozen=True, slots=True)
class Started:
    """Where to send the browser, and until when that works."""

    authorize_url: str
    expires_at: datetime


async def start_flow(
    command: StartFlow,
    ports: Ports,
    flows: Flows,
    returning: Returning,
    redirect_uris: Mapping[Platform, str],
) -> Started:
    """Raises UnknownFlow or FlowsUnavailable."""
    adapter = ports.adapters.get(command.platform)
    oauth = adapter.oauth if adapter else None
    redirect_uri = redirect_uris.get(command.platform)
    if oauth is None or redirect_uri is None or not returning.knows(command.return_to):
        raise UnknownFlow
    state, verifier = secrets.token_urlsafe(32), pkce.new_verifier()
    proposal = new_id()
    device_id = str(command.connection_id or proposal)
    url = oauth.authorize_url(
        state=state,
        challenge=pkce.challenge(verifier),
        redirect_uri=redirect_uri,
        device_id=device_id,
    )
    flow = Flow(
        platform=command.platform,
        user_id=command.user_id,
        redirect_uri=redirect_uri,
        verifier=SecretStr(verifier),
        device_id=device_id,
        issuer=issuer_of(url),
        connection_id=command.connection_id,
        proposal=proposal,
        return_to=command.return_to,
    )
    expires_at = ports.now() + LIFE
    await flows.start(state, flow)
    return Started(url, expires_at)
