"""VK's upload host: a signed address, one multipart part, and an answer that is always HTTP 200."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from sandbox.journal import Entry, entry_of
from sandbox.received import FilePart, Received, read_all
from sandbox.steps import ordered
from sandbox.vk_errors import VkJson
from sandbox.vk_videos import Video, Videos
from sandbox.vk_wall import Wall
from sandbox.world import World

URL_LIFE = 3600.0
# The fault kinds that decide what becomes of the accepted file.
FATES = {
    "content_refused": "restricted",
    "processing_fails": "fails",
    "processing_forever": "stuck",
}


class UploadError(Exception):
    """The upload host's own error JSON."""

    def __init__(self, code: int, description: str) -> None:
        super().__init__(description)
        self.code = code
        self.description = description


class Uploads:
    """The signature works until one upload was accepted or the address expires."""

    def __init__(self, world: World, videos: Videos, wall: Wall) -> None:
        self._world = world
        self._videos = videos
        self._wall = wall
        # Addresses given out before a restart stay good.
        self._key = world.settings.vk_publish_client_secret.get_secret_value().encode()

    def url(self, video: Video) -> str:
        """An absolute address on the configured public origin."""
        query = {
            "expires": str(int((self._world.clock.time() + URL_LIFE) * 1000)),
            "clientType": "14",
            "appId": self._world.settings.vk_publish_client_id,
            "id": str(video.id),
            "vkOwnerId": str(video.owner_id),
            "vkVideoId": str(video.id),
        }
        signed = urlencode({"sig": self._sign(query), **query})
        return f"{self._world.settings.origin}/vk/upload.do?{signed}"

    async def receive(self, request: Request) -> Response:
        """Raises `ClientDisconnect` when the upload breaks off; nothing was posted then."""
        entry = entry_of(request)
        try:
            received = await read_all(request)
            _warn_of_tokens(entry, received, request)
            video = self._target(dict(received.query))  # nothing awaits from here to accept
            part = _file(received)
        except UploadError as error:
            return refusal(error)
        entry.account = str(video.author)
        self._videos.accept(video, part.blob, FATES.get(ordered(request) or "", "ready"))
        if video.wallpost:
            self._wall.post(video.owner_id, video.owner_id, "", [f"video{video.key}"])
        if ordered(request) == "retval":
            return HTMLResponse("<retval>1</retval>")
        return VkJson(self._accepted(video, part))

    def _target(self, query: dict[str, str]) -> Video:
        sig = query.pop("sig", "")
        if not hmac.compare_digest(sig.encode(), self._sign(query).encode()):
            raise UploadError(103, "bad signature")
        if int(query["expires"]) < self._world.clock.time() * 1000:
            raise UploadError(104, "upload url has expired")
        video = self._videos.find(f"{query['vkOwnerId']}_{query['vkVideoId']}")
        if video is None or video.deleted:
            raise UploadError(105, "video not found")
        if video.uploaded_at is not None:
            raise UploadError(106, "upload url was already used")
        return video

    def _sign(self, query: dict[str, str]) -> str:
        return hmac.new(self._key, urlencode(sorted(query.items())).encode(), "sha256").hexdigest()

    def _accepted(self, video: Video, part: FilePart) -> dict[str, Any]:
        return {
            "video_hash": hashlib.sha256(video.key.encode()).hexdigest()[:18],
            "size": part.blob.bytes,
            "direct_link": f"https://vk.com/video{video.key}",
            "owner_id": video.owner_id,
            "video_id": video.id,
        }


def refusal(error: UploadError) -> Response:
    """HTTP 200 all the same."""
    return VkJson(
        {
            "error": "upload failed",
            "error_code": error.code,
            "error_descr": error.description,
            "error_is_logged": True,
        }
    )


def _file(received: Received) -> FilePart:
    if received.kind != "multipart/form-data" or received.problem:
        raise UploadError(100, received.problem or "multipart/form-data expected")
    parts = [part for part in received.files if part.name == "video_file"]
    if len(parts) != 1:
        raise UploadError(101, "one part video_file expected")
    if parts[0].blob.bytes == 0:
        raise UploadError(102, "file is empty")
    if not parts[0].blob.is_mp4:
        raise UploadError(107, "unsupported video format")
    return parts[0]


def _warn_of_tokens(entry: Entry, received: Received, request: Request) -> None:
    if "access_token" in received.params() or "authorization" in request.headers:
        entry.warn("the access token was sent to the upload host, which needs none")
