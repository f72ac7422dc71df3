"""When an input is complete, where it is wrong, and how the next line begins."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.repl.source import Completeness, begins_anew, indent_after, judge, may_go_on


@pytest.mark.parametrize(
    "text",
    [
        "x",
        "",
        "# only this",
        "x = 1; y",
        "for i in x: y",
        "f(\n  a)",
        "await f()",
        "lambda: 3",
        "if x:\n  y\nelse: z",
        "def f():\n    a\n    ",
        "async with a:\n    b\n",
        "'''a\nb'''",
        "x = [\n    1,\n]",
        "class A: pass",
    ],
)
def test_complete(text: str) -> None:
    assert judge(text).completeness is Completeness.COMPLETE


@pytest.mark.parametrize(
    "text",
    [
        "def f():",
        "def f():\n    a",
        "f(\n  a",
        "'''a",
        "@d",
        "a\\",
        "try:\n    a\n",
        "if x:\n  y\nelse:",
        "class A:\n  def f(self):\n    return 1",
        "with a:\n  b(\n  1)",
        "match x:\n  case 1:\n    y",
        "while x:\n  try: a\n  except B: c",
        "{",
    ],
)
def test_more_must_or_may_follow(text: str) -> None:
    assert judge(text).completeness is Completeness.INCOMPLETE


@pytest.mark.parametrize(
    ("text", "position", "message"),
    [
        ("x = = 1", 4, "invalid syntax"),
        ("x)", 1, "unmatched ')'"),
        ("'abc", 0, "unterminated string literal"),
        ("a = 1\nreturn a", 6, "'return' outside function"),
        ("é = = 1", 4, "invalid syntax"),
        ("f(a b)", 2, "Perhaps you forgot a comma"),
    ],
)
def test_a_mistake_has_a_place(text: str, position: int, message: str) -> None:
    verdict = judge(text)
    assert (verdict.completeness, verdict.position) == (Completeness.INVALID, position)
    assert message in verdict.message


@given(st.text("adefi:() \n\t'\"#=\\\x00é[1.", max_size=30))
def test_anything_can_be_judged_and_indented(text: str) -> None:
    assert 0 <= judge(text).position <= len(text)
    assert not indent_after(text).strip(" \t")


@pytest.mark.parametrize(
    ("text", "indent"),
    [
        ("def f():", 4),
        ("def f():\n    if x:  # why", 8),
        ("def f():\n    return 1", 0),
        ("for x in y:\n    for z in x:\n        break", 4),
        ("x = [", 4),
        ("x = [\n    1,", 4),
        ("def f(a,\n        b):", 4),
        ("    z = g(\n        a\n    )", 4),
        ("x = '''if y:", 0),
        ("    y = 3", 4),
        ("f(a,", 2),
        ("f(a,\n  b,", 2),
    ],
)
def test_indentation_follows_the_code(text: str, indent: int) -> None:
    assert indent_after(text) == " " * indent


@pytest.mark.parametrize(
    ("text", "may"),
    [
        ("x = [\n  1]", False),
        ("if x: y", True),
        ("match x:\n  case _: y", True),
        ("# why", True),
        ("f = lambda: 0", False),
    ],
)
def test_what_may_go_on(text: str, may: bool) -> None:
    assert may_go_on(text) is may


@pytest.mark.parametrize(
    ("line", "begins"),
    [("x = 1", True), ("    x", False), ("", False), ("else:", False), ("except E:", False), ("elsewhere", True)],
)
def test_what_begins_a_statement(line: str, begins: bool) -> None:
    assert begins_anew(line) is begins
