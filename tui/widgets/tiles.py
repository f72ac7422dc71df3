"""The grid of containers: one widget that paints lines, however many containers there are.

A widget a container would cost layout and compositing for each; see the line API in
Textual's documentation. Tiles are as large as there is room for; below that it is a table.
"""

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
from tui.widgets.rows import Parts
from tui.widgets.tile_text import Column, TileView, small_tile, table_columns, table_head, table_row, tile

_WIDTH = 32
"""Cells of a tile at least, with its edge."""
_GAP = 1
_TALL, _SMALL = 5, 3


class TileGrid(Painted, ScrollView, can_focus=True):
    """Shows containers, one of which is selected."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "move(-1, 0)", "Left", show=False),
        Binding("right", "move(1, 0)", "Right", show=False),
        Binding("up", "move(0, -1)", "Up", show=False),
        Binding("down", "move(0, 1)", "Down", show=False),
        Binding("pageup", "move(0, -4)", "Page up", show=False),
        Binding("pagedown", "move(0, 4)", "Page down", show=False),
        Binding("home", "move(-1000000, 0)", "First", show=False),
        Binding("end", "move(1000000, 0)", "Last", show=False),
    ]

    class Selected(Message):
        """Another container is selected."""

    class Opened(Message):
        """A container was clicked twice."""

    def __init__(self, *, as_table: bool = False, **named: Any) -> None:
        super().__init__(**named)
        self._views: Sequence[TileView] = ()
        self._painted: dict[int, tuple[Parts, ...]] = {}
        self._note: tuple[str, ...] = ()
        self._order: tuple[Column, bool] | None = None
        self.as_table = as_table
        self.selected = ""
        """The id of the selected container; empty while there is none."""

    def show(self, views: Sequence[TileView], note: tuple[str, ...], order: tuple[Column, bool]) -> None:
        """Paint containers; nothing is painted where nothing has changed.

        Args:
            note: what to say while there is no container.
            order: the column that is sorted by, and whether backwards.
        """
        before = (len(self._views), self._note, self._order, self._shape())
        self._views, self._note, self._order = views, note, order
        if views and not any(view.container.id == self.selected for view in views):
            self.selected = views[0].container.id
            self.post_message(self.Selected())
        if before != (len(views), note, order, self._shape()):
            self._painted = {}
            self._fit()
            self.refresh()
            return
        fresh = {index: self._lines(index) for index in self._visible()}
        for index, lines in fresh.items():
            if lines != self._painted.get(index):
                self._refresh_tile(index)
        self._painted = fresh

    # Where things are.

    @property
    def _head(self) -> int:
        """Lines above the first container that do not scroll."""
        return int(self.as_table)

    def _shape(self) -> tuple[int, int, int]:
        """Columns, lines of a tile with its gap, and cells of a tile with its gap."""
        width = self.size.width
        if self.as_table:
            return 1, 1, width
        columns = max(1, (width + _GAP) // (_WIDTH + _GAP))
        rows = -(-len(self._views) // columns)
        tall = rows * (_TALL + _GAP) - _GAP <= self.size.height
        return columns, (_TALL if tall else _SMALL) + _GAP, (width + _GAP) // columns

    def _visible(self) -> range:
        columns, height, _ = self._shape()
        top = int(self.scroll_offset.y)
        first = top // height
        last = -(-(top + self.size.height) // height)
        return range(min(len(self._views), first * columns), min(len(self._views), last * columns))

    def _place(self, index: int) -> Region:
        columns, height, width = self._shape()
        row, column = divmod(index, columns)
        return Region(column * width, row * height + self._head, width, height)

    def _fit(self) -> None:
        columns, height, _ = self._shape()
        rows = -(-len(self._views) // columns)
        self.virtual_size = Size(self.size.width, rows * height + self._head)

    def _refresh_tile(self, index: int) -> None:
        place = self._place(index).translate((0, -int(self.scroll_offset.y)))
        self.refresh(place)

    def on_resize(self) -> None:
        """Find room anew, and keep the selected container in sight."""
        self._painted = {}
        self._fit()
        self._reveal()
        self.refresh()

    # Selecting.

    def select(self, container_id: str) -> None:
        """Select a container, if it is shown."""
        if any(view.container.id == container_id for view in self._views):
            before, self.selected = self._index(), container_id
            self._refresh_tile(before)
            self._refresh_tile(self._index())
            self._reveal()
            self.post_message(self.Selected())

    def _index(self) -> int:
        return next((i for i, view in enumerate(self._views) if view.container.id == self.selected), 0)

    def _reveal(self) -> None:
        if self._views:
            place = self._place(self._index())
            if self.as_table:
                place = place.grow((1, 0, 0, 0))
            self.scroll_to_region(place, animate=False, force=True)

    def action_move(self, across: int, down: int) -> None:
        """Select another one."""
        if self._views:
            columns = self._shape()[0]
            step = across + down * columns
            index = self._index() + step
            if across:
                index = max(0, min(len(self._views) - 1, index))
            elif not 0 <= index < len(self._views):
                index = self._index() % columns if index < 0 else len(self._views) - 1
            self.select(self._views[index].container.id)

    def on_click(self, event: events.Click) -> None:
        """Select; with a second click open."""
        columns, height, width = self._shape()
        line = event.y - self._head + int(self.scroll_offset.y)
        index = line // height * columns + min(columns - 1, event.x // width)
        if line >= 0 and index < len(self._views):
            self.select(self._views[index].container.id)
            if event.chain == 2:
                self.post_message(self.Opened())

    def on_focus(self) -> None:
        """Show the selection strongly."""
        self.refresh()

    def on_blur(self) -> None:
        """Show the selection weakly."""
        self.refresh()

    # Painting.

    def _lines(self, index: int) -> tuple[Parts, ...]:
        _, height, width = self._shape()
        view = self._views[index]
        if self.as_table:
            return (table_row(view, table_columns(width), width),)
        paint = tile if height == _TALL + _GAP else small_tile
        return paint(view, width - _GAP - 3)

    def render_line(self, y: int) -> Strip:
        """Return one visible line; called by Textual."""
        width, ground = self.size.width, self.ground
        if not self._views:
            line = self._note[y - 1] if 1 <= y <= len(self._note) else ""
            style = self.painted("strong" if y == 1 else "dim")
            return Strip([Segment(f"  {line}", style)]).adjust_cell_length(width, ground)
        if y < self._head and self._order is not None:
            head = table_head(table_columns(width), width, self._order[0], backwards=self._order[1])
            return Strip([Segment(text, self.painted(colour)) for text, colour in head])
        columns, height, _ = self._shape()
        row, line_number = divmod(y - self._head + int(self.scroll_offset.y), height)
        if (line_number == height - 1 and not self.as_table) or row * columns >= len(self._views):
            return Strip.blank(width, ground)
        segments: list[Segment] = []
        for index in range(row * columns, min(len(self._views), (row + 1) * columns)):
            segments += self._tile_line(index, line_number)
        return Strip(segments).adjust_cell_length(width, ground)

    def _tile_line(self, index: int, line_number: int) -> list[Segment]:
        lines = self._painted.get(index)
        if lines is None or len(lines) <= line_number:
            lines = self._painted[index] = self._lines(index)
        chosen = self._views[index].container.id == self.selected
        over = ("cursor" if self.as_table else "chosen") if chosen else ""
        segments = [Segment(text, self.painted(colour, over)) for text, colour in lines[line_number]]
        if self.as_table:
            return segments
        blank = self.painted("text", over)
        edge = "accent" if chosen and self.has_focus else lines[0][0][1]
        return [
            Segment("┃" if chosen else "▌", self.painted(edge, over)),
            Segment(" ", blank),
            *segments,
            Segment(" ", blank),
            Segment(" " * _GAP, self.ground),
        ]
