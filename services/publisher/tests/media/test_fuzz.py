"""M4: whatever a file is made of, the reader is done at once, with little memory, and says so.

`make test` tries some thousand files, always the same; `make fuzz` others, for minutes.
"""

import asyncio
import hashlib
import os
import re
import sys
import time
import tracemalloc
from collections import Counter
from pathlib import Path
from random import Random

import pytest

from publisher import media
from publisher.media.boxes import MAX_WINDOWS, WINDOW
from publisher.media.errors import NotVideo
from publisher.media.probe import MAX_SECONDS, MAX_SIDE, probe

from .mutation import MOST_BYTES, SEEDS, Box, mutated, on_the_wire, parsed

SECOND, MOST_MEMORY = 1.0, 32 * 1024 * 1024
WEIGH_EVERY = 10
"""To follow memory makes the reader many times slower."""
IN_MAKE_TEST, SEED = 4000, int(os.environ.get("FUZZ_SEED") or time.time())
MINUTES = float(os.environ.get("FUZZ_MINUTES") or 0)
FINDINGS = Path(".local/fuzz")
ELSEWHERE = {"too scattered", "the file is cut short"}
"""Takes more megabytes, or a file that shrinks meanwhile: see test_probe."""


class File:
    """Bytes, then zeros up to a size that nothing could hold."""

    def __init__(self, data: bytes, size: int) -> None:
        self.size = size
        self.reads = 0
        self._data = data

    async def read(self, offset: int, length: int) -> bytes:
        assert 0 <= length <= WINDOW, "a read by a size that the file tells"
        assert 0 <= offset <= self.size
        self.reads += 1
        return self._data[offset : offset + length].ljust(min(length, self.size - offset), b"\0")


class Fuzzer:
    """Feeds the reader broken files; those that lead it a new way are broken again."""

    def __init__(self, seed: int) -> None:
        self.files = 0
        self.said: Counter[str] = Counter()
        self.slowest = 0.0
        self.fattest = 0
        self._random = Random(seed)
        self._corpus = [parsed(seed) for seed in SEEDS]
        self._ways: set[tuple[str, int]] = set()

    def one(self, runner: asyncio.Runner) -> None:
        """One file."""
        boxes = mutated(self._random.choice(self._corpus), self._random)
        data, size = on_the_wire(boxes, self._random)
        file = File(data, size)
        try:
            said = self._measured(runner, file)
        except BaseException:
            _keep(data, size)
            raise
        self.files += 1
        self.said[said] += 1
        way = (said, file.reads)
        if way not in self._ways and len(data) < MOST_BYTES:
            self._ways.add(way)
            self._corpus.append(boxes)

    def _measured(self, runner: asyncio.Runner, file: File) -> str:
        weigh = self.files % WEIGH_EVERY == 0
        if weigh:
            tracemalloc.start()
        began = time.thread_time()
        try:
            said = runner.run(_read(file))
            seconds = time.thread_time() - began
            memory = tracemalloc.get_traced_memory()[1] if weigh else 0
        finally:
            tracemalloc.stop()
        self.slowest, self.fattest = max(self.slowest, seconds), max(self.fattest, memory)
        assert seconds < SECOND
        assert memory < MOST_MEMORY
        assert file.reads <= MAX_WINDOWS
        return said


async def _read(file: File) -> str:
    try:
        found = await probe(file.read, file.size)
    except NotVideo as refused:
        return refused.why
    assert 0 < found.duration <= MAX_SECONDS
    assert 0 < found.width <= MAX_SIDE
    assert 0 < found.height <= MAX_SIDE
    assert found.codec.isprintable()
    return "a video"


def _keep(data: bytes, size: int) -> None:
    FINDINGS.mkdir(parents=True, exist_ok=True)
    name = FINDINGS / f"{hashlib.sha256(data).hexdigest()[:16]}-{size}.mp4"
    name.write_bytes(data)
    sys.stdout.write(f"found: {name}, which says that it has {size} bytes\n")


def refusals() -> set[str]:
    """All that the reader can say to a file."""
    folder = Path(media.__file__).parent
    texts = [(folder / f"{name}.py").read_text() for name in ("boxes", "fragments", "probe")]
    return {why for text in texts for why in re.findall(r'"([a-z][^"]+)"', text) if " " in why}


def run(seed: int, *, files: int = 0, minutes: float = 0) -> Fuzzer:
    """So many files, or for so long."""
    fuzzer, until = Fuzzer(seed), time.monotonic() + 60 * minutes
    with asyncio.Runner() as runner:
        while fuzzer.files < files or time.monotonic() < until:
            fuzzer.one(runner)
    return fuzzer


def test_m4_no_file_breaks_the_reader_or_holds_it_up_or_makes_it_grow() -> None:
    fuzzer = run(6, files=IN_MAKE_TEST)
    missed = (refusals() | {"a video"}) - set(fuzzer.said)
    assert missed <= ELSEWHERE, "too tame to prove anything"


@pytest.mark.skipif(not MINUTES, reason="`make fuzz` runs it")
@pytest.mark.timeout(0)
def test_m4_for_minutes() -> None:
    sys.stdout.write(f"\nSEED={SEED} MINUTES={MINUTES:g}\n")
    fuzzer = run(SEED, minutes=MINUTES)
    sys.stdout.write(
        f"{fuzzer.files} files; the slowest took {fuzzer.slowest * 1000:.0f} ms, "
        f"the fattest {fuzzer.fattest // 1024} KiB\n"
    )
    sys.stdout.writelines(f"{times:9}  {said}\n" for said, times in fuzzer.said.most_common())


def test_the_files_it_begins_with_are_good() -> None:
    for seed in SEEDS:
        assert b"".join(one.packed() for one in parsed(seed)) == seed
        assert asyncio.run(_read(File(seed, len(seed)))) == "a video"


def test_a_box_says_what_it_is_told_to_say() -> None:
    assert Box(b"free", b"x", size=0).packed() == b"\0\0\0\0freex"
    assert Box(b"free", b"x", size=2**63).packed()[:16] == b"\0\0\0\1free\x80" + bytes(7)
