"""The frame around each part of the screen: a border with its number and its name."""

from __future__ import annotations

from typing import Any, ClassVar

from rich.style import Style
from textual.containers import Vertical
from textual.widget import Widget

from tui.looks import PALETTE


class Pane(Vertical):
    """A numbered part of the main screen. The one with the focus has the accent's colour."""

    NUMBER = 0
    NAME = ""

    def __init__(self, **named: Any) -> None:
        super().__init__(**named)
        self._title = self._subtitle = ""

    def on_mount(self) -> None:
        """Put the number and the name into the border."""
        self.name_with("")

    def name_with(self, note: str) -> None:
        """Show a note beside the pane's name."""
        number = f"[$accent b]{self.NUMBER}[/] " if self.NUMBER else ""
        title = f"{number}[b]{self.NAME}[/]{f' [$quiet]{note}[/]' if note else ''}"
        if title != self._title:  # Textual gives back another text than it was given, and paints all anew
            self.border_title = self._title = title

    def note(self, text: str) -> None:
        """Show something in the lower border."""
        if text != self._subtitle:
            self.border_subtitle = self._subtitle = text

    def home(self) -> Widget:
        """What gets the focus when the pane does."""
        return next(child for child in self.walk_children(Widget) if child.can_focus)


class Painted(Widget):
    """Looks up the colours that `tui.looks` names, once for each theme."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"painted--{name}" for name in (*PALETTE, "cursor", "chosen", "match")}

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self._styles: dict[str, Style] = {}
        self._ground: Style | None = None

    def notify_style_update(self) -> None:
        """Forget colours that the theme may have changed; called by Textual."""
        super().notify_style_update()
        self._styles.clear()
        self._ground = None

    @property
    def ground(self) -> Style:
        """The widget's own style, worked out once: Textual does it at each look."""
        if self._ground is None:
            self._ground = self.rich_style
        return self._ground

    def colour(self, name: str) -> Style:
        """The style of a colour's name."""
        style = self._styles.get(name)
        if style is None:
            style = self._styles[name] = self.get_component_rich_style(f"painted--{name}", partial=True)
        return style

    def painted(self, name: str, over: str = "") -> Style:
        """The style of a colour's name on the widget's ground, or over another one on it."""
        key = f"{name}/{over}"
        style = self._styles.get(key)
        if style is None:
            below = self.ground + self.colour(over) if over else self.ground
            style = self._styles[key] = below + self.colour(name)
        return style
