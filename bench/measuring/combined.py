"""The goal table as it was measured: every row of the results that were written just now.

python -m bench.measuring.combined publishing uploads …
"""

import json
import sys
from collections.abc import Sequence

from bench.measuring import goals, table
from bench.measuring.result import FOLDER, tell


def main(names: Sequence[str]) -> None:
    """Read what these benches wrote."""
    results = {name: json.loads((FOLDER / f"{name}.json").read_text()) for name in names}
    seconds = sum(one["seconds"] for one in results.values())
    tell("\n" + table.lines(row for name, one in results.items() for row in goals.of(name, one)))
    tell(f"{len(results)} benches in {seconds / 60:.0f} minutes")


if __name__ == "__main__":
    main(sys.argv[1:])
