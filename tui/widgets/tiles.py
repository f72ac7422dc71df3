"""The grid of container tiles: one widget that paints lines, however many containers there are.

A widget a container would cost layout and compositing for each; see the line API in
Textual's documentation.
"""

from __future__ import annotations

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from engine.container import ContainerSnapshot, ContainerState

_S = ContainerState
LOOKS: dict[ContainerState, tuple[str, str]] = {
    _S.STARTING: ("◔", "cyan"),
    _S.AVAILABLE: ("●", "green"),
    _S.IN_USE: ("▶", "bright_blue"),
    _S.RESETTING: ("↻", "magenta"),
    _S.CHECKING: ("?", "yellow"),
    _S.UNHEALTHY: ("!", "bright_red"),
    _S.DESTROYING: ("✗", "red"),
    _S.GONE: ("·", "bright_black"),
}
"""A glyph and a colour for each state; the word stands beside them."""

_QUIET = "grey62"
_WIDTH = 30
_HEIGHT = 5
_GAP = 1


def tile_lines(container: ContainerSnapshot) -> tuple[tuple[str, str], ...]:
    """Return a tile's lines, each a text and a colour."""
    glyph, colour = LOOKS[container.state]
    word = container.state.value.replace("_", " ")
    name = container.short_id if container.state is not _S.STARTING else "…"
    runs = "1 run" if container.execution_count == 1 else f"{container.execution_count} runs"
    run = f"last {container.last_run * 1e3:.1f} ms" if container.last_run is not None else "not used yet"
    memory = container.gauges.memory
    limit = container.gauges.memory_limit
    used = f"{memory / (1 << 20):.0f} MiB" if memory is not None else "memory ?"
    if memory is not None and limit:
        used += f" of {limit >> 20} ({memory / limit:.0%})"
    return (
        (f"{glyph} {word}", colour),
        (name, "default"),
        (f"for {_duration(container.state_for)}  {container.doing}", "default" if container.doing else _QUIET),
        (f"{runs}  {run}", "default"),
        (used, _QUIET),
    )


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 3600 else f"{seconds / 3600:.1f} h"


class TileGrid(ScrollView):
    """Shows one tile for each container."""

    can_focus = True

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id)
        self._tiles: list[tuple[tuple[str, str], ...]] = []
        self._note = "waiting for the first container"

    def show(self, containers: tuple[ContainerSnapshot, ...], note: str) -> None:
        """Paint a snapshot; nothing is painted where nothing has changed.

        Args:
            note: what to say while there is no container.
        """
        tiles = [tile_lines(container) for container in containers]
        if tiles != self._tiles or note != self._note:
            self._tiles, self._note = tiles, note
            self._fit()
            self.refresh()

    def on_resize(self) -> None:
        """Find the number of columns anew."""
        self._fit()

    @property
    def columns(self) -> int:
        """Tiles beside each other."""
        return max(1, (self.size.width + _GAP) // (_WIDTH + _GAP))

    def _fit(self) -> None:
        rows = -(-len(self._tiles) // self.columns)
        self.virtual_size = Size(self.size.width, rows * (_HEIGHT + _GAP))

    def render_line(self, y: int) -> Strip:
        """Return one line of the grid; called by Textual for each visible line."""
        width = self.size.width
        row, line = divmod(y + self.scroll_offset.y, _HEIGHT + _GAP)
        style = self.rich_style
        if not self._tiles:
            text = f"  {self._note}" if y == 1 else ""
            return Strip([Segment(text.ljust(width)[:width], style)])
        tiles = self._tiles[row * self.columns : (row + 1) * self.columns]
        if line == _HEIGHT or not tiles:
            return Strip.blank(width, style)
        segments = []
        for tile in tiles:
            edge = Style(color=tile[0][1])
            text, colour = tile[line]
            segments.append(Segment("▌", style + edge))
            segments.append(Segment(text.ljust(_WIDTH - 1)[: _WIDTH - 1], style + Style(color=colour, bold=line == 0)))
            segments.append(Segment(" " * _GAP, style))
        return Strip(segments).adjust_cell_length(width, style)
