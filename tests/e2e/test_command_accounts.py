"""The `clipcast` command beside publishing: accounts, and what operators run."""

import json
import secrets
import subprocess
from pathlib import Path

from e2e.shell import RUSSIAN, Shell, heard, published
from localrun.environment import TREE
from stack import Stack
from support.command import COMMAND


def test_accounts_are_connected_listed_and_disconnected(shell: Shell, tmp_path: Path) -> None:
    bot, rutube = shell.sandbox.account("telegram"), shell.sandbox.account("rutube")
    file = tmp_path / "token"
    file.write_text(rutube["token"])
    asked = shell.run("connect", "telegram", "--channel", bot["channel"], typed=bot["token"])
    assert asked.code == 0
    assert bot["token"] not in asked.out + asked.err
    rutube_id = shell.told("connect", "rutube", "--token-file", str(file))["id"]
    assert shell.told("disconnect", rutube_id, "--yes") == {"disconnected": rutube_id}
    listed = shell.run("accounts").out
    assert "telegram" in listed
    assert rutube_id not in listed


def test_an_account_is_connected_by_consent_from_a_server(shell: Shell) -> None:
    """The address goes to any browser; what that ends with is pasted."""
    account = shell.sandbox.account("dzen")["account"]
    running = shell.began("connect", "dzen", "--json")
    url = heard(running, lambda line: line.startswith("http"))
    landed = shell.person.consent(url, account=account)
    pasted = f"https://product.example/accounts?platform=dzen&finish={landed['finish']}\n"
    told, _ = running.communicate(pasted, timeout=60)
    assert running.returncode == 0
    assert json.loads(told)["experimental"] is True
    assert "dzen (experimental)" in shell.run("accounts").out


def test_consent_can_be_given_between_two_commands(shell: Shell) -> None:
    account = shell.sandbox.account("vk")["account"]
    url = shell.told("connect", "vk", "--begin")["authorize_url"]
    landed = shell.person.consent(url, account=account)
    assert shell.told("connect", "vk", "--finish", landed["finish"])["platform"] == "vk"


def test_operators_pause_and_resume(shell: Shell, stack: Stack) -> None:
    """With a token of `make token ROLE=operator`."""
    script = TREE / "deploy/local/stack.py"
    words = ("token", "--home", str(stack.home), "--user", "olga", "--role", "operator")
    token = subprocess.run(
        (COMMAND[0], str(script), *words), capture_output=True, text=True, check=True
    ).stdout.strip()
    operator = Shell(shell.env | {"CLIPCAST_TOKEN": token}, shell.person, shell.sandbox)
    wanted = ("user", f"user-{secrets.token_hex(6)}")
    paused = operator.told("pause", *wanted, "--reason", "asked by phone")["items"]
    assert (*wanted, "olga", "asked by phone") in [
        (one["scope"], one["id"], one["paused_by"], one["reason"]) for one in paused
    ]
    left = operator.told("resume", *wanted, "--reason", "settled")["items"]
    assert wanted not in [(one["scope"], one["id"]) for one in left]
    assert operator.run("resume", *wanted).code == 1
    refused = shell.run("pauses", **RUSSIAN)
    assert refused.code == 3
    assert "Только для операторов" in refused.err


def test_ops_look_at_dead_letters_and_health(stack: Stack, shell: Shell) -> None:
    own = stack.members["publisher-http"]._env
    dead = shell.run("dead", "publisher", "list", **own)
    assert (dead.code, dead.out) == (0, "no dead letters\n")
    found = shell.run("doctor", "publisher", "--json", **own).document["checks"]
    ready = [one for one in found if one["check"] == "readyz"]
    assert [(one["service"], one["ok"]) for one in ready] == [("publisher", True)]
    assert ("database", True) in [(one["check"], one["ok"]) for one in found]


def test_a_refusal_says_what_to_do_in_the_callers_language(shell: Shell, stack: Stack) -> None:
    words = published("Nowhere", "vk", "dzen")
    done = shell.run(*words, "--json", **RUSSIAN)
    assert (done.code, done.document["error"]["code"]) == (1, "not_connected")
    assert "--to [2] platform: Аккаунт этой платформы не подключён" in done.err
    stranger = shell.run("list", CLIPCAST_TOKEN="forged")
    assert stranger.code == 3
    assert "make token" in stranger.err
    free = shell.run("connect", "vk", CLIPCAST_TOKEN=stack.token("frieda", "free"))
    assert (free.code, free.out) == (3, "")
    assert "plan" in free.err
