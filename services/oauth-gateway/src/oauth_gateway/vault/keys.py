"""Keys: one secret of the operator, a key for each purpose, former secrets while rotating."""

import hmac
import itertools
from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import sha256

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from pydantic import SecretStr

SECRET_BYTES = 32
KEY_ID_BYTES = 4


class WeakSecret(ValueError):
    """The secret can't protect anything; the text says why and never shows it."""


def check_secret(secret: SecretStr) -> SecretStr:
    """Accept 64 hex characters that look random. Raises WeakSecret."""
    text = secret.get_secret_value()
    try:
        raw = bytes.fromhex(text)
    except ValueError:
        raise WeakSecret("must be 64 hex characters") from None
    if len(raw) != SECRET_BYTES or len(text) != 2 * SECRET_BYTES:
        raise WeakSecret("must be 64 hex characters")
    if _repeats(raw) or _counts(raw) or len(set(raw)) < SECRET_BYTES // 4:
        raise WeakSecret("not random: a sample or a pattern")
    return secret


class Keyring:
    """The current secret seals; former ones still open what they sealed."""

    def __init__(self, current: SecretStr, previous: Iterable[SecretStr] = ()) -> None:
        self._current = _raw(current)
        self.current_id = _key_id(self._current)
        self._secrets = {self.current_id: self._current}
        for former in map(_raw, previous):
            if _key_id(former) in self._secrets:
                raise WeakSecret("a secret is given twice")
            self._secrets[_key_id(former)] = former

    @property
    def ids(self) -> tuple[bytes, ...]:
        """The ids of all keys, the current one first. They tell nothing about the secrets."""
        return tuple(self._secrets)

    def key(self, key_id: bytes, purpose: str) -> bytes:
        """The key of a purpose under one of the secrets. Raises KeyError."""
        return derive(self._secrets[key_id], purpose)

    def fingerprint_key(self) -> bytes:
        """What fingerprints are made with until a first secret's key is kept (db/sealed.py)."""
        return self.key(self.current_id, "fingerprint")


@dataclass(frozen=True, slots=True)
class Fingerprints:
    """Names for tokens that tell nothing about them, where a platform names no account."""

    key: bytes = field(repr=False)

    def __call__(self, token: SecretStr) -> str:
        """The same name for the same token, whatever became of the secret meanwhile."""
        return hmac.new(self.key, token.get_secret_value().encode(), sha256).hexdigest()[:32]


def derive(secret: bytes, label: str) -> bytes:
    """HKDF-SHA256: keys with different labels say nothing about each other."""
    return HKDF(SHA256(), length=SECRET_BYTES, salt=None, info=label.encode()).derive(secret)


def _raw(secret: SecretStr) -> bytes:
    return bytes.fromhex(secret.get_secret_value())


def _key_id(secret: bytes) -> bytes:
    return derive(secret, "kid")[:KEY_ID_BYTES]


def _repeats(raw: bytes) -> bool:
    """`deadbeefdeadbeef…`, `0000…`: some shorter piece fills the whole."""
    return any(raw == (raw[:size] * SECRET_BYTES)[:SECRET_BYTES] for size in range(1, 17))


def _counts(raw: bytes) -> bool:
    """`000102…1f`: every byte is a fixed step from the one before."""
    return len({(after - before) % 256 for before, after in itertools.pairwise(raw)}) == 1
