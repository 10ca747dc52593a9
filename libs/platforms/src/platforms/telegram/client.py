"""The Bot API on the wire: `ok` and `result`, or a description (platforms/telegram.md §1)."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any, TypeVar

from pydantic import SecretStr

from common.contracts.words import Platform
from platforms.answers import Answer, count, part, read_retry_after
from platforms.bodies import Body, Progress, multipart
from platforms.calls import Call, Gate
from platforms.credentials import BotPath
from platforms.errors import PlatformError, Unavailable
from platforms.http import CALL, Http, Request
from platforms.port import Media
from platforms.telegram.errors import refusal

T = TypeVar("T")


class Migrated(Exception):
    """The group got a new id; nothing was done."""

    def __init__(self, chat_id: str) -> None:
        super().__init__(chat_id)
        self.chat_id = chat_id


def bot_id(token: SecretStr) -> str:
    """The bot's user id is the part of its token that is no secret."""
    return token.get_secret_value().partition(":")[0]


async def following(call: Callable[[str], Awaitable[T]], chat_id: str) -> T:
    """Make a call to a chat; to one that has moved, once more at its new id: the answer that tells
    it proves that nothing was done."""
    try:
        return await call(chat_id)
    except Migrated as moved:
        try:
            return await call(moved.chat_id)
        except Migrated:
            raise Unavailable(note="the chat keeps moving") from None


class TelegramClient:
    """The methods we use; those that name a chat raise Migrated. The token gets into the path below
    everything that logs."""

    def __init__(self, http: Http, base: str, gate: Gate) -> None:
        self._http = http
        self._base = base
        self._gate = gate

    async def me(self, token: SecretStr) -> dict[str, Any]:
        """The bot itself."""
        return await self._ask(token, "getMe")

    async def chat(self, token: SecretStr, chat_id: str) -> dict[str, Any]:
        """A chat; works on public channels for a bot that is no member, so it proves nothing."""
        return await self._ask(token, "getChat", chat_id=chat_id)

    async def member(self, token: SecretStr, chat_id: str, user_id: str) -> dict[str, Any]:
        """What the bot is in the chat."""
        return await self._ask(token, "getChatMember", chat_id=chat_id, user_id=user_id)

    async def send_video(
        self,
        token: SecretStr,
        chat_id: str,
        media: Media,
        progress: Progress,
        fields: Mapping[str, str],
        deadline: timedelta,
    ) -> dict[str, Any]:
        """Upload and post in one call that has no idempotency key."""
        body = multipart(media, progress, name="video", fields={"chat_id": chat_id, **fields})
        async with self._gate(Call(Platform.TELEGRAM, "sendVideo", bot_id(token), chat_id)):
            return _result(
                await self._post(token, "sendVideo", write=True, body=body, deadline=deadline)
            )

    async def _ask(self, token: SecretStr, method: str, **form: str) -> dict[str, Any]:
        async with self._gate(Call(Platform.TELEGRAM, method, bot_id(token))):
            return _result(await self._post(token, method, form=form))

    async def _post(
        self,
        token: SecretStr,
        method: str,
        *,
        write: bool = False,
        form: Mapping[str, str] | None = None,
        body: Body | None = None,
        deadline: timedelta = CALL,
    ) -> Answer:
        return await self._http.send(
            Request(
                "POST",
                f"{self._base}/bot-/{method}",
                template=f"/bot{{token}}/{method}",
                write=write,
                form=form,
                body=body,
                credential=BotPath(token),
                deadline=deadline,
            )
        )


def _result(answer: Answer) -> dict[str, Any]:
    """The result, or the refusal or Migrated raised. Only what Telegram itself says is one."""
    body = answer.object()
    if body.get("ok") is True and isinstance(body.get("result"), dict):
        result: dict[str, Any] = body["result"]
        return result
    code = count(body.get("error_code"))
    if body.get("ok") is not False or code is None:
        raise answer.unclear("neither result nor refusal")
    moved = part(body, "parameters").get("migrate_to_chat_id")
    if isinstance(moved, int):
        raise Migrated(str(moved))
    raise _refused(answer, code, str(body.get("description", "")))


def _refused(answer: Answer, code: int, description: str) -> PlatformError:
    # The JSON is canonical, the header only a second voice.
    parameters = part(answer.object(), "parameters")
    told = read_retry_after(parameters.get("retry_after")) or answer.retry_after
    note = f"telegram {code}: {description}"
    return refusal(code, description).build(note, write=answer.write, told=told)
