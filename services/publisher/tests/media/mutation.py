"""Breaks MP4 files as somebody would who knows how they are built: sizes, counts, nesting, order.

Everything follows from the `Random` that is given, so a seed brings any file back.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from random import Random

from .mp4s import CLIP, FTYP, MDAT, MOOV, MVEX, QUARTER, box, fragment, mvhd, tkhd, trak

FAMILIES = (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"edts", b"mvex", b"moof", b"traf")
KINDS = (*FAMILIES, b"ftyp", b"mdat", b"free", b"mvhd", b"tkhd", b"hdlr", b"stsd", b"trun", b"mehd")
EDIT = box(b"edts", box(b"elst", struct.pack(">6I", 0, 1, 5000, 0, 0x10000, 0)))
TURNED = trak(tkhd(1920, 1080, QUARTER, version=1) + EDIT, codec=b"hvc1")
SOUND = trak(tkhd(0, 0), b"soun", b"mp4a")
MEHD = box(b"mvex", box(b"mehd", struct.pack(">II", 0, 7000)))
SEEDS = (
    CLIP,
    FTYP + MOOV + MDAT,
    FTYP + MDAT + box(b"moov", mvhd(version=1), SOUND, TURNED),
    MDAT + box(b"moov", mvhd(), trak(tkhd(0, 0), coded=240)),
    FTYP + box(b"moov", mvhd(length=0), trak(tkhd(64, 36)), MEHD) + MDAT,
    FTYP
    + box(b"moov", mvhd(length=0), trak(tkhd(64, 36)), MVEX)
    + fragment(1, 300, 400)
    + fragment(2, 9000)
    + fragment(1, 0, 0, default=500)
    + fragment(1, 0, 0, 0),
    FTYP + box(b"moov", mvhd(length=0), trak(tkhd(64, 36)), MVEX) + fragment(1, 1, 2, 3),
)
EDGES = (
    0,
    1,
    2,
    7,
    8,
    15,
    16,
    255,
    2000,
    2001,
    65535,
    2**31 - 1,
    2**31,
    2**32 - 1,
    2**63,
    2**64 - 1,
)
MOST_BYTES = 1024 * 1024


@dataclass
class Box:
    """A box with what it contains, which may lie about its size. `wide`: told in 64 bits."""

    kind: bytes
    body: bytes = b""
    inner: list["Box"] = field(default_factory=list)
    size: int | None = None
    wide: bool = False

    def copy(self) -> "Box":
        return replace(self, inner=[one.copy() for one in self.inner])

    def packed(self) -> bytes:
        body = self.body + b"".join(one.packed() for one in self.inner)
        wide = self.wide or (self.size or 0) >= 2**32
        size = len(body) + (16 if wide else 8) if self.size is None else self.size
        if wide:
            return struct.pack(">I4sQ", 1, self.kind, size) + body
        return struct.pack(">I4s", size, self.kind) + body


class Frozen(Box):
    """Boxes that are not broken any further, or there would be ever more of them."""

    def packed(self) -> bytes:
        return self.body


def parsed(data: bytes) -> list[Box]:
    """A whole file, box by box."""
    found, at = [], 0
    while at < len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        body = data[at + 8 : at + size]
        family = kind in FAMILIES
        found.append(Box(kind, b"" if family else body, parsed(body) if family else []))
        at += size
    return found


def everyone(boxes: list[Box]) -> list[list[Box]]:
    """Every list of neighbours, from the top down."""
    return [boxes, *(deep for one in boxes if one.inner for deep in everyone(one.inner))]


def _leave_out(neighbours: list[Box], at: int, _random: Random) -> None:
    del neighbours[at]


def _repeat(neighbours: list[Box], at: int, random: Random) -> None:
    packed = neighbours[at].packed()
    room = MOST_BYTES // len(packed)
    neighbours.insert(at, Frozen(b"", packed * min(room, random.choice((1, 2, 50, 300, 5000)))))


def _move(neighbours: list[Box], at: int, random: Random) -> None:
    neighbours.insert(random.randrange(len(neighbours)), neighbours.pop(at))


def _nest(neighbours: list[Box], at: int, random: Random) -> None:
    packed = neighbours[at].packed()
    for _ in range(random.choice((1, 2, 20, 500))):
        packed = Box(random.choice(FAMILIES), packed).packed()
    neighbours[at] = Frozen(b"", packed)


def _rename(neighbours: list[Box], at: int, random: Random) -> None:
    neighbours[at].kind = random.choice((*KINDS, random.randbytes(4)))


def _lie_about_size(neighbours: list[Box], at: int, random: Random) -> None:
    true = len(neighbours[at].packed())
    neighbours[at].wide = random.random() < 0.3
    neighbours[at].size = random.choice((*EDGES, true - 1, true + 1, true + 8, true * 2))


def _widen(neighbours: list[Box], at: int, _random: Random) -> None:
    neighbours[at].wide = not neighbours[at].wide


def _set_number(neighbours: list[Box], at: int, random: Random) -> None:
    body = bytearray(neighbours[at].body)
    if len(body) >= 8:
        length = random.choice((1, 2, 4, 4, 4, 8))
        place = random.randrange(0, min(len(body), 128) - length + 1)
        place -= place % min(length, 4)
        value = random.choice((*EDGES, random.getrandbits(64))) % 2 ** (8 * length)
        body[place : place + length] = value.to_bytes(length)
    neighbours[at].body = bytes(body)


def _cut_or_stretch(neighbours: list[Box], at: int, random: Random) -> None:
    body = neighbours[at].body[: random.randrange(200)]
    neighbours[at].body = body + random.randbytes(random.choice((0, 0, 1, 8, 100, 40_000)))


def _overlap(neighbours: list[Box], at: int, random: Random) -> None:
    """Claims to hold what comes after it as well."""
    after = sum(len(one.packed()) for one in neighbours[at + 1 :])
    neighbours[at].size = len(neighbours[at].packed()) + random.randrange(after + 1)


def _stub(neighbours: list[Box], at: int, random: Random) -> None:
    """Ends in the middle of a header."""
    header = struct.pack(">I4s", random.choice((0, 1, 1, 7, 8, 9)), random.choice(KINDS))
    neighbours[at:] = [Frozen(b"", header + random.randbytes(random.randrange(10)))]


def _graft(neighbours: list[Box], at: int, random: Random) -> None:
    """Something of another file."""
    neighbours.insert(at, random.choice(random.choice(everyone(parsed(random.choice(SEEDS))))))


Mutation = Callable[[list[Box], int, Random], None]
MUTATIONS: tuple[Mutation, ...] = (
    _leave_out,
    _repeat,
    _move,
    _nest,
    _rename,
    _lie_about_size,
    _widen,
    *[_set_number] * 8,
    _cut_or_stretch,
    _overlap,
    _stub,
    _graft,
)


def mutated(boxes: list[Box], random: Random) -> list[Box]:
    """The same file, broken in one to six places."""
    broken = [one.copy() for one in boxes]
    for _ in range(random.choice((1, 1, 1, 2, 3, 6))):
        neighbours = random.choice(everyone(broken))
        if neighbours:
            random.choice(MUTATIONS)(neighbours, random.randrange(len(neighbours)), random)
    return broken


def on_the_wire(boxes: list[Box], random: Random) -> tuple[bytes, int]:
    """The bytes, and how long the file says it is: some are cut, some end in zeros that go on."""
    data = b"".join(one.packed() for one in boxes)
    match random.randrange(10):
        case 0:
            data = data[: random.randrange(len(data) + 1)]
        case 1:
            return data, len(data) + random.choice((1, 8, 2**20, 2**40, 2**62))
        case 2:
            noisy = bytearray(data)
            for _ in range(min(len(noisy), 4)):
                noisy[random.randrange(min(len(noisy), 2000))] = random.randrange(256)
            data = bytes(noisy)
    return data, len(data)
