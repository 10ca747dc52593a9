"""`clipcast dead`, `keys` and `reseal`: a service's own command takes over, in this environment."""

import os
import sys
from typing import NoReturn

import typer

from cli.words import Owner

THROUGH = {
    "allow_extra_args": True,
    "ignore_unknown_options": True,
    "help_option_names": [],  # --help is the service's as well
}


def dead(ctx: typer.Context, service: Owner) -> None:
    """Look at a service's dead letters, replay or drop them: dead publisher list."""
    _take_over(service, "dead", ctx.args)


def keys(ctx: typer.Context) -> None:
    """Which key of the oauth-gateway seals how much."""
    _take_over(Owner.OAUTH_GATEWAY, "keys", ctx.args)


def reseal(ctx: typer.Context) -> None:
    """Move all that the oauth-gateway stores to the current key."""
    _take_over(Owner.OAUTH_GATEWAY, "reseal", ctx.args)


def command(service: Owner, *words: str) -> list[str]:
    """`python -m <package> …`; -P, or a folder of that name in the present one would be run."""
    return [sys.executable, "-P", "-m", service.package, *words]


def _take_over(service: Owner, name: str, words: list[str]) -> NoReturn:
    """Its output, signals and exit code are the command's, because it is the same process."""
    sys.stdout.flush()
    line = command(service, name, *words)
    os.execv(line[0], line)  # noqa: S606 - our own interpreter and package
