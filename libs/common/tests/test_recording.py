"""Whether spans are recorded is the environment's word, and a collector holds up nobody."""

import asyncio
import os
import socket
import subprocess
import sys

import pytest

from common.observe import trace
from common.observe.otlp import FLUSH_SECONDS, PROTOCOLS
from common.observe.recording import recording, wanted
from localrun.ports import LOOPBACK

pytestmark = pytest.mark.anyio


async def test_without_an_endpoint_nothing_is_loaded_and_no_span_is_made() -> None:
    program = (
        "import sys; from common.observe.recording import recording\n"
        "import publisher.wiring, oauth_gateway.wiring\n"
        "import connections.wiring, stats_collector.wiring\n"
        "with recording('publisher', 'http'): pass\n"
        "heavy = ('opentelemetry.sdk.trace', 'opentelemetry.exporter')\n"
        "print([one for one in sys.modules if one.startswith(heavy)])"
    )
    assert await run(program, {}) == "[]"
    with trace.span("nothing") as span:
        assert span is trace.NOTHING


@pytest.mark.parametrize(
    ("named", "yes"),
    [
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://collector:4318/v1/traces"}, True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": ""}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c", "OTEL_SDK_DISABLED": "true"}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c", "OTEL_TRACES_EXPORTER": "none"}, False),
        ({}, False),
    ],
)
async def test_the_standards_own_variables_decide(
    monkeypatch: pytest.MonkeyPatch, named: dict[str, str], *, yes: bool
) -> None:
    for name in [one for one in os.environ if one.startswith("OTEL_")]:
        monkeypatch.delenv(name)
    for name, value in named.items():
        monkeypatch.setenv(name, value)
    assert wanted() is yes


@pytest.mark.parametrize("name", PROTOCOLS)
async def test_a_protocol_that_is_not_spoken_ends_the_start(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.setenv(name, "grpc")
    with pytest.raises(SystemExit, match=name), recording("a", "b"):
        pass


PATIENT = """
import time
from common.observe import trace
from common.observe.recording import recording
with recording("a", "b"):
    for _ in range(2048):
        with trace.span("last words"):
            pass
    told = time.monotonic()
print(time.monotonic() - told)
"""


async def test_a_collector_that_never_answers_holds_up_no_end() -> None:
    """The SDK itself would go on for twenty seconds: longer than there is left after a drain."""
    with socket.create_server((LOOPBACK, 0)) as silent:
        port = silent.getsockname()[1]
        named = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{LOOPBACK}:{port}"}
        seconds = float(await run(PATIENT, named))
    assert seconds < FLUSH_SECONDS + 10  # it is three; the machine may be busy


async def run(program: str, named: dict[str, str]) -> str:
    """What a process of its own prints."""
    quiet = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", program],
        env=quiet | named | {"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
        timeout=100,
    )
    return done.stdout.strip()
