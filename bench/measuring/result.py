"""What every bench does in the end: its result goes into a file, its table to whoever asked."""

import json
from collections.abc import Mapping
from typing import Any

from bench.measuring import goals
from bench.measuring.table import lines
from localrun.environment import TREE

FOLDER = TREE / "bench/results"


def keep(name: str, result: Mapping[str, Any], table: str = "") -> None:
    """Write bench/results/<name>.json and show the table, then its rows of the goal table;
    `seconds` is how long it took."""
    file = FOLDER / f"{name}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(result, ensure_ascii=False, indent=2) + "\n")
    for shown in (table, goals.of(name, result) and lines(goals.of(name, result))):
        if shown:
            tell(f"{shown}\n")
    tell(f"{result['seconds']} s; written to {file.relative_to(TREE)}")


def tell(what: str) -> None:
    """Say how far it is."""
    print(what, flush=True)  # noqa: T201 - a command's output
