"""A clip's file on its way in from its owner and out to the platforms that fetch it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from hashlib import sha256
from typing import Annotated, Any
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Path, Request, Response
from pydantic import BaseModel
from starlette.requests import ClientDisconnect

from common.http.callers import CallerDep
from common.http.problems import Problem, documented, render
from publisher.media.errors import MediaError, MediaTooLarge, MediaUnavailable, NotVideo
from publisher.media.parts import MediaParts
from publisher.media.pieces import PIECE
from publisher.media.ports import MediaRef
from publisher.media.ranges import Span, Unsatisfiable, one_range
from publisher.media.sending import Sending
from publisher.media.upload import upload

UNCAPPED = 2**63 - 1
"""The store counts the bytes itself and answers `media_too_large`; the limit for JSON bodies must
not cut a file."""
IDLE_SECONDS = 60
PIECE_SECONDS = 300
"""A mebibyte is waited for no longer: slower than any mobile network, and nobody holds us up with
a byte now and then."""
EXPIRES_DIGITS = 12

FILE: dict[int | str, dict[str, Any]] = {
    200: {"description": "The whole file", "content": {"video/mp4": {}}},
    206: {"description": "A part of it", "content": {"video/mp4": {}}},
    416: {"description": "There is no such part"},
}
BYTES = {
    "required": True,
    "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
}

router = APIRouter(tags=["media"])


def _parts(request: Request) -> MediaParts:
    parts: MediaParts = request.app.state.media
    return parts


PartsDep = Annotated[MediaParts, Depends(_parts)]


class UploadedBody(BaseModel):
    """The stored file; `key` goes into `media` of a publication."""

    key: str
    bytes: int
    sha256: str
    duration: float
    width: int
    height: int


@router.put(
    "/v1/media/{name}",
    status_code=201,
    response_model=UploadedBody,
    max_body_size=UNCAPPED,
    operation_id="put_media",
    openapi_extra={"requestBody": BYTES},
    responses=documented(400, 401, 403, 413, 422, 503),
)
async def put_media(
    name: Annotated[str, Path(max_length=500)],
    request: Request,
    who: CallerDep,
    parts: PartsDep,
    content_length: Annotated[int | None, Header(ge=0, include_in_schema=False)] = None,
) -> UploadedBody | Response:
    """Upload an MP4 or MOV: the body is the file itself."""
    if not who.plan.platforms:
        raise Problem(403, "plan_required")
    try:
        record = await upload(parts, who.user_id, name, _chunks(request), declared=content_length)
    except MediaTooLarge:
        raise Problem(413, "media_too_large") from None
    except NotVideo:
        raise Problem(422, "media_not_video") from None
    except MediaError:
        raise Problem(503, "service_unavailable", retry_after=5) from None
    except ClientDisconnect:  # is gone, or drips: then the socket is not for them to hold
        answer = render(request, Problem(400, "invalid_request"))
        answer.headers["Connection"] = "close"
        return answer
    return UploadedBody(
        key=record.key,
        bytes=record.bytes,
        sha256=record.sha256,
        duration=record.duration,
        width=record.width,
        height=record.height,
    )


@router.head(
    "/v1/files/{publication_id}",
    response_class=Response,
    operation_id="head_file",
    responses=FILE | documented(404, 503),
)
@router.get(
    "/v1/files/{publication_id}",
    response_class=Response,
    operation_id="get_file",
    responses=FILE | documented(404, 503),
)
async def get_file(
    publication_id: str, request: Request, parts: PartsDep, expires: str = "", sig: str = ""
) -> Response:
    """The file of a publication, for who holds a signed link. Byte ranges are served."""
    ref = await _signed_for(parts, publication_id, expires, sig)
    async with AsyncExitStack() as stack:
        try:
            opened = await stack.enter_async_context(parts.files.open(ref))
        except MediaUnavailable:
            raise Problem(503, "service_unavailable", retry_after=5) from None
        except MediaError:
            raise Problem(404, "not_found") from None
        headers = _headers(ref)
        try:
            span = _asked(request, ref)
        except Unsatisfiable:
            return Response(status_code=416, headers={"Content-Range": f"bytes */{ref.bytes}"})
        if span is not None:
            headers["Content-Range"] = f"bytes {span.start}-{span.stop - 1}/{ref.bytes}"
        status = 200 if span is None else 206
        span = span or Span(0, ref.bytes)
        headers["Content-Length"] = str(span.stop - span.start)
        if request.method == "HEAD":
            return Response(status_code=status, headers=headers, media_type="video/mp4")
        return Sending(opened.pieces(*span), stack.pop_all(), status=status, headers=headers)


async def _signed_for(parts: MediaParts, text: str, expires: str, sig: str) -> MediaRef:
    """The file that a link leads to; every way to be wrong has the same answer."""
    if expires.isascii() and expires.isdigit() and len(expires) <= EXPIRES_DIGITS:
        try:
            publication_id = UUID(text)
        except ValueError:
            raise Problem(404, "not_found") from None
        ref = await parts.publications.media_of(publication_id)
        if ref is not None and parts.links.good(publication_id, ref, int(expires), sig):
            return ref
    raise Problem(404, "not_found")


def _asked(request: Request, ref: MediaRef) -> Span | None:
    condition = request.headers.get("if-range")
    if condition is not None and condition != _etag(ref):
        return None  # the rest of another file would be no use: all of this one
    return one_range(request.headers.get("range"), ref.bytes)


def _headers(ref: MediaRef) -> dict[str, str]:
    headers = {
        "Accept-Ranges": "bytes",
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(ref.name, safe='')}",
    }
    etag = _etag(ref)
    return {**headers, "ETag": etag} if etag else headers


def _etag(ref: MediaRef) -> str | None:
    """A tag of our own. None where the host's own tag promises nothing about single bytes."""
    if ref.etag is None or ref.etag.startswith("W/"):
        return None
    return f'"{sha256(ref.etag.encode()).hexdigest()[:32]}"'


async def _chunks(request: Request) -> AsyncIterator[bytes]:
    """The body as it arrives. Who stops sending, or drips, is treated like who hangs up."""
    body = request.stream()
    now = asyncio.get_running_loop().time
    got, waited = 0, 0.0
    while True:
        since = now()
        try:
            async with asyncio.timeout(min(IDLE_SECONDS, PIECE_SECONDS - waited)):
                chunk = await anext(body, None)
        except TimeoutError:
            raise ClientDisconnect from None
        if chunk is None:
            return
        got, waited = got + len(chunk), waited + now() - since
        if got >= PIECE:
            got, waited = 0, 0.0
        yield chunk
