"""What Telegram remembers: bots, chats with their members, files and messages."""

from __future__ import annotations

import re
import secrets
import string
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict

from sandbox import minting

ChatType = Literal["channel", "supergroup", "group"]
Status = Literal["creator", "administrator", "member", "restricted", "left", "kicked"]

PRESENT = frozenset({"creator", "administrator", "member", "restricted"})
DELETABLE_FOR = timedelta(hours=48)
TOKEN = re.compile(r"[0-9]{1,19}:[A-Za-z0-9_-]{35}")
_ALPHABET = string.ascii_letters + string.digits


def is_token(text: str) -> bool:
    """True for the form `<bot id>:<35 characters>`; the cloud answers 404 to anything else."""
    return TOKEN.fullmatch(text) is not None


@dataclass(slots=True)
class Bot:
    """A bot account as BotFather made it."""

    id: int
    token: str
    username: str
    first_name: str
    launched: datetime
    revoked: bool = False
    logged_out_until: datetime | None = None


@dataclass(slots=True)
class Member:
    """What one bot is in one chat."""

    status: Status
    can_post_messages: bool = True
    can_edit_messages: bool = True
    can_delete_messages: bool = True

    @property
    def present(self) -> bool:
        """True while the bot is in the chat."""
        return self.status in PRESENT

    @property
    def admin(self) -> bool:
        """True for those whom Telegram lists as administrators."""
        return self.status in {"creator", "administrator"}


class VideoFile(BaseModel):
    """An accepted file; what it is of is told by the request that sent it."""

    model_config = ConfigDict(frozen=True)
    file_id: str
    file_unique_id: str
    sha256: str
    size: int
    name: str
    mime_type: str
    width: int
    height: int
    duration: int


@dataclass(slots=True)
class Message:
    """One post."""

    id: int
    date: datetime
    bot_id: int
    text: str = ""
    caption: str = ""
    video: VideoFile | None = None
    edited: datetime | None = None
    forwarded_from: Chat | None = None
    forwarded_id: int = 0
    protected: bool = False


@dataclass(slots=True)
class Chat:
    """A channel or a group; `migrated_to` marks a group that lives on under another id."""

    id: int
    type: ChatType
    title: str
    username: str | None
    members: dict[int, Member] = field(default_factory=dict)
    messages: dict[int, Message] = field(default_factory=dict)
    migrated_to: int | None = None
    subscribers: int = 128
    last_message_id: int = 0

    @property
    def public(self) -> bool:
        """True when anybody can find it by its name."""
        return self.username is not None

    def member(self, bot_id: int) -> Member:
        """The bot's place here; somebody never added is `left`."""
        return self.members.get(bot_id, Member("left"))

    def link(self, message_id: int) -> str:
        """The address people open; of a private channel only its members can."""
        if self.username:
            return f"https://t.me/{self.username}/{message_id}"
        return f"https://t.me/c/{str(self.id).removeprefix('-100')}/{message_id}"

    def add(self, message: Message) -> Message:
        """Keep a message under the next number of this chat."""
        self.last_message_id += 1
        message.id = self.last_message_id
        self.messages[message.id] = message
        return message


class TelegramState:
    """Every bot, chat and file of this Telegram."""

    def __init__(self) -> None:
        self.bots: dict[str, Bot] = {}
        self.chats: dict[int, Chat] = {}
        self.files: dict[str, VideoFile] = {}
        self._last_bot = 7_000_000_000
        self._last_chat = 1_234_500_000

    def add_bot(
        self, now: datetime, *, token: str | None = None, username: str | None = None
    ) -> Bot:
        """A fresh bot; a given token brings its own id."""
        if token is None:
            token = f"{self._last_bot + 1}:{minting.letters(35, _ALPHABET)}"
        bot_id = int(token.partition(":")[0])
        self._last_bot = max(self._last_bot, bot_id)
        bot = Bot(bot_id, token, username or f"clip_{bot_id}_bot", "Clip", now)
        self.bots[token] = bot
        return bot

    def add_chat(
        self,
        kind: ChatType,
        title: str,
        username: str | None = None,
        *,
        public: bool = False,
        chat_id: int | None = None,
    ) -> Chat:
        """A fresh chat; ids have the form real ones have (-100… except for basic groups)."""
        if chat_id is None:
            chat_id = self._free_chat_id("-" if kind == "group" else "-100")
        if public and username is None:
            username = f"clips_{abs(chat_id) % 10**10}"
        chat = Chat(chat_id, kind, title, username)
        self.chats[chat.id] = chat
        return chat

    def _free_chat_id(self, prefix: str) -> int:
        while True:
            self._last_chat += 1
            chat_id = int(f"{prefix}{self._last_chat}")
            if chat_id not in self.chats:
                return chat_id

    def find_chat(self, chat_id: str) -> Chat | None:
        """By number, or by @name, which Telegram compares without regard to case."""
        if re.fullmatch(r"-?[0-9]{1,19}", chat_id):
            return self.chats.get(int(chat_id))
        if not chat_id.startswith("@"):
            return None
        name = chat_id[1:].lower()
        return next((c for c in self.chats.values() if (c.username or "").lower() == name), None)

    def add_file(
        self,
        *,
        sha256: str,
        size: int,
        name: str,
        mime_type: str,
        width: int,
        height: int,
        duration: int,
    ) -> VideoFile:
        """Give an upload its ids: one to send it again by, one that is equal for equal bytes."""
        file = VideoFile(
            file_id=f"BAACAgIAAx{_random(60)}",
            file_unique_id=f"AgAD{sha256[:11]}",
            sha256=sha256,
            size=size,
            name=name,
            mime_type=mime_type,
            width=width,
            height=height,
            duration=duration,
        )
        self.files[file.file_id] = file
        return file


def _random(length: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))
