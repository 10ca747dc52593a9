"""What Rutube does by itself to a video that has been fetched."""

from __future__ import annotations

from datetime import datetime, timedelta

from sandbox.eventlog import EventLog
from sandbox.moderation import Hide, Order, Process, Purge
from sandbox.rutube_memory import forget, save
from sandbox.rutube_state import RutubeState


def moderate(state: RutubeState, log: EventLog, order: Order, now: datetime) -> bool:
    """Carry the order out; False when there is no such video, or it has not been fetched."""
    video = state.videos.get(order.post_id)
    if order.do == "restore":
        video = video or state.removed.get(order.post_id)
    if video is None or video.published_from is None:
        return False
    match order:
        case Process():
            video.busy_until = now + timedelta(seconds=order.seconds)
        case Purge():
            video.purged += min(order.views, video.hits(now))
        case Hide():
            if video.hidden_before is None:
                video.hidden_before = video.hidden
            video.hidden = True
        case _:
            if order.do == "restore" and video.hidden_before is not None:
                video.hidden, video.hidden_before = video.hidden_before, None
            video.busy_until, video.rejected = None, False
            video.failure = "blocked" if order.do == "block" else ""
            if order.do == "delete":
                state.remove(video)
                forget(log, video)
                return True
            state.keep(video)
    save(log, video)
    return True
