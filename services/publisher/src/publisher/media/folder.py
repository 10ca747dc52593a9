"""The media store in a folder: nothing outside of it can be reached, whatever lies in it.

Every part of a path is opened relative to the one before it and never through a link, so a link
that is swapped in during the run leads nowhere; only regular files are read (a pipe would block).
obstore's own local store follows links and waits for pipes; for buckets see bucket.py.
"""

import errno
import fcntl
import os
import stat
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import ExitStack, aclosing, asynccontextmanager, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from common.ids import new_id
from publisher.media import keys
from publisher.media.errors import MediaChanged, MediaMissing, MediaUnavailable
from publisher.media.pieces import by_blocks, in_thread
from publisher.media.ports import Head

INCOMING = ".incoming"
"""Drafts lie here until they are whole; no key leads here."""
ABANDONED_SECONDS = 60
FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
LINKS_AND_SOCKETS = (errno.ELOOP, errno.ENXIO, errno.ENODEV)
DRAFT = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class Folder:
    """Files below one root."""

    def __init__(self, root: Path) -> None:
        root.mkdir(parents=True, exist_ok=True)
        self._root = root

    async def put(self, key: str, pieces: AsyncGenerator[bytes, None]) -> None:
        """Write a file; it can be seen under its key once it is whole and on the disk."""
        parts = keys.split(key)
        async with aclosing(pieces), _closing() as held:
            draft = await in_thread(self._draft, held)
            async for piece in pieces:
                await in_thread(draft.write, piece)
            await in_thread(self._publish, draft, parts)

    @asynccontextmanager
    async def open(self, key: str) -> AsyncIterator["OpenFile"]:
        """Raises MediaMissing."""
        async with _closing() as held:
            yield await in_thread(self._open, held, keys.split(key))

    async def delete(self, key: str) -> None:
        """Remove an upload, if it is there."""
        with suppress(MediaMissing):
            await in_thread(self._delete, keys.split(key))

    def _open(self, held: ExitStack, parts: Sequence[str]) -> "OpenFile":
        with self._inside(parts[:-1]) as folder, _told():
            file = os.open(parts[-1], FILE, dir_fd=folder)
        held.callback(os.close, file)
        if not stat.S_ISREG(os.fstat(file).st_mode):
            raise MediaMissing("not a regular file")
        return OpenFile(file)

    def _delete(self, parts: Sequence[str]) -> None:
        with self._inside(parts[:-1]) as folder, _told():
            os.unlink(parts[-1], dir_fd=folder)
        with self._inside(parts[:-2]) as folder, suppress(OSError):
            os.rmdir(parts[-2], dir_fd=folder)  # each upload has a folder of its own

    def _draft(self, held: ExitStack) -> "Draft":
        with self._inside((INCOMING,), create=True) as folder:
            _sweep(folder)
            return Draft(held, folder)

    def _publish(self, draft: "Draft", parts: Sequence[str]) -> None:
        draft.settle()
        with self._inside(parts[:-1], create=True) as folder:
            draft.rename(parts[-1], folder)

    @contextmanager
    def _inside(self, parts: Sequence[str], *, create: bool = False) -> Iterator[int]:
        with _told():
            here = os.open(self._root, FOLDER)
        try:
            for part in parts:
                with _told():
                    inner = _step(here, part, create=create)
                os.close(here)
                here = inner
            yield here
        finally:
            os.close(here)


class OpenFile:
    """One descriptor: whatever is put under the key meanwhile, the bytes stay of one file."""

    def __init__(self, file: int) -> None:
        self._file = file
        self.head = _head(file)

    async def read(self, offset: int, length: int) -> bytes:
        """See `Opened`."""
        return await in_thread(self._read, offset, length)

    def pieces(self, start: int, stop: int) -> AsyncGenerator[bytes, None]:
        """See `Opened`."""
        return by_blocks(self.read, start, stop)

    def _read(self, offset: int, length: int) -> bytes:
        wanted = max(0, min(length, self.head.size - offset))
        try:
            data = os.pread(self._file, wanted, offset)
        except OSError as error:
            raise MediaUnavailable(type(error).__name__) from None
        if len(data) < wanted or _head(self._file) != self.head:
            raise MediaChanged("written to while it was read")
        return data


class Draft:
    """A file that is being written. Its lock tells others that its writer lives."""

    def __init__(self, held: ExitStack, folder: int) -> None:
        self._name = f"{new_id()}.part"
        self._folder = os.dup(folder)
        held.callback(os.close, self._folder)
        self._file = os.open(self._name, DRAFT, 0o640, dir_fd=self._folder)
        held.callback(os.close, self._file)
        held.callback(self._discard)
        fcntl.flock(self._file, fcntl.LOCK_EX)

    def write(self, piece: bytes) -> None:
        """Append a piece."""
        view = memoryview(piece)
        while view:
            view = view[os.write(self._file, view) :]

    def settle(self) -> None:
        """Return when the bytes are on the disk: what was answered 201 survives a power cut."""
        os.fsync(self._file)

    def rename(self, name: str, folder: int) -> None:
        """Make the file visible."""
        os.rename(self._name, name, src_dir_fd=self._folder, dst_dir_fd=folder)
        os.fsync(folder)

    def _discard(self) -> None:
        with suppress(FileNotFoundError):  # it has been published
            os.unlink(self._name, dir_fd=self._folder)


@asynccontextmanager
async def _closing() -> AsyncIterator[ExitStack]:
    """What is opened in a thread is registered here at once, so that a cancelled task, which
    never gets the thread's answer, closes it too."""
    held = ExitStack()
    try:
        yield held
    finally:
        await in_thread(held.close)


def _sweep(folder: int) -> None:
    """Remove drafts whose writer died: nobody holds their lock any more."""
    for name in os.listdir(folder):
        with suppress(OSError):
            if time.time() - os.stat(name, dir_fd=folder).st_mtime < ABANDONED_SECONDS:
                continue  # it may lie between its creation and its lock
            file = os.open(name, FILE, dir_fd=folder)
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                os.unlink(name, dir_fd=folder)
            finally:
                os.close(file)


def _step(here: int, part: str, *, create: bool) -> int:
    if create:
        with suppress(FileExistsError):
            os.mkdir(part, 0o750, dir_fd=here)
            os.fsync(here)
    return os.open(part, FOLDER | os.O_NOFOLLOW, dir_fd=here)


def _head(file: int) -> Head:
    found = os.fstat(file)
    return Head(
        size=found.st_size,
        etag=f"{found.st_ino:x}-{found.st_mtime_ns:x}-{found.st_size:x}",
        modified=datetime.fromtimestamp(found.st_mtime, UTC),
    )


@contextmanager
def _told() -> Iterator[None]:
    """Names what an OSError of a path means. A full disk passes: that is not the file's fault."""
    try:
        yield
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        raise MediaMissing("no such file") from None
    except PermissionError:
        raise MediaUnavailable("the folder may not be read") from None
    except OSError as error:
        if error.errno in LINKS_AND_SOCKETS:
            raise MediaMissing("not a regular file") from None
        raise
