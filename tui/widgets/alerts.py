"""The alerts pane: what is wrong, since when, and which key helps."""

from __future__ import annotations

from textwrap import wrap
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.message import Message

from tui.actions import ACTIONS, Context, bindings, keys_shown
from tui.alert_log import AlertEntry
from tui.format import clock, duration, fit
from tui.looks import SEVERITIES
from tui.store import Store
from tui.widgets.pane import Pane
from tui.widgets.rows import Parts, Rows


class AlertsPane(Pane):
    """Alerts that hold first, then those that are over."""

    NUMBER = 3
    NAME = "Alerts"
    BINDINGS: ClassVar[list[BindingType]] = bindings(Context.ALERTS)

    class Remedy(Message):
        """What helps against an alert is to be done."""

        def __init__(self, action: str) -> None:
            super().__init__()
            self.action = action

    def __init__(self) -> None:
        super().__init__(id="alerts")
        self._store: Store | None = None
        self._owners: list[AlertEntry] = []

    def compose(self) -> ComposeResult:
        """Lay out."""
        yield Rows(id="alert-rows", empty="✓ nothing is wrong")

    def show(self, store: Store) -> None:
        """Paint all alerts: a few lines for one that holds, one for one that is over."""
        self._store = store
        rows: list[Parts] = []
        self._owners = []
        width = self.query_one(Rows).size.width
        for entry in store.alerts.entries():
            lines = self._lines(entry, store.snapshot.taken_at, width)
            rows += lines
            self._owners += [entry] * len(lines)
        self.query_one(Rows).show(rows)
        active = [entry for entry in self._owners if entry.ended_at is None]
        count = len({entry.key for entry in active})
        self.name_with(f"{count} active" if count else "")
        self.set_class(any(not entry.acknowledged for entry in active), "alarmed")

    def _lines(self, entry: AlertEntry, now: float, width: int) -> list[Parts]:
        alert, look = entry.alert, SEVERITIES[entry.alert.severity]
        if entry.ended_at is not None:
            since = f"{clock(alert.since)} for {duration(entry.ended_at - alert.since)}"
            return [((fit(f"✓ {alert.message}", width - len(since) - 1), "dim"), (f" {since}", "dim"))]
        quiet = entry.acknowledged
        since = f"{'✓ seen · ' if quiet else ''}since {clock(alert.since)}, {duration(now - alert.since)}"
        colour = "dim" if quiet else "strong"
        message: list[Parts] = [((f"  {line}", colour),) for line in wrap(alert.message, max(10, width - 2))]
        key = self._key(entry)
        return [
            ((fit(str(look), width - len(since)), "dim" if quiet else look.colour), (since, "dim")),
            *message,
            (("  → ", "dim"), (fit(alert.action, min(len(alert.action), width - 4 - len(key[0]))), "text"), key),
        ]

    def _key(self, entry: AlertEntry) -> tuple[str, str]:
        for action in ACTIONS:
            if action.name == entry.alert.remedy:
                return f"  {keys_shown(action, {})}", "accent"
        return "", "dim"

    def _entry(self) -> AlertEntry | None:
        cursor = self.query_one(Rows).cursor
        return self._owners[cursor] if cursor < len(self._owners) else None

    def action_acknowledge(self) -> None:
        """Note that the selected alert has been seen."""
        entry = self._entry()
        if entry is not None and self._store is not None:
            self._store.alerts.acknowledge(entry.key)
            self.show(self._store)

    def action_remedy(self) -> None:
        """Do what helps against the selected alert, where one key does."""
        entry = self._entry()
        if entry is not None and entry.ended_at is None and entry.alert.remedy:
            self.post_message(self.Remedy(entry.alert.remedy))

    def on_rows_chosen(self) -> None:
        """The same with the mouse."""
        self.action_remedy()
