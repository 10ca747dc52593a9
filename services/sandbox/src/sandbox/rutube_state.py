"""What Rutube remembers, and what it shows of a video as time goes by."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from sandbox import minting

Stage = Literal["downloading", "moderation", "published", "failed"]
Reason = Literal["", "downloading_video", "moderation", "download_error", "blocked"]

REASON_IDS: dict[Reason, int] = {
    "": 0,
    "downloading_video": 19,
    "moderation": 6,
    "download_error": 20,
    "blocked": 4,
}
HITS_EVERY = timedelta(seconds=30)
DEFAULT_CATEGORY = 13
CATEGORIES = {
    4: "Фильмы",
    8: "Спорт",
    9: "Путешествия",
    13: "Разное",
    15: "Юмор",
}


@dataclass(slots=True)
class Account:
    """A Rutube account with a password of its own, and the token that was given for it."""

    id: int
    username: str
    password: str
    token: str
    name: str
    revoked: bool = False


@dataclass(slots=True)
class Video:
    """One video; `failure` is why it will never be shown."""

    id: str
    track_id: int
    author: Account
    created: datetime
    visible_from: datetime
    source_url: str
    title: str
    description: str
    hidden: bool
    category: int
    extra: str
    published_from: datetime | None = None
    scheduled: datetime | None = None
    updated: datetime | None = None
    duration: int = 0
    thumbnails: int = 0
    rejected: bool = False
    failure: Reason = ""
    callback: str = ""
    errback: str = ""
    deleted: bool = False
    busy_until: datetime | None = None
    purged: int = 0
    hidden_before: bool | None = None
    """`hidden` as it was before an order to hide."""

    @property
    def unfinished(self) -> bool:
        """Its file is still to be fetched."""
        return self.published_from is None and not self.failure

    def stage(self, now: datetime) -> Stage:
        """Where it is; a scheduled one stays in moderation until its time comes."""
        if self.failure:
            return "failed"
        if self.published_from is None:
            return "downloading"
        if self.rejected and now >= self.published_from:
            return "failed"
        ready = max(self.published_from, self.scheduled or self.published_from)
        return "published" if now >= ready and not self.again(now) else "moderation"

    def again(self, now: datetime) -> bool:
        """Whether it is moderated once more, after people have seen it."""
        return self.busy_until is not None and now < self.busy_until

    def reason(self, now: datetime) -> Reason:
        """The name Rutube gives to the stage."""
        match self.stage(now):
            case "failed":
                return self.failure or "blocked"
            case "downloading":
                return "downloading_video"
            case "moderation":
                return "moderation"
            case _:
                return ""

    def publication(self, now: datetime) -> datetime | None:
        """When it became visible."""
        if self.stage(now) != "published" or self.published_from is None:
            return None
        return max(self.published_from, self.scheduled or self.published_from)

    def hits(self, now: datetime) -> int:
        """Views grow steadily from publication on, but for those that were bots'."""
        since = self.publication(now)
        return 0 if since is None else int((now - since) / HITS_EVERY) - self.purged


@dataclass
class RutubeState:
    """Every account and video of this Rutube."""

    accounts: dict[str, Account] = field(default_factory=dict)
    videos: dict[str, Video] = field(default_factory=dict)
    removed: dict[str, Video] = field(default_factory=dict)
    """Deleted; nobody sees them, but Rutube can restore one."""
    last_account: int = 30_000_000
    last_track: int = 900_000_000

    def add_account(
        self,
        *,
        username: str | None = None,
        password: str | None = None,
        token: str | None = None,
    ) -> Account:
        """A fresh account, found by its token."""
        self.last_account += 1
        number = self.last_account
        account = Account(
            id=number,
            username=username or f"clip{number}@example.com",
            password=password or secrets.token_urlsafe(12),
            token=token or minting.hexadecimal(20),
            name=f"Канал {number}",
        )
        self.accounts[account.token] = account
        return account

    def next_track(self) -> int:
        """The next internal number."""
        self.last_track += 1
        return self.last_track

    def keep(self, video: Video) -> None:
        """Shown from now on, whether new or restored."""
        self.removed.pop(video.id, None)
        self.videos[video.id] = video
        video.deleted = False

    def remove(self, video: Video) -> None:
        """Deleted by its author or by Rutube."""
        self.videos.pop(video.id, None)
        self.removed[video.id] = video
        video.deleted = True

    def account_of(self, username: str, password: str) -> Account | None:
        """Whoever signs in with these."""
        return next(
            (
                a
                for a in self.accounts.values()
                if a.username == username and a.password == password
            ),
            None,
        )

    def newest_of(self, account: Account) -> list[Video]:
        """Own videos as the studio lists them."""
        own = [v for v in self.videos.values() if v.author is account]
        return sorted(own, key=lambda v: (v.created, v.track_id), reverse=True)

    def open_uploads(self, account: Account, now: datetime) -> int:
        """How many of the account's videos are still being downloaded."""
        return sum(
            1 for v in self.videos.values() if v.author is account and v.stage(now) == "downloading"
        )
