"""Reads and writes rows. Everything a person asks for is scoped by owner here, and only here."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, Select, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from common.contracts.words import Plan, Platform
from connections.db.tables import CONNECTIONS, PLANS
from connections.domain.connection import Account, Connection, Status
from connections.domain.plans import PlanWord


class ConnectionRows:
    """Linked accounts."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def find(self, user_id: str, connection_id: UUID) -> Connection | None:
        """A live connection of this user."""
        found = await self._connection.execute(
            _live(user_id).where(CONNECTIONS.c.id == connection_id)
        )
        row = found.mappings().first()
        return _read(row) if row else None

    async def page(self, user_id: str, before: UUID | None, limit: int) -> Sequence[Connection]:
        """Newest first: ids are UUIDv7."""
        query = _live(user_id).order_by(CONNECTIONS.c.id.desc()).limit(limit)
        if before is not None:
            query = query.where(CONNECTIONS.c.id < before)
        found = await self._connection.execute(query)
        return [_read(row) for row in found.mappings()]

    async def lock(self, connection_id: UUID) -> Connection | None:
        """Held until the transaction ends."""
        query = select(CONNECTIONS).where(CONNECTIONS.c.id == connection_id).with_for_update()
        row = (await self._connection.execute(query)).mappings().first()
        return _read(row) if row else None

    async def add(self, connection: Connection) -> bool:
        """Waits for a twin that is being written, and answers False once it is there."""
        statement = (
            insert(CONNECTIONS)
            .values(_row(connection))
            # On whichever index: named by one alone, a twin of the same moment is an error on the
            # other.
            .on_conflict_do_nothing()
            .returning(CONNECTIONS.c.id)
        )
        return (await self._connection.execute(statement)).first() is not None

    async def save(self, connection: Connection) -> None:
        """Write every field of a locked row."""
        values = _row(connection)
        await self._connection.execute(
            update(CONNECTIONS).where(CONNECTIONS.c.id == connection.id).values(values)
        )


class PlanRows:
    """What the host product said about plans."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def find(self, user_id: str) -> PlanWord | None:
        """The latest word."""
        found = await self._connection.execute(select(PLANS).where(PLANS.c.user_id == user_id))
        row = found.mappings().first()
        return PlanWord(Plan.parse(row["plan"]), row["changed_at"]) if row else None

    async def remember(self, user_id: str, word: PlanWord) -> None:
        """Keep it, unless a newer word is known."""
        statement = insert(PLANS).values(
            user_id=user_id, plan=word.plan.value, changed_at=word.said_at
        )
        new = statement.excluded
        await self._connection.execute(
            statement.on_conflict_do_update(
                index_elements=[PLANS.c.user_id],
                set_={"plan": new.plan, "changed_at": new.changed_at},
                where=new.changed_at > PLANS.c.changed_at,
            )
        )


def _live(user_id: str) -> Select[Any]:
    return select(CONNECTIONS).where(
        CONNECTIONS.c.user_id == user_id, CONNECTIONS.c.removed_at.is_(None)
    )


def _row(connection: Connection) -> dict[str, Any]:
    account = {f"account_{name}": value for name, value in asdict(connection.account).items()}
    return account | {
        "id": connection.id,
        "user_id": connection.user_id,
        "platform": connection.platform.value,
        "granted": list(connection.granted),
        "status": connection.status.value,
        "expires_at": connection.expires_at,
        "checked_at": connection.checked_at,
        "created_at": connection.created_at,
        "version": connection.version,
        "grant_number": connection.grant_number,
        "removed_at": connection.removed_at,
    }


def _read(row: RowMapping) -> Connection:
    return Connection(
        id=row["id"],
        user_id=row["user_id"],
        platform=Platform(row["platform"]),
        account=Account(
            row["account_id"], row["account_name"], row["account_avatar_url"], row["account_url"]
        ),
        granted=tuple(row["granted"]),
        status=Status(row["status"]),
        expires_at=row["expires_at"],
        checked_at=row["checked_at"],
        created_at=row["created_at"],
        version=row["version"],
        grant_number=row["grant_number"],
        removed_at=row["removed_at"],
    )
