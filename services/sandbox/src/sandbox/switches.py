"""Where real platforms behave in two ways, a switch chooses; off is what they mostly do."""

from __future__ import annotations


class Switches:
    """Booleans by name, declared by the platforms."""

    def __init__(self) -> None:
        self._meanings: dict[str, str] = {}
        self._on: set[str] = set()

    def declare(self, name: str, meaning: str) -> None:
        self._meanings[name] = meaning

    def is_on(self, name: str) -> bool:
        return name in self._on

    def set(self, values: dict[str, bool]) -> None:
        """Raises `ValueError` naming the known switches when one is unknown; then sets none."""
        unknown = set(values) - set(self._meanings)
        if unknown:
            raise ValueError(f"unknown {sorted(unknown)}; switches: {sorted(self._meanings)}")
        self._on |= {name for name, on in values.items() if on}
        self._on -= {name for name, on in values.items() if not on}

    def shown(self) -> dict[str, dict[str, object]]:
        return {n: {"on": n in self._on, "meaning": m} for n, m in self._meanings.items()}

    def reset(self) -> None:
        self._on.clear()
