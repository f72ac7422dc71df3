"""What a person's text is as Python: complete or not, where it is wrong, how it goes on.

All of it is judged on the person's side, before anything is sent. The container's Python may
be newer than this one, so a verdict of `INVALID` can be overruled by the person.
"""

from __future__ import annotations

import ast
import codeop
import io
import re
import token
import tokenize
import warnings
from dataclasses import dataclass
from enum import StrEnum

INDENT = "    "

_WORD = re.compile(r"\w+")
_LEAVES_BLOCK = frozenset(["return", "raise", "break", "continue", "pass"])
_CONTINUES_BLOCK = frozenset(["else", "elif", "except", "finally"])
_SUITES = ("body", "handlers", "orelse", "finalbody", "cases")
"""Where a statement holds others, in the order in which they stand."""
_OPENING, _CLOSING = frozenset("([{"), frozenset(")]}")


class Completeness(StrEnum):
    """Whether a text can be run as it is."""

    COMPLETE = "complete"
    INCOMPLETE = "incomplete"
    """More must, or in an indented block may, follow."""
    INVALID = "invalid"
    """Nothing that follows would mend it."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is to be said of a text."""

    completeness: Completeness
    message: str = ""
    """What is wrong, if it is invalid."""
    position: int = 0
    """Index in the text where it is wrong."""


def judge(text: str) -> Verdict:
    """Say whether a text is complete, and if it is invalid, where and why.

    A text whose last line is in an indented block is complete once a blank line follows it.
    """
    try:
        tree = _parse(text)
    except SyntaxError as error:
        return Verdict(Completeness.INVALID, error.msg or "invalid syntax", _index(text, error))
    except (ValueError, OverflowError, MemoryError, RecursionError) as error:
        return Verdict(Completeness.INVALID, str(error) or "too deeply nested", 0)
    if tree is None:
        return Verdict(Completeness.INCOMPLETE)
    ends_blank = "\n" in text and not text.rpartition("\n")[2].strip()
    if not ends_blank and _ends_in_block(tree, text):
        return Verdict(Completeness.INCOMPLETE)
    return Verdict(Completeness.COMPLETE)


def _parse(text: str) -> ast.Module | None:
    """The text's tree, or None if more must follow."""
    compiler = codeop.CommandCompiler()
    compiler.compiler.flags |= ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)
        # All the way to code: a `return` outside a function is found only there.
        if compiler(text, "<cell>", "exec") is None:
            return None
        return ast.parse(text)


def _ends_in_block(tree: ast.Module, text: str) -> bool:
    """Whether the last line belongs to an indented block, in which more may follow."""
    lines = text.split("\n")
    node: ast.AST = tree
    while suites := [suite for name in _SUITES if (suite := _suite(node, name))]:
        node = suites[-1][-1]
        if (
            isinstance(node, ast.stmt)
            and node.col_offset
            and not lines[node.lineno - 1].encode()[: node.col_offset].strip()
        ):
            return True
    return False


def _suite(node: ast.AST, name: str) -> list[ast.AST]:
    suite = getattr(node, name, None)
    return suite if isinstance(suite, list) else []  # a lambda's body is an expression


def _index(text: str, error: SyntaxError) -> int:
    """The index of an error's line and column in the text, within it."""
    lines = text.split("\n")
    row = min(max((error.lineno or 1) - 1, 0), len(lines) - 1)
    column = min(max((error.offset or 1) - 1, 0), len(lines[row]))
    return sum(len(line) + 1 for line in lines[:row]) + column


def indent_after(text: str) -> str:
    """Return the white space that the line after `text` begins with."""
    last = text.rpartition("\n")[2]
    indent = last[: len(last) - len(last.lstrip())]
    tokens = _significant_tokens(text)
    if not tokens:
        return indent
    opened: list[tuple[int, int]] = []
    for each in tokens:
        if each.type == token.OP and each.string in _OPENING:
            opened.append(each.start)
        elif each.type == token.OP and each.string in _CLOSING and opened:
            opened.pop()
    final = tokens[-1]
    if final.type == token.OP and final.string in _OPENING:
        return indent + INDENT
    if opened:
        row, column = opened[-1]
        return " " * (column + 1) if row == text.count("\n") + 1 else indent
    if final.type == token.OP and final.string == ":":
        return _statement_indent(text, tokens) + INDENT
    first = next(each for each in tokens if each.start[0] == final.start[0])
    if first.string in _LEAVES_BLOCK and indent.endswith(INDENT):
        return indent.removesuffix(INDENT)
    return _statement_indent(text, tokens) if final.string in _CLOSING else indent


def _statement_indent(text: str, tokens: list[tokenize.TokenInfo]) -> str:
    """The indent of the line on which the last statement began, past its brackets' lines."""
    depth, row = 0, tokens[-1].start[0]
    for each in reversed(tokens):
        if each.start[0] < row and depth == 0:
            break
        if each.type == token.OP:
            depth += (each.string in _CLOSING) - (each.string in _OPENING)
        row = min(row, each.start[0])
    line = text.split("\n")[row - 1]
    return line[: len(line) - len(line.lstrip())]


def _significant_tokens(text: str) -> list[tokenize.TokenInfo]:
    """The tokens as far as they can be told, without comments and layout; none within a string."""
    tokens: list[tokenize.TokenInfo] = []
    layout = (token.NEWLINE, token.INDENT, token.DEDENT, token.ENDMARKER, tokenize.NL, tokenize.COMMENT)
    try:
        for each in tokenize.generate_tokens(io.StringIO(text).readline):
            if each.type not in layout:
                tokens.append(each)  # noqa: PERF401 - what came before an error is wanted
    except tokenize.TokenError as error:
        if "string" in str(error.args[0]):
            return []
    except (SyntaxError, IndentationError):
        return []
    return tokens


def may_go_on(text: str) -> bool:
    """Whether a later line may belong to a complete text's last statement: an `else`, more of a block."""
    try:
        body = ast.parse(text).body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return False  # `name?`, and whatever else is no Python
    return not body or bool(_suite(body[-1], "body") or _suite(body[-1], "cases"))


def begins_anew(line: str) -> bool:
    """Whether a line that follows a whole statement begins another one."""
    if not line.strip() or line[0] in " \t#":
        return False
    word = _WORD.match(line)
    return word is None or word[0] not in _CONTINUES_BLOCK


def is_expression(text: str) -> bool:
    """Whether a text is a whole expression."""
    try:
        ast.parse(text, mode="eval")
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return False
    return True
