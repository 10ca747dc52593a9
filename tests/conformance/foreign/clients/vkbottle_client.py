"""Runs VK API calls through unmodified vkbottle: an order a line in, its outcomes a line out."""

import asyncio
import json
import sys
from typing import Any

from vkbottle import API, CaptchaError, VideoUploader, VKAPIError


async def outcomes(order: dict[str, Any]) -> list[dict[str, Any]]:
    """One by one; the library's address of the API is an attribute for this purpose."""
    api = API(order["token"])
    api.API_URL = f"{order['url']}/vk/method/"
    try:
        return [await outcome(api, method, args) for method, args in order["calls"]]
    finally:
        await api.http_client.close()


async def outcome(api: API, method: str, args: dict[str, Any]) -> dict[str, Any]:
    """`{value}` of the answer, or `{raised, code, …}` of the exception."""
    try:
        return {"value": await call(api, method, args)}
    except CaptchaError as error:
        shown = {"sid": error.captcha_sid, "img": error.captcha_img}
        return {"raised": "CaptchaError", "code": error.code, "captcha": shown}
    except VKAPIError as error:
        matched = isinstance(error, VKAPIError[error.code])
        return {"raised": type(error).__name__, "code": error.code, "matched": matched}


async def call(api: API, method: str, args: dict[str, Any]) -> Any:
    """By the typed methods, or by the library's own uploader."""
    if method == "upload":
        return await VideoUploader(api).raw_upload(args.pop("path"), **args)
    section, _, name = method.partition(".")
    value = await getattr(getattr(api, section), name)(**args)
    if isinstance(value, list):
        return [json.loads(item.json()) for item in value]
    return json.loads(value.json())


for line in sys.stdin:
    sys.stdout.write(json.dumps(asyncio.run(outcomes(json.loads(line)))) + "\n")
    sys.stdout.flush()
