"""MP4 files of every shape that the reader knows, box by box."""

import struct
from pathlib import Path

CLIP = (Path(__file__).parents[4] / "deploy/local/clip.mp4").read_bytes()


def box(kind: bytes, *content: bytes) -> bytes:
    body = b"".join(content)
    return struct.pack(">I4s", 8 + len(body), kind) + body


def mvhd(*, scale: int = 1000, length: int = 5000, version: int = 0) -> bytes:
    if version:
        return box(b"mvhd", struct.pack(">B3xQQIQ", 1, 0, 0, scale, length), bytes(80))
    return box(b"mvhd", struct.pack(">B3xIIII", 0, 0, 0, scale, length), bytes(80))


UPRIGHT = (0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
QUARTER = (0, 0x10000, 0, -0x10000, 0, 0, 0, 0, 0x40000000)


def tkhd(width: int, height: int, matrix: tuple[int, ...] = UPRIGHT, version: int = 0) -> bytes:
    times = bytes(16 if version else 8) + struct.pack(">I", 1) + bytes(12 if version else 8)
    return box(
        b"tkhd",
        struct.pack(">B3x", version),
        times,
        bytes(16),
        struct.pack(">9i", *matrix),
        struct.pack(">II", width << 16, height << 16),
    )


def trak(head: bytes, kind: bytes = b"vide", codec: bytes = b"avc1", coded: int = 0) -> bytes:
    entry = struct.pack(">I4s8x16xHH50x", 86, codec, coded, coded)
    stsd = box(b"stsd", struct.pack(">II", 0, 1), entry)
    stbl = box(b"stbl", stsd)
    mdhd = box(b"mdhd", struct.pack(">6I", 0, 0, 0, 1000, 0, 0))
    mdia = box(b"mdia", mdhd, box(b"hdlr", bytes(8), kind, bytes(13)), box(b"minf", stbl))
    return box(b"trak", head, mdia)


FTYP = box(b"ftyp", b"isom\0\0\0\0isom")
MOOV = box(b"moov", mvhd(), trak(tkhd(1080, 1920)))
MDAT = box(b"mdat", bytes(100))
MVEX = box(b"mvex", box(b"trex", struct.pack(">6I", 0, 1, 1, 40, 0, 0)))


def fragment(track: int, *durations: int, default: int | None = None) -> bytes:
    if default is None:
        tfhd = box(b"tfhd", struct.pack(">II", 0, track))
    else:
        tfhd = box(b"tfhd", struct.pack(">IIII", 0xA, track, 1, default))
    if any(durations):
        samples = b"".join(struct.pack(">II", duration, 999) for duration in durations)
        trun = box(b"trun", struct.pack(">IIII", 0x305, len(durations), 0, 0), samples)
    else:
        trun = box(b"trun", struct.pack(">II", 0, len(durations)))
    return box(b"moof", box(b"mfhd", bytes(8)), box(b"traf", tfhd, trun)) + MDAT
