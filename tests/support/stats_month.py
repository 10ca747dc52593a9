"""A sampling worker whose clock is a file: `python -m support.stats_month`."""

import asyncio
import os
from datetime import datetime
from pathlib import Path

from pydantic import SecretStr

from common.db.engine import connect
from common.http.internal import InternalClient
from common.http.lending import VaultTokens
from common.neighbours import GATEWAY
from platforms.registry import adapters
from platforms.settings import PlatformUrls
from stats_collector.db.uow import WritingUow
from stats_collector.settings import NAME
from stats_collector.worker import sampler
from support.stats_lab import MONTH
from support.token_lender import SECRET


class FileClock:
    """As late as the file says; whoever writes it replaces it as a whole."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def now(self) -> datetime:
        """The simulated instant."""
        return datetime.fromisoformat(self._path.read_text())

    def set(self, moment: datetime) -> None:
        """For the one who moves time."""
        new = self._path.with_suffix(".new")
        new.write_text(moment.isoformat())
        new.replace(self._path)


async def main() -> None:
    """Sample until killed."""
    engine = connect(SecretStr(os.environ["DATABASE_URL"]), NAME)
    clock = FileClock(Path(os.environ["CLOCK"]))
    client = InternalClient(os.environ["LENDER"], caller=NAME, callee=GATEWAY, secret=SECRET)
    platforms = os.environ["PLATFORMS"]
    plugged = adapters(
        PlatformUrls(
            vk_api_url=f"{platforms}/vk",
            rutube_url=f"{platforms}/rutube",
            dzen_api_url=f"{platforms}/dzen",
        )
    )
    stats = {name: adapter.stats for name, adapter in plugged.items() if adapter.stats}
    sampler.POLL_SECONDS = 0.02  # a second here is half an hour there
    await sampler.Sampler(stats, VaultTokens(client), lambda: WritingUow(engine, MONTH, clock)).run(
        asyncio.Event()
    )


if __name__ == "__main__":
    asyncio.run(main())
