"""A bad setting stops the process before it listens, and is not printed."""

import os
import secrets
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from common.settings import load
from oauth_gateway.settings import GatewaySettings
from support.real_gateway import environment

GOOD = environment(
    "http://127.0.0.1:1",
    database="postgresql://x@127.0.0.1:1/x",
    rabbitmq="amqp://127.0.0.1:1",
    redis="redis://127.0.0.1:1",
)
STRONG = "8f3a1c7e52d09b6441e5f7a2c93d0b8876fe104cd2ab35997b0e61f8d4c72a53"
Refusal = Callable[..., str]


@pytest.fixture
def refusal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Refusal:
    """What is printed when these settings are changed for the worse."""

    def refuse(**changed: str) -> str:
        for name, value in {**GOOD, **changed}.items():
            monkeypatch.setenv(name, value)
        with pytest.raises(SystemExit) as end:
            load(GatewaySettings)
        assert end.value.code == 2
        return capsys.readouterr().err

    return refuse


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PLATFORM_TOKEN_SECRET", "0123456789abcdef" * 4),
        ("PLATFORM_TOKEN_SECRET", "00" * 32),
        ("PLATFORM_TOKEN_SECRET", "not-hex-" * 8),
        ("PLATFORM_TOKEN_SECRET", STRONG[:-2]),
        ("PLATFORM_TOKEN_SECRET", ""),
        ("PLATFORM_TOKEN_SECRET_PREVIOUS", "ab" * 16),
        ("PLATFORM_TOKEN_SECRET_PREVIOUS", f"{STRONG},{'ab' * 32}"),
        ("PLATFORM_TOKEN_SECRET_PREVIOUS", f"{STRONG},{STRONG}"),
    ],
)
def test_v5_a_bad_secret_is_named_but_not_shown(refusal: Refusal, name: str, value: str) -> None:
    test_a_bad_setting_is_named_but_not_shown(refusal, name, value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SERVICE_TOKENS", "publisher=short"),
        ("RETURN_TO", "default=//evil.example.org"),
        ("RETURN_TO", "wizard=/welcome"),
        ("FRONTEND_URL", "javascript:alert(1)"),
        ("VK_PUBLISH_CLIENT_SECRET", "changeme"),
    ],
)
def test_a_bad_setting_is_named_but_not_shown(refusal: Refusal, name: str, value: str) -> None:
    said = refusal(**{name: value})
    assert said.startswith(f"{name}: ")
    assert not value or value not in said


def test_v5_the_current_secret_is_no_former_one(refusal: Refusal) -> None:
    said = refusal(PLATFORM_TOKEN_SECRET=STRONG, PLATFORM_TOKEN_SECRET_PREVIOUS=STRONG)
    assert said.startswith("PLATFORM_TOKEN_SECRET_PREVIOUS: ")
    assert STRONG not in said


def test_dzen_without_yandex_application_is_refused(refusal: Refusal) -> None:
    assert "YANDEX_CLIENT_SECRET" in refusal(YANDEX_CLIENT_SECRET="")


def test_everything_wrong_is_told_at_once(refusal: Refusal) -> None:
    said = refusal(PLATFORM_TOKEN_SECRET="", VK_PUBLISH_CLIENT_ID="", FRONTEND_URL="")
    assert len(said.splitlines()) == 3


def test_a_secret_may_stand_in_a_file(refusal: Refusal, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(secrets.token_hex(16))  # half as long as it has to be
    said = refusal(PLATFORM_TOKEN_SECRET="", PLATFORM_TOKEN_SECRET_FILE=str(file))
    assert said.startswith("PLATFORM_TOKEN_SECRET: ")
    assert "64 hex" in said


def test_v5_a_process_ends_before_it_listens() -> None:
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-m", "oauth_gateway", "http"],
        env={**env, **GOOD, "PLATFORM_TOKEN_SECRET": "deadbeef" * 8},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert "PLATFORM_TOKEN_SECRET: " in done.stderr
    assert "deadbeef" not in done.stderr + done.stdout
