"""Reads size and duration of an MP4 while it streams by: a vertical clip is treated differently."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

MOOV_LIMIT = 16 * 1024 * 1024


@dataclass(frozen=True)
class Video:
    """Picture size in pixels as shown (rotation applied), duration in seconds."""

    width: int
    height: int
    duration: float

    @property
    def vertical(self) -> bool:
        return self.height > self.width


class Mp4Probe:
    """Feed it the bytes in order; it keeps only the `moov` box, wherever that box stands."""

    def __init__(self) -> None:
        self.is_mp4: bool | None = None  # None until the first 8 bytes were seen
        self._header = bytearray()
        self._skip = 0
        self._moov: bytearray | None = None
        self._moov_left = 0
        self._video: Video | None = None

    def feed(self, data: bytes) -> None:
        view = memoryview(data)
        while view and self.is_mp4 is not False:
            if self._skip:
                step = min(self._skip, len(view))
                self._skip -= step
            elif self._moov_left:
                step = min(self._moov_left, len(view))
                if self._moov is not None:
                    self._moov += view[:step]
                self._moov_left -= step
                if not self._moov_left:
                    self._read_moov()
            else:
                step = self._read_header(view)
            view = view[step:]

    def video(self) -> Video | None:
        """What the `moov` box says; None when there is none or it shows no picture."""
        return self._video

    def _read_moov(self) -> None:
        moov, self._moov = bytes(self._moov or b""), None
        try:
            self._video = _read_moov(moov)
        except (struct.error, IndexError, ZeroDivisionError):
            self._video = None

    def _read_header(self, view: memoryview) -> int:
        step = min(16 - len(self._header), len(view))
        self._header += view[:step]
        if self.is_mp4 is None and len(self._header) >= 8:
            self.is_mp4 = self._header[4:8] == b"ftyp"
        need = 16 if self._header[:4] == b"\x00\x00\x00\x01" else 8
        if len(self._header) < need:
            return step
        surplus = len(self._header) - need
        size, kind = struct.unpack(">I4s", self._header[:8])
        if need == 16:
            size = struct.unpack(">Q", self._header[8:16])[0]
        body = max(size - need, 0) if size else 1 << 62  # 0: up to the end of the file
        if kind == b"moov" and body <= MOOV_LIMIT:
            self._moov, self._moov_left = bytearray(), body
        else:
            self._skip = body
        self._header.clear()
        return step - surplus


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 0
    while at + 8 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        if size < 8:
            return
        yield kind, data[at + 8 : at + size]
        at += size


def _read_moov(moov: bytes) -> Video | None:
    duration = 0.0
    for kind, box in _boxes(moov):
        if kind == b"mvhd":
            scale, length = struct.unpack_from(
                ">IQ" if box[0] else ">II", box, 20 if box[0] else 12
            )
            duration = length / scale
    for kind, box in _boxes(moov):
        if kind != b"trak":
            continue
        tkhd = next((inner for name, inner in _boxes(box) if name == b"tkhd"), b"")
        width, height = (side >> 16 for side in struct.unpack(">II", tkhd[-8:]))
        turned = struct.unpack(">i", tkhd[-44:-40])[0] == 0  # matrix a = 0: turned by 90 or 270
        if width and height:
            return Video(*((height, width) if turned else (width, height)), duration)
    return None
