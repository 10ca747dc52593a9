"""One call to a platform: with a token on loan, within the lease, again with a fresh token."""

import time
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

from common.lending import Token
from common.observe import logs
from platforms.errors import TokenExpired
from platforms.port import Job
from publisher.app import record
from publisher.app.engine import Engine
from publisher.app.lease import Lease
from publisher.domain.publication import Publication

log = logs.get(__name__)
Call = Callable[[Job[Any]], Awaitable[Any]]
Progress = Callable[[int], Awaitable[None]]
Counting = Callable[[], Progress]
"""What counts the bytes of one sending, from the first."""


class Calls:
    """The calls of one attempt; they share a token."""

    def __init__(self, engine: Engine, lease: Lease) -> None:
        self._engine = engine
        self._lease = lease
        self._claimed_at = time.monotonic()
        self._token: Token | None = None
        self.entered = False
        """Whether the latest call may have reached the platform."""

    async def ready(self, row: Publication) -> None:
        """Have everything that a call needs, so that only the call itself is left to fail."""
        if self._token is None:
            self._token = await self._engine.tokens.lease(row.connection_id)
        self._lease.check()
        self.entered = False

    async def make(self, row: Publication, call: Call, most: timedelta, counting: Counting) -> Any:  # noqa: ANN401 - as the call
        """Call; a refused token is replaced once. Raises whatever the call raises."""
        try:
            return await self._send(row, call, most, counting, refused=None)
        except TokenExpired as refusal:
            refused = self._token.version if self._token else None
            log.info("token_refused", **record.ids(row), note=refusal.note)
            return await self._send(row, call, most, counting, refused=refused)

    async def _send(
        self,
        row: Publication,
        call: Call,
        most: timedelta,
        counting: Counting,
        *,
        refused: int | None,
    ) -> Any:  # noqa: ANN401 - as the call
        if self._token is None or refused is not None:
            self._token = await self._engine.tokens.lease(row.connection_id, refused=refused)
        job = self._job(row, self._token, counting())
        async with self._lease.sending(most):
            self.entered = True
            return await call(job)

    def _job(self, row: Publication, token: Token, progress: Progress) -> Job[Any]:
        adapter = self._engine.adapters[row.platform]
        return Job(
            publication_id=row.id,
            account_id=row.account_id,
            title=row.title,
            description=row.description,
            options=row.options,
            created_at=row.created_at,
            begun_at=row.begun_at or row.created_at,
            media=self._engine.media.open(row),
            token=token.value,
            cursor=adapter.publishing.cursor.model_validate(row.cursor or {}),
            progress=progress,
            now=self._now,
        )

    def _now(self) -> datetime:
        """The database's time, by which everything stored goes: as it was at the claim, and what
        has passed since."""
        passed = time.monotonic() - self._claimed_at
        return self._lease.claimed.updated_at + timedelta(seconds=passed)
