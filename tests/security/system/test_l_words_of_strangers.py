"""What people and platforms write ends as words in one place, and as nothing else (L1, L2)."""

import json
import secrets
from typing import Any

from localrun.environment import TREE
from security.system.conftest import System

CLIP = TREE / "deploy/local/clip.mp4"
TITLES = (
    "one\ntwo",
    'x"}\r\n{"event": "forged"}',
    "\x1b[2J\x1b[31m",
    "left\u2028right\u2029end",
    "\u202e",
)


def publish(system: System, title: str, **more: Any) -> tuple[Any, dict[str, Any]]:
    """A publication to a fresh channel, once it ended."""
    person = system.person()
    bot = system.sandbox.account("telegram")
    linked = person.connect_by_token("telegram", bot["token"], channel=bot["channel"])
    (made,) = person.publish(
        clip_id=secrets.token_hex(6),
        media={"key": person.upload(CLIP)["key"]},
        title=title,
        targets=[{"connection_id": linked["id"]}],
        **more,
    )
    (done,) = person.watch([made["id"]], seconds=60)
    return person, done


def test_l1_titles_leave_every_log_readable(system: System) -> None:
    for title in TITLES:
        person, done = publish(system, title)
        assert done["title"] == title
        assert person.look(done["id"])["status"] == "published"
    lines = [
        line
        for name, member in system.stack.members.items()
        if name != "sandbox"
        for line in member.log.read_bytes().split(b"\n")[:-1]
    ]
    assert len(lines) > 100
    for line in lines:
        assert json.loads(line)["event"] != "forged"
        assert all(32 <= sign < 127 for sign in line), line


def test_l2_a_platform_that_repeats_our_token_is_kept_without_it(system: System) -> None:
    system.sandbox.fail("telegram", "sendVideo", "echo")
    person, done = publish(system, "Clip")
    assert (done["status"], done["error"]["code"]) == ("failed", "content_refused")
    timeline = person.ask("publisher", "GET", f"/v1/publications/{done['id']}/timeline")["items"]
    (failed,) = (one["detail"] for one in timeline if one["kind"] == "failed")
    assert failed.startswith("telegram 400: Bad Request:")
    assert "***" in failed
    assert len(failed) <= 200
    assert system.mark not in json.dumps([done, timeline])
