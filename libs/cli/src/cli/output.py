"""Where a command's words go: the result to stdout, everything else to stderr."""

import sys
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from cli.safe import document, safe

WIDE = 200
"""A pipe has no width: nothing is cut there."""


def console(*, stderr: bool = False) -> Console:
    """A console that takes no markup from anybody."""
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else WIDE
    return Console(stderr=stderr, width=width, markup=False, highlight=False, emoji=False)


class Output:
    """One command's."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json
        self.people = console(stderr=True)
        self._result = console()

    def remark(self, *lines: str) -> None:
        """For people, beside the result."""
        for line in lines:
            self.people.print(Text(safe(line)), soft_wrap=True)

    def document(self, value: Any) -> None:  # noqa: ANN401 - any JSON value
        """The result of `--json`: one line, once."""
        print(document(value), flush=True)  # noqa: T201 - the result of a command

    def line(self, text: str) -> None:
        """A result in one line."""
        self._result.print(Text(safe(text)), soft_wrap=True)

    def show(self, table: Table) -> None:
        """A result in many."""
        self._result.print(table)


def table(*heads: str | Column) -> Table:
    """One without lines around it."""
    return Table(*heads, box=None, pad_edge=False, header_style="bold")


def row(grid: Table, *cells: object) -> None:
    """Add strangers' words to a table."""
    grid.add_row(*(Text(safe(cell)) for cell in cells))


def whole(head: str) -> Column:
    """A column that is copied from: never cut."""
    return Column(head, no_wrap=True, min_width=36)


def folded(head: str) -> Column:
    """A column of long words, such as links."""
    return Column(head, overflow="fold")


def facts(pairs: Sequence[tuple[str, object]]) -> Table:
    """Names and values, one a line; what nobody told is left out."""
    grid = Table.grid(Column(no_wrap=True), folded(""), padding=(0, 2, 0, 0))
    for name, value in pairs:
        if value is not None:
            row(grid, name, value)
    return grid
