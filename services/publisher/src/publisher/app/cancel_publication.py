"""Cancels, decided on the locked row; the answer is the truth."""

from datetime import timedelta

from publisher.app import record
from publisher.app.ports import Line, Uow
from publisher.domain.publication import Publication
from publisher.domain.rules import Verdict, cancel_verdict
from publisher.domain.states import Status


async def cancel_publication(
    uow: Uow, publication: Publication, *, why: str = "user"
) -> tuple[Verdict, Publication]:
    """`publication` is locked by this transaction."""
    verdict = cancel_verdict(
        publication.status,
        untouched=publication.untouched,
        leased=publication.lease_until is not None,
    )
    if verdict is Verdict.CANCELLED and publication.status is not Status.CANCELLED:
        publication = await _cancelled(uow, publication, why)
    elif verdict is Verdict.REQUESTED:
        publication = await _requested(uow, publication, why)
    return verdict, publication


async def _cancelled(uow: Uow, publication: Publication, why: str) -> Publication:
    done = await record.cancelled(uow, publication, why=why, fenced=False)
    assert done is not None  # noqa: S101 - the row is locked, nobody can be faster
    return done


async def _requested(uow: Uow, publication: Publication, why: str) -> Publication:
    if publication.cancel_requested:
        return publication
    # Nobody at work: due at once, so that the undoing does not wait for the next poll or retry.
    idle = publication.lease_until is None and not publication.visible
    row = await uow.publications.change(
        publication,
        cancel_requested=True,
        cancel_why=why,
        after=timedelta(0) if idle else None,
        line=Line("cancel_requested", detail=why),
    )
    assert row is not None  # noqa: S101 - the row is locked
    return row
