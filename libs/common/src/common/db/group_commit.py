"""Group commit: small writes of many tasks share a transaction, and so its commit.

The first begins at once; what comes while it commits goes together in the next. Nobody's write
hangs on another's: where a group fails, or has to wait for a lock, each is done by itself.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager, suppress
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Generic, TypeVar

MOST = 32
"""Writes in a group: the first of them keeps its rows locked for as long as all of them take."""
LOCK_TIMEOUT = timedelta(milliseconds=100)
"""For each statement of a group: a row that somebody else has locked is nobody else's affair."""

U = TypeVar("U")
T = TypeVar("T")
Transaction = Callable[[], AbstractAsyncContextManager[U]]
Write = Callable[[U], Coroutine[Any, Any, T]]


@dataclass
class _Place(Generic[U]):
    """One write in a group, done in the context of whoever asked for it."""

    write: Write[U, Any]
    context: Context = field(default_factory=copy_context)
    shared: asyncio.Future[bool] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )
    """True once it is committed; False when it has to be done by itself."""
    result: Any = None

    def tell(self, *, shared: bool) -> None:
        """What is told first counts; nobody may be waiting any more."""
        if not self.shared.done():
            self.shared.set_result(shared)


class GroupCommit(Generic[U]):
    """Of one process. `hurried` opens a transaction with LOCK_TIMEOUT."""

    def __init__(self, transaction: Transaction[U], hurried: Transaction[U]) -> None:
        self._transaction = transaction
        self._hurried = hurried
        self._waiting: deque[_Place[U]] = deque()
        self._committing: asyncio.Task[None] | None = None

    async def __call__(self, write: Write[U, T]) -> T:
        """What the write answers, once it is committed. It may be done twice, the first time in
        vain, so it has to leave everything outside of its transaction alone."""
        place = _Place(write)
        self._waiting.append(place)
        if self._committing is None or self._committing.done():
            self._committing = asyncio.create_task(self._commit_all())
        if await place.shared:
            result: T = place.result
            return result
        async with self._transaction() as uow:
            return await write(uow)

    async def _commit_all(self) -> None:
        while self._waiting:
            group = [self._waiting.popleft() for _ in range(min(MOST, len(self._waiting)))]
            try:
                with suppress(Exception):  # each learns of its own fault when it is done by itself
                    await self._commit([place for place in group if not place.shared.done()])
                    for place in group:
                        place.tell(shared=True)
            except BaseException:
                group += self._waiting  # nobody is left who would see to them
                self._waiting.clear()
                raise
            finally:
                for place in group:
                    place.tell(shared=False)

    async def _commit(self, group: list[_Place[U]]) -> None:
        if not group:
            return
        async with self._hurried() as uow:
            for place in group:
                writing = asyncio.create_task(place.write(uow), context=place.context)
                place.result = await writing
