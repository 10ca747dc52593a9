"""`python -m <package> doctor [--json]`: the checklist before a deployment, line by line."""

import argparse
import asyncio
import json
from collections.abc import Sequence
from typing import TypeVar

from pydantic_settings import BaseSettings

from common.doctor import rules
from common.doctor.finding import Check, Finding, ask_all
from common.settings import Settings, Wrong, read

S = TypeVar("S", bound=Settings)


def run(
    service: str,
    cls: type[S],
    also: Sequence[type[BaseSettings]],
    checks: Sequence[Check[S]],
    chosen: argparse.Namespace,
) -> int:
    """Ask and print; 0 when all is well. What is wrong with the settings stops no other check."""
    settings, wrong = read(cls)
    others: list[Wrong] = [one for more in also for one in read(more)[1]]
    found = rules.malformed((*wrong, *others))
    found += asyncio.run(ask_all((STRICT, *checks), settings, wrong))
    _say(service, found, as_json=chosen.json)
    return 0 if all(one.well for one in found) else 1


STRICT: Check[Settings] = Check(
    "production", rules.strict, ("environment", "metrics_port", "cors_origins"), ""
)


def _say(service: str, found: Sequence[Finding], *, as_json: bool) -> None:
    if as_json:
        told = {"service": service, "checks": [one.told() for one in found]}
        text = json.dumps(told)
    else:
        text = "\n".join((f"{service}:", *(one.line() for one in found)))
    print(text)  # noqa: T201 - the result of a command
