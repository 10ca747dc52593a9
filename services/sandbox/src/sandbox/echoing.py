"""A refusal whose words repeat the whole request, secrets and all: some platforms do that."""

from __future__ import annotations

import json
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.received import read_all

LONGEST = 2048


async def repeat(platform: str, step: str, request: Request) -> Response:
    """In the shape of the platform's own refusals, in every field that a client might read."""
    received = await read_all(request)
    said = {**received.params(), **dict(received.query), "json": json.dumps(received.json)}
    words = " ".join(f"{name}={value}" for name, value in said.items())
    authorization = request.headers.get("authorization", "")
    text = f"{authorization} {words} {request.url}"[:LONGEST]
    return (_upload if (platform, step) == ("vk", "upload") else _SHAPES[platform])(text)


def _vk(text: str) -> Response:
    return JSONResponse({"error": {"error_code": 100, "error_msg": text, "request_params": [text]}})


def _upload(text: str) -> Response:
    return JSONResponse({"error": text, "error_code": text, "error_descr": text})


def _oauth(status: int) -> Callable[[str], Response]:
    return lambda text: JSONResponse({"error": text, "error_description": text}, status)


def _telegram(text: str) -> Response:
    said = {"ok": False, "error_code": 400, "description": f"Bad Request: {text}"}
    return JSONResponse(said, 400)


def _rutube(text: str) -> Response:
    return JSONResponse({"detail": text, text: [text]}, 400)


def _dzen(text: str) -> Response:
    return JSONResponse({"error": {"code": text, "message": text}}, 400)


_SHAPES: dict[str, Callable[[str], Response]] = {
    "vk": _vk,
    "vkid": _oauth(200),
    "vk_oauth": _oauth(401),
    "yandex": _oauth(400),
    "telegram": _telegram,
    "rutube": _rutube,
    "dzen": _dzen,
}
