"""Settles a new publication's file, by key or by address, for the gateway's routes."""

from dataclasses import dataclass

from publisher.media.accept import accept_key, accept_url
from publisher.media.errors import MediaMissing
from publisher.media.parts import MediaParts
from publisher.media.ports import MediaRef


@dataclass(frozen=True, slots=True)
class Accepting:
    """http.gateway.Accept over the store and the allowed hosts."""

    parts: MediaParts

    async def __call__(self, user: str, *, key: str | None, url: str | None) -> MediaRef:
        """Raises media.errors.MediaError."""
        if key is not None:
            return await accept_key(self.parts, key, user)
        if url is not None:
            return await accept_url(self.parts, url)
        raise MediaMissing("neither a key nor an address")
