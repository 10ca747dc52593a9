"""Editing, cancelling, retrying and resolving: what is answered is what happens."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from common.contracts.accounts import PlanChanged
from platforms.errors import ContentRefused, OutcomeUnknown
from platforms.port import Guard
from publisher.app.publish import publish
from support.waiting import eventually

from .person import PATH, Person, ahead, code_of, flaws_of
from .scripted import Gate, Scripted

pytestmark = pytest.mark.anyio


async def _to(me: Person, publication: dict[str, Any], verb: str, **body: Any) -> Any:
    return await me.api.post(f"{PATH}/{publication['id']}/{verb}", json=body or None)


async def _patch(me: Person, publication: dict[str, Any], body: Any, **headers: str) -> Any:
    path = f"{PATH}/{publication['id']}"
    return await me.api.patch(
        path, json=body, headers={name.replace("_", "-"): one for name, one in headers.items()}
    )


class TestEditing:
    """Only while it is scheduled, and only what is sent is changed."""

    async def test_it_is_rescheduled_and_its_texts_and_options_change(self, me: Person) -> None:
        found = await me.scheduled()
        at = ahead(hours=2)
        answer = await _patch(
            me,
            found,
            {"schedule_at": at, "title": "New", "description": "", "options": {"wallpost": True}},
        )
        told = answer.json()
        assert answer.status_code == 200
        assert datetime.fromisoformat(told["schedule_at"]) == datetime.fromisoformat(at)
        assert (told["title"], told["description"], told["version"]) == ("New", "", 2)
        assert told["options"] == {"wallpost": True}
        row = await me.row(found)
        assert row.due_at == row.schedule_at
        assert (await me.lab.kinds(row)) == ["scheduled", "edited"]
        again = (await _patch(me, found, {"title": "Newer"})).json()
        assert (again["title"], again["schedule_at"]) == ("Newer", told["schedule_at"])

    @pytest.mark.parametrize(
        ("body", "code"),
        [
            ({"schedule_at": "2020-01-01T00:00:00Z"}, "schedule_too_soon"),
            ({"schedule_at": "9999-01-01T00:00:00Z"}, "schedule_too_far"),
            ({"schedule_at": "2030-01-01T00:00:00"}, "invalid_request"),
            ({"schedule_at": None}, "invalid_request"),
            ({"title": "x" * 129}, "text_too_long"),
            ({"title": None}, "invalid_request"),
            ({"options": {"hidden": True}}, "invalid_request"),
            ({"options": {"group_id": "5"}}, "invalid_request"),
            ({"clip_id": "other"}, "invalid_request"),
            ({"status": "published"}, "invalid_request"),
        ],
    )
    async def test_what_could_not_be_requested_can_not_be_edited_in(
        self, me: Person, body: dict[str, Any], code: str
    ) -> None:
        found = await me.scheduled()
        answer = await _patch(me, found, body)
        assert code_of(answer) == (422, code)
        field = next(iter(body))
        assert all(name.startswith(field) for _, name, _ in flaws_of(answer))
        assert await me.get(found) == found

    async def test_title_and_text_of_telegram_are_measured_together(self, me: Person) -> None:
        account = await me.connect("telegram")
        found = await me.scheduled(targets=[{"connection_id": str(account.id)}], title="x" * 500)
        assert code_of(await _patch(me, found, {"description": "y" * 523}))[1] == "text_too_long"
        assert (await _patch(me, found, {"description": "y" * 522})).status_code == 200

    async def test_a_version_that_was_not_read_is_not_written_over(self, me: Person) -> None:
        found = await me.scheduled()
        first = await _patch(me, found, {"title": "A"}, If_Match='"1"')
        assert first.status_code == 200
        stale = await _patch(me, found, {"title": "B"}, If_Match='"1"')
        assert code_of(stale) == (412, "version_mismatch")
        for tag in ('"2"', "*", 'W/"4"', '"1", "5"'):
            answer = await _patch(me, found, {"title": f"C{tag}"}, If_Match=tag)
            assert answer.status_code == 200, tag
        assert (await me.get(found))["version"] == 6

    async def test_of_two_edits_at_once_of_one_version_one_wins(self, me: Person) -> None:
        found = await me.scheduled()
        answers = await asyncio.gather(
            *(_patch(me, found, {"title": f"T{n}"}, If_Match='"1"') for n in range(8))
        )
        assert sorted(answer.status_code for answer in answers) == [200, *[412] * 7]

    async def test_what_is_no_longer_scheduled_can_not_be_edited(self, me: Person) -> None:
        begun, called_off = await me.one(), await me.scheduled()
        await _to(me, called_off, "cancel")
        for found in (begun, called_off):
            answer = await _patch(me, found, {"title": "New"})
            assert code_of(answer) == (409, "not_scheduled")


class TestCancelling:
    """The answer is the truth."""

    @pytest.mark.parametrize("kind", ["one", "scheduled"])
    async def test_before_anything_was_sent_it_is_cancelled_for_good(
        self, me: Person, kind: str
    ) -> None:
        found = await getattr(me, kind)()
        for _ in range(2):
            answer = await _to(me, found, "cancel")
            assert (answer.status_code, answer.json()["verdict"]) == (200, "cancelled")
            assert answer.json()["publication"]["status"] == "cancelled"
        assert await me.lab.claim(await me.row(found)) is None

    async def test_in_flight_it_is_asked_to_stop_and_says_how_it_ended(
        self, me: Person, platform: Scripted
    ) -> None:
        platform.step("draft", Guard.REPEATABLE, undo=True)
        platform.step("send", Guard.CHECKED, visible=True)
        found = await me.one()
        drafting = Gate()
        platform.order("act:draft", drafting)
        claimed = await me.lab.claim(await me.row(found))
        assert claimed is not None
        work = asyncio.create_task(publish(me.lab.engine(), claimed))
        async with asyncio.timeout(10):
            await drafting.reached.wait()
        for _ in range(2):
            answer = await _to(me, found, "cancel")
            assert (answer.status_code, answer.json()["verdict"]) == (202, "cancel_requested")
            assert answer.json()["publication"]["status"] == "publishing"
        drafting.go.set()
        await work

        async def ended() -> bool:
            return bool((await me.get(found))["status"] == "cancelled")

        await eventually(ended)
        assert platform.made[claimed.id] == []

    @pytest.mark.parametrize("status", ["published", "failed", "uncertain"])
    async def test_what_ended_otherwise_is_too_late(self, me: Person, status: str) -> None:
        found = await me.one()
        await me.lab.rows(
            "UPDATE publications SET status = :status WHERE id = :id",
            status=status,
            id=found["id"],
        )
        assert code_of(await _to(me, found, "cancel")) == (409, "too_late")


@pytest.fixture
def failing(platform: Scripted) -> Callable[[Exception], Scripted]:
    """A platform whose only step fails once."""

    def make(error: Exception) -> Scripted:
        platform.step("send", Guard.ONCE, visible=True)
        platform.order("act:send", error)
        return platform

    return make


class TestRetrying:
    """Only what failed."""

    async def test_a_failed_one_is_tried_again(self, me: Person, failing: Any) -> None:
        failing(ContentRefused())
        found = await me.one()
        await me.lab.attempt(await me.row(found))
        told = await me.get(found)
        assert (told["status"], told["error"]["code"]) == ("failed", "content_refused")
        assert told["error"]["detail"]
        answer = await _to(me, found, "retry")
        assert answer.status_code == 202
        assert (answer.json()["status"], answer.json()["error"]) == ("publishing", None)
        assert answer.json()["stage"]["name"] == "queued"
        row = await me.row(found)
        assert await me.lab.wakes(row) == 2
        assert (await me.lab.attempt(row)).version == 4
        assert (await me.get(found))["status"] == "published"

    @pytest.mark.parametrize(
        "status", ["scheduled", "publishing", "published", "cancelled", "uncertain"]
    )
    async def test_nothing_else_can_be_retried(self, me: Person, status: str) -> None:
        found = await me.one()
        await me.lab.rows(
            "UPDATE publications SET status = :status WHERE id = :id",
            status=status,
            id=found["id"],
        )
        assert code_of(await _to(me, found, "retry")) == (409, "not_retryable")

    async def test_while_the_clip_is_on_its_way_anew_the_old_one_is_not_retried(
        self, me: Person
    ) -> None:
        account = await me.connect()
        body = await me.body(account)
        [old] = (await me.api.post(PATH, json=body)).json()["publications"]
        await me.lab.rows("UPDATE publications SET status = 'failed' WHERE id = :id", id=old["id"])
        assert (await me.api.post(PATH, json=body)).status_code == 202
        assert code_of(await _to(me, old, "retry")) == (409, "duplicate_publication")
        assert (await me.get(old))["status"] == "failed"

    async def test_a_plan_that_no_longer_covers_it_refuses(self, me: Person) -> None:
        found = await me.one()
        await me.lab.rows(
            "UPDATE publications SET status = 'failed' WHERE id = :id", id=found["id"]
        )
        later = datetime.fromisoformat(ahead(minutes=1))
        await me.lab.hear(PlanChanged(user_id=me.user, plan="free", changed_at=later))
        assert code_of(await _to(me, found, "retry")) == (403, "plan_required")


class TestResolving:
    """A person decides what nobody else can know."""

    @pytest.fixture
    async def uncertain(self, me: Person, failing: Any) -> dict[str, Any]:
        failing(OutcomeUnknown())
        found = await me.one()
        await me.lab.attempt(await me.row(found))
        told = await me.get(found)
        assert (told["status"], told["error"]["code"]) == ("uncertain", "outcome_unknown")
        return told

    async def test_found_it_is_published_with_its_address(
        self, me: Person, uncertain: dict[str, Any]
    ) -> None:
        answer = await _to(
            me, uncertain, "resolve", outcome="published", url="https://t.me/c/1", post_id="1"
        )
        told = answer.json()
        assert answer.status_code == 200
        assert (told["status"], told["url"], told["post_id"]) == (
            "published",
            "https://t.me/c/1",
            "1",
        )
        assert (told["error"], told["version"]) == (None, 3)
        facts = [fact["type"] for fact in await me.lab.told(await me.row(uncertain))]
        assert facts[-1] == "PublicationPublished.v1"

    async def test_not_found_it_failed_and_may_be_sent_again(
        self, me: Person, uncertain: dict[str, Any], platform: Scripted
    ) -> None:
        answer = await _to(me, uncertain, "resolve", outcome="failed")
        assert answer.json()["status"] == "failed"
        assert (await _to(me, uncertain, "retry")).status_code == 202
        await me.lab.attempt(await me.row(uncertain))
        assert (await me.get(uncertain))["status"] == "published"
        assert platform.asked == ["act:send", "act:send"]

    async def test_nothing_else_needs_a_decision(self, me: Person) -> None:
        for found in (await me.one(), await me.scheduled()):
            answer = await _to(me, found, "resolve", outcome="failed")
            assert code_of(answer) == (409, "not_uncertain")

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"outcome": "cancelled"},
            {"outcome": "published", "status": "x"},
            {"outcome": "published", "url": "javascript:alert(1)"},
            {"outcome": "published", "post_id": "nul \u0000"},
        ],
    )
    async def test_a_decision_that_makes_no_sense_is_malformed(
        self, me: Person, body: dict[str, Any]
    ) -> None:
        found = await me.one()
        path = f"{PATH}/{found['id']}/resolve"
        assert code_of(await me.api.post(path, json=body)) == (422, "invalid_request")
