"""Ends what this build can't work on."""

from publisher.app import record
from publisher.app.engine import Engine
from publisher.domain.publication import Publication


async def end_unusable(engine: Engine, claimed: Publication) -> None:
    """The platform is switched off here, or the row stands at a step that this build lacks."""
    async with engine.transaction() as uow:
        row = await uow.publications.change(claimed, fenced=True)  # a cancel may have come
        if row is None:
            return
        if row.visible:
            await record.uncertain(uow, row, step=row.step or "", fenced=True)
        elif row.cancel_requested:
            await record.cancelled(uow, row, why=row.cancel_why or "user", fenced=True)
        else:
            await record.failed(
                uow,
                row,
                code="platform_unavailable",
                reason="platform_unavailable",
                fenced=True,
                detail="switched off",
            )
