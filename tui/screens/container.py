"""One container in full: what it is, what it has been through, and why it died if it did."""

from __future__ import annotations

from contextlib import suppress
from itertools import pairwise
from typing import ClassVar

from rich.text import Text
from textual import events
from textual.app import ComposeResult, RenderResult
from textual.binding import BindingType
from textual.containers import Container
from textual.screen import Screen
from textual.widgets import Footer

from engine.container import ContainerSnapshot
from engine.errors import UnknownContainer
from engine.history import ContainerDetail
from tui.actions import Context, bindings
from tui.format import share
from tui.looks import STATES
from tui.screens.main import room_for
from tui.store import Reading, Store
from tui.widgets import plot
from tui.widgets.detail_text import RUN_HEAD, check_lines, facts, limits, reset_lines, run_line, state_line
from tui.widgets.header import Header
from tui.widgets.pane import Painted, Pane
from tui.widgets.rows import Parts, Rows

_AXIS = 8


class Section(Pane):
    """One list of the screen."""

    def __init__(self, name: str, empty: str) -> None:
        super().__init__(id=name)
        self.NAME = name.capitalize()
        self._empty = empty

    def compose(self) -> ComposeResult:
        """Lay out."""
        yield Rows(id=f"{self.id}-rows", empty=self._empty)

    def show(self, rows: list[Parts]) -> None:
        """Paint."""
        self.query_one(Rows).show(rows)

    @property
    def width(self) -> int:
        """Cells of a line."""
        return self.query_one(Rows).size.width


class ResourcePlot(Painted):
    """Memory and CPU over time, both from 0 to 100 % of what the container may use."""

    def __init__(self) -> None:
        super().__init__(id="resource-plot")
        self._readings: list[Reading] = []

    def show(self, readings: list[Reading]) -> None:
        """Paint, if there is something new."""
        if readings != self._readings:
            self._readings = readings
            self.refresh()

    def render(self) -> RenderResult:
        """Return both plots; called by Textual."""
        width, height = self.size.width, self.size.height
        each = max(1, (height - 2) // 2)
        lines: list[Text] = []
        for name, colour in (("memory", "scrub"), ("cpu", "busy")):
            values = [getattr(reading, name) or 0.0 for reading in self._readings][-2 * width :]
            now = share(values[-1]) if values else "?"
            lines.append(Text.assemble((f"{name:<8}", self.colour("strong")), (f"{now}", self.colour("text"))))
            for number, row in enumerate(plot.columns(values, max(1, width - _AXIS), each, 1.0)):
                label = "100 %" if number == 0 else "0 %" if number == each - 1 else ""
                axis = f"{label:>{_AXIS - 2}} {'┤' if label else '│'}"
                lines.append(Text.assemble((axis, self.colour("dim")), (row, self.colour(colour))))
        return Text("\n").join(lines[:height])


class ResourcesSection(Pane):
    """The plots in their frame."""

    NAME = "Resources"

    def compose(self) -> ComposeResult:
        """Lay out."""
        yield ResourcePlot()


class ContainerScreen(Screen[None]):
    """Everything that is known of one container."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(Context.DETAIL)

    def __init__(self, store: Store, detail: ContainerDetail, *, read_only: bool) -> None:
        super().__init__()
        self._store = store
        self._detail = detail
        self._read_only = read_only
        self.ready = False
        """Whether all sections are there to be painted."""

    def compose(self) -> ComposeResult:
        """Lay out."""
        yield Header(self._store, read_only=self._read_only)
        with Container(id="container-body"):
            yield Section("container", "")
            yield Section("limits", "")
            yield ResourcesSection(id="resources")
            yield Section("executions", "it has not been used yet")
            yield Section("states", "")
            yield Section("resets", "it has not been scrubbed yet")
            yield Section("health", "it has not been checked yet")
        yield Footer(show_command_palette=False, compact=True)

    def on_mount(self) -> None:
        """Begin with the runs."""
        self.query_one("#executions-rows").focus()
        self.call_after_refresh(self._begin)

    def _begin(self) -> None:
        self.ready = True
        self.paint()

    def on_resize(self, _: events.Resize) -> None:
        """Arrange for the new size."""
        room = room_for(self.app.size.width, self.app.size.height)
        for each in type(room):
            self.set_class(each is room, f"-{each}")

    def paint(self) -> None:
        """Show what the store and the pool have."""
        store = self._store
        self.query_one(Header).show()
        with suppress(UnknownContainer):  # one that has been dead for long stays as it was seen last
            self._detail = store.pool.inspect(self._detail.container.id)
        detail = self._detail
        look = STATES[detail.container.state]
        section = self.query_one("#container", Section)
        section.name_with(f"{detail.container.short_id} · {look}")
        section.show(facts(detail, store.snapshot.taken_at))
        self.query_one("#limits", Section).show(limits(detail, store.snapshot.spec))
        runs = self.query_one("#executions", Section)
        lines = [run_line(run, runs.width) for run in reversed(detail.runs)]
        runs.show([RUN_HEAD, *lines] if lines else [])
        changes = [*pairwise((None, *detail.states))]
        states = [state_line(change, before) for before, change in changes if change is not None]
        self.query_one("#states", Section).show(states[::-1])
        resets = self.query_one("#resets", Section)
        resets.show([line for each in reversed(detail.resets) for line in reset_lines(each, resets.width)])
        health = self.query_one("#health", Section)
        health.show([line for each in reversed(detail.checks) for line in check_lines(each, health.width)])
        self.query_one(ResourcePlot).show(list(store.readings.get(detail.container.id, ())))

    def targets(self) -> list[ContainerSnapshot]:
        """What an action on containers is meant for."""
        return [each for each in self._store.snapshot.containers if each.id == self._detail.container.id]

    def done(self) -> None:
        """Nothing is marked here."""

    def action_leave(self) -> None:
        """Back to the pool."""
        self.dismiss()
