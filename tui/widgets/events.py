"""The events pane: the pool's log, live, filtered, held still and copied."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from itertools import islice
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType

from engine.events import Event
from tui.actions import Context, bindings
from tui.format import clock, fit, plain
from tui.store import Store
from tui.widgets.containers import ContainersPane
from tui.widgets.filter_bar import FilterBar
from tui.widgets.pane import Pane
from tui.widgets.rows import Parts, Rows


class Level(StrEnum):
    """Which events are shown."""

    ALL = "all"
    MATTERS = "what matters"
    """Without what happens with every run."""
    WARNINGS = "warnings"


_COLOURS = {"warning": "warn", "info": "text", "debug": "dim"}
_GLYPHS = {"warning": "▲", "info": "·", "debug": " "}
_SHOWN = 1000
"""Lines that the list has at most; the store remembers more."""


class EventsPane(Pane):
    """What has happened, the latest first."""

    NUMBER = 4
    NAME = "Events"
    BINDINGS: ClassVar[list[BindingType]] = bindings(Context.EVENTS)

    def __init__(self) -> None:
        super().__init__(id="events")
        self._level = Level.MATTERS
        self._held = False
        self._wish: tuple[object, ...] = ()
        self._seen = 0
        """How many of the store's events have been looked at."""
        self._lines: list[Parts] = []
        self._shown: list[Event] = []
        self._store: Store | None = None

    def compose(self) -> ComposeResult:
        """Lay out."""
        yield Rows(id="event-rows", empty="nothing has happened yet")
        yield FilterBar("show events with this text")

    def show(self, store: Store) -> None:
        """Paint the log, if it has changed and is not held.

        Only what is new is looked at: most events are of no interest to most people.
        """
        self._store = store
        rows = self.query_one(Rows)
        text = self.query_one(FilterBar).value.strip().lower()
        wish = (self._level, text, rows.size.width)
        if wish != self._wish:
            self._wish, self._seen, self._shown, self._lines = wish, 0, [], []
        elif self._held:
            return
        count = min(store.events_seen - self._seen, len(store.events))
        new = [event for event in islice(reversed(store.events), count) if self._wanted(event, text)]
        if new or not self._seen:
            self._shown = [*new, *self._shown][:_SHOWN]
            self._lines = [*(event_line(event, wish[2]) for event in new), *self._lines][:_SHOWN]
            rows.show(self._lines)
            self._describe()
        self._seen = store.events_seen

    def _describe(self) -> None:
        self.name_with("held still" if self._held else "")
        self.note(f"{self._level} [b]f[/]")

    def _wanted(self, event: Event, text: str) -> bool:
        if self._level is Level.WARNINGS and event.level != "warning":
            return False
        if self._level is Level.MATTERS and event.routine:
            return False
        return not text or text in f"{event.name} {event.container_id} {_said(event.data)}".lower()

    def _repaint(self) -> None:
        self._describe()
        if self._store is not None:
            self.show(self._store)

    def action_open(self) -> None:
        """Show the container of the selected event."""
        cursor = self.query_one(Rows).cursor
        if cursor < len(self._shown):
            container_id = self._shown[cursor].container_id
            if container_id:
                self.post_message(ContainersPane.Open(container_id))

    def on_rows_chosen(self) -> None:
        """The same with the mouse."""
        self.action_open()

    def action_filter(self) -> None:
        """Type what is to be shown."""
        self.query_one(FilterBar).ask()

    def on_input_changed(self) -> None:
        """Filter while it is typed."""
        self._repaint()

    def action_kind(self) -> None:
        """Show the next level."""
        levels = list(Level)
        self._level = levels[(levels.index(self._level) + 1) % len(levels)]
        self._repaint()

    def action_hold(self) -> None:
        """Hold the log still, or follow it again."""
        self._held = not self._held
        self._repaint()

    def action_copy(self) -> None:
        """Copy what is shown, the oldest first."""
        lines = [f"{clock(event.time)} {_name(event)} {_said(event.data)}".rstrip() for event in reversed(self._shown)]
        self.app.copy_to_clipboard("\n".join(lines))
        self.notify(f"{len(lines)} events copied")


def event_line(event: Event, width: int) -> Parts:
    """One event as a line: when, to which container, what."""
    colour = _COLOURS[event.level]
    container = (event.container_id or "")[:8]
    what = f"{_name(event)}  {_said(event.data)}"
    return (
        (f"{clock(event.time)} ", "dim"),
        (f"{_GLYPHS[event.level]} ", colour),
        (f"{container:<8} ", "busy" if container else "dim"),
        (fit(what, max(0, width - 20)), colour),
    )


def _name(event: Event) -> str:
    return event.name.removeprefix("container_").replace("_", " ")


def _said(data: Mapping[str, Any]) -> str:
    parts: list[str] = []
    for name, value in data.items():
        if name in ("reason", "error", "severity"):
            parts.insert(0, plain(str(value)))
        elif name.endswith("_ms"):
            parts.append(f"{value:.1f} ms")
        elif not isinstance(value, Mapping):
            parts.append(f"{name.replace('_', ' ')} {plain(str(value))}")
    return "  ".join(part for part in parts if part)
