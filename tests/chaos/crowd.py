"""All people of a run, each in a thread of its own."""

import asyncio
import random
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from chaos.book import Book
from chaos.load import Individual
from chaos.plan import PLATFORMS, Ask
from chaos.system import System
from localrun.person import Person

RESTLESS = PLATFORMS
"""One person who comes and goes for each platform."""


class Crowd:
    """People who stay, and some who come and go."""

    def __init__(self, system: System, book: Book, people: int, *, seed: int) -> None:
        self._system = system
        self._over = threading.Event()
        self._leave = threading.Event()
        self._rng = random.Random(seed)
        self._book = book
        self._threads = ThreadPoolExecutor(people + len(RESTLESS), "person")
        self._staying = [self._individual(f"user-{at}", self._over) for at in range(people)]
        self._restless = [self._individual(f"restless-{name}", self._leave) for name in RESTLESS]

    async def arrive(self) -> None:
        """Everybody connects and uploads."""
        await self._all([one.arrive for one in self._staying])
        await self._all(
            [
                partial(one.arrive, (name,))
                for one, name in zip(self._restless, RESTLESS, strict=True)
            ]
        )

    async def live(self, plans: Sequence[Sequence[Ask]]) -> None:
        """Those who stay do what was planned, until all of it is done."""
        staying = zip(self._staying, plans, strict=True)
        await self._all([partial(one.live, plan) for one, plan in staying])

    async def come_and_go(self) -> None:
        """The others, until they are told to leave."""
        restless = zip(self._restless, RESTLESS, strict=True)
        await self._all([partial(one.come_and_go, name) for one, name in restless])

    def leave(self) -> None:
        """Those who come and go stay where they are."""
        self._leave.set()

    async def mend(self) -> None:
        """Everybody connects again what has expired."""
        self._leave.clear()
        await self._all([one.mend for one in (*self._staying, *self._restless)])

    def accounts(self, platform: str) -> list[str]:
        """Ids of everybody's accounts there; the last is of somebody who comes and goes."""
        everybody = (*self._staying, *self._restless)
        return [one.accounts[platform]["account"] for one in everybody if platform in one.accounts]

    def end(self) -> None:
        """Nobody begins anything any more."""
        self._over.set()
        self._leave.set()
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _individual(self, user: str, over: threading.Event) -> Individual:
        person = Person(self._system.stack.urls, self._system.token(user))
        return Individual(
            person,
            self._system.sandbox,
            self._book,
            self._system.clips,
            seed=self._rng.randrange(1 << 30),
            over=over,
        )

    async def _all(self, acts: Sequence[Callable[[], None]]) -> None:
        loop = asyncio.get_running_loop()
        await asyncio.gather(*(loop.run_in_executor(self._threads, act) for act in acts))
