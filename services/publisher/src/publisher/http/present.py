"""From rows to answers."""

from datetime import datetime

from common.contracts.words import Platform
from common.http.texts import TEXTS, Text
from platforms.reasons import Reason
from publisher.app.pauses import BURST
from publisher.domain.publication import Publication, Stage
from publisher.domain.states import Status
from publisher.http.schemas import ErrorOut, PublicationOut, StageOut, StatsOut

EXPERIMENTAL = frozenset({Platform.DZEN})
"""Labelled so wherever a person can see it: the service has no public video API."""
PAUSED = "paused"
BURST_TEXT = Text(
    "Необычно много клипов за короткое время, поэтому публикация в этот аккаунт приостановлена. "
    "Если это были вы, напишите в поддержку: её возобновят. Если нет, отключите аккаунт: всё, что "
    "ещё ждёт, будет отменено.",
    "Unusually many clips in a short time, so publishing to this account is paused. If it was you, "
    "ask support to resume it. If it was not, disconnect the account: all that waits is cancelled.",
)


def publication_out(row: Publication, lang: str) -> PublicationOut:
    """What a person sees of a publication."""
    hold = row.hold or (PAUSED if row.held_back else None)
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
        next_attempt_at=_next_attempt(row),
        hold=hold,
        hold_detail=_hold_detail(row, hold, lang),
        error=_error(row, lang),
        stats=_stats(row),
        version=row.version,
    )


def _next_attempt(row: Publication) -> datetime | None:
    return row.stage_until if row.stage is Stage.WAITING and not row.held_back else None


def _hold_detail(row: Publication, hold: str | None, lang: str) -> str | None:
    """What `hold` means and what to do."""
    if hold is None:
        return None
    text = BURST_TEXT if hold == PAUSED and row.paused_by == BURST else TEXTS[hold]
    return text.ru if lang == "ru" else text.en


def _stage(row: Publication) -> StageOut | None:
    if row.held_back:
        return StageOut(name=Stage.WAITING, percent=None, until=None, why=PAUSED)
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
