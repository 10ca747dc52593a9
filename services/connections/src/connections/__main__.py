"""`python -m connections http|worker|migrate|topology|dead`."""

from pathlib import Path

from common.service import Service
from common.settings import load
from connections import wiring
from connections.bus.subscriptions import SUBSCRIPTIONS
from connections.settings import NAME, Settings
from platforms.settings import PlatformUrls

SERVICE = Service(
    name=NAME,
    settings=Settings,
    migrations=Path(__file__).parent / "db/migrations",
    subscriptions=SUBSCRIPTIONS,
    processes={
        "http": lambda settings, _arguments: wiring.http(settings, load(PlatformUrls)),
        "worker": lambda settings, _arguments: wiring.worker(settings),
    },
)

if __name__ == "__main__":
    SERVICE.main()
