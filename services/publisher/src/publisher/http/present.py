"""From rows to answers."""

from common.contracts.words import Platform
from common.http.texts import TEXTS
from platforms.reasons import Reason
from publisher.domain.publication import Publication, Stage
from publisher.domain.states import Status
from publisher.http.schemas import ErrorOut, PublicationOut, StageOut, StatsOut

EXPERIMENTAL = frozenset({Platform.DZEN})
"""Labelled so wherever a person can see it: the service has no public video API."""


def publication_out(row: Publication, lang: str) -> PublicationOut:
    """What a person sees of a publication."""
    return PublicationOut(
        id=row.id,
        clip_id=row.clip_id,
        connection_id=row.connection_id,
        platform=row.platform,
        experimental=row.platform in EXPERIMENTAL,
        title=row.title,
        description=row.description,
        options=dict(row.options),
        status=row.status,
        stage=_stage(row),
        schedule_at=row.schedule_at,
        created_at=row.created_at,
        updated_at=row.updated_at,
        published_at=row.published_at,
        post_id=row.post_id,
        url=row.url,
        attempt=row.attempt,
        next_attempt_at=row.stage_until if row.stage is Stage.WAITING else None,
        hold=row.hold,
        error=_error(row, lang),
        stats=_stats(row),
        version=row.version,
    )


def _stage(row: Publication) -> StageOut | None:
    if row.status is not Status.PUBLISHING or row.stage is None:
        return None
    return StageOut(name=row.stage, percent=row.percent, until=row.stage_until, why=row.stage_why)


def _error(row: Publication, lang: str) -> ErrorOut | None:
    if row.error_code is None:
        return None
    try:
        text = Reason(row.error_reason).text
        detail = text.ru if lang == "ru" else text.en
    except ValueError:
        usual = TEXTS[row.error_code]
        detail = usual.ru if lang == "ru" else usual.en
    return ErrorOut(code=row.error_code, detail=detail)


def _stats(row: Publication) -> StatsOut | None:
    if row.stats_version == 0:
        return None
    return StatsOut(
        views=row.views,
        likes=row.likes,
        shares=row.shares,
        comments=row.comments,
        synced_at=row.stats_at,
        reason=row.stats_reason,
    )
