"""Connecting a Telegram channel: a bot's token and proof that the bot may post there (§2.1)."""

import re
from functools import partial
from typing import Any

from pydantic import SecretStr

from platforms.answers import text
from platforms.errors import NoRight, TokenExpired, Unavailable
from platforms.port import Account, Grant
from platforms.reasons import Reason
from platforms.telegram.client import TelegramClient, bot_id, following

TOKEN = re.compile(r"[0-9]{1,20}:[A-Za-z0-9_-]{20,100}")
CHANNEL = re.compile(r"@[A-Za-z][A-Za-z0-9_]{3,31}|-[0-9]{1,20}")


class TelegramConnect:
    """getMe, getChat and getChatMember together; getChat alone proves nothing."""

    def __init__(self, client: TelegramClient) -> None:
        self._client = client

    async def verify(self, token: SecretStr, *, channel: str | None) -> tuple[Account, Grant]:
        """The channel as the account: its id is what the platform keeps for ever."""
        if not TOKEN.fullmatch(token.get_secret_value()):
            raise TokenExpired(note="no bot token")
        if channel is None or not CHANNEL.fullmatch(channel):
            raise NoRight(Reason.CHAT_NOT_FOUND)
        await self._client.me(token)
        chat = await self._chat(token, channel)
        chat_id = str(chat["id"])
        await self._require_right(token, chat)
        username = text(chat.get("username"))
        account = Account(
            chat_id,
            text(chat.get("title")) or username or chat_id,
            url=f"https://t.me/{username}" if username else None,
        )
        return account, Grant(token, granted=("post_messages",))

    async def check(self, token: SecretStr, account_id: str) -> None:
        """Whether the bot lives and may still post."""
        await self._require_right(token, await self._chat(token, account_id))

    async def _chat(self, token: SecretStr, name: str) -> dict[str, Any]:
        """The chat where it lives by now; its own `id` is the one to go on with."""
        chat = await following(partial(self._client.chat, token), name)
        if not isinstance(chat.get("id"), int):
            raise Unavailable(note="telegram: a chat without id")
        return chat

    async def _require_right(self, token: SecretStr, chat: dict[str, Any]) -> None:
        async def member_of(chat_id: str) -> dict[str, Any]:
            return await self._client.member(token, chat_id, bot_id(token))

        member = await following(member_of, str(chat["id"]))
        if not _may_post(member, is_channel=chat.get("type") == "channel"):
            outside = member.get("status") in {"left", "kicked"}
            raise NoRight(Reason.NOT_A_MEMBER if outside else Reason.BOT_MAY_NOT_POST)


def _may_post(member: dict[str, Any], *, is_channel: bool) -> bool:
    if member.get("status") == "creator":
        return True
    right = not is_channel or member.get("can_post_messages") is True
    return member.get("status") == "administrator" and right
