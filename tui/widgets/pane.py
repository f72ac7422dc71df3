"""The frame around each part of the screen: a border with its number and its name."""

from __future__ import annotations

from typing import Any

from rich.style import Style
from textual.containers import Vertical
from textual.widget import Widget

from tui.looks import PALETTE


class Pane(Vertical):
    """A numbered part of the main screen. The one with the focus has the accent's colour."""

    NUMBER = 0
    NAME = ""

    def on_mount(self) -> None:
        """Put the number and the name into the border."""
        self.name_with("")

    def name_with(self, note: str) -> None:
        """Show a note beside the pane's name."""
        number = f"[$accent b]{self.NUMBER}[/] " if self.NUMBER else ""
        title = f"{number}[b]{self.NAME}[/]{f' [$quiet]{note}[/]' if note else ''}"
        if self.border_title != title:
            self.border_title = title

    def note(self, text: str) -> None:
        """Show something in the lower border."""
        if self.border_subtitle != text:
            self.border_subtitle = text

    def home(self) -> Widget:
        """What gets the focus when the pane does."""
        return next(child for child in self.walk_children(Widget) if child.can_focus)


class Painted(Widget):
    """Looks up the colours that `tui.looks` names, once for each theme."""

    COMPONENT_CLASSES = {f"painted--{name}" for name in PALETTE} | {"painted--cursor", "painted--match"}

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self._styles: dict[str, Style] = {}

    def notify_style_update(self) -> None:
        """Forget colours that the theme may have changed; called by Textual."""
        super().notify_style_update()
        self._styles.clear()

    def colour(self, name: str) -> Style:
        """The style of a colour's name, on the widget's own background."""
        style = self._styles.get(name)
        if style is None:
            style = self._styles[name] = self.get_component_rich_style(f"painted--{name}", partial=True)
        return style
