"""How far a request got: the only thing that decides whether it may have been carried out."""

from dataclasses import dataclass

from platforms.answers import unclear
from platforms.errors import PlatformError, Unavailable


@dataclass(slots=True)
class Trail:
    """Marked on the way, never guessed from the error that ended it."""

    whole: bool
    """The last piece of the body was handed over, or there are no pieces."""
    begun: bool = False
    """There was a connection, and the first byte may have left."""

    def completed(self) -> None:
        self.whole = True

    def failure(self, note: str, *, write: bool) -> PlatformError:
        """Without a connection, or with half a body, nothing can have happened."""
        if not self.begun:
            return Unavailable(note=f"not sent: {note}")
        if not self.whole:
            return Unavailable(note=f"sent in part: {note}")
        return unclear(note, write=write)
