"""Connecting a Telegram channel: a bot's token and proof that the bot may post there (§2.1)."""

import re
from typing import Any

from pydantic import SecretStr

from platforms.answers import text
from platforms.errors import NoRight, TokenExpired
from platforms.port import Account, Grant
from platforms.reasons import Reason
from platforms.telegram.client import TelegramClient, bot_id

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
        chat = await self._client.chat(token, channel)
        chat_id = text(chat.get("id")) or channel
        await self._require_right(token, chat_id, is_channel=chat.get("type") == "channel")
        username = text(chat.get("username"))
        account = Account(
            chat_id,
            text(chat.get("title")) or username or chat_id,
            url=f"https://t.me/{username}" if username else None,
        )
        return account, Grant(token, granted=("post_messages",))

    async def check(self, token: SecretStr, account_id: str) -> None:
        """Whether the bot lives and may still post."""
        chat = await self._client.chat(token, account_id)
        await self._require_right(token, account_id, is_channel=chat.get("type") == "channel")

    async def _require_right(self, token: SecretStr, chat_id: str, *, is_channel: bool) -> None:
        member = await self._client.member(token, chat_id, bot_id(token))
        if not _may_post(member, is_channel=is_channel):
            outside = member.get("status") in {"left", "kicked"}
            raise NoRight(Reason.NOT_A_MEMBER if outside else Reason.NO_RIGHT)


def _may_post(member: dict[str, Any], *, is_channel: bool) -> bool:
    if member.get("status") == "creator":
        return True
    right = not is_channel or member.get("can_post_messages") is True
    return member.get("status") == "administrator" and right
