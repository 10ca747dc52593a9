"""Operators pause a platform, a connection or a user: nothing is claimed or started meanwhile."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from publisher.app.start_due import start_due, wake_unattended
from publisher.domain.states import Status

from .person import Person, code_of
from .test_clock import DAY

pytestmark = pytest.mark.anyio
PAUSES = "/v1/pauses"


@pytest.fixture
async def operator(me: Person, empty_db: AsyncEngine) -> Person:
    assert empty_db is me.lab.db
    me.api.headers.update(me.with_plan("free", role="operator"))
    await me.lab.rows("DELETE FROM pauses")
    return me


@pytest.mark.parametrize("scope", ["platform", "connection", "user"])
async def test_what_is_paused_waits_and_goes_on_when_it_is_resumed(
    operator: Person, stranger: Person, scope: str
) -> None:
    lab = operator.lab
    account = await stranger.connect()
    queued, due = await lab.request(connection=account), await lab.scheduled(connection=account)
    names = {"platform": "vk", "connection": str(account.id).upper(), "user": stranger.user}
    body = {"scope": scope, "id": names[scope]}
    for _ in range(2):
        answer = await operator.api.post(PAUSES, json=body)
        assert answer.status_code == 201
    [paused] = (await operator.api.get(PAUSES)).json()["items"]
    assert (paused["scope"], paused["paused_by"]) == (scope, operator.user)

    async def ticked() -> tuple[int, int]:
        async with lab.transaction() as uow:
            return (
                await start_due(uow),
                await wake_unattended(uow, quarantine=DAY, again_after=timedelta()),
            )

    assert await ticked() == (0, 0)
    assert await lab.claim(queued) is None
    gone = await operator.api.request("DELETE", PAUSES, json=body)
    assert gone.status_code == 204
    assert await ticked() == (1, 2)
    assert await lab.claim(queued) is not None
    assert (await lab.read(due)).status is Status.PUBLISHING
    again = await operator.api.request("DELETE", PAUSES, json=body)
    assert code_of(again) == (404, "not_found")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"scope": "platform"},
        {"scope": "platform", "id": "myspace"},
        {"scope": "connection", "id": "7"},
        {"scope": "user", "id": ""},
        {"scope": "user", "id": "nul \u0000"},
        {"scope": "planet", "id": "earth"},
        {"scope": "user", "id": "u", "until": "tomorrow"},
    ],
)
async def test_a_pause_of_nothing_that_can_be_is_malformed(
    operator: Person, body: dict[str, Any]
) -> None:
    for method in ("POST", "DELETE"):
        answer = await operator.api.request(method, PAUSES, json=body)
        assert code_of(answer) == (422, "invalid_request")


async def test_to_everybody_else_pauses_do_not_exist(me: Person) -> None:
    for method, body in (("GET", None), ("POST", {"scope": "user", "id": "u"}), ("POST", {})):
        assert code_of(await me.api.request(method, PAUSES, json=body)) == (404, "not_found")
