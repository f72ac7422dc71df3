"""The input at the terminal: one line editor for cells, one for what a cell asks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from prompt_toolkit import PromptSession
from prompt_toolkit.application import Application
from prompt_toolkit.auto_suggest import AutoSuggestFromHistory, ThreadedAutoSuggest
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.completion import ThreadedCompleter
from prompt_toolkit.filters import to_filter
from prompt_toolkit.formatted_text import ANSI, StyleAndTextTuples
from prompt_toolkit.history import DummyHistory, ThreadedHistory
from prompt_toolkit.layout.processors import HighlightMatchingBracketProcessor
from prompt_toolkit.output import ColorDepth
from prompt_toolkit.styles import BaseStyle

from engine.cells import Mode
from tui.repl.ansi import one_line
from tui.repl.shell import Shell
from tui.repl.terminal.adapters import CellLexer, MistakeMarker, ShellCompleter, StoredHistory
from tui.repl.terminal.bindings import key_bindings

Toolbar = Callable[[str, int], StyleAndTextTuples]
"""Draws the bottom line from the signature of the call being typed, and the number of columns."""

_MAX_SIGNATURE = 1000
"""Characters of a signature that are looked at: it is the session's word, and drawn with every key."""
_MENU_ROWS = 8
_OTHER_ROWS = 3
"""The input's own first row, the toolbar, and one for a mistake."""


class CellPrompt:
    """Reads cells. Belongs to the main thread but for `refresh`, `stop` and `call`."""

    def __init__(self, shell: Shell, toolbar: Toolbar, style: BaseStyle, depth: ColorDepth | None) -> None:
        self._shell = shell
        self._lexer = CellLexer()
        self._toolbar = toolbar
        self._signature = ""
        self._looked_at: tuple[str, int] | None = None
        self._looking = False
        self._ending = _Ending()
        self._session: PromptSession[str] = PromptSession(
            multiline=True,
            lexer=self._lexer,
            completer=ThreadedCompleter(ShellCompleter(shell)),
            complete_while_typing=True,
            history=ThreadedHistory(StoredHistory(shell.history)),
            auto_suggest=ThreadedAutoSuggest(AutoSuggestFromHistory()),
            key_bindings=key_bindings(shell),
            input_processors=[HighlightMatchingBracketProcessor(), MistakeMarker()],
            prompt_continuation=self._continuation,
            bottom_toolbar=self._bottom,
            tempfile_suffix=".py",
            style=style,
            include_default_pygments_style=False,
            color_depth=depth,
        )
        buffer = self._session.default_buffer
        # Not by the argument of that name: it would end completion while typing. See `bindings.later`.
        buffer.enable_history_search = to_filter(True)
        buffer.on_text_changed += self._look_at_call
        buffer.on_cursor_position_changed += self._look_at_call
        self.app.before_render += self._fit

    @property
    def app(self) -> Application[str]:
        """The application that runs while `read` does."""
        return self._session.app

    def read(self, prefilled: str = "") -> str:
        """Have a cell typed.

        Raises:
            EOFError: if the person leaves. Whatever `stop` was given.
        """
        look = "class:prompt" if self._shell.session.mode is Mode.SESSION else "class:prompt.oneshot"
        self._ending.error = None
        return self._ending.unless(self._session.prompt([(look, self._shell.prompt)], default=prefilled))

    def warm(self) -> None:
        """Import what only makes the input nicer. From any thread."""
        self._lexer.load()
        self.refresh()

    def refresh(self) -> None:
        """Draw again, because what the toolbar shows has changed. From any thread."""
        self.call(self.app.invalidate)  # which itself is safe only while the prompt does not end

    def call(self, function: Callable[[], object]) -> bool:
        """Have a function called in the prompt's own thread; False if no cell is being typed. From any thread."""
        return _call(self.app, function)

    def stop(self, error: BaseException) -> bool:
        """Have `read` raise an exception; False if it does not run. From any thread."""
        return self._ending.stop(self.app, error)

    def _fit(self, _app: object) -> None:
        """Keep room below the input for a menu, but in a low window not for the menu alone."""
        self._session.reserve_space_for_menu = max(0, min(_MENU_ROWS, self.app.output.get_size().rows - _OTHER_ROWS))

    def _continuation(self, width: int, _line: int, _wraps: int) -> StyleAndTextTuples:
        return [("class:continuation", "... ".rjust(width))]

    def _bottom(self) -> StyleAndTextTuples:
        return self._toolbar(self._signature, self.app.output.get_size().columns)

    def _look_at_call(self, buffer: Buffer) -> None:
        """Ask for the signature at the cursor without keeping a key waiting; the newest question counts."""
        if "(" not in buffer.text or not self._shell.session.alive:
            self._signature = ""
        elif not self._looking and self.app.is_running:
            self._looking = True
            self.app.create_background_task(self._ask_for_call(buffer))

    async def _ask_for_call(self, buffer: Buffer) -> None:
        try:
            while (place := (buffer.text, buffer.cursor_position)) != self._looked_at:
                self._looked_at = place
                found = await asyncio.get_running_loop().run_in_executor(None, self._shell.session.help, *place)
                self._signature = one_line(found.signature[:_MAX_SIGNATURE])
                self.app.invalidate()
        finally:
            self._looking = False


class AnswerPrompt:
    """Reads what a cell has asked for: kept nowhere, and hidden if it is secret."""

    def __init__(self, style: BaseStyle, depth: ColorDepth | None) -> None:
        self._style = style
        self._depth = depth
        self._app: Application[str] | None = None
        self._ending = _Ending()

    def read(self, prompt: str, secret: bool) -> str | None:
        """Have a line typed; None for end of file.

        Raises:
            KeyboardInterrupt: if the person presses Ctrl+C. Whatever `stop` was given.
        """
        session: PromptSession[str] = PromptSession(
            history=DummyHistory(), is_password=secret, style=self._style, color_depth=self._depth
        )
        self._ending.error = None
        self._app = session.app
        try:
            return self._ending.unless(session.prompt(ANSI(prompt)))
        except EOFError:
            return None
        finally:
            self._app = None

    def stop(self, error: BaseException) -> bool:
        """Have `read` raise an exception; False if it does not run. From any thread."""
        return self._app is not None and self._ending.stop(self._app, error)


def _call(app: Application[str], function: Callable[[], object]) -> bool:
    loop = app.loop
    if loop is None or not app.is_running:
        return False
    try:
        loop.call_soon_threadsafe(function)
    except RuntimeError:  # it was closed in this moment
        return False
    return True


class _Ending:
    """An exception that ends a prompt, also if it comes in the moment in which a line was entered."""

    def __init__(self) -> None:
        self.error: BaseException | None = None

    def stop(self, app: Application[str], error: BaseException) -> bool:
        """End a prompt; False if it does not run."""

        def leave() -> None:
            if app.is_running and not app.is_done:
                app.exit(exception=error)

        self.error = error
        if _call(app, leave):
            return True
        self.error = None
        return False

    def unless(self, text: str) -> str:
        """Return what was entered, unless the prompt was to end meanwhile."""
        if self.error is not None:
            raise self.error
        return text
