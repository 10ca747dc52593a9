"""What was really posted: the one list that tells whether a clip was lost or posted twice."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

from sandbox.clock import Clock
from sandbox.eventlog import EventLog


@dataclass
class Post:
    """One post. A deleted one keeps its entry."""

    platform: str
    account: str
    post_id: str
    url: str
    sha256: str | None  # None until the platform has fetched the file itself
    bytes: int | None
    title: str
    at: str
    deleted_at: str | None = None


class Ledger:
    """Every entry is on disk before the platform answers."""

    def __init__(self, clock: Clock, log: EventLog) -> None:
        self._clock = clock
        self._log = log
        self._posts: dict[tuple[str, str], Post] = {}
        for event in log.replay("post", "fetched", "deleted", "restored"):
            self._apply(event)

    def record(
        self,
        *,
        platform: str,
        account: str,
        post_id: str,
        url: str,
        sha256: str | None,
        size: int | None,
        title: str,
    ) -> Post:
        """Write one post. `post_id` is unique within its platform."""
        at = self._clock.stamp()
        post = Post(platform, account, post_id, url, sha256, size, title, at)
        self._write({"kind": "post", **asdict(post)})
        return self._posts[platform, post_id]

    def mark_fetched(self, platform: str, post_id: str, *, sha256: str, size: int) -> None:
        """The platform that pulls files by itself (Rutube) has got this one."""
        self._write(
            {
                "kind": "fetched",
                "platform": platform,
                "post_id": post_id,
                "sha256": sha256,
                "bytes": size,
            }
        )

    def mark_deleted(self, platform: str, post_id: str) -> None:
        """Nothing happens when it was never posted: a draft leaves no trace."""
        if (platform, post_id) in self._posts:
            at = self._clock.stamp()
            self._write({"kind": "deleted", "platform": platform, "post_id": post_id, "at": at})

    def mark_restored(self, platform: str, post_id: str) -> None:
        if (platform, post_id) in self._posts:
            self._write({"kind": "restored", "platform": platform, "post_id": post_id})

    def find(self, platform: str, post_id: str) -> Post | None:
        """Also deleted ones."""
        return self._posts.get((platform, post_id))

    def posts(self, platform: str | None = None) -> list[Post]:
        """In the order of posting."""
        return [post for post in self._posts.values() if platform in (None, post.platform)]

    def clear(self) -> None:
        self._posts.clear()

    def _write(self, event: dict[str, Any]) -> None:
        self._log.append(event["kind"], event)
        self._apply(event)

    def _apply(self, event: dict[str, Any]) -> None:
        key = event["platform"], event["post_id"]
        match event["kind"]:
            case "post":
                self._posts[key] = Post(**{one.name: event[one.name] for one in fields(Post)})
            case "fetched":
                self._posts[key].sha256, self._posts[key].bytes = event["sha256"], event["bytes"]
            case "deleted":
                self._posts[key].deleted_at = event["at"]
            case "restored":
                self._posts[key].deleted_at = None
