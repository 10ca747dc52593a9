"""The nine log events of spec.md §8: each really happens here, and its line says whose it is."""

import json
import re
import time
from typing import Any

from e2e.conftest import Ask, Sandbox
from localrun.person import Person
from localrun.plan import SANDBOX
from stack import Stack

PATIENCE = 60.0
ACCOUNT = ("connection_id", "user_id", "platform")
PUBLICATION = (*ACCOUNT, "publication_id", "attempt")
EVENTS = {
    "platform_connected": ("connections-http", ACCOUNT),
    "platform_disconnected": ("connections-http", ACCOUNT),
    "publish_job_start": ("publisher-vk-rutube", PUBLICATION),
    "publish_job_success": ("publisher-vk-rutube", PUBLICATION),
    "publish_job_failed": ("publisher-vk-rutube", PUBLICATION),
    "publish_job_retry": ("publisher-vk-rutube", PUBLICATION),
    "token_refresh_success": ("oauth-gateway-http", ACCOUNT),
    "token_refresh_failed": ("oauth-gateway-http", ACCOUNT),
    "stats_sync_complete": ("stats-collector-worker", ACCOUNT),
}
"""Which process says it here, and which ids it carries beside the trace. Statistics are read for
many posts of an account at once, and refreshes are of the account: there is no publication."""
Line = dict[str, Any]


def test_each_of_the_nine_events_is_told_with_its_ids(
    person: Person, ask: Ask, sandbox: Sandbox, stack: Stack
) -> None:
    account = sandbox.account("vk")["account"]
    connection = person.connect_by_consent("vk", account)
    sandbox.expire("vk", account)
    sandbox.fail("vkid", "refresh", "error_503")
    (good,) = ask(person, connection)  # no fresh token at first, so it is tried again
    person.watch([good["id"]], seconds=PATIENCE, until=lambda one: one["stats"] is not None)
    sandbox.fail("vk", "video.save", "error_503", times=50)
    (bad,) = ask(person, connection)
    ended = person.watch([good["id"], bad["id"]], seconds=PATIENCE)
    assert [one["status"] for one in ended] == ["published", "failed"]
    person.ask("connections", "DELETE", f"/v1/connections/{connection['id']}")

    known = _told(stack, connection["id"], set(EVENTS))
    user = known["platform_connected"][0]["user_id"]
    values = {"connection_id": connection["id"], "user_id": user, "platform": "vk"}
    for event, (process, ids) in EVENTS.items():
        for line in known[event]:
            assert set(ids) <= set(line), (event, line)
            assert line.items() >= values.items(), (event, line)
            assert line["member"] == process, (event, line)
            assert re.fullmatch("[0-9a-f]{32}", line["trace_id"])
            assert line["timestamp"].endswith("Z")

    assert [one["attempt"] for one in known["publish_job_retry"]][-3:] == [1, 2, 3]
    (failed,) = known["publish_job_failed"]
    assert (failed["publication_id"], failed["attempt"]) == (bad["id"], 4)
    (done,) = known["publish_job_success"]
    assert done["publication_id"] == good["id"]


def test_one_trace_id_leads_from_the_first_attempt_to_the_numbers(
    person: Person, ask: Ask, sandbox: Sandbox, stack: Stack
) -> None:
    connection = person.connect_by_consent("vk", sandbox.account("vk")["account"])
    sandbox.fail("vk", "video.save", "error_503")
    sandbox.fail("vk", "video.get", "token_expired")
    (made,) = ask(person, connection)
    person.watch([made["id"]], seconds=PATIENCE, until=lambda one: one["stats"] is not None)
    told = {"publish_job_retry", "publish_job_success", "stats_sync_complete"}
    known = _told(stack, connection["id"], told)
    assert len({line["trace_id"] for event in told for line in known[event]}) == 1


def test_no_process_says_anything_but_json(stack: Stack) -> None:
    for name, member in stack.members.items():
        if name != SANDBOX:
            lines = member.log.read_text().split("\n")[:-1]
            assert all("event" in json.loads(line) for line in lines), name


def _told(stack: Stack, connection_id: str, wanted: set[str]) -> dict[str, list[Line]]:
    """What was logged about a connection, by event and in its order, once all of `wanted` was."""
    deadline = time.monotonic() + PATIENCE
    while missing := wanted - set(found := _lines(stack, connection_id)):
        assert time.monotonic() < deadline, missing
        time.sleep(0.1)
    return found


def _lines(stack: Stack, connection_id: str) -> dict[str, list[Line]]:
    found: dict[str, list[Line]] = {}
    for name, member in stack.members.items():
        for text in member.log.read_text().split("\n")[:-1]:
            if connection_id in text:
                line = json.loads(text)
                found.setdefault(line["event"], []).append({**line, "member": name})
    return found
