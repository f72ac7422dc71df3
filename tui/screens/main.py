"""The main screen: all panes, arranged by the size of the terminal, the layout and the zoom."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.screen import Screen
from textual.widgets import Footer, Static

from engine.container import ContainerSnapshot
from tui.actions import ACTIONS, keys_shown
from tui.looks import SEVERITIES
from tui.pane_shell import PaneShell
from tui.store import Store
from tui.widgets.alerts import AlertsPane
from tui.widgets.containers import ContainersPane
from tui.widgets.details import DetailsPane
from tui.widgets.events import EventsPane
from tui.widgets.header import Header
from tui.widgets.metrics import MetricsPane
from tui.widgets.pane import Pane
from tui.widgets.repl import ReplPane
from tui.widgets.tiles import TileGrid


class Room(StrEnum):
    """How much room the terminal has."""

    SMALL = "small"
    """One pane at a time: 80x24."""
    MEDIUM = "medium"
    """The pool, and either details or the REPL: 120x40."""
    LARGE = "large"
    """Everything: 200x60."""


class Layout(StrEnum):
    """What the room is given to."""

    BALANCED = "balanced"
    CONTAINERS = "containers"
    """The grid, and nothing beside it."""
    REPL = "repl"
    """A tall REPL under the grid."""


_CONTAINERS, _METRICS, _ALERTS, _EVENTS, _REPL, _DETAILS = range(1, 7)


def room_for(width: int, height: int) -> Room:
    """How much room a terminal of this size has."""
    if width < 100 or height < 34:
        return Room.SMALL
    return Room.LARGE if width >= 160 and height >= 44 else Room.MEDIUM


def panes_shown(room: Room, layout: Layout, active: int, below: int, zoomed: bool) -> set[int]:
    """Which panes are seen; the active one always is.

    Args:
        active: the pane that has the focus.
        below: which of details and REPL was used last.
    """
    if room is Room.SMALL or zoomed:
        return {active}
    lower = {_DETAILS, _REPL} if room is Room.LARGE else {below}
    shown = {
        Layout.BALANCED: {_CONTAINERS, _METRICS, _ALERTS, _EVENTS, *lower},
        Layout.CONTAINERS: {_CONTAINERS},
        Layout.REPL: {_CONTAINERS, _REPL},
    }[layout]
    return shown | {active}


class MainScreen(Screen[None]):
    """Header, panes, footer."""

    def __init__(self, store: Store, repl: PaneShell | None, keymap: Mapping[str, str]) -> None:
        """Args: repl: what the REPL pane stands on; None where nobody may run anything."""
        super().__init__()
        self._store = store
        self._repl = repl
        self._keymap = keymap
        self._layout = Layout.BALANCED
        self._active = _CONTAINERS
        self._below = _DETAILS
        self._zoomed = False
        self._strip = ""
        self.ready = False
        """Whether all panes are there to be painted."""

    def compose(self) -> ComposeResult:
        """Lay out."""
        yield Header(self._store, read_only=self._repl is None)
        yield Static(id="strip")
        with Horizontal(id="body"):
            with Vertical(id="left"):
                yield ContainersPane()
                with Horizontal(id="below"):
                    yield DetailsPane()
                    if self._repl is not None:
                        yield ReplPane(self._repl, self._keymap)
            with Vertical(id="right"):
                yield MetricsPane(id="metrics")
                yield AlertsPane()
                yield EventsPane()
        yield Footer(show_command_palette=False, compact=True)

    def on_mount(self) -> None:
        """Begin with the containers."""
        self._arrange()
        self.query_one(TileGrid).focus()
        self.call_after_refresh(self._begin)

    def _begin(self) -> None:
        self.ready = True
        self.paint()

    # Painting.

    def paint(self) -> None:
        """Show what the store has; panes that are not seen cost nothing."""
        self.query_one(Header).show()
        self.query_one(ContainersPane).session = self._repl.leased if self._repl is not None else ""
        self._warn()
        for pane in self.query(Pane):
            if pane.display and isinstance(pane, (ContainersPane, MetricsPane, AlertsPane, EventsPane)):
                pane.show(self._store)
        self.on_tile_grid_selected()

    def on_tile_grid_selected(self) -> None:
        """Show the details of what is selected now, at once."""
        details = self.query_one(DetailsPane)
        if details.display:
            details.show(self._store, self.query_one(TileGrid).selected)

    def _warn(self) -> None:
        """Where the alerts have no room, say the worst of them in one line, and what helps."""
        strip = self.query_one("#strip", Static)
        worst = self._store.alerts.unacknowledged[:1]
        strip.display = bool(worst) and not self._seen(_ALERTS)
        if strip.display:
            alert = worst[0]
            key = next((keys_shown(action, self._keymap) for action in ACTIONS if action.name == alert.remedy), "3")
            text = f"{SEVERITIES[alert.severity].glyph} {alert.message} → {alert.action} [b]{key}[/]"
            if text != self._strip:
                self._strip = text
                strip.update(text)

    def _seen(self, number: int) -> bool:
        return number in panes_shown(self._room, self._layout, self._active, self._below, self._zoomed)

    # Arranging.

    @property
    def _room(self) -> Room:
        return room_for(self.app.size.width, self.app.size.height)

    def _arrange(self) -> None:
        room = self._room
        for each in Room:
            self.set_class(each is room, f"-{each}")
        for layout in Layout:
            self.set_class(layout is self._layout, f"-layout-{layout}")
        self.set_class(room is Room.SMALL or self._zoomed, "-single")
        shown = panes_shown(room, self._layout, self._active, self._below, self._zoomed)
        for pane in self.query(Pane):
            pane.display = pane.NUMBER in shown
        self.query_one("#below").display = bool(shown & {_DETAILS, _REPL})
        self.query_one("#right").display = bool(shown & {_METRICS, _ALERTS, _EVENTS})
        self.query_one("#left").display = bool(shown & {_CONTAINERS, _DETAILS, _REPL})
        self.query_one(ContainersPane).use_table(room is Room.SMALL)
        if self.ready:
            self.call_after_refresh(self.paint)

    def on_resize(self, _: events.Resize) -> None:
        """Arrange for the new size; focus and selection stay."""
        self._arrange()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """The pane with the focus is always seen."""
        pane = next((each for each in event.widget.ancestors_with_self if isinstance(each, Pane)), None)
        if pane is not None and self._active != pane.NUMBER:
            self._activate(pane.NUMBER)

    def _activate(self, number: int) -> None:
        self._active = number
        if number in (_DETAILS, _REPL):
            self._below = number
        self._arrange()

    def go_to(self, number: int) -> None:
        """Give the focus to a pane."""
        pane = next((each for each in self.query(Pane) if number == each.NUMBER), None)
        if pane is not None:
            self._activate(number)
            # At once: what is typed next is meant for it.
            self.set_focus(pane.home())

    def zoom(self) -> None:
        """Give the pane with the focus the whole screen, or take it back."""
        self._zoomed = not self._zoomed
        self._arrange()

    def next_layout(self) -> Layout:
        """Go on to the next layout."""
        layouts = list(Layout)
        self._layout = layouts[(layouts.index(self._layout) + 1) % len(layouts)]
        self._zoomed = False
        if self._layout is not Layout.BALANCED and self._active not in (_CONTAINERS, _REPL):
            self.go_to(_CONTAINERS)
        self._arrange()
        return self._layout

    # Between panes.

    def targets(self) -> list[ContainerSnapshot]:
        """What an action on containers is meant for."""
        return self.query_one(ContainersPane).targets()

    def done(self) -> None:
        """An action on the marked containers has been begun."""
        self.query_one(ContainersPane).unmark()

    def on_repl_pane_ran_in(self, message: ReplPane.RanIn) -> None:
        """Point at the container of a cell."""
        self.query_one(ContainersPane).mine = message.container_id
        self.query_one(TileGrid).select(message.container_id)

    def on_repl_pane_left(self) -> None:
        """Leave the REPL."""
        self.go_to(_CONTAINERS)
