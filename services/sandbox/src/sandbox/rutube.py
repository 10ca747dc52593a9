"""Rutube: videos by link, own lists and public numbers, with answers as Django REST writes them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox import rutube_answers as answers
from sandbox import rutube_reading as reading
from sandbox import rutube_writing as writing
from sandbox.journal import entry_of
from sandbox.moderation import Order
from sandbox.received import read_all, received_of
from sandbox.rutube_accounts import RutubeAccount, install_accounts, make_account
from sandbox.rutube_downloads import CALLBACKS, Downloads
from sandbox.rutube_memory import forget, save
from sandbox.rutube_moderation import moderate
from sandbox.rutube_state import Account, RutubeState, Video
from sandbox.rutube_wire import Throttle, account_of, fields_of
from sandbox.steps import ordered, run_step
from sandbox.world import AccountMaker, World

LIST_LAGS = "rutube_list_lags"
REJECTED = "rejected"
FAULTS: dict[str, Callable[[], answers.RefusedError]] = {
    "rate_limited": partial(answers.throttled, "Request was throttled."),
    "rate_limited_told": partial(answers.throttled, "Request was throttled.", 2),
    "token_refused": answers.invalid_token,
    "forbidden": answers.forbidden,
    "not_found": answers.not_found,
}
OWN = {kind: partial(lambda make: make().answer(), make) for kind, make in FAULTS.items()}
Act = Callable[[Request], Awaitable[Response]]


def install(world: World) -> APIRouter:
    """Declare faults, switches and accounts; give the routes."""
    rutube = Rutube(world)
    world.switches.declare(CALLBACKS, "callback_url and errback_url are really called")
    world.switches.declare(LIST_LAGS, "the own list too hides a video as long as it answers 404")
    world.accounts["rutube"] = AccountMaker(RutubeAccount, rutube.make_account)
    world.moderators["rutube"] = rutube.moderate
    world.on_reset(rutube.start)
    routes = APIRouter(prefix="/rutube/api")
    video = "/video/{video_id}"
    table: tuple[tuple[str, str, str, Act], ...] = (
        ("POST", "/accounts/token_auth", "token_auth", rutube.token_auth),
        ("GET", "/accounts/profile", "profile", rutube.own_profile),
        ("GET", "/profile/user", "profile", rutube.own_profile),
        ("GET", "/profile/user/{user_id}", "profile", rutube.public_profile),
        ("GET", "/numerator/video/{video_id}/vote", "votes", rutube.votes),
        ("POST", "/video", "create", rutube.create),
        ("GET", "/video/person", "list", rutube.own_list),
        ("GET", "/video/category", "categories", rutube.categories),
        ("POST", "/video/publication", "publication", rutube.schedule),
        ("POST", f"{video}/thumbnail", "thumbnail", rutube.set_cover),
        ("GET", video, "status", rutube.status),
        ("PUT", video, "edit", rutube.edit),
        ("PATCH", video, "edit", rutube.edit),
        ("DELETE", video, "delete", rutube.delete),
    )
    for verb, path, step, act in table:
        for slash in ("", "/"):
            routes.add_api_route(path + slash, rutube.step(step, act), methods=[verb])
    world.faults.declare(
        "rutube",
        {step: (*FAULTS, REJECTED) if step == "create" else (*FAULTS,) for _, _, step, _ in table},
    )
    return routes


class Rutube:
    """One Rutube."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._downloads = Downloads(world)
        self.start()

    def start(self) -> None:
        """The default account, and what the ledger file remembers."""
        self._downloads.cancel()
        self._state = RutubeState()
        self._throttle = Throttle()
        install_accounts(self._world, self._state)
        self._downloads.later(self._state.videos.values())

    def make_account(self, order: RutubeAccount) -> dict[str, Any]:
        """An account with a password and a token."""
        return make_account(self._world, self._state, order)

    def moderate(self, order: Order) -> bool:
        """Nobody asked for it."""
        return moderate(self._state, self._world.log, order, self._now())

    def step(self, name: str, act: Act) -> Act:
        """The endpoint that runs `act` as the step `name`."""

        async def endpoint(request: Request) -> Response:
            async def answer() -> Response:
                await read_all(request)
                self._downloads.resume()
                try:
                    return await act(request)
                except answers.RefusedError as refused:
                    return refused.answer()

            return await run_step(self._world, request, "rutube", name, answer, OWN)

        return endpoint

    async def token_auth(self, request: Request) -> Response:
        """Password for token; a wrong one is 400, not 401."""
        fields = fields_of(received_of(request))
        for name in ("username", "password"):
            if not fields.get(name):
                raise answers.field_error(name, "This field is required.")
        account = self._state.account_of(str(fields["username"]), str(fields["password"]))
        if account is None:
            raise answers.field_error(
                "non_field_errors", "Unable to log in with provided credentials."
            )
        return JSONResponse({"token": account.token})

    async def create(self, request: Request) -> Response:
        """Answers at once; the file comes afterwards, or does not."""
        account = self._account(request)
        entry, now = entry_of(request), self._now()
        # A new id answers 404 for a while; here that takes half of the processing time.
        hidden_for = timedelta(seconds=self._world.settings.processing_seconds / 2)
        video, fields = writing.create(self._state, account, received_of(request), now, hidden_for)
        for unknown in sorted(fields.keys() - writing.KNOWN):
            entry.warn(f"POST /api/video/ has no field {unknown}")
        self._world.ledger.record(
            platform="rutube",
            account=str(account.id),
            post_id=video.id,
            url=f"https://rutube.ru/video/{video.id}/",
            sha256=None,
            size=None,
            title=video.title,
        )
        video.rejected = ordered(request) == REJECTED
        save(self._world.log, video)
        self._downloads.start(video)
        return JSONResponse({"video_id": video.id}, 201)

    async def status(self, request: Request) -> Response:
        """Public; its author sees more."""
        account = account_of(request, self._state)
        if account is not None:
            self._count(request, account)
        video_id = request.path_params["video_id"]
        return JSONResponse(reading.seen_video(self._state, account, video_id, self._now()))

    async def own_list(self, request: Request) -> Response:
        """Also what a client reads to prove its token."""
        videos, now = self._state.newest_of(self._account(request)), self._now()
        if self._world.switches.is_on(LIST_LAGS):
            videos = [video for video in videos if now >= video.visible_from]
        address = f"{self._world.settings.origin}/rutube/api/video/person/"
        return JSONResponse(reading.own_page(videos, dict(request.query_params), now, address))

    async def edit(self, request: Request) -> Response:
        """PUT or PATCH."""
        video = self._own(request)
        now = self._now()
        writing.edit(video, received_of(request), now, whole=request.method == "PUT")
        save(self._world.log, video)
        return JSONResponse(answers.video(video, now, owner=True))

    async def schedule(self, request: Request) -> Response:
        """When it becomes visible."""
        video = writing.schedule(
            self._state, self._account(request), received_of(request), self._now()
        )
        save(self._world.log, video)
        shown = None if video.scheduled is None else answers.moscow(video.scheduled)
        return JSONResponse({"video": video.id, "timestamp": shown})

    async def set_cover(self, request: Request) -> Response:
        """A picture."""
        video = self._own(request)
        writing.set_cover(video, received_of(request))
        save(self._world.log, video)
        return JSONResponse({"thumbnail_url": answers.thumbnail_url(video)})

    async def delete(self, request: Request) -> Response:
        """Once; afterwards it is unknown."""
        video = self._own(request)
        self._state.remove(video)
        forget(self._world.log, video)
        self._world.ledger.mark_deleted("rutube", video.id)
        return Response(status_code=204)

    async def votes(self, request: Request) -> Response:
        """Public."""
        return JSONResponse(
            reading.votes(self._state, request.path_params["video_id"], self._now())
        )

    async def own_profile(self, request: Request) -> Response:
        """Whose token it is."""
        return JSONResponse(answers.profile(self._account(request)))

    async def public_profile(self, request: Request) -> Response:
        """Anybody."""
        return JSONResponse(reading.profile_of(self._state, request.path_params["user_id"]))

    async def categories(self, request: Request) -> Response:  # noqa: ARG002 - one signature for all
        """Public."""
        return JSONResponse(reading.categories())

    def _account(self, request: Request) -> Account:
        account = account_of(request, self._state)
        if account is None:
            raise answers.no_credentials()
        self._count(request, account)
        return account

    def _count(self, request: Request, account: Account) -> None:
        entry_of(request).account = str(account.id)
        self._throttle.take(account, self._now())

    def _own(self, request: Request) -> Video:
        account, video_id = self._account(request), request.path_params["video_id"]
        return writing.own_video(self._state, account, video_id, self._now())

    def _now(self) -> datetime:
        return self._world.clock.now()
