"""How a command ends when it can't do what was asked: a sentence, a document and an exit code."""

from collections.abc import Mapping
from typing import Any

FAILED = 1
"""It was done and failed, or the product said no."""
USAGE = 2
"""The command line is wrong; nothing was asked."""
NOT_ASKED = 3
"""Nobody answers, now is not the time, or the caller is not allowed."""
INTERRUPTED = 130


class Failure(Exception):
    """What main() tells the caller."""

    def __init__(
        self, exit_code: int, code: str, *lines: str, also: Mapping[str, Any] | None = None
    ) -> None:
        """`lines` are for people; `also` goes into the JSON document beside them."""
        self.exit_code, self.code, self.lines = exit_code, code, lines
        self.also = dict(also or {})
        super().__init__(*lines)

    @property
    def document(self) -> dict[str, Any]:
        """The same for `--json`."""
        return {"error": {"code": self.code, "detail": "\n".join(self.lines)} | self.also}


class Silent(Failure):
    """Nobody answered, or with "later": the same question may be answered soon."""


class Refused(Failure):
    """The product answered with a problem."""


def usage(*lines: str) -> Failure:
    """Something on the command line is wrong."""
    return Failure(USAGE, "usage", *lines)
