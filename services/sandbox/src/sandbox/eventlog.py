"""An append-only file, synced line by line, so that a killed sandbox still knows what it did."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any


class EventLog:
    """JSON lines `{"kind": …, …}`. Without a path nothing outlives the process."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._file: int | None = None
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._cut_torn_tail(path)
            self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def append(self, kind: str, data: dict[str, Any]) -> None:
        """Returns after the line is on disk."""
        if self._file is None:
            return
        line = json.dumps({"kind": kind, **data}, ensure_ascii=False) + "\n"
        os.write(self._file, line.encode())
        os.fsync(self._file)

    def replay(self, *kinds: str) -> Iterator[dict[str, Any]]:
        if self._path is None:
            return
        with self._path.open(encoding="utf-8") as lines:
            for line in lines:
                event: dict[str, Any] = json.loads(line)
                if event["kind"] in kinds:
                    yield event

    def clear(self) -> None:
        if self._file is not None:
            os.ftruncate(self._file, 0)
            os.fsync(self._file)

    def close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None

    @staticmethod
    def _cut_torn_tail(path: Path) -> None:
        # A kill in the middle of a write leaves half a line: that answer was never given.
        if not path.exists():
            return
        content = path.read_bytes()
        whole = content.rfind(b"\n") + 1
        if whole != len(content):
            os.truncate(path, whole)
