"""What a person wants published, and which earlier publications are just that or bar it."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

Row = dict[str, Any]


@dataclass(frozen=True)
class Wanted:
    """The same bytes, words and instant make the same key, in whatever order and offset."""

    clip: Path
    sha256: str
    targets: list[dict[str, str]]
    title: str
    description: str
    at: str | None
    given_key: str | None

    @property
    def key(self) -> str:
        """The Idempotency-Key."""
        targets = sorted(self.targets, key=lambda one: sorted(one.items()))
        told = [self.sha256, targets, self.title, self.description, str(_instant(self.at))]
        return self.given_key or f"clip-{_short(json.dumps(told, sort_keys=True))}"

    @property
    def first_clip_id(self) -> str:
        """Of the bytes alone, so that the publisher sees one clip whatever is said about it, and
        lets no two of its publications to one account run at the same time."""
        return f"cli-{self.sha256[:40]}"

    @property
    def clip_id(self) -> str:
        """A given key means "once more": a clip of its own, found again by the same key."""
        marked = f"-{_short(self.given_key)}" if self.given_key else ""
        return self.first_clip_id + marked

    def body(self, media: str) -> dict[str, Any]:
        """The request."""
        return {
            "clip_id": self.clip_id,
            "media": {"key": media},
            "title": self.title,
            "description": self.description,
            "targets": self.targets,
        } | ({"schedule_at": self.at} if self.at else {})

    def among(self, rows: Sequence[Row]) -> list[Row]:
        """Those that are what is wanted, in the order of the targets; of equal ones the newest,
        which the publisher lists first. Empty unless every target has one."""
        found = [
            next((one for one in rows if _is_to(one, target) and self._says(one)), None)
            for target in self.targets
        ]
        return [one for one in found if one] if all(found) else []

    def to_the_same(self, rows: Sequence[Row], statuses: frozenset[str]) -> list[Row]:
        """Those of these statuses that went where this is to go."""
        return [
            one
            for one in rows
            if one["status"] in statuses and any(_is_to(one, target) for target in self.targets)
        ]

    def _says(self, one: Row) -> bool:
        return (one["title"], one["description"], _instant(one["schedule_at"])) == (
            self.title,
            self.description,
            _instant(self.at),
        )


def _is_to(one: Row, target: dict[str, str]) -> bool:
    return all(one[name] == value for name, value in target.items())


def _instant(word: str | None) -> datetime | None:
    return datetime.fromisoformat(word).astimezone(UTC) if word else None


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:40]
