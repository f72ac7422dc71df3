"""The dialog that sets the bounds of the pool."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Label

from engine.stats import PoolSnapshot
from tui.format import plural


class Resize(ModalScreen[tuple[int, int]]):
    """Asks for two numbers, and says what they will do; returns them, or nothing."""

    BINDINGS: ClassVar[list[BindingType]] = [("escape", "cancel", "Cancel")]

    def __init__(self, pool: PoolSnapshot) -> None:
        super().__init__()
        self._pool = pool

    def compose(self) -> ComposeResult:
        """Lay out two numbers, what follows from them, and the answers."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = "[b]Resize[/]"
            with Horizontal(classes="field"):
                yield Label("at least")
                yield Input(str(self._pool.min_size), id="low", type="integer", compact=True)
            with Horizontal(classes="field"):
                yield Label("at most")
                yield Input(str(self._pool.max_size), id="high", type="integer", compact=True)
            yield Label("", id="effect", classes="consequence")
            with Horizontal(classes="answers"):
                yield Button("Cancel", id="cancel", compact=True)
                yield Button("Resize", id="confirm", variant="primary", compact=True)

    def _bounds(self) -> tuple[int, int] | None:
        try:
            low, high = (int(self.query_one(name, Input).value) for name in ("#low", "#high"))
        except ValueError:
            return None
        return (low, high) if 0 <= low <= high and high >= 1 else None

    def on_input_changed(self) -> None:
        """Say what the numbers will do."""
        bounds = self._bounds()
        self.query_one("#confirm", Button).disabled = bounds is None
        self.query_one("#effect", Label).update(effect(self._pool, bounds))

    def on_input_submitted(self) -> None:
        """Enter in a number is the same as the button."""
        self._done()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Answer."""
        if event.button.id == "confirm":
            self._done()
        else:
            self.action_cancel()

    def _done(self) -> None:
        bounds = self._bounds()
        if bounds is not None:
            self.dismiss(bounds)

    def action_cancel(self) -> None:
        """Change nothing."""
        self.dismiss(None)


def effect(pool: PoolSnapshot, bounds: tuple[int, int] | None) -> str:
    """What new bounds will do to the pool, in words."""
    if bounds is None:
        return "not possible: 0 ≤ least ≤ most, and most at least 1"
    low, high = bounds
    if pool.live > high:
        return f"{plural(pool.live - high, 'container')} will go as soon as they are free"
    if pool.live < low:
        return f"{plural(low - pool.live, 'container')} will be made"
    return f"nothing changes at once: there are {pool.live}"
