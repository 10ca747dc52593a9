"""Cancels, decided on the locked row; the answer is the truth."""

from datetime import timedelta
from enum import StrEnum

from publisher.app import record
from publisher.app.ports import Uow
from publisher.domain.publication import Publication
from publisher.domain.states import Status


class Verdict(StrEnum):
    """What a cancel came to."""

    CANCELLED = "cancelled"
    """Nothing was or will be sent."""
    REQUESTED = "cancel_requested"
    """An attempt is in flight or has to be undone; it ends as cancelled or published."""
    TOO_LATE = "too_late"


async def cancel_publication(
    uow: Uow, publication: Publication, *, why: str = "user"
) -> tuple[Verdict, Publication]:
    """`publication` is locked by this transaction."""
    match publication.status:
        case Status.CANCELLED:
            return Verdict.CANCELLED, publication
        case Status.PUBLISHED | Status.FAILED | Status.UNCERTAIN:
            return Verdict.TOO_LATE, publication
        case Status.SCHEDULED:
            return Verdict.CANCELLED, await _cancelled(uow, publication, why)
        case Status.PUBLISHING if publication.untouched and publication.lease_until is None:
            return Verdict.CANCELLED, await _cancelled(uow, publication, why)
        case Status.PUBLISHING:
            return Verdict.REQUESTED, await _requested(uow, publication, why)


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
    )
    assert row is not None  # noqa: S101 - the row is locked
    await uow.timeline.note(row, "cancel_requested", detail=why)
    return row
