"""What changes Rutube: create by link, edit, schedule, cover, delete."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from sandbox import rutube_answers as answers
from sandbox.received import Received
from sandbox.rutube_state import DEFAULT_CATEGORY, Account, RutubeState, Video
from sandbox.rutube_wire import category_field, fields_of, flag_field, text_field

TITLE_LIMIT = 100
DESCRIPTION_LIMIT = 5000
OPEN_UPLOADS = 5
COVER_LIMIT = 10_000_000
KNOWN = frozenset(
    {
        "url", "title", "description", "is_hidden", "category_id",
        "callback_url", "errback_url", "query_fields", "extra",
    }
)  # fmt: skip


def create(
    state: RutubeState, account: Account, received: Received, now: datetime, hidden_for: timedelta
) -> tuple[Video, Mapping[str, Any]]:
    """A new video, each time: there is no key that makes a repeat harmless."""
    fields = fields_of(received)
    url = fields.get("url")
    if not url:
        raise answers.field_error("url", "This field is required.")
    if not isinstance(url, str) or not _is_link(url):
        raise answers.field_error("url", "Enter a valid URL.")
    title = text_field(fields, "title", limit=TITLE_LIMIT)
    description = text_field(fields, "description", limit=DESCRIPTION_LIMIT)
    hidden = flag_field(fields, "is_hidden")
    category = category_field(fields, "category_id", DEFAULT_CATEGORY)
    if state.open_uploads(account, now) >= OPEN_UPLOADS:
        raise answers.throttled("No more than 5 videos can be uploaded at once.")
    video = Video(
        id=secrets.token_hex(16),
        track_id=state.next_track(),
        author=account,
        created=now,
        visible_from=now + hidden_for,
        source_url=url,
        title=title or urlsplit(url).path.rpartition("/")[2],
        description=description,
        hidden=hidden,
        category=category,
        extra=json.dumps(fields.get("extra", {}), ensure_ascii=False),
        callback=str(fields.get("callback_url", "")),
        errback=str(fields.get("errback_url", "")),
    )
    state.videos[video.id] = video
    return video, fields


def edit(video: Video, received: Received, now: datetime, *, whole: bool) -> None:
    """PUT names all four fields, PATCH any of them."""
    fields = fields_of(received)
    if whole:
        for name in ("title", "description", "is_hidden", "category"):
            if name not in fields:
                raise answers.field_error(name, "This field is required.")
    title, description = video.title, video.description
    if "title" in fields:
        title = text_field(fields, "title", limit=TITLE_LIMIT, blank=False)
    if "description" in fields:
        description = text_field(fields, "description", limit=DESCRIPTION_LIMIT)
    hidden = flag_field(fields, "is_hidden") if "is_hidden" in fields else video.hidden
    category = category_field(fields, "category", video.category)
    video.title, video.description = title, description
    video.hidden, video.category, video.updated = hidden, category, now


def schedule(state: RutubeState, account: Account, received: Received, now: datetime) -> Video:
    """`{video, timestamp}` in Moscow time."""
    fields = fields_of(received)
    video = own_video(state, account, str(fields.get("video", "")), now)
    try:
        local = datetime.strptime(str(fields.get("timestamp")), "%Y-%m-%d %H:%M:%S")  # noqa: DTZ007 - Moscow time, next line
    except ValueError:
        raise answers.field_error("timestamp", "Datetime has wrong format.") from None
    video.scheduled = local.replace(tzinfo=answers.MOSCOW)
    return video


def set_cover(video: Video, received: Received) -> None:
    """The multipart part `file`."""
    part = next((part for part in received.files if part.name == "file"), None)
    if part is None:
        raise answers.field_error("file", "No file was submitted.")
    if part.content_type not in {"image/jpeg", "image/png"}:
        raise answers.field_error("file", "Upload a valid image.")
    if part.blob.bytes > COVER_LIMIT:
        raise answers.RefusedError(413, {"detail": "File is too large."})
    video.thumbnails += 1


def own_video(state: RutubeState, account: Account, video_id: str, now: datetime) -> Video:
    """The account's own video; another's is not its to change.

    A fresh one cannot be deleted yet either: 404 right after create does not mean "gone".
    """
    video = state.videos.get(video_id)
    if video is None or now < video.visible_from:
        raise answers.not_found()
    if video.author is not account:
        raise answers.forbidden()
    return video


def _is_link(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname)
