"""What strangers write is shown, never obeyed."""

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.table import Table

from cli.output import row, table
from cli.safe import document, safe
from support.command import clipcast

HOSTILE = "\x1b[2J\x1b]0;owned\x07 [red]title[/red] \x9b31m \u202egnp.exe\u2066\r\nline"


def test_signs_that_drive_a_terminal_are_spelled_out() -> None:
    told = safe(HOSTILE)
    assert told.isprintable()
    assert told.startswith(r"\x1b[2J\x1b]0;owned\x07 [red]title[/red] \x9b31m \u202egnp")


@pytest.mark.parametrize("text", ["Ёжик 🦔", "семья 👨‍👩‍👧", "naïve – “quotes”", "é"])
def test_honest_texts_stay_as_they_are(text: str) -> None:
    assert safe(text) == text


@given(st.text(st.characters(), max_size=30))
def test_a_document_says_the_same_and_holds_nothing_unsafe(text: str) -> None:
    told = document({"title": text})
    assert json.loads(told) == {"title": text}
    unsafe = {unicodedata.category(sign) for sign in told if sign != "\u200d"}
    assert not unsafe & {"Cc", "Cf", "Cs", "Zl", "Zp"}


def test_markup_in_a_cell_is_text() -> None:
    grid: Table = table("title")
    row(grid, "[red]title[/red]")
    assert [str(cell) for cell in grid.columns[0].cells] == ["[red]title[/red]"]


def test_what_was_typed_wrong_does_not_drive_the_terminal_either() -> None:
    done = clipcast("show", HOSTILE.replace("\x00", ""))
    assert done.code == 2
    assert "\x1b" not in done.err
    assert r"\x1b[2J" in done.err
