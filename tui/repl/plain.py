"""The REPL without drawing: piped input, and terminals that know no control sequences.

Piped input is taken statement by statement, as `python -i` takes it, with nothing written but
what the statements write: a prompt, a summary or a colour would be noise. A block goes on
over blank lines up to the next line that begins a statement, so that a script is taken as it is.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Callable, Iterator
from typing import Any

from engine.cells import InputRequest, Mode
from tui.repl.console import Kind
from tui.repl.history import HistoryStore
from tui.repl.script import Script
from tui.repl.shell import Shell
from tui.repl.signals import endings, interrupts, undisturbed
from tui.repl.source import Completeness
from tui.repl.startup import LateSession, PoolStartup
from tui.repl.summary import Summary

_FAILED = 1
_ASIDE = frozenset([Kind.ERR, Kind.NOTE, Kind.WARNING, Kind.ERROR, Kind.HINT])
"""What goes to stderr."""


class PlainView:
    """Writes text to stdout, and what is not the program's to stderr."""

    def __init__(self, read_line: Callable[[], str | None], *, interactive: bool) -> None:
        """Args: interactive: whether a person sits there, to be told more."""
        self._read_line = read_line
        self._interactive = interactive
        self.prefilled = ""

    def write(self, kind: Kind, text: str) -> None:
        """Write a piece of output, or whole lines."""
        if kind is Kind.NOTE and not self._interactive:
            return
        stream = sys.stderr if kind in _ASIDE else sys.stdout
        prefix = {Kind.WARNING: "pooldeck: ", Kind.ERROR: "pooldeck: ", Kind.HINT: "  hint: "}.get(kind, "")
        stream.write(text if kind in (Kind.OUT, Kind.ERR) else f"{prefix}{text}\n")
        stream.flush()

    def summary(self, summary: Summary) -> None:
        """Write the line that closes a cell."""
        self.write(Kind.NOTE, f"# {summary.line}")

    def ask(self, request: InputRequest) -> str | None:
        """Take the next line of the input, as `python -i` does."""
        if self._interactive and request.secret:
            import getpass

            with contextlib.suppress(EOFError):
                return getpass.getpass(request.prompt)
            return None
        sys.stdout.write(request.prompt)
        sys.stdout.flush()
        return self._read_line()

    def prefill(self, text: str) -> None:
        """Show a text that there is no way to put into the input."""
        self.write(Kind.TEXT, text)


class PlainRepl:
    """One REPL on plain streams."""

    def __init__(self, settings: dict[str, Any], mode: Mode) -> None:
        """Args: settings: as for `engine.config.load_config`."""
        self._interactive = sys.stdin.isatty()
        self._view = PlainView(self._read_line, interactive=self._interactive)
        self._startup = PoolStartup(settings, on_change=lambda: None, on_notice=self._notice)
        self._shell = Shell(
            LateSession(self._startup, mode),
            self._view,
            history=HistoryStore(None),
            pool=self._startup.snapshot,
            waiting_for=self._startup.waiting_for,
            colours=not os.environ.get("NO_COLOR") and not self._interactive,
            attended=self._interactive,
        )

    def run(self) -> int:
        """Go on to the end of the input; return the status to exit with: 1 if something failed.

        Raises:
            PooldeckError: if there can be no pool.
        """
        try:
            with endings(lambda _error: False):
                self._startup.start()
                for text in self._inputs():
                    if not self._enter(text):
                        break
        finally:
            with undisturbed():
                self._startup.close()
        return _FAILED if self._shell.failures and not self._interactive else 0

    def _enter(self, text: str) -> bool:
        try:
            with interrupts(self._shell.session):
                stay = self._shell.enter(text)
        except KeyboardInterrupt:
            if not self._interactive:
                raise
            self._view.write(Kind.WARNING, "interrupted")
            return True
        if self._startup.error is not None:
            raise self._startup.error
        return stay

    def _inputs(self) -> Iterator[str]:
        """Yield what is to be entered, one by one, as soon as it is whole."""
        return self._typed() if self._interactive else self._piped()

    def _piped(self) -> Iterator[str]:
        script = Script(self._shell.judge)
        while (line := self._read_line()) is not None:
            yield from script.feed(line)
        yield from script.close()

    def _typed(self) -> Iterator[str]:
        text = ""
        while True:
            try:
                line = self._line(text)
            except KeyboardInterrupt:
                sys.stdout.write("\n")
                text = ""
                continue
            if line is None:
                break
            text = f"{text}\n{line}" if text else line
            # A mistake is the interpreter's to tell, with a traceback, as for a script.
            if self._shell.judge(text).completeness is not Completeness.INCOMPLETE:
                yield text
                text = ""
        if text.strip():
            yield text

    def _line(self, text: str) -> str | None:
        prompt = self._shell.prompt
        sys.stdout.write("... ".rjust(len(prompt)) if text else prompt)
        sys.stdout.flush()
        return self._read_line()

    def _read_line(self) -> str | None:
        with _default_interrupt():
            line = sys.stdin.readline()
        return line.rstrip("\n") if line else None

    # From the pool's threads.

    def _notice(self, text: str) -> None:
        self._view.write(Kind.WARNING, text)


@contextlib.contextmanager
def _default_interrupt() -> Iterator[None]:
    """Have Ctrl+C end the reading of a line."""
    previous = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)
