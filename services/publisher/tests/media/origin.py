"""A host that serves one file by ranges, honestly or not; it counts who connects."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from localrun.ports import LOOPBACK, free_port

Reply = Callable[[int, int], bytes]


@dataclass
class Origin:
    """`reply(start, stop)` makes the whole answer to a range, head and all."""

    data: bytes
    etag: str | None = '"one"'
    reply: Reply | None = None
    drip: float = 0
    endless: bytes = b""
    """Follows every answer, again and again."""
    hang_up: bool = False
    hits: int = 0
    asked: list[str] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}/clips/clip%20one.mp4?token=t"

    @property
    def entry(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    def honest(self, start: int, stop: int) -> bytes:
        body = self.data[start:stop]
        return partial(body, f"bytes {start}-{start + len(body) - 1}/{len(self.data)}", self.etag)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.hits += 1
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                text = head.decode()
                self.asked.append(text)
                line = next(one for one in text.split("\r\n") if one.lower().startswith("range:"))
                first, _, last = line.partition("=")[2].partition("-")
                answer = (self.reply or self.honest)(int(first), int(last) + 1)
                if self.drip:
                    await self._drip(answer, writer)
                else:
                    writer.write(answer)
                    await writer.drain()
                while self.endless:
                    writer.write(self.endless)
                    await writer.drain()
                if self.hang_up:
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _drip(self, answer: bytes, writer: asyncio.StreamWriter) -> None:
        for at in range(len(answer)):
            writer.write(answer[at : at + 1])
            await writer.drain()
            await asyncio.sleep(self.drip)


def answer(status: str, *headers: str, body: bytes = b"") -> bytes:
    return "\r\n".join(["HTTP/1.1 " + status, *headers, "", ""]).encode() + body


def partial(body: bytes, content_range: str, etag: str | None = '"one"', *more: str) -> bytes:
    tag = (f"ETag: {etag}",) if etag else ()
    return answer(
        "206 Partial Content",
        f"Content-Range: {content_range}",
        f"Content-Length: {len(body)}",
        *tag,
        *more,
        body=body,
    )


@asynccontextmanager
async def origin(
    data: bytes, *, host: str = LOOPBACK, port: int = 0, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Origin]:
    """An origin on a free port."""
    found = Origin(data, port=port or free_port())
    server = await asyncio.start_server(found.serve, host, found.port, ssl=tls)
    try:
        yield found
    finally:
        server.close()
