"""No secret is anywhere where somebody might read it (security.md V7)."""

import re
from collections.abc import Iterator

import pytest

from security.system import channels, journeys
from security.system.channels import Broker
from security.system.conftest import System
from security.system.needles import Needle, Piece, search

JWT = "eyJhbGciOi"
"""How each token of a person or a service begins."""
SOME = 8
"""Of what has no mark; each goes where a code with a mark goes."""
EVERYWHERE = (
    "spans",
    "output", "argv", "metrics", "openapi", "queues", "databases", "redis", "files", "answers",
)  # fmt: skip


@pytest.fixture(scope="module")
def driven(system: System) -> set[str]:
    """Everything has happened; what went through browsers."""
    broker = Broker(system.stack)
    broker.tap()
    passed = journeys.drive(system)
    journeys.wait_for_dead_letters(broker)
    system.answers += journeys.strangers(system)
    return passed


@pytest.fixture(scope="module")
def pieces(system: System, driven: set[str]) -> list[Piece]:
    assert driven
    return [*_pieces(system)]


def _pieces(system: System) -> Iterator[Piece]:
    stack = system.stack
    yield from channels.metrics(stack)
    yield from channels.documents(stack)
    yield from channels.messages(Broker(stack))
    yield from channels.dumps(stack)
    yield from channels.cache(stack)
    yield from channels.answers(system.answers)
    yield from channels.files(stack)
    yield from channels.printed(stack)
    for body in system.sink.received:
        yield Piece("spans", "the sink", body)


@pytest.fixture(scope="module")
def needles(system: System, driven: set[str]) -> list[Needle]:
    said = system.wire.sent
    verifiers = set(re.findall(rb"code_verifier=([\w.~-]+)", said))
    links = set(re.findall(rb"/v1/files/[^ ]{36,200}?sig(?:=|%3D)([\w-]{43})", said))
    assert len(verifiers) > 10
    assert links
    answered = frozenset({"answers"})
    return [
        Needle("a token, code or key", system.mark.encode()),
        Needle("a bearer token", JWT.encode()),
        Needle("an unreadable message", journeys.POISON.encode(), frozenset({"queues"})),
        *(Needle("a verifier", one) for one in sorted(verifiers)[:SOME]),
        *(Needle("a media link", one) for one in sorted(links)[:SOME]),
        *(Needle("a state or finish id", one.encode(), answered) for one in sorted(driven)[:SOME]),
    ]


@pytest.mark.timeout(300)
def test_v7_nothing_secret_is_where_somebody_may_read_it(
    pieces: list[Piece], needles: list[Needle]
) -> None:
    assert {piece.channel for piece in pieces} >= set(EVERYWHERE)
    found = {f"{one.needle} in {one.place}": one.around for one in search(pieces, needles)}
    assert not found, "\n".join(f"{what}: {around}" for what, around in found.items())


def test_v7_the_run_was_real_and_every_fault_was_met(system: System, driven: set[str]) -> None:
    assert driven
    mark = system.mark.encode()
    assert system.wire.answered.count(mark) > 200
    assert system.wire.sent.count(mark) > 200
    orders = system.sandbox.control.get("/_faults").json()["faults"]
    assert {one["kind"] for one in orders} >= set(journeys.BROKEN)
    assert [one for one in orders if not one["done"]] == []
    masked = re.findall(r"\*\*\*[0-9a-f]{8}", str(system.sandbox.journal()))
    assert len(set(masked)) > 100


def test_v7_the_search_saw_what_is_sealed(pieces: list[Piece]) -> None:
    """Else nothing was stored, and nothing could be found."""
    (dump,) = (
        one.data for one in pieces if (one.channel, one.place) == ("databases", "oauth-gateway")
    )
    assert dump.count(rb"\\x") > 100
