"""`python -m oauth_gateway keys|reseal`: what each secret seals, and moving it to the current one.

Standard output holds the result alone, so that `--json` can be piped; remarks go to stderr.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from typing import TypeVar

from common.service import Command
from oauth_gateway.app.open_vault import NAME as FINGERPRINT
from oauth_gateway.app.reseal import Counts, reseal
from oauth_gateway.domain.audit import OPERATOR
from oauth_gateway.settings import GatewaySettings
from oauth_gateway.vault.box import key_of
from oauth_gateway.wiring import Parts, build

T = TypeVar("T")
BATCH = 100
LARGEST = 1000
"""More than this would keep rows locked for longer than a refresh likes to wait."""


def keys(settings: GatewaySettings, chosen: argparse.Namespace) -> int:
    """One line for each key; 1 when one that is used was not given."""
    rows = [
        (key.hex(), count, _state(key, settings))
        for key, count in _with_parts(settings, _use).items()
    ]
    for key, count, state in rows:
        if chosen.json:
            _say(json.dumps({"key_id": key, "sealed": count, "state": state}))
        else:
            _say(f"{key}  {count:>9} sealed  {state}")
    return 1 if any(state == "unknown" for _, _, state in rows) else 0


def move(settings: GatewaySettings, chosen: argparse.Namespace) -> int:
    """0 when everything is under the current key in the end."""

    async def work(parts: Parts) -> tuple[Counts, int]:
        counts = await reseal(parts.ports.by(OPERATOR), parts.keyring, chosen.batch)
        use = await _use(parts)
        return counts, sum(use.values()) - use[parts.keyring.current_id]

    counts, left = _with_parts(settings, work)
    _say(
        f"resealed {counts.resealed}, overtaken {counts.overtaken}, "
        f"unreadable {counts.unreadable}, left {left}"
    )
    if left:
        _remark(
            f"not under the current key: {left}. Run it again; what stays needs its former secret "
            "in PLATFORM_TOKEN_SECRET_PREVIOUS (`keys` tells which key)"
        )
    return 1 if left else 0


def _batch(parser: argparse.ArgumentParser) -> None:
    def size(value: str) -> int:
        if value.isdigit() and 1 <= int(value) <= LARGEST:
            return int(value)
        raise argparse.ArgumentTypeError(f"a number from 1 to {LARGEST}")

    told = "how many rows one transaction changes (default: %(default)s)"
    parser.add_argument("--batch", type=size, default=BATCH, help=told)


def _json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="one JSON object a line")


COMMANDS = {
    "keys": Command("show which key seals how much", keys, _json),
    "reseal": Command("move all that is stored to the current key", move, _batch),
}


async def _use(parts: Parts) -> dict[bytes, int]:
    """What is sealed under every key that was given or is used, the current one first: credentials,
    and the key that names accounts."""
    given = parts.keyring.ids
    async with parts.ports.begin() as work:
        used = await work.sealed.keys()
        use = {key: await work.sealed.count(key) for key in dict.fromkeys((*given, *used))}
        kept = await work.sealed.kept_key(FINGERPRINT)
    if kept is not None and (key := key_of(kept)) is not None:
        use[key] = use.get(key, 0) + 1
    return {key: count for key, count in use.items() if count or key in given}


def _state(key: bytes, settings: GatewaySettings) -> str:
    ring = settings.keyring
    if key == ring.current_id:
        return "current"
    return "previous" if key in ring.ids else "unknown"


def _with_parts(settings: GatewaySettings, work: Callable[[Parts], Awaitable[T]]) -> T:
    async def run() -> T:
        parts = build(settings)
        try:
            return await work(parts)
        finally:
            await parts.aclose()

    return asyncio.run(run())


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - the result of a command


def _remark(text: str) -> None:
    print(text, file=sys.stderr)  # noqa: T201 - the other half of a command's answer
