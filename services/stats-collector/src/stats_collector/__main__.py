"""`python -m stats_collector http|worker|migrate|topology|doctor|dead`."""

import gc

if __name__ == "__main__":
    gc.disable()  # imports make no garbage, and looking for it is a fifth of the start

from pathlib import Path

from common.doctor import neighbours
from common.service import Service
from common.settings import load
from platforms.pacing import PaceSettings
from platforms.settings import PlatformUrls
from stats_collector import wiring
from stats_collector.bus.subscriptions import SUBSCRIPTIONS
from stats_collector.db import tables
from stats_collector.settings import NAME, Settings

SERVICE = Service(
    name=NAME,
    settings=Settings,
    migrations=Path(__file__).parent / "db/migrations",
    tables=tables.METADATA,
    subscriptions=SUBSCRIPTIONS,
    also=(PlatformUrls, PaceSettings),
    checks=neighbours.CHECKS,
    processes={
        "http": lambda settings, _arguments: wiring.http(settings),
        "worker": lambda settings, _arguments: wiring.worker(
            settings, load(PlatformUrls), load(PaceSettings)
        ),
    },
)

if __name__ == "__main__":
    SERVICE.main()
