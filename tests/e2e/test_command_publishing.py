"""The `clipcast` command as people publish with it, watch, steer and count."""

import json
import os
import pty
import re
import signal
import subprocess
from datetime import UTC, datetime, timedelta

from e2e.conftest import Connect
from e2e.shell import RUSSIAN, Shell, heard, published
from support.command import COMMAND, environment

HOSTILE = "\x1b[2J\x1b]0;owned\x07[red]not red[/red]\u202e\x9b31m"


def test_a_clip_is_published_and_never_twice(shell: Shell, connect: Connect) -> None:
    connect(shell.person, "telegram")
    connect(shell.person, "vk")
    words = published("Evening run", "telegram", "vk")
    first = shell.run(*words)
    assert first.code == 0, first.err
    assert "160.9/160.9 kB" in first.err
    assert "vk: publishing queued" in first.err
    again = shell.told(*published("Evening run", "vk", "telegram"))
    assert [one["platform"] for one in again["publications"]] == ["vk", "telegram"]
    for one in again["publications"]:
        assert one["status"] == "published"
        assert one["url"] in first.out
        assert len(shell.sandbox.posts(platform=one["platform"], post_id=one["post_id"])) == 1
    found = shell.told("show", again["publications"][0]["id"])
    assert found["timeline"][-1]["kind"] == "published"
    assert shell.told("list", "--platform", "vk", "--status", "failed")["items"] == []
    assert shell.told(*words, "--key", "again-1", "--no-wait")["key"] == "again-1"
    page = shell.told("list", "--limit", "3")
    assert len(page["items"]) == 3
    assert len(shell.told("list", "--cursor", page["next_cursor"])["items"]) == 1


def test_a_killed_command_is_run_again(shell: Shell, connect: Connect) -> None:
    connect(shell.person, "telegram")
    words = published("Killed", "telegram")
    running = shell.began(*words)
    heard(running, lambda line: line.startswith("telegram: "))
    running.kill()
    running.communicate()
    (one,) = shell.told(*words)["publications"]
    assert one["status"] == "published"
    assert len(shell.sandbox.posts(platform="telegram", title="Killed")) == 1


def test_an_interrupted_command_says_that_it_goes_on(shell: Shell, connect: Connect) -> None:
    connect(shell.person, "vk")
    shell.sandbox.fail("vk", "video.save", "quota")  # a wait of hours
    running = shell.began(*published("Interrupted", "vk"), "--json")
    heard(running, lambda line: "waiting" in line)
    running.send_signal(signal.SIGINT)
    told, said = running.communicate(timeout=60)
    (one,) = json.loads(told)["error"]["publications"]
    assert running.returncode == 130
    assert f"clipcast cancel {one['id']}" in said
    assert shell.told("cancel", one["id"])["verdict"] in ("cancelled", "cancel_requested")


def test_a_terminal_shows_a_bar_and_a_table_that_changes(shell: Shell, connect: Connect) -> None:
    connect(shell.person, "telegram")
    ours, theirs = pty.openpty()
    env = environment(**shell.env | RUSSIAN | {"TERM": "xterm", "COLUMNS": "100"})
    running = subprocess.Popen(
        (*COMMAND, *published("Привет", "telegram")), env=env, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    seen = b""
    try:
        while piece := os.read(ours, 4096):
            seen += piece
    except OSError:  # the other end is closed
        pass
    os.close(ours)
    assert running.wait(timeout=60) == 0
    shown = seen.decode()
    assert "отправка файла" in shown
    assert "━" in shown
    assert "publishing" in shown
    assert re.search(r"published  https://t.me/\w+/1\r\n", shown)


def test_a_scheduled_one_is_called_off(shell: Shell, connect: Connect) -> None:
    connect(shell.person, "telegram")
    at = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    (one,) = shell.told(*published("Later", "telegram"), "--at", at)["publications"]
    assert one["status"] == "scheduled"
    assert shell.told("cancel", one["id"])["verdict"] == "cancelled"
    done = shell.run("retry", one["id"], "--json", **RUSSIAN)
    assert (done.code, done.document["error"]["code"]) == (1, "not_retryable")
    assert "Повторить можно только неудавшуюся" in done.err


def test_a_failed_one_is_tried_again(shell: Shell, connect: Connect) -> None:
    connect(shell.person, "vk")
    shell.sandbox.fail("vk", "video.save", "unknown_error", times=4)
    done = shell.run(*published("Failing", "vk"), "--json")
    (one,) = done.document["publications"]
    assert (done.code, one["status"]) == (1, "failed")
    assert f"clipcast retry {one['id']}" in done.err
    assert shell.told("retry", one["id"])["status"] == "published"
    late = shell.run("cancel", one["id"])
    assert (late.code, late.err) == (
        1,
        "Too late: the publication has ended or needs a decision.\n",
    )


def test_an_uncertain_one_is_resolved(shell: Shell, connect: Connect) -> None:
    connect(shell.person, "telegram")
    shell.sandbox.fail("telegram", "sendVideo", "timeout_after")
    done = shell.run(*published("Doubt", "telegram"), "--json")
    (one,) = done.document["publications"]
    assert (done.code, one["status"]) == (1, "uncertain")
    assert f"clipcast resolve {one['id']}" in done.err
    (post,) = shell.sandbox.posts(platform="telegram", title="Doubt")
    words = ("resolve", one["id"], "published", "--url", post["url"], "--post-id", post["post_id"])
    assert shell.told(*words)["url"] == post["url"]


def test_numbers_are_shown_and_none_made_up(shell: Shell, connect: Connect) -> None:
    connect(shell.person, "vk")
    connect(shell.person, "telegram")
    vk, telegram = shell.told(*published("Counted", "vk", "telegram"))["publications"]
    ids = [vk["id"], telegram["id"]]
    shell.person.watch(ids, seconds=60, until=lambda one: one["stats"] is not None)
    assert shell.told("stats", vk["id"])["samples"][0]["views"] is not None
    assert shell.run("stats", telegram["id"]).out == "telegram: no statistics\n"
    assert "статистика недоступна" in shell.run("list", **RUSSIAN).out
    items = shell.told("stats", "--by", "platform")["items"]
    views = {one["key"]: one["views"] for one in items}
    assert views["telegram"] is None
    assert views["vk"] is not None
    head, sample, *_ = shell.run("stats", "--csv").out.splitlines()
    assert head.startswith("publication_id,platform")
    assert sample.startswith(f"{vk['id']},vk,")


def test_a_hostile_title_reaches_no_terminal(shell: Shell, connect: Connect) -> None:
    connect(shell.person, "vk")
    (one,) = shell.told(*published(HOSTILE, "vk"))["publications"]
    assert one["title"] == HOSTILE
    for words in ("show", one["id"]), ("list", "--json"):
        done = shell.run(*words)
        assert "[red]not red[/red]" in done.out
        assert not set(done.out + done.err) & set("\x1b\x07\x9b\u202e")
