"""A platform that does what a test wrote down, and remembers what it was asked."""

import asyncio
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from common.contracts.words import Platform
from platforms.port import Adapter, Guard, Job, Limits, Next, Outcome, Published, Step

URL = "https://platform.example.org/"


class Marks(BaseModel):
    """The names of the steps whose results were kept."""

    done: list[str] = []


class NoOptions(BaseModel):
    model_config = ConfigDict(extra="forbid")


class FriendlyChecker:
    async def check(self, token: Any, account_id: str) -> None:
        """Accepts everybody."""


Behaviour = BaseException | Callable[[Job[Marks]], Awaitable[Any]]


class Scripted:
    """`asked` lists the calls as `act:<step>`, `look:<step>`, `undo:<step>`, in order.

    An act leaves a trace on the platform (`made`); the look finds it, the undo takes it away. What
    `order` says is done instead, one order a call.
    """

    cursor = Marks

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.tokens: list[str] = []
        self.made: dict[UUID, list[str]] = defaultdict(list)
        self._steps: list[Step[Marks]] = []
        self._orders: dict[str, deque[Behaviour]] = defaultdict(deque)

    def step(
        self, name: str, guard: Guard, *, visible: bool = False, undo: bool = False
    ) -> "Scripted":
        """Add a step."""

        async def act(job: Job[Marks]) -> Outcome[Marks]:
            given = await self._ask(f"act:{name}", job)
            if given is not None:
                return given  # type: ignore[no-any-return] # orders are free to answer anything
            self.happen(name, job)
            return self.result(name, job)

        async def look(job: Job[Marks]) -> Outcome[Marks] | None:
            given = await self._ask(f"look:{name}", job)
            if given is not None:
                return given  # type: ignore[no-any-return] # as above
            return self.result(name, job) if name in self.made[job.publication_id] else None

        async def take_back(job: Job[Marks]) -> None:
            await self._ask(f"undo:{name}", job)
            self.made[job.publication_id] = [
                one for one in self.made[job.publication_id] if one != name
            ]

        self._steps.append(
            Step(
                name,
                guard,
                act,
                look=look if guard is Guard.CHECKED else None,
                undo=take_back if undo else None,
                visible=visible,
            )
        )
        return self

    def order(self, call: str, *behaviours: Behaviour) -> None:
        """What the next calls (`act:send`) do: raise this, or await and answer that."""
        self._orders[call].extend(behaviours)

    def stuck(self, call: str) -> "Gate":
        """The next such call hangs there until the test lets it go on."""
        gate = Gate()
        self.order(call, gate)
        return gate

    def steps(self) -> Sequence[Step[Marks]]:
        return tuple(self._steps)

    def happen(self, name: str, job: Job[Marks]) -> None:
        """Leave a trace on the platform."""
        self.made[job.publication_id].append(name)

    def result(self, name: str, job: Job[Marks]) -> Outcome[Marks]:
        """What a step that was carried out answers."""
        if name == self._steps[-1].name:
            return Published("post-1", URL + str(job.publication_id))
        return Next(Marks(done=[*job.cursor.done, name]))

    async def _ask(self, call: str, job: Job[Marks]) -> Any:
        self.asked.append(call)
        self.tokens.append(job.token.get_secret_value())
        if not self._orders[call]:
            return None
        behaviour = self._orders[call].popleft()
        if isinstance(behaviour, BaseException):
            raise behaviour
        return await behaviour(job)

    def adapter(self, timeout: timedelta = timedelta(seconds=20)) -> Adapter:
        return Adapter(
            platform=Platform.VK,
            title="Scripted",
            experimental=False,
            limits=Limits(10**9, 100, 1000, timeout),
            options=NoOptions,
            connect="oauth",
            checker=FriendlyChecker(),
            publishing=self,
        )


def answer(outcome: Any) -> Behaviour:
    """Just answer this."""

    async def give(_job: Job[Marks]) -> Any:
        return outcome

    return give


class Gate:
    """A call that says it was reached and then goes on only when the test lets it."""

    def __init__(self, outcome: Any = None) -> None:
        self.reached = asyncio.Event()
        self.go = asyncio.Event()
        self.outcome = outcome

    async def __call__(self, _job: Job[Marks]) -> Any:
        self.reached.set()
        await self.go.wait()
        return self.outcome
