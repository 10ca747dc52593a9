"""`python -m connections http|worker|migrate|topology|doctor|dead`."""

import gc

if __name__ == "__main__":
    gc.disable()  # imports make no garbage, and looking for it is a fifth of the start

from pathlib import Path

from common.doctor import neighbours
from common.service import Service
from common.settings import load
from connections import wiring
from connections.bus.subscriptions import SUBSCRIPTIONS
from connections.db import tables
from connections.settings import NAME, Settings
from platforms.settings import PlatformUrls

SERVICE = Service(
    name=NAME,
    settings=Settings,
    migrations=Path(__file__).parent / "db/migrations",
    tables=tables.METADATA,
    subscriptions=SUBSCRIPTIONS,
    also=(PlatformUrls,),
    checks=neighbours.CHECKS,
    processes={
        "http": lambda settings, _arguments: wiring.http(settings, load(PlatformUrls)),
        "worker": lambda settings, _arguments: wiring.worker(settings),
    },
)

if __name__ == "__main__":
    SERVICE.main()
