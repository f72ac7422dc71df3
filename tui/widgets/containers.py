"""The containers pane: the grid, its filter, its order and its marks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.message import Message

from engine.agent.channel import Gauges
from engine.container import ContainerMetadata, ContainerSnapshot, ContainerState
from engine.history import Obituary
from engine.stats import PoolPhase, PoolSnapshot
from tui.actions import Context, bindings
from tui.format import size
from tui.looks import STATES
from tui.store import Store
from tui.widgets.filter_bar import FilterBar
from tui.widgets.pane import Pane
from tui.widgets.tile_text import COLUMNS, TileView
from tui.widgets.tiles import TileGrid


class ContainersPane(Pane):
    """All containers, and which of them an action is meant for."""

    NUMBER = 1
    NAME = "Containers"
    BINDINGS: ClassVar[list[BindingType]] = bindings(Context.CONTAINERS)

    class Open(Message):
        """A container is to be shown in full."""

        def __init__(self, container_id: str) -> None:
            super().__init__()
            self.container_id = container_id

    def __init__(self) -> None:
        super().__init__(id="containers")
        self._marked: set[str] = set()
        self._order = 0
        self._backwards = False
        self._graves = False
        self._shown: list[TileView] = []
        self._narrow = False
        self._as_table: bool | None = None
        self._store: Store | None = None
        self.mine = ""
        """The container in which the latest cell of the REPL ran."""
        self.session = ""
        """The container that the REPL's session holds."""

    def compose(self) -> ComposeResult:
        """Lay out."""
        yield TileGrid(id="tiles")
        yield FilterBar("show containers with this text")

    @property
    def grid(self) -> TileGrid:
        """The tiles."""
        return self.query_one(TileGrid)

    def targets(self) -> list[ContainerSnapshot]:
        """What an action is meant for: the marked containers, else the selected one."""
        wanted = self._marked or {self.grid.selected}
        alive = () if self._store is None else self._store.snapshot.containers
        return [container for container in alive if container.id in wanted]

    def use_table(self, narrow: bool) -> None:
        """Show a table where there is little room, unless a person chose otherwise."""
        self._narrow = narrow
        self.grid.as_table = narrow if self._as_table is None else self._as_table

    def show(self, store: Store) -> None:
        """Paint the containers that are wanted, in their order."""
        self._store = store
        pool = store.snapshot
        self._marked &= {container.id for container in pool.containers}
        views = [self._view(container, store) for container in self._wanted(store)]
        text = self.query_one(FilterBar).value.strip().lower()
        shown = [view for view in views if _matches(view, text)] if text else views
        column = COLUMNS[self._order]
        shown.sort(key=lambda view: (view.container.created_at, view.container.id))
        shown.sort(key=lambda view: column.order(view), reverse=self._backwards)
        self._shown = shown
        note = (f"nothing matches {text!r}", "Esc in the filter shows all") if text else _why_empty(pool)
        self.grid.show(shown, note, (column, self._backwards))
        count = f"{len(shown)} of {len(views)}" if text else str(len(views))
        self.name_with(count + (f" · {len(self._marked)} marked" if self._marked else ""))
        whole = f"mem 100 % = {size(pool.spec.memory)} · cpu 100 % = {pool.spec.cpus:g} core"
        self.note(f"by {column.name} {'↑' if self._backwards else '↓'} [b]s[/] · {whole}")

    def _wanted(self, store: Store) -> Iterable[ContainerSnapshot]:
        yield from store.snapshot.containers
        if self._graves:
            for death in store.snapshot.dead:
                yield _as_snapshot(death)
        else:
            for _, ghost in store.ghosts.values():
                yield ghost

    def _view(self, container: ContainerSnapshot, store: Store) -> TileView:
        return TileView(
            container,
            store.reading(container.id),
            store.snapshot.taken_at,
            container.id in self._marked,
            container.id == self.mine,
            container.id == self.session,
        )

    # Actions.

    def action_open(self) -> None:
        """Show the selected container in full."""
        if self.grid.selected:
            self.post_message(self.Open(self.grid.selected))

    def on_tile_grid_opened(self) -> None:
        """The same with the mouse."""
        self.action_open()

    def action_filter(self) -> None:
        """Type what is to be shown."""
        self.query_one(FilterBar).ask()

    def on_input_changed(self) -> None:
        """Filter while it is typed."""
        self._repaint()

    def action_sort(self) -> None:
        """Sort by the next column."""
        self._order = (self._order + 1) % len(COLUMNS)
        self._repaint()

    def action_reverse(self) -> None:
        """Sort the other way round."""
        self._backwards = not self._backwards
        self._repaint()

    def action_view(self) -> None:
        """Tiles or a table."""
        self._as_table = not self.grid.as_table
        self.use_table(self._narrow)
        self._repaint()

    def action_graves(self) -> None:
        """Show those that are no more, or not."""
        self._graves = not self._graves
        self._repaint()

    def action_mark(self) -> None:
        """Mark the selected container, or not, and go to the next."""
        self._marked ^= {self.grid.selected}
        self.grid.action_move(1, 0)
        self._repaint()

    def action_mark_all(self) -> None:
        """Mark all that are shown, or none."""
        alive = {view.container.id for view in self._shown if view.container.state is not ContainerState.GONE}
        self._marked = set() if self._marked >= alive else alive
        self._repaint()

    def unmark(self) -> None:
        """Forget the marks: what they were for is done."""
        self._marked.clear()
        self._repaint()

    def _repaint(self) -> None:
        if self._store is not None:
            self.show(self._store)


def _matches(view: TileView, text: str) -> bool:
    container = view.container
    where = (container.id, STATES[container.state].word, container.doing, container.leaving)
    return any(text in each.lower() for each in where)


def _why_empty(pool: PoolSnapshot) -> tuple[str, ...]:
    """What is being waited for while there is no container."""
    if pool.phase is PoolPhase.CLOSED:
        return ("the pool is shut down",)
    if pool.phase is not PoolPhase.RUNNING:
        return (f"the pool is {pool.phase}", "r resumes it")
    if pool.creation_error:
        return ("no container can be made", pool.creation_error, "it is tried again by itself")
    return ("waiting for the first container", f"{pool.image} on {pool.backend}")


def _as_snapshot(death: Obituary) -> ContainerSnapshot:
    """A tile for a container that is no more; its whole history is on its own screen."""
    return ContainerSnapshot(
        id=death.id,
        state=ContainerState.GONE,
        metadata=ContainerMetadata("", "", ""),
        created_at=death.at - death.lived,
        last_used_at=death.at,
        state_for=0.0,
        execution_count=death.executions,
        reset_count=0,
        health_check_failures=0,
        last_run=None,
        p95_run=None,
        healthy=None if death.expected else False,
        gauges=Gauges(),
        doing="",
        leaving=death.reason,
    )
