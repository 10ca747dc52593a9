"""Move everything that is stored to the current key while tokens are handed out and renewed.

Whoever stores a new pair meanwhile wins: a row is changed only while it holds what was read. What
was done stays done, so a run that was stopped is simply started again.
"""

from dataclasses import dataclass

from common.observe import logs
from oauth_gateway.app.open_vault import FIRST, move_kept
from oauth_gateway.app.ports import Ports
from oauth_gateway.app.refuse_credential import refuse_credential
from oauth_gateway.domain.audit import Action
from oauth_gateway.domain.credential import Credential, Resealed, Status
from oauth_gateway.vault.box import Unreadable
from oauth_gateway.vault.keys import Keyring

log = logs.get(__name__)


@dataclass(slots=True)
class Counts:
    """What a run did. `overtaken` rows were renewed or erased between reading and writing;
    `unreadable` ones had been tampered with, and their owners have to connect again."""

    resealed: int = 0
    overtaken: int = 0
    unreadable: int = 0


async def reseal(ports: Ports, keyring: Keyring, batch: int) -> Counts:
    """Go through the rows of every former key until none is left of those we can open."""
    counts = Counts()
    await move_kept(ports.begin, keyring)
    while former := await _former(ports, keyring):
        before = counts.resealed + counts.overtaken
        for key in former:
            await _pass(ports, key, batch, counts)
        if counts.resealed + counts.overtaken == before:
            break  # what is left can't be moved: never turn in a circle
    return counts


async def _former(ports: Ports, keyring: Keyring) -> list[bytes]:
    async with ports.begin() as work:
        used = await work.sealed.keys()
    return [key for key in used if key in keyring.ids[1:]]


async def _pass(ports: Ports, key: bytes, batch: int, counts: Counts) -> None:
    after = FIRST
    while True:
        async with ports.begin() as work:
            found = await work.sealed.under(key, after, batch)
        if not found:
            return
        fresh = [await _afresh(one, ports, counts) for one in found]
        async with ports.begin() as work:
            done = await work.sealed.replace(fresh)
            await work.note(ports.actor, Action.RESEAL, *done)
        counts.resealed += len(done)
        counts.overtaken += len(found) - len(done)
        after = found[-1].connection_id
        log.info("credentials_resealed", key_id=key.hex(), done=len(done), of=len(found))


async def _afresh(credential: Credential, ports: Ports, counts: Counts) -> Resealed:
    connection_id, platform = credential.connection_id, credential.platform
    try:
        grant = ports.vault.open(credential)
    except Unreadable:
        # Nothing can be saved, and a key must not be kept for ever because of it.
        counts.unreadable += 1
        if credential.status is Status.ACTIVE:
            await refuse_credential(credential, "unreadable", ports)
        return Resealed(credential, ports.vault.nothing(connection_id, platform))
    return Resealed(credential, ports.vault.seal(connection_id, platform, grant))
