"""Every way to fail that a person can be shown has a text in both languages."""

import ast
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from common.http.texts import TEXTS
from platforms.errors import PlatformError
from platforms.reasons import Reason
from publisher.app import record
from publisher.domain.publication import Publication
from publisher.domain.states import Status
from publisher.http.present import publication_out

from .lab import Lab

pytestmark = pytest.mark.anyio
APP = Path(record.__file__).parent
WRITES = {"failed", "_fail", "_give_up"}
"""The calls that write an error's code and reason."""
RUSSIAN, ENGLISH = re.compile("[а-яё]{3}"), re.compile("[a-z]{3}")


def written() -> set[str]:
    """The words that the use cases write as code or reason."""
    found = set()
    for file in APP.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and _name(node.func) in WRITES:
                found |= set(_words(node))
    return found


def _name(called: ast.expr) -> str:
    return called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")


def _words(call: ast.Call) -> Iterator[str]:
    named = [one.value for one in call.keywords if one.arg in {"code", "reason"}]
    for value in (*call.args, *named):
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            yield value.value


def refusals(kind: type[PlatformError] = PlatformError) -> Iterator[type[PlatformError]]:
    """Every class of refusal."""
    yield kind
    for one in kind.__subclasses__():
        yield from refusals(one)


async def test_whatever_is_written_as_an_error_is_shown_in_both_languages(lab: Lab) -> None:
    row = replace(await lab.request(), status=Status.FAILED)
    words = written()
    assert {"retries_exhausted", "media_changed", "connection_expired"} <= words
    codes = {kind.code for kind in refusals()} | {one for one in words if one in TEXTS}
    reasons = {reason.value for reason in Reason} | words
    assert words <= TEXTS.keys() | {reason.value for reason in Reason}
    for code in codes:
        for reason in reasons:
            _shown(replace(row, error_code=code, error_reason=reason))


def _shown(row: Publication) -> None:
    russian, english = (publication_out(row, lang).error for lang in ("ru", "en"))
    assert russian is not None
    assert english is not None
    assert RUSSIAN.search(russian.detail), row.error_reason
    assert ENGLISH.search(english.detail), row.error_reason
    assert not RUSSIAN.search(english.detail), row.error_reason
