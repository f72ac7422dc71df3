"""What reaches a terminal: never anything that acts, whatever a program writes and however it is cut."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.repl.ansi import AnsiFilter, OutputFilter, one_line, safe_text, settled, without_colours

_HARMLESS = re.compile(
    "(?:[^\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]|\r(?![\r\n])|\x1b\\[[0-9;:]{0,64}m)*"
)

_PIECES = st.one_of(
    st.sampled_from(
        [
            "\x1b",
            "[",
            "]",
            "m",
            "\x9b",
            "\x9d",
            "\x90",
            "\x07",
            "\x1b\\",
            "\x9c",
            "0;31",
            "?25h",
            ">4;2m",
            "(",
            "B",
            "\x18",
            "\x1a",
            "\r",
            "\n",
            "\r\n",
            "\b",
            "\x7f",
            "2J",
            "H",
            "6n",
            "P",
            "_",
            "^",
            "X",
            "c",
            " q",
            "\x00",
            "\x1b[31m",
            "\x1b[0m",
            "\x1b[38;5;208m",
            "\x1b[4:3m",
            "52;c;aGk=",
            "text",
            "é",
            "\ud800",
            "\u202e",
            "9" * 100,
        ]
    ),
    st.text(max_size=5),
)
_TEXTS = st.lists(_PIECES, max_size=30).map("".join)


@given(_TEXTS, st.data())
def test_no_dangerous_character_comes_out_however_it_is_cut(text: str, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8)))
    each = AnsiFilter()
    pieces = [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    out = [each.feed(piece) for piece in pieces] + [each.close()]
    assert all(_HARMLESS.fullmatch(piece) for piece in out), "each piece is whole in itself"
    whole = AnsiFilter()
    assert "".join(out) == whole.feed(text) + whole.close(), "where it is cut makes no difference"


@given(_TEXTS)
def test_without_colours_no_sequence_comes_out(text: str) -> None:
    assert "\x1b" not in safe_text(text)
    assert without_colours(safe_text(text, colours=True)) == safe_text(text)


@given(st.binary(max_size=200), st.integers(0, 200))
def test_bytes_are_text_however_they_are_cut(data: bytes, cut: int) -> None:
    each = OutputFilter()
    out = each.feed(data[:cut]) + each.feed(data[cut:]) + each.close()
    assert _HARMLESS.fullmatch(out)


@given(st.text(st.characters(blacklist_categories=["Cc", "Cs"], whitelist_characters="\n\t")))
def test_text_comes_out_as_it_went_in(text: str) -> None:
    assert safe_text(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\x1b]0;title\x07b", "ab"),
        ("a\x1b]52;c;aGk=\x1b\\b", "ab"),
        ("a\x1bP1;2q sixel\x9cb", "ab"),
        ("a\x1b[2J\x1b[H\x1b[10;10Hb", "ab"),
        ("a\x1b[?1049hb\x1b[?25lc", "abc"),
        ("a\x1b[6nb\x1b[cc", "abc"),
        ("a\x9b31mb\x9d0;t\x9cc", "a\x1b[31mbc\x1b[0m"),
        ("a\x1b[>4;2mb", "ab"),
        ("\x1b[1;38;2;1;2;3mx\x1b[0m", "\x1b[1;38;2;1;2;3mx\x1b[0m"),
        ("\x1b[31mred", "\x1b[31mred\x1b[0m"),
        ("\x1b[38;5;0mblack", "\x1b[38;5;0mblack\x1b[0m"),
        ("a\x1b(Bb\x1bcc\x1b7d", "abcd"),
        ("a\b\b\x00\x7fb\x85c", "abc"),
        ("a\x1b]never ended\nb", "a\nb"),
        ("a\x1b[31\nb", "a\nb"),
        ("10%\r20%\r\n", "10%\r20%\n"),
        ("a\r\r\nb", "a\nb"),
        ("done\r", "done"),
    ],
)
def test_sequences_one_by_one(text: str, shown: str) -> None:
    assert safe_text(text, colours=True) == shown


def test_memory_is_bounded() -> None:
    each = AnsiFilter()
    for opening in ("\x1b]", "\x1b[", "\x1bP"):
        assert each.feed(opening) == ""
        for _ in range(100):
            assert each.feed("9" * 10_000) == ""
        assert len(each._parameters) < 100
        each.feed("\x18")
        assert each.feed("x") == "x"


def test_a_carriage_return_begins_the_line_anew() -> None:
    assert settled("10%\r20%\nend") == "20%\nend"


def test_what_turns_the_direction_of_text_is_seen() -> None:
    assert safe_text("a\u202eb\u2066c \u05d0") == "a\\u202eb\\u2066c \u05d0"


def test_a_name_is_one_line_whatever_is_in_it() -> None:
    assert one_line("my é plot.png") == "my é plot.png"
    assert one_line("a\nb\t\x1b[2J\u2028\u202e\udc80") == "a\\nb\\t\\x1b[2J\\u2028\\u202e\\udc80"
