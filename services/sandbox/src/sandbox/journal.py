"""Every request as received and what it was answered: proof of what a client sent."""

from __future__ import annotations

import itertools
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request

from sandbox.clock import Clock
from sandbox.masking import mask_json, mask_pairs, mask_path
from sandbox.received import Received

SCOPE_KEY = "sandbox.entry"


@dataclass
class Entry:
    """One request. `answer` is None as long as there is none."""

    id: int
    at: str
    method: str
    path: str
    headers: dict[str, str]
    received: Received
    platform: str | None = None
    step: str | None = None
    account: str | None = None
    fault: str | None = None
    warnings: list[str] = field(default_factory=list)
    answer: dict[str, Any] | None = None
    seconds: float | None = None

    def warn(self, text: str) -> None:
        """The client departs from the documentation where the real platform stays silent."""
        self.warnings.append(text)

    def shown(self) -> dict[str, Any]:
        received = self.received
        return {
            "id": self.id,
            "at": self.at,
            "platform": self.platform,
            "step": self.step,
            "account": self.account,
            "method": self.method,
            "path": mask_path(self.path),
            "headers": self.headers,
            "query": mask_pairs(received.query),
            "form": mask_pairs(received.form),
            "json": mask_json(received.json),
            "files": [
                {
                    "name": part.name,
                    "filename": part.filename,
                    "content_type": part.content_type,
                    "bytes": part.blob.bytes,
                    "sha256": part.blob.sha256,
                }
                for part in received.files
            ],
            "body": {
                "bytes": received.body_bytes,
                "sha256": received.raw.sha256 if received.raw.bytes else None,
                "complete": received.complete,
                "problem": received.problem,
            },
            "warnings": self.warnings,
            "fault": self.fault,
            "answer": self.answer,
            "seconds": self.seconds,
        }


class Journal:
    """The last `keep` requests, oldest first."""

    def __init__(self, clock: Clock, keep: int) -> None:
        self._clock = clock
        self._entries: deque[Entry] = deque(maxlen=keep)
        self._ids = itertools.count(1)

    def open(self, method: str, path: str, headers: dict[str, str], received: Received) -> Entry:
        entry = Entry(next(self._ids), self._clock.stamp(), method, path, headers, received)
        self._entries.append(entry)
        return entry

    def entries(
        self, platform: str | None = None, step: str | None = None, after: int = 0
    ) -> list[Entry]:
        return [
            entry
            for entry in self._entries
            if platform in (None, entry.platform)
            and step in (None, entry.step)
            and entry.id > after
        ]

    def clear(self) -> None:
        self._entries.clear()


def entry_of(request: Request) -> Entry:
    """The journal's entry of this request."""
    entry: Entry = request.scope[SCOPE_KEY]
    return entry
