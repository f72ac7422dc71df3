"""What stands on a container's tile, and in its row of the table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from engine.container import ContainerSnapshot, ContainerState
from tui.format import bar, duration, fit, latency, plain, plural, share
from tui.looks import STATES
from tui.store import Reading
from tui.widgets.rows import Parts

_S = ContainerState
_FRESH = 1.0
"""Seconds for which a change of state is shown strongly."""

_SHARE = 9
"""Cells of a meter's name and figure."""


@dataclass(frozen=True, slots=True)
class TileView:
    """A container as the screen knows it."""

    container: ContainerSnapshot
    reading: Reading | None
    now: float
    """Seconds since the epoch."""
    marked: bool = False
    mine: bool = False
    """Whether the latest cell of the REPL ran in it."""
    session: bool = False
    """Whether the REPL's session holds it."""

    @property
    def name(self) -> str:
        """The short id; a container that is being made has none yet."""
        return self.container.short_id if self.container.state is not _S.STARTING else "new"

    @property
    def age(self) -> float:
        """Seconds since it was made."""
        return max(0.0, self.now - self.container.created_at)

    @property
    def idle(self) -> float:
        """Seconds since it was last used."""
        return max(0.0, self.now - self.container.last_used_at)

    @property
    def memory(self) -> float | None:
        """Share of its limit."""
        return self.reading.memory if self.reading else None

    @property
    def cpu(self) -> float | None:
        """Share of what it may use."""
        return self.reading.cpu if self.reading else None

    @property
    def activity(self) -> str:
        """What it is doing, in words."""
        container = self.container
        if container.doing:
            return plain(container.doing)
        if container.leaving:
            return container.leaving
        if self.session and container.state is _S.IN_USE:
            return "held by the REPL's session"
        words = {
            _S.STARTING: "being made",
            _S.AVAILABLE: "warm and clean",
            _S.IN_USE: "leased",
            _S.RESETTING: "being scrubbed",
            _S.CHECKING: "health check",
            _S.UNHEALTHY: "not to be used again",
            _S.DESTROYING: "being removed",
            _S.GONE: "removed",
        }
        return words[container.state]

    @property
    def health(self) -> tuple[str, str]:
        """What is known of its health, in a word, and the colour."""
        container = self.container
        if container.health_check_failures or container.healthy is False:
            return "▲ sick", "bad"
        return ("✓ fit", "good") if container.healthy else ("· new", "dim")


def tile(view: TileView, width: int) -> tuple[Parts, ...]:
    """The five lines of a tile; `width` cells each."""
    state, name, doing = _head(view, width)
    runs = _runs(view)
    times = _times(view, width - len(runs) - 1)
    health, colour = view.health
    ages = f"{duration(view.age)} old · idle {duration(view.idle)}"
    room = (width - 2 * _SHARE - 2) // 2
    gap = " " * (width - 2 * (room + _SHARE))
    return (
        (state, name),
        doing,
        ((runs, "text"), (times.rjust(width - len(runs)), "dim")),
        (*_meter("mem", view.memory, room), (gap, "text"), *_meter("cpu", view.cpu, room)),
        ((fit(ages, width - len(health) - 1), "dim"), (" ", "dim"), (health, colour)),
    )


def small_tile(view: TileView, width: int) -> tuple[Parts, ...]:
    """The three lines of a small tile; `width` cells each."""
    state, name, doing = _head(view, width)
    figures = f"mem {share(view.memory):>4}  cpu {share(view.cpu):>4}"
    times = _times(view, width - len(figures) - 2)
    return (state, name), doing, ((fit(times, width - len(figures)), "dim"), (figures, "dim"))


def _runs(view: TileView) -> str:
    count = view.container.execution_count
    return plural(count, "run") if count < 1000 else f"{count / 1000:.1f}k runs"


def _times(view: TileView, width: int) -> str:
    """The last and the usual time, or what of it there is room for."""
    container = view.container
    if container.last_run is None or container.p95_run is None:
        return "not used yet" if not container.execution_count else ""
    usual = f"p95 {latency(container.p95_run)}"
    both = f"{latency(container.last_run)} · {usual}"
    return both if len(both) <= width else usual


def _meter(name: str, value: float | None, room: int) -> Parts:
    return ((f"{name} ", "dim"), (bar(value or 0.0, room - 1), _load(value)), (f"{share(value):>6}", "text"))


def _head(view: TileView, width: int) -> tuple[tuple[str, str], tuple[str, str], Parts]:
    look = STATES[view.container.state]
    name = f"{'✓ ' if view.marked else ''}{'» ' if view.mine else ''}{view.name}"
    since = duration(view.container.state_for)
    fresh = view.container.state_for < _FRESH
    colour = "dim" if view.container.state is _S.GONE else "strong" if view.container.doing or fresh else "text"
    state = f"{look} · session" if view.session and view.container.state is _S.IN_USE else str(look)
    head = (fit(state, width - len(name)), look.colour)
    named = (name, "accent" if view.marked or view.mine else "strong")
    return head, named, ((fit(view.activity, width - len(since) - 1), colour), (f" {since}", "dim"))


def _load(value: float | None) -> str:
    return "bad" if value is not None and value >= 0.9 else "warn" if value is not None and value >= 0.7 else "busy"


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the table, and one order of the tiles."""

    name: str
    width: int
    text: Callable[[TileView], str]
    order: Callable[[TileView], float | str]
    """What is sorted by."""
    drop: int = 0
    """The higher, the sooner it goes where there is no room."""
    right: bool = True


def _state_order(view: TileView) -> float:
    busy = (_S.UNHEALTHY, _S.IN_USE, _S.RESETTING, _S.CHECKING, _S.STARTING, _S.AVAILABLE, _S.DESTROYING, _S.GONE)
    return busy.index(view.container.state)


COLUMNS = (
    Column("age", 7, lambda v: duration(v.age), lambda v: -v.age, 4),
    Column("state", 12, lambda v: str(STATES[v.container.state]), _state_order, right=False),
    Column("for", 7, lambda v: duration(v.container.state_for), lambda v: -v.container.state_for),
    Column("runs", 6, lambda v: f"{v.container.execution_count:,}", lambda v: -v.container.execution_count, 1),
    Column("last", 8, lambda v: _time(v.container.last_run), lambda v: -(v.container.last_run or 0.0), 6),
    Column("p95", 8, lambda v: _time(v.container.p95_run), lambda v: -(v.container.p95_run or 0.0), 2),
    Column("mem", 5, lambda v: share(v.memory), lambda v: -(v.memory or 0.0)),
    Column("cpu", 5, lambda v: share(v.cpu), lambda v: -(v.cpu or 0.0)),
    Column("idle", 7, lambda v: duration(v.idle), lambda v: v.idle, 5),
    Column("health", 6, lambda v: v.health[0], lambda v: -v.container.health_check_failures, 3, right=False),
)
"""All orders; the table shows them around the id and the activity."""


def _time(seconds: float | None) -> str:
    return "" if seconds is None else latency(seconds)


_ID = 12
_ACTIVITY = 14
"""Cells that what a container does has at least."""


def table_columns(width: int) -> list[Column]:
    """The columns for which there is room."""
    shown = [COLUMNS[1], *(column for column in COLUMNS if column is not COLUMNS[1])]
    while shown and _ID + 3 + _ACTIVITY + sum(column.width + 1 for column in shown) > width:
        shown.remove(max(shown, key=lambda column: column.drop))
    return shown


def table_head(columns: list[Column], width: int, order: Column, *, backwards: bool) -> Parts:
    """The names of the columns; the one that is sorted by says in which direction."""
    parts: list[tuple[str, str]] = [("  " + fit("container", _ID) + " ", "dim")]
    rest = width - _ID - 3
    for column in columns:
        name = f"{column.name}{'↑' if backwards else '↓'}" if column is order else column.name
        text = name.rjust(column.width) if column.right else fit(name, column.width)
        parts.append((text + " ", "accent" if column is order else "dim"))
        rest -= column.width + 1
    parts.append((fit("doing", rest), "dim"))
    return tuple(parts)


def table_row(view: TileView, columns: list[Column], width: int) -> Parts:
    """One line of the table."""
    look = STATES[view.container.state]
    sign = "✓ " if view.marked else "» " if view.mine else "  "
    parts = [(sign, "accent"), (fit(view.name, _ID) + " ", "strong")]
    rest = width - _ID - 3
    for column in columns:
        text = column.text(view)
        colour = {"state": look.colour, "health": view.health[1], "mem": _loaded(view.memory)}.get(column.name, "text")
        parts.append(((text.rjust(column.width) if column.right else fit(text, column.width)) + " ", colour))
        rest -= column.width + 1
    parts.append((fit(view.activity, rest), "text" if view.container.doing else "dim"))
    return tuple(parts)


def _loaded(value: float | None) -> str:
    return _load(value) if value is not None and value >= 0.7 else "text"
