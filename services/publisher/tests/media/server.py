"""The media routes in a process of their own, so that its memory can be measured."""

import sys
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import uvicorn
from fastapi import FastAPI
from pydantic import SecretStr

from common.auth.callers import Verifier
from common.clock import SystemClock
from common.http import problems
from publisher.http.media import router
from publisher.media.links import Links
from publisher.media.parts import Files, MediaParts
from publisher.media.ports import MediaRecord, MediaRef
from publisher.media.remote import Remote
from publisher.media.store import open_store
from support.people import JWT_SECRET

PUBLICATION = UUID(int=7)
SECRET = SecretStr("0a1b2c3d4e5f60718293a4b5c6d7e8f9")


@dataclass
class OneFile:
    """The file uploaded last belongs to the one publication there is."""

    records: list[MediaRecord] = field(default_factory=list)

    async def add(self, record: MediaRecord) -> None:
        self.records.append(record)

    async def find(self, _key: str, _user: str) -> MediaRecord | None:
        return None

    async def media_of(self, publication_id: UUID) -> MediaRef | None:
        if publication_id != PUBLICATION or not self.records:
            return None
        last = self.records[-1]
        return ref_of(last.key, last.bytes, last.etag)


def ref_of(key: str, size: int, etag: str) -> MediaRef:
    return MediaRef(key, None, "a.mp4", size, None, etag, 4.0, 270, 480)


def main(store: str, port: str) -> None:
    rows = OneFile()
    app = FastAPI()
    problems.install(app)
    app.include_router(router)
    app.state.verifier = Verifier(secret=SecretStr(JWT_SECRET), jwks_url=None, issuer=None)
    app.state.media = MediaParts(
        files=Files(open_store(store), Remote(())),
        book=rows,
        publications=rows,
        links=Links(f"http://127.0.0.1:{port}", SECRET, SystemClock()),
        clock=SystemClock(),
        max_bytes=2**40,
    )
    uvicorn.run(app, host="127.0.0.1", port=int(port), loop="uvloop", log_level="error")


if __name__ == "__main__":
    sys.path[:0] = [str(path) for path in Path(__file__).parents[4].glob("tests")]
    main(*sys.argv[1:])
