"""What must be true of a publication after whatever happened to it."""

from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from publisher.db.repositories import ENDED
from publisher.domain import rules
from publisher.domain.publication import Publication
from publisher.domain.states import MOVES, Status

from .hands import Post


class PromiseBroken(AssertionError):
    """Something that may never be, is."""


def promise(kept: bool, what: str) -> None:
    """Raises PromiseBroken."""
    if not kept:
        raise PromiseBroken(what)


def check(post: Post, row: Publication) -> None:
    """`row` is as it is now, `post.row` as it was one event ago."""
    status = row.status
    promise(post.made <= 1, "posted twice")
    promise(len(post.flights) <= 1, "two requests are under way")
    if status in (Status.CANCELLED, Status.FAILED):
        promise(not post.made, f"called {status}, and there is a post")
        promise(not post.flights, f"called {status} while a request is under way")
    if status is Status.PUBLISHED:
        promise(post.made == 1, "called published without a post")
    if status in ENDED:
        promise(row.due_at is None and row.lease_until is None, "ended and yet due or leased")
    else:
        promise(row.due_at is not None, "nothing will ever happen to it")
    moved = status is not post.row.status
    promise(not moved or status in MOVES[post.row.status], f"{post.row.status} -> {status}")
    edited = not moved and row.version == post.row.version + 1 and status is Status.SCHEDULED
    promise(row.version == post.row.version + moved or edited, "version does not count moves")


def check_timeline(row: Publication, lines: list[dict[str, Any]]) -> None:
    """The whole history walks along the table, and ends where the row is."""
    walk = [Status(line["status"]) for line in lines]
    promise(walk[0] in (Status.SCHEDULED, Status.PUBLISHING), f"begins as {walk[0]}")
    for start, end in pairwise(walk):
        promise(start is end or end in MOVES[start], f"the timeline knows {start} -> {end}")
    promise(walk[-1] is row.status, "the timeline ends elsewhere")


def claimable(row: Publication, now: datetime, quarantine: timedelta) -> bool:
    """What the rules say about a claim."""
    if row.status is not Status.PUBLISHING or row.due_at is None or row.due_at > now:
        return False
    if row.lease_until is None:
        return True
    return rules.free_from(row.lease_until, row.step_state, quarantine) < now
