"""What the clock does: starts what is due, and calls a worker for whatever nobody attends to.

The row is the truth. Should every queue be lost, this alone restores every publication.
"""

from datetime import datetime, timedelta

from common.contracts.words import Platform
from publisher.app import record
from publisher.app.ports import Line, Uow
from publisher.domain.publication import Publication

BATCH = 500
HOLD_CHECK = timedelta(minutes=1)


async def start_due(uow: Uow) -> int:
    """Move scheduled publications whose time has come; answers how many."""
    rows = await uow.due.start(BATCH)
    for row in rows:
        record.wake(uow, row)
    return len(rows)


async def hold_due(uow: Uow, *, hold_max: timedelta) -> int:
    """Those whose account is not well wait for it, and fail when that takes too long."""
    rows = await uow.due.stuck(BATCH)
    now = await uow.now()
    for row in rows:
        with record.within(row):
            if await _held_too_long(uow, row, now - hold_max):
                await record.failed(
                    uow, row, code="connection_expired", reason="token_refused", fenced=False
                )
            else:
                await _hold(uow, row)
    return len(rows)


async def wake_unattended(uow: Uow, *, quarantine: timedelta, again_after: timedelta) -> int:
    """Publishing rows that are due and that nobody holds: retries, polls, orphans, lost calls."""
    # Calls that a queue does not take would only pile up; the other platforms go on.
    open_to_calls = set(Platform) - await uow.deaf(BATCH)
    if not open_to_calls:
        return 0
    rows = await uow.due.call(BATCH, open_to_calls, quarantine=quarantine)
    again = await uow.due.call_again(open_to_calls, quarantine=quarantine, again_after=again_after)
    for row in (*rows, *again):
        record.wake(uow, row)
    return len(rows) + len(again)


async def _held_too_long(uow: Uow, row: Publication, since: datetime) -> bool:
    """Whether it has waited for its account since then. While it was paused it waited for us."""
    if row.schedule_at is None or row.schedule_at >= since:
        return False
    resumed = await uow.pauses.resumed_at(row)
    return resumed is None or resumed < since


async def _hold(uow: Uow, row: Publication) -> None:
    """Keep it until the account is connected again, and look again in a minute."""
    why = "connection_expired"
    line = Line("held", detail=why) if row.hold is None else ()
    await uow.publications.change(row, hold=why, after=HOLD_CHECK, line=line)
