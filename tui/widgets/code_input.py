"""The REPL's input: Python over several lines, with history and completion."""

from __future__ import annotations

import codeop
import warnings
from collections.abc import Mapping
from typing import ClassVar

from textual import events
from textual.binding import BindingType
from textual.message import Message
from textual.widgets import TextArea

from tui.actions import Context, actions, bindings, keys_of
from tui.widgets.syntax import syntax_theme

_INDENT = "    "


class CodeInput(TextArea):
    """Where code is typed. Enter runs what is complete and continues what is not."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(Context.REPL)

    class Submitted(Message):
        """A cell is to be run."""

        def __init__(self, code: str) -> None:
            super().__init__()
            self.code = code

    class Wanted(Message):
        """Something other than text is asked for: interrupt, complete, mode, output, leave."""

        def __init__(self, what: str) -> None:
            super().__init__()
            self.what = what

    def __init__(self, keymap: Mapping[str, str]) -> None:
        """Args: keymap: keys of actions, where they are not the registry's."""
        super().__init__(
            id="code", language="python", show_line_numbers=False, tab_behavior="indent", soft_wrap=False,
            compact=True, highlight_cursor_line=False, placeholder="Python",
        )  # fmt: skip
        self._keys = {key: action.name for action in actions(Context.REPL) for key in keys_of(action, keymap)}
        self._history: list[str] = []
        self._position = 0
        self._draft = ""
        self.answering = False
        """Whether the next input answers a program's `input()`."""

    def on_mount(self) -> None:
        """Have the colours of the app's theme, also of the next one."""
        self._dress()
        self.app.theme_changed_signal.subscribe(self, lambda _: self._dress())

    def _dress(self) -> None:
        self.register_theme(syntax_theme(self.app.theme_variables))
        self.theme = "pooldeck"

    def remember(self, history: list[str]) -> None:
        """Begin with the inputs of earlier times, the oldest first."""
        self._history = list(history)
        self._position = len(self._history)

    @property
    def offset_of_cursor(self) -> int:
        """Characters before the cursor."""
        row, column = self.cursor_location
        return sum(len(line) + 1 for line in self.text.split("\n")[:row]) + column

    async def _on_key(self, event: events.Key) -> None:
        """Take our own keys in their turn: what was typed before Enter is in the text by now."""
        action = self._keys.get(event.key)
        if action is not None:
            event.stop()
            event.prevent_default()
            await self.run_action(action)

    # Running.

    def action_submit_complete(self) -> None:
        """Run a complete input; go on in a new line in one that is not, or that is being edited."""
        row, column = self.cursor_location
        lines = self.text.split("\n")
        at_end = row == len(lines) - 1 and not lines[row][column:].strip()
        if self.answering or (at_end and is_complete(self.text)):
            self.action_submit()
        else:
            self.insert("\n" + _next_indent(lines[row][:column]))

    def action_submit(self) -> None:
        """Run the input as it is."""
        code = self.text
        if not code.strip() and not self.answering:
            return
        if not self.answering:
            if not self._history or self._history[-1] != code:
                self._history.append(code)
            self._position = len(self._history)
        self.text = ""
        self.post_message(self.Submitted(code))

    def action_interrupt(self) -> None:
        """Clear the input; where there is none, interrupt the running cell."""
        if self.text:
            self.text = ""
        else:
            self.post_message(self.Wanted("interrupt"))

    # Other wishes.

    def action_complete(self) -> None:
        """Complete a name, or indent where there is none."""
        row, column = self.cursor_location
        if self.text.split("\n")[row][:column].strip():
            self.post_message(self.Wanted("complete"))
        else:
            self.insert(_INDENT)

    def action_mode(self) -> None:
        """Change the mode."""
        self.post_message(self.Wanted("mode"))

    def action_output(self) -> None:
        """Go to the output."""
        self.post_message(self.Wanted("output"))

    def action_leave(self) -> None:
        """Leave the REPL."""
        self.post_message(self.Wanted("leave"))

    # History.

    def action_earlier(self) -> None:
        """The input before; in the middle of a text, a line up."""
        if self.cursor_location[0] > 0:
            self.action_cursor_up()
        else:
            self._go_to(self._position - 1)

    def action_later(self) -> None:
        """The input after; in the middle of a text, a line down."""
        if self.cursor_location[0] < self.document.line_count - 1:
            self.action_cursor_down()
        else:
            self._go_to(self._position + 1)

    def _go_to(self, position: int) -> None:
        if not 0 <= position <= len(self._history) or position == self._position:
            return
        if self._position == len(self._history):
            self._draft = self.text
        self._position = position
        self.text = self._draft if position == len(self._history) else self._history[position]
        self.move_cursor(self.document.end)

    def on_paste(self, event: events.Paste) -> None:
        """Pasted text is never run by itself, whatever line ends it has."""
        event.prevent_default()
        self.insert(event.text.replace("\r\n", "\n").replace("\r", "\n"))


def is_complete(code: str) -> bool:
    """Whether code can be run: it is complete, or wrong in a way that more text will not mend."""
    lines = code.split("\n")
    if code.lstrip().startswith("%"):
        return True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compiled = codeop.compile_command(code, "<cell>", "exec")
    except (SyntaxError, ValueError, OverflowError):
        return True
    block = len(lines) > 1 and lines[-1].startswith((" ", "\t")) and bool(lines[-1].strip())
    return compiled is not None and not block


def _next_indent(line: str) -> str:
    indent = line[: len(line) - len(line.lstrip())]
    if line.rstrip().endswith(":"):
        return indent + _INDENT
    if line.strip().split(" ")[0] in ("return", "pass", "raise", "break", "continue"):
        return indent[: -len(_INDENT)]
    return indent
