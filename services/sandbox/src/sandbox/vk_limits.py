"""VK's three ways to say "too much": calls a second, equal actions, saves a day."""

from __future__ import annotations

import hashlib
from collections import defaultdict, deque

from sandbox.vk_errors import ApiError
from sandbox.vk_people import Token
from sandbox.world import World

USER_CALLS, COMMUNITY_CALLS = 3, 20  # a second and token
FLOOD_WINDOW = 60.0
ACTIONS = frozenset({"video.save", "video.edit", "video.delete", "video.restore", "wall.post"})


class Limits:
    """Only calls that were let through count."""

    def __init__(self, world: World) -> None:
        self._clock = world.clock
        self._settings = world.settings
        self._reset()
        world.on_reset(self._reset)

    def check(
        self, token: Token, method: str, params: dict[str, str], *, repeated: bool = False
    ) -> None:
        """Raises `ApiError` 6, 9 or 29. A `repeated` idempotent call is no further action."""
        now = self._clock.time()
        allowed = COMMUNITY_CALLS if token.of_community else USER_CALLS
        self._window(self._calls[token.value], now, 1.0, allowed, 6)
        if method in ACTIONS and not repeated:
            equal = self._equal[_fingerprint(token, method, params)]
            self._window(equal, now, FLOOD_WINDOW, self._settings.vk_flood_equal, 9)
        if method == "video.save":
            day = f"{token.app} {self._clock.now().date()}"
            if self._saves[day] >= self._settings.vk_daily_saves:
                raise ApiError(29)
            self._saves[day] += 1

    @staticmethod
    def _window(calls: deque[float], now: float, seconds: float, allowed: int, code: int) -> None:
        while calls and calls[0] <= now - seconds:
            calls.popleft()
        if len(calls) >= allowed:
            raise ApiError(code)
        calls.append(now)

    def _reset(self) -> None:
        self._calls: defaultdict[str, deque[float]] = defaultdict(deque)
        self._equal: defaultdict[str, deque[float]] = defaultdict(deque)
        self._saves: defaultdict[str, int] = defaultdict(int)


def _fingerprint(token: Token, method: str, params: dict[str, str]) -> str:
    said = sorted((name, value) for name, value in params.items() if name != "access_token")
    return hashlib.sha256(f"{token.owner} {method} {said}".encode()).hexdigest()
