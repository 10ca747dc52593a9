"""Telegram's messages as the ledger file keeps them, so that a restarted sandbox knows them all."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pydantic import TypeAdapter

from sandbox.eventlog import EventLog
from sandbox.telegram_state import Chat, Message, TelegramState

SAVED, DELETED = "telegram_message", "telegram_message_deleted"
_MESSAGE = TypeAdapter(Message)


def save(log: EventLog, chat: Chat, message: Message) -> None:
    """To be called after every change."""
    origin = message.forwarded_from
    values: dict[str, Any] = _MESSAGE.dump_python(
        replace(message, forwarded_from=None), mode="json"
    )
    log.append(SAVED, {"chat": chat.id, "origin": origin and origin.id, "message": values})


def forget(log: EventLog, chat: Chat, number: int) -> None:
    """To be called when one was deleted."""
    log.append(DELETED, {"chat": chat.id, "number": number})


def restore(log: EventLog, state: TelegramState) -> None:
    """All messages, and the files they can be sent again by."""
    for event in log.replay(SAVED, DELETED):
        chat = state.chats[event["chat"]]
        if event["kind"] == DELETED:
            del chat.messages[event["number"]]
            continue
        message = _MESSAGE.validate_python(event["message"])
        message.forwarded_from = state.chats.get(event["origin"])
        chat.messages[message.id] = message
        chat.last_message_id = max(chat.last_message_id, message.id)
        if message.video is not None:
            state.files[message.video.file_id] = message.video
