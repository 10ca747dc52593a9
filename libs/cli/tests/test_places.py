"""Addresses and tokens: what was said wins over `make up`, whose token stays at home."""

import json
from pathlib import Path

import pytest
from pydantic import SecretStr

from cli.failures import Failure
from cli.places import Places

UP = {"urls": {"publisher": "http://127.0.0.1:8003/"}, "token": "from-up", "user": "demo"}


@pytest.fixture
def up_file(tmp_path: Path) -> Path:
    path = tmp_path / "up.json"
    path.write_text(json.dumps(UP))
    return path


def places(up_file: Path, url: str | None = None, token: str | None = None) -> Places:
    secret = SecretStr(token) if token else None
    return Places({"publisher": url}, secret, None, up_file)


def test_a_running_make_up_is_found(up_file: Path) -> None:
    found = places(up_file)
    assert found.url("publisher") == "http://127.0.0.1:8003"
    assert found.bearer("publisher") == "from-up"


def test_what_was_said_wins(up_file: Path) -> None:
    found = places(up_file, "https://clips.example", "mine")
    assert (found.url("publisher"), found.bearer("publisher")) == ("https://clips.example", "mine")


def test_the_token_of_make_up_goes_to_no_other_address(up_file: Path) -> None:
    assert places(up_file, "https://clips.example").bearer("publisher") is None


def test_a_token_is_in_no_text_of_the_settings(up_file: Path) -> None:
    assert "mine" not in repr(places(up_file, None, "mine"))


@pytest.mark.parametrize(
    "url",
    [
        "clips.example",
        "ftp://clips.example",
        "http://",
        "http://a:b",
    ],
)
def test_what_is_no_address_is_refused(up_file: Path, url: str) -> None:
    with pytest.raises(Failure) as refused:
        places(up_file, url).url("publisher")
    assert refused.value.exit_code == 2


@pytest.mark.parametrize(
    "url", ["http://me:s3cret@clips.example", "me:s3cret@clips.example", "http://me:s3cret@a:b"]
)
def test_a_refused_address_is_not_shown(up_file: Path, url: str) -> None:
    with pytest.raises(Failure) as refused:
        places(up_file, url).url("publisher")
    told = json.dumps(refused.value.document) + "".join(refused.value.lines)
    assert "CLIPCAST_PUBLISHER_URL" in told
    assert "s3cret" not in told


def test_an_unknown_address_says_how_to_set_it(tmp_path: Path) -> None:
    with pytest.raises(Failure) as refused:
        places(tmp_path / "none.json").url("publisher")
    assert refused.value.exit_code == 3
    assert "CLIPCAST_PUBLISHER_URL" in "".join(refused.value.lines)
