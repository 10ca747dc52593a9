"""How many publications a gateway accepts a second: as it is, and without what it keeps."""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import asyncpg

from bench.measuring import machine
from bench.measuring.spread import spread
from bench.traffic import client
from bench.traffic.gateway import ALONE, REDIS, STORED
from bench.traffic.no_database import CONNECTION, USER
from common.ids import new_id
from localrun.ports import free_port
from support.people import JWT_SECRET, bearer

SIDES = (STORED, REDIS, ALONE)
ROUNDS = 5
SECONDS = 2.0
CONNECTIONS = 16
PATH = "/v1/publications"
START_SECONDS = 30.0
KNOWN = """
INSERT INTO connections (id, user_id, platform, account_id, account_name, status, version)
VALUES ($1, $2, $3, $4, $5, $6, $7)
"""


def settings(database_url: str, redis_url: str, folder: Path) -> dict[str, str]:
    """Enough for the gateway; the platforms are never called."""
    return {
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "RABBITMQ_URL": "amqp://127.0.0.1:1/",
        "AUTH_JWT_SECRET": JWT_SECRET,
        "SERVICE_TOKENS": f"publisher={JWT_SECRET}",
        "MEDIA_LINK_SECRET": JWT_SECRET[::-1],
        "MEDIA_STORE_URL": f"file:{folder}",
        "DZEN_API_URL": "http://127.0.0.1:1/dzen",
        "PUBLISH_RATE": "1000000/minute",
    }


@contextmanager
def gateway(side: str, values: Mapping[str, str]) -> Iterator[tuple[int, int]]:
    """Its port and the id of its process, from when it answers."""
    port = free_port()
    words = [sys.executable, "-m", "bench.traffic.gateway", side]
    env = {**os.environ, **values, "HTTP_PORT": str(port)}
    running = subprocess.Popen(words, env=env, stdout=subprocess.DEVNULL)  # noqa: S603 - our own words
    try:
        deadline = time.monotonic() + START_SECONDS
        while not _answers(port):
            if running.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the gateway {side} did not start")
            time.sleep(0.05)
        yield port, running.pid
    finally:
        running.terminate()
        running.wait(START_SECONDS)


def posts_a_second(values: Mapping[str, str], owner_url: str, clip: bytes) -> dict[str, Any]:
    """Rounds of each side in turn, the first of each to warm up."""
    asyncio.run(_knows(owner_url))
    headers = bearer(USER)
    speed: dict[str, list[float]] = {side: [] for side in SIDES}
    cpu: dict[str, list[float]] = {side: [] for side in SIDES}
    with ExitStack() as stack:
        at = {side: stack.enter_context(gateway(side, values)) for side in SIDES}
        key = _upload(at[STORED][0], headers, clip)
        for number in range(ROUNDS + 1):
            for side in SIDES:
                port, pid = at[side]
                before = machine.cpu_seconds({side: [pid]})[side]
                per_second = asyncio.run(
                    client.asked(port, PATH, headers, _bodies(key), connections=CONNECTIONS)
                )
                used = machine.cpu_seconds({side: [pid]})[side] - before
                if number:
                    speed[side].append(per_second)
                    cpu[side].append(1000 * used / (per_second * SECONDS))
    return {
        "rounds": ROUNDS,
        "connections": CONNECTIONS,
        "per_second": {side: spread(speed[side]) for side in SIDES},
        "gateway_cpu_ms_each": {side: spread(cpu[side]) for side in SIDES},
        "ratio_without_database": _ratio(speed, REDIS),
        "ratio_alone": _ratio(speed, ALONE),
    }


def _ratio(speed: Mapping[str, list[float]], other: str) -> dict[str, float]:
    return spread([one / two for one, two in zip(speed[STORED], speed[other], strict=True)], 3)


def _bodies(key: str) -> Iterator[bytes]:
    """For so many seconds, each about another clip."""
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        body = {
            "clip_id": new_id().hex,
            "media": {"key": key},
            "title": "A clip",
            "description": "What it is about. " * 10,
            "targets": [{"connection_id": str(CONNECTION.id)}],
        }
        yield json.dumps(body).encode()


async def _knows(owner_url: str) -> None:
    link = await asyncpg.connect(owner_url)
    try:
        await link.execute(KNOWN, *asdict(CONNECTION).values())
    finally:
        await link.close()


def _upload(port: int, headers: Mapping[str, str], clip: bytes) -> str:
    url = f"http://127.0.0.1:{port}/v1/media/clip.mp4"
    request = Request(url, clip, dict(headers), method="PUT")
    with urlopen(request, timeout=30) as answer:  # noqa: S310
        key: str = json.load(answer)["key"]
    return key


def _answers(port: int) -> bool:
    try:
        with urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5):
            return True
    except OSError:
        return False
