"""Holds a run's history against the promises: each violation with what it is about.

The promises are those of docs/reliability.md. Nothing in here knows how a run was made.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from statistics import median

from chaos.history import Death, History, Line, Post, Row
from chaos.pace import over_pace
from publisher.domain.states import MOVES, Status

ENDED = frozenset({"published", "failed", "cancelled", "uncertain"})
WORKING = frozenset({"claimed", "step_started", "step_done"})
"""Kinds of lines that only a publication under way can have."""


@dataclass(frozen=True, slots=True)
class Violation:
    """A broken promise."""

    promise: str
    about: str
    what: str


Check = Callable[["Facts"], Iterator[tuple[str, str]]]


class Facts:
    """A history with its parts found by publication."""

    def __init__(self, history: History) -> None:
        self.history = history
        self.rows = {row.id: row for row in history.rows}
        self._posts: dict[tuple[str, str], list[Post]] = defaultdict(list)
        for post in history.posts:
            self._posts[post.platform, post.title].append(post)

    def posts(self, row: Row) -> list[Post]:
        """The ledger's entries with this publication's own title."""
        return self._posts[row.platform, row.title]

    def lines(self, row: Row) -> Sequence[Line]:
        """Its timeline."""
        return self.history.timelines.get(row.id, ())


def lost(facts: Facts) -> Iterator[tuple[str, str]]:
    """Accepted but not there, never ended, or said to be published and not to be seen."""
    for one in facts.history.accepted:
        if one.id not in facts.rows:
            yield one.id, f"was accepted as {one.title!r} and has no row"
    for row in facts.rows.values():
        if row.status not in ENDED:
            yield row.id, f"is still {row.status} on {row.platform}"
        if row.status == "published" and not any(
            post.there and post.post_id == row.post_id for post in facts.posts(row)
        ):
            yield row.id, f"is published on {row.platform} as {row.post_id}, which nobody can see"
    for service, count in facts.history.unsent.items():
        if count:
            yield service, f"{count} facts of the outbox were never sent"
    for queue, count in facts.history.left.items():
        if count:
            yield queue, f"{count} messages were never handled"


def posted_twice(facts: Facts) -> Iterator[tuple[str, str]]:
    """Two posts of one publication that people could see, were it for a moment."""
    for row in facts.rows.values():
        seen = [post for post in facts.posts(row) if post.seen]
        if len(seen) > 1:
            yield row.id, f"{row.platform}: {', '.join(_shown(post) for post in seen)}"


def posted_after_cancel(facts: Facts) -> Iterator[tuple[str, str]]:
    """Anything to be seen of what was called off, or sent after the answer said so."""
    answered: dict[str, datetime] = {}
    for cancel in facts.history.cancels:
        if cancel.verdict == "cancelled":
            answered.setdefault(cancel.id, cancel.answered_at)
    for row in facts.rows.values():
        if row.status != "cancelled" and row.id not in answered:
            continue
        told = answered.get(row.id)
        for post in facts.posts(row):
            if post.seen or (told is not None and post.at > told):
                yield row.id, f"{row.platform}: cancelled (answered {told}), but {_shown(post)}"
                break


def illegal_moves(facts: Facts) -> Iterator[tuple[str, str]]:
    """A change of status that the table does not know, a gap, or work on what had ended."""
    for row in facts.rows.values():
        if problem := next(_illegal(row, facts.lines(row)), None):
            yield row.id, problem
    for cancel in facts.history.cancels:
        now = facts.rows.get(cancel.id)
        if cancel.verdict == "cancelled" and now and now.status != "cancelled":
            yield now.id, f"was answered cancelled and is {now.status}"


def early(facts: Facts) -> Iterator[tuple[str, str]]:
    """Posted before its time, by the platform's clock."""
    for row in facts.rows.values():
        for post in facts.posts(row):
            if row.schedule_at is not None and post.at < row.schedule_at:
                yield row.id, f"due at {row.schedule_at}, but {_shown(post)}"


def failed_but_posted(facts: Facts) -> Iterator[tuple[str, str]]:
    """Said to have failed, and there for everybody to see."""
    for row in facts.rows.values():
        there = [post for post in facts.posts(row) if post.there]
        if row.status == "failed" and there:
            yield row.id, f"{row.platform}: {_shown(there[0])}"


def too_fast(facts: Facts) -> Iterator[tuple[str, str]]:
    """More calls than the settings allow."""
    for text in over_pace(facts.history.calls, facts.history.rates):
        yield "", text


PROMISES: dict[str, Check] = {
    "lost": lost,
    "posted_twice": posted_twice,
    "posted_after_cancel": posted_after_cancel,
    "illegal_moves": illegal_moves,
    "early": early,
    "over_pace": too_fast,
    "failed_but_posted": failed_but_posted,
}


def violations(history: History) -> list[Violation]:
    """All of them."""
    facts = Facts(history)
    return [
        Violation(promise, about, what)
        for promise, check in PROMISES.items()
        for about, what in check(facts)
    ]


def counted(found: Sequence[Violation]) -> dict[str, int]:
    """By promise, the kept ones with 0."""
    counts = Counter(one.promise for one in found)
    return {promise: counts[promise] for promise in PROMISES}


def by_status(history: History) -> dict[str, int]:
    """How publications ended."""
    return dict(sorted(Counter(row.status for row in history.rows).items()))


def uncertain(history: History) -> dict[str, int]:
    """Publications about which a person has to decide, by platform."""
    unsure = (row.platform for row in history.rows if row.status == "uncertain")
    return dict(sorted(Counter(unsure).items()))


def recovery_seconds(history: History) -> list[float]:
    """From the death of a worker to the next claim of each publication it left behind.

    Two claims with nothing in between that gives a publication back are a takeover. Whoever held it
    was alive at its last line, so the death that mattered is the first one after that.
    """
    found = []
    for row in history.rows:
        for last, claim in _takeovers(history.timelines.get(row.id, ())):
            if death := _death(history.deaths, row.platform, last.at, claim.at):
                found.append((claim.at - death.at).total_seconds())
    return sorted(found)


def summary(seconds: Sequence[float]) -> dict[str, float | None]:
    """The middle and the worst; None when no worker ever left anything behind."""
    if not seconds:
        return {"p50": None, "max": None}
    return {"p50": round(median(seconds), 2), "max": round(max(seconds), 2)}


def _illegal(row: Row, lines: Sequence[Line]) -> Iterator[str]:
    if not lines:
        yield "has no timeline"
        return
    if lines[0].status not in {"scheduled", "publishing"}:
        yield f"began as {lines[0].status}"
    for before, line in pairwise(lines):
        if before.status != line.status:
            if Status(line.status) not in MOVES[Status(before.status)]:
                yield f"went from {before.status} to {line.status} ({line.kind})"
            if before.status == "failed" and line.kind != "retried":
                yield f"left failed by {line.kind}"
        elif line.status in ENDED and line.kind in WORKING:
            yield f"was {line.kind} although it was {line.status}"
    if lines[-1].status != row.status:
        yield f"is {row.status}, its timeline ends with {lines[-1].status}"
    moves = sum(before.status != line.status for before, line in pairwise(lines))
    if row.version != moves + 1:
        yield f"has version {row.version} after {moves} moves"


def _takeovers(lines: Sequence[Line]) -> Iterator[tuple[Line, Line]]:
    """The holder's last line and the claim of the one that took over.

    A wish to cancel comes from outside and says nothing about the holder.
    """
    last: Line | None = None
    for line in lines:
        if line.kind == "claimed":
            if last is not None:
                yield last, line
            last = line
        elif last is not None and line.kind in WORKING | {"absent"}:
            last = line
        elif line.kind != "cancel_requested":
            last = None


def _death(
    deaths: Sequence[Death], platform: str, after: datetime, before: datetime
) -> Death | None:
    mattering = (
        death for death in deaths if platform in death.platforms and after <= death.at <= before
    )
    return min(mattering, key=lambda death: death.at, default=None)


def _shown(post: Post) -> str:
    gone = f", deleted {post.deleted_at}" if post.deleted_at else ""
    return f"{post.post_id} at {post.at}{gone}"
