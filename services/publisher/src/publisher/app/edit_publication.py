"""Reschedules or edits a publication that has not started."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from platforms.port import Adapter
from publisher.app.check_request import check_time
from publisher.app.coverage import later
from publisher.app.ports import Line, Uow
from publisher.app.requested import Finding, Horizon
from publisher.domain.limits import excesses
from publisher.domain.publication import Publication
from publisher.domain.states import Status


def check_edit(
    row: Publication,
    changes: Mapping[str, Any],
    adapter: Adapter,
    now: datetime,
    horizon: Horizon,
) -> list[Finding]:
    """What stands in the way of these changes."""
    found = [
        Finding(None, excess.field, excess.code)
        for excess in excesses(
            adapter.limits,
            title=changes.get("title", row.title),
            description=changes.get("description", row.description),
            size=0,
        )
    ]
    if "schedule_at" in changes:
        found += check_time(changes["schedule_at"], now, horizon)
    if "options" in changes:
        try:
            adapter.options.model_validate(changes["options"])
        except ValidationError:
            found.append(Finding(None, "options", "invalid_request"))
    return found


async def edit_publication(
    uow: Uow,
    publication: Publication,
    changes: Mapping[str, Any],
    *,
    plan_at: datetime | None = None,
) -> Publication | None:
    """`changes` holds columns that were checked already, `plan_at` is of the word by which the
    plan covers it now. None when it is not scheduled."""
    if publication.status is not Status.SCHEDULED:
        return None
    columns = dict(changes)
    if "schedule_at" in columns:
        columns["due_at"] = columns["schedule_at"]
        columns["hold"] = None  # or a reconnect would send it at once
    return await uow.publications.change(
        publication,
        line=Line("edited", detail=", ".join(sorted(changes))),
        **columns,
        plan_at=later(plan_at, publication),
        version=publication.version + 1,
    )
