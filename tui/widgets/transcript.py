"""The REPL's output: many lines, painted only where they are seen, searched and copied."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from rich.ansi import AnsiDecoder
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
    "Python that keeps its state in a container of the pool; %help lists the commands.",
    "Enter runs what is complete, Ctrl+J runs it as it is, Esc leaves.",
)

Parts = Sequence[tuple[str, str]]
"""Texts, each with the name of its colour."""


@dataclass(slots=True)
class Line:
    """One line: its text, what is coloured in it, and the container of the cell that it closes."""

    text: str = ""
    spans: list[tuple[int, int, str | Style]] = field(default_factory=list)
    container_id: str = ""

    def add(self, text: str, colour: str) -> None:
        """Go on, as far as there is room."""
        text = text[: _LONGEST - len(self.text)]
        if text:
            start = len(self.text)
            self.text += text
            self.spans.append((start, len(self.text), colour))

    def clear(self) -> None:
        """Begin anew."""
        self.text = ""
        self.spans.clear()


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
        self._open = False
        self._decoders: dict[str, AnsiDecoder] = {}
        """For the colours of stdout and of stderr: a program's own go on over lines."""
        self._follows = True
        """Whether the end is looked at, and what comes is to be seen."""
        self._measured = 0
        self._width = 0
        self._sought = ""
        self._found = -1

    @property
    def text(self) -> str:
        """All lines."""
        return "\n".join(line.text for line in self._lines)

    def output(self, text: str, colour: str) -> None:
        """Add a program's output, which may stop in the middle of a line, and may hold colours and returns."""
        decoder = self._decoders.setdefault(colour, AnsiDecoder())
        for number, piece in enumerate(text.split("\n")):
            if number:
                self._line()
                self._open = False
            for again, run in enumerate(piece.split("\r")):
                if again:
                    self._line().clear()
                if run:
                    self._add(run, colour, decoder)
        self._grown()

    def lines(self, parts: Parts, container_id: str = "") -> None:
        """Add whole lines."""
        self._open = False
        for text, colour in parts:
            for number, piece in enumerate(text.split("\n")):
                if number:
                    self._line()
                    self._open = False
                if piece:
                    self._line().add(plain(piece.expandtabs()), colour)
        self._line().container_id = container_id
        self._open = False
        self._grown()

    def _line(self) -> Line:
        """The line that is being written."""
        if not self._open:
            self._lines.append(Line())
            self._open = True
        return self._lines[-1]

    def _add(self, run: str, colour: str, decoder: AnsiDecoder) -> None:
        line = self._line()
        if "\x1b" not in run and not decoder.style:
            line.add(run.expandtabs() if "\t" in run else run, colour)
            return
        decoded = decoder.decode_line(run)
        decoded.expand_tabs(8)
        start = len(line.text)
        line.add(decoded.plain, colour)
        line.spans += [(start + span.start, start + span.end, span.style) for span in decoded.spans]

    def _grown(self) -> None:
        del self._lines[: max(0, len(self._lines) - _MOST)]
        self._width = max([self._width, *(cell_len(line.text) for line in self._lines[self._measured :])])
        self._measured = max(0, len(self._lines) - 1)
        self.virtual_size = Size(self._width, len(self._lines))
        if self._follows:
            self.scroll_to(y=self.max_scroll_y, animate=False, force=True, immediate=True)
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
        self._open = False
        self._width = self._measured = 0
        self.virtual_size = Size(0, 0)
        self.refresh()

    def action_choose(self) -> None:
        """Choose the container of the last cell that is seen."""
        bottom = int(self.scroll_offset.y) + self.size.height
        ran_in = [line.container_id for line in self._lines[:bottom] if line.container_id]
        if ran_in:
            self.post_message(self.Chosen(ran_in[-1]))

    def on_click(self, event: events.Click) -> None:
        """Choose the container that a cell ran in."""
        number = event.y + int(self.scroll_offset.y)
        if number < len(self._lines) and self._lines[number].container_id:
            self.post_message(self.Chosen(self._lines[number].container_id))

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Note whether the end is looked at; called by Textual."""
        super().watch_scroll_y(old_value, new_value)
        self._follows = new_value >= self.max_scroll_y

    def on_resize(self) -> None:
        """The end stays in sight, however many lines the input takes."""
        if self._follows:
            self.scroll_to(y=self.max_scroll_y, animate=False, force=True, immediate=True)

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
        text = Text(line.text, no_wrap=True, end="", style=base)
        for start, end, style in line.spans:
            text.stylize(self.painted(style) if isinstance(style, str) else style, start, end)
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
