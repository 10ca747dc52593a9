"""`POST /_accounts {"platform":"vk"}`: a fresh user, communities, a token."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from sandbox.vk_people import SCOPE_BITS, Membership, People, Role, User

ALL_SCOPES = ["vkid.personal_info", "video", "wall", "groups", "stats"]


class NewCommunity(BaseModel):
    """A community the new user belongs to."""

    model_config = ConfigDict(extra="forbid")
    name: str = "Сообщество"
    role: Role = "admin"
    needs_2fa: bool = False
    wall_closed: bool = False


class NewUser(BaseModel):
    """What can be chosen about a VK account."""

    model_config = ConfigDict(extra="forbid")
    first_name: str = "Тест"
    last_name: str = "Тестов"
    communities: list[NewCommunity] = Field(default_factory=list)
    banned: bool = False
    deactivated: bool = False
    token: bool = True  # issue an access token at once
    scopes: list[str] = ALL_SCOPES
    expires_in: float | None = None  # None: never


def make_user(people: People, app: str, order: NewUser) -> dict[str, Any]:
    """Create the user; answers ids and tokens."""
    first_id = people.next_community_id()
    groups = tuple(
        Membership(first_id + index, wish.name, wish.role, wish.needs_2fa, wish.wall_closed)
        for index, wish in enumerate(order.communities)
    )
    user = User(
        people.next_user_id(),
        order.first_name,
        order.last_name,
        groups,
        banned=order.banned,
        deactivated=order.deactivated,
    )
    people.add_user(user)
    everything = frozenset(SCOPE_BITS)
    answer: dict[str, Any] = {
        "platform": "vk",
        "account": str(user.id),
        "user_id": user.id,
        "name": user.name,
        "communities": [
            {
                "id": group.id,
                "name": group.name,
                "role": group.role,
                "access_token": people.issue(-group.id, app, everything, lifetime=None).value,
            }
            for group in groups
        ],
    }
    if order.token:
        scopes = frozenset(order.scopes)
        token = people.issue(user.id, app, scopes, lifetime=order.expires_in)
        answer["access_token"] = token.value
    return answer
