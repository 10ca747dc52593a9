"""The faults that can be ordered: which kinds exist, where, and which are still due."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class General(StrEnum):
    """Kinds every step of every platform has; the second half acts first."""

    ERROR_500 = "error_500"
    ERROR_502_HTML = "error_502_html"
    ERROR_503 = "error_503"
    ERROR_504 = "error_504"
    TIMEOUT = "timeout"  # reads the request, never answers
    DROP_BEFORE = "drop_before"  # closes the connection without reading the body
    RESET_UPLOAD = "reset_upload"  # reads a part of the body, then RST
    HTML = "html"  # 200 with a page
    EMPTY_JSON = "empty_json"  # 200 with {}
    HUGE = "huge"  # 200 with 10 MB of JSON
    GZIP_BOMB = "gzip_bomb"  # 200 with 10 KB that unpack to 10 MB
    ECHO = "echo"  # a refusal that repeats the request, its secrets too

    ERROR_500_AFTER = "error_500_after"  # acts, then says it failed
    ERROR_502_HTML_AFTER = "error_502_html_after"
    TIMEOUT_AFTER = "timeout_after"  # acts, never answers
    DROP_AFTER = "drop_after"  # acts, then closes without an answer
    HALF_ANSWER = "half_answer"  # acts, closes in the middle of the answer
    INVALID_JSON = "invalid_json"  # acts, the answer's JSON is cut
    DUPLICATE_KEYS = "duplicate_keys"  # acts, the answer's JSON names its first key twice
    NAN_JSON = "nan_json"  # acts, the answer's JSON has a NaN
    WRONG_TYPE = "wrong_type"  # acts, the answer calls itself text/html
    SLOW = "slow"  # acts, the answer comes byte by byte


ACTS_FIRST = frozenset(
    {
        General.ERROR_500_AFTER, General.ERROR_502_HTML_AFTER, General.TIMEOUT_AFTER,
        General.DROP_AFTER, General.HALF_ANSWER, General.INVALID_JSON, General.DUPLICATE_KEYS,
        General.NAN_JSON, General.WRONG_TYPE, General.SLOW,
    }
)  # fmt: skip


class UnknownFaultError(ValueError):
    """Names what is allowed instead."""


@dataclass
class Fault:
    """One order: the next `times` calls of this step fail this way."""

    platform: str
    step: str
    kind: str
    times: int
    seconds: float | None = None  # for timeout and slow; else the settings' value
    done: int = 0


class Faults:
    """Orders are served first come, first served per step."""

    def __init__(self) -> None:
        self._own: dict[str, dict[str, frozenset[str]]] = {}
        self._orders: list[Fault] = []

    def declare(self, platform: str, steps: Mapping[str, tuple[str, ...]]) -> None:
        """A platform's steps, each with the kinds it has beyond the general ones."""
        self._own[platform] = {step: frozenset(kinds) for step, kinds in steps.items()}

    def order(
        self, platform: str, step: str, kind: str, times: int, seconds: float | None = None
    ) -> Fault:
        """Raises `UnknownFaultError` unless platform, step and kind were declared."""
        if platform not in self._own:
            raise UnknownFaultError(
                f"platform {platform!r}; allowed: {', '.join(sorted(self._own))}"
            )
        steps = self._own[platform]
        if step not in steps:
            raise UnknownFaultError(
                f"step {step!r} of {platform}; allowed: {', '.join(sorted(steps))}"
            )
        kinds = {*General, *steps[step]}
        if kind not in kinds:
            raise UnknownFaultError(
                f"kind {kind!r} at {platform} {step}; allowed: {', '.join(kinds)}"
            )
        fault = Fault(platform, step, kind, times, seconds)
        self._orders.append(fault)
        return fault

    def take(self, platform: str, step: str) -> Fault | None:
        """The fault this call has to suffer; counts it as done."""
        for fault in self._orders:
            if (fault.platform, fault.step) == (platform, step) and fault.done < fault.times:
                fault.done += 1
                return fault
        return None

    def shown(self) -> dict[str, Any]:
        return {
            "faults": [asdict(fault) for fault in self._orders],
            "general": list(General),
            "own": {
                platform: {step: sorted(kinds) for step, kinds in steps.items()}
                for platform, steps in self._own.items()
            },
        }

    def clear(self) -> None:
        self._orders.clear()
