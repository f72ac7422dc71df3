"""The details pane: the selected container in short, with its latest runs."""

from __future__ import annotations

from textual.app import ComposeResult

from engine.errors import UnknownContainer
from engine.history import ContainerDetail
from tui.store import Store
from tui.widgets.detail_text import facts, small_run_line
from tui.widgets.pane import Pane
from tui.widgets.rows import Parts, Rows

_PERIOD = 0.5
"""Seconds between looks at a container's history; its state is shown at once."""


class DetailsPane(Pane):
    """What the selected container is and does."""

    NUMBER = 6
    NAME = "Details"

    def __init__(self) -> None:
        super().__init__(id="details")
        self._detail: ContainerDetail | None = None
        self._looked_at = 0.0
        self._rows: list[Parts] = []

    def compose(self) -> ComposeResult:
        """Lay out."""
        yield Rows(id="detail-rows", empty="no container is selected")

    def show(self, store: Store, selected: str) -> None:
        """Paint the selected container."""
        now = store.snapshot.taken_at
        other = self._detail is None or self._detail.container.id != selected
        if not other and now - self._looked_at < _PERIOD:
            return
        self._looked_at = now
        try:
            self._detail = store.pool.inspect(selected) if selected else None
        except UnknownContainer:
            self._detail = None
        rows = self.query_one(Rows)
        lines: list[Parts] = []
        if self._detail is not None:
            lines = facts(self._detail, now)
            if self._detail.runs:
                lines.append((("latest runs", "dim"),))
                lines += [small_run_line(run, rows.size.width) for run in reversed(self._detail.runs)]
        rows.show(lines)
        self.name_with(self._detail.container.short_id if self._detail is not None else "")
        self.note("" if self._detail is None else "all of it [b]Enter[/] in 1")
