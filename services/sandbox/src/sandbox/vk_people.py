"""VK's users, communities and tokens: VK ID, legacy OAuth and the API share them."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from sandbox import minting
from sandbox.world import World

# Bit values as in the library vk_api; the scopes without a bit are known to VK ID only.
SCOPE_BITS = {
    "notify": 1, "friends": 2, "photos": 4, "audio": 8, "video": 16, "stories": 64, "pages": 128,
    "status": 1024, "notes": 2048, "messages": 4096, "wall": 8192, "ads": 32768, "offline": 65536,
    "docs": 131072, "groups": 262144, "notifications": 524288, "stats": 1048576, "email": 4194304,
    "market": 134217728,
}  # fmt: skip
VKID_ONLY = frozenset({"vkid.personal_info", "phone"})
FIRST_MADE_ID = 100_101
Role = Literal["admin", "editor", "moderator", "member"]


@dataclass(frozen=True)
class Membership:
    """A community as one user sees it."""

    id: int
    name: str
    role: Role
    needs_2fa: bool = False  # 704 for whoever publishes there
    wall_closed: bool = False  # 214 on wall.post


@dataclass(frozen=True)
class User:
    """One person. `banned` answers 13000 to writes, `deactivated` 18 to everything."""

    id: int
    first_name: str
    last_name: str
    communities: tuple[Membership, ...] = ()
    banned: bool = False
    deactivated: bool = False

    @property
    def name(self) -> str:
        return f"{self.first_name} {self.last_name}"

    def membership(self, community: int) -> Membership | None:
        return next((found for found in self.communities if found.id == community), None)

    def may_publish_in(self, community: int) -> bool:
        found = self.membership(community)
        return found is not None and found.role in ("admin", "editor")


@dataclass(frozen=True)
class Token:
    """An access token. `owner` is a user id, or a negative community id."""

    value: str
    owner: int
    app: str
    scopes: frozenset[str]
    expires_at: float | None = None
    session: str | None = None  # VK ID session that logout ends
    revoked: bool = False

    @property
    def of_community(self) -> bool:
        return self.owner < 0


DEFAULT_USERS = (
    User(
        100_001,
        "Анна",
        "Клипова",
        (
            Membership(200_001, "Клипы Анны", "admin"),
            Membership(200_002, "Чужое сообщество", "member"),
        ),
    ),
    User(100_002, "Борис", "Второв"),
)


@dataclass
class People:
    """Every change is logged first, so that a restarted sandbox still accepts its tokens."""

    world: World
    users: dict[int, User] = field(default_factory=dict)
    tokens: dict[str, Token] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.reset()
        for event in self.world.log.replay("vk_user", "vk_token"):
            self._apply(event)
        self.world.on_reset(self.reset)

    def reset(self) -> None:
        self.users = {user.id: user for user in DEFAULT_USERS}
        self.tokens = {}

    def add_user(self, user: User) -> None:
        self._log({"kind": "vk_user", **asdict(user)})

    def next_user_id(self) -> int:
        return max([FIRST_MADE_ID - 1, *self.users]) + 1

    def next_community_id(self) -> int:
        known = [group.id for user in self.users.values() for group in user.communities]
        return max([200_100, *known]) + 1

    def issue(
        self,
        owner: int,
        app: str,
        scopes: frozenset[str],
        *,
        prefix: str = "vk2.a.",
        lifetime: float | None = 3600,
        session: str | None = None,
    ) -> Token:
        """A new access token; `lifetime` None never expires."""
        expires = None if lifetime is None else self.world.clock.time() + lifetime
        value = prefix + minting.urlsafe(60)
        token = Token(value, owner, app, scopes, expires, session)
        self._save(token)
        return token

    def revoke(self, token: Token) -> None:
        self._save(replace(token, revoked=True))

    def expire(self, account: str) -> int:
        """End all access tokens of a user or community as age would; how many there were."""
        live = [
            token
            for token in self.tokens.values()
            if str(token.owner) == account and not token.revoked and not self.expired(token)
        ]
        for token in live:
            self._save(replace(token, expires_at=self.world.clock.time()))
        return len(live)

    def expired(self, token: Token) -> bool:
        return token.expires_at is not None and self.world.clock.time() >= token.expires_at

    def offered(self) -> tuple[tuple[str, str], ...]:
        """Who can log in at a consent page."""
        return tuple((str(user.id), user.name) for user in self.users.values())

    def _save(self, token: Token) -> None:
        self._log({"kind": "vk_token", **asdict(token), "scopes": sorted(token.scopes)})

    def _log(self, event: dict[str, Any]) -> None:
        self.world.log.append(event["kind"], event)
        self._apply(event)

    def _apply(self, event: dict[str, Any]) -> None:
        values = {name: value for name, value in event.items() if name != "kind"}
        if event["kind"] == "vk_user":
            groups = tuple(Membership(**group) for group in values.pop("communities"))
            self.users[values["id"]] = User(**values, communities=groups)
        else:
            scopes = frozenset(values.pop("scopes"))
            self.tokens[values["value"]] = Token(**values, scopes=scopes)
