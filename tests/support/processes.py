"""A real process of a service, ready before the test goes on and ended after it."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx

from localrun.ports import LOOPBACK, free_port

START_SECONDS = 60.0
END_SECONDS = 20.0


def task(package: str, command: str, settings: Mapping[str, str]) -> None:
    """Run `migrate` or `topology` to its end."""
    subprocess.run([sys.executable, "-m", package, command], env=_env(settings), check=True)


@contextmanager
def process(
    package: str, *words: str, settings: Mapping[str, str], output: Path | None = None
) -> Iterator[str]:
    """Run a process until the block ends; the address of its own HTTP side.

    `output` takes everything it prints; without it that goes where the test's goes.
    """
    port = free_port()
    variable = "HTTP_PORT" if words[0] == "http" else "METRICS_PORT"
    url = f"http://{LOOPBACK}:{port}"
    with ExitStack() as stack:
        printed = stack.enter_context(output.open("wb")) if output else None
        running = subprocess.Popen(
            [sys.executable, "-m", package, *words],
            env=_env({**settings, variable: str(port)}),
            stdout=printed,
            stderr=printed and subprocess.STDOUT,
        )
    try:
        _wait(running, url)
        yield url
    finally:
        running.terminate()
        try:
            running.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            running.kill()
            running.wait()
            raise


def _wait(running: "subprocess.Popen[bytes]", url: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if running.poll() is not None:
            raise RuntimeError(f"it ended while starting, with {running.returncode}")
        try:
            if httpx.get(f"{url}/readyz", trust_env=False).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.05)
    raise TimeoutError("it does not become ready")


def _env(settings: Mapping[str, str]) -> dict[str, str]:
    """Nothing of the caller's environment that could be mistaken for a setting."""
    path = os.pathsep.join(one for one in sys.path if one)
    return {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "PYTHONPATH": path, **settings}
