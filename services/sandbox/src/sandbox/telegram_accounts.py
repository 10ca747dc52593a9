"""The bot and channel that exist from the start, and those that tests ask for."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from sandbox.telegram_memory import restore
from sandbox.telegram_state import TOKEN, Chat, Member, Status, TelegramState
from sandbox.world import World

DEMO_TOKEN = "7000000001:AAclipcast-sandbox-telegram-bot-001"
DEMO_CHANNEL = "clipcast_demo"
LOGGED = "telegram_account"


class TelegramAccount(BaseModel):
    """Overrides of `POST /_accounts`. With `token` and `chat_id` of before, it changes those."""

    model_config = ConfigDict(extra="forbid")
    token: str | None = Field(default=None, pattern=f"^{TOKEN.pattern}$")
    chat_id: int | None = None
    kind: Literal["channel", "supergroup", "group", "migrated_group"] = "channel"
    public: bool = True
    status: Status = "administrator"
    can_post_messages: bool = True
    can_edit_messages: bool = True
    can_delete_messages: bool = True
    revoked: bool = False


def install_accounts(world: World, state: TelegramState) -> None:
    """The demo fixture, then what an earlier process of the same ledger file had."""
    now = world.clock.now()
    _add_demo(state, now)
    for event in world.log.replay(LOGGED):
        _apply(state, TelegramAccount.model_validate(event["order"]), now)
    restore(world.log, state)


def make_account(world: World, state: TelegramState, order: TelegramAccount) -> dict[str, Any]:
    """`{token, bot_id, username, channel, chat_id}`: what a person would paste to connect."""
    shown = _apply(state, order, world.clock.now())
    # With its ids fixed, so that applying it again gives the same bot and chat.
    fixed = order.model_copy(update={"token": shown["token"], "chat_id": shown["chat_id"]})
    world.log.append(LOGGED, {"order": fixed.model_dump()})
    return shown


def _add_demo(state: TelegramState, now: datetime) -> None:
    bot = state.add_bot(now, token=DEMO_TOKEN, username="clipcast_demo_bot")
    chat = state.add_chat("channel", "Clipcast demo", DEMO_CHANNEL)
    chat.members[bot.id] = Member("administrator")


def _apply(state: TelegramState, order: TelegramAccount, now: datetime) -> dict[str, Any]:
    bot = state.bots.get(order.token or "") or state.add_bot(now, token=order.token)
    bot.revoked = order.revoked
    chat = state.chats.get(order.chat_id or 0) or _new_chat(state, order)
    chat.members[bot.id] = Member(
        order.status, order.can_post_messages, order.can_edit_messages, order.can_delete_messages
    )
    if order.kind == "migrated_group" and chat.migrated_to is None:
        heir = state.add_chat("supergroup", chat.title, None)
        heir.members = chat.members
        chat.migrated_to = heir.id
    return {
        "token": bot.token,
        "bot_id": bot.id,
        "username": bot.username,
        "channel": f"@{chat.username}" if chat.username else str(chat.id),
        "chat_id": chat.id,
        "migrated_to": chat.migrated_to,
    }


def _new_chat(state: TelegramState, order: TelegramAccount) -> Chat:
    kind = "group" if order.kind == "migrated_group" else order.kind
    public = order.public and kind != "group"  # a basic group has no username
    return state.add_chat(kind, "Клипы", public=public, chat_id=order.chat_id)
