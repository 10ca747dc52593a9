"""A publication's file as the platform adapters see it (`platforms.port.Media`)."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from uuid import UUID

from publisher.media.links import Links
from publisher.media.parts import Files
from publisher.media.ports import MediaRef


class PublicationMedia:
    """Opened anew for each attempt; nothing is read before the first piece is asked for."""

    def __init__(self, publication_id: UUID, ref: MediaRef, files: Files, links: Links) -> None:
        self.name = ref.name
        self.size = ref.bytes
        self.sha256 = ref.sha256
        self.duration = ref.duration
        self.width = ref.width
        self.height = ref.height
        self._publication_id = publication_id
        self._ref = ref
        self._files = files
        self._links = links

    async def stream(self) -> AsyncGenerator[bytes, None]:
        """The whole file in pieces of 1 MiB.

        Raises MediaChanged before the first byte when it is not the file that was accepted, or
        at the piece where it became another; MediaMissing, MediaRefused, MediaUnavailable.
        """
        async with (
            self._files.open(self._ref) as opened,
            aclosing(opened.pieces(0, self.size)) as pieces,
        ):
            async for piece in pieces:
                yield piece

    def link(self) -> str:
        """A signed address of the file; the part before `?` never changes."""
        return self._links.link(self._publication_id, self._ref)
