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
from sandbox.telegram_accounts import TelegramAccount, details_of, install_accounts, make_account
from sandbox.telegram_call import Call, files_of, params_of
from sandbox.telegram_editing import delete_message, edit_message_caption
from sandbox.telegram_limits import TelegramLimits
from sandbox.telegram_posting import copy_message, forward_message, send_message, send_video
from sandbox.telegram_reading import get_chat, get_chat_member, get_chat_member_count, get_me
from sandbox.telegram_session import close, log_out, require_logged_in
from sandbox.telegram_state import Bot, TelegramState, is_token
from sandbox.world import AccountMaker, World

UPLOAD_LIMIT = 50_000_000
SELF_HOSTED = "telegram_self_hosted_token_check"

_SYNC: dict[str, Callable[[Call], Any]] = {
    "getMe": get_me,
    "getChat": get_chat,
    "getChatMember": get_chat_member,
    "getChatMemberCount": get_chat_member_count,
    "sendMessage": send_message,
    "copyMessage": copy_message,
    "forwardMessage": forward_message,
    "editMessageCaption": edit_message_caption,
    "logOut": log_out,
    "close": close,
}
METHODS = {name.lower(): name for name in (*_SYNC, "sendVideo", "deleteMessage")}

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
                return _accepted(await self._send_video(call))
            case "deleteMessage":
                return _accepted(self._delete_message(call))
            case _:
                return _accepted(_SYNC[step](call))

    def _bot(self, token: str) -> Bot:
        if not is_token(token):
            if self._world.switches.is_on(SELF_HOSTED):
                raise errors.RefusedError(401, "Unauthorized: invalid token specified")
            raise errors.not_found()
        bot = self._state.bots.get(token)
        if bot is None or bot.revoked:
            raise errors.unauthorized()
        return bot

    async def _send_video(self, call: Call) -> dict[str, Any]:
        chat, post, video = await send_video(call)
        self._world.ledger.record(
            platform="telegram",
            account=str(chat.id),
            post_id=f"{chat.id}_{post.id}",
            url=chat.link(post.id),
            sha256=video.sha256,
            size=video.size,
            title=post.caption,
            details=details_of(chat, post, video),
        )
        return answers.message(post, chat, call.bot)

    def _delete_message(self, call: Call) -> bool:
        chat = delete_message(call)
        self._world.ledger.mark_deleted("telegram", f"{chat.id}_{call.number('message_id')}")
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
