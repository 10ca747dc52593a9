"""A sealed box: AES-256-GCM that opens only in the place it was sealed for (security.md §5)."""

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from oauth_gateway.vault.keys import KEY_ID_BYTES, Keyring

VERSION = b"v1"
NONCE_BYTES = 12
TAG_BYTES = 16
HEAD = len(VERSION) + KEY_ID_BYTES
SHORTEST = HEAD + NONCE_BYTES + TAG_BYTES


class Unreadable(Exception):
    """Changed, cut, or moved from another place: what was sealed here is lost."""


class UnknownKey(Exception):
    """Sealed under a secret that this process does not have: the operator must give it back."""


def key_of(blob: bytes) -> bytes | None:
    """The id of the key that a blob says it is under; None when it has not the form of a box."""
    if len(blob) < SHORTEST or not blob.startswith(VERSION):
        return None
    return blob[len(VERSION) : HEAD]


class Box:
    """Seals under the current key of one purpose: `v1 | key id (4) | nonce (12) | text and tag`."""

    def __init__(self, keyring: Keyring, purpose: str) -> None:
        self._purpose = purpose
        self._current = keyring.current_id
        self._ciphers = {key_id: AESGCM(keyring.key(key_id, purpose)) for key_id in keyring.ids}

    def seal(self, plain: bytes, *place: str) -> bytes:
        """Fresh random nonce every time; fine for 2^32 seals under one key (SP 800-38D)."""
        nonce = os.urandom(NONCE_BYTES)
        bound = self._bound(self._current, place)
        sealed = self._ciphers[self._current].encrypt(nonce, plain, bound)
        return VERSION + self._current + nonce + sealed

    def open(self, blob: bytes, *place: str) -> bytes:
        """Raises Unreadable or UnknownKey."""
        key_id = key_of(blob)
        if key_id is None:
            raise Unreadable("form")
        cipher = self._ciphers.get(key_id)
        if cipher is None:
            raise UnknownKey(key_id.hex())
        nonce, sealed = blob[HEAD : HEAD + NONCE_BYTES], blob[HEAD + NONCE_BYTES :]
        try:
            return cipher.decrypt(nonce, sealed, self._bound(key_id, place))
        except InvalidTag:
            raise Unreadable("seal") from None

    def outdated(self, blob: bytes) -> bool:
        """Whether it was sealed under another key than the current one."""
        return key_of(blob) != self._current

    def _bound(self, key_id: bytes, place: tuple[str, ...]) -> bytes:
        head = f"pw-{self._purpose}\0v1\0".encode() + key_id
        return b"\0".join([head, *(part.encode() for part in place)])
