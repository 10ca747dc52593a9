"""Each threat that docs/security.md lists has a test of its name, and no test names another."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROW = re.compile(r"^\| ([A-Z]\d+) \|", re.MULTILINE)
NAME = re.compile(r"test_([ovjsamld]\d+)_")


def _listed() -> set[str]:
    return set(ROW.findall((ROOT / "docs/security.md").read_text()))


def _shown() -> set[str]:
    files = [
        file for part in ("libs", "services", "tests") for file in (ROOT / part).rglob("test_*.py")
    ]
    functions = (
        node.name
        for file in files
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )
    return {found[1].upper() for name in functions if (found := NAME.match(name))}


def test_every_threat_of_the_page_has_a_test_of_its_name() -> None:
    assert _listed() == _shown()
    assert len(_listed()) == 41
