"""The arithmetic of the benches at size and of the bus: ratios, goals, and what is counted."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from bench.measuring.goals import CLAIM, DUE, LIST
from bench.size.goals import POST, goal_of, rows, table
from bench.size.sides import ROUNDS, Compared, compare
from bench.traffic.client import Refused, asked

pytestmark = pytest.mark.anyio


def test_a_ratio_is_that_of_each_round_so_that_a_slow_moment_hits_both_sides() -> None:
    found = Compared(small=[1.0, 2.0, 4.0], large=[1.1, 2.4, 4.0]).told()
    assert found["ratio"] == {"median": 1.1, "min": 1.0, "max": 1.2}
    assert found["small_ms"] == {"median": 2.0, "min": 1.0, "max": 4.0}
    assert found["large_ms"] == {"median": 2.4, "min": 1.1, "max": 4.0}


async def test_the_sides_take_turns_at_being_first_and_the_first_round_does_not_count() -> None:
    asked: list[str] = []

    async def small() -> float:
        asked.append("A")
        return float(len(asked))

    async def large() -> float:
        asked.append("B")
        return float(len(asked))

    found = await compare(small, large)
    assert "".join(asked) == ("ABBA" * ROUNDS)[: 2 * (ROUNDS + 1)]
    assert (len(found.small), len(found.large)) == (ROUNDS, ROUNDS)
    assert min(found.small + found.large) == 3


@pytest.mark.parametrize(
    ("goal", "figure", "word"),
    [
        (CLAIM.goal, 1.1, "goal"),
        (CLAIM.goal, 1.11, "first step"),
        (CLAIM.goal, 1.31, "missed"),
        (DUE.goal, 4.9, "first step"),
        (POST, 0.28, "goal"),
        (POST, 0.27, "first step"),
        (POST, 0.19, "missed"),
    ],
)
def test_a_figure_reaches_the_goal_the_first_step_or_neither(
    goal: Any, figure: float, word: str
) -> None:
    assert goal.reached(figure) == word


def test_the_claim_is_held_to_more_than_a_list() -> None:
    assert (goal_of("claim"), goal_of("list all")) == (CLAIM.goal, LIST.goal)


def test_the_table_tells_both_sides_the_ratio_and_what_it_should_be() -> None:
    one = Compared(small=[2.0], large=[4.0]).told()
    told = table(
        {
            "questions": {"claim": one},
            "of_a_busy_user": {"get": one},
        }
    ).splitlines()
    assert told[1].split() == [
        "claim",
        "2.0",
        "4.0",
        "2.0",
        "(2.0-2.0)",
        "≤1.1",
        "≤1.3",
        "missed",
    ]
    assert told[2].split() == ["busy", "user:", "get", "2.0", "4.0", "2.0", "(2.0-2.0)", *"---"]


def test_of_the_pages_the_slowest_is_held_against_the_goal() -> None:
    asked = {
        name: Compared(small=[2.0], large=[large]).told()
        for name, large in (("claim", 2.2), ("list all", 2.0), ("list clip", 2.6), ("get", 9.0))
    }
    seconds = {"median": 0.9, "min": 0.8, "max": 1.0}
    claim, page, due = rows({"questions": asked, "due_at_once": {"seconds": seconds}})
    assert (page["figure"]["median"], page["reached"]) == (1.3, "first step")
    assert (claim["ours"]["median"], claim["other"]["median"]) == (2.2, 2.0)
    assert due["reached"] == "goal"


@asynccontextmanager
async def answering(status: str) -> AsyncIterator[tuple[int, list[bytes]]]:
    """A server's port, and what it was sent."""
    bodies: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.readline():
            while (line := await reader.readline()) != b"\r\n":
                if line.startswith(b"Content-Length:"):
                    length = int(line.split()[1])
            assert head == b"POST /here HTTP/1.1\r\n"
            bodies.append(await reader.readexactly(length))
            writer.write(f"HTTP/1.1 {status}\r\ncontent-length: 2\r\n\r\n{{}}".encode())
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], bodies


async def test_each_body_is_posted_once_however_many_connections_there_are() -> None:
    sent = [b"%d" % number for number in range(30)]
    async with answering("202 Accepted") as (port, bodies):
        assert await asked(port, "/here", {"X": "1"}, iter(sent), connections=4) > 0
    assert sorted(bodies) == sorted(sent)


async def test_an_answer_that_refuses_is_no_figure() -> None:
    async with answering("409 Conflict") as (port, _):
        with pytest.raises(Refused):
            await asked(port, "/here", {}, iter([b"{}"]), connections=1)
