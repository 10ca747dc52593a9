"""Publishes one claimed publication: step by step, each begun and ended in a commit of its own.

Only this file and what it calls know leases, fences, attempts and commits. A step that was begun
and has no end is in doubt; what may be done about it is the step's guard (platforms.port.Guard).
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import Any

from common.failpoint import failpoint
from common.observe import logs
from platforms.errors import OutcomeUnknown
from platforms.port import Adapter, Next, Outcome, Step
from publisher.app import record, refusals, traced
from publisher.app.calls import Call, Calls
from publisher.app.engine import Engine
from publisher.app.lease import FencedOff, Lease, LeaseLost
from publisher.app.ports import Line
from publisher.app.row import Row
from publisher.app.unusable import end_unusable
from publisher.domain.publication import Publication, Stage, StepState
from publisher.domain.rules import in_doubt

log = logs.get(__name__)
CALL_TIMEOUT = timedelta(seconds=60)


async def publish(
    engine: Engine,
    claimed: Publication,
    *,
    since: float | None = None,
    admitted: Callable[[], None] = lambda: None,
) -> None:
    """Work on a claimed publication until it waits, ends or is handed over.

    `since`: the monotonic instant before the claim, from which the lease counts. `admitted` is
    called once it does not stand in its platform's line any more.
    """
    with traced.claim(claimed):
        log.info("publish_job_start", **record.ids(claimed), step=claimed.step)
        adapter = engine.adapters.get(claimed.platform)
        steps = list(adapter.publishing.steps()) if adapter else []
        known = claimed.step is None or claimed.step in [step.name for step in steps]
        if adapter is None or not known:
            await end_unusable(engine, claimed)
            return
        lease = Lease(claimed, engine.policy.lease, engine.transaction, since=since)
        keeping = asyncio.create_task(lease.keep())
        try:
            await _Attempt(engine, adapter, steps, lease, claimed).run(admitted)
        except (LeaseLost, FencedOff) as lost:
            log.warning("lease_lost", **record.ids(claimed), kind=type(lost).__name__)
        finally:
            keeping.cancel()
            with suppress(asyncio.CancelledError):
                await keeping


class _Attempt:
    """One claim's worth of work."""

    def __init__(
        self,
        engine: Engine,
        adapter: Adapter,
        steps: list[Step[Any]],
        lease: Lease,
        claimed: Publication,
    ) -> None:
        self._engine = engine
        self._row = Row(engine, claimed)
        self._adapter = adapter
        self._steps = steps
        self._names = [step.name for step in steps]
        self._in_doubt = in_doubt(claimed.step_state, self._current().guard)
        self._begun = False
        """The step at which the row stands was begun with the end of the one before."""
        self._calls = Calls(engine, lease)

    async def run(self, admitted: Callable[[], None]) -> None:
        """Go on where the row says, until something ends this claim."""
        try:
            if not self._called_off():  # to undo needs no turn, and it must not come back for one
                await self._engine.turn(self._row.now.platform)
            admitted()
            while await self._advance():
                pass
        except FencedOff:
            raise
        except LeaseLost:
            if not self._calls.entered and not self._in_doubt:
                await self._hand_over()  # fenced: nothing is written if somebody took over
            raise
        except Exception as refusal:  # noqa: BLE001 - every refusal and every bug has a class there
            error = refusal
        else:
            return
        await self._row.patiently(partial(self._refused, error))

    async def _refused(self, error: Exception) -> None:
        async with self._engine.transaction() as uow:
            # Touched and so locked: a cancel that came meanwhile is seen, none can come in between.
            row = self._row.keep(await uow.publications.change(self._row.now, fenced=True))
            doubt = self._doubtful(error)
            await refusals.record(
                uow,
                row,
                error,
                guard=self._current().guard,
                doubt=doubt,
                columns={} if doubt else self._not_begun(),
                delays=self._engine.policy.retry_delays,
                quarantine=self._engine.policy.quarantine,
            )

    def _doubtful(self, error: Exception) -> bool:
        """Whether the step at which the row stands may have happened after all."""
        if self._in_doubt:
            return True
        begun = in_doubt(self._row.now.step_state, self._current().guard)
        return begun and self._calls.entered and not refusals.proves_nothing_happened(error)

    def _not_begun(self) -> dict[str, Any]:
        """The columns that take back the mark of a begun step, if there is one."""
        begun = self._row.now.step_state is StepState.STARTED
        return self._undone(self._current()) if begun and not self._in_doubt else {}

    async def _advance(self) -> bool:
        """One step forward; False when this claim is over."""
        step = self._current()
        if self._called_off() or self._engine.stopping.is_set():
            await (self._take_back() if self._called_off() else self._hand_over())
            return False
        if self._in_doubt:
            found = await self._look(step)
            failpoint("publisher.looked")
            self._in_doubt = False
            if found is None:
                await self._row.mark(step, "absent", **self._undone(step))
                return True
            return await self._record(step, found)
        await self._calls.ready(self._row.now)  # whatever can go wrong before goes wrong before
        new = self._row.now.step is None
        seen = self._row.now.visible
        if self._begun:
            seen = bool(self._undone(step)["visible"])
        else:
            began = {"step_state": StepState.STARTED, "visible": seen or step.visible}
            await self._row.mark(step, "step_started", **began)
        self._begun = False
        if self._row.now.cancel_requested and step.visible:
            await self._row.mark(step, "stopped", **self._undone(step))
            return True
        if self._row.now.paused_by and not seen:
            # One that nothing was ever sent of is untouched again: a cancel is done at once.
            back = {"step": None} if new else {}
            await self._hand_over("paused", stage=Stage.QUEUED, **back)
            return False
        failpoint("publisher.begun")
        outcome = await self._call(step, "act", step.act, self._adapter.limits.upload_timeout)
        failpoint("publisher.answered")
        return await self._record(step, outcome)

    def _called_off(self) -> bool:
        return self._row.now.cancel_requested and not self._row.now.visible

    def _current(self) -> Step[Any]:
        """The step the row stands at, or the one after it when that is done."""
        if self._row.now.step is None:
            return self._steps[0]
        at = self._names.index(self._row.now.step)
        return self._steps[at + 1 if self._row.now.step_state is StepState.DONE else at]

    def _undone(self, step: Step[Any]) -> dict[str, Any]:
        """The columns of a step that surely did not happen."""
        before = self._steps[: self._names.index(step.name)]
        return {"step_state": StepState.READY, "visible": any(one.visible for one in before)}

    async def _look(self, step: Step[Any]) -> Outcome[Any] | None:
        """Settle a doubt left by an earlier attempt; None means that it did not happen."""
        if step.look is None:
            raise OutcomeUnknown(note="taken over after the call may have been made")
        found: Outcome[Any] | None = await self._call(step, "look", step.look, CALL_TIMEOUT)
        return found

    async def _call(self, step: Step[Any], what: str, call: Call, most: timedelta) -> Any:  # noqa: ANN401 - as the call
        with traced.call(self._row.now, step.name, what):
            return await self._calls.make(self._row.now, call, most, self._row.counting)

    async def _record(self, step: Step[Any], outcome: Outcome[Any]) -> bool:
        """Commit what the step brought, and that the next one begins: of what that needs nothing
        is left to fail. True when there is a next one."""
        following = self._steps[self._names.index(step.name) + 1 :]
        coming = following[0] if following and isinstance(outcome, Next) else None
        await self._row.patiently(
            partial(self._row.write, step, outcome, self._undone(step), coming)
        )
        self._calls.entered = False
        self._begun = coming is not None
        failpoint("publisher.recorded")
        return isinstance(outcome, Next)

    async def _hand_over(self, kind: str = "handed_over", **columns: Any) -> None:  # noqa: ANN401 - column values
        """Let another worker go on at once, or once it is not paused any more."""
        async with self._engine.transaction() as uow:
            self._row.keep(
                await uow.publications.change(
                    self._row.now,
                    fenced=True,
                    release=True,
                    after=timedelta(0),
                    line=Line(kind, columns.get("step", self._row.now.step)),
                    **self._not_begun(),
                    **columns,
                )
            )

    async def _take_back(self) -> None:
        """Undo what was made so far, best effort, then say that it is cancelled."""
        reached = 0 if self._row.now.step is None else self._names.index(self._row.now.step) + 1
        reached -= self._begun  # nothing was sent of that one
        for step in reversed(self._steps[:reached]):
            if step.undo is None:
                continue
            try:
                await self._call(step, "undo", step.undo, CALL_TIMEOUT)
                failpoint("publisher.undone")
            except (LeaseLost, FencedOff):
                raise
            except Exception as error:  # noqa: BLE001 - nobody sees a draft that is left behind
                self._row.warn("undo_failed", error)
        async with self._engine.transaction() as uow:
            why = self._row.now.cancel_why or "user"
            self._row.keep(await record.cancelled(uow, self._row.now, why=why, fenced=True))
