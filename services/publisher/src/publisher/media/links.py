"""Signed, expiring addresses from which a platform fetches a publication's file itself."""

import base64
import hmac
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from urllib.parse import urlencode
from uuid import UUID

from pydantic import SecretStr

from common.clock import Clock
from publisher.media.ports import MediaRef

LIFE = timedelta(hours=24)
"""Rutube fetches when it gets round to it, and asks again when it was interrupted."""
PURPOSE = "clipcast media link v1"


@dataclass(frozen=True, slots=True)
class Links:
    """Makes and checks links. The file is part of the signature: a link never leads to another
    one that a publication may get later."""

    public_url: str
    secret: SecretStr
    clock: Clock

    def link(self, publication_id: UUID, ref: MediaRef) -> str:
        """The part before `?` is the same for each call."""
        expires = int((self.clock.now() + LIFE).timestamp())
        query = urlencode({"expires": expires, "sig": self._sign(publication_id, ref, expires)})
        return f"{self.public_url.rstrip('/')}/v1/files/{publication_id}?{query}"

    def good(self, publication_id: UUID, ref: MediaRef, expires: int, sig: str) -> bool:
        """Whether we signed this and its time is not over."""
        wanted = self._sign(publication_id, ref, expires)
        same = hmac.compare_digest(wanted.encode(), sig.encode(errors="replace"))
        return same and self.clock.now().timestamp() < expires

    def _sign(self, publication_id: UUID, ref: MediaRef, expires: int) -> str:
        said = "\0".join((PURPOSE, str(publication_id), str(expires), ref.source)).encode()
        digest = hmac.new(self.secret.get_secret_value().encode(), said, sha256).digest()
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")
