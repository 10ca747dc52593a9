"""What goes wrong and when: a schedule that a seed decides, so that a run can be had again.

Faults of one lane follow one another; lanes run side by side. A lane deals from a shuffled deck
that holds every fault of its kind, so that all of them come before one comes again.
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from common.failpoint import POINTS

ACTED = (
    "drop_after", "timeout_after", "error_500_after", "error_502_html_after", "half_answer",
    "invalid_json", "duplicate_keys", "nan_json", "wrong_type", "slow",
)  # fmt: skip
REFUSED = (
    "error_500", "error_502_html", "error_503", "error_504", "timeout", "drop_before", "html",
    "empty_json", "huge",
)  # fmt: skip
STEPS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "vk": {
        "video.save": (*ACTED, *REFUSED, "rate_limited", "token_refused", "captcha"),
        "upload": (*ACTED, *REFUSED, "reset_upload", "retval"),
        "video.get": ("drop_after", "html", "error_503", "rate_limited", "token_refused"),
        "video.delete": ("drop_after", "error_500", "timeout_after"),
    },
    "rutube": {
        "create": (*ACTED, *REFUSED, "rate_limited_told", "token_refused", "forbidden"),
        "status": ("drop_after", "html", "error_503", "invalid_json", "rate_limited"),
        "list": ("drop_before", "error_502_html", "half_answer"),
    },
    "dzen": {
        "draft": ("drop_after", "error_500_after", "half_answer", "error_503", "html", "forbidden"),
        "upload": (*ACTED, *REFUSED, "reset_upload"),
        "publish": (*ACTED, *REFUSED, "rate_limited", "token_refused"),
        "status": ("drop_after", "html", "error_503", "rate_limited", "token_refused"),
        "delete": ("drop_after", "error_500"),
    },
    "telegram": {
        "sendVideo": (
            *ACTED,
            *REFUSED,
            "reset_upload",
            "rate_limited",
            "token_refused",
            "no_rights",
        ),
    },
}
"""Faults of the steps that publish. Left out are those that make a platform lie for good (a video
that is refused by moderation, or said to be unknown): there the truth is not ours to tell."""
SILENCE = 2.0
"""Seconds of `timeout` and `slow`: a platform acts long before a quarantine is over."""
SHORT_SILENCE = {"timeout", "timeout_after", "slow"}
LAST_PART = 0.93
"""The last of a run is left to what was begun."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: when it is due, what it is, whom it hits and for how long."""

    at: float
    kind: str
    target: str
    seconds: float = 0.0

    def __str__(self) -> str:
        lasting = f" for {self.seconds:.1f} s" if self.seconds else ""
        return f"{self.at:6.1f} {self.kind} {self.target}{lasting}"


Card = tuple[str, str, float, float]
"""Kind, target, and how many seconds it lasts at least and at most."""


def schedule(seed: int, seconds: float, processes: Sequence[str]) -> list[list[Fault]]:
    """The lanes of a run of that many seconds; the same for the same arguments."""
    rng = random.Random(seed)
    lanes = (
        _lane(rng, _processes(processes), seconds, 16),
        _lane(rng, _servers(), seconds, 27),
        _lane(rng, _network(), seconds, 8),
        _lane(rng, _platforms(), seconds, 3.5),
        _lane(rng, _queues(), seconds, 25),
        _lane(rng, _tokens(), seconds, 12),
    )
    return [*lanes, failpoints(rng, seconds)]


def failpoints(rng: random.Random, seconds: float) -> list[Fault]:
    """Every point kills once in the first half; later the engine's also freeze, then at random."""
    points = list(POINTS)
    killing = [("kill9", point) for point in rng.sample(points, len(points))]
    engine = [point for point in points if point.startswith("publisher.")]
    stopping = [("stop", point) for point in rng.sample(engine, len(engine))]
    again = [("kill9", rng.choice(points)) for _ in range(len(points) // 2)]
    # What keeps a message from its queue only happens to one that could not be handled.
    raising = [("raise", "publisher.claiming"), ("raise", "bus.reacted")]
    first, then = [*raising, *killing], [*stopping, *raising * 3, *again]
    rng.shuffle(then)
    half = seconds * LAST_PART / 2
    return [
        Fault(start + half * place / len(orders), f"failpoint {action}", point)
        for start, orders in ((0.0, first), (half, then))
        for place, (action, point) in enumerate(orders)
    ]


def _lane(rng: random.Random, cards: Sequence[Card], seconds: float, every: float) -> list[Fault]:
    found = []
    at, deck = every * rng.random(), _dealt(rng, cards)
    while at < seconds * LAST_PART:
        kind, target, shortest, longest = next(deck)
        found.append(Fault(at, kind, target, rng.uniform(shortest, longest)))
        at += every * rng.uniform(0.6, 1.4)
    return found


def _dealt(rng: random.Random, cards: Sequence[Card]) -> Iterator[Card]:
    while True:
        yield from rng.sample(cards, len(cards))


def _processes(names: Sequence[str]) -> list[Card]:
    ours = [name for name in names if name != "sandbox"]
    workers = [name for name in ours if name.startswith("publisher-")]
    kills: list[Card] = [("kill process", name, 0, 0) for name in (*ours, *workers)]
    # A freeze lasts as long as the supervisor says: past the lease, short of the quarantine.
    return [*kills, *(("freeze process", name, 0.0, 0.0) for name in ours)]


def _servers() -> list[Card]:
    return [
        ("kill server", "postgres", 0.3, 2),
        ("kill server", "postgres", 2, 4),
        ("freeze server", "postgres", 2, 7),
        ("restart server", "postgres", 0, 0),
        ("kill server", "rabbitmq", 0.3, 3),
        ("freeze server", "rabbitmq", 5, 12),
        ("restart server", "rabbitmq", 0, 0),
        ("kill server", "redis", 0.3, 2),
        ("kill server", "redis", 3, 6),
        ("freeze server", "redis", 2, 6),
        ("restart server", "redis", 0, 0),
        ("freeze server", "sandbox", 0.3, 0.9),
    ]


def _network() -> list[Card]:
    found: list[Card] = []
    for target in ("postgres", "rabbitmq", "redis", "sandbox"):
        found += [
            ("cut", target, 0, 0),
            ("rst", target, 0, 0),
            ("half_close", target, 0, 0),
            ("refuse", target, 0.5, 3),
            ("delay", target, 1, 5),
            ("blackhole", target, 1, 4),
            ("lose answers", target, 1, 3),
            ("lose requests", target, 1, 3),
            ("limit", target, 1, 4),
            ("drop_after", target, 1, 3),
        ]
    return found


def _platforms() -> list[Card]:
    found: list[Card] = []
    for platform, steps in STEPS.items():
        for step, kinds in steps.items():
            for kind in kinds:
                silence = SILENCE if kind in SHORT_SILENCE else 0.0
                found.append((f"platform {kind}", f"{platform} {step}", silence, silence))
    return found


def _queues() -> list[Card]:
    platforms = ("vk", "rutube", "dzen", "telegram")
    purges: list[Card] = [("purge", f"publisher.publish.{name}", 0, 0) for name in platforms]
    poison: Card = ("poison", "publisher.events", 0, 0)
    return [*purges, ("purge", "publisher.publish.*", 0, 0), *[poison] * 3]


def _tokens() -> list[Card]:
    return [("expire token", platform, 0, 0) for platform in ("vk", "dzen")]
