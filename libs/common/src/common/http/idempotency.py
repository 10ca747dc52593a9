"""`Idempotency-Key`: the answer is kept in the transaction of its effect, so both exist or none.

Two requests with one key at the same time: the second finds the key's lock taken and is told to
come back. A crash leaves nothing behind, because the lock ends with the transaction.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from hashlib import sha256
from typing import Annotated, Any, Protocol

from fastapi import Depends, Header, Request
from fastapi.responses import JSONResponse
from sqlalchemy.ext.asyncio import AsyncEngine

from common.db.key_lock import hold
from common.http.callers import CallerDep
from common.http.problems import Problem


class Answers(Protocol):
    """The part of a unit of work that remembers answers."""

    async def claim_key(self, user: str, route: str, key: str) -> bool:
        """Hold a key until the transaction ends; False when somebody else does."""
        ...

    async def answer(self, user: str, route: str, key: str) -> Mapping[str, Any] | None:
        """The answer that was given to this key, if any."""
        ...

    async def keep_answer(
        self, user: str, route: str, key: str, *, body_hash: bytes, status: int, answer: object
    ) -> None:
        """Keep the answer beside its effect."""
        ...


@dataclass(frozen=True, slots=True)
class Idempotency:
    """One request's key; every method does nothing when no key was sent."""

    user: str
    route: str
    key: str | None
    body_hash: bytes

    async def replay(self, uow: Answers) -> JSONResponse | None:
        """The answer that was given before, or None. Raises the 409 and 422 problems."""
        if self.key is not None and not await uow.claim_key(self.user, self.route, self.key):
            raise Problem(409, "idempotency_in_flight", retry_after=1)
        return await self.find(uow)

    @asynccontextmanager
    async def held(self, engine: AsyncEngine) -> AsyncIterator[None]:
        """For a route that uses the network between its transactions: keeps twins away all the
        while. Inside it `find` takes the place of `replay`. Raises the 409 problem."""
        if self.key is None:
            yield
            return
        async with hold(engine, self.user, self.route, self.key) as mine:
            if not mine:
                raise Problem(409, "idempotency_in_flight", retry_after=1)
            yield

    async def find(self, uow: Answers) -> JSONResponse | None:
        """The answer that was given before, or None. Raises the 422 problem."""
        if self.key is None:
            return None
        stored = await uow.answer(self.user, self.route, self.key)
        if stored is None:
            return None
        if stored["body_hash"] != self.body_hash:
            raise Problem(422, "idempotency_mismatch")
        return JSONResponse(
            stored["answer"], stored["status"], headers={"Idempotent-Replayed": "true"}
        )

    async def keep(self, uow: Answers, status: int, answer: Any) -> JSONResponse:  # noqa: ANN401 - any JSON value
        """Remember the answer with the effect, and give it."""
        if self.key is not None:
            await uow.keep_answer(
                self.user,
                self.route,
                self.key,
                body_hash=self.body_hash,
                status=status,
                answer=answer,
            )
        return JSONResponse(answer, status)


async def _idempotency(
    request: Request,
    who: CallerDep,
    key: Annotated[str | None, Header(alias="Idempotency-Key", max_length=200)] = None,
) -> Idempotency:
    body = await request.body() if key else b""
    route = f"{request.method} {request.url.path}"
    return Idempotency(who.user_id, route, key or None, sha256(body).digest())


IdempotencyDep = Annotated[Idempotency, Depends(_idempotency)]
