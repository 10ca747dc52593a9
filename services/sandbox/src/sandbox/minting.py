"""Secrets that the platforms hand out. A test of leaks gives a mark that each of them must hold."""

from __future__ import annotations

import os
import secrets
import string

MARK = os.environ.get("SECRETS_MARK", "")
"""At most 12 hex digits: they fit into every form of a token."""
_ALPHABET = string.ascii_lowercase + string.digits


def urlsafe(size: int) -> str:
    """As `secrets.token_urlsafe`, longer by the mark."""
    return MARK + secrets.token_urlsafe(size)


def hexadecimal(size: int) -> str:
    """As `secrets.token_hex`, of the same length."""
    return MARK + secrets.token_hex(size)[len(MARK) :]


def letters(length: int, alphabet: str = _ALPHABET) -> str:
    """Exactly so many signs."""
    return MARK + "".join(secrets.choice(alphabet) for _ in range(length - len(MARK)))
