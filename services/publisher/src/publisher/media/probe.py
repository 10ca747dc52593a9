"""What a file is, by its MP4 or MOV boxes: no decoder ever touches bytes that strangers sent."""

import struct
from dataclasses import dataclass
from typing import Any

from publisher.media.boxes import Box, Boxes, Read
from publisher.media.errors import NotVideo
from publisher.media.fragments import Track, added_up

FIRST = frozenset({b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"})
"""What an MP4 or MOV may begin with (old MOV files have no `ftyp`)."""
MAX_SIDE = 16384
MAX_SECONDS = 7 * 24 * 3600


@dataclass(frozen=True, slots=True)
class Video:
    """Seconds; pixels as shown, rotation applied; the picture's codec (`avc1`, `hvc1`, …)."""

    duration: float
    width: int
    height: int
    codec: str
    moov_first: bool
    """Whether it can be played while it is still being downloaded."""


@dataclass(frozen=True, slots=True)
class _Picture:
    width: int
    height: int
    codec: str


def begins_like_video(start: bytes) -> bool:
    """Whether the first 8 bytes may begin an MP4 or MOV: tells a wrong file early."""
    return start[4:8] in FIRST


async def probe(read: Read, size: int) -> Video:
    """Look at a file of `size` bytes by few small reads, wherever its `moov` lies.

    Raises NotVideo, and what `read` raises.
    """
    boxes = Boxes(read, size)
    moov, moov_first = await _find_moov(boxes)
    async for trak in boxes.children(moov):
        if trak.kind == b"trak":
            picture = await _picture(boxes, trak)
            if picture is not None:
                duration = await _duration(boxes, moov, trak)
                return Video(duration, picture.width, picture.height, picture.codec, moov_first)
    raise NotVideo("no picture")


async def _find_moov(boxes: Boxes) -> tuple[Box, bool]:
    """The `moov`, once a `mdat` was seen too: a file cut short in its data is found out."""
    moov: Box | None = None
    data_seen = moov_first = False
    first = True
    async for box in boxes.top():
        if first and box.kind not in FIRST:
            raise NotVideo("not an MP4 or MOV file")
        first = False
        if box.kind == b"moov" and moov is None:
            moov, moov_first = box, not data_seen
        data_seen = data_seen or box.kind == b"mdat"
        if moov is not None and data_seen:
            return moov, moov_first
    raise NotVideo("no moov box" if moov is None else "no data")


async def _duration(boxes: Boxes, moov: Box, trak: Box) -> float:
    """Of the whole film, where it is told; else of all fragments of its picture."""
    mvhd = await boxes.child(moov, b"mvhd")
    if mvhd is None:
        raise NotVideo("no mvhd box")
    head = await boxes.content(mvhd, 32)
    scale, length = _unpack(">IQ", head, 20) if _long(head) else _unpack(">II", head, 12)
    mvex = await boxes.child(moov, b"mvex")
    if mvex is not None and not length:
        mehd = await boxes.child(mvex, b"mehd")
        if mehd is None:
            return _plausible(await added_up(boxes, await _track(boxes, mvex, trak)))
        head = await boxes.content(mehd, 12)
        (length,) = _unpack(">Q", head, 4) if _long(head) else _unpack(">I", head, 4)
    return _plausible(length / scale if scale else 0)


def _plausible(seconds: float) -> float:
    if not 0 < seconds <= MAX_SECONDS:
        raise NotVideo("no plausible length")
    return float(seconds)


async def _track(boxes: Boxes, mvex: Box, trak: Box) -> Track:
    tkhd = await boxes.child(trak, b"tkhd")
    mdia = await boxes.child(trak, b"mdia")
    mdhd = await boxes.child(mdia, b"mdhd") if mdia else None
    if tkhd is None or mdhd is None:
        raise NotVideo("the track's description is missing")
    head = await boxes.content(tkhd, 24)
    (track_id,) = _unpack(">I", head, 20 if _long(head) else 12)
    head = await boxes.content(mdhd, 24)
    (scale,) = _unpack(">I", head, 20 if _long(head) else 12)
    if not scale:
        raise NotVideo("no plausible length")
    async for box in boxes.children(mvex):
        if box.kind == b"trex":
            trex_id, _, sample = _unpack(">III", await boxes.content(box, 24), 4)
            if trex_id == track_id:
                return Track(track_id, scale, sample)
    return Track(track_id, scale, 0)


async def _picture(boxes: Boxes, trak: Box) -> _Picture | None:
    """What a track shows; None for sound, subtitles and the like."""
    mdia = await boxes.child(trak, b"mdia")
    hdlr = await boxes.child(mdia, b"hdlr") if mdia else None
    if mdia is None or hdlr is None or (await boxes.content(hdlr, 12))[8:12] != b"vide":
        return None
    tkhd = await boxes.child(trak, b"tkhd")
    minf = await boxes.child(mdia, b"minf")
    stbl = await boxes.child(minf, b"stbl") if minf else None
    stsd = await boxes.child(stbl, b"stsd") if stbl else None
    if tkhd is None or stsd is None:
        raise NotVideo("the picture's description is missing")
    entry = await boxes.content(stsd, 44)
    (codec,) = _unpack(">4s", entry, 12)
    if not (codec.isascii() and codec.decode().isprintable()):
        raise NotVideo("no codec")
    width, height = await _sides(boxes, tkhd)
    if not (width and height):
        width, height = _unpack(">HH", entry, 40)
    if not (0 < width <= MAX_SIDE and 0 < height <= MAX_SIDE):
        raise NotVideo("no plausible picture size")
    return _Picture(width, height, codec.decode().strip())


async def _sides(boxes: Boxes, tkhd: Box) -> tuple[int, int]:
    """Width and height as shown: the matrix may turn the picture by a quarter."""
    head = await boxes.content(tkhd, 96)
    shift = 12 if _long(head) else 0
    a, b, _, c, d = _unpack(">iiiii", head, 40 + shift)
    width, height = (side >> 16 for side in _unpack(">II", head, 76 + shift))
    turned = a == 0 and d == 0 and b != 0 and c != 0
    return (height, width) if turned else (width, height)


def _long(full_box: bytes) -> bool:
    """Version 1 of a box has times of 64 bits."""
    return full_box[:1] == b"\x01"


def _unpack(form: str, data: bytes, at: int) -> tuple[Any, ...]:
    try:
        return struct.unpack_from(form, data, at)
    except struct.error:
        raise NotVideo("a box is too short") from None
