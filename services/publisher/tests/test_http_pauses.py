"""Operators pause a platform, a connection or a user: nothing is claimed or started meanwhile."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from structlog.testing import capture_logs

from platforms.errors import ContentRefused, OutcomeUnknown
from platforms.port import Guard
from publisher.app.pauses import BURST
from publisher.app.start_due import start_due, wake_unattended
from publisher.domain.states import Status
from support.servers import truncate

from .person import PATH, Person, code_of
from .scripted import Scripted
from .test_clock import DAY

pytestmark = pytest.mark.anyio
PAUSES = "/v1/pauses"


@pytest.fixture
async def operator(me: Person, empty_db: AsyncEngine, database_url: str) -> AsyncIterator[Person]:
    assert empty_db is me.lab.db
    me.api.headers.update(me.with_plan("free", role="operator"))
    await truncate(database_url, "pauses", "audit")
    yield me
    await truncate(database_url, "pauses", "audit")


async def pause(operator: Person, scope: str, name: object, **more: Any) -> dict[str, Any]:
    body = {"scope": scope, "id": str(name), **more}
    answer = await operator.api.post(PAUSES, json=body)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()["items"][-1]
    return found


async def resume(operator: Person, scope: str, name: object, **more: Any) -> None:
    body = {"scope": scope, "id": str(name), **more}
    assert (await operator.api.request("DELETE", PAUSES, json=body)).status_code == 204


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
        {"scope": "user", "id": "u", "reason": "x" * 201},
        {"scope": "user", "id": "u", "reason": "nul \u0000"},
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


async def test_whoever_waits_is_told_why_and_what_to_do(operator: Person, stranger: Person) -> None:
    account = await stranger.connect()
    queued = await stranger.one(targets=[{"connection_id": str(account.id)}])
    coming = await stranger.scheduled(targets=[{"connection_id": str(account.id)}])
    due = await operator.lab.scheduled(connection=account)
    await pause(operator, "user", stranger.user, reason="complaints")

    def told(found: dict[str, Any]) -> tuple[Any, ...]:
        stage = found["stage"] or {}
        return found["status"], stage.get("name"), stage.get("why"), found["hold"]

    assert told(await stranger.get(queued)) == ("publishing", "waiting", "paused", "paused")
    assert told(await stranger.get({"id": due.id})) == ("scheduled", "waiting", "paused", "paused")
    assert told(await stranger.get(coming)) == ("scheduled", None, None, None), "not due yet"
    listed = (await stranger.api.get(PATH)).json()["items"]
    assert sorted(str(one["hold"]) for one in listed) == ["None", "paused", "paused"]
    assert not any("complaints" in str(one) for one in listed)
    await resume(operator, "user", stranger.user)
    found = await stranger.get(queued)
    assert told(found) == ("publishing", "queued", None, None)
    assert found["hold_detail"] is None


@pytest.mark.parametrize(
    ("by", "lang", "words"),
    [
        ("olga", "ru", "приостановлена оператором"),
        ("olga", "en", "paused by an operator"),
        (BURST, "ru", "напишите в поддержку"),
        (BURST, "en", "ask support"),
    ],
)
async def test_what_to_do_is_said_in_their_language(
    operator: Person, stranger: Person, by: str, lang: str, words: str
) -> None:
    queued = await stranger.one()
    await operator.lab.rows(
        "INSERT INTO pauses (scope, id, paused_by) VALUES ('connection', :id, :by)",
        id=queued["connection_id"],
        by=by,
    )
    stranger.api.headers["Accept-Language"] = lang
    assert words in (await stranger.get(queued))["hold_detail"]


async def test_who_paused_and_resumed_what_and_why_is_kept_and_logged(operator: Person) -> None:
    why = 'loop in "their" script <b>\n'
    with capture_logs() as logged:
        shown = await pause(operator, "user", "anna", reason=why)
        await pause(operator, "user", "anna", reason="again")
        await resume(operator, "user", "anna", reason="mended")
    assert (shown["paused_by"], shown["reason"]) == (operator.user, why)
    lines = [one for one in logged if one["event"].startswith("publishing_")]
    assert [(one["event"], one["scope"], one["of"], one["by"], one["reason"]) for one in lines] == [
        ("publishing_paused", "user", "anna", operator.user, why),
        ("publishing_resumed", "user", "anna", operator.user, "mended"),
    ]
    kept = await operator.lab.rows("SELECT * FROM audit ORDER BY id")
    assert [(one["action"], one["actor"], one["name"], one["reason"]) for one in kept] == [
        ("paused", operator.user, "anna", why),
        ("resumed", operator.user, "anna", "mended"),
    ]
    with pytest.raises(Exception, match="permission denied"):
        await operator.lab.rows("DELETE FROM audit")


async def test_while_paused_people_ask_edit_cancel_retry_and_resolve_as_ever(
    operator: Person, stranger: Person, platform: Scripted
) -> None:
    platform.step("send", Guard.ONCE, visible=True)
    platform.order("act:send", ContentRefused(), OutcomeUnknown())
    account = await stranger.connect()
    to = [{"connection_id": str(account.id)}]
    failed, uncertain = await stranger.one(targets=to), await stranger.one(targets=to)
    for one in (failed, uncertain):
        await operator.lab.attempt(await stranger.row(one))
    await pause(operator, "connection", account.id)

    asked = await stranger.one(targets=to)
    later = await stranger.scheduled(targets=to)
    edited = await stranger.api.patch(f"{PATH}/{later['id']}", json={"title": "Another"})
    assert (edited.status_code, edited.json()["title"]) == (200, "Another")
    retried = await stranger.api.post(f"{PATH}/{failed['id']}/retry")
    assert (retried.status_code, retried.json()["status"]) == (202, "publishing")
    body = {"outcome": "failed"}
    resolved = await stranger.api.post(f"{PATH}/{uncertain['id']}/resolve", json=body)
    assert resolved.json()["status"] == "failed"
    for one in (asked, failed):
        assert (await stranger.get(one))["hold"] == "paused"
        assert await operator.lab.claim(await stranger.row(one)) is None
    cancelled = await stranger.api.post(f"{PATH}/{asked['id']}/cancel")
    assert (cancelled.status_code, cancelled.json()["verdict"]) == (200, "cancelled")

    await resume(operator, "connection", account.id)
    ended = await operator.lab.attempt(await stranger.row(failed))
    assert ended.status is Status.PUBLISHED
