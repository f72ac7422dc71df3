"""A question before something is destroyed or refused, with Cancel first."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Label


class Confirm(ModalScreen[bool]):
    """Asks; returns whether it was confirmed."""

    BINDINGS: ClassVar[list[BindingType]] = [
        ("escape", "cancel", "Cancel"),
        ("left", "app.focus_previous", "Other answer"),
        ("right", "app.focus_next", "Other answer"),
    ]

    def __init__(self, question: str, consequence: str, verb: str) -> None:
        """Args: question: what will be touched; consequence: what becomes of it; verb: the button's word."""
        super().__init__()
        self._question = question
        self._consequence = consequence
        self._verb = verb
        self._answered = False

    def compose(self) -> ComposeResult:
        """Lay out the question and its two answers; the first one has the focus."""
        with Vertical(classes="dialog danger") as dialog:
            dialog.border_title = f"[b]{self._verb}[/]"
            yield Label(self._question, classes="question", markup=False)
            yield Label(self._consequence, classes="consequence", markup=False)
            with Horizontal(classes="answers"):
                yield Button("Cancel", id="cancel", compact=True)
                yield Button(self._verb, id="confirm", variant="error", compact=True)

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
