"""A small S3: enough of its wire (path style) for uploads in parts, heads, ranges and deletes."""

import hashlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from fastapi import FastAPI, Request, Response

from support.serving import serving

METHODS = ["GET", "HEAD", "PUT", "POST", "DELETE"]


@dataclass
class Bucket:
    """What it holds; `unfinished` are uploads that were neither completed nor aborted."""

    url: str = ""
    objects: dict[str, bytes] = field(default_factory=dict)
    unfinished: dict[str, dict[int, bytes]] = field(default_factory=dict)
    largest_part: int = 0
    down: bool = False

    def etag(self, key: str) -> str:
        return f'"{hashlib.md5(self.objects[key]).hexdigest()}"'  # noqa: S324 - as S3 does


class Wire:
    """The calls that obstore makes."""

    def __init__(self, bucket: Bucket) -> None:
        self.bucket = bucket

    async def answer(self, key: str, request: Request) -> Response:
        if self.bucket.down:
            return Response(status_code=403)
        match request.method:
            case "POST":
                return await self.post(key, request)
            case "PUT":
                return await self.put(key, request)
            case "DELETE":
                return self.delete(key, request)
            case _:
                return self.get(key, request)

    async def post(self, key: str, request: Request) -> Response:
        query = request.query_params
        if "uploads" in query:
            upload = f"upload-{len(self.bucket.unfinished)}"
            self.bucket.unfinished[upload] = {}
            return _xml("InitiateMultipartUploadResult", "UploadId", upload)
        body = (await request.body()).decode()
        if "delete" in query:
            (name,) = re.findall(r"<Key>(.*?)</Key>", body)
            self.bucket.objects.pop(name, None)
            return _xml("DeleteResult", "Deleted", f"<Key>{name}</Key>")
        parts = self.bucket.unfinished.pop(query["uploadId"])
        named = [int(number) for number in re.findall(r"<PartNumber>(\d+)</PartNumber>", body)]
        assert named == sorted(parts)
        self.bucket.objects[key] = b"".join(parts[number] for number in named)
        return _xml("CompleteMultipartUploadResult", "ETag", self.bucket.etag(key))

    async def put(self, key: str, request: Request) -> Response:
        body = await request.body()
        query = request.query_params
        if "uploadId" not in query:
            self.bucket.objects[key] = body
            return Response(headers={"ETag": self.bucket.etag(key)})
        self.bucket.largest_part = max(self.bucket.largest_part, len(body))
        self.bucket.unfinished[query["uploadId"]][int(query["partNumber"])] = body
        return Response(headers={"ETag": f'"{len(body)}"'})

    def delete(self, key: str, request: Request) -> Response:
        if upload := request.query_params.get("uploadId"):
            self.bucket.unfinished.pop(upload, None)
        else:
            self.bucket.objects.pop(key, None)
        return Response(status_code=204)

    def get(self, key: str, request: Request) -> Response:
        if key not in self.bucket.objects:
            return Response(status_code=404)
        data, etag = self.bucket.objects[key], self.bucket.etag(key)
        headers = {"ETag": etag, "Last-Modified": "Sun, 01 Mar 2026 12:00:00 GMT"}
        if request.headers.get("if-match", etag) != etag:
            return Response(status_code=412)
        asked = re.fullmatch(r"bytes=(\d+)-(\d+)", request.headers.get("range", ""))
        if asked is None:
            headers["Content-Length"] = str(len(data))
            return Response(b"" if request.method == "HEAD" else data, headers=headers)
        first, last = int(asked[1]), min(int(asked[2]), len(data) - 1)
        headers["Content-Range"] = f"bytes {first}-{last}/{len(data)}"
        return Response(data[first : last + 1], 206, headers)


@asynccontextmanager
async def s3() -> AsyncIterator[Bucket]:
    bucket = Bucket()
    app = FastAPI()
    app.add_route("/clips/{key:path}", _route(Wire(bucket)), methods=METHODS)
    async with serving(app) as url:
        bucket.url = url
        yield bucket


def _route(wire: Wire) -> Callable[[Request], Awaitable[Response]]:
    async def route(request: Request) -> Response:
        return await wire.answer(request.path_params["key"], request)

    return route


def _xml(name: str, field_name: str, value: str) -> Response:
    text = f"<{name}><{field_name}>{value}</{field_name}></{name}>"
    return Response(text, media_type="application/xml")
