"""Rutube's JSON: the video object, the profile, the refusals in Django REST framework's manner."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

from starlette.responses import JSONResponse

from sandbox.rutube_state import CATEGORIES, REASON_IDS, Account, Video

Json = dict[str, Any]
MOSCOW = timezone(timedelta(hours=3))


class RefusedError(Exception):
    """An answer that is not 2xx."""

    def __init__(self, status: int, body: Json, headers: dict[str, str] | None = None) -> None:
        super().__init__(body)
        self.status = status
        self.body = body
        self.headers = headers

    def answer(self) -> JSONResponse:
        """As it goes over the wire."""
        return JSONResponse(self.body, self.status, headers=self.headers)


def field_error(name: str, text: str) -> RefusedError:
    """HTTP 400 about one field."""
    return RefusedError(400, {name: [text]})


def no_credentials() -> RefusedError:
    """HTTP 401 without a token."""
    return RefusedError(401, {"detail": "Authentication credentials were not provided."})


def invalid_token() -> RefusedError:
    """HTTP 401 with a token nobody has."""
    return RefusedError(401, {"detail": "Invalid token."})


def forbidden() -> RefusedError:
    """HTTP 403: another author's video."""
    return RefusedError(403, {"detail": "You do not have permission to perform this action."})


def not_found() -> RefusedError:
    """HTTP 404: unknown, deleted, or so new that Rutube does not know it yet."""
    return RefusedError(404, {"detail": "Not found."})


def throttled(detail: str, retry_after: int | None = None) -> RefusedError:
    """HTTP 429; whether Rutube tells a delay is unknown, so both happen."""
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return RefusedError(429, {"detail": detail}, headers)


def profile(account: Account) -> Json:
    """The account as others see it."""
    return {
        "id": account.id,
        "name": account.name,
        "avatar_url": "https://pic.rutube.ru/user/avatar.jpg",
        "site_url": f"https://rutube.ru/video/person/{account.id}/",
    }


def video(item: Video, now: datetime, *, owner: bool) -> Json:
    """The video as `GET /api/video/{id}/` shows it; the owner sees a `status` besides."""
    stage = item.stage(now)
    reason = item.reason(now)
    published = item.publication(now)
    answer: Json = {
        "id": item.id,
        "title": item.title,
        "description": item.description,
        "thumbnail_url": thumbnail_url(item),
        "created_ts": _stamp(item.created),
        "publication_ts": None if published is None else _stamp(published),
        "last_update_ts": _stamp(item.updated or published or item.created),
        "video_url": f"https://rutube.ru/video/{item.id}/",
        "embed_url": f"https://rutube.ru/play/embed/{item.id}",
        "html": f'<iframe src="https://rutube.ru/play/embed/{item.id}"></iframe>',
        "duration": item.duration,
        "hits": item.hits(now),
        "comments_count": item.hits(now) // 50,
        "is_hidden": item.hidden,
        # One that is being downloaded, or moderated again, is "deleted" too: a trap for naive
        # clients.
        "is_deleted": stage in {"downloading", "failed"} or item.again(now),
        "is_adult": False,
        "is_livestream": False,
        "is_official": False,
        "track_id": item.track_id,
        "author": profile(item.author),
        "category": {
            "id": item.category,
            "name": CATEGORIES[item.category],
            "category_url": f"https://rutube.ru/video/category/{item.category}/",
        },
        "pg_rating": {"age": 0, "logo": "https://pic.rutube.ru/pg/0.png"},
        "action_reason": {"id": REASON_IDS[reason], "name": reason},
        "restrictions": None,
        "origin_type": "rtb",
        "ext_id": "",
        "source_url": item.source_url,
        "picture_url": "",
        "hashtags": [],
    }
    if owner:
        answer["status"] = {"failed": "error", "published": "ready"}.get(stage, "processing")
    return answer


def thumbnail_url(item: Video) -> str:
    """A new cover has a new address."""
    return f"https://pic.rutube.ru/video/{item.id}-{item.thumbnails}.jpg"


def moscow(instant: datetime) -> str:
    """`YYYY-MM-DD HH:MM:SS` in Moscow time, as the publication call speaks."""
    return instant.astimezone(MOSCOW).strftime("%Y-%m-%d %H:%M:%S")


def _stamp(instant: datetime) -> str:
    return instant.astimezone(MOSCOW).strftime("%Y-%m-%dT%H:%M:%S")
