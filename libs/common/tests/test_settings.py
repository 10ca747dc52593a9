"""Settings from files: one that can't be read ends the process with a line that names it."""

from pathlib import Path

import pytest

from common.settings import Settings, load

GOOD = {
    "DATABASE_URL": "postgresql://x@127.0.0.1:1/x",
    "RABBITMQ_URL": "amqp://x:y@127.0.0.1:1",
    "REDIS_URL": "redis://127.0.0.1:1",
}


@pytest.fixture(autouse=True)
def _good(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)


def test_a_value_may_stand_in_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "issuer").write_text("https://host.example.org\n")
    monkeypatch.setenv("AUTH_JWT_ISSUER_FILE", str(tmp_path / "issuer"))
    assert load(Settings).auth_jwt_issuer == "https://host.example.org"


def test_files_that_can_not_be_read_are_named_one_line_each(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00secret")
    monkeypatch.setenv("AUTH_JWT_SECRET_FILE", str(tmp_path / "missing"))
    monkeypatch.setenv("AUTH_JWT_ISSUER_FILE", str(tmp_path))
    monkeypatch.setenv("SERVICE_TOKENS_FILE", str(tmp_path / "binary"))
    with pytest.raises(SystemExit) as end:
        load(Settings)
    assert end.value.code == 2
    lines = capsys.readouterr().err.splitlines()
    assert [line.partition(":")[0] for line in lines] == [
        "AUTH_JWT_SECRET_FILE",
        "AUTH_JWT_ISSUER_FILE",
        "SERVICE_TOKENS_FILE",
    ]
    assert "No such file" in lines[0]
    assert "secret" not in lines[2]


def test_failpoints_are_refused_in_production(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("FAILPOINTS", str(tmp_path))
    assert load(Settings).failpoints == tmp_path
    monkeypatch.setenv("ENVIRONMENT", "production")
    with pytest.raises(SystemExit) as end:
        load(Settings)
    assert end.value.code == 2
    assert capsys.readouterr().err.startswith("FAILPOINTS: ")
    monkeypatch.setenv("FAILPOINTS", "")
    assert load(Settings).failpoints is None


@pytest.mark.parametrize(
    "origins", ["*", "https://a.example,*", "https://a.example/app", "a.example"]
)
def test_d3_an_origin_is_named_exactly(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], origins: str
) -> None:
    monkeypatch.setenv(
        "CORS_ORIGINS", "https://a.example.org,http://[::1]:5173,capacitor://localhost"
    )
    assert len(load(Settings).cors_origins) == 3
    monkeypatch.setenv("CORS_ORIGINS", origins)
    with pytest.raises(SystemExit):
        load(Settings)
    assert capsys.readouterr().err.startswith("CORS_ORIGINS: ")


def test_failpoints_name_a_folder_that_is_there(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("FAILPOINTS", str(tmp_path / "missing"))
    with pytest.raises(SystemExit):
        load(Settings)
    assert capsys.readouterr().err.startswith("FAILPOINTS: ")


@pytest.mark.parametrize("login", ["", "guest:guest@"])
def test_s2_guest_is_refused_in_production(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], login: str
) -> None:
    monkeypatch.setenv("RABBITMQ_URL", f"amqp://{login}127.0.0.1:1")
    assert load(Settings).rabbitmq_url
    monkeypatch.setenv("ENVIRONMENT", "production")
    with pytest.raises(SystemExit):
        load(Settings)
    assert capsys.readouterr().err.startswith("RABBITMQ_URL: Value error, guest may do everything")
