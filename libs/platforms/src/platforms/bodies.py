"""Bodies of uploads: streams of known length, so that memory does not grow with the file."""

import secrets
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from dataclasses import dataclass

from platforms.port import Media

Progress = Callable[[int], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Body:
    """A file with what has to stand before and after it on the wire."""

    media: Media
    content_type: str
    progress: Progress
    """Told how many bytes of the file have been handed to the network."""
    head: bytes = b""
    tail: bytes = b""

    @property
    def length(self) -> int:
        """Exact `Content-Length`."""
        return len(self.head) + self.media.size + len(self.tail)

    async def stream(self, last: Callable[[], None]) -> AsyncGenerator[bytes, None]:
        """The pieces in order. `last` is called right before the final one is handed over:
        until then a platform can't have received a whole request."""
        if self.head:
            yield self.head
        sent = 0
        pieces = self.media.stream()
        try:
            async for piece in pieces:
                if not self.tail and sent + len(piece) >= self.media.size:
                    last()
                yield piece
                sent += len(piece)
                await self.progress(sent)
        finally:
            if isinstance(pieces, AsyncGenerator):
                await pieces.aclose()
        if sent == self.media.size:
            last()
        if self.tail:
            yield self.tail


def raw(media: Media, progress: Progress, *, content_type: str = "video/mp4") -> Body:
    """The bare file, for PUT."""
    return Body(media, content_type, progress)


def multipart(
    media: Media, progress: Progress, *, name: str, fields: Mapping[str, str] | None = None
) -> Body:
    """`multipart/form-data` with the file in the part `name`, built by hand: a library's own
    multipart reads files inside the event loop."""
    boundary = secrets.token_hex(16)
    head = b"".join(
        f'--{boundary}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'.encode()
        for key, value in (fields or {}).items()
    )
    head += (
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"; '
        f'filename="{_quoted(media.name)}"\r\nContent-Type: video/mp4\r\n\r\n'
    ).encode()
    return Body(
        media,
        f"multipart/form-data; boundary={boundary}",
        progress,
        head=head,
        tail=f"\r\n--{boundary}--\r\n".encode(),
    )


def _quoted(name: str) -> str:
    # As browsers do (WHATWG): only what would end the quoted string or the line is escaped.
    for sign, escaped in (('"', "%22"), ("\r", "%0D"), ("\n", "%0A")):
        name = name.replace(sign, escaped)
    return name
