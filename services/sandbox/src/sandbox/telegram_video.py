"""Where the video of a sendVideo comes from: a part, an earlier file's id, or a link."""

from __future__ import annotations

from sandbox.fetching import FetchError, fetch
from sandbox.received import Blob, FilePart
from sandbox.telegram_call import Call
from sandbox.telegram_errors import bad_request
from sandbox.telegram_state import VideoFile

LINK_LIMIT = 20_000_000
LINK_SECONDS = 20.0


async def video_of(call: Call) -> VideoFile:
    """The file to post; one that arrives anew gets an id of its own."""
    source = call.text("video")
    part = call.files.get("video")
    if source.startswith("attach://"):
        part = call.files.get(source.removeprefix("attach://"))
    if part is not None:
        return _uploaded(call, part)
    if source.startswith(("http://", "https://")):
        return await _downloaded(call, source)
    if not source or source.startswith("attach://"):
        raise bad_request("there is no video in the request")
    try:
        return call.state.files[source]
    except KeyError:
        raise bad_request("wrong remote file identifier specified: Wrong string length") from None


def _uploaded(call: Call, part: FilePart) -> VideoFile:
    if not part.blob.bytes:
        raise bad_request("file must be non-empty")
    return _keep(call, part.blob, part.filename, part.content_type)


async def _downloaded(call: Call, url: str) -> VideoFile:
    wrong_type = bad_request("wrong type of the web page content")

    def accept(kind: str) -> bool:
        if not kind.startswith("video/") and kind != "application/octet-stream":
            raise wrong_type
        return True

    try:
        fetched = await fetch(
            url,
            limit=LINK_LIMIT,
            seconds=LINK_SECONDS,
            idle_seconds=call.link_patience,
            accept=accept,
        )
    except FetchError:
        raise bad_request("failed to get HTTP URL content") from None
    name = url.partition("?")[0].rpartition("/")[2]
    return _keep(call, fetched.blob, name, fetched.content_type)


def _keep(call: Call, blob: Blob, name: str, mime_type: str) -> VideoFile:
    # Sizes are what the sender says: until Telegram has looked into the file itself, clients
    # show a square without them.
    return call.state.add_file(
        sha256=blob.sha256,
        size=blob.bytes,
        name=name or "video.mp4",
        mime_type=mime_type if mime_type.startswith("video/") else "video/mp4",
        width=call.number("width"),
        height=call.number("height"),
        duration=call.number("duration"),
    )
