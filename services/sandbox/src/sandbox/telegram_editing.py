"""The methods that change or remove a post: editMessageCaption, deleteMessage."""

from __future__ import annotations

from sandbox.telegram_access import editable_chat
from sandbox.telegram_call import Call
from sandbox.telegram_errors import bad_request
from sandbox.telegram_state import DELETABLE_FOR, Chat, Message
from sandbox.telegram_text import caption_of

_NOT_MODIFIED = (
    "message is not modified: specified new message content and reply markup are exactly the same "
    "as a current content and reply markup of the message"
)


def edit_message_caption(call: Call) -> tuple[Chat, Message]:
    """An equal caption is refused, which proves that the message exists."""
    chat = editable_chat(call.state, call.bot, call.text("chat_id"))
    post = chat.messages.get(call.number("message_id"))
    if post is None:
        raise bad_request("message to edit not found")
    if post.video is None:
        raise bad_request("there is no caption in the message to edit")
    if not _may_edit(call, chat, post):
        raise bad_request("message can't be edited")
    caption = caption_of(
        call.text("caption"), call.text("parse_mode"), call.text("caption_entities")
    )
    if caption == post.caption:
        raise bad_request(_NOT_MODIFIED)
    post.caption, post.edited = caption, call.now
    return chat, post


def delete_message(call: Call) -> Chat:
    """Gone for everybody; only within 48 hours of posting."""
    chat = editable_chat(call.state, call.bot, call.text("chat_id"))
    number = call.number("message_id")
    post = chat.messages.get(number)
    if post is None:
        raise bad_request("message to delete not found")
    if not _may_delete(call, chat, post) or call.now - post.date > DELETABLE_FOR:
        raise bad_request("message can't be deleted")
    del chat.messages[number]
    return chat


def _may_edit(call: Call, chat: Chat, post: Message) -> bool:
    member = chat.member(call.bot.id)
    if post.forwarded_from is not None:
        return False
    if chat.type != "channel":
        return post.bot_id == call.bot.id
    if member.status == "creator":
        return True
    own = post.bot_id == call.bot.id and member.can_post_messages
    return member.admin and (own or member.can_edit_messages)


def _may_delete(call: Call, chat: Chat, post: Message) -> bool:
    member = chat.member(call.bot.id)
    if member.status == "creator" or (member.admin and member.can_delete_messages):
        return True
    if chat.type != "channel":
        return post.bot_id == call.bot.id
    return member.admin and member.can_post_messages and post.bot_id == call.bot.id
