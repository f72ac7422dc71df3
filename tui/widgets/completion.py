"""The list of completions beside the cursor. It never takes the keys that are being typed."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from tui.cells import Completion

_MOST = 50


class CompletionList(OptionList, can_focus=False):
    """Shows completions; the input keeps the focus and says what is chosen."""

    def __init__(self) -> None:
        super().__init__(id="completions", compact=True)
        self.display = False
        self._found: Sequence[Completion] = ()

    def offer(self, found: Sequence[Completion]) -> None:
        """Show these; none hides the list."""
        self._found = found[:_MOST]
        self.clear_options()
        self.add_options([Option(Content.assemble(each.text, ("  " + each.about, "dim"))) for each in self._found])
        self.display = bool(self._found)
        self.highlighted = 0 if self._found else None

    def chosen(self) -> Completion | None:
        """The one that is highlighted."""
        return self._found[self.highlighted] if self.display and self.highlighted is not None else None
