"""Exact shared pacing: GCRA in Redis, by the server's clock. Reserves a slot and says the wait.

GCRA keeps one number a key, the theoretical arrival time: the moment from which the next call is
free. A call may come `burst - 1` intervals early. Several keys are reserved together or not at all.
"""

import asyncio
import math
import random
import secrets
import time
from collections import deque
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import SecretStr
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from common.observe import logs

SCRIPT = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local wait = 0
local longest = 1
local behind = 0
local worst = 0
local arrivals = {}
for i, key in ipairs(KEYS) do
  local interval, burst, most = tonumber(ARGV[4*i-3]), tonumber(ARGV[4*i-2]), tonumber(ARGV[4*i-1])
  local stored = tonumber(redis.call('GET', key) or now)
  local arrival = math.max(stored, now + tonumber(ARGV[4*i]))
  if arrival > stored and tonumber(ARGV[4*i]) > 0 then  -- not known here: all shall know
    local life = math.ceil((arrival - now) / 1000) + 1000
    redis.call('SET', key, string.format('%.0f', arrival), 'PX', life)
  end
  arrivals[i] = arrival
  local own = arrival - (burst - 1) * interval - now
  if own > wait then wait, longest = own, i end
  if own > most and own > worst then
    behind = i
    worst = own
  end
end
if behind > 0 then return {behind, worst, behind} end
for i, key in ipairs(KEYS) do
  local arrival = math.max(arrivals[i], now + wait) + tonumber(ARGV[4*i-3])
  local life = math.ceil((arrival - now) / 1000) + 1000
  redis.call('SET', key, string.format('%.0f', arrival), 'PX', life)
end
return {0, wait, longest}
"""
HOLD = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local until_ = now + tonumber(ARGV[1]) + (tonumber(ARGV[3]) - 1) * tonumber(ARGV[2])
if until_ > tonumber(redis.call('GET', KEYS[1]) or 0) then
  local life = math.ceil((until_ - now) / 1000) + 1000
  redis.call('SET', KEYS[1], string.format('%.0f', until_), 'PX', life)
end
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
eight processes that call the same platform. What was promised before goes on counting: on the way
to the local pace the slots that Redis gave, on the way back those given without it. Should
Redis have lost its data, each process tells it of its own last slot when it takes the next."""
MOST_KEYS = 10_000
LONGEST_INTERVAL = 10.0
"""Seconds for which a slot that was used still counts: more than between two of any rate."""
log = logs.get(__name__)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Rate:
    """`calls` in `seconds`, of which `burst` may come at once; nobody waits longer than `most`
    seconds for a slot of it."""

    key: str
    calls: float
    seconds: float = 1.0
    burst: int = 1
    most: float = 0.0

    @property
    def interval(self) -> float:
        """Seconds between two calls."""
        return self.seconds / self.calls


@dataclass(frozen=True, slots=True)
class Slot:
    """The slot is ours after `wait` seconds, which is how long `by` takes; if `refused`, it is not,
    and `by` would have room after `wait`. `at`: the same moment on the monotonic clock."""

    wait: float
    by: Rate
    at: float
    refused: bool = False


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
        self._hold: Any = redis.register_script(HOLD)
        self._window: Any = redis.register_script(WINDOW)
        self._seen: dict[str, deque[float]] = {}
        self._prefix = prefix
        self._share = share
        self._arrivals: dict[str, float] = {}
        self._shared_slots: dict[str, float] = {}
        self._redis_down_until = 0.0

    async def reserve(self, rates: Sequence[Rate]) -> Slot:
        """Take the next slot that suits all rates, unless one is too far away: then take none."""
        shared = await self._asked("pace", self._shared(rates))
        return shared if shared is not None else self._local(rates)

    async def hold(self, rate: Rate, seconds: float) -> None:
        """Nobody gets a slot of this rate for so long: somebody was told so."""
        # Kept here as well, for the case that Redis is away now or will be.
        until = time.monotonic() + seconds + (rate.burst - 1) * rate.interval * self._share
        self._arrivals[rate.key] = max(self._arrivals.get(rate.key, 0.0), until)
        self._arrivals = _recent(self._arrivals)
        await self._asked("hold", self._held(rate, seconds))

    async def count(self, key: str, calls: int, seconds: int) -> float:
        """Count one call and answer 0, unless `calls` were counted in the last `seconds`: then
        answer after how long the next may be. Exact, not smoothed.

        Without Redis each process counts for itself.
        """
        shared = await self._asked("count", self._counted(key, calls, seconds))
        if shared is not None:
            return shared
        now = time.monotonic()
        seen = self._seen.setdefault(key, deque())
        while seen and seen[0] <= now - seconds:
            seen.popleft()
        if len(seen) >= calls:
            return seen[0] + seconds - now
        seen.append(now)
        return 0.0

    async def _asked(self, what: str, question: Coroutine[Any, Any, T]) -> T | None:
        """None when Redis does not answer; then it is left alone for a moment."""
        if time.monotonic() < self._redis_down_until:
            question.close()
            return None
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                return await question
        except (RedisError, OSError, TimeoutError, RuntimeError) as error:  # uvloop: closed
            self._redis_down_until = time.monotonic() + RETRY_REDIS_SECONDS
            log.warning("pace_local", what=what, error=type(error).__name__)
            return None

    async def _shared(self, rates: Sequence[Rate]) -> Slot:
        arguments: list[float] = []
        now = time.monotonic()
        for rate in rates:
            # A Redis that lost its data must not give once more what it gave already.
            given = self._shared_slots.get(rate.key, -math.inf) + rate.interval
            local = self._arrivals.get(rate.key, -math.inf)
            local -= (rate.burst - 1) * rate.interval * (self._share - 1)
            ahead = max(0.0, given - now, local - now)
            arguments += [rate.interval * 1e6, rate.burst, rate.most * 1e6, ahead * 1e6]
        behind, wait, longest = await self._script(
            keys=[f"{self._prefix}:{rate.key}" for rate in rates], args=arguments
        )
        # A process may be frozen while it waits for the answer.
        answered = min(time.monotonic(), now + ANSWER_SECONDS)
        seconds = float(wait) / 1e6
        slot = Slot(seconds, rates[longest - 1], answered + seconds, refused=bool(behind))
        if not slot.refused:
            self._shared_slots |= {rate.key: now + slot.wait for rate in rates}
            self._shared_slots = _recent(self._shared_slots)
        return slot

    async def _held(self, rate: Rate, seconds: float) -> bool:
        arguments = [seconds * 1e6, rate.interval * 1e6, rate.burst]
        await self._hold(keys=[f"{self._prefix}:{rate.key}"], args=arguments)
        return True

    async def _counted(self, key: str, calls: int, seconds: int) -> float:
        granted, wait = await self._window(
            keys=[f"{self._prefix}:{key}"], args=[calls, seconds, secrets.token_hex(8)]
        )
        return 0.0 if granted else float(wait) / 1e6

    def _local(self, rates: Sequence[Rate]) -> Slot:
        now = time.monotonic()
        arrivals = [max(self._arrival(rate, now), now) for rate in rates]
        waits = [
            max(0.0, arrival - (rate.burst - 1) * rate.interval * self._share - now)
            for rate, arrival in zip(rates, arrivals, strict=True)
        ]
        # What is slower by `share` may be waited for as much longer, or nothing would ever go out.
        late = [
            (wait, rate)
            for wait, rate in zip(waits, rates, strict=True)
            if wait > rate.most * self._share
        ]
        if late:
            wait, rate = max(late, key=lambda one: one[0])
            return Slot(wait, rate, now + wait, refused=True)
        wait, longest = max(zip(waits, rates, strict=True), key=lambda one: one[0])
        for rate, arrival in zip(rates, arrivals, strict=True):
            self._arrivals[rate.key] = max(arrival, now + wait) + rate.interval * self._share
        self._arrivals = _recent(self._arrivals)
        return Slot(wait, longest, now + wait)

    def _arrival(self, rate: Rate, now: float) -> float:
        """When this process may go on; it does not know who else begins at this moment, so at
        first it waits for a random part of its interval."""
        first = now + random.random() * rate.interval * (self._share - 1)  # noqa: S311 - no secret
        known = self._arrivals.setdefault(rate.key, first)
        slot = self._shared_slots.get(rate.key, -math.inf)
        return max(known, slot + rate.interval * self._share)


def _recent(times: dict[str, float]) -> dict[str, float]:
    """Without what counts no more, once there are many."""
    if len(times) <= MOST_KEYS:
        return times
    passed = time.monotonic() - LONGEST_INTERVAL
    return {key: at for key, at in times.items() if at > passed}
