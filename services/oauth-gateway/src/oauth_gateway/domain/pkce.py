"""PKCE (RFC 7636): the code is worth nothing without the verifier that only we know."""

import base64
import secrets
from hashlib import sha256


def new_verifier() -> str:
    """64 unreserved characters, 384 bits."""
    return secrets.token_urlsafe(48)


def challenge(verifier: str) -> str:
    """The S256 challenge: base64url without padding."""
    digest = sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
