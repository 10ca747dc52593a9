"""What a platform's redirect says, read with suspicion: anyone can make a browser come here."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

NAMES = {"state": 512, "code": 4096, "device_id": 256, "error": 64, "iss": 256}
"""The parameters we read, with the longest value that is believed."""


@dataclass(frozen=True, slots=True)
class Callback:
    """`states` are all that were named: each is used up, even when the rest is refused."""

    states: tuple[str, ...]
    code: str | None = None
    device_id: str | None = None
    error: str | None = None
    issuer: str | None = None
    sound: bool = True


def read(query: Iterable[tuple[str, str]]) -> Callback:
    """VK ID may put everything into one JSON `payload`; both forms must agree where both come."""
    items = list(query)
    found: dict[str, set[str]] = {name: set() for name in NAMES}
    sound = True
    for name, value in items:
        if name in found:
            found[name].add(value)
        elif name == "payload":
            inner = _payload(value)
            sound = sound and inner is not None
            for key, one in (inner or {}).items():
                if key in found and isinstance(one, str):
                    found[key].add(one)
                elif key in found and one is not None:
                    sound = False
    sound = sound and all(
        len(values) <= 1 and all(_printable(value, NAMES[name]) for value in values)
        for name, values in found.items()
    )
    # JSON can spell what no encoding can write; a state of ours is printable.
    states = tuple(sorted(one for one in found["state"] if _printable(one, NAMES["state"])))
    if not sound or (found["code"] and found["error"]):
        return Callback(states, sound=False)
    one = {name: next(iter(values), None) for name, values in found.items()}
    return Callback(states, one["code"], one["device_id"], one["error"], one["iss"])


def _payload(value: str) -> dict[str, Any] | None:
    try:
        parsed = json.loads(value)
    except (ValueError, RecursionError):
        return None
    return parsed if isinstance(parsed, dict) else None


def _printable(value: str, longest: int) -> bool:
    return 0 < len(value) <= longest and all(" " <= sign <= "~" for sign in value)
