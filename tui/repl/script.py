"""A script's lines put together to what can be entered: statement by statement, as they come.

Python is asked only where a statement can end. To parse all there is so far for each line that
comes takes minutes for a long list or function.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from tui.repl.commands import code_of, is_command
from tui.repl.source import Completeness, Verdict, begins_anew, may_go_on

_BOM = "\ufeff"
_OPENING = frozenset("([{")
_IN_CODE = re.compile(r"\\$|\"{3}|'{3}|[\"'#()\[\]{}]")
_IN_STRING = {mark: re.compile(rf"\\(?:.|$)|{mark}") for mark in ("'", '"', "'''", '"""')}


class Nesting:
    """Whether a statement's lines so far leave a bracket, a string or a line open.

    Only a first look, which an f-string of a newer Python may mislead: quotes within its braces.
    """

    def __init__(self) -> None:
        self._depth = 0
        self._string = ""
        self._goes_on = False

    @property
    def open(self) -> bool:
        """Whether the next line belongs to the last one."""
        return self._depth > 0 or self._string != "" or self._goes_on

    def feed(self, line: str) -> None:
        """Take the next line."""
        self._goes_on = False
        at = 0
        while at < len(line):
            at = self._within(line, at) if self._string else self._outside(line, at)
        if len(self._string) == 1 and not self._goes_on:
            self._string = ""  # a mistake, which is not for the next line to end

    def _within(self, line: str, at: int) -> int:
        found = _IN_STRING[self._string].search(line, at)
        if found is None:
            return len(line)
        if found[0] == self._string:
            self._string = ""
        self._goes_on = found[0] == "\\"
        return found.end()

    def _outside(self, line: str, at: int) -> int:
        found = _IN_CODE.search(line, at)
        if found is None or found[0] == "#":
            return len(line)
        mark = found[0]
        if mark in _IN_STRING:
            self._string = mark
        elif mark == "\\":
            self._goes_on = True
        else:
            self._depth = max(0, self._depth + (1 if mark in _OPENING else -1))
        return found.end()


class Script:
    """Takes lines, and gives back what is whole."""

    def __init__(self, judge: Callable[[str], Verdict]) -> None:
        """Args: judge: says whether an input can be entered as it is."""
        self._judge = judge
        self._begun = False
        self._begin()

    def _begin(self) -> None:
        self._lines: list[str] = []
        self._nesting = Nesting()
        self._in_block = False
        """Whether lines may follow up to one that begins a statement."""
        self._decorated = False
        self._look_again = 1
        """At how many lines Python is asked although something seems open: each time at twice as many."""

    def feed(self, line: str) -> list[str]:
        """Take the next line; return what can be entered now."""
        if not self._begun:
            self._begun, line = True, line.removeprefix(_BOM)
        whole = []
        starts = not self._nesting.open
        if starts and self._lines and begins_anew(line) and self._is_whole():
            whole.append(self._taken())
        if not self._lines and not line.strip():
            return whole
        if starts:
            self._decorated = line.startswith("@")
        self._lines.append(line)
        if self._ends(line):
            whole.append(self._taken())
        return whole

    def close(self) -> list[str]:
        """Return what is left at the end."""
        return [self._taken()] if self._lines else []

    def _taken(self) -> str:
        text = "\n".join(self._lines)
        self._begin()
        return text

    def _is_whole(self) -> bool:
        if self._decorated:
            return False
        return self._judge("\n".join([*self._lines, ""])).completeness is not Completeness.INCOMPLETE

    def _ends(self, line: str) -> bool:
        if len(self._lines) == 1 and is_command(line) and code_of(line) is None:
            return True
        self._nesting.feed(line)
        if self._nesting.open:
            if len(self._lines) < self._look_again:
                return False
            self._look_again = 2 * len(self._lines)
            return self._judge("\n".join(self._lines)).completeness is not Completeness.INCOMPLETE
        if not self._in_block:
            self._in_block = line.lstrip().startswith("#") or not self._is_closed("\n".join(self._lines))
        return not self._in_block

    def _is_closed(self, text: str) -> bool:
        """Whether no later line can belong to a text."""
        completeness = self._judge(text).completeness
        if completeness is Completeness.COMPLETE:
            return is_command(text) or not may_go_on(text)
        # A mistake is the interpreter's to tell, with a traceback, as for a script.
        return completeness is Completeness.INVALID
