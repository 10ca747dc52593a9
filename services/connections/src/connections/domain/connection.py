"""A linked account and the few things that can happen to it. Each change adds one to `version`."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from common.contracts.words import Platform


class Status(StrEnum):
    """Whether the platform still accepts us."""

    ACTIVE = "active"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Account:
    """Who it is, as the platform names it. `id` is stable; the rest may change."""

    id: str
    name: str
    avatar_url: str | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Link:
    """What oauth-gateway tells once an account's tokens lie in its vault.

    `grant_number` counts the connects of one account: of two links the higher one is newer.
    """

    connection_id: UUID
    platform: Platform
    grant_number: int
    account: Account
    granted: tuple[str, ...]
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class Connection:
    """One account of one user. A removed one stays as a row, so that its id can come back."""

    id: UUID
    user_id: str
    platform: Platform
    account: Account
    granted: tuple[str, ...]
    status: Status
    expires_at: datetime | None
    checked_at: datetime
    created_at: datetime
    version: int
    grant_number: int
    removed_at: datetime | None = None

    @classmethod
    def first(cls, user_id: str, link: Link, now: datetime) -> "Connection":
        """A freshly linked account; the gateway has just asked the platform about it."""
        return cls(
            id=link.connection_id,
            user_id=user_id,
            platform=link.platform,
            account=link.account,
            granted=link.granted,
            status=Status.ACTIVE,
            expires_at=link.expires_at,
            checked_at=now,
            created_at=now,
            version=1,
            grant_number=link.grant_number,
        )

    @property
    def live(self) -> bool:
        """Whether the user still sees it."""
        return self.removed_at is None

    def linked_again(self, link: Link, now: datetime) -> "Connection":
        """The same account with a new grant; a removed one comes back as if it were new."""
        return replace(
            self.first(self.user_id, link, now),
            created_at=self.created_at if self.live else now,
            version=self.version + 1,
        )

    def removed(self, now: datetime) -> "Connection":
        """Gone for the user."""
        return replace(self, version=self.version + 1, removed_at=now)

    def proven(self, at: datetime) -> "Connection":
        """The platform accepted us at that time; older news changes nothing."""
        if at <= self.checked_at:
            return self
        return replace(self, version=self.version + 1, checked_at=at)

    def refused(self, at: datetime) -> "Connection":
        """The platform refused us for good."""
        return replace(
            self,
            version=self.version + 1,
            status=Status.EXPIRED,
            checked_at=max(at, self.checked_at),
        )

    def refreshed(self, expires_at: datetime | None) -> "Connection":
        """A new access token lies in the vault. Late news is known by its earlier expiry."""
        known = self.expires_at
        if known is None or (expires_at is not None and expires_at <= known):
            return self
        return replace(self, version=self.version + 1, expires_at=expires_at)
