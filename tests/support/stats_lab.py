"""The sampling side over a real database and the real sandbox, one turn at a time."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from pydantic import SecretStr
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from common.bus.subscription import Heard
from common.contracts.connections import (
    ConnectionExpired,
    PlatformConnected,
    PlatformDisconnected,
)
from common.contracts.envelope import Event
from common.contracts.publisher import PublicationPublished
from common.contracts.words import Platform
from common.ids import new_id
from common.lending import Tokens
from conformance.adapter_kit import Clip, Walk, serving
from conformance.sandbox_process import Sandbox
from platforms.registry import Adapters
from stats_collector.app.collect_batch import collect_batch
from stats_collector.app.ports import WritingTransaction
from stats_collector.bus.subscriptions import SUBSCRIPTIONS
from stats_collector.db.uow import WritingUow
from stats_collector.domain.policy import Policy
from stats_collector.domain.schedule import Schedule
from support.token_lender import Lender

USER = "user-1"
AGO = timedelta(minutes=1)
"""Everything was published a minute ago, and the first look is due at once."""
SCHEDULE = Schedule(first_after=timedelta(), every=timedelta(hours=6), lasts=timedelta(days=30))
POLICY = Policy(SCHEDULE, frozenset({Platform.TELEGRAM}))
MONTH = replace(POLICY, schedule=replace(SCHEDULE, first_after=timedelta(hours=1)))
"""As in production."""


@dataclass(frozen=True)
class Account:
    """One connected account of the sandbox."""

    platform: Platform
    id: str
    token: str
    connection_id: UUID = field(default_factory=new_id)


@dataclass
class Lab:
    """What a worker is made of, without its loop."""

    engine: AsyncEngine
    sandbox: Sandbox
    adapters: Adapters
    lender: Lender
    tokens: Tokens

    def account(self, platform: Platform) -> Account:
        """A fresh account on the platform, whose token the gateway lends."""
        made = self.sandbox.account(platform)
        token = made.get("access_token") or made["token"]
        account = Account(platform, str(made.get("account") or made["chat_id"]), token)
        self.lender.tokens[account.connection_id] = [token]
        return account

    async def post(self, account: Account, clip: bytes) -> str:
        """Publish a clip as the publisher would; the post's id."""
        async with serving(clip) as url:
            adapter = self.adapters[account.platform]
            token, file = SecretStr(account.token), Clip(clip, url=url)
            walk = Walk(self.sandbox, adapter, account.id, token, file)
            return (await walk.publish()).post_id

    def transaction(self) -> WritingUow:
        """One transaction of the worker."""
        return WritingUow(self.engine, POLICY)

    async def hear(
        self, event: Event, version: int = 1, transaction: WritingTransaction | None = None
    ) -> None:
        """As if the event came over the bus."""
        handlers = {one.event: one for one in SUBSCRIPTIONS}
        async with (transaction or self.transaction)() as uow:
            await handlers[type(event)].handle(uow, Heard(event, version, new_id()))  # type: ignore[union-attr] # all are Reactions

    async def watch(self, account: Account, post_id: str, user: str = USER) -> UUID:
        """A post appears."""
        event = published(account, post_id, user)
        await self.hear(event)
        return event.publication_id

    async def copy(self, publication: UUID, many: int, *, watched: int | None = None) -> None:
        """So many more posts like this one, of which the first `watched`, or all, have rounds."""
        await self.rows(
            "INSERT INTO watches (publication_id, post_id, user_id, connection_id, platform,"
            " account_id, published_at, until, gone, round_at, next_at, failures, told,"
            " traceparent, correlation_id) SELECT gen_random_uuid(), account_id || '_' || n + 1,"
            " user_id, connection_id, platform, account_id, published_at, until, gone, round_at,"
            " CASE WHEN n <= :watched THEN next_at END, failures, told, traceparent,"
            " correlation_id FROM watches, generate_series(1, CAST(:many AS int)) n"
            " WHERE publication_id = :publication",
            publication=publication,
            many=many,
            watched=many if watched is None else watched,
        )

    async def collect(self, platform: Platform) -> bool:
        """One batch."""
        stats = self.adapters[platform].stats
        assert stats is not None
        return await collect_batch(platform, stats, self.tokens, self.transaction)

    async def rows(self, statement: str, **values: Any) -> list[dict[str, Any]]:
        """Run SQL on the service's own tables."""
        async with self.engine.begin() as connection:
            found = await connection.execute(text(statement), values)
            return [dict(row) for row in found.mappings()] if found.returns_rows else []

    async def one(self, statement: str, **values: Any) -> dict[str, Any]:
        """The only row."""
        [row] = await self.rows(statement, **values)
        return row

    async def due(self) -> None:
        """All are due, though looked at just now."""
        await self.rows(
            "UPDATE watches SET round_at = now(), next_at = now() WHERE next_at IS NOT NULL"
        )

    async def next_round(self) -> None:
        """The time of the next round has come for all."""
        await self.rows("UPDATE watches SET sampled_at = sampled_at - interval '6 hours'")
        await self.due()

    async def told(self) -> list[dict[str, Any]]:
        """The StatsCollected in the outbox, oldest first."""
        rows = await self.rows("SELECT body FROM outbox ORDER BY id")
        return [row["body"] for row in rows]

    def calls(self, platform: Platform, step: str) -> int:
        """How often the platform was really asked."""
        entries = self.sandbox.journal()
        return sum(one["platform"] == platform and one["step"] == step for one in entries)


def published(account: Account, post_id: str, user: str = USER) -> PublicationPublished:
    """What the publisher tells."""
    return PublicationPublished(
        publication_id=new_id(),
        user_id=user,
        connection_id=account.connection_id,
        platform=account.platform,
        clip_id="clip-1",
        account_id=account.id,
        post_id=post_id,
        url="https://example.org/post",
        published_at=datetime.now(UTC) - AGO,
    )


def _about(account: Account) -> dict[str, Any]:
    return {
        "connection_id": account.connection_id,
        "user_id": USER,
        "platform": account.platform,
    }


def connected(account: Account) -> PlatformConnected:
    """What connections tells when the account is linked, or linked again."""
    return PlatformConnected(**_about(account), account_id=account.id, account_name="Анна")


def disconnected(account: Account) -> PlatformDisconnected:
    """What connections tells when the user removes it."""
    return PlatformDisconnected(**_about(account), grant_number=1)


def expired(account: Account) -> ConnectionExpired:
    """What connections tells when the platform refuses it for good."""
    return ConnectionExpired(
        **_about(account), reason="token_refused", expired_at=datetime.now(UTC)
    )
