"""The help screen: the registry of actions, as a page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from tui.actions import Context, actions, keys_shown


class Help(ModalScreen[None]):
    """Shows all keys."""

    BINDINGS: ClassVar[list[BindingType]] = [("escape,question_mark,f1,q", "dismiss", "Close")]

    def __init__(self, keymap: Mapping[str, str], *, read_only: bool) -> None:
        super().__init__()
        self._keymap = keymap
        self._read_only = read_only

    def compose(self) -> ComposeResult:
        """Lay out one block for each place."""
        with VerticalScroll(classes="dialog page") as page:
            page.border_title = "[b]Keys[/]"
            page.border_subtitle = "[b]Esc[/] closes"
            for context in Context:
                found = list(actions(context, read_only=self._read_only))
                if found:
                    yield Static(context.value, classes="heading")
                    for action in found:
                        keys = keys_shown(action, self._keymap)
                        yield Static(Text.assemble((f"{keys:>14}  ", "bold"), action.help), markup=False)
