"""Calls of the simulated Bot API, with the envelope checked each time."""

from typing import Any

import httpx

from sandbox.telegram_accounts import DEMO_TOKEN

CHANNEL = "@clipcast_demo"
CLIP = b"\0\0\0\x18ftypmp42" + b"clip" * 1000


async def call(
    client: httpx.AsyncClient, method: str, token: str = DEMO_TOKEN, **params: Any
) -> httpx.Response:
    answer = await client.post(f"/telegram/bot{token}/{method}", data=params)
    body = answer.json()
    assert body["ok"] == (answer.status_code == 200)
    if not body["ok"]:
        assert body["error_code"] == answer.status_code
    return answer


async def send(
    client: httpx.AsyncClient, token: str = DEMO_TOKEN, *, file: bytes = CLIP, **params: Any
) -> httpx.Response:
    data = {"chat_id": CHANNEL, **params}
    files = {"video": ("clip.mp4", file, "video/mp4")}
    return await client.post(f"/telegram/bot{token}/sendVideo", data=data, files=files)


async def account(client: httpx.AsyncClient, **overrides: Any) -> dict[str, Any]:
    answer = await client.post("/_accounts", json={"platform": "telegram", **overrides})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def refusal(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["description"]
