"""One clip goes to one account once, whatever is changed in the command, unless --key says more."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cli.app import main
from support.played_gateway import Gateway, playing

NOON = ("--at", "2026-12-01T12:00+03:00")
Run = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    with playing() as found:
        yield found


@pytest.fixture
def run(
    gateway: Gateway,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Run:
    monkeypatch.setenv("LC_ALL", "en_US.UTF-8")
    monkeypatch.setenv("CLIPCAST_PUBLISHER_URL", gateway.url)
    monkeypatch.setenv("CLIPCAST_TOKEN", "demo")

    def publish(
        *more: str, to: str = "vk,telegram", title: str = "Run", clip: bytes = b"one"
    ) -> tuple[int, dict[str, Any]]:
        file = tmp_path / "clip.mp4"
        file.write_bytes(clip)
        words = ["publish", str(file), "--to", to, "--title", title, "--json", *more]
        monkeypatch.setattr("sys.argv", ["clipcast", *words])
        code = main()
        return code, json.loads(capsys.readouterr().out)

    return publish


def ids(told: dict[str, Any]) -> dict[str, str]:
    return {one["platform"]: one["id"] for one in told["publications"]}


def refused(answer: tuple[int, dict[str, Any]]) -> tuple[int, str]:
    code, told = answer
    return code, told["error"]["code"]


def test_swapped_targets_are_the_same_wish(gateway: Gateway, run: Run) -> None:
    _, first = run()
    code, again = run(to="telegram,vk")
    assert (code, again["key"], ids(again)) == (0, first["key"], ids(first))
    assert [one["platform"] for one in again["publications"]] == ["telegram", "vk"]
    assert len(gateway.posts) == 1


def test_another_offset_is_the_same_instant(gateway: Gateway, run: Run) -> None:
    _, first = run(*NOON)
    code, again = run("--at", "2026-12-01T09:00:00Z")
    assert (code, again["key"], ids(again)) == (0, first["key"], ids(first))
    assert len(gateway.posts) == 1


@pytest.mark.parametrize("becomes", ["published", "uncertain"])
@pytest.mark.parametrize(
    "change", [{"title": "Ran"}, {"to": "vk,telegram,rutube"}, {"description": "more"}, {"at": "x"}]
)
def test_other_words_about_a_clip_post_it_nowhere_twice(
    gateway: Gateway, run: Run, change: dict[str, str], becomes: str
) -> None:
    gateway.becomes = becomes
    run()
    more: tuple[str, ...] = ("--description", "more") if "description" in change else ()
    more += NOON if "at" in change else ()
    usual = {name: value for name, value in change.items() if name in ("title", "to")}
    code, told = run(*more, **usual)
    assert refused((code, told)) == (1, "duplicate_publication")
    assert {one["id"] for one in told["error"]["publications"]} == {r["id"] for r in gateway.rows}
    assert "clipcast resolve ID" in told["error"]["detail"]
    assert len(gateway.posts) == 1


def test_the_publisher_s_own_refusal_says_what_to_do(gateway: Gateway, run: Run) -> None:
    """What another machine begins in the same moment is not listed yet."""
    gateway.failing = {"POST": [(409, {"code": "duplicate_publication", "detail": "Already."})]}
    code, told = run()
    assert refused((code, told)) == (1, "duplicate_publication")
    assert "clipcast show ID" in told["error"]["detail"]


def test_new_places_alone_are_published_to(gateway: Gateway, run: Run) -> None:
    run(to="vk")
    code, _ = run(to="telegram")
    assert code == 0
    assert [one["platform"] for one in gateway.rows] == ["telegram", "vk"]
    assert len({one["clip_id"] for one in gateway.rows}) == 1


def test_what_failed_bars_nothing(gateway: Gateway, run: Run) -> None:
    gateway.becomes = "failed"
    assert run(to="vk")[0] == 1
    gateway.becomes = "published"
    assert run(to="vk", title="Shorter")[0] == 0


def test_a_key_posts_once_more_and_only_once(gateway: Gateway, run: Run) -> None:
    _, first = run()
    code, more = run("--key", "again")
    assert (code, more["key"]) == (0, "again")
    assert ids(more) != ids(first)
    assert ids(run("--key", "again")[1]) == ids(more)
    assert ids(run()[1]) == ids(first)
    assert len(gateway.posts) == 2


def test_no_key_goes_around_one_that_is_uncertain(gateway: Gateway, run: Run) -> None:
    gateway.becomes = "uncertain"
    run()
    assert refused(run("--key", "again")) == (1, "duplicate_publication")
    assert len(gateway.posts) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"title": "Other"},
        {"to": "vk"},
        {"to": "vk,rutube"},
        {"to": "vk,telegram,rutube"},
        {"clip": b"two"},
        {"more": NOON},
        {"more": ("--description", "more")},
    ],
)
def test_a_key_stands_for_one_wish(gateway: Gateway, run: Run, change: dict[str, Any]) -> None:
    run("--key", "monday")
    words = change.pop("more", ())
    assert refused(run("--key", "monday", *words, **change)) == (1, "idempotency_mismatch")
    assert len(gateway.rows) == 2


def test_a_key_of_another_clip_is_refused_though_this_one_was_posted(
    gateway: Gateway, run: Run
) -> None:
    run(clip=b"two")
    run("--key", "monday")
    assert refused(run("--key", "monday", clip=b"two")) == (1, "idempotency_mismatch")
    assert len(gateway.rows) == 4
