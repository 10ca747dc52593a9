"""Serves one file under a signed link, as the gateway does for Rutube, with nothing else beside it.

    python -m bench.sinks.serving FOLDER KEY

Its first line is the link. The product's own route, signature, store and server settings; what is
left out is the look into the database at which file the publication has.
"""

import json
import socket
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import uvicorn
import uvloop
from fastapi import FastAPI
from pydantic import SecretStr

from common.clock import SystemClock
from common.http import problems
from publisher.http.media import router
from publisher.media.links import Links
from publisher.media.parts import Files, MediaParts
from publisher.media.ports import MediaRecord, MediaRef
from publisher.media.remote import Remote
from publisher.media.store import open_store

PUBLICATION = UUID(int=1)


@dataclass(frozen=True)
class OnePublication:
    """media.ports.Publications and MediaBook without a database."""

    ref: MediaRef

    async def media_of(self, publication_id: UUID) -> MediaRef | None:
        """The one file there is."""
        return self.ref if publication_id == PUBLICATION else None

    async def find(self, key: str, user: str) -> MediaRecord | None:
        """Nothing was uploaded."""
        del key, user
        return None

    async def add(self, record: MediaRecord) -> None:
        """Nothing is uploaded."""
        raise NotImplementedError(record.key)


async def serve(folder: str, key: str, listening: socket.socket) -> None:
    """Serve until the process is ended."""
    files = Files(open_store(folder), Remote(()))
    async with files.store.open(key) as opened:
        head = opened.head
    ref = MediaRef(key, None, "clip.mp4", head.size, None, head.etag, 1.0, 1080, 1920)
    rows, clock = OnePublication(ref), SystemClock()
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    links = Links(url, SecretStr("a secret of this run"), clock)
    app = FastAPI()
    problems.install(app)
    app.include_router(router)
    app.state.media = MediaParts(files, rows, rows, links, clock, max_bytes=head.size)
    sys.stdout.write(json.dumps({"link": links.link(PUBLICATION, ref)}) + "\n")
    sys.stdout.flush()
    config = uvicorn.Config(app, log_config=None, access_log=False)
    await uvicorn.Server(config).serve(sockets=[listening])


def main(words: Sequence[str]) -> None:
    """The command."""
    folder, key = words
    with socket.create_server(("127.0.0.1", 0)) as listening:
        uvloop.run(serve(folder, key, listening))


if __name__ == "__main__":
    main(sys.argv[1:])
