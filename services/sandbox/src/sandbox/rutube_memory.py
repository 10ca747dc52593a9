"""Rutube's videos as the ledger file keeps them, so that a restarted sandbox knows them all."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from pydantic import TypeAdapter

from sandbox.eventlog import EventLog
from sandbox.rutube_state import RutubeState, Video

SAVED, DELETED = "rutube_video", "rutube_video_deleted"
_VIDEO = TypeAdapter(Video)
_OWN = {field.name for field in fields(Video)} - {"author"}


def save(log: EventLog, video: Video) -> None:
    """To be called after every change. Of the author only the number: he has a password."""
    values: dict[str, Any] = _VIDEO.dump_python(video, mode="json", include=_OWN)
    log.append(SAVED, {"author": video.author.id, "video": values})


def forget(log: EventLog, video: Video) -> None:
    """To be called when it was deleted."""
    log.append(DELETED, {"id": video.id})


def restore(log: EventLog, state: RutubeState) -> None:
    """All videos, those included whose download was under way."""
    authors = {account.id: account for account in state.accounts.values()}
    for event in log.replay(SAVED, DELETED):
        if event["kind"] == DELETED:
            state.remove(state.videos[event["id"]])
            continue
        author = authors[event["author"]]
        video = _VIDEO.validate_python({**event["video"], "author": author})
        state.keep(video)
        state.last_track = max(state.last_track, video.track_id)
