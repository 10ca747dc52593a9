"""The same questions to a small database and a large one, by turns."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any, TypeVar

from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncEngine

from bench.measuring.spread import spread
from bench.size.filling import Size
from common.db import migrate
from common.db.engine import connect
from common.db.unit_of_work import UnitOfWork
from localrun.addresses import PostgresAddress
from servers import Servers

ROUNDS = 7
REPEATS = 20
U = TypeVar("U", bound=UnitOfWork)
Fill = Callable[[str, Size], Awaitable[None]]


class _Undone(Exception):
    """Nothing of what was asked stays."""


@dataclass(frozen=True, slots=True)
class Side:
    """One database, the role's engine and the owner's address."""

    name: str
    engine: AsyncEngine
    owner_url: str


def made(servers: Servers, service: str, migrations: Path, size: str) -> tuple[str, str]:
    """An empty database at its newest revision: the URLs of the role and of the owner."""
    name = f"bench_{service}_{size}"
    servers.postgres.drop_database(name, name)
    url = servers.postgres.create_database(name, name)
    owner = url.replace(f"//{name}@", f"//{PostgresAddress.owner(name)}@")
    migrate.upgrade(migrations, SecretStr(owner), user=SecretStr(url))
    return url, owner


def dropped(servers: Servers, service: str, size: str) -> None:
    """Nothing of it stays."""
    name = f"bench_{service}_{size}"
    servers.postgres.drop_database(name, name)


@asynccontextmanager
async def opened(name: str, urls: tuple[str, str]) -> AsyncIterator[Side]:
    """With the settings of a service's process."""
    url, owner = urls
    engine = connect(SecretStr(url), "bench")
    yield Side(name, engine, owner)
    await engine.dispose()


@dataclass
class Compared:
    """Milliseconds of one question on both sides, a median for each round."""

    small: list[float] = field(default_factory=list)
    large: list[float] = field(default_factory=list)

    def told(self) -> dict[str, Any]:
        """As JSON values; the ratio is that of the two medians of a round."""
        ratios = [many / few for few, many in zip(self.small, self.large, strict=True)]
        return {
            "small_ms": spread(self.small, 3),
            "large_ms": spread(self.large, 3),
            "ratio": spread(ratios),
        }


async def compare(
    small: Callable[[], Awaitable[float]], large: Callable[[], Awaitable[float]]
) -> Compared:
    """Rounds of A B and B A by turns, after one that does not count."""
    found = Compared()
    for number in range(ROUNDS + 1):
        sides = [("small", small), ("large", large)]
        took = {name: await ask() for name, ask in sides[:: -1 if number % 2 else 1]}
        if number:
            found.small.append(took["small"])
            found.large.append(took["large"])
    return found


async def compare_questions(
    uow: Callable[[AsyncEngine], U],
    small: tuple[Side, Mapping[str, Callable[[U], Awaitable[Any]]]],
    large: tuple[Side, Mapping[str, Callable[[U], Awaitable[Any]]]],
) -> dict[str, dict[str, Any]]:
    """Each question by itself; whatever it changed is taken back."""

    def asking(
        side: tuple[Side, Mapping[str, Callable[[U], Awaitable[Any]]]], name: str
    ) -> Callable[[], Awaitable[float]]:
        return lambda: _median_ms(side[0].engine, uow, side[1][name])

    return {
        name: (await compare(asking(small, name), asking(large, name))).told() for name in small[1]
    }


async def _median_ms(
    engine: AsyncEngine,
    uow: Callable[[AsyncEngine], U],
    ask: Callable[[U], Awaitable[Any]],
) -> float:
    """Of the statements alone: a commit takes the same time on both sides, and would hide them."""
    took = []
    for _ in range(REPEATS):
        with suppress(_Undone):
            async with uow(engine) as one:
                began = time.perf_counter()
                await ask(one)
                took.append(1000 * (time.perf_counter() - began))
                raise _Undone
    return median(took)
