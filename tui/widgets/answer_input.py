"""Where a program's `input()` and `getpass` are answered: in the place of the code, kept nowhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from textual import events
from textual.binding import BindingType
from textual.message import Message
from textual.widgets import Input

from tui.actions import Context, actions, keys_of

_WISHES = frozenset(["interrupt", "output", "leave"])


class AnswerInput(Input):
    """One line. Has the keys of the REPL that make sense here."""

    BINDINGS: ClassVar[list[BindingType]] = []

    class Answered(Message):
        """A line was entered, or the end of the file."""

        def __init__(self, text: str | None) -> None:
            super().__init__()
            self.text = text

    class Wanted(Message):
        """Something other than a line is asked for: interrupt, output, leave."""

        def __init__(self, what: str) -> None:
            super().__init__()
            self.what = what

    def __init__(self, keymap: Mapping[str, str]) -> None:
        super().__init__(id="answer", compact=True, placeholder="the program asks for a line")
        self._keys = {key: action.name for action in actions(Context.REPL) for key in keys_of(action, keymap)}
        self.display = False

    def begin(self, *, secret: bool) -> None:
        """Appear."""
        self.value, self.password, self.display = "", secret, True

    def end(self) -> None:
        """Disappear, with what was typed."""
        self.value, self.display = "", False

    async def _on_key(self, event: events.Key) -> None:
        """Take our own keys in their turn, among the text."""
        action = self._keys.get(event.key, "")
        if action in ("submit_complete", "submit"):
            self.post_message(self.Answered(self.value))
        elif action == "end" and not self.value:
            self.post_message(self.Answered(None))
        elif action in _WISHES:
            self.post_message(self.Wanted(action))
        else:
            await super()._on_key(event)
            return
        event.stop()
        event.prevent_default()
