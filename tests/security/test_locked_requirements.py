"""What is installed is what was locked, byte by byte, wherever it is fetched from (D1)."""

import hashlib
import re
import subprocess
import sys
import zipfile
from importlib import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOCKS = {
    "requirements.lock": "requirements/run.in",
    "requirements-dev.lock": "requirements/dev.in",
    "tests/conformance/requirements.lock": "requirements/conformance.in",
}
PINNED = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[\w,-]+\])?==(\S+)(?: ; [^\\]+)? \\$")
HASH = re.compile(r"^    --hash=sha256:[0-9a-f]{64}(?: \\)?$")


def blocks(lock: str) -> list[list[str]]:
    """Lines of each package: its pin, its hashes, its comments."""
    found: list[list[str]] = []
    for line in (ROOT / lock).read_text().splitlines():
        if not line.startswith((" ", "#")):
            found.append([])
        found[-1].append(line)
    return found


def pins(lock: str) -> dict[str, str]:
    """Package → version."""
    matches = [PINNED.match(block[0]) for block in blocks(lock)]
    return {_name(one[1]): one[2] for one in matches if one}


def wanted(requirements: str) -> set[str]:
    """What a person wrote down."""
    lines = (ROOT / requirements).read_text().splitlines()
    return {_name(re.split(r"[\[<>=~! ;]", one)[0]) for one in lines if one[:1].isalpha()}


def _name(text: str) -> str:
    return re.sub(r"[-_.]+", "-", text).lower()


@pytest.mark.parametrize("lock", LOCKS)
def test_d1_everything_is_pinned_by_version_and_hash(lock: str) -> None:
    for first, *rest in blocks(lock):
        assert PINNED.match(first), first
        hashes = [line for line in rest if "--hash" in line]
        assert hashes, first
        assert all(HASH.match(line) for line in hashes), first


@pytest.mark.parametrize("lock", LOCKS)
def test_d1_no_lock_names_a_place_to_download_from(lock: str) -> None:
    assert not re.search(r"https?:|git\+|file:|index-url|find-links| @ ", (ROOT / lock).read_text())


@pytest.mark.parametrize(("lock", "requirements"), LOCKS.items())
def test_d1_a_lock_has_what_was_asked_for(lock: str, requirements: str) -> None:
    """And each names what it is there for; uv compares the rest where there is a network."""
    locked = pins(lock)
    assert wanted(requirements) <= set(locked)
    for first, *rest in blocks(lock):
        assert any("# via" in line for line in rest), first
        asked = {line.rpartition("-r ")[2].strip() for line in rest if "-r requirements/" in line}
        name = _name(re.split(r"[=\[]", first)[0])
        assert requirements not in asked or name in wanted(requirements), first


def test_d1_tests_run_against_the_versions_that_are_delivered() -> None:
    run, dev = pins("requirements.lock"), pins("requirements-dev.lock")
    assert {name: dev[name] for name in run} == run


def test_d1_what_runs_here_is_what_was_locked() -> None:
    installed = {_name(one.name): one.version for one in metadata.distributions()}
    locked = pins("requirements-dev.lock")
    assert {n: v for n, v in locked.items() if installed.get(n, v) != v} == {}
    assert len(locked.keys() & installed.keys()) > 50


@pytest.mark.parametrize("place", ["deploy/local/make-venv.sh", "deploy/compose/Dockerfile"])
def test_d1_whatever_installs_checks_the_hashes(place: str) -> None:
    lines = (ROOT / place).read_text().splitlines()
    installs = [line for line in lines if re.search(r"\bpip\b.* install\b", line)]
    assert installs
    assert all("--require-hashes" in line for line in installs)


@pytest.mark.parametrize("changed", [False, True])
def test_d1_a_changed_hash_ends_the_installation(tmp_path: Path, *, changed: bool) -> None:
    wheel = tmp_path / "tiny-1.0-py3-none-any.whl"
    about = "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n"
    with zipfile.ZipFile(wheel, "w") as file:
        file.writestr("tiny-1.0.dist-info/METADATA", about)
        file.writestr("tiny-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        file.writestr("tiny-1.0.dist-info/RECORD", "")
    locked = hashlib.sha256(b"another" if changed else wheel.read_bytes()).hexdigest()
    lock = tmp_path / "requirements.lock"
    lock.write_text(f"tiny==1.0 \\\n    --hash=sha256:{locked}\n")
    words = ("--no-index", "--find-links", tmp_path, "--require-hashes", "--dry-run", "-r", lock)
    command = [sys.executable, "-m", "pip", "install", "--isolated", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode != 0) == changed
    assert ("DO NOT MATCH THE HASHES" in done.stderr) == changed
