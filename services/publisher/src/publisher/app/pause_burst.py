"""Pauses an account that suddenly publishes far too much: a stolen token, or a loop somewhere."""

from uuid import UUID

from common.durations import show
from publisher.app import record
from publisher.app.pause_publishing import pause_publishing
from publisher.app.pauses import BURST, Pause, Scope
from publisher.app.ports import Uow
from publisher.domain.burst import Burst


async def pause_burst(uow: Uow, publication_id: UUID, burst: Burst | None) -> bool:
    """Look at one that could not be claimed, in the transaction that tried; True when its account
    has had as many as `burst` allows, and is paused now. The publication waits."""
    if burst is None:
        return False
    row = await uow.due.beyond(publication_id, burst)
    if row is None:
        return False
    reason = f"{burst.most} publications within {show(burst.within)}, as many as BURST_LIMIT allows"
    pause = Pause(Scope.CONNECTION, str(row.connection_id), BURST, reason)
    with record.within(row):  # which need not be the one that was called for
        if await pause_publishing(uow, pause):
            await uow.timeline.note(row, "paused", detail=BURST)
    return True
