"""TokenRefreshed: people see until when the present token is good."""

from common.bus.subscription import Heard
from common.contracts.oauth import TokenRefreshed
from connections.app.ports import Uow


async def note_refresh(uow: Uow, heard: Heard) -> None:
    """Late news and news about removed accounts change nothing."""
    fact: TokenRefreshed = heard.event
    known = await uow.connections.lock(fact.connection_id)
    if known is not None and known.live:
        changed = known.refreshed(fact.expires_at)
        if changed is not known:
            await uow.connections.save(changed)
