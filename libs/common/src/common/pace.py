"""Exact shared pacing: GCRA in Redis, by the server's clock. Reserves a slot and says the wait.

GCRA keeps one number a key, the theoretical arrival time: the moment from which the next call is
free. A call may come `burst - 1` intervals early. Several keys are reserved together or not at all.
"""

import asyncio
import secrets
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import SecretStr
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from common.observe import logs

SCRIPT = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local most = tonumber(ARGV[1])
local wait = 0
local arrivals = {}
for i, key in ipairs(KEYS) do
  local interval = tonumber(ARGV[2 * i])
  local burst = tonumber(ARGV[2 * i + 1])
  local arrival = tonumber(redis.call('GET', key) or now)
  if arrival < now then arrival = now end
  arrivals[i] = arrival
  wait = math.max(wait, arrival - (burst - 1) * interval - now)
end
if wait > most then return {0, wait} end
for i, key in ipairs(KEYS) do
  local interval = tonumber(ARGV[2 * i])
  local arrival = math.max(arrivals[i], now + wait) + interval
  local life = math.ceil((arrival - now) / 1000) + 1000
  redis.call('SET', key, string.format('%.0f', arrival), 'PX', life)
end
return {1, wait}
"""
WINDOW = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local span = tonumber(ARGV[2]) * 1000000
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - span)
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[1]) then
  local oldest = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')[2]
  return {0, oldest + span - now}
end
redis.call('ZADD', KEYS[1], now, ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[2] * 1000)
return {1, 0}
"""
ANSWER_SECONDS = 1.0
RETRY_REDIS_SECONDS = 2.0
LOCAL_SHARE = 8
"""Without Redis each process keeps to this part of the rate: slower, but never too fast for up to
eight processes that call the same platform."""
log = logs.get(__name__)


@dataclass(frozen=True, slots=True)
class Rate:
    """`calls` in `seconds`, of which `burst` may come at once."""

    key: str
    calls: float
    seconds: float = 1.0
    burst: int = 1

    @property
    def interval(self) -> float:
        """Seconds between two calls."""
        return self.seconds / self.calls


@dataclass(frozen=True, slots=True)
class Slot:
    """`granted`: the slot is ours after `wait` seconds; else it would be free after `wait`."""

    granted: bool
    wait: float


def redis_client(url: SecretStr) -> "Redis":
    """A client that fails within a second instead of retrying for twenty (stack.md §6)."""
    client: Redis = Redis.from_url(
        url.get_secret_value(),
        socket_timeout=ANSWER_SECONDS,
        socket_connect_timeout=ANSWER_SECONDS,
        retry=Retry(NoBackoff(), 0),
        decode_responses=True,
    )
    return client


class Pace:
    """Shared over all processes while Redis answers, else local at one `share`-th of the rate."""

    def __init__(self, redis: "Redis", *, prefix: str = "pace", share: int = LOCAL_SHARE) -> None:
        self._script: Any = redis.register_script(SCRIPT)
        self._window: Any = redis.register_script(WINDOW)
        self._seen: dict[str, deque[float]] = {}
        self._prefix = prefix
        self._share = share
        self._arrivals: dict[str, float] = {}
        self._redis_down_until = 0.0

    async def reserve(self, rates: Sequence[Rate], *, most: float) -> Slot:
        """Take the next slot unless it is more than `most` seconds away."""
        if time.monotonic() >= self._redis_down_until:
            try:
                return await self._shared(rates, most)
            except (RedisError, OSError, TimeoutError) as error:
                self._redis_down_until = time.monotonic() + RETRY_REDIS_SECONDS
                log.warning("pace_local", error=type(error).__name__)
        return self._local(rates, most)

    async def count(self, key: str, calls: int, seconds: int) -> Slot:
        """Count one call, unless `calls` were counted in the last `seconds`: exact, not smoothed.

        Without Redis each process counts for itself.
        """
        if time.monotonic() >= self._redis_down_until:
            try:
                async with asyncio.timeout(ANSWER_SECONDS):
                    granted, wait = await self._window(
                        keys=[f"{self._prefix}:{key}"], args=[calls, seconds, secrets.token_hex(8)]
                    )
                return Slot(bool(granted), float(wait) / 1e6)
            except (RedisError, OSError, TimeoutError) as error:
                self._redis_down_until = time.monotonic() + RETRY_REDIS_SECONDS
                log.warning("count_local", error=type(error).__name__)
        now = time.monotonic()
        seen = self._seen.setdefault(key, deque())
        while seen and seen[0] <= now - seconds:
            seen.popleft()
        if len(seen) >= calls:
            return Slot(granted=False, wait=seen[0] + seconds - now)
        seen.append(now)
        return Slot(granted=True, wait=0.0)

    async def _shared(self, rates: Sequence[Rate], most: float) -> Slot:
        arguments: list[float] = [most * 1e6]
        for rate in rates:
            arguments += [rate.interval * 1e6, rate.burst]
        async with asyncio.timeout(ANSWER_SECONDS):
            granted, wait = await self._script(
                keys=[f"{self._prefix}:{rate.key}" for rate in rates], args=arguments
            )
        return Slot(bool(granted), float(wait) / 1e6)

    def _local(self, rates: Sequence[Rate], most: float) -> Slot:
        now = time.monotonic()
        intervals = [rate.interval * self._share for rate in rates]
        arrivals = [max(self._arrivals.get(rate.key, now), now) for rate in rates]
        wait = max(
            max(0.0, arrival - (rate.burst - 1) * interval - now)
            for rate, arrival, interval in zip(rates, arrivals, intervals, strict=True)
        )
        if wait > most:
            return Slot(granted=False, wait=wait)
        for rate, arrival, interval in zip(rates, arrivals, intervals, strict=True):
            self._arrivals[rate.key] = max(arrival, now + wait) + interval
        if len(self._arrivals) > 10_000:
            self._arrivals = {key: at for key, at in self._arrivals.items() if at > now}
        return Slot(granted=True, wait=wait)
