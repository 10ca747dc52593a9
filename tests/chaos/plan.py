"""Who asks for what and when, decided by a seed before a run begins."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

PLATFORMS = ("vk", "rutube", "dzen", "telegram")
SHARE_BIG = 0.1
SHARE_SCHEDULED = 0.25
SHARE_CANCELLED = 0.15
SOON = 12.0
"""Seconds: the latest cancel, and the latest time to which something is scheduled."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One request: due `at`, for these platforms; a cancel follows its target by index."""

    at: float
    platforms: tuple[str, ...]
    big: bool
    schedule: float | None
    cancels: dict[int, float]


def planned(rng: random.Random, people: int, publications: int, seconds: float) -> list[list[Ask]]:
    """By person, in the order of time; all together at least `publications` targets."""
    plans: list[list[Ask]] = [[] for _ in range(people)]
    count = 0
    while count < publications:
        ask = _ask(rng, seconds)
        plans[rng.randrange(people)].append(ask)
        count += len(ask.platforms)
    return [sorted(plan, key=lambda ask: ask.at) for plan in plans]


def _ask(rng: random.Random, seconds: float) -> Ask:
    platforms = tuple(rng.sample(PLATFORMS, rng.choice((1, 1, 2, 3, 4))))
    return Ask(
        at=rng.uniform(0, seconds),
        platforms=platforms,
        big=rng.random() < SHARE_BIG,
        schedule=rng.uniform(2, SOON) if rng.random() < SHARE_SCHEDULED else None,
        cancels=_cancels(rng, platforms),
    )


def _cancels(rng: random.Random, platforms: Sequence[str]) -> dict[int, float]:
    """Half of them so soon that they meet the first steps."""
    return {
        index: rng.uniform(0, rng.choice((0.8, SOON)))
        for index in range(len(platforms))
        if rng.random() < SHARE_CANCELLED
    }
