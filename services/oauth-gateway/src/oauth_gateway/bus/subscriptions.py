"""THE table of this service: event → function → queue."""

from common.bus.subscription import Heard, Reaction, Subscription
from common.contracts.connections import PlatformDisconnected
from oauth_gateway.app.erase_disconnected import erase_disconnected
from oauth_gateway.app.ports import Work


async def _erase(work: Work, heard: Heard) -> None:
    await erase_disconnected(heard.event, work)


SUBSCRIPTIONS: tuple[Subscription, ...] = (Reaction(PlatformDisconnected, "erase", _erase),)
