"""A visible step that may be repeated is in doubt too (found by tests/model: `World.forgetful`)."""

import pytest

from platforms.errors import OutcomeUnknown, Unavailable
from platforms.port import Guard
from publisher.app.cancel_publication import cancel_publication
from publisher.domain.publication import Publication
from publisher.domain.states import Status

from .lab import Lab
from .scripted import Scripted

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.xfail(
        strict=True, reason="the doubt of a repeatable step is forgotten; no platform has one yet"
    ),
]


@pytest.fixture
def keyed(platform: Scripted) -> Scripted:
    """A platform that knows a repetition of the visible call by its key."""
    return platform.step("send", Guard.REPEATABLE, visible=True)


async def cancel(lab: Lab, row: Publication) -> None:
    async with lab.transaction() as uow:
        locked = await uow.publications.lock(row.id, row.user_id)
        assert locked is not None
        await cancel_publication(uow, locked)


@pytest.fixture
def posted_without_an_answer(keyed: Scripted) -> None:
    async def act(job: object) -> None:
        keyed.happen("send", job)  # type: ignore[arg-type] # a Job
        raise OutcomeUnknown

    keyed.order("act:send", act)


@pytest.mark.usefixtures("posted_without_an_answer")
async def test_it_is_made_again_and_not_called_cancelled(lab: Lab) -> None:
    row = await lab.attempt(await lab.request())
    await cancel(lab, row)
    assert (await lab.to_the_end(row)).status is Status.PUBLISHED


@pytest.mark.usefixtures("posted_without_an_answer")
async def test_it_is_not_called_failed_when_no_attempt_is_left(lab: Lab, keyed: Scripted) -> None:
    keyed.order("act:send", *[Unavailable()] * 3)
    assert (await lab.to_the_end(await lab.request())).status is Status.UNCERTAIN
