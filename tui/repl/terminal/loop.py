"""The REPL in a terminal: read, run, print, until the person leaves."""

from __future__ import annotations

import contextlib
import os
from collections import deque
from typing import Any

from prompt_toolkit.application import run_in_terminal
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.output import ColorDepth

from engine.cells import Mode
from tui.repl.console import Kind
from tui.repl.history import HistoryStore, default_path
from tui.repl.shell import Shell
from tui.repl.signals import endings, interrupts, typing_ahead, undisturbed
from tui.repl.startup import LateSession, PoolStartup
from tui.repl.terminal.looks import style
from tui.repl.terminal.prompt import AnswerPrompt, CellPrompt
from tui.repl.terminal.toolbar import toolbar
from tui.repl.terminal.view import TerminalView


class TerminalRepl:
    """One REPL in a terminal. Belongs to the main thread but for what the pool's threads tell it."""

    def __init__(self, settings: dict[str, Any], mode: Mode) -> None:
        """Args: settings: as for `engine.config.load_config`."""
        colours = not os.environ.get("NO_COLOR")
        depth = None if colours else ColorDepth.DEPTH_1_BIT
        looks = style()
        self._startup = PoolStartup(settings, on_change=self._changed, on_notice=self._notice)
        self._notices: deque[str] = deque()
        self._answers = AnswerPrompt(looks, depth)
        self._view = TerminalView(looks, self._answers.read, colours=colours, depth=depth)
        self._shell = Shell(
            LateSession(self._startup, mode),
            self._view,
            history=HistoryStore(default_path()),
            pool=self._startup.snapshot,
            waiting_for=self._startup.waiting_for,
            colours=colours,
        )
        self._prompt = CellPrompt(self._shell, self._toolbar, looks, depth)
        self._prompt.app.after_render += self._begin
        self._begun = False

    def run(self) -> int:
        """Go on until the person leaves; return the status to exit with.

        Raises:
            PooldeckError: if there can be no pool.
        """
        try:
            with endings(self._stop), typing_ahead():
                self._loop()
        finally:
            with undisturbed():
                with contextlib.suppress(OSError):  # the terminal may have gone
                    self._view.fresh_line()
                self._startup.close()
        return 0

    def _loop(self) -> None:
        while True:
            self._tell()
            prefilled, self._view.prefilled = self._view.prefilled, ""
            try:
                text = self._prompt.read(prefilled)
                with interrupts(self._shell.session):
                    stay = self._shell.enter(text)
                    self._view.fresh_line()
            except EOFError:
                return
            except KeyboardInterrupt:  # as the cell was about to begin, or while it waited for a container
                self._view.write(Kind.WARNING, "interrupted")
                continue
            if self._startup.error is not None:
                raise self._startup.error
            if not stay:
                return

    def _stop(self, error: BaseException) -> bool:
        """End whichever prompt is there: an exception in the midst of its event loop would not."""
        return self._prompt.stop(error) or self._answers.stop(error)

    def _begin(self, _app: object) -> None:
        """Start the pool once the prompt stands on the screen: importing the engine takes its time."""
        if not self._begun:
            self._begun = True
            self._startup.start(first=self._prompt.warm)

    def _toolbar(self, signature: str, columns: int) -> StyleAndTextTuples:
        pool = self._startup.snapshot()
        waiting = self._startup.waiting_for() if pool is None else ""
        return toolbar(self._shell.session.mode, pool, waiting, signature, columns=columns)

    # From the pool's threads.

    def _changed(self) -> None:
        if self._startup.error is not None:
            self._prompt.stop(self._startup.error)
        self._prompt.refresh()

    def _notice(self, text: str) -> None:
        """Say something above the prompt, or before the next one."""
        self._notices.append(text)
        self._prompt.call(lambda: run_in_terminal(self._tell))

    def _tell(self) -> None:
        while self._notices:
            self._view.write(Kind.WARNING, self._notices.popleft())
        if self._shell.history.problem:
            self._view.write(Kind.WARNING, self._shell.history.problem)
            self._shell.history.problem = ""
