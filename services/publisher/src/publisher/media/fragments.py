"""How long a fragmented MP4 is: its `moov` may not say, because it was written before the rest.

Such files come out of encoders that write into a pipe. The samples' durations are added up over
all `moof` boxes of the picture's track (ISO/IEC 14496-12 §8.8).
"""

import struct
from typing import NamedTuple

from publisher.media.boxes import Box, Boxes
from publisher.media.errors import NotVideo

MOST_SAMPLES = 2000
"""In one run: a minute of video has 3600 pictures at most, and is cut into many runs."""


class Track(NamedTuple):
    """Which track, its ticks a second, and the ticks of a sample that says nothing else."""

    id: int
    scale: int
    sample: int


async def added_up(boxes: Boxes, track: Track) -> float:
    """Seconds of all fragments. Raises NotVideo."""
    ticks = 0
    async for moof in boxes.top():
        if moof.kind == b"moof":
            async for traf in boxes.children(moof):
                if traf.kind == b"traf":
                    ticks += await _ticks(boxes, traf, track)
    return ticks / track.scale


async def _ticks(boxes: Boxes, traf: Box, track: Track) -> int:
    tfhd = await boxes.child(traf, b"tfhd")
    head = await boxes.content(tfhd, 24) if tfhd else b""
    flags, track_id = _unpack(">II", head, 0)
    if track_id != track.id:
        return 0
    sample = track.sample
    if flags & 0x8:
        (sample,) = _unpack(">I", head, 8 + (8 if flags & 0x1 else 0) + (4 if flags & 0x2 else 0))
    ticks = 0
    async for trun in boxes.children(traf):
        if trun.kind == b"trun":
            ticks += await _run(boxes, trun, sample)
    return ticks


async def _run(boxes: Boxes, trun: Box, sample: int) -> int:
    flags, count = _unpack(">II", await boxes.content(trun, 8), 0)
    flags &= 0xFFFFFF
    if not flags & 0x100:
        return count * sample
    if count > MOST_SAMPLES:
        raise NotVideo("too many samples in a fragment")
    first = 8 + 4 * (flags & 0x5).bit_count()
    fields = (flags & 0xF00).bit_count()  # of each sample; its duration comes first
    data = await boxes.content(trun, first + 4 * fields * count)
    return sum(_unpack(f">{fields * count}I", data, first)[::fields])


def _unpack(form: str, data: bytes, at: int) -> tuple[int, ...]:
    try:
        return struct.unpack_from(form, data, at)
    except struct.error:
        raise NotVideo("a fragment is too short") from None
