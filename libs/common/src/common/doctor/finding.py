"""A line of the doctor's, and how all checks of a service are asked: together, and never for long.

The rule for the exit code: a line is not well when it is `ok=False`, and when it could not be asked
(`ok=None`) although it has to be, which shows in its having a `mend`. A line that could not be
asked and has none only says what nobody can know from here.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Generic, TypeVar

from common.observe.untrusted import plain
from common.settings import Settings, Wrong

S = TypeVar("S", bound=Settings)
S_contra = TypeVar("S_contra", bound=Settings, contravariant=True)
SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Finding:
    """What one line says. No secret, no address with a password, no words of strangers."""

    name: str
    ok: bool | None
    detail: str
    mend: str = ""

    @property
    def well(self) -> bool:
        """Whether nobody has to do anything about it."""
        return self.ok is True or (self.ok is None and not self.mend)

    def line(self) -> str:
        """For a person."""
        mark = {True: "✓", False: "✗", None: "?"}[self.ok]
        shown = f"{mark} {plain(self.name)}: {plain(self.detail)}"
        return f"{shown}\n    {plain(self.mend)}" if self.mend and not self.ok else shown

    def told(self) -> dict[str, Any]:
        """For a program."""
        return asdict(self) | {"mend": "" if self.ok else self.mend}


@dataclass(frozen=True, slots=True)
class Check(Generic[S_contra]):
    """Some lines about one thing. What `ask` raises becomes a line of this name with `mend`."""

    name: str
    ask: Callable[[S_contra], AsyncIterator[Finding]]
    needs: tuple[str, ...]
    """The settings without which nothing can be asked."""
    mend: str


async def ask_all(checks: Sequence[Check[S]], settings: S, wrong: Sequence[Wrong]) -> list[Finding]:
    """All lines, in the order of the checks."""
    names = {one.name.removesuffix("_FILE").lower() for one in wrong}
    found = await asyncio.gather(*(_ask(check, settings, names) for check in checks))
    return [finding for findings in found for finding in findings]


async def _ask(check: Check[S], settings: S, wrong: set[str]) -> list[Finding]:
    if missing := [name.upper() for name in check.needs if name in wrong]:
        why = f"not asked: {', '.join(missing)} is missing or wrong"
        return [Finding(check.name, None, why, "mend the setting first")]
    found: list[Finding] = []
    try:
        async with asyncio.timeout(SECONDS):
            async for finding in check.ask(settings):
                found.append(finding)  # noqa: PERF401 - what was found before an error stays
    except TimeoutError:
        found.append(Finding(check.name, False, f"no answer within {SECONDS:g} s", check.mend))
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the line; its text may hold secrets
        found.append(Finding(check.name, False, type(error).__name__, check.mend))
    return found
