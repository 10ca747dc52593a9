"""The row of one attempt: what it is known to hold, and every write to it, fenced.

A write whose fence is gone raises FencedOff: another worker owns the publication by then.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

from common.failpoint import failpoint
from common.observe import logs, metrics
from platforms.port import Next, Outcome, Published, Step, Wait
from publisher.app import record
from publisher.app.engine import Engine
from publisher.app.lease import FencedOff
from publisher.app.ports import Line, Uow
from publisher.domain.publication import Publication, Stage, StepState

log = logs.get(__name__)
PROGRESS_SECONDS = 1.0
KEEP_AGAIN_SECONDS = 0.5


class Row:
    """`now` is the publication as it was last read or written."""

    def __init__(self, engine: Engine, claimed: Publication) -> None:
        self._engine = engine
        self.now = claimed
        self._told = 0.0
        self._sent = 0

    def keep(self, row: Publication | None) -> Publication:
        if row is None:
            raise FencedOff
        self.now = row
        return row

    async def patiently(self, write: Callable[[], Awaitable[None]]) -> None:
        """What a platform told may be told only once, so a database that is away is waited for."""
        until = asyncio.get_running_loop().time() + self._engine.policy.lease.total_seconds()
        known = self.now
        while True:
            try:
                await write()
            except FencedOff:
                raise
            except Exception as error:
                self.now = known  # whether it was committed will show: then the row has moved on
                if asyncio.get_running_loop().time() > until:
                    raise
                self.warn("result_not_kept_yet", error)
                await asyncio.sleep(KEEP_AGAIN_SECONDS)
            else:
                return

    async def write(
        self,
        step: Step[Any],
        outcome: Outcome[Any],
        undone: Mapping[str, Any],
        following: Step[Any] | None,
    ) -> None:
        """Commit what a step brought and, if another one is `following`, that this one begins."""
        write = partial(_written, self.now, step, outcome, undone, following)
        self.keep(await self._engine.write(write))

    async def mark(self, step: Step[Any], kind: str, **columns: Any) -> Publication:  # noqa: ANN401 - column values
        """Commit that a step begins, or that it surely did not happen."""
        columns |= _showing(visible=self.now.visible)
        return self.keep(await self._engine.write(partial(_marked, self.now, step, kind, columns)))

    def counting(self) -> Callable[[int], Awaitable[None]]:
        """For a sending that begins: with a fresh token all is sent once more."""
        self._sent = 0
        return self.progress

    async def progress(self, sent: int) -> None:
        """Count what has left, and show how much of the upload that is; at most once a second."""
        failpoint("publisher.uploading")
        again = sent < self._sent  # the same sending's next body
        metrics.UPLOAD_BYTES.labels(self.now.platform).inc(sent if again else sent - self._sent)
        self._sent = sent
        now = asyncio.get_running_loop().time()
        size = int(self.now.media.get("bytes") or 0)
        in_one_piece = not self._told and sent >= size  # done before anybody looks
        if now - self._told < PROGRESS_SECONDS or not size or in_one_piece:
            return
        self._told = now
        percent = min(100, sent * 100 // size)
        try:
            async with self._engine.transaction() as uow:
                row = await uow.publications.change(self.now, fenced=True, percent=percent)
        except Exception as error:  # noqa: BLE001 - no reason to break an upload off
            self.warn("progress_not_kept", error)
            return
        self.keep(row)

    def warn(self, what: str, error: Exception) -> None:
        row = self.now
        log.warning(what, **record.ids(row), step=row.step, error=type(error).__name__)


async def _written(
    row: Publication,
    step: Step[Any],
    outcome: Outcome[Any],
    undone: Mapping[str, Any],
    following: Step[Any] | None,
    uow: Uow,
) -> Publication | None:
    match outcome:
        case Published(post_id, url):
            return await record.published(uow, row, post_id=post_id, url=url, fenced=True)
        case Wait(cursor, after, why):
            return await record.parked(
                uow,
                row,
                after=after,
                stage=Stage.PROCESSING,
                why=why,
                kind="waiting",
                step=step.name,
                cursor=cursor.model_dump(mode="json"),
                failures=0,
                **undone,
            )
        case Next(cursor):
            visible = row.visible or step.visible
            lines = [Line("step_done", step.name)]
            columns: dict[str, Any] = {
                "step": step.name,
                "step_state": StepState.DONE,
                "visible": visible,
            }
            if following is not None:
                lines.append(Line("step_started", following.name))
                columns |= _showing(visible=visible)
                columns |= {"step": following.name, "step_state": StepState.STARTED}
                columns |= {"visible": visible or following.visible}
            return await uow.publications.change(
                row,
                fenced=True,
                line=lines,
                cursor=cursor.model_dump(mode="json"),
                failures=0,
                **columns,
            )


def _showing(*, visible: bool) -> dict[str, Any]:
    """The columns of what people are told while a step is at work."""
    stage = Stage.PROCESSING if visible else Stage.UPLOADING
    return {"stage": stage, "stage_until": None, "stage_why": None}


async def _marked(
    row: Publication, step: Step[Any], kind: str, columns: Mapping[str, Any], uow: Uow
) -> Publication | None:
    return await uow.publications.change(
        row,
        fenced=True,
        line=Line(kind, step.name),
        step=step.name,
        **columns,
    )
