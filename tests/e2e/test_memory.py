"""Clips of any size go through a publishing worker piece by piece (spec.md §3)."""

import shutil
import struct
from hashlib import file_digest
from pathlib import Path

import pytest
from bench.sinks.certificate import certificate
from bench.sinks.running import sink, uploaded
from bench.sinks.uploader import Asked

from e2e.conftest import CLIP, Connect, Sandbox
from localrun.person import Person
from stack import Stack

MIB = 1 << 20
SIZE, BOUND = 256 * MIB, 64 * MIB
"""The bound is the one for a file of 1 GiB. This one is smaller, but four times the bound: a worker
that kept the file, or grew with it, would be seen."""
WORKER = "publisher-dzen-telegram"
AT_ONCE, EACH, BOUND_OF_ALL = 16, 32 * MIB, 96 * MIB
"""Of each upload at once: the piece on its way, its encrypted copy, what the network has not taken
yet, and the next piece from the store."""


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """The clip and a `free` box, which players skip; the zeros take no room on the disk."""
    path = tmp_path / "large.mp4"
    shutil.copyfile(CLIP, path)
    with path.open("ab") as file:
        file.write(struct.pack(">I4s", SIZE - file.tell(), b"free"))
        file.truncate(SIZE)
    return path


@pytest.mark.timeout(300)
def test_publishing_a_large_file_to_dzen_raises_the_workers_memory_by_less_than_64_mib(
    person: Person, connect: Connect, sandbox: Sandbox, stack: Stack, large: Path
) -> None:
    connection = connect(person, "dzen")
    key = person.upload(large)["key"]
    before = _new_peak(stack)
    (accepted,) = person.publish(
        clip_id="large",
        media={"key": key},
        title="A large one",
        targets=[{"connection_id": connection["id"]}],
    )
    (ended,) = person.watch([accepted["id"]], seconds=120)
    assert (ended["status"], ended["error"]) == ("published", None)
    assert _peak(stack) - before < BOUND
    (post,) = sandbox.posts(platform="dzen", post_id=ended["post_id"])
    with large.open("rb") as file:
        assert (post["bytes"], post["sha256"]) == (SIZE, file_digest(file, "sha256").hexdigest())


def test_sixteen_uploads_at_once_raise_the_memory_by_a_few_pieces_each(tmp_path: Path) -> None:
    file = tmp_path / "u/somebody/large.mp4"
    file.parent.mkdir(parents=True)
    with file.open("wb") as empty:
        empty.truncate(EACH)
    trusted = certificate(tmp_path / "sink.pem")
    with sink(tls=trusted, together=AT_ONCE) as taking:
        asked = Asked(
            url=taking.url,
            store=str(tmp_path),
            keys=["u/somebody/large.mp4"] * AT_ONCE,
            certificate=str(trusted),
        )
        grown = uploaded(asked)["peak_growth"]
        taken = [taking.receipt()["bytes"] for _ in range(AT_ONCE)]
    assert taken == [EACH] * AT_ONCE
    assert grown < BOUND_OF_ALL


def _new_peak(stack: Stack) -> int:
    """Let the kernel count the worker's peak anew: from what it holds now."""
    (_worker(stack) / "clear_refs").write_text("5")
    return _peak(stack)


def _peak(stack: Stack) -> int:
    lines = (_worker(stack) / "status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))


def _worker(stack: Stack) -> Path:
    process = stack.members[WORKER].process
    assert process is not None
    return Path(f"/proc/{process.pid}")
