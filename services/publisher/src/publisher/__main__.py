"""`python -m publisher http|clock|worker|migrate|topology|doctor|dead`."""

import gc

if __name__ == "__main__":
    gc.disable()  # imports make no garbage, and looking for it is a fifth of the start

import argparse
from pathlib import Path

from common.contracts.words import Platform
from common.service import Service
from publisher import doctor, wiring
from publisher.bus.subscriptions import SUBSCRIPTIONS
from publisher.db import tables
from publisher.settings import PublisherSettings


def _platforms(value: str) -> tuple[Platform, ...]:
    try:
        return tuple(Platform(name.strip()) for name in value.split(","))
    except ValueError:
        names = ", ".join(Platform)
        raise argparse.ArgumentTypeError(f"a comma list of {names}") from None


def _worker_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--platform",
        type=_platforms,
        default=tuple(Platform),
        help="the platforms this worker publishes to, comma separated",
    )


SERVICE = Service(
    name="publisher",
    settings=PublisherSettings,
    migrations=Path(__file__).parent / "db" / "migrations",
    tables=tables.metadata,
    subscriptions=SUBSCRIPTIONS,
    checks=doctor.CHECKS,
    processes={
        "http": lambda settings, _: wiring.http(settings),
        "clock": lambda settings, _: wiring.clock(settings),
        "worker": lambda settings, chosen: wiring.worker(settings, chosen.platform),
    },
    arguments={"worker": _worker_arguments},
)

if __name__ == "__main__":
    SERVICE.main()
