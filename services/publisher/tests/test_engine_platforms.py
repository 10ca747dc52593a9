"""The engine with the real adapters against the sandbox: what the rows say is what people see."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncEngine

from common.contracts.connections import PlatformConnected
from common.contracts.words import Platform
from common.ids import new_id
from common.lending import Token
from conformance.adapter_kit import Clip, serving, urls_of
from conformance.sandbox_process import Sandbox, running
from platforms.http import Timeouts
from platforms.port import Media
from platforms.registry import Adapters, adapters
from publisher.app.engine import Engine
from publisher.app.ports import Transaction, Uow
from publisher.domain.publication import Connection, Publication
from publisher.domain.rules import Verdict
from publisher.domain.states import Status

from .conftest import CLIP
from .lab import MEDIA, Lab
from .scripted import Scripted
from .test_engine_cancel import cancel

pytestmark = pytest.mark.anyio
EVERYWHERE = list(Platform)
CREATING = {
    Platform.VK: "upload",
    Platform.RUTUBE: "create",
    Platform.DZEN: "publish",
    Platform.TELEGRAM: "sendVideo",
}
ACTED = (
    "timeout_after",
    "drop_after",
    "error_500_after",
    "error_502_html_after",
    "half_answer",
    "invalid_json",
    "duplicate_keys",
)
"""The platform did it, and the answer is no proof of that."""
NOT_ACTED = ("error_500", "error_503", "timeout", "drop_before", "html", "empty_json")
"""It did nothing, and the answer is no proof of that either."""


class Wallet:
    """Lends the accounts' own tokens."""

    def __init__(self) -> None:
        self.tokens: dict[UUID, SecretStr] = {}

    async def lease(self, connection_id: UUID, *, refused: int | None = None) -> Token:
        return Token(self.tokens[connection_id], (refused or 0) + 1)


@dataclass(frozen=True)
class OneClip:
    """Every publication is of this clip; each has an address of its own, as links are made."""

    clip: Clip

    def open(self, publication: Publication) -> Media:
        return replace(self.clip, url=f"{self.clip.url}/{publication.id}")


@dataclass
class Field(Lab):
    """A lab with all platforms."""

    board: Adapters = field(kw_only=True)
    wallet: Wallet = field(kw_only=True)
    sandbox: Sandbox = field(kw_only=True)

    def engine(self, transaction: Transaction | None = None) -> Engine:
        return replace(super().engine(transaction), adapters=self.board, tokens=self.wallet)

    async def link(self, platform: Platform, user: str) -> Connection:
        """A fresh account of the platform's, with its token in the wallet."""
        account = self.sandbox.account(platform)
        of = "chat_id" if platform is Platform.TELEGRAM else "account"
        fact = PlatformConnected(
            connection_id=new_id(),
            user_id=user,
            platform=platform,
            account_id=str(account[of]),
            account_name="Anna",
        )
        self.wallet.tokens[fact.connection_id] = SecretStr(
            account.get("access_token") or account["token"]
        )
        await self.hear(fact)
        async with self.transaction() as uow:
            connection = await uow.connections.get(fact.connection_id, user)
        assert connection is not None
        return connection

    async def ask(self, platform: Platform) -> Publication:
        """For a fresh account."""
        connection = await self.link(platform, f"user-{new_id().hex}")
        return await self.request(connection=connection, media=MEDIA | {"bytes": 10**6})

    async def end_of(self, row: Publication, transaction: Transaction | None = None) -> Publication:
        """Attempts until it ends, in fast motion."""
        async with asyncio.timeout(60):
            while (row := await self.later(row)).status is Status.PUBLISHING:
                row = await self.attempt(row, transaction)
        return row

    def posts(self, row: Publication) -> list[dict[str, Any]]:
        """Everything that people ever saw of its account."""
        ledger: list[dict[str, Any]] = self.sandbox.control.get("/_ledger").json()
        return [post for post in ledger if post["account"] == row.account_id]


@pytest.fixture(scope="module")
def process() -> Iterator[Sandbox]:
    with running() as sandbox:
        yield sandbox


@pytest.fixture
async def board(process: Sandbox) -> AsyncIterator[Adapters]:
    process.reset()
    urls = urls_of(process).model_copy(
        update={
            "may_be_missing": timedelta(milliseconds=500),
            "poll_first": timedelta(milliseconds=100),
        }
    )
    plugged = adapters(urls, timeouts=Timeouts(read=timedelta(seconds=1)))
    yield plugged
    await plugged.aclose()


@pytest.fixture
async def lab(db: AsyncEngine, board: Adapters, process: Sandbox) -> AsyncIterator[Field]:
    content = CLIP.read_bytes()
    async with serving(content) as url:
        yield Field(
            db,
            OneClip(Clip(content, url=url)),
            Scripted().adapter(),
            board=board,
            wallet=Wallet(),
            sandbox=process,
        )


@pytest.mark.parametrize("kind", [*ACTED, *NOT_ACTED])
async def test_without_a_trustworthy_answer_the_creating_call_is_never_simply_repeated(
    lab: Field, kind: str
) -> None:
    for platform, call in CREATING.items():
        lab.sandbox.fail(platform, call, kind, seconds=2)
    rows = await asyncio.gather(*[_ended(lab, platform) for platform in Platform])
    for row in rows:
        posts = len(lab.posts(row))
        assert posts == (kind in ACTED or row.status is Status.PUBLISHED), (row.platform, posts)
        if row.platform is not Platform.TELEGRAM:
            assert row.status is Status.PUBLISHED, row.platform
        elif kind in ACTED:
            assert row.status is Status.UNCERTAIN


async def _ended(lab: Field, platform: Platform) -> Publication:
    return await lab.end_of(await lab.ask(platform))


class Interrupted:
    """A database at whose n-th transaction something else happens, right before or right after."""

    def __init__(self, inner: Transaction, number: int, when: str, do: Any) -> None:
        self._inner, self._number, self._when, self._do = inner, number, when, do
        self.count = 0

    @asynccontextmanager
    async def _open(self) -> AsyncIterator[Uow]:
        self.count += 1
        mine = self.count == self._number
        if mine and self._when == "before":
            await self._do()
        async with self._inner() as uow:
            yield uow
        if mine and self._when == "after":
            await self._do()

    def __call__(self) -> AbstractAsyncContextManager[Uow]:
        return self._open()


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("platform", EVERYWHERE)
async def test_a_cancel_at_any_commit_is_answered_with_what_people_then_see(
    lab: Field, platform: Platform, when: str
) -> None:
    ends = await asyncio.gather(*[_cancelled_at(lab, platform, n, when) for n in range(1, 13)])
    assert {end for end in ends if end is not None} <= {
        (Verdict.CANCELLED, Status.CANCELLED, 0),
        (Verdict.REQUESTED, Status.CANCELLED, 0),
        (Verdict.REQUESTED, Status.PUBLISHED, 1),
        (Verdict.TOO_LATE, Status.PUBLISHED, 1),
    }
    assert ends[0] is not None
    if when == "before":  # at Telegram this is right before the commit after which it would send
        assert ends[0][1:] == (Status.CANCELLED, 0)


async def _cancelled_at(
    lab: Field, platform: Platform, number: int, when: str
) -> tuple[Verdict, Status, int] | None:
    """The verdict, the end and how many posts; None when it has fewer commits than that."""
    row = await lab.ask(platform)
    verdicts: list[Verdict] = []

    async def say_no() -> None:
        verdicts.append(await cancel(lab, row))

    interrupted = Interrupted(lab.transaction, number, when, say_no)
    done = await lab.end_of(row, interrupted)
    return (verdicts[0], done.status, len(lab.posts(done))) if verdicts else None
