"""Installs what the peers run on, locked by hash, into folders of their own."""

import json
import shutil
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

from localrun.environment import TREE

HOME = TREE / ".local/peers"
"""Kept from one run to the next."""
BIN = HOME / "venv/bin"
NODE = HOME / "node"
OLDEST_NODE = 20
PEERS = TREE / "bench/peers"
PYTHON_LOCK = PEERS / "requirements.lock"
NODE_LOCK = PEERS / "package-lock.json"


def python() -> None:
    """The environment of the peers in Python."""
    environment(HOME / "venv", PYTHON_LOCK)


def environment(where: Path, lock: Path) -> None:
    """One in Python, unless it is there."""
    if _is_new(where, lock):
        return
    _run(sys.executable, "-m", "venv", "--clear", where)
    quiet = ("--quiet", "--disable-pip-version-check")
    _run(where / "bin/pip", "install", *quiet, "--require-hashes", "-r", lock)
    _remember(where, lock)


def node() -> str | None:
    """That of the one on Node, or why it can't be had."""
    if not shutil.which("node") or not shutil.which("npm"):
        return "node or npm is missing"
    version = _told("node", "--version").strip("v\n")
    if int(version.split(".")[0]) < OLDEST_NODE:
        return f"node {version} is older than {OLDEST_NODE}"
    NODE.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json", "bullmq.mjs"):
        shutil.copy(PEERS / name, NODE)
    if not _is_new(NODE, NODE_LOCK):
        # Not `npm ci`: it refuses a lock that lacks optional packages of other machines.
        try:
            _run(
                "npm",
                "install",
                "--ignore-scripts",
                "--no-audit",
                "--no-fund",
                "--silent",
                cwd=NODE,
            )
        except subprocess.CalledProcessError as error:
            return f"npm ended with {error.returncode}"
        _remember(NODE, NODE_LOCK)
    return None


def versions() -> dict[str, str]:
    """What was measured against, as it is installed."""
    asked = {line.partition("[")[0] for line in _lines(PEERS / "requirements.in")}
    pairs = (one.split("==") for one in _told(BIN / "pip", "freeze").splitlines() if "==" in one)
    found = {name: version for name, version in pairs if name in asked}
    if (NODE / ".locked").exists():
        found |= json.loads((PEERS / "package.json").read_text())["dependencies"]
        found["node"] = _told("node", "--version").strip("v\n")
    return found


def _lines(path: Path) -> list[str]:
    return [line for line in path.read_text().splitlines() if line and not line.startswith("#")]


def _is_new(where: Path, lock: Path) -> bool:
    stamp = where / ".locked"
    return stamp.exists() and stamp.read_text() == _hash(lock)


def _remember(where: Path, lock: Path) -> None:
    (where / ".locked").write_text(_hash(lock))


def _hash(lock: Path) -> str:
    return sha256(lock.read_bytes()).hexdigest()


def _run(*words: str | Path, cwd: Path | None = None) -> None:
    subprocess.run(words, cwd=cwd, check=True)  # noqa: S603 - words of ours


def _told(*words: str | Path) -> str:
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout  # noqa: S603 - as above
