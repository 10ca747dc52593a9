"""Yandex users, their Дзен channels, and the tokens given to apps."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from sandbox import minting
from sandbox.world import World

LIFE = 31_536_000.0
DEVICES = 30
FIRST_MADE_ID = 1_130_000_000_000_100


class User(BaseModel):
    """One person. Without a channel, or with a blocked one, nothing can be published in Дзен."""

    id: str
    login: str
    name: str
    channel: str | None = None
    channel_blocked: bool = False


class Session(BaseModel):
    """What one consent gave: an access token and the refresh tokens that renew it."""

    id: str
    user: str
    app: str
    scopes: list[str]
    device_id: str | None
    access: str
    access_until: float
    refresh: list[str]
    refresh_until: float
    revoked: bool = False


@dataclass(slots=True)
class Code:
    """A confirmation code: one use, ten minutes."""

    app: str
    user: str
    scopes: tuple[str, ...]
    asked: tuple[str, ...]
    expires_at: float
    device_id: str | None
    challenge: str | None
    method: str


DEFAULT_USERS = (
    User(id="1130000000000001", login="clipcast", name="Анна Клипова", channel="a" * 24),
    User(id="1130000000000002", login="nochannel", name="Борис Второв"),
)


@dataclass
class YandexState:
    """Every change is logged first, so that a restarted sandbox still accepts its tokens."""

    world: World
    users: dict[str, User] = field(default_factory=dict)
    sessions: dict[str, Session] = field(default_factory=dict)
    codes: dict[str, Code] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.reset()
        for event in self.world.log.replay("yandex_user", "yandex_session"):
            self._apply(event)
        self.world.on_reset(self.reset)

    def reset(self) -> None:
        """Back to the default users; all tokens are gone."""
        self.users = {user.id: user for user in DEFAULT_USERS}
        self.sessions = {}
        self.codes = {}

    def add_user(self, user: User) -> None:
        """A new one, or another state of a known one."""
        self._log({"kind": "yandex_user", **user.model_dump()})

    def next_user_id(self) -> str:
        """Ids have sixteen digits."""
        return str(max([FIRST_MADE_ID - 1, *map(int, self.users)]) + 1)

    def save(self, session: Session) -> None:
        """Keep the session as it is now."""
        self._log({"kind": "yandex_session", **session.model_dump()})

    def start(self, *, user: str, app: str, scopes: list[str], device_id: str | None) -> Session:
        """A new session; of more than thirty devices the oldest is logged out."""
        now = self.world.clock.time()
        session = Session(
            id=secrets.token_hex(8),
            user=user,
            app=app,
            scopes=scopes,
            device_id=device_id,
            access=new_access(),
            access_until=now + LIFE,
            refresh=[new_refresh()],
            refresh_until=now + LIFE,
        )
        if device_id is not None:
            self._make_room(user, app)
        self.save(session)
        return session

    def by_access(self, token: str) -> Session | None:
        """The live session of an access token."""
        now = self.world.clock.time()
        return next(
            (
                s
                for s in self.sessions.values()
                if s.access == token and not s.revoked and now < s.access_until
            ),
            None,
        )

    def by_refresh(self, token: str) -> Session | None:
        """The live session of a refresh token."""
        now = self.world.clock.time()
        return next(
            (
                s
                for s in self.sessions.values()
                if token in s.refresh and not s.revoked and now < s.refresh_until
            ),
            None,
        )

    def expire(self, account: str) -> int:
        """End all access tokens of a user as age would; how many there were."""
        now = self.world.clock.time()
        live = [
            s
            for s in self.sessions.values()
            if s.user == account and not s.revoked and now < s.access_until
        ]
        for session in live:
            self.save(session.model_copy(update={"access_until": now}))
        return len(live)

    def _make_room(self, user: str, app: str) -> None:
        devices = [
            s
            for s in self.sessions.values()
            if (s.user, s.app) == (user, app) and s.device_id is not None and not s.revoked
        ]
        for oldest in devices[: max(0, len(devices) - DEVICES + 1)]:
            self.save(oldest.model_copy(update={"revoked": True}))

    def _log(self, event: dict[str, Any]) -> None:
        self.world.log.append(event["kind"], event)
        self._apply(event)

    def _apply(self, event: dict[str, Any]) -> None:
        values = {name: value for name, value in event.items() if name != "kind"}
        if event["kind"] == "yandex_user":
            user = User.model_validate(values)
            self.users[user.id] = user
        else:
            session = Session.model_validate(values)
            self.sessions[session.id] = session


def new_access() -> str:
    """The form of real ones."""
    return f"y0_{minting.urlsafe(40)}"


def new_refresh() -> str:
    """The form of real ones."""
    return f"1:{secrets.token_urlsafe(16)}:{minting.urlsafe(40)}"
