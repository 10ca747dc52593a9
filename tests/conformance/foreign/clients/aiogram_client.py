"""Runs Bot API calls through unmodified aiogram: an order a line in, its outcomes a line out."""

import asyncio
import json
import sys
from typing import Any

from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import AiogramError
from aiogram.types import FSInputFile
from pydantic import BaseModel

TOLD = ("retry_after", "migrate_to_chat_id", "message")


async def outcomes(order: dict[str, Any]) -> list[dict[str, Any]]:
    """One by one: what a call does may depend on the one before."""
    server = TelegramAPIServer.from_base(f"{order['url']}/telegram")
    async with Bot(order["token"], session=AiohttpSession(api=server, timeout=20)) as bot:
        return [await outcome(bot, method, args) for method, args in order["calls"]]


async def outcome(bot: Bot, method: str, args: dict[str, Any]) -> dict[str, Any]:
    """`{type, value}` of the answer, or `{raised, …}` of the exception."""
    if "path" in args:
        args["video"] = FSInputFile(args.pop("path"))
    try:
        value = await getattr(bot, method)(**args)
    except AiogramError as error:
        told = {name: getattr(error, name) for name in TOLD if hasattr(error, name)}
        return {"raised": type(error).__name__, **told}
    if isinstance(value, BaseModel):
        shown = json.loads(value.model_dump_json(exclude_unset=True))
        return {"type": type(value).__name__, "value": shown}
    return {"type": type(value).__name__, "value": value}


for line in sys.stdin:
    sys.stdout.write(json.dumps(asyncio.run(outcomes(json.loads(line)))) + "\n")
    sys.stdout.flush()
