"""Before anything else: whether the secrets that were given open what is stored (V4, V5).

A secret that is wrong, or was taken away too early, would let the service run and end in a refusal
for every connection; so it does not start.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from uuid import UUID

from oauth_gateway.app.ports import Work
from oauth_gateway.vault.box import Box, UnknownKey, Unreadable
from oauth_gateway.vault.keys import Fingerprints, Keyring
from oauth_gateway.vault.tokens import PURPOSE

NAME = "fingerprint"
PLACE = ("kept_keys", NAME)
FEW = 5
FIRST = UUID(int=0)
Begin = Callable[[], AbstractAsyncContextManager[Work]]


@dataclass(frozen=True, slots=True)
class Shut:
    """What a missing key seals. No credential at all: then it is the row of kept_keys."""

    credentials: int = 0
    connections: tuple[UUID, ...] = ()
    """Named when they are few: one damaged row looks like a missing key too."""


class SecretMissing(Exception):
    """`sealed` tells what is under each key that is missing, by its id."""

    def __init__(self, sealed: Mapping[str, Shut]) -> None:
        super().__init__(", ".join(sealed))
        self.sealed = sealed


class SecretWrong(Exception):
    """A key has the right id and opens nothing, or what is stored was changed."""


async def open_vault(begin: Begin, keyring: Keyring) -> Fingerprints:
    """What names tokens in this database. Raises SecretMissing or SecretWrong."""
    box = Box(keyring, PURPOSE)
    async with begin() as work:
        used = await work.sealed.keys()
        counts = {key: await work.sealed.count(key) for key in used if key not in keyring.ids}
        missing = {key.hex(): await _shut(key, many, work) for key, many in counts.items() if many}
        if missing:
            raise SecretMissing(missing)
        first = box.seal(keyring.fingerprint_key(), *PLACE)
        kept = await work.sealed.keep_key(NAME, first)
        try:
            key = box.open(kept, *PLACE)
        except UnknownKey as unknown:
            raise SecretMissing({str(unknown): Shut()}) from None
        except Unreadable:
            raise SecretWrong from None
    return Fingerprints(key)


async def move_kept(begin: Begin, keyring: Keyring) -> None:
    """Seal the row of kept_keys under the current key. No start does so: a replica that is started
    late, with the settings of before, would take it back."""
    box = Box(keyring, PURPOSE)
    async with begin() as work:
        kept = await work.sealed.kept_key(NAME)
        if kept is None or not box.outdated(kept):
            return
        try:
            key = box.open(kept, *PLACE)
        except (UnknownKey, Unreadable):
            return  # it stays counted as not moved, and a start tells more
        await work.sealed.replace_key(NAME, kept, box.seal(key, *PLACE))


async def _shut(key: bytes, count: int, work: Work) -> Shut:
    found = await work.sealed.under(key, FIRST, FEW) if count <= FEW else ()
    return Shut(count, tuple(one.connection_id for one in found))
