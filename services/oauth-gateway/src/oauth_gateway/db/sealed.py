"""Which keys are in use, and rows moved from one key to another while everybody goes on."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import LargeBinary, Uuid, cast, column, func, select, tuple_, update, values
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from oauth_gateway.db.repositories import read, whole
from oauth_gateway.db.tables import credentials as table
from oauth_gateway.db.tables import kept_keys, key_id
from oauth_gateway.domain.credential import Credential, Resealed
from oauth_gateway.vault.box import SHORTEST, VERSION

FIELDS = ("access_token", "refresh_token", "extras")


class SealedRows:
    """app.ports.SealedCredentials on one transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def keys(self) -> Sequence[bytes]:
        """The ids of all keys in use: one step on the index for each, however many rows.

        The index knows nothing of forms: a damaged blob adds what it has in that place.
        """
        found: list[bytes] = []
        step = select(key_id).select_from(table).order_by(key_id).limit(1)
        while True:
            after = step.where(key_id > found[-1]) if found else step
            one = (await self._connection.execute(after)).scalar_one_or_none()
            if one is None:
                return found
            found.append(one)

    async def count(self, key: bytes) -> int:
        """How many credentials are sealed under a key; damaged blobs are under none."""
        blob = table.c.access_token
        counted = (
            select(func.count())
            .select_from(table)
            .where(
                key_id == key,
                func.length(blob) >= SHORTEST,
                func.substring(blob, 1, len(VERSION), type_=LargeBinary) == VERSION,
            )
        )
        return int((await self._connection.execute(counted)).scalar_one())

    async def under(self, key: bytes, after: UUID, limit: int) -> Sequence[Credential]:
        """The next credentials under a key, in the order of their ids."""
        rows = await self._connection.execute(
            whole.where(tuple_(key_id, table.c.connection_id) > tuple_(key, after), key_id == key)
            .order_by(key_id, table.c.connection_id)
            .limit(limit)
        )
        return [read(row) for row in rows]

    async def replace(self, fresh: Sequence[Resealed]) -> Sequence[Credential]:
        """Put new seals in place of exactly the ones that were read; which ones were still there.

        Versions stay: a refresh that is under way goes by its own, and its pair is stored.
        """
        seals = values(
            column("id", Uuid),
            column("old", LargeBinary),
            column("access_token", LargeBinary),
            column("refresh_token", LargeBinary),
            column("extras", LargeBinary),
            name="fresh",
        ).data(
            [
                (
                    one.credential.connection_id,
                    one.credential.sealed.access_token,
                    one.sealed.access_token,
                    one.sealed.refresh_token,
                    one.sealed.extras,
                )
                for one in fresh
            ]
        )
        done = await self._connection.execute(
            update(table)
            .where(table.c.connection_id == seals.c.id, table.c.access_token == seals.c.old)
            .values({name: cast(seals.c[name], LargeBinary) for name in FIELDS})
            .returning(table.c.connection_id)
        )
        ids = set(done.scalars())
        return [one.credential for one in fresh if one.credential.connection_id in ids]

    async def keep_key(self, name: str, sealed: bytes) -> bytes:
        """The key of that name, which is the given one when there was none."""
        await self._connection.execute(
            upsert(kept_keys).values(name=name, sealed=sealed).on_conflict_do_nothing()
        )
        kept = await self.kept_key(name)
        assert kept is not None  # noqa: S101 - it was stored in this transaction
        return kept

    async def kept_key(self, name: str) -> bytes | None:
        """The key of that name."""
        kept = select(kept_keys.c.sealed).where(kept_keys.c.name == name)
        return (await self._connection.execute(kept)).scalar_one_or_none()

    async def replace_key(self, name: str, old: bytes, sealed: bytes) -> None:
        """Seal it anew, unless somebody else just did."""
        await self._connection.execute(
            update(kept_keys)
            .where(kept_keys.c.name == name, kept_keys.c.sealed == old)
            .values(sealed=sealed)
        )
