"""Credentials in PostgreSQL: every race is decided by one conditional UPDATE."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, and_, case, func, insert, null, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from common.contracts.words import Platform
from oauth_gateway.db.tables import credentials as table
from oauth_gateway.domain.credential import Credential, Sealed, Status, Times

LEASE = timedelta(seconds=60)
"""Longer than the platform is waited for and the result usually takes to be stored."""
RETRY_AHEAD = timedelta(minutes=1)

free = or_(table.c.leased_until.is_(None), table.c.leased_until < func.now())
_paused = and_(table.c.lease.is_(None), table.c.leased_until > func.now())
whole = select(table, func.coalesce(_paused, False).label("paused"))


class CredentialRows:
    """app.ports.Credentials on one transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def get(self, connection_id: UUID) -> Credential | None:
        """One row, whatever its status."""
        return await self._one(whole.where(table.c.connection_id == connection_id))

    async def hold_account(
        self, user_id: str, platform: Platform, account_id: str
    ) -> Credential | None:
        """A lock on the account's name: it works before there is a row to lock."""
        name = f"{user_id}\n{platform}\n{account_id}"
        await self._connection.execute(
            select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0)))
        )
        return await self._one(
            whole.where(
                table.c.user_id == user_id,
                table.c.platform == platform,
                table.c.account_id == account_id,
            ).with_for_update()
        )

    async def add(self, credential: Credential, times: Times) -> None:
        """A new row."""
        await self._connection.execute(
            insert(table).values(
                connection_id=credential.connection_id,
                user_id=credential.user_id,
                platform=credential.platform,
                account_id=credential.account_id,
                **_grant(credential, times),
            )
        )

    async def replace(self, credential: Credential, times: Times) -> None:
        """A new grant in an old row: active again, and every lease on it is void."""
        await self._connection.execute(
            update(table)
            .where(table.c.connection_id == credential.connection_id)
            .values(
                **_grant(credential, times),
                **released(),
                erase_at=null(),
                erase_tries=0,
                updated_at=func.now(),
            )
        )

    async def claim_refresh(self, connection_id: UUID, version: int, lease: UUID) -> bool:
        """Take the lease for renewing this version; False when it is taken or out of date."""
        return await self._changed(
            update(table)
            .where(
                table.c.connection_id == connection_id,
                table.c.version == version,
                table.c.status == Status.ACTIVE,
                free,
            )
            .values(lease=lease, leased_until=func.now() + LEASE)
        )

    async def keep_refreshed(
        self,
        connection_id: UUID,
        version: int,
        sealed: Sealed,
        granted: tuple[str, ...],
        times: Times,
    ) -> bool:
        """Store what came for this version and free the row; False when it is out of date.

        A lease that ran out meanwhile does not matter: the pair in hand is the one that the
        platform takes from now on, and whoever holds the lease has sent the replaced token.
        Nor does it matter that the connection is being erased: this pair is the one to give back.
        """
        return await self._changed(
            update(table)
            .where(
                table.c.connection_id == connection_id,
                table.c.version == version,
                table.c.status.in_((Status.ACTIVE, Status.ERASING)),
            )
            .values(granted=list(granted), **renewed(sealed, times), **released())
        )

    async def pause(self, connection_id: UUID, lease: UUID, wait: timedelta) -> None:
        """Give the lease back, but let nobody try again for a while."""
        await self._changed(
            update(table)
            .where(table.c.connection_id == connection_id, table.c.lease == lease)
            .values(
                lease=null(),
                leased_until=func.now() + wait,
                refresh_at=case(  # what has no end in sight is not renewed ahead of time
                    (table.c.refresh_at.is_not(None), func.now() + max(wait, RETRY_AHEAD))
                ),
            )
        )

    async def refuse(self, connection_id: UUID, version: int) -> bool:
        """Mark this version refused for good; False when it is out of date or marked already."""
        return await self._changed(
            update(table)
            .where(
                table.c.connection_id == connection_id,
                table.c.version == version,
                table.c.status == Status.ACTIVE,
            )
            .values(
                status=Status.REFUSED,
                version=table.c.version + 1,
                updated_at=func.now(),
                **released(),
            )
        )

    async def due(self, limit: int) -> Sequence[tuple[UUID, int]]:
        """Ids and versions of what has to be renewed ahead of time."""
        rows = await self._connection.execute(
            select(table.c.connection_id, table.c.version)
            .where(table.c.status == Status.ACTIVE, table.c.refresh_at <= func.now(), free)
            .order_by(table.c.refresh_at)
            .limit(limit)
        )
        return [(row.connection_id, row.version) for row in rows]

    async def _one(self, statement: Any) -> Credential | None:  # noqa: ANN401 - Select's generics
        row = (await self._connection.execute(statement)).one_or_none()
        return read(row) if row else None

    async def _changed(self, statement: Any) -> bool:  # noqa: ANN401 - Update's generics
        return bool((await self._connection.execute(statement)).rowcount)


def _grant(credential: Credential, times: Times) -> dict[str, Any]:
    return {
        "grant_number": credential.grant_number,
        "version": credential.version,
        "status": credential.status,
        "access_token": credential.sealed.access_token,
        "refresh_token": credential.sealed.refresh_token,
        "extras": credential.sealed.extras,
        "granted": list(credential.granted),
        "expires_at": times.expires_at,
        "refresh_at": times.refresh_at,
    }


def renewed(sealed: Sealed, times: Times) -> dict[str, Any]:
    """The columns of a new pair."""
    return {
        "version": table.c.version + 1,
        "access_token": sealed.access_token,
        "refresh_token": sealed.refresh_token,
        "extras": sealed.extras,
        "expires_at": times.expires_at,
        "refresh_at": times.refresh_at,
        "updated_at": func.now(),
    }


def released() -> dict[str, Any]:
    """What a row without a lease looks like."""
    return {"lease": null(), "leased_until": null()}


def read(row: Row[Any]) -> Credential:
    """The credential in a row of `whole`."""
    return Credential(
        connection_id=row.connection_id,
        user_id=row.user_id,
        platform=Platform(row.platform),
        account_id=row.account_id,
        grant_number=row.grant_number,
        version=row.version,
        status=Status(row.status),
        sealed=Sealed(row.access_token, row.refresh_token, row.extras),
        granted=tuple(row.granted),
        expires_at=row.expires_at,
        paused=row.paused,
    )
