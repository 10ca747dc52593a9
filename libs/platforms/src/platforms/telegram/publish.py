"""How a clip becomes a Telegram post: one call that uploads and posts, and can't be looked up."""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Any

from pydantic import BaseModel

from platforms.answers import part, text
from platforms.errors import OutcomeUnknown
from platforms.port import Job, Media, Outcome, Published, Step, once
from platforms.telegram.client import TelegramClient, following
from platforms.telegram.limits import TelegramOptions
from platforms.texts import join


class TelegramCursor(BaseModel):
    """Nothing to remember: there is one step."""


TelegramJob = Job[TelegramCursor]


class TelegramPublishing:
    """The step (platforms/telegram.md §2.2, §5)."""

    cursor = TelegramCursor

    def __init__(self, client: TelegramClient, upload_timeout: timedelta) -> None:
        self._client = client
        self._upload_timeout = upload_timeout

    def steps(self) -> Sequence[Step[TelegramCursor]]:
        """Send."""
        return (once("send", self.send, visible=True),)

    async def send(self, job: TelegramJob) -> Outcome[TelegramCursor]:
        """Upload and post."""
        message = await following(partial(self._send, job), job.account_id)
        message_id = text(message.get("message_id"))
        if message_id is None:
            raise OutcomeUnknown(note="no message_id")
        chat = part(message, "chat")
        # A message's number means something in its chat only.
        return Published(f"{chat.get('id')}_{message_id}", link(chat, message_id))

    async def _send(self, job: TelegramJob, chat_id: str) -> dict[str, Any]:
        return await self._client.send_video(
            job.token, chat_id, job.media, job.progress, _fields(job), self._upload_timeout
        )


def link(chat: dict[str, Any], message_id: str) -> str:
    """The post's address by what the answer says of the chat; the second form is for members.
    Messages of a basic group have none."""
    if chat.get("type") not in {"channel", "supergroup"}:
        return "https://t.me"
    if username := text(chat.get("username")):
        return f"https://t.me/{username}/{message_id}"
    return f"https://t.me/c/{str(chat.get('id', '')).removeprefix('-100')}/{message_id}"


def _fields(job: TelegramJob) -> dict[str, str]:
    options = TelegramOptions.model_validate(dict(job.options))
    fields = {"caption": join(job.title, job.description), "supports_streaming": "true"}
    fields |= _size(job.media)
    if options.disable_notification:
        fields["disable_notification"] = "true"
    if options.protect_content:
        fields["protect_content"] = "true"
    return fields


def _size(media: Media) -> dict[str, str]:
    # Without them clients show a square until Telegram has looked into the file.
    known = {"duration": round(media.duration), "width": media.width, "height": media.height}
    return {name: str(value) for name, value in known.items() if value}
