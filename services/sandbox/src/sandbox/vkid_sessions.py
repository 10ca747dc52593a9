"""VK ID's codes and rotating refresh tokens: one live refresh token per consent."""

from __future__ import annotations

import secrets
from dataclasses import asdict, dataclass, field
from typing import Any

from sandbox import minting
from sandbox.vk_people import People, Token

CODE_LIFE = 600.0
ACCESS_LIFE = 3600.0
REFRESH_LIFE = 180 * 86400.0


@dataclass
class Code:
    """An authorization code, bound to all that was said at `/authorize`."""

    value: str
    app: str
    user: int
    redirect_uri: str
    device_id: str
    challenge: str
    scopes: frozenset[str]
    expires_at: float
    session: str | None = None  # set when it was used


@dataclass
class Session:
    """A refresh token family. Every rotation adds to `used`."""

    id: str
    app: str
    user: int
    device_id: str
    scopes: list[str]
    refresh_token: str
    expires_at: float
    used: list[str] = field(default_factory=list)
    ended: bool = False


class Sessions:
    """Codes live in memory only: a restarted sandbox makes the person consent again."""

    def __init__(self, people: People) -> None:
        self._people = people
        self._clock = people.world.clock
        self.codes: dict[str, Code] = {}
        self._sessions: dict[str, Session] = {}
        for event in people.world.log.replay("vkid_session"):
            self._apply(event)
        people.world.on_reset(self._reset)

    def issue_code(
        self,
        *,
        app: str,
        user: int,
        redirect_uri: str,
        challenge: str,
        scopes: frozenset[str],
    ) -> Code:
        """The device id is VK ID's own invention and must come back with every token request."""
        value, device = "vk2.a." + minting.urlsafe(48), minting.urlsafe(32)
        expires = self._clock.time() + CODE_LIFE
        code = Code(value, app, user, redirect_uri, device, challenge, scopes, expires)
        self.codes[value] = code
        return code

    def start(self, code: Code) -> tuple[Session, Token]:
        """Spend a code that was checked."""
        session = Session(
            secrets.token_hex(8),
            code.app,
            code.user,
            code.device_id,
            sorted(code.scopes),
            _refresh_token(),
            self._clock.time() + REFRESH_LIFE,
        )
        code.session = session.id
        return session, self._issue(session)

    def rotate(self, session: Session) -> Token:
        """The old refresh token is dead from here on."""
        session.used.append(session.refresh_token)
        session.refresh_token = _refresh_token()
        session.expires_at = self._clock.time() + REFRESH_LIFE
        if self._people.world.switches.is_on("vkid_refresh_kills_access"):
            self._kill_access(session)
        return self._issue(session)

    def by_refresh(self, refresh_token: str) -> tuple[Session | None, bool]:
        """The session a refresh token belongs to, and whether it is the live one."""
        for session in self._sessions.values():
            if session.refresh_token == refresh_token:
                live = not session.ended and self._clock.time() < session.expires_at
                return session, live
            if refresh_token in session.used:
                return session, False
        return None, False

    def get(self, session: str | None) -> Session | None:
        return self._sessions.get(session) if session else None

    def end(self, session: Session) -> None:
        """Logout: this session's refresh token and access tokens."""
        session.ended = True
        self._kill_access(session)
        self._save(session)

    def end_all(self, app: str, user: int) -> None:
        """Revoke: every right the user gave to the app."""
        for session in list(self._sessions.values()):
            if (session.app, session.user) == (app, user):
                self.end(session)
        for token in list(self._people.tokens.values()):
            if (token.app, token.owner) == (app, user):
                self._people.revoke(token)

    def _issue(self, session: Session) -> Token:
        self._save(session)
        return self._people.issue(
            session.user,
            session.app,
            frozenset(session.scopes),
            lifetime=ACCESS_LIFE,
            session=session.id,
        )

    def _kill_access(self, session: Session) -> None:
        for token in list(self._people.tokens.values()):
            if token.session == session.id:
                self._people.revoke(token)

    def _save(self, session: Session) -> None:
        self._people.world.log.append("vkid_session", asdict(session))
        self._sessions[session.id] = session

    def _apply(self, event: dict[str, Any]) -> None:
        values = {name: value for name, value in event.items() if name != "kind"}
        self._sessions[event["id"]] = Session(**values)

    def _reset(self) -> None:
        self.codes.clear()
        self._sessions.clear()


def _refresh_token() -> str:
    return "vk2.a." + minting.urlsafe(72)
