"""A line at the bottom of a pane to type a filter or a search into."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widgets import Input


class FilterBar(Input):
    """Appears when it is asked for. Escape empties it, Enter keeps it; both go back to the pane."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "drop", "Drop", priority=True)]

    def __init__(self, placeholder: str) -> None:
        super().__init__(placeholder=placeholder, classes="filter", compact=True)
        self.display = False

    def ask(self) -> None:
        """Appear and take the keys."""
        self.display = True
        self.focus()

    def on_input_submitted(self) -> None:
        """Keep the text."""
        self._back()

    def action_drop(self) -> None:
        """Forget the text."""
        self.value = ""
        self._back()

    def _back(self) -> None:
        self.display = bool(self.value)
        siblings = [] if self.parent is None else self.parent.children
        for sibling in siblings:
            if sibling is not self and getattr(sibling, "can_focus", False):
                self.screen.set_focus(sibling)
                return
