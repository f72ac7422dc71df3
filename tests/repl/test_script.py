"""A script's lines put together to statements, without parsing them again and again."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.repl.fakes import Bench
from tui.repl import source
from tui.repl.script import Script
from tui.repl.source import Verdict


def _taken(bench: Bench, text: str) -> list[str]:
    script = Script(bench.shell.judge)
    taken = [each for line in text.split("\n") for each in script.feed(line)]
    return taken + script.close()


@pytest.mark.parametrize(
    "statement",
    [
        "if(x==1):\n    y\nelif(x==2):\n    z\nelse :\n    w",
        "try:\n    a\nexcept(ValueError):\n    b\nfinally :\n    c",
        "try:\n    a\nexcept* ValueError:\n    b",
        "try:\n    a\nexcept\\\n  ValueError:\n    b\nelse\\\n:\n    c",
        "def f(n):\n    a\n\n# why\n    return 1",
        "@d\n@e(\n  1)\ndef f():\n    a",
        "x = '''\ndef f():\nelse:\n  '''",
        "x = [\n1,\n\n# (\n')',\n]",
        "x = 1 + \\\n2",
        "x = 'a\\\nb(' + r'\\'",
        "if x: y\nelse: z",
        'x = """Who?\n"""',
        "match x:\n    case 1:\n        y",
        "%time for x in y:\n    z",
        "async def f():\n    await x",
    ],
)
def test_a_statement_is_taken_whole_and_the_next_begins(bench: Bench, statement: str) -> None:
    assert [each.strip() for each in _taken(bench, f"{statement}\nlast")] == [statement, "last"]


@pytest.mark.parametrize("line", [":", ")", "len?", "?len", "%put it's", "%put (a", "x = '(", "exit()", "a b"])
def test_a_line_that_is_no_more_than_itself(bench: Bench, line: str) -> None:
    assert _taken(bench, f"{line}\nlast") == [line, "last"]
    assert [each.strip() for each in _taken(bench, f"if x:\n    y\n{line}\nlast")] == ["if x:\n    y", line, "last"]


def test_a_byte_order_mark_is_no_part_of_the_first_line(bench: Bench) -> None:
    assert _taken(bench, "\ufeffx = 1\ny") == ["x = 1", "y"]


def test_quotes_within_the_braces_of_a_newer_f_string(bench: Bench) -> None:
    script = Script(lambda _text: Verdict(source.Completeness.COMPLETE))
    assert script.feed('''f"{d["("]}"''') == ['''f"{d["("]}"''']


def test_a_bracket_that_is_never_closed_does_not_keep_all_that_follows(bench: Bench) -> None:
    taken = _taken(bench, "f(\n" + "import x\n" * 20 + "last")
    assert len(taken) > 10
    assert taken[-1] == "last"


@pytest.mark.parametrize(
    ("head", "line", "tail"),
    [
        ("x = [", "    (1, 'two'),", "]"),
        ("x = '''", "text (", "'''"),
        ("def f():", "    x = [1]", "    return x"),
        ("class A:", "    # why", "    x = 1"),
        ("if x:\n    y", "elif x: y", "else: z"),
        ("# why", "# so", "# there"),
        ("@d", "@e", "def f(): pass"),
    ],
)
def test_a_long_statement_is_not_parsed_again_for_each_line(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, head: str, line: str, tail: str
) -> None:
    parsed = 0

    def count(text: str) -> ast.Module | None:
        nonlocal parsed
        parsed += len(text)
        return parse(text)

    parse = source._parse
    monkeypatch.setattr(source, "_parse", count)
    text = "\n".join([head, *[line] * 2000, tail])
    if not line.startswith("elif"):  # each is another level of the tree, and too many for Python
        assert len(_taken(bench, f"{text}\nlast")) == 2
    else:
        _taken(bench, f"{text}\nlast")
    assert parsed < 10 * len(text)


LINES = ["if x:", "  y", "else:", "", "#", "(", ")", "'''", "@d", "\\", ":", "x?", "%time (", "z"]


@given(st.lists(st.sampled_from(LINES)))
def test_nothing_is_lost_whatever_comes(lines: list[str]) -> None:
    taken = "\n".join(_taken(Bench(), "\n".join(lines))).split("\n")
    assert [line for line in taken if line] == [line for line in lines if line]
