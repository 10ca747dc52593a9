"""VK API: who the token belongs to, what it may do, and where it may publish."""

from __future__ import annotations

from typing import Any

from sandbox.vk_call import Call
from sandbox.vk_errors import bad_parameter
from sandbox.vk_people import SCOPE_BITS, Membership, People, User

RANK = {"member": 0, "moderator": 1, "editor": 2, "admin": 3}
FILTERS = {"admin": 3, "editor": 2, "moder": 1, "moderator": 1, "groups": 0, "publics": 0}


class PeopleMethods:
    """users.get, account.getAppPermissions, groups.get."""

    def __init__(self, people: People) -> None:
        self._people = people

    def users_get(self, call: Call) -> list[dict[str, Any]]:
        wanted = call.words("user_ids")
        if not wanted:
            return [self._user(call.user, call)] if call.user else []
        if not all(word.isdecimal() for word in wanted):
            raise bad_parameter("user_ids is invalid")
        found = (self._people.users.get(int(word)) for word in wanted)
        return [self._user(user, call) for user in found if user is not None]

    def get_app_permissions(self, call: Call) -> int:
        call.number("user_id", 0)
        return sum(SCOPE_BITS.get(scope, 0) for scope in call.token.scopes)

    def groups_get(self, call: Call) -> dict[str, Any]:
        user = call.person()
        count, offset = call.number("count", 1000, low=0, high=1000), call.number("offset", 0)
        filters = call.words("filter")
        if not set(FILTERS).issuperset(filters):
            raise bad_parameter("filter is invalid")
        rank = min((FILTERS[name] for name in filters), default=0)
        groups = [group for group in user.communities if RANK[group.role] >= rank]
        page = groups[offset : offset + count]
        items = [_group(group) if call.flag("extended") else group.id for group in page]
        return {"count": len(groups), "items": items}

    def _user(self, user: User, call: Call) -> dict[str, Any]:
        shown: dict[str, Any] = {
            "id": user.id,
            "first_name": user.first_name,
            "last_name": user.last_name,
            "can_access_closed": True,
            "is_closed": False,
        }
        if user.deactivated:
            shown["deactivated"] = "banned"
        fields = call.words("fields")
        if "screen_name" in fields:
            shown["screen_name"] = f"id{user.id}"
        avatar = f"{self._people.world.settings.origin}/vk/avatar/{user.id}.png"
        return shown | {name: avatar for name in fields if name.startswith("photo_")}


def _group(group: Membership) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "id": group.id,
        "name": group.name,
        "screen_name": f"club{group.id}",
        "is_closed": 0,
        "type": "group",
        "is_admin": int(RANK[group.role] > 0),
        "is_member": 1,
    }
    if RANK[group.role] > 0:
        shown["admin_level"] = RANK[group.role]
    return shown
