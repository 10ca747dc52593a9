"""The objects of the Bot API with every field that strict clients require.

Field sets: Bot API 10.3 as aiogram 3.31 validates them.
"""

from __future__ import annotations

from typing import Any

from sandbox.telegram_state import Bot, Chat, Member, Message, VideoFile

Json = dict[str, Any]

_ADMIN_RIGHTS = {
    "can_be_edited": False,
    "is_anonymous": False,
    "can_manage_chat": True,
    "can_manage_video_chats": False,
    "can_restrict_members": False,
    "can_promote_members": False,
    "can_change_info": False,
    "can_invite_users": False,
    "can_post_stories": False,
    "can_edit_stories": False,
    "can_delete_stories": False,
    "can_send_welcome_messages": False,
}
_RESTRICTED = (
    "can_send_messages",
    "can_send_audios",
    "can_send_documents",
    "can_send_photos",
    "can_send_videos",
    "can_send_video_notes",
    "can_send_voice_notes",
    "can_send_polls",
    "can_send_other_messages",
    "can_add_web_page_previews",
    "can_react_to_messages",
    "can_edit_tag",
    "can_change_info",
    "can_invite_users",
    "can_pin_messages",
    "can_manage_topics",
)


def user(bot: Bot) -> Json:
    """`User` as other answers carry it."""
    return {
        "id": bot.id,
        "is_bot": True,
        "first_name": bot.first_name,
        "username": bot.username,
    }


def me(bot: Bot) -> Json:
    """`User` as getMe tells it."""
    return user(bot) | {
        "can_join_groups": True,
        "can_read_all_group_messages": False,
        "supports_inline_queries": False,
        "can_connect_to_business": False,
        "has_main_web_app": False,
    }


def chat(place: Chat) -> Json:
    """`Chat`; a private one has no username."""
    answer: Json = {"id": place.id, "title": place.title}
    if place.username:
        answer["username"] = place.username
    return answer | {"type": place.type}


def chat_full_info(place: Chat) -> Json:
    """`ChatFullInfo`."""
    answer = chat(place)
    if place.username:
        answer["active_usernames"] = [place.username]
    return answer | {
        "accent_color_id": 3,
        "max_reaction_count": 11,
        "accepted_gift_types": {
            "unlimited_gifts": False,
            "limited_gifts": False,
            "unique_gifts": False,
            "premium_subscription": False,
            "gifts_from_channels": False,
        },
    }


def chat_member(bot: Bot, member: Member, kind: str) -> Json:
    """`ChatMember…` of the member's status."""
    answer: Json = {"user": user(bot), "status": member.status}
    match member.status:
        case "creator":
            return answer | {"is_anonymous": False}
        case "administrator":
            answer |= _ADMIN_RIGHTS | {"can_delete_messages": member.can_delete_messages}
            if kind == "channel":
                answer["can_post_messages"] = member.can_post_messages
                answer["can_edit_messages"] = member.can_edit_messages
            return answer
        case "restricted":
            answer |= dict.fromkeys(_RESTRICTED, False)
            return answer | {"is_member": True, "until_date": 0}
        case "kicked":
            return answer | {"until_date": 0}
        case _:
            return answer


def message(post: Message, place: Chat, bot: Bot) -> Json:
    """`Message`: a channel speaks in its own name, a group shows the bot."""
    answer: Json = {"message_id": post.id}
    if place.type == "channel":
        answer["sender_chat"] = chat(place)
    else:
        answer["from"] = user(bot)
    answer |= {"chat": chat(place), "date": int(post.date.timestamp())}
    if post.edited:
        answer["edit_date"] = int(post.edited.timestamp())
    if post.forwarded_from:
        answer["forward_origin"] = {
            "type": "channel",
            "chat": chat(post.forwarded_from),
            "message_id": post.forwarded_id,
            "date": int(post.date.timestamp()),
        }
    if post.protected:
        answer["has_protected_content"] = True
    if post.text:
        answer["text"] = post.text
    if post.video:
        answer["video"] = video(post.video)
    if post.caption:
        answer["caption"] = post.caption
    return answer


def video(file: VideoFile) -> Json:
    """`Video`; sizes not told by the sender are what Telegram shows until it has looked."""
    return {
        "duration": file.duration,
        "width": file.width,
        "height": file.height,
        "file_name": file.name,
        "mime_type": file.mime_type,
        "file_id": file.file_id,
        "file_unique_id": file.file_unique_id,
        "file_size": file.size,
    }
