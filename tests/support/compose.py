"""The compose file, read: checked without a Docker daemon."""

import re
from typing import Any

from localrun.environment import TREE
from localrun.plan import SERVICES
from support.strict_yaml import pairs, read

FOLDER = TREE / "deploy/compose"
VARIABLE = re.compile(r"(?<!\$)\$\{(\w+)(?::([-?])([^}]*))?\}")
COMPOSE: dict[str, Any] = read((FOLDER / "compose.yaml").read_text())
PARTS: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: part for name, part in PARTS.items() if "build" in part}
TASKS = {f"{service}-{task}" for service in SERVICES for task in ("migrate", "topology")}


def sample() -> dict[str, str]:
    """The lines of .env.example, as they stand."""
    return pairs((TREE / ".env.example").read_text())


def asked() -> dict[str, str]:
    """The variables that the file asks for, each with `?` when it insists on it."""
    found = VARIABLE.finditer((FOLDER / "compose.yaml").read_text())
    return {one[1]: one[2] for one in found}
