"""The repository keeps the promises in whatever order things happen, and not without its rules."""

import asyncio
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test
from pydantic import SecretStr

from common.db.engine import connect
from platforms.port import Guard
from publisher.app import record
from publisher.app.ports import Uow
from publisher.domain.publication import Publication
from publisher.domain.states import Status
from support.servers import NewDatabase

from .conftest import MIGRATIONS
from .lab import Lab
from .model.hands import LEASE, Luck
from .model.machine import Machine
from .model.people import Wish
from .model.promises import PromiseBroken
from .scripted import Scripted

ANY_ORDER = settings(
    max_examples=45,
    stateful_step_count=20,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
AT_ONCE = timedelta(0)
LEASE_OVER = LEASE + timedelta(seconds=1)
New = Callable[..., Machine]


@pytest.fixture(scope="module")
def machine(new_database: NewDatabase) -> Iterator[type[Machine]]:
    """A database and an event loop that nobody else uses."""
    with asyncio.Runner() as runner:
        db = connect(SecretStr(new_database("publisher", MIGRATIONS)), "test", size=2)
        lab = Lab(db, None, Scripted().adapter())  # type: ignore[arg-type] # nothing is opened
        yield type("Bound", (Machine,), {"lab": lab, "runner": runner, "seen": set()})
        runner.run(db.dispose())


@pytest.fixture
def new(machine: type[Machine]) -> New:
    """A machine with one publication, and a rule switched off."""

    def make(**switched_off: object) -> Machine:
        made = type("Changed", (machine,), switched_off)()
        made.begin(guard=Guard.CHECKED, scheduled=[False])
        return made

    return make


async def any_cancel(_machine: Machine, uow: Uow, row: Publication) -> None:
    """Answers "cancelled" also while an attempt may be under way."""
    if row.status in (Status.SCHEDULED, Status.PUBLISHING):
        await record.cancelled(uow, row, why="user", fenced=False)


def take_over_while_sending(machine: Machine) -> None:
    """One hand sends and says no more; when its lease is over, the other begins."""
    machine.work(at=0, pause=AT_ONCE, steps=3, luck=Luck.GOOD)
    machine.work(at=1, pause=LEASE_OVER, steps=8, luck=Luck.GOOD)


def come_back_late(machine: Machine) -> None:
    """One hand claims and freezes, the other takes over and sends, and the first one thaws."""
    machine.work(at=0, pause=AT_ONCE, steps=1, luck=Luck.GOOD)
    machine.work(at=1, pause=LEASE_OVER, steps=3, luck=Luck.GOOD)
    machine.work(at=0, pause=AT_ONCE, steps=8, luck=Luck.GOOD)


def cancel_while_sending(machine: Machine) -> None:
    """The request is under way when the user changes their mind."""
    machine.work(at=0, pause=AT_ONCE, steps=3, luck=Luck.GOOD)
    machine.the_user_wishes(at=0, wish=Wish.CANCEL)
    machine.promises_hold()


@pytest.mark.timeout(300)
def test_whatever_happens_in_whatever_order_the_promises_hold(machine: type[Machine]) -> None:
    run_state_machine_as_test(machine, settings=ANY_ORDER)
    assert {status for status, _ in machine.seen} == set(Status), "the runs did not get far"
    assert (Status.PUBLISHED, True) in machine.seen, "nobody ever took over"


@pytest.mark.parametrize("story", [take_over_while_sending, come_back_late, cancel_while_sending])
def test_with_all_rules_the_worst_stories_end_with_one_post(
    new: New, story: Callable[[Machine], None]
) -> None:
    machine = new()
    story(machine)
    machine.platform_acts(fate=Luck.GOOD)
    for at in (0, 1):
        machine.work(at=at, pause=AT_ONCE, steps=8, luck=Luck.GOOD)
    [post] = machine.posts
    assert (post.row.status, post.made) == (Status.PUBLISHED, 1)
    machine.teardown()


@pytest.mark.parametrize(
    ("story", "switched_off", "broken"),
    [
        (take_over_while_sending, {"quarantine": timedelta(0)}, "two requests are under way"),
        (come_back_late, {"fenced": False}, "two requests are under way"),
        (
            cancel_while_sending,
            {"answer_cancel": any_cancel},
            "called cancelled while a request is under way",
        ),
    ],
    ids=["quarantine", "fence", "cancel"],
)
def test_with_a_rule_switched_off_the_same_story_breaks_a_promise(
    new: New,
    story: Callable[[Machine], None],
    switched_off: dict[str, object],
    broken: str,
) -> None:
    """Stories as tests/model finds them: waiting until chance tells one takes minutes."""
    with pytest.raises(PromiseBroken, match=broken):
        story(new(**switched_off))
