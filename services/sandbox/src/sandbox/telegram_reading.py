"""The methods that only look: getMe, getChat, getChatMember, getChatMemberCount."""

from __future__ import annotations

from typing import Any

from sandbox import telegram_answers as answers
from sandbox.telegram_access import readable_chat
from sandbox.telegram_call import Call
from sandbox.telegram_errors import bad_request
from sandbox.telegram_state import Member


def get_me(call: Call) -> dict[str, Any]:
    """Proves the token, nothing else."""
    return answers.me(call.bot)


def get_chat(call: Call) -> dict[str, Any]:
    """Answers for any public chat, so it is no proof of membership."""
    return answers.chat_full_info(readable_chat(call.state, call.bot, call.text("chat_id")))


def get_chat_member(call: Call) -> dict[str, Any]:
    """The member's rights; of others a channel tells only its administrators."""
    chat = readable_chat(call.state, call.bot, call.text("chat_id"))
    user_id = call.number("user_id")
    if user_id <= 0:
        raise bad_request("invalid user_id specified")
    other = next((b for b in call.state.bots.values() if b.id == user_id), None)
    if user_id != call.bot.id and chat.type == "channel" and not chat.member(call.bot.id).admin:
        raise bad_request("CHAT_ADMIN_REQUIRED")
    if other is None:
        raise bad_request("PARTICIPANT_ID_INVALID")
    return answers.chat_member(other, chat.members.get(user_id, Member("left")), chat.type)


def get_chat_member_count(call: Call) -> int:
    """The subscribers."""
    return readable_chat(call.state, call.bot, call.text("chat_id")).subscribers
