"""`python -m sandbox http` serves all simulated platforms on one port."""

from __future__ import annotations

import sys

import uvicorn

from sandbox.app import create_app
from sandbox.settings import Settings
from sandbox.transport import DroppableProtocol
from sandbox.world import make_world


def main() -> None:
    """Serve until a signal ends it."""
    if sys.argv[1:] != ["http"]:
        sys.exit("usage: python -m sandbox http")
    settings = Settings()
    uvicorn.run(
        create_app(make_world(settings)),
        host=settings.http_host,
        port=settings.http_port,
        http=DroppableProtocol,
        ws="none",
        access_log=False,  # the journal is the log, with secrets masked
        log_level="warning",
        server_header=False,
        timeout_graceful_shutdown=1,  # do not wait for clients of "timeout"
    )


if __name__ == "__main__":
    main()
