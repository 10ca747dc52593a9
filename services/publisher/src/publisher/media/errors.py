"""How a media file can be no good; whoever asked decides what becomes of the publication.

MediaError
├── MediaMissing      not there, or nobody may read it any more: waiting won't help
├── MediaChanged      not the file that was accepted
├── MediaTooLarge     longer than is taken
├── MediaRefused      an address that is not allowed, or a server that does not serve byte ranges
├── MediaUnavailable  the store or the host does not answer: the same may work later
└── NotVideo          not a whole MP4 or MOV with a picture
"""


class MediaError(Exception):
    """`why` is a short technical remark, safe to log and to keep: no address, no content."""

    def __init__(self, why: str = "") -> None:
        self.why = why
        super().__init__(why)


class MediaMissing(MediaError):
    """There is no such file."""


class MediaChanged(MediaError):
    """Size or tag differ from what was accepted."""


class MediaTooLarge(MediaError):
    """More bytes than the limit."""


class MediaRefused(MediaError):
    """We do not fetch from there."""


class MediaUnavailable(MediaError):
    """Nothing is wrong with the file as far as we know; it can't be read now."""


class NotVideo(MediaError):
    """No platform would show this."""
