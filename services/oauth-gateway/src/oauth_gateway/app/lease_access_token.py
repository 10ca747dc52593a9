"""Hand out an access token, a fresh one where the caller or the clock says that it is dead."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from pydantic import SecretStr

from oauth_gateway.app.ask_platform import ask_platform
from oauth_gateway.app.fresh_credential import fresh_credential
from oauth_gateway.app.ports import Ports
from oauth_gateway.app.refuse_credential import refuse_credential
from oauth_gateway.app.usable import usable
from oauth_gateway.domain.audit import Action
from oauth_gateway.domain.credential import Credential
from oauth_gateway.domain.refusals import Gone
from oauth_gateway.vault.box import Unreadable
from platforms.errors import NoRight, PlatformError


@dataclass(frozen=True, slots=True)
class Leased:
    """An access token for one connection, to be held in memory only."""

    access_token: SecretStr
    version: int
    expires_at: datetime | None


async def lease_access_token(
    connection_id: UUID, refused_version: int | None, ports: Ports
) -> Leased:
    """Raises Gone when only reconnecting helps, PlatformError when it can't be told now."""
    credential = await usable(connection_id, ports)
    if not credential.doubtful(ports.now(), refused_version):
        return await _leased(credential, ports)
    if not credential.refreshable:
        return await _proven(credential, ports)
    try:
        fresh = await fresh_credential(credential, ports)
    except PlatformError:
        if refused_version == credential.version or credential.expired(ports.now()):
            raise
        return await _leased(credential, ports)  # it still has some of its life
    return await _leased(fresh, ports)


async def _proven(credential: Credential, ports: Ports) -> Leased:
    """There is nothing to renew it with, so the platform itself has to say that it is dead."""
    leased = await _leased(credential, ports)
    try:
        await ask_platform(credential, leased.access_token, ports)
    except NoRight:
        return leased  # the token lives; what the account may do is not a question of tokens
    return leased


async def _leased(credential: Credential, ports: Ports) -> Leased:
    try:
        grant = ports.vault.open(credential)
    except Unreadable:
        await refuse_credential(credential, "unreadable", ports)
        raise Gone from None
    async with ports.begin() as work:  # before anybody has the token
        await work.note(ports.actor, Action.LEASE, credential)
    return Leased(grant.access_token, credential.version, credential.expires_at)
