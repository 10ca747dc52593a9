"""PublicationPublished: a post that went through proves its account healthy."""

from common.bus.subscription import Heard
from common.contracts.publisher import PublicationPublished
from connections.app.ports import Uow


async def note_publication(uow: Uow, heard: Heard) -> None:
    """Only ever moves `checked_at` forward."""
    fact: PublicationPublished = heard.event
    known = await uow.connections.lock(fact.connection_id)
    if known is not None and known.live:
        proven = known.proven(fact.published_at)
        if proven is not known:
            await uow.connections.save(proven)
