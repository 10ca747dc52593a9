"""The publishing lines of the checklist in spec.md §9, each by its name."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest

from e2e.conftest import CLIP, Ask, Connect, Sandbox
from localrun.person import Person, Refused
from stack import Stack
from support.waiting import wait_for

PLATFORMS = ("vk", "rutube", "dzen", "telegram")
PATIENCE = 40.0


@pytest.mark.parametrize("platform", PLATFORMS)
def test_connect_each_platform_type(person: Person, connect: Connect, platform: str) -> None:
    connection = connect(person, platform)
    assert connection["status"] == "active"
    listed = person.ask("connections", "GET", "/v1/connections")["items"]
    assert [one["id"] for one in listed] == [connection["id"]]
    tested = person.ask("connections", "POST", f"/v1/connections/{connection['id']}/test")
    assert tested["result"] == "ok"


def test_publish_to_each(person: Person, connect: Connect, ask: Ask, sandbox: Sandbox) -> None:
    accepted = ask(person, *(connect(person, platform) for platform in PLATFORMS))
    assert [one["status"] for one in accepted] == ["publishing"] * 4
    ended = person.watch([one["id"] for one in accepted], seconds=PATIENCE)
    assert [(one["platform"], one["status"], one["error"]) for one in ended] == [
        (platform, "published", None) for platform in PLATFORMS
    ]
    bytes_of_clip = sha256(CLIP.read_bytes()).hexdigest()
    for one in ended:
        (post,) = sandbox.posts(platform=one["platform"], post_id=one["post_id"])
        assert (post["sha256"], post["url"]) == (bytes_of_clip, one["url"])
        assert one["experimental"] is (one["platform"] == "dzen")


def test_schedule(person: Person, connect: Connect, ask: Ask, sandbox: Sandbox) -> None:
    at = datetime.now(UTC) + timedelta(seconds=3)
    (waiting,) = ask(person, connect(person, "telegram"), schedule_at=at.isoformat())
    assert waiting["status"] == "scheduled"
    (ended,) = person.watch([waiting["id"]], seconds=PATIENCE)
    assert ended["status"] == "published"
    (post,) = sandbox.posts(platform="telegram", post_id=ended["post_id"])
    assert datetime.fromisoformat(post["at"]) >= at


def test_schedule_and_cancel(person: Person, connect: Connect, ask: Ask, sandbox: Sandbox) -> None:
    at = datetime.now(UTC) + timedelta(seconds=3)
    (waiting,) = ask(person, connect(person, "telegram"), schedule_at=at.isoformat())
    answer = person.ask("publisher", "POST", f"/v1/publications/{waiting['id']}/cancel")
    assert answer["verdict"] == "cancelled"
    wait_for(lambda: datetime.now(UTC) >= at + timedelta(seconds=2))
    assert person.look(waiting["id"])["status"] == "cancelled"
    assert sandbox.posts(title=waiting["title"]) == []


def test_retry_on_api_failure(person: Person, connect: Connect, ask: Ask, sandbox: Sandbox) -> None:
    sandbox.fail("vk", "video.save", "unknown_error", times=2)
    (accepted,) = ask(person, connect(person, "vk"))
    (ended,) = person.watch([accepted["id"]], seconds=PATIENCE)
    assert (ended["status"], ended["attempt"]) == ("published", 3)
    assert len(sandbox.posts(platform="vk", title=accepted["title"])) == 1


def test_retry_works_once_the_automatic_ones_ran_out(
    person: Person, connect: Connect, ask: Ask, sandbox: Sandbox
) -> None:
    sandbox.fail("vk", "video.save", "unknown_error", times=4)
    (accepted,) = ask(person, connect(person, "vk"))
    (failed,) = person.watch([accepted["id"]], seconds=PATIENCE)
    assert (failed["status"], failed["error"]["code"]) == ("failed", "retries_exhausted")
    person.ask("publisher", "POST", f"/v1/publications/{accepted['id']}/retry")
    (ended,) = person.watch([accepted["id"]], seconds=PATIENCE)
    assert ended["status"] == "published"
    assert len(sandbox.posts(platform="vk", title=accepted["title"])) == 1


def test_cancel_works_while_it_waits_for_another_try(
    person: Person, connect: Connect, ask: Ask, sandbox: Sandbox
) -> None:
    sandbox.fail("vk", "video.save", "quota", times=1)  # a wait of hours, told to nobody
    (accepted,) = ask(person, connect(person, "vk"))
    person.watch(
        [accepted["id"]],
        seconds=PATIENCE,
        until=lambda one: (one["stage"] or {}).get("name") == "waiting",
    )
    answer = person.ask("publisher", "POST", f"/v1/publications/{accepted['id']}/cancel")
    assert answer["verdict"] in ("cancelled", "cancel_requested")
    (ended,) = person.watch([accepted["id"]], seconds=PATIENCE)
    assert ended["status"] == "cancelled"
    with pytest.raises(Refused) as refused:
        person.ask("publisher", "POST", f"/v1/publications/{accepted['id']}/retry")
    assert refused.value.problem["code"] == "not_retryable"
    assert sandbox.posts(title=accepted["title"]) == []


def test_stats_collected_telegram_skipped(person: Person, connect: Connect, ask: Ask) -> None:
    accepted = ask(person, connect(person, "vk"), connect(person, "telegram"))
    ids = [one["id"] for one in accepted]
    person.watch(ids, seconds=PATIENCE)
    vk, telegram = person.watch(ids, seconds=PATIENCE, until=lambda one: one["stats"] is not None)
    assert vk["stats"]["views"] >= 0
    assert vk["stats"]["synced_at"] is not None
    assert telegram["stats"]["reason"] == "no_statistics"
    assert telegram["stats"]["views"] is None
    series = person.ask("stats-collector", "GET", f"/v1/stats/publications/{vk['id']}")
    assert series["available"] is True
    assert series["samples"][0]["views"] is not None


def test_disconnect_cancels_pending_publications(
    person: Person, connect: Connect, ask: Ask, sandbox: Sandbox
) -> None:
    connection = connect(person, "telegram")
    at = datetime.now(UTC) + timedelta(seconds=4)
    (waiting,) = ask(person, connection, schedule_at=at.isoformat())
    person.ask("connections", "DELETE", f"/v1/connections/{connection['id']}")
    (ended,) = person.watch([waiting["id"]], seconds=PATIENCE)
    assert ended["status"] == "cancelled"
    wait_for(lambda: datetime.now(UTC) >= at + timedelta(seconds=1))
    assert sandbox.posts(title=waiting["title"]) == []


def test_a_401_is_handled(person: Person, connect: Connect, ask: Ask, sandbox: Sandbox) -> None:
    """VK says it in its own way. It is met with a fresh token, once; only then does it fail."""
    connection = connect(person, "vk")
    sandbox.fail("vk", "video.save", "token_expired", times=1)
    (accepted,) = ask(person, connection)
    (ended,) = person.watch([accepted["id"]], seconds=PATIENCE)
    assert ended["status"] == "published"
    assert len(sandbox.calls("vkid", "refresh", connection["account"]["id"])) == 1


def test_a_token_refused_for_good_expires_the_connection(
    person: Person, connect: Connect, ask: Ask, sandbox: Sandbox
) -> None:
    connection = connect(person, "rutube")
    sandbox.fail("rutube", "create", "token_refused", times=2)
    sandbox.fail("rutube", "list", "token_refused", times=2)
    (accepted,) = ask(person, connection)
    (ended,) = person.watch([accepted["id"]], seconds=PATIENCE)
    assert (ended["status"], ended["error"]["code"]) == ("failed", "connection_expired")
    path = f"/v1/connections/{connection['id']}"
    wait_for(lambda: person.ask("connections", "GET", path)["status"] == "expired")


def test_a_timeout_is_handled_and_nothing_posted_twice(
    person: Person, connect: Connect, ask: Ask, sandbox: Sandbox
) -> None:
    sandbox.fail("vk", "upload", "drop_after")
    sandbox.fail("telegram", "sendVideo", "timeout_after")
    accepted = ask(person, connect(person, "vk"), connect(person, "telegram"))
    vk, telegram = person.watch([one["id"] for one in accepted], seconds=PATIENCE)
    assert vk["status"] == "published"
    assert telegram["status"] == "uncertain"
    assert len(sandbox.posts(platform="vk", title=vk["title"])) == 1
    (post,) = sandbox.posts(platform="telegram", title=telegram["title"])
    path = f"/v1/publications/{telegram['id']}/resolve"
    body = {"outcome": "published", "url": post["url"], "post_id": post["post_id"]}
    assert person.ask("publisher", "POST", path, json=body)["status"] == "published"


def test_a_missing_file_is_handled(
    person: Person, connect: Connect, ask: Ask, stack: Stack
) -> None:
    connection = connect(person, "telegram")
    at = datetime.now(UTC) + timedelta(seconds=2)
    (waiting,) = ask(person, connection, schedule_at=at.isoformat())
    for file in (stack.home / "media").rglob("clip.mp4"):
        file.unlink()
    (ended,) = person.watch([waiting["id"]], seconds=PATIENCE)
    assert (ended["status"], ended["error"]["code"]) == ("failed", "media_not_found")
    assert ended["attempt"] == 1


def test_free_plan_no_access_start_plan_vk_only(
    newcomer: Callable[..., Person], connect: Connect, sandbox: Sandbox
) -> None:
    free, start = newcomer("free"), newcomer("start")
    for person, platform in ((free, "vk"), (start, "dzen")):
        with pytest.raises(Refused) as refused:
            person.ask("connections", "POST", f"/v1/connections/{platform}/authorize", json={})
        assert (refused.value.status, refused.value.problem["code"]) == (403, "plan_required")
    with pytest.raises(Refused) as refused:
        start.connect_by_token("rutube", sandbox.account("rutube")["token"])
    assert refused.value.problem["code"] == "plan_required"
    assert connect(start, "vk")["status"] == "active"
