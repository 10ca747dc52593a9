"""VK: the API with its HTTP 200 errors, the upload host, and both of its OAuth servers."""

from __future__ import annotations

import base64
from functools import partial

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from sandbox import vk_legacy, vkid
from sandbox.steps import run_step
from sandbox.vk_accounts import NewUser, make_user
from sandbox.vk_api import PLATFORM, Api
from sandbox.vk_limits import Limits
from sandbox.vk_methods import steps
from sandbox.vk_people import People
from sandbox.vk_people_methods import PeopleMethods
from sandbox.vk_upload import FATES, UploadError, Uploads, refusal
from sandbox.vk_video_methods import VideoMethods
from sandbox.vk_videos import Videos
from sandbox.vk_wall import Wall
from sandbox.vk_wall_methods import WallMethods
from sandbox.world import AccountMaker, World

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def install(world: World) -> APIRouter:
    """All of VK on one state: a token of VK ID or of the legacy flow works at the API."""
    people, videos, wall = People(world), Videos(world), Wall(world)
    uploads = Uploads(world, videos, wall)
    api = Api(
        people,
        Limits(world),
        wall,
        PeopleMethods(people),
        VideoMethods(world, videos, uploads),
        WallMethods(world.ledger, videos, wall),
    )
    world.faults.declare(PLATFORM, {**steps(), "upload": (*FATES, "upload_error", "retval")})
    world.switches.declare("vk_vertical_stays_video", "a vertical upload never becomes a clip")
    app = world.settings.vk_publish_client_id
    world.accounts["vk"] = AccountMaker(NewUser, partial(make_user, people, app))
    world.expiries["vk"] = people.expire
    world.moderators["vk"] = videos.moderate
    router = APIRouter()
    router.include_router(_routes(world, api, uploads))
    router.include_router(vkid.routes(people))
    router.include_router(vk_legacy.routes(people))
    return router


def _routes(world: World, api: Api, uploads: Uploads) -> APIRouter:
    router = APIRouter(prefix="/vk")
    own = {"upload_error": partial(refusal, UploadError(199, "internal upload error"))}

    @router.api_route("/method/{method}", methods=["GET", "POST"])
    async def call(request: Request, method: str) -> Response:
        return await api.answer(request, method)

    @router.post("/upload.do")
    async def upload(request: Request) -> Response:
        receive = partial(uploads.receive, request)
        return await run_step(world, request, PLATFORM, "upload", receive, own)

    @router.get("/avatar/{user}.png")
    async def avatar(user: int) -> Response:  # noqa: ARG001 - one picture for everybody
        return Response(PIXEL, media_type="image/png")

    return router
