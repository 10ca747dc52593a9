"""A platform's own words, made fit to be kept: it may repeat whatever it was sent."""

import re

LONGEST = 200
_OPAQUE = re.compile(r"https?://\S+|[\w.:~+/=-]{24,}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


def scrub(note: str) -> str:
    """No addresses, no control signs, nothing that may be a token, and not too much of it."""
    return _CONTROL.sub(" ", _OPAQUE.sub("***", note))[:LONGEST].strip()
