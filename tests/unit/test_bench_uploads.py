"""The bench of uploads: its sink counts what comes, and its ratios are those of neighbours."""

import os
import subprocess
from pathlib import Path

import httpx
import pytest
from bench.sinks.certificate import certificate
from bench.sinks.memory import forget_peak, peak
from bench.sinks.running import NotMeasured, curl, curl_upload, sink, told, uploaded
from bench.sinks.uploader import Asked

KEY = "u/bench/clip.mp4"
SIZE = 3 * 1024 * 1024 + 5


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / KEY
    path.parent.mkdir(parents=True)
    path.write_bytes(os.urandom(SIZE))
    return path


@pytest.fixture
def trusted(tmp_path: Path) -> Path:
    return certificate(tmp_path / "sink.pem")


def test_both_sides_upload_the_same_file_into_the_same_sink(
    tmp_path: Path, file: Path, trusted: Path
) -> None:
    with sink(tls=trusted, rate=50_000_000) as taking:
        asked = Asked(
            url=taking.url,
            store=str(tmp_path),
            keys=[KEY, KEY],
            warm=KEY,
            certificate=str(trusted),
            watch=True,
        )
        ours = uploaded(asked)
        taken = [taking.receipt() for _ in range(3)]
        cpu = curl_upload(file, taking, trusted)
        taken.append(taking.receipt())
    assert [one["bytes"] for one in taken] == [SIZE] * 4
    assert min(one["seconds"] for one in taken) > 0
    assert min(ours["seconds"], ours["cpu"], cpu) > 0
    assert set(ours["lag_ms"]) == {"p50", "p99", "max"}


def test_an_idle_loop_is_looked_at_too(tmp_path: Path) -> None:
    asked = Asked(url="http://unused", store=str(tmp_path), keys=[], watch=True, idle_seconds=0.1)
    assert "lag_ms" in uploaded(asked)


def test_the_link_that_rutube_fetches_gives_the_whole_file(tmp_path: Path, file: Path) -> None:
    with told("bench.sinks.serving", str(tmp_path), KEY) as (first, _):
        answer = httpx.get(first["link"], trust_env=False)
    assert (answer.status_code, answer.content) == (200, file.read_bytes())


def test_what_failed_is_not_measured(tmp_path: Path, trusted: Path) -> None:
    with pytest.raises(NotMeasured):
        curl(f"file://{tmp_path}/none")
    with sink() as taking, pytest.raises(NotMeasured, match="curl"):
        curl_upload(tmp_path / "none", taking, trusted)
    with sink() as taking:
        subprocess.run(["curl", "--silent", "--max-time", "5", f"{taking.url}/"], check=False)
        with pytest.raises(NotMeasured, match="Content-Length"):
            taking.receipt()


def test_a_peak_is_counted_anew() -> None:
    large = bytearray(64 * 1024 * 1024)
    high = peak()
    del large
    assert forget_peak() <= high - 32 * 1024 * 1024
