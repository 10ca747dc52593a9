"""The flame graph keeps what can be read."""

from bench.flame import TITLE, lean

FRAME = (
    '<g><title>{0} (a.py:1)</title><rect x="1%" y="2" width="{1}%" height="15"/>'
    '<text x="1%" y="2">{0}</text></g>'
)
HEAD = '<svg><text id="title" x="5">{0}</text>'
WIDE = FRAME.format("wide", 12.5)


def test_frames_that_can_not_be_read_are_left_out_and_so_are_folders() -> None:
    svg = HEAD.format("/home/anna/py-spy record") + WIDE + FRAME.format("thin", 0.21) + "</svg>"
    assert lean(svg) == HEAD.format(TITLE) + WIDE + "</svg>"
