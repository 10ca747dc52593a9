"""What strangers wrote, fit for a log: cut to a length, and nothing in it that a terminal obeys.

Titles, names and the error texts of platforms get into lines (security.md L1).
"""

import itertools
from typing import Any

LONGEST = 2000
"""Signs of one value in a line."""
MOST = 100
"""Values of one list in it."""


def short(value: Any) -> Any:  # noqa: ANN401 - whatever was logged
    """Strangers choose some of the words, and how many they are."""
    match value:
        case str():
            return value if len(value) <= LONGEST else f"{value[:LONGEST]}…"
        case dict():
            some = itertools.islice(value.items(), MOST)
            return {short(name): short(inner) for name, inner in some}
        case list() | tuple():
            return [short(inner) for inner in value[:MOST]]
    return value


def plain(text: str) -> str:
    """With every sign escaped that moves, hides, turns or colours others: controls of both kinds,
    ends of lines and paragraphs, changes of direction, what has no width, halves of pairs."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else _escaped(one) for one in text)


def _escaped(sign: str) -> str:
    return sign.encode("unicode_escape").decode("ascii")
