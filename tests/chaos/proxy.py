"""A TCP proxy that misbehaves on command: between a process and a server, on one machine.

Rules hold for connections that are open and for those to come, until the next `calm`. What one way
of a connection lost (`blackhole`) can't be made up for, so `calm` cuts such connections.
"""

import asyncio
import random
import socket
import struct
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from enum import StrEnum

from localrun.ports import LOOPBACK, free_port

CHUNK = 64 * 1024
AHEAD = 64
"""Pieces that may be under way when a connection is slow; a sender then has to wait."""
NO_LINGER = struct.pack("ii", 1, 0)


class Way(StrEnum):
    """The direction in which a rule holds."""

    TO_SERVER = "to_server"
    TO_CLIENT = "to_client"


BOTH = (Way.TO_SERVER, Way.TO_CLIENT)


@dataclass(frozen=True, slots=True)
class Rules:
    """What happens to bytes that go one way."""

    delay: float = 0.0
    jitter: float = 0.0
    bytes_per_second: int | None = None
    blackhole: bool = False
    drop_after: int | None = None


CALM = Rules()
Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Proxy:
    """One listener on a port of its own, in front of `target()`, which is asked per connection."""

    def __init__(self, target: Callable[[], int], *, seed: int = 0) -> None:
        self.port = free_port()
        self._target = target
        self._random = random.Random(seed)
        self._rules = dict.fromkeys(Way, CALM)
        self._links: set[_Link] = set()
        self._server: asyncio.Server | None = None

    @property
    def links(self) -> int:
        """How many connections are open."""
        return len(self._links)

    def rules(self, way: Way) -> Rules:
        """What holds now."""
        return self._rules[way]

    async def start(self) -> None:
        """Listen."""
        if self._server is None:
            self._server = await asyncio.start_server(self._accept, LOOPBACK, self.port)

    async def stop(self) -> None:
        """End everything."""
        self.refuse()
        self.cut()

    async def calm(self) -> None:
        """No more faults: listen, let everything through, cut what has holes in it."""
        self._rules = dict.fromkeys(Way, CALM)
        for link in [one for one in self._links if one.torn]:
            link.close(reset=False)
        await self.start()

    def cut(self) -> None:
        """Close every open connection now; what is under way is lost."""
        for link in list(self._links):
            link.close(reset=False)

    def rst(self) -> None:
        """Reset every open connection now."""
        for link in list(self._links):
            link.close(reset=True)

    def half_close(self, way: Way) -> None:
        """Let the receiving side of each open connection believe that the other has finished."""
        for link in list(self._links):
            link.finish(way)

    def refuse(self) -> None:
        """Take no new connections; open ones live on."""
        if self._server is not None:
            self._server.close()
            self._server = None

    def delay(self, seconds: float, jitter: float = 0.0, ways: tuple[Way, ...] = BOTH) -> None:
        """Hand on every piece that much later, in order."""
        self._set(ways, delay=seconds, jitter=jitter)

    def limit(self, bytes_per_second: int, ways: tuple[Way, ...] = BOTH) -> None:
        """Hand on no more than that."""
        self._set(ways, bytes_per_second=bytes_per_second)

    def blackhole(self, ways: tuple[Way, ...] = BOTH) -> None:
        """Accept connections and bytes, hand on nothing."""
        self._set(ways, blackhole=True)

    def drop_after(self, count: int, ways: tuple[Way, ...] = BOTH) -> None:
        """Cut each connection once it has carried that many more bytes."""
        self._set(ways, drop_after=count)

    def pause(self, way: Way) -> float:
        """How long the next piece has to wait."""
        rules = self._rules[way]
        swing = rules.jitter * (2 * self._random.random() - 1)
        return max(0.0, rules.delay + swing)

    def _set(self, ways: tuple[Way, ...], **change: float | bool | None) -> None:
        for way in ways:
            self._rules[way] = replace(self._rules[way], **change)  # type: ignore[arg-type] # by name

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            server = await asyncio.open_connection(LOOPBACK, self._target())
        except OSError:
            _abort(writer, reset=True)
            return
        link = _Link(self, (reader, writer), server)
        self._links.add(link)
        try:
            await link.run()
        finally:
            self._links.discard(link)


@dataclass(eq=False)
class _Link:
    """One connection through the proxy: a pump each way."""

    proxy: Proxy
    client: Stream
    server: Stream
    torn: bool = False
    _tasks: list["asyncio.Task[None]"] = field(default_factory=list)
    _finished: set[Way] = field(default_factory=set)

    async def run(self) -> None:
        """Until both ways have ended, or either broke."""
        ways = (
            (Way.TO_SERVER, self.client[0], self.server[1]),
            (Way.TO_CLIENT, self.server[0], self.client[1]),
        )
        for way, source, sink in ways:
            ahead: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(AHEAD)
            self._tasks.append(asyncio.create_task(self._read(way, source, ahead)))
            self._tasks.append(asyncio.create_task(self._write(way, ahead, sink)))
        try:
            await asyncio.wait(self._tasks, return_when=asyncio.FIRST_EXCEPTION)
        finally:
            self.close(reset=False)
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def close(self, *, reset: bool) -> None:
        """End it now; safe to repeat."""
        for _, writer in (self.client, self.server):
            _abort(writer, reset=reset)
        for task in self._tasks:
            task.cancel()

    def finish(self, way: Way) -> None:
        """Send the end of the stream that way; later bytes are dropped."""
        self._finished.add(way)
        self.torn = True
        _end(self.server[1] if way is Way.TO_SERVER else self.client[1])

    async def _read(
        self, way: Way, source: asyncio.StreamReader, ahead: "asyncio.Queue[tuple[float, bytes]]"
    ) -> None:
        clock = asyncio.get_running_loop().time
        counted, under = 0, self.proxy.rules(way)
        while True:
            rate = self.proxy.rules(way).bytes_per_second
            piece = await source.read(min(CHUNK, max(1, rate // 10)) if rate else CHUNK)
            rules = self.proxy.rules(way)
            if rules is not under:
                counted, under = 0, rules
            counted += len(piece)
            if rules.drop_after is not None and piece and counted >= rules.drop_after:
                self.close(reset=False)
                return
            if rules.blackhole or way in self._finished:
                self.torn = True
                if piece:
                    continue
                return  # even that the other side has gone stays unsaid
            await ahead.put((clock() + self.proxy.pause(way), piece))
            if not piece:
                return
            if rules.bytes_per_second:
                await asyncio.sleep(len(piece) / rules.bytes_per_second)

    async def _write(
        self, way: Way, ahead: "asyncio.Queue[tuple[float, bytes]]", sink: asyncio.StreamWriter
    ) -> None:
        clock = asyncio.get_running_loop().time
        while True:
            due, piece = await ahead.get()
            if (rest := due - clock()) > 0:
                await asyncio.sleep(rest)
            if way in self._finished:
                return
            if not piece:
                _end(sink)
                return
            sink.write(piece)
            await sink.drain()


def _end(writer: asyncio.StreamWriter) -> None:
    with suppress(OSError, RuntimeError):
        if writer.can_write_eof():
            writer.write_eof()


def _abort(writer: asyncio.StreamWriter, *, reset: bool) -> None:
    plug: socket.socket | None = writer.get_extra_info("socket")
    if reset and plug is not None:
        with suppress(OSError):
            plug.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
    writer.transport.abort()
