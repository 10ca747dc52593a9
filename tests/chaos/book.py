"""What people were promised, written down the moment they had read it; many threads write."""

import threading
from collections import Counter
from datetime import UTC, datetime

from chaos.history import Accepted, Cancel


class Book:
    """Accepted publications, answered cancels, and everything else that was said, by code."""

    def __init__(self) -> None:
        self.accepted: dict[str, Accepted] = {}
        self.cancels: list[Cancel] = []
        self.said: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._number = 0

    def number(self) -> int:
        """One that nobody has had."""
        with self._lock:
            self._number += 1
            return self._number

    def accept(self, publication_id: str, title: str) -> None:
        """The answer was 202."""
        with self._lock:
            self.accepted[publication_id] = Accepted(publication_id, title)

    def cancel(self, publication_id: str, verdict: str) -> None:
        """The answer was a verdict."""
        with self._lock:
            self.cancels.append(Cancel(publication_id, verdict, datetime.now(UTC)))
            self.said[f"cancel: {verdict}"] += 1

    def note(self, what: str) -> None:
        """Something happened that is worth counting."""
        with self._lock:
            self.said[what] += 1
