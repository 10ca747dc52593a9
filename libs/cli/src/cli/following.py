"""Watching publications until each has ended, also when nobody answers for a while."""

import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any, Self

from rich.live import Live
from rich.table import Table

from cli import shown
from cli.failures import FAILED, INTERRUPTED, Failure, Silent
from cli.gateways import Gateways
from cli.language import say
from cli.output import Output, folded, row, table
from cli.words import ENDED

EVERY_SECONDS = 0.5
SILENT_SECONDS = 60.0
"""So long nobody may answer: a gateway that is started again is back sooner."""
Rows = list[dict[str, Any]]


class Board:
    """What a person sees while waiting: a table that changes, or in a pipe a line a change."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._seen: dict[str, str] = {}
        terminal = output.people.is_terminal
        self._live = Live(console=output.people, refresh_per_second=4) if terminal else None

    def __enter__(self) -> Self:
        (self._live or nullcontext()).__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live:
            self._live.stop()

    def show(self, rows: Rows) -> None:
        """As they stand now."""
        if self._live:
            self._live.update(_grid(rows))
            return
        for one in rows:
            told = f"{shown.platform(one)}: {shown.state(one)} {shown.outcome(one)}".rstrip()
            if self._seen.get(one["id"]) != told:
                self._seen[one["id"]] = told
                self._output.remark(told)


def follow(gateways: Gateways, output: Output, rows: Rows) -> Rows:
    """Look until all have ended. Raises Failure; the publications go on without us."""
    try:
        with Board(output) as board:
            while True:
                board.show(rows)
                if all(one["status"] in ENDED for one in rows):
                    return rows
                time.sleep(EVERY_SECONDS)
                rows = [_look(gateways, one) for one in rows]
    except KeyboardInterrupt:
        raise Failure(
            INTERRUPTED, "interrupted", *goes_on(rows), also={"publications": rows}
        ) from None
    except Failure as failure:  # also a token that expired meanwhile: the ids are all that is left
        failure.lines = (*failure.lines, *goes_on(rows))
        failure.also["publications"] = rows
        raise


def _look(gateways: Gateways, one: dict[str, Any]) -> dict[str, Any]:
    if one["status"] in ENDED:
        return one
    path = f"/v1/publications/{one['id']}"
    return patiently(lambda: gateways.ask("publisher", "GET", path))


def patiently(look: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """An answer, though nobody may answer for a while."""
    deadline = time.monotonic() + SILENT_SECONDS
    while True:
        try:
            return look()
        except Silent:
            if time.monotonic() > deadline:
                raise
            time.sleep(EVERY_SECONDS)


def goes_on(rows: Sequence[dict[str, Any]]) -> list[str]:
    """What a person should know who stops watching."""
    left = [one for one in rows if one["status"] not in ENDED]
    first = say(
        "Публикация продолжается без этой команды. Посмотреть: clipcast show ID. Отменить:",
        "Publishing goes on without this command. Look: clipcast show ID. Call it off:",
    )
    return [first, *(f"  clipcast cancel {one['id']}    # {one['platform']}" for one in left)]


def advice(rows: Sequence[dict[str, Any]]) -> list[str]:
    """What to do about those that did not end well."""
    lines = []
    for one in rows:
        if one["status"] == "failed":
            lines.append(say("Повторить: ", "Try again: ") + f"clipcast retry {one['id']}")
        elif one["status"] == "uncertain":
            told = say(
                "Посмотрите на странице, вышел ли клип, и скажите: ",
                "Look at the page whether it is there, and say so: ",
            )
            lines.append(f"{told}clipcast resolve {one['id']} published|failed")
    return lines


def exit_code(rows: Sequence[dict[str, Any]]) -> int:
    """0 unless one failed, was called off or needs a person."""
    return FAILED if any(one["status"] in ENDED - {"published"} for one in rows) else 0


def _grid(rows: Rows) -> Table:
    grid = table(
        say("площадка", "platform"), say("состояние", "state"), folded(say("итог", "outcome"))
    )
    for one in rows:
        row(grid, shown.platform(one), shown.state(one), shown.outcome(one))
    return grid
