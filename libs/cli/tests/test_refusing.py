"""A command line that can't be meant, and settings that can't be used: said in both languages."""

import io
import json
import sys

import pytest

from cli.app import main
from support.nowhere import HTTP
from support.same_answer import answering

ACCOUNT = "01a206a7-37e4-7ea0-9c2d-ea8020028748"


@pytest.mark.parametrize(
    ("words", "english", "russian"),
    [
        (["publish", "no.mp4", "--to", "vk", "--title", "x"], "no file no.mp4", "Нет файла no.mp4"),
        (["publish", "no.mp4", "--title", "x"], "Missing option '--to'", "Не хватает ключа '--to'"),
        (["list", "--from", "monday"], "offset from UTC", "смещением от UTC"),
        (["list", "--status", "gone"], "Invalid value", "Неверное значение"),
        (["show", "1"], "Name an id", "Нужен id"),
        (["lisst"], "No such command", "Нет такой команды"),
        (["accounts", "--all"], "No such option: --all", "Нет такого ключа: --all"),
        (["pause", "platform", "ok"], "The platforms are", "Площадки"),
        (["--token-file", "none", "accounts"], "can't be read", "Не читается"),
        (["resolve", ACCOUNT, "failed", "--url", "x"], "no post", "нет поста"),
        (["stats", ACCOUNT, "--csv"], "--csv tells all", "--csv даёт всё"),
        (["stats", "--csv", "--from", "2026-12-01"], "--from does not", "--from сюда не"),
        (["stats", ACCOUNT, "--to", "2026-12-01", "--by", "day"], "--by, --to", "--by, --to"),
        (["stats", "--resolution", "day"], "--resolution does not", "--resolution сюда не"),
        (["publish", __file__, "--to", "vk", "--title", "x", "--key", "ключ"], "A key is", "Ключ:"),
    ],
)
def test_wrong_usage_is_explained(
    words: list[str],
    english: str,
    russian: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("CLIPCAST_CONNECTIONS_URL", HTTP)
    monkeypatch.setattr(sys, "argv", ["clipcast", *words, "--json"])
    for language, sentence in (("en_US.UTF-8", english), ("ru_RU.UTF-8", russian)):
        monkeypatch.setenv("LC_ALL", language)
        assert main() == 2
        said = capsys.readouterr()
        assert sentence in said.err
        assert json.loads(said.out)["error"]["code"] == "usage"


def test_a_strange_answer_ends_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LC_ALL", "en_US.UTF-8")
    with answering(b'{"hello": "world"}') as url:
        monkeypatch.setenv("CLIPCAST_PUBLISHER_URL", url)
        monkeypatch.setattr(sys, "argv", ["clipcast", "list", "--json"])
        assert main() == 1
    said = capsys.readouterr()
    assert "could not cope (KeyError: 'items')" in said.err
    assert json.loads(said.out)["error"]["code"] == "unforeseen"


def test_a_proxy_s_page_is_no_gateway(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LC_ALL", "en_US.UTF-8")
    with answering(b"<html>Welcome</html>") as url:
        monkeypatch.setenv("CLIPCAST_PUBLISHER_URL", url)
        monkeypatch.setattr(sys, "argv", ["clipcast", "list"])
        assert main() == 3
    assert "(200) is not publisher" in capsys.readouterr().err


def test_a_disconnect_is_confirmed_first(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CLIPCAST_CONNECTIONS_URL", HTTP)  # where it would fail with 3
    monkeypatch.setattr(sys, "argv", ["clipcast", "disconnect", ACCOUNT])
    assert main() == 2
    assert "--yes" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("status", "headers"),
    [
        (302, {"Location": "/login", "Content_Type": "text/csv"}),
        (200, {"Content_Type": "text/html"}),
        (200, {}),
    ],
)
def test_a_login_page_is_no_csv(
    status: int,
    headers: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("LC_ALL", "en_US.UTF-8")
    with answering(b"<html>Log in</html>", status, **headers) as url:
        monkeypatch.setenv("CLIPCAST_STATS_COLLECTOR_URL", url)
        monkeypatch.setattr(sys, "argv", ["clipcast", "stats", "--csv"])
        assert main() == 3
    said = capsys.readouterr()
    assert said.out == ""
    assert f"({status}) is not stats-collector" in said.err


def test_a_csv_is_passed_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with answering(b"at,views\n", Content_Type="text/csv; charset=utf-8") as url:
        monkeypatch.setenv("CLIPCAST_STATS_COLLECTOR_URL", url)
        monkeypatch.setattr(sys, "argv", ["clipcast", "stats", "--csv"])
        assert main() == 0
    assert capsys.readouterr().out == "at,views\n"


def test_a_pause_is_shown_with_its_reason(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    one = {"scope": "connection", "id": ACCOUNT, "paused_by": "burst", "created_at": None}
    told = {"items": [one | {"reason": "61 within an hour"}, one | {"reason": None}]}
    with answering(json.dumps(told).encode()) as url:
        monkeypatch.setenv("CLIPCAST_PUBLISHER_URL", url)
        monkeypatch.setattr(sys, "argv", ["clipcast", "pauses"])
        assert main() == 0
    assert "61 within an hour" in capsys.readouterr().out


@pytest.mark.parametrize(("platform", "takes"), [("rutube", True), ("telegram", False)])
def test_a_platform_s_token_is_sent_to_no_other(
    platform: str,
    takes: bool,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """One name for both would give Telegram the token of Rutube."""
    known = {"items": [{"platform": platform, "connect": "token"}]}
    monkeypatch.setenv("CLIPCAST_RUTUBE_TOKEN", "r-1")
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    with answering(json.dumps(known).encode()) as url:
        monkeypatch.setenv("CLIPCAST_CONNECTIONS_URL", url)
        words = ["clipcast", "connect", platform, "--channel", "@x"]
        monkeypatch.setattr(sys, "argv", words)
        assert main() == (3 if takes else 2)  # the played gateway takes no POST
    assert (f"CLIPCAST_{platform.upper()}_TOKEN" in capsys.readouterr().err) is not takes
