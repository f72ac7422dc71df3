"""A question before something is destroyed or refused, with Cancel first."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Label


class Confirm(ModalScreen[bool]):
    """Asks; returns whether it was confirmed."""

    BINDINGS = [("escape", "cancel", "Cancel")]  # noqa: RUF012 - Textual's own convention

    def __init__(self, question: str, verb: str) -> None:
        """Args: question: what will be touched; verb: the word on the button that does it."""
        super().__init__()
        self._question = question
        self._verb = verb
        self._answered = False

    def compose(self) -> ComposeResult:
        """Lay out the question and its two answers; the first one has the focus."""
        with Vertical(id="dialog"):
            yield Label(self._question)
            with Horizontal():
                yield Button("Cancel", id="cancel", variant="primary")
                yield Button(self._verb, id="confirm", variant="error")

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Answer."""
        self._answer(event.button.id == "confirm")

    def action_cancel(self) -> None:
        """Answer no."""
        self._answer(False)

    def _answer(self, confirmed: bool) -> None:
        """Answer once: a key pressed twice is one answer."""
        if not self._answered:
            self._answered = True
            self.dismiss(confirmed)
