"""A wire between the services and the platforms that remembers every byte."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from localrun.ports import LOOPBACK, free_port

CHUNK = 64 * 1024


class Wire:
    """A TCP proxy; `sent` is what the services said, `answered` what the platforms did."""

    def __init__(self, target: Callable[[], int]) -> None:
        self.port = free_port()
        self._target = target
        self._sent: list[bytearray] = []
        self._answered: list[bytearray] = []
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def sent(self) -> bytes:
        """Connection after connection."""
        return b"\n".join(self._sent)

    @property
    def answered(self) -> bytes:
        """Connection after connection."""
        return b"\n".join(self._answered)

    @contextmanager
    def listening(self) -> Iterator[None]:
        """In a thread of its own, for tests that are not asynchronous."""
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_forever, daemon=True)
        thread.start()
        serve = asyncio.start_server(self._accept, LOOPBACK, self.port)
        server = asyncio.run_coroutine_threadsafe(serve, loop).result(10)
        try:
            yield
        finally:
            loop.call_soon_threadsafe(server.close)
            loop.call_soon_threadsafe(loop.stop)
            thread.join(10)

    async def _accept(self, near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        try:
            far, forth = await asyncio.open_connection(LOOPBACK, self._target())
        except OSError:
            back.transport.abort()
            return
        self._sent.append(sent := bytearray())
        self._answered.append(answered := bytearray())
        for one in (self._carry(near, forth, sent), self._carry(far, back, answered)):
            task = asyncio.get_running_loop().create_task(one)
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _carry(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, kept: bytearray
    ) -> None:
        with suppress(OSError):
            while piece := await source.read(CHUNK):
                kept += piece
                sink.write(piece)
                await sink.drain()
        sink.close()
