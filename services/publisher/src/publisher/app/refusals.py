"""What follows when a platform says no, by class: wait, try again, fail, or ask a person."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from common.observe import logs
from platforms.errors import (
    AccessRevoked,
    OutcomeUnknown,
    PlatformError,
    RateLimited,
    StartOver,
    TokenExpired,
    Unavailable,
)
from platforms.port import Guard
from publisher.app import record as end
from publisher.app.ports import ConnectionLost, Uow, VaultUnavailable
from publisher.domain.publication import AFRESH, Publication, Stage, StepState
from publisher.domain.retry import next_delay
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
    looking: bool,
    undone: Mapping[str, Any],
    delays: Sequence[timedelta],
) -> None:
    """Write what `error` means for the publication; nothing when the fence is lost.

    `looking`: it came while an earlier doubt was being settled, so that doubt remains, whatever
    the error. `undone`: the columns of the present step when it surely did not happen.
    """
    doubt = _doubt(row, error, guard=guard, looking=looking)
    columns = {} if doubt else dict(undone)
    if isinstance(error, StartOver):
        columns = dict(AFRESH)
    if row.cancel_requested and not columns.get("visible", row.visible):
        await _stop(uow, row, columns)
        return
    match error:
        case RateLimited():
            await end.parked(
                uow,
                row,
                after=error.retry_after,
                stage=Stage.WAITING,
                why=error.reason.value,
                kind="told_to_wait",
                **columns,
            )
        case TokenExpired() | AccessRevoked() | ConnectionLost():
            await _fail(uow, row, "connection_expired", "token_refused", error, columns)
        case MediaChanged():
            await _fail(uow, row, "media_changed", "media_changed", error, columns)
        case MediaError() if not isinstance(error, MediaUnavailable):
            await _fail(uow, row, "media_not_found", "media_not_found", error, columns)
        case PlatformError() if not isinstance(error, Unavailable | OutcomeUnknown):
            await _fail(uow, row, error.code, error.reason.value, error, columns)
        case _:
            if not isinstance(error, EXPECTED):
                log.error("publish_job_bug", **end.ids(row), exc_info=error)
            await _again(uow, row, error, delays, columns, lost=doubt and guard is Guard.ONCE)


def _doubt(row: Publication, error: Exception, *, guard: Guard, looking: bool) -> bool:
    """Whether the begun step may have happened after all."""
    if looking:
        return True
    begun = row.step_state is StepState.STARTED
    # A file that can't be read to its end was not sent to its end, so nothing was posted.
    proof = isinstance(error, MediaError | ConnectionLost | VaultUnavailable) or (
        isinstance(error, PlatformError) and not isinstance(error, OutcomeUnknown)
    )
    return begun and guard is not Guard.REPEATABLE and not proof


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


async def _fail(
    uow: Uow,
    row: Publication,
    code: str,
    reason: str,
    error: Exception,
    columns: Mapping[str, Any],
) -> None:
    note = error.note if isinstance(error, PlatformError) else type(error).__name__
    await end.failed(uow, row, code=code, reason=reason, fenced=True, detail=note, **columns)


async def _again(
    uow: Uow,
    row: Publication,
    error: Exception,
    delays: Sequence[timedelta],
    columns: Mapping[str, Any],
    *,
    lost: bool,
) -> None:
    """Another attempt later, or the end. A doubt is kept, so that the next attempt looks first.

    Only a doubt about something that people could see by now needs a person.
    """
    failures = row.failures + 1
    delay = next_delay(failures, delays)
    doubt = not columns
    if row.visible and (lost or (doubt and delay is None)):
        await end.uncertain(uow, row, step=row.step or "", fenced=True)
    elif delay is None:
        await _fail(uow, row, "retries_exhausted", "retries_exhausted", error, columns)
    else:
        log.warning(
            "publish_job_retry",
            **end.ids(row),
            error=type(error).__name__,
            step=row.step,
            after_seconds=round(delay.total_seconds(), 1),
            in_doubt=doubt,
        )
        await end.parked(
            uow,
            row,
            after=delay,
            stage=Stage.WAITING,
            why="retry",
            kind="retry",
            failures=failures,
            **columns,
        )
