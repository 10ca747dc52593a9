"""The generated pages of docs/ say what the code says."""

import importlib.util
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "docs/generate.py"


def test_the_generated_pages_are_current() -> None:
    spec = importlib.util.spec_from_file_location("docs_generate", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    stale = "\n".join(script.differences())
    assert not stale, f"run `python docs/generate.py`:\n{stale}"
