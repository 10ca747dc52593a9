"""Store a fresh grant: an account keeps its connection's id, whatever id was proposed."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from common.contracts.words import Platform
from oauth_gateway.app.ports import Ports, Work
from oauth_gateway.domain.audit import Action
from oauth_gateway.domain.credential import Credential, Status, times
from oauth_gateway.domain.refusals import AccountMismatch
from platforms.port import Account, Grant


@dataclass(frozen=True, slots=True)
class Linked:
    """What is now connected. `grant_number` counts the connects of this account."""

    connection_id: UUID
    platform: Platform
    grant_number: int
    account: Account
    granted: tuple[str, ...]
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class Proven:
    """An account that the platform named, and the tokens it gave for it."""

    user_id: str
    platform: Platform
    account: Account
    grant: Grant


async def keep_grant(
    proven: Proven, work: Work, ports: Ports, *, expected: UUID | None, proposal: UUID
) -> Linked:
    """`expected` names a connection that, where it exists, must be this account's.

    Raises AccountMismatch. No platform is called: this runs inside a transaction.
    """
    user_id, platform, account = proven.user_id, proven.platform, proven.account
    known = await work.credentials.hold_account(user_id, platform, account.id)
    named = await work.credentials.get(expected) if expected else None
    if named is not None and (known is None or named.connection_id != known.connection_id):
        raise AccountMismatch
    connection_id = known.connection_id if known else proposal
    fresh = proven.grant
    ends = times(ports.now(), fresh.expires_in, refreshable=fresh.refresh_token is not None)
    credential = Credential(
        connection_id=connection_id,
        user_id=user_id,
        platform=platform,
        account_id=account.id,
        grant_number=known.grant_number + 1 if known else 1,
        version=known.version + 1 if known else 1,
        status=Status.ACTIVE,
        sealed=ports.vault.seal(connection_id, platform, fresh),
        granted=fresh.granted,
        expires_at=ends.expires_at,
    )
    if known:
        await work.credentials.replace(credential, ends)
    else:
        await work.credentials.add(credential, ends)
    await work.note(user_id, Action.RECONNECT if known else Action.CONNECT, credential)
    return Linked(
        connection_id,
        platform,
        credential.grant_number,
        account,
        fresh.granted,
        ends.expires_at,
    )
