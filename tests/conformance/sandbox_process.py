"""The sandbox as a process of its own, and its control plane."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from localrun.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
PROCESSING = 0.3
START = 20.0


class Sandbox:
    """One running sandbox."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.control = httpx.Client(base_url=url, trust_env=False, timeout=10)

    def reset(self) -> None:
        self.control.delete("/_state").raise_for_status()

    def account(self, platform: str, **overrides: Any) -> dict[str, Any]:
        order = {"platform": platform, **overrides}
        made: dict[str, Any] = self.control.post("/_accounts", json=order).raise_for_status().json()
        return made

    def fail(self, platform: str, step: str, kind: str, times: int = 1, **more: Any) -> None:
        order = {"platform": platform, "step": step, "kind": kind, "times": times, **more}
        answer = self.control.post("/_faults", json=order)
        assert answer.status_code == 201, answer.text

    def switch(self, **values: bool) -> None:
        self.control.post("/_switches", json=values).raise_for_status()

    def consent(self, **order: Any) -> None:
        self.control.post("/_consent", json=order).raise_for_status()

    def ledger(self) -> list[dict[str, Any]]:
        """Posts that exist."""
        posts: list[dict[str, Any]] = self.control.get("/_ledger").json()
        return [post for post in posts if post["deleted_at"] is None]

    def journal(self) -> list[dict[str, Any]]:
        entries: list[dict[str, Any]] = self.control.get("/_journal").json()
        return entries


@contextmanager
def running(**settings: str) -> Iterator[Sandbox]:
    port = free_port()
    env = {
        **os.environ,
        "PYTHONPATH": str(ROOT / "services/sandbox/src"),
        "HTTP_PORT": str(port),
        "PROCESSING_SECONDS": str(PROCESSING),
        "SANDBOX_CONSENT": "allow",
        "DZEN_CALLS_PER_SECOND": "0",
        **settings,
    }
    process = subprocess.Popen([sys.executable, "-m", "sandbox", "http"], env=env)
    sandbox = Sandbox(f"http://127.0.0.1:{port}")
    try:
        _wait_until_healthy(sandbox, process)
        yield sandbox
    finally:
        sandbox.control.close()
        process.terminate()
        process.wait(10)


def _wait_until_healthy(sandbox: Sandbox, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + START
    while time.monotonic() < deadline:
        assert process.poll() is None, "the sandbox did not start"
        try:
            if sandbox.control.get("/healthz").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.05)
    raise TimeoutError("the sandbox is not healthy")
