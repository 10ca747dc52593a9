"""The Telegram Bot API: one address per bot and method, one envelope for every answer."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox import telegram_answers as answers
from sandbox import telegram_errors as errors
from sandbox.journal import entry_of
from sandbox.received import Received, read_all
from sandbox.steps import run_step
from sandbox.telegram_accounts import TelegramAccount, install_accounts, make_account
from sandbox.telegram_call import Call, files_of, params_of
from sandbox.telegram_editing import delete_message, edit_message_caption
from sandbox.telegram_limits import TelegramLimits
from sandbox.telegram_memory import forget, save
from sandbox.telegram_posting import copy_message, forward_message, send_message, send_video
from sandbox.telegram_reading import get_chat, get_chat_member, get_chat_member_count, get_me
from sandbox.telegram_session import close, log_out, require_logged_in
from sandbox.telegram_state import Bot, Chat, Message, TelegramState, is_token
from sandbox.world import AccountMaker, World

UPLOAD_LIMIT = 50_000_000
SELF_HOSTED = "telegram_self_hosted_token_check"

_READING: dict[str, Callable[[Call], Any]] = {
    "getMe": get_me,
    "getChat": get_chat,
    "getChatMember": get_chat_member,
    "getChatMemberCount": get_chat_member_count,
    "logOut": log_out,
    "close": close,
}
_POSTING: dict[str, Callable[[Call], tuple[Chat, Message]]] = {
    "sendMessage": send_message,
    "forwardMessage": forward_message,
}
_OTHERS = ("sendVideo", "copyMessage", "editMessageCaption", "deleteMessage")
METHODS = {name.lower(): name for name in (*_READING, *_POSTING, *_OTHERS)}

FAULTS: dict[str, Callable[[], errors.RefusedError]] = {
    "rate_limited": partial(errors.too_many_requests, 3),
    "token_refused": errors.unauthorized,
    "restart": partial(errors.RefusedError, 500, "Internal Server Error: restart"),
    "kicked": partial(errors.forbidden, "bot was kicked from the channel chat"),
    "no_rights": partial(errors.bad_request, "need administrator rights in the channel chat"),
    "chat_not_found": partial(errors.bad_request, "chat not found"),
    "too_large": errors.too_large,
}


def install(world: World) -> APIRouter:
    """Declare faults, switch and accounts; give the routes."""
    world.faults.declare("telegram", {name: tuple(FAULTS) for name in METHODS.values()})
    world.switches.declare(
        SELF_HOSTED, "a malformed token gets 401 of a self-hosted server, not 404 of the cloud"
    )
    telegram = Telegram(world)
    world.accounts["telegram"] = AccountMaker(TelegramAccount, telegram.make_account)
    world.on_reset(telegram.start)
    routes = APIRouter(prefix="/telegram")
    verbs = ["GET", "POST"]
    routes.add_api_route("/bot{token}/{method}", telegram.call, methods=verbs)
    routes.add_api_route("/{path:path}", telegram.unknown, methods=verbs)
    return routes


class Telegram:
    """One Bot API server."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.start()

    def start(self) -> None:
        """The default bot and channel, and what the ledger file remembers."""
        self._state = TelegramState()
        self._limits = TelegramLimits()
        install_accounts(self._world, self._state)

    def make_account(self, order: TelegramAccount) -> dict[str, Any]:
        """A bot and a chat."""
        return make_account(self._world, self._state, order)

    async def unknown(self, request: Request) -> Response:
        """Any other path; files are not kept, so there is none to download."""
        await read_all(request)
        return _refusal(errors.not_found())

    async def call(self, request: Request, token: str, method: str) -> Response:
        """`/bot<token>/<method>`; the method's case does not matter."""
        step = METHODS.get(method.lower())
        # What is no token may be a mistyped secret, so nothing of it is shown.
        entry_of(request).account = token.partition(":")[0] if is_token(token) else None
        if step is None:
            return await self._answer(request, token, None)
        own = {kind: partial(_fail, make) for kind, make in FAULTS.items()}
        act = partial(self._answer, request, token, step)
        return await run_step(self._world, request, "telegram", step, act, own)

    async def _answer(self, request: Request, token: str, step: str | None) -> Response:
        received = await read_all(request)
        try:
            return await self._run(received, token, step)
        except errors.RefusedError as refused:
            return _refusal(refused)

    async def _run(self, received: Received, token: str, step: str | None) -> Response:
        if any(part.blob.bytes > UPLOAD_LIMIT for part in received.files):
            raise errors.too_large()
        call = Call(
            self._state,
            self._limits,
            self._bot(token),
            params_of(received),
            files_of(received),
            self._world.clock.now(),
            self._world.settings.link_patience_seconds,
        )
        require_logged_in(call)
        match step:
            case None:
                raise errors.not_found("method not found")
            case "sendVideo":
                return _accepted(self._posted(call, *await send_video(call)))
            case "copyMessage":  # the answer is only the number
                copy = self._posted(call, *copy_message(call))
                return _accepted({"message_id": copy["message_id"]})
            case "editMessageCaption":
                return _accepted(self._edited(call, *edit_message_caption(call)))
            case "deleteMessage":
                return _accepted(self._deleted(call, delete_message(call)))
            case _ if step in _POSTING:
                return _accepted(self._posted(call, *_POSTING[step](call)))
            case _:
                return _accepted(_READING[step](call))

    def _bot(self, token: str) -> Bot:
        if not is_token(token):
            if self._world.switches.is_on(SELF_HOSTED):
                raise errors.RefusedError(401, "Unauthorized: invalid token specified")
            raise errors.not_found()
        bot = self._state.bots.get(token)
        if bot is None or bot.revoked:
            raise errors.unauthorized()
        return bot

    def _posted(self, call: Call, chat: Chat, post: Message) -> dict[str, Any]:
        """Copies and forwards of a video double it as much as a second upload does."""
        if post.video is not None:
            self._world.ledger.record(
                platform="telegram",
                account=str(chat.id),
                post_id=f"{chat.id}_{post.id}",
                url=chat.link(post.id),
                sha256=post.video.sha256,
                size=post.video.size,
                title=post.caption,
            )
        return self._edited(call, chat, post)

    def _edited(self, call: Call, chat: Chat, post: Message) -> dict[str, Any]:
        save(self._world.log, chat, post)
        return answers.message(post, chat, call.bot)

    def _deleted(self, call: Call, chat: Chat) -> bool:
        number = call.number("message_id")
        self._world.ledger.mark_deleted("telegram", f"{chat.id}_{number}")
        forget(self._world.log, chat, number)
        return True


def _accepted(result: dict[str, Any] | int | bool) -> Response:
    return JSONResponse({"ok": True, "result": result})


def _fail(make: Callable[[], errors.RefusedError]) -> Response:
    return _refusal(make())


def _refusal(refused: errors.RefusedError) -> Response:
    body: dict[str, Any] = {
        "ok": False,
        "error_code": refused.code,
        "description": refused.description,
    }
    headers = {}
    if refused.parameters:
        body["parameters"] = refused.parameters
    if "retry_after" in refused.parameters:
        headers["Retry-After"] = str(refused.parameters["retry_after"])
    return JSONResponse(body, refused.code, headers=headers)
