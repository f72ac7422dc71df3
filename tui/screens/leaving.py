"""What is seen while the pool is shut down."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Label, ProgressBar

from engine.stats import PoolSnapshot
from tui.format import plural


class Leaving(ModalScreen[None]):
    """Shows how many containers are left."""

    def __init__(self, pool: PoolSnapshot) -> None:
        super().__init__()
        self._total = max(1, pool.total)

    def compose(self) -> ComposeResult:
        """Lay out."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = "[b]Shutting down[/]"
            yield Label("", id="left", classes="question")
            yield ProgressBar(self._total, show_eta=False, id="progress")
            yield Label("[b]q[/] again: leave at once, whatever still runs", classes="consequence")

    def show(self, pool: PoolSnapshot) -> None:
        """Paint the progress, once there is something to paint it on."""
        left = f"{plural(pool.total, 'container')} left, {pool.in_use} in use"
        for label in self.query("#left").results(Label):
            label.update(left)
        for bar in self.query(ProgressBar):
            bar.update(progress=max(0, self._total - pool.total))
