"""A gateway that goes away in the middle: asked again under the same key, watched on when back."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cli import gateways
from cli.app import main
from support.command import clipcast
from support.played_gateway import Gateway, playing

PROXY: dict[str, Any] = {}
LATER = (503, {"code": "service_unavailable", "detail": "Later."})
EXPIRED = (401, {"code": "unauthorized", "detail": "The token has expired."})
Publish = Callable[[], tuple[int, dict[str, Any], str]]


@pytest.fixture
def gateway(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gateway]:
    with playing() as found:
        monkeypatch.setenv("LC_ALL", "en_US.UTF-8")
        monkeypatch.setenv("CLIPCAST_PUBLISHER_URL", found.url)
        monkeypatch.setenv("CLIPCAST_TOKEN", "demo")
        yield found


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    path = tmp_path / "clip.mp4"
    path.write_bytes(b"\0\0\0\x18ftypisom")
    return path


@pytest.fixture
def publish(
    clip: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Publish:
    words = ["clipcast", "publish", str(clip), "--to", "vk", "--title", "x", "--json"]

    def run() -> tuple[int, dict[str, Any], str]:
        monkeypatch.setattr("sys.argv", words)
        code = main()
        said = capsys.readouterr()
        return code, json.loads(said.out), said.err

    return run


def test_what_may_have_been_done_is_asked_for_again_under_its_key(
    gateway: Gateway, clip: Path
) -> None:
    gateway.failing = {"POST": [(0, {})], "GET": [LATER]}
    words = ("publish", str(clip), "--to", "vk", "--title", "x", "--json")
    done = clipcast(*words, env={"CLIPCAST_PUBLISHER_URL": gateway.url, "CLIPCAST_TOKEN": "demo"})
    assert done.code == 0, done.err
    assert done.document["publications"][0]["url"] == "https://vk.ru/1"
    first, second = gateway.posts
    assert first == second
    assert first[0] == done.document["key"]
    assert gateway.failing["GET"] == []


@pytest.mark.parametrize("status", [502, 503, 504])
def test_a_proxy_that_got_no_answer_may_have_passed_it_on(
    gateway: Gateway, publish: Publish, status: int
) -> None:
    gateway.failing = {"POST": [(status, PROXY)]}
    code, told, _ = publish()
    assert code == 0
    first, second = gateway.posts
    assert first == second
    assert first[0] == told["key"]


def test_without_any_answer_the_same_command_is_said_to_be_safe(
    gateway: Gateway, publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateways, "TRIES", 2)
    gateway.failing = {"POST": [(502, PROXY)] * 2}
    code, told, said = publish()
    assert (code, told["error"]["code"]) == (3, "no_answer")
    ((key, _), *_) = gateway.posts
    assert "The same command goes on and posts nothing twice" in told["error"]["detail"]
    assert f"Key: {key}" in told["error"]["detail"]
    assert "--publisher-url" not in said
    assert publish()[0] == 0
    assert len(gateway.rows) == 1


def test_a_token_that_expires_while_waiting_loses_no_ids(
    gateway: Gateway, publish: Publish
) -> None:
    gateway.failing = {"GET": [EXPIRED]}
    code, told, said = publish()
    assert (code, told["error"]["code"]) == (3, "unauthorized")
    (one,) = gateway.rows
    assert [row["id"] for row in told["error"]["publications"]] == [one["id"]]
    assert f"clipcast cancel {one['id']}" in said
