"""A process of publisher's gateway: `python -m bench.traffic.gateway stored | redis | alone`."""

import sys

from bench.traffic.no_database import without_database
from common import process
from common.settings import load
from publisher.settings import PublisherSettings
from publisher.wiring import http_app

STORED, REDIS, ALONE = "stored", "redis", "alone"
"""As it is; without PostgreSQL; without anything outside of the process."""


def main(side: str) -> None:
    """Serve until told to stop."""
    settings = load(PublisherSettings)
    app = http_app(settings)
    if side != STORED:
        app = without_database(app, redis=side == REDIS)
    process.serve(app, settings)


if __name__ == "__main__":
    main(sys.argv[1])
