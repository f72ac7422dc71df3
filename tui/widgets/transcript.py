"""The REPL's output: many lines, painted only where they are seen, searched and copied."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual import events
from textual.binding import BindingType
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.selection import Selection
from textual.strip import Strip

from tui.actions import Context, bindings
from tui.format import plain
from tui.widgets.pane import Painted

_MOST = 20_000
"""Lines that are kept."""

_LONGEST = 4_000
"""Characters of a line that are shown."""


_HINT = (
    "Python runs in whichever container is free, and leaves nothing behind.",
    "Enter runs what is complete, Ctrl+J runs it as it is, Esc leaves.",
)


@dataclass(slots=True)
class Line:
    """One line: its text, its colour, and the container of the cell that it closes."""

    text: str
    colour: str
    container_id: str = ""
    open: bool = False
    """Whether more of the same colour goes on in it."""


class Transcript(Painted, ScrollView, can_focus=True):
    """Shows what cells and their programs have said."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(Context.OUTPUT)
    ALLOW_SELECT = True

    class Chosen(Message):
        """The line of a cell that names its container was clicked."""

        def __init__(self, container_id: str) -> None:
            super().__init__()
            self.container_id = container_id

    class Find(Message):
        """A text is to be searched for."""

    def __init__(self) -> None:
        super().__init__(id="transcript")
        self._lines: list[Line] = []
        self._width = 0
        self._sought = ""
        self._found = -1

    @property
    def text(self) -> str:
        """All lines."""
        return "\n".join(line.text for line in self._lines)

    def write(self, text: str, colour: str, container_id: str = "") -> None:
        """Add text; the last line goes on if it has not been ended."""
        at_end = self.is_vertical_scroll_end
        pieces = text.split("\n")
        for number, piece in enumerate(pieces):
            ended = number < len(pieces) - 1
            last = self._lines[-1] if self._lines else None
            if last is not None and last.open and last.colour == colour:
                last.text, last.open = (last.text + _clean(piece))[:_LONGEST], not ended
                line = last
            elif piece or ended:
                line = Line(_clean(piece)[:_LONGEST], colour, container_id, not ended)
                self._lines.append(line)
            else:
                continue
            self._width = max(self._width, cell_len(line.text))
        del self._lines[: max(0, len(self._lines) - _MOST)]
        self.virtual_size = Size(self._width, len(self._lines))
        if at_end:
            self.scroll_end(animate=False, immediate=True, x_axis=False)
        self.refresh()

    def find(self, text: str) -> None:
        """Go to the latest line with a text."""
        self._sought, self._found = text.lower(), len(self._lines)
        self.action_find_next()

    # Actions.

    def action_find(self) -> None:
        """Ask what to search for."""
        self.post_message(self.Find())

    def action_find_next(self) -> None:
        """Go to the match before; from the first to the latest."""
        order = [*range(self._found - 1, -1, -1), *range(len(self._lines) - 1, self._found - 1, -1)]
        for number in order:
            if self._sought and 0 <= number < len(self._lines) and self._sought in self._lines[number].text.lower():
                self._found = number
                self.scroll_to(y=max(0, number - self.size.height // 2), animate=False, force=True)
                break
        else:
            if self._sought:
                self.notify(f"{self._sought!r} is not in the output")
        self.refresh()

    def action_copy(self) -> None:
        """Copy all of it, to the terminal's clipboard."""
        self.app.copy_to_clipboard(self.text)
        self.notify(f"{len(self._lines):,} lines copied")

    def action_clear(self) -> None:
        """Forget all of it."""
        self._lines.clear()
        self._width = 0
        self.virtual_size = Size(0, 0)
        self.refresh()

    def on_click(self, event: events.Click) -> None:
        """Choose the container that a cell ran in."""
        number = event.y + int(self.scroll_offset.y)
        if number < len(self._lines) and self._lines[number].container_id:
            self.post_message(self.Chosen(self._lines[number].container_id))

    # Painting.

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """The text that is selected with the mouse; called by Textual."""
        return selection.extract(self.text), "\n"

    def selection_updated(self, _selection: Selection | None) -> None:
        """Show it; called by Textual."""
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """Return one visible line; called by Textual."""
        scroll_x, scroll_y = self.scroll_offset
        number, width, base = y + int(scroll_y), self.size.width, self.ground
        if number >= len(self._lines):
            hint = _HINT[y] if not self._lines and y < len(_HINT) else ""
            return Strip([Segment(hint, self.painted("dim"))]).adjust_cell_length(width, base)
        line = self._lines[number]
        text = Text(line.text, no_wrap=True, end="")
        text.stylize(self.painted(line.colour))
        if self._sought:
            match = self.colour("match") if number == self._found else Style(underline=True)
            start = line.text.lower().find(self._sought)
            while start >= 0:
                text.stylize(match, start, start + len(self._sought))
                start = line.text.lower().find(self._sought, start + 1)
        selection = self.text_selection
        if selection is not None and (span := selection.get_span(number)) is not None:
            start, end = span
            chosen = self.screen.get_component_rich_style("screen--selection")
            text.stylize(chosen, start, len(line.text) if end == -1 else end)
        strip = Strip(text.render(self.app.console), cell_len(line.text))
        return strip.crop_extend(int(scroll_x), int(scroll_x) + width, base).apply_offsets(int(scroll_x), number)


def _clean(text: str) -> str:
    """What of a program's output is shown: a carriage return begins the line anew."""
    return plain(text.rstrip("\r").rpartition("\r")[2].expandtabs())
