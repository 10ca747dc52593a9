"""The methods that post: sendVideo, sendMessage, copyMessage, forwardMessage."""

from __future__ import annotations

from sandbox.telegram_access import readable_chat, writable_chat
from sandbox.telegram_call import Call
from sandbox.telegram_errors import bad_request
from sandbox.telegram_state import Chat, Message
from sandbox.telegram_text import caption_of, message_text_of
from sandbox.telegram_video import video_of


async def send_video(call: Call) -> tuple[Chat, Message]:
    """Posts at once and for everybody: there is no key that makes a repeat harmless."""
    chat = writable_chat(call.state, call.bot, call.text("chat_id"), what="videos")
    video = await video_of(call)
    caption = caption_of(
        call.text("caption"), call.text("parse_mode"), call.text("caption_entities")
    )
    post = Message(0, call.now, call.bot.id, caption=caption, video=video)
    return chat, _post(call, chat, post)


def send_message(call: Call) -> tuple[Chat, Message]:
    """A text."""
    chat = writable_chat(call.state, call.bot, call.text("chat_id"), what="text messages")
    text = message_text_of(call.text("text"), call.text("parse_mode"), call.text("entities"))
    return chat, _post(call, chat, Message(0, call.now, call.bot.id, text=text))


def copy_message(call: Call) -> tuple[Chat, Message]:
    """A new post with the same content."""
    chat, _origin, original = _source(call, "copied")
    caption = original.caption
    if "caption" in call.params:
        caption = caption_of(
            call.text("caption"), call.text("parse_mode"), call.text("caption_entities")
        )
    post = Message(
        0, call.now, call.bot.id, text=original.text, caption=caption, video=original.video
    )
    return chat, _post(call, chat, post)


def forward_message(call: Call) -> tuple[Chat, Message]:
    """A new post that names its origin."""
    chat, origin, original = _source(call, "forwarded")
    post = Message(
        0,
        call.now,
        call.bot.id,
        text=original.text,
        caption=original.caption,
        video=original.video,
        forwarded_from=origin,
        forwarded_id=original.id,
    )
    return chat, _post(call, chat, post)


def _source(call: Call, done: str) -> tuple[Chat, Chat, Message]:
    word = {"copied": "copy", "forwarded": "forward"}[done]
    chat = writable_chat(call.state, call.bot, call.text("chat_id"), what="messages")
    origin = readable_chat(call.state, call.bot, call.text("from_chat_id"))
    original = origin.messages.get(call.number("message_id"))
    if original is None:
        raise bad_request(f"message to {word} not found")
    if original.protected:
        raise bad_request(f"message can't be {done}")
    return chat, origin, original


def _post(call: Call, chat: Chat, message: Message) -> Message:
    # Telegram counts a message only when it is otherwise good to go.
    call.limits.take(call.bot.id, chat.id, call.now)
    message.protected = call.flag("protect_content")
    return chat.add(message)
