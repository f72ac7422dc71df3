"""Draws cells in the terminal, below each other, as a shell does."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from collections.abc import Callable

from prompt_toolkit.formatted_text import FormattedText, PygmentsTokens
from prompt_toolkit.output import ColorDepth
from prompt_toolkit.shortcuts import print_formatted_text
from prompt_toolkit.styles import BaseStyle
from prompt_toolkit.utils import get_cwidth

from engine.cells import InputRequest
from tui.repl.ansi import RESET, without_colours
from tui.repl.console import Kind
from tui.repl.summary import Summary
from tui.repl.terminal.looks import KINDS, QUIET, STDERR, TONES

_ERASE_LINE = "\r\x1b[K"
_MAX_HIGHLIGHTED = 20_000
"""Characters of the longest value that is highlighted; Pygments takes its time."""
_TAB = 8


class TerminalView:
    """Writes to stdout. Belongs to the main thread."""

    def __init__(
        self, style: BaseStyle, ask: Callable[[str, bool], str | None], *, colours: bool, depth: ColorDepth | None
    ) -> None:
        """Args: ask: shows a prompt and reads a line, hidden if the second argument is true."""
        self._style = style
        self._ask = ask
        self._colours = colours
        self._depth = depth
        self._row = ""
        """What stands on the cursor's row, which is the last one of a line that is wider than the screen."""
        self.prefilled = ""

    def write(self, kind: Kind, text: str) -> None:
        """Show a piece of output, or whole lines."""
        if kind in (Kind.OUT, Kind.ERR):
            self._output(text, STDERR if kind is Kind.ERR and self._colours else "")
        elif kind is Kind.VALUE and len(text) <= _MAX_HIGHLIGHTED:
            from pygments.lexers.python import PythonLexer

            self._print(PygmentsTokens(list(PythonLexer(stripnl=False, ensurenl=False).get_tokens(text))))
        else:
            self._print(FormattedText([(KINDS[kind], text)]))

    def summary(self, summary: Summary) -> None:
        """Show the line that closes a cell."""
        how = f"{summary.glyph} {summary.word}"
        detail = summary.within(shutil.get_terminal_size().columns - len(how) - 2)
        self._print(FormattedText([(TONES[summary.tone], how), (QUIET, f"  {detail}")]))

    def ask(self, request: InputRequest) -> str | None:
        """Ask at the prompt, which begins with what the cell has written on the row."""
        prompt = self._row + request.prompt
        if self._row:
            sys.stdout.write(_ERASE_LINE)
            self._row = ""
        sys.stdout.flush()
        return self._ask(prompt, request.secret)

    def prefill(self, text: str) -> None:
        """Have the next input begin with a text."""
        self.prefilled = text

    def fresh_line(self) -> None:
        """Go to the beginning of a line, if the cursor is not there."""
        if self._row:
            sys.stdout.write("\n")
            self._row = ""
        sys.stdout.flush()

    def _output(self, text: str, base: str) -> None:
        shown = text.replace("\r", _ERASE_LINE)
        if base:
            shown = base + shown.replace(RESET, RESET + base).replace("\x1b[m", RESET + base) + RESET
        sys.stdout.write(shown)
        sys.stdout.flush()
        line = without_colours(self._row + text).rpartition("\n")[2].rpartition("\r")[2]
        self._row = _last_row(line, _columns())

    def _print(self, text: FormattedText | PygmentsTokens) -> None:
        self.fresh_line()
        print_formatted_text(text, style=self._style, color_depth=self._depth, include_default_pygments_style=False)


def _columns() -> int:
    """The terminal's own word, as prompt-toolkit takes it: `$COLUMNS` may be of another window."""
    with contextlib.suppress(OSError, ValueError):
        return os.get_terminal_size(sys.stdout.fileno()).columns or 80
    return 80


def _last_row(line: str, columns: int) -> str:
    """What of a line a terminal of so many columns shows in the last of its rows."""
    if line.isascii() and line.isprintable():  # as a rule, and output may come in floods
        return line[(len(line) - 1) // columns * columns :] if line else ""
    row: list[str] = []
    used = 0
    for each in line:
        if each == "\t":
            step = min(_TAB - used % _TAB, max(columns - 1 - used, 0))  # a tab does not wrap
            row.append(" " * step)
            used += step
            continue
        width = get_cwidth(each)
        if used + width > columns:
            row, used = [], 0
        row.append(each)
        used += width
    return "".join(row)
