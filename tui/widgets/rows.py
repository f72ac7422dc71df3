"""A list that paints lines: fast however long it is, with a cursor, in the colours of `looks`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from rich.segment import Segment
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui.widgets.pane import Painted

Parts = tuple[tuple[str, str], ...]
"""A line: texts, each with the name of its colour."""


class Rows(Painted, ScrollView, can_focus=True):
    """Shows lines, one of which is selected. Only lines that have changed are painted anew."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", "Up", show=False),
        Binding("down", "move(1)", "Down", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
        Binding("home", "move(-1000000)", "First", show=False),
        Binding("end", "move(1000000)", "Last", show=False),
    ]

    class Chosen(Message):
        """A line was clicked twice."""

    def __init__(self, *, empty: str = "", **named: Any) -> None:
        """Args: empty: what to say while there is no line."""
        super().__init__(**named)
        self._rows: Sequence[Parts] = ()
        self._empty = empty
        self.cursor = 0
        """The number of the selected line."""

    def show(self, rows: Sequence[Parts]) -> None:
        """Paint these lines."""
        before, self._rows = self._rows, rows
        if len(before) != len(rows):
            self.cursor = min(self.cursor, max(0, len(rows) - 1))
            self.virtual_size = Size(self.size.width, len(rows))
            self.refresh()
            return
        top = int(self.scroll_offset.y)
        for y in range(top, min(len(rows), top + self.size.height)):
            if rows[y] != before[y]:
                self.refresh(Region(0, y - top, self.size.width, 1))

    def on_resize(self) -> None:
        """Lines are as wide as the widget."""
        self.virtual_size = Size(self.size.width, len(self._rows))

    def on_focus(self) -> None:
        """Show the cursor."""
        self.refresh()

    def on_blur(self) -> None:
        """Hide the cursor."""
        self.refresh()

    def action_move(self, step: int) -> None:
        """Select another line."""
        self.cursor = max(0, min(len(self._rows) - 1, self.cursor + step))
        self.scroll_to_region(Region(0, self.cursor, 1, 1), animate=False, force=True)
        self.refresh()

    def action_page(self, direction: int) -> None:
        """Select a line a screen away."""
        self.action_move(direction * max(1, self.size.height - 1))

    def on_click(self, event: events.Click) -> None:
        """Select; with a second click choose."""
        line = event.y + int(self.scroll_offset.y)
        if line < len(self._rows):
            self.cursor = line
            self.refresh()
            if event.chain == 2:
                self.post_message(self.Chosen())

    def render_line(self, y: int) -> Strip:
        """Return one visible line; called by Textual."""
        width = self.size.width
        number = y + int(self.scroll_offset.y)
        ground = self.ground
        if number >= len(self._rows):
            text = self._empty if not self._rows and y == 0 else ""
            return Strip([Segment(text, self.painted("dim"))]).adjust_cell_length(width, ground)
        over = "cursor" if number == self.cursor and self.has_focus else ""
        strip = Strip([Segment(text, self.painted(colour, over)) for text, colour in self._rows[number]])
        if strip.cell_length > width:
            strip = Strip([*strip.crop(0, width - 1), Segment("…", self.painted("dim", over))])
        return strip.adjust_cell_length(width, self.painted("text", over))
