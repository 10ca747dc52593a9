"""What follows when a platform says no, by class: wait, try again, fail, or ask a person."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from common.lending import ConnectionLost, VaultUnavailable
from common.observe import logs
from platforms.errors import (
    AccessRevoked,
    ContentRefused,
    NotYet,
    OutcomeUnknown,
    PlatformError,
    RateLimited,
    StartOver,
    TokenExpired,
    Unavailable,
)
from platforms.port import Guard
from platforms.reasons import Reason
from publisher.app import record as end
from publisher.app.ports import Uow
from publisher.domain.publication import AFRESH, Publication, Stage
from publisher.domain.retry import PATIENCE, next_delay, waited_out
from publisher.media.errors import MediaChanged, MediaError, MediaUnavailable

log = logs.get(__name__)
EXPECTED = (PlatformError, VaultUnavailable, MediaUnavailable, TimeoutError)
"""Anything else that ends here is a bug of ours."""


async def record(
    uow: Uow,
    row: Publication,
    error: Exception,
    *,
    guard: Guard,
    doubt: bool,
    columns: Mapping[str, Any],
    delays: Sequence[timedelta],
    quarantine: timedelta,
) -> None:
    """Write what `error` means for the publication; nothing when the fence is lost.

    `doubt`: the step at which the row stands may have happened. `columns`: what else to write,
    such as that a begun step surely did not happen. A vault of ours that is away costs nobody an
    attempt, for a day.
    """
    if isinstance(error, StartOver):
        columns = AFRESH
    if row.cancel_requested and not columns.get("visible", row.visible):
        await _stop(uow, row, columns)
        return
    match error:
        case RateLimited():
            await _wait(uow, row, error, delays, columns)
        case TokenExpired() | AccessRevoked() | ConnectionLost():
            await _fail(uow, row, "connection_expired", "token_refused", error, columns)
        case MediaChanged():
            await _fail(uow, row, "media_changed", "media_changed", error, columns)
        case MediaError() if not isinstance(error, MediaUnavailable):
            await _fail(uow, row, "media_not_found", "media_not_found", error, columns)
        case PlatformError() if not isinstance(error, Unavailable | OutcomeUnknown):
            await _fail(uow, row, error.code, error.reason.value, error, columns)
        case VaultUnavailable() if await uow.now() - await _could_go(uow, row) < PATIENCE:
            await _park(uow, row, error, next_delay(1, delays) or PATIENCE, columns)
        case _:
            if not isinstance(error, EXPECTED):
                log.error("publish_job_bug", **end.ids(row), exc_info=error)
            await _again(
                uow,
                row,
                error,
                delays,
                columns,
                lost=doubt and guard is Guard.ONCE,
                # Our call has ended, but at the platform it may still be under way.
                least=quarantine if doubt else timedelta(0),
            )


def proves_nothing_happened(error: Exception) -> bool:
    """Whether the platform surely did not do what was asked.

    A file that can't be read to its end was not sent to its end, so nothing was posted.
    """
    if isinstance(error, PlatformError):
        return not isinstance(error, OutcomeUnknown)
    return isinstance(error, MediaError | ConnectionLost | VaultUnavailable)


async def _stop(uow: Uow, row: Publication, columns: Mapping[str, Any]) -> None:
    """A wish to cancel outweighs everything while nobody can see a post: come back and undo."""
    await end.parked(
        uow,
        row,
        after=timedelta(0),
        stage=Stage.WAITING,
        why="cancel",
        kind="stopped",
        **columns,
    )


async def _wait(
    uow: Uow,
    row: Publication,
    told: RateLimited,
    delays: Sequence[timedelta],
    columns: Mapping[str, Any],
) -> None:
    """Wait as long as was told, with the whole account unless only this call is meant. It costs no
    attempt; but a platform that says nothing else for a day is not waited for any longer."""
    now = await uow.now()
    if not isinstance(told, NotYet):
        await uow.connections.rest(row.connection_id, now + told.retry_after)
    if not told.ours:
        since = await uow.timeline.told_since(row)
        if waited_out(now, due=_due(row), told_since=since, delays=delays):
            await _give_up(uow, row, told, Reason.WAITED_TOO_LONG.value, columns)
            return
    await end.parked(
        uow,
        row,
        after=told.retry_after,
        stage=Stage.WAITING,
        why=told.reason.value,
        kind="in_line" if told.ours else "told_to_wait",
        **columns,
    )


def _due(row: Publication) -> datetime:
    return row.schedule_at or row.created_at


async def _could_go(uow: Uow, row: Publication) -> datetime:
    """Since when: a pause, however long, uses up no patience."""
    resumed = await uow.pauses.resumed_at(row)
    return max(_due(row), resumed) if resumed else _due(row)


async def _fail(
    uow: Uow,
    row: Publication,
    code: str,
    reason: str,
    error: Exception,
    columns: Mapping[str, Any],
) -> None:
    """It ends. What people may see by now has only failed if the platform itself says that it does
    not show it: whoever refuses to tell us more leaves it to a person to look."""
    note = error.note if isinstance(error, PlatformError) else type(error).__name__
    if columns.get("visible", row.visible) and not isinstance(error, ContentRefused):
        await end.uncertain(uow, row, step=row.step or "", fenced=True, code=code, reason=reason)
        return
    await end.failed(uow, row, code=code, reason=reason, fenced=True, detail=note, **columns)


async def _again(
    uow: Uow,
    row: Publication,
    error: Exception,
    delays: Sequence[timedelta],
    columns: Mapping[str, Any],
    *,
    lost: bool,
    least: timedelta,
) -> None:
    """Another attempt later, or the end. A doubt is kept, so that the next attempt looks first.

    What people may see by now is never called failed for want of an answer: a person decides.
    """
    # Steps that came to nothing were no progress: then every attempt since the request counts.
    failures = row.attempt if isinstance(error, StartOver) else row.failures + 1
    delay = next_delay(failures, delays)
    if delay is None or (lost and columns.get("visible", row.visible)):
        await _give_up(uow, row, error, _exhausted(error), columns)
    else:
        await _park(uow, row, error, max(delay, least), columns, failures=failures)


async def _park(
    uow: Uow,
    row: Publication,
    error: Exception,
    delay: timedelta,
    columns: Mapping[str, Any],
    **more: Any,  # noqa: ANN401 - column values
) -> None:
    done = await end.parked(
        uow,
        row,
        after=delay,
        stage=Stage.WAITING,
        why="retry",
        kind="retry",
        **columns,
        **more,
    )
    if done is not None:
        said = partial(
            log.warning,
            "publish_job_retry",
            **end.ids(done),
            error=type(error).__name__,
            step=done.step,
            after_seconds=round(delay.total_seconds(), 1),
        )
        uow.then(said)


async def _give_up(
    uow: Uow, row: Publication, error: Exception, reason: str, columns: Mapping[str, Any]
) -> None:
    if columns.get("visible", row.visible):
        await end.uncertain(uow, row, step=row.step or "", fenced=True)
    else:
        await _fail(uow, row, "retries_exhausted", reason, error, columns)


def _exhausted(error: Exception) -> str:
    """What to tell when no attempt is left: the platform's own reason, where it gave one."""
    vague = (Reason.UNAVAILABLE, Reason.RATE_LIMITED, Reason.OUTCOME_UNKNOWN)
    if isinstance(error, PlatformError) and error.reason not in vague:
        return error.reason.value
    return "retries_exhausted"
