"""Pauses and resumes, and leaves a trail of it: rows, audit and log line of one transaction."""

from functools import partial

from common.observe import logs
from publisher.app.pauses import BURST, Action, Pause, Scope
from publisher.app.ports import Uow

log = logs.get(__name__)


async def pause_publishing(uow: Uow, pause: Pause) -> bool:
    """Nothing of it is begun from now on. False when it was paused already."""
    if not await uow.pauses.add(pause):
        return False
    await uow.pauses.audit(
        Action.PAUSED, pause.scope, pause.id, by=pause.paused_by, reason=pause.reason
    )
    tell = log.warning if pause.paused_by == BURST else log.info
    uow.then(
        partial(
            tell,
            "publishing_paused",
            scope=pause.scope,
            of=pause.id,
            by=pause.paused_by,
            reason=pause.reason,
        )
    )
    return True


async def resume_publishing(
    uow: Uow, scope: Scope, name: str, *, by: str, reason: str | None
) -> bool:
    """What became due meanwhile starts at once. False when it was not paused."""
    if not await uow.pauses.remove(scope, name):
        return False
    await uow.pauses.audit(Action.RESUMED, scope, name, by=by, reason=reason)
    uow.then(partial(log.info, "publishing_resumed", scope=scope, of=name, by=by, reason=reason))
    return True
