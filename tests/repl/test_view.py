"""What a view keeps of the screen, to draw over it."""

from __future__ import annotations

import pytest

from tui.repl.terminal.view import _last_row


@pytest.mark.parametrize(
    ("line", "row"),
    [
        ("", ""),
        ("abc", "abc"),
        ("x" * 10, "x" * 10),
        ("x" * 11, "x"),
        ("x" * 25, "x" * 5),
        ("\u6f22" * 5, "\u6f22" * 5),
        ("x" + "\u6f22" * 5, "\u6f22"),
        ("e\u0301" * 11, "e\u0301"),
        ("a\tb", "a       b"),
        ("a\t\tbc", "c"),
    ],
)
def test_last_row_of_a_wide_line(line: str, row: str) -> None:
    assert _last_row(line, 10) == row
