"""Retries a failed publication from its last proven step.

What the platform refused for its content is begun afresh: the draft or video of the first try
would only be refused again.
"""

from datetime import datetime, timedelta

from publisher.app import record
from publisher.app.coverage import later
from publisher.app.ports import Line, Uow
from publisher.domain.publication import AFRESH, Publication, Stage
from publisher.domain.states import Status


async def retry_publication(
    uow: Uow, publication: Publication, *, plan_at: datetime | None = None
) -> Publication | None:
    """None when it is not failed. `plan_at` is of the word by which the plan covers it now.

    Raises DuplicatePublication when the clip is on its way anew.
    """
    if publication.status is not Status.FAILED:
        return None
    refused = publication.error_code == "content_refused"
    row = await uow.publications.change(
        publication,
        to=Status.PUBLISHING,
        after=timedelta(0),
        woken=True,
        line=Line("retried"),
        stage=Stage.QUEUED,
        failures=0,
        attempt=0,
        error_code=None,
        error_reason=None,
        cancel_requested=False,
        plan_at=later(plan_at, publication),
        **(AFRESH if refused else {}),
    )
    if row is not None:
        record.wake(uow, row)
    return row
