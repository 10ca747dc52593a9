"""A system of which nothing is there: for what needs settings and asks nobody."""

from pathlib import Path

from localrun.environment import Places
from localrun.plan import SANDBOX, SERVICES
from localrun.ports import LOOPBACK

HTTP = f"http://{LOOPBACK}:1"


def places(
    folder: Path, *, http: str = HTTP, rabbitmq: str = f"amqp://{LOOPBACK}:1/none"
) -> Places:
    """Nobody listens on port 1; `folder` is for files."""
    return Places(
        urls=dict.fromkeys((*SERVICES, SANDBOX), http),
        sandbox=http,
        databases=dict.fromkeys(SERVICES, f"postgresql://nobody@{LOOPBACK}:1/none"),
        rabbitmq=dict.fromkeys(SERVICES, rabbitmq),
        redis=f"redis://{LOOPBACK}:1/0",
        media=folder / "media",
        ledger=folder / "ledger",
    )
