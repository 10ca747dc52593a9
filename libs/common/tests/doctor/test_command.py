"""The doctor's answer: every wrong setting by name, all other lines all the same, no secret."""

import argparse
import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from common.doctor import command
from common.doctor.finding import Check, Finding, ask_all
from common.neighbours import NeighbourSettings
from common.settings import Settings, read
from platforms.settings import PlatformUrls

CANARY = "canary-5b1f9c07d2e4"
GOOD = {
    "DATABASE_URL": f"postgresql://x:{CANARY}@127.0.0.1:1/x",
    "RABBITMQ_URL": f"amqp://x:{CANARY}@127.0.0.1:1/x",
    "REDIS_URL": f"redis://:{CANARY}@127.0.0.1:1/0",
    "SERVICE_TOKENS": f"publisher={CANARY}-and-so-on-to-32-signs",
    "AUTH_JWT_SECRET": f"{CANARY}-0123456789abcdef-long",
}


class Own(NeighbourSettings):
    """A service's settings."""

    service = "publisher"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)


async def _leaks(settings: Settings) -> AsyncIterator[Finding]:
    yield Finding("before", True, "this was found before the error")
    raise ConnectionError(settings.database_url.get_secret_value())


async def _fine(_settings: Settings) -> AsyncIterator[Finding]:
    yield Finding("fine", True, "it is")


LEAKS: Check[Settings] = Check("leaks", _leaks, ("database_url",), "mend the database")
FINE: Check[Settings] = Check("fine", _fine, ("redis_url",), "")


def run(*checks: Check[Settings], as_json: bool = True) -> int:
    chosen = argparse.Namespace(json=as_json)
    return command.run("publisher", Own, (PlatformUrls,), checks, chosen)


def told(capsys: pytest.CaptureFixture[str]) -> dict[str, dict[str, object]]:
    answer = json.loads(capsys.readouterr().out)
    assert set(answer) == {"service", "checks"}
    assert answer["service"] == "publisher"
    for one in answer["checks"]:
        assert set(one) == {"name", "ok", "detail", "mend"}
    return {one["name"]: one for one in answer["checks"]}


def test_all_is_well(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(FINE) == 0
    assert {name: one["ok"] for name, one in told(capsys).items()} == {
        "settings": True,
        "production": True,
        "fine": True,
    }


def test_every_wrong_setting_is_told_by_its_name_and_stops_no_other_check(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.delenv("DATABASE_URL")
    monkeypatch.setenv("AUTH_JWT_SECRET", f"changeme-{CANARY}-changeme-changeme")
    monkeypatch.setenv("HTTP_PORT", CANARY)
    monkeypatch.setenv("ENVIRONMENT", "prod")
    monkeypatch.setenv("CORS_ORIGINS", "*")
    monkeypatch.delenv("SERVICE_TOKENS")
    monkeypatch.setenv("SERVICE_TOKENS_FILE", str(tmp_path / "missing"))
    monkeypatch.setenv("VK_API_URL", "api.vk.com")
    assert run(LEAKS, FINE) == 1
    found = told(capsys)
    wrong = {name.removeprefix("settings: ") for name in found if name.startswith("settings: ")}
    assert wrong == {
        "DATABASE_URL",
        "AUTH_JWT_SECRET",
        "HTTP_PORT",
        "ENVIRONMENT",
        "CORS_ORIGINS",
        "SERVICE_TOKENS_FILE",
        "VK_API_URL",
    }
    assert "openssl rand -hex 32" in str(found["settings: AUTH_JWT_SECRET"]["mend"])
    assert found["fine"]["ok"] is True
    assert found["leaks"]["ok"] is None
    assert "DATABASE_URL" in str(found["leaks"]["detail"])
    assert CANARY not in json.dumps(found)


def test_what_is_right_can_be_used_while_something_else_is_wrong(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTP_PORT", "none")
    monkeypatch.setenv("BUS_RETRY_DELAYS", "1s,2s")
    settings, wrong = read(Own)
    assert [one.name for one in wrong] == ["HTTP_PORT"]
    assert settings.redis_url.get_secret_value() == GOOD["REDIS_URL"]
    assert [one.total_seconds() for one in settings.bus_retry_delays] == [1, 2]
    assert settings.gateway()


@pytest.mark.parametrize("as_json", [True, False])
def test_an_error_is_told_without_its_text(
    capsys: pytest.CaptureFixture[str], as_json: bool
) -> None:
    assert run(LEAKS, as_json=as_json) == 1
    shown = capsys.readouterr()
    assert "this was found before the error" in shown.out
    assert "ConnectionError" in shown.out
    assert CANARY not in shown.out + shown.err


def test_a_person_gets_a_line_each_and_below_it_how_to_mend(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(LEAKS, FINE, as_json=False) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "publisher:"
    assert lines[-3:] == ["✗ leaks: ConnectionError", "    mend the database", "✓ fine: it is"]


def test_no_line_moves_the_terminal() -> None:
    odd = Finding("a\nb", False, "\x1b[2Jgone\u2028\u202e", "\r\x07")
    assert odd.line() == "✗ a\\nb: \\x1b[2Jgone\\u2028\\u202e\n    \\r\\x07"


@pytest.mark.parametrize(
    ("finding", "well"),
    [
        (Finding("n", True, "d", "mend"), True),
        (Finding("n", False, "d"), False),
        (Finding("n", None, "d"), True),
        (Finding("n", None, "d", "mend"), False),
    ],
)
def test_what_could_not_be_asked_counts_only_when_it_can_be_mended(
    finding: Finding, well: bool
) -> None:
    assert finding.well is well


@pytest.mark.anyio
async def test_a_check_is_given_up_after_five_seconds_and_holds_up_no_other() -> None:
    async def hangs(_settings: Settings) -> AsyncIterator[Finding]:
        while True:
            await never.acquire()
        yield

    never = asyncio.Semaphore(0)
    slow: Check[Settings] = Check("slow", hangs, (), "look why")
    settings, _ = read(Own)
    silent, fine = await ask_all((slow, FINE), settings, ())
    assert (silent.ok, silent.detail, silent.mend) == (False, "no answer within 5 s", "look why")
    assert fine.ok


@pytest.mark.parametrize(
    ("name", "value", "line"),
    [
        ("METRICS_PORT", "", "metrics"),
        ("CORS_ORIGINS", "https://a.example.org,http://b.example.org", "CORS_ORIGINS"),
    ],
)
def test_production_asks_for_more(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
    value: str,
    line: str,
) -> None:
    monkeypatch.setenv("ENVIRONMENT", "production")
    monkeypatch.setenv("METRICS_PORT", "9000")
    monkeypatch.setenv("CORS_ORIGINS", "https://a.example.org")
    assert run() == 0
    capsys.readouterr()
    monkeypatch.setenv(name, value)
    assert run() == 1
    found = told(capsys)
    assert {one for one in found if found[one]["ok"] is False} == {line}
    assert found[line]["mend"]
