"""`python -m oauth_gateway http|worker|migrate|topology|doctor|dead|keys|reseal`."""

import gc

if __name__ == "__main__":
    gc.disable()  # imports make no garbage, and looking for it is a fifth of the start

from pathlib import Path

from common.service import Service
from oauth_gateway import doctor, wiring
from oauth_gateway.bus.subscriptions import SUBSCRIPTIONS
from oauth_gateway.commands import COMMANDS
from oauth_gateway.db import tables
from oauth_gateway.settings import GatewaySettings

MIGRATIONS = Path(__file__).parent / "db/migrations"

if __name__ == "__main__":
    Service(
        name=wiring.NAME,
        settings=GatewaySettings,
        migrations=MIGRATIONS,
        tables=tables.metadata,
        subscriptions=SUBSCRIPTIONS,
        processes={"http": wiring.http, "worker": wiring.worker},
        commands=COMMANDS,
        checks=doctor.CHECKS,
    ).main()
