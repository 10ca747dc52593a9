"""The doctor's lines about media: whether files can be kept, and fetched from where we say."""

import shutil
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import unquote, urlsplit

import httpx

from common.clock import SystemClock
from common.doctor import neighbours
from common.doctor.finding import SECONDS, Check, Finding
from common.doctor.rules import public
from common.ids import new_id
from publisher.media import keys
from publisher.media.errors import MediaError
from publisher.media.links import Links
from publisher.media.ports import MediaRef
from publisher.media.store import MediaStore, open_store
from publisher.settings import PublisherSettings

WHO = "clipcast-doctor"
PROBE = b"probe"
ENOUGH = 1_000_000_000
"""Room for three of VK's largest clips; with less somebody soon can't upload."""
STORE = "media store"
FOLDER = "MEDIA_STORE_URL: make the folder (or mount it) and give it to the user of the processes"
BUCKET = "MEDIA_STORE_URL and AWS_*: bucket, endpoint, region and keys, with put, get and delete"


async def _store(settings: PublisherSettings) -> AsyncIterator[Finding]:
    root = _folder(settings.media_store_url)
    if root is not None and not root.is_dir():  # opening the store would make it
        yield Finding(STORE, False, f"there is no folder {root}", FOLDER)
        return
    try:
        store = open_store(settings.media_store_url)
    except ValueError as error:
        yield Finding(STORE, False, str(error), "see .env.example")
        return
    yield await _probed(store, FOLDER if root else BUCKET)
    if root is not None:
        _tidy(root)
        free = shutil.disk_usage(root).free
        mend = "more disk for MEDIA_STORE_URL, or fewer old files in it"
        yield Finding("media space", free >= ENOUGH, f"{free / 1e9:.1f} GB are free", mend)


async def _probed(store: MediaStore, mend: str) -> Finding:
    """An object of our own, written, read and removed."""

    async def pieces() -> AsyncGenerator[bytes, None]:
        yield PROBE

    key = keys.new_key(WHO, "probe")
    try:
        await store.put(key, pieces(), limit=len(PROBE))
        try:
            async with store.open(key) as opened:
                same = await opened.read(0, len(PROBE)) == PROBE
        finally:
            await store.delete(key)
    except (MediaError, OSError) as error:
        why = error.why if isinstance(error, MediaError) else error.strerror
        return Finding(STORE, False, f"a probe can't be kept: {why or type(error).__name__}", mend)
    return Finding(STORE, same, "a probe was written, read and removed", mend)


def _folder(url: str) -> Path | None:
    parts = urlsplit(url)
    return Path(unquote(parts.path)) if parts.scheme in {"", "file"} and parts.path else None


def _tidy(root: Path) -> None:
    with suppress(OSError):  # no probe of another doctor's lies in it
        (root / keys.prefix(WHO)).rmdir()


async def _links(settings: PublisherSettings) -> AsyncIterator[Finding]:
    said = public("PUBLIC_URL", settings.public_url, settings)
    yield said
    if not said.ok:
        return
    if settings.media_link_secret is None:
        mend = "MEDIA_LINK_SECRET: http and workers need it; ask the doctor where it is given"
        yield Finding("media links", None, "not asked: MEDIA_LINK_SECRET is not given here", mend)
        return
    links = Links(settings.public_url, settings.media_link_secret, SystemClock())
    nothing = MediaRef("", None, "probe", 0, None, None, 0.0, 0, 0)
    async with httpx.AsyncClient(timeout=SECONDS - 1, trust_env=False) as client:
        try:
            answer = await client.get(links.link(new_id(), nothing))
        except httpx.HTTPError as error:
            why = f"PUBLIC_URL can't be reached from here ({type(error).__name__})"
            yield Finding("media links", None, f"{why}: platforms have to reach it, not we")
            return
    # A publication that never was: nobody but a publisher says so in this form.
    ours = answer.status_code == httpx.codes.NOT_FOUND and b'"not_found"' in answer.content
    mend = "PUBLIC_URL has to lead to publisher http with the path /v1/files/… unchanged"
    told = "publisher answers at PUBLIC_URL" if ours else f"another answer: {answer.status_code}"
    yield Finding("media links", ours, told, mend)


CHECKS: tuple[Check[PublisherSettings], ...] = (
    *neighbours.CHECKS,
    Check(STORE, _store, ("media_store_url",), "MEDIA_STORE_URL: see .env.example"),
    Check(
        "media links",
        _links,
        ("environment", "public_url", "media_link_secret"),
        "PUBLIC_URL: the address under which platforms reach publisher http",
    ),
)
