"""`python -m oauth_gateway http|worker|migrate|topology|dead|keys|reseal`."""

from pathlib import Path

from common.service import Service
from oauth_gateway import wiring
from oauth_gateway.bus.subscriptions import SUBSCRIPTIONS
from oauth_gateway.commands import COMMANDS
from oauth_gateway.settings import GatewaySettings

MIGRATIONS = Path(__file__).parent / "db/migrations"

if __name__ == "__main__":
    Service(
        name=wiring.NAME,
        settings=GatewaySettings,
        migrations=MIGRATIONS,
        subscriptions=SUBSCRIPTIONS,
        processes={"http": wiring.http, "worker": wiring.worker},
        commands=COMMANDS,
    ).main()
