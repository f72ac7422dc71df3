"""The two lines at the top: which pool, in which state, how much of it is in use, what is wrong."""

from __future__ import annotations

from rich.style import Style
from rich.text import Text
from textual.app import RenderResult

from engine.stats import PoolPhase, PoolSnapshot
from tui.format import duration, latency, plural, rate
from tui.looks import PHASES
from tui.store import Store
from tui.widgets.pane import Painted

_BAR = 24
_BADGE = Style(reverse=True, bold=True)
_NARROW = 100
"""Cells from which there is room for everything."""


class Header(Painted):
    """Says at a glance how the pool does."""

    def __init__(self, store: Store, *, read_only: bool) -> None:
        super().__init__(id="header")
        self._store = store
        self._read_only = read_only
        self._shown: tuple[object, ...] = ()

    def show(self) -> None:
        """Paint, if something has changed."""
        pool = self._store.snapshot
        shown = (
            *(pool.phase, pool.available, pool.in_use, pool.total, pool.max_size, pool.waiting, int(pool.uptime)),
            *(rate(pool.executions_per_second), len(self._store.alerts.unacknowledged), self._store.paused),
            *(latency(pool.run.p95), pool.creation_error),
        )
        if shown != self._shown:
            self._shown = shown
            self.set_class(not pool.isolated, "unisolated")
            self.refresh()

    def render(self) -> RenderResult:
        """Return both lines; called by Textual."""
        pool = self._store.snapshot
        width = self.size.width
        return Text("\n").join(
            [self._joined(*self._who(pool, width), width), self._joined(*self._how(pool, width), width)]
        )

    def _who(self, pool: PoolSnapshot, width: int) -> tuple[Text, Text]:
        left = Text.assemble(("◆ Pooldeck", self.colour("accent")), "  ", (pool.pool_id, self.colour("strong")), "  ")
        if pool.backend == "simulated":
            left.append_text(self._badge("SIMULATED", "warn"))
        else:
            left.append(f"{pool.backend} · ", self.colour("dim"))
            left.append(pool.isolation, self.colour("bad" if not pool.isolated else "dim"))
        if not pool.isolated:
            left.append("  ")
            left.append_text(self._badge("UNISOLATED", "bad"))
        if width >= _NARROW:
            pythons = {container.metadata.python for container in pool.containers if container.metadata.python}
            runs = [pool.image] if pool.backend != "bubblewrap" else []
            runs += [f"Python {version}" for version in sorted(pythons)]
            left.append(f"  {' · '.join(runs)}", self.colour("dim"))
        right = Text()
        for condition, word in ((self._read_only, "READ ONLY"), (self._store.paused, "PAUSED")):
            if condition:
                right.append_text(self._badge(word, "warn"))
                right.append("  ")
        look = PHASES[pool.phase]
        right.append(str(look), self.colour(look.colour))
        if pool.phase is not PoolPhase.RUNNING and pool.leaving_from:
            right.append(f" {pool.leaving_from - pool.total} of {pool.leaving_from}", self.colour("dim"))
        right.append(f"  up {duration(pool.uptime)}" if pool.uptime >= 1 else "  up 0 s", self.colour("dim"))
        return left, right

    def _how(self, pool: PoolSnapshot, width: int) -> tuple[Text, Text]:
        strong, dim = self.colour("strong"), self.colour("dim")
        left = Text()
        if width >= _NARROW:
            left.append_text(self._levels(pool))
            left.append("  ")
        for number, word, colour in ((pool.available, "available", "good"), (pool.in_use, "in use", "busy")):
            left.append(f"{number} ", strong)
            left.append(f"{word}  ", self.colour(colour))
        left.append(f"{pool.total} ", strong)
        left.append(f"of {pool.min_size} to {pool.max_size}", dim)
        if pool.waiting:
            left.append(f"  {pool.waiting} ", strong)
            left.append("waiting", self.colour("warn"))
        right = Text()
        right.append(f"{rate(pool.executions_per_second)} ", strong)
        right.append("runs/s", dim)
        if width >= _NARROW:
            right.append(f"  {latency(pool.run.p95) if pool.run.count else '-'} ", strong)
            right.append("p95", dim)
        count = len(self._store.alerts.unacknowledged)
        right.append("  ")
        if count:
            right.append_text(self._badge(f"▲ {plural(count, 'alert')}", "bad"))
        else:
            right.append("✓ no alerts", self.colour("good"))
        return left, right

    def _levels(self, pool: PoolSnapshot) -> Text:
        """A bar of all containers there may be: in use, available, on their way, room."""
        whole = max(pool.max_size, pool.total)
        edges = [round(_BAR * count / whole) for count in (pool.in_use, pool.in_use + pool.available, pool.total)]
        widths = (edges[0], edges[1] - edges[0], edges[2] - edges[1], _BAR - edges[2])
        colours = ("busy", "good", "starting", "dim")
        return Text.assemble(
            *(("━" * width, self.colour(colour)) for width, colour in zip(widths, colours, strict=True))
        )

    def _badge(self, word: str, colour: str) -> Text:
        return Text(f" {word} ", self.colour(colour) + _BADGE)

    def _joined(self, left: Text, right: Text, width: int) -> Text:
        gap = width - left.cell_len - right.cell_len
        if gap < 1:
            left.truncate(max(0, width - right.cell_len - 1), overflow="ellipsis")
            gap = width - left.cell_len - right.cell_len
        return Text.assemble(left, " " * max(0, gap), right)
