"""Whether Redis is there, takes what it is given and keeps it."""

import time
from collections.abc import AsyncIterator
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from common.doctor.finding import Check, Finding
from common.ids import new_id
from common.pace import redis_client
from common.settings import Settings

OFF_SECONDS = 2.0
KEEPS = "noeviction"


async def _ask(settings: Settings) -> AsyncIterator[Finding]:
    redis: Any = redis_client(settings.redis_url)
    try:
        before = time.time()
        await redis.ping()
        took = time.time() - before
        seconds, micros = await redis.time()
        after = time.time()
        there = seconds + micros / 1e6
        yield Finding("redis", True, f"answers in {took * 1000:.0f} ms")
        off = max(before - there, there - after, 0.0)
        yield Finding("redis clock", off < OFF_SECONDS, f"{off:.1f} s from ours", "run NTP on both")
        yield await _writes(redis)
        yield await _keeps(redis)
    finally:
        await redis.aclose()


async def _writes(redis: Any) -> Finding:  # noqa: ANN401 - the client's types say too little
    key = f"doctor:{new_id()}"
    try:
        await redis.set(key, "probe", ex=60)
        await redis.delete(key)
    except ResponseError as error:
        word = str(error).partition(" ")[0]  # READONLY, OOM, NOPERM, MISCONF
        mend = "REDIS_URL: name a server that takes writes"
        return Finding("redis writes", False, f"refused: {word}", mend)
    return Finding("redis writes", True, "a probe was written and removed")


async def _keeps(redis: "Redis") -> Finding:
    try:
        policy = (await redis.config_get("maxmemory-policy")).get("maxmemory-policy")
    except ResponseError:
        policy = None
    return Finding(
        "redis keeps",
        policy in {KEEPS, None},
        f"maxmemory-policy {policy}" if policy else "maxmemory-policy is not told here",
        f"CONFIG SET maxmemory-policy {KEEPS}: a consent under way must not be thrown away",
    )


CHECK = Check("redis", _ask, ("redis_url",), "REDIS_URL: is it up, and the address right?")
