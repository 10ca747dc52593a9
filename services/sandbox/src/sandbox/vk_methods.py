"""Which VK API methods exist here, with the right and the parameters each of them documents."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.vk_errors import REFUSALS

GLOBAL_PARAMS = frozenset(
    {
        "access_token", "v", "lang", "test_mode", "captcha_sid", "captcha_key", "success_token",
    }
)  # fmt: skip
OWN_KINDS = (*REFUSALS, "captcha", "validation", "rate_limited_no_delay", "internal_error_after")


@dataclass(frozen=True)
class Method:
    """`right` None: any token. `community`: a community token will do."""

    right: str | None
    params: frozenset[str]
    community: bool = False
    kinds: tuple[str, ...] = ()  # faults beyond those of every method


def _method(
    right: str | None, params: str, *, community: bool = False, kinds: tuple[str, ...] = ()
) -> Method:
    return Method(right, frozenset(params.split()), community, kinds)


METHODS: dict[str, Method] = {
    "users.get": _method(None, "user_ids fields name_case from_group_id", community=True),
    "account.getAppPermissions": _method(None, "user_id"),
    "groups.get": _method("groups", "user_id extended filter fields offset count"),
    "video.save": _method(
        "video",
        "name description is_private wallpost link group_id album_id privacy_view privacy_view[] "
        "privacy_comment privacy_comment[] no_comments repeat compression auto_publish ord_info",
        kinds=("appears_late",),
    ),
    "video.get": _method(
        "video",
        "owner_id videos album_id count offset extended fields sort_album",
        community=True,
        kinds=("not_found",),
    ),
    "video.search": _method(
        "video",
        "q sort hd adult live filters search_own offset longer shorter count extended owner_id",
    ),
    "video.edit": _method(
        "video",
        "owner_id video_id name desc privacy_view privacy_view[] privacy_comment "
        "privacy_comment[] no_comments repeat ord_info",
    ),
    "video.delete": _method("video", "video_id owner_id target_id"),
    "video.restore": _method("video", "video_id owner_id"),
    "wall.post": _method(
        "wall",
        "owner_id friends_only from_group message attachments services signed publish_date lat "
        "long place_id post_id guid mark_as_ads close_comments donut_paid_duration "
        "mute_notifications copyright topic_id",
    ),
    "wall.get": _method(
        "wall", "owner_id domain offset count filter extended fields", kinds=("not_found",)
    ),
}


def steps() -> dict[str, tuple[str, ...]]:
    """Fault steps: one per method."""
    return {name: (*OWN_KINDS, *method.kinds) for name, method in METHODS.items()}
