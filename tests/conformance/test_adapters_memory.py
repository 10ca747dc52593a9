"""Uploads stream: a file of 192 MiB raises our peak memory by less than 64 MiB."""

from pathlib import Path

import pytest

from common.contracts.words import Platform
from conformance.adapter_kit import Walk
from conformance.sandbox_process import Sandbox

pytestmark = pytest.mark.anyio

MIB = 1024 * 1024
FILE = 192 * MIB
BOUND = 64 * MIB


def peak() -> int:
    """The highest resident memory of this process since it was last forgotten."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024


def forget_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5")


@pytest.mark.parametrize("platform", [Platform.DZEN], indirect=True)
async def test_memory_does_not_grow_with_the_file(walk: Walk, sandbox: Sandbox) -> None:
    walk.clip.padding = FILE - len(walk.clip.content)
    draft, upload, publish, processed = walk.adapter.publishing.steps()
    await walk.take(draft)
    forget_peak()
    before = peak()
    await walk.take(upload)
    grown = peak() - before
    for step in (publish, processed):
        await walk.take(step)
    [post] = sandbox.ledger()
    assert (post["bytes"], post["sha256"]) == (FILE, walk.clip.sha256)
    assert walk.sent[-1] == FILE
    assert grown < BOUND, f"{grown / MIB:.1f} MiB"
