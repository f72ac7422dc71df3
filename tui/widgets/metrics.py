"""The metrics pane: rates, levels and latencies, as numbers and as plots with axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual import events
from textual.app import ComposeResult, RenderResult
from textual.binding import BindingType

from engine.metrics import Metrics, Percentiles, Window
from engine.stats import PoolSnapshot
from tui.format import latency, rate, share
from tui.store import Store
from tui.widgets import plot
from tui.widgets.pane import Painted, Pane

_AXIS = 8
"""Cells of an axis with its labels."""

_FASTEST, _SLOWEST = 1e-4, 10.0
"""Seconds: the domain of the latency plot."""

_NAMES = {Window.MINUTE: "1 min", Window.FIVE_MINUTES: "5 min", Window.HALF_HOUR: "30 min"}


class MetricsView(Painted, can_focus=True):
    """Everything that changes over time; what there is room for."""

    BINDINGS: ClassVar[list[BindingType]] = []

    def __init__(self) -> None:
        super().__init__(id="metrics-view")
        self._metrics: Metrics | None = None
        self._pool: PoolSnapshot | None = None

    def show(self, metrics: Metrics, pool: PoolSnapshot) -> None:
        """Paint, if there is something new."""
        if metrics is not self._metrics:
            self._metrics, self._pool = metrics, pool
            self.refresh()

    def render(self) -> RenderResult:
        """Return all lines; called by Textual."""
        if self._metrics is None or self._pool is None:
            return ""
        metrics, pool, width, height = self._metrics, self._pool, self.size.width, self.size.height
        table = self._table(metrics, width)
        room = height - len(table) - 1
        blocks = min(3, max(0, room // 4))  # a plot has a title and three lines at least
        if not blocks:
            return Text("\n").join(table[:height])
        each, extra = divmod(room - blocks, blocks)
        tall = [each + (number < extra) for number in range(blocks)]
        lines: list[Text] = []
        plots = (self._rates, self._levels, self._latencies)
        for draw, lines_high in zip(plots, tall, strict=False):
            lines += draw(metrics, pool, width, lines_high)
        lines.append(self._times(metrics.window, width))
        return Text("\n").join([*lines, *table])

    def _rates(self, metrics: Metrics, pool: PoolSnapshot, width: int, height: int) -> list[Text]:
        values = [point.executions_per_second for point in metrics.points]
        title = self._title(
            "runs/s", width, (rate(pool.executions_per_second), "now"), (rate(metrics.executions_per_second), "mean"),
            (share(metrics.warm), "warm"),
        )  # fmt: skip
        return [title, *self._columns(values, width, height, plot.nice_top(max(values)), "busy")]

    def _levels(self, metrics: Metrics, pool: PoolSnapshot, width: int, height: int) -> list[Text]:
        title = self._title(
            "in use", width, (str(pool.in_use), f"of {pool.max_size}"), (str(pool.waiting), "waiting"),
            (str(max(point.levels.waiting for point in metrics.points)), "at peak"),
        )  # fmt: skip
        values = [float(point.levels.in_use) for point in metrics.points]
        return [title, *self._columns(values, width, height, float(pool.max_size), "good")]

    def _latencies(self, metrics: Metrics, _: PoolSnapshot, width: int, height: int) -> list[Text]:
        names = (("p99", "bad"), ("p95", "warn"), ("p50", "busy"))
        title = Text.assemble(("run time", self.colour("strong")), "  ")
        for name, colour in reversed(names):
            title.append(f"━ {name}  ", self.colour(colour))
        title.append("log scale", self.colour("dim"))
        title.truncate(width)
        series = [[getattr(point.run, name) for point in metrics.points] for name, _ in names]
        rows = plot.lines(series, max(1, width - _AXIS), height, _FASTEST, _SLOWEST)
        lines = [title]
        for number, row in enumerate(rows):
            line = self._label(number, height, "10 s", "30 ms", "0.1 ms")
            for character, who in row:
                line.append(character, self.colour(names[who][1] if who is not None else "dim"))
            lines.append(line)
        return lines

    def _columns(self, values: Sequence[float], width: int, height: int, top: float, colour: str) -> list[Text]:
        lines = []
        for number, row in enumerate(plot.columns(values, max(1, width - _AXIS), height, top)):
            line = self._label(number, height, f"{top:g}", f"{top / 2:g}", "0")
            line.append(row, self.colour(colour))
            lines.append(line)
        return lines

    def _label(self, number: int, height: int, top: str, middle: str, bottom: str) -> Text:
        label = ""
        if number == 0:
            label = top
        elif number == height - 1:
            label = bottom
        elif height >= 5 and number == height // 2 and height % 2:
            label = middle
        return Text(f"{label:>{_AXIS - 2}} {'┤' if label else '│'}", self.colour("dim"))

    def _times(self, window: Window, width: int) -> Text:
        left, middle, right = f"-{_NAMES[window]}", "", "now"
        gap = width - _AXIS - len(left) - len(middle) - len(right)
        return Text(" " * (_AXIS - 1) + "└" + left + "─" * max(1, gap) + right, self.colour("dim"))

    def _title(self, name: str, width: int, *figures: tuple[str, str]) -> Text:
        title = Text.assemble((f"{name:<8}", self.colour("strong")))
        for figure, word in figures:
            if title.cell_len + len(figure) + len(word) + 3 > width:
                break
            title.append(f"  {figure} ", self.colour("strong"))
            title.append(word, self.colour("dim"))
        title.truncate(width)
        return title

    def _table(self, metrics: Metrics, width: int) -> list[Text]:
        cell = max(8, (width - 8) // 4)
        head = Text(" " * 8)
        for name in ("p50", "p95", "p99", "max"):
            head.append(f"{name:>{cell}}", self.colour("dim"))
        rows = [head]
        kinds: tuple[tuple[str, Percentiles], ...] = (
            ("acquire", metrics.acquire),
            ("run", metrics.run),
            ("scrub", metrics.scrub),
        )
        for name, found in kinds:
            row = Text.assemble((f"{name:<8}", self.colour("dim")))
            for seconds in (found.p50, found.p95, found.p99, found.maximum):
                row.append(f"{latency(seconds) if found.count else '-':>{cell}}", self.colour("text"))
            rows.append(row)
        return rows


class MetricsPane(Pane):
    """The metrics, and which window they are of."""

    NUMBER = 2
    NAME = "Metrics"

    def compose(self) -> ComposeResult:
        """Lay out."""
        yield MetricsView()

    def show(self, store: Store) -> None:
        """Paint the window that is looked at."""
        self.query_one(MetricsView).show(store.metrics, store.snapshot)
        chosen = [f"[$accent b]{name}[/]" if w is store.metrics.window else name for w, name in _NAMES.items()]
        self.note(" · ".join(chosen) + "  [b]m[/]")

    def on_resize(self, _: events.Resize) -> None:
        """There may be room for more."""
        self.query_one(MetricsView).refresh()
