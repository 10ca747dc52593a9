"""The box reader understands real files and survives every other."""

import asyncio
import struct
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from publisher.media.errors import NotVideo
from publisher.media.probe import Video, probe

from .mp4s import CLIP, FTYP, MDAT, MOOV, MVEX, QUARTER, box, fragment, mvhd, tkhd, trak

GIGABYTE = 10**9


class Counted:
    """A file made of pieces at given places, zeros elsewhere; counts what is read."""

    def __init__(self, size: int, pieces: dict[int, bytes]) -> None:
        self.size = size
        self.reads = 0
        self.read_bytes = 0
        self._pieces = pieces

    async def read(self, offset: int, length: int) -> bytes:
        self.reads += 1
        self.read_bytes += length
        assert length <= 64 * 1024
        data = bytearray(max(0, min(length, self.size - offset)))
        for at, piece in self._pieces.items():
            first, last = max(at, offset), min(at + len(piece), offset + len(data))
            if first < last:
                data[first - offset : last - offset] = piece[first - at : last - at]
        return bytes(data)


def look(data: bytes) -> Video:
    return asyncio.run(probe(Counted(len(data), {0: data}).read, len(data)))


def test_a_real_clip() -> None:
    assert look(CLIP) == Video(4.0, 270, 480, "avc1", moov_first=True)


@pytest.mark.parametrize("version", [0, 1])
def test_both_versions_of_the_headers(version: int) -> None:
    moov = box(b"moov", mvhd(version=version), trak(tkhd(1080, 1920, version=version)))
    assert look(FTYP + moov + MDAT) == Video(5.0, 1080, 1920, "avc1", moov_first=True)


def test_a_turned_picture_is_measured_as_shown() -> None:
    moov = box(b"moov", mvhd(), trak(tkhd(1920, 1080, QUARTER)))
    found = look(FTYP + MDAT + moov)
    assert (found.width, found.height, found.moov_first) == (1080, 1920, False)


def test_sound_before_the_picture_and_an_old_mov_without_ftyp() -> None:
    moov = box(
        b"moov", mvhd(), trak(tkhd(0, 0), b"soun", b"mp4a"), trak(tkhd(64, 36), codec=b"hvc1")
    )
    assert look(MDAT + moov).codec == "hvc1"


def test_sides_of_the_sample_entry_when_the_track_tells_none() -> None:
    moov = box(b"moov", mvhd(), trak(tkhd(0, 0), coded=240))
    assert look(FTYP + moov + MDAT).width == 240


def test_the_length_of_a_fragmented_file() -> None:
    mehd = box(b"mvex", box(b"mehd", struct.pack(">II", 0, 7000)))
    moov = box(b"moov", mvhd(length=0), trak(tkhd(64, 36)), mehd)
    assert look(FTYP + moov + MDAT).duration == 7.0


@pytest.mark.parametrize(
    ("fragments", "seconds"),
    [
        (fragment(1, 300, 400) + fragment(2, 9000) + fragment(1, 300), 1.0),
        (fragment(1, 0, 0, default=500) + fragment(1, 0, 0, 0), 1.0 + 3 * 0.04),
        (fragment(1, 0, default=2**32 - 1), None),
        (fragment(2, 9000), None),
        (fragment(1, 300)[:40], None),
        (fragment(1, *[1] * 3000), None),
    ],
)
def test_fragments_are_added_up_when_nothing_tells_the_length(
    fragments: bytes, seconds: float | None
) -> None:
    data = FTYP + box(b"moov", mvhd(length=0), trak(tkhd(64, 36)), MVEX) + fragments
    if seconds is None:
        with pytest.raises(NotVideo):
            look(data)
    else:
        assert look(data).duration == pytest.approx(seconds)


@pytest.mark.parametrize("header", ["64 bits", "to the end"])
def test_a_moov_at_the_end_of_ten_gigabytes_takes_few_small_reads(header: str) -> None:
    size = 10 * GIGABYTE
    if header == "64 bits":
        mdat = struct.pack(">I4sQ", 1, b"mdat", size - len(FTYP) - len(MOOV))
        pieces = {0: FTYP + mdat, size - len(MOOV): MOOV}
    else:
        mdat = struct.pack(">I4s", 0, b"mdat")
        pieces = {0: FTYP + MOOV + mdat}
    file = Counted(size, pieces)
    assert asyncio.run(probe(file.read, size)).height == 1920
    assert file.reads <= 3
    assert file.read_bytes < 128 * 1024


def test_boxes_far_apart_are_not_followed_for_ever() -> None:
    apart = 1024 * 1024
    header = struct.pack(">I4s", apart, b"free")
    file = Counted(4000 * apart, {0: FTYP, **{16 + at * apart: header for at in range(1, 4000)}})
    file._pieces[len(FTYP)] = struct.pack(">I4s", 16 + apart - len(FTYP), b"free")
    with pytest.raises(NotVideo, match="too scattered"):
        asyncio.run(probe(file.read, file.size))
    assert file.reads == 256


def test_a_file_that_shrinks_while_it_is_looked_at_is_told_so() -> None:
    file = Counted(1000, {0: CLIP})
    with pytest.raises(NotVideo, match="the file is cut short"):
        asyncio.run(probe(file.read, 2**40))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0" * 7,
        b"<!doctype html>" * 100,
        FTYP,
        FTYP + MDAT,
        FTYP + MOOV,
        (FTYP + MOOV + MDAT)[:-1],
        FTYP + box(b"moov", trak(tkhd(64, 36))) + MDAT,
        FTYP + box(b"moov", mvhd(scale=0), trak(tkhd(64, 36))) + MDAT,
        FTYP + box(b"moov", mvhd(length=0), trak(tkhd(64, 36))) + MDAT,
        FTYP + box(b"moov", mvhd(length=2**32 - 1), trak(tkhd(64, 36))) + MDAT,
        FTYP + box(b"moov", mvhd(version=1, length=2**63, scale=1), trak(tkhd(64, 36))) + MDAT,
        FTYP + box(b"moov", mvhd(), trak(tkhd(0, 0), b"soun")) + MDAT,
        FTYP + box(b"moov", mvhd(), trak(tkhd(0, 0))) + MDAT,
        FTYP + box(b"moov", mvhd(), trak(tkhd(60000, 60000))) + MDAT,
        FTYP + box(b"moov", mvhd(), trak(tkhd(64, 36), codec=b"\0\1\2\3")) + MDAT,
        FTYP + box(b"moov", mvhd(), box(b"trak", bytes(7))) + MDAT,
        FTYP + struct.pack(">I4s", 4, b"moov") + bytes(100),
        FTYP + struct.pack(">I4sQ", 1, b"moov", 2**64 - 1) + bytes(100),
        FTYP + struct.pack(">I4sQ", 1, b"moov", 15) + bytes(100),
        FTYP + struct.pack(">I4s", 1, b"moov"),
        FTYP + box(b"moov", struct.pack(">I4s", 0, b"mvhd"), bytes(200)) + MDAT,
        FTYP + box(b"free") * 10_000 + MOOV + MDAT,
        FTYP + box(b"moov", mvhd(), box(b"trak") * 10_000) + MDAT,
    ],
)
def test_what_is_no_whole_video_is_told_so(data: bytes) -> None:
    with pytest.raises(NotVideo):
        look(data)


def survives(data: bytes) -> None:
    file = Counted(len(data), {0: data})
    began = time.process_time()
    try:
        found = asyncio.run(probe(file.read, len(data)))
        assert found.duration > 0
        assert 0 < found.width <= 16384
    except NotVideo:
        pass
    assert file.reads <= 256
    assert time.process_time() - began < 1


@given(st.binary(max_size=4096))
def test_noise_never_breaks_it(noise: bytes) -> None:
    survives(noise)
    survives(FTYP + noise)
    survives(FTYP + box(b"moov", noise) + MDAT)
    survives(FTYP + box(b"moov", mvhd(), box(b"trak", noise)) + MDAT)
    moov = box(b"moov", mvhd(length=0), trak(tkhd(64, 36)), MVEX)
    survives(FTYP + moov + box(b"moof", box(b"traf", noise)) + MDAT)
    tfhd = box(b"tfhd", struct.pack(">II", 0, 1))
    survives(FTYP + moov + box(b"moof", box(b"traf", tfhd, box(b"trun", noise))) + MDAT)


@settings(max_examples=300)
@given(
    st.lists(st.tuples(st.integers(0, 4095), st.integers(0, 255)), max_size=12), st.integers(0, 9)
)
def test_a_damaged_clip_never_breaks_it(damage: list[tuple[int, int]], cut: int) -> None:
    data = bytearray(CLIP)
    for at, value in damage:
        data[at] = value
    survives(bytes(data[: len(data) - cut * 1000]))
