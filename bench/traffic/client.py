"""A client that costs little: as many connections as asked for, each with one request at a time."""

import asyncio
import time
from collections.abc import Iterator, Mapping
from contextlib import closing


class Refused(Exception):
    """An answer that is not the one expected."""


async def asked(
    port: int, path: str, headers: Mapping[str, str], bodies: Iterator[bytes], *, connections: int
) -> float:
    """POST all bodies; how many were accepted a second. Raises Refused on any other answer."""
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
    head += "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    began, count = time.perf_counter(), 0

    async def one() -> None:
        nonlocal count
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        with closing(writer):
            for body in bodies:
                writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
                answer = await reader.readuntil(b"\r\n\r\n")
                words = answer.lower()
                at = words.index(b"content-length:") + 15
                text = await reader.readexactly(int(words[at : words.index(b"\r\n", at)]))
                if b" 202 " not in answer[:16]:
                    raise Refused(text.decode())
                count += 1

    await asyncio.gather(*(one() for _ in range(connections)))
    return count / (time.perf_counter() - began)
