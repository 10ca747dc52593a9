"""TokenRefreshFailed: a definite refusal of the present grant expires the connection."""

from common.bus.subscription import Heard
from common.contracts.oauth import TokenRefreshFailed
from connections.app.expire import expire
from connections.app.ports import Uow


async def note_refusal(uow: Uow, heard: Heard) -> None:
    """A temporary failure, or one of a grant that has been renewed since, changes nothing."""
    fact: TokenRefreshFailed = heard.event
    if not fact.definite:
        return
    known = await uow.connections.lock(fact.connection_id)
    if known is not None and known.live and known.grant_number == fact.grant_number:
        await expire(uow, known, fact.reason)
