"""Opens a publication's file for the engine."""

from dataclasses import dataclass

from publisher.domain.publication import Publication
from publisher.media.links import Links
from publisher.media.parts import Files
from publisher.media.ports import MediaRef
from publisher.media.source import PublicationMedia


@dataclass(frozen=True, slots=True)
class Opening:
    """app.ports.MediaSources; nothing is read before the first piece is asked for."""

    files: Files
    links: Links

    def open(self, publication: Publication) -> PublicationMedia:
        """The file that was accepted with the publication."""
        ref = MediaRef.from_json(publication.media)
        return PublicationMedia(publication.id, ref, self.files, self.links)
