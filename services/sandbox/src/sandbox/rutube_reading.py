"""What Rutube shows: one video, the own list, votes, the profile."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from sandbox import rutube_answers as answers
from sandbox.rutube_state import CATEGORIES, Account, RutubeState, Video

PER_PAGE = 20
PER_PAGE_LIMIT = 100


def seen_video(
    state: RutubeState, account: Account | None, video_id: str, now: datetime
) -> dict[str, Any]:
    """Its author sees every stage, others only what is published."""
    video = state.videos.get(video_id)
    if video is None or now < video.visible_from:
        raise answers.not_found()
    owner = video.author is account
    if not owner and video.stage(now) != "published":
        raise answers.not_found()
    return answers.video(video, now, owner=owner)


def own_page(
    videos: list[Video], params: dict[str, str], now: datetime, address: str
) -> dict[str, Any]:
    """One page of the own list, newest first."""
    page = _number(params, "page", 1)
    per_page = min(_number(params, "limit", PER_PAGE), PER_PAGE_LIMIT)
    first = (page - 1) * per_page
    if page > 1 and first >= len(videos):
        raise answers.RefusedError(404, {"detail": "Invalid page."})
    has_next = first + per_page < len(videos)

    def link(number: int) -> str:
        return f"{address}?{urlencode({'page': number, 'limit': per_page})}"

    return {
        "has_next": has_next,
        "next": link(page + 1) if has_next else None,
        "previous": link(page - 1) if page > 1 else None,
        "page": page,
        "per_page": per_page,
        "results": [
            answers.video(video, now, owner=True) for video in videos[first : first + per_page]
        ],
    }


def votes(state: RutubeState, video_id: str, now: datetime) -> dict[str, int]:
    """Likes and dislikes; no token needed."""
    video = state.videos.get(video_id)
    if video is None or video.stage(now) != "published":
        raise answers.not_found()
    hits = video.hits(now)
    return {"positive": hits // 10, "negative": hits // 100}


def profile_of(state: RutubeState, user_id: str) -> dict[str, Any]:
    """Anybody's public profile."""
    found = next((a for a in state.accounts.values() if str(a.id) == user_id), None)
    if found is None:
        raise answers.not_found()
    return answers.profile(found)


def categories() -> list[dict[str, Any]]:
    """What `category_id` may be."""
    return [{"id": number, "name": name} for number, name in CATEGORIES.items()]


def _number(params: dict[str, str], name: str, default: int) -> int:
    try:
        number = int(params.get(name, default))
    except ValueError:
        raise answers.RefusedError(404, {"detail": "Invalid page."}) from None
    if number < 1:
        raise answers.RefusedError(404, {"detail": "Invalid page."})
    return number
