"""Strangers' texts (titles, names, answers) must not drive the terminal that shows them."""

import json
import unicodedata
from typing import Any

UNSAFE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Controls, invisible and turning signs, halves of a pair, line ends of their own."""
JOINER = "\u200d"
"""Families of emoji are written with it."""


def safe(value: object) -> str:
    """The text in one line, with every sign that is not simply shown written as an escape."""
    return "".join(_escaped(sign) if _unsafe(sign) else sign for sign in str(value))


def document(value: Any) -> str:  # noqa: ANN401 - any JSON value
    """One line of JSON that a terminal can show as well; what it holds is unchanged."""
    text = json.dumps(value, ensure_ascii=False)
    return "".join(_json_escaped(sign) if _unsafe(sign) else sign for sign in text)


def _unsafe(sign: str) -> bool:
    return unicodedata.category(sign) in UNSAFE and sign != JOINER


def _escaped(sign: str) -> str:
    return sign.encode("unicode_escape", "surrogatepass").decode()


def _json_escaped(sign: str) -> str:
    units = sign.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))
