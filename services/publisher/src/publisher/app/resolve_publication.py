"""Ends an uncertain publication by a person's decision."""

from publisher.app import record
from publisher.app.ports import Uow
from publisher.domain.publication import Publication, StepState
from publisher.domain.states import Status


async def resolve_publication(
    uow: Uow,
    publication: Publication,
    *,
    published: bool,
    post_id: str | None,
    url: str | None,
) -> Publication | None:
    """None when it is not uncertain. Found absent, it may be retried: the step did not happen."""
    if publication.status is not Status.UNCERTAIN:
        return None
    if published:
        return await record.published(
            uow, publication, post_id=post_id, url=url, fenced=False, detail="resolved"
        )
    return await record.failed(
        uow,
        publication,
        code="outcome_unknown",
        reason="outcome_unknown",
        fenced=False,
        detail="resolved",
        step_state=StepState.READY,
        visible=False,
    )
