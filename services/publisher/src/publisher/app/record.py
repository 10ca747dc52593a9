"""How a publication's ends and waits are written: rows, timeline and facts in one transaction."""

from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any

from common.contracts.publisher import (
    PublicationCancelled,
    PublicationFailed,
    PublicationPublished,
    PublicationRequested,
    PublicationUncertain,
)
from common.observe import logs, metrics, trace
from publisher.app.ports import Line, Uow
from publisher.domain.publication import Publication, Stage, StepState
from publisher.domain.states import Status

log = logs.get(__name__)


def ids(publication: Publication) -> dict[str, Any]:
    """What every log line about a publication carries."""
    return {
        "publication_id": str(publication.id),
        "connection_id": str(publication.connection_id),
        "user_id": publication.user_id,
        "platform": publication.platform,
        "attempt": publication.attempt,
    }


def _about(publication: Publication) -> dict[str, Any]:
    return {
        "publication_id": publication.id,
        "user_id": publication.user_id,
        "connection_id": publication.connection_id,
        "platform": publication.platform,
    }


def wake(uow: Uow, publication: Publication) -> None:
    """Call a worker, in the publication's own trace.

    Each call is a message of its own, or the inbox would drop it.
    """
    with within(publication):
        uow.tell(PublicationRequested(**_about(publication)), version=publication.version)


def within(publication: Publication) -> AbstractContextManager[trace.Trace]:
    """Whoever acts on a publication of its own accord does so in the trace of its request."""
    return trace.within(trace_of(publication))


def trace_of(publication: Publication) -> trace.Trace:
    """The trace of the request that it came from."""
    return trace.start(publication.traceparent, publication.correlation_id)


async def published(
    uow: Uow,
    publication: Publication,
    *,
    post_id: str | None,
    url: str | None,
    fenced: bool,
    detail: str | None = None,
) -> Publication | None:
    """The platform shows it (or a person says so)."""
    done = await uow.publications.change(
        publication,
        to=Status.PUBLISHED,
        fenced=fenced,
        post_id=post_id,
        url=url,
        step_state=StepState.DONE,
        error_code=None,
        error_reason=None,
        line=Line("published", publication.step, detail),
    )
    if done is None:
        return None
    at = done.published_at or done.updated_at
    uow.tell(
        PublicationPublished(
            **_about(done),
            clip_id=done.clip_id,
            account_id=done.account_id,
            post_id=post_id or "",
            url=url or "",
            published_at=at,
        ),
        version=done.version,
    )
    since = done.schedule_at or done.created_at
    resumed = await uow.pauses.resumed_at(done)
    # What a person decided, or a pause held up, says nothing of how fast we are.
    measured = fenced and (resumed is None or resumed <= since)

    def tell() -> None:
        with within(done):
            log.info("publish_job_success", **ids(done), post_id=post_id, url=url)
        metrics.PUBLICATIONS.labels(done.platform, "published").inc()
        if measured:
            metrics.PUBLISH_SECONDS.labels(done.platform).observe((at - since).total_seconds())

    uow.then(tell)
    return done


async def failed(
    uow: Uow,
    publication: Publication,
    *,
    code: str,
    reason: str,
    fenced: bool,
    detail: str | None = None,
    **columns: Any,  # noqa: ANN401 - column values
) -> Publication | None:
    """It ended without a post; `reason` is a key of platforms.reasons or the code itself."""
    done = await uow.publications.change(
        publication,
        to=Status.FAILED,
        fenced=fenced,
        error_code=code,
        error_reason=reason,
        line=Line("failed", columns.get("step", publication.step), detail or reason),
        **columns,
    )
    if done is None:
        return None
    uow.tell(PublicationFailed(**_about(done), code=code, reason=reason), version=done.version)

    why = {"status": done.status, "code": code, "reason": reason}

    def tell() -> None:
        with within(done):
            log.warning("publish_job_failed", **ids(done), **why, step=done.step, note=detail)
        metrics.PUBLICATIONS.labels(done.platform, f"failed_{code}").inc()

    uow.then(tell)
    return done


async def cancelled(
    uow: Uow, publication: Publication, *, why: str, fenced: bool
) -> Publication | None:
    """Nothing is or will be visible."""
    done = await uow.publications.change(
        publication, to=Status.CANCELLED, fenced=fenced, line=Line("cancelled", detail=why)
    )
    if done is None:
        return None
    uow.tell(PublicationCancelled(**_about(done), why=why), version=done.version)
    uow.then(metrics.PUBLICATIONS.labels(done.platform, "cancelled").inc)
    return done


async def uncertain(
    uow: Uow,
    publication: Publication,
    *,
    step: str,
    fenced: bool,
    code: str = "outcome_unknown",
    reason: str = "outcome_unknown",
) -> Publication | None:
    """A person has to look; `code` and `reason` say what keeps us from it."""
    done = await uow.publications.change(
        publication,
        to=Status.UNCERTAIN,
        fenced=fenced,
        error_code=code,
        error_reason=reason,
        line=Line("uncertain", step, reason),
    )
    if done is None:
        return None
    uow.tell(PublicationUncertain(**_about(done), step=step), version=done.version)

    why = {"status": done.status, "code": code, "reason": reason}

    def tell() -> None:
        with within(done):
            log.error("publish_job_failed", **ids(done), **why, step=step)
        metrics.PUBLICATIONS.labels(done.platform, "uncertain").inc()

    uow.then(tell)
    return done


async def parked(
    uow: Uow,
    publication: Publication,
    *,
    after: timedelta,
    stage: Stage,
    why: str,
    kind: str,
    **columns: Any,  # noqa: ANN401 - column values
) -> Publication | None:
    """Give the lease back until the row is due again; no worker is held meanwhile."""
    return await uow.publications.change(
        publication,
        fenced=True,
        release=True,
        after=after,
        shown=True,
        line=Line(kind, columns.get("step", publication.step), why),
        stage=stage,
        stage_why=why,
        percent=None,
        **columns,
    )
